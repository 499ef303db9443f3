//! Bursts through a shard, with a clock beside them.
//!
//! The clock costs more than a packet, so it is read twice a burst, never for a packet: a sample is a burst's time divided by its packets, counted once for each of
//! them. Frames are made before the clock is read; what is measured begins with a frame in memory and ends with it rewritten there.

use super::lane::{Lane, LaneError};
use crate::dataplane::conntrack::{Conntrack, TrackingLimits};
use crate::dataplane::{State, Step};
use crate::fastpath::{BURST_MAX, Batch, Shard};
use crate::metrics::Latency;
use crate::program::Program;
use crate::rng::Seed;
use crate::time::{SimDuration, SimTime};
use crate::traffic::{FarSide, Source};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Trials, of which the median counts.
const TRIALS: usize = 5;
/// How long a packet takes as long as nothing happens between bursts: simulated, so that timeouts do not come in.
pub(super) const BETWEEN_BURSTS: SimDuration = SimDuration::from_micros(1);
/// Packets that a TLS flow sends before its first data, one a round; the third is the first that a memo is made of.
const HANDSHAKE_ROUNDS: usize = 4;
const FIRST_ORDINARY_ROUND: usize = 2;

/// What was measured of one lane on one thread.
#[derive(Debug)]
pub(super) struct Measured {
    /// Nanoseconds of a packet, of each trial.
    pub(super) trials_ns: Vec<f64>,
    /// Of the first packet that a memo is made of.
    pub(super) cold_ns: Option<f64>,
    /// Packets that were measured.
    pub(super) packets: u64,
    /// Bytes of their frames.
    pub(super) frame_bytes: u64,
    /// Of the packets measured, the share that did not have to walk.
    pub(super) by_memo: f64,
    /// What memos and sessions take.
    pub(super) memory_bytes: usize,
    /// Burst time by burst size, weighted by packets.
    pub(super) latency: Latency,
}

/// Sends a lane's flows through a shard of their own: handshakes first, then data for `trial` in each of several trials.
///
/// # Errors
/// [`LaneError::NotDelivered`]: the network does not let the flows pass.
pub(super) fn lane(lane: &Lane, seed: Seed, trial: Duration) -> Result<Measured, LaneError> {
    let (mut worker, mut source, cold_ns) = ready(lane, seed)?;
    let before = worker.shard.stats();
    let mut measured = Measured {
        trials_ns: Vec::new(),
        cold_ns,
        packets: 0,
        frame_bytes: 0,
        by_memo: 0.0,
        memory_bytes: worker.shard.memory_bytes(),
        latency: Latency::new(),
    };
    for _ in 0..TRIALS {
        let (mut time, mut packets) = (Duration::ZERO, 0u64);
        while time < trial {
            let (took, bytes) = worker.burst(lane, &mut source, BURST_MAX)?;
            time += took;
            packets += BURST_MAX as u64;
            measured.frame_bytes += bytes;
            let each_ns = took.as_nanos() as u64 / BURST_MAX as u64;
            measured.latency.record_many(SimDuration::from_nanos(each_ns), BURST_MAX as u64);
        }
        measured.packets += packets;
        measured.trials_ns.push(time.as_nanos() as f64 / packets as f64);
    }
    let after = worker.shard.stats();
    measured.by_memo = 1.0 - (after.walked - before.walked) as f64 / (after.packets - before.packets) as f64;
    Ok(measured)
}

/// A worker whose shard knows every flow of a lane: connections are open, memos made. Also what sends on, and the cold time of [`Measured`].
pub(super) fn ready(lane: &Lane, seed: Seed) -> Result<(Worker, Source, Option<f64>), LaneError> {
    let mut source = lane.source(seed)?;
    let state = State { conntrack: Conntrack::with_limits(unlimited()), ..State::default() };
    let mut worker = Worker {
        shard: Shard::new(Arc::clone(&lane.program), state, lane.flows as usize * 2),
        batch: Batch::new(BURST_MAX, source.frame_bytes_max()),
        frame: vec![0; source.frame_bytes_max()],
        answers: Batch::new(BURST_MAX, source.frame_bytes_max()),
        far_side: FarSide::new(seed),
        now: SimTime::ZERO,
    };
    let mut cold_ns = None;
    for round in 0..HANDSHAKE_ROUNDS {
        let (mut time, mut left) = (Duration::ZERO, lane.flows as usize);
        while left > 0 {
            let count = left.min(BURST_MAX);
            time += worker.burst(lane, &mut source, count)?.0;
            worker.answer();
            left -= count;
        }
        if round == FIRST_ORDINARY_ROUND {
            cold_ns = Some(time.as_nanos() as f64 / f64::from(lane.flows));
        }
    }
    // Every flow's data once, so that every memo and every size has been met.
    for _ in 0..lane.flows as usize * lane.sizes() / BURST_MAX + 1 {
        worker.burst(lane, &mut source, BURST_MAX)?;
    }
    Ok((worker, source, cold_ns))
}

/// The table of each interface is as large as the flows want it: the quota is not what is measured.
fn unlimited() -> TrackingLimits {
    TrackingLimits { entries_per_interface: u32::MAX / 2, ..TrackingLimits::default() }
}

/// A shard, and what passes through it on this thread.
pub(super) struct Worker {
    pub(super) shard: Shard,
    batch: Batch,
    answers: Batch,
    frame: Vec<u8>,
    far_side: FarSide,
    pub(super) now: SimTime,
}

impl Worker {
    /// Sends so many packets of the source; how long that took, and the bytes of their frames.
    fn burst(&mut self, lane: &Lane, source: &mut Source, count: usize) -> Result<(Duration, u64), LaneError> {
        let mut bytes = 0;
        for at in 0..count {
            let length = source.next(&mut self.frame).map_or(0, |sent| sent.frame_bytes);
            bytes += length as u64;
            self.batch.put(at, lane.sender, &self.frame[..length]);
        }
        self.now += BETWEEN_BURSTS;
        let begin = Instant::now();
        self.shard.run(&mut self.batch, 0..count, self.now);
        let took = begin.elapsed();
        for at in 0..count {
            let verdict = self.batch.outcome(at).verdict;
            if !matches!(verdict.step, Step::Deliver(_)) {
                return Err(lane.not_delivered(verdict));
            }
        }
        Ok((took, bytes))
    }

    /// Lets the far side answer the burst before.
    fn answer(&mut self) {
        let mut count = 0;
        for at in 0..self.batch.len() {
            let Step::Deliver(host) = self.batch.outcome(at).verdict.step else { continue };
            if let Some(length) = self.far_side.answer(self.batch.frame(at), &mut self.frame) {
                self.answers.put(count, host, &self.frame[..length]);
                count += 1;
            }
        }
        self.shard.run(&mut self.answers, 0..count, self.now);
    }
}

/// What forwarding costs without memory: a plain router's loops over frames that lie in `slots_count` slots, over and over.
pub(super) fn router(program: &Arc<Program>, frames: &[Vec<u8>], trial: Duration) -> Measured {
    let mut batch = Batch::new(frames.len(), 64);
    let mut shard: Shard = Shard::new(Arc::clone(program), State::default(), 0);
    let refill = |batch: &mut Batch| {
        for (at, frame) in frames.iter().enumerate() {
            batch.put(at, crate::program::HostIx(0), frame);
        }
    };
    let mut measured = Measured {
        trials_ns: Vec::new(),
        cold_ns: None,
        packets: 0,
        frame_bytes: 0,
        by_memo: 0.0,
        memory_bytes: 0,
        latency: Latency::new(),
    };
    // Frames are forwarded again and again until their time to live is nearly gone.
    let lives = super::lane::ROUTED_TTL as usize - 2;
    for warm in [false; 1].into_iter().chain([true; TRIALS]) {
        let (mut time, mut packets) = (Duration::ZERO, 0u64);
        while time < trial {
            refill(&mut batch);
            for _ in 0..lives {
                let begin = Instant::now();
                for first in (0..frames.len()).step_by(BURST_MAX) {
                    shard.run(&mut batch, first..first + BURST_MAX, SimTime::ZERO);
                }
                let took = begin.elapsed();
                time += took;
                packets += frames.len() as u64;
                if warm {
                    let each_ns = took.as_nanos() as u64 / frames.len() as u64;
                    measured.latency.record_many(SimDuration::from_nanos(each_ns), frames.len() as u64);
                }
                if time >= trial {
                    break;
                }
            }
        }
        if warm {
            measured.trials_ns.push(time.as_nanos() as f64 / packets as f64);
            measured.packets += packets;
            measured.frame_bytes += packets * frames.first().map_or(0, Vec::len) as u64;
        }
    }
    let stats = shard.stats();
    measured.by_memo = 1.0 - stats.walked as f64 / stats.packets.max(1) as f64;
    measured
}

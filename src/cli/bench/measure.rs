//! Bursts through a shard, with a clock beside them.
//!
//! The clock costs more than a packet, so it is read twice a burst, never for a packet: a sample is a burst's time divided by its packets, counted once for each of
//! them. Frames are made before the clock is read; what is measured begins with a frame in memory and ends with it rewritten there.

use super::lane::{Lane, LaneError};
use crate::dataplane::conntrack::TrackingLimits;
use crate::dataplane::part::Part;
use crate::dataplane::{State, Step};
use crate::fastpath::{BURST_MAX, Batch, Shard, ShardStats, Steering};
use crate::metrics::Latency;
use crate::program::{HostIx, Program};
use crate::rng::Seed;
use crate::time::{SimDuration, SimTime};
use crate::traffic::{FarSide, Recorded, Source};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Trials, of which the median counts.
const TRIALS: usize = 5;
/// How long a packet takes as long as nothing happens between bursts: simulated, so that timeouts do not come in.
const BETWEEN_BURSTS: SimDuration = SimDuration::from_micros(1);
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
    /// Of the packets measured, the share that arrived.
    pub(super) delivered: f64,
    /// Burst time by burst size, weighted by packets.
    pub(super) latency: Latency,
}

impl Default for Measured {
    fn default() -> Self {
        Measured {
            trials_ns: Vec::new(),
            cold_ns: None,
            packets: 0,
            frame_bytes: 0,
            by_memo: 0.0,
            memory_bytes: 0,
            delivered: 1.0,
            latency: Latency::new(),
        }
    }
}

impl Measured {
    /// A whole burst took so long.
    fn record(&mut self, took: Duration) {
        let each_ns = took.as_nanos() as u64 / BURST_MAX as u64;
        self.latency.record_many(SimDuration::from_nanos(each_ns), BURST_MAX as u64);
    }
}

/// Sends the flows of some of the virtual shards through them: handshakes first, then data for `trial` in each of several trials, a burst of each shard in turn. `None`
/// if they have no flows.
///
/// # Errors
/// [`LaneError::NotDelivered`]: the network does not let the flows pass.
pub(super) fn lane(
    lane: &Lane,
    seed: Seed,
    trial: Duration,
    shards: impl Iterator<Item = u16>,
) -> Result<Option<Measured>, LaneError> {
    let steering = Steering::new(&lane.program);
    let mut worker = Worker::new(seed);
    let mut divided = Vec::new();
    for shard in shards {
        let (Some(part), Some(source)) = (steering.part(shard), lane.source_of(shard, &steering, seed)?) else {
            continue;
        };
        divided.push(Flows::new(lane, part, source));
    }
    let mut cold = (Duration::ZERO, 0);
    for flows in &mut divided {
        let (time, count) = worker.open(lane, flows)?;
        cold = (cold.0 + time, cold.1 + count);
    }
    if divided.is_empty() {
        return Ok(None);
    }
    let before = stats(&divided);
    let mut measured = Measured {
        cold_ns: Some(cold.0.as_nanos() as f64 / cold.1 as f64),
        memory_bytes: divided.iter().map(|flows| flows.shard.memory_bytes()).sum(),
        ..Measured::default()
    };
    for _ in 0..TRIALS {
        let (mut time, mut packets) = (Duration::ZERO, 0u64);
        while time < trial {
            for flows in &mut divided {
                let (took, bytes) = worker.burst(lane, flows, BURST_MAX)?;
                time += took;
                packets += BURST_MAX as u64;
                measured.frame_bytes += bytes;
                measured.record(took);
            }
        }
        measured.packets += packets;
        measured.trials_ns.push(time.as_nanos() as f64 / packets as f64);
    }
    let after = stats(&divided);
    measured.by_memo = 1.0 - (after.walked - before.walked) as f64 / (after.packets - before.packets) as f64;
    Ok(Some(measured))
}

/// Of all shards together.
fn stats(divided: &[Flows]) -> ShardStats {
    let each = divided.iter().map(|flows| flows.shard.stats());
    each.fold(ShardStats::default(), |sum, shard| ShardStats {
        packets: sum.packets + shard.packets,
        walked: sum.walked + shard.walked,
        remembered: sum.remembered + shard.remembered,
    })
}

/// Sends what was recorded: once to open what it opens, then over and over for `trial` in each of several trials.
pub(super) fn recorded(program: Arc<Program>, sender: HostIx, mut recorded: Recorded, trial: Duration) -> Measured {
    let state = State::of_part(Part::WHOLE, unlimited());
    let mut shard: Shard = Shard::new(program, state, recorded.flow_count() as usize * 2);
    let frame_bytes_max = recorded.frame_bytes_max();
    let frames_count = recorded.frame_count();
    let (mut batch, mut frame) = (Batch::new(BURST_MAX, frame_bytes_max), vec![0; frame_bytes_max]);
    let (mut now, mut delivered) = (SimTime::ZERO, 0);
    let mut burst = |shard: &mut Shard, count: usize| {
        let mut bytes = 0;
        for at in 0..count {
            let length = recorded.next(&mut frame).map_or(0, |sent| sent.frame_bytes);
            bytes += length as u64;
            batch.put(at, sender, &frame[..length]);
        }
        now += BETWEEN_BURSTS;
        let begin = Instant::now();
        shard.run(&mut batch, 0..count, now);
        let took = begin.elapsed();
        let arrived = (0..count).filter(|at| matches!(batch.outcome(*at).verdict.step, Step::Deliver(_))).count();
        (took, bytes, arrived as u64)
    };
    let mut left = frames_count;
    while left > 0 {
        let count = left.min(BURST_MAX);
        burst(&mut shard, count);
        left -= count;
    }
    let before = shard.stats();
    let mut measured = Measured { memory_bytes: shard.memory_bytes(), ..Measured::default() };
    for _ in 0..TRIALS {
        let (mut time, mut packets) = (Duration::ZERO, 0u64);
        while time < trial {
            let (took, bytes, arrived) = burst(&mut shard, BURST_MAX);
            time += took;
            packets += BURST_MAX as u64;
            delivered += arrived;
            measured.frame_bytes += bytes;
            measured.record(took);
        }
        measured.packets += packets;
        measured.trials_ns.push(time.as_nanos() as f64 / packets as f64);
    }
    let after = shard.stats();
    measured.by_memo = 1.0 - (after.walked - before.walked) as f64 / (after.packets - before.packets) as f64;
    measured.delivered = delivered as f64 / measured.packets as f64;
    measured
}

/// All flows of a lane in one shard that knows them: connections are open, memos made.
pub(super) fn ready(lane: &Lane, seed: Seed) -> Result<Flows, LaneError> {
    let mut flows = Flows::new(lane, Part::WHOLE, lane.source(seed)?);
    Worker::new(seed).open(lane, &mut flows)?;
    Ok(flows)
}

/// The table of each interface is as large as the flows want it: the quota is not what is measured.
fn unlimited() -> TrackingLimits {
    TrackingLimits { entries_per_interface: u32::MAX / 2, ..TrackingLimits::default() }
}

/// A shard, and what sends through it.
pub(super) struct Flows {
    pub(super) shard: Shard,
    pub(super) source: Source,
    /// Of the flows' last burst, and of the answers to it.
    now: SimTime,
}

impl Flows {
    fn new(lane: &Lane, part: Part, source: Source) -> Flows {
        let state = State::of_part(part, unlimited());
        let flows_max = source.flow_count() as usize * 2;
        Flows { shard: Shard::new(Arc::clone(&lane.program), state, flows_max), source, now: SimTime::ZERO }
    }

    /// The time of the next burst.
    pub(super) fn next_time(&mut self) -> SimTime {
        self.now += BETWEEN_BURSTS;
        self.now
    }
}

/// What takes frames through shards on one thread.
struct Worker {
    batch: Batch,
    answers: Batch,
    frame: Vec<u8>,
    far_side: FarSide,
}

impl Worker {
    fn new(seed: Seed) -> Worker {
        Worker { batch: Batch::new(0, 0), answers: Batch::new(0, 0), frame: Vec::new(), far_side: FarSide::new(seed) }
    }

    /// Opens the connections, and lets memos be made of them. What the first packets took of which one is made, and how many there were.
    fn open(&mut self, lane: &Lane, flows: &mut Flows) -> Result<(Duration, u64), LaneError> {
        let frame_bytes_max = flows.source.frame_bytes_max();
        if self.frame.len() < frame_bytes_max {
            self.batch = Batch::new(BURST_MAX, frame_bytes_max);
            self.answers = Batch::new(BURST_MAX, frame_bytes_max);
            self.frame = vec![0; frame_bytes_max];
        }
        let count = flows.source.flow_count() as usize;
        let mut cold = Duration::ZERO;
        for round in 0..HANDSHAKE_ROUNDS {
            let (mut time, mut left) = (Duration::ZERO, count);
            while left > 0 {
                let burst = left.min(BURST_MAX);
                time += self.burst(lane, flows, burst)?.0;
                self.answer(flows);
                left -= burst;
            }
            if round == FIRST_ORDINARY_ROUND {
                cold = time;
            }
        }
        // Every flow's data once, so that every memo and every size has been met.
        for _ in 0..count * lane.sizes() / BURST_MAX + 1 {
            self.burst(lane, flows, BURST_MAX)?;
        }
        flows.source.take_turns(lane.turns)?;
        Ok((cold, count as u64))
    }

    /// Sends so many packets of the source; how long that took, and the bytes of their frames.
    fn burst(&mut self, lane: &Lane, flows: &mut Flows, count: usize) -> Result<(Duration, u64), LaneError> {
        let mut bytes = 0;
        for at in 0..count {
            let length = flows.source.next(&mut self.frame).map_or(0, |sent| sent.frame_bytes);
            bytes += length as u64;
            self.batch.put(at, lane.sender, &self.frame[..length]);
        }
        let now = flows.next_time();
        let begin = Instant::now();
        flows.shard.run(&mut self.batch, 0..count, now);
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
    fn answer(&mut self, flows: &mut Flows) {
        let mut count = 0;
        for at in 0..self.batch.len() {
            let Step::Deliver(host) = self.batch.outcome(at).verdict.step else { continue };
            if let Some(length) = self.far_side.answer(self.batch.frame(at), &mut self.frame) {
                self.answers.put(count, host, &self.frame[..length]);
                count += 1;
            }
        }
        flows.shard.run(&mut self.answers, 0..count, flows.now);
    }
}

/// What forwarding costs without memory: a plain router's loops over frames that lie in `slots_count` slots, over and over.
pub(super) fn router(program: &Arc<Program>, frames: &[Vec<u8>], trial: Duration) -> Measured {
    let mut batch = Batch::new(frames.len(), 64);
    let mut shard: Shard = Shard::new(Arc::clone(program), State::default(), 0);
    let refill = |batch: &mut Batch| {
        for (at, frame) in frames.iter().enumerate() {
            batch.put(at, HostIx(0), frame);
        }
    };
    let mut measured = Measured::default();
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

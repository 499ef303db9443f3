//! RFC 2544: what a worker forwards without loss, how long it takes, and which bursts it stands.
//!
//! The device under test is a worker thread with a shard behind a bounded ring; the tester is a second thread that offers frames, paced by the clock. A ring that
//! is full when frames come has lost them. What goes through the ring are bursts of 64 frames, so loss is counted in bursts, and the clock is read for a burst.
//!
//! Invariants: bursts are recycled, so that nothing is allocated for a packet; a tester that was held up does not catch up on lost time (it would make bursts
//! that nobody asked for), so rates are those that were sent, not those that were wanted. Source: RFC 2544, sections 9.1, 24, 26.1, 26.2 and 26.4.

use super::lane::{Lane, LaneError};
use super::measure::{self, Flows};
use crate::cli::error::CliError;
use crate::dataplane::{Step, Verdict};
use crate::fastpath::{BURST_MAX, Batch};
use crate::metrics::Latency;
use crate::program::HostIx;
use crate::rng::Seed;
use crate::time::SimDuration;
use crate::traffic::FrameSize;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The seven sizes of section 9.1, 64 to 1518 bytes with frame check sequence, and the mix.
pub(super) const FRAMES: [FrameSize; 8] = [
    FrameSize::Fixed(60),
    FrameSize::Fixed(124),
    FrameSize::Fixed(252),
    FrameSize::Fixed(508),
    FrameSize::Fixed(1_020),
    FrameSize::Fixed(1_276),
    FrameSize::Fixed(1_514),
    FrameSize::Imix,
];
/// Frames that the ring holds unless asked otherwise: what the receive rings of fast network interfaces hold.
pub(super) const RING_FRAMES: usize = 4_096;
pub(super) const RING_FRAMES_MAX: usize = 65_536;
/// Halvings of the search for the throughput: 1/128 of what is forwarded flat out.
const SEARCH_STEPS: usize = 7;
/// Section 26.4 wants 50 bursts.
const BURSTS_COUNT: usize = 50;
/// Bytes of a frame that forwarding may change: headers, in a cache line.
const HEAD_BYTES: usize = 64;
/// Frames that the mix's sizes come back after.
const IMIX_CYCLE: u32 = 12;
/// A tester that comes later than this does not catch up.
const LATE_MAX: Duration = Duration::from_micros(10);
/// Looks at an empty ring before the processor is given to others.
const SPINS: u32 = 2_000;

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) trial: Duration,
    /// At which latency is measured: share of the throughput.
    pub(super) load: f64,
    pub(super) ring_frames: usize,
}

/// What was offered, and what of it the ring had no room for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trial {
    pub(super) offered: u64,
    pub(super) lost: u64,
    /// Frames that were taken before the first was lost.
    before_loss: u64,
    took: Duration,
    /// The same, and what the ring then took to empty.
    drained: Duration,
}

impl Trial {
    /// Frames offered a second.
    pub(super) fn offered_pps(&self) -> f64 {
        per_second(self.offered, self.took)
    }

    /// Frames forwarded a second.
    pub(super) fn forwarded_pps(&self) -> f64 {
        per_second(self.offered - self.lost, self.drained)
    }
}

fn per_second(frames: u64, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { frames as f64 / took.as_secs_f64() }
}

/// Bursts sent as fast as the tester can, each until a frame was lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BackToBack {
    pub(super) frames_mean: f64,
    pub(super) frames_min: u64,
    pub(super) frames_max: u64,
    pub(super) bursts: usize,
    /// A burst was as long as the trial and nothing was lost: longer ones were not tried.
    pub(super) is_limited_by_trial: bool,
}

/// What was found for one frame size.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) frame_bytes_mean: f64,
    /// As fast as the tester can.
    pub(super) flat_out: Trial,
    /// The fastest trial without loss. `None`: every rate that was tried lost something.
    pub(super) lossless_pps: Option<f64>,
    pub(super) back_to_back: BackToBack,
    /// What was really offered while latency was measured.
    pub(super) latency_pps: Option<f64>,
    pub(super) latency_lost: u64,
    pub(super) latency: Latency,
}

/// 64 frames on their way.
struct Burst {
    batch: Batch,
    sent: Option<Instant>,
}

/// A frame as the tester sends it, over and over.
struct Head {
    bytes: [u8; HEAD_BYTES],
    copied: u8,
    frame_bytes: u16,
}

/// All of RFC 2544 that there is, for one frame size.
///
/// # Errors
/// The network does not let the flows pass.
pub(super) fn measure(lane: &Lane, seed: Seed, plan: &Plan) -> Result<Found, CliError> {
    let wrong = |source: LaneError| CliError::Bench(source.to_string());
    let mut flows = measure::ready(lane, seed).map_err(wrong)?;
    let frame_bytes_max = flows.source.frame_bytes_max();
    let mut frame = vec![0; frame_bytes_max];
    let count = match lane.frame {
        FrameSize::Fixed(_) => lane.flows,
        FrameSize::Imix => lane.flows.next_multiple_of(IMIX_CYCLE),
    };
    let heads: Vec<Head> = (0..count)
        .map(|_| {
            let frame_bytes = flows.source.next(&mut frame).map_or(0, |sent| sent.frame_bytes);
            let copied = frame_bytes.min(HEAD_BYTES);
            let mut bytes = [0; HEAD_BYTES];
            bytes[..copied].copy_from_slice(&frame[..copied]);
            Head { bytes, copied: copied as u8, frame_bytes: frame_bytes as u16 }
        })
        .collect();
    let frame_bytes_mean = heads.iter().map(|head| f64::from(head.frame_bytes)).sum::<f64>() / heads.len() as f64;

    // One burst is with the tester, one with the worker, one on its way back.
    let ring_bursts = (plan.ring_frames / BURST_MAX).max(1);
    let all = ring_bursts + 3;
    let (ring, arriving) = bounded(ring_bursts);
    let (returning, free) = bounded(all);
    let pool = (0..all).map(|_| {
        let mut batch = Batch::new(BURST_MAX, frame_bytes_max);
        (0..BURST_MAX).for_each(|at| batch.put(at, lane.sender, &frame));
        Box::new(Burst { batch, sent: None })
    });
    let pool: Vec<Box<Burst>> = pool.collect();
    let is_broken = AtomicBool::new(false);
    let mut tester = Tester { heads, next: 0, sender: lane.sender, ring, free, pool, all, is_broken: &is_broken };
    let (found, worked) = std::thread::scope(|scope| {
        let working = scope.spawn(|| forward(flows, arriving, returning, &is_broken));
        let found = tester.all_tests(plan, frame_bytes_mean);
        // The worker ends when nobody can send any more.
        drop(tester);
        (found, working.join())
    });
    let (latency, undelivered) = worked.map_err(|_| CliError::Bench("a worker broke".to_owned()))?;
    match undelivered {
        Some(verdict) => Err(wrong(lane.not_delivered(verdict))),
        None => Ok(Found { latency, ..found }),
    }
}

/// The device under test. Ends when the tester is gone; returns the latency of the bursts that were timed, and the first packet that did not arrive.
fn forward(
    mut flows: Flows,
    arriving: Receiver<Box<Burst>>,
    returning: Sender<Box<Burst>>,
    is_broken: &AtomicBool,
) -> (Latency, Option<Verdict>) {
    let mut latency = Latency::new();
    let mut undelivered = None;
    let mut spins = 0;
    loop {
        let mut burst = match arriving.try_recv() {
            Ok(burst) => burst,
            Err(TryRecvError::Disconnected) => return (latency, undelivered),
            Err(TryRecvError::Empty) => {
                relax(&mut spins);
                continue;
            }
        };
        spins = 0;
        let now = flows.next_time();
        flows.shard.run(&mut burst.batch, 0..BURST_MAX, now);
        if let Some(sent) = burst.sent {
            latency.record_many(SimDuration::from_nanos(sent.elapsed().as_nanos() as u64), BURST_MAX as u64);
        }
        for at in 0..BURST_MAX {
            let verdict = burst.batch.outcome(at).verdict;
            if !matches!(verdict.step, Step::Deliver(_)) && undelivered.is_none() {
                undelivered = Some(verdict);
                is_broken.store(true, Ordering::Relaxed);
            }
        }
        // There is room for all bursts that exist.
        let _ = returning.try_send(burst);
    }
}

/// Waits a little; now and then others get the processor, because there may be one only.
fn relax(spins: &mut u32) {
    *spins += 1;
    if *spins >= SPINS {
        *spins = 0;
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

struct Tester<'a> {
    heads: Vec<Head>,
    next: usize,
    sender: HostIx,
    ring: Sender<Box<Burst>>,
    free: Receiver<Box<Burst>>,
    /// Bursts at hand.
    #[allow(clippy::vec_box, reason = "they come from the ring and go into it as they are")]
    pool: Vec<Box<Burst>>,
    /// How many bursts there are.
    all: usize,
    is_broken: &'a AtomicBool,
}

/// What is sent in a trial.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Frames a second; `None`: as fast as possible.
    pps: Option<f64>,
    duration: Duration,
    until_loss: bool,
    is_timed: bool,
}

impl Tester<'_> {
    fn all_tests(&mut self, plan: &Plan, frame_bytes_mean: f64) -> Found {
        let load = Load { pps: None, duration: plan.trial, until_loss: false, is_timed: false };
        let flat_out = self.trial(load);
        let mut lossless_pps = None;
        if flat_out.lost == 0 {
            lossless_pps = Some(flat_out.offered_pps());
        } else {
            let (mut low, mut high) = (0.0, flat_out.forwarded_pps());
            for _ in 0..SEARCH_STEPS {
                let middle = (low + high) / 2.0;
                let trial = self.trial(Load { pps: Some(middle), ..load });
                if trial.lost == 0 {
                    // What was sent counts, and it is no more than what was wanted.
                    lossless_pps = Some(trial.offered_pps().max(lossless_pps.unwrap_or(0.0)));
                    low = middle;
                } else {
                    high = middle;
                }
            }
        }
        let back_to_back = self.back_to_back(load);
        let at_load = lossless_pps.map(|pps| self.trial(Load { pps: Some(pps * plan.load), is_timed: true, ..load }));
        Found {
            frame_bytes_mean,
            flat_out,
            lossless_pps,
            back_to_back,
            latency_pps: at_load.map(|trial| trial.offered_pps()),
            latency_lost: at_load.map_or(0, |trial| trial.lost),
            latency: Latency::new(),
        }
    }

    /// Bursts, each begun with an empty ring and ended by the first loss; two trials' time at most.
    fn back_to_back(&mut self, load: Load) -> BackToBack {
        let mut found = BackToBack { frames_min: u64::MAX, ..BackToBack::default() };
        let (mut sum, begin) = (0, Instant::now());
        while found.bursts < BURSTS_COUNT && (found.bursts == 0 || begin.elapsed() < load.duration * 2) {
            let trial = self.trial(Load { until_loss: true, ..load });
            found.bursts += 1;
            found.is_limited_by_trial |= trial.lost == 0;
            found.frames_min = found.frames_min.min(trial.before_loss);
            found.frames_max = found.frames_max.max(trial.before_loss);
            sum += trial.before_loss;
        }
        found.frames_mean = sum as f64 / found.bursts as f64;
        found
    }

    /// Sends, and waits until the ring is empty.
    fn trial(&mut self, load: Load) -> Trial {
        let interval = load.pps.map(|pps| Duration::from_secs_f64(BURST_MAX as f64 / pps.max(1.0)));
        let mut trial = Trial::default();
        let begin = Instant::now();
        let (mut due, mut now, mut spins) = (begin, begin, 0);
        loop {
            // Made ready before it is due. The tester has a burst of its own, and finds one unless the worker is just giving it back.
            let mut burst = match self.pool.pop().or_else(|| self.free.try_recv().ok()) {
                Some(burst) => burst,
                None if self.is_broken.load(Ordering::Relaxed) => break,
                None => {
                    relax(&mut spins);
                    continue;
                }
            };
            self.fill(&mut burst.batch);
            if let Some(interval) = interval {
                due += interval;
                if now > due + LATE_MAX {
                    due = now;
                }
                spins = 0;
                while now < due && now - begin < load.duration {
                    relax(&mut spins);
                    now = Instant::now();
                }
            }
            now = Instant::now();
            if now - begin >= load.duration || self.is_broken.load(Ordering::Relaxed) {
                self.pool.push(burst);
                break;
            }
            burst.sent = load.is_timed.then_some(now);
            trial.offered += BURST_MAX as u64;
            if let Err(refused) = self.ring.try_send(burst) {
                self.pool.push(refused.into_inner());
                trial.lost += BURST_MAX as u64;
                if load.until_loss {
                    break;
                }
            } else if trial.lost == 0 {
                trial.before_loss += BURST_MAX as u64;
            }
        }
        trial.took = begin.elapsed();
        self.drain();
        trial.drained = begin.elapsed();
        trial
    }

    /// The next frames, as new.
    fn fill(&mut self, batch: &mut Batch) {
        for at in 0..BURST_MAX {
            let head = &self.heads[self.next];
            self.next = if self.next + 1 == self.heads.len() { 0 } else { self.next + 1 };
            batch.put_head(at, self.sender, &head.bytes[..usize::from(head.copied)], usize::from(head.frame_bytes));
        }
    }

    /// Waits until the worker has given back every burst.
    fn drain(&mut self) {
        while self.pool.len() < self.all {
            // The worker is gone only if it broke, which its join tells.
            let Ok(burst) = self.free.recv() else { return };
            self.pool.push(burst);
        }
    }
}

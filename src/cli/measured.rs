//! `vpcsim run --measure`: the run's own frames through the fast path, with a clock beside them.
//!
//! The frames that hosts sent ([`crate::run::FirstFrames`]) go through one [`Shard`], each with the program it met in the run, over and over. Once without a clock, so that they set
//! up their sessions and memos themselves; then [`PACKETS`] times with one. In simulated time each pass takes as long as the run took to send them.
//! The clock costs more than a packet, so it is read twice a burst: a sample is a burst's time divided by its packets, counted once for each of them.
//!
//! Non-goals: trials, threads, other traffic (`vpcsim bench`). What comes of it depends on the machine: it goes to `measured/` and nowhere else.

use super::error::CliError;
use super::output_dir::{MEASURED, OutputDir};
use crate::calendar::Calendar;
use crate::dataplane::conntrack::{Conntrack, TrackingLimits};
use crate::dataplane::{State, Step};
use crate::fastpath::{BURST_MAX, Batch, Shard};
use crate::metrics::{Latency, machine_log};
use crate::run::{FirstFrames, Run};
use crate::time::{SimDuration, SimTime};
use serde_json::json;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Packets that are measured.
const PACKETS: u64 = 1_000_000;
/// A pass takes no longer than this in simulated time, so that a million passes do not reach the end of time.
const PASS_MAX: SimDuration = SimDuration::from_secs(3_600);
/// Between two passes.
const PAUSE: SimDuration = SimDuration::from_millis(1);
/// Interval of the log, by the machine's clock.
const INTERVAL: Duration = Duration::from_millis(100);
/// Times that the clock is read twice, to learn what that costs.
const CLOCK_READS: u32 = 100_000;
const WHAT: &str = "burst time / packets of the burst, counted for each packet, by this machine's clock";

/// What is measured.
pub(super) struct Traffic {
    tracking: TrackingLimits,
    frames: FirstFrames,
}

/// What came of it.
#[derive(Default)]
struct Measured {
    packets: u64,
    frame_bytes: u64,
    bursts: u64,
    walked: u64,
    time: Duration,
    latency: Latency,
    /// The interval under way.
    interval: (Duration, Latency),
    intervals: Vec<(SimDuration, Latency)>,
    ends: Ends,
}

/// How packets ended.
#[derive(Default)]
struct Ends {
    delivered: u64,
    answered: u64,
    to_fragment: u64,
    dropped: BTreeMap<&'static str, u64>,
}

impl Traffic {
    /// The frames that a run kept, and its networks; `None` if it was not to keep any.
    pub(super) fn of(run: &mut Run) -> Option<Traffic> {
        let frames = run.take_first_frames()?;
        let mut tracking = TrackingLimits::default();
        if let Some(entries_per_interface) = run.scenario().settings.tracked_connections_max {
            tracking.entries_per_interface = entries_per_interface;
        }
        Some(Traffic { tracking, frames })
    }

    /// Measures, and writes the files. Returns a line that says what came of it; `None` if it was interrupted: then there are no files.
    ///
    /// # Errors
    /// A file, and why it could not be written.
    pub(super) fn measure(&self, dir: &OutputDir, interrupted: &AtomicBool) -> Result<Option<String>, CliError> {
        if self.frames.is_empty() {
            return Ok(Some("measured nothing: no host sent a frame\n".to_owned()));
        }
        let start_unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let Some(measured) = self.forward(interrupted) else { return Ok(None) };
        let clock_ns = clock_ns();
        let calendar = i64::try_from(start_unix_seconds).ok().and_then(Calendar::starting_at);
        if let Some(calendar) = calendar {
            let what = format!("{WHAT}, in nanoseconds, Interval_Max in milliseconds");
            let log = machine_log(calendar, &what, "fastpath.burst-per-packet", &measured.intervals);
            dir.write(&format!("{MEASURED}/fastpath.hlog"), log.as_bytes())?;
        }
        let title = format!("fast path, {WHAT}");
        dir.write(&format!("{MEASURED}/fastpath.hgrm"), measured.latency.hgrm(&title).as_bytes())?;
        dir.write(&format!("{MEASURED}/fastpath.json"), self.json(&measured, clock_ns).as_bytes())?;
        let latency = measured.latency.summary();
        Ok(Some(format!(
            "measured {MEASURED}/fastpath.*: a packet p50 {} ns, p99 {} ns; {:.1} % by memo, {:.1} % delivered\n",
            latency.p50_ns,
            latency.p99_ns,
            percent(measured.packets - measured.walked, measured.packets),
            percent(measured.ends.delivered, measured.packets),
        )))
    }

    fn forward(&self, interrupted: &AtomicBool) -> Option<Measured> {
        let frames = &self.frames;
        let frame_bytes_max = frames.iter().map(|frame| frame.bytes.len()).max().unwrap_or(0);
        let state = State { conntrack: Conntrack::with_limits(self.tracking), ..State::default() };
        let (first_program, _) = frames.programs().next()?;
        let mut shard: Shard = Shard::new(Arc::clone(first_program), state, frames.len());
        let mut batch = Batch::new(BURST_MAX, frame_bytes_max);
        let first_at = frames.get(0).map_or(SimTime::ZERO, |frame| frame.at);
        let offset = |position: usize| {
            let at = position.checked_sub(1).and_then(|last| frames.get(last)).map_or(first_at, |frame| frame.at);
            at.since(first_at).min(PASS_MAX)
        };
        let mut measured = Measured::default();
        let (mut pass_begin, mut walked_before) = (SimTime::ZERO, 0);
        let mut is_warm = false;
        while measured.packets < PACKETS {
            for (program, positions) in frames.programs() {
                shard.adopt(Arc::clone(program));
                for first in positions.clone().step_by(BURST_MAX) {
                    let left = usize::try_from(PACKETS - measured.packets).unwrap_or(BURST_MAX);
                    let burst = first..positions.end.min(first + BURST_MAX.min(left));
                    if burst.is_empty() {
                        break;
                    }
                    if interrupted.load(Ordering::Relaxed) {
                        return None;
                    }
                    let now = pass_begin + offset(burst.end);
                    let frame_bytes = fill(&mut batch, frames, burst.clone());
                    let begin = Instant::now();
                    shard.run(&mut batch, 0..burst.len(), now);
                    let took = begin.elapsed();
                    if is_warm {
                        measured.add(took, &batch, burst.len(), frame_bytes);
                    }
                }
            }
            if !is_warm {
                (is_warm, walked_before) = (true, shard.stats().walked);
            }
            pass_begin += offset(frames.len()) + PAUSE;
        }
        measured.end_interval();
        measured.walked = shard.stats().walked - walked_before;
        Some(measured)
    }

    fn json(&self, measured: &Measured, clock_ns: f64) -> String {
        let Measured { packets, bursts, ends, .. } = measured;
        let time_ns = measured.time.as_nanos() as f64;
        let per_packet = |of: f64| of / (*packets).max(1) as f64;
        let value = json!({
            "schema": 1,
            "sample": WHAT,
            "network": "as each frame met it in the run",
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "frames_of_run": self.frames.len(),
            "frames_left_out": self.frames.left_out(),
            "programs_of_run": self.frames.programs().count(),
            "packets": packets,
            "bursts": bursts,
            "burst_packets_max": BURST_MAX,
            "frame_bytes": per_packet(measured.frame_bytes as f64),
            "ns_per_packet": per_packet(time_ns),
            "memo_hit_share": per_packet((packets - measured.walked) as f64),
            "delivered": ends.delivered,
            "answered_by_network": ends.answered,
            "to_fragment": ends.to_fragment,
            "dropped": ends.dropped.values().sum::<u64>(),
            "dropped_by_reason": ends.dropped,
            "burst_latency_per_packet": measured.latency.summary(),
            "clock_ns_per_burst": clock_ns,
            "clock_share": clock_ns * *bursts as f64 / time_ns.max(1.0),
        });
        format!("{value:#}\n")
    }
}

impl Measured {
    /// A burst of so many packets.
    fn add(&mut self, took: Duration, batch: &Batch, count: usize, frame_bytes: u64) {
        self.ends.add(batch, count);
        let count = count as u64;
        let each_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / count.max(1);
        self.interval.0 += took;
        self.interval.1.record_many(SimDuration::from_nanos(each_ns), count);
        self.packets += count;
        self.frame_bytes += frame_bytes;
        self.bursts += 1;
        if self.interval.0 >= INTERVAL {
            self.end_interval();
        }
    }

    fn end_interval(&mut self) {
        let (length, latency) = std::mem::take(&mut self.interval);
        if latency.count() > 0 {
            self.time += length;
            self.latency.add(&latency);
            let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
            self.intervals.push((SimDuration::from_nanos(length_ns), latency));
        }
    }
}

impl Ends {
    fn add(&mut self, batch: &Batch, count: usize) {
        for at in 0..count {
            let step = batch.outcome(at).verdict.step;
            *match (step, step.drop_reason()) {
                (Step::Deliver(_), _) => &mut self.delivered,
                (Step::Fragment { .. }, _) => &mut self.to_fragment,
                (_, Some(reason)) => self.dropped.entry(reason.code()).or_default(),
                _ => &mut self.answered,
            } += 1;
        }
    }
}

/// Puts frames into a burst; how many bytes they have.
fn fill(batch: &mut Batch, frames: &FirstFrames, burst: Range<usize>) -> u64 {
    let mut bytes = 0;
    for (at, frame) in burst.filter_map(|position| frames.get(position)).enumerate() {
        batch.put(at, frame.sender, frame.bytes);
        bytes += frame.bytes.len() as u64;
    }
    bytes
}

/// What it costs to read the clock twice.
fn clock_ns() -> f64 {
    let begin = Instant::now();
    for _ in 0..CLOCK_READS {
        black_box(Instant::now().elapsed());
    }
    begin.elapsed().as_nanos() as f64 / f64::from(CLOCK_READS)
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

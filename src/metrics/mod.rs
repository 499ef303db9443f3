//! Measurements of a run: latency histograms. No clocks, no files: durations in, texts, pictures and numbers out.

mod histogram;
mod interval_log;
mod percentile_plot;
mod roads;

pub use histogram::{Latency, LatencySummary};
pub use interval_log::{INTERVAL, IntervalLog, machine_log};
pub use roads::{LatencyKind, ROADS_MAX, RoadLatencies, RoadSummary};

//! Measurements of a run: latency histograms. No clocks, no files: durations in, texts and numbers out.

mod histogram;
mod roads;

pub use histogram::{Latency, LatencySummary};
pub use roads::{LatencyKind, ROADS_MAX, RoadLatencies, RoadSummary};

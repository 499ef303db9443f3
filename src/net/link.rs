//! What a link does to frames.

use crate::time::SimDuration;

/// One link's properties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkParameters {
    /// One-way propagation delay.
    pub latency: SimDuration,
    /// Serialisation rate; 0 is unlimited.
    pub bandwidth_bits_per_second: u64,
    /// Bytes that may wait for transmission; more are dropped.
    pub queue_bytes: u64,
    /// Share of frames lost at random, 0.0..=1.0.
    pub loss: f64,
}

//! What is asked of a source: how many flows, of what, to where.

use super::{Distribution, TrafficError};
use crate::net::MacAddress;
use crate::rng::Seed;
use std::net::Ipv4Addr;

/// The shortest frame: Ethernet's 64 bytes without their frame check sequence.
pub const FRAME_BYTES_MIN: usize = 60;
/// The longest frame: an Ethernet header and EC2's largest MTU, 9,001 bytes.
pub const FRAME_BYTES_MAX: usize = 9_015;
/// Flows of one source: what their records take stays below 100 MB.
pub(super) const FLOWS_MAX: u32 = 4_000_000;
/// Source ports from 1,024 on.
pub(super) const FLOWS_PER_DESTINATION_MAX: u32 = 64_512;

/// The interface that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its own address on the link.
    pub mac: MacAddress,
    /// Where its frames go: the router's address on the link.
    pub gateway_mac: MacAddress,
    /// Its IPv4 address.
    pub address: Ipv4Addr,
}

/// How long frames are that carry data, without frame check sequence. Frames of TCP without data have 60 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// All the same: [`FRAME_BYTES_MIN`] to [`FRAME_BYTES_MAX`].
    Fixed(usize),
    /// Of every twelve, seven of 60 bytes, four of 590 and one of 1,514: the "simple IMIX" of 64, 594 and 1,518 bytes with check sequences.
    Imix,
}

impl FrameSize {
    /// The lengths of successive frames, over and over. (Twelve of the IMIX spread as evenly as they can be.)
    pub(super) fn cycle(self) -> Result<Vec<usize>, TrafficError> {
        match self {
            FrameSize::Fixed(frame_bytes) if (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&frame_bytes) => {
                Ok(vec![frame_bytes])
            }
            FrameSize::Fixed(frame_bytes) => Err(TrafficError::FrameSize { frame_bytes }),
            FrameSize::Imix => Ok(vec![60, 590, 60, 60, 590, 60, 1_514, 60, 590, 60, 60, 590]),
        }
    }
}

/// What flows are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Datagrams, one after the other.
    Udp,
    /// TCP connections that look like TLS from outside: see [`crate::traffic`].
    Tls {
        /// How many packets of application data a connection sends before it closes; with `u32::MAX`, it stays open.
        data_packets: u32,
    },
}

/// What a source sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// How many flows, each a five-tuple of its own.
    pub flows: u32,
    /// What they are made of.
    pub kind: Kind,
    /// How long frames are.
    pub frame: FrameSize,
    /// Where each flow goes, drawn once among the destinations given. A destination that has no source port left passes the flow on to the next.
    pub destinations: Distribution,
    /// Which flow sends the next packet.
    pub turns: Distribution,
    /// The port that all flows go to.
    pub destination_port: u16,
    /// What all that is drawn is drawn from.
    pub seed: Seed,
}

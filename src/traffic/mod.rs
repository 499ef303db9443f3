//! Synthetic traffic: the Ethernet frames that a network interface sends for many flows, and what the far side answers.
//!
//! Purpose: load for the forwarding path without end systems. A [`Source`] writes the next frame of a [`Profile`] into the caller's buffer; a [`FarSide`]
//! makes the answer out of a frame that arrived, whatever NAT did to it on its way; [`Arrivals`] says when each packet comes; [`Recorded`] sends the
//! frames of a capture. Non-goals: congestion control, retransmission, encryption (records look like TLS from outside and hold
//! random bytes): for those there is [`crate::host`].
//! Invariants: all IPv4, TCP and UDP checksums are right; a packet costs no allocation; the same profile and seed give the same bytes
//! on every machine (`numeric`: no library function whose last digit differs between machines).
//!
//! Lengths of frames are without the frame check sequence, as in captures: RFC 2544's frame of 64 bytes is one of 60 here.
//!
//! What a TLS flow sends, step by step; the far side answers each packet that asks for it by one of the same length:
//!
//! | from the source | from the far side |
//! |---|---|
//! | SYN with its MSS | SYN, ACK |
//! | ACK | |
//! | ClientHello, 517 bytes | ServerHello, ChangeCipherSpec and the encrypted rest, 517 bytes |
//! | ChangeCipherSpec and Finished, 64 bytes | a session ticket, 64 bytes |
//! | application data, as often and long as the profile says | application data |
//! | FIN, ACK | FIN, ACK |
//! | ACK | |
//!
//! Then the same flow opens its next connection, from the same port with a later sequence number. Sources: RFC 8446 (records), RFC 2544
//! (frame sizes), Agilent's "simple IMIX" (7:4:1 of 64, 594 and 1,518 bytes).

mod arrival;
mod distribution;
mod far_side;
mod numeric;
mod profile;
mod recorded;
mod source;
mod template;
mod tls;

#[cfg(test)]
mod tests;

pub use arrival::{Arrival, Arrivals};
pub use distribution::Distribution;
pub use far_side::FarSide;
pub use profile::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, FrameSize, Kind, Nic, Profile};
pub use recorded::Recorded;
pub use source::Source;

use profile::{FLOWS_MAX, FLOWS_PER_DESTINATION_MAX};

/// What is impossible to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// A frame size outside the limits.
    #[error(
        "frames of {frame_bytes} bytes: they have {FRAME_BYTES_MIN} to {FRAME_BYTES_MAX} (without frame check sequence)"
    )]
    FrameSize {
        /// What was asked for.
        frame_bytes: usize,
    },
    /// No flow at all, or more than 4,000,000.
    #[error("{flows} flows: there may be 1 to {}", FLOWS_MAX)]
    Flows {
        /// What was asked for.
        flows: u32,
    },
    /// Nowhere to send to.
    #[error("no destination")]
    NoDestination,
    /// More flows than destinations have room for.
    #[error(
        "{flows} flows to {destinations} destinations: each takes {} flows, one a source port",
        FLOWS_PER_DESTINATION_MAX
    )]
    Ports {
        /// What was asked for.
        flows: u32,
        /// Where to.
        destinations: usize,
    },
    /// An exponent that no Zipf distribution has.
    #[error("a Zipf exponent is a number from 0 to 10")]
    Exponent,
    /// A rate of nothing, or of more than a packet a nanosecond.
    #[error("{packets_per_second} packets a second: there may be 1 to 1,000,000,000")]
    Rate {
        /// What was asked for.
        packets_per_second: u64,
    },
    /// A burst of no packets.
    #[error("a burst has at least 1 packet")]
    Burst,
    /// A capture without an IPv4 packet that can be sent.
    #[error("no frame of the capture is an IPv4 packet in Ethernet of at most {FRAME_BYTES_MAX} bytes")]
    NothingRecorded,
    /// A capture that is too large to be held.
    #[error("the capture holds more than {limit_bytes} bytes of frames")]
    TooMuchRecorded {
        /// The limit.
        limit_bytes: usize,
    },
}

/// One packet that was written into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which flow it belongs to, from 0.
    pub flow: u32,
    /// Length of the frame: the beginning of the slot that it fills.
    pub frame_bytes: usize,
}

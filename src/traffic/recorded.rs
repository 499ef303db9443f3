//! The frames of a capture, over and over.
//!
//! Non-goal: mapping addresses and telling directions apart (`replay` does). What is not IPv4 in Ethernet is left out and counted.

use super::{FRAME_BYTES_MAX, Nic, Sent, TrafficError};
use crate::net::FiveTuple;
use crate::wire::{Parsed, ethernet};
use std::collections::BTreeMap;

/// Sends what was recorded, in its order, without end.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// All frames, one behind the other.
    bytes: Vec<u8>,
    frames: Vec<Held>,
    flow_count: u32,
    skipped: u64,
    frame_bytes_max: usize,
    next: usize,
}

/// Where a frame is held, and its flow.
#[derive(Clone, Copy, Debug)]
struct Held {
    at: usize,
    frame_bytes: usize,
    flow: u32,
}

impl Recorded {
    /// The IPv4 packets among `frames`, which begin with an Ethernet header; from `from` on its link, their IP addresses left as they are. They are
    /// held in memory, at most `limit_bytes` of them. Flows are numbered as they appear.
    ///
    /// # Errors
    /// [`TrafficError`]: no such packet, or too many.
    pub fn new<F: AsRef<[u8]>>(
        frames: impl IntoIterator<Item = F>,
        from: Nic,
        limit_bytes: usize,
    ) -> Result<Recorded, TrafficError> {
        let mut recorded =
            Recorded { bytes: Vec::new(), frames: Vec::new(), flow_count: 0, skipped: 0, frame_bytes_max: 0, next: 0 };
        let mut flows: BTreeMap<FiveTuple, u32> = BTreeMap::new();
        for frame in frames {
            let frame = frame.as_ref();
            let is_ipv4 = ethernet::ether_type(frame) == Some(ethernet::IPV4) && frame.len() <= FRAME_BYTES_MAX;
            let Some(parsed) = is_ipv4.then(|| Parsed::of(frame).ok()).flatten() else {
                recorded.skipped += 1;
                continue;
            };
            if recorded.bytes.len() + frame.len() > limit_bytes {
                return Err(TrafficError::TooMuchRecorded { limit_bytes });
            }
            let flow = *flows.entry(parsed.five_tuple()).or_insert(recorded.flow_count);
            recorded.flow_count = recorded.flow_count.max(flow + 1);
            let at = recorded.bytes.len();
            recorded.bytes.extend(frame);
            ethernet::set_addresses(&mut recorded.bytes[at..], from.mac, from.gateway_mac);
            recorded.frames.push(Held { at, frame_bytes: frame.len(), flow });
            recorded.frame_bytes_max = recorded.frame_bytes_max.max(frame.len());
        }
        if recorded.frames.is_empty() { Err(TrafficError::NothingRecorded) } else { Ok(recorded) }
    }

    /// What a slot must have room for.
    pub fn frame_bytes_max(&self) -> usize {
        self.frame_bytes_max
    }

    /// How many flows there are: directions, each by itself.
    pub fn flow_count(&self) -> u32 {
        self.flow_count
    }

    /// How many frames there are.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// How many frames of the capture were left out.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Writes the next frame to the beginning of `slot`. Nothing is sent if that has no room for [`Recorded::frame_bytes_max`] bytes.
    pub fn next(&mut self, slot: &mut [u8]) -> Option<Sent> {
        if slot.len() < self.frame_bytes_max {
            return None;
        }
        let Held { at, frame_bytes, flow } = self.frames[self.next];
        self.next = if self.next + 1 == self.frames.len() { 0 } else { self.next + 1 };
        slot[..frame_bytes].copy_from_slice(&self.bytes[at..at + frame_bytes]);
        Some(Sent { flow, frame_bytes })
    }
}

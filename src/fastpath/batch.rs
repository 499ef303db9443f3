//! Frames in one slab.
//!
//! Purpose: [`Batch`] holds frames that hosts send, in slots of equal size, and what became of each. Invariants: a slot is a multiple of 64 bytes and begins at one
//! of the slab's; nothing is allocated after [`Batch::new`].

use crate::dataplane::{DropReason, Step, Verdict};
use crate::program::{HostIx, NodeIx};
use std::ops::Range;

/// The most packets of one burst.
pub const BURST_MAX: usize = 64;

/// A cache line.
const LINE_BYTES: usize = 64;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Where it ended, and how.
    pub verdict: Verdict,
    /// The endpoint that it came through: which interface of the service it arrives at.
    pub via_endpoint: Option<NodeIx>,
}

impl Default for Outcome {
    fn default() -> Self {
        let verdict = Verdict { at: NodeIx(u32::MAX), step: Step::Drop(DropReason::ResourceGone) };
        Outcome { verdict, via_endpoint: None }
    }
}

/// A frame's place in the slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) sender: HostIx,
    pub(super) frame_bytes: u16,
}

/// Frames that hosts send.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) slots: Vec<Slot>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) slot_bytes: usize,
}

impl Batch {
    /// Room for `slot_count` frames of up to `frame_bytes_max` bytes.
    pub fn new(slot_count: usize, frame_bytes_max: usize) -> Self {
        let slot_bytes = frame_bytes_max.next_multiple_of(LINE_BYTES).max(LINE_BYTES);
        Batch {
            bytes: vec![0; slot_bytes * slot_count],
            slots: vec![Slot { sender: HostIx(u32::MAX), frame_bytes: 0 }; slot_count],
            outcomes: vec![Outcome::default(); slot_count],
            slot_bytes,
        }
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Puts a frame that `sender` sends into a slot. A frame longer than a slot is cut, as is one for a slot that is not there.
    #[inline]
    pub fn put(&mut self, at: usize, sender: HostIx, frame: &[u8]) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let length = frame.len().min(self.slot_bytes).min(usize::from(u16::MAX));
        *slot = Slot { sender, frame_bytes: length as u16 };
        let begin = at * self.slot_bytes;
        self.bytes[begin..begin + length].copy_from_slice(&frame[..length]);
    }

    /// Puts the beginning of a frame of `frame_bytes` into a slot; what follows stays as it lay there. Forwarding changes headers only, so this makes
    /// a forwarded frame new again without copying all of it. Too long a frame is cut, as by [`Batch::put`].
    #[inline]
    pub fn put_head(&mut self, at: usize, sender: HostIx, head: &[u8], frame_bytes: usize) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let length = frame_bytes.min(self.slot_bytes).min(usize::from(u16::MAX));
        *slot = Slot { sender, frame_bytes: length as u16 };
        let (begin, copied) = (at * self.slot_bytes, head.len().min(length));
        self.bytes[begin..begin + copied].copy_from_slice(&head[..copied]);
    }

    /// The frame in a slot, as it now is.
    #[inline]
    pub fn frame(&self, at: usize) -> &[u8] {
        let length = self.slots.get(at).map_or(0, |slot| usize::from(slot.frame_bytes));
        let begin = at * self.slot_bytes;
        self.bytes.get(begin..begin + length).unwrap_or_default()
    }

    /// The frame in a slot, to change.
    pub fn frame_mut(&mut self, at: usize) -> &mut [u8] {
        let length = self.slots.get(at).map_or(0, |slot| usize::from(slot.frame_bytes));
        let begin = at * self.slot_bytes;
        self.bytes.get_mut(begin..begin + length).unwrap_or_default()
    }

    /// What became of the packet in a slot.
    #[inline]
    pub fn outcome(&self, at: usize) -> Outcome {
        self.outcomes.get(at).copied().unwrap_or_default()
    }

    /// The part of `range` that there is, at most [`BURST_MAX`] long.
    pub(super) fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let end = range.end.min(self.slots.len());
        let begin = range.start.min(end);
        begin..end.min(begin + BURST_MAX)
    }
}

//! Frames in one slab.
//!
//! Purpose: [`Batch`] holds frames that hosts send, in slots of equal size, and what became of each. Invariants: a slot is a whole number of cache lines and begins
//! with one; nothing is allocated after [`Batch::new`].

use super::routing;
use super::stages::Memos;
use crate::dataplane::{DropReason, Step, Verdict};
use crate::program::{HostIx, NodeIx};
use crate::wire::{Heads, LINE_BYTES};
use std::ops::Range;

/// The most packets of one burst.
pub const BURST_MAX: usize = 64;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Where it ended, and how.
    pub verdict: Verdict,
    /// The endpoint that it came through: which interface of the service it arrives at.
    pub via_endpoint: Option<NodeIx>,
}

/// Of a packet whose sender is not there.
impl Default for Outcome {
    fn default() -> Self {
        let verdict = Verdict { at: NodeIx(u32::MAX), step: Step::Drop(DropReason::ResourceGone) };
        Outcome { verdict, via_endpoint: None }
    }
}

/// An outcome that is a delivery, in as little memory as that takes: nearly all are, and a batch may be larger than the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    at: NodeIx,
    host: HostIx,
    via_endpoint: NodeIx,
}

impl Arrival {
    const NO_HOST: HostIx = HostIx(u32::MAX);
    const NO_NODE: NodeIx = NodeIx(u32::MAX);
    /// No delivery.
    const NONE: Arrival = Arrival { at: Arrival::NO_NODE, host: Arrival::NO_HOST, via_endpoint: Arrival::NO_NODE };

    /// At `host`, from the node `at`.
    #[inline(always)]
    pub(super) const fn new(at: NodeIx, host: HostIx) -> Arrival {
        Arrival { at, host, via_endpoint: Arrival::NO_NODE }
    }

    /// The outcome as an arrival, if it is one.
    pub(super) fn of(outcome: &Outcome) -> Option<Arrival> {
        let Step::Deliver(host) = outcome.verdict.step else { return None };
        let via_endpoint = outcome.via_endpoint.unwrap_or(Arrival::NO_NODE);
        Some(Arrival { at: outcome.verdict.at, host, via_endpoint })
    }

    #[inline]
    pub(super) fn outcome(self) -> Option<Outcome> {
        let verdict = Verdict { at: self.at, step: Step::Deliver(self.host) };
        let via_endpoint = Some(self.via_endpoint).filter(|node| *node != Arrival::NO_NODE);
        (self.host != Arrival::NO_HOST).then_some(Outcome { verdict, via_endpoint })
    }
}

/// A frame's place in the slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) sender: HostIx,
    pub(super) frame_bytes: u16,
}

/// Frames that hosts send.
#[derive(Debug)]
pub struct Batch {
    /// The slots, from `begin` on: where the first cache line begins.
    memory: Vec<u8>,
    begin: usize,
    slots: Vec<Slot>,
    arrivals: Vec<Arrival>,
    /// Of packets that did not arrive.
    others: Vec<Outcome>,
    slot_bytes: usize,
    scratch: Box<Scratch>,
}

/// What the loops over a burst hand on to each other. It is the batch's because a worker has one of those and many shards.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) heads: Heads,
    pub(super) memos: Memos,
    pub(super) routing: routing::Scratch,
}

/// The slots that are forwarded together, and what becomes of them.
pub(super) struct Burst<'b> {
    pub(super) slots: &'b [Slot],
    arrivals: &'b mut [Arrival],
    others: &'b mut [Outcome],
    bytes: &'b mut [u8],
    slot_bytes: usize,
}

impl Burst<'_> {
    /// The slots, and the bytes of each: at least a line.
    #[inline(always)]
    pub(super) fn slots(&self) -> impl Iterator<Item = (&Slot, &[u8])> {
        self.slots.iter().zip(self.bytes.chunks_exact(self.slot_bytes))
    }

    /// The slots from one on, the bytes of each, and where its arrival goes.
    #[inline(always)]
    pub(super) fn slots_mut(&mut self, from: usize) -> impl Iterator<Item = ((&Slot, &mut [u8]), &mut Arrival)> {
        let bytes = self.bytes[from * self.slot_bytes..].chunks_exact_mut(self.slot_bytes);
        self.slots[from..].iter().zip(bytes).zip(&mut self.arrivals[from..])
    }

    /// One frame, and who sends it.
    pub(super) fn packet(&mut self, at: usize) -> (&mut [u8], HostIx) {
        let (slot, begin) = (self.slots[at], at * self.slot_bytes);
        (&mut self.bytes[begin..begin + usize::from(slot.frame_bytes)], slot.sender)
    }

    /// Writes down what became of a packet.
    pub(super) fn set_outcome(&mut self, at: usize, outcome: Outcome) {
        self.arrivals[at] = Arrival::of(&outcome).unwrap_or(Arrival::NONE);
        if self.arrivals[at] == Arrival::NONE {
            self.others[at] = outcome;
        }
    }
}

impl Batch {
    /// Room for `slot_count` frames of up to `frame_bytes_max` bytes.
    pub fn new(slot_count: usize, frame_bytes_max: usize) -> Self {
        let slot_bytes = frame_bytes_max.next_multiple_of(LINE_BYTES).max(LINE_BYTES);
        let memory = vec![0; slot_bytes * slot_count + LINE_BYTES];
        let address = memory.as_ptr().addr();
        Batch {
            begin: address.next_multiple_of(LINE_BYTES) - address,
            memory,
            slots: vec![Slot { sender: HostIx(u32::MAX), frame_bytes: 0 }; slot_count],
            arrivals: vec![Arrival::NONE; slot_count],
            others: vec![Outcome::default(); slot_count],
            slot_bytes,
            scratch: Box::default(),
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
        let begin = self.begin + at * self.slot_bytes;
        self.memory[begin..begin + length].copy_from_slice(&frame[..length]);
    }

    /// Puts the beginning of a frame of `frame_bytes` into a slot; what follows stays as it lay there. Forwarding changes headers only, so this makes
    /// a forwarded frame new again without copying all of it. Too long a frame is cut, as by [`Batch::put`].
    #[inline]
    pub fn put_head(&mut self, at: usize, sender: HostIx, head: &[u8], frame_bytes: usize) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let length = frame_bytes.min(self.slot_bytes).min(usize::from(u16::MAX));
        *slot = Slot { sender, frame_bytes: length as u16 };
        let (begin, copied) = (self.begin + at * self.slot_bytes, head.len().min(length));
        self.memory[begin..begin + copied].copy_from_slice(&head[..copied]);
    }

    /// The frame in a slot, as it now is.
    #[inline]
    pub fn frame(&self, at: usize) -> &[u8] {
        let length = self.slots.get(at).map_or(0, |slot| usize::from(slot.frame_bytes));
        let begin = self.begin + at * self.slot_bytes;
        self.memory.get(begin..begin + length).unwrap_or_default()
    }

    /// The frame in a slot, to change.
    pub fn frame_mut(&mut self, at: usize) -> &mut [u8] {
        let length = self.slots.get(at).map_or(0, |slot| usize::from(slot.frame_bytes));
        let begin = self.begin + at * self.slot_bytes;
        self.memory.get_mut(begin..begin + length).unwrap_or_default()
    }

    /// What became of the packet in a slot.
    #[inline]
    pub fn outcome(&self, at: usize) -> Outcome {
        let arrival = self.arrivals.get(at).and_then(|arrival| arrival.outcome());
        arrival.or_else(|| self.others.get(at).copied()).unwrap_or_default()
    }

    /// The part of `range` that there is, at most [`BURST_MAX`] long, and room for the loops.
    pub(super) fn burst(&mut self, range: Range<usize>) -> (Burst<'_>, &mut Scratch) {
        let end = range.end.min(self.slots.len());
        let begin = range.start.min(end);
        let end = end.min(begin + BURST_MAX);
        let bytes = self.begin + begin * self.slot_bytes..self.begin + end * self.slot_bytes;
        let burst = Burst {
            slots: &self.slots[begin..end],
            arrivals: &mut self.arrivals[begin..end],
            others: &mut self.others[begin..end],
            bytes: &mut self.memory[bytes],
            slot_bytes: self.slot_bytes,
        };
        (burst, &mut self.scratch)
    }
}

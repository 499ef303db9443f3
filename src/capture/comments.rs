//! Frames' comments, worded once for all packets with the same story.
//!
//! Wording a comment takes microseconds, and the packets of a connection have few different stories: the latest comments are kept, each at a place
//! that its story chooses. Invariant: a comment is used again only for a story that is equal in every decision; what is forgotten is worded again.

use crate::dataplane::{Decision, Made, Step};
use crate::explain;
use crate::program::{HostIx, NodeIx, Program};

/// Comments kept; a power of two.
const PLACES: usize = 1_024;

/// What happened to one packet in one run of steps without delay: all that a comment depends on beside the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Story {
    /// Which node made the packet, if a node did, and what it is.
    pub(super) made: Option<(NodeIx, Made)>,
    pub(super) decisions: Vec<(NodeIx, Decision)>,
    pub(super) end: Option<(Option<NodeIx>, Step)>,
}

impl Story {
    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.made = None;
        self.decisions.clear();
        self.end = None;
    }

    /// Where to look for it. Stories that are often told by turns should differ: those of different senders, and of different destinations.
    fn place(&self, sender: HostIx) -> usize {
        let mut place = sender.0.wrapping_mul(31).wrapping_add(self.decisions.len() as u32);
        for (at, decision) in &self.decisions {
            let more = match decision {
                Decision::Route { destination, .. } => u32::from(*destination),
                Decision::PublicAddress { address } => u32::from(*address),
                _ => 0,
            };
            place = place.rotate_left(5) ^ at.0 ^ more.wrapping_mul(0x9e37_79b9);
        }
        let end = match self.end {
            Some((_, Step::Forward(next, _))) => next.0,
            Some((_, Step::Deliver(host))) => host.0.wrapping_add(0x8000),
            _ => 0,
        };
        ((place ^ end).wrapping_mul(0x9e37_79b9) >> 16) as usize % PLACES
    }
}

/// The latest comments.
#[derive(Default)]
pub(super) struct Comments {
    /// Empty or [`PLACES`] long.
    kept: Vec<Option<(Story, String)>>,
}

impl Comments {
    /// The comment on a packet of `sender`.
    pub(super) fn of(&mut self, program: &Program, sender: HostIx, story: &Story) -> &str {
        if self.kept.is_empty() {
            self.kept.resize(PLACES, None);
        }
        let kept = &mut self.kept[story.place(sender)];
        if kept.as_ref().is_none_or(|(told, _)| told != story) {
            *kept = None;
        }
        let worded = || (story.clone(), explain::comment(program, story.made, &story.decisions, story.end));
        &kept.get_or_insert_with(worded).1
    }

    /// The program has changed, and with it what things are called.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }
}

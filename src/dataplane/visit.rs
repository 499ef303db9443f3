//! One packet at one node: what every stage needs at hand.
//!
//! A stage returns [`Stage`]: `Continue` with what the next stage needs, or `Break` with the packet's step, so that `?` reads as "unless it ended here". A
//! drop is such a step, not an error.

use super::answer::{self, Answer};
use super::{Decision, DropReason, Frame, Reply, State, Step, Tap};
use crate::program::{LinkIx, NodeIx, Program};
use crate::time::SimTime;
use crate::wire::{Parsed, ethernet};
use std::ops::ControlFlow;

/// A stage's outcome.
pub(crate) type Stage<C = ()> = ControlFlow<Step, C>;

/// The packet ends here.
pub(crate) const fn drop<C>(reason: DropReason) -> Stage<C> {
    ControlFlow::Break(Step::Drop(reason))
}

/// One packet at one node.
pub(crate) struct Visit<'v, 'f, T: Tap> {
    pub(crate) program: &'v Program,
    pub(crate) state: &'v mut State,
    pub(crate) at: NodeIx,
    pub(crate) frame: &'v mut Frame<'f>,
    pub(crate) now: SimTime,
    pub(crate) tap: &'v mut T,
}

impl<T: Tap> Visit<'_, '_, T> {
    /// Tells the tap.
    pub(crate) fn decide(&mut self, decision: Decision) {
        self.tap.on_decision(self.now, self.at, self.frame.meta, decision);
    }

    /// The frame's IPv4 headers.
    pub(crate) fn ipv4(&self) -> Stage<Parsed> {
        match ethernet::ether_type(self.frame.bytes) {
            None => drop(DropReason::Malformed),
            Some(ethernet::IPV4) => match Parsed::of(self.frame.bytes) {
                Ok(parsed) => ControlFlow::Continue(parsed),
                Err(_) => drop(DropReason::Malformed),
            },
            Some(_) => drop(DropReason::NotIpv4),
        }
    }

    /// The IPv4 headers of a frame that a host sent: its header checksum must be right. Later nodes see what earlier ones let pass.
    pub(crate) fn ipv4_from_host(&self) -> Stage<Parsed> {
        let parsed = self.ipv4()?;
        if !parsed.header_checksum_is_valid(self.frame.bytes) {
            return drop(DropReason::Malformed);
        }
        ControlFlow::Continue(parsed)
    }

    /// Addresses the frame from this node to `next`, and sends it there at once.
    pub(crate) fn forward(&mut self, next: NodeIx) -> Step {
        self.forward_over(next, None)
    }

    /// Addresses the frame from this node to `next`, and sends it there, over a link if there is one between.
    pub(crate) fn forward_over(&mut self, next: NodeIx, link: Option<LinkIx>) -> Step {
        let (from, to) = (self.program.node_mac(self.at), self.program.node_mac(next));
        ethernet::set_addresses(self.frame.bytes, from, to);
        Step::Forward(next, link)
    }

    /// The packet ends here, and its source is told if RFC 1812 section 4.3.2.7 lets it be.
    pub(crate) fn refuse<C>(&self, reason: DropReason, answer: Answer) -> Stage<C> {
        let told = answer::is_permitted(self.frame.bytes, answer);
        ControlFlow::Break(if told { Step::Reply(Reply::Error { reason, answer }) } else { Step::Drop(reason) })
    }
}

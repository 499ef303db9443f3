//! The forwarding code, the only one.
//!
//! Purpose: [`step`] takes one packet one node further; [`walk`] takes it to its verdict. Simulator, trace, capture, report and
//! benchmark all drive or watch these. Non-goals: time passing (drivers), links (`sim`), the model.
//! Invariants: a step neither allocates nor fails: whatever a packet is, it goes on, is delivered, answered or dropped with a reason.

mod drop;
mod frame;
mod tap;

pub use drop::{DropFacts, DropReason};
pub use frame::{Frame, PacketId, PacketMeta};
pub use tap::{Decision, Direction, NoTap, SecurityVerdict, Tap};

use crate::program::{HostIx, LinkIx, NodeIx, Program};
use crate::time::SimTime;

/// What a node made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// On to the next node, over a link if there is one between (`None`: at once).
    Forward(NodeIx, Option<LinkIx>),
    /// To an end system, over its link.
    Deliver(HostIx),
    /// The node answers the packet itself: the frame now holds the answer, for the host that sent the packet.
    Reply,
    /// The end.
    Drop(DropReason),
}

/// What packets leave behind: connection tracking and counters. One per shard.
#[derive(Clone, Debug, Default)]
pub struct State;

/// Takes the packet in `frame` through node `at`.
pub fn step<T: Tap>(
    _program: &Program,
    _state: &mut State,
    _at: NodeIx,
    _frame: &mut Frame<'_>,
    _now: SimTime,
    _tap: &mut T,
) -> Step {
    Step::Drop(DropReason::ResourceGone)
}

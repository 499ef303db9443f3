//! A packet as the data plane sees it: bytes that the driver owns, and what travels beside them.

use crate::program::{HostIx, NodeIx};
use crate::time::SimTime;

/// Identifies a packet for its whole way. Translation keeps it; an answer has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u64);

/// What travels beside the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketMeta {
    /// The packet.
    pub id: PacketId,
    /// Who sent it.
    pub sender: HostIx,
    /// The node it comes from; `None` if from a host attached to the node it enters (its own sender). Kept by [`super::step`].
    pub from: Option<NodeIx>,
    /// The gateway endpoint it came through. Set by [`super::step`], towards the service and back.
    pub via_endpoint: Option<NodeIx>,
    /// When it left its sender.
    pub sent_at: SimTime,
    /// Steps taken so far; bounded by [`super::STEPS_MAX`]. Kept by [`super::step`].
    pub steps: u8,
}

/// A view of one packet, for the length of one step.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The Ethernet frame, without FCS.
    pub bytes: &'a mut [u8],
    /// What travels beside it.
    pub meta: &'a mut PacketMeta,
}

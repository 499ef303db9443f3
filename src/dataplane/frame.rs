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
    /// Who sent it; of a packet that a node made: who sent the packet it answers.
    pub sender: HostIx,
    /// The node it comes from; `None` if from a host attached to the node it enters (its own sender). Kept by [`super::step`].
    pub from: Option<NodeIx>,
    /// The endpoint it came through: a gateway endpoint's node, or the interface of an interface endpoint. Set by [`super::step`], towards the service
    /// and back.
    pub via_endpoint: Option<NodeIx>,
    /// The interface, NAT or transit gateway by which it last entered a VPC's router; the router itself, for what that says. Set by [`super::step`].
    pub entered_by: Option<NodeIx>,
    /// Whether it came into the VPC where it is by a transit gateway. Set by [`super::step`].
    pub by_transit_gateway: bool,
    /// The availability zone it was last seen in, numbered as in [`crate::program::SubnetBoundary`]. Set by [`super::step`]: transit gateways stay in it.
    pub zone: Option<u16>,
    /// When it left its sender.
    pub sent_at: SimTime,
    /// Steps taken so far; bounded by [`super::STEPS_MAX`]. Kept by [`super::step`].
    pub steps: u16,
}

impl PacketMeta {
    /// A packet that `sender` hands to the node it is attached to.
    pub const fn from_host(id: PacketId, sender: HostIx, sent_at: SimTime) -> Self {
        PacketMeta {
            id,
            sender,
            from: None,
            via_endpoint: None,
            entered_by: None,
            by_transit_gateway: false,
            zone: None,
            sent_at,
            steps: 0,
        }
    }
}

/// A view of one packet, for the length of one step.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The Ethernet frame, without FCS.
    pub bytes: &'a mut [u8],
    /// What travels beside it.
    pub meta: &'a mut PacketMeta,
}

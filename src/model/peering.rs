//! VPC peering connections.
//!
//! Source: docs.aws.amazon.com/vpc/latest/peering/what-is-vpc-peering.html, vpc-peering-basics.html

use super::Tags;
use crate::ids::{VpcId, VpcPeeringConnectionId};
use crate::time::{SimDuration, SimTime};

/// A peering connection between two VPCs of the account, in one Region or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcPeeringConnection {
    /// Its id.
    pub id: VpcPeeringConnectionId,
    /// The VPC that asked.
    pub requester: PeeringSide,
    /// The VPC that was asked.
    pub accepter: PeeringSide,
    /// Its state.
    pub state: PeeringState,
    /// When it was asked for.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// One side of a peering connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeeringSide {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Whether public names of *this* side's instances mean private addresses to the other side.
    pub allow_dns_resolution_from_remote_vpc: bool,
}

/// The states of a peering connection that last. (`initiating-request`, `provisioning` and `deleting` take no simulated time.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringState {
    /// It could not be asked for: the VPCs' blocks overlap.
    Failed,
    /// Asked for; carries nothing.
    PendingAcceptance,
    /// Carries packets where routes lead to it.
    Active,
    /// Refused by the other side.
    Rejected,
    /// Nobody answered for seven days.
    Expired,
    /// Gone; listed for a while. Routes to it are blackholes.
    Deleted,
}

impl VpcPeeringConnection {
    /// How long a request waits for an answer (docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html).
    pub const REQUEST_LIFETIME: SimDuration = SimDuration::from_secs(7 * 24 * 60 * 60);

    /// When a request that nobody answers expires.
    pub fn expires_at(&self) -> SimTime {
        self.created_at + Self::REQUEST_LIFETIME
    }

    /// Whether it joins `a` and `b`, in whatever order.
    pub fn joins(&self, a: VpcId, b: VpcId) -> bool {
        self.other_side(a) == Some(b)
    }

    /// The VPC across from `vpc_id`; `None` if that is no side of it.
    pub fn other_side(&self, vpc_id: VpcId) -> Option<VpcId> {
        match vpc_id {
            _ if vpc_id == self.requester.vpc_id => Some(self.accepter.vpc_id),
            _ if vpc_id == self.accepter.vpc_id => Some(self.requester.vpc_id),
            _ => None,
        }
    }
}

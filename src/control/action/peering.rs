//! Actions on VPC peering connections.

use crate::ids::{VpcId, VpcPeeringConnectionId};
use crate::model::Tags;

/// One call about peering connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the AWS action of its name")]
pub enum PeeringAction {
    CreateVpcPeeringConnection(CreateVpcPeeringConnection),
    AcceptVpcPeeringConnection(AnswerVpcPeeringConnection),
    RejectVpcPeeringConnection(AnswerVpcPeeringConnection),
    DeleteVpcPeeringConnection(AnswerVpcPeeringConnection),
    ModifyVpcPeeringConnectionOptions(ModifyVpcPeeringConnectionOptions),
}

impl PeeringAction {
    /// AWS's name of the call.
    pub fn name(&self) -> &'static str {
        match self {
            PeeringAction::CreateVpcPeeringConnection(_) => "CreateVpcPeeringConnection",
            PeeringAction::AcceptVpcPeeringConnection(_) => "AcceptVpcPeeringConnection",
            PeeringAction::RejectVpcPeeringConnection(_) => "RejectVpcPeeringConnection",
            PeeringAction::DeleteVpcPeeringConnection(_) => "DeleteVpcPeeringConnection",
            PeeringAction::ModifyVpcPeeringConnectionOptions(_) => "ModifyVpcPeeringConnectionOptions",
        }
    }
}

/// Asks for a peering connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpcPeeringConnection {
    /// The VPC that asks.
    pub vpc_id: VpcId,
    /// The VPC that is asked.
    pub peer_vpc_id: VpcId,
    /// Its account; none is the caller's.
    pub peer_owner_id: Option<String>,
    /// The Region that the peer VPC must be in.
    pub peer_region: String,
    /// Tags.
    pub tags: Tags,
}

/// Accepts, rejects or deletes a peering connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerVpcPeeringConnection {
    /// Which.
    pub vpc_peering_connection_id: VpcPeeringConnectionId,
    /// The Region of the API that was called.
    pub region: String,
}

/// Changes what each side lets the other resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyVpcPeeringConnectionOptions {
    /// Which.
    pub vpc_peering_connection_id: VpcPeeringConnectionId,
    /// The requester's `AllowDnsResolutionFromRemoteVpc`, if it is to change.
    pub requester_allow_dns_resolution: Option<bool>,
    /// The accepter's.
    pub accepter_allow_dns_resolution: Option<bool>,
}

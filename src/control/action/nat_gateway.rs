//! Actions on NAT gateways.

use crate::ids::*;
use crate::model::{NatConnectivity, Tags};
use std::net::Ipv4Addr;

/// One call about NAT gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatGatewayAction {
    /// Makes one; what AWS finds out late makes a failed one.
    Create(CreateNatGateway),
    /// Deletes one.
    Delete(NatGatewayId),
    /// Gives a public one more Elastic IPs.
    AssociateAddresses {
        /// Which.
        nat_gateway_id: NatGatewayId,
        /// The Elastic IPs.
        allocation_ids: Vec<AllocationId>,
        /// Their private addresses; none: AWS chooses.
        private_ips: Vec<Ipv4Addr>,
    },
    /// Takes secondary Elastic IPs from a public one.
    DisassociateAddresses {
        /// Which.
        nat_gateway_id: NatGatewayId,
        /// Their associations.
        association_ids: Vec<AddressAssociationId>,
    },
    /// Gives a private one more private addresses.
    AssignPrivateAddresses {
        /// Which.
        nat_gateway_id: NatGatewayId,
        /// These.
        private_ips: Vec<Ipv4Addr>,
        /// So many that AWS chooses.
        count: usize,
    },
    /// Takes secondary private addresses from a private one.
    UnassignPrivateAddresses {
        /// Which.
        nat_gateway_id: NatGatewayId,
        /// These.
        private_ips: Vec<Ipv4Addr>,
    },
}

/// Makes a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateNatGateway {
    /// The subnet it is to live in.
    pub subnet_id: SubnetId,
    /// Public or private.
    pub connectivity: NatConnectivity,
    /// The Elastic IP of a public one.
    pub allocation_id: Option<AllocationId>,
    /// Its primary private address.
    pub private_ip: Option<Ipv4Addr>,
    /// More Elastic IPs.
    pub secondary_allocation_ids: Vec<AllocationId>,
    /// More private addresses.
    pub secondary_private_ips: Vec<Ipv4Addr>,
    /// So many more private addresses that AWS chooses.
    pub secondary_private_ip_count: usize,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl NatGatewayAction {
    /// AWS's name of the call.
    pub fn name(&self) -> &'static str {
        match self {
            NatGatewayAction::Create(_) => "CreateNatGateway",
            NatGatewayAction::Delete(_) => "DeleteNatGateway",
            NatGatewayAction::AssociateAddresses { .. } => "AssociateNatGatewayAddress",
            NatGatewayAction::DisassociateAddresses { .. } => "DisassociateNatGatewayAddress",
            NatGatewayAction::AssignPrivateAddresses { .. } => "AssignPrivateNatGatewayAddress",
            NatGatewayAction::UnassignPrivateAddresses { .. } => "UnassignPrivateNatGatewayAddress",
        }
    }

    /// Whether it creates something that can be given an id.
    pub fn creates(&self) -> bool {
        matches!(self, NatGatewayAction::Create(_))
    }

    /// The token that makes a repeated call harmless.
    pub fn client_token(&self) -> Option<&str> {
        match self {
            NatGatewayAction::Create(action) => action.client_token.as_deref(),
            _ => None,
        }
    }
}

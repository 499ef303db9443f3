//! NAT gateways.
//!
//! A NAT gateway lives in a subnet, by a requester-managed interface, and has one or more private addresses, each with an Elastic IP if it is public.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html

use super::Tags;
use crate::ids::{AddressAssociationId, AllocationId, EniId, NatGatewayId, SubnetId, VpcId};
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// A zonal NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// Its id.
    pub id: NatGatewayId,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// The subnet it lives in.
    pub subnet_id: SubnetId,
    /// Public or private.
    pub connectivity: NatConnectivity,
    /// Its interface; gone once it is deleted.
    pub interface_id: Option<EniId>,
    /// Its addresses, the primary first: 1 to 8.
    pub addresses: Vec<NatGatewayAddress>,
    /// Its state.
    pub state: NatGatewayState,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// Whether a NAT gateway leads to the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatConnectivity {
    /// Its addresses have Elastic IPs, which the internet gateway puts in their place.
    #[default]
    Public,
    /// Private addresses only; internet gateways drop its packets.
    Private,
}

/// One address of a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatGatewayAddress {
    /// The address in its subnet: what senders' addresses become.
    pub private_ip: Ipv4Addr,
    /// The Elastic IP of a public NAT gateway.
    pub elastic: Option<NatElasticAddress>,
}

/// The Elastic IP of one address of a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatElasticAddress {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// Its association.
    pub association_id: AddressAssociationId,
    /// The address.
    pub public_ip: Ipv4Addr,
}

/// A NAT gateway's life. Creation takes no simulated time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatGatewayState {
    /// It translates.
    Available,
    /// It could not be made: AWS's code and sentence.
    Failed {
        /// `Gateway.NotAttached`.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// Gone; listed for a while. Routes to it are blackholes.
    Deleted,
}

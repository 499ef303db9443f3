//! Route tables as written down: the RIB, not yet a forwarding table.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html

use super::{Shared, Tags};
use crate::ids::{
    EniId, InternetGatewayId, NatGatewayId, PrefixListId, RouteTableAssociationId, RouteTableId, SubnetId,
    TransitGatewayId, VpcEndpointId, VpcId, VpcPeeringConnectionId, VpnGatewayId,
};
use crate::net::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// The VPC it serves.
    pub vpc_id: VpcId,
    /// Its routes, in the order of creation; the `local` ones first.
    pub routes: Shared<Vec<Route>>,
    /// Explicit associations.
    pub associations: Shared<BTreeMap<SubnetId, RouteTableAssociationId>>,
    /// Gateways whose incoming packets it routes (an edge association makes it a gateway route table).
    pub gateway_associations: Shared<BTreeMap<EdgeGateway, RouteTableAssociationId>>,
    /// Virtual private gateways that propagate their routes into it.
    pub propagating_gateways: Shared<BTreeSet<VpnGatewayId>>,
    /// The association that makes it the main table, if it is.
    pub main_association: Option<RouteTableAssociationId>,
    /// Tags.
    pub tags: Tags,
}

/// A gateway that a route table can be associated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeGateway {
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A virtual private gateway.
    VpnGateway(VpnGatewayId),
}

/// One route: its two columns and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which packets it is for.
    pub destination: RouteDestination,
    /// Where they go.
    pub target: RouteTarget,
    /// How it came into the table.
    pub origin: RouteOrigin,
}

/// A route's destination column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteDestination {
    /// One block.
    Cidr(Ipv4Net),
    /// All entries of a prefix list of this Region.
    PrefixList(PrefixListId),
}

/// A route's target column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTarget {
    /// Delivery inside the VPC.
    Local,
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A gateway endpoint (AWS writes and removes these routes itself).
    GatewayEndpoint(VpcEndpointId),
    /// A network interface.
    NetworkInterface(EniId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// A VPC peering connection.
    PeeringConnection(VpcPeeringConnectionId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// A virtual private gateway.
    VpnGateway(VpnGatewayId),
}

/// How a route came into its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOrigin {
    /// With the table: the `local` routes.
    CreateRouteTable,
    /// By an API call, or by AWS for a gateway endpoint.
    CreateRoute,
    /// From a virtual private gateway (`EnableVgwRoutePropagation`).
    Propagated(Propagation),
}

/// What decides between propagated routes of equal length.
/// Source: docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// Over what it was learned.
    pub learned_over: LearnedOver,
    /// Length of the BGP AS_PATH; 0 for static.
    pub as_path_length: u8,
    /// BGP multi-exit discriminator; 0 for static.
    pub multi_exit_discriminator: u32,
}

/// The kinds of propagated routes, in AWS's order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LearnedOver {
    /// BGP over Direct Connect.
    DirectConnectBgp,
    /// Static routes of a Site-to-Site VPN.
    VpnStatic,
    /// BGP over a Site-to-Site VPN.
    VpnBgp,
}

/// `active`, or `blackhole` when the target is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// The target takes packets.
    Active,
    /// The target is gone: packets are dropped, shorter prefixes are not tried.
    Blackhole,
}

impl fmt::Display for RouteDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouteDestination::Cidr(cidr) => cidr.fmt(f),
            RouteDestination::PrefixList(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouteTarget::Local => f.pad("local"),
            RouteTarget::InternetGateway(id) => id.fmt(f),
            RouteTarget::GatewayEndpoint(id) => id.fmt(f),
            RouteTarget::NetworkInterface(id) => id.fmt(f),
            RouteTarget::NatGateway(id) => id.fmt(f),
            RouteTarget::PeeringConnection(id) => id.fmt(f),
            RouteTarget::TransitGateway(id) => id.fmt(f),
            RouteTarget::VpnGateway(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for EdgeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EdgeGateway::InternetGateway(id) => id.fmt(f),
            EdgeGateway::VpnGateway(id) => id.fmt(f),
        }
    }
}

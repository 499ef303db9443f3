//! Virtual private gateways, Site-to-Site VPN and Direct Connect: the roads to networks on premises.
//!
//! Encryption is not simulated: tunnels carry the inner packets, with the inner MTU. BGP is not spoken: what it would learn is written down.
//! Sources: docs.aws.amazon.com/vpn/latest/s2svpn/VPC_VPN.html, docs.aws.amazon.com/directconnect/latest/UserGuide/WorkingWithVirtualInterfaces.html

use super::Tags;
use crate::ids::{CustomerGatewayId, TransitGatewayId, VirtualInterfaceId, VpcId, VpnConnectionId, VpnGatewayId};
use crate::net::Ipv4Net;
use crate::time::SimTime;
use std::fmt;
use std::net::Ipv4Addr;

/// A virtual private gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpnGateway {
    /// Its id.
    pub id: VpnGatewayId,
    /// The VPC it is attached to.
    pub attached_vpc_id: Option<VpcId>,
    /// AWS's autonomous system number towards it; shown only, since BGP is not spoken.
    pub amazon_side_asn: i64,
    /// Tags.
    pub tags: Tags,
}

/// The far end of a Site-to-Site VPN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerGateway {
    /// Its id.
    pub id: CustomerGatewayId,
    /// The public address of the device.
    pub address: Ipv4Addr,
    /// Its autonomous system number; shown only.
    pub bgp_asn: i64,
    /// Tags.
    pub tags: Tags,
}

/// Where a VPN connection or virtual interface ends on AWS's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VpnTarget {
    /// A virtual private gateway.
    VpnGateway(VpnGatewayId),
    /// A transit gateway; its attachment names the connection.
    TransitGateway(TransitGatewayId),
}

/// A Site-to-Site VPN connection: two tunnels between AWS and a network on premises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpnConnection {
    /// Its id.
    pub id: VpnConnectionId,
    /// AWS's end.
    pub target: VpnTarget,
    /// The far end.
    pub customer_gateway_id: CustomerGatewayId,
    /// Which network on premises is behind it (a name of [`super::Model::on_premises`]).
    pub on_premises: String,
    /// Whether routes are static; otherwise BGP says them.
    pub static_routes_only: bool,
    /// What is reached through it.
    pub routes: Vec<LearnedRoute>,
    /// The two tunnels: whether each is up.
    pub tunnels_up: [bool; 2],
    /// Whether it was deleted; it is listed for a while.
    pub deleted: bool,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// One block that is announced from on premises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnedRoute {
    /// The block.
    pub cidr: Ipv4Net,
    /// Length of the BGP AS_PATH; 0 for static.
    pub as_path_length: u8,
    /// BGP multi-exit discriminator; 0 for static.
    pub multi_exit_discriminator: u32,
}

/// A virtual interface of AWS Direct Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualInterface {
    /// Its id.
    pub id: VirtualInterfaceId,
    /// Where it ends on AWS's side.
    pub kind: VirtualInterfaceKind,
    /// Which network on premises is behind it.
    pub on_premises: String,
    /// What on-premises announces over it.
    pub routes: Vec<LearnedRoute>,
    /// IP MTU: 1500, or up to 9001 (private) and 8500 (transit).
    pub mtu_bytes: u16,
    /// Whether its BGP session is up.
    pub up: bool,
    /// Tags.
    pub tags: Tags,
}

/// The kinds of virtual interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtualInterfaceKind {
    /// To the VPC of a virtual private gateway.
    Private(VpnGatewayId),
    /// To a transit gateway.
    Transit(TransitGatewayId),
    /// To the public addresses of AWS's services.
    Public,
}

/// One of the ways between AWS and a network on premises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnPremisesLink {
    /// A virtual interface of Direct Connect. First in the order: of alike routes, routers on both sides prefer it.
    VirtualInterface(VirtualInterfaceId),
    /// A Site-to-Site VPN connection.
    Vpn(VpnConnectionId),
}

impl VpnConnection {
    /// Whether a tunnel carries packets.
    pub fn is_up(&self) -> bool {
        !self.deleted && self.tunnels_up.contains(&true)
    }
}

impl fmt::Display for OnPremisesLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnPremisesLink::VirtualInterface(id) => id.fmt(f),
            OnPremisesLink::Vpn(id) => id.fmt(f),
        }
    }
}

//! From AWS ids to indices: for drivers that start from a name. Packets never come here.

use super::{
    EniNode, GatewayEndpointNode, HostIx, HostKind, InternetNode, NatGatewayNode, NextHop, Node, NodeIx, Program,
    RouterNode, TableIx,
};
use crate::ids::{
    EniId, InternetGatewayId, NatGatewayId, RouteTableId, TransitGatewayId, TransitGatewayRouteTableId,
    VirtualInterfaceId, VpcEndpointId, VpcId, VpcPeeringConnectionId, VpnConnectionId, VpnGatewayId,
};
use crate::net::MacAddress;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKey {
    /// The internet.
    Internet,
    /// A VPC's router.
    Router(VpcId),
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A gateway endpoint.
    GatewayEndpoint(VpcEndpointId),
    /// A network interface.
    Eni(EniId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// The inside of the forwarding instance behind an interface.
    Forwarder(EniId),
    /// A peering connection.
    Peering(VpcPeeringConnectionId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// A virtual private gateway.
    VpnGateway(VpnGatewayId),
    /// A Site-to-Site VPN connection.
    VpnConnection(VpnConnectionId),
    /// A virtual interface.
    VirtualInterface(VirtualInterfaceId),
    /// The router of the network on premises of this name.
    OnPremises(String),
}

/// What a forwarding table belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKey {
    /// A VPC's route table.
    Route(RouteTableId),
    /// A transit gateway's route table.
    TransitGateway(TransitGatewayRouteTableId),
    /// What a virtual private gateway learned.
    VpnGateway(VpnGatewayId),
    /// What the router of the network on premises of this name learned.
    OnPremises(String),
}

/// Ids to indices. What was removed stays in here: its node is a [`Node::Tombstone`], its host is marked `removed`.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// Nodes.
    pub nodes: BTreeMap<NodeKey, NodeIx>,
    /// Hosts.
    pub hosts: BTreeMap<HostKind, HostIx>,
    /// Route tables of VPCs.
    pub tables: BTreeMap<RouteTableId, TableIx>,
    /// Every table, those of gateways included.
    pub all_tables: BTreeMap<TableKey, TableIx>,
}

impl Program {
    /// The host of this kind; `None` if there never was one.
    pub fn host_of(&self, kind: &HostKind) -> Option<HostIx> {
        self.lookup.hosts.get(kind).copied()
    }

    /// The node of an interface; `None` if there never was one.
    pub fn node_of_eni(&self, id: EniId) -> Option<NodeIx> {
        self.node_of(&NodeKey::Eni(id))
    }

    /// The node of a gateway endpoint; `None` if there never was one.
    pub fn node_of_endpoint(&self, id: VpcEndpointId) -> Option<NodeIx> {
        self.node_of(&NodeKey::GatewayEndpoint(id))
    }

    /// The node of an internet gateway; `None` if there never was one.
    pub fn node_of_gateway(&self, id: InternetGatewayId) -> Option<NodeIx> {
        self.node_of(&NodeKey::InternetGateway(id))
    }

    /// The node of a VPC's router; `None` if there never was one.
    pub fn node_of_router(&self, id: VpcId) -> Option<NodeIx> {
        self.node_of(&NodeKey::Router(id))
    }

    /// The node of whatever `key` names; `None` if there never was one.
    pub fn node_of(&self, key: &NodeKey) -> Option<NodeIx> {
        self.lookup.nodes.get(key).copied()
    }

    /// The host's Ethernet address; all zeros for an index that is no host's.
    pub fn host_mac(&self, host: HostIx) -> MacAddress {
        self.hosts.get(host.at()).map_or_else(MacAddress::default, |attachment| attachment.mac)
    }

    /// The node at `at`; a tombstone where there is none.
    pub fn node(&self, at: NodeIx) -> &Node {
        self.nodes.get(at.at()).unwrap_or(&Node::Tombstone)
    }

    /// The interface at `at`, if it is one.
    pub fn eni(&self, at: NodeIx) -> Option<&EniNode> {
        match self.node(at) {
            Node::Eni(eni) => Some(eni),
            _ => None,
        }
    }

    /// The router at `at`, if it is one.
    pub fn router(&self, at: NodeIx) -> Option<&RouterNode> {
        match self.node(at) {
            Node::Router(router) => Some(router),
            _ => None,
        }
    }

    /// The gateway endpoint at `at`, if it is one.
    pub fn gateway_endpoint(&self, at: NodeIx) -> Option<&GatewayEndpointNode> {
        match self.node(at) {
            Node::GatewayEndpoint(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// The NAT gateway at `at`, if it is one.
    pub fn nat_gateway(&self, at: NodeIx) -> Option<&NatGatewayNode> {
        match self.node(at) {
            Node::NatGateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// The internet, if `at` is it.
    pub fn internet(&self, at: NodeIx) -> Option<&InternetNode> {
        match self.node(at) {
            Node::Internet(internet) => Some(internet),
            _ => None,
        }
    }

    /// The Ethernet address of whatever node is at `at`.
    pub fn node_mac(&self, at: NodeIx) -> MacAddress {
        match self.node(at) {
            Node::Eni(node) => node.mac,
            Node::Router(node) => node.mac,
            Node::InternetGateway(node) => node.mac,
            Node::GatewayEndpoint(node) => node.mac,
            Node::NatGateway(node) => node.mac,
            Node::Forwarder(node) => node.mac,
            Node::Peering(node) => node.mac,
            Node::TransitGateway(node) => node.mac,
            Node::VpnGateway(node) => node.mac,
            Node::VpnConnection(node) => node.mac,
            Node::VirtualInterface(node) => node.mac,
            Node::OnPremises(node) => node.mac,
            Node::Internet(node) => node.mac,
            Node::PlainRouter(node) => node.mac,
            Node::Tombstone => MacAddress::default(),
        }
    }

    /// What the route table of a subnet says about `destination`: the table, and where to go (`None`: no route). `None` for a subnet that the
    /// router does not have.
    pub fn route(&self, router: &RouterNode, subnet: u16, destination: Ipv4Addr) -> Option<(TableIx, Option<NextHop>)> {
        let table = router.subnets.get(usize::from(subnet))?.table;
        Some((table, self.fibs.get(table.at())?.lookup(destination)))
    }

    /// What a table says about `destination`; `None`: no route.
    pub fn route_by(&self, table: TableIx, destination: Ipv4Addr) -> Option<NextHop> {
        self.fibs.get(table.at())?.lookup(destination)
    }
}

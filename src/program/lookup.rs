//! From AWS ids to indices: for drivers that start from a name. Packets never come here.

use super::{
    EniNode, GatewayEndpointNode, HostIx, HostKind, InternetNode, NextHop, Node, NodeIx, Program, RouterNode, TableIx,
};
use crate::ids::{EniId, InternetGatewayId, RouteTableId, VpcEndpointId, VpcId};
use crate::net::MacAddress;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

/// Ids to indices. What was removed stays in here: its node is a [`Node::Tombstone`], its host is marked `removed`.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// Nodes.
    pub nodes: BTreeMap<NodeKey, NodeIx>,
    /// Hosts.
    pub hosts: BTreeMap<HostKind, HostIx>,
    /// Route tables.
    pub tables: BTreeMap<RouteTableId, TableIx>,
}

impl Program {
    /// The host of this kind; `None` if there never was one.
    pub fn host_of(&self, kind: &HostKind) -> Option<HostIx> {
        self.lookup.hosts.get(kind).copied()
    }

    /// The node of an interface; `None` if there never was one.
    pub fn node_of_eni(&self, id: EniId) -> Option<NodeIx> {
        self.node_of(NodeKey::Eni(id))
    }

    /// The node of a gateway endpoint; `None` if there never was one.
    pub fn node_of_endpoint(&self, id: VpcEndpointId) -> Option<NodeIx> {
        self.node_of(NodeKey::GatewayEndpoint(id))
    }

    /// The node of an internet gateway; `None` if there never was one.
    pub fn node_of_gateway(&self, id: InternetGatewayId) -> Option<NodeIx> {
        self.node_of(NodeKey::InternetGateway(id))
    }

    /// The node of a VPC's router; `None` if there never was one.
    pub fn node_of_router(&self, id: VpcId) -> Option<NodeIx> {
        self.node_of(NodeKey::Router(id))
    }

    /// The node of whatever `key` names; `None` if there never was one.
    pub fn node_of(&self, key: NodeKey) -> Option<NodeIx> {
        self.lookup.nodes.get(&key).copied()
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
            Node::Internet(node) => node.mac,
            Node::Tombstone => MacAddress::default(),
        }
    }

    /// What the route table of a subnet says about `destination`: the table, and where to go (`None`: no route). `None` for a subnet that the
    /// router does not have.
    pub fn route(&self, router: &RouterNode, subnet: u16, destination: Ipv4Addr) -> Option<(TableIx, Option<NextHop>)> {
        let table = router.subnets.get(usize::from(subnet))?.table;
        Some((table, self.fibs.get(table.at())?.lookup(destination)))
    }
}

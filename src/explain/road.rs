//! The way a packet takes out of its sender's reach, read off its decisions.

use crate::dataplane::Decision;
use crate::program::{NextHopKind, NodeIx, Program, RibEntry};

/// The way a packet takes out of its sender's reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Road {
    /// Inside the VPC.
    Local,
    /// Through an internet gateway.
    InternetGateway(NodeIx),
    /// Through a gateway endpoint.
    GatewayEndpoint(NodeIx),
    /// To a peered VPC.
    Peering(NodeIx),
    /// Through a transit gateway: the sender's own, where several are passed.
    TransitGateway(NodeIx),
    /// Over a Site-to-Site VPN connection.
    Vpn(NodeIx),
    /// Over a virtual interface of Direct Connect.
    DirectConnect(NodeIx),
    /// Through a NAT gateway, and through the internet gateway behind it if it is a public one.
    NatGateway(NodeIx),
    /// Outside every VPC: between hosts on the internet and public services.
    Internet,
    /// Through an interface endpoint: the node is the interface's.
    InterfaceEndpoint(NodeIx),
}

impl Road {
    /// The road's class, as scenarios and histograms call it.
    pub const fn class(self) -> &'static str {
        match self {
            Road::Local => "local",
            Road::InternetGateway(_) => "internet-gateway",
            Road::GatewayEndpoint(_) => "gateway-endpoint",
            Road::Peering(_) => "peering",
            Road::TransitGateway(_) => "transit-gateway",
            Road::Vpn(_) => "vpn",
            Road::DirectConnect(_) => "direct-connect",
            Road::NatGateway(_) => "nat-gateway",
            Road::Internet => "internet",
            Road::InterfaceEndpoint(_) => "interface-endpoint",
        }
    }

    /// The gateway or endpoint; of an interface endpoint, its interface ([`crate::program::Origins::owner`] knows whose that is).
    pub const fn node(self) -> Option<NodeIx> {
        match self {
            Road::InternetGateway(node)
            | Road::GatewayEndpoint(node)
            | Road::InterfaceEndpoint(node)
            | Road::NatGateway(node) => Some(node),
            Road::Peering(node) | Road::TransitGateway(node) => Some(node),
            Road::Vpn(node) | Road::DirectConnect(node) => Some(node),
            Road::Local | Road::Internet => None,
        }
    }

    /// The road known so far, after one more decision at `at`: gateways and endpoints outrank what was seen before them, save that the
    /// internet gateway behind a NAT gateway is part of that one's road. (An instance that masquerades is no road of its own: behind it is one.)
    pub fn after(so_far: Option<Road>, program: &Program, at: NodeIx, decision: &Decision) -> Option<Road> {
        match *decision {
            Decision::Route { table, entry: Some(entry), .. } => {
                let entries = &program.origins.tables[table.at()].entries;
                let RibEntry { kind, target, .. } = &entries[usize::from(entry)];
                // A route to an interface ends inside the VPC as well.
                let is_local =
                    *kind == NextHopKind::Local || (*kind == NextHopKind::Node && target.starts_with("eni-"));
                so_far.or(is_local.then_some(Road::Local))
            }
            Decision::SameSubnet { .. } => so_far.or(Some(Road::Local)),
            Decision::Nat { .. } if program.nat_gateway(at).is_some() => Some(Road::NatGateway(at)),
            Decision::Translate { .. } if matches!(so_far, Some(Road::NatGateway(_))) => so_far,
            Decision::Translate { .. } => Some(Road::InternetGateway(at)),
            Decision::Endpoint { endpoint, .. } if program.eni(endpoint).is_some() => {
                Some(Road::InterfaceEndpoint(endpoint))
            }
            Decision::Endpoint { endpoint, .. } => Some(Road::GatewayEndpoint(endpoint)),
            // What lies behind these may be a gateway's road after all; what follows inside the other VPC changes nothing.
            Decision::Peering { connection, passed: true } => outranking(so_far, Road::Peering(connection)),
            Decision::TransitAttachment { .. } => outranking(so_far, Road::TransitGateway(at)),
            Decision::Tunnel { connection, tunnel: Some(_) } => Some(Road::Vpn(connection)),
            Decision::VirtualInterface { interface, up: true } => Some(Road::DirectConnect(interface)),
            Decision::PublicAddress { .. } => so_far.or(Some(Road::Internet)),
            _ => so_far,
        }
    }
}

/// `road`, unless a road out of the VPC was seen before.
fn outranking(so_far: Option<Road>, road: Road) -> Option<Road> {
    match so_far {
        None | Some(Road::Local) => Some(road),
        other => other,
    }
}

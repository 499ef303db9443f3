//! Which route decides, by reading the table from top to bottom.
//!
//! Source: route-tables-priority.html; for propagated routes docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use vpcsim::ids::{RouteTableId, SubnetId, VpcId};
use vpcsim::model::{
    EdgeGateway, LearnedOver, Model, NatGatewayState, PeeringState, Route, RouteDestination, RouteOrigin, RouteTable,
    RouteTarget, TransitGatewayAttachmentState, TransitGatewayResource,
};
use vpcsim::net::Ipv4Net;

/// The route that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub prefix: Ipv4Net,
    pub target: RouteTarget,
    pub active: bool,
}

/// Several targets are equally good: AWS takes one of them, always the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    pub table: RouteTableId,
    pub prefix: Ipv4Net,
    pub targets: BTreeSet<RouteTarget>,
}

/// The table that routes for a subnet: the one it is explicitly associated with, else the VPC's main table.
pub fn table_of(model: &Model, subnet: SubnetId) -> &RouteTable {
    for table in model.route_tables.values() {
        if table.associations.contains_key(&subnet) {
            return table;
        }
    }
    let vpc = model.subnets[&subnet].vpc_id;
    &model.route_tables[&model.vpcs[&vpc].main_route_table_id]
}

/// The table that routes what comes in by a gateway, if it has one (gateway-route-tables.html).
pub fn edge_table(model: &Model, gateway: EdgeGateway) -> Option<&RouteTable> {
    model.route_tables.values().find(|table| table.gateway_associations.contains_key(&gateway))
}

/// The route for `destination`: none if nothing matches, a tie if several targets remain.
pub fn choose(model: &Model, table: &RouteTable, destination: Ipv4Addr) -> Result<Option<Chosen>, Tie> {
    let mut matching: Vec<(Ipv4Net, Route)> = Vec::new();
    let propagated = super::roads::vpn::propagated(model, table);
    for route in table.routes.iter().chain(&propagated) {
        for prefix in prefixes(model, table.vpc_id, route.destination) {
            if inside(destination, prefix) {
                matching.push((prefix, *route));
            }
        }
    }
    // "local" wins over propagated routes even where these are more specific; assumed with vpcsim: also if it has another target.
    if matching.iter().any(|(_, route)| route.origin == RouteOrigin::CreateRouteTable) {
        matching.retain(|(_, route)| !matches!(route.origin, RouteOrigin::Propagated(_)));
    }
    let Some(longest) = matching.iter().map(|(prefix, _)| prefix.prefix_len()).max() else {
        return Ok(None);
    };
    matching.retain(|(prefix, _)| prefix.prefix_len() == longest);
    let Some(best) = matching.iter().map(|(_, route)| rank(route)).min() else {
        return Ok(None);
    };
    matching.retain(|(_, route)| rank(route) == best);
    let prefix = matching[0].0;
    let targets: BTreeSet<RouteTarget> = matching.iter().map(|(_, route)| route.target).collect();
    if targets.len() > 1 {
        return Err(Tie { table: table.id, prefix, targets });
    }
    let target = matching[0].1.target;
    Ok(Some(Chosen { prefix, target, active: is_active(model, table, target) }))
}

/// Static, then prefix list, then propagated; among those Direct Connect, VPN static, VPN BGP, shorter AS_PATH, lower MED.
fn rank(route: &Route) -> (u8, u8, u8, u32) {
    match (route.origin, route.destination) {
        (RouteOrigin::Propagated(how), _) => {
            let over = match how.learned_over {
                LearnedOver::DirectConnectBgp => 0,
                LearnedOver::VpnStatic => 1,
                LearnedOver::VpnBgp => 2,
            };
            (2, over, how.as_path_length, how.multi_exit_discriminator)
        }
        (_, RouteDestination::PrefixList(_)) => (1, 0, 0, 0),
        (_, RouteDestination::Cidr(_)) => (0, 0, 0, 0),
    }
}

/// The blocks a destination column stands for, in the Region of the VPC.
fn prefixes(model: &Model, vpc: VpcId, destination: RouteDestination) -> Vec<Ipv4Net> {
    match destination {
        RouteDestination::Cidr(cidr) => vec![cidr],
        RouteDestination::PrefixList(id) => {
            let mut cidrs = Vec::new();
            for list in model.prefix_lists.values() {
                if list.region == model.vpcs[&vpc].region && list.id == id {
                    cidrs.extend(list.cidrs.iter().copied());
                }
            }
            cidrs
        }
    }
}

/// A target that is gone makes the route a blackhole.
pub fn is_active(model: &Model, table: &RouteTable, target: RouteTarget) -> bool {
    let vpc = table.vpc_id;
    match target {
        RouteTarget::Local => true,
        RouteTarget::InternetGateway(id) => {
            model.internet_gateways.values().any(|igw| igw.id == id && igw.attached_vpc_id == Some(vpc))
        }
        RouteTarget::GatewayEndpoint(id) => model.vpc_endpoints.values().any(|endpoint| endpoint.id == id),
        RouteTarget::NetworkInterface(id) => {
            model.network_interfaces.values().any(|eni| eni.id == id && eni.attachment.is_some())
        }
        RouteTarget::NatGateway(id) => {
            model.nat_gateways.values().any(|nat| nat.id == id && nat.state == NatGatewayState::Available)
        }
        RouteTarget::PeeringConnection(id) => model.peering_connections.values().any(|pcx| {
            let ours = pcx.requester.vpc_id == vpc || pcx.accepter.vpc_id == vpc;
            pcx.id == id && pcx.state == PeeringState::Active && ours
        }),
        RouteTarget::TransitGateway(id) => model.transit_gateway_attachments.values().any(|attachment| {
            let ours = matches!(attachment.resource, TransitGatewayResource::Vpc { vpc_id, .. } if vpc_id == vpc);
            attachment.transit_gateway_id == id && attachment.state == TransitGatewayAttachmentState::Available && ours
        }),
        RouteTarget::VpnGateway(id) => {
            model.vpn_gateways.values().any(|vgw| vgw.id == id && vgw.attached_vpc_id == Some(vpc))
        }
    }
}

/// Whether the first bits agree.
pub fn inside(address: Ipv4Addr, block: Ipv4Net) -> bool {
    let bits = u32::from(block.prefix_len());
    let shift = 32 - bits;
    bits == 0 || u32::from(address) >> shift == u32::from(block.network()) >> shift
}

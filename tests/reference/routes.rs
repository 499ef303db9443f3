//! Which route decides, by reading the table from top to bottom.
//!
//! Source: route-tables-priority.html; for propagated routes docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use vpcsim::ids::{RouteTableId, SubnetId};
use vpcsim::model::{LearnedOver, Model, Route, RouteDestination, RouteOrigin, RouteTable, RouteTarget};
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

/// The route for `destination`: none if nothing matches, a tie if several targets remain.
pub fn choose(model: &Model, table: &RouteTable, destination: Ipv4Addr) -> Result<Option<Chosen>, Tie> {
    let mut matching: Vec<(Ipv4Net, Route)> = Vec::new();
    for route in &table.routes {
        for prefix in prefixes(model, route.destination) {
            if inside(destination, prefix) {
                matching.push((prefix, *route));
            }
        }
    }
    // "local" wins over propagated routes even where these are more specific.
    if matching.iter().any(|(_, route)| route.target == RouteTarget::Local) {
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

/// The blocks a destination column stands for.
fn prefixes(model: &Model, destination: RouteDestination) -> Vec<Ipv4Net> {
    match destination {
        RouteDestination::Cidr(cidr) => vec![cidr],
        RouteDestination::PrefixList(id) => {
            let mut cidrs = Vec::new();
            for list in model.prefix_lists.values() {
                if list.region == model.region && list.id == id {
                    cidrs.extend(list.cidrs.iter().copied());
                }
            }
            cidrs
        }
    }
}

/// A target that is gone makes the route a blackhole.
pub fn is_active(model: &Model, table: &RouteTable, target: RouteTarget) -> bool {
    match target {
        RouteTarget::Local => true,
        RouteTarget::InternetGateway(id) => {
            model.internet_gateways.values().any(|igw| igw.id == id && igw.attached_vpc_id == Some(table.vpc_id))
        }
        RouteTarget::GatewayEndpoint(id) => model.vpc_endpoints.values().any(|endpoint| endpoint.id == id),
        RouteTarget::NetworkInterface(id) => {
            model.network_interfaces.values().any(|eni| eni.id == id && eni.attachment.is_some())
        }
        other => panic!("{other}: the reference draws no such route"),
    }
}

/// Whether the first bits agree.
pub fn inside(address: Ipv4Addr, block: Ipv4Net) -> bool {
    let bits = u32::from(block.prefix_len());
    let shift = 32 - bits;
    bits == 0 || u32::from(address) >> shift == u32::from(block.network()) >> shift
}

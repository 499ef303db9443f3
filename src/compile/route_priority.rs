//! AWS's route priority: from a route table's rows (RIB) to one next hop per prefix (FIB).
//!
//! | | rule | example | goes to |
//! |---|---|---|---|
//! | 1 | the longest prefix wins, whatever its kind | 10.1.0.0/16 -> pcx, propagated 10.1.2.0/24 -> vgw; packet to 10.1.2.3 | vgw |
//! | 2 | equal prefixes: static CIDR before prefix list before propagated | 52.94.0.0/22 -> igw, pl-02cd2c6b (has 52.94.0.0/22) -> vpce | igw |
//! | 3 | propagated, equal prefixes: BGP over Direct Connect, then static VPN, then BGP VPN | 10.9.0.0/16 over VPN (static) and over Direct Connect | Direct Connect |
//! | 3a | then the shorter AS_PATH | two BGP VPN routes, AS_PATH of 2 and of 1 | the one of 1 |
//! | 3b | then the lower MED | equal AS_PATHs, MED 200 and 100 | MED 100 |
//! | 4 | equal prefixes of several prefix lists, different targets: any, but always the same | pl-1 -> igw, pl-2 -> eni, both have 198.51.100.0/24 | the seed decides |
//! | 5 | `local` beats propagated routes, even more specific ones | 10.0.0.0/16 local, propagated 10.0.5.0/24 -> vgw; packet to 10.0.5.9 | local |
//! | 6 | gateway-endpoint routes are prefix-list routes: 1 and 2 apply | pl-02cd2c6b -> vpce, 0.0.0.0/0 -> igw; packet to 52.94.2.72 | vpce |
//! | | | the same and 52.94.2.72/32 -> igw | igw |
//! | 7 | a blackhole route wins like any other, then drops; nothing shorter is tried | 0.0.0.0/0 -> igw, 203.0.113.0/24 -> deleted eni | dropped |
//!
//! Rule 5 is applied by leaving propagated routes inside a `local` block out of the table; they stay listed among its entries, where reports find them as
//! beaten. Routes that are alike in everything rank in the order of the table.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html, docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html

use super::registry::Registry;
use super::{CompileError, small_index};
use crate::model::{LearnedOver, Model, Route, RouteDestination, RouteOrigin, RouteState, RouteTable, RouteTarget};
use crate::net::Ipv4Net;
use crate::program::{NextHop, NextHopKind, NodeIx, NodeKey, RibEntry};
use std::collections::BTreeSet;

/// A table, compiled.
pub(super) struct CompiledTable {
    /// Every (prefix, route) pair, by prefix and then by preference.
    pub(super) entries: Box<[RibEntry]>,
    /// The winner of each prefix, in the order of entries.
    pub(super) winners: Vec<(Ipv4Net, NextHop)>,
}

/// A route's rank among routes of an equal prefix: smaller is better. The derived order is the table above, rules 2 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    StaticCidr,
    PrefixList { draw: u64 },
    Propagated { learned_over: LearnedOver, as_path_length: u8, multi_exit_discriminator: u32 },
}

/// Compiles a route table.
///
/// # Errors
/// [`CompileError::TooMany`]: more entries than a next hop can name.
pub(super) fn compile(
    model: &Model,
    table: &RouteTable,
    nodes: &Registry<NodeKey>,
) -> Result<CompiledTable, CompileError> {
    let mut pairs: Vec<(Ipv4Net, Rank, &Route)> = Vec::new();
    for route in &table.routes {
        let rank = rank(model, table, route);
        pairs.extend(model.destination_cidrs(route.destination).iter().map(|cidr| (cidr.trunc(), rank, route)));
    }
    // Stable: what is alike stays in the table's order.
    pairs.sort_by_key(|(cidr, rank, _)| (cidr.network(), cidr.prefix_len(), *rank));

    let locals: Vec<Ipv4Net> =
        pairs.iter().filter(|(.., route)| route.target == RouteTarget::Local).map(|p| p.0).collect();
    let router = NodeIx(nodes.index(&NodeKey::Router(table.vpc_id)).unwrap_or_default());
    let (mut entries, mut winners, mut decided) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (position, (cidr, rank, route)) in pairs.iter().enumerate() {
        let (kind, node) = resolve(model, table, route, nodes, router);
        let propagated = matches!(rank, Rank::Propagated { .. });
        let entry = small_index("entries of a route table", position)?;
        entries.push(RibEntry {
            cidr: *cidr,
            prefix_list: match route.destination {
                RouteDestination::PrefixList(id) => Some(id.to_string()),
                RouteDestination::Cidr(_) => None,
            },
            target: route.target.to_string(),
            kind,
            propagated,
        });
        let loses_to_local = propagated && locals.iter().any(|local| local.contains(cidr));
        if !loses_to_local && decided.insert(*cidr) {
            winners.push((*cidr, NextHop { kind, entry, node }));
        }
    }
    Ok(CompiledTable { entries: entries.into(), winners })
}

fn rank(model: &Model, table: &RouteTable, route: &Route) -> Rank {
    match (route.origin, route.destination) {
        (RouteOrigin::Propagated(propagation), _) => Rank::Propagated {
            learned_over: propagation.learned_over,
            as_path_length: propagation.as_path_length,
            multi_exit_discriminator: propagation.multi_exit_discriminator,
        },
        (_, RouteDestination::Cidr(_)) => Rank::StaticCidr,
        (_, RouteDestination::PrefixList(list)) => {
            let draw = model.seed.derive(&format!("prefix-list tie:{}:{list}", table.id)).next_u64();
            Rank::PrefixList { draw }
        }
    }
}

/// What a route's target compiles to.
fn resolve(
    model: &Model,
    table: &RouteTable,
    route: &Route,
    nodes: &Registry<NodeKey>,
    router: NodeIx,
) -> (NextHopKind, NodeIx) {
    let (key, same_vpc) = match route.target {
        RouteTarget::Local => return (NextHopKind::Local, router),
        // `route_state` has seen that the gateway is attached to the table's VPC.
        RouteTarget::InternetGateway(id) => (NodeKey::InternetGateway(id), true),
        RouteTarget::GatewayEndpoint(id) => {
            (NodeKey::GatewayEndpoint(id), model.vpc_endpoints.get(&id).is_some_and(|e| e.vpc_id == table.vpc_id))
        }
        RouteTarget::NetworkInterface(id) => {
            (NodeKey::Eni(id), model.network_interfaces.get(&id).is_some_and(|e| e.vpc_id == table.vpc_id))
        }
    };
    match nodes.index(&key) {
        Some(node) if same_vpc && model.route_state(table, route) == RouteState::Active => {
            (NextHopKind::Node, NodeIx(node))
        }
        _ => (NextHopKind::Blackhole, router),
    }
}

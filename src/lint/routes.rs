//! Lints about route tables.

use super::{Lint, Mend, Network, Rule};
use crate::model::{Route, RouteDestination, RouteOrigin, RouteState, RouteTable, RouteTarget};
use crate::net::Ipv4Net;
use crate::program::RibEntry;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Two lists in one table that share addresses and lead elsewhere.
pub(super) fn overlapping_lists(network: &Network<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for table in network.model.route_tables.values() {
        let lists: Vec<&Route> = table.routes.iter().filter(|route| is_list(route)).collect();
        for (position, first) in lists.iter().enumerate() {
            for second in &lists[position + 1..] {
                let Some(block) =
                    shared(network, table.vpc_id, first, second).filter(|_| first.target != second.target)
                else {
                    continue;
                };
                // AWS keeps an endpoint's own route; the other one can go.
                let goes = if is_endpoint(second) { first } else { second };
                found.push(Lint {
                    rule: Rule::OverlappingLists,
                    subject: table.id.to_string(),
                    detail: format!("{} {}", first.destination, second.destination),
                    places: network.places(&[&table.id], table.vpc_id),
                    text: format!(
                        "{}: {} and {} both hold {block}, but lead to {} and {}",
                        network.called(table.id),
                        network.called(first.destination),
                        network.called(second.destination),
                        network.called(first.target),
                        network.called(second.target)
                    ),
                    mend: delete(network, table, &[goes]),
                });
            }
        }
    }
    found
}

/// A route to a block inside a list that an endpoint serves, leading elsewhere.
pub(super) fn bypasses(network: &Network<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for table in network.model.route_tables.values() {
        for endpoint_route in table.routes.iter().filter(|route| is_endpoint(route)) {
            let blocks = network.model.destination_cidrs(table.vpc_id, endpoint_route.destination);
            for route in table.routes.iter().filter(|route| route.target != endpoint_route.target) {
                let RouteDestination::Cidr(cidr) = route.destination else { continue };
                // A route learned of the same length loses to the list's.
                let wins = |block: &&Ipv4Net| {
                    block.contains(&cidr)
                        && (cidr.prefix_len() > block.prefix_len()
                            || !matches!(route.origin, RouteOrigin::Propagated(_)))
                };
                let Some(block) = blocks.iter().find(wins) else { continue };
                found.push(Lint {
                    rule: Rule::RouteBypassesEndpoint,
                    subject: table.id.to_string(),
                    detail: route.destination.to_string(),
                    places: network.places(&[&table.id], table.vpc_id),
                    text: format!(
                        "{}: {cidr} -> {} takes addresses of {block} off {}",
                        network.called(table.id),
                        network.called(route.target),
                        network.called(endpoint_route.target)
                    ),
                    mend: delete(network, table, &[route]),
                });
            }
        }
    }
    found
}

/// A route that wins for no address at all, according to the forwarding table.
pub(super) fn never_wins(network: &Network<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for table in network.model.route_tables.values() {
        let blocks: Vec<Ipv4Net> = table
            .routes
            .iter()
            .flat_map(|route| network.model.destination_cidrs(table.vpc_id, route.destination))
            .collect();
        for route in table.routes.iter().filter(|route| route.target != RouteTarget::Local) {
            let own = network.model.destination_cidrs(table.vpc_id, route.destination);
            let samples: BTreeSet<Ipv4Addr> = own.iter().flat_map(|block| borders(*block, &blocks)).collect();
            let winners: Vec<&RibEntry> =
                samples.iter().filter_map(|address| network.decides(table, *address)).collect();
            if samples.is_empty() || winners.iter().any(|entry| is_of(entry, route)) {
                continue;
            }
            let beaters: Vec<&Route> =
                (table.routes.iter()).filter(|other| winners.iter().any(|entry| is_of(entry, other))).collect();
            let by: Vec<String> =
                beaters.iter().map(|other| format!("{} -> {}", other.destination, other.target)).collect();
            let mend = match is_endpoint(route) {
                // The endpoint's own route is not the one to take out.
                true => delete(network, table, &beaters),
                false => delete(network, table, &[route]),
            };
            found.push(Lint {
                rule: Rule::RouteNeverWins,
                subject: table.id.to_string(),
                detail: format!("{} {}", route.destination, route.target),
                places: network.places(&[&table.id], table.vpc_id),
                text: format!(
                    "{}: {} -> {} never wins: beaten by {}",
                    network.called(table.id),
                    network.called(route.destination),
                    network.called(route.target),
                    by.join(", ")
                ),
                mend,
            });
        }
    }
    found
}

/// A route whose target is gone.
pub(super) fn blackholes(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found = Vec::new();
    for table in model.route_tables.values() {
        let gone = |route: &&Route| model.route_state(table, route) == RouteState::Blackhole;
        for route in table.routes.iter().filter(gone) {
            let attached = model.internet_gateways.values().find(|it| it.attached_vpc_id == Some(table.vpc_id));
            let mend = match (route.target, route.destination, attached) {
                (RouteTarget::InternetGateway(_), RouteDestination::Cidr(cidr), Some(gateway))
                    if matches!(route.origin, RouteOrigin::CreateRoute) =>
                {
                    Mend::Aws(vec![format!(
                        "aws ec2 replace-route --route-table-id {} --destination-cidr-block {cidr} --gateway-id {}",
                        table.id, gateway.id
                    )])
                }
                _ => delete(network, table, &[route]),
            };
            found.push(Lint {
                rule: Rule::BlackholeRoute,
                subject: table.id.to_string(),
                detail: route.destination.to_string(),
                places: network.places(&[&table.id], table.vpc_id),
                text: format!(
                    "{}: {} -> {} is a blackhole",
                    network.called(table.id),
                    network.called(route.destination),
                    network.called(route.target)
                ),
                mend,
            });
        }
    }
    found
}

/// The commands that take `routes` out of the table; words if one of them cannot be taken out so.
fn delete(network: &Network<'_>, table: &RouteTable, routes: &[&Route]) -> Mend {
    let mut lines = Vec::new();
    for route in routes {
        match (route.origin, route.target, route.destination) {
            (RouteOrigin::Propagated(_), ..) => {
                let (route, table) = (route.destination, network.called(table.id));
                return Mend::Scenario(format!("take the propagated route {route} out of [route_table] {table}"));
            }
            (RouteOrigin::CreateRouteTable, ..) => {
                return Mend::Advice("local routes cannot be deleted: use other addresses".to_owned());
            }
            (_, RouteTarget::GatewayEndpoint(id), _) => lines.push(format!(
                "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --remove-route-table-ids {}",
                table.id
            )),
            (.., RouteDestination::Cidr(cidr)) => lines
                .push(format!("aws ec2 delete-route --route-table-id {} --destination-cidr-block {cidr}", table.id)),
            (.., RouteDestination::PrefixList(list)) => lines.push(format!(
                "aws ec2 delete-route --route-table-id {} --destination-prefix-list-id {list}",
                table.id
            )),
        }
    }
    Mend::Aws(lines)
}

fn is_list(route: &Route) -> bool {
    matches!(route.destination, RouteDestination::PrefixList(_))
}

fn is_endpoint(route: &Route) -> bool {
    matches!(route.target, RouteTarget::GatewayEndpoint(_))
}

/// Whether a forwarding entry comes from `route`.
fn is_of(entry: &RibEntry, route: &Route) -> bool {
    let same_destination = match (route.destination, &entry.prefix_list) {
        (RouteDestination::Cidr(cidr), None) => cidr.trunc() == entry.cidr,
        (RouteDestination::PrefixList(list), Some(entry)) => list.to_string() == *entry,
        _ => false,
    };
    let propagated = matches!(route.origin, RouteOrigin::Propagated(_));
    same_destination && entry.target == route.target.to_string() && entry.propagated == propagated
}

/// A block that both routes' destinations hold; the smaller of the two.
fn shared(network: &Network<'_>, vpc_id: crate::ids::VpcId, first: &Route, second: &Route) -> Option<Ipv4Net> {
    let seconds = network.model.destination_cidrs(vpc_id, second.destination);
    network.model.destination_cidrs(vpc_id, first.destination).into_iter().find_map(|a| {
        let b = seconds.iter().find(|b| a.contains(*b) || b.contains(&a))?;
        Some(if a.prefix_len() > b.prefix_len() { a } else { *b })
    })
}

/// Addresses of `block` between which no border of any of `blocks` lies: what holds for these holds for the whole block.
fn borders(block: Ipv4Net, blocks: &[Ipv4Net]) -> Vec<Ipv4Addr> {
    let starts = blocks.iter().map(Ipv4Net::network);
    let ends = blocks.iter().filter_map(|other| u32::from(other.broadcast()).checked_add(1)).map(Ipv4Addr::from);
    let inside = starts.chain(ends).filter(|address| block.contains(address));
    inside.chain([block.network()]).collect()
}

//! From decisions to words.
//!
//! Purpose: the sentences that captures, reports and traces show, written once; below, one packet's story without a run:
//!
//! | module | what is there |
//! |---|---|
//! | [`operator`] | `aws` lines done to the control plane: for the run, for the state after a step, for mends |
//! | [`state`] | the network after a step, only its control lines applied |
//! | [`probe`], [`trace`], [`mod@road`] | who sends what to whom; the walk there and back; the road it took |
//! | [`story`], [`analysis`] | the walk as a table, and as EC2's `NetworkInsightsAnalysis` |
//! | [`hints`] | AWS's codes that no packet dies of, where they explain a trace |
//! | [`mend`] | the smallest change after which the probe arrives, found by trying |
//!
//! Non-goals: deciding anything.
//! Invariants: a sentence about a dropped packet contains `DROP`, no other sentence does (the Wireshark profile colours by it); the road's
//! name stands first, as `via ID`.

pub mod analysis;
pub mod hints;
pub mod mend;
pub mod operator;
pub mod probe;
pub mod road;
pub mod state;
pub mod story;
pub mod trace;

use crate::dataplane::answer::Answer;
use crate::dataplane::{Decision, Direction, DropReason, Made, MtuOutcome, SecurityVerdict, Step};
use crate::program::{NodeIx, Program, TableIx, TableOrigin};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// One decision as a sentence; `at` is the node that decided.
pub fn sentence(program: &Program, at: NodeIx, decision: &Decision) -> String {
    let origins = &program.origins;
    match *decision {
        Decision::Arp { target, answered: true } => format!("ARP: the VPC answers for {target}"),
        Decision::Arp { target, answered: false } => format!("ARP: nobody has {target}"),
        Decision::Platform { .. } => "link-local service, before any rule".to_owned(),
        Decision::SourceDestCheck { enabled: false, .. } => "source/dest check: off".to_owned(),
        Decision::SourceDestCheck { address, passed, .. } => {
            let own = if passed { "its own" } else { "not its own" };
            format!("source/dest check: {address} is {own}")
        }
        Decision::SecurityGroup { direction, verdict } => security_group(program, direction, verdict),
        Decision::SameSubnet { to } => {
            format!("same subnet: straight to {}, no route table, no ACL", origins.node(to).id)
        }
        Decision::NetworkAcl { acl, direction, rule, allowed } => {
            let number = rule.map_or_else(|| "*".to_owned(), |number| number.to_string());
            let verdict = if allowed { "allow" } else { "deny" };
            format!("{} {}: {number} {verdict}", origins.acl(acl).id, side(direction))
        }
        Decision::Route { table, destination, entry } => route_sentence(program, table, destination, entry),
        Decision::Translate { direction: Direction::Egress, before, after } => {
            format!("{}: source {before} becomes {after}", origins.node(at).id)
        }
        Decision::Translate { direction: Direction::Ingress, before, after } => {
            format!("{}: destination {before} becomes {after}", origins.node(at).id)
        }
        Decision::Endpoint { endpoint, direction: Direction::Egress } if program.eni(endpoint).is_some() => {
            format!("{}: TCP, passes to the service", origins.owner(endpoint).id)
        }
        Decision::Endpoint { endpoint, direction: Direction::Egress } => {
            format!("{}: TCP or echo, in the list, passes", origins.node(endpoint).id)
        }
        Decision::Endpoint { endpoint, direction: Direction::Ingress } => {
            format!("{}: the service's answer", origins.owner(endpoint).id)
        }
        Decision::PublicAddress { address } => format!("public address {address}"),
        Decision::Nat { direction, before, after, begun } => {
            let field = if direction == Direction::Egress { "source" } else { "destination" };
            let memory = if begun { ", a new session" } else { "" };
            let (before, after) = (address_and_port(before), address_and_port(after));
            format!("{}: {field} {before} becomes {after}{memory}", origins.node(at).id)
        }
        Decision::Mtu { mtu_bytes, packet_bytes, outcome } => {
            let end = match outcome {
                MtuOutcome::Fragmented => "is split",
                MtuOutcome::Told => "is refused, its source told",
                MtuOutcome::Silent => "is dropped without a word",
            };
            format!("{packet_bytes} bytes are more than the MTU of {mtu_bytes}: the packet {end}")
        }
        Decision::MssClamped { before, after } => {
            format!("{}: MSS {before} lowered to {after}", origins.node(at).id)
        }
        Decision::TimeToLive { left } => format!("{}: TTL {left} left", origins.node(at).id),
        Decision::Forwarded { masquerade } => {
            let how = if masquerade { "with its own address" } else { "as it is" };
            format!("{}: the instance sends it on, {how}", origins.node(at).id)
        }
        Decision::Peering { connection, passed } => {
            let verdict = if passed { "an address in the other VPC, passes" } else { "no address in the other VPC" };
            format!("{}: {verdict}", origins.node(connection).id)
        }
        Decision::TransitAttachment { from, table } => {
            let table = table.map_or("no route table", |table| origins.tables[table.at()].table.id.as_str());
            format!("{}: came from {}, associated with {table}", origins.node(at).id, origins.node(from).id)
        }
        Decision::TransitPort { zone } => {
            let zone = origins.zones.get(usize::from(zone)).map_or("?", |zone| zone.id.as_str());
            format!("{}: by the transit gateway's interface in {zone}", origins.node(at).id)
        }
        Decision::VpnGatewayAddress { direction, address, known } => {
            let field = if direction == Direction::Egress { "source" } else { "destination" };
            let whose = if known { "an interface's of the VPC" } else { "no interface's of the VPC" };
            format!("{}: {field} {address} is {whose}", origins.node(at).id)
        }
        Decision::Tunnel { connection, tunnel: Some(tunnel) } => {
            format!("{}: through tunnel {}", origins.node(connection).id, tunnel + 1)
        }
        Decision::Tunnel { connection, tunnel: None } => {
            format!("{}: both tunnels are down", origins.node(connection).id)
        }
        Decision::VirtualInterface { interface, up } => {
            let state = if up { "its BGP session is up" } else { "its BGP session is down" };
            format!("{}: {state}", origins.node(interface).id)
        }
        Decision::BlockPublicAccess { passed } => {
            let verdict = if passed { "a NAT gateway's traffic passes" } else { "blocks it" };
            format!("VPC Block Public Access: {verdict}")
        }
        Decision::LinkLocalRate { limit } => format!("more than {limit} packets a second to link-local services"),
    }
}

/// `10.0.1.10:40000`; without a port where there is none.
fn address_and_port((address, port): (Ipv4Addr, u16)) -> String {
    if port == 0 { address.to_string() } else { format!("{address}:{port}") }
}

/// What a route table answered: `rtb-4c19d2e0 (main): 0.0.0.0/0 -> igw-6f2d91ab; beats ...`, or `shares flows with ...`.
pub fn route_sentence(program: &Program, table: TableIx, destination: Ipv4Addr, entry: Option<u16>) -> String {
    let Some(entry) = entry else {
        return format!("{}: no route to {destination}", table_name(&program.origins.tables[table.at()]));
    };
    let explained = program.origins.explain_route(table, entry, destination);
    let mut text = format!("{}: {}", table_name(explained.table), explained.winner);
    for other in &explained.sharing {
        let _ = write!(text, "; shares flows with {}", other.target);
    }
    for (position, other) in explained.beaten.iter().enumerate() {
        let _ = write!(text, "{}{other}", if position == 0 { "; beats " } else { ", " });
    }
    text
}

fn security_group(program: &Program, direction: Direction, verdict: SecurityVerdict) -> String {
    match verdict {
        SecurityVerdict::Tracked => format!("security group {}: tracked connection", side(direction)),
        SecurityVerdict::FollowsFirst => format!("security group {}: its first fragment passed", side(direction)),
        SecurityVerdict::RouterExempt => format!("security group {}: the subnet router is exempt", side(direction)),
        SecurityVerdict::NoRule => format!("security group {}: no rule allows it", side(direction)),
        SecurityVerdict::Rule { group, position, tracked } => {
            let (name, rules) = &program.origins.groups[group.at()];
            let rules = &rules[usize::from(direction == Direction::Egress)];
            let rule = rules.get(usize::from(position)).map_or("?", String::as_str);
            let tracking = if tracked { "tracked" } else { "untracked" };
            format!("{} {}: {rule}, {tracking}", name.id, side(direction))
        }
    }
}

/// `rtb-4c19d2e0 (main)`.
pub fn table_name(table: &TableOrigin) -> String {
    match (&table.table.name, table.is_main) {
        (Some(name), _) => format!("{} ({name})", table.table.id),
        (None, true) => format!("{} (main)", table.table.id),
        (None, false) => table.table.id.clone(),
    }
}

/// Why it was dropped, and where.
pub fn drop_sentence(program: &Program, at: Option<NodeIx>, reason: DropReason) -> String {
    let place = at.map(|node| format!(" at {}", program.origins.node(node).id)).unwrap_or_default();
    format!("DROP{place} [{}]: {}", reason.code(), reason.facts().sentence)
}

/// Who made a packet that no host sent, and why.
pub fn made_sentence(program: &Program, at: NodeIx, made: Made) -> String {
    let maker = &program.origins.node(at).id;
    match made {
        Made::Fragment { mtu_bytes } => format!("a fragment, made at {maker} for an MTU of {mtu_bytes}"),
        Made::Answer(Answer::FragmentationNeeded { mtu_bytes }) => {
            format!("{maker} tells the sender: fragmentation needed, MTU {mtu_bytes}")
        }
        Made::Answer(Answer::TimeExceeded) => format!("{maker} tells the sender: time to live exceeded"),
        Made::Answer(Answer::Reset) => format!("{maker} resets the sender's connection"),
    }
}

/// What a capture says about a frame: its fate or its road first, then who made it if no host did, then the deciding route, then everything else in order.
pub fn comment(
    program: &Program,
    made: Option<(NodeIx, Made)>,
    decisions: &[(NodeIx, Decision)],
    end: Option<(Option<NodeIx>, Step)>,
) -> String {
    let mut parts = Vec::with_capacity(decisions.len() + 3);
    match end.and_then(|(at, step)| Some((at, step.drop_reason()?))) {
        Some((at, reason)) => parts.push(drop_sentence(program, at, reason)),
        None => {
            // A packet on its way into a NAT gateway has not been translated yet, but nothing else is its road.
            let into_nat = end.and_then(|(_, step)| match step {
                Step::Forward(next, _) => program.nat_gateway(next).map(|_| program.origins.node(next).id.as_str()),
                _ => None,
            });
            parts.extend(road(program, decisions).or(into_nat).map(|road| format!("via {road}")));
        }
    }
    parts.extend(made.map(|(at, made)| made_sentence(program, at, made)));
    let is_route = |decision: &Decision| matches!(decision, Decision::Route { .. });
    let routes = decisions.iter().filter(|(_, decision)| is_route(decision));
    let others = decisions.iter().filter(|(_, decision)| !is_route(decision));
    parts.extend(routes.chain(others).map(|(at, decision)| sentence(program, *at, decision)));
    parts.join(" | ")
}

/// The gateway or endpoint that a packet's decisions went through, by id; if there was none, the way to another VPC.
fn road<'a>(program: &'a Program, decisions: &[(NodeIx, Decision)]) -> Option<&'a str> {
    // The internet gateway of a public NAT gateway is part of that one's road, whichever comes first.
    let nat = decisions.iter().find(|(at, d)| matches!(d, Decision::Nat { .. }) && program.nat_gateway(*at).is_some());
    if let Some((at, _)) = nat {
        return Some(program.origins.node(*at).id.as_str());
    }
    let gateway = decisions.iter().find_map(|(at, decision)| match decision {
        Decision::Endpoint { endpoint, .. } => Some(program.origins.owner(*endpoint).id.as_str()),
        Decision::Translate { .. } => Some(program.origins.node(*at).id.as_str()),
        Decision::Tunnel { connection, tunnel: Some(_) } => Some(program.origins.node(*connection).id.as_str()),
        Decision::VirtualInterface { interface, up: true } => Some(program.origins.node(*interface).id.as_str()),
        _ => None,
    });
    gateway.or_else(|| {
        decisions.iter().find_map(|(at, decision)| match decision {
            Decision::Peering { passed: true, .. } | Decision::TransitAttachment { .. } => {
                Some(program.origins.node(*at).id.as_str())
            }
            _ => None,
        })
    })
}

const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "out",
        Direction::Ingress => "in",
    }
}

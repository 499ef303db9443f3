//! Security groups: sessions first, then rules.
//!
//! Allow rules only; the rules of all groups of an interface are one set, and any match allows. What a rule allows is tracked from then on, except TCP and
//! UDP flows that need no memory because both directions are open to everybody: a matching rule for 0.0.0.0/0, and one in the other direction for
//! 0.0.0.0/0 with all ports. Such flows are cut the moment a rule goes. Connections through a DynamoDB gateway endpoint are always tracked and take
//! two entries, those through a NAT gateway are always tracked and take one; those to an interface endpoint are tracked at both ends (at the caller's only if the endpoint is in its VPC: others are not recognised), and an
//! endpoint's interface takes up no connection in the middle: what its table does not know was silent for too long. ICMP queries are always tracked. ICMP
//! errors about a tracked session pass with it; those that the subnet's router makes itself pass always, since its addresses are exempt. Later fragments pass
//! after their first one ([`super::fragments`]); without it rules are asked, of which only those without ports can match.
//! Assumed: rules are asked in the order of groups and creation when the deciding one is named; a flow matching an open rule and a narrower one is untracked.
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html

use super::conntrack::{Conntrack, Found, InterfaceTimeouts};
use super::visit::{Stage, Visit, drop};
use super::{Decision, Direction, DropReason, SecurityVerdict, Tap, Touch};
use crate::net::Protocol;
use crate::program::{CompiledRule, EniNode, EniRole, GroupSet, NextHopKind, Node};
use crate::wire::{Parsed, ethernet};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// Entries an ordinary session takes.
const ENTRIES: u32 = 1;
/// Entries a connection through a DynamoDB gateway endpoint takes.
const ENTRIES_BY_ENDPOINT: u32 = 2;

/// Lets the packet pass the interface's groups, or drops it.
pub(crate) fn ask<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode, direction: Direction, packet: &Parsed) -> Stage {
    if is_from_own_router(visit, eni) {
        visit.decide(Decision::SecurityGroup { direction, verdict: SecurityVerdict::RouterExempt });
        return ControlFlow::Continue(());
    }
    if packet.is_later_fragment() && visit.state.first_fragments.has_passed(visit.at, direction, packet, visit.now) {
        visit.decide(Decision::SecurityGroup { direction, verdict: SecurityVerdict::FollowsFirst });
        return ControlFlow::Continue(());
    }
    by_session_or_rule(visit, eni, direction, packet)?;
    let timeout = visit.program.settings.fragment_timeout;
    visit.state.first_fragments.note(visit.at, direction, packet, visit.now, timeout);
    ControlFlow::Continue(())
}

/// Whether the VPC's router says it itself, from one of its reserved addresses.
fn is_from_own_router<T: Tap>(visit: &Visit<'_, '_, T>, eni: &EniNode) -> bool {
    visit.frame.meta.entered_by == Some(eni.router) && visit.frame.meta.from == Some(eni.router)
}

fn by_session_or_rule<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    eni: &EniNode,
    direction: Direction,
    packet: &Parsed,
) -> Stage {
    let quoted = packet.quoted(visit.frame.bytes);
    let timeouts = timeouts_of(eni);
    if passes(visit, timeouts, packet, quoted.as_ref(), direction) {
        visit.decide(Decision::SecurityGroup { direction, verdict: SecurityVerdict::Tracked });
        return ControlFlow::Continue(());
    }
    let (rules, returns, peer) = match direction {
        Direction::Egress => (&eni.egress, &eni.ingress, packet.destination),
        Direction::Ingress => (&eni.ingress, &eni.egress, packet.source),
    };
    let (refusal, no_rules) = match direction {
        Direction::Egress => (DropReason::SecurityGroupEgress, DropReason::SecurityGroupNoRulesEgress),
        Direction::Ingress => (DropReason::SecurityGroupIngress, DropReason::SecurityGroupNoRulesIngress),
    };
    let Some(rule) = deciding_rule(rules, packet, peer) else {
        visit.decide(Decision::SecurityGroup { direction, verdict: SecurityVerdict::NoRule });
        return drop(match () {
            () if rules.rules.is_empty() => no_rules,
            () if packet.is_later_fragment() => DropReason::FragmentWithoutFirst,
            () => refusal,
        });
    };
    let verdict = SecurityVerdict::Rule { group: rule.group, position: rule.position, tracked: false };
    if eni.role == EniRole::Endpoint && packet.tcp_flags.is_some_and(|flags| !flags.is_opening()) {
        visit.decide(Decision::SecurityGroup { direction, verdict });
        return drop(DropReason::EndpointIdleTimeout);
    }
    let always = entries_by_road(visit, eni, direction, packet.destination);
    let entries = entries_wanted(always, direction, packet, rules, returns);
    let began = match entries {
        0 => Ok(None),
        entries => visit.state.conntrack.begin(visit.at, timeouts, packet, direction, entries, visit.now),
    };
    if let Ok(Some(session)) = began {
        visit.tap.on_touch(Touch::Tracked(session));
    }
    let tracked = entries > 0 && began.is_ok();
    let verdict = SecurityVerdict::Rule { group: rule.group, position: rule.position, tracked };
    visit.decide(Decision::SecurityGroup { direction, verdict });
    match began {
        Ok(_) => ControlFlow::Continue(()),
        Err(_) => drop(DropReason::TrackingTableFull),
    }
}

/// Whether the packet belongs to a session of the interface at hand.
fn passes<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    timeouts: InterfaceTimeouts,
    packet: &Parsed,
    quoted: Option<&Parsed>,
    direction: Direction,
) -> bool {
    let found = visit.state.conntrack.passes(visit.at, timeouts, packet, quoted, direction, visit.now);
    visit.tap.on_touch(match found {
        Found::Session(session) => Touch::Tracked(session),
        Found::None(absence) => Touch::Untracked(absence),
    });
    found.is_session()
}

/// The first rule that allows the packet.
pub(crate) fn deciding_rule<'a>(set: &'a GroupSet, packet: &Parsed, peer: Ipv4Addr) -> Option<&'a CompiledRule> {
    set.rules.iter().find(|rule| allows(rule, packet, peer))
}

fn allows(rule: &CompiledRule, packet: &Parsed, peer: Ipv4Addr) -> bool {
    rule.traffic.matches(packet.protocol, packet.destination_port(), packet.icmp_type_and_code())
        && rule.peers.contains(peer)
}

/// The idle timeouts that are the interface's own.
fn timeouts_of(eni: &EniNode) -> InterfaceTimeouts {
    let [udp_one_way, udp_stream] = eni.udp_timeouts;
    InterfaceTimeouts { tcp_established: eni.tcp_established_timeout, udp_one_way, udp_stream }
}

/// Whether the packet belongs to a session of the interface; rules are not asked.
pub(crate) fn ask_session<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    eni: &EniNode,
    direction: Direction,
    packet: &Parsed,
) -> bool {
    let timeouts = timeouts_of(eni);
    let passes = passes(visit, timeouts, packet, None, direction);
    let verdict = if passes { SecurityVerdict::Tracked } else { SecurityVerdict::NoRule };
    visit.decide(Decision::SecurityGroup { direction, verdict });
    passes
}

/// How many entries the flow that begins with an allowed packet takes; 0: it is not tracked. `always` says so for flows that are tracked in any case.
fn entries_wanted(
    always: Option<u32>,
    direction: Direction,
    packet: &Parsed,
    rules: &GroupSet,
    returns: &GroupSet,
) -> u32 {
    if !Conntrack::can_begin(packet) {
        return 0;
    }
    if let Some(entries) = always {
        return entries;
    }
    let returns_open = match packet.protocol {
        Protocol::TCP => returns.all_tcp_anywhere,
        Protocol::UDP => returns.all_udp_anywhere,
        _ => false,
    };
    let peer = if direction == Direction::Egress { packet.destination } else { packet.source };
    let is_open = |rule: &CompiledRule| rule.peers.is_anywhere() && allows(rule, packet, peer);
    if returns_open && rules.rules.iter().any(is_open) { 0 } else { ENTRIES }
}

/// How many entries a flow takes that is tracked in any case, because of the road it is on: to a gateway endpoint whose connections always are, or from one,
/// through a NAT gateway, to an interface endpoint. What goes straight to a neighbour does not meet the route table.
fn entries_by_road<T: Tap>(
    visit: &Visit<'_, '_, T>,
    eni: &EniNode,
    direction: Direction,
    destination: Ipv4Addr,
) -> Option<u32> {
    let program = visit.program;
    let router = program.router(eni.router);
    let neighbour = router.and_then(|router| program.eni(*router.interfaces.get(&destination)?));
    if eni.role == EniRole::Endpoint || neighbour.is_some_and(|neighbour| neighbour.role == EniRole::Endpoint) {
        return Some(ENTRIES);
    }
    let road = match direction {
        Direction::Ingress => visit.frame.meta.via_endpoint,
        Direction::Egress => router
            .filter(|router| ethernet::destination(visit.frame.bytes) == router.mac)
            .and_then(|router| program.route(router, eni.subnet, destination)?.1)
            .filter(|hop| hop.kind == NextHopKind::Node)
            .map(|hop| hop.node),
    };
    match road.map(|node| program.node(node))? {
        Node::GatewayEndpoint(endpoint) if endpoint.always_tracked => Some(ENTRIES_BY_ENDPOINT),
        Node::NatGateway(_) => Some(ENTRIES),
        _ => None,
    }
}

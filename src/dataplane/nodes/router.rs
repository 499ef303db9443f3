//! The implicit router of a VPC: network ACLs at the subnets' boundaries, and the route tables between.
//!
//! From an interface: the ACL of its subnet, outbound, then its subnet's route table. From a gateway or endpoint: local delivery. Into an interface of another
//! subnet: that subnet's ACL, inbound. ACLs are asked only where a packet crosses a subnet's boundary: not when the router hands it back
//! into the subnet it came from. TTL is not decremented, and nothing is answered with ICMP: so AWS behaves.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html, nacl-basics.html

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap, network_acl};
use crate::program::{EniNode, NextHop, NextHopKind, Node, NodeIx, RouterNode, SubnetBoundary};
use crate::wire::{Parsed, ethernet};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &RouterNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let program = visit.program;
    match visit.frame.meta.from.map(|from| program.node(from)) {
        Some(Node::Eni(sender)) => from_interface(visit, router, sender, &packet),
        Some(Node::InternetGateway(_) | Node::GatewayEndpoint(_)) => deliver_locally(visit, router, None, &packet),
        _ => drop(DropReason::ResourceGone),
    }
}

fn from_interface<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    sender: &EniNode,
    packet: &Parsed,
) -> Stage<Step> {
    let Some(boundary) = router.subnets.get(usize::from(sender.subnet)) else { return drop(DropReason::ResourceGone) };
    let Some((table, hop)) = visit.program.route(router, sender.subnet, packet.destination) else {
        return drop(DropReason::ResourceGone);
    };
    // The table is looked at first because it says whether the packet leaves the subnet; the ACL still speaks first.
    if leaves_subnet(visit, sender, hop, packet.destination) {
        network_acl::ask(visit, boundary.acl, Direction::Egress, packet)?;
    }
    visit.decide(Decision::Route { table, destination: packet.destination, entry: hop.map(|hop| hop.entry) });
    let Some(hop) = hop else { return drop(DropReason::NoRoute) };
    match hop.kind {
        NextHopKind::Blackhole => drop(DropReason::BlackholeRoute),
        NextHopKind::Local => deliver_locally(visit, router, Some(sender), packet),
        NextHopKind::Node => match visit.program.node(hop.node) {
            Node::Eni(target) => into_interface(visit, router, Some(sender), hop.node, target, packet),
            Node::Tombstone => drop(DropReason::ResourceGone),
            _ => ControlFlow::Continue(visit.forward(hop.node)),
        },
    }
}

/// Whether a packet of `sender` goes out of its subnet.
fn leaves_subnet<T: Tap>(
    visit: &Visit<'_, '_, T>,
    sender: &EniNode,
    hop: Option<NextHop>,
    destination: Ipv4Addr,
) -> bool {
    match hop {
        Some(NextHop { kind: NextHopKind::Local, .. }) => !sender.subnet_cidr.contains(&destination),
        Some(NextHop { kind: NextHopKind::Node, node, .. }) => {
            visit.program.eni(node).is_none_or(|target| target.subnet != sender.subnet)
        }
        _ => true,
    }
}

/// To the interface that has the destination address.
fn deliver_locally<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    sender: Option<&EniNode>,
    packet: &Parsed,
) -> Stage<Step> {
    let program = visit.program;
    let found = router.interfaces.get(&packet.destination).and_then(|at| Some((*at, program.eni(*at)?)));
    match found {
        Some((at, target)) => into_interface(visit, router, sender, at, target, packet),
        None => drop(DropReason::NoInterfaceAtAddress),
    }
}

/// To `target`, through the ACL of its subnet unless the packet comes from there. `sender` is none for packets from gateways and endpoints.
fn into_interface<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    sender: Option<&EniNode>,
    at: NodeIx,
    target: &EniNode,
    packet: &Parsed,
) -> Stage<Step> {
    if sender.is_none_or(|sender| sender.subnet != target.subnet)
        && let Some(&SubnetBoundary { acl, .. }) = router.subnets.get(usize::from(target.subnet))
    {
        network_acl::ask(visit, acl, Direction::Ingress, packet)?;
    }
    ethernet::set_addresses(visit.frame.bytes, router.mac, target.mac);
    let link = sender.and_then(|sender| router.link_between_subnets(sender.subnet, target.subnet));
    ControlFlow::Continue(Step::Forward(at, link))
}

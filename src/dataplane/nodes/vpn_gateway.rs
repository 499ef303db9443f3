//! A virtual private gateway: between its VPC's router and the links to networks on premises.
//!
//! Out: the source must be the address of an interface of the VPC (NAT gateways and the router's own ICMP errors count), and the destination must lie in a block that
//! the gateway learned. In: the destination must be the address of an interface of the VPC, those of interface endpoints included. So nothing passes through the VPC to
//! its internet gateway, its peers or its gateway endpoints. IPv4 only. It has no address of its own: TTL stays as it is.
//! Sources: docs.aws.amazon.com/vpn/latest/s2svpn/how_it_works.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
//! (`VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS`, `VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS`).

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap};
use crate::program::{RouterNode, VpnGatewayNode};
use crate::wire::Parsed;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &VpnGatewayNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let program = visit.program;
    let Some(router) = program.router(gateway.router) else { return drop(DropReason::ResourceGone) };
    if visit.frame.meta.from == Some(gateway.router) {
        egress(visit, gateway, router, &packet)
    } else {
        ingress(visit, gateway, router, &packet)
    }
}

fn egress<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    gateway: &VpnGatewayNode,
    router: &RouterNode,
    packet: &Parsed,
) -> Stage<Step> {
    let speaks_itself = router.subnet_of_router_address(packet.source).is_some();
    if !has(visit, router, Direction::Egress, packet.source) && !speaks_itself {
        return drop(DropReason::VpnGatewaySource);
    }
    let (table, destination) = (gateway.table, packet.destination);
    let hop = visit.program.route_by(table, destination);
    visit.decide(Decision::Route { table, destination, entry: hop.map(|hop| hop.entry) });
    match hop {
        None => drop(DropReason::VpnGatewayNoRoute),
        Some(hop) => ControlFlow::Continue(visit.forward(hop.node)),
    }
}

fn ingress<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    gateway: &VpnGatewayNode,
    router: &RouterNode,
    packet: &Parsed,
) -> Stage<Step> {
    if !has(visit, router, Direction::Ingress, packet.destination) {
        return drop(DropReason::VpnGatewayDestination);
    }
    ControlFlow::Continue(visit.forward(gateway.router))
}

/// Whether an interface of the VPC has the address.
fn has<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &RouterNode, direction: Direction, address: Ipv4Addr) -> bool {
    let known = router.interfaces.contains_key(&address);
    visit.decide(Decision::VpnGatewayAddress { direction, address, known });
    known
}

//! An internet gateway: stateless one-to-one translation between private and public addresses.
//!
//! Out, in this order: the destination must not lie in the VPC, and must be a public one; the source must have a public address; VPC Block Public Access
//! must let the sender's subnet out; a gateway route table must not send the source's traffic through an interface that this packet did not come by. The public address
//! then stands in the source's place. In: the source must be a public one, the destination must be a public address of an interface, whose subnet
//! VPC Block Public Access must let in; the private address then stands in its place. Addresses quoted in ICMP errors are translated with the rest (assumed: AWS
//! does not say).
//! A packet for another public address of the same VPC goes out and comes in again (hairpin): AWS's analyzer does not follow it (`IGW_NAT_REFLECTION`), the
//! network does, without leaving AWS. The gateway never forgets, so VPC Block Public Access cannot tell answers from questions here: in `block-ingress` it lets NAT
//! gateways' packets pass, and packets for NAT gateways.
//! Assumed: the order of these checks; that addresses of the VPC reach the gateway at all, which takes a prefix list with a block inside the VPC.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html, gateway-route-tables.html, security-vpc-bpa.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap};
use crate::program::{InternetGatewayNode, NextHopKind, Node, NodeIx, PublicAccess, RouterNode};
use crate::wire::{Parsed, rewrite};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &InternetGatewayNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let Some(router) = visit.program.router(gateway.router) else { return drop(DropReason::ResourceGone) };
    if visit.frame.meta.from == Some(gateway.internet) {
        ingress(visit, gateway, router, packet)
    } else {
        egress(visit, gateway, router, packet)
    }
}

fn egress<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    gateway: &InternetGatewayNode,
    router: &RouterNode,
    mut packet: Parsed,
) -> Stage<Step> {
    if router.contains(packet.destination) {
        return drop(DropReason::InternetGatewayDestinationInVpc);
    }
    if packet.destination.is_private() {
        return drop(DropReason::InternetGatewayDestinationRfc1918);
    }
    if is_shared(packet.destination) {
        return drop(DropReason::InternetGatewayDestinationRfc6598);
    }
    let (before, direction) = (packet.source, Direction::Egress);
    let Some(&after) = gateway.to_public.get(&before) else {
        return drop(DropReason::InternetGatewayNoPublicAddress);
    };
    let entered_by = visit.frame.meta.entered_by;
    ask_public_access(visit, router, entered_by)?;
    if bypasses_appliance(visit, router, before, entered_by) {
        return drop(DropReason::GatewayTableBypassed);
    }
    rewrite::set_source(visit.frame.bytes, &mut packet, after);
    visit.decide(Decision::Translate { direction, before, after });
    ControlFlow::Continue(visit.forward(gateway.internet))
}

fn ingress<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    gateway: &InternetGatewayNode,
    router: &RouterNode,
    mut packet: Parsed,
) -> Stage<Step> {
    if packet.source.is_private() {
        return drop(DropReason::InternetGatewaySourceRfc1918);
    }
    if is_shared(packet.source) {
        return drop(DropReason::InternetGatewaySourceRfc6598);
    }
    let (before, direction) = (packet.destination, Direction::Ingress);
    let Some(&after) = gateway.to_private.get(&before) else {
        return drop(DropReason::InternetGatewayNoPrivateAddress);
    };
    ask_public_access(visit, router, router.interfaces.get(&after).copied())?;
    rewrite::set_destination(visit.frame.bytes, &mut packet, after);
    visit.decide(Decision::Translate { direction, before, after });
    // Nobody out there could be told: no host sends what is longer than its own MTU, and the gateway has no address to speak with.
    let segment = Segment::silent(visit.program.settings.internet_gateway_mtu_bytes);
    visit.forward_within(&packet, segment, gateway.router, None)
}

/// VPC Block Public Access, for the subnet of the interface or NAT gateway at the inside end.
fn ask_public_access<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &RouterNode, inside: Option<NodeIx>) -> Stage {
    let (subnet, is_nat) = match inside.map(|at| visit.program.node(at)) {
        Some(Node::Eni(eni)) => (eni.subnet, false),
        Some(Node::NatGateway(nat)) => (nat.subnet, true),
        // Nothing else has a public address.
        _ => return ControlFlow::Continue(()),
    };
    let boundary = router.subnets.get(usize::from(subnet));
    let passed = match boundary.map(|boundary| boundary.public_access).unwrap_or_default() {
        PublicAccess::Open => return ControlFlow::Continue(()),
        PublicAccess::NatOnly => is_nat,
        PublicAccess::Closed => false,
    };
    visit.decide(Decision::BlockPublicAccess { passed });
    if passed { ControlFlow::Continue(()) } else { drop(DropReason::BlockPublicAccess) }
}

/// Whether the gateway's route table sends what is for `source` to an interface other than the one by which this packet entered.
fn bypasses_appliance<T: Tap>(
    visit: &Visit<'_, '_, T>,
    router: &RouterNode,
    source: Ipv4Addr,
    entered_by: Option<NodeIx>,
) -> bool {
    let Some(&table) = router.edge_tables.get(&visit.at) else { return false };
    visit
        .program
        .route_by(table, source)
        .is_some_and(|hop| hop.kind == NextHopKind::Node && Some(hop.node) != entered_by)
}

/// RFC 6598: 100.64.0.0/10.
fn is_shared(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && b & 0xc0 == 64
}

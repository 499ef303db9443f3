//! An internet gateway: stateless one-to-one translation between private and public addresses.
//!
//! Out: the destination must be a public one, the source must have a public address, which then stands in its place. In: the source must be a public
//! one, the destination must be a public address of an interface, whose private address then stands in its place. Addresses quoted in ICMP errors
//! are translated with the rest (assumed: AWS does not say).
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap};
use crate::program::InternetGatewayNode;
use crate::wire::{Parsed, rewrite};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &InternetGatewayNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    if visit.frame.meta.from == Some(gateway.internet) {
        ingress(visit, gateway, packet)
    } else {
        egress(visit, gateway, packet)
    }
}

fn egress<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &InternetGatewayNode, mut packet: Parsed) -> Stage<Step> {
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
    rewrite::set_source(visit.frame.bytes, &mut packet, after);
    visit.decide(Decision::Translate { direction, before, after });
    ControlFlow::Continue(visit.forward(gateway.internet))
}

fn ingress<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &InternetGatewayNode, mut packet: Parsed) -> Stage<Step> {
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
    rewrite::set_destination(visit.frame.bytes, &mut packet, after);
    visit.decide(Decision::Translate { direction, before, after });
    // Nobody out there could be told: no host sends what is longer than its own MTU, and the gateway has no address to speak with.
    let segment = Segment::silent(visit.program.settings.internet_gateway_mtu_bytes);
    visit.forward_within(&packet, segment, gateway.router, None)
}

/// RFC 6598: 100.64.0.0/10.
fn is_shared(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && b & 0xc0 == 64
}

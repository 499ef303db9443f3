//! A NAT gateway, public or private.
//!
//! Everything comes from its VPC's router and goes back to it, from the subnet that the gateway lives in: that subnet's ACL and route table apply. What is for one
//! of its own addresses comes from the outside: it passes if it answers a session and is dropped otherwise (a NAT gateway cannot be pinged, nothing comes in
//! unasked, there is no hairpin). Everything else comes from the inside: TCP, UDP and ICMP from addresses of the VPC or by a transit gateway. Fragments of
//! TCP and ICMP are dropped. The time to live is decremented, so it is a hop of a traceroute, by its primary private address. What is bigger than 8500 bytes is
//! fragmented or refused with "fragmentation needed"; the MSS of SYNs is lowered to fit.
//!
//! A public gateway's Elastic IPs are put in place of its private addresses by the internet gateway. A private gateway's packets have none and are dropped there.
//! A gateway whose own subnet routes the destination to the gateway itself (a NAT gateway in a private subnet) would send packets in a circle: it drops them as
//! `NAT_ROUTE_LOOP`. On AWS they are lost as well; how, is not documented.
//! Assumed: time to live and size are looked at only once it is clear that a packet is translated. Not simulated: bandwidth and packet-rate limits, regional
//! NAT gateways, the return-to-sender of answers to what came over a peering connection without a route.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html, nat-gateway-basics.html, nat-gateway-troubleshooting.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use crate::dataplane::fit::Segment;
use crate::dataplane::nat::{inbound, outbound};
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::net::Protocol;
use crate::program::{NatGatewayNode, NextHopKind};
use crate::wire::{Parsed, rewrite};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// IPv4 and TCP header without options: what an MSS leaves out of the MTU.
const HEADERS_BYTES: u16 = 40;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &NatGatewayNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let bytes = u64::from(packet.total_bytes);
    let from_outside = gateway.addresses.contains(&packet.destination);
    let (packets_in, bytes_in) = {
        let metrics = visit.state.nat.count(visit.at);
        match from_outside {
            true => (&mut metrics.packets_in_from_destination, &mut metrics.bytes_in_from_destination),
            false => (&mut metrics.packets_in_from_source, &mut metrics.bytes_in_from_source),
        }
    };
    *packets_in += 1;
    *bytes_in += bytes;

    let stage = translate(visit, gateway, packet, from_outside);
    let metrics = visit.state.nat.count(visit.at);
    match stage {
        ControlFlow::Break(_) => metrics.packets_drop_count += 1,
        ControlFlow::Continue(_) if from_outside => {
            metrics.packets_out_to_source += 1;
            metrics.bytes_out_to_source += bytes;
        }
        ControlFlow::Continue(_) => {
            metrics.packets_out_to_destination += 1;
            metrics.bytes_out_to_destination += bytes;
        }
    }
    stage
}

fn translate<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    gateway: &NatGatewayNode,
    mut packet: Parsed,
    from_outside: bool,
) -> Stage<Step> {
    if !matches!(packet.protocol, Protocol::TCP | Protocol::UDP | Protocol::ICMP) {
        return drop(DropReason::NatProtocol);
    }
    let is_fragment = packet.more_fragments || packet.is_later_fragment();
    if is_fragment && packet.protocol != Protocol::UDP {
        return drop(DropReason::NatFragment);
    }
    if !from_outside && !is_inside(visit, gateway, &packet) {
        return drop(DropReason::NatSourceNotInVpc);
    }
    if !from_outside {
        refuse_loop(visit, gateway, packet.destination)?;
    }
    let segment = Segment::of(visit.program.settings.nat_mtu_bytes);
    // What is refused for its size or age is answered as it came, so before it is translated; but what answers nothing gets no answer.
    let answers = !from_outside || visit.state.nat.knows(visit.at, &packet, visit.frame.bytes, visit.now);
    if answers {
        visit.refuse_unless_fits(&packet, segment)?;
        visit.decrement_ttl(&packet)?;
    }
    if from_outside {
        inbound(visit, &mut packet)?;
    } else {
        outbound(visit, &gateway.addresses, &mut packet)?;
    }
    let mss_max = segment.mtu_bytes.saturating_sub(HEADERS_BYTES);
    if let Some((before, after)) = rewrite::clamp_mss(visit.frame.bytes, &packet, mss_max) {
        visit.decide(Decision::MssClamped { before, after });
    }
    visit.forward_within(&packet, segment, gateway.router, None)
}

/// Drops what the route table of the gateway's own subnet would send back to the gateway, so that the loss is counted and told where its cause is. The packet is not
/// translated, so no port is taken.
fn refuse_loop<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &NatGatewayNode, destination: Ipv4Addr) -> Stage<()> {
    let program = visit.program;
    let routed = program.router(gateway.router).and_then(|router| program.route(router, gateway.subnet, destination));
    match routed {
        Some((table, Some(hop))) if hop.kind == NextHopKind::Node && hop.node == visit.at => {
            visit.decide(Decision::Route { table, destination, entry: Some(hop.entry) });
            drop(DropReason::NatRouteLoop)
        }
        _ => ControlFlow::Continue(()),
    }
}

/// Whether a packet comes from an interface of the gateway's VPC, or by a transit gateway.
fn is_inside<T: Tap>(visit: &Visit<'_, '_, T>, gateway: &NatGatewayNode, packet: &Parsed) -> bool {
    let program = visit.program;
    visit.frame.meta.by_transit_gateway
        || program.router(gateway.router).is_some_and(|router| router.contains(packet.source))
}

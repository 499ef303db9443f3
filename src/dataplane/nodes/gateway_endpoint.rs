//! A gateway endpoint: a road from a VPC's route tables to one service.
//!
//! Towards the service: only from addresses of its VPC's interfaces (an appliance that forwards for others has to put its own); TCP and ICMP echo requests to addresses of the service's prefix list; addresses stay as they are, so the service sees the private one.
//! From the service: TCP and echo replies from addresses of the list; it answers, it never begins. Endpoint policies are the service's to judge.
//! Later fragments of ICMP pass: their type is not in them.
//! Packets bigger than the endpoint's MTU are dropped without a word, in both directions, and never split; so that TCP does not meet that, the MSS of SYN and SYN-ACK is
//! lowered to the MTU less 40 bytes. (AWS writes this of "VPC endpoints"; assumed to hold for gateway endpoints too.)
//! Sources: docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
//! (`VPCE_GATEWAY_PROTOCOL_RESTRICTION`, `VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION`, `VPCE_INTRA_VPC_TRAFFIC`).

use super::eni::{answer_arp, arp_in};
use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap};
use crate::net::Protocol;
use crate::program::GatewayEndpointNode;
use crate::wire::{Parsed, TcpFlags, ethernet, icmp_type, rewrite};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// Headers of IPv4 and TCP without options: what an MTU has and an MSS has not (RFC 9293 section 3.7.1).
const TCP_AND_IP_BYTES: u16 = 40;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, endpoint: &GatewayEndpointNode) -> Stage<Step> {
    if visit.frame.meta.from.is_some() {
        return towards_service(visit, endpoint);
    }
    match arp_in(visit.frame.bytes) {
        Some(request) => answer_arp(visit, &request, Some(endpoint.mac)),
        None => from_service(visit, endpoint),
    }
}

fn towards_service<T: Tap>(visit: &mut Visit<'_, '_, T>, endpoint: &GatewayEndpointNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let router = visit.program.router(endpoint.router);
    if !router.is_some_and(|router| router.interfaces.contains_key(&packet.source)) {
        return drop(DropReason::GatewayRejectsSpoofed);
    }
    if !is_tcp_or(&packet, icmp_type::ECHO) {
        return drop(DropReason::EndpointProtocol);
    }
    if !is_listed(endpoint, packet.destination) {
        return drop(DropReason::EndpointDestinationNotInList);
    }
    pass(visit, Direction::Egress, &packet);
    ethernet::set_addresses(visit.frame.bytes, endpoint.mac, visit.program.host_mac(endpoint.host));
    ControlFlow::Continue(Step::Deliver(endpoint.host))
}

fn from_service<T: Tap>(visit: &mut Visit<'_, '_, T>, endpoint: &GatewayEndpointNode) -> Stage<Step> {
    let packet = visit.ipv4_from_host()?;
    if begins(&packet) {
        return drop(DropReason::EndpointInitiates);
    }
    if !is_tcp_or(&packet, icmp_type::ECHO_REPLY) {
        return drop(DropReason::EndpointProtocol);
    }
    if !is_listed(endpoint, packet.source) {
        return drop(DropReason::EndpointSourceNotInList);
    }
    pass(visit, Direction::Ingress, &packet);
    let segment = Segment::strict(visit.program.settings.gateway_endpoint_mtu_bytes);
    visit.forward_within(&packet, segment, endpoint.router, None)
}

fn pass<T: Tap>(visit: &mut Visit<'_, '_, T>, direction: Direction, packet: &Parsed) {
    visit.frame.meta.via_endpoint = Some(visit.at);
    visit.decide(Decision::Endpoint { endpoint: visit.at, direction });
    let mss = visit.program.settings.gateway_endpoint_mtu_bytes.saturating_sub(TCP_AND_IP_BYTES);
    if let Some((before, after)) = rewrite::clamp_mss(visit.frame.bytes, packet, mss) {
        visit.decide(Decision::MssClamped { before, after });
    }
}

fn is_tcp_or(packet: &Parsed, icmp_type: u8) -> bool {
    match packet.protocol {
        Protocol::TCP => true,
        Protocol::ICMP => packet.icmp.is_none_or(|icmp| icmp.kind == icmp_type),
        _ => false,
    }
}

/// Whether the packet asks for something instead of answering.
fn begins(packet: &Parsed) -> bool {
    packet.tcp_flags.is_some_and(TcpFlags::is_opening) || packet.icmp.is_some_and(|icmp| icmp.kind == icmp_type::ECHO)
}

fn is_listed(endpoint: &GatewayEndpointNode, address: Ipv4Addr) -> bool {
    endpoint.prefixes.iter().any(|prefix| prefix.contains(&address))
}

//! The interface of an interface endpoint (PrivateLink): a network interface with a service behind it.
//!
//! Towards the service: the interface's security groups, always tracked; only TCP; nothing bigger than the endpoint's MTU, and what is bigger vanishes without a
//! word. Addresses stay as they are, so the service sees the caller's private one.
//! From the service: TCP of connections that the table knows; it answers, it never begins.
//! The maximum segment size of SYNs is lowered both ways, so that what vanishes is only what ignores it. A connection that was silent for longer than the idle
//! timeout is forgotten, and its later packets vanish both ways; so do segments of connections that never were.
//! Assumed: groups are asked before the protocol is looked at; the limits hold for the interface, whatever network a packet comes from.
//! Sources: docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html, vpc-limits-endpoints.html (MTU, no path MTU discovery, MSS);
//! AWS's networking blog, "Implementing long-running TCP connections within VPC networking" (350 s); docs.aws.amazon.com/vpc/latest/reachability
//! /explanation-codes.html (`PROTOCOL_RESTRICTION`).

use super::eni::{answer_arp_for, arp_in, check_address, hand_on};
use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap, security_groups};
use crate::net::Protocol;
use crate::program::EniNode;
use crate::wire::{Parsed, TcpFlags, ethernet, rewrite};
use std::ops::ControlFlow;

/// Headers of IPv4 and TCP without options: what an MSS leaves out (RFC 9293 section 3.7.1).
const HEADERS_BYTES: u16 = 40;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    match visit.frame.meta.from {
        Some(_) => towards_service(visit, eni),
        None => from_service(visit, eni),
    }
}

fn towards_service<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    security_groups::ask(visit, eni, Direction::Ingress, &packet)?;
    check_address(visit, eni, Direction::Ingress, packet.destination)?;
    if packet.protocol != Protocol::TCP {
        return drop(DropReason::EndpointInterfaceProtocol);
    }
    pass(visit, &packet, Direction::Ingress)?;
    ControlFlow::Continue(Step::Deliver(eni.host))
}

fn from_service<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    if arp_in(visit.frame.bytes).is_some() {
        return answer_arp_for(visit, eni);
    }
    let packet = visit.ipv4_from_host()?;
    if packet.protocol != Protocol::TCP {
        return drop(DropReason::EndpointInterfaceProtocol);
    }
    if packet.tcp_flags.is_some_and(TcpFlags::is_opening) {
        return drop(DropReason::EndpointInitiates);
    }
    check_address(visit, eni, Direction::Egress, packet.source)?;
    if !security_groups::ask_session(visit, eni, Direction::Egress, &packet) {
        return drop(DropReason::EndpointIdleTimeout);
    }
    pass(visit, &packet, Direction::Egress)?;
    let to = ethernet::destination(visit.frame.bytes);
    hand_on(visit, eni, to)
}

/// What both directions share: the MSS, the MTU, and who was passed.
fn pass<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &Parsed, direction: Direction) -> Stage {
    let mtu_bytes = visit.program.settings.interface_endpoint_mtu_bytes;
    if let Some((before, after)) =
        rewrite::clamp_mss(visit.frame.bytes, packet, mtu_bytes.saturating_sub(HEADERS_BYTES))
    {
        visit.decide(Decision::MssClamped { before, after });
    }
    visit.fits(packet, Segment::strict(mtu_bytes))?;
    visit.frame.meta.via_endpoint = Some(visit.at);
    // Seen from the VPC, as at a gateway endpoint: out to the service, back in from it.
    let direction = if direction == Direction::Ingress { Direction::Egress } else { Direction::Ingress };
    visit.decide(Decision::Endpoint { endpoint: visit.at, direction });
    ControlFlow::Continue(())
}

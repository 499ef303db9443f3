//! A network interface: the checks of the host under the instance.
//!
//! Out of the instance: ARP is answered from what AWS knows, never passed on; link-local services (DHCP, resolver, the subnet router's ping) go to the
//! platform before any rule, so many packets a second ([`crate::dataplane::link_local`]); then source check, security groups, and the Ethernet destination decides: another interface of the subnet gets the
//! frame directly, without route table or ACL, everything else is the router's.
//! Into the instance: security groups, destination check. Behind the interface of an instance that forwards is its operating system ([`super::forwarder`]): it gets
//! what is not for the interface's address or answers a session of its NAT, and what it sends on leaves like the instance's own.
//! Assumed: ARP for an address that no interface of the subnet has is not answered (dropped as `NoInterfaceAtAddress`); announcements and ARP replies of guests
//! have no effect (dropped as `BroadcastOrMulticast`). The resolver's address is answered with the router's Ethernet address when it lies in the subnet.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html (services exempt from rules), subnet-sizing.html (reserved addresses),
//! AmazonDNS-concepts.html (resolver addresses).

use super::forwarder::next_hop;
use super::interface_endpoint;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Reply, Step, Tap, Touch, security_groups};
use crate::net::{MacAddress, Protocol};
use crate::program::{EniNode, EniRole, Node};
use crate::wire::arp::{self, Arp};
use crate::wire::{Parsed, ethernet, icmp_type};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// The resolver's link-local address, the same in every VPC.
const LINK_LOCAL_RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
const DNS_PORT: u16 = 53;
const DHCP_CLIENT_PORT: u16 = 68;
const DHCP_SERVER_PORT: u16 = 67;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    if eni.role == EniRole::Endpoint && visit.frame.meta.sender != eni.platform {
        return interface_endpoint::visit(visit, eni);
    }
    match visit.frame.meta.from {
        None if visit.frame.meta.sender == eni.platform => from_platform(visit, eni),
        None => egress(visit, eni),
        Some(from) if eni.role == EniRole::Forwarder(from) => sent_on(visit, eni),
        Some(_) => ingress(visit, eni),
    }
}

/// The platform's answers reach the instance unchecked. Its ARP requests, should it make any, are answered for the instance.
fn from_platform<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    if let Some(request) = arp_in(visit.frame.bytes) {
        return answer_arp(visit, &request, (request.target == eni.private_ip).then_some(eni.mac));
    }
    visit.decide(Decision::Platform { host: eni.platform });
    // What the instance sent on for others it gets answered for them.
    Stage::Continue(match visit.ipv4() {
        Stage::Continue(packet) if packet.destination == eni.private_ip => behind(visit, eni, &packet),
        Stage::Continue(_) => Step::Deliver(eni.host),
        Stage::Break(_) => Step::Deliver(eni.host),
    })
}

fn egress<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    if ethernet::ether_type(visit.frame.bytes) == Some(ethernet::ARP) {
        return answer_arp_for(visit, eni);
    }
    let packet = visit.ipv4_from_host()?;
    let service = link_local(eni, &packet);
    if service != LinkLocal::No {
        visit.tap.on_touch(Touch::Volatile);
        let limit = visit.program.settings.link_local_packets_per_second;
        if !visit.state.link_local.allows(visit.at, limit, visit.now) {
            visit.decide(Decision::LinkLocalRate { limit });
            return drop(DropReason::LinkLocalRateExceeded);
        }
    }
    match service {
        LinkLocal::Platform => {
            visit.decide(Decision::Platform { host: eni.platform });
            return ControlFlow::Continue(Step::Deliver(eni.platform));
        }
        LinkLocal::NotServed => return drop(DropReason::LinkLocalNotServed),
        LinkLocal::No => {}
    }
    let ethernet_destination = ethernet::destination(visit.frame.bytes);
    let to_many = packet.destination.is_broadcast()
        || packet.destination.is_multicast()
        || packet.destination == eni.subnet_cidr.broadcast();
    if to_many || !ethernet_destination.is_unicast() {
        return drop(DropReason::BroadcastOrMulticast);
    }
    check_address(visit, eni, Direction::Egress, packet.source)?;
    security_groups::ask(visit, eni, Direction::Egress, &packet)?;
    hand_on(visit, eni, ethernet_destination)
}

fn ingress<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    security_groups::ask(visit, eni, Direction::Ingress, &packet)?;
    check_address(visit, eni, Direction::Ingress, packet.destination)?;
    ControlFlow::Continue(behind(visit, eni, &packet))
}

/// To the end system; to the forwarding part of its operating system what is not for itself.
fn behind<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode, packet: &Parsed) -> Step {
    if let EniRole::Forwarder(at) = eni.role
        && let Node::Forwarder(forwarder) = visit.program.node(at)
    {
        visit.tap.on_touch(Touch::Volatile);
        let for_itself = packet.destination == eni.private_ip;
        let is_translated = || visit.state.nat.knows(at, packet, visit.frame.bytes, visit.now);
        if !for_itself || (forwarder.masquerade && is_translated()) {
            return Step::Forward(at, Some(forwarder.link));
        }
    }
    Step::Deliver(eni.host)
}

/// What the instance forwards leaves like its own packets.
fn sent_on<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let Some(to) = next_hop(visit, eni, packet.destination) else { return drop(DropReason::ResourceGone) };
    ethernet::set_addresses(visit.frame.bytes, eni.mac, to);
    egress(visit, eni)
}

/// The Ethernet destination decides between the subnet and the router.
pub(super) fn hand_on<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode, to: MacAddress) -> Stage<Step> {
    let Some(router) = visit.program.router(eni.router) else { return drop(DropReason::ResourceGone) };
    if to == router.mac {
        return ControlFlow::Continue(Step::Forward(eni.router, None));
    }
    let neighbour = router.interfaces_by_mac.get(&to).copied().filter(|other| *other != visit.at);
    match neighbour.and_then(|other| Some((other, visit.program.eni(other)?))) {
        Some((other, neighbour)) if neighbour.subnet == eni.subnet => {
            visit.decide(Decision::SameSubnet { to: other });
            let link = router.link_between_subnets(eni.subnet, neighbour.subnet);
            ControlFlow::Continue(Step::Forward(other, link))
        }
        _ => drop(DropReason::UnknownEthernetDestination),
    }
}

pub(super) fn check_address<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    eni: &EniNode,
    direction: Direction,
    address: Ipv4Addr,
) -> Stage {
    let passed = !eni.source_dest_check || address == eni.private_ip;
    visit.decide(Decision::SourceDestCheck { direction, address, enabled: eni.source_dest_check, passed });
    match direction {
        _ if passed => ControlFlow::Continue(()),
        Direction::Egress => drop(DropReason::SourceCheck),
        Direction::Ingress => drop(DropReason::DestinationCheck),
    }
}

/// Whether a packet is for a service of the host under the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkLocal {
    /// The platform host answers.
    Platform,
    /// A link-local address or service that nobody serves here.
    NotServed,
    /// An ordinary packet.
    No,
}

/// Sorts out link-local services.
pub(crate) fn link_local(eni: &EniNode, packet: &Parsed) -> LinkLocal {
    let destination = packet.destination;
    let is_dhcp = packet.protocol == Protocol::UDP
        && packet.ports == Some((DHCP_CLIENT_PORT, DHCP_SERVER_PORT))
        && (destination.is_broadcast() || destination == eni.router_address);
    let is_dns = matches!(packet.protocol, Protocol::UDP | Protocol::TCP)
        && packet.destination_port() == Some(DNS_PORT)
        && (destination == LINK_LOCAL_RESOLVER || destination == eni.resolver_address);
    let is_ping_of_router =
        destination == eni.router_address && packet.icmp.is_some_and(|icmp| icmp.kind == icmp_type::ECHO);
    if is_dhcp || (is_dns && eni.resolver_enabled) || is_ping_of_router {
        LinkLocal::Platform
    } else if destination.is_link_local() {
        LinkLocal::NotServed
    } else {
        LinkLocal::No
    }
}

/// Whose Ethernet address a guest gets for `target`.
fn owner_of<T: Tap>(visit: &Visit<'_, '_, T>, eni: &EniNode, target: Ipv4Addr) -> Option<MacAddress> {
    let router = visit.program.router(eni.router)?;
    let is_resolver =
        target == LINK_LOCAL_RESOLVER || (target == eni.resolver_address && eni.subnet_cidr.contains(&target));
    if target == eni.router_address || (is_resolver && eni.resolver_enabled) {
        return Some(router.mac);
    }
    let owner = *router.interfaces.get(&target)?;
    let owner = visit.program.eni(owner).filter(|owner| owner.subnet == eni.subnet)?;
    (owner.private_ip != eni.private_ip).then_some(owner.mac)
}

/// Answers what the interface's own end system asks by ARP.
pub(super) fn answer_arp_for<T: Tap>(visit: &mut Visit<'_, '_, T>, eni: &EniNode) -> Stage<Step> {
    let Some(request) = arp_in(visit.frame.bytes) else { return drop(DropReason::Malformed) };
    let owner = owner_of(visit, eni, request.target);
    answer_arp(visit, &request, owner)
}

/// The ARP packet in a frame, if it is one and well-formed.
pub(super) fn arp_in(frame: &[u8]) -> Option<Arp> {
    if ethernet::ether_type(frame) != Some(ethernet::ARP) {
        return None;
    }
    Arp::of(frame)
}

/// Answers an ARP request in place, if somebody has the address.
pub(super) fn answer_arp<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    request: &Arp,
    owner: Option<MacAddress>,
) -> Stage<Step> {
    let owner = owner.filter(|_| request.is_question());
    visit.decide(Decision::Arp { target: request.target, answered: owner.is_some() });
    match owner {
        Some(owner) => {
            arp::reply_in_place(visit.frame.bytes, request, owner);
            ControlFlow::Continue(Step::Reply(Reply::InPlace))
        }
        None if request.is_question() => drop(DropReason::NoInterfaceAtAddress),
        None => drop(DropReason::BroadcastOrMulticast),
    }
}

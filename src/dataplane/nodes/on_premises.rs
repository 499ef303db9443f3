//! The router of a network on premises: an ordinary router with network address translation, the customer's own.
//!
//! By destination: its own hosts; else what it learned from AWS (its table, the longest prefix); else the internet, with its public address in place of the sender's. What
//! comes from the internet must answer such a session. Towards AWS's public addresses (a public virtual interface) it translates likewise, unless the sender's address
//! is announced there. It sends nothing private to the internet.
//! It is a router as RFC 1812 has it: the time to live goes down, and senders are told of what is too big and what has lived too long. Its hosts' Ethernet is simple: it
//! answers ARP for every address but the asker's own (proxy ARP), so that hosts reach each other through it. DNS questions and pings to its address go to the
//! platform. Not simulated: a firewall, a ping from elsewhere to the router itself.
//! Sources: RFC 1812 sections 4.3.2 and 5.3.1, RFC 1027 (proxy ARP), docs.aws.amazon.com/vpn/latest/s2svpn/your-cgw.html

use super::eni::{answer_arp, arp_in};
use super::{virtual_interface, vpn_connection};
use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap, nat};
use crate::net::{MacAddress, Protocol};
use crate::program::{HostIx, LinkIx, Node, NodeIx, OnPremisesNode, VirtualInterfaceNode};
use crate::wire::{Parsed, ethernet, icmp_type};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// IP MTU of its Ethernet and of its link to the internet.
const MTU_BYTES: u16 = 1500;
const DNS_PORT: u16 = 53;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, network: &OnPremisesNode) -> Stage<Step> {
    let Some(from) = visit.frame.meta.from else { return from_host(visit, network) };
    let mut packet = visit.ipv4()?;
    // What the router says itself, and the pieces of what it has split.
    if from == visit.at {
        return by_destination(visit, network, packet);
    }
    visit.decrement_ttl(&packet)?;
    packet = visit.ipv4()?;
    if let Some((_, public)) = network.internet
        && packet.destination == public
    {
        nat::inbound(visit, &mut packet)?;
    }
    by_destination(visit, network, packet)
}

fn from_host<T: Tap>(visit: &mut Visit<'_, '_, T>, network: &OnPremisesNode) -> Stage<Step> {
    let sender = visit.frame.meta.sender;
    if let Some(request) = arp_in(visit.frame.bytes) {
        let is_own = network.hosts.get(&request.target) == Some(&sender);
        return answer_arp(visit, &request, (!is_own).then_some(network.mac));
    }
    let packet = visit.ipv4_from_host()?;
    let platform = network.attached.get(&sender).and_then(|(_, platform)| *platform);
    let Some(platform) = platform else {
        // A platform speaks in the router's name.
        return by_destination(visit, network, packet);
    };
    if is_for_router(network, &packet) {
        visit.decide(Decision::Platform { host: platform });
        return ControlFlow::Continue(Step::Deliver(platform));
    }
    visit.decrement_ttl(&packet)?;
    let packet = visit.ipv4()?;
    by_destination(visit, network, packet)
}

/// Whether the packet is a question to the router itself: DNS, ping.
fn is_for_router(network: &OnPremisesNode, packet: &Parsed) -> bool {
    let is_dns =
        matches!(packet.protocol, Protocol::UDP | Protocol::TCP) && packet.destination_port() == Some(DNS_PORT);
    let is_ping = packet.icmp.is_some_and(|icmp| icmp.kind == icmp_type::ECHO);
    network.is_own_address(packet.destination) && (is_dns || is_ping)
}

fn by_destination<T: Tap>(visit: &mut Visit<'_, '_, T>, network: &OnPremisesNode, packet: Parsed) -> Stage<Step> {
    let destination = packet.destination;
    let is_to_many = network.cidrs.iter().any(|block| block.broadcast() == destination);
    if destination.is_broadcast() || destination.is_multicast() || is_to_many {
        return drop(DropReason::BroadcastOrMulticast);
    }
    if network.cidrs.iter().any(|block| block.contains(&destination)) {
        return match network.hosts.get(&destination) {
            Some(host) => to_host(visit, network, *host, &packet),
            None => drop(DropReason::NobodyOnPremises),
        };
    }
    let table = network.table;
    let hop = visit.program.route_by(table, destination);
    if let Some(hop) = hop {
        visit.decide(Decision::Route { table, destination, entry: Some(hop.entry) });
        return to_aws(visit, network, hop.node, packet);
    }
    to_internet(visit, network, packet)
}

fn to_host<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    network: &OnPremisesNode,
    host: HostIx,
    packet: &Parsed,
) -> Stage<Step> {
    if packet.total_bytes > MTU_BYTES {
        // Refused, or split: then the pieces come back to this node.
        return visit.forward_within(packet, Segment::of(MTU_BYTES), visit.at, None);
    }
    let mac = network.attached.get(&host).map_or_else(MacAddress::default, |(mac, _)| *mac);
    ethernet::set_addresses(visit.frame.bytes, network.mac, mac);
    ControlFlow::Continue(Step::Deliver(host))
}

/// Over a VPN connection or virtual interface.
fn to_aws<T: Tap>(visit: &mut Visit<'_, '_, T>, network: &OnPremisesNode, next: NodeIx, packet: Parsed) -> Stage<Step> {
    let program = visit.program;
    match program.node(next) {
        Node::VpnConnection(connection) => {
            let link = vpn_connection::choose(visit, next, connection, &packet)?;
            visit.forward_within(&packet, Segment::of(connection.mtu_bytes), next, Some(link))
        }
        Node::VirtualInterface(interface) => {
            virtual_interface::check(visit, next, interface)?;
            let segment = Segment::of(interface.mtu_bytes);
            if needs_public_address(visit, interface, next, packet.source) {
                return translated(visit, network, packet, segment, (next, interface.link));
            }
            visit.forward_within(&packet, segment, next, Some(interface.link))
        }
        _ => drop(DropReason::ResourceGone),
    }
}

/// Whether AWS would not take the sender's address: over public virtual interfaces it takes what is announced there.
fn needs_public_address<T: Tap>(
    visit: &Visit<'_, '_, T>,
    interface: &VirtualInterfaceNode,
    at: NodeIx,
    source: Ipv4Addr,
) -> bool {
    let Some(internet) = visit.program.internet(interface.aws) else { return false };
    !internet.announced.iter().any(|(block, over)| *over == at && block.contains(&source))
}

fn to_internet<T: Tap>(visit: &mut Visit<'_, '_, T>, network: &OnPremisesNode, packet: Parsed) -> Stage<Step> {
    let (table, destination) = (network.table, packet.destination);
    match network.internet {
        Some((internet, _)) if !destination.is_private() => {
            translated(visit, network, packet, Segment::of(MTU_BYTES), (internet, network.internet_link))
        }
        _ => {
            visit.decide(Decision::Route { table, destination, entry: None });
            drop(DropReason::OnPremisesNoRoute)
        }
    }
}

/// On to `next` with the public address in place of the sender's.
fn translated<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    network: &OnPremisesNode,
    mut packet: Parsed,
    segment: Segment,
    (next, link): (NodeIx, LinkIx),
) -> Stage<Step> {
    let Some((_, public)) = network.internet else { return drop(DropReason::OnPremisesNoRoute) };
    let fits = packet.total_bytes <= segment.mtu_bytes;
    // A refusal goes to the sender as the router knows it, so it comes before the translation. Public addresses of the network itself stay.
    if (fits || !packet.dont_fragment) && packet.source != public {
        nat::outbound(visit, &[public], &mut packet)?;
    }
    visit.forward_within(&packet, segment, next, Some(link))
}

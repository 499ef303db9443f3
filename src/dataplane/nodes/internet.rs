//! The internet, and the public side of AWS's services: everything that is reached by a public address.
//!
//! A place, not a network: packets go to whoever has the destination address. Hosts out here have static addresses; their provider's resolver answers
//! whatever they send to port 53, and ARP is answered for every address, since everything is behind their first router.

use super::eni::{answer_arp, arp_in};
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::net::{MacAddress, Protocol};
use crate::program::{HostIx, HostKind, InternetNode, Node, NodeIx, PublicTarget};
use crate::wire::{Parsed, ethernet};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

const DNS_PORT: u16 = 53;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, internet: &InternetNode) -> Stage<Step> {
    if visit.frame.meta.from.is_some() {
        let packet = visit.ipv4()?;
        return by_destination(visit, internet, &packet);
    }
    if let Some(request) = arp_in(visit.frame.bytes) {
        return answer_arp(visit, &request, Some(internet.mac));
    }
    let packet = visit.ipv4_from_host()?;
    if let Some(platform) = resolver_for(visit.frame.meta.sender, internet, &packet) {
        visit.decide(Decision::Platform { host: platform });
        return ControlFlow::Continue(Step::Deliver(platform));
    }
    by_destination(visit, internet, &packet)
}

fn by_destination<T: Tap>(visit: &mut Visit<'_, '_, T>, internet: &InternetNode, packet: &Parsed) -> Stage<Step> {
    let address = packet.destination;
    if address.is_broadcast() || address.is_multicast() {
        return drop(DropReason::BroadcastOrMulticast);
    }
    if let Some(interface) = announced(visit, internet, address) {
        visit.decide(Decision::PublicAddress { address });
        return ControlFlow::Continue(visit.forward(interface));
    }
    let Some(target) = who_has(internet, address) else { return drop(DropReason::NobodyAtPublicAddress) };
    visit.decide(Decision::PublicAddress { address });
    ControlFlow::Continue(match target {
        PublicTarget::Gateway(next) => visit.forward(next),
        PublicTarget::OnPremises(next) => {
            let link = match visit.program.node(next) {
                Node::OnPremises(network) => Some(network.internet_link),
                _ => None,
            };
            visit.forward_over(next, link)
        }
        PublicTarget::Host(host) => {
            let mac = internet.attached.get(&host).map_or_else(MacAddress::default, |(mac, _)| *mac);
            ethernet::set_addresses(visit.frame.bytes, internet.mac, mac);
            Step::Deliver(host)
        }
    })
}

/// The public virtual interface over which AWS's own packets to `address` leave: those of its services, and those from internet gateways.
fn announced<T: Tap>(visit: &Visit<'_, '_, T>, internet: &InternetNode, address: Ipv4Addr) -> Option<NodeIx> {
    let (_, interface) = internet.announced.iter().find(|(block, _)| block.contains(&address))?;
    let meta = &visit.frame.meta;
    let of_aws = match meta.from.map(|from| visit.program.node(from)) {
        None => matches!(
            visit.program.hosts.get(meta.sender.at()).map(|host| &host.kind),
            Some(HostKind::PublicService(..))
        ),
        Some(node) => matches!(node, Node::InternetGateway(_)),
    };
    of_aws.then_some(*interface)
}

/// Who answers at a public address.
pub(crate) fn who_has(internet: &InternetNode, address: Ipv4Addr) -> Option<PublicTarget> {
    if let Some(target) = internet.addresses.get(&address) {
        return Some(*target);
    }
    // Sorted and not overlapping: only the last block that begins at or before the address can contain it.
    let after = internet.services.partition_point(|(block, _)| block.network() <= address);
    let (block, host) = internet.services.get(after.checked_sub(1)?)?;
    block.contains(&address).then_some(PublicTarget::Host(*host))
}

/// The platform that takes DNS questions of `sender`, if this is one and it has one.
fn resolver_for(sender: HostIx, internet: &InternetNode, packet: &Parsed) -> Option<HostIx> {
    let (_, platform) = internet.attached.get(&sender)?;
    let asks = matches!(packet.protocol, Protocol::UDP | Protocol::TCP) && packet.destination_port() == Some(DNS_PORT);
    platform.filter(|_| asks)
}

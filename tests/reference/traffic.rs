//! Random packets: half of them continue or answer what was delivered before, the others are aimed at addresses with a meaning.

use super::models::{Dice, interesting_addresses};
use super::packet::{Content, ECHO_REPLY, ECHO_REQUEST, ICMP, LinkDestination, Packet, Party, TCP, TcpFlags, UDP};
use super::routes::inside;
use std::net::Ipv4Addr;
use vpcsim::ids::EniId;
use vpcsim::model::Model;

/// Somebody sends something.
#[derive(Clone, Debug)]
pub struct Sending {
    pub from: Party,
    pub packet: Packet,
    /// Of an instance's frame; others have only one router to send to.
    pub link: LinkDestination,
}

/// What was delivered lately, to be answered.
#[derive(Default)]
pub struct Mailbox {
    delivered: Vec<(Party, Packet)>,
    sent: Vec<(Party, Packet)>,
}

impl Mailbox {
    pub fn note(&mut self, from: &Party, sent: &Packet, to: &Party, delivered: &Packet) {
        self.delivered.push((to.clone(), delivered.clone()));
        self.sent.push((from.clone(), sent.clone()));
        for kept in [&mut self.delivered, &mut self.sent] {
            if kept.len() > 12 {
                kept.remove(0);
            }
        }
    }
}

/// The next packet.
pub fn next(model: &Model, mailbox: &Mailbox, dice: &mut Dice) -> Sending {
    let (from, packet) = match dice.below(100) {
        0..45 if !mailbox.delivered.is_empty() => {
            let (to, packet) = dice.pick(&mailbox.delivered);
            let answer = answer(&packet, dice);
            (to, answer)
        }
        45..60 if !mailbox.sent.is_empty() => {
            let (from, packet) = dice.pick(&mailbox.sent);
            let next = continued(&packet, dice);
            (from, next)
        }
        _ => fresh(model, dice),
    };
    let link = match &from {
        Party::Instance(eni) => link_destination(model, *eni, packet.destination, dice),
        _ => LinkDestination::Router,
    };
    Sending { from, packet, link }
}

fn fresh(model: &Model, dice: &mut Dice) -> (Party, Packet) {
    let addresses = interesting_addresses(model);
    let interfaces: Vec<(EniId, Ipv4Addr)> =
        model.network_interfaces.values().map(|eni| (eni.id, eni.private_ip)).collect();
    let mut destination = dice.pick(&addresses);
    let (from, source) = match (dice.below(100), dice.maybe(&interfaces)) {
        (0..72, Some((eni, address))) => (Party::Instance(eni), address),
        (72..76, Some((eni, _))) => (Party::Platform(eni), Ipv4Addr::new(169, 254, 169, 253)),
        (76..84, _) => {
            let endpoints: Vec<_> = model.vpc_endpoints.values().map(|e| (e.id, e.prefix_list_id().unwrap())).collect();
            if !interfaces.is_empty() && dice.percent(85) {
                destination = dice.pick(&interfaces).1;
            }
            match dice.maybe(&endpoints) {
                Some((id, list)) => {
                    let blocks = &model.prefix_lists[&(model.region.clone(), list)].cidrs;
                    let block = dice.pick(blocks);
                    let source = dice.pick(&[block.network(), block.broadcast()]);
                    (Party::EndpointService(id), source)
                }
                None => outside(model, dice),
            }
        }
        (84..88, _) => {
            let service = dice.pick(&model.public_services);
            (Party::PublicService(service.kind, service.region), service.address)
        }
        _ => outside(model, dice),
    };
    let public: Vec<Ipv4Addr> =
        model.network_interfaces.values().filter_map(|eni| Some(eni.public_address?.address)).collect();
    if matches!(from, Party::Outside(_) | Party::PublicService(..))
        && dice.percent(80)
        && let Some(address) = dice.maybe(&public)
    {
        destination = address;
    }
    let source = if dice.percent(8) { dice.pick(&addresses) } else { source };
    if matches!(from, Party::Instance(_)) && dice.percent(2) {
        let content = Content::Udp { source_port: 68, destination_port: 67 };
        let destination = dice.pick(&[Ipv4Addr::BROADCAST, destination]);
        return (from, Packet { source, destination, protocol: UDP, content });
    }
    (from, random_packet(source, destination, dice))
}

fn outside(model: &Model, dice: &mut Dice) -> (Party, Ipv4Addr) {
    let hosts: Vec<_> = model.outside_hosts.values().cloned().collect();
    let host = dice.pick(&hosts);
    (Party::Outside(host.name), host.address)
}

fn random_packet(source: Ipv4Addr, destination: Ipv4Addr, dice: &mut Dice) -> Packet {
    let source_port = dice.pick(&[22, 443, 1023, 1024, 40_000, 40_001, 65_535]);
    let destination_port = dice.pick(&[22, 53, 80, 443, 443, 443, 1024, 40_000]);
    let (protocol, content) = match dice.below(20) {
        0..10 => {
            let flags = dice.pick(&[
                TcpFlags::SYN,
                TcpFlags::SYN,
                TcpFlags::SYN,
                TcpFlags::SYN_ACK,
                TcpFlags::ACK,
                TcpFlags::RST,
                TcpFlags::FIN,
            ]);
            (TCP, Content::Tcp { source_port, destination_port, flags })
        }
        10..14 => (UDP, Content::Udp { source_port, destination_port }),
        14..16 => {
            let icmp_type = dice.pick(&[ECHO_REQUEST, ECHO_REQUEST, ECHO_REQUEST, ECHO_REPLY]);
            (ICMP, Content::Echo { icmp_type, identifier: dice.pick(&[1, 2, 77]) })
        }
        16 => (ICMP, Content::OtherIcmp { icmp_type: dice.pick(&[13, 14, 17]), code: 0 }),
        17 => (dice.pick(&[47, 50, 132]), Content::Opaque),
        18 => (dice.pick(&[TCP, UDP, ICMP]), Content::LaterFragment),
        _ => return error_about(&random_packet_quoted(destination, source, dice), source, dice),
    };
    Packet { source, destination, protocol, content }
}

fn random_packet_quoted(source: Ipv4Addr, destination: Ipv4Addr, dice: &mut Dice) -> Packet {
    let content = Content::Udp { source_port: 40_000, destination_port: dice.pick(&[53, 443]) };
    Packet { source, destination, protocol: UDP, content }
}

/// An ICMP error that `by` sends to the source of `about`.
fn error_about(about: &Packet, by: Ipv4Addr, dice: &mut Dice) -> Packet {
    let (icmp_type, code) = dice.pick(&[(3, 4), (3, 1), (3, 3), (11, 0)]);
    Packet {
        source: by,
        destination: about.source,
        protocol: ICMP,
        content: Content::IcmpError { icmp_type, code, quoted: Box::new(about.clone()) },
    }
}

/// What the receiver of `packet` may send back.
fn answer(packet: &Packet, dice: &mut Dice) -> Packet {
    // No errors about errors (RFC 1122 section 3.2.2), nor about fragments.
    let complains = !matches!(packet.content, Content::IcmpError { .. } | Content::LaterFragment);
    if complains && dice.percent(15) {
        let router: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
        let by = if dice.percent(20) { router } else { packet.destination };
        return error_about(packet, by, dice);
    }
    let content = match &packet.content {
        Content::Tcp { source_port, destination_port, flags } => {
            let usual = if flags.syn && !flags.ack { TcpFlags::SYN_ACK } else { TcpFlags::ACK };
            let flags = match dice.below(10) {
                0 => TcpFlags::RST,
                1 => TcpFlags::FIN,
                2 => TcpFlags::SYN,
                _ => usual,
            };
            Content::Tcp { source_port: *destination_port, destination_port: *source_port, flags }
        }
        Content::Udp { source_port, destination_port } => {
            Content::Udp { source_port: *destination_port, destination_port: *source_port }
        }
        Content::Echo { icmp_type: ECHO_REQUEST, identifier } => {
            Content::Echo { icmp_type: ECHO_REPLY, identifier: *identifier }
        }
        other => other.clone(),
    };
    Packet { source: packet.destination, destination: packet.source, protocol: packet.protocol, content }
}

/// What the sender of `packet` may send next.
fn continued(packet: &Packet, dice: &mut Dice) -> Packet {
    let mut next = packet.clone();
    if let Content::Tcp { flags, .. } = &mut next.content {
        *flags = dice.pick(&[*flags, TcpFlags::ACK, TcpFlags::ACK, TcpFlags::FIN, TcpFlags::RST, TcpFlags::SYN]);
    }
    next
}

/// Where a guest's frame goes: to the neighbour that ARP gave, else to the router; and sometimes astray.
fn link_destination(model: &Model, eni: EniId, destination: Ipv4Addr, dice: &mut Dice) -> LinkDestination {
    if destination.is_broadcast() {
        return LinkDestination::Broadcast;
    }
    let Some(own) = model.network_interfaces.get(&eni) else {
        return LinkDestination::Router;
    };
    let astray: Vec<EniId> = model.network_interfaces.keys().copied().filter(|other| *other != eni).collect();
    if dice.percent(6) {
        return match dice.maybe(&astray) {
            Some(other) if dice.percent(70) => LinkDestination::Interface(other),
            _ => LinkDestination::Nobody,
        };
    }
    let neighbour = model
        .network_interfaces
        .values()
        .find(|other| other.id != eni && other.subnet_id == own.subnet_id && other.private_ip == destination);
    match neighbour {
        Some(other) if inside(destination, model.subnets[&own.subnet_id].cidr) && dice.percent(85) => {
            LinkDestination::Interface(other.id)
        }
        _ => LinkDestination::Router,
    }
}

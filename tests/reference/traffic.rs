//! Random packets: half of them continue or answer what was delivered before, the others are aimed at addresses with a meaning.

use super::models::{Dice, guests, interesting_addresses};
use super::packet::{
    Content, ECHO_REPLY, ECHO_REQUEST, ICMP, LinkDestination, Packet, Party, Shape, TCP, TcpFlags, UDP,
};
use super::routes::inside;
use std::net::Ipv4Addr;
use vpcsim::ids::EniId;
use vpcsim::model::{InterfaceType, Model};

/// Somebody sends something.
#[derive(Clone, Debug)]
pub struct Sending {
    pub from: Party,
    pub packet: Packet,
    /// Of an instance's frame; others have only one router to send to.
    pub link: LinkDestination,
}

/// What was delivered lately, to be answered; and the rest of datagrams that were begun.
#[derive(Default)]
pub struct Mailbox {
    delivered: Vec<(Party, Packet)>,
    sent: Vec<(Party, Packet)>,
    rest: Vec<Sending>,
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
pub fn next(model: &Model, mailbox: &mut Mailbox, dice: &mut Dice) -> Sending {
    if !mailbox.rest.is_empty() && dice.percent(75) {
        let at = if dice.percent(80) { 0 } else { dice.below(mailbox.rest.len()) };
        let sending = mailbox.rest.remove(at);
        if !is_gone(model, &sending.from) {
            return sending;
        }
    }
    let (from, packet) = match dice.below(100) {
        0..50 if !mailbox.delivered.is_empty() => {
            let (to, packet) = dice.pick(&mailbox.delivered);
            let answer = answer(&packet, dice);
            (to, answer)
        }
        50..65 if !mailbox.sent.is_empty() => {
            let (from, packet) = dice.pick(&mailbox.sent);
            let next = continued(&packet, dice);
            (from, next)
        }
        _ => fresh(model, dice),
    };
    let packet = dressed(packet, dice);
    let link = link_destination(model, &from, packet.destination, dice);
    if let Some(pieces) = in_pieces(&packet, dice) {
        let mut sendings = pieces.into_iter().map(|packet| Sending { from: from.clone(), packet, link });
        let first = sendings.next().expect("a packet has a first piece");
        mailbox.rest = sendings.collect();
        return first;
    }
    Sending { from, packet, link }
}

/// Interfaces that went are not sent from through gates that never knew them; all others may be tried.
fn is_gone(model: &Model, from: &Party) -> bool {
    matches!(from, Party::InterfaceService(eni) if !model.network_interfaces.contains_key(eni))
}

/// Length, time to live and the like.
fn dressed(mut packet: Packet, dice: &mut Dice) -> Packet {
    let payload_bytes = match dice.below(100) {
        0..82 => dice.pick(&[0, 1, 8, 33, 120]),
        82..90 => dice.pick(&[1_400, 1_460, 1_472, 1_473, 1_480, 1_481, 3_000]),
        _ => dice.pick(&[3_000, 8_460, 8_472, 8_480, 8_481, 8_700, 8_945]),
    };
    packet.shape = Shape {
        with_options: dice.percent(10),
        without_udp_checksum: dice.percent(15),
        payload_bytes,
        identification: dice.bits() as u16,
        reset_numbers: None,
    };
    packet.time_to_live = dice.pick(&[1, 2, 3, 64, 64, 64, 64, 255]);
    packet.dont_fragment = dice.percent(60);
    packet.piece = None;
    if let Content::Tcp { flags, mss, .. } = &mut packet.content {
        *mss = if flags.syn { dice.pick(&[None, Some(1_460), Some(8_460), Some(8_461), Some(8_961)]) } else { None };
    }
    packet
}

/// Some senders cut their datagrams themselves.
fn in_pieces(packet: &Packet, dice: &mut Dice) -> Option<Vec<Packet>> {
    let wanted = dice.percent(5);
    let may_be_cut = packet.quoted().is_none() && packet.datagram_bytes() > 40;
    if !wanted || !may_be_cut {
        return None;
    }
    let mut packet = packet.clone();
    packet.dont_fragment = false;
    let mtu_bytes = dice.pick(&[68, 576, 1_500]).max(packet.total_bytes() / 4);
    let pieces = packet.split(mtu_bytes);
    (pieces.len() > 1).then_some(pieces)
}

fn fresh(model: &Model, dice: &mut Dice) -> (Party, Packet) {
    let addresses = interesting_addresses(model);
    let interfaces = guests(model);
    // Half of the packets are for somebody who is there.
    let ends = ends(model, dice);
    let somebody = dice.maybe(&ends).filter(|_| dice.percent(55));
    let mut destination = somebody.unwrap_or_else(|| dice.pick(&addresses));
    let on_premises = !model.on_premises.is_empty();
    let (from, source) = match (dice.below(100), dice.maybe(&interfaces)) {
        (0..62, Some((eni, address))) => (Party::Instance(eni), address),
        (72..76, Some((eni, _))) => (Party::Platform(eni), Ipv4Addr::new(169, 254, 169, 253)),
        (76..84, _) => {
            if !interfaces.is_empty() && dice.percent(85) {
                destination = dice.pick(&interfaces).1;
            }
            from_endpoint(model, dice)
        }
        (62..72, _) if on_premises => from_premises(model, dice),
        (84..88, _) => {
            let service = dice.pick(&model.public_services);
            (Party::PublicService(service.kind, service.region), service.address)
        }
        _ => outside(model, dice),
    };
    let public: Vec<Ipv4Addr> =
        super::world::mapped_addresses(model).into_iter().map(|(_, _, public)| public).collect();
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
        return (from, Packet::plain(source, destination, UDP, content));
    }
    (from, random_packet(source, destination, dice))
}

/// Addresses of end systems of one kind.
fn ends(model: &Model, dice: &mut Dice) -> Vec<Ipv4Addr> {
    let interfaces = |wanted: InterfaceType| {
        let all = model.network_interfaces.values().filter(move |eni| eni.interface_type == wanted);
        all.map(|eni| eni.private_ip).collect::<Vec<_>>()
    };
    match dice.below(10) {
        0..5 => interfaces(InterfaceType::Interface),
        5..7 => interfaces(InterfaceType::VpcEndpoint),
        7 => model.on_premises.values().flat_map(|network| network.hosts.values().copied()).collect(),
        8 => model.outside_hosts.values().map(|host| host.address).collect(),
        _ => model.public_services.iter().map(|service| service.address).collect(),
    }
}

/// A service behind some endpoint.
fn from_endpoint(model: &Model, dice: &mut Dice) -> (Party, Ipv4Addr) {
    let interfaces: Vec<(EniId, Ipv4Addr)> = (model.network_interfaces.values())
        .filter(|eni| eni.interface_type == InterfaceType::VpcEndpoint)
        .map(|eni| (eni.id, eni.private_ip))
        .collect();
    if dice.percent(35)
        && let Some((eni, address)) = dice.maybe(&interfaces)
    {
        return (Party::InterfaceService(eni), address);
    }
    let endpoints: Vec<_> =
        model.vpc_endpoints.values().filter_map(|endpoint| Some((endpoint.id, endpoint.prefix_list_id()?))).collect();
    match dice.maybe(&endpoints) {
        Some((id, list)) => {
            let region = &model.vpcs[&model.vpc_endpoints[&id].vpc_id].region;
            let block = dice.pick(&model.prefix_lists[&(region.clone(), list)].cidrs);
            (Party::EndpointService(id), dice.pick(&[block.network(), block.broadcast()]))
        }
        None => outside(model, dice),
    }
}

/// A host on premises, or what answers in the name of the router there.
fn from_premises(model: &Model, dice: &mut Dice) -> (Party, Ipv4Addr) {
    let networks: Vec<_> = model.on_premises.values().cloned().collect();
    let network = dice.pick(&networks);
    let hosts: Vec<_> = network.hosts.into_iter().collect();
    let (host, address) = dice.pick(&hosts);
    match dice.below(10) {
        0 => (Party::OnPremisesPlatform(network.name, host), super::world::plus(network.cidrs[0], 1)),
        _ => (Party::OnPremises(network.name, host), address),
    }
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
            (TCP, Content::Tcp { source_port, destination_port, flags, mss: None })
        }
        10..14 => (UDP, Content::Udp { source_port, destination_port }),
        14..17 => {
            let icmp_type = dice.pick(&[ECHO_REQUEST, ECHO_REQUEST, ECHO_REQUEST, ECHO_REPLY]);
            (ICMP, Content::Echo { icmp_type, identifier: dice.pick(&[1, 2, 77]) })
        }
        17 => (ICMP, Content::OtherIcmp { icmp_type: dice.pick(&[13, 14, 17]), code: 0 }),
        18 => (dice.pick(&[47, 50, 132]), Content::Opaque),
        _ => return error_about(&random_packet_quoted(destination, source, dice), source, dice),
    };
    Packet::plain(source, destination, protocol, content)
}

fn random_packet_quoted(source: Ipv4Addr, destination: Ipv4Addr, dice: &mut Dice) -> Packet {
    let content = Content::Udp { source_port: 40_000, destination_port: dice.pick(&[53, 443]) };
    dressed(Packet::plain(source, destination, UDP, content), dice)
}

/// An ICMP error that `by` sends to the source of `about`.
fn error_about(about: &Packet, by: Ipv4Addr, dice: &mut Dice) -> Packet {
    let (icmp_type, code) = dice.pick(&[(3, 4), (3, 1), (3, 3), (11, 0)]);
    // Eight bytes behind the header (RFC 792), or as many as there is room for (RFC 1812 section 4.3.2.3).
    let most = if dice.percent(50) { about.header_bytes() + 8 } else { 548 };
    let quoted_bytes = most.min(about.total_bytes());
    let mtu_bytes = if (icmp_type, code) == (3, 4) { 1500 } else { 0 };
    let content = Content::IcmpError { icmp_type, code, mtu_bytes, quoted: Box::new(about.clone()), quoted_bytes };
    Packet::plain(by, about.source, ICMP, content)
}

/// What the receiver of `packet` may send back.
fn answer(packet: &Packet, dice: &mut Dice) -> Packet {
    // No errors about errors (RFC 1122 section 3.2.2), nor about later fragments.
    let complains = packet.quoted().is_none() && !packet.is_later_fragment();
    if complains && dice.percent(15) {
        let router: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
        let by = if dice.percent(20) { router } else { packet.destination };
        return error_about(packet, by, dice);
    }
    let content = match &packet.content {
        Content::Tcp { source_port, destination_port, flags, .. } => {
            let usual = if flags.opens() { TcpFlags::SYN_ACK } else { TcpFlags::ACK };
            let flags = match dice.below(12) {
                0 => TcpFlags::RST,
                1 => TcpFlags::FIN,
                2 => TcpFlags::SYN,
                _ => usual,
            };
            Content::Tcp { source_port: *destination_port, destination_port: *source_port, flags, mss: None }
        }
        Content::Udp { source_port, destination_port } => {
            Content::Udp { source_port: *destination_port, destination_port: *source_port }
        }
        Content::Echo { icmp_type: ECHO_REQUEST, identifier } => {
            Content::Echo { icmp_type: ECHO_REPLY, identifier: *identifier }
        }
        Content::OtherIcmp { icmp_type: 13, code } => Content::OtherIcmp { icmp_type: 14, code: *code },
        other => other.clone(),
    };
    Packet::plain(packet.destination, packet.source, packet.protocol, content)
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
fn link_destination(model: &Model, from: &Party, destination: Ipv4Addr, dice: &mut Dice) -> LinkDestination {
    let (Party::Instance(eni) | Party::InterfaceService(eni)) = from else { return LinkDestination::Router };
    if destination.is_broadcast() && matches!(from, Party::Instance(_)) {
        return LinkDestination::Broadcast;
    }
    let Some(own) = model.network_interfaces.get(eni) else {
        return LinkDestination::Router;
    };
    let astray: Vec<EniId> = model.network_interfaces.keys().copied().filter(|other| other != eni).collect();
    if dice.percent(6) && matches!(from, Party::Instance(_)) {
        return match dice.maybe(&astray) {
            Some(other) if dice.percent(70) => LinkDestination::Interface(other),
            _ => LinkDestination::Nobody,
        };
    }
    let neighbour = model.network_interfaces.values().find(|other| {
        let answers = matches!(other.interface_type, InterfaceType::Interface | InterfaceType::VpcEndpoint);
        other.id != *eni && other.subnet_id == own.subnet_id && other.private_ip == destination && answers
    });
    match neighbour {
        Some(other) if inside(destination, model.subnets[&own.subnet_id].cidr) && dice.percent(85) => {
            LinkDestination::Interface(other.id)
        }
        _ => LinkDestination::Router,
    }
}

//! Giving captured packets the addresses and ports that their end sends with.
//!
//! Purpose: [`readdress`] changes field by field, with every checksum that covers it; [`Sending`] is what that and the Ethernet addresses changed in one packet, and does it at
//! once to the next ordinary ones of the flow. Invariant: both give the same bytes. Non-goal: knowing whether the flow still is sent so (the conversation's).

use super::conversation::Flow;
use crate::net::{FiveTuple, Protocol};
use crate::wire::ethernet::AddressPair;
use crate::wire::rewrite::{self, Change};
use crate::wire::{FlowHead, Parsed, checksum};

/// In an IPv4 packet without options.
const IP_CHECKSUM: usize = 10;
const ADDRESSES: usize = 12;
const TRANSPORT: usize = 20;
const UDP_LENGTH: usize = TRANSPORT + 4;
const UDP_CHECKSUM: usize = TRANSPORT + 6;
const TCP_CHECKSUM: usize = TRANSPORT + 16;

/// Gives the packet the addresses and ports of `sends`, with every checksum that covers them. `parsed` is `frame`'s; it is kept up to date.
pub(super) fn readdress(frame: &mut [u8], parsed: &mut Parsed, sends: &FiveTuple) {
    if parsed.source != sends.source {
        rewrite::set_source(frame, parsed, sends.source);
    }
    if parsed.destination != sends.destination {
        rewrite::set_destination(frame, parsed, sends.destination);
    }
    let has = parsed.five_tuple();
    if has.source_port != sends.source_port {
        rewrite::set_source_port(frame, parsed, sends.source_port);
    }
    // An echo message has one identifier, which is both.
    if has.destination_port != sends.destination_port && parsed.protocol != Protocol::ICMP {
        rewrite::set_destination_port(frame, parsed, sends.destination_port);
    }
}

/// The headers of the packet in `frame`, which is a copy of `packet` behind an Ethernet header, if a [`Sending`] can be made of it or applied to it: an ordinary one, its
/// checksums right. (`packet` is read where that can be: what was only just copied cannot be read at once.)
pub(super) fn ordinary(packet: &[u8], frame: &[u8]) -> Option<FlowHead> {
    let head = FlowHead::of(frame)?;
    let word = |at: usize| packet.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let is_udp = Protocol(head.protocol) == Protocol::UDP;
    let (checksum_at, end) = match is_udp {
        true => (UDP_CHECKSUM, TRANSPORT + usize::from(word(UDP_LENGTH)?)),
        false => (TCP_CHECKSUM, usize::from(head.total_bytes)),
    };
    let transport_checksum = word(checksum_at)?;
    // All ones are the other zero: there, changes word by word and at once might end at different zeros.
    if transport_checksum == 0xffff || word(IP_CHECKSUM)? == 0xffff {
        return None;
    }
    // Both addresses stand right in front of the transport header.
    let above = checksum::add(u16::from(head.protocol), (end - TRANSPORT) as u16); // a part of the packet
    let is_right = || Some(checksum::add(above, checksum::sum(packet.get(ADDRESSES..end)?)) == 0xffff);
    ((is_udp && transport_checksum == 0) || is_right()?).then_some(head)
}

/// The headers of an ordinary packet before it is readdressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    bytes: [u8; rewrite::HEADERS_BYTES],
    length: usize,
}

impl Before {
    /// `None` if it is not ordinary, up to its checksums.
    pub(super) fn of(frame: &[u8]) -> Option<Before> {
        FlowHead::of(frame)?;
        let length = frame.len().min(rewrite::HEADERS_BYTES);
        let mut bytes = [0; rewrite::HEADERS_BYTES];
        bytes[..length].copy_from_slice(&frame[..length]);
        Some(Before { bytes, length })
    }
}

/// What sending changes in packets of a flow, besides addresses and ports themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    /// The addresses that the packets have in the capture, in the order of the wire: several may be mapped to one.
    captured: [u8; 8],
    /// Of the frame that is sent.
    macs: AddressPair,
    /// What the checksums change by.
    ip_delta: u16,
    transport_delta: u16,
}

impl Sending {
    /// What made the frame `after`, which is sent as `sends`, of one with the headers `before`; `None` if doing that again would not.
    pub(super) fn between(before: &Before, after: &[u8], sends: Flow) -> Option<Sending> {
        let headers = &before.bytes[..before.length];
        let Change { ip_delta, transport_delta, .. } = Change::between(headers, after)?;
        let captured = *headers.get(rewrite::ADDRESSES_AT..)?.first_chunk()?;
        let sending = Sending { captured, macs: AddressPair::of(after)?, ip_delta, transport_delta };
        let mut tried = *before;
        sending.again(sends, headers[rewrite::TTL_AT + 1], &mut tried.bytes[..before.length]);
        (tried.bytes[..before.length] == *after.get(..before.length)?).then_some(sending)
    }

    /// Whether it is for packets with this head.
    #[inline]
    pub(super) fn is_for(&self, head: &FlowHead) -> bool {
        self.captured == head.addresses.to_le_bytes()
    }

    /// Does the same to another [`ordinary`] packet of the flow that it is for.
    #[inline]
    pub(super) fn again(&self, sends: Flow, protocol: u8, frame: &mut [u8]) {
        let Sending { macs, ip_delta, transport_delta, .. } = *self;
        let (addresses, ports) = sends.on_wire();
        let change = Change { ttl_decrement: 0, addresses, ports, ip_delta, transport_delta };
        rewrite::with_headers(frame, |headers| {
            macs.write(headers);
            change.apply(headers, protocol);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::repair;
    use super::*;
    use crate::net::MacAddress;
    use crate::wire::ethernet;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    type Ends = ([u8; 4], u16, [u8; 4], u16);

    fn packet(
        is_tcp: bool,
        (source, source_port, destination, destination_port): Ends,
        ttl: u8,
        data: &[u8],
    ) -> Vec<u8> {
        let builder = PacketBuilder::ipv4(source, destination, ttl);
        let mut bytes = Vec::new();
        match is_tcp {
            true => builder.tcp(source_port, destination_port, 7, 9).ack(1).write(&mut bytes, data).unwrap(),
            false => builder.udp(source_port, destination_port).write(&mut bytes, data).unwrap(),
        }
        bytes
    }

    /// The naive twin; false if the packet is not ordinary.
    fn prepared(packet: &[u8], sends: Flow, frame: &mut Vec<u8>) -> bool {
        repair::frame_of(packet, frame);
        let is_ordinary = ordinary(packet, frame).is_some();
        let mut parsed = Parsed::of(frame).unwrap();
        assert!(!is_ordinary || repair::checksums(&mut frame.clone(), &parsed) == repair::Mended::default());
        readdress(frame, &mut parsed, &sends.tuple());
        ethernet::set_addresses(frame, MacAddress([2; 6]), MacAddress([4; 6]));
        is_ordinary
    }

    /// Words that checksums trip over, and others.
    fn port() -> impl Strategy<Value = u16> {
        prop_oneof![any::<u16>(), Just(0), Just(0xffff)]
    }

    proptest! {
        #[test]
        fn again_is_what_field_by_field_is(
            is_tcp in any::<bool>(), flow in (any::<[u8; 4]>(), port(), any::<[u8; 4]>(), port()),
            sends in (any::<[u8; 4]>(), port(), any::<[u8; 4]>(), port()), keeps_addresses in any::<bool>(),
            ttls in any::<[u8; 2]>(), first in proptest::collection::vec(any::<u8>(), 0..60),
            next in proptest::collection::vec(any::<u8>(), 0..60), wrong in prop_oneof![3 => Just(0u8), 1 => any::<u8>()],
            sum in prop_oneof![6 => Just(None), 1 => Just(Some(0u16)), 1 => Just(Some(0xffff))]
        ) {
            let (source, destination) = if keeps_addresses { (flow.0, flow.2) } else { (sends.0, sends.2) };
            let sends = Flow::of(FiveTuple {
                protocol: if is_tcp { Protocol::TCP } else { Protocol::UDP },
                source: source.into(), destination: destination.into(), source_port: sends.1, destination_port: sends.3,
            });
            let (mut frame, first) = (Vec::new(), packet(is_tcp, flow, ttls[0], &first));
            repair::frame_of(&first, &mut frame);
            let before = Before::of(&frame).unwrap();
            prop_assume!(prepared(&first, sends, &mut frame));
            let sending = Sending::between(&before, &frame, sends).expect("it is repeatable");
            let mut next = packet(is_tcp, flow, ttls[1], &next);
            *next.last_mut().unwrap() ^= wrong;
            if let Some(sum) = sum {
                let at = if is_tcp { TCP_CHECKSUM } else { UDP_CHECKSUM };
                next[at..at + 2].copy_from_slice(&sum.to_be_bytes());
            }
            let mut wanted = Vec::new();
            if prepared(&next, sends, &mut wanted) {
                repair::frame_of(&next, &mut frame);
                sending.again(sends, next[9], &mut frame);
                prop_assert_eq!(frame, wanted);
            } else {
                prop_assert!(wrong != 0 || sum.is_some() || [TCP_CHECKSUM, UDP_CHECKSUM, IP_CHECKSUM].iter().any(|at| next.get(*at..at + 2) == Some(&[0xff; 2][..])));
            }
        }
    }
}

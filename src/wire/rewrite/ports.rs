//! Changing ports and ICMP identifiers in place: what translation of addresses *and ports* does beyond [`super::set_source`].
//!
//! | where the port stands | what covers it |
//! |---|---|
//! | TCP, UDP header | that header's checksum (a UDP checksum of 0 stays 0) |
//! | ICMP echo: the identifier (RFC 5508 section 3.1) | ICMP's checksum |
//! | the packet quoted by an ICMP error | the quoted packet's checksum if quoted that far, and the outer ICMP's own (RFC 5508 section 4.2) |
//!
//! Later fragments have no ports: nothing is done to them.

use super::{ICMP_CHECKSUM, IP_CHECKSUM, IP_DESTINATION, IP_SOURCE, TCP_CHECKSUM, UDP_CHECKSUM};
use crate::net::Protocol;
use crate::wire::parsed::{IP, Icmp, Parsed, icmp_type};
use crate::wire::{checksum, put_word, word};
use std::net::Ipv4Addr;

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const ICMP_IDENTIFIER: usize = 4;

/// Gives a TCP or UDP packet a new source port, an ICMP echo message a new identifier; other packets have neither and stay as they are. `parsed` is
/// `frame`'s; it is kept up to date.
pub fn set_source_port(frame: &mut [u8], parsed: &mut Parsed, after: u16) {
    set_port(frame, parsed, SOURCE_PORT, after);
    if let Some((source, _)) = &mut parsed.ports {
        *source = after;
    }
}

/// Gives a TCP or UDP packet a new destination port, an ICMP echo message a new identifier; other packets have neither and stay as they are.
pub fn set_destination_port(frame: &mut [u8], parsed: &mut Parsed, after: u16) {
    set_port(frame, parsed, DESTINATION_PORT, after);
    if let Some((_, destination)) = &mut parsed.ports {
        *destination = after;
    }
}

/// In an ICMP error, gives the quoted packet another source: the error answers a packet whose source was translated on its way out.
pub fn set_quoted_source(frame: &mut [u8], parsed: &Parsed, address: Ipv4Addr, port: u16) {
    set_quoted(frame, parsed, (IP_SOURCE, SOURCE_PORT), address, port);
}

/// In an ICMP error, gives the quoted packet another destination: the error answers a packet whose destination was translated on its way in.
pub fn set_quoted_destination(frame: &mut [u8], parsed: &Parsed, address: Ipv4Addr, port: u16) {
    set_quoted(frame, parsed, (IP_DESTINATION, DESTINATION_PORT), address, port);
}

fn set_port(frame: &mut [u8], parsed: &mut Parsed, field: usize, after: u16) {
    let Some(place) = place_of_port(parsed, parsed.transport_at(), field) else { return };
    let Some(before) = word(frame, place.at) else { return };
    put_word(frame, place.at, after);
    adjust(frame, place.covering, before, after);
    if let Some(icmp) = &mut parsed.icmp {
        icmp.identifier = after;
    }
}

fn set_quoted(frame: &mut [u8], parsed: &Parsed, fields: (usize, usize), address: Ipv4Addr, port: u16) {
    let Some(quoted) = parsed.quoted(frame) else { return };
    let header = parsed.quote_at();
    let transport = header + usize::from(quoted.header_bytes);
    let place = place_of_port(&quoted, transport, fields.1);
    // The pseudo-header of TCP and UDP holds the addresses; ICMP has none.
    let by_address = place.map(|place| place.covering).filter(|_| quoted.protocol != Protocol::ICMP);
    let end = IP + usize::from(parsed.total_bytes);
    let Some(packet) = frame.get_mut(..end) else { return };
    let mut quote = Quote { packet, icmp_checksum: parsed.transport_at() + ICMP_CHECKSUM };
    let bits = u32::from(address);
    for (at, half) in [(header + fields.0, (bits >> 16) as u16), (header + fields.0 + 2, bits as u16)] {
        let in_header = Covering { at: header + IP_CHECKSUM, zero_means_none: false };
        quote.replace(at, half, [Some(in_header), by_address]);
    }
    if let Some(place) = place {
        quote.replace(place.at, port, [Some(place.covering), None]);
    }
}

/// A checksum field.
#[derive(Clone, Copy)]
struct Covering {
    at: usize,
    /// UDP's: 0 stands for "none", and a sum that comes out as 0 is written as 0xffff (RFC 768).
    zero_means_none: bool,
}

/// Where a port stands, and the checksum over it.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    covering: Covering,
}

fn place_of_port(packet: &Parsed, transport: usize, field: usize) -> Option<Place> {
    let place = |at, checksum, zero_means_none| {
        Some(Place { at: transport + at, covering: Covering { at: transport + checksum, zero_means_none } })
    };
    match packet.protocol {
        _ if packet.is_later_fragment() => None,
        Protocol::TCP => place(field, TCP_CHECKSUM, false),
        Protocol::UDP => place(field, UDP_CHECKSUM, true),
        Protocol::ICMP if packet.icmp.is_some_and(|icmp| has_identifier(&icmp)) => {
            place(ICMP_IDENTIFIER, ICMP_CHECKSUM, false)
        }
        _ => None,
    }
}

/// Whether [`Icmp::identifier`] is read from the message.
fn has_identifier(icmp: &Icmp) -> bool {
    matches!(icmp.kind, icmp_type::ECHO | icmp_type::ECHO_REPLY)
}

/// Adjusts a checksum for one word that changed under it.
fn adjust(bytes: &mut [u8], covering: Covering, before: u16, after: u16) {
    let Some(old) = word(bytes, covering.at) else { return };
    if covering.zero_means_none && old == 0 {
        return;
    }
    let new = checksum::update(old, before, after);
    put_word(bytes, covering.at, if covering.zero_means_none && new == 0 { 0xffff } else { new });
}

/// A packet whose quote is being changed: every word of it counts in the outer ICMP checksum, the quoted checksums included.
struct Quote<'f> {
    packet: &'f mut [u8],
    icmp_checksum: usize,
}

impl Quote<'_> {
    fn replace(&mut self, at: usize, after: u16, covering: [Option<Covering>; 2]) {
        let Some(before) = word(self.packet, at) else { return };
        self.put(at, before, after);
        for covering in covering.into_iter().flatten() {
            let Some(old) = word(self.packet, covering.at) else { continue };
            adjust(self.packet, covering, before, after);
            if let Some(new) = word(self.packet, covering.at) {
                self.account(old, new);
            }
        }
    }

    fn put(&mut self, at: usize, before: u16, after: u16) {
        put_word(self.packet, at, after);
        self.account(before, after);
    }

    fn account(&mut self, before: u16, after: u16) {
        if let Some(outer) = word(self.packet, self.icmp_checksum) {
            put_word(self.packet, self.icmp_checksum, checksum::update(outer, before, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{set_destination, set_source};
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    const INSIDE: ([u8; 4], u16) = ([10, 0, 0, 5], 40_000);
    const REMOTE: ([u8; 4], u16) = ([52, 94, 2, 72], 443);
    const ROUTER: [u8; 4] = [192, 0, 2, 1];

    #[derive(Clone, Copy, Debug)]
    enum Kind {
        Tcp,
        Udp,
        Echo,
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Tcp), Just(Kind::Udp), Just(Kind::Echo)]
    }

    /// A packet as etherparse builds it, every checksum right, from the IPv4 header on.
    fn packet(kind: Kind, from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ipv4(from.0, to.0, 64);
        match kind {
            Kind::Tcp => builder.tcp(from.1, to.1, 7, 1_000).write(&mut bytes, payload).unwrap(),
            Kind::Udp => builder.udp(from.1, to.1).write(&mut bytes, payload).unwrap(),
            // Both ends share the identifier.
            Kind::Echo => builder.icmpv4_echo_request(from.1, 6).write(&mut bytes, payload).unwrap(),
        }
        bytes
    }

    fn framed(packet: &[u8]) -> Vec<u8> {
        let mut frame = vec![2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0];
        frame.extend_from_slice(packet);
        frame
    }

    /// An error from a router on the way, about `quoted`, of which the first `quoted_bytes` are quoted.
    fn error(to: [u8; 4], quoted: &[u8], quoted_bytes: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let quoted = &quoted[..quoted.len().min(quoted_bytes)];
        PacketBuilder::ipv4(ROUTER, to, 64).icmpv4_raw(3, 4, [0, 0, 5, 220]).write(&mut bytes, quoted).unwrap();
        framed(&bytes)
    }

    proptest! {
        #[test]
        fn a_new_source_gives_what_building_anew_gives(
            kind in any_kind(), address in any::<[u8; 4]>(), port in any::<u16>(),
            payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut frame = framed(&packet(kind, INSIDE, REMOTE, &payload));
            let mut parsed = Parsed::of(&frame).unwrap();
            set_source(&mut frame, &mut parsed, address.into());
            set_source_port(&mut frame, &mut parsed, port);
            prop_assert_eq!(&frame, &framed(&packet(kind, (address, port), REMOTE, &payload)));
            prop_assert_eq!(parsed, Parsed::of(&frame).unwrap());
        }

        #[test]
        fn a_new_destination_gives_what_building_anew_gives(
            kind in prop_oneof![Just(Kind::Tcp), Just(Kind::Udp)], address in any::<[u8; 4]>(), port in any::<u16>(),
        ) {
            let mut frame = framed(&packet(kind, REMOTE, INSIDE, b"answer"));
            let mut parsed = Parsed::of(&frame).unwrap();
            set_destination(&mut frame, &mut parsed, address.into());
            set_destination_port(&mut frame, &mut parsed, port);
            prop_assert_eq!(&frame, &framed(&packet(kind, REMOTE, (address, port), b"answer")));
            prop_assert_eq!(parsed, Parsed::of(&frame).unwrap());
        }

        // A quote of 37 bytes would cut TCP's checksum in half, which nobody can then adjust.
        #[test]
        fn a_quoted_end_is_changed_with_every_checksum_over_it(
            kind in any_kind(), quoted_bytes in prop_oneof![28usize..37, 38usize..90], address in any::<[u8; 4]>(),
            port in any::<u16>(), payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut frame = error(INSIDE.0, &packet(kind, INSIDE, REMOTE, &payload), quoted_bytes);
            let parsed = Parsed::of(&frame).unwrap();
            set_quoted_source(&mut frame, &parsed, address.into(), port);
            let other = packet(kind, (address, port), REMOTE, &payload);
            prop_assert_eq!(&frame, &error(INSIDE.0, &other, quoted_bytes));

            if !matches!(kind, Kind::Echo) {
                let mut frame = error(INSIDE.0, &packet(kind, REMOTE, INSIDE, &payload), quoted_bytes);
                let parsed = Parsed::of(&frame).unwrap();
                set_quoted_destination(&mut frame, &parsed, address.into(), port);
                let other = packet(kind, REMOTE, (address, port), &payload);
                prop_assert_eq!(&frame, &error(INSIDE.0, &other, quoted_bytes));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 35..120), icmp in any::<bool>()) {
            bytes[IP] = 0x45;
            if icmp {
                (bytes[IP + 9], bytes[IP + 20]) = (1, 3);
            }
            if let Ok(mut parsed) = Parsed::of(&bytes) {
                let length = bytes.len();
                set_source_port(&mut bytes, &mut parsed, 1);
                set_destination_port(&mut bytes, &mut parsed, 2);
                set_quoted_source(&mut bytes, &parsed, Ipv4Addr::LOCALHOST, 3);
                set_quoted_destination(&mut bytes, &parsed, Ipv4Addr::LOCALHOST, 4);
                prop_assert_eq!(bytes.len(), length);
            }
        }
    }

    #[test]
    fn udp_without_a_checksum_keeps_none_also_when_quoted() {
        let mut quoted = packet(Kind::Udp, INSIDE, REMOTE, b"x");
        quoted[26..28].fill(0);
        let mut frame = framed(&quoted);
        let mut parsed = Parsed::of(&frame).unwrap();
        set_source_port(&mut frame, &mut parsed, 1_024);
        assert_eq!(frame[IP + 26..IP + 28], [0, 0]);

        let mut frame = error(INSIDE.0, &quoted, 28);
        let parsed = Parsed::of(&frame).unwrap();
        set_quoted_source(&mut frame, &parsed, Ipv4Addr::new(203, 0, 113, 1), 1_024);
        assert_eq!(frame[IP + 28 + 26..IP + 28 + 28], [0, 0]);
        assert!(checksum::is_valid(&frame[IP + 20..]));
    }

    #[test]
    fn later_fragments_have_no_ports_to_change() {
        let mut frame = framed(&packet(Kind::Udp, INSIDE, REMOTE, &[9; 32]));
        frame[IP + 7] = 3;
        let before = frame.clone();
        let mut parsed = Parsed::of(&frame).unwrap();
        set_source_port(&mut frame, &mut parsed, 7);
        set_destination_port(&mut frame, &mut parsed, 7);
        assert_eq!(frame, before);
    }
}

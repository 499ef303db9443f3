//! What a memo of a flow looks at: the headers of an ordinary packet, read in one go.
//!
//! Purpose: [`FlowHead::of`] accepts whole TCP segments and UDP datagrams without IP options, whose headers are consistent and whose IPv4 checksum is right, and which
//! neither begin nor end a connection; [`RouteHead::of`] any IPv4 packet with right header, for routers that look no further. Everything else is nobody's fault, only not
//! ordinary: it takes the long way by [`super::Parsed`]. Non-goals: telling why not. Invariant, tested: what is accepted, `Parsed` reads alike.

use super::checksum;
use super::parsed::{IP, TcpFlags};
use crate::net::Protocol;

/// Ethernet, IPv4 and UDP headers: the least that is accepted.
const UDP_HEADERS_BYTES: usize = IP + 20 + 8;
const TCP_HEADER_BYTES: usize = 20;
/// Version 4, header of 20 bytes.
const VERSION_AND_LENGTH: u8 = 0x45;
/// MF and the fragment offset.
const FRAGMENT_BITS: u16 = 0x3fff;

/// The headers of an ordinary packet of a flow. Words are in the order of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowHead {
    /// Ethernet destination and the first two bytes of the source.
    pub macs_first: u64,
    /// The other four bytes of the Ethernet source.
    pub macs_last: u32,
    /// Source and destination address.
    pub addresses: u64,
    /// Source and destination port.
    pub ports: u32,
    /// TCP or UDP.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// Length of the IPv4 packet.
    pub total_bytes: u16,
}

impl FlowHead {
    /// The headers of `frame`, if they are ordinary ones.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<FlowHead> {
        let h = frame.first_chunk::<UDP_HEADERS_BYTES>()?;
        let total_bytes = ip_header(h, frame.len())?;
        let word = |at: usize| u16::from_be_bytes([h[at], h[at + 1]]);
        if word(IP + 6) & FRAGMENT_BITS != 0 {
            return None;
        }
        let (protocol, payload_bytes) = (h[IP + 9], usize::from(total_bytes).checked_sub(20)?);
        let consistent = match Protocol(protocol) {
            Protocol::UDP => {
                let length = usize::from(word(IP + 24));
                (8..=payload_bytes).contains(&length)
            }
            Protocol::TCP => {
                let tcp = frame.get(IP + 20..IP + 20 + TCP_HEADER_BYTES)?;
                let header_bytes = usize::from(tcp[12] >> 4) * 4;
                (TCP_HEADER_BYTES..=payload_bytes).contains(&header_bytes)
                    && !TcpFlags(tcp[13]).has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST)
            }
            _ => false,
        };
        consistent.then(|| FlowHead {
            macs_first: eight(h, 0),
            macs_last: four(h, 8),
            addresses: eight(h, IP + 12),
            ports: four(h, IP + 20),
            protocol,
            ttl: h[IP + 8],
            total_bytes,
        })
    }
}

/// What a router without memory looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteHead {
    /// Destination address, as a number.
    pub destination: u32,
    /// Time to live.
    pub ttl: u8,
}

impl RouteHead {
    /// The headers of `frame`, if it is an IPv4 packet without options that [`super::Parsed`] finds no fault with and whose header checksum is right.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<RouteHead> {
        let h = frame.first_chunk::<UDP_HEADERS_BYTES>()?;
        // Transport headers: as for flows, except that any TCP segment will do, and any other protocol but ICMP.
        let total_bytes = usize::from(ip_header(h, frame.len())?);
        let word = |at: usize| u16::from_be_bytes([h[at], h[at + 1]]);
        if word(IP + 6) & FRAGMENT_BITS != 0 {
            return None;
        }
        let payload_bytes = total_bytes.checked_sub(20)?;
        let consistent = match Protocol(h[IP + 9]) {
            Protocol::UDP => (8..=payload_bytes).contains(&usize::from(word(IP + 24))),
            Protocol::TCP => {
                let header_bytes = usize::from(frame.get(IP + 32)? >> 4) * 4;
                (TCP_HEADER_BYTES..=payload_bytes).contains(&header_bytes)
            }
            _ => false,
        };
        consistent.then(|| RouteHead { destination: four(h, IP + 16).swap_bytes(), ttl: h[IP + 8] })
    }
}

/// The length of the IPv4 packet behind an Ethernet header, if it is one without options that the frame holds and whose checksum is right.
#[inline]
fn ip_header(h: &[u8; UDP_HEADERS_BYTES], frame_bytes: usize) -> Option<u16> {
    let total_bytes = u16::from_be_bytes([h[IP + 2], h[IP + 3]]);
    let ordinary =
        h[12] == 0x08 && h[13] == 0 && h[IP] == VERSION_AND_LENGTH && IP + usize::from(total_bytes) <= frame_bytes;
    let sum = eight(h, IP).wrapping_shr(32)
        + (eight(h, IP) & 0xffff_ffff)
        + u64::from(four(h, IP + 8))
        + u64::from(four(h, IP + 12))
        + u64::from(four(h, IP + 16));
    (ordinary && checksum::is_all_ones(sum)).then_some(total_bytes)
}

#[inline]
fn eight(h: &[u8; UDP_HEADERS_BYTES], at: usize) -> u64 {
    u64::from_le_bytes([h[at], h[at + 1], h[at + 2], h[at + 3], h[at + 4], h[at + 5], h[at + 6], h[at + 7]])
}

#[inline]
fn four(h: &[u8; UDP_HEADERS_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Parsed;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn frame(tcp: bool, flags: u8, payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [52, 94, 2, 72], 64);
        let mut bytes = Vec::new();
        match tcp {
            true => builder.tcp(40_000, 443, 1, 1).write(&mut bytes, payload).unwrap(),
            false => builder.udp(40_000, 443).write(&mut bytes, payload).unwrap(),
        }
        if tcp {
            bytes[IP + 33] = flags;
        }
        bytes
    }

    proptest! {
        /// Bytes are changed at random, and the header's checksum made right again or not.
        #[test]
        fn what_is_accepted_is_read_alike(
            tcp in any::<bool>(), flags in any::<u8>(), payload in proptest::collection::vec(any::<u8>(), 0..40),
            changes in proptest::collection::vec((12usize..54, any::<u8>()), 0..3), repair in any::<bool>(), cut in 0usize..8
        ) {
            let mut bytes = frame(tcp, flags, &payload);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            if repair {
                bytes[IP + 10..IP + 12].fill(0);
                let sum = checksum::checksum(&bytes[IP..IP + 20]).to_be_bytes();
                bytes[IP + 10..IP + 12].copy_from_slice(&sum);
            }
            bytes.truncate(bytes.len() - cut);
            let parsed = Parsed::of(&bytes).ok().filter(|parsed| parsed.header_checksum_is_valid(&bytes) && bytes[12..14] == [8, 0]);
            let whole = parsed.filter(|parsed| {
                parsed.header_bytes == 20 && !parsed.more_fragments && !parsed.is_later_fragment() && parsed.ports.is_some()
            });
            let ordinary = whole
                .filter(|parsed| !parsed.tcp_flags.is_some_and(|flags| flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST)));
            let head = FlowHead::of(&bytes);
            prop_assert_eq!(head.is_some(), ordinary.is_some());
            if let (Some(head), Some(parsed)) = (head, ordinary) {
                let tuple = parsed.five_tuple();
                prop_assert_eq!(head.addresses.to_le_bytes()[..4].to_vec(), tuple.source.octets().to_vec());
                prop_assert_eq!(head.addresses.to_le_bytes()[4..].to_vec(), tuple.destination.octets().to_vec());
                prop_assert_eq!(head.ports.to_le_bytes()[..2].to_vec(), tuple.source_port.to_be_bytes().to_vec());
                prop_assert_eq!(head.ports.to_le_bytes()[2..].to_vec(), tuple.destination_port.to_be_bytes().to_vec());
                prop_assert_eq!((head.protocol, head.ttl, head.total_bytes), (parsed.protocol.0, parsed.ttl, parsed.total_bytes));
            }
            let routed = RouteHead::of(&bytes);
            prop_assert_eq!(routed.is_some(), whole.is_some());
            if let (Some(head), Some(parsed)) = (routed, whole) {
                prop_assert_eq!((head.destination, head.ttl), (u32::from(parsed.destination), parsed.ttl));
            }
        }
    }
}

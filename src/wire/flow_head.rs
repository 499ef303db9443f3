//! What a memo of a flow looks at: the headers of an ordinary packet, read in one go.
//!
//! Purpose: [`FlowHead::of`] accepts whole TCP segments and UDP datagrams without IP options, whose headers are consistent and whose IPv4 checksum is right, and which
//! neither begin nor end a connection; [`RouteHead::of`] those that do as well, for routers that look no further. Everything else is nobody's fault, only not
//! ordinary: it takes the long way by [`super::Parsed`]. Non-goals: telling why not. Invariant, tested: what is accepted, `Parsed` reads alike.
//!
//! [`super::Heads`] judges many frames at once; [`FlowHead::read`] reads those it accepts.

use super::checksum;
use super::parsed::{IP, TcpFlags};
use super::rewrite::HEADERS_BYTES;
use crate::net::Protocol;
use std::net::Ipv4Addr;

/// A cache line: what the headers lie in, at least.
pub const LINE_BYTES: usize = 64;

/// As in [`super::ethernet`]: IPv4, in the order of the wire.
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const IP_HEADER_BYTES: u16 = 20;
const UDP_HEADER_BYTES: u16 = 8;
const TCP_HEADER_BYTES: u16 = 20;
/// Of the first eight bytes of an IPv4 header, those that an ordinary packet has no choice in: version and length of the header; MF and the fragment offset.
const FIXED_BITS: u64 = u64::from_le_bytes([0xff, 0, 0, 0, 0, 0, 0x3f, 0xff]);
/// Version 4, 20 bytes; no fragment.
const FIXED: u64 = 0x45;

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
        // Read where they lie: a copy of a frame that was only just written waits for all that was written.
        match frame.first_chunk::<HEADERS_BYTES>() {
            Some(headers) => FlowHead::judged(headers, frame.len()),
            None => FlowHead::judged(&first_line(frame), frame.len()),
        }
    }

    #[inline(always)]
    fn judged<const N: usize>(line: &[u8; N], frame_bytes: usize) -> Option<FlowHead> {
        let (ip_is_ordinary, total_bytes) = ip_header(line, frame_bytes);
        let flags = TcpFlags(line[IP + 33]);
        let begins_or_ends =
            (line[IP + 9] == Protocol::TCP.0) & flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST);
        let is_ordinary = ip_is_ordinary & transport_is_consistent(line, total_bytes) & !begins_or_ends;
        is_ordinary.then(|| FlowHead::words(line))
    }

    /// The headers of a frame that begins with `line`. They mean nothing unless they are ordinary ones.
    #[inline(always)]
    pub fn read(line: &[u8; LINE_BYTES]) -> FlowHead {
        FlowHead::words(line)
    }

    #[inline(always)]
    fn words<const N: usize>(line: &[u8; N]) -> FlowHead {
        FlowHead {
            macs_first: eight(line, 0),
            macs_last: four(line, 8),
            addresses: eight(line, IP + 12),
            ports: four(line, IP + 20),
            protocol: line[IP + 9],
            ttl: line[IP + 8],
            total_bytes: u16::from_be_bytes([line[IP + 2], line[IP + 3]]),
        }
    }
}

/// What a router without memory looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteHead {
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
}

impl RouteHead {
    /// The headers of `frame`, if it is a TCP segment or UDP datagram without options that [`super::Parsed`] finds no fault with and whose header checksum is right.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<RouteHead> {
        let line = first_line(frame);
        let (ip_is_ordinary, total_bytes) = ip_header(&line, frame.len());
        (ip_is_ordinary & transport_is_consistent(&line, total_bytes)).then(|| RouteHead::read(&line))
    }

    /// As [`FlowHead::read`].
    #[inline(always)]
    pub fn read(line: &[u8; LINE_BYTES]) -> RouteHead {
        let destination = Ipv4Addr::new(line[IP + 16], line[IP + 17], line[IP + 18], line[IP + 19]);
        RouteHead { destination, ttl: line[IP + 8] }
    }
}

/// Whether an IPv4 packet without options or fragments stands behind an Ethernet header, whose checksum is right and that the frame holds; its length.
#[inline(always)]
fn ip_header<const N: usize>(line: &[u8; N], frame_bytes: usize) -> (bool, u16) {
    let total_bytes = u16::from_be_bytes([line[IP + 2], line[IP + 3]]);
    let first = eight(line, IP);
    let sum = (first >> 32)
        + (first & 0xffff_ffff)
        + u64::from(four(line, IP + 8))
        + u64::from(four(line, IP + 12))
        + u64::from(four(line, IP + 16));
    let is_ordinary = ([line[12], line[13]] == ETHERTYPE_IPV4)
        & (first & FIXED_BITS == FIXED)
        & (IP + usize::from(total_bytes) <= frame_bytes)
        & checksum::is_all_ones(sum);
    (is_ordinary, total_bytes)
}

/// Whether a TCP or UDP header says of itself what can be, in an IPv4 packet of that length.
#[inline(always)]
fn transport_is_consistent<const N: usize>(line: &[u8; N], total_bytes: u16) -> bool {
    let protocol = Protocol(line[IP + 9]);
    let (is_tcp, is_udp) = (protocol == Protocol::TCP, protocol == Protocol::UDP);
    let tcp_header_bytes = u16::from(line[IP + 32] >> 4) * 4;
    let udp_bytes = u16::from_be_bytes([line[IP + 24], line[IP + 25]]);
    let (least, says) = if is_tcp { (TCP_HEADER_BYTES, tcp_header_bytes) } else { (UDP_HEADER_BYTES, udp_bytes) };
    (is_tcp | is_udp) & (least <= says) & (u32::from(says) + u32::from(IP_HEADER_BYTES) <= u32::from(total_bytes))
}

/// The beginning of a frame, followed by zeros if it is shorter.
#[inline]
fn first_line(frame: &[u8]) -> [u8; LINE_BYTES] {
    frame.first_chunk().copied().unwrap_or_else(|| {
        let mut line = [0; LINE_BYTES];
        line[..frame.len()].copy_from_slice(frame);
        line
    })
}

#[inline(always)]
fn eight<const N: usize>(line: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes([
        line[at],
        line[at + 1],
        line[at + 2],
        line[at + 3],
        line[at + 4],
        line[at + 5],
        line[at + 6],
        line[at + 7],
    ])
}

#[inline(always)]
pub(super) fn four<const N: usize>(line: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes([line[at], line[at + 1], line[at + 2], line[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HEADS_MAX, Heads, Parsed};
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
                prop_assert_eq!((head.destination, head.ttl), (parsed.destination, parsed.ttl));
            }
            // Many at a time: the same frame in every place, among them the last.
            let (mut heads, mut line) = (Heads::default(), [0xff; LINE_BYTES]);
            let shown = bytes.len().min(LINE_BYTES);
            line[..shown].copy_from_slice(&bytes[..shown]);
            for at in 0..HEADS_MAX {
                heads.put(at, &line, bytes.len() as u16);
            }
            heads.judge();
            for at in [0, 17, HEADS_MAX - 1] {
                let is_routable = routed.is_some_and(|head| head.ttl > 1);
                prop_assert_eq!((heads.are_routable().nth(at), heads.is_ordinary(at)), (Some(is_routable), head.is_some()));
            }
        }
    }
}

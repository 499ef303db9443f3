//! TCP segments as bytes: the MSS option, and cutting one segment into several.
//!
//! Purpose: smoltcp fixes a connection's segment size in the handshake and cannot lower it later, so what exceeds the path's MTU is cut here,
//! below it, as a network card with segmentation offload does: sequence numbers and IPv4 identifications count on, PSH and FIN go with
//! the last piece. Sent segments are kept for a while, because a router that drops one for its length names it by its sequence number, and
//! it can then be sent again at once, in pieces (Linux: `tcp_simple_retransmit`), instead of after the retransmission timeout.
//! Non-goals: urgent data, options that change from segment to segment. Invariant: the stream of bytes is the same before and after.

use super::device::ETHERNET_HEADER_BYTES;
use super::path_mtu::{FragmentationNeeded, LEAST_MTU_BYTES};
use crate::net::Protocol;
use crate::time::{SimDuration, SimTime};
use crate::wire::{Parsed, checksum};
use bytes::BytesMut;
use smoltcp::wire::{IpAddress, Ipv4Packet, TcpPacket};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// IPv4 and TCP headers without options: what an MSS leaves of an MTU (RFC 9293 section 3.7.1).
pub(super) const HEADER_BYTES: usize = 40;
/// TCP option kinds.
const OPTION_END: u8 = 0;
const OPTION_PADDING: u8 = 1;
const OPTION_MSS: u8 = 2;
/// Offsets in the TCP header.
const CHECKSUM: usize = 16;
const OPTIONS: usize = 20;

/// What is kept of every segment byte by byte: more than its headers, and less than what is worth keeping.
const HEAD_BYTES: usize = 96;
/// How long a sent segment is kept: longer than any round trip here. And how many bytes of them at most: a window of bulk data.
const KEPT: SimDuration = SimDuration::from_secs(2);
const KEPT_BYTES_MAX: usize = 512 * 1024;

/// Lowers the MSS option of a SYN to `limit_bytes`, if it is greater. True if it was.
pub(super) fn limit_mss(frame: &mut [u8], packet: &Parsed, limit_bytes: usize) -> bool {
    let (Some(tcp), Ok(limit)) = (frame.get_mut(packet.transport_at()..), u16::try_from(limit_bytes)) else {
        return false;
    };
    let Some(at) = mss_at(tcp) else { return false };
    let before = u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    if before <= limit {
        return false;
    }
    tcp[at..at + 2].copy_from_slice(&limit.to_be_bytes());
    // The checksum counts 16-bit words from an even place; at an odd one the two bytes change places.
    let word = |value: u16| if at % 2 == 0 { value } else { value.swap_bytes() };
    let sum = checksum::update(u16::from_be_bytes([tcp[CHECKSUM], tcp[CHECKSUM + 1]]), word(before), word(limit));
    tcp[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
    true
}

/// Where the value of the MSS option begins.
fn mss_at(tcp: &[u8]) -> Option<usize> {
    let end = usize::from(*tcp.get(12)? >> 4) * 4;
    let mut at = OPTIONS;
    while at < end {
        match *tcp.get(at)? {
            OPTION_END => return None,
            OPTION_PADDING => at += 1,
            OPTION_MSS if tcp.get(at + 1) == Some(&4) => return (at + 4 <= end && end <= tcp.len()).then_some(at + 2),
            _ => at += usize::from(*tcp.get(at + 1)?).max(2),
        }
    }
    None
}

/// Cuts the segment in `frame` so that no packet is longer than `mtu_bytes`. What cannot be cut comes out as it is.
pub(super) fn split(frame: &[u8], packet: &Parsed, mtu_bytes: usize) -> Vec<BytesMut> {
    let end = ETHERNET_HEADER_BYTES + usize::from(packet.total_bytes);
    let tcp_header_bytes = frame.get(packet.transport_at() + 12).map_or(0, |byte| usize::from(byte >> 4) * 4);
    let data_at = packet.transport_at() + tcp_header_bytes;
    let room = (mtu_bytes + ETHERNET_HEADER_BYTES).saturating_sub(data_at);
    let (Some(header), Some(data)) = (frame.get(..data_at), frame.get(data_at..end)) else {
        return vec![BytesMut::from(frame)];
    };
    if room == 0 || data.is_empty() {
        return vec![BytesMut::from(frame)];
    }
    let count = data.len().div_ceil(room);
    let pieces = data.chunks(room).enumerate().map(|(index, chunk)| {
        let mut piece = BytesMut::with_capacity(header.len() + chunk.len());
        piece.extend_from_slice(header);
        piece.extend_from_slice(chunk);
        renumber(&mut piece, index, index * room, index + 1 == count);
        piece
    });
    pieces.collect()
}

/// Makes a copy of a segment's headers with other data behind it the headers of that data.
fn renumber(frame: &mut [u8], index: usize, data_offset: usize, is_last: bool) {
    let total_bytes = frame.len() - ETHERNET_HEADER_BYTES;
    let mut ip = Ipv4Packet::new_unchecked(&mut frame[ETHERNET_HEADER_BYTES..]);
    // Both fit: the pieces of one packet are shorter and fewer than 65,536.
    ip.set_total_len(total_bytes as u16);
    ip.set_ident(ip.ident().wrapping_add(index as u16));
    ip.fill_checksum();
    let (source, destination) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
    tcp.set_seq_number(tcp.seq_number() + data_offset);
    tcp.set_fin(tcp.fin() && is_last);
    tcp.set_psh(tcp.psh() && is_last);
    tcp.fill_checksum(&source, &destination);
}

/// A frame that was sent.
#[derive(Debug)]
struct Kept {
    at: SimTime,
    frame_bytes: usize,
    head: [u8; HEAD_BYTES],
    /// What follows; nothing if that is the head's last byte again and again, as in the filler of bulk transfers, which would only displace what is needed
    /// from the processor's caches.
    rest: BytesMut,
}

impl Kept {
    /// Source, destination and the first bytes of the TCP header.
    fn names(&self) -> Option<(Ipv4Addr, Ipv4Addr, &[u8])> {
        let ip = &self.head[ETHERNET_HEADER_BYTES..];
        let address = |at: usize| ip[at..].first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
        Some((address(12)?, address(16)?, ip.get(usize::from(ip[0] & 15) * 4..)?))
    }

    fn frame(&self) -> BytesMut {
        let mut frame = BytesMut::with_capacity(self.frame_bytes);
        frame.extend_from_slice(&self.head);
        frame.extend_from_slice(&self.rest);
        frame.resize(self.frame_bytes, self.head[HEAD_BYTES - 1]);
        frame
    }
}

/// Segments sent a short while ago, whole frames, in the order they were sent. See the module.
#[derive(Debug, Default)]
pub(super) struct SentSegments {
    frames: VecDeque<Kept>,
    bytes: usize,
}

impl SentSegments {
    /// Keeps a segment that somebody might find too long. The memory of one that is kept no longer is used again.
    pub(super) fn keep(&mut self, now: SimTime, frame: &[u8]) {
        let Some((head, rest)) = frame.split_first_chunk() else { return };
        if frame.len() <= LEAST_MTU_BYTES + ETHERNET_HEADER_BYTES {
            return;
        }
        self.bytes += frame.len();
        let mut memory = BytesMut::new();
        while let Some(first) = self.frames.front()
            && (self.bytes > KEPT_BYTES_MAX || now.since(first.at) > KEPT)
        {
            self.bytes -= first.frame_bytes;
            memory = self.frames.pop_front().map(|first| first.rest).unwrap_or_default();
        }
        memory.clear();
        // Each byte is the one before it.
        if rest != &frame[HEAD_BYTES - 1..frame.len() - 1] {
            memory.extend_from_slice(rest);
        }
        self.frames.push_back(Kept { at: now, frame_bytes: frame.len(), head: *head, rest: memory });
    }

    /// Takes out the segment that an error quotes: addresses, ports and sequence number are the same.
    pub(super) fn take(&mut self, now: SimTime, needed: &FragmentationNeeded) -> Option<BytesMut> {
        let is_quoted = |kept: &Kept| {
            kept.names().is_some_and(|(source, destination, tcp)| {
                (Protocol::TCP, source, destination) == (needed.protocol, needed.source, needed.destination)
                    && tcp.starts_with(&needed.transport)
            })
        };
        let at = self.frames.iter().position(|kept| now.since(kept.at) <= KEPT && is_quoted(kept))?;
        let kept = self.frames.remove(at)?;
        self.bytes -= kept.frame_bytes;
        Some(kept.frame())
    }

    /// Forgets what was sent from `port`: its connection is no more.
    pub(super) fn forget(&mut self, port: u16) {
        let is_of_port = |kept: &Kept| kept.names().is_some_and(|(.., tcp)| tcp.starts_with(&port.to_be_bytes()));
        self.frames.retain(|kept| !is_of_port(kept));
        self.bytes = self.frames.iter().map(|kept| kept.frame_bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{PacketBuilder, SlicedPacket, TcpOptionElement, TransportSlice};

    fn segment(options: &[TcpOptionElement], data: &[u8], with_fin: bool) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [10, 0, 1, 6], 64);
        let mut builder = builder.tcp(40_000, 443, u32::MAX - 999, 1_000).psh().ack(9).options(options).unwrap();
        if with_fin {
            builder = builder.fin();
        }
        builder.write(&mut frame, data).unwrap();
        frame
    }

    /// What etherparse reads; both checksums must be right.
    fn read(frame: &[u8]) -> (etherparse::Ipv4Header, etherparse::TcpHeader, Vec<u8>) {
        let sliced = SlicedPacket::from_ethernet(frame).unwrap();
        let ip = sliced.net.as_ref().unwrap().ipv4_ref().unwrap().header().to_header();
        let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("TCP") };
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(ip.source, ip.destination).unwrap());
        (ip, tcp.to_header(), tcp.payload().to_vec())
    }

    #[test]
    fn pieces_carry_the_same_bytes_and_the_flags_go_with_the_last() {
        let data: Vec<u8> = (0..8_961u32).map(|at| at as u8).collect();
        let options = [TcpOptionElement::Noop, TcpOptionElement::Noop, TcpOptionElement::Timestamp(1, 2)];
        for (options, per_piece) in [(&options[..], 1_448), (&[], 1_460)] {
            let whole = segment(options, &data, true);
            let pieces = split(&whole, &Parsed::of(&whole).unwrap(), 1500);
            let read: Vec<_> = pieces.iter().map(|piece| read(piece)).collect();
            assert_eq!(read.iter().flat_map(|(.., data)| data.clone()).collect::<Vec<_>>(), data);
            for (index, (ip, tcp, _)) in read.iter().enumerate() {
                let is_last = index + 1 == pieces.len();
                assert_eq!((tcp.fin, tcp.psh, tcp.ack, tcp.acknowledgment_number), (is_last, is_last, true, 9));
                assert_eq!(tcp.sequence_number, (u32::MAX - 999).wrapping_add((index * per_piece) as u32));
                assert_eq!((usize::from(ip.identification), ip.dont_fragment), (index, true));
                assert!(is_last || ip.total_len == 1500);
            }
        }
        let whole = segment(&[], b"", true);
        assert_eq!(split(&whole, &Parsed::of(&whole).unwrap(), 30), [BytesMut::from(&whole[..])], "nothing to cut");
    }

    #[test]
    fn the_mss_is_only_lowered_and_the_checksum_follows() {
        let mss = |frame: &[u8]| {
            read(frame).1.options_iterator().find_map(|option| match option {
                Ok(TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
                _ => None,
            })
        };
        // At an even and at an odd place.
        for before in [&[][..], &[TcpOptionElement::Noop][..]] {
            let options = [before, &[TcpOptionElement::MaximumSegmentSize(8_961)]].concat();
            let mut frame = segment(&options, b"", false);
            let packet = Parsed::of(&frame).unwrap();
            assert!(!limit_mss(&mut frame, &packet, 8_961) && limit_mss(&mut frame, &packet, 1_460));
            assert_eq!(mss(&frame), Some(1_460));
            assert!(!limit_mss(&mut frame, &packet, 8_961));
        }
        let mut none = segment(&[TcpOptionElement::WindowScale(7)], b"", false);
        let packet = Parsed::of(&none).unwrap();
        assert!(!limit_mss(&mut none, &packet, 1));
    }

    #[test]
    fn kept_segments_are_found_by_their_sequence_number_once_and_for_a_while() {
        let mut other_data = [1; 3_000];
        for odd_at in [None, Some(0), Some(40), Some(41), Some(42), Some(43), Some(1_500), Some(2_999)] {
            other_data.fill(1);
            odd_at.into_iter().for_each(|at: usize| other_data[at] = 2);
            kept_frames(BytesMut::from(&segment(&[], &other_data, false)[..]));
        }
    }

    fn kept_frames(frame: BytesMut) {
        let mut kept = SentSegments::default();
        let needed = FragmentationNeeded {
            mtu_bytes: 1500,
            source: Ipv4Addr::new(10, 0, 0, 5),
            destination: Ipv4Addr::new(10, 0, 1, 6),
            protocol: Protocol::TCP,
            quoted_bytes: 3_040,
            transport: *frame[34..].first_chunk().unwrap(),
        };
        let at = SimTime::ZERO;
        kept.keep(at, &frame);
        let mut other = needed;
        other.transport[7] ^= 1;
        assert_eq!(kept.take(at, &other), None);
        assert_eq!((kept.take(at, &needed), kept.take(at, &needed)), (Some(frame.clone()), None));
        kept.keep(at, &frame);
        assert_eq!(kept.take(at + SimDuration::from_secs(3), &needed), None);
        (0..1_000).for_each(|_| kept.keep(at, &frame));
        assert!(kept.bytes <= KEPT_BYTES_MAX && kept.bytes + 2 * frame.len() > KEPT_BYTES_MAX);
        kept.forget(443);
        assert!(kept.bytes > 0);
        kept.forget(40_000);
        assert_eq!((kept.bytes, kept.frames.len()), (0, 0));
    }
}

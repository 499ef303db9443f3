//! Cutting what segmentation offload left whole.
//!
//! A machine whose NIC cuts segments, or glues received ones together, captures packets that never were on a wire: longer than any MTU on their way. They are cut as
//! the NIC would have, to the maximum segment size that the two ends offered in their SYNs; if the capture lacks those, only what no interface takes
//! ([`INTERFACE_MTU_BYTES`]) is cut, to [`ASSUMED_MSS`]. Each piece has the headers of the whole; FIN and PSH stand on the last one.
//! Sources: RFC 9293 sections 3.2 and 3.7.1 (the size counts data and options), Linux's segmentation-offloads.rst.

use super::repair;
use crate::net::Protocol;
use crate::wire::{Parsed, TcpFlags, ethernet};

/// Longest IP packet that an interface in a VPC takes.
pub(super) const INTERFACE_MTU_BYTES: u16 = 9_001;
/// The maximum segment size of Ethernet.
pub(super) const ASSUMED_MSS: u16 = 1_460;

const IP: usize = ethernet::HEADER_BYTES;
const IP_LENGTH: usize = 2;
const IP_IDENTIFICATION: usize = 4;
const TCP_SEQUENCE: usize = 4;
const TCP_DATA_OFFSET: usize = 12;
const TCP_FLAGS: usize = 13;
const TCP_OPTIONS: usize = 20;
const PUSH: u8 = 0x08;

/// How a segment is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where its data begins in the frame.
    data_at: usize,
    /// Where it ends.
    end: usize,
    /// How much of it each piece has.
    piece_bytes: usize,
}

impl Cut {
    /// How many pieces there are.
    pub(super) fn count(&self) -> usize {
        (self.end - self.data_at).div_ceil(self.piece_bytes)
    }
}

/// How the segment in `frame` must be cut; `None` if it may stay whole. `mss` is what both ends take; 0 if that is not known.
pub(super) fn cut(frame: &[u8], parsed: &Parsed, mss: u16) -> Option<Cut> {
    if parsed.protocol != Protocol::TCP || parsed.more_fragments || parsed.is_later_fragment() {
        return None;
    }
    if mss == 0 && parsed.total_bytes <= INTERFACE_MTU_BYTES {
        return None;
    }
    let (tcp, data_at, end) = (parsed.transport_at(), data_at(frame, parsed)?, IP + usize::from(parsed.total_bytes));
    let options_bytes = data_at.checked_sub(tcp + TCP_OPTIONS)?;
    let mss = if mss == 0 { ASSUMED_MSS } else { mss };
    // An offer below what every host takes (RFC 9293 section 3.7.1) would make dust of the capture.
    let piece_bytes = usize::from(mss.max(536)).checked_sub(options_bytes).filter(|bytes| *bytes > 0)?;
    let cut = Cut { data_at, end, piece_bytes };
    (end.saturating_sub(data_at) > piece_bytes).then_some(cut)
}

/// Writes piece `number` of the segment in `frame`, with its checksums.
pub(super) fn piece(frame: &[u8], parsed: &Parsed, cut: &Cut, number: usize, out: &mut Vec<u8>) {
    let from = cut.data_at + number * cut.piece_bytes;
    let to = (from + cut.piece_bytes).min(cut.end);
    out.clear();
    out.extend_from_slice(&frame[..cut.data_at]);
    out.extend_from_slice(&frame[from..to]);
    let total = (out.len() - IP) as u16; // less than the whole packet
    out[IP + IP_LENGTH..IP + IP_LENGTH + 2].copy_from_slice(&total.to_be_bytes());
    let identification = parsed.identification.wrapping_add(number as u16);
    out[IP + IP_IDENTIFICATION..IP + IP_IDENTIFICATION + 2].copy_from_slice(&identification.to_be_bytes());
    let tcp = parsed.transport_at();
    let at = tcp + TCP_SEQUENCE;
    let sequence = u32::from_be_bytes([out[at], out[at + 1], out[at + 2], out[at + 3]]);
    let sequence = sequence.wrapping_add((from - cut.data_at) as u32);
    out[at..at + 4].copy_from_slice(&sequence.to_be_bytes());
    if to < cut.end {
        out[tcp + TCP_FLAGS] &= !(TcpFlags::FIN | PUSH);
    }
    if let Ok(parsed) = Parsed::of(out) {
        repair::checksums(out, &parsed);
    }
}

fn data_at(frame: &[u8], parsed: &Parsed) -> Option<usize> {
    let tcp = parsed.transport_at();
    Some(tcp + usize::from(frame.get(tcp + TCP_DATA_OFFSET)? >> 4) * 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rewrite::offered_mss;
    use etherparse::{PacketBuilder, TcpOptionElement};

    fn segment(data: &[u8], options: &[TcpOptionElement]) -> (Vec<u8>, Parsed) {
        let mut frame = Vec::new();
        let tcp = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [52, 94, 2, 72], 64).tcp(1, 2, 100, 9);
        tcp.options(options).unwrap().ack(1).psh().fin().write(&mut frame, data).unwrap();
        let parsed = Parsed::of(&frame).unwrap();
        (frame, parsed)
    }

    #[test]
    fn pieces_put_together_are_the_whole() {
        let data: Vec<u8> = (0..40_000u32).map(|number| (number / 7) as u8).collect();
        let (frame, parsed) = segment(&data, &[TcpOptionElement::Timestamp(1, 2)]);
        let cut = cut(&frame, &parsed, 1_460).unwrap();
        assert_eq!((cut.piece_bytes, cut.count()), (1_448, 28));
        let (mut whole, mut piece_frame) = (Vec::new(), Vec::new());
        for number in 0..cut.count() {
            piece(&frame, &parsed, &cut, number, &mut piece_frame);
            let own = Parsed::of(&piece_frame).unwrap();
            assert!(own.total_bytes <= 1_500);
            assert_eq!(repair::checksums(&mut piece_frame, &own), repair::Mended::default());
            assert_eq!(piece_frame[38..42], (100 + whole.len() as u32).to_be_bytes());
            let is_last = number + 1 == cut.count();
            assert_eq!(own.tcp_flags.unwrap().0, TcpFlags::ACK | if is_last { PUSH | TcpFlags::FIN } else { 0 });
            assert_eq!(own.identification, parsed.identification.wrapping_add(number as u16));
            whole.extend_from_slice(&piece_frame[cut.data_at..]);
        }
        assert_eq!(whole, data);
    }

    #[test]
    fn only_what_was_never_on_a_wire_is_cut() {
        let (jumbo, parsed) = segment(&[7; 8_000], &[]);
        assert_eq!(cut(&jumbo, &parsed, 0), None, "an interface of a VPC takes it");
        assert_eq!(cut(&jumbo, &parsed, 8_961), None);
        assert_eq!(cut(&jumbo, &parsed, 1_460).map(|cut| cut.count()), Some(6));
        let (huge, parsed) = segment(&[7; 20_000], &[]);
        assert_eq!(cut(&huge, &parsed, 0).map(|cut| cut.piece_bytes), Some(1_460));
        let (full, parsed) = segment(&[7; 1_460], &[]);
        assert_eq!(cut(&full, &parsed, 1_460), None);
    }

    #[test]
    fn the_offered_size_is_read_from_syns_only() {
        let options =
            [TcpOptionElement::Noop, TcpOptionElement::WindowScale(7), TcpOptionElement::MaximumSegmentSize(8_961)];
        let mut frame = Vec::new();
        let tcp =
            || PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [52, 94, 2, 72], 64).tcp(1, 2, 100, 9);
        tcp().options(&options).unwrap().syn().write(&mut frame, &[]).unwrap();
        assert_eq!(offered_mss(&frame, &Parsed::of(&frame).unwrap()), Some(8_961));
        frame.clear();
        tcp().options(&options).unwrap().ack(1).write(&mut frame, &[]).unwrap();
        assert_eq!(offered_mss(&frame, &Parsed::of(&frame).unwrap()), None);
    }
}

//! Answers that are made up (`--replies generated`): a packet turned round, as long as it was.
//!
//! Addresses and ports change places. A SYN is answered by SYN-ACK, data and FIN by ACK and FIN-ACK that acknowledge them, an echo request by its reply, any other
//! protocol by the same bytes. What asks for no answer gets none: resets, bare ACKs, ICMP other than echo requests, broadcasts, fragments, answers.

use super::repair;
use super::survey::is_single;
use crate::net::Protocol;
use crate::wire::{Parsed, TcpFlags, icmp_type};

/// Time to live of an answer, as Linux sends it.
const TTL: u8 = 64;
const IP: usize = crate::wire::ethernet::HEADER_BYTES;
const PUSH: u8 = 0x08;

/// Makes the answer to the packet in `frame` of it; false if there is none, and the frame is as it was.
pub(super) fn turn_round(frame: &mut [u8], parsed: &Parsed) -> bool {
    if parsed.more_fragments
        || parsed.is_later_fragment()
        || !is_single(parsed.source)
        || !is_single(parsed.destination)
    {
        return false;
    }
    let transport = parsed.transport_at();
    match (parsed.protocol, parsed.tcp_flags, parsed.icmp) {
        (Protocol::TCP, Some(flags), _) => {
            let Some(header) = frame.get(transport..transport + 20) else { return false };
            let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let headers_bytes = usize::from(parsed.header_bytes) + usize::from(header[12] >> 4) * 4;
            let data_bytes = usize::from(parsed.total_bytes).saturating_sub(headers_bytes);
            let counted = u32::from(flags.has(TcpFlags::SYN)) + u32::from(flags.has(TcpFlags::FIN)) + data_bytes as u32;
            if flags.has(TcpFlags::RST) || counted == 0 {
                return false;
            }
            let sequence = if flags.has(TcpFlags::ACK) { word(8) } else { 0 };
            let acknowledgment = word(4).wrapping_add(counted);
            let kept = flags.0 & (TcpFlags::SYN | TcpFlags::FIN | PUSH);
            frame[transport + 4..transport + 8].copy_from_slice(&sequence.to_be_bytes());
            frame[transport + 8..transport + 12].copy_from_slice(&acknowledgment.to_be_bytes());
            frame[transport + 13] = kept | TcpFlags::ACK;
            swap(frame, transport, 2);
        }
        (Protocol::UDP, ..) => swap(frame, transport, 2),
        (Protocol::ICMP, _, Some(icmp)) if icmp.kind == icmp_type::ECHO => frame[transport] = icmp_type::ECHO_REPLY,
        (Protocol::ICMP, ..) => return false,
        _ => {}
    }
    swap(frame, IP + 12, 4);
    frame[IP + 8] = TTL;
    if let Ok(parsed) = Parsed::of(frame) {
        repair::checksums(frame, &parsed);
    }
    true
}

/// Lets two neighbouring fields of `bytes` change places.
fn swap(frame: &mut [u8], at: usize, bytes: usize) {
    let Some(both) = frame.get_mut(at..at + 2 * bytes) else { return };
    let (first, second) = both.split_at_mut(bytes);
    first.swap_with_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn answer(build: impl FnOnce(&mut Vec<u8>)) -> Option<(Vec<u8>, Parsed)> {
        let mut frame = Vec::new();
        build(&mut frame);
        let length = frame.len();
        let parsed = Parsed::of(&frame).unwrap();
        let before = frame.clone();
        if !turn_round(&mut frame, &parsed) {
            assert_eq!(frame, before);
            return None;
        }
        let after = Parsed::of(&frame).unwrap();
        assert_eq!(after.five_tuple(), parsed.five_tuple().reversed());
        assert_eq!(repair::checksums(&mut frame, &after), repair::Mended::default(), "the checksums are right");
        assert_eq!(frame.len(), length);
        Some((frame, after))
    }

    fn builder() -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [52, 94, 2, 72], 3)
    }

    #[test]
    fn segments_are_acknowledged() {
        let tcp = || builder().tcp(40_000, 443, 100, 1_000);
        let (frame, syn_ack) = answer(|out| tcp().syn().write(out, &[]).unwrap()).unwrap();
        assert_eq!((syn_ack.tcp_flags, syn_ack.ttl), (Some(TcpFlags(TcpFlags::SYN | TcpFlags::ACK)), TTL));
        assert_eq!((&frame[38..42], &frame[42..46]), (&[0; 4][..], &[0, 0, 0, 101][..]));
        let (frame, fin_ack) = answer(|out| tcp().ack(77).fin().psh().write(out, b"four").unwrap()).unwrap();
        assert_eq!(fin_ack.tcp_flags, Some(TcpFlags(TcpFlags::FIN | TcpFlags::ACK | PUSH)));
        assert_eq!((&frame[38..42], &frame[42..46]), (&[0, 0, 0, 77][..], &[0, 0, 0, 105][..]));
        assert!(answer(|out| tcp().ack(77).write(out, &[]).unwrap()).is_none());
        assert!(answer(|out| tcp().rst().write(out, &[]).unwrap()).is_none());
    }

    #[test]
    fn datagrams_and_echoes_come_back() {
        assert!(answer(|out| builder().udp(40_000, 53).write(out, b"question").unwrap()).is_some());
        let (_, reply) = answer(|out| builder().icmpv4_echo_request(7, 1).write(out, b"ping").unwrap()).unwrap();
        assert_eq!(reply.icmp.map(|icmp| (icmp.kind, icmp.identifier)), Some((icmp_type::ECHO_REPLY, 7)));
        assert!(answer(|out| builder().icmpv4_echo_reply(7, 1).write(out, b"pong").unwrap()).is_none());
    }
}

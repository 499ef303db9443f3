//! Making a captured packet fit to be sent: its length, and its checksums.
//!
//! A machine whose NIC computes checksums captures its own packets before that is done, so the checksums of half a capture are wrong and mean nothing. All wrong
//! ones are computed anew, and counted; of a packet that was cut by the snap length, the missing bytes are zeros and the checksum is over those. A UDP checksum of
//! 0 ("none") stays. Fragments keep the checksum of their datagram, which no single piece can tell.
//! Non-goal: leaving a packet broken that was broken on the wire; a capture does not tell the two apart.

use crate::net::Protocol;
use crate::wire::{Parsed, checksum, ethernet};

const IP: usize = ethernet::HEADER_BYTES;
const IP_TOTAL_LENGTH: usize = 2;
const IP_CHECKSUM: usize = 10;
const IP_SOURCE: usize = 12;
const IP_ADDRESSES_END: usize = 20;
const TCP_CHECKSUM: usize = 16;
const UDP_CHECKSUM: usize = 6;
const UDP_LENGTH: usize = 4;
const ICMP_CHECKSUM: usize = 2;
/// What must be there of a packet that was cut: its transport header.
const TCP_HEADER_BYTES: usize = 20;
const SHORT_HEADER_BYTES: usize = 8;

/// What was mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mended {
    pub(super) header: bool,
    pub(super) transport: bool,
}

/// Puts the IPv4 packet at the front of `packet` behind room for an Ethernet header in `frame`, cut to its own length or filled up to it with zeros. `Some(true)`
/// if it was filled up; `None` if even its headers are not whole.
pub(super) fn frame_of(packet: &[u8], frame: &mut Vec<u8>) -> Option<bool> {
    let header = packet.first_chunk::<20>()?;
    let said = usize::from(u16::from_be_bytes([header[IP_TOTAL_LENGTH], header[IP_TOTAL_LENGTH + 1]]));
    // NICs that cut packets themselves get them without a length.
    let total = if said == 0 { packet.len().min(usize::from(u16::MAX)) } else { said };
    let is_cut = total > packet.len();
    if is_cut {
        let header_bytes = usize::from(header[0] & 0x0f) * 4;
        let is_later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
        let needed = match Protocol(header[9]) {
            _ if is_later_fragment => 0,
            Protocol::TCP => TCP_HEADER_BYTES,
            Protocol::UDP | Protocol::ICMP => SHORT_HEADER_BYTES,
            _ => 0,
        };
        if packet.len() < header_bytes + needed {
            return None;
        }
    }
    frame.clear();
    frame.resize(IP, 0);
    frame[12..IP].copy_from_slice(&ethernet::IPV4.to_be_bytes());
    frame.extend_from_slice(&packet[..total.min(packet.len())]);
    frame.resize(IP + total, 0);
    if said == 0 {
        frame[IP + IP_TOTAL_LENGTH..IP + IP_TOTAL_LENGTH + 2].copy_from_slice(&(total as u16).to_be_bytes());
    }
    Some(is_cut)
}

/// Computes the checksums anew that are wrong. `parsed` is `frame`'s.
pub(super) fn checksums(frame: &mut [u8], parsed: &Parsed) -> Mended {
    let mut mended = Mended::default();
    let (transport, end) = (parsed.transport_at(), IP + usize::from(parsed.total_bytes));
    if !parsed.header_checksum_is_valid(frame) {
        mended.header = true;
        put(frame, IP + IP_CHECKSUM, 0);
        let sum = checksum::checksum(&frame[IP..transport]);
        put(frame, IP + IP_CHECKSUM, sum);
    }
    if parsed.more_fragments || parsed.is_later_fragment() {
        return mended;
    }
    let (at, end) = match parsed.protocol {
        Protocol::TCP => (transport + TCP_CHECKSUM, end),
        Protocol::UDP => {
            let at = transport + UDP_CHECKSUM;
            if frame[at..at + 2] == [0, 0] {
                return mended;
            }
            let length = u16::from_be_bytes([frame[transport + UDP_LENGTH], frame[transport + UDP_LENGTH + 1]]);
            (at, transport + usize::from(length))
        }
        Protocol::ICMP => (transport + ICMP_CHECKSUM, end),
        _ => return mended,
    };
    let above = match parsed.protocol {
        Protocol::ICMP => 0,
        protocol => {
            let addresses = checksum::sum(&frame[IP + IP_SOURCE..IP + IP_ADDRESSES_END]);
            let length = (end - transport) as u16; // an IPv4 packet's part
            checksum::add(addresses, checksum::add(u16::from(protocol.0), length))
        }
    };
    if checksum::add(above, checksum::sum(&frame[transport..end])) != 0xffff {
        mended.transport = true;
        put(frame, at, 0);
        let sum = !checksum::add(above, checksum::sum(&frame[transport..end]));
        put(frame, at, if sum == 0 && parsed.protocol == Protocol::UDP { 0xffff } else { sum });
    }
    mended
}

fn put(frame: &mut [u8], at: usize, value: u16) {
    frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn packets() -> Vec<Vec<u8>> {
        let builder = || PacketBuilder::ipv4([10, 0, 0, 5], [52, 94, 2, 72], 64);
        let mut packets = vec![Vec::new(); 3];
        builder().tcp(40_000, 443, 7, 1_000).write(&mut packets[0], b"odd").unwrap();
        builder().udp(40_000, 53).write(&mut packets[1], b"datagram").unwrap();
        builder().icmpv4_echo_request(7, 1).write(&mut packets[2], b"echo").unwrap();
        packets
    }

    #[test]
    fn wrong_checksums_come_out_as_whoever_built_the_packet_had_them() {
        for packet in packets() {
            let (mut frame, mut right) = (Vec::new(), Vec::new());
            assert_eq!(frame_of(&packet, &mut right), Some(false));
            let parsed = Parsed::of(&right).unwrap();
            assert_eq!(checksums(&mut right.clone(), &parsed), Mended::default());
            let mut broken = packet.clone();
            broken[10] ^= 0x55;
            let transport = match broken[9] {
                6 => 36,
                17 => 26,
                _ => 22,
            };
            broken[transport] ^= 0x55;
            frame_of(&broken, &mut frame);
            assert_eq!(checksums(&mut frame, &parsed), Mended { header: true, transport: true });
            assert_eq!(frame, right);
        }
    }

    #[test]
    fn padding_is_cut_and_cut_packets_are_filled_up() {
        for packet in packets() {
            let mut frame = Vec::new();
            let padded = [&packet[..], &[9; 7]].concat();
            assert_eq!(frame_of(&padded, &mut frame), Some(false));
            assert_eq!(&frame[IP..], packet);
            let (most, length) = (packet.len() - 2, packet.len());
            assert_eq!(frame_of(&packet[..most], &mut frame), Some(true));
            assert_eq!((frame.len(), &frame[IP + most..]), (IP + length, &[0, 0][..]));
            let parsed = Parsed::of(&frame).unwrap();
            assert_eq!(checksums(&mut frame, &parsed), Mended { header: false, transport: true });
            assert_eq!(checksums(&mut frame, &parsed), Mended::default());
            assert_eq!(frame_of(&packet[..27], &mut frame), None, "the headers are cut");
        }
    }

    #[test]
    fn a_length_of_zero_is_what_was_captured() {
        let mut packet = packets().remove(0);
        packet[2..4].fill(0);
        let mut frame = Vec::new();
        assert_eq!(frame_of(&packet, &mut frame), Some(false));
        assert_eq!(usize::from(Parsed::of(&frame).unwrap().total_bytes), packet.len());
    }

    #[test]
    fn udp_without_a_checksum_stays_without() {
        let mut packet = packets().remove(1);
        packet[26..28].fill(0);
        let mut frame = Vec::new();
        frame_of(&packet, &mut frame);
        let parsed = Parsed::of(&frame).unwrap();
        assert_eq!(checksums(&mut frame, &parsed), Mended::default());
    }
}

//! A frame that is the same for all flows but for addresses, ports and numbers, with its checksums summed up as far as they are.

use super::Nic;
use crate::net::Protocol;
use crate::wire::{TcpFlags, checksum, ethernet};
use std::net::Ipv4Addr;

pub(super) const IP: usize = ethernet::HEADER_BYTES;
pub(super) const TRANSPORT: usize = IP + 20;
/// Headers of a frame with TCP without options.
pub(super) const TCP_HEADERS_BYTES: usize = TRANSPORT + 20;
/// Headers of a frame with UDP.
pub(super) const UDP_HEADERS_BYTES: usize = TRANSPORT + 8;
/// Time to live, as Linux sets it.
pub(super) const TTL: u8 = 64;
/// PSH, which [`TcpFlags`] has no name for: no node looks at it.
pub(super) const PUSH: u8 = 0x08;

/// What differs from flow to flow, and from packet to packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) destination: Ipv4Addr,
    pub(super) source_port: u16,
    /// TCP only.
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
}

/// A frame whose fields are zero.
#[derive(Clone, Debug)]
pub(super) struct Template {
    bytes: Box<[u8]>,
    is_tcp: bool,
    payload_bytes: u32,
    /// One's complement sums over everything but the fields.
    header_sum: u16,
    transport_sum: u16,
}

impl Template {
    /// A segment with MSS option and nothing else, or one with data.
    pub(super) fn tcp(from: &Nic, destination_port: u16, flags: u8, mss: Option<u16>, payload: &[u8]) -> Template {
        let mut segment = vec![0; 20];
        segment[2..4].copy_from_slice(&destination_port.to_be_bytes());
        segment[13] = flags;
        segment[14..16].copy_from_slice(&64_240_u16.to_be_bytes());
        if let Some(mss) = mss {
            segment.extend([2, 4]);
            segment.extend(mss.to_be_bytes());
        }
        segment[12] = (segment.len() as u8 / 4) << 4;
        segment.extend(payload);
        Template::new(from, Protocol::TCP, segment, payload.len())
    }

    /// A datagram.
    pub(super) fn udp(from: &Nic, destination_port: u16, payload: &[u8]) -> Template {
        let mut datagram = vec![0; 8];
        datagram[2..4].copy_from_slice(&destination_port.to_be_bytes());
        datagram[4..6].copy_from_slice(&(8 + payload.len() as u16).to_be_bytes());
        datagram.extend(payload);
        Template::new(from, Protocol::UDP, datagram, payload.len())
    }

    fn new(from: &Nic, protocol: Protocol, transport: Vec<u8>, payload_bytes: usize) -> Template {
        let total_bytes = (20 + transport.len()) as u16;
        let mut bytes = vec![0; IP];
        ethernet::set_addresses(&mut bytes, from.mac, from.gateway_mac);
        bytes[12..14].copy_from_slice(&ethernet::IPV4.to_be_bytes());
        // DF, and with it an identification that means nothing (RFC 6864 section 4.1).
        bytes.extend([0x45, 0, (total_bytes >> 8) as u8, total_bytes as u8, 0, 0, 0x40, 0, TTL, protocol.0, 0, 0]);
        bytes.extend(from.address.octets());
        bytes.extend([0; 4]);
        let header_sum = checksum::sum(&bytes[IP..]);
        let pseudo_header =
            checksum::pseudo_header_sum(from.address.octets(), [0; 4], protocol.0, transport.len() as u16);
        let transport_sum = checksum::add(pseudo_header, checksum::sum(&transport));
        bytes.extend(transport);
        // Ethernet's padding, which no length and no checksum covers.
        bytes.resize(bytes.len().max(super::FRAME_BYTES_MIN), 0);
        let is_tcp = protocol == Protocol::TCP;
        Template { bytes: bytes.into(), is_tcp, payload_bytes: payload_bytes as u32, header_sum, transport_sum }
    }

    /// Bytes of data behind the headers.
    pub(super) fn payload_bytes(&self) -> u32 {
        self.payload_bytes
    }

    pub(super) fn frame_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the frame with its fields to the beginning of `slot`, which has room for it.
    pub(super) fn write(&self, slot: &mut [u8], fields: Fields) -> usize {
        let frame = &mut slot[..self.bytes.len()];
        frame.copy_from_slice(&self.bytes);
        let destination = fields.destination.octets();
        let destination_sum = checksum::sum(&destination);
        frame[IP + 16..IP + 20].copy_from_slice(&destination);
        let header_checksum = !checksum::add(self.header_sum, destination_sum);
        frame[IP + 10..IP + 12].copy_from_slice(&header_checksum.to_be_bytes());
        frame[TRANSPORT..TRANSPORT + 2].copy_from_slice(&fields.source_port.to_be_bytes());
        let mut sum = checksum::add(checksum::add(self.transport_sum, destination_sum), fields.source_port);
        if self.is_tcp {
            for (at, number) in [(4, fields.sequence), (8, fields.acknowledgment)] {
                frame[TRANSPORT + at..TRANSPORT + at + 4].copy_from_slice(&number.to_be_bytes());
                sum = checksum::add(sum, checksum::add((number >> 16) as u16, number as u16));
            }
            frame[TRANSPORT + 16..TRANSPORT + 18].copy_from_slice(&(!sum).to_be_bytes());
        } else {
            frame[TRANSPORT + 6..TRANSPORT + 8].copy_from_slice(&udp_checksum(sum).to_be_bytes());
        }
        frame.len()
    }
}

/// The checksum field of UDP for a sum: zero would mean "none" (RFC 768).
pub(super) fn udp_checksum(sum: u16) -> u16 {
    if sum == 0xffff { 0xffff } else { !sum }
}

/// SYN, ACK and FIN with ACK, and data.
pub(super) mod flags {
    use super::{PUSH, TcpFlags};
    pub(crate) const SYN: u8 = TcpFlags::SYN;
    pub(crate) const ACK: u8 = TcpFlags::ACK;
    pub(crate) const DATA: u8 = TcpFlags::ACK | PUSH;
    pub(crate) const FIN: u8 = TcpFlags::FIN | TcpFlags::ACK;
}

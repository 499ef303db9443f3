//! Packets as bytes, written by etherparse: what goes into the data plane, and what must come out of it, bit by bit.

use super::packet::{Content, Packet};
use etherparse::{
    EtherType, Ethernet2Header, Icmpv4Header, Icmpv4Type, IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, TcpHeader,
    UdpHeader,
};
use vpcsim::net::MacAddress;

/// Choices that no rule depends on, but bytes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Four bytes of IP options (no-operations).
    pub with_options: bool,
    /// UDP without a checksum (RFC 768).
    pub without_udp_checksum: bool,
    /// ICMP errors quote only the first eight bytes behind the IP header (RFC 792).
    pub short_quote: bool,
    pub payload_length: usize,
    pub identification: u16,
    pub time_to_live: u8,
}

/// Length of the Ethernet header.
pub const ETHERNET: usize = 14;

/// The Ethernet frame that carries `packet`.
pub fn frame(packet: &Packet, shape: Shape, source: MacAddress, destination: MacAddress) -> Vec<u8> {
    let ethernet = Ethernet2Header { source: source.0, destination: destination.0, ether_type: EtherType::IPV4 };
    let mut bytes = ethernet.to_bytes().to_vec();
    bytes.extend(ip(packet, shape));
    bytes
}

/// The IP packet.
pub fn ip(packet: &Packet, shape: Shape) -> Vec<u8> {
    let inner = transport(packet, shape);
    let mut header = Ipv4Header::new(
        inner.len() as u16,
        shape.time_to_live,
        IpNumber(packet.protocol),
        packet.source.octets(),
        packet.destination.octets(),
    )
    .expect("short packets fit");
    header.identification = shape.identification;
    if shape.with_options {
        header.options = Ipv4Options::from([1, 1, 1, 0]);
        header.total_len += 4;
    }
    if packet.content == Content::LaterFragment {
        header.dont_fragment = false;
        header.fragment_offset = IpFragOffset::try_new(185).expect("13 bits");
    }
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(inner);
    bytes
}

fn transport(packet: &Packet, shape: Shape) -> Vec<u8> {
    let payload: Vec<u8> = (0..shape.payload_length).map(|at| (at * 7) as u8).collect();
    let (source, destination) = (packet.source.octets(), packet.destination.octets());
    let mut bytes = match &packet.content {
        Content::Tcp { source_port, destination_port, flags } => {
            let mut header = TcpHeader::new(*source_port, *destination_port, 0x0102_0304, 0xffff);
            header.acknowledgment_number = if flags.ack { 0x0506_0708 } else { 0 };
            (header.syn, header.ack, header.fin, header.rst) = (flags.syn, flags.ack, flags.fin, flags.rst);
            header.checksum = header.calc_checksum_ipv4_raw(source, destination, &payload).expect("short payload");
            header.to_bytes().to_vec()
        }
        Content::Udp { source_port, destination_port } => {
            let mut header = UdpHeader::without_ipv4_checksum(*source_port, *destination_port, payload.len())
                .expect("short payload");
            if !shape.without_udp_checksum {
                header.checksum = header.calc_checksum_ipv4_raw(source, destination, &payload).expect("short payload");
            }
            header.to_bytes().to_vec()
        }
        Content::Echo { icmp_type, identifier } => {
            let [high, low] = identifier.to_be_bytes();
            return icmp(*icmp_type, 0, [high, low, 0, 9], payload);
        }
        Content::OtherIcmp { icmp_type, code } => return icmp(*icmp_type, *code, [0; 4], payload),
        Content::IcmpError { icmp_type, code, quoted } => {
            let complete = ip(quoted, Shape { payload_length: 12, ..shape });
            let header_length = if shape.with_options { 24 } else { 20 };
            let kept = if shape.short_quote { header_length + 8 } else { complete.len() };
            let next_hop_mtu = if (*icmp_type, *code) == (3, 4) { [0, 0, 0x05, 0xdc] } else { [0; 4] };
            return icmp(*icmp_type, *code, next_hop_mtu, complete[..kept.min(complete.len())].to_vec());
        }
        Content::LaterFragment | Content::Opaque => return payload,
    };
    bytes.extend(payload);
    bytes
}

fn icmp(type_u8: u8, code_u8: u8, bytes5to8: [u8; 4], payload: Vec<u8>) -> Vec<u8> {
    let header = Icmpv4Header::with_checksum(Icmpv4Type::Unknown { type_u8, code_u8, bytes5to8 }, &payload);
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(payload);
    bytes
}

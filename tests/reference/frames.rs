//! Packets as bytes, written by etherparse: what goes into the data plane, and what must come out of it, bit by bit.

use super::packet::{ACKNOWLEDGMENT, Content, Packet, SEQUENCE, TcpFlags};
use etherparse::{
    EtherType, Ethernet2Header, Icmpv4Header, Icmpv4Type, IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, TcpHeader,
    TcpOptionElement, UdpHeader,
};
use vpcsim::net::MacAddress;

/// Length of the Ethernet header.
pub const ETHERNET: usize = 14;

/// The Ethernet frame that carries `packet`.
pub fn frame(packet: &Packet, source: MacAddress, destination: MacAddress) -> Vec<u8> {
    let ethernet = Ethernet2Header { source: source.0, destination: destination.0, ether_type: EtherType::IPV4 };
    let mut bytes = ethernet.to_bytes().to_vec();
    bytes.extend(ip(packet));
    bytes
}

/// The IP packet.
pub fn ip(packet: &Packet) -> Vec<u8> {
    let datagram = transport(packet);
    assert_eq!(datagram.len(), packet.datagram_bytes(), "{packet:?}");
    let inner = match packet.piece {
        Some(piece) => &datagram[piece.offset_bytes..piece.offset_bytes + piece.length_bytes],
        None => &datagram[..],
    };
    let mut header = Ipv4Header::new(
        inner.len() as u16,
        packet.time_to_live,
        IpNumber(packet.protocol),
        packet.source.octets(),
        packet.destination.octets(),
    )
    .expect("packets fit");
    header.identification = packet.shape.identification;
    header.dont_fragment = packet.dont_fragment;
    if packet.header_bytes() > 20 {
        header.options = Ipv4Options::from([1, 1, 1, 0]);
        header.total_len += 4;
    }
    if let Some(piece) = packet.piece {
        header.more_fragments = piece.more;
        header.fragment_offset = IpFragOffset::try_new((piece.offset_bytes / 8) as u16).expect("13 bits");
    }
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(inner);
    bytes
}

fn transport(packet: &Packet) -> Vec<u8> {
    let payload: Vec<u8> = (0..packet.shape.payload_bytes).map(|at| (at * 7) as u8).collect();
    let (source, destination) = (packet.source.octets(), packet.destination.octets());
    let mut bytes = match &packet.content {
        Content::Tcp { source_port, destination_port, flags, mss } => {
            let mut header = TcpHeader::new(*source_port, *destination_port, SEQUENCE, 0xffff);
            let TcpFlags { syn, ack, fin, rst } = *flags;
            (header.syn, header.ack, header.fin, header.rst) = (syn, ack, fin, rst);
            header.acknowledgment_number = if ack { ACKNOWLEDGMENT } else { 0 };
            if let Some((sequence, acknowledgment)) = packet.shape.reset_numbers {
                (header.sequence_number, header.acknowledgment_number) = (sequence, acknowledgment);
                header.window_size = 0;
            }
            if let Some(mss) = mss {
                header.set_options(&[TcpOptionElement::MaximumSegmentSize(*mss)]).expect("four bytes fit");
            }
            header.checksum = header.calc_checksum_ipv4_raw(source, destination, &payload).expect("payload fits");
            header.to_bytes().to_vec()
        }
        Content::Udp { source_port, destination_port } => {
            let mut header =
                UdpHeader::without_ipv4_checksum(*source_port, *destination_port, payload.len()).expect("payload fits");
            if !packet.shape.without_udp_checksum {
                header.checksum = header.calc_checksum_ipv4_raw(source, destination, &payload).expect("payload fits");
            }
            header.to_bytes().to_vec()
        }
        Content::Echo { icmp_type, identifier } => {
            let [high, low] = identifier.to_be_bytes();
            return icmp(*icmp_type, 0, [high, low, 0, 9], payload);
        }
        Content::OtherIcmp { icmp_type, code } => return icmp(*icmp_type, *code, [0; 4], payload),
        Content::IcmpError { icmp_type, code, mtu_bytes, quoted, quoted_bytes } => {
            let mut quote = ip(quoted);
            quote.truncate(*quoted_bytes);
            let [high, low] = mtu_bytes.to_be_bytes();
            return icmp(*icmp_type, *code, [0, 0, high, low], quote);
        }
        Content::Opaque => return payload,
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

//! What smoltcp's DHCP client does not tell of a lease: the interface's MTU (RFC 2132 section 5.1).

use super::MTU_BYTES_ACCEPTED;
use crate::net::MacAddress;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, UdpPacket,
};

/// RFC 2132 section 5.1.
pub(super) const DHCP_OPTION_MTU: u8 = 26;

/// The interface MTU in a DHCP ACK for `mac`, if that is what the frame is.
pub(super) fn dhcp_mtu(frame: &[u8], mac: MacAddress) -> Option<usize> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    if ip.next_header() != IpProtocol::Udp {
        return None;
    }
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    if (udp.src_port(), udp.dst_port()) != (67, 68) {
        return None;
    }
    let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
    let repr = DhcpRepr::parse(&packet).ok()?;
    if repr.message_type != DhcpMessageType::Ack || repr.client_hardware_address.0 != mac.0 {
        return None;
    }
    let option = packet.options().find(|option| option.kind == DHCP_OPTION_MTU)?;
    let mtu_bytes = usize::from(u16::from_be_bytes(option.data.try_into().ok()?));
    MTU_BYTES_ACCEPTED.contains(&mtu_bytes).then_some(mtu_bytes)
}

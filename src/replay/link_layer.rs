//! From a captured frame to the IPv4 packet in it.
//!
//! Purpose: [`ipv4`] takes off what the link type puts in front: Ethernet with any number of VLAN tags (802.1Q, 802.1ad), Linux cooked (SLL, SLL2), BSD loopback
//! (NULL, LOOP), or nothing (raw IP). Behind the packet may be padding or a frame check sequence: the packet's own length says where it ends.
//! Non-goals: what the packet holds; MPLS, PPPoE and other tunnels below IP, which are [`Skip::NotIp`].
//! Source: www.tcpdump.org/linktypes.html.

use super::outcome::Skip;
use crate::wire::ethernet;

/// The link types that [`ipv4`] knows, in words.
pub const SUPPORTED: &str =
    "captures may have Ethernet, raw IP, Linux cooked (SLL, SLL2) and BSD loopback (NULL, LOOP)";

const NULL: u16 = 0;
const ETHERNET: u16 = 1;
/// DLT_RAW as some systems wrote it into files.
const RAW_OLD: [u16; 2] = [12, 14];
const RAW: u16 = 101;
const LOOP: u16 = 108;
const LINUX_SLL: u16 = 113;
const IPV4: u16 = 228;
const IPV6: u16 = 229;
const LINUX_SLL2: u16 = 276;

const ETHER_TYPE_IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and what came before it.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const LOOPBACK_HEADER_BYTES: usize = 4;
const SLL_HEADER_BYTES: usize = 16;
const SLL2_HEADER_BYTES: usize = 20;

/// Whether [`ipv4`] knows the link type.
pub fn is_supported(link_type: u16) -> bool {
    RAW_OLD.contains(&link_type)
        || matches!(link_type, NULL | ETHERNET | RAW | LOOP | LINUX_SLL | IPV4 | IPV6 | LINUX_SLL2)
}

/// The link type's name, for messages.
pub const fn name(link_type: u16) -> &'static str {
    match link_type {
        NULL => "NULL",
        ETHERNET => "ETHERNET",
        3 => "AX25",
        6 => "IEEE802_5",
        7 => "ARCNET_BSD",
        9 => "PPP",
        10 => "FDDI",
        50 => "PPP_HDLC",
        51 => "PPP_ETHER",
        RAW => "RAW",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        LOOP => "LOOP",
        LINUX_SLL => "LINUX_SLL",
        119 => "IEEE802_11_PRISM",
        127 => "IEEE802_11_RADIOTAP",
        147..=162 => "USER",
        187 => "BLUETOOTH_HCI_H4",
        189 => "USB_LINUX",
        192 => "PPI",
        195 => "IEEE802_15_4_WITHFCS",
        201 => "BLUETOOTH_HCI_H4_WITH_PHDR",
        220 => "USB_LINUX_MMAPPED",
        227 => "CAN_SOCKETCAN",
        IPV4 => "IPV4",
        IPV6 => "IPV6",
        230 => "IEEE802_15_4_NOFCS",
        239 => "NFLOG",
        249 => "USBPCAP",
        253 => "NETLINK",
        LINUX_SLL2 => "LINUX_SLL2",
        283 => "IEEE802_15_4_TAP",
        _ => "unnamed here",
    }
}

/// The IPv4 packet in a captured frame, with whatever lies behind it.
///
/// # Errors
/// Why there is none.
pub fn ipv4(link_type: u16, frame: &[u8]) -> Result<&[u8], Skip> {
    match link_type {
        ETHERNET => behind_ether_type(frame, ethernet::HEADER_BYTES - 2),
        LINUX_SLL => behind_ether_type(frame, SLL_HEADER_BYTES - 2),
        LINUX_SLL2 => {
            let packet = frame.get(SLL2_HEADER_BYTES..).ok_or(Skip::HeadersCut)?;
            by_ether_type(half(frame, 0)?, packet)
        }
        NULL | LOOP => {
            // The address family differs between systems and stands in their byte order: the packet itself says what it is.
            by_version(frame.get(LOOPBACK_HEADER_BYTES..).ok_or(Skip::HeadersCut)?)
        }
        link_type if is_supported(link_type) => by_version(frame),
        _ => Err(Skip::LinkType),
    }
}

/// An EtherType at `at`, and behind it the packet, or VLAN tags and then the packet.
fn behind_ether_type(frame: &[u8], at: usize) -> Result<&[u8], Skip> {
    let mut at = at;
    let mut ether_type = half(frame, at)?;
    while VLAN_TAGS.contains(&ether_type) {
        at += 4;
        ether_type = half(frame, at)?;
    }
    by_ether_type(ether_type, frame.get(at + 2..).unwrap_or_default())
}

fn by_ether_type(ether_type: u16, packet: &[u8]) -> Result<&[u8], Skip> {
    match ether_type {
        ethernet::IPV4 => Ok(packet),
        ethernet::ARP => Err(Skip::Arp),
        ETHER_TYPE_IPV6 => Err(Skip::Ipv6),
        _ => Err(Skip::NotIp),
    }
}

fn by_version(packet: &[u8]) -> Result<&[u8], Skip> {
    match packet.first().ok_or(Skip::HeadersCut)? >> 4 {
        4 => Ok(packet),
        6 => Err(Skip::Ipv6),
        _ => Err(Skip::NotIp),
    }
}

fn half(bytes: &[u8], at: usize) -> Result<u16, Skip> {
    let pair = bytes.get(at..at + 2).ok_or(Skip::HeadersCut)?;
    Ok(u16::from_be_bytes([pair[0], pair[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_is_taken_off() {
        let packet = [0x45, 1, 2, 3];
        let framed = |front: &[u8]| [front, &packet].concat();
        let ethernet = |types: &[u8]| framed(&[&[0; 12], types].concat());
        let sll2 = [&[8, 0], &[0; 18][..]].concat();
        for (link_type, frame) in [
            (ETHERNET, ethernet(&[8, 0])),
            (ETHERNET, ethernet(&[0x81, 0, 0, 7, 8, 0])),
            (ETHERNET, ethernet(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 8, 0])),
            (LINUX_SLL, framed(&[&[0; 14], &[8, 0][..]].concat())),
            (LINUX_SLL2, framed(&sll2)),
            (NULL, framed(&[2, 0, 0, 0])),
            (LOOP, framed(&[0, 0, 0, 2])),
            (RAW, framed(&[])),
            (12, framed(&[])),
            (IPV4, framed(&[])),
        ] {
            assert_eq!(ipv4(link_type, &frame), Ok(&packet[..]), "{}: {frame:x?}", name(link_type));
            assert!(is_supported(link_type));
        }
    }

    #[test]
    fn what_holds_no_ipv4_says_what_it_holds() {
        let ethernet = |types: &[u8]| [&[0; 12], types, &[0; 40]].concat();
        assert_eq!(ipv4(ETHERNET, &ethernet(&[8, 6])), Err(Skip::Arp));
        assert_eq!(ipv4(ETHERNET, &ethernet(&[0x86, 0xdd])), Err(Skip::Ipv6));
        assert_eq!(ipv4(ETHERNET, &ethernet(&[0x88, 0x47])), Err(Skip::NotIp));
        assert_eq!(ipv4(ETHERNET, &[0; 13]), Err(Skip::HeadersCut));
        assert_eq!(ipv4(ETHERNET, &[&[0; 12], &[0x81, 0, 0][..]].concat()), Err(Skip::HeadersCut));
        assert_eq!(ipv4(RAW, &[0x60; 40]), Err(Skip::Ipv6));
        assert_eq!(ipv4(NULL, &[0; 3]), Err(Skip::HeadersCut));
        assert_eq!(ipv4(195, &[0; 60]), Err(Skip::LinkType));
    }
}

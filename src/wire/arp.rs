//! ARP for IPv4 over Ethernet (RFC 826): reading a packet, turning a request into its reply.
//!
//! Offsets from the start of the frame: 14 hardware type, 16 protocol type, 18 and 19 address lengths, 20 operation, 22 sender's Ethernet and 28 IPv4
//! address, 32 and 38 the target's.

use super::{ethernet, put_word, word};
use crate::net::MacAddress;
use std::net::Ipv4Addr;

/// Length of an Ethernet frame with an ARP packet, without padding.
pub const FRAME_BYTES: usize = 42;

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 is a request, 2 a reply.
    pub operation: u16,
    /// Sender's Ethernet address.
    pub sender_mac: MacAddress,
    /// Sender's IPv4 address; unspecified in a probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// The address asked for.
    pub target: Ipv4Addr,
}

impl Arp {
    /// The ARP packet in `frame`; `None` if it is too short or not about IPv4 over Ethernet.
    pub fn of(frame: &[u8]) -> Option<Arp> {
        let arp = frame.get(ethernet::HEADER_BYTES..FRAME_BYTES)?;
        let kind = [0x00, 0x01, 0x08, 0x00, 6, 4];
        if arp[..6] != kind {
            return None;
        }
        let ipv4 = |at: usize| Ipv4Addr::new(arp[at], arp[at + 1], arp[at + 2], arp[at + 3]);
        Some(Arp {
            operation: word(arp, 6)?,
            sender_mac: MacAddress([arp[8], arp[9], arp[10], arp[11], arp[12], arp[13]]),
            sender: ipv4(14),
            target: ipv4(24),
        })
    }

    /// Whether it asks for somebody else's address: a request that is not an announcement of the sender's own (gratuitous ARP).
    pub fn is_question(&self) -> bool {
        self.operation == 1 && self.sender != self.target
    }
}

/// Turns the request in `frame` into the reply that says `owner` has the address asked for. `request` is the frame's own [`Arp::of`].
pub fn reply_in_place(frame: &mut [u8], request: &Arp, owner: MacAddress) {
    ethernet::set_addresses(frame, owner, request.sender_mac);
    put_word(frame, 20, 2);
    if let Some(addresses) = frame.get_mut(22..FRAME_BYTES) {
        addresses[..6].copy_from_slice(&owner.0);
        addresses[6..10].copy_from_slice(&request.target.octets());
        addresses[10..16].copy_from_slice(&request.sender_mac.0);
        addresses[16..20].copy_from_slice(&request.sender.octets());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{ArpOperation, ArpPacket, EtherType, PacketBuilder};

    #[test]
    fn a_request_becomes_the_reply_etherparse_would_write() {
        let (asker, owner) = (MacAddress::local(1), MacAddress::local(2));
        let (from, target) = ([10, 0, 0, 5], [10, 0, 0, 1]);
        let build =
            |source: MacAddress, destination: MacAddress, operation, who: [u8; 4], whom: [u8; 4], whom_mac: [u8; 6]| {
                let arp = ArpPacket::new(
                    etherparse::ArpHardwareId::ETHERNET,
                    EtherType::IPV4,
                    operation,
                    &source.0,
                    &who,
                    &whom_mac,
                    &whom,
                );
                let mut frame = Vec::new();
                PacketBuilder::ethernet2(source.0, destination.0).arp(arp.unwrap()).write(&mut frame).unwrap();
                frame
            };
        let mut frame = build(asker, MacAddress::BROADCAST, ArpOperation::REQUEST, from, target, [0; 6]);
        let request = Arp::of(&frame).unwrap();
        assert_eq!((request.sender, request.target, request.sender_mac), (from.into(), target.into(), asker));
        assert!(request.is_question());
        reply_in_place(&mut frame, &request, owner);
        assert_eq!(frame, build(owner, asker, ArpOperation::REPLY, target, from, asker.0));
        assert!(!Arp::of(&frame).unwrap().is_question());
    }

    #[test]
    fn announcements_ask_nothing_and_short_or_foreign_packets_are_none() {
        let mut frame = [0; FRAME_BYTES];
        assert_eq!(Arp::of(&frame), None);
        frame[14..22].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
        frame[31] = 9;
        frame[41] = 9;
        assert!(!Arp::of(&frame).unwrap().is_question());
        assert_eq!(Arp::of(&frame[..41]), None);
    }
}

//! Whose NIC was captured: the address that the `--at` host stands for.
//!
//! The rule, over the first [`PACKETS_MAX`] packets of the file and after `--map`:
//!
//! 1. The host's own address, if any packet has it.
//! 2. Else the address that most packets have, if more than half of them do: a NIC's capture has its own address nearly everywhere.
//! 3. If two addresses tie (a capture of one conversation), the one that sends more SYNs; else the private one of a private and a public one; else the one
//!    that sends the first packet.
//! 4. If no address is in more than half, there is none, and conversations are split one by one (`direction`).
//!
//! Broadcasts and multicasts are not counted.

use super::address_map::{AddressMap, mapped};
use super::link_layer;
use crate::net::Protocol;
use crate::wire::TcpFlags;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Packets that are looked at.
pub const PACKETS_MAX: u64 = 4_096;

/// What the first packets say.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    packets: u64,
    addresses: BTreeMap<Ipv4Addr, Seen>,
    known: Option<Ipv4Addr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    packets: u64,
    syns: u64,
    is_private: bool,
    sent_first: bool,
}

impl Survey {
    /// Nothing seen, because the address is known: an interface's own; the host's if it has none.
    pub fn of_address(address: Option<Ipv4Addr>) -> Survey {
        Survey { known: Some(address.unwrap_or(Ipv4Addr::UNSPECIFIED)), ..Survey::default() }
    }

    /// Whether enough was seen.
    pub fn is_full(&self) -> bool {
        self.packets >= PACKETS_MAX
    }

    /// Looks at one frame.
    pub fn see(&mut self, maps: &[AddressMap], link_type: u16, frame: &[u8]) {
        let Ok(packet) = link_layer::ipv4(link_type, frame) else { return };
        let Some(header) = packet.first_chunk::<20>() else { return };
        let address =
            |at: usize| mapped(maps, Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]));
        let (source, destination) = (address(12), address(16));
        if !is_single(source) || !is_single(destination) || self.is_full() {
            return;
        }
        let flags = packet.get(usize::from(header[0] & 0x0f) * 4 + 13).copied().unwrap_or_default();
        let is_first_piece = u16::from_be_bytes([header[6], header[7]]) & 0x1fff == 0;
        let is_syn = Protocol(header[9]) == Protocol::TCP && is_first_piece && TcpFlags(flags).is_opening();
        let is_first = self.packets == 0;
        self.packets += 1;
        for (address, sends) in [(source, true), (destination, false)] {
            let seen = self.addresses.entry(address).or_default();
            seen.packets += 1;
            seen.syns += u64::from(sends && is_syn);
            seen.is_private = is_private(address);
            seen.sent_first |= sends && is_first;
        }
    }

    /// The address that a host with the address `own` stands for.
    pub fn address(&self, own: Ipv4Addr) -> Option<Ipv4Addr> {
        if let Some(known) = self.known {
            return Some(if known.is_unspecified() { own } else { known });
        }
        if self.addresses.contains_key(&own) {
            return Some(own);
        }
        let most = self.addresses.iter().max_by_key(|(_, seen)| **seen);
        most.filter(|(_, seen)| seen.packets * 2 > self.packets).map(|(address, _)| *address)
    }
}

/// Whether the address is one machine's.
pub(super) fn is_single(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_broadcast())
}

/// RFC 1918 and RFC 6598.
pub(super) fn is_private(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || (a == 100 && (64..128).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const RAW: u16 = 101;
    const OWN: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);

    fn surveyed(packets: &[(&str, &str, bool)]) -> Option<Ipv4Addr> {
        let mut survey = Survey::default();
        for (source, destination, is_syn) in packets {
            let octets = |text: &str| text.parse::<Ipv4Addr>().unwrap().octets();
            let tcp = PacketBuilder::ipv4(octets(source), octets(destination), 64).tcp(40_000, 443, 1, 100);
            let tcp = if *is_syn { tcp.syn() } else { tcp.ack(1) };
            let mut bytes = Vec::new();
            tcp.write(&mut bytes, &[]).unwrap();
            survey.see(&[], RAW, &bytes);
        }
        survey.address(OWN)
    }

    #[test]
    fn the_hosts_own_address_counts_even_if_others_are_seen_more() {
        let own = OWN.to_string();
        let packets =
            [("10.0.0.1", "10.0.0.2", true), ("10.0.0.1", "10.0.0.2", false), ("10.0.0.3", own.as_str(), false)];
        assert_eq!(surveyed(&packets), Some(OWN));
    }

    #[test]
    fn else_the_address_that_most_packets_have() {
        let packets = [("8.8.8.8", "10.0.0.2", true), ("10.0.0.2", "9.9.9.9", false), ("1.1.1.1", "10.0.0.2", true)];
        assert_eq!(surveyed(&packets), Some(Ipv4Addr::new(10, 0, 0, 2)), "although the others send the SYNs");
        let packets = [("8.8.8.8", "10.0.0.2", true), ("10.0.0.3", "9.9.9.9", false)];
        assert_eq!(surveyed(&packets), None, "half of them is not most");
    }

    #[test]
    fn of_two_the_one_that_opens_the_private_one_the_first() {
        let address = |text: &str| Some(text.parse::<Ipv4Addr>().unwrap());
        assert_eq!(surveyed(&[("8.8.8.8", "10.0.0.2", true), ("10.0.0.2", "8.8.8.8", false)]), address("8.8.8.8"));
        assert_eq!(surveyed(&[("8.8.8.8", "10.0.0.2", false)]), address("10.0.0.2"));
        assert_eq!(surveyed(&[("100.64.0.9", "8.8.8.8", false)]), address("100.64.0.9"));
        assert_eq!(surveyed(&[("10.0.0.3", "10.0.0.2", false)]), address("10.0.0.3"));
        assert_eq!(surveyed(&[("0.0.0.0", "255.255.255.255", false)]), None);
    }
}

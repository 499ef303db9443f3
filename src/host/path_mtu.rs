//! What a host knows of the MTUs along its roads (RFC 1191), as Linux keeps it.
//!
//! Purpose: remember, per destination, the MTU that ICMP "fragmentation needed" (3/4) told of, and say what a packet may measure.
//! Linux's figures: an entry lasts 10 minutes (`mtu_expires`) and is never raised before; below 552 bytes (`min_pmtu`) nobody is believed,
//! and packets to such a destination are then sent without the don't-fragment bit, so that routers cut what 552 bytes is too much for.
//! A router from before RFC 1191 tells no MTU: then the next lower of the RFC's plateaus is taken (as Linux once did; today's takes 552).
//! Believed is who quotes a packet that this host could have sent: from its own address, to somebody else. The TCP sequence number in the
//! quote is not compared with the connection's, as Linux does against forged errors (RFC 5927).
//! Non-goals: probing without ICMP (RFC 4821), raising an MTU that has grown before its entry ends.
//! Invariant: at most [`DESTINATIONS_MAX`] entries (own choice); one more displaces the one that ends first.

use crate::net::Protocol;
use crate::time::{SimDuration, SimTime};
use crate::wire::{Parsed, icmp_type};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// How long a path MTU is remembered.
const LIFETIME: SimDuration = SimDuration::from_secs(600);
/// The least path MTU that is believed.
pub(super) const LEAST_MTU_BYTES: usize = 552;
/// How many destinations' path MTUs are remembered.
const DESTINATIONS_MAX: usize = 1_024;
/// RFC 1191 section 7.1, table 7-1.
const PLATEAUS: [usize; 11] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];
/// ICMP code 4 of "destination unreachable".
pub(super) const FRAGMENTATION_NEEDED: u8 = 4;
/// What an error quotes behind the IPv4 header at least (RFC 792): ports, and TCP's sequence number.
const QUOTED_BYTES: usize = 8;

/// How the packets of a socket deal with MTUs: Linux's `IP_MTU_DISCOVER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathMtuDiscovery {
    /// What fits into the known path MTU goes with the don't-fragment bit, what does not is fragmented by the host. Linux's default.
    #[default]
    Want,
    /// Always with the don't-fragment bit; what does not fit into the known path MTU is refused.
    Do,
    /// Never with the don't-fragment bit; the host fragments what does not fit.
    Dont,
    /// As `Do`, but the interface's MTU counts only, whatever is known of the path: for finding out.
    Probe,
}

/// What is known of a road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathMtu {
    /// The longest IPv4 packet that is known to fit.
    pub(super) mtu_bytes: usize,
    /// Whether routers must be let fragment, because even `mtu_bytes` was called too much.
    pub(super) is_locked: bool,
}

/// The destinations' path MTUs.
#[derive(Debug, Default)]
pub(super) struct PathMtus {
    known: BTreeMap<Ipv4Addr, (PathMtu, SimTime)>,
}

impl PathMtus {
    /// What holds for packets to `destination` that leave by an interface with this MTU.
    pub(super) fn path(&self, now: SimTime, destination: Ipv4Addr, interface_mtu_bytes: usize) -> PathMtu {
        let interface = PathMtu { mtu_bytes: interface_mtu_bytes, is_locked: false };
        match self.known.get(&destination) {
            Some((path, until)) if *until > now && path.mtu_bytes < interface_mtu_bytes => *path,
            _ => interface,
        }
    }

    /// Takes note of an error. The path MTU it leaves, or `None` if it tells nothing new: no less than what is known.
    pub(super) fn learn(
        &mut self,
        now: SimTime,
        needed: &FragmentationNeeded,
        interface_mtu_bytes: usize,
    ) -> Option<usize> {
        let told_bytes = match needed.mtu_bytes {
            0 => *PLATEAUS.iter().find(|plateau| **plateau < needed.quoted_bytes).unwrap_or(&68),
            told => usize::from(told),
        };
        let before = self.path(now, needed.destination, interface_mtu_bytes);
        let is_news = told_bytes < before.mtu_bytes && !before.is_locked;
        if !is_news {
            return None;
        }
        let path = PathMtu { mtu_bytes: told_bytes.max(LEAST_MTU_BYTES), is_locked: told_bytes < LEAST_MTU_BYTES };
        if self.known.len() >= DESTINATIONS_MAX && !self.known.contains_key(&needed.destination) {
            let first_to_end = self.known.iter().min_by_key(|(_, (_, until))| *until).map(|(address, _)| *address);
            first_to_end.into_iter().for_each(|address| {
                self.known.remove(&address);
            });
        }
        self.known.insert(needed.destination, (path, now + LIFETIME));
        Some(path.mtu_bytes)
    }

    /// The host has another address, and its packets other roads.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

/// An ICMP error 3/4 and the packet it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FragmentationNeeded {
    /// What it says; 0 from routers older than RFC 1191.
    pub(super) mtu_bytes: u16,
    /// Who sent the packet.
    pub(super) source: Ipv4Addr,
    /// Whom it was for.
    pub(super) destination: Ipv4Addr,
    /// What it carried.
    pub(super) protocol: Protocol,
    /// How long it was.
    pub(super) quoted_bytes: usize,
    /// The first bytes behind its IPv4 header.
    pub(super) transport: [u8; QUOTED_BYTES],
}

impl FragmentationNeeded {
    /// The error in `frame`, if it is one and answers a packet of the host it was sent to.
    pub(super) fn of(packet: &Parsed, frame: &[u8]) -> Option<FragmentationNeeded> {
        let icmp = packet.icmp?;
        if (icmp.kind, icmp.code) != (icmp_type::DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED) {
            return None;
        }
        let quoted = packet.quoted(frame)?;
        if quoted.source != packet.destination || quoted.destination == packet.destination {
            return None;
        }
        let header = frame.get(packet.transport_at()..)?;
        let transport = header.get(QUOTED_BYTES + usize::from(quoted.header_bytes)..)?.first_chunk()?;
        Some(FragmentationNeeded {
            mtu_bytes: u16::from_be_bytes([*header.get(6)?, *header.get(7)?]),
            source: quoted.source,
            destination: quoted.destination,
            protocol: quoted.protocol,
            quoted_bytes: usize::from(quoted.total_bytes),
            transport: *transport,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
    const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

    fn needed(destination: Ipv4Addr, mtu_bytes: u16, quoted_bytes: usize) -> FragmentationNeeded {
        let (source, protocol, transport) = (OWN, Protocol::TCP, [0; 8]);
        FragmentationNeeded { mtu_bytes, source, destination, protocol, quoted_bytes, transport }
    }

    #[test]
    fn path_mtus_fall_are_never_raised_and_end_after_ten_minutes() {
        let mut paths = PathMtus::default();
        let (start, end) = (SimTime::ZERO, SimTime::ZERO + LIFETIME);
        assert_eq!(paths.path(start, FAR, 9001).mtu_bytes, 9001);
        let told = [9001, 8500, 1500, 8500, 1500].map(|mtu| paths.learn(start, &needed(FAR, mtu, 9001), 9001));
        assert_eq!(told, [None, Some(8500), Some(1500), None, None]);
        let just_before = SimTime::from_nanos(end.as_nanos() - 1);
        assert_eq!(paths.path(just_before, FAR, 9001), PathMtu { mtu_bytes: 1500, is_locked: false });
        assert_eq!(paths.path(end, FAR, 9001).mtu_bytes, 9001);
        assert_eq!(paths.path(start, OWN, 9001).mtu_bytes, 9001, "other roads are other roads");
        assert_eq!(paths.path(start, FAR, 576).mtu_bytes, 576, "the interface's MTU always holds");
    }

    #[test]
    fn small_and_missing_mtus() {
        let mut paths = PathMtus::default();
        let at = SimTime::ZERO;
        assert_eq!(paths.learn(at, &needed(FAR, 0, 9001), 9001), Some(8166), "the plateau below the packet");
        assert_eq!(paths.learn(at, &needed(FAR, 0, 1500), 9001), Some(1492));
        assert_eq!(paths.learn(at, &needed(FAR, 296, 1492), 9001), Some(552));
        assert_eq!(paths.path(at, FAR, 9001), PathMtu { mtu_bytes: 552, is_locked: true });
        assert_eq!(paths.learn(at, &needed(FAR, 68, 552), 9001), None, "nothing below 552 is believed");
        assert_eq!(paths.learn(at, &needed(OWN, 0, 60), 9001), Some(552));
    }

    #[test]
    fn the_number_of_destinations_is_limited() {
        let mut paths = PathMtus::default();
        for number in 0..DESTINATIONS_MAX as u32 + 1 {
            let at = SimTime::from_nanos(u64::from(number));
            paths.learn(at, &needed(Ipv4Addr::from(0x0a00_0000 + number), 1500, 9001), 9001);
        }
        let known = |number: u32| paths.path(SimTime::from_nanos(5_000), Ipv4Addr::from(0x0a00_0000 + number), 9001);
        assert_eq!(paths.known.len(), DESTINATIONS_MAX);
        assert_eq!([known(0), known(1), known(1_024)].map(|path| path.mtu_bytes), [9001, 1500, 1500]);
    }

    /// An error 3/4 to `to` about a segment from `source` to `destination`.
    fn error(to: Ipv4Addr, source: Ipv4Addr, destination: Ipv4Addr, quoted_bytes: usize) -> Vec<u8> {
        let mut quoted = Vec::new();
        let builder = PacketBuilder::ipv4(source.octets(), destination.octets(), 60);
        builder.tcp(40_000, 443, 0x0102_0304, 1).write(&mut quoted, &[0; 2_000]).unwrap();
        quoted.truncate(quoted_bytes);
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 1], to.octets(), 64);
        builder.icmpv4_raw(3, 4, [0, 0, 5, 220]).write(&mut frame, &quoted).unwrap();
        frame
    }

    #[test]
    fn only_errors_about_packets_of_ones_own_are_believed() {
        let read = |frame: &[u8]| FragmentationNeeded::of(&Parsed::of(frame).unwrap(), frame);
        let found = read(&error(OWN, OWN, FAR, 28)).unwrap();
        assert_eq!((found.mtu_bytes, found.destination, found.quoted_bytes), (1500, FAR, 2_040));
        assert_eq!(found.transport, [0x9c, 0x40, 1, 0xbb, 1, 2, 3, 4]);
        assert_eq!(read(&error(OWN, FAR, OWN, 28)), None, "somebody else's packet");
        assert_eq!(read(&error(OWN, OWN, OWN, 28)), None, "a host does not talk to itself");
        assert_eq!(read(&error(OWN, OWN, FAR, 27)), None, "too short a quote");
        let mut other_code = error(OWN, OWN, FAR, 28);
        other_code[35] = 3;
        assert_eq!(read(&other_code), None);
    }
}

//! Later fragments follow their first: only that one has ports.
//!
//! A translator that does not reassemble must remember, for a while, what it did to the first fragment of a datagram. Assumed: a later fragment that overtakes
//! the first is dropped. (Linux reassembles; the difference shows only in that order.) Limit: [`DATAGRAMS_MAX`] datagrams; the oldest makes room.
//! Source: RFC 4787 section 11 (REQ-14).

use crate::net::Protocol;
use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};
use crate::wire::Parsed;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// How many datagrams are remembered at a time.
const DATAGRAMS_MAX: usize = 4_096;

/// What the fragments of one datagram share, as they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    owner: NodeIx,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    identification: u16,
}

impl FragmentKey {
    /// The key of a packet at `owner`, before translation.
    pub(super) fn of(owner: NodeIx, packet: &Parsed) -> Self {
        FragmentKey {
            owner,
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            identification: packet.identification,
        }
    }
}

/// What became of the first fragments.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragments {
    // Never iterated.
    addresses: FxHashMap<FragmentKey, (Ipv4Addr, SimTime)>,
    /// In the order of their ends, which is that of their beginnings.
    order: VecDeque<(SimTime, FragmentKey)>,
}

impl Fragments {
    /// A first fragment got `address`; the later ones have until `timeout` from now.
    pub(super) fn remember(&mut self, key: FragmentKey, address: Ipv4Addr, timeout: SimDuration, now: SimTime) {
        while let Some(&(until, oldest)) = self.order.front()
            && (until <= now || self.order.len() >= DATAGRAMS_MAX)
        {
            self.order.pop_front();
            if self.addresses.get(&oldest).is_some_and(|(_, other)| *other == until) {
                self.addresses.remove(&oldest);
            }
        }
        let until = now + timeout;
        self.addresses.insert(key, (address, until));
        self.order.push_back((until, key));
    }

    /// The address that the first fragment got.
    pub(super) fn address(&self, key: &FragmentKey, now: SimTime) -> Option<Ipv4Addr> {
        self.addresses.get(key).filter(|(_, until)| now < *until).map(|(address, _)| *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identification: u16) -> FragmentKey {
        FragmentKey {
            owner: NodeIx(1),
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: Protocol::UDP,
            identification,
        }
    }

    #[test]
    fn a_datagram_is_remembered_for_its_time_and_the_oldest_makes_room() {
        let (mut fragments, timeout) = (Fragments::default(), SimDuration::from_secs(30));
        let address = |low: u16| Ipv4Addr::from(u32::from(low));
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        fragments.remember(key(7), address(1), timeout, at(0));
        assert_eq!(fragments.address(&key(7), at(29)), Some(address(1)));
        assert_eq!(fragments.address(&key(7), at(30)), None);
        // The same identification again: the older end does not take the newer datagram with it.
        fragments.remember(key(7), address(2), timeout, at(20));
        fragments.remember(key(8), address(3), timeout, at(31));
        assert_eq!(fragments.address(&key(7), at(31)), Some(address(2)));

        for identification in 0..=DATAGRAMS_MAX as u16 {
            fragments.remember(key(identification), address(9), timeout, at(60));
        }
        assert_eq!(fragments.address(&key(0), at(60)), None);
        assert_eq!(fragments.address(&key(1), at(60)), Some(address(9)));
        assert_eq!((fragments.order.len(), fragments.addresses.len()), (DATAGRAMS_MAX, DATAGRAMS_MAX));
    }
}

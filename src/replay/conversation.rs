//! The conversations of a capture: both directions of a flow, split between the NIC and its peer.
//!
//! What is remembered of each: who began it, and for both sides where packets are sent from and with which addresses and ports. The side that began has them from
//! the start. The other side has them as soon as a packet of the first one came out somewhere: it sends from there, to whom that packet came from as it
//! *arrived*, so that answers fit whatever NAT put in its place. Until then it has nothing to answer ([`super::outcome::Skip::NoRequest`]).
//!
//! Limit: two generations of [`GENERATION_MAX`] conversations. Who speaks is moved to the young one; when that is full, the old one, idle for longest, is forgotten.

use crate::net::{FiveTuple, Protocol};
use crate::program::HostIx;
use rustc_hash::FxHashMap;
use std::net::Ipv4Addr;

/// Conversations of one generation; there are two. (What a table of 65,536 slots holds: one more would double it.)
pub(super) const GENERATION_MAX: usize = 57_344;
/// Datagrams of which pieces may be on their way at a time.
const DATAGRAMS_MAX: usize = 64;

/// A side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The machine whose NIC was captured.
    Nic,
    /// The other one.
    Peer,
}

impl Side {
    pub(super) const fn other(self) -> Side {
        match self {
            Side::Nic => Side::Peer,
            Side::Peer => Side::Nic,
        }
    }
}

/// Where a side's packets are sent from, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) host: HostIx,
    pub(super) sends: FiveTuple,
}

/// One conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) begun_by: Side,
    pub(super) nic: Option<End>,
    pub(super) peer: Option<End>,
    /// The smaller maximum segment size of those that the two offered; 0: none seen.
    pub(super) mss: u16,
}

impl Conversation {
    pub(super) const fn end(&self, side: Side) -> Option<End> {
        match side {
            Side::Nic => self.nic,
            Side::Peer => self.peer,
        }
    }
}

/// A five-tuple from the NIC to its peer as the capture has it, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64, u64);

impl Key {
    pub(super) fn of(tuple: FiveTuple) -> Key {
        let addresses = u64::from(u32::from(tuple.source)) << 32 | u64::from(u32::from(tuple.destination));
        let ports = u64::from(tuple.source_port) << 16 | u64::from(tuple.destination_port);
        Key(addresses, ports << 8 | u64::from(tuple.protocol.0))
    }
}

/// All conversations that are remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversations {
    // Never iterated: their order is not reproducible.
    young: FxHashMap<Key, Conversation>,
    old: FxHashMap<Key, Conversation>,
    pub(super) begun: u64,
    pub(super) forgotten: u64,
}

impl Conversations {
    /// The conversation, if it is remembered.
    pub(super) fn get(&mut self, key: Key) -> Option<Conversation> {
        if let Some(conversation) = self.young.get(&key) {
            return Some(*conversation);
        }
        let conversation = self.old.remove(&key)?;
        self.remember(key, conversation);
        Some(conversation)
    }

    /// Puts another in the place of one that is remembered.
    pub(super) fn update(&mut self, key: Key, conversation: Conversation) {
        if self.get(key).is_some() {
            self.young.insert(key, conversation);
        }
    }

    /// Whether it is remembered.
    pub(super) fn has(&self, key: Key) -> bool {
        self.young.contains_key(&key) || self.old.contains_key(&key)
    }

    /// Adds one.
    pub(super) fn begin(&mut self, key: Key, conversation: Conversation) {
        self.begun += 1;
        self.remember(key, conversation);
    }

    fn remember(&mut self, key: Key, conversation: Conversation) {
        if self.young.len() >= GENERATION_MAX {
            std::mem::swap(&mut self.young, &mut self.old);
            self.forgotten += self.young.len() as u64;
            self.young.clear();
        }
        self.young.insert(key, conversation);
    }
}

/// The first pieces of datagrams that were cut: their ports, which later pieces lack.
#[derive(Clone, Debug, Default)]
pub(super) struct Datagrams {
    seen: Vec<(Datagram, FiveTuple)>,
    next: usize,
}

/// What all pieces of a datagram have.
type Datagram = (Ipv4Addr, Ipv4Addr, Protocol, u16);

impl Datagrams {
    /// Remembers a first piece. The oldest makes room.
    pub(super) fn first(&mut self, identification: u16, tuple: FiveTuple) {
        let seen = ((tuple.source, tuple.destination, tuple.protocol, identification), tuple);
        if self.seen.len() < DATAGRAMS_MAX {
            self.seen.push(seen);
        } else {
            self.seen[self.next] = seen;
            self.next = (self.next + 1) % DATAGRAMS_MAX;
        }
    }

    /// The flow of a later piece, with ports if its first piece was seen.
    pub(super) fn later(&self, identification: u16, tuple: FiveTuple) -> FiveTuple {
        let wanted = (tuple.source, tuple.destination, tuple.protocol, identification);
        // The newest first: identifications come again.
        let newest_first = self.seen[..self.next].iter().rev().chain(self.seen[self.next..].iter().rev());
        let mut found = newest_first.filter(|(datagram, _)| *datagram == wanted);
        found.next().map_or(tuple, |(_, first)| *first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(source_port: u16) -> FiveTuple {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        FiveTuple { protocol: Protocol::UDP, source, destination, source_port, destination_port: 53 }
    }

    #[test]
    fn who_speaks_is_kept_and_who_is_idle_is_forgotten() {
        let mut conversations = Conversations::default();
        let key = |number: u32| Key(u64::from(number), 0);
        let conversation = Conversation { begun_by: Side::Nic, nic: None, peer: None, mss: 0 };
        for number in 0..5 * GENERATION_MAX as u32 {
            conversations.begin(key(number), conversation);
            if number % 1_000 == 0 {
                assert!(conversations.get(key(0)).is_some(), "it speaks at {number}");
            }
            assert!(conversations.young.len() <= GENERATION_MAX && conversations.old.len() <= GENERATION_MAX);
        }
        assert!(!conversations.has(key(1)) && conversations.has(key(5 * GENERATION_MAX as u32 - 1)));
        assert!(conversations.forgotten > 0);
        assert_eq!(conversations.begun, 5 * GENERATION_MAX as u64);
    }

    #[test]
    fn keys_differ_by_every_part() {
        let base = tuple(40_000);
        let others = [
            tuple(40_001),
            base.reversed(),
            FiveTuple { protocol: Protocol::TCP, ..base },
            FiveTuple { destination_port: 54, ..base },
            FiveTuple { source: base.destination, destination: base.source, ..base },
        ];
        assert!(others.iter().all(|other| Key::of(*other) != Key::of(base)));
    }

    #[test]
    fn later_pieces_get_the_ports_of_the_newest_first_piece() {
        let mut datagrams = Datagrams::default();
        let bare = FiveTuple { source_port: 0, destination_port: 0, ..tuple(0) };
        assert_eq!(datagrams.later(7, bare), bare);
        for port in 1..=150 {
            datagrams.first(port % 50, tuple(port));
        }
        assert_eq!(datagrams.later(7, bare).source_port, 107);
        assert_eq!(datagrams.later(0, bare).source_port, 150);
        assert_eq!(datagrams.seen.len(), DATAGRAMS_MAX);
    }
}

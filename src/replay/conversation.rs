//! The conversations of a capture: both directions of a flow, split between the NIC and its peer.
//!
//! What is remembered of each: who began it, and for both sides where packets are sent from and with which addresses and ports. The side that began has them from
//! the start. The other side has them as soon as a packet of the first one came out somewhere: it sends from there, to whom that packet came from as it
//! *arrived*, so that answers fit whatever NAT put in its place. Until then it has nothing to answer ([`super::outcome::Skip::NoRequest`]).
//!
//! Limit: two generations of [`GENERATION_MAX`] conversations. Who speaks is moved to the young one; when that is full, the old one, idle for longest, is forgotten.

use super::address_map::{AddressMap, mapped};
use super::sending::{Before, Sending};
use crate::net::{FiveTuple, Protocol};
use crate::program::HostIx;
use crate::wire::{FlowHead, rewrite};
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
    pub(super) sends: Flow,
    /// How the last packet was made one that is sent so, if the next can be alike.
    pub(super) sending: Option<Sending>,
}

impl End {
    pub(super) fn new(host: HostIx, sends: FiveTuple) -> End {
        End { host, sends: Flow::of(sends), sending: None }
    }
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
    pub(super) const fn end(&self, side: Side) -> Option<&End> {
        match side {
            Side::Nic => self.nic.as_ref(),
            Side::Peer => self.peer.as_ref(),
        }
    }

    /// The side's packets are sent from `host` as `sends` from now on.
    pub(super) fn learn(&mut self, side: Side, host: HostIx, sends: Flow) {
        let end = self.end_mut(side);
        if end.is_none_or(|end| (end.host, end.sends) != (host, sends)) {
            *end = Some(End { host, sends, sending: None });
        }
    }

    /// How the side's packets are made ones that are sent.
    pub(super) fn set_sending(&mut self, side: Side, before: &Before, sent: &[u8]) {
        if let Some(end) = self.end_mut(side) {
            end.sending = Sending::between(before, sent, end.sends);
        }
    }

    const fn end_mut(&mut self, side: Side) -> &mut Option<End> {
        match side {
            Side::Nic => &mut self.nic,
            Side::Peer => &mut self.peer,
        }
    }
}

/// A five-tuple, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    /// Source and destination.
    addresses: u64,
    /// Source and destination port, and the protocol.
    ports_protocol: u64,
}

impl Flow {
    #[inline]
    pub(super) fn of(tuple: FiveTuple) -> Flow {
        let addresses = u64::from(u32::from(tuple.source)) << 32 | u64::from(u32::from(tuple.destination));
        Flow::packed(addresses, u32::from(tuple.source_port) << 16 | u32::from(tuple.destination_port), tuple.protocol)
    }

    /// An ordinary packet's.
    #[inline]
    pub(super) fn of_head(head: &FlowHead) -> Flow {
        Flow::packed(head.addresses.swap_bytes(), head.ports.swap_bytes(), Protocol(head.protocol))
    }

    /// The flow with the addresses that stand for its own.
    #[inline]
    pub(super) fn mapped(self, maps: &[AddressMap]) -> Flow {
        if maps.is_empty() {
            return self;
        }
        let tuple = self.tuple();
        let (source, destination) = (mapped(maps, tuple.source), mapped(maps, tuple.destination));
        Flow::of(FiveTuple { source, destination, ..tuple })
    }

    /// Addresses and ports in the order of the wire.
    #[inline]
    pub(super) const fn on_wire(self) -> ([u8; 8], [u8; 4]) {
        (self.addresses.to_be_bytes(), ((self.ports_protocol >> 8) as u32).to_be_bytes())
    }

    /// The flow of a frame that a memo admitted: its IPv4 header has no options, and it has ports.
    #[inline]
    pub(super) fn of_ordinary(frame: &[u8]) -> Option<Flow> {
        let addresses = frame.get(rewrite::ADDRESSES_AT..)?.first_chunk()?;
        let ports = frame.get(rewrite::PORTS_AT..)?.first_chunk()?;
        let protocol = Protocol(frame[rewrite::TTL_AT + 1]);
        Some(Flow::packed(u64::from_be_bytes(*addresses), u32::from_be_bytes(*ports), protocol))
    }

    #[inline]
    const fn packed(addresses: u64, ports: u32, protocol: Protocol) -> Flow {
        Flow { addresses, ports_protocol: (ports as u64) << 8 | protocol.0 as u64 }
    }

    /// The same flow seen from the other end.
    #[inline]
    pub(super) const fn reversed(self) -> Flow {
        let ports = (self.ports_protocol >> 8) as u32;
        Flow::packed(self.addresses.rotate_left(32), ports.rotate_left(16), Protocol(self.ports_protocol as u8))
    }

    pub(super) fn tuple(self) -> FiveTuple {
        FiveTuple {
            protocol: Protocol(self.ports_protocol as u8),
            source: Ipv4Addr::from((self.addresses >> 32) as u32),
            destination: Ipv4Addr::from(self.addresses as u32),
            source_port: (self.ports_protocol >> 24) as u16,
            destination_port: (self.ports_protocol >> 8) as u16,
        }
    }
}

/// Where a conversation lies, until another is looked for or begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

/// All conversations that are remembered, by their flow from the NIC to its peer as the capture has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversations {
    young: Generation,
    old: Generation,
    pub(super) begun: u64,
    pub(super) forgotten: u64,
}

#[derive(Clone, Debug, Default)]
struct Generation {
    // Never iterated: its order is not reproducible.
    places: FxHashMap<Flow, u32>,
    conversations: Vec<Conversation>,
}

impl Conversations {
    /// Where the conversation lies, if it is remembered.
    #[inline]
    pub(super) fn find(&mut self, flow: Flow) -> Option<Place> {
        match self.young.places.get(&flow) {
            Some(place) => Some(Place(*place)),
            None => self.rejuvenate(flow),
        }
    }

    /// Moves a conversation of the old generation to the young one.
    fn rejuvenate(&mut self, flow: Flow) -> Option<Place> {
        let place = self.old.places.remove(&flow)?;
        let conversation = self.old.conversations[place as usize];
        Some(self.remember(flow, conversation))
    }

    /// What was found or begun last.
    #[inline]
    pub(super) fn at(&mut self, place: Place) -> &mut Conversation {
        &mut self.young.conversations[place.0 as usize]
    }

    /// Whether it is remembered.
    pub(super) fn has(&self, flow: Flow) -> bool {
        self.young.places.contains_key(&flow) || self.old.places.contains_key(&flow)
    }

    /// Adds one that is not remembered.
    pub(super) fn begin(&mut self, flow: Flow, conversation: Conversation) -> Place {
        self.begun += 1;
        self.remember(flow, conversation)
    }

    fn remember(&mut self, flow: Flow, conversation: Conversation) -> Place {
        if self.young.places.len() >= GENERATION_MAX {
            std::mem::swap(&mut self.young, &mut self.old);
            self.forgotten += self.young.places.len() as u64;
            self.young.places.clear();
            self.young.conversations.clear();
        }
        let place = self.young.conversations.len() as u32; // at most GENERATION_MAX
        self.young.places.insert(flow, place);
        self.young.conversations.push(conversation);
        Place(place)
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
    use etherparse::PacketBuilder;

    fn tuple(source_port: u16) -> FiveTuple {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        FiveTuple { protocol: Protocol::UDP, source, destination, source_port, destination_port: 53 }
    }

    #[test]
    fn who_speaks_is_kept_and_who_is_idle_is_forgotten() {
        let mut conversations = Conversations::default();
        let key = |number: u32| Flow { addresses: u64::from(number), ports_protocol: 0 };
        let conversation = Conversation { begun_by: Side::Nic, nic: None, peer: None, mss: 0 };
        for number in 0..5 * GENERATION_MAX as u32 {
            conversations.begin(key(number), conversation);
            if number % 1_000 == 0 {
                assert!(conversations.find(key(0)).is_some(), "it speaks at {number}");
            }
            for generation in [&conversations.young, &conversations.old] {
                assert!(generation.places.len() <= GENERATION_MAX && generation.conversations.len() <= GENERATION_MAX);
            }
        }
        assert!(!conversations.has(key(1)) && conversations.has(key(5 * GENERATION_MAX as u32 - 1)));
        assert!(conversations.forgotten > 0);
        assert_eq!(conversations.begun, 5 * GENERATION_MAX as u64);
    }

    #[test]
    fn flows_differ_by_every_part_and_have_the_tuple() {
        let base = tuple(40_000);
        let others = [
            tuple(40_001),
            base.reversed(),
            FiveTuple { protocol: Protocol::TCP, ..base },
            FiveTuple { destination_port: 54, ..base },
            FiveTuple { source: base.destination, destination: base.source, ..base },
        ];
        for tuple in others.into_iter().chain([base]) {
            assert_eq!(Flow::of(tuple).tuple(), tuple);
            assert_eq!(Flow::of(tuple).reversed().tuple(), tuple.reversed());
        }
        assert!(others.iter().all(|other| Flow::of(*other) != Flow::of(base)));
    }

    #[test]
    fn what_is_sent_otherwise_is_prepared_anew() {
        let (nic, other) = (tuple(40_000), tuple(40_001));
        let end = Some(End::new(HostIx(1), nic));
        let mut conversation = Conversation { begun_by: Side::Nic, nic: end, peer: end, mss: 0 };
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
        builder.udp(40_000, 53).write(&mut frame, b"question").unwrap();
        let before = Before::of(&frame).unwrap();
        let is_known = |conversation: &Conversation| conversation.peer.unwrap().sending.is_some();
        for (host, sends, kept) in [(1, nic, true), (1, other, false), (2, nic, false)] {
            conversation.learn(Side::Peer, HostIx(1), Flow::of(nic));
            conversation.set_sending(Side::Peer, &before, &frame);
            assert!(is_known(&conversation));
            conversation.learn(Side::Peer, HostIx(host), Flow::of(sends));
            assert_eq!(is_known(&conversation), kept);
            assert_eq!(conversation.peer.map(|end| (end.host, end.sends)), Some((HostIx(host), Flow::of(sends))));
        }
        assert_eq!(conversation.nic, end);
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

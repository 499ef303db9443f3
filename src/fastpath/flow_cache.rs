//! Memos of flows, found by what forwarding looks at.
//!
//! A table of [`Entry`]s, two cache lines each, in a window of [`WINDOW`] places from where the flow's hash says. It doubles while it is more than half full, up to a
//! limit; from there on a new flow takes the place of an old one. Entries of an older program are overwritten by their own flow's next packet, or by another flow.

use crate::dataplane::conntrack::{Absence, SessionRef};
use crate::dataplane::{State, Touch};
use crate::program::HostIx;
use crate::time::SimTime;
use crate::wire::{FlowHead, rewrite};

/// Sessions that a memo can hold.
pub(super) const TOUCHES_MAX: usize = 4;
/// Places that a flow may lie in.
const WINDOW: usize = 32;
const PLACES_MIN: usize = 1_024;

/// A guard of the memo left out, to see that the equivalence test misses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    /// None left out.
    #[default]
    None,
    /// Memos outlive their program.
    IgnoresEpoch,
    /// A session that came back in the same place passes for the old one.
    IgnoresGeneration,
    /// A flow that was untracked stays so.
    IgnoresAbsence,
    /// Sessions are not renewed.
    DoesNotRenew,
    /// The time to live is not looked at.
    IgnoresTimeToLive,
    /// Packets longer than any seen pass.
    IgnoresLength,
    /// Ethernet addresses are not compared.
    IgnoresEthernet,
    /// The sender is not compared.
    IgnoresSender,
    /// Checksums stay as they were.
    KeepsChecksums,
    /// Sessions that expired pass.
    IgnoresExpiry,
    /// Packets that passed by memo are not counted.
    DoesNotCount,
}

impl Mutant {
    /// Every mutant; the number of each is its position plus one.
    pub const ALL: [Mutant; 11] = [
        Mutant::IgnoresEpoch,
        Mutant::IgnoresGeneration,
        Mutant::IgnoresAbsence,
        Mutant::DoesNotRenew,
        Mutant::IgnoresTimeToLive,
        Mutant::IgnoresLength,
        Mutant::IgnoresEthernet,
        Mutant::IgnoresSender,
        Mutant::KeepsChecksums,
        Mutant::IgnoresExpiry,
        Mutant::DoesNotCount,
    ];

    /// The mutant of a number; 0 is none.
    pub const fn of(number: u8) -> Mutant {
        match number {
            0 => Mutant::None,
            number => Mutant::ALL[number as usize - 1],
        }
    }

    #[inline(always)]
    pub(super) const fn is(self, other: Mutant) -> bool {
        self as u8 == other as u8
    }
}

/// What packets of one flow have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    addresses: u64,
    /// Ports, and the sender.
    ports_sender: u64,
    macs_first: u64,
    /// The rest of the Ethernet addresses, and the protocol; never zero.
    macs_last_protocol: u64,
}

impl Key {
    #[inline(always)]
    pub(super) fn of(head: &FlowHead, sender: HostIx, mutant: Mutant) -> Key {
        let sender = if mutant.is(Mutant::IgnoresSender) { 0 } else { sender.0 };
        let (macs_first, macs_last) =
            if mutant.is(Mutant::IgnoresEthernet) { (0, 0) } else { (head.macs_first, head.macs_last) };
        Key {
            addresses: head.addresses,
            ports_sender: u64::from(head.ports) << 32 | u64::from(sender),
            macs_first,
            macs_last_protocol: u64::from(macs_last) << 32 | u64::from(head.protocol),
        }
    }

    /// Ethernet addresses and protocol seldom tell flows apart: they are compared, not hashed.
    #[inline(always)]
    pub(super) fn hash(&self) -> u64 {
        let both = fold(self.addresses ^ 0xbf58_476d_1ce4_e5b9, self.ports_sender ^ 0x94d0_49bb_1331_11eb);
        fold(both, 0x9e37_79b9_7f4a_7c15)
    }
}

/// Both halves of a product: every bit of the factors reaches the low bits.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// What a walk did with a packet of the flow.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Entry {
    // First cache line: whether the memo admits a packet.
    key: Key,
    touches: [SessionRef; 3],
    epoch: u32,
    /// Two bits for each touch: 0 none, 1 tracked, 2 absent, 3 translated; then the fourth touch's.
    kinds: u8,
    ttl_decrement: u8,
    /// The longest packet that was seen to pass.
    total_bytes_max: u16,
    // Second: what to do with it.
    fourth: SessionRef,
    path: u32,
    macs: [u8; 12],
    addresses: [u8; 8],
    ports: [u8; 4],
    /// What the checksums change by (one's complement sums).
    ip_delta: u16,
    transport_delta: u16,
    rewrites: bool,
}

const _: () = assert!(size_of::<Entry>() <= 128);

const TRACKED: u8 = 1;
const ABSENT: u8 = 2;
const TRANSLATED: u8 = 3;

/// Headers before or after a walk: what a memo may change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    bytes: [u8; rewrite::HEADERS_BYTES],
    length: usize,
}

impl Snapshot {
    pub(super) fn of(frame: &[u8]) -> Snapshot {
        let length = frame.len().min(rewrite::HEADERS_BYTES);
        let mut bytes = [0; rewrite::HEADERS_BYTES];
        bytes[..length].copy_from_slice(&frame[..length]);
        Snapshot { bytes, length }
    }

    fn frame(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Entry {
    /// The memo of a walk that made `after` of `before`; `None` if applying it would not: the walk changed more than a memo can.
    pub(super) fn of(
        key: Key,
        head: &FlowHead,
        before: &Snapshot,
        after: &Snapshot,
        touches: &[Touch],
        (epoch, path): (u32, u32),
    ) -> Option<Entry> {
        let h = after.frame();
        let bytes = |at: usize, count: usize| h.get(at..at + count);
        let mut entry = Entry {
            key,
            epoch,
            path,
            total_bytes_max: head.total_bytes,
            ttl_decrement: head.ttl.checked_sub(*h.get(rewrite::TTL_AT)?)?,
            macs: bytes(0, 12)?.try_into().ok()?,
            addresses: bytes(rewrite::ADDRESSES_AT, 8)?.try_into().ok()?,
            ports: bytes(rewrite::PORTS_AT, 4)?.try_into().ok()?,
            ..Entry::default()
        };
        let change = rewrite::Change::between(before.frame(), h)?;
        (entry.ip_delta, entry.transport_delta) = (change.ip_delta, change.transport_delta);
        entry.rewrites = entry.ip_delta != 0
            || entry.transport_delta != 0
            || before.frame().get(rewrite::ADDRESSES_AT..)
                != bytes(rewrite::ADDRESSES_AT, h.len() - rewrite::ADDRESSES_AT);
        for (position, touch) in touches.iter().enumerate() {
            let (kind, reference) = match *touch {
                Touch::Tracked(session) => (TRACKED, session),
                Touch::Translated(session) => (TRANSLATED, session),
                Touch::Untracked(Absence { bucket, version }) => {
                    (ABSENT, SessionRef { place: bucket, generation: version })
                }
                Touch::Volatile => return None,
            };
            entry.kinds |= kind << (position * 2);
            match entry.touches.get_mut(position) {
                Some(place) => *place = reference,
                None if position == 3 => entry.fourth = reference,
                None => return None,
            }
        }
        let mut tried = *before;
        entry.rewrite(&mut tried.bytes[..before.length], head.protocol, Mutant::None);
        (tried.frame() == h).then_some(entry)
    }

    /// Whether the walk would do with a packet what it did with the one it was made of.
    #[inline(always)]
    pub(super) fn admits(&self, head: &FlowHead, epoch: u32, state: &State, now: SimTime, mutant: Mutant) -> bool {
        let ttl_is_left =
            self.ttl_decrement == 0 || head.ttl > self.ttl_decrement || mutant.is(Mutant::IgnoresTimeToLive);
        (self.epoch == epoch || mutant.is(Mutant::IgnoresEpoch))
            && ttl_is_left
            && (head.total_bytes <= self.total_bytes_max || mutant.is(Mutant::IgnoresLength))
            && self.touches_hold(state, now, mutant)
    }

    /// Whether all sessions touched are as they were when the walk was over.
    #[inline(always)]
    pub(super) fn touches_hold(&self, state: &State, now: SimTime, mutant: Mutant) -> bool {
        let mut kinds = self.kinds;
        let mut position = 0;
        while kinds != 0 {
            let touch = self.touch(position);
            let holds = match kinds & 3 {
                TRACKED => {
                    let there = || state.conntrack.generation_at(touch.place);
                    state.conntrack.is_alive(mutate(touch, mutant, there), mutate_now(now, mutant))
                }
                TRANSLATED => {
                    let there = || state.nat.generation_at(touch.place);
                    state.nat.is_alive(mutate(touch, mutant, there), mutate_now(now, mutant))
                }
                _ => {
                    mutant.is(Mutant::IgnoresAbsence)
                        || state.conntrack.is_absent(Absence { bucket: touch.place, version: touch.generation })
                }
            };
            if !holds {
                return false;
            }
            kinds >>= 2;
            position += 1;
        }
        true
    }

    /// A load of the first session, so that later loads find it near.
    #[inline(always)]
    pub(super) fn first_session(&self, state: &State) -> u32 {
        match self.kinds & 3 {
            TRACKED => state.conntrack.generation_at(self.touches[0].place),
            TRANSLATED => state.nat.generation_at(self.touches[0].place),
            _ => 0,
        }
    }

    #[inline(always)]
    fn touch(&self, position: usize) -> SessionRef {
        self.touches.get(position).copied().unwrap_or(self.fourth)
    }

    /// Does what the walk did with a packet that is admitted; returns its path.
    #[inline(always)]
    pub(super) fn apply(&self, frame: &mut [u8], protocol: u8, state: &mut State, now: SimTime, mutant: Mutant) -> u32 {
        self.rewrite(frame, protocol, mutant);
        let mut kinds = self.kinds;
        let mut position = 0;
        while kinds != 0 && !mutant.is(Mutant::DoesNotRenew) {
            match kinds & 3 {
                TRACKED => state.conntrack.renew(self.touch(position), now),
                TRANSLATED => state.nat.renew(self.touch(position), now),
                _ => {}
            }
            kinds >>= 2;
            position += 1;
        }
        self.path
    }

    #[inline(always)]
    fn rewrite(&self, frame: &mut [u8], protocol: u8, mutant: Mutant) {
        if let Some(macs) = frame.first_chunk_mut::<12>() {
            *macs = self.macs;
        }
        if self.rewrites {
            let change = rewrite::Change {
                ttl_decrement: self.ttl_decrement,
                addresses: self.addresses,
                ports: self.ports,
                ip_delta: if mutant.is(Mutant::KeepsChecksums) { 0 } else { self.ip_delta },
                transport_delta: if mutant.is(Mutant::KeepsChecksums) { 0 } else { self.transport_delta },
            };
            change.apply(frame, protocol);
        }
    }
}

#[inline(always)]
fn mutate(touch: SessionRef, mutant: Mutant, generation: impl Fn() -> u32) -> SessionRef {
    match mutant {
        Mutant::IgnoresGeneration => SessionRef { generation: generation(), ..touch },
        _ => touch,
    }
}

#[inline(always)]
fn mutate_now(now: SimTime, mutant: Mutant) -> SimTime {
    if mutant.is(Mutant::IgnoresExpiry) { SimTime::ZERO } else { now }
}

/// Memos by flow.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowCache {
    /// A power of two of places, or none yet.
    places: Vec<Entry>,
    used: usize,
    places_max: usize,
}

impl FlowCache {
    /// An empty cache for up to `flows_max` flows, or a few more; for none if that is 0.
    pub(super) fn new(flows_max: usize) -> Self {
        let places_max = if flows_max == 0 { 0 } else { (flows_max.max(PLACES_MIN) * 2).next_power_of_two() };
        FlowCache { places: Vec::new(), used: 0, places_max }
    }

    /// Where a flow's window begins.
    #[inline(always)]
    pub(super) fn home(&self, key: &Key) -> usize {
        key.hash() as usize & self.places.len().wrapping_sub(1)
    }

    /// Where the flow's memo is.
    #[inline(always)]
    pub(super) fn find(&self, key: &Key, home: usize) -> Option<usize> {
        let mask = self.places.len().wrapping_sub(1);
        for offset in 0..WINDOW {
            let at = home.wrapping_add(offset) & mask;
            let entry = self.places.get(at)?;
            if entry.key == *key {
                return Some(at);
            }
            if entry.key.macs_last_protocol == 0 {
                return None;
            }
        }
        None
    }

    /// A load of the first line of a place, so that later loads find it near.
    #[inline(always)]
    pub(super) fn first_word(&self, home: usize) -> u64 {
        self.places.get(home).map_or(0, |entry| entry.key.addresses)
    }

    /// The memo at a place.
    #[inline(always)]
    pub(super) fn entry(&self, at: usize) -> Option<&Entry> {
        self.places.get(at)
    }

    /// Puts a memo in, in place of the flow's old one if there is one. A longer packet of the same way raises the limit, never lowers it.
    /// Returns whether there is room for any.
    pub(super) fn insert(&mut self, mut entry: Entry) -> bool {
        if self.places_max == 0 {
            return false;
        }
        let home = self.home(&entry.key);
        if let Some(at) = self.find(&entry.key, home) {
            let old = &self.places[at];
            if old.epoch == entry.epoch && old.path == entry.path {
                entry.total_bytes_max = entry.total_bytes_max.max(old.total_bytes_max);
            }
            self.places[at] = entry;
            return true;
        }
        if (self.used + 1) * 2 > self.places.len() && self.places.len() < self.places_max {
            self.grow();
        }
        self.place(entry);
        true
    }

    fn grow(&mut self) {
        let count = (self.places.len() * 2).max(PLACES_MIN);
        let old = std::mem::replace(&mut self.places, vec![Entry::default(); count]);
        self.used = 0;
        for entry in old.into_iter().filter(|entry| entry.key.macs_last_protocol != 0) {
            self.place(entry);
        }
    }

    /// Into the first free place of the window, or one of an older program, else into the one that the hash says.
    fn place(&mut self, entry: Entry) {
        let (home, mask) = (self.home(&entry.key), self.places.len() - 1);
        let mut window = (0..WINDOW).map(|offset| (home + offset) & mask);
        let is_free = |at: &usize| self.places[*at].key.macs_last_protocol == 0;
        let is_old = |at: &usize| self.places[*at].epoch != entry.epoch;
        let free = window.clone().find(is_free);
        let victim = (home + (entry.key.hash() >> 59) as usize % WINDOW) & mask;
        let at = free.or_else(|| window.find(is_old)).unwrap_or(victim);
        self.used += usize::from(free.is_some());
        self.places[at] = entry;
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Entry>()
    }
}

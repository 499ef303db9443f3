//! A hash index over entries of a slab: four bytes a slot, keys stay in the slab.
//!
//! Open addressing with linear probing; removal shifts back what followed, so there are no tombstones. A slot holds an entry's number and eight bits of its
//! hash, so that probes seldom look into the slab for nothing. Never iterated.

use crate::net::FiveTuple;
use crate::program::NodeIx;

/// What a slot can name.
pub(in crate::dataplane) const ENTRIES_MAX: usize = (1 << 24) - 2;
const SLOTS_MIN: usize = 16;

/// Entries by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Empty, or a power of two of slots: 0, or the hash's upper eight bits and the entry's number plus one.
    slots: Vec<u32>,
    used: usize,
}

impl Index {
    /// The entry with `hash` that `matches`.
    #[inline]
    pub(super) fn find(&self, hash: u64, matches: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash)?;
        // Ends: `insert` keeps a quarter of the slots empty.
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            let entry = entry_of(slot);
            if slot >> 24 == tag(hash) && matches(entry) {
                return Some(entry);
            }
            at = self.after(at);
        }
    }

    /// Adds an entry, which must be below [`ENTRIES_MAX`] and not be there. `hash_of` gives the hash of entries that are.
    pub(super) fn insert(&mut self, hash: u64, entry: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let grown = (self.slots.len() * 2).max(SLOTS_MIN);
            let old = std::mem::replace(&mut self.slots, vec![0; grown]);
            for slot in old.into_iter().filter(|slot| *slot != 0) {
                self.place(hash_of(entry_of(slot)), slot);
            }
        }
        self.used += 1;
        self.place(hash, tag(hash) << 24 | (entry + 1));
    }

    /// Takes an entry out, if it is there.
    pub(super) fn remove(&mut self, hash: u64, entry: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut hole) = self.home(hash) else { return };
        while self.slots[hole] != 0 && entry_of(self.slots[hole]) != entry {
            hole = self.after(hole);
        }
        if self.slots[hole] == 0 {
            return;
        }
        self.used -= 1;
        let mask = self.slots.len() - 1;
        let mut at = self.after(hole);
        while self.slots[at] != 0 {
            // What lies behind the hole moves into it, unless it would come before its home.
            let home = hash_of(entry_of(self.slots[at])) as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.slots[hole] = 0;
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    fn place(&mut self, hash: u64, slot: u32) {
        let Some(mut at) = self.home(hash) else { return };
        while self.slots[at] != 0 {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    #[inline]
    fn home(&self, hash: u64) -> Option<usize> {
        Some(hash as usize & self.slots.len().checked_sub(1)?)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

/// The part of the hash that slots hold; never all that decides the home.
#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 56) as u32
}

#[inline]
fn entry_of(slot: u32) -> u32 {
    (slot & 0x00ff_ffff) - 1
}

/// A hash of a flow as one place sees it.
#[inline]
pub(super) fn flow_hash(place: NodeIx, tuple: &FiveTuple) -> u64 {
    let FiveTuple { protocol, source, destination, source_port, destination_port } = *tuple;
    let addresses = u64::from(u32::from(source)) << 32 | u64::from(u32::from(destination));
    let ports = u64::from(source_port) << 16 | u64::from(destination_port);
    mix(mix(addresses) ^ ports ^ u64::from(protocol.0) << 56 ^ u64::from(place.0) << 32)
}

/// Mixes 64 bits: every bit of the input reaches every bit of the output (the finaliser of splitmix64).
#[inline]
pub(super) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Puts a value into a slab. Slabs grow by an eighth: a table of millions should not lie half empty.
pub(super) fn place<V>(slab: &mut Vec<V>, free: &mut Vec<u32>, value: V) -> u32 {
    match free.pop() {
        Some(at) => {
            slab[at as usize] = value;
            at
        }
        None => {
            if slab.len() == slab.capacity() {
                slab.reserve_exact((slab.len() / 8).max(64));
            }
            slab.push(value);
            slab.len() as u32 - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_a_set(changes in proptest::collection::vec((any::<bool>(), 0u32..200), 0..600), bits in 0u32..64) {
            // Few distinct hashes make long chains.
            let hash_of = |entry: u32| mix(u64::from(entry)) & (!0 >> bits);
            let (mut index, mut set) = (Index::default(), BTreeSet::new());
            for (add, entry) in changes {
                if add && set.insert(entry) {
                    index.insert(hash_of(entry), entry, hash_of);
                } else if !add {
                    set.remove(&entry);
                    index.remove(hash_of(entry), entry, hash_of);
                }
                for entry in 0..200 {
                    let found = index.find(hash_of(entry), |other| other == entry);
                    prop_assert_eq!(found, set.get(&entry).copied());
                }
            }
        }
    }
}

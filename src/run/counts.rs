//! How often each of some things was seen, for counting with every packet.
//!
//! Invariant: what comes out is in the order of the things, whatever the order they were seen in; the hash map finds a thing's place and is never iterated.

use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::Hash;

/// A multiset.
#[derive(Clone, Debug)]
pub(super) struct Counts<K> {
    seen: Vec<(K, u64)>,
    places: FxHashMap<K, usize>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Counts { seen: Vec::new(), places: FxHashMap::default() }
    }
}

impl<K: Copy + Eq + Hash + Ord> Counts<K> {
    /// Counts one more. True if it is the first.
    pub(super) fn add(&mut self, thing: K) -> bool {
        match self.places.get(&thing) {
            Some(place) => {
                self.seen[*place].1 += 1;
                false
            }
            None => {
                self.places.insert(thing, self.seen.len());
                self.seen.push((thing, 1));
                true
            }
        }
    }

    /// All counts.
    pub(super) fn to_map(&self) -> BTreeMap<K, u64> {
        self.seen.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_counts(things in proptest::collection::vec(0u8..20, 0..200)) {
            let (mut counts, mut twin) = (Counts::default(), BTreeMap::new());
            for thing in things {
                let count: &mut u64 = twin.entry(thing).or_default();
                *count += 1;
                prop_assert_eq!(counts.add(thing), *count == 1);
            }
            prop_assert_eq!(counts.to_map(), twin);
        }
    }
}

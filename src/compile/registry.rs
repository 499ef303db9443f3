//! Keys to dense indices, append-only: the memory that keeps programs of one run comparable.

use crate::program::Named;
use std::collections::BTreeMap;

/// Indices, and the last known names, of everything of one kind that was ever seen.
#[derive(Clone, Debug)]
pub(super) struct Registry<K> {
    indices: BTreeMap<K, u32>,
    entries: Vec<(K, Named)>,
}

impl<K> Default for Registry<K> {
    fn default() -> Self {
        Registry { indices: BTreeMap::new(), entries: Vec::new() }
    }
}

impl<K: Ord + Clone> Registry<K> {
    /// The index of `key`, a new one if it was never seen. `name` replaces the name it had.
    pub(super) fn enrol(&mut self, key: K, name: Named) -> u32 {
        if let Some(&index) = self.indices.get(&key) {
            self.entries[index as usize].1 = name;
            return index;
        }
        let index = self.entries.len() as u32;
        self.indices.insert(key.clone(), index);
        self.entries.push((key, name));
        index
    }

    /// The index of `key`, if it was ever seen.
    pub(super) fn index(&self, key: &K) -> Option<u32> {
        self.indices.get(key).copied()
    }

    /// Keys by index.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Keys and names by index.
    pub(super) fn entries(&self) -> impl Iterator<Item = &(K, Named)> {
        self.entries.iter()
    }

    /// Names by index.
    pub(super) fn names(&self) -> Box<[Named]> {
        self.entries.iter().map(|(_, name)| name.clone()).collect()
    }

    /// Keys in their own order, with their indices.
    pub(super) fn indices(&self) -> impl Iterator<Item = (&K, u32)> {
        self.indices.iter().map(|(key, index)| (key, *index))
    }

    /// How many indices were given.
    pub(super) fn len(&self) -> u32 {
        self.entries.len() as u32
    }
}

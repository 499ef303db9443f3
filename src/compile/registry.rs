//! Keys to dense indices, append-only: the memory that keeps programs of one run comparable.

use crate::model::Shared;
use crate::program::Named;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Indices, and the last known names, of everything of one kind that was ever seen. Clones share until something new is seen.
#[derive(Clone, Debug)]
pub(super) struct Registry<K> {
    indices: Shared<BTreeMap<K, u32>>,
    entries: Shared<Vec<(K, Named)>>,
}

impl<K> Default for Registry<K> {
    fn default() -> Self {
        Registry { indices: BTreeMap::new().into(), entries: Vec::new().into() }
    }
}

impl<K: Ord + Clone> Registry<K> {
    /// The index of `key`, a new one if it was never seen. `name` replaces the name it had.
    pub(super) fn enrol(&mut self, key: K, name: Named) -> u32 {
        if let Some(&index) = self.indices.get(&key) {
            if self.entries[index as usize].1 != name {
                self.entries[index as usize].1 = name;
            }
            return index;
        }
        let index = self.entries.len() as u32;
        self.indices.insert(key.clone(), index);
        self.entries.push((key, name));
        index
    }

    /// The index of `key`, if it was ever seen.
    pub(super) fn index<Q: Ord + ?Sized>(&self, key: &Q) -> Option<u32>
    where
        K: std::borrow::Borrow<Q>,
    {
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
    pub(super) fn names(&self) -> Arc<[Named]> {
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

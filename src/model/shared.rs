//! Collections that clones of a model share until one of them writes.
//!
//! The control plane works on a copy of the model, so that a refused call leaves no trace; with these a copy costs a few reference counts, and what two models
//! share can be recognised without looking inside ([`Shared::is_same`]): the compiler reuses what it made of it.
//! Invariant: a write through `DerefMut` copies what is shared first. So do not borrow mutably without writing.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A value shared between clones; copied by the first write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both are one and the same value in memory: equal, without a look inside. Two that are not may still be equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Shared(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a, K, V> IntoIterator for &'a Shared<BTreeMap<K, V>> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::collections::btree_map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a Shared<Vec<T>> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> FromIterator<T> for Shared<Vec<T>> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Shared::from(items.into_iter().collect::<Vec<T>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_one_until_somebody_writes() {
        let first: Shared<BTreeMap<u8, u8>> = BTreeMap::from([(1, 2)]).into();
        let mut second = first.clone();
        assert!(first.is_same(&second));
        second.insert(3, 4);
        assert!(!first.is_same(&second));
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_eq!((&second).into_iter().count(), 2);
    }
}

//! The values of a table's routes, each kept once: many routes share few next hops.
//!
//! A value's number is its place; entries of the tables are numbers. Number 0 is "no route". Numbers of values that no route has any more are given
//! out again, so a table that changes for ever does not grow. The map is never iterated: its order has no influence.

use super::routes::Route;
use crate::net::Ipv4Net;
use rustc_hash::FxHashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Values by number and numbers by value.
#[derive(Clone)]
pub(super) struct Values<T> {
    /// What lookups read. The first is `None`; so are those that are free.
    slots: Arc<[Option<T>]>,
    book: Arc<Book<T>>,
}

/// What only changes read.
#[derive(Clone)]
struct Book<T> {
    numbers: FxHashMap<T, u32>,
    /// How many routes have the value.
    routes: Vec<u32>,
    free: Vec<u32>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Values {
            slots: Arc::new([]),
            book: Arc::new(Book { numbers: FxHashMap::default(), routes: Vec::new(), free: Vec::new() }),
        }
    }
}

impl<T: Copy> Values<T> {
    /// The value with this number.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<T> {
        *self.slots.get(number as usize)?
    }

    /// One more than the greatest number.
    pub(super) fn numbers_end(&self) -> usize {
        self.book.routes.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let book = &self.book;
        let words = book.routes.capacity() + book.free.capacity();
        // A hash table's slot: key, number, a byte of control.
        let slot_bytes = size_of::<(T, u32)>() + 1;
        size_of_val::<[Option<T>]>(&self.slots) + words * size_of::<u32>() + book.numbers.capacity() * slot_bytes
    }
}

impl<T: Copy + Eq + Hash> Values<T> {
    /// The routes with numbers for values. No value counts as used yet: see [`Values::settle`].
    pub(super) fn number_all(routes: &[(Ipv4Net, T)]) -> (Self, Vec<Route>) {
        let mut numbers = FxHashMap::default();
        let mut slots = vec![None];
        // Neighbours in a table often share a value.
        let mut last = None;
        let mut number_of = |value: T| match last {
            Some((last_value, number)) if last_value == value => number,
            _ => {
                let number = *numbers.entry(value).or_insert_with(|| {
                    slots.push(Some(value));
                    slots.len() as u32 - 1
                });
                last = Some((value, number));
                number
            }
        };
        let numbered = routes.iter().map(|(cidr, value)| Route { prefix: (*cidr).into(), number: number_of(*value) });
        let numbered = numbered.collect();
        let routes = vec![0; slots.len()];
        (Values { slots: slots.into(), book: Arc::new(Book { numbers, routes, free: Vec::new() }) }, numbered)
    }

    /// Counts the routes that are there after all, and frees the values that have none.
    pub(super) fn settle(&mut self, numbers: impl Iterator<Item = u32>) {
        let book = Arc::make_mut(&mut self.book);
        for number in numbers {
            book.routes[number as usize] += 1;
        }
        let unused: Vec<u32> =
            (1u32..).zip(&book.routes[1..]).filter(|(_, count)| **count == 0).map(|(n, _)| n).collect();
        for number in unused {
            self.free(number);
        }
    }

    /// The number of `value` for one more route.
    pub(super) fn acquire(&mut self, value: T) -> u32 {
        let book = Arc::make_mut(&mut self.book);
        if let Some(number) = book.numbers.get(&value) {
            book.routes[*number as usize] += 1;
            return *number;
        }
        let number = match book.free.pop() {
            Some(number) => number,
            None => {
                // The first number is 1.
                book.routes.resize(book.routes.len().max(1) + 1, 0);
                book.routes.len() as u32 - 1
            }
        };
        book.routes[number as usize] = 1;
        book.numbers.insert(value, number);
        if number as usize >= self.slots.len() {
            let more = self.slots.len().max(2);
            self.slots = self.slots.iter().copied().chain(std::iter::repeat_n(None, more)).collect();
        }
        Arc::make_mut(&mut self.slots)[number as usize] = Some(value);
        number
    }

    /// One route less has the value with this number.
    pub(super) fn release(&mut self, number: u32) {
        let book = Arc::make_mut(&mut self.book);
        book.routes[number as usize] -= 1;
        if book.routes[number as usize] == 0 {
            self.free(number);
        }
    }

    fn free(&mut self, number: u32) {
        let book = Arc::make_mut(&mut self.book);
        if let Some(value) = Arc::make_mut(&mut self.slots)[number as usize].take() {
            book.numbers.remove(&value);
            book.free.push(number);
        }
    }
}

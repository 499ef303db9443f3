//! The routes a table was made from, in order of network and length: what an incremental change asks for the routes around it.
//!
//! In this order a prefix stands before all prefixes inside it, so painting routes one after the other lets the longer ones win. Large lists are
//! cut by the first byte of the network, so that a change copies and moves one part only.

use crate::net::Ipv4Net;
use std::sync::Arc;

/// Lists with more routes are cut into 256 parts. Moving 4,096 routes aside takes a few microseconds.
const ROUTES_UNCUT_MAX: usize = 4_096;
const PARTS: usize = 256;

/// A prefix without host bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Prefix {
    pub(super) network: u32,
    pub(super) length: u8,
}

impl From<Ipv4Net> for Prefix {
    fn from(cidr: Ipv4Net) -> Self {
        Prefix { network: u32::from(cidr.network()), length: cidr.prefix_len() }
    }
}

impl Prefix {
    /// The last address.
    pub(super) fn last(self) -> u32 {
        self.network | u32::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }

    /// The prefix of this length around this one.
    fn shortened(self, length: u8) -> Prefix {
        Prefix { network: self.network & !u32::MAX.checked_shr(u32::from(length)).unwrap_or(0), length }
    }
}

/// A prefix and the number of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) prefix: Prefix,
    pub(super) number: u32,
}

/// Routes in order, each prefix once.
#[derive(Clone, Default)]
pub(super) struct Routes {
    parts: Arc<Vec<Arc<Vec<Route>>>>,
    count: usize,
}

impl Routes {
    /// Of routes with the same prefix the first counts.
    pub(super) fn new(mut routes: Vec<Route>) -> Self {
        // Stable: the first of equals stays first. Tables that are nearly in order, as route collectors write them, are sorted in one pass.
        routes.sort_by_key(|route| route.prefix);
        routes.dedup_by_key(|route| route.prefix);
        let count = routes.len();
        let parts = if count > ROUTES_UNCUT_MAX { cut(&routes) } else { vec![Arc::new(routes)] };
        Routes { parts: Arc::new(parts), count }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Route> {
        self.parts.iter().flat_map(|part| part.iter().copied())
    }

    /// The number of exactly this prefix's value.
    pub(super) fn get(&self, prefix: Prefix) -> Option<u32> {
        let part = self.parts.get(self.part_of(prefix.network))?;
        let at = part.binary_search_by_key(&prefix, |route| route.prefix).ok()?;
        Some(part[at].number)
    }

    /// The value's number of the longest prefix around `prefix`, itself included; 0 if there is none.
    pub(super) fn covering(&self, prefix: Prefix) -> u32 {
        (0..=prefix.length).rev().find_map(|length| self.get(prefix.shortened(length))).unwrap_or(0)
    }

    /// The routes inside `prefix`, without itself, in order.
    pub(super) fn inside(&self, prefix: Prefix) -> impl Iterator<Item = Route> {
        let parts = self.part_of(prefix.network)..self.part_of(prefix.last()) + 1;
        let parts = self.parts.get(parts).unwrap_or_default();
        parts.iter().flat_map(move |part| {
            let begin = part.partition_point(|route| route.prefix <= prefix);
            part[begin..].iter().copied().take_while(move |route| route.prefix.network <= prefix.last())
        })
    }

    /// Sets a route; the number it had.
    pub(super) fn insert(&mut self, prefix: Prefix, number: u32) -> Option<u32> {
        if self.parts.is_empty() {
            self.parts = Arc::new(vec![Arc::default()]);
        }
        let at = self.part_of(prefix.network);
        let part = Arc::make_mut(&mut Arc::make_mut(&mut self.parts)[at]);
        match part.binary_search_by_key(&prefix, |route| route.prefix) {
            Ok(at) => Some(std::mem::replace(&mut part[at].number, number)),
            Err(at) => {
                part.insert(at, Route { prefix, number });
                self.count += 1;
                if self.parts.len() == 1 && self.count > ROUTES_UNCUT_MAX {
                    self.parts = Arc::new(cut(&self.parts[0]));
                }
                None
            }
        }
    }

    /// Takes a route out; the number it had.
    pub(super) fn remove(&mut self, prefix: Prefix) -> Option<u32> {
        let number = self.get(prefix)?;
        let at = self.part_of(prefix.network);
        let part = Arc::make_mut(&mut Arc::make_mut(&mut self.parts)[at]);
        let at = part.binary_search_by_key(&prefix, |route| route.prefix).ok()?;
        part.remove(at);
        if part.len() < part.capacity() / 4 {
            part.shrink_to_fit();
        }
        self.count -= 1;
        Some(number)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let routes: usize = self.parts.iter().map(|part| part.capacity()).sum();
        routes * size_of::<Route>() + self.parts.capacity() * size_of::<Arc<Vec<Route>>>()
    }

    fn part_of(&self, network: u32) -> usize {
        if self.parts.len() == PARTS { (network >> 24) as usize } else { 0 }
    }
}

fn cut(routes: &[Route]) -> Vec<Arc<Vec<Route>>> {
    let mut parts = Vec::with_capacity(PARTS);
    let mut rest = routes;
    for first_byte in 0..PARTS as u32 {
        let (part, behind) = rest.split_at(rest.partition_point(|route| route.prefix.network >> 24 == first_byte));
        parts.push(Arc::new(part.to_vec()));
        rest = behind;
    }
    parts
}

//! Memos of flows, found by what forwarding looks at.
//!
//! A table of [`Memo`]s, a cache line each, in a window of [`WINDOW`] places from where the flow's hash says. It doubles while it is more than half full, up to a
//! limit; from there on a new flow takes the place of an old one. Memos of an older program are overwritten by their own flow's next packet, or by another flow.

use super::key::Key;
use super::memo::{MORE_TOUCHES, Memo};
use crate::dataplane::conntrack::SessionRef;

/// Places that a flow may lie in.
const WINDOW: usize = 32;
const PLACES_MIN: usize = 1_024;

/// No memo.
pub(super) const NOWHERE: usize = usize::MAX;

/// Memos by flow.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowCache {
    /// A power of two of places, or none yet.
    places: Vec<Memo>,
    /// By place, the touches for which there is no room in a memo; empty until a memo has some.
    more: Vec<[SessionRef; MORE_TOUCHES]>,
    used: usize,
    places_max: usize,
}

impl FlowCache {
    /// An empty cache for up to `flows_max` flows, or a few more; for none if that is 0.
    pub(super) fn new(flows_max: usize) -> Self {
        let places_max = if flows_max == 0 { 0 } else { (flows_max.max(PLACES_MIN) * 2).next_power_of_two() };
        FlowCache { places_max, ..FlowCache::default() }
    }

    /// Where a flow's window begins.
    #[inline(always)]
    pub(super) fn home(&self, key: &Key) -> usize {
        key.hash() as usize & self.places.len().wrapping_sub(1)
    }

    /// Where the flow's memo is; [`NOWHERE`] if there is none.
    #[inline(always)]
    pub(super) fn find(&self, key: &Key, home: usize) -> usize {
        let mask = self.places.len().wrapping_sub(1);
        for offset in 0..WINDOW {
            let at = home.wrapping_add(offset) & mask;
            match self.places.get(at) {
                Some(memo) if memo.key.is(key) => return at,
                Some(memo) if !memo.key.is_none() => {}
                _ => return NOWHERE,
            }
        }
        NOWHERE
    }

    /// A load of a place, so that later loads find it near.
    #[inline(always)]
    pub(super) fn first_byte(&self, home: usize) -> u8 {
        self.places.get(home).map_or(0, |memo| memo.key.protocol())
    }

    /// The memo at a place.
    #[inline(always)]
    pub(super) fn memo(&self, at: usize) -> Option<&Memo> {
        self.places.get(at)
    }

    /// The touches beside the memo at a place.
    pub(super) fn more(&self, at: usize) -> [SessionRef; MORE_TOUCHES] {
        self.more.get(at).copied().unwrap_or_default()
    }

    /// Puts a memo in, in place of the flow's old one if there is one. A longer packet of the same way raises the limit, never lowers it.
    /// Returns whether there is room for any.
    pub(super) fn insert(&mut self, mut memo: Memo, more: [SessionRef; MORE_TOUCHES]) -> bool {
        if self.places_max == 0 {
            return false;
        }
        let at = self.find(&memo.key, self.home(&memo.key));
        if let Some(old) = self.places.get(at) {
            if old.epoch == memo.epoch && old.path == memo.path {
                memo.total_bytes_max = memo.total_bytes_max.max(old.total_bytes_max);
            }
            self.put(at, memo, more);
            return true;
        }
        if (self.used + 1) * 2 > self.places.len() && self.places.len() < self.places_max {
            self.grow();
        }
        self.place(memo, more);
        true
    }

    fn grow(&mut self) {
        let count = (self.places.len() * 2).max(PLACES_MIN);
        let places = std::mem::replace(&mut self.places, vec![Memo::default(); count]);
        let more = std::mem::take(&mut self.more);
        self.used = 0;
        for (at, memo) in places.into_iter().enumerate().filter(|(_, memo)| !memo.key.is_none()) {
            self.place(memo, more.get(at).copied().unwrap_or_default());
        }
    }

    /// Into the first free place of the window, or one of an older program, else into the one that the hash says.
    fn place(&mut self, memo: Memo, more: [SessionRef; MORE_TOUCHES]) {
        let (home, mask) = (self.home(&memo.key), self.places.len() - 1);
        let mut window = (0..WINDOW).map(|offset| (home + offset) & mask);
        let is_free = |at: &usize| self.places[*at].key.is_none();
        let is_old = |at: &usize| self.places[*at].epoch != memo.epoch;
        let free = window.clone().find(is_free);
        let victim = (home + (memo.key.hash() >> 59) as usize % WINDOW) & mask;
        let at = free.or_else(|| window.find(is_old)).unwrap_or(victim);
        self.used += usize::from(free.is_some());
        self.put(at, memo, more);
    }

    fn put(&mut self, at: usize, memo: Memo, more: [SessionRef; MORE_TOUCHES]) {
        if memo.has_more_touches() {
            self.more.resize(self.places.len(), [SessionRef::default(); MORE_TOUCHES]);
            self.more[at] = more;
        }
        self.places[at] = memo;
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Memo>() + self.more.capacity() * size_of::<[SessionRef; MORE_TOUCHES]>()
    }
}

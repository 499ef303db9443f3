//! What observers remember of packets under way, by id.
//!
//! Ids count up and most packets arrive soon, so the map is a window over the latest ids: finding one costs an index. What stays under way for longer than the
//! window is wide moves to a tree, which stays small. Invariants: the window's first place is taken, or the window is empty; all ids in the tree are lower.

use crate::dataplane::PacketId;
use std::collections::{BTreeMap, VecDeque};

/// The window's width, in packet ids; and up to which width it may be nearly empty.
const WINDOW_MAX: u64 = 32_768;
const SPARSE_WINDOW_MAX: u64 = 1_024;

/// A map from packets to `T`, fast for packets that come and go about in order.
#[derive(Clone, Debug)]
pub struct PacketMap<T> {
    window: VecDeque<Option<T>>,
    /// The id of the window's first place.
    first: u64,
    earlier: BTreeMap<PacketId, T>,
    len: usize,
}

impl<T> Default for PacketMap<T> {
    fn default() -> Self {
        PacketMap { window: VecDeque::new(), first: 0, earlier: BTreeMap::new(), len: 0 }
    }
}

impl<T> PacketMap<T> {
    /// How many packets are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no packet is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is remembered of a packet.
    pub fn get(&self, packet: PacketId) -> Option<&T> {
        match self.place(packet) {
            Some(place) => self.window.get(place)?.as_ref(),
            None => self.earlier.get(&packet),
        }
    }

    /// What is remembered of a packet, to be changed.
    pub fn get_mut(&mut self, packet: PacketId) -> Option<&mut T> {
        match self.place(packet) {
            Some(place) => self.window.get_mut(place)?.as_mut(),
            None => self.earlier.get_mut(&packet),
        }
    }

    /// Remembers something of a packet, and returns what was there before.
    pub fn insert(&mut self, packet: PacketId, value: T) -> Option<T> {
        if self.window.is_empty() && self.earlier.last_key_value().is_none_or(|(last, _)| *last < packet) {
            self.first = packet.0;
        }
        let before = match self.place(packet) {
            None => self.earlier.insert(packet, value),
            Some(_) => {
                self.make_room_for(packet);
                let place = (packet.0 - self.first) as usize;
                if place >= self.window.len() {
                    self.window.resize_with(place + 1, || None);
                }
                self.window[place].replace(value)
            }
        };
        self.len += usize::from(before.is_none());
        before
    }

    /// Forgets a packet, and returns what was remembered of it.
    pub fn remove(&mut self, packet: PacketId) -> Option<T> {
        let value = match self.place(packet) {
            Some(place) => self.window.get_mut(place)?.take(),
            None => self.earlier.remove(&packet),
        };
        self.len -= usize::from(value.is_some());
        self.trim();
        value
    }

    /// Forgets the packet of the lowest id.
    pub fn pop_first(&mut self) -> Option<(PacketId, T)> {
        let first = match self.earlier.first_key_value() {
            Some((packet, _)) => *packet,
            None => PacketId(self.first),
        };
        self.remove(first).map(|value| (first, value))
    }

    fn place(&self, packet: PacketId) -> Option<usize> {
        packet.0.checked_sub(self.first).map(|place| place as usize)
    }

    /// Moves the window on so that `packet` fits in.
    fn make_room_for(&mut self, packet: PacketId) {
        // A straggler at the front must not keep it wide: memory that is touched in turn falls out of the caches.
        let width_max = (4 * self.len as u64).clamp(SPARSE_WINDOW_MAX, WINDOW_MAX);
        while packet.0 - self.first >= width_max {
            match self.window.pop_front() {
                Some(leaving) => {
                    self.earlier.extend(leaving.map(|value| (PacketId(self.first), value)));
                    self.first += 1;
                }
                None => self.first = packet.0,
            }
        }
        self.trim();
        if self.window.is_empty() {
            self.first = packet.0;
        }
    }

    fn trim(&mut self) {
        while let Some(None) = self.window.front() {
            self.window.pop_front();
            self.first += 1;
        }
    }
}

impl<T: Default> PacketMap<T> {
    /// What is remembered of a packet; of one not heard of before, the default.
    pub fn get_or_default(&mut self, packet: PacketId) -> &mut T {
        if let Some(place) = self.place(packet)
            && let Some(Some(_)) = self.window.get(place)
        {
            return self.window[place].get_or_insert_with(T::default);
        }
        if self.get(packet).is_none() {
            self.insert(packet, T::default());
        }
        match self.place(packet) {
            Some(place) => self.window[place].get_or_insert_with(T::default),
            None => self.earlier.entry(packet).or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map(calls in proptest::collection::vec((0u8..4, 0u64..100, prop_oneof![Just(1u64), Just(20_000)]), 0..300)) {
            let (mut map, mut twin) = (PacketMap::default(), BTreeMap::new());
            for (call, id, scale) in calls {
                let packet = PacketId(id * scale);
                match call {
                    0 => prop_assert_eq!(map.insert(packet, id), twin.insert(packet, id)),
                    1 => prop_assert_eq!(map.remove(packet), twin.remove(&packet)),
                    2 => {
                        *map.get_or_default(packet) += 1;
                        *twin.entry(packet).or_default() += 1;
                    }
                    _ => prop_assert_eq!(map.pop_first(), twin.pop_first()),
                }
                prop_assert_eq!((map.len(), map.is_empty()), (twin.len(), twin.is_empty()));
                prop_assert_eq!(map.get(packet), twin.get(&packet));
                prop_assert_eq!(map.get_mut(packet).copied(), twin.get(&packet).copied());
                prop_assert!(map.window.front().is_none_or(Option::is_some));
                prop_assert!(map.window.len() as u64 <= WINDOW_MAX);
            }
        }
    }
}

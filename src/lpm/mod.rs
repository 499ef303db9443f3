//! The forwarding table (FIB): longest-prefix match in at most three loads.
//!
//! Shape: 16-8-8 strides. `root` has an entry for each value of an address's upper 16 bits; an entry is a route, nothing, or a block of 256
//! entries for the next 8 bits, whose entries may in turn be blocks for the last 8. Worked example, routes 0.0.0.0/0 -> A, 52.94.0.0/22 -> B and
//! 52.94.2.72/32 -> C:
//!
//! ```text
//! root[0x345e (52.94)] = block 0;  every other root entry = A
//! block 0 [0..=3] = B, but [2] = block 1;  [4..=255] = A
//! block 1 [72] = C;  the others B
//! ```
//!
//! A table takes 256 KiB plus 1 KiB a block: it fits a core's second-level cache, where a match costs 8-10 ns. Parts are shared between clones, so
//! publishing a program that left a table alone copies nothing. Non-goals: incremental change (tables are rebuilt, ~50 us), IPv6.
//! Invariants: exact for prefix lengths 0..=32; a lookup neither allocates nor panics.

#[cfg(test)]
mod naive;

use crate::net::Ipv4Net;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// An entry with this bit is a block's number; without it, 0 is "no route" and n is `values[n - 1]`.
const BLOCK: u32 = 1 << 31;
const BLOCK_ENTRIES: usize = 256;
const ROOT_ENTRIES: usize = 1 << 16;

/// A forwarding table. The empty one ([`Fib::default`]) takes no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fib<T: Copy> {
    root: Arc<[u32]>,
    blocks: Arc<[u32]>,
    values: Arc<[T]>,
}

impl<T: Copy> Default for Fib<T> {
    fn default() -> Self {
        Fib { root: Arc::new([]), blocks: Arc::new([]), values: Arc::new([]) }
    }
}

impl<T: Copy> Fib<T> {
    /// Builds a table. Of several routes with an equal prefix the first counts and the others are ignored: who compiles route tables puts the preferred one
    /// first. Host bits are cleared.
    pub fn build(routes: &[(Ipv4Net, T)]) -> Self {
        let mut ordered: Vec<(Ipv4Net, T)> = routes.iter().map(|(cidr, value)| (cidr.trunc(), *value)).collect();
        // Shorter prefixes first, so that longer ones paint over them. Stable: the first of equals stays first.
        ordered.sort_by_key(|(cidr, _)| (cidr.prefix_len(), cidr.network()));
        ordered.dedup_by_key(|(cidr, _)| *cidr);
        if ordered.is_empty() {
            return Fib::default();
        }
        let mut painter = Painter { root: vec![0; ROOT_ENTRIES], blocks: Vec::new() };
        for (number, (cidr, _)) in (1u32..).zip(&ordered) {
            painter.paint(*cidr, number);
        }
        Fib {
            root: painter.root.into(),
            blocks: painter.blocks.into(),
            values: ordered.into_iter().map(|(_, value)| value).collect(),
        }
    }

    /// The value of the longest prefix that contains `destination`.
    #[inline]
    pub fn lookup(&self, destination: Ipv4Addr) -> Option<T> {
        let address = u32::from(destination);
        let mut entry = *self.root.get((address >> 16) as usize)?;
        if entry & BLOCK != 0 {
            entry = self.block_entry(entry, address >> 8)?;
            if entry & BLOCK != 0 {
                entry = self.block_entry(entry, address)?;
            }
        }
        self.values.get((entry as usize).wrapping_sub(1)).copied()
    }

    /// Bytes the table holds, shared with its clones.
    pub fn memory_bytes(&self) -> usize {
        size_of_val::<[u32]>(&self.root) + size_of_val::<[u32]>(&self.blocks) + size_of_val::<[T]>(&self.values)
    }

    #[inline]
    fn block_entry(&self, block: u32, bits: u32) -> Option<u32> {
        self.blocks.get((block & !BLOCK) as usize * BLOCK_ENTRIES + (bits & 0xff) as usize).copied()
    }
}

/// A table being built: routes are painted from short to long.
struct Painter {
    root: Vec<u32>,
    blocks: Vec<u32>,
}

impl Painter {
    fn paint(&mut self, cidr: Ipv4Net, number: u32) {
        let (address, length) = (u32::from(cidr.network()), cidr.prefix_len());
        let at_root = (address >> 16) as usize;
        if length <= 16 {
            // Shorter or equal prefixes came before: no block is here yet.
            self.root[at_root..at_root + (1 << (16 - length))].fill(number);
            return;
        }
        let middle = block_under(&mut self.root[at_root], &mut self.blocks);
        let at_middle = middle + ((address >> 8) & 0xff) as usize;
        if length <= 24 {
            self.blocks[at_middle..at_middle + (1 << (24 - length))].fill(number);
            return;
        }
        let mut entry = self.blocks[at_middle];
        let last = block_under(&mut entry, &mut self.blocks);
        self.blocks[at_middle] = entry;
        let at_last = last + (address & 0xff) as usize;
        self.blocks[at_last..at_last + (1 << (32 - length))].fill(number);
    }
}

/// Where the block under `entry` begins; makes one, filled with what `entry` was, if there is none.
fn block_under(entry: &mut u32, blocks: &mut Vec<u32>) -> usize {
    if *entry & BLOCK == 0 {
        let begin = blocks.len();
        blocks.resize(begin + BLOCK_ENTRIES, *entry);
        *entry = BLOCK | (begin / BLOCK_ENTRIES) as u32;
    }
    (*entry & !BLOCK) as usize * BLOCK_ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn the_worked_example() {
        let fib = Fib::build(&[(net("52.94.0.0/22"), 'B'), (net("0.0.0.0/0"), 'A'), (net("52.94.2.72/32"), 'C')]);
        let at = |text: &str| fib.lookup(text.parse().unwrap());
        assert_eq!(at("52.94.2.72"), Some('C'));
        assert_eq!(at("52.94.2.73"), Some('B'));
        assert_eq!(at("52.94.3.255"), Some('B'));
        assert_eq!(at("52.94.4.0"), Some('A'));
        assert_eq!(at("255.255.255.255"), Some('A'));
        assert_eq!(fib.memory_bytes(), (65_536 + 2 * 256 + 3) * 4);
    }

    #[test]
    fn the_empty_table_matches_nothing_and_takes_nothing() {
        let fib = Fib::<u8>::build(&[]);
        assert_eq!(fib.lookup(Ipv4Addr::UNSPECIFIED), None);
        assert_eq!(fib.memory_bytes(), 0);
    }

    #[test]
    fn of_equal_prefixes_the_first_counts_whatever_their_host_bits() {
        let fib = Fib::build(&[(net("10.0.0.7/24"), 1), (net("10.0.0.0/24"), 2)]);
        assert_eq!(fib.lookup(Ipv4Addr::new(10, 0, 0, 1)), Some(1));
        assert_eq!(fib.lookup(Ipv4Addr::new(10, 0, 1, 0)), None);
    }

    /// Prefixes that nest: few addresses, all lengths.
    fn prefix() -> impl Strategy<Value = Ipv4Net> {
        let address = prop_oneof![
            any::<u32>(),
            proptest::sample::select(vec![
                0u32,
                u32::MAX,
                0x345e_0000,
                0x345e_0248,
                0x345e_02ff,
                0x345e_ffff,
                0x8000_0000
            ])
        ];
        (address, 0u8..=32).prop_map(|(address, length)| Ipv4Net::new_assert(address.into(), length))
    }

    proptest! {
        #[test]
        fn equals_the_naive_twin(
            routes in proptest::collection::vec((prefix(), any::<u16>()), 0..60), probes in proptest::collection::vec(any::<u32>(), 20)
        ) {
            let fib = Fib::build(&routes);
            // Every boundary of every prefix, one inside and one outside, and random addresses.
            let edges = routes.iter().flat_map(|(cidr, _)| {
                let (first, last) = (u32::from(cidr.network()), u32::from(cidr.broadcast()));
                [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
            });
            for address in edges.chain(probes).map(Ipv4Addr::from) {
                prop_assert_eq!(fib.lookup(address), naive::lookup(&routes, address), "{}", address);
            }
        }
    }
}

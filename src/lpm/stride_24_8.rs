//! The shape for large tables: strides of 24 and 8 bits, entries of 16 bits.
//!
//! `root` has an entry for each value of an address's upper 24 bits: 32 MiB. An entry is the number of a value or, with its highest bit, of a block:
//! 256 entries for the last 8 bits. Routes of the Internet are hardly ever longer than 24 bits, so nearly every lookup is one load, and that load is
//! all it waits for. Two neighbours are read as one word of 32 bits, because processors that gather (see the 16-8-8 shape) gather words.
//! Bounds: 32,767 values, 32,768 blocks; who needs more takes the other shape.

use super::ValueIx;
use super::pages::Pages;
use super::routes::{Prefix, Route};
use pulp::{Arch, Simd, WithSimd};
use std::net::Ipv4Addr;

/// An entry with this bit is a block's number; without it, a value's.
const BLOCK: u16 = 1 << 15;
const BLOCK_ENTRIES: usize = 256;
const BLOCKS_MAX: usize = 1 << 15;
const ROOT_ENTRIES: usize = 1 << 24;
const ROOT_WORDS: usize = ROOT_ENTRIES / 2;
/// Lookups between two looks at whether any of them met a block.
const GROUP: usize = 64;

/// No entry can hold another value's or block's number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The tables.
#[derive(Clone)]
pub(super) struct Stride24 {
    root: Pages,
    blocks: Vec<u16>,
    /// Numbers of blocks that are free.
    free: Vec<u16>,
    processor: Arch,
}

impl Stride24 {
    /// A table of routes in order, whose numbers are below `numbers_end`.
    pub(super) fn new(routes: impl Iterator<Item = Route>, numbers_end: usize) -> Result<Self, Full> {
        if numbers_end > usize::from(BLOCK) {
            return Err(Full);
        }
        let root = Pages::zeroed(ROOT_ENTRIES * size_of::<u16>());
        let mut table = Stride24 { root, blocks: Vec::new(), free: Vec::new(), processor: Arch::new() };
        table.paint(routes)?;
        Ok(table)
    }

    /// Whether an entry can hold this number.
    pub(super) fn has_room_for(&self, number: u32) -> bool {
        number < u32::from(BLOCK)
    }

    /// The number of the longest prefix around `address`; 0 if there is none.
    #[inline]
    pub(super) fn lookup(&self, address: u32) -> u32 {
        let entry = self.root.halves().get((address >> 8) as usize).copied().unwrap_or(0);
        if entry & BLOCK == 0 { u32::from(entry) } else { self.block_entry(entry, address) }
    }

    /// [`Stride24::lookup`] for many.
    pub(super) fn lookup_batch(&self, destinations: &[Ipv4Addr], out: &mut [ValueIx]) {
        if let Ok(root) = self.root.words().try_into() {
            self.processor.dispatch(Batch { table: self, root, destinations, out });
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.root.len_bytes() + (self.blocks.capacity() + self.free.capacity()) * size_of::<u16>()
    }

    /// Blocks that are not free.
    #[cfg(test)]
    pub(super) fn blocks_in_use(&self) -> usize {
        self.blocks.len() / BLOCK_ENTRIES - self.free.len()
    }

    /// Makes what `prefix` covers anew: `number` is that of the longest prefix around it, `inside` are the routes in it. After an error the table is
    /// of no use.
    pub(super) fn repaint(
        &mut self,
        prefix: Prefix,
        number: u32,
        inside: impl Iterator<Item = Route>,
    ) -> Result<(), Full> {
        self.paint(std::iter::once(Route { prefix, number }).chain(inside))?;
        self.tidy(prefix);
        Ok(())
    }

    /// Overwrites what the prefixes cover, one after the other.
    fn paint(&mut self, routes: impl Iterator<Item = Route>) -> Result<(), Full> {
        let Stride24 { root, blocks, free, processor: _ } = self;
        let root = root.halves_mut();
        for Route { prefix: Prefix { network, length }, number } in routes {
            let number = u16::try_from(number).ok().filter(|number| number & BLOCK == 0).ok_or(Full)?;
            let at_root = (network >> 8) as usize;
            if length <= 24 {
                let entries = &mut root[at_root..at_root + (1 << (24 - length))];
                if !blocks.is_empty() {
                    free.extend(entries.iter().filter(|entry| **entry & BLOCK != 0).map(|entry| entry & !BLOCK));
                }
                entries.fill(number);
                continue;
            }
            let entry = &mut root[at_root];
            if *entry & BLOCK == 0 {
                let block = match free.pop() {
                    Some(block) => block,
                    None if blocks.len() == BLOCKS_MAX * BLOCK_ENTRIES => return Err(Full),
                    None => {
                        blocks.resize(blocks.len() + BLOCK_ENTRIES, 0);
                        (blocks.len() / BLOCK_ENTRIES - 1) as u16
                    }
                };
                let begin = usize::from(block) * BLOCK_ENTRIES;
                blocks[begin..begin + BLOCK_ENTRIES].fill(*entry);
                *entry = BLOCK | block;
            }
            let at = usize::from(*entry & !BLOCK) * BLOCK_ENTRIES + (network & 0xff) as usize;
            blocks[at..at + (1 << (32 - length))].fill(number);
        }
        Ok(())
    }

    /// Frees the block around `prefix` if it says the same everywhere.
    fn tidy(&mut self, prefix: Prefix) {
        let entry = &mut self.root.halves_mut()[(prefix.network >> 8) as usize];
        if prefix.length <= 24 || *entry & BLOCK == 0 {
            return;
        }
        let begin = usize::from(*entry & !BLOCK) * BLOCK_ENTRIES;
        let block = &self.blocks[begin..begin + BLOCK_ENTRIES];
        if block.iter().all(|number| *number == block[0]) {
            self.free.push(*entry & !BLOCK);
            *entry = block[0];
        }
    }

    /// Looks into the blocks that a group met, if `any` of its entries is one. Rare, hence apart: the first loop has no branch and no second load.
    #[inline]
    fn finish(&self, any: u32, destinations: &[Ipv4Addr], out: &mut [ValueIx]) {
        if any & u32::from(BLOCK) == 0 {
            return;
        }
        for (destination, number) in destinations.iter().zip(out) {
            let entry = number.0 as u16;
            if entry & BLOCK != 0 {
                *number = ValueIx(self.block_entry(entry, u32::from(*destination)));
            }
        }
    }

    #[inline]
    fn block_entry(&self, entry: u16, address: u32) -> u32 {
        let at = usize::from(entry & !BLOCK) * BLOCK_ENTRIES + (address & 0xff) as usize;
        self.blocks.get(at).copied().map_or(0, u32::from)
    }
}

/// Many lookups.
struct Batch<'a> {
    table: &'a Stride24,
    root: &'a [u32; ROOT_WORDS],
    destinations: &'a [Ipv4Addr],
    out: &'a mut [ValueIx],
}

impl WithSimd for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let count = self.destinations.len().min(self.out.len());
        let (destinations, last_destinations) = self.destinations[..count].as_chunks::<GROUP>();
        let (out, last_out) = self.out[..count].as_chunks_mut::<GROUP>();
        for (destinations, out) in destinations.iter().zip(out) {
            let any = look_up(self.root, destinations, out);
            self.table.finish(any, destinations, out);
        }
        let any = look_up(self.root, last_destinations, last_out);
        self.table.finish(any, last_destinations, last_out);
    }
}

/// The entries of the root, and in one word the bits of all of them. A function of its own, because the compiler knows of parameters that they do not
/// overlap; of a structure's members it does not, and then does not gather.
#[inline(always)]
fn look_up(root: &[u32; ROOT_WORDS], destinations: &[Ipv4Addr], out: &mut [ValueIx]) -> u32 {
    let mut any = 0;
    for (destination, number) in destinations.iter().zip(out) {
        let address = u32::from(*destination);
        let entry = half_of(root[(address >> 9) as usize], address >> 8);
        *number = ValueIx(entry);
        any |= entry;
    }
    any
}

/// Of the two entries in a word the one at `index`.
#[inline(always)]
fn half_of(word: u32, index: u32) -> u32 {
    let upper = if cfg!(target_endian = "little") { index & 1 } else { !index & 1 };
    word >> (upper * 16) & 0xffff
}

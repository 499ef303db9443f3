//! The shape for tables of a VPC's size: strides of 16, 8 and 8 bits, whose 256 KiB and few blocks fit a core's second-level cache.
//!
//! `root` has an entry for each value of an address's upper 16 bits. An entry is the number of a value or a block: 256 cells for the next 8 bits. Worked
//! example, routes 0.0.0.0/0 -> A, 52.94.0.0/22 -> B and 52.94.2.72/32 -> C:
//!
//! ```text
//! root[0x345e (52.94)] = block 0;  every other root entry = A
//! block 0 [0..=3] = B, but [2] = block 1;  [4..=255] = A
//! block 1 [72] = C;  the others B
//! ```
//!
//! Without branches: of 20 routes of a VPC a third ends in blocks, so a processor that must guess whether an entry is a block is wrong every few
//! packets and loses more than three loads cost (measured: 125 M lookups/s with branches, 690 without). So the cells begin with one cell for each
//! value's number, which holds that number: an entry says where its next cell is, and whether the address's next byte counts on from there. A lookup
//! is always three loads; where it ended early the later ones find the same number again, in a line that is always in the cache.
//!
//! Many lookups at a time by gather instructions where the processor has AVX-512 (1,020-1,090 M/s); `pulp` asks it and compiles the loop for it, in safe
//! code. For that the number of cells is a power of two that the loop knows, so that no index needs to be checked.

use super::ValueIx;
use super::routes::{Prefix, Route};
use pulp::{Arch, Simd, WithSimd};
use std::net::Ipv4Addr;

/// An entry with this bit is the first cell of a block; without it, it is a value's number, and its cell.
const BLOCK: u32 = 1 << 31;
const BLOCK_CELLS: usize = 256;
const ROOT_ENTRIES: usize = 1 << 16;
/// 16 KiB: 256 values and 15 blocks.
const CELLS_MIN: usize = 4_096;

/// The tables. Values' numbers are below `value_cells`.
#[derive(Clone)]
pub(super) struct Stride16 {
    root: Vec<u32>,
    /// Values' cells, then blocks; a power of two.
    cells: Vec<u32>,
    value_cells: usize,
    /// Cells from here on were never used.
    fresh: usize,
    /// The first of the blocks that are free, each of which names the next; 0 ends the list.
    free: u32,
    /// What the processor can do; asked once, because asking takes as long as ten lookups.
    processor: Arch,
}

/// The cell that `entry` means, if the address's next byte is `byte`'s lowest.
#[inline(always)]
fn cell_at(entry: u32, byte: u32) -> usize {
    let mask_if_block = (entry.cast_signed() >> 31).cast_unsigned() & 0xff;
    (entry & !BLOCK) as usize + (byte & mask_if_block) as usize
}

impl Stride16 {
    /// A table of routes in order, whose numbers are below `numbers_end`.
    pub(super) fn new(routes: impl Iterator<Item = Route>, numbers_end: usize) -> Self {
        // Powers of two, so that a table with ever more values is not made anew too often.
        let value_cells = numbers_end.next_power_of_two().max(BLOCK_CELLS);
        let mut cells: Vec<u32> = (0..value_cells as u32).collect();
        cells.resize(CELLS_MIN.max(2 * value_cells), 0);
        let root = vec![0; ROOT_ENTRIES];
        let mut table = Stride16 { root, cells, value_cells, fresh: value_cells, free: 0, processor: Arch::new() };
        for route in routes {
            table.paint(route);
        }
        table
    }

    /// Whether there is a cell for this number.
    pub(super) fn has_room_for(&self, number: u32) -> bool {
        (number as usize) < self.value_cells
    }

    /// The number of the longest prefix around `address`; 0 if there is none.
    #[inline]
    pub(super) fn lookup(&self, address: u32) -> u32 {
        let cell = |entry, byte| self.cells.get(cell_at(entry, byte)).copied().unwrap_or(0);
        let entry = self.root.get((address >> 16) as usize).copied().unwrap_or(0);
        cell(cell(entry, address >> 8), address)
    }

    /// [`Stride16::lookup`] for many.
    pub(super) fn lookup_batch(&self, destinations: &[Ipv4Addr], out: &mut [ValueIx]) {
        // What has more than 4 MiB of cells waits for memory, not for instructions.
        let by_size = self.batch_of::<0x1000>(destinations, out)
            || self.batch_of::<0x2000>(destinations, out)
            || self.batch_of::<0x4000>(destinations, out)
            || self.batch_of::<0x8000>(destinations, out)
            || self.batch_of::<0x1_0000>(destinations, out)
            || self.batch_of::<0x2_0000>(destinations, out)
            || self.batch_of::<0x4_0000>(destinations, out)
            || self.batch_of::<0x8_0000>(destinations, out)
            || self.batch_of::<0x10_0000>(destinations, out);
        if !by_size {
            for (destination, number) in destinations.iter().zip(out) {
                *number = ValueIx(self.lookup(u32::from(*destination)));
            }
        }
    }

    /// Looks up if there are `CELLS` cells; whether.
    #[inline]
    fn batch_of<const CELLS: usize>(&self, destinations: &[Ipv4Addr], out: &mut [ValueIx]) -> bool {
        let (Ok(root), Ok(cells)) = (self.root.as_slice().try_into(), self.cells.as_slice().try_into()) else {
            return false;
        };
        self.processor.dispatch(Batch::<CELLS> { root, cells, destinations, out });
        true
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.root.capacity() + self.cells.capacity()) * size_of::<u32>()
    }

    /// Blocks that are not free.
    #[cfg(test)]
    pub(super) fn blocks_in_use(&self) -> usize {
        let next = |block: &u32| Some(self.cells[*block as usize]).filter(|block| *block != 0);
        let free = std::iter::successors(Some(self.free).filter(|block| *block != 0), next).count();
        (self.fresh - self.value_cells) / BLOCK_CELLS - free
    }

    /// Makes what `prefix` covers anew: `number` is that of the longest prefix around it, `inside` are the routes in it.
    pub(super) fn repaint(&mut self, prefix: Prefix, number: u32, inside: impl Iterator<Item = Route>) {
        self.paint(Route { prefix, number });
        for route in inside {
            self.paint(route);
        }
        self.tidy(prefix);
    }

    /// Overwrites what the prefix covers.
    fn paint(&mut self, Route { prefix: Prefix { network, length }, number }: Route) {
        let at_root = (network >> 16) as usize;
        if length <= 16 {
            for at in at_root..at_root + (1 << (16 - length)) {
                self.free_below(self.root[at]);
                self.root[at] = number;
            }
            return;
        }
        self.root[at_root] = self.block_for(self.root[at_root]);
        let at_middle = cell_at(self.root[at_root], network >> 8);
        if length <= 24 {
            for at in at_middle..at_middle + (1 << (24 - length)) {
                self.free_below(self.cells[at]);
                self.cells[at] = number;
            }
            return;
        }
        self.cells[at_middle] = self.block_for(self.cells[at_middle]);
        let at_last = cell_at(self.cells[at_middle], network);
        self.cells[at_last..at_last + (1 << (32 - length))].fill(number);
    }

    /// Frees the blocks around `prefix` that say the same everywhere.
    fn tidy(&mut self, Prefix { network, length }: Prefix) {
        let at_root = (network >> 16) as usize;
        if length > 24 && self.root[at_root] & BLOCK != 0 {
            let at_middle = cell_at(self.root[at_root], network >> 8);
            self.cells[at_middle] = self.without_uniform(self.cells[at_middle]);
        }
        if length > 16 {
            self.root[at_root] = self.without_uniform(self.root[at_root]);
        }
    }

    /// `entry`, or the number that its whole block says.
    fn without_uniform(&mut self, entry: u32) -> u32 {
        if entry & BLOCK == 0 {
            return entry;
        }
        let begin = (entry & !BLOCK) as usize;
        let block = &self.cells[begin..begin + BLOCK_CELLS];
        let number = block[0];
        if number & BLOCK != 0 || block.iter().any(|cell| *cell != number) {
            return entry;
        }
        self.free_below(entry);
        number
    }

    /// `entry` if it is a block, else a block that says `entry` everywhere.
    fn block_for(&mut self, entry: u32) -> u32 {
        if entry & BLOCK != 0 {
            return entry;
        }
        let begin = match self.free as usize {
            0 => {
                if self.fresh == self.cells.len() {
                    self.cells.resize(2 * self.fresh, 0);
                }
                self.fresh += BLOCK_CELLS;
                self.fresh - BLOCK_CELLS
            }
            begin => {
                self.free = self.cells[begin];
                begin
            }
        };
        self.cells[begin..begin + BLOCK_CELLS].fill(entry);
        BLOCK | begin as u32
    }

    /// Frees the block that `entry` is, if it is one, and those in it.
    fn free_below(&mut self, entry: u32) {
        if entry & BLOCK == 0 {
            return;
        }
        let begin = (entry & !BLOCK) as usize;
        for at in begin..begin + BLOCK_CELLS {
            // Blocks in blocks have no blocks: this goes no deeper than one step.
            self.free_below(self.cells[at]);
        }
        self.cells[begin] = self.free;
        self.free = begin as u32;
    }
}

/// Many lookups in a table of so many cells, a power of two.
struct Batch<'a, const CELLS: usize> {
    root: &'a [u32; ROOT_ENTRIES],
    cells: &'a [u32; CELLS],
    destinations: &'a [Ipv4Addr],
    out: &'a mut [ValueIx],
}

impl<const CELLS: usize> WithSimd for Batch<'_, CELLS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        look_up(self.root, self.cells, self.destinations, self.out);
    }
}

/// A function of its own, because the compiler knows of parameters that they do not overlap; of a structure's members it does not, and then does not
/// gather.
#[inline(always)]
fn look_up<const CELLS: usize>(
    root: &[u32; ROOT_ENTRIES],
    cells: &[u32; CELLS],
    destinations: &[Ipv4Addr],
    out: &mut [ValueIx],
) {
    for (destination, number) in destinations.iter().zip(out) {
        let address = u32::from(*destination);
        let entry = root[(address >> 16) as usize];
        // The mask changes no index of a sound table; it tells the compiler so.
        let entry = cells[cell_at(entry, address >> 8) & (CELLS - 1)];
        *number = ValueIx(cells[cell_at(entry, address) & (CELLS - 1)]);
    }
}

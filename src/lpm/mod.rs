//! The forwarding table (FIB): longest-prefix match in one to three loads, alone or many at a time.
//!
//! Two shapes, one behaviour. Tables of a VPC's size have strides of 16, 8 and 8 bits (256 KiB and 1 KiB a block); larger ones strides of 24 and 8 bits
//! (32 MiB). Their heads say how they work. Values are kept once and entries are their numbers, so a whole Internet table fits entries of 16 bits.
//! Parts are shared between clones, so publishing a program that left a table alone copies nothing.
//!
//! A change paints anew what the changed prefix covers. Setting or removing a /24 takes 0.5 us in a table of 20 routes and 2 us in one of 900,000; the
//! default route of the latter takes 20 to 60 ms, as building it. If clones share the table, the first change copies it: 8 us and 4 to 7 ms.
//!
//! Non-goals: IPv6. Unsafe code: huge pages and gather instructions come through the safe interfaces of memmap2 and pulp.
//! Invariants: exact for prefix lengths 0..=32; lookups neither allocate nor panic; a table that was changed answers like one that was built from the
//! same routes, and takes no more memory for ever being changed.

mod pages;
mod routes;
mod stride_16_8_8;
mod stride_24_8;
mod values;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use crate::net::Ipv4Net;
use routes::{Prefix, Routes};
use std::fmt;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::sync::Arc;
use stride_16_8_8::Stride16;
use stride_24_8::{Full, Stride24};
use values::Values;

/// Tables with more routes take the shape of 24 and 8 bits. Lookups alone do not decide: in a batch the large shape is twice as fast at every size, but it
/// always takes 32 MiB. Measured on parts of an Internet table (Xeon, 2 MiB of second-level cache), million uniform lookups a second in batches of 64,
/// and bytes:
///
/// | routes | 16-8-8 | 24-8 | bytes of 16-8-8 |
/// |---|---|---|---|
/// | 995 | 931 | 2,200 | 0.5 MiB |
/// | 3,999 | 779 | 1,663 | 1.3 MiB |
/// | 8,043 | 646 | 1,511 | 2.3 MiB |
/// | 16,095 | 601 | 1,242 | 4.4 MiB |
/// | 32,198 | 325 | 1,186 | 8.6 MiB |
/// | 64,411 | 219 | | 9.0 MiB |
///
/// So the bound is where the small shape falls behind: it has left the second-level cache and the size whose loop gathers. No route table of AWS has as
/// many routes (a transit gateway's 10,000), and a network has hundreds of them.
const ROUTES_16_8_8_MAX: usize = 16_384;

/// A forwarding table. The empty one ([`Fib::default`]) takes no memory.
#[derive(Clone)]
pub struct Fib<T> {
    shape: Shape,
    values: Values<T>,
    routes: Routes,
}

/// The number of a value in one table, as [`Fib::lookup_batch`] answers; [`Fib::value`] says which value. Numbers hold until the table is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueIx(u32);

impl ValueIx {
    /// No route.
    pub const NONE: ValueIx = ValueIx(0);
}

#[derive(Clone)]
enum Shape {
    Empty,
    Small(Arc<Stride16>),
    Large(Arc<Stride24>),
}

impl Shape {
    fn of(routes: &Routes, numbers_end: usize) -> Self {
        if routes.len() > ROUTES_16_8_8_MAX
            && let Ok(large) = Stride24::new(routes.iter(), numbers_end)
        {
            return Shape::Large(Arc::new(large));
        }
        match routes.len() {
            0 => Shape::Empty,
            _ => Shape::Small(Arc::new(Stride16::new(routes.iter(), numbers_end))),
        }
    }
}

impl<T> Default for Fib<T> {
    fn default() -> Self {
        Fib { shape: Shape::Empty, values: Values::default(), routes: Routes::default() }
    }
}

impl<T: Copy> Fib<T> {
    /// The value of the longest prefix that contains `destination`.
    #[inline]
    pub fn lookup(&self, destination: Ipv4Addr) -> Option<T> {
        let address = u32::from(destination);
        self.values.get(match &self.shape {
            Shape::Small(table) => table.lookup(address),
            Shape::Large(table) => table.lookup(address),
            Shape::Empty => return None,
        })
    }

    /// [`Fib::lookup`] for as many destinations as `out` has places, or fewer; places beyond them keep what they hold. Several times as
    /// fast: lookups do not wait for each other. Groups of 32 and more are best.
    pub fn lookup_batch(&self, destinations: &[Ipv4Addr], out: &mut [ValueIx]) {
        match &self.shape {
            Shape::Small(table) => table.lookup_batch(destinations, out),
            Shape::Large(table) => table.lookup_batch(destinations, out),
            Shape::Empty => out.iter_mut().zip(destinations).for_each(|(number, _)| *number = ValueIx::NONE),
        }
    }

    /// The value of a number from [`Fib::lookup_batch`]; `None`: no route.
    #[inline]
    pub fn value(&self, ix: ValueIx) -> Option<T> {
        self.values.get(ix.0)
    }

    /// How many routes there are, each prefix counted once.
    pub fn route_count(&self) -> usize {
        self.routes.len()
    }

    /// Bytes the table holds, shared with its clones.
    pub fn memory_bytes(&self) -> usize {
        let shape_bytes = match &self.shape {
            Shape::Empty => 0,
            Shape::Small(table) => table.memory_bytes(),
            Shape::Large(table) => table.memory_bytes(),
        };
        shape_bytes + self.values.memory_bytes() + self.routes.memory_bytes()
    }

    fn entries(&self) -> impl Iterator<Item = (Prefix, Option<T>)> {
        self.routes.iter().map(|route| (route.prefix, self.values.get(route.number)))
    }
}

impl<T: Copy + Eq + Hash> Fib<T> {
    /// Builds a table. Of several routes with an equal prefix the first counts and the others are ignored: who compiles route tables puts the preferred one
    /// first. Host bits are cleared.
    pub fn build(routes: &[(Ipv4Net, T)]) -> Self {
        if routes.is_empty() {
            return Fib::default();
        }
        let (mut values, numbered) = Values::number_all(routes);
        let routes = Routes::new(numbered);
        values.settle(routes.iter().map(|route| route.number));
        Fib { shape: Shape::of(&routes, values.numbers_end()), values, routes }
    }

    /// Sets the value of a prefix; the one it had. Host bits are cleared.
    pub fn insert(&mut self, cidr: Ipv4Net, value: T) -> Option<T> {
        let prefix = Prefix::from(cidr);
        let number = self.values.acquire(value);
        let before = self.routes.insert(prefix, number);
        if before != Some(number) {
            self.change(prefix, number);
        }
        self.release(before)
    }

    /// Takes the route of a prefix out; the value it had. Shorter prefixes count again where it was. Host bits are cleared.
    pub fn remove(&mut self, cidr: Ipv4Net) -> Option<T> {
        let prefix = Prefix::from(cidr);
        let before = self.routes.remove(prefix);
        if before.is_some() {
            let number = self.routes.covering(prefix);
            self.change(prefix, number);
        }
        self.release(before)
    }

    fn release(&mut self, number: Option<u32>) -> Option<T> {
        let value = self.values.get(number?);
        self.values.release(number?);
        value
    }

    /// Brings the shape in step with the routes, of which `prefix` changed; `number` is that of the longest prefix around it.
    fn change(&mut self, prefix: Prefix, number: u32) {
        let count = self.routes.len();
        let inside = self.routes.inside(prefix);
        let done = match &mut self.shape {
            // Asked once when the number is passed. What then has too many values or blocks for it stays as it is.
            Shape::Small(_) if count == ROUTES_16_8_8_MAX + 1 => Err(Full),
            Shape::Small(table) if count > 0 && table.has_room_for(number) => {
                Arc::make_mut(table).repaint(prefix, number, inside);
                Ok(())
            }
            // Not at once below the bound: a route that comes and goes must not rebuild the table each time.
            Shape::Large(table) if count > ROUTES_16_8_8_MAX / 2 && table.has_room_for(number) => {
                Arc::make_mut(table).repaint(prefix, number, inside)
            }
            _ => Err(Full),
        };
        if done == Err(Full) {
            self.shape = Shape::of(&self.routes, self.values.numbers_end());
        }
    }
}

/// Equal are tables with the same routes.
impl<T: Copy + PartialEq> PartialEq for Fib<T> {
    fn eq(&self, other: &Self) -> bool {
        self.routes.len() == other.routes.len() && self.entries().eq(other.entries())
    }
}

impl<T: Copy + Eq> Eq for Fib<T> {}

/// The routes, not the tables made from them.
impl<T: Copy + fmt::Debug> fmt::Debug for Fib<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self
            .entries()
            .map(|(prefix, value)| (Ipv4Net::new(prefix.network.into(), prefix.length).unwrap_or_default(), value));
        f.debug_map().entries(entries).finish()
    }
}

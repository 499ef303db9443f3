//! The headers of many frames at once, judged by columns.
//!
//! [`FlowHead::of`](super::FlowHead::of) and [`RouteHead::of`](super::RouteHead::of) for the frames of a burst: the words that judging a frame takes are put in
//! columns, and a loop over columns, in which no frame waits for another, says which frames are ordinary. `pulp` compiles that loop for what the processor has, in
//! safe code: with AVX-512 it judges sixteen frames at a time. Invariant, tested: it accepts what the others accept.

use super::flow_head::{LINE_BYTES, four};
use super::parsed::{IP, TcpFlags};
use crate::net::Protocol;
use pulp::{Arch, Simd, WithSimd};

/// How many frames there is room for.
pub const HEADS_MAX: usize = 64;

/// Four words of each frame.
type Rows = [[u32; 4]; HEADS_MAX];
/// A word of each frame.
type Column = [u32; HEADS_MAX];

/// The headers of a burst.
#[derive(Clone, Debug)]
pub struct Heads {
    /// From byte 12 on: ethertype, version, service; length, identification; fragment, time to live, protocol; checksum, source.
    first: Rows,
    /// Source, destination.
    between: Column,
    /// From byte 32 on: destination, port; port, UDP's length; nothing of interest; where TCP's data begins, and its flags, in the upper half.
    second: Rows,
    frame_bytes: Column,
    judged: Column,
    /// What the processor can do; asked once, because asking takes as long as judging.
    processor: Arch,
}

const FIRST_AT: usize = 12;
const BETWEEN_AT: usize = FIRST_AT + 16;
const SECOND_AT: usize = BETWEEN_AT + 4;
const _: () = assert!(IP == 14);

/// [`RouteHead`](super::RouteHead) accepts it.
const ROUTABLE: u32 = 1;
/// [`FlowHead`](super::FlowHead) accepts it.
const ORDINARY: u32 = 2;
/// More than one hop of its time to live is left.
const TTL_IS_LEFT: u32 = 4;

impl Default for Heads {
    fn default() -> Self {
        let (rows, column) = ([[0; 4]; HEADS_MAX], [0; HEADS_MAX]);
        let processor = Arch::new();
        Heads { first: rows, between: column, second: rows, frame_bytes: column, judged: column, processor }
    }
}

impl Heads {
    /// Puts in what is to be judged of a frame of `frame_bytes` that begins with `line`. What stands in `line` behind the frame does not matter.
    #[inline(always)]
    pub fn put(&mut self, at: usize, line: &[u8; LINE_BYTES], frame_bytes: u16) {
        self.first[at] =
            [four(line, FIRST_AT), four(line, FIRST_AT + 4), four(line, FIRST_AT + 8), four(line, FIRST_AT + 12)];
        self.second[at] =
            [four(line, SECOND_AT), four(line, SECOND_AT + 4), four(line, SECOND_AT + 8), four(line, SECOND_AT + 12)];
        self.between[at] = four(line, BETWEEN_AT);
        self.frame_bytes[at] = u32::from(frame_bytes);
    }

    /// Judges all.
    #[inline]
    pub fn judge(&mut self) {
        let Heads { first, between, second, frame_bytes, judged, processor } = self;
        processor.dispatch(Judge { first, between, second, frame_bytes, judged });
    }

    /// Whether [`FlowHead::of`](super::FlowHead::of) accepts the frame. Holds since [`Heads::judge`].
    #[inline(always)]
    pub fn is_ordinary(&self, at: usize) -> bool {
        self.judged[at] & ORDINARY != 0
    }

    /// Of each frame, whether [`RouteHead::of`](super::RouteHead::of) accepts it and a router may lower its time to live. Holds since [`Heads::judge`].
    #[inline(always)]
    pub fn are_routable(&self) -> impl Iterator<Item = bool> {
        self.judged.iter().map(|judged| judged & (ROUTABLE | TTL_IS_LEFT) == ROUTABLE | TTL_IS_LEFT)
    }
}

struct Judge<'h> {
    first: &'h Rows,
    between: &'h Column,
    second: &'h Rows,
    frame_bytes: &'h Column,
    judged: &'h mut Column,
}

impl WithSimd for Judge<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        judge(self.first, self.between, self.second, self.frame_bytes, self.judged);
    }
}

/// A function of its own, because the compiler knows of parameters that they do not overlap.
#[inline(always)]
fn judge(first: &Rows, between: &Column, second: &Rows, frame_bytes: &Column, judged: &mut Column) {
    for at in 0..HEADS_MAX {
        let ([kind, length, fragment, sum], [destination, ports, _, tcp]) = (first[at], second[at]);
        let (source, frame_bytes) = (between[at], frame_bytes[at]);
        // IPv4 without options; MF and offset zero. Both words in the order of the wire, lowest byte first.
        let is_whole = (kind & 0x00ff_ffff == 0x0045_0008) & (fragment & 0xff3f == 0);
        let total_bytes = swapped(length);
        let halves = |word: u32| (word & 0xffff) + (word >> 16);
        let total =
            (kind >> 16) + halves(length) + halves(fragment) + halves(sum) + halves(source) + (destination & 0xffff);
        // Ten half words leave no carry after two lines.
        let total = (total >> 16) + (total & 0xffff);
        let total = (total >> 16) + (total & 0xffff);
        let protocol = fragment >> 24;
        let is_tcp = protocol == Protocol::TCP.0 as u32;
        let is_udp = protocol == Protocol::UDP.0 as u32;
        let tcp_header_bytes = (tcp >> 18) & 0x3c;
        let udp_bytes = swapped(ports >> 16);
        // Chosen by arithmetic: of two values that are read only if needed, the compiler makes a loop that gathers.
        let if_tcp = 0u32.wrapping_sub(u32::from(is_tcp));
        let says = tcp_header_bytes & if_tcp | udp_bytes & !if_tcp;
        let least = 20 & if_tcp | 8 & !if_tcp;
        let ends = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
        let begins_or_ends = is_tcp & ((tcp >> 24) & u32::from(ends) != 0);
        let is_routable = is_whole
            & (total_bytes + IP as u32 <= frame_bytes)
            & (total == 0xffff)
            & (is_tcp | is_udp)
            & (least <= says)
            & (says + 20 <= total_bytes);
        let is_ordinary = is_routable & !begins_or_ends;
        let ttl_is_left = (fragment >> 16) & 0xff > 1;
        judged[at] = (u32::from(is_routable) * ROUTABLE)
            | (u32::from(is_ordinary) * ORDINARY)
            | (u32::from(ttl_is_left) * TTL_IS_LEFT);
    }
}

/// The lower half word, its bytes in the other order.
#[inline(always)]
const fn swapped(word: u32) -> u32 {
    (word & 0xff) << 8 | (word >> 8) & 0xff
}

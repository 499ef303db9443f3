//! A burst in loops: headers, memos, what the memos say.
//!
//! Each loop does one thing to all packets, so that what one packet waits for (memory, a multiplication) passes while the others go on. The loops are functions of their
//! own because the compiler knows of parameters that they do not overlap, and then keeps in registers what it else would load again for each packet.

use super::batch::{BURST_MAX, Burst};
use super::flow_cache::{FlowCache, NOWHERE};
use super::key::{Key, Link, LinkIx, Links};
use super::memo::Facts;
use super::mutant::Mutant;
use super::path::Path;
use crate::dataplane::State;
use crate::time::SimTime;
use crate::wire::{FlowHead, HEADS_MAX, Heads};
use std::hint::black_box;

const _: () = assert!(BURST_MAX == HEADS_MAX);

/// What the loops hand on to each other.
#[derive(Debug)]
pub(super) struct Memos {
    pub(super) keys: [Key; BURST_MAX],
    homes: [usize; BURST_MAX],
    found: [usize; BURST_MAX],
}

impl Default for Memos {
    fn default() -> Self {
        Memos { keys: [Key::default(); BURST_MAX], homes: [0; BURST_MAX], found: [NOWHERE; BURST_MAX] }
    }
}

/// When, and under which program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) epoch: u32,
    pub(super) now: SimTime,
}

/// Reads the headers; judges them; reckons keys, which mean nothing for packets that are not ordinary.
#[inline(never)]
pub(super) fn read<const MUTANT: u8>(
    burst: &Burst<'_>,
    links: &Links,
    cache: &FlowCache,
    heads: &mut Heads,
    memos: &mut Memos,
) {
    let (mut link, mut link_ix) = (Link::default(), LinkIx::default());
    let places = memos.keys.iter_mut().zip(&mut memos.homes);
    for (at, ((slot, bytes), (key, home))) in burst.slots().zip(places).enumerate().take(BURST_MAX) {
        let Some(line) = bytes.first_chunk() else { break };
        heads.put(at, line, slot.frame_bytes);
        let head = FlowHead::read(line);
        let its_link = Link::of(&head, slot.sender, Mutant::of(MUTANT));
        if its_link != link {
            (link, link_ix) = (its_link, links.find(&its_link));
        }
        *key = Key::of(&head, link_ix);
        *home = cache.home(key);
    }
    heads.judge();
}

/// Finds the memos of the first `count` packets. Returns a bit for each packet that is ordinary.
#[inline(never)]
pub(super) fn find(count: usize, heads: &Heads, cache: &FlowCache, state: &State, memos: &mut Memos) -> u64 {
    let Memos { keys, homes, found } = memos;
    let count = count.min(BURST_MAX);
    // Nothing but loads: those that miss the caches wait for memory together.
    black_box(homes[..count].iter().fold(0, |sum, home| sum ^ cache.first_byte(*home)));
    let (mut ordinary, mut generations) = (0, 0);
    for (at, ((key, home), found)) in keys[..count].iter().zip(homes).zip(found).enumerate() {
        *found = NOWHERE;
        if heads.is_ordinary(at) {
            ordinary |= 1 << at;
            *found = cache.find(key, *home);
        }
        if let Some(memo) = cache.memo(*found) {
            generations ^= memo.first_session(state);
        }
    }
    black_box(generations);
    ordinary
}

/// From slot `from` on, does what the memos say, up to the first packet that has none which admits it. Returns how many had. `stale` has a bit for each packet whose
/// memo may lie elsewhere since it was looked up.
#[inline(never)]
pub(super) fn apply<const MUTANT: u8>(
    burst: &mut Burst<'_>,
    (from, stale): (usize, u64),
    memos: &Memos,
    cache: &FlowCache,
    paths: &mut [Path],
    state: &mut State,
    Moment { epoch, now }: Moment,
) -> usize {
    let mutant = const { Mutant::of(MUTANT) };
    let looked_up = memos.keys[from..].iter().zip(&memos.found[from..]);
    for (count, (((slot, bytes), arrival), (key, found))) in burst.slots_mut(from).zip(looked_up).enumerate() {
        let is_stale = stale >> (from + count) & 1 == 1;
        let found = if is_stale { cache.find(key, cache.home(key)) } else { *found };
        let (Some(memo), Some(line)) = (cache.memo(found), bytes.first_chunk_mut()) else { return count };
        let facts = Facts::of(&FlowHead::read(line));
        if !memo.admits(facts, epoch, mutant) || !memo.renews(|| cache.more(found), state, now, mutant) {
            return count;
        }
        let Some(path) = paths.get_mut(usize::from(memo.path)) else { return count };
        if let Some(headers) = line.first_chunk_mut() {
            memo.rewrite(headers, path.macs, mutant);
        }
        *arrival = path.arrival;
        if !mutant.is(Mutant::DoesNotCount) {
            path.passed.packets += 1;
            path.passed.frame_bytes += u64::from(slot.frame_bytes);
            path.passed.ip_bytes += u64::from(facts.total_bytes);
        }
    }
    burst.slots.len() - from
}

//! One worker's part of the traffic: a program, the state of its flows, and the memos.
//!
//! A shard owns everything it changes, so workers share nothing but programs. It adopts a newer program between bursts ([`Shard::adopt`]).

use super::batch::{BURST_MAX, Batch, Outcome, Slot};
use super::flow_cache::{FlowCache, Key, Mutant};
use super::path::{Paths, Way};
use super::routing;
use crate::dataplane::{Frame, NoTap, PacketId, PacketMeta, State};
use crate::program::{HostIx, Node, NodeIx, Program};
use crate::time::SimTime;
use crate::wire::FlowHead;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

/// How the packets of a shard went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Packets in all.
    pub packets: u64,
    /// Of those, walked; the others went by a memo, or through a plain router's loop.
    pub walked: u64,
    /// Walks that were remembered.
    pub remembered: u64,
}

/// One worker's part of the traffic. `MUTANT` is 0; the numbers of [`Mutant`]s break it, for the test of its tests.
#[derive(Debug)]
pub struct Shard<const MUTANT: u8 = 0> {
    pub(super) program: Arc<Program>,
    /// How many programs came before: what memos are guarded by. A program that is adopted again is another one, because sessions kept the timeouts of the one between.
    pub(super) adoptions: u32,
    pub(super) state: State,
    pub(super) cache: FlowCache,
    pub(super) paths: Paths,
    /// The memory of the last observed way.
    pub(super) way: Way,
    scratch: Box<Scratch>,
    pub(super) stats: ShardStats,
}

/// What the loops hand on to each other.
#[derive(Debug)]
struct Scratch {
    heads: [Option<FlowHead>; BURST_MAX],
    keys: [Key; BURST_MAX],
    homes: [usize; BURST_MAX],
    found: [usize; BURST_MAX],
    routing: routing::Scratch,
}

/// No memo.
const NOWHERE: usize = usize::MAX;

impl<const MUTANT: u8> Shard<MUTANT> {
    /// A shard without any flow, which remembers up to `flows_max` of them (both directions count). With 0 every packet is walked.
    pub fn new(program: Arc<Program>, state: State, flows_max: usize) -> Self {
        let scratch = Scratch {
            heads: [None; BURST_MAX],
            keys: [Key::default(); BURST_MAX],
            homes: [0; BURST_MAX],
            found: [NOWHERE; BURST_MAX],
            routing: routing::Scratch::default(),
        };
        Shard {
            program,
            adoptions: 0,
            state,
            cache: FlowCache::new(flows_max),
            paths: Paths::default(),
            way: Way::default(),
            scratch: Box::new(scratch),
            stats: ShardStats::default(),
        }
    }

    /// Goes on with another program. Sessions stay; memos of the old one no longer count.
    pub fn adopt(&mut self, program: Arc<Program>) {
        if Arc::ptr_eq(&self.program, &program) {
            return;
        }
        self.paths.expand(&mut self.state, self.program.nodes.len());
        self.adoptions = self.adoptions.wrapping_add(1);
        self.program = program;
    }

    /// The program at hand.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What the packets left behind.
    pub fn state(&mut self) -> &State {
        self.paths.expand(&mut self.state, self.program.nodes.len());
        &self.state
    }

    /// How the packets went.
    pub fn stats(&self) -> ShardStats {
        self.stats
    }

    /// Bytes that memos and sessions take.
    pub fn memory_bytes(&self) -> usize {
        self.cache.memory_bytes() + self.state.conntrack.memory_bytes() + self.state.nat.memory_bytes()
    }

    /// Takes the frames of a range of slots, at most [`BURST_MAX`], through the network, each from its sender. `now` must not lie before that of the call before.
    /// Returns how many there were. What became of them stands in the batch.
    pub fn run(&mut self, batch: &mut Batch, range: Range<usize>, now: SimTime) -> usize {
        let range = batch.clamp(range);
        let count = range.len();
        self.stats.packets += count as u64;
        let Batch { bytes, slots, outcomes, slot_bytes } = batch;
        let (slots, outcomes) = (&slots[range.clone()], &mut outcomes[range.clone()]);
        let bytes = &mut bytes[range.start * *slot_bytes..range.end * *slot_bytes];
        let Some(first) = slots.first() else { return 0 };
        match attachment(&self.program, first.sender) {
            Some((at, Node::PlainRouter(_))) => self.route(at, bytes, slots, outcomes, *slot_bytes, now),
            _ => self.forward(bytes, slots, outcomes, *slot_bytes, now),
        }
        count
    }

    fn forward(&mut self, bytes: &mut [u8], slots: &[Slot], outcomes: &mut [Outcome], slot_bytes: usize, now: SimTime) {
        let mutant = const { Mutant::of(MUTANT) };
        self.look_up(bytes, slots, slot_bytes);
        let epoch = self.adoptions;
        let frames = bytes.chunks_exact_mut(slot_bytes);
        let mut moved = false;
        for (at, ((slot, frame), outcome)) in slots.iter().zip(frames).zip(outcomes).enumerate() {
            let frame = &mut frame[..usize::from(slot.frame_bytes)];
            let (head, key) = (self.scratch.heads[at], self.scratch.keys[at]);
            if let Some(head) = head {
                let found = match moved {
                    false => self.scratch.found[at],
                    true => self.cache.find(&key, self.cache.home(&key)).unwrap_or(NOWHERE),
                };
                if let Some(memo) = self.cache.entry(found)
                    && memo.admits(&head, epoch, &self.state, now, mutant)
                {
                    let path = memo.apply(frame, head.protocol, &mut self.state, now, mutant) as usize;
                    *outcome = self.paths.outcomes[path];
                    if !mutant.is(Mutant::DoesNotCount) {
                        let passed = &mut self.paths.passed[path];
                        passed.packets += 1;
                        passed.frame_bytes += u64::from(slot.frame_bytes);
                        passed.ip_bytes += u64::from(head.total_bytes);
                    }
                    continue;
                }
            }
            let remember = head.map(|head| (head, key));
            moved |= self.walk(frame, slot.sender, remember, outcome, now);
        }
    }

    /// The first two loops: heads, and where their memos are.
    fn look_up(&mut self, bytes: &[u8], slots: &[Slot], slot_bytes: usize) {
        let mutant = const { Mutant::of(MUTANT) };
        let Scratch { heads, keys, homes, found, .. } = &mut *self.scratch;
        let cache = &self.cache;
        for (at, (slot, frame)) in slots.iter().zip(bytes.chunks_exact(slot_bytes)).enumerate() {
            let head = FlowHead::of(&frame[..usize::from(slot.frame_bytes)]);
            heads[at] = head;
            let key = Key::of(&head.unwrap_or_default(), slot.sender, mutant);
            keys[at] = key;
            homes[at] = cache.home(&key);
        }
        // Nothing but loads: those that miss the caches wait for memory together.
        let mut sum = 0;
        for home in &homes[..slots.len()] {
            sum ^= cache.first_word(*home);
        }
        black_box(sum);
        let mut generations = 0;
        for at in 0..slots.len() {
            found[at] = match heads[at] {
                Some(_) => cache.find(&keys[at], homes[at]).unwrap_or(NOWHERE),
                None => NOWHERE,
            };
            if let Some(memo) = cache.entry(found[at]) {
                generations ^= memo.first_session(&self.state);
            }
        }
        black_box(generations);
    }

    /// Walks, and remembers what is worth it. Returns whether memos moved.
    fn walk(
        &mut self,
        bytes: &mut [u8],
        sender: HostIx,
        remember: Option<(FlowHead, Key)>,
        outcome: &mut Outcome,
        now: SimTime,
    ) -> bool {
        let Some((at, _)) = attachment(&self.program, sender) else {
            self.stats.walked += 1;
            *outcome = Outcome::default();
            return false;
        };
        let mut meta = PacketMeta::from_host(PacketId(self.stats.packets), sender, now);
        let mut frame = Frame { bytes, meta: &mut meta };
        let (passed, moved) = self.observe(at, &mut frame, remember, now, &mut NoTap, |_, _| 0);
        *outcome = Outcome { verdict: passed.verdict, via_endpoint: meta.via_endpoint };
        moved
    }

    /// The loops of a plain router, and walks for what it cannot take.
    fn route(
        &mut self,
        at: NodeIx,
        bytes: &mut [u8],
        slots: &[Slot],
        outcomes: &mut [Outcome],
        slot_bytes: usize,
        now: SimTime,
    ) {
        let program = Arc::clone(&self.program);
        let Node::PlainRouter(router) = program.node(at) else { return };
        let scratch = &mut self.scratch.routing;
        let counters = &mut self.state.counters;
        let node_count = program.nodes.len();
        let by_router = |slot: &Slot| program.hosts.get(slot.sender.at()).is_some_and(|host| host.node == at);
        let others = routing::run(router, at, (bytes, slot_bytes), slots, outcomes, scratch, by_router);
        counters.record_way(&[at], node_count, others.packets, others.frame_bytes);
        for position in 0..slots.len() {
            if others.left >> position & 1 == 1 {
                let length = usize::from(slots[position].frame_bytes);
                let frame = &mut bytes[position * slot_bytes..position * slot_bytes + length];
                self.walk(frame, slots[position].sender, None, &mut outcomes[position], now);
            }
        }
    }
}

/// Where a host's frames enter.
pub(super) fn attachment(program: &Program, sender: HostIx) -> Option<(NodeIx, &Node)> {
    let host = program.hosts.get(sender.at())?;
    Some((host.node, program.node(host.node)))
}

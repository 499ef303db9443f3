//! One worker's part of the traffic: a program, the state of its flows, and the memos.
//!
//! A shard owns everything it changes, so workers share nothing but programs. It adopts a newer program between bursts ([`Shard::adopt`]).

#[cfg(doc)]
use super::batch::BURST_MAX;
use super::batch::{Batch, Burst, Outcome, Scratch};
use super::flow_cache::FlowCache;
use super::key::Links;
#[cfg(doc)]
use super::mutant::Mutant;
use super::path::{Paths, Way};
use super::routing::{self, Routed};
use super::stages::{self, Moment};
use crate::dataplane::{Frame, NoTap, PacketId, PacketMeta, State};
use crate::program::{HostIx, Node, NodeIx, Program};
use crate::time::SimTime;
use crate::wire::FlowHead;
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
    pub(super) links: Links,
    pub(super) cache: FlowCache,
    pub(super) paths: Paths,
    /// The memory of the last observed way.
    pub(super) way: Way,
    pub(super) stats: ShardStats,
}

impl<const MUTANT: u8> Shard<MUTANT> {
    /// A shard without any flow, which remembers up to `flows_max` of them (both directions count). With 0 every packet is walked.
    pub fn new(program: Arc<Program>, state: State, flows_max: usize) -> Self {
        Shard {
            program,
            adoptions: 0,
            state,
            links: Links::default(),
            cache: FlowCache::new(flows_max),
            paths: Paths::default(),
            way: Way::default(),
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
        let (mut burst, scratch) = batch.burst(range);
        let count = burst.slots.len();
        self.stats.packets += count as u64;
        let Some(first) = burst.slots.first() else { return 0 };
        match attachment(&self.program, first.sender) {
            Some((at, Node::PlainRouter(_))) => self.route(at, &mut burst, scratch, now),
            _ => self.forward(&mut burst, scratch, now),
        }
        count
    }

    fn forward(&mut self, burst: &mut Burst<'_>, scratch: &mut Scratch, now: SimTime) {
        let Scratch { heads, memos, .. } = scratch;
        stages::read::<MUTANT>(burst, &self.links, &self.cache, heads, memos);
        let ordinary = stages::find(burst.slots.len(), heads, &self.cache, &self.state, memos);
        let moment = Moment { epoch: self.adoptions, now };
        let (mut at, mut stale) = (0, 0);
        loop {
            let paths = &mut self.paths.all;
            at += stages::apply::<MUTANT>(burst, (at, stale), memos, &self.cache, paths, &mut self.state, moment);
            if at >= burst.slots.len() {
                return;
            }
            if self.walk(burst, at, ordinary >> at & 1 == 1, now) {
                stale = ordinary;
            }
            at += 1;
        }
    }

    /// Walks, and remembers what is worth it of an ordinary packet. Returns whether memos moved.
    fn walk(&mut self, burst: &mut Burst<'_>, position: usize, is_ordinary: bool, now: SimTime) -> bool {
        let (bytes, sender) = burst.packet(position);
        let Some((at, _)) = attachment(&self.program, sender) else {
            self.stats.walked += 1;
            burst.set_outcome(position, Outcome::default());
            return false;
        };
        let head = if is_ordinary { FlowHead::of(bytes) } else { None };
        let mut meta = PacketMeta::from_host(PacketId(self.stats.packets), sender, now);
        let mut frame = Frame { bytes, meta: &mut meta };
        let (passed, moved) = self.observe(at, &mut frame, head, now, &mut NoTap, |_, _| 0);
        burst.set_outcome(position, Outcome { verdict: passed.verdict, via_endpoint: meta.via_endpoint });
        moved
    }

    /// The loops of a plain router, and walks for what it cannot take.
    fn route(&mut self, at: NodeIx, burst: &mut Burst<'_>, scratch: &mut Scratch, now: SimTime) {
        let Shard { program, state, .. } = self;
        let Node::PlainRouter(router) = program.node(at) else { return };
        let is_attached = |sender: HostIx| program.hosts.get(sender.at()).is_some_and(|host| host.node == at);
        let Routed { packets, frame_bytes, mut left } =
            routing::run(router, at, burst, &mut scratch.heads, &mut scratch.routing, is_attached);
        state.counters.record_way(&[at], program.nodes.len(), packets, frame_bytes);
        while left != 0 {
            self.walk(burst, left.trailing_zeros() as usize, false, now);
            left &= left - 1;
        }
    }
}

/// Where a host's frames enter.
pub(super) fn attachment(program: &Program, sender: HostIx) -> Option<(NodeIx, &Node)> {
    let host = program.hosts.get(sender.at())?;
    Some((host.node, program.node(host.node)))
}

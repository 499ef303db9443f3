//! One packet at a time.
//!
//! Purpose: [`Shard::one`] is [`crate::dataplane::walk`] with a shard's memos, for drivers whose next packet depends on what became of the last one. The caller's tap
//! watches walks; what the caller notes of a walk comes back with every packet that goes by that walk's memo. Bursts walk by the same code.
//! Invariants: bytes, verdict, state and counters are those of `walk`; only what enters where its sender is attached goes by a memo or leaves one.

use super::batch::Outcome;
use super::flow_cache::{Entry, Key, Mutant, Snapshot};
use super::observer::Observer;
use super::shard::{Shard, attachment};
use crate::dataplane::{Decision, Frame, PacketMeta, Step, Tap, Touch, Verdict, walk};
use crate::program::{HostIx, NodeIx};
use crate::time::SimTime;
use crate::wire::FlowHead;

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Where it ended, and how.
    pub verdict: Verdict,
    /// What the caller noted of the walk that delivered it, or that made its memo; 0 if it was not delivered.
    pub note: u32,
    /// Whether it went by a memo, so that the tap saw nothing.
    pub by_memo: bool,
}

impl<const MUTANT: u8> Shard<MUTANT> {
    /// Takes one packet from node `at` to its verdict. `now` must not lie before that of the call before. If it is walked, `tap` sees it, and if it is delivered
    /// then, `note` is asked what to remember of it; notes tell ways apart, so they should be few. If it goes by a memo, only `via_endpoint` of its meta is kept.
    #[inline]
    pub fn one<T: Tap>(
        &mut self,
        at: NodeIx,
        frame: &mut Frame<'_>,
        now: SimTime,
        tap: &mut T,
        note: impl FnOnce(&T, HostIx) -> u32,
    ) -> Passed {
        let mutant = const { Mutant::of(MUTANT) };
        self.stats.packets += 1;
        let sender = frame.meta.sender;
        let enters = frame.meta.from.is_none() && attachment(&self.program, sender).is_some_and(|(node, _)| node == at);
        let head = if enters { FlowHead::of(frame.bytes) } else { None };
        let remember = head.map(|head| (head, Key::of(&head, sender, mutant)));
        if let Some((head, key)) = &remember
            && let Some(place) = self.cache.find(key, self.cache.home(key))
            && let Some(memo) = self.cache.entry(place)
            && memo.admits(head, self.adoptions, &self.state, now, mutant)
        {
            let path = memo.apply(frame.bytes, head.protocol, &mut self.state, now, mutant) as usize;
            if !mutant.is(Mutant::DoesNotCount) {
                let passed = &mut self.paths.passed[path];
                passed.packets += 1;
                passed.frame_bytes += frame.bytes.len() as u64;
                passed.ip_bytes += u64::from(head.total_bytes);
            }
            let Outcome { verdict, via_endpoint } = self.paths.outcomes[path];
            frame.meta.via_endpoint = via_endpoint;
            return Passed { verdict, note: self.paths.note(path), by_memo: true };
        }
        self.observe(at, frame, remember, now, tap, note).0
    }

    /// Walks, and remembers what is worth it. The second value says whether memos moved.
    #[inline(never)]
    pub(super) fn observe<T: Tap>(
        &mut self,
        at: NodeIx,
        frame: &mut Frame<'_>,
        remember: Option<(FlowHead, Key)>,
        now: SimTime,
        tap: &mut T,
        note: impl FnOnce(&T, HostIx) -> u32,
    ) -> (Passed, bool) {
        self.stats.walked += 1;
        let program = &*self.program;
        let before = Snapshot::of(frame.bytes);
        let mut both = Both { observer: Observer::new(program, std::mem::take(&mut self.way)), tap };
        let verdict = walk(program, &mut self.state, at, frame, now, &mut both);
        let Both { mut observer, tap } = both;
        let note = if let Step::Deliver(host) = verdict.step { note(tap, host) } else { 0 };
        observer.way.note = note;
        let entry = match (remember, verdict.step, observer.touches()) {
            (Some((head, key)), Step::Deliver(_), Some(touches)) => {
                let outcome = Outcome { verdict, via_endpoint: frame.meta.via_endpoint };
                let (after, path) = (Snapshot::of(frame.bytes), self.paths.intern(&observer.way, outcome));
                path.and_then(|path| Entry::of(key, &head, &before, &after, touches, (self.adoptions, path)))
            }
            _ => None,
        };
        self.way = std::mem::take(&mut observer.way);
        // A walk that began a session found none before: its memo would never admit a packet, and many flows have but one.
        let mutant = const { Mutant::of(MUTANT) };
        let entry = entry.filter(|entry| entry.touches_hold(&self.state, now, mutant));
        let remembered = entry.is_some_and(|entry| self.cache.insert(entry));
        self.stats.remembered += u64::from(remembered);
        (Passed { verdict, note, by_memo: false }, remembered)
    }
}

/// The shard's observer and the caller's tap, side by side.
struct Both<'p, 't, T> {
    observer: Observer<'p>,
    tap: &'t mut T,
}

impl<T: Tap> Tap for Both<'_, '_, T> {
    fn on_enter(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8]) {
        self.tap.on_enter(now, at, packet, bytes);
    }

    fn on_decision(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, decision: Decision) {
        self.observer.on_decision(now, at, packet, decision);
        self.tap.on_decision(now, at, packet, decision);
    }

    fn on_touch(&mut self, touch: Touch) {
        self.observer.on_touch(touch);
        self.tap.on_touch(touch);
    }

    fn on_step(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8], step: Step) {
        self.observer.on_step(now, at, packet, bytes, step);
        self.tap.on_step(now, at, packet, bytes, step);
    }

    fn on_run_end(&mut self, now: SimTime, packet: &PacketMeta) {
        self.tap.on_run_end(now, packet);
    }
}

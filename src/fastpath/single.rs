//! One packet at a time.
//!
//! Purpose: [`Shard::one`] is [`crate::dataplane::walk`] with a shard's memos, for drivers whose next packet depends on what became of the last one. The caller's tap
//! watches walks; what the caller notes of a walk comes back with every packet that goes by that walk's memo. Bursts walk by the same code.
//! Invariants: bytes, verdict, state and counters are those of `walk`; only what enters where its sender is attached goes by a memo or leaves one.

use super::batch::{Arrival, Outcome};
use super::key::{Key, Link};
use super::memo::{Facts, Memo, Snapshot};
use super::mutant::Mutant;
use super::observer::Observer;
use super::shard::{Shard, attachment};
use crate::dataplane::{Decision, Frame, PacketMeta, Step, Tap, Touch, Verdict, walk};
use crate::program::{HostIx, NodeIx};
use crate::time::SimTime;
use crate::wire::{FlowHead, rewrite};

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
        self.stats.packets += 1;
        let attached_at = attachment(&self.program, frame.meta.sender).map(|(node, _)| node);
        let enters = frame.meta.from.is_none() && attached_at == Some(at);
        let head = if enters { FlowHead::of(frame.bytes) } else { None };
        match head.and_then(|head| self.by_memo(&head, frame, now)) {
            Some(passed) => passed,
            None => self.observe(at, frame, head, now, tap, note).0,
        }
    }

    /// Does what the flow's memo says, if there is one that admits the packet.
    #[inline]
    fn by_memo(&mut self, head: &FlowHead, frame: &mut Frame<'_>, now: SimTime) -> Option<Passed> {
        let mutant = const { Mutant::of(MUTANT) };
        let Shard { adoptions, state, links, cache, paths, .. } = self;
        let key = Key::of(head, links.find(&Link::of(head, frame.meta.sender, mutant)));
        let place = cache.find(&key, cache.home(&key));
        let memo = cache.memo(place)?;
        let note = paths.note(memo.path);
        let path = paths.all.get_mut(usize::from(memo.path))?;
        let Outcome { verdict, via_endpoint } = path.arrival.outcome()?;
        if !memo.admits(Facts::of(head), *adoptions, mutant) || !memo.renews(|| cache.more(place), state, now, mutant) {
            return None;
        }
        rewrite::with_headers(frame.bytes, |headers| memo.rewrite(headers, path.macs, mutant));
        if !mutant.is(Mutant::DoesNotCount) {
            path.passed.packets += 1;
            path.passed.frame_bytes += frame.bytes.len() as u64;
            path.passed.ip_bytes += u64::from(head.total_bytes);
        }
        frame.meta.via_endpoint = via_endpoint;
        Some(Passed { verdict, note, by_memo: true })
    }

    /// Walks, and remembers what is worth it of an ordinary packet, which has a head. The second value says whether memos moved.
    #[inline(never)]
    pub(super) fn observe<T: Tap>(
        &mut self,
        at: NodeIx,
        frame: &mut Frame<'_>,
        head: Option<FlowHead>,
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
        let arrival = Arrival::of(&Outcome { verdict, via_endpoint: frame.meta.via_endpoint });
        // A walk that began a session found none before: its memo would never admit a packet, and many flows have but one.
        let mutant = const { Mutant::of(MUTANT) };
        let conntrack = &self.state.conntrack;
        let lasts = |touch: &Touch| match touch {
            Touch::Untracked(absence) => conntrack.is_absent(*absence) || mutant.is(Mutant::IgnoresAbsence),
            _ => true,
        };
        let touches = observer.touches().filter(|touches| touches.iter().all(lasts));
        let memo = match (head, arrival, touches) {
            (Some(head), Some(arrival), Some(touches)) => {
                let after = Snapshot::of(frame.bytes);
                let path = self.paths.intern(&observer.way, arrival, after.macs());
                let link = self.links.intern(Link::of(&head, frame.meta.sender, mutant));
                path.zip(link).and_then(|(path, link)| {
                    let key = Key::of(&head, link);
                    Memo::of(key, Facts::of(&head), &before, &after, touches, (self.adoptions, path))
                })
            }
            _ => None,
        };
        self.way = std::mem::take(&mut observer.way);
        let remembered = memo.is_some_and(|(memo, more)| self.cache.insert(memo, more));
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

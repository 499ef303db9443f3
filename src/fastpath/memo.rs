//! What a walk did with a packet of a flow, in one cache line.

use super::key::Key;
use super::mutant::Mutant;
use crate::dataplane::conntrack::{Absence, SessionRef};
use crate::dataplane::{State, Touch};
use crate::time::SimTime;
use crate::wire::ethernet::AddressPair;
use crate::wire::{FlowHead, rewrite};

/// Sessions that a memo can hold.
pub(super) const TOUCHES_MAX: usize = 4;
/// Of those, how many beside the cache line: few ways have more than two.
pub(super) const MORE_TOUCHES: usize = 2;

/// A memo. Ethernet addresses and the outcome are its path's.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Memo {
    pub(super) key: Key,
    /// The first touches; the others lie beside the memo.
    touches: [SessionRef; TOUCHES_MAX - MORE_TOUCHES],
    pub(super) epoch: u32,
    pub(super) path: u16,
    /// The longest packet that was seen to pass.
    pub(super) total_bytes_max: u16,
    addresses: [u8; 8],
    ports: [u8; 4],
    /// What the checksums change by (one's complement sums).
    ip_delta: u16,
    transport_delta: u16,
    /// Two bits for each touch: 0 none, 1 tracked, 2 absent, 3 translated.
    kinds: u8,
    ttl_decrement: u8,
    /// Whether more changes than Ethernet addresses.
    rewrites: bool,
}

const _: () = assert!(size_of::<Memo>() == 64);

const TRACKED: u8 = 1;
const ABSENT: u8 = 2;
const TRANSLATED: u8 = 3;

/// Of an ordinary packet, what a memo of its flow asks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) total_bytes: u16,
    pub(super) ttl: u8,
}

impl Facts {
    #[inline(always)]
    pub(super) fn of(head: &FlowHead) -> Facts {
        Facts { total_bytes: head.total_bytes, ttl: head.ttl }
    }
}

/// Headers before or after a walk: what a memo may change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    bytes: [u8; rewrite::HEADERS_BYTES],
    length: usize,
}

impl Snapshot {
    pub(super) fn of(frame: &[u8]) -> Snapshot {
        let length = frame.len().min(rewrite::HEADERS_BYTES);
        let mut bytes = [0; rewrite::HEADERS_BYTES];
        bytes[..length].copy_from_slice(&frame[..length]);
        Snapshot { bytes, length }
    }

    fn frame(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The Ethernet addresses; of nobody if the frame is too short to have any.
    pub(super) fn macs(&self) -> AddressPair {
        AddressPair::of(&self.bytes).unwrap_or_default()
    }
}

impl Memo {
    /// The memo of a walk that made `after` of `before`, and the touches that lie beside it; `None` if applying it would not: the walk changed more than a memo can.
    pub(super) fn of(
        key: Key,
        facts: Facts,
        before: &Snapshot,
        after: &Snapshot,
        touches: &[Touch],
        (epoch, path): (u32, u16),
    ) -> Option<(Memo, [SessionRef; MORE_TOUCHES])> {
        let h = after.frame();
        let bytes = |at: usize, count: usize| h.get(at..at + count);
        let mut memo = Memo {
            key,
            epoch,
            path,
            total_bytes_max: facts.total_bytes,
            ttl_decrement: facts.ttl.checked_sub(*h.get(rewrite::TTL_AT)?)?,
            addresses: bytes(rewrite::ADDRESSES_AT, 8)?.try_into().ok()?,
            ports: bytes(rewrite::PORTS_AT, 4)?.try_into().ok()?,
            ..Memo::default()
        };
        let change = rewrite::Change::between(before.frame(), h)?;
        (memo.ip_delta, memo.transport_delta) = (change.ip_delta, change.transport_delta);
        memo.rewrites = memo.ip_delta != 0
            || memo.transport_delta != 0
            || before.frame().get(rewrite::ADDRESSES_AT..)
                != bytes(rewrite::ADDRESSES_AT, h.len() - rewrite::ADDRESSES_AT);
        let mut more = [SessionRef::default(); MORE_TOUCHES];
        for (position, touch) in touches.iter().enumerate() {
            let (kind, reference) = match *touch {
                Touch::Tracked(session) => (TRACKED, session),
                Touch::Translated(session) => (TRANSLATED, session),
                Touch::Untracked(Absence { bucket, version }) => {
                    (ABSENT, SessionRef { place: bucket, generation: version })
                }
                Touch::Volatile => return None,
            };
            memo.kinds |= kind << (position * 2);
            *memo.touches.iter_mut().chain(&mut more).nth(position)? = reference;
        }
        let mut tried = *before;
        memo.rewrite(&mut tried.bytes, after.macs(), Mutant::None);
        (tried.frame() == h).then_some((memo, more))
    }

    /// Whether there are touches that lie beside it.
    #[inline(always)]
    pub(super) const fn has_more_touches(&self) -> bool {
        self.kinds >> ((TOUCHES_MAX - MORE_TOUCHES) * 2) != 0
    }

    /// Whether the walk would do with a packet what it did with the one it was made of, as far as sessions leave it to.
    #[inline(always)]
    pub(super) fn admits(&self, facts: Facts, epoch: u32, mutant: Mutant) -> bool {
        let ttl_is_left =
            (self.ttl_decrement == 0) | (facts.ttl > self.ttl_decrement) | mutant.is(Mutant::IgnoresTimeToLive);
        ((self.epoch == epoch) | mutant.is(Mutant::IgnoresEpoch))
            & ttl_is_left
            & ((facts.total_bytes <= self.total_bytes_max) | mutant.is(Mutant::IgnoresLength))
    }

    /// Whether each session is as it was found; those that are take note of the packet. If one is not, the packet has to walk: that finds those before it as they were
    /// found here, because it comes to them in this order, and noting a packet twice at one time is noting it once.
    #[inline(always)]
    pub(super) fn renews(
        &self,
        more: impl Fn() -> [SessionRef; MORE_TOUCHES],
        state: &mut State,
        now: SimTime,
        mutant: Mutant,
    ) -> bool {
        let mut kinds = self.kinds;
        for touch in self.touches {
            if kinds == 0 {
                return true;
            }
            if !renew(kinds & 3, touch, state, now, mutant) {
                return false;
            }
            kinds >>= 2;
        }
        kinds == 0 || mutant.is(Mutant::IgnoresFurtherSessions) || renew_more(kinds, more(), state, now, mutant)
    }

    /// A load of the first session, so that later loads find it near.
    #[inline(always)]
    pub(super) fn first_session(&self, state: &State) -> u32 {
        match self.kinds & 3 {
            TRACKED => state.conntrack.generation_at(self.touches[0].place),
            TRANSLATED => state.nat.generation_at(self.touches[0].place),
            _ => 0,
        }
    }

    /// Does what the walk did with the headers; `macs` are the path's.
    #[inline(always)]
    pub(super) fn rewrite(&self, headers: &mut [u8; rewrite::HEADERS_BYTES], macs: AddressPair, mutant: Mutant) {
        macs.write(headers);
        if !self.rewrites {
            return;
        }
        let keeps = mutant.is(Mutant::KeepsChecksums);
        let change = rewrite::Change {
            ttl_decrement: self.ttl_decrement,
            addresses: self.addresses,
            ports: self.ports,
            ip_delta: if keeps { 0 } else { self.ip_delta },
            transport_delta: if keeps { 0 } else { self.transport_delta },
        };
        change.apply(headers, self.key.protocol());
    }
}

/// Those beside the memo.
#[inline(never)]
fn renew_more(kinds: u8, touches: [SessionRef; MORE_TOUCHES], state: &mut State, now: SimTime, mutant: Mutant) -> bool {
    let kinds = (0..MORE_TOUCHES).map(|position| kinds >> (position * 2) & 3).take_while(|kind| *kind != 0);
    kinds.zip(touches).all(|(kind, touch)| renew(kind, touch, state, now, mutant))
}

/// Whether what was found is still so; if it was a session, it takes note of one more packet.
#[inline(always)]
fn renew(kind: u8, touch: SessionRef, state: &mut State, now: SimTime, mutant: Mutant) -> bool {
    let alive_at = if mutant.is(Mutant::IgnoresExpiry) { SimTime::ZERO } else { now };
    let renews = !mutant.is(Mutant::DoesNotRenew);
    match kind {
        TRACKED => {
            let touch = any_generation(touch, mutant, || state.conntrack.generation_at(touch.place));
            let is_alive = state.conntrack.is_alive(touch, alive_at);
            if is_alive & renews {
                state.conntrack.renew(touch, now);
            }
            is_alive
        }
        TRANSLATED => {
            let touch = any_generation(touch, mutant, || state.nat.generation_at(touch.place));
            let is_alive = state.nat.is_alive(touch, alive_at);
            if is_alive & renews {
                state.nat.renew(touch, now);
            }
            is_alive
        }
        _ => {
            mutant.is(Mutant::IgnoresAbsence)
                || state.conntrack.is_absent(Absence { bucket: touch.place, version: touch.generation })
        }
    }
}

#[inline(always)]
fn any_generation(touch: SessionRef, mutant: Mutant, generation: impl Fn() -> u32) -> SessionRef {
    match mutant {
        Mutant::IgnoresGeneration => SessionRef { generation: generation(), ..touch },
        _ => touch,
    }
}

//! How packets came out: where, over which road, translated by whom; and how many.
//!
//! Purpose: what a walk decided is read once, and noted under a number; packets that go by the walk's memo have that number ([`Passed::note`]). Invariant: a number says
//! the same of every packet that has it. Numbers are few: hosts times roads, nearly.

use super::outcome::{Count, Translation, Translations};
use crate::dataplane::{Decision, Direction};
use crate::explain::road::Road;
use crate::fastpath::Passed;
use crate::program::{HostIx, NodeIx, Program};
use std::collections::BTreeMap;

/// What delivered packets have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    host: HostIx,
    road: Option<Road>,
    /// How many of the translations that each of these packets meets are not listed. That stays so: the list only grows, up to its limit.
    unlisted: u64,
}

/// All that were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    /// By number.
    arrivals: Vec<(Arrival, Count)>,
    numbers: BTreeMap<Arrival, u32>,
    pub(super) translations: Translations,
}

impl Arrivals {
    /// The number for packets that come out at `host` after these decisions. The translations among them are seen hereby.
    pub(super) fn note(&mut self, program: &Program, host: HostIx, decisions: &[(NodeIx, Decision)]) -> u32 {
        let mut arrival = Arrival { host, road: None, unlisted: 0 };
        for (at, decision) in decisions {
            arrival.road = Road::after(arrival.road, program, *at, decision);
            match *decision {
                // The packets that follow in the session do not begin it.
                Decision::Nat { direction: Direction::Egress, before, after, begun: true } => {
                    self.translations.see(Translation { at: *at, before, after });
                }
                Decision::Translate { direction: Direction::Egress, before, after } => {
                    let translation = Translation { at: *at, before: (before, 0), after: (after, 0) };
                    arrival.unlisted += u64::from(!self.translations.see(translation));
                }
                _ => {}
            }
        }
        let next = self.arrivals.len() as u32; // few
        let number = *self.numbers.entry(arrival).or_insert(next);
        if number == next {
            self.arrivals.push((arrival, Count::default()));
        }
        number
    }

    /// Counts a packet that was delivered; of one that went by a memo, translations are seen now.
    pub(super) fn count(&mut self, passed: &Passed, frame_bytes: usize) {
        let Some((arrival, count)) = self.arrivals.get_mut(passed.note as usize) else { return };
        count.add(frame_bytes);
        if passed.by_memo {
            self.translations.see_unlisted(arrival.unlisted);
        }
    }

    /// How many came out, by host and road.
    pub(super) fn counts(&self) -> BTreeMap<(HostIx, Option<Road>), Count> {
        let mut counts: BTreeMap<_, Count> = BTreeMap::new();
        for (arrival, count) in &self.arrivals {
            let sum = counts.entry((arrival.host, arrival.road)).or_default();
            sum.packets += count.packets;
            sum.bytes += count.bytes;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::TRANSLATIONS_MAX;
    use super::*;
    use crate::dataplane::{Step, Verdict};
    use std::net::Ipv4Addr;

    fn translated(before: u32) -> Decision {
        let (before, after) = (Ipv4Addr::from(before), Ipv4Addr::from(before ^ 0xff00_0000));
        Decision::Translate { direction: Direction::Egress, before, after }
    }

    /// The naive twin notes every packet; the other only the first of each flow.
    #[test]
    fn a_note_counts_as_walking_each_packet_does() {
        let (program, gateway, host) = (Program::empty(), NodeIx(0), HostIx(3));
        let verdict = Verdict { at: gateway, step: Step::Deliver(host) };
        let (mut noting, mut naive) = (Arrivals::default(), Arrivals::default());
        let flows = TRANSLATIONS_MAX as u32 + 5;
        let mut notes = Vec::new();
        for packet in 0..3 * flows {
            let decisions = [(gateway, translated(packet % flows))];
            let by_memo = packet >= flows;
            let note = match notes.get((packet % flows) as usize) {
                Some(note) => *note,
                None => {
                    notes.push(noting.note(&program, host, &decisions));
                    notes[packet as usize]
                }
            };
            noting.count(&Passed { verdict, note, by_memo }, 60);
            let note = naive.note(&program, host, &decisions);
            naive.count(&Passed { verdict, note, by_memo: false }, 60);
        }
        assert_eq!(noting.translations, naive.translations);
        assert_eq!(noting.counts(), naive.counts());
        let road = Some(Road::InternetGateway(gateway));
        assert_eq!(noting.counts()[&(host, road)].packets, u64::from(3 * flows));
        assert_eq!(noting.arrivals.len(), 2, "listed and not");
    }
}

//! What security groups remember of first fragments, so that the later ones, which carry no ports, can follow them.
//!
//! A first fragment that passed an interface leaves a note for the settings' `fragment_timeout`; later fragments of the same datagram (addresses, protocol and
//! identification, RFC 791 section 2.3) pass that interface in the same direction as long as the note lives. Assumed: AWS does not say how security groups
//! treat fragments; this is what the name "stateful" promises.
//! Limit: notes per interface and direction ([`NOTES_MAX`]); the oldest goes first, and what it was kept for is then dropped as
//! [`super::DropReason::FragmentWithoutFirst`]. Non-goals: reassembly, fragments that come before their first one.

use super::Direction;
use crate::net::Protocol;
use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};
use crate::wire::Parsed;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

/// First fragments remembered at once, of one interface in one direction.
pub const NOTES_MAX: usize = 256;

/// Which datagram: what all its pieces have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Datagram {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    identification: u16,
}

/// All notes.
#[derive(Clone, Debug, Default)]
pub struct FirstFragments {
    by_interface: BTreeMap<(NodeIx, Direction), Notes>,
}

/// One interface's, in one direction.
#[derive(Clone, Debug, Default)]
struct Notes {
    expires_at: BTreeMap<Datagram, SimTime>,
    /// The same, the oldest first.
    order: VecDeque<(SimTime, Datagram)>,
}

impl FirstFragments {
    /// A packet passed: if it is the first of several fragments, the others may follow until `timeout` is over.
    pub fn note(
        &mut self,
        interface: NodeIx,
        direction: Direction,
        packet: &Parsed,
        now: SimTime,
        timeout: SimDuration,
    ) {
        if packet.is_first_fragment() {
            self.by_interface.entry((interface, direction)).or_default().add(Datagram::of(packet), now, now + timeout);
        }
    }

    /// Whether the first fragment of a later one's datagram has passed.
    pub fn has_passed(&self, interface: NodeIx, direction: Direction, packet: &Parsed, now: SimTime) -> bool {
        let notes = self.by_interface.get(&(interface, direction));
        let expires_at = notes.and_then(|notes| notes.expires_at.get(&Datagram::of(packet)));
        expires_at.is_some_and(|expires_at| now < *expires_at)
    }
}

impl Datagram {
    pub(crate) fn of(packet: &Parsed) -> Datagram {
        let Parsed { source, destination, protocol, identification, .. } = *packet;
        Datagram { source, destination, protocol, identification }
    }
}

impl Notes {
    fn add(&mut self, datagram: Datagram, now: SimTime, expires_at: SimTime) {
        self.expires_at.insert(datagram, expires_at);
        self.order.push_back((expires_at, datagram));
        while let Some(&(at, oldest)) = self.order.front()
            && (at <= now || self.order.len() > NOTES_MAX)
        {
            self.order.pop_front();
            // A datagram may have been noted again since.
            if self.expires_at.get(&oldest) == Some(&at) {
                self.expires_at.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const TIMEOUT: SimDuration = SimDuration::from_secs(30);
    const ENI: NodeIx = NodeIx(3);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// The first fragment of datagram `identification`, or a later one.
    fn fragment(identification: u16, is_first: bool) -> Parsed {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4([10, 0, 0, 5], [10, 0, 0, 6], 64);
        builder.udp(5_000, 5_001).write(&mut frame, &[0; 16]).unwrap();
        frame[18..20].copy_from_slice(&identification.to_be_bytes());
        frame[20..22].copy_from_slice(if is_first { &[0x20, 0] } else { &[0, 3] });
        Parsed::of(&frame).unwrap()
    }

    #[test]
    fn later_fragments_follow_their_first_one_at_that_interface_in_that_direction_until_the_time_is_over() {
        let mut notes = FirstFragments::default();
        let later = fragment(7, false);
        assert!(!notes.has_passed(ENI, Direction::Egress, &later, at(0)));
        notes.note(ENI, Direction::Egress, &later, at(0), TIMEOUT);
        assert!(!notes.has_passed(ENI, Direction::Egress, &later, at(0)), "a later fragment is no first one");
        notes.note(ENI, Direction::Egress, &fragment(7, true), at(0), TIMEOUT);
        assert!(notes.has_passed(ENI, Direction::Egress, &later, at(29)));
        assert!(!notes.has_passed(ENI, Direction::Egress, &later, at(30)));
        assert!(!notes.has_passed(ENI, Direction::Ingress, &later, at(1)));
        assert!(!notes.has_passed(NodeIx(4), Direction::Egress, &later, at(1)));
        assert!(!notes.has_passed(ENI, Direction::Egress, &fragment(8, false), at(1)));
    }

    #[test]
    fn the_oldest_note_goes_when_there_are_too_many_and_old_ones_go_by_themselves() {
        let mut notes = FirstFragments::default();
        for identification in 0..=NOTES_MAX as u16 {
            notes.note(ENI, Direction::Egress, &fragment(identification, true), at(1), TIMEOUT);
        }
        let passed = |notes: &FirstFragments, identification, seconds| {
            notes.has_passed(ENI, Direction::Egress, &fragment(identification, false), at(seconds))
        };
        assert!(!passed(&notes, 0, 1) && passed(&notes, 1, 1) && passed(&notes, NOTES_MAX as u16, 1));
        // Noted again: the first time's end is not the second's.
        notes.note(ENI, Direction::Egress, &fragment(9, true), at(20), TIMEOUT);
        notes.note(ENI, Direction::Egress, &fragment(1_000, true), at(40), TIMEOUT);
        assert!(passed(&notes, 9, 40) && !passed(&notes, 10, 40));
        let own = &notes.by_interface[&(ENI, Direction::Egress)];
        assert_eq!((own.expires_at.len(), own.order.len()), (2, 2));
    }
}

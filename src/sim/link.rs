//! Links: serialisation, a bounded queue, propagation delay, random loss.
//!
//! One direction is a first-in-first-out line of frames in flight; only its head stands in the event queue.

use crate::dataplane::{DropReason, PacketMeta};
use crate::net::LinkParameters;
use crate::program::{HostIx, NodeIx};
use crate::rng::Stream;
use crate::time::{SimDuration, SimTime};
use bytes::BytesMut;
use std::collections::VecDeque;

/// Where a frame in flight will come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Host(HostIx),
    Node(NodeIx),
}

/// A frame under way.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) arrives_at: SimTime,
    pub(super) bytes: BytesMut,
    pub(super) meta: PacketMeta,
    pub(super) to: End,
}

/// One direction of a link.
#[derive(Debug, Default)]
pub(super) struct LinkDirection {
    line: VecDeque<InFlight>,
    /// When the last accepted frame's last bit leaves.
    busy_until: SimTime,
    sequence: u64,
}

/// What became of a frame handed to a link.
#[derive(Debug)]
pub(super) enum Sent {
    /// Under way. The link's head is new: it needs an entry in the event queue.
    NewHead(SimTime),
    /// Under way behind others.
    Queued,
    /// Not taken.
    Dropped(DropReason, BytesMut),
}

impl LinkDirection {
    /// Takes a frame.
    pub(super) fn send(
        &mut self,
        now: SimTime,
        link: &LinkParameters,
        loss: &mut Stream,
        bytes: BytesMut,
        meta: PacketMeta,
        to: End,
    ) -> Sent {
        let rate = link.bandwidth_bits_per_second;
        let length = bytes.len() as u64;
        let starts_at = self.busy_until.max(now);
        let waiting_bytes = bytes_in(starts_at.since(now), rate);
        if rate > 0 && waiting_bytes + length > link.queue_bytes.max(length) {
            return Sent::Dropped(DropReason::LinkQueueFull, bytes);
        }
        if link.loss > 0.0 && loss.unit() < link.loss {
            return Sent::Dropped(DropReason::LinkLoss, bytes);
        }
        self.busy_until = starts_at + serialisation(length, rate);
        let behind = self.line.back().map_or(SimTime::ZERO, |last| last.arrives_at);
        // A link whose latency was lowered meanwhile still delivers in order.
        let arrives_at = (self.busy_until + link.latency).max(behind);
        self.line.push_back(InFlight { arrives_at, bytes, meta, to });
        if self.line.len() == 1 { Sent::NewHead(arrives_at) } else { Sent::Queued }
    }

    /// Takes the head out, and says when the next one arrives.
    pub(super) fn arrive(&mut self) -> (Option<InFlight>, Option<SimTime>) {
        let head = self.line.pop_front();
        (head, self.line.front().map(|next| next.arrives_at))
    }

    /// The next number for this direction's event-queue entries.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Frames under way.
    pub(super) fn len(&self) -> usize {
        self.line.len()
    }
}

fn serialisation(bytes: u64, bits_per_second: u64) -> SimDuration {
    match bits_per_second {
        0 => SimDuration::ZERO,
        rate => SimDuration::from_nanos((u128::from(bytes) * 8 * 1_000_000_000 / u128::from(rate)) as u64),
    }
}

fn bytes_in(span: SimDuration, bits_per_second: u64) -> u64 {
    (u128::from(span.as_nanos()) * u128::from(bits_per_second) / 8 / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::PacketId;
    use crate::rng::Seed;

    const LINK: LinkParameters = LinkParameters {
        latency: SimDuration::from_micros(100),
        bandwidth_bits_per_second: 8_000_000, // a byte a microsecond
        queue_bytes: 3_000,
        loss: 0.0,
    };

    fn meta() -> PacketMeta {
        PacketMeta::from_host(PacketId(1), HostIx(0), SimTime::ZERO)
    }

    fn send(direction: &mut LinkDirection, link: &LinkParameters, length: usize) -> Sent {
        let mut loss = Seed::new(1).derive("loss");
        let to = End::Host(HostIx(1));
        direction.send(SimTime::ZERO, link, &mut loss, BytesMut::zeroed(length), meta(), to)
    }

    #[test]
    fn frames_are_serialised_one_after_another() {
        let mut direction = LinkDirection::default();
        assert!(matches!(send(&mut direction, &LINK, 1_000), Sent::NewHead(at) if at.as_micros() == 1_100));
        assert!(matches!(send(&mut direction, &LINK, 500), Sent::Queued));
        let (head, next) = direction.arrive();
        assert_eq!(head.unwrap().bytes.len(), 1_000);
        assert_eq!(next.unwrap().as_micros(), 1_600);
    }

    #[test]
    fn a_full_queue_drops_and_says_so() {
        let mut direction = LinkDirection::default();
        for _ in 0..3 {
            assert!(!matches!(send(&mut direction, &LINK, 1_000), Sent::Dropped(..)));
        }
        assert!(matches!(send(&mut direction, &LINK, 1_000), Sent::Dropped(DropReason::LinkQueueFull, _)));
        assert_eq!(direction.len(), 3);
    }

    #[test]
    fn loss_is_the_share_asked_for() {
        let link = LinkParameters { loss: 0.25, bandwidth_bits_per_second: 0, ..LINK };
        let mut direction = LinkDirection::default();
        let mut loss = Seed::new(1).derive("loss");
        let lost = (0..4_000)
            .filter(|_| {
                let to = End::Host(HostIx(1));
                let sent = direction.send(SimTime::ZERO, &link, &mut loss, BytesMut::zeroed(10), meta(), to);
                matches!(sent, Sent::Dropped(DropReason::LinkLoss, _))
            })
            .count();
        assert!((900..1_100).contains(&lost), "{lost}");
    }
}

//! The order of events: total and explicit, so that it cannot depend on anything but the scenario.

use crate::program::{HostIx, LinkIx};
use crate::time::SimTime;
use std::cmp::Ordering;

/// Which way along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Away from the host; between nodes, towards the higher index.
    Out,
    /// Towards the host; between nodes, towards the lower index.
    In,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The frame at the head of a link arrives. Frames before timers: a timeout is only due if the answer did not come first.
    LinkHead(LinkIx, Way),
    /// A service has finished thinking.
    Response(HostIx),
    /// A host wanted to be called.
    Timer(HostIx),
}

/// One entry of the event queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: SimTime,
    pub(super) cause: Cause,
    /// Of the source that `cause` names; separates its events at one instant.
    pub(super) sequence: u64,
}

/// `(time, class, source index, per-source sequence)`, the earliest first. (`BinaryHeap` pops the greatest, hence reversed.)
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.cause, other.sequence).cmp(&(self.at, self.cause, self.sequence))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BinaryHeap;

    #[test]
    fn frames_go_before_timers_and_links_in_index_order() {
        let at = |nanos, cause| Event { at: SimTime::from_nanos(nanos), cause, sequence: 0 };
        let wanted = [
            at(1, Cause::Timer(HostIx(0))),
            at(2, Cause::LinkHead(LinkIx(1), Way::Out)),
            at(2, Cause::LinkHead(LinkIx(1), Way::In)),
            at(2, Cause::LinkHead(LinkIx(7), Way::Out)),
            at(2, Cause::Response(HostIx(0))),
            at(2, Cause::Timer(HostIx(0))),
        ];
        let mut heap: BinaryHeap<_> = wanted.iter().rev().copied().collect();
        let popped: Vec<_> = std::iter::from_fn(|| heap.pop()).collect();
        assert_eq!(popped, wanted);
    }
}

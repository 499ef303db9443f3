//! Every packet accounted for.

use crate::dataplane::DropReason;
use std::collections::BTreeMap;

/// Where all packets are. Invariant: `injected + generated + fragments_made = delivered + dropped + fragmented + absorbed + queued`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Sent by hosts.
    pub injected: u64,
    /// Made by the data plane itself: ARP answers, ICMP errors, TCP resets.
    pub generated: u64,
    /// Made by the data plane out of packets that were too big.
    pub fragments_made: u64,
    /// Received by hosts.
    pub delivered: u64,
    /// Dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Split: their fragments went on instead.
    pub fragmented: u64,
    /// Answered by the data plane itself.
    pub absorbed: u64,
    /// On links.
    pub queued: u64,
}

impl Conservation {
    pub(super) fn drop(&mut self, reason: DropReason) {
        *self.dropped.entry(reason).or_default() += 1;
    }

    /// All drops.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Whether no packet was lost or doubled.
    pub fn holds(&self) -> bool {
        let came = self.injected + self.generated + self.fragments_made;
        came == self.delivered + self.dropped_total() + self.fragmented + self.absorbed + self.queued
    }
}

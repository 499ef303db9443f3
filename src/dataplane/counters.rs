//! Packets and bytes per node, and per node and drop reason.
//!
//! Invariant, for every node: received = forwarded + delivered + answered + fragmented + dropped, and dropped = the sum over reasons. Bytes are those of
//! the frame as it came in (no node changes a frame's length; who splits it is the driver).

use super::{DropReason, Reply, Step};
use crate::program::NodeIx;

/// How many, how long together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes of their Ethernet frames, without FCS.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// What one node did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// Came in, from hosts and from other nodes.
    pub received: Count,
    /// Went on to another node.
    pub forwarded: Count,
    /// Went to a host.
    pub delivered: Count,
    /// Were answered by the node itself (ARP).
    pub answered: Count,
    /// Were split, for what comes next; the pieces are counted there.
    pub fragmented: Count,
    /// Ended here.
    pub dropped: Count,
    /// Of those dropped, whose source was told (an ICMP error, a TCP reset). Bytes are those of the packet dropped.
    pub told: Count,
    /// By reason, sorted: few nodes drop for more than a few.
    drops: Vec<(DropReason, Count)>,
}

impl NodeCounters {
    fn drop(&mut self, reason: DropReason, bytes: usize) {
        self.dropped.add(bytes);
        let position = self.drops.partition_point(|(other, _)| *other < reason);
        if self.drops.get(position).is_none_or(|(other, _)| *other != reason) {
            self.drops.insert(position, (reason, Count::default()));
        }
        self.drops[position].1.add(bytes);
    }

    /// What ended here for `reason`.
    pub fn dropped_for(&self, reason: DropReason) -> Count {
        self.drops().find(|(other, _)| *other == reason).map_or_else(Count::default, |(_, count)| count)
    }

    /// The reasons that ended packets here, in the order of [`DropReason::ALL`].
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, Count)> + '_ {
        self.drops.iter().copied()
    }
}

/// All nodes' counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    nodes: Vec<NodeCounters>,
}

impl Counters {
    /// The counters of one node; all zero if no packet ever came there.
    pub fn node(&self, at: NodeIx) -> NodeCounters {
        self.nodes.get(at.at()).cloned().unwrap_or_default()
    }

    /// Every node's counters in the order of [`NodeIx`], from 0; nodes behind the last one that was ever used may be missing.
    pub fn all(&self) -> &[NodeCounters] {
        &self.nodes
    }

    /// The sum over all nodes.
    pub fn total_dropped(&self) -> Count {
        self.nodes.iter().fold(Count::default(), |sum, node| Count {
            packets: sum.packets + node.dropped.packets,
            bytes: sum.bytes + node.dropped.bytes,
        })
    }

    /// Counts packets that were delivered over `nodes`.
    pub(crate) fn record_way(&mut self, nodes: &[NodeIx], node_count: usize, packets: u64, bytes: u64) {
        if self.nodes.len() < node_count {
            self.nodes.resize(node_count, NodeCounters::default());
        }
        for (position, at) in nodes.iter().enumerate() {
            let Some(node) = self.nodes.get_mut(at.at()) else { continue };
            let left = if position + 1 == nodes.len() { &mut node.delivered } else { &mut node.forwarded };
            for count in [left, &mut node.received] {
                count.packets += packets;
                count.bytes += bytes;
            }
        }
    }

    /// Counts a step of node `at`, one of `node_count`.
    pub(super) fn record(&mut self, at: NodeIx, node_count: usize, step: Step, bytes: usize) {
        if self.nodes.len() < node_count {
            self.nodes.resize(node_count, NodeCounters::default());
        }
        let Some(node) = self.nodes.get_mut(at.at()) else { return };
        node.received.add(bytes);
        match step {
            Step::Forward(..) => node.forwarded.add(bytes),
            Step::Deliver(_) => node.delivered.add(bytes),
            Step::Fragment { .. } => node.fragmented.add(bytes),
            Step::Reply(Reply::InPlace) => node.answered.add(bytes),
            Step::Reply(Reply::Error { reason, .. }) => {
                node.drop(reason, bytes);
                node.told.add(bytes);
            }
            Step::Drop(reason) => node.drop(reason, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_reasons_is_in_the_order_of_the_enum() {
        for (position, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position, "{reason:?}");
        }
    }

    #[test]
    fn a_drop_counts_twice_once_under_its_reason() {
        let mut counters = Counters::default();
        counters.record(NodeIx(1), 3, Step::Drop(DropReason::NoRoute), 60);
        let node = counters.node(NodeIx(1));
        assert_eq!((node.received, node.dropped), (Count { packets: 1, bytes: 60 }, Count { packets: 1, bytes: 60 }));
        assert_eq!(node.drops().collect::<Vec<_>>(), [(DropReason::NoRoute, Count { packets: 1, bytes: 60 })]);
        assert_eq!(node.dropped_for(DropReason::Malformed).packets, 0);
        assert_eq!((counters.all().len(), counters.total_dropped().packets), (3, 1));
        assert_eq!(counters.node(NodeIx(9)), NodeCounters::default());
    }
}

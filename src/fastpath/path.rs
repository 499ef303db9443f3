//! Ways through the network, and how many packets took them.
//!
//! Purpose: a memo counts one path instead of every node on it; [`Paths::expand`] makes nodes' counters of that. Limit: [`PATHS_MAX`] different ways; flows on others are
//! not memoised.

use super::batch::Outcome;
use crate::dataplane::{Direction, PassedNat, State};
use crate::program::NodeIx;
use std::collections::BTreeMap;

/// Different ways that are kept.
const PATHS_MAX: usize = 1 << 16;

/// The nodes of a way, in order, which of them translate, and what the driver noted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) nodes: Vec<NodeIx>,
    pub(super) nat_gateways: Vec<(NodeIx, Direction)>,
    pub(super) note: u32,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    pub(super) packets: u64,
    pub(super) frame_bytes: u64,
    pub(super) ip_bytes: u64,
}

/// All ways seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    ways: Vec<Way>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) passed: Vec<Passed>,
    by_way: BTreeMap<(Way, u32), u32>,
}

impl Paths {
    /// The number of a way that ends so; `None` if there are too many.
    pub(super) fn intern(&mut self, way: &Way, outcome: Outcome) -> Option<u32> {
        // The verdict's node is the way's last; hosts and endpoints tell ways over the same nodes apart.
        let known = self.by_way.range((way.clone(), 0)..=(way.clone(), u32::MAX));
        if let Some((_, &path)) = known.into_iter().find(|(_, path)| self.outcomes[**path as usize] == outcome) {
            return Some(path);
        }
        if self.ways.len() >= PATHS_MAX {
            return None;
        }
        let path = self.ways.len() as u32;
        self.ways.push(way.clone());
        self.outcomes.push(outcome);
        self.passed.push(Passed::default());
        self.by_way.insert((way.clone(), path), path);
        Some(path)
    }

    /// What was noted of a way.
    #[inline]
    pub(super) fn note(&self, path: usize) -> u32 {
        self.ways[path].note
    }

    /// Counts what passed in `state`, and begins anew.
    pub(super) fn expand(&mut self, state: &mut State, node_count: usize) {
        for (way, passed) in self.ways.iter().zip(&mut self.passed) {
            let Passed { packets, frame_bytes, ip_bytes } = std::mem::take(passed);
            if packets == 0 {
                continue;
            }
            state.counters.record_way(&way.nodes, node_count, packets, frame_bytes);
            for (gateway, direction) in &way.nat_gateways {
                state.nat.count_passed(*gateway, PassedNat { direction: *direction, packets, ip_bytes });
            }
        }
    }
}

//! Ways through the network, and how many packets took them.
//!
//! Purpose: a memo counts one path instead of every node on it; [`Paths::expand`] makes nodes' counters of that. Limit: 65,536 different ways; flows on others are
//! not memoised.

use super::batch::Arrival;
use crate::dataplane::{Direction, PassedNat, State};
use crate::program::NodeIx;
use crate::wire::ethernet::AddressPair;
use std::collections::BTreeMap;

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

/// What the packets of a way have in common: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Path {
    pub(super) arrival: Arrival,
    /// Of what comes out.
    pub(super) macs: AddressPair,
    pub(super) passed: Passed,
}

const _: () = assert!(size_of::<Path>() == 64);

/// All ways seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    ways: Vec<Way>,
    pub(super) all: Vec<Path>,
    by_way: BTreeMap<(Way, u16), u16>,
}

impl Paths {
    /// The number of a way that ends so; `None` if there are too many.
    pub(super) fn intern(&mut self, way: &Way, arrival: Arrival, macs: AddressPair) -> Option<u16> {
        // Hosts, endpoints and addresses tell ways over the same nodes apart.
        let known = self.by_way.range((way.clone(), 0)..=(way.clone(), u16::MAX));
        let is_it = |path: &Path| path.arrival == arrival && path.macs == macs;
        if let Some((_, &path)) = known.into_iter().find(|(_, path)| is_it(&self.all[usize::from(**path)])) {
            return Some(path);
        }
        let path = u16::try_from(self.ways.len()).ok()?;
        self.ways.push(way.clone());
        self.all.push(Path { arrival, macs, passed: Passed::default() });
        self.by_way.insert((way.clone(), path), path);
        Some(path)
    }

    /// What was noted of a path's way.
    #[inline]
    pub(super) fn note(&self, path: u16) -> u32 {
        self.ways.get(usize::from(path)).map_or(0, |way| way.note)
    }

    /// Counts what passed in `state`, and begins anew.
    pub(super) fn expand(&mut self, state: &mut State, node_count: usize) {
        for (way, path) in self.ways.iter().zip(&mut self.all) {
            let Passed { packets, frame_bytes, ip_bytes } = std::mem::take(&mut path.passed);
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

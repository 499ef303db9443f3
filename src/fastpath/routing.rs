//! A plain router's burst: headers, table, rewriting, in three loops.
//!
//! What the loops cannot take (options, fragments, ICMP, ARP, faults, no time to live left, no route) is left to the walk. What they take, they do with the
//! functions that the router's own node does it with.

use super::batch::{Arrival, BURST_MAX, Burst};
use crate::dataplane::plain_router;
use crate::lpm::ValueIx;
use crate::program::{HostIx, NodeIx, PlainRouterNode};
use crate::wire::{Heads, LINE_BYTES, RouteHead};
use std::net::Ipv4Addr;

/// What the loops hand on to each other.
#[derive(Debug)]
pub(super) struct Scratch {
    destinations: [Ipv4Addr; BURST_MAX],
    ports: [ValueIx; BURST_MAX],
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch { destinations: [Ipv4Addr::UNSPECIFIED; BURST_MAX], ports: [ValueIx::NONE; BURST_MAX] }
    }
}

/// What a burst came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Routed {
    pub(super) packets: u64,
    pub(super) frame_bytes: u64,
    /// A bit for each packet that was left alone.
    pub(super) left: u64,
}

/// Routes what it can of a burst.
pub(super) fn run(
    router: &PlainRouterNode,
    at: NodeIx,
    burst: &mut Burst<'_>,
    heads: &mut Heads,
    scratch: &mut Scratch,
    is_attached: impl Fn(HostIx) -> bool,
) -> Routed {
    let count = burst.slots.len().min(BURST_MAX);
    let (destinations, ports) = (&mut scratch.destinations[..count], &mut scratch.ports[..count]);
    let first = burst.slots.first().map(|slot| slot.sender);
    let (mut is_of_one_sender, mut frame_bytes) = (true, 0);
    for (at, ((slot, bytes), destination)) in burst.slots().zip(&mut *destinations).enumerate().take(BURST_MAX) {
        let Some(line) = bytes.first_chunk() else { break };
        heads.put(at, line, slot.frame_bytes);
        *destination = RouteHead::read(line).destination;
        is_of_one_sender &= Some(slot.sender) == first;
        frame_bytes += u64::from(slot.frame_bytes);
    }
    heads.judge();
    router.table.lookup_batch(destinations, ports);
    // What is not for the loops goes nowhere.
    for (port, is_routable) in ports.iter_mut().zip(heads.are_routable()) {
        *port = if is_routable { *port } else { ValueIx::NONE };
    }
    if !is_of_one_sender || !first.is_some_and(&is_attached) {
        let others = burst.slots.iter().zip(&mut *ports).filter(|(slot, _)| !is_attached(slot.sender));
        others.for_each(|(_, port)| *port = ValueIx::NONE);
    }
    let mut left = 0;
    for (position, (((_, bytes), arrival), port)) in burst.slots_mut(0).zip(ports).enumerate() {
        let Some(line) = bytes.first_chunk_mut::<LINE_BYTES>() else { break };
        match router.table.value(*port).and_then(|port| router.ports.get(usize::from(port))) {
            Some(port) => {
                plain_router::send_on(line, port);
                *arrival = Arrival::new(at, port.host);
            }
            None => left |= 1u64 << position,
        }
    }
    let mut rest = left;
    while rest != 0 {
        frame_bytes -= u64::from(burst.slots[rest.trailing_zeros() as usize].frame_bytes);
        rest &= rest - 1;
    }
    Routed { packets: count as u64 - u64::from(left.count_ones()), frame_bytes, left }
}

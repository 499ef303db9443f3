//! A plain router's burst: headers, table, rewriting, in three loops.
//!
//! What the loops cannot take (options, fragments, ICMP, ARP, faults, no time to live left, no route) is left to the walk. What they take, they do with the
//! functions that the router's own node does it with.

use super::batch::{BURST_MAX, Outcome, Slot};
use crate::dataplane::{Step, Verdict, plain_router};
use crate::lpm::ValueIx;
use crate::program::{NodeIx, PlainRouterNode};
use crate::wire::RouteHead;
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
    (bytes, slot_bytes): (&mut [u8], usize),
    slots: &[Slot],
    outcomes: &mut [Outcome],
    scratch: &mut Scratch,
    is_attached: impl Fn(&Slot) -> bool,
) -> Routed {
    let mut ordinary = 0u64;
    for (position, (slot, frame)) in slots.iter().zip(bytes.chunks_exact(slot_bytes)).enumerate() {
        let head = RouteHead::of(&frame[..usize::from(slot.frame_bytes)]);
        let takes = head.is_some_and(|head| head.ttl > 1) && is_attached(slot);
        scratch.destinations[position] = head.unwrap_or_default().destination.into();
        ordinary |= u64::from(takes) << position;
    }
    router.table.lookup_batch(&scratch.destinations[..slots.len()], &mut scratch.ports[..slots.len()]);
    let mut routed = Routed::default();
    let work = slots.iter().zip(bytes.chunks_exact_mut(slot_bytes)).zip(outcomes);
    for (position, ((slot, frame), outcome)) in work.enumerate() {
        let port = router.table.value(scratch.ports[position]).and_then(|port| router.ports.get(usize::from(port)));
        match port {
            Some(port) if ordinary >> position & 1 == 1 => {
                plain_router::send_on(frame, port);
                *outcome = Outcome { verdict: Verdict { at, step: Step::Deliver(port.host) }, via_endpoint: None };
                routed.packets += 1;
                routed.frame_bytes += u64::from(slot.frame_bytes);
            }
            _ => routed.left |= 1 << position,
        }
    }
    routed
}

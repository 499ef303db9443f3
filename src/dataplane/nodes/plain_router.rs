//! A router as RFC 1812 knows it: a table, ports, and nothing else.
//!
//! No security group, no network ACL, no connection tracking, no translation: what remains of forwarding if AWS is taken away. Hosts are attached to its ports. It
//! answers ARP for every address, since everything is behind it; a packet's time to live is lowered, and the packet goes to the host at the port of the longest prefix.
//! Not simulated: its own ICMP errors (it has no address), so that what has no time to live left or no route is dropped without a word; fragmentation.

use super::eni::{answer_arp, arp_in};
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::program::{PlainPort, PlainRouterNode};
use crate::wire::rewrite;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &PlainRouterNode) -> Stage<Step> {
    if let Some(request) = arp_in(visit.frame.bytes) {
        return answer_arp(visit, &request, Some(router.mac));
    }
    let packet = visit.ipv4_from_host()?;
    if packet.ttl <= 1 {
        visit.decide(Decision::TimeToLive { left: 0 });
        return drop(DropReason::TimeToLiveExceeded);
    }
    let port = router.table.lookup(packet.destination).and_then(|port| router.ports.get(usize::from(port)));
    let Some(port) = port else { return drop(DropReason::NoRoute) };
    send_on(visit.frame.bytes, port);
    ControlFlow::Continue(Step::Deliver(port.host))
}

/// Readies a frame for the host at a port. The caller has seen that time to live is left.
#[inline(always)]
pub(crate) fn send_on(frame: &mut [u8], port: &PlainPort) {
    rewrite::decrement_ttl(frame);
    port.addresses.write(frame);
}

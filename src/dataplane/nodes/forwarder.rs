//! The operating system of an instance that forwards: a router or firewall appliance, or a NAT instance.
//!
//! It gets, over its interface's link, what is not for the instance's own address, and with masquerading what answers a session of its own. It decrements the time
//! to live, answers with "time exceeded" where none is left, masquerades if it is asked to (`dataplane::nat`, as Linux does), and sends the packet back over the
//! link to its interface, where it leaves like one of the instance's own: source check, security groups, route table.
//! Its routing table is a plain instance's: its own subnet directly, the rest by the subnet's router. Redirects (ICMP type 5) are not sent; its interface's MTU is
//! the VPC's, so nothing needs to be split here.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html

use crate::dataplane::nat::{inbound, outbound};
use crate::dataplane::visit::{Stage, Visit};
use crate::dataplane::{Decision, Step, Tap};
use crate::net::MacAddress;
use crate::program::{EniNode, ForwarderNode};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::slice;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, forwarder: &ForwarderNode) -> Stage<Step> {
    let mut packet = visit.ipv4()?;
    visit.decrement_ttl(&packet)?;
    if packet.destination == forwarder.address {
        inbound(visit, &mut packet)?;
    } else if forwarder.masquerade {
        outbound(visit, slice::from_ref(&forwarder.address), &mut packet)?;
    }
    visit.decide(Decision::Forwarded { masquerade: forwarder.masquerade });
    ControlFlow::Continue(visit.forward_over(forwarder.interface, Some(forwarder.link)))
}

/// Whom a forwarding instance sends a packet for `destination` to: an interface of its own subnet that has the address, else the subnet's router.
pub(super) fn next_hop<T: Tap>(visit: &Visit<'_, '_, T>, eni: &EniNode, destination: Ipv4Addr) -> Option<MacAddress> {
    let program = visit.program;
    let router = program.router(eni.router)?;
    let owner = router.interfaces.get(&destination).and_then(|owner| program.eni(*owner));
    let neighbour = owner.filter(|owner| owner.subnet == eni.subnet);
    Some(neighbour.map_or(router.mac, |neighbour| neighbour.mac))
}

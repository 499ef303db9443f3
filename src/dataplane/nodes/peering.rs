//! A VPC peering connection: from one VPC's router to the other's.
//!
//! A packet passes only if its destination or its source lies in the VPC that it goes to: in AWS's words, "within the CIDR block of the destination VPC". There it
//! is delivered to whoever has its destination address; no route table of that VPC is asked, so peering is not transitive, and the other VPC's gateways, NAT,
//! endpoints of the gateway kind, VPN and Direct Connect cannot be used through it. Where the sender's own VPC has its blocks does not matter (no reverse-path check).
//! The time to live stays as it is. Within a Region the way takes as long as between the zones of sender and receiver (the receiving router knows both); between
//! Regions it takes the link of that class.
//! Sources: docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
//! (PCX_REQUIRES_ADDRESS_IN_VPC_CIDR)

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::program::PeeringNode;
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, peering: &PeeringNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let from = visit.frame.meta.from;
    // The side it goes to. A router that is neither side had a route here when the packet left it.
    let Some(to) = [1, 0].into_iter().find(|to: &usize| from == Some(peering.routers[1 - to])) else {
        return drop(DropReason::ResourceGone);
    };
    let inside = |address| peering.cidrs[to].iter().any(|cidr| cidr.contains(address));
    let passed = inside(&packet.destination) || inside(&packet.source);
    visit.decide(Decision::Peering { connection: visit.at, passed });
    if !passed {
        return drop(DropReason::PeeringAddressNotInVpc);
    }
    ControlFlow::Continue(visit.forward_over(peering.routers[to], peering.links.map(|links| links[to])))
}

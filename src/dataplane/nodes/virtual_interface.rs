//! A virtual interface of Direct Connect: private to a virtual private gateway, transit to a transit gateway, public to AWS's public addresses.
//!
//! While its BGP session is down it carries nothing. Assumed: AWS drops what is too big for it without a word, unless it may be split; AWS documents that transit
//! gateways do so for Direct Connect, and nothing of the others.
//! Sources: docs.aws.amazon.com/directconnect/latest/UserGuide/WorkingWithVirtualInterfaces.html, set-jumbo-frames-vif.html,
//! docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::program::{NodeIx, VirtualInterfaceNode};
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, interface: &VirtualInterfaceNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    if visit.frame.meta.from == Some(interface.on_premises) {
        return ControlFlow::Continue(visit.forward(interface.aws));
    }
    check(visit, visit.at, interface)?;
    visit.forward_within(&packet, Segment::silent(interface.mtu_bytes), interface.on_premises, Some(interface.link))
}

/// Drops the packet if `interface`, which is at `at`, is down.
pub(super) fn check<T: Tap>(visit: &mut Visit<'_, '_, T>, at: NodeIx, interface: &VirtualInterfaceNode) -> Stage {
    visit.decide(Decision::VirtualInterface { interface: at, up: interface.up });
    match interface.up {
        true => ControlFlow::Continue(()),
        false => drop(DropReason::VirtualInterfaceDown),
    }
}

//! A NAT gateway.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::NatGatewayNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &NatGatewayNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

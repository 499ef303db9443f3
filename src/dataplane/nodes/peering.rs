//! A VPC peering connection.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::PeeringNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &PeeringNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

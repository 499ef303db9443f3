//! A transit gateway.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::TransitGatewayNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &TransitGatewayNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

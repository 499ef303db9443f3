//! A virtual private gateway.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::VpnGatewayNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &VpnGatewayNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

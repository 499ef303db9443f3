//! A Site-to-Site VPN connection.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::VpnConnectionNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &VpnConnectionNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

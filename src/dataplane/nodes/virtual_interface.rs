//! A virtual interface of Direct Connect.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::VirtualInterfaceNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &VirtualInterfaceNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

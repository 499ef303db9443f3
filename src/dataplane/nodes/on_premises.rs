//! The router of a network on premises.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::OnPremisesNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &OnPremisesNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

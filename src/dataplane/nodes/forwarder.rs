//! An instance that forwards: the inside of its operating system.

use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{DropReason, Step, Tap};
use crate::program::ForwarderNode;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, node: &ForwarderNode) -> Stage<Step> {
    let _ = (visit, node);
    drop(DropReason::ResourceGone)
}

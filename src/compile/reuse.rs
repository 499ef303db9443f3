//! What a compilation takes over from the one before.
//!
//! Where nothing but routes changed ([`Model::differs_only_in_routes`]), only the tables that did are compiled anew, and everything else of the program is the
//! earlier program's. Invariant: a program compiled with reuse equals one compiled without (`tests/compile_reuse.rs`).

use crate::model::Model;
use crate::program::Program;

/// What was compiled last.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) model: Model,
    pub(super) program: Program,
}

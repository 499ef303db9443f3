//! Why packets die: a closed table.
//!
//! A drop is an outcome, never an error. Where AWS's Reachability Analyzer has a code for it, that code is its name
//! (docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html); the others are named by vpcsim and marked so.

mod table;

pub use table::DropReason;

use std::fmt;

/// What is said about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropFacts {
    /// The code: AWS's, or ours.
    pub code: &'static str,
    /// Whether `code` is the Reachability Analyzer's.
    pub is_aws_code: bool,
    /// One sentence: what happened.
    pub sentence: &'static str,
    /// What to change.
    pub remedy: &'static str,
    /// The shipped scenario that shows it; `None` for guards, which no scenario of this version can cause: unit tests of the data plane do.
    pub scenario: Option<&'static str>,
}

impl DropReason {
    /// The code: AWS's where it has one, ours where not.
    pub const fn code(self) -> &'static str {
        self.facts().code
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

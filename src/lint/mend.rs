//! What to do about a lint, and doing it.

use crate::api;
use crate::awscli;
use crate::control::{ControlPlane, Wanted};
use crate::time::SimTime;

/// What removes a lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Command lines to type, in this order.
    Aws(Vec<String>),
    /// Something to write into the scenario.
    Scenario(String),
    /// Nothing that could be typed: advice.
    Advice(String),
}

/// Why a mend could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {problem}")]
pub struct MendError {
    /// The command.
    pub line: String,
    /// What is wrong with it, or AWS's refusal.
    pub problem: String,
}

/// Runs the `aws` lines of a mend; other mends change nothing.
///
/// # Errors
/// The first line that is not understood or that AWS refuses; what came before it is done.
pub fn apply(control: &mut ControlPlane, mend: &Mend) -> Result<(), MendError> {
    let Mend::Aws(lines) = mend else { return Ok(()) };
    for line in lines {
        let fail = |problem: String| MendError { line: line.clone(), problem };
        let invocation = awscli::parse(line).map_err(|error| fail(error.to_string()))?;
        api::execute::execute(control, SimTime::ZERO, invocation.operation, &invocation.parameters, &Wanted::default())
            .map_err(|error| fail(error.to_string()))?;
    }
    Ok(())
}

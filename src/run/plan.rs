//! From the scenario's steps to tasks: commands parsed before anything runs, `then` unrolled.

use crate::awscli::{self, Invocation, UsageError};
use crate::scenario::{Expectation, Scenario, Step, StepAction};
use std::collections::BTreeMap;
use std::ops::Range;

/// A step's command line that the interpreter refuses.
#[derive(Debug, thiserror::Error)]
#[error("step \"{step}\": {source}")]
pub struct PlanError {
    /// The step's name.
    pub step: String,
    /// Where in the scenario file the trouble stands, bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub source: UsageError,
}

/// One thing to do: a step, or a step run again by another's `then`.
#[derive(Debug)]
pub(super) struct Task {
    /// Index into the scenario's steps.
    pub(super) step: usize,
    /// The step whose `then` asks for it.
    pub(super) rerun_of: Option<usize>,
    /// The parsed command, if the step has one.
    pub(super) invocation: Option<Invocation>,
    /// What is expected of each host.
    pub(super) expect: BTreeMap<String, Expectation>,
}

/// Unrolls the timeline.
///
/// # Errors
/// The first command line that is refused.
pub(super) fn plan(scenario: &Scenario) -> Result<Vec<Task>, Box<PlanError>> {
    let mut tasks = Vec::new();
    for (position, step) in scenario.steps.iter().enumerate() {
        tasks.push(task(position, step, None, |host| step.expectation(host))?);
        for name in &step.then {
            // Invariant: the scenario refuses a `then` that names no earlier step.
            let Some(again) = scenario.steps.iter().position(|other| other.name == *name) else { continue };
            let other = &scenario.steps[again];
            tasks.push(task(again, other, Some(position), |host| step.expectation_of_rerun(other, host))?);
        }
    }
    Ok(tasks)
}

fn task<'s>(
    position: usize,
    step: &'s Step,
    rerun_of: Option<usize>,
    expected: impl Fn(&str) -> Option<&'s Expectation>,
) -> Result<Task, Box<PlanError>> {
    let invocation = match &step.action {
        StepAction::Aws { line, span } => {
            let parsed = awscli::parse(line).map_err(|source| {
                // The line's bytes stand in the file as they are unless TOML escapes some; then the whole line is shown.
                let inside = source.span.clone().filter(|part| span.len() == line.len() && part.end <= line.len());
                let inside = inside.map(|part| span.start + part.start..span.start + part.end);
                Box::new(PlanError { step: step.name.clone(), span: inside.unwrap_or_else(|| span.clone()), source })
            })?;
            Some(parsed)
        }
        _ => None,
    };
    let operator = ["operator".to_owned()];
    let operates = step.on.is_empty() && invocation.is_some();
    let hosts = if operates { &operator[..] } else { &step.on[..] };
    let expect = hosts.iter().filter_map(|host| Some((host.clone(), expected(host)?.clone()))).collect();
    Ok(Task { step: position, rerun_of, invocation, expect })
}

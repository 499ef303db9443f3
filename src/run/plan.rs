//! From the scenario's steps to tasks: commands parsed before anything runs, `then` unrolled.

use crate::awscli::Invocation;
use crate::explain::operator::{self, PlanError};
use crate::scenario::{Expectation, Scenario, Step};
use std::collections::BTreeMap;

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
    let invocation = operator::parse_step(step)?;
    let operator = ["operator".to_owned()];
    let operates = step.on.is_empty() && invocation.is_some();
    let hosts = if operates { &operator[..] } else { &step.on[..] };
    let expect = hosts.iter().filter_map(|host| Some((host.clone(), expected(host)?.clone()))).collect();
    Ok(Task { step: position, rerun_of, invocation, expect })
}

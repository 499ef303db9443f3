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
        if !matches!(step.action, StepAction::Rerun) {
            let expect = expectations(step, &step.on, &step.expect, !step.then.is_empty());
            tasks.push(task(position, step, None, expect)?);
        }
        for name in &step.then {
            // Invariant: the scenario refuses a `then` that names no earlier step.
            let Some(again) = scenario.steps.iter().position(|other| other.name == *name) else { continue };
            let other = &scenario.steps[again];
            let mut expect = expectations(other, &other.on, &other.expect, false);
            // The step's own hosts speak of its own command; everything else it expects is of what runs again.
            for host in &other.on {
                let own_command = step.on.contains(host) && !matches!(step.action, StepAction::Rerun);
                let named = step.expect.get(host).filter(|_| !own_command);
                if let Some(override_) = named.or_else(|| step.expect.get("all")) {
                    expect.insert(host.clone(), override_.clone());
                }
            }
            tasks.push(task(again, other, Some(position), expect)?);
        }
    }
    Ok(tasks)
}

fn task(
    position: usize,
    step: &Step,
    rerun_of: Option<usize>,
    expect: BTreeMap<String, Expectation>,
) -> Result<Task, Box<PlanError>> {
    let invocation = match &step.action {
        StepAction::Aws { line, span } => {
            let parsed = awscli::parse(line).map_err(|source| {
                let inside = source.span.clone().map(|part| span.start + part.start..span.start + part.end);
                Box::new(PlanError { step: step.name.clone(), span: inside.unwrap_or_else(|| span.clone()), source })
            })?;
            Some(parsed)
        }
        _ => None,
    };
    Ok(Task { step: position, rerun_of, invocation, expect })
}

/// `all` spelled out for each host; with `then`, `all` speaks of what runs again.
fn expectations(
    step: &Step,
    hosts: &[String],
    expect: &BTreeMap<String, Expectation>,
    all_is_for_reruns: bool,
) -> BTreeMap<String, Expectation> {
    let operator = ["operator".to_owned()];
    let hosts = if step.on.is_empty() { &operator[..] } else { hosts };
    let of = |host: &String| {
        let all = expect.get("all").filter(|_| !all_is_for_reruns);
        let expectation = expect.get(host).or(all)?;
        Some((host.clone(), expectation.clone()))
    };
    hosts.iter().filter_map(of).collect()
}

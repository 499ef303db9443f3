//! From the scenario's steps to tasks: commands parsed before anything runs, `then` unrolled.

use crate::awscli::{Invocation, UsageError};
use crate::explain::operator::{self, PlanError};
use crate::programs;
use crate::scenario::{Expectation, Scenario, Step, StepAction};
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
    /// The parsed program, if the step runs another than `aws` and `ssh`.
    pub(super) program: Option<programs::Invocation>,
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
        tasks.push(task(scenario, position, step, None, |host| step.expectation(host))?);
        for name in &step.then {
            // Invariant: the scenario refuses a `then` that names no earlier step.
            let Some(again) = scenario.steps.iter().position(|other| other.name == *name) else { continue };
            let other = &scenario.steps[again];
            tasks.push(task(scenario, again, other, Some(position), |host| step.expectation_of_rerun(other, host))?);
        }
    }
    Ok(tasks)
}

fn task<'s>(
    scenario: &Scenario,
    position: usize,
    step: &'s Step,
    rerun_of: Option<usize>,
    expected: impl Fn(&str) -> Option<&'s Expectation>,
) -> Result<Task, Box<PlanError>> {
    let invocation = operator::parse_step(step)?;
    let program = match &step.action {
        StepAction::Program { line, span } => {
            let parsed = programs::parse(line).and_then(|parsed| with_known_host(scenario, position, parsed));
            Some(parsed.map_err(|source| operator::refused(step, line, span, source))?)
        }
        _ => None,
    };
    let operator = ["operator".to_owned()];
    let acts = invocation.is_some() || matches!(step.action, StepAction::Set(_) | StepAction::Dns(_));
    let operates = step.on.is_empty() && acts;
    let hosts = if operates { &operator[..] } else { &step.on[..] };
    let expect = hosts.iter().filter_map(|host| Some((host.clone(), expected(host)?.clone()))).collect();
    Ok(Task { step: position, rerun_of, invocation, program, expect })
}

/// The program, if the host it names can exist: a name without a dot is one of the scenario's, or of a thing that an earlier step creates.
fn with_known_host(
    scenario: &Scenario,
    position: usize,
    program: programs::Invocation,
) -> Result<programs::Invocation, UsageError> {
    let Some(destination) = &program.destination else { return Ok(program) };
    let created = scenario.steps[..position].iter().filter_map(|step| step.named.as_ref()?.name.as_deref());
    let known: Vec<&str> = scenario.hosts().chain(created).collect();
    if destination.host.contains('.') || known.contains(&destination.host.as_str()) {
        return Ok(program);
    }
    let message = format!("no host is called \"{}\"; names of DNS have a dot", destination.host);
    Err(UsageError::syntax(message).at(&destination.span).did_you_mean(&destination.host, known))
}

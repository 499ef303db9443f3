//! Lints over a timeline: from which step to which each of them holds.
//!
//! Only the control lines are carried out (an `aws ec2` line that changes something, whoever types it and whether or not its packets would
//! arrive); no traffic is run. Invariant: findings come in the order in which they begin.

use super::{Callers, Lint, Mend, Network, Rule, lints};
use crate::calendar::Calendar;
use crate::compile::CompileError;
use crate::control::ControlPlane;
use crate::explain::operator::{self, PlanError};
use crate::model::Model;
use crate::scenario::{Names, Scenario, Span, Step};
use crate::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// A lint, and when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found, in the words of the state where it was found first.
    pub lint: Lint,
    /// When it holds.
    pub held: Vec<Held>,
    /// Where in the scenario's source it comes from, bytes.
    pub span: Option<Span>,
}

/// A time during which a lint holds. Steps by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The step that brings it; `None`: it is there from the start.
    pub since: Option<String>,
    /// The step that ends it; `None`: it holds to the end.
    pub until: Option<String>,
}

/// Why a scenario cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A command line is not understood.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The model is too large.
    #[error("the scenario cannot be compiled: {0}")]
    Compile(#[from] CompileError),
    /// The start date cannot be used.
    #[error("the start date lies outside 1970 to 2200")]
    StartDate,
}

/// Looks at every state from the start to the end, or to the end of the step called `after`; then only at what holds there.
///
/// # Errors
/// See [`CheckError`]. A step that does not exist ends nothing: ask [`Scenario::step`] first.
pub fn check(scenario: &Scenario, after: Option<&str>) -> Result<Vec<Finding>, CheckError> {
    let mut walk = Walk::new(scenario)?;
    walk.look(None);
    for (position, step) in scenario.steps.iter().enumerate() {
        walk.run(step, step, None)?;
        for name in &step.then {
            if let Some(again) = scenario.step(name) {
                walk.run(again, step, Some(position))?;
            }
        }
        if after == Some(step.name.as_str()) {
            break;
        }
    }
    let mut findings = walk.finish();
    if after.is_some() {
        findings.retain(|finding| finding.held.last().is_some_and(|held| held.until.is_none()));
    }
    Ok(findings)
}

/// The names of the steps whose command changes the network, and so may change what [`check`] finds.
///
/// # Errors
/// A command line that is not understood.
pub fn control_steps(scenario: &Scenario) -> Result<Vec<&str>, CheckError> {
    let mut found = Vec::new();
    for step in &scenario.steps {
        if operator::parse_step(step)?.is_some_and(|invocation| operator::is_control(&invocation)) {
            found.push(step.name.as_str());
        }
    }
    Ok(found)
}

struct Walk<'s> {
    scenario: &'s Scenario,
    control: ControlPlane,
    names: Names,
    callers: Callers,
    findings: Vec<Finding>,
    /// Groups and tables that something used at some time.
    used: BTreeSet<String>,
}

impl<'s> Walk<'s> {
    fn new(scenario: &'s Scenario) -> Result<Self, CheckError> {
        let calendar = Calendar::starting_at(scenario.start_unix_seconds).ok_or(CheckError::StartDate)?;
        Ok(Walk {
            scenario,
            control: ControlPlane::new(scenario.model.clone(), calendar)?,
            names: scenario.names.clone(),
            callers: Callers::of(scenario),
            findings: Vec::new(),
            used: BTreeSet::new(),
        })
    }

    /// Carries out the command of `step`, if it is one that changes something; `by` is the step that is under way.
    fn run(&mut self, step: &Step, by: &Step, rerun_of: Option<usize>) -> Result<(), CheckError> {
        let Some(invocation) = operator::parse_step(step)?.filter(operator::is_control) else { return Ok(()) };
        let wanted = operator::wanted(step, rerun_of);
        let done = operator::operate(&mut self.control, SimTime::ZERO, &invocation, &self.names, &wanted);
        operator::give_name(&mut self.names, &wanted, done.created.as_deref());
        if done.output.exit_code != 0 && !expects_failure(step, by) {
            self.refused(step, by, &done.output.stderr);
        }
        self.look(Some((step, by)));
        Ok(())
    }

    fn refused(&mut self, step: &Step, by: &Step, stderr: &str) {
        let complaint = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
        let complaint = complaint.trim_start_matches("aws: [ERROR]: ").trim_end_matches('.');
        let lint = Lint {
            rule: Rule::RefusedCommand,
            subject: by.name.clone(),
            detail: step.name.clone(),
            places: Vec::new(),
            text: format!("the command of step \"{}\" is refused: {complaint}", step.name),
            mend: Mend::Scenario(
                "correct the command, or say that this is meant: expect.HOST = { exit = 254 }".to_owned(),
            ),
        };
        let since = Some(by.name.clone());
        let held = vec![Held { until: since.clone(), since }];
        self.findings.push(Finding { lint, held, span: Some(span_of(step, by)) });
    }

    /// Compares what holds now with what held before.
    fn look(&mut self, brought_by: Option<(&Step, &Step)>) {
        let network = Network {
            model: self.control.model(),
            program: self.control.program(),
            names: &self.names,
            callers: &self.callers,
        };
        let now: BTreeMap<_, _> = lints(&network).into_iter().map(|lint| (own_key(&lint), lint)).collect();
        let step = brought_by.map(|(_, by)| by.name.clone());
        self.used.extend(groups_and_tables(network.model).filter(|id| {
            !now.values().any(|lint| lint.rule.needs_to_last() && lint.subject == *id)
        }));
        for finding in &mut self.findings {
            let holds = now.contains_key(&own_key(&finding.lint));
            match finding.held.last_mut() {
                Some(held) if held.until.is_none() && !holds => held.until.clone_from(&step),
                Some(held) if held.until.is_some() && holds => {
                    finding.held.push(Held { since: step.clone(), until: None });
                }
                _ => {}
            }
        }
        for (key, lint) in now {
            if self.findings.iter().any(|finding| own_key(&finding.lint) == key) {
                continue;
            }
            let span = match brought_by {
                Some((step, by)) => Some(span_of(step, by)),
                None => lint.places.iter().find_map(|id| self.scenario.places.get(id)).cloned(),
            };
            self.findings.push(Finding { lint, held: vec![Held { since: step.clone(), until: None }], span });
        }
    }

    fn finish(self) -> Vec<Finding> {
        let counts = |finding: &Finding| !finding.lint.rule.needs_to_last() || !self.used.contains(&finding.lint.subject);
        self.findings.iter().filter(|finding| counts(finding)).cloned().collect()
    }
}

fn own_key(lint: &Lint) -> (Rule, String, String) {
    (lint.rule, lint.subject.clone(), lint.detail.clone())
}

/// The command's place; if another step runs it again, that step's.
fn span_of(step: &Step, by: &Step) -> Span {
    match &step.action {
        crate::scenario::StepAction::Aws { span, .. } if step.name == by.name => span.clone(),
        _ => by.span.clone(),
    }
}

/// Whether the scenario says that the command fails.
fn expects_failure(step: &Step, by: &Step) -> bool {
    let operator = ["operator".to_owned()];
    let hosts = if step.on.is_empty() { &operator[..] } else { &step.on[..] };
    hosts.iter().any(|host| {
        let expectation = match step.name == by.name {
            true => step.expectation(host),
            false => by.expectation_of_rerun(step, host),
        };
        expectation.and_then(|expectation| expectation.exit).is_some_and(|exit| exit != 0)
    })
}

fn groups_and_tables(model: &Model) -> impl Iterator<Item = String> {
    let groups = model.security_groups.keys().map(ToString::to_string);
    groups.chain(model.route_tables.keys().map(ToString::to_string))
}

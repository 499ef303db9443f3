//! Lints over a timeline: from which step to which each of them holds.
//!
//! The states are those of [`crate::explain::state`]: control lines are carried out, no traffic is run. Invariant: findings come in the order in
//! which they begin.

use super::{Callers, Lint, Mend, Network, Rule, lints};
use crate::explain::state::{self, Applied, Effect, State, StateError};
use crate::model::Model;
use crate::scenario::{Scenario, Span, Step, StepAction};
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

/// Looks at every state from the start to the end, or to the end of the step called `after`; then only at what holds there.
///
/// # Errors
/// See [`StateError`].
pub fn check(scenario: &Scenario, after: Option<&str>) -> Result<Vec<Finding>, StateError> {
    if let Some(step) = after.filter(|step| scenario.step(step).is_none()) {
        let known = scenario.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(StateError::NoStep { step: step.to_owned(), known });
    }
    let mut walk =
        Walk { scenario, callers: Callers::of(scenario), findings: Vec::new(), used: BTreeSet::new(), seen_count: 0 };
    walk.look(&State::start(scenario)?, None);
    state::each(scenario, |step, state| {
        walk.step(step, state);
        after != Some(step.name.as_str())
    })?;
    let mut findings = walk.finish();
    if after.is_some() {
        findings.retain(|finding| finding.held.last().is_some_and(|held| held.until.is_none()));
    }
    Ok(findings)
}

struct Walk<'s> {
    scenario: &'s Scenario,
    callers: Callers,
    findings: Vec<Finding>,
    /// Groups and tables that something used at some time.
    used: BTreeSet<String>,
    /// How many of the applied lines were looked at.
    seen_count: usize,
}

impl Walk<'_> {
    fn step(&mut self, step: &Step, state: &State) {
        let new = &state.applied[self.seen_count..];
        self.seen_count = state.applied.len();
        for applied in new {
            self.line(step, applied);
        }
        if new.iter().any(|applied| applied.effect == Effect::Done) {
            self.look(state, Some(step));
        }
    }

    /// A command without effect, unless the scenario says that it fails.
    fn line(&mut self, by: &Step, applied: &Applied) {
        let why = match &applied.effect {
            Effect::Done => return,
            Effect::Refused(complaint) => {
                let line = complaint.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
                format!("is refused: {}", line.trim_start_matches("aws: [ERROR]: ").trim_end_matches('.'))
            }
            Effect::NotDelivered(code) => format!("does not reach the EC2 API from {} [{code}]", applied.on),
        };
        let Some(step) = self.scenario.step(&applied.step) else { return };
        if expects_failure(step, by, &applied.on) {
            return;
        }
        let lint = Lint {
            rule: Rule::CommandWithoutEffect,
            subject: by.name.clone(),
            detail: applied.step.clone(),
            places: Vec::new(),
            text: format!("the command of step {} {why}", applied.step),
            mend: Mend::Scenario(format!(
                "correct the command, or say that this is meant: expect.{} = {{ exit = 254 }} (refused), 255 (no answer)",
                applied.on
            )),
        };
        let since = Some(by.name.clone());
        let held = vec![Held { until: since.clone(), since }];
        self.findings.push(Finding { lint, held, span: Some(span_of(step, by)) });
    }

    /// Compares what holds now with what held before.
    fn look(&mut self, state: &State, brought_by: Option<&Step>) {
        let network = Network {
            model: state.control.model(),
            program: state.control.program(),
            names: &state.names,
            callers: &self.callers,
        };
        let now: BTreeMap<_, _> = lints(&network).into_iter().map(|lint| (own_key(&lint), lint)).collect();
        let step = brought_by.map(|by| by.name.clone());
        let idle: BTreeSet<&str> =
            now.values().filter(|lint| lint.rule.needs_to_last()).map(|lint| lint.subject.as_str()).collect();
        self.used.extend(groups_and_tables(network.model).filter(|id| !idle.contains(id.as_str())));
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
                Some(by) => Some(span_of(by, by)),
                None => lint.places.iter().find_map(|id| self.scenario.places.get(id)).cloned(),
            };
            self.findings.push(Finding { lint, held: vec![Held { since: step.clone(), until: None }], span });
        }
    }

    fn finish(self) -> Vec<Finding> {
        let used = self.used;
        let counts = |finding: &Finding| !finding.lint.rule.needs_to_last() || !used.contains(&finding.lint.subject);
        self.findings.into_iter().filter(counts).collect()
    }
}

fn own_key(lint: &Lint) -> (Rule, String, String) {
    (lint.rule, lint.subject.clone(), lint.detail.clone())
}

/// The command's place; if another step runs it again, or it has none, that step's.
fn span_of(step: &Step, by: &Step) -> Span {
    match &step.action {
        StepAction::Aws { span, .. } if step.name == by.name => span.clone(),
        _ => by.span.clone(),
    }
}

/// Whether the scenario says that the command fails on `host`.
fn expects_failure(step: &Step, by: &Step, host: &str) -> bool {
    let expectation = match step.name == by.name {
        true => step.expectation(host),
        false => by.expectation_of_rerun(step, host),
    };
    expectation.and_then(|expectation| expectation.exit).is_some_and(|exit| exit != 0)
}

fn groups_and_tables(model: &Model) -> impl Iterator<Item = String> {
    let groups = model.security_groups.keys().map(ToString::to_string);
    groups.chain(model.route_tables.keys().map(ToString::to_string))
}

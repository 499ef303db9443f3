//! The network at a point of the timeline, without running the traffic.
//!
//! Purpose: [`after`] applies the control lines of a scenario's steps, and what they do to names of services, in order, `then` included, and nothing
//! else; what `as` names is named. A line typed on a host counts only if that host's call reaches the EC2 API and its answer comes back, which a trace says.
//! Non-goals: time (every line acts at the scenario's start), connections that were opened on the way (tracking is empty).

use super::operator::{self, PlanError};
use super::probe::Probe;
use super::trace::trace;
use crate::awscli::{Command, Invocation};
use crate::calendar::Calendar;
use crate::compile::CompileError;
use crate::control::ControlPlane;
use crate::rng::Stream;
use crate::scenario::{Names, Scenario, Step, StepAction};
use crate::time::SimTime;

/// The network at one point.
#[derive(Clone, Debug)]
pub struct State {
    /// The account and its compiled form.
    pub control: ControlPlane,
    /// What things are called by then.
    pub names: Names,
    /// The control lines that led here, in order.
    pub applied: Vec<Applied>,
}

/// A control line and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The step's name.
    pub step: String,
    /// The host it was typed on; `operator` if it needs no network.
    pub on: String,
    /// The line.
    pub line: String,
    /// What came of it.
    pub effect: Effect,
}

/// What came of a control line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The network is changed.
    Done,
    /// AWS refuses it; the network is as it was.
    Refused(String),
    /// The host's call does not reach the API; the network is as it was. The code says why.
    NotDelivered(String),
}

/// Why there is no such state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The scenario has no such step.
    #[error("the scenario has no step \"{step}\"; its steps are: {known}")]
    NoStep {
        /// What was asked for.
        step: String,
        /// Those that it has.
        known: String,
    },
    /// A line is not understood.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The model is too large.
    #[error("the scenario cannot be compiled: {0}")]
    Compile(#[from] CompileError),
    /// The start date cannot be used.
    #[error("the start date lies outside 1970 to 2200")]
    StartDate,
}

impl State {
    /// The network as the scenario begins.
    ///
    /// # Errors
    /// [`StateError::Compile`], [`StateError::StartDate`].
    pub fn start(scenario: &Scenario) -> Result<State, StateError> {
        let calendar = Calendar::starting_at(scenario.start_unix_seconds).ok_or(StateError::StartDate)?;
        let control = ControlPlane::new(scenario.model.clone(), calendar)?;
        Ok(State { control, names: scenario.names.clone(), applied: Vec::new() })
    }
}

/// The network after the step called `step` and what its `then` runs again; without one, at the start.
///
/// # Errors
/// See [`StateError`]. A line that AWS refuses is no error: see [`Applied`].
pub fn after(scenario: &Scenario, step: Option<&str>) -> Result<State, StateError> {
    let Some(wanted) = step else { return State::start(scenario) };
    if scenario.step(wanted).is_none() {
        let known = scenario.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(StateError::NoStep { step: wanted.to_owned(), known });
    }
    let mut found = None;
    each(scenario, |step, state| {
        let is_wanted = step.name == wanted;
        found = is_wanted.then(|| state.clone());
        !is_wanted
    })?;
    // Invariant: the step exists, so `each` has come to it.
    found.map_or_else(|| State::start(scenario), Ok)
}

/// Shows `visit` the network after every step, in order, as long as it returns true.
///
/// # Errors
/// As [`after`].
pub fn each(scenario: &Scenario, mut visit: impl FnMut(&Step, &State) -> bool) -> Result<(), StateError> {
    let invocations = scenario.steps.iter().map(operator::parse_step).collect::<Result<Vec<_>, _>>()?;
    let mut state = State::start(scenario)?;
    let mut stream = scenario.seed.derive("state");
    for (position, step) in scenario.steps.iter().enumerate() {
        apply(scenario, &mut state, step, invocations[position].as_ref(), None, &mut stream);
        for name in &step.then {
            // Invariant: the scenario refuses a `then` that names no earlier step.
            let Some(again) = scenario.steps.iter().position(|other| other.name == *name) else { continue };
            let other = &scenario.steps[again];
            apply(scenario, &mut state, other, invocations[again].as_ref(), Some(position), &mut stream);
        }
        if !visit(step, &state) {
            break;
        }
    }
    Ok(())
}

fn apply(
    scenario: &Scenario,
    state: &mut State,
    step: &Step,
    invocation: Option<&Invocation>,
    rerun_of: Option<usize>,
    stream: &mut Stream,
) {
    if let StepAction::Dns(change) = &step.action {
        operator::change_names(&mut state.control, change);
        return;
    }
    if let StepAction::Set(change) = &step.action {
        let output = operator::set_link(&mut state.control, &state.names, change);
        let effect = match output.exit_code {
            0 => Effect::Done,
            _ => Effect::Refused(output.stderr.trim().to_owned()),
        };
        let (step, on, line) = (step.name.clone(), "operator".to_owned(), operator::line_of(step));
        state.applied.push(Applied { step, on, line, effect });
        return;
    }
    let Some(invocation) = invocation.filter(|invocation| operator::is_control(invocation)) else { return };
    let wanted = operator::wanted(step, rerun_of);
    let nobody = ["operator".to_owned()];
    let hosts = if step.on.is_empty() { &nobody[..] } else { &step.on[..] };
    for host in hosts {
        for _ in 0..step.repeat.max(1) {
            let effect = match hindrance(scenario, state, step, host, invocation, stream) {
                Some(code) => Effect::NotDelivered(code),
                None => {
                    let done = operator::operate(&mut state.control, SimTime::ZERO, invocation, &state.names, &wanted);
                    let model = state.control.model();
                    operator::give_name(&mut state.names, model, &wanted, done.created.as_deref());
                    match done.output.exit_code {
                        0 => Effect::Done,
                        _ => Effect::Refused(done.output.stderr.trim().to_owned()),
                    }
                }
            };
            let line = operator::line_of(step);
            let is_done = effect == Effect::Done;
            state.applied.push(Applied { step: step.name.clone(), on: host.clone(), line, effect });
            // What is refused once is refused again: nothing has changed.
            if !is_done {
                break;
            }
        }
    }
}

/// Why the host's call does not get to the EC2 API; `None` if it does. The operator's calls need no network.
fn hindrance(
    scenario: &Scenario,
    state: &State,
    step: &Step,
    host: &str,
    invocation: &Invocation,
    stream: &mut Stream,
) -> Option<String> {
    if step.on.is_empty() {
        return None;
    }
    let command = Command::new(operator::with_ids(invocation, &state.names));
    let request = match command.request(&operator::environment(scenario, step), stream) {
        Ok(request) => request,
        Err(error) => return Some(error.message),
    };
    let probe = Probe {
        tracked_connections_max: scenario.settings.tracked_connections_max,
        ..Probe::tcp(host, request.endpoint.host, Some(request.endpoint.port))
    };
    match trace(&state.control, &state.names, &probe) {
        Ok(traced) => traced.code().map(str::to_owned),
        Err(error) => Some(error.to_string()),
    }
}

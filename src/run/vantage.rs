//! Whether what is to be captured exists, or will.
//!
//! Vantage points appear while a run goes on: a name that a step gives is accepted, and so is an id of a kind that `aws` lines create, because
//! ids are the same in every run of a seed. Whether they came is known at the end ([`super::Run::missing_vantages`]).

use super::RunError;
use crate::capture::CaptureTap;
use crate::scenario::{Kind, Scenario, StepAction, closest};

/// Commands that bring vantage points into being, and the kinds of ids these have.
const CREATING: [&str; 4] =
    ["create-vpc-endpoint", "run-instances", "create-network-interface", "create-internet-gateway"];
const CREATED: [Kind; 4] = [Kind::VpcEndpoint, Kind::Instance, Kind::NetworkInterface, Kind::InternetGateway];

/// Refuses the first word that can never be captured.
///
/// # Errors
/// [`RunError::NoSuchVantage`].
pub(super) fn check(scenario: &Scenario, capture: &CaptureTap) -> Result<(), RunError> {
    let creating: Vec<_> = scenario.steps.iter().filter(|step| creates(&step.action)).collect();
    let results = creating.iter().filter_map(|step| step.named.as_ref());
    let later: Vec<&str> = results.flat_map(|named| [named.name.as_deref(), named.id.as_deref()]).flatten().collect();
    let may_come = |word: &str| {
        later.contains(&word) || !creating.is_empty() && Kind::of_id(word).is_some_and(|kind| CREATED.contains(&kind))
    };
    let Some(word) = capture.missing_words().find(|word| !may_come(word)) else { return Ok(()) };
    let mut known: Vec<&str> = capture.known_words().chain(later.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let suggestion = closest(word, known.iter().copied().chain(["all", "nics", "none"])).map(str::to_owned);
    let known = known.into_iter().map(str::to_owned).collect();
    Err(RunError::NoSuchVantage { word: word.to_owned(), suggestion, known })
}

fn creates(action: &StepAction) -> bool {
    matches!(action, StepAction::Aws { line, .. } if line.split_whitespace().any(|word| CREATING.contains(&word)))
}

//! Whether what is to be captured exists, or will.
//!
//! Vantage points appear while a run goes on: a name that a step gives is accepted, and so is an id of a kind that `aws` lines create, because
//! ids are the same in every run of a seed. Whether they came is known at the end ([`super::Run::missing_vantages`]).

use super::RunError;
use crate::capture::CaptureTap;
use crate::scenario::{Kind, Scenario, StepAction, closest};

/// Kinds of vantage points that `aws` lines create.
const CREATED: [Kind; 4] = [Kind::NetworkInterface, Kind::Instance, Kind::VpcEndpoint, Kind::InternetGateway];

/// Refuses the first word that can never be captured.
///
/// # Errors
/// [`RunError::NoSuchVantage`].
pub(super) fn check(scenario: &Scenario, capture: &CaptureTap) -> Result<(), RunError> {
    let creates = scenario.steps.iter().any(|step| matches!(step.action, StepAction::Aws { .. }));
    let results = scenario.steps.iter().filter_map(|step| step.named.as_ref());
    let later: Vec<&str> = results.flat_map(|named| [named.name.as_deref(), named.id.as_deref()]).flatten().collect();
    let may_come =
        |word: &str| later.contains(&word) || creates && Kind::of_id(word).is_some_and(|kind| CREATED.contains(&kind));
    let Some(word) = capture.missing_words().find(|word| !may_come(word)) else { return Ok(()) };
    let mut known: Vec<&str> = capture.known_words().chain(later.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let suggestion = closest(word, known.iter().copied().chain(["all", "nics", "none"])).map(str::to_owned);
    let known = known.into_iter().map(str::to_owned).collect();
    Err(RunError::NoSuchVantage { word: word.to_owned(), suggestion, known })
}

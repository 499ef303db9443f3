//! One run of a scenario: its timeline, what its hosts did, whether that was as expected.
//!
//! Purpose: [`Run`] drives `sim` and `control` through the scenario's steps and gathers a [`RunResult`]. Non-goals: files, clocks, the
//! terminal (`cli` drains captures and prints). Invariants: foreground steps run one after another, a step's hosts at once; a change of the
//! control plane is published before the answer to its call leaves; every packet is accounted for at the end, or the run is an
//! internal error.

mod answer;
mod calls;
mod check;
mod command;
mod counts;
mod first_frames;
mod observer;
mod plan;
mod record;
mod result;
#[cfg(test)]
mod result_schema;
mod taps;
mod timeline;
mod vantage;
mod warning;

pub use crate::explain::operator::PlanError;
pub use crate::explain::road::Road;
pub use first_frames::{BYTES_MAX, FRAMES_MAX, FirstFrame, FirstFrames, PROGRAMS_MAX};
pub use observer::{Observation, Observer, RouteUse};
pub use result::{
    Check, CheckSummary, DropCount, FileEntry, HostResult, LossFreeRange, NatGatewayMetrics, PacketAccount,
    RouteDecision, RunResult, SCHEMA, StepResult, Via, Warning,
};
pub use timeline::{Progress, Run};

use crate::compile::CompileError;
use crate::host::tls::TlsError;
use crate::service::dns::NameError;
use crate::sim::Conservation;

/// Why a run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A step's command line is not understood.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The model is too large.
    #[error("the scenario cannot be compiled: {0}")]
    Compile(#[from] CompileError),
    /// Certificates could not be made.
    #[error("no certificates for the simulated services: {0}")]
    Tls(#[from] TlsError),
    /// A service's name is no DNS name.
    #[error("the simulated DNS cannot hold a name: {0}")]
    Name(#[from] NameError),
    /// The start date cannot be used.
    #[error("the start date lies outside 1970 to 2200")]
    StartDate,
    /// What is to be captured does not exist, and no step creates it.
    #[error("there is nothing to capture that is called \"{word}\"{}", suggested(.suggestion))]
    NoSuchVantage {
        /// The word.
        word: String,
        /// What was probably meant.
        suggestion: Option<String>,
        /// The names and ids there are.
        known: Vec<String>,
    },
    /// A step has no place to run: its host was terminated by an earlier step.
    #[error("step {step}: {host} does not exist (any more): it cannot run \"{command}\"")]
    HostGone {
        /// The step's name.
        step: String,
        /// The host.
        host: String,
        /// Its command.
        command: String,
    },
    /// A raw packet's address cannot be found.
    #[error("step {step}: {problem}")]
    Packet {
        /// The step's name.
        step: String,
        /// What is wrong.
        problem: String,
    },
    /// A step has not ended after a day of simulated time.
    #[error("step {step} has not ended after 24 h of simulated time: {hosts} still at it")]
    StepTooLong {
        /// The step's name.
        step: String,
        /// Who.
        hosts: String,
    },
    /// A fault in vpcsim: nothing is left to happen, yet a step has not ended.
    #[error("internal error: step {step} has stalled; please report it with the scenario")]
    Stalled {
        /// The step's name.
        step: String,
    },
    /// A fault in vpcsim: packets were lost or doubled.
    #[error("internal error: packets are not conserved: {0:?}; please report it with the scenario")]
    NotConserved(Box<Conservation>),
}

fn suggested(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |suggestion| format!("; did you mean \"{suggestion}\"?"))
}

//! `vpcsim diff`: what packets meet in one network and not in the other.

use super::error::CliError;
use super::output_dir::print;
use super::source::{self, Source};
use super::table::wrap;
use super::{DONE, EXPECTATION_FAILED};
use crate::diff::{Aspect, Comparison, Difference, MESH_INSTANCES_MAX, Meeting, Side, compare};
use crate::explain::state::{self, State};
use crate::scenario::{self, Scenario};
use clap::Args;
use serde_json::json;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  vpcsim diff tutorial@before tutorial@fixed
  vpcsim diff tutorial@before @fixed            the same
  vpcsim diff mine.toml changed.toml

SCENARIO is a scenario as it begins; SCENARIO@STEP is its network after that step, all commands before it carried
out, no traffic run. Each instance is held against DynamoDB and the EC2 API of its Region (TCP 443), each other
instance (TCP 22) and each outside host (443), and each outside host against each instance (22). Compared are
reachability, road, the source address that the far end sees, and the price of a gigabyte where both are
reachable (USD at list prices, without hours and free amounts: each scenario's [prices], unverified if it names none).

Exit codes: 0 no difference, 1 differences, 2 error";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DiffArguments {
    /// The one network: a scenario file or built-in scenario, or SCENARIO@STEP
    #[arg(value_name = "A")]
    one: String,
    /// The other; @STEP is another step of the first one's scenario
    #[arg(value_name = "B")]
    other: String,
    /// Print the differences as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// A network to compare.
struct Network {
    /// As shown: `tutorial@before`.
    label: String,
    scenario: Scenario,
    state: State,
}

/// Compares. Returns the exit code.
///
/// # Errors
/// Either scenario is wrong or has no such step.
pub(super) fn run(arguments: &DiffArguments) -> Result<u8, CliError> {
    let (first, _) = split(&arguments.one);
    let one = network(&arguments.one)?;
    let other = match arguments.other.strip_prefix('@') {
        Some(step) => network(&format!("{first}@{step}"))?,
        None => network(&arguments.other)?,
    };
    let comparison = compare(one.side(), other.side());
    let text = if arguments.json {
        let document = json!({
            "schema": 1,
            "before": one.label,
            "after": other.label,
            "pairs": comparison.pairs_count,
            "instance_pairs_left_out": comparison.mesh_left_out,
            "differences": comparison.differences,
        });
        format!("{document:#}\n")
    } else {
        report(&one.label, &other.label, &comparison)
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(if comparison.differences.is_empty() { DONE } else { EXPECTATION_FAILED })
}

impl Network {
    fn side(&self) -> Side<'_> {
        Side { scenario: &self.scenario, state: &self.state }
    }
}

/// Splits `SCENARIO@STEP`. A file whose own name has an @ is taken as it is.
fn split(wanted: &str) -> (&str, Option<&str>) {
    match wanted.rsplit_once('@') {
        Some((scenario, step)) if !scenario.is_empty() && !Path::new(wanted).exists() => (scenario, Some(step)),
        _ => (wanted, None),
    }
}

fn network(wanted: &str) -> Result<Network, CliError> {
    let (name, step) = split(wanted);
    let source: Source = source::find(name)?;
    let scenario = scenario::parse(&source.file_name, &source.text, None)?;
    let state = state::after(&scenario, step)
        .map_err(|error| CliError::state(error, &source.file_name, &source.text, &scenario))?;
    let label = match step {
        Some(step) => format!("{}@{step}", source.name),
        None => source.name,
    };
    Ok(Network { label, scenario, state })
}

fn report(one: &str, other: &str, comparison: &Comparison) -> String {
    let mut text = String::new();
    for difference in &comparison.differences {
        text += &paragraph(difference);
        text.push('\n');
    }
    if comparison.mesh_left_out {
        let note = format!("pairs of instances are left out: there are more than {MESH_INSTANCES_MAX} instances");
        text += &wrap(&note, 0);
    }
    let (count, pairs) = (comparison.differences.len(), comparison.pairs_count);
    let found = match count {
        0 => format!("no difference in {pairs} pairs"),
        1 => format!("1 of {pairs} pairs differs"),
        count => format!("{count} of {pairs} pairs differ"),
    };
    text + &wrap(&format!("{one} -> {other}: {found}"), 0)
}

/// `0.09 USD/GB sent, 0 answered`.
fn price_of(meeting: &Meeting) -> String {
    match meeting.price {
        Some(price) if price.sent_usd_per_gb == price.answered_usd_per_gb => {
            format!("{} USD/GB", price.sent_usd_per_gb)
        }
        Some(price) => format!("{} USD/GB sent, {} answered", price.sent_usd_per_gb, price.answered_usd_per_gb),
        None => "no price".to_owned(),
    }
}

fn paragraph(difference: &Difference) -> String {
    let Difference { from, to, port, changed, before, after } = difference;
    let mut text = wrap(&format!("{from} -> {to}:{port}"), 0);
    for aspect in changed {
        let (label, one, other) = match aspect {
            Aspect::Reachability => ("reach", reach(before), reach(after)),
            Aspect::Road => ("road", road(before), road(after)),
            Aspect::Source => ("source", source_of(before), source_of(after)),
            Aspect::Price => ("price", price_of(before), price_of(after)),
        };
        text += &labelled(label, &format!("{one} -> {other}"));
    }
    for (label, meeting) in [("before", before), ("after", after)] {
        for (position, why) in meeting.why.iter().enumerate() {
            text += &labelled(if position == 0 { label } else { "" }, why);
        }
    }
    text
}

fn reach(meeting: &Meeting) -> String {
    match (&meeting.code, meeting.reachable) {
        (_, true) => "reachable".to_owned(),
        (Some(code), false) => format!("not reachable [{code}]"),
        (None, false) => "not there".to_owned(),
    }
}

fn road(meeting: &Meeting) -> String {
    match (meeting.road, &meeting.via) {
        (None, _) => "no road".to_owned(),
        (Some(class), None) => class.to_owned(),
        (Some(class), Some(via)) => format!("{class} {via}"),
    }
}

fn source_of(meeting: &Meeting) -> String {
    meeting.source.clone().unwrap_or_else(|| "never seen".to_owned())
}

/// `  road    a -> b`, further lines below the first.
fn labelled(label: &str, words: &str) -> String {
    format!("  {label:<8}{}", wrap(words, 10).trim_start())
}

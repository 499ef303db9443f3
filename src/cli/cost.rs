//! `vpcsim cost`, and the few lines about cost that end a run's summary.

use super::error::CliError;
use super::output_dir::print;
use super::run::{EVENTS_A_ROUND, prepare};
use super::source;
use super::table::{Layout, WIDTH, cut, wrap, wrap_command};
use super::{DONE, EXPECTATION_FAILED};
use crate::capture::CaptureOptions;
use crate::cost::{Cost, RoadCost};
use crate::lanes::{self, CALLS, Lane, Lanes};
use crate::run::{Progress, RunResult};
use crate::scenario::{self, BYTES_PER_GB, HOURS_PER_MONTH, parse_volume};
use crate::time::SimDuration;
use clap::Args;
use serde_json::json;

/// Room for a gateway and its name.
const PLACE_MAX: usize = 32;
/// Roads that a summary shows.
const ROADS_MAX: usize = 5;

const EXAMPLES: &str = "\
Examples:
  vpcsim cost                              the tutorial's roads, and its call over five lanes
  vpcsim cost my-vpc.toml --volume 20TB    months with 20 TB on each road
  vpcsim cost my-vpc.toml --call 'aws s3api list-buckets'

The scenario is run without captures, and the bytes are metered that AWS charges for. Then one call of it (the last
one of DynamoDB or S3 that succeeded, or --call) is made by internet gateway, by NAT gateway (of the same zone, and of
another), by gateway endpoint and by interface endpoint, in a VPC of its own, with the scenario's [links] and [prices]; not if
there is no such call.
Prices are us-east-1's of 2026 from third-party pages, unverified; the scenario's [prices] overrides them.

Exit codes: 0 done, 1 a lane's call failed, 2 error";

/// What can be typed after `vpcsim cost`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CostArguments {
    /// Scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO", default_value = "tutorial")]
    scenario: String,
    /// Traffic of a month on each road, both directions: 500 MB, 100GB, 1.5TB [default: the scenario's, or 100 GB]
    #[arg(long, value_name = "VOLUME", value_parser = volume)]
    volume: Option<u64>,
    /// The call to compare: an aws line of DynamoDB or S3
    #[arg(long, value_name = "LINE")]
    call: Option<String>,
    /// Print roads and lanes as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// A volume as flags take it.
///
/// # Errors
/// It is none.
pub(super) fn volume(text: &str) -> Result<u64, String> {
    parse_volume(text).ok_or_else(|| "expected 500 MB, 100 GB, 1.5 TB or 2 PB; at most 1000 PB".to_owned())
}

/// Runs the scenario, and the lanes. Returns the exit code.
///
/// # Errors
/// The scenario is wrong, its run fails, or the call is none that can be compared.
pub(super) fn run(arguments: &CostArguments) -> Result<u8, CliError> {
    let source = source::find(&arguments.scenario)?;
    let mut scenario = scenario::parse(&source.file_name, &source.text, None)?;
    if let Some(bytes) = arguments.volume {
        scenario.settings.prices.monthly_volume_bytes = bytes;
    }
    let mut run = prepare(&source, scenario.clone(), CaptureOptions::none())?;
    while run.advance(EVENTS_A_ROUND)? != Progress::Done {}
    let (result, _) = run.finish();
    let workload = lanes::workload(&scenario, &result, arguments.call.as_deref())?;
    let lanes = workload.map(|workload| lanes::compare(&scenario, &workload)).transpose()?;
    let text = if arguments.json {
        let document = json!({ "schema": 1, "scenario": source.file_name, "cost": result.cost, "comparison": lanes });
        format!("{document:#}\n")
    } else {
        let comparison = match &lanes {
            Some(lanes) => lanes_table(lanes, &result.cost),
            None => wrap(
                "the run made no call of DynamoDB or S3 that succeeded: --call 'aws ...' compares one over five lanes",
                0,
            ),
        };
        roads_at_length(&source.name, &result.cost) + &comparison
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    let all_succeeded = lanes.iter().flat_map(|lanes| &lanes.lanes).all(|lane| lane.calls_ok == CALLS);
    Ok(if all_succeeded { DONE } else { EXPECTATION_FAILED })
}

/// The summary's lines: one a road. Nothing if no road led to a service or cost anything.
pub(super) fn block(result: &RunResult) -> String {
    let cost = &result.cost;
    if cost.roads.is_empty() {
        return String::new();
    }
    let shown = &cost.roads[..cost.roads.len().min(ROADS_MAX)];
    let mut lines = table(shown, cost, |road| vec![hours_in_short(road)]);
    if cost.roads.len() > shown.len() {
        lines.push(format!("and {} more in result.json", cost.roads.len() - shown.len()));
    }
    if cost.roads.iter().any(|road| road.usd_per_gb.is_some_and(|per_gb| per_gb > 0.0)) {
        lines.push("per GB: for this run's mix of directions, before free amounts; do not add up rows".to_owned());
    }
    if cost.roads.iter().any(|road| road.shared_usd_per_hour > 0.0) {
        lines.push("hours that rows share are in the first of them; those of each row: result.json".to_owned());
    }
    let remark = "prices of 2026, unverified: [prices] overrides; compare roads: vpcsim cost";
    lines.push(cut(remark, WIDTH - 9));
    let labels = std::iter::once("cost").chain(std::iter::repeat(""));
    labels.zip(lines).map(|(label, line)| format!("{label:<9}{}\n", cut_keeping_blanks(&line, WIDTH - 9))).collect()
}

/// Heading and one line a road; `more` are cells of its own behind the figures.
fn table(roads: &[RoadCost], cost: &Cost, more: impl Fn(&RoadCost) -> Vec<String>) -> Vec<String> {
    let heading = [
        format!("USD, {} a month", volume_words(cost.monthly_volume_bytes)),
        "to".to_owned(),
        "per GB".to_owned(),
        "per hour".to_owned(),
        "per month".to_owned(),
    ];
    let mut rows = vec![heading.to_vec()];
    rows.extend(roads.iter().map(|road| {
        let place = match (&road.name, &road.id) {
            (Some(name), Some(id)) => format!("{id} ({name})"),
            (None, Some(id)) => id.clone(),
            (_, None) => road.road.to_owned(),
        };
        let mut row = vec![
            cut(&place, PLACE_MAX),
            road.to.clone(),
            road.usd_per_gb.map_or_else(|| "-".to_owned(), |usd| amount(usd, 4)),
            amount(own_usd_per_hour(road), 4),
            format!("{:.2}", own_usd_per_month(road)),
        ];
        row.extend(more(road));
        row
    }));
    let layout = Layout::of(&rows, &[2, 3, 4]);
    rows.iter().map(|row| layout.line(row)).collect()
}

/// How much of a road's hours rows above it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoursAbove {
    None,
    Some,
    All,
}

fn hours_above(road: &RoadCost) -> HoursAbove {
    match road.shared_usd_per_hour {
        shared if shared <= 0.0 => HoursAbove::None,
        shared if shared < road.usd_per_hour => HoursAbove::Some,
        _ => HoursAbove::All,
    }
}

/// What an hour costs that no row above has already.
fn own_usd_per_hour(road: &RoadCost) -> f64 {
    // What sums of floats leave behind must not show as "-0".
    (road.usd_per_hour - road.shared_usd_per_hour).max(0.0)
}

/// What a month costs with those hours.
fn own_usd_per_month(road: &RoadCost) -> f64 {
    (road.usd_per_month - road.shared_usd_per_hour * HOURS_PER_MONTH as f64).max(0.0)
}

/// What is charged by the hour, and what is free, in few words; what is charged by the gigabyte shows in its column.
fn hours_in_short(road: &RoadCost) -> String {
    let in_short = |item: &str| {
        let words = [(" addresses", ""), (" address", ""), ("transit gateway", "TGW")];
        words.into_iter().fold(item.to_owned(), |text, (long, short)| text.replace(long, short))
    };
    let mut words: Vec<String> = match hours_above(road) {
        HoursAbove::None => {
            road.items.iter().filter(|item| item.unit == "hour").map(|item| in_short(&item.item)).collect()
        }
        HoursAbove::Some => vec!["hours: partly above".to_owned()],
        HoursAbove::All => vec!["hours: above".to_owned()],
    };
    let free: f64 = road.items.iter().map(|item| item.free_units_per_month).sum();
    if free > 0.0 {
        words.push(format!("{} GB free", amount(free, 1)));
    }
    words.join(", ")
}

fn roads_at_length(name: &str, cost: &Cost) -> String {
    let mut text = format!("{name}: what its roads cost\n\n");
    if cost.roads.is_empty() {
        text += "no road led to a service or cost anything\n";
    }
    let heading_and_rows = table(&cost.roads, cost, |_| Vec::new());
    for (position, line) in heading_and_rows.iter().enumerate().filter(|_| !cost.roads.is_empty()) {
        text += &format!("{line}\n");
        let Some(road) = position.checked_sub(1).and_then(|position| cost.roads.get(position)) else { continue };
        let plural = if road.packets == 1 { "" } else { "s" };
        let by = format!("{} packet{plural}, {} bytes by {}", road.packets, road.bytes, road.hosts.join(", "));
        text += &wrap(&by, 2);
        let hours = hours_above(road);
        match hours {
            HoursAbove::None => {}
            HoursAbove::Some => {
                let shared = amount(road.shared_usd_per_hour, 6);
                text += &wrap(&format!("of its hours {shared} USD/hour are in a row above, and only there"), 2);
            }
            HoursAbove::All => text += "  its hours are in a row above, and only there\n",
        }
        for item in road.items.iter().filter(|item| hours != HoursAbove::All || item.unit != "hour") {
            let free = match item.free_units_per_month {
                free if free > 0.0 => format!(", {} GB of it free", amount(free, 3)),
                _ => String::new(),
            };
            let line = format!(
                "{}: {} a month at {} USD/{}{free}: {:.2} USD",
                item.item,
                if item.unit == "hour" {
                    format!("{} h", item.units_per_month)
                } else {
                    format!("{} GB", item.units_per_month)
                },
                amount(item.usd_per_unit, 6),
                item.unit,
                item.usd_per_month
            );
            text += &wrap(&line, 2);
        }
    }
    text.push('\n');
    for remark in &cost.remarks {
        text += &wrap(remark, 0);
    }
    if !cost.roads.is_empty() {
        let rule = "per GB is for this run's mix of directions, before free amounts, which are reckoned for each row: \
                    rows are not to be added up";
        text += &wrap(rule, 0);
    }
    if !cost.idle.is_empty() {
        text += "\nIdle: nothing that arrived has passed them, and they cost their hours all the same\n";
        for idle in &cost.idle {
            let place = idle.name.as_ref().map_or_else(|| idle.id.clone(), |name| format!("{} ({name})", idle.id));
            let (per_hour, per_month) = (amount(idle.usd_per_hour, 4), idle.usd_per_month);
            text += &wrap(&format!("{} {place}: {per_hour} USD/hour, {per_month:.2} USD a month", idle.item), 2);
        }
    }
    text.push('\n');
    text
}

fn lanes_table(lanes: &Lanes, cost: &Cost) -> String {
    let mut text = wrap(&format!("The same call over {} lanes, {} times each:", lanes.lanes.len(), lanes.calls), 0);
    text += &wrap_command(&lanes.call, 2);
    if lanes.keeps_connection {
        text += "  on a connection that stays open, as in the scenario\n";
    }
    text.push('\n');
    let heading = format!("USD, {} a month", volume_words(cost.monthly_volume_bytes));
    let mut rows =
        vec![[&heading, "ok", "median", "bytes/call", "per GB", "per hour", "per month"].map(str::to_owned).to_vec()];
    rows.extend(lanes.lanes.iter().map(|lane| {
        vec![
            lane.name.clone(),
            format!("{}/{}", lane.calls_ok, lanes.calls),
            SimDuration::from_nanos(lane.call_ns_median).to_string(),
            lane.bytes_per_call.to_string(),
            lane.usd_per_gb.map_or_else(|| "-".to_owned(), |usd| amount(usd, 4)),
            amount(lane.usd_per_hour, 4),
            format!("{:.2}", lane.usd_per_month),
        ]
    }));
    let layout = Layout::of(&rows, &[1, 2, 3, 4, 5, 6]);
    for row in &rows {
        text += &format!("{}\n", layout.line(row));
    }
    text.push('\n');
    for lane in &lanes.lanes {
        text += &wrap(&format!("{}: {}", lane.name, lane.note), 0);
    }
    text.push('\n');
    text + &conclusions(lanes)
}

/// Which lane is cheapest when.
fn conclusions(lanes: &Lanes) -> String {
    let mut text = String::new();
    let mut ranked: Vec<&Lane> = lanes.lanes.iter().collect();
    ranked.sort_by(|a, b| a.usd_per_month.total_cmp(&b.usd_per_month));
    let names: Vec<&str> = ranked.iter().map(|lane| lane.name.as_str()).collect();
    text += &wrap(&format!("cheapest first, at that volume: {}", names.join(", ")), 0);
    for even in &lanes.break_evens {
        let line = format!(
            "{} is cheaper than {} up to {} a month, dearer beyond",
            even.below,
            even.above,
            volume_words_of_gb(even.gb_per_month)
        );
        text += &wrap(&line, 0);
    }
    if lanes.break_evens.is_empty() {
        text += "the order is the same at any volume\n";
    }
    let zones: Vec<String> = (lanes.endpoint_zones.iter())
        .map(|it| match it.cheaper_from_gb_per_month {
            Some(0.0) => format!("{}: always", it.zones),
            Some(from) => format!("{}: from {}", it.zones, volume_words_of_gb(from)),
            None => format!("{}: never", it.zones),
        })
        .collect();
    if !zones.is_empty() {
        let line =
            format!("an interface endpoint in so many zones is cheaper than one NAT gateway: {}", zones.join("; "));
        text += &wrap(&line, 0);
    }
    text
}

/// `0.045`: up to so many decimals, no zeros at the end.
fn amount(usd: f64, decimals: usize) -> String {
    let text = format!("{usd:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn volume_words(bytes: u64) -> String {
    volume_words_of_gb(bytes as f64 / BYTES_PER_GB as f64)
}

/// `100 GB`, `1.5 TB`.
fn volume_words_of_gb(gigabytes: f64) -> String {
    match gigabytes {
        small if small < 1_000.0 => format!("{} GB", amount(small, 3)),
        middle if middle < 1_000_000.0 => format!("{} TB", amount(middle / 1e3, 3)),
        large => format!("{} PB", amount(large / 1e6, 3)),
    }
}

/// `line` cut to `width` characters, its columns kept.
fn cut_keeping_blanks(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_volumes_read_well() {
        assert_eq!(
            [amount(0.045, 4), amount(0.0, 4), amount(10.0, 4), amount(0.00005, 4)],
            ["0.045", "0", "10", "0.0001"]
        );
        let words = [1, 100_000_000_000, 1_500_000_000_000, 2_000_000_000_000_000].map(volume_words);
        assert_eq!(words, ["0 GB", "100 GB", "1.5 TB", "2 PB"]);
        assert_eq!(volume("1.5TB"), Ok(1_500_000_000_000));
        assert!(volume("much").is_err());
    }
}

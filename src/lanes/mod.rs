//! One call over several roads: what it takes and costs by internet gateway, NAT gateway, gateway endpoint and interface endpoint.
//!
//! Purpose: [`workload`] picks a call of a run that has ended, [`compare`] makes it, for real, over each lane of the built-in scenario
//! [`SCENARIO`], with the links, prices, tables, buckets and client settings of the user's scenario. Nothing about the lanes is written down here: roads,
//! latencies, bytes and charges are measured. Non-goals: the user's own network (the run's bill has that), more than one caller.
//! Assumed: what the workload needs (tables, items, objects) was made by earlier DynamoDB and S3 lines of the scenario; they are repeated without packets.

#[cfg(test)]
mod tests;

use crate::api::Service;
use crate::awscli;
use crate::capture::CaptureOptions;
use crate::cost::{CostItem, RoadCost, Tariff};
use crate::model::{Model, ServiceKind, VpcEndpoint};
use crate::run::{HostResult, Progress, Run, RunError, RunResult};
use crate::scenario::{BYTES_PER_GB, Scenario, ScenarioError, Step, StepAction, Usd, embedded, parse, zone_names};
use serde::Serialize;
use std::collections::BTreeMap;

/// The built-in scenario with one lane a step.
pub const SCENARIO: &str = "roads/four-lanes";
/// How often each lane makes the call.
pub const CALLS: u32 = 20;
/// Zones that an interface endpoint is reckoned for against a NAT gateway.
const ZONES_MAX: u64 = 6;
/// The call that is made if the run has none.
const CALL_DEFAULT: &str = "aws dynamodb list-tables";
/// The lane whose caller has to be told the endpoint's own name.
const INTERFACE_ENDPOINT: &str = "interface-endpoint";
const NAT_GATEWAY: &str = "nat-gateway";
/// Events between two looks whether the run is over.
const EVENTS_A_ROUND: u64 = 100_000;

/// Why lanes cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum LanesError {
    /// The built-in scenario does not fit the user's Region.
    #[error("the built-in scenario {SCENARIO} cannot be read for {region}: {source}")]
    Scenario {
        /// The Region.
        region: String,
        /// What is wrong.
        source: Box<ScenarioError>,
    },
    /// The call is none that the lanes lead to.
    #[error("\"{line}\" cannot be compared: expected an aws line that calls DynamoDB or S3 of the scenario's Region")]
    NotComparable {
        /// The line.
        line: String,
    },
    /// The run failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The call.
    pub line: String,
    /// The step that made it, for its session and TLS versions.
    step: Option<Step>,
    /// Lines that were done before it.
    before: Vec<String>,
}

/// The comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Lanes {
    /// The call.
    pub call: String,
    /// Whether it is made by a long-running program that keeps its connection.
    pub keeps_connection: bool,
    /// How often each lane made it.
    pub calls: u32,
    /// The lanes, in the scenario's order.
    pub lanes: Vec<Lane>,
    /// Pairs of lanes of which one is cheaper up to some volume of a month, the other beyond.
    pub break_evens: Vec<BreakEven>,
    /// An interface endpoint with interfaces in several zones against one NAT gateway.
    pub endpoint_zones: Vec<EndpointZones>,
}

/// One lane.
#[derive(Clone, Debug, Serialize)]
pub struct Lane {
    /// `nat-gateway`.
    pub name: String,
    /// What the scenario says of it.
    pub note: String,
    /// The class of the road that the packets took; none if none arrived.
    pub road: Option<&'static str>,
    /// Calls that succeeded.
    pub calls_ok: u32,
    /// Median duration of a call, from its start to its end.
    pub call_ns_median: u64,
    /// IP bytes of one call, both directions, name resolution left out.
    pub bytes_per_call: u64,
    /// As in the result's `cost`.
    pub usd_per_gb: Option<f64>,
    /// As in the result's `cost`.
    pub usd_per_hour: f64,
    /// What a month of the stated volume costs.
    pub usd_per_month: f64,
    /// What that consists of.
    pub items: Vec<CostItem>,
    /// The same as a function of the volume.
    #[serde(skip)]
    pub tariff: Tariff,
}

/// Where two lanes cost the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// The cheaper lane below that volume.
    pub below: String,
    /// The cheaper lane above it.
    pub above: String,
    /// The volume, gigabytes a month.
    pub gb_per_month: f64,
}

/// An interface endpoint with that many zones against one NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EndpointZones {
    /// How many zones it has an interface in.
    pub zones: u64,
    /// From which volume on it is the cheaper one, gigabytes a month: 0 is any volume; none is never.
    pub cheaper_from_gb_per_month: Option<f64>,
}

/// The call to compare: `line` if one is given, else the last call of DynamoDB or S3 in the scenario's Region that succeeded on a host, tables and buckets
/// being created or deleted not counted; else, if it made any such call, a harmless one. `None` if it made none: there is nothing to compare.
///
/// # Errors
/// [`LanesError::NotComparable`] for a `line` that calls something else.
pub fn workload(scenario: &Scenario, result: &RunResult, line: Option<&str>) -> Result<Option<Workload>, LanesError> {
    let is_done =
        |step: &Step| result.steps.iter().any(|done| done.name == step.name && done.hosts.iter().any(|host| host.ok));
    let lines = || scenario.steps.iter().filter(|step| is_done(step)).filter_map(|step| Some((step, aws_line(step)?)));
    if let Some(line) = line {
        if !calls_storage(scenario, line) {
            return Err(LanesError::NotComparable { line: line.to_owned() });
        }
        let before = lines().map(|(_, line)| line.to_owned()).filter(|line| calls_storage(scenario, line));
        return Ok(Some(Workload { line: line.to_owned(), step: None, before: before.collect() }));
    }
    let comparable: Vec<(&Step, &str)> = lines().filter(|(_, line)| calls_storage(scenario, line)).collect();
    if comparable.is_empty() {
        return Ok(None);
    }
    let repeatable = |(step, line): &(&Step, &str)| {
        let word = line.split_whitespace().nth(2).unwrap_or_default();
        !step.on.is_empty() && !["create-", "delete-", "mb", "rb"].iter().any(|verb| word.starts_with(verb))
    };
    let Some(position) = comparable.iter().rposition(repeatable) else {
        return Ok(Some(Workload { line: CALL_DEFAULT.to_owned(), step: None, before: Vec::new() }));
    };
    let (step, line) = comparable[position];
    let before = comparable[..position].iter().map(|(_, line)| (*line).to_owned()).collect();
    Ok(Some(Workload { line: line.to_owned(), step: Some(step.clone()), before }))
}

fn aws_line(step: &Step) -> Option<&str> {
    match &step.action {
        StepAction::Aws { line, .. } => Some(line),
        _ => None,
    }
}

/// Whether an `aws` line calls DynamoDB or S3 of the scenario's own Region by a name of the service's own.
fn calls_storage(scenario: &Scenario, line: &str) -> bool {
    awscli::parse(line).is_ok_and(|invocation| {
        let globals = &invocation.globals;
        matches!(invocation.service, Service::DynamoDb | Service::S3)
            && globals.endpoint_url.is_none()
            && globals.region.as_ref().is_none_or(|region| *region == scenario.region)
    })
}

/// Makes the call over every lane.
///
/// # Errors
/// See [`LanesError`].
pub fn compare(scenario: &Scenario, workload: &Workload) -> Result<Lanes, LanesError> {
    let lanes = lanes_scenario(scenario, workload)?;
    let mut run = Run::capturing(lanes.clone(), CaptureOptions::none())?;
    while run.advance(EVENTS_A_ROUND)? != Progress::Done {}
    let (result, _) = run.finish();
    let lanes: Vec<Lane> =
        (lanes.steps.iter()).filter(|step| !step.on.is_empty()).filter_map(|step| lane(step, &result)).collect();
    Ok(Lanes {
        call: workload.line.clone(),
        keeps_connection: workload.step.as_ref().is_some_and(|step| step.session.is_some()),
        calls: CALLS,
        break_evens: break_evens(&lanes),
        endpoint_zones: endpoint_zones(&lanes),
        lanes,
    })
}

/// The built-in scenario in the user's Region and with the user's settings, every lane making the workload's call.
fn lanes_scenario(scenario: &Scenario, workload: &Workload) -> Result<Scenario, LanesError> {
    let source = embedded(SCENARIO).unwrap_or_default();
    let zones = zone_names(&scenario.region);
    let second = zones.get(1).map_or("us-east-1b", String::as_str);
    let text = source.replace("us-east-1b", second).replace("us-east-1", &scenario.region);
    let mut lanes = parse(SCENARIO, &text, Some(scenario.seed.value()))
        .map_err(|source| LanesError::Scenario { region: scenario.region.clone(), source })?;
    lanes.settings = scenario.settings.clone();
    lanes.buckets = scenario.buckets.clone();
    lanes.model.links = scenario.model.links;
    lanes.model.forwarding = scenario.model.forwarding;
    lanes.model.dns_ttl_seconds = scenario.model.dns_ttl_seconds;
    lanes.model.dynamodb_tables = scenario.model.dynamodb_tables.clone();
    lanes.start_unix_seconds = scenario.start_unix_seconds;
    let Some(pattern) = lanes.steps.first().cloned() else { return Ok(lanes) };
    let before = workload.before.iter().enumerate().map(|(number, line)| Step {
        name: format!("before-{}", number + 1),
        on: Vec::new(),
        repeat: 1,
        action: StepAction::Aws { line: line.clone(), span: 0..0 },
        expect: BTreeMap::new(),
        // What an earlier line creates is there by then.
        wait: Some(scenario.settings.dynamodb_table_settling),
        ..pattern.clone()
    });
    let model = lanes.model.clone();
    let calls = lanes.steps.iter().map(|step| Step {
        action: StepAction::Aws { line: line_of_lane(step, workload, &model), span: 0..0 },
        repeat: CALLS,
        expect: BTreeMap::new(),
        session: workload.step.as_ref().and_then(|step| step.session.clone()),
        tls: workload.step.as_ref().and_then(|step| step.tls),
        ..step.clone()
    });
    lanes.steps = before.chain(calls).collect();
    Ok(lanes)
}

/// The call as a lane's caller types it: an interface endpoint without private DNS is called by its own name.
fn line_of_lane(step: &Step, workload: &Workload, model: &Model) -> String {
    let line = &workload.line;
    let own_name = (step.name == INTERFACE_ENDPOINT).then(|| {
        let is_s3 = awscli::parse(line).is_ok_and(|invocation| invocation.service == Service::S3);
        let wanted = if is_s3 { ServiceKind::S3 } else { ServiceKind::DynamoDb };
        endpoint_name(model, wanted)
    });
    match own_name.flatten() {
        Some(name) => format!("{line} --endpoint-url https://{name}"),
        None => line.clone(),
    }
}

/// The DNS name of the interface endpoint of a service.
fn endpoint_name(model: &Model, kind: ServiceKind) -> Option<String> {
    let suffix = if kind == ServiceKind::S3 { ".s3" } else { ".dynamodb" };
    let wanted = |endpoint: &&VpcEndpoint| !endpoint.is_gateway() && endpoint.service_name.ends_with(suffix);
    let endpoint = model.vpc_endpoints.values().find(wanted)?;
    let name = model.endpoint_dns_names(endpoint).into_iter().next()?.name;
    // S3's has a first label to choose: bucket, accesspoint or control.
    Some(name.strip_prefix("*.").map_or(name.clone(), |rest| format!("bucket.{rest}")))
}

/// What came of a lane's step.
fn lane(step: &Step, result: &RunResult) -> Option<Lane> {
    let host: &HostResult = result.steps.iter().find(|done| done.name == step.name)?.hosts.first()?;
    // A lane has a gateway of its own, but its caller may have tried the lane next to it: what counts is where packets went.
    let is_own = |road: &&RoadCost| {
        road.hosts.contains(&host.host) && host.via.as_ref().is_some_and(|via| via.class == road.road)
    };
    let road = result.cost.roads.iter().find(is_own);
    Some(Lane {
        name: step.name.clone(),
        note: step.note.clone().unwrap_or_default(),
        road: host.via.as_ref().map(|via| via.class),
        calls_ok: host.calls_ok,
        call_ns_median: host.call_ns_median,
        bytes_per_call: road.map_or(0, |road| road.bytes / u64::from(CALLS)),
        usd_per_gb: road.and_then(|road| road.usd_per_gb),
        usd_per_hour: road.map_or(0.0, |road| road.usd_per_hour),
        usd_per_month: road.map_or(0.0, |road| road.usd_per_month),
        items: road.map_or_else(Vec::new, |road| road.items.clone()),
        tariff: road.map(|road| road.tariff.clone()).unwrap_or_default(),
    })
}

fn break_evens(lanes: &[Lane]) -> Vec<BreakEven> {
    let mut found = Vec::new();
    for (position, one) in lanes.iter().enumerate() {
        for other in &lanes[position + 1..] {
            let Some(volume_bytes) = one.tariff.break_even_bytes(&other.tariff) else { continue };
            let one_is_dearer = one.tariff.month_usd(volume_bytes / 2.0) > other.tariff.month_usd(volume_bytes / 2.0);
            let (below, above) = if one_is_dearer { (other, one) } else { (one, other) };
            found.push(BreakEven {
                below: below.name.clone(),
                above: above.name.clone(),
                gb_per_month: gigabytes(volume_bytes),
            });
        }
    }
    found
}

fn endpoint_zones(lanes: &[Lane]) -> Vec<EndpointZones> {
    let tariff = |name: &str| lanes.iter().find(|lane| lane.name == name).map(|lane| &lane.tariff);
    let (Some(nat), Some(endpoint)) = (tariff(NAT_GATEWAY), tariff(INTERFACE_ENDPOINT)) else { return Vec::new() };
    let zones = 1..=ZONES_MAX;
    zones
        .map(|zones| {
            let per_hour = Usd::from_nanos(endpoint.per_hour.nanos().saturating_mul(zones));
            let many = Tariff { per_hour, ..endpoint.clone() };
            let far = 2.0 * many.break_even_bytes(nat).unwrap_or(BYTES_PER_GB as f64);
            let wins_at_last = many.month_usd(far) < nat.month_usd(far);
            let from = many.break_even_bytes(nat).map_or(0.0, gigabytes);
            EndpointZones { zones, cheaper_from_gb_per_month: wins_at_last.then_some(from) }
        })
        .collect()
}

/// To a thousandth of a gigabyte.
fn gigabytes(bytes: f64) -> f64 {
    (bytes / BYTES_PER_GB as f64 * 1e3).round() / 1e3
}

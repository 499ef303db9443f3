//! What a run leaves behind for machines: the schema of `result.json`.
//!
//! Times are nanoseconds of simulated time since the scenario's start; nothing here depends on the machine or the clock. Fields are
//! only ever added; `schema` grows when one changes its meaning. `result.schema.json` beside this file is the same as a JSON Schema, made from
//! these types and their comments (`scripts/make-schema`); the tests hold it against both.

use crate::cost::Cost;
use crate::dataplane::nat::NatMetrics;
use crate::metrics::RoadSummary;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema's version.
pub const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunResult {
    /// Version of this schema: 1.
    pub schema: u32,
    /// The program that wrote it, `vpcsim 0.1.0`.
    pub generator: String,
    /// The scenario's title.
    pub title: String,
    /// The scenario's file name.
    pub scenario: String,
    /// Region.
    pub region: String,
    /// Seed.
    pub seed: u64,
    /// Date of simulated time zero, RFC 3339.
    pub start: String,
    /// Whether the run came to its end (false after Ctrl-C).
    pub complete: bool,
    /// Steps in the order they were run; a step that `then` runs again appears again, with `rerun_of_step`.
    pub steps: Vec<StepResult>,
    /// Expectations.
    pub checks: CheckSummary,
    /// Where all packets went.
    pub packets: PacketAccount,
    /// Latency per road.
    pub latency: Vec<RoadSummary>,
    /// What the roads cost.
    pub cost: Cost,
    /// What CloudWatch would show of each NAT gateway that packets came to, by id.
    pub nat_gateways: BTreeMap<String, NatGatewayMetrics>,
    /// When a host's captures hold neither lost packets nor their retransmissions.
    pub loss_free_ranges: Vec<LossFreeRange>,
    /// Files written beside this one, by what they are.
    pub files: Vec<FileEntry>,
    /// What was assumed: settings AWS does not document, invented ids.
    pub assumptions: Vec<String>,
}

/// One step, run once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepResult {
    /// Position in the scenario, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// The step whose `then` ran this one again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerun_of_step: Option<usize>,
    /// The command, or what the step does in words.
    pub command: String,
    /// Its note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it began.
    pub started_ns: u64,
    /// When its last host was done.
    pub finished_ns: u64,
    /// One entry per host; one called `operator` if the step sends no packets.
    pub hosts: Vec<HostResult>,
    /// What a reader should notice, with the command that mends it.
    pub warnings: Vec<Warning>,
    /// Its expectations.
    pub checks: Vec<Check>,
}

/// What came of a step on one host.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostResult {
    /// The scenario's name for it.
    pub host: String,
    /// Whether the command succeeded.
    pub ok: bool,
    /// The exit status a shell would see; of the last call if there were several.
    pub exit_code: u8,
    /// Standard output of the last call.
    pub stdout: String,
    /// Standard error of the last call.
    pub stderr: String,
    /// The road its packets took; `None` if none arrived.
    pub via: Option<Via>,
    /// The source address that the far end saw.
    pub source_seen: Option<String>,
    /// Whether the packets never left AWS's network: the far end is an AWS service of the Region.
    pub stays_on_aws: bool,
    /// Which of the instance's addresses that is: `public` or `private`; `None` for other hosts.
    pub source_kind: Option<&'static str>,
    /// The address it called.
    pub destination: Option<String>,
    /// How often the command ran (`repeat`).
    pub calls: u32,
    /// Calls that succeeded.
    pub calls_ok: u32,
    /// Attempts of all calls, retries included.
    pub attempts: u32,
    /// TCP connections begun.
    pub connections_opened: u32,
    /// Established connections that broke before the answer was whole.
    pub broken_connections: u32,
    /// Whether the last call went over a connection that was open before.
    pub reused_connection: bool,
    /// TLS version of the last connection.
    pub tls_version: Option<&'static str>,
    /// Frames at its interface during the step, both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// From the start of the first call to the end of the last.
    pub duration_ns: u64,
    /// Median duration of a call.
    pub call_ns_median: u64,
    /// What a gigabyte of its traffic in the step cost, as measured, at list prices; none if nothing arrived that is metered.
    pub usd_per_gb: Option<f64>,
    /// The route decisions on its packets.
    pub routes: Vec<RouteDecision>,
    /// Packets of its flows that were dropped.
    pub drops: Vec<DropCount>,
}

impl HostResult {
    /// The result of a host that was interrupted: nothing to be relied on, and the exit status that a shell gives after Ctrl-C.
    pub(super) fn cut_short(self) -> Self {
        HostResult { ok: false, exit_code: 130, ..self }
    }
}

/// A road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Via {
    /// `internet-gateway`, `gateway-endpoint` or `local`.
    pub class: &'static str,
    /// The gateway's or endpoint's id.
    pub id: Option<String>,
    /// The scenario's name for it.
    pub name: Option<String>,
}

/// One table's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteDecision {
    /// The route table's id.
    pub table: String,
    /// Its name, or `main`.
    pub table_name: Option<String>,
    /// The destination looked up.
    pub destination: String,
    /// The prefix that decided; `None`: no route.
    pub matched: Option<String>,
    /// The prefix list it comes from.
    pub prefix_list: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// `active` or `blackhole`; `None` without a route.
    pub state: Option<&'static str>,
    /// Matching routes that lost, best first, as `PREFIX -> TARGET`.
    pub beats: Vec<String>,
    /// The decision as one sentence.
    pub sentence: String,
    /// How many packets it decided.
    pub packets: u64,
}

/// Drops of one kind at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DropCount {
    /// The code: the Reachability Analyzer's where AWS has one.
    pub code: &'static str,
    /// Where: an AWS id, or `link`.
    pub at: String,
    /// What people call that place.
    pub at_name: Option<String>,
    /// Whom the dropped packets came from if they answered the host's; none: they are the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_from: Option<String>,
    /// The route table that has no route for such an answer, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// One sentence.
    pub sentence: &'static str,
    /// What to change.
    pub remedy: &'static str,
    /// How many packets.
    pub packets: u64,
}

/// Something to notice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Warning {
    /// What.
    pub text: String,
    /// The command that mends it.
    pub mend: Option<String>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// On which host.
    pub host: String,
    /// What was expected of: `via`, `source`, `exit`, `reason`, `output_contains`, `usd_per_gb`.
    pub what: &'static str,
    /// What the scenario expects.
    pub expected: String,
    /// What came.
    pub got: String,
    /// Whether they agree.
    pub passed: bool,
}

/// Counts of expectations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckSummary {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
}

/// Every packet accounted for: `injected + generated + fragments_made = delivered + dropped + fragmented + absorbed + queued`.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PacketAccount {
    /// Sent by hosts.
    pub injected: u64,
    /// Made by the data plane (ARP answers, ICMP errors, TCP resets).
    pub generated: u64,
    /// Made by the data plane out of packets that were too big.
    pub fragments_made: u64,
    /// Received by hosts.
    pub delivered: u64,
    /// Dropped, by code.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Split: their fragments went on instead.
    pub fragmented: u64,
    /// Answered by the data plane (ARP requests).
    pub absorbed: u64,
    /// Still on a link at the end.
    pub queued: u64,
}

/// The metrics of a NAT gateway since the beginning, as CloudWatch names them (namespace AWS/NATGateway). Bytes are those of IP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct NatGatewayMetrics {
    /// The most TCP connections that were open at one time.
    pub active_connection_count: u64,
    /// TCP connections that the inside tried to open.
    pub connection_attempt_count: u64,
    /// TCP connections that were answered.
    pub connection_established_count: u64,
    /// Connections for which no port was left.
    pub error_port_allocation: u64,
    /// TCP connections that were forgotten because they were silent.
    pub idle_timeout_count: u64,
    /// Packets it dropped.
    pub packets_drop_count: u64,
    /// Packets from the VPC.
    pub packets_in_from_source: u64,
    /// Bytes from the VPC.
    pub bytes_in_from_source: u64,
    /// Packets sent on for the VPC.
    pub packets_out_to_destination: u64,
    /// Bytes sent on for the VPC.
    pub bytes_out_to_destination: u64,
    /// Packets from the outside.
    pub packets_in_from_destination: u64,
    /// Bytes from the outside.
    pub bytes_in_from_destination: u64,
    /// Packets sent back into the VPC.
    pub packets_out_to_source: u64,
    /// Bytes sent back into the VPC.
    pub bytes_out_to_source: u64,
}

impl From<NatMetrics> for NatGatewayMetrics {
    fn from(counted: NatMetrics) -> Self {
        NatGatewayMetrics {
            active_connection_count: counted.active_connection_count,
            connection_attempt_count: counted.connection_attempt_count,
            connection_established_count: counted.connection_established_count,
            error_port_allocation: counted.error_port_allocation,
            idle_timeout_count: counted.idle_timeout_count,
            packets_drop_count: counted.packets_drop_count,
            packets_in_from_source: counted.packets_in_from_source,
            bytes_in_from_source: counted.bytes_in_from_source,
            packets_out_to_destination: counted.packets_out_to_destination,
            bytes_out_to_destination: counted.bytes_out_to_destination,
            packets_in_from_destination: counted.packets_in_from_destination,
            bytes_in_from_destination: counted.bytes_in_from_destination,
            packets_out_to_source: counted.packets_out_to_source,
            bytes_out_to_source: counted.bytes_out_to_source,
        }
    }
}

/// A range in which a host lost nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LossFreeRange {
    /// The host.
    pub host: String,
    /// Its capture file.
    pub file: Option<String>,
    /// First nanosecond.
    pub from_ns: u64,
    /// Last nanosecond.
    pub to_ns: u64,
}

/// A file of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileEntry {
    /// Path below the output directory.
    pub path: String,
    /// What it is, in words.
    pub what: String,
}

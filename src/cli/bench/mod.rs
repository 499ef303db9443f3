//! `vpcsim bench`: how fast a network forwards on this machine.
//!
//! Sends synthetic flows, or a capture's, through the fast path ([`crate::fastpath`]) and tells packets a second, cold and warm. The scenario's hosts, links and time play no part: frames
//! are made in memory and go into the network at once.

mod lane;
mod measure;
mod recorded;
mod report;
mod rfc2544;
mod rfc2544_report;

use super::DONE;
use super::error::CliError;
use super::output_dir::print;
use super::source;
use crate::explain::state::{self, State};
use crate::fastpath::{BURST_MAX, VIRTUAL_SHARDS};
use crate::rng::Seed;
use crate::scenario;
use crate::traffic::{Distribution, FRAME_BYTES_MAX, FRAME_BYTES_MIN, FrameSize, Kind};
use clap::{Args, ValueEnum};
use lane::{Lane, LaneError, Load, TLS};
use measure::Measured;
use rayon::ThreadPoolBuilder;
use report::Row;
use std::time::Duration;

/// What is measured if no scenario is named.
const DEFAULT_SCENARIO: &str = "roads/four-lanes";
/// Its lanes: name, from, to, flows.
const DEFAULT_LANES: [(&str, &str, &str, u32); 6] = [
    ("gateway endpoint", "gateway-app", "dynamodb.us-east-1.amazonaws.com", 1_000),
    ("gateway endpoint", "gateway-app", "dynamodb.us-east-1.amazonaws.com", 50_000),
    ("gateway endpoint", "gateway-app", "dynamodb.us-east-1.amazonaws.com", 1_000_000),
    ("internet gateway", "public-app", "dynamodb.us-east-1.amazonaws.com", 1_000),
    ("NAT gateway", "nat-app", "dynamodb.us-east-1.amazonaws.com", 4_096),
    ("interface endpoint", "interface-app", "vpce-0a1b2c3d-sow3v4uq.dynamodb.us-east-1.vpce.amazonaws.com", 1_000),
];
const FLOWS: u32 = 1_000;
const TRIAL_MS: u64 = 200;
const RFC2544_TRIAL_MS: u64 = 2_000;
/// Each has a virtual shard at least.
const THREADS_MAX: usize = VIRTUAL_SHARDS as usize;
const FLOWS_MAX: u32 = 4_000_000;
/// Routes of the router-only rows, and the slots that their frames lie in.
const ROUTES: usize = 1_000;
const ROUTER_SLOTS: [usize; 2] = [256, 131_072];

const EXAMPLES: &str = "\
Examples:
  vpcsim bench                                        a router, and the roads to DynamoDB
  vpcsim bench my-vpc.toml --from app --to dynamodb.us-east-1.amazonaws.com
  vpcsim bench my-vpc.toml --from app --to db --flows 50000 --frame 1514 --threads 2
  vpcsim bench --frame imix --kind udp --order zipf --json
  vpcsim bench my-vpc.toml --from app --in capture.pcap
  vpcsim bench --rfc2544 --load 90% --out bench       throughput without loss by frame size, latency, bursts

Warm packets belong to flows whose way is remembered; cold ones are the first of their flow. What is measured is forwarding
alone: frames lie in memory before and after. Frame lengths are without the 4 bytes of the frame check sequence. Times are
taken once for a burst of 64 packets, because the clock costs more than a packet: percentiles are of bursts, divided by
their packets. Connection tables are as large as the flows need, whatever the quota. Flows are divided among 16 shards that
share nothing, whatever the number of threads; a NAT gateway's ports and connections are divided with them.

Exit codes: 0 done, 2 error";

/// What can be typed after `vpcsim bench`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchArguments {
    /// Scenario file, or the name of a built-in scenario [default: a router, and the lanes of roads/four-lanes]
    #[arg(value_name = "SCENARIO")]
    scenario: Option<String>,
    /// Who sends [default: the scenario's first instance]
    #[arg(long, value_name = "HOST", requires = "scenario")]
    from: Option<String>,
    /// Whom to send to [default: DynamoDB of the scenario's Region]
    #[arg(long, value_name = "NAME_OR_ADDRESS", requires = "scenario")]
    to: Option<String>,
    /// Send what the NIC of this capture sent (pcap or pcapng; - is standard input), over and over, on one thread
    #[arg(
        long = "in",
        value_name = "FILE",
        requires = "scenario",
        conflicts_with_all = ["to", "flows", "frame", "kind", "order", "threads", "rfc2544"]
    )]
    input: Option<std::path::PathBuf>,
    /// The network after this step of the timeline [default: as the scenario begins]
    #[arg(long, value_name = "STEP", requires = "scenario")]
    after: Option<String>,
    /// How many flows
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=i64::from(FLOWS_MAX)))]
    flows: Option<u32>,
    /// Bytes of a data frame, without frame check sequence, or imix (7:4:1 of 60, 590 and 1514)
    #[arg(long, value_name = "BYTES", default_value = "60", value_parser = frame_size)]
    frame: FrameSize,
    /// What flows are
    #[arg(long, value_enum, value_name = "KIND", default_value_t = FlowKind::Tls)]
    kind: FlowKind,
    /// Whose packet comes next: each flow's in turn, any, or some flows' far more often (the k-th as 1/k)
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = Order::InTurn)]
    order: Order,
    /// Workers, among whom 16 shards are divided, and with them the flows
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// How long each trial forwards, in milliseconds [default: 200; with --rfc2544 2000]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    trial_ms: Option<u64>,
    /// As RFC 2544: a worker behind a ring and a thread that offers load, by frame size
    #[arg(long, conflicts_with_all = ["frame", "threads", "order"])]
    rfc2544: bool,
    /// With --rfc2544: the load at which latency is measured, of the throughput found
    #[arg(long, value_name = "PERCENT", default_value = "50%", value_parser = load, requires = "rfc2544")]
    load: f64,
    /// With --rfc2544: frames that the ring before the worker holds, a multiple of 64
    #[arg(long, value_name = "FRAMES", default_value_t = rfc2544::RING_FRAMES, value_parser = ring, requires = "rfc2544")]
    ring: usize,
    /// Print the figures as JSON on stdout
    #[arg(long)]
    json: bool,
    /// Where to write the latency histograms (.hgrm), one for each row; with --rfc2544 rfc2544.json and rfc2544.svg
    #[arg(long, value_name = "DIR")]
    out: Option<std::path::PathBuf>,
}

/// What is typed after `--kind`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FlowKind {
    /// TLS connections that stay open
    Tls,
    /// Datagrams
    Udp,
}

/// What is typed after `--order`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    /// One after the other
    InTurn,
    /// All alike
    Uniform,
    /// A few of them most of the time
    Zipf,
}

impl BenchArguments {
    /// Who sends in a scenario's network.
    fn sender(&self, state: &State) -> String {
        let instances = state.control.model().instances.values();
        let first = || instances.filter_map(|instance| instance.tags.name()).min().unwrap_or("app").to_owned();
        self.from.clone().unwrap_or_else(first)
    }

    /// What is sent, in words.
    fn traffic(&self) -> String {
        if self.input.is_some() {
            return "What a captured NIC sent, over and over".to_owned();
        }
        let kind = match self.kind {
            FlowKind::Tls => "TLS flows",
            FlowKind::Udp => "UDP flows",
        };
        let order = match self.order {
            Order::InTurn => "in turn",
            Order::Uniform => "in random order",
            Order::Zipf => "in random order, the k-th as often as 1/k",
        };
        format!("{kind} {order}")
    }

    fn load(&self, flows: u32, frame: FrameSize) -> Load {
        let kind = match self.kind {
            FlowKind::Tls => TLS,
            FlowKind::Udp => Kind::Udp,
        };
        let turns = match self.order {
            Order::InTurn => Distribution::InTurn,
            Order::Uniform => Distribution::Uniform,
            Order::Zipf => Distribution::Zipf { exponent: 1.0 },
        };
        Load { flows, frame, kind, turns }
    }
}

fn frame_size(text: &str) -> Result<FrameSize, String> {
    match text.parse() {
        Ok(bytes) if (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&bytes) => Ok(FrameSize::Fixed(bytes)),
        _ if text.eq_ignore_ascii_case("imix") => Ok(FrameSize::Imix),
        _ => Err(format!("expected {FRAME_BYTES_MIN} to {FRAME_BYTES_MAX}, or imix")),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=THREADS_MAX).contains(count));
    count.ok_or_else(|| format!("expected 1 to {THREADS_MAX}"))
}

/// A share, from `50%` or `50`.
fn load(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    let percent: Option<f64> = percent.filter(|percent| (1.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected 1% to 100%".to_owned())
}

fn ring(text: &str) -> Result<usize, String> {
    let limits = BURST_MAX..=rfc2544::RING_FRAMES_MAX;
    let frames = text.parse().ok().filter(|frames: &usize| limits.contains(frames) && frames.is_multiple_of(BURST_MAX));
    frames.ok_or_else(|| format!("expected a multiple of {BURST_MAX}, at most {}", rfc2544::RING_FRAMES_MAX))
}

/// Measures, and tells. Returns the exit code.
///
/// # Errors
/// The scenario is wrong, or its network does not let the flows pass.
pub(super) fn run(arguments: &BenchArguments) -> Result<u8, CliError> {
    let default_ms = if arguments.rfc2544 { RFC2544_TRIAL_MS } else { TRIAL_MS };
    let trial = Duration::from_millis(arguments.trial_ms.unwrap_or(default_ms));
    let mut rows = Vec::new();
    let name = arguments.scenario.as_deref().unwrap_or(DEFAULT_SCENARIO);
    let source = source::find(name)?;
    let scenario = scenario::parse(&source.file_name, &source.text, None)?;
    let state = state::after(&scenario, arguments.after.as_deref()).map_err(CliError::State)?;
    if arguments.rfc2544 {
        return run_rfc2544(arguments, &scenario.model.region, &state, scenario.seed, trial);
    }
    if arguments.scenario.is_none() {
        for slots in ROUTER_SLOTS {
            progress(&format!("router only, {slots} slots"));
            let (program, frames) = lane::router(scenario.seed, ROUTES, slots);
            let measured = measure::router(&program, &frames, trial);
            rows.push(Row::of(format!("router only, {ROUTES} routes, {slots} slots"), 0, 1, vec![measured]));
        }
    }
    if let Some(path) = &arguments.input {
        let from = arguments.sender(&state);
        let name = format!("{} from {from}", path.display());
        progress(&name);
        let (flows, measured) = recorded::measure(&state, &from, path, trial)?;
        rows.push(Row::of(name, flows, 1, vec![measured]));
        return tell(arguments, &rows);
    }
    for (name, from, to, flows) in lanes(arguments, &scenario.model.region, &state) {
        let flows = arguments.flows.unwrap_or(flows);
        progress(&format!("{name}, {flows} flows"));
        rows.push(measure_lane(&state, (&name, &from, &to), flows, arguments, scenario.seed, trial)?);
    }
    tell(arguments, &rows)
}

/// Writes and prints what was measured.
fn tell(arguments: &BenchArguments, rows: &[Row]) -> Result<u8, CliError> {
    if let Some(out) = &arguments.out {
        report::write_histograms(out, rows)?;
    }
    let traffic = arguments.traffic();
    let text = if arguments.json { report::json(rows, &traffic) } else { report::table(rows, &traffic) };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

/// Seven frame sizes and a mix of the first lane, as RFC 2544 wants them.
fn run_rfc2544(
    arguments: &BenchArguments,
    region: &str,
    state: &State,
    seed: Seed,
    trial: Duration,
) -> Result<u8, CliError> {
    let wrong = |source: LaneError| CliError::Bench(source.to_string());
    let Some((name, from, to, flows)) = lanes(arguments, region, state).into_iter().next() else { return Ok(DONE) };
    let flows = arguments.flows.unwrap_or(flows);
    let plan = rfc2544::Plan { trial, load: arguments.load, ring_frames: arguments.ring };
    let mut rows = Vec::new();
    for frame in rfc2544::FRAMES {
        progress(&format!("{name}, frames of {}", rfc2544_report::frame_name(frame)));
        let lane = Lane::of(state, (&name, &from, &to), arguments.load(flows, frame)).map_err(wrong)?;
        rows.push((frame, rfc2544::measure(&lane, seed, &plan)?));
    }
    let report = rfc2544_report::Report::new(&name, flows, &plan, &rows);
    if let Some(out) = &arguments.out {
        report.write(out)?;
    }
    let text = if arguments.json { report.json() } else { report.table() };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

/// Name, from, to and flows of each lane.
fn lanes(arguments: &BenchArguments, region: &str, state: &State) -> Vec<(String, String, String, u32)> {
    if arguments.scenario.is_none() {
        let lanes = DEFAULT_LANES
            .iter()
            .map(|(name, from, to, flows)| ((*name).to_owned(), (*from).to_owned(), (*to).to_owned(), *flows));
        return lanes.collect();
    }
    let from = arguments.sender(state);
    let to = arguments.to.clone().unwrap_or_else(|| format!("dynamodb.{region}.amazonaws.com"));
    vec![(format!("{from} to {to}"), from, to, FLOWS)]
}

/// A lane, on as many threads as asked for: each has some of the virtual shards, and the flows that belong to them.
fn measure_lane(
    state: &State,
    names: (&str, &str, &str),
    flows: u32,
    arguments: &BenchArguments,
    seed: Seed,
    trial: Duration,
) -> Result<Row, CliError> {
    let wrong = |source: LaneError| CliError::Bench(source.to_string());
    let threads = arguments.threads;
    let lane = Lane::of(state, names, arguments.load(flows, arguments.frame)).map_err(wrong)?;
    let shards_of = |worker: usize| (0..VIRTUAL_SHARDS).skip(worker).step_by(threads);
    let workers = ThreadPoolBuilder::new().num_threads(threads).build();
    let workers = workers.map_err(|error| CliError::Bench(format!("{threads} threads cannot be had: {error}")))?;
    let parts = workers.broadcast(|worker| measure::lane(&lane, seed, trial, shards_of(worker.index())));
    let measured: Result<Vec<_>, _> = parts.into_iter().collect();
    let measured: Vec<Measured> = measured.map_err(wrong)?.into_iter().flatten().collect();
    Ok(Row::of(lane.name.clone(), flows, measured.len(), measured))
}

/// What is being measured, for people who wait.
fn progress(what: &str) {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() {
        eprintln!("measuring: {what}");
    }
}

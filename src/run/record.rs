//! From what was observed to the result's tables.

use super::Road;
use super::command::command_line;
use super::observer::Observation;
use super::plan::Task;
use super::result::*;
use super::timeline::Run;
use crate::awscli::CommandOutput;
use crate::capture::FileSet;
use crate::cost::bill;
use crate::explain;
use crate::host::Outcome;
use crate::model::{Model, Provenance, UnknownConnection, prefix_list};
use crate::program::{NextHopKind, NodeKey, Program, TableIx};
use crate::sim::Conservation;
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// How many durations of one host's calls are kept for the median.
const DURATIONS_MAX: usize = 100_000;

/// What one host did in a step so far.
pub(super) struct HostRecord {
    pub(super) name: String,
    started: SimTime,
    calls: u32,
    calls_ok: u32,
    attempts: u32,
    connections_opened: u32,
    broken_connections: u32,
    reused_connection: bool,
    tls_version: Option<&'static str>,
    destination: Option<Ipv4Addr>,
    durations_ns: Vec<u64>,
    finished: SimTime,
    last: CommandOutput,
}

/// One call that has ended.
pub(super) struct CallRecord {
    started: SimTime,
    outcome: Option<Outcome>,
    output: CommandOutput,
}

impl CallRecord {
    /// A command that sent no packet.
    pub(super) fn local(at: SimTime, output: CommandOutput) -> Self {
        CallRecord { started: at, outcome: None, output }
    }

    /// A command that did.
    pub(super) fn remote(started: SimTime, outcome: Outcome, output: CommandOutput) -> Self {
        CallRecord { started, outcome: Some(outcome), output }
    }
}

impl HostRecord {
    pub(super) fn new(name: &str, started: SimTime) -> Self {
        HostRecord {
            name: name.to_owned(),
            started,
            calls: 0,
            calls_ok: 0,
            attempts: 0,
            connections_opened: 0,
            broken_connections: 0,
            reused_connection: false,
            tls_version: None,
            destination: None,
            durations_ns: Vec::new(),
            finished: started,
            last: CommandOutput { stdout: String::new(), stderr: String::new(), exit_code: 0 },
        }
    }

    /// Takes in one page of a command that goes on.
    pub(super) fn add_page(&mut self, outcome: &Outcome) {
        self.attempts += outcome.attempts;
        self.connections_opened += outcome.connections_opened;
        self.broken_connections += outcome.broken_connections;
    }

    /// Takes in a command that has ended.
    pub(super) fn add(&mut self, call: CallRecord) {
        self.calls += 1;
        self.calls_ok += u32::from(call.output.exit_code == 0);
        if let Some(outcome) = &call.outcome {
            self.add_page(outcome);
            self.reused_connection = outcome.reused_connection;
            self.tls_version = outcome.tls_version.or(self.tls_version);
            self.destination = outcome.peer.map(|peer| *peer.ip()).or(outcome.resolved).or(self.destination);
            self.finished = outcome.finished;
            if self.durations_ns.len() < DURATIONS_MAX {
                self.durations_ns.push(outcome.finished.since(call.started).as_nanos());
            }
        }
        self.last = call.output;
    }

    fn into_result(mut self) -> HostResult {
        self.durations_ns.sort_unstable();
        let call_ns_median = self.durations_ns.get(self.durations_ns.len() / 2).copied().unwrap_or(0);
        HostResult {
            host: self.name,
            ok: self.last.exit_code == 0 && self.calls == self.calls_ok,
            exit_code: self.last.exit_code,
            stdout: self.last.stdout,
            stderr: self.last.stderr,
            destination: self.destination.map(|address| address.to_string()),
            calls: self.calls,
            calls_ok: self.calls_ok,
            attempts: self.attempts,
            connections_opened: self.connections_opened,
            broken_connections: self.broken_connections,
            reused_connection: self.reused_connection,
            tls_version: self.tls_version,
            duration_ns: self.finished.since(self.started).as_nanos(),
            call_ns_median,
            ..HostResult::default()
        }
    }
}

/// The operator's result.
pub(super) fn operator_result(record: HostRecord) -> HostResult {
    record.into_result()
}

/// A host's result.
pub(super) fn host_result(run: &Run, record: HostRecord, seen: &Observation) -> HostResult {
    let program = run.sim.program();
    let road = seen.roads.iter().max_by_key(|(_, packets)| **packets).map(|(road, _)| *road);
    let source = seen.seen_as.iter().max_by_key(|(_, packets)| **packets).map(|(address, _)| *address);
    let name = record.name.clone();
    let stays_on_aws = matches!(road, Some(Road::InternetGateway(_) | Road::NatGateway(_)))
        && record.destination.is_some_and(|address| is_service(run.control.model(), address));
    HostResult {
        stays_on_aws,
        via: road.map(|road| via(program, &run.names, road)),
        source_seen: source.map(|address| address.to_string()),
        source_kind: source.and_then(|address| kind_of(run.control.model(), &run.names, &name, address)),
        packets: seen.packets,
        bytes: seen.bytes,
        routes: routes(seen),
        drops: drops(program, &run.names, seen),
        ..record.into_result()
    }
}

fn via(program: &Program, names: &crate::scenario::Names, road: Road) -> Via {
    let node = road.node().map(|node| program.origins.owner(node));
    let id = node.map(|node| node.id.clone());
    let name = id.as_deref().and_then(|id| names.name_of(id)).map(str::to_owned);
    Via { class: road.class(), name: name.or_else(|| node.and_then(|node| node.name.clone())), id }
}

/// Whether an address belongs to a service of the scenario's Region.
fn is_service(model: &Model, address: Ipv4Addr) -> bool {
    let mut own = model.public_services.iter().filter(|service| service.region == model.region);
    own.any(|service| service.cidrs.iter().any(|cidr| cidr.contains(&address)))
}

/// Whether an address is the private or the public one of the instance called `host`; an outside host's is public. The address was seen before this moment, but
/// instances keep theirs for life.
fn kind_of(model: &Model, names: &crate::scenario::Names, host: &str, address: Ipv4Addr) -> Option<&'static str> {
    if model.outside_hosts.get(host).is_some_and(|outside| outside.address == address) {
        return Some("public");
    }
    if let Some((network, own)) = model.host_on_premises(host) {
        let public = network.internet_address == Some(address);
        return if own == address { Some("private") } else { public.then_some("public") };
    }
    let id = names.lookup(crate::scenario::Kind::Instance, host)?.parse().ok()?;
    let eni = model.network_interfaces.get(&model.instances.get(&id)?.primary_interface_id?)?;
    if eni.private_ip == address {
        return Some("private");
    }
    eni.public_address.is_some_and(|public| public.address == address).then_some("public")
}

/// Every decision in the words of the program that took it; decisions that read alike are counted together.
fn routes(seen: &Observation) -> Vec<RouteDecision> {
    let decisions = seen.routes.iter().filter_map(|(route, packets)| {
        let program = seen.programs.get(&route.epoch)?;
        let origin = &program.origins.tables[route.table.at()];
        let table_name = origin.table.name.clone().or_else(|| origin.is_main.then(|| "main".to_owned()));
        let base = RouteDecision {
            table: origin.table.id.clone(),
            table_name,
            destination: route.destination.to_string(),
            matched: None,
            prefix_list: None,
            target: None,
            state: None,
            beats: Vec::new(),
            sentence: explain::route_sentence(program, route.table, route.destination, route.entry),
            packets: *packets,
        };
        let Some(entry) = route.entry else { return Some(base) };
        let explained = program.origins.explain_route(route.table, entry, route.destination);
        Some(RouteDecision {
            matched: Some(explained.winner.cidr.to_string()),
            prefix_list: explained.winner.prefix_list.clone(),
            target: Some(explained.winner.target.clone()),
            state: Some(if explained.winner.kind == NextHopKind::Blackhole { "blackhole" } else { "active" }),
            beats: explained.beaten.iter().map(ToString::to_string).collect(),
            ..base
        })
    });
    decisions.fold(Vec::new(), |mut all: Vec<RouteDecision>, decision| {
        let alike = |other: &&mut RouteDecision| {
            other.sentence == decision.sentence && other.destination == decision.destination
        };
        match all.iter_mut().find(alike) {
            Some(other) => other.packets += decision.packets,
            None => all.push(decision),
        }
        all
    })
}

fn drops(program: &Program, names: &crate::scenario::Names, seen: &Observation) -> Vec<DropCount> {
    let table = |(epoch, table): (u64, TableIx)| {
        let named = &seen.programs.get(&epoch)?.origins.tables[table.at()].table;
        Some(named.name.as_ref().map_or_else(|| named.id.clone(), |name| format!("{} ({name})", named.id)))
    };
    let drops = seen.drops.iter().map(|(dropped, packets)| {
        let (facts, at) = (dropped.reason.facts(), dropped.at);
        DropCount {
            code: facts.code,
            at: at.map_or_else(|| "link".to_owned(), |node| program.origins.node(node).id.clone()),
            at_name: at.and_then(|node| {
                let named = program.origins.node(node);
                names.name_of(&named.id).map(str::to_owned).or_else(|| named.name.clone())
            }),
            answer_from: dropped.answer_from.map(|address| address.to_string()),
            table: dropped.table.and_then(table),
            sentence: facts.sentence,
            remedy: facts.remedy,
            packets: *packets,
        }
    });
    drops.collect()
}

/// A step's result.
pub(super) fn step_result(
    run: &Run,
    task: &Task,
    started: SimTime,
    finished: SimTime,
    hosts: Vec<HostResult>,
    warnings: Vec<Warning>,
    checks: Vec<Check>,
) -> StepResult {
    let step = &run.scenario.steps[task.step];
    StepResult {
        number: task.step + 1,
        name: step.name.clone(),
        rerun_of_step: task.rerun_of.map(|step| step + 1),
        command: command_line(step),
        note: step.note.clone(),
        started_ns: started.as_nanos(),
        finished_ns: finished.as_nanos(),
        hosts,
        warnings,
        checks,
    }
}

/// The whole result.
pub(super) fn run_result(run: &Run, steps: Vec<StepResult>, complete: bool, files: &FileSet) -> RunResult {
    let all_checks = || steps.iter().flat_map(|step| &step.checks);
    let checks = CheckSummary {
        passed: all_checks().filter(|check| check.passed).count(),
        failed: all_checks().filter(|check| !check.passed).count(),
    };
    RunResult {
        schema: SCHEMA,
        generator: concat!("vpcsim ", env!("CARGO_PKG_VERSION")).to_owned(),
        title: run.scenario.title.clone(),
        scenario: run.scenario.file_name.clone(),
        region: run.scenario.region.clone(),
        seed: run.scenario.seed.value(),
        start: run.calendar.rfc3339(SimTime::ZERO),
        complete,
        loss_free_ranges: loss_free_ranges(&steps, files),
        checks,
        packets: account(&run.sim.conservation()),
        nat_gateways: nat_gateways(run),
        latency: run.sim.tap.observer.latencies().summaries(),
        cost: bill(&run.sim.tap.meter, run.control.model(), &run.names, &run.scenario.settings.prices),
        files: Vec::new(),
        assumptions: assumptions(run.control.model(), &run.scenario.settings),
        steps,
    }
}

/// The metrics of NAT gateways that packets came to.
fn nat_gateways(run: &Run) -> BTreeMap<String, NatGatewayMetrics> {
    let (now, nat) = (run.sim.now(), &run.sim.state().nat);
    let gateways = run.sim.program().lookup.nodes.iter().filter_map(|(key, at)| match key {
        NodeKey::NatGateway(id) => Some((id.to_string(), NatGatewayMetrics::from(nat.metrics(*at, now)))),
        _ => None,
    });
    gateways.filter(|(_, metrics)| metrics.packets_in_from_source + metrics.packets_in_from_destination > 0).collect()
}

/// Where all packets went.
pub(super) fn account(conservation: &Conservation) -> PacketAccount {
    let mut dropped = BTreeMap::new();
    for (reason, packets) in &conservation.dropped {
        *dropped.entry(reason.code()).or_default() += packets;
    }
    PacketAccount {
        injected: conservation.injected,
        generated: conservation.generated,
        fragments_made: conservation.fragments_made,
        delivered: conservation.delivered,
        dropped,
        fragmented: conservation.fragmented,
        absorbed: conservation.absorbed,
        queued: conservation.queued,
    }
}

/// For each host the spans of consecutive steps in which none of its flows lost a packet. A connection that broke counts as a loss.
fn loss_free_ranges(steps: &[StepResult], files: &FileSet) -> Vec<LossFreeRange> {
    let mut ranges: Vec<LossFreeRange> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps {
        for host in step.hosts.iter().filter(|host| host.packets > 0) {
            if !host.drops.is_empty() || host.broken_connections > 0 {
                open.remove(host.host.as_str());
                continue;
            }
            if let Some(range) = open.get(host.host.as_str()) {
                ranges[*range].to_ns = step.finished_ns;
                continue;
            }
            let file = capture_of(&host.host, files);
            open.insert(&host.host, ranges.len());
            ranges.push(LossFreeRange {
                host: host.host.clone(),
                file,
                from_ns: step.started_ns,
                to_ns: step.finished_ns,
            });
        }
    }
    ranges
}

/// The capture of a host's interface.
fn capture_of(host: &str, files: &FileSet) -> Option<String> {
    // Endpoints and gateways may be called as a host is; only an interface has an eni, and a host on the internet has no id at all.
    let is_own = |(name, id): (&str, &str)| name == host && (id.is_empty() || id.starts_with("eni-"));
    files.iter().find(|file| file.vantages().any(is_own)).map(|file| file.file_name().to_owned())
}

/// What this run took for granted though AWS does not document it, or differs in.
fn assumptions(model: &Model, settings: &crate::scenario::Settings) -> Vec<String> {
    let mut list = vec![
        format!(
            "prefix lists hold AWS's ip-ranges of {}, collapsed; they were not compared with the live lists",
            prefix_list::embedded_create_date()
        ),
        "latencies of links and services are chosen, not measured at AWS".to_owned(),
        match model.unknown_connection {
            UnknownConnection::Reset => {
                "a connection whose road changed is answered by RST; AWS documents only that it breaks"
            }
            UnknownConnection::Silence => {
                "a connection whose road changed meets silence; AWS documents only that it breaks"
            }
        }
        .to_owned(),
        format!(
            "a DynamoDB table takes {} to be created or deleted; tables that the scenario names have the key pk",
            settings.dynamodb_table_settling
        ),
        format!("DNS answers of service names live {} s; AWS publishes no TTL", model.dns_ttl_seconds),
    ];
    list.extend(invented(model));
    list
}

fn invented(model: &Model) -> Vec<String> {
    let of_region = model.prefix_lists.values().filter(|list| list.region == model.region);
    of_region
        .filter_map(|list| match list.provenance {
            Provenance::InventedId => {
                Some(format!("the id {} of {} is invented: no public source shows it", list.id, list.name))
            }
            Provenance::Scenario => Some(format!("the contents of {} ({}) are the scenario's", list.id, list.name)),
            Provenance::Published | Provenance::Customer => None,
        })
        .collect()
}

//! A trace tells what a run shows: on every shipped scenario, after every step, the same road and the same reason.
//!
//! What a run finds by sending packets, with hosts, links and time, `explain::trace` must find by one walk over the same network. Steps that
//! one static probe cannot stand for are listed in [`OUT_OF_REACH`], each with why.

use std::collections::BTreeMap;
use vpcsim::awscli::{self, Environment, endpoint};
use vpcsim::explain::probe::{Probe, ProbeProtocol};
use vpcsim::explain::state::{self, State};
use vpcsim::explain::trace::{Traced, trace};
use vpcsim::rng::Seed;
use vpcsim::run::{HostResult, Progress, Run};
use vpcsim::scenario::{EMBEDDED, Kind, PacketAddress, PacketSpec, Scenario, Step, StepAction, Transport, parse};

/// Steps whose drops need more than a probe on a network at rest.
const OUT_OF_REACH: &[(&str, &str, &str)] = &[
    ("drops/no-private-address", "ssh", "the instance goes while the packet is on its way"),
    ("drops/resource-gone", "call", "the endpoint goes while the answer is on its way"),
    ("drops/link", "queue-full", "links' queues are not traced"),
    ("drops/link", "loss", "links' losses are not traced"),
    ("drops/malformed", "*", "probes are well-formed"),
    ("drops/unknown-mac", "stale-arp", "a probe asks ARP first"),
    ("drops/endpoint-source", "stranger", "a probe is a SYN: the endpoint refuses it for that"),
    ("drops/tracking-table-full", "third", "a trace's tracking is empty"),
];

#[test]
fn every_step_of_every_shipped_scenario_goes_the_way_its_trace_tells() {
    let mut compared = 0;
    let mut skipped = Vec::new();
    for (name, source) in EMBEDDED {
        let scenario = parse(name, source, None).unwrap();
        let states = states(&scenario);
        let mut run = Run::new(scenario.clone()).unwrap();
        while run.advance(100_000).unwrap() == Progress::Working {}
        let result = run.finish().0;
        for done in &result.steps {
            let step = scenario.step(&done.name).unwrap();
            let of = done.rerun_of_step.map_or(&done.name, |number| &scenario.steps[number - 1].name);
            let excused = |(file, at, _): &&(&str, &str, &str)| file == name && (*at == "*" || *at == done.name);
            if let Some(excuse) = OUT_OF_REACH.iter().find(excused) {
                skipped.push(excuse);
                continue;
            }
            for host in done.hosts.iter().filter(|host| host.host != "operator") {
                let state = &states[of];
                let Some(probe) = probe_of(&scenario, state, step, &host.host) else { continue };
                let Ok(traced) = trace(&state.control, &state.names, &probe) else {
                    assert!(is_gone(state, &host.host), "{name}, {}, {}: no trace", done.name, host.host);
                    continue;
                };
                let what = format!("{name}, step {} (state after {of}), {}: {probe:?}", done.name, host.host);
                compare(&what, step, host, &traced);
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "only {compared} steps were compared");
    for excuse in OUT_OF_REACH {
        assert!(skipped.contains(&excuse), "{excuse:?} excuses nothing");
    }
}

/// The state after every step, by the step's name.
fn states(scenario: &Scenario) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    state::each(scenario, |step, state| {
        states.insert(step.name.clone(), state.clone());
        true
    })
    .unwrap();
    states
}

fn is_gone(state: &State, host: &str) -> bool {
    let id = state.names.lookup(Kind::Instance, host).and_then(|id| id.parse().ok());
    id.is_some_and(|id| state.control.model().instances[&id].primary_interface_id.is_none())
}

/// The probe that stands for a step's packets.
fn probe_of(scenario: &Scenario, state: &State, step: &Step, host: &str) -> Option<Probe> {
    let tracked_connections_max = scenario.settings.tracked_connections_max;
    let tcp = |to: String, port| Probe { tracked_connections_max, ..Probe::tcp(host, to, Some(port)) };
    match &step.action {
        StepAction::Aws { line, .. } => {
            let invocation = awscli::parse(line).unwrap();
            let environment = Environment {
                region: scenario.region.clone(),
                account_id: Some(scenario.model.account_id.clone()),
                endpoints: endpoint::Settings::default(),
            };
            let command = awscli::Command::new(invocation);
            let request = command.request(&environment, &mut Seed::new(1).derive("test")).unwrap();
            Some(tcp(request.endpoint.host, request.endpoint.port))
        }
        StepAction::Ssh { destination, .. } => Some(tcp(destination.clone(), 22)),
        StepAction::Send(PacketSpec::Packet(packet)) => {
            let (model, names) = (state.control.model(), &state.names);
            let source = packet.source.resolve(model, names).ok();
            let to = match &packet.destination {
                PacketAddress::Ip(address) => address.to_string(),
                other => other.resolve(model, names).ok()?.to_string(),
            };
            let (protocol, port, source_port) = match packet.transport {
                Transport::Tcp { source_port, destination_port, flags } if flags.syn && !flags.ack => {
                    (ProbeProtocol::Tcp, Some(destination_port), Some(source_port))
                }
                Transport::Udp { source_port, destination_port } => {
                    (ProbeProtocol::Udp, Some(destination_port), Some(source_port))
                }
                Transport::Icmp { icmp_type: 8, .. } => (ProbeProtocol::Icmp, None, None),
                other => panic!("no probe for {other:?}"),
            };
            Some(Probe { protocol, port, source_port, source, ..tcp(to, 0) })
        }
        _ => None,
    }
}

fn compare(what: &str, step: &Step, host: &HostResult, traced: &Traced) {
    let program = &traced.program;
    let road = traced.road().map(|road| (road.class(), road.node().map(|node| program.origins.node(node).id.clone())));
    let ran = host.via.as_ref().map(|via| (via.class, via.id.clone()));
    // A call whose answers are lost has sent its SYN all the same.
    assert_eq!(road, ran, "{what}\n{:?}\n{:?}", traced.outcome, host.drops);
    if road.is_some() {
        assert_eq!(traced.source_seen().map(|source| source.to_string()), host.source_seen, "{what}");
    }
    let codes: Vec<_> = host.drops.iter().map(|drop| drop.code).collect();
    match traced.code() {
        Some(code) if codes.contains(&code) => {}
        // A raw packet is answered by nobody: only its own way is compared.
        Some(_) if matches!(step.action, StepAction::Send(_)) && road.is_some() && codes.is_empty() => {}
        None if codes.is_empty() => {}
        code => panic!("{what}\ntrace: {code:?}, run: {codes:?}"),
    }
}

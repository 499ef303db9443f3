//! A trace tells what a run shows: on every shipped scenario, after every step, the same road and the same reason.
//!
//! What a run finds by sending packets, with hosts, links and time, `explain::trace` must find by one walk over the same network. Steps that
//! one static probe cannot stand for are listed in [`OUT_OF_REACH`], each with why.

use std::collections::BTreeMap;
use std::fmt::Write;
use vpcsim::awscli::{self, Environment, endpoint};
use vpcsim::explain::mend;
use vpcsim::explain::probe::{Probe, ProbeError, ProbeProtocol};
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
    ("problems/19-account-based-hostname", "new-client", "a trace does not ask what one's own DNS servers refuse"),
    ("problems/20-dns-off", "before-2", "the same"),
    ("drops/interface-endpoint-idle", "too-late", "a trace opens a connection of its own"),
    ("drops/tracking-table-full", "third", "a trace's tracking is empty"),
    ("drops/ttl", "one-left", "a probe's time to live is 64"),
    ("drops/link-local-rate", "too-fast", "one probe is below every rate"),
    ("drops/fragment-without-first", "alone", "a probe is a whole packet"),
    ("drops/transit-attachment", "ask", "the attachment goes while the packet is on its way"),
    ("roads/dynamodb-over-vpn", "detour", "a probe is a SYN: what is too big for the VPN comes after it"),
    (
        "roads/vpn-transit-gateway",
        "to-the-office",
        "which of several VPNs alike takes a flow depends on the client's port",
    ),
    ("drops/nat-ports", "third", "a trace's NAT gateways have no sessions"),
    ("problems/24-nat-idle-350s", "after-6-minutes", "a trace takes no time"),
];

#[test]
fn every_step_of_every_shipped_scenario_goes_the_way_its_trace_tells() {
    let mut compared = 0;
    let (mut skipped, mut problems) = (Vec::new(), Vec::new());
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
                let traced = match trace(&state.control, &state.names, &probe) {
                    Ok(traced) => traced,
                    // Its host splits it before it is sent.
                    Err(ProbeError::Length { .. }) => continue,
                    // Names that nobody knows: the run does not send anything either.
                    Err(ProbeError::NoDestination { .. } | ProbeError::NoAddress { .. }) => {
                        assert_eq!(host.via, None, "{name}, {}, {}", done.name, host.host);
                        continue;
                    }
                    Err(error) => {
                        assert!(is_gone(state, &host.host), "{name}, {}, {}: {error}", done.name, host.host);
                        continue;
                    }
                };
                let what = format!("{name}, step {} (state after {of}), {}: {probe:?}", done.name, host.host);
                problems.extend(compare(&what, step, host, &traced));
                compared += 1;
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    assert!(compared >= 160, "only {compared} steps were compared");
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
        StepAction::Program { line, .. } => program_probe(line, tcp),
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
                // Probes are of TCP, UDP and ICMP.
                Transport::Other(_) => return None,
                other => panic!("no probe for {other:?}"),
            };
            let anywhere = std::net::Ipv4Addr::LOCALHOST;
            let packet_bytes = u16::try_from(packet.ipv4_bytes(anywhere, anywhere).len()).ok();
            let dont_fragment = packet.fragment.dont_fragment;
            Some(Probe { protocol, port, source_port, source, packet_bytes, dont_fragment, ..tcp(to, 0) })
        }
        _ => None,
    }
}

/// The probe that stands for what a program sends first. Programs that send with a rising time to live, or many packets for their own sake, are left out.
fn program_probe(line: &str, tcp: impl Fn(String, u16) -> Probe) -> Option<Probe> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let option = |name: &str| words.iter().position(|word| *word == name).map(|at| words[at + 1]);
    let operands: Vec<&str> = {
        let takes_value = |word: &str| {
            word.starts_with('-') && !["-n", "-q", "-z", "-v", "-u", "-s", "-S", "-sS", "-i", "-f"].contains(&word)
        };
        let is_ping_size = |at: usize| words[0] == "ping" && words[at] == "-s";
        let follows = |at: usize| takes_value(words[at - 1]) || is_ping_size(at - 1);
        (1..words.len()).filter(|at| !words[*at].starts_with('-') && !follows(*at)).map(|at| words[at]).collect()
    };
    match words[0] {
        "curl" => {
            let url = words.iter().find(|word| word.starts_with("http"))?;
            let (scheme, rest) = url.split_once("://")?;
            let authority = rest.split('/').next()?;
            let usual = if scheme == "https" { 443 } else { 80 };
            let (host, port) = authority.rsplit_once(':').map_or((authority, usual), |(h, p)| (h, p.parse().unwrap()));
            Some(tcp(host.to_owned(), port))
        }
        "nc" if words.contains(&"-u") => None,
        "nc" => Some(tcp(operands.first()?.to_string(), operands.get(1)?.parse().ok()?)),
        "ping" => {
            let size: u16 = option("-s").map_or(56, |size| size.parse().unwrap());
            let dont_fragment = option("-M") != Some("dont");
            let probe = tcp(operands.first()?.to_string(), 0);
            Some(Probe {
                protocol: ProbeProtocol::Icmp,
                port: None,
                packet_bytes: Some(size + 28),
                dont_fragment,
                ..probe
            })
        }
        "udp" => {
            let probe = tcp(operands.first()?.to_string(), operands.get(1)?.parse().ok()?);
            Some(Probe { protocol: ProbeProtocol::Udp, ..probe })
        }
        _ => None,
    }
}

/// What the trace tells otherwise than the run.
fn compare(what: &str, step: &Step, host: &HostResult, traced: &Traced) -> Option<String> {
    let program = &traced.program;
    let road = traced.road().map(|road| (road.class(), road.node().map(|node| program.origins.owner(node).id.clone())));
    let ran = host.via.as_ref().map(|via| (via.class, via.id.clone()));
    // A call whose answers are lost has sent its SYN all the same.
    if road != ran {
        return Some(format!("{what}\ntrace: {road:?} {:?}, run: {ran:?} {:?}", traced.outcome, host.drops));
    }
    let seen = traced.source_seen().map(|source| source.to_string());
    if road.is_some() && seen != host.source_seen {
        return Some(format!("{what}\nsource in the trace: {seen:?}, in the run: {:?}", host.source_seen));
    }
    let codes: Vec<_> = host.drops.iter().map(|drop| drop.code).collect();
    match traced.code() {
        Some(code) if codes.contains(&code) => None,
        // A raw packet is answered by nobody: only its own way is compared.
        Some(_) if matches!(step.action, StepAction::Send(_)) && road.is_some() && codes.is_empty() => None,
        None if codes.is_empty() => None,
        code => Some(format!("{what}\ntrace: {code:?}, run: {codes:?}")),
    }
}

/// Every loss that a shipped scenario shows, and the mend found for it: applied and traced again.
#[test]
fn every_mend_mends() {
    let mut listing = String::new();
    let mut mends_count = 0;
    each_loss(|name, of, step, host, state, probe, traced| {
        let code = traced.code().unwrap();
        let mend = mend::find(&state.control, &state.names, probe);
        let _ = writeln!(listing, "{name}, {}, {host}, after {} [{code}]", step.name, of.name);
        match &mend {
            None => listing.push_str("  none\n"),
            Some(mend) => {
                mends_count += 1;
                mend.lines.iter().for_each(|line| listing.push_str(&format!("  {line}\n")));
                let mended = mend::applied(&state.control, &state.names, &mend.lines).unwrap();
                assert!(trace(&mended, &state.names, probe).unwrap().is_reachable(), "{mend:?}");
            }
        }
    });
    assert!(mends_count >= 8, "{listing}");
    insta::assert_snapshot!("mends", listing);
}

/// The same mends as steps of the scenario: the step that lost its packets is run again and loses none.
#[test]
fn mends_hold_in_a_run() {
    let mut rerun = BTreeMap::new();
    each_loss(|name, of, step, host, state, probe, _| {
        let Some(mend) = mend::find(&state.control, &state.names, probe) else { return };
        let source = EMBEDDED.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut scenario = parse(name, source, None).unwrap();
        let position = scenario.steps.iter().position(|other| other.name == of.name).unwrap();
        scenario.steps.truncate(position + 1);
        scenario.steps[position].then.clear();
        for (number, line) in mend.lines.iter().enumerate() {
            let mut operate = blank(step, &format!("mend-{number}"));
            operate.on.clear();
            operate.action = StepAction::Aws { line: line.clone(), span: 0..0 };
            scenario.steps.push(operate);
        }
        let mut again = blank(step, "again");
        (again.on, again.repeat) = (vec![host.to_owned()], 1);
        scenario.steps.push(again);
        let mut run = Run::new(scenario).unwrap();
        while run.advance(100_000).unwrap() == Progress::Working {}
        let result = run.finish().0;
        let again = &result.steps.last().unwrap().hosts[0];
        assert!(again.via.is_some() && again.drops.is_empty(), "{name}, {}: {:?} {again:#?}", step.name, mend.lines);
        // A program may find nobody at the port.
        if !matches!(step.action, StepAction::Send(_) | StepAction::Program { .. }) {
            // 254: the service was reached and says no, for reasons of its own.
            assert!(matches!(again.exit_code, 0 | 254), "{name}, {}: {:?} {again:#?}", step.name, mend.lines);
        }
        rerun.insert(name.to_owned(), mend.lines);
    });
    assert!(rerun.contains_key("tutorial") && rerun.len() >= 6, "{rerun:#?}");
}

/// A copy of a step that does only what the caller then says.
fn blank(step: &Step, name: &str) -> Step {
    Step {
        name: name.to_owned(),
        named: None,
        then: Vec::new(),
        at: None,
        wait: None,
        background: false,
        session: None,
        expect: BTreeMap::new(),
        note: None,
        ..step.clone()
    }
}

/// Shows `visit` every step and host of the shipped scenarios whose probe is lost, once each.
fn each_loss(mut visit: impl FnMut(&str, &Step, &Step, &str, &State, &Probe, &Traced)) {
    for (name, source) in EMBEDDED {
        let scenario = parse(name, source, None).unwrap();
        let states = states(&scenario);
        let again = |of: &Step| of.then.iter().map(|name| scenario.step(name).unwrap().clone()).collect::<Vec<_>>();
        let pairs =
            scenario.steps.iter().flat_map(|of| std::iter::once(of.clone()).chain(again(of)).map(move |s| (of, s)));
        for (of, step) in pairs {
            let excused = |(file, at, _): &&(&str, &str, &str)| file == name && (*at == "*" || *at == step.name);
            if OUT_OF_REACH.iter().any(|excuse| excused(&excuse)) {
                continue;
            }
            let state = &states[&of.name];
            for host in &step.on {
                let Some(probe) = probe_of(&scenario, state, &step, host) else { continue };
                let Ok(traced) = trace(&state.control, &state.names, &probe) else { continue };
                if !traced.is_reachable() {
                    visit(name, of, &step, host, state, &probe, &traced);
                }
            }
        }
    }
}

//! Calls and SSH: what a program sees, and what the wire sees.

use super::wire::*;
use crate::calendar::Calendar;
use crate::host::http::HttpRequest;
use crate::host::sigv4::Credentials;
use crate::host::tls::TlsVersions;
use crate::host::{Call, Failure, Outcome, Reply, Server, Signing, Ssh, SshProblem, Workload};
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

fn list_tables() -> Call {
    let request = HttpRequest {
        method: "POST".into(),
        target: "/".into(),
        headers: vec![
            ("X-Amz-Target".into(), "DynamoDB_20120810.ListTables".into()),
            ("Content-Type".into(), "application/x-amz-json-1.0".into()),
        ],
        body: b"{}".to_vec(),
    };
    let credentials = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    };
    let signing = Signing { credentials, region: "us-east-1".into(), service: "dynamodb".into() };
    Call { signing: Some(signing), ..Call::new(NAME, request) }
}

fn in_session() -> Call {
    Call { session: Some("worker".into()), ..list_tables() }
}

fn run(world: &mut World, workload: Workload) -> Outcome {
    let process = world.hosts[0].start(world.now, workload);
    world.run_idle();
    world.outcomes[&(0, process)].clone()
}

fn call(world: &mut World, call: Call) -> Outcome {
    run(world, Workload::Call(call))
}

fn status(outcome: &Outcome) -> u16 {
    match &outcome.result {
        Ok(Reply::Http(response)) => response.status,
        other => panic!("expected a response, got {other:?}"),
    }
}

fn seconds(times: &[SimTime]) -> Vec<u64> {
    times.iter().map(|at| (at.since(times[0]).as_nanos() + 500_000_000) / 1_000_000_000).collect()
}

fn url() -> String {
    format!("https://{NAME}/")
}

#[test]
fn a_whole_https_call_after_dhcp_in_both_tls_versions() {
    for (versions, shown, flights) in [(TlsVersions::Tls13, "TLSv1.3", 1), (TlsVersions::Tls12, "TLSv1.2", 2)] {
        let mut world = World::new(vec![client(), service(0)]);
        let outcome = call(&mut world, Call { tls: Some(versions), ..list_tables() });
        assert_eq!(status(&outcome), 200);
        assert_eq!((world.hosts[0].address(), world.hosts[0].mtu_bytes()), (Some(CLIENT), 9001));
        assert_eq!((outcome.attempts, outcome.connections_opened, outcome.broken_connections), (1, 1, 0));
        assert_eq!((outcome.resolved, outcome.tls_version), (Some(SERVICE), Some(shown)));
        // In one-way latencies (the router answers by itself, after one): the SYN, the service's ARP, the SYN-ACK.
        let latencies = |count| SimDuration::from_nanos(LATENCY.as_nanos() * count);
        assert_eq!(outcome.connect_time, Some(latencies(3)));
        assert_eq!(outcome.request_round_trip, Some(latencies(2)));
        // DHCP 2, ARP and DNS 2, ARP and connect 4 (both ARPs of the client within a second), TLS, request 2.
        assert_eq!(outcome.elapsed(), latencies(10 + 2 * flights), "{shown}");

        let asked = &world.requests[0];
        assert_eq!(asked.local, SocketAddrV4::new(SERVICE, 443), "the address asked, not the host's own");
        assert_eq!((Some(asked.peer), asked.tls_version), (outcome.local, Some(shown)));
        assert_eq!(asked.request.header("host"), Some(NAME));
        assert_eq!(asked.request.header("x-amz-date"), Some("20260101T000000Z"));
        assert!(asked.request.header("authorization").unwrap().contains("/20260101/us-east-1/dynamodb/aws4_request"));
        let label = if versions == TlsVersions::Tls13 { "CLIENT_TRAFFIC_SECRET_0" } else { "CLIENT_RANDOM" };
        assert!(world.secrets.contains(label));

        // Orderly end: FIN from both, RST from nobody, and nothing left at the server.
        world.run_until(world.now + SimDuration::from_secs(30));
        assert_eq!((world.times(0, |tcp| tcp.fin()).len(), world.times(1, |tcp| tcp.fin()).len()), (1, 1));
        assert!(world.times(0, |tcp| tcp.rst()).is_empty() && world.times(1, |tcp| tcp.rst()).is_empty());
        assert_eq!(world.hosts[1].served_connections(), 0);
        assert_eq!(world.hosts[0].counters().lingering_dropped + world.hosts[1].counters().lingering_dropped, 0);
        assert!(world.polls < 100, "{} polls", world.polls);
    }
}

#[test]
fn plain_http_works_without_tls() {
    let mut world = World::new(vec![client(), service(0)]);
    let outcome = call(&mut world, Call { tls: None, port: 80, ..list_tables() });
    assert_eq!((status(&outcome), outcome.tls_version), (200, None));
}

#[test]
fn a_large_body_crosses_both_mtus() {
    let mut world = World::new(vec![client(), service(0)]);
    let mut large = list_tables();
    large.request.body = vec![b' '; 300_000];
    let outcome = call(&mut world, large);
    assert_eq!((status(&outcome), world.requests[0].request.body.len()), (200, 300_000));
    let longest = world.sent.iter().map(|(_, _, frame)| frame.len()).max();
    assert_eq!(longest, Some(8500 + 14), "the service's MTU bounds the client's segments");
}

#[test]
fn a_black_hole_takes_four_tries_of_60_s_and_six_syns_each() {
    let mut world = World::new(vec![client(), service(0)]);
    world.routes.remove(&SERVICE);
    let outcome = call(&mut world, list_tables());
    assert_eq!(outcome.result, Err(Failure::ConnectTimeout { url: url() }));
    assert_eq!(
        outcome.result.unwrap_err().to_string(),
        "Connect timeout on endpoint URL: \"https://dynamodb.us-east-1.amazonaws.com/\""
    );
    assert_eq!((outcome.attempts, outcome.connections_opened, outcome.broken_connections), (4, 4, 0));
    assert_eq!(outcome.retried, vec![Failure::ConnectTimeout { url: url() }; 3]);
    let syns = world.times(0, is_syn);
    assert_eq!(syns.len(), 24);
    for attempt in syns.chunks(6) {
        assert_eq!(seconds(attempt), [0, 1, 3, 7, 15, 31]);
        let drift_ns = attempt[5].since(attempt[0]).as_nanos().abs_diff(31_000_000_000);
        assert!(drift_ns < 1_000, "smoltcp's microsecond: {drift_ns} ns");
    }
    let elapsed = outcome.finished.since(outcome.started).as_secs_f64();
    assert!((240.0..247.1).contains(&elapsed), "{elapsed}");
    world.run_until(world.now + SimDuration::from_secs(200));
    assert_eq!(world.times(0, |_| true).len(), 24, "no RST, no SYN after the connects were given up");
}

#[test]
fn a_session_keeps_its_connection_and_a_cli_call_does_not() {
    let mut world = World::new(vec![client(), service(0)]);
    let first = call(&mut world, in_session());
    let second = call(&mut world, in_session());
    assert_eq!((first.reused_connection, second.reused_connection), (false, true));
    assert_eq!((second.connections_opened, second.local), (0, first.local));
    assert_eq!((second.tls_version, second.elapsed()), (Some("TLSv1.3"), LATENCY + LATENCY));
    assert_eq!(world.times(0, is_syn).len(), 1);
    let third = call(&mut world, list_tables());
    assert!(!third.reused_connection && third.local != first.local);
    assert_eq!(world.hosts[1].served_connections(), 2, "the CLI's is closing, the session's open");

    let at = world.now;
    world.hosts[0].end_sessions(at);
    world.run_until(at + SimDuration::from_secs(1));
    assert_eq!(world.hosts[1].served_connections(), 0);
}

#[test]
fn a_connection_that_the_server_closed_while_idle_is_replaced_unbroken() {
    let mut server = service(0);
    server.servers = vec![Server::Https { port: 443, idle_timeout: SimDuration::from_secs(20) }];
    let mut world = World::new(vec![client(), server]);
    let first = call(&mut world, in_session());
    world.run_until(world.now + SimDuration::from_secs(30));
    assert_eq!(world.times(1, |tcp| tcp.fin()).len(), 1);
    let second = call(&mut world, in_session());
    assert_eq!((status(&second), second.attempts, second.broken_connections), (200, 1, 0));
    assert!(!second.reused_connection && second.local != first.local);
    assert!(world.times(0, |tcp| tcp.rst()).is_empty() && world.times(1, |tcp| tcp.rst()).is_empty());
}

#[test]
fn a_connection_whose_road_changes_is_reset_and_retried() {
    let mut world = World::new(vec![client(), service(0), service(1)]);
    call(&mut world, in_session());
    world.routes.insert(SERVICE, 2);
    let start = world.now;
    let outcome = call(&mut world, in_session());
    assert_eq!((status(&outcome), outcome.attempts, outcome.broken_connections), (200, 2, 1));
    assert_eq!(outcome.retried, [Failure::ConnectionClosed { url: url() }]);
    assert_eq!((outcome.reused_connection, outcome.connections_opened), (false, 1));
    assert_eq!(world.requests[1].server, 2);
    let resets = world.times(2, |tcp| tcp.rst());
    assert_eq!(resets.len(), 1);
    assert!(resets[0].since(start) < SimDuration::from_millis(5), "the first segment is answered, ARP or not");
    assert!(outcome.elapsed() < SimDuration::from_millis(1_010), "a pause of at most a second");
}

#[test]
fn silence_instead_of_reset_costs_the_read_timeout() {
    let mut silent = service(1);
    silent.resets_unknown = false;
    let mut world = World::new(vec![client(), service(0), silent]);
    call(&mut world, in_session());
    world.routes.insert(SERVICE, 2);
    let outcome = call(&mut world, in_session());
    assert_eq!((status(&outcome), outcome.attempts, outcome.broken_connections), (200, 2, 1));
    assert_eq!(outcome.retried, [Failure::ReadTimeout { url: url() }]);
    assert!((60.0..61.1).contains(&outcome.elapsed().as_secs_f64()), "{}", outcome.elapsed());
    assert!(world.times(2, |tcp| tcp.rst()).is_empty());
    assert!(world.hosts[2].counters().resets_withheld > 0);
    // A port where nothing listens is refused all the same.
    let refused = call(&mut world, Call { port: 8443, attempts_max: 1, ..list_tables() });
    let url = format!("https://{NAME}:8443/");
    assert_eq!(refused.result, Err(Failure::ConnectionRefused { url }));
    assert_eq!(world.hosts[2].counters().connections_refused, 1);
}

#[test]
fn server_errors_and_throttles_are_retried_on_the_same_connection() {
    let mut world = World::new(vec![client(), service(0)]);
    world.statuses = vec![503, 400];
    let outcome = call(&mut world, list_tables());
    assert_eq!((status(&outcome), outcome.attempts, outcome.connections_opened), (200, 3, 1));
    let reason = |status, code: &str| Failure::Retryable { url: url(), status, code: code.into() };
    assert_eq!(outcome.retried, [reason(503, "R"), reason(400, "ThrottlingException")]);
    let calendar = Calendar::starting_at(START_SECONDS).unwrap();
    let last_sent_at = outcome.finished.as_nanos() - 2 * LATENCY.as_nanos();
    let expected = calendar.amz_date(SimTime::from_nanos(last_sent_at));
    assert_eq!(
        world.requests[2].request.header("x-amz-date"),
        Some(expected.as_str()),
        "each attempt has its own date"
    );

    world.statuses = vec![500; 4];
    assert_eq!(status(&call(&mut world, list_tables())), 500, "the last response is the caller's");
}

#[test]
fn names_that_do_not_resolve() {
    let mut world = World::new(vec![client(), service(0)]);
    world.names.clear();
    let unknown = call(&mut world, list_tables());
    let failure = Failure::NameResolution { host: NAME.into(), url: url() };
    assert_eq!((unknown.result, unknown.attempts, unknown.connections_opened), (Err(failure.clone()), 4, 0));
    assert!(unknown.finished.since(unknown.started) < SimDuration::from_millis(7_100));

    world.dns_answers = false;
    let start = world.now;
    let silent = call(&mut world, Call { attempts_max: 1, ..list_tables() });
    assert_eq!(silent.result, Err(failure));
    assert_eq!(silent.finished.since(start), SimDuration::from_secs(10), "two tries of 5 s");
}

#[test]
fn without_dhcp_a_program_gives_up_after_60_s() {
    let mut world = World::new(vec![client(), service(0)]);
    world.dhcp_answers = false;
    let outcome = call(&mut world, list_tables());
    assert_eq!((outcome.result.clone(), outcome.elapsed()), (Err(Failure::NoAddress), SimDuration::from_secs(60)));
    world.dhcp_answers = true;
    assert_eq!(status(&call(&mut world, list_tables())), 200, "and DHCP goes on meanwhile");
}

#[test]
fn the_lease_is_renewed_and_the_address_stays() {
    let mut world = World::new(vec![client(), service(0)]);
    call(&mut world, in_session());
    let polls = world.polls;
    world.run_until(world.now + SimDuration::from_secs(4 * 3600));
    assert_eq!((world.hosts[0].address(), world.hosts[0].mtu_bytes()), (Some(CLIENT), 9001));
    assert!(world.polls - polls < 200, "{} polls in four idle hours", world.polls - polls);
    assert_eq!(status(&call(&mut world, in_session())), 200);

    world.dhcp_answers = false;
    world.run_until(world.now + SimDuration::from_secs(2 * 3600));
    assert_eq!(world.hosts[0].address(), None, "a lease that nobody renews ends");
}

#[test]
fn neighbours_asked_for_in_one_instant_do_not_wait_for_each_other() {
    let mut world = World::new(vec![client(), service(0)]);
    world.run_until(SimTime::from_nanos(5_000_000_000));
    // One program needs the resolver, the other the gateway; smoltcp alone would ask for the second a second later.
    let by_name = world.hosts[0].start(world.now, Workload::Ssh(Ssh { host: NAME.into(), port: 22 }));
    let by_address = world.hosts[0].start(world.now, Workload::Ssh(Ssh { host: SERVICE.to_string(), port: 22 }));
    world.run_idle();
    for process in [by_name, by_address] {
        assert!(world.outcomes[&(0, process)].elapsed() < SimDuration::from_millis(5));
    }
}

#[test]
fn a_neighbour_that_keeps_talking_is_not_asked_for_again() {
    let mut world = World::new(vec![client(), service(0)]);
    world.names.clear();
    for _ in 0..6 {
        call(&mut world, Call { attempts_max: 1, ..list_tables() });
        world.run_until(world.now + SimDuration::from_secs(25));
    }
    let is_arp = |frame: &[u8]| frame[12..14] == [8, 6];
    assert_eq!(world.sent.iter().filter(|(_, _, frame)| is_arp(frame)).count(), 1);
}

#[test]
fn acknowledgements_are_not_delayed() {
    let mut world = World::new(vec![client(), service(0)]);
    let outcome = call(&mut world, in_session());
    world.run_until(world.now + SimDuration::from_secs(1));
    assert_eq!(world.times(0, |_| true).last(), Some(&outcome.finished));
}

#[test]
fn a_close_that_nobody_answers_ends_after_60_s() {
    let mut world = World::new(vec![client(), service(0)]);
    call(&mut world, in_session());
    world.routes.clear();
    let (at, before) = (world.now, world.times(0, |tcp| tcp.fin()).len());
    world.hosts[0].end_sessions(at);
    world.run_until(at + SimDuration::from_secs(300));
    assert_eq!(world.times(0, |tcp| tcp.fin()).len() - before, 6, "at 0, 1, 3, 7, 15 and 31 s");
    assert_eq!(world.hosts[0].counters().lingering_dropped, 1);
    assert!(world.times(0, |tcp| tcp.rst()).is_empty());
}

#[test]
fn an_untrusted_name_fails_in_tls() {
    let mut world = World::new(vec![client(), service(0)]);
    world.names.insert("example.com".into(), SERVICE);
    let outcome = call(&mut world, Call { endpoint_host: "example.com".into(), attempts_max: 2, ..list_tables() });
    assert!(
        matches!(&outcome.result, Err(Failure::Tls { problem, .. }) if problem.contains("certificate")),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts, 2);
}

#[test]
fn ssh_sees_the_banner_a_refusal_or_127_s_of_silence() {
    let mut world = World::new(vec![client(), service(0)]);
    let to = |port| Workload::Ssh(Ssh { host: SERVICE.to_string(), port });
    let open = run(&mut world, to(22));
    assert_eq!(open.result, Ok(Reply::Banner("SSH-2.0-OpenSSH_8.7".into())));
    assert_eq!(run(&mut world, to(22)).connect_time, Some(LATENCY + LATENCY));

    let failed = |port, problem| Err(Failure::Ssh { host: SERVICE.to_string(), port, problem });
    assert_eq!(run(&mut world, to(23)).result, failed(23, SshProblem::Refused));

    world.run_until(world.now + SimDuration::from_secs(60));
    world.routes.remove(&SERVICE);
    let before = world.times(0, is_syn).len();
    let silent = run(&mut world, to(22));
    assert_eq!(silent.result, failed(22, SshProblem::ConnectTimeout));
    assert_eq!(silent.result.unwrap_err().to_string(), "ssh: connect to host 52.94.2.72 port 22: Connection timed out");
    let syns = world.times(0, is_syn);
    assert_eq!(seconds(&syns[before..]), [0, 1, 3, 7, 15, 31, 63]);
    assert_eq!(silent.finished.since(syns[before]).as_nanos(), 127_000_000_000);
    assert_eq!(world.hosts[0].counters().syns_muted, 1);
}

#[test]
fn two_runs_give_the_same_frames() {
    let run_all = || {
        let mut world = World::new(vec![client(), service(0), service(1)]);
        call(&mut world, in_session());
        world.routes.insert(SERVICE, 2);
        call(&mut world, in_session());
        run(&mut world, Workload::Ssh(Ssh { host: NAME.into(), port: 22 }));
        let frames: Vec<_> = world.sent.iter().map(|(at, host, frame)| (*at, *host, frame.to_vec())).collect();
        (frames, world.secrets)
    };
    assert_eq!(run_all(), run_all());
}

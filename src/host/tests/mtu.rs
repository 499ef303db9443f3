//! Roads whose MTU is less than the hosts': what TCP, UDP, `ping` and `tracepath` make of it, with and without ICMP.

use super::middle::Middle;
use super::wire::*;
use crate::host::http::HttpRequest;
use crate::host::{
    Addressing, BULK_PORT, Bulk, Call, Failure, HostConfig, Outcome, PathMtuDiscovery, Ping, PingEvent, PingReport,
    Reply, Server, SocketProblem, Tracepath, TracepathAnswer, TracepathEvent, TracepathReport, Traceroute, UdpFlow,
    Workload,
};
use crate::net::MacAddress;
use crate::time::{SimDuration, SimTime};
use bytes::Bytes;
use std::net::Ipv4Addr;

const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// Longer than the least retransmission timeout would show.
const NO_TIMEOUT: SimDuration = SimDuration::from_millis(900);

fn far() -> HostConfig {
    HostConfig {
        name: "far".into(),
        mac: MacAddress::local(200),
        addressing: Addressing::Static {
            address: "198.51.100.7/24".parse().unwrap(),
            gateway: Ipv4Addr::new(198, 51, 100, 1),
            resolver: None,
        },
        answers_for: vec![],
        mtu_bytes: 9001,
        resets_unknown: true,
        servers: vec![
            Server::Bulk { port: BULK_PORT },
            Server::UdpEcho { port: 7 },
            Server::Http { port: 80, idle_timeout: SimDuration::from_secs(300) },
        ],
    }
}

/// An instance and a host far away, both with MTU 9001, and these links between.
fn world(mtus: &[usize]) -> World {
    let mut world = World::new(vec![client(), far()]);
    world.routes.insert(FAR, 1);
    world.middles = mtus.iter().map(|mtu| Middle::with_mtu(*mtu)).collect();
    world.run_until(world.now + SimDuration::from_secs(1));
    assert_eq!(world.hosts[0].mtu_bytes(), 9001);
    world
}

fn run(world: &mut World, workload: Workload) -> Outcome {
    let process = world.hosts[0].start(world.now, workload);
    world.run_idle();
    world.outcomes[&(0, process)].clone()
}

fn bulk(bytes: u64, reverse: bool) -> Workload {
    Workload::Bulk(Bulk { host: FAR.to_string(), port: BULK_PORT, bytes, reverse })
}

/// A request of 300,000 bytes. Without congestion control its segments are as long as can be from the start.
fn upload(world: &mut World) -> Outcome {
    let body = vec![b'v'; 300_000];
    let request = HttpRequest { method: "PUT".into(), target: "/".into(), body, ..Default::default() };
    let call = Call { tls: None, port: 80, ..Call::new(FAR.to_string(), request) };
    let outcome = run(world, Workload::Call(call));
    assert!(matches!(&outcome.result, Ok(Reply::Http(response)) if response.status == 200), "{:?}", outcome.result);
    assert!(world.requests.iter().all(|asked| asked.request.body == vec![b'v'; 300_000]), "whole, and unchanged");
    outcome
}

fn ping(count: u32, payload_bytes: u16, discovery: PathMtuDiscovery) -> Workload {
    let (interval, wait) = (SimDuration::from_secs(1), SimDuration::from_secs(10));
    Workload::Ping(Ping { host: FAR.to_string(), count, payload_bytes, discovery, interval, wait })
}

fn ping_report(outcome: &Outcome) -> &PingReport {
    match &outcome.result {
        Ok(Reply::Ping(report)) => report,
        other => panic!("expected a ping, got {other:?}"),
    }
}

/// `Ok(bytes)` for replies, `Err(mtu)` for routers' errors, `Err(-mtu)` for those of the host itself.
fn events(report: &PingReport) -> Vec<Result<usize, i64>> {
    let event = |event: &PingEvent| match event {
        PingEvent::Reply { bytes, .. } => Ok(*bytes),
        PingEvent::Error { kind: 3, code: 4, mtu_bytes, .. } => Err(i64::from(*mtu_bytes)),
        PingEvent::TooLong { mtu_bytes, .. } => Err(-(*mtu_bytes as i64)),
        other => panic!("{other:?}"),
    };
    report.events.iter().map(event).collect()
}

fn span_of_bulk(outcome: &Outcome) -> SimDuration {
    match &outcome.result {
        Ok(Reply::Bulk(report)) => report.span,
        other => panic!("expected a transfer, got {other:?}"),
    }
}

fn longest_passed(middle: &Middle) -> usize {
    middle.passed.iter().map(|(_, length)| *length).max().unwrap()
}

fn mss_of_syn(frame: &Bytes) -> Option<u16> {
    let tcp = segment(frame).filter(|tcp| tcp.syn())?;
    (tcp.options()[..2] == [2, 4]).then(|| u16::from_be_bytes([tcp.options()[2], tcp.options()[3]]))
}

#[test]
fn tcp_learns_the_path_mtu_and_loses_no_time() {
    for reverse in [false, true] {
        let mut world = world(&[1500]);
        let outcome = run(&mut world, bulk(1_000_000, reverse));
        assert!(span_of_bulk(&outcome) < NO_TIMEOUT, "{:?}: no retransmission timeout", span_of_bulk(&outcome));
        let sender = usize::from(reverse);
        let counters = world.hosts[sender].counters().clone();
        let middle = &world.middles[0];
        assert_eq!((counters.path_mtus_learned, longest_passed(middle)), (1, 1500));
        // What was on its way when the first error came was too long as well; each such segment is sent again once.
        assert_eq!(counters.segments_sent_again, middle.dropped.len() as u64);
        let first_drop = middle.dropped[0].0;
        let learned_at = first_drop + LATENCY + LATENCY + SimDuration::from_micros(1);
        assert!(middle.dropped.iter().all(|(at, _)| *at <= learned_at), "{:?}", middle.dropped);
        // The handshake says what the interfaces can.
        let offers: Vec<_> = world.sent.iter().filter_map(|(_, _, frame)| mss_of_syn(frame)).collect();
        assert_eq!(offers, [8961, 8961]);
    }
}

#[test]
fn a_new_connection_begins_with_what_was_learned_and_after_ten_minutes_it_is_learned_anew() {
    let mut world = world(&[1500]);
    run(&mut world, bulk(100_000, false));
    let dropped = world.middles[0].dropped.len();
    assert!(dropped > 0);
    run(&mut world, bulk(100_000, false));
    assert_eq!(world.middles[0].dropped.len(), dropped, "nothing too long is tried");
    world.run_until(world.now + SimDuration::from_secs(601));
    run(&mut world, bulk(100_000, false));
    assert!(world.middles[0].dropped.len() > dropped);
    assert_eq!(world.hosts[0].counters().path_mtus_learned, 2);
}

#[test]
fn two_bottlenecks_are_learned_one_after_the_other() {
    let mut narrow = world(&[8500, 1500]);
    assert!(upload(&mut narrow).elapsed() < NO_TIMEOUT);
    assert_eq!(narrow.hosts[0].counters().path_mtus_learned, 2);
    assert_eq!(narrow.middles.iter().map(longest_passed).collect::<Vec<_>>(), [8500, 1500]);

    let mut world = world(&[8500, 1500]);
    let report = run(&mut world, ping(4, 8_972, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Err(8500), Err(-8500), Err(-8500), Err(-8500)]);
    let report = run(&mut world, ping(2, 8_472, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Err(1500), Err(-1500)]);
    let report = run(&mut world, ping(1, 1_472, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Ok(1_480)]);
}

#[test]
fn without_icmp_large_segments_vanish_in_a_black_hole() {
    let mut world = world(&[1500]);
    world.middles[0].speaks = false;
    let outcome = run(&mut world, bulk(1_000_000, false));
    let stalled = Err(Failure::Socket { host: FAR.to_string(), problem: SocketProblem::TimedOut });
    assert_eq!(outcome.result, stalled, "connected, and then nothing: the sign of a black hole");
    assert!(outcome.connect_time.is_some() && world.middles[0].dropped.len() > 3);
    assert_eq!(world.hosts[0].counters().path_mtus_learned, 0);
    // What is small passes, which is what makes it hard to find.
    assert!(span_of_bulk(&run(&mut world, bulk(1_000, false))) < NO_TIMEOUT);
}

#[test]
fn a_router_that_tells_too_great_an_mtu_is_a_black_hole_and_no_endless_loop() {
    let mut world = world(&[1500]);
    world.middles[0].told_mtu_bytes = Some(9001);
    let outcome = run(&mut world, bulk(1_000_000, false));
    assert!(outcome.result.is_err());
    assert_eq!(world.hosts[0].counters().segments_sent_again, 0);
    assert!(world.middles[0].dropped.len() < 30, "{} segments in a minute", world.middles[0].dropped.len());
}

#[test]
fn a_service_learns_for_every_address_it_answers_for() {
    let bulk_service = HostConfig { servers: vec![Server::Bulk { port: BULK_PORT }], ..service(0) };
    let mut world = World::new(vec![client(), bulk_service]);
    world.middles = vec![Middle::with_mtu(1500)];
    let giving = Bulk { host: SERVICE.to_string(), port: BULK_PORT, bytes: 300_000, reverse: true };
    let outcome = run(&mut world, Workload::Bulk(giving));
    assert!(span_of_bulk(&outcome) < NO_TIMEOUT);
    assert_eq!((world.hosts[1].counters().path_mtus_learned, longest_passed(&world.middles[0])), (1, 1500));
}

#[test]
fn a_router_that_tells_no_mtu_costs_a_step_down_the_plateaus_each_time() {
    let mut world = world(&[1500]);
    world.middles[0].told_mtu_bytes = Some(0);
    assert!(upload(&mut world).elapsed() < NO_TIMEOUT);
    // 8166, 1492, and 2002 between them: the end of the first window is a segment of less than 4352 bytes.
    assert_eq!(world.hosts[0].counters().path_mtus_learned, 3);
    assert_eq!(longest_passed(&world.middles[0]), 1_492);
}

#[test]
fn below_552_bytes_routers_are_let_fragment() {
    let mut world = world(&[296]);
    assert!(span_of_bulk(&run(&mut world, bulk(50_000, false))) < NO_TIMEOUT);
    assert_eq!(longest_passed(&world.middles[0]), 292, "20 and 34 units of 8");
    let without_df = |(_, from, frame): &&(SimTime, usize, Bytes)| *from == 0 && frame.len() == 566 && frame[20] == 0;
    assert!(world.sent.iter().filter(without_df).count() > 50, "552 bytes, and no don't-fragment bit");
    let identifications: Vec<_> = world.sent.iter().filter(without_df).map(|(_, _, frame)| &frame[18..20]).collect();
    assert!(identifications.is_sorted(), "fragments of different packets must not be mixed up");
}

#[test]
fn forged_errors_change_nothing() {
    let mut world = world(&[]);
    run(&mut world, bulk(100_000, false));
    let sample = world.sent.iter().find(|(_, from, frame)| *from == 0 && frame.len() > 2_000).unwrap().2.to_vec();
    let mut middle = Middle::with_mtu(1500);
    let mut inject = |world: &mut World, change: &dyn Fn(&mut Vec<u8>)| {
        let super::middle::Passed::Back(mut error) = middle.pass(world.now, sample.clone()) else { panic!("DF") };
        change(&mut error);
        error[..6].copy_from_slice(&client().mac.0);
        world.inject(0, error);
        world.run_until(world.now + SimDuration::from_millis(10));
        world.hosts[0].counters().path_mtus_learned
    };
    // A broken checksum; a quote of somebody else's packet, checksum mended.
    assert_eq!(inject(&mut world, &|error| error[36] ^= 1), 0);
    let of_another = |error: &mut Vec<u8>| {
        error[42 + 15] ^= 1;
        mend_checksums(error);
    };
    assert_eq!(inject(&mut world, &of_another), 0);
    assert_eq!(inject(&mut world, &|_| {}), 1, "the same, untouched");
}

#[test]
fn pings_up_to_the_mtu_go_whole_and_longer_ones_in_fragments() {
    let mut world = world(&[]);
    let report = run(&mut world, ping(1, 8_972, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Ok(8_980)], "8972 and 28 are 9000");
    let report = run(&mut world, ping(1, 8_974, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Err(-9001)]);
    assert_eq!(ping_report(&report).least_mtu_bytes(), Some(9001));
    let report = run(&mut world, ping(2, 65_507, PathMtuDiscovery::Want));
    assert_eq!(events(ping_report(&report)), [Ok(65_515), Ok(65_515)]);
    // 65,515 bytes are 7 fragments of 8,976 and one of 2,683; the far host's replies are as many.
    assert_eq!(world.hosts.iter().map(|host| host.counters().fragments_sent).collect::<Vec<_>>(), [16, 16]);
    assert!(world.sent.iter().all(|(_, _, frame)| frame.len() <= 9001 + 14));
}

#[test]
fn want_loses_one_ping_to_discovery_dont_loses_none() {
    let mut narrow = world(&[1500]);
    let report = run(&mut narrow, ping(2, 5_000, PathMtuDiscovery::Want));
    assert_eq!(events(ping_report(&report)), [Err(1500), Ok(5_008)]);
    // Echo replies go without the don't-fragment bit, so the far host lost nothing, and knows nothing.
    assert_eq!(narrow.hosts[1].counters().path_mtus_learned, 0);

    let mut narrow = world(&[1500]);
    let report = run(&mut narrow, ping(2, 5_000, PathMtuDiscovery::Dont));
    assert_eq!(events(ping_report(&report)), [Ok(5_008), Ok(5_008)]);
    assert_eq!(narrow.hosts[0].counters().path_mtus_learned, 0);
    let identifications: Vec<_> = narrow
        .sent
        .iter()
        .filter(|(_, from, frame)| *from == 0 && frame[23] == 1)
        .map(|(.., f)| f[18..20].to_vec())
        .collect();
    assert_eq!(identifications, [[0, 1], [0, 2]]);
}

#[test]
fn datagrams_are_fragmented_by_their_sender_once_the_path_is_known() {
    let mut world = world(&[1500]);
    let interval = SimDuration::from_millis(100);
    let flow = UdpFlow { host: FAR.to_string(), port: 7, count: 5, payload_bytes: 4_000, interval };
    let outcome = run(&mut world, Workload::UdpFlow(flow));
    let Ok(Reply::UdpFlow(report)) = &outcome.result else { panic!("{:?}", outcome.result) };
    // The first is lost to discovery there, the second's echo to discovery back.
    assert_eq!((report.sent, report.echoed, report.unreachable), (5, 3, 0));
    assert_eq!([0, 1].map(|host| world.hosts[host].counters().path_mtus_learned), [1, 1]);
    assert_eq!(longest_passed(&world.middles[0]), 1500);
}

#[test]
fn fragments_whose_rest_is_lost_are_given_up_after_30_s_and_their_sender_is_told() {
    let mut world = world(&[]);
    run(&mut world, ping(1, 20_000, PathMtuDiscovery::Want));
    let first =
        world.seen.iter().find(|(to, frame)| *to == 1 && frame[20] == 0x20 && frame[21] == 0).unwrap().1.to_vec();
    let later = world.seen.iter().find(|(to, frame)| *to == 1 && frame[21] != 0).unwrap().1.to_vec();
    let errors =
        |world: &World| world.sent.iter().filter(|(_, from, frame)| *from == 1 && frame[34..36] == [11, 1]).count();
    for (frame, given_up, told) in [(first, 1, 1), (later, 2, 1)] {
        world.inject(1, frame);
        world.run_until(world.now + SimDuration::from_secs(29));
        assert_eq!(world.hosts[1].counters().reassemblies_timed_out, given_up - 1);
        world.run_until(world.now + SimDuration::from_secs(2));
        assert_eq!((world.hosts[1].counters().reassemblies_timed_out, errors(&world)), (given_up, told));
    }
}

fn tracepath(world: &mut World) -> TracepathReport {
    let tracepath = Tracepath { host: FAR.to_string(), hops_max: 30, first_port: 44_444, packet_bytes: 65_535 };
    match run(world, Workload::Tracepath(tracepath)).result {
        Ok(Reply::Tracepath(report)) => report,
        other => panic!("expected a path, got {other:?}"),
    }
}

/// TTL, who, and what was said.
fn answers(report: &TracepathReport) -> Vec<(u8, Ipv4Addr, TracepathAnswer)> {
    let answer = |event: &TracepathEvent| match event {
        TracepathEvent::Answer { time_to_live, from, answer, .. } => Some((*time_to_live, *from, *answer)),
        _ => None,
    };
    report.events.iter().filter_map(answer).collect()
}

#[test]
fn tracepath_finds_every_bottleneck() {
    use TracepathAnswer::{FragmentationNeeded, Reached};
    let mut world = world(&[8500, 1500]);
    // What is known already is found out again, and an MTU learned here is there for others.
    for _ in 0..2 {
        let [first, second] = [0, 1].map(|index| world.middles[index].address);
        let report = tracepath(&mut world);
        assert_eq!(report.events[0], TracepathEvent::Local { time_to_live: 1, mtu_bytes: 9001 });
        let expected = [
            (1, first, FragmentationNeeded { mtu_bytes: 8500 }),
            (1, second, FragmentationNeeded { mtu_bytes: 1500 }),
            (1, FAR, Reached),
        ];
        assert_eq!(answers(&report), expected);
        assert_eq!((report.mtu_bytes, report.hops, report.hops_back), (1500, Some(1), Some(1)));
        assert!(!report.is_cut_short);
    }
    let report = run(&mut world, ping(1, 8_972, PathMtuDiscovery::Do));
    assert_eq!(events(ping_report(&report)), [Err(-1500)]);
}

#[test]
fn tracepath_counts_routers_and_gives_up_after_30_hops_of_silence() {
    use TracepathAnswer::{FragmentationNeeded, Reached, TimeExceeded};
    let mut routed = world(&[9001, 1500]);
    routed.middles.iter_mut().for_each(|middle| middle.is_router = true);
    let [first, second] = [0, 1].map(|index| routed.middles[index].address);
    let report = tracepath(&mut routed);
    // The first TTL is tried twice because the host's own MTU was found out by it, as the original does.
    let expected = [
        (1, first, TimeExceeded),
        (1, first, TimeExceeded),
        (2, second, TimeExceeded),
        (3, second, FragmentationNeeded { mtu_bytes: 1500 }),
        (3, FAR, Reached),
    ];
    assert_eq!(answers(&report), expected);
    assert_eq!((report.hops, report.hops_back), (Some(3), Some(3)));

    let mut silent = world(&[]);
    silent.routes.remove(&FAR);
    let report = tracepath(&mut silent);
    assert_eq!(report.events.len(), 31, "this host, and 30 times nothing");
    assert_eq!((report.mtu_bytes, report.hops, report.is_cut_short), (9001, None, true));
}

#[test]
fn traceroute_names_the_routers_that_answer() {
    use crate::host::ProbeKind;
    for kind in [ProbeKind::Udp, ProbeKind::Icmp, ProbeKind::Tcp] {
        let mut world = world(&[9001, 1500]);
        world.middles.iter_mut().for_each(|middle| middle.is_router = true);
        let routers = [0, 1].map(|index| world.middles[index].address);
        let traceroute = Traceroute { host: FAR.to_string(), kind, hops_max: 30, probes_per_hop: 3 };
        let outcome = run(&mut world, Workload::Traceroute(traceroute));
        let Ok(Reply::Traceroute(report)) = &outcome.result else { panic!("{:?}", outcome.result) };
        let from: Vec<Vec<_>> =
            report.hops.iter().map(|row| row.iter().map(|probe| probe.map(|answer| answer.from)).collect()).collect();
        assert_eq!(from, [[Some(routers[0]); 3], [Some(routers[1]); 3], [Some(FAR); 3]], "{kind:?}");
        assert!(report.reached);
    }
}

//! Limits, hostile input, and what only counters show.

use super::wire::*;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::host::{CONNECTIONS_MAX, Call, Failure, Reply, Workload};
use crate::rng::Seed;
use crate::time::SimDuration;
use std::net::Ipv4Addr;

/// Rounds of the fuzz test: a dozen frames or so each.
const ROUNDS: u32 = 40;

fn outside(index: usize) -> (Ipv4Addr, u16) {
    (Ipv4Addr::new(198, 51, 100, 7), 20_000 + index as u16)
}

#[test]
fn syns_of_one_instant_are_all_accepted_up_to_the_limit() {
    let mut world = World::new(vec![client(), service(0)]);
    let mac = service(0).mac;
    // The first makes the gateway known; of refusals without a neighbour only the first of an instant is kept.
    world.inject(1, syn_frame(mac, outside(0), (SERVICE, 443)));
    world.run_until(world.now + SimDuration::from_millis(10));
    for index in 1..CONNECTIONS_MAX + 3 {
        world.inject(1, syn_frame(mac, outside(index), (SERVICE, 443)));
    }
    world.run_until(world.now + SimDuration::from_secs(1));
    assert_eq!(world.hosts[1].served_connections(), CONNECTIONS_MAX);
    assert_eq!(world.hosts[1].counters().connections_over_limit, 3);
    assert_eq!(world.hosts[1].counters().connections_refused, 0);
    // Nobody completes the handshakes: they are forgotten after Linux's 63 s, and there is room again.
    world.run_until(world.now + SimDuration::from_secs(64));
    assert_eq!(world.hosts[1].served_connections(), 0);
    assert_eq!(world.hosts[1].counters().handshakes_timed_out, CONNECTIONS_MAX as u64);
    world.inject(1, syn_frame(mac, outside(9_999), (SERVICE, 443)));
    world.run_until(world.now + SimDuration::from_secs(1));
    assert_eq!(world.hosts[1].served_connections(), 1);
}

#[test]
fn a_service_takes_only_what_is_for_its_prefixes() {
    let mut world = World::new(vec![client(), service(0)]);
    let mac = service(0).mac;
    world.inject(1, syn_frame(mac, outside(0), (Ipv4Addr::new(52, 94, 3, 255), 443)));
    world.inject(1, syn_frame(mac, outside(1), (Ipv4Addr::new(52, 94, 4, 0), 443)));
    world.run_until(world.now + SimDuration::from_millis(10));
    assert_eq!(world.hosts[1].served_connections(), 1);
    assert_eq!(world.hosts[1].counters().frames_for_others, 1);
}

#[test]
fn an_answer_for_a_dead_connection_is_counted_and_ignored() {
    let mut world = World::new(vec![client(), service(0)]);
    world.hosts[0].start(world.now, Workload::Call(Call::new(NAME, Default::default())));
    world.run_idle();
    assert_eq!(world.requests.len(), 0, "an empty method is no request");
    assert_eq!(world.hosts[1].counters().requests_malformed, 1);

    let request = HttpRequest { method: "GET".into(), target: "/".into(), ..Default::default() };
    world.hosts[0].start(world.now, Workload::Call(Call::new(NAME, request)));
    world.run_idle();
    let token = world.requests[0].token;
    let now = world.now;
    world.hosts[1].respond(now, token, HttpResponse { status: 200, ..Default::default() });
    assert_eq!(world.hosts[1].counters().responses_unwanted, 1);
}

#[test]
fn broken_frames_do_no_harm() {
    let mut world = World::new(vec![client(), service(0)]);
    assert!(fuzzed_call(&mut world, |frame| !is_dhcp(frame)).is_ok(), "the hosts work as before");
}

#[test]
fn broken_dhcp_replies_may_mislead_a_host_but_not_stop_it() {
    let mut world = World::new(vec![client(), service(0)]);
    // A lease may well have been accepted with a wrong router or resolver in it: then the call fails, in its time.
    let result = fuzzed_call(&mut world, is_dhcp);
    assert!(!matches!(result, Err(Failure::BadResponse { .. })));
}

fn is_dhcp(frame: &[u8]) -> bool {
    frame.get(36..38) == Some(&68u16.to_be_bytes())
}

/// Makes a call, plays damaged copies of the frames that were delivered, and makes another call.
fn fuzzed_call(world: &mut World, chosen: impl Fn(&[u8]) -> bool) -> Result<Reply, Failure> {
    let request = HttpRequest { method: "GET".into(), target: "/".into(), ..Default::default() };
    world.hosts[0].start(world.now, Workload::Call(Call::new(NAME, request.clone())));
    world.run_idle();
    let mut stream = Seed::new(1).derive("fuzz");
    let samples: Vec<_> = world.seen.iter().filter(|(_, frame)| chosen(frame)).cloned().collect();
    assert!(samples.len() > 1);
    for round in 0..ROUNDS {
        for (to, sample) in &samples {
            let mut frame = sample.to_vec();
            for _ in 0..=stream.below(4) {
                let at = 12 + stream.below(frame.len() as u64 - 12) as usize;
                frame[at] = if stream.below(3) == 0 { 0 } else { stream.next_u32() as u8 };
            }
            if stream.below(8) == 0 {
                frame.truncate(stream.below(frame.len() as u64 + 1) as usize);
            }
            // Mostly with right checksums, so that the damage is looked at.
            if round % 4 != 0 {
                mend_checksums(&mut frame);
            }
            world.inject(*to, frame);
        }
        world.run_until(world.now + SimDuration::from_millis(100));
    }
    world.run_until(world.now + SimDuration::from_secs(200));
    let process = world.hosts[0].start(world.now, Workload::Call(Call::new(NAME, request)));
    world.run_idle();
    world.outcomes[&(0, process)].result.clone()
}

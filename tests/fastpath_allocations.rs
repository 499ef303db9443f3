//! The fast path allocates nothing for a packet of a flow that it knows.
//!
//! A counting allocator stands in for the machine's. Connections over several roads (a gateway endpoint, a NAT gateway, another instance) are opened through a
//! [`Shard`], both ways; after that no burst of theirs may ask for memory. The same for the loops of a plain router.

mod world;

use allocation_counter::measure;
use std::sync::Arc;
use vpcsim::dataplane::{State, Step};
use vpcsim::fastpath::{BURST_MAX, Batch, Shard};
use vpcsim::net::{Ipv4Net, MacAddress, Protocol};
use vpcsim::program::{HostIx, HostKind, Node, PlainPort, Program};
use vpcsim::time::{SimDuration, SimTime};
use vpcsim::wire::ethernet::AddressPair;
use vpcsim::wire::{Parsed, ethernet};
use world::*;

const FLOWS_PER_ROAD: u16 = 64;
const BURSTS: usize = 2_000;
/// Short of every timeout in all.
const BETWEEN_BURSTS: SimDuration = SimDuration::from_micros(10);

/// A frame as its sender sends it.
type Sent = (HostIx, Vec<u8>);

#[test]
fn packets_of_known_flows_allocate_nothing() {
    let mut world = World::tutorial();
    world.nat_gateway(2);
    world.endpoint(&[world.private_table]);
    let program = Arc::new(world.program.clone());
    let mut shard: Shard = Shard::new(Arc::clone(&program), State::default(), 4_096);
    let mut batch = Batch::new(BURST_MAX, 256);
    let (private, public) = (world.host(From::Instance("app-private")), world.host(From::Instance("app-public")));
    let roads = [
        (private, PRIVATE, DYNAMODB),
        (private, PRIVATE, LAPTOP),
        (private, PRIVATE, PUBLIC),
        (public, PUBLIC, LAPTOP),
    ];

    // The handshakes, then data both ways until every memo is made: the first data packet may still be a walk.
    let mut data: Vec<Sent> = Vec::new();
    for flow in 0..FLOWS_PER_ROAD {
        for (host, source, destination) in roads {
            let port = 40_000 + flow;
            let mut frames = ["S", "A"].map(|flags| tcp(source, port, destination, 443, flags));
            for frame in &mut frames {
                address(&program, host, frame);
            }
            let [syn, segment] = frames;
            let (answerer, opened) = deliver(&mut shard, &mut batch, (host, syn));
            deliver(&mut shard, &mut batch, (answerer, answer(&program, answerer, &opened, "SA")));
            let (_, arrived) = deliver(&mut shard, &mut batch, (host, segment.clone()));
            let back = (answerer, answer(&program, answerer, &arrived, "A"));
            deliver(&mut shard, &mut batch, back.clone());
            data.extend([(host, segment), back]);
        }
    }
    assert_eq!(data.len(), usize::from(FLOWS_PER_ROAD) * roads.len() * 2);
    let mut now = SimTime::ZERO;
    let walked = shard.stats().walked;
    for burst in 0..2 * data.len().div_ceil(BURST_MAX) {
        assert_eq!(send(&mut shard, &mut batch, &data, burst, now), BURST_MAX);
    }
    assert_eq!(shard.stats().walked, walked, "every flow is known");

    let allocated = measure(|| {
        for burst in 0..BURSTS {
            now += BETWEEN_BURSTS;
            send(&mut shard, &mut batch, &data, burst, now);
        }
    });
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0));
    assert_eq!(shard.stats().walked, walked, "what was measured went by memos");
}

#[test]
fn a_plain_router_allocates_nothing() {
    let router = MacAddress([4; 6]);
    let ports = (0..4u32).map(|port| PlainPort {
        host: HostIx(port),
        addresses: AddressPair::new(router, MacAddress([2, 0, 0, 0, 0, port as u8])),
    });
    let routes: Vec<(Ipv4Net, u16)> = (0..64u16).map(|n| (format!("10.{n}.0.0/16").parse().unwrap(), n % 4)).collect();
    let program = Arc::new(Program::plain_router(router, ports.collect(), &routes));
    let data: Vec<Sent> = (0..64u8)
        .map(|n| {
            let mut frame = udp([10, 0, 0, 9], 7, [10, n, 0, 1], 9);
            ethernet::set_addresses(&mut frame, MacAddress([2, 0, 0, 0, 0, 1]), router);
            (HostIx(1), frame)
        })
        .collect();
    let mut shard: Shard = Shard::new(program, State::default(), 16);
    let mut batch = Batch::new(BURST_MAX, 256);
    assert_eq!(send(&mut shard, &mut batch, &data, 0, SimTime::ZERO), BURST_MAX);
    let allocated = measure(|| {
        for burst in 0..BURSTS {
            send(&mut shard, &mut batch, &data, burst, SimTime::ZERO);
        }
    });
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0));
    assert_eq!(shard.stats().walked, 0, "what was measured went through the loops");
}

/// The measure itself: what does allocate is seen.
#[test]
fn a_flow_that_is_new_is_seen_to_allocate() {
    let world = World::tutorial();
    let program = Arc::new(world.program.clone());
    let host = world.host(From::Instance("app-public"));
    let mut frame = tcp(PUBLIC, 40_000, LAPTOP, 443, "S");
    address(&program, host, &mut frame);
    let mut shard: Shard = Shard::new(program, State::default(), 16);
    let mut batch = Batch::new(1, 256);
    let allocated = measure(|| {
        deliver(&mut shard, &mut batch, (host, frame.clone()));
    });
    // One is this test's own copy, one is handed back.
    assert!(allocated.count_total > 2, "{allocated:?}");
}

/// The next burst of `data`, all of it in turn; how many were delivered.
fn send(shard: &mut Shard, batch: &mut Batch, data: &[Sent], burst: usize, now: SimTime) -> usize {
    for at in 0..BURST_MAX {
        let (host, frame) = &data[(burst * BURST_MAX + at) % data.len()];
        batch.put(at, *host, frame);
    }
    shard.run(batch, 0..BURST_MAX, now);
    (0..BURST_MAX).filter(|at| matches!(batch.outcome(*at).verdict.step, Step::Deliver(_))).count()
}

/// Sends one frame that must arrive: at whom, and how.
fn deliver(shard: &mut Shard, batch: &mut Batch, (host, frame): Sent) -> Sent {
    batch.put(0, host, &frame);
    shard.run(batch, 0..1, SimTime::ZERO);
    match batch.outcome(0).verdict.step {
        Step::Deliver(to) => (to, batch.frame(0).to_vec()),
        other => panic!("{frame:02x?}: {other:?}"),
    }
}

/// What `host` sends back for what arrived.
fn answer(program: &Program, host: HostIx, arrived: &[u8], flags: &str) -> Vec<u8> {
    let came = Parsed::of(arrived).unwrap();
    assert_eq!(came.protocol, Protocol::TCP);
    let (theirs, mine) = came.ports.unwrap();
    let mut frame = tcp(came.destination.octets(), mine, came.source.octets(), theirs, flags);
    address(program, host, &mut frame);
    frame
}

/// Ethernet addresses of a frame from `host` to its next hop.
fn address(program: &Program, host: HostIx, frame: &mut [u8]) {
    let from = &program.hosts[host.at()];
    assert!(!matches!(from.kind, HostKind::Platform(_)));
    let next = match program.node(from.node) {
        Node::Eni(eni) => program.node_mac(eni.router),
        _ => program.node_mac(from.node),
    };
    ethernet::set_addresses(frame, from.mac, next);
}

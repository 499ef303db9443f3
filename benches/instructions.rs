//! How many instructions the pieces take: the same on every machine, and so fit to be compared with a committed baseline.
//!
//! Run by `scripts/bench-instructions`, which counts by valgrind's callgrind what happens within [`measured_section`], divides it by [`ROUNDS`]
//! and compares it with `benches/instructions.baseline.json`. By itself it lists its pieces, or runs one: `instructions PIECE`. A piece includes an
//! indirect call a round.
//!
//! Not gungraun: its runner takes 205 s of one core to build, and its baselines are callgrind's own files under `target/`, with paths of the machine
//! in them, which is nothing to commit and to read a difference in.
//!
//! Counts depend on compiler, standard library, flags (x86-64-v3) and the C library, whose memcpy the script keeps from going by the CPU. They say
//! nothing of caches, predicted branches and waiting for memory: those are benches/pieces.rs's.

mod road;

use road::{ROADS, Road};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use vpcsim::capture::pcapng::{Direction, Encoder, Packet};
use vpcsim::dataplane::State;
use vpcsim::fastpath::{BURST_MAX, Batch, Shard};
use vpcsim::lpm::Fib;
use vpcsim::net::{Ipv4Net, MacAddress};
use vpcsim::program::{HostIx, PlainPort, Program};
use vpcsim::rng::Seed;
use vpcsim::time::SimTime;
use vpcsim::traffic::{Distribution, FarSide, FrameSize, Kind, Nic, Profile, Source};
use vpcsim::wire::ethernet::AddressPair;
use vpcsim::wire::{Parsed, checksum, rewrite};

/// How often a piece is done while it is counted. `scripts/bench-instructions` divides by it.
const ROUNDS: usize = 1_000;

/// One round of a piece.
type Piece = Box<dyn FnMut()>;
/// What gets a piece ready.
type Prepare = fn() -> Piece;

/// The pieces by name.
const PIECES: [(&str, Prepare); 20] = [
    ("parse_segment", parse_segment),
    ("checksum_1480_bytes", checksum_1480_bytes),
    ("rewrite_source_address", rewrite_source_address),
    ("lookup_vpc_table", lookup_vpc_table),
    ("lookup_1000_routes", lookup_1000_routes),
    ("walk_tracked_segment_internet_gateway", || walk_tracked_segment(0)),
    ("walk_tracked_segment_gateway_endpoint", || walk_tracked_segment(1)),
    ("walk_tracked_segment_nat_gateway", || walk_tracked_segment(2)),
    ("walk_syn_internet_gateway", || walk_syn(0)),
    ("walk_syn_gateway_endpoint", || walk_syn(1)),
    ("walk_syn_nat_gateway", || walk_syn(2)),
    ("fastpath_burst_plain_router", fastpath_burst_plain_router),
    ("fastpath_burst_internet_gateway", || fastpath_burst(0)),
    ("fastpath_burst_gateway_endpoint", || fastpath_burst(1)),
    ("fastpath_burst_nat_gateway", || fastpath_burst(2)),
    ("pcapng_record_1500_bytes", pcapng_record_1500_bytes),
    ("pcapng_record_with_comment", pcapng_record_with_comment),
    ("traffic_udp_60_bytes", traffic_udp_60_bytes),
    ("traffic_tls_zipf", traffic_tls_zipf),
    ("traffic_answer", traffic_answer),
];

fn main() -> ExitCode {
    // `cargo bench` hands its own flags on.
    let Some(wanted) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        println!("rounds {ROUNDS}");
        PIECES.iter().for_each(|(name, _)| println!("piece {name}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, prepare)) = PIECES.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("no piece {wanted}");
        return ExitCode::FAILURE;
    };
    let mut piece = prepare();
    // Whatever grows or is filled on first use has done so before it counts.
    (0..ROUNDS).for_each(|_| piece());
    measured_section(&mut *piece);
    ExitCode::SUCCESS
}

/// What is counted: callgrind finds it by its name.
#[inline(never)]
fn measured_section(piece: &mut dyn FnMut()) {
    for _ in 0..ROUNDS {
        piece();
    }
}

// ---- Packets ---------------------------------------------------------------------------------------------------------

fn parse_segment() -> Piece {
    let frame = Road::new(ROADS[0]).frame(40_000, false);
    Box::new(move || {
        black_box(Parsed::of(black_box(&frame))).unwrap();
    })
}

fn checksum_1480_bytes() -> Piece {
    let bytes = vec![7; 1_480];
    Box::new(move || {
        black_box(checksum::sum(black_box(&bytes)));
    })
}

fn rewrite_source_address() -> Piece {
    let mut frame = Road::new(ROADS[0]).frame(40_000, false);
    let mut parsed = Parsed::of(&frame).unwrap();
    let mut number = 0_u32;
    Box::new(move || {
        number += 1;
        rewrite::set_source(black_box(&mut frame), &mut parsed, Ipv4Addr::from(0x0a00_0000 + number));
    })
}

// ---- Longest-prefix match --------------------------------------------------------------------------------------------

fn lookup_vpc_table() -> Piece {
    let routes = ["172.31.0.0/16", "52.94.0.0/22", "52.119.224.0/20", "0.0.0.0/0"];
    lookups(routes.iter().zip(0..).map(|(cidr, value)| (cidr.parse().unwrap(), value)).collect())
}

fn lookup_1000_routes() -> Piece {
    let mut stream = Seed::new(1).derive("routes");
    let mut route = |value| {
        let length = if value % 5 < 3 { 24 } else { 12 + (value % 13) as u8 };
        (Ipv4Net::new(Ipv4Addr::from(stream.next_u32()), length).unwrap().trunc(), value)
    };
    lookups((0..1_000).map(&mut route).collect())
}

/// One lookup a round, of a destination within a route.
fn lookups(routes: Vec<(Ipv4Net, u32)>) -> Piece {
    let mut stream = Seed::new(1).derive("destinations");
    let destinations: Vec<Ipv4Addr> =
        (0..ROUNDS).map(|_| routes[stream.below(routes.len() as u64) as usize].0.network()).collect();
    let fib = Fib::build(&routes);
    let mut next = 0;
    Box::new(move || {
        next = (next + 1) % ROUNDS;
        black_box(black_box(&fib).lookup(destinations[next]));
    })
}

// ---- Walks: connection tracking, rules, routes, translation ----------------------------------------------------------

/// The frame is copied, walks from app's interface to DynamoDB's front end, and its connection is found in the tracking table among 1,000.
fn walk_tracked_segment(road: usize) -> Piece {
    let mut bench = Road::new(ROADS[road]);
    let ports = || 40_000..40_000 + ROUNDS as u16;
    for port in ports() {
        let syn = bench.frame(port, true);
        assert_eq!(bench.walk(&syn), bench.end);
    }
    let segments: Vec<_> = ports().map(|port| bench.frame(port, false)).collect();
    let mut next = 0;
    Box::new(move || {
        next = (next + 1) % segments.len();
        black_box(bench.walk(&segments[next]));
    })
}

/// The same for the first packet: rules are asked, and the connection enters the table, from 1,000 entries on.
fn walk_syn(road: usize) -> Piece {
    let mut bench = Road::new(ROADS[road]);
    bench.state = State::default();
    let syns: Vec<_> = (0..2 * ROUNDS as u16).map(|number| bench.frame(10_000 + number, true)).collect();
    assert_eq!(bench.walk(&syns[0]), bench.end);
    let mut next = 0;
    Box::new(move || {
        black_box(bench.walk(&syns[next]));
        next += 1;
    })
}

// ---- The fast path ---------------------------------------------------------------------------------------------------

/// 64 frames are copied into a batch and go by the memos of 64 connections that app has to DynamoDB. (valgrind has no AVX-512: heads are judged by AVX2.)
fn fastpath_burst(road: usize) -> Piece {
    let bench = Road::new(ROADS[road]);
    let (mut shard, mut batch): (Shard, _) =
        (Shard::new(Arc::new(bench.program.clone()), State::default(), 1_000), Batch::new(BURST_MAX, 256));
    let frames = |syn| -> Vec<Vec<u8>> { (0..BURST_MAX).map(|flow| bench.frame(40_000 + flow as u16, syn)).collect() };
    let app = bench.app;
    let mut send = move |frames: &[Vec<u8>]| {
        frames.iter().enumerate().for_each(|(at, frame)| batch.put(at, app, frame));
        shard.run(&mut batch, 0..BURST_MAX, SimTime::ZERO);
        assert_eq!(batch.outcome(BURST_MAX - 1).verdict.step, bench.end);
        shard.stats().walked
    };
    let segments = frames(false);
    send(&frames(true));
    let walked = send(&segments);
    assert_eq!(send(&segments), walked, "every flow has a memo");
    Box::new(move || {
        black_box(send(&segments));
    })
}

/// The same through a router without memory, with 1,000 routes.
fn fastpath_burst_plain_router() -> Piece {
    let mac = |last: u8| MacAddress([2, 0, 0, 0, 0, last]);
    let ports =
        (0..4u32).map(|port| PlainPort { host: HostIx(port), addresses: AddressPair::new(mac(9), mac(port as u8)) });
    let routes: Vec<(Ipv4Net, u16)> = (0..1_000u16)
        .map(|route| (format!("10.{}.{}.0/24", route / 250, route % 250).parse().unwrap(), route % 4))
        .collect();
    let program = Program::plain_router(mac(9), ports.collect(), &routes);
    let frames: Vec<Vec<u8>> = (0..BURST_MAX as u8)
        .map(|flow| {
            let mut bytes = Vec::new();
            let builder = etherparse::PacketBuilder::ethernet2(mac(0).0, mac(9).0);
            let builder = builder.ipv4([192, 0, 2, 1], [10, flow % 4, flow, 1], 64).udp(40_000, 9);
            builder.write(&mut bytes, &[0; 18]).unwrap();
            bytes
        })
        .collect();
    let (mut shard, mut batch): (Shard, _) =
        (Shard::new(Arc::new(program), State::default(), 0), Batch::new(BURST_MAX, 64));
    Box::new(move || {
        frames.iter().enumerate().for_each(|(at, frame)| batch.put(at, HostIx(0), frame));
        shard.run(&mut batch, 0..BURST_MAX, SimTime::ZERO);
        assert_eq!(black_box(shard.stats().walked), 0);
    })
}

// ---- Captures --------------------------------------------------------------------------------------------------------

fn pcapng_record_1500_bytes() -> Piece {
    pcapng_record(&[])
}

fn pcapng_record_with_comment() -> Piece {
    pcapng_record(&[
        "rtb-704237e4 (main): 52.94.0.0/22 (pl-02cd2c6b) -> vpce-9b15e2f2; beats 0.0.0.0/0 -> igw-cfcd3c31",
    ])
}

fn pcapng_record(comments: &'static [&'static str]) -> Piece {
    let frame = vec![7; 1_500];
    let mut out = Vec::with_capacity(4 * ROUNDS * frame.len());
    let mut encoder = Encoder::start(&mut out, "bench", None);
    let interface = encoder.interface(&mut out, "eni-5f2103c4", "app");
    let mut unix_ns = 1_767_225_600_000_000_000;
    Box::new(move || {
        unix_ns += 1;
        let direction = Some(Direction::Outbound);
        encoder.packet(&mut out, black_box(&Packet { interface, unix_ns, direction, frame: &frame, comments }));
    })
}

// ---- Traffic ---------------------------------------------------------------------------------------------------------

fn source(kind: Kind, frame: FrameSize, turns: Distribution) -> Source {
    let nic = Nic { mac: MacAddress::local(1), gateway_mac: MacAddress::local(2), address: Ipv4Addr::new(10, 0, 0, 4) };
    let to: Vec<Ipv4Addr> = (0..100).map(|number| Ipv4Addr::new(52, 94, 2, number)).collect();
    let destinations = Distribution::Uniform;
    let seed = Seed::new(1);
    Source::new(Profile { flows: 1_000, kind, frame, destinations, turns, destination_port: 443, seed }, nic, &to)
        .unwrap()
}

fn traffic_udp_60_bytes() -> Piece {
    sent(source(Kind::Udp, FrameSize::Fixed(60), Distribution::InTurn))
}

fn traffic_tls_zipf() -> Piece {
    let turns = Distribution::Zipf { exponent: 1.1 };
    sent(source(Kind::Tls { data_packets: 10 }, FrameSize::Imix, turns))
}

fn sent(mut source: Source) -> Piece {
    let mut slot = vec![0; source.frame_bytes_max()];
    Box::new(move || {
        black_box(source.next(black_box(&mut slot))).unwrap();
    })
}

fn traffic_answer() -> Piece {
    let mut source = source(Kind::Udp, FrameSize::Fixed(60), Distribution::InTurn);
    let (mut question, mut answer) = ([0; 60], [0; 60]);
    source.next(&mut question).unwrap();
    let far_side = FarSide::new(Seed::new(1));
    Box::new(move || {
        black_box(far_side.answer(black_box(&question), &mut answer)).unwrap();
    })
}

//! Wall-clock cost of the pieces: a route lookup, a packet's way, a frame in a capture, the whole tutorial.
//!
//! `cargo bench` runs all, `cargo bench -- walk` those whose name contains "walk". The figures are this machine's of this moment: compare only
//! figures of one machine, taken one after the other. What a figure includes stands at its bench.

mod road;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use road::{ROADS, Road};
use std::hint::black_box;
use std::net::Ipv4Addr;
use vpcsim::capture::pcapng::{Direction, Encoder, Packet};
use vpcsim::dataplane::State;
use vpcsim::lpm::Fib;
use vpcsim::net::Ipv4Net;
use vpcsim::rng::{Seed, Stream};
use vpcsim::run::{Progress, Run};
use vpcsim::scenario;

fn main() {
    divan::main();
}

// ---- Longest-prefix match --------------------------------------------------------------------------------------------

/// A table as VPCs have them: the local route, DynamoDB's prefix list, the default route. Asked for few destinations, so that what is used of it stays
/// in the first caches. Lookups do not wait for each other, here and below: this is throughput, not latency.
#[divan::bench]
fn lookup_vpc_table(bencher: Bencher<'_, '_>) {
    let routes = ["172.31.0.0/16", "52.94.0.0/22", "52.119.224.0/20", "0.0.0.0/0"];
    let routes: Vec<(Ipv4Net, u32)> =
        routes.iter().zip(0..).map(|(cidr, value)| (cidr.parse().unwrap(), value)).collect();
    let mut stream = Seed::new(1).derive("destinations");
    let inside = |stream: &mut Stream| match stream.below(3) {
        0 => within(routes[0].0, stream),
        1 => within(routes[1].0, stream),
        _ => Ipv4Addr::from(stream.next_u32()),
    };
    let destinations: Vec<_> = (0..4_096).map(|_| inside(&mut stream)).collect();
    lookups(bencher, &Fib::build(&routes), &destinations);
}

/// Tables of random prefixes, their lengths spread as in the internet's table (three in five are /24); every destination is in some prefix.
/// The largest has as many routes as the internet's. Asked for a million destinations, so that large tables do not fit the caches.
#[divan::bench(args = [100, 1_000, 900_000])]
fn lookup_synthetic_table(bencher: Bencher<'_, '_>, route_count: u32) {
    let mut stream = Seed::new(1).derive("routes");
    let routes: Vec<(Ipv4Net, u32)> = (0..route_count).map(|value| (prefix(&mut stream), value)).collect();
    let destinations: Vec<_> =
        (0..1 << 20).map(|_| within(routes[stream.below(u64::from(route_count)) as usize].0, &mut stream)).collect();
    lookups(bencher, &Fib::build(&routes), &destinations);
}

fn lookups(bencher: Bencher<'_, '_>, fib: &Fib<u32>, destinations: &[Ipv4Addr]) {
    let all = |fib: &Fib<u32>| {
        destinations.iter().filter_map(|destination| fib.lookup(*destination)).fold(0, u32::wrapping_add)
    };
    bencher.counter(ItemsCount::new(destinations.len())).bench_local(|| all(black_box(fib)));
}

fn prefix(stream: &mut Stream) -> Ipv4Net {
    let length = match stream.below(100) {
        0..60 => 24,
        60..72 => 22,
        72..83 => 23,
        83..97 => 16 + stream.below(6) as u8,
        97..99 => 8 + stream.below(8) as u8,
        _ => 25 + stream.below(8) as u8,
    };
    Ipv4Net::new(Ipv4Addr::from(stream.next_u32()), length).unwrap().trunc()
}

fn within(cidr: Ipv4Net, stream: &mut Stream) -> Ipv4Addr {
    let host_bits = 32 - u32::from(cidr.prefix_len());
    let host = stream.next_u64() & ((1 << host_bits) - 1);
    Ipv4Addr::from(u32::from(cidr.network()) | host as u32)
}

// ---- A packet's way --------------------------------------------------------------------------------------------------

/// The way of a tracked TCP segment (100 bytes of payload) from app to DynamoDB's front end, as the simulator goes it, without links, hosts and taps.
/// Includes copying the frame to where it is rewritten.
#[divan::bench(args = ROADS)]
fn walk_tracked_segment(bencher: Bencher<'_, '_>, road: &str) {
    let mut bench = Road::new(road);
    let syn = bench.frame(40_000, true);
    assert_eq!(bench.walk(&syn), bench.end);
    let segment = bench.frame(40_000, false);
    assert_eq!(bench.walk(&segment), bench.end);
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| bench.walk(black_box(&segment)));
}

/// The same for the first packet of a connection: rules are asked, and the connection enters the tracking table, which is emptied whenever it
/// holds 50,000 (a NAT gateway has 55,000 ports towards one destination).
#[divan::bench(args = ROADS)]
fn walk_syn(bencher: Bencher<'_, '_>, road: &str) {
    let mut bench = Road::new(road);
    let syns: Vec<_> = (2_000..52_000).map(|port| bench.frame(port, true)).collect();
    assert_eq!(bench.walk(&syns[0]), bench.end);
    let mut next = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        next = (next + 1) % syns.len();
        if next == 0 {
            bench.state = State::default();
        }
        bench.walk(black_box(&syns[next]))
    });
}

// ---- Captures --------------------------------------------------------------------------------------------------------

/// One frame with a decision as its comment, appended to a buffer; bytes are those of the frame.
#[divan::bench(args = [60, 1_500, 9_000])]
fn pcapng_frame(bencher: Bencher<'_, '_>, frame_bytes: usize) {
    const BUFFER_BYTES: usize = 1 << 20;
    let comment = "rtb-704237e4 (main): 52.94.0.0/22 (pl-02cd2c6b) -> vpce-9b15e2f2; beats 0.0.0.0/0 -> igw-cfcd3c31";
    let frame = vec![7; frame_bytes];
    let mut out = Vec::with_capacity(2 * BUFFER_BYTES);
    let mut encoder = Encoder::start(&mut out, "bench", None);
    let interface = encoder.interface(&mut out, "eni-5f2103c4", "app");
    let mut unix_ns = 1_767_225_600_000_000_000;
    bencher.counter(ItemsCount::new(1u32)).counter(BytesCount::new(frame_bytes)).bench_local(|| {
        if out.len() > BUFFER_BYTES {
            out.clear();
        }
        unix_ns += 1;
        let (direction, comments) = (Some(Direction::Outbound), &[comment][..]);
        encoder.packet(&mut out, black_box(&Packet { interface, unix_ns, direction, frame: &frame, comments }));
    });
}

// ---- The whole -------------------------------------------------------------------------------------------------------

/// The default run: parse, compile, boot, every step of the timeline with TLS and all, captures and histograms in memory. No files.
#[divan::bench]
fn whole_default_run(bencher: Bencher<'_, '_>) {
    let source = scenario::embedded("tutorial").unwrap();
    bencher.bench_local(|| {
        let mut run = Run::new(scenario::parse("tutorial.toml", source, None).unwrap()).unwrap();
        while run.advance(10_000).unwrap() == Progress::Working {}
        let (result, captures) = run.finish();
        assert!(result.complete && result.checks.failed == 0);
        captures.iter().map(|file| file.frame_count()).sum::<u64>()
    });
}

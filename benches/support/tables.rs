//! Route tables and destinations for benches and tests of longest-prefix match: a VPC's, and the Internet's.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use vpcsim::net::Ipv4Net;
use vpcsim::rng::{Seed, Stream};

/// Where a file of prefixes lies, one a line, packed by gzip if its name ends so: a real Internet table instead of the synthetic one.
const PREFIXES_VARIABLE: &str = "VPCSIM_BGP_PREFIXES";

/// Routes of a real Internet table by prefix length (testdata of gaissmai/bart, 901,899 prefixes).
const ROUTES_BY_LENGTH: [(u8, u32); 25] = [
    (8, 16),
    (9, 13),
    (10, 38),
    (11, 103),
    (12, 299),
    (13, 581),
    (14, 1_203),
    (15, 2_100),
    (16, 13_490),
    (17, 8_235),
    (18, 13_798),
    (19, 24_870),
    (20, 42_611),
    (21, 50_750),
    (22, 108_623),
    (23, 96_510),
    (24, 537_698),
    (25, 20),
    (26, 3),
    (27, 11),
    (28, 18),
    (29, 17),
    (30, 3),
    (31, 3),
    (32, 886),
];

/// Neighbours that a router has: values of the Internet's routes.
const NEIGHBOURS: u64 = 250;

/// The Internet's routes: those of the file that the environment names, or made ones, in order.
pub(crate) fn internet() -> Vec<(Ipv4Net, u32)> {
    let prefixes = match std::env::var_os(PREFIXES_VARIABLE) {
        Some(path) => prefixes_of(std::path::Path::new(&path)),
        None => made_prefixes(1),
    };
    let mut stream = Seed::new(1).derive("neighbours");
    prefixes.into_iter().map(|prefix| (prefix, stream.below(NEIGHBOURS) as u32)).collect()
}

fn prefixes_of(path: &std::path::Path) -> Vec<Ipv4Net> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let bytes: Box<dyn Read> = match path.extension().is_some_and(|extension| extension == "gz") {
        true => Box::new(flate2::read::GzDecoder::new(file)),
        false => Box::new(file),
    };
    let lines = BufReader::new(bytes).lines().map(|line| line.expect("readable"));
    lines.filter(|line| !line.trim().is_empty()).map(|line| line.trim().parse().expect("a prefix")).collect()
}

/// One in `share` of the Internet's routes, made: as many of each length; nine in ten of the longer ones inside a shorter one, as allocations are
/// divided.
pub(crate) fn made_prefixes(share: u32) -> Vec<Ipv4Net> {
    let mut stream = Seed::new(1).derive("internet");
    let mut made = BTreeSet::new();
    let mut allocations = Vec::new();
    for (length, count) in ROUTES_BY_LENGTH {
        let until = made.len() + (count / share) as usize;
        while made.len() < until {
            let random = 1 << 24 | (stream.below(223 << 24) as u32);
            let network = match allocations.get(stream.below(allocations.len() as u64) as usize) {
                Some(around) if length >= 18 && stream.below(10) > 0 => u32::from(within(*around, &mut stream)),
                _ => random,
            };
            let prefix = Ipv4Net::new(network.into(), length).expect("a length").trunc();
            if made.insert(prefix) && (12..=17).contains(&length) {
                allocations.push(prefix);
            }
        }
    }
    made.into_iter().collect()
}

/// A table as a VPC has it: local routes, peers, on-premises networks, the default route, and the prefix lists of two gateway endpoints in
/// us-east-1.
pub(crate) fn vpc() -> Vec<(Ipv4Net, u32)> {
    let own =
        ["10.0.0.0/16", "10.1.0.0/16", "172.31.0.0/16", "192.168.0.0/16", "10.0.32.0/28", "10.64.0.0/20", "0.0.0.0/0"];
    let lists: serde_json::Value =
        serde_json::from_str(include_str!("../../src/model/prefix-lists.json")).expect("JSON");
    let lists = lists["lists"].as_array().expect("lists").iter();
    let ours = lists
        .filter(|list| list["region"] == "us-east-1" && (list["service"] == "s3" || list["service"] == "dynamodb"));
    let of_lists = (1_000u32..).zip(ours).flat_map(|(value, list)| {
        let cidrs = list["cidrs"].as_array().expect("prefixes").iter();
        cidrs.map(move |cidr| (cidr.as_str().expect("text").parse().expect("a prefix"), value))
    });
    (0u32..).zip(own).map(|(value, cidr)| (cidr.parse().expect("a prefix"), value)).chain(of_lists).collect()
}

/// Destinations, each in a random route.
pub(crate) fn uniform(routes: &[(Ipv4Net, u32)], count: usize) -> Vec<Ipv4Addr> {
    let mut stream = Seed::new(2).derive("uniform");
    (0..count).map(|_| within(routes[stream.below(routes.len() as u64) as usize].0, &mut stream)).collect()
}

/// Destinations as traffic has them: the route of rank k is asked for as often as k^-1.1 says, and has eight hosts.
pub(crate) fn zipf(routes: &[(Ipv4Net, u32)], count: usize) -> Vec<Ipv4Addr> {
    let mut stream = Seed::new(2).derive("zipf");
    let mut ranked: Vec<Ipv4Net> = routes.iter().map(|(prefix, _)| *prefix).collect();
    for at in (1..ranked.len()).rev() {
        ranked.swap(at, stream.below(at as u64 + 1) as usize);
    }
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=ranked.len())
        .map(|rank| {
            sum += (rank as f64).powf(-1.1);
            sum
        })
        .collect();
    let mut draw = || {
        let rank = sums.partition_point(|until| *until < stream.unit() * sum).min(ranked.len() - 1);
        let host = stream.below(8);
        within(ranked[rank], &mut Seed::new(rank as u64 * 8 + host).derive("host"))
    };
    (0..count).map(|_| draw()).collect()
}

fn within(prefix: Ipv4Net, stream: &mut Stream) -> Ipv4Addr {
    let host = stream.next_u64() & ((1 << (32 - u32::from(prefix.prefix_len()))) - 1);
    Ipv4Addr::from(u32::from(prefix.network()) | host as u32)
}

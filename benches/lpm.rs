//! Route lookups a second, one by one and in batches of 64, and what building and changing a table costs.
//!
//! `cargo bench --bench lpm`. Items are lookups. Tables: t20, a VPC's with two prefix lists; t1k and t900k, a part and the whole of an Internet table (of
//! the one whose file `VPCSIM_BGP_PREFIXES` names, else of a made one). Destinations: a million, uniform over the routes or zipf; see `support/tables.rs`.

#[path = "support/tables.rs"]
mod tables;

use divan::Bencher;
use divan::counter::ItemsCount;
use std::hint::black_box;
use std::net::Ipv4Addr;
use vpcsim::lpm::{Fib, ValueIx};
use vpcsim::net::Ipv4Net;

const DESTINATIONS: usize = 1 << 20;
const BATCH: usize = 64;
const CASES: [&str; 6] = ["t20 uniform", "t20 zipf", "t1k uniform", "t1k zipf", "t900k uniform", "t900k zipf"];

fn main() {
    divan::main();
}

fn routes(table: &str) -> Vec<(Ipv4Net, u32)> {
    match table {
        "t20" => tables::vpc(),
        "t1k" => tables::made_prefixes(900).into_iter().zip((0..16).cycle()).collect(),
        _ => tables::internet(),
    }
}

fn case(case: &str) -> (Fib<u32>, Vec<Ipv4Addr>) {
    let (table, destinations) = case.split_once(' ').expect("two words");
    let routes = routes(table);
    let destinations = match destinations {
        "uniform" => tables::uniform(&routes, DESTINATIONS),
        _ => tables::zipf(&routes, DESTINATIONS),
    };
    (Fib::build(&routes), destinations)
}

/// Numbers of values, as DPDK's bulk lookups give numbers of next hops.
#[divan::bench(args = CASES, sample_count = 30)]
fn batch(bencher: Bencher<'_, '_>, name: &str) {
    let (fib, destinations) = case(name);
    let mut out = [ValueIx::NONE; BATCH];
    bencher.counter(ItemsCount::new(DESTINATIONS)).bench_local(|| {
        for group in destinations.chunks(BATCH) {
            fib.lookup_batch(group, &mut out);
            black_box(&out);
        }
    });
}

/// The same with the values themselves.
#[divan::bench(args = CASES, sample_count = 30)]
fn batch_with_values(bencher: Bencher<'_, '_>, name: &str) {
    let (fib, destinations) = case(name);
    let mut out = [ValueIx::NONE; BATCH];
    bencher.counter(ItemsCount::new(DESTINATIONS)).bench_local(|| {
        let mut sum = 0u32;
        for group in destinations.chunks(BATCH) {
            fib.lookup_batch(group, &mut out);
            sum = out.iter().filter_map(|ix| fib.value(*ix)).fold(sum, u32::wrapping_add);
        }
        sum
    });
}

/// One call a lookup.
#[divan::bench(args = CASES, sample_count = 30)]
fn single(bencher: Bencher<'_, '_>, name: &str) {
    let (fib, destinations) = case(name);
    bencher.counter(ItemsCount::new(DESTINATIONS)).bench_local(|| {
        let values = destinations.iter().filter_map(|destination| fib.lookup(*destination));
        values.fold(0, u32::wrapping_add)
    });
}

/// From parsed routes.
#[divan::bench(args = ["t20", "t1k", "t900k"], sample_count = 20, sample_size = 1)]
fn build(bencher: Bencher<'_, '_>, table: &str) {
    let routes = routes(table);
    bencher.counter(ItemsCount::new(routes.len())).bench_local(|| Fib::build(black_box(&routes)));
}

/// A /24 comes and goes, in a table that nobody shares. Items are changes.
#[divan::bench(args = ["t20", "t1k", "t900k"])]
fn change(bencher: Bencher<'_, '_>, table: &str) {
    let mut fib = Fib::build(&routes(table));
    let prefix = "203.0.113.0/24".parse().expect("a prefix");
    fib.remove(prefix);
    bencher.counter(ItemsCount::new(2u32)).bench_local(|| {
        fib.insert(prefix, 3);
        fib.remove(prefix)
    });
}

/// The same for a clone whose original is kept: the table is copied.
#[divan::bench(args = ["t20", "t1k", "t900k"], sample_count = 20)]
fn change_of_clone(bencher: Bencher<'_, '_>, table: &str) {
    let fib = Fib::build(&routes(table));
    let prefix = "203.0.113.0/24".parse().expect("a prefix");
    bencher.bench_local(|| {
        let mut clone = fib.clone();
        clone.insert(prefix, 3);
        clone
    });
}

//! A table of the Internet's size: loads at once, answers like the definition, and goes on doing so while routes change.
//!
//! The real table is read if `VPCSIM_BGP_PREFIXES` names its file; else one is made with its distribution of prefix lengths.

// Benches use the rest.
#[allow(dead_code)]
#[path = "../benches/support/tables.rs"]
mod tables;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use vpcsim::lpm::{Fib, ValueIx};
use vpcsim::net::Ipv4Net;

/// The definition, by one exact search for each length. Independent of the tables' code.
struct ByLength(Vec<BTreeMap<u32, u32>>);

impl ByLength {
    fn new(routes: &[(Ipv4Net, u32)]) -> Self {
        let mut lengths = vec![BTreeMap::new(); 33];
        for (prefix, value) in routes {
            lengths[usize::from(prefix.prefix_len())].entry(u32::from(prefix.network())).or_insert(*value);
        }
        ByLength(lengths)
    }

    fn lookup(&self, destination: Ipv4Addr) -> Option<u32> {
        let of_length = |length: u32| {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            self.0[length as usize].get(&(u32::from(destination) & mask))
        };
        (0..=32).rev().find_map(of_length).copied()
    }
}

#[track_caller]
fn assert_same(fib: &Fib<u32>, twin: &ByLength, destinations: &[Ipv4Addr]) {
    let mut numbers = vec![ValueIx::NONE; destinations.len()];
    fib.lookup_batch(destinations, &mut numbers);
    for (destination, number) in destinations.iter().zip(numbers) {
        let expected = twin.lookup(*destination);
        assert_eq!((fib.lookup(*destination), fib.value(number)), (expected, expected), "{destination}");
    }
}

/// What this thread has computed so far, where the system tells: other work on the machine must not fail a test.
fn cpu_time() -> Option<Duration> {
    let words = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(words.split_whitespace().next()?.parse().ok()?))
}

#[test]
fn the_internets_table() {
    let routes = tables::internet();
    assert!(routes.len() > 900_000);
    let fastest = (0..5).map(|_| {
        let (begin, cpu_begin) = (Instant::now(), cpu_time());
        let fib = Fib::build(&routes);
        let cpu = cpu_time().zip(cpu_begin).map(|(end, begin)| end.saturating_sub(begin));
        (cpu.unwrap_or_else(|| begin.elapsed()), fib)
    });
    let (built_in, fib) = fastest.min_by_key(|(elapsed, _)| *elapsed).unwrap();
    println!("{} routes in {built_in:?}, {} MiB", fib.route_count(), fib.memory_bytes() >> 20);
    // Without optimisation nothing is fast.
    if !cfg!(debug_assertions) {
        assert!(built_in < Duration::from_millis(100), "{built_in:?}");
    }
    assert!(fib.memory_bytes() < 64 << 20, "{}", fib.memory_bytes());

    let twin = ByLength::new(&routes);
    let mut destinations = tables::uniform(&routes, 20_000);
    destinations.extend((0..20_000u32).map(|n| Ipv4Addr::from(n.wrapping_mul(2_654_435_761))));
    // Every route that is longer than most, and what is beside it.
    for (prefix, _) in routes.iter().filter(|(prefix, _)| prefix.prefix_len() > 24) {
        let network = u32::from(prefix.network());
        destinations.extend([network, network ^ 1, u32::from(prefix.broadcast()).wrapping_add(1)].map(Ipv4Addr::from));
    }
    assert_same(&fib, &twin, &destinations);
    // The twin itself, by the loop over all routes.
    for destination in destinations.iter().step_by(2_000) {
        let covering = routes.iter().filter(|(prefix, _)| prefix.contains(destination));
        let longest = covering.max_by_key(|(prefix, _)| prefix.prefix_len());
        assert_eq!(twin.lookup(*destination), longest.map(|(_, value)| *value), "{destination}");
    }

    // Every 97th route goes, and others change; a clone keeps what it had.
    let (mut changed, mut wanted) = (fib.clone(), Vec::with_capacity(routes.len()));
    for (at, (prefix, value)) in routes.iter().enumerate() {
        match at % 97 {
            0 => assert_eq!(changed.remove(*prefix), Some(*value)),
            1 => {
                assert_eq!(changed.insert(*prefix, value + 1_000), Some(*value));
                wanted.push((*prefix, value + 1_000));
            }
            _ => wanted.push((*prefix, *value)),
        }
    }
    assert!(changed == Fib::build(&wanted));
    assert_same(&changed, &ByLength::new(&wanted), &destinations);
    assert_same(&fib, &twin, &destinations[..2_000]);
}

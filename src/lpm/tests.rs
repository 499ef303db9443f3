//! Every way to look up against the naive twin, in both shapes, built and changed.

use super::*;
use crate::rng::{Seed, Stream};
use proptest::prelude::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// The same routes in the shape that their number would not choose.
fn in_large_shape<T: Copy + Eq + Hash>(fib: &Fib<T>) -> Fib<T> {
    let mut large = fib.clone();
    large.shape = Shape::Large(Arc::new(Stride24::new(fib.routes.iter(), fib.values.numbers_end()).unwrap()));
    large
}

/// What a batch says of the addresses; groups of 64 and a rest.
fn by_batch<T: Copy>(fib: &Fib<T>, addresses: &[Ipv4Addr]) -> Vec<Option<T>> {
    // What is there before must not shine through.
    let mut out = vec![ValueIx(77_777); addresses.len()];
    fib.lookup_batch(addresses, &mut out);
    out.iter().map(|ix| fib.value(*ix)).collect()
}

/// First and last address of every prefix, and their neighbours outside.
fn edges<T>(routes: &[(Ipv4Net, T)]) -> impl Iterator<Item = Ipv4Addr> {
    let edges = routes.iter().flat_map(|(cidr, _)| {
        let (first, last) = (u32::from(cidr.network()), u32::from(cidr.broadcast()));
        [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
    });
    edges.map(Ipv4Addr::from)
}

#[track_caller]
fn assert_answers<T: Copy + Eq + fmt::Debug>(fib: &Fib<T>, routes: &[(Ipv4Net, T)], addresses: &[Ipv4Addr]) {
    let expected: Vec<_> = addresses.iter().map(|address| naive::lookup(routes, *address)).collect();
    let singly: Vec<_> = addresses.iter().map(|address| fib.lookup(*address)).collect();
    assert_eq!(singly, expected, "one by one: {addresses:?} in {routes:?}");
    assert_eq!(by_batch(fib, addresses), expected, "in a batch: {addresses:?} in {routes:?}");
}

#[test]
fn the_worked_example() {
    let routes = [(net("52.94.0.0/22"), 'B'), (net("0.0.0.0/0"), 'A'), (net("52.94.2.72/32"), 'C')];
    let fib = Fib::build(&routes);
    let at = |text: &str| fib.lookup(text.parse().unwrap());
    assert_eq!(at("52.94.2.72"), Some('C'));
    assert_eq!(at("52.94.2.73"), Some('B'));
    assert_eq!(at("52.94.3.255"), Some('B'));
    assert_eq!(at("52.94.4.0"), Some('A'));
    assert_eq!(at("255.255.255.255"), Some('A'));
    // The root, 16 blocks' room, and what keeps three routes.
    let tables = (65_536 + 4_096) * 4;
    assert!((tables..tables + 512).contains(&fib.memory_bytes()), "{}", fib.memory_bytes());
    assert_eq!(format!("{fib:?}"), "{0.0.0.0/0: Some('A'), 52.94.0.0/22: Some('B'), 52.94.2.72/32: Some('C')}");
    assert_answers(&in_large_shape(&fib), &routes, &edges(&routes).collect::<Vec<_>>());
}

#[test]
fn the_empty_table_matches_nothing_and_takes_nothing() {
    let fib = Fib::<u8>::build(&[]);
    assert_eq!(fib.lookup(Ipv4Addr::UNSPECIFIED), None);
    assert_eq!(by_batch(&fib, &[Ipv4Addr::UNSPECIFIED]), [None]);
    assert_eq!(fib.memory_bytes(), 0);
}

#[test]
fn a_batch_writes_as_many_answers_as_it_has_questions() {
    let fib = Fib::build(&[(net("0.0.0.0/0"), 'A')]);
    let kept = ValueIx(9);
    let mut out = [kept; 3];
    for fib in [in_large_shape(&fib), fib] {
        fib.lookup_batch(&[Ipv4Addr::LOCALHOST; 2], &mut out);
        assert_eq!((fib.value(out[1]), out[2]), (Some('A'), kept));
        fib.lookup_batch(&[Ipv4Addr::LOCALHOST; 200], &mut out);
        assert_eq!(fib.value(out[2]), Some('A'));
        out[2] = kept;
    }
}

#[test]
fn of_equal_prefixes_the_first_counts_whatever_their_host_bits() {
    let fib = Fib::build(&[(net("10.0.0.7/24"), 1), (net("10.0.0.0/24"), 2)]);
    assert_eq!(fib.lookup(Ipv4Addr::new(10, 0, 0, 1)), Some(1));
    assert_eq!(fib.lookup(Ipv4Addr::new(10, 0, 1, 0)), None);
    assert_eq!(fib.route_count(), 1);
    assert_eq!(fib, Fib::build(&[(net("10.0.0.0/24"), 1)]));
    assert_ne!(fib, Fib::build(&[(net("10.0.0.0/24"), 2)]));
    assert_ne!(fib, Fib::build(&[(net("10.0.0.0/25"), 1)]));
}

#[test]
fn inserting_replaces_and_removing_reveals() {
    let mut fib = Fib::default();
    assert_eq!(fib.insert(net("10.0.0.0/8"), 'A'), None);
    let before = fib.clone();
    assert_eq!(fib.insert(net("10.1.2.3/24"), 'B'), None);
    assert_eq!(fib.insert(net("10.1.2.0/24"), 'C'), Some('B'));
    assert_eq!(fib.lookup(Ipv4Addr::new(10, 1, 2, 3)), Some('C'));
    assert_eq!(fib.remove(net("10.1.2.0/25")), None);
    assert_eq!(fib.remove(net("10.1.2.0/24")), Some('C'));
    assert_eq!(fib.lookup(Ipv4Addr::new(10, 1, 2, 3)), Some('A'));
    assert_eq!(fib, before);
    assert_eq!(fib.remove(net("10.0.0.0/8")), Some('A'));
    assert_eq!(fib.lookup(Ipv4Addr::new(10, 1, 2, 3)), None);
    assert!(matches!(fib.shape, Shape::Empty));
    // A clone taken before keeps its routes.
    assert_eq!(before.lookup(Ipv4Addr::new(10, 1, 2, 3)), Some('A'));
}

/// A random prefix, most of them long ones inside few short ones.
fn random_prefix(stream: &mut Stream) -> Ipv4Net {
    let length = 16 + stream.below(17) as u8;
    let address = 0x0a00_0000 | stream.next_u32() & 0x0003_ffff;
    Ipv4Net::new(address.into(), length).unwrap().trunc()
}

#[test]
fn a_table_that_changes_for_ever_does_not_grow() {
    let mut stream = Seed::new(5).derive("changes");
    for large in [false, true] {
        let mut fib = Fib::build(&[(net("0.0.0.0/0"), 0u32)]);
        if large {
            // Enough routes elsewhere to stay in the shape of 24 and 8 bits.
            let routes: Vec<_> = (0..=ROUTES_16_8_8_MAX as u32)
                .map(|n| (Ipv4Net::new_assert((0x8000_0000 | n << 8).into(), 24), n % 7))
                .collect();
            fib = Fib::build(&routes);
        }
        let mut bytes_max = 0;
        let mut routes = std::collections::VecDeque::new();
        for change in 0..30_000u32 {
            let cidr = random_prefix(&mut stream);
            fib.insert(cidr, change);
            routes.push_back(cidr);
            if routes.len() > 200 {
                fib.remove(routes.pop_front().unwrap());
            }
            if change == 10_000 {
                bytes_max = fib.memory_bytes();
            }
        }
        assert_eq!(matches!(fib.shape, Shape::Large(_)), large);
        assert!(fib.memory_bytes() <= bytes_max + bytes_max / 10, "{} after {bytes_max}", fib.memory_bytes());
        for cidr in routes {
            fib.remove(cidr);
        }
        // Every block came back.
        match &fib.shape {
            Shape::Small(table) => assert_eq!(table.blocks_in_use(), 0),
            Shape::Large(table) => assert_eq!(table.blocks_in_use(), 0),
            Shape::Empty => unreachable!("the first routes are still there"),
        }
    }
}

#[test]
fn the_shape_follows_the_number_of_routes_and_does_not_flutter() {
    let route = |n: u32| Ipv4Net::new_assert((0x1000_0000 | n << 4).into(), 28);
    let count = ROUTES_16_8_8_MAX as u32;
    let routes: Vec<_> = (0..count).map(|n| (route(n), n % 100)).collect();
    let is_large = |fib: &Fib<u32>| matches!(fib.shape, Shape::Large(_));
    let mut fib = Fib::build(&routes);
    assert!(!is_large(&fib));
    fib.insert(route(count), 1);
    assert!(is_large(&fib));
    fib.remove(route(count));
    assert!(is_large(&fib));
    assert_eq!(fib, Fib::build(&routes));
    for n in count / 2..count {
        fib.remove(route(n));
    }
    assert!(!is_large(&fib));
    assert_eq!(fib, Fib::build(&routes[..count as usize / 2]));
    assert_eq!(fib.lookup(route(99).network()), Some(99));
}

/// More values than 15 bits count, and more blocks than 15 bits count: both stay with the shape that has room.
#[test]
fn what_does_not_fit_the_large_shape_keeps_the_other() {
    let hosts = |n: u32| Ipv4Net::new_assert((n << 8 | 1).into(), 32);
    let probes: Vec<Ipv4Addr> = (0..2_000).flat_map(|n| [hosts(n * 17).network(), Ipv4Addr::from(n * 4_352)]).collect();
    for value_count in [u32::MAX, 3] {
        let routes: Vec<_> = (0..34_000).map(|n| (hosts(n), n % value_count)).collect();
        let mut fib = Fib::build(&routes);
        assert!(matches!(fib.shape, Shape::Small(_)));
        let expected: Vec<_> = probes
            .iter()
            .map(|probe| (u32::from(*probe) & 0xff == 1).then(|| (u32::from(*probe) >> 8) % value_count))
            .collect();
        assert_eq!(by_batch(&fib, &probes), expected);
        assert_eq!(probes.iter().map(|probe| fib.lookup(*probe)).collect::<Vec<_>>(), expected);
        fib.insert(net("1.2.3.4/32"), 7);
        assert_eq!(fib.lookup(Ipv4Addr::new(1, 2, 3, 4)), Some(7));
    }
    // A table in the large shape that then meets too many values, or blocks, leaves it.
    for value_count in [u32::MAX, 3] {
        let all: Vec<_> = (0..34_000).map(|n| (hosts(n), n % value_count)).collect();
        let mut fib = Fib::build(&all[..30_000]);
        assert!(matches!(fib.shape, Shape::Large(_)));
        for (cidr, value) in &all[30_000..] {
            fib.insert(*cidr, *value);
        }
        assert!(matches!(fib.shape, Shape::Small(_)));
        assert_eq!(fib, Fib::build(&all));
        assert_eq!(by_batch(&fib, &probes), by_batch(&Fib::build(&all), &probes));
    }
}

/// Prefixes that nest: few addresses, all lengths.
fn prefix() -> impl Strategy<Value = Ipv4Net> {
    let address = prop_oneof![
        any::<u32>(),
        proptest::sample::select(vec![0u32, u32::MAX, 0x345e_0000, 0x345e_0248, 0x345e_02ff, 0x345e_ffff, 0x8000_0000])
    ];
    (address, 0u8..=32).prop_map(|(address, length)| Ipv4Net::new_assert(address.into(), length))
}

#[derive(Clone, Debug)]
enum Change {
    Insert(Ipv4Net, u16),
    /// The route with this number, modulo how many there are.
    Remove(usize),
    /// Perhaps one that is not there.
    RemovePrefix(Ipv4Net),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (prefix(), 0u16..5).prop_map(|(cidr, value)| Change::Insert(cidr, value)),
        3 => any::<usize>().prop_map(Change::Remove),
        1 => prefix().prop_map(Change::RemovePrefix),
    ]
}

/// Changes a list as the table should change; what `fib` answers to the change is checked too.
fn apply(fib: &mut Fib<u16>, routes: &mut Vec<(Ipv4Net, u16)>, change: &Change) {
    let take = |routes: &mut Vec<(Ipv4Net, u16)>, cidr: &Ipv4Net| {
        let at = routes.iter().position(|(other, _)| other.trunc() == cidr.trunc())?;
        Some(routes.remove(at).1)
    };
    let removed = match change {
        Change::Insert(cidr, value) => {
            assert_eq!(fib.insert(*cidr, *value), take(routes, cidr));
            routes.push((*cidr, *value));
            return;
        }
        Change::Remove(_) if routes.is_empty() => return,
        Change::Remove(number) => routes[number % routes.len()].0,
        Change::RemovePrefix(cidr) => *cidr,
    };
    assert_eq!(fib.remove(removed), take(routes, &removed));
}

proptest! {
    #[test]
    fn equals_the_naive_twin(
        routes in proptest::collection::vec((prefix(), any::<u16>()), 0..60), probes in proptest::collection::vec(any::<u32>(), 20)
    ) {
        let addresses: Vec<_> = edges(&routes).chain(probes.into_iter().map(Ipv4Addr::from)).collect();
        assert_answers(&Fib::build(&routes), &routes, &addresses);
    }

    #[test]
    fn a_changed_table_equals_a_built_one_and_the_naive_twin(
        start in proptest::collection::vec((prefix(), 0u16..5), 0..20), changes in proptest::collection::vec(change(), 1..60)
    ) {
        let mut fib = Fib::build(&start);
        let mut routes: Vec<(Ipv4Net, u16)> = Vec::new();
        for (cidr, value) in &start {
            if routes.iter().all(|(other, _)| other.trunc() != cidr.trunc()) {
                routes.push((*cidr, *value));
            }
        }
        for change in &changes {
            let addresses: Vec<_> = edges(&routes).collect();
            let (shared, routes_before) = (fib.clone(), routes.clone());
            apply(&mut fib, &mut routes, change);
            let addresses: Vec<_> = edges(&routes).chain(addresses).collect();
            assert_answers(&fib, &routes, &addresses);
            assert_eq!(fib, Fib::build(&routes));
            assert_answers(&shared, &routes_before, &addresses);
        }
        let built = Fib::build(&routes);
        if let (Shape::Small(changed), Shape::Small(built)) = (&fib.shape, &built.shape) {
            assert!(changed.blocks_in_use() <= built.blocks_in_use());
        }
    }
}

proptest! {
    // Each case makes a table of 32 MiB.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn so_does_one_in_the_large_shape(
        start in proptest::collection::vec((prefix(), 0u16..5), 1..30), changes in proptest::collection::vec(change(), 1..60)
    ) {
        let mut table = in_large_shape(&Fib::build(&start));
        // `Fib` would leave this shape for so few routes: the shape's own change is tried, on the routes of a small twin.
        let mut small = Fib::build(&start);
        let mut routes: Vec<(Ipv4Net, u16)> = small.entries().map(|(prefix, value)|
            (Ipv4Net::new_assert(prefix.network.into(), prefix.length), value.unwrap())).collect();
        assert_answers(&table, &routes, &edges(&routes).collect::<Vec<_>>());
        for change in &changes {
            let touched = match change {
                Change::Insert(cidr, _) | Change::RemovePrefix(cidr) => *cidr,
                Change::Remove(_) if routes.is_empty() => continue,
                Change::Remove(number) => routes[number % routes.len()].0,
            };
            let addresses: Vec<_> = edges(&routes).collect();
            apply(&mut small, &mut routes, change);
            (table.routes, table.values) = (small.routes.clone(), small.values.clone());
            let Shape::Large(shape) = &mut table.shape else { unreachable!("nothing changes it") };
            let prefix = Prefix::from(touched);
            let inside = table.routes.inside(prefix);
            Arc::make_mut(shape).repaint(prefix, table.routes.covering(prefix), inside).unwrap();
            let addresses: Vec<_> = edges(&routes).chain(addresses).collect();
            assert_answers(&table, &routes, &addresses);
        }
    }
}

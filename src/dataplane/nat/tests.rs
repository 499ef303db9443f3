//! What the table of sessions promises at full size; packets through it are tested in `tests/roads_nat.rs` and `tests/roads_nat_properties.rs`.

use super::session::SessionState;
use super::table::{Exhausted, Limits, Table};
use crate::net::{FiveTuple, Protocol};
use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const OWNER: NodeIx = NodeIx(7);
const LIMITS: Limits =
    Limits { connections_per_destination: 55_000, sessions_max: u32::MAX, keeps_ports: false, has_port: true };

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

fn pool(count: u8) -> Vec<Ipv4Addr> {
    (0..count).map(|last| Ipv4Addr::new(10, 0, 0, 10 + last)).collect()
}

/// The n-th inside socket, towards one destination.
fn tuple(number: u32, destination: Ipv4Addr) -> FiveTuple {
    FiveTuple {
        protocol: Protocol::TCP,
        source: Ipv4Addr::from(0x0a01_0000 + number / 60_000),
        destination,
        source_port: (number % 60_000) as u16 + 1_024,
        destination_port: 443,
    }
}

fn begin(table: &mut Table, inside: FiveTuple, pool: &[Ipv4Addr], limits: Limits) -> Result<u32, Exhausted> {
    table.begin(OWNER, inside, SessionState::TcpOpening, pool, limits, (at(0), SimDuration::from_secs(350)))
}

const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

#[test]
fn eight_addresses_carry_440000_connections_to_one_destination_and_no_port_twice() {
    let (mut table, pool) = (Table::default(), pool(8));
    let mut given = BTreeSet::new();
    for number in 0..440_000 {
        let found = begin(&mut table, tuple(number, REMOTE), &pool, LIMITS).unwrap();
        let session = table.session(found);
        assert!(session.outer_port >= 1_024);
        assert!(given.insert((session.outer_address, session.outer_port)), "given twice");
    }
    for address in &pool {
        assert_eq!(given.range((*address, 0)..=(*address, u16::MAX)).count(), 55_000);
    }
    assert_eq!(begin(&mut table, tuple(440_000, REMOTE), &pool, LIMITS), Err(Exhausted));
    // Every one is found from both sides.
    for number in (0..440_000).step_by(997) {
        let inside = table.find_inside(OWNER, &tuple(number, REMOTE), at(0)).unwrap();
        let outside = table.session(inside).outside();
        assert_eq!(table.find_outside(OWNER, &outside, at(0)), Some(inside));
        assert_eq!(table.find_outside(OWNER, &outside, at(350)), None);
        assert_eq!(table.find_outside(NodeIx(8), &outside, at(0)), None, "another translator's");
    }
    let bytes = table.memory_bytes();
    assert!(bytes <= 440_000 * 128, "{} bytes a session", bytes / 440_000);
    table.expire(at(350));
    assert_eq!(begin(&mut table, tuple(0, REMOTE), &pool, LIMITS).map(|_| ()), Ok(()));
    assert_eq!(table.owner(OWNER).metrics.active_connection_count, 440_000);
}

#[test]
fn a_session_takes_at_most_128_bytes_both_directions_and_its_destination_included() {
    // Right after the indices have doubled, each session to a destination of its own: the worst case.
    let mut table = Table::default();
    let mut worst = 0;
    for number in 0..100_000u32 {
        let destination = Ipv4Addr::from(0x0b00_0000 + number);
        begin(&mut table, tuple(number, destination), &pool(1), LIMITS).unwrap();
        if number >= 1_000 {
            worst = worst.max(table.memory_bytes().div_ceil(number as usize + 1));
        }
    }
    assert!(worst <= 128, "{worst} bytes a session");
}

#[test]
fn linux_keeps_the_port_where_it_is_free_and_uses_them_all() {
    let limits = Limits { keeps_ports: true, connections_per_destination: u32::MAX, ..LIMITS };
    let (mut table, pool) = (Table::default(), pool(1));
    let first = begin(&mut table, tuple(5, REMOTE), &pool, limits).unwrap();
    assert_eq!(table.session(first).outer_port, 1_029);
    for number in 0..64_512 {
        let inside = FiveTuple { source: Ipv4Addr::new(10, 9, 9, 9), ..tuple(0, REMOTE) };
        let inside = FiveTuple { source_port: 1_024 + number as u16, ..inside };
        let expected = if number == 64_511 { Err(Exhausted) } else { Ok(()) };
        assert_eq!(begin(&mut table, inside, &pool, limits).map(|_| ()), expected, "{number}");
    }
    // Ports below 1024 are given to those only who have them.
    let low = FiveTuple { source_port: 80, ..tuple(0, REMOTE) };
    let found = begin(&mut table, low, &pool, limits).unwrap();
    assert_eq!(table.session(found).outer_port, 80);
}

#[test]
fn without_ports_one_inside_host_talks_to_a_destination_at_a_time() {
    let limits = Limits { has_port: false, ..LIMITS };
    let (mut table, pool) = (Table::default(), pool(2));
    let gre = |last| FiveTuple {
        protocol: Protocol(47),
        source: Ipv4Addr::new(10, 1, 0, last),
        destination: REMOTE,
        source_port: 0,
        destination_port: 0,
    };
    let mut begin = |last| {
        table
            .begin(OWNER, gre(last), SessionState::Other, &pool, limits, (at(0), SimDuration::from_secs(600)))
            .map(|_| ())
    };
    assert_eq!([begin(1), begin(2), begin(3)], [Ok(()), Ok(()), Err(Exhausted)]);
}

#[test]
fn the_limit_of_all_sessions_is_exact_and_each_translators_own() {
    let limits = Limits { sessions_max: 3, ..LIMITS };
    let (mut table, pool) = (Table::default(), pool(1));
    for number in 0..3 {
        begin(&mut table, tuple(number, REMOTE), &pool, limits).unwrap();
    }
    assert_eq!(begin(&mut table, tuple(3, REMOTE), &pool, limits), Err(Exhausted));
    let other = table.begin(
        NodeIx(9),
        tuple(3, REMOTE),
        SessionState::TcpOpening,
        &pool,
        limits,
        (at(0), SimDuration::from_secs(1)),
    );
    let other = other.unwrap();
    table.end(table.find_inside(OWNER, &tuple(1, REMOTE), at(0)).unwrap());
    begin(&mut table, tuple(3, REMOTE), &pool, limits).unwrap();
    assert_eq!(table.session(other).owner, NodeIx(9));
}

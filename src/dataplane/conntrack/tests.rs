//! Connection tracking from the first SYN to what is forgotten: states, timeouts, limits.

use super::Direction::{Egress, Ingress};
use super::*;
use etherparse::PacketBuilder;

const ENI: NodeIx = NodeIx(3);
const WORLDS: InterfaceTimeouts = InterfaceTimeouts { tcp_established: None, udp_one_way: None, udp_stream: None };
const MINE: [u8; 4] = [10, 0, 0, 5];
const THEIRS: [u8; 4] = [52, 94, 2, 72];

fn frame(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    build(&mut bytes);
    bytes
}

/// A segment from us (egress) or from them (ingress), flags as letters of "SAFR".
fn tcp(direction: Direction, port: u16, flags: &str) -> Parsed {
    let (from, to) = if direction == Egress { ((MINE, port), (THEIRS, 443)) } else { ((THEIRS, 443), (MINE, port)) };
    let mut builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, 1, 1);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(1),
            'F' => builder.fin(),
            _ => builder.rst(),
        };
    }
    Parsed::of(&frame(|bytes| builder.write(bytes, &[]).unwrap())).unwrap()
}

fn udp(direction: Direction) -> Parsed {
    let (from, to) = if direction == Egress { (MINE, THEIRS) } else { (THEIRS, MINE) };
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(from, to, 64).udp(5_000, 5_000);
    Parsed::of(&frame(|bytes| builder.write(bytes, &[]).unwrap())).unwrap()
}

fn echo(from: [u8; 4], to: [u8; 4], reply: bool) -> Parsed {
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(from, to, 64);
    let builder = if reply { builder.icmpv4_echo_reply(9, 1) } else { builder.icmpv4_echo_request(9, 1) };
    Parsed::of(&frame(|bytes| builder.write(bytes, &[]).unwrap())).unwrap()
}

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

fn passes(table: &mut Conntrack, packet: &Parsed, direction: Direction, seconds: u64) -> bool {
    table.passes(ENI, WORLDS, packet, None, direction, at(seconds)).is_session()
}

fn begin(table: &mut Conntrack, packet: &Parsed, direction: Direction, seconds: u64) {
    table.begin(ENI, WORLDS, packet, direction, 1, at(seconds)).unwrap();
}

fn state(table: &Conntrack, packet: &Parsed, direction: Direction, seconds: u64) -> Option<SessionState> {
    let key = session_key(ENI, packet, direction).unwrap();
    table.session(&key, at(seconds)).map(|session| session.state)
}

#[test]
fn a_tcp_connection_from_syn_to_the_last_ack() {
    let mut table = Conntrack::default();
    let out = |flags| tcp(Egress, 40_000, flags);
    let back = |flags| tcp(Ingress, 40_000, flags);
    assert!(!passes(&mut table, &out("S"), Egress, 0));
    begin(&mut table, &out("S"), Egress, 0);
    let now = |table: &Conntrack| state(table, &tcp(Egress, 40_000, "A"), Egress, 1).unwrap();
    assert_eq!(now(&table), SessionState::TcpOpening { by: Egress });
    assert!(passes(&mut table, &out("S"), Egress, 1), "a SYN sent again");
    assert_eq!(now(&table), SessionState::TcpOpening { by: Egress });
    assert!(passes(&mut table, &back("SA"), Ingress, 1));
    assert_eq!(now(&table), SessionState::TcpEstablished);
    assert!(passes(&mut table, &back("FA"), Ingress, 1));
    assert!(passes(&mut table, &back("FA"), Ingress, 1), "a FIN sent again");
    assert_eq!(now(&table), SessionState::TcpClosing { by: Ingress });
    assert!(passes(&mut table, &out("FA"), Egress, 1));
    assert_eq!(now(&table), SessionState::TcpClosed);
    assert!(passes(&mut table, &back("A"), Ingress, 1));
    assert!(!passes(&mut table, &back("S"), Ingress, 1), "a new connection asks the rules");
    assert_eq!(table.entries_used(ENI, at(1)), 0);
}

#[test]
fn timeouts_are_those_of_the_table_and_each_packet_renews_them() {
    let mut table = Conntrack::default();
    begin(&mut table, &tcp(Egress, 1, "S"), Egress, 0);
    assert!(!passes(&mut table, &tcp(Ingress, 1, "SA"), Ingress, 60));
    begin(&mut table, &tcp(Egress, 2, "S"), Egress, 100);
    assert!(passes(&mut table, &tcp(Ingress, 2, "SA"), Ingress, 159));
    assert!(passes(&mut table, &tcp(Egress, 2, "A"), Egress, 159 + 431_999));
    assert!(passes(&mut table, &tcp(Ingress, 2, "RA"), Ingress, 432_200));
    assert!(passes(&mut table, &tcp(Ingress, 2, "R"), Ingress, 432_259));
    assert!(!passes(&mut table, &tcp(Ingress, 2, "R"), Ingress, 432_319));

    let mut table = Conntrack::default();
    begin(&mut table, &udp(Egress), Egress, 0);
    assert!(passes(&mut table, &udp(Egress), Egress, 29));
    assert!(!passes(&mut table, &udp(Ingress), Ingress, 59));
    begin(&mut table, &udp(Egress), Egress, 60);
    assert!(passes(&mut table, &udp(Ingress), Ingress, 61));
    assert!(passes(&mut table, &udp(Ingress), Ingress, 61 + 179));
    assert!(!passes(&mut table, &udp(Egress), Egress, 61 + 179 + 180));
}

#[test]
fn echo_requests_both_ways_with_one_identifier_are_two_sessions() {
    let mut table = Conntrack::default();
    begin(&mut table, &echo(MINE, THEIRS, false), Egress, 0);
    assert!(passes(&mut table, &echo(THEIRS, MINE, true), Ingress, 1));
    assert!(!passes(&mut table, &echo(THEIRS, MINE, false), Ingress, 1), "their question is not our answer");
    assert!(!passes(&mut table, &echo(MINE, THEIRS, true), Egress, 1));
    assert!(!Conntrack::can_begin(&echo(MINE, THEIRS, true)));
    assert!(!passes(&mut table, &echo(THEIRS, MINE, true), Ingress, 31));
}

#[test]
fn an_error_belongs_to_the_session_of_the_packet_it_quotes_and_does_not_renew_it() {
    let mut table = Conntrack::default();
    begin(&mut table, &udp(Egress), Egress, 0);
    let error = echo(THEIRS, MINE, true); // whatever the outer header says, the quote decides
    let mut about = |quoted: &Parsed, direction, seconds| {
        table.passes(ENI, WORLDS, &error, Some(quoted), direction, at(seconds)).is_session()
    };
    assert!(about(&udp(Egress), Ingress, 29));
    assert!(!about(&udp(Ingress), Ingress, 29), "we never received that");
    assert!(about(&udp(Ingress), Egress, 29));
    assert!(!about(&udp(Egress), Ingress, 30));
}

#[test]
fn a_full_table_refuses_until_something_expires_and_counts_per_interface() {
    let limits = TrackingLimits { entries_per_interface: 3, ..TrackingLimits::default() };
    let mut table = Conntrack::with_limits(limits);
    let syn = |port| tcp(Egress, port, "S");
    let begin = |table: &mut Conntrack, eni, port, entries, seconds| {
        table.begin(eni, WORLDS, &syn(port), Egress, entries, at(seconds)).map(|_| ())
    };
    assert_eq!(begin(&mut table, ENI, 1, 2, 0), Ok(()));
    assert_eq!(begin(&mut table, ENI, 2, 2, 0), Err(TableFull { entries: 2, limit: 3 }));
    assert_eq!(begin(&mut table, ENI, 2, 1, 10), Ok(()));
    assert_eq!(begin(&mut table, ENI, 3, 1, 59), Err(TableFull { entries: 3, limit: 3 }));
    assert_eq!(begin(&mut table, NodeIx(9), 3, 1, 59), Ok(()));
    assert_eq!(begin(&mut table, ENI, 3, 1, 60), Ok(()), "the first is gone at 60");
    assert_eq!((table.entries_used(ENI, at(60)), table.entries_used(ENI, at(70))), (2, 1));
    // An RST shortens a life; the entry is free at the new time, not the old.
    table.passes(ENI, WORLDS, &tcp(Ingress, 3, "SA"), None, Ingress, at(80));
    table.passes(ENI, WORLDS, &tcp(Ingress, 3, "R"), None, Ingress, at(90));
    assert_eq!((table.entries_used(ENI, at(149)), table.entries_used(ENI, at(150))), (1, 0));
    assert_eq!(table.entries_used(NodeIx(77), at(150)), 0);
}

#[test]
fn a_long_life_cut_short_ends_early_and_leaves_no_timers_behind() {
    let mut table = Conntrack::default();
    for round in 0..50 {
        let start = round * 1_000;
        begin(&mut table, &tcp(Egress, 1, "S"), Egress, start);
        assert!(passes(&mut table, &tcp(Ingress, 1, "SA"), Ingress, start + 1));
        // The timer of the SYN comes, and is set anew to five days hence.
        assert_eq!(table.entries_used(ENI, at(start + 60)), 1);
        assert!(passes(&mut table, &tcp(Ingress, 1, "R"), Ingress, start + 70));
        assert_eq!(table.entries_used(ENI, at(start + 129)), 1);
        assert_eq!(table.entries_used(ENI, at(start + 130)), 0);
    }
    assert_eq!(table.sessions(), []);
    // Timers of rounds long ended meet a session that reuses their key; they must not be taken for its own.
    let last = 432_000 + 10;
    begin(&mut table, &tcp(Egress, 1, "S"), Egress, last);
    for second in last..last + 50_000 {
        assert!(passes(&mut table, &tcp(Egress, 1, "A"), Egress, second));
    }
    table.entries_used(ENI, at(last + 50_000));
    assert_eq!((table.sessions().len(), table.timers.len()), (1, 1));
}

#[test]
fn a_session_that_comes_back_is_of_another_generation() {
    let mut table = Conntrack::default();
    let key = session_key(ENI, &udp(Egress), Egress).unwrap();
    begin(&mut table, &udp(Egress), Egress, 0);
    let first = table.session(&key, at(0)).unwrap().generation;
    assert_eq!(table.session(&key, at(30)), None);
    begin(&mut table, &udp(Egress), Egress, 30);
    assert_ne!(table.session(&key, at(31)).unwrap().generation, first);
    assert_eq!(table.entries_used(ENI, at(31)), 1);
}

#[test]
fn an_interface_may_have_an_idle_timeout_of_its_own() {
    let mut table = Conntrack::default();
    let short = InterfaceTimeouts { tcp_established: Some(SimDuration::from_secs(350)), ..WORLDS };
    let mut ask = |packet: &Parsed, direction, seconds| {
        table.passes(ENI, short, packet, None, direction, at(seconds)).is_session()
    };
    assert!(!ask(&tcp(Egress, 1, "S"), Egress, 0));
    table.begin(ENI, short, &tcp(Egress, 1, "S"), Egress, 1, at(0)).unwrap();
    let mut ask = |packet: &Parsed, direction, seconds| {
        table.passes(ENI, short, packet, None, direction, at(seconds)).is_session()
    };
    assert!(ask(&tcp(Ingress, 1, "SA"), Ingress, 1));
    assert!(ask(&tcp(Egress, 1, "A"), Egress, 350));
    assert!(!ask(&tcp(Egress, 1, "A"), Egress, 700), "350 s later it is forgotten");
}

#[test]
fn an_interface_may_have_udp_timeouts_of_its_own() {
    let mut table = Conntrack::default();
    let [one_way, stream] = [60, 90].map(|seconds| Some(SimDuration::from_secs(seconds)));
    let own = InterfaceTimeouts { udp_one_way: one_way, udp_stream: stream, ..WORLDS };
    table.begin(ENI, own, &udp(Egress), Egress, 1, at(0)).unwrap();
    let mut ask =
        |direction, seconds| table.passes(ENI, own, &udp(direction), None, direction, at(seconds)).is_session();
    assert!(ask(Ingress, 59), "one direction only: 60 s");
    assert!(ask(Egress, 148), "both: 90 s");
    assert!(!ask(Ingress, 238));
}

#[test]
fn what_ends_a_connection_begins_none() {
    for (flags, can) in [("S", true), ("A", true), ("FA", false), ("R", false)] {
        assert_eq!(Conntrack::can_begin(&tcp(Egress, 1, flags)), can, "{flags}");
    }
}

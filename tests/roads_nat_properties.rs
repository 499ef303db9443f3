//! A NAT gateway against a naive twin: a list of sessions, asked one by one.

mod world;

use proptest::prelude::*;
use vpcsim::dataplane::{DropReason, Frame, NoTap, PacketId, PacketMeta, Reply, Step, step};
use vpcsim::model::NatConnectivity;
use vpcsim::program::{NodeIx, NodeKey};
use vpcsim::time::{SimDuration, SimTime};
use vpcsim::wire::Parsed;
use world::*;

/// So few that they run out.
const CONNECTIONS_PER_DESTINATION: usize = 3;
const IDLE_SECONDS: u64 = 350;
const LINGER_SECONDS: u64 = 60;
const OTHER_PRIVATE: [u8; 4] = [172, 31, 96, 11];

/// What may happen.
#[derive(Clone, Debug)]
enum Event {
    /// A segment, datagram or echo request of an inside socket to a destination.
    Out {
        protocol: u8,
        host: bool,
        port: u16,
        to: u8,
        flags: &'static str,
    },
    /// An answer to the n-th session that ever was, live or not, or from a stranger.
    Back {
        nth: prop::sample::Index,
        stranger: bool,
        flags: &'static str,
    },
    Sleep(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let flags = prop::sample::select(vec!["S", "A", "SA", "FA", "RA"]);
    let protocol = prop::sample::select(vec![6u8, 17, 1]);
    prop_oneof![
        6 => (protocol, any::<bool>(), 40_000u16..40_004, 0u8..2, flags.clone())
            .prop_map(|(protocol, host, port, to, flags)| Event::Out { protocol, host, port, to, flags }),
        6 => (any::<prop::sample::Index>(), prop::bool::weighted(0.1), flags)
            .prop_map(|(nth, stranger, flags)| Event::Back { nth, stranger, flags }),
        1 => prop::sample::select(vec![1u64, 59, 60, 200, 350]).prop_map(Event::Sleep),
    ]
}

/// One session as the twin sees it.
#[derive(Clone, Debug, PartialEq)]
struct Session {
    protocol: u8,
    inside: ([u8; 4], u16),
    remote: ([u8; 4], u16),
    outer: ([u8; 4], u16),
    fins: [bool; 2],
    reset: bool,
    last: SimTime,
}

impl Session {
    fn is_closed(&self) -> bool {
        self.reset || self.fins == [true, true]
    }

    fn lives(&self, now: SimTime) -> bool {
        let seconds = if self.is_closed() { LINGER_SECONDS } else { IDLE_SECONDS };
        now < self.last + SimDuration::from_secs(seconds)
    }

    fn note(&mut self, side: usize, flags: &str, now: SimTime) {
        if self.protocol == 6 && !self.is_closed() {
            self.reset |= flags.contains('R');
            self.fins[side] |= flags.contains('F');
        }
        self.last = now;
    }
}

fn remote(protocol: u8, to: u8) -> ([u8; 4], u16) {
    let address = [198, 51, 100, 7 + to];
    (address, if protocol == 1 { 0 } else { 443 })
}

fn frame(protocol: u8, from: ([u8; 4], u16), to: ([u8; 4], u16), flags: &str, is_answer: bool) -> Vec<u8> {
    match protocol {
        6 => tcp(from.0, from.1, to.0, to.1, flags),
        17 => udp(from.0, from.1, to.0, to.1),
        _ => echo(from.0, to.0, if is_answer { to.1 } else { from.1 }, is_answer),
    }
}

fn visit(world: &mut World, at: NodeIx, mut bytes: Vec<u8>) -> (Step, Vec<u8>) {
    let mut meta = PacketMeta::from_host(PacketId(0), world.host(From::Instance("app-private")), world.now);
    let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
    let step = step(&world.program, &mut world.state, at, &mut frame, world.now, &mut NoTap);
    (step, bytes)
}

fn outcome(step: Step) -> Result<(), DropReason> {
    match step {
        Step::Forward(..) => Ok(()),
        Step::Drop(reason) | Step::Reply(Reply::Error { reason, .. }) => Err(reason),
        other => panic!("{other:?}"),
    }
}

/// Source and destination of a packet, with ports; identifiers stand for both.
fn ends(bytes: &[u8]) -> (([u8; 4], u16), ([u8; 4], u16)) {
    let tuple = Parsed::of(bytes).unwrap().five_tuple();
    ((tuple.source.octets(), tuple.source_port), (tuple.destination.octets(), tuple.destination_port))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn a_nat_gateway_does_what_a_list_of_sessions_says(
        events in proptest::collection::vec(event(), 1..120), address_count in 1usize..3,
    ) {
        let mut world = World::tutorial();
        world.model.forwarding.nat_connections_per_destination = CONNECTIONS_PER_DESTINATION as u32;
        let id = match address_count {
            1 => world.add_nat_gateway(NatConnectivity::Private, &[]),
            count => world.nat_gateway(count),
        };
        world.publish();
        let at = world.program.node_of(&NodeKey::NatGateway(id)).unwrap();
        let pool = world.program.nat_gateway(at).unwrap().addresses.clone();
        let (mut sessions, mut drops): (Vec<Session>, u64) = (Vec::new(), 0);
        for event in events {
            let now = world.now;
            match event {
                Event::Sleep(seconds) => world.sleep(seconds),
                Event::Out { protocol, host, port, to, flags } => {
                    let inside = (if host { PRIVATE } else { OTHER_PRIVATE }, port);
                    let remote = remote(protocol, to);
                    let (step, bytes) = visit(&mut world, at, frame(protocol, inside, remote, flags, false));
                    let same = |s: &Session| (s.protocol, s.inside, s.remote) == (protocol, inside, remote);
                    let opens = flags == "S";
                    let known = sessions.iter().rposition(|s| same(s) && s.lives(now));
                    let renews = known.is_some_and(|n| protocol == 6 && opens && sessions[n].is_closed());
                    if let Some(n) = known.filter(|_| !renews) {
                        prop_assert_eq!(outcome(step), Ok(()));
                        let (source, destination) = ends(&bytes);
                        prop_assert_eq!(source, sessions[n].outer);
                        if protocol != 1 {
                            prop_assert_eq!(destination, remote);
                        }
                        sessions[n].note(0, flags, now);
                        continue;
                    }
                    if renews {
                        // The old one is over: forgotten long ago.
                        sessions.retain(|s| !(same(s) && s.lives(now)));
                    }
                    if protocol == 6 && !opens {
                        drops += 1;
                        prop_assert_eq!(outcome(step), Err(DropReason::NatIdleTimeout));
                        continue;
                    }
                    let taken: Vec<_> = sessions.iter()
                        .filter(|s| s.lives(now) && (s.protocol, s.remote) == (protocol, remote))
                        .map(|s| s.outer)
                        .collect();
                    if taken.len() == CONNECTIONS_PER_DESTINATION * pool.len() {
                        drops += 1;
                        prop_assert_eq!(outcome(step), Err(DropReason::NatPortExhausted));
                        continue;
                    }
                    prop_assert_eq!(outcome(step), Ok(()));
                    let outer = ends(&bytes).0;
                    prop_assert!(pool.contains(&outer.0.into()) && outer.1 >= 1_024);
                    prop_assert!(!taken.contains(&outer), "{:?} is in use", outer);
                    let (fins, reset) = ([false; 2], false);
                    sessions.push(Session { protocol, inside, remote, outer, fins, reset, last: now });
                }
                Event::Back { nth, stranger, flags } => {
                    if sessions.is_empty() {
                        continue;
                    }
                    let asked = sessions[nth.index(sessions.len())].clone();
                    let from = if stranger { ([203, 0, 113, 99], asked.remote.1) } else { asked.remote };
                    let (step, bytes) = visit(&mut world, at, frame(asked.protocol, from, asked.outer, flags, true));
                    let answered = |s: &Session| {
                        s.lives(now) && (s.protocol, s.remote, s.outer) == (asked.protocol, from, asked.outer)
                    };
                    match sessions.iter().position(answered) {
                        None => {
                            drops += 1;
                            prop_assert_eq!(outcome(step), Err(DropReason::NatNoSession));
                        }
                        Some(n) => {
                            prop_assert_eq!(outcome(step), Ok(()));
                            prop_assert_eq!(ends(&bytes).1, sessions[n].inside);
                            assert_checksums(&bytes);
                            sessions[n].note(1, flags, now);
                        }
                    }
                }
            }
        }
        let now = world.now;
        let metrics = world.state.nat.metrics(at, now);
        prop_assert_eq!(metrics.packets_drop_count, drops);
    }
}

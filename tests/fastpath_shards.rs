//! Sixteen shards that share nothing do what one state does.
//!
//! Random packets (connections over an internet gateway, a NAT gateway, an endpoint, between instances by private and public address; answers, ICMP errors about them,
//! datagrams in pieces, link-local services) go through the virtual shards that [`Steering`] names, and through walks with one undivided state. NAT gateways give
//! other ports, so each side answers what arrived there. Verdicts, numbers of sessions and counters of nodes must agree.

mod world;

use std::sync::Arc;
use vpcsim::dataplane::conntrack::TrackingLimits;
use vpcsim::dataplane::{Frame, NoTap, PacketId, PacketMeta, State, Step, walk};
use vpcsim::fastpath::{Batch, Outcome, Shard, Steering, VIRTUAL_SHARDS};
use vpcsim::model::{RouteTarget, RulePeer};
use vpcsim::net::{FiveTuple, Protocol, TrafficMatch};
use vpcsim::program::{HostIx, Node, NodeIx, Program};
use vpcsim::time::{SimDuration, SimTime};
use vpcsim::wire::fragment::fragments;
use vpcsim::wire::{Parsed, checksum, ethernet};
use world::*;

const SEEDS: u64 = 40;
const PACKETS_PER_SEED: usize = 1_500;
/// Of what arrived, how much can still be answered.
const RECENT: usize = 24;
const RESOLVER: [u8; 4] = [169, 254, 169, 253];
const DB: [u8; 4] = [172, 31, 0, 13];

type Sent = (HostIx, Vec<u8>);

#[test]
fn sixteen_shards_do_what_one_state_does() {
    let mut used = [0; VIRTUAL_SHARDS as usize];
    for seed in 0..SEEDS {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
        let mut play = Play::new(&network());
        for number in 0..PACKETS_PER_SEED {
            let packets = play.packet(&mut || next(&mut dice));
            let arrived =
                play.send(packets).unwrap_or_else(|difference| panic!("seed {seed}, packet {number}: {difference}"));
            play.keep(arrived);
            play.now += SimDuration::from_millis(*pick(&mut dice, &[0, 0, 1, 50, 400]));
        }
        play.compare_states().unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
        for (count, shard) in used.iter_mut().zip(&play.shards) {
            *count += shard.stats().packets - shard.stats().walked;
        }
    }
    assert!(used.iter().all(|count| *count > 50), "packets by memo: {used:?}");
}

#[test]
fn flows_are_spread_and_ports_name_their_shards() {
    let world = network();
    let program = &world.program;
    let steering = Steering::new(program);
    assert!(steering.is_divided());
    let mut play = Play::new(&world);
    let private = world.host(From::Instance("app-private"));
    let mut counts = [0u32; VIRTUAL_SHARDS as usize];
    for port in 0..1_600 {
        let syn = tcp(PRIVATE, 20_000 + port, LAPTOP, 443, "S");
        let shard = play.steering.shard_of(program, private, &addressed(program, private, syn.clone()));
        counts[usize::from(shard)] += 1;
        let [(_, arrived), _] = play.send([(private, syn.clone()), (private, syn)]).unwrap().expect("it arrives");
        let arrived = Parsed::of(&arrived).unwrap();
        assert_ne!(arrived.source.octets(), PRIVATE);
        assert_eq!(arrived.ports.unwrap().0 % VIRTUAL_SHARDS, shard);
        let back = arrived.five_tuple().reversed();
        assert_eq!(steering.shard_of_flow(&back), shard);
    }
    assert!(counts.iter().all(|count| (60..150).contains(count)), "{counts:?}");
}

/// Where Linux translates, ports name no shard.
#[test]
fn a_network_that_masquerades_has_one_shard() {
    let scenario = include_str!("../scenarios/roads/nat-instance.toml");
    let world = vpcsim::scenario::parse("nat-instance.toml", scenario, None).expect("it is built in");
    let program = vpcsim::compile::Compiler::new().compile(&world.model).unwrap();
    let steering = Steering::new(&program);
    assert!(!steering.is_divided());
    let flow = |port| FiveTuple {
        protocol: Protocol::TCP,
        source: PRIVATE.into(),
        destination: LAPTOP.into(),
        source_port: port,
        destination_port: 443,
    };
    assert!((1..1_000).all(|port| steering.shard_of_flow(&flow(port)) == 0));
    let parts: Vec<u32> =
        (0..VIRTUAL_SHARDS).filter_map(|shard| steering.part(shard)).map(|part| part.quota(100)).collect();
    assert_eq!(parts, [100]);
}

/// The tutorial's, with a NAT gateway, an endpoint, and an instance behind a group that tracks.
fn network() -> World {
    let mut world = World::tutorial();
    world.nat_gateway(2);
    let (everywhere, inside) =
        (RulePeer::Cidr("0.0.0.0/0".parse().unwrap()), RulePeer::Cidr("172.31.0.0/16".parse().unwrap()));
    let guarded = world.group("guarded", &[(true, TrafficMatch::All, everywhere), (false, TrafficMatch::All, inside)]);
    world.launch("db", world.public_subnet, &[guarded]);
    world.endpoint(&[world.main_table]);
    assert!(
        world.model.route_tables[&world.private_table]
            .routes
            .iter()
            .any(|route| matches!(route.target, RouteTarget::NatGateway(_)))
    );
    world
}

/// Both sides.
struct Play {
    program: Arc<Program>,
    steering: Steering,
    shards: Vec<Shard>,
    batch: Batch,
    whole: State,
    now: SimTime,
    hosts: Vec<(HostIx, Vec<[u8; 4]>)>,
    /// The shards' and the whole's, side by side.
    arrived: Vec<[Sent; 2]>,
    /// Pieces that are still to be sent.
    pieces: Vec<[Sent; 2]>,
}

impl Play {
    fn new(world: &World) -> Play {
        let program = Arc::new(world.program.clone());
        let steering = Steering::new(&program);
        let limits = TrackingLimits::default();
        let shard = |shard| {
            let part = steering.part(shard).expect("it is divided");
            Shard::new(Arc::clone(&program), State::of_part(part, limits), 64)
        };
        let instances = [("app-public", PUBLIC), ("app-private", PRIVATE), ("db", own_address(world, "db"))];
        let hosts = instances.map(|(name, address)| (world.host(From::Instance(name)), vec![address]));
        let mut hosts = hosts.to_vec();
        hosts.push((world.host(From::Outside("laptop")), vec![LAPTOP]));
        Play {
            shards: (0..VIRTUAL_SHARDS).map(shard).collect(),
            steering,
            batch: Batch::new(1, 2_048),
            whole: State::default(),
            now: SimTime::ZERO,
            hosts,
            arrived: Vec::new(),
            pieces: Vec::new(),
            program,
        }
    }

    /// Something new, an answer, an error about something, or a piece of a datagram.
    fn packet(&mut self, dice: &mut impl FnMut() -> u64) -> [Sent; 2] {
        let mut below = |limit: usize| (dice() >> 8) as usize % limit;
        if !self.pieces.is_empty() && below(2) == 0 {
            return self.pieces.remove(0);
        }
        if !self.arrived.is_empty() && below(3) > 0 {
            let both = &self.arrived[below(self.arrived.len())];
            let (is_error, flags) = (below(12) == 0, ["SA", "A", "A", "A", "FA"][below(5)]);
            return both.clone().map(|(host, came)| (host, answer(&came, is_error, flags)));
        }
        let (host, addresses) = self.hosts[below(self.hosts.len())].clone();
        let source = addresses[0];
        let destination = [DYNAMODB, LAPTOP, PUBLIC, PRIVATE, PUBLIC_OUTSIDE, DB, RESOLVER][below(7)];
        let (port, flags) = (40_000 + below(8) as u16, ["S", "A", "A"][below(3)]);
        let frame = match below(6) {
            0 => udp(source, port, destination, if destination == RESOLVER { 53 } else { 7 }),
            1 => echo(source, destination, port, false),
            2 if self.pieces.is_empty() => {
                let pieces = in_pieces(udp(source, port, destination, 9), port ^ below(4) as u16);
                self.pieces = pieces.into_iter().map(|piece| [(host, piece.clone()), (host, piece)]).collect();
                return self.pieces.remove(0);
            }
            _ => tcp(source, port, destination, 443, flags),
        };
        [(host, frame.clone()), (host, frame)]
    }

    /// Sends one packet on both sides; what arrived.
    fn send(&mut self, [divided, whole]: [Sent; 2]) -> Result<Option<[Sent; 2]>, String> {
        let (sender, frame) = (divided.0, addressed(&self.program, divided.0, divided.1));
        let shard = usize::from(self.steering.shard_of(&self.program, sender, &frame));
        self.batch.put(0, sender, &frame);
        self.shards[shard].run(&mut self.batch, 0..1, self.now);
        let by_shards = self.batch.outcome(0);
        let (sender, mut bytes) = (whole.0, addressed(&self.program, whole.0, whole.1));
        let mut meta = PacketMeta::from_host(PacketId(0), sender, self.now);
        let at = self.program.hosts[sender.at()].node;
        let verdict = walk(
            &self.program,
            &mut self.whole,
            at,
            &mut Frame { bytes: &mut bytes, meta: &mut meta },
            self.now,
            &mut NoTap,
        );
        let outcome = Outcome { verdict, via_endpoint: meta.via_endpoint };
        if by_shards != outcome {
            return Err(format!("shard {shard}, {frame:02x?}: {by_shards:?}, but undivided {outcome:?}"));
        }
        match verdict.step {
            Step::Deliver(host) => Ok(Some([(host, self.batch.frame(0).to_vec()), (host, bytes)])),
            _ => Ok(None),
        }
    }

    fn keep(&mut self, arrived: Option<[Sent; 2]>) {
        self.arrived.extend(
            arrived.filter(|[(_, frame), _]| Parsed::of(frame).is_ok_and(|parsed| !parsed.is_later_fragment())),
        );
        let surplus = self.arrived.len().saturating_sub(RECENT);
        self.arrived.drain(..surplus);
    }

    fn compare_states(&mut self) -> Result<(), String> {
        let nodes = (0..self.program.nodes.len()).map(|at| NodeIx(at as u32));
        let mut sessions = (0, 0);
        let mut received = vec![(0, 0, 0); nodes.len()];
        for shard in &mut self.shards {
            let state = shard.state();
            sessions = (sessions.0 + state.conntrack.sessions().len(), sessions.1 + state.nat.sessions().len());
            for (sum, at) in received.iter_mut().zip(nodes.clone()) {
                let counters = state.counters.node(at);
                *sum = (
                    sum.0 + counters.received.packets,
                    sum.1 + counters.received.bytes,
                    sum.2 + counters.dropped.packets,
                );
            }
        }
        let whole = (self.whole.conntrack.sessions().len(), self.whole.nat.sessions().len());
        // Sessions that are over are forgotten when the next one begins, in each table for itself.
        if sessions.0 < whole.0 || sessions.1 < whole.1 {
            return Err(format!("{sessions:?} sessions, but {whole:?} undivided"));
        }
        for (at, sum) in nodes.zip(received) {
            let counters = self.whole.counters.node(at);
            let whole = (counters.received.packets, counters.received.bytes, counters.dropped.packets);
            if sum != whole {
                return Err(format!("{at:?}: {sum:?} received and dropped, but {whole:?} undivided"));
            }
        }
        Ok(())
    }
}

/// What the receiver of a frame sends back.
fn answer(came: &[u8], is_error: bool, flags: &str) -> Vec<u8> {
    let parsed = Parsed::of(came).expect("it arrived");
    let (source, destination) = (parsed.destination.octets(), parsed.source.octets());
    match (parsed.protocol, parsed.ports) {
        _ if is_error && parsed.icmp.is_none() => frag_needed(source, destination, came),
        (Protocol::TCP, Some((theirs, mine))) => tcp(source, mine, destination, theirs, flags),
        (_, Some((theirs, mine))) => udp(source, mine, destination, theirs),
        _ => echo(source, destination, parsed.icmp.map_or(0, |icmp| icmp.identifier), true),
    }
}

/// A datagram of 1,200 bytes, in pieces for an MTU of 500.
fn in_pieces(mut frame: Vec<u8>, identification: u16) -> Vec<Vec<u8>> {
    frame.resize(14 + 1_200, 0);
    frame[16..18].copy_from_slice(&1_200u16.to_be_bytes());
    frame[18..20].copy_from_slice(&identification.to_be_bytes());
    frame[20..22].fill(0);
    frame[24..26].fill(0);
    let sum = checksum::checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[38..40].copy_from_slice(&1_180u16.to_be_bytes());
    fragments(&frame, 500).expect("it may be split").map(|piece| piece.to_vec()).collect()
}

fn own_address(world: &World, instance: &str) -> [u8; 4] {
    let address = world.model.network_interfaces[&world.eni(instance)].private_ip.octets();
    assert_eq!(address, DB, "the test's own constant");
    address
}

/// Ethernet addresses of a frame from `host` to its next hop.
fn addressed(program: &Program, host: HostIx, mut frame: Vec<u8>) -> Vec<u8> {
    let from = &program.hosts[host.at()];
    let next = match program.node(from.node) {
        Node::Eni(eni) => program.node_mac(eni.router),
        _ => program.node_mac(from.node),
    };
    ethernet::set_addresses(&mut frame, from.mac, next);
    frame
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn pick<'t, T>(state: &mut u64, choices: &'t [T]) -> &'t T {
    &choices[(next(state) >> 8) as usize % choices.len()]
}

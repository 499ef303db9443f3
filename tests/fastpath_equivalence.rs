//! The spine: a shard's memos do what walking each packet in turn does.
//!
//! Random packets (flows that come again, connections that open and close, answers to what was delivered, fragments, options, odd lengths, broken headers, wrong
//! Ethernet addresses) go in bursts through a [`Shard`], one by one through another, and one by one through `walk` on a state of its own. Bytes, verdict, endpoint and note must agree
//! packet by packet; sessions, translations, counters and NAT metrics after every burst. Between bursts time passes and the network changes. Each [`Mutant`] leaves a guard out and must be found.

mod world;

use std::sync::Arc;
use vpcsim::dataplane::{Frame, NoTap, PacketId, PacketMeta, State, Step, walk};
use vpcsim::fastpath::{BURST_MAX, Batch, Mutant, Outcome, Shard};
use vpcsim::ids::{RouteTableId, SecurityGroupId, VpcEndpointId};
use vpcsim::model::{RouteDestination, RouteOrigin, RouteTarget, RulePeer};
use vpcsim::net::{Ipv4Net, MacAddress, PortRange, Protocol, TrafficMatch};
use vpcsim::program::{HostIx, HostKind, Node, PlainPort, Program};
use vpcsim::time::{SimDuration, SimTime};
use vpcsim::wire::ethernet::AddressPair;
use vpcsim::wire::{checksum, ethernet};
use world::*;

const SEEDS: u64 = 60;
const SEEDS_FOR_A_MUTANT: u64 = 2_000;
const BURSTS_PER_SEED: usize = 60;

#[test]
fn a_shard_does_what_walking_does() {
    let mut memos = 0;
    for seed in 0..number_of_seeds() {
        memos += compare::<0>(seed).unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
    }
    assert!(memos > 20 * number_of_seeds(), "only {memos} packets went by a memo");
}

#[test]
fn every_guard_is_needed() {
    fn dies<const M: u8>() -> bool {
        (0..SEEDS_FOR_A_MUTANT).any(|seed| compare::<M>(seed).is_err())
    }
    let tries = [
        dies::<1>, dies::<2>, dies::<3>, dies::<4>, dies::<5>, dies::<6>, dies::<7>, dies::<8>, dies::<9>, dies::<10>,
        dies::<11>, dies::<12>,
    ];
    assert_eq!(tries.len(), Mutant::ALL.len());
    let survivors: Vec<Mutant> =
        Mutant::ALL.into_iter().zip(tries).filter(|(_, dies)| !dies()).map(|(mutant, _)| mutant).collect();
    assert_eq!(survivors, []);
}

#[test]
fn a_plain_router_routes_in_bursts_as_it_walks() {
    for seed in 0..number_of_seeds() {
        let mut dice = Dice::new(seed);
        let program = Arc::new(plain_router(&mut dice));
        let mut twin = Twin::<0>::new(program);
        for _ in 0..20 {
            let count = 1 + dice.below(BURST_MAX);
            let packets: Vec<(HostIx, Vec<u8>)> = (0..count)
                .map(|_| {
                    let sender = dice.below(4);
                    let destination = [10, dice.below(8) as u8, dice.below(3) as u8, 1];
                    let mut frame = match dice.below(4) {
                        0 => udp([10, 0, 0, 9], 7, destination, 9),
                        1 => echo([10, 0, 0, 9], destination, 3, false),
                        _ => tcp([10, 0, 0, 9], 7, destination, 9, dice.word(&["S", "A", "FA"])),
                    };
                    ethernet::set_addresses(&mut frame, MacAddress([2, 0, 0, 0, 0, sender as u8]), MacAddress([4; 6]));
                    disfigure(&mut dice, &mut frame);
                    (HostIx(sender as u32), frame)
                })
                .collect();
            twin.burst(&packets, SimTime::ZERO).unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
        }
        assert!(twin.shard.stats().walked < twin.shard.stats().packets, "seed {seed}: the loops routed nothing");
    }
}

/// `VPCSIM_SEEDS` overrides.
fn number_of_seeds() -> u64 {
    std::env::var("VPCSIM_SEEDS").ok().map_or(SEEDS, |text| text.parse().expect("a number"))
}

/// A shard, and what it is compared with.
struct Twin<const M: u8> {
    program: Arc<Program>,
    shard: Shard<M>,
    /// Takes the same packets one at a time; left out for mutants, so that bursts alone find them.
    single: Shard,
    naive: State,
    batch: Batch,
    /// What arrived where, to be answered.
    arrived: Vec<(HostIx, Vec<u8>)>,
}

impl<const M: u8> Twin<M> {
    fn new(program: Arc<Program>) -> Self {
        // Few places, so that flows drive each other out.
        let shard = Shard::new(Arc::clone(&program), State::default(), 16);
        let single = Shard::new(Arc::clone(&program), State::default(), 16);
        let batch = Batch::new(BURST_MAX, 2_048);
        Twin { program, shard, single, naive: State::default(), batch, arrived: Vec::new() }
    }

    fn burst(&mut self, packets: &[(HostIx, Vec<u8>)], now: SimTime) -> Result<(), String> {
        for (at, (sender, frame)) in packets.iter().enumerate() {
            self.batch.put(at, *sender, frame);
        }
        self.shard.run(&mut self.batch, 0..packets.len(), now);
        for (at, (sender, frame)) in packets.iter().enumerate() {
            let mut bytes = frame.clone();
            let outcome = self.walk(*sender, &mut bytes, now);
            let by_shard = self.batch.outcome(at);
            if by_shard != outcome {
                return Err(format!("packet {at}, {frame:02x?}: {by_shard:?}, but walked {outcome:?}"));
            }
            if self.batch.frame(at) != bytes {
                return Err(format!("packet {at}: {:02x?}, but walked {bytes:02x?}", self.batch.frame(at)));
            }
            let single = if M == 0 { self.single(*sender, frame, now) } else { (outcome, bytes.clone()) };
            if single != (outcome, bytes.clone()) {
                return Err(format!("packet {at} alone: {single:02x?}, but walked {outcome:?}, {bytes:02x?}"));
            }
            if let Step::Deliver(host) = outcome.verdict.step {
                self.arrived.push((host, bytes));
            }
        }
        let Twin { shard, single, program, naive, .. } = self;
        compare_states(program, shard.state(), naive)?;
        if M == 0 { compare_states(program, single.state(), naive) } else { Ok(()) }
    }

    /// Takes one packet alone. Where it comes out is noted, so that the note of a memo can be held against it.
    fn single(&mut self, sender: HostIx, frame: &[u8], now: SimTime) -> (Outcome, Vec<u8>) {
        let mut bytes = frame.to_vec();
        let mut meta = PacketMeta::from_host(PacketId(0), sender, now);
        let at = self.program.hosts[sender.at()].node;
        let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
        let passed = self.single.one(at, &mut frame, now, &mut NoTap, |_, host| host.0 + 1);
        let noted = if let Step::Deliver(host) = passed.verdict.step { host.0 + 1 } else { 0 };
        assert_eq!(passed.note, noted);
        (Outcome { verdict: passed.verdict, via_endpoint: meta.via_endpoint }, bytes)
    }

    fn walk(&mut self, sender: HostIx, bytes: &mut [u8], now: SimTime) -> Outcome {
        let mut meta = PacketMeta::from_host(PacketId(0), sender, now);
        let at = self.program.hosts[sender.at()].node;
        let mut frame = Frame { bytes, meta: &mut meta };
        let verdict = walk(&self.program, &mut self.naive, at, &mut frame, now, &mut NoTap);
        Outcome { verdict, via_endpoint: meta.via_endpoint }
    }
}

fn compare_states(program: &Program, state: &State, naive: &State) -> Result<(), String> {
    let differ = |what: &str, a: String, b: String| Err(format!("{what}: {a}, but walked {b}"));
    let sessions = (state.conntrack.sessions(), naive.conntrack.sessions());
    if sessions.0 != sessions.1 {
        return differ("sessions", format!("{:?}", sessions.0), format!("{:?}", sessions.1));
    }
    let translations = (state.nat.sessions(), naive.nat.sessions());
    if translations.0 != translations.1 {
        return differ("translations", format!("{:?}", translations.0), format!("{:?}", translations.1));
    }
    if state.counters != naive.counters {
        return differ("counters", format!("{:?}", state.counters), format!("{:?}", naive.counters));
    }
    let gateways = (0..program.nodes.len()).map(|at| vpcsim::program::NodeIx(at as u32));
    for gateway in gateways.filter(|at| matches!(program.node(*at), Node::NatGateway(_))) {
        let metrics = [&state.nat, &naive.nat].map(|nat| nat.metrics(gateway, SimTime::ZERO));
        if metrics[0] != metrics[1] {
            return differ("NAT metrics", format!("{:?}", metrics[0]), format!("{:?}", metrics[1]));
        }
    }
    Ok(())
}

/// Plays a seed; how many packets went by a memo.
fn compare<const M: u8>(seed: u64) -> Result<u64, String> {
    let mut dice = Dice::new(seed);
    let mut net = Net::new(&mut dice);
    let mut twin = Twin::<M>::new(net.program());
    let mut now = SimTime::ZERO;
    for burst in 0..BURSTS_PER_SEED {
        let count = 1 + dice.below(24);
        let packets: Vec<(HostIx, Vec<u8>)> = (0..count).map(|_| packet(&mut dice, &net, &twin.arrived)).collect();
        twin.burst(&packets, now).map_err(|difference| format!("burst {burst}: {difference}"))?;
        let pauses_ms = [0, 0, 1, 1, 10, 1_000, 29_000, 31_000, 61_000, 181_000, 349_000, 351_000];
        now += SimDuration::from_millis(*dice.of(&pauses_ms));
        if dice.below(8) == 0 {
            net.change(&mut dice);
            twin.program = net.program();
            twin.shard.adopt(Arc::clone(&twin.program));
            twin.single.adopt(Arc::clone(&twin.program));
        }
    }
    let by_memo = [twin.shard.stats(), twin.single.stats()].map(|stats| stats.packets - stats.walked);
    // A burst looks links up before its first walk may number them.
    assert!(M != 0 || by_memo[0] <= by_memo[1], "{by_memo:?} packets went by a memo in bursts and alone");
    Ok(by_memo[0])
}

/// The network of a seed: the tutorial's, with a NAT gateway, an endpoint, and one more instance behind groups that track.
struct Net {
    world: World,
    endpoint: VpcEndpointId,
    guarded: SecurityGroupId,
    endpoint_is_used: bool,
    hosts: Vec<(HostIx, MacAddress, MacAddress)>,
    addresses: Vec<[u8; 4]>,
}

impl Net {
    fn new(dice: &mut Dice) -> Net {
        let mut world = World::tutorial();
        if dice.below(2) == 0 {
            world.nat_gateway(1 + dice.below(2));
        }
        let everywhere = RulePeer::Cidr("0.0.0.0/0".parse().unwrap());
        let inside = RulePeer::Cidr("172.31.0.0/16".parse().unwrap());
        let all = TrafficMatch::All;
        let guarded = world.group("guarded", &[(true, all, everywhere), (false, all, inside)]);
        world.launch("db", world.public_subnet, &[guarded]);
        // What it sends is not tracked, as long as nobody has sent it something: what comes in is.
        let https = TrafficMatch::Ports(Protocol::TCP, PortRange::single(443));
        let lopsided = world.group("lopsided", &[(true, https, everywhere), (false, all, everywhere)]);
        world.launch("web", world.private_subnet, &[lopsided]);
        let tables = [world.main_table, world.private_table];
        let endpoint = world.endpoint(&tables[..dice.below(3)]);
        let mut net =
            Net { world, endpoint, guarded, endpoint_is_used: true, hosts: Vec::new(), addresses: Vec::new() };
        net.survey();
        net
    }

    fn program(&self) -> Arc<Program> {
        Arc::new(self.world.program.clone())
    }

    /// Who can send, and the addresses there are.
    fn survey(&mut self) {
        let program = &self.world.program;
        self.hosts.clear();
        self.addresses = vec![LAPTOP, DYNAMODB, [52, 94, 2, 73], [172, 31, 0, 200], [8, 8, 8, 8]];
        for (at, host) in program.hosts.iter().enumerate().filter(|(_, host)| !host.removed) {
            let next = match program.node(host.node) {
                Node::Eni(eni) => program.node_mac(eni.router),
                _ => program.node_mac(host.node),
            };
            if !matches!(host.kind, HostKind::Platform(_) | HostKind::OutsidePlatform(_)) {
                self.hosts.push((HostIx(at as u32), host.mac, next));
            }
        }
        for node in program.nodes.iter() {
            match node {
                Node::Eni(eni) => self.addresses.push(eni.private_ip.octets()),
                Node::InternetGateway(gateway) => {
                    self.addresses.extend(gateway.to_private.keys().map(|address| address.octets()));
                }
                _ => {}
            }
        }
    }

    fn change(&mut self, dice: &mut Dice) {
        let tables: [RouteTableId; 2] = [self.world.main_table, self.world.private_table];
        let model = &mut self.world.model;
        match dice.below(6) {
            0 => {
                // The rule goes, or comes back, sometimes open to all.
                let rules = &mut model.security_groups.get_mut(&self.guarded).unwrap().ingress;
                if rules.is_empty() {
                    let block = dice.of(&["0.0.0.0/0", "172.31.0.0/16"]).parse().unwrap();
                    let peer = RulePeer::Cidr(block);
                    model.add_security_group_rule(self.guarded, false, TrafficMatch::All, peer, None).unwrap();
                } else {
                    rules.clear();
                }
            }
            1 => {
                let block: Ipv4Net = "198.51.100.0/24".parse().unwrap();
                let (table, igw) = (*dice.of(&tables), self.world.igw);
                let routes = &mut model.route_tables.get_mut(&table).unwrap().routes;
                let before = routes.len();
                routes.retain(|route| route.destination != RouteDestination::Cidr(block));
                if routes.len() == before {
                    let target = RouteTarget::InternetGateway(igw);
                    let destination = RouteDestination::Cidr(block);
                    model.add_route(table, destination, target, RouteOrigin::CreateRoute).unwrap();
                }
            }
            2 if self.endpoint_is_used => {
                self.endpoint_is_used = false;
                drop(model.delete_vpc_endpoint(self.endpoint));
            }
            3 => {
                let instance = *dice.of(&["app-public", "db"]);
                let eni = self.world.eni(instance);
                if let Some(eni) = self.world.model.network_interfaces.get_mut(&eni) {
                    eni.source_dest_check = !eni.source_dest_check;
                }
            }
            // The same network, published anew.
            _ => {}
        }
        self.world.publish();
        self.survey();
    }
}

/// A packet of a few flows, or an answer to what arrived.
fn packet(dice: &mut Dice, net: &Net, arrived: &[(HostIx, Vec<u8>)]) -> (HostIx, Vec<u8>) {
    let recent = &arrived[arrived.len().saturating_sub(24)..];
    let (host, mut frame) = match recent {
        [_, ..] if dice.below(2) == 0 => {
            let (host, came) = dice.of(recent).clone();
            (host, answer(dice, &came))
        }
        _ => {
            let (host, _, _) = *dice.of(&net.hosts);
            let (source, destination) = (*dice.of(&net.addresses), *dice.of(&net.addresses));
            // Mostly one's own address.
            let own = own_address(net, host).filter(|_| dice.below(10) > 0);
            let (ports, source) = ((40_000 + dice.below(2) as u16, *dice.of(&[443, 53])), own.unwrap_or(source));
            (host, of_flow(dice, source, destination, ports))
        }
    };
    let Some((_, mac, next)) = net.hosts.iter().find(|(other, ..)| *other == host) else { return (host, frame) };
    let next = if dice.below(40) == 0 { MacAddress([6; 6]) } else { *next };
    ethernet::set_addresses(&mut frame, *mac, next);
    if dice.below(6) == 0 {
        disfigure(dice, &mut frame);
    }
    // A frame as another host sends it.
    let host = if dice.below(12) == 0 { dice.of(&net.hosts).0 } else { host };
    (host, frame)
}

fn own_address(net: &Net, host: HostIx) -> Option<[u8; 4]> {
    let program = &net.world.program;
    match (&program.hosts[host.at()].kind, program.node(program.hosts[host.at()].node)) {
        (HostKind::Instance(_), Node::Eni(eni)) => Some(eni.private_ip.octets()),
        (HostKind::Outside(_), _) => Some(LAPTOP),
        _ => Some(DYNAMODB),
    }
}

fn of_flow(dice: &mut Dice, source: [u8; 4], destination: [u8; 4], ports: (u16, u16)) -> Vec<u8> {
    match dice.below(8) {
        0 | 1 => udp(source, ports.0, destination, ports.1),
        2 => echo(source, destination, 7, false),
        _ => tcp(source, ports.0, destination, ports.1, dice.word(&["S", "A", "A", "A", "A", "FA", "R"])),
    }
}

/// What the receiver of a frame sends back.
fn answer(dice: &mut Dice, came: &[u8]) -> Vec<u8> {
    let Ok(parsed) = vpcsim::wire::Parsed::of(came) else { return came.to_vec() };
    let (source, destination) = (parsed.destination.octets(), parsed.source.octets());
    match (parsed.protocol, parsed.ports) {
        (Protocol::TCP, Some((theirs, mine))) => {
            tcp(source, mine, destination, theirs, dice.word(&["SA", "A", "A", "A", "FA", "R"]))
        }
        (_, Some((theirs, mine))) => udp(source, mine, destination, theirs),
        _ => echo(source, destination, parsed.icmp.map_or(0, |icmp| icmp.identifier), true),
    }
}

/// Makes a packet an odd one: short of life, long, in pieces, with options, broken.
fn disfigure(dice: &mut Dice, frame: &mut Vec<u8>) {
    match dice.below(7) {
        0 => frame[14 + 8] = dice.below(3) as u8,
        1 => {
            // Longer, by bytes that no transport checksum covers.
            let longer = 400 + dice.below(1_600);
            frame.resize(longer, 0);
            let total = (longer - 14) as u16;
            frame[16..18].copy_from_slice(&total.to_be_bytes());
            if frame[23] == 17 {
                frame[38..40].copy_from_slice(&(total - 20).to_be_bytes());
            }
        }
        2 => frame[20] |= 0x20,
        3 => {
            // Four bytes of no-operations.
            frame.splice(34..34, [1, 1, 1, 1]);
            frame[14] = 0x46;
            let total = (frame.len() - 14) as u16;
            frame[16..18].copy_from_slice(&total.to_be_bytes());
        }
        4 => {
            // The checksum stays wrong.
            let at = 14 + dice.below(20);
            frame[at] ^= 1 << dice.below(8);
            return;
        }
        // Padding.
        5 => frame.extend([0; 6]),
        _ => {
            let length = frame.len() - dice.below(3);
            frame.truncate(length);
        }
    }
    let header_end = 14 + usize::from(frame[14] & 15) * 4;
    frame[24..26].fill(0);
    let sum = checksum::checksum(&frame[14..header_end]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
}

/// A plain router with four ports and random prefixes.
fn plain_router(dice: &mut Dice) -> Program {
    let ports = (0..4u32).map(|port| PlainPort {
        host: HostIx(port),
        addresses: AddressPair::new(MacAddress([4; 6]), MacAddress([2, 0, 0, 0, 0, port as u8])),
    });
    let routes: Vec<_> = (0..6)
        .map(|_| {
            let prefix = format!("10.{}.{}.0/{}", dice.below(8), dice.below(3), dice.of(&[8, 15, 16, 24]));
            (prefix.parse::<vpcsim::net::Ipv4Net>().unwrap().trunc(), dice.below(5) as u16)
        })
        .collect();
    Program::plain_router(MacAddress([4; 6]), ports.collect(), &routes)
}

/// Random choices of a seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn word(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }

    fn of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }
}

//! The thing under test: vpcsim's compiler and data plane, driven packet by packet, and what they said while they worked.

use super::frames::{self, Shape};
use super::packet::{LinkDestination, Packet, Party};
use super::rules::Side;
use super::traffic::Sending;
use std::collections::BTreeMap;
use vpcsim::compile::Compiler;
use vpcsim::dataplane::{
    Decision, Direction, DropReason, Frame, PacketId, PacketMeta, Reply, STEPS_MAX, SecurityVerdict, State, Step, Tap,
    step, walk,
};
use vpcsim::model::Model;
use vpcsim::net::MacAddress;
use vpcsim::program::{HostIx, HostKind, Node, NodeIx, Program};
use vpcsim::time::SimTime;

/// A compiled network with its state.
pub struct Subject {
    compiler: Compiler,
    pub program: Program,
    state: State,
    sent: u64,
    delivered: u64,
    dropped: u64,
    /// Where each end system stood when it was first seen: it must stay there.
    places: BTreeMap<HostKind, (HostIx, NodeIx)>,
}

/// How vpcsim says a packet ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered { to: Party, bytes: Vec<u8> },
    Dropped(DropReason),
    Replied,
}

/// A packet's verdict and the way it took, in the reference's words.
#[derive(Clone, Debug)]
pub struct Seen {
    pub verdict: Verdict,
    pub path: Vec<String>,
    /// Security-group rules that let it pass: side, group, position in the group.
    pub rules: Vec<(Side, String, usize)>,
    /// The endpoint in the packet's metadata.
    pub via_endpoint: Option<String>,
}

impl Subject {
    /// Compiles a first time.
    pub fn new(model: &Model) -> Subject {
        let mut compiler = Compiler::new();
        let program = compiler.compile(model).expect("random models are small");
        let mut subject = Subject {
            compiler,
            program,
            state: State::default(),
            sent: 0,
            delivered: 0,
            dropped: 0,
            places: BTreeMap::new(),
        };
        subject.check_places();
        subject
    }

    /// Publishes a changed model; the state stays.
    pub fn recompile(&mut self, model: &Model) {
        let epoch = self.program.epoch;
        self.program = self.compiler.compile(model).expect("random models are small");
        assert!(self.program.epoch > epoch, "every publication has an epoch of its own");
        self.check_places();
    }

    /// Indices given once keep their meaning.
    fn check_places(&mut self) {
        for (at, host) in self.program.hosts.iter().enumerate() {
            let now = (HostIx(at as u32), host.node);
            let before = *self.places.entry(host.kind.clone()).or_insert(now);
            assert_eq!(before, now, "{:?} moved", host.kind);
        }
        let present: Vec<&HostKind> = self.program.hosts.iter().map(|host| &host.kind).collect();
        for kind in self.places.keys() {
            assert!(present.contains(&kind), "{kind:?} lost its place");
        }
    }

    /// Sends a packet and follows it to its end. With `republish` the same network is compiled anew while the packet is on its way,
    /// which must not matter to it.
    pub fn send(&mut self, model: &Model, sending: &Sending, shape: Shape, now_ns: u64, republish: bool) -> Seen {
        let kind = host_kind(&sending.from);
        let at = self.program.hosts.iter().position(|host| host.kind == kind);
        let at = at.unwrap_or_else(|| panic!("{kind:?} is in the model, but not in the program"));
        let (sender, entry) = (HostIx(at as u32), self.program.hosts[at].node);
        let (source, destination) = self.ethernet(model, sending, entry);
        let mut bytes = frames::frame(&sending.packet, shape, source, destination);
        self.sent += 1;
        let now = SimTime::from_nanos(now_ns);
        let id = PacketId(self.sent);
        let mut meta = PacketMeta::from_host(id, sender, now);
        let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
        let (mut path, mut rules) = (Vec::new(), Vec::new());
        let (last, end) = match republish {
            false => {
                let mut notes = Notes { program: &self.program, path: &mut path, rules: &mut rules };
                let end = walk(&self.program, &mut self.state, entry, &mut frame, now, &mut notes);
                (end.at, end.step)
            }
            true => self.step_by_step(model, entry, &mut frame, now, &mut path, &mut rules),
        };
        let verdict = match end {
            Step::Deliver(host) => {
                let to = party(&self.program.hosts[host.at()].kind);
                self.check_ethernet(model, &to, last, &sending.from, &bytes);
                self.delivered += 1;
                Verdict::Delivered { to, bytes: bytes.split_off(frames::ETHERNET) }
            }
            Step::Drop(reason) => {
                self.dropped += 1;
                Verdict::Dropped(reason)
            }
            Step::Reply(Reply::InPlace) => Verdict::Replied,
            Step::Forward(..) => panic!("a walk ends"),
            step => panic!("{step:?}: the reference draws no such thing"),
        };
        let via_endpoint = meta.via_endpoint.map(|node| self.program.origins.node(node).id.clone());
        Seen { verdict, path, rules, via_endpoint }
    }

    fn step_by_step(
        &mut self,
        model: &Model,
        entry: NodeIx,
        frame: &mut Frame<'_>,
        now: SimTime,
        path: &mut Vec<String>,
        rules: &mut Vec<(Side, String, usize)>,
    ) -> (NodeIx, Step) {
        let mut at = entry;
        for _ in 0..2 * STEPS_MAX {
            let mut notes = Notes { program: &self.program, path: &mut *path, rules: &mut *rules };
            match step(&self.program, &mut self.state, at, frame, now, &mut notes) {
                Step::Forward(next, link) => {
                    assert!(link.is_none_or(|link| link.at() < self.program.links.len()), "{link:?} exists");
                    assert_eq!(frame.meta.from, Some(at), "step says where the packet comes from");
                    at = next;
                    self.recompile(model);
                }
                end => return (at, end),
            }
        }
        panic!("a walk ends");
    }

    /// Nothing is lost and nothing counted twice, at any node.
    pub fn check_counters(&self) {
        let (mut delivered, mut dropped) = (0, 0);
        for (at, node) in self.state.counters.all().iter().enumerate() {
            let packets = |count: vpcsim::dataplane::counters::Count| count.packets;
            let out = [node.forwarded, node.delivered, node.answered, node.dropped].map(packets).iter().sum::<u64>();
            assert_eq!(node.received.packets, out, "node {at}: everything that came in went out");
            let by_reason: u64 = node.drops().map(|(_, count)| count.packets).sum();
            assert_eq!(node.dropped.packets, by_reason, "node {at}: every drop has its reason");
            delivered += node.delivered.packets;
            dropped += node.dropped.packets;
        }
        assert_eq!((delivered, dropped), (self.delivered, self.dropped), "counters and verdicts");
    }

    /// Source and destination of the frame that the sender would write.
    fn ethernet(&self, model: &Model, sending: &Sending, entry: NodeIx) -> (MacAddress, MacAddress) {
        let nobody = MacAddress([0x02, 0xde, 0xad, 0xbe, 0xef, 0x00]);
        match &sending.from {
            Party::Instance(eni) => {
                let own = model.network_interfaces.get(eni).map_or(nobody, |eni| eni.mac);
                let to = match sending.link {
                    LinkDestination::Router => match &self.program.nodes[entry.at()] {
                        Node::Eni(node) => self.mac_of(node.router),
                        _ => nobody,
                    },
                    LinkDestination::Interface(other) => {
                        model.network_interfaces.get(&other).map_or(nobody, |other| other.mac)
                    }
                    LinkDestination::Nobody => nobody,
                    LinkDestination::Broadcast => MacAddress::BROADCAST,
                };
                (own, to)
            }
            Party::Platform(eni) => {
                let to = model.network_interfaces.get(eni).map_or(nobody, |eni| eni.mac);
                (self.mac_of(entry), to)
            }
            _ => (nobody, self.mac_of(entry)),
        }
    }

    fn mac_of(&self, node: NodeIx) -> MacAddress {
        match &self.program.nodes[node.at()] {
            Node::Eni(node) => node.mac,
            Node::Router(node) => node.mac,
            Node::InternetGateway(node) => node.mac,
            Node::GatewayEndpoint(node) => node.mac,
            Node::Internet(node) => node.mac,
            Node::Tombstone => MacAddress([0x02, 0xde, 0xad, 0xbe, 0xef, 0x01]),
            other => panic!("{other:?}: the reference draws no such thing"),
        }
    }

    /// A guest gets frames addressed to its interface: by its neighbour, or by the router if they were routed.
    fn check_ethernet(&self, model: &Model, to: &Party, node: NodeIx, from: &Party, bytes: &[u8]) {
        let Party::Instance(eni) = to else { return };
        if matches!(from, Party::Platform(_)) {
            return;
        }
        let own = model.network_interfaces[eni].mac;
        assert_eq!(bytes[..6], own.0, "delivered to {eni}: its Ethernet address");
        let Node::Eni(node) = &self.program.nodes[node.at()] else { panic!("{eni} is delivered to by its own node") };
        let neighbour = model.network_interfaces.values().any(|other| other.mac.0 == bytes[6..12]);
        assert!(neighbour || bytes[6..12] == self.mac_of(node.router).0, "delivered to {eni}: by router or neighbour");
    }
}

/// Takes down decisions in the reference's words.
struct Notes<'p, 'n> {
    program: &'p Program,
    path: &'n mut Vec<String>,
    rules: &'n mut Vec<(Side, String, usize)>,
}

impl Tap for Notes<'_, '_> {
    fn on_enter(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, _bytes: &[u8]) {
        match &self.program.nodes[at.at()] {
            Node::Router(_) => {}
            Node::Internet(_) => self.path.push("internet".to_owned()),
            _ => self.path.push(self.program.origins.node(at).id.clone()),
        }
    }

    fn on_decision(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        let origins = &self.program.origins;
        match decision {
            Decision::SecurityGroup { direction, verdict } => {
                let word = match verdict {
                    SecurityVerdict::Tracked => "tracked",
                    SecurityVerdict::Rule { tracked: true, .. } => "rule, tracked from now on",
                    SecurityVerdict::Rule { tracked: false, .. } => "rule, not tracked",
                    SecurityVerdict::NoRule => "no rule",
                    other => panic!("{other:?}: the reference draws no such thing"),
                };
                if let SecurityVerdict::Rule { group, position, .. } = verdict {
                    let group = origins.group(group).id.clone();
                    self.rules.push((side(direction), group, usize::from(position)));
                }
                self.path.push(format!("sg {} {word}", side(direction).word()));
            }
            Decision::NetworkAcl { acl, direction, rule, allowed } => {
                let number = rule.map_or("*".to_owned(), |number| number.to_string());
                assert!(rule.is_some() || !allowed, "the final rule denies");
                self.path.push(format!("{} {} {number}", origins.acl(acl).id, side(direction).word()));
            }
            Decision::Route { table, destination, entry } => {
                let origin = &origins.tables[table.at()];
                let what = match entry {
                    Some(entry) => {
                        let winner = origins.explain_route(table, entry, destination).winner;
                        format!("{} -> {}", winner.cidr, winner.target)
                    }
                    None => "no route".to_owned(),
                };
                self.path.push(format!("{} {what}", origin.table.id));
            }
            _ => {}
        }
    }
}

fn side(direction: Direction) -> Side {
    match direction {
        Direction::Egress => Side::Out,
        Direction::Ingress => Side::In,
    }
}

fn host_kind(party: &Party) -> HostKind {
    match party.clone() {
        Party::Instance(eni) => HostKind::Instance(eni),
        Party::Platform(eni) => HostKind::Platform(eni),
        Party::Outside(name) => HostKind::Outside(name),
        Party::OutsidePlatform(name) => HostKind::OutsidePlatform(name),
        Party::PublicService(kind, region) => HostKind::PublicService(kind, region),
        Party::EndpointService(id) => HostKind::EndpointService(id),
    }
}

fn party(kind: &HostKind) -> Party {
    match kind.clone() {
        HostKind::Instance(eni) => Party::Instance(eni),
        HostKind::Platform(eni) => Party::Platform(eni),
        HostKind::Outside(name) => Party::Outside(name),
        HostKind::OutsidePlatform(name) => Party::OutsidePlatform(name),
        HostKind::PublicService(kind, region) => Party::PublicService(kind, region),
        HostKind::EndpointService(id) => Party::EndpointService(id),
        other => panic!("{other:?}: the reference draws no such thing"),
    }
}

/// The bytes that the packet should have at its end, after whatever translation.
pub fn expected_bytes(packet: &Packet, shape: Shape) -> Vec<u8> {
    frames::ip(packet, shape)
}

//! The thing under test: vpcsim's compiler and data plane, driven packet by packet, and what they said while they worked.

use super::frames;
use super::packet::{LinkDestination, Packet, Party};
use super::rules::Side;
use super::traffic::Sending;
use super::world::Choices;
use notes::{Notes, host_kind, party};
use std::collections::BTreeMap;
use std::fmt;
use vpcsim::compile::Compiler;
use vpcsim::dataplane::{DropReason, Frame, PacketId, PacketMeta, Reply, STEPS_MAX, State, Step, answer, step, walk};
use vpcsim::model::Model;
use vpcsim::net::MacAddress;
use vpcsim::program::{HostIx, HostKind, Node, NodeIx, Program};
use vpcsim::time::SimTime;
use vpcsim::wire::fragment::fragments;

mod notes;

/// A compiled network with its state.
pub struct Subject {
    compiler: Compiler,
    pub program: Program,
    state: State,
    next_id: u64,
    pub counts: Counts,
    /// Where each end system stood when it was first seen: it must stay there.
    places: BTreeMap<HostKind, (HostIx, NodeIx)>,
}

/// What became of packets: nothing is lost, and nothing comes from nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub injected: u64,
    pub generated: u64,
    pub fragments_made: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub answered: u64,
    pub fragmented: u64,
}

/// An IP packet as bytes, shown short.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes {:02x?}", self.0.len(), &self.0[..self.0.len().min(28)])
    }
}

/// How vpcsim says a packet ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered {
        to: Party,
        bytes: Bytes,
    },
    Dropped(DropReason),
    /// Dropped, and its source is told, with this IP packet.
    Refused(DropReason, Bytes),
    Split(usize),
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
    /// What it brought forth.
    pub children: Vec<Seen>,
}

/// A packet on its way.
struct Flight {
    bytes: Vec<u8>,
    meta: PacketMeta,
    at: NodeIx,
    /// Who sent it, if no node made it.
    from: Option<Party>,
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
            next_id: 0,
            counts: Counts::default(),
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

    /// Sends a packet and follows it, and what it brings forth, to the end. With `republish` the same network is compiled anew while the packet is on its way,
    /// which must not matter to it. Also says what was chosen where AWS leaves the choice.
    pub fn send(&mut self, model: &Model, sending: &Sending, now_ns: u64, republish: bool) -> (Seen, Choices) {
        let kind = host_kind(&sending.from);
        let at = self.program.hosts.iter().position(|host| host.kind == kind);
        let at = at.unwrap_or_else(|| panic!("{kind:?} is in the model, but not in the program"));
        let (sender, entry) = (HostIx(at as u32), self.program.hosts[at].node);
        let (source, destination) = self.ethernet(model, sending, entry);
        let bytes = frames::frame(&sending.packet, source, destination);
        self.counts.injected += 1;
        let now = SimTime::from_nanos(now_ns);
        let meta = PacketMeta::from_host(self.new_id(), sender, now);
        let mut choices = Choices::default();
        let flight = Flight { bytes, meta, at: entry, from: Some(sending.from.clone()) };
        let seen = self.fly(model, flight, now, republish, &mut choices);
        (seen, choices)
    }

    fn new_id(&mut self) -> PacketId {
        self.next_id += 1;
        PacketId(self.next_id)
    }

    fn fly(&mut self, model: &Model, flight: Flight, now: SimTime, republish: bool, choices: &mut Choices) -> Seen {
        let Flight { mut bytes, mut meta, at: entry, from } = flight;
        let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
        let (mut path, mut rules) = (Vec::new(), Vec::new());
        let (last, end) = match republish {
            false => {
                let mut notes = Notes::new(&self.program, model, &mut path, &mut rules, choices);
                let end = walk(&self.program, &mut self.state, entry, &mut frame, now, &mut notes);
                (end.at, end.step)
            }
            true => self.step_by_step(model, entry, &mut frame, now, &mut path, &mut rules, choices),
        };
        let mut children = Vec::new();
        let verdict = match end {
            Step::Deliver(host) => {
                let to = party(&self.program.hosts[host.at()].kind);
                self.check_ethernet(model, &to, last, from.as_ref(), &bytes);
                self.counts.delivered += 1;
                Verdict::Delivered { to, bytes: Bytes(bytes.split_off(frames::ETHERNET)) }
            }
            Step::Drop(reason) => {
                self.counts.dropped += 1;
                Verdict::Dropped(reason)
            }
            Step::Reply(Reply::Error { reason, answer }) => {
                self.counts.dropped += 1;
                match answer::build(&self.program, last, answer, &bytes, &meta) {
                    None => Verdict::Dropped(reason),
                    Some(said) => {
                        self.counts.generated += 1;
                        let own = PacketMeta::from_host(self.new_id(), meta.sender, now);
                        let own = PacketMeta { from: Some(said.from), ..own };
                        let child = Flight { bytes: said.bytes.clone(), meta: own, at: said.at, from: None };
                        children.push(self.fly(model, child, now, republish, choices));
                        Verdict::Refused(reason, Bytes(said.bytes[frames::ETHERNET..].to_vec()))
                    }
                }
            }
            Step::Fragment { mtu_bytes, next, link } => {
                assert!(link.is_none_or(|link| link.at() < self.program.links.len()), "{link:?} exists");
                self.counts.fragmented += 1;
                let mtu_bytes = usize::from(mtu_bytes);
                let pieces: Vec<Vec<u8>> = fragments(&bytes, mtu_bytes).expect("it may be split").collect();
                for piece in pieces {
                    self.counts.fragments_made += 1;
                    let own = PacketMeta { id: self.new_id(), ..meta };
                    let child = Flight { bytes: piece, meta: own, at: next, from: None };
                    children.push(self.fly(model, child, now, republish, choices));
                }
                Verdict::Split(mtu_bytes)
            }
            Step::Reply(Reply::InPlace) => panic!("only ARP is answered in place"),
            Step::Forward(..) => panic!("a walk ends"),
        };
        let via_endpoint = meta.via_endpoint.map(|node| self.program.origins.node(node).id.clone());
        Seen { verdict, path, rules, via_endpoint, children }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a walk")]
    fn step_by_step(
        &mut self,
        model: &Model,
        entry: NodeIx,
        frame: &mut Frame<'_>,
        now: SimTime,
        path: &mut Vec<String>,
        rules: &mut Vec<(Side, String, usize)>,
        choices: &mut Choices,
    ) -> (NodeIx, Step) {
        let mut at = entry;
        for _ in 0..2 * STEPS_MAX {
            let mut notes = Notes::new(&self.program, model, path, rules, choices);
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

    /// Nothing is lost and nothing counted twice, at any node and in all.
    pub fn check_counters(&self) {
        let mut sums = [0; 4];
        for (at, node) in self.state.counters.all().iter().enumerate() {
            let counts = [node.forwarded, node.delivered, node.answered, node.dropped, node.fragmented];
            let out: u64 = counts.iter().map(|count| count.packets).sum();
            assert_eq!(node.received.packets, out, "node {at}: everything that came in went out");
            let by_reason: u64 = node.drops().map(|(_, count)| count.packets).sum();
            assert_eq!(node.dropped.packets, by_reason, "node {at}: every drop has its reason");
            for (sum, count) in sums.iter_mut().zip([node.delivered, node.dropped, node.fragmented, node.answered]) {
                *sum += count.packets;
            }
        }
        let Counts { injected, generated, fragments_made, delivered, dropped, answered, fragmented } = self.counts;
        assert_eq!(sums, [delivered, dropped, fragmented, answered], "counters and verdicts");
        let came = injected + generated + fragments_made;
        assert_eq!(came, delivered + dropped + answered + fragmented, "{:?}", self.counts);
    }

    /// Source and destination of the frame that the sender would write.
    fn ethernet(&self, model: &Model, sending: &Sending, entry: NodeIx) -> (MacAddress, MacAddress) {
        let nobody = MacAddress([0x02, 0xde, 0xad, 0xbe, 0xef, 0x00]);
        match &sending.from {
            Party::Instance(eni) | Party::InterfaceService(eni) => {
                let own = model.network_interfaces.get(eni).map_or(nobody, |eni| eni.mac);
                let to = match sending.link {
                    LinkDestination::Router => match &self.program.nodes[entry.at()] {
                        Node::Eni(node) => self.program.node_mac(node.router),
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
                (self.program.node_mac(entry), to)
            }
            _ => (nobody, self.program.node_mac(entry)),
        }
    }

    /// A guest gets frames addressed to its interface: by its neighbour, or by the router if they were routed.
    fn check_ethernet(&self, model: &Model, to: &Party, node: NodeIx, from: Option<&Party>, bytes: &[u8]) {
        let Party::Instance(eni) = to else { return };
        if matches!(from, Some(Party::Platform(_))) {
            return;
        }
        let own = model.network_interfaces[eni].mac;
        assert_eq!(bytes[..6], own.0, "delivered to {eni}: its Ethernet address");
        let Node::Eni(node) = &self.program.nodes[node.at()] else { panic!("{eni} is delivered to by its own node") };
        let neighbour = model.network_interfaces.values().any(|other| other.mac.0 == bytes[6..12]);
        let router = self.program.node_mac(node.router);
        assert!(neighbour || bytes[6..12] == router.0, "delivered to {eni}: by router or neighbour");
    }
}

/// The bytes that the packet should have at its end, after whatever translation.
pub fn expected_bytes(packet: &Packet) -> Vec<u8> {
    frames::ip(packet)
}

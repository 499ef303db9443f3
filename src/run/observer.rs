//! What the report says about each host: its packets, the road they took, the routes that decided, the drops, and latency per road.
//!
//! Watches the data plane like a capture does; decides nothing. Invariant: packets are counted at the host's own network interface, both ways.

use super::counts::Counts;
use crate::dataplane::{Decision, DropReason, Made, PacketId, PacketMeta, Step, Tap};
use crate::explain::road::Road;
use crate::metrics::{LatencyKind, RoadLatencies};
use crate::program::{HostIx, HostKind, Node, NodeIx, Program, TableIx};
use crate::sim::PacketMap;
use crate::time::SimTime;
use crate::wire::Parsed;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A route table's answer to one of the host's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteUse {
    /// The program that answered: the table may have other entries by the time the step is reported.
    pub epoch: u64,
    /// The table.
    pub table: TableIx,
    /// The deciding entry, or none.
    pub entry: Option<u16>,
    /// The destination.
    pub destination: Ipv4Addr,
}

/// What dropped a host's packets, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DropUse {
    /// Why.
    pub reason: DropReason,
    /// Where; none is a link.
    pub at: Option<NodeIx>,
    /// The sender of the answer that was dropped; none: the host's own packet.
    pub answer_from: Option<Ipv4Addr>,
    /// The program and the table without a route for the answer. For the host's own packets the route decisions tell.
    pub table: Option<(u64, TableIx)>,
}

/// What was seen of one host.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Frames at its interface, both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets it sent that reached the far end, by road.
    pub roads: BTreeMap<Road, u64>,
    /// Source addresses that the far end saw in packets it sent.
    pub seen_as: BTreeMap<Ipv4Addr, u64>,
    /// Route decisions on its packets.
    pub routes: BTreeMap<RouteUse, u64>,
    /// Packets of its flows that were dropped, answers to it included.
    pub drops: BTreeMap<DropUse, u64>,
    /// The programs of the route decisions, by epoch.
    pub programs: BTreeMap<u64, Arc<Program>>,
    /// The road that its latest packet to arrive took.
    pub last_road: Option<Road>,
}

impl Observation {
    /// What came after `earlier`, an observation of the same host.
    pub fn since(mut self, earlier: &Observation) -> Observation {
        self.packets -= earlier.packets.min(self.packets);
        self.bytes -= earlier.bytes.min(self.bytes);
        subtract(&mut self.roads, &earlier.roads);
        subtract(&mut self.seen_as, &earlier.seen_as);
        subtract(&mut self.routes, &earlier.routes);
        subtract(&mut self.drops, &earlier.drops);
        self
    }
}

fn subtract<K: Ord>(counts: &mut BTreeMap<K, u64>, earlier: &BTreeMap<K, u64>) {
    counts.retain(|key, count| {
        *count -= earlier.get(key).copied().unwrap_or(0).min(*count);
        *count > 0
    });
}

/// An observation under way.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// All of it but the routes.
    other: Observation,
    routes: Counts<RouteUse>,
}

/// Who opened the flows that far ends answer: (far end, peer as it sees it) -> the nearer end.
#[derive(Default)]
struct Flows {
    openers: FxHashMap<Flow, HostIx>,
    /// The same flows in order: which to forget first.
    order: BTreeSet<Flow>,
}

type Flow = (HostIx, Ipv4Addr, u16);

impl Flows {
    fn opener(&self, flow: Flow) -> Option<HostIx> {
        self.openers.get(&flow).copied()
    }

    /// Takes note of a flow's first packet. Beyond [`FLOWS_MAX`] the lowest flow is forgotten.
    fn open(&mut self, flow: Flow, opener: HostIx) {
        if let Entry::Vacant(free) = self.openers.entry(flow) {
            free.insert(opener);
            self.order.insert(flow);
            if self.order.len() > FLOWS_MAX
                && let Some(lowest) = self.order.pop_first()
            {
                self.openers.remove(&lowest);
            }
        }
    }
}

/// The observer.
pub struct Observer {
    program: Arc<Program>,
    /// By host; those at the end of whom nothing was seen are left out.
    hosts: Vec<Seen>,
    flows: Flows,
    under_way: PacketMap<UnderWay>,
    /// Packets under way by which a node tells a host about one of its own: they say nothing about the host's roads.
    answers: BTreeSet<PacketId>,
    /// Packets that were split lately.
    split: VecDeque<(PacketId, UnderWay)>,
    latencies: RoadLatencies,
    run: CurrentRun,
}

/// Flows remembered at once; the lowest keys are forgotten beyond.
const FLOWS_MAX: usize = 65_536;

/// Split packets remembered at once, so that their fragments know the road; the oldest is forgotten beyond.
const SPLIT_MAX: usize = 256;

#[derive(Clone, Copy)]
struct UnderWay {
    road: Option<Road>,
    source: Option<(Ipv4Addr, u16)>,
    destination: Option<(Ipv4Addr, u16)>,
}

#[derive(Default)]
struct CurrentRun {
    road: Option<Road>,
    routes: Vec<RouteUse>,
    end: Option<(Option<NodeIx>, Step)>,
    length: usize,
    source: Option<(Ipv4Addr, u16)>,
    destination: Option<(Ipv4Addr, u16)>,
}

impl Observer {
    /// An observer of nothing yet.
    pub fn new() -> Self {
        Observer {
            program: Arc::new(Program::empty()),
            hosts: Vec::new(),
            flows: Flows::default(),
            under_way: PacketMap::default(),
            answers: BTreeSet::new(),
            split: VecDeque::new(),
            latencies: RoadLatencies::default(),
            run: CurrentRun::default(),
        }
    }

    /// Follows a new program.
    pub fn adopt(&mut self, program: &Arc<Program>) {
        self.program = Arc::clone(program);
    }

    /// Forgets what was seen of every host.
    pub fn forget(&mut self) {
        self.hosts.clear();
    }

    /// What was seen of `host` since [`Observer::forget`]. Steps that overlap on one host each see all of it.
    pub fn observation(&self, host: HostIx) -> Observation {
        let seen = self.hosts.get(host.at());
        seen.map(|seen| Observation { routes: seen.routes.to_map(), ..seen.other.clone() }).unwrap_or_default()
    }

    /// The road that the host's latest packet to arrive took.
    pub fn current_road(&self, host: HostIx) -> Option<Road> {
        self.hosts.get(host.at())?.other.last_road
    }

    /// Latencies per road since the beginning.
    pub fn latencies(&self) -> &RoadLatencies {
        &self.latencies
    }

    /// Latencies per road, to add round trips.
    pub fn latencies_mut(&mut self) -> &mut RoadLatencies {
        &mut self.latencies
    }

    /// Whether steps can be `on` this host.
    fn is_actor(&self, host: HostIx) -> bool {
        matches!(
            self.program.hosts[host.at()].kind,
            HostKind::Instance(_)
                | HostKind::Outside(_)
                | HostKind::EndpointService(_)
                | HostKind::InterfaceEndpointService(_)
                | HostKind::OnPremises(..)
        )
    }

    fn seen(&mut self, host: HostIx) -> &mut Seen {
        if host.at() >= self.hosts.len() {
            self.hosts.resize_with(host.at() + 1, Seen::default);
        }
        &mut self.hosts[host.at()]
    }

    fn forget_packet(&mut self, packet: PacketId) -> Option<UnderWay> {
        self.answers.remove(&packet);
        self.under_way.remove(packet)
    }

    fn count_frame(&mut self, host: HostIx, length: usize) {
        let observation = &mut self.seen(host).other;
        observation.packets += 1;
        observation.bytes += length as u64;
    }

    /// `source` is whom the dropped packet came from, `sent_to` whom its sender sent it to, `last` the last route decision on it.
    fn count_drop(
        &mut self,
        packet: &PacketMeta,
        at: Option<NodeIx>,
        reason: DropReason,
        (source, sent_to): (Option<End>, Option<End>),
        last: Option<RouteUse>,
    ) {
        let key = DropUse { reason, at, answer_from: None, table: None };
        if self.is_actor(packet.sender) {
            *self.seen(packet.sender).other.drops.entry(key).or_default() += 1;
        }
        let opener = sent_to.and_then(|(address, port)| {
            self.flows.opener((packet.sender, address, port)).filter(|opener| *opener != packet.sender)
        });
        if let Some(opener) = opener {
            let without_route = last.filter(|route| route.entry.is_none()).map(|route| (route.epoch, route.table));
            if without_route.is_some() {
                let program = Arc::clone(&self.program);
                self.seen(opener).other.programs.entry(program.epoch).or_insert(program);
            }
            let answer_from = source.map(|(address, _)| address);
            let key = DropUse { answer_from, table: without_route, ..key };
            *self.seen(opener).other.drops.entry(key).or_default() += 1;
        }
    }
}

impl Default for Observer {
    fn default() -> Self {
        Observer::new()
    }
}

impl Tap for Observer {
    fn on_enter(&mut self, _now: SimTime, _at: NodeIx, packet: &PacketMeta, bytes: &[u8]) {
        if self.run.length == 0 {
            self.run.length = bytes.len();
            (self.run.source, self.run.destination) = ends(bytes);
            // A road goes on behind a link, and a packet is for whom its sender sent it to.
            if let Some(UnderWay { road, destination, .. }) = self.under_way.get(packet.id) {
                self.run.road = *road;
                self.run.destination = destination.or(self.run.destination);
            }
            if packet.from.is_none() && self.is_actor(packet.sender) {
                self.count_frame(packet.sender, bytes.len());
            }
        }
    }

    fn on_decision(&mut self, _now: SimTime, at: NodeIx, packet: &PacketMeta, decision: Decision) {
        // What was seen before the last link counts: behind a NAT gateway, the internet gateway is no road of its own.
        let so_far = self.run.road.or_else(|| self.under_way.get(packet.id).and_then(|earlier| earlier.road));
        self.run.road = Road::after(so_far, &self.program, at, &decision);
        if let Decision::Route { table, destination, entry } = decision
            && self.is_actor(packet.sender)
            && !self.answers.contains(&packet.id)
        {
            self.run.routes.push(RouteUse { epoch: self.program.epoch, table, entry, destination });
        }
    }

    fn on_step(&mut self, _now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8], step: Step) {
        self.run.end = Some((Some(at), step));
        // What matters is how the packet looks when the run ends; with this step it does not.
        if !matches!(step, Step::Forward(_, None)) {
            self.run.source = ends(bytes).0;
        }
        if let Step::Deliver(host) = step
            && self.is_actor(host)
            && (host != packet.sender
                || matches!(self.program.nodes[at.at()], Node::Eni(_) | Node::Internet(_) | Node::OnPremises(_)))
        {
            self.count_frame(host, bytes.len());
        }
    }

    fn on_made(&mut self, _now: SimTime, _at: NodeIx, of: &PacketMeta, packet: &PacketMeta, made: Made) {
        match made {
            Made::Answer(_) => {
                self.answers.insert(packet.id);
            }
            // A fragment goes on where the whole packet was.
            Made::Fragment { .. } => {
                if let Some((_, whole)) = self.split.iter().find(|(whole, _)| *whole == of.id) {
                    self.under_way.insert(packet.id, *whole);
                }
            }
        }
    }

    fn on_link_drop(
        &mut self,
        _now: SimTime,
        from: Option<NodeIx>,
        _packet: &PacketMeta,
        bytes: &[u8],
        reason: DropReason,
    ) {
        self.run.destination = ends(bytes).1;
        self.run.end = Some((from, Step::Drop(reason)));
    }

    fn on_run_end(&mut self, _now: SimTime, packet: &PacketMeta) {
        let mut run = std::mem::take(&mut self.run);
        for route in &run.routes {
            if self.seen(packet.sender).routes.add(*route) {
                let program = Arc::clone(&self.program);
                self.seen(packet.sender).other.programs.entry(program.epoch).or_insert(program);
            }
        }
        // The memory serves the next run.
        let last = run.routes.last().copied();
        run.routes.clear();
        self.run.routes = std::mem::take(&mut run.routes);
        let Some((at, step)) = run.end else { return };
        let earlier = self.under_way.get(packet.id).copied();
        // As its sender wrote it: NAT may have put another in its place before the last link.
        let sent_to = earlier.map_or(run.destination, |earlier| earlier.destination);
        match step {
            Step::Deliver(_) | Step::Forward(..) | Step::Fragment { .. } => {
                let road = run.road.or(earlier.and_then(|earlier| earlier.road));
                let under_way = UnderWay { road, source: run.source, destination: sent_to };
                if matches!(step, Step::Fragment { .. }) {
                    self.forget_packet(packet.id);
                    self.split.push_back((packet.id, under_way));
                    if self.split.len() > SPLIT_MAX {
                        self.split.pop_front();
                    }
                } else {
                    self.under_way.insert(packet.id, under_way);
                }
            }
            _ => {
                if let Some(reason) = step.drop_reason() {
                    self.count_drop(packet, at, reason, (run.source, sent_to), last);
                }
                self.forget_packet(packet.id);
            }
        }
    }

    fn on_arrival(&mut self, now: SimTime, host: HostIx, packet: &PacketMeta, _bytes: &[u8]) {
        let is_answer = self.answers.contains(&packet.id);
        let under_way = self.forget_packet(packet.id);
        let Some(UnderWay { road: Some(road), source, destination }) = under_way.filter(|_| !is_answer) else { return };
        self.latencies.record(now, road.class(), LatencyKind::OneWay, now.since(packet.sent_at));
        // Answers take the road that the caller chose: they say nothing about where their sender's own calls go.
        let answers = destination.and_then(|(address, port)| self.flows.opener((packet.sender, address, port)));
        if answers.is_some() {
            return;
        }
        if self.is_actor(packet.sender) {
            let observation = &mut self.seen(packet.sender).other;
            observation.last_road = Some(road);
            *observation.roads.entry(road).or_default() += 1;
            if let Some((address, _)) = source {
                *observation.seen_as.entry(address).or_default() += 1;
            }
        }
        if let Some((address, port)) = source {
            self.flows.open((host, address, port), packet.sender);
        }
    }
}

/// An address and a port.
type End = (Ipv4Addr, u16);

/// Source and destination of an IPv4 TCP or UDP frame.
fn ends(frame: &[u8]) -> (Option<End>, Option<End>) {
    match Parsed::of(frame) {
        Ok(parsed) => {
            let tuple = parsed.five_tuple();
            (Some((tuple.source, tuple.source_port)), Some((tuple.destination, tuple.destination_port)))
        }
        Err(_) => (None, None),
    }
}

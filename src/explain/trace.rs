//! One packet's story, and its answer's, without running any traffic.
//!
//! Purpose: [`trace`] injects a probe at its sender and walks it through the data plane, then the answer from wherever it was delivered, on the
//! same, initially empty, connection tracking. What the network tells the source of a packet it drops (ICMP errors, resets) is walked too, and a packet that is split
//! goes on as one of its fragments. Everything told comes from the [`Decision`]s and [`Step`]s of that one forwarding code.
//! Non-goals: whether a program listens at the far end (the answer is assumed), links (queues, loss, latency), words ([`super::story`]).
//! Assumed: an instance that gets a packet for another address (its source/destination check is off) is a router, and the answer comes
//! back through it; what lies behind it is not looked at.

use super::probe::{self, Destination, Probe, ProbeError, Sender};
use super::road::Road;
use crate::control::ControlPlane;
use crate::control::zone::View;
use crate::dataplane::answer::{self, Answer};
use crate::dataplane::conntrack::{Conntrack, TrackingLimits};
use crate::dataplane::{
    Decision, DropReason, Frame, Made, PacketId, PacketMeta, Reply, State, Step, Tap, Verdict, walk,
};
use crate::net::{FiveTuple, MacAddress, Protocol};
use crate::program::{HostIx, HostKind, NodeIx, Program};
use crate::scenario::{Names, TcpFlags, Transport};
use crate::time::SimTime;
use crate::wire::fragment::fragments;
use crate::wire::{Parsed, arp, ethernet, icmp_type, rewrite};
use std::net::Ipv4Addr;
use std::sync::Arc;

const DNS_PORT: u16 = 53;
/// Headers of IPv4 and ICMP echo.
const ECHO_HEADERS_BYTES: u16 = 28;

/// One walk of one packet.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Which of the trace's walks.
    pub kind: LegKind,
    /// Who sent it.
    pub sender: HostIx,
    /// The places it came through, in order.
    pub visits: Vec<Visit>,
    /// Where and how it ended.
    pub end: Verdict,
    /// If it was split: which of its fragments was followed to the end, from 1, and of how many. The first that was lost, else the first.
    pub fragment: Option<(usize, usize)>,
    /// If the network made the packet: which node, and what it says.
    pub made: Option<(NodeIx, Made)>,
}

/// The walks of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegKind {
    /// The sender's question to its resolver.
    Resolve,
    /// The sender's question for an Ethernet address.
    Arp,
    /// The probe.
    Forward,
    /// The far end's question for an Ethernet address.
    ArpBack,
    /// The answer.
    Back,
    /// What the network tells the source of a packet that it dropped.
    Told,
}

/// A packet at one node.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The node.
    pub at: NodeIx,
    /// The packet as it came in; `None` if it is no IPv4.
    pub before: Option<FiveTuple>,
    /// The packet as it left.
    pub after: Option<FiveTuple>,
    /// What the node decided, in order.
    pub decisions: Vec<Decision>,
    /// What became of it there.
    pub step: Step,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The probe arrived, and so did its answer.
    Reachable,
    /// A packet was dropped.
    Dropped {
        /// On which walk.
        leg: LegKind,
        /// Where.
        at: NodeIx,
        /// Why.
        reason: DropReason,
    },
    /// The answer went to somebody else than the sender.
    AnsweredElsewhere {
        /// To whom.
        host: HostIx,
    },
}

/// A probe's whole story.
#[derive(Clone, Debug)]
pub struct Traced {
    /// What was asked.
    pub probe: Probe,
    /// Who sent it.
    pub sender: Sender,
    /// Whom it was for.
    pub destination: Destination,
    /// The probe as it left its sender.
    pub sent: FiveTuple,
    /// The network it went through: indices above are its.
    pub program: Arc<Program>,
    /// The walks that tell the story: the forward one, the answer's if the probe arrived, and before them one that failed.
    pub legs: Vec<Leg>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Follows `probe` through the network as `control` has it.
///
/// # Errors
/// There is no such sender or destination, or the probe contradicts itself. A packet that is lost is no error.
pub fn trace(control: &ControlPlane, names: &Names, probe: &Probe) -> Result<Traced, ProbeError> {
    let sender = Sender::find(control, names, &probe.from)?;
    let destination = Destination::find(control, names, &sender, &probe.to)?;
    let packet = probe::packet(probe, &sender, &destination)?;
    let limits = match probe.tracked_connections_max {
        Some(entries_per_interface) => TrackingLimits { entries_per_interface, ..TrackingLimits::default() },
        None => TrackingLimits::default(),
    };
    let mut world = World {
        program: control.program(),
        state: State { conntrack: Conntrack::with_limits(limits), ..State::default() },
        packets_count: 0,
        last_meta: PacketMeta::from_host(PacketId(0), sender.host, SimTime::ZERO),
        legs: Vec::new(),
    };
    let sent = tuple_of(&ethernet_frame(MacAddress::default(), MacAddress::default(), &packet)).unwrap_or(FiveTuple {
        protocol: Protocol(0),
        source: sender.address,
        destination: destination.address,
        source_port: 0,
        destination_port: 0,
    });
    let resolved = match destination.asked_dns {
        true => world.resolve(control, &sender),
        false => Ok(()),
    };
    let outcome = match resolved.and_then(|()| world.there_and_back(&sender, &packet)) {
        Ok(outcome) | Err(outcome) => outcome,
    };
    let legs = world.legs;
    let program = Arc::clone(control.program());
    Ok(Traced { probe: probe.clone(), sender, destination, sent, program, legs, outcome })
}

impl Traced {
    /// Whether the probe arrived and its answer came back.
    pub fn is_reachable(&self) -> bool {
        self.outcome == Outcome::Reachable
    }

    /// The walk of that kind, if it was made and is part of the story.
    pub fn leg(&self, kind: LegKind) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.kind == kind)
    }

    /// The road that the probe took to its end; `None` if it did not arrive.
    pub fn road(&self) -> Option<Road> {
        self.leg(LegKind::Forward).filter(|leg| leg.delivered_to().is_some())?.road(&self.program)
    }

    /// The source address that the far end saw; `None` if the probe did not arrive.
    pub fn source_seen(&self) -> Option<Ipv4Addr> {
        let leg = self.leg(LegKind::Forward).filter(|leg| leg.delivered_to().is_some())?;
        Some(leg.visits.last()?.after?.source)
    }

    /// Whom the network told that a packet was dropped, and why: `None` if it said nothing; `Some(None)` if what it said was lost.
    pub fn told(&self) -> Option<Option<HostIx>> {
        Some(self.leg(LegKind::Told)?.delivered_to())
    }

    /// Why a packet was dropped; `None` if none was.
    pub fn reason(&self) -> Option<DropReason> {
        match self.outcome {
            Outcome::Dropped { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The failure's code: the Reachability Analyzer's where AWS has one.
    pub fn code(&self) -> Option<&'static str> {
        match self.outcome {
            Outcome::Reachable => None,
            Outcome::Dropped { reason, .. } => Some(reason.code()),
            Outcome::AnsweredElsewhere { .. } => Some("NO_PATH"),
        }
    }

    /// The deciding route of the probe's first route table: table and entry, as [`super::route_sentence`] words them.
    pub fn deciding_route(&self) -> Option<String> {
        let leg = self.leg(LegKind::Forward)?;
        leg.visits.iter().flat_map(|visit| &visit.decisions).find_map(|decision| match *decision {
            Decision::Route { table, destination, entry } => {
                Some(super::route_sentence(&self.program, table, destination, entry))
            }
            _ => None,
        })
    }
}

impl Leg {
    /// The end system that got the packet.
    pub fn delivered_to(&self) -> Option<HostIx> {
        match self.end.step {
            Step::Deliver(host) => Some(host),
            _ => None,
        }
    }

    /// The road, as far as the packet came.
    pub fn road(&self, program: &Program) -> Option<Road> {
        let decisions = self.visits.iter().flat_map(|visit| visit.decisions.iter().map(move |d| (visit.at, d)));
        decisions.fold(None, |road, (at, decision)| Road::after(road, program, at, decision))
    }
}

/// The network with fresh state, and the walks so far.
struct World<'p> {
    program: &'p Program,
    state: State,
    packets_count: u64,
    /// As the packet walked last stood at its end: says as whom a node speaks that tells its source.
    last_meta: PacketMeta,
    legs: Vec<Leg>,
}

impl World<'_> {
    /// The sender asks its resolver. Leaves a leg only if the question does not get there.
    fn resolve(&mut self, control: &ControlPlane, sender: &Sender) -> Result<(), Outcome> {
        let View::Vpc(vpc_id) = sender.view else { return Ok(()) };
        let Some(vpc) = control.model().vpcs.get(&vpc_id) else { return Ok(()) };
        let transport = Transport::Udp { source_port: probe::SOURCE_PORT, destination_port: DNS_PORT };
        // Without DHCP options hosts know no resolver; the trace then goes by the zone all the same.
        let Some(resolver) = control.model().resolvers_of(vpc).first().copied() else { return Ok(()) };
        let question = probe::ipv4(transport, sender.address, resolver, 0, false);
        let frame = match resolver == vpc.resolver_address() {
            true => ethernet_frame(self.router_of(sender.host), self.mac_of(sender.host), &question),
            false => self.addressed(LegKind::Arp, sender.host, &question)?,
        };
        let (leg, frame) = self.walk(LegKind::Resolve, sender.host, frame);
        self.unless_dropped(leg, &frame)
    }

    /// The probe, and the answer.
    fn there_and_back(&mut self, sender: &Sender, packet: &[u8]) -> Result<Outcome, Outcome> {
        let frame = self.addressed(LegKind::Arp, sender.host, packet)?;
        let (leg, frame) = self.walk(LegKind::Forward, sender.host, frame);
        let far_end = leg.delivered_to();
        self.legs.push(leg.clone());
        self.unless_dropped(leg, &frame)?;
        let mtu_bytes = far_end.map_or(0, |host| {
            let has_interface = matches!(self.program.hosts[host.at()].kind, HostKind::Instance(_));
            usize::from(probe::mtu_bytes(has_interface))
        });
        let answer = tuple_of(&frame).and_then(|tuple| self::answer(&frame, tuple, packet.len().min(mtu_bytes)));
        // Only an IPv4 packet is ever delivered: the probe is one.
        let (Some(far_end), Some(answer)) = (far_end, answer) else { return Ok(Outcome::Reachable) };
        let frame = match &self.program.hosts[far_end.at()].kind {
            HostKind::Platform(_) | HostKind::OutsidePlatform(_) | HostKind::OnPremisesPlatform(..) => {
                ethernet_frame(self.mac_of(sender.host), self.router_of(sender.host), &answer)
            }
            _ => self.addressed(LegKind::ArpBack, far_end, &answer)?,
        };
        let (leg, frame) = self.walk(LegKind::Back, far_end, frame);
        let back_at = leg.delivered_to();
        self.legs.push(leg.clone());
        self.unless_dropped(leg, &frame)?;
        match back_at {
            Some(host) if host != sender.host => Err(Outcome::AnsweredElsewhere { host }),
            _ => Ok(Outcome::Reachable),
        }
    }

    /// The frame for an IPv4 packet from `host`: instances ask ARP for whoever is next.
    fn addressed(&mut self, kind: LegKind, host: HostIx, packet: &[u8]) -> Result<Vec<u8>, Outcome> {
        let own = self.mac_of(host);
        let at = self.program.hosts[host.at()].node;
        let destination = Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]);
        let Some(eni) = self.program.eni(at) else {
            return Ok(ethernet_frame(self.router_of(host), own, packet));
        };
        if destination.is_broadcast() || destination == eni.subnet_cidr.broadcast() {
            return Ok(ethernet_frame(MacAddress([0xff; 6]), own, packet));
        }
        if destination.is_multicast() {
            let [_, b, c, d] = destination.octets();
            // RFC 1112 section 6.4.
            return Ok(ethernet_frame(MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d]), own, packet));
        }
        let next = if eni.subnet_cidr.contains(&destination) { destination } else { eni.router_address };
        let (leg, frame) = self.walk(kind, host, arp_request(own, eni.private_ip, next));
        self.unless_dropped(leg, &frame)?;
        Ok(ethernet_frame(ethernet::source(&frame), own, packet))
    }

    /// Ends the trace if the packet of `leg` was lost; then the leg is part of the story, and so is what its source is told.
    fn unless_dropped(&mut self, leg: Leg, frame: &[u8]) -> Result<(), Outcome> {
        let Some(reason) = leg.end.step.drop_reason() else { return Ok(()) };
        let outcome = Outcome::Dropped { leg: leg.kind, at: leg.end.at, reason };
        let (end, sender) = (leg.end, leg.sender);
        if self.legs.iter().all(|told| told.kind != leg.kind) {
            self.legs.push(leg);
        }
        if let Step::Reply(Reply::Error { answer, .. }) = end.step {
            self.tell_source(sender, end.at, answer, frame);
        }
        Err(outcome)
    }

    /// Follows what node `at` tells `sender` about the packet in `frame`.
    fn tell_source(&mut self, sender: HostIx, at: NodeIx, answer: Answer, frame: &[u8]) {
        let Some(said) = answer::build(self.program, at, answer, frame, &self.last_meta) else { return };
        let meta = PacketMeta { from: Some(said.from), ..self.new_packet(sender) };
        let (mut leg, _) = self.follow(LegKind::Told, said.at, said.bytes, meta);
        leg.made = Some((at, Made::Answer(answer)));
        self.legs.push(leg);
    }

    /// Walks a frame from `sender` to its end; returns the walk and the frame as it then is.
    fn walk(&mut self, kind: LegKind, sender: HostIx, frame: Vec<u8>) -> (Leg, Vec<u8>) {
        let meta = self.new_packet(sender);
        self.follow(kind, self.program.hosts[sender.at()].node, frame, meta)
    }

    /// Walks a packet to its end. One that is split goes on as that of its fragments which is lost first, else as the first.
    fn follow(&mut self, kind: LegKind, at: NodeIx, mut frame: Vec<u8>, mut meta: PacketMeta) -> (Leg, Vec<u8>) {
        let mut tap = TraceTap::default();
        let mut view = Frame { bytes: &mut frame, meta: &mut meta };
        let end = walk(self.program, &mut self.state, at, &mut view, SimTime::ZERO, &mut tap);
        let mut leg = Leg { kind, sender: meta.sender, visits: tap.visits, end, fragment: None, made: None };
        self.last_meta = meta;
        let Step::Fragment { mtu_bytes, next, .. } = end.step else { return (leg, frame) };
        let Ok(pieces) = fragments(&frame, usize::from(mtu_bytes)) else { return (leg, frame) };
        // Each ends: every node counts up `meta.steps`.
        let followed: Vec<_> = pieces
            .map(|piece| {
                let own = PacketMeta { id: self.new_packet(meta.sender).id, ..meta };
                let (leg, frame) = self.follow(kind, next, piece, own);
                (leg, frame, self.last_meta)
            })
            .collect();
        let count = followed.len();
        let lost = followed.iter().position(|(leg, ..)| leg.end.step.drop_reason().is_some());
        let chosen = lost.unwrap_or(0);
        let Some((rest, frame, meta)) = followed.into_iter().nth(chosen) else { return (leg, Vec::new()) };
        leg.visits.extend(rest.visits);
        (leg.end, leg.fragment, self.last_meta) = (rest.end, Some((chosen + 1, count)), meta);
        (leg, frame)
    }

    fn new_packet(&mut self, sender: HostIx) -> PacketMeta {
        self.packets_count += 1;
        PacketMeta::from_host(PacketId(self.packets_count), sender, SimTime::ZERO)
    }

    fn mac_of(&self, host: HostIx) -> MacAddress {
        probe::link_addresses(self.program, host).unwrap_or_default().0
    }

    fn router_of(&self, host: HostIx) -> MacAddress {
        probe::link_addresses(self.program, host).unwrap_or_default().1
    }
}

/// Writes down what the data plane decides.
#[derive(Debug, Default)]
struct TraceTap {
    visits: Vec<Visit>,
}

impl Tap for TraceTap {
    fn on_enter(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, bytes: &[u8]) {
        let before = tuple_of(bytes);
        // The step is known when the packet leaves.
        let step = Step::Drop(DropReason::ResourceGone);
        self.visits.push(Visit { at, before, after: before, decisions: Vec::new(), step });
    }

    fn on_decision(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        if let Some(visit) = self.visits.last_mut() {
            visit.decisions.push(decision);
        }
    }

    fn on_step(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, bytes: &[u8], step: Step) {
        if let Some(visit) = self.visits.last_mut() {
            (visit.after, visit.step) = (tuple_of(bytes), step);
        }
    }
}

fn tuple_of(frame: &[u8]) -> Option<FiveTuple> {
    Parsed::of(frame).ok().map(|parsed| parsed.five_tuple())
}

/// What the far end answers to the packet in `frame`, of which `sent_bytes` were sent: an echo as long as that, else just headers.
fn answer(frame: &[u8], tuple: FiveTuple, sent_bytes: usize) -> Option<Vec<u8>> {
    let mut payload_bytes = 0;
    let mut identifier = None;
    let (source_port, destination_port) = (tuple.destination_port, tuple.source_port);
    let transport = match tuple.protocol {
        Protocol::TCP => {
            let flags = TcpFlags { syn: true, ack: true, ..TcpFlags::default() };
            Transport::Tcp { source_port, destination_port, flags }
        }
        Protocol::UDP => Transport::Udp { source_port, destination_port },
        Protocol::ICMP => {
            let asked = Parsed::of(frame).ok()?.icmp.filter(|icmp| icmp.kind == icmp_type::ECHO)?;
            identifier = Some(asked.identifier);
            payload_bytes = u16::try_from(sent_bytes).ok()?.saturating_sub(ECHO_HEADERS_BYTES);
            Transport::Icmp { icmp_type: icmp_type::ECHO_REPLY, icmp_code: 0 }
        }
        _ => return None,
    };
    let packet = probe::ipv4(transport, tuple.destination, tuple.source, payload_bytes, false);
    let Some(identifier) = identifier else { return Some(packet) };
    // RFC 792: the reply has the request's identifier, which NAT may have changed on the way.
    let mut reply = ethernet_frame(MacAddress::default(), MacAddress::default(), &packet);
    let mut parsed = Parsed::of(&reply).ok()?;
    rewrite::set_source_port(&mut reply, &mut parsed, identifier);
    Some(reply.split_off(ethernet::HEADER_BYTES))
}

fn ethernet_frame(to: MacAddress, from: MacAddress, ipv4: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ethernet::HEADER_BYTES + ipv4.len());
    frame.extend_from_slice(&to.0);
    frame.extend_from_slice(&from.0);
    frame.extend_from_slice(&ethernet::IPV4.to_be_bytes());
    frame.extend_from_slice(ipv4);
    frame
}

/// RFC 826: who has `target`?
fn arp_request(own: MacAddress, own_address: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(arp::FRAME_BYTES);
    frame.extend_from_slice(&[0xff; 6]);
    frame.extend_from_slice(&own.0);
    frame.extend_from_slice(&ethernet::ARP.to_be_bytes());
    frame.extend_from_slice(&[0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&own.0);
    frame.extend_from_slice(&own_address.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&target.octets());
    frame
}

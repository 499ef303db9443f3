//! The simulator: virtual time, links, hosts, and packets going through the one `step`.
//!
//! Purpose: a discrete-event driver of [`crate::dataplane::step`] with real end systems. Non-goals: what the hosts run (`run` decides), the
//! control plane (its programs are handed in by [`Sim::publish`]), files.
//! Invariants: the order of events is total (`event`); steps between two nodes without a link take no time; a publication disturbs
//! neither state nor frames in flight; [`Conservation`] holds at every moment.
//!
//! A frame's way: `Host` -> link -> node, `step` by `step` until it waits on a link, arrives at a host, is answered or dropped.

mod conservation;
mod event;
mod link;
mod packet_map;
mod population;

pub use conservation::Conservation;
pub use packet_map::PacketMap;
pub use population::HostSettings;

use crate::dataplane::conntrack::{Conntrack, TrackingLimits};
use crate::dataplane::{DropReason, Frame, Made, PacketId, PacketMeta, Reply, State, Step, Tap, answer, step};
use crate::host::http::HttpResponse;
use crate::host::{Host, HostEvent, ProcessId, RequestToken, Workload};
use crate::model::Model;
use crate::program::{HostIx, LinkIx, NodeIx, Program};
use crate::rng::{Seed, Stream};
use crate::service::dns::NameError;
use crate::time::{SimDuration, SimTime};
use crate::wire::fragment::fragments;
use bytes::{Bytes, BytesMut};
use event::{Cause, Event, Way};
use link::{End, LinkDirection, Sent};
use population::{EndSystem, Population};
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

/// Events of one instant that are handled together, whatever the driver asked for.
const INSTANT_EVENTS_MAX: u64 = 1_000_000;

/// A simulated world.
pub struct Sim<T: Tap> {
    now: SimTime,
    queue: BinaryHeap<Event>,
    program: Arc<Program>,
    state: State,
    population: Population,
    /// By link: away from the host, and towards it.
    links: Vec<[LinkDirection; 2]>,
    loss: Stream,
    responses: BTreeMap<HostIx, VecDeque<(SimTime, RequestToken, HttpResponse)>>,
    timers: Vec<Timer>,
    events: VecDeque<(HostIx, HostEvent)>,
    next_packet: u64,
    conservation: Conservation,
    events_handled: u64,
    link_transmissions: u64,
    /// Empty between two events: memory that is used again.
    waiting: VecDeque<Waiting>,
    /// The observer.
    pub tap: T,
}

/// A packet that is about to enter a node, at once.
struct Waiting {
    at: NodeIx,
    bytes: BytesMut,
    meta: PacketMeta,
    /// If the data plane made it: where, of which packet, and what.
    made: Option<(NodeIx, PacketMeta, Made)>,
}

/// When a host wants to be called.
///
/// With every frame a host wants another time, mostly a later one (a retransmission timeout). So the queue's entry stays where it is, and is put
/// off when its time comes: one live entry a host, where each frame's would make a heap of stale ones.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    at: Option<SimTime>,
    /// The time of its live entry in the queue; others are stale.
    queued_at: Option<SimTime>,
    sequence: u64,
}

impl<T: Tap> Sim<T> {
    /// An empty world at time zero.
    pub fn new(seed: Seed, settings: HostSettings, tap: T) -> Self {
        Sim {
            now: SimTime::ZERO,
            queue: BinaryHeap::new(),
            program: Arc::new(Program::empty()),
            state: State::default(),
            population: Population::new(seed, settings),
            links: Vec::new(),
            loss: seed.derive("link loss"),
            responses: BTreeMap::new(),
            timers: Vec::new(),
            events: VecDeque::new(),
            next_packet: 0,
            conservation: Conservation::default(),
            events_handled: 0,
            link_transmissions: 0,
            waiting: VecDeque::new(),
            tap,
        }
    }

    /// Sets the limits of connection tracking. To be called before the first packet: what was tracked is forgotten.
    pub fn limit_tracking(&mut self, limits: TrackingLimits) {
        self.state.conntrack = Conntrack::with_limits(limits);
    }

    /// Simulated now.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The program in force.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Connection tracking and counters.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Events handled so far: a measure of work.
    pub fn events_handled(&self) -> u64 {
        self.events_handled
    }

    /// Frames that came to the end of a link so far: the hops of performance figures.
    pub fn link_transmissions(&self) -> u64 {
        self.link_transmissions
    }

    /// Every packet accounted for, as of now.
    pub fn conservation(&self) -> Conservation {
        let queued = self.links.iter().flatten().map(|direction| direction.len() as u64).sum();
        Conservation { queued, ..self.conservation.clone() }
    }

    /// Puts a new program in force, now. Hosts of new attachments are switched on, hosts of removed ones vanish; state and frames in
    /// flight stay.
    ///
    /// # Errors
    /// A service's name in the model is not a DNS name; then nothing is published.
    pub fn publish(&mut self, program: Arc<Program>, model: &Model) -> Result<(), NameError> {
        let switched_on = self.population.adopt(&program, model)?;
        self.links.resize_with(program.links.len(), Default::default);
        self.timers.resize(program.hosts.len(), Timer::default());
        self.program = program;
        for host in switched_on {
            self.attend(host);
        }
        Ok(())
    }

    /// Starts a program on a host; `None` if there is no such guest.
    pub fn start(&mut self, host: HostIx, workload: Workload) -> Option<ProcessId> {
        let process = self.population.guest(host)?.start(self.now, workload);
        self.attend(host);
        Some(process)
    }

    /// Answers a request after `delay`: a service's thinking time.
    pub fn respond_after(&mut self, delay: SimDuration, host: HostIx, token: RequestToken, response: HttpResponse) {
        let at = self.now + delay;
        let line = self.responses.entry(host).or_default();
        // Answers leave in the order of their requests.
        let at = line.back().map_or(at, |(last, ..)| at.max(*last));
        line.push_back((at, token, response));
        self.schedule(at, Cause::Response(host));
    }

    /// Puts one frame on the host's link, as if a program with a raw socket had sent it.
    pub fn send_raw(&mut self, host: HostIx, frame: Bytes) {
        self.transmit_from_host(host, BytesMut::from(frame));
    }

    /// Ends the long-running programs on every host: pooled connections are closed in order.
    pub fn end_sessions(&mut self) {
        for position in 0..self.program.hosts.len() {
            let host = HostIx(position as u32);
            if let Some(guest) = self.population.guest(host) {
                guest.end_sessions(self.now);
                self.attend(host);
            }
        }
    }

    /// A host, to look at.
    pub fn guest(&mut self, host: HostIx) -> Option<&mut Host> {
        self.population.guest(host)
    }

    /// Lets the world run until a host reports something, nothing is left to do before `until`, or about `events_max` events are handled: no
    /// instant is left half done, unless it goes on for `INSTANT_EVENTS_MAX` more, so how a driver counts changes nothing. Returns the report, or `None`; then [`Sim::now`] says how far it
    /// came.
    pub fn run_until(&mut self, until: SimTime, events_max: u64) -> Option<(HostIx, HostEvent)> {
        let mut handled = 0;
        loop {
            if let Some(report) = self.events.pop_front() {
                return Some(report);
            }
            let Some(next) = self.queue.peek().filter(|event| event.at <= until).copied() else {
                self.now = self.now.max(until);
                return None;
            };
            let is_later = next.at > self.now;
            if handled >= events_max && (is_later || handled - events_max >= INSTANT_EVENTS_MAX) {
                return None;
            }
            self.now = self.now.max(next.at);
            self.handle(next);
            handled += 1;
        }
    }

    /// When the next event is due.
    pub fn next_event_at(&self) -> Option<SimTime> {
        if !self.events.is_empty() {
            return Some(self.now);
        }
        self.queue.peek().map(|event| event.at)
    }

    /// Takes the first event, which is `event`, off the queue and handles it.
    fn handle(&mut self, event: Event) {
        self.events_handled += 1;
        match event.cause {
            Cause::LinkHead(link, way) => {
                let direction = &mut self.links[link.at()][way as usize];
                let (frame, next_at) = direction.arrive();
                match next_at {
                    // The next frame's event takes the place of this one's, and sinks from there.
                    Some(at) => {
                        let next = Event { at, cause: event.cause, sequence: direction.next_sequence() };
                        self.queue.peek_mut().into_iter().for_each(|mut first| *first = next);
                    }
                    None => drop(self.queue.pop()),
                }
                let Some(frame) = frame else { return };
                self.link_transmissions += 1;
                match frame.to {
                    End::Node(node) => self.run_steps(node, frame.bytes, frame.meta),
                    End::Host(host) => self.arrive(host, frame.bytes, frame.meta),
                }
            }
            Cause::Response(host) => {
                self.queue.pop();
                let due = self.responses.get_mut(&host).and_then(|line| {
                    let ready = line.front().is_some_and(|(at, ..)| *at <= self.now);
                    if ready { line.pop_front() } else { None }
                });
                if let (Some((_, token, response)), Some(guest)) = (due, self.population.guest(host)) {
                    guest.respond(self.now, token, response);
                    self.attend(host);
                }
            }
            Cause::Timer(host) => {
                self.queue.pop();
                let timer = &mut self.timers[host.at()];
                if timer.sequence != event.sequence {
                    return;
                }
                timer.queued_at = None;
                if timer.at == Some(event.at) {
                    timer.at = None;
                    self.attend(host);
                } else {
                    self.queue_timer(host);
                }
            }
        }
    }

    /// Polls a guest and carries off what it has to say: secrets first, so that captures hold them before the frames they decrypt.
    fn attend(&mut self, host: HostIx) {
        let Some(guest) = self.population.guest(host) else { return };
        guest.poll(self.now);
        let secrets = guest.take_secrets();
        while let Some(event) = guest.poll_event() {
            self.events.push_back((host, event));
        }
        let wanted = guest.poll_timeout(self.now);
        if !secrets.is_empty() {
            self.tap.on_secrets(&secrets);
        }
        while let Some(frame) = self.population.guest(host).and_then(Host::poll_transmit) {
            self.transmit_from_host(host, frame);
        }
        self.timers[host.at()].at = wanted;
        self.queue_timer(host);
    }

    /// Sees to it that the queue has an entry for the host's timer, no later than it is due.
    fn queue_timer(&mut self, host: HostIx) {
        let timer = &mut self.timers[host.at()];
        let Some(at) = timer.at else { return };
        if timer.queued_at.is_none_or(|queued_at| queued_at > at) {
            timer.queued_at = Some(at);
            timer.sequence += 1;
            self.queue.push(Event { at, cause: Cause::Timer(host), sequence: timer.sequence });
        }
    }

    fn transmit_from_host(&mut self, host: HostIx, bytes: BytesMut) {
        let attachment = &self.program.hosts[host.at()];
        let (node, link) = (attachment.node, attachment.link);
        let meta = self.new_packet(host);
        self.conservation.injected += 1;
        self.transmit(link, Way::Out, bytes, meta, End::Node(node));
    }

    fn new_packet(&mut self, sender: HostIx) -> PacketMeta {
        self.next_packet += 1;
        let id = PacketId(self.next_packet);
        PacketMeta::from_host(id, sender, self.now)
    }

    /// Puts a frame on a link and ends its run of steps: what the link does to it belongs to the same story.
    fn transmit(&mut self, link: LinkIx, way: Way, bytes: BytesMut, meta: PacketMeta, to: End) {
        let direction = &mut self.links[link.at()][way as usize];
        match direction.send(self.now, &self.program.links[link.at()], &mut self.loss, bytes, meta, to) {
            Sent::NewHead(at) => {
                let sequence = direction.next_sequence();
                self.queue.push(Event { at, cause: Cause::LinkHead(link, way), sequence });
            }
            Sent::Queued => {}
            Sent::Dropped(reason, bytes) => {
                self.conservation.drop(reason);
                self.tap.on_link_drop(self.now, meta.from, &meta, &bytes, reason);
            }
        }
        self.tap.on_run_end(self.now, &meta);
    }

    /// Takes a packet from node to node as long as that takes no time; then, in order, the packets that came of it: its fragments, what nodes say about it.
    fn run_steps(&mut self, at: NodeIx, bytes: BytesMut, meta: PacketMeta) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.run_packet(at, bytes, meta, &mut waiting);
        // Ends: an answer is never answered, and a fragment of a fragment is further on its way, which ends at STEPS_MAX.
        while let Some(packet) = waiting.pop_front() {
            if let Some((by, of, made)) = packet.made {
                self.tap.on_made(self.now, by, &of, &packet.meta, made);
            }
            self.run_packet(packet.at, packet.bytes, packet.meta, &mut waiting);
        }
        self.waiting = waiting;
    }

    fn run_packet(
        &mut self,
        mut at: NodeIx,
        mut bytes: BytesMut,
        mut meta: PacketMeta,
        waiting: &mut VecDeque<Waiting>,
    ) {
        loop {
            // Where it comes from says which way along a link it goes: a router hands on packets of both directions.
            let came_from = meta.from.unwrap_or(at);
            let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
            let outcome = step(&self.program, &mut self.state, at, &mut frame, self.now, &mut self.tap);
            match outcome {
                Step::Forward(next, None) => at = next,
                Step::Forward(next, Some(link)) => return self.cross(link, came_from, next, bytes, meta),
                Step::Deliver(host) => return self.deliver(host, bytes, meta),
                Step::Reply(Reply::Error { reason, answer }) => {
                    self.conservation.drop(reason);
                    self.tap.on_run_end(self.now, &meta);
                    let Some(said) = answer::build(&self.program, at, answer, &bytes, &meta) else { return };
                    self.conservation.generated += 1;
                    let own = PacketMeta { from: Some(said.from), ..self.new_packet(meta.sender) };
                    let made = Some((at, meta, Made::Answer(answer)));
                    waiting.push_back(Waiting { at: said.at, bytes: BytesMut::from(&said.bytes[..]), meta: own, made });
                    return;
                }
                Step::Fragment { mtu_bytes, next, link } => {
                    self.tap.on_run_end(self.now, &meta);
                    return self.split((at, came_from), &bytes, meta, mtu_bytes, (next, link), waiting);
                }
                Step::Reply(Reply::InPlace) => {
                    self.tap.on_run_end(self.now, &meta);
                    self.conservation.absorbed += 1;
                    self.conservation.generated += 1;
                    let sender = meta.sender;
                    let reply = self.new_packet(sender);
                    self.tap.on_step(self.now, at, &reply, &bytes, Step::Deliver(sender));
                    return self.deliver(sender, bytes, reply);
                }
                Step::Drop(reason) => {
                    self.conservation.drop(reason);
                    self.tap.on_run_end(self.now, &meta);
                    return;
                }
            }
        }
    }

    /// Sends the fragments of a packet that node `at` may split on to `next`.
    fn split(
        &mut self,
        (at, came_from): (NodeIx, NodeIx),
        bytes: &[u8],
        meta: PacketMeta,
        mtu_bytes: u16,
        (next, link): (NodeIx, Option<LinkIx>),
        waiting: &mut VecDeque<Waiting>,
    ) {
        let Ok(fragments) = fragments(bytes, usize::from(mtu_bytes)) else {
            // The node saw that the packet may be split; that its header leaves no room in the MTU is all that can be wrong.
            return self.conservation.drop(DropReason::MtuExceeded);
        };
        self.conservation.fragmented += 1;
        for fragment in fragments {
            self.conservation.fragments_made += 1;
            let bytes = BytesMut::from(&fragment[..]);
            let own = PacketMeta { id: self.new_packet(meta.sender).id, ..meta };
            let made = Made::Fragment { mtu_bytes };
            match link {
                None => waiting.push_back(Waiting { at: next, bytes, meta: own, made: Some((at, meta, made)) }),
                Some(link) => {
                    self.tap.on_made(self.now, at, &meta, &own, made);
                    self.cross(link, came_from, next, bytes, own);
                }
            }
        }
    }

    /// Over a link between two nodes.
    fn cross(&mut self, link: LinkIx, from: NodeIx, to: NodeIx, bytes: BytesMut, meta: PacketMeta) {
        let way = if from < to { Way::Out } else { Way::In };
        self.transmit(link, way, bytes, meta, End::Node(to));
    }

    fn deliver(&mut self, host: HostIx, bytes: BytesMut, meta: PacketMeta) {
        let link = self.program.hosts[host.at()].link;
        self.transmit(link, Way::In, bytes, meta, End::Host(host));
    }

    fn arrive(&mut self, host: HostIx, bytes: BytesMut, meta: PacketMeta) {
        match self.population.system(host) {
            Some(EndSystem::Guest(guest)) => {
                self.conservation.delivered += 1;
                self.tap.on_arrival(self.now, host, &meta, &bytes);
                guest.handle_frame(self.now, bytes);
                self.attend(host);
            }
            Some(EndSystem::Platform(platform)) => {
                self.conservation.delivered += 1;
                self.tap.on_arrival(self.now, host, &meta, &bytes);
                if let Some(answer) = platform.answer(self.now, &bytes) {
                    self.transmit_from_host(host, BytesMut::from(answer));
                }
            }
            None => {
                self.conservation.drop(DropReason::ResourceGone);
                self.tap.on_link_drop(self.now, meta.from, &meta, &bytes, DropReason::ResourceGone);
                self.tap.on_run_end(self.now, &meta);
            }
        }
    }

    fn schedule(&mut self, at: SimTime, cause: Cause) {
        self.next_packet += 1;
        self.queue.push(Event { at, cause, sequence: self.next_packet });
    }
}

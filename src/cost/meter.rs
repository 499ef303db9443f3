//! Reads the meters while packets travel: bytes by host, road and far end.
//!
//! A packet is counted where it arrives, in IP bytes; what it is charged for on the way is kept beside it until then. A packet that is lost has been
//! charged for as far as it came and carried nothing, and so has what the network itself says (ICMP errors): both are kept apart. Only traffic of instances and of hosts on premises is metered: what a laptop on the internet
//! exchanges with a service is nobody's bill here.
//! Limits: [`UNDER_WAY_MAX`] packets under way and [`LEDGERS_MAX`] ledgers; what comes beyond is not metered, and counted.

use super::traffic::{Places, Thing, Traffic, Way};
use crate::dataplane::{Decision, DropReason, Made, PacketId, PacketMeta, Step, Tap};
use crate::explain::road::Road;
use crate::model::Model;
use crate::program::{HostIx, HostKind, NodeIx, Program};
use crate::scenario::{Prices, Usd};
use crate::sim::PacketMap;
use crate::time::SimTime;
use crate::wire::ethernet;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Packets remembered at once while they are under way; the oldest is forgotten beyond.
const UNDER_WAY_MAX: usize = 262_144;
/// Split packets remembered at once, so that their fragments know the road; the oldest is forgotten beyond.
const SPLIT_MAX: usize = 256;
/// Ledgers kept: hosts, roads and far ends told apart.
const LEDGERS_MAX: usize = 65_536;
/// Things of one packet's way that are charged by the hour: two transit gateways with four attachments, NAT, an address and VPN.
const THINGS_MAX: usize = 8;

/// Who is charged for what: a host's traffic on a road, to and from one far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The instance, or host on premises.
    pub(super) host: HostIx,
    /// The road.
    pub(super) road: Road,
    /// The far end.
    pub(super) far: Far,
}

/// The far end of somebody's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Far {
    /// None: packets that were lost, and what the network itself says about packets. They are charged for and carry nothing.
    Nobody,
    /// An instance as well.
    Instance,
    /// Any other host.
    Host(HostIx),
}

/// What was metered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Packets that arrived, both directions.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// What bytes are charged as.
    pub traffic: Traffic,
    /// What had to be there, and is charged by the hour.
    pub things: BTreeSet<Thing>,
}

/// What a host's traffic came to: for the difference between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    bytes: u64,
    traffic: Traffic,
}

impl Spent {
    /// What came after `earlier`.
    pub fn since(self, earlier: &Spent) -> Spent {
        Spent { bytes: self.bytes - earlier.bytes.min(self.bytes), traffic: self.traffic.since(&earlier.traffic) }
    }

    /// What a gigabyte of it costs; `None` if nothing arrived.
    pub fn per_gb(&self, prices: &Prices) -> Option<Usd> {
        self.traffic.per_gb(prices, self.bytes)
    }
}

/// The meter.
#[derive(Debug)]
pub struct Meter {
    program: Arc<Program>,
    places: Places,
    under_way: PacketMap<UnderWay>,
    /// Packets that were split lately.
    split: VecDeque<(PacketId, UnderWay)>,
    ledgers: BTreeMap<Key, Ledger>,
    unmetered_count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct UnderWay {
    way: Way,
    traffic: Traffic,
    things: [Option<Thing>; THINGS_MAX],
    /// Whether a node made it, to say something about another packet.
    is_answer: bool,
    /// How its run of steps ended.
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    GoesOn,
    Split,
    Over,
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            program: Arc::new(Program::empty()),
            places: Places::default(),
            under_way: PacketMap::default(),
            split: VecDeque::new(),
            ledgers: BTreeMap::new(),
            unmetered_count: 0,
        }
    }
}

impl Meter {
    /// Follows a new program, made of `model`.
    pub fn adopt(&mut self, program: &Arc<Program>, model: &Model) {
        self.program = Arc::clone(program);
        self.places.adopt(program, model);
    }

    /// Packets that were not metered because too many were under way or too many roads told apart.
    pub fn unmetered_count(&self) -> u64 {
        self.unmetered_count
    }

    /// What all traffic of `host` came to so far, save what was lost.
    pub fn spent(&self, host: HostIx) -> Spent {
        let mut spent = Spent::default();
        // Invariant: `Local` is the first of the roads.
        let lowest = Key { host, road: Road::Local, far: Far::Nobody };
        let own = self.ledgers.range(lowest..).take_while(|(key, _)| key.host == host);
        for (_, ledger) in own.filter(|(key, _)| key.far != Far::Nobody) {
            spent.bytes += ledger.bytes;
            spent.traffic.add_all(&ledger.traffic);
        }
        spent
    }

    pub(super) fn ledgers(&self) -> impl Iterator<Item = (&Key, &Ledger)> {
        self.ledgers.iter()
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// How much a host counts as the one whose traffic it is; nothing if it never is.
    fn rank(&self, host: HostIx) -> u8 {
        match self.program.hosts.get(host.at()).map(|attachment| &attachment.kind) {
            Some(HostKind::Instance(_)) => 2,
            Some(HostKind::OnPremises(..)) => 1,
            _ => 0,
        }
    }

    /// Whose traffic it is, and who is at the far end.
    fn parties(&self, sender: HostIx, receiver: Option<HostIx>) -> Option<(HostIx, Far)> {
        let Some(receiver) = receiver else { return (self.rank(sender) > 0).then_some((sender, Far::Nobody)) };
        match (self.rank(sender), self.rank(receiver)) {
            (0, 0) => None,
            (2, 2) => Some((sender, Far::Instance)),
            (own, other) if own >= other => Some((sender, Far::Host(receiver))),
            _ => Some((receiver, Far::Host(sender))),
        }
    }

    /// Puts down what a packet came to: with its bytes if it arrived.
    fn settle(&mut self, state: &UnderWay, sender: HostIx, arrived: Option<(HostIx, u64)>) {
        let Some(road) = state.way.road else { return };
        if arrived.is_none() && state.traffic.is_free() {
            return;
        }
        let Some((host, far)) = self.parties(sender, arrived.map(|(host, _)| host)) else { return };
        let key = Key { host, road, far };
        if self.ledgers.len() >= LEDGERS_MAX && !self.ledgers.contains_key(&key) {
            self.unmetered_count += 1;
            return;
        }
        let ledger = self.ledgers.entry(key).or_default();
        if let Some((_, bytes)) = arrived {
            ledger.packets += 1;
            ledger.bytes += bytes;
        }
        ledger.traffic.add_all(&state.traffic);
        ledger.things.extend(state.things.iter().flatten());
    }

    fn remember(&mut self, packet: PacketId, state: UnderWay) {
        self.under_way.insert(packet, state);
        self.bound();
    }

    fn bound(&mut self) {
        if self.under_way.len() > UNDER_WAY_MAX {
            self.under_way.pop_first();
            self.unmetered_count += 1;
        }
    }
}

impl Tap for Meter {
    fn on_decision(&mut self, _now: SimTime, at: NodeIx, packet: &PacketMeta, decision: Decision) {
        self.under_way.get_or_default(packet.id).way.decided(&self.program, at, &decision);
    }

    fn on_step(&mut self, _now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8], step: Step) {
        let Some(length_bytes) = ip_length_bytes(bytes) else { return };
        let state = self.under_way.get_or_default(packet.id);
        let stepped = state.way.stepped(&self.places, &self.program, at, (packet.from, packet.sender), step);
        state.end = match step {
            Step::Forward(..) | Step::Deliver(_) => End::GoesOn,
            Step::Fragment { .. } => End::Split,
            Step::Reply(_) | Step::Drop(_) => End::Over,
        };
        if let Some(item) = stepped.item {
            state.traffic.add(item, length_bytes);
        }
        for thing in stepped.things.into_iter().flatten() {
            if !state.things.contains(&Some(thing))
                && let Some(free) = state.things.iter_mut().find(|slot| slot.is_none())
            {
                *free = Some(thing);
            }
        }
    }

    fn on_made(&mut self, _now: SimTime, _at: NodeIx, of: &PacketMeta, packet: &PacketMeta, made: Made) {
        // A fragment goes on where the whole packet was; what that was charged for is put down already.
        match made {
            Made::Answer(_) => self.remember(packet.id, UnderWay { is_answer: true, ..UnderWay::default() }),
            Made::Fragment { .. } => {
                if let Some((_, whole)) = self.split.iter_mut().find(|(whole, _)| *whole == of.id) {
                    let fragment = UnderWay { end: End::GoesOn, ..*whole };
                    // What the whole packet was charged for goes on with its first fragment.
                    whole.traffic = Traffic::default();
                    self.remember(packet.id, fragment);
                }
            }
        }
    }

    fn on_link_drop(
        &mut self,
        _now: SimTime,
        _from: Option<NodeIx>,
        packet: &PacketMeta,
        _bytes: &[u8],
        _reason: DropReason,
    ) {
        self.under_way.get_or_default(packet.id).end = End::Over;
    }

    fn on_run_end(&mut self, _now: SimTime, packet: &PacketMeta) {
        match self.under_way.get_or_default(packet.id).end {
            End::GoesOn => self.bound(),
            End::Split => {
                let state = self.under_way.remove(packet.id).unwrap_or_default();
                self.split.push_back((packet.id, state));
                if self.split.len() > SPLIT_MAX {
                    self.split.pop_front();
                }
            }
            End::Over => {
                let state = self.under_way.remove(packet.id).unwrap_or_default();
                self.settle(&state, packet.sender, None);
            }
        }
    }

    fn on_arrival(&mut self, _now: SimTime, host: HostIx, packet: &PacketMeta, bytes: &[u8]) {
        let Some(state) = self.under_way.remove(packet.id) else { return };
        if state.is_answer {
            self.settle(&state, packet.sender, None);
        } else if let Some(length_bytes) = ip_length_bytes(bytes) {
            self.settle(&state, packet.sender, Some((host, length_bytes)));
        }
    }
}

/// The length that the IPv4 header says (RFC 791); `None` for anything else.
fn ip_length_bytes(frame: &[u8]) -> Option<u64> {
    if ethernet::ether_type(frame) != Some(ethernet::IPV4) {
        return None;
    }
    let length = frame.get(ethernet::HEADER_BYTES + 2..ethernet::HEADER_BYTES + 4)?;
    Some(u64::from(u16::from_be_bytes(length.try_into().ok()?)))
}

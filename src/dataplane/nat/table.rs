//! The sessions of all translators, found from either side, and the ports they hold.
//!
//! Sessions lie in a slab; two hash indices find them by the inside's connection and by what the outside answers with. Of each destination only the number of
//! its sessions is kept: whether a port is free is asked of the outside index. Expiry is exact: a session is gone at its time, whether or not anybody looked.
//!
//! | of one session | bytes |
//! |---|---|
//! | [`Session`] | 48 |
//! | slots of both indices, between 3/8 and 3/4 full | 2 x 5.3..10.7 |
//! | its entry in the queue of expiries | 16 |
//! | its destination, if no other session shares it, with a slot | 20 + 5.3..10.7 |

use super::metrics::NatMetrics;
use super::session::{OutsideKey, Session, SessionState, TimeoutIx};
use crate::dataplane::conntrack::SessionRef;
use crate::dataplane::index::{self, Index, flow_hash, mix, place};
use crate::dataplane::part::Part;
use crate::net::{FiveTuple, Protocol};
use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

/// The lowest port that translators give.
const FIRST_PORT: u16 = 1_024;
/// How many there are: 1024 to 65535.
const PORT_COUNT: u32 = 64_512;
/// Different idle timeouts that are kept.
const TIMEOUTS_MAX: usize = 255;

/// No port, or no room for a session, is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

/// The queue of expiries: when, which place, which generation.
type Timer = Reverse<(SimTime, u32, u32)>;

// What one session costs at rest; the indices come on top (`memory_bytes`, and its test).
const _: () = assert!(size_of::<Session>() <= 48 && size_of::<Timer>() <= 16 && size_of::<Destination>() <= 20);

/// Where connections go from one outer address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Destination {
    owner: NodeIx,
    outer_address: Ipv4Addr,
    remote_address: Ipv4Addr,
    remote_port: u16,
    protocol: Protocol,
    session_count: u32,
}

/// What is kept of each translator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owner {
    pub(super) metrics: NatMetrics,
    session_count: u32,
    open_count: u64,
}

/// What bounds a new session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections_per_destination: u32,
    pub(super) sessions_max: u32,
    /// Whether the inside's own port is taken where it is free.
    pub(super) keeps_ports: bool,
    /// Whether the packets have ports at all.
    pub(super) has_port: bool,
}

/// All sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    part: Part,
    sessions: Vec<Session>,
    free: Vec<u32>,
    inside: Index,
    outside: Index,
    destinations: Vec<Destination>,
    free_destinations: Vec<u32>,
    by_destination: Index,
    /// One live entry a session, at its `timer_at`; entries that match no session's are stale.
    timers: BinaryHeap<Timer>,
    // Never iterated.
    owners: FxHashMap<NodeIx, Owner>,
    last_generation: u32,
    /// The different idle timeouts that sessions have.
    timeouts: Vec<SimDuration>,
}

impl Table {
    /// An empty one that gives a part of the ports.
    pub(super) fn of_part(part: Part) -> Table {
        Table { part, ..Table::default() }
    }

    /// The session of a connection as the inside sends it.
    pub(super) fn find_inside(&self, owner: NodeIx, tuple: &FiveTuple, now: SimTime) -> Option<u32> {
        let same = |at: u32| {
            let session = &self.sessions[at as usize];
            session.owner == owner && session.inside == *tuple
        };
        self.inside.find(flow_hash(owner, tuple), same).filter(|at| now < self.session(*at).expires_at)
    }

    /// The session that a packet from the outside answers.
    pub(super) fn find_outside(&self, owner: NodeIx, key: &OutsideKey, now: SimTime) -> Option<u32> {
        self.outside_entry(owner, key).filter(|at| now < self.session(*at).expires_at)
    }

    /// A session that was found.
    pub(super) fn session(&self, at: u32) -> &Session {
        // Invariant: indices name live places of the slab only.
        &self.sessions[at as usize]
    }

    /// What is kept of a translator.
    pub(super) fn owner(&mut self, owner: NodeIx) -> &mut Owner {
        self.owners.entry(owner).or_default()
    }

    /// A translator's counters as of `now`: sessions whose time has come count as idle, whether or not anybody looked since.
    pub(super) fn metrics(&self, owner: NodeIx, now: SimTime) -> NatMetrics {
        let mut metrics = self.owners.get(&owner).map_or_else(NatMetrics::default, |kept| kept.metrics);
        // Free places have no timer.
        let is_idle = |session: &&Session| {
            session.owner == owner
                && session.timer_at != SimTime::NEVER
                && session.expires_at <= now
                && session.state.is_open_tcp()
        };
        metrics.idle_timeout_count += self.sessions.iter().filter(is_idle).count() as u64;
        metrics
    }

    /// Begins a session from the first address of `pool`, beginning at a place that the flow decides, that has a free port for the destination.
    ///
    /// # Errors
    /// [`Exhausted`]: nothing is remembered.
    pub(super) fn begin(
        &mut self,
        owner: NodeIx,
        inside: FiveTuple,
        state: SessionState,
        pool: &[Ipv4Addr],
        limits: Limits,
        (now, timeout): (SimTime, SimDuration),
    ) -> Result<u32, Exhausted> {
        self.expire(now);
        let live_count = self.sessions.len() - self.free.len();
        if live_count >= index::ENTRIES_MAX || self.owner(owner).session_count >= self.part.quota(limits.sessions_max) {
            return Err(Exhausted);
        }
        let first = (flow_hash(owner, &inside) >> 32) as usize;
        let tried = (0..pool.len()).map(|position| pool[(first % pool.len() + position) % pool.len()]);
        let (outer_address, outer_port) = tried
            .into_iter()
            .find_map(|address| Some((address, self.allocate_port(owner, &inside, address, limits)?)))
            .ok_or(Exhausted)?;
        self.last_generation = self.last_generation.wrapping_add(1);
        let (generation, expires_at) = (self.last_generation, now + timeout);
        let timeout_ix = self.timeout_ix(timeout);
        let session = Session {
            owner,
            inside,
            outer_address,
            outer_port,
            state,
            generation,
            expires_at,
            timeout: timeout_ix,
            timer_at: expires_at,
        };
        let at = self.insert(session);
        let kept = self.owner(owner);
        kept.session_count += 1;
        if state.is_open_tcp() {
            kept.open_count += 1;
            kept.metrics.active_connection_count = kept.metrics.active_connection_count.max(kept.open_count);
        }
        if state == SessionState::TcpOpening {
            kept.metrics.connection_attempt_count += 1;
        }
        Ok(at)
    }

    /// Takes note of a packet of a session.
    pub(super) fn touch(&mut self, at: u32, state: SessionState, timeout: SimDuration, now: SimTime) {
        let timeout_ix = self.timeout_ix(timeout);
        let Some(session) = self.sessions.get_mut(at as usize) else { return };
        let (owner, before, expires_at) = (session.owner, session.state, now + timeout);
        session.state = state;
        session.timeout = timeout_ix;
        session.expires_at = expires_at;
        if expires_at < session.timer_at {
            session.timer_at = expires_at;
            let timer = Reverse((expires_at, at, session.generation));
            push_exact(&mut self.timers, timer);
        }
        if before == state {
            return;
        }
        let kept = self.owner(owner);
        if before.is_open_tcp() && !state.is_open_tcp() {
            kept.open_count -= 1;
        }
        if before == SessionState::TcpOpening && state == SessionState::TcpEstablished {
            kept.metrics.connection_established_count += 1;
        }
    }

    /// Whether a session may be renewed without being looked up.
    #[inline]
    pub(super) fn is_alive(&self, session: SessionRef, now: SimTime) -> bool {
        self.sessions.get(session.place as usize).is_some_and(|there| {
            // Free places have no timer.
            there.generation == session.generation
                && there.timer_at != SimTime::NEVER
                && now < there.expires_at
                && self.timeout(there).is_some_and(|timeout| there.timer_at <= now + timeout)
        })
    }

    /// The generation that lies at a place; 0 where nothing ever did.
    #[inline]
    pub(super) fn generation_at(&self, place: u32) -> u32 {
        self.sessions.get(place as usize).map_or(0, |session| session.generation)
    }

    /// What `touch` does for a packet that changes no state.
    #[inline]
    pub(super) fn renew(&mut self, session: SessionRef, now: SimTime) {
        let timeouts = &self.timeouts;
        if let Some(session) = self.sessions.get_mut(session.place as usize)
            && let Some(timeout) = timeouts.get(usize::from(session.timeout.0))
        {
            session.expires_at = now + *timeout;
        }
    }

    /// How long a session lasts; `None` if there were too many different timeouts.
    #[inline]
    fn timeout(&self, session: &Session) -> Option<SimDuration> {
        self.timeouts.get(usize::from(session.timeout.0)).copied()
    }

    /// The number of a timeout. The few there are come from the kinds of translators and states; beyond [`TIMEOUTS_MAX`] a number names none.
    fn timeout_ix(&mut self, timeout: SimDuration) -> TimeoutIx {
        let known = self.timeouts.iter().position(|other| *other == timeout);
        let position = known.unwrap_or_else(|| {
            if self.timeouts.len() < TIMEOUTS_MAX {
                self.timeouts.push(timeout);
                return self.timeouts.len() - 1;
            }
            TIMEOUTS_MAX
        });
        TimeoutIx(position as u8)
    }

    /// Every session that is remembered, ordered: for comparisons.
    pub(super) fn all(&self) -> Vec<Session> {
        let mut all: Vec<Session> =
            self.sessions.iter().filter(|session| session.timer_at != SimTime::NEVER).copied().collect();
        all.sort_by_key(|session| (session.owner, session.inside));
        all
    }

    /// Forgets a session; its port is free.
    pub(super) fn end(&mut self, at: u32) {
        let session = *self.session(at);
        let sessions = &self.sessions;
        self.inside.remove(flow_hash(session.owner, &session.inside), at, |at| {
            let other = &sessions[at as usize];
            flow_hash(other.owner, &other.inside)
        });
        self.outside.remove(outside_hash(session.owner, &session.outside()), at, |at| {
            let other = &sessions[at as usize];
            outside_hash(other.owner, &other.outside())
        });
        // No timer names this generation from now on.
        self.sessions[at as usize].timer_at = SimTime::NEVER;
        self.free.push(at);
        self.leave_destination(session.owner, &session.outside());
        let kept = self.owner(session.owner);
        kept.session_count -= 1;
        if session.state.is_open_tcp() {
            kept.open_count -= 1;
        }
    }

    /// Forgets every session whose time has come.
    pub(super) fn expire(&mut self, now: SimTime) {
        while let Some(&Reverse((due, at, generation))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let session = &mut self.sessions[at as usize];
            if session.generation != generation || session.timer_at != due {
                continue;
            }
            if session.expires_at > now {
                session.timer_at = session.expires_at;
                let timer = Reverse((session.expires_at, at, generation));
                push_exact(&mut self.timers, timer);
                continue;
            }
            let (owner, state) = (session.owner, session.state);
            self.end(at);
            if state.is_open_tcp() {
                self.owner(owner).metrics.idle_timeout_count += 1;
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.sessions.capacity() * size_of::<Session>()
            + self.destinations.capacity() * size_of::<Destination>()
            + (self.free.capacity() + self.free_destinations.capacity()) * size_of::<u32>()
            + self.inside.memory_bytes()
            + self.outside.memory_bytes()
            + self.by_destination.memory_bytes()
            + self.timers.capacity() * size_of::<Timer>()
    }

    /// The one place where ports are given: a port of `outer_address` that no session to the same destination has; `None` if there is none.
    ///
    /// The search begins where the flow's hash says and goes on in steps that the hash says too, which visit every port once. With 55,000 of 64,512 ports in
    /// use the expected number of ports looked at is below 7.
    fn allocate_port(&self, owner: NodeIx, inside: &FiveTuple, outer_address: Ipv4Addr, limits: Limits) -> Option<u16> {
        let key = OutsideKey::of_session(inside, outer_address, 0);
        let is_free = |port: u16| self.outside_entry(owner, &OutsideKey { outer_port: port, ..key }).is_none();
        if !limits.has_port {
            return is_free(0).then_some(0);
        }
        if limits.keeps_ports && self.part.has(inside.source_port) && is_free(inside.source_port) {
            return Some(inside.source_port);
        }
        let destination = Destination { session_count: 0, ..Destination::of(owner, &key) };
        let used = self.destination(&destination).map_or(0, |at| self.destinations[at as usize].session_count);
        if used >= self.part.quota(limits.connections_per_destination.min(PORT_COUNT)) {
            return None;
        }
        let count = self.part.port_count(PORT_COUNT);
        let hash = mix(flow_hash(owner, inside) ^ u64::from(u32::from(outer_address)));
        let (start, step) = (hash as u32 % count, coprime_step((hash >> 32) as u32, count));
        let position = |turn: u32| ((u64::from(start) + u64::from(turn) * u64::from(step)) % u64::from(count)) as u16;
        (0..count).map(|turn| self.part.port(FIRST_PORT, position(turn))).find(|port| is_free(*port))
    }

    fn outside_entry(&self, owner: NodeIx, key: &OutsideKey) -> Option<u32> {
        let same = |at: u32| {
            let session = &self.sessions[at as usize];
            session.owner == owner && session.outside() == *key
        };
        self.outside.find(outside_hash(owner, key), same)
    }

    fn insert(&mut self, session: Session) -> u32 {
        let at = place(&mut self.sessions, &mut self.free, session);
        let sessions = &self.sessions;
        self.inside.insert(flow_hash(session.owner, &session.inside), at, |at| {
            let other = &sessions[at as usize];
            flow_hash(other.owner, &other.inside)
        });
        self.outside.insert(outside_hash(session.owner, &session.outside()), at, |at| {
            let other = &sessions[at as usize];
            outside_hash(other.owner, &other.outside())
        });
        push_exact(&mut self.timers, Reverse((session.timer_at, at, session.generation)));
        let destination = Destination::of(session.owner, &session.outside());
        match self.destination(&destination) {
            Some(known) => self.destinations[known as usize].session_count += 1,
            None => {
                let known = place(&mut self.destinations, &mut self.free_destinations, destination);
                let destinations = &self.destinations;
                self.by_destination.insert(destination.hash(), known, |at| destinations[at as usize].hash());
            }
        }
        at
    }

    fn leave_destination(&mut self, owner: NodeIx, key: &OutsideKey) {
        let Some(at) = self.destination(&Destination::of(owner, key)) else { return };
        let destination = &mut self.destinations[at as usize];
        destination.session_count -= 1;
        if destination.session_count == 0 {
            let hash = destination.hash();
            let destinations = &self.destinations;
            self.by_destination.remove(hash, at, |at| destinations[at as usize].hash());
            self.free_destinations.push(at);
        }
    }

    fn destination(&self, wanted: &Destination) -> Option<u32> {
        let same = |at: u32| self.destinations[at as usize].is_same(wanted);
        self.by_destination.find(wanted.hash(), same)
    }
}

impl Destination {
    fn of(owner: NodeIx, key: &OutsideKey) -> Self {
        Destination {
            owner,
            outer_address: key.outer_address,
            remote_address: key.remote_address,
            remote_port: key.remote_port,
            protocol: key.protocol,
            session_count: 1,
        }
    }

    fn is_same(&self, other: &Destination) -> bool {
        Destination { session_count: 0, ..*self } == Destination { session_count: 0, ..*other }
    }

    fn hash(&self) -> u64 {
        let addresses = u64::from(u32::from(self.outer_address)) << 32 | u64::from(u32::from(self.remote_address));
        let rest = u64::from(self.owner.0) << 24 | u64::from(self.remote_port) << 8 | u64::from(self.protocol.0);
        mix(mix(addresses) ^ rest)
    }
}

fn outside_hash(owner: NodeIx, key: &OutsideKey) -> u64 {
    let addresses = u64::from(u32::from(key.outer_address)) << 32 | u64::from(u32::from(key.remote_address));
    let ports = u64::from(key.outer_port) << 16 | u64::from(key.remote_port);
    mix(mix(addresses) ^ ports ^ u64::from(key.protocol.0) << 56 ^ u64::from(owner.0) << 32)
}

/// A step that visits all of `count` ports: one that shares no factor with it. It is [`PORT_COUNT`] = 2^10 x 3^2 x 7 or that divided by a power of two.
fn coprime_step(bits: u32, count: u32) -> u32 {
    let mut step = (bits % count) | 1;
    // Ends: of any five odd numbers in a row, one is a multiple of neither 3 nor 7.
    while step.is_multiple_of(3) || step.is_multiple_of(7) {
        step += 2;
    }
    step
}

/// Slabs and the queue of expiries grow by an eighth.
fn push_exact(timers: &mut BinaryHeap<Timer>, timer: Timer) {
    if timers.len() == timers.capacity() {
        timers.reserve_exact((timers.len() / 8).max(64));
    }
    timers.push(timer);
}

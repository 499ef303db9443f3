//! Connection tracking of security groups.
//!
//! A session is remembered by (interface, five-tuple), because one tuple crosses two interfaces of a VPC and VPCs overlap. Packets of a session pass without any rule
//! being asked, in both directions, so a changed rule does not end it. AWS publishes the idle timeouts of established TCP, UDP and other
//! protocols; those of opening and closing TCP and of ICMP are assumptions.
//!
//! | session | idle timeout | source |
//! |---|---|---|
//! | TCP, SYN seen | 60 s | assumed |
//! | TCP, answered | 432,000 s (350 s on Nitro v6) | documented |
//! | TCP, FIN from one side | 120 s | assumed |
//! | TCP, FIN from both or RST | 60 s; a new SYN begins a new session at once | assumed |
//! | UDP, one direction only | 30 s | documented |
//! | UDP, both | 180 s | documented |
//! | ICMP query | 30 s | assumed |
//! | other protocols (by protocol and addresses) | 600 s | documented |
//!
//! Limit: entries per interface; a new session beyond it is refused. Expiry is exact: a session is gone at its time, whether or not anybody looked.
//! Non-goals: reassembly; a later fragment belongs to no session (it follows its first one: [`super::fragments`]).
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html

#[cfg(test)]
mod tests;

use super::Direction;
use super::index::{Index, flow_hash, place};
use super::part::Part;
use crate::net::{FiveTuple, Protocol};
use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};
use crate::wire::{Icmp, Parsed, TcpFlags, icmp_type};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Groups of keys whose new sessions are counted together, for [`Absence`].
const BUCKET_COUNT: usize = 4_096;

/// Stale timers that are kept in any case, so that few sessions do not sweep all the time.
const STALE_TIMERS_MAX: usize = 1_024;

/// What a session is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The interface.
    pub interface: NodeIx,
    /// TCP, UDP and others: as seen in packets leaving the interface. ICMP queries: as seen in the request.
    pub tuple: FiveTuple,
}

/// Idle timeouts and the table's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table in the module's head says what each is")]
pub struct TrackingLimits {
    pub entries_per_interface: u32,
    pub tcp_opening: SimDuration,
    pub tcp_established: SimDuration,
    pub tcp_closing: SimDuration,
    pub tcp_closed: SimDuration,
    pub udp_one_way: SimDuration,
    pub udp_stream: SimDuration,
    pub icmp_query: SimDuration,
    pub other: SimDuration,
}

impl Default for TrackingLimits {
    fn default() -> Self {
        TrackingLimits {
            entries_per_interface: 65_536,
            tcp_opening: SimDuration::from_secs(60),
            tcp_established: SimDuration::from_secs(432_000),
            tcp_closing: SimDuration::from_secs(120),
            tcp_closed: SimDuration::from_secs(60),
            udp_one_way: SimDuration::from_secs(30),
            udp_stream: SimDuration::from_secs(180),
            icmp_query: SimDuration::from_secs(30),
            other: SimDuration::from_secs(600),
        }
    }
}

impl TrackingLimits {
    /// What one of several tables that share the sessions may hold.
    pub fn part(self, part: Part) -> TrackingLimits {
        TrackingLimits { entries_per_interface: part.quota(self.entries_per_interface), ..self }
    }

    fn of_interface(self, timeouts: InterfaceTimeouts) -> Self {
        TrackingLimits {
            tcp_established: timeouts.tcp_established.unwrap_or(self.tcp_established),
            udp_one_way: timeouts.udp_one_way.unwrap_or(self.udp_one_way),
            udp_stream: timeouts.udp_stream.unwrap_or(self.udp_stream),
            ..self
        }
    }
}

/// Idle timeouts of one interface, where they are not the world's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceTimeouts {
    /// Of established TCP connections.
    pub tcp_established: Option<SimDuration>,
    /// Of UDP flows seen in one direction.
    pub udp_one_way: Option<SimDuration>,
    /// Of UDP flows that were answered.
    pub udp_stream: Option<SimDuration>,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table in the module's head says what each is")]
pub enum SessionState {
    TcpOpening { by: Direction },
    TcpEstablished,
    TcpClosing { by: Direction },
    TcpClosed,
    UdpOneWay { by: Direction },
    UdpStream,
    IcmpQuery,
    Other,
}

/// One tracked connection: 64 bytes, a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Session {
    /// What it is remembered by.
    pub key: SessionKey,
    /// Differs between sessions that lay in the same place at different times.
    pub generation: u32,
    /// When it is forgotten if nothing more is seen.
    pub expires_at: SimTime,
    /// How long it lasts in its state, from its last packet on.
    timeout: SimDuration,
    /// The time of its entry in the queue of expiries, never later than `expires_at`. [`SimTime::NEVER`]: the place is free.
    timer_at: SimTime,
    /// How many entries of the table it takes.
    pub entries: u32,
    /// How far it has come.
    pub state: SessionState,
}

const _: () = assert!(size_of::<Session>() == 64);

/// A session by its place: what a memo of a packet's way holds. It names nothing once the place has another generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionRef {
    /// The place.
    pub place: u32,
    /// The generation that lay there.
    pub generation: u32,
}

/// That a packet belonged to no session: true as long as the version of its key's bucket stays, which each new session there changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// The bucket.
    pub bucket: u32,
    /// Its version.
    pub version: u32,
}

/// What [`Conntrack::passes`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The packet belongs to this session.
    Session(SessionRef),
    /// It belongs to none.
    None(Absence),
}

/// The interface's table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tracking table of the interface holds {entries} of {limit} entries")]
pub struct TableFull {
    /// Entries in use.
    pub entries: u32,
    /// Entries there may be.
    pub limit: u32,
}

impl Found {
    /// Whether the packet belongs to a session.
    pub const fn is_session(self) -> bool {
        matches!(self, Found::Session(_))
    }
}

/// All sessions.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    limits: TrackingLimits,
    sessions: Vec<Session>,
    free: Vec<u32>,
    by_key: Index,
    /// One live entry a session, at its `timer_at`, by place and generation; entries that match no session's are stale.
    timers: BinaryHeap<Timer>,
    /// By interface.
    entries_used: Vec<u32>,
    /// By bucket of keys: how many sessions began there. Empty until the first one.
    versions: Vec<u32>,
    last_generation: u32,
}

/// When, which place, which generation.
type Timer = Reverse<(SimTime, u32, u32)>;

impl Conntrack {
    /// An empty table.
    pub fn with_limits(limits: TrackingLimits) -> Self {
        Conntrack { limits, ..Conntrack::default() }
    }

    /// The session that the packet belongs to, which takes note of it, and whose `timeouts` say how long it lasts from now on. An ICMP
    /// error belongs to the session of the packet it quotes, and does not keep it alive.
    pub fn passes(
        &mut self,
        interface: NodeIx,
        timeouts: InterfaceTimeouts,
        packet: &Parsed,
        quoted: Option<&Parsed>,
        direction: Direction,
        now: SimTime,
    ) -> Found {
        let key = match quoted {
            // The quoted packet had gone the other way.
            Some(quoted) => session_key(interface, quoted, opposite(direction)),
            None => session_key(interface, packet, direction),
        };
        let Some(key) = key else { return Found::None(Absence::default()) };
        let absence = self.absence(&key);
        let Some(at) = self.find(&key).filter(|at| now < self.sessions[*at as usize].expires_at) else {
            return Found::None(absence);
        };
        let limits = self.limits.of_interface(timeouts);
        let session = &mut self.sessions[at as usize];
        let found = SessionRef { place: at, generation: session.generation };
        if quoted.is_some() {
            return Found::Session(found);
        }
        if session.state == SessionState::TcpClosed && packet.tcp_flags.is_some_and(TcpFlags::is_opening) {
            self.forget(at);
            return Found::None(absence);
        }
        session.state = session.state.after(packet, direction);
        session.timeout = session.state.timeout(&limits);
        session.expires_at = now + session.timeout;
        if session.expires_at < session.timer_at {
            session.timer_at = session.expires_at;
            self.timers.push(Reverse((session.timer_at, at, found.generation)));
        }
        Found::Session(found)
    }

    /// Whether [`Conntrack::renew`] may stand for [`Conntrack::passes`].
    #[inline]
    pub fn is_alive(&self, session: SessionRef, now: SimTime) -> bool {
        self.sessions.get(session.place as usize).is_some_and(|there| {
            there.generation == session.generation && now < there.expires_at && there.timer_at <= now + there.timeout
        })
    }

    /// The generation that lies at a place; 0 where nothing ever did.
    #[inline]
    pub(crate) fn generation_at(&self, place: u32) -> u32 {
        self.sessions.get(place as usize).map_or(0, |session| session.generation)
    }

    /// Takes note of one more packet of a session that [`Conntrack::is_alive`], as [`Conntrack::passes`] would of a packet that changes no state: one without
    /// SYN, FIN and RST, of a direction that a packet was seen of before, under the program that `passes` was last asked under.
    #[inline]
    pub fn renew(&mut self, session: SessionRef, now: SimTime) {
        if let Some(session) = self.sessions.get_mut(session.place as usize) {
            session.expires_at = now + session.timeout;
        }
    }

    /// Whether still no session can be where there was none.
    #[inline]
    pub fn is_absent(&self, absence: Absence) -> bool {
        self.versions.get(absence.bucket as usize).copied().unwrap_or(0) == absence.version
    }

    fn absence(&self, key: &SessionKey) -> Absence {
        let bucket = bucket_of(key.hash());
        Absence { bucket: bucket as u32, version: self.versions.get(bucket).copied().unwrap_or(0) }
    }

    /// Whether a packet of its kind begins a session: later fragments, ICMP other than queries, and TCP segments that end a connection do not.
    pub fn can_begin(packet: &Parsed) -> bool {
        if packet.is_later_fragment() {
            return false;
        }
        match packet.protocol {
            Protocol::ICMP => packet.icmp.is_some_and(|icmp| is_query(&icmp)),
            _ => !packet.tcp_flags.is_some_and(|flags| flags.has(TcpFlags::RST | TcpFlags::FIN)),
        }
    }

    /// Begins the packet's session, which takes `entries` entries of the interface's table. For packets that [`Conntrack::can_begin`] one; others are
    /// let pass untracked. `timeouts` as for [`Conntrack::passes`].
    ///
    /// # Errors
    /// [`TableFull`]: nothing is remembered. `None`: nothing is to be remembered.
    pub fn begin(
        &mut self,
        interface: NodeIx,
        timeouts: InterfaceTimeouts,
        packet: &Parsed,
        direction: Direction,
        entries: u32,
        now: SimTime,
    ) -> Result<Option<SessionRef>, TableFull> {
        self.expire(now);
        let Some(key) = session_key(interface, packet, direction) else { return Ok(None) };
        let limit = self.limits.entries_per_interface;
        if self.entries_used.len() <= interface.at() {
            self.entries_used.resize(interface.at() + 1, 0);
        }
        let used = self.entries_used[interface.at()];
        if used + entries > limit || self.sessions.len() - self.free.len() >= super::index::ENTRIES_MAX {
            return Err(TableFull { entries: used, limit });
        }
        if let Some(old) = self.find(&key) {
            // Only if the caller did not ask `passes` first.
            self.forget(old);
        }
        self.entries_used[interface.at()] += entries;
        self.last_generation = self.last_generation.wrapping_add(1);
        let generation = self.last_generation;
        let state = SessionState::first(packet, direction);
        let timeout = state.timeout(&self.limits.of_interface(timeouts));
        let expires_at = now + timeout;
        let session = Session { key, generation, expires_at, timeout, timer_at: expires_at, entries, state };
        let at = place(&mut self.sessions, &mut self.free, session);
        let (hash, sessions) = (key.hash(), &self.sessions);
        self.by_key.insert(hash, at, |at| sessions[at as usize].key.hash());
        self.timers.push(Reverse((expires_at, at, generation)));
        if self.versions.is_empty() {
            self.versions = vec![0; BUCKET_COUNT];
        }
        let version = &mut self.versions[bucket_of(hash)];
        *version = version.wrapping_add(1);
        Ok(Some(SessionRef { place: at, generation }))
    }

    /// The session, if it is alive.
    pub fn session(&self, key: &SessionKey, now: SimTime) -> Option<&Session> {
        self.find(key).map(|at| &self.sessions[at as usize]).filter(|session| now < session.expires_at)
    }

    /// Every session that is remembered, ordered by key: for comparisons.
    pub fn sessions(&self) -> Vec<Session> {
        let mut sessions: Vec<Session> =
            self.sessions.iter().filter(|session| session.timer_at != SimTime::NEVER).copied().collect();
        sessions.sort_by_key(|session| session.key);
        sessions
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.sessions.capacity() * size_of::<Session>()
            + (self.free.capacity() + self.entries_used.capacity() + self.versions.capacity()) * size_of::<u32>()
            + self.by_key.memory_bytes()
            + self.timers.capacity() * size_of::<Timer>()
    }

    /// Entries of an interface's table in use at `now`.
    pub fn entries_used(&mut self, interface: NodeIx, now: SimTime) -> u32 {
        self.expire(now);
        self.entries_used.get(interface.at()).copied().unwrap_or(0)
    }

    /// Forgets every session whose time has come.
    fn expire(&mut self, now: SimTime) {
        self.sweep_timers();
        while let Some(&Reverse((due, at, generation))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let session = &mut self.sessions[at as usize];
            if session.generation != generation || session.timer_at != due {
                continue;
            }
            if session.expires_at <= now {
                self.forget(at);
            } else {
                session.timer_at = session.expires_at;
                self.timers.push(Reverse((session.timer_at, at, generation)));
            }
        }
    }

    /// Throws stale timers away once they outnumber the live ones: a session cut short leaves its long timer behind.
    fn sweep_timers(&mut self) {
        let live_count = self.sessions.len() - self.free.len();
        if self.timers.len() > 2 * live_count + STALE_TIMERS_MAX {
            let sessions = &self.sessions;
            self.timers.retain(|Reverse((due, at, generation))| {
                let session = &sessions[*at as usize];
                session.generation == *generation && session.timer_at == *due
            });
        }
    }

    fn find(&self, key: &SessionKey) -> Option<u32> {
        self.by_key.find(key.hash(), |at| self.sessions[at as usize].key == *key)
    }

    fn forget(&mut self, at: u32) {
        let session = self.sessions[at as usize];
        let sessions = &self.sessions;
        self.by_key.remove(session.key.hash(), at, |at| sessions[at as usize].key.hash());
        // No timer and no reference names the place from now on.
        let place = &mut self.sessions[at as usize];
        place.timer_at = SimTime::NEVER;
        place.expires_at = SimTime::ZERO;
        self.free.push(at);
        if let Some(used) = self.entries_used.get_mut(session.key.interface.at()) {
            *used -= session.entries;
        }
    }
}

impl SessionKey {
    #[inline]
    fn hash(&self) -> u64 {
        flow_hash(self.interface, &self.tuple)
    }
}

const fn bucket_of(hash: u64) -> usize {
    // Bits that neither the index's home nor its tag is made of.
    (hash >> 40) as usize % BUCKET_COUNT
}

impl SessionState {
    fn first(packet: &Parsed, by: Direction) -> Self {
        match packet.protocol {
            Protocol::TCP if packet.tcp_flags.is_some_and(TcpFlags::is_opening) => SessionState::TcpOpening { by },
            // Taken up in the middle: a rule allows it, so it is a connection begun before anybody looked.
            Protocol::TCP => SessionState::TcpEstablished,
            Protocol::UDP => SessionState::UdpOneWay { by },
            Protocol::ICMP => SessionState::IcmpQuery,
            _ => SessionState::Other,
        }
    }

    fn after(self, packet: &Parsed, direction: Direction) -> Self {
        use SessionState::*;
        let has = |bits| packet.tcp_flags.is_some_and(|flags| flags.has(bits));
        match self {
            TcpClosed => TcpClosed,
            TcpOpening { .. } | TcpEstablished | TcpClosing { .. } if has(TcpFlags::RST) => TcpClosed,
            TcpClosing { by } if has(TcpFlags::FIN) && by != direction => TcpClosed,
            TcpOpening { .. } | TcpEstablished if has(TcpFlags::FIN) => TcpClosing { by: direction },
            TcpOpening { by } if by != direction => TcpEstablished,
            UdpOneWay { by } if by != direction => UdpStream,
            unchanged => unchanged,
        }
    }

    fn timeout(self, limits: &TrackingLimits) -> SimDuration {
        match self {
            SessionState::TcpOpening { .. } => limits.tcp_opening,
            SessionState::TcpEstablished => limits.tcp_established,
            SessionState::TcpClosing { .. } => limits.tcp_closing,
            SessionState::TcpClosed => limits.tcp_closed,
            SessionState::UdpOneWay { .. } => limits.udp_one_way,
            SessionState::UdpStream => limits.udp_stream,
            SessionState::IcmpQuery => limits.icmp_query,
            SessionState::Other => limits.other,
        }
    }
}

/// The key of the session that a packet belongs to; `None` for packets that belong to none: later fragments, ICMP other than queries and their replies.
///
/// Echo requests of two hosts to each other with one identifier are two sessions, so ICMP is keyed as the request is addressed.
pub fn session_key(interface: NodeIx, packet: &Parsed, direction: Direction) -> Option<SessionKey> {
    if packet.is_later_fragment() {
        return None;
    }
    let tuple = packet.five_tuple();
    let as_is = match packet.icmp {
        Some(icmp) if is_query(&icmp) => true,
        Some(icmp) if is_query_reply(&icmp) => false,
        Some(_) => return None,
        None => direction == Direction::Egress,
    };
    Some(SessionKey { interface, tuple: if as_is { tuple } else { tuple.reversed() } })
}

fn is_query(icmp: &Icmp) -> bool {
    matches!(icmp.kind, icmp_type::ECHO | icmp_type::TIMESTAMP)
}

fn is_query_reply(icmp: &Icmp) -> bool {
    matches!(icmp.kind, icmp_type::ECHO_REPLY | icmp_type::TIMESTAMP_REPLY)
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Egress => Direction::Ingress,
        Direction::Ingress => Direction::Egress,
    }
}

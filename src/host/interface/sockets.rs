//! The sockets of a stack: each by itself, and when each may have something to say.
//!
//! smoltcp goes through all sockets of a set for every frame that comes in, to find out who wants to send, and again for who wants to be polled when. A
//! host is polled for every frame, and most polls touch one socket of many. So each socket has a set of its own: a frame is shown to the socket that
//! smoltcp would have found in a set of all, and what smoltcp said of a socket last is kept until the socket may have changed.
//!
//! Invariants: sockets have their turns in the order of their places, as in one set, and a new one takes the first place that is free; whoever gets a
//! socket to change it stirs it, whoever changes what sockets depend on (addresses, neighbours) stirs all.

use super::endpoint_v4;
use crate::net::Protocol;
use crate::time::SimTime;
use crate::wire::{Parsed, TcpFlags};
use rustc_hash::FxHashMap;
use smoltcp::iface::SocketSet;
use smoltcp::socket::{AnySocket, Socket, dhcpv4, tcp};
use std::net::SocketAddrV4;

/// RFC 2131 section 4.1.
const DHCP_SERVER_PORT: u16 = 67;
pub(super) const DHCP_CLIENT_PORT: u16 = 68;

/// This end and the other one.
type Ends = (SocketAddrV4, SocketAddrV4);

/// A socket's place among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketHandle(usize);

/// See the module.
pub(super) struct Sockets {
    places: Vec<Option<Own>>,
    /// By place: when smoltcp wants to poll the socket; [`SimTime::ZERO`] if at once, or if that may have changed since it said so.
    due: Vec<SimTime>,
    /// The first place among the connections between the same ends; of connections that are no more, some stand here until their sockets go.
    connections: FxHashMap<Ends, usize>,
    nobody: SocketSet<'static>,
}

/// A set of one.
struct Own {
    set: SocketSet<'static>,
    within: smoltcp::iface::SocketHandle,
    ends: Option<Ends>,
}

impl Own {
    fn tcp(&self) -> Option<&tcp::Socket<'static>> {
        self.set.iter().find_map(|(_, socket)| tcp::Socket::downcast(socket))
    }
}

impl Sockets {
    pub(super) fn new() -> Self {
        let nobody = SocketSet::new(Vec::new());
        Sockets { places: Vec::new(), due: Vec::new(), connections: FxHashMap::default(), nobody }
    }

    /// Something that all sockets depend on has changed.
    pub(super) fn stir(&mut self) {
        for (place, due) in self.places.iter().zip(&mut self.due) {
            if place.is_some() {
                *due = SimTime::ZERO;
            }
        }
    }

    pub(super) fn add<T: AnySocket<'static>>(&mut self, socket: T) -> SocketHandle {
        let free = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if free == self.places.len() {
            self.places.push(None);
            self.due.push(SimTime::NEVER);
        }
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let within = set.add(socket);
        self.places[free] = Some(Own { set, within, ends: None });
        self.due[free] = SimTime::ZERO;
        SocketHandle(free)
    }

    /// The socket has a connection between these ends from now on.
    pub(super) fn connected(&mut self, handle: SocketHandle, ends: Ends) {
        if let Some(Some(own)) = self.places.get_mut(handle.0) {
            own.ends = Some(ends);
            self.connections.entry(ends).and_modify(|first| *first = handle.0.min(*first)).or_insert(handle.0);
        }
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) {
        let Some(own) = self.places.get_mut(handle.0).and_then(Option::take) else { return };
        self.due[handle.0] = SimTime::NEVER;
        if let Some(ends) = own.ends.filter(|ends| self.connections.get(ends) == Some(&handle.0)) {
            let has_same_ends = |other: &Option<Own>| other.as_ref().is_some_and(|other| other.ends == Some(ends));
            match self.places.iter().position(has_same_ends) {
                Some(next) => self.connections.insert(ends, next),
                None => self.connections.remove(&ends),
            };
        }
    }

    pub(super) fn get<T: AnySocket<'static>>(&self, handle: SocketHandle) -> &T {
        let own = self.places[handle.0].as_ref().expect(OWNED);
        own.set.get(own.within)
    }

    pub(super) fn get_mut<T: AnySocket<'static>>(&mut self, handle: SocketHandle) -> &mut T {
        self.due[handle.0] = SimTime::ZERO;
        let own = self.places[handle.0].as_mut().expect(OWNED);
        own.set.get_mut(own.within)
    }

    /// The DHCP client, to ask it what is new. That stirs nothing: smoltcp polls it for other reasons.
    pub(super) fn dhcp_client(&mut self, handle: SocketHandle) -> &mut dhcpv4::Socket<'static> {
        let own = self.places[handle.0].as_mut().expect(OWNED);
        own.set.get_mut(own.within)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket<'static>> {
        self.places.iter().flatten().flat_map(|own| own.set.iter()).map(|(_, socket)| socket)
    }

    /// When smoltcp wants to poll one of them, as far as it was asked.
    pub(super) fn poll_at(&self) -> Option<SimTime> {
        self.due.iter().min().copied().filter(|at| *at < SimTime::NEVER)
    }

    /// The next place from `from` on whose socket a poll may make send. smoltcp cuts times to whole microseconds, so what is due is not later than `now`.
    pub(super) fn next_due(&self, from: usize, now: SimTime) -> Option<usize> {
        self.due.get(from..)?.iter().position(|due| *due <= now).map(|ahead| from + ahead)
    }

    /// The set of the socket at `place`.
    pub(super) fn set_mut(&mut self, place: usize) -> Option<&mut SocketSet<'static>> {
        self.places.get_mut(place)?.as_mut().map(|own| &mut own.set)
    }

    /// smoltcp wants to poll the socket at `place` then, unless it is stirred.
    pub(super) fn settle(&mut self, place: usize, poll_at: Option<SimTime>) {
        self.due[place] = poll_at.unwrap_or(SimTime::NEVER);
    }

    /// Whether what a poll of the socket at `place` does is seen by nobody but the other end: so with TCP.
    pub(super) fn is_tcp(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|own| own.as_ref().is_some_and(|own| own.tcp().is_some()))
    }

    /// The socket that `packet` is for, in a set of its own; if it is for none, an empty set. Stirs it.
    pub(super) fn set_for(&mut self, packet: Option<&Parsed>) -> &mut SocketSet<'static> {
        match packet.and_then(|packet| self.place_for(packet)) {
            Some(place) => {
                self.due[place] = SimTime::ZERO;
                self.places[place].as_mut().map_or(&mut self.nobody, |own| &mut own.set)
            }
            None => &mut self.nobody,
        }
    }

    /// What smoltcp's `accepts` say in turn. ICMP is for no socket: those here only send, and smoltcp answers echo requests without.
    fn place_for(&self, packet: &Parsed) -> Option<usize> {
        let (source_port, port) = packet.ports?;
        match packet.protocol {
            Protocol::TCP => {
                let flags = packet.tcp_flags?;
                let ends = (
                    SocketAddrV4::new(packet.destination, port),
                    SocketAddrV4::new(packet.source, source_port),
                );
                let first = self.connections.get(&ends).copied().filter(|_| flags.has(TcpFlags::ACK));
                first.filter(|place| self.takes(*place, ends, flags)).or_else(|| {
                    // Seldom: a connection's first and last segments.
                    (0..self.places.len()).find(|place| self.takes(*place, ends, flags))
                })
            }
            Protocol::UDP => {
                let is_for_client = (source_port, port) == (DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
                let place_of = |wanted: &dyn Fn(&Socket<'static>) -> bool| {
                    let is_wanted = |own: &Own| own.set.iter().any(|(_, socket)| wanted(socket));
                    self.places.iter().position(|own| own.as_ref().is_some_and(is_wanted))
                };
                let client = is_for_client.then(|| place_of(&|socket| matches!(socket, Socket::Dhcpv4(_)))).flatten();
                client.or_else(|| place_of(&|socket| matches!(socket, Socket::Udp(udp) if udp.endpoint().port == port)))
            }
            _ => None,
        }
    }

    /// Whether the socket at `place` is TCP's and takes a segment between these ends.
    fn takes(&self, place: usize, ends: Ends, flags: TcpFlags) -> bool {
        let Some(tcp) = self.places[place].as_ref().and_then(Own::tcp) else { return false };
        match tcp.state() {
            tcp::State::Closed => false,
            tcp::State::Listen => {
                !flags.has(TcpFlags::ACK | TcpFlags::RST) && tcp.listen_endpoint().port == ends.0.port()
            }
            _ => {
                let own = tcp.local_endpoint().zip(tcp.remote_endpoint());
                own.is_some_and(|(local, peer)| (endpoint_v4(local), endpoint_v4(peer)) == ends)
            }
        }
    }
}

/// Handles are neither made nor copied elsewhere, and given back once: see `tcp` and `datagram`.
const OWNED: &str = "whoever has a handle has a socket";

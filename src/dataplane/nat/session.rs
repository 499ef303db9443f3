//! One translated connection: who, as whom, how far.

use crate::dataplane::Direction;
use crate::dataplane::conntrack::SessionRef;
use crate::net::{FiveTuple, Protocol};
use crate::program::NodeIx;
use crate::time::SimTime;
use crate::wire::{Icmp, Parsed, TcpFlags, icmp_type};
use std::net::Ipv4Addr;

/// One translated connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Who translates.
    pub(super) owner: NodeIx,
    /// The connection as the inside sends it. Both ports of ICMP echo are the identifier.
    pub(super) inside: FiveTuple,
    /// What stands in place of the inside's address.
    pub(super) outer_address: Ipv4Addr,
    /// What stands in place of the inside's port or identifier; 0 for protocols without.
    pub(super) outer_port: u16,
    /// How far it has come.
    pub(super) state: SessionState,
    /// Differs between sessions that lay in the same place at different times.
    pub(super) generation: u32,
    /// When it is forgotten if nothing more is seen.
    pub(super) expires_at: SimTime,
    /// How long it lasts in its state, from its last packet on: a number of the table's.
    pub(super) timeout: TimeoutIx,
    /// The time of its entry in the queue of expiries, never later than `expires_at`.
    pub(super) timer_at: SimTime,
}

/// One of the few idle timeouts that sessions have, by its number in the table: a byte instead of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeoutIx(pub(super) u8);

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum SessionState {
    /// Begun by the inside, not answered.
    TcpOpening,
    /// Answered, or taken up in the middle.
    TcpEstablished,
    /// FIN from the inside.
    TcpClosingInside,
    /// FIN from the outside.
    TcpClosingOutside,
    /// FIN from both, or RST.
    TcpClosed,
    /// Not answered.
    UdpOneWay,
    /// Answered.
    UdpStream,
    /// A question and its answers.
    IcmpQuery,
    /// Any other protocol.
    Other,
}

impl SessionState {
    /// The state after the packet that begins a session.
    pub(super) fn first(packet: &Parsed) -> Self {
        match packet.protocol {
            Protocol::TCP if packet.tcp_flags.is_some_and(TcpFlags::is_opening) => SessionState::TcpOpening,
            Protocol::TCP => SessionState::TcpEstablished,
            Protocol::UDP => SessionState::UdpOneWay,
            Protocol::ICMP => SessionState::IcmpQuery,
            _ => SessionState::Other,
        }
    }

    /// The state after one more packet. Egress is from the inside.
    pub(super) fn after(self, packet: &Parsed, direction: Direction) -> Self {
        use SessionState::*;
        let has = |bits| packet.tcp_flags.is_some_and(|flags| flags.has(bits));
        let inside = direction == Direction::Egress;
        match self {
            TcpOpening | TcpEstablished | TcpClosingInside | TcpClosingOutside if has(TcpFlags::RST) => TcpClosed,
            TcpClosingInside if has(TcpFlags::FIN) && !inside => TcpClosed,
            TcpClosingOutside if has(TcpFlags::FIN) && inside => TcpClosed,
            TcpOpening | TcpEstablished if has(TcpFlags::FIN) && inside => TcpClosingInside,
            TcpOpening | TcpEstablished if has(TcpFlags::FIN) => TcpClosingOutside,
            TcpOpening if !inside => TcpEstablished,
            UdpOneWay if !inside => UdpStream,
            unchanged => unchanged,
        }
    }

    /// Whether it is a TCP connection that nobody has closed.
    pub(super) fn is_open_tcp(self) -> bool {
        use SessionState::*;
        matches!(self, TcpOpening | TcpEstablished | TcpClosingInside | TcpClosingOutside)
    }
}

/// A connection as the outside answers it: the key of what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutsideKey {
    pub(super) protocol: Protocol,
    pub(super) outer_address: Ipv4Addr,
    /// 0 for protocols without ports.
    pub(super) outer_port: u16,
    pub(super) remote_address: Ipv4Addr,
    /// 0 for protocols without ports, and for ICMP, whose two ends share one identifier.
    pub(super) remote_port: u16,
}

impl OutsideKey {
    /// What answers a connection that goes out by this address and port.
    pub(super) fn of_session(inside: &FiveTuple, outer_address: Ipv4Addr, outer_port: u16) -> Self {
        OutsideKey {
            protocol: inside.protocol,
            outer_address,
            outer_port,
            remote_address: inside.destination,
            remote_port: if inside.protocol == Protocol::ICMP { 0 } else { inside.destination_port },
        }
    }

    /// The key of a packet from the outside, or of one that went there, reversed.
    pub(super) fn of_answer(tuple: FiveTuple) -> Self {
        let remote_port = if tuple.protocol == Protocol::ICMP { 0 } else { tuple.source_port };
        OutsideKey {
            protocol: tuple.protocol,
            outer_address: tuple.destination,
            outer_port: tuple.destination_port,
            remote_address: tuple.source,
            remote_port,
        }
    }
}

impl Session {
    /// What a memo remembers it by; it lies at `place`.
    pub(super) fn reference(&self, place: u32) -> SessionRef {
        SessionRef { place, generation: self.generation }
    }

    /// What answers it looks like.
    pub(super) fn outside(&self) -> OutsideKey {
        OutsideKey::of_session(&self.inside, self.outer_address, self.outer_port)
    }
}

/// What a packet is to a translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of a conversation.
    Flow,
    /// An ICMP message that asks.
    Query,
    /// An ICMP message that answers.
    QueryReply,
    /// An ICMP message of a kind that is not translated.
    OtherIcmp,
}

/// Sorts packets that are neither ICMP errors nor later fragments.
pub(super) fn role_of(icmp: Option<Icmp>) -> Role {
    match icmp.map(|icmp| icmp.kind) {
        None => Role::Flow,
        Some(icmp_type::ECHO | icmp_type::TIMESTAMP) => Role::Query,
        Some(icmp_type::ECHO_REPLY | icmp_type::TIMESTAMP_REPLY) => Role::QueryReply,
        Some(_) => Role::OtherIcmp,
    }
}

/// Whether packets of the flow have something that tells connections apart: ports, or an identifier.
pub(super) fn has_port(packet: &Parsed) -> bool {
    packet.ports.is_some()
        || packet.icmp.is_some_and(|icmp| matches!(icmp.kind, icmp_type::ECHO | icmp_type::ECHO_REPLY))
}

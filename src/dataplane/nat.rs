//! Translation of addresses and ports, with memory: what NAT gateways, forwarding instances and routers on premises share.
//!
//! Purpose: `outbound` puts an address and port of the translator in place of a packet's source and remembers the session; `inbound` puts the inside's back
//! into what answers it. Non-goals: which packets may come (the nodes say), the time to live and the MTU (theirs too), inbound rules, hairpinning.
//!
//! A mapping depends on the destination: one inside socket gets a port for each destination address and port it talks to, and only that destination may answer
//! through it. No port is given twice towards one destination while its session lives. `profile` says what differs between the kinds of translators, and where
//! AWS is silent. What is sent when a session has expired:
//!
//! | | NAT gateway | Linux |
//! |---|---|---|
//! | at expiry | nothing | nothing |
//! | then the inside's next TCP segment | RST to the inside | taken up anew, unless it opens or ends something |
//! | then the inside's SYN, datagram, echo request | a new session | a new session |
//! | then whatever the outside sends | dropped | not translated |
//!
//! A TCP segment from the inside that belongs to no session gets the same answer whether its session expired or never was: so nothing needs to be remembered of
//! expired ones. (For the latter AWS is silent; assumed.) ICMP errors are translated with the packet they quote and keep no session alive. An address that left the
//! pool ends its sessions with their next packet. Packets that the translator's own programs send are not looked at: an instance that masquerades and opens
//! connections itself could meet its own port (Linux tracks both; not simulated).
//!
//! Invariants: all limits are exact; the same packets at the same times get the same ports; hash maps are never iterated. Where a
//! network's sessions are divided, the port given to one names its part ([`Part`]).
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html, nat-gateway-troubleshooting.html; RFC 4787, RFC 5382, RFC 5508 for the terms.

mod fragments;
mod metrics;
mod profile;
mod session;
mod table;
#[cfg(test)]
mod tests;

pub use metrics::NatMetrics;

use super::answer::Answer;
use super::conntrack::SessionRef;
use super::part::Part;
use super::visit::{Stage, Visit, drop};
use super::{Decision, Direction, DropReason, Tap, Touch};
use crate::program::NodeIx;
use crate::time::SimTime;
use crate::wire::{Parsed, TcpFlags, rewrite};
use fragments::{FragmentKey, Fragments};
use profile::NatProfile;
use session::{OutsideKey, Role, SessionState, has_port, role_of};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use table::{Exhausted, Limits, Table};

/// Packets that went through a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassedNat {
    /// Egress: from the inside.
    pub(crate) direction: Direction,
    pub(crate) packets: u64,
    pub(crate) ip_bytes: u64,
}

/// All NAT sessions.
#[derive(Clone, Debug, Default)]
pub struct Nat {
    table: Table,
    fragments: Fragments,
}

impl Nat {
    /// No session yet, and a part of ports and quotas.
    pub fn of_part(part: Part) -> Nat {
        Nat { table: Table::of_part(part), ..Nat::default() }
    }

    /// What CloudWatch would show of a NAT gateway at `now`, since the beginning.
    pub fn metrics(&self, gateway: NodeIx, now: SimTime) -> NatMetrics {
        self.table.metrics(gateway, now)
    }

    /// Bytes that the sessions take.
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }

    /// Whether [`Nat::renew`] may stand for translating one more packet of the session.
    #[inline]
    pub fn is_alive(&self, session: SessionRef, now: SimTime) -> bool {
        self.table.is_alive(session, now)
    }

    /// Takes note of one more packet of a session that [`Nat::is_alive`], if that packet changes no state: one without SYN, FIN and RST, of a direction that a
    /// packet was seen of before, under the same program.
    #[inline]
    pub fn renew(&mut self, session: SessionRef, now: SimTime) {
        self.table.renew(session, now);
    }

    /// The generation that lies at a place.
    #[inline]
    pub(crate) fn generation_at(&self, place: u32) -> u32 {
        self.table.generation_at(place)
    }

    /// What every session is, ordered, as text: for comparisons.
    pub fn sessions(&self) -> Vec<String> {
        self.table.all().iter().map(|session| format!("{session:?}")).collect()
    }

    /// Counts packets that a NAT gateway translated and sent on, all of one direction.
    pub(crate) fn count_passed(&mut self, gateway: NodeIx, passed: PassedNat) {
        let PassedNat { direction, packets, ip_bytes } = passed;
        let metrics = self.count(gateway);
        let (packets_and_bytes_in, packets_and_bytes_out) = match direction {
            Direction::Ingress => (
                (&mut metrics.packets_in_from_destination, &mut metrics.bytes_in_from_destination),
                (&mut metrics.packets_out_to_source, &mut metrics.bytes_out_to_source),
            ),
            Direction::Egress => (
                (&mut metrics.packets_in_from_source, &mut metrics.bytes_in_from_source),
                (&mut metrics.packets_out_to_destination, &mut metrics.bytes_out_to_destination),
            ),
        };
        for (packet_count, byte_count) in [packets_and_bytes_in, packets_and_bytes_out] {
            *packet_count += packets;
            *byte_count += ip_bytes;
        }
    }

    /// A translator's counters, to count in.
    pub(crate) fn count(&mut self, owner: NodeIx) -> &mut NatMetrics {
        &mut self.table.owner(owner).metrics
    }

    /// Whether a packet from the outside answers a session of `owner`. Keeps nothing alive.
    pub(crate) fn knows(&self, owner: NodeIx, packet: &Parsed, frame: &[u8], now: SimTime) -> bool {
        if packet.is_later_fragment() {
            return self.fragments.address(&FragmentKey::of(owner, packet), now).is_some();
        }
        self.answered(owner, packet, frame, now).is_some()
    }

    /// The session that a packet from the outside answers; for an ICMP error, the one of the packet it quotes.
    fn answered(&self, owner: NodeIx, packet: &Parsed, frame: &[u8], now: SimTime) -> Option<u32> {
        if packet.icmp.is_some_and(|icmp| icmp.is_error()) {
            // The quoted packet had gone out translated.
            let quoted = translated_quote(packet, frame).filter(|quoted| quoted.source == packet.destination)?;
            let key = OutsideKey::of_answer(quoted.five_tuple().reversed());
            return self.table.find_outside(owner, &key, now);
        }
        match role_of(packet.icmp) {
            Role::Flow | Role::QueryReply => {
                self.table.find_outside(owner, &OutsideKey::of_answer(packet.five_tuple()), now)
            }
            Role::Query | Role::OtherIcmp => None,
        }
    }
}

/// Puts an address of `pool` and a port of its own in place of the packet's source, beginning a session of the node at hand if there is none.
pub(crate) fn outbound<T: Tap>(visit: &mut Visit<'_, '_, T>, pool: &[Ipv4Addr], packet: &mut Parsed) -> Stage {
    if packet.is_later_fragment() {
        return outbound_fragment(visit, packet);
    }
    if packet.icmp.is_some_and(|icmp| icmp.is_error()) {
        return outbound_error(visit, packet);
    }
    let fragments_follow = packet.more_fragments.then(|| FragmentKey::of(visit.at, packet));
    let (at, begun) = session_of(visit, pool, packet)?;
    let session = *visit.state.nat.table.session(at);
    visit.tap.on_touch(Touch::Translated(session.reference(at)));
    let before = (packet.source, session.inside.source_port);
    rewrite::set_source(visit.frame.bytes, packet, session.outer_address);
    rewrite::set_source_port(visit.frame.bytes, packet, session.outer_port);
    if let Some(key) = fragments_follow {
        let timeout = visit.program.settings.fragment_timeout;
        visit.state.nat.fragments.remember(key, session.outer_address, timeout, visit.now);
    }
    let after = (session.outer_address, session.outer_port);
    visit.decide(Decision::Nat { direction: Direction::Egress, before, after, begun });
    ControlFlow::Continue(())
}

/// Puts the inside address and port back in place of the packet's destination, if it answers a session of the node at hand.
pub(crate) fn inbound<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &mut Parsed) -> Stage {
    let (owner, now) = (visit.at, visit.now);
    if packet.is_later_fragment() {
        return inbound_fragment(visit, packet);
    }
    let Some(at) = visit.state.nat.answered(owner, packet, visit.frame.bytes, now) else {
        return drop(DropReason::NatNoSession);
    };
    let session = *visit.state.nat.table.session(at);
    visit.tap.on_touch(Touch::Translated(session.reference(at)));
    let before = (packet.destination, session.outer_port);
    let after = (session.inside.source, session.inside.source_port);
    if packet.icmp.is_some_and(|icmp| icmp.is_error()) {
        rewrite::set_quoted_source(visit.frame.bytes, packet, after.0, after.1);
        rewrite::set_destination(visit.frame.bytes, packet, after.0);
    } else {
        let profile = NatProfile::of(visit.program.node(owner), &visit.program.settings);
        let state = session.state.after(packet, Direction::Ingress);
        visit.state.nat.table.touch(at, state, profile.timeout(state), now);
        if packet.more_fragments {
            let key = FragmentKey::of(owner, packet);
            visit.state.nat.fragments.remember(key, after.0, visit.program.settings.fragment_timeout, now);
        }
        rewrite::set_destination(visit.frame.bytes, packet, after.0);
        rewrite::set_destination_port(visit.frame.bytes, packet, after.1);
    }
    visit.decide(Decision::Nat { direction: Direction::Ingress, before, after, begun: false });
    ControlFlow::Continue(())
}

/// The session of a packet from the inside, which takes note of it; a new one if it may begin one. The second value says whether it did.
fn session_of<T: Tap>(visit: &mut Visit<'_, '_, T>, pool: &[Ipv4Addr], packet: &Parsed) -> Stage<(u32, bool)> {
    let (owner, now, tuple) = (visit.at, visit.now, packet.five_tuple());
    let profile = NatProfile::of(visit.program.node(owner), &visit.program.settings);
    let table = &mut visit.state.nat.table;
    match role_of(packet.icmp) {
        Role::Flow | Role::Query => {}
        // Nobody outside can ask, so there is nothing to answer.
        Role::QueryReply => return drop(DropReason::NatNoSession),
        Role::OtherIcmp => return drop(DropReason::NatProtocol),
    }
    let opens = packet.tcp_flags.is_some_and(TcpFlags::is_opening);
    if let Some(at) = table.find_inside(owner, &tuple, now) {
        let session = table.session(at);
        if pool.contains(&session.outer_address) && !(opens && session.state == SessionState::TcpClosed) {
            let state = session.state.after(packet, Direction::Egress);
            table.touch(at, state, profile.timeout(state), now);
            return ControlFlow::Continue((at, false));
        }
        table.end(at);
    }
    if let Some(flags) = packet.tcp_flags.filter(|_| !opens) {
        if profile.gateway {
            return visit.refuse(DropReason::NatIdleTimeout, Answer::Reset);
        }
        if flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) {
            return drop(DropReason::NatNoSession);
        }
    }
    let limits = Limits {
        connections_per_destination: profile.connections_per_destination,
        sessions_max: profile.sessions_max,
        keeps_ports: !profile.gateway,
        has_port: has_port(packet),
    };
    let state = SessionState::first(packet);
    match table.begin(owner, tuple, state, pool, limits, (now, profile.timeout(state))) {
        Ok(at) => ControlFlow::Continue((at, true)),
        Err(Exhausted) => {
            table.owner(owner).metrics.error_port_allocation += 1;
            drop(DropReason::NatPortExhausted)
        }
    }
}

/// The packet that an ICMP error quotes, if it is of a kind that is translated: other ICMP messages must not be taken for timestamp queries, which have no ports either.
fn translated_quote(packet: &Parsed, frame: &[u8]) -> Option<Parsed> {
    packet.quoted(frame).filter(|quoted| !quoted.is_later_fragment() && role_of(quoted.icmp) != Role::OtherIcmp)
}

/// An ICMP error from the inside, about a packet that came in translated: the quoted destination is the inside's.
fn outbound_error<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &mut Parsed) -> Stage {
    let quoted = translated_quote(packet, visit.frame.bytes);
    let tuple = quoted.map(|quoted| quoted.five_tuple().reversed());
    let table = &visit.state.nat.table;
    let Some(at) = tuple.and_then(|tuple| table.find_inside(visit.at, &tuple, visit.now)) else {
        return drop(DropReason::NatNoSession);
    };
    let session = *table.session(at);
    let before = (packet.source, session.inside.source_port);
    let after = (session.outer_address, session.outer_port);
    rewrite::set_quoted_destination(visit.frame.bytes, packet, after.0, after.1);
    rewrite::set_source(visit.frame.bytes, packet, after.0);
    visit.decide(Decision::Nat { direction: Direction::Egress, before, after, begun: false });
    ControlFlow::Continue(())
}

fn outbound_fragment<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &mut Parsed) -> Stage {
    let after = address_of_first(visit, packet)?;
    let before = packet.source;
    rewrite::set_source(visit.frame.bytes, packet, after);
    visit.decide(Decision::Nat { direction: Direction::Egress, before: (before, 0), after: (after, 0), begun: false });
    ControlFlow::Continue(())
}

fn inbound_fragment<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &mut Parsed) -> Stage {
    let after = address_of_first(visit, packet)?;
    let before = packet.destination;
    rewrite::set_destination(visit.frame.bytes, packet, after);
    visit.decide(Decision::Nat { direction: Direction::Ingress, before: (before, 0), after: (after, 0), begun: false });
    ControlFlow::Continue(())
}

fn address_of_first<T: Tap>(visit: &Visit<'_, '_, T>, packet: &Parsed) -> Stage<Ipv4Addr> {
    let key = FragmentKey::of(visit.at, packet);
    match visit.state.nat.fragments.address(&key, visit.now) {
        Some(address) => ControlFlow::Continue(address),
        None => drop(DropReason::FragmentWithoutFirst),
    }
}

//! Translation of addresses and ports, as a list that is searched from end to end.
//!
//! A mapping depends on the destination, and only that may answer; ports 1024 to 65535; so many connections of one address to one destination; a NAT gateway forgets
//! after 350 s of silence, and then resets the inside's next segment (nat-gateway-basics.html, nat-gateway-troubleshooting.html). Which address and port a new connection
//! gets is not published: the choice is observed, and checked: one of the translator's addresses, a port in the range that no living connection to the same destination has.
//! Linux's idle timeouts are those of its `nf_conntrack-sysctl` documentation; Linux keeps a port that is free. Assumed with vpcsim: what a NAT gateway does with segments of
//! connections that it never knew (a reset), which ICMP messages it translates, how long a closed connection keeps its port (60 s; generators let no time pass that
//! would tell), fragments follow their first.

use super::packet::{ICMP, Packet, TCP, TcpFlags, UDP};
use super::roads::Place;
use super::roads::interface::datagram_of;
use super::rules::Side;
use super::tracking::{Ends, answers, asks};
use super::world::{Answer, Stage, Visit, drop};
use std::net::Ipv4Addr;

const SECOND: u64 = 1_000_000_000;

/// Source, destination, protocol, identification.
type Datagram = (Ipv4Addr, Ipv4Addr, u8, u16);

/// What one place remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translator {
    sessions: Vec<Translation>,
    /// First fragments: datagram as it came, and the address that was put in.
    fragments: Vec<(Datagram, Ipv4Addr, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Translation {
    /// As the inside sends.
    inside: Ends,
    outer: (Ipv4Addr, u16),
    stage: Progress,
    until_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Opening,
    Established,
    Closing(Side),
    Closed,
    UdpUnanswered,
    UdpAnswered,
    Icmp,
    Other,
}

/// Who translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gateway,
    Linux,
}

impl Progress {
    fn first(packet: &Packet) -> Progress {
        match packet.protocol {
            TCP if packet.tcp_flags().is_some_and(TcpFlags::opens) => Progress::Opening,
            TCP => Progress::Established,
            UDP => Progress::UdpUnanswered,
            ICMP => Progress::Icmp,
            _ => Progress::Other,
        }
    }

    /// After one more packet; out is from the inside.
    fn after(self, packet: &Packet, side: Side) -> Progress {
        let flags = packet.tcp_flags().unwrap_or_default();
        match self {
            Progress::Opening | Progress::Established | Progress::Closing(_) if flags.rst => Progress::Closed,
            Progress::Closing(by) if flags.fin && by != side => Progress::Closed,
            Progress::Opening | Progress::Established if flags.fin => Progress::Closing(side),
            Progress::Opening if side == Side::In => Progress::Established,
            Progress::UdpUnanswered if side == Side::In => Progress::UdpAnswered,
            other => other,
        }
    }

    fn timeout_ns(self, kind: Kind, idle_ns: u64) -> u64 {
        match (kind, self) {
            (Kind::Gateway, Progress::Closed) => idle_ns.min(60 * SECOND),
            (Kind::Gateway, _) => idle_ns,
            (Kind::Linux, Progress::Opening | Progress::Closing(_)) => 120 * SECOND,
            (Kind::Linux, Progress::Established) => 432_000 * SECOND,
            (Kind::Linux, Progress::Closed) => 60 * SECOND,
            (Kind::Linux, Progress::UdpUnanswered | Progress::Icmp) => 30 * SECOND,
            (Kind::Linux, Progress::UdpAnswered) => 180 * SECOND,
            (Kind::Linux, Progress::Other) => 600 * SECOND,
        }
    }
}

impl Translation {
    /// Whether packets from the outside with these ends answer it. The two ends of an ICMP question share one identifier.
    fn is_answered_by(&self, from_outside: Ends) -> bool {
        let same_port = from_outside.protocol == ICMP || from_outside.source.1 == self.inside.destination.1;
        from_outside.protocol == self.inside.protocol
            && from_outside.destination == self.outer
            && from_outside.source.0 == self.inside.destination.0
            && same_port
    }

    /// Whether it has the same address and destination as `other`'s.
    fn shares_destination(&self, inside: &Ends, outer: Ipv4Addr) -> bool {
        let same_port = inside.protocol == ICMP || inside.destination.1 == self.inside.destination.1;
        self.inside.protocol == inside.protocol
            && self.inside.destination.0 == inside.destination.0
            && self.outer.0 == outer
            && same_port
    }
}

impl Visit<'_, '_> {
    fn translator(&mut self, place: &Place) -> &mut Translator {
        let now_ns = self.world.now_ns;
        let translator = self.world.translators.entry(place.clone()).or_default();
        translator.sessions.retain(|session| now_ns < session.until_ns);
        translator.fragments.retain(|(.., until_ns)| now_ns < *until_ns);
        translator
    }

    /// Whether a packet from the outside answers something.
    pub fn knows_answer(&mut self, place: &Place) -> bool {
        let packet = self.packet().clone();
        let translator = self.translator(place);
        if packet.is_later_fragment() {
            return translator.fragments.iter().any(|(known, ..)| *known == datagram_of(&packet));
        }
        answered(translator, &packet).is_some()
    }

    /// Puts the inside's address and port back.
    pub fn translate_in(&mut self, place: &Place, kind: Kind) -> Stage<()> {
        let (now_ns, packet) = (self.world.now_ns, self.packet().clone());
        let idle_ns = self.model().forwarding.nat_idle_timeout.as_nanos();
        let keep_ns = self.model().forwarding.fragment_timeout.as_nanos();
        let translator = self.translator(place);
        if packet.is_later_fragment() {
            let address = first_of(translator, &packet)?;
            self.walk.packet.destination = address;
            self.say(format!("nat in {}:0 -> {address}:0", packet.destination));
            return Ok(());
        }
        let Some(at) = answered(translator, &packet) else { return drop("NatNoSession") };
        let session = &mut translator.sessions[at];
        let (inside, outer) = (session.inside.source, session.outer);
        if packet.quoted().is_none() {
            session.stage = session.stage.after(&packet, Side::In);
            session.until_ns = now_ns + session.stage.timeout_ns(kind, idle_ns);
            if packet.is_first_fragment() {
                translator.fragments.push((datagram_of(&packet), inside.0, now_ns + keep_ns));
            }
        }
        self.walk.packet.destination = inside.0;
        match self.walk.packet.quoted_mut() {
            Some(quoted) => {
                quoted.source = inside.0;
                set_port(quoted, Side::Out, inside.1);
            }
            None => set_port(&mut self.walk.packet, Side::In, inside.1),
        }
        self.say(format!("nat in {}:{} -> {}:{}", packet.destination, outer.1, inside.0, inside.1));
        Ok(())
    }

    /// Puts one of `own` addresses and a port in place of the source's.
    pub fn translate_out(&mut self, place: &Place, kind: Kind, own: &[Ipv4Addr], back: Place) -> Stage<()> {
        let packet = self.packet().clone();
        if packet.is_later_fragment() {
            let address = first_of(self.translator(place), &packet)?;
            self.walk.packet.source = address;
            self.say(format!("nat out {}:0 -> {address}:0", packet.source));
            return Ok(());
        }
        if let Some(quoted) = packet.quoted() {
            return self.translate_error_out(place, &packet, quoted);
        }
        if answers(&packet) {
            return drop("NatNoSession");
        }
        let Some(ends) = Ends::of(&packet) else { return drop("NatProtocol") };
        debug_assert!(packet.protocol != ICMP || asks(&packet));
        let (now_ns, settings) = (self.world.now_ns, self.model().forwarding);
        let (idle_ns, keep_ns) = (settings.nat_idle_timeout.as_nanos(), settings.fragment_timeout.as_nanos());
        let flags = packet.tcp_flags();
        let opens = flags.is_some_and(TcpFlags::opens);
        let translator = self.translator(place);
        let mut known = translator.sessions.iter().position(|session| session.inside == ends);
        if let Some(at) = known {
            let session = &translator.sessions[at];
            if !own.contains(&session.outer.0) || (opens && session.stage == Progress::Closed) {
                translator.sessions.remove(at);
                known = None;
            }
        }
        let (at, begun) = match known {
            Some(at) => (at, false),
            None => {
                if let Some(flags) = flags.filter(|_| !opens) {
                    match kind {
                        Kind::Gateway => return self.refuse("NatIdleTimeout", Answer::Reset, own[0], back),
                        Kind::Linux if flags.syn || flags.fin || flags.rst => return drop("NatNoSession"),
                        Kind::Linux => {}
                    }
                }
                let outer = self.outer_for(place, kind, own, ends, &packet)?;
                let translator = self.translator(place);
                translator.sessions.push(Translation {
                    inside: ends,
                    outer,
                    stage: Progress::first(&packet),
                    until_ns: 0,
                });
                (translator.sessions.len() - 1, true)
            }
        };
        let translator = self.world.translators.get_mut(place).expect("just asked");
        let session = &mut translator.sessions[at];
        if !begun {
            session.stage = session.stage.after(&packet, Side::Out);
        }
        session.until_ns = now_ns + session.stage.timeout_ns(kind, idle_ns);
        let outer = session.outer;
        if packet.is_first_fragment() {
            translator.fragments.push((datagram_of(&packet), outer.0, now_ns + keep_ns));
        }
        self.walk.packet.source = outer.0;
        set_port(&mut self.walk.packet, Side::Out, outer.1);
        let begun = if begun { " begun" } else { "" };
        self.say(format!("nat out {}:{} -> {}:{}{begun}", packet.source, ends.source.1, outer.0, outer.1));
        Ok(())
    }

    /// An ICMP error from the inside, about a packet that came in translated.
    fn translate_error_out(&mut self, place: &Place, packet: &Packet, quoted: &Packet) -> Stage<()> {
        let wanted = Ends::of(quoted).map(Ends::reversed);
        let session = self.translator(place).sessions.iter().find(|session| Some(session.inside) == wanted);
        let Some((inside, outer)) = session.map(|session| (session.inside.source, session.outer)) else {
            return drop("NatNoSession");
        };
        self.walk.packet.source = outer.0;
        if let Some(quoted) = self.walk.packet.quoted_mut() {
            quoted.destination = outer.0;
            set_port(quoted, Side::In, outer.1);
        }
        self.say(format!("nat out {}:{} -> {}:{}", packet.source, inside.1, outer.0, outer.1));
        Ok(())
    }

    /// The address and port of a new connection, as observed; what is wrong about it is noted.
    fn outer_for(
        &mut self,
        place: &Place,
        kind: Kind,
        own: &[Ipv4Addr],
        ends: Ends,
        packet: &Packet,
    ) -> Stage<(Ipv4Addr, u16)> {
        let limit = match kind {
            Kind::Gateway => self.model().forwarding.nat_connections_per_destination as usize,
            Kind::Linux => usize::MAX,
        };
        // Only ports and echo identifiers tell connections apart.
        let has_port = packet.ports().is_some() || packet.is_echo(super::packet::ECHO_REQUEST);
        let sessions = self.translator(place).sessions.clone();
        let taken = |address: Ipv4Addr| -> Vec<u16> {
            let same = sessions.iter().filter(|session| session.shares_destination(&ends, address));
            same.map(|session| session.outer.1).collect()
        };
        let free =
            |address: &Ipv4Addr| if has_port { taken(*address).len() < limit } else { taken(*address).is_empty() };
        if !own.iter().any(free) {
            return drop("NatPortExhausted");
        }
        let usual = own.iter().copied().find(free).map(|address| (address, ends.source.1)).expect("just seen");
        if !has_port {
            let (address, port) = self.world.choices.ports.pop_front().unwrap_or((usual.0, 0));
            if port != 0 || !own.contains(&address) || !taken(address).is_empty() {
                self.world.complaints.push(format!("{place:?}: {address}:{port} for a connection without ports"));
            }
            return Ok((address, port));
        }
        let (address, port) = self.world.choices.ports.pop_front().unwrap_or(usual);
        let used = taken(address);
        let keeps = kind == Kind::Linux && !used.contains(&ends.source.1);
        let wrong = match () {
            () if !own.contains(&address) => "not its address",
            () if used.contains(&port) => "taken",
            () if used.len() >= limit => "too many",
            () if keeps && port != ends.source.1 => "Linux keeps a port that is free",
            () if !keeps && port < 1024 => "below 1024",
            () => return Ok((address, port)),
        };
        self.world.complaints.push(format!("{place:?}: {address}:{port} for {ends:?}: {wrong}"));
        Ok((address, port))
    }
}

/// The session that a packet from the outside answers; of an ICMP error, the one of the packet it quotes, which had gone out translated.
fn answered(translator: &Translator, packet: &Packet) -> Option<usize> {
    let ends = match packet.quoted() {
        Some(quoted) => Ends::of(quoted).filter(|_| quoted.source == packet.destination)?.reversed(),
        // Questions begin something, and nothing begins outside.
        None if asks(packet) => return None,
        None => Ends::of(packet)?,
    };
    translator.sessions.iter().position(|session| session.is_answered_by(ends))
}

fn first_of(translator: &Translator, packet: &Packet) -> Stage<Ipv4Addr> {
    // A datagram's latest first fragment counts.
    match translator.fragments.iter().rev().find(|(known, ..)| *known == datagram_of(packet)) {
        Some((_, address, _)) => Ok(*address),
        None => drop("FragmentWithoutFirst"),
    }
}

/// Puts a port, or an echo's identifier, in place; nothing where there is none.
fn set_port(packet: &mut Packet, side: Side, port: u16) {
    use super::packet::Content;
    match (&mut packet.content, side) {
        (Content::Tcp { source_port, .. } | Content::Udp { source_port, .. }, Side::Out) => *source_port = port,
        (Content::Tcp { destination_port, .. } | Content::Udp { destination_port, .. }, Side::In) => {
            *destination_port = port;
        }
        (Content::Echo { identifier, .. }, _) => *identifier = port,
        _ => {}
    }
}

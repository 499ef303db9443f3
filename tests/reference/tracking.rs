//! Connection tracking as a list that is searched from end to end.
//!
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html. AWS gives the idle timeouts of
//! established TCP, of UDP and of other protocols; those of half-open and closing TCP and of ICMP are not published, and the
//! generator lets time pass by spans that every sensible value answers alike. Assumed with vpcsim: a later fragment belongs to no
//! flow, but follows its first; a segment that ends a connection begins none; of ICMP only questions (echo, timestamp) begin flows.

use super::packet::{Content, ECHO_REPLY, ECHO_REQUEST, ICMP, Packet, TCP, TcpFlags, UDP};
use super::rules::Side;
use std::net::Ipv4Addr;
use vpcsim::ids::EniId;

const SECOND: u64 = 1_000_000_000;
const TIMESTAMP: u8 = 13;
const TIMESTAMP_REPLY: u8 = 14;

/// One connection known to one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub eni: EniId,
    /// As packets that leave the interface have them; of an ICMP question, as the question has them.
    pub ends: Ends,
    /// The side of the first packet.
    pub begun: Side,
    pub answered: bool,
    pub tcp: TcpStage,
    pub last_seen_ns: u64,
    /// After how much silence the interface forgets it, at the stage it is in.
    pub timeouts: Timeouts,
}

/// Idle timeouts of an interface, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub tcp_established: u64,
    pub udp: u64,
    pub udp_stream: u64,
}

/// Protocol, addresses and ports. An echo's identifier stands for both ports; what shows no ports has zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    pub protocol: u8,
    pub source: (Ipv4Addr, u16),
    pub destination: (Ipv4Addr, u16),
}

impl Ends {
    /// As the other side sends.
    pub fn reversed(self) -> Ends {
        Ends { source: self.destination, destination: self.source, ..self }
    }

    /// As the packet is written; none for ICMP that neither asks nor answers, and for later fragments.
    pub fn of(packet: &Packet) -> Option<Ends> {
        let (source_port, destination_port) = match packet.visible()? {
            Content::Tcp { source_port, destination_port, .. } | Content::Udp { source_port, destination_port } => {
                (*source_port, *destination_port)
            }
            Content::Echo { identifier, .. } => (*identifier, *identifier),
            Content::OtherIcmp { icmp_type: TIMESTAMP | TIMESTAMP_REPLY, .. } | Content::Opaque => (0, 0),
            Content::OtherIcmp { .. } | Content::IcmpError { .. } => return None,
        };
        let (source, destination) = ((packet.source, source_port), (packet.destination, destination_port));
        Some(Ends { protocol: packet.protocol, source, destination })
    }
}

/// Whether an ICMP message asks: echo and timestamp requests.
pub fn asks(packet: &Packet) -> bool {
    matches!(packet.icmp_type_and_code(), Some((ECHO_REQUEST | TIMESTAMP, _)))
}

/// Whether an ICMP message answers such a question.
pub fn answers(packet: &Packet) -> bool {
    matches!(packet.icmp_type_and_code(), Some((ECHO_REPLY | TIMESTAMP_REPLY, _)))
}

/// How far a TCP connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpStage {
    Opening,
    Established,
    /// One side has sent a FIN.
    Closing(Side),
    Closed,
}

/// The ends of the flow that a packet belongs to, or could begin; none if it stands alone.
fn ends_of_flow(packet: &Packet, side: Side) -> Option<Ends> {
    let ends = Ends::of(packet)?;
    let as_written = match packet.icmp_type_and_code() {
        Some(_) => asks(packet),
        None => side == Side::Out,
    };
    Some(if as_written { ends } else { ends.reversed() })
}

/// Whether a packet that a rule allows begins a flow.
pub fn can_begin(packet: &Packet) -> bool {
    let ends = packet.tcp_flags().is_some_and(|flags| flags.fin || flags.rst);
    Ends::of(packet).is_some() && !answers(packet) && !ends
}

impl Session {
    /// A flow begun by `packet`, which [`can_begin`] one.
    pub fn begin(eni: EniId, timeouts: Timeouts, packet: &Packet, side: Side, now_ns: u64) -> Option<Session> {
        let tcp = match packet.tcp_flags() {
            Some(TcpFlags { syn: true, ack: false, .. }) => TcpStage::Opening,
            _ => TcpStage::Established,
        };
        let ends = ends_of_flow(packet, side)?;
        Some(Session { eni, ends, begun: side, answered: false, tcp, last_seen_ns: now_ns, timeouts })
    }

    /// Notes that a packet of the flow passed.
    pub fn note(&mut self, timeouts: Timeouts, packet: &Packet, side: Side, now_ns: u64) {
        self.last_seen_ns = now_ns;
        self.timeouts = timeouts;
        self.answered |= side != self.begun;
        let Some(flags) = packet.tcp_flags() else { return };
        self.tcp = match self.tcp {
            TcpStage::Closed => TcpStage::Closed,
            _ if flags.rst => TcpStage::Closed,
            TcpStage::Closing(by) if flags.fin && by != side => TcpStage::Closed,
            TcpStage::Closing(by) => TcpStage::Closing(by),
            TcpStage::Opening | TcpStage::Established if flags.fin => TcpStage::Closing(side),
            TcpStage::Opening if self.answered => TcpStage::Established,
            other => other,
        };
    }

    /// Idle time after which it is forgotten.
    fn timeout_ns(&self) -> u64 {
        let seconds = match (self.ends.protocol, self.tcp) {
            (TCP, TcpStage::Established) => self.timeouts.tcp_established,
            (TCP, _) => 100,
            (UDP, _) if self.answered => self.timeouts.udp_stream,
            (UDP, _) => self.timeouts.udp,
            (ICMP, _) => 30,
            _ => 600,
        };
        seconds * SECOND
    }
}

/// The flow at `eni` that `packet` belongs to, if it is still remembered. A SYN after the end is a new connection.
pub fn find<'s>(
    sessions: &'s mut Vec<Session>,
    eni: EniId,
    packet: &Packet,
    side: Side,
    now_ns: u64,
) -> Option<&'s mut Session> {
    sessions.retain(|session| now_ns - session.last_seen_ns < session.timeout_ns());
    let ends = ends_of_flow(packet, side)?;
    let at = sessions.iter().position(|session| session.eni == eni && session.ends == ends)?;
    let opens = packet.tcp_flags().is_some_and(TcpFlags::opens);
    if opens && sessions[at].tcp == TcpStage::Closed {
        sessions.remove(at);
        return None;
    }
    Some(&mut sessions[at])
}

/// Whether `packet`, which went the other way, belongs to a flow at `eni`. Asking changes nothing.
pub fn knows(sessions: &[Session], eni: EniId, packet: &Packet, side: Side, now_ns: u64) -> bool {
    let Some(ends) = ends_of_flow(packet, side) else { return false };
    sessions.iter().any(|s| s.eni == eni && s.ends == ends && now_ns - s.last_seen_ns < s.timeout_ns())
}

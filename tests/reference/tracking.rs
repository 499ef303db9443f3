//! Connection tracking as a list that is searched from end to end.
//!
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html. AWS gives the idle timeouts of
//! established TCP, of UDP and of other protocols; those of half-open and closing TCP are not published, and the
//! generator only lets time pass by spans that every sensible value answers alike.

use super::packet::{Content, ICMP, Packet, TCP, TcpFlags, UDP};
use std::net::Ipv4Addr;
use vpcsim::ids::EniId;

const SECOND: u64 = 1_000_000_000;

/// One connection known to one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub eni: EniId,
    /// As the packet that opened it had them.
    pub ends: Ends,
    pub answered: bool,
    pub tcp: TcpStage,
    pub last_seen_ns: u64,
}

/// Protocol, addresses and ports. An echo's identifier stands for both ports; what shows no ports has zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub protocol: u8,
    pub source: (Ipv4Addr, u16),
    pub destination: (Ipv4Addr, u16),
}

/// How far a TCP connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpStage {
    Opening,
    Established,
    Closing,
}

impl Ends {
    pub fn of(packet: &Packet) -> Ends {
        let (source_port, destination_port) = match packet.content {
            Content::Tcp { source_port, destination_port, .. } | Content::Udp { source_port, destination_port } => {
                (source_port, destination_port)
            }
            Content::Echo { identifier, .. } => (identifier, identifier),
            _ => (0, 0),
        };
        Ends {
            protocol: packet.protocol,
            source: (packet.source, source_port),
            destination: (packet.destination, destination_port),
        }
    }

    fn turned(self) -> Ends {
        Ends { source: self.destination, destination: self.source, ..self }
    }
}

impl Session {
    /// Idle time after which it is forgotten.
    fn timeout_ns(&self) -> u64 {
        let seconds = match (self.ends.protocol, self.tcp) {
            (TCP, TcpStage::Opening) => 60,
            (TCP, TcpStage::Established) => 432_000,
            (TCP, TcpStage::Closing) => 10,
            (UDP, _) if self.answered => 180,
            (UDP, _) => 30,
            (ICMP, _) => 30,
            _ => 600,
        };
        seconds * SECOND
    }
}

/// The session of `packet` at `eni`, either way round, that is still remembered at `now_ns`.
pub fn find<'s>(sessions: &'s mut Vec<Session>, eni: EniId, packet: &Packet, now_ns: u64) -> Option<&'s mut Session> {
    sessions.retain(|session| now_ns - session.last_seen_ns < session.timeout_ns());
    let ends = Ends::of(packet);
    sessions.iter_mut().find(|s| s.eni == eni && (s.ends == ends || s.ends == ends.turned()))
}

/// Notes that a packet of the session passed.
pub fn note(session: &mut Session, packet: &Packet, now_ns: u64) {
    session.last_seen_ns = now_ns;
    if Ends::of(packet) != session.ends {
        session.answered = true;
    }
    if let Some(flags) = packet.tcp_flags() {
        session.tcp = stage_after(session.tcp, flags, session.answered);
    }
}

/// A new session, opened by `packet`.
pub fn open(eni: EniId, packet: &Packet, now_ns: u64) -> Session {
    let tcp = packet.tcp_flags().map_or(TcpStage::Opening, |flags| stage_after(TcpStage::Opening, flags, false));
    Session { eni, ends: Ends::of(packet), answered: false, tcp, last_seen_ns: now_ns }
}

fn stage_after(stage: TcpStage, flags: TcpFlags, answered: bool) -> TcpStage {
    match stage {
        _ if flags.rst || flags.fin => TcpStage::Closing,
        TcpStage::Closing => TcpStage::Closing,
        TcpStage::Opening if !flags.syn && answered => TcpStage::Established,
        other => other,
    }
}

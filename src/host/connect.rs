//! A connection tried and closed, or listened to for a while: what `nc` without input does.
//!
//! Purpose: TCP connect with a time limit, what the server says first; over UDP one datagram, and whether the port was refused.
//! Non-goals: input, listening, TLS.

use super::connection::{Connection, Loss, Security, Stage};
use super::context::Context;
use super::interface::{ConnectError, IcmpKey, IcmpMessage, Stack, TcpUse, UdpSocket};
use super::outcome::{Failure, Outcome, Reply, SocketProblem};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How long a server may be silent before a connection that is only listened to is closed. Own choice: `nc` would wait for its input.
const SILENCE: SimDuration = SimDuration::from_secs(1);
/// How long a refusal of a datagram is waited for: what ncat waits.
const UDP_WAIT: SimDuration = SimDuration::from_secs(2);
/// What is kept of the server's words.
const RECEIVED_BYTES_MAX: usize = 64 * 1024;

/// A connection to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// UDP instead of TCP.
    pub udp: bool,
    /// Close as soon as connected, instead of listening to what the server says.
    pub probe_only: bool,
    /// How long the handshake may take.
    pub timeout: SimDuration,
}

/// A connection that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectReport {
    /// The other end.
    pub peer: SocketAddrV4,
    /// Bytes sent.
    pub sent_bytes: usize,
    /// What the server said, up to 64 KiB.
    pub received: Vec<u8>,
}

/// A connection attempt under way.
pub(super) struct ConnectProcess {
    connect: Connect,
    target: Target,
    phase: Phase,
    record: Outcome,
}

enum Phase {
    Finding,
    Connecting { connection: Connection, deadline: SimTime },
    Listening { connection: Connection, received: Vec<u8>, until: SimTime },
    Datagram { socket: UdpSocket, peer: SocketAddrV4, received: Vec<u8>, until: SimTime },
    Over,
}

impl ConnectProcess {
    pub(super) fn new(now: SimTime, connect: Connect) -> Self {
        let target = Target::new(now, &connect.host);
        ConnectProcess { connect, target, phase: Phase::Finding, record: Outcome::starting(now) }
    }

    fn begin(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) -> Result<Phase, Failure> {
        let peer = SocketAddrV4::new(address, self.connect.port);
        if self.connect.udp {
            let socket = cx.stack.open_udp(cx.stream).ok_or_else(|| self.target.failure(SocketProblem::NoFreePort))?;
            cx.stack.listen_for(IcmpKey::Udp(socket.port));
            cx.stack.send_udp(&socket, peer, b"\n");
            self.record.peer = Some(peer);
            return Ok(Phase::Datagram { socket, peer, received: Vec::new(), until: cx.now + UDP_WAIT });
        }
        let connection = open(cx, peer, TcpUse::Exchange, &mut self.record).map_err(|p| self.target.failure(p))?;
        Ok(Phase::Connecting { connection, deadline: cx.now + self.connect.timeout })
    }

    fn report(&self, peer: SocketAddrV4, sent_bytes: usize, received: Vec<u8>) -> Step {
        Step::over(Ok(Reply::Connect(ConnectReport { peer, sent_bytes, received })))
    }

    fn fail(&self, problem: SocketProblem) -> Step {
        Step::over(Err(self.target.failure(problem)))
    }
}

impl Program for ConnectProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let mut moved = false;
        loop {
            match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Finding => {
                    self.phase = Phase::Finding;
                    let address = match self.target.seek(cx, &mut self.record) {
                        Ok(address) => address,
                        Err(step) => return step,
                    };
                    match self.begin(cx, address) {
                        Ok(phase) => self.phase = phase,
                        Err(failure) => return Step::over(Err(failure)),
                    }
                }
                Phase::Connecting { mut connection, deadline } => {
                    moved |= connection.poll(cx);
                    self.record.connect_time = connection.connect_time();
                    match connection_state(&connection) {
                        Err(problem) => {
                            connection.abandon(cx);
                            return self.fail(problem);
                        }
                        Ok(false) if cx.now >= deadline => {
                            connection.abandon(cx);
                            return self.fail(SocketProblem::TimedOut);
                        }
                        Ok(false) => {
                            self.phase = Phase::Connecting { connection, deadline };
                            return Step::waiting(moved);
                        }
                        Ok(true) if self.connect.probe_only => {
                            let peer = connection.peer();
                            connection.close(cx);
                            return self.report(peer, 0, Vec::new());
                        }
                        Ok(true) => {
                            let until = cx.now + SILENCE;
                            self.phase = Phase::Listening { connection, received: Vec::new(), until };
                        }
                    }
                }
                Phase::Listening { mut connection, mut received, mut until } => {
                    moved |= connection.poll(cx);
                    let mut words = connection.take_received();
                    if !words.is_empty() {
                        until = cx.now + SILENCE;
                        words.truncate(RECEIVED_BYTES_MAX.saturating_sub(received.len()));
                        received.append(&mut words);
                    }
                    if *connection.stage() != Stage::Open || cx.now >= until {
                        let peer = connection.peer();
                        connection.close(cx);
                        return self.report(peer, 0, received);
                    }
                    self.phase = Phase::Listening { connection, received, until };
                    return Step::waiting(moved);
                }
                Phase::Datagram { socket, peer, mut received, until } => {
                    while let Some((payload, from)) = cx.stack.receive_udp(&socket) {
                        if from == peer && received.len() + payload.len() <= RECEIVED_BYTES_MAX {
                            received.extend_from_slice(&payload);
                            moved = true;
                        }
                    }
                    let key = IcmpKey::Udp(socket.port);
                    let refused = std::iter::from_fn(|| cx.stack.take_icmp(key)).any(|heard| {
                        matches!(heard.message, IcmpMessage::Error { kind: 3, .. }) && heard.message.is_final()
                    });
                    if refused || cx.now >= until {
                        cx.stack.ignore(key);
                        cx.stack.close_udp(socket);
                        return if refused {
                            self.fail(SocketProblem::Refused)
                        } else {
                            self.report(peer, 1, received)
                        };
                    }
                    self.phase = Phase::Datagram { socket, peer, received, until };
                    return Step::waiting(moved);
                }
                Phase::Over => return Step::waiting(moved),
            }
        }
    }

    fn deadline(&self, stack: &Stack) -> Option<SimTime> {
        match &self.phase {
            Phase::Finding => self.target.deadline(),
            Phase::Connecting { connection, deadline } => {
                connection.deadline(stack).into_iter().chain([*deadline]).min()
            }
            Phase::Listening { until, .. } | Phase::Datagram { until, .. } => Some(*until),
            Phase::Over => None,
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

/// A plain TCP connection that begins with a SYN; noted in `record`.
pub(super) fn open(
    cx: &mut Context<'_>,
    peer: SocketAddrV4,
    tcp_use: TcpUse,
    record: &mut Outcome,
) -> Result<Connection, SocketProblem> {
    let tcp = cx.stack.connect_for(cx.stream, peer, tcp_use, None).map_err(|error| match error {
        ConnectError::NoFreePort => SocketProblem::NoFreePort,
        ConnectError::BadDestination => SocketProblem::BadDestination,
    })?;
    record.connections_opened += 1;
    (record.local, record.peer) = (Some(tcp.local), Some(tcp.peer));
    Ok(Connection::new(tcp, Security::Plain))
}

/// Whether a plain connection is open, or why it never will be.
pub(super) fn connection_state(connection: &Connection) -> Result<bool, SocketProblem> {
    match connection.stage() {
        Stage::Connecting | Stage::Handshaking => Ok(false),
        Stage::Open | Stage::PeerFinished => Ok(true),
        Stage::Lost(Loss::Refused) => Err(SocketProblem::Refused),
        Stage::Lost(Loss::TimedOut) => Err(SocketProblem::TimedOut),
        Stage::Lost(Loss::Reset | Loss::Tls(_)) => Err(SocketProblem::Reset),
    }
}

//! Bulk TCP: so many bytes in one direction, and how long that took. vpcsim's own protocol, for what `iperf3 -n` measures.
//!
//! The client says `SEND n` or `RECEIVE n` in one line. `SEND`: n bytes follow, and the server says `DONE n` when it has them. `RECEIVE`: the
//! server sends n bytes. Either way the client closes. Non-goals: parallel streams, UDP, JSON.
//!
//! Both ends have 512 KiB of buffer and Reno; smoltcp has no selective acknowledgements, so losses cost more than on Linux.

use super::connect::{connection_state, open};
use super::connection::{Connection, Stage};
use super::context::Context;
use super::interface::{Stack, TcpUse};
use super::outcome::{Outcome, Reply, SocketProblem};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

/// iperf3's port.
pub const BULK_PORT: u16 = 5201;
/// How long an open transfer may stand still.
pub(super) const STILL_MAX: SimDuration = SimDuration::from_secs(60);
/// The longest line either end says.
const LINE_BYTES_MAX: usize = 64;

/// A transfer to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Name or address.
    pub host: String,
    /// TCP port, 5201.
    pub port: u16,
    /// How many bytes.
    pub bytes: u64,
    /// From the server to here, instead of from here to the server.
    pub reverse: bool,
}

/// A transfer that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkReport {
    /// This end.
    pub local: SocketAddrV4,
    /// The other end.
    pub peer: SocketAddrV4,
    /// Bytes that arrived.
    pub bytes: u64,
    /// From the connection's opening to the last byte (or the server's word that it has it).
    pub span: SimDuration,
    /// Whether the bytes came from the server.
    pub reverse: bool,
}

/// A client under way.
pub(super) struct BulkProcess {
    bulk: Bulk,
    target: Target,
    phase: Phase,
    record: Outcome,
}

enum Phase {
    Finding,
    Connecting { connection: Connection },
    Moving { connection: Connection, left: u64, line: Vec<u8>, since: SimTime, still_since: SimTime },
    Over,
}

impl BulkProcess {
    pub(super) fn new(now: SimTime, bulk: Bulk) -> Self {
        let target = Target::new(now, &bulk.host);
        BulkProcess { bulk, target, phase: Phase::Finding, record: Outcome::starting(now) }
    }

    fn fail(&self, problem: SocketProblem) -> Step {
        Step::over(Err(self.target.failure(problem)))
    }

    /// Closes a transfer that does not go on.
    fn end(&mut self, cx: &mut Context<'_>, connection: Connection, since: SimTime, is_whole: bool) -> Step {
        let (local, peer) = (connection.local(), connection.peer());
        let ended = !matches!(connection.stage(), Stage::Open);
        connection.close(cx);
        if is_whole {
            let (bytes, reverse) = (self.bulk.bytes, self.bulk.reverse);
            return Step::over(Ok(Reply::Bulk(BulkReport { local, peer, bytes, span: cx.now.since(since), reverse })));
        }
        self.record.broken_connections += 1;
        self.fail(if ended { SocketProblem::Reset } else { SocketProblem::TimedOut })
    }
}

impl Phase {
    /// Moves bytes, if that is the phase. False if that is over, by success or otherwise, or is not the phase.
    fn moves_on(&mut self, cx: &mut Context<'_>, reverse: bool) -> bool {
        let Phase::Moving { connection, left, line, still_since, .. } = self else { return false };
        let mut progress = connection.poll(cx);
        if reverse {
            *left = left.saturating_sub(connection.count_received());
        } else {
            line.append(&mut connection.take_received());
            let sent = connection.send_filler(cx, *left);
            *left -= sent;
            progress |= sent > 0;
        }
        if progress {
            *still_since = cx.now;
        }
        let is_open = matches!(connection.stage(), Stage::Open) && cx.now < *still_since + STILL_MAX;
        is_open && !is_whole(*left, line, reverse)
    }
}

/// Whether all bytes are where they were to go.
fn is_whole(left: u64, line: &[u8], reverse: bool) -> bool {
    left == 0 && (reverse || line.ends_with(b"\n"))
}

impl Program for BulkProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let mut moved = false;
        loop {
            // In its place, because it is done with every segment.
            if self.phase.moves_on(cx, self.bulk.reverse) {
                // All that came is taken and the send buffer is full, or filled with the rest: only a segment changes that.
                return Step::waiting(false);
            }
            match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Finding => {
                    self.phase = Phase::Finding;
                    let address = match self.target.seek(cx, &mut self.record) {
                        Ok(address) => address,
                        Err(step) => return step,
                    };
                    let peer = SocketAddrV4::new(address, self.bulk.port);
                    match open(cx, peer, TcpUse::Bulk, &mut self.record) {
                        Ok(connection) => self.phase = Phase::Connecting { connection },
                        Err(problem) => return self.fail(problem),
                    }
                }
                Phase::Connecting { mut connection } => {
                    moved |= connection.poll(cx);
                    self.record.connect_time = connection.connect_time();
                    match connection_state(&connection) {
                        Err(problem) => {
                            connection.abandon(cx);
                            return self.fail(problem);
                        }
                        Ok(false) => {
                            self.phase = Phase::Connecting { connection };
                            return Step::waiting(moved);
                        }
                        Ok(true) => {
                            let word = if self.bulk.reverse { "RECEIVE" } else { "SEND" };
                            connection.send(format!("{word} {}\n", self.bulk.bytes).as_bytes());
                            connection.poll(cx);
                            let (left, line) = (self.bulk.bytes, Vec::new());
                            self.phase = Phase::Moving { connection, left, line, since: cx.now, still_since: cx.now };
                        }
                    }
                }
                Phase::Moving { connection, left, line, since, .. } => {
                    let is_whole = is_whole(left, &line, self.bulk.reverse);
                    return self.end(cx, connection, since, is_whole);
                }
                Phase::Over => return Step::waiting(moved),
            }
        }
    }

    fn deadline(&self, stack: &Stack) -> Option<SimTime> {
        match &self.phase {
            Phase::Finding => self.target.deadline(),
            Phase::Connecting { connection } => connection.deadline(stack),
            Phase::Moving { still_since, .. } => Some(*still_since + STILL_MAX),
            Phase::Over => None,
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

/// A server's side of one transfer.
#[derive(Debug)]
pub(super) enum Served {
    /// The client's line has not come whole.
    Asked(Vec<u8>),
    /// Bytes come; how many are missing, and how many there were to be.
    Taking { left: u64, whole: u64 },
    /// Bytes go; how many are left.
    Giving { left: u64 },
    /// All is done; the client closes.
    Done,
}

impl Served {
    /// A transfer of which nothing is known yet.
    pub(super) fn new() -> Self {
        Served::Asked(Vec::new())
    }

    /// Whether bytes go to the client: they may go whenever there is room for them.
    pub(super) fn is_giving(&self) -> bool {
        matches!(self, Served::Giving { .. })
    }

    /// Moves on. `None`: the client does not keep to the protocol.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, connection: &mut Connection) -> Option<bool> {
        let mut moved = false;
        if let Served::Asked(line) = self {
            let received = connection.take_received();
            moved = !received.is_empty();
            line.extend_from_slice(&received);
            let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
                return (line.len() <= LINE_BYTES_MAX).then_some(moved);
            };
            let data_bytes = (line.len() - end - 1) as u64;
            let text = std::str::from_utf8(&line[..end]).ok()?;
            let (word, count) = text.split_once(' ')?;
            let count: u64 = count.parse().ok()?;
            *self = match word {
                "SEND" => Served::Taking { left: count.checked_sub(data_bytes)?, whole: count },
                "RECEIVE" => Served::Giving { left: count },
                _ => return None,
            };
        }
        match self {
            Served::Taking { left, whole } => {
                let received_bytes = connection.count_received();
                moved |= received_bytes > 0;
                *left = left.checked_sub(received_bytes)?;
                if *left == 0 {
                    connection.send(format!("DONE {whole}\n").as_bytes());
                    connection.poll(cx);
                    *self = Served::Done;
                }
            }
            Served::Giving { left } => {
                moved |= connection.count_received() > 0;
                let sent = connection.send_filler(cx, *left);
                *left -= sent;
                moved |= sent > 0;
                if *left == 0 {
                    *self = Served::Done;
                }
            }
            Served::Asked(_) => {}
            Served::Done => moved |= connection.count_received() > 0,
        }
        Some(moved)
    }
}

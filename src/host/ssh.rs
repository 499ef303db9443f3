//! An SSH client up to the banner: enough to see whether the road to port 22 is open.
//!
//! Purpose: TCP handshake, exchange of identification strings (RFC 4253 section 4.2), close. Non-goals: key exchange and everything
//! after it. Timing: Linux's SYN retries, 127 s until `Connection timed out`.

use super::call::ADDRESS_TIMEOUT;
use super::connection::{Connection, Loss, Security, Stage};
use super::context::Context;
use super::interface::{ConnectError, Stack};
use super::outcome::{Failure, Outcome, Reply, SshProblem};
use super::resolver::{Lookup, Progress};
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

/// The client's own identification.
const CLIENT_BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";

/// How long the client waits for the server's identification (sshd's LoginGraceTime; a plain OpenSSH client would wait for ever).
const BANNER_TIMEOUT: SimDuration = SimDuration::from_secs(120);

/// RFC 4253 section 4.2: an identification string has at most 255 characters, line end included.
const BANNER_BYTES_MAX: usize = 255;

/// An SSH connection to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// Name or address.
    pub host: String,
    /// TCP port, 22.
    pub port: u16,
}

/// An SSH client under way.
pub(super) struct SshProcess {
    ssh: Ssh,
    phase: Phase,
    record: Outcome,
}

enum Phase {
    AwaitingAddress { until: SimTime },
    Resolving { lookup: Lookup },
    Connecting { connection: Connection },
    AwaitingBanner { connection: Connection, deadline: SimTime, line: Vec<u8> },
    Finished,
}

impl SshProcess {
    /// A client that starts now.
    pub(super) fn new(now: SimTime, ssh: Ssh) -> Self {
        let phase = Phase::AwaitingAddress { until: now + ADDRESS_TIMEOUT };
        SshProcess { ssh, phase, record: Outcome::starting(now) }
    }

    /// Goes as far as it can. The first value says whether anything happened, the second is there when the client is done.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> (bool, Option<Outcome>) {
        let mut moved = false;
        let result = loop {
            match std::mem::replace(&mut self.phase, Phase::Finished) {
                Phase::AwaitingAddress { until } => {
                    if cx.stack.address().is_none() {
                        if cx.now >= until {
                            break Err(Failure::NoAddress);
                        }
                        self.phase = Phase::AwaitingAddress { until };
                        return (moved, None);
                    }
                    self.record.attempts = 1;
                    let progress = match Lookup::start(cx, &self.ssh.host) {
                        Ok(lookup) => {
                            self.phase = Phase::Resolving { lookup };
                            Progress::Waiting
                        }
                        Err(progress) => progress,
                    };
                    if let Err(problem) = self.resolved(cx, progress) {
                        break Err(self.failure(problem));
                    }
                    moved = true;
                }
                Phase::Resolving { mut lookup } => {
                    let progress = lookup.poll(cx);
                    if progress == Progress::Waiting {
                        self.phase = Phase::Resolving { lookup };
                        return (moved, None);
                    }
                    if let Err(problem) = self.resolved(cx, progress) {
                        break Err(self.failure(problem));
                    }
                    moved = true;
                }
                Phase::Connecting { mut connection } => {
                    moved |= connection.poll(cx);
                    self.record.connect_time = connection.connect_time();
                    match connection.stage() {
                        Stage::Connecting | Stage::Handshaking => {
                            self.phase = Phase::Connecting { connection };
                            return (moved, None);
                        }
                        Stage::Open | Stage::PeerFinished => {
                            connection.send(CLIENT_BANNER);
                            let deadline = cx.now + BANNER_TIMEOUT;
                            self.phase = Phase::AwaitingBanner { connection, deadline, line: Vec::new() };
                        }
                        Stage::Lost(loss) => {
                            let problem = match loss {
                                Loss::Refused => SshProblem::Refused,
                                Loss::TimedOut => SshProblem::ConnectTimeout,
                                Loss::Reset | Loss::Tls(_) => SshProblem::Closed,
                            };
                            connection.abandon(cx);
                            break Err(self.failure(problem));
                        }
                    }
                }
                Phase::AwaitingBanner { mut connection, deadline, mut line } => {
                    moved |= connection.poll(cx);
                    line.append(&mut connection.take_received());
                    if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                        connection.close(cx);
                        let banner = String::from_utf8_lossy(&line[..end]).trim_end_matches('\r').to_owned();
                        break Ok(Reply::Banner(banner));
                    }
                    let problem = if *connection.stage() != Stage::Open || line.len() > BANNER_BYTES_MAX {
                        SshProblem::Closed
                    } else if cx.now >= deadline {
                        SshProblem::BannerTimeout
                    } else {
                        self.phase = Phase::AwaitingBanner { connection, deadline, line };
                        return (moved, None);
                    };
                    self.record.broken_connections += 1;
                    connection.close(cx);
                    break Err(self.failure(problem));
                }
                Phase::Finished => return (moved, None),
            }
        };
        self.record.finished = cx.now;
        self.record.result = result;
        (true, Some(self.record.clone()))
    }

    /// When [`SshProcess::poll`] must be called though no frame has come.
    pub(super) fn deadline(&self, stack: &Stack) -> Option<SimTime> {
        match &self.phase {
            Phase::AwaitingAddress { until } => Some(*until),
            Phase::Resolving { lookup } => Some(lookup.deadline()),
            Phase::Connecting { connection } => connection.deadline(stack),
            Phase::AwaitingBanner { deadline, .. } => Some(*deadline),
            Phase::Finished => None,
        }
    }

    /// Connects if an address was found; does nothing while the lookup goes on.
    fn resolved(&mut self, cx: &mut Context<'_>, progress: Progress) -> Result<(), SshProblem> {
        let addresses = match progress {
            Progress::Waiting => return Ok(()),
            Progress::Failed => Vec::new(),
            Progress::Found(addresses) => addresses,
        };
        let address = *addresses.first().ok_or(SshProblem::NameResolution)?;
        let peer = SocketAddrV4::new(address, self.ssh.port);
        self.record.resolved = Some(address);
        let tcp = cx.stack.connect(cx.stream, peer).map_err(|error| match error {
            ConnectError::NoFreePort => SshProblem::NoFreePort,
            ConnectError::BadDestination => SshProblem::BadDestination,
        })?;
        self.record.connections_opened += 1;
        (self.record.local, self.record.peer) = (Some(tcp.local), Some(tcp.peer));
        self.phase = Phase::Connecting { connection: Connection::new(tcp, Security::Plain) };
        Ok(())
    }

    fn failure(&self, problem: SshProblem) -> Failure {
        Failure::Ssh { host: self.ssh.host.clone(), port: self.ssh.port, problem }
    }
}

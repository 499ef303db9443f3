//! A byte stream over TCP, or over TLS over TCP: what programs and servers read and write.
//!
//! Purpose: one type for both ends and both kinds of stream. Non-goals: what the bytes mean.
//! Invariant: after [`Stage::Lost`] nothing is sent any more; the owner ends a connection with [`Connection::close`] or
//! [`Connection::abandon`], and with nothing else.

use super::context::Context;
use super::interface::{Stack, TcpSocket, TcpState};
use super::tls::{TlsConnection, TlsVersions};
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

/// Linux's `tcp_syn_retries` = 6: SYNs at 0, 1, 3, 7, 15, 31 and 63 s, and at 127 s the connect fails. smoltcp would go on, at
/// 123 s next, so it is stopped in between.
const SYN_LAST_BEFORE: SimDuration = SimDuration::from_secs(64);
const SYN_GIVE_UP: SimDuration = SimDuration::from_secs(127);

/// A connection and what it has received.
pub(super) struct Connection {
    tcp: TcpSocket,
    security: Security,
    stage: Stage,
    /// Bytes for the socket that its send buffer had no room for.
    unsent: Vec<u8>,
    received: Vec<u8>,
    /// Received, but not kept, once its owner only counts.
    counted_bytes: u64,
    only_counts: bool,
    scratch: Vec<u8>,
    connect_time: Option<SimDuration>,
    syn_muted: bool,
}

/// What is wrapped around the bytes.
pub(super) enum Security {
    /// Nothing.
    Plain,
    /// TLS as a client of the named server, once TCP is connected.
    Client {
        /// The name the certificate must bear.
        server_name: String,
        /// The versions offered.
        versions: TlsVersions,
    },
    /// TLS as a server, once TCP is connected.
    Server,
    /// TLS at work.
    Tls(Box<TlsConnection>),
}

/// How far a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// TCP handshake.
    Connecting,
    /// TLS handshake.
    Handshaking,
    /// Data flows.
    Open,
    /// The peer sends no more; what it sent can still be read.
    PeerFinished,
    /// It is no more.
    Lost(Loss),
}

/// Why a connection is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// RST in answer to SYN.
    Refused,
    /// All SYN retries of the operating system went unanswered.
    TimedOut,
    /// RST later.
    Reset,
    /// TLS failed, here or there.
    Tls(String),
}

impl Connection {
    /// A connection over a socket that is connecting or connected.
    pub(super) fn new(tcp: TcpSocket, security: Security) -> Self {
        Connection {
            tcp,
            security,
            stage: Stage::Connecting,
            unsent: Vec::new(),
            received: Vec::new(),
            counted_bytes: 0,
            only_counts: false,
            scratch: Vec::new(),
            connect_time: None,
            syn_muted: false,
        }
    }

    /// Moves bytes both ways. True if anything happened.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if let Stage::Lost(_) = self.stage {
            return false;
        }
        let before = self.stage.clone();
        let state = cx.stack.state(&self.tcp);
        if self.stage == Stage::Connecting && matches!(state, TcpState::Open | TcpState::PeerFinished) {
            self.connect_time = cx.stack.first_syn_at(&self.tcp).map(|sent_at| cx.now.since(sent_at));
            self.start_security(cx);
        }
        let mut moved = self.read(cx);
        moved |= self.write(cx);
        match state {
            TcpState::Closed => {
                let loss = if self.stage == Stage::Connecting { Loss::Refused } else { Loss::Reset };
                self.lose(loss);
            }
            TcpState::PeerFinished if self.is_alive() => self.stage = Stage::PeerFinished,
            TcpState::Connecting => self.count_syns(cx),
            _ => {}
        }
        moved || before != self.stage
    }

    /// Whether [`Connection::poll`] would do nothing: a plain connection, open, with nothing to read or write.
    pub(super) fn is_at_rest(&self, stack: &Stack) -> bool {
        matches!((&self.security, &self.stage), (Security::Plain, Stage::Open))
            && self.unsent.is_empty()
            && self.received.is_empty()
            && self.counted_bytes == 0
            && stack.is_at_rest(&self.tcp)
    }

    /// How far it is.
    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Queues `bytes`; one TLS record where they fit into one. Call [`Connection::poll`] afterwards.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        match &mut self.security {
            Security::Tls(tls) => tls.send(bytes),
            _ => self.unsent.extend_from_slice(bytes),
        }
    }

    /// Sends up to `bytes` of filler over a plain connection; how many went into the send buffer. What was queued before goes first.
    pub(super) fn send_filler(&mut self, cx: &mut Context<'_>, bytes: u64) -> u64 {
        if !self.unsent.is_empty() || !matches!(self.stage, Stage::Open | Stage::PeerFinished) {
            return 0;
        }
        cx.stack.send_filler(&self.tcp, bytes)
    }

    /// What has been received since the last call.
    pub(super) fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// How much has been received since the last call of this or [`Connection::take_received`]. From now on that is all that is kept of it, if nothing is
    /// wrapped around the bytes.
    pub(super) fn count_received(&mut self) -> u64 {
        self.only_counts = true;
        let kept_bytes = self.received.len() as u64;
        self.received.clear();
        kept_bytes + std::mem::take(&mut self.counted_bytes)
    }

    /// This end.
    pub(super) fn local(&self) -> SocketAddrV4 {
        self.tcp.local
    }

    /// The other end.
    pub(super) fn peer(&self) -> SocketAddrV4 {
        self.tcp.peer
    }

    /// `TLSv1.3`, `TLSv1.2`, or `None` without TLS.
    pub(super) fn tls_version(&self) -> Option<&'static str> {
        match &self.security {
            Security::Tls(tls) => tls.version(),
            _ => None,
        }
    }

    /// From the first SYN to its SYN-ACK, for a connection made from here.
    pub(super) fn connect_time(&self) -> Option<SimDuration> {
        self.connect_time
    }

    /// When [`Connection::poll`] must be called though nothing has come.
    pub(super) fn deadline(&self, stack: &Stack) -> Option<SimTime> {
        if self.stage != Stage::Connecting {
            return None;
        }
        let span = if self.syn_muted { SYN_GIVE_UP } else { SYN_LAST_BEFORE };
        stack.first_syn_at(&self.tcp).map(|sent_at| sent_at + span)
    }

    /// Orderly end: close_notify under TLS, then FIN. Before TCP is connected, and after a loss, nothing is sent.
    pub(super) fn close(mut self, cx: &mut Context<'_>) {
        if let Security::Tls(tls) = &mut self.security
            && !matches!(self.stage, Stage::Lost(_))
        {
            tls.close_notify();
        }
        self.collect(cx);
        cx.stack.close(cx.now, self.tcp, self.unsent);
    }

    /// Silent end: nothing is sent, not even RST.
    pub(super) fn abandon(self, cx: &mut Context<'_>) {
        cx.stack.abandon(self.tcp);
    }

    fn is_alive(&self) -> bool {
        matches!(self.stage, Stage::Handshaking | Stage::Open)
    }

    fn lose(&mut self, loss: Loss) {
        if !matches!(self.stage, Stage::Lost(_)) {
            self.stage = Stage::Lost(loss);
        }
    }

    fn count_syns(&mut self, cx: &mut Context<'_>) {
        let Some(waited) = cx.stack.first_syn_at(&self.tcp).map(|sent_at| cx.now.since(sent_at)) else { return };
        if waited >= SYN_GIVE_UP {
            self.lose(Loss::TimedOut);
        } else if waited >= SYN_LAST_BEFORE && !self.syn_muted {
            self.syn_muted = true;
            cx.stack.mute_syn(&self.tcp);
        }
    }

    fn start_security(&mut self, cx: &mut Context<'_>) {
        let made = match &self.security {
            Security::Plain | Security::Tls(_) => {
                self.stage = Stage::Open;
                return;
            }
            Security::Client { server_name, versions } => cx.tls.client(cx.stream, cx.now, server_name, *versions),
            Security::Server => cx.tls.server(cx.stream, cx.now),
        };
        match made {
            Ok(tls) => {
                self.security = Security::Tls(Box::new(tls));
                self.stage = Stage::Handshaking;
            }
            Err(fault) => self.lose(Loss::Tls(fault.to_string())),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let Security::Tls(tls) = &mut self.security else {
            if self.only_counts {
                let received_bytes = cx.stack.count_received(&self.tcp);
                self.counted_bytes += received_bytes;
                return received_bytes > 0;
            }
            return self.stage != Stage::Connecting && cx.stack.receive(&self.tcp, &mut self.received) > 0;
        };
        self.scratch.clear();
        if cx.stack.receive(&self.tcp, &mut self.scratch) == 0 {
            return false;
        }
        let outcome = tls.receive(cx.stream, cx.now, &self.scratch);
        self.received.append(&mut tls.take_plaintext());
        if self.stage == Stage::Handshaking && !tls.is_handshaking() {
            self.stage = Stage::Open;
        }
        let peer_closed = tls.peer_closed();
        if let Err(fault) = outcome {
            // The alert that says why goes out first.
            self.write(cx);
            self.lose(Loss::Tls(fault.to_string()));
        } else if peer_closed && self.is_alive() {
            self.stage = Stage::PeerFinished;
        }
        true
    }

    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.stage, Stage::Connecting | Stage::Lost(_)) {
            return false;
        }
        self.collect(cx);
        !self.unsent.is_empty() && cx.stack.send(&self.tcp, &mut self.unsent) > 0
    }

    /// Takes what TLS wants to send, and the secrets it has logged meanwhile.
    fn collect(&mut self, cx: &mut Context<'_>) {
        if let Security::Tls(tls) = &mut self.security {
            self.unsent.append(&mut tls.take_ciphertext());
            cx.secrets.push_str(&tls.take_secrets());
        }
    }
}

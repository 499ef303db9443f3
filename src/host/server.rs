//! The listening side of a host: HTTPS and HTTP servers that hand whole requests up, one that only says its banner, echo and bulk data.
//!
//! Purpose: accept, decode, and answer in order per connection; the answers themselves come from outside ([`super::Host::respond`]).
//! Non-goals: routing of requests, virtual hosts, trailers.
//! Invariants: one request per connection is outstanding at a time, so answers cannot overtake each other; each port always has
//! a listener unless the host is at [`CONNECTIONS_MAX`] (smoltcp has no backlog, so a new one is made after every frame).

use super::bulk::{self, STILL_MAX};
use super::connection::{Connection, Security, Stage};
use super::context::Context;
use super::dns_server::{DnsServer, DnsService};
use super::http::{HttpError, HttpResponse, RequestDecoder};
use super::interface::{Stack, TcpListener, TcpSocket, TcpState, TcpUse, UdpSocket};
use super::{HostEvent, RequestToken};
use crate::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, VecDeque};

/// Connections a host serves at a time, half-open ones included. Beyond, SYNs are refused and counted. Own limit.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Linux's `tcp_synack_retries` = 5: a handshake not completed after 63 s is forgotten.
const HALF_OPEN_MAX: SimDuration = SimDuration::from_secs(63);

/// sshd's LoginGraceTime.
const BANNER_IDLE: SimDuration = SimDuration::from_secs(120);

/// Something that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// HTTP/1.1 under TLS; a connection without a request for `idle_timeout` is closed.
    Https {
        /// TCP port.
        port: u16,
        /// How long a connection may be idle.
        idle_timeout: SimDuration,
    },
    /// HTTP/1.1 in clear.
    Http {
        /// TCP port.
        port: u16,
        /// How long a connection may be idle.
        idle_timeout: SimDuration,
    },
    /// Sends one line and waits for the client to go.
    Banner {
        /// TCP port.
        port: u16,
        /// The line, without its end.
        text: String,
    },
    /// Takes or gives bulk data, see [`super::Bulk`].
    Bulk {
        /// TCP port.
        port: u16,
    },
    /// Sends back what comes, over TCP (RFC 862).
    TcpEcho {
        /// TCP port.
        port: u16,
    },
    /// Sends back what comes, over UDP (RFC 862).
    UdpEcho {
        /// UDP port.
        port: u16,
    },
    /// Answers DNS queries over UDP.
    Dns {
        /// UDP port.
        port: u16,
        /// What it knows and whom it asks.
        dns: DnsServer,
    },
}

impl Server {
    /// Where it listens.
    pub fn port(&self) -> u16 {
        match self {
            Server::Https { port, .. }
            | Server::Http { port, .. }
            | Server::Banner { port, .. }
            | Server::Bulk { port }
            | Server::TcpEcho { port }
            | Server::UdpEcho { port }
            | Server::Dns { port, .. } => *port,
        }
    }

    fn idle_timeout(&self) -> SimDuration {
        match self {
            Server::Https { idle_timeout, .. } | Server::Http { idle_timeout, .. } => *idle_timeout,
            Server::Banner { .. } | Server::TcpEcho { .. } | Server::UdpEcho { .. } | Server::Dns { .. } => BANNER_IDLE,
            Server::Bulk { .. } => STILL_MAX,
        }
    }

    /// Whether it takes datagrams.
    pub fn is_udp(&self) -> bool {
        matches!(self, Server::UdpEcho { .. } | Server::Dns { .. })
    }

    fn is_tcp(&self) -> bool {
        !self.is_udp()
    }

    fn tcp_use(&self) -> TcpUse {
        if let Server::Bulk { .. } = self { TcpUse::Bulk } else { TcpUse::Exchange }
    }
}

/// All servers of a host and their connections.
pub(super) struct Servers {
    listening: Vec<Listening>,
    datagrams: Vec<Datagrams>,
    dns: Vec<DnsService>,
    connections: BTreeMap<u64, Served>,
    next_connection: u64,
}

struct Listening {
    server: Server,
    listener: Option<TcpListener>,
    half_open: Vec<HalfOpen>,
}

struct Datagrams {
    port: u16,
    socket: Option<UdpSocket>,
}

struct HalfOpen {
    tcp: TcpSocket,
    until: SimTime,
}

struct Served {
    connection: Connection,
    exchange: Exchange,
    idle_timeout: SimDuration,
    last_activity: SimTime,
}

enum Exchange {
    Banner {
        unsent: Option<String>,
    },
    Bulk(bulk::Served),
    Echo,
    /// `outstanding`: the method of the request that is not answered yet.
    Http {
        decoder: RequestDecoder,
        requests: u32,
        outstanding: Option<String>,
        last_one: bool,
    },
}

impl Servers {
    /// Servers that start to listen at the first [`Servers::after_frame`].
    pub(super) fn new(servers: &[Server]) -> Self {
        let listening = servers
            .iter()
            .filter(|server| server.is_tcp())
            .map(|server| Listening { server: server.clone(), listener: None, half_open: Vec::new() })
            .collect();
        let datagrams = servers.iter().filter(|server| matches!(server, Server::UdpEcho { .. }));
        let datagrams = datagrams.map(|server| Datagrams { port: server.port(), socket: None }).collect();
        let dns = servers.iter().filter_map(|server| match server {
            Server::Dns { port, dns } => Some(DnsService::new(*port, dns.clone())),
            _ => None,
        });
        let dns = dns.collect();
        Servers { listening, datagrams, dns, connections: BTreeMap::new(), next_connection: 0 }
    }

    /// Takes up what the last frame did to the listeners. To be called after every frame, and before the first.
    pub(super) fn after_frame(&mut self, now: SimTime, stack: &mut Stack) {
        let mut count = self.connection_count();
        for datagrams in &mut self.datagrams {
            datagrams.socket = datagrams.socket.take().or_else(|| stack.serve_udp(datagrams.port));
        }
        for dns in &mut self.dns {
            dns.listen(stack);
        }
        for listening in &mut self.listening {
            if let Some(listener) = listening.listener.take() {
                match stack.accept(listener) {
                    Ok(tcp) => {
                        listening.half_open.push(HalfOpen { tcp, until: now + HALF_OPEN_MAX });
                        count += 1;
                    }
                    Err(listener) => listening.listener = Some(listener),
                }
            }
            let mut index = 0;
            while index < listening.half_open.len() {
                match stack.state(&listening.half_open[index].tcp) {
                    TcpState::Connecting => index += 1,
                    TcpState::Closed => {
                        stack.abandon(listening.half_open.remove(index).tcp);
                        count -= 1;
                    }
                    TcpState::Open | TcpState::PeerFinished => {
                        let tcp = listening.half_open.remove(index).tcp;
                        let served = Served::new(now, &listening.server, tcp);
                        self.connections.insert(self.next_connection, served);
                        self.next_connection += 1;
                    }
                }
            }
            if count >= CONNECTIONS_MAX {
                if let Some(listener) = listening.listener.take() {
                    stack.stop_listening(listener);
                }
            } else if listening.listener.is_none() {
                listening.listener = stack.listen(listening.server.port(), listening.server.tcp_use());
            }
        }
    }

    /// Whether a SYN to `port` is refused for want of room rather than of a server.
    pub(super) fn is_full_at(&self, port: u16) -> bool {
        self.listening.iter().any(|listening| listening.server.port() == port && listening.listener.is_none())
    }

    /// Moves every connection on. True if another poll at once may find more to do.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, events: &mut VecDeque<HostEvent>) -> bool {
        let mut moved = false;
        for listening in &mut self.listening {
            while let Some(index) = listening.half_open.iter().position(|half_open| half_open.until <= cx.now) {
                cx.stack.abandon(listening.half_open.remove(index).tcp);
                cx.stack.counters_mut().handshakes_timed_out += 1;
                moved = true;
            }
        }
        for socket in self.datagrams.iter().filter_map(|datagrams| datagrams.socket.as_ref()) {
            moved |= cx.stack.echo_udp(socket) > 0;
        }
        for dns in &mut self.dns {
            moved |= dns.poll(cx);
        }
        let mut ended = Vec::new();
        for (id, served) in &mut self.connections {
            if served.is_at_rest(cx) {
                continue;
            }
            let (served_moved, ends) = served.poll(cx, *id, events);
            moved |= served_moved || ends;
            if ends {
                ended.push(*id);
            }
        }
        for id in ended {
            if let Some(served) = self.connections.remove(&id) {
                served.connection.close(cx);
            }
        }
        moved
    }

    /// Sends the answer to `token`'s request. False if its connection is gone or the token was used.
    pub(super) fn respond(&mut self, now: SimTime, token: RequestToken, response: &HttpResponse) -> bool {
        let Some(served) = self.connections.get_mut(&token.connection) else { return false };
        let Exchange::Http { requests, outstanding, last_one, .. } = &mut served.exchange else { return false };
        if *requests != token.request {
            return false;
        }
        let Some(method) = outstanding.take() else { return false };
        *last_one |= response.closes_connection();
        served.last_activity = now;
        served.connection.send(&response.encode_for(&method));
        true
    }

    /// The next time [`Servers::poll`] must be called though no frame has come.
    pub(super) fn deadline(&self) -> Option<SimTime> {
        let half_open =
            self.listening.iter().flat_map(|listening| &listening.half_open).map(|half_open| half_open.until);
        let idle = self.connections.values().filter_map(Served::deadline);
        let dns = self.dns.iter().filter_map(DnsService::deadline);
        half_open.chain(idle).chain(dns).min()
    }

    /// Connections in being, half-open ones included.
    pub(super) fn connection_count(&self) -> usize {
        self.connections.len() + self.listening.iter().map(|listening| listening.half_open.len()).sum::<usize>()
    }
}

impl Served {
    fn new(now: SimTime, server: &Server, tcp: TcpSocket) -> Self {
        let security = match server {
            Server::Https { .. } => Security::Server,
            _ => Security::Plain,
        };
        let exchange = match server {
            Server::Banner { text, .. } => Exchange::Banner { unsent: Some(format!("{text}\r\n")) },
            Server::Bulk { .. } => Exchange::Bulk(bulk::Served::new()),
            Server::TcpEcho { .. } | Server::UdpEcho { .. } | Server::Dns { .. } => Exchange::Echo,
            Server::Https { .. } | Server::Http { .. } => {
                Exchange::Http { decoder: RequestDecoder::new(), requests: 0, outstanding: None, last_one: false }
            }
        };
        Served {
            connection: Connection::new(tcp, security),
            exchange,
            idle_timeout: server.idle_timeout(),
            last_activity: now,
        }
    }

    /// Whether [`Served::poll`] would do nothing: so it is with most of a server's transfers when a frame comes for one of them.
    fn is_at_rest(&self, cx: &Context<'_>) -> bool {
        matches!(&self.exchange, Exchange::Bulk(transfer) if !transfer.is_giving())
            && self.connection.is_at_rest(cx.stack)
            && cx.now < self.last_activity + self.idle_timeout
    }

    /// Whether another poll at once may find more to do, and whether the connection is to be closed.
    fn poll(&mut self, cx: &mut Context<'_>, id: u64, events: &mut VecDeque<HostEvent>) -> (bool, bool) {
        let mut moved = self.connection.poll(cx);
        if moved {
            self.last_activity = cx.now;
        }
        if let Stage::Lost(_) = self.connection.stage() {
            return (true, true);
        }
        let (local, peer) = (self.connection.local(), self.connection.peer());
        let tls_version = self.connection.tls_version();
        let peer_finished = *self.connection.stage() == Stage::PeerFinished;
        match &mut self.exchange {
            Exchange::Banner { unsent } => {
                if *self.connection.stage() == Stage::Open
                    && let Some(line) = unsent.take()
                {
                    self.connection.send(line.as_bytes());
                    self.connection.poll(cx);
                    moved = true;
                }
                // What the client says is not listened to.
                self.connection.take_received();
                let idle = cx.now >= self.last_activity + self.idle_timeout;
                (moved, peer_finished || idle)
            }
            Exchange::Bulk(transfer) => match transfer.poll(cx, &mut self.connection) {
                Some(transferred) => {
                    if transferred {
                        self.last_activity = cx.now;
                    }
                    let idle = cx.now >= self.last_activity + self.idle_timeout;
                    // All that came is taken, and what there was room for is sent: only a segment changes that.
                    (false, peer_finished || idle)
                }
                None => (true, true),
            },
            Exchange::Echo => {
                let received = self.connection.take_received();
                if !received.is_empty() {
                    self.connection.send(&received);
                    self.connection.poll(cx);
                }
                let idle = cx.now >= self.last_activity + self.idle_timeout;
                (moved || !received.is_empty(), peer_finished || idle)
            }
            Exchange::Http { outstanding: Some(_), .. } => (moved, false),
            Exchange::Http { last_one: true, .. } => (moved, true),
            Exchange::Http { decoder, requests, outstanding, last_one } => {
                let received = self.connection.take_received();
                match decoder.feed(&received) {
                    Ok(Some(request)) => {
                        *requests += 1;
                        *outstanding = Some(request.method.clone());
                        *last_one = request.closes_connection();
                        let token = RequestToken { connection: id, request: *requests };
                        events.push_back(HostEvent::Request { token, request, peer, local, tls_version });
                        (true, false)
                    }
                    Err(problem) => {
                        cx.stack.counters_mut().requests_malformed += 1;
                        self.connection.send(&bad_request(&problem).encode());
                        (true, true)
                    }
                    Ok(None) => {
                        let idle = cx.now >= self.last_activity + self.idle_timeout;
                        (moved, peer_finished || idle)
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Option<SimTime> {
        match &self.exchange {
            // The service has the floor.
            Exchange::Http { outstanding: Some(_), .. } => None,
            _ => Some(self.last_activity + self.idle_timeout),
        }
    }
}

fn bad_request(problem: &HttpError) -> HttpResponse {
    HttpResponse {
        status: 400,
        reason: "Bad Request".to_owned(),
        headers: vec![
            ("Content-Type".to_owned(), "text/plain".to_owned()),
            ("Connection".to_owned(), "close".to_owned()),
        ],
        body: format!("{problem}\n").into_bytes(),
    }
}

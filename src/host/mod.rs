//! An end system in virtual time: a network card, a TCP/IP stack, and the programs that run on it.
//!
//! Purpose: hosts that behave on the wire as a Linux machine with the AWS CLI does (DHCP, ARP, DNS, TCP, TLS, HTTP, SigV4), and the far
//! ends that answer them. Sans-IO: frames go in with [`Host::handle_frame`], come out of [`Host::poll_transmit`], and time is an argument.
//! The round of a driver:
//!
//! ```text
//! handle_frame / start / respond  ->  poll(now)  ->  poll_transmit, poll_event, take_secrets until empty  ->  poll_timeout(now)
//! ```
//!
//! Non-goals: links and their delays (`sim`), the answers to requests (`service`), IPv6, TCP timestamps and SACK blocks from the
//! sender (smoltcp has neither), an RTO below 1 s.
//!
//! Invariants: same seed, name and inputs give the same frames, bytes and outcomes; [`Host::poll_timeout`] is always later than `now`;
//! no input panics. Only `device`, `interface`, `neighbours` and `segment` (and the packet maker `dhcp`) know smoltcp.
//!
//! Programs: `call` (what `aws` and `curl` do), `ssh`, `ping`, `dig`, `connect` (what `nc` does), `bulk`, `udp_flow`, `traceroute`, `tracepath`. Their text is
//! made elsewhere (`awscli`, `programs`): a [`Reply`] is what was measured.

pub mod certificate;
pub mod dhcp;
pub mod http;
pub mod platform;
pub mod sigv4;
pub mod tls;

mod bulk;
mod call;
mod connect;
mod connection;
mod context;
mod device;
mod dig;
mod dns_server;
mod interface;
mod neighbours;
mod outcome;
mod path_mtu;
mod ping;
mod program;
mod resolver;
mod segment;
mod server;
mod session;
mod ssh;
mod target;
#[cfg(test)]
mod tests;
mod tracepath;
mod traceroute;
mod udp_flow;

pub use bulk::{BULK_PORT, Bulk, BulkReport};
pub use call::{Call, Signing};
pub use connect::{Connect, ConnectReport};
pub use dig::{Dig, DnsAnswer, DnsReport};
pub use dns_server::DnsServer;
pub use outcome::{Failure, Marks, Outcome, ProcessId, Reply, SocketProblem, SshProblem};
pub use path_mtu::PathMtuDiscovery;
pub use ping::{Ping, PingEvent, PingReport};
pub use server::{CONNECTIONS_MAX, Server};
pub use ssh::Ssh;
pub use tracepath::{Tracepath, TracepathAnswer, TracepathEvent, TracepathReport};
pub use traceroute::{HopAnswer, ProbeKind, Traceroute, TracerouteReport};
pub use udp_flow::{UdpFlow, UdpFlowReport};

use self::bulk::BulkProcess;
use self::call::CallProcess;
use self::connect::ConnectProcess;
use self::context::Context;
use self::dig::DigProcess;
use self::http::{HttpRequest, HttpResponse};
use self::interface::Stack;
use self::ping::PingProcess;
use self::program::Program;
use self::server::Servers;
use self::session::SessionPool;
use self::ssh::SshProcess;
use self::tls::TlsWorld;
use self::tracepath::TracepathProcess;
use self::traceroute::TracerouteProcess;
use self::udp_flow::UdpFlowProcess;
use crate::calendar::Calendar;
use crate::net::{Ipv4Net, MacAddress};
use crate::rng::{Seed, Stream};
use crate::time::SimTime;
use bytes::BytesMut;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How often one [`Host::poll`] goes round at most; each round does what became possible in the one before.
const ROUNDS_MAX: u32 = 10_000;

/// What a host is.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Names the host's random stream; unique in a world.
    pub name: String,
    /// Ethernet address, unicast.
    pub mac: MacAddress,
    /// Where its IP address comes from.
    pub addressing: Addressing,
    /// Further destinations it takes for its own: the prefixes of a service.
    pub answers_for: Vec<Ipv4Net>,
    /// IP MTU until DHCP says otherwise (option 26); held within 576 and 9216.
    pub mtu_bytes: usize,
    /// Whether segments of unknown connections are answered by RST, or by silence. Refusals of SYNs are sent either way.
    pub resets_unknown: bool,
    /// What listens.
    pub servers: Vec<Server>,
}

/// Where a host's address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// From a DHCP server, asked at the first poll.
    Dhcp,
    /// Fixed.
    Static {
        /// The host's address with the length of its network's prefix.
        address: Ipv4Net,
        /// The default gateway.
        gateway: Ipv4Addr,
        /// The DNS resolver; without one every lookup fails.
        resolver: Option<Ipv4Addr>,
    },
}

/// A program to run.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // made once per program, and unpacked at once
pub enum Workload {
    /// One API call the way the AWS CLI makes it.
    Call(Call),
    /// An SSH client up to the banner.
    Ssh(Ssh),
    /// Echo requests.
    Ping(Ping),
    /// A DNS question.
    Dig(Dig),
    /// A connection tried.
    Connect(Connect),
    /// Bulk data over TCP.
    Bulk(Bulk),
    /// Datagrams to an echo server.
    UdpFlow(UdpFlow),
    /// Probes with growing TTL.
    Traceroute(Traceroute),
    /// The MTUs along a road.
    Tracepath(Tracepath),
}

/// Something a driver wants to know.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// DHCP gave an address, or a new one.
    Configured {
        /// The address.
        address: Ipv4Addr,
    },
    /// A program has ended.
    Finished {
        /// Which one.
        process: ProcessId,
        /// How.
        outcome: Outcome,
    },
    /// A server has received a whole request; [`Host::respond`] answers it.
    Request {
        /// To answer with.
        token: RequestToken,
        /// What was asked.
        request: HttpRequest,
        /// Who asked, as this host sees it.
        peer: SocketAddrV4,
        /// The address and port that were asked.
        local: SocketAddrV4,
        /// `TLSv1.3`, `TLSv1.2`, or `None` in clear.
        tls_version: Option<&'static str>,
    },
}

/// Names one request at one server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestToken {
    connection: u64,
    request: u32,
}

/// What a host counted. Every limit and every silent decision has its own count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// Frames given to the host.
    pub frames_received: u64,
    /// Frames taken from the host.
    pub frames_sent: u64,
    /// Frames for addresses that are not this host's.
    pub frames_for_others: u64,
    /// RSTs not sent because the host stays silent towards unknown connections.
    pub resets_withheld: u64,
    /// SYNs not sent because the retries of their connect were used up.
    pub syns_muted: u64,
    /// SYNs refused: nothing listens there.
    pub connections_refused: u64,
    /// SYNs refused: [`CONNECTIONS_MAX`].
    pub connections_over_limit: u64,
    /// Half-open connections forgotten.
    pub handshakes_timed_out: u64,
    /// Requests that were not HTTP/1.1 or over a limit; answered by 400.
    pub requests_malformed: u64,
    /// Closed connections dropped because the peer did not finish with them.
    pub lingering_dropped: u64,
    /// Answers for connections that had died.
    pub responses_unwanted: u64,
    /// Path MTUs learned from ICMP "fragmentation needed", or lowered by it.
    pub path_mtus_learned: u64,
    /// TCP segments that a router found too long and that were sent again at once, in pieces.
    pub segments_sent_again: u64,
    /// Fragments into which this host cut its datagrams.
    pub fragments_sent: u64,
    /// Datagrams of sockets that forbid fragments, dropped because the path's MTU fell after they had been handed in.
    pub datagrams_too_long: u64,
    /// Fragments that were dropped: they overlap, contradict others, or are over a limit.
    pub fragments_dropped: u64,
    /// Datagrams given up because not all their fragments came within 30 s.
    pub reassemblies_timed_out: u64,
    /// DNS queries lost because too many waited for the other resolver.
    pub dns_queries_over_limit: u64,
    /// Polls that were cut short after 10,000 rounds: a fault in this crate.
    pub polls_cut_short: u64,
}

/// An end system. See the module.
pub struct Host {
    name: String,
    stack: Stack,
    stream: Stream,
    tls: TlsWorld,
    calendar: Calendar,
    servers: Servers,
    processes: BTreeMap<ProcessId, Process>,
    next_process: u64,
    sessions: SessionPool,
    events: VecDeque<HostEvent>,
    secrets: String,
    /// Something was handed in since the last poll.
    attention: bool,
}

enum Process {
    Call(Box<CallProcess>),
    Ssh(Box<SshProcess>),
    Other(Box<dyn Program>),
}

impl Host {
    /// A host that is switched on: its first poll sends DISCOVER, if it is to use DHCP. All its randomness comes from the stream `host:NAME`.
    pub fn new(config: HostConfig, seed: Seed, calendar: Calendar, tls: TlsWorld) -> Host {
        let mut stream = seed.derive(&format!("host:{}", config.name));
        let mut stack = Stack::new(&config, &mut stream);
        let mut servers = Servers::new(&config.servers);
        servers.after_frame(SimTime::ZERO, &mut stack);
        Host {
            name: config.name,
            stack,
            stream,
            tls,
            calendar,
            servers,
            processes: BTreeMap::new(),
            next_process: 0,
            sessions: SessionPool::default(),
            events: VecDeque::new(),
            secrets: String::new(),
            attention: true,
        }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands over a frame; the next [`Host::poll`], which should be at `now`, processes it.
    pub fn handle_frame(&mut self, now: SimTime, frame: BytesMut) {
        self.attention = true;
        self.stack.handle_frame(now, frame);
    }

    /// Does everything that can be done at `now`. `now` never goes back.
    pub fn poll(&mut self, now: SimTime) {
        self.attention = false;
        for _ in 0..ROUNDS_MAX {
            if !self.round(now) {
                return;
            }
        }
        self.stack.counters_mut().polls_cut_short += 1;
    }

    /// The next frame for the wire, in order.
    pub fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.stack.pop_frame()
    }

    /// When [`Host::poll`] must be called though nothing is handed in: later than `now`, at the granularity of a microsecond.
    pub fn poll_timeout(&mut self, now: SimTime) -> Option<SimTime> {
        let next_microsecond = SimTime::from_nanos((now.as_micros() + 1).saturating_mul(1_000));
        if self.attention {
            return Some(next_microsecond);
        }
        let stack = self.stack.poll_at(now);
        let processes = self.processes.values().filter_map(|process| match process {
            Process::Call(call) => call.deadline(&self.stack),
            Process::Ssh(ssh) => ssh.deadline(&self.stack),
            Process::Other(program) => program.deadline(&self.stack),
        });
        let earliest = processes.chain(stack).chain(self.servers.deadline()).min()?;
        // smoltcp works in whole microseconds and may name a time that has come: never spin on it.
        Some(if earliest > now { earliest } else { next_microsecond })
    }

    /// Starts a program. Without an address it waits for one, 60 s at most. The next [`Host::poll`] takes it up.
    pub fn start(&mut self, now: SimTime, workload: Workload) -> ProcessId {
        let id = ProcessId(self.next_process);
        self.next_process += 1;
        self.attention = true;
        let process = match workload {
            Workload::Call(call) => Process::Call(Box::new(CallProcess::new(now, call))),
            Workload::Ssh(ssh) => Process::Ssh(Box::new(SshProcess::new(now, ssh))),
            Workload::Ping(ping) => Process::Other(Box::new(PingProcess::new(now, ping))),
            Workload::Dig(dig) => Process::Other(Box::new(DigProcess::new(now, dig))),
            Workload::Connect(connect) => Process::Other(Box::new(ConnectProcess::new(now, connect))),
            Workload::Bulk(bulk) => Process::Other(Box::new(BulkProcess::new(now, bulk))),
            Workload::UdpFlow(flow) => Process::Other(Box::new(UdpFlowProcess::new(now, flow))),
            Workload::Tracepath(trace) => Process::Other(Box::new(TracepathProcess::new(now, trace))),
            Workload::Traceroute(trace) => Process::Other(Box::new(TracerouteProcess::new(now, trace))),
        };
        self.processes.insert(id, process);
        id
    }

    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    /// Answers a request; ignored (and counted) if its connection has died. The next [`Host::poll`] sends it.
    pub fn respond(&mut self, now: SimTime, request: RequestToken, response: HttpResponse) {
        if self.servers.respond(now, request, &response) {
            self.attention = true;
        } else {
            self.stack.counters_mut().responses_unwanted += 1;
        }
    }

    /// Ends the long-running programs: their idle connections are closed in order. The next [`Host::poll`] sends what that takes.
    pub fn end_sessions(&mut self, now: SimTime) {
        self.attention = true;
        let idle = self.sessions.drain();
        let mut cx = self.context(now);
        for connection in idle {
            connection.close(&mut cx);
        }
    }

    /// TLS key log lines (NSS format) that are new since the last call.
    pub fn take_secrets(&mut self) -> String {
        std::mem::take(&mut self.secrets)
    }

    /// The address, once there is one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.stack.address()
    }

    /// The IP MTU in force.
    pub fn mtu_bytes(&self) -> usize {
        self.stack.mtu_bytes()
    }

    /// Whether no program runs. Connections may still be closing (TIME_WAIT), and servers serving.
    pub fn is_idle(&self) -> bool {
        self.processes.is_empty()
    }

    /// Connections at its servers, half-open ones included.
    pub fn served_connections(&self) -> usize {
        self.servers.connection_count()
    }

    /// What it counted.
    pub fn counters(&self) -> &HostCounters {
        self.stack.counters()
    }

    /// Frames in, programs and servers, frames out. True if another round may find something to do.
    fn round(&mut self, now: SimTime) -> bool {
        while let Some(refused_port) = self.stack.ingest(now) {
            self.servers.after_frame(now, &mut self.stack);
            match refused_port {
                Some(port) if self.servers.is_full_at(port) => self.stack.counters_mut().connections_over_limit += 1,
                Some(_) => self.stack.counters_mut().connections_refused += 1,
                None => {}
            }
        }
        let mut moved = false;
        if let Some(address) = self.stack.apply_dhcp(now, &mut self.stream) {
            self.events.push_back(HostEvent::Configured { address });
            moved = true;
        }
        moved |= self.run_programs(now);
        moved |= self.run_servers(now);
        // Last, so that an answer and the acknowledgement of its question leave in one segment.
        moved |= self.stack.egress(now);
        moved
    }

    fn run_programs(&mut self, now: SimTime) -> bool {
        if self.processes.is_empty() {
            return false;
        }
        let mut moved = false;
        let mut processes = std::mem::take(&mut self.processes);
        let mut sessions = std::mem::take(&mut self.sessions);
        processes.retain(|id, process| {
            let mut cx = self.context(now);
            let (process_moved, outcome) = match process {
                Process::Call(call) => call.poll(&mut cx, &mut sessions),
                Process::Ssh(ssh) => ssh.poll(&mut cx),
                Process::Other(program) => program::poll(program.as_mut(), &mut cx),
            };
            moved |= process_moved;
            match outcome {
                Some(outcome) => {
                    self.events.push_back(HostEvent::Finished { process: *id, outcome });
                    false
                }
                None => true,
            }
        });
        self.processes = processes;
        self.sessions = sessions;
        moved
    }

    fn run_servers(&mut self, now: SimTime) -> bool {
        let Host { stack, stream, tls, calendar, servers, events, secrets, .. } = self;
        let mut cx = Context { now, stack, stream, tls, calendar: *calendar, secrets };
        let moved = servers.poll(&mut cx, events);
        if moved {
            // Ended connections make room under the limit.
            servers.after_frame(now, stack);
        }
        moved
    }

    fn context(&mut self, now: SimTime) -> Context<'_> {
        Context {
            now,
            stack: &mut self.stack,
            stream: &mut self.stream,
            tls: &self.tls,
            calendar: self.calendar,
            secrets: &mut self.secrets,
        }
    }
}

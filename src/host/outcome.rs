//! How a program on a host ended.

use super::bulk::BulkReport;
use super::connect::ConnectReport;
use super::dig::DnsReport;
use super::http::HttpResponse;
use super::ping::PingReport;
use super::tracepath::TracepathReport;
use super::traceroute::TracerouteReport;
use super::udp_flow::UdpFlowReport;
use crate::time::{SimDuration, SimTime};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// A program started on a host; numbers are given in order of start, per host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub(super) u64);

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How a program ended, and what it went through. Addresses and times are those of its last connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// When the program started.
    pub started: SimTime,
    /// When it ended.
    pub finished: SimTime,
    /// What it got, or why it gave up (the last attempt's reason).
    pub result: Result<Reply, Failure>,
    /// Attempts made, the first included.
    pub attempts: u32,
    /// Why the attempts before the last were repeated, in order. A response that called for a retry counts as [`Failure::Retryable`].
    pub retried: Vec<Failure>,
    /// Connections for which a SYN was to be sent.
    pub connections_opened: u32,
    /// Whether the last attempt began on a connection that was open already.
    pub reused_connection: bool,
    /// Connections that had been established and were reset, closed or silent before the answer was whole.
    pub broken_connections: u32,
    /// This end of the last connection.
    pub local: Option<SocketAddrV4>,
    /// The other end of the last connection, as the program sees it.
    pub peer: Option<SocketAddrV4>,
    /// The address the name last stood for.
    pub resolved: Option<Ipv4Addr>,
    /// `TLSv1.3` or `TLSv1.2`.
    pub tls_version: Option<&'static str>,
    /// From the request's first byte handed to the socket to the response's last byte read.
    pub request_round_trip: Option<SimDuration>,
    /// From the first SYN to its SYN-ACK.
    pub connect_time: Option<SimDuration>,
    /// When a call passed which stage.
    pub marks: Marks,
}

/// When a call's last attempt passed which stage; what it did not reach is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The name had an address.
    pub resolved_at: Option<SimTime>,
    /// TCP was connected.
    pub connected_at: Option<SimTime>,
    /// TLS was ready.
    pub secured_at: Option<SimTime>,
    /// The request went to the socket.
    pub requested_at: Option<SimTime>,
    /// The first byte of the response was read.
    pub first_byte_at: Option<SimTime>,
}

/// What a program got.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A call's response, whatever its status.
    Http(HttpResponse),
    /// The first line an SSH server sent, without its line end.
    Banner(String),
    /// What became of echo requests.
    Ping(PingReport),
    /// What became of a DNS question.
    Dns(DnsReport),
    /// A connection that was tried.
    Connect(ConnectReport),
    /// A bulk transfer.
    Bulk(BulkReport),
    /// A flow of datagrams.
    UdpFlow(UdpFlowReport),
    /// Probes with growing TTL.
    Traceroute(TracerouteReport),
    /// The MTUs along a road.
    Tracepath(TracepathReport),
}

impl Reply {
    /// The round trips measured, beside [`Outcome::request_round_trip`].
    pub fn round_trips(&self) -> Vec<SimDuration> {
        match self {
            Reply::Ping(report) => report.round_trips(),
            Reply::UdpFlow(report) => report.round_trips.clone(),
            _ => Vec::new(),
        }
    }
}

/// Why a program gave up, or why an attempt was repeated. The texts of calls follow botocore's, those of SSH OpenSSH's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// DHCP gave the host no address in time.
    #[error("the host has no address: DHCP did not answer")]
    NoAddress,
    /// The name has no address, or no resolver answered. botocore reports this as a failed connect.
    #[error("Could not connect to the endpoint URL: \"{url}\"")]
    NameResolution {
        /// The name asked for.
        host: String,
        /// What was to be called.
        url: String,
    },
    /// No SYN-ACK within the connect timeout.
    #[error("Connect timeout on endpoint URL: \"{url}\"")]
    ConnectTimeout {
        /// What was to be called.
        url: String,
    },
    /// RST in answer to SYN.
    #[error("Could not connect to the endpoint URL: \"{url}\"")]
    ConnectionRefused {
        /// What was to be called.
        url: String,
    },
    /// Every ephemeral port of the host is in use (its own limit: 28,232).
    #[error("Could not connect to the endpoint URL: \"{url}\"")]
    NoFreePort {
        /// What was to be called.
        url: String,
    },
    /// The address is not one that can be connected to: broadcast, multicast, 0.0.0.0.
    #[error("Could not connect to the endpoint URL: \"{url}\"")]
    BadDestination {
        /// What was to be called.
        url: String,
    },
    /// The connection was reset or closed before the whole response was there.
    #[error("Connection was closed before we received a valid response from endpoint URL: \"{url}\".")]
    ConnectionClosed {
        /// What was called.
        url: String,
    },
    /// Nothing came for the length of the read timeout.
    #[error("Read timeout on endpoint URL: \"{url}\"")]
    ReadTimeout {
        /// What was called.
        url: String,
    },
    /// TLS failed, here or there.
    #[error("SSL validation failed for {url} {problem}")]
    Tls {
        /// What was called.
        url: String,
        /// rustls' words.
        problem: String,
    },
    /// The response is not HTTP/1.1, or over a limit.
    #[error("An HTTP Client raised an unhandled exception: {problem}")]
    BadResponse {
        /// What was called.
        url: String,
        /// The decoder's words.
        problem: String,
    },
    /// A response that asks to try again: a server error or a throttle. Only ever a reason for a retry.
    #[error("{code} (HTTP {status}) from endpoint URL: \"{url}\"")]
    Retryable {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The service's error code, or the reason phrase.
        code: String,
    },
    /// The call was not over within its total time.
    #[error("Operation timed out: \"{url}\"")]
    TotalTimeout {
        /// What was called.
        url: String,
    },
    /// A program that is no call could not begin, or its socket failed.
    #[error("{host}: {problem}")]
    Socket {
        /// The host as given.
        host: String,
        /// What went wrong.
        problem: SocketProblem,
    },
    /// The SSH client's failures.
    #[error("{}", ssh_text(host, *port, problem))]
    Ssh {
        /// The host as given.
        host: String,
        /// The port.
        port: u16,
        /// What went wrong.
        problem: SshProblem,
    },
}

/// What can go wrong with a socket. The texts are Linux's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketProblem {
    /// The name has no address, or no resolver answered.
    #[error("Name or service not known")]
    NameResolution,
    /// Broadcast, multicast, 0.0.0.0.
    #[error("Network is unreachable")]
    BadDestination,
    /// Every ephemeral port is in use.
    #[error("Cannot assign requested address")]
    NoFreePort,
    /// RST in answer to SYN, or port unreachable in answer to a datagram.
    #[error("Connection refused")]
    Refused,
    /// No SYN-ACK in time, or no progress on an open connection.
    #[error("Connection timed out")]
    TimedOut,
    /// RST, or an early end, on an open connection.
    #[error("Connection reset by peer")]
    Reset,
    /// The host itself: there is no loopback interface.
    #[error("vpcsim has no loopback: a host cannot talk to itself")]
    Loopback,
}

/// What can go wrong with SSH up to the banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshProblem {
    /// The name has no address.
    NameResolution,
    /// No SYN-ACK within Linux's 127 s.
    ConnectTimeout,
    /// RST in answer to SYN.
    Refused,
    /// Every ephemeral port is in use.
    NoFreePort,
    /// The address is not one that can be connected to.
    BadDestination,
    /// Closed or reset before the banner.
    Closed,
    /// Connected, but no banner within the read timeout.
    BannerTimeout,
}

fn ssh_text(host: &str, port: u16, problem: &SshProblem) -> String {
    match problem {
        SshProblem::NameResolution => format!("ssh: Could not resolve hostname {host}: Name or service not known"),
        SshProblem::ConnectTimeout => format!("ssh: connect to host {host} port {port}: Connection timed out"),
        SshProblem::Refused => format!("ssh: connect to host {host} port {port}: Connection refused"),
        SshProblem::NoFreePort => format!("ssh: connect to host {host} port {port}: Cannot assign requested address"),
        SshProblem::BadDestination => format!("ssh: connect to host {host} port {port}: Network is unreachable"),
        SshProblem::Closed => "kex_exchange_identification: Connection closed by remote host".to_owned(),
        SshProblem::BannerTimeout => "Connection timed out during banner exchange".to_owned(),
    }
}

impl Failure {
    /// The socket's problem, if that is what it was.
    pub fn socket_problem(&self) -> Option<SocketProblem> {
        match self {
            Failure::Socket { problem, .. } => Some(*problem),
            _ => None,
        }
    }
}

impl Outcome {
    /// The record of a program that starts now.
    pub(super) fn starting(started: SimTime) -> Self {
        Outcome {
            started,
            finished: started,
            result: Err(Failure::NoAddress),
            attempts: 0,
            retried: Vec::new(),
            connections_opened: 0,
            reused_connection: false,
            broken_connections: 0,
            local: None,
            peer: None,
            resolved: None,
            tls_version: None,
            request_round_trip: None,
            connect_time: None,
            marks: Marks::default(),
        }
    }

    /// Time from start to end.
    pub fn elapsed(&self) -> SimDuration {
        self.finished.since(self.started)
    }
}

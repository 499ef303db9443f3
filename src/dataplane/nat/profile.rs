//! How each kind of translator behaves.
//!
//! | | NAT gateway | Linux (NAT instance, router on premises) |
//! |---|---|---|
//! | idle TCP | 350 s | SYN sent 120 s, established 432,000 s, one FIN 120 s |
//! | TCP, FIN from both or RST | 60 s (assumed) | 60 s (Linux: 10 s after RST, 120 s in TIME_WAIT) |
//! | idle UDP | 350 s | 30 s, 180 s once answered |
//! | idle ICMP query | 350 s | 30 s |
//! | idle, other protocols | not translated | 600 s |
//! | source port | another one (assumed: AWS does not say) | kept where free |
//! | TCP segment of a connection it does not know | reset | taken up if it is a plain one |
//! | fragments | UDP only | all protocols |
//! | connections | 55,000 to a destination address, port and protocol from each of its addresses | 262,144 in all |
//!
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html; Linux's `nf_conntrack-sysctl` documentation and its defaults.

use super::session::SessionState;
use crate::dataplane::index;
use crate::net::ForwardingSettings;
use crate::program::Node;
use crate::time::SimDuration;

/// How long a NAT gateway keeps the port of a closed connection, so that its last segments pass. Assumed.
const GATEWAY_LINGER: SimDuration = SimDuration::from_secs(60);
/// Linux's `nf_conntrack_max` on a machine with at least 8 GiB.
const LINUX_SESSIONS_MAX: u32 = 262_144;

/// How a translator behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NatProfile {
    tcp_opening: SimDuration,
    tcp_established: SimDuration,
    tcp_closing: SimDuration,
    tcp_closed: SimDuration,
    udp_one_way: SimDuration,
    udp_stream: SimDuration,
    icmp_query: SimDuration,
    other: SimDuration,
    /// Whether it is a NAT gateway: other ports, resets, only TCP, UDP and ICMP.
    pub(super) gateway: bool,
    /// Sessions of one of its addresses to one destination address, port and protocol.
    pub(super) connections_per_destination: u32,
    /// Sessions in all.
    pub(super) sessions_max: u32,
}

impl NatProfile {
    /// The profile of a node that translates.
    pub(super) fn of(node: &Node, settings: &ForwardingSettings) -> Self {
        match node {
            Node::NatGateway(_) => NatProfile::gateway(settings),
            _ => NatProfile::linux(),
        }
    }

    fn gateway(settings: &ForwardingSettings) -> Self {
        let idle = settings.nat_idle_timeout;
        NatProfile {
            tcp_opening: idle,
            tcp_established: idle,
            tcp_closing: idle,
            tcp_closed: GATEWAY_LINGER.min(idle),
            udp_one_way: idle,
            udp_stream: idle,
            icmp_query: idle,
            other: idle,
            gateway: true,
            connections_per_destination: settings.nat_connections_per_destination,
            sessions_max: index::ENTRIES_MAX as u32,
        }
    }

    fn linux() -> Self {
        NatProfile {
            tcp_opening: SimDuration::from_secs(120),
            tcp_established: SimDuration::from_secs(432_000),
            tcp_closing: SimDuration::from_secs(120),
            tcp_closed: SimDuration::from_secs(60),
            udp_one_way: SimDuration::from_secs(30),
            udp_stream: SimDuration::from_secs(180),
            icmp_query: SimDuration::from_secs(30),
            other: SimDuration::from_secs(600),
            gateway: false,
            connections_per_destination: u32::MAX,
            sessions_max: LINUX_SESSIONS_MAX,
        }
    }

    /// After how much silence a session in `state` is forgotten.
    pub(super) fn timeout(&self, state: SessionState) -> SimDuration {
        match state {
            SessionState::TcpOpening => self.tcp_opening,
            SessionState::TcpEstablished => self.tcp_established,
            SessionState::TcpClosingInside | SessionState::TcpClosingOutside => self.tcp_closing,
            SessionState::TcpClosed => self.tcp_closed,
            SessionState::UdpOneWay => self.udp_one_way,
            SessionState::UdpStream => self.udp_stream,
            SessionState::IcmpQuery => self.icmp_query,
            SessionState::Other => self.other,
        }
    }
}

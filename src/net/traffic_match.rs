//! What a security-group or network-ACL rule says about protocol and ports.

use super::{PortRange, Protocol};
use std::fmt;

/// Protocol and ports (or ICMP type and code) of a security-group or network-ACL rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficMatch {
    /// Protocol -1: everything.
    All,
    /// TCP or UDP with a port range.
    Ports(Protocol, PortRange),
    /// ICMP, of one type and code or of any (`None`).
    Icmp {
        /// ICMP type; `None` is any.
        icmp_type: Option<u8>,
        /// ICMP code; `None` is any.
        icmp_code: Option<u8>,
    },
    /// Any other protocol, by number.
    Other(Protocol),
}

impl TrafficMatch {
    /// Whether a packet of `protocol` with the given destination port, or ICMP type and code, matches. A packet without
    /// ports (a later fragment) matches only rules that name none.
    pub fn matches(&self, protocol: Protocol, destination_port: Option<u16>, icmp: Option<(u8, u8)>) -> bool {
        match *self {
            TrafficMatch::All => true,
            TrafficMatch::Ports(wanted, range) => {
                wanted == protocol
                    && (range == PortRange::ALL || destination_port.is_some_and(|port| range.contains(port)))
            }
            TrafficMatch::Icmp { icmp_type, icmp_code } => {
                protocol == Protocol::ICMP
                    && icmp_type.is_none_or(|wanted| icmp.is_some_and(|(kind, _)| kind == wanted))
                    && icmp_code.is_none_or(|wanted| icmp.is_some_and(|(_, code)| code == wanted))
            }
            TrafficMatch::Other(wanted) => wanted == protocol,
        }
    }
}

impl fmt::Display for TrafficMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrafficMatch::All => f.write_str("all"),
            TrafficMatch::Ports(protocol, range) if *range == PortRange::ALL => write!(f, "{protocol}"),
            TrafficMatch::Ports(protocol, range) => write!(f, "{protocol} {range}"),
            TrafficMatch::Icmp { icmp_type: None, .. } => f.write_str("icmp"),
            TrafficMatch::Icmp { icmp_type: Some(kind), icmp_code: None } => write!(f, "icmp {kind}"),
            TrafficMatch::Icmp { icmp_type: Some(kind), icmp_code: Some(code) } => write!(f, "icmp {kind}/{code}"),
            TrafficMatch::Other(protocol) => write!(f, "protocol {}", protocol.0),
        }
    }
}

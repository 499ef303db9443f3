//! The identity of one direction of a flow.

use super::Protocol;
use std::fmt;
use std::net::Ipv4Addr;

/// Source, destination and protocol of a packet. For ICMP echo both ports hold the identifier; for other ICMP, other
/// protocols and non-first fragments both are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// IP protocol.
    pub protocol: Protocol,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

impl FiveTuple {
    /// The same flow seen from the other end.
    pub const fn reversed(self) -> Self {
        FiveTuple {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, source, destination, source_port, destination_port } = self;
        match *protocol {
            Protocol::TCP | Protocol::UDP => {
                write!(f, "{protocol} {source}:{source_port} -> {destination}:{destination_port}")
            }
            _ => write!(f, "{protocol} {source} -> {destination}"),
        }
    }
}

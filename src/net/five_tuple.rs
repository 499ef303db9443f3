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

    /// A hash that both directions of a flow have in common: what spreads flows over several ways of equal cost. It is the same in every run.
    pub fn symmetric_hash(self) -> u64 {
        let side = |address: Ipv4Addr, port: u16| u64::from(u32::from(address)) << 16 | u64::from(port);
        let (a, b) = (side(self.source, self.source_port), side(self.destination, self.destination_port));
        // Sums of the two ends' products, so that neighbours on both sides do not cancel each other out.
        let odd = 0x9e37_79b9_7f4a_7c15_u64;
        let mix = |x: u64| (x ^ (x >> 29)).wrapping_mul(odd);
        let both = mix(a).wrapping_add(mix(b)).wrapping_add(u64::from(self.protocol.0));
        let mixed = mix(both);
        mixed ^ (mixed >> 32)
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

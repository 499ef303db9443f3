//! Addresses and flows: the vocabulary between the wire and the rules.
//!
//! IPv4 only: vpcsim does not simulate IPv6. CIDR blocks are [`ipnet::Ipv4Net`], re-exported here.

mod five_tuple;
mod mac;
mod port_range;
mod protocol;

pub use five_tuple::FiveTuple;
pub use ipnet::Ipv4Net;
pub use mac::MacAddress;
pub use port_range::PortRange;
pub use protocol::Protocol;

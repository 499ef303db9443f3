//! Addresses and flows: the vocabulary between the wire and the rules.
//!
//! IPv4 only: vpcsim does not simulate IPv6. CIDR blocks are [`ipnet::Ipv4Net`], re-exported here.

mod five_tuple;
mod forwarding;
mod link;
mod mac;
mod port_range;
mod protocol;
mod service;
mod traffic_match;

pub use five_tuple::FiveTuple;
pub use forwarding::{ForwardingSettings, TtlMode};
pub use ipnet::Ipv4Net;
pub use link::LinkParameters;
pub use mac::MacAddress;
pub use port_range::PortRange;
pub use protocol::Protocol;
pub use service::ServiceKind;
pub use traffic_match::TrafficMatch;

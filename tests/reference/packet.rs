//! A packet as people draw it on a whiteboard.

use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, VpcEndpointId};
use vpcsim::net::ServiceKind;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

pub const ECHO_REPLY: u8 = 0;
pub const ECHO_REQUEST: u8 = 8;

/// What a packet says, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    /// IP protocol number.
    pub protocol: u8,
    pub content: Content,
}

/// What follows the IP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Tcp {
        source_port: u16,
        destination_port: u16,
        flags: TcpFlags,
    },
    Udp {
        source_port: u16,
        destination_port: u16,
    },
    /// ICMP echo request or reply.
    Echo {
        icmp_type: u8,
        identifier: u16,
    },
    /// An ICMP error (types 3, 11, 12) and the packet it complains about.
    IcmpError {
        icmp_type: u8,
        code: u8,
        quoted: Box<Packet>,
    },
    /// Any other ICMP message.
    OtherIcmp {
        icmp_type: u8,
        code: u8,
    },
    /// A later fragment of any protocol: no ports, no type.
    LaterFragment,
    /// A protocol without ports.
    Opaque,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags {
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
}

impl TcpFlags {
    pub const SYN: TcpFlags = TcpFlags { syn: true, ack: false, fin: false, rst: false };
    pub const SYN_ACK: TcpFlags = TcpFlags { syn: true, ack: true, fin: false, rst: false };
    pub const ACK: TcpFlags = TcpFlags { syn: false, ack: true, fin: false, rst: false };
    pub const FIN: TcpFlags = TcpFlags { syn: false, ack: true, fin: true, rst: false };
    pub const RST: TcpFlags = TcpFlags { syn: false, ack: false, fin: false, rst: true };
}

impl Packet {
    /// Destination port, if the packet shows one.
    pub fn destination_port(&self) -> Option<u16> {
        match self.content {
            Content::Tcp { destination_port, .. } | Content::Udp { destination_port, .. } => Some(destination_port),
            _ => None,
        }
    }

    /// ICMP type and code, if the packet shows them.
    pub fn icmp_type_and_code(&self) -> Option<(u8, u8)> {
        match self.content {
            Content::Echo { icmp_type, .. } => Some((icmp_type, 0)),
            Content::IcmpError { icmp_type, code, .. } | Content::OtherIcmp { icmp_type, code } => {
                Some((icmp_type, code))
            }
            _ => None,
        }
    }

    pub fn tcp_flags(&self) -> Option<TcpFlags> {
        match self.content {
            Content::Tcp { flags, .. } => Some(flags),
            _ => None,
        }
    }

    pub fn is_echo(&self, wanted: u8) -> bool {
        matches!(self.content, Content::Echo { icmp_type, .. } if icmp_type == wanted)
    }
}

/// An end of the simulated world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The system on an interface.
    Instance(EniId),
    /// What serves DHCP, DNS and the router's ping to an interface.
    Platform(EniId),
    /// A host on the internet.
    Outside(String),
    /// Its provider's resolver.
    OutsidePlatform(String),
    /// A service's public side.
    PublicService(ServiceKind, String),
    /// The side of a service that an endpoint leads to.
    EndpointService(VpcEndpointId),
}

/// To which Ethernet address an instance sends its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDestination {
    /// The subnet router's.
    Router,
    /// An interface's.
    Interface(EniId),
    /// One that nobody in the VPC has.
    Nobody,
    /// ff:ff:ff:ff:ff:ff
    Broadcast,
}

/// How a packet ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered { to: Party, packet: Packet },
    Dropped { reason: &'static str },
}

/// How a packet ended and whom it met on its way, in order: ids of interfaces, gateways and endpoints, routes, rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub fate: Fate,
    pub path: Vec<String>,
}

//! A packet as people draw it on a whiteboard.

use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, VpcEndpointId};
use vpcsim::net::ServiceKind;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

pub const ECHO_REPLY: u8 = 0;
pub const ECHO_REQUEST: u8 = 8;

/// What a packet says, without its bytes. Of a fragment: what its datagram says, and which piece of it this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    /// IP protocol number.
    pub protocol: u8,
    pub content: Content,
    pub time_to_live: u8,
    pub dont_fragment: bool,
    pub piece: Option<Piece>,
    pub shape: Shape,
}

/// A part of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub offset_bytes: usize,
    pub length_bytes: usize,
    /// Whether others come behind it.
    pub more: bool,
}

/// Choices that no rule depends on, but bytes and lengths do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Four bytes of IP options (no-operations).
    pub with_options: bool,
    /// UDP without a checksum (RFC 768).
    pub without_udp_checksum: bool,
    pub payload_bytes: usize,
    pub identification: u16,
    /// Sequence and acknowledgment number of a reset that a node made; its window is 0.
    pub reset_numbers: Option<(u32, u32)>,
}

/// Sequence number of every segment that a host sends here.
pub const SEQUENCE: u32 = 0x0102_0304;
/// Acknowledgment number of those with ACK.
pub const ACKNOWLEDGMENT: u32 = 0x0506_0708;

/// What follows the IP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Tcp {
        source_port: u16,
        destination_port: u16,
        flags: TcpFlags,
        /// The maximum segment size that a SYN offers.
        mss: Option<u16>,
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
        /// The next-hop MTU of type 3 code 4 (RFC 1191); 0 in others.
        mtu_bytes: u16,
        quoted: Box<Packet>,
        /// How many bytes of it are quoted.
        quoted_bytes: usize,
    },
    /// Any other ICMP message.
    OtherIcmp {
        icmp_type: u8,
        code: u8,
    },
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

    /// Whether it asks for a new connection.
    pub fn opens(self) -> bool {
        self.syn && !self.ack
    }
}

impl Packet {
    /// A packet as a host would send it, with nothing special about it.
    pub fn plain(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, content: Content) -> Packet {
        let shape = Shape::default();
        Packet { source, destination, protocol, content, time_to_live: 64, dont_fragment: true, piece: None, shape }
    }

    /// What follows the IP header, if that can be seen: later fragments have only the end of it.
    pub fn visible(&self) -> Option<&Content> {
        (!self.is_later_fragment()).then_some(&self.content)
    }

    pub fn is_later_fragment(&self) -> bool {
        self.piece.is_some_and(|piece| piece.offset_bytes > 0)
    }

    pub fn is_first_fragment(&self) -> bool {
        self.piece.is_some_and(|piece| piece.offset_bytes == 0 && piece.more)
    }

    pub fn is_fragment(&self) -> bool {
        self.is_first_fragment() || self.is_later_fragment()
    }

    /// Source and destination port, if the packet shows them.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.visible()? {
            Content::Tcp { source_port, destination_port, .. } | Content::Udp { source_port, destination_port } => {
                Some((*source_port, *destination_port))
            }
            _ => None,
        }
    }

    /// Destination port, if the packet shows one.
    pub fn destination_port(&self) -> Option<u16> {
        self.ports().map(|(_, destination)| destination)
    }

    /// ICMP type and code, if the packet shows them.
    pub fn icmp_type_and_code(&self) -> Option<(u8, u8)> {
        match self.visible()? {
            Content::Echo { icmp_type, .. } => Some((*icmp_type, 0)),
            Content::IcmpError { icmp_type, code, .. } | Content::OtherIcmp { icmp_type, code } => {
                Some((*icmp_type, *code))
            }
            _ => None,
        }
    }

    pub fn tcp_flags(&self) -> Option<TcpFlags> {
        match self.visible()? {
            Content::Tcp { flags, .. } => Some(*flags),
            _ => None,
        }
    }

    pub fn is_echo(&self, wanted: u8) -> bool {
        matches!(self.visible(), Some(Content::Echo { icmp_type, .. }) if *icmp_type == wanted)
    }

    /// The packet that an ICMP error complains about.
    pub fn quoted(&self) -> Option<&Packet> {
        match self.visible()? {
            Content::IcmpError { quoted, .. } => Some(quoted),
            _ => None,
        }
    }

    /// The same, to be translated.
    pub fn quoted_mut(&mut self) -> Option<&mut Packet> {
        match &mut self.content {
            Content::IcmpError { quoted, .. } => Some(quoted),
            _ => None,
        }
    }

    /// Lowers the MSS that a SYN offers.
    pub fn lower_mss(&mut self, highest: u16) -> Option<(u16, u16)> {
        self.visible()?;
        match &mut self.content {
            Content::Tcp { mss: Some(mss), flags, .. } if flags.syn && *mss > highest => {
                let before = std::mem::replace(mss, highest);
                Some((before, highest))
            }
            _ => None,
        }
    }

    pub fn header_bytes(&self) -> usize {
        // The no-operations are not copied into later fragments (RFC 791 section 3.1).
        if self.shape.with_options && !self.is_later_fragment() { 24 } else { 20 }
    }

    /// Length of what follows the IP header, of the whole datagram.
    pub fn datagram_bytes(&self) -> usize {
        match &self.content {
            Content::Tcp { mss, .. } => 20 + if mss.is_some() { 4 } else { 0 } + self.shape.payload_bytes,
            Content::Udp { .. } | Content::Echo { .. } | Content::OtherIcmp { .. } => 8 + self.shape.payload_bytes,
            Content::IcmpError { quoted_bytes, .. } => 8 + quoted_bytes,
            Content::Opaque => self.shape.payload_bytes,
        }
    }

    /// Length of the IP packet.
    pub fn total_bytes(&self) -> usize {
        self.header_bytes() + self.piece.map_or(self.datagram_bytes(), |piece| piece.length_bytes)
    }

    /// The pieces that fit `mtu_bytes` (RFC 791 section 2.3): as long as possible, in multiples of 8 bytes.
    pub fn split(&self, mtu_bytes: usize) -> Vec<Packet> {
        let whole = Piece { offset_bytes: 0, length_bytes: self.datagram_bytes(), more: false };
        let own = self.piece.unwrap_or(whole);
        let (mut pieces, mut at) = (Vec::new(), 0);
        while at < own.length_bytes {
            let mut piece = self.clone();
            piece.piece = Some(Piece { offset_bytes: own.offset_bytes + at, length_bytes: 0, more: true });
            let room = mtu_bytes - piece.header_bytes();
            let rest = own.length_bytes - at;
            let length_bytes = if rest <= room { rest } else { room / 8 * 8 };
            let more = rest > room || own.more;
            piece.piece = Some(Piece { offset_bytes: own.offset_bytes + at, length_bytes, more });
            pieces.push(piece);
            at += length_bytes;
        }
        pieces
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
    /// What answers at the interface of an interface endpoint.
    InterfaceService(EniId),
    /// A host on premises: network and name.
    OnPremises(String, String),
    /// What answers DNS and ping in the name of the router there.
    OnPremisesPlatform(String, String),
}

/// To which Ethernet address an instance sends its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    Delivered {
        to: Party,
        packet: Packet,
    },
    Dropped {
        reason: &'static str,
    },
    /// Dropped, and somebody says so to its source.
    Refused {
        reason: &'static str,
        answer: Packet,
    },
    /// Cut to pieces that fit.
    Split {
        mtu_bytes: usize,
    },
}

/// How a packet ended and whom it met on its way, in order: ids of interfaces, gateways and endpoints, routes, rules, translations. What it brought forth (the answer
/// of a node that refused it, its pieces) has ways of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub fate: Fate,
    pub path: Vec<String>,
    pub children: Vec<Outcome>,
}

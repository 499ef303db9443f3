//! What the data plane reads of an IPv4 packet.

use super::{checksum, ethernet, word};
use crate::net::{FiveTuple, Protocol};
use std::net::Ipv4Addr;

/// Where the IPv4 header begins.
pub(super) const IP: usize = ethernet::HEADER_BYTES;
const MIN_IPV4_HEADER_BYTES: usize = 20;

/// Why bytes are not a packet that can be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Shorter than Ethernet and IPv4 headers.
    #[error("the frame has {frame_bytes} bytes; Ethernet and IPv4 headers need 34")]
    FrameTooShort {
        /// Length of the frame.
        frame_bytes: usize,
    },
    /// The version field is not 4.
    #[error("the IP header says version {version}, not 4")]
    Version {
        /// What it says.
        version: u8,
    },
    /// The header length field is below 20 bytes or beyond the packet.
    #[error("the IPv4 header says it is {header_bytes} bytes long")]
    HeaderLength {
        /// What it says.
        header_bytes: usize,
    },
    /// The total length field is beyond the frame.
    #[error("the IPv4 header says {total_bytes} bytes, the frame holds {held_bytes}")]
    TotalLength {
        /// What it says.
        total_bytes: usize,
        /// What there is.
        held_bytes: usize,
    },
    /// The packet ends within its TCP, UDP or ICMP header, or that header contradicts the packet's length.
    #[error("the {protocol} header does not fit the {held_bytes} bytes behind the IPv4 header")]
    Transport {
        /// Which protocol.
        protocol: Protocol,
        /// What there is.
        held_bytes: usize,
    },
}

/// TCP's control bits (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgment field counts.
    pub const ACK: u8 = 0x10;

    /// Whether any of `bits` is set.
    #[inline]
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }

    /// Whether it asks for a new connection: SYN without ACK.
    #[inline]
    pub const fn is_opening(self) -> bool {
        self.has(Self::SYN) && !self.has(Self::ACK)
    }
}

/// ICMP type numbers (RFC 792).
#[allow(missing_docs, reason = "the names are the RFC's")]
pub mod icmp_type {
    pub const ECHO_REPLY: u8 = 0;
    pub const DESTINATION_UNREACHABLE: u8 = 3;
    pub const SOURCE_QUENCH: u8 = 4;
    pub const REDIRECT: u8 = 5;
    pub const ECHO: u8 = 8;
    pub const TIME_EXCEEDED: u8 = 11;
    pub const PARAMETER_PROBLEM: u8 = 12;
    pub const TIMESTAMP: u8 = 13;
    pub const TIMESTAMP_REPLY: u8 = 14;
}

/// An ICMP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Identifier of echo messages; 0 for others.
    pub identifier: u16,
}

impl Icmp {
    /// Whether it is an error message, which quotes the packet it is about (RFC 1122 section 3.2.2).
    pub const fn is_error(&self) -> bool {
        use icmp_type::*;
        matches!(self.kind, DESTINATION_UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM)
    }
}

/// What flows are spread for; the value is an odd factor of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Spread {
    /// Over routes of equal cost.
    EqualCost = 0x9e37_79b9_7f4a_7c15,
    /// Over the tunnels of a VPN connection.
    Tunnel = 0xc2b2_ae3d_27d4_eb4f,
    /// Over the zones of an attachment in appliance mode.
    ApplianceZone = 0x1656_67b1_9e37_79f9,
}

/// The headers of one IPv4 packet. Every length was checked against the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Length of the IPv4 header, options included: 20..=60.
    pub header_bytes: u8,
    /// Length of the IPv4 packet, its header included.
    pub total_bytes: u16,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// What it carries.
    pub protocol: Protocol,
    /// Time to live.
    pub ttl: u8,
    /// Which datagram a fragment belongs to, among those of the same addresses and protocol.
    pub identification: u16,
    /// The DF flag.
    pub dont_fragment: bool,
    /// The MF flag.
    pub more_fragments: bool,
    /// Where this fragment's data belongs, in bytes; 0 for the first one and for whole packets.
    pub fragment_offset_bytes: u16,
    /// Source and destination port of TCP and UDP; none in later fragments and in other protocols.
    pub ports: Option<(u16, u16)>,
    /// Control bits of TCP; none where `ports` has none.
    pub tcp_flags: Option<TcpFlags>,
    /// ICMP; none in later fragments and in other protocols.
    pub icmp: Option<Icmp>,
}

impl Parsed {
    /// The IPv4 packet in an Ethernet frame. The caller has seen that the EtherType is IPv4. The header's checksum is *not* looked at:
    /// see [`Parsed::header_checksum_is_valid`].
    ///
    /// # Errors
    /// [`WireError`]: a header contradicts the length of the frame, or its own.
    pub fn of(frame: &[u8]) -> Result<Parsed, WireError> {
        let (fixed, held) = match frame.get(IP..IP + MIN_IPV4_HEADER_BYTES) {
            Some(fixed) => (fixed, frame.len() - IP),
            None => return Err(WireError::FrameTooShort { frame_bytes: frame.len() }),
        };
        let (parsed, transport_at) = Self::ip_header(fixed, held)?;
        let total = usize::from(parsed.total_bytes);
        if total > held {
            return Err(WireError::TotalLength { total_bytes: total, held_bytes: held });
        }
        if transport_at > total {
            return Err(WireError::HeaderLength { header_bytes: transport_at });
        }
        parsed.with_transport(&frame[IP + transport_at..IP + total])
    }

    /// The packet quoted by the ICMP error in `frame`, as far as it is quoted: IPv4 header and the first 8 bytes behind it, enough for ports.
    /// `None` if this is no ICMP error or quotes less. The quoted total length is the original's and is not checked.
    pub fn quoted(&self, frame: &[u8]) -> Option<Parsed> {
        let (quoted, parsed) = self.quoted_header(frame)?;
        let transport = quoted.get(usize::from(parsed.header_bytes)..).unwrap_or_default();
        let word = |at| word(transport, at);
        let mut parsed = parsed;
        if parsed.fragment_offset_bytes == 0 {
            match parsed.protocol {
                Protocol::TCP | Protocol::UDP => parsed.ports = Some((word(0)?, word(2)?)),
                Protocol::ICMP => {
                    let [kind, code] = word(0)?.to_be_bytes();
                    parsed.icmp = Some(Icmp { kind, code, identifier: identifier(kind, word(4)) });
                }
                _ => {}
            }
        }
        Some(parsed)
    }

    /// The bytes quoted by an ICMP error and their IPv4 header.
    fn quoted_header<'a>(&self, frame: &'a [u8]) -> Option<(&'a [u8], Parsed)> {
        self.icmp.filter(Icmp::is_error)?;
        let quoted = frame.get(self.quote_at()..IP + usize::from(self.total_bytes))?;
        let (parsed, header_bytes) = Self::ip_header(quoted.get(..MIN_IPV4_HEADER_BYTES)?, quoted.len()).ok()?;
        (header_bytes <= quoted.len()).then_some((quoted, parsed))
    }

    /// Where the header behind the IPv4 header begins in the frame.
    pub fn transport_at(&self) -> usize {
        IP + usize::from(self.header_bytes)
    }

    /// Where an ICMP error's quoted packet begins in the frame.
    pub(super) fn quote_at(&self) -> usize {
        self.transport_at() + 8
    }

    /// Which of `ways_count` ways of equal cost the packet takes: one and the same for both directions of its flow. Fragments have no ports to go by, and so
    /// all pieces of a datagram go by its addresses and protocol alone. What is decided at several places is drawn for each anew.
    pub fn spread(&self, decision: Spread, ways_count: usize) -> usize {
        let mut flow = self.five_tuple();
        if self.more_fragments || self.is_later_fragment() {
            (flow.source_port, flow.destination_port) = (0, 0);
        }
        let drawn = flow.symmetric_hash().wrapping_mul(decision as u64) >> 32;
        (drawn % ways_count.max(1) as u64) as usize
    }

    /// Whether this is a later fragment: it has no transport header.
    pub const fn is_later_fragment(&self) -> bool {
        self.fragment_offset_bytes != 0
    }

    /// Whether this is the first of several fragments.
    pub const fn is_first_fragment(&self) -> bool {
        self.more_fragments && self.fragment_offset_bytes == 0
    }

    /// The flow it belongs to.
    pub fn five_tuple(&self) -> FiveTuple {
        let (source_port, destination_port) =
            self.ports.or(self.icmp.map(|icmp| (icmp.identifier, icmp.identifier))).unwrap_or((0, 0));
        FiveTuple {
            protocol: self.protocol,
            source: self.source,
            destination: self.destination,
            source_port,
            destination_port,
        }
    }

    /// The port that rules look at.
    pub fn destination_port(&self) -> Option<u16> {
        self.ports.map(|(_, destination)| destination)
    }

    /// ICMP type and code, as rules look at them.
    pub fn icmp_type_and_code(&self) -> Option<(u8, u8)> {
        self.icmp.map(|icmp| (icmp.kind, icmp.code))
    }

    /// Whether the IPv4 header's checksum is right (RFC 1812 section 5.2.2). `frame` is the one this was parsed from.
    pub fn header_checksum_is_valid(&self, frame: &[u8]) -> bool {
        frame.get(IP..self.transport_at()).is_some_and(checksum::is_valid)
    }

    /// Reads the fixed part of an IPv4 header; the second value is the header's length.
    fn ip_header(fixed: &[u8], held_bytes: usize) -> Result<(Parsed, usize), WireError> {
        // Invariant: both callers cut `fixed` to 20 bytes.
        let Some(h) = fixed.first_chunk::<MIN_IPV4_HEADER_BYTES>() else {
            return Err(WireError::FrameTooShort { frame_bytes: held_bytes });
        };
        let version = h[0] >> 4;
        if version != 4 {
            return Err(WireError::Version { version });
        }
        let header_bytes = (h[0] & 0x0f) * 4;
        if usize::from(header_bytes) < MIN_IPV4_HEADER_BYTES {
            return Err(WireError::HeaderLength { header_bytes: header_bytes.into() });
        }
        let fragment = u16::from_be_bytes([h[6], h[7]]);
        let parsed = Parsed {
            header_bytes,
            total_bytes: u16::from_be_bytes([h[2], h[3]]),
            source: Ipv4Addr::new(h[12], h[13], h[14], h[15]),
            destination: Ipv4Addr::new(h[16], h[17], h[18], h[19]),
            protocol: Protocol(h[9]),
            ttl: h[8],
            identification: u16::from_be_bytes([h[4], h[5]]),
            dont_fragment: fragment & 0x4000 != 0,
            more_fragments: fragment & 0x2000 != 0,
            fragment_offset_bytes: (fragment & 0x1fff) << 3,
            ports: None,
            tcp_flags: None,
            icmp: None,
        };
        Ok((parsed, header_bytes.into()))
    }

    /// Adds what the transport header says. A first fragment must hold that header whole (RFC 1858 section 3).
    fn with_transport(mut self, transport: &[u8]) -> Result<Parsed, WireError> {
        if self.is_later_fragment() {
            return Ok(self);
        }
        let misfit = WireError::Transport { protocol: self.protocol, held_bytes: transport.len() };
        match self.protocol {
            Protocol::TCP => {
                let h = transport.first_chunk::<20>().ok_or(misfit)?;
                let data_at = usize::from(h[12] >> 4) * 4;
                if data_at < 20 || (data_at > transport.len() && !self.more_fragments) {
                    return Err(misfit);
                }
                self.ports = Some((u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]])));
                self.tcp_flags = Some(TcpFlags(h[13]));
            }
            Protocol::UDP => {
                let h = transport.first_chunk::<8>().ok_or(misfit)?;
                let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
                if length < 8 || (length > transport.len() && !self.more_fragments) {
                    return Err(misfit);
                }
                self.ports = Some((u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]])));
            }
            Protocol::ICMP => {
                let h = transport.first_chunk::<8>().ok_or(misfit)?;
                let (kind, code) = (h[0], h[1]);
                self.icmp = Some(Icmp { kind, code, identifier: identifier(kind, word(h, 4)) });
            }
            _ => {}
        }
        Ok(self)
    }
}

/// The identifier of echo messages, which stands at offset 4; 0 for other messages.
fn identifier(kind: u8, at_four: Option<u16>) -> u16 {
    match kind {
        icmp_type::ECHO | icmp_type::ECHO_REPLY => at_four.unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn tcp(payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, 5], [52, 94, 2, 72], 64)
            .tcp(40_000, 443, 7, 1_000)
            .syn()
            .write(&mut frame, payload)
            .unwrap();
        frame
    }

    #[test]
    fn reads_what_etherparse_wrote() {
        let mut frame = tcp(b"abc");
        frame.extend([0; 6]); // Ethernet padding
        let parsed = Parsed::of(&frame).unwrap();
        assert_eq!((parsed.header_bytes, parsed.total_bytes, parsed.ttl), (20, 43, 64));
        assert_eq!(parsed.five_tuple().to_string(), "tcp 10.0.0.5:40000 -> 52.94.2.72:443");
        assert!(parsed.tcp_flags.unwrap().is_opening());
        assert!(parsed.header_checksum_is_valid(&frame));
        frame[IP + 8] ^= 1;
        assert!(!parsed.header_checksum_is_valid(&frame));
    }

    #[test]
    fn each_contradiction_has_its_error() {
        let good = tcp(&[]);
        let broken = |at: usize, value: u8| {
            let mut frame = good.clone();
            frame[at] = value;
            Parsed::of(&frame).unwrap_err()
        };
        assert_eq!(Parsed::of(&good[..33]).unwrap_err(), WireError::FrameTooShort { frame_bytes: 33 });
        assert_eq!(broken(IP, 0x65), WireError::Version { version: 6 });
        assert_eq!(broken(IP, 0x44), WireError::HeaderLength { header_bytes: 16 });
        assert_eq!(broken(IP, 0x4f), WireError::HeaderLength { header_bytes: 60 });
        assert_eq!(broken(IP + 3, 41), WireError::TotalLength { total_bytes: 41, held_bytes: 40 });
        assert_eq!(broken(IP + 3, 39), WireError::Transport { protocol: Protocol::TCP, held_bytes: 19 });
        assert_eq!(broken(IP + 32, 0x40), WireError::Transport { protocol: Protocol::TCP, held_bytes: 20 });
        assert_eq!(broken(IP + 32, 0x60), WireError::Transport { protocol: Protocol::TCP, held_bytes: 20 });
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let mut frame = tcp(&[0; 40]);
        frame[IP + 7] = 2;
        let parsed = Parsed::of(&frame).unwrap();
        assert_eq!((parsed.fragment_offset_bytes, parsed.ports, parsed.tcp_flags), (16, None, None));
        assert_eq!(parsed.five_tuple().source_port, 0);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(parsed) = Parsed::of(&bytes) {
                prop_assert!(usize::from(parsed.total_bytes) + IP <= bytes.len());
                let _ = parsed.quoted(&bytes);
            }
        }

        #[test]
        fn agrees_with_etherparse_on_damaged_packets(at in 14usize..54, value in any::<u8>()) {
            let mut frame = tcp(b"payload");
            frame[at] = value;
            let Ok(parsed) = Parsed::of(&frame) else { return Ok(()) };
            let theirs = etherparse::SlicedPacket::from_ethernet(&frame);
            let Ok(theirs) = theirs else { return Ok(()) };
            if let Some(etherparse::NetSlice::Ipv4(ip)) = &theirs.net {
                prop_assert_eq!(parsed.source, ip.header().source_addr());
                prop_assert_eq!(parsed.destination, ip.header().destination_addr());
                prop_assert_eq!(parsed.protocol.0, ip.header().protocol().0);
                prop_assert_eq!(parsed.fragment_offset_bytes / 8, ip.header().fragments_offset().value());
            }
            if let Some(etherparse::TransportSlice::Tcp(tcp)) = &theirs.transport {
                prop_assert_eq!(parsed.ports, Some((tcp.source_port(), tcp.destination_port())));
                prop_assert_eq!(parsed.tcp_flags.map(|flags| flags.is_opening()), Some(tcp.syn() && !tcp.ack()));
            }
        }
    }
}

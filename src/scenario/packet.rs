//! `send`: one raw packet, for teaching and for the drop reasons that no well-behaved program causes.
//!
//! Purpose: the notation and the IPv4 bytes. Non-goals: Ethernet addresses (the sending interface knows them), options (give a whole `frame`). Source: RFC 791, 768, 9293, 792.

use super::error::Problem;
use super::names::{Kind, Names};
use super::notation::address;
use super::read::{Section, Text, shown};
use super::settings::one_of;
use crate::ids::InstanceId;
use crate::model::Model;
use crate::net::Protocol;
use std::fmt;
use std::net::Ipv4Addr;

/// The longest frame that may be given, Ethernet header included.
pub const FRAME_BYTES_MAX: usize = 9_018;
/// The longest payload of a packet.
pub const PAYLOAD_BYTES_MAX: u64 = 8_973;
/// The last offset that a fragment of IPv4 can have.
pub(super) const FRAGMENT_OFFSET_BYTES_MAX: u64 = 65_528;

/// What one `send` puts on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketSpec {
    /// An IPv4 packet.
    Packet(Packet),
    /// A whole Ethernet frame, byte for byte.
    Frame(Vec<u8>),
}

/// An IPv4 packet, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: PacketAddress,
    /// Destination address.
    pub destination: PacketAddress,
    /// What follows the IPv4 header.
    pub transport: Transport,
    /// Time to live; default 64.
    pub ttl: u8,
    /// Length of the payload, bytes counting up from 0; default 0.
    pub payload_bytes: u16,
    /// What the IPv4 header says about fragments.
    pub fragment: FragmentFields,
    /// What is wrong with it on purpose; default nothing.
    pub flaw: Option<Flaw>,
}

/// What an IPv4 header says about fragments (RFC 791 section 3.1). The default is a whole packet that must not be fragmented, as most hosts send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentFields {
    /// Which datagram it belongs to.
    pub identification: u16,
    /// DF.
    pub dont_fragment: bool,
    /// MF.
    pub more_fragments: bool,
    /// Where its data belong, a multiple of 8; a later fragment has no transport header, only payload.
    pub offset_bytes: u16,
}

impl Default for FragmentFields {
    fn default() -> Self {
        FragmentFields { identification: 0, dont_fragment: true, more_fragments: false, offset_bytes: 0 }
    }
}

/// What can be wrong with a packet on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The IPv4 header's checksum.
    Checksum,
    /// The total length: one more than there are bytes.
    Length,
    /// The header length: less than a header's 20 bytes.
    HeaderLength,
}

/// An address in a packet: given, or a host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketAddress {
    /// Given.
    Ip(Ipv4Addr),
    /// The private address of an instance, or the address of a host outside or on premises.
    Host(String),
    /// `NAME.public`: the public address of an instance.
    PublicOf(String),
}

/// The headers after IPv4's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// TCP, sequence number 1, acknowledging 1 if `ack`.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Flags.
        flags: TcpFlags,
    },
    /// ICMP, identifier 1 and sequence number 1.
    Icmp {
        /// Type; 8 is an echo request.
        icmp_type: u8,
        /// Code.
        icmp_code: u8,
    },
    /// Just payload.
    Other(Protocol),
}

/// The flags that a test packet may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "TCP's own names")]
pub struct TcpFlags {
    pub syn: bool,
    pub ack: bool,
    pub rst: bool,
    pub fin: bool,
}

/// Why an address could not be found when the packet was to be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} has no address now")]
pub struct NoAddress {
    /// As written.
    pub address: String,
}

impl PacketAddress {
    /// The address, as things are in `model` now.
    ///
    /// # Errors
    /// The host is gone, or has no such address.
    pub fn resolve(&self, model: &Model, names: &Names) -> Result<Ipv4Addr, NoAddress> {
        let none = || NoAddress { address: self.to_string() };
        let interface = |name: &str| {
            let id: InstanceId = names.lookup(Kind::Instance, name)?.parse().ok()?;
            model.network_interfaces.get(&model.instances.get(&id)?.primary_interface_id?)
        };
        match self {
            PacketAddress::Ip(address) => Ok(*address),
            PacketAddress::Host(name) => match model.outside_hosts.get(name) {
                Some(host) => Ok(host.address),
                None => {
                    let on_premises = model.host_on_premises(name).map(|(_, address)| address);
                    on_premises.or_else(|| interface(name).map(|eni| eni.private_ip)).ok_or_else(none)
                }
            },
            PacketAddress::PublicOf(name) => {
                let public = interface(name).and_then(|eni| eni.public_address);
                public.map(|public| public.address).ok_or_else(none)
            }
        }
    }

    fn parse(word: &str) -> Option<Self> {
        if let Ok(address) = word.parse() {
            return Some(PacketAddress::Ip(address));
        }
        let (name, public) = word.strip_suffix(".public").map_or((word, false), |name| (name, true));
        let plain = !name.is_empty()
            && !name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let name = name.to_owned();
        plain.then_some(if public { PacketAddress::PublicOf(name) } else { PacketAddress::Host(name) })
    }
}

impl fmt::Display for PacketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacketAddress::Ip(address) => address.fmt(f),
            PacketAddress::Host(name) => f.write_str(name),
            PacketAddress::PublicOf(name) => write!(f, "{name}.public"),
        }
    }
}

/// As scenarios write it; of a frame, its length.
impl fmt::Display for PacketSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacketSpec::Packet(packet) => packet.fmt(f),
            PacketSpec::Frame(bytes) => write!(f, "frame of {} bytes", bytes.len()),
        }
    }
}

/// As scenarios write it.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Packet { source, destination, .. } = self;
        match self.transport {
            Transport::Udp { source_port, destination_port } => {
                write!(f, "udp {source}:{source_port} -> {destination}:{destination_port}")
            }
            Transport::Tcp { source_port, destination_port, flags } => {
                f.write_str("tcp ")?;
                for (set, name) in [(flags.syn, "syn "), (flags.ack, "ack "), (flags.rst, "rst "), (flags.fin, "fin ")]
                {
                    f.write_str(if set { name } else { "" })?;
                }
                write!(f, "{source}:{source_port} -> {destination}:{destination_port}")
            }
            Transport::Icmp { icmp_type: 8, icmp_code: 0 } => write!(f, "icmp echo {source} -> {destination}"),
            Transport::Icmp { icmp_type, icmp_code } => {
                write!(f, "icmp {icmp_type}/{icmp_code} {source} -> {destination}")
            }
            Transport::Other(Protocol(number)) => write!(f, "protocol {number} {source} -> {destination}"),
        }
    }
}

impl Packet {
    /// The packet's bytes, IPv4 header first, right checksums (unless the flaw is there).
    pub fn ipv4_bytes(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
        let payload: Vec<u8> = (0..self.payload_bytes).map(|n| n as u8).collect();
        let builder = etherparse::PacketBuilder::ip(self.ip_header(source, destination));
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and `payload_bytes` keeps every length field in range.
        let written = match self.transport {
            Transport::Udp { source_port, destination_port } => {
                builder.udp(source_port, destination_port).write(&mut bytes, &payload)
            }
            Transport::Tcp { source_port, destination_port, flags } => {
                let mut header = etherparse::TcpHeader::new(source_port, destination_port, 1, 65_535);
                (header.syn, header.ack, header.rst, header.fin) = (flags.syn, flags.ack, flags.rst, flags.fin);
                header.acknowledgment_number = u32::from(flags.ack);
                builder.tcp_header(header).write(&mut bytes, &payload)
            }
            Transport::Icmp { icmp_type, icmp_code } => {
                builder.icmpv4_raw(icmp_type, icmp_code, [0, 1, 0, 1]).write(&mut bytes, &payload)
            }
            Transport::Other(Protocol(number)) => builder.write(&mut bytes, etherparse::IpNumber(number), &payload),
        };
        if self.fragment.offset_bytes > 0 {
            self.without_transport(&mut bytes, &payload);
        }
        debug_assert!(written.is_ok(), "lengths are checked when parsed");
        match self.flaw {
            _ if written.is_err() => {}
            None => {}
            Some(Flaw::Checksum) => bytes[10] ^= 0xff,
            Some(Flaw::Length) => {
                let wrong = u16::from_be_bytes([bytes[2], bytes[3]]) + 1;
                bytes[2..4].copy_from_slice(&wrong.to_be_bytes());
            }
            Some(Flaw::HeaderLength) => bytes[0] = 0x44,
        }
        bytes
    }
}

impl Packet {
    fn ip_header(&self, source: Ipv4Addr, destination: Ipv4Addr) -> etherparse::IpHeaders {
        let FragmentFields { identification, dont_fragment, more_fragments, offset_bytes } = self.fragment;
        let header = etherparse::Ipv4Header {
            identification,
            dont_fragment,
            more_fragments,
            // 13 bits hold every offset that 16 bits of bytes can name.
            fragment_offset: etherparse::IpFragOffset::try_new(offset_bytes / 8).unwrap_or_default(),
            time_to_live: self.ttl,
            source: source.octets(),
            destination: destination.octets(),
            ..etherparse::Ipv4Header::default()
        };
        etherparse::IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default())
    }

    /// Leaves the IPv4 header and the payload.
    fn without_transport(&self, bytes: &mut Vec<u8>, payload: &[u8]) {
        let Ok((mut header, _)) = etherparse::Ipv4Header::from_slice(bytes) else { return };
        header.total_len = (header.header_len() + payload.len()) as u16;
        header.header_checksum = header.calc_header_checksum();
        *bytes = [&header.to_bytes(), payload].concat();
    }
}

const HELP: &str = "a packet is \"udp A:PORT -> B:PORT\", \"tcp syn A:PORT -> B:PORT\" (flags syn, ack, rst, fin), \"icmp echo A -> B\", \
                    \"icmp 3/4 A -> B\" or \"protocol 47 A -> B\"; A and B are addresses, host names, or NAME.public";

/// Reads the value of a step's `send`: a text, or a table with `packet` or `frame`.
pub(super) fn read(step: &Section<'_, '_>) -> Option<PacketSpec> {
    if step.is_text("send") {
        return parsed(step, &step.text("send")?, Fields::default());
    }
    let table = step.section("send")?;
    let mut fields = Fields::default();
    // Each is within its range, as just checked.
    let small = |key, max| table.integer(key, 0..=max).and_then(|number| u16::try_from(number).ok());
    fields.ttl = small("ttl", 255).map_or(fields.ttl, |ttl| ttl as u8);
    fields.payload_bytes = small("payload_bytes", PAYLOAD_BYTES_MAX).unwrap_or(0);
    fields.fragment.identification = small("identification", u16::MAX.into()).unwrap_or(0);
    fields.fragment.dont_fragment = table.boolean("dont_fragment").unwrap_or(true);
    fields.fragment.more_fragments = table.boolean("more_fragments").unwrap_or(false);
    fields.fragment.offset_bytes = small("fragment_offset_bytes", FRAGMENT_OFFSET_BYTES_MAX).unwrap_or(0);
    if fields.fragment.offset_bytes % 8 != 0 {
        let message = format!("a fragment's offset of {} bytes cannot be written", fields.fragment.offset_bytes);
        let problem = Problem::new(table.span_of("fragment_offset_bytes"), message, "not a multiple of 8");
        table.report(problem.help("IPv4 counts offsets in units of 8 bytes"));
    }
    fields.flaw = table.text("flaw").and_then(|text| match text.text {
        "checksum" => Some(Flaw::Checksum),
        "length" => Some(Flaw::Length),
        "header-length" => Some(Flaw::HeaderLength),
        other => {
            table.report(one_of(&text, other, &["checksum", "length", "header-length"]));
            None
        }
    });
    let (packet, frame) = (table.text("packet"), table.text("frame"));
    table.finish();
    match (packet, frame) {
        (Some(packet), None) => parsed(step, &packet, fields),
        (None, Some(frame)) => {
            let bytes = hexadecimal(&frame);
            if bytes.is_none() {
                let message = format!("the frame is not 14 to {FRAME_BYTES_MAX} bytes in hexadecimal");
                step.report(Problem::new(frame.contents(), message, "expected pairs of 0-9a-f, blanks allowed"));
            }
            bytes.map(PacketSpec::Frame)
        }
        _ => {
            let problem = Problem::new(step.span_of("send"), "\"send\" holds either a packet or a frame", "here");
            step.report(problem.help(HELP));
            None
        }
    }
}

/// What the notation does not say.
#[derive(Clone, Copy, Debug)]
struct Fields {
    ttl: u8,
    payload_bytes: u16,
    fragment: FragmentFields,
    flaw: Option<Flaw>,
}

impl Default for Fields {
    fn default() -> Self {
        Fields { ttl: 64, payload_bytes: 0, fragment: FragmentFields::default(), flaw: None }
    }
}

fn parsed(step: &Section<'_, '_>, text: &Text<'_>, fields: Fields) -> Option<PacketSpec> {
    let Fields { ttl, payload_bytes, fragment, flaw } = fields;
    match packet(text).map(|packet| Packet { ttl, payload_bytes, fragment, flaw, ..packet }) {
        Ok(packet) => Some(PacketSpec::Packet(packet)),
        Err(problem) => {
            step.report(problem);
            None
        }
    }
}

/// The packet, with defaults for what the notation does not say.
fn packet(text: &Text<'_>) -> Result<Packet, Problem> {
    let wrong = |word: &str, message: String| Problem::new(text.place(word), message, "not understood").help(HELP);
    let Some((left, right)) = text.text.split_once("->") else {
        return Err(wrong(text.text, "the packet has no \"->\"".to_owned()));
    };
    let words: Vec<&str> = left.split_whitespace().collect();
    let [protocol, middle @ .., source] = words.as_slice() else {
        return Err(wrong(left, "the packet lacks a protocol or a source".to_owned()));
    };
    let destination = right.trim();
    let with_port = |word: &str| match word.split_once(':') {
        Some((host, port)) => match (PacketAddress::parse(host), port.parse::<u16>()) {
            (Some(host), Ok(port)) => Ok((host, port)),
            _ => Err(wrong(word, format!("\"{}\" is not HOST:PORT", shown(word)))),
        },
        None => Err(wrong(word, format!("\"{}\" lacks a port", shown(word)))),
    };
    let without_port = |word: &str| {
        PacketAddress::parse(word)
            .ok_or_else(|| wrong(word, format!("\"{}\" is neither an address nor a host", shown(word))))
    };
    let (source, destination, transport) = match (*protocol, middle) {
        ("udp", []) => {
            let ((source, source_port), (destination, destination_port)) =
                (with_port(source)?, with_port(destination)?);
            (source, destination, Transport::Udp { source_port, destination_port })
        }
        ("tcp", flags) => {
            let ((source, source_port), (destination, destination_port)) =
                (with_port(source)?, with_port(destination)?);
            let flags = tcp_flags(flags).map_err(|word| wrong(word, format!("\"{}\" is no TCP flag", shown(word))))?;
            (source, destination, Transport::Tcp { source_port, destination_port, flags })
        }
        ("icmp", [kind]) => {
            let Some((icmp_type, icmp_code)) = icmp(kind) else {
                return Err(wrong(kind, format!("\"{}\" is neither echo, echo-reply nor TYPE/CODE", shown(kind))));
            };
            (without_port(source)?, without_port(destination)?, Transport::Icmp { icmp_type, icmp_code })
        }
        ("protocol", [number]) => {
            let Ok(number) = number.parse() else {
                return Err(wrong(number, format!("\"{}\" is no IP protocol number", shown(number))));
            };
            (without_port(source)?, without_port(destination)?, Transport::Other(Protocol(number)))
        }
        _ => return Err(wrong(protocol, format!("\"{}\" begins no packet", shown(left.trim())))),
    };
    let Fields { ttl, payload_bytes, fragment, flaw } = Fields::default();
    Ok(Packet { source, destination, transport, ttl, payload_bytes, fragment, flaw })
}

fn tcp_flags<'w>(words: &[&'w str]) -> Result<TcpFlags, &'w str> {
    let mut flags = TcpFlags::default();
    for word in words {
        match *word {
            "syn" => flags.syn = true,
            "ack" => flags.ack = true,
            "rst" => flags.rst = true,
            "fin" => flags.fin = true,
            other => return Err(other),
        }
    }
    Ok(flags)
}

fn icmp(word: &str) -> Option<(u8, u8)> {
    match word {
        "echo" => Some((8, 0)),
        "echo-reply" => Some((0, 0)),
        _ => {
            let (kind, code) = word.split_once('/').unwrap_or((word, "0"));
            Some((kind.parse().ok()?, code.parse().ok()?))
        }
    }
}

fn hexadecimal(text: &Text<'_>) -> Option<Vec<u8>> {
    let mut digits = Vec::new();
    for c in text.text.chars().filter(|c| !c.is_whitespace() && *c != ':') {
        digits.push(u8::try_from(c.to_digit(16)?).ok()?);
    }
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() % 2 == 0 && (14..=FRAME_BYTES_MAX).contains(&bytes.len())).then_some(bytes)
}

/// An address that must be given as such.
pub(super) fn literal_address(section: &Section<'_, '_>, text: &Text<'_>) -> Option<Ipv4Addr> {
    address(text).map_err(|problem| section.report(problem)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::read::Reader;
    use super::*;
    use toml::de::DeTable;

    fn read_send(source: &str) -> Result<PacketSpec, Vec<Problem>> {
        let table = DeTable::parse(source).unwrap();
        let reader = Reader::new(source);
        let spec = read(&Section::new(&reader, "test", 0..0, table.get_ref(), &super::super::schema::STEP));
        spec.ok_or_else(|| reader.into_problems())
    }

    #[test]
    fn packets_are_read() {
        let spec = read_send("send = { packet = 'tcp syn ack app:40000 -> 52.94.2.72:443', ttl = 1 }").unwrap();
        let PacketSpec::Packet(packet) = spec else { panic!("a packet") };
        assert_eq!(packet.source, PacketAddress::Host("app".to_owned()));
        assert_eq!(packet.destination, PacketAddress::Ip(Ipv4Addr::new(52, 94, 2, 72)));
        let flags = TcpFlags { syn: true, ack: true, ..TcpFlags::default() };
        assert_eq!(packet.transport, Transport::Tcp { source_port: 40_000, destination_port: 443, flags });
        assert_eq!(packet.ttl, 1);
        for text in
            ["icmp echo app -> app-2.public", "tcp syn ack app:1 -> 10.0.0.1:2", "udp a:1 -> b:2", "icmp 3/4 a -> b"]
        {
            assert_eq!(read_send(&format!("send = '{text}'")).unwrap().to_string(), text);
        }
        assert!(read_send("send = 'protocol 47 10.0.0.1 -> app'").is_ok());
        let frame = read_send("send = { frame = 'ffffffffffff 020000000001 86dd 60' }").unwrap();
        assert!(matches!(frame, PacketSpec::Frame(bytes) if bytes.len() == 15));
    }

    #[test]
    fn what_is_no_packet_is_refused_at_its_place() {
        for bad in [
            "send = ''",
            "send = 'udp a -> b'",
            "send = 'udp a:1 b:2'",
            "send = 'tcp urg a:1 -> b:2'",
            "send = 'icmp echo 1.2.3 -> b'",
            "send = 'icmp echo a:1 -> b'",
            "send = 'carrier pigeon a -> b'",
            "send = { ttl = 3 }",
            "send = { frame = 'abc' }",
            "send = { packet = 'icmp echo a -> b', payload_bytes = 10000 }",
            "send = { packet = 'icmp echo a -> b', colour = 1 }",
            "send = { packet = 'icmp echo a -> b', flaw = 'ugly' }",
            "send = 3",
        ] {
            let source = bad;
            let table = DeTable::parse(source).unwrap();
            let reader = Reader::new(source);
            read(&Section::new(&reader, "test", 0..0, table.get_ref(), &super::super::schema::STEP));
            assert!(reader.has_problems(), "{bad}");
        }
    }

    #[test]
    fn bytes_have_right_checksums() {
        let PacketSpec::Packet(packet) =
            read_send("send = { packet = 'udp 10.0.0.1:1 -> 10.0.0.2:2', payload_bytes = 5 }").unwrap()
        else {
            panic!("a packet")
        };
        let bytes = packet.ipv4_bytes(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(bytes.len(), 20 + 8 + 5);
        let (ip, rest) = etherparse::Ipv4Header::from_slice(&bytes).unwrap();
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        let (udp, payload) = etherparse::UdpHeader::from_slice(rest).unwrap();
        assert_eq!(udp.checksum, udp.calc_checksum_ipv4(&ip, payload).unwrap());
        assert!(ip.dont_fragment);
        for flaw in [Flaw::Checksum, Flaw::Length, Flaw::HeaderLength] {
            let flawed = Packet { flaw: Some(flaw), ..packet.clone() };
            let flawed = flawed.ipv4_bytes(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
            assert_eq!(flawed.len(), bytes.len());
            assert_ne!(flawed, bytes, "{flaw:?}");
        }
    }
}

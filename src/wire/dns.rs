//! DNS messages as a server sees them (RFC 1035): a query's bytes in, an answer's bytes out.
//!
//! Non-goals: recursion, DNS over TCP (a truncated answer stays truncated), negative caching (no SOA is sent), IPv6, DNSSEC, mDNS.
//! Invariants: the question comes back byte for byte, letter case included; no answer is longer than the asker said it takes
//! (512 bytes, or the EDNS size, RFC 6891); a name that exists answers other record types with NOERROR and nothing.
//!
//! The message is read and written by hand: of an answer all but a few bytes is the question copied, and simple-dns refuses whole
//! queries for a record type it does not know, which a resolver has to answer. The tests let simple-dns judge the result.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html

use std::net::Ipv4Addr;

/// The longest answer to an asker that says nothing about sizes (RFC 1035 section 2.3.4).
const PLAIN_BYTES_MAX: usize = 512;
/// The longest answer this resolver gives, and the size it offers (dnsflagday.net/2020: no fragments on any road).
const EDNS_BYTES_MAX: u16 = 1232;
const HEADER_BYTES: usize = 12;

const FLAG_RESPONSE: u16 = 0x8000;
const OPCODE_MASK: u16 = 0x7800;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAG_RECURSION_DESIRED: u16 = 0x0100;
const FLAG_RECURSION_AVAILABLE: u16 = 0x0080;
const FLAG_CHECKING_DISABLED: u16 = 0x0010;

const TYPE_A: u16 = 1;
const TYPE_OPT: u16 = 41;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;

/// What is known about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its IPv4 addresses, in the order to give them.
    Addresses(Vec<Ipv4Addr>),
    /// It exists and has no address.
    NoData,
    /// It does not exist.
    NoSuchName,
    /// The server does not say: it serves this name to nobody.
    Refused,
}

/// Response codes (RFC 1035 section 4.1.1; BADVERS: RFC 6891 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseCode {
    NoError = 0,
    FormatError = 1,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// Answers `query`. `lookup` is asked with the name in lower case, labels joined by dots, no dot at the end.
///
/// `None` for bytes that deserve no answer: shorter than a header, or themselves a response (answering those is how two servers
/// talk forever).
pub fn answer(query: &[u8], lookup: impl Fn(&str) -> Answer, ttl_seconds: u32) -> Option<Vec<u8>> {
    let header = query.get(..HEADER_BYTES)?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let flags = word(2);
    if flags & FLAG_RESPONSE != 0 {
        return None;
    }
    let mut reply = Reply { id: word(0), query_flags: flags, question: &[], extended: None };
    if flags & OPCODE_MASK != 0 {
        return Some(reply.encode(ResponseCode::NotImplemented, &[], 0));
    }
    let (question, extended) = match parse(query, word(4), [word(6), word(8), word(10)]) {
        Some(parsed) => parsed,
        None => return Some(reply.encode(ResponseCode::FormatError, &[], 0)),
    };
    reply.question = question.bytes;
    reply.extended = extended;
    if extended.is_some_and(|extended| extended.version != 0) {
        return Some(reply.encode(ResponseCode::BadVersion, &[], 0));
    }
    if question.class != CLASS_IN && question.class != CLASS_ANY {
        return Some(reply.encode(ResponseCode::Refused, &[], 0));
    }
    let (code, addresses) = match lookup(&question.name) {
        Answer::NoSuchName => (ResponseCode::NameError, Vec::new()),
        Answer::Refused => (ResponseCode::Refused, Vec::new()),
        Answer::Addresses(addresses) if matches!(question.record_type, TYPE_A | TYPE_ANY) => {
            (ResponseCode::NoError, addresses)
        }
        Answer::Addresses(_) | Answer::NoData => (ResponseCode::NoError, Vec::new()),
    };
    Some(reply.encode(code, &addresses, ttl_seconds))
}

/// The name that a query asks for, as [`answer`] hands it to `lookup`; `None` for what is no well-formed query.
pub fn name_asked(query: &[u8]) -> Option<String> {
    let header = query.get(..HEADER_BYTES)?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    if word(2) & (FLAG_RESPONSE | OPCODE_MASK) != 0 {
        return None;
    }
    parse(query, word(4), [word(6), word(8), word(10)]).map(|(question, _)| question.name)
}

struct Question<'a> {
    bytes: &'a [u8],
    name: String,
    record_type: u16,
    class: u16,
}

/// The asker's EDNS record.
#[derive(Clone, Copy)]
struct Extended {
    size_bytes: u16,
    version: u8,
}

/// The one question and the EDNS record, if there is one. `None`: the message is malformed.
fn parse(query: &[u8], question_count: u16, record_counts: [u16; 3]) -> Option<(Question<'_>, Option<Extended>)> {
    if question_count != 1 {
        return None;
    }
    let mut reader = Reader { bytes: query, at: HEADER_BYTES };
    let name = reader.name()?;
    let record_type = reader.word()?;
    let class = reader.word()?;
    let question = Question { bytes: &query[HEADER_BYTES..reader.at], name, record_type, class };

    let mut extended = None;
    for _ in 0..record_counts.iter().map(|&count| u32::from(count)).sum() {
        reader.skip_name()?;
        let record_type = reader.word()?;
        let class = reader.word()?;
        let ttl = [reader.word()?, reader.word()?];
        let data_bytes = reader.word()?;
        reader.skip(usize::from(data_bytes))?;
        if record_type == TYPE_OPT {
            // RFC 6891 section 6.1.1: more than one is a format error.
            if extended.is_some() {
                return None;
            }
            // Class is the size; the second byte of the TTL is the version (section 6.1.3).
            extended = Some(Extended { size_bytes: class, version: ttl[0] as u8 });
        }
    }
    Some((question, extended))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|&end| end <= self.bytes.len())?;
        Some(())
    }

    /// A question's name: labels, and no pointers, for there is nothing before it to point at.
    fn name(&mut self) -> Option<String> {
        let start = self.at;
        let mut name = String::new();
        loop {
            let length = usize::from(self.byte()?);
            if length == 0 {
                return (self.at - start <= 255).then_some(name);
            }
            // The two high bits would mean a pointer or a label type nobody uses (RFC 1035 section 4.1.4).
            if length > 63 {
                return None;
            }
            let label_at = self.at;
            self.skip(length)?;
            if !name.is_empty() {
                name.push('.');
            }
            for &byte in &self.bytes[label_at..self.at] {
                push_label_byte(&mut name, byte);
            }
        }
    }

    fn skip_name(&mut self) -> Option<()> {
        loop {
            match self.byte()? {
                0 => return Some(()),
                0xc0.. => return self.skip(1),
                length @ 1..=63 => self.skip(usize::from(length))?,
                _ => return None,
            }
        }
    }
}

/// Lower case; what could be mistaken for something else is escaped (RFC 1035 section 5.1), so it can match no plain name.
fn push_label_byte(name: &mut String, byte: u8) {
    if byte.is_ascii_graphic() && byte != b'.' && byte != b'\\' {
        name.push(char::from(byte.to_ascii_lowercase()));
    } else {
        name.push_str(&format!("\\{byte:03}"));
    }
}

struct Reply<'a> {
    id: u16,
    query_flags: u16,
    question: &'a [u8],
    extended: Option<Extended>,
}

impl Reply<'_> {
    fn encode(&self, code: ResponseCode, addresses: &[Ipv4Addr], ttl_seconds: u32) -> Vec<u8> {
        /// Pointer to the question's name, type, class, TTL, length, address.
        const RECORD_BYTES: usize = 16;
        /// Root name, type, size, TTL (code, version, flags), length.
        const OPT_BYTES: usize = 11;

        let opt_bytes = if self.extended.is_some() { OPT_BYTES } else { 0 };
        let limit_bytes = match self.extended {
            Some(extended) => usize::from(extended.size_bytes.min(EDNS_BYTES_MAX)).max(PLAIN_BYTES_MAX),
            None => PLAIN_BYTES_MAX,
        };
        let whole_bytes = HEADER_BYTES + self.question.len() + addresses.len() * RECORD_BYTES + opt_bytes;
        let truncated = whole_bytes > limit_bytes;
        // Half a set of records is worse than none (RFC 2181 section 9).
        let addresses = if truncated { &[] } else { addresses };

        let echoed = OPCODE_MASK | FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED;
        let flags = FLAG_RESPONSE
            | FLAG_RECURSION_AVAILABLE
            | self.query_flags & echoed
            | if truncated { FLAG_TRUNCATED } else { 0 }
            | code as u16 & 0xf;
        let mut bytes = Vec::with_capacity(whole_bytes.min(limit_bytes));
        let counts = [
            u16::from(!self.question.is_empty()),
            // The limit on the message's length keeps this far below 65,536.
            addresses.len() as u16,
            0,
            u16::from(self.extended.is_some()),
        ];
        for word in [self.id, flags].into_iter().chain(counts) {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        bytes.extend_from_slice(self.question);
        for address in addresses {
            for word in [0xc000 | HEADER_BYTES as u16, TYPE_A, CLASS_IN] {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
            bytes.extend_from_slice(&ttl_seconds.to_be_bytes());
            bytes.extend_from_slice(&4_u16.to_be_bytes());
            bytes.extend_from_slice(&address.octets());
        }
        if self.extended.is_some() {
            bytes.push(0);
            bytes.extend_from_slice(&TYPE_OPT.to_be_bytes());
            bytes.extend_from_slice(&EDNS_BYTES_MAX.to_be_bytes());
            bytes.extend_from_slice(&[(code as u16 >> 4) as u8, 0, 0, 0, 0, 0]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::rdata::{OPT, RData};
    use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};

    const NAME: &str = "dynamodb.us-east-1.amazonaws.com";
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);

    fn lookup(name: &str) -> Answer {
        match name {
            NAME => Answer::Addresses(vec![ADDRESS]),
            "many.example" => Answer::Addresses((0..60).map(|n| Ipv4Addr::new(10, 0, 0, n)).collect()),
            "empty.example" => Answer::NoData,
            _ => Answer::NoSuchName,
        }
    }

    fn query(name: &str, record_type: TYPE, edns_bytes: Option<u16>) -> Vec<u8> {
        let mut packet = Packet::new_query(0x1234);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let class = QCLASS::CLASS(CLASS::IN);
        packet.questions.push(Question::new(Name::new(name).unwrap(), QTYPE::TYPE(record_type), class, false));
        *packet.opt_mut() =
            edns_bytes.map(|udp_packet_size| OPT { opt_codes: Vec::new(), udp_packet_size, version: 0 });
        packet.build_bytes_vec().unwrap()
    }

    fn code_and_addresses(reply: &[u8]) -> (RCODE, Vec<Ipv4Addr>) {
        let packet = Packet::parse(reply).unwrap();
        let addresses = packet.answers.iter().map(|record| match &record.rdata {
            RData::A(a) => Ipv4Addr::from(a.address),
            other => panic!("not an address: {other:?}"),
        });
        (packet.rcode(), addresses.collect())
    }

    #[test]
    fn an_address_as_simple_dns_reads_it() {
        let query = query("DynamoDB.us-east-1.amazonaws.com", TYPE::A, None);
        let reply = answer(&query, lookup, 5).unwrap();
        let packet = Packet::parse(&reply).unwrap();
        assert_eq!(packet.id(), 0x1234);
        assert!(
            packet.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE | PacketFlag::RECURSION_DESIRED)
        );
        assert!(!packet.has_flags(PacketFlag::TRUNCATION) && !packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER));
        assert_eq!(packet.questions[0].qname.to_string(), "DynamoDB.us-east-1.amazonaws.com", "case kept");
        assert_eq!(packet.answers[0].name, packet.questions[0].qname);
        assert_eq!((packet.answers[0].class, packet.answers[0].ttl), (CLASS::IN, 5));
        assert_eq!(code_and_addresses(&reply), (RCODE::NoError, vec![ADDRESS]));
        assert_eq!(reply.len(), query.len() + 16);
        assert!(packet.opt().is_none());
    }

    #[test]
    fn other_types_of_a_known_name_are_empty_and_unknown_names_do_not_exist() {
        for record_type in [TYPE::AAAA, TYPE::TXT, TYPE::MX] {
            let reply = answer(&query(NAME, record_type, None), lookup, 5).unwrap();
            assert_eq!(code_and_addresses(&reply), (RCODE::NoError, vec![]), "{record_type:?}");
        }
        // A type simple-dns would not even parse: 65 is HTTPS, 4321 nothing.
        for record_type in [65_u16, 4321] {
            let mut strange = query(NAME, TYPE::A, None);
            let at = strange.len() - 4;
            strange[at..at + 2].copy_from_slice(&record_type.to_be_bytes());
            let reply = answer(&strange, lookup, 5).unwrap();
            assert_eq!((reply[3] & 0xf, &reply[4..8]), (0, &[0, 1, 0, 0][..]));
        }
        let reply = answer(&query("empty.example", TYPE::A, None), lookup, 5).unwrap();
        assert_eq!(code_and_addresses(&reply), (RCODE::NoError, vec![]));
        let reply = answer(&query("nowhere.example", TYPE::A, None), lookup, 5).unwrap();
        assert_eq!(code_and_addresses(&reply), (RCODE::NameError, vec![]));
    }

    #[test]
    fn sizes_are_respected() {
        let truncated = answer(&query("many.example", TYPE::A, None), lookup, 5).unwrap();
        assert!(truncated.len() <= 512);
        assert!(Packet::parse(&truncated).unwrap().has_flags(PacketFlag::TRUNCATION));
        assert_eq!(code_and_addresses(&truncated).1.len(), 0, "all or nothing");

        let whole = answer(&query("many.example", TYPE::A, Some(4096)), lookup, 5).unwrap();
        let packet = Packet::parse(&whole).unwrap();
        assert!(!packet.has_flags(PacketFlag::TRUNCATION));
        assert_eq!(packet.opt().unwrap().udp_packet_size, 1232);
        assert_eq!(code_and_addresses(&whole).1.len(), 60);
        assert!(whole.len() <= 1232);

        let small = answer(&query("many.example", TYPE::A, Some(100)), lookup, 5).unwrap();
        assert!(Packet::parse(&small).unwrap().has_flags(PacketFlag::TRUNCATION), "less than 512 means 512");
        assert!(answer(&query(NAME, TYPE::A, Some(100)), lookup, 5).unwrap().len() > 60);
    }

    #[test]
    fn malformed_queries_get_a_format_error_or_nothing() {
        let good = query(NAME, TYPE::A, Some(1232));
        for length in 0..good.len() {
            let reply = answer(&good[..length], lookup, 5);
            match length {
                0..12 => assert_eq!(reply, None),
                _ => assert_eq!(reply.unwrap(), [0x12, 0x34, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0], "cut at {length}"),
            }
        }
        let changed = |at: usize, value: u8| {
            let mut query = good.clone();
            query[at] = value;
            answer(&query, lookup, 5)
        };
        let code = |reply: Option<Vec<u8>>| reply.unwrap()[3] & 0xf;
        assert_eq!(changed(2, 0x81), None, "a response");
        assert_eq!(code(changed(2, 0x29)), 4, "NOTIFY");
        assert_eq!(code(changed(5, 2)), 1, "two questions announced");
        assert_eq!(code(changed(12, 0xc0)), 1, "a pointer in the question");
        assert_eq!(code(changed(12, 64)), 1, "a label of 64");
        let version_at = good.len() - 5;
        let bad_version = changed(version_at, 1).unwrap();
        assert_eq!((bad_version[3] & 0xf, bad_version[bad_version.len() - 6]), (0, 1), "BADVERS is 16");
        let class_at = good.len() - 11 - 1;
        assert_eq!(code(changed(class_at, 3)), 5, "class CHAOS");
        let mut two_opts = [&good[..], &good[good.len() - 11..]].concat();
        two_opts[11] = 2;
        assert_eq!(code(answer(&two_opts, lookup, 5)), 1);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut stream = crate::rng::Seed::new(1).derive("dns");
        let good = query(NAME, TYPE::A, Some(1232));
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..=stream.below(4) {
                let at = stream.below(bytes.len() as u64) as usize;
                bytes[at] = stream.next_u32() as u8;
            }
            bytes.truncate(stream.below(bytes.len() as u64 + 1) as usize);
            if let Some(reply) = answer(&bytes, lookup, 5) {
                assert_eq!((&reply[..2], reply[2] & 0x80), (&bytes[..2], 0x80));
            }
        }
    }

    #[test]
    fn a_dot_inside_a_label_is_not_a_separator() {
        let bytes = [&query("a.b", TYPE::A, None)[..12], b"\x03a.B\x00\x00\x01\x00\x01"].concat();
        let seen = std::cell::RefCell::new(String::new());
        answer(
            &bytes,
            |name| {
                *seen.borrow_mut() = name.to_owned();
                Answer::NoData
            },
            5,
        )
        .unwrap();
        assert_eq!(*seen.borrow(), "a\\046b");
    }
}

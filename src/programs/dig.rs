//! `dig`, as BIND 9.18 prints it.

use super::grammar::{Flag, arguments, destination, host_name, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::calendar::Calendar;
use crate::host::{self, DnsAnswer, DnsReport, Failure, Outcome, Reply, SocketProblem, Workload};
use simple_dns::rdata::RData;
use simple_dns::{Packet, TYPE};
use std::fmt::Write;
use std::net::Ipv4Addr;

const VERSION: &str = "9.18.28";
/// Record types that can be asked for, by name.
const TYPES: [(&str, u16); 10] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("ANY", 255),
];
const FLAGS: [Flag; 3] = [option(&["-t"], "TYPE"), option(&["-x"], "ADDRESS"), switch(&["-4"])];
/// Bits of the header's flags, in the order dig shows them.
const HEADER_FLAGS: [(u16, &str); 7] =
    [(0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"), (0x0010, "cd")];
const STATUSES: [&str; 6] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dig {
    pub(super) server: Option<Destination>,
    name: String,
    record_type: (&'static str, u16),
    short: bool,
    /// The words after `dig`, for the first line of the output.
    line: String,
}

pub(super) fn parse(words: &[Word]) -> Result<Dig, UsageError> {
    let found = arguments("dig", words, &FLAGS)?;
    let line = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let (mut server, mut name, mut record_type, mut short) = (None, None, None, false);
    for word in &found.operands {
        if let Some(host) = word.text.strip_prefix('@') {
            let host = Word { range: word.range.start + 1..word.range.end, text: host.to_owned() };
            server = Some(destination(&host)?);
        } else if let Some(query_option) = word.text.strip_prefix('+') {
            match query_option {
                "short" => short = true,
                "noshort" => short = false,
                other => {
                    let message = format!("dig has no option +{other} in vpcsim; it has +short");
                    return Err(UsageError::unsupported(message).at(&word.range).did_you_mean(&word.text, ["+short"]));
                }
            }
        } else if let Some(known) = type_named(&word.text).filter(|_| record_type.is_none() && name.is_some()) {
            record_type = Some(known);
        } else if name.is_none() {
            name = Some(host_name(&word.text, &word.range)?);
        } else {
            let types: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            let message = format!("\"{}\" is no record type that dig knows in vpcsim: {}", word.text, types.join(", "));
            return Err(UsageError::unsupported(message)
                .at(&word.range)
                .did_you_mean(&word.text.to_uppercase(), types));
        }
    }
    for given in &found.options {
        let text = given.text();
        match given.name {
            "-t" => {
                let known = type_named(&text).ok_or_else(|| given.refuse("a record type such as A, AAAA or TXT"))?;
                record_type = Some(known);
            }
            "-x" => {
                let address: Ipv4Addr = text.parse().map_err(|_| given.refuse("an IPv4 address"))?;
                let [a, b, c, d] = address.octets();
                name = Some(format!("{d}.{c}.{b}.{a}.in-addr.arpa"));
                record_type = record_type.or(type_named("PTR"));
            }
            _ => {}
        }
    }
    let name = name.ok_or_else(|| found.missing("name"))?;
    Ok(Dig { server, name, record_type: record_type.unwrap_or(TYPES[0]), short, line })
}

fn type_named(text: &str) -> Option<(&'static str, u16)> {
    TYPES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text))
}

impl Dig {
    pub(super) fn workload(&self, server: Option<String>) -> Workload {
        Workload::Dig(host::Dig { server, name: self.name.clone(), record_type: self.record_type.1 })
    }

    pub(super) fn output(&self, outcome: &Outcome, calendar: Calendar) -> CommandOutput {
        match (&outcome.result, &self.server) {
            (Ok(Reply::Dns(report)), _) => self.report(report, calendar),
            (Err(Failure::Socket { problem: SocketProblem::NameResolution, host }), Some(_)) => {
                complaint(format!("dig: couldn't get address for '{host}': not found\n"), 10)
            }
            (Err(failure), _) => {
                let problem =
                    failure.socket_problem().map_or_else(|| failure.to_string(), |problem| problem.to_string());
                printed(format!(";; {problem}\n;; no servers could be reached\n"), String::new(), 9)
            }
            (Ok(_), _) => complaint("dig: unexpected answer\n".to_owned(), 10),
        }
    }

    fn report(&self, report: &DnsReport, calendar: Calendar) -> CommandOutput {
        let mut text = String::new();
        for problem in &report.failures {
            let why = match problem {
                SocketProblem::TimedOut => "timed out",
                _ => "connection refused",
            };
            let _ = writeln!(text, ";; communications error to {}#53: {why}", report.server);
        }
        let Some(answer) = &report.answer else {
            if !self.short {
                text.push_str(&self.banner());
            }
            text.push_str(";; no servers could be reached\n\n");
            return printed(text, String::new(), 9);
        };
        let packet = Packet::parse(&answer.message);
        match packet {
            Err(_) => text.push_str(";; Got bad packet: the message cannot be read\n"),
            Ok(packet) if self.short => {
                for record in &packet.answers {
                    let _ = writeln!(text, "{}", data(&record.rdata));
                }
            }
            Ok(packet) => {
                text.push_str(&self.banner());
                self.message(&mut text, &packet, answer);
                let _ = writeln!(text, ";; Query time: {} msec", answer.round_trip.as_nanos() / 1_000_000);
                let _ = writeln!(text, ";; SERVER: {0}#53({0}) (UDP)", report.server);
                let _ = writeln!(text, ";; WHEN: {}", calendar.unix_date(answer.at));
                let _ = writeln!(text, ";; MSG SIZE  rcvd: {}\n", answer.message.len());
            }
        }
        printed(text, String::new(), 0)
    }

    fn banner(&self) -> String {
        format!("\n; <<>> DiG {VERSION} <<>> {}\n;; global options: +cmd\n", self.line)
    }

    /// Header, sections.
    fn message(&self, text: &mut String, packet: &Packet<'_>, answer: &DnsAnswer) {
        // At least a header: the host looked.
        let word =
            |at: usize| answer.message.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        let bits = word(2);
        let status = STATUSES.get(usize::from(bits & 0xf)).copied().unwrap_or("RESERVED");
        let flags: String =
            HEADER_FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| format!(" {name}")).collect();
        text.push_str(";; Got answer:\n");
        let _ = writeln!(text, ";; ->>HEADER<<- opcode: QUERY, status: {status}, id: {}", word(0));
        let [questions, answers, authorities, additional] = [4, 6, 8, 10].map(word);
        let _ = writeln!(
            text,
            ";; flags:{flags}; QUERY: {questions}, ANSWER: {answers}, AUTHORITY: {authorities}, ADDITIONAL: {additional}\n"
        );
        if let Some(extended) = packet.opt() {
            text.push_str(";; OPT PSEUDOSECTION:\n");
            let _ = writeln!(text, "; EDNS: version: {}, flags:; udp: {}", extended.version, extended.udp_packet_size);
        }
        text.push_str(";; QUESTION SECTION:\n");
        text.push_str(&columns(&[(0, &format!(";{}.", self.name)), (32, "IN"), (40, self.record_type.0)]));
        text.push('\n');
        if !packet.answers.is_empty() {
            text.push_str(";; ANSWER SECTION:\n");
            for record in &packet.answers {
                let (name, ttl) = (format!("{}.", record.name), record.ttl.to_string());
                let kind = type_name(record.rdata.type_code());
                text.push_str(&columns(&[(0, &name), (24, &ttl), (32, "IN"), (40, &kind), (48, &data(&record.rdata))]));
            }
            text.push('\n');
        }
    }
}

/// One line, each text from its column on: by tabs where there is room, else after a blank.
fn columns(cells: &[(usize, &str)]) -> String {
    let mut line = String::new();
    let mut column = 0;
    for (start, cell) in cells {
        if column >= *start && column > 0 {
            line.push(' ');
            column += 1;
        }
        while column < *start {
            line.push('\t');
            column = column / 8 * 8 + 8;
        }
        line.push_str(cell);
        column += cell.chars().count();
    }
    line + "\n"
}

fn type_name(kind: TYPE) -> String {
    let code = u16::from(kind);
    TYPES.iter().find(|(_, known)| *known == code).map_or_else(|| format!("TYPE{code}"), |(name, _)| (*name).to_owned())
}

fn data(data: &RData<'_>) -> String {
    match data {
        RData::A(a) => Ipv4Addr::from(a.address).to_string(),
        RData::CNAME(name) => format!("{}.", name.0),
        RData::PTR(name) => format!("{}.", name.0),
        // The simulated resolvers have nothing else to say.
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;

    fn read(text: &str) -> Dig {
        parse(&crate::awscli::words(text).unwrap()).unwrap()
    }

    #[test]
    fn words_in_any_order() {
        let dig = read("@10.0.0.2 db.example aaaa +short");
        assert_eq!((dig.name.as_str(), dig.record_type, dig.short), ("db.example", ("AAAA", 28), true));
        assert_eq!(
            dig.server.as_ref().map(|server| (server.host.as_str(), server.span.clone())),
            Some(("10.0.0.2", 1..9))
        );
        assert_eq!(read("-t TXT db.example").record_type.0, "TXT");
        let reverse = read("-x 10.0.1.9");
        assert_eq!((reverse.name.as_str(), reverse.record_type.0), ("9.1.0.10.in-addr.arpa", "PTR"));
        for bad in ["dig", "dig @", "dig db +trace", "dig db B", "dig -t B db", "dig db A A", "dig a..b", "dig -x host"]
        {
            assert!(line(bad).is_err(), "{bad}");
        }
        assert_eq!(line("dig db AAA").unwrap_err().suggestion.as_deref(), Some("AAAA"));
    }

    #[test]
    fn columns_are_digs() {
        assert_eq!(columns(&[(0, ";example.com."), (32, "IN"), (40, "A")]), ";example.com.\t\t\tIN\tA\n");
        let long = [(0, "dynamodb.us-east-1.amazonaws.com."), (24, "5"), (32, "IN"), (40, "A"), (48, "52.94.2.72")];
        assert_eq!(columns(&long), "dynamodb.us-east-1.amazonaws.com. 5 IN\tA\t52.94.2.72\n");
    }
}

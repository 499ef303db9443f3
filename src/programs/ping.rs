//! `ping`, as iputils (20221126, Amazon Linux 2023) prints it.

use super::grammar::{Flag, arguments, destination, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, Failure, Outcome, PathMtuDiscovery, PingEvent, PingReport, Reply, SocketProblem, Workload};
use crate::time::SimDuration;
use std::fmt::Write;

/// Requests of a `ping` without `-c`, which would go on for ever.
const COUNT_DEFAULT: u32 = 4;
const FLAGS: [Flag; 8] = [
    option(&["-c"], "COUNT"),
    option(&["-s"], "BYTES"),
    option(&["-M"], "do|dont|want"),
    option(&["-i"], "SECONDS"),
    option(&["-W"], "SECONDS"),
    switch(&["-n"]),
    switch(&["-q"]),
    switch(&["-4"]),
];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ping {
    pub(super) destination: Destination,
    count: u32,
    payload_bytes: u16,
    discovery: PathMtuDiscovery,
    interval: SimDuration,
    wait: SimDuration,
    quiet: bool,
}

pub(super) fn parse(words: &[Word]) -> Result<Ping, UsageError> {
    let found = arguments("ping", words, &FLAGS)?;
    let mut ping = Ping {
        destination: destination(found.one_operand("host")?)?,
        count: COUNT_DEFAULT,
        payload_bytes: 56,
        discovery: PathMtuDiscovery::Want,
        interval: SimDuration::from_secs(1),
        wait: SimDuration::from_secs(10),
        quiet: false,
    };
    for given in &found.options {
        match given.name {
            // The ranges fit.
            "-c" => ping.count = given.number(1..=65_535)? as u32,
            "-s" => ping.payload_bytes = given.number(0..=65_507)? as u16,
            "-M" => {
                ping.discovery = match given.one_of(&["do", "dont", "want"])? {
                    "do" => PathMtuDiscovery::Do,
                    "dont" => PathMtuDiscovery::Dont,
                    _ => PathMtuDiscovery::Want,
                }
            }
            "-i" => {
                ping.interval = given.seconds()?;
                if ping.interval < SimDuration::from_millis(2) {
                    return Err(given.refuse("at least 0.002 seconds"));
                }
            }
            "-W" => ping.wait = given.seconds()?,
            "-q" => ping.quiet = true,
            _ => {}
        }
    }
    Ok(ping)
}

impl Ping {
    pub(super) fn workload(&self, host: String) -> Workload {
        Workload::Ping(host::Ping {
            host,
            count: self.count,
            payload_bytes: self.payload_bytes,
            discovery: self.discovery,
            interval: self.interval,
            wait: self.wait,
        })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let name = &self.destination.host;
        match &outcome.result {
            Ok(Reply::Ping(report)) => self.report(report),
            Ok(_) => complaint(format!("ping: {name}: unexpected answer\n"), 2),
            Err(Failure::Socket { problem: SocketProblem::NameResolution, .. }) => {
                complaint(format!("ping: {name}: Name or service not known\n"), 2)
            }
            Err(Failure::Socket { problem, .. }) => complaint(format!("ping: connect: {problem}\n"), 2),
            Err(failure) => complaint(format!("ping: {failure}\n"), 2),
        }
    }

    fn report(&self, report: &PingReport) -> CommandOutput {
        let PingReport { address, transmitted, events, span } = report;
        let name = &self.destination.host;
        let payload = u32::from(self.payload_bytes);
        let mut out = format!("PING {name} ({address}) {payload}({}) bytes of data.\n", payload + 28);
        let mut complaints = String::new();
        let (mut received, mut duplicates, mut errors) = (0, 0, 0);
        for event in events {
            let line = match event {
                PingEvent::Reply { sequence, from, time_to_live, bytes, round_trip, duplicate } => {
                    *(if *duplicate { &mut duplicates } else { &mut received }) += 1;
                    let time = if self.has_time() { format!(" time={}", time(*round_trip)) } else { String::new() };
                    let mark = if *duplicate { " (DUP!)" } else { "" };
                    format!("{bytes} bytes from {from}: icmp_seq={sequence} ttl={time_to_live}{time}{mark}\n")
                }
                PingEvent::Error { sequence, from, kind, code, mtu_bytes } => {
                    errors += 1;
                    format!("From {from} icmp_seq={sequence} {}\n", icmp_words(*kind, *code, *mtu_bytes))
                }
                // With -q iputils neither says nor counts its own host's errors.
                PingEvent::TooLong { .. } if self.quiet => continue,
                PingEvent::TooLong { mtu_bytes, .. } => {
                    errors += 1;
                    let _ = writeln!(complaints, "ping: local error: message too long, mtu={mtu_bytes}");
                    continue;
                }
            };
            if !self.quiet {
                out.push_str(&line);
            }
        }
        let _ = write!(out, "\n--- {name} ping statistics ---\n{transmitted} packets transmitted, {received} received");
        if duplicates > 0 {
            let _ = write!(out, ", +{duplicates} duplicates");
        }
        if errors > 0 {
            let _ = write!(out, ", +{errors} errors");
        }
        let lost = f64::from(transmitted.saturating_sub(received)) * 100.0 / f64::from((*transmitted).max(1));
        let _ = writeln!(out, ", {}% packet loss, time {}ms", percent(lost), span.as_nanos() / 1_000_000);
        match statistics(&report.round_trips()) {
            Some(line) if self.has_time() => out.push_str(&line),
            _ => out.push('\n'),
        }
        printed(out, complaints, u8::from(received == 0))
    }

    /// Whether the payload has room for the time of sending.
    fn has_time(&self) -> bool {
        self.payload_bytes >= 16
    }
}

/// Up to six significant digits, as C's `%g`.
fn percent(share: f64) -> String {
    let text = format!("{share:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three or four digits, as iputils rounds.
fn time(round_trip: SimDuration) -> String {
    let micros = round_trip.as_nanos() / 1_000;
    let (whole, rest) = (micros / 1_000, micros % 1_000);
    match micros {
        100_000.. => format!("{whole} ms"),
        10_000.. => format!("{whole}.{:01} ms", rest / 100),
        1_000.. => format!("{whole}.{:02} ms", rest / 10),
        _ => format!("{whole}.{rest:03} ms"),
    }
}

fn statistics(round_trips: &[SimDuration]) -> Option<String> {
    let micros: Vec<f64> = round_trips.iter().map(|span| (span.as_nanos() / 1_000) as f64).collect();
    let least = micros.iter().copied().reduce(f64::min)?;
    let greatest = micros.iter().copied().reduce(f64::max)?;
    let count = micros.len() as f64;
    let mean = micros.iter().sum::<f64>() / count;
    let squares = micros.iter().map(|value| value * value).sum::<f64>() / count;
    let deviation = (squares - mean * mean).max(0.0).sqrt();
    let ms = |micros: f64| format!("{:.3}", micros / 1_000.0);
    Some(format!("rtt min/avg/max/mdev = {}/{}/{}/{} ms\n", ms(least), ms(mean), ms(greatest), ms(deviation)))
}

/// What iputils says of an ICMP error.
fn icmp_words(kind: u8, code: u8, mtu_bytes: u16) -> String {
    match (kind, code) {
        (3, 0) => "Destination Net Unreachable".to_owned(),
        (3, 1) => "Destination Host Unreachable".to_owned(),
        (3, 2) => "Destination Protocol Unreachable".to_owned(),
        (3, 3) => "Destination Port Unreachable".to_owned(),
        (3, 4) => format!("Frag needed and DF set (mtu = {mtu_bytes})"),
        (3, 13) => "Packet filtered".to_owned(),
        (3, code) => format!("Dest Unreachable, Bad Code: {code}"),
        (11, 0) => "Time to live exceeded".to_owned(),
        (11, _) => "Frag reassembly time exceeded".to_owned(),
        (kind, _) => format!("Bad ICMP type: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;
    use std::net::Ipv4Addr;

    fn read(text: &str) -> Result<Ping, UsageError> {
        parse(&crate::awscli::words(text).unwrap()[1..])
    }

    #[test]
    fn options_and_limits() {
        let ping = read("ping -c 3 -s 8973 -M do -i 0.2 -W2 db").unwrap();
        assert_eq!((ping.count, ping.payload_bytes, ping.discovery), (3, 8973, PathMtuDiscovery::Do));
        assert_eq!((ping.interval, ping.wait), (SimDuration::from_millis(200), SimDuration::from_secs(2)));
        for bad in
            ["ping", "ping -c 0 db", "ping -s 65508 db", "ping -M maybe db", "ping -f db", "ping -i 0 db", "ping a b"]
        {
            assert!(line(bad).is_err(), "{bad}");
        }
        assert_eq!(line("pign db").unwrap_err().suggestion.as_deref(), Some("ping"));
        assert!(line("ping fe80::1").unwrap_err().to_string().contains("not simulate IPv6"));
    }

    #[test]
    fn errors_and_duplicates_are_counted() {
        let from = Ipv4Addr::new(10, 0, 0, 1);
        let reply = |duplicate| PingEvent::Reply {
            sequence: 1,
            from,
            time_to_live: 64,
            bytes: 64,
            round_trip: SimDuration::from_micros(12_345),
            duplicate,
        };
        let events = vec![
            reply(false),
            reply(true),
            PingEvent::Error { sequence: 2, from, kind: 3, code: 4, mtu_bytes: 1500 },
            PingEvent::Error { sequence: 3, from, kind: 11, code: 0, mtu_bytes: 0 },
        ];
        let report = PingReport { address: from, transmitted: 3, events, span: SimDuration::from_millis(2_040) };
        let output = read("ping -c 3 db").unwrap().report(&report);
        insta::assert_snapshot!(output.stdout, @r"
        PING db (10.0.0.1) 56(84) bytes of data.
        64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=12.3 ms
        64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=12.3 ms (DUP!)
        From 10.0.0.1 icmp_seq=2 Frag needed and DF set (mtu = 1500)
        From 10.0.0.1 icmp_seq=3 Time to live exceeded

        --- db ping statistics ---
        3 packets transmitted, 1 received, +1 duplicates, +2 errors, 66.6667% packet loss, time 2040ms
        rtt min/avg/max/mdev = 12.345/12.345/12.345/0.000 ms
        ");
        assert_eq!(output.exit_code, 0);
    }

    #[test]
    fn the_first_error_is_a_routers_and_the_next_ones_are_this_hosts() {
        let (address, router) = (Ipv4Addr::new(10, 0, 2, 9), Ipv4Addr::new(10, 0, 0, 1));
        let events = vec![
            PingEvent::Error { sequence: 1, from: router, kind: 3, code: 4, mtu_bytes: 1500 },
            PingEvent::TooLong { sequence: 2, mtu_bytes: 1500 },
        ];
        let report = PingReport { address, transmitted: 2, events, span: SimDuration::from_millis(1_000) };
        assert_eq!((report.errors(), report.least_mtu_bytes()), (2, Some(1500)));
        let output = read("ping -c 2 -M do -s 8972 db").unwrap().report(&report);
        insta::assert_snapshot!(output.stdout, @r"
        PING db (10.0.2.9) 8972(9000) bytes of data.
        From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1500)

        --- db ping statistics ---
        2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1000ms
        ");
        assert_eq!((output.stderr.as_str(), output.exit_code), ("ping: local error: message too long, mtu=1500\n", 1));
        let quiet = read("ping -q -c 2 -M do -s 8972 db").unwrap().report(&report);
        assert!(quiet.stderr.is_empty() && quiet.stdout.contains(" +1 errors, ") && !quiet.stdout.contains("From"));
    }

    #[test]
    fn times_have_three_or_four_digits() {
        let shown = |micros| time(SimDuration::from_micros(micros));
        assert_eq!(
            [shown(180), shown(1_234), shown(40_170), shown(123_456)],
            ["0.180 ms", "1.23 ms", "40.1 ms", "123 ms"]
        );
    }
}

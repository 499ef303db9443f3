//! `tracepath`, as iputils (20221126) prints it.

use super::grammar::{Flag, arguments, destination, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, Failure, Outcome, Reply, TracepathAnswer, TracepathEvent, TracepathReport, Workload};
use std::fmt::Write;
use std::net::Ipv4Addr;

const FLAGS: [Flag; 6] = [
    switch(&["-n"]),
    switch(&["-b"]),
    option(&["-l"], "BYTES"),
    option(&["-m"], "HOPS"),
    option(&["-p"], "PORT"),
    switch(&["-4"]),
];
/// How wide the column of hosts is, and that of the line about this host.
const HOST_COLUMN: usize = 52;
const LOCAL_COLUMN: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tracepath {
    pub(super) destination: Destination,
    packet_bytes: u16,
    hops_max: u8,
    first_port: u16,
    shows_both: bool,
}

pub(super) fn parse(words: &[Word]) -> Result<Tracepath, UsageError> {
    let found = arguments("tracepath", words, &FLAGS)?;
    let destination = destination(found.one_operand("host")?)?;
    let mut tracepath =
        Tracepath { destination, packet_bytes: u16::MAX, hops_max: 30, first_port: 44_444, shows_both: false };
    for given in &found.options {
        match given.name {
            // The ranges fit. The last port is one of 64.
            "-l" => tracepath.packet_bytes = given.number(29..=65_535)? as u16,
            "-m" => tracepath.hops_max = given.number(1..=255)? as u8,
            "-p" => tracepath.first_port = given.number(1..=65_472)? as u16,
            "-b" => tracepath.shows_both = true,
            // Addresses have no names here: there are no PTR records, so -n changes nothing.
            _ => {}
        }
    }
    Ok(tracepath)
}

impl Tracepath {
    pub(super) fn workload(&self, host: String) -> Workload {
        let Tracepath { packet_bytes, hops_max, first_port, .. } = *self;
        Workload::Tracepath(host::Tracepath { host, hops_max, first_port, packet_bytes })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let name = &self.destination.host;
        match &outcome.result {
            Ok(Reply::Tracepath(report)) => printed(self.report(report), String::new(), 0),
            Ok(_) => complaint("tracepath: unexpected answer\n".to_owned(), 1),
            Err(failure @ Failure::Socket { .. }) => {
                let problem = failure.socket_problem().map(|problem| problem.to_string()).unwrap_or_default();
                complaint(format!("tracepath: {name}: {problem}\n"), 1)
            }
            Err(failure) => complaint(format!("tracepath: {failure}\n"), 1),
        }
    }

    fn report(&self, report: &TracepathReport) -> String {
        let mut text = String::new();
        for event in &report.events {
            let _ = match event {
                TracepathEvent::Local { time_to_live, mtu_bytes } => {
                    writeln!(text, "{time_to_live:2}?: {:LOCAL_COLUMN$} pmtu {mtu_bytes}", "[LOCALHOST]")
                }
                TracepathEvent::Data { time_to_live } => writeln!(text, "{time_to_live:2}?: reply received 8)"),
                TracepathEvent::NoReply { time_to_live } => writeln!(text, "{time_to_live:2}:  no reply"),
                TracepathEvent::Answer { time_to_live, from, round_trip, hops_back, answer } => {
                    let mark = if round_trip.is_some() { ":  " } else { "?: " };
                    let time = round_trip.map_or(String::new(), |span| {
                        let micros = span.as_nanos() / 1_000;
                        format!("{:3}.{:03}ms ", micros / 1_000, micros % 1_000)
                    });
                    let words = words(*answer, *time_to_live, *hops_back);
                    writeln!(text, "{time_to_live:2}{mark}{:HOST_COLUMN$}{time}{words}", self.host(*from))
                }
            };
        }
        if report.is_cut_short {
            let _ = writeln!(text, "     Too many hops: pmtu {}", report.mtu_bytes);
        }
        let _ = write!(text, "     Resume: pmtu {} ", report.mtu_bytes);
        if let (Some(hops), Some(back)) = (report.hops, report.hops_back) {
            let _ = write!(text, "hops {hops} back {back} ");
        }
        text.push('\n');
        text
    }

    fn host(&self, address: Ipv4Addr) -> String {
        if self.shows_both { format!("{address} ({address})") } else { address.to_string() }
    }
}

/// What stands behind the time.
fn words(answer: TracepathAnswer, time_to_live: u8, hops_back: u8) -> String {
    match answer {
        TracepathAnswer::TimeExceeded if hops_back != time_to_live => format!("asymm {hops_back:2} "),
        TracepathAnswer::TimeExceeded => String::new(),
        TracepathAnswer::FragmentationNeeded { mtu_bytes } => format!("pmtu {mtu_bytes}"),
        TracepathAnswer::Reached => "reached".to_owned(),
        // As Linux turns codes into errors: network, protocol, administratively prohibited, and host for the rest.
        TracepathAnswer::Other { kind: 3, code } => match code {
            0 | 6 | 11 => "!N".to_owned(),
            2 => "!P".to_owned(),
            9 | 10 | 13 => "!A".to_owned(),
            _ => "!H".to_owned(),
        },
        TracepathAnswer::Other { .. } => "!H".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;
    use crate::time::SimDuration;

    fn read(text: &str) -> Tracepath {
        parse(&crate::awscli::words(text).unwrap()).unwrap()
    }

    #[test]
    fn options_and_limits() {
        let tracepath = read("-n -b -l 1500 -m 5 -p 33434 db");
        assert_eq!((tracepath.packet_bytes, tracepath.hops_max, tracepath.first_port), (1500, 5, 33_434));
        for bad in ["tracepath", "tracepath -m 0 db", "tracepath -l 28 db", "tracepath -p 65473 db", "tracepath -6 db"]
        {
            assert!(line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_line_has_its_place() {
        let (router, db) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 2, 10));
        let event = |time_to_live, from, micros: Option<u64>, hops_back, answer| TracepathEvent::Answer {
            time_to_live,
            from,
            round_trip: micros.map(SimDuration::from_micros),
            hops_back,
            answer,
        };
        let report = TracepathReport {
            address: db,
            events: vec![
                TracepathEvent::Local { time_to_live: 1, mtu_bytes: 9001 },
                event(1, router, Some(500), 1, TracepathAnswer::FragmentationNeeded { mtu_bytes: 1500 }),
                event(1, router, Some(12_340), 1, TracepathAnswer::TimeExceeded),
                TracepathEvent::NoReply { time_to_live: 2 },
                event(3, router, None, 2, TracepathAnswer::TimeExceeded),
                event(4, db, Some(1_001_234), 3, TracepathAnswer::Reached),
            ],
            mtu_bytes: 1500,
            hops: Some(4),
            hops_back: Some(3),
            is_cut_short: false,
        };
        let text = read("-n db").report(&report);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                " 1?: [LOCALHOST]                      pmtu 9001",
                " 1:  10.0.0.1                                              0.500ms pmtu 1500",
                " 1:  10.0.0.1                                             12.340ms ",
                " 2:  no reply",
                " 3?: 10.0.0.1                                            asymm  2 ",
                " 4:  10.0.2.10                                           1001.234ms reached",
                "     Resume: pmtu 1500 hops 4 back 3 ",
            ]
        );
        let (hops, hops_back) = (None, None);
        let report = TracepathReport { events: vec![], hops, hops_back, is_cut_short: true, ..report };
        assert_eq!(read("db").report(&report), "     Too many hops: pmtu 1500\n     Resume: pmtu 1500 \n");
        assert_eq!(words(TracepathAnswer::Other { kind: 3, code: 13 }, 1, 1), "!A");
    }
}

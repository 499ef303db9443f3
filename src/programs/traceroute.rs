//! `traceroute`, as Linux's (2.1) prints it.

use super::grammar::{Flag, arguments, destination, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, Failure, HopAnswer, Outcome, ProbeKind, Reply, TracerouteReport, Workload};
use std::fmt::Write;

/// Why no router of the VPC shows.
pub(super) const REMARK: &str = "traceroute and tracepath see no router of a VPC: AWS's routers and internet gateways neither \
    decrement the TTL nor send time-exceeded, so they are no hops, and a destination in the VPC is hop 1 (NAT gateways and \
    instances that forward are hops; the internet has no routers of its own in vpcsim; [forwarding] ttl = \"rfc1812\" shows the VPC's)";

const FLAGS: [Flag; 7] = [
    switch(&["-n"]),
    switch(&["-T", "--tcp"]),
    switch(&["-I", "--icmp"]),
    switch(&["-U", "--udp"]),
    option(&["-m", "--max-hops"], "HOPS"),
    option(&["-q", "--queries"], "PROBES"),
    switch(&["-4"]),
];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Traceroute {
    pub(super) destination: Destination,
    kind: ProbeKind,
    hops_max: u8,
    probes_per_hop: u8,
    numeric: bool,
}

pub(super) fn parse(words: &[Word]) -> Result<Traceroute, UsageError> {
    let found = arguments("traceroute", words, &FLAGS)?;
    let destination = destination(found.one_operand("host")?)?;
    let mut traceroute =
        Traceroute { destination, kind: ProbeKind::Udp, hops_max: 30, probes_per_hop: 3, numeric: false };
    for given in &found.options {
        match given.name {
            "-n" => traceroute.numeric = true,
            "-T" => traceroute.kind = ProbeKind::Tcp,
            "-I" => traceroute.kind = ProbeKind::Icmp,
            // Linux's -U probes port 53; plain UDP to high ports is what people mean by it, and the default.
            "-U" => traceroute.kind = ProbeKind::Udp,
            "-m" => traceroute.hops_max = given.number(1..=255)? as u8,
            "-q" => traceroute.probes_per_hop = given.number(1..=10)? as u8,
            _ => {}
        }
    }
    Ok(traceroute)
}

impl Traceroute {
    pub(super) fn workload(&self, host: String) -> Workload {
        let Traceroute { kind, hops_max, probes_per_hop, .. } = *self;
        Workload::Traceroute(host::Traceroute { host, kind, hops_max, probes_per_hop })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let name = &self.destination.host;
        match &outcome.result {
            Ok(Reply::Traceroute(report)) => printed(self.report(report), String::new(), 0),
            Ok(_) => complaint("traceroute: unexpected answer\n".to_owned(), 1),
            Err(failure @ Failure::Socket { .. }) => {
                let problem = failure.socket_problem().map(|problem| problem.to_string()).unwrap_or_default();
                complaint(
                    format!("{name}: {problem}\nCannot handle \"host\" cmdline arg `{name}' on position 1 (argc 1)\n"),
                    2,
                )
            }
            Err(failure) => complaint(format!("traceroute: {failure}\n"), 1),
        }
    }

    fn report(&self, report: &TracerouteReport) -> String {
        let name = &self.destination.host;
        let mut text =
            format!("traceroute to {name} ({}), {} hops max, 60 byte packets\n", report.address, self.hops_max);
        for (ttl, probes) in (1..).zip(&report.hops) {
            let _ = write!(text, "{ttl:2} ");
            let mut last = None;
            for probe in probes {
                let Some(HopAnswer { from, round_trip, mark }) = probe else {
                    text.push_str(" *");
                    continue;
                };
                // The address once, as long as the same one answers.
                if last != Some(*from) {
                    last = Some(*from);
                    let _ = match self.numeric {
                        true => write!(text, " {from}"),
                        false if *from == report.address => write!(text, " {name} ({from})"),
                        // Addresses have no names here: there are no PTR records.
                        false => write!(text, " {from} ({from})"),
                    };
                }
                let _ = write!(text, "  {:.3} ms", round_trip.as_nanos() as f64 / 1e6);
                if !mark.is_empty() {
                    let _ = write!(text, " {mark}");
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;
    use crate::time::SimDuration;
    use std::net::Ipv4Addr;

    fn read(text: &str) -> Traceroute {
        parse(&crate::awscli::words(text).unwrap()).unwrap()
    }

    #[test]
    fn options_and_limits() {
        let trace = read("-n -T -m 5 -q 1 db");
        assert_eq!((trace.kind, trace.hops_max, trace.probes_per_hop, trace.numeric), (ProbeKind::Tcp, 5, 1, true));
        for bad in ["traceroute", "traceroute -m 0 db", "traceroute -q 11 db", "traceroute -w 1 db"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_of_silence_and_of_answers() {
        let (db, other) = (Ipv4Addr::new(10, 0, 0, 9), Ipv4Addr::new(10, 0, 0, 1));
        let answer = |from, mark| Some(HopAnswer { from, round_trip: SimDuration::from_micros(180), mark });
        let report = TracerouteReport {
            address: db,
            hops: vec![vec![None; 3], vec![answer(other, ""), None, answer(db, "!X")]],
            reached: true,
        };
        insta::assert_snapshot!(read("-n db").report(&report), @r"
        traceroute to db (10.0.0.9), 30 hops max, 60 byte packets
         1  * * *
         2  10.0.0.1  0.180 ms * 10.0.0.9  0.180 ms !X
        ");
    }
}

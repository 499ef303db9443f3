//! `udp`: vpcsim's own program, a flow of datagrams to a UDP echo server.

use super::grammar::{Flag, arguments, option};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, Failure, Outcome, Reply, SocketProblem, UdpFlowReport, Workload};
use crate::time::SimDuration;
use std::fmt::Write;

const FLAGS: [Flag; 3] = [option(&["-n"], "COUNT"), option(&["-s"], "BYTES"), option(&["-i"], "SECONDS")];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Udp {
    pub(super) destination: Destination,
    port: u16,
    count: u32,
    payload_bytes: u16,
    interval: SimDuration,
}

pub(super) fn parse(words: &[Word]) -> Result<Udp, UsageError> {
    let found = arguments("udp", words, &FLAGS)?;
    let (destination, port) = found.host_and_port()?;
    let mut udp = Udp { destination, port, count: 10, payload_bytes: 64, interval: SimDuration::from_millis(100) };
    for given in &found.options {
        match given.name {
            "-n" => udp.count = given.number(1..=100_000)? as u32,
            "-s" => udp.payload_bytes = given.number(4..=65_507)? as u16,
            _ => {
                udp.interval = given.seconds()?;
                if udp.interval < SimDuration::from_micros(1) {
                    return Err(given.refuse("at least 0.000001 seconds"));
                }
            }
        }
    }
    Ok(udp)
}

impl Udp {
    pub(super) fn workload(&self, host: String) -> Workload {
        Workload::UdpFlow(host::UdpFlow {
            host,
            port: self.port,
            count: self.count,
            payload_bytes: self.payload_bytes,
            interval: self.interval,
        })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let (name, port) = (&self.destination.host, self.port);
        match &outcome.result {
            Ok(Reply::UdpFlow(report)) => self.report(report),
            Ok(_) => complaint("udp: unexpected answer\n".to_owned(), 1),
            Err(Failure::Socket { problem: problem @ SocketProblem::NameResolution, .. }) => {
                complaint(format!("udp: {name}: {problem}\n"), 2)
            }
            Err(Failure::Socket { problem, .. }) => complaint(format!("udp: {name} port {port}: {problem}\n"), 1),
            Err(failure) => complaint(format!("udp: {failure}\n"), 1),
        }
    }

    /// Like ping: success if anything came back.
    fn report(&self, report: &UdpFlowReport) -> CommandOutput {
        let UdpFlowReport { peer, sent, echoed, unreachable, round_trips, .. } = report;
        let lost = f64::from(sent.saturating_sub(*echoed)) * 100.0 / f64::from((*sent).max(1));
        let mut text = format!("udp: {peer}, {sent} datagrams of {} bytes\n", self.payload_bytes);
        let _ = write!(text, "udp: {sent} sent, {echoed} echoed, {lost:.1}% lost");
        if *unreachable > 0 {
            let _ = write!(text, ", {unreachable} answered by ICMP: nobody listens there");
        }
        text.push('\n');
        let milliseconds = |span: &SimDuration| span.as_nanos() as f64 / 1e6;
        if let (Some(least), Some(greatest)) = (round_trips.iter().min(), round_trips.iter().max()) {
            let mean = round_trips.iter().map(milliseconds).sum::<f64>() / round_trips.len() as f64;
            let (least, greatest) = (milliseconds(least), milliseconds(greatest));
            let _ = writeln!(text, "udp: round trip min/avg/max {least:.3}/{mean:.3}/{greatest:.3} ms");
        }
        printed(text, String::new(), u8::from(*echoed == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;

    #[test]
    fn options_and_limits() {
        let udp = parse(&crate::awscli::words("db 7 -n 1000 -s 1400 -i 0.001").unwrap()).unwrap();
        assert_eq!(
            (udp.port, udp.count, udp.payload_bytes, udp.interval),
            (7, 1000, 1400, SimDuration::from_millis(1))
        );
        for bad in ["udp db", "udp db 7 -n 0", "udp db 7 -s 3", "udp db 7 -i 0", "udp db 7 -b 1M"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }
}

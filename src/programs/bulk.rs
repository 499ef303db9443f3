//! `bulk`: vpcsim's own program, for what `iperf3 -n` is used for.

use super::grammar::{Flag, arguments, destination, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, BULK_PORT, Failure, Outcome, Reply, SocketProblem, Workload};

/// Bytes of a transfer that does not say how many.
const BYTES_DEFAULT: u64 = 10 << 20;
/// More than this takes longer than anyone waits: 10 GiB.
const BYTES_MAX: u64 = 10 << 30;
const FLAGS: [Flag; 3] =
    [option(&["-n", "--bytes"], "BYTES"), option(&["-p", "--port"], "PORT"), switch(&["-R", "--reverse"])];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bulk {
    pub(super) destination: Destination,
    port: u16,
    bytes: u64,
    reverse: bool,
}

pub(super) fn parse(words: &[Word]) -> Result<Bulk, UsageError> {
    let found = arguments("bulk", words, &FLAGS)?;
    let destination = destination(found.one_operand("host")?)?;
    let mut bulk = Bulk { destination, port: BULK_PORT, bytes: BYTES_DEFAULT, reverse: false };
    for given in &found.options {
        match given.name {
            "-n" => bulk.bytes = given.size(BYTES_MAX)?,
            "-p" => bulk.port = given.number(1..=65_535)? as u16,
            _ => bulk.reverse = true,
        }
    }
    Ok(bulk)
}

impl Bulk {
    pub(super) fn workload(&self, host: String) -> Workload {
        Workload::Bulk(host::Bulk { host, port: self.port, bytes: self.bytes, reverse: self.reverse })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let (name, port) = (&self.destination.host, self.port);
        match &outcome.result {
            Ok(Reply::Bulk(report)) => {
                let seconds = report.span.as_secs_f64();
                let rate = report.bytes as f64 * 8.0 / seconds.max(1e-9);
                let (from, to) = if report.reverse { (report.peer, report.local) } else { (report.local, report.peer) };
                let text = format!(
                    "bulk: {from} -> {to}\nbulk: {} bytes in {seconds:.6} s, goodput {}\n",
                    report.bytes,
                    bits_per_second(rate)
                );
                printed(text, String::new(), 0)
            }
            Ok(_) => complaint("bulk: unexpected answer\n".to_owned(), 1),
            Err(Failure::Socket { problem: problem @ SocketProblem::NameResolution, .. }) => {
                complaint(format!("bulk: {name}: {problem}\n"), 2)
            }
            Err(Failure::Socket { problem, .. }) => complaint(format!("bulk: {name} port {port}: {problem}\n"), 1),
            Err(failure) => complaint(format!("bulk: {failure}\n"), 1),
        }
    }
}

fn bits_per_second(rate: f64) -> String {
    match rate {
        1e9.. => format!("{:.2} Gbit/s", rate / 1e9),
        1e6.. => format!("{:.1} Mbit/s", rate / 1e6),
        _ => format!("{:.1} kbit/s", rate / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;

    #[test]
    fn options_and_limits() {
        let bulk = parse(&crate::awscli::words("db -n 100M -p 5001 -R").unwrap()).unwrap();
        assert_eq!((bulk.bytes, bulk.port, bulk.reverse), (100 << 20, 5001, true));
        for bad in ["bulk", "bulk -n 0 db", "bulk -n 11G db", "bulk -p 0 db", "bulk -P 4 db"] {
            assert!(line(bad).is_err(), "{bad}");
        }
        assert_eq!(bits_per_second(4.87e9), "4.87 Gbit/s");
        assert_eq!(bits_per_second(94_160_000.0), "94.2 Mbit/s");
    }
}

//! `nc`, which on Amazon Linux 2023 is Nmap's ncat (7.93), and its words.

use super::grammar::{Flag, arguments, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::{self, Failure, Outcome, Reply, SocketProblem, Workload};
use crate::time::SimDuration;
use std::fmt::Write;

/// ncat's own limit for a connect.
const TIMEOUT_DEFAULT: SimDuration = SimDuration::from_secs(10);
const FLAGS: [Flag; 6] = [
    switch(&["-z"]),
    switch(&["-v", "--verbose"]),
    switch(&["-u", "--udp"]),
    option(&["-w", "--wait"], "SECONDS"),
    switch(&["-n", "--nodns"]),
    switch(&["-4"]),
];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Nc {
    pub(super) destination: Destination,
    port: u16,
    udp: bool,
    probe_only: bool,
    verbose: bool,
    timeout: SimDuration,
}

pub(super) fn parse(words: &[Word]) -> Result<Nc, UsageError> {
    let found = arguments("nc", words, &FLAGS)?;
    let (destination, port) = found.host_and_port()?;
    let mut nc = Nc { destination, port, udp: false, probe_only: false, verbose: false, timeout: TIMEOUT_DEFAULT };
    for given in &found.options {
        match given.name {
            "-z" => nc.probe_only = true,
            "-v" => nc.verbose = true,
            "-u" => nc.udp = true,
            "-w" => {
                nc.timeout = given.seconds()?;
                if nc.timeout == SimDuration::ZERO {
                    return Err(given.refuse("more than 0 seconds"));
                }
            }
            _ => {}
        }
    }
    Ok(nc)
}

impl Nc {
    pub(super) fn workload(&self, host: String) -> Workload {
        Workload::Connect(host::Connect {
            host,
            port: self.port,
            udp: self.udp,
            probe_only: self.probe_only,
            timeout: self.timeout,
        })
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let name = &self.destination.host;
        let mut words = String::new();
        if self.verbose {
            words.push_str("Ncat: Version 7.93 ( https://nmap.org/ncat )\n");
        }
        match &outcome.result {
            Ok(Reply::Connect(report)) => {
                if self.verbose {
                    let _ = writeln!(words, "Ncat: Connected to {}.", report.peer);
                    if self.udp {
                        words.push_str("Ncat: UDP packet sent successfully\n");
                    }
                    let received = if self.probe_only { 0 } else { report.received.len() };
                    let sent = report.sent_bytes;
                    let seconds = outcome.elapsed().as_secs_f64();
                    let _ =
                        writeln!(words, "Ncat: {sent} bytes sent, {received} bytes received in {seconds:.2} seconds.");
                }
                // -z looks whether somebody is there, and does not read.
                let received = if self.probe_only { &[][..] } else { &report.received };
                printed(String::from_utf8_lossy(received).into_owned(), words, 0)
            }
            Ok(_) => complaint(format!("{words}Ncat: unexpected answer. QUITTING.\n"), 2),
            Err(Failure::Socket { problem: problem @ SocketProblem::NameResolution, .. }) => {
                complaint(format!("{words}Ncat: Could not resolve hostname \"{name}\": {problem}. QUITTING.\n"), 2)
            }
            // ncat's own limit, and the operating system's.
            Err(Failure::Socket { problem: SocketProblem::TimedOut, .. }) => {
                complaint(format!("{words}Ncat: TIMEOUT.\n"), 1)
            }
            Err(failure) => {
                let words_of =
                    failure.socket_problem().map_or_else(|| failure.to_string(), |problem| problem.to_string());
                complaint(format!("{words}Ncat: {words_of}.\n"), 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;

    #[test]
    fn options_and_limits() {
        let nc = parse(&crate::awscli::words("-zvw3 db 22").unwrap()).unwrap();
        assert_eq!((nc.probe_only, nc.verbose, nc.udp, nc.timeout), (true, true, false, SimDuration::from_secs(3)));
        for bad in ["nc", "nc db", "nc db 0", "nc db 22 23", "nc -l 80", "nc -w 0 db 22", "nc db ssh"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }
}

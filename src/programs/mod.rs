//! The programs that hosts run beside `aws`: their command lines in, their workloads out, and the text they print.
//!
//! Purpose: `ping`, `curl`, `dig`, `nc`, `traceroute`, `tracepath` with the words, layout and exit codes people know from Amazon Linux 2023 (iputils,
//! curl 8, BIND 9.18, ncat 7.93, traceroute 2.1), and vpcsim's own `bulk` and `udp`. Each file has one program's grammar and its output.
//! Non-goals: running them (`host`), finding hosts by the scenario's names (`run`), `ssh` (its line is read with the scenario).
//! Invariants: pure; no line panics; an option that is not simulated is refused by name, never ignored.

mod bulk;
mod curl;
mod dig;
mod grammar;
mod nc;
mod ping;
mod tracepath;
mod traceroute;
mod udp;

pub use curl::Curl;

use crate::awscli::{CommandOutput, UsageError, words};
use crate::calendar::Calendar;
use crate::host::tls::TlsVersions;
use crate::host::{Outcome, Workload};
use crate::net::TtlMode;
use crate::scenario::PROGRAM_NAMES;
use std::net::Ipv4Addr;
use std::ops::Range;

/// A command line, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    program: Program,
    /// The host it talks to as written, and where in the line; none for `dig` without a server.
    pub destination: Option<Destination>,
}

/// A host in a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address.
    pub host: String,
    /// Its bytes in the line.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Program {
    Ping(ping::Ping),
    Curl(Box<Curl>),
    Dig(dig::Dig),
    Nc(nc::Nc),
    Bulk(bulk::Bulk),
    Udp(udp::Udp),
    Traceroute(traceroute::Traceroute),
    Tracepath(tracepath::Tracepath),
}

/// Reads a command line.
///
/// # Errors
/// What is wrong, where, and what was probably meant.
pub fn parse(line: &str) -> Result<Invocation, UsageError> {
    let words = words(line)?;
    let Some((name, rest)) = words.split_first() else { return Err(UsageError::syntax("there is no command")) };
    let program = match name.text.as_str() {
        "ping" => Program::Ping(ping::parse(rest)?),
        "curl" => Program::Curl(Box::new(curl::parse(rest)?)),
        "dig" => Program::Dig(dig::parse(rest)?),
        "nc" | "ncat" => Program::Nc(nc::parse(rest)?),
        "bulk" => Program::Bulk(bulk::parse(rest)?),
        "udp" => Program::Udp(udp::parse(rest)?),
        "tracepath" => Program::Tracepath(tracepath::parse(rest)?),
        "traceroute" => Program::Traceroute(traceroute::parse(rest)?),
        other => {
            let error = UsageError::unsupported(format!("\"{other}\" is no command that hosts know"));
            return Err(error.at(&name.range).did_you_mean(other, PROGRAM_NAMES));
        }
    };
    let destination = match &program {
        Program::Ping(ping) => Some(ping.destination.clone()),
        Program::Curl(curl) => Some(curl.destination.clone()),
        Program::Dig(dig) => dig.server.clone(),
        Program::Nc(nc) => Some(nc.destination.clone()),
        Program::Bulk(bulk) => Some(bulk.destination.clone()),
        Program::Udp(udp) => Some(udp.destination.clone()),
        Program::Traceroute(traceroute) => Some(traceroute.destination.clone()),
        Program::Tracepath(tracepath) => Some(tracepath.destination.clone()),
    };
    Ok(Invocation { program, destination })
}

impl Invocation {
    /// What a host is to do. `address` is the destination's, if its name is the scenario's and needs no DNS.
    pub fn workload(&self, address: Option<Ipv4Addr>, tls: TlsVersions) -> Workload {
        let host = |destination: &Destination| match address {
            Some(address) => address.to_string(),
            None => destination.host.clone(),
        };
        match &self.program {
            Program::Ping(ping) => ping.workload(host(&ping.destination)),
            Program::Curl(curl) => curl.workload(address, tls),
            Program::Dig(dig) => dig.workload(dig.server.as_ref().map(host)),
            Program::Nc(nc) => nc.workload(host(&nc.destination)),
            Program::Bulk(bulk) => bulk.workload(host(&bulk.destination)),
            Program::Udp(udp) => udp.workload(host(&udp.destination)),
            Program::Traceroute(traceroute) => traceroute.workload(host(&traceroute.destination)),
            Program::Tracepath(tracepath) => tracepath.workload(host(&tracepath.destination)),
        }
    }

    /// What it prints, and its exit status.
    pub fn output(&self, outcome: &Outcome, calendar: Calendar) -> CommandOutput {
        match &self.program {
            Program::Ping(ping) => ping.output(outcome),
            Program::Curl(curl) => curl.output(outcome),
            Program::Dig(dig) => dig.output(outcome, calendar),
            Program::Nc(nc) => nc.output(outcome),
            Program::Bulk(bulk) => bulk.output(outcome),
            Program::Udp(udp) => udp.output(outcome),
            Program::Traceroute(traceroute) => traceroute.output(outcome),
            Program::Tracepath(tracepath) => tracepath.output(outcome),
        }
    }

    /// What a reader of this output should know about the simulated network.
    pub fn remark(&self, ttl: TtlMode) -> Option<&'static str> {
        match (&self.program, ttl) {
            (Program::Traceroute(_) | Program::Tracepath(_), TtlMode::Aws) => Some(traceroute::REMARK),
            _ => None,
        }
    }
}

/// What a program prints.
fn printed(stdout: String, stderr: String, exit_code: u8) -> CommandOutput {
    CommandOutput { stdout, stderr, exit_code }
}

/// Only a complaint.
fn complaint(stderr: String, exit_code: u8) -> CommandOutput {
    printed(String::new(), stderr, exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_that_scenarios_may_name_is_there() {
        for name in PROGRAM_NAMES {
            let error = parse(name).unwrap_err();
            assert!(error.message.contains("is missing"), "{name}: {error}");
            let error = parse(&format!("{name} --nonsense")).unwrap_err();
            assert!(error.message.contains("has no option --nonsense in vpcsim; it has "), "{name}: {error}");
        }
        assert!(parse("").is_err() && parse("telnet db").is_err() && parse("ping db | grep x").is_err());
    }
}

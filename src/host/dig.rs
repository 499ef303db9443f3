//! One DNS question over UDP, asked the way `dig` asks it: one server, 5 s, three tries, EDNS.
//!
//! Purpose: the message as it came, whatever it says; `programs` reads it. Non-goals: TCP after truncation, several servers, cookies.

use super::context::Context;
use super::interface::{IcmpKey, IcmpMessage, Stack, UdpSocket};
use super::outcome::{Failure, Outcome, Reply, SocketProblem};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::{Ipv4Addr, SocketAddrV4};

const DNS_PORT: u16 = 53;
/// dig's `+timeout` and `+tries`.
const TIMEOUT: SimDuration = SimDuration::from_secs(5);
const TRIES_MAX: usize = 3;
/// The UDP size that recent dig offers (RFC 6891; dnsflagday.net/2020).
const EDNS_BYTES: u16 = 1232;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dig {
    /// Name or address of the server; `None`: the host's resolver.
    pub server: Option<String>,
    /// The name asked for.
    pub name: String,
    /// The record type's number (1: A).
    pub record_type: u16,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsReport {
    /// Who was asked.
    pub server: Ipv4Addr,
    /// How the tries failed, in order, before the answer or altogether.
    pub failures: Vec<SocketProblem>,
    /// The answer.
    pub answer: Option<DnsAnswer>,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The message.
    pub message: Vec<u8>,
    /// From the question to the answer.
    pub round_trip: SimDuration,
    /// When it came.
    pub at: SimTime,
}

/// A `dig` under way.
pub(super) struct DigProcess {
    dig: Dig,
    target: Target,
    open: Option<Open>,
    failures: Vec<SocketProblem>,
    record: Outcome,
}

struct Open {
    socket: UdpSocket,
    server: Ipv4Addr,
    id: u16,
    asked_at: SimTime,
}

impl DigProcess {
    pub(super) fn new(now: SimTime, dig: Dig) -> Self {
        // A host without resolver asks 0.0.0.0, which nobody is: the target refuses it.
        let target = Target::new(now, dig.server.as_deref().unwrap_or("0.0.0.0"));
        DigProcess { dig, target, open: None, failures: Vec::new(), record: Outcome::starting(now) }
    }

    fn ask(&mut self, cx: &mut Context<'_>, server: Ipv4Addr) -> Result<(), Failure> {
        let id = cx.stream.next_u32() as u16;
        let socket = cx.stack.open_udp(cx.stream).ok_or_else(|| self.target.failure(SocketProblem::NoFreePort))?;
        cx.stack.listen_for(IcmpKey::Udp(socket.port));
        cx.stack.send_udp(&socket, SocketAddrV4::new(server, DNS_PORT), &question(id, &self.dig));
        self.record.resolved = Some(server);
        self.open = Some(Open { socket, server, id, asked_at: cx.now });
        Ok(())
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        if let Some(open) = self.open.take() {
            cx.stack.ignore(IcmpKey::Udp(open.socket.port));
            cx.stack.close_udp(open.socket);
        }
    }

    /// What one try came to, if it is over.
    fn hear(open: &Open, cx: &mut Context<'_>) -> Option<Result<DnsAnswer, SocketProblem>> {
        while let Some((message, from)) = cx.stack.receive_udp(&open.socket) {
            let ours = message.get(..2) == Some(&open.id.to_be_bytes()[..]) && message.len() >= 12;
            if from == SocketAddrV4::new(open.server, DNS_PORT) && ours {
                return Some(Ok(DnsAnswer { message, round_trip: cx.now.since(open.asked_at), at: cx.now }));
            }
        }
        while let Some(heard) = cx.stack.take_icmp(IcmpKey::Udp(open.socket.port)) {
            if let IcmpMessage::Error { kind: 3, .. } = heard.message {
                return Some(Err(SocketProblem::Refused));
            }
        }
        (cx.now >= open.asked_at + TIMEOUT).then_some(Err(SocketProblem::TimedOut))
    }
}

impl Program for DigProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let mut moved = false;
        loop {
            let Some(open) = &self.open else {
                if self.dig.server.is_none()
                    && let Some(resolver) = cx.stack.resolver()
                {
                    self.record.attempts = 1;
                    if let Err(failure) = self.ask(cx, resolver) {
                        return Step::over(Err(failure));
                    }
                    continue;
                }
                match self.target.poll(cx, &mut self.record) {
                    None => return Step::waiting(moved),
                    Some(Err(failure)) => return Step::over(Err(failure)),
                    Some(Ok(server)) => match self.ask(cx, server) {
                        Ok(()) => continue,
                        Err(failure) => return Step::over(Err(failure)),
                    },
                }
            };
            let server = open.server;
            let Some(came) = Self::hear(open, cx) else { return Step::waiting(moved) };
            moved = true;
            self.close(cx);
            let answer = match came {
                Err(problem) => {
                    self.failures.push(problem);
                    if self.failures.len() < TRIES_MAX {
                        self.record.attempts += 1;
                        if let Err(failure) = self.ask(cx, server) {
                            return Step::over(Err(failure));
                        }
                        continue;
                    }
                    None
                }
                Ok(answer) => Some(answer),
            };
            self.record.request_round_trip = answer.as_ref().map(|answer| answer.round_trip);
            return Step::over(Ok(Reply::Dns(DnsReport { server, failures: self.failures.clone(), answer })));
        }
    }

    fn deadline(&self, _stack: &Stack) -> Option<SimTime> {
        match &self.open {
            None => self.target.deadline(),
            Some(open) => Some(open.asked_at + TIMEOUT),
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

/// The message (RFC 1035 section 4.1, RFC 6891 section 6.1.2). The name was checked when the command was read.
fn question(id: u16, dig: &Dig) -> Vec<u8> {
    // Recursion desired, authentic data (RFC 6840 section 5.7): what dig sets. One question, one additional record.
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in dig.name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        message.push(label.len() as u8);
        message.extend_from_slice(label);
    }
    message.push(0);
    message.extend(dig.record_type.to_be_bytes());
    message.extend([0, 1]);
    message.extend([0, 0, 41]);
    message.extend(EDNS_BYTES.to_be_bytes());
    message.extend([0, 0, 0, 0, 0, 0]);
    message
}

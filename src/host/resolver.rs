//! A stub resolver: what glibc's `getaddrinfo` does with a name and one name server (RFC 1035, resolv.conf(5)).
//!
//! Purpose: A and AAAA queries from one UDP socket, 5 s timeout, 2 tries, no cache. Non-goals: search domains (names asked
//! here are fully qualified), several name servers, TCP after truncation, IPv6 addresses (an AAAA answer is awaited, as
//! glibc does, and not used).
//! Invariant: the socket is closed when the lookup ends, whatever way it ends.

use super::context::Context;
use super::interface::UdpSocket;
use crate::time::{SimDuration, SimTime};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use std::net::{Ipv4Addr, SocketAddrV4};

/// resolv.conf(5) `timeout` and `attempts`: glibc's defaults.
const TIMEOUT: SimDuration = SimDuration::from_secs(5);
const TRIES_MAX: u32 = 2;

/// A name being looked up.
#[derive(Debug)]
pub(super) struct Lookup {
    name: String,
    resolver: SocketAddrV4,
    socket: Option<UdpSocket>,
    /// A, then AAAA.
    queries: [Query; 2],
    tries: u32,
    deadline: SimTime,
}

#[derive(Debug)]
struct Query {
    id: u16,
    kind: TYPE,
    answer: Option<Vec<Ipv4Addr>>,
}

/// How far a lookup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Answers are outstanding.
    Waiting,
    /// At least one address.
    Found(Vec<Ipv4Addr>),
    /// No such name, no address, no answer, or nobody to ask.
    Failed,
}

impl Lookup {
    /// Asks for `name`. An address in dotted notation is its own answer and costs nothing.
    pub(super) fn start(cx: &mut Context<'_>, name: &str) -> Result<Lookup, Progress> {
        if let Ok(address) = name.parse() {
            return Err(Progress::Found(vec![address]));
        }
        let resolver = cx.stack.resolver().ok_or(Progress::Failed)?;
        Name::new(name).map_err(|_| Progress::Failed)?;
        let socket = cx.stack.open_udp(cx.stream).ok_or(Progress::Failed)?;
        let mut query = |kind| Query { id: cx.stream.next_u32() as u16, kind, answer: None };
        let mut lookup = Lookup {
            name: name.to_owned(),
            resolver: SocketAddrV4::new(resolver, 53),
            socket: Some(socket),
            queries: [query(TYPE::A), query(TYPE::AAAA)],
            tries: 0,
            deadline: cx.now,
        };
        if lookup.queries[0].id == lookup.queries[1].id {
            lookup.queries[1].id ^= 1;
        }
        lookup.ask(cx);
        Ok(lookup)
    }

    /// Reads answers and repeats questions.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Progress {
        while let Some((payload, from)) = self.socket.as_ref().and_then(|socket| cx.stack.receive_udp(socket)) {
            if from == self.resolver {
                self.read(&payload);
            }
        }
        match (&self.queries[0].answer, &self.queries[1].answer) {
            (Some(addresses), Some(_)) => {
                let progress = match addresses.is_empty() {
                    true => Progress::Failed,
                    false => Progress::Found(addresses.clone()),
                };
                self.abandon(cx);
                return progress;
            }
            _ if cx.now < self.deadline => return Progress::Waiting,
            _ if self.tries < TRIES_MAX => {
                self.ask(cx);
                return Progress::Waiting;
            }
            _ => {}
        }
        // Out of tries. One answer of the two is enough for glibc.
        let progress = match self.queries[0].answer.take() {
            Some(addresses) if !addresses.is_empty() => Progress::Found(addresses),
            _ => Progress::Failed,
        };
        self.abandon(cx);
        progress
    }

    /// When [`Lookup::poll`] must be called without a datagram having come.
    pub(super) fn deadline(&self) -> SimTime {
        self.deadline
    }

    /// Ends the lookup.
    pub(super) fn abandon(&mut self, cx: &mut Context<'_>) {
        if let Some(socket) = self.socket.take() {
            cx.stack.close_udp(socket);
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) {
        self.tries += 1;
        self.deadline = cx.now + TIMEOUT;
        let Some(socket) = &self.socket else { return };
        for query in self.queries.iter().filter(|query| query.answer.is_none()) {
            if let Some(message) = message(query.id, &self.name, query.kind) {
                // A full send buffer loses the datagram, as a full queue would; the next try repeats it.
                cx.stack.send_udp(socket, self.resolver, &message);
            }
        }
    }

    /// Takes a response to one of the open questions; anything else is ignored (RFC 5452 section 9).
    fn read(&mut self, payload: &[u8]) {
        let Ok(packet) = Packet::parse(payload) else { return };
        if !packet.has_flags(PacketFlag::RESPONSE) {
            return;
        }
        let Some(query) = self.queries.iter_mut().find(|query| query.id == packet.id()) else { return };
        let about_us = packet.questions.first().is_some_and(|question| {
            question.qtype == QTYPE::TYPE(query.kind) && question.qname.to_string().eq_ignore_ascii_case(&self.name)
        });
        if !about_us {
            return;
        }
        let addresses = match packet.rcode() {
            // CNAMEs need no following: a recursive resolver puts the addresses into the same answer.
            RCODE::NoError => packet.answers.iter().filter_map(|record| match &record.rdata {
                RData::A(a) => Some(Ipv4Addr::from(a.address)),
                _ => None,
            }),
            _ => {
                query.answer = Some(Vec::new());
                return;
            }
        };
        query.answer = Some(addresses.collect());
    }
}

fn message(id: u16, name: &str, kind: TYPE) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).ok()?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

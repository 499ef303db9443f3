//! ICMP echo (RFC 792) as iputils' `ping` paces it.
//!
//! Purpose: requests at an interval, replies matched by identifier and sequence number, the wait at the end. Non-goals: broadcast, record
//! route, flooding, fragmentation (a request that would need it is an error of this host).
//! Invariant: no request is counted twice: a second reply to one sequence number is a duplicate.

use super::context::Context;
use super::interface::{EchoSocket, IcmpKey, IcmpMessage, Stack, echo_request};
use super::outcome::{Outcome, Reply};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::Ipv4Addr;

/// Bytes of the IPv4 and ICMP headers before the payload.
const HEADER_BYTES: usize = 28;
/// The TTL of Linux.
const TIME_TO_LIVE: u8 = 64;

/// Echo requests to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Name or address.
    pub host: String,
    /// How many.
    pub count: u32,
    /// Bytes after the ICMP header, 56.
    pub payload_bytes: u16,
    /// Whether routers may not fragment the requests.
    pub dont_fragment: bool,
    /// From one request to the next, 1 s.
    pub interval: SimDuration,
    /// How long to wait at the end if nothing has come, 10 s. Otherwise two round trips, but no less than the interval.
    pub wait: SimDuration,
}

/// What became of echo requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingReport {
    /// Who was asked.
    pub address: Ipv4Addr,
    /// Requests handed to the network, or tried to.
    pub transmitted: u32,
    /// What happened, in order.
    pub events: Vec<PingEvent>,
    /// From the first request to the last thing that happened.
    pub span: SimDuration,
}

/// Something that happened to an echo request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PingEvent {
    /// A reply.
    Reply {
        /// Which request it answers, from 1.
        sequence: u16,
        /// Who answered.
        from: Ipv4Addr,
        /// The TTL the reply arrived with.
        time_to_live: u8,
        /// Length of the ICMP message.
        bytes: usize,
        /// From request to reply.
        round_trip: SimDuration,
        /// Whether that request was answered before.
        duplicate: bool,
    },
    /// An ICMP error about a request.
    Error {
        /// Which request.
        sequence: u16,
        /// Who complains.
        from: Ipv4Addr,
        /// ICMP type.
        kind: u8,
        /// ICMP code.
        code: u8,
        /// MTU of the next hop, if the code is 4.
        mtu_bytes: u16,
    },
    /// The request is longer than this host's MTU: it was not sent.
    TooLong {
        /// Which request.
        sequence: u16,
        /// The MTU.
        mtu_bytes: usize,
    },
}

impl PingReport {
    /// Round trips of the replies that are no duplicates, in order.
    pub fn round_trips(&self) -> Vec<SimDuration> {
        let replies = self.events.iter().filter_map(|event| match event {
            PingEvent::Reply { round_trip, duplicate: false, .. } => Some(*round_trip),
            _ => None,
        });
        replies.collect()
    }
}

/// A `ping` under way.
pub(super) struct PingProcess {
    ping: Ping,
    target: Target,
    open: Option<Open>,
    report: PingReport,
    record: Outcome,
}

/// What is there once the address is known.
struct Open {
    socket: EchoSocket,
    identifier: u16,
    /// When each request was sent, by sequence number from 1.
    sent: Vec<(SimTime, bool)>,
    next_at: SimTime,
    last_event_at: SimTime,
}

impl PingProcess {
    pub(super) fn new(now: SimTime, ping: Ping) -> Self {
        let target = Target::new(now, &ping.host);
        let report =
            PingReport { address: Ipv4Addr::UNSPECIFIED, transmitted: 0, events: Vec::new(), span: SimDuration::ZERO };
        PingProcess { ping, target, open: None, report, record: Outcome::starting(now) }
    }

    fn begin(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) {
        let identifier = cx.stack.listen_for_echo(cx.stream);
        cx.stack.allow_fragments(identifier, !self.ping.dont_fragment);
        let socket = cx.stack.open_echo(identifier, TIME_TO_LIVE);
        self.report.address = address;
        self.open = Some(Open { socket, identifier, sent: Vec::new(), next_at: cx.now, last_event_at: cx.now });
    }

    /// Takes in what has come.
    fn hear(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(open) = &mut self.open else { return false };
        let mut moved = false;
        while let Some(heard) = cx.stack.take_icmp(IcmpKey::Echo(open.identifier)) {
            moved = true;
            let sequence = match heard.message {
                IcmpMessage::EchoReply { sequence } | IcmpMessage::Error { about: sequence, .. } => sequence,
            };
            let Some((sent_at, answered)) = open.sent.get_mut(usize::from(sequence).wrapping_sub(1)) else { continue };
            open.last_event_at = heard.at;
            self.report.events.push(match heard.message {
                IcmpMessage::EchoReply { .. } => PingEvent::Reply {
                    sequence,
                    from: heard.from,
                    time_to_live: heard.time_to_live,
                    bytes: heard.bytes,
                    round_trip: heard.at.since(*sent_at),
                    duplicate: std::mem::replace(answered, true),
                },
                IcmpMessage::Error { kind, code, mtu_bytes, .. } => {
                    PingEvent::Error { sequence, from: heard.from, kind, code, mtu_bytes }
                }
            });
        }
        moved
    }

    /// Sends what is due.
    fn ask(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(open) = &mut self.open else { return false };
        if self.report.transmitted >= self.ping.count || cx.now < open.next_at {
            return false;
        }
        self.report.transmitted += 1;
        let sequence = self.report.transmitted as u16;
        open.sent.push((cx.now, false));
        open.next_at = cx.now + self.ping.interval;
        open.last_event_at = cx.now;
        let mtu_bytes = cx.stack.mtu_bytes();
        if usize::from(self.ping.payload_bytes) + HEADER_BYTES > mtu_bytes {
            self.report.events.push(PingEvent::TooLong { sequence, mtu_bytes });
        } else {
            let payload = payload(cx, usize::from(self.ping.payload_bytes));
            let request = echo_request(open.identifier, sequence, &payload);
            // A full send buffer loses the request, as a full queue would.
            cx.stack.send_echo(&open.socket, self.report.address, &request);
        }
        true
    }

    /// When the program ends if nothing more comes; `None` while there is something to send.
    fn ends_at(&self) -> Option<SimTime> {
        let open = self.open.as_ref()?;
        if self.report.transmitted < self.ping.count {
            return None;
        }
        let last_sent = open.sent.last().map_or(self.record.started, |(at, _)| *at);
        let longest = self.report.round_trips().into_iter().max();
        Some(match longest {
            Some(longest) => last_sent + (longest + longest).max(self.ping.interval),
            // What never left is not waited for.
            None if self.report.events.iter().any(|event| matches!(event, PingEvent::TooLong { .. })) => last_sent,
            None => last_sent + self.ping.wait,
        })
    }

    fn is_over(&self, now: SimTime) -> bool {
        let Some(open) = &self.open else { return false };
        let all_sent = self.report.transmitted >= self.ping.count;
        let all_answered = open.sent.iter().all(|(_, answered)| *answered);
        all_sent && (all_answered || self.ends_at().is_some_and(|at| now >= at))
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Reply {
        if let Some(open) = self.open.take() {
            cx.stack.close_echo(open.socket);
            cx.stack.ignore(IcmpKey::Echo(open.identifier));
            cx.stack.allow_fragments(open.identifier, false);
            let first = open.sent.first().map_or(open.last_event_at, |(at, _)| *at);
            self.report.span = open.last_event_at.since(first);
        }
        Reply::Ping(self.report.clone())
    }
}

impl Program for PingProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if self.open.is_none() {
            match self.target.poll(cx, &mut self.record) {
                None => return Step::waiting(false),
                Some(Err(failure)) => return Step::over(Err(failure)),
                Some(Ok(address)) => self.begin(cx, address),
            }
        }
        let moved = self.hear(cx) | self.ask(cx);
        if self.is_over(cx.now) {
            return Step::over(Ok(self.finish(cx)));
        }
        Step::waiting(moved)
    }

    fn deadline(&self, _stack: &Stack) -> Option<SimTime> {
        match &self.open {
            None => self.target.deadline(),
            Some(open) => self.ends_at().or(Some(open.next_at)),
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

/// The payload iputils sends: the time, if there is room, then bytes that count up.
fn payload(cx: &Context<'_>, length: usize) -> Vec<u8> {
    let mut payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
    if let Some(time) = payload.get_mut(..16) {
        let unix_nanos = cx.calendar.unix_nanos(cx.now);
        time[..8].copy_from_slice(&(unix_nanos / 1_000_000_000).to_le_bytes());
        time[8..].copy_from_slice(&(unix_nanos % 1_000_000_000 / 1_000).to_le_bytes());
    }
    payload
}

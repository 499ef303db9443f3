//! ICMP echo (RFC 792) as iputils' `ping` paces it.
//!
//! Purpose: requests at an interval, replies matched by identifier and sequence number, the wait at the end. Non-goals: broadcast, record
//! route, flooding.
//! Invariant: no request is counted twice: a second reply to one sequence number is a duplicate.

use super::context::Context;
use super::interface::{EchoSocket, IcmpKey, IcmpMessage, Stack, TooLong, echo_request};
use super::outcome::{Outcome, Reply};
use super::path_mtu::{FRAGMENTATION_NEEDED, PathMtuDiscovery};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::Ipv4Addr;

/// Bytes of the IPv4 and ICMP headers before the payload.
const HEADER_BYTES: usize = 28;
/// Of these, the ICMP header.
const ECHO_HEADER_BYTES: usize = 8;
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
    /// What is done with requests that exceed an MTU.
    pub discovery: PathMtuDiscovery,
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
    /// The request is longer than the known path MTU, and may not be fragmented: it was not sent.
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

    /// How many errors there were, of this host's and of others'.
    pub fn errors(&self) -> usize {
        self.events.iter().filter(|event| !matches!(event, PingEvent::Reply { .. })).count()
    }

    /// The least MTU that an error told of: how long an IPv4 packet may be. 0 from a router that tells none.
    pub fn least_mtu_bytes(&self) -> Option<usize> {
        let told = self.events.iter().filter_map(|event| match event {
            PingEvent::Error { kind: 3, code: FRAGMENTATION_NEEDED, mtu_bytes, .. } => Some(usize::from(*mtu_bytes)),
            PingEvent::TooLong { mtu_bytes, .. } => Some(*mtu_bytes),
            _ => None,
        });
        told.min()
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
        cx.stack.set_discovery(IcmpKey::Echo(identifier), self.ping.discovery);
        let request_bytes = usize::from(self.ping.payload_bytes) + ECHO_HEADER_BYTES;
        let socket = cx.stack.open_echo(identifier, TIME_TO_LIVE, request_bytes);
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
        let (payload_bytes, key) = (usize::from(self.ping.payload_bytes), IcmpKey::Echo(open.identifier));
        match cx.stack.fits(cx.now, key, self.report.address, payload_bytes + HEADER_BYTES) {
            Err(TooLong { mtu_bytes }) => self.report.events.push(PingEvent::TooLong { sequence, mtu_bytes }),
            Ok(()) => {
                let payload = payload(cx, payload_bytes);
                let request = echo_request(open.identifier, sequence, &payload);
                // A full send buffer loses the request, as a full queue would.
                cx.stack.send_echo(&open.socket, self.report.address, &request);
            }
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
            None => last_sent + self.ping.wait,
        })
    }

    fn is_over(&self, now: SimTime) -> bool {
        let Some(open) = &self.open else { return false };
        let all_sent = self.report.transmitted >= self.ping.count;
        // iputils counts an error as an end of its request, and waits for no more.
        let answers = open.sent.iter().filter(|(_, answered)| *answered).count() + self.report.errors();
        all_sent && (answers >= open.sent.len() || self.ends_at().is_some_and(|at| now >= at))
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Reply {
        if let Some(open) = self.open.take() {
            cx.stack.close_echo(open.socket);
            cx.stack.ignore(IcmpKey::Echo(open.identifier));
            cx.stack.set_discovery(IcmpKey::Echo(open.identifier), PathMtuDiscovery::default());
            let first = open.sent.first().map_or(open.last_event_at, |(at, _)| *at);
            self.report.span = open.last_event_at.since(first);
        }
        Reply::Ping(self.report.clone())
    }
}

impl Program for PingProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if self.open.is_none() {
            match self.target.seek(cx, &mut self.record) {
                Ok(address) => self.begin(cx, address),
                Err(step) => return step,
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

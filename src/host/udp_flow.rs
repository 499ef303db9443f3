//! A flow of UDP datagrams to an echo server: how many come back, and how soon.
//!
//! Purpose: loss and round trips of UDP, which TCP hides. Every datagram begins with its number, so that echoes are told apart.
//! Non-goals: rates beyond one datagram per interval, reordering statistics.

use super::context::Context;
use super::interface::{IcmpKey, Stack, UdpSocket};
use super::outcome::{Outcome, Reply, SocketProblem};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

/// How long the last echoes are waited for.
const WAIT: SimDuration = SimDuration::from_secs(2);
/// The number at the beginning of every datagram.
const NUMBER_BYTES: usize = 4;

/// A flow to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpFlow {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How many datagrams.
    pub count: u32,
    /// Bytes of each, at least 4.
    pub payload_bytes: u16,
    /// From one to the next.
    pub interval: SimDuration,
}

/// What became of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpFlowReport {
    /// The other end.
    pub peer: SocketAddrV4,
    /// Datagrams sent.
    pub sent: u32,
    /// Echoes that came, duplicates not counted.
    pub echoed: u32,
    /// Datagrams answered by "port unreachable" or another ICMP error.
    pub unreachable: u32,
    /// Round trips, in the order of the echoes.
    pub round_trips: Vec<SimDuration>,
    /// From the first datagram to the last echo.
    pub span: SimDuration,
}

/// A flow under way.
pub(super) struct UdpFlowProcess {
    flow: UdpFlow,
    target: Target,
    open: Option<Open>,
    record: Outcome,
}

struct Open {
    socket: UdpSocket,
    /// When each datagram was sent, and whether it came back.
    sent: Vec<(SimTime, bool)>,
    next_at: SimTime,
    last_event_at: SimTime,
    report: UdpFlowReport,
}

impl UdpFlowProcess {
    pub(super) fn new(now: SimTime, flow: UdpFlow) -> Self {
        let target = Target::new(now, &flow.host);
        UdpFlowProcess { flow, target, open: None, record: Outcome::starting(now) }
    }

    fn begin(&mut self, cx: &mut Context<'_>, peer: SocketAddrV4) -> Result<(), SocketProblem> {
        let payload_bytes = usize::from(self.flow.payload_bytes);
        let socket = cx.stack.open_udp_for(cx.stream, payload_bytes).ok_or(SocketProblem::NoFreePort)?;
        cx.stack.listen_for(IcmpKey::Udp(socket.port));
        self.record.peer = Some(peer);
        let report = UdpFlowReport {
            peer,
            sent: 0,
            echoed: 0,
            unreachable: 0,
            round_trips: Vec::new(),
            span: SimDuration::ZERO,
        };
        self.open = Some(Open { socket, sent: Vec::new(), next_at: cx.now, last_event_at: cx.now, report });
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Option<UdpFlowReport> {
        let mut open = self.open.take()?;
        cx.stack.ignore(IcmpKey::Udp(open.socket.port));
        cx.stack.close_udp(open.socket);
        let first = open.sent.first().map_or(open.last_event_at, |(at, _)| *at);
        open.report.span = open.last_event_at.since(first);
        Some(open.report)
    }
}

impl Open {
    fn hear(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Some((payload, from)) = cx.stack.receive_udp(&self.socket) {
            let number = payload.first_chunk::<NUMBER_BYTES>().map(|bytes| u32::from_be_bytes(*bytes));
            let sent = number.and_then(|number| self.sent.get_mut(usize::try_from(number).ok()?));
            if let Some((sent_at, echoed)) = sent
                && from == self.report.peer
                && !std::mem::replace(echoed, true)
            {
                self.report.echoed += 1;
                self.report.round_trips.push(cx.now.since(*sent_at));
                self.last_event_at = cx.now;
            }
            moved = true;
        }
        while let Some(heard) = cx.stack.take_icmp(IcmpKey::Udp(self.socket.port)) {
            // A datagram too long for the road is lost as in a full queue: the next ones are cut.
            if heard.message.is_final() {
                self.report.unreachable += 1;
                self.last_event_at = cx.now;
            }
            moved = true;
        }
        moved
    }

    fn send(&mut self, cx: &mut Context<'_>, flow: &UdpFlow) -> bool {
        if self.report.sent >= flow.count || cx.now < self.next_at {
            return false;
        }
        let mut payload = vec![b'v'; usize::from(flow.payload_bytes).max(NUMBER_BYTES)];
        payload[..NUMBER_BYTES].copy_from_slice(&self.report.sent.to_be_bytes());
        cx.stack.send_udp(&self.socket, self.report.peer, &payload);
        self.report.sent += 1;
        self.sent.push((cx.now, false));
        self.next_at = cx.now + flow.interval;
        self.last_event_at = cx.now;
        true
    }

    fn ends_at(&self, flow: &UdpFlow) -> Option<SimTime> {
        let (last_sent, _) = self.sent.last()?;
        (self.report.sent >= flow.count).then_some(*last_sent + WAIT)
    }

    fn is_over(&self, flow: &UdpFlow, now: SimTime) -> bool {
        let settled = self.report.echoed + self.report.unreachable >= flow.count;
        self.report.sent >= flow.count && (settled || self.ends_at(flow).is_some_and(|at| now >= at))
    }
}

impl Program for UdpFlowProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if self.open.is_none() {
            let address = match self.target.seek(cx, &mut self.record) {
                Ok(address) => address,
                Err(step) => return step,
            };
            if let Err(problem) = self.begin(cx, SocketAddrV4::new(address, self.flow.port)) {
                return Step::over(Err(self.target.failure(problem)));
            }
        }
        let Some(open) = &mut self.open else { return Step::waiting(false) };
        let moved = open.hear(cx) | open.send(cx, &self.flow);
        if open.is_over(&self.flow, cx.now)
            && let Some(report) = self.finish(cx)
        {
            return Step::over(Ok(Reply::UdpFlow(report)));
        }
        Step::waiting(moved)
    }

    fn deadline(&self, _stack: &Stack) -> Option<SimTime> {
        match &self.open {
            None => self.target.deadline(),
            Some(open) => open.ends_at(&self.flow).or(Some(open.next_at)),
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

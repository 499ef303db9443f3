//! Probes with growing TTL: who answers at which distance.
//!
//! Purpose: the probes that Linux's `traceroute` sends (UDP from port 33434 upwards, echo requests, SYNs), 16 at a time, and what came back.
//! Non-goals: path MTU, AS numbers, load-balancer detection. Invariant: every probe has a socket of its own, closed when it is settled.

use super::context::Context;
use super::interface::{
    EchoSocket, IcmpHeard, IcmpKey, IcmpMessage, Stack, TcpSocket, TcpState, TcpUse, UdpSocket, echo_request,
};
use super::outcome::{Outcome, Reply, SocketProblem};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Linux's traceroute: first UDP port, probes under way at once, wait per probe, TCP port, payload of a 60-byte packet.
const FIRST_UDP_PORT: u16 = 33_434;
const UNDER_WAY_MAX: usize = 16;
const WAIT: SimDuration = SimDuration::from_secs(5);
const TCP_PORT: u16 = 80;
const PAYLOAD: [u8; 32] = *b"@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_";

/// How to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Datagrams to ports nobody listens at.
    Udp,
    /// Echo requests.
    Icmp,
    /// SYNs to port 80.
    Tcp,
}

/// A path to trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceroute {
    /// Name or address.
    pub host: String,
    /// What the probes are.
    pub kind: ProbeKind,
    /// The greatest TTL, 30.
    pub hops_max: u8,
    /// Probes per TTL, 3.
    pub probes_per_hop: u8,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracerouteReport {
    /// Where the probes went.
    pub address: Ipv4Addr,
    /// By TTL from 1, each probe's answer; the last row is the destination's if it answered.
    pub hops: Vec<Vec<Option<HopAnswer>>>,
    /// Whether the destination answered.
    pub reached: bool,
}

/// An answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HopAnswer {
    /// Who answered.
    pub from: Ipv4Addr,
    /// How long it took.
    pub round_trip: SimDuration,
    /// What `traceroute` puts behind the time: `!H`, `!N`, `!X`.
    pub mark: &'static str,
}

/// A trace under way.
pub(super) struct TracerouteProcess {
    traceroute: Traceroute,
    target: Target,
    open: Option<Open>,
    record: Outcome,
}

struct Open {
    address: Ipv4Addr,
    echo_identifier: Option<u16>,
    /// By number: probe n has TTL n / probes_per_hop + 1.
    probes: Vec<Probe>,
    /// The least TTL at which the destination answered.
    reached_at: Option<usize>,
}

struct Probe {
    socket: Option<ProbeSocket>,
    sent_at: SimTime,
    answer: Option<HopAnswer>,
}

enum ProbeSocket {
    Udp(UdpSocket),
    Icmp(EchoSocket),
    Tcp(TcpSocket),
}

impl TracerouteProcess {
    pub(super) fn new(now: SimTime, traceroute: Traceroute) -> Self {
        let target = Target::new(now, &traceroute.host);
        TracerouteProcess { traceroute, target, open: None, record: Outcome::starting(now) }
    }

    fn per_hop(&self) -> usize {
        usize::from(self.traceroute.probes_per_hop.max(1))
    }

    /// Sends probes as long as some may be under way.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<bool, SocketProblem> {
        let (per_hop, kind) = (self.per_hop(), self.traceroute.kind);
        let all = per_hop * usize::from(self.traceroute.hops_max);
        let Some(open) = &mut self.open else { return Ok(false) };
        let mut moved = false;
        while open.probes.len() < all
            && open.reached_at.is_none_or(|hop| open.probes.len() / per_hop <= hop)
            && open.probes.iter().filter(|probe| probe.socket.is_some()).count() < UNDER_WAY_MAX
        {
            let number = open.probes.len();
            // Both fit: at most 255 hops of 10 probes.
            let (time_to_live, number) = ((number / per_hop + 1) as u8, number as u16);
            let socket = match kind {
                ProbeKind::Udp => {
                    let socket = cx.stack.open_udp(cx.stream).ok_or(SocketProblem::NoFreePort)?;
                    cx.stack.limit_udp(&socket, time_to_live);
                    cx.stack.listen_for(IcmpKey::Udp(socket.port));
                    let to = SocketAddrV4::new(open.address, FIRST_UDP_PORT + number);
                    cx.stack.send_udp(&socket, to, &PAYLOAD);
                    ProbeSocket::Udp(socket)
                }
                ProbeKind::Icmp => {
                    let identifier = *open.echo_identifier.get_or_insert_with(|| cx.stack.listen_for_echo(cx.stream));
                    let socket = cx.stack.open_echo(identifier, time_to_live, 2 * PAYLOAD.len());
                    cx.stack.send_echo(&socket, open.address, &echo_request(identifier, number + 1, &PAYLOAD));
                    ProbeSocket::Icmp(socket)
                }
                ProbeKind::Tcp => {
                    let peer = SocketAddrV4::new(open.address, TCP_PORT);
                    let socket = cx
                        .stack
                        .connect_for(cx.stream, peer, TcpUse::Exchange, Some(time_to_live))
                        .map_err(|_| SocketProblem::NoFreePort)?;
                    cx.stack.listen_for(IcmpKey::Tcp(socket.local.port()));
                    ProbeSocket::Tcp(socket)
                }
            };
            open.probes.push(Probe { socket: Some(socket), sent_at: cx.now, answer: None });
            moved = true;
        }
        Ok(moved)
    }

    fn hear(&mut self, cx: &mut Context<'_>) -> bool {
        let per_hop = self.per_hop();
        let Some(open) = &mut self.open else { return false };
        let mut moved = false;
        if let Some(identifier) = open.echo_identifier {
            while let Some(heard) = cx.stack.take_icmp(IcmpKey::Echo(identifier)) {
                let number = match heard.message {
                    IcmpMessage::EchoReply { sequence } | IcmpMessage::Error { about: sequence, .. } => sequence,
                };
                if let Some(probe) = open.probes.get_mut(usize::from(number).wrapping_sub(1)) {
                    probe.answered(&heard);
                }
            }
        }
        for probe in &mut open.probes {
            moved |= probe.poll(cx, open.address);
        }
        let (address, kind) = (open.address, self.traceroute.kind);
        let is_end =
            |answer: &HopAnswer| answer.from == address || (kind != ProbeKind::Icmp && !answer.mark.is_empty());
        let reached = open.probes.iter().position(|probe| probe.answer.as_ref().is_some_and(is_end));
        open.reached_at = reached.map(|number| number / per_hop);
        moved
    }

    fn is_over(&self) -> bool {
        let Some(open) = &self.open else { return false };
        let wanted = match open.reached_at {
            Some(hop) => (hop + 1) * self.per_hop(),
            None => self.per_hop() * usize::from(self.traceroute.hops_max),
        };
        open.probes.len() >= wanted && open.probes[..wanted].iter().all(|probe| probe.socket.is_none())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Option<TracerouteReport> {
        let per_hop = self.per_hop();
        let mut open = self.open.take()?;
        for probe in &mut open.probes {
            probe.close(cx);
        }
        if let Some(identifier) = open.echo_identifier {
            cx.stack.ignore(IcmpKey::Echo(identifier));
        }
        let hops = open.reached_at.map_or(usize::from(self.traceroute.hops_max), |hop| hop + 1);
        let rows = open.probes.chunks(per_hop).take(hops);
        Some(TracerouteReport {
            address: open.address,
            hops: rows.map(|row| row.iter().map(|probe| probe.answer).collect()).collect(),
            reached: open.reached_at.is_some(),
        })
    }
}

impl Probe {
    /// Looks for its answer, and settles it when it has come or is out of time.
    fn poll(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) -> bool {
        let heard = match &self.socket {
            None => return false,
            Some(ProbeSocket::Udp(socket)) => {
                if let Some((_, from)) = cx.stack.receive_udp(socket) {
                    self.answer = Some(self.at(cx.now, *from.ip(), ""));
                }
                cx.stack.take_icmp(IcmpKey::Udp(socket.port))
            }
            Some(ProbeSocket::Icmp(_)) => None,
            Some(ProbeSocket::Tcp(socket)) => {
                // One SYN a probe: the next one has another TTL.
                if cx.stack.first_syn_at(socket).is_some() {
                    cx.stack.mute_syn(socket);
                }
                if cx.stack.state(socket) != TcpState::Connecting {
                    self.answer = Some(self.at(cx.now, address, ""));
                }
                cx.stack.take_icmp(IcmpKey::Tcp(socket.local.port()))
            }
        };
        if let Some(heard) = heard {
            self.answered(&heard);
        }
        let settled = self.answer.is_some() || cx.now >= self.sent_at + WAIT;
        if settled {
            self.close(cx);
        }
        settled
    }

    fn answered(&mut self, heard: &IcmpHeard) {
        let mark = match heard.message {
            // Port unreachable is how the destination answers datagrams.
            IcmpMessage::Error { kind: 3, code, .. } => match code {
                0 => "!N",
                1 => "!H",
                2 => "!P",
                9 | 10 | 13 => "!X",
                _ => "",
            },
            _ => "",
        };
        self.answer.get_or_insert(HopAnswer { from: heard.from, round_trip: heard.at.since(self.sent_at), mark });
    }

    fn at(&self, now: SimTime, from: Ipv4Addr, mark: &'static str) -> HopAnswer {
        HopAnswer { from, round_trip: now.since(self.sent_at), mark }
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        match self.socket.take() {
            Some(ProbeSocket::Udp(socket)) => {
                cx.stack.ignore(IcmpKey::Udp(socket.port));
                cx.stack.close_udp(socket);
            }
            Some(ProbeSocket::Icmp(socket)) => cx.stack.close_echo(socket),
            Some(ProbeSocket::Tcp(socket)) => {
                cx.stack.ignore(IcmpKey::Tcp(socket.local.port()));
                // A half-open connection is reset, one that nobody answered is forgotten.
                match cx.stack.state(&socket) {
                    TcpState::Open | TcpState::PeerFinished => cx.stack.reset(socket),
                    TcpState::Connecting | TcpState::Closed => cx.stack.abandon(socket),
                }
            }
            None => {}
        }
    }
}

impl Program for TracerouteProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if self.open.is_none() {
            let address = match self.target.seek(cx, &mut self.record) {
                Ok(address) => address,
                Err(step) => return step,
            };
            self.open = Some(Open { address, echo_identifier: None, probes: Vec::new(), reached_at: None });
        }
        let mut moved = self.hear(cx);
        match self.send(cx) {
            Ok(sent) => moved |= sent,
            Err(problem) => {
                self.finish(cx);
                return Step::over(Err(self.target.failure(problem)));
            }
        }
        if self.is_over()
            && let Some(report) = self.finish(cx)
        {
            return Step::over(Ok(Reply::Traceroute(report)));
        }
        Step::waiting(moved)
    }

    fn deadline(&self, _stack: &Stack) -> Option<SimTime> {
        let Some(open) = &self.open else { return self.target.deadline() };
        open.probes.iter().filter(|probe| probe.socket.is_some()).map(|probe| probe.sent_at + WAIT).min()
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

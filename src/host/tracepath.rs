//! The MTUs along a road: UDP probes with growing TTL and the don't-fragment bit, as iputils' `tracepath` sends them.
//!
//! Purpose: begin with the longest packet, shorten it whenever somebody says what fits, go on to the next TTL when somebody answers. Every
//! probe has a port of its own, so a late answer is known for what it is. What the host knows of the path is not used
//! ([`PathMtuDiscovery::Probe`]), but it learns. Non-goals: names (there are no PTR records), IPv6.
//! Invariant: at most one probe is waited for, 1 s; after a change of the MTU the same TTL is tried afresh, three times, as the original does.

use super::context::Context;
use super::interface::{IcmpHeard, IcmpKey, IcmpMessage, Stack, TooLong, UdpSocket};
use super::outcome::{Outcome, Reply, SocketProblem};
use super::path_mtu::{FRAGMENTATION_NEEDED, PathMtuDiscovery};
use super::program::{Program, Step};
use super::target::Target;
use crate::time::{SimDuration, SimTime};
use crate::wire::icmp_type;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How long a probe is waited for, and how often a TTL is tried.
const WAIT: SimDuration = SimDuration::from_secs(1);
const TRIES: u32 = 3;
/// How many ports are used in turn: the memory of what was sent.
const PORTS: usize = 64;
/// IPv4 and UDP headers.
const HEADER_BYTES: usize = 28;
/// ICMP code 3 of "destination unreachable".
const PORT_UNREACHABLE: u8 = 3;

/// A road to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracepath {
    /// Name or address.
    pub host: String,
    /// The greatest TTL, 30.
    pub hops_max: u8,
    /// The first of 64 destination ports, 44444.
    pub first_port: u16,
    /// How long the first probe is, its IPv4 header included: at least 29; 65535 finds out.
    pub packet_bytes: u16,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracepathReport {
    /// Where the probes went.
    pub address: Ipv4Addr,
    /// What happened, in order.
    pub events: Vec<TracepathEvent>,
    /// The longest packet that nobody found too long.
    pub mtu_bytes: usize,
    /// At which TTL the destination answered.
    pub hops: Option<u8>,
    /// How many hops its answer took, judged by the TTL it arrived with; there if `hops` is.
    pub hops_back: Option<u8>,
    /// Whether the greatest TTL was reached without an end.
    pub is_cut_short: bool,
}

/// Something that happened to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracepathEvent {
    /// This host cannot send so long a packet.
    Local {
        /// The TTL under way.
        time_to_live: u8,
        /// What it can send.
        mtu_bytes: usize,
    },
    /// An ICMP error.
    Answer {
        /// The TTL of the probe it is about.
        time_to_live: u8,
        /// Who sent it.
        from: Ipv4Addr,
        /// From probe to answer; none if its port has been used again.
        round_trip: Option<SimDuration>,
        /// How many hops it took, judged by the TTL it arrived with.
        hops_back: u8,
        /// What it says.
        answer: TracepathAnswer,
    },
    /// The destination sent data: something listens at the port.
    Data {
        /// The TTL under way.
        time_to_live: u8,
    },
    /// Three probes brought nothing.
    NoReply {
        /// Their TTL.
        time_to_live: u8,
    },
}

/// What an ICMP error says of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracepathAnswer {
    /// The TTL ended at a router.
    TimeExceeded,
    /// The next link's MTU is less.
    FragmentationNeeded {
        /// What fits.
        mtu_bytes: u16,
    },
    /// Port unreachable: this is the destination.
    Reached,
    /// Any other error: type and code.
    Other {
        /// ICMP type.
        kind: u8,
        /// ICMP code.
        code: u8,
    },
}

/// A measurement under way.
pub(super) struct TracepathProcess {
    tracepath: Tracepath,
    target: Target,
    open: Option<Open>,
    record: Outcome,
}

struct Open {
    socket: UdpSocket,
    report: TracepathReport,
    /// The TTL under way; one more than the greatest at the end.
    hop: u16,
    /// Probes of this TTL that brought nothing, since the MTU changed last.
    tries: u32,
    waiting: Option<Waiting>,
    /// TTL and time of what went to each port and was not answered.
    sent: [Option<(u8, SimTime)>; PORTS],
    next_slot: usize,
}

/// The probe that is waited for.
#[derive(Clone, Copy)]
struct Waiting {
    sent_at: SimTime,
    /// The MTU before this host itself may have found it too much.
    mtu_before_bytes: usize,
}

impl TracepathProcess {
    pub(super) fn new(now: SimTime, tracepath: Tracepath) -> Self {
        let target = Target::new(now, &tracepath.host);
        TracepathProcess { tracepath, target, open: None, record: Outcome::starting(now) }
    }

    fn begin(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) -> Result<(), SocketProblem> {
        let longest = usize::from(self.tracepath.packet_bytes).min(cx.stack.mtu_bytes());
        let socket = cx.stack.open_udp_for(cx.stream, longest).ok_or(SocketProblem::NoFreePort)?;
        cx.stack.listen_for(IcmpKey::Udp(socket.port));
        cx.stack.set_discovery(IcmpKey::Udp(socket.port), PathMtuDiscovery::Probe);
        let report = TracepathReport {
            address,
            events: Vec::new(),
            mtu_bytes: usize::from(self.tracepath.packet_bytes).max(HEADER_BYTES + 1),
            hops: None,
            hops_back: None,
            is_cut_short: false,
        };
        let sent = [None; PORTS];
        self.open = Some(Open { socket, report, hop: 1, tries: 0, waiting: None, sent, next_slot: 0 });
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Option<TracepathReport> {
        let open = self.open.take()?;
        cx.stack.ignore(IcmpKey::Udp(open.socket.port));
        cx.stack.close_udp(open.socket);
        Some(open.report)
    }
}

impl Open {
    /// Goes on as far as it can; true when the measurement is over.
    fn advance(&mut self, cx: &mut Context<'_>, tracepath: &Tracepath) -> bool {
        loop {
            if let Some(Waiting { sent_at, mtu_before_bytes }) = self.waiting {
                let heard = self.hear(cx, tracepath);
                if heard == Heard::Nothing && cx.now < sent_at + WAIT {
                    return false;
                }
                self.waiting = None;
                match heard {
                    // The original asks this first, even when the destination has answered: then it answers twice.
                    _ if self.report.mtu_bytes != mtu_before_bytes => self.tries = 0,
                    Heard::End => return true,
                    Heard::Progress => self.next_hop(),
                    Heard::Nothing => {
                        self.tries += 1;
                        if self.tries >= TRIES {
                            self.report.events.push(TracepathEvent::NoReply { time_to_live: self.time_to_live() });
                            self.next_hop();
                        }
                    }
                }
            }
            if self.hop > u16::from(tracepath.hops_max) {
                self.report.is_cut_short = true;
                return true;
            }
            self.send(cx, tracepath);
        }
    }

    fn next_hop(&mut self) {
        self.hop += 1;
        self.tries = 0;
    }

    fn time_to_live(&self) -> u8 {
        // Only ever greater when all is over.
        u8::try_from(self.hop).unwrap_or(u8::MAX)
    }

    fn send(&mut self, cx: &mut Context<'_>, tracepath: &Tracepath) {
        let (key, address, time_to_live) = (IcmpKey::Udp(self.socket.port), self.report.address, self.time_to_live());
        self.waiting = Some(Waiting { sent_at: cx.now, mtu_before_bytes: self.report.mtu_bytes });
        if let Err(TooLong { mtu_bytes }) = cx.stack.fits(cx.now, key, address, self.report.mtu_bytes) {
            self.report.events.push(TracepathEvent::Local { time_to_live, mtu_bytes });
            self.report.mtu_bytes = mtu_bytes;
        }
        cx.stack.limit_udp(&self.socket, time_to_live);
        let port = tracepath.first_port.wrapping_add(self.next_slot as u16);
        let payload = vec![0; self.report.mtu_bytes.saturating_sub(HEADER_BYTES)];
        cx.stack.send_udp(&self.socket, SocketAddrV4::new(address, port), &payload);
        self.sent[self.next_slot] = Some((time_to_live, cx.now));
        self.next_slot = (self.next_slot + 1) % PORTS;
    }

    /// Takes in what has come, up to what ends the measurement.
    fn hear(&mut self, cx: &mut Context<'_>, tracepath: &Tracepath) -> Heard {
        let time_to_live = self.time_to_live();
        if cx.stack.receive_udp(&self.socket).is_some() {
            self.report.events.push(TracepathEvent::Data { time_to_live });
            return Heard::End;
        }
        let mut result = Heard::Nothing;
        while let Some(heard) = cx.stack.take_icmp(IcmpKey::Udp(self.socket.port)) {
            let IcmpMessage::Error { kind, code, mtu_bytes, about } = heard.message else { continue };
            let slot = usize::from(about.wrapping_sub(tracepath.first_port));
            let probe = self.sent.get_mut(slot).and_then(Option::take);
            let answer = TracepathAnswer::of(kind, code, mtu_bytes);
            let (time_to_live, hops_back) = (probe.map_or(time_to_live, |(ttl, _)| ttl), hops_back(&heard));
            let round_trip = probe.map(|(_, sent_at)| heard.at.since(sent_at));
            self.report.events.push(TracepathEvent::Answer {
                time_to_live,
                from: heard.from,
                round_trip,
                hops_back,
                answer,
            });
            match answer {
                TracepathAnswer::TimeExceeded => result = Heard::Progress,
                TracepathAnswer::FragmentationNeeded { mtu_bytes } => {
                    // No MTU at all (routers older than RFC 1191), or a greater one, shortens nothing.
                    let told = usize::from(mtu_bytes);
                    if (HEADER_BYTES + 1..self.report.mtu_bytes).contains(&told) {
                        self.report.mtu_bytes = told;
                    }
                    result = Heard::Progress;
                }
                TracepathAnswer::Reached => {
                    (self.report.hops, self.report.hops_back) = (Some(time_to_live), Some(hops_back));
                    return Heard::End;
                }
                TracepathAnswer::Other { .. } => return Heard::End,
            }
        }
        result
    }
}

/// What the answers of one moment come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Progress,
    End,
}

impl TracepathAnswer {
    fn of(kind: u8, code: u8, mtu_bytes: u16) -> Self {
        match (kind, code) {
            (icmp_type::TIME_EXCEEDED, 0) => TracepathAnswer::TimeExceeded,
            (icmp_type::DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED) => {
                TracepathAnswer::FragmentationNeeded { mtu_bytes }
            }
            (icmp_type::DESTINATION_UNREACHABLE, PORT_UNREACHABLE) => TracepathAnswer::Reached,
            _ => TracepathAnswer::Other { kind, code },
        }
    }
}

/// How many hops an answer took: what its TTL lacks of the nearest usual beginning, 64, 128 or 255.
fn hops_back(heard: &IcmpHeard) -> u8 {
    match heard.time_to_live {
        ttl @ ..=64 => 65 - ttl,
        ttl @ ..=128 => 129 - ttl,
        ttl => (256 - u16::from(ttl)) as u8,
    }
}

impl Program for TracepathProcess {
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        if self.open.is_none() {
            let address = match self.target.seek(cx, &mut self.record) {
                Ok(address) => address,
                Err(step) => return step,
            };
            if let Err(problem) = self.begin(cx, address) {
                return Step::over(Err(self.target.failure(problem)));
            }
        }
        let Some(open) = &mut self.open else { return Step::waiting(false) };
        let before = open.waiting.map(|waiting| (waiting.sent_at, open.next_slot));
        if open.advance(cx, &self.tracepath)
            && let Some(report) = self.finish(cx)
        {
            return Step::over(Ok(Reply::Tracepath(report)));
        }
        let after = self.open.as_ref().and_then(|open| open.waiting.map(|waiting| (waiting.sent_at, open.next_slot)));
        Step::waiting(before != after)
    }

    fn deadline(&self, _stack: &Stack) -> Option<SimTime> {
        match &self.open {
            None => self.target.deadline(),
            Some(open) => open.waiting.map(|waiting| waiting.sent_at + WAIT),
        }
    }

    fn record(&mut self) -> &mut Outcome {
        &mut self.record
    }
}

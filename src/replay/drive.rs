//! The driver: takes packets of a capture through the data plane, one after the other, and keeps what comes of them.
//!
//! Invariants: forwarding is `Replay::forward` alone, which walks, or goes by the memo of a walk ([`Shard::one`]); an ordinary packet is made fit as the last one of its side was
//! (`Replay::prepare_again`); a record allocates nothing but a new conversation and what the data plane keeps (packets that are
//! split or answered borrow buffers from a pool); what the data plane makes of a packet (fragments, ICMP errors, resets) is followed to its end before the next record.
//! Time: with [`Pace::Capture`] simulated time is the capture's, from 0 at its first packet; it never goes back. With [`Pace::Fast`] packets follow each other by a
//! microsecond, so no session grows old. Links take no time and lose nothing: frames come out when they went in.

use super::address_map::{AddressMap, mapped};
use super::arrival::Arrivals;
use super::conversation::{Conversation, Conversations, Datagrams, End, Flow, Place, Side};
use super::direction;
use super::ends::Ends;
use super::error::ReplayError;
use super::outcome::{self, Counts, Document, InputPart, NicPart, Skip};
use super::outputs::Outputs;
use super::reader::Record;
use super::sending::{self, Before, readdress};
use super::survey::Survey;
use super::{answer, link_layer, offload, repair};
use crate::capture::{CaptureFile, Format};
use crate::dataplane::answer::build;
use crate::dataplane::conntrack::{Conntrack, TrackingLimits};
use crate::dataplane::{Decision, Frame, Made, PacketId, PacketMeta, Reply, State, Step, Tap, Verdict};
use crate::explain::comment;
use crate::fastpath::{Passed, Shard};
use crate::net::FiveTuple;
use crate::program::{HostIx, NodeIx, Program};
use crate::time::{SimDuration, SimTime};
use crate::wire::fragment::fragments;
use crate::wire::{Parsed, rewrite};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Frame buffers that are kept for the next packet that is split or answered.
const SPARE_MAX: usize = 64;
/// Time between two packets at [`Pace::Fast`].
const FAST_STEP: SimDuration = SimDuration::from_micros(1);
/// Flows whose memos are kept, both directions counted.
const FLOWS_MAX: usize = 65_536;

/// Where answers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// From the capture, sent from where the requests came out.
    #[default]
    Recorded,
    /// Made up where the requests come out; recorded ones are skipped.
    Generated,
}

/// How simulated time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As in the capture.
    #[default]
    Capture,
    /// A microsecond a packet.
    Fast,
}

/// What is asked of a replay.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the capture's addresses become.
    pub maps: Vec<AddressMap>,
    /// Where answers come from.
    pub replies: Replies,
    /// How time passes.
    pub pace: Pace,
    /// The form of what is written.
    pub format: Format,
    /// Entries that the connection-tracking table of an interface has, if not the default.
    pub tracked_connections_max: Option<u32>,
    /// Whether frames that come out elsewhere than at the NIC are kept for [`Replay::take_delivered`].
    pub keeps_delivered: bool,
    /// Whether every packet is readdressed field by field and walked, none treated as one before it: slower, and the same comes out.
    pub without_memos: bool,
}

/// One replay of one capture.
#[derive(Debug)]
pub struct Replay {
    program: Arc<Program>,
    shard: Shard,
    options: Options,
    ends: Ends,
    nic_address: Option<Ipv4Addr>,
    conversations: Conversations,
    datagrams: Datagrams,
    counts: Counts,
    arrivals: Arrivals,
    recorder: Recorder,
    outputs: Outputs,
    frame: Vec<u8>,
    waiting: VecDeque<Waiting>,
    spare: Vec<Vec<u8>>,
    delivered: Vec<Vec<u8>>,
    packets: u64,
    first_unix_ns: Option<u64>,
    now: SimTime,
}

/// Why a packet is on its way.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The capture has it: a packet of this side of that conversation, which stays there until the next record.
    Recorded { place: Place, side: Side },
    /// It is about a conversation, or made up: nothing is learned from where it comes out.
    Other,
}

/// A packet that came of another one.
#[derive(Debug)]
struct Waiting {
    at: NodeIx,
    bytes: Vec<u8>,
    meta: PacketMeta,
    made: Option<(NodeIx, Made)>,
    cause: Cause,
}

/// Writes down what the data plane decides about one packet.
#[derive(Debug, Default)]
struct Recorder {
    decisions: Vec<(NodeIx, Decision)>,
}

impl Tap for Recorder {
    #[inline]
    fn on_decision(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        self.decisions.push((at, decision));
    }
}

impl Replay {
    /// A replay at the host `at`, whose address is `own`, in a network without any connection. `survey` has seen the capture's first packets.
    ///
    /// # Errors
    /// [`ReplayError::NoLink`].
    pub fn new(
        program: Arc<Program>,
        at: HostIx,
        own: Ipv4Addr,
        survey: &Survey,
        options: Options,
    ) -> Result<Replay, ReplayError> {
        let ends = Ends::of(&program, at, own)?;
        let limits = match options.tracked_connections_max {
            Some(entries_per_interface) => TrackingLimits { entries_per_interface, ..TrackingLimits::default() },
            None => TrackingLimits::default(),
        };
        let state = State { conntrack: Conntrack::with_limits(limits), ..State::default() };
        let flows_max = if options.without_memos { 0 } else { FLOWS_MAX };
        Ok(Replay {
            shard: Shard::new(Arc::clone(&program), state, flows_max),
            outputs: Outputs::new(options.format, program.hosts.len()),
            program,
            options,
            ends,
            nic_address: survey.address(own),
            conversations: Conversations::default(),
            datagrams: Datagrams::default(),
            counts: Counts::default(),
            arrivals: Arrivals::default(),
            recorder: Recorder::default(),
            frame: Vec::new(),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            delivered: Vec::new(),
            packets: 0,
            first_unix_ns: None,
            now: SimTime::ZERO,
        })
    }

    /// Sends a packet of the capture, and whatever comes of it.
    pub fn packet(&mut self, record: &Record<'_>) {
        self.counts.read += 1;
        self.advance(record.unix_ns);
        let mut frame = std::mem::take(&mut self.frame);
        match self.prepare(record, &mut frame) {
            Err(why) => self.counts.skip(why),
            Ok((host, side, cause)) => {
                match side {
                    Side::Nic => self.counts.from_nic += 1,
                    Side::Peer => self.counts.from_peers += 1,
                }
                self.send(host, cause, &mut frame);
                // Ends: an answer is never answered, and a fragment of a fragment is further on its way, which ends at STEPS_MAX.
                while let Some(mut next) = self.waiting.pop_front() {
                    self.follow(next.at, &mut next.bytes, next.meta, next.made, next.cause);
                    self.give_back(next.bytes);
                }
            }
        }
        self.frame = frame;
    }

    /// Sends the frame from its host; in pieces, if it is a segment that no wire carried.
    fn send(&mut self, host: HostIx, cause: Cause, frame: &mut [u8]) {
        let node = self.program.hosts[host.at()].node;
        let mss = match cause {
            Cause::Recorded { place, .. } => self.conversations.at(place).mss,
            Cause::Other => 0,
        };
        // Most segments are too short to look at.
        let may_be_long = frame.len() > usize::from(if mss == 0 { offload::INTERFACE_MTU_BYTES } else { mss });
        let parsed = if may_be_long { Parsed::of(frame).ok() } else { None };
        let Some((parsed, cut)) = parsed.and_then(|parsed| Some((parsed, offload::cut(frame, &parsed, mss)?))) else {
            let meta = self.new_packet(host);
            return self.follow(node, frame, meta, None, cause);
        };
        self.counts.cut += cut.count() as u64 - 1;
        for number in 0..cut.count() {
            let mut bytes = self.spare.pop().unwrap_or_default();
            offload::piece(frame, &parsed, &cut, number, &mut bytes);
            let meta = self.new_packet(host);
            self.waiting.push_back(Waiting { at: node, bytes, meta, made: None, cause });
        }
    }

    /// The only place where packets are forwarded: takes the frame from node `at` to its verdict.
    fn forward(&mut self, at: NodeIx, bytes: &mut [u8], meta: &mut PacketMeta) -> Passed {
        let Replay { program, shard, recorder, arrivals, .. } = self;
        recorder.decisions.clear();
        let note = |recorder: &Recorder, host| arrivals.note(program, host, &recorder.decisions);
        shard.one(at, &mut Frame { bytes, meta }, self.now, recorder, note)
    }

    fn advance(&mut self, unix_ns: Option<u64>) {
        let first = *self.first_unix_ns.get_or_insert(unix_ns.unwrap_or(0));
        self.now = match self.options.pace {
            Pace::Fast if self.counts.read == 1 => SimTime::ZERO,
            Pace::Fast => self.now + FAST_STEP,
            Pace::Capture => {
                let at = unix_ns.map_or(self.now, |unix_ns| SimTime::from_nanos(unix_ns.saturating_sub(first)));
                self.counts.late += u64::from(at < self.now);
                self.now.max(at)
            }
        };
    }

    fn unix_ns(&self) -> u64 {
        self.first_unix_ns.unwrap_or(0).saturating_add(self.now.as_nanos())
    }

    /// Makes the record a frame of one of the two ends.
    fn prepare(&mut self, record: &Record<'_>, frame: &mut Vec<u8>) -> Result<(HostIx, Side, Cause), Skip> {
        let packet = link_layer::ipv4(record.link_type, record.bytes)?;
        let is_snapped = record.bytes.len() < record.original_bytes as usize;
        let unusable = if is_snapped { Skip::HeadersCut } else { Skip::Malformed };
        let is_padded = repair::frame_of(packet, frame).ok_or(unusable)?;
        // Packets that take the short way need no mending, and need none of what follows.
        let has_short_way = !is_padded && !self.options.without_memos;
        if has_short_way && let Some(found) = self.prepare_again(packet, frame) {
            return Ok(found);
        }
        let mut parsed = Parsed::of(frame).map_err(|_| Skip::Malformed)?;
        let mended = repair::checksums(frame, &parsed);
        let (before, begun) = (if has_short_way { Before::of(frame) } else { None }, self.conversations.begun);
        if !self.options.maps.is_empty() {
            let source = mapped(&self.options.maps, parsed.source);
            let destination = mapped(&self.options.maps, parsed.destination);
            rewrite::set_source(frame, &mut parsed, source);
            rewrite::set_destination(frame, &mut parsed, destination);
        }
        let (host, side, cause) = match self.about_another(&mut parsed, frame)? {
            Some(found) => found,
            None => self.of_conversation(&mut parsed, frame)?,
        };
        self.counts.padded += u64::from(is_padded);
        self.counts.header_checksums_mended += u64::from(mended.header);
        self.counts.transport_checksums_mended += u64::from(mended.transport && !is_padded);
        self.ends.address(&self.program, host, parsed.destination, frame);
        // Many conversations have but one packet.
        let is_first = begun < self.conversations.begun;
        if let (Some(before), Cause::Recorded { place, side }, false) = (before, cause, is_first) {
            self.conversations.at(place).set_sending(side, &before, frame);
        }
        Ok((host, side, cause))
    }

    /// What [`Replay::prepare`] does with an ordinary packet of a side that sent one before; `None` if it must do it.
    fn prepare_again(&mut self, packet: &[u8], frame: &mut [u8]) -> Option<(HostIx, Side, Cause)> {
        let head = sending::ordinary(packet, frame)?;
        let flow = Flow::of_head(&head).mapped(&self.options.maps);
        let tuple = flow.tuple();
        let side = direction::side(self.nic_address, self.ends.forwards, &self.conversations, &tuple, None).ok()?;
        let place = self.conversations.find(if side == Side::Nic { flow } else { flow.reversed() })?;
        let conversation = self.conversations.at(place);
        if conversation.begun_by != side && self.options.replies == Replies::Generated {
            return None;
        }
        let end = conversation.end(side)?;
        let sending = end.sending.filter(|sending| sending.is_for(&head))?;
        sending.again(end.sends, head.protocol, frame);
        Some((end.host, side, Cause::Recorded { place, side }))
    }

    /// The end that sends the packet, which then has the addresses and ports that this end sends with.
    fn of_conversation(&mut self, parsed: &mut Parsed, frame: &mut [u8]) -> Result<(HostIx, Side, Cause), Skip> {
        let mut tuple = parsed.five_tuple();
        if parsed.is_first_fragment() {
            self.datagrams.first(parsed.identification, tuple);
        } else if parsed.is_later_fragment() {
            tuple = self.datagrams.later(parsed.identification, tuple);
        }
        let flags = parsed.tcp_flags;
        let side = direction::side(self.nic_address, self.ends.forwards, &self.conversations, &tuple, flags)?;
        let outward = if side == Side::Nic { tuple } else { tuple.reversed() };
        let flow = Flow::of(outward);
        let place = match self.conversations.find(flow) {
            Some(place) => place,
            None => self.conversations.begin(flow, self.begin(direction::begun_by(side, flags), outward)),
        };
        let conversation = self.conversations.at(place);
        if let Some(mss) = rewrite::offered_mss(frame, parsed) {
            conversation.mss = if conversation.mss == 0 { mss } else { conversation.mss.min(mss) };
        }
        let asks = conversation.begun_by == side;
        if !asks && self.options.replies == Replies::Generated {
            return Err(Skip::RecordedAnswer);
        }
        let end = conversation.end(side).ok_or(if asks { Skip::NoPeer } else { Skip::NoRequest })?;
        if end.sends != Flow::of(tuple) {
            readdress(frame, parsed, &end.sends.tuple());
        }
        Ok((end.host, side, Cause::Recorded { place, side }))
    }

    /// A conversation of which `outward` is the flow from the NIC, as the capture has it.
    fn begin(&self, begun_by: Side, outward: FiveTuple) -> Conversation {
        let is_nics = Some(outward.source) == self.nic_address;
        match begun_by {
            Side::Nic => {
                let source = if is_nics { self.ends.own } else { outward.source };
                let nic = End::new(self.ends.at, FiveTuple { source, ..outward });
                Conversation { begun_by, nic: Some(nic), peer: None, mss: 0 }
            }
            Side::Peer => {
                let peer = self.ends.peer(&self.program, outward.destination).map(|peer| {
                    let destination = if is_nics { peer.reaches } else { outward.source };
                    let sends = FiveTuple { source: peer.address, destination, ..outward.reversed() };
                    End::new(peer.host, sends)
                });
                Conversation { begun_by, nic: None, peer, mss: 0 }
            }
        }
    }

    /// For an ICMP error about a conversation that is known, from one of its two ends: that end, and the packet then tells of what that end saw.
    fn about_another(&mut self, parsed: &mut Parsed, frame: &mut [u8]) -> Result<Option<(HostIx, Side, Cause)>, Skip> {
        let Some(quoted) = parsed.quoted(frame) else { return Ok(None) };
        // The error's source got the quoted packet.
        let told = quoted.five_tuple();
        if parsed.source != told.destination || parsed.destination != told.source {
            return Ok(None);
        }
        let found = [(Side::Peer, told), (Side::Nic, told.reversed())].into_iter();
        let mut found = found.filter_map(|(side, outward)| Some((side, self.conversations.find(Flow::of(outward))?)));
        let Some((side, place)) = found.next() else { return Ok(None) };
        let conversation = self.conversations.at(place);
        if conversation.begun_by != side && self.options.replies == Replies::Generated {
            return Err(Skip::RecordedAnswer);
        }
        let end = conversation.end(side).ok_or(Skip::NoRequest)?;
        let sends = end.sends.tuple();
        rewrite::set_source(frame, parsed, sends.source);
        rewrite::set_destination(frame, parsed, sends.destination);
        rewrite::set_quoted_source(frame, parsed, sends.destination, sends.destination_port);
        Ok(Some((end.host, side, Cause::Other)))
    }

    /// Takes one packet to its end; what comes of it waits.
    fn follow(
        &mut self,
        at: NodeIx,
        bytes: &mut [u8],
        mut meta: PacketMeta,
        made: Option<(NodeIx, Made)>,
        cause: Cause,
    ) {
        let passed = self.forward(at, bytes, &mut meta);
        let verdict = passed.verdict;
        match verdict.step {
            Step::Deliver(host) => self.deliver(host, &passed, bytes, cause),
            Step::Drop(_) => self.lose(verdict, bytes, made),
            Step::Reply(Reply::Error { answer, .. }) => {
                self.lose(verdict, bytes, made);
                let Some(said) = build(&self.program, verdict.at, answer, bytes, &meta) else { return };
                self.counts.generated += 1;
                let own = PacketMeta { from: Some(said.from), ..self.new_packet(meta.sender) };
                let made = Some((verdict.at, Made::Answer(answer)));
                self.waiting.push_back(Waiting {
                    at: said.at,
                    bytes: said.bytes,
                    meta: own,
                    made,
                    cause: Cause::Other,
                });
            }
            Step::Fragment { mtu_bytes, next, .. } => {
                let Ok(pieces) = fragments(bytes, usize::from(mtu_bytes)) else {
                    // The node saw that the packet may be split; that its header leaves no room in the MTU is all that can be wrong.
                    let step = Step::Drop(crate::dataplane::DropReason::MtuExceeded);
                    return self.lose(Verdict { step, ..verdict }, bytes, made);
                };
                self.counts.fragmented += 1;
                for piece in pieces {
                    self.counts.fragments_made += 1;
                    let own = PacketMeta { id: self.new_packet(meta.sender).id, ..meta };
                    let made = Some((verdict.at, Made::Fragment { mtu_bytes }));
                    self.waiting.push_back(Waiting { at: next, bytes: piece.to_vec(), meta: own, made, cause });
                }
            }
            // ARP is answered in place, and a replay sends none; a walk never ends by going on.
            Step::Reply(Reply::InPlace) | Step::Forward(..) => self.counts.absorbed += 1,
        }
    }

    fn deliver(&mut self, host: HostIx, passed: &Passed, bytes: &mut [u8], cause: Cause) {
        self.counts.delivered.add(bytes.len());
        self.arrivals.count(passed, bytes.len());
        let unix_ns = self.unix_ns();
        self.outputs.delivered(&self.program, host, unix_ns, bytes);
        if self.options.keeps_delivered && host != self.ends.at {
            self.delivered.push(bytes.to_vec());
        }
        let Cause::Recorded { place, side } = cause else { return };
        let arrived = match passed.by_memo {
            true => Flow::of_ordinary(bytes),
            false => {
                let parsed = Parsed::of(bytes).ok().filter(|parsed| !parsed.is_later_fragment());
                parsed.map(|parsed| Flow::of(parsed.five_tuple()))
            }
        };
        let conversation = self.conversations.at(place);
        // The other side answers from where the packet came out, to whom it came from as it arrived. (What comes out elsewhere is no question to the NIC.)
        if let Some(flow) = arrived.filter(|_| side == Side::Nic || host == self.ends.at) {
            conversation.learn(side.other(), host, flow.reversed());
        }
        let asks = conversation.begun_by == side;
        if asks
            && self.options.replies == Replies::Generated
            && let Ok(parsed) = Parsed::of(bytes)
        {
            self.answer(host, bytes, &parsed);
        }
    }

    /// Makes up the answer of `host`.
    fn answer(&mut self, host: HostIx, bytes: &[u8], parsed: &Parsed) {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.clear();
        frame.extend_from_slice(bytes);
        if !answer::turn_round(&mut frame, parsed) {
            return self.give_back(frame);
        }
        self.counts.answers += 1;
        self.ends.address(&self.program, host, parsed.source, &mut frame);
        let (meta, at) = (self.new_packet(host), self.program.hosts[host.at()].node);
        self.waiting.push_back(Waiting { at, bytes: frame, meta, made: None, cause: Cause::Other });
    }

    fn lose(&mut self, verdict: Verdict, bytes: &[u8], made: Option<(NodeIx, Made)>) {
        let Some(reason) = outcome::lost(verdict.step) else { return };
        self.counts.dropped.entry((reason, verdict.at)).or_default().add(bytes.len());
        let why = match self.outputs.holds_comments() {
            true => comment(&self.program, made, &self.recorder.decisions, Some((Some(verdict.at), verdict.step))),
            false => String::new(),
        };
        let unix_ns = self.unix_ns();
        self.outputs.dropped(&self.program, unix_ns, bytes, &why);
    }

    fn new_packet(&mut self, sender: HostIx) -> PacketMeta {
        self.packets += 1;
        PacketMeta::from_host(PacketId(self.packets), sender, self.now)
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(buffer);
        }
    }

    /// Ends the captures with their accounts.
    pub fn finish(&mut self) {
        self.counts.conversations = self.conversations.begun;
        self.counts.conversations_forgotten = self.conversations.forgotten;
        self.outputs.finish();
    }

    /// The captures, each with whole blocks that wait to be written.
    pub fn captures_mut(&mut self) -> &mut [CaptureFile] {
        self.outputs.files_mut()
    }

    /// The frames that came out since the last call, if they are kept, elsewhere than at the NIC.
    pub fn take_delivered(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.delivered)
    }

    /// Where all packets are.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What came of it: to be asked when it is finished.
    pub fn document(&self, scenario: &str, network: &str, input: InputPart) -> Document {
        let (skipped, delivered, dropped, translations, translations_more) =
            outcome::parts(&self.program, &self.counts, &self.arrivals);
        Document {
            scenario: scenario.to_owned(),
            network: network.to_owned(),
            input,
            nic: NicPart {
                host: outcome::host_name(&self.program, self.ends.at),
                address: self.ends.own,
                address_in_capture: self.nic_address,
            },
            packets: outcome::packets(&self.counts),
            skipped,
            delivered,
            dropped,
            translations,
            translations_more,
            files: self.outputs.parts(),
        }
    }
}

//! From what the data plane does to capture files: one per interface, endpoint and outside host, an inside and an outside one per translating node.
//!
//! A frame is written as it is seen, and its comment when its run of steps without delay ends, so that it can say everything that was decided up to the
//! next link, a drop included. Frames that an interface's rules refuse are written too: a guest would never see them, a student must.
//! TLS secrets go only into files that saw the connection's ClientHello, before the frames they decrypt.

use super::comments::{Comments, Story};
use super::pcapng::Direction as Way;
use super::{CaptureOptions, FileIx, FileSet, Selection, Vantage};
use crate::calendar::Calendar;
use crate::dataplane::{Decision, DropReason, Made, PacketMeta, Step, Tap};
use crate::net::Protocol;
use crate::program::{HostIx, HostKind, Node, NodeIx, Program};
use crate::time::SimTime;
use crate::wire::{Parsed, ethernet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The type of TLS records that hold handshake messages (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// How many connections' secrets are awaited at once; the oldest is forgotten beyond.
const AWAITED_SECRETS_MAX: usize = 16_384;

/// Writes captures while the data plane runs.
pub struct CaptureTap {
    calendar: Calendar,
    program: Arc<Program>,
    selection: Selection,
    /// Vantage points there are and have been, and which words of the selection name one.
    known: Known,
    files: FileSet,
    nodes: BTreeMap<NodeIx, NodeFiles>,
    outside: BTreeMap<HostIx, FileIx>,
    run: Run,
    comments: Comments,
    awaited: Awaited,
}

/// The files of one node.
#[derive(Clone, Copy, Debug)]
enum NodeFiles {
    /// All its frames in one.
    One(FileIx),
    /// Before and behind the translation.
    Translating { inside: Option<FileIx>, outside: Option<FileIx> },
}

/// What can be captured.
#[derive(Default)]
struct Known {
    words: BTreeSet<String>,
    found: BTreeSet<String>,
}

/// One packet's steps without delay. Buffers are kept from run to run.
#[derive(Default)]
struct Run {
    story: Story,
    sightings: Vec<Sighting>,
    sighting_count: usize,
}

/// A frame as it stood at one vantage point.
#[derive(Default)]
struct Sighting {
    file: Option<FileIx>,
    way: Option<Way>,
    /// The frame is in the file, and only its comments are missing.
    is_begun: bool,
    /// The frame, if it is not.
    bytes: Vec<u8>,
}

/// Which files want the secrets of which ClientHello random.
#[derive(Default)]
struct Awaited {
    files: BTreeMap<[u8; 32], Vec<FileIx>>,
    order: VecDeque<[u8; 32]>,
}

impl CaptureTap {
    /// A tap without files; [`CaptureTap::adopt`] opens them.
    pub fn new(calendar: Calendar, options: CaptureOptions) -> Self {
        CaptureTap {
            calendar,
            program: Arc::new(Program::empty()),
            selection: options.selection,
            known: Known::default(),
            files: FileSet::new(options.format, options.merged),
            nodes: BTreeMap::new(),
            outside: BTreeMap::new(),
            run: Run::default(),
            comments: Comments::default(),
            awaited: Awaited::default(),
        }
    }

    /// Whether anything can be captured at all. If not, there is no need to call this tap.
    pub fn is_on(&self) -> bool {
        self.selection != Selection::None
    }

    /// Ids and names of every vantage point so far, captured or not.
    pub fn known_words(&self) -> impl Iterator<Item = &str> {
        self.known.words.iter().map(String::as_str)
    }

    /// What the selection asks for and is not there, or was not yet.
    pub fn missing_words(&self) -> impl Iterator<Item = &str> {
        self.selection.words().filter(|word| !self.known.found.contains(*word))
    }

    /// Follows a new program: opens a file for every wanted vantage point not seen before, and adds new names to all.
    /// `name_of` knows what people call an id, where the program does not.
    pub fn adopt(&mut self, program: &Arc<Program>, name_of: &dyn Fn(&str) -> Option<String>) {
        self.program = Arc::clone(program);
        self.comments.forget();
        for (position, node) in program.nodes.iter().enumerate() {
            let ix = NodeIx(position as u32);
            if !self.nodes.contains_key(&ix)
                && let Some(files) = self.open_files(ix, node, name_of)
            {
                self.nodes.insert(ix, files);
            }
        }
        for (position, host) in program.hosts.iter().enumerate() {
            let ix = HostIx(position as u32);
            let place = match &host.kind {
                HostKind::Outside(name) => Some((name, "a host on the internet")),
                HostKind::OnPremises(_, name) => Some((name, "a host on premises")),
                _ => None,
            };
            if let Some((name, place)) = place
                && !self.outside.contains_key(&ix)
            {
                let description = format!("{name}, {place}");
                let vantage = Vantage { name: name.clone(), id: String::new(), description };
                if let Some(file) = self.open(&vantage, true, name, name_of) {
                    self.outside.insert(ix, file);
                }
            }
        }
        // The many names of S3 and STS are left to the DNS answers in the capture: readers take them from there.
        let left_out = |name: &str| name.starts_with("s3.") || name.starts_with("sts.");
        let names = program.origins.address_names.iter().filter(|(_, name)| !left_out(name));
        let names: Vec<_> = names.map(|(address, name)| (*address, name.as_str())).collect();
        self.files.names(&names);
    }

    /// Opens a vantage point's file if it is wanted. `called` is the name without a side.
    fn open(
        &mut self,
        vantage: &Vantage,
        is_nic: bool,
        called: &str,
        name_of: &dyn Fn(&str) -> Option<String>,
    ) -> Option<FileIx> {
        let words = [vantage.id.as_str(), vantage.name.as_str(), called];
        self.known.words.extend(words.iter().filter(|word| !word.is_empty()).map(|word| (*word).to_owned()));
        // An instance's id stands for its interface: they share a name.
        let instance = |word: &str| name_of(word).filter(|_| is_nic && word.starts_with("i-"));
        let is_called = |word: &str| words.contains(&word) || instance(word).is_some_and(|name| name == called);
        for word in self.selection.words().filter(|word| is_called(word)) {
            self.known.found.insert(word.to_owned());
        }
        self.selection.wants(is_nic, is_called).then(|| self.files.add(vantage, None))
    }

    fn open_files(&mut self, ix: NodeIx, node: &Node, name_of: &dyn Fn(&str) -> Option<String>) -> Option<NodeFiles> {
        let program = Arc::clone(&self.program);
        let named = program.origins.node(ix);
        let called = named.name.clone().or_else(|| name_of(&named.id)).unwrap_or_default();
        let in_words = if called.is_empty() { &named.id } else { &called };
        let vantage =
            |name: &str, description: String| Vantage { name: name.to_owned(), id: named.id.clone(), description };
        match node {
            Node::Eni(_) => {
                let vantage = vantage(&called, format!("{in_words}, network interface"));
                self.open(&vantage, true, &called, name_of).map(NodeFiles::One)
            }
            Node::GatewayEndpoint(_) => {
                let vantage = vantage(&called, format!("{in_words}, gateway endpoint"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::InternetGateway(_) => {
                let mut side = |side: &str, words: &str| {
                    let name = if called.is_empty() { side.to_owned() } else { format!("{called}-{side}") };
                    let vantage = vantage(&name, format!("{in_words}, internet gateway, {words}"));
                    self.open(&vantage, false, &called, name_of)
                };
                let inside = side("inside", "before translation: private addresses");
                let outside = side("outside", "after translation: public addresses");
                (inside.is_some() || outside.is_some()).then_some(NodeFiles::Translating { inside, outside })
            }
            Node::Peering(_) => {
                let vantage = vantage(&called, format!("{in_words}, VPC peering connection"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::TransitGateway(_) => {
                let vantage = vantage(&called, format!("{in_words}, transit gateway"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::VpnGateway(_) => {
                let vantage = vantage(&called, format!("{in_words}, virtual private gateway"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::VpnConnection(_) => {
                let vantage = vantage(&called, format!("{in_words}, VPN connection: inner packets, not encrypted"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::VirtualInterface(_) => {
                let vantage = vantage(&called, format!("{in_words}, virtual interface of Direct Connect"));
                self.open(&vantage, false, &called, name_of).map(NodeFiles::One)
            }
            Node::OnPremises(_) => {
                let vantage = Vantage {
                    name: format!("{}-router", named.id),
                    id: String::new(),
                    description: format!("{}-router, what comes to the router on premises from elsewhere", named.id),
                };
                self.open(&vantage, false, &named.id, name_of).map(NodeFiles::One)
            }
            Node::NatGateway(_) => {
                let mut side = |side: &str, words: &str| {
                    let name = if called.is_empty() { side.to_owned() } else { format!("{called}-{side}") };
                    let vantage = vantage(&name, format!("{in_words}, NAT gateway, {words}"));
                    self.open(&vantage, false, &called, name_of)
                };
                let inside = side("inside", "before translation: the senders' addresses and ports");
                let outside = side("outside", "after translation: its own addresses and ports");
                (inside.is_some() || outside.is_some()).then_some(NodeFiles::Translating { inside, outside })
            }
            Node::Forwarder(_) | Node::Router(_) | Node::Internet(_) | Node::PlainRouter(_) | Node::Tombstone => None,
        }
    }

    /// The files, to drain.
    pub fn files_mut(&mut self) -> &mut FileSet {
        &mut self.files
    }

    /// The files.
    pub fn files(&self) -> &FileSet {
        &self.files
    }

    fn see(&mut self, now: SimTime, file: FileIx, way: Option<Way>, bytes: &[u8]) {
        if self.run.sighting_count == self.run.sightings.len() {
            self.run.sightings.push(Sighting::default());
        }
        let sighting = &mut self.run.sightings[self.run.sighting_count];
        self.run.sighting_count += 1;
        (sighting.file, sighting.way) = (Some(file), way);
        sighting.is_begun = self.files.begin_frame(file, self.calendar.unix_nanos(now), way, bytes);
        sighting.bytes.clear();
        if !sighting.is_begun {
            sighting.bytes.extend_from_slice(bytes);
        }
        if let Some(random) = client_hello_random(bytes) {
            self.awaited.want(random, file);
        }
    }

    fn at_host_of(&self, at: NodeIx, host: HostIx) -> Option<FileIx> {
        match &self.program.nodes[at.at()] {
            Node::Internet(_) | Node::OnPremises(_) => self.outside.get(&host).copied(),
            _ => match self.nodes.get(&at) {
                Some(NodeFiles::One(file)) => Some(*file),
                _ => None,
            },
        }
    }
}

impl Tap for CaptureTap {
    fn on_enter(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8]) {
        match (packet.from, self.nodes.get(&at).copied()) {
            // From the attached host itself. What a platform says to the guest is seen when it is delivered.
            (None, _) => {
                let kind = &self.program.hosts[packet.sender.at()].kind;
                let answers_only = matches!(
                    kind,
                    HostKind::Platform(_)
                        | HostKind::OutsidePlatform(_)
                        | HostKind::OnPremisesPlatform(..)
                        | HostKind::PublicService(..)
                );
                if !answers_only && let Some(file) = self.at_host_of(at, packet.sender) {
                    self.see(now, file, Some(Way::Outbound), bytes);
                }
            }
            (Some(from), Some(NodeFiles::Translating { inside, outside })) => {
                let is_outside = match &self.program.nodes[at.at()] {
                    // Both of a NAT gateway's sides are its router's: what is for its own address comes from the outside.
                    Node::NatGateway(gateway) => {
                        Parsed::of(bytes).is_ok_and(|packet| gateway.addresses.contains(&packet.destination))
                    }
                    _ => matches!(self.program.nodes[from.at()], Node::Internet(_)),
                };
                if let Some(file) = if is_outside { outside } else { inside } {
                    self.see(now, file, Some(Way::Inbound), bytes);
                }
            }
            (Some(_), Some(NodeFiles::One(file))) => {
                match (&self.program.nodes[at.at()], packet.from.map(|from| &self.program.nodes[from.at()])) {
                    // What the instance's system forwards leaves it.
                    (Node::Eni(_), Some(Node::Forwarder(_))) => self.see(now, file, Some(Way::Outbound), bytes),
                    (Node::Eni(_), _) => {}
                    _ => self.see(now, file, Some(Way::Inbound), bytes),
                }
            }
            (Some(_), None) => {}
        }
    }

    fn on_decision(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        self.run.story.decisions.push((at, decision));
    }

    fn on_step(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8], step: Step) {
        self.run.story.end = Some((Some(at), step));
        let is_eni = matches!(self.program.nodes[at.at()], Node::Eni(_));
        match (step, self.nodes.get(&at).copied()) {
            (Step::Deliver(host), _) => {
                let kind = &self.program.hosts[host.at()].kind;
                if matches!(kind, HostKind::Instance(_) | HostKind::Outside(_) | HostKind::OnPremises(..))
                    && let Some(file) = self.at_host_of(at, host)
                {
                    self.see(now, file, Some(Way::Inbound), bytes);
                }
            }
            (Step::Forward(next, _), Some(NodeFiles::One(file)))
                if is_eni && matches!(self.program.nodes[next.at()], Node::Forwarder(_)) =>
            {
                self.see(now, file, Some(Way::Inbound), bytes);
            }
            (Step::Drop(_), Some(NodeFiles::One(file))) if is_eni && packet.from.is_some() => {
                self.see(now, file, Some(Way::Inbound), bytes);
            }
            (Step::Forward(next, _), Some(NodeFiles::Translating { inside, outside })) => {
                let is_outside = match &self.program.nodes[at.at()] {
                    Node::NatGateway(gateway) => {
                        Parsed::of(bytes).is_ok_and(|packet| gateway.addresses.contains(&packet.source))
                    }
                    _ => matches!(self.program.nodes[next.at()], Node::Internet(_)),
                };
                if let Some(file) = if is_outside { outside } else { inside } {
                    self.see(now, file, Some(Way::Outbound), bytes);
                }
            }
            _ => {}
        }
    }

    fn on_made(&mut self, _now: SimTime, at: NodeIx, _of: &PacketMeta, _packet: &PacketMeta, made: Made) {
        self.run.story.made = Some((at, made));
    }

    fn on_link_drop(
        &mut self,
        now: SimTime,
        from: Option<NodeIx>,
        packet: &PacketMeta,
        bytes: &[u8],
        reason: DropReason,
    ) {
        self.run.story.end = Some((from, Step::Drop(reason)));
        let attachment = &self.program.hosts[packet.sender.at()];
        // Lost on the sender's own link: no node has seen it.
        if from.is_none()
            && self.run.sighting_count == 0
            && let Some(file) = self.at_host_of(attachment.node, packet.sender)
        {
            self.see(now, file, Some(Way::Outbound), bytes);
        }
    }

    fn on_run_end(&mut self, now: SimTime, packet: &PacketMeta) {
        if self.run.sighting_count > 0 {
            let comment = match self.files.has_comments() {
                true => self.comments.of(&self.program, packet.sender, &self.run.story),
                false => "",
            };
            let comments = [comment];
            let comments = if comment.is_empty() { &comments[..0] } else { &comments[..] };
            let unix_ns = self.calendar.unix_nanos(now);
            for sighting in &self.run.sightings[..self.run.sighting_count] {
                match sighting.file {
                    Some(file) if sighting.is_begun => self.files.end_frame(file, comments),
                    Some(file) => self.files.frame(file, unix_ns, sighting.way, &sighting.bytes, comments),
                    None => {}
                }
            }
        }
        self.run.story.clear();
        self.run.sighting_count = 0;
    }

    fn on_secrets(&mut self, lines: &str) {
        for line in lines.lines() {
            let random = line.split(' ').nth(1).and_then(random_from_hex);
            self.files.secret_of(random.map(|random| self.awaited.files(&random)).unwrap_or_default(), line);
        }
    }
}

impl Awaited {
    fn want(&mut self, random: [u8; 32], file: FileIx) {
        let files = self.files.entry(random).or_insert_with(|| {
            self.order.push_back(random);
            Vec::new()
        });
        if !files.contains(&file) {
            files.push(file);
        }
        if self.order.len() > AWAITED_SECRETS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.files.remove(&oldest);
        }
    }

    fn files(&self, random: &[u8; 32]) -> &[FileIx] {
        self.files.get(random).map_or(&[], Vec::as_slice)
    }
}

/// The random of a TLS ClientHello that begins a TCP segment of an Ethernet frame (RFC 8446 section 4.1.2).
fn client_hello_random(frame: &[u8]) -> Option<[u8; 32]> {
    // Most segments are none, and the first byte behind the headers says so already.
    let transport_at = ethernet::HEADER_BYTES + usize::from(frame.get(ethernet::HEADER_BYTES)? & 15) * 4;
    let payload_at = transport_at + usize::from(frame.get(transport_at + 12)? >> 4) * 4;
    if *frame.get(payload_at)? != TLS_HANDSHAKE {
        return None;
    }
    let parsed = Parsed::of(frame).ok().filter(|parsed| parsed.protocol == Protocol::TCP)?;
    let tcp = frame.get(parsed.transport_at()..)?;
    let payload = tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)?;
    // Record: handshake (22), version, length; then ClientHello (1), length, version, random.
    match payload {
        [TLS_HANDSHAKE, 3, _, _, _, 1, _, _, _, _, _, rest @ ..] => rest.get(..32)?.try_into().ok(),
        _ => None,
    }
}

fn random_from_hex(text: &str) -> Option<[u8; 32]> {
    let mut random = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in random.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(random)
}

//! One capture: bytes waiting for someone who may open files.
//!
//! Non-goals: writing to a disk, choosing vantage points. Invariants: [`CaptureFile::pending`] always holds whole blocks and, over the file's
//! life, each byte once; a TLS secret and a name stand in a file once, before whatever follows the call that brought them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::options::Format;
use super::pcap;
use super::pcapng::{self, Direction, OpenPacket, Packet};

/// The program's name in the section header.
const USER_APPLICATION: &str = concat!("vpcsim ", env!("CARGO_PKG_VERSION"));

/// The place whose frames a file shows: a NIC, an endpoint, one side of a translating node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// The scenario's name for it, with the side if it has two: `app-1`, `igw-inside`.
    pub name: String,
    /// Its AWS id, which becomes the interface's name; empty for what AWS has no id for: then `name` does.
    pub id: String,
    /// What it is in words, which becomes the interface's description.
    pub description: String,
}

/// One capture file: of one vantage point, or of several merged.
#[derive(Clone, Debug)]
pub struct CaptureFile {
    file_name: String,
    encoder: Encoder,
    interfaces: Vec<Interface>,
    pending: Vec<u8>,
    /// The frame begun last, until its comments have come.
    open: Option<OpenPacket>,
    named: BTreeSet<(Ipv4Addr, String)>,
    secrets: BTreeSet<String>,
}

/// A vantage point in a file.
#[derive(Clone, Debug)]
struct Interface {
    vantage_name: String,
    vantage_id: String,
    frame_count: u64,
    /// Classic pcap has no interfaces.
    ix: Option<pcapng::InterfaceIx>,
}

/// A position among a file's vantage points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VantageIx(usize);

#[derive(Clone, Debug)]
enum Encoder {
    Pcapng(pcapng::Encoder),
    Pcap(pcap::Encoder),
}

impl CaptureFile {
    /// Begins a pcapng file of one vantage point; its headers are pending at once, so that a vantage point which sees nothing still leaves a file
    /// that opens.
    pub fn new(file_name: String, vantage: &Vantage, comment: Option<&str>) -> Self {
        let mut file = CaptureFile::empty(file_name, Format::Pcapng, comment);
        file.add_vantage(vantage);
        file
    }

    /// Begins a file without vantage points; [`CaptureFile::add_vantage`] adds them. Classic pcap drops the comment.
    pub fn empty(file_name: String, format: Format, comment: Option<&str>) -> Self {
        let mut pending = Vec::new();
        let encoder = match format {
            Format::Pcapng => Encoder::Pcapng(pcapng::Encoder::start(&mut pending, USER_APPLICATION, comment)),
            Format::Pcap => Encoder::Pcap(pcap::Encoder::start(&mut pending)),
        };
        let (named, secrets) = (BTreeSet::new(), BTreeSet::new());
        CaptureFile { file_name, encoder, interfaces: Vec::new(), pending, open: None, named, secrets }
    }

    /// Adds a vantage point, at any time before its first frame.
    pub fn add_vantage(&mut self, vantage: &Vantage) -> VantageIx {
        let interface_name = if vantage.id.is_empty() { &vantage.name } else { &vantage.id };
        let ix = match &mut self.encoder {
            Encoder::Pcapng(encoder) => {
                Some(encoder.interface(&mut self.pending, interface_name, &vantage.description))
            }
            Encoder::Pcap(_) => None,
        };
        let (vantage_name, vantage_id) = (vantage.name.clone(), vantage.id.clone());
        self.interfaces.push(Interface { vantage_name, vantage_id, frame_count: 0, ix });
        VantageIx(self.interfaces.len() - 1)
    }

    /// The name to give the file, without a directory.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The form of its bytes.
    pub fn format(&self) -> Format {
        match self.encoder {
            Encoder::Pcapng(_) => Format::Pcapng,
            Encoder::Pcap(_) => Format::Pcap,
        }
    }

    /// Name and id of its vantage points.
    pub fn vantages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.interfaces.iter().map(|interface| (interface.vantage_name.as_str(), interface.vantage_id.as_str()))
    }

    /// Adds names of addresses, of which those the file has already are skipped. Of an address's names Wireshark shows the one given last,
    /// from that place in the file on. Classic pcap holds no names.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = (Ipv4Addr, &'a str)>) {
        let Encoder::Pcapng(encoder) = &mut self.encoder else { return };
        let mut fresh: Vec<(Ipv4Addr, &str)> = names
            .into_iter()
            .filter(|(address, name)| !name.is_empty() && self.named.insert((*address, (*name).to_owned())))
            .collect();
        fresh.sort_by_key(|(address, _)| *address); // stable: the order of an address's names is the caller's
        encoder.names(&mut self.pending, fresh);
    }

    /// Adds TLS secrets, lines of an NSS key log, of which those the file has already are skipped. To be called before the frames that
    /// were made together with them: Wireshark decrypts with what it has read so far. Classic pcap holds no secrets.
    pub fn secrets(&mut self, lines: &str) {
        let Encoder::Pcapng(encoder) = &mut self.encoder else { return };
        let mut fresh = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if self.secrets.insert(line.to_owned()) {
                fresh.push_str(line);
                fresh.push('\n');
            }
        }
        encoder.tls_secrets(&mut self.pending, &fresh);
    }

    /// Adds a frame seen at the file's first vantage point; see [`CaptureFile::frame_at`].
    pub fn frame(&mut self, unix_ns: u64, direction: Option<Direction>, frame: &[u8], comments: &[&str]) {
        self.frame_at(VantageIx(0), unix_ns, direction, frame, comments);
    }

    /// Adds a frame seen at `unix_ns` nanoseconds since 1970, with what was decided about it. Classic pcap keeps frame and time only. A
    /// vantage point that this file does not have sees nothing.
    pub fn frame_at(
        &mut self,
        vantage: VantageIx,
        unix_ns: u64,
        direction: Option<Direction>,
        frame: &[u8],
        comments: &[&str],
    ) {
        let Some(interface) = self.interfaces.get_mut(vantage.0) else { return };
        interface.frame_count += 1;
        match (&mut self.encoder, interface.ix) {
            (Encoder::Pcapng(encoder), Some(interface)) => {
                encoder.packet(&mut self.pending, &Packet { interface, unix_ns, direction, frame, comments });
            }
            (Encoder::Pcap(encoder), _) => encoder.packet(&mut self.pending, unix_ns, frame),
            // Invariant: whoever adds a vantage point to a pcapng file gives it an interface.
            (Encoder::Pcapng(_), None) => {}
        }
    }

    /// Adds a frame seen at the file's first vantage point, save for what was decided about it: that comes with [`CaptureFile::end_frame`], before
    /// anything else is asked of the file. False: one is begun already.
    pub(super) fn begin_frame(&mut self, unix_ns: u64, direction: Option<Direction>, frame: &[u8]) -> bool {
        let (None, Some(first)) = (&self.open, self.interfaces.first_mut()) else { return false };
        match (&mut self.encoder, first.ix) {
            (Encoder::Pcapng(encoder), Some(interface)) => {
                first.frame_count += 1;
                let packet = Packet { interface, unix_ns, direction, frame, comments: &[] };
                self.open = Some(encoder.begin_packet(&mut self.pending, &packet));
            }
            _ => self.frame(unix_ns, direction, frame, &[]),
        }
        true
    }

    /// Adds what was decided about the frame that was begun. Classic pcap has no place for it.
    pub(super) fn end_frame(&mut self, comments: &[&str]) {
        if let (Encoder::Pcapng(encoder), Some(open)) = (&mut self.encoder, self.open.take()) {
            encoder.end_packet(&mut self.pending, open, comments);
        }
    }

    /// Ends the file with its account: for each vantage point the frames it has, and for the first `missed_count` that it should have had.
    pub fn finish(&mut self, unix_ns: u64, missed_count: u64) {
        let Encoder::Pcapng(encoder) = &self.encoder else { return };
        let missed_counts = std::iter::once(missed_count).chain(std::iter::repeat(0));
        for (interface, missed_count) in self.interfaces.iter().zip(missed_counts) {
            let Some(ix) = interface.ix else { continue };
            let received_count = interface.frame_count + missed_count;
            encoder.statistics(&mut self.pending, ix, unix_ns, received_count, missed_count);
        }
    }

    /// Frames written so far.
    pub fn frame_count(&self) -> u64 {
        self.interfaces.iter().map(|interface| interface.frame_count).sum()
    }

    /// Frames, comments and names that were cut at a limit of the format.
    pub fn cut_count(&self) -> u64 {
        match &self.encoder {
            Encoder::Pcapng(encoder) => encoder.cut_count(),
            Encoder::Pcap(encoder) => encoder.cut_count(),
        }
    }

    /// Whole blocks not handed over yet. A caller that writes them itself calls [`CaptureFile::clear_pending`] then; the buffer is kept.
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Forgets the pending bytes: they have been written.
    pub fn clear_pending(&mut self) {
        self.pending.clear();
    }

    /// Writes on into `buffer`, which is emptied, if nothing is pending: a caller that has written what [`CaptureFile::take_pending`] gave
    /// brings the memory back.
    pub fn give_buffer(&mut self, mut buffer: Vec<u8>) {
        if self.pending.is_empty() && buffer.capacity() > self.pending.capacity() {
            buffer.clear();
            self.pending = buffer;
        }
    }

    /// Hands over the whole blocks written since the last call, to be appended to the file.
    pub fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vantage() -> Vantage {
        Vantage { name: "app-1".into(), id: "eni-5f2103c4".into(), description: "app-1's network interface".into() }
    }

    fn occurrences(bytes: &[u8], text: &str) -> usize {
        bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    }

    #[test]
    fn secrets_and_names_are_written_once_and_in_order() {
        let mut file = CaptureFile::new("f.pcapng".into(), &vantage(), None);
        let headers = file.take_pending();
        assert_eq!(occurrences(&headers, "eni-5f2103c4"), 1);

        file.secrets("CLIENT_RANDOM aa bb\n\n# a comment\nCLIENT_RANDOM aa bb\r\n");
        file.secrets("CLIENT_RANDOM aa bb\nCLIENT_RANDOM cc dd");
        let secrets = file.take_pending();
        assert_eq!(occurrences(&secrets, "CLIENT_RANDOM aa bb\n"), 1);
        assert_eq!(occurrences(&secrets, "CLIENT_RANDOM cc dd\n"), 1);
        assert_eq!(occurrences(&secrets, "comment"), 0);
        file.secrets("CLIENT_RANDOM cc dd\n");
        assert_eq!(file.pending(), b"", "nothing new, no block");

        let address = Ipv4Addr::new(172, 31, 0, 10);
        let other = Ipv4Addr::new(172, 31, 0, 2);
        file.names([(address, "zeta"), (other, "beta"), (address, "alpha"), (address, "zeta"), (address, "")]);
        let names = file.take_pending();
        let at = |text: &str| names.windows(text.len()).position(|window| window == text.as_bytes());
        assert_eq!((occurrences(&names, "zeta\0"), occurrences(&names, "alpha\0")), (1, 1));
        assert!(at("beta") < at("zeta") && at("zeta") < at("alpha"), "by address, then as the caller gave them");
        file.names([(address, "alpha")]);
        assert_eq!(file.pending(), b"");
    }

    #[test]
    fn draining_often_or_once_gives_the_same_file() {
        let write = |drain_each: bool| {
            let mut file = CaptureFile::new("f.pcapng".into(), &vantage(), Some("a run"));
            let mut disk = Vec::new();
            for number in 0..20u8 {
                file.frame(u64::from(number), Some(Direction::Inbound), &[number; 60], &["pass"]);
                if drain_each {
                    disk.extend(file.take_pending());
                }
            }
            file.finish(20, 3);
            disk.extend_from_slice(file.pending());
            assert_eq!(file.frame_count(), 20);
            disk
        };
        assert_eq!(write(true), write(false));
    }

    #[test]
    fn a_merged_file_has_an_interface_and_an_account_per_vantage_point() {
        let mut file = CaptureFile::empty("merged.pcapng".into(), Format::Pcapng, None);
        let first = file.add_vantage(&vantage());
        file.frame_at(first, 1, None, &[1; 60], &[]);
        let laptop = Vantage { name: "laptop".into(), id: String::new(), description: "a host on the internet".into() };
        let second = file.add_vantage(&laptop);
        file.frame_at(second, 2, None, &[2; 60], &[]);
        file.frame_at(VantageIx(7), 2, None, &[2; 60], &[]);
        file.finish(3, 0);
        assert_eq!(file.frame_count(), 2);
        assert_eq!(file.vantages().collect::<Vec<_>>(), [("app-1", "eni-5f2103c4"), ("laptop", "")]);
        let bytes = file.take_pending();
        assert_eq!(pcapng::whole_blocks_bytes(&bytes), bytes.len());
        let (_, capture) = pcap_parser::pcapng::parse_pcapng(&bytes).unwrap();
        let kinds: Vec<u32> = capture.sections[0].blocks.iter().map(kind).collect();
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6, 1, 6, 5, 5], "an interface stands before its first frame");
        assert_eq!(occurrences(&bytes, "laptop"), 1, "without an id the name is the interface's");
    }

    fn kind(block: &pcap_parser::Block<'_>) -> u32 {
        use pcap_parser::Block;
        match block {
            Block::SectionHeader(block) => block.block_type,
            Block::InterfaceDescription(block) => block.block_type,
            Block::EnhancedPacket(block) => block.block_type,
            Block::InterfaceStatistics(block) => block.block_type,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn classic_pcap_holds_frames_and_times_only() {
        let mut file = CaptureFile::empty("f.pcap".into(), Format::Pcap, Some("a comment"));
        let ix = file.add_vantage(&vantage());
        file.names([(Ipv4Addr::LOCALHOST, "here")]);
        file.secrets("CLIENT_RANDOM aa bb");
        file.frame_at(ix, 5_000_000_007, Some(Direction::Inbound), &[9; 60], &["pass"]);
        file.finish(9_000_000_000, 0);
        assert_eq!((file.format(), file.frame_count(), file.cut_count()), (Format::Pcap, 1, 0));
        assert_eq!(file.take_pending().len(), 24 + 16 + 60);
    }
}

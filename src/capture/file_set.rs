//! The captures of one run: a file per vantage point, as bytes waiting for someone who may open files.
//!
//! Non-goals: writing to a disk, choosing vantage points. Invariants: [`CaptureFile::pending`] always holds whole blocks and, over the file's
//! life, each byte once; a TLS secret and a name stand in a file once, before whatever follows the call that brought them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::file_name::{FileNames, capture_stem};
use super::pcapng::{Direction, Encoder, InterfaceIx, Packet};

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

/// One capture file of one vantage point.
#[derive(Clone, Debug)]
pub struct CaptureFile {
    file_name: String,
    encoder: Encoder,
    interface: InterfaceIx,
    pending: Vec<u8>,
    received_count: u64,
    named: BTreeSet<(Ipv4Addr, String)>,
    secrets: BTreeSet<String>,
}

impl CaptureFile {
    /// Begins a file; its headers are pending at once, so that a vantage point which sees nothing still leaves a file that opens.
    pub fn new(file_name: String, vantage: &Vantage, comment: Option<&str>) -> Self {
        let mut pending = Vec::new();
        let mut encoder = Encoder::start(&mut pending, USER_APPLICATION, comment);
        let interface_name = if vantage.id.is_empty() { &vantage.name } else { &vantage.id };
        let interface = encoder.interface(&mut pending, interface_name, &vantage.description);
        CaptureFile {
            file_name,
            encoder,
            interface,
            pending,
            received_count: 0,
            named: BTreeSet::new(),
            secrets: BTreeSet::new(),
        }
    }

    /// The name to give the file, without a directory.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Adds names of addresses, of which those the file has already are skipped. Of an address's names Wireshark shows the one given last,
    /// from that place in the file on.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = (Ipv4Addr, &'a str)>) {
        let mut fresh: Vec<(Ipv4Addr, &str)> = names
            .into_iter()
            .filter(|(address, name)| !name.is_empty() && self.named.insert((*address, (*name).to_owned())))
            .collect();
        fresh.sort_by_key(|(address, _)| *address); // stable: the order of an address's names is the caller's
        self.encoder.names(&mut self.pending, fresh);
    }

    /// Adds TLS secrets, lines of an NSS key log, of which those the file has already are skipped. To be called before the frames that
    /// were made together with them: Wireshark decrypts with what it has read so far.
    pub fn secrets(&mut self, lines: &str) {
        let mut fresh = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if self.secrets.insert(line.to_owned()) {
                fresh.push_str(line);
                fresh.push('\n');
            }
        }
        self.encoder.tls_secrets(&mut self.pending, &fresh);
    }

    /// Adds a frame seen at `unix_ns` nanoseconds since 1970, with what was decided about it.
    pub fn frame(&mut self, unix_ns: u64, direction: Option<Direction>, frame: &[u8], comments: &[&str]) {
        self.received_count += 1;
        let packet = Packet { interface: self.interface, unix_ns, direction, frame, comments };
        self.encoder.packet(&mut self.pending, &packet);
    }

    /// Ends the file with its account: the frames it has, and `missed_count` that it should have had.
    pub fn finish(&mut self, unix_ns: u64, missed_count: u64) {
        let received_count = self.received_count + missed_count;
        self.encoder.statistics(&mut self.pending, self.interface, unix_ns, received_count, missed_count);
    }

    /// Frames written so far.
    pub fn frame_count(&self) -> u64 {
        self.received_count
    }

    /// Frames, comments and names that were cut at a limit of the format.
    pub fn cut_count(&self) -> u64 {
        self.encoder.cut_count()
    }

    /// Whole blocks not handed over yet. A caller that writes them itself calls [`CaptureFile::clear_pending`] then; the buffer is kept.
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Forgets the pending bytes: they have been written.
    pub fn clear_pending(&mut self) {
        self.pending.clear();
    }

    /// Hands over the whole blocks written since the last call, to be appended to the file.
    pub fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }
}

/// Dense index of a file in its [`FileSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileIx(usize);

/// All captures of a run, in order of creation.
#[derive(Clone, Debug, Default)]
pub struct FileSet {
    files: Vec<CaptureFile>,
    file_names: FileNames,
}

impl FileSet {
    /// Begins a file for a vantage point; its name is [`super::file_name()`]'s, numbered if it is taken.
    pub fn add(&mut self, vantage: &Vantage, comment: Option<&str>) -> FileIx {
        let file_name = self.file_names.unique(&capture_stem(&vantage.name, &vantage.id), "pcapng");
        self.files.push(CaptureFile::new(file_name, vantage, comment));
        FileIx(self.files.len() - 1)
    }

    /// The file of an index that [`FileSet::add`] of this set returned; `None` for another set's.
    pub fn get_mut(&mut self, file: FileIx) -> Option<&mut CaptureFile> {
        self.files.get_mut(file.0)
    }

    /// The files, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = &CaptureFile> {
        self.files.iter()
    }

    /// The files, in order of creation, to be written and cleared.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut CaptureFile> {
        self.files.iter_mut()
    }

    /// Adds TLS secrets to every file; see [`CaptureFile::secrets`].
    pub fn secrets(&mut self, lines: &str) {
        self.files.iter_mut().for_each(|file| file.secrets(lines));
    }

    /// Adds names of addresses to every file; see [`CaptureFile::names`].
    pub fn names(&mut self, names: &[(Ipv4Addr, &str)]) {
        self.files.iter_mut().for_each(|file| file.names(names.iter().copied()));
    }

    /// Ends every file; see [`CaptureFile::finish`].
    pub fn finish(&mut self, unix_ns: u64) {
        self.files.iter_mut().for_each(|file| file.finish(unix_ns, 0));
    }

    /// Bytes waiting in all files together: when to drain.
    pub fn pending_bytes(&self) -> usize {
        self.files.iter().map(|file| file.pending.len()).sum()
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
    fn a_set_numbers_colliding_names() {
        let mut set = FileSet::default();
        let first = set.add(&vantage(), None);
        let second = set.add(&vantage(), None);
        assert_ne!(first, second);
        let names: Vec<_> = set.iter().map(CaptureFile::file_name).collect();
        assert_eq!(names, ["app-1.eni-5f2103c4.pcapng", "app-1.eni-5f2103c4-2.pcapng"]);

        let before = set.pending_bytes();
        set.get_mut(second).unwrap().frame(1, None, &[0; 14], &[]);
        assert_eq!(set.pending_bytes() - before, 32 + 16, "an enhanced packet block without options");
        set.secrets("CLIENT_RANDOM aa bb");
        set.names(&[(Ipv4Addr::LOCALHOST, "here")]);
        set.finish(2);
        for file in set.iter_mut() {
            assert_eq!(occurrences(file.pending(), "CLIENT_RANDOM aa bb"), 1);
            assert_eq!(occurrences(file.pending(), "here"), 1);
            file.clear_pending();
        }
        assert_eq!(set.pending_bytes(), 0);
    }
}

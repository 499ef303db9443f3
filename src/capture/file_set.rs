//! The captures of one run: a file per vantage point and, if it is wanted, one of all of them.
//!
//! Non-goals: writing to a disk, choosing vantage points. Invariant: in the merged file frames stand in the order in which they were
//! given, which is the order of time.

use std::net::Ipv4Addr;

use super::file::{CaptureFile, Vantage, VantageIx};
use super::file_name::{FileNames, capture_stem};
use super::key_log::KeyLog;
use super::options::Format;
use super::pcapng::Direction;

/// The merged file's name.
pub const MERGED_FILE_NAME: &str = "merged.pcapng";
const MERGED_STEM: &str = "merged";
const MERGED_COMMENT: &str = "All vantage points of a run: a packet stands here once for each that saw it. \
    Open it with the profile vpcsim-merged, whose TCP analysis does not take the copies for retransmissions.";

/// Dense index of a file in its [`FileSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileIx(usize);

/// All captures of a run, in order of creation.
#[derive(Clone, Debug)]
pub struct FileSet {
    format: Format,
    files: Vec<CaptureFile>,
    file_names: FileNames,
    merged: Option<Merged>,
    /// Of a format that holds no secrets itself.
    key_log: Option<KeyLog>,
}

#[derive(Clone, Debug)]
struct Merged {
    file: CaptureFile,
    /// By [`FileIx`].
    vantages: Vec<VantageIx>,
}

impl FileSet {
    /// No files yet: what is added has this form, and stands in a merged pcapng file too if that is wanted.
    pub fn new(format: Format, merged: bool) -> Self {
        let mut file_names = FileNames::default();
        // Reserved in any case, so that a host of that name has the same file name in every run.
        let name = file_names.unique(MERGED_STEM, Format::Pcapng.extension());
        let file = || CaptureFile::empty(name, Format::Pcapng, Some(MERGED_COMMENT));
        FileSet {
            format,
            files: Vec::new(),
            file_names,
            merged: merged.then(|| Merged { file: file(), vantages: Vec::new() }),
            key_log: (format == Format::Pcap).then(KeyLog::default),
        }
    }

    /// Begins a file for a vantage point; its name is [`super::file_name()`]'s, numbered if it is taken.
    pub fn add(&mut self, vantage: &Vantage, comment: Option<&str>) -> FileIx {
        let stem = capture_stem(&vantage.name, &vantage.id);
        let file_name = self.file_names.unique(&stem, self.format.extension());
        if let Some(merged) = &mut self.merged {
            // Both sides of a gateway have its id: the name of the own file tells them apart.
            let ending = format!(".{}", self.format.extension());
            let id = file_name.strip_suffix(&ending).unwrap_or(&file_name).to_owned();
            merged.vantages.push(merged.file.add_vantage(&Vantage { id, ..vantage.clone() }));
        }
        let mut file = CaptureFile::empty(file_name, self.format, comment);
        file.add_vantage(vantage);
        self.files.push(file);
        FileIx(self.files.len() - 1)
    }

    /// The file of an index that [`FileSet::add`] of this set returned; `None` for another set's.
    pub fn get_mut(&mut self, file: FileIx) -> Option<&mut CaptureFile> {
        self.files.get_mut(file.0)
    }

    /// The files of one vantage point each, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = &CaptureFile> {
        self.files.iter()
    }

    /// The files of one vantage point each, in order of creation, to be written and cleared.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut CaptureFile> {
        self.files.iter_mut()
    }

    /// The capture of all vantage points, if it is wanted.
    pub fn merged(&self) -> Option<&CaptureFile> {
        self.merged.as_ref().map(|merged| &merged.file)
    }

    /// The capture of all vantage points, to be written and cleared.
    pub fn merged_mut(&mut self) -> Option<&mut CaptureFile> {
        self.merged.as_mut().map(|merged| &mut merged.file)
    }

    /// The secrets that the files cannot hold.
    pub fn key_log(&self) -> Option<&KeyLog> {
        self.key_log.as_ref()
    }

    /// The secrets that the files cannot hold, to be written and cleared.
    pub fn key_log_mut(&mut self) -> Option<&mut KeyLog> {
        self.key_log.as_mut()
    }

    /// Whether any file has room for what was decided about a frame.
    pub fn has_comments(&self) -> bool {
        self.format == Format::Pcapng || self.merged.is_some()
    }

    /// Adds a frame to a vantage point's file, and to the merged one; see [`CaptureFile::frame_at`].
    pub fn frame(&mut self, file: FileIx, unix_ns: u64, direction: Option<Direction>, frame: &[u8], comments: &[&str]) {
        if let Some(own) = self.files.get_mut(file.0) {
            own.frame(unix_ns, direction, frame, comments);
        }
        if let Some(merged) = &mut self.merged
            && let Some(vantage) = merged.vantages.get(file.0)
        {
            merged.file.frame_at(*vantage, unix_ns, direction, frame, comments);
        }
    }

    /// Begins a frame in a vantage point's file; see [`CaptureFile::begin_frame`]. False: it is to be added by [`FileSet::frame`] when its comments are
    /// known, because the file has one begun or there is a merged file, which holds the frames of all in their order.
    pub(super) fn begin_frame(
        &mut self,
        file: FileIx,
        unix_ns: u64,
        direction: Option<Direction>,
        frame: &[u8],
    ) -> bool {
        let own = self.files.get_mut(file.0).filter(|_| self.merged.is_none());
        own.is_some_and(|own| own.begin_frame(unix_ns, direction, frame))
    }

    /// Ends the frame that [`FileSet::begin_frame`] has begun.
    pub(super) fn end_frame(&mut self, file: FileIx, comments: &[&str]) {
        if let Some(own) = self.files.get_mut(file.0) {
            own.end_frame(comments);
        }
    }

    /// Adds one line of TLS secrets to the files that saw its connection, and to what is there for all; see [`CaptureFile::secrets`].
    pub fn secret_of(&mut self, files: &[FileIx], line: &str) {
        for file in files {
            if let Some(file) = self.files.get_mut(file.0) {
                file.secrets(line);
            }
        }
        if files.is_empty() {
            return;
        }
        if let Some(merged) = &mut self.merged {
            merged.file.secrets(line);
        }
        if let Some(key_log) = &mut self.key_log {
            key_log.add(line);
        }
    }

    /// Adds names of addresses to every file; see [`CaptureFile::names`].
    pub fn names(&mut self, names: &[(Ipv4Addr, &str)]) {
        self.every_file().for_each(|file| file.names(names.iter().copied()));
    }

    /// Ends every file; see [`CaptureFile::finish`].
    pub fn finish(&mut self, unix_ns: u64) {
        self.every_file().for_each(|file| file.finish(unix_ns, 0));
    }

    /// Bytes waiting in all files together: when to drain.
    pub fn pending_bytes(&self) -> usize {
        let own: usize = self.files.iter().map(|file| file.pending().len()).sum();
        own + self.merged().map_or(0, |file| file.pending().len()) + self.key_log().map_or(0, |log| log.pending().len())
    }

    fn every_file(&mut self) -> impl Iterator<Item = &mut CaptureFile> {
        self.files.iter_mut().chain(self.merged.as_mut().map(|merged| &mut merged.file))
    }
}

impl Default for FileSet {
    fn default() -> Self {
        FileSet::new(Format::default(), false)
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
    fn a_set_numbers_colliding_names() {
        let mut set = FileSet::default();
        let first = set.add(&vantage(), None);
        let second = set.add(&vantage(), None);
        assert_ne!(first, second);
        set.add(&Vantage { name: "Merged".into(), id: String::new(), description: String::new() }, None);
        let names: Vec<_> = set.iter().map(CaptureFile::file_name).collect();
        assert_eq!(names, ["app-1.eni-5f2103c4.pcapng", "app-1.eni-5f2103c4-2.pcapng", "Merged-2.pcapng"]);

        let before = set.pending_bytes();
        set.frame(second, 1, None, &[0; 14], &[]);
        assert_eq!(set.pending_bytes() - before, 32 + 16, "an enhanced packet block without options");
        set.secret_of(&[first, second], "CLIENT_RANDOM aa bb");
        set.names(&[(Ipv4Addr::LOCALHOST, "a-host")]);
        set.finish(2);
        for (position, file) in set.iter_mut().enumerate() {
            assert_eq!(occurrences(file.pending(), "CLIENT_RANDOM aa bb"), usize::from(position < 2));
            assert_eq!(occurrences(file.pending(), "a-host"), 1);
            file.clear_pending();
        }
        assert_eq!(set.pending_bytes(), 0);
        assert!(set.merged().is_none() && set.key_log().is_none());
    }

    #[test]
    fn the_merged_file_has_everything_once_and_pcap_has_a_key_log() {
        let mut set = FileSet::new(Format::Pcap, true);
        let files = [set.add(&vantage(), None), set.add(&vantage(), None)];
        set.names(&[(Ipv4Addr::LOCALHOST, "a-host")]);
        set.secret_of(&[], "CLIENT_RANDOM nobody saw");
        set.secret_of(&files, "CLIENT_RANDOM aa bb");
        set.secret_of(&files, "CLIENT_RANDOM aa bb");
        files.iter().for_each(|file| set.frame(*file, 1, None, &[0xab; 60], &["pass"]));
        set.finish(2);
        let merged = set.merged_mut().unwrap();
        assert_eq!((merged.file_name(), merged.frame_count()), ("merged.pcapng", 2));
        let bytes = merged.take_pending();
        for text in ["CLIENT_RANDOM aa bb", "a-host", "app-1.eni-5f2103c4-2"] {
            assert_eq!(occurrences(&bytes, text), 1, "{text}");
        }
        assert_eq!(occurrences(&bytes, "nobody saw"), 0);
        assert_eq!(set.key_log().map(|log| (log.pending(), log.line_count())), Some(("CLIENT_RANDOM aa bb\n", 1)));
        assert!(set.iter().all(|file| file.file_name().ends_with(".pcap") && file.frame_count() == 1));
    }
}

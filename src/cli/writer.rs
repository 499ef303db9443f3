//! Files that grow while a run goes on, written by a thread of their own.
//!
//! Purpose: the simulation never waits for a disk unless it is [`BUFFERS_UNDER_WAY_MAX`] buffers ahead of it. Whole buffers are handed over, and come back
//! empty to be filled again: in the steady state nothing is copied and nothing allocated. Non-goals: what the bytes mean, when a buffer is full enough
//! ([`HAND_OVER_BYTES`] is a good moment), small files that are written once.
//!
//! Invariants: a buffer holds whole records, and its bytes are appended in the order of the calls; after a failed write the file is cut back to its last whole
//! record, the other files keep what they have, and nothing more is written to any.
//!
//! A process that is killed leaves what was written: files only grow, and have no byte beyond their records. (A kernel that takes a `SIGKILL` in the midst of a
//! write stops at the end of a page; readers then find a torn last record, say so, and show all before it.) That is why nothing is preallocated. A length set
//! in advance would leave zeros, on which readers choke, and saves nothing; `fallocate` with `FALLOC_FL_KEEP_SIZE` would do no harm, but measured here, in
//! gigabytes for each second of CPU (Linux 6.18, 256 KiB a write): tmpfs 3.5 with plain appends, 3.5 with `set_len`, 3.2 with `fallocate`; ext4 5.6, 5.6, 6.3.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// How long a buffer should be when it is handed over: with what one more round of the simulation adds, 256 KiB are about what a system call writes best.
pub const HAND_OVER_BYTES: usize = 192 * 1024;
/// Buffers that may wait for the disk. Whoever hands over one more waits.
pub const BUFFERS_UNDER_WAY_MAX: usize = 32;

/// How many bytes at the front of a part of a file are whole records; the flag says whether the part begins the file.
pub type WholeBytes = fn(&[u8], bool) -> usize;

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}{}", path.display(), kept(*kept_bytes))]
pub struct WriteError {
    /// Which file.
    pub path: PathBuf,
    /// Its length now: whole records only. 0: it is not there.
    pub kept_bytes: u64,
    /// Why.
    pub source: io::Error,
}

fn kept(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!("; the {bytes} bytes it holds are whole") }
}

/// Appends to the files of one directory. Files are opened, and emptied, when the first bytes for them come.
#[derive(Debug)]
pub struct FileWriter {
    directory: PathBuf,
    /// By name, in order of the first append.
    numbers: BTreeMap<String, usize>,
    thread: Option<WritingThread>,
    has_failed: bool,
}

#[derive(Debug)]
struct WritingThread {
    jobs: Sender<Job>,
    empties: Receiver<Vec<u8>>,
    handle: JoinHandle<Result<(), WriteError>>,
}

struct Job {
    file: usize,
    /// Of the first job for a file.
    open: Option<(PathBuf, WholeBytes)>,
    bytes: Vec<u8>,
}

impl FileWriter {
    /// A writer of files in `directory`, which must exist. The thread starts with the first bytes.
    pub fn new(directory: &Path) -> FileWriter {
        FileWriter { directory: directory.to_owned(), numbers: BTreeMap::new(), thread: None, has_failed: false }
    }

    /// Hands over bytes for a file, and returns an empty buffer, used before if there is one. Waits while too many buffers are under way.
    ///
    /// # Errors
    /// An earlier write failed; which, and why.
    pub fn append(&mut self, name: &str, bytes: Vec<u8>, whole_bytes: WholeBytes) -> Result<Vec<u8>, WriteError> {
        if bytes.is_empty() {
            return Ok(bytes);
        }
        if self.has_failed {
            let source = io::Error::other("an earlier write failed");
            return Err(WriteError { path: self.directory.join(name), kept_bytes: 0, source });
        }
        let (file, open) = match self.numbers.get(name) {
            Some(file) => (*file, None),
            None => {
                self.numbers.insert(name.to_owned(), self.numbers.len());
                (self.numbers.len() - 1, Some((self.directory.join(name), whole_bytes)))
            }
        };
        if self.thread.is_none() {
            self.thread = Some(self.start()?);
        }
        let Some(thread) = &self.thread else { return Ok(Vec::new()) };
        if thread.jobs.send(Job { file, open, bytes }).is_err() {
            // The thread is gone, and has left word why.
            self.finish()?;
        }
        Ok(self.thread.as_ref().and_then(|thread| thread.empties.try_recv().ok()).unwrap_or_default())
    }

    /// Whether something was handed over for the file.
    pub fn has(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A write failed.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        let Some(WritingThread { jobs, empties, handle }) = self.thread.take() else { return Ok(()) };
        drop((jobs, empties));
        // What would be appended after this would empty the files first.
        self.has_failed = true;
        handle.join().unwrap_or_else(|_| {
            let source = io::Error::other("the thread that writes has panicked");
            Err(WriteError { path: self.directory.clone(), kept_bytes: 0, source })
        })
    }

    fn start(&self) -> Result<WritingThread, WriteError> {
        let (jobs, incoming) = bounded::<Job>(BUFFERS_UNDER_WAY_MAX);
        let (returned, empties) = bounded(BUFFERS_UNDER_WAY_MAX);
        let started = std::thread::Builder::new().name("files".to_owned()).spawn(move || {
            let mut files = Vec::new();
            for Job { file, open, mut bytes } in incoming {
                if let Some((path, whole_bytes)) = open {
                    files.push(Growing::open(path, whole_bytes)?);
                }
                // Invariant: files are numbered in the order in which their first job comes.
                Growing::append(&mut files[file], &bytes)?;
                bytes.clear();
                // If there are enough of them, it goes back to the allocator.
                let _ = returned.try_send(bytes);
            }
            Ok(())
        });
        let handle = started.map_err(|source| WriteError { path: self.directory.clone(), kept_bytes: 0, source })?;
        Ok(WritingThread { jobs, empties, handle })
    }
}

/// What was handed over is written, whatever else went wrong. Whoever wants to know whether it could be calls [`FileWriter::finish`].
impl Drop for FileWriter {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

#[derive(Debug)]
struct Growing {
    file: File,
    path: PathBuf,
    /// Length of the file in whole records.
    length: u64,
    whole_bytes: WholeBytes,
}

impl Growing {
    fn open(path: PathBuf, whole_bytes: WholeBytes) -> Result<Growing, WriteError> {
        match OpenOptions::new().create(true).write(true).truncate(true).open(&path) {
            Ok(file) => Ok(Growing { file, path, length: 0, whole_bytes }),
            Err(source) => Err(WriteError { path, kept_bytes: 0, source }),
        }
    }

    fn append(&mut self, records: &[u8]) -> Result<(), WriteError> {
        if let Err(source) = self.file.write_all(records) {
            // Keep whole records only. If even that fails, the reader finds a torn last one.
            self.length += (self.whole_bytes)(self.written_of(records), self.length == 0) as u64;
            let _ = match self.length {
                0 => fs::remove_file(&self.path),
                length => self.file.set_len(length),
            };
            return Err(WriteError { path: self.path.clone(), kept_bytes: self.length, source });
        }
        self.length += records.len() as u64;
        Ok(())
    }

    /// What reached the disk of `records`.
    fn written_of<'r>(&self, records: &'r [u8]) -> &'r [u8] {
        let on_disk = self.file.metadata().map_or(self.length, |metadata| metadata.len());
        let written = on_disk.saturating_sub(self.length).min(records.len() as u64) as usize;
        &records[..written]
    }
}

/// [`WholeBytes`] of text: up to the last line's end.
pub fn whole_lines(bytes: &[u8], _at_start: bool) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_grow_in_the_order_of_the_calls_and_buffers_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = FileWriter::new(directory.path());
        let (mut expected, mut recycled) = ([Vec::new(), Vec::new()], 0);
        let mut spare = Vec::new();
        for round in 0..500usize {
            let (name, position) = if round % 3 == 0 { ("a", 0) } else { ("b", 1) };
            recycled += usize::from(Vec::capacity(&spare) > 0);
            spare.extend(format!("{round}\n").as_bytes());
            expected[position].extend_from_slice(&spare);
            spare = writer.append(name, spare, whole_lines).unwrap();
            assert!(spare.is_empty());
        }
        assert!(writer.has("a") && !writer.has("c"));
        writer.finish().unwrap();
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), expected[0]);
        assert_eq!(fs::read(directory.path().join("b")).unwrap(), expected[1]);
        assert!(recycled > 0, "no buffer came back");
        let late = writer.append("a", vec![b'x'], whole_lines).unwrap_err();
        assert!(late.to_string().ends_with("an earlier write failed"), "{late}");
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), expected[0]);
    }

    #[test]
    fn a_full_disk_is_named_at_the_latest_by_finish() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", directory.path().join("full")).unwrap();
        let mut writer = FileWriter::new(directory.path());
        writer.append("good", b"line\n".to_vec(), whole_lines).unwrap();
        writer.append("full", b"line\n".to_vec(), whole_lines).unwrap();
        let error = writer.finish().unwrap_err();
        assert_eq!(error.path, directory.path().join("full"));
        assert!(error.to_string().contains("No space left on device"), "{error}");
        assert_eq!(fs::read(directory.path().join("good")).unwrap(), b"line\n");

        // Whoever goes on hears of it as well, and soon.
        std::os::unix::fs::symlink("/dev/full", directory.path().join("full")).unwrap();
        let mut writer = FileWriter::new(directory.path());
        let heard = (0..=BUFFERS_UNDER_WAY_MAX + 1).any(|_| {
            let appended = writer.append("full", b"line\n".to_vec(), whole_lines);
            appended.is_err_and(|error| error.source.kind() == io::ErrorKind::StorageFull)
        });
        assert!(heard || writer.finish().is_err());
    }
}

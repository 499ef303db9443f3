//! The directory a run writes: emptied if it is ours, refused if it is not, whole packets only whatever happens.

use super::error::CliError;
use super::writer::{FileWriter, HAND_OVER_BYTES, WholeBytes, whole_lines};
use crate::capture::{CaptureFile, FileSet, Format, key_log, profile};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Marks a directory as written by vpcsim, so that the next run may empty it.
const MARKER: &str = ".vpcsim";
const MARKER_TEXT: &str =
    "This directory was written by vpcsim; its next run with the same --out replaces what is in it.\n";
/// Latencies over time.
pub(super) const LATENCY_LOG: &str = "latency.hlog";
/// Latencies as a picture.
pub(super) const LATENCY_PICTURE: &str = "latency.svg";
/// Bytes of captures that may wait in buffers that are not full.
const PENDING_BYTES_MAX: usize = 4 << 20;
/// What this machine's clock said, and so all that differs between two runs.
pub(super) const MEASURED: &str = "measured";
/// The result's name.
pub(super) const RESULT: &str = "result.json";

/// The directory of one run.
#[derive(Debug)]
pub(super) struct OutputDir {
    path: PathBuf,
    /// What is written while the run goes on.
    growing: FileWriter,
}

impl OutputDir {
    /// Makes the directory, or empties it if an earlier run wrote it.
    ///
    /// # Errors
    /// It holds files of others, or cannot be written.
    pub(super) fn prepare(path: &Path) -> Result<OutputDir, CliError> {
        let fail = |source| CliError::Write { path: path.to_owned(), source };
        if let Some(file) = path.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir()) {
            return Err(CliError::NotADirectory { path: path.to_owned(), file: file.to_owned() });
        }
        fs::create_dir_all(path).map_err(fail)?;
        let is_empty = fs::read_dir(path).map_err(fail)?.next().is_none();
        if !is_empty && !path.join(MARKER).is_file() {
            return Err(CliError::NotOurs { path: path.to_owned() });
        }
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?.path();
            if is_ours(&entry) {
                let removed = if entry.is_dir() { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
                removed.map_err(|source| CliError::Write { path: entry.clone(), source })?;
            }
        }
        let dir = OutputDir { path: path.to_owned(), growing: FileWriter::new(path) };
        dir.write(MARKER, MARKER_TEXT.as_bytes())?;
        Ok(dir)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one whole file, or none.
    ///
    /// # Errors
    /// The file, and why.
    pub(super) fn write(&self, name: &str, contents: &[u8]) -> Result<(), CliError> {
        let path = self.path.join(name);
        let fail = |source| CliError::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        fs::write(&path, contents).map_err(|source| {
            // Half a file would only mislead. Should that fail too, the error is reported all the same.
            let _ = fs::remove_file(&path);
            fail(source)
        })
    }

    /// Appends what waits in the captures, once it is much.
    ///
    /// # Errors
    /// A file, and why it could not be written. It then ends with a whole block.
    pub(super) fn drain(&mut self, captures: &mut FileSet) -> Result<(), CliError> {
        let mut waiting_bytes = 0;
        for file in captures.iter_mut() {
            if file.pending().len() >= HAND_OVER_BYTES {
                self.append_capture(file)?;
            }
            waiting_bytes += file.pending().len();
        }
        if waiting_bytes < PENDING_BYTES_MAX { Ok(()) } else { self.flush(captures) }
    }

    /// Appends what waits in the captures; the merged one is [`OutputDir::append_capture`]'s.
    ///
    /// # Errors
    /// As [`OutputDir::drain`].
    pub(super) fn flush(&mut self, captures: &mut FileSet) -> Result<(), CliError> {
        captures.iter_mut().try_for_each(|file| self.append_capture(file))?;
        if let Some(secrets) = captures.key_log_mut() {
            self.growing.append(key_log::FILE_NAME, secrets.pending().as_bytes().to_vec(), whole_lines)?;
            secrets.clear_pending();
        }
        Ok(())
    }

    /// Appends what waits in one capture.
    ///
    /// # Errors
    /// As [`OutputDir::drain`].
    pub(super) fn append_capture(&mut self, file: &mut CaptureFile) -> Result<(), CliError> {
        let whole_bytes: WholeBytes = match file.format() {
            Format::Pcapng => |bytes, at_start| Format::Pcapng.whole_bytes(bytes, at_start),
            Format::Pcap => |bytes, at_start| Format::Pcap.whole_bytes(bytes, at_start),
        };
        let bytes = file.take_pending();
        let spare = self.growing.append(file.file_name(), bytes, whole_bytes)?;
        file.give_buffer(spare);
        Ok(())
    }

    /// Appends whole lines to the log of latencies.
    ///
    /// # Errors
    /// As [`OutputDir::drain`]; the file then ends with a whole line.
    pub(super) fn append_latencies(&mut self, lines: String) -> Result<(), CliError> {
        self.growing.append(LATENCY_LOG, lines.into_bytes(), whole_lines)?;
        Ok(())
    }

    /// Whether something was appended to the file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.growing.has(name)
    }

    /// Waits until all that was appended is written.
    ///
    /// # Errors
    /// As [`OutputDir::drain`].
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        Ok(self.growing.finish()?)
    }

    /// Writes the Wireshark profiles below `wireshark/profiles`; the one for merged captures if there is one.
    ///
    /// # Errors
    /// The file, and why.
    pub(super) fn write_profiles(&self, is_merged: bool) -> Result<(), CliError> {
        let write = |profile: &str, name: &str, contents: &str| {
            self.write(&format!("wireshark/profiles/{profile}/{name}"), contents.as_bytes())
        };
        for (name, contents) in profile::FILES {
            write(profile::NAME, name, contents)?;
        }
        for (name, contents) in profile::files_for_merged().into_iter().filter(|_| is_merged) {
            write(profile::NAME_FOR_MERGED, name, &contents)?;
        }
        Ok(())
    }
}

/// What a run writes, and so what a run may remove.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    if path.is_dir() {
        return ["wireshark", MEASURED].contains(&name.as_str());
    }
    [RESULT, LATENCY_LOG, LATENCY_PICTURE, key_log::FILE_NAME].contains(&name.as_str())
        || matches!(extension.as_str(), "pcapng" | "pcap" | "hgrm")
}

/// Prints to stdout; a reader who leaves is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_to(text, false)
}

/// Prints, on standard error if standard output has a capture's reader. A reader that leaves is success.
pub(super) fn print_to(text: &str, on_stderr: bool) -> io::Result<()> {
    let written = if on_stderr {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

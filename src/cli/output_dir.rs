//! The directory a run writes: emptied if it is ours, refused if it is not, whole packets only whatever happens.

use super::error::CliError;
use crate::capture::{FileSet, profile};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Marks a directory as written by vpcsim, so that the next run may empty it.
const MARKER: &str = ".vpcsim";
const MARKER_TEXT: &str =
    "This directory was written by vpcsim; its next run with the same --out replaces what is in it.\n";
/// Bytes of captures that may wait in memory.
const PENDING_BYTES_MAX: usize = 1 << 20;
/// The result's name.
pub(super) const RESULT: &str = "result.json";

/// The directory of one run.
#[derive(Debug)]
pub(super) struct OutputDir {
    path: PathBuf,
    captures: BTreeMap<String, Capture>,
}

#[derive(Debug)]
struct Capture {
    file: File,
    path: PathBuf,
    /// Length of the file in whole blocks.
    length: u64,
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
        let dir = OutputDir { path: path.to_owned(), captures: BTreeMap::new() };
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
    /// The file, and why. The file then ends with a whole block.
    pub(super) fn drain(&mut self, captures: &mut FileSet) -> Result<(), CliError> {
        if captures.pending_bytes() < PENDING_BYTES_MAX { Ok(()) } else { self.flush(captures) }
    }

    /// Appends what waits in the captures.
    ///
    /// # Errors
    /// As [`OutputDir::drain`].
    pub(super) fn flush(&mut self, captures: &mut FileSet) -> Result<(), CliError> {
        for file in captures.iter_mut() {
            if file.pending().is_empty() {
                continue;
            }
            let name = file.file_name().to_owned();
            let capture = match self.captures.entry(name) {
                std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::btree_map::Entry::Vacant(closed) => {
                    let path = self.path.join(closed.key());
                    let opened = OpenOptions::new().create(true).write(true).truncate(true).open(&path);
                    let opened = opened.map_err(|source| CliError::Write { path: path.clone(), source })?;
                    closed.insert(Capture { file: opened, path, length: 0 })
                }
            };
            capture.append(file.pending())?;
            file.clear_pending();
        }
        Ok(())
    }

    /// Writes the Wireshark profile below `wireshark/profiles/vpcsim`.
    ///
    /// # Errors
    /// The file, and why.
    pub(super) fn write_profile(&self) -> Result<(), CliError> {
        profile::FILES.iter().try_for_each(|(name, contents)| {
            self.write(&format!("wireshark/profiles/{}/{name}", profile::NAME), contents.as_bytes())
        })
    }
}

impl Capture {
    fn append(&mut self, blocks: &[u8]) -> Result<(), CliError> {
        let written = self.file.write_all(blocks);
        if let Err(source) = written {
            // Keep whole packets only. If even that fails, the reader finds a torn last block.
            self.length += crate::capture::pcapng::whole_blocks_bytes(&self.torn_tail(blocks)) as u64;
            let _ = match self.length {
                0 => fs::remove_file(&self.path),
                length => self.file.set_len(length),
            };
            return Err(CliError::Write { path: self.path.clone(), source });
        }
        self.length += blocks.len() as u64;
        Ok(())
    }

    /// What reached the disk of `blocks`.
    fn torn_tail(&self, blocks: &[u8]) -> Vec<u8> {
        let on_disk = self.file.metadata().map_or(self.length, |metadata| metadata.len());
        let written = on_disk.saturating_sub(self.length).min(blocks.len() as u64) as usize;
        blocks[..written].to_vec()
    }
}

/// What a run writes, and so what a run may remove.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    if path.is_dir() { name == "wireshark" } else { name == RESULT || matches!(extension.as_str(), "pcapng" | "hgrm") }
}

/// Writes to a pipe whose reader may leave: that is success.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

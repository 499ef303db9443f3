//! TLS secrets as a text beside the captures, for those that cannot hold them: the NSS key log format, which Wireshark reads by its
//! preference `tls.keylog_file`.
//!
//! Invariant: each line once, whole lines only.

use std::collections::BTreeSet;

/// The file's name.
pub const FILE_NAME: &str = "tlskeys.log";

/// Secrets waiting to be written.
#[derive(Clone, Debug, Default)]
pub struct KeyLog {
    lines: BTreeSet<String>,
    pending: String,
}

impl KeyLog {
    /// Adds one line unless it is there.
    pub fn add(&mut self, line: &str) {
        if self.lines.insert(line.to_owned()) {
            self.pending.push_str(line);
            self.pending.push('\n');
        }
    }

    /// Lines written or waiting.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Lines not handed over yet.
    pub fn pending(&self) -> &str {
        &self.pending
    }

    /// Forgets the pending lines: they have been written.
    pub fn clear_pending(&mut self) {
        self.pending.clear();
    }
}

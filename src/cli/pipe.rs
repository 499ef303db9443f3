//! Standard output as a capture's reader sees it: bytes as they come, until the reader leaves.

use super::error::CliError;
use std::io::{self, IsTerminal, Write};

/// The writing end.
#[derive(Debug)]
pub(super) struct Pipe {
    is_open: bool,
}

impl Pipe {
    /// Takes standard output.
    ///
    /// # Errors
    /// It is a terminal, on which a capture would only ring bells.
    pub(super) fn open() -> Result<Pipe, CliError> {
        if io::stdout().is_terminal() { Err(CliError::PipeIsTerminal) } else { Ok(Pipe { is_open: true }) }
    }

    /// Writes and flushes, so that the reader has it at once. A reader that left is no error: [`Pipe::is_open`] says so then, and nothing more
    /// is written.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        if !self.is_open || bytes.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.is_open = false;
                if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(CliError::Print { source: error }) }
            }
        }
    }

    /// Whether somebody still reads.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }
}

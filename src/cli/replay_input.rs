//! Where the packets of a replay come from, and where they go: a file or an interface in, files and perhaps an interface out.

use super::error::CliError;
use super::output_dir::OutputDir;
use super::run::watch_for_interrupt;
use crate::live::{Interface, LiveError};
use crate::replay::{AddressMap, FileFormat, InputPart, Next, ReadError, Reader, Record, Replay, Survey, link_layer};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes read from the capture at a time, and bytes of a capture that wait before they are written.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of the capture's beginning that are looked at to find whose NIC was captured.
const SURVEY_BYTES_MAX: usize = 4 << 20;
/// What a captured interface has.
const LINKTYPE_ETHERNET: u16 = 1;

/// Where packets come from.
pub(super) enum Input {
    /// A capture.
    File(Capture),
    /// An interface of the machine.
    Live(Live),
}

/// Where frames go that come out.
pub(super) struct Sink<'d> {
    pub(super) dir: &'d mut OutputDir,
    pub(super) interface: Option<Interface>,
    /// Frames that the interface refused, and why the first of them.
    pub(super) unsent: Option<(u64, LiveError)>,
}

/// An interface, and how much came over it.
pub(super) struct Live {
    name: String,
    interface: Interface,
    frames: u64,
    bytes: u64,
}

impl Input {
    /// A file, or standard input.
    pub(super) fn open(path: &Path) -> Result<Input, CliError> {
        Ok(Input::File(Capture::open(path)?))
    }

    /// An interface.
    pub(super) fn listen(name: &str) -> Result<Input, CliError> {
        let interface = Interface::open(name)?;
        Ok(Input::Live(Live { name: name.to_owned(), interface, frames: 0, bytes: 0 }))
    }

    /// Whose NIC it is: a file's first packets tell, or the interface's own address.
    pub(super) fn survey(&mut self, maps: &[AddressMap]) -> Result<Survey, CliError> {
        match self {
            Input::File(capture) => capture.survey(maps),
            Input::Live(live) => Ok(Survey::of_address(live.interface.addresses().first().copied())),
        }
    }

    /// Sends packet after packet, at most `count`, and writes what comes of them.
    pub(super) fn replay(&mut self, replay: &mut Replay, sink: &mut Sink<'_>, count: u64) -> Result<End, CliError> {
        let interrupted = watch_for_interrupt();
        match self {
            Input::File(capture) => capture.replay(replay, sink, count, &interrupted),
            Input::Live(live) => live.replay(replay, sink, count, &interrupted),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Input::File(capture) => capture.path.display().to_string(),
            Input::Live(live) => format!("interface {}", live.name),
        }
    }

    /// Its part of the result.
    pub(super) fn part(&self, error: Option<&ReadError>) -> InputPart {
        let (format, records, bytes_read) = match self {
            Input::Live(live) => ("interface", live.frames, live.bytes),
            Input::File(Capture { reader, .. }) => {
                let is_pcapng = reader.format() == Some(FileFormat::Pcapng);
                (if is_pcapng { "pcapng" } else { "pcap" }, reader.records(), reader.offset())
            }
        };
        InputPart { path: self.name(), format, records, bytes_read, error: error.map(ToString::to_string) }
    }
}

impl Sink<'_> {
    /// Writes what waits for long enough, and sends what came out.
    fn take(&mut self, replay: &mut Replay) -> Result<(), CliError> {
        for file in replay.captures_mut() {
            if file.pending().len() >= CHUNK_BYTES {
                self.dir.append_capture(file)?;
            }
        }
        let Some(interface) = &mut self.interface else { return Ok(()) };
        for frame in replay.take_delivered() {
            if let Err(error) = interface.send(&frame) {
                let unsent = self.unsent.get_or_insert((0, error));
                unsent.0 += 1;
            }
        }
        Ok(())
    }
}

impl Live {
    fn replay(
        &mut self,
        replay: &mut Replay,
        sink: &mut Sink<'_>,
        count: u64,
        interrupted: &AtomicBool,
    ) -> Result<End, CliError> {
        while self.frames < count {
            if interrupted.load(Ordering::Relaxed) {
                return Ok(End::Whole); // the way to end it
            }
            if let Some((unix_ns, bytes)) = self.interface.receive()? {
                self.frames += 1;
                self.bytes += bytes.len() as u64;
                let original_bytes = bytes.len() as u32; // at most what the receiver's buffer holds
                let link_type = LINKTYPE_ETHERNET;
                replay.packet(&Record {
                    number: self.frames,
                    unix_ns: Some(unix_ns),
                    link_type,
                    original_bytes,
                    bytes,
                });
            }
            sink.take(replay)?;
        }
        Ok(End::Whole)
    }
}

/// How reading ended.
pub(super) enum End {
    Whole,
    Broken(ReadError),
    Interrupted,
}

/// A capture.
pub(super) struct Capture {
    path: PathBuf,
    stream: Box<dyn Read>,
    reader: Reader,
    /// What the survey has read, to be read again.
    head: Vec<u8>,
    is_read: bool,
}

impl Capture {
    /// A file, or standard input.
    pub(super) fn open(path: &Path) -> Result<Capture, CliError> {
        let stream: Box<dyn Read> = match path.as_os_str() == "-" {
            true => Box::new(std::io::stdin().lock()),
            false => {
                let opened = File::open(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
                Box::new(opened)
            }
        };
        let (path, reader) = (path.to_owned(), Reader::new());
        Ok(Capture { path, stream, reader, head: Vec::new(), is_read: false })
    }

    /// Reads what comes next of the file into `space`; 0 is its end.
    fn fill(&mut self, space: &mut [u8]) -> Result<usize, CliError> {
        loop {
            match self.stream.read(space) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.map_err(|source| CliError::Read { path: self.path.clone(), source }),
            }
        }
    }

    /// Looks at the first packets, and refuses what is no capture or has no packets that can be read.
    pub(super) fn survey(&mut self, maps: &[AddressMap]) -> Result<Survey, CliError> {
        let (mut survey, mut scout) = (Survey::default(), Reader::new());
        let (mut is_supported, mut unsupported, mut broken) = (false, None, None);
        let refuse = |path: &Path, source| CliError::Capture { path: path.to_owned(), source };
        'survey: while !survey.is_full() && self.head.len() < SURVEY_BYTES_MAX && !self.is_read {
            let from = self.head.len();
            let mut chunk = std::mem::take(&mut self.head);
            chunk.resize(from + CHUNK_BYTES, 0);
            let filled = self.fill(&mut chunk[from..])?;
            chunk.truncate(from + filled);
            self.head = chunk;
            scout.feed(&self.head[from..]);
            if filled == 0 {
                self.is_read = true;
                scout.finish();
            }
            loop {
                match scout.read() {
                    Ok(Next::Record(record)) => {
                        match link_layer::is_supported(record.link_type) {
                            true => is_supported = true,
                            false => unsupported = unsupported.or(Some(record.link_type)),
                        }
                        survey.see(maps, record.link_type, record.bytes);
                    }
                    Ok(Next::More) => break,
                    Ok(Next::End) => break 'survey,
                    Err(error) => {
                        broken = Some(error);
                        break 'survey;
                    }
                }
            }
        }
        // What is broken behind the header is met again.
        if let Some(error) = broken.filter(|_| scout.format().is_none()) {
            return Err(refuse(&self.path, error));
        }
        let of_file = scout.link_type().filter(|link_type| !link_layer::is_supported(*link_type));
        if let Some(number) = of_file.or(unsupported.filter(|_| !is_supported)) {
            return Err(refuse(&self.path, ReadError::LinkType { number }));
        }
        self.reader.feed(&std::mem::take(&mut self.head));
        if self.is_read {
            self.reader.finish();
        }
        Ok(survey)
    }

    /// Shows every record.
    ///
    /// # Errors
    /// The file is broken, or cannot be read.
    pub(super) fn each(&mut self, mut see: impl FnMut(&Record<'_>)) -> Result<(), CliError> {
        loop {
            match self.reader.read() {
                Ok(Next::Record(record)) => see(&record),
                Ok(Next::End) => return Ok(()),
                Ok(Next::More) => self.read_more()?,
                Err(source) => return Err(CliError::Capture { path: self.path.clone(), source }),
            }
        }
    }

    fn read_more(&mut self) -> Result<(), CliError> {
        let Capture { stream, reader, path, .. } = self;
        match stream.read(reader.space(CHUNK_BYTES)) {
            Ok(0) => reader.finish(),
            Ok(filled) => reader.filled(filled),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(CliError::Read { path: path.clone(), source }),
        }
        Ok(())
    }

    fn replay(
        &mut self,
        replay: &mut Replay,
        sink: &mut Sink<'_>,
        count: u64,
        interrupted: &AtomicBool,
    ) -> Result<End, CliError> {
        let mut since = 0;
        while self.reader.records() < count {
            match self.reader.read() {
                Ok(Next::Record(record)) => {
                    since += record.bytes.len();
                    replay.packet(&record);
                    if since < CHUNK_BYTES {
                        continue;
                    }
                }
                Ok(Next::End) => break,
                Err(error) => {
                    sink.take(replay)?;
                    return Ok(End::Broken(error));
                }
                Ok(Next::More) => self.read_more()?,
            }
            since = 0;
            sink.take(replay)?;
            if interrupted.load(Ordering::Relaxed) {
                return Ok(End::Interrupted);
            }
        }
        sink.take(replay)?;
        Ok(End::Whole)
    }
}

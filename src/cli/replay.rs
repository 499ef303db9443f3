//! `vpcsim replay`: opens the capture, drives [`crate::replay`], writes what comes out.
//!
//! Invariants: a file that is no capture, or of a link type that is not supported, is refused before anything is written; of a broken one the good part is replayed, then
//! the error names file, record and byte; whatever ends the replay, every file in the directory is whole.

use super::error::CliError;
use super::output_dir::{OutputDir, RESULT, print};
use super::run::watch_for_interrupt;
use super::source;
use super::table::{Layout, bytes, wrap};
use super::{DONE, INTERRUPTED};
use crate::explain::probe::Sender;
use crate::explain::state;
use crate::replay::{
    AddressMap, Document, FileFormat, InputPart, Next, Options, Pace, ReadError, Reader, Replay, Replies, Survey,
    link_layer,
};
use crate::scenario;
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const EXAMPLES: &str = "\
Examples:
  vpcsim replay tutorial --in capture.pcap --at app-public --out out/replay
  vpcsim replay tutorial --in capture.pcapng --at app-private --after fixed --out out/replay
  vpcsim replay my-vpc.toml --in capture.pcap --at app-1 --map 10.0.0.0/16=172.31.0.0/16 --out out/replay
  vpcsim replay my-vpc.toml --in capture.pcap --at app-1 --replies generated --out out/replay --json
  tcpdump -i eth0 -w - | vpcsim replay my-vpc.toml --in - --at app-1 --out out/replay

The capture is taken for that of the NIC of --at. If no packet has that host's own address, the address that most
packets have stands for it. What that address begins leaves from --at; recorded answers enter where the request came
out, addressed to what arrived there. What a peer begins enters at the host that has the peer's address: an outside
host, a service, another instance. Wrong checksums are computed anew; packets cut by the snap length are filled up
with zeros if their headers are whole.

Written are a capture for each host where packets came out, drops.pcapng with the reason in each frame's comment, and
result.json. Links take no time here: frames come out when they went in.

Exit codes: 0 replayed, lost packets included, 2 error: of a broken capture, the part before the error is replayed";

/// Bytes read from the capture at a time, and bytes of a capture that wait before they are written.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of the capture's beginning that are looked at to find whose NIC was captured.
const SURVEY_BYTES_MAX: usize = 4 << 20;
/// Translations that the screen shows; `result.json` has more.
const TRANSLATIONS_SHOWN_MAX: usize = 10;

/// What can be typed after `vpcsim replay`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArguments {
    /// Scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The capture, pcap or pcapng; - is standard input
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Whose NIC the capture stands for: an instance, an outside host or a host on premises
    #[arg(long, value_name = "HOST")]
    at: String,
    /// Directory to write to; emptied first if an earlier run wrote it, refused if it holds anything else
    #[arg(long, value_name = "DIR", default_value = "out/replay")]
    out: PathBuf,
    /// The network after this step of the timeline [default: as the scenario begins]
    #[arg(long, value_name = "STEP")]
    after: Option<String>,
    /// Where answers come from: the capture, or made up where requests come out (turned round, as long as they were)
    #[arg(long, value_enum, default_value = "recorded")]
    replies: RepliesArgument,
    /// Addresses of the capture that become others, block for block of one length; may be given several times
    #[arg(long, value_name = "CIDR=CIDR")]
    map: Vec<AddressMap>,
    /// How simulated time passes: as in the capture, or a microsecond a packet
    #[arg(long, value_enum, default_value = "capture")]
    pace: PaceArgument,
    /// Form of the captures written; pcap is faster to write and holds no reasons
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "pcapng")]
    format: super::args::PcapFormat,
    /// Print the result as JSON on stdout, and nothing else
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RepliesArgument {
    Recorded,
    Generated,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PaceArgument {
    Capture,
    Fast,
}

/// Replays a capture. Returns the exit code.
///
/// # Errors
/// Bad scenario, step or host; no capture, or a broken one.
pub(super) fn run(arguments: &ReplayArguments) -> Result<u8, CliError> {
    let source = source::find(&arguments.scenario)?;
    let scenario = scenario::parse(&source.file_name, &source.text, None)?;
    let state = state::after(&scenario, arguments.after.as_deref())
        .map_err(|error| CliError::state(error, &source.file_name, &source.text, &scenario))?;
    let at = Sender::find(&state.control, &state.names, &arguments.at)?;
    let mut input = Input::open(&arguments.input)?;
    let survey = input.survey(&arguments.map)?;
    refuse_own_input(&arguments.input, &arguments.out)?;
    let options = Options {
        maps: arguments.map.clone(),
        replies: match arguments.replies {
            RepliesArgument::Recorded => Replies::Recorded,
            RepliesArgument::Generated => Replies::Generated,
        },
        pace: match arguments.pace {
            PaceArgument::Capture => Pace::Capture,
            PaceArgument::Fast => Pace::Fast,
        },
        format: arguments.format.into(),
        tracked_connections_max: scenario.settings.tracked_connections_max,
    };
    let mut replay = Replay::new(Arc::clone(state.control.program()), at.host, at.address, &survey, options)?;
    let mut dir = OutputDir::prepare(&arguments.out)?;
    let (end, broken) = match input.replay(&mut replay, &mut dir)? {
        End::Broken(error) => (DONE, Some(error)),
        End::Whole => (DONE, None),
        End::Interrupted => (INTERRUPTED, None),
    };
    replay.finish();
    replay.captures_mut().iter_mut().try_for_each(|file| dir.append_capture(file))?;
    let network = match &arguments.after {
        None => "as the scenario begins".to_owned(),
        Some(step) => format!("after step \"{step}\""),
    };
    let document = replay.document(&source.file_name, &network, input.part(broken.as_ref()));
    let mut json = serde_json::to_string_pretty(&document).map_err(|error| CliError::Print { source: error.into() })?;
    json.push('\n');
    dir.write(RESULT, json.as_bytes())?;
    let text = if arguments.json { json } else { text(&document, dir.path()) };
    print(&text).map_err(|source| CliError::Print { source })?;
    match broken {
        Some(source) => Err(CliError::Capture { path: input.path, source }),
        None => Ok(end),
    }
}

/// The output directory is emptied first: the capture must not lie there.
fn refuse_own_input(input: &Path, out: &Path) -> Result<(), CliError> {
    let (Ok(input), Ok(out)) = (input.canonicalize(), out.canonicalize()) else { return Ok(()) };
    match input.starts_with(&out) {
        true => Err(CliError::InputInOutput { path: input }),
        false => Ok(()),
    }
}

/// How reading ended.
enum End {
    Whole,
    Broken(ReadError),
    Interrupted,
}

/// The capture.
struct Input {
    path: PathBuf,
    stream: Box<dyn Read>,
    reader: Reader,
    /// What the survey has read, to be read again.
    head: Vec<u8>,
    is_read: bool,
}

impl Input {
    fn open(path: &Path) -> Result<Input, CliError> {
        let stream: Box<dyn Read> = match path.as_os_str() == "-" {
            true => Box::new(std::io::stdin().lock()),
            false => {
                let opened = File::open(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
                Box::new(opened)
            }
        };
        let (path, reader) = (path.to_owned(), Reader::new());
        Ok(Input { path, stream, reader, head: Vec::new(), is_read: false })
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
    fn survey(&mut self, maps: &[AddressMap]) -> Result<Survey, CliError> {
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

    /// Sends packet after packet, and writes what comes of them.
    fn replay(&mut self, replay: &mut Replay, dir: &mut OutputDir) -> Result<End, CliError> {
        let interrupted = watch_for_interrupt();
        let mut since = 0;
        loop {
            match self.reader.read() {
                Ok(Next::Record(record)) => {
                    since += record.bytes.len();
                    replay.packet(&record);
                    if since < CHUNK_BYTES {
                        continue;
                    }
                }
                Ok(Next::End) => return Ok(End::Whole),
                Err(error) => return Ok(End::Broken(error)),
                Ok(Next::More) => {
                    let Input { stream, reader, path, .. } = self;
                    let filled = stream.read(reader.space(CHUNK_BYTES));
                    match filled {
                        Ok(0) => reader.finish(),
                        Ok(filled) => reader.filled(filled),
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(source) => return Err(CliError::Read { path: path.clone(), source }),
                    }
                }
            }
            since = 0;
            for file in replay.captures_mut() {
                if file.pending().len() >= CHUNK_BYTES {
                    dir.append_capture(file)?;
                }
            }
            if interrupted.load(Ordering::Relaxed) {
                return Ok(End::Interrupted);
            }
        }
    }

    fn part(&self, error: Option<&ReadError>) -> InputPart {
        InputPart {
            path: self.path.display().to_string(),
            format: match self.reader.format() {
                Some(FileFormat::Pcapng) => "pcapng",
                _ => "pcap",
            },
            records: self.reader.records(),
            bytes_read: self.reader.offset(),
            error: error.map(ToString::to_string),
        }
    }
}

/// The result for the screen.
fn text(document: &Document, dir: &Path) -> String {
    let Document { input, nic, packets, .. } = document;
    let mut text = labelled("replay", &format!("{} at {}, {}", input.path, nic.host, nic.address));
    text += &labelled("", &format!("{}, {}", document.scenario, document.network));
    match nic.address_in_capture {
        Some(address) if address == nic.address => {}
        Some(address) => text += &labelled("", &format!("{address} in the capture stands for {}", nic.host)),
        None => text += &labelled("", "no address stands out in the capture: conversations are split one by one"),
    }
    let sent = packets.sent_from_nic + packets.sent_from_peers;
    let _ = writeln!(text, "\nread       {} packets = {sent} sent + {} skipped", packets.read, packets.skipped);
    let rows = document.skipped.iter().map(|part| vec![part.packets.to_string(), part.why.to_owned()]);
    lines(&mut text, &rows.collect::<Vec<_>>(), &[0]);
    let mut came =
        vec![format!("{} from {}", packets.sent_from_nic, nic.host), format!("{} from peers", packets.sent_from_peers)];
    let more = [
        (packets.answers_made_up, "answers made up"),
        (packets.generated, "made by the VPC"),
        (packets.fragments_made, "fragments made"),
    ];
    came.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let mut went = vec![format!("{} delivered", packets.delivered), format!("{} dropped", packets.dropped)];
    let more = [(packets.fragmented, "split"), (packets.absorbed, "answered by the VPC")];
    went.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    text += &labelled("sent", &format!("{} = {}", came.join(" + "), went.join(" + ")));
    text += if document.delivered.is_empty() { "delivered  nothing\n" } else { "delivered\n" };
    let rows = document.delivered.iter().map(|part| {
        let road = match (&part.via, part.road) {
            (Some(via), _) => format!("via {via}"),
            (None, Some(road)) => road.to_owned(),
            (None, None) => String::new(),
        };
        vec![part.count.packets.to_string(), bytes(part.count.bytes), format!("at {}", part.host), road]
    });
    lines(&mut text, &rows.collect::<Vec<_>>(), &[0, 1]);
    text += if document.dropped.is_empty() { "dropped    nothing\n" } else { "dropped\n" };
    let counts: Vec<String> = document.dropped.iter().map(|part| part.count.packets.to_string()).collect();
    let width = counts.iter().map(String::len).max().unwrap_or(0);
    for (part, count) in document.dropped.iter().zip(counts) {
        let why = wrap(&format!("at {} [{}]: {}", part.at, part.code, part.why), width + 4);
        let _ = write!(text, "  {count:>width$}  {}", why.trim_start());
    }
    if !document.translations.is_empty() {
        text += "translated\n";
        for part in document.translations.iter().take(TRANSLATIONS_SHOWN_MAX) {
            text += &wrap(&format!("{}: {} became {}", part.at, part.before, part.after), 2);
        }
        let rest = document.translations.len().saturating_sub(TRANSLATIONS_SHOWN_MAX) as u64;
        if rest + document.translations_more > 0 {
            let _ = writeln!(text, "  and {} more", rest + document.translations_more);
        }
    }
    let notes = [
        (packets.header_checksums_mended, "IPv4 header checksums were wrong and were computed anew"),
        (packets.transport_checksums_mended, "TCP, UDP or ICMP checksums were wrong and were computed anew"),
        (packets.padded, "packets were cut by the capture and filled up with zeros"),
        (packets.late, "packets were older than the one before and were sent at once"),
        (packets.conversations_forgotten, "conversations, idle for longest, were forgotten"),
    ];
    for (count, what) in notes.iter().filter(|(count, _)| *count > 0) {
        text += &labelled("note", &format!("{count} {what}"));
    }
    text += &labelled("files", &format!("{RESULT}, in {}", dir.display()));
    let rows = document.files.iter().map(|file| vec![file.path.clone(), format!("{} frames", file.frames)]);
    lines(&mut text, &rows.collect::<Vec<_>>(), &[]);
    text
}

/// Columns of a label.
const LABEL: usize = 11;

/// A label, and the text behind it.
fn labelled(label: &str, text: &str) -> String {
    let wrapped = wrap(text, LABEL);
    format!("{label:<LABEL$}{}", wrapped.trim_start())
}

fn lines(text: &mut String, rows: &[Vec<String>], right_aligned: &[usize]) {
    let layout = Layout::of(rows, right_aligned);
    for row in rows {
        text.push_str(&wrap_row(&layout.line(row)));
    }
}

/// A row behind its indent; one that is too long loses its columns.
fn wrap_row(row: &str) -> String {
    let line = format!("  {row}\n");
    if line.chars().count() <= super::table::WIDTH + 1 { line } else { wrap(row, 2) }
}

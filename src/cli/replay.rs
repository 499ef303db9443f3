//! `vpcsim replay`: opens the capture, drives [`crate::replay`], writes what comes out.
//!
//! Invariants: a file that is no capture, or of a link type that is not supported, is refused before anything is written; of a broken one the good part is replayed, then
//! the error names file, record and byte; whatever ends the replay, every file in the directory is whole.

use super::error::CliError;
use super::output_dir::{OutputDir, RESULT, print};
use super::replay_input::{End, Input, Sink};
use super::source;
use super::table::{Layout, bytes, wrap};
use super::{DONE, INTERRUPTED};
use crate::explain::probe::Sender;
use crate::explain::state;
use crate::live::Interface;
use crate::replay::{AddressMap, Document, Options, Pace, Replay, Replies};
use crate::scenario;
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  vpcsim replay tutorial --in capture.pcap --at app-public --out out/replay
  vpcsim replay tutorial --in capture.pcapng --at app-private --after fixed --out out/replay
  vpcsim replay my-vpc.toml --in capture.pcap --at app-1 --map 10.0.0.0/16=172.31.0.0/16
  vpcsim replay my-vpc.toml --in capture.pcap --at app-1 --replies generated --json
  tcpdump -i eth0 -w - | vpcsim replay my-vpc.toml --in - --at app-1
  vpcsim replay my-vpc.toml --in-iface veth1 --count 1000 --at app-1 --out-iface veth2

The capture is taken for that of the NIC of --at. If no packet has that host's own address, the
address that most packets have stands for it. What that address begins leaves from --at; recorded
answers enter where the request came out, addressed to what arrived there. What a peer begins
enters at the host that has the peer's address: an outside host, a service, another instance.
Wrong checksums are computed anew; packets cut by the snap length are filled up with zeros if
their headers are whole; segments that offload left longer than the MSS are cut.

Written are a capture for each host where packets came out, drops.pcapng with the reason in each
frame's comment, and result.json. Links take no time here: frames come out when they went in.

Exit codes: 0 replayed, lost packets included, 2 error (of a broken capture, the part before the
error is replayed), 130 interrupted";

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
    #[arg(long = "in", value_name = "FILE", required_unless_present = "in_iface", conflicts_with = "in_iface")]
    input: Option<PathBuf>,
    /// Replay what comes over this interface of the machine instead, until --count packets or Ctrl-C; needs CAP_NET_RAW
    #[arg(long, value_name = "NAME")]
    in_iface: Option<String>,
    /// Also send what comes out, at whatever host but --at, over this interface of the machine; needs CAP_NET_RAW
    #[arg(long, value_name = "NAME")]
    out_iface: Option<String>,
    /// End after so many packets
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
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
    let mut input = match (&arguments.input, &arguments.in_iface) {
        (Some(path), _) => {
            let input = Input::open(path)?;
            refuse_own_input(path, &arguments.out)?;
            input
        }
        (None, Some(name)) if arguments.out_iface.as_ref() == Some(name) => {
            return Err(CliError::SameInterface { name: name.clone() });
        }
        (None, name) => Input::listen(name.as_deref().unwrap_or_default())?,
    };
    let survey = input.survey(&arguments.map)?;
    let out_iface = arguments.out_iface.as_deref().map(Interface::open).transpose()?;
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
        keeps_delivered: out_iface.is_some(),
        without_memos: false,
    };
    let mut replay = Replay::new(Arc::clone(state.control.program()), at.host, at.address, &survey, options)?;
    let mut dir = OutputDir::prepare(&arguments.out)?;
    let mut sink = Sink { dir: &mut dir, interface: out_iface, unsent: None };
    let ended = input.replay(&mut replay, &mut sink, arguments.count.unwrap_or(u64::MAX))?;
    let unsent = sink.unsent;
    let (end, broken) = match ended {
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
    let mut text = if arguments.json { json } else { text(&document, dir.path()) };
    if let Some((count, first)) = unsent.filter(|_| !arguments.json) {
        text += &labelled("note", &format!("{count} frames could not be sent, the first because {first}"));
    }
    print(&text).map_err(|source| CliError::Print { source })?;
    match broken {
        Some(source) => Err(CliError::Capture { path: input.name().into(), source }),
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
        (packets.segments_cut_more, "by cutting segments"),
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

//! `vpcsim trace`.

use super::error::CliError;
use super::output_dir::print;
use super::run::{EVENTS_A_ROUND, prepare};
use super::source::{self, Source};
use super::table::{WIDTH, wrap, wrap_command, wrap_to};
use super::{DONE, EXPECTATION_FAILED};
use crate::capture::CaptureOptions;
use crate::explain::analysis;
use crate::explain::hints::{Hint, hints};
use crate::explain::mend::{self, Mend};
use crate::explain::probe::{Probe, ProbeProtocol};
use crate::explain::state::{self, Effect, State};
use crate::explain::story::{Row, Story, Variables, tell};
use crate::explain::trace::{LegKind, Traced, trace};
use crate::run::Progress;
use crate::scenario::{self, Scenario};
use crate::time::SimTime;
use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use std::fmt::Write;

const EXAMPLES: &str = "\
Examples:
  vpcsim trace tutorial --from app-private --to dynamodb.us-east-1.amazonaws.com
  vpcsim trace tutorial --from app-public --to dynamodb.us-east-1.amazonaws.com:443 --after fixed
  vpcsim trace my-vpc.toml --from laptop --to app.public:22 --json
  vpcsim trace my-vpc.toml --from app --to 10.0.2.9:53 --protocol udp
  vpcsim trace my-vpc.toml --from app --to laptop --protocol icmp --bytes 9001 --dont-fragment

One packet is followed through the network, and the answer to it back. Before that, only those lines of the timeline
are applied that change the network, up to the step that --after names; nothing is sent for them, and connection
tracking is empty. Whether a program listens at the far end is not looked at. The mend is found by trying.

Exit codes: 0 reachable, 1 not reachable, 2 error";

/// What can be typed after `vpcsim trace`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TraceArguments {
    /// Scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Who sends: an instance or outside host; a gateway endpoint stands for its service
    #[arg(long, value_name = "HOST")]
    from: String,
    /// Whom to reach: a host of the scenario, NAME.public, a DNS name or an address; the port is 443, or 22 of an instance
    #[arg(long, value_name = "NAME_OR_ADDRESS[:PORT]")]
    to: String,
    /// What to send: a SYN, a datagram or an echo request
    #[arg(long, value_enum, default_value = "tcp")]
    protocol: ProtocolArgument,
    /// Source address, if not the sender's own
    #[arg(long, value_name = "ADDRESS")]
    source: Option<std::net::Ipv4Addr>,
    /// Length of the IP packet, to see what the MTUs on the road do to it [default: its headers only]
    #[arg(long, value_name = "BYTES")]
    bytes: Option<u16>,
    /// Set the packet's DF flag: what does not fit is refused, not split
    #[arg(long)]
    dont_fragment: bool,
    /// The network after this step of the timeline [default: as the scenario begins]
    #[arg(long, value_name = "STEP")]
    after: Option<String>,
    /// The network at this time of the timeline, which is run up to there: 4m2s, or 04:02.500
    #[arg(long, value_name = "TIME", conflicts_with = "after")]
    at: Option<String>,
    /// Print the analysis as JSON, shaped like Reachability Analyzer's NetworkInsightsAnalysis
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProtocolArgument {
    Tcp,
    Udp,
    Icmp,
}

/// Traces one packet. Returns the exit code.
///
/// # Errors
/// Bad scenario, no such step, host or destination.
pub(super) fn run(arguments: &TraceArguments) -> Result<u8, CliError> {
    let source = source::find(&arguments.scenario)?;
    let scenario = scenario::parse(&source.file_name, &source.text, None)?;
    let (state, point) = point(arguments, &source, &scenario)?;
    let probe = probe(arguments, &scenario)?;
    let traced = trace(&state.control, &state.names, &probe)?;
    let mend = mend::find(&state.control, &state.names, &probe);
    let story = tell(&traced, &state.control, &state.names);
    let text = match arguments.json {
        true => json(&traced, &state, &point, &story, mend.as_ref())?,
        false => text(&traced, &state, &point, &story, mend.as_ref()),
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(if traced.is_reachable() { DONE } else { EXPECTATION_FAILED })
}

/// The network at the wanted point of the timeline, and the point in words.
fn point(arguments: &TraceArguments, source: &Source, scenario: &Scenario) -> Result<(State, String), CliError> {
    if let Some(text) = &arguments.at {
        let until = time(text).ok_or_else(|| CliError::NotATime { text: text.clone() })?;
        return Ok((state_at(source, scenario, until)?, format!("at {until}, the timeline run up to there")));
    }
    let state = state::after(scenario, arguments.after.as_deref())
        .map_err(|error| CliError::state(error, &source.file_name, &source.text, scenario))?;
    Ok(match &arguments.after {
        None => (state, "as the scenario begins, no step done".to_owned()),
        Some(step) => {
            let done = state.applied.iter().filter(|applied| applied.effect == Effect::Done).count();
            let lines = if done == 1 { "line" } else { "lines" };
            (state, format!("after step \"{step}\", {done} control {lines} applied, no traffic run"))
        }
    })
}

/// The network at a time: when the steps before have ended depends on their packets, so the timeline is run up to there.
fn state_at(source: &Source, scenario: &Scenario, until: SimTime) -> Result<State, CliError> {
    let mut run = prepare(source, scenario.clone(), CaptureOptions::none())?;
    while run.advance_until(until, EVENTS_A_ROUND)? == Progress::Working {}
    let (control, names) = run.network();
    Ok(State { control: control.clone(), names: names.clone(), applied: Vec::new() })
}

/// `4m2s`, `350ms`; `04:02.500`, `1:04:02`.
fn time(text: &str) -> Option<SimTime> {
    if !text.contains(':') {
        return scenario::parse_duration(text).map(|after| SimTime::ZERO + after);
    }
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut seconds: u64 = 0;
    for part in clock.split(':') {
        let part: u64 = part.parse().ok().filter(|part| *part < 1_000_000)?;
        seconds = seconds.checked_mul(60)?.checked_add(part)?;
    }
    let nanoseconds: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let total = seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)?;
    (fraction.len() <= 9).then_some(SimTime::from_nanos(total))
}

fn probe(arguments: &TraceArguments, scenario: &Scenario) -> Result<Probe, CliError> {
    let (to, port) = match arguments.to.rsplit_once(':') {
        // More colons are an IPv6 address, which is refused as such.
        Some((to, digits)) if !to.contains(':') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            match digits.parse() {
                Ok(port) if port > 0 => (to, Some(port)),
                _ => return Err(CliError::NotAPort { text: digits.to_owned() }),
            }
        }
        _ => (arguments.to.as_str(), None),
    };
    let protocol = match arguments.protocol {
        ProtocolArgument::Tcp => ProbeProtocol::Tcp,
        ProtocolArgument::Udp => ProbeProtocol::Udp,
        ProtocolArgument::Icmp => ProbeProtocol::Icmp,
    };
    Ok(Probe {
        protocol,
        source: arguments.source,
        packet_bytes: arguments.bytes,
        dont_fragment: arguments.dont_fragment,
        tracked_connections_max: scenario.settings.tracked_connections_max,
        ..Probe::tcp(&arguments.from, to, port)
    })
}

fn json(traced: &Traced, state: &State, point: &str, story: &Story, mend: Option<&Mend>) -> Result<String, CliError> {
    let mut document = serde_json::json!({
        "NetworkInsightsAnalysis": analysis::analysis(traced, &state.control),
        "Vpcsim": {
            "Point": point,
            "Verdict": story.verdict,
            "Road": traced.road().map(|road| road.class()),
            "SourceSeen": traced.source_seen(),
            "Mend": mend.map(|mend| &mend.lines),
        },
    });
    let notes: Vec<_> = hints(traced, state.control.model()).iter().map(note).collect();
    if !notes.is_empty() {
        document["Vpcsim"]["Notes"] = notes.into();
    }
    let text = serde_json::to_string_pretty(&document);
    text.map(|text| text + "\n").map_err(|error| CliError::Print { source: error.into() })
}

fn note(hint: &Hint) -> serde_json::Value {
    serde_json::json!({"Code": hint.code, "Sentence": hint.sentence})
}

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

fn text(traced: &Traced, state: &State, point: &str, story: &Story, mend: Option<&Mend>) -> String {
    let style = if traced.is_reachable() { GOOD } else { BAD };
    let verdict = match story.verdict.chars().count() <= WIDTH {
        true => story.verdict.clone(),
        false => wrap(&story.verdict, 0).trim_end().to_owned(),
    };
    let mut text = format!("{style}{verdict}{style:#}\n");
    for (position, line) in mend.iter().flat_map(|mend| &mend.lines).enumerate() {
        let label = if position == 0 { "mend: " } else { "then: " };
        text.push_str(&wrap_command(&format!("{label}{line}"), 2));
    }
    if let (Some(reason), None) = (traced.reason(), mend) {
        text.push_str(&wrap(
            &format!("no change of the network was found that mends it; {}", reason.facts().remedy),
            2,
        ));
    }
    for hint in hints(traced, state.control.model()) {
        text.push_str(&wrap(&format!("note [{}]: {}", hint.code, hint.sentence), 2));
    }
    let _ = write!(text, "{FAINT}{}{FAINT:#}", wrap(&format!("network {point}; connection tracking empty"), 2));
    for applied in &state.applied {
        let what = match &applied.effect {
            Effect::Done => continue,
            Effect::Refused(message) => format!("AWS refuses it: {message}"),
            Effect::NotDelivered(code) => format!("{} does not reach the EC2 API [{code}]", applied.on),
        };
        text.push_str(&wrap(&format!("! step \"{}\" changes nothing: {what}", applied.step), 2));
    }
    if traced.destination.asked_dns && traced.leg(LegKind::Resolve).is_none() {
        let Traced { destination, sender, .. } = traced;
        let line = format!("{} is {}, says the resolver of {}", destination.name, destination.address, sender.name);
        let _ = write!(text, "{FAINT}{}{FAINT:#}", wrap(&line, 2));
    }
    text.push('\n');
    table(&mut text, &story.rows);
    text.push('\n');
    variables(&mut text, &story.variables);
    text
}

/// Columns of the execution table, without the number and the gaps: where, check, result, next.
const COLUMNS: [usize; 4] = [27, 26, 32, 5];

fn table(text: &mut String, rows: &[Row]) {
    let head = ["WHERE", "CHECK", "RESULT", "NEXT"].map(|title| vec![title.to_owned()]);
    let _ = write!(text, "{BOLD}{}{BOLD:#}", cells(" #", &head));
    for row in rows {
        let result = row.result.iter().flat_map(|line| wrap_to(line, 0, COLUMNS[2])).collect();
        let lines = [
            wrap_to(&row.place, 0, COLUMNS[0]),
            wrap_to(&row.check, 0, COLUMNS[1]),
            result,
            vec![format!("{:>5}", row.next)],
        ];
        text.push_str(&cells(&format!("{:>2}", row.number), &lines));
    }
}

/// One row of the table, as many lines as its highest cell has.
fn cells(number: &str, columns: &[Vec<String>; 4]) -> String {
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..height {
        let mut row = format!("{:>2}", if line == 0 { number } else { "" });
        for (column, width) in columns.iter().zip(COLUMNS) {
            let cell = column.get(line).map_or("", String::as_str);
            let _ = write!(row, "  {cell:<width$}");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn variables(text: &mut String, variables: &Variables) {
    const NAME: usize = 13;
    let columns = variables.after.len() + 1;
    let width = ((WIDTH - 1 - NAME) / columns).saturating_sub(2).min(24);
    let mut head = vec!["START".to_owned()];
    head.extend(variables.after.iter().map(|number| format!("AFTER {number}")));
    let mut line = |name: &str, values: &[String], style: Style| {
        let cells: Vec<Vec<String>> = values.iter().map(|value| wrap_to(value, 0, width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let mut row = format!(" {:<NAME$}", if line == 0 { name } else { "" });
            for cell in &cells {
                let _ = write!(row, "  {:<width$}", cell.get(line).map_or("", String::as_str));
            }
            let _ = writeln!(text, "{style}{}{style:#}", row.trim_end());
        }
    };
    line("VARIABLE", &head, BOLD);
    for (name, values) in &variables.lines {
        line(name, values, Style::new());
    }
}

//! A run as people read it: one block per step, one row per host, the deciding route below it.
//!
//! Invariant: no line is wider than 100 columns.

use super::table::{WIDTH, bytes, columns, cut, wrap};
use crate::run::{HostResult, RouteDecision, RunResult, StepResult};
use crate::time::{SimDuration, SimTime};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;
use std::path::Path;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const NOTICE: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// The whole summary. Colours are escape codes; the stream that prints it strips them where they do not belong.
pub(super) fn summary(name: &str, result: &RunResult, out: &Path) -> String {
    let mut text = String::new();
    let right = format!("{}, seed {}", result.region, result.seed);
    let title = cut(&format!("{name}  {}", result.title), WIDTH - right.len() - 2);
    let gap = WIDTH - right.len() - title.chars().count();
    let _ = writeln!(text, "{BOLD}{title}{BOLD:#}{:gap$}{FAINT}{right}{FAINT:#}\n", "");
    for (position, step) in result.steps.iter().enumerate() {
        if step.rerun_of_step.is_none() {
            header(&mut text, step);
            if let Some(note) = &step.note {
                let _ = write!(text, "{FAINT}{}{FAINT:#}", wrap(note, 2));
            }
        } else if !follows_its_trigger(&result.steps, position) {
            rerun_header(&mut text, result, step);
        }
        match same_as_first_run(&result.steps, position) {
            Some(first) => {
                let _ = writeln!(text, "  {} again: as in step {}", step.name, first.number);
            }
            None => {
                if step.rerun_of_step.is_some() {
                    let _ = writeln!(text, "  {FAINT}{} again, at {}{FAINT:#}", step.name, SimTime::from_nanos(step.started_ns));
                }
                hosts(&mut text, step);
            }
        }
        after(&mut text, step);
    }
    totals(&mut text, result, out);
    text
}

/// Only what went wrong: what `--quiet` prints.
pub(super) fn failures(result: &RunResult) -> String {
    let mut text = String::new();
    for step in &result.steps {
        failed_checks(&mut text, step);
    }
    text
}

fn header(text: &mut String, step: &StepResult) {
    let right = format!("at {}", SimTime::from_nanos(step.started_ns));
    let left = format!("{} {}", step.number, step.name);
    let room = WIDTH.saturating_sub(left.chars().count() + 3 + right.len() + 2);
    let command = cut(&step.command, room);
    let gap = WIDTH.saturating_sub(left.chars().count() + 3 + command.chars().count() + right.len());
    let _ = writeln!(text, "{BOLD}{left}{BOLD:#}   {command}{:gap$}{FAINT}{right}{FAINT:#}", "");
}

fn rerun_header(text: &mut String, result: &RunResult, step: &StepResult) {
    let trigger = step.rerun_of_step.unwrap_or(0);
    let name = result.steps.iter().find(|other| other.number == trigger).map_or("", |other| other.name.as_str());
    let _ = writeln!(text, "{BOLD}{trigger} {name}{BOLD:#}");
}

/// Whether the entry before stands under the same step, so that no new heading is wanted.
fn follows_its_trigger(steps: &[StepResult], position: usize) -> bool {
    let Some(before) = position.checked_sub(1).and_then(|before| steps.get(before)) else { return false };
    let trigger = steps[position].rerun_of_step;
    Some(before.number) == trigger && before.rerun_of_step.is_none() || before.rerun_of_step == trigger
}

/// The first run of a step that went just like this one: the same roads, sources, exits and deciding routes.
fn same_as_first_run(steps: &[StepResult], position: usize) -> Option<&StepResult> {
    let step = &steps[position];
    step.rerun_of_step?;
    let first = steps[..position].iter().find(|other| other.number == step.number && other.rerun_of_step.is_none())?;
    let alike = |a: &HostResult, b: &HostResult| {
        let routes = |host: &HostResult| host.routes.iter().map(|route| route.sentence.clone()).collect::<Vec<_>>();
        let drops = |host: &HostResult| host.drops.iter().map(|drop| (drop.code, drop.at.clone())).collect::<Vec<_>>();
        a.host == b.host
            && a.exit_code == b.exit_code
            && a.via == b.via
            && a.source_seen == b.source_seen
            && routes(a) == routes(b)
            && drops(a) == drops(b)
    };
    let same = first.hosts.len() == step.hosts.len() && first.hosts.iter().zip(&step.hosts).all(|(a, b)| alike(a, b));
    (same && step.checks.iter().all(|check| check.passed)).then_some(first)
}

fn hosts(text: &mut String, step: &StepResult) {
    let rows: Vec<_> = step.hosts.iter().map(row).collect();
    let lines = columns(&rows, &[4, 5, 6]);
    for (host, line) in step.hosts.iter().zip(lines) {
        let style = if host.ok { GOOD } else { BAD };
        let marked = match line.split_once("  ") {
            Some((name, rest)) if name == host.host => format!("{name}  {style}{rest}{style:#}"),
            _ => line.clone(),
        };
        if line.chars().count() + 2 <= WIDTH {
            let _ = writeln!(text, "  {marked}");
        } else {
            text.push_str(&wrap(&line, 2));
        }
        details(text, host);
    }
}

fn row(host: &HostResult) -> Vec<String> {
    let exit = match (host.ok, host.calls) {
        (true, 0 | 1) => "ok".to_owned(),
        (true, calls) => format!("ok {calls}x"),
        (false, calls) if calls > 1 => format!("{} of {calls} ok", host.calls_ok),
        (false, _) => format!("exit {}", host.exit_code),
    };
    if host.packets == 0 {
        return vec![host.host.clone(), exit];
    }
    let via = match &host.via {
        Some(via) => match (&via.id, via.class) {
            (Some(id), _) => format!("via {id}"),
            (None, _) => "inside the VPC".to_owned(),
        },
        None => "no road".to_owned(),
    };
    let seen = match &host.source_seen {
        Some(address) => format!("seen as {address}"),
        None => "never seen".to_owned(),
    };
    let duration = if host.calls > 1 { host.call_ns_median } else { host.duration_ns };
    vec![
        host.host.clone(),
        exit,
        via,
        seen,
        format!("{} pkts", host.packets),
        bytes(host.bytes),
        SimDuration::from_nanos(duration).to_string(),
    ]
}

fn details(text: &mut String, host: &HostResult) {
    for route in &host.routes {
        text.push_str(&wrap(&route_line(route, host), 4));
    }
    for drop in &host.drops {
        let lost = if drop.packets == 1 { "packet".to_owned() } else { format!("{} packets", drop.packets) };
        let line = format!("{lost} dropped at {} [{}]: {}", drop.at, drop.code, drop.sentence);
        let _ = write!(text, "{BAD}{}{BAD:#}", wrap(&line, 4));
    }
    if host.broken_connections > 0 || host.attempts > host.calls {
        text.push_str(&wrap(&attempts_line(host), 4));
    } else if host.reused_connection {
        text.push_str(&wrap("on a connection that was open already", 4));
    }
    let error = host.stderr.trim();
    if !error.is_empty() {
        let _ = write!(text, "{}", wrap(error.trim_start_matches("aws: [ERROR]: "), 4));
    } else if !host.stdout.trim().is_empty() && host.calls <= 1 {
        let _ = writeln!(text, "    {}", cut(&compact(&host.stdout), WIDTH - 4));
    }
}

fn route_line(route: &RouteDecision, host: &HostResult) -> String {
    let public = host.via.as_ref().is_some_and(|via| via.class == "internet-gateway")
        && route.target.as_ref() == host.via.as_ref().and_then(|via| via.id.as_ref());
    match public && host.stays_on_aws {
        true => format!("{}; public address, stays on the AWS network", route.sentence),
        false => route.sentence.clone(),
    }
}

fn attempts_line(host: &HostResult) -> String {
    let mut parts = Vec::new();
    if host.broken_connections > 0 {
        let what = if host.broken_connections == 1 { "connection" } else { "connections" };
        parts.push(format!("{} open {what} broke", host.broken_connections));
    }
    if host.attempts > host.calls {
        parts.push(format!("{} attempts on {} connections", host.attempts, host.connections_opened));
    }
    parts.join("; ")
}

/// JSON on one line, for a glance.
fn compact(stdout: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(stdout) {
        Ok(value) => value.to_string(),
        Err(_) => stdout.trim().to_owned(),
    }
}

fn after(text: &mut String, step: &StepResult) {
    for warning in &step.warnings {
        let _ = write!(text, "{NOTICE}{}", wrap(&format!("! {}", warning.text), 4));
        if let Some(mend) = &warning.mend {
            text.push_str(&wrap(&format!("! mend: {mend}"), 4));
        }
        let _ = write!(text, "{NOTICE:#}");
    }
    failed_checks(text, step);
}

fn failed_checks(text: &mut String, step: &StepResult) {
    for check in step.checks.iter().filter(|check| !check.passed) {
        let again = if step.rerun_of_step.is_some() { " (again)" } else { "" };
        let line = format!(
            "FAILED {}{again}, {}: expected {} {}, got {}",
            step.name, check.host, check.what, check.expected, check.got
        );
        let _ = write!(text, "{BAD}{}{BAD:#}", wrap(&line, 2));
    }
}

fn totals(text: &mut String, result: &RunResult, out: &Path) {
    text.push('\n');
    let checks = result.checks;
    let style = if checks.failed == 0 { GOOD } else { BAD };
    let total = checks.passed + checks.failed;
    let _ = writeln!(text, "checks   {style}{} of {total} as expected{style:#}", checks.passed);
    let packets = &result.packets;
    let dropped: Vec<_> = packets.dropped.iter().map(|(code, count)| format!("{count} dropped [{code}]")).collect();
    let mut line = format!("{} = {} delivered", packets.injected + packets.generated, packets.delivered);
    for part in dropped {
        let _ = write!(line, " + {part}");
    }
    let _ = write!(line, " + {} answered by the VPC (ARP) + {} queued", packets.absorbed, packets.queued);
    labelled(text, "packets", &line);
    for road in &result.latency {
        let kind = road.kind.as_str().replace('_', " ");
        let nanos = |value| SimDuration::from_nanos(value).to_string();
        let figures = &road.latency;
        let line = format!(
            "{} {kind}: p50 {}, p99 {}, max {} ({} samples)",
            road.road,
            nanos(figures.p50_ns),
            nanos(figures.p99_ns),
            nanos(figures.max_ns),
            figures.count
        );
        labelled(text, "latency", &line);
    }
    let captures = result.files.iter().filter(|file| file.path.ends_with(".pcapng")).count();
    labelled(
        text,
        "files",
        &format!("{}: {captures} captures (.pcapng), latency .hgrm, result.json, Wireshark profile", out.display()),
    );
    if let Some(file) = result.files.iter().find(|file| file.path.ends_with(".pcapng")) {
        let shown = result.steps.iter().flat_map(|step| &step.hosts).find(|host| !host.drops.is_empty());
        let stem = shown.map(|host| format!("{}.", host.host));
        let wanted = stem.and_then(|stem| result.files.iter().find(|file| file.path.starts_with(&stem)));
        let path = out.join(&wanted.unwrap_or(file).path);
        let config = out.join("wireshark");
        labelled(
            text,
            "look",
            &format!("WIRESHARK_CONFIG_DIR={} wireshark -C vpcsim {}", config.display(), path.display()),
        );
        labelled(text, "", "filter: frame.comment contains \"DROP\"");
    }
    labelled(text, "assumed", &format!("{}: \"assumptions\"", out.join("result.json").display()));
    if !result.complete {
        let _ = writeln!(text, "{BAD}INCOMPLETE: interrupted; the files hold what happened until then{BAD:#}");
    }
}

fn labelled(text: &mut String, label: &str, line: &str) {
    let wrapped = wrap(line, 9);
    let _ = write!(text, "{label:<9}{}", &wrapped[9..]);
}

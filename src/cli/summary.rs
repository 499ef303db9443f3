//! A run as people read it: one block per step, one row per host, the deciding route below it.
//!
//! Invariant: no line is wider than 100 columns.

use super::table::{Layout, WIDTH, bytes, cut, wrap, wrap_command};
use crate::capture::{MERGED_FILE_NAME, key_log, profile};
use crate::dataplane::DropReason;
use crate::run::{DropCount, HostResult, RouteDecision, RunResult, StepResult};
use crate::time::{SimDuration, SimTime};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const NOTICE: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// The exit status of `aws` when the service refuses.
const REFUSED: u8 = 254;
/// Lines of a program's output that are shown.
const OUTPUT_LINES_MAX: usize = 12;

/// The whole summary. Colours are escape codes; the stream that prints it strips them where they do not belong.
pub(super) fn summary(name: &str, result: &RunResult, out: &Path, incomplete_because: &str) -> String {
    let mut text = String::new();
    let right = format!("{}, seed {}", result.region, result.seed);
    let name = cut(name, WIDTH / 3);
    let title = cut(&result.title, WIDTH - right.len() - name.chars().count() - 4);
    let gap = WIDTH - right.len() - name.chars().count() - 2 - title.chars().count();
    let _ = writeln!(text, "{BOLD}{name}  {title}{BOLD:#}{:gap$}{FAINT}{right}{FAINT:#}\n", "");
    let rows: Vec<_> = result.steps.iter().flat_map(|step| step.hosts.iter().map(row)).collect();
    let layout = Layout::of(&rows, &[4, 5, 6]);
    for (position, step) in result.steps.iter().enumerate() {
        if step.rerun_of_step.is_none() {
            header(&mut text, step);
            if let Some(note) = &step.note {
                let _ = write!(text, "{FAINT}{}{FAINT:#}", wrap(note, 2));
            }
        }
        match same_as_first_run(&result.steps, position) {
            Some(first) => {
                let _ = writeln!(text, "  {} again: as in step {}", step.name, first.number);
            }
            None => {
                if step.rerun_of_step.is_some() {
                    let _ = writeln!(
                        text,
                        "  {FAINT}{} again, at {}{FAINT:#}",
                        step.name,
                        SimTime::from_nanos(step.started_ns)
                    );
                }
                hosts(&mut text, step, &layout);
            }
        }
        after(&mut text, step);
    }
    totals(&mut text, result);
    text += &super::cost::block(result);
    files(&mut text, result, out);
    if !result.complete {
        let because = incomplete_because;
        let _ = writeln!(text, "{BAD}INCOMPLETE: {because}; the files hold what happened until then{BAD:#}");
    }
    text
}

/// Only what went wrong: what `--quiet` prints.
pub(super) fn failures(result: &RunResult) -> String {
    let mut text = String::new();
    for step in &result.steps {
        failed_checks(&mut text, step);
    }
    refused(&mut text, result);
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

fn hosts(text: &mut String, step: &StepResult, layout: &Layout) {
    for host in &step.hosts {
        let style = if host.ok { GOOD } else { BAD };
        let cells = row(host);
        let line = layout.line(&cells);
        if line.chars().count() + 2 <= WIDTH {
            // The verdict is the second cell; colour just that.
            let verdict = cells.get(1).map_or("", String::as_str);
            let (name, rest) = line.split_at(host.host.len());
            let _ = writeln!(text, "  {name}{}", rest.replacen(verdict, &format!("{style}{verdict}{style:#}"), 1));
        } else {
            text.push_str(&wrap(&line, 2));
        }
        details(text, host, step.command.starts_with("aws "));
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
            (None, "internet") => "internet".to_owned(),
            (None, _) => "inside the VPC".to_owned(),
        },
        None => "no road".to_owned(),
    };
    let seen = match &host.source_seen {
        Some(address) => format!("seen as {address}"),
        None => "never seen".to_owned(),
    };
    let duration = if host.calls > 1 { host.call_ns_median } else { host.duration_ns };
    // A raw packet is no call that takes time.
    let duration = if host.calls > 0 { SimDuration::from_nanos(duration).to_string() } else { String::new() };
    vec![
        host.host.clone(),
        exit,
        via,
        seen,
        format!("{} {}", host.packets, if host.packets == 1 { "pkt" } else { "pkts" }),
        bytes(host.bytes),
        duration,
    ]
}

fn details(text: &mut String, host: &HostResult, is_aws: bool) {
    // Routes to several destinations often read alike.
    let lines: Vec<String> = host.routes.iter().map(|route| route_line(route, host)).collect();
    for (_, line) in lines.iter().enumerate().filter(|(position, line)| !lines[..*position].contains(line)) {
        text.push_str(&wrap(line, 4));
    }
    for drop in host.drops.iter().filter(|drop| !said_with_the_route(drop, host)) {
        let place = match &drop.at_name {
            Some(name) => format!("{} ({name})", drop.at),
            None => drop.at.clone(),
        };
        let lost = match (&drop.answer_from, drop.packets) {
            (None, 1) => "packet".to_owned(),
            (None, packets) => format!("{packets} packets"),
            (Some(from), 1) => format!("the answer from {from} was"),
            (Some(from), packets) => format!("{packets} packets of the answer from {from} were"),
        };
        let table = drop.table.as_ref().map_or_else(String::new, |table| format!("; the table is {table}"));
        let line = format!("{lost} dropped at {place} [{}]: {}{table}", drop.code, drop.sentence);
        let _ = write!(text, "{BAD}{}{BAD:#}", wrap(&line, 4));
    }
    if host.broken_connections > 0 || host.attempts > host.calls {
        text.push_str(&wrap(&attempts_line(host), 4));
    } else if host.reused_connection {
        text.push_str(&wrap("on a connection that was open already", 4));
    }
    let error = host.stderr.trim();
    if !is_aws {
        // A program's lines are its layout; of many calls only the last one's complaint is of use.
        let stdout = if host.calls <= 1 { host.stdout.as_str() } else { "" };
        output_lines(text, stdout);
        output_lines(text, &host.stderr);
    } else if !error.is_empty() {
        let _ = write!(text, "{}", wrap(error.trim_start_matches("aws: [ERROR]: "), 4));
    } else if !host.stdout.trim().is_empty() && host.calls <= 1 {
        // Tables and the like are made of lines; only JSON fits on one.
        if serde_json::from_str::<Value>(&host.stdout).is_err() && host.stdout.trim().lines().count() > 1 {
            output_lines(text, &host.stdout);
        } else {
            let _ = writeln!(text, "    {}", cut(&compact(&host.stdout), WIDTH - 4));
        }
    }
}

/// A program's output as it printed it, the middle of long ones left out.
fn output_lines(text: &mut String, output: &str) {
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let left_out = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    for (position, line) in lines.iter().enumerate() {
        let hidden = OUTPUT_LINES_MAX / 2..OUTPUT_LINES_MAX / 2 + left_out;
        if left_out > 0 && position == hidden.start {
            let _ = writeln!(text, "    {FAINT}... {left_out} more lines ...{FAINT:#}");
        }
        if left_out == 0 || !hidden.contains(&position) {
            let plain: String = line.replace('\t', "  ").chars().filter(|letter| !letter.is_control()).collect();
            let cut: String = plain.chars().take(WIDTH - 4).collect();
            let _ = writeln!(text, "    {}", cut.trim_end());
        }
    }
}

/// Packets without a route are counted where the missing route is named.
fn said_with_the_route(drop: &DropCount, host: &HostResult) -> bool {
    drop.answer_from.is_none()
        && host.routes.iter().any(|route| route.matched.is_none() && drop.code == no_route(route).code())
}

/// The reason for which packets are dropped that nothing in the route's table matches.
fn no_route(route: &RouteDecision) -> DropReason {
    if route.table.starts_with("tgw-rtb-") { DropReason::TransitNoRoute } else { DropReason::NoRoute }
}

fn route_line(route: &RouteDecision, host: &HostResult) -> String {
    // Gateways and routers on premises have tables too: what they lose for want of a route has a code of its own.
    let is_this = |drop: &DropCount| drop.code == no_route(route).code() && drop.answer_from.is_none();
    let is_lost_here = host.drops.iter().any(is_this);
    if route.matched.is_none() && is_lost_here {
        let lost = count(route.packets, "packet");
        return format!("{} [{}]; {lost} lost", route.sentence, no_route(route).code());
    }
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
        parts.push(format!("{} broke", count(host.broken_connections.into(), "open connection")));
    }
    if host.attempts > host.calls {
        let connections = count(host.connections_opened.into(), "new connection");
        parts.push(format!("{}, {connections}", count(host.attempts.into(), "attempt")));
    }
    parts.join("; ")
}

/// An answer on one line, for a glance: of endpoints what decides their use, of everything else the JSON.
fn compact(stdout: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(stdout) else { return stdout.trim().to_owned() };
    let endpoint = |endpoint: &Value| {
        let text = |key| endpoint.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let tables = endpoint.get("RouteTableIds").map_or_else(String::new, |ids| format!(", RouteTableIds {ids}"));
        let name = endpoint["DnsEntries"][0]["DnsName"].as_str().map(|name| format!(", {name}"));
        let use_ = name.unwrap_or(tables);
        format!("{} {}{use_}", text("VpcEndpointId"), text("State"))
    };
    match (value.get("VpcEndpoint"), value.get("VpcEndpoints").and_then(Value::as_array)) {
        (Some(one), _) => endpoint(one),
        (None, Some(all)) if !all.is_empty() => all.iter().map(endpoint).collect::<Vec<_>>().join("; "),
        _ => value.to_string(),
    }
}

fn after(text: &mut String, step: &StepResult) {
    for warning in &step.warnings {
        let _ = write!(text, "{NOTICE}{}", wrap(&format!("! {}", warning.text), 4));
        if let Some(mend) = &warning.mend {
            text.push_str(&wrap_command(&format!("! mend: {mend}"), 4));
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

/// What AWS refused though the scenario does not say that it should: the command is at fault, or the scenario.
fn refused(text: &mut String, result: &RunResult) {
    let steps: Vec<&str> = (result.steps.iter())
        .filter(|step| {
            let is_unexpected = |host: &HostResult| step.checks.iter().all(|check| check.host != host.host);
            let is_refused =
                |host: &HostResult| host.exit_code == REFUSED && host.stderr.contains("An error occurred (");
            step.command.starts_with("aws ") && step.hosts.iter().any(|host| is_refused(host) && is_unexpected(host))
        })
        .map(|step| step.name.as_str())
        .collect();
    if !steps.is_empty() {
        let verb = if steps.len() == 1 { "was" } else { "were" };
        let line = format!("{} {verb} refused: {}", count(steps.len() as u64, "command"), steps.join(", "));
        let _ = write!(text, "{BAD}{}{BAD:#}", wrap(&line, 0));
    }
}

/// `1 packet`, `2 packets`.
fn count(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

fn totals(text: &mut String, result: &RunResult) {
    text.push('\n');
    let checks = result.checks;
    let style = if checks.failed == 0 { GOOD } else { BAD };
    let total = checks.passed + checks.failed;
    let _ = writeln!(text, "checks   {style}{} of {total} as expected{style:#}", checks.passed);
    refused(text, result);
    let packets = &result.packets;
    let dropped: Vec<_> = packets.dropped.iter().map(|(code, count)| format!("{count} dropped [{code}]")).collect();
    let came = packets.injected + packets.generated + packets.fragments_made;
    let mut line = format!("{came} = {} delivered", packets.delivered);
    for part in dropped {
        let _ = write!(line, " + {part}");
    }
    if packets.fragmented > 0 {
        let _ = write!(line, " + {} split into {}", packets.fragmented, count(packets.fragments_made, "fragment"));
    }
    let _ = write!(line, " + {} answered by the VPC (ARP) + {} queued", packets.absorbed, packets.queued);
    let told = packets.generated - packets.absorbed.min(packets.generated);
    if told > 0 {
        let _ = write!(line, "; {told} of them said by the network itself (ICMP errors, resets)");
    }
    labelled(text, "packets", &line);
    for (id, metrics) in &result.nat_gateways {
        let line = format!(
            "{id}: {} tried, {} established, at most {} at a time, {} forgotten idle; {} without a port; \
             {} out, {} back, {} dropped",
            count(metrics.connection_attempt_count, "TCP connection"),
            metrics.connection_established_count,
            metrics.active_connection_count,
            metrics.idle_timeout_count,
            metrics.error_port_allocation,
            bytes(metrics.bytes_out_to_destination),
            bytes(metrics.bytes_out_to_source),
            count(metrics.packets_drop_count, "packet"),
        );
        labelled(text, "nat", &line);
    }
    for road in &result.latency {
        let kind = road.kind.as_str().replace('_', " ");
        let nanos = |value| SimDuration::from_nanos(value).to_string();
        let figures = &road.latency;
        let line = format!(
            "{} {kind}: p50 {}, p99 {}, max {} ({})",
            road.road,
            nanos(figures.p50_ns),
            nanos(figures.p99_ns),
            nanos(figures.max_ns),
            count(figures.count, "sample")
        );
        labelled(text, "latency", &line);
    }
}

/// What was written, and what to look at first.
fn files(text: &mut String, result: &RunResult, out: &Path) {
    let has = |path: &str| result.files.iter().any(|file| file.path == path);
    let config = out.join("wireshark");
    let wireshark = |profile: &str| format!("WIRESHARK_CONFIG_DIR={} wireshark -C {profile}", config.display());
    labelled(text, "files", &format!("{}: {}", out.display(), written(result)));
    if let Some(file) = worth_a_look(result) {
        let path = out.join(file);
        let secrets = match has(key_log::FILE_NAME) {
            true => format!(" -o tls.keylog_file:{}", out.join(key_log::FILE_NAME).display()),
            false => String::new(),
        };
        command(text, "look", &format!("{}{secrets} {}", wireshark(profile::NAME), path.display()));
        if file.ends_with(".pcapng") {
            let lost = result.steps.iter().flat_map(|step| &step.hosts).any(|host| !host.drops.is_empty());
            if lost {
                labelled(text, "", "display filter: frame.comment contains \"DROP\"");
            }
        } else {
            labelled(text, "", "classic pcap holds no decisions, names or TLS secrets; these are in tlskeys.log");
        }
    }
    if has(MERGED_FILE_NAME) {
        let path = out.join(MERGED_FILE_NAME);
        command(text, "merged", &format!("{} {}", wireshark(profile::NAME_FOR_MERGED), path.display()));
        labelled(
            text,
            "",
            "a packet stands there once per vantage point; the profile turns TCP sequence analysis off, which would \
             call the copies retransmissions",
        );
    }
    labelled(text, "assumed", &format!("{}: \"assumptions\"", out.join("result.json").display()));
}

/// `6 captures .pcapng, latency .hgrm .hlog .svg, result.json, Wireshark profile`.
fn written(result: &RunResult) -> String {
    let paths = || result.files.iter().map(|file| file.path.as_str());
    let ends_with = |ending: &str| paths().any(|path| path.ends_with(ending));
    let mut parts = vec![match captures(result).count() {
        0 => "no captures".to_owned(),
        1 => format!("1 capture .{}", captures(result).next().map_or("", extension)),
        count => format!("{count} captures .{}", captures(result).next().map_or("", extension)),
    }];
    parts.extend(paths().filter(|path| [MERGED_FILE_NAME, key_log::FILE_NAME].contains(path)).map(str::to_owned));
    let latency: Vec<&str> = [".hgrm", ".hlog", ".svg"].into_iter().filter(|ending| ends_with(ending)).collect();
    if !latency.is_empty() {
        parts.push(format!("latency {}", latency.join(" ")));
    }
    parts.push("result.json".to_owned());
    if paths().any(|path| path == "wireshark") {
        parts.push("Wireshark profile".to_owned());
    }
    parts.join(", ")
}

/// The captures of one vantage point each.
fn captures(result: &RunResult) -> impl Iterator<Item = &str> {
    let paths = result.files.iter().map(|file| file.path.as_str());
    paths.filter(|path| matches!(extension(path), "pcapng" | "pcap") && *path != MERGED_FILE_NAME)
}

fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// The capture of the host that lost the most, else the first.
fn worth_a_look(result: &RunResult) -> Option<&str> {
    let mut captures = captures(result);
    let hosts = result.steps.iter().flat_map(|step| &step.hosts);
    let lost = |host: &&HostResult| host.drops.iter().map(|drop| drop.packets).sum::<u64>();
    let unluckiest = hosts.filter(|host| lost(host) > 0).max_by_key(lost).map(|host| format!("{}.", host.host));
    let own = unluckiest.and_then(|stem| self::captures(result).find(|path| path.starts_with(&stem)));
    own.or_else(|| captures.next())
}

/// A command to copy.
fn command(text: &mut String, label: &str, line: &str) {
    let wrapped = wrap_command(line, 9);
    let _ = write!(text, "{label:<9}{}", &wrapped[9..]);
}

fn labelled(text: &mut String, label: &str, line: &str) {
    let wrapped = wrap(line, 9);
    let _ = write!(text, "{label:<9}{}", &wrapped[9..]);
}

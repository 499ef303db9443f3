//! The timeline: `[[step]]`.
//!
//! Steps run one after another. A step runs its own action (`run` or `send`) on its hosts, then the actions of the earlier steps that `then`
//! names. Non-goal: the grammar of `aws` lines (see `awscli`).
//! Invariants: every step has a name of its own; `then` names earlier steps that have an action; every host in `on` and `expect` is
//! declared or created by an earlier step.

mod expectation;

pub use expectation::{Expectation, ExpectedSource, Via};

use super::build::{Builder, check_name};
use super::change::{self, LinkChange};
use super::dns::{self, DnsChange};
use super::error::{Problem, Span};
use super::names::Kind;
use super::packet::{self, PacketSpec};
use super::prices::{Usd, amount_at};
use super::read::{Section, Text, closest, shown};
use super::settings::{AccountIdEndpointMode, TlsChoice, account_id_endpoint_mode_at, duration_at, one_of, tls_at};
use crate::dataplane::DropReason;
use crate::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

/// How many steps a scenario may have.
pub const STEPS_MAX: usize = 1_000;
/// How often one step may repeat its action.
pub const REPEATS_MAX: u32 = 100_000;
/// How many actions the whole timeline may run: repeats, hosts and re-runs multiplied out.
pub const ACTIONS_MAX: u64 = 1_000_000;

/// Programs that people know for IPv6.
const IPV6_PROGRAMS: [&str; 3] = ["ping6", "traceroute6", "tracepath6"];

/// What hosts can run beside `aws` and `ssh`. The grammars are in `programs`.
pub const PROGRAM_NAMES: [&str; 9] = ["bulk", "curl", "dig", "nc", "ncat", "ping", "tracepath", "traceroute", "udp"];

/// One step of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name: `name =`, or `step-N`, counting from 1.
    pub name: String,
    /// Where it stands in the source.
    pub span: Span,
    /// On which hosts the action runs, all starting at once. Empty: the operator acts, no packets.
    pub on: Vec<String>,
    /// What it does.
    pub action: StepAction,
    /// What the thing it creates is to be called.
    pub named: Option<NamedResult>,
    /// Earlier steps whose actions are then run again, in this order, with their own `on`, `repeat`, `session` and so on.
    pub then: Vec<String>,
    /// When to begin, if not before.
    pub at: Option<SimTime>,
    /// How long to pause before beginning.
    pub wait: Option<SimDuration>,
    /// Whether the next step begins at once instead of when this one ends.
    pub background: bool,
    /// How often each host runs the action.
    pub repeat: u32,
    /// From the start of one repetition to the start of the next (or to its end, if that is later).
    pub every: SimDuration,
    /// By how much the time between two repetitions is longer or shorter than `every`, at most; drawn from the seed.
    pub jitter: SimDuration,
    /// The long-running program that makes the call and keeps its connection; `None` is a process of its own per call.
    pub session: Option<String>,
    /// TLS versions, if other than the settings'.
    pub tls: Option<TlsChoice>,
    /// How `aws` names DynamoDB, if other than the settings say.
    pub account_id_endpoint_mode: Option<AccountIdEndpointMode>,
    /// What must come out, by host name, or "all". See [`Step::expectation`] and [`Step::expectation_of_rerun`].
    pub expect: BTreeMap<String, Expectation>,
    /// A remark for the reader of the report.
    pub note: Option<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// An `aws ...` command line.
    Aws {
        /// The line.
        line: String,
        /// Its place in the source, for errors.
        span: Span,
    },
    /// `ssh ...`: connect to TCP 22 and read the banner.
    Ssh {
        /// The line.
        line: String,
        /// The host to connect to: a name of the scenario, an address, or a DNS name.
        destination: String,
        /// TCP port, 22 unless `-p` says otherwise.
        port: u16,
    },
    /// Another program of [`PROGRAM_NAMES`].
    Program {
        /// The line.
        line: String,
        /// Its place in the source, for errors.
        span: Span,
    },
    /// One raw packet (per repetition) from each host in `on`.
    Send(PacketSpec),
    /// Names of services lose their addresses, or get them back.
    Dns(DnsChange),
    /// A link to a network on premises goes up or down.
    Set(LinkChange),
    /// Nothing of its own: only `then`.
    Rerun,
    /// Only a pause.
    Wait,
}

/// `as = { name, id }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResult {
    /// What later steps call it.
    pub name: Option<String>,
    /// The id it gets; otherwise it derives from the seed.
    pub id: Option<String>,
}

impl Step {
    /// What is expected of the step's own action on `host` (or of the operator: "operator").
    ///
    /// In a step that re-runs others, "all" speaks of these, not of the action that comes before.
    pub fn expectation(&self, host: &str) -> Option<&Expectation> {
        let all = if self.then.is_empty() { self.expect.get("all") } else { None };
        self.expect.get(host).or(all)
    }

    /// What is expected when this step runs `earlier` again: what this step says of the host, or of "all"; else what `earlier` said.
    pub fn expectation_of_rerun<'s>(&'s self, earlier: &'s Step, host: &str) -> Option<&'s Expectation> {
        let own = if self.on.iter().any(|own| own == host) { None } else { self.expect.get(host) };
        own.or_else(|| self.expect.get("all")).or_else(|| earlier.expectation(host))
    }
}

/// Reads the timeline. Reports what is wrong and answers the rest.
pub(super) fn read(root: &Section<'_, '_>, builder: &Builder<'_, '_>) -> Vec<Step> {
    let sections = root.array_of_sections("step");
    if let Some(section) = sections.get(STEPS_MAX) {
        let message = format!("the scenario has {} steps", sections.len());
        section.report(Problem::new(heading(section), message, format!("at most {STEPS_MAX}")));
        return Vec::new();
    }
    let mut timeline = Timeline { builder, steps: Vec::new(), created: BTreeMap::new(), actions_count: 0 };
    for (number, section) in (1usize..).zip(&sections) {
        timeline.step(number, section);
        section.finish();
    }
    timeline.steps
}

struct Timeline<'b, 'a, 'r> {
    builder: &'b Builder<'a, 'r>,
    steps: Vec<Step>,
    /// What earlier steps name with `as`, and the place.
    created: BTreeMap<String, Span>,
    actions_count: u64,
}

impl Timeline<'_, '_, '_> {
    fn step(&mut self, number: usize, section: &Section<'_, '_>) {
        let name = self.name(number, section);
        let on = self.on(section);
        let action = self.action(section, &on);
        let then = self.then(section);
        let named = self.named(section, &action);
        let step = Step {
            name,
            span: heading(section),
            named,
            at: duration_at(section, "at").map(|after| SimTime::ZERO + after),
            wait: duration_at(section, "wait"),
            background: section.boolean("background").unwrap_or(false),
            repeat: section
                .integer("repeat", 1..=u64::from(REPEATS_MAX))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
            every: duration_at(section, "every").unwrap_or(SimDuration::from_secs(1)),
            jitter: duration_at(section, "jitter").unwrap_or(SimDuration::ZERO),
            session: self.session(section, &action),
            tls: tls_at(section),
            account_id_endpoint_mode: account_id_endpoint_mode_at(section),
            expect: self.expect(section, &on, &then),
            note: section.text("note").map(|text| text.text.to_owned()),
            action: action.unwrap_or(StepAction::Rerun),
            on,
            then,
        };
        self.check_whole(section, &step);
        if let Some(name) = step.named.as_ref().and_then(|named| named.name.clone()) {
            self.created.insert(name, section.span_of("as"));
        }
        self.steps.push(step);
    }

    fn name(&self, number: usize, section: &Section<'_, '_>) -> String {
        let Some(text) = section.text("name") else { return format!("step-{number}") };
        if let Err(problem) = check_name(&text, "step") {
            section.report(problem);
        }
        if let Some(other) = self.steps.iter().find(|step| step.name == text.text) {
            let problem =
                Problem::new(text.contents(), format!("there already is a step \"{}\"", text.text), "again here");
            section.report(problem.also(other.span.clone(), "first here"));
        }
        text.text.to_owned()
    }

    /// Hosts that exist: declared, or created by an earlier step. For `send`, also endpoints.
    fn is_host(&self, name: &str) -> bool {
        let builder = self.builder;
        builder.instances.iter().any(|host| host == name)
            || builder.outside.iter().any(|host| host == name)
            || builder.on_premises.iter().any(|host| host == name)
            || self.created.contains_key(name)
    }

    fn unknown_host(&self, section: &Section<'_, '_>, text: &Text<'_>, word: &str) {
        let known = self.builder.instances.iter().chain(&self.builder.outside).chain(&self.builder.on_premises);
        let known: Vec<&str> = known.map(String::as_str).collect();
        let here = match closest(word, known.iter().copied()) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => "no such host".to_owned(),
        };
        let listed = known.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        let problem = Problem::new(text.place(word), format!("no host is called \"{}\"", shown(word)), here);
        section.report(problem.help(format!("hosts: {listed}; to act without packets, leave \"on\" out")));
    }

    fn on(&self, section: &Section<'_, '_>) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        for text in section.text_or_texts("on") {
            let endpoint = section.has("send") && self.builder.names.lookup(Kind::VpcEndpoint, text.text).is_some();
            if !self.is_host(text.text) && !endpoint {
                self.unknown_host(section, &text, text.text);
            } else if hosts.iter().any(|host| host == text.text) {
                section.report(Problem::new(
                    text.contents(),
                    format!("\"{}\" is named twice", text.text),
                    "again here",
                ));
            }
            hosts.push(text.text.to_owned());
        }
        hosts
    }

    /// `None` if there is nothing to do, or if it was refused.
    fn action(&self, section: &Section<'_, '_>, on: &[String]) -> Option<StepAction> {
        let run = section.text("run");
        let sends = section.has("send");
        let doing: Vec<&str> = ["run", "send", "dns"].into_iter().filter(|key| section.has(key)).collect();
        if let [one, other, ..] = doing[..] {
            let message = "a step does one thing: it runs a command, sends a packet or changes names";
            let problem = Problem::new(section.span_of(other), message, "leave one out");
            section.report(problem.also(section.span_of(one), "the other"));
        }
        if section.has("dns") {
            return dns::read_step(section, on, self.builder).map(StepAction::Dns);
        }
        if sends {
            let spec = packet::read(section);
            if on.len() != 1 && !section.span_of("on").is_empty() {
                let problem = Problem::new(section.span_of("send"), "a packet needs one sender", "from where?");
                section.report(problem.help("name the host whose interface it leaves: on = \"HOST\""));
            }
            return spec.map(StepAction::Send);
        }
        if section.has("set") {
            return self.set(section, run.is_some() || sends);
        }
        let Some(run) = run else {
            let waits = section.has("wait") || section.has("at");
            return (!section.has("run") && !section.has("then") && waits).then_some(StepAction::Wait);
        };
        let line = run.text.trim();
        match line.split_whitespace().next() {
            Some("aws") if line.split_whitespace().nth(1).is_some() => {
                Some(StepAction::Aws { line: run.text.to_owned(), span: run.contents() })
            }
            Some("ssh") => self.ssh(section, &run, on),
            Some(name) if PROGRAM_NAMES.contains(&name) => {
                self.needs_host(section, &run, on, name);
                Some(StepAction::Program { line: run.text.to_owned(), span: run.contents() })
            }
            first => {
                let is_ipv6 = first.is_some_and(|first| IPV6_PROGRAMS.contains(&first));
                let message = match is_ipv6 {
                    true => format!("\"{}\": vpcsim does not simulate IPv6", shown(line)),
                    false => format!("\"{}\" is no command that hosts know", shown(line)),
                };
                let here = closest(first.unwrap_or_default(), PROGRAM_NAMES.into_iter().chain(["aws", "ssh"]))
                    .filter(|known| first != Some(known))
                    .map_or_else(
                        || "expected \"aws SERVICE COMMAND ...\", or a program".to_owned(),
                        |known| format!("did you mean \"{known}\"?"),
                    );
                let problem = Problem::new(run.contents(), message, here);
                section.report(problem.help(format!("programs: ssh, {}", PROGRAM_NAMES.join(", "))));
                None
            }
        }
    }

    fn set(&self, section: &Section<'_, '_>, does_more: bool) -> Option<StepAction> {
        if does_more || section.has("on") {
            let here = "leave out \"run\", \"send\" and \"on\"";
            section.report(Problem::new(section.span_of("set"), "\"set\" is a step of its own, on no host", here));
        }
        let builder = self.builder;
        let is_known = |kind, word: &str| {
            builder.names.lookup(kind, word).is_some()
                || builder.is_broken(kind, word)
                || self.created.contains_key(word)
        };
        change::read(section, is_known).map(StepAction::Set)
    }

    fn needs_host(&self, section: &Section<'_, '_>, run: &Text<'_>, on: &[String], program: &str) {
        if on.is_empty() {
            let message = format!("{program} sends packets, so a host must run it");
            section.report(Problem::new(run.contents(), message, "from where?").help("name it: on = \"HOST\""));
        }
    }

    /// `ssh [-i FILE] [-p 22] [USER@]HOST`.
    fn ssh(&self, section: &Section<'_, '_>, run: &Text<'_>, on: &[String]) -> Option<StepAction> {
        let mut words = run.text.split_whitespace().skip(1);
        let (mut host, mut port) = (None, 22);
        while let Some(word) = words.next() {
            match word {
                "-p" => {
                    let given = words.next();
                    let Some(number) = given.and_then(|text| text.parse().ok()).filter(|port| *port != 0) else {
                        let place = given.map_or_else(|| run.contents(), |text| run.place(text));
                        section.report(Problem::new(place, "ssh -p needs a port", "expected 1 to 65535"));
                        return None;
                    };
                    port = number;
                }
                "-6" => {
                    let problem = Problem::new(run.place(word), "ssh -6: vpcsim does not simulate IPv6", "not here");
                    section.report(problem.help("leave it out: hosts have IPv4 addresses only"));
                    return None;
                }
                "-i" | "-l" | "-o" => drop(words.next()),
                word if word.starts_with('-') => {}
                word => {
                    host = Some(word.rsplit_once('@').map_or(word, |(_, host)| host));
                    break;
                }
            }
        }
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            section.report(Problem::new(run.contents(), "ssh needs a host", "expected \"ssh USER@HOST\""));
            return None;
        };
        let is_address = host.parse::<Ipv4Addr>().is_ok() || host.ends_with(".amazonaws.com");
        if !is_address && !self.is_host(host) {
            self.unknown_host(section, run, host);
            return None;
        }
        self.needs_host(section, run, on, "ssh");
        Some(StepAction::Ssh { line: run.text.to_owned(), destination: host.to_owned(), port })
    }

    fn then(&self, section: &Section<'_, '_>) -> Vec<String> {
        let mut then = Vec::new();
        for text in section.text_or_texts("then") {
            match self.steps.iter().find(|step| step.name == text.text) {
                Some(step) if matches!(step.action, StepAction::Rerun | StepAction::Wait) => {
                    let message = format!("the step \"{}\" does nothing that could be run again", text.text);
                    let problem = Problem::new(text.contents(), message, "here").also(step.span.clone(), "this one");
                    section.report(problem.help("name the steps with the \"run\" that is meant"));
                }
                Some(step) => then.push(step.name.clone()),
                None => {
                    let known = closest(text.text, self.steps.iter().map(|step| step.name.as_str()));
                    let here = known.map_or_else(
                        || "no such step before this one".to_owned(),
                        |k| format!("did you mean \"{k}\"?"),
                    );
                    let message = format!("no earlier step is called \"{}\"", shown(text.text));
                    section.report(Problem::new(text.contents(), message, here));
                }
            }
        }
        then
    }

    fn named(&self, section: &Section<'_, '_>, action: &Option<StepAction>) -> Option<NamedResult> {
        if !section.has("as") {
            return None;
        }
        let (name, id) = match section.is_text("as") {
            true => (section.text("as"), None),
            false => {
                let table = section.section("as")?;
                let both = (table.text("name"), table.text("id"));
                table.finish();
                both
            }
        };
        if !matches!(action, Some(StepAction::Aws { .. }) | None) {
            section.report(Problem::new(
                section.span_of("as"),
                "only an aws command creates something to name",
                "here",
            ));
        }
        if let Some(text) = &name {
            if let Err(problem) = check_name(text, "resource") {
                section.report(problem);
            }
            let hosts = self.builder.instances.iter().chain(&self.builder.outside).chain(&self.builder.on_premises);
            let is_host = hosts.into_iter().any(|host| host == text.text);
            if is_host {
                let message = format!("there already is a host \"{}\"", text.text);
                section.report(Problem::new(text.contents(), message, "choose another name"));
            }
        }
        if let Some(text) = &id {
            match Kind::of_id(text.text) {
                None => {
                    let message = format!("\"{}\" is not an AWS id", shown(text.text));
                    let problem = Problem::new(text.contents(), message, "not such an id");
                    section.report(problem.help("a prefix, a hyphen and 8 or 17 hexadecimal digits: vpce-9b15e2f2"));
                }
                Some(_) if self.builder.names.name_of(text.text).is_some() => {
                    let owner = self.builder.names.describe(text.text);
                    section.report(Problem::new(
                        text.contents(),
                        format!("the id is already that of {owner}"),
                        "taken",
                    ));
                }
                Some(_) => {}
            }
        }
        let owned = |text: Option<Text<'_>>| text.map(|text| text.text.to_owned());
        Some(NamedResult { name: owned(name), id: owned(id) })
    }

    fn session(&self, section: &Section<'_, '_>, action: &Option<StepAction>) -> Option<String> {
        let text = section.text("session")?;
        if let Err(problem) = check_name(&text, "session") {
            section.report(problem);
        }
        if !matches!(action, Some(StepAction::Aws { .. }) | None) {
            section.report(Problem::new(text.contents(), "only aws commands have sessions", "leave this out"));
        }
        Some(text.text.to_owned())
    }

    fn check_whole(&mut self, section: &Section<'_, '_>, step: &Step) {
        let does_nothing = step.action == StepAction::Rerun && step.then.is_empty();
        let tried = ["run", "send", "dns", "set", "then"].iter().any(|key| section.has(key));
        if does_nothing && !tried {
            let problem =
                Problem::new(heading(section), format!("the step \"{}\" does nothing", step.name), "nothing to do");
            section
                .report(problem.help(
                    "give it run = \"aws ...\", send = \"...\", dns = { ... }, then = \"STEP\" or wait = \"5s\"",
                ));
        }
        if step.background && !step.then.is_empty() {
            let problem = Problem::new(section.span_of("background"), "a background step cannot re-run others", "here");
            section.report(problem.help("put \"then\" into a step of its own"));
        }
        if step.on.is_empty() && step.repeat > 1 {
            section.report(Problem::new(section.span_of("repeat"), "the operator does things once", "needs \"on\""));
        }
        let own = u64::from(step.repeat) * step.on.len().max(1) as u64;
        let again = |name: &String| self.steps.iter().find(|step| &step.name == name);
        let rerun: u64 = (step.then.iter().filter_map(again))
            .map(|step| u64::from(step.repeat) * step.on.len().max(1) as u64)
            .fold(0, u64::saturating_add);
        let before = self.actions_count;
        self.actions_count = before.saturating_add(own).saturating_add(rerun);
        if before <= ACTIONS_MAX && self.actions_count > ACTIONS_MAX {
            let message = format!("with the step \"{}\" the timeline runs {} actions", step.name, self.actions_count);
            section.report(Problem::new(heading(section), message, format!("at most {ACTIONS_MAX}")));
        }
    }
}

/// The place of `[[step]]`'s first line, without the rest of the table.
fn heading(section: &Section<'_, '_>) -> Span {
    section.first_line()
}

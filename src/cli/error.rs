//! Errors as people read them: one report, on stderr, that names what, where and what to do.

use super::table::wrap;
use super::writer::WriteError;
use crate::explain::probe::ProbeError;
use crate::explain::state::StateError;
use crate::lanes::LanesError;
use crate::live::LiveError;
use crate::replay::{ReadError, ReplayError};
use crate::run::{PlanError, RunError};
use crate::scenario::{Scenario, ScenarioError, position};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The widest line that a report may show; a source in one endless line is left out of it.
const SHOWN_WIDTH_MAX: usize = 400;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The scenario file is wrong.
    #[error(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// A command line in the scenario is wrong.
    #[error(transparent)]
    Plan(Box<PlanReport>),
    /// A call cannot be compared over several roads.
    #[error(transparent)]
    Lanes(#[from] LanesError),
    /// What was to be measured cannot be.
    #[error("{0}")]
    Bench(String),
    /// The run could not begin or go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no such point of the timeline.
    #[error(transparent)]
    State(StateError),
    /// A probe cannot be sent at all.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A replay cannot begin.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A capture that is none, or is broken.
    #[error("{}: {source}", path.display())]
    Capture {
        /// Which.
        path: PathBuf,
        /// Where and how.
        source: ReadError,
    },
    /// The capture lies in the directory that is about to be emptied.
    #[error("{} lies in the directory to write to, which is emptied first", path.display())]
    InputInOutput {
        /// The capture.
        path: PathBuf,
    },
    /// An interface of the machine cannot be used.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// What is sent over it would come in again.
    #[error("--in-iface and --out-iface are both \"{name}\": what is sent there would come in again")]
    SameInterface {
        /// The interface.
        name: String,
    },
    /// A time that is none.
    #[error("\"{text}\" is no time of the timeline")]
    NotATime {
        /// What was typed.
        text: String,
    },
    /// No such command, and words behind it.
    #[error("there is no command \"{word}\"")]
    UnknownCommand {
        /// What was typed.
        word: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// A port that is none.
    #[error("port {text}: expected 1 to 65535")]
    NotAPort {
        /// What was typed.
        text: String,
    },
    /// No such scenario.
    #[error("there is no scenario file \"{name}\", and no built-in scenario of that name")]
    NoScenario {
        /// What was asked for.
        name: String,
        /// What was probably meant, and where to look.
        help: String,
    },
    /// The scenario has no such step.
    #[error("{scenario} has no step \"{step}\"")]
    NoStep {
        /// What was asked for.
        step: String,
        /// The scenario's file name.
        scenario: String,
        /// The steps there are, and what was probably meant.
        help: String,
    },
    /// Nothing has this code.
    #[error("there is no code \"{code}\"")]
    UnknownCode {
        /// What was asked for.
        code: String,
        /// Codes like it, the nearest first.
        near: Vec<&'static str>,
    },
    /// A scenario cannot be called so.
    #[error("\"{name}\" is no name for a scenario")]
    BadName {
        /// What was asked for.
        name: String,
    },
    /// The file to write is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The scenario file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The scenario file is too large to be one.
    #[error("{} has {bytes} bytes; a scenario has at most {limit}", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The scenario file is not text.
    #[error("{}:{line}:{column}: not UTF-8 text: the byte 0x{byte:02x} cannot be read", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
        /// Line of the first bad byte, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
        /// The byte.
        byte: u8,
    },
    /// The scenario file holds what no text has.
    #[error("{}:{line}:{column}: the control character U+{code:04X} cannot stand in a scenario", path.display())]
    ControlCharacter {
        /// Which.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
        /// The character.
        code: u32,
    },
    /// The output cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What a run writes as it goes cannot be written.
    #[error(transparent)]
    Append(#[from] WriteError),
    /// The summary or the JSON cannot be printed.
    #[error("cannot write standard output: {source}")]
    Print {
        /// Why.
        source: std::io::Error,
    },
    /// A capture on a screen.
    #[error("standard output is a terminal, and --pipe writes a capture there")]
    PipeIsTerminal,
    /// A merged capture of nothing.
    #[error("--{flag} needs captures, and --capture none makes none")]
    NothingToMerge {
        /// The flag that wants it.
        flag: &'static str,
    },
    /// The scenario plays too late for classic pcap.
    #[error("the scenario begins after 2106-02-07, the last date that classic pcap can stamp")]
    TooLateForPcap,
    /// Captures were asked for that never began.
    #[error("nothing was captured of {}: it never came to exist", words.join(", "))]
    NeverThere {
        /// The ids.
        words: Vec<String>,
    },
    /// The output directory, or something above it, is a file.
    #[error("cannot write {}: {} is a file, not a directory", path.display(), file.display())]
    NotADirectory {
        /// The directory wanted.
        path: PathBuf,
        /// The file in the way.
        file: PathBuf,
    },
    /// The output directory holds other people's files.
    #[error("{} is not empty, and no earlier run of vpcsim wrote it", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
}

/// A [`PlanError`] with the scenario's text, so that it can be shown in place.
#[derive(Debug, thiserror::Error)]
#[error("step \"{}\": {}", error.step, error.source.message)]
pub(super) struct PlanReport {
    pub(super) error: PlanError,
    pub(super) text: NamedSource<String>,
}

impl Diagnostic for PlanReport {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.error.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), span))))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let suggestion = self.error.source.suggestion.as_ref()?;
        Some(Box::new(format!("did you mean {suggestion}?")))
    }
}

impl CliError {
    /// The error that `scenario` has no step called `step`.
    pub(super) fn no_step(step: &str, scenario: &Scenario) -> CliError {
        let names: Vec<&str> = scenario.steps.iter().map(|step| step.name.as_str()).collect();
        let near = names.iter().map(|name| (strsim::jaro_winkler(name, step), *name));
        let near = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.8);
        let steps = match names.as_slice() {
            [] => "it has no steps".to_owned(),
            names => format!("its steps: {}", names.join(", ")),
        };
        let help = match near {
            Some((_, name)) => format!("did you mean \"{name}\"? {steps}"),
            None => steps,
        };
        CliError::NoStep { step: step.to_owned(), scenario: scenario.file_name.clone(), help }
    }

    /// A state of the timeline of `scenario` that cannot be had.
    pub(super) fn state(error: StateError, file_name: &str, text: &str, scenario: &Scenario) -> CliError {
        match error {
            StateError::Plan(error) => CliError::plan(*error, file_name, text),
            StateError::NoStep { step, .. } => CliError::no_step(&step, scenario),
            other => CliError::State(other),
        }
    }

    /// A refused command line of the scenario `file_name`, shown in its `text`.
    pub(super) fn plan(error: PlanError, file_name: &str, text: &str) -> CliError {
        let text = NamedSource::new(file_name, text.to_owned()).with_language("TOML");
        CliError::Plan(Box::new(PlanReport { error, text }))
    }

    /// What to do about it, where the error itself does not say.
    fn help(&self) -> Option<String> {
        match self {
            CliError::UnknownCommand { near: Some(near), .. } => {
                Some(format!("did you mean \"vpcsim {near}\"? \"vpcsim --help\" lists the commands"))
            }
            CliError::UnknownCommand { near: None, .. } => Some("\"vpcsim --help\" lists the commands".to_owned()),
            CliError::NotAPort { .. } => Some("--to takes NAME_OR_ADDRESS:PORT, as in db:5432".to_owned()),
            CliError::NoScenario { help, .. } => Some(help.clone()),
            CliError::NoStep { help, .. } => Some(help.clone()),
            CliError::UnknownCode { near, .. } => Some(match near.as_slice() {
                [] => "vpcsim explain lists all codes".to_owned(),
                near => format!("did you mean {}? vpcsim explain lists all codes", near.join(", ")),
            }),
            CliError::BadName { .. } => {
                Some("1 to 63 letters, digits, hyphens and underscores; it is written to NAME.toml here".to_owned())
            }
            CliError::Exists { .. } => Some("choose another name, or remove the file first".to_owned()),
            CliError::NotATime { .. } => {
                Some("as in scenarios, 350ms or 4m2s, or as \"vpcsim run\" shows it, 04:02.500".to_owned())
            }
            CliError::NotText { .. } => Some("save the file as UTF-8".to_owned()),
            CliError::InputInOutput { .. } => Some("name another directory with --out".to_owned()),
            CliError::NotADirectory { .. } => Some("name another directory with --out".to_owned()),
            CliError::NotOurs { .. } => Some("name another directory with --out, or empty this one".to_owned()),
            CliError::PipeIsTerminal => {
                Some("give it a reader: vpcsim run SCENARIO --pipe | wireshark -k -i -".to_owned())
            }
            CliError::NothingToMerge { .. } => Some("leave out one of the two".to_owned()),
            CliError::TooLateForPcap => Some("leave out --pcap-format".to_owned()),
            CliError::Run(RunError::NoSuchVantage { known, .. }) => {
                Some(format!("--capture takes all, nics, none, and here: {}", known.join(", ")))
            }
            CliError::Write { .. } | CliError::Append(_) => Some(
                "free space or choose another directory with --out; what was written so far can be read".to_owned(),
            ),
            _ => None,
        }
    }

    /// The report as `file:line:column: what` only.
    fn without_source(&self) -> String {
        let lines = match self {
            CliError::Scenario(error) => error.lines().collect(),
            CliError::Plan(report) => {
                let (line, column) = position(report.text.inner(), report.error.span.start);
                vec![format!("{}:{line}:{column}: {report}", report.text.name())]
            }
            _ => vec![self.to_string()],
        };
        lines.iter().map(|line| wrap(&format!("error: {line}"), 0)).collect()
    }

    /// Prints the report. If even stderr is closed there is nobody to tell.
    pub(super) fn print(&self) {
        let mut stderr = std::io::stderr().lock();
        let colours = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
        let mut text = String::new();
        let rendered = match self {
            CliError::Scenario(error) => handler.render_report(&mut text, error.as_ref()),
            CliError::Plan(error) => handler.render_report(&mut text, error.as_ref()),
            _ => {
                text = wrap(&format!("error: {self}"), 0);
                if let Some(help) = self.help() {
                    text += &wrap(&format!("help: {help}"), 2);
                }
                Ok(())
            }
        };
        let is_wide = text.lines().any(|line| line.chars().count() > SHOWN_WIDTH_MAX);
        if rendered.is_err() || is_wide {
            text = self.without_source();
        }
        let _ = stderr.write_all(text.as_bytes());
    }
}

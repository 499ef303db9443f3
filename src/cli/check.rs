//! `vpcsim check`: what a careful colleague would remark, each with place, reason and mend.

use super::error::{CliError, PlanReport};
use super::output_dir::print;
use super::source::{self, Source};
use super::table::{cut, wrap, wrap_command};
use super::{DONE, EXPECTATION_FAILED};
use crate::lint::timeline::{self, CheckError, Finding, Held};
use crate::lint::{Mend, Rule};
use crate::run::{Run, RunError};
use crate::scenario::{self, Scenario, Span, position};
use clap::{Args, ValueEnum};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};
use serde_json::{Value, json};
use std::fmt;

/// Characters of a source line that are shown: the report's frame takes the rest of the width.
const SOURCE_LINE_MAX: usize = 88;

const NOTES: &str = "\
Every command of the timeline that changes the network is carried out, in order, without any traffic; what is
wrong after one of them is reported with that step. Commands count as carried out whoever types them, even if
that host's packets would not reach the API.

Rules about DynamoDB look at the hosts that the timeline has call it; without any such step, at every instance
whose VPC has an endpoint; without any traffic at all, at every instance.

Exit codes: 0 checked, 1 warnings and --deny warnings, 2 error";

#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct CheckArguments {
    /// Scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Report only what holds after this step
    #[arg(long, value_name = "STEP")]
    after: Option<String>,
    /// End with exit code 1 if there is anything to remark
    #[arg(long, value_name = "WHAT")]
    deny: Option<Denied>,
    /// Print the findings as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// What can be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Denied {
    /// Everything that is reported
    Warnings,
}

/// Checks a scenario. Returns the exit code.
///
/// # Errors
/// The scenario is wrong, a command is not understood, there is no such step.
pub(super) fn run(arguments: &CheckArguments) -> Result<u8, CliError> {
    let source = source::find(&arguments.scenario)?;
    let scenario = scenario::parse(&source.file_name, &source.text, None)?;
    if let Some(step) = &arguments.after
        && scenario.step(step).is_none()
    {
        return Err(CliError::no_step(step, &scenario));
    }
    // Everything that a run would refuse before it begins.
    Run::new(scenario.clone()).map_err(|error| refusal(&source, error))?;
    let findings = timeline::check(&scenario, arguments.after.as_deref()).map_err(|error| match error {
        CheckError::Plan(error) => refusal(&source, RunError::Plan(error)),
        CheckError::Compile(error) => CliError::Run(RunError::Compile(error)),
        CheckError::StartDate => CliError::Run(RunError::StartDate),
    })?;
    let text = match arguments.json {
        true => json_text(&source, &findings, arguments.after.as_deref()),
        false => report(&source, &scenario, &findings, arguments.after.as_deref()),
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    let denied = arguments.deny == Some(Denied::Warnings) && !findings.is_empty();
    Ok(if denied { EXPECTATION_FAILED } else { DONE })
}

fn refusal(source: &Source, error: RunError) -> CliError {
    match error {
        RunError::Plan(error) => CliError::Plan(Box::new(PlanReport {
            error: *error,
            text: NamedSource::new(&source.file_name, source.text.clone()).with_language("TOML"),
        })),
        other => CliError::Run(other),
    }
}

fn report(source: &Source, scenario: &Scenario, findings: &[Finding], after: Option<&str>) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &paragraph(source, finding);
        text.push('\n');
    }
    let state = match after {
        Some(step) => format!("after step {step}"),
        None => match scenario.steps.len() {
            1 => "1 step".to_owned(),
            count => format!("{count} steps"),
        },
    };
    let count = match findings.len() {
        0 => "nothing to remark".to_owned(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    };
    text + &wrap(&format!("{} ({state}): {count}", source.name), 0)
}

fn paragraph(source: &Source, finding: &Finding) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(super::table::WIDTH)
        .with_context_lines(0)
        .with_links(false);
    let shown = Shown::new(source, finding);
    let mut text = String::new();
    if handler.render_report(&mut text, &shown).is_err() {
        text = wrap(&format!("warning: {}", finding.lint.text), 0);
    }
    // The handler leaves an empty line between the code and the rest.
    let mut text = text.trim_start_matches('\n').replacen("\n\n", "\n", 1);
    text += &labelled("when", &when(&finding.held));
    text += &labelled("why", finding.lint.rule.why());
    match &finding.lint.mend {
        Mend::Aws(lines) => lines.iter().for_each(|line| text += &labelled_command("mend", line)),
        Mend::Scenario(words) | Mend::Advice(words) => text += &labelled("mend", words),
    }
    text
}

/// `  why   because ...`, further lines below the first.
fn labelled(label: &str, words: &str) -> String {
    let body = wrap(words, 8);
    format!("  {label:<6}{}", body.trim_start())
}

/// As [`labelled`], broken so that it can be copied into a shell.
fn labelled_command(label: &str, line: &str) -> String {
    let body = wrap_command(line, 8);
    format!("  {label:<6}{}", body.trim_start())
}

/// `from step trap until step fixed`.
fn when(held: &[Held]) -> String {
    let parts: Vec<String> = held
        .iter()
        .map(|held| match (&held.since, &held.until) {
            (None, None) => "always".to_owned(),
            (None, Some(until)) => format!("from the start until step {until}"),
            (Some(since), None) => format!("from step {since} on"),
            (Some(since), Some(until)) if since == until => format!("at step {since}"),
            (Some(since), Some(until)) => format!("from step {since} until step {until}"),
        })
        .collect();
    parts.join(", again ")
}

/// A finding as `miette` shows it. Long source lines are cut, so that no line of the report is too wide.
#[derive(Debug)]
struct Shown {
    text: String,
    rule: Rule,
    source: NamedSource<String>,
    label: Option<(Span, String)>,
}

impl Shown {
    fn new(source: &Source, finding: &Finding) -> Shown {
        let (text, span) = match &finding.span {
            Some(span) => short_line(&source.text, span.clone()),
            None => (source.text.clone(), None),
        };
        let here = match (&finding.held.first().and_then(|held| held.since.as_ref()), &finding.span) {
            (Some(step), _) => format!("step {} brings it", cut(step, 40)),
            (None, _) => "from the start".to_owned(),
        };
        Shown {
            text: finding.lint.text.clone(),
            rule: finding.lint.rule,
            source: NamedSource::new(&source.file_name, text).with_language("TOML"),
            label: span.map(|span| (span, here)),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.rule))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Warning)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.label.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (span, here) = self.label.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(Some(here), span))))
    }
}

/// The source with the line of `span` cut to what fits, and the span cut likewise. No span if nothing of it is left, or its place is too far right.
fn short_line(text: &str, span: Span) -> (String, Option<Span>) {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
    let line = &text[start..end];
    let Some((cut_at, _)) = line.char_indices().nth(SOURCE_LINE_MAX) else {
        return (text.to_owned(), Some(span.start..span.end.min(end)));
    };
    let kept_end = start + cut_at;
    let short = format!("{}...{}", &text[..kept_end], &text[end..]);
    // The label's words stand right of the middle of what they label.
    let span_end = span.end.min(kept_end).min(span.start + 40);
    let fits = span.start + 20 < kept_end;
    (short, fits.then_some(span.start..span_end))
}

fn json_text(source: &Source, findings: &[Finding], after: Option<&str>) -> String {
    let findings: Vec<Value> = findings.iter().map(|finding| json_of(source, finding)).collect();
    let document = json!({
        "schema": 1,
        "scenario": source.file_name,
        "after": after,
        "warnings": findings.len(),
        "findings": findings,
    });
    format!("{document:#}\n")
}

fn json_of(source: &Source, finding: &Finding) -> Value {
    let lint = &finding.lint;
    let place = finding.span.as_ref().map(|span| {
        let (line, column) = position(&source.text, span.start);
        json!({ "file": source.file_name, "line": line, "column": column })
    });
    let held: Vec<Value> =
        finding.held.iter().map(|held| json!({ "since_step": held.since, "until_step": held.until })).collect();
    let mend = match &lint.mend {
        Mend::Aws(lines) => json!({ "commands": lines }),
        Mend::Scenario(words) => json!({ "scenario": words }),
        Mend::Advice(words) => json!({ "advice": words }),
    };
    json!({
        "rule": lint.rule.name(),
        "severity": "warning",
        "resource": lint.subject,
        "message": lint.text,
        "why": lint.rule.why(),
        "place": place,
        "held": held,
        "mend": mend,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_behind_the_place() {
        let text = format!("a = 1\nrun = \"{}\"\nb = 2\n", "x".repeat(200));
        let at = text.find('x').unwrap();
        let (short, span) = short_line(&text, at..at + 200);
        assert!(short.lines().all(|line| line.chars().count() <= SOURCE_LINE_MAX + 3));
        assert_eq!(short.lines().count(), 3);
        assert_eq!(span.unwrap().start, at);
        let (_, far) = short_line(&text, at + 190..at + 195);
        assert_eq!(far, None);
        let (same, span) = short_line("a = 1\n", 0..1);
        assert_eq!((same.as_str(), span), ("a = 1\n", Some(0..1)));
    }

    #[test]
    fn times_in_words() {
        let held = |since: Option<&str>, until: Option<&str>| Held {
            since: since.map(str::to_owned),
            until: until.map(str::to_owned),
        };
        assert_eq!(when(&[held(None, None)]), "always");
        assert_eq!(when(&[held(Some("a"), Some("a"))]), "at step a");
        assert_eq!(
            when(&[held(None, Some("a")), held(Some("b"), None)]),
            "from the start until step a, again from step b on"
        );
    }
}

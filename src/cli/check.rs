//! `vpcsim check`: what a careful colleague would remark, each with place, reason and mend.

use super::error::CliError;
use super::output_dir::print;
use super::run::prepare;
use super::source::{self, Source};
use super::table::{cut, wrap, wrap_command};
use super::{DONE, EXPECTATION_FAILED};
use crate::capture::CaptureOptions;
use crate::lint::timeline::{self, Finding, Held};
use crate::lint::{Mend, Rule};
use crate::scenario::{self, Scenario, Span, position};
use clap::{Args, ValueEnum};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};
use std::fmt;

/// Characters of a source line that are shown: the report's frame takes the rest of the width.
const SOURCE_LINE_MAX: usize = 88;

const NOTES: &str = "\
Every command of the timeline that changes the network is carried out, in order, without running the traffic;
what is wrong after one of them is reported with that step.

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
    // Everything that a run would refuse before it begins.
    prepare(&source, scenario.clone(), CaptureOptions::none())?;
    let findings = timeline::check(&scenario, arguments.after.as_deref())
        .map_err(|error| CliError::state(error, &source.file_name, &source.text, &scenario))?;
    let text = match arguments.json {
        true => json_text(&source, &findings, arguments.after.as_deref()),
        false => report(&source, &scenario, &findings, arguments.after.as_deref()),
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    let denied = arguments.deny == Some(Denied::Warnings) && !findings.is_empty();
    Ok(if denied { EXPECTATION_FAILED } else { DONE })
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
        .with_context_lines(1)
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
        Mend::Aws(lines) => {
            for (position, line) in lines.iter().enumerate() {
                text += &labelled_command(if position == 0 { "mend" } else { "" }, line);
            }
        }
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

/// A finding as `miette` shows it.
#[derive(Debug)]
struct Shown {
    text: String,
    rule: Rule,
    source: OneLine,
    label: Option<(Span, String)>,
}

impl Shown {
    fn new(source: &Source, finding: &Finding) -> Shown {
        let line = OneLine { name: source.file_name.clone(), text: source.text.clone() };
        let label = finding.span.as_ref().and_then(|span| {
            let (_, column) = position(&source.text, span.start);
            let words = match finding.held.first().and_then(|held| held.since.as_ref()) {
                Some(step) => format!("step {} brings it", cut(step, 30)),
                None => "from the start".to_owned(),
            };
            // The words stand to the right of the middle of what they label.
            let span = line.cut_to_line(span.clone(), 40)?;
            (column < 40).then_some((span, words))
        });
        Shown { text: finding.lint.text.clone(), rule: finding.lint.rule, source: line, label }
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

/// A source of which only the labelled line is shown, and of that only what fits the width of a report.
#[derive(Debug)]
struct OneLine {
    name: String,
    text: String,
}

impl OneLine {
    /// The line around the byte `at`, cut.
    fn line_at(&self, at: usize) -> Span {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let length = line.char_indices().nth(SOURCE_LINE_MAX).map_or(line.len(), |(cut, _)| cut);
        start..start + length
    }

    /// What is left of `span` on the line that is shown, at most `bytes_max` or so; nothing if it lies beyond.
    fn cut_to_line(&self, span: Span, bytes_max: usize) -> Option<Span> {
        let line = self.line_at(span.start);
        let mut end = span.end.min(line.end).min(span.start + bytes_max);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        (span.start < end).then_some(span.start..end)
    }
}

impl SourceCode for OneLine {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let exact = self.text.read_span(span, 0, 0)?;
        // Without context the place alone is asked for, to name it.
        let (shown, column) = match lines_before + lines_after {
            0 => (span.offset()..span.offset() + span.len(), exact.column()),
            _ => (self.line_at(span.offset()), 0),
        };
        let data = self.text.as_bytes().get(shown.clone()).ok_or(MietteError::OutOfBounds)?;
        let contents = MietteSpanContents::new_named(self.name.clone(), data, shown.into(), exact.line(), column, 1);
        Ok(Box::new(contents.with_language("TOML")))
    }
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
    fn long_lines_are_cut_and_places_with_them() {
        let text = format!("a = 1\nrun = \"{}\"\nb = 2\n", "é".repeat(200));
        let at = text.find('é').unwrap();
        let source = OneLine { name: "x.toml".to_owned(), text: text.clone() };
        let line = source.line_at(at);
        assert_eq!(text[line.clone()].chars().count(), SOURCE_LINE_MAX);
        assert!(text[line].starts_with("run = "));
        let label = source.cut_to_line(at..at + 400, 41).unwrap();
        assert_eq!(text[label].chars().count(), 20);
        assert_eq!(source.cut_to_line(at + 380..at + 400, 40), None);
        assert_eq!(source.cut_to_line(0..1, 40), Some(0..1));
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

//! What is wrong with a scenario file, where, and what was expected.
//!
//! Non-goal: printing. `miette` renders the report (file:line:column and the source line); `cli` chooses colours.
//! Invariant: a [`ScenarioError`] holds at least one problem and at most [`PROBLEMS_MAX`], in the order of the file.

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A place in the source: byte offsets.
pub type Span = Range<usize>;

/// How many problems one report shows; further ones are only counted.
pub const PROBLEMS_MAX: usize = 10;

/// One thing wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// AWS's error code, if AWS would refuse this too.
    pub aws_code: Option<&'static str>,
    /// The place, and what to say about it there. The first label is the primary one.
    pub labels: Vec<(Span, String)>,
    /// What was expected, or how to mend it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at `span`; `here` is written under it.
    pub fn new(span: Span, message: impl Into<String>, here: impl Into<String>) -> Self {
        Problem { message: message.into(), aws_code: None, labels: vec![(span, here.into())], help: None }
    }

    /// Adds what was expected, or how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, span: Span, here: impl Into<String>) -> Self {
        self.labels.push((span, here.into()));
        self
    }

    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(span, _)| span.start)
    }
}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.aws_code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |(position, (span, here)): (usize, &(Span, String))| {
            let here = (!here.is_empty()).then(|| here.clone());
            match position {
                0 => LabeledSpan::new_primary_with_span(here, span.clone()),
                _ => LabeledSpan::new_with_span(here, span.clone()),
            }
        };
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().enumerate().map(label)) as Box<_>)
    }
}

/// A scenario that was refused: one or several problems, with the source to show them in.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .first.message)]
pub struct ScenarioError {
    first: Problem,
    others: Vec<Problem>,
    /// Problems beyond [`PROBLEMS_MAX`].
    pub unreported_count: usize,
    source_code: NamedSource<Arc<str>>,
}

impl ScenarioError {
    /// The report of `problems`; `None` if there are none.
    pub fn from_problems(file_name: &str, source: Arc<str>, mut problems: Vec<Problem>) -> Option<Box<Self>> {
        problems.sort_by_key(Problem::start);
        problems.dedup();
        let unreported_count = problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        let source_code = NamedSource::new(file_name, source).with_language("TOML");
        Some(Box::new(ScenarioError { first, others: problems.collect(), unreported_count, source_code }))
    }

    /// The report of one problem.
    pub fn one(file_name: &str, source: Arc<str>, problem: Problem) -> Box<Self> {
        let source_code = NamedSource::new(file_name, source).with_language("TOML");
        Box::new(ScenarioError { first: problem, others: Vec::new(), unreported_count: 0, source_code })
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// `file:line:column: message` of each problem; lines and columns count from 1, columns in characters.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.problems().map(|problem| match problem.labels.first() {
            None => format!("{}: {problem}", self.source_code.name()),
            Some((span, _)) => {
                let (line, column) = position(self.source_code.inner(), span.start);
                format!("{}:{line}:{column}: {problem}", self.source_code.name())
            }
        })
    }
}

/// Line and column of a byte offset, both from 1.
pub fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

impl Diagnostic for ScenarioError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Diagnostic::code(&self.first)
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Diagnostic::help(&self.first)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source_code)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Diagnostic::labels(&self.first)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.others.iter().map(|problem| problem as &dyn Diagnostic);
        (!self.others.is_empty()).then(|| Box::new(others) as Box<_>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        assert_eq!(position("ab\ncd", 0), (1, 1));
        assert_eq!(position("ab\ncd", 4), (2, 2));
        assert_eq!(position("é = 1", 3), (1, 3));
        assert_eq!(position("ab", 99), (1, 3));
    }

    #[test]
    fn problems_come_in_file_order_and_are_capped() {
        let problems = (0..15).rev().map(|at| Problem::new(at..at + 1, format!("p{at}"), "")).collect();
        let error = ScenarioError::from_problems("f.toml", "x".repeat(20).into(), problems).unwrap();
        assert_eq!(error.to_string(), "p0");
        assert_eq!(error.problems().count(), PROBLEMS_MAX);
        assert_eq!(error.unreported_count, 5);
        assert_eq!(error.lines().nth(2).unwrap(), "f.toml:1:3: p2");
        assert!(ScenarioError::from_problems("f.toml", "".into(), Vec::new()).is_none());
    }
}

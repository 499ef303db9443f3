//! What is wrong with a command line, for two readers: the scenario's author and the simulated terminal.

use std::fmt;
use std::ops::Range;

/// Which of the CLI's layouts a complaint has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageErrorKind {
    /// The parser's: the usage text follows.
    Syntax,
    /// Left-over words: the usage text comes first.
    UnknownOptions,
    /// A value does not fit its parameter.
    Parameter,
    /// The real CLI can do it, vpcsim does not (yet).
    Unsupported,
}

/// A command line the CLI refuses before it calls anything (exit 252).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// Which layout.
    pub kind: UsageErrorKind,
    /// What is wrong, in the CLI's words where they are known.
    pub message: String,
    /// Where in the line, in bytes, if one place is to blame.
    pub span: Option<Range<usize>>,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl UsageError {
    pub(crate) fn new(kind: UsageErrorKind, message: impl Into<String>) -> Self {
        UsageError { kind, message: message.into(), span: None, suggestion: None }
    }

    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        UsageError::new(UsageErrorKind::Syntax, message)
    }

    pub(super) fn parameter(option: &str, message: impl fmt::Display) -> Self {
        UsageError::new(UsageErrorKind::Parameter, format!("Error parsing parameter '{option}': {message}"))
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        UsageError::new(UsageErrorKind::Unsupported, message)
    }

    pub(crate) fn at(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }

    /// Suggests the candidate that is most like `word`, if any is like it: at most one slip in five letters, or the
    /// candidate's beginning.
    pub(crate) fn did_you_mean<'a>(mut self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let slips = |candidate: &str| {
            let is_beginning = word.len() >= 5 && candidate.starts_with(word);
            if is_beginning { 1 } else { strsim::osa_distance(word, candidate) }
        };
        let allowed = (word.chars().count() / 5).max(1);
        // Candidates come in a fixed order and the first of equals wins, so the suggestion is always the same.
        let best = candidates.into_iter().min_by_key(|candidate| slips(candidate));
        self.suggestion = best.filter(|candidate| slips(candidate) <= allowed).map(str::to_owned);
        self
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_alike() {
        let suggest = |word| UsageError::syntax("x").did_you_mean(word, ["--vpc-id", "--service-name"]).suggestion;
        assert_eq!(suggest("--vcp-id").as_deref(), Some("--vpc-id"));
        assert_eq!(suggest("--serv").as_deref(), Some("--service-name"));
        assert_eq!(suggest("--colour"), None);
    }
}

//! The options every command has: which Region, which endpoint, which timeouts.
//!
//! Source: AWS CLI command reference, "Global options". What changes nothing in a simulation (colour, pager) is accepted; what
//! vpcsim cannot do is refused with a sentence.

use super::query::Query;
use super::usage::{UsageError, UsageErrorKind};
use super::words::Word;

/// The global options that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Globals {
    /// `--region`: instead of the scenario's.
    pub region: Option<String>,
    /// `--endpoint-url`: instead of the service's.
    pub endpoint_url: Option<String>,
    /// `--profile`: whose credentials.
    pub profile: Option<String>,
    /// `--output`.
    pub output: OutputFormat,
    /// `--query`: an expression that [`Query::parse`] takes.
    pub query: Option<String>,
    /// False with `--no-sign-request`.
    pub sign_request: bool,
    /// False with `--no-verify-ssl`.
    pub verify_ssl: bool,
    /// `--cli-connect-timeout` in seconds; 0 waits forever. The CLI's default is 60.
    pub connect_timeout_s: u32,
    /// `--cli-read-timeout` in seconds; 0 waits forever. The CLI's default is 60.
    pub read_timeout_s: u32,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// As JSON.
    #[default]
    Json,
    /// As a table in a frame.
    Table,
    /// As lines with tabs.
    Text,
}

impl Default for Globals {
    fn default() -> Self {
        Globals {
            region: None,
            endpoint_url: None,
            profile: None,
            output: OutputFormat::Json,
            query: None,
            sign_request: true,
            verify_ssl: true,
            connect_timeout_s: 60,
            read_timeout_s: 60,
        }
    }
}

/// The global options of a line, and whether the CLI pages by itself.
pub(super) struct ParsedGlobals {
    pub(super) kept: Globals,
    pub(super) paginate: bool,
}

/// The global options: name, does it take a value.
pub(super) const GLOBALS: [(&str, bool); 20] = [
    ("--region", true),
    ("--output", true),
    ("--query", true),
    ("--endpoint-url", true),
    ("--profile", true),
    ("--color", true),
    ("--ca-bundle", true),
    ("--cli-connect-timeout", true),
    ("--cli-read-timeout", true),
    ("--cli-binary-format", true),
    ("--cli-error-format", true),
    ("--no-paginate", false),
    ("--no-sign-request", false),
    ("--no-verify-ssl", false),
    ("--no-cli-pager", false),
    ("--no-cli-auto-prompt", false),
    ("--cli-auto-prompt", false),
    ("--debug", false),
    ("--version", false),
    ("--v2-debug", false),
];

/// Takes the global options out of the words, wherever they stand.
pub(super) fn split_globals(words: &[Word]) -> Result<(ParsedGlobals, Vec<&Word>), UsageError> {
    let mut globals = ParsedGlobals { kept: Globals::default(), paginate: true };
    let mut rest = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (name, attached) = name_and_value(&word.text);
        match GLOBALS.iter().find(|(known, _)| *known == name) {
            Some((_, false)) if attached.is_none() => globals.set(name, "").map_err(|error| error.at(&word.range))?,
            Some((_, true)) => {
                let value = match attached {
                    Some(value) => value,
                    None => match words.next_if(|next| !is_option(&next.text)) {
                        Some(next) => &next.text,
                        None => return Err(one_expected(name).at(&word.range)),
                    },
                };
                globals.set(name, value).map_err(|error| error.at(&word.range))?;
            }
            _ => rest.push(word),
        }
    }
    Ok((globals, rest))
}

pub(super) fn one_expected(name: &str) -> UsageError {
    UsageError::syntax(format!("argument {name}: expected one argument"))
}

impl ParsedGlobals {
    fn set(&mut self, name: &str, value: &str) -> Result<(), UsageError> {
        let seconds = || {
            let message = format!("argument {name}: invalid int value: '{value}'");
            value.parse::<u32>().map_err(|_| UsageError::syntax(message))
        };
        let kept = &mut self.kept;
        match name {
            "--region" => kept.region = Some(value.to_owned()),
            "--endpoint-url" => kept.endpoint_url = Some(value.to_owned()),
            "--profile" => kept.profile = Some(value.to_owned()),
            "--cli-connect-timeout" => kept.connect_timeout_s = seconds()?,
            "--cli-read-timeout" => kept.read_timeout_s = seconds()?,
            "--no-paginate" => self.paginate = false,
            "--no-sign-request" => kept.sign_request = false,
            "--no-verify-ssl" => kept.verify_ssl = false,
            "--output" => kept.output = output_format(value)?,
            "--query" => match Query::parse(value) {
                Ok(_) => kept.query = Some(value.to_owned()),
                Err(problem) => {
                    let message = format!("Bad value for --query {value}: {problem}");
                    return Err(UsageError::new(UsageErrorKind::Parameter, message));
                }
            },
            // They change nothing here: no colours, no pager, no prompt, blobs in base64 as version 2 has them.
            "--color" | "--no-cli-pager" | "--no-cli-auto-prompt" => {}
            "--cli-binary-format" if value == "base64" => {}
            _ => return Err(UsageError::unsupported(format!("vpcsim does not simulate the option {name}"))),
        }
        Ok(())
    }
}

fn output_format(value: &str) -> Result<OutputFormat, UsageError> {
    match value {
        "json" => Ok(OutputFormat::Json),
        "table" => Ok(OutputFormat::Table),
        "text" => Ok(OutputFormat::Text),
        "yaml" | "yaml-stream" | "off" => {
            let message = format!("vpcsim prints JSON, tables and text: --output {value} is not simulated");
            Err(UsageError::unsupported(message))
        }
        _ => {
            let message = format!("argument --output: Found invalid choice '{value}'");
            Err(UsageError::syntax(message).did_you_mean(value, ["json", "table", "text"]))
        }
    }
}

/// argparse's idea of an option: a hyphen first, but no negative number and no text with a blank.
pub(super) fn is_option(word: &str) -> bool {
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok();
    match word.strip_prefix('-') {
        None | Some("") => false,
        Some(rest) => {
            !number(rest) && (!word.contains(' ') || word.split_once('=').is_some_and(|(name, _)| !name.contains(' ')))
        }
    }
}

/// Splits `--option=value`.
pub(super) fn name_and_value(word: &str) -> (&str, Option<&str>) {
    word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)))
}

//! Finding a scenario: a file, or one of the built-in ones.

use super::error::CliError;
use crate::scenario::{EMBEDDED, SOURCE_BYTES_MAX, position};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A scenario's text.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path as given, or `NAME (built in)`.
    pub(super) file_name: String,
    /// Its short name: what the output directory is called.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
}

/// Reads the scenario that the user named.
///
/// # Errors
/// No such file or built-in scenario; unreadable; too large; not UTF-8; control characters.
pub(super) fn find(wanted: &str) -> Result<Source, CliError> {
    let path = Path::new(wanted);
    let looks_like_a_file = path.extension().is_some() || wanted.contains(std::path::MAIN_SEPARATOR) && path.exists();
    if !looks_like_a_file && let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == wanted) {
        let short = name.rsplit('/').next().unwrap_or(name);
        return Ok(Source {
            file_name: format!("scenarios/{name}.toml"),
            name: short.to_owned(),
            text: (*text).to_owned(),
        });
    }
    if !path.exists() {
        return Err(CliError::NoScenario { name: wanted.to_owned(), help: suggestion(wanted) });
    }
    let name = path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Source { file_name: wanted.to_owned(), name, text: read(path)? })
}

fn read(path: &Path) -> Result<String, CliError> {
    let fail = |source| CliError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    let limit = SOURCE_BYTES_MAX as u64;
    let mut bytes = Vec::new();
    // A pipe has no length: read at most one byte more than is allowed.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(CliError::TooLarge { path: path.to_owned(), bytes: length.max(bytes.len() as u64), limit });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good_bytes = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let good = String::from_utf8_lossy(&bytes[..good_bytes]);
        let (line, column) = position(&good, good.len());
        CliError::NotText { path: path.to_owned(), line, column, byte: bytes[good_bytes] }
    })?;
    // TOML has no use for them, and a report that shows the line would send them to the terminal.
    let control = |(_, character): &(usize, char)| character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    match text.char_indices().find(control) {
        None => Ok(text),
        Some((offset, character)) => {
            let (line, column) = position(&text, offset);
            Err(CliError::ControlCharacter { path: path.to_owned(), line, column, code: character.into() })
        }
    }
}

/// The built-in scenario that was probably meant, by its whole name or the part behind the folder's, or the command.
fn suggestion(wanted: &str) -> String {
    const LIST: &str = "\"vpcsim list\" tells all that are built in";
    let short = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let likeness = |name| strsim::jaro_winkler(name, wanted).max(strsim::jaro_winkler(short(name), wanted));
    let scenarios = EMBEDDED.iter().map(|(name, _)| (likeness(name), format!("\"{name}\"")));
    let commands = super::args::commands().map(|name| (strsim::jaro_winkler(&name, wanted), format!("vpcsim {name}")));
    let closest = scenarios.chain(commands).max_by(|a, b| a.0.total_cmp(&b.0));
    match closest.filter(|(likeness, _)| *likeness > 0.8) {
        Some((_, meant)) => format!("did you mean {meant}? {LIST}"),
        None => LIST.to_owned(),
    }
}

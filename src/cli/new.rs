//! `vpcsim new`: a scenario to begin with.

use super::DONE;
use super::error::CliError;
use super::output_dir::print;
use super::source;
use super::table::wrap;
use clap::Args;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// What a scenario made from nothing begins with.
const STARTER: &str = include_str!("starter.toml");

#[derive(Clone, Debug, Args)]
pub(super) struct NewArguments {
    /// Name of the scenario: NAME.toml is written here, never over a file that exists
    #[arg(value_name = "NAME")]
    name: String,
    /// Begin with a copy of this scenario: a built-in one's name or a file
    #[arg(long, value_name = "SCENARIO")]
    from: Option<String>,
}

/// Writes the file.
///
/// # Errors
/// A name that is none; the file exists; it cannot be written; no such scenario to copy.
pub(super) fn run(arguments: &NewArguments) -> Result<u8, CliError> {
    let name = arguments.name.strip_suffix(".toml").unwrap_or(&arguments.name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    if !begins || name.len() > 63 || !name.bytes().all(plain) {
        return Err(CliError::BadName { name: arguments.name.clone() });
    }
    let text = match &arguments.from {
        None => STARTER.replace("NAME", name),
        Some(from) => source::find(from)?.text,
    };
    let path = PathBuf::from(format!("{name}.toml"));
    let fail = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => CliError::Exists { path: path.clone() },
        _ => CliError::Write { path: path.clone(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(|source| {
        // Half a scenario would only mislead. Should that fail too, the error is reported all the same.
        let _ = std::fs::remove_file(&path);
        CliError::Write { path: path.clone(), source }
    })?;
    let told = format!("wrote {}; next: vpcsim check {0}, vpcsim run {0}", path.display());
    print(&wrap(&told, 0)).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

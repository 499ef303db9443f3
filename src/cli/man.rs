//! `vpcsim man`: manual pages, made from the definitions that parse the command line.

use super::DONE;
use super::args::Arguments;
use super::error::CliError;
use super::output_dir::print;
use clap::{Args, CommandFactory};
use std::path::{Path, PathBuf};

const INSTALL: &str = "\
To read one without installing:
  vpcsim man | man -l -
To install all of them:
  vpcsim man ~/.local/share/man/man1";

#[derive(Clone, Debug, Args)]
#[command(after_help = INSTALL)]
pub(super) struct ManArguments {
    /// Directory to write one page per command to; if left out, the main page is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Prints the main page or writes all of them.
///
/// # Errors
/// A file cannot be written.
pub(super) fn run(arguments: &ManArguments) -> Result<u8, CliError> {
    let command = Arguments::command();
    if let Some(directory) = &arguments.directory {
        let fail = |source| CliError::Write { path: directory.clone(), source };
        std::fs::create_dir_all(directory).map_err(fail)?;
        write_all(command, directory).map_err(fail)?;
        return Ok(DONE);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|source| CliError::Print { source })?;
    print(&String::from_utf8_lossy(&page)).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

fn write_all(command: clap::Command, directory: &Path) -> std::io::Result<()> {
    clap_mangen::generate_to(command.disable_help_subcommand(true), directory)
}

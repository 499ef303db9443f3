//! `vpcsim completions`: what a shell needs to complete the command line, made from the definitions that parse it.

use super::args::Arguments;
use super::error::CliError;
use super::output_dir::print;
use super::{DONE, NAME};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

const INSTALL: &str = "\
To install:
  bash        vpcsim completions bash > ~/.local/share/bash-completion/completions/vpcsim
  zsh         vpcsim completions zsh > \"${fpath[1]}/_vpcsim\"
  fish        vpcsim completions fish > ~/.config/fish/completions/vpcsim.fish
  powershell  vpcsim completions powershell >> $PROFILE
  elvish      vpcsim completions elvish >> ~/.config/elvish/rc.elv";

#[derive(Clone, Debug, Args)]
#[command(after_help = INSTALL)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the completion script.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn run(arguments: &CompletionsArguments) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    print(&String::from_utf8_lossy(&script)).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

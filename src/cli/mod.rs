//! The command line: the only place with a terminal, files, a clock and signals.
//!
//! Purpose: flags as typed (`args`) become one command's work (one file per command). Non-goals: anything the library can do without the
//! machine. Exit codes: 0 done, 1 an expectation failed (or warnings denied, differences found), 2 error, 130 interrupted.

mod args;
mod bench;
mod check;
mod completions;
mod cost;
mod diff;
mod error;
mod explain_code;
mod list;
mod man;
mod measured;
mod new;
mod output_dir;
mod pipe;
mod progress;
mod replay;
mod replay_input;
mod run;
mod schema;
mod source;
mod summary;
mod table;
mod trace;
pub mod writer;

use args::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// What the program is called.
const NAME: &str = "vpcsim";
/// Everything went as asked.
const DONE: u8 = 0;
/// An expectation of the scenario failed.
const EXPECTATION_FAILED: u8 = 1;
/// Bad input, or the machine refused.
const ERROR: u8 = 2;
/// Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(unknown) = unknown_command(&error) {
                unknown.print();
                return ExitCode::from(ERROR);
            }
            // Help and version are answers, not errors; a closed pipe is nobody's fault.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { DONE } else { ERROR });
        }
    };
    let command = arguments.command.unwrap_or(Command::Run(arguments.run));
    let outcome = match command {
        Command::Run(run) => run::run(&run),
        Command::Trace(trace) => trace::run(&trace),
        Command::Replay(replay) => replay::run(&replay),
        Command::Check(check) => check::run(&check),
        Command::Diff(diff) => diff::run(&diff),
        Command::Cost(cost) => cost::run(&cost),
        Command::Bench(bench) => bench::run(&bench),
        Command::Explain(explain) => explain_code::run(&explain),
        Command::List(list) => list::run(&list),
        Command::New(new) => new::run(&new),
        Command::Schema(schema) => schema::run(&schema),
        Command::Completions(completions) => completions::run(&completions),
        Command::Man(man) => man::run(&man),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.print();
            ExitCode::from(ERROR)
        }
    }
}

/// Whether the first word was meant to be a command: one that is none is taken for a scenario's name, and the next word then for too much.
fn unknown_command(error: &clap::Error) -> Option<error::CliError> {
    if !matches!(error.kind(), ErrorKind::ArgumentConflict | ErrorKind::UnknownArgument) {
        return None;
    }
    let mut words = std::env::args().skip(1);
    let word = words.next().filter(|word| !word.starts_with('-') && args::commands().all(|name| name != *word))?;
    words.next().filter(|next| !next.starts_with('-'))?;
    let near = args::commands().map(|name| (strsim::damerau_levenshtein(&name, &word), name));
    let near = near.min_by_key(|(edits, _)| *edits).filter(|(edits, _)| *edits <= 2).map(|(_, name)| name);
    Some(error::CliError::UnknownCommand { word, near })
}

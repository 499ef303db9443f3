//! `vpcsim run`.

use super::args::RunArguments;
use super::error::CliError;
use super::output_dir::{OutputDir, RESULT, print};
use super::progress::Progress;
use super::source::{self, Source};
use super::{DONE, EXPECTATION_FAILED, INTERRUPTED, summary};
use crate::run::{self, FileEntry, Run, RunError, RunResult};
use crate::scenario;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Events between two looks at Ctrl-C, the captures' buffers and the progress line.
pub(super) const EVENTS_A_ROUND: u64 = 2_000;

/// Runs a scenario. Returns the exit code.
///
/// # Errors
/// Bad scenario, unwritable output, a fault of vpcsim.
pub(super) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let source = source::find(&arguments.scenario)?;
    let mut run = prepare(&source, arguments.seed)?;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&source.name));
    let mut dir = OutputDir::prepare(&out)?;
    let interrupted = watch_for_interrupt();

    let mut progress = Progress::new(arguments.quiet);
    let driven = drive(&mut run, &mut dir, &interrupted, &mut progress);
    progress.finish();
    // A disk that refused once is not asked again: what is on it ends with a whole packet.
    let driven = match driven {
        Err(refused @ CliError::Write { .. }) => return Err(refused),
        other => other,
    };

    // Whatever else happened, what there is gets written.
    let histograms = run.histograms();
    let (mut result, mut captures) = run.finish();
    dir.flush(&mut captures)?;
    let captures = captures.iter().map(|file| (file.file_name().to_owned(), file.frame_count())).collect::<Vec<_>>();
    result.files = write_rest(&dir, &captures, &histograms)?;
    let json = serde_json::to_string_pretty(&result)
        .map_err(|error| CliError::Write { path: dir.path().join(RESULT), source: error.into() })?
        + "\n";
    dir.write(RESULT, json.as_bytes())?;
    report(arguments, &source, &result, &json, dir.path())?;
    driven?;
    Ok(exit_code(&result))
}

/// The run of a scenario, about to begin.
///
/// # Errors
/// A bad scenario.
pub(super) fn prepare(source: &Source, seed: Option<u64>) -> Result<Run, CliError> {
    let scenario = scenario::parse(&source.file_name, &source.text, seed)?;
    Run::new(scenario).map_err(|error| match error {
        RunError::Plan(error) => CliError::plan(*error, &source.file_name, &source.text),
        other => CliError::Run(other),
    })
}

fn drive(
    run: &mut Run,
    dir: &mut OutputDir,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<(), CliError> {
    while !interrupted.load(Ordering::Relaxed) {
        if run.advance(EVENTS_A_ROUND)? == run::Progress::Done {
            break;
        }
        dir.drain(run.captures_mut())?;
        let (now, step) = run.position();
        progress.show(now, step);
    }
    Ok(())
}

/// The first Ctrl-C ends the run in order; the second ends the process.
fn watch_for_interrupt() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    // Without a handler Ctrl-C just ends the process; a run is still possible.
    drop(installed);
    interrupted
}

fn write_rest(
    dir: &OutputDir,
    captures: &[(String, u64)],
    histograms: &[(String, String)],
) -> Result<Vec<FileEntry>, CliError> {
    let mut files = Vec::new();
    for (name, frames) in captures {
        files.push(FileEntry { path: name.clone(), what: format!("capture, {frames} frames") });
    }
    for (name, contents) in histograms {
        dir.write(name, contents.as_bytes())?;
        files.push(FileEntry { path: name.clone(), what: "latency histogram, HdrHistogram percentiles".to_owned() });
    }
    dir.write_profile()?;
    files.push(FileEntry {
        path: "wireshark".to_owned(),
        what: "Wireshark configuration directory with the profile \"vpcsim\"".to_owned(),
    });
    files.push(FileEntry { path: RESULT.to_owned(), what: "this result".to_owned() });
    Ok(files)
}

fn report(
    arguments: &RunArguments,
    source: &Source,
    result: &RunResult,
    json: &str,
    out: &Path,
) -> Result<(), CliError> {
    let text = if arguments.json {
        json.to_owned()
    } else if arguments.quiet {
        summary::failures(result)
    } else {
        summary::summary(&source.name, result, out)
    };
    print(&text).map_err(|source| CliError::Print { source })
}

fn exit_code(result: &RunResult) -> u8 {
    match result {
        RunResult { complete: false, .. } => INTERRUPTED,
        RunResult { checks, .. } if checks.failed > 0 => EXPECTATION_FAILED,
        _ => DONE,
    }
}

//! `vpcsim run`.

use super::args::RunArguments;
use super::error::CliError;
use super::measured::Traffic;
use super::output_dir::{LATENCY_LOG, LATENCY_PICTURE, OutputDir, RESULT, print_to};
use super::pipe::Pipe;
use super::progress::Progress;
use super::source::{self, Source};
use super::writer::HAND_OVER_BYTES;
use super::{DONE, EXPECTATION_FAILED, INTERRUPTED, summary};
use crate::capture::{CaptureOptions, FileSet, Format, Selection, key_log, pcap, profile};
use crate::run::{self, FileEntry, Run, RunError, RunResult};
use crate::scenario::{self, Scenario};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Events between two looks at Ctrl-C, the captures' buffers and the progress line: few, so that a buffer is seen soon after it is full.
pub(super) const EVENTS_A_ROUND: u64 = 128;

/// Why no more happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The timeline is over.
    Done,
    /// Ctrl-C.
    Interrupted,
    /// Whoever read the piped capture has seen enough.
    ReaderLeft,
}

/// Where captures go.
struct Outputs {
    dir: OutputDir,
    /// The reader of the merged capture.
    pipe: Option<Pipe>,
    /// Whether the merged capture is a file as well.
    keeps_merged: bool,
    /// How much of what waits in the merged capture its reader has.
    piped_bytes: usize,
}

/// Runs a scenario. Returns the exit code.
///
/// # Errors
/// Bad scenario or flags, unwritable output, a fault of vpcsim.
pub(super) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    refuse_merging_nothing(arguments)?;
    let pipe = arguments.pipe.then(Pipe::open).transpose()?;
    let source = source::find(&arguments.scenario)?;
    let mut run = captured(&source, arguments)?;
    if arguments.measure {
        run.keep_first_frames();
    }
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&source.name));
    let mut outputs = Outputs { dir: OutputDir::prepare(&out)?, pipe, keeps_merged: arguments.merged, piped_bytes: 0 };
    // Before the first packet: the reader of a pipe starts beside this, and looks for its profile at once.
    if arguments.capture != Selection::None {
        outputs.dir.write_profiles(arguments.merged || arguments.pipe)?;
    }
    let interrupted = watch_for_interrupt();

    let mut progress = Progress::new(arguments.quiet);
    let driven = drive(&mut run, &mut outputs, &interrupted, &mut progress);
    progress.finish();
    // A disk that refused once is not asked again: what is on it ends with a whole packet.
    let driven = match driven {
        Err(refused @ (CliError::Write { .. } | CliError::Append(_))) => return Err(refused),
        other => other,
    };

    // Whatever else happened, what there is gets written.
    let mut latencies = Latencies::of(&mut run);
    let missing = run.missing_vantages();
    let traffic = Traffic::of(&mut run);
    let (mut result, mut captures) = run.finish();
    // Of a reader that is not there any more nobody needs to hear twice.
    let piped = outputs.stream(&mut captures);
    outputs.finish(&mut captures, std::mem::take(&mut latencies.rest_of_log))?;
    result.files = capture_files(&captures, arguments);
    result.files.extend(latencies.write(&mut outputs.dir)?);
    result.files.push(FileEntry { path: RESULT.to_owned(), what: "this result".to_owned() });
    let dir = &outputs.dir;
    let json = serde_json::to_string_pretty(&result)
        .map_err(|error| CliError::Write { path: dir.path().join(RESULT), source: error.into() })?
        + "\n";
    dir.write(RESULT, json.as_bytes())?;
    let reader_left = driven.as_ref().is_ok_and(|end| *end == End::ReaderLeft);
    report(arguments, &source, &result, &json, dir.path(), reader_left)?;
    let end = driven?;
    piped?;
    if let Some(traffic) = traffic.filter(|_| end == End::Done) {
        let Some(said) = traffic.measure(dir, &interrupted)? else { return Ok(INTERRUPTED) };
        if !arguments.json && !arguments.quiet {
            print_to(&said, arguments.pipe).map_err(|source| CliError::Print { source })?;
        }
    }
    if result.complete && !missing.is_empty() {
        return Err(CliError::NeverThere { words: missing });
    }
    Ok(exit_code(&result, reader_left))
}

fn refuse_merging_nothing(arguments: &RunArguments) -> Result<(), CliError> {
    let flag = match arguments {
        RunArguments { pipe: true, .. } => "pipe",
        RunArguments { merged: true, .. } => "merged",
        _ => return Ok(()),
    };
    if arguments.capture == Selection::None { Err(CliError::NothingToMerge { flag }) } else { Ok(()) }
}

fn captured(source: &Source, arguments: &RunArguments) -> Result<Run, CliError> {
    let mut scenario = scenario::parse(&source.file_name, &source.text, arguments.seed)?;
    if let Some(bytes) = arguments.volume {
        scenario.settings.prices.monthly_volume_bytes = bytes;
    }
    let options = CaptureOptions {
        selection: arguments.capture.clone(),
        format: arguments.pcap_format.into(),
        merged: arguments.merged || arguments.pipe,
    };
    if options.format == Format::Pcap && scenario.start_unix_seconds.unsigned_abs() > pcap::UNIX_SECONDS_MAX {
        return Err(CliError::TooLateForPcap);
    }
    prepare(source, scenario, options)
}

/// The run of a scenario, about to begin.
///
/// # Errors
/// A command that is not understood, a model that cannot be compiled.
pub(super) fn prepare(source: &Source, scenario: Scenario, options: CaptureOptions) -> Result<Run, CliError> {
    Run::capturing(scenario, options).map_err(|error| match error {
        RunError::Plan(error) => CliError::plan(*error, &source.file_name, &source.text),
        other => CliError::Run(other),
    })
}

fn drive(
    run: &mut Run,
    outputs: &mut Outputs,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<End, CliError> {
    while !interrupted.load(Ordering::Relaxed) {
        let advanced = run.advance(EVENTS_A_ROUND)?;
        outputs.stream(run.captures_mut())?;
        outputs.dir.drain(run.captures_mut())?;
        if let Some(log) = run.latency_log_mut() {
            outputs.dir.append_latencies(log.take_pending())?;
        }
        if advanced == run::Progress::Done {
            return Ok(End::Done);
        }
        if outputs.pipe.as_ref().is_some_and(|pipe| !pipe.is_open()) {
            return Ok(End::ReaderLeft);
        }
        let (now, step) = run.position();
        progress.show(now, step);
    }
    Ok(End::Interrupted)
}

impl Outputs {
    /// Passes on what waits in the merged capture: to the reader at once, and to its file when it is much.
    fn stream(&mut self, captures: &mut FileSet) -> Result<(), CliError> {
        let Some(merged) = captures.merged_mut() else { return Ok(()) };
        let fresh = &merged.pending()[self.piped_bytes..];
        let piped = self.pipe.as_mut().map_or(Ok(()), |pipe| pipe.write(fresh));
        self.piped_bytes = merged.pending().len();
        if !self.keeps_merged {
            merged.clear_pending();
            self.piped_bytes = 0;
        } else if self.piped_bytes >= HAND_OVER_BYTES {
            self.piped_bytes = 0;
            self.dir.append_capture(merged)?;
        }
        piped
    }

    /// Hands over the rest of everything, and waits until it is written.
    fn finish(&mut self, captures: &mut FileSet, rest_of_log: String) -> Result<(), CliError> {
        self.dir.flush(captures)?;
        if let Some(merged) = captures.merged_mut().filter(|_| self.keeps_merged) {
            self.dir.append_capture(merged)?;
        }
        self.dir.append_latencies(rest_of_log)?;
        self.dir.finish()
    }
}

/// The first Ctrl-C ends the run in order; the second ends the process.
pub(super) fn watch_for_interrupt() -> Arc<AtomicBool> {
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

/// What a run measured, taken from it before it ends.
struct Latencies {
    histograms: Vec<(String, String)>,
    rest_of_log: String,
    picture: Option<String>,
}

impl Latencies {
    fn of(run: &mut Run) -> Latencies {
        let rest_of_log = run.latency_log_mut().map(|log| {
            log.end_interval();
            log.take_pending()
        });
        Latencies {
            histograms: run.histograms(),
            rest_of_log: rest_of_log.unwrap_or_default(),
            picture: run.latency_svg(),
        }
    }

    fn write(self, dir: &mut OutputDir) -> Result<Vec<FileEntry>, CliError> {
        let mut files = Vec::new();
        let mut list = |path: &str, what: &str| files.push(FileEntry { path: path.to_owned(), what: what.to_owned() });
        for (name, contents) in &self.histograms {
            dir.write(name, contents.as_bytes())?;
            list(name, "latency histogram, HdrHistogram percentiles");
        }
        if dir.has(LATENCY_LOG) {
            list(LATENCY_LOG, "latencies over time, HdrHistogram interval log");
        }
        if let Some(picture) = &self.picture {
            dir.write(LATENCY_PICTURE, picture.as_bytes())?;
            list(LATENCY_PICTURE, "latency by percentile, a picture");
        }
        Ok(files)
    }
}

fn capture_files(captures: &FileSet, arguments: &RunArguments) -> Vec<FileEntry> {
    let mut files = Vec::new();
    let mut list = |path: &str, what: String| files.push(FileEntry { path: path.to_owned(), what });
    for file in captures.iter() {
        list(file.file_name(), format!("capture, {} frames", file.frame_count()));
    }
    if let Some(merged) = captures.merged().filter(|_| arguments.merged) {
        list(merged.file_name(), format!("capture of all vantage points, {} frames", merged.frame_count()));
    }
    if captures.key_log().is_some_and(|secrets| secrets.line_count() > 0) {
        list(key_log::FILE_NAME, "TLS secrets of the captures, NSS key log".to_owned());
    }
    if arguments.capture != Selection::None {
        let merged = format!(", and \"{}\" for merged captures", profile::NAME_FOR_MERGED);
        let merged = if arguments.merged || arguments.pipe { merged.as_str() } else { "" };
        list("wireshark", format!("Wireshark configuration directory with the profile \"{}\"{merged}", profile::NAME));
    }
    files
}

fn report(
    arguments: &RunArguments,
    source: &Source,
    result: &RunResult,
    json: &str,
    out: &Path,
    reader_left: bool,
) -> Result<(), CliError> {
    let text = if arguments.json {
        json.to_owned()
    } else if arguments.quiet {
        summary::failures(result)
    } else {
        let incomplete_because = if reader_left { "the reader of the pipe left" } else { "interrupted" };
        summary::summary(&source.name, result, out, incomplete_because)
    };
    print_to(&text, arguments.pipe).map_err(|source| CliError::Print { source })
}

fn exit_code(result: &RunResult, reader_left: bool) -> u8 {
    match result {
        RunResult { complete: false, .. } if reader_left => DONE,
        RunResult { complete: false, .. } => INTERRUPTED,
        RunResult { checks, .. } if checks.failed > 0 => EXPECTATION_FAILED,
        _ => DONE,
    }
}

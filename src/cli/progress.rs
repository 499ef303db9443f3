//! Progress on stderr: only for people, and only if there is time to read it.

use crate::time::SimTime;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// Runs shorter than this show nothing.
const SILENT_FOR: Duration = Duration::from_millis(500);

/// One line that follows a run.
pub(super) struct Progress {
    since: Instant,
    bar: Option<ProgressBar>,
    wanted: bool,
}

impl Progress {
    /// Shows something unless `quiet`, or stderr is no terminal.
    pub(super) fn new(quiet: bool) -> Self {
        Progress { since: Instant::now(), bar: None, wanted: !quiet && stderr().is_terminal() }
    }

    /// The run has come so far.
    pub(super) fn show(&mut self, now: SimTime, step: Option<&str>) {
        if !self.wanted || self.since.elapsed() < SILENT_FOR {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("simulated {now}  {}", step.unwrap_or("settling")));
    }

    /// Takes the line away.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

//! `vpcsim explain`: what a code means and what to do about it.

use super::DONE;
use super::error::CliError;
use super::output_dir::print;
use super::table::{Layout, WIDTH, cut, wrap, wrap_command};
use crate::codes::{self, Explanation, Origin};
use clap::Args;

#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArguments {
    /// A drop reason, a code of AWS's Reachability Analyzer, or a rule of `vpcsim check`; all are listed if left out
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Print as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Explains a code, or lists them.
///
/// # Errors
/// No such code.
pub(super) fn run(arguments: &ExplainArguments) -> Result<u8, CliError> {
    let text = match &arguments.code {
        None if arguments.json => json(&codes::all()),
        None => list(&codes::all()),
        Some(code) => {
            let found = codes::find(code).map_err(|near| CliError::UnknownCode { code: code.clone(), near })?;
            if arguments.json { json(&found) } else { explain(&found) }
        }
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

fn json(value: &impl serde::Serialize) -> String {
    // Invariant: texts and lists of them always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn explain(explanation: &Explanation) -> String {
    let origin = match explanation.origin {
        Origin::ReachabilityAnalyzer => "a code of AWS's Reachability Analyzer",
        Origin::Vpcsim => "a drop reason of vpcsim; AWS has no code for it",
        Origin::Check => "a rule of vpcsim check",
    };
    let mut text = wrap(&format!("{}: {origin}", explanation.code), 0);
    for meaning in &explanation.meanings {
        text.push('\n');
        text += &labelled("cause", meaning.cause);
        text += &labelled("remedy", meaning.remedy);
    }
    text.push('\n');
    let command = match explanation.origin {
        Origin::Check => "vpcsim check",
        _ => "vpcsim run",
    };
    let shown: Vec<String> = explanation.scenarios.iter().map(|name| format!("{command} {name}")).collect();
    match (shown.is_empty() && explanation.traces.is_empty(), explanation.absent_because) {
        (false, _) => {}
        (true, None) => text += &labelled("see", "no shipped scenario shows it"),
        (true, Some(why)) => text += &labelled("see", &format!("vpcsim does not say it: {why}")),
    }
    if !shown.is_empty() {
        text += &labelled("see", &shown.join(", "));
    }
    for arguments in &explanation.traces {
        text += &labelled_command("see", &format!("vpcsim trace {arguments}"));
    }
    if !explanation.see_also.is_empty() {
        text += &labelled("also", &explanation.see_also.join(", "));
    }
    text
}

fn labelled(label: &str, words: &str) -> String {
    format!("  {label:<8}{}", wrap(words, 10).trim_start())
}

fn labelled_command(label: &str, command: &str) -> String {
    format!("  {label:<8}{}", wrap_command(command, 10).trim_start())
}

fn list(all: &[Explanation]) -> String {
    let mut text = String::new();
    for (origin, heading) in [
        (Origin::ReachabilityAnalyzer, "Codes of AWS's Reachability Analyzer (* simulated)"),
        (Origin::Vpcsim, "Drop reasons of vpcsim that AWS has no code for"),
        (Origin::Check, "Rules of vpcsim check"),
    ] {
        let own = all.iter().filter(|explanation| explanation.origin == origin);
        let rows: Vec<Vec<String>> = own
            .map(|explanation| {
                let mark = if explanation.simulated && origin == Origin::ReachabilityAnalyzer { "*" } else { " " };
                let cause = explanation.meanings.first().map_or("", |meaning| meaning.cause);
                vec![format!("{mark} {}", explanation.code), cause.to_owned()]
            })
            .collect();
        let codes: Vec<Vec<String>> = rows.iter().map(|row| vec![row[0].clone()]).collect();
        let layout = Layout::of(&codes, &[]);
        let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
        text += &format!("{heading}\n");
        for row in rows {
            let row = vec![format!("{:<width$}", row[0]), cut(&row[1], WIDTH - width - 2)];
            text += &format!("{}\n", layout.line(&row));
        }
        text.push('\n');
    }
    text + "vpcsim explain CODE says more\n"
}

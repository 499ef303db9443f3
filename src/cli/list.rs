//! `vpcsim list`: the scenarios that come with the program.

use super::DONE;
use super::error::CliError;
use super::output_dir::print;
use super::table::{Layout, cut};
use crate::scenario::{self, EMBEDDED};
use clap::Args;
use serde_json::{Value, json};

/// How long a line of the list may be.
const LINE_MAX: usize = 100;
/// What lies between names and titles.
const COLUMN_GAP: usize = 2;

#[derive(Clone, Debug, Args)]
pub(super) struct ListArguments {
    /// Print as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Lists the built-in scenarios.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn run(arguments: &ListArguments) -> Result<u8, CliError> {
    let mut titles = Vec::new();
    for (name, text) in EMBEDDED {
        titles.push((*name, scenario::parse(&format!("scenarios/{name}.toml"), text, None)?));
    }
    let text = if arguments.json {
        let entries: Vec<Value> = (titles.iter())
            .map(|(name, scenario)| {
                json!({ "name": name, "title": scenario.title, "region": scenario.region, "steps": scenario.steps.len() })
            })
            .collect();
        format!("{:#}\n", Value::Array(entries))
    } else {
        let name_max = titles.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let title_max = LINE_MAX.saturating_sub(name_max + COLUMN_GAP);
        let rows: Vec<Vec<String>> =
            titles.iter().map(|(name, scenario)| vec![(*name).to_owned(), cut(&scenario.title, title_max)]).collect();
        let layout = Layout::of(&rows, &[]);
        let lines: String = rows.iter().map(|row| format!("{}\n", layout.line(row))).collect();
        format!("{lines}\nvpcsim run NAME plays one; vpcsim new MINE --from NAME makes a copy to change\n")
    };
    print(&text).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

//! `vpcsim schema`: the JSON Schema of scenario files, for editors.

use super::DONE;
use super::error::CliError;
use super::output_dir::print;
use crate::scenario::schema::json_schema;
use clap::Args;

const USE: &str = "\
For completion while typing, with an editor that knows TOML schemas (taplo, Even Better TOML):
  vpcsim schema > scenario.schema.json
and as the first line of the scenario:
  #:schema ./scenario.schema.json";

#[derive(Clone, Debug, Args)]
#[command(after_help = USE)]
pub(super) struct SchemaArguments {}

/// Prints the schema.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn run(_: &SchemaArguments) -> Result<u8, CliError> {
    print(&format!("{:#}\n", json_schema())).map_err(|source| CliError::Print { source })?;
    Ok(DONE)
}

//! The AWS CLI's own grammar: `aws ...` command lines in, requests or control-plane documents out, the CLI's text back.
//!
//! Purpose: scenarios and lessons are written in the language people already type. A line goes through
//!
//! ```text
//! words -> grammar (options from the model, shorthand, customisations) -> validate -> Invocation
//!   -> Command: parameters for control, or a ServiceRequest that travels; answers merged page by page -> CommandOutput
//! ```
//!
//! It follows version 2 of the CLI (2.34 where its wording changed: `aws: [ERROR]: ...`): exit codes 0, 252 (usage), 254 (the service
//! refused), 255 (anything else, as no connection). Differences from the real one, each refused with a sentence that says so:
//! `--output yaml` and `off`, files (of `aws s3` there is only `ls`; `get-object` writes none), `file://` values and `--cli-input-yaml` (a scenario line reads no files),
//! `help`, `--debug`, shell syntax around the command.
//!
//! Invariants: pure (no clock, no files, no environment: region and credentials come from the scenario); same line, same
//! bytes; no panic on any line. Source: the AWS CLI user guide and command reference; behaviour compared with awscli's own parser
//! (`tests/api_botocore.rs`).

pub mod command;
mod customisations;
pub mod endpoint;
pub mod globals;
pub mod grammar;
mod options;
pub mod output;
pub mod paging;
pub mod query;
pub mod request;
mod s3_ls;
mod shorthand;
mod table;
mod text;
mod usage;
mod validate;
mod values;
pub mod words;

pub use command::Command;
pub use globals::Globals;
pub use grammar::{Invocation, parse, parse_words};
pub use output::CommandOutput;
pub use request::{Environment, ServiceRequest};
pub use s3_ls::Listing;
pub use usage::{UsageError, UsageErrorKind};
pub use words::{Word, words};

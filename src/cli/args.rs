//! What can be typed.

use crate::capture::{Format, Selection};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  vpcsim                          run the built-in DynamoDB tutorial
  vpcsim run my-vpc.toml          run a scenario of your own
  vpcsim run my-vpc.toml --json   the result as JSON on stdout
  vpcsim run --seed 7 --out /tmp/run7
  vpcsim run --pipe | wireshark -k -i -

Captures: wireshark out/tutorial/app-private.*.pcapng
Exit codes: 0 done, 1 an expectation failed, 2 error, 130 interrupted";

/// A packet-level simulator of an AWS VPC's data plane.
#[derive(Debug, Parser)]
#[command(name = "vpcsim", version, about, after_help = EXAMPLES, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    /// What to do; `run` if nothing is said.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

/// The names of all commands.
pub(super) fn commands() -> impl Iterator<Item = String> {
    let names: Vec<String> =
        Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter()
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a scenario: packets, captures, latency histograms, a result
    #[command(after_help = EXAMPLES)]
    Run(RunArguments),
    /// Follow one packet through the network, and say what would mend its way
    Trace(super::trace::TraceArguments),
    /// Send a capture of yours through the network: what comes out where, and why the rest is lost
    Replay(super::replay::ReplayArguments),
    /// Remark on a scenario before it runs: lints with place, reason and mend
    Check(super::check::CheckArguments),
    /// Compare two networks, or two steps of one, by what packets meet in them
    Diff(super::diff::DiffArguments),
    /// Tell what a scenario's roads cost, and compare one call by gateway, NAT and endpoints
    Cost(super::cost::CostArguments),
    /// Measure how fast a network forwards on this machine
    Bench(super::bench::BenchArguments),
    /// Explain a drop reason, a Reachability Analyzer code or a rule of `check`
    Explain(super::explain_code::ExplainArguments),
    /// List the built-in scenarios
    List(super::list::ListArguments),
    /// Write a scenario of your own to begin with
    New(super::new::NewArguments),
    /// Print the JSON Schema of scenario files, for editors
    Schema(super::schema::SchemaArguments),
    /// Print a shell's completion script
    Completions(super::completions::CompletionsArguments),
    /// Print the manual page, or write all of them
    Man(super::man::ManArguments),
}

#[derive(Clone, Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO", default_value = "tutorial")]
    pub(super) scenario: String,
    /// Directory to write to [default: out/NAME]; emptied first if an earlier run wrote it, refused if it holds anything else
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Seed of everything random, instead of the scenario's
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// Print the result as JSON on stdout, and nothing else
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors and failed expectations
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// What to capture: none, nics (of instances and outside hosts), all, or ids and names with commas between
    #[arg(long, value_name = "WHAT", default_value = "all")]
    pub(super) capture: Selection,
    /// Form of the captures; pcap is the classic one, without decisions, names and TLS secrets
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "pcapng")]
    pub(super) pcap_format: PcapFormat,
    /// Traffic of a month on each road, for the costs: 500 MB, 100GB, 1.5TB [default: the scenario's, or 100 GB]
    #[arg(long, value_name = "VOLUME", value_parser = super::cost::volume)]
    pub(super) volume: Option<u64>,
    /// Also write merged.pcapng: all vantage points in one capture, in order of time
    #[arg(long)]
    pub(super) merged: bool,
    /// Also send the run's first frames through the fast path, a million packets, and write how fast that was to measured/
    #[arg(long)]
    pub(super) measure: bool,
    /// Write that merged capture to stdout while the run goes, for a reader; all text goes to stderr
    #[arg(long, conflicts_with = "json")]
    pub(super) pipe: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PcapFormat {
    Pcapng,
    Pcap,
}

impl From<PcapFormat> for Format {
    fn from(format: PcapFormat) -> Format {
        match format {
            PcapFormat::Pcapng => Format::Pcapng,
            PcapFormat::Pcap => Format::Pcap,
        }
    }
}

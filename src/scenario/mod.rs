//! Scenario files: TOML in, a [`Model`], a timeline and expectations out.
//!
//! Purpose: [`parse`] turns the text of a file into a [`Scenario`] or into a report that names file, line and column, what was expected and
//! the nearest known word. The format is described for users in `scenarios/README.md`.
//! Non-goals: reading files (see `cli`), running steps (see `run`), the grammar of `aws` lines (see `awscli`).
//! Invariants: pure, and never panics on any text; what the model's constructors refuse is refused here with AWS's own code; the order of
//! tables in the file changes nothing except the order of hosts and steps; the same text and seed give the same scenario.

mod build;
mod change;
mod dns;
mod embedded;
mod error;
mod forwarding;
mod names;
mod notation;
mod packet;
mod prices;
mod read;
mod regions;
pub mod schema;
mod settings;
mod step;
#[cfg(test)]
mod tests;

pub use build::{DeclaredBucket, HOSTS_MAX};
pub use change::{LinkChange, LinkState};
pub use dns::DnsChange;
pub use embedded::{EMBEDDED, embedded};
pub use error::{PROBLEMS_MAX, Problem, ScenarioError, Span, position};
pub use names::{Kind, Names};
pub use notation::{parse_duration, parse_volume};
pub use packet::{
    FRAME_BYTES_MAX, Flaw, FragmentFields, NoAddress, PAYLOAD_BYTES_MAX, Packet, PacketAddress, PacketSpec, TcpFlags,
    Transport,
};
pub use prices::{BYTES_PER_GB, HOURS_PER_MONTH, Prices, Tier, Usd};
pub use read::closest;
pub use settings::{AccountIdEndpointMode, CliSettings, Credentials, Settings, TlsChoice};
pub use step::{
    ACTIONS_MAX, Expectation, ExpectedSource, NamedResult, PROGRAM_NAMES, REPEATS_MAX, STEPS_MAX, Step, StepAction, Via,
};

use crate::calendar::Calendar;
use crate::host::Server;
use crate::ids::IdLength;
use crate::model::Model;
use crate::rng::Seed;
use build::Builder;
use read::{Reader, Section, shown};
use regions::Region;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeTable;

/// The largest scenario file, in bytes: 1 MiB. Whoever reads files should look at the size first.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;

/// The account of scenarios that name none: one of AWS's documentation.
const ACCOUNT_DEFAULT: &str = "111122223333";
/// 2026-01-01T00:00:00Z.
const START_DEFAULT_UNIX_SECONDS: i64 = 1_767_225_600;

/// A scenario, read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// `title =`, or the file's name.
    pub title: String,
    /// What the source was called when it was read.
    pub file_name: String,
    /// The source.
    pub source: Arc<str>,
    /// `us-east-1`.
    pub region: String,
    /// The date of simulated time zero. [`Calendar::starting_at`] accepts it.
    pub start_unix_seconds: i64,
    /// Where all randomness comes from.
    pub seed: Seed,
    /// What exists when the timeline begins.
    pub model: Model,
    /// What the scenario calls things.
    pub names: Names,
    /// Where resources are declared, by id: the name's place, bytes.
    pub places: BTreeMap<String, Span>,
    /// Instances that exist from the start, in the order of the file.
    pub instances: Vec<String>,
    /// Hosts outside, in the order of the file.
    pub outside: Vec<String>,
    /// Hosts on premises, in the order of the file.
    pub on_premises: Vec<String>,
    /// What listens on the hosts that say so (`serves`), by the host's name.
    pub servers: BTreeMap<String, Vec<Server>>,
    /// S3 buckets that exist from the start, by name.
    pub buckets: BTreeMap<String, DeclaredBucket>,
    /// How programs and services behave.
    pub settings: Settings,
    /// The timeline.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The step called `name`.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Every host that exists from the start: instances, hosts outside, hosts on premises.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().chain(&self.outside).chain(&self.on_premises).map(String::as_str)
    }

    /// A report about a place in this scenario's source: for what is found wrong only later, such as an `aws` line.
    pub fn error_at(&self, problem: Problem) -> Box<ScenarioError> {
        ScenarioError::one(&self.file_name, self.source.clone(), problem)
    }
}

/// Reads a scenario. `seed_override` is the seed of the command line, which beats the file's.
///
/// # Errors
/// [`ScenarioError`] with up to [`PROBLEMS_MAX`] problems: not TOML; unknown keys, wrong types, unknown references; whatever the model's
/// constructors refuse; limits ([`SOURCE_BYTES_MAX`], [`STEPS_MAX`], [`REPEATS_MAX`], [`ACTIONS_MAX`], [`HOSTS_MAX`]).
pub fn parse(file_name: &str, source: &str, seed_override: Option<u64>) -> Result<Scenario, Box<ScenarioError>> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(too_large(file_name, source.len() as u64));
    }
    let shared: Arc<str> = Arc::from(source);
    let (document, syntax_errors) = DeTable::parse_recoverable(source);
    let reader = Reader::new(source);
    for error in syntax_errors {
        reader.report(syntax_problem(source, &error));
    }
    // A broken document would give follow-up errors that mislead.
    let scenario = match reader.has_problems() {
        true => None,
        false => read(&reader, file_name, &shared, document.get_ref(), seed_override),
    };
    match (ScenarioError::from_problems(file_name, shared.clone(), reader.into_problems()), scenario) {
        (Some(error), _) => Err(error),
        (None, Some(scenario)) => Ok(scenario),
        // Invariant: reading fails only with a report. Should that break, say so instead of panicking.
        (None, None) => {
            let problem =
                Problem::new(0..0, "the scenario could not be read", "no reason was recorded: a bug in vpcsim");
            Err(ScenarioError::one(file_name, shared, problem))
        }
    }
}

/// The availability zones of a Region, as accounts commonly see them; none of a Region that is not known.
pub fn zone_names(region: &str) -> Vec<String> {
    Region::named(region).map_or_else(Vec::new, |region| region.zone_names())
}

/// The report that a file of `bytes` is too large, for those who look before they read it.
pub fn too_large(file_name: &str, bytes: u64) -> Box<ScenarioError> {
    let problem = Problem {
        message: format!("{file_name} has {bytes} bytes; a scenario may have {SOURCE_BYTES_MAX} (1 MiB)"),
        aws_code: None,
        labels: Vec::new(),
        help: Some("is it a scenario? They are small TOML files".to_owned()),
    };
    ScenarioError::one(file_name, Arc::from(""), problem)
}

fn read<'a>(
    reader: &Reader<'a>,
    file_name: &str,
    shared: &Arc<str>,
    document: &'a DeTable<'a>,
    seed_override: Option<u64>,
) -> Option<Scenario> {
    let root = Section::new(reader, "the scenario", 0..0, document, &schema::ROOT);
    let title = root.text("title").map_or(file_name, |text| text.text).to_owned();
    let seed_in_file = root.integer("seed", 0..=u64::MAX).unwrap_or(1);
    let seed = Seed::new(seed_override.unwrap_or(seed_in_file));
    let start_unix_seconds = start(&root);
    let account = account(&root);
    let id_length = id_length(&root);
    let region = region(&root)?;
    let mut model = Model::new(region.name, &account, seed);
    model.id_length = id_length;
    let mut settings = settings::read(&root, &mut model);
    if let Some(section) = root.section("dynamodb") {
        if let Some(settling) = settings::duration_at(&section, "table_settling") {
            settings.dynamodb_table_settling = settling;
        }
        model.links.dynamodb_public_latency = settings::road_latency(&section, &model.links);
    }
    let mut builder = Builder::new(reader, region, model);
    builder.build(&root);
    dns::read_settings(&root, &mut builder);
    let steps = step::read(&root, &builder);
    root.finish();
    Some(Scenario {
        title,
        file_name: file_name.to_owned(),
        source: shared.clone(),
        region: region.name.to_owned(),
        start_unix_seconds,
        seed,
        model: builder.model,
        names: builder.names,
        places: builder.places,
        instances: builder.instances,
        outside: builder.outside,
        on_premises: builder.on_premises,
        servers: builder.servers,
        buckets: builder.buckets,
        settings,
        steps,
    })
}

fn region(root: &Section<'_, '_>) -> Option<Region> {
    let text = root.required_text("region", "\"us-east-1\"")?;
    regions::given(&text).map_err(|problem| root.report(problem)).ok()
}

fn account(root: &Section<'_, '_>) -> String {
    let Some(text) = root.text("account") else { return ACCOUNT_DEFAULT.to_owned() };
    if text.text.len() != 12 || !text.text.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("\"{}\" is no account id", shown(text.text));
        root.report(Problem::new(text.contents(), message, "expected twelve digits in quotes"));
    }
    text.text.to_owned()
}

fn id_length(root: &Section<'_, '_>) -> IdLength {
    match root.text("ids") {
        Some(text) if text.text == "long" => IdLength::Long,
        Some(text) if text.text != "short" => {
            root.report(settings::one_of(&text, text.text, &["short", "long"]));
            IdLength::Short
        }
        _ => IdLength::Short,
    }
}

fn start(root: &Section<'_, '_>) -> i64 {
    let Some((date, span)) = root.datetime("start") else { return START_DEFAULT_UNIX_SECONDS };
    let seconds = unix_seconds(&date).filter(|seconds| Calendar::starting_at(*seconds).is_some());
    if seconds.is_none() {
        let problem =
            Problem::new(span, format!("the scenario cannot start at {date}"), "not a whole second with a time zone");
        root.report(problem.help("expected a date and time of 1970 to 2200 such as 2026-01-01T00:00:00Z"));
    }
    seconds.unwrap_or(START_DEFAULT_UNIX_SECONDS)
}

fn unix_seconds(date: &toml::value::Datetime) -> Option<i64> {
    let (day, clock) = (date.date?, date.time?);
    let offset_minutes = match date.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => minutes,
    };
    let month = time::Month::try_from(day.month).ok()?;
    let day = time::Date::from_calendar_date(i32::from(day.year), month, day.day).ok()?;
    let clock_time = time::Time::from_hms(clock.hour, clock.minute, clock.second.unwrap_or(0)).ok()?;
    let whole = clock.nanosecond.unwrap_or(0) == 0;
    let local = time::OffsetDateTime::new_utc(day, clock_time).unix_timestamp();
    whole.then(|| local - i64::from(offset_minutes) * 60)
}

fn syntax_problem(source: &str, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let span = span.start.min(source.len())..span.end.min(source.len());
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    Problem::new(span, format!("not TOML: {message}"), "here")
}

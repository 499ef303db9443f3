//! From a command line to an [`Invocation`]: which operation, with which parameters, under which global options.
//!
//! The line is parsed as the CLI's parser (Python's argparse) does: global options anywhere, the service and the operation
//! first among the rest, `--option value`, `--option=value`, list options take words up to the next option, the last of
//! equal options counts. Unlike argparse, an option's name may not be shortened.

use super::globals::{GLOBALS, Globals, is_option, name_and_value, one_expected, split_globals};
use super::options::{Arity, OptionSpec, Role, cli_name, options, writes_file};
use super::s3_ls::{self, Listing};
use super::usage::{UsageError, UsageErrorKind};
use super::values::{input_json, member_value};
use super::words::{Word, words};
use super::{customisations, paging, validate};
use crate::api::Service;
use crate::api::model::ServiceModel;
use serde_json::{Map, Value, json};

/// A command line, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The service called.
    pub service: Service,
    /// The API's name of the operation, `CreateVpcEndpoint`.
    pub operation: &'static str,
    /// The operation's parameters: a document (see [`crate::api`]).
    pub parameters: Value,
    /// Options that every command has.
    pub globals: Globals,
    /// How the answers are paged.
    pub paging: paging::Settings,
    /// Set for `aws s3 ls`, which prints lists of its own.
    pub listing: Option<Listing>,
}

impl Invocation {
    /// What was typed after `aws`, as the client's name tells it: `dynamodb.list-tables`.
    pub(super) fn command_name(&self) -> String {
        match self.listing {
            Some(_) => "s3.ls".to_owned(),
            None => format!("{}.{}", self.service.command(), cli_name(self.operation)),
        }
    }

    /// Offers every text among the parameters to `replace`, with the name of the member it stands under (`VpcId`,
    /// `RouteTableIds`; a filter's values stand under the filter's name, `vpc-id`), and puts in what it returns. This is
    /// how a scenario's names become AWS ids.
    pub fn replace_texts(&mut self, mut replace: impl FnMut(&str, &str) -> Option<String>) {
        replace_texts(&mut self.parameters, "", &mut replace);
    }
}

fn replace_texts(value: &mut Value, member: &str, replace: &mut impl FnMut(&str, &str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = replace(member, text) {
                *text = new;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace_texts(value, member, replace)),
        Value::Object(fields) => {
            // DescribeNatGateways calls its filters `Filter`, as does everything of EC2 on the wire.
            let is_filter = matches!(member, "Filters" | "Filter");
            let filter = is_filter.then(|| fields.get("Name").and_then(Value::as_str).map(str::to_owned)).flatten();
            for (key, value) in fields {
                let member = if key == "Values" { filter.as_deref().unwrap_or(key) } else { key };
                replace_texts(value, member, replace);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Parses a command line; the leading `aws` may be missing.
///
/// # Errors
/// Whatever the CLI refuses before calling anything, and what vpcsim does not do.
pub fn parse(line: &str) -> Result<Invocation, UsageError> {
    parse_words(&words(line)?)
}

/// Parses a command line already split into words.
///
/// # Errors
/// As [`parse`].
pub fn parse_words(words: &[Word]) -> Result<Invocation, UsageError> {
    if let Some(first) = words.first().filter(|word| is_assignment(&word.text)) {
        let message = "a step takes no environment assignments: use --region, --profile or the scenario's settings";
        return Err(UsageError::unsupported(message).at(&first.range));
    }
    let words = words.strip_prefix_word("aws");
    let (globals, rest) = split_globals(words)?;
    if let [first, rest @ ..] = &rest[..]
        && first.text == "s3"
    {
        return s3_ls::parse(globals, first, rest);
    }
    let (service, operation, rest) = service_and_operation(&rest)?;
    let table = options(service, operation);
    let rest = without_file(service, operation, &table, rest)?;
    let mut given = split_options(&table, &rest)?;
    given.check(&table)?;
    let mut call = Call { service, operation, parameters: Map::new(), paging: paging::Settings::default() };
    call.paging.enabled = globals.paginate;
    call.fill(&table, &given)?;
    let parameters = call.finished()?;
    Ok(Invocation { service, operation, parameters, globals: globals.kept, paging: call.paging, listing: None })
}

/// Takes out the file's name that an operation with a streaming answer wants; nothing is written there.
fn without_file<'w>(
    service: Service,
    operation: &str,
    table: &[OptionSpec],
    words: &[&'w Word],
) -> Result<Vec<&'w Word>, UsageError> {
    let mut rest = words.to_vec();
    if !writes_file(service, operation) {
        return Ok(rest);
    }
    let takes_value = |word: &Word| {
        let (name, attached) = name_and_value(&word.text);
        let option = table.iter().find(|option| option.name == name);
        attached.is_none() && is_option(&word.text) && option.is_some_and(|option| option.arity == Arity::One)
    };
    let is_value = |at: usize| at > 0 && takes_value(words[at - 1]);
    match (0..words.len()).find(|at| !is_option(&words[*at].text) && !is_value(*at)) {
        Some(at) => {
            rest.remove(at);
            Ok(rest)
        }
        None => {
            let missing = table.iter().filter(|option| option.required);
            let missing =
                missing.filter(|option| !words.iter().any(|word| name_and_value(&word.text).0 == option.name));
            let missing: Vec<&str> = missing.map(|option| option.name.as_str()).chain(["outfile"]).collect();
            Err(UsageError::syntax(format!("the following arguments are required: {}", missing.join(", "))))
        }
    }
}

/// `NAME=value`, as a shell understands it.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

trait StripPrefixWord {
    fn strip_prefix_word(&self, prefix: &str) -> &Self;
}

impl StripPrefixWord for [Word] {
    fn strip_prefix_word(&self, prefix: &str) -> &[Word] {
        match self {
            [first, rest @ ..] if first.text == prefix => rest,
            all => all,
        }
    }
}

fn service_and_operation<'a, 'w>(words: &'a [&'w Word]) -> Result<(Service, &'static str, &'a [&'w Word]), UsageError> {
    let [first, rest @ ..] = words else {
        return Err(UsageError::syntax("the following arguments are required: command"));
    };
    if is_option(&first.text) {
        return Err(unknown_options(words, &[]));
    }
    let invalid = |argument: &str, word: &Word| {
        UsageError::syntax(format!("argument {argument}: Found invalid choice '{}'", word.text)).at(&word.range)
    };
    let Some(service) = Service::from_command(&first.text) else {
        let known = Service::ALL.map(Service::command);
        return Err(if matches!(first.text.as_str(), "help" | "configure" | "login" | "sso" | "iam" | "s3control") {
            let message =
                format!("vpcsim simulates `aws {}` and `aws s3 ls`, not `aws {}`", known.join("`, `aws "), first.text);
            UsageError::unsupported(message).at(&first.range)
        } else {
            invalid("command", first).did_you_mean(&first.text, known)
        });
    };
    let [second, rest @ ..] = rest else {
        return Err(UsageError::syntax("the following arguments are required: operation").at(&first.range));
    };
    let operations = &service.model().operations;
    match operations.keys().find(|name| cli_name(name) == second.text) {
        Some(operation) => Ok((service, operation, rest)),
        None if is_option(&second.text) => Err(unknown_options(&words[1..], &[])),
        None => {
            let names: Vec<String> = operations.keys().map(|name| cli_name(name)).collect();
            if ["egress-only", "ipv6"].iter().any(|word| second.text.contains(word)) {
                let message = format!("vpcsim does not simulate IPv6, and so not `aws {service} {}`", second.text);
                return Err(UsageError::unsupported(message).at(&second.range));
            }
            let error = invalid("operation", second).did_you_mean(&second.text, names.iter().map(String::as_str));
            // Either misspelt, or an operation of the real service that this version does not have.
            Err(match error.suggestion {
                Some(_) => error,
                None => {
                    let (service, there_is) = (service.command(), what_there_is(&names));
                    let message =
                        format!("vpcsim does not simulate `aws {service} {}`; it has {there_is}", second.text);
                    UsageError::unsupported(message).at(&second.range)
                }
            })
        }
    }
}

/// Operations that are named one by one; of more, only how many there are.
const NAMED_MAX: usize = 20;

/// A service's operations, in a line.
fn what_there_is(names: &[String]) -> String {
    match names.len() {
        0..=NAMED_MAX => names.join(", "),
        count => format!("{count} other operations, those about networks and the instances in them"),
    }
}

/// What was given for each option, in the table's order.
struct Given<'w> {
    /// The option word and its values: as many entries as the table has options.
    by_option: Vec<Option<(&'w Word, Vec<String>)>>,
}

fn split_options<'w>(table: &[OptionSpec], words: &[&'w Word]) -> Result<Given<'w>, UsageError> {
    let mut given = Given { by_option: vec![None; table.len()] };
    let mut unknown: Vec<&Word> = Vec::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let (name, attached) = name_and_value(&word.text);
        let Some(index) = table.iter().position(|option| option.name == name).filter(|_| is_option(&word.text)) else {
            unknown.push(word);
            continue;
        };
        let mut values: Vec<String> = attached.map(str::to_owned).into_iter().collect();
        let room = match table[index].arity {
            Arity::None if attached.is_some() => {
                let message = format!("argument {name}: ignored explicit argument '{}'", attached.unwrap_or_default());
                return Err(UsageError::syntax(message).at(&word.range));
            }
            Arity::None => 0,
            Arity::One | Arity::AtMostOne => 1 - values.len(),
            Arity::Many if attached.is_some() => 0,
            Arity::Many => usize::MAX,
        };
        while values.len() < room
            && let Some(value) = words.next_if(|next| !is_option(&next.text))
        {
            values.push(value.text.clone());
        }
        if table[index].arity == Arity::One && values.is_empty() {
            return Err(one_expected(name).at(&word.range));
        }
        given.by_option[index] = Some((word, values));
    }
    if unknown.is_empty() { Ok(given) } else { Err(unknown_options(&unknown, table)) }
}

fn unknown_options(words: &[&Word], table: &[OptionSpec]) -> UsageError {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let error = UsageError::new(UsageErrorKind::UnknownOptions, format!("Unknown options: {}", texts.join(", ")));
    match words.iter().find(|word| is_option(&word.text)).or(words.first()) {
        Some(word) => {
            let known = table.iter().map(|option| option.name.as_str()).chain(GLOBALS.map(|(name, _)| name));
            error.at(&word.range).did_you_mean(name_and_value(&word.text).0, known)
        }
        None => error,
    }
}

impl Given<'_> {
    fn values(&self, index: usize) -> Option<&(&Word, Vec<String>)> {
        self.by_option[index].as_ref()
    }

    /// Required options are there, exclusive ones are not together, nothing is asked that vpcsim does not do.
    fn check(&mut self, table: &[OptionSpec]) -> Result<(), UsageError> {
        let is_given =
            |name: &str| table.iter().position(|option| option.name == name).is_some_and(|i| self.values(i).is_some());
        // Parameters may also come as JSON; then only their sum is checked.
        let missing = table.iter().filter(|option| option.required && !is_given(&option.name));
        let missing: Vec<&str> = missing.map(|option| option.name.as_str()).collect();
        if !missing.is_empty() && !is_given("--cli-input-json") {
            let message = format!("the following arguments are required: {}", missing.join(", "));
            return Err(UsageError::syntax(message));
        }
        for (option, word) in table.iter().enumerate().filter_map(|(i, option)| Some((option, self.values(i)?.0))) {
            let refuse = |message: String| Err(UsageError::new(UsageErrorKind::Parameter, message).at(&word.range));
            match option.role {
                Role::Unsupported(why) => {
                    let message = format!("vpcsim does not simulate the option {}: {why}", option.name);
                    return Err(UsageError::unsupported(message).at(&word.range));
                }
                Role::Attribute(_, false) => {
                    let positive = option.name.replacen("--no-", "--", 1);
                    if is_given(&positive) {
                        return refuse(format!(
                            "Cannot specify both the \"{positive}\" option and the \"{}\" option.",
                            option.name
                        ));
                    }
                }
                Role::Custom(custom) => match custom.conflict(&option.name) {
                    Some((other, message)) if is_given(other) => return refuse(message),
                    _ => {}
                },
                _ => {}
            }
        }
        self.last_flag_counts(table);
        Ok(())
    }

    /// Of `--x` and `--no-x` the one that stands last in the line counts.
    fn last_flag_counts(&mut self, table: &[OptionSpec]) {
        for positive in 0..table.len() {
            let (Role::Flag(member, true), Some(Role::Flag(other, false))) =
                (table[positive].role, table.get(positive + 1).map(|option| option.role))
            else {
                continue;
            };
            let place = |index: usize| self.values(index).map(|(word, _)| word.range.start);
            if let (true, Some(yes), Some(no)) = (member.name == other.name, place(positive), place(positive + 1)) {
                self.by_option[if yes < no { positive } else { positive + 1 }] = None;
            }
        }
    }
}

/// The call under construction.
struct Call {
    service: Service,
    operation: &'static str,
    parameters: Map<String, Value>,
    paging: paging::Settings,
}

impl Call {
    fn model(&self) -> &'static ServiceModel {
        self.service.model()
    }

    fn fill(&mut self, table: &[OptionSpec], given: &Given<'_>) -> Result<(), UsageError> {
        let mut from_json = Map::new();
        for (index, option) in table.iter().enumerate() {
            if let Some((word, values)) = given.values(index) {
                let single = values.first().map(String::as_str).unwrap_or_default();
                match option.role {
                    Role::InputJson => from_json = input_json(single).map_err(|error| error.at(&word.range))?,
                    _ => self.set(option, values, single).map_err(|error| error.at(&word.range))?,
                }
            }
        }
        // What stands in the line wins over the JSON.
        for (key, value) in from_json {
            self.parameters.entry(key).or_insert(value);
        }
        self.settle_paging()
    }

    fn set(&mut self, option: &OptionSpec, values: &[String], single: &str) -> Result<(), UsageError> {
        if let Some(path) = values.iter().find(|value| value.starts_with("file://") || value.starts_with("fileb://")) {
            let message =
                format!("a scenario line reads no files: write the value of {} itself instead of {path}", option.name);
            return Err(UsageError::unsupported(message));
        }
        let number = || {
            let message = format!("argument {}: invalid int value: '{single}'", option.name);
            single.parse::<i64>().map_err(|_| UsageError::syntax(message))
        };
        let (member, value) = match option.role {
            Role::Member(member) => (member, member_value(self.model(), member, &option.name, values)?),
            Role::Flag(member, flag) => (member, Value::Bool(flag)),
            Role::Attribute(member, true) if !values.is_empty() => {
                (member, member_value(self.model(), member, &option.name, values)?)
            }
            Role::Attribute(member, flag) => (member, json!({ "Value": flag })),
            Role::Custom(custom) => return custom.set(&mut self.parameters, values),
            Role::StartingToken => {
                self.paging.starting_token = Some(single.to_owned());
                return Ok(());
            }
            Role::PageSize => {
                self.paging.page_size = Some(number()?);
                return Ok(());
            }
            Role::MaxItems => {
                self.paging.max_items = Some(number()?);
                return Ok(());
            }
            // Both were dealt with before.
            Role::InputJson | Role::Unsupported(_) => return Ok(()),
        };
        self.parameters.insert(member.name.clone(), value);
        Ok(())
    }

    /// Paging by hand turns the CLI's own paging off.
    fn settle_paging(&mut self) -> Result<(), UsageError> {
        let Some(paginator) = self.model().paginators.get(self.operation) else {
            self.paging.enabled = false;
            return Ok(());
        };
        let by_hand = [Some(&paginator.input_token), paginator.limit_key.as_ref()];
        if by_hand.into_iter().flatten().any(|key| self.parameters.contains_key(key)) {
            self.paging.enabled = false;
        }
        let used = [
            ("--starting-token", self.paging.starting_token.is_some()),
            ("--page-size", self.paging.page_size.is_some()),
            ("--max-items", self.paging.max_items.is_some()),
        ];
        let used: Vec<&str> = used.into_iter().filter_map(|(name, used)| used.then_some(name)).collect();
        if self.paging.enabled || used.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Error during pagination: Cannot specify --no-paginate along with pagination arguments: {}",
            used.join(", ")
        );
        Err(UsageError::new(UsageErrorKind::Parameter, message))
    }

    /// The parameters, checked. Their order (the model's, then the CLI's own) is the order in which they travel.
    fn finished(&mut self) -> Result<Value, UsageError> {
        customisations::finish(self.service, self.operation, &mut self.parameters);
        let input = self.model().input(self.operation);
        let parameters = Value::Object(std::mem::take(&mut self.parameters));
        let complaints = validate::complaints(self.model(), input, &parameters);
        if complaints.is_empty() {
            return Ok(parameters);
        }
        let message = format!("Parameter validation failed:\n{}", complaints.join("\n"));
        Err(UsageError::new(UsageErrorKind::Parameter, message))
    }
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;

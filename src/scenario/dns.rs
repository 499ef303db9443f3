//! Names of AWS services that lose their addresses: `[dns] fail`, and steps with `dns = { fail, restore }`.
//!
//! What it imitates: on 2025-10-19 the name dynamodb.us-east-1.amazonaws.com answered with no addresses for hours while the service behind it, and
//! connections that were open, went on (aws.amazon.com/message/101925). Non-goals: names of hosts, SERVFAIL, resolvers that fall silent (that is
//! `dns_support = false`), how long resolvers keep what they knew: hosts here ask anew for every connection.

use super::build::Builder;
use super::error::Problem;
use super::read::{Section, Text, closest, shown};
use std::fmt;

/// What a step does to names of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsChange {
    /// Names that lose their addresses; `*.PARENT` is every name under it.
    pub fail: Vec<String>,
    /// Names that get them back. Each is written as it was for `fail`.
    pub restore: Vec<String>,
}

/// As the report shows it.
impl fmt::Display for DnsChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("fail", &self.fail), ("restore", &self.restore)];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(verb, names)| format!("{verb} {}", names.join(", "))).collect();
        write!(f, "dns {}", parts.join("; "))
    }
}

/// Reads `[dns] fail` into the model.
pub(super) fn read_settings(root: &Section<'_, '_>, builder: &mut Builder<'_, '_>) {
    let Some(section) = root.section("dns") else { return };
    let names = names_at(&section, "fail", builder);
    builder.model.dns_failures.extend(names);
}

/// Reads a step's `dns`.
pub(super) fn read_step(step: &Section<'_, '_>, on: &[String], builder: &Builder<'_, '_>) -> Option<DnsChange> {
    let section = step.section("dns")?;
    let change =
        DnsChange { fail: names_at(&section, "fail", builder), restore: names_at(&section, "restore", builder) };
    if !section.has("fail") && !section.has("restore") {
        let problem = Problem::new(step.span_of("dns"), "\"dns\" changes nothing", "nothing to do");
        section.report(problem.help("expected dns = { fail = \"NAME\" } or dns = { restore = \"NAME\" }"));
    }
    if let Some(name) = change.fail.iter().find(|name| change.restore.contains(name)) {
        let message = format!("\"{name}\" is to fail and to be restored at once");
        section.report(Problem::new(section.span_of("restore"), message, "leave one out"));
    }
    if !on.is_empty() {
        let message = "names fail for everybody: no host does it";
        step.report(Problem::new(step.span_of("on"), message, "leave this out"));
    }
    section.finish();
    Some(change)
}

/// Names of services, in lower case; reports those that no service has.
fn names_at(section: &Section<'_, '_>, key: &'static str, builder: &Builder<'_, '_>) -> Vec<String> {
    let services = &builder.model.public_services;
    let mut names = Vec::new();
    for text in section.text_or_texts(key) {
        let name = text.text.strip_suffix('.').unwrap_or(text.text).to_ascii_lowercase();
        match services.iter().any(|service| service.has_name(&name)) {
            true => names.push(name),
            false => {
                let known = services.iter().flat_map(|service| &service.dns_names).map(String::as_str);
                section.report(unknown(&text, &name, known));
            }
        }
    }
    names
}

fn unknown<'n>(text: &Text<'_>, name: &str, known: impl Iterator<Item = &'n str>) -> Problem {
    let here = closest(name, known).map_or_else(|| "no such name".to_owned(), |it| format!("did you mean \"{it}\"?"));
    let message = format!("\"{}\" is no DNS name of a service", shown(text.text));
    let help =
        "names such as dynamodb.us-east-1.amazonaws.com, or *.ddb.us-east-1.amazonaws.com for all names under it";
    Problem::new(text.contents(), message, here).help(help)
}

//! From the file's sections to the [`Model`], through the model's own constructors.
//!
//! Order of work, so that the order of the file does not matter: quotas; prefix lists; VPCs, gateways and peering connections; empty route tables, ACLs and groups;
//! subnets; transit gateways with their attachments; rules; hosts outside and on premises; Elastic IPs; instances; NAT gateways; links to premises; routes of transit gateways and
//! of VPCs; endpoints; services.
//! Invariant: a resource that was refused is remembered as broken, and references to it are not reported again.

mod dhcp_options;
mod edge;
mod endpoints;
mod instances;
mod nat_gateways;
mod network;
mod on_premises;
mod peering;
mod prefix_lists;
mod routes;
mod s3;
mod security;
mod servers;
mod services;
mod transit_gateways;

pub use s3::DeclaredBucket;

pub(super) use on_premises::{state_at, tunnels_at};

use super::error::{Problem, Span};
use super::names::{Kind, Names};
use super::read::{Reader, Section, Text, article, shown};
use super::regions::Region;
use crate::host::Server;
use crate::ids::{IdError, VpcId};
use crate::model::{Model, ModelError};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

/// How many hosts (instances, outside, on premises) a scenario may have.
pub const HOSTS_MAX: usize = 1_000;

/// What is being built.
pub(super) struct Builder<'a, 'r> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) region: Region,
    pub(super) model: Model,
    pub(super) names: Names,
    /// Instances, in the order of the file.
    pub(super) instances: Vec<String>,
    /// Outside hosts, in the order of the file.
    pub(super) outside: Vec<String>,
    /// Hosts on premises, in the order of the file.
    pub(super) on_premises: Vec<String>,
    /// What listens on hosts that say so.
    pub(super) servers: BTreeMap<String, Vec<Server>>,
    /// S3 buckets, by name.
    pub(super) buckets: BTreeMap<String, DeclaredBucket>,
    broken: BTreeSet<(Kind, String)>,
    /// Networks on premises that were refused.
    broken_networks: BTreeSet<String>,
    /// Where things were declared, by id.
    pub(super) places: BTreeMap<String, Span>,
    /// Where hosts were declared, by name in lower case: their captures must not share a file.
    host_places: BTreeMap<String, Span>,
}

impl<'a, 'r> Builder<'a, 'r> {
    pub(super) fn new(reader: &'r Reader<'a>, region: Region, model: Model) -> Self {
        Builder {
            reader,
            region,
            model,
            names: Names::default(),
            instances: Vec::new(),
            outside: Vec::new(),
            on_premises: Vec::new(),
            broken_networks: BTreeSet::new(),
            servers: BTreeMap::new(),
            buckets: BTreeMap::new(),
            broken: BTreeSet::new(),
            places: BTreeMap::new(),
            host_places: BTreeMap::new(),
        }
    }

    /// Builds everything that the sections of `root` ask for.
    pub(super) fn build(&mut self, root: &Section<'a, 'r>) {
        self.quotas(root);
        self.prefix_lists(root);
        self.vpcs(root);
        self.internet_gateways(root);
        self.peering_connections(root);
        self.vpn_gateways(root);
        let tables = self.route_tables(root);
        self.network_acls(root);
        self.subnets(root);
        self.block_public_access(root);
        self.transit_gateways(root);
        self.security_groups(root);
        self.outside_hosts(root);
        let static_routes = self.networks_on_premises(root);
        self.elastic_ips(root);
        self.instances(root);
        self.nat_gateways(root);
        self.gateway_tables(&tables);
        self.vpn_connections(root);
        self.virtual_interfaces(root);
        self.transit_gateway_tables(root);
        self.static_routes_on_premises(static_routes);
        self.routes(tables);
        self.endpoint_services(root);
        self.endpoints(root);
        self.dhcp_options(root);
        self.services(root);
    }

    /// Whether `name` is known to be declared though it was refused.
    pub(super) fn is_broken(&self, kind: Kind, name: &str) -> bool {
        self.broken.contains(&(kind, name.to_owned()))
    }

    fn report(&self, problem: Problem) {
        self.reader.report(problem);
    }

    /// The value, or `None` and a report at `span`.
    fn accepted<T>(&self, span: Span, result: Result<T, ModelError>) -> Option<T> {
        result.map_err(|error| self.report(refusal(span, &error))).ok()
    }

    /// Runs `build` for each named table of `key`; those that fail are remembered as broken.
    fn each(
        &mut self,
        root: &Section<'a, 'r>,
        key: &'static str,
        kind: Kind,
        mut build: impl FnMut(&mut Self, &Text<'a>, &Section<'a, 'r>) -> Option<()>,
    ) {
        for (name, section) in root.items(key) {
            // Names of AWS-managed lists have points and are looked up, not given.
            let is_given = !(kind == Kind::PrefixList && name.text.starts_with("com.amazonaws"));
            let built = match if is_given { check_name(&name, kind) } else { Ok(()) } {
                Ok(()) => build(self, &name, &section),
                Err(problem) => {
                    self.report(problem);
                    build(self, &name, &section).and(None)
                }
            };
            if built.is_none() {
                self.broken.insert((kind, name.text.to_owned()));
            }
            section.finish();
        }
    }

    /// Remembers a declared resource. Its id must be free.
    fn declare(&mut self, kind: Kind, name: &Text<'a>, id: impl Display) {
        let id = id.to_string();
        self.names.insert(kind, name.text, &id);
        self.places.insert(id, name.span.clone());
    }

    /// Whether the name is free; reports if not.
    fn is_free(&self, kind: Kind, name: &Text<'a>) -> bool {
        let Some(id) = self.names.lookup(kind, name.text) else { return true };
        let mut problem = Problem::new(
            name.span.clone(),
            format!("the name \"{}\" already stands for {kind} {id}", name.text),
            "choose another name",
        );
        if let Some(place) = self.places.get(id) {
            problem = problem.also(place.clone(), "declared here");
        } else if kind == Kind::RouteTable {
            problem = problem.help("it is the VPC's main route table: add \"main = true\" if that one is meant");
        } else {
            problem = problem.help("it came with its VPC");
        }
        self.report(problem);
        false
    }

    /// The id that the scenario wants at `key`: shaped right and not taken. The outer `None` means it was refused.
    fn wanted_id<I>(&self, section: &Section<'a, 'r>, key: &'static str) -> Option<Option<I>>
    where
        I: FromStr<Err = IdError> + Display,
    {
        if !section.has(key) {
            return Some(None);
        }
        let text = section.text(key)?;
        match text.text.parse::<I>() {
            Err(error) => {
                self.report(Problem::new(text.contents(), error.to_string(), "not such an id"));
                None
            }
            Ok(id) => match self.names.name_of(text.text) {
                None => Some(Some(id)),
                Some(owner) => {
                    let mut problem =
                        Problem::new(text.contents(), format!("the id {id} is already that of \"{owner}\""), "taken");
                    if let Some(place) = self.places.get(text.text) {
                        problem = problem.also(place.clone(), "declared here");
                    }
                    self.report(problem);
                    None
                }
            },
        }
    }

    /// The thing that `word`, a part of `text`, refers to; reports what is unknown.
    fn refer<I: FromStr>(&self, kind: Kind, text: &Text<'a>, word: &str) -> Option<I> {
        if let Some(id) = self.names.lookup(kind, word) {
            return id.parse().ok();
        }
        if !self.is_broken(kind, word) {
            self.report(self.unknown(kind, text.place(word), word));
        }
        None
    }

    /// "no subnet is called ..."
    pub(super) fn unknown(&self, kind: Kind, span: Span, word: &str) -> Problem {
        let here = match self.names.suggest(kind, word) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("no such {kind}"),
        };
        let known: Vec<&str> = self.names.of_kind(kind).map(|(name, _)| name).take(12).collect();
        let message = match Kind::of_id(word) {
            Some(other) if other != kind => format!("\"{word}\" is the id of a {other}, not of a {kind}"),
            Some(_) => format!("no {kind} has the id \"{word}\""),
            None => format!("no {kind} is called \"{}\"", shown(word)),
        };
        let help = match known.as_slice() {
            [] => format!("there is no {kind} here"),
            names => format!("known: {}", names.join(", ")),
        };
        Problem::new(span, message, here).help(help)
    }

    /// The VPC at `vpc`; if the key is missing, the only VPC there is.
    fn vpc_of(&self, section: &Section<'a, 'r>) -> Option<VpcId> {
        if let Some(text) = section.text("vpc") {
            return self.refer(Kind::Vpc, &text, text.text);
        }
        if section.has("vpc") {
            return None;
        }
        let mut ids = self.model.vpcs.keys();
        match (ids.next(), ids.next()) {
            (Some(id), None) => Some(*id),
            (None, _) if self.broken.iter().any(|(kind, _)| *kind == Kind::Vpc) => None,
            _ => {
                let names: Vec<&str> = self.names.of_kind(Kind::Vpc).map(|(name, _)| name).collect();
                let help = match names.as_slice() {
                    [] => "declare one: [vpc] default = { default = true }".to_owned(),
                    names => format!("vpc = one of: {}", names.join(", ")),
                };
                let problem = Problem::new(
                    section.span.clone(),
                    format!("{} does not say in which VPC it is", section.what),
                    "needs \"vpc\"",
                );
                self.report(problem.help(help));
                None
            }
        }
    }
}

/// A refusal of the model as a problem at `span`.
fn refusal(span: Span, error: &ModelError) -> Problem {
    let message = error.message.trim_end_matches('.').to_owned();
    let mut problem = Problem::new(span, message, "refused, as AWS would");
    problem.aws_code = Some(error.code);
    problem
}

/// Names become file names and words of `aws` lines, and must not look like ids.
pub(super) fn check_name(name: &Text<'_>, kind: impl Display) -> Result<(), Problem> {
    let text = name.text;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let shaped = text.len() <= 63
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    if !shaped {
        return Err(Problem::new(
            name.span.clone(),
            format!("\"{}\" is no name for {}", shown(text), article(&kind.to_string())),
            "not allowed",
        )
        .help("a name has 1 to 63 letters, digits, hyphens and underscores, and begins with a letter or digit"));
    }
    if Kind::of_id(text).is_some() {
        return Err(Problem::new(name.span.clone(), format!("the name \"{text}\" looks like an id"), "choose a name")
            .help(format!("to give it an id, write: NAME = {{ id = \"{text}\", ... }}")));
    }
    Ok(())
}

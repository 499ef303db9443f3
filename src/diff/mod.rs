//! Two networks compared by what packets meet in them.
//!
//! Purpose: [`compare`] probes the same (host, destination) pairs in both and lists those whose road, source address, reachability or price
//! differ, with the route or rule that decided on either side. Non-goals: comparing configurations line by line.
//! Invariants: every answer is one of [`crate::explain::trace`]'s; pairs come in the order of hosts' names; hosts are matched by name.

#[cfg(test)]
mod tests;

pub use crate::cost::Price;

use crate::cost::price_of;
use crate::dataplane::Decision;
use crate::explain::probe::Probe;
use crate::explain::road::Road;
use crate::explain::state::State;
use crate::explain::trace::{Leg, LegKind, Outcome, Traced, trace};
use crate::explain::{drop_sentence, sentence};
use crate::model::{InstanceState, PublicService, ServiceKind};
use crate::scenario::Scenario;
use serde::Serialize;
use std::collections::BTreeSet;

/// Pairs of instances are not compared when there are more instances than this: there would be tens of thousands.
pub const MESH_INSTANCES_MAX: usize = 100;

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its network at the point that is meant.
    pub state: &'a State,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How many pairs were probed.
    pub pairs_count: usize,
    /// Whether pairs of instances were left out because there are too many.
    pub mesh_left_out: bool,
    /// The pairs that differ.
    pub differences: Vec<Difference>,
}

/// A pair that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Who sends.
    pub from: String,
    /// To whom, in words: `DynamoDB`, `web`.
    pub to: String,
    /// The TCP port.
    pub port: u16,
    /// In what they differ.
    pub changed: Vec<Aspect>,
    /// On the one side.
    pub before: Meeting,
    /// On the other.
    pub after: Meeting,
}

/// In what two meetings can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Whether the packet gets there and its answer back, or why not.
    Reachability,
    /// The road.
    Road,
    /// The source address that the far end sees.
    Source,
    /// The price of a gigabyte.
    Price,
}

/// What a packet meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meeting {
    /// Whether it gets there, and its answer back.
    pub reachable: bool,
    /// The code of what stops it, or why it cannot even be sent.
    pub code: Option<String>,
    /// `gateway-endpoint`.
    pub road: Option<&'static str>,
    /// The gateway or endpoint, `vpce-9b15e2f2 (ddb)`.
    pub via: Option<String>,
    /// The source address that the far end sees.
    pub source: Option<String>,
    /// What a gigabyte costs; `None` if nothing arrives, or the price is not known.
    pub price: Option<Price>,
    /// The route that decided first, those of later tables (a NAT gateway's subnet, a transit gateway) that the other side does not have, and what stopped the packet.
    pub why: Vec<String>,
    /// Every route that decided, there and back.
    #[serde(skip)]
    routes: Vec<String>,
}

/// Compares two networks.
pub fn compare(before: Side<'_>, after: Side<'_>) -> Comparison {
    let mut hosts: BTreeSet<String> = before.instances();
    hosts.extend(after.instances());
    let mesh_left_out = hosts.len() > MESH_INSTANCES_MAX;
    let outside: BTreeSet<String> = before.outside().chain(after.outside()).collect();
    let mut comparison = Comparison { pairs_count: 0, mesh_left_out, differences: Vec::new() };
    for from in &hosts {
        comparison.pair(before, after, from, &Target::Service(ServiceKind::DynamoDb));
        comparison.pair(before, after, from, &Target::Service(ServiceKind::Ec2));
        for to in hosts.iter().filter(|to| *to != from && !mesh_left_out) {
            comparison.pair(before, after, from, &Target::Host(to.clone(), SSH));
        }
        for to in &outside {
            comparison.pair(before, after, from, &Target::Host(to.clone(), HTTPS));
        }
    }
    for from in &outside {
        for to in &hosts {
            comparison.pair(before, after, from, &Target::Host(to.clone(), SSH));
        }
    }
    comparison
}

const SSH: u16 = 22;
const HTTPS: u16 = 443;

/// Whom to probe.
enum Target {
    Service(ServiceKind),
    Host(String, u16),
}

impl Comparison {
    fn pair(&mut self, before: Side<'_>, after: Side<'_>, from: &str, target: &Target) {
        self.pairs_count += 1;
        let (mut one, mut other) = (before.meeting(from, target), after.meeting(from, target));
        let mut changed = Vec::new();
        if (one.reachable, &one.code) != (other.reachable, &other.code) {
            changed.push(Aspect::Reachability);
        }
        if !same_road(&one, &other) {
            changed.push(Aspect::Road);
        }
        if one.source != other.source {
            changed.push(Aspect::Source);
        }
        if let (Some(one), Some(other)) = (one.price, other.price)
            && one != other
        {
            changed.push(Aspect::Price);
        }
        if changed.is_empty() {
            return;
        }
        one.tell_routes_missing_in(&other);
        other.tell_routes_missing_in(&one);
        let (to, port) = match target {
            Target::Service(ServiceKind::DynamoDb) => ("DynamoDB".to_owned(), HTTPS),
            Target::Service(ServiceKind::Ec2) => ("EC2 API".to_owned(), HTTPS),
            Target::Service(ServiceKind::S3) => ("S3".to_owned(), HTTPS),
            Target::Service(ServiceKind::Sts) => ("STS".to_owned(), HTTPS),
            Target::Host(name, port) => (name.clone(), *port),
        };
        self.differences.push(Difference { from: from.to_owned(), to, port, changed, before: one, after: other });
    }
}

/// Two scenarios may call the same thing by other ids: names count, where there are names.
fn same_road(one: &Meeting, other: &Meeting) -> bool {
    let name = |meeting: &Meeting| {
        let via = meeting.via.clone()?;
        Some(via.split_once(" (").map_or(via.clone(), |(_, name)| name.to_owned()))
    };
    one.road == other.road && name(one) == name(other)
}

impl Side<'_> {
    /// Running instances, by name or else id.
    fn instances(&self) -> BTreeSet<String> {
        let model = self.state.control.model();
        let running = model.instances.values().filter(|instance| instance.state == InstanceState::Running);
        running
            .map(|instance| {
                let id = instance.id.to_string();
                self.state.names.name_of(&id).map_or(id.clone(), str::to_owned)
            })
            .collect()
    }

    fn outside(&self) -> impl Iterator<Item = String> {
        let model = self.state.control.model();
        let on_premises = model.on_premises.values().flat_map(|network| network.hosts.keys());
        model.outside_hosts.keys().chain(on_premises).cloned()
    }

    fn meeting(&self, from: &str, target: &Target) -> Meeting {
        let (to, port) = match target {
            Target::Service(kind) => match self.service(*kind) {
                Some(name) => (name, HTTPS),
                None => return Meeting::impossible("there is no such service".to_owned()),
            },
            Target::Host(name, port) => (name.clone(), *port),
        };
        let probe = Probe {
            tracked_connections_max: self.scenario.settings.tracked_connections_max,
            ..Probe::tcp(from, to, Some(port))
        };
        match trace(&self.state.control, &self.state.names, &probe) {
            Ok(traced) => {
                let price = price_of(&traced, self.state.control.model(), &self.scenario.settings.prices);
                Meeting { price, ..self.told(&traced) }
            }
            Err(error) => Meeting::impossible(error.to_string()),
        }
    }

    /// The DNS name of this Region's service.
    fn service(&self, kind: ServiceKind) -> Option<String> {
        let model = self.state.control.model();
        let own = |service: &&PublicService| service.kind == kind && service.region == model.region;
        model.public_services.iter().find(own)?.dns_names.first().cloned()
    }

    fn told(&self, traced: &Traced) -> Meeting {
        let road = traced.road();
        let node = road.and_then(Road::node);
        let via = node.map(|node| self.state.names.describe(&traced.program.origins.owner(node).id));
        let source = traced.source_seen().map(|address| match address == traced.sender.address {
            true if traced.sender.interface.is_some() => format!("{address} (private)"),
            true => address.to_string(),
            false => format!("{address} (public)"),
        });
        let mut why: Vec<String> = traced.deciding_route().into_iter().collect();
        if let Outcome::Dropped { leg, at, reason } = traced.outcome {
            // What decided, then what that means.
            let last = traced.leg(leg).and_then(|leg| last_decision(traced, leg));
            why.extend(last.filter(|last| !why.contains(last)));
            why.push(drop_sentence(&traced.program, Some(at), reason));
        }
        if why.is_empty() {
            // No route table was asked: what let it in at last.
            why.extend(traced.leg(LegKind::Forward).and_then(|leg| last_decision(traced, leg)));
        }
        Meeting {
            reachable: traced.is_reachable(),
            code: traced.code().map(str::to_owned),
            road: road.map(Road::class),
            via,
            source,
            price: None,
            why,
            routes: routes(traced),
        }
    }
}

/// The routes that decided, there and back, in the order in which they were asked.
fn routes(traced: &Traced) -> Vec<String> {
    let legs = [LegKind::Forward, LegKind::Back].into_iter().filter_map(|kind| traced.leg(kind));
    let visits = legs.flat_map(|leg| &leg.visits);
    let routed = visits.flat_map(|visit| visit.decisions.iter().map(move |decision| (visit.at, decision)));
    routed
        .filter(|(_, decision)| matches!(decision, Decision::Route { .. }))
        .map(|(at, decision)| sentence(&traced.program, at, decision))
        .collect()
}

/// The last thing that a node decided on a walk.
fn last_decision(traced: &Traced, leg: &Leg) -> Option<String> {
    let visit = leg.visits.last()?;
    Some(sentence(&traced.program, visit.at, visit.decisions.last()?))
}

impl Meeting {
    /// Nothing can be sent at all.
    fn impossible(why: String) -> Meeting {
        Meeting {
            reachable: false,
            code: None,
            road: None,
            via: None,
            source: None,
            price: None,
            why: vec![why],
            routes: Vec::new(),
        }
    }

    /// Puts the routes that decided here and not there behind the one that decided first, which is told anyway.
    fn tell_routes_missing_in(&mut self, other: &Meeting) {
        // What cannot be sent has no routes to compare with.
        if other.routes.is_empty() {
            return;
        }
        let mut at = usize::from(!self.why.is_empty());
        for route in &self.routes {
            if !other.routes.contains(route) && !self.why.contains(route) {
                self.why.insert(at, route.clone());
                at += 1;
            }
        }
    }
}

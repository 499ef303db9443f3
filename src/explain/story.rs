//! A trace as people read it: an execution table, what its variables held, and the verdict.
//!
//! Purpose: every row is one [`Decision`] (or the [`Step`] that ended a walk), in the order in which the data plane made them. Non-goals: column
//! widths and colours (`cli`). The words of the seed page: step, where, what is checked, its result, where to go next.

use super::hints::beaten_code;
use super::road::Road;
use super::table_name;
use super::trace::{Leg, LegKind, Outcome, Traced, Visit};
use crate::control::ControlPlane;
use crate::dataplane::{Decision, Direction, DropReason, MtuOutcome, SecurityVerdict, Step};
use crate::ids::SecurityGroupId;
use crate::model::{Model, NatConnectivity, NetworkInterface};
use crate::net::Protocol;
use crate::program::{HostIx, HostKind, Named, NextHopKind, Node, NodeIx, Program};
use crate::scenario::Names;
use std::net::Ipv4Addr;

/// A trace in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// `REACHABLE  tcp 172.31.0.10:40000 -> 52.94.2.72:443`, or where and why not, with the code.
    pub verdict: String,
    /// The execution table.
    pub rows: Vec<Row>,
    /// What the variables held.
    pub variables: Variables,
}

/// One line of the execution table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1.
    pub number: usize,
    /// Where the packet is.
    pub place: String,
    /// What is checked there.
    pub check: String,
    /// What came of it, one thought a line.
    pub result: Vec<String>,
    /// What follows.
    pub next: Next,
    /// On which walk.
    pub leg: LegKind,
}

/// What follows a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The row of this number.
    Row(usize),
    /// The far end answers.
    Reply,
    /// The answer is there.
    Done,
    /// The packet is lost.
    Drop,
    /// The answer went astray.
    Astray,
}

/// What changed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    /// After which rows; the first column stands before row 1.
    pub after: Vec<usize>,
    /// Name, and its value at the start and after each of those rows.
    pub lines: Vec<(&'static str, Vec<String>)>,
}

/// As the table shows it: the number of a row, or a word.
impl std::fmt::Display for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Next::Row(number) => f.pad(&number.to_string()),
            Next::Reply => f.pad("reply"),
            Next::Done => f.pad("done"),
            Next::Drop => f.pad("DROP"),
            Next::Astray => f.pad("stray"),
        }
    }
}

/// Tells a trace. `control` and `names` are those it was made with.
pub fn tell(traced: &Traced, control: &ControlPlane, names: &Names) -> Story {
    let mut teller = Teller { traced, program: &traced.program, model: control.model(), names, rows: Vec::new() };
    for leg in &traced.legs {
        teller.leg(leg);
    }
    let variables = teller.variables();
    Story { verdict: teller.verdict(), rows: teller.rows, variables }
}

struct Teller<'t> {
    traced: &'t Traced,
    program: &'t Program,
    model: &'t Model,
    names: &'t Names,
    rows: Vec<Row>,
}

impl Teller<'_> {
    fn leg(&mut self, leg: &Leg) {
        if let Some((at, made)) = leg.made {
            let sentence = super::made_sentence(self.program, at, made);
            let result = sentence.split_once(": ").map_or(sentence.clone(), |(_, rest)| rest.to_owned());
            self.row(leg.kind, self.node(at), "what it tells the source", vec![result]);
        }
        for visit in &leg.visits {
            for decision in &visit.decisions {
                let (place, check, mut result) = self.decision(visit, decision);
                if let (Decision::Mtu { outcome: MtuOutcome::Fragmented, .. }, Some((number, count))) =
                    (decision, leg.fragment)
                {
                    result.push(format!("followed: fragment {number} of {count}"));
                }
                self.row(leg.kind, place, check, result);
            }
            if let Some(reason) = visit.step.drop_reason() {
                self.drop(leg, visit, reason);
            }
            match visit.step {
                Step::Deliver(host) if leg.kind == LegKind::Told => self.learns(leg, host),
                Step::Deliver(host) if leg.kind == LegKind::Forward => self.arrival(leg, visit, host),
                Step::Deliver(host) if leg.kind == LegKind::Back => self.end(host),
                _ => {}
            }
        }
    }

    fn row(&mut self, leg: LegKind, place: String, check: impl Into<String>, result: Vec<String>) {
        let number = self.rows.len() + 1;
        self.rows.push(Row { number, place, check: check.into(), result, next: Next::Row(number + 1), leg });
    }

    fn set_next(&mut self, next: Next) {
        if let Some(row) = self.rows.last_mut() {
            row.next = next;
        }
    }

    fn decision(&self, visit: &Visit, decision: &Decision) -> (String, &'static str, Vec<String>) {
        let here = self.node(visit.at);
        let one = |text: String| vec![text];
        match *decision {
            Decision::Arp { target, answered } => {
                let answer = if answered { "answered" } else { "nobody in the subnet has it" };
                (here, "ARP", one(format!("{target}: {answer}")))
            }
            Decision::Platform { .. } => (here, "link-local service", one("before any rule: pass".to_owned())),
            Decision::SourceDestCheck { enabled: false, address, .. } => {
                (here, "source/dest check", one(format!("{address}: the check is off")))
            }
            Decision::SourceDestCheck { address, passed, .. } => {
                let own = if passed { "is its own: pass" } else { "is not its own" };
                (here, "source/dest check", one(format!("{address} {own}")))
            }
            Decision::SecurityGroup { direction, verdict } => {
                let (place, result) = self.security_group(visit, direction, verdict);
                (place, "tracked, else any rule", one(result))
            }
            Decision::SameSubnet { to } => {
                let to = format!("same subnet: straight to {}", self.node(to));
                (here, "Ethernet destination", vec![to, "no route table, no ACL".to_owned()])
            }
            Decision::NetworkAcl { acl, direction, rule, allowed } => {
                let place = format!("acl {}, {}", self.short(self.program.origins.acl(acl)), side(direction));
                let number = rule.map_or_else(|| "*".to_owned(), |number| number.to_string());
                let result = if allowed { format!("{number} allows: pass") } else { self.denial(visit, &number) };
                (place, "rules in order", one(result))
            }
            Decision::Route { table, destination, entry } => {
                let place = table_name(&self.program.origins.tables[table.at()]);
                let Some(entry) = entry else {
                    return (place, "longest prefix", one(format!("no route to {destination}")));
                };
                let explained = self.program.origins.explain_route(table, entry, destination);
                let mut lines = vec![explained.winner.to_string()];
                lines.extend(explained.sharing.iter().map(|other| format!("shares flows with {}", other.target)));
                lines.extend(explained.beaten.iter().map(|beaten| {
                    format!("beats {beaten} [{}]", beaten_code(explained.table, explained.winner, beaten))
                }));
                (place, "longest prefix", lines)
            }
            Decision::Translate { before, after, .. } => {
                (here, "public address", one(format!("{before} becomes {after}")))
            }
            Decision::Endpoint { endpoint, direction } if self.program.eni(endpoint).is_some() => {
                let way = if direction == Direction::Egress { "pass, source unchanged" } else { "an answer: pass" };
                (self.owner_of(endpoint), "TCP, connection known", one(way.to_owned()))
            }
            Decision::Endpoint { direction: Direction::Egress, .. } => {
                (here, "TCP/echo, list, not policy", one("pass, source unchanged".to_owned()))
            }
            Decision::Endpoint { direction: Direction::Ingress, .. } => {
                let source = visit.before.map_or_else(String::new, |tuple| format!("{}: ", tuple.source));
                (here, "source in list", one(format!("{source}pass")))
            }
            Decision::PublicAddress { address } => {
                let owner = self.owner(address);
                (here, "who has the address", one(format!("{address}: {owner}")))
            }
            Decision::Mtu { mtu_bytes, packet_bytes, outcome } => {
                let (verb, more) = match outcome {
                    MtuOutcome::Fragmented => ("split", None),
                    MtuOutcome::Told => ("refused", Some("its source is told")),
                    MtuOutcome::Silent => ("dropped", Some("nobody is told")),
                };
                let mut lines = one(format!("{packet_bytes} bytes, MTU {mtu_bytes}: {verb}"));
                lines.extend(more.map(str::to_owned));
                (here, "MTU of what comes next", lines)
            }
            Decision::TransitAttachment { from, table } => {
                let from = self.node(from);
                let result = match table.map(|table| table_name(&self.program.origins.tables[table.at()])) {
                    Some(table) => vec![format!("from {from}"), format!("asks {table}")],
                    // The verdict quotes the first line.
                    None => vec![format!("from {from}: associated with no route table")],
                };
                (here, "attachment's association", result)
            }
            ref other => {
                let sentence = super::sentence(self.program, visit.at, other);
                let result = sentence.split_once(": ").map_or(sentence.clone(), |(_, rest)| rest.to_owned());
                let check = match other {
                    Decision::Nat { .. } => "NAT session",
                    Decision::MssClamped { .. } => "maximum segment size",
                    Decision::TimeToLive { .. } => "time to live",
                    Decision::Forwarded { .. } => "what the instance does",
                    Decision::Peering { .. } => "addresses of the other VPC",
                    Decision::TransitPort { .. } => "zone of the attachment",
                    Decision::VpnGatewayAddress { .. } => "address in the VPC",
                    Decision::Tunnel { .. } => "tunnel",
                    Decision::VirtualInterface { .. } => "virtual interface",
                    Decision::BlockPublicAccess { .. } => "block public access",
                    _ => "rate",
                };
                (here, check, one(result))
            }
        }
    }

    fn security_group(&self, visit: &Visit, direction: Direction, verdict: SecurityVerdict) -> (String, String) {
        let all = format!("sg {}, {}", self.groups_at(visit.at), side(direction));
        match verdict {
            SecurityVerdict::Tracked => (all, "tracked: pass".to_owned()),
            SecurityVerdict::FollowsFirst => (all, "its first fragment passed: pass".to_owned()),
            SecurityVerdict::RouterExempt => (all, "the subnet router is exempt: pass".to_owned()),
            SecurityVerdict::NoRule => {
                let what = visit.before.map_or_else(String::new, |tuple| {
                    let port = match tuple.protocol {
                        Protocol::TCP | Protocol::UDP => format!(" {}", tuple.destination_port),
                        _ => String::new(),
                    };
                    match direction {
                        Direction::Egress => format!(" {}{port} to {}", tuple.protocol, tuple.destination),
                        Direction::Ingress => format!(" {}{port} from {}", tuple.protocol, tuple.source),
                    }
                });
                (all, format!("no rule allows{what}"))
            }
            SecurityVerdict::Rule { group, position, tracked } => {
                let (name, rules) = &self.program.origins.groups[group.at()];
                let rules = &rules[usize::from(direction == Direction::Egress)];
                let rule = rules.get(usize::from(position)).map_or("?", String::as_str);
                let tracking = if tracked { "tracked" } else { "untracked" };
                (format!("sg {}, {}", self.short(name), side(direction)), format!("{rule}: pass, {tracking}"))
            }
        }
    }

    /// What a network ACL says to a packet that it denies.
    fn denial(&self, visit: &Visit, number: &str) -> String {
        let what = visit.before.map_or_else(String::new, |tuple| match tuple.protocol {
            Protocol::TCP | Protocol::UDP => format!(" {} to port {}", tuple.protocol, tuple.destination_port),
            other => format!(" {other}"),
        });
        format!("{number} denies{what}")
    }

    /// The end of a packet that was lost. Where the last decision says why, no row is added.
    fn drop(&mut self, leg: &Leg, visit: &Visit, reason: DropReason) {
        let said = visit.decisions.last().is_some_and(|decision| says_why(reason, decision));
        if !said {
            let check = match reason {
                DropReason::NoInterfaceAtAddress | DropReason::NobodyAtPublicAddress => "who has the address",
                DropReason::InternetGatewayNoPublicAddress | DropReason::InternetGatewayNoPrivateAddress => {
                    "public address"
                }
                DropReason::TrackingTableFull => "connection tracking",
                DropReason::NatProtocol | DropReason::NatFragment => "what NAT translates",
                DropReason::NatSourceNotInVpc => "source in the VPC",
                DropReason::NatNoSession | DropReason::NatIdleTimeout | DropReason::NatPortExhausted => "NAT session",
                DropReason::EndpointProtocol | DropReason::EndpointDestinationNotInList => "TCP/echo, list, not policy",
                DropReason::EndpointSourceNotInList | DropReason::EndpointInitiates => "source in list, an answer",
                _ => "what it is",
            };
            let result = match (reason, visit.before) {
                (DropReason::NoInterfaceAtAddress, Some(tuple)) => {
                    format!("no interface has {}", tuple.destination)
                }
                (DropReason::NobodyAtPublicAddress, Some(tuple)) => format!("{}: nobody", tuple.destination),
                (DropReason::InternetGatewayNoPublicAddress, Some(tuple)) => {
                    format!("{} has no public address", tuple.source)
                }
                _ => reason.facts().sentence.to_owned(),
            };
            self.row(leg.kind, self.node(visit.at), check, vec![result]);
        }
        self.set_next(Next::Drop);
    }

    fn arrival(&mut self, leg: &Leg, visit: &Visit, host: HostIx) {
        let source = visit.after.map_or_else(String::new, |tuple| tuple.source.to_string());
        let by = self.road_name(leg.road(self.program));
        let (check, mut result) = ("who asks, by which road", vec![format!("{source} {by}")]);
        if let (Node::Eni(eni), Some(tuple)) = (self.program.node(visit.at), visit.after)
            && eni.host == host
            && eni.private_ip != tuple.destination
        {
            result.push(format!("a router for {}: not followed behind it", tuple.destination));
        }
        self.row(leg.kind, self.host(host), check, result);
        self.set_next(if self.traced.leg(LegKind::Back).is_some() { Next::Reply } else { Next::Done });
    }

    fn end(&mut self, host: HostIx) {
        match self.traced.outcome {
            Outcome::AnsweredElsewhere { .. } => {
                let result = vec![format!("it is for {}", self.traced.sender.name)];
                self.row(LegKind::Back, self.host(host), "whose answer it is", result);
                self.set_next(Next::Astray);
            }
            _ => self.set_next(Next::Done),
        }
    }

    /// The end of what the network said.
    fn learns(&mut self, leg: &Leg, host: HostIx) {
        let result = if host == leg.sender { "knows now why" } else { "has not sent the packet" };
        self.row(leg.kind, self.host(host), "who is told", vec![result.to_owned()]);
        self.set_next(Next::Done);
    }

    fn verdict(&self) -> String {
        let Some(last) = self.rows.iter().rfind(|row| row.leg != LegKind::Told) else {
            return self.traced.sent.to_string();
        };
        let (number, place) = (last.number, &last.place);
        let on = match last.leg {
            LegKind::Resolve => ", the question for its address,",
            LegKind::Arp | LegKind::Forward => ",",
            LegKind::ArpBack | LegKind::Back | LegKind::Told => ", the answer,",
        };
        let what = last.result.first().map_or("", String::as_str);
        match self.traced.outcome {
            Outcome::Reachable => format!("REACHABLE  {}", self.traced.sent),
            Outcome::Dropped { reason, .. } => {
                let learns = match self.traced.told() {
                    None if reason == DropReason::MtuExceededSilently => "; nobody is told: a black hole".to_owned(),
                    None => String::new(),
                    Some(Some(host)) => format!("; {} is told", self.host(host)),
                    Some(None) => self.black_hole(),
                };
                format!("NOT REACHABLE at {number}{on} {place}: {what} [{}]{learns}", reason.code())
            }
            Outcome::AnsweredElsewhere { .. } => {
                format!("NOT REACHABLE at {number}, the answer goes to {place}: {what} [NO_PATH]")
            }
        }
    }

    /// What the network said did not arrive.
    fn black_hole(&self) -> String {
        let lost = self.traced.leg(LegKind::Told).and_then(|leg| Some((leg.end.at, leg.end.step.drop_reason()?)));
        let by = lost.map_or_else(String::new, |(at, reason)| format!(" at {} [{}]", self.node(at), reason.code()));
        let stalls = if self.traced.sent.protocol == Protocol::TCP { ", and TCP stalls" } else { "" };
        format!("; what tells its source is dropped{by}: a black hole{stalls}")
    }

    fn variables(&self) -> Variables {
        let mut variables = Variables {
            after: Vec::new(),
            lines: vec![
                ("request route", vec!["none".to_owned()]),
                ("access method", vec!["none".to_owned()]),
                ("source seen", vec![self.traced.sent.source.to_string()]),
            ],
        };
        let mut number = 0;
        let mut road = None;
        let lost = !self.traced.is_reachable();
        for leg in &self.traced.legs {
            for visit in &leg.visits {
                for decision in &visit.decisions {
                    number += 1;
                    if leg.kind == LegKind::Forward {
                        // Routes of the sender's own VPC: what other tables decide further on is not the request's route.
                        let is_own = matches!(road, None | Some(Road::Local | Road::NatGateway(_)));
                        if is_own || !matches!(decision, Decision::Route { .. }) {
                            self.at_decision(&mut variables, number, visit, decision);
                        }
                        road = Road::after(road, self.program, visit.at, decision);
                    }
                }
                if let (LegKind::Forward, Step::Deliver(_)) = (leg.kind, visit.step) {
                    number += 1;
                    let seen = visit.after.map_or_else(String::new, |tuple| tuple.source.to_string());
                    variables.push(number, self.road_short(road), access(road), &seen);
                }
            }
        }
        let number = self.rows.iter().filter(|row| row.leg != LegKind::Told).count();
        let back = self.traced.leg(LegKind::Back).and_then(|leg| leg.road(self.program));
        match lost {
            // The route that led nowhere stays to be seen.
            true if variables.after.last() == Some(&number) => variables.nothing_seen(),
            true => variables.push(number, "lost".to_owned(), "none", "-"),
            false if back == road => {
                variables.push(number, "answered, same road".to_owned(), &format!("{}, complete", access(road)), "-");
            }
            false => {
                let text = format!("answered, by {}", self.road_short(back));
                variables.push(number, text, &format!("{}, complete", access(road)), "-");
            }
        }
        variables
    }

    /// What a forward decision says about the variables.
    fn at_decision(&self, variables: &mut Variables, number: usize, visit: &Visit, decision: &Decision) {
        let source = visit.before.map_or_else(String::new, |tuple| tuple.source.to_string());
        match *decision {
            Decision::Route { table, destination, entry } => {
                let (route, access) = match entry {
                    None => ("no route".to_owned(), "none"),
                    Some(entry) => {
                        let winner = self.program.origins.explain_route(table, entry, destination).winner;
                        let route = winner.prefix_list.clone().unwrap_or_else(|| winner.cidr.to_string());
                        let access = match winner.kind {
                            NextHopKind::Blackhole => "none",
                            _ if winner.target.starts_with("igw-") => "public, chosen",
                            _ if self.is_public_nat(&winner.target) => "public, chosen",
                            _ => "private, chosen",
                        };
                        (route, access)
                    }
                };
                variables.push(number, route, access, &source);
            }
            Decision::SameSubnet { .. } => variables.push(number, "same subnet".to_owned(), "private, chosen", &source),
            Decision::Translate { direction: Direction::Egress, after, .. } => {
                variables.push(number, self.program.origins.node(visit.at).id.clone(), "public", &after.to_string());
            }
            _ => {}
        }
    }

    fn is_public_nat(&self, target: &str) -> bool {
        let gateway = target.parse().ok().and_then(|id| self.model.nat_gateways.get(&id));
        gateway.is_some_and(|gateway| gateway.connectivity == NatConnectivity::Public)
    }

    fn road_name(&self, road: Option<Road>) -> String {
        match road {
            Some(Road::Local) => "inside the VPC".to_owned(),
            Some(Road::Internet) => "by the internet".to_owned(),
            Some(Road::InterfaceEndpoint(node)) => format!("by {}", self.owner_of(node)),
            Some(road) => road.node().map_or_else(String::new, |node| format!("by {}", self.node(node))),
            None => "straight".to_owned(),
        }
    }

    fn road_short(&self, road: Option<Road>) -> String {
        road.and_then(Road::node).map_or_else(
            || road.map_or("straight", Road::class).to_owned(),
            |node| self.program.origins.owner(node).id.clone(),
        )
    }

    /// `app-public eni-5f2103c4`, `igw-6f2d91ab (default)`.
    fn node(&self, at: NodeIx) -> String {
        let named = self.program.origins.node(at);
        let name = self.names.name_of(&named.id).or(named.name.as_deref());
        match (self.program.node(at), name) {
            (Node::Eni(_), Some(name)) => format!("{name} {}", named.id),
            (Node::Router(_), _) => format!("router of {}", self.short(named)),
            (_, Some(name)) if name != named.id => format!("{} ({name})", named.id),
            _ => named.id.clone(),
        }
    }

    /// `vpce-9b15e2f2 (ddb)`: what an interface of AWS's belongs to.
    fn owner_of(&self, at: NodeIx) -> String {
        let named = self.program.origins.owner(at);
        match self.names.name_of(&named.id).or(named.name.as_deref()) {
            Some(name) if name != named.id => format!("{} ({name})", named.id),
            _ => named.id.clone(),
        }
    }

    fn host(&self, host: HostIx) -> String {
        let named = self.program.origins.host(host);
        match &self.program.hosts[host.at()].kind {
            HostKind::EndpointService(_) | HostKind::InterfaceEndpointService(_) | HostKind::PublicService(..) => {
                named.id.clone()
            }
            HostKind::Platform(_) | HostKind::OutsidePlatform(_) | HostKind::OnPremisesPlatform(..) => {
                "resolver, DHCP, router".to_owned()
            }
            _ => self.names.name_of(&named.id).or(named.name.as_deref()).unwrap_or(&named.id).to_owned(),
        }
    }

    fn short(&self, named: &Named) -> String {
        self.names.name_of(&named.id).or(named.name.as_deref()).unwrap_or(&named.id).to_owned()
    }

    fn groups_at(&self, at: NodeIx) -> String {
        let id = &self.program.origins.node(at).id;
        let eni = self.model.network_interfaces.values().find(|eni| eni.id.to_string() == *id);
        let groups = eni.map_or(&[][..], |eni| &eni.security_group_ids);
        let name = |id: &SecurityGroupId| {
            let own = self.model.security_groups.get(id).map(|group| group.group_name.clone());
            self.names.name_of(&id.to_string()).map(str::to_owned).or(own).unwrap_or_else(|| id.to_string())
        };
        groups.iter().map(name).collect::<Vec<_>>().join(" + ")
    }

    /// Who has a public address, by name.
    fn owner(&self, address: Ipv4Addr) -> String {
        let has = |eni: &&NetworkInterface| eni.public_address.is_some_and(|public| public.address == address);
        if let Some(eni) = self.model.network_interfaces.values().find(has) {
            let instance = self.model.instance_of(eni).and_then(|instance| instance.tags.name());
            let gateway = || self.model.nat_gateway_of(eni.id).and_then(|gateway| gateway.tags.name());
            let name = instance.or_else(gateway);
            return name.map_or_else(|| eni.id.to_string(), str::to_owned);
        }
        let names = &self.program.origins.address_names;
        let found = names.iter().find(|(named, _)| *named == address).map(|(_, name)| name.clone());
        found.unwrap_or_else(|| "found".to_owned())
    }
}

impl Variables {
    fn nothing_seen(&mut self) {
        if let Some(last) = self.lines.last_mut().and_then(|(_, values)| values.last_mut()) {
            "-".clone_into(last);
        }
    }

    fn push(&mut self, after: usize, route: String, access: &str, source: &str) {
        if self.after.last() == Some(&after) {
            for (_, values) in &mut self.lines {
                values.pop();
            }
            self.after.pop();
        }
        self.after.push(after);
        for ((_, values), value) in self.lines.iter_mut().zip([route, access.to_owned(), source.to_owned()]) {
            values.push(value);
        }
    }
}

/// Whether `decision` is the one that lost the packet.
fn says_why(reason: DropReason, decision: &Decision) -> bool {
    match reason {
        DropReason::SourceCheck | DropReason::DestinationCheck => matches!(decision, Decision::SourceDestCheck { .. }),
        DropReason::SecurityGroupEgress
        | DropReason::SecurityGroupIngress
        | DropReason::SecurityGroupNoRulesEgress
        | DropReason::SecurityGroupNoRulesIngress => matches!(decision, Decision::SecurityGroup { .. }),
        DropReason::BlockPublicAccess => matches!(decision, Decision::BlockPublicAccess { .. }),
        DropReason::NetworkAclEgress | DropReason::NetworkAclIngress => matches!(decision, Decision::NetworkAcl { .. }),
        DropReason::VpnGatewaySource | DropReason::VpnGatewayDestination => {
            matches!(decision, Decision::VpnGatewayAddress { known: false, .. })
        }
        DropReason::TunnelsDown => matches!(decision, Decision::Tunnel { tunnel: None, .. }),
        DropReason::VirtualInterfaceDown => matches!(decision, Decision::VirtualInterface { up: false, .. }),
        DropReason::VpnGatewayNoRoute | DropReason::OnPremisesNoRoute => {
            matches!(decision, Decision::Route { entry: None, .. })
        }
        DropReason::FragmentWithoutFirst => matches!(decision, Decision::SecurityGroup { .. }),
        DropReason::MtuExceeded | DropReason::MtuExceededSilently => matches!(decision, Decision::Mtu { .. }),
        DropReason::TimeToLiveExceeded => matches!(decision, Decision::TimeToLive { .. }),
        DropReason::LinkLocalRateExceeded => matches!(decision, Decision::LinkLocalRate { .. }),
        DropReason::NoRoute
        | DropReason::BlackholeRoute
        | DropReason::TransitNoRoute
        | DropReason::TransitBlackhole => matches!(decision, Decision::Route { .. }),
        DropReason::TransitNoAssociation => matches!(decision, Decision::TransitAttachment { .. }),
        DropReason::PeeringAddressNotInVpc => matches!(decision, Decision::Peering { .. }),
        DropReason::NoInterfaceAtAddress | DropReason::BroadcastOrMulticast => matches!(decision, Decision::Arp { .. }),
        _ => false,
    }
}

const fn access(road: Option<Road>) -> &'static str {
    match road {
        Some(Road::InternetGateway(_) | Road::NatGateway(_) | Road::Internet) => "public",
        _ => "private",
    }
}

const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "egress",
        Direction::Ingress => "ingress",
    }
}

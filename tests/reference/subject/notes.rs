//! What the data plane says it decides, in the reference's words.

use crate::reference::packet::Party;
use crate::reference::rules::Side;
use crate::reference::world::Choices;
use vpcsim::dataplane::{Decision, Direction, MtuOutcome, PacketMeta, SecurityVerdict, Tap};
use vpcsim::model::Model;
use vpcsim::program::{HostKind, Node, NodeIx, NodeKey, Program};
use vpcsim::time::SimTime;

/// Takes down decisions.
pub struct Notes<'p, 'n> {
    program: &'p Program,
    model: &'p Model,
    path: &'n mut Vec<String>,
    rules: &'n mut Vec<(Side, String, usize)>,
    choices: &'n mut Choices,
}

impl<'p, 'n> Notes<'p, 'n> {
    pub fn new(
        program: &'p Program,
        model: &'p Model,
        path: &'n mut Vec<String>,
        rules: &'n mut Vec<(Side, String, usize)>,
        choices: &'n mut Choices,
    ) -> Self {
        Notes { program, model, path, rules, choices }
    }

    fn say(&mut self, what: String) {
        self.path.push(what);
    }

    fn name_of(&self, at: NodeIx) -> Option<String> {
        let (key, _) = self.program.lookup.nodes.iter().find(|(_, node)| **node == at)?;
        match key {
            NodeKey::Router(_) => None,
            NodeKey::Internet => Some("internet".to_owned()),
            NodeKey::Forwarder(eni) => Some(format!("inside {eni}")),
            NodeKey::OnPremises(name) => Some(format!("router of {name}")),
            _ => Some(self.program.origins.node(at).id.clone()),
        }
    }
}

impl Tap for Notes<'_, '_> {
    fn on_enter(&mut self, _now: SimTime, at: NodeIx, packet: &PacketMeta, _bytes: &[u8]) {
        let from = packet.from.map(|from| &self.program.nodes[from.at()]);
        if let (Some(Node::TransitGateway(_)), Node::VpnConnection(_)) = (from, &self.program.nodes[at.at()]) {
            let id = self.name_of(at).expect("a connection has a name");
            self.choices.connections.insert(id.parse().expect("its name is its id"));
        }
        self.path.extend(self.name_of(at));
    }

    fn on_decision(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        let origins = &self.program.origins;
        match decision {
            Decision::SecurityGroup { direction, verdict } => {
                let word = match verdict {
                    SecurityVerdict::Tracked => "tracked",
                    SecurityVerdict::Rule { tracked: true, .. } => "rule, tracked from now on",
                    SecurityVerdict::Rule { tracked: false, .. } => "rule, not tracked",
                    SecurityVerdict::NoRule => "no rule",
                    SecurityVerdict::FollowsFirst => "follows its first",
                    SecurityVerdict::RouterExempt => "exempt",
                };
                if let SecurityVerdict::Rule { group, position, .. } = verdict {
                    let group = origins.group(group).id.clone();
                    self.rules.push((side(direction), group, usize::from(position)));
                }
                self.say(format!("sg {} {word}", side(direction).word()));
            }
            Decision::NetworkAcl { acl, direction, rule, allowed } => {
                let number = rule.map_or("*".to_owned(), |number| number.to_string());
                assert!(rule.is_some() || !allowed, "the final rule denies");
                self.say(format!("{} {} {number}", origins.acl(acl).id, side(direction).word()));
            }
            Decision::Route { table, destination, entry } => {
                let origin = &origins.tables[table.at()];
                let what = match entry {
                    Some(entry) => {
                        let winner = origins.explain_route(table, entry, destination).winner;
                        format!("{} -> {}", winner.cidr, winner.target)
                    }
                    None => "no route".to_owned(),
                };
                self.say(format!("{} {what}", origin.table.id));
            }
            Decision::Translate { before, after, .. } => self.say(format!("{before} as {after}")),
            Decision::Nat { direction, before, after, begun } => {
                if begun {
                    self.choices.ports.push_back(after);
                }
                let word = if direction == Direction::Egress { "out" } else { "in" };
                let begun = if begun { " begun" } else { "" };
                self.say(format!("nat {word} {}:{} -> {}:{}{begun}", before.0, before.1, after.0, after.1));
            }
            Decision::Mtu { mtu_bytes, outcome, .. } => {
                let word = match outcome {
                    MtuOutcome::Fragmented => "split",
                    MtuOutcome::Told => "told",
                    MtuOutcome::Silent => "silence",
                };
                self.say(format!("mtu {mtu_bytes}: {word}"));
            }
            Decision::MssClamped { before, after } => self.say(format!("mss {before} -> {after}")),
            Decision::TimeToLive { left } => self.say(format!("ttl {left}")),
            Decision::BlockPublicAccess { passed } => {
                self.say(if passed { "public access allowed" } else { "public access blocked" }.to_owned());
            }
            Decision::TransitPort { zone } => {
                let zone = self.zone_name(at, zone);
                self.choices.zones.push_back(zone.clone());
                self.say(format!("enters in {zone}"));
            }
            Decision::Tunnel { tunnel, .. } => {
                self.choices.tunnels.push_back(tunnel);
                self.say(tunnel.map_or("no tunnel".to_owned(), |tunnel| format!("tunnel {tunnel}")));
            }
            Decision::VirtualInterface { up, .. } => {
                self.say(if up { "session up" } else { "session down" }.to_owned());
            }
            _ => {}
        }
    }
}

impl Notes<'_, '_> {
    /// The zone that a router numbers so.
    fn zone_name(&self, router: NodeIx, zone: u16) -> String {
        let Node::Router(node) = &self.program.nodes[router.at()] else { panic!("only routers number zones") };
        let boundary = node.subnets.iter().find(|subnet| subnet.zone == zone).expect("a zone has a subnet");
        let (key, _) = self.program.lookup.nodes.iter().find(|(_, at)| **at == router).expect("a node has a key");
        let NodeKey::Router(vpc) = key else { panic!("a router's key is its VPC's") };
        let mut subnets = self.model.subnets.values();
        let subnet = subnets.find(|subnet| subnet.vpc_id == *vpc && subnet.cidr == boundary.cidr);
        subnet.expect("the subnet is in the model").availability_zone.clone()
    }
}

fn side(direction: Direction) -> Side {
    match direction {
        Direction::Egress => Side::Out,
        Direction::Ingress => Side::In,
    }
}

pub fn host_kind(party: &Party) -> HostKind {
    match party.clone() {
        Party::Instance(eni) => HostKind::Instance(eni),
        Party::Platform(eni) => HostKind::Platform(eni),
        Party::Outside(name) => HostKind::Outside(name),
        Party::OutsidePlatform(name) => HostKind::OutsidePlatform(name),
        Party::PublicService(kind, region) => HostKind::PublicService(kind, region),
        Party::EndpointService(id) => HostKind::EndpointService(id),
        Party::InterfaceService(eni) => HostKind::InterfaceEndpointService(eni),
        Party::OnPremises(network, name) => HostKind::OnPremises(network, name),
        Party::OnPremisesPlatform(network, name) => HostKind::OnPremisesPlatform(network, name),
    }
}

pub fn party(kind: &HostKind) -> Party {
    match kind.clone() {
        HostKind::Instance(eni) => Party::Instance(eni),
        HostKind::Platform(eni) => Party::Platform(eni),
        HostKind::Outside(name) => Party::Outside(name),
        HostKind::OutsidePlatform(name) => Party::OutsidePlatform(name),
        HostKind::PublicService(kind, region) => Party::PublicService(kind, region),
        HostKind::EndpointService(id) => Party::EndpointService(id),
        HostKind::InterfaceEndpointService(eni) => Party::InterfaceService(eni),
        HostKind::OnPremises(network, name) => Party::OnPremises(network, name),
        HostKind::OnPremisesPlatform(network, name) => Party::OnPremisesPlatform(network, name),
    }
}

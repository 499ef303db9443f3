//! What a trace's reader should know besides the walk: codes of AWS's Reachability Analyzer that no packet dies of.
//!
//! | code | when | |
//! |---|---|---|
//! | `IGW_NAT_REFLECTION` | a packet went out by an internet gateway and came in again | the analyzer stops there, the network forwards |
//! | `SG_REFERENCES_NOT_PRESERVED` | a rule names the sender's group, and the packet came with a public address | why the rule did not match |
//! | `IGW_EXPECTS_PUBLIC_ADDRESS` | from outside to a private address | no such packet can be meant |
//!
//! Source: docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use super::trace::{Leg, LegKind, Traced};
use crate::dataplane::{Decision, Direction, DropReason};
use crate::model::{Model, RulePeer};
use crate::program::{HostKind, NodeIx, NodeKey, Program};
use std::net::Ipv4Addr;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// AWS's code.
    pub code: &'static str,
    /// One sentence.
    pub sentence: String,
}

/// The remarks on a trace. `model` is the network's that it was made with.
pub fn hints(traced: &Traced, model: &Model) -> Vec<Hint> {
    let forward = traced.leg(LegKind::Forward);
    [forward.and_then(reflection), forward.and_then(|leg| lost_reference(traced, leg, model)), private_aim(traced)]
        .into_iter()
        .flatten()
        .collect()
}

fn reflection(leg: &Leg) -> Option<Hint> {
    let translated = |wanted: Direction| {
        let is_it = move |decision: &Decision| matches!(decision, Decision::Translate { direction, .. } if *direction == wanted);
        leg.visits.iter().find(|visit| visit.decisions.iter().any(is_it)).map(|visit| visit.at)
    };
    (translated(Direction::Egress)? == translated(Direction::Ingress)?).then(|| Hint {
        code: "IGW_NAT_REFLECTION",
        sentence:
            "out by the internet gateway and in again: AWS's analyzer does not follow this, the network forwards it, \
                   and the far end sees a public address"
                .to_owned(),
    })
}

fn lost_reference(traced: &Traced, leg: &Leg, model: &Model) -> Option<Hint> {
    let lost_in_groups = matches!(traced.reason()?, DropReason::SecurityGroupIngress) && leg.delivered_to().is_none();
    let (last, sender) = (leg.visits.last()?, model.network_interfaces.get(&traced.sender.interface?)?);
    let tuple = last.before.filter(|tuple| lost_in_groups && tuple.source != sender.private_ip)?;
    let receiver = model.network_interfaces.get(&interface_at(&traced.program, last.at)?)?;
    let rules = receiver.security_group_ids.iter().filter_map(|id| model.security_groups.get(id));
    let rule = rules.flat_map(|group| &group.ingress).find(|rule| match rule.peer {
        RulePeer::SecurityGroup(id) => {
            sender.security_group_ids.contains(&id)
                && rule.traffic.matches(tuple.protocol, Some(tuple.destination_port), None)
        }
        _ => false,
    })?;
    Some(Hint {
        code: "SG_REFERENCES_NOT_PRESERVED",
        sentence: format!(
            "a rule for {} names a group of the sender, {}; a group stands for private addresses, and the packet came from {}",
            rule.traffic, rule.peer, tuple.source
        ),
    })
}

/// The interface that a node is.
fn interface_at(program: &Program, at: NodeIx) -> Option<crate::ids::EniId> {
    program.lookup.nodes.iter().find_map(|(key, node)| match key {
        NodeKey::Eni(id) if *node == at => Some(*id),
        _ => None,
    })
}

fn private_aim(traced: &Traced) -> Option<Hint> {
    let from_outside = matches!(traced.program.hosts[traced.sender.host.at()].kind, HostKind::Outside(_));
    let aim = traced.sent.destination;
    (from_outside && is_not_public(aim)).then(|| Hint {
        code: "IGW_EXPECTS_PUBLIC_ADDRESS",
        sentence: format!("{aim} means nothing outside its network: from there, use the public address"),
    })
}

/// RFC 1918 and RFC 6598.
fn is_not_public(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || (a == 100 && b & 0xc0 == 64)
}

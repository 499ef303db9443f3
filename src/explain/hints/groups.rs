//! Rules that name a security group and do not match.

use super::{About, Hint};
use crate::dataplane::{Decision, DropReason};
use crate::explain::trace::{Leg, LegKind, Traced};
use crate::model::{Model, RulePeer};

/// A rule for the packet that names a group of its sender, and yet it was refused.
pub(super) fn hints(traced: &Traced, model: &Model) -> Vec<Hint> {
    lost_reference(traced, model).unwrap_or_default()
}

fn lost_reference(traced: &Traced, model: &Model) -> Option<Vec<Hint>> {
    let leg = traced.leg(LegKind::Forward).filter(|leg| leg.delivered_to().is_none())?;
    let last = leg.visits.last().filter(|_| traced.reason() == Some(DropReason::SecurityGroupIngress))?;
    let sender = model.network_interfaces.get(&traced.sender.interface?)?;
    let tuple = last.before?;
    let receiver = super::ends::interface_at(traced, model, last.at)?;
    let rules = receiver.security_group_ids.iter().filter_map(|id| model.security_groups.get(id));
    let rule = rules.flat_map(|group| &group.ingress).find(|rule| match rule.peer {
        RulePeer::SecurityGroup(id) => {
            sender.security_group_ids.contains(&id)
                && rule.traffic.matches(tuple.protocol, Some(tuple.destination_port), None)
        }
        _ => false,
    })?;
    let about = Some(About::Node(last.at));
    let why = match tuple.source == sender.private_ip {
        true => "on this road the packet no longer tells its sender's groups".to_owned(),
        false => format!("a group stands for private addresses, and the packet came from {}", tuple.source),
    };
    let sentence = format!("a rule for {} names a group of the sender, {}; {why}", rule.traffic, rule.peer);
    let mut found = vec![Hint::of("SG_REFERENCES_NOT_PRESERVED", about, sentence)];
    if by_transit_gateway(leg) {
        found.push(Hint::of(
            "SG_REFERENCING_SUPPORT",
            about,
            "a transit gateway carries references to groups only if it and both attachments have SecurityGroupReferencingSupport"
                .to_owned(),
        ));
    }
    Some(found)
}

fn by_transit_gateway(leg: &Leg) -> bool {
    let decisions = leg.visits.iter().flat_map(|visit| &visit.decisions);
    decisions.into_iter().any(|decision| matches!(decision, Decision::TransitAttachment { .. }))
}

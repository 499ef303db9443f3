//! Where addresses are translated.

use super::{About, Hint};
use crate::dataplane::{Decision, Direction};
use crate::explain::trace::{Leg, LegKind, Traced};
use crate::net::Protocol;

pub(super) fn hints(traced: &Traced) -> Vec<Hint> {
    let Some(leg) = traced.leg(LegKind::Forward) else { return Vec::new() };
    let mut found = nat_gateways(traced, leg);
    found.extend(reflection(leg));
    found
}

/// Every NAT gateway that put its own address in the sender's place.
fn nat_gateways(traced: &Traced, leg: &Leg) -> Vec<Hint> {
    let mut found = Vec::new();
    for visit in &leg.visits {
        let translated = visit.decisions.iter().find_map(|decision| match *decision {
            Decision::Nat { direction: Direction::Egress, before, after, .. } => Some((before, after)),
            _ => None,
        });
        let (Some((before, after)), Some(tuple)) = (translated, visit.before) else { continue };
        if traced.program.nat_gateway(visit.at).is_none() {
            continue;
        }
        let (id, about) = (&traced.program.origins.node(visit.at).id, Some(About::Node(visit.at)));
        found.push(Hint::of(
            "NGW_SOURCE_ADDRESS_REASSIGN",
            about,
            format!("beyond {id} the source is {}: rules there that name {} do not match", after.0, before.0),
        ));
        // The identifier of an echo is translated likewise, but rules know nothing of it.
        if matches!(tuple.protocol, Protocol::TCP | Protocol::UDP) {
            found.push(Hint::of(
                "REMAP_EPHEMERAL_PORT",
                about,
                format!(
                    "port {} became {}, one of 1024-65535: network ACLs beyond {id} have to let answers to all of these in",
                    before.1, after.1
                ),
            ));
        }
        found.push(Hint::of(
            "NGW_DEST_ADDRESS_PRESERVATION",
            about,
            format!(
                "{id} leaves the destination {} as it is: nothing behind it can be reached by its address",
                tuple.destination
            ),
        ));
    }
    found
}

/// Out by an internet gateway and in by the same.
fn reflection(leg: &Leg) -> Option<Hint> {
    let translated = |wanted: Direction| {
        let is_it = move |decision: &Decision| matches!(decision, Decision::Translate { direction, .. } if *direction == wanted);
        leg.visits.iter().find(|visit| visit.decisions.iter().any(is_it)).map(|visit| visit.at)
    };
    let gateway = translated(Direction::Egress).filter(|at| translated(Direction::Ingress) == Some(*at))?;
    let sentence = "out by the internet gateway and in again: AWS's analyzer does not follow this, the network forwards it, \
                    and the far end sees a public address";
    Some(Hint::of("IGW_NAT_REFLECTION", Some(About::Node(gateway)), sentence.to_owned()))
}

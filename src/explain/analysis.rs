//! A trace in the shape of EC2's `NetworkInsightsAnalysis`, the answer of VPC Reachability Analyzer.
//!
//! Purpose: programs that read the one can read the other: every name and type is botocore's (`tests/cli_trace.rs` compares). Differences in
//! contents: AWS analyses all headers at once and shows no components for a path that it did not find; here one packet was walked, so the
//! components end where it was lost. Explanations of routes that were not taken stand at the route table's component, with the
//! route that lost. Codes of vpcsim's own (see `DropReason`) can stand in `ExplanationCode`.
//! Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInsightsAnalysis.html, .../vpc/latest/reachability/explanation-codes.html

mod component;

use super::hints::{About, Hint, hints};
use super::trace::{Leg, LegKind, Outcome, Traced};
use crate::control::ControlPlane;
use crate::dataplane::{Decision, Direction, DropReason};
use crate::net::FiveTuple;
use crate::rng::Seed;
use crate::time::SimTime;
use component::Describe;
use serde_json::{Value, json};

/// The analysis as a document.
pub fn analysis(traced: &Traced, control: &ControlPlane) -> Value {
    let describe = Describe::new(control, &traced.program);
    let components = |kind: LegKind| traced.leg(kind).map_or_else(Vec::new, |leg| components(&describe, traced, leg));
    let mut explanations = explanation(&describe, traced);
    let remarks = hints(traced, control.model());
    // Remarks stand among the explanations of a path that was not found, as AWS has them; of one that was, beside what they are about.
    if !traced.is_reachable() {
        explanations.extend(remarks.iter().map(|hint| remark(&describe, hint)));
    }
    let id = |prefix: &str| {
        let label = format!("{prefix} {} {} {:?}", traced.sender.name, traced.sent, traced.outcome);
        format!("{prefix}-0{:016x}", Seed::new(0).derive(&label).next_u64())
    };
    let analysis_id = id("nia");
    let mut forward: Vec<Value> =
        [LegKind::Resolve, LegKind::Arp, LegKind::Forward].into_iter().flat_map(components).collect();
    if traced.is_reachable() {
        remarks.iter().for_each(|hint| beside(&mut forward, remark(&describe, hint)));
    }
    let back: Vec<Value> = [LegKind::ArpBack, LegKind::Back].into_iter().flat_map(components).collect();
    json!({
        "NetworkInsightsAnalysisId": analysis_id,
        "NetworkInsightsAnalysisArn": describe.arn(&format!("network-insights-analysis/{analysis_id}")),
        "NetworkInsightsPathId": id("nip"),
        "StartDate": control.calendar().ec2(SimTime::ZERO),
        "Status": "succeeded",
        "NetworkPathFound": traced.is_reachable(),
        "ForwardPathComponents": numbered(forward),
        "ReturnPathComponents": numbered(back),
        "Explanations": explanations,
    })
}

/// A hint as an explanation.
fn remark(describe: &Describe<'_>, hint: &Hint) -> Value {
    let mut explanation = json!({ "ExplanationCode": hint.code, "Direction": "egress" });
    match hint.about {
        Some(About::Node(at)) => explanation["Component"] = describe.component(at),
        Some(About::Table(table)) if describe.is_of_transit_gateway(table) => {
            explanation["TransitGatewayRouteTable"] = describe.table(table);
        }
        Some(About::Table(table)) => explanation["RouteTable"] = describe.table(table),
        None => {}
    }
    explanation
}

/// Puts an explanation beside the component that it is about.
fn beside(components: &mut [Value], explanation: Value) {
    let about = &explanation["Component"]["Id"];
    let Some(there) = components.iter_mut().find(|component| component["Component"]["Id"] == *about) else { return };
    match there["Explanations"].as_array_mut() {
        Some(explanations) => explanations.push(explanation),
        None => there["Explanations"] = json!([explanation]),
    }
}

fn numbered(mut components: Vec<Value>) -> Vec<Value> {
    for (number, component) in (1..).zip(&mut components) {
        component["SequenceNumber"] = json!(number);
    }
    components
}

/// What a walk came through, in order: the sender, then one component a decision, then the receiver.
fn components(describe: &Describe<'_>, traced: &Traced, leg: &Leg) -> Vec<Value> {
    let mut found = Vec::new();
    let sent = leg.visits.first().and_then(|visit| visit.before);
    found.push(with(describe.host(leg.sender), "OutboundHeader", sent));
    for visit in &leg.visits {
        let mut node = describe.node(visit.at);
        if visit.before == visit.after {
            node = with(node, "OutboundHeader", visit.after.filter(|_| visit.step.drop_reason().is_none()));
        } else {
            node = with(with(node, "InboundHeader", visit.before), "OutboundHeader", visit.after);
        }
        let inner = visit.decisions.iter().filter_map(|decision| of_decision(describe, visit.at, decision));
        // A packet into an interface meets the security groups first.
        let comes_in =
            matches!(visit.decisions.first(), Some(Decision::SecurityGroup { direction: Direction::Ingress, .. }));
        match describe.is_shown(visit.at) {
            false => found.extend(inner),
            true if comes_in => {
                found.extend(inner);
                found.push(node);
            }
            true => {
                found.push(node);
                found.extend(inner);
            }
        }
    }
    if let Some(host) = leg.delivered_to() {
        let arrived = leg.visits.last().and_then(|visit| visit.after);
        found.push(with(describe.host(host), "InboundHeader", arrived));
    } else if let (Outcome::Dropped { leg: kind, .. }, Some(last)) = (traced.outcome, found.last_mut())
        && kind == leg.kind
    {
        let own = explanation(describe, traced);
        match last["Explanations"].as_array_mut() {
            Some(there) => there.extend(own),
            None => last["Explanations"] = Value::Array(own),
        }
    }
    found
}

fn of_decision(describe: &Describe<'_>, at: crate::program::NodeIx, decision: &Decision) -> Option<Value> {
    match *decision {
        Decision::SecurityGroup { direction, verdict } => describe.security_group(at, direction, verdict),
        Decision::NetworkAcl { acl, direction, rule, .. } => Some(describe.network_acl(acl, direction, rule)),
        Decision::Route { table, destination, entry } => Some(describe.route(table, destination, entry)),
        _ => None,
    }
}

/// Why no path was found; empty if one was.
fn explanation(describe: &Describe<'_>, traced: &Traced) -> Vec<Value> {
    let code = match (traced.outcome, traced.code()) {
        (Outcome::Reachable, _) | (_, None) => return Vec::new(),
        (_, Some(code)) => code,
    };
    let Outcome::Dropped { leg, at, reason } = traced.outcome else {
        return vec![json!({ "Direction": "ingress", "ExplanationCode": code })];
    };
    let leg = traced.leg(leg);
    let visit = leg.and_then(|leg| leg.visits.last());
    let decision = visit.and_then(|visit| visit.decisions.last());
    let mut explanation = json!({ "ExplanationCode": code, "Direction": direction_of(reason) });
    if describe.is_shown(at) {
        explanation["Component"] = describe.component(at);
    }
    if let Some(tuple) = visit.and_then(|visit| visit.before) {
        explanation["Addresses"] = json!([tuple.source.to_string(), tuple.destination.to_string()]);
        explanation["Protocols"] = json!([tuple.protocol.to_string()]);
    }
    match decision {
        Some(Decision::SecurityGroup { .. }) => {
            explanation["NetworkInterface"] = describe.component(at);
            explanation["SecurityGroups"] = json!(describe.groups_at(at));
        }
        Some(Decision::NetworkAcl { acl, direction, rule, allowed: false }) => {
            let described = describe.network_acl(*acl, *direction, *rule);
            explanation["Acl"] = described["Component"].clone();
            explanation["AclRule"] = described["AclRule"].clone();
        }
        Some(Decision::Route { table, destination, entry }) => {
            let described = describe.route(*table, *destination, *entry);
            let (table_field, route_field) = Describe::fields(describe.is_of_transit_gateway(*table));
            explanation[table_field] = described["Component"].clone();
            explanation["Destination"] = json!({ "Id": traced.destination.address.to_string() });
            if described.get(route_field).is_some() {
                explanation[route_field] = described[route_field].clone();
            }
        }
        _ => {}
    }
    vec![explanation]
}

/// As seen from the interface, subnet or gateway that refused.
const fn direction_of(reason: DropReason) -> &'static str {
    match reason {
        DropReason::SecurityGroupIngress
        | DropReason::SecurityGroupNoRulesIngress
        | DropReason::GatewayTableNoPublicAddress
        | DropReason::NetworkAclIngress
        | DropReason::DestinationCheck
        | DropReason::InternetGatewayNoPrivateAddress
        | DropReason::InternetGatewaySourceRfc1918
        | DropReason::InternetGatewaySourceRfc6598 => "ingress",
        _ => "egress",
    }
}

/// The component with a header as `PathComponent` has them.
fn with(mut component: Value, name: &str, header: Option<FiveTuple>) -> Value {
    if let Some(tuple) = header {
        component[name] = component::header(tuple);
    }
    component
}

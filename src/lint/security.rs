//! Lints about security groups and network ACLs that stand between an instance and DynamoDB.

use super::{Lint, Mend, Network, Rule};
use crate::ids::NetworkAclId;
use crate::model::{NetworkAclEntry, NetworkInterface, RulePeer, TrafficMatch};
use crate::net::{Ipv4Net, PortRange, Protocol};
use std::collections::BTreeMap;

/// HTTPS.
const HTTPS: u16 = 443;
/// The ports that Linux takes for outgoing connections.
const EPHEMERAL: PortRange = PortRange { from: 32_768, to: 60_999 };
/// What to allow for them: AWS's advice, which fits every kind of client.
const EPHEMERAL_ALLOWED: (u16, u16) = (1_024, 65_535);

/// A caller none of whose groups lets HTTPS out to the whole of DynamoDB's list.
pub(super) fn groups(network: &Network<'_>) -> Vec<Lint> {
    let Some((list, blocks)) = dynamodb_list(network) else { return Vec::new() };
    let mut found = Vec::new();
    for (instance, interface, _) in network.instances() {
        if !network.callers.include(network, instance) || lets_out(network, interface, &blocks) {
            continue;
        }
        let Some(group) = interface.security_group_ids.first() else { continue };
        let groups: Vec<String> = interface.security_group_ids.iter().map(|id| network.called(id)).collect();
        found.push(Lint {
            rule: Rule::SecurityGroupBlocksService,
            subject: instance.id.to_string(),
            detail: String::new(),
            places: network.places(&[group, &instance.id], interface.vpc_id),
            text: format!(
                "no outbound rule of {} lets {} call DynamoDB (tcp 443 to {list})",
                groups.join(", "),
                network.instance_name(instance)
            ),
            mend: Mend::Aws(vec![format!(
                "aws ec2 authorize-security-group-egress --group-id {group} --ip-permissions \
                 'IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{{PrefixListId={list}}}]'"
            )]),
        });
    }
    found
}

/// Subnets of callers whose ACL denies the request to DynamoDB, or the answer.
pub(super) fn acls(network: &Network<'_>) -> Vec<Lint> {
    let Some((_, blocks)) = dynamodb_list(network) else { return Vec::new() };
    let mut found: BTreeMap<(Rule, NetworkAclId), Lint> = BTreeMap::new();
    for (instance, interface, subnet) in network.instances() {
        let Some(acl) = network.model.network_acls.get(&subnet.network_acl_id) else { continue };
        if !network.callers.include(network, instance) {
            continue;
        }
        let https = PortRange::single(HTTPS);
        for (rule, rules, side, ports, allowed) in [
            (Rule::AclBlocksRequest, &acl.egress, "egress", https, (HTTPS, HTTPS)),
            (Rule::AclBlocksAnswer, &acl.ingress, "ingress", EPHEMERAL, EPHEMERAL_ALLOWED),
        ] {
            let denied: Vec<(Ipv4Net, Option<u16>)> =
                blocks.iter().filter_map(|block| Some((*block, denial(rules, *block, ports)?))).collect();
            let Some((block, number)) = denied.first() else { continue };
            let what = match rule {
                Rule::AclBlocksRequest => "requests to DynamoDB (tcp 443)",
                _ => "DynamoDB's answers (tcp to ephemeral ports)",
            };
            let number = number.map_or_else(|| "its last rule *".to_owned(), |number| format!("its rule {number}"));
            let numbers = room(rules, &denied);
            let is_full = numbers.len() < denied.len();
            let lines = numbers.into_iter().zip(&denied).map(|(number, (block, _))| {
                format!(
                    "aws ec2 create-network-acl-entry --network-acl-id {} --{side} --rule-number {number} \
                     --protocol tcp --port-range From={},To={} --cidr-block {block} --rule-action allow",
                    acl.id, allowed.0, allowed.1
                )
            });
            found.entry((rule, acl.id)).or_insert_with(|| Lint {
                rule,
                subject: acl.id.to_string(),
                detail: String::new(),
                places: network.places(&[&acl.id, &subnet.id], interface.vpc_id),
                text: format!(
                    "{} denies {what}: {number} decides about {block}, for {}",
                    network.called(acl.id),
                    network.instance_name(instance)
                ),
                mend: match is_full {
                    true => Mend::Advice(format!(
                        "renumber the {side} rules, so that allow rules fit before the denying one"
                    )),
                    false => Mend::Aws(lines.collect()),
                },
            });
        }
    }
    found.into_values().collect()
}

fn dynamodb_list(network: &Network<'_>) -> Option<(crate::ids::PrefixListId, Vec<Ipv4Net>)> {
    let list = network.model.prefix_list_named(&format!("com.amazonaws.{}.dynamodb", network.model.region))?;
    Some((list.id, list.cidrs.clone()))
}

/// Whether the groups of an interface together let HTTPS out to all of `blocks`.
fn lets_out(network: &Network<'_>, interface: &NetworkInterface, blocks: &[Ipv4Net]) -> bool {
    let groups = interface.security_group_ids.iter().filter_map(|id| network.model.security_groups.get(id));
    let rules = groups.flat_map(|group| &group.egress);
    let https = rules.filter(|rule| rule.traffic.matches(Protocol::TCP, Some(HTTPS), None));
    let allowed: Vec<Ipv4Net> = https
        .flat_map(|rule| match rule.peer {
            RulePeer::Cidr(cidr) => vec![cidr],
            RulePeer::PrefixList(id) => network.model.prefix_list(id).map_or_else(Vec::new, |list| list.cidrs.clone()),
            // Groups stand for private addresses.
            RulePeer::SecurityGroup(_) => Vec::new(),
        })
        .collect();
    let allowed = Ipv4Net::aggregate(&allowed);
    blocks.iter().all(|block| allowed.iter().any(|wide| wide.contains(block)))
}

/// The number of the rule that denies some TCP packet between `block` and one of `ports`; the inner `None` is the last rule, `*`.
/// The outer `None`: everything passes.
fn denial(rules: &BTreeMap<u16, NetworkAclEntry>, block: Ipv4Net, ports: PortRange) -> Option<Option<u16>> {
    // What the rules so far leave undecided: pieces of addresses times ports.
    let mut open: Vec<(Ipv4Net, PortRange)> = vec![(block, ports)];
    for (number, rule) in rules {
        let Some(matched) = tcp_ports(&rule.traffic) else { continue };
        let meets = |(block, ports): &(Ipv4Net, PortRange)| {
            (rule.cidr.contains(block) || block.contains(&rule.cidr))
                && matched.from <= ports.to
                && ports.from <= matched.to
        };
        if !rule.allow && open.iter().any(meets) {
            return Some(Some(*number));
        }
        open = open
            .into_iter()
            .flat_map(|piece| if meets(&piece) { without(piece, rule.cidr, matched) } else { vec![piece] })
            .collect();
    }
    (!open.is_empty()).then_some(None)
}

/// The ports of TCP that a rule speaks of, if it speaks of TCP.
fn tcp_ports(traffic: &TrafficMatch) -> Option<PortRange> {
    match *traffic {
        TrafficMatch::All => Some(PortRange::ALL),
        TrafficMatch::Ports(Protocol::TCP, ports) => Some(ports),
        TrafficMatch::Other(Protocol::TCP) => Some(PortRange::ALL),
        _ => None,
    }
}

/// A piece without what a rule decides.
fn without((block, ports): (Ipv4Net, PortRange), decided: Ipv4Net, matched: PortRange) -> Vec<(Ipv4Net, PortRange)> {
    let mut left = Vec::new();
    if ports.from < matched.from {
        left.push((block, PortRange { from: ports.from, to: matched.from - 1 }));
    }
    if ports.to > matched.to {
        left.push((block, PortRange { from: matched.to + 1, to: ports.to }));
    }
    let middle = PortRange { from: ports.from.max(matched.from), to: ports.to.min(matched.to) };
    // The halves around the decided block, down to its size.
    let mut rest = block;
    while rest.prefix_len() < decided.prefix_len() {
        let Ok(halves) = rest.subnets(rest.prefix_len() + 1) else { break };
        let (inside, outside): (Vec<_>, Vec<_>) = halves.partition(|half: &Ipv4Net| half.contains(&decided));
        left.extend(outside.into_iter().map(|half| (half, middle)));
        let Some(half) = inside.first() else { break };
        rest = *half;
    }
    left
}

/// Free rule numbers, as many as there are denials, each before the rule that denies.
fn room(rules: &BTreeMap<u16, NetworkAclEntry>, denied: &[(Ipv4Net, Option<u16>)]) -> Vec<u16> {
    let deciding = denied.iter().filter_map(|(_, number)| *number).min();
    let before: u16 = deciding.unwrap_or(32_767);
    let after = rules.keys().copied().filter(|number| *number < before).max().unwrap_or(0);
    let tens = (1..).map(|n: u16| after.saturating_add(n.saturating_mul(10)));
    let tens: Vec<u16> = tens.take(denied.len()).filter(|number| *number < before).collect();
    if tens.len() == denied.len() {
        return tens;
    }
    // Little room: whatever is free below, the nearest first.
    (1..before).rev().filter(|number| !rules.contains_key(number)).take(denied.len()).collect()
}

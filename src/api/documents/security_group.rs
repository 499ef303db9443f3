//! Security groups and their rules, in the three forms the API has for a rule.

use super::{arn, with_tags};
use crate::control::{RequestedPeer, RuleRequest};
use crate::ids::SecurityGroupId;
use crate::model::{Model, RulePeer, SecurityGroup, SecurityGroupRule, TrafficMatch};
use serde_json::{Value, json};

/// A security group.
pub fn security_group(model: &Model, group: &SecurityGroup) -> Value {
    let document = json!({
        "GroupId": group.id,
        "IpPermissionsEgress": permissions(model, &group.egress),
        "VpcId": group.vpc_id,
        "SecurityGroupArn": arn(model, "security-group", group.id),
        "OwnerId": model.account_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "IpPermissions": permissions(model, &group.ingress),
    });
    with_tags(document, &group.tags)
}

/// Rules as `IpPermissions`: one entry for each protocol and port range, with all its peers.
pub fn permissions(model: &Model, rules: &[SecurityGroupRule]) -> Value {
    let mut entries: Vec<(TrafficMatch, Value)> = Vec::new();
    for rule in rules {
        let known = entries.iter().position(|(traffic, _)| *traffic == rule.traffic);
        let position = known.unwrap_or_else(|| {
            entries.push((rule.traffic, empty_permission(&rule.traffic)));
            entries.len() - 1
        });
        let (list, mut peer) = match rule.peer {
            RulePeer::Cidr(cidr) => ("IpRanges", json!({"CidrIp": cidr.to_string()})),
            RulePeer::PrefixList(id) => ("PrefixListIds", json!({"PrefixListId": id})),
            RulePeer::SecurityGroup(id) => ("UserIdGroupPairs", json!({"UserId": model.account_id, "GroupId": id})),
        };
        if let Some(description) = &rule.description {
            peer["Description"] = json!(description);
        }
        if let Some(peers) = entries[position].1[list].as_array_mut() {
            peers.push(peer);
        }
    }
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn empty_permission(traffic: &TrafficMatch) -> Value {
    let (protocol, ports) = protocol_and_ports(traffic);
    let mut entry = json!({
        "IpProtocol": protocol,
        "UserIdGroupPairs": [],
        "IpRanges": [],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
    });
    if let Some((from, to)) = ports {
        entry["FromPort"] = json!(from);
        entry["ToPort"] = json!(to);
    }
    entry
}

/// A rule as a resource of its own.
pub fn security_group_rule(model: &Model, group_id: SecurityGroupId, egress: bool, rule: &SecurityGroupRule) -> Value {
    let mut document = bare_rule(group_id, egress, rule);
    document["GroupOwnerId"] = json!(model.account_id);
    document["SecurityGroupRuleArn"] = json!(arn(model, "security-group-rule", rule.id));
    document["Tags"] = json!([]);
    if let RulePeer::SecurityGroup(id) = rule.peer {
        document["ReferencedGroupInfo"] = json!({"GroupId": id, "UserId": model.account_id});
    }
    document
}

/// A rule that was there until a call to revoke it.
pub fn revoked_rule(group_id: SecurityGroupId, egress: bool, rule: &SecurityGroupRule) -> Value {
    let mut document = bare_rule(group_id, egress, rule);
    if let RulePeer::SecurityGroup(id) = rule.peer {
        document["ReferencedGroupId"] = json!(id);
    }
    document
}

fn bare_rule(group_id: SecurityGroupId, egress: bool, rule: &SecurityGroupRule) -> Value {
    let (protocol, ports) = protocol_and_ports(&rule.traffic);
    // In this form, no ports are -1 rather than absent.
    let (from, to) = ports.unwrap_or((-1, -1));
    let mut document = json!({
        "SecurityGroupRuleId": rule.id,
        "GroupId": group_id,
        "IsEgress": egress,
        "IpProtocol": protocol,
        "FromPort": from,
        "ToPort": to,
    });
    match rule.peer {
        RulePeer::Cidr(cidr) => document["CidrIpv4"] = json!(cidr.to_string()),
        RulePeer::PrefixList(id) => document["PrefixListId"] = json!(id),
        RulePeer::SecurityGroup(_) => {}
    }
    if let Some(description) = &rule.description {
        document["Description"] = json!(description);
    }
    document
}

/// A rule as a call asked for it: what `UnknownIpPermissions` lists.
pub fn rule_in_request_form(model: &Model, request: &RuleRequest) -> Value {
    let mut entry = empty_permission(&request.traffic);
    let (list, peer) = match &request.peer {
        RequestedPeer::Known(RulePeer::Cidr(cidr)) => ("IpRanges", json!({"CidrIp": cidr.to_string()})),
        RequestedPeer::Known(RulePeer::PrefixList(id)) => ("PrefixListIds", json!({"PrefixListId": id})),
        RequestedPeer::Known(RulePeer::SecurityGroup(id)) => {
            ("UserIdGroupPairs", json!({"UserId": model.account_id, "GroupId": id}))
        }
        RequestedPeer::GroupNamed(name) => ("UserIdGroupPairs", json!({"UserId": model.account_id, "GroupName": name})),
    };
    entry[list] = json!([peer]);
    entry
}

/// EC2's notation: `-1` is everything, ICMP's type and code stand for ports and -1 for any.
fn protocol_and_ports(traffic: &TrafficMatch) -> (String, Option<(i64, i64)>) {
    match traffic {
        TrafficMatch::All => ("-1".to_owned(), None),
        TrafficMatch::Ports(protocol, range) => {
            (protocol.to_string(), Some((i64::from(range.from), i64::from(range.to))))
        }
        TrafficMatch::Icmp { icmp_type, icmp_code } => {
            ("icmp".to_owned(), Some((icmp_type.map_or(-1, i64::from), icmp_code.map_or(-1, i64::from))))
        }
        TrafficMatch::Other(protocol) => (protocol.0.to_string(), None),
    }
}

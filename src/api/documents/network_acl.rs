//! Network ACLs.

use super::tags;
use crate::model::{Model, NetworkAcl, NetworkAclEntry, TrafficMatch};
use crate::net::Ipv4Net;
use serde_json::{Value, json};

/// The number of the last rule, which AWS adds to every list and nobody can change.
const LAST_RULE: u16 = 32767;

/// A network ACL: its rules by direction and number, the egress ones first, each side ended by the rule that denies the rest.
pub fn network_acl(model: &Model, acl: &NetworkAcl) -> Value {
    let association = |subnet: &crate::model::Subnet| {
        json!({
            "NetworkAclAssociationId": model.network_acl_association(subnet),
            "NetworkAclId": acl.id,
            "SubnetId": subnet.id,
        })
    };
    let last = NetworkAclEntry { traffic: TrafficMatch::All, cidr: Ipv4Net::default(), allow: false };
    let mut entries = Vec::new();
    for (egress, side) in [(true, &acl.egress), (false, &acl.ingress)] {
        entries.extend(side.iter().map(|(number, rule)| entry(egress, *number, rule)));
        entries.push(entry(egress, LAST_RULE, &last));
    }
    let subnets = model.subnets.values().filter(|subnet| subnet.network_acl_id == acl.id);
    json!({
        "Associations": subnets.map(association).collect::<Value>(),
        "Entries": entries,
        "IsDefault": acl.is_default,
        "NetworkAclId": acl.id,
        "Tags": tags(&acl.tags),
        "VpcId": acl.vpc_id,
        "OwnerId": model.account_id,
    })
}

fn entry(egress: bool, number: u16, rule: &NetworkAclEntry) -> Value {
    let mut document = json!({
        "CidrBlock": rule.cidr.to_string(),
        "Egress": egress,
        "RuleAction": if rule.allow { "allow" } else { "deny" },
        "RuleNumber": number,
    });
    let protocol = match rule.traffic {
        TrafficMatch::All => "-1".to_owned(),
        TrafficMatch::Ports(protocol, ports) => {
            document["PortRange"] = json!({"From": ports.from, "To": ports.to});
            protocol.0.to_string()
        }
        TrafficMatch::Icmp { icmp_type, icmp_code } => {
            let number = |value: Option<u8>| value.map_or(-1, i32::from);
            document["IcmpTypeCode"] = json!({"Code": number(icmp_code), "Type": number(icmp_type)});
            "1".to_owned()
        }
        TrafficMatch::Other(protocol) => protocol.0.to_string(),
    };
    document["Protocol"] = json!(protocol);
    document
}

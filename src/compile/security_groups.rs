//! Security groups and network ACLs: rules with their other side resolved to addresses.
//!
//! A group named in a rule stands for the *private* addresses of its interfaces, so traffic that comes by public addresses does not match. It may lie in the same
//! VPC, in a peered VPC of the same Region, or, in inbound rules, in a VPC behind a transit gateway that supports it; any other matches nothing (a stale rule).
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html, docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html,
//! docs.aws.amazon.com/vpc/latest/tgw/tgw-vpc-attachments.html (security group referencing)

use super::{CompileError, Compiler, small_index};
use crate::model::{Model, NetworkAcl, NetworkInterface, RulePeer, SecurityGroup, SecurityGroupRule};
use crate::program::{Acl, AclEntry, CompiledRule, GroupIx, GroupOrigin, GroupSet, RuleSource};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

impl Compiler {
    /// The rules of an interface's groups, in and out.
    ///
    /// # Errors
    /// [`CompileError::TooMany`]: a group with more rules than a position can name.
    pub(super) fn compile_groups(
        &self,
        model: &Model,
        eni: &NetworkInterface,
        members: &Members,
    ) -> Result<(GroupSet, GroupSet), CompileError> {
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        for id in &eni.security_group_ids {
            let Some(group) = model.security_groups.get(id) else { continue };
            let group_ix = GroupIx(self.groups.index(id).unwrap_or_default());
            for (inbound, rules, compiled) in
                [(true, &group.ingress, &mut ingress), (false, &group.egress, &mut egress)]
            {
                for (position, rule) in rules.iter().enumerate() {
                    compiled.push(CompiledRule {
                        group: group_ix,
                        position: small_index("rules of a security group", position)?,
                        traffic: rule.traffic,
                        peers: peers(model, group, inbound, rule, members),
                    });
                }
            }
        }
        Ok((GroupSet::new(ingress), GroupSet::new(egress)))
    }

    /// Names and rules in words, by [`GroupIx`].
    pub(super) fn compile_group_origins(&self, model: &Model) -> Arc<[GroupOrigin]> {
        let sentences = |rules: &[SecurityGroupRule], preposition: &str| -> Box<[String]> {
            rules.iter().map(|rule| format!("{} {preposition} {}", rule.traffic, rule.peer)).collect()
        };
        (self.groups.entries())
            .map(|(id, name)| {
                let rules = model.security_groups.get(id).map_or_else(Default::default, |group| {
                    [sentences(&group.ingress, "from"), sentences(&group.egress, "to")]
                });
                (name.clone(), rules)
            })
            .collect()
    }
}

/// Private addresses of each group's interfaces, sorted.
pub(super) type Members = BTreeMap<crate::ids::SecurityGroupId, Vec<Ipv4Addr>>;

/// Who is in which group.
pub(super) fn members(model: &Model) -> Members {
    let mut members = Members::new();
    for eni in model.network_interfaces.values() {
        for group in &eni.security_group_ids {
            members.entry(*group).or_default().push(eni.private_ip);
        }
    }
    members.values_mut().for_each(|addresses| addresses.sort());
    members
}

fn peers(
    model: &Model,
    group: &SecurityGroup,
    inbound: bool,
    rule: &SecurityGroupRule,
    members: &Members,
) -> RuleSource {
    match rule.peer {
        RulePeer::Cidr(cidr) => RuleSource::Cidrs(Box::new([cidr])),
        RulePeer::PrefixList(id) => {
            let list = model.prefix_list_in(model.region_of(group.vpc_id), id);
            RuleSource::Cidrs(list.map_or_else(Box::default, |list| list.cidrs.as_slice().into()))
        }
        RulePeer::SecurityGroup(id) => {
            let known = model.security_groups.get(&id).is_some_and(|other| {
                other.vpc_id == group.vpc_id
                    || model.peering_references_groups(group.vpc_id, other.vpc_id)
                    || (inbound && model.transit_references_groups(group.vpc_id, other.vpc_id))
            });
            let addresses = members.get(&id).filter(|_| known);
            RuleSource::Addresses(addresses.map_or_else(Box::default, |addresses| addresses.as_slice().into()))
        }
    }
}

/// A network ACL; the model keeps its entries sorted by number.
pub(super) fn compile_acl(acl: &NetworkAcl) -> Acl {
    let entries = |entries: &BTreeMap<u16, crate::model::NetworkAclEntry>| {
        (entries.iter())
            .map(|(number, entry)| AclEntry {
                number: *number,
                traffic: entry.traffic,
                cidr: entry.cidr,
                allow: entry.allow,
            })
            .collect()
    };
    Acl { ingress: entries(&acl.ingress), egress: entries(&acl.egress) }
}

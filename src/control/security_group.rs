//! Security groups and their rules.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::{RulePeer, SecurityGroup, SecurityGroupRule};

pub(super) fn create(model: &mut Model, call: &Call<'_>, action: CreateSecurityGroup) -> Result<Output, ControlError> {
    let vpc_id = match action.vpc_id {
        Some(id) => id,
        None => default_vpc(model)?,
    };
    let id = call.wanted_id::<SecurityGroupId>()?;
    call.free(id, id.is_some_and(|id| model.security_groups.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        model.security_groups.contains_key(&SecurityGroupId::mint(model.seed, label, model.id_length))
    });
    let id = model.add_security_group(&label, id, vpc_id, &action.group_name, &action.description, action.tags)?;
    Ok(Output::SecurityGroup(id))
}

pub(super) fn delete(model: &mut Model, action: DeleteSecurityGroup) -> Result<Output, ControlError> {
    let id = resolve(model, &action.group)?;
    let group = model.security_group(id)?;
    if group.group_name == "default" {
        return Err(ControlError::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let used = model.network_interfaces.values().any(|interface| interface.security_group_ids.contains(&id));
    // A group that refers to itself may go.
    let refers = |other: &SecurityGroup| {
        let peer = RulePeer::SecurityGroup(id);
        other.id != id && other.ingress.iter().chain(&other.egress).any(|rule| rule.peer == peer)
    };
    if used || model.security_groups.values().any(refers) {
        return Err(ControlError::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    model.security_groups.remove(&id);
    Ok(Output::SecurityGroup(id))
}

pub(super) fn authorize(model: &mut Model, action: AuthorizeSecurityGroup) -> Result<Output, ControlError> {
    let group_id = resolve(model, &action.group)?;
    let mut rules = Vec::new();
    for request in action.rules {
        let peer = peer(model, group_id, &request.peer)?;
        model.add_security_group_rule(group_id, action.egress, request.traffic, peer, request.description)?;
        rules.extend(side(model.security_group(group_id)?, action.egress).last().cloned());
    }
    Ok(Output::Authorized { group_id, rules })
}

pub(super) fn revoke(model: &mut Model, action: RevokeSecurityGroup) -> Result<Output, ControlError> {
    let group_id = resolve(model, &action.group)?;
    let group = model.security_group(group_id)?;
    let present = side(group, action.egress);
    for id in &action.rule_ids {
        if !present.iter().any(|rule| rule.id == *id) {
            return Err(ControlError::new(
                "InvalidSecurityGroupRuleId.NotFound",
                format!("The security group rule ID '{id}' does not exist"),
            ));
        }
    }
    let (mut revoked, mut unknown) = (action.rule_ids, Vec::new());
    for request in action.rules {
        // Host bits count for nothing, as when the rule was made.
        let peer = match peer(model, group_id, &request.peer)? {
            RulePeer::Cidr(cidr) => RulePeer::Cidr(cidr.trunc()),
            peer => peer,
        };
        match present.iter().find(|rule| rule.traffic == request.traffic && rule.peer == peer) {
            Some(rule) => revoked.push(rule.id),
            None => unknown.push(request),
        }
    }
    // Only in the default VPC a rule that is not there is no error.
    if !unknown.is_empty() && !model.vpc(group.vpc_id)?.is_default {
        return Err(ControlError::new(
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        ));
    }
    let mut rules: Vec<SecurityGroupRule> = Vec::new();
    if let Some(group) = model.security_groups.get_mut(&group_id) {
        let present = if action.egress { &mut group.egress } else { &mut group.ingress };
        rules.extend(present.iter().filter(|rule| revoked.contains(&rule.id)).cloned());
        present.retain(|rule| !revoked.contains(&rule.id));
    }
    Ok(Output::Revoked { group_id, rules, unknown })
}

/// All of them or none, one after the other: two rules cannot change places in one call.
pub(super) fn modify_rules(model: &mut Model, action: ModifySecurityGroupRules) -> Result<Output, ControlError> {
    for rule in action.rules {
        let peer = peer(model, action.group_id, &rule.peer)?;
        model.replace_security_group_rule(action.group_id, rule.id, rule.traffic, peer, rule.description)?;
    }
    Ok(Output::Done)
}

/// The group of `vpc_id` called `name`, or `InvalidGroup.NotFound`.
pub(super) fn by_name(model: &Model, vpc_id: VpcId, name: &str) -> Result<SecurityGroupId, ControlError> {
    let found = model.security_groups.values().find(|group| group.vpc_id == vpc_id && group.group_name == name);
    found.map(|group| group.id).ok_or_else(|| {
        ControlError::new(
            "InvalidGroup.NotFound",
            format!("The security group '{name}' does not exist in VPC '{vpc_id}'"),
        )
    })
}

/// What AWS says to a call that relies on a default VPC.
pub(super) fn no_default_vpc() -> ControlError {
    ControlError::new("VPCIdNotSpecified", "No default VPC for this user")
}

fn default_vpc(model: &Model) -> Result<VpcId, ControlError> {
    model.vpcs.values().find(|vpc| vpc.is_default).map(|vpc| vpc.id).ok_or_else(no_default_vpc)
}

fn resolve(model: &Model, group: &GroupReference) -> Result<SecurityGroupId, ControlError> {
    match group {
        GroupReference::Id(id) => Ok(model.security_group(*id)?.id),
        GroupReference::Name(name) => by_name(model, default_vpc(model)?, name),
    }
}

fn peer(model: &Model, group_id: SecurityGroupId, peer: &RequestedPeer) -> Result<RulePeer, ControlError> {
    let vpc_id = model.security_group(group_id)?.vpc_id;
    match peer {
        RequestedPeer::Known(RulePeer::SecurityGroup(other)) if model.security_group(*other)?.vpc_id != vpc_id => {
            Err(ControlError::new(
                "InvalidGroup.NotFound",
                format!("You have specified two resources that belong to different networks: {group_id}, {other}"),
            ))
        }
        RequestedPeer::Known(peer) => Ok(*peer),
        RequestedPeer::GroupNamed(name) => Ok(RulePeer::SecurityGroup(by_name(model, vpc_id, name)?)),
    }
}

fn side(group: &SecurityGroup, egress: bool) -> &[SecurityGroupRule] {
    if egress { &group.egress } else { &group.ingress }
}

//! Network ACLs, their rules and the subnets they apply to.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::NetworkAcl;

pub(super) fn create(model: &mut Model, call: &Call<'_>, action: CreateNetworkAcl) -> Result<Output, ControlError> {
    let id = call.wanted_id::<NetworkAclId>()?;
    call.free(id, id.is_some_and(|id| model.network_acls.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = NetworkAclId::mint(model.seed, label, model.id_length);
        model.network_acls.contains_key(&id) || model.is_retired(id)
    });
    Ok(Output::NetworkAcl(model.add_network_acl(&label, id, action.vpc_id, action.tags)?))
}

pub(super) fn put_entry(model: &mut Model, action: PutNetworkAclEntry) -> Result<Output, ControlError> {
    let NetworkAclRule { network_acl_id, egress, .. } = action.rule;
    let acl = model.network_acl(network_acl_id)?;
    let number = number(&action.rule)?;
    if action.replace {
        check_there(acl, egress, number)?;
        model.delete_network_acl_entry(network_acl_id, egress, number)?;
    }
    model.add_network_acl_entry(network_acl_id, egress, number, action.entry)?;
    Ok(Output::Done)
}

pub(super) fn delete_entry(model: &mut Model, action: DeleteNetworkAclEntry) -> Result<Output, ControlError> {
    let NetworkAclRule { network_acl_id, egress, .. } = action.rule;
    model.network_acl(network_acl_id)?;
    let number = number(&action.rule)?;
    model.delete_network_acl_entry(network_acl_id, egress, number)?;
    Ok(Output::Done)
}

pub(super) fn replace_association(
    model: &mut Model,
    action: ReplaceNetworkAclAssociation,
) -> Result<Output, ControlError> {
    let id = action.association_id;
    let subnet = model.subnets.values().find(|subnet| model.network_acl_association(subnet) == id);
    let Some(subnet_id) = subnet.map(|subnet| subnet.id) else {
        return Err(ControlError::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        ));
    };
    model.set_subnet_network_acl(subnet_id, action.network_acl_id)?;
    Ok(Output::NetworkAclAssociation(model.network_acl_association(model.subnet(subnet_id)?)))
}

fn check_there(acl: &NetworkAcl, egress: bool, number: u16) -> Result<(), ControlError> {
    let entries = if egress { &acl.egress } else { &acl.ingress };
    if entries.contains_key(&number) { Ok(()) } else { Err(Model::no_such_acl_entry(number).into()) }
}

/// A rule's number: 32767 is AWS's last rule, which nobody changes.
fn number(rule: &NetworkAclRule) -> Result<u16, ControlError> {
    match u16::try_from(rule.number) {
        Ok(number @ 1..=32766) => Ok(number),
        // Unverified wording.
        _ => Err(ControlError::new(
            "InvalidParameterValue",
            format!("Value ({}) for parameter ruleNumber is invalid. Use 1 to 32766.", rule.number),
        )),
    }
}

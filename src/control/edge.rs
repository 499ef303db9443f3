//! What happens at a VPC's edge: gateway route tables, further blocks, VPC Block Public Access, customer-managed prefix lists.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::prefix_list::ENTRIES_PER_CALL;
use crate::model::{ConnectionTracking, NetworkInterface, NewPrefixList};
use std::ops::RangeInclusive;

pub(super) fn associate_gateway(model: &mut Model, action: AssociateGatewayRouteTable) -> Result<Output, ControlError> {
    let table = model.route_table(action.route_table_id)?;
    // The same again: AWS answers with the association there is.
    if let Some(id) = table.gateway_associations.get(&action.gateway) {
        return Ok(Output::RouteTableAssociation(*id));
    }
    Ok(Output::RouteTableAssociation(model.associate_gateway(action.route_table_id, action.gateway)?))
}

pub(super) fn associate_cidr(model: &mut Model, action: AssociateVpcCidrBlock) -> Result<Output, ControlError> {
    let block = model.associate_vpc_cidr_block(action.vpc_id, action.cidr)?;
    Ok(Output::Edge(EdgeOutput::VpcCidrBlock { vpc_id: action.vpc_id, block, associated: true }))
}

pub(super) fn disassociate_cidr(model: &mut Model, action: DisassociateVpcCidrBlock) -> Result<Output, ControlError> {
    let (vpc_id, block) = model.disassociate_vpc_cidr_block(action.association_id)?;
    Ok(Output::Edge(EdgeOutput::VpcCidrBlock { vpc_id, block, associated: false }))
}

pub(super) fn create_list(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateManagedPrefixList,
) -> Result<Output, ControlError> {
    let id = call.wanted_id::<PrefixListId>()?;
    call.free(id, id.is_some_and(|id| model.prefix_list(id).is_some()))?;
    let label = call.label(model, |model, label| {
        let id = PrefixListId::mint(model.seed, label, model.id_length);
        model.prefix_list(id).is_some() || model.is_retired(id)
    });
    if action.entries.len() > ENTRIES_PER_CALL {
        return Err(Model::too_many_entries_at_once().into());
    }
    let new = NewPrefixList {
        label,
        id,
        name: action.name,
        max_entries: action.max_entries,
        entries: action.entries,
        tags: action.tags,
    };
    Ok(Output::Edge(EdgeOutput::PrefixList(model.add_prefix_list(new)?)))
}

pub(super) fn modify_list(model: &mut Model, action: ModifyManagedPrefixList) -> Result<Output, ControlError> {
    model.modify_prefix_list(action.prefix_list_id, &action.change)?;
    Ok(Output::Edge(EdgeOutput::PrefixList(action.prefix_list_id)))
}

pub(super) fn restore_list(model: &mut Model, action: RestoreManagedPrefixListVersion) -> Result<Output, ControlError> {
    model.restore_prefix_list(action.prefix_list_id, action.previous_version, action.current_version)?;
    Ok(Output::Edge(EdgeOutput::PrefixList(action.prefix_list_id)))
}

pub(super) fn delete_list(model: &mut Model, action: DeleteManagedPrefixList) -> Result<Output, ControlError> {
    let list = model.delete_prefix_list(action.prefix_list_id)?;
    Ok(Output::Edge(EdgeOutput::PrefixListDeleted(Box::new(list))))
}

pub(super) fn set_public_access(
    model: &mut Model,
    now: SimTime,
    action: ModifyVpcBlockPublicAccessOptions,
) -> Result<Output, ControlError> {
    model.block_public_access.mode = action.mode;
    model.block_public_access.changed_at = Some(now);
    Ok(Output::Edge(EdgeOutput::BlockPublicAccess))
}

pub(super) fn create_exclusion(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateVpcBlockPublicAccessExclusion,
) -> Result<Output, ControlError> {
    let label = call.label(model, |model, label| {
        let id = BlockPublicAccessExclusionId::mint(model.seed, label, model.id_length);
        model.block_public_access.exclusions.contains_key(&id) || model.is_retired(id)
    });
    let id = model.add_public_access_exclusion(&label, action.resource, action.egress_only, call.now, action.tags)?;
    Ok(Output::Edge(EdgeOutput::Exclusion(id)))
}

pub(super) fn delete_exclusion(
    model: &mut Model,
    action: DeleteVpcBlockPublicAccessExclusion,
) -> Result<Output, ControlError> {
    let exclusion = model.delete_public_access_exclusion(action.exclusion_id)?;
    Ok(Output::Edge(EdgeOutput::ExclusionDeleted(action.exclusion_id, Box::new(exclusion))))
}

/// AWS lets nobody change an interface that it manages itself.
pub(super) fn modify_interface(
    model: &mut Model,
    action: ModifyNetworkInterfaceAttribute,
) -> Result<Output, ControlError> {
    let id = action.network_interface_id;
    let interface = model.network_interface(id)?;
    if interface.interface_type.is_requester_managed() {
        // Unverified wording.
        return Err(ControlError::new(
            "OperationNotPermitted",
            format!("You do not have permission to modify the requester-managed interface '{id}'."),
        ));
    }
    match action.change {
        InterfaceChange::Groups(groups) => model.set_security_groups(id, &groups)?,
        InterfaceChange::Tracking(wanted) => {
            let tracking = tracking(interface, wanted)?;
            change(model, id, |interface| interface.tracking = tracking);
        }
        InterfaceChange::SourceDestCheck(value) => change(model, id, |interface| interface.source_dest_check = value),
        InterfaceChange::Description(text) => change(model, id, |interface| interface.description = text),
    }
    Ok(Output::Done)
}

fn change(model: &mut Model, id: EniId, change: impl FnOnce(&mut NetworkInterface)) {
    if let Some(interface) = model.network_interfaces.get_mut(&id) {
        change(interface);
    }
}

/// The interface's timeouts with those that are given in their places.
fn tracking(interface: &NetworkInterface, wanted: ConnectionTracking) -> Result<ConnectionTracking, ControlError> {
    let within = |name: &str, value: Option<u32>, range: RangeInclusive<u32>, old: Option<u32>| match value {
        Some(value) if !range.contains(&value) => Err(ControlError::new(
            "InvalidParameterValue",
            format!(
                "Value ({value}) for parameter {name} is invalid. Use {} to {} seconds.",
                range.start(),
                range.end()
            ),
        )),
        Some(value) => Ok(Some(value)),
        None => Ok(old),
    };
    let old = interface.tracking;
    Ok(ConnectionTracking {
        tcp_established_seconds: within(
            "TcpEstablishedTimeout",
            wanted.tcp_established_seconds,
            60..=432_000,
            old.tcp_established_seconds,
        )?,
        udp_stream_seconds: within("UdpStreamTimeout", wanted.udp_stream_seconds, 60..=180, old.udp_stream_seconds)?,
        udp_seconds: within("UdpTimeout", wanted.udp_seconds, 30..=60, old.udp_seconds)?,
    })
}

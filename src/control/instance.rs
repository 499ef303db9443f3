//! Instances and their public addresses.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::{AddressHolder, ElasticAddress, InstanceState, ModelError, NewInstance, Subnet};

/// Instances per call. AWS counts vCPUs per account instead; this bounds the work of one call.
const INSTANCES_PER_CALL: u32 = 100;

pub(super) fn run(model: &mut Model, call: &Call<'_>, action: RunInstances) -> Result<Output, ControlError> {
    check_counts(&action)?;
    let subnet = launch_subnet(model, &action)?.clone();
    let mut groups = action.security_group_ids.clone();
    for name in &action.security_group_names {
        groups.push(security_group::by_name(model, subnet.vpc_id, name)?);
    }
    let label = call.label(model, |model, label| {
        // Several instances have numbered labels; the launch itself has this one.
        let first = if action.max_count == 1 { label.to_owned() } else { format!("{label} 0") };
        model.instances.contains_key(&InstanceId::mint(model.seed, &first, model.id_length))
    });
    let wanted_id = call.wanted_id::<InstanceId>()?;
    if action.max_count > 1 && (wanted_id.is_some() || action.private_ip.is_some()) {
        return Err(ControlError::new(
            "InvalidParameterCombination",
            "An instance id or private address can be chosen for a single instance only.",
        ));
    }
    let reservation_id = ReservationId::mint(model.seed, &label, model.id_length);
    let mut instance_ids = Vec::new();
    for position in 0..action.max_count {
        let label = if action.max_count == 1 { label.clone() } else { format!("{label} {position}") };
        let launched = model.launch_instance(NewInstance {
            label,
            id: wanted_id,
            interface_id: None,
            subnet_id: subnet.id,
            private_ip: action.private_ip,
            associate_public_ip: action.associate_public_ip,
            public_ip: None,
            security_group_ids: groups.clone(),
            source_dest_check: true,
            forwarding: Default::default(),
            image_id: action.image_id,
            instance_type: action.instance_type.clone(),
            key_name: action.key_name.clone(),
            reservation_id: Some(reservation_id),
            at: call.now,
            tags: action.tags.clone(),
        });
        match launched {
            Ok(id) => instance_ids.push(id),
            // Enough is enough: AWS launches what it can between the two counts.
            Err(_) if instance_ids.len() >= action.min_count as usize => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Output::Launched { reservation_id, instance_ids })
}

pub(super) fn terminate(model: &mut Model, action: TerminateInstances) -> Result<Output, ControlError> {
    let unknown: Vec<_> = action.instance_ids.iter().filter(|id| !model.instances.contains_key(id)).collect();
    if let [first, rest @ ..] = unknown.as_slice() {
        let many = rest.iter().fold(first.to_string(), |text, id| format!("{text}, {id}"));
        let message = match rest {
            [] => format!("The instance ID '{many}' does not exist"),
            _ => format!("The instance IDs '{many}' do not exist"),
        };
        return Err(ControlError::new("InvalidInstanceID.NotFound", message));
    }
    let mut before = Vec::new();
    for id in action.instance_ids {
        before.push((id, instance(model, id)?.state));
        model.terminate_instance(id)?;
    }
    Ok(Output::Terminated(before))
}

pub(super) fn modify(model: &mut Model, action: ModifyInstanceAttribute) -> Result<Output, ControlError> {
    let interface_id = primary_interface(model, action.instance_id)?;
    match action.change {
        InstanceChange::Groups(groups) => model.set_security_groups(interface_id, &groups)?,
        InstanceChange::SourceDestCheck(value) => {
            if let Some(interface) = model.network_interfaces.get_mut(&interface_id) {
                interface.source_dest_check = value;
            }
        }
    }
    Ok(Output::Done)
}

pub(super) fn allocate_address(
    model: &mut Model,
    call: &Call<'_>,
    action: AllocateAddress,
) -> Result<Output, ControlError> {
    let id = call.wanted_id::<AllocationId>()?;
    call.free(id, id.is_some_and(|id| model.elastic_addresses.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        model.elastic_addresses.contains_key(&AllocationId::mint(model.seed, label, model.id_length))
    });
    Ok(Output::Address(model.allocate_address(&label, id, action.address, action.tags)?))
}

pub(super) fn associate_address(model: &mut Model, action: AssociateAddress) -> Result<Output, ControlError> {
    let allocation_id = action.allocation_id;
    let interface_id = match action.target {
        AddressTarget::NetworkInterface(id) => id,
        AddressTarget::Instance(id) => primary_interface(model, id)?,
    };
    let Some(address) = model.elastic_addresses.get(&allocation_id) else {
        return Err(ModelError::new(
            "InvalidAllocationID.NotFound",
            format!("The allocation ID '{allocation_id}' does not exist"),
        )
        .into());
    };
    if model.network_interface(interface_id)?.interface_type.is_requester_managed() {
        return Err(ModelError::managed_by_aws().into());
    }
    match address.association {
        // The same again: AWS answers with the association there is.
        Some((id, holder)) if holder.interface() == Some(interface_id) => return Ok(Output::AddressAssociation(id)),
        Some((_, AddressHolder::NatGateway(_))) if action.allow_reassociation => {
            return Err(ModelError::managed_by_aws().into());
        }
        Some((id, _)) if !action.allow_reassociation => {
            return Err(ControlError::new(
                "Resource.AlreadyAssociated",
                format!("resource {allocation_id} is already associated with associate-id {id}"),
            ));
        }
        _ => {}
    }
    let other = model.elastic_addresses.values().find(|other| {
        other.allocation_id != allocation_id
            && other.association.is_some_and(|(_, holder)| holder.interface() == Some(interface_id))
    });
    if let Some(other) = other {
        let other_id = other.allocation_id;
        if !action.allow_reassociation {
            return Err(ControlError::new(
                "Resource.AlreadyAssociated",
                format!("resource {interface_id} is already associated with address {other_id}"),
            ));
        }
        release(model, other_id);
    }
    release(model, allocation_id);
    Ok(Output::AddressAssociation(model.associate_address(allocation_id, interface_id)?))
}

pub(super) fn disassociate_address(model: &mut Model, action: DisassociateAddress) -> Result<Output, ControlError> {
    let id = action.association_id;
    let associated = |address: &&ElasticAddress| address.association.is_some_and(|(association, _)| association == id);
    let Some(address) = model.elastic_addresses.values().find(associated) else {
        return Err(ControlError::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        ));
    };
    let allocation_id = address.allocation_id;
    if matches!(address.association, Some((_, AddressHolder::NatGateway(_)))) {
        return Err(ModelError::managed_by_aws().into());
    }
    release(model, allocation_id);
    Ok(Output::Done)
}

/// The instance, or `InvalidInstanceID.NotFound`.
pub(super) fn instance(model: &Model, id: InstanceId) -> Result<&crate::model::Instance, ControlError> {
    model.instances.get(&id).ok_or_else(|| {
        ControlError::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
    })
}

/// The interface of an instance that is there.
pub(super) fn primary_interface(model: &Model, id: InstanceId) -> Result<EniId, ControlError> {
    let found = instance(model, id)?;
    match (found.state, found.primary_interface_id) {
        (InstanceState::Running, Some(interface)) => Ok(interface),
        // Unverified wording.
        _ => Err(ControlError::new(
            "IncorrectInstanceState",
            format!("The instance '{id}' is terminated: it has no network interface."),
        )),
    }
}

fn check_counts(action: &RunInstances) -> Result<(), ControlError> {
    // Unverified wordings.
    if action.min_count == 0 || action.min_count > action.max_count {
        return Err(ControlError::new(
            "InvalidParameterValue",
            format!(
                "Invalid value '{}' for minCount. Must be at least 1 and not more than maxCount ({}).",
                action.min_count, action.max_count
            ),
        ));
    }
    if action.max_count > INSTANCES_PER_CALL {
        return Err(ControlError::new(
            "VcpuLimitExceeded",
            format!(
                "vpcsim launches at most {INSTANCES_PER_CALL} instances per call, {} were asked for.",
                action.max_count
            ),
        ));
    }
    Ok(())
}

/// The subnet asked for, else a default subnet, in the zone asked for.
fn launch_subnet<'m>(model: &'m Model, action: &RunInstances) -> Result<&'m Subnet, ControlError> {
    let zone = action.availability_zone.as_deref();
    if let Some(id) = action.subnet_id {
        let subnet = model.subnet(id)?;
        if zone.is_some_and(|zone| zone != subnet.availability_zone) {
            return Err(ControlError::new(
                "InvalidParameterValue",
                format!(
                    "The availability zone of the subnet '{id}' is {}, not {}.",
                    subnet.availability_zone,
                    zone.unwrap_or_default()
                ),
            ));
        }
        return Ok(subnet);
    }
    let Some(vpc) = model.vpcs.values().find(|vpc| vpc.is_default) else {
        return Err(security_group::no_default_vpc());
    };
    let mut defaults: Vec<_> =
        model.subnets.values().filter(|subnet| subnet.vpc_id == vpc.id && subnet.default_for_az).collect();
    defaults.sort_by(|a, b| a.availability_zone.cmp(&b.availability_zone));
    defaults.into_iter().find(|subnet| zone.is_none_or(|zone| zone == subnet.availability_zone)).ok_or_else(|| {
        ControlError::new(
            "MissingInput",
            format!("No default subnet for availability zone: '{}'.", zone.unwrap_or("any")),
        )
    })
}

/// Ends an address's association; the interface has no public address then.
fn release(model: &mut Model, allocation_id: AllocationId) {
    let association = model.elastic_addresses.get_mut(&allocation_id).and_then(|address| address.association.take());
    if let Some(interface) =
        association.and_then(|(_, holder)| holder.interface()).and_then(|id| model.network_interfaces.get_mut(&id))
    {
        interface.public_address = None;
    }
}

//! VPCs, subnets and internet gateways come and go.
//!
//! Ids of what was deleted do not come back: AWS does not use them twice either.

use super::apply::Call;
use super::region::{zone_id, zone_names_in};
use super::*;
use crate::ids::*;
use crate::model::{NewSubnet, NewVpc};

pub(super) fn create_vpc(model: &mut Model, call: &Call<'_>, action: CreateVpc) -> Result<Output, ControlError> {
    let id = call.wanted_id::<VpcId>()?;
    call.free(id, id.is_some_and(|id| model.vpcs.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = VpcId::mint(model.seed, label, model.id_length);
        model.vpcs.contains_key(&id) || model.is_retired(id)
    });
    let new = NewVpc {
        region: Some(action.region),
        label,
        id,
        cidrs: vec![action.cidr],
        is_default: false,
        enable_dns_hostnames: false,
        tags: action.tags,
    };
    Ok(Output::Vpc(model.add_vpc(new)?))
}

pub(super) fn create_subnet(model: &mut Model, call: &Call<'_>, action: CreateSubnet) -> Result<Output, ControlError> {
    model.vpc(action.vpc_id)?;
    let availability_zone = zone(model, &action)?;
    let id = call.wanted_id::<SubnetId>()?;
    call.free(id, id.is_some_and(|id| model.subnets.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = SubnetId::mint(model.seed, label, model.id_length);
        model.subnets.contains_key(&id) || model.is_retired(id)
    });
    let new = NewSubnet {
        label,
        id,
        vpc_id: action.vpc_id,
        cidr: action.cidr,
        availability_zone,
        default_for_az: false,
        map_public_ip_on_launch: false,
        tags: action.tags,
    };
    Ok(Output::Subnet(model.add_subnet(new)?))
}

/// The zone asked for, else the Region's first. AWS picks one itself; a fixed choice reads better.
fn zone(model: &Model, action: &CreateSubnet) -> Result<String, ControlError> {
    let region = model.region_of(action.vpc_id);
    let zones = zone_names_in(model, region);
    let refuse = |given: &str, parameter: &str, known: Vec<String>| {
        ControlError::new(
            "InvalidParameterValue",
            format!(
                "Value ({given}) for parameter {parameter} is invalid. Subnets can currently only be created in the \
                 following availability zones: {}.",
                known.join(", ")
            ),
        )
    };
    match (&action.availability_zone, &action.availability_zone_id) {
        (Some(_), Some(_)) => Err(ControlError::new(
            "InvalidParameterCombination",
            "The parameters availabilityZone and availabilityZoneId cannot be used together.",
        )),
        (Some(name), None) => match zones.get(name) {
            Some(zone) => Ok(zone.clone()),
            None => Err(refuse(name, "availabilityZone", zones.into_iter().collect())),
        },
        (None, Some(id)) => match zones.iter().find(|zone| zone_id(zone) == *id) {
            Some(zone) => Ok(zone.clone()),
            None => Err(refuse(id, "availabilityZoneId", zones.iter().map(|zone| zone_id(zone)).collect())),
        },
        (None, None) => zones
            .into_iter()
            .next()
            .ok_or_else(|| ControlError::new("InternalError", format!("{region} has no zones."))),
    }
}

pub(super) fn modify_subnet(model: &mut Model, action: ModifySubnetAttribute) -> Result<Output, ControlError> {
    model.subnet(action.subnet_id)?;
    if let Some(subnet) = model.subnets.get_mut(&action.subnet_id) {
        subnet.map_public_ip_on_launch = action.map_public_ip_on_launch;
    }
    Ok(Output::Done)
}

pub(super) fn create_internet_gateway(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateInternetGateway,
) -> Result<Output, ControlError> {
    let id = call.wanted_id::<InternetGatewayId>()?;
    call.free(id, id.is_some_and(|id| model.internet_gateways.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = InternetGatewayId::mint(model.seed, label, model.id_length);
        model.internet_gateways.contains_key(&id) || model.is_retired(id)
    });
    Ok(Output::InternetGateway(model.add_internet_gateway(&label, id, action.tags)?))
}

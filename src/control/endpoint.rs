//! Endpoint actions. Gateways are simulated; interface endpoints are refused, after AWS's own refusals.

use super::apply::Call;
use super::services::endpoint_services;
use super::*;
use crate::ids::VpcEndpointId;
use crate::model::NewVpcEndpoint;

pub(super) fn create(model: &mut Model, call: &Call<'_>, action: CreateVpcEndpoint) -> Result<Output, ControlError> {
    model.vpc(action.vpc_id)?;
    check_service(model, &action)?;
    match action.endpoint_type {
        VpcEndpointType::Gateway => check_gateway(&action)?,
        VpcEndpointType::Interface => return Err(refuse_interface(model, &action)?),
        VpcEndpointType::Other => {
            return Err(ControlError::unsupported(
                "vpcsim has VPC endpoints of the types Gateway and, from part 3 on, Interface.",
            ));
        }
    }
    let label = call.label(model, |model, label| {
        model.vpc_endpoints.contains_key(&VpcEndpointId::mint(model.seed, label, model.id_length))
    });
    let new = NewVpcEndpoint {
        label,
        id: call.wanted_id()?,
        vpc_id: action.vpc_id,
        service_name: action.service_name,
        route_table_ids: action.route_table_ids,
        policy_document: action.policy_document,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::VpcEndpoint(model.add_vpc_endpoint(new)?))
}

pub(super) fn modify(model: &mut Model, action: ModifyVpcEndpoint) -> Result<Output, ControlError> {
    let id = action.vpc_endpoint_id;
    model.vpc_endpoint(id)?;
    if action.interface_settings {
        // Unverified wording.
        return Err(ControlError::new(
            "InvalidParameter",
            "Subnets, security groups and private DNS are only supported for Interface type VPC Endpoint.",
        ));
    }
    if action.reset_policy && action.policy_document.is_some() {
        return Err(ControlError::new(
            "InvalidParameterCombination",
            "The parameters PolicyDocument and ResetPolicy cannot be used together.",
        ));
    }
    if let Some(policy) = &action.policy_document {
        model.set_endpoint_policy(id, Some(policy))?;
    } else if action.reset_policy {
        model.set_endpoint_policy(id, None)?;
    }
    // Removal first, so that a table can go from here and come back in one call.
    model.remove_endpoint_route_tables(id, &action.remove_route_table_ids)?;
    model.add_endpoint_route_tables(id, &action.add_route_table_ids)?;
    Ok(Output::Done)
}

pub(super) fn delete(model: &mut Model, action: DeleteVpcEndpoints) -> Result<Output, ControlError> {
    let mut unsuccessful = Vec::new();
    for id in action.vpc_endpoint_ids {
        if let Err(error) = model.delete_vpc_endpoint(id) {
            let (resource_id, code, message) = (id.to_string(), error.code, error.message);
            unsuccessful.push(UnsuccessfulItem { resource_id, code, message });
        }
    }
    Ok(Output::Unsuccessful(unsuccessful))
}

/// The service must exist, for this type of endpoint.
fn check_service(model: &Model, action: &CreateVpcEndpoint) -> Result<(), ControlError> {
    let name = &action.service_name;
    let services = endpoint_services(model);
    let mut types =
        services.iter().filter(|service| service.name == *name).map(|service| service.endpoint_type).peekable();
    if types.peek().is_none() {
        return Err(ControlError::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{name}' does not exist"),
        ));
    }
    if action.endpoint_type == VpcEndpointType::Gateway && !types.any(|kind| kind == VpcEndpointType::Gateway) {
        return Err(ControlError::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{name}' does not support the endpoint type 'Gateway'."),
        ));
    }
    Ok(())
}

/// Gateways have routes and nothing else. Unverified wordings, after the one AWS has for the opposite case.
fn check_gateway(action: &CreateVpcEndpoint) -> Result<(), ControlError> {
    let refuse = |what: &str| {
        let message = format!("{what} are only supported for Interface type VPC Endpoint.");
        Err(ControlError::new("InvalidParameter", message))
    };
    if !action.subnet_ids.is_empty() {
        return refuse("Subnet IDs");
    }
    if !action.security_group_ids.is_empty() {
        return refuse("Security group IDs");
    }
    if action.private_dns_enabled == Some(true) {
        return Err(ControlError::new(
            "InvalidParameter",
            "Private DNS is only supported for Interface type VPC Endpoint.",
        ));
    }
    Ok(())
}

/// Why an interface endpoint is refused: AWS's reasons first, then ours.
fn refuse_interface(model: &Model, action: &CreateVpcEndpoint) -> Result<ControlError, ControlError> {
    if !action.route_table_ids.is_empty() {
        return Ok(ControlError::new(
            "InvalidParameter",
            "Route table IDs are only supported for Gateway type VPC Endpoint.",
        ));
    }
    let services = endpoint_services(model);
    let private_dns = services.iter().any(|service| {
        service.name == action.service_name
            && service.endpoint_type == VpcEndpointType::Interface
            && service.private_dns_name.is_some()
    });
    if action.private_dns_enabled == Some(true) && !private_dns {
        return Ok(ControlError::new(
            "InvalidParameter",
            format!(
                "Private DNS can't be enabled because the service {} does not provide a private DNS name.",
                action.service_name
            ),
        ));
    }
    for (position, id) in action.subnet_ids.iter().enumerate() {
        let subnet = model.subnet(*id)?;
        for earlier in &action.subnet_ids[..position] {
            if model.subnet(*earlier)?.availability_zone == subnet.availability_zone {
                return Ok(ControlError::new(
                    "DuplicateSubnetsInSameZone",
                    format!("Found another VPC endpoint subnet in the availability zone of {earlier}"),
                ));
            }
        }
    }
    for id in &action.security_group_ids {
        model.security_group(*id)?;
    }
    Ok(ControlError::unsupported(
        "vpcsim simulates interface endpoints from part 3 on; this version makes gateway endpoints only \
         (--vpc-endpoint-type Gateway).",
    ))
}

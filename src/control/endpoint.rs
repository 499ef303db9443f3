//! Endpoint actions: gateways and interfaces. Whether a change is possible is the model's to say; here stands what the other kind's parameters get.

use super::apply::Call;
use super::*;
use crate::ids::VpcEndpointId;
use crate::model::{InterfaceEndpointChange, NewInterfaceEndpoint, NewVpcEndpoint, endpoint_services_in};

pub(super) fn create(model: &mut Model, call: &Call<'_>, action: CreateVpcEndpoint) -> Result<Output, ControlError> {
    model.vpc(action.vpc_id)?;
    check_service(model, &action)?;
    match action.endpoint_type {
        VpcEndpointType::Gateway => create_gateway(model, call, action),
        VpcEndpointType::Interface => create_interface(model, call, action),
        VpcEndpointType::Other => {
            Err(ControlError::unsupported("vpcsim has VPC endpoints of the types Gateway and Interface."))
        }
    }
}

fn create_gateway(model: &mut Model, call: &Call<'_>, action: CreateVpcEndpoint) -> Result<Output, ControlError> {
    check_gateway(&action)?;
    let new = NewVpcEndpoint {
        label: label(model, call),
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

fn create_interface(model: &mut Model, call: &Call<'_>, action: CreateVpcEndpoint) -> Result<Output, ControlError> {
    if !action.route_table_ids.is_empty() {
        return Err(ControlError::new(
            "InvalidParameter",
            "Route table IDs are only supported for Gateway type VPC Endpoint.",
        ));
    }
    let new = NewInterfaceEndpoint {
        label: label(model, call),
        id: call.wanted_id()?,
        vpc_id: action.vpc_id,
        service_name: action.service_name,
        subnets: action.subnets,
        security_group_ids: action.security_group_ids,
        private_dns_enabled: action.private_dns_enabled,
        private_dns_only_for_inbound_resolver: action.private_dns_only_for_inbound_resolver,
        dns_suffix: None,
        policy_document: action.policy_document,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::VpcEndpoint(model.add_interface_endpoint(new)?))
}

fn label(model: &mut Model, call: &Call<'_>) -> String {
    call.label(model, |model, label| {
        let id = VpcEndpointId::mint(model.seed, label, model.id_length);
        model.vpc_endpoints.contains_key(&id) || model.is_retired(id)
    })
}

pub(super) fn modify(model: &mut Model, call: &Call<'_>, action: ModifyVpcEndpoint) -> Result<Output, ControlError> {
    let id = action.vpc_endpoint_id;
    model.vpc_endpoint(id)?;
    if action.interface != InterfaceEndpointChange::default() {
        model.modify_interface_endpoint(id, &action.interface, call.now)?;
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
    let services = endpoint_services_in(model, model.region_of(action.vpc_id));
    let mut types =
        services.iter().filter(|service| service.name == *name).map(|service| service.endpoint_type).peekable();
    if types.peek().is_none() {
        return Err(ControlError::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{name}' does not exist"),
        ));
    }
    let (kind, shown) = match action.endpoint_type {
        VpcEndpointType::Gateway => (VpcEndpointType::Gateway, "Gateway"),
        VpcEndpointType::Interface => (VpcEndpointType::Interface, "Interface"),
        VpcEndpointType::Other => return Ok(()),
    };
    if !types.any(|offered| offered == kind) {
        return Err(ControlError::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{name}' does not support the endpoint type '{shown}'."),
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
    if !action.subnets.is_empty() {
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

//! Calls about NAT gateways: parameters in, answers out.
//!
//! Zonal NAT gateways only; of the regional ones' parameters those that say "zonal" are taken. `MaxDrainDurationSeconds` has no effect: connections of an
//! address that goes end with their next packet.

use super::actions::tags_at_creation;
use super::parameters::Parameters;
use crate::api::{ApiError, documents};
use crate::control::{Action, ControlPlane, CreateNatGateway, NatGatewayAction};
use crate::ids::{AllocationId, NatGatewayId};
use crate::model::NatConnectivity;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    let id = || parameters.required_id::<NatGatewayId>("NatGatewayId");
    Ok(Some(Action::NatGateway(match parameters.operation() {
        "CreateNatGateway" => NatGatewayAction::Create(create(parameters)?),
        "DeleteNatGateway" => NatGatewayAction::Delete(id()?),
        "AssociateNatGatewayAddress" => NatGatewayAction::AssociateAddresses {
            nat_gateway_id: id()?,
            allocation_ids: allocations(parameters, "AllocationIds")?,
            private_ips: addresses(parameters, "PrivateIpAddresses")?,
        },
        "DisassociateNatGatewayAddress" => {
            parameters.without_effect(&["MaxDrainDurationSeconds"]);
            NatGatewayAction::DisassociateAddresses {
                nat_gateway_id: id()?,
                association_ids: parameters.ids("AssociationIds")?,
            }
        }
        "AssignPrivateNatGatewayAddress" => NatGatewayAction::AssignPrivateAddresses {
            nat_gateway_id: id()?,
            private_ips: addresses(parameters, "PrivateIpAddresses")?,
            count: count(parameters, "PrivateIpAddressCount")?,
        },
        "UnassignPrivateNatGatewayAddress" => {
            parameters.without_effect(&["MaxDrainDurationSeconds"]);
            NatGatewayAction::UnassignPrivateAddresses {
                nat_gateway_id: id()?,
                private_ips: addresses(parameters, "PrivateIpAddresses")?,
            }
        }
        _ => return Ok(None),
    })))
}

/// What a call that was done answers.
pub(super) fn answer(control: &ControlPlane, operation: &str, id: NatGatewayId, token: Option<String>) -> Value {
    let Some(gateway) = control.model().nat_gateways.get(&id) else { return json!({"NatGatewayId": id}) };
    match operation {
        "CreateNatGateway" => {
            // AWS answers while the gateway is still being made; here it is there already, or has failed.
            let mut document = documents::nat_gateway(control.calendar(), gateway);
            document["State"] = json!("pending");
            let mut answer = json!({"NatGateway": document});
            if let Some(token) = token {
                answer["ClientToken"] = json!(token);
            }
            answer
        }
        "DeleteNatGateway" => json!({"NatGatewayId": id}),
        _ => json!({"NatGatewayId": id, "NatGatewayAddresses": documents::nat_gateway_addresses(gateway)}),
    }
}

fn create(parameters: &Parameters<'_>) -> Result<CreateNatGateway, ApiError> {
    if parameters.text("AvailabilityMode")?.is_some_and(|mode| mode != "zonal") {
        return Err(ApiError::new("UnsupportedOperation", "vpcsim has zonal NAT gateways only, no regional ones."));
    }
    let connectivity = match parameters.text("ConnectivityType")?.as_deref() {
        None | Some("public") => NatConnectivity::Public,
        Some("private") => NatConnectivity::Private,
        Some(other) => {
            let message = format!("Value ({other}) for parameter connectivityType is invalid.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    };
    Ok(CreateNatGateway {
        subnet_id: parameters.required_id("SubnetId")?,
        connectivity,
        allocation_id: parameters.text("AllocationId")?.map(|text| allocation(&text)).transpose()?,
        private_ip: parameters.address("PrivateIpAddress")?,
        secondary_allocation_ids: allocations(parameters, "SecondaryAllocationIds")?,
        secondary_private_ips: addresses(parameters, "SecondaryPrivateIpAddresses")?,
        secondary_private_ip_count: count(parameters, "SecondaryPrivateIpAddressCount")?,
        client_token: parameters.text("ClientToken")?,
        tags: tags_at_creation(parameters, "natgateway")?,
    })
}

fn allocations(parameters: &Parameters<'_>, name: &str) -> Result<Vec<AllocationId>, ApiError> {
    parameters.texts(name)?.iter().map(|text| allocation(text)).collect()
}

/// A malformed allocation is one that does not exist.
fn allocation(text: &str) -> Result<AllocationId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new("InvalidAllocationID.NotFound", format!("The allocation ID '{text}' does not exist"))
    })
}

fn addresses(parameters: &Parameters<'_>, name: &str) -> Result<Vec<Ipv4Addr>, ApiError> {
    let parse = |text: &String| {
        text.parse().map_err(|_| {
            ApiError::new("InvalidParameterValue", format!("Value ({text}) for parameter {name} is invalid."))
        })
    };
    parameters.texts(name)?.iter().map(parse).collect()
}

/// A number of addresses; 0 if absent. Zero and below are refused.
fn count(parameters: &Parameters<'_>, name: &str) -> Result<usize, ApiError> {
    let Some(given) = parameters.integer(name)? else { return Ok(0) };
    usize::try_from(given).ok().filter(|count| *count > 0).ok_or_else(|| {
        ApiError::new("InvalidParameterValue", format!("Value ({given}) for parameter {name} is invalid."))
    })
}

//! One EC2 call on the control plane: document in, document out.
//!
//! Purpose: what an API server, the `aws` interpreter and a host's request all end in. Parameters are parsed into a typed
//! action or a query, the control plane does it, and the answer is read from the model as it is afterwards.
//! Non-goals: authorisation (part 5), the wire (`query`, `xml`), the CLI's notation (`awscli`).
//! Invariants: a refused call, and one with `DryRun`, changes nothing; a parameter that would have no effect here is either
//! one of those documented so in `actions`, or refused by name.

mod actions;
mod answers;
mod edge;
mod dhcp_options;
mod endpoint;
mod nat_gateway;
mod network;
pub mod parameters;
mod peering;
mod rules;
mod vpn;
mod transit;

use super::describe;
use super::model::Service;
use super::{ApiError, documents};
use crate::control::{ControlError, ControlPlane, Wanted};
use crate::time::SimTime;
use parameters::Parameters;
use serde_json::Value;

/// Does `operation` with `parameters` (a document of the model's member names) at `now`, by the API of the model's own Region.
///
/// # Errors
/// AWS's codes and messages; `DryRunOperation` (412) when `DryRun` is true and the call would have succeeded.
pub fn execute(
    control: &mut ControlPlane,
    now: SimTime,
    operation: &str,
    parameters: &Value,
    wanted: &Wanted,
) -> Result<Value, ApiError> {
    let region = control.model().region.clone();
    execute_in(control, &region, now, operation, parameters, wanted)
}

/// The same by the API of `region`. Reading calls see that Region's resources only; VPCs and transit gateways are made there. Calls that change what has an id find
/// it in whatever Region it is (AWS: in the called one only).
///
/// # Errors
/// As [`execute`].
pub fn execute_in(
    control: &mut ControlPlane,
    region: &str,
    now: SimTime,
    operation: &str,
    parameters: &Value,
    wanted: &Wanted,
) -> Result<Value, ApiError> {
    if !Service::Ec2.model().operations.contains_key(operation) {
        return Err(ApiError::invalid_action(operation));
    }
    let parameters = Parameters::of(operation, parameters)?;
    let dry_run = parameters.boolean("DryRun")?.unwrap_or(false);
    control.advance(now);
    let seen = control.model().seen_from(region);
    if let Some(answer) = describe::describe(control.model(), &seen, control.calendar(), &parameters)? {
        return if dry_run { Err(ApiError::dry_run()) } else { Ok(answer) };
    }
    let action = actions::action(&seen, &parameters)?;
    drop(seen);
    parameters.finish()?;
    if dry_run {
        control.dry_run(now, action, wanted)?;
        return Err(ApiError::dry_run());
    }
    let token = parameters.text("ClientToken")?;
    let output = control.handle(now, action, wanted)?;
    answers::answer(control, region, operation, output, token)
}

/// The id of what a call created, read from its answer; `None` if it creates nothing, or several things at once.
pub fn created_id(operation: &str, answer: &Value) -> Option<String> {
    let id = match operation {
        "CreateVpcEndpoint" => &answer["VpcEndpoint"]["VpcEndpointId"],
        "CreateSecurityGroup" => &answer["GroupId"],
        "CreateRouteTable" => &answer["RouteTable"]["RouteTableId"],
        "AllocateAddress" => &answer["AllocationId"],
        "CreateVpc" => &answer["Vpc"]["VpcId"],
        "CreateSubnet" => &answer["Subnet"]["SubnetId"],
        "CreateInternetGateway" => &answer["InternetGateway"]["InternetGatewayId"],
        "CreateNetworkAcl" => &answer["NetworkAcl"]["NetworkAclId"],
        "CreateManagedPrefixList" => &answer["PrefixList"]["PrefixListId"],
        "CreateVpcBlockPublicAccessExclusion" => &answer["VpcBlockPublicAccessExclusion"]["ExclusionId"],
        "CreateVpnGateway" => &answer["VpnGateway"]["VpnGatewayId"],
        "CreateCustomerGateway" => &answer["CustomerGateway"]["CustomerGatewayId"],
        "CreateVpnConnection" => &answer["VpnConnection"]["VpnConnectionId"],
        "CreateDhcpOptions" => &answer["DhcpOptions"]["DhcpOptionsId"],
        "CreateNatGateway" => &answer["NatGateway"]["NatGatewayId"],
        "CreateVpcPeeringConnection" => &answer["VpcPeeringConnection"]["VpcPeeringConnectionId"],
        "CreateTransitGateway" => &answer["TransitGateway"]["TransitGatewayId"],
        "CreateTransitGatewayVpcAttachment" => &answer["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"],
        "CreateTransitGatewayPeeringAttachment" => {
            &answer["TransitGatewayPeeringAttachment"]["TransitGatewayAttachmentId"]
        }
        "CreateTransitGatewayRouteTable" => &answer["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"],
        "RunInstances" => match answer["Instances"].as_array()?.as_slice() {
            [instance] => &instance["InstanceId"],
            _ => return None,
        },
        _ => return None,
    };
    id.as_str().map(str::to_owned)
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        ApiError::new(error.code, error.message)
    }
}

#[cfg(test)]
mod tests;

//! From what an action did to the document that answers it.

use super::documents;
use crate::api::ApiError;
use crate::api::model::Service;
use crate::control::{ControlPlane, Output};
use crate::ids::{InstanceId, ReservationId, VpcEndpointId};
use crate::model::{InstanceState, ModelError};
use documents::Life;
use serde_json::{Value, json};

/// The answer to a call of `operation`. `token` is echoed where AWS does.
///
/// # Errors
/// What a repeated client token made is gone since.
pub(super) fn answer(
    control: &ControlPlane,
    operation: &str,
    output: Output,
    token: Option<String>,
) -> Result<Value, ApiError> {
    let model = control.model();
    let egress = operation.ends_with("SecurityGroupEgress");
    Ok(match output {
        Output::Done => done(operation),
        Output::VpcEndpoint(id) => with_token(json!({"VpcEndpoint": endpoint(control, id)?}), token),
        Output::Unsuccessful(items) => {
            let item = |item: crate::control::UnsuccessfulItem| json!({"Error": {"Code": item.code, "Message": item.message}, "ResourceId": item.resource_id});
            json!({"Unsuccessful": items.into_iter().map(item).collect::<Value>()})
        }
        Output::Launched { reservation_id, instance_ids } => launched(control, reservation_id, &instance_ids),
        Output::Terminated(before) => {
            // AWS answers at once, while the instance is still shutting down. Here it is gone already.
            let change = |(id, state): (InstanceId, InstanceState)| {
                let current = match state {
                    InstanceState::Running => json!({"Code": 32, "Name": "shutting-down"}),
                    InstanceState::Terminated => documents::instance_state(state),
                };
                json!({"InstanceId": id, "CurrentState": current, "PreviousState": documents::instance_state(state)})
            };
            json!({"TerminatingInstances": before.into_iter().map(change).collect::<Value>()})
        }
        Output::SecurityGroup(id) => match model.security_groups.get(&id) {
            Some(group) => {
                let document = documents::security_group(model, group);
                let mut answer = json!({"GroupId": id, "SecurityGroupArn": document["SecurityGroupArn"]});
                if let Some(tags) = document.get("Tags") {
                    answer["Tags"] = tags.clone();
                }
                answer
            }
            None => json!({"Return": true, "GroupId": id}),
        },
        Output::Authorized { group_id, rules } => {
            let rule = |rule| documents::security_group_rule(model, group_id, egress, rule);
            json!({"Return": true, "SecurityGroupRules": rules.iter().map(rule).collect::<Value>()})
        }
        Output::Revoked { group_id, rules, unknown } => {
            let rule = |rule| documents::revoked_rule(group_id, egress, rule);
            let mut answer =
                json!({"Return": true, "RevokedSecurityGroupRules": rules.iter().map(rule).collect::<Value>()});
            if !unknown.is_empty() {
                let rule = |rule| documents::rule_in_request_form(model, rule);
                answer["UnknownIpPermissions"] = unknown.iter().map(rule).collect();
            }
            answer
        }
        Output::RouteTable(id) => {
            let document = documents::route_table(model, model.route_table(id).map_err(gone)?);
            with_token(json!({"RouteTable": document}), token)
        }
        Output::RouteTableAssociation(id) => {
            json!({"AssociationId": id, "AssociationState": {"State": "associated"}})
        }
        Output::Address(id) => {
            let Some(address) = model.elastic_addresses.get(&id) else { return Ok(json!({"AllocationId": id})) };
            let mut document = documents::address(model, address);
            // The answer to the call has no tags, unlike the address.
            if let Some(members) = document.as_object_mut() {
                members.shift_remove("Tags");
            }
            document
        }
        Output::AddressAssociation(id) => json!({"AssociationId": id}),
        Output::Vpc(id) => {
            // AWS answers while the VPC is still being made; here it is there already.
            let mut document = documents::vpc(model, model.vpc(id).map_err(gone)?);
            document["State"] = json!("pending");
            json!({"Vpc": document})
        }
        Output::Subnet(id) => json!({"Subnet": documents::subnet(model, model.subnet(id).map_err(gone)?)}),
        Output::InternetGateway(id) => {
            let gateway = model.internet_gateway(id).map_err(gone)?;
            json!({"InternetGateway": documents::internet_gateway(model, gateway)})
        }
        Output::RouteTableAssociationReplaced(id) => {
            json!({"NewAssociationId": id, "AssociationState": {"State": "associated"}})
        }
        Output::NetworkAcl(id) => {
            let acl = model.network_acl(id).map_err(gone)?;
            with_token(json!({"NetworkAcl": documents::network_acl(model, acl)}), token)
        }
        Output::Vpn(output) => super::vpn::answer(control, output)?,
        Output::DhcpOptions(id) => {
            let options = model.dhcp_options_set(id).map_err(gone)?;
            json!({"DhcpOptions": documents::dhcp_options(model, options)})
        }
        Output::NetworkAclAssociation(id) => json!({"NewAssociationId": id}),
        Output::Edge(output) => super::edge::answer(control, output)?,
    })
}

/// Success: most operations say so, some have an answer without members.
fn done(operation: &str) -> Value {
    match Service::Ec2.model().output(operation).member("Return") {
        Some(_) => json!({"Return": true}),
        None => json!({}),
    }
}

fn endpoint(control: &ControlPlane, id: VpcEndpointId) -> Result<Value, ApiError> {
    let model = control.model();
    Ok(documents::vpc_endpoint(model, control.calendar(), model.vpc_endpoint(id).map_err(gone)?))
}

fn launched(control: &ControlPlane, reservation_id: ReservationId, ids: &[InstanceId]) -> Value {
    let model = control.model();
    let instances = (ids.iter().filter_map(|id| model.instances.get(id)).enumerate()).map(|(position, instance)| {
        // A repeated client token may find an instance that has ended since.
        let life = if instance.state == InstanceState::Running { Life::Launching } else { Life::Now };
        let mut document = documents::instance(model, control.calendar(), instance, life);
        document["AmiLaunchIndex"] = json!(position);
        document
    });
    documents::reservation(model, reservation_id, instances.collect())
}

fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["ClientToken"] = json!(token);
    }
    answer
}

fn gone(error: ModelError) -> ApiError {
    ApiError::new(error.code, error.message)
}

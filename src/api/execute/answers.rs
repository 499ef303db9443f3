//! From what an action did to the document that answers it.

use super::documents;
use crate::api::ApiError;
use crate::api::model::Service;
use crate::control::{ControlPlane, Output};
use crate::ids::{InstanceId, ReservationId, VpcEndpointId};
use crate::model::{InstanceState, Model, ModelError};
use documents::Life;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The answer to a call of `operation`. `token` is echoed where AWS does.
///
/// # Errors
/// What a repeated client token made is gone since.
pub(super) fn answer(
    control: &ControlPlane,
    region: &str,
    operation: &str,
    output: Output,
    token: Option<String>,
) -> Result<Value, ApiError> {
    // What the call was about may lie in any Region; ARNs and names are those of the one that was called.
    let whole = control.model();
    let model = &in_region(whole, region);
    let calendar = control.calendar();
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
        Output::NatGateway(id) => super::nat_gateway::answer(control, operation, id, token),
        Output::PeeringConnection(id) => {
            let connection = model.peering_connection(id).map_err(gone)?;
            match operation {
                "ModifyVpcPeeringConnectionOptions" => json!({
                    "AccepterPeeringConnectionOptions": documents::peering_options(&connection.accepter),
                    "RequesterPeeringConnectionOptions": documents::peering_options(&connection.requester),
                }),
                _ => json!({"VpcPeeringConnection": documents::peering_connection(whole, calendar, connection)}),
            }
        }
        Output::TransitGateway(id) => {
            // AWS answers while it is still busy; here it is done.
            let state = if operation == "CreateTransitGateway" { "pending" } else { "modifying" };
            let gateway = model.transit_gateway(id).map_err(gone)?;
            json!({"TransitGateway": documents::transit_gateway(model, calendar, gateway, state)})
        }
        Output::TransitGatewayDeleted(gateway) => {
            json!({"TransitGateway": documents::transit_gateway(model, calendar, &gateway, "deleting")})
        }
        Output::TransitGatewayAttachment(id) => {
            let attachment = model.transit_gateway_attachment(id).map_err(gone)?;
            let (member, document) = match documents::transit_gateway_vpc_attachment(model, calendar, attachment) {
                Some(document) => ("TransitGatewayVpcAttachment", Some(document)),
                None => (
                    "TransitGatewayPeeringAttachment",
                    documents::transit_gateway_peering_attachment(whole, calendar, attachment),
                ),
            };
            let mut document = document.unwrap_or_default();
            document["State"] = json!(match operation.split("Transit").next() {
                Some("Create") if attachment.peer().is_some() => "initiatingRequest",
                Some("Create" | "Accept") => "pending",
                Some("Modify") => "modifying",
                _ => "deleting",
            });
            json!({member: document})
        }
        Output::TransitGatewayRouteTable(id) => {
            let table = model.transit_gateway_route_table(id).map_err(gone)?;
            let document = documents::transit_gateway_route_table(model, calendar, table, "pending");
            json!({"TransitGatewayRouteTable": document})
        }
        Output::TransitGatewayRouteTableDeleted(table) => {
            let document = documents::transit_gateway_route_table(model, calendar, &table, "deleting");
            json!({"TransitGatewayRouteTable": document})
        }
        Output::TransitGatewayLink(table_id, attachment_id) => {
            let gateway_id = model.transit_gateway_route_table(table_id).map_err(gone)?.transit_gateway_id;
            let attachment = model.attachment_of_gateway(attachment_id, gateway_id).map_err(gone)?;
            let (member, state) = match operation.split("Transit").next() {
                Some("Associate") => ("Association", "associating"),
                Some("Disassociate") => ("Association", "disassociating"),
                Some("Enable") => ("Propagation", "enabled"),
                _ => ("Propagation", "disabled"),
            };
            let mut document = documents::transit_gateway_link(attachment, state);
            document["TransitGatewayRouteTableId"] = json!(table_id);
            json!({member: document})
        }
        Output::TransitGatewayRoute(route) => {
            let mut document = documents::transit_gateway_route(model, &route);
            if operation == "DeleteTransitGatewayRoute" {
                document["State"] = json!("deleted");
            }
            json!({"Route": document})
        }
    })
}

/// The account with another Region as its own.
fn in_region<'m>(whole: &'m Model, region: &str) -> Cow<'m, Model> {
    if whole.region == region {
        return Cow::Borrowed(whole);
    }
    Cow::Owned(Model { region: region.to_owned(), ..whole.clone() })
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

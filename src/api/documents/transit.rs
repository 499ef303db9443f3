//! Transit gateways, their attachments and route tables.
//!
//! Attachments that were deleted stay listed until the run ends (AWS: about an hour); transit gateways and tables do not.

use super::tags;
use crate::calendar::Calendar;
use crate::model::{
    Model, RouteState, TransitGateway, TransitGatewayAttachment, TransitGatewayAttachmentState, TransitGatewayResource,
    TransitGatewayRoute, TransitGatewayRouteRank, TransitGatewayRouteTable,
};
use serde_json::{Value, json};

/// A transit gateway in a state: `available`, or what a call answers while AWS is still busy.
pub fn transit_gateway(model: &Model, calendar: Calendar, gateway: &TransitGateway, state: &str) -> Value {
    let mut options = json!({
        "AmazonSideAsn": gateway.amazon_side_asn,
        "AutoAcceptSharedAttachments": "disable",
        "DefaultRouteTableAssociation": switched(gateway.default_association_route_table_id.is_some()),
        "DefaultRouteTablePropagation": switched(gateway.default_propagation_route_table_id.is_some()),
        "VpnEcmpSupport": switched(gateway.vpn_equal_cost),
        "DnsSupport": "enable",
        "SecurityGroupReferencingSupport": switched(gateway.security_group_referencing),
        "MulticastSupport": "disable",
    });
    if let Some(id) = gateway.default_association_route_table_id {
        options["AssociationDefaultRouteTableId"] = json!(id);
    }
    if let Some(id) = gateway.default_propagation_route_table_id {
        options["PropagationDefaultRouteTableId"] = json!(id);
    }
    let (partition, account) = (super::partition(&gateway.region), &model.account_id);
    json!({
        "TransitGatewayId": gateway.id,
        "TransitGatewayArn": format!("arn:{partition}:ec2:{}:{account}:transit-gateway/{}", gateway.region, gateway.id),
        "State": state,
        "OwnerId": account,
        "Description": gateway.description,
        "CreationTime": calendar.ec2(gateway.created_at),
        "Options": options,
        "Tags": tags(&gateway.tags),
    })
}

/// Any attachment, as DescribeTransitGatewayAttachments shows it.
pub fn transit_gateway_attachment(model: &Model, calendar: Calendar, attachment: &TransitGatewayAttachment) -> Value {
    let mut document = json!({
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.transit_gateway_id,
        "TransitGatewayOwnerId": model.account_id,
        "ResourceOwnerId": model.account_id,
        "ResourceType": resource_type(attachment),
        "ResourceId": resource_id(attachment),
        "State": state(attachment),
        "CreationTime": calendar.ec2(attachment.created_at),
        "Tags": tags(&attachment.tags),
    });
    if let Some(table) = model.transit_gateway_association(attachment.id) {
        document["Association"] = json!({"TransitGatewayRouteTableId": table.id, "State": "associated"});
    }
    document
}

/// An attachment of a VPC; `None` for any other.
pub fn transit_gateway_vpc_attachment(
    model: &Model,
    calendar: Calendar,
    attachment: &TransitGatewayAttachment,
) -> Option<Value> {
    let TransitGatewayResource::Vpc { vpc_id, subnets, appliance_mode, security_group_referencing } =
        &attachment.resource
    else {
        return None;
    };
    Some(json!({
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.transit_gateway_id,
        "VpcId": vpc_id,
        "VpcOwnerId": model.account_id,
        "State": state(attachment),
        "SubnetIds": subnets.keys().collect::<Vec<_>>(),
        "CreationTime": calendar.ec2(attachment.created_at),
        "Options": {
            "DnsSupport": "enable",
            "SecurityGroupReferencingSupport": switched(*security_group_referencing),
            "Ipv6Support": "disable",
            "ApplianceModeSupport": switched(*appliance_mode),
        },
        "Tags": tags(&attachment.tags),
    }))
}

/// A peering of transit gateways; `None` for any other attachment. `whole` is the account in all its Regions.
pub fn transit_gateway_peering_attachment(
    whole: &Model,
    calendar: Calendar,
    attachment: &TransitGatewayAttachment,
) -> Option<Value> {
    let TransitGatewayResource::Peering { peer_transit_gateway_id, peer_attachment_id, is_requester } =
        attachment.resource
    else {
        return None;
    };
    let info = |id| {
        let region = whole.transit_gateways.get(&id).map_or(&whole.region, |gateway| &gateway.region);
        json!({"TransitGatewayId": id, "OwnerId": whole.account_id, "Region": region})
    };
    let (requester, accepter, accepter_attachment_id) = match is_requester {
        true => (attachment.transit_gateway_id, peer_transit_gateway_id, peer_attachment_id),
        false => (peer_transit_gateway_id, attachment.transit_gateway_id, attachment.id),
    };
    Some(json!({
        "TransitGatewayAttachmentId": attachment.id,
        "AccepterTransitGatewayAttachmentId": accepter_attachment_id,
        "RequesterTgwInfo": info(requester),
        "AccepterTgwInfo": info(accepter),
        "State": state(attachment),
        "CreationTime": calendar.ec2(attachment.created_at),
        "Tags": tags(&attachment.tags),
    }))
}

/// A route table of a transit gateway.
pub fn transit_gateway_route_table(
    model: &Model,
    calendar: Calendar,
    table: &TransitGatewayRouteTable,
    state: &str,
) -> Value {
    let gateway = model.transit_gateways.get(&table.transit_gateway_id);
    let association = gateway.and_then(|gateway| gateway.default_association_route_table_id);
    let propagation = gateway.and_then(|gateway| gateway.default_propagation_route_table_id);
    json!({
        "TransitGatewayRouteTableId": table.id,
        "TransitGatewayId": table.transit_gateway_id,
        "State": state,
        "DefaultAssociationRouteTable": association == Some(table.id),
        "DefaultPropagationRouteTable": propagation == Some(table.id),
        "CreationTime": calendar.ec2(table.created_at),
        "Tags": tags(&table.tags),
    })
}

/// An association or a propagation, without its table: the resource across and a state.
pub fn transit_gateway_link(attachment: &TransitGatewayAttachment, state: &str) -> Value {
    json!({
        "TransitGatewayAttachmentId": attachment.id,
        "ResourceId": resource_id(attachment),
        "ResourceType": resource_type(attachment),
        "State": state,
    })
}

/// A row of a route table.
pub fn transit_gateway_route(model: &Model, route: &TransitGatewayRoute) -> Value {
    let attachment = route.attachment_id.and_then(|id| model.transit_gateway_attachments.get(&id));
    let mut document = json!({
        "DestinationCidrBlock": route.cidr.to_string(),
        "Type": if route.rank == TransitGatewayRouteRank::Static { "static" } else { "propagated" },
        "State": match route.state {
            RouteState::Active => "active",
            RouteState::Blackhole => "blackhole",
        },
    });
    if let Some(attachment) = attachment {
        document["TransitGatewayAttachments"] = json!([{
            "ResourceId": resource_id(attachment),
            "TransitGatewayAttachmentId": attachment.id,
            "ResourceType": resource_type(attachment),
        }]);
    }
    document
}

fn resource_type(attachment: &TransitGatewayAttachment) -> &'static str {
    match attachment.resource {
        TransitGatewayResource::Vpc { .. } => "vpc",
        TransitGatewayResource::Vpn(_) => "vpn",
        TransitGatewayResource::DirectConnect(_) => "direct-connect-gateway",
        TransitGatewayResource::Peering { .. } => "peering",
    }
}

fn resource_id(attachment: &TransitGatewayAttachment) -> Value {
    match &attachment.resource {
        TransitGatewayResource::Vpc { vpc_id, .. } => json!(vpc_id),
        TransitGatewayResource::Vpn(id) => json!(id),
        TransitGatewayResource::DirectConnect(id) => json!(id),
        TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => json!(peer_transit_gateway_id),
    }
}

fn state(attachment: &TransitGatewayAttachment) -> &'static str {
    match attachment.state {
        TransitGatewayAttachmentState::Available => "available",
        TransitGatewayAttachmentState::PendingAcceptance => "pendingAcceptance",
        TransitGatewayAttachmentState::Deleted => "deleted",
    }
}

fn switched(on: bool) -> &'static str {
    if on { "enable" } else { "disable" }
}

//! VPCs, subnets, route tables, internet gateways.

use super::{arn, cidr_block, tags, with_tags};
use crate::control::region::zone_id;
use crate::model::{
    InternetGateway, Model, Route, RouteDestination, RouteOrigin, RouteState, RouteTable, RouteTarget, Subnet, Vpc,
};
use serde_json::{Value, json};

/// A VPC.
pub fn vpc(model: &Model, vpc: &Vpc) -> Value {
    let block = |block| cidr_block(block, "associated");
    let document = json!({
        "OwnerId": model.account_id,
        "InstanceTenancy": "default",
        "CidrBlockAssociationSet": vpc.cidr_blocks.iter().map(block).collect::<Value>(),
        "IsDefault": vpc.is_default,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": model.block_mode_of(None, vpc.id).word()},
        "VpcId": vpc.id,
        "State": "available",
        "CidrBlock": vpc.primary_cidr().to_string(),
        "DhcpOptionsId": vpc.dhcp_options_id.map_or_else(|| "default".to_owned(), |id| id.to_string()),
    });
    with_tags(document, &vpc.tags)
}

/// A subnet.
pub fn subnet(model: &Model, subnet: &Subnet) -> Value {
    let document = json!({
        "AvailabilityZoneId": zone_id(&subnet.availability_zone),
        "MapCustomerOwnedIpOnLaunch": false,
        "OwnerId": model.account_id,
        "AssignIpv6AddressOnCreation": false,
        "Ipv6CidrBlockAssociationSet": [],
        "SubnetArn": arn(model, "subnet", subnet.id),
        "EnableDns64": false,
        "Ipv6Native": false,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": false,
            "EnableResourceNameDnsAAAARecord": false,
        },
        "BlockPublicAccessStates": {
            "InternetGatewayBlockMode": model.block_mode_of(Some(subnet.id), subnet.vpc_id).word(),
        },
        "SubnetId": subnet.id,
        "State": "available",
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr.to_string(),
        "AvailableIpAddressCount": model.free_private_addresses(subnet),
        "AvailabilityZone": subnet.availability_zone,
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
    });
    with_tags(document, &subnet.tags)
}

/// A route table.
pub fn route_table(model: &Model, table: &RouteTable) -> Value {
    let association = |id, main: bool| {
        json!({
            "Main": main,
            "RouteTableAssociationId": id,
            "RouteTableId": table.id,
            "AssociationState": {"State": "associated"},
        })
    };
    let main = table.main_association.map(|id| association(id, true));
    let explicit = table.associations.iter().map(|(subnet_id, id)| {
        let mut document = association(*id, false);
        document["SubnetId"] = json!(subnet_id);
        document
    });
    let edge = table.gateway_associations.iter().map(|(gateway, id)| {
        let mut document = association(*id, false);
        document["GatewayId"] = json!(gateway.to_string());
        document
    });
    let propagated = model.propagated_routes(table);
    json!({
        "Associations": main.into_iter().chain(explicit).chain(edge).collect::<Value>(),
        "PropagatingVgws": table.propagating_gateways.iter().map(|id| json!({"GatewayId": id})).collect::<Value>(),
        "RouteTableId": table.id,
        "Routes": table.routes.iter().chain(&propagated).map(|shown| route(model, table, shown)).collect::<Value>(),
        "Tags": tags(&table.tags),
        "VpcId": table.vpc_id,
        "OwnerId": model.account_id,
    })
}

/// A route: gateways, `local` and gateway endpoints all stand in `GatewayId`.
fn route(model: &Model, table: &RouteTable, route: &Route) -> Value {
    let mut document = json!({
        "Origin": match route.origin {
            RouteOrigin::CreateRouteTable => "CreateRouteTable",
            RouteOrigin::CreateRoute => "CreateRoute",
            RouteOrigin::Propagated(_) => "EnableVgwRoutePropagation",
        },
        "State": match model.route_state(table, route) {
            RouteState::Active => "active",
            RouteState::Blackhole => "blackhole",
        },
    });
    match route.destination {
        RouteDestination::Cidr(cidr) => document["DestinationCidrBlock"] = json!(cidr.to_string()),
        RouteDestination::PrefixList(id) => document["DestinationPrefixListId"] = json!(id),
    }
    match route.target {
        RouteTarget::Local => document["GatewayId"] = json!("local"),
        RouteTarget::InternetGateway(id) => document["GatewayId"] = json!(id),
        RouteTarget::GatewayEndpoint(id) => document["GatewayId"] = json!(id),
        RouteTarget::NatGateway(id) => document["NatGatewayId"] = json!(id),
        RouteTarget::PeeringConnection(id) => document["VpcPeeringConnectionId"] = json!(id),
        RouteTarget::TransitGateway(id) => document["TransitGatewayId"] = json!(id),
        RouteTarget::VpnGateway(id) => document["GatewayId"] = json!(id),
        RouteTarget::NetworkInterface(id) => {
            document["NetworkInterfaceId"] = json!(id);
            let interface = model.network_interfaces.get(&id);
            if let Some(attachment) = interface.and_then(|interface| interface.attachment) {
                document["InstanceId"] = json!(attachment.instance_id);
                document["InstanceOwnerId"] = json!(model.account_id);
            }
        }
    }
    document
}

/// An internet gateway. An attached one is `available`, AWS's word in this place whatever the model's enumeration says.
pub fn internet_gateway(model: &Model, gateway: &InternetGateway) -> Value {
    let attachment = |vpc_id| json!({"State": "available", "VpcId": vpc_id});
    json!({
        "Attachments": gateway.attached_vpc_id.into_iter().map(attachment).collect::<Value>(),
        "InternetGatewayId": gateway.id,
        "OwnerId": model.account_id,
        "Tags": tags(&gateway.tags),
    })
}

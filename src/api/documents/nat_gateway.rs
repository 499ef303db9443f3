//! NAT gateways.

use super::with_tags;
use crate::calendar::Calendar;
use crate::model::{NatConnectivity, NatGateway, NatGatewayAddress, NatGatewayState};
use serde_json::{Value, json};

/// A NAT gateway.
pub fn nat_gateway(calendar: Calendar, gateway: &NatGateway) -> Value {
    let mut document = json!({
        "CreateTime": calendar.ec2(gateway.created_at),
        "NatGatewayAddresses": nat_gateway_addresses(gateway),
        "NatGatewayId": gateway.id,
        "State": match gateway.state {
            NatGatewayState::Available => "available",
            NatGatewayState::Failed { .. } => "failed",
            NatGatewayState::Deleted => "deleted",
        },
        "SubnetId": gateway.subnet_id,
        "VpcId": gateway.vpc_id,
        "ConnectivityType": match gateway.connectivity {
            NatConnectivity::Public => "public",
            NatConnectivity::Private => "private",
        },
        "AvailabilityMode": "zonal",
    });
    if let NatGatewayState::Failed { code, message } = &gateway.state {
        document["FailureCode"] = json!(code);
        document["FailureMessage"] = json!(message);
    }
    with_tags(document, &gateway.tags)
}

/// Its addresses, the primary first.
pub fn nat_gateway_addresses(gateway: &NatGateway) -> Value {
    let address = |(position, address): (usize, &NatGatewayAddress)| {
        let mut document = json!({
            "PrivateIp": address.private_ip.to_string(),
            "IsPrimary": position == 0,
            "Status": "succeeded",
        });
        // A deleted gateway's addresses are still told, its interface is gone.
        if let Some(interface_id) = gateway.interface_id {
            document["NetworkInterfaceId"] = json!(interface_id);
        }
        if let Some(elastic) = address.elastic {
            document["AllocationId"] = json!(elastic.allocation_id);
            document["AssociationId"] = json!(elastic.association_id);
            document["PublicIp"] = json!(elastic.public_ip.to_string());
        }
        document
    };
    gateway.addresses.iter().enumerate().map(address).collect()
}

//! Elastic IP addresses.

use super::with_tags;
use crate::model::{AddressHolder, ElasticAddress, Model, NatGatewayAddress};
use serde_json::{Value, json};

/// An Elastic IP address.
pub fn address(model: &Model, address: &ElasticAddress) -> Value {
    let mut document = json!({
        "AllocationId": address.allocation_id,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": model.region,
        "PublicIp": address.public_ip.to_string(),
    });
    if let Some((association_id, holder)) = address.association {
        document["AssociationId"] = json!(association_id);
        let interface_id = match holder {
            AddressHolder::Interface(id) => Some(id),
            AddressHolder::NatGateway(id) => model.nat_gateways.get(&id).and_then(|gateway| gateway.interface_id),
        };
        document["NetworkInterfaceId"] = json!(interface_id);
        document["NetworkInterfaceOwnerId"] = json!(model.account_id);
        if let Some(interface) = interface_id.and_then(|id| model.network_interfaces.get(&id)) {
            let of_gateway = model.nat_gateway_of(interface.id).and_then(|gateway| {
                let own = |held: &&NatGatewayAddress| {
                    held.elastic.is_some_and(|elastic| elastic.allocation_id == address.allocation_id)
                };
                gateway.addresses.iter().find(own)
            });
            let private_ip = of_gateway.map_or(interface.private_ip, |held| held.private_ip);
            document["PrivateIpAddress"] = json!(private_ip.to_string());
            if let Some(instance_id) = interface.attachment.and_then(|attachment| attachment.instance_id) {
                document["InstanceId"] = json!(instance_id);
            }
        }
    }
    with_tags(document, &address.tags)
}

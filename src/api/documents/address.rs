//! Elastic IP addresses.

use super::with_tags;
use crate::model::{ElasticAddress, Model};
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
    if let Some((association_id, interface_id)) = address.association {
        document["AssociationId"] = json!(association_id);
        document["NetworkInterfaceId"] = json!(interface_id);
        document["NetworkInterfaceOwnerId"] = json!(model.account_id);
        if let Some(interface) = model.network_interfaces.get(&interface_id) {
            document["PrivateIpAddress"] = json!(interface.private_ip.to_string());
            if let Some(attachment) = interface.attachment {
                document["InstanceId"] = json!(attachment.instance_id);
            }
        }
    }
    with_tags(document, &address.tags)
}

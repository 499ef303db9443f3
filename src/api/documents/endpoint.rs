//! VPC endpoints and the services they lead to.

use super::tags;
use crate::calendar::Calendar;
use crate::control::VpcEndpointType;
use crate::control::region::{zone_id, zone_names};
use crate::control::services::EndpointService;
use crate::ids::{IdLength, VpcEndpointId};
use crate::model::{Model, VpcEndpoint};
use crate::rng::Seed;
use serde_json::{Value, json};

/// A gateway endpoint, with the members observed in real answers.
pub fn vpc_endpoint(model: &Model, calendar: Calendar, endpoint: &VpcEndpoint) -> Value {
    json!({
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": "Gateway",
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "State": "available",
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": endpoint.route_table_ids(),
        "SubnetIds": [],
        "Groups": [],
        "PrivateDnsEnabled": false,
        "RequesterManaged": false,
        "NetworkInterfaceIds": [],
        "DnsEntries": [],
        "CreationTimestamp": calendar.ec2(endpoint.created_at),
        "Tags": tags(&endpoint.tags),
        "OwnerId": model.account_id,
    })
}

/// A service that endpoints can lead to.
pub fn endpoint_service(model: &Model, service: &EndpointService) -> Value {
    let gateway = service.endpoint_type == VpcEndpointType::Gateway;
    let zones = zone_names(model);
    let mut document = json!({
        "ServiceName": service.name,
        "ServiceId": service_id(service),
        "ServiceType": [{"ServiceType": if gateway { "Gateway" } else { "Interface" }}],
        "ServiceRegion": model.region,
        "AvailabilityZoneIds": zones.iter().map(|zone| zone_id(zone)).collect::<Vec<_>>(),
        "AvailabilityZones": zones,
        "Owner": "amazon",
        "BaseEndpointDnsNames": [service.base_dns_name],
        "VpcEndpointPolicySupported": true,
        "AcceptanceRequired": false,
        "ManagesVpcEndpoints": false,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    });
    if let Some(name) = &service.private_dns_name {
        document["PrivateDnsName"] = json!(name);
        document["PrivateDnsNames"] = json!([{"PrivateDnsName": name}]);
        document["PrivateDnsNameVerificationState"] = json!("verified");
    }
    document
}

/// `vpce-svc-` and 17 digits that depend on the service alone. AWS's own differ.
fn service_id(service: &EndpointService) -> String {
    let label = format!("service {} {}", service.name, service.base_dns_name);
    let id = VpcEndpointId::mint(Seed::new(0), &label, IdLength::Long).to_string();
    id.replacen("vpce-", "vpce-svc-", 1)
}

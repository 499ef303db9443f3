//! VPC endpoints and the services they lead to.

use super::tags;
use crate::calendar::Calendar;
use crate::control::region::{zone_id, zone_names};
use crate::ids::{IdLength, VpcEndpointId};
use crate::model::{EndpointService, Model, SecurityGroup, VpcEndpoint, VpcEndpointKind, VpcEndpointType};
use crate::rng::Seed;
use serde_json::{Value, json};

/// An endpoint, with the members observed in real answers.
pub fn vpc_endpoint(model: &Model, calendar: Calendar, endpoint: &VpcEndpoint) -> Value {
    let mut document = json!({
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
    });
    if let VpcEndpointKind::Interface {
        subnets,
        security_group_ids,
        private_dns_enabled,
        private_dns_only_for_inbound_resolver,
        ..
    } = &endpoint.kind
    {
        let group = |group: &SecurityGroup| json!({"GroupId": group.id, "GroupName": group.group_name});
        let groups = security_group_ids.iter().filter_map(|id| model.security_groups.get(id));
        document["VpcEndpointType"] = json!("Interface");
        document["SubnetIds"] = subnets.keys().map(|id| json!(id)).collect();
        document["NetworkInterfaceIds"] = subnets.values().map(|id| json!(id)).collect();
        document["Groups"] = groups.map(group).collect();
        document["PrivateDnsEnabled"] = json!(private_dns_enabled);
        document["DnsEntries"] = dns_entries(model, endpoint);
        document["IpAddressType"] = json!("ipv4");
        document["DnsOptions"] = json!({
            "DnsRecordIpType": "ipv4",
            "PrivateDnsOnlyForInboundResolverEndpoint": private_dns_only_for_inbound_resolver,
        });
    }
    document
}

/// The endpoint's own names in AWS's zone, then the public names it takes over, in a zone of its own.
fn dns_entries(model: &Model, endpoint: &VpcEndpoint) -> Value {
    let region = model.region_of(endpoint.vpc_id);
    let zone = public_zone(region);
    let own = model.endpoint_dns_names(endpoint).into_iter();
    let own = own.map(|name| json!({"DnsName": name.name, "HostedZoneId": zone}));
    let private_names = match &endpoint.kind {
        VpcEndpointKind::Interface { private_dns_enabled: true, .. } => {
            model.interface_service(endpoint.vpc_id, &endpoint.service_name).map(|service| service.private_dns_names)
        }
        _ => Ok(Vec::new()),
    };
    let private_zone = drawn_zone(&format!("private zone of {}", endpoint.id));
    let private = private_names.unwrap_or_default().into_iter();
    own.chain(private.map(|name| json!({"DnsName": name, "HostedZoneId": private_zone}))).collect()
}

/// The hosted zone of a Region's endpoint names: AWS's where it is known, else one drawn from the Region's name.
fn public_zone(region: &str) -> String {
    match region {
        "us-east-1" => "Z7HUB22UULQXV".to_owned(),
        "us-east-2" => "ZC8PG0KIFKBRI".to_owned(),
        other => drawn_zone(&format!("endpoints of {other}")),
    }
}

/// `Z` and 13 letters and digits that depend on the label alone.
fn drawn_zone(label: &str) -> String {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut stream = Seed::new(0).derive(&format!("hosted zone: {label}"));
    let letter = |_| char::from(ALPHABET[stream.below(36) as usize]);
    std::iter::once('Z').chain((0..13).map(letter)).collect()
}

/// A service that endpoints can lead to.
pub fn endpoint_service(model: &Model, service: &EndpointService) -> Value {
    let gateway = service.endpoint_type == VpcEndpointType::Gateway;
    let zones: Vec<String> =
        zone_names(model).into_iter().filter(|zone| gateway || model.is_offered_in(service, zone)).collect();
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
    if let Some(name) = service.private_dns_names.first() {
        let names = service.private_dns_names.iter().map(|name| json!({"PrivateDnsName": name}));
        document["PrivateDnsName"] = json!(name);
        document["PrivateDnsNames"] = names.collect();
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

//! Tags, on resources and as resources of their own.

use crate::model::{Model, Tags};
use serde_json::{Value, json};

/// `[{Key, Value}]`, by key.
pub fn tags(tags: &Tags) -> Value {
    tags.0.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// `DescribeTags`: every tag of every resource, by resource id and key.
pub fn tags_of_everything(model: &Model) -> Vec<Value> {
    let mut found: Vec<(String, &str, &Tags)> = Vec::new();
    macro_rules! collect {
        ($($map:ident => $kind:literal),+ $(,)?) => {
            $(found.extend(model.$map.iter().map(|(id, resource)| (id.to_string(), $kind, &resource.tags)));)+
        };
    }
    collect! {
        vpcs => "vpc",
        subnets => "subnet",
        route_tables => "route-table",
        internet_gateways => "internet-gateway",
        security_groups => "security-group",
        network_acls => "network-acl",
        instances => "instance",
        elastic_addresses => "elastic-ip",
        vpc_endpoints => "vpc-endpoint",
        peering_connections => "vpc-peering-connection",
        transit_gateways => "transit-gateway",
        transit_gateway_attachments => "transit-gateway-attachment",
        transit_gateway_route_tables => "transit-gateway-route-table",
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let one = |(id, kind, tags): (String, &str, &Tags)| -> Vec<Value> {
        let tag = |(key, value): (&String, &String)| json!({"Key": key, "ResourceId": id, "ResourceType": kind, "Value": value});
        tags.0.iter().map(tag).collect()
    };
    found.into_iter().flat_map(one).collect()
}

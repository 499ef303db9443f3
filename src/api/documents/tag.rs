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
        vpn_gateways => "vpn-gateway",
        customer_gateways => "customer-gateway",
        vpn_connections => "vpn-connection",
        dhcp_options => "dhcp-options",
        nat_gateways => "natgateway",
        peering_connections => "vpc-peering-connection",
        transit_gateways => "transit-gateway",
        transit_gateway_attachments => "transit-gateway-attachment",
        transit_gateway_route_tables => "transit-gateway-route-table",
    }
    let lists = model.prefix_lists.values().filter_map(|list| Some((list, list.customer.as_ref()?)));
    found.extend(lists.map(|(list, customer)| (list.id.to_string(), "prefix-list", &customer.tags)));
    let exclusions = &model.block_public_access.exclusions;
    let kind = "vpc-block-public-access-exclusion";
    found.extend(exclusions.iter().map(|(id, exclusion)| (id.to_string(), kind, &exclusion.tags)));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let one = |(id, kind, tags): (String, &str, &Tags)| -> Vec<Value> {
        let tag = |(key, value): (&String, &String)| json!({"Key": key, "ResourceId": id, "ResourceType": kind, "Value": value});
        tags.0.iter().map(tag).collect()
    };
    found.into_iter().flat_map(one).collect()
}

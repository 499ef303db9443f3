//! Resources as the API shows them: model in, document out.
//!
//! Purpose: the members that today's EC2 returns for each resource; their order is the printer's affair. Members that AWS
//! leaves out when there is nothing to say are left out here (`Tags` of a VPC without tags), those that it shows empty are
//! shown empty (`Tags` of a route table). Non-goals: selection and paging (`describe`).
//! What has no counterpart in the simulation has the value of a plain AWS account (hypervisor xen); volumes are not simulated, so `BlockDeviceMappings` is empty.
//! Source: botocore's model for the members; observed CLI output for their presence.

mod address;
mod edge;
mod dhcp_options;
mod endpoint;
mod instance;
mod interface;
mod nat_gateway;
mod network;
mod network_acl;
mod peering;
mod place;
mod prefix_list;
mod security_group;
mod tag;
mod vpn;
mod transit;

pub use address::address;
pub use dhcp_options::dhcp_options;
pub use edge::{cidr_block, public_access_exclusion, public_access_options};
pub use endpoint::{endpoint_service, vpc_endpoint};
pub use instance::{Life, instance, instance_state, reservation};
pub use interface::network_interface;
pub use nat_gateway::{nat_gateway, nat_gateway_addresses};
pub use network::{internet_gateway, route_table, subnet, vpc};
pub use network_acl::network_acl;
pub use peering::{peering_connection, peering_options};
pub use place::{availability_zone, region};
pub(crate) use prefix_list::is_managed_by_aws;
pub use prefix_list::{managed_prefix_list, prefix_list, prefix_list_associations, prefix_list_entries};
pub use security_group::{permissions, revoked_rule, rule_in_request_form, security_group, security_group_rule};
pub use tag::{tags, tags_of_everything};
pub use transit::{
    transit_gateway, transit_gateway_attachment, transit_gateway_link, transit_gateway_peering_attachment,
    transit_gateway_route, transit_gateway_route_table, transit_gateway_vpc_attachment,
};
pub use vpn::{customer_gateway, vpn_connection, vpn_gateway};

use crate::model::{Model, Tags};
use serde_json::Value;

/// `arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1`.
fn arn(model: &Model, kind: &str, id: impl std::fmt::Display) -> String {
    format!("arn:{}:ec2:{}:{}:{kind}/{id}", partition(&model.region), model.region, model.account_id)
}

/// The partition a Region belongs to.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Adds `Tags` where AWS leaves an empty list out.
fn with_tags(mut document: Value, resource_tags: &Tags) -> Value {
    if !resource_tags.0.is_empty() {
        document["Tags"] = tags(resource_tags);
    }
    document
}

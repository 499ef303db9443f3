//! Tags on what exists.
//!
//! Limits: docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html (50 tags, keys of 128 and values
//! of 256 characters, `aws:` reserved).

use super::*;
use crate::ids::*;
use crate::model::{ModelError, Tags};

const TAGS_PER_RESOURCE: usize = 50;
const KEY_CHARACTERS: usize = 128;
const VALUE_CHARACTERS: usize = 256;

pub(super) fn create(model: &mut Model, action: CreateTags) -> Result<Output, ControlError> {
    check(&action.tags)?;
    for resource in &action.resources {
        let tags = tags_of(model, resource)?;
        tags.0.extend(action.tags.0.clone());
        let count = tags.0.keys().filter(|key| !key.starts_with("aws:")).count();
        if count > TAGS_PER_RESOURCE {
            return Err(ControlError::new(
                "TagLimitExceeded",
                format!("{resource} would have {count} tags; a resource has at most {TAGS_PER_RESOURCE}."),
            ));
        }
    }
    Ok(Output::Done)
}

/// What AWS checks of tags, whoever gets them.
///
/// # Errors
/// `InvalidParameterValue`, `TagLimitExceeded`.
pub fn check(tags: &Tags) -> Result<(), ControlError> {
    let refuse = |message: String| Err(ControlError::new("InvalidParameterValue", message));
    if tags.0.len() > TAGS_PER_RESOURCE {
        return Err(ControlError::new(
            "TagLimitExceeded",
            format!("A resource has at most {TAGS_PER_RESOURCE} tags, {} were given.", tags.0.len()),
        ));
    }
    for (key, value) in &tags.0 {
        if key.is_empty() {
            return refuse("Tag key can't be empty.".to_owned());
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return refuse("Tag keys starting with 'aws:' are reserved for internal use".to_owned());
        }
        if key.chars().count() > KEY_CHARACTERS {
            return refuse(format!("Tag key exceeds the maximum length of {KEY_CHARACTERS} characters"));
        }
        if value.chars().count() > VALUE_CHARACTERS {
            return refuse(format!("Tag value exceeds the maximum length of {VALUE_CHARACTERS} characters"));
        }
    }
    Ok(())
}

/// The tags of the resource with this id, of whatever kind.
fn tags_of<'m>(model: &'m mut Model, text: &str) -> Result<&'m mut Tags, ControlError> {
    let invalid = || ControlError::new("InvalidID", format!("The ID '{text}' is not valid"));
    let gone = |code: &'static str, kind: &str| ControlError::from(ModelError::not_found(code, kind, text));
    // The id's kind is what stands before its last hyphen.
    let prefix = text.rsplit_once('-').map_or("", |(prefix, _)| prefix);
    macro_rules! find {
        ($id:ty, $map:ident, $code:literal, $kind:literal) => {{
            let id = text.parse::<$id>().map_err(|_| invalid())?;
            model.$map.get_mut(&id).map(|found| &mut found.tags).ok_or_else(|| gone($code, $kind))
        }};
    }
    match prefix {
        VpcId::PREFIX => find!(VpcId, vpcs, "InvalidVpcID.NotFound", "vpc"),
        SubnetId::PREFIX => find!(SubnetId, subnets, "InvalidSubnetID.NotFound", "subnet"),
        RouteTableId::PREFIX => find!(RouteTableId, route_tables, "InvalidRouteTableID.NotFound", "routeTable"),
        InternetGatewayId::PREFIX => {
            find!(InternetGatewayId, internet_gateways, "InvalidInternetGatewayID.NotFound", "internetGateway")
        }
        SecurityGroupId::PREFIX => {
            let id = text.parse::<SecurityGroupId>().map_err(|_| invalid())?;
            model.security_group(id)?;
            model.security_groups.get_mut(&id).map(|group| &mut group.tags).ok_or_else(invalid)
        }
        NetworkAclId::PREFIX => find!(NetworkAclId, network_acls, "InvalidNetworkAclID.NotFound", "networkAcl"),
        NatGatewayId::PREFIX => find!(NatGatewayId, nat_gateways, "NatGatewayNotFound", "NatGateway"),
        InstanceId::PREFIX => find!(InstanceId, instances, "InvalidInstanceID.NotFound", "instance"),
        AllocationId::PREFIX => {
            find!(AllocationId, elastic_addresses, "InvalidAllocationID.NotFound", "allocation")
        }
        VpcPeeringConnectionId::PREFIX => find!(
            VpcPeeringConnectionId,
            peering_connections,
            "InvalidVpcPeeringConnectionID.NotFound",
            "vpcPeeringConnection"
        ),
        TransitGatewayId::PREFIX => {
            find!(TransitGatewayId, transit_gateways, "InvalidTransitGatewayID.NotFound", "transitGateway")
        }
        TransitGatewayAttachmentId::PREFIX => find!(
            TransitGatewayAttachmentId,
            transit_gateway_attachments,
            "InvalidTransitGatewayAttachmentID.NotFound",
            "transitGatewayAttachment"
        ),
        TransitGatewayRouteTableId::PREFIX => find!(
            TransitGatewayRouteTableId,
            transit_gateway_route_tables,
            "InvalidRouteTableID.NotFound",
            "transitGatewayRouteTable"
        ),
        VpcEndpointId::PREFIX => {
            let id = text.parse::<VpcEndpointId>().map_err(|_| invalid())?;
            model.vpc_endpoint(id)?;
            model.vpc_endpoints.get_mut(&id).map(|endpoint| &mut endpoint.tags).ok_or_else(invalid)
        }
        VpnGatewayId::PREFIX => find!(VpnGatewayId, vpn_gateways, "InvalidVpnGatewayID.NotFound", "vpnGateway"),
        CustomerGatewayId::PREFIX => {
            find!(CustomerGatewayId, customer_gateways, "InvalidCustomerGatewayID.NotFound", "customerGateway")
        }
        VpnConnectionId::PREFIX => {
            find!(VpnConnectionId, vpn_connections, "InvalidVpnConnectionID.NotFound", "vpnConnection")
        }
        PrefixListId::PREFIX => {
            let id = text.parse::<PrefixListId>().map_err(|_| invalid())?;
            model.customer_list(id)?;
            let list = model.prefix_lists.get_mut(&(model.region.clone(), id));
            list.and_then(|list| list.customer.as_mut()).map(|customer| &mut customer.tags).ok_or_else(invalid)
        }
        BlockPublicAccessExclusionId::PREFIX => {
            let id = text.parse::<BlockPublicAccessExclusionId>().map_err(|_| invalid())?;
            let exclusion = model.block_public_access.exclusions.get_mut(&id);
            exclusion.map(|exclusion| &mut exclusion.tags).ok_or_else(|| Model::no_such_exclusion(id).into())
        }
        DhcpOptionsId::PREFIX => {
            find!(DhcpOptionsId, dhcp_options, "InvalidDhcpOptionsID.NotFound", "dhcpOptions")
        }
        EniId::PREFIX | SecurityGroupRuleId::PREFIX => {
            Err(ControlError::unsupported(format!("vpcsim keeps no tags for resources of the kind of {text}.")))
        }
        _ => Err(invalid()),
    }
}

//! Parameters of the calls that build and take down the network itself.

use super::actions::{tags_at_creation, unsupported_ipv6};
use super::parameters::Parameters;
use super::rules::{icmp, ports_of};
use crate::api::ApiError;
use crate::control::*;
use crate::model::{Model, NetworkAclEntry, TrafficMatch};
use crate::net::{Ipv4Net, Protocol};

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(model: &Model, parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    Ok(Some(match parameters.operation() {
        "CreateVpc" => Action::CreateVpc(create_vpc(model, parameters)?),
        "DeleteVpc" => Action::DeleteVpc(DeleteVpc { vpc_id: parameters.required_id("VpcId")? }),
        "CreateSubnet" => Action::CreateSubnet(CreateSubnet {
            vpc_id: parameters.required_id("VpcId")?,
            cidr: block(parameters, "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")?,
            availability_zone: parameters.text("AvailabilityZone")?,
            availability_zone_id: parameters.text("AvailabilityZoneId")?,
            tags: tags_at_creation(parameters, "subnet")?,
        }),
        "DeleteSubnet" => Action::DeleteSubnet(DeleteSubnet { subnet_id: parameters.required_id("SubnetId")? }),
        "ModifySubnetAttribute" => Action::ModifySubnetAttribute(modify_subnet_attribute(parameters)?),
        "CreateInternetGateway" => Action::CreateInternetGateway(CreateInternetGateway {
            tags: tags_at_creation(parameters, "internet-gateway")?,
        }),
        "AttachInternetGateway" => Action::AttachInternetGateway(AttachInternetGateway {
            internet_gateway_id: parameters.required_id("InternetGatewayId")?,
            vpc_id: parameters.required_id("VpcId")?,
        }),
        "DetachInternetGateway" => Action::DetachInternetGateway(DetachInternetGateway {
            internet_gateway_id: parameters.required_id("InternetGatewayId")?,
            vpc_id: parameters.required_id("VpcId")?,
        }),
        "DeleteInternetGateway" => Action::DeleteInternetGateway(DeleteInternetGateway {
            internet_gateway_id: parameters.required_id("InternetGatewayId")?,
        }),
        "DeleteRouteTable" => {
            Action::DeleteRouteTable(DeleteRouteTable { route_table_id: parameters.required_id("RouteTableId")? })
        }
        "ReplaceRouteTableAssociation" => Action::ReplaceRouteTableAssociation(ReplaceRouteTableAssociation {
            association_id: association(parameters)?,
            route_table_id: parameters.required_id("RouteTableId")?,
        }),
        "CreateNetworkAcl" => Action::CreateNetworkAcl(CreateNetworkAcl {
            vpc_id: parameters.required_id("VpcId")?,
            client_token: parameters.text("ClientToken")?,
            tags: tags_at_creation(parameters, "network-acl")?,
        }),
        "DeleteNetworkAcl" => {
            Action::DeleteNetworkAcl(DeleteNetworkAcl { network_acl_id: parameters.required_id("NetworkAclId")? })
        }
        "CreateNetworkAclEntry" => put_entry(parameters, false)?,
        "ReplaceNetworkAclEntry" => put_entry(parameters, true)?,
        "DeleteNetworkAclEntry" => Action::DeleteNetworkAclEntry(DeleteNetworkAclEntry { rule: acl_rule(parameters)? }),
        "ReplaceNetworkAclAssociation" => Action::ReplaceNetworkAclAssociation(ReplaceNetworkAclAssociation {
            association_id: association(parameters)?,
            network_acl_id: parameters.required_id("NetworkAclId")?,
        }),
        "DisassociateAddress" => Action::DisassociateAddress(disassociate_address(model, parameters)?),
        "ReleaseAddress" => Action::ReleaseAddress(release_address(model, parameters)?),
        _ => return Ok(None),
    }))
}

fn create_vpc(model: &Model, parameters: &Parameters<'_>) -> Result<CreateVpc, ApiError> {
    if parameters.text("InstanceTenancy")?.is_some_and(|tenancy| tenancy != "default") {
        return Err(ApiError::new("UnsupportedOperation", "vpcsim has VPCs of the default tenancy only."));
    }
    if parameters.boolean("AmazonProvidedIpv6CidrBlock")?.unwrap_or(false) {
        return Err(unsupported_ipv6());
    }
    let cidr = block(parameters, "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")?;
    Ok(CreateVpc { region: model.region.clone(), cidr, tags: tags_at_creation(parameters, "vpc")? })
}

/// `CidrBlock`. Absent together with everything else that could stand for it, it is missed in AWS's words.
fn block(parameters: &Parameters<'_>, missing: &str) -> Result<Ipv4Net, ApiError> {
    if let Some(cidr) = parameters.cidr("CidrBlock")? {
        return Ok(cidr);
    }
    // Whoever asked for IPv6 or an IPAM pool instead is told that there are none.
    for name in ["Ipv6CidrBlock", "Ipv6Pool", "Ipv4IpamPoolId", "Ipv6IpamPoolId", "Ipv6Native"] {
        if parameters.has(name) {
            parameters.finish()?;
        }
    }
    Err(ApiError::new("MissingParameter", missing))
}

fn modify_subnet_attribute(parameters: &Parameters<'_>) -> Result<ModifySubnetAttribute, ApiError> {
    let subnet_id = parameters.required_id("SubnetId")?;
    match parameters.attribute_boolean("MapPublicIpOnLaunch")? {
        Some(map_public_ip_on_launch) => Ok(ModifySubnetAttribute { subnet_id, map_public_ip_on_launch }),
        None => {
            // An attribute that AWS has and this version has not is named; no attribute at all is AWS's error.
            parameters.finish()?;
            Err(ApiError::new("InvalidParameterCombination", "No attributes specified."))
        }
    }
}

/// A malformed association is one that does not exist.
fn association<T: std::str::FromStr>(parameters: &Parameters<'_>) -> Result<T, ApiError> {
    let text = parameters.required_text("AssociationId")?;
    text.parse().map_err(|_| {
        ApiError::new("InvalidAssociationID.NotFound", format!("The association ID '{text}' does not exist"))
    })
}

fn acl_rule(parameters: &Parameters<'_>) -> Result<NetworkAclRule, ApiError> {
    Ok(NetworkAclRule {
        network_acl_id: parameters.required_id("NetworkAclId")?,
        egress: parameters.boolean("Egress")?.unwrap_or(false),
        number: parameters.integer("RuleNumber")?.ok_or_else(|| parameters.missing("RuleNumber"))?,
    })
}

fn put_entry(parameters: &Parameters<'_>, replace: bool) -> Result<Action, ApiError> {
    let rule = acl_rule(parameters)?;
    let allow = match parameters.required_text("RuleAction")?.as_str() {
        "allow" => true,
        "deny" => false,
        other => {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter ruleAction is invalid. Use allow or deny."),
            ));
        }
    };
    if parameters.has("Ipv6CidrBlock") {
        return Err(unsupported_ipv6());
    }
    let cidr = parameters.cidr("CidrBlock")?.ok_or_else(|| {
        ApiError::new("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
    })?;
    let entry = NetworkAclEntry { traffic: acl_traffic(parameters)?, cidr, allow };
    Ok(Action::PutNetworkAclEntry(PutNetworkAclEntry { rule, entry, replace }))
}

/// Protocol, and what goes with it: ports or an ICMP type and code. What does not go with the protocol is ignored, as on AWS.
fn acl_traffic(parameters: &Parameters<'_>) -> Result<TrafficMatch, ApiError> {
    let protocol = parameters.required_text("Protocol")?;
    let ports = match parameters.structure("PortRange")? {
        Some(range) => {
            let ports = (range.integer("From")?, range.integer("To")?);
            range.finish()?;
            ports
        }
        None => (None, None),
    };
    let icmp_type_code = match parameters.structure("IcmpTypeCode")? {
        Some(pair) => {
            let found = (pair.integer("Type")?, pair.integer("Code")?);
            pair.finish()?;
            found
        }
        None => (None, None),
    };
    let ports_needed = |traffic: Result<TrafficMatch, ApiError>| match ports {
        // Unverified wording.
        (None, None) => Err(ApiError::new("MissingParameter", "The request must contain the parameter portRange")),
        _ => traffic,
    };
    match protocol.parse::<i64>() {
        Ok(-1) => Ok(TrafficMatch::All),
        Ok(6) => ports_needed(ports_of(Protocol::TCP, "TCP/UDP", ports)),
        Ok(17) => ports_needed(ports_of(Protocol::UDP, "TCP/UDP", ports)),
        Ok(1) if icmp_type_code == (None, None) => {
            Err(ApiError::new("MissingParameter", "The request must contain the parameter icmpTypeCode"))
        }
        Ok(1) => icmp(icmp_type_code),
        Ok(58) => Err(unsupported_ipv6()),
        Ok(number) if u8::try_from(number).is_ok() => Ok(TrafficMatch::Other(Protocol(number as u8))),
        _ => Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid value '{protocol}' for IP protocol. Unknown protocol."),
        )),
    }
}

fn disassociate_address(model: &Model, parameters: &Parameters<'_>) -> Result<DisassociateAddress, ApiError> {
    match (parameters.has("AssociationId"), parameters.address("PublicIp")?) {
        (true, None) => Ok(DisassociateAddress { association_id: association(parameters)? }),
        (false, Some(address)) => {
            let found = model.elastic_addresses.values().find(|elastic| elastic.public_ip == address);
            let found = found
                .ok_or_else(|| ApiError::new("InvalidAddress.NotFound", format!("Address '{address}' not found.")))?;
            let (association_id, _) = found.association.ok_or_else(|| {
                ApiError::new("InvalidAssociationID.NotFound", format!("The address '{address}' is not associated."))
            })?;
            Ok(DisassociateAddress { association_id })
        }
        (false, None) => Err(ApiError::new("MissingParameter", "Either public IP or association id must be specified")),
        (true, Some(_)) => Err(ApiError::new(
            "InvalidParameterCombination",
            "You may specify public IP or association id, but not both in the same call",
        )),
    }
}

fn release_address(model: &Model, parameters: &Parameters<'_>) -> Result<ReleaseAddress, ApiError> {
    if parameters.text("NetworkBorderGroup")?.is_some_and(|group| group != model.region) {
        return Err(ApiError::new("UnsupportedOperation", "vpcsim has the network border group of its Region only."));
    }
    match (parameters.text("AllocationId")?, parameters.address("PublicIp")?) {
        (Some(text), None) => {
            let allocation_id = text.parse().map_err(|_| {
                ApiError::new("InvalidAllocationID.NotFound", format!("The allocation ID '{text}' does not exist"))
            })?;
            Ok(ReleaseAddress { allocation_id })
        }
        (None, Some(_)) => Err(ApiError::new(
            "InvalidParameterValue",
            "You must specify an allocation id when releasing a VPC elastic IP address",
        )),
        (None, None) => Err(parameters.missing("AllocationId")),
        (Some(_), Some(_)) => Err(ApiError::new(
            "InvalidParameterCombination",
            "You may specify public IP or allocation id, but not both in the same call",
        )),
    }
}

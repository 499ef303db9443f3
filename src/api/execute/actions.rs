//! From parameters to typed actions.
//!
//! Accepted without effect, because they change no packet: of RunInstances `UserData`, `Monitoring`, `BlockDeviceMappings`,
//! `EbsOptimized`, `IamInstanceProfile`, `MetadataOptions`, `CreditSpecification`, `DisableApiTermination`, `DisableApiStop`,
//! `InstanceInitiatedShutdownBehavior`; of TerminateInstances `Force` and `SkipOsShutdown`.

use super::parameters::{Parameters, parse_id};
use super::{dhcp_options, edge, endpoint, nat_gateway, network, peering, rules, transit, vpn};
use crate::api::ApiError;
use crate::api::model::{Service, Shape};
use crate::control::*;
use crate::ids::*;
use crate::model::{Model, RouteDestination, Tags};
use std::collections::BTreeMap;

/// The type AWS launches when none is given.
const DEFAULT_INSTANCE_TYPE: &str = "m1.small";

/// The action a call asks for.
///
/// # Errors
/// What is wrong with the parameters by themselves; `InvalidAction` for an operation of the model that is not served.
pub(super) fn action(model: &Model, parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    if let Some(action) = network::action(model, parameters)? {
        return Ok(action);
    }
    if let Some(action) = edge::action(model, parameters)? {
        return Ok(action);
    }
    if let Some(action) = vpn::action(parameters)? {
        return Ok(action);
    }
    if let Some(action) = dhcp_options::action(parameters)? {
        return Ok(action);
    }
    if let Some(action) = nat_gateway::action(parameters)? {
        return Ok(action);
    }
    if let Some(action) = peering::action(model, parameters)? {
        return Ok(action);
    }
    if let Some(action) = transit::action(model, parameters)? {
        return Ok(action);
    }
    Ok(match parameters.operation() {
        "CreateVpcEndpoint" => Action::CreateVpcEndpoint(create_vpc_endpoint(parameters)?),
        "ModifyVpcEndpoint" => Action::ModifyVpcEndpoint(endpoint::modify(parameters)?),
        "DeleteVpcEndpoints" => {
            Action::DeleteVpcEndpoints(DeleteVpcEndpoints { vpc_endpoint_ids: parameters.ids("VpcEndpointIds")? })
        }
        "RunInstances" => Action::RunInstances(run_instances(parameters)?),
        "TerminateInstances" => {
            parameters.without_effect(&["Force", "SkipOsShutdown"]);
            Action::TerminateInstances(TerminateInstances { instance_ids: parameters.ids("InstanceIds")? })
        }
        "ModifyInstanceAttribute" => Action::ModifyInstanceAttribute(modify_instance_attribute(parameters)?),
        "CreateSecurityGroup" => Action::CreateSecurityGroup(CreateSecurityGroup {
            vpc_id: parameters.id("VpcId")?,
            group_name: parameters.required_text("GroupName")?,
            description: parameters.required_text("Description")?,
            tags: tags_at_creation(parameters, "security-group")?,
        }),
        "DeleteSecurityGroup" => Action::DeleteSecurityGroup(DeleteSecurityGroup { group: group(parameters)? }),
        "AuthorizeSecurityGroupIngress" => authorize(parameters, false)?,
        "AuthorizeSecurityGroupEgress" => authorize(parameters, true)?,
        "RevokeSecurityGroupIngress" => revoke(parameters, false)?,
        "RevokeSecurityGroupEgress" => revoke(parameters, true)?,
        "ModifyVpcAttribute" => Action::ModifyVpcAttribute(modify_vpc_attribute(parameters)?),
        "CreateTags" => {
            let tags = tags(&parameters.structures("Tags")?)?;
            Action::CreateTags(CreateTags { resources: parameters.texts("Resources")?, tags })
        }
        "CreateRoute" => Action::CreateRoute(CreateRoute {
            route_table_id: parameters.required_id("RouteTableId")?,
            destination: destination(parameters)?,
            target: target(parameters)?,
        }),
        "ReplaceRoute" => Action::ReplaceRoute(ReplaceRoute {
            route_table_id: parameters.required_id("RouteTableId")?,
            destination: destination(parameters)?,
            target: target(parameters)?,
        }),
        "DeleteRoute" => Action::DeleteRoute(DeleteRoute {
            route_table_id: parameters.required_id("RouteTableId")?,
            destination: destination(parameters)?,
        }),
        "CreateRouteTable" => Action::CreateRouteTable(CreateRouteTable {
            vpc_id: parameters.required_id("VpcId")?,
            client_token: parameters.text("ClientToken")?,
            tags: tags_at_creation(parameters, "route-table")?,
        }),
        "AssociateRouteTable" => Action::AssociateRouteTable(AssociateRouteTable {
            route_table_id: parameters.required_id("RouteTableId")?,
            subnet_id: parameters.required_id("SubnetId")?,
        }),
        "DisassociateRouteTable" => Action::DisassociateRouteTable(disassociate_route_table(parameters)?),
        "AllocateAddress" => Action::AllocateAddress(allocate_address(model, parameters)?),
        "AssociateAddress" => Action::AssociateAddress(associate_address(model, parameters)?),
        other => return Err(ApiError::invalid_action(other)),
    })
}

fn create_vpc_endpoint(parameters: &Parameters<'_>) -> Result<CreateVpcEndpoint, ApiError> {
    let endpoint_type = match parameters.text("VpcEndpointType")?.as_deref() {
        None | Some("Gateway") => VpcEndpointType::Gateway,
        Some("Interface") => VpcEndpointType::Interface,
        Some("GatewayLoadBalancer" | "Resource" | "ServiceNetwork") => VpcEndpointType::Other,
        Some(other) => {
            return Err(ApiError::new("InvalidVpcEndpointType", format!("Invalid VPC endpoint type: '{other}'")));
        }
    };
    endpoint::check_address_type(parameters)?;
    Ok(CreateVpcEndpoint {
        vpc_id: parameters.required_id("VpcId")?,
        service_name: parameters.required_text("ServiceName")?,
        endpoint_type,
        route_table_ids: parameters.ids("RouteTableIds")?,
        subnets: endpoint::subnets(parameters, "SubnetIds")?,
        security_group_ids: parameters.ids("SecurityGroupIds")?,
        private_dns_enabled: parameters.boolean("PrivateDnsEnabled")?,
        private_dns_only_for_inbound_resolver: endpoint::dns_options(parameters)?,
        policy_document: parameters.text("PolicyDocument")?,
        client_token: parameters.text("ClientToken")?,
        tags: tags_at_creation(parameters, "vpc-endpoint")?,
    })
}

fn run_instances(parameters: &Parameters<'_>) -> Result<RunInstances, ApiError> {
    parameters.without_effect(&[
        "UserData",
        "Monitoring",
        "BlockDeviceMappings",
        "EbsOptimized",
        "IamInstanceProfile",
        "MetadataOptions",
        "CreditSpecification",
        "DisableApiTermination",
        "DisableApiStop",
        "InstanceInitiatedShutdownBehavior",
    ]);
    let placement = parameters.structure("Placement")?;
    let availability_zone = match &placement {
        Some(placement) => {
            let zone = placement.text("AvailabilityZone")?;
            placement.finish()?;
            zone
        }
        None => None,
    };
    let image_id = parameters.required_id("ImageId")?;
    let mut action = RunInstances {
        image_id,
        instance_type: instance_type(parameters)?,
        key_name: parameters.text("KeyName")?,
        min_count: count(parameters, "MinCount")?,
        max_count: count(parameters, "MaxCount")?,
        subnet_id: parameters.id("SubnetId")?,
        availability_zone,
        security_group_ids: parameters.ids("SecurityGroupIds")?,
        security_group_names: parameters.texts("SecurityGroups")?,
        private_ip: parameters.address("PrivateIpAddress")?,
        associate_public_ip: None,
        client_token: parameters.text("ClientToken")?,
        tags: tags_at_creation(parameters, "instance")?,
    };
    match parameters.structures("NetworkInterfaces")?.as_slice() {
        [] => {}
        [interface] => interface_of_launch(interface, &mut action)?,
        _ => {
            return Err(ApiError::new("UnsupportedOperation", "vpcsim launches instances with one network interface."));
        }
    }
    Ok(action)
}

/// With an interface given, its settings stand there and nowhere else.
fn interface_of_launch(interface: &Parameters<'_>, action: &mut RunInstances) -> Result<(), ApiError> {
    let elsewhere = match () {
        () if action.subnet_id.is_some() => Some("an instance-level subnet ID"),
        () if !action.security_group_ids.is_empty() || !action.security_group_names.is_empty() => {
            Some("instance-level security groups")
        }
        () if action.private_ip.is_some() => Some("an instance-level private address"),
        () => None,
    };
    if let Some(what) = elsewhere {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            format!("Network interfaces and {what} may not be specified on the same request"),
        ));
    }
    if interface.integer("DeviceIndex")?.is_some_and(|index| index != 0) {
        return Err(ApiError::new(
            "UnsupportedOperation",
            "vpcsim launches instances with one network interface: device 0.",
        ));
    }
    interface.without_effect(&["DeleteOnTermination"]);
    action.subnet_id = interface.id("SubnetId")?;
    action.security_group_ids = interface.ids("Groups")?;
    action.private_ip = interface.address("PrivateIpAddress")?;
    action.associate_public_ip = interface.boolean("AssociatePublicIpAddress")?;
    interface.finish()
}

/// Types are those of the model: EC2 has no instance types table here beyond their names.
fn instance_type(parameters: &Parameters<'_>) -> Result<String, ApiError> {
    let name = parameters.text("InstanceType")?.unwrap_or_else(|| DEFAULT_INSTANCE_TYPE.to_owned());
    let model = Service::Ec2.model();
    let known = match model.shapes.get("InstanceType") {
        Some(Shape::String(text)) => text.values.is_empty() || text.values.contains(&name),
        _ => true,
    };
    if !known {
        return Err(ApiError::new("InvalidParameterValue", format!("Invalid value '{name}' for InstanceType.")));
    }
    Ok(name)
}

fn count(parameters: &Parameters<'_>, name: &str) -> Result<u32, ApiError> {
    let count = parameters.integer(name)?.ok_or_else(|| parameters.missing(name))?;
    u32::try_from(count).map_err(|_| {
        ApiError::new("InvalidParameterValue", format!("Value ({count}) for parameter {name} is invalid."))
    })
}

fn modify_instance_attribute(parameters: &Parameters<'_>) -> Result<ModifyInstanceAttribute, ApiError> {
    let groups = parameters.ids("Groups")?;
    let source_dest_check = parameters.attribute_boolean("SourceDestCheck")?;
    let change = match (groups.is_empty(), source_dest_check) {
        (false, None) => InstanceChange::Groups(groups),
        (true, Some(value)) => InstanceChange::SourceDestCheck(value),
        (false, Some(_)) => return Err(several_attributes()),
        (true, None) => {
            // An attribute that AWS has and this version has not is named; no attribute at all is AWS's error.
            parameters.without_effect(&["InstanceId"]);
            parameters.finish()?;
            return Err(ApiError::new("InvalidParameterCombination", "No attributes specified."));
        }
    };
    Ok(ModifyInstanceAttribute { instance_id: parameters.required_id("InstanceId")?, change })
}

fn modify_vpc_attribute(parameters: &Parameters<'_>) -> Result<ModifyVpcAttribute, ApiError> {
    let vpc_id = parameters.required_id("VpcId")?;
    let support = parameters.attribute_boolean("EnableDnsSupport")?;
    let hostnames = parameters.attribute_boolean("EnableDnsHostnames")?;
    let change = match (support, hostnames) {
        (Some(value), None) => VpcChange::EnableDnsSupport(value),
        (None, Some(value)) => VpcChange::EnableDnsHostnames(value),
        (Some(_), Some(_)) => return Err(several_attributes()),
        (None, None) => {
            parameters.finish()?;
            return Err(ApiError::new("InvalidParameterCombination", "No attributes specified."));
        }
    };
    Ok(ModifyVpcAttribute { vpc_id, change })
}

fn several_attributes() -> ApiError {
    ApiError::new("InvalidParameterCombination", "Fields for multiple attribute types specified")
}

fn authorize(parameters: &Parameters<'_>, egress: bool) -> Result<Action, ApiError> {
    let group = group(parameters)?;
    let rules = rules::rules(parameters)?;
    if rules.is_empty() {
        parameters.finish()?;
        return Err(parameters.missing("IpPermissions"));
    }
    Ok(Action::AuthorizeSecurityGroup(AuthorizeSecurityGroup { group, egress, rules }))
}

fn revoke(parameters: &Parameters<'_>, egress: bool) -> Result<Action, ApiError> {
    let group = group(parameters)?;
    let rules = rules::rules(parameters)?;
    let rule_ids = parameters.ids("SecurityGroupRuleIds")?;
    match (rules.is_empty(), rule_ids.is_empty()) {
        (true, true) => Err(ApiError::new(
            "MissingParameter",
            "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
        )),
        (false, false) => Err(ApiError::new(
            "InvalidParameterCombination",
            "Only one of 'ipPermissions' and 'securityGroupRuleIds' can be provided.",
        )),
        _ => Ok(Action::RevokeSecurityGroup(RevokeSecurityGroup { group, egress, rules, rule_ids })),
    }
}

fn group(parameters: &Parameters<'_>) -> Result<GroupReference, ApiError> {
    match (parameters.text("GroupId")?, parameters.text("GroupName")?) {
        (Some(_), Some(_)) => Err(ApiError::new(
            "InvalidParameterCombination",
            "The parameter groupName cannot be used with the parameter groupId",
        )),
        (Some(id), None) => Ok(GroupReference::Id(parse_id(&id)?)),
        (None, Some(name)) => Ok(GroupReference::Name(name)),
        (None, None) => {
            Err(ApiError::new("MissingParameter", "The request must contain the parameter groupName or groupId"))
        }
    }
}

fn destination(parameters: &Parameters<'_>) -> Result<RouteDestination, ApiError> {
    if parameters.has("DestinationIpv6CidrBlock") {
        return Err(unsupported_ipv6());
    }
    match (parameters.cidr("DestinationCidrBlock")?, parameters.id("DestinationPrefixListId")?) {
        (Some(cidr), None) => Ok(RouteDestination::Cidr(cidr)),
        (None, Some(list)) => Ok(RouteDestination::PrefixList(list)),
        // Unverified wording, after that of the targets.
        _ => Err(ApiError::new(
            "MissingParameter",
            "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock or \
             destinationPrefixListId",
        )),
    }
}

/// Parameters that name targets, and what AWS says of one that does not exist; no such thing exists here.
const ABSENT_TARGETS: [(&str, &str, &str); 1] =
    [("EgressOnlyInternetGatewayId", "InvalidGatewayID.NotFound", "egressOnlyInternetGateway")];

fn target(parameters: &Parameters<'_>) -> Result<RequestedTarget, ApiError> {
    let simulated = [
        "GatewayId",
        "NetworkInterfaceId",
        "InstanceId",
        "NatGatewayId",
        "VpcPeeringConnectionId",
        "TransitGatewayId",
        "LocalTarget",
    ];
    let others = ["VpcEndpointId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "OdbNetworkArn"];
    let absent = ABSENT_TARGETS.iter().map(|(name, ..)| *name);
    let given: Vec<_> = simulated.into_iter().chain(absent).chain(others).filter(|name| parameters.has(name)).collect();
    let [name] = given.as_slice() else {
        return Err(ApiError::new(
            "MissingParameter",
            "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, \
             vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId or instanceId",
        ));
    };
    if let Some((_, code, kind)) = ABSENT_TARGETS.iter().find(|(absent, ..)| absent == name) {
        let id = parameters.required_text(name)?;
        return Err(ApiError::new(*code, format!("The {kind} ID '{id}' does not exist")));
    }
    match *name {
        "GatewayId" => gateway(&parameters.required_text("GatewayId")?),
        "NetworkInterfaceId" => Ok(RequestedTarget::NetworkInterface(parameters.required_id("NetworkInterfaceId")?)),
        "NatGatewayId" => Ok(RequestedTarget::NatGateway(parameters.required_id("NatGatewayId")?)),
        "InstanceId" => Ok(RequestedTarget::Instance(parameters.required_id("InstanceId")?)),
        "VpcPeeringConnectionId" => {
            Ok(RequestedTarget::PeeringConnection(parameters.required_id("VpcPeeringConnectionId")?))
        }
        "TransitGatewayId" => Ok(RequestedTarget::TransitGateway(parameters.required_id("TransitGatewayId")?)),
        // Only `true` names a target.
        "LocalTarget" if parameters.boolean("LocalTarget")? == Some(true) => Ok(RequestedTarget::Local),
        other => {
            Err(ApiError::new("UnsupportedOperation", format!("vpcsim does not simulate the route target {other}.")))
        }
    }
}

/// `GatewayId` takes internet gateways, virtual private gateways and (in answers only) gateway endpoints.
fn gateway(text: &str) -> Result<RequestedTarget, ApiError> {
    if text == "local" {
        return Ok(RequestedTarget::Local);
    }
    if let Ok(id) = text.parse::<InternetGatewayId>() {
        return Ok(RequestedTarget::InternetGateway(id));
    }
    if let Ok(id) = text.parse::<VpnGatewayId>() {
        return Ok(RequestedTarget::VpnGateway(id));
    }
    if let Ok(id) = text.parse::<VpcEndpointId>() {
        return Ok(RequestedTarget::GatewayEndpoint(id));
    }
    Err(ApiError::new("InvalidGatewayID.NotFound", format!("The gateway ID '{text}' does not exist")))
}

fn disassociate_route_table(parameters: &Parameters<'_>) -> Result<DisassociateRouteTable, ApiError> {
    let text = parameters.required_text("AssociationId")?;
    // A malformed association is one that does not exist.
    let association_id = text.parse().map_err(|_| {
        ApiError::new("InvalidAssociationID.NotFound", format!("The association ID '{text}' does not exist"))
    })?;
    Ok(DisassociateRouteTable { association_id })
}

fn allocate_address(model: &Model, parameters: &Parameters<'_>) -> Result<AllocateAddress, ApiError> {
    if parameters.text("Domain")?.is_some_and(|domain| domain != "vpc") {
        return Err(ApiError::new("UnsupportedOperation", "EC2-Classic is gone: the domain is vpc."));
    }
    if parameters.text("NetworkBorderGroup")?.is_some_and(|group| group != model.region) {
        return Err(ApiError::new("UnsupportedOperation", "vpcsim has the network border group of its Region only."));
    }
    Ok(AllocateAddress { address: parameters.address("Address")?, tags: tags_at_creation(parameters, "elastic-ip")? })
}

fn associate_address(model: &Model, parameters: &Parameters<'_>) -> Result<AssociateAddress, ApiError> {
    let allocation_id = match (parameters.text("AllocationId")?, parameters.address("PublicIp")?) {
        (Some(text), None) => text.parse().map_err(|_| {
            ApiError::new("InvalidAllocationID.NotFound", format!("The allocation ID '{text}' does not exist"))
        })?,
        (None, Some(address)) => {
            let found = model.elastic_addresses.values().find(|elastic| elastic.public_ip == address);
            found
                .map(|elastic| elastic.allocation_id)
                .ok_or_else(|| ApiError::new("InvalidAddress.NotFound", format!("Address '{address}' not found.")))?
        }
        (None, None) => return Err(parameters.missing("AllocationId")),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "You may specify public IP or allocation id, but not both in the same call",
            ));
        }
    };
    let target = match (parameters.id("InstanceId")?, parameters.id("NetworkInterfaceId")?) {
        (Some(id), None) => AddressTarget::Instance(id),
        (None, Some(id)) => AddressTarget::NetworkInterface(id),
        (None, None) => {
            return Err(ApiError::new(
                "MissingParameter",
                "Either instance ID or network interface id must be specified",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "Only one of instance ID and network interface id can be specified",
            ));
        }
    };
    let allow_reassociation = parameters.boolean("AllowReassociation")?.unwrap_or(false);
    Ok(AssociateAddress { allocation_id, target, allow_reassociation })
}

pub(super) fn unsupported_ipv6() -> ApiError {
    ApiError::new("UnsupportedOperation", "vpcsim does not simulate IPv6.")
}

/// `TagSpecifications`, which must be about the kind that the call creates.
pub(super) fn tags_at_creation(parameters: &Parameters<'_>, kind: &str) -> Result<Tags, ApiError> {
    let mut all = BTreeMap::new();
    for specification in parameters.structures("TagSpecifications")? {
        let resource_type = specification.required_text("ResourceType")?;
        if resource_type != kind {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("'{resource_type}' is not a valid taggable resource type for this operation."),
            ));
        }
        let tags = tags(&specification.structures("Tags")?)?;
        specification.finish()?;
        all.extend(tags.0);
    }
    let tags = Tags(all);
    tagging::check(&tags)?;
    Ok(tags)
}

fn tags(given: &[Parameters<'_>]) -> Result<Tags, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in given {
        let key = tag.required_text("Key")?;
        let value = tag.text("Value")?.unwrap_or_default();
        tag.finish()?;
        if tags.insert(key.clone(), value).is_some() {
            return Err(ApiError::new("InvalidParameterValue", format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(Tags(tags))
}

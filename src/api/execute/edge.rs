//! Parameters and answers of the calls at a VPC's edge: gateway route tables, further blocks, VPC Block Public Access, customer-managed prefix lists; and of those that
//! change rules of security groups and interfaces.

use super::actions::{tags_at_creation, unsupported_ipv6};
use super::documents;
use super::parameters::Parameters;
use super::rules::{self, DESCRIPTION_CHARACTERS};
use crate::api::ApiError;
use crate::control::*;
use crate::ids::{InternetGatewayId, SecurityGroupId, VpnGatewayId};
use crate::model::{
    BlockPublicAccessMode, ConnectionTracking, EdgeGateway, ExcludedResource, Model, ModelError, PrefixListChange,
    PrefixListEntry, RulePeer,
};
use crate::net::Ipv4Net;
use serde_json::{Value, json};

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(model: &Model, parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    Ok(Some(match parameters.operation() {
        "AssociateRouteTable" if parameters.has("GatewayId") => associate_gateway(parameters)?,
        "AssociateVpcCidrBlock" => associate_cidr(parameters)?,
        "DisassociateVpcCidrBlock" => disassociate_cidr(parameters)?,
        "CreateManagedPrefixList" => create_list(parameters)?,
        "ModifyManagedPrefixList" => Action::ModifyManagedPrefixList(ModifyManagedPrefixList {
            prefix_list_id: parameters.required_id("PrefixListId")?,
            change: PrefixListChange {
                current_version: version(parameters, "CurrentVersion")?,
                name: parameters.text("PrefixListName")?,
                add: entries(parameters, "AddEntries")?,
                remove: removed(parameters)?,
                max_entries: count(parameters, "MaxEntries")?,
            },
        }),
        "RestoreManagedPrefixListVersion" => {
            let needed = |name| version(parameters, name)?.ok_or_else(|| parameters.missing(name));
            Action::RestoreManagedPrefixListVersion(RestoreManagedPrefixListVersion {
                prefix_list_id: parameters.required_id("PrefixListId")?,
                previous_version: needed("PreviousVersion")?,
                current_version: needed("CurrentVersion")?,
            })
        }
        "DeleteManagedPrefixList" => Action::DeleteManagedPrefixList(DeleteManagedPrefixList {
            prefix_list_id: parameters.required_id("PrefixListId")?,
        }),
        "ModifyVpcBlockPublicAccessOptions" => {
            Action::ModifyVpcBlockPublicAccessOptions(ModifyVpcBlockPublicAccessOptions { mode: mode(parameters)? })
        }
        "CreateVpcBlockPublicAccessExclusion" => create_exclusion(parameters)?,
        "DeleteVpcBlockPublicAccessExclusion" => {
            Action::DeleteVpcBlockPublicAccessExclusion(DeleteVpcBlockPublicAccessExclusion {
                exclusion_id: parameters.required_id("ExclusionId")?,
            })
        }
        "ModifySecurityGroupRules" => modify_rules(model, parameters)?,
        "ModifyNetworkInterfaceAttribute" => modify_interface(parameters)?,
        _ => return Ok(None),
    }))
}

/// The answer to one of these calls.
///
/// # Errors
/// What was made is gone since (a repeated client token).
pub(super) fn answer(control: &ControlPlane, output: EdgeOutput) -> Result<Value, ApiError> {
    let (model, calendar) = (control.model(), control.calendar());
    Ok(match output {
        EdgeOutput::VpcCidrBlock { vpc_id, block, associated } => {
            // AWS answers while it is still at it.
            let state = if associated { "associating" } else { "disassociating" };
            json!({"CidrBlockAssociation": documents::cidr_block(&block, state), "VpcId": vpc_id})
        }
        EdgeOutput::PrefixList(id) => {
            let gone = |error: ModelError| ApiError::new(error.code, error.message);
            let list = model.prefix_list(id).ok_or_else(|| gone(model.unknown_prefix_list(id)))?;
            json!({"PrefixList": documents::managed_prefix_list(model, list)})
        }
        EdgeOutput::PrefixListDeleted(list) => {
            let mut document = documents::managed_prefix_list(model, &list);
            document["State"] = json!("delete-in-progress");
            json!({"PrefixList": document})
        }
        EdgeOutput::BlockPublicAccess => {
            json!({"VpcBlockPublicAccessOptions": documents::public_access_options(model, calendar)})
        }
        EdgeOutput::Exclusion(id) => {
            let Some(exclusion) = model.block_public_access.exclusions.get(&id) else {
                let error = Model::no_such_exclusion(id);
                return Err(ApiError::new(error.code, error.message));
            };
            let state = "create-in-progress";
            let document = documents::public_access_exclusion(model, calendar, id, exclusion, state);
            json!({"VpcBlockPublicAccessExclusion": document})
        }
        EdgeOutput::ExclusionDeleted(id, exclusion) => {
            let state = "delete-in-progress";
            let document = documents::public_access_exclusion(model, calendar, id, &exclusion, state);
            json!({"VpcBlockPublicAccessExclusion": document})
        }
    })
}

fn associate_gateway(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    if parameters.has("SubnetId") {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            "The parameter GatewayId cannot be used with the parameter SubnetId",
        ));
    }
    let text = parameters.required_text("GatewayId")?;
    let gateway = match (text.parse::<InternetGatewayId>(), text.parse::<VpnGatewayId>()) {
        (Ok(id), _) => EdgeGateway::InternetGateway(id),
        (_, Ok(id)) => EdgeGateway::VpnGateway(id),
        _ => {
            return Err(ApiError::new("InvalidGatewayID.NotFound", format!("The gateway ID '{text}' does not exist")));
        }
    };
    let route_table_id = parameters.required_id("RouteTableId")?;
    Ok(Action::AssociateGatewayRouteTable(AssociateGatewayRouteTable { route_table_id, gateway }))
}

fn associate_cidr(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    for name in ["Ipv6CidrBlock", "Ipv6Pool", "Ipv6IpamPoolId", "Ipv6NetmaskLength"] {
        if parameters.has(name) {
            return Err(unsupported_ipv6());
        }
    }
    if parameters.boolean("AmazonProvidedIpv6CidrBlock")?.unwrap_or(false) {
        return Err(unsupported_ipv6());
    }
    let vpc_id = parameters.required_id("VpcId")?;
    let Some(cidr) = parameters.cidr("CidrBlock")? else {
        // Who asked an IPAM pool for one is told that there is none.
        parameters.finish()?;
        return Err(parameters.missing("CidrBlock"));
    };
    Ok(Action::AssociateVpcCidrBlock(AssociateVpcCidrBlock { vpc_id, cidr }))
}

fn disassociate_cidr(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    let text = parameters.required_text("AssociationId")?;
    let association_id = text.parse().map_err(|_| {
        ApiError::new(
            "InvalidVpcCidrBlockAssociationID.NotFound",
            format!("The vpc CIDR block association ID '{text}' does not exist"),
        )
    })?;
    Ok(Action::DisassociateVpcCidrBlock(DisassociateVpcCidrBlock { association_id }))
}

fn create_list(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    match parameters.required_text("AddressFamily")?.as_str() {
        "IPv4" => {}
        "IPv6" => return Err(unsupported_ipv6()),
        other => {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter AddressFamily is invalid. Use IPv4 or IPv6."),
            ));
        }
    }
    let entries = entries(parameters, "Entries")?;
    Ok(Action::CreateManagedPrefixList(CreateManagedPrefixList {
        name: parameters.required_text("PrefixListName")?,
        max_entries: count(parameters, "MaxEntries")?.ok_or_else(|| parameters.missing("MaxEntries"))?,
        entries,
        client_token: parameters.text("ClientToken")?,
        tags: tags_at_creation(parameters, "prefix-list")?,
    }))
}

fn entries(parameters: &Parameters<'_>, name: &str) -> Result<Vec<PrefixListEntry>, ApiError> {
    let one = |entry: &Parameters<'_>| {
        let found = PrefixListEntry { cidr: entry_cidr(entry)?, description: entry.text("Description")? };
        entry.finish()?;
        Ok(found)
    };
    parameters.structures(name)?.iter().map(one).collect()
}

fn removed(parameters: &Parameters<'_>) -> Result<Vec<Ipv4Net>, ApiError> {
    let one = |entry: &Parameters<'_>| {
        let cidr = entry_cidr(entry)?;
        entry.finish()?;
        Ok(cidr)
    };
    parameters.structures("RemoveEntries")?.iter().map(one).collect()
}

fn entry_cidr(entry: &Parameters<'_>) -> Result<Ipv4Net, ApiError> {
    entry.cidr("Cidr")?.ok_or_else(|| entry.missing("Cidr"))
}

fn version(parameters: &Parameters<'_>, name: &str) -> Result<Option<u64>, ApiError> {
    parameters.integer(name)?.map(|number| u64::try_from(number).map_err(|_| out_of_range(name, number))).transpose()
}

fn count(parameters: &Parameters<'_>, name: &str) -> Result<Option<u32>, ApiError> {
    parameters.integer(name)?.map(|number| u32::try_from(number).map_err(|_| out_of_range(name, number))).transpose()
}

fn out_of_range(name: &str, number: i64) -> ApiError {
    ApiError::new("InvalidParameterValue", format!("Value ({number}) for parameter {name} is invalid."))
}

fn mode(parameters: &Parameters<'_>) -> Result<BlockPublicAccessMode, ApiError> {
    let word = parameters.required_text("InternetGatewayBlockMode")?;
    BlockPublicAccessMode::of_word(&word).ok_or_else(|| {
        ApiError::new(
            "InvalidParameterValue",
            format!(
                "Value ({word}) for parameter InternetGatewayBlockMode is invalid. Use off, block-bidirectional or \
                 block-ingress."
            ),
        )
    })
}

fn create_exclusion(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    let egress_only = match parameters.required_text("InternetGatewayExclusionMode")?.as_str() {
        "allow-bidirectional" => false,
        "allow-egress" => true,
        other => {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!(
                    "Value ({other}) for parameter InternetGatewayExclusionMode is invalid. Use allow-bidirectional or \
                     allow-egress."
                ),
            ));
        }
    };
    let resource = match (parameters.id("VpcId")?, parameters.id("SubnetId")?) {
        (Some(id), None) => ExcludedResource::Vpc(id),
        (None, Some(id)) => ExcludedResource::Subnet(id),
        // Unverified wording.
        (None, None) => {
            return Err(ApiError::new("MissingParameter", "The request must contain the parameter VpcId or SubnetId"));
        }
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "The parameter VpcId cannot be used with the parameter SubnetId",
            ));
        }
    };
    let tags = tags_at_creation(parameters, "vpc-block-public-access-exclusion")?;
    Ok(Action::CreateVpcBlockPublicAccessExclusion(CreateVpcBlockPublicAccessExclusion { resource, egress_only, tags }))
}

fn modify_rules(model: &Model, parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    let group_id: SecurityGroupId = parameters.required_id("GroupId")?;
    let mut rules = Vec::new();
    for update in parameters.structures("SecurityGroupRules")? {
        let id = update.required_id("SecurityGroupRuleId")?;
        let wanted = update.structure("SecurityGroupRule")?.ok_or_else(|| update.missing("SecurityGroupRule"))?;
        update.finish()?;
        if wanted.has("CidrIpv6") {
            return Err(unsupported_ipv6());
        }
        let peers = (wanted.text("CidrIpv4")?, wanted.id("PrefixListId")?, wanted.id("ReferencedGroupId")?);
        let peer = match peers {
            (Some(text), None, None) => RulePeer::Cidr(rules::cidr(&text)?),
            (None, Some(list), None) => RulePeer::PrefixList(list),
            (None, None, Some(group)) => RulePeer::SecurityGroup(group),
            // Unverified wording.
            _ => {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    "A rule needs exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId.",
                ));
            }
        };
        let traffic = rules::traffic(&wanted)?;
        let description = wanted.text("Description")?;
        if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_CHARACTERS) {
            return Err(rules::description_too_long());
        }
        wanted.finish()?;
        // A rule of another group is told apart from none at all.
        model.security_group(group_id).map_err(|error| ApiError::new(error.code, error.message))?;
        rules.push(SecurityGroupRuleUpdate { id, traffic, peer: RequestedPeer::Known(peer), description });
    }
    Ok(Action::ModifySecurityGroupRules(ModifySecurityGroupRules { group_id, rules }))
}

fn modify_interface(parameters: &Parameters<'_>) -> Result<Action, ApiError> {
    let network_interface_id = parameters.required_id("NetworkInterfaceId")?;
    let mut changes = Vec::new();
    let groups = parameters.ids("Groups")?;
    if !groups.is_empty() {
        changes.push(InterfaceChange::Groups(groups));
    }
    if let Some(value) = parameters.attribute_boolean("SourceDestCheck")? {
        changes.push(InterfaceChange::SourceDestCheck(value));
    }
    if let Some(inner) = parameters.structure("Description")? {
        let text = inner.text("Value")?.ok_or_else(|| inner.missing("Value"))?;
        inner.finish()?;
        changes.push(InterfaceChange::Description(text));
    }
    if let Some(inner) = parameters.structure("ConnectionTrackingSpecification")? {
        let tracking = ConnectionTracking {
            tcp_established_seconds: count(&inner, "TcpEstablishedTimeout")?,
            udp_stream_seconds: count(&inner, "UdpStreamTimeout")?,
            udp_seconds: count(&inner, "UdpTimeout")?,
        };
        inner.finish()?;
        changes.push(InterfaceChange::Tracking(tracking));
    }
    match (changes.pop(), changes.is_empty()) {
        (Some(change), true) => Ok(Action::ModifyNetworkInterfaceAttribute(ModifyNetworkInterfaceAttribute {
            network_interface_id,
            change,
        })),
        (Some(_), false) => {
            Err(ApiError::new("InvalidParameterCombination", "Fields for multiple attribute types specified"))
        }
        (None, _) => {
            // An attribute that AWS has and this version has not is named; no attribute at all is AWS's error.
            parameters.finish()?;
            Err(ApiError::new("InvalidParameterCombination", "No attributes specified."))
        }
    }
}

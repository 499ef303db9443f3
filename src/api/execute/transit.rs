//! Parameters of the calls about transit gateways.
//!
//! Accepted without effect: `AutoAcceptSharedAttachments` (there is one account), `DnsSupport` of transit gateways and of attachments (public names of instances are
//! resolved within their own VPC), `DynamicRouting`. Multicast, IPv6 and CIDR blocks of transit gateways are not simulated and refused.

use super::actions::{tags_at_creation, unsupported_ipv6};
use super::parameters::Parameters;
use crate::api::ApiError;
use crate::control::*;
use crate::model::{Model, TransitGateway};

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(model: &Model, parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    use TransitAction as Do;
    let attachment_id = || parameters.required_id("TransitGatewayAttachmentId");
    let table_id = || parameters.required_id("TransitGatewayRouteTableId");
    Ok(Some(Action::Transit(match parameters.operation() {
        "CreateTransitGateway" => Do::CreateTransitGateway(create(model, parameters)?),
        "ModifyTransitGateway" => Do::ModifyTransitGateway(modify(model, parameters)?),
        "DeleteTransitGateway" => Do::DeleteTransitGateway(parameters.required_id("TransitGatewayId")?),
        "CreateTransitGatewayVpcAttachment" => {
            let options = AttachmentOptions::read(parameters)?;
            Do::CreateTransitGatewayVpcAttachment(CreateTransitGatewayVpcAttachment {
                transit_gateway_id: parameters.required_id("TransitGatewayId")?,
                vpc_id: parameters.required_id("VpcId")?,
                subnet_ids: parameters.ids("SubnetIds")?,
                appliance_mode: options.appliance_mode.unwrap_or(false),
                security_group_referencing: options.security_group_referencing.unwrap_or(true),
                tags: tags_at_creation(parameters, "transit-gateway-attachment")?,
            })
        }
        "ModifyTransitGatewayVpcAttachment" => {
            let options = AttachmentOptions::read(parameters)?;
            Do::ModifyTransitGatewayVpcAttachment(ModifyTransitGatewayVpcAttachment {
                transit_gateway_attachment_id: attachment_id()?,
                add_subnet_ids: parameters.ids("AddSubnetIds")?,
                remove_subnet_ids: parameters.ids("RemoveSubnetIds")?,
                appliance_mode: options.appliance_mode,
                security_group_referencing: options.security_group_referencing,
            })
        }
        "DeleteTransitGatewayVpcAttachment" => Do::DeleteTransitGatewayVpcAttachment(attachment_id()?),
        "CreateTransitGatewayPeeringAttachment" => {
            if let Some(options) = parameters.structure("Options")? {
                options.without_effect(&["DynamicRouting"]);
                options.finish()?;
            }
            Do::CreateTransitGatewayPeeringAttachment(CreateTransitGatewayPeeringAttachment {
                transit_gateway_id: parameters.required_id("TransitGatewayId")?,
                peer_transit_gateway_id: parameters.required_id("PeerTransitGatewayId")?,
                peer_account_id: parameters.required_text("PeerAccountId")?,
                peer_region: parameters.required_text("PeerRegion")?,
                tags: tags_at_creation(parameters, "transit-gateway-attachment")?,
            })
        }
        "AcceptTransitGatewayPeeringAttachment" => {
            Do::AcceptTransitGatewayPeeringAttachment(AcceptTransitGatewayPeeringAttachment {
                transit_gateway_attachment_id: attachment_id()?,
                region: model.region.clone(),
            })
        }
        "DeleteTransitGatewayPeeringAttachment" => Do::DeleteTransitGatewayPeeringAttachment(attachment_id()?),
        "CreateTransitGatewayRouteTable" => Do::CreateTransitGatewayRouteTable(CreateTransitGatewayRouteTable {
            transit_gateway_id: parameters.required_id("TransitGatewayId")?,
            tags: tags_at_creation(parameters, "transit-gateway-route-table")?,
        }),
        "DeleteTransitGatewayRouteTable" => Do::DeleteTransitGatewayRouteTable(table_id()?),
        "AssociateTransitGatewayRouteTable" => Do::AssociateTransitGatewayRouteTable(link(parameters)?),
        "DisassociateTransitGatewayRouteTable" => Do::DisassociateTransitGatewayRouteTable(link(parameters)?),
        "EnableTransitGatewayRouteTablePropagation" => Do::EnableTransitGatewayRouteTablePropagation(link(parameters)?),
        "DisableTransitGatewayRouteTablePropagation" => {
            Do::DisableTransitGatewayRouteTablePropagation(link(parameters)?)
        }
        "CreateTransitGatewayRoute" => Do::CreateTransitGatewayRoute(route(parameters)?),
        "ReplaceTransitGatewayRoute" => Do::ReplaceTransitGatewayRoute(route(parameters)?),
        "DeleteTransitGatewayRoute" => Do::DeleteTransitGatewayRoute(DeleteTransitGatewayRoute {
            route_table_id: table_id()?,
            cidr: destination(parameters)?,
        }),
        _ => return Ok(None),
    })))
}

fn create(model: &Model, parameters: &Parameters<'_>) -> Result<CreateTransitGateway, ApiError> {
    let mut action = CreateTransitGateway {
        region: model.region.clone(),
        default_association: true,
        default_propagation: true,
        security_group_referencing: false,
        vpn_equal_cost: true,
        description: parameters.text("Description")?.unwrap_or_default(),
        amazon_side_asn: TransitGateway::DEFAULT_ASN,
        tags: tags_at_creation(parameters, "transit-gateway")?,
    };
    if let Some(options) = parameters.structure("Options")? {
        options.without_effect(&["AutoAcceptSharedAttachments", "DnsSupport"]);
        if switch(&options, "MulticastSupport")? == Some(true) {
            return Err(ApiError::new("UnsupportedOperation", "vpcsim does not simulate multicast."));
        }
        let set = |value: &mut bool, name| -> Result<(), ApiError> {
            *value = switch(&options, name)?.unwrap_or(*value);
            Ok(())
        };
        set(&mut action.default_association, "DefaultRouteTableAssociation")?;
        set(&mut action.default_propagation, "DefaultRouteTablePropagation")?;
        set(&mut action.security_group_referencing, "SecurityGroupReferencingSupport")?;
        set(&mut action.vpn_equal_cost, "VpnEcmpSupport")?;
        if let Some(asn) = options.integer("AmazonSideAsn")? {
            action.amazon_side_asn = u64::try_from(asn).ok().filter(|asn| is_private_asn(*asn)).ok_or_else(|| {
                ApiError::new("InvalidParameterValue", format!("Value ({asn}) for parameter amazonSideAsn is invalid."))
            })?;
        }
        options.finish()?;
    }
    Ok(action)
}

/// The private ranges of RFC 6996.
fn is_private_asn(asn: u64) -> bool {
    (64_512..=65_534).contains(&asn) || (4_200_000_000..=4_294_967_294).contains(&asn)
}

fn modify(model: &Model, parameters: &Parameters<'_>) -> Result<ModifyTransitGateway, ApiError> {
    let transit_gateway_id = parameters.required_id("TransitGatewayId")?;
    let mut action = ModifyTransitGateway {
        transit_gateway_id,
        security_group_referencing: None,
        vpn_equal_cost: None,
        description: parameters.text("Description")?,
        association: None,
        propagation: None,
    };
    let Some(options) = parameters.structure("Options")? else { return Ok(action) };
    options.without_effect(&["AutoAcceptSharedAttachments", "DnsSupport"]);
    action.security_group_referencing = switch(&options, "SecurityGroupReferencingSupport")?;
    action.vpn_equal_cost = switch(&options, "VpnEcmpSupport")?;
    let gateway = model.transit_gateways.get(&transit_gateway_id);
    let association = gateway.and_then(|gateway| gateway.default_association_route_table_id);
    let propagation = gateway.and_then(|gateway| gateway.default_propagation_route_table_id);
    for (switched, table, before, change) in [
        ("DefaultRouteTableAssociation", "AssociationDefaultRouteTableId", association, &mut action.association),
        ("DefaultRouteTablePropagation", "PropagationDefaultRouteTableId", propagation, &mut action.propagation),
    ] {
        let given = options.id(table)?;
        *change = match (switch(&options, switched)?, given.or(before)) {
            (Some(false), _) => Some(None),
            (Some(true), None) => return Err(ApiError::missing_parameter(&format!("Options.{table}"))),
            (Some(true), table) => Some(table),
            (None, _) => given.map(Some),
        };
    }
    options.finish()?;
    Ok(action)
}

/// What attachments of VPCs can be told.
struct AttachmentOptions {
    appliance_mode: Option<bool>,
    security_group_referencing: Option<bool>,
}

impl AttachmentOptions {
    fn read(parameters: &Parameters<'_>) -> Result<Self, ApiError> {
        let mut read = AttachmentOptions { appliance_mode: None, security_group_referencing: None };
        if let Some(options) = parameters.structure("Options")? {
            options.without_effect(&["DnsSupport"]);
            if switch(&options, "Ipv6Support")? == Some(true) {
                return Err(unsupported_ipv6());
            }
            read.appliance_mode = switch(&options, "ApplianceModeSupport")?;
            read.security_group_referencing = switch(&options, "SecurityGroupReferencingSupport")?;
            options.finish()?;
        }
        Ok(read)
    }
}

/// `enable` or `disable`.
fn switch(options: &Parameters<'_>, name: &str) -> Result<Option<bool>, ApiError> {
    match options.text(name)?.as_deref() {
        None => Ok(None),
        Some("enable") => Ok(Some(true)),
        Some("disable") => Ok(Some(false)),
        Some(other) => Err(ApiError::new(
            "InvalidParameterValue",
            format!("Value ({other}) for parameter {name} is invalid. Use enable or disable."),
        )),
    }
}

fn link(parameters: &Parameters<'_>) -> Result<TableAndAttachment, ApiError> {
    Ok(TableAndAttachment {
        route_table_id: parameters.required_id("TransitGatewayRouteTableId")?,
        attachment_id: parameters.required_id("TransitGatewayAttachmentId")?,
    })
}

fn route(parameters: &Parameters<'_>) -> Result<PutTransitGatewayRoute, ApiError> {
    let blackhole = parameters.boolean("Blackhole")?.unwrap_or(false);
    let attachment_id = parameters.id("TransitGatewayAttachmentId")?;
    match (blackhole, attachment_id.is_some()) {
        (true, true) => Err(ApiError::new(
            "InvalidParameterCombination",
            "A blackhole route has no attachment: give one of Blackhole and TransitGatewayAttachmentId.",
        )),
        (false, false) => Err(parameters.missing("TransitGatewayAttachmentId")),
        _ => Ok(PutTransitGatewayRoute {
            route_table_id: parameters.required_id("TransitGatewayRouteTableId")?,
            cidr: destination(parameters)?,
            attachment_id,
        }),
    }
}

fn destination(parameters: &Parameters<'_>) -> Result<crate::net::Ipv4Net, ApiError> {
    parameters.cidr("DestinationCidrBlock")?.ok_or_else(|| parameters.missing("DestinationCidrBlock"))
}

//! Parameters and answers of the calls about virtual private gateways, customer gateways and VPN connections.
//!
//! Accepted without effect: `DeviceName` of a customer gateway, `AvailabilityZone` of a virtual private gateway. Of a connection's options only `StaticRoutesOnly` means
//! something here; options that say what is simulated anyway are accepted, all others refused by name.

use super::actions::tags_at_creation;
use super::documents;
use super::parameters::Parameters;
use crate::api::ApiError;
use crate::control::*;
use crate::ids::{TransitGatewayId, VpnGatewayId};
use crate::model::VpnTarget;
use crate::net::Ipv4Net;
use serde_json::{Value, json};

/// The number of customer gateways that name none.
const BGP_ASN: i64 = 65_000;

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    let gateway = || parameters.required_id("VpnGatewayId");
    let connection = || parameters.required_id("VpnConnectionId");
    let propagation =
        || Ok::<_, ApiError>((parameters.required_id("RouteTableId")?, parameters.required_id("GatewayId")?));
    Ok(Some(Action::Vpn(match parameters.operation() {
        "CreateVpnGateway" => {
            check_type(parameters)?;
            parameters.without_effect(&["AvailabilityZone"]);
            VpnAction::CreateGateway {
                amazon_side_asn: parameters.integer("AmazonSideAsn")?,
                tags: tags_at_creation(parameters, "vpn-gateway")?,
            }
        }
        "DeleteVpnGateway" => VpnAction::DeleteGateway(gateway()?),
        "AttachVpnGateway" => VpnAction::AttachGateway(gateway()?, parameters.required_id("VpcId")?),
        "DetachVpnGateway" => VpnAction::DetachGateway(gateway()?, parameters.required_id("VpcId")?),
        "CreateCustomerGateway" => create_customer_gateway(parameters)?,
        "DeleteCustomerGateway" => VpnAction::DeleteCustomerGateway(parameters.required_id("CustomerGatewayId")?),
        "CreateVpnConnection" => create_connection(parameters)?,
        "DeleteVpnConnection" => VpnAction::DeleteConnection(connection()?),
        "CreateVpnConnectionRoute" => VpnAction::CreateRoute(connection()?, block(parameters)?),
        "DeleteVpnConnectionRoute" => VpnAction::DeleteRoute(connection()?, block(parameters)?),
        "EnableVgwRoutePropagation" => {
            let (table, gateway) = propagation()?;
            VpnAction::EnablePropagation(table, gateway)
        }
        "DisableVgwRoutePropagation" => {
            let (table, gateway) = propagation()?;
            VpnAction::DisablePropagation(table, gateway)
        }
        _ => return Ok(None),
    })))
}

fn create_customer_gateway(parameters: &Parameters<'_>) -> Result<VpnAction, ApiError> {
    check_type(parameters)?;
    parameters.without_effect(&["DeviceName"]);
    let address = match (parameters.address("IpAddress")?, parameters.address("PublicIp")?) {
        (Some(address), None) | (None, Some(address)) => address,
        (None, None) => return Err(parameters.missing("IpAddress")),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "The parameters ipAddress and publicIp cannot be used together.",
            ));
        }
    };
    let bgp_asn = parameters.integer("BgpAsn")?.or(parameters.integer("BgpAsnExtended")?).unwrap_or(BGP_ASN);
    if !(1..=i64::from(u32::MAX)).contains(&bgp_asn) {
        let message = format!("Value ({bgp_asn}) for parameter bgpAsn is invalid.");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    let tags = tags_at_creation(parameters, "customer-gateway")?;
    Ok(VpnAction::CreateCustomerGateway { address, bgp_asn, tags })
}

fn create_connection(parameters: &Parameters<'_>) -> Result<VpnAction, ApiError> {
    check_type(parameters)?;
    let gateways =
        (parameters.id::<VpnGatewayId>("VpnGatewayId")?, parameters.id::<TransitGatewayId>("TransitGatewayId")?);
    let target = match gateways {
        (Some(id), None) => VpnTarget::VpnGateway(id),
        (None, Some(id)) => VpnTarget::TransitGateway(id),
        // Unverified wording. AWS also makes connections without a gateway; they carry nothing.
        _ => {
            return Err(ApiError::new(
                "MissingParameter",
                "The request must contain exactly one of vpnGatewayId or transitGatewayId",
            ));
        }
    };
    let mut static_routes_only = false;
    if let Some(options) = parameters.structure("Options")? {
        static_routes_only = options.boolean("StaticRoutesOnly")?.unwrap_or(false);
        let usual = [("TunnelInsideIpVersion", "ipv4"), ("OutsideIpAddressType", "PublicIpv4")];
        for (name, value) in usual {
            if options.text(name)?.is_some_and(|given| given != value) {
                let message = format!("vpcsim simulates VPN connections with {name} {value} only.");
                return Err(ApiError::new("UnsupportedOperation", message));
            }
        }
        if options.boolean("EnableAcceleration")?.unwrap_or(false) {
            return Err(ApiError::new("UnsupportedOperation", "vpcsim does not simulate accelerated VPN connections."));
        }
        for name in ["LocalIpv4NetworkCidr", "RemoteIpv4NetworkCidr"] {
            if options.cidr(name)?.is_some_and(|cidr| cidr.prefix_len() != 0) {
                let message = format!("vpcsim does not restrict what a VPN connection carries: {name} is 0.0.0.0/0.");
                return Err(ApiError::new("UnsupportedOperation", message));
            }
        }
        options.finish()?;
    }
    Ok(VpnAction::CreateConnection {
        target,
        customer_gateway_id: parameters.required_id("CustomerGatewayId")?,
        static_routes_only,
        tags: tags_at_creation(parameters, "vpn-connection")?,
    })
}

fn check_type(parameters: &Parameters<'_>) -> Result<(), ApiError> {
    let kind = parameters.required_text("Type")?;
    match kind.as_str() {
        "ipsec.1" => Ok(()),
        _ => Err(ApiError::new("InvalidParameterValue", format!("Value ({kind}) for parameter type is invalid."))),
    }
}

fn block(parameters: &Parameters<'_>) -> Result<Ipv4Net, ApiError> {
    parameters.cidr("DestinationCidrBlock")?.ok_or_else(|| parameters.missing("DestinationCidrBlock"))
}

/// The answer to a call that made something. AWS answers while it is still being made; here it is there already.
///
/// # Errors
/// It is gone since.
pub(super) fn answer(control: &ControlPlane, output: VpnOutput) -> Result<Value, ApiError> {
    let model = control.model();
    let gone = |error: crate::model::ModelError| ApiError::new(error.code, error.message);
    Ok(match output {
        VpnOutput::Gateway(id) => json!({"VpnGateway": documents::vpn_gateway(model.vpn_gateway(id).map_err(gone)?)}),
        VpnOutput::Attachment(vpc_id) => json!({"VpcAttachment": {"State": "attaching", "VpcId": vpc_id}}),
        VpnOutput::CustomerGateway(id) => {
            json!({"CustomerGateway": documents::customer_gateway(model.customer_gateway(id).map_err(gone)?)})
        }
        VpnOutput::Connection(id) => {
            let connection = model.vpn_connection(id).map_err(gone)?;
            let mut document = documents::vpn_connection(model, control.calendar(), connection);
            document["State"] = json!("pending");
            json!({ "VpnConnection": document })
        }
    })
}

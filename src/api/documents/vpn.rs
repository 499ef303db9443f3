//! Virtual private gateways, customer gateways, VPN connections.
//!
//! The addresses of AWS's tunnel ends are of a block kept for documentation (192.0.2.0/24): tunnels are simulated from inside, no packet has them. The customer gateway's
//! configuration is a short form of AWS's, without keys.

use super::with_tags;
use crate::calendar::Calendar;
use crate::model::{CustomerGateway, Model, VpnConnection, VpnGateway, VpnTarget};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The only type that AWS has.
const TYPE: &str = "ipsec.1";

/// A virtual private gateway.
pub fn vpn_gateway(gateway: &VpnGateway) -> Value {
    let attachment = |vpc_id| json!({"State": "attached", "VpcId": vpc_id});
    let document = json!({
        "AmazonSideAsn": gateway.amazon_side_asn,
        "VpnGatewayId": gateway.id,
        "State": "available",
        "Type": TYPE,
        "VpcAttachments": gateway.attached_vpc_id.into_iter().map(attachment).collect::<Value>(),
    });
    with_tags(document, &gateway.tags)
}

/// A customer gateway.
pub fn customer_gateway(gateway: &CustomerGateway) -> Value {
    let document = json!({
        "BgpAsn": gateway.bgp_asn.to_string(),
        "CustomerGatewayId": gateway.id,
        "IpAddress": gateway.address.to_string(),
        "State": "available",
        "Type": TYPE,
    });
    with_tags(document, &gateway.tags)
}

/// A VPN connection.
pub fn vpn_connection(model: &Model, calendar: Calendar, connection: &VpnConnection) -> Value {
    let ends = [0, 1].map(|number| TunnelEnd::of(model, connection, number));
    let tunnel =
        |end: &TunnelEnd| json!({"OutsideIpAddress": end.outside.to_string(), "TunnelInsideCidr": end.inside_cidr});
    let telemetry = |(end, up): (&TunnelEnd, bool)| {
        json!({
            "AcceptedRouteCount": if up && !connection.static_routes_only { connection.routes.len() } else { 0 },
            "LastStatusChange": calendar.ec2(connection.created_at),
            "OutsideIpAddress": end.outside.to_string(),
            "Status": if up { "UP" } else { "DOWN" },
            "StatusMessage": "",
        })
    };
    let static_routes = connection.routes.iter().filter(|_| connection.static_routes_only);
    let route = |cidr: String| json!({"DestinationCidrBlock": cidr, "State": "available"});
    let mut document = json!({
        "Category": "VPN",
        "VpnConnectionId": connection.id,
        "State": if connection.deleted { "deleted" } else { "available" },
        "Type": TYPE,
        "CustomerGatewayId": connection.customer_gateway_id,
        "GatewayAssociationState": "associated",
        "Options": {
            "EnableAcceleration": false,
            "StaticRoutesOnly": connection.static_routes_only,
            "LocalIpv4NetworkCidr": "0.0.0.0/0",
            "RemoteIpv4NetworkCidr": "0.0.0.0/0",
            "OutsideIpAddressType": "PublicIpv4",
            "TunnelInsideIpVersion": "ipv4",
            "TunnelOptions": ends.iter().map(tunnel).collect::<Value>(),
        },
        "Routes": static_routes.map(|known| route(known.cidr.to_string())).collect::<Value>(),
        "VgwTelemetry": ends.iter().zip(connection.tunnels_up).map(telemetry).collect::<Value>(),
    });
    match connection.target {
        VpnTarget::VpnGateway(id) => document["VpnGatewayId"] = json!(id),
        VpnTarget::TransitGateway(id) => document["TransitGatewayId"] = json!(id),
    }
    if !connection.deleted {
        document["CustomerGatewayConfiguration"] = json!(configuration(model, connection, &ends));
    }
    with_tags(document, &connection.tags)
}

/// AWS's end of one tunnel.
struct TunnelEnd {
    outside: Ipv4Addr,
    inside_cidr: String,
}

impl TunnelEnd {
    fn of(model: &Model, connection: &VpnConnection, number: u8) -> TunnelEnd {
        let drawn = model.seed.derive(&format!("tunnels of {}", connection.id)).next_u64();
        // The halves of the blocks keep the two tunnels apart.
        let outside = (drawn % 126) as u8 + 1 + 128 * number;
        let inside = ((drawn >> 16) % 32) as u8 * 4 + 128 * number;
        let third = ((drawn >> 32) % 200) as u8 + 6;
        TunnelEnd { outside: Ipv4Addr::new(192, 0, 2, outside), inside_cidr: format!("169.254.{third}.{inside}/30") }
    }
}

fn configuration(model: &Model, connection: &VpnConnection, ends: &[TunnelEnd; 2]) -> String {
    let customer = model.customer_gateways.get(&connection.customer_gateway_id);
    let address = customer.map_or_else(String::new, |gateway| gateway.address.to_string());
    let gateway = match connection.target {
        VpnTarget::VpnGateway(id) => format!("<vpn_gateway_id>{id}</vpn_gateway_id>"),
        VpnTarget::TransitGateway(id) => format!("<transit_gateway_id>{id}</transit_gateway_id>"),
    };
    let side = |name: &str, address: &str| {
        format!("<{name}><tunnel_outside_address><ip_address>{address}</ip_address></tunnel_outside_address></{name}>")
    };
    let tunnel = |end: &TunnelEnd| {
        let (near, far) = (side("customer_gateway", &address), side("vpn_gateway", &end.outside.to_string()));
        format!("<ipsec_tunnel>{near}{far}</ipsec_tunnel>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><vpn_connection id=\"{}\"><customer_gateway_id>{}</customer_gateway_id>{gateway}\
         <vpn_connection_type>{TYPE}</vpn_connection_type>{}</vpn_connection>",
        connection.id,
        connection.customer_gateway_id,
        ends.iter().map(tunnel).collect::<String>()
    )
}

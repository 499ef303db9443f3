//! Filters of virtual private gateways, customer gateways and VPN connections.

use super::FilterTable;

/// Virtual private gateways.
pub const VPN_GATEWAYS: FilterTable = FilterTable {
    names: &[
        ("amazon-side-asn", "AmazonSideAsn"),
        ("attachment.state", "VpcAttachments.State"),
        ("attachment.vpc-id", "VpcAttachments.VpcId"),
        ("availability-zone", "AvailabilityZone"),
        ("state", "State"),
        ("type", "Type"),
        ("vpn-gateway-id", "VpnGatewayId"),
    ],
    tags: Some("Tags"),
};

/// Customer gateways.
pub const CUSTOMER_GATEWAYS: FilterTable = FilterTable {
    names: &[
        ("bgp-asn", "BgpAsn"),
        ("customer-gateway-id", "CustomerGatewayId"),
        ("ip-address", "IpAddress"),
        ("state", "State"),
        ("type", "Type"),
    ],
    tags: Some("Tags"),
};

/// VPN connections.
pub const VPN_CONNECTIONS: FilterTable = FilterTable {
    names: &[
        ("customer-gateway-configuration", "CustomerGatewayConfiguration"),
        ("customer-gateway-id", "CustomerGatewayId"),
        ("option.static-routes-only", "Options.StaticRoutesOnly"),
        ("route.destination-cidr-block", "Routes.DestinationCidrBlock"),
        ("state", "State"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("type", "Type"),
        ("vpn-connection-id", "VpnConnectionId"),
        ("vpn-gateway-id", "VpnGatewayId"),
    ],
    tags: Some("Tags"),
};

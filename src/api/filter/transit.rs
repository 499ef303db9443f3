//! Filters of peering connections and of everything about transit gateways.

use super::FilterTable;

/// Peering connections.
pub const VPC_PEERING_CONNECTIONS: FilterTable = FilterTable {
    names: &[
        ("accepter-vpc-info.cidr-block", "AccepterVpcInfo.CidrBlockSet.CidrBlock"),
        ("accepter-vpc-info.owner-id", "AccepterVpcInfo.OwnerId"),
        ("accepter-vpc-info.vpc-id", "AccepterVpcInfo.VpcId"),
        ("expiration-time", "ExpirationTime"),
        ("requester-vpc-info.cidr-block", "RequesterVpcInfo.CidrBlockSet.CidrBlock"),
        ("requester-vpc-info.owner-id", "RequesterVpcInfo.OwnerId"),
        ("requester-vpc-info.vpc-id", "RequesterVpcInfo.VpcId"),
        ("status-code", "Status.Code"),
        ("status-message", "Status.Message"),
        ("vpc-peering-connection-id", "VpcPeeringConnectionId"),
    ],
    tags: Some("Tags"),
};

/// Transit gateways.
pub const TRANSIT_GATEWAYS: FilterTable = FilterTable {
    names: &[
        ("options.amazon-side-asn", "Options.AmazonSideAsn"),
        ("options.association-default-route-table-id", "Options.AssociationDefaultRouteTableId"),
        ("options.auto-accept-shared-attachments", "Options.AutoAcceptSharedAttachments"),
        ("options.default-route-table-association", "Options.DefaultRouteTableAssociation"),
        ("options.default-route-table-propagation", "Options.DefaultRouteTablePropagation"),
        ("options.dns-support", "Options.DnsSupport"),
        ("options.propagation-default-route-table-id", "Options.PropagationDefaultRouteTableId"),
        ("options.vpn-ecmp-support", "Options.VpnEcmpSupport"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("transit-gateway-id", "TransitGatewayId"),
    ],
    tags: Some("Tags"),
};

/// Attachments of every kind.
pub const TRANSIT_GATEWAY_ATTACHMENTS: FilterTable = FilterTable {
    names: &[
        ("association.state", "Association.State"),
        ("association.transit-gateway-route-table-id", "Association.TransitGatewayRouteTableId"),
        ("resource-id", "ResourceId"),
        ("resource-owner-id", "ResourceOwnerId"),
        ("resource-type", "ResourceType"),
        ("state", "State"),
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("transit-gateway-owner-id", "TransitGatewayOwnerId"),
    ],
    tags: Some("Tags"),
};

/// Attachments of VPCs.
pub const TRANSIT_GATEWAY_VPC_ATTACHMENTS: FilterTable = FilterTable {
    names: &[
        ("state", "State"),
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// Peerings of transit gateways.
pub const TRANSIT_GATEWAY_PEERING_ATTACHMENTS: FilterTable = FilterTable {
    names: &[
        ("local-owner-id", "RequesterTgwInfo.OwnerId"),
        ("remote-owner-id", "AccepterTgwInfo.OwnerId"),
        ("state", "State"),
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
        ("transit-gateway-id", "RequesterTgwInfo.TransitGatewayId"),
    ],
    tags: Some("Tags"),
};

/// Route tables of transit gateways.
pub const TRANSIT_GATEWAY_ROUTE_TABLES: FilterTable = FilterTable {
    names: &[
        ("default-association-route-table", "DefaultAssociationRouteTable"),
        ("default-propagation-route-table", "DefaultPropagationRouteTable"),
        ("state", "State"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("transit-gateway-route-table-id", "TransitGatewayRouteTableId"),
    ],
    tags: Some("Tags"),
};

/// Associations and propagations.
pub const TRANSIT_GATEWAY_LINKS: FilterTable = FilterTable {
    names: &[
        ("resource-id", "ResourceId"),
        ("resource-type", "ResourceType"),
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
    ],
    tags: None,
};

/// Routes, `route-search.*` apart.
pub const TRANSIT_GATEWAY_ROUTES: FilterTable = FilterTable {
    names: &[
        ("attachment.resource-id", "TransitGatewayAttachments.ResourceId"),
        ("attachment.resource-type", "TransitGatewayAttachments.ResourceType"),
        ("attachment.transit-gateway-attachment-id", "TransitGatewayAttachments.TransitGatewayAttachmentId"),
        ("prefix-list-id", "PrefixListId"),
        ("state", "State"),
        ("type", "Type"),
    ],
    tags: None,
};

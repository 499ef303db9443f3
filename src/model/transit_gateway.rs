//! Transit gateways, their attachments and route tables.
//!
//! An attachment is associated with at most one route table, which decides where what comes in by it goes, and propagates its blocks to any number of tables.
//! Source: docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html

use super::Tags;
use crate::ids::{
    EniId, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VirtualInterfaceId,
    VpcId, VpnConnectionId,
};
use crate::net::Ipv4Net;
use crate::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// A transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGateway {
    /// Its id.
    pub id: TransitGatewayId,
    /// The Region it is in.
    pub region: String,
    /// The table that new attachments are associated with; `None` if that is switched off.
    pub default_association_route_table_id: Option<TransitGatewayRouteTableId>,
    /// The table that new attachments propagate to; `None` if that is switched off.
    pub default_propagation_route_table_id: Option<TransitGatewayRouteTableId>,
    /// Whether security groups may name groups of other attached VPCs (inbound rules only).
    pub security_group_referencing: bool,
    /// Whether VPN connections that announce the same share the flows (`VpnEcmpSupport`).
    pub vpn_equal_cost: bool,
    /// Its description.
    pub description: String,
    /// The AS number of AWS's side, shown only.
    pub amazon_side_asn: u64,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl TransitGateway {
    /// The AS number that AWS gives its side unless told otherwise.
    pub const DEFAULT_ASN: u64 = 64_512;
}

/// Something attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGatewayAttachment {
    /// Its id.
    pub id: TransitGatewayAttachmentId,
    /// The transit gateway.
    pub transit_gateway_id: TransitGatewayId,
    /// What is attached.
    pub resource: TransitGatewayResource,
    /// Whether it carries packets. Peering attachments wait for acceptance.
    pub state: TransitGatewayAttachmentState,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// What can be attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitGatewayResource {
    /// A VPC, by a requester-managed interface in each of these subnets: at most one a zone.
    Vpc {
        /// The VPC.
        vpc_id: VpcId,
        /// The subnets, each with the transit gateway's interface in it.
        subnets: BTreeMap<SubnetId, EniId>,
        /// Whether both directions of a flow use one and the same interface.
        appliance_mode: bool,
        /// Whether the VPC's security groups may name groups that lie behind the transit gateway, if that allows it.
        security_group_referencing: bool,
    },
    /// A Site-to-Site VPN.
    Vpn(VpnConnectionId),
    /// Direct Connect, by a transit virtual interface.
    DirectConnect(VirtualInterfaceId),
    /// A transit gateway, usually in another Region; each side has an attachment of its own.
    Peering {
        /// The transit gateway across.
        peer_transit_gateway_id: TransitGatewayId,
        /// Its attachment.
        peer_attachment_id: TransitGatewayAttachmentId,
        /// Whether this side asked (the other accepts).
        is_requester: bool,
    },
}

/// An attachment's states that last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitGatewayAttachmentState {
    /// Carries packets.
    Available,
    /// A peering that nobody has accepted yet.
    PendingAcceptance,
    /// Gone; listed for a while. Routes to it are blackholes.
    Deleted,
}

/// A route table of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGatewayRouteTable {
    /// Its id.
    pub id: TransitGatewayRouteTableId,
    /// The transit gateway.
    pub transit_gateway_id: TransitGatewayId,
    /// Attachments whose incoming packets it decides about.
    pub associations: BTreeSet<TransitGatewayAttachmentId>,
    /// Attachments that tell it their blocks.
    pub propagations: BTreeSet<TransitGatewayAttachmentId>,
    /// Static routes.
    pub routes: BTreeMap<Ipv4Net, TransitGatewayRouteTarget>,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// Where a static route of a transit gateway leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitGatewayRouteTarget {
    /// To an attachment; a blackhole if that is gone.
    Attachment(TransitGatewayAttachmentId),
    /// Nowhere, on purpose.
    Blackhole,
}

//! Actions on transit gateways, their attachments and route tables.

use crate::ids::*;
use crate::model::Tags;
use crate::net::Ipv4Net;

/// One call about transit gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the AWS action of its name")]
pub enum TransitAction {
    CreateTransitGateway(CreateTransitGateway),
    ModifyTransitGateway(ModifyTransitGateway),
    DeleteTransitGateway(TransitGatewayId),
    CreateTransitGatewayVpcAttachment(CreateTransitGatewayVpcAttachment),
    ModifyTransitGatewayVpcAttachment(ModifyTransitGatewayVpcAttachment),
    DeleteTransitGatewayVpcAttachment(TransitGatewayAttachmentId),
    CreateTransitGatewayPeeringAttachment(CreateTransitGatewayPeeringAttachment),
    AcceptTransitGatewayPeeringAttachment(AcceptTransitGatewayPeeringAttachment),
    DeleteTransitGatewayPeeringAttachment(TransitGatewayAttachmentId),
    CreateTransitGatewayRouteTable(CreateTransitGatewayRouteTable),
    DeleteTransitGatewayRouteTable(TransitGatewayRouteTableId),
    AssociateTransitGatewayRouteTable(TableAndAttachment),
    DisassociateTransitGatewayRouteTable(TableAndAttachment),
    EnableTransitGatewayRouteTablePropagation(TableAndAttachment),
    DisableTransitGatewayRouteTablePropagation(TableAndAttachment),
    CreateTransitGatewayRoute(PutTransitGatewayRoute),
    ReplaceTransitGatewayRoute(PutTransitGatewayRoute),
    DeleteTransitGatewayRoute(DeleteTransitGatewayRoute),
}

impl TransitAction {
    /// AWS's name of the call.
    pub fn name(&self) -> &'static str {
        match self {
            TransitAction::CreateTransitGateway(_) => "CreateTransitGateway",
            TransitAction::ModifyTransitGateway(_) => "ModifyTransitGateway",
            TransitAction::DeleteTransitGateway(_) => "DeleteTransitGateway",
            TransitAction::CreateTransitGatewayVpcAttachment(_) => "CreateTransitGatewayVpcAttachment",
            TransitAction::ModifyTransitGatewayVpcAttachment(_) => "ModifyTransitGatewayVpcAttachment",
            TransitAction::DeleteTransitGatewayVpcAttachment(_) => "DeleteTransitGatewayVpcAttachment",
            TransitAction::CreateTransitGatewayPeeringAttachment(_) => "CreateTransitGatewayPeeringAttachment",
            TransitAction::AcceptTransitGatewayPeeringAttachment(_) => "AcceptTransitGatewayPeeringAttachment",
            TransitAction::DeleteTransitGatewayPeeringAttachment(_) => "DeleteTransitGatewayPeeringAttachment",
            TransitAction::CreateTransitGatewayRouteTable(_) => "CreateTransitGatewayRouteTable",
            TransitAction::DeleteTransitGatewayRouteTable(_) => "DeleteTransitGatewayRouteTable",
            TransitAction::AssociateTransitGatewayRouteTable(_) => "AssociateTransitGatewayRouteTable",
            TransitAction::DisassociateTransitGatewayRouteTable(_) => "DisassociateTransitGatewayRouteTable",
            TransitAction::EnableTransitGatewayRouteTablePropagation(_) => "EnableTransitGatewayRouteTablePropagation",
            TransitAction::DisableTransitGatewayRouteTablePropagation(_) => {
                "DisableTransitGatewayRouteTablePropagation"
            }
            TransitAction::CreateTransitGatewayRoute(_) => "CreateTransitGatewayRoute",
            TransitAction::ReplaceTransitGatewayRoute(_) => "ReplaceTransitGatewayRoute",
            TransitAction::DeleteTransitGatewayRoute(_) => "DeleteTransitGatewayRoute",
        }
    }
}

/// Makes a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTransitGateway {
    /// The Region of the API that was called.
    pub region: String,
    /// `DefaultRouteTableAssociation`.
    pub default_association: bool,
    /// `DefaultRouteTablePropagation`.
    pub default_propagation: bool,
    /// `SecurityGroupReferencingSupport`.
    pub security_group_referencing: bool,
    /// `VpnEcmpSupport`.
    pub vpn_equal_cost: bool,
    /// Its description.
    pub description: String,
    /// `AmazonSideAsn`; shown only, since BGP is not spoken.
    pub amazon_side_asn: u64,
    /// Tags.
    pub tags: Tags,
}

/// Changes a transit gateway; `None` leaves a setting as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyTransitGateway {
    /// Which.
    pub transit_gateway_id: TransitGatewayId,
    /// `SecurityGroupReferencingSupport`.
    pub security_group_referencing: Option<bool>,
    /// `VpnEcmpSupport`.
    pub vpn_equal_cost: Option<bool>,
    /// Its description.
    pub description: Option<String>,
    /// The table that new attachments are associated with; the inner `None` switches that off.
    pub association: Option<Option<TransitGatewayRouteTableId>>,
    /// The table that new attachments propagate to.
    pub propagation: Option<Option<TransitGatewayRouteTableId>>,
}

/// Attaches a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTransitGatewayVpcAttachment {
    /// The transit gateway.
    pub transit_gateway_id: TransitGatewayId,
    /// The VPC.
    pub vpc_id: VpcId,
    /// One subnet a zone.
    pub subnet_ids: Vec<SubnetId>,
    /// `ApplianceModeSupport`.
    pub appliance_mode: bool,
    /// `SecurityGroupReferencingSupport` of the attachment.
    pub security_group_referencing: bool,
    /// Tags.
    pub tags: Tags,
}

/// Changes an attachment of a VPC; `None` leaves an option as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyTransitGatewayVpcAttachment {
    /// Which.
    pub transit_gateway_attachment_id: TransitGatewayAttachmentId,
    /// Subnets that come.
    pub add_subnet_ids: Vec<SubnetId>,
    /// Subnets that go.
    pub remove_subnet_ids: Vec<SubnetId>,
    /// `ApplianceModeSupport`.
    pub appliance_mode: Option<bool>,
    /// `SecurityGroupReferencingSupport`.
    pub security_group_referencing: Option<bool>,
}

/// Asks another transit gateway for a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTransitGatewayPeeringAttachment {
    /// The one that asks.
    pub transit_gateway_id: TransitGatewayId,
    /// The one that is asked.
    pub peer_transit_gateway_id: TransitGatewayId,
    /// Its account.
    pub peer_account_id: String,
    /// The Region it must be in.
    pub peer_region: String,
    /// Tags.
    pub tags: Tags,
}

/// Accepts a peering of transit gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptTransitGatewayPeeringAttachment {
    /// Either side's attachment.
    pub transit_gateway_attachment_id: TransitGatewayAttachmentId,
    /// The Region of the API that was called.
    pub region: String,
}

/// Makes a route table of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTransitGatewayRouteTable {
    /// The transit gateway.
    pub transit_gateway_id: TransitGatewayId,
    /// Tags.
    pub tags: Tags,
}

/// A table and an attachment: associated or not, propagating or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableAndAttachment {
    /// The table.
    pub route_table_id: TransitGatewayRouteTableId,
    /// The attachment.
    pub attachment_id: TransitGatewayAttachmentId,
}

/// Writes a static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutTransitGatewayRoute {
    /// The table.
    pub route_table_id: TransitGatewayRouteTableId,
    /// The destination.
    pub cidr: Ipv4Net,
    /// Where it leads; `None` is a blackhole.
    pub attachment_id: Option<TransitGatewayAttachmentId>,
}

/// Deletes a static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteTransitGatewayRoute {
    /// The table.
    pub route_table_id: TransitGatewayRouteTableId,
    /// The destination.
    pub cidr: Ipv4Net,
}

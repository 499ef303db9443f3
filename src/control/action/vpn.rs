//! Actions on virtual private gateways, customer gateways and VPN connections.

use crate::ids::*;
use crate::model::{Tags, VpnTarget};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// One mutating call about VPN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VpnAction {
    /// `CreateVpnGateway`.
    CreateGateway {
        /// AWS's autonomous system number.
        amazon_side_asn: Option<i64>,
        /// Tags.
        tags: Tags,
    },
    /// `DeleteVpnGateway`.
    DeleteGateway(VpnGatewayId),
    /// `AttachVpnGateway`.
    AttachGateway(VpnGatewayId, VpcId),
    /// `DetachVpnGateway`.
    DetachGateway(VpnGatewayId, VpcId),
    /// `CreateCustomerGateway`.
    CreateCustomerGateway {
        /// The device's public address.
        address: Ipv4Addr,
        /// Its autonomous system number.
        bgp_asn: i64,
        /// Tags.
        tags: Tags,
    },
    /// `DeleteCustomerGateway`.
    DeleteCustomerGateway(CustomerGatewayId),
    /// `CreateVpnConnection`.
    CreateConnection {
        /// AWS's end.
        target: VpnTarget,
        /// The far end.
        customer_gateway_id: CustomerGatewayId,
        /// Whether routes are static.
        static_routes_only: bool,
        /// Tags.
        tags: Tags,
    },
    /// `DeleteVpnConnection`.
    DeleteConnection(VpnConnectionId),
    /// `CreateVpnConnectionRoute`.
    CreateRoute(VpnConnectionId, Ipv4Net),
    /// `DeleteVpnConnectionRoute`.
    DeleteRoute(VpnConnectionId, Ipv4Net),
    /// `EnableVgwRoutePropagation`.
    EnablePropagation(RouteTableId, VpnGatewayId),
    /// `DisableVgwRoutePropagation`.
    DisablePropagation(RouteTableId, VpnGatewayId),
}

/// What such a call made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VpnOutput {
    /// A virtual private gateway.
    Gateway(VpnGatewayId),
    /// An attachment to a VPC.
    Attachment(VpcId),
    /// A customer gateway.
    CustomerGateway(CustomerGatewayId),
    /// A VPN connection.
    Connection(VpnConnectionId),
}

impl VpnAction {
    /// AWS's name of the call.
    pub const fn name(&self) -> &'static str {
        match self {
            VpnAction::CreateGateway { .. } => "CreateVpnGateway",
            VpnAction::DeleteGateway(_) => "DeleteVpnGateway",
            VpnAction::AttachGateway(..) => "AttachVpnGateway",
            VpnAction::DetachGateway(..) => "DetachVpnGateway",
            VpnAction::CreateCustomerGateway { .. } => "CreateCustomerGateway",
            VpnAction::DeleteCustomerGateway(_) => "DeleteCustomerGateway",
            VpnAction::CreateConnection { .. } => "CreateVpnConnection",
            VpnAction::DeleteConnection(_) => "DeleteVpnConnection",
            VpnAction::CreateRoute(..) => "CreateVpnConnectionRoute",
            VpnAction::DeleteRoute(..) => "DeleteVpnConnectionRoute",
            VpnAction::EnablePropagation(..) => "EnableVgwRoutePropagation",
            VpnAction::DisablePropagation(..) => "DisableVgwRoutePropagation",
        }
    }

    /// Whether it creates something that has an id.
    pub const fn creates(&self) -> bool {
        matches!(
            self,
            VpnAction::CreateGateway { .. }
                | VpnAction::CreateCustomerGateway { .. }
                | VpnAction::CreateConnection { .. }
        )
    }
}

//! Internet gateways and VPC endpoints.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html,
//! docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, create-interface-endpoint.html

use super::Tags;
use crate::ids::{
    EniId, InternetGatewayId, PrefixListId, RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId,
};
use crate::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// An internet gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetGateway {
    /// Its id.
    pub id: InternetGatewayId,
    /// The VPC it is attached to.
    pub attached_vpc_id: Option<VpcId>,
    /// Tags.
    pub tags: Tags,
}

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// Its id.
    pub id: VpcEndpointId,
    /// The VPC whose packets it takes.
    pub vpc_id: VpcId,
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub service_name: String,
    /// Gateway or interface, and what only that kind has.
    pub kind: VpcEndpointKind,
    /// The endpoint policy, JSON as given. Kept and shown; not judged in this version.
    pub policy_document: String,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// The kinds of VPC endpoints that are simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VpcEndpointKind {
    /// A road from route tables to the service's public addresses. Its routes stand in the associated tables.
    Gateway {
        /// The service's prefix list.
        prefix_list_id: PrefixListId,
        /// The route tables that have its route.
        route_table_ids: BTreeSet<RouteTableId>,
    },
    /// Requester-managed network interfaces (PrivateLink), at most one a zone.
    Interface {
        /// Subnets with the endpoint's interface in each.
        subnets: BTreeMap<SubnetId, EniId>,
        /// Security groups of those interfaces.
        security_group_ids: Vec<SecurityGroupId>,
        /// Whether the service's public names mean these interfaces inside the VPC.
        private_dns_enabled: bool,
        /// S3: the private names are for inbound resolver endpoints only, which are not simulated.
        private_dns_only_for_inbound_resolver: bool,
        /// The part of its DNS names that AWS draws: `sow3v4uq`.
        dns_suffix: String,
    },
}

impl VpcEndpoint {
    /// A gateway endpoint's prefix list.
    pub fn prefix_list_id(&self) -> Option<PrefixListId> {
        match self.kind {
            VpcEndpointKind::Gateway { prefix_list_id, .. } => Some(prefix_list_id),
            VpcEndpointKind::Interface { .. } => None,
        }
    }

    /// The route tables of a gateway endpoint; none for an interface endpoint.
    pub fn route_table_ids(&self) -> &BTreeSet<RouteTableId> {
        const NONE: &BTreeSet<RouteTableId> = &BTreeSet::new();
        match &self.kind {
            VpcEndpointKind::Gateway { route_table_ids, .. } => route_table_ids,
            VpcEndpointKind::Interface { .. } => NONE,
        }
    }

    /// The route tables of a gateway endpoint, to change.
    pub fn route_table_ids_mut(&mut self) -> Option<&mut BTreeSet<RouteTableId>> {
        match &mut self.kind {
            VpcEndpointKind::Gateway { route_table_ids, .. } => Some(route_table_ids),
            VpcEndpointKind::Interface { .. } => None,
        }
    }

    /// The interfaces of an interface endpoint, by subnet; none for a gateway endpoint.
    pub fn interfaces(&self) -> impl Iterator<Item = (SubnetId, EniId)> + '_ {
        let subnets = match &self.kind {
            VpcEndpointKind::Interface { subnets, .. } => Some(subnets),
            VpcEndpointKind::Gateway { .. } => None,
        };
        subnets.into_iter().flatten().map(|(subnet, interface)| (*subnet, *interface))
    }

    /// Whether it is a gateway endpoint.
    pub fn is_gateway(&self) -> bool {
        matches!(self.kind, VpcEndpointKind::Gateway { .. })
    }

    /// The policy a gateway endpoint has when none is given, to the letter.
    pub const DEFAULT_POLICY: &'static str =
        r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

    /// The same of an interface endpoint, spaces at line ends included.
    pub const DEFAULT_INTERFACE_POLICY: &'static str = "{\n  \"Statement\": [\n    {\n      \"Action\": \"*\", \n      \"Effect\": \"Allow\", \n      \"Principal\": \"*\", \n      \"Resource\": \"*\"\n    }\n  ]\n}";

    /// The policy it has when none is given.
    pub fn default_policy(&self) -> &'static str {
        if self.is_gateway() { Self::DEFAULT_POLICY } else { Self::DEFAULT_INTERFACE_POLICY }
    }
}

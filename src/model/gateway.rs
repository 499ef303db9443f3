//! Internet gateways and gateway VPC endpoints.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html,
//! docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html

use super::Tags;
use crate::ids::{InternetGatewayId, PrefixListId, RouteTableId, VpcEndpointId, VpcId};
use crate::time::SimTime;
use std::collections::BTreeSet;

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

/// A gateway endpoint. Its routes stand in the associated tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// Its id.
    pub id: VpcEndpointId,
    /// The VPC whose packets it takes.
    pub vpc_id: VpcId,
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub service_name: String,
    /// The service's prefix list.
    pub prefix_list_id: PrefixListId,
    /// The route tables that have its route.
    pub route_table_ids: BTreeSet<RouteTableId>,
    /// The endpoint policy, JSON as given. Kept and shown; not judged in this version.
    pub policy_document: String,
    /// When it was created.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl VpcEndpoint {
    /// The policy an endpoint has when none is given, to the letter.
    pub const DEFAULT_POLICY: &'static str =
        r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
}

//! VPC Block Public Access: a switch for the whole account and Region, and exclusions from it.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html

use crate::ids::{BlockPublicAccessExclusionId, SubnetId, VpcId};
use std::collections::BTreeMap;

/// What internet gateways let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// The mode.
    pub mode: BlockPublicAccessMode,
    /// What the mode does not apply to.
    pub exclusions: BTreeMap<BlockPublicAccessExclusionId, BlockPublicAccessExclusion>,
}

/// `InternetGatewayBlockMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockPublicAccessMode {
    /// Nothing is blocked.
    #[default]
    Off,
    /// Nothing passes an internet gateway.
    BlockBidirectional,
    /// Only what answers connections begun inside passes: NAT gateways and egress-only gateways may go out.
    BlockIngress,
}

/// One exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPublicAccessExclusion {
    /// What is excluded.
    pub resource: ExcludedResource,
    /// Whether only traffic begun inside is let pass (`allow-egress`), or all (`allow-bidirectional`).
    pub egress_only: bool,
}

/// What can be excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExcludedResource {
    /// A VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
}

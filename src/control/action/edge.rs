//! Actions at a VPC's edge: gateway route tables, further blocks, VPC Block Public Access, customer-managed prefix lists; and changes of rules and interfaces.

use super::RequestedPeer;
use crate::ids::*;
use crate::model::{
    BlockPublicAccessExclusion, BlockPublicAccessMode, ConnectionTracking, EdgeGateway, ExcludedResource, PrefixList,
    PrefixListChange, PrefixListEntry, Tags, TrafficMatch, VpcCidrBlock,
};
use crate::net::Ipv4Net;

/// Gives a gateway a route table of its own (`AssociateRouteTable` with `GatewayId`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateGatewayRouteTable {
    /// The table.
    pub route_table_id: RouteTableId,
    /// The gateway.
    pub gateway: EdgeGateway,
}

/// Adds a block to a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateVpcCidrBlock {
    /// The VPC.
    pub vpc_id: VpcId,
    /// The block.
    pub cidr: Ipv4Net,
}

/// Takes a block from a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisassociateVpcCidrBlock {
    /// Which.
    pub association_id: VpcCidrAssociationId,
}

/// Makes a prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateManagedPrefixList {
    /// Its name.
    pub name: String,
    /// How many entries it may have.
    pub max_entries: u32,
    /// Its first entries.
    pub entries: Vec<PrefixListEntry>,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Changes a prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyManagedPrefixList {
    /// Which.
    pub prefix_list_id: PrefixListId,
    /// How.
    pub change: PrefixListChange,
}

/// Makes a new version of a prefix list with the entries of an old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreManagedPrefixListVersion {
    /// Which.
    pub prefix_list_id: PrefixListId,
    /// The old version.
    pub previous_version: u64,
    /// The version that the caller has seen.
    pub current_version: u64,
}

/// Deletes a prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteManagedPrefixList {
    /// Which.
    pub prefix_list_id: PrefixListId,
}

/// Sets the mode of VPC Block Public Access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyVpcBlockPublicAccessOptions {
    /// The mode.
    pub mode: BlockPublicAccessMode,
}

/// Excludes a VPC or subnet from VPC Block Public Access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpcBlockPublicAccessExclusion {
    /// What.
    pub resource: ExcludedResource,
    /// `allow-egress` instead of `allow-bidirectional`.
    pub egress_only: bool,
    /// Tags.
    pub tags: Tags,
}

/// Ends an exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteVpcBlockPublicAccessExclusion {
    /// Which.
    pub exclusion_id: BlockPublicAccessExclusionId,
}

/// Puts other rules in the place of rules of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifySecurityGroupRules {
    /// The group.
    pub group_id: SecurityGroupId,
    /// The rules, each as it is to be.
    pub rules: Vec<SecurityGroupRuleUpdate>,
}

/// One rule as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRuleUpdate {
    /// Which.
    pub id: SecurityGroupRuleId,
    /// Protocol and ports.
    pub traffic: TrafficMatch,
    /// From or to whom.
    pub peer: RequestedPeer,
    /// Description.
    pub description: Option<String>,
}

/// Changes one attribute of a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyNetworkInterfaceAttribute {
    /// Which.
    pub network_interface_id: EniId,
    /// The attribute and its value.
    pub change: InterfaceChange,
}

/// The attributes of an interface that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfaceChange {
    /// The description.
    Description(String),
    /// Other security groups.
    Groups(Vec<SecurityGroupId>),
    /// The source/destination check.
    SourceDestCheck(bool),
    /// Idle timeouts of tracked connections; those that are not given stay.
    Tracking(ConnectionTracking),
}

/// What these actions did, where the model does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeOutput {
    /// A block came to a VPC, or left it.
    VpcCidrBlock {
        /// The VPC.
        vpc_id: VpcId,
        /// The block.
        block: VpcCidrBlock,
        /// Whether it is there now.
        associated: bool,
    },
    /// A prefix list was made or changed.
    PrefixList(PrefixListId),
    /// A prefix list was deleted.
    PrefixListDeleted(Box<PrefixList>),
    /// The mode was set.
    BlockPublicAccess,
    /// An exclusion was made.
    Exclusion(BlockPublicAccessExclusionId),
    /// An exclusion was ended.
    ExclusionDeleted(BlockPublicAccessExclusionId, Box<BlockPublicAccessExclusion>),
}

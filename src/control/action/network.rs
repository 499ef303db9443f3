//! Actions that build and take down the network itself: VPCs, subnets, internet gateways, network ACLs.

use crate::ids::*;
use crate::model::{NetworkAclEntry, Tags};
use crate::net::Ipv4Net;

/// Makes a VPC with its main route table, default security group and default network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpc {
    /// The Region of the API that was called.
    pub region: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Tags.
    pub tags: Tags,
}

/// Deletes an empty VPC and what it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteVpc {
    /// Which.
    pub vpc_id: VpcId,
}

/// Makes a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSubnet {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Its zone by name; none takes the Region's first.
    pub availability_zone: Option<String>,
    /// Its zone by id, `use1-az1`.
    pub availability_zone_id: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Deletes a subnet without interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteSubnet {
    /// Which.
    pub subnet_id: SubnetId,
}

/// Changes whether a subnet's instances get public addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifySubnetAttribute {
    /// Which.
    pub subnet_id: SubnetId,
    /// `MapPublicIpOnLaunch`.
    pub map_public_ip_on_launch: bool,
}

/// Makes an internet gateway, attached to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateInternetGateway {
    /// Tags.
    pub tags: Tags,
}

/// Attaches an internet gateway to a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachInternetGateway {
    /// Which.
    pub internet_gateway_id: InternetGatewayId,
    /// To what.
    pub vpc_id: VpcId,
}

/// Detaches an internet gateway from a VPC without public addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachInternetGateway {
    /// Which.
    pub internet_gateway_id: InternetGatewayId,
    /// From what.
    pub vpc_id: VpcId,
}

/// Deletes an internet gateway that is attached to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteInternetGateway {
    /// Which.
    pub internet_gateway_id: InternetGatewayId,
}

/// Deletes a route table that routes for nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRouteTable {
    /// Which.
    pub route_table_id: RouteTableId,
}

/// Gives a subnet, or the VPC's main association, another route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceRouteTableAssociation {
    /// The association.
    pub association_id: RouteTableAssociationId,
    /// The table that routes from now on.
    pub route_table_id: RouteTableId,
}

/// Makes a network ACL that denies everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateNetworkAcl {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Deletes a network ACL that no subnet uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteNetworkAcl {
    /// Which.
    pub network_acl_id: NetworkAclId,
}

/// Where a rule of a network ACL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkAclRule {
    /// The list.
    pub network_acl_id: NetworkAclId,
    /// Rules for packets out of the subnet, or into it.
    pub egress: bool,
    /// The number; what is no rule's number is refused later.
    pub number: i64,
}

/// Adds a rule to a network ACL, or puts another in a rule's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutNetworkAclEntry {
    /// Where.
    pub rule: NetworkAclRule,
    /// What it says.
    pub entry: NetworkAclEntry,
    /// `ReplaceNetworkAclEntry`: the rule must be there; `CreateNetworkAclEntry`: it must not.
    pub replace: bool,
}

/// Takes a rule from a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteNetworkAclEntry {
    /// Which.
    pub rule: NetworkAclRule,
}

/// Gives a subnet another network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceNetworkAclAssociation {
    /// The association: it names the subnet.
    pub association_id: NetworkAclAssociationId,
    /// The list that applies from now on.
    pub network_acl_id: NetworkAclId,
}

/// Takes an Elastic IP address from its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisassociateAddress {
    /// The association.
    pub association_id: AddressAssociationId,
}

/// Gives an Elastic IP address back to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAddress {
    /// The allocation.
    pub allocation_id: AllocationId,
}

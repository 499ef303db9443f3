//! VPCs and subnets.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html, subnet-sizing.html, vpc-dns.html

use super::Tags;
use crate::ids::{DhcpOptionsId, NetworkAclId, RouteTableId, SecurityGroupId, SubnetId, VpcCidrAssociationId, VpcId};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: VpcId,
    /// The Region it is in: the model's own, or another that peering or a transit gateway leads to.
    pub region: String,
    /// IPv4 blocks, the primary first.
    pub cidr_blocks: Vec<VpcCidrBlock>,
    /// Whether it is the Region's default VPC.
    pub is_default: bool,
    /// The route table of subnets without one of their own.
    pub main_route_table_id: RouteTableId,
    /// The security group of interfaces without one of their own.
    pub default_security_group_id: SecurityGroupId,
    /// The network ACL of subnets without one of their own.
    pub default_network_acl_id: NetworkAclId,
    /// Its DHCP options; without any, instances are told of no resolver.
    pub dhcp_options_id: Option<DhcpOptionsId>,
    /// `enableDnsSupport`: whether the resolver at base+2 answers.
    pub enable_dns_support: bool,
    /// `enableDnsHostnames`: whether instances with public addresses get public names.
    pub enable_dns_hostnames: bool,
    /// Tags.
    pub tags: Tags,
}

/// One IPv4 block of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VpcCidrBlock {
    /// The block.
    pub cidr: Ipv4Net,
    /// Its association's id.
    pub association_id: VpcCidrAssociationId,
}

impl Vpc {
    /// The primary IPv4 block.
    ///
    /// Invariant: the constructor gives every VPC at least one block.
    pub fn primary_cidr(&self) -> Ipv4Net {
        self.cidr_blocks.first().map_or_else(Ipv4Net::default, |block| block.cidr)
    }

    /// Whether `address` lies in one of the VPC's blocks.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.cidr_blocks.iter().any(|block| block.cidr.contains(&address))
    }

    /// The Route 53 Resolver's address: the primary block's base plus two.
    pub fn resolver_address(&self) -> Ipv4Addr {
        offset(self.primary_cidr(), 2)
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// The VPC it divides.
    pub vpc_id: VpcId,
    /// Its block.
    pub cidr: Ipv4Net,
    /// `us-east-1a`.
    pub availability_zone: String,
    /// Whether it is the zone's default subnet.
    pub default_for_az: bool,
    /// Whether instances get a public address unless told otherwise.
    pub map_public_ip_on_launch: bool,
    /// Its network ACL.
    pub network_acl_id: NetworkAclId,
    /// Tags.
    pub tags: Tags,
}

impl Subnet {
    /// Addresses that AWS keeps in every subnet.
    pub const RESERVED_ADDRESSES: usize = 5;

    /// The implicit router's address in this subnet: base plus one.
    pub fn router_address(&self) -> Ipv4Addr {
        offset(self.cidr, 1)
    }

    /// Whether AWS keeps `address` for itself: the first four and the last of the block.
    pub fn is_reserved(&self, address: Ipv4Addr) -> bool {
        let base = u32::from(self.cidr.network());
        let position = u32::from(address).wrapping_sub(base);
        self.cidr.contains(&address) && (position < 4 || address == self.cidr.broadcast())
    }
}

fn offset(cidr: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(cidr.network()).wrapping_add(by))
}

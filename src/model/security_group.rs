//! Security groups: stateful allow rules on network interfaces.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html

use super::Tags;
use crate::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::net::{Ipv4Net, TrafficMatch};
use std::fmt;

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// The VPC whose interfaces may use it.
    pub vpc_id: VpcId,
    /// Its name, unique in the VPC without regard to case.
    pub group_name: String,
    /// Its description.
    pub description: String,
    /// Rules for packets towards the interface, in the order of creation.
    pub ingress: Vec<SecurityGroupRule>,
    /// Rules for packets from the interface, in the order of creation.
    pub egress: Vec<SecurityGroupRule>,
    /// Tags.
    pub tags: Tags,
}

/// One rule: a protocol, its ports, and the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRule {
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// What it lets pass.
    pub traffic: TrafficMatch,
    /// From or to whom.
    pub peer: RulePeer,
    /// Its description.
    pub description: Option<String>,
}

/// The other side of a security-group rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulePeer {
    /// A block of addresses.
    Cidr(Ipv4Net),
    /// A prefix list of this Region.
    PrefixList(PrefixListId),
    /// The private addresses of the interfaces in a group.
    SecurityGroup(SecurityGroupId),
}

impl fmt::Display for RulePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RulePeer::Cidr(cidr) => cidr.fmt(f),
            RulePeer::PrefixList(id) => id.fmt(f),
            RulePeer::SecurityGroup(id) => id.fmt(f),
        }
    }
}

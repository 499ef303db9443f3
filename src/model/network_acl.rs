//! Network ACLs: ordered, stateless rules at the subnet's boundary.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html

use super::{Tags, TrafficMatch};
use crate::ids::{NetworkAclId, VpcId};
use crate::net::Ipv4Net;
use std::collections::BTreeMap;

/// A network ACL. Which subnets use it is written at the subnets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAcl {
    /// Its id.
    pub id: NetworkAclId,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Whether it is the VPC's default one.
    pub is_default: bool,
    /// Rules for packets into the subnet, by rule number (1..=32766): the first match decides, no match denies.
    pub ingress: BTreeMap<u16, NetworkAclEntry>,
    /// Rules for packets out of the subnet.
    pub egress: BTreeMap<u16, NetworkAclEntry>,
    /// Tags.
    pub tags: Tags,
}

/// One rule of a network ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkAclEntry {
    /// Protocol and destination ports.
    pub traffic: TrafficMatch,
    /// Source (ingress) or destination (egress) block.
    pub cidr: Ipv4Net,
    /// Allow or deny.
    pub allow: bool,
}

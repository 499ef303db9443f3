//! Compiled network ACLs: entries in order, the first match decides.

use crate::net::{Ipv4Net, TrafficMatch};

/// A network ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Rules for packets into the subnet, ascending by number.
    pub ingress: Box<[AclEntry]>,
    /// Rules for packets out of the subnet, ascending by number.
    pub egress: Box<[AclEntry]>,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Its number.
    pub number: u16,
    /// Protocol and ports.
    pub traffic: TrafficMatch,
    /// Source (ingress) or destination (egress) block.
    pub cidr: Ipv4Net,
    /// Allow or deny.
    pub allow: bool,
}

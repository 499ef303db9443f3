//! Compiled security-group rules of one interface and direction.

use super::GroupIx;
use crate::net::{Ipv4Net, TrafficMatch};
use std::net::Ipv4Addr;

/// All rules of an interface's groups in one direction: any match allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSet {
    /// The rules, in the order of groups and creation.
    pub rules: Box<[CompiledRule]>,
}

/// One rule, its other side resolved to addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledRule {
    /// The group it stands in.
    pub group: GroupIx,
    /// Its position among the group's rules of this direction.
    pub position: u16,
    /// Protocol and ports.
    pub traffic: TrafficMatch,
    /// The other side.
    pub peers: RuleSource,
}

/// The addresses a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// Blocks: one of a CIDR rule, all of a prefix list's.
    Cidrs(Box<[Ipv4Net]>),
    /// Private addresses of a group's interfaces, sorted.
    Addresses(Box<[Ipv4Addr]>),
}

//! Compiled security-group rules of one interface and direction.

use super::GroupIx;
use crate::net::{Ipv4Net, PortRange, Protocol, TrafficMatch};
use std::net::Ipv4Addr;

/// All rules of an interface's groups in one direction: any match allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSet {
    /// The rules, in the order of groups and creation.
    pub rules: Box<[CompiledRule]>,
    /// Whether a rule allows every TCP port from or to 0.0.0.0/0.
    pub all_tcp_anywhere: bool,
    /// Whether a rule allows every UDP port from or to 0.0.0.0/0.
    pub all_udp_anywhere: bool,
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

impl GroupSet {
    /// The set of `rules`.
    pub fn new(rules: Vec<CompiledRule>) -> Self {
        let all_ports = |protocol: Protocol| {
            rules.iter().any(|rule| {
                let every =
                    rule.traffic == TrafficMatch::All || rule.traffic == TrafficMatch::Ports(protocol, PortRange::ALL);
                every && rule.peers.is_anywhere()
            })
        };
        GroupSet {
            all_tcp_anywhere: all_ports(Protocol::TCP),
            all_udp_anywhere: all_ports(Protocol::UDP),
            rules: rules.into(),
        }
    }
}

impl RuleSource {
    /// Whether `address` is among them.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        match self {
            RuleSource::Cidrs(cidrs) => cidrs.iter().any(|cidr| cidr.contains(&address)),
            RuleSource::Addresses(addresses) => addresses.binary_search(&address).is_ok(),
        }
    }

    /// Whether the rule speaks of 0.0.0.0/0.
    pub fn is_anywhere(&self) -> bool {
        matches!(self, RuleSource::Cidrs(cidrs) if cidrs.iter().any(|cidr| cidr.prefix_len() == 0))
    }
}

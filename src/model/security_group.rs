//! Security groups: stateful allow rules on network interfaces.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html

use super::Tags;
use crate::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::net::{Ipv4Net, PortRange, Protocol};
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

/// Protocol and ports (or ICMP type and code) of a security-group or network-ACL rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficMatch {
    /// Protocol -1: everything.
    All,
    /// TCP or UDP with a port range.
    Ports(Protocol, PortRange),
    /// ICMP, of one type and code or of any (`None`).
    Icmp {
        /// ICMP type; `None` is any.
        icmp_type: Option<u8>,
        /// ICMP code; `None` is any.
        icmp_code: Option<u8>,
    },
    /// Any other protocol, by number.
    Other(Protocol),
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

impl TrafficMatch {
    /// Whether a packet of `protocol` with the given destination port, or ICMP type and code, matches. A packet without
    /// ports (a later fragment) matches only rules that name none.
    pub fn matches(&self, protocol: Protocol, destination_port: Option<u16>, icmp: Option<(u8, u8)>) -> bool {
        match *self {
            TrafficMatch::All => true,
            TrafficMatch::Ports(wanted, range) => {
                wanted == protocol
                    && (range == PortRange::ALL || destination_port.is_some_and(|port| range.contains(port)))
            }
            TrafficMatch::Icmp { icmp_type, icmp_code } => {
                protocol == Protocol::ICMP
                    && icmp_type.is_none_or(|wanted| icmp.is_some_and(|(kind, _)| kind == wanted))
                    && icmp_code.is_none_or(|wanted| icmp.is_some_and(|(_, code)| code == wanted))
            }
            TrafficMatch::Other(wanted) => wanted == protocol,
        }
    }
}

impl fmt::Display for TrafficMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrafficMatch::All => f.write_str("all"),
            TrafficMatch::Ports(protocol, range) if *range == PortRange::ALL => write!(f, "{protocol}"),
            TrafficMatch::Ports(protocol, range) => write!(f, "{protocol} {range}"),
            TrafficMatch::Icmp { icmp_type: None, .. } => f.write_str("icmp"),
            TrafficMatch::Icmp { icmp_type: Some(kind), icmp_code: None } => write!(f, "icmp {kind}"),
            TrafficMatch::Icmp { icmp_type: Some(kind), icmp_code: Some(code) } => write!(f, "icmp {kind}/{code}"),
            TrafficMatch::Other(protocol) => write!(f, "protocol {}", protocol.0),
        }
    }
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

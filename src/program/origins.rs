//! The cold side of a program: from indices back to AWS ids, names and sentences.
//!
//! Read by captures, reports and traces; never by a packet.

use super::{AclIx, GroupIx, HostIx, NextHopKind, NodeIx, TableIx};
use crate::net::Ipv4Net;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What an index stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// AWS id (`igw-6f2d91ab`), or a plain word where AWS has none (`internet`).
    pub id: String,
    /// What people call it: `Name` tag, scenario name.
    pub name: Option<String>,
}

/// Where a route table's forwarding entries come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOrigin {
    /// The route table.
    pub table: Named,
    /// Whether it is its VPC's main table.
    pub is_main: bool,
    /// Every (prefix, route) pair, in order of preference among equal prefixes. Indexed by `NextHop::entry`.
    pub entries: Arc<[RibEntry]>,
}

/// One prefix of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RibEntry {
    /// The prefix.
    pub cidr: Ipv4Net,
    /// The prefix list it comes from, if any: `pl-02cd2c6b`.
    pub prefix_list: Option<String>,
    /// The route's target as written: `vpce-9b15e2f2`, `local`.
    pub target: String,
    /// What the target compiled to.
    pub kind: NextHopKind,
    /// Whether the route was propagated.
    pub propagated: bool,
    /// Whether routes of the same prefix that say so too share its flows (equal-cost multi-path of VPN connections).
    pub shares_flows: bool,
}

/// Which entry decided for an address, and which others matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteExplanation<'a> {
    /// The table.
    pub table: &'a TableOrigin,
    /// The entry that decided.
    pub winner: &'a RibEntry,
    /// Entries of the same prefix among which the winner shares out flows, itself left out.
    pub sharing: Vec<&'a RibEntry>,
    /// Matching entries that lost, best first; entries with the winner's own target left out.
    pub beaten: Vec<&'a RibEntry>,
}

/// A security group and the sentences of its rules, ingress and egress: `tcp 22 from 198.51.100.7/32`, `tcp 443 to pl-02cd2c6b`.
pub type GroupOrigin = (Named, [Box<[String]>; 2]);

/// Ids and names by index.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// By [`NodeIx`].
    pub nodes: Arc<[Named]>,
    /// By [`HostIx`].
    pub hosts: Arc<[Named]>,
    /// What the interfaces that AWS manages belong to: an interface endpoint.
    pub owners: BTreeMap<NodeIx, Named>,
    /// By [`TableIx`].
    pub tables: Arc<[TableOrigin]>,
    /// By [`super::LinkIx`]: what the link joins.
    pub links: Arc<[Named]>,
    /// Availability zones by their numbers.
    pub zones: Arc<[Named]>,
    /// By [`AclIx`].
    pub acls: Arc<[Named]>,
    /// By [`GroupIx`]; the second part holds the rules' sentences, ingress and egress.
    pub groups: Arc<[GroupOrigin]>,
    /// Every address with a name, for name resolution in captures and reports, sorted.
    pub address_names: Arc<[(Ipv4Addr, String)]>,
}

impl Origins {
    /// What a node stands for.
    pub fn node(&self, node: NodeIx) -> &Named {
        &self.nodes[node.at()]
    }

    /// What a node belongs to: an interface endpoint's interface to the endpoint, every other node to itself.
    pub fn owner(&self, node: NodeIx) -> &Named {
        self.owners.get(&node).unwrap_or_else(|| self.node(node))
    }

    /// What a host stands for.
    pub fn host(&self, host: HostIx) -> &Named {
        &self.hosts[host.at()]
    }

    /// What an ACL stands for.
    pub fn acl(&self, acl: AclIx) -> &Named {
        &self.acls[acl.at()]
    }

    /// What a security group stands for.
    pub fn group(&self, group: GroupIx) -> &Named {
        &self.groups[group.at()].0
    }

    /// Which entry of `table` decided for `destination`, and which it beat. `entry` must come from a decision of the *same* program: entries are
    /// numbered anew with every compilation, so explain a route when it is decided, not later.
    pub fn explain_route(&self, table: TableIx, entry: u16, destination: Ipv4Addr) -> RouteExplanation<'_> {
        let origin = &self.tables[table.at()];
        let winner = &origin.entries[usize::from(entry)];
        let loses = |other: &&RibEntry| other.cidr.contains(&destination) && other.target != winner.target;
        let shares = |other: &RibEntry| winner.shares_flows && other.shares_flows && other.cidr == winner.cidr;
        let (sharing, mut beaten): (Vec<_>, Vec<_>) =
            origin.entries.iter().filter(loses).partition(|other| shares(other));
        beaten.sort_by_key(|other| std::cmp::Reverse(other.cidr.prefix_len()));
        beaten.dedup_by(|a, b| a.target == b.target);
        RouteExplanation { table: origin, winner, sharing, beaten }
    }
}

/// `52.94.0.0/22 (pl-02cd2c6b) -> vpce-9b15e2f2`.
impl std::fmt::Display for RibEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.cidr)?;
        if let Some(list) = &self.prefix_list {
            write!(f, " ({list})")?;
        }
        write!(f, " -> {}", self.target)?;
        if self.kind == NextHopKind::Blackhole && self.target != "blackhole" {
            f.write_str(" (blackhole)")?;
        }
        Ok(())
    }
}

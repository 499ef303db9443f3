//! The places of the data plane, one struct a kind.

use super::{AclIx, GroupSet, HostIx, LinkIx, NodeIx, TableIx};
use crate::net::{Ipv4Net, MacAddress};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A place in the data plane.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nodes live in one array and are never moved")]
pub enum Node {
    /// A network interface, with the Nitro card's checks.
    Eni(EniNode),
    /// The implicit router of a VPC.
    Router(RouterNode),
    /// An internet gateway.
    InternetGateway(InternetGatewayNode),
    /// A gateway endpoint.
    GatewayEndpoint(GatewayEndpointNode),
    /// The internet and the public side of AWS.
    Internet(InternetNode),
    /// Something that was removed: drops with `ResourceGone`.
    Tombstone,
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct EniNode {
    /// The system behind it.
    pub host: HostIx,
    /// Its platform host (DHCP, DNS, router ping).
    pub platform: HostIx,
    /// Its VPC's router.
    pub router: NodeIx,
    /// Which subnet, as a position in the router's `subnets`.
    pub subnet: u16,
    /// Its private address.
    pub private_ip: Ipv4Addr,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The subnet's block.
    pub subnet_cidr: Ipv4Net,
    /// The subnet router's address (base+1), which answers ping through the platform.
    pub router_address: Ipv4Addr,
    /// The VPC's resolver (base+2 of its primary block).
    pub resolver_address: Ipv4Addr,
    /// Whether the resolver answers (`enableDnsSupport`).
    pub resolver_enabled: bool,
    /// Source/destination check.
    pub source_dest_check: bool,
    /// Compiled outbound rules.
    pub egress: GroupSet,
    /// Compiled inbound rules.
    pub ingress: GroupSet,
}

/// A VPC's router with its subnets.
#[derive(Clone, Debug)]
pub struct RouterNode {
    /// Its Ethernet address towards the interfaces.
    pub mac: MacAddress,
    /// The VPC's subnets.
    pub subnets: Box<[SubnetBoundary]>,
    /// Interfaces by private address.
    pub interfaces: BTreeMap<Ipv4Addr, NodeIx>,
    /// Interfaces by Ethernet address.
    pub interfaces_by_mac: BTreeMap<MacAddress, NodeIx>,
    /// Links by the zones they join, the smaller number first; two equal numbers are the link inside a zone.
    pub zone_links: BTreeMap<(u16, u16), LinkIx>,
}

impl RouterNode {
    /// The link between interfaces in zones `a` and `b`; `None` if the VPC has no subnet in one of them.
    pub fn link_between(&self, a: u16, b: u16) -> Option<LinkIx> {
        self.zone_links.get(&(a.min(b), a.max(b))).copied()
    }

    /// The link between two subnets, given as positions in `subnets`.
    pub fn link_between_subnets(&self, a: u16, b: u16) -> Option<LinkIx> {
        let zone = |subnet: u16| self.subnets.get(usize::from(subnet)).map(|boundary| boundary.zone);
        self.link_between(zone(a)?, zone(b)?)
    }
}

/// A subnet as the router sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetBoundary {
    /// The table that routes for it.
    pub table: TableIx,
    /// The ACL at its boundary.
    pub acl: AclIx,
    /// Its zone, numbered.
    pub zone: u16,
}

/// An internet gateway: stateless one-to-one translation.
#[derive(Clone, Debug)]
pub struct InternetGatewayNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The router of the VPC it is attached to.
    pub router: NodeIx,
    /// The internet.
    pub internet: NodeIx,
    /// Private to public address.
    pub to_public: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// Public to private address.
    pub to_private: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

/// A gateway endpoint.
#[derive(Clone, Debug)]
pub struct GatewayEndpointNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The router of its VPC.
    pub router: NodeIx,
    /// The service behind it.
    pub host: HostIx,
    /// The service's prefix list.
    pub prefixes: Box<[Ipv4Net]>,
    /// Whether security groups always track connections through it, with two entries each: so it is for DynamoDB
    /// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html).
    pub always_tracked: bool,
}

/// The internet with every public address that somebody answers at.
#[derive(Clone, Debug)]
pub struct InternetNode {
    /// The Ethernet address of every first router out there.
    pub mac: MacAddress,
    /// Single addresses: outside hosts, public addresses behind internet gateways.
    pub addresses: BTreeMap<Ipv4Addr, PublicTarget>,
    /// Blocks of services, sorted, not overlapping.
    pub services: Box<[(Ipv4Net, HostIx)]>,
    /// For each host attached here, its Ethernet address and its platform, if it has one.
    pub attached: BTreeMap<HostIx, (MacAddress, Option<HostIx>)>,
}

/// Who answers at a public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicTarget {
    /// A host on the internet.
    Host(HostIx),
    /// An interface behind an internet gateway.
    Gateway(NodeIx),
}

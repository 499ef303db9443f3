//! The places of the data plane, one struct a kind.

use super::{AclIx, GroupSet, HostIx, LinkIx, NodeIx, TableIx};
use crate::lpm::Fib;
use crate::net::{Ipv4Net, MacAddress};
use crate::time::SimDuration;
use crate::wire::ethernet::AddressPair;
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
    /// A NAT gateway.
    NatGateway(NatGatewayNode),
    /// An instance that forwards: the inside of its operating system.
    Forwarder(ForwarderNode),
    /// A VPC peering connection.
    Peering(PeeringNode),
    /// A transit gateway.
    TransitGateway(TransitGatewayNode),
    /// A virtual private gateway.
    VpnGateway(VpnGatewayNode),
    /// A Site-to-Site VPN connection.
    VpnConnection(VpnConnectionNode),
    /// A virtual interface of Direct Connect.
    VirtualInterface(VirtualInterfaceNode),
    /// The router of a network on premises.
    OnPremises(OnPremisesNode),
    /// The internet and the public side of AWS.
    Internet(InternetNode),
    /// A router that forwards by its table alone.
    PlainRouter(PlainRouterNode),
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
    /// What is behind it.
    pub role: EniRole,
    /// Idle timeout of established TCP connections in its tracking table, where it is not the world's (350 s on Nitro v6).
    pub tcp_established_timeout: Option<SimDuration>,
    /// The same for UDP flows seen in one direction, and for those that were answered.
    pub udp_timeouts: [Option<SimDuration>; 2],
}

/// What is behind a network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EniRole {
    /// An end system.
    Guest,
    /// An instance that forwards what is not for its own address: that goes to this node ([`Node::Forwarder`]).
    Forwarder(NodeIx),
    /// An interface endpoint: a service, over PrivateLink.
    Endpoint,
}

/// A VPC's router with its subnets.
#[derive(Clone, Debug)]
pub struct RouterNode {
    /// Its Ethernet address towards the interfaces.
    pub mac: MacAddress,
    /// The VPC's blocks, the primary first.
    pub cidrs: Box<[Ipv4Net]>,
    /// The VPC's subnets.
    pub subnets: Box<[SubnetBoundary]>,
    /// Who has which private address: interfaces, and NAT gateways with each of their addresses.
    pub interfaces: BTreeMap<Ipv4Addr, NodeIx>,
    /// Interfaces by Ethernet address.
    pub interfaces_by_mac: BTreeMap<MacAddress, NodeIx>,
    /// Links by the zones they join, the smaller number first; two equal numbers are the link inside a zone.
    pub zone_links: BTreeMap<(u16, u16), LinkIx>,
    /// Gateway route tables, by the gateway whose incoming packets they are for.
    pub edge_tables: BTreeMap<NodeIx, TableIx>,
    /// How each attached transit gateway enters the VPC.
    pub transit: BTreeMap<NodeIx, TransitPorts>,
}

/// The interfaces of a transit gateway in one VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitPorts {
    /// By zone: the subnet, as a position in the router's `subnets`.
    pub by_zone: BTreeMap<u16, u16>,
    /// Whether both directions of a flow use one and the same interface.
    pub appliance_mode: bool,
}

impl RouterNode {
    /// The zone of a subnet, given as its position.
    pub fn zone_of(&self, subnet: u16) -> Option<u16> {
        self.subnets.get(usize::from(subnet)).map(|boundary| boundary.zone)
    }

    /// Whether `address` lies in one of the VPC's blocks.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(&address))
    }

    /// The subnet whose router has `address`.
    pub fn subnet_of_router_address(&self, address: Ipv4Addr) -> Option<u16> {
        let position = self.subnets.iter().position(|boundary| boundary.router_address == address)?;
        u16::try_from(position).ok()
    }

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
    /// Its block.
    pub cidr: Ipv4Net,
    /// The router's address in it (base+1): the source of ICMP errors about its packets.
    pub router_address: Ipv4Addr,
    /// What VPC Block Public Access lets pass between it and an internet gateway.
    pub public_access: PublicAccess,
}

/// What passes between a subnet and an internet gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicAccess {
    /// Everything.
    #[default]
    Open,
    /// What a NAT gateway sends, and what answers it.
    NatOnly,
    /// Nothing.
    Closed,
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

/// A NAT gateway: translation of addresses and ports, with memory (`dataplane::nat`).
#[derive(Clone, Debug)]
pub struct NatGatewayNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The router of its VPC.
    pub router: NodeIx,
    /// The subnet it lives in, as a position in the router's `subnets`.
    pub subnet: u16,
    /// Its private addresses, the primary first.
    pub addresses: Box<[Ipv4Addr]>,
    /// Whether it leads to the internet.
    pub public: bool,
}

/// An instance that forwards.
#[derive(Clone, Debug)]
pub struct ForwarderNode {
    /// Its Ethernet address: its interface's.
    pub mac: MacAddress,
    /// Its interface.
    pub interface: NodeIx,
    /// The link between the two.
    pub link: LinkIx,
    /// Its private address: what masquerading puts in place of the sender's, and the source of its ICMP errors.
    pub address: Ipv4Addr,
    /// Whether it puts its own address in place of the sender's.
    pub masquerade: bool,
}

/// A VPC peering connection.
#[derive(Clone, Debug)]
pub struct PeeringNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The routers of the two VPCs.
    pub routers: [NodeIx; 2],
    /// The blocks of the two VPCs, in the order of `routers`.
    pub cidrs: [Box<[Ipv4Net]>; 2],
    /// The links towards each of the two, if they are in two Regions. Within one Region the zones of sender and receiver decide.
    pub links: Option<[LinkIx; 2]>,
    /// Whether the VPCs are in two Regions.
    pub inter_region: bool,
}

/// A transit gateway.
#[derive(Clone, Debug)]
pub struct TransitGatewayNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// What is attached, by the node across: a VPC's router, a VPN connection, a virtual interface, another transit gateway.
    pub attachments: BTreeMap<NodeIx, TransitAttachment>,
    /// Equal-cost multi-path: routes, by table and entry, that several VPN connections share.
    pub equal_cost: BTreeMap<(TableIx, u16), Box<[NodeIx]>>,
}

/// One attachment of a transit gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitAttachment {
    /// The route table it is associated with, which decides where what comes in by it goes.
    pub table: Option<TableIx>,
    /// The link to what is attached, if it takes time (another Region).
    pub link: Option<LinkIx>,
    /// Whether packets too big for it are answered with "fragmentation needed": to VPCs they are, to VPN, Direct Connect and peers they are not.
    pub tells_mtu: bool,
    /// IP MTU towards it.
    pub mtu_bytes: u16,
}

/// A virtual private gateway.
#[derive(Clone, Debug)]
pub struct VpnGatewayNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The router of its VPC.
    pub router: NodeIx,
    /// What it learned: blocks on premises and the connections that lead there.
    pub table: TableIx,
}

/// A Site-to-Site VPN connection.
#[derive(Clone, Debug)]
pub struct VpnConnectionNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// AWS's end: a virtual private gateway or a transit gateway.
    pub aws: NodeIx,
    /// The far end: a router on premises.
    pub on_premises: NodeIx,
    /// The two tunnels.
    pub tunnels: [Tunnel; 2],
    /// IP MTU inside the tunnels.
    pub mtu_bytes: u16,
    /// Whether flows are spread over both tunnels (transit gateways do; virtual private gateways use one).
    pub spreads: bool,
}

/// One tunnel of a VPN connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Its link.
    pub link: LinkIx,
    /// Whether it carries packets.
    pub up: bool,
}

/// A virtual interface of Direct Connect.
#[derive(Clone, Debug)]
pub struct VirtualInterfaceNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// AWS's end: a virtual private gateway, a transit gateway, or the internet node with the public side of AWS's services.
    pub aws: NodeIx,
    /// The far end.
    pub on_premises: NodeIx,
    /// Its link.
    pub link: LinkIx,
    /// IP MTU.
    pub mtu_bytes: u16,
    /// Whether its BGP session is up.
    pub up: bool,
}

/// The router of a network on premises.
#[derive(Clone, Debug)]
pub struct OnPremisesNode {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// Its own address.
    pub address: Ipv4Addr,
    /// The network's blocks.
    pub cidrs: Box<[Ipv4Net]>,
    /// Its hosts by address.
    pub hosts: BTreeMap<Ipv4Addr, HostIx>,
    /// For each host attached here, its Ethernet address and its platform, if it has one.
    pub attached: BTreeMap<HostIx, (MacAddress, Option<HostIx>)>,
    /// What it learned from AWS: blocks of VPCs and services, and the connections that lead there.
    pub table: TableIx,
    /// The internet, and the public address it puts in place of inside ones; `None`: no way there.
    pub internet: Option<(NodeIx, Ipv4Addr)>,
    /// The link between it and the internet.
    pub internet_link: LinkIx,
}

impl OnPremisesNode {
    /// Whether `address` is the router's own: the base plus one of a block.
    pub fn is_own_address(&self, address: Ipv4Addr) -> bool {
        self.cidrs.iter().any(|block| u32::from(block.network()).checked_add(1) == Some(u32::from(address)))
    }
}

/// A router that forwards by its table alone: no network of AWS's, but what its forwarding is compared with.
#[derive(Clone, Debug)]
pub struct PlainRouterNode {
    /// What it answers ARP with.
    pub mac: MacAddress,
    /// Prefixes, and the port each is behind.
    pub table: Fib<u16>,
    /// Where hosts are attached.
    pub ports: Box<[PlainPort]>,
}

/// A port of a plain router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainPort {
    /// Who is attached.
    pub host: HostIx,
    /// From the port to the host.
    pub addresses: AddressPair,
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
    /// What networks on premises announce to AWS over public virtual interfaces, the longest blocks first. AWS's own packets take that way.
    pub announced: Box<[(Ipv4Net, NodeIx)]>,
}

/// Who answers at a public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicTarget {
    /// A host on the internet.
    Host(HostIx),
    /// An interface or NAT gateway behind an internet gateway.
    Gateway(NodeIx),
    /// A network on premises: its router's public address.
    OnPremises(NodeIx),
}

//! The compiled network: small, flat, immutable. What packets meet.
//!
//! Purpose: everything a packet's way depends on, in dense arrays; plus [`Origins`], the cold side that turns indices back into AWS
//! ids and sentences. Non-goals: packets and state (`dataplane`), intent (`model`). Invariants: an index once given to an AWS id
//! keeps its meaning for the whole run; what is removed leaves a tombstone.

mod acl;
mod lookup;
mod node;
mod origins;
mod security;

pub use acl::{Acl, AclEntry};
pub use lookup::{Lookup, NodeKey, TableKey};
pub use node::{
    EniNode, EniRole, ForwarderNode, GatewayEndpointNode, InternetGatewayNode, InternetNode, NatGatewayNode, Node,
    OnPremisesNode, PeeringNode, PlainPort, PlainRouterNode, PublicAccess, PublicTarget, RouterNode, SubnetBoundary,
    TransitAttachment, TransitGatewayNode, TransitPorts, Tunnel, VirtualInterfaceNode, VpnConnectionNode,
    VpnGatewayNode,
};
pub use origins::{GroupOrigin, Named, Origins, RibEntry, RouteExplanation, TableOrigin};
pub use security::{CompiledRule, GroupSet, RuleSource};

use crate::lpm::Fib;
use crate::net::{ForwardingSettings, Ipv4Net, LinkParameters, MacAddress};
use std::sync::Arc;

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// The index as an array position.
            pub const fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

indices! {
    /// A place in the data plane.
    NodeIx;
    /// An end system.
    HostIx;
    /// A link class instance between two places.
    LinkIx;
    /// A forwarding table.
    TableIx;
    /// A network ACL.
    AclIx;
    /// A security group.
    GroupIx;
}

/// Where a packet goes next: 8 bytes, the value type of the forwarding tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct NextHop {
    /// What the target is.
    pub kind: NextHopKind,
    /// Which entry of the table's RIB decided: an index into [`TableOrigin::entries`].
    pub entry: u16,
    /// The target node; for `Local` and `Blackhole` the router itself.
    pub node: NodeIx,
}

const _: () = assert!(size_of::<NextHop>() == 8);

/// What a route points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NextHopKind {
    /// Delivery to the interface that has the destination address.
    Local,
    /// Another node: internet gateway, endpoint, interface.
    Node,
    /// The target is gone.
    Blackhole,
}

/// An end system and where it is attached.
#[derive(Clone, Debug, PartialEq)]
pub struct HostAttachment {
    /// What it is.
    pub kind: HostKind,
    /// The node its frames enter and leave by.
    pub node: NodeIx,
    /// The link between host and node.
    pub link: LinkIx,
    /// Its Ethernet address. Platforms have their router's: they answer in its name.
    pub mac: MacAddress,
    /// Gone: frames to it are dropped.
    pub removed: bool,
}

/// The kinds of end systems.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostKind {
    /// The system on an interface.
    Instance(crate::ids::EniId),
    /// What answers DHCP, DNS and the router's ping for an interface.
    Platform(crate::ids::EniId),
    /// A host on the internet.
    Outside(String),
    /// The internet provider's router and resolver of an outside host.
    OutsidePlatform(String),
    /// The public side of a service in a Region.
    PublicService(crate::net::ServiceKind, String),
    /// The side of a service that a gateway endpoint leads to.
    EndpointService(crate::ids::VpcEndpointId),
    /// The side of a service behind one interface of an interface endpoint.
    InterfaceEndpointService(crate::ids::EniId),
    /// A host on premises: the network's name and its own.
    OnPremises(String, String),
    /// What resolves names for a host on premises.
    OnPremisesPlatform(String, String),
}

/// The compiled network. Its arrays are shared with the programs before it, as far as they did not change.
#[derive(Clone, Debug)]
pub struct Program {
    /// Grows by one with every publication.
    pub epoch: u64,
    /// How forwarding behaves where there is a choice.
    pub settings: ForwardingSettings,
    /// Places. Indexed by [`NodeIx`].
    pub nodes: Arc<[Node]>,
    /// Forwarding tables. Indexed by [`TableIx`].
    pub fibs: Arc<[Fib<NextHop>]>,
    /// Network ACLs. Indexed by [`AclIx`].
    pub acls: Arc<[Acl]>,
    /// End systems. Indexed by [`HostIx`].
    pub hosts: Arc<[HostAttachment]>,
    /// Links. Indexed by [`LinkIx`]; a link is used in both directions, each with a queue of its own.
    pub links: Arc<[LinkParameters]>,
    /// Ids to indices.
    pub lookup: Arc<Lookup>,
    /// Indices back to ids and sentences.
    pub origins: Origins,
}

impl Program {
    /// A router-only network: one [`PlainRouterNode`] with `mac`, whose ports' hosts are numbered as the ports are.
    pub fn plain_router(mac: MacAddress, ports: Vec<PlainPort>, routes: &[(Ipv4Net, u16)]) -> Program {
        let (node, link) = (NodeIx(0), LinkIx(0));
        let hosts = ports.iter().map(|port| HostAttachment {
            kind: HostKind::Outside(format!("port {}", port.host.0)),
            node,
            link,
            mac: port.addresses.destination(),
            removed: false,
        });
        Program {
            hosts: hosts.collect(),
            nodes: Arc::new([Node::PlainRouter(PlainRouterNode {
                mac,
                table: Fib::build(routes),
                ports: ports.into(),
            })]),
            ..Program::empty()
        }
    }

    /// A program without any place: what a world holds before the first publication.
    pub fn empty() -> Program {
        Program {
            epoch: 0,
            settings: ForwardingSettings::default(),
            nodes: Arc::new([]),
            fibs: Arc::new([]),
            acls: Arc::new([]),
            hosts: Arc::new([]),
            links: Arc::new([]),
            origins: Origins::default(),
            lookup: Default::default(),
        }
    }
}

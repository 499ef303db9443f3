//! From intent to program.
//!
//! Purpose: [`Compiler::compile`] turns a [`Model`] into the [`Program`] that packets meet, keeping the indices of everything it has seen before. Non-goals: judging
//! the model (its constructors did), packets. Invariants: the same models in the same order give the same programs; an index never changes its
//! meaning, what is gone leaves a tombstone (node), an empty table, or a host marked removed, and keeps its name for the records; a failed compilation
//! hands out no program and does not disturb later ones.

mod by_vpc;
mod edge;
mod interface_endpoint;
mod internet;
mod names;
mod nat;
mod peering;
mod registry;
mod reuse;
mod route_priority;
mod security_groups;
mod tables;
mod transit_gateway;
mod vpc;
mod vpn;

use crate::ids::{
    NetworkAclId, SecurityGroupId, TransitGatewayAttachmentId, VirtualInterfaceId, VpcId, VpcPeeringConnectionId,
    VpnConnectionId,
};
use crate::model::{Model, Shared};
use crate::net::{ForwardingSettings, LinkParameters, MacAddress};
use crate::program::{
    Acl, GroupOrigin, HostAttachment, HostIx, HostKind, LinkIx, Lookup, Named, Node, NodeIx, NodeKey, Origins, Program,
    TableIx, TableKey,
};
use crate::rng::Seed;
use by_vpc::ByVpc;
use registry::Registry;
use reuse::Earlier;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tables::{BuiltTable, CompiledTables};

/// Why a model cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More of something than an index can hold.
    #[error("{what}: {count} are more than the {limit} that a program can hold")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Compiles models of one run, keeping indices stable from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    epoch: u64,
    nodes: Registry<NodeKey>,
    hosts: Registry<HostKind>,
    links: Registry<LinkKey>,
    tables: Registry<TableKey>,
    acls: Registry<NetworkAclId>,
    groups: Registry<SecurityGroupId>,
    zones: Registry<String>,
    /// Whose the interfaces are that AWS manages, gone ones included.
    owners: BTreeMap<NodeIx, Named>,
    /// The gateway behind which each public address was last seen.
    public_addresses: BTreeMap<Ipv4Addr, NodeKey>,
    /// The tables as last built, to share what did not change.
    built: Shared<BTreeMap<TableIx, BuiltTable>>,
    /// What was compiled last.
    earlier: Option<Arc<Earlier>>,
    /// Whether every compilation starts from nothing but the indices.
    forgets: bool,
}

/// What a link joins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LinkKey {
    /// A host and its node.
    Host(HostKind),
    /// Two zones of a VPC, or a zone with itself.
    Zones(VpcId, u16, u16),
    /// The way to one side (0 is the requester) of two peered VPCs in two Regions.
    Peering(VpcPeeringConnectionId, u8),
    /// Two peered transit gateways, in two Regions: the requester's attachment.
    TransitGatewayPeering(TransitGatewayAttachmentId),
    /// The two ends of a VPN tunnel, the first (0) or the second.
    Tunnel(VpnConnectionId, u8),
    /// The two ends of a virtual interface.
    VirtualInterface(VirtualInterfaceId),
    /// The router of the network on premises of this name and the internet.
    OnPremisesInternet(String),
}

/// The program being made. Slots of the registries that stay unfilled are what is gone.
#[derive(Default)]
struct Draft {
    nodes: BTreeMap<NodeIx, Node>,
    hosts: BTreeMap<HostIx, (NodeKey, MacAddress)>,
    links: BTreeMap<LinkIx, LinkParameters>,
    address_names: Vec<(Ipv4Addr, String)>,
    settings: ForwardingSettings,
}

impl Compiler {
    /// A compiler that has seen nothing.
    pub fn new() -> Self {
        Compiler::default()
    }

    /// A compiler that takes nothing but the indices from one compilation to the next: the naive twin, for tests.
    pub fn without_reuse() -> Self {
        Compiler { forgets: true, ..Compiler::default() }
    }

    /// Compiles `model`.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub fn compile(&mut self, model: &Model) -> Result<Program, CompileError> {
        let earlier = self.earlier.clone().filter(|earlier| earlier.model.differs_only_in_routes(model));
        let mut program = match earlier {
            Some(earlier) => self.compile_routes(model, &earlier)?,
            None => self.compile_all(model)?,
        };
        self.epoch += 1;
        program.epoch = self.epoch;
        if !self.forgets {
            self.earlier = Some(Arc::new(Earlier { model: model.clone(), program: program.clone() }));
        }
        Ok(program)
    }

    /// Compiles routes; everything else is as it was.
    fn compile_routes(&mut self, model: &Model, earlier: &Earlier) -> Result<Program, CompileError> {
        let (fibs, tables) = self.compile_tables(model, Some(earlier))?;
        let program = earlier.program.clone();
        Ok(Program { fibs, origins: Origins { tables, ..program.origins }, ..program })
    }

    fn compile_all(&mut self, model: &Model) -> Result<Program, CompileError> {
        let mut draft = Draft { settings: model.forwarding, ..Draft::default() };
        self.enrol(model);
        let acls = self.compile_acls(model);
        let groups = self.compile_group_origins(model);
        let tables = self.compile_tables(model, None)?;
        let by_vpc = ByVpc::of(model);
        for vpc in model.vpcs.values() {
            self.compile_vpc(model, vpc, &by_vpc, &mut draft)?;
        }
        self.compile_peering_connections(model, &mut draft);
        self.compile_transit_gateways(model, &mut draft)?;
        self.compile_vpn(model, &mut draft);
        self.compile_internet(model, &mut draft);
        self.name_addresses(model, &mut draft);
        Ok(self.assemble(draft, tables, acls, groups))
    }

    /// Gives indices, and names, to everything in the model.
    fn enrol(&mut self, model: &Model) {
        self.nodes.enrol(NodeKey::Internet, named("internet", None));
        for vpc in model.vpcs.values() {
            self.nodes.enrol(NodeKey::Router(vpc.id), named(vpc.id, vpc.tags.name()));
        }
        for gateway in model.internet_gateways.values() {
            self.nodes.enrol(NodeKey::InternetGateway(gateway.id), named(gateway.id, gateway.tags.name()));
        }
        for endpoint in model.vpc_endpoints.values().filter(|endpoint| endpoint.is_gateway()) {
            self.nodes.enrol(NodeKey::GatewayEndpoint(endpoint.id), named(endpoint.id, endpoint.tags.name()));
        }
        self.enrol_nat_gateways(model);
        for eni in model.network_interfaces.values().filter(|eni| vpc::has_node(eni)) {
            self.enrol_forwarder(model, eni);
            let name = model.instance_of(eni).and_then(|instance| instance.tags.name());
            let endpoint = model.endpoint_of_interface(eni.id);
            let of_endpoint = endpoint.map(|endpoint| interface_endpoint::interface_name(model, endpoint, eni));
            self.nodes.enrol(NodeKey::Eni(eni.id), named(eni.id, name.or(of_endpoint.as_deref())));
            if let Some(endpoint) = endpoint {
                self.owners.insert(self.node_ix(&NodeKey::Eni(eni.id)), named(endpoint.id, endpoint.tags.name()));
            }
        }
        for table in model.route_tables.values() {
            self.tables.enrol(TableKey::Route(table.id), named(table.id, table.tags.name()));
        }
        self.enrol_peering_connections(model);
        self.enrol_transit_gateways(model);
        self.enrol_vpn(model);
        for acl in model.network_acls.values() {
            let default = acl.is_default.then_some("default");
            self.acls.enrol(acl.id, named(acl.id, acl.tags.name().or(default)));
        }
        for group in model.security_groups.values() {
            self.groups.enrol(group.id, named(group.id, Some(&group.group_name)));
        }
        for subnet in model.subnets.values() {
            if self.zones.index(subnet.availability_zone.as_str()).is_none() {
                self.zones.enrol(subnet.availability_zone.clone(), named(&subnet.availability_zone, None));
            }
        }
    }

    fn compile_acls(&self, model: &Model) -> Arc<[Acl]> {
        self.acls
            .keys()
            .map(|id| model.network_acls.get(id).map_or_else(Acl::default, security_groups::compile_acl))
            .collect()
    }

    fn assemble(
        &self,
        mut draft: Draft,
        (fibs, tables): CompiledTables,
        acls: Arc<[Acl]>,
        groups: Arc<[GroupOrigin]>,
    ) -> Program {
        let node_count = self.nodes.len();
        let nodes = (0..node_count).map(|at| draft.nodes.remove(&NodeIx(at)).unwrap_or(Node::Tombstone)).collect();
        let hosts =
            (0u32..).zip(self.hosts.keys()).map(|(at, kind)| self.attachment(&draft, HostIx(at), kind)).collect();
        let gone = LinkParameters {
            latency: crate::time::SimDuration::ZERO,
            bandwidth_bits_per_second: 0,
            queue_bytes: 0,
            loss: 0.0,
        };
        let links = (0..self.links.len()).map(|at| draft.links.get(&LinkIx(at)).copied().unwrap_or(gone)).collect();
        draft.address_names.sort();
        draft.address_names.dedup();
        Program {
            epoch: self.epoch,
            settings: draft.settings,
            nodes,
            fibs,
            acls,
            hosts,
            links,
            lookup: Arc::new(Lookup {
                nodes: self.nodes.indices().map(|(key, at)| (key.clone(), NodeIx(at))).collect(),
                hosts: self.hosts.indices().map(|(key, at)| (key.clone(), HostIx(at))).collect(),
                tables: (self.tables.indices())
                    .filter_map(|(key, at)| match key {
                        TableKey::Route(id) => Some((*id, TableIx(at))),
                        _ => None,
                    })
                    .collect(),
                all_tables: self.tables.indices().map(|(key, at)| (key.clone(), TableIx(at))).collect(),
            }),
            origins: Origins {
                nodes: self.nodes.names(),
                hosts: self.hosts.names(),
                owners: self.owners.clone(),
                tables,
                links: self.links.names(),
                acls: self.acls.names(),
                zones: self.zones.names(),
                groups,
                address_names: draft.address_names.into(),
            },
        }
    }

    fn attachment(&self, draft: &Draft, at: HostIx, kind: &HostKind) -> HostAttachment {
        let live = draft.hosts.get(&at);
        let key = live.map_or_else(|| home_of(kind), |(key, _)| key.clone());
        HostAttachment {
            kind: kind.clone(),
            node: NodeIx(self.nodes.index(&key).unwrap_or_default()),
            link: LinkIx(self.links.index(&LinkKey::Host(kind.clone())).unwrap_or_default()),
            mac: live.map_or_else(MacAddress::default, |(_, mac)| *mac),
            removed: live.is_none(),
        }
    }

    /// Attaches a host to a node.
    fn attach(
        &mut self,
        draft: &mut Draft,
        kind: HostKind,
        name: Named,
        link: LinkParameters,
        mac: MacAddress,
    ) -> HostIx {
        let link_name = Named { id: format!("link of {}", name.id), name: name.name.clone() };
        let at = HostIx(self.hosts.enrol(kind.clone(), name));
        draft.hosts.insert(at, (home_of(&kind), mac));
        let link_ix = LinkIx(self.links.enrol(LinkKey::Host(kind), link_name));
        draft.links.insert(link_ix, link);
        at
    }

    /// The node of something that was enrolled.
    fn node_ix(&self, key: &NodeKey) -> NodeIx {
        // Invariant: `enrol` saw everything in the model before anybody asks.
        NodeIx(self.nodes.index(key).unwrap_or_default())
    }
}

/// The node that a kind of host is attached to.
fn home_of(kind: &HostKind) -> NodeKey {
    match kind {
        HostKind::Instance(id) | HostKind::Platform(id) | HostKind::InterfaceEndpointService(id) => NodeKey::Eni(*id),
        HostKind::OnPremises(network, _) | HostKind::OnPremisesPlatform(network, _) => {
            NodeKey::OnPremises(network.clone())
        }
        HostKind::EndpointService(id) => NodeKey::GatewayEndpoint(*id),
        HostKind::Outside(_) | HostKind::OutsidePlatform(_) | HostKind::PublicService(..) => NodeKey::Internet,
    }
}

/// A link that takes no time: between an interface or a provider's router and its own services.
fn immediate(like: LinkParameters) -> LinkParameters {
    LinkParameters {
        latency: crate::time::SimDuration::ZERO,
        bandwidth_bits_per_second: 0,
        queue_bytes: like.queue_bytes,
        loss: 0.0,
    }
}

/// A virtual Ethernet address for something called `label`: the same in every run.
fn virtual_mac(label: &str) -> MacAddress {
    MacAddress::local(Seed::new(0).derive(&format!("mac:{label}")).next_u64())
}

fn named(id: impl ToString, name: Option<&str>) -> Named {
    Named { id: id.to_string(), name: name.map(str::to_owned) }
}

/// An index that must fit 16 bits.
fn small_index(what: &'static str, index: usize) -> Result<u16, CompileError> {
    let limit = usize::from(u16::MAX) + 1;
    u16::try_from(index).map_err(|_| CompileError::TooMany { what, count: index + 1, limit })
}

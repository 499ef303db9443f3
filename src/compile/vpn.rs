//! Virtual private gateways, VPN connections, virtual interfaces, and the networks on premises behind them.
//!
//! A gateway that is attached to no VPC takes no packets and is left out; so are deleted connections. The forwarding tables of gateways and of routers on premises come
//! from what they learned ([`Learned`]): of each block the best, nothing that BGP has withdrawn, and nothing over a link that is down as long as a link that is up covers
//! the block.

use super::route_priority::CompiledTable;
use super::{CompileError, Compiler, Draft, LinkKey, immediate, named, small_index, virtual_mac};
use crate::model::{
    Learned, Model, OnPremisesLink, OnPremisesNetwork, VirtualInterface, VirtualInterfaceKind, VpnConnection, VpnTarget,
};
use crate::net::Ipv4Net;
use crate::program::{
    HostKind, LinkIx, NextHop, NextHopKind, Node, NodeIx, NodeKey, OnPremisesNode, RibEntry, TableIx, TableKey, Tunnel,
    VirtualInterfaceNode, VpnConnectionNode, VpnGatewayNode,
};
use std::collections::{BTreeMap, BTreeSet};

impl Compiler {
    /// Gives indices to everything between AWS and networks on premises.
    pub(super) fn enrol_vpn(&mut self, model: &Model) {
        for gateway in model.vpn_gateways.values() {
            let name = named(gateway.id, gateway.tags.name());
            self.nodes.enrol(NodeKey::VpnGateway(gateway.id), name.clone());
            self.tables.enrol(TableKey::VpnGateway(gateway.id), name);
        }
        for connection in model.live_vpn_connections() {
            self.nodes.enrol(NodeKey::VpnConnection(connection.id), named(connection.id, connection.tags.name()));
        }
        for interface in model.virtual_interfaces.values() {
            self.nodes.enrol(NodeKey::VirtualInterface(interface.id), named(interface.id, interface.tags.name()));
        }
        for network in model.on_premises.values() {
            let name = named(&network.name, None);
            self.nodes.enrol(NodeKey::OnPremises(network.name.clone()), name.clone());
            self.tables.enrol(TableKey::OnPremises(network.name.clone()), name);
        }
    }

    /// Compiles everything between AWS and networks on premises.
    pub(super) fn compile_vpn(&mut self, model: &Model, draft: &mut Draft) {
        for gateway in model.vpn_gateways.values() {
            let Some(vpc_id) = gateway.attached_vpc_id else { continue };
            let node = VpnGatewayNode {
                mac: virtual_mac(&gateway.id.to_string()),
                router: self.node_ix(&NodeKey::Router(vpc_id)),
                table: self.table_ix(&TableKey::VpnGateway(gateway.id)),
            };
            draft.nodes.insert(self.node_ix(&NodeKey::VpnGateway(gateway.id)), Node::VpnGateway(node));
        }
        for connection in model.live_vpn_connections() {
            self.compile_connection(model, connection, draft);
        }
        for interface in model.virtual_interfaces.values() {
            self.compile_virtual_interface(model, interface, draft);
        }
        for network in model.on_premises.values() {
            self.compile_on_premises(model, network, draft);
        }
    }

    fn compile_connection(&mut self, model: &Model, connection: &VpnConnection, draft: &mut Draft) {
        let mut tunnel = |number: u8| {
            let name = named(format!("{} tunnel {}", connection.id, number + 1), connection.tags.name());
            let link = LinkIx(self.links.enrol(LinkKey::Tunnel(connection.id, number), name));
            draft.links.insert(link, model.links.vpn);
            Tunnel { link, up: connection.tunnels_up[usize::from(number)] }
        };
        let tunnels = [tunnel(0), tunnel(1)];
        let (aws, spreads) = match connection.target {
            VpnTarget::VpnGateway(id) => (NodeKey::VpnGateway(id), false),
            VpnTarget::TransitGateway(id) => (NodeKey::TransitGateway(id), true),
        };
        let node = VpnConnectionNode {
            mac: virtual_mac(&connection.id.to_string()),
            aws: self.node_ix(&aws),
            on_premises: self.node_ix(&NodeKey::OnPremises(connection.on_premises.clone())),
            tunnels,
            mtu_bytes: model.forwarding.vpn_mtu_bytes,
            spreads,
        };
        draft.nodes.insert(self.node_ix(&NodeKey::VpnConnection(connection.id)), Node::VpnConnection(node));
    }

    fn compile_virtual_interface(&mut self, model: &Model, interface: &VirtualInterface, draft: &mut Draft) {
        let name = named(format!("link of {}", interface.id), interface.tags.name());
        let link = LinkIx(self.links.enrol(LinkKey::VirtualInterface(interface.id), name));
        draft.links.insert(link, model.links.direct_connect);
        let aws = match interface.kind {
            VirtualInterfaceKind::Private(id) => NodeKey::VpnGateway(id),
            VirtualInterfaceKind::Transit(id) => NodeKey::TransitGateway(id),
            VirtualInterfaceKind::Public => NodeKey::Internet,
        };
        let node = VirtualInterfaceNode {
            mac: virtual_mac(&interface.id.to_string()),
            aws: self.node_ix(&aws),
            on_premises: self.node_ix(&NodeKey::OnPremises(interface.on_premises.clone())),
            link,
            mtu_bytes: interface.mtu_bytes,
            up: interface.up,
        };
        draft.nodes.insert(self.node_ix(&NodeKey::VirtualInterface(interface.id)), Node::VirtualInterface(node));
    }

    fn compile_on_premises(&mut self, model: &Model, network: &OnPremisesNetwork, draft: &mut Draft) {
        let mac = virtual_mac(&format!("router of {}", network.name));
        let link = model.links.on_premises;
        let (mut hosts, mut attached) = (BTreeMap::new(), BTreeMap::new());
        for (host_name, address) in &network.hosts {
            let own_mac = virtual_mac(&format!("on premises {} {host_name}", network.name));
            let kind = HostKind::OnPremises(network.name.clone(), host_name.clone());
            let host = self.attach(draft, kind, named(host_name, Some(host_name)), link, own_mac);
            let kind = HostKind::OnPremisesPlatform(network.name.clone(), host_name.clone());
            let platform =
                self.attach(draft, kind, named(format!("resolver of {host_name}"), None), immediate(link), mac);
            hosts.insert(*address, host);
            attached.insert(host, (own_mac, Some(platform)));
            attached.insert(platform, (mac, None));
        }
        let key = LinkKey::OnPremisesInternet(network.name.clone());
        let name = named(format!("{} - internet", network.name), None);
        let internet_link = LinkIx(self.links.enrol(key, name));
        draft.links.insert(internet_link, model.links.internet);
        let node = OnPremisesNode {
            mac,
            address: network.router_address(),
            cidrs: network.cidrs.as_slice().into(),
            hosts,
            attached,
            table: self.table_ix(&TableKey::OnPremises(network.name.clone())),
            internet: network.internet_address.map(|address| (self.node_ix(&NodeKey::Internet), address)),
            internet_link,
        };
        draft.nodes.insert(self.node_ix(&NodeKey::OnPremises(network.name.clone())), Node::OnPremises(node));
    }

    fn table_ix(&self, key: &TableKey) -> TableIx {
        // Invariant: `enrol` saw everything in the model before anybody asks.
        TableIx(self.tables.index(key).unwrap_or_default())
    }

    /// Blocks announced to AWS over public virtual interfaces that are up, longest first.
    pub(super) fn announced_to_aws(&self, model: &Model) -> Box<[(Ipv4Net, NodeIx)]> {
        let public = model.virtual_interfaces.values().filter(|other| other.kind == VirtualInterfaceKind::Public);
        let mut announced: Vec<(Ipv4Net, NodeIx)> = public
            .filter(|interface| interface.up)
            .flat_map(|interface| {
                let at = self.node_ix(&NodeKey::VirtualInterface(interface.id));
                interface.routes.iter().map(move |route| (route.cidr, at))
            })
            .collect();
        announced.sort_by_key(|(cidr, at)| (std::cmp::Reverse(cidr.prefix_len()), *cidr, *at));
        announced.into()
    }

    /// The table of a gateway or router on premises; `None` for other tables, and those of what is gone.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn learned_table(&self, model: &Model, key: &TableKey) -> Result<Option<CompiledTable>, CompileError> {
        match key {
            TableKey::VpnGateway(id) => self.compile_learned(&model.learned_by_gateway(*id), false).map(Some),
            TableKey::OnPremises(network) => {
                let compile = |network: &OnPremisesNetwork| {
                    self.compile_learned(&model.learned_on_premises(network), network.internet_address.is_some())
                };
                model.on_premises.get(network).map(compile).transpose()
            }
            TableKey::Route(_) | TableKey::TransitGateway(_) => Ok(None),
        }
    }

    /// The table of what was learned; `has_internet`: public addresses are reached without it, too.
    ///
    /// # Errors
    /// [`CompileError::TooMany`]: more entries than a next hop can name.
    fn compile_learned(&self, learned: &[Learned], has_internet: bool) -> Result<CompiledTable, CompileError> {
        let live: Vec<Ipv4Net> = learned.iter().filter(|learned| learned.up).map(|learned| learned.cidr).collect();
        let (mut entries, mut winners, mut decided) = (Vec::new(), Vec::new(), BTreeSet::new());
        for learned in learned {
            let covered = live.iter().any(|block| block.contains(&learned.cidr))
                || (has_internet && !learned.cidr.network().is_private());
            // Where nothing else leads there, a static route stays and leads to what is down.
            if learned.is_withdrawn() || (!learned.up && covered) {
                continue;
            }
            let entry = small_index("routes learned by a router", entries.len())?;
            let key = match learned.over {
                OnPremisesLink::Vpn(id) => NodeKey::VpnConnection(id),
                OnPremisesLink::VirtualInterface(id) => NodeKey::VirtualInterface(id),
            };
            let kind = NextHopKind::Node;
            entries.push(RibEntry {
                cidr: learned.cidr,
                prefix_list: None,
                target: learned.over.to_string(),
                kind,
                propagated: !learned.is_static,
                shares_flows: false,
            });
            if decided.insert(learned.cidr) {
                winners.push((learned.cidr, NextHop { kind, entry, node: self.node_ix(&key) }));
            }
        }
        Ok(CompiledTable { entries: entries.into(), winners })
    }
}

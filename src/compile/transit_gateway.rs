//! Transit gateways: a node each, their route tables, and the ports by which they enter VPCs.
//!
//! The order of a table's rows, and which of them is in force, is the model's ([`Model::transit_gateway_routes`]); here they become next hops: the node across the
//! attachment. A static route to an attachment that is gone is a blackhole.

use super::route_priority::CompiledTable;
use super::vpc::Positions;
use super::{CompileError, Compiler, Draft, LinkKey, named, small_index, virtual_mac};
use crate::model::{
    Model, RouteState, TransitGateway, TransitGatewayAttachment, TransitGatewayAttachmentState, TransitGatewayResource,
    TransitGatewayRoute, TransitGatewayRouteRank, TransitGatewayRouteTable, Vpc,
};
use crate::net::Ipv4Net;
use crate::program::{
    LinkIx, NextHop, NextHopKind, Node, NodeIx, NodeKey, RibEntry, TableIx, TableKey, TransitAttachment,
    TransitGatewayNode, TransitPorts,
};
use std::collections::{BTreeMap, BTreeSet};

/// Routes that several VPN connections share, by table and entry.
type EqualCost = BTreeMap<(TableIx, u16), Box<[NodeIx]>>;

impl Compiler {
    /// Gives indices to transit gateways and their tables.
    pub(super) fn enrol_transit_gateways(&mut self, model: &Model) {
        for gateway in model.transit_gateways.values() {
            self.nodes.enrol(NodeKey::TransitGateway(gateway.id), named(gateway.id, gateway.tags.name()));
        }
        for table in model.transit_gateway_route_tables.values() {
            self.tables.enrol(TableKey::TransitGateway(table.id), named(table.id, table.tags.name()));
        }
    }

    /// Compiles every transit gateway.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn compile_transit_gateways(&mut self, model: &Model, draft: &mut Draft) -> Result<(), CompileError> {
        for gateway in model.transit_gateways.values() {
            let mut attachments = BTreeMap::new();
            for attachment in model.living_attachments(gateway.id).filter(|attachment| is_available(attachment)) {
                let at = self.node_ix(&across(attachment));
                attachments.insert(at, self.compile_attachment(model, gateway, attachment, draft));
            }
            let node = TransitGatewayNode {
                mac: virtual_mac(&gateway.id.to_string()),
                attachments,
                equal_cost: self.equal_cost(model, gateway)?,
            };
            draft.nodes.insert(self.node_ix(&NodeKey::TransitGateway(gateway.id)), Node::TransitGateway(node));
        }
        Ok(())
    }

    fn compile_attachment(
        &mut self,
        model: &Model,
        gateway: &TransitGateway,
        attachment: &TransitGatewayAttachment,
        draft: &mut Draft,
    ) -> TransitAttachment {
        let settings = model.forwarding;
        let table = model.transit_gateway_association(attachment.id);
        let table = table.and_then(|table| self.tables.index(&TableKey::TransitGateway(table.id))).map(TableIx);
        let (tells_mtu, mtu_bytes) = match &attachment.resource {
            TransitGatewayResource::Vpc { .. } => (true, settings.transit_gateway_mtu_bytes),
            TransitGatewayResource::Peering { .. } => (false, settings.transit_gateway_mtu_bytes),
            TransitGatewayResource::Vpn(_) => (false, settings.vpn_mtu_bytes),
            TransitGatewayResource::DirectConnect(id) => {
                let interface = model.virtual_interfaces.get(id);
                let mtu_bytes = interface.map_or(settings.transit_gateway_mtu_bytes, |interface| interface.mtu_bytes);
                (false, mtu_bytes.min(settings.transit_gateway_mtu_bytes))
            }
        };
        let link = self.peering_link(model, gateway, attachment, draft);
        TransitAttachment { table, link, tells_mtu, mtu_bytes }
    }

    /// The link to a transit gateway of another Region.
    fn peering_link(
        &mut self,
        model: &Model,
        gateway: &TransitGateway,
        attachment: &TransitGatewayAttachment,
        draft: &mut Draft,
    ) -> Option<LinkIx> {
        let TransitGatewayResource::Peering { peer_transit_gateway_id, peer_attachment_id, is_requester } =
            attachment.resource
        else {
            return None;
        };
        let peer = model.transit_gateways.get(&peer_transit_gateway_id)?;
        if peer.region == gateway.region {
            return None;
        }
        let (near, far, key) = match is_requester {
            true => (gateway, peer, attachment.id),
            false => (peer, gateway, peer_attachment_id),
        };
        let name = named(format!("{} - {}", near.region, far.region), attachment.tags.name());
        let link = LinkIx(self.links.enrol(LinkKey::TransitGatewayPeering(key), name));
        draft.links.insert(link, model.links.inter_region);
        Some(link)
    }

    /// The routes that several VPN connections share, by table and entry.
    fn equal_cost(&self, model: &Model, gateway: &TransitGateway) -> Result<EqualCost, CompileError> {
        let mut shared = BTreeMap::new();
        if !gateway.vpn_equal_cost {
            return Ok(shared);
        }
        let own = |table: &&TransitGatewayRouteTable| table.transit_gateway_id == gateway.id;
        for table in model.transit_gateway_route_tables.values().filter(own) {
            let Some(at) = self.tables.index(&TableKey::TransitGateway(table.id)).map(TableIx) else { continue };
            let routes = model.transit_gateway_routes(table);
            let mut decided = BTreeSet::new();
            for (position, route) in routes.iter().enumerate().filter(|(_, route)| decided.insert(route.cidr)) {
                if !matches!(route.rank, TransitGatewayRouteRank::Learned { shares_flows: true, .. }) {
                    continue;
                }
                let alike = routes.iter().filter(|other| (other.cidr, other.rank) == (route.cidr, route.rank));
                let nodes: Box<[NodeIx]> = alike.map(|route| self.transit_target(model, route).1).collect();
                if nodes.len() > 1 {
                    shared.insert((at, small_index("entries of a route table", position)?), nodes);
                }
            }
        }
        Ok(shared)
    }

    /// Compiles a route table of a transit gateway.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn compile_transit_gateway_table(
        &self,
        model: &Model,
        table: &TransitGatewayRouteTable,
    ) -> Result<CompiledTable, CompileError> {
        let (mut entries, mut winners) = (Vec::new(), Vec::new());
        let mut decided: BTreeMap<Ipv4Net, TransitGatewayRouteRank> = BTreeMap::new();
        let equal_cost = model.transit_gateways.get(&table.transit_gateway_id).is_some_and(|it| it.vpn_equal_cost);
        for (position, route) in model.transit_gateway_routes(table).iter().enumerate() {
            let entry = small_index("entries of a route table", position)?;
            let (kind, node) = self.transit_target(model, route);
            let node = if kind == NextHopKind::Blackhole {
                self.node_ix(&NodeKey::TransitGateway(table.transit_gateway_id))
            } else {
                node
            };
            let is_first = !decided.contains_key(&route.cidr);
            let best = *decided.entry(route.cidr).or_insert(route.rank);
            let learned = matches!(route.rank, TransitGatewayRouteRank::Learned { shares_flows: true, .. });
            entries.push(RibEntry {
                cidr: route.cidr,
                prefix_list: None,
                target: route.attachment_id.map_or_else(|| "blackhole".to_owned(), |id| id.to_string()),
                kind,
                propagated: route.rank != TransitGatewayRouteRank::Static,
                shares_flows: equal_cost && learned && route.rank == best,
            });
            if is_first {
                winners.push((route.cidr, NextHop { kind, entry, node }));
            }
        }
        Ok(CompiledTable { entries: entries.into(), winners })
    }

    /// What a row leads to.
    fn transit_target(&self, model: &Model, route: &TransitGatewayRoute) -> (NextHopKind, NodeIx) {
        let attachment = route.attachment_id.and_then(|id| model.transit_gateway_attachments.get(&id));
        match attachment {
            Some(attachment) if route.state == RouteState::Active => {
                (NextHopKind::Node, self.node_ix(&across(attachment)))
            }
            _ => (NextHopKind::Blackhole, NodeIx(0)),
        }
    }

    /// How attached transit gateways enter a VPC.
    pub(super) fn compile_transit_ports(
        &self,
        model: &Model,
        vpc: &Vpc,
        positions: &Positions<'_>,
    ) -> BTreeMap<NodeIx, TransitPorts> {
        let mut ports = BTreeMap::new();
        for attachment in model.transit_gateway_attachments.values().filter(|attachment| is_available(attachment)) {
            let TransitGatewayResource::Vpc { vpc_id, subnets, appliance_mode, .. } = &attachment.resource else {
                continue;
            };
            if *vpc_id != vpc.id {
                continue;
            }
            let port = |(position, subnet): &(u16, &crate::model::Subnet)| {
                // Zones are numbered below 65536: the boundaries were compiled before.
                let zone = self.zones.index(&subnet.availability_zone).unwrap_or_default() as u16;
                (zone, *position)
            };
            let by_zone = subnets.keys().filter_map(|subnet_id| positions.get(subnet_id)).map(port).collect();
            let at = self.node_ix(&NodeKey::TransitGateway(attachment.transit_gateway_id));
            ports.insert(at, TransitPorts { by_zone, appliance_mode: *appliance_mode });
        }
        ports
    }
}

fn is_available(attachment: &TransitGatewayAttachment) -> bool {
    attachment.state == TransitGatewayAttachmentState::Available
}

/// The node on the other side of an attachment.
fn across(attachment: &TransitGatewayAttachment) -> NodeKey {
    match &attachment.resource {
        TransitGatewayResource::Vpc { vpc_id, .. } => NodeKey::Router(*vpc_id),
        TransitGatewayResource::Vpn(id) => NodeKey::VpnConnection(*id),
        TransitGatewayResource::DirectConnect(id) => NodeKey::VirtualInterface(*id),
        TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => {
            NodeKey::TransitGateway(*peer_transit_gateway_id)
        }
    }
}

//! VPC peering connections: a node between two routers while the connection is active.

use super::{CompileError, Compiler, Draft, LinkKey, named, small_index, virtual_mac};
use crate::ids::VpcId;
use crate::model::{Model, PeeringState, TransitGatewayAttachmentState, Vpc, VpcPeeringConnection};
use crate::net::Ipv4Net;
use crate::program::{LinkIx, Node, NodeKey, PeeringNode};
use std::collections::BTreeSet;

impl Compiler {
    /// Gives indices to peering connections.
    pub(super) fn enrol_peering_connections(&mut self, model: &Model) {
        for connection in model.peering_connections.values() {
            self.nodes.enrol(NodeKey::Peering(connection.id), named(connection.id, connection.tags.name()));
        }
    }

    /// Compiles active connections; the others are tombstones.
    pub(super) fn compile_peering_connections(&mut self, model: &Model, draft: &mut Draft) {
        for connection in model.peering_connections.values().filter(|other| other.state == PeeringState::Active) {
            let sides = [connection.requester.vpc_id, connection.accepter.vpc_id];
            let inter_region = model.region_of(sides[0]) != model.region_of(sides[1]);
            let links = inter_region.then(|| [0, 1].map(|to| self.inter_region_link(model, connection, to, draft)));
            let blocks = |vpc_id: VpcId| -> Box<[Ipv4Net]> {
                let vpc = model.vpcs.get(&vpc_id);
                vpc.into_iter().flat_map(|vpc| &vpc.cidr_blocks).map(|block| block.cidr).collect()
            };
            let node = PeeringNode {
                mac: virtual_mac(&connection.id.to_string()),
                routers: sides.map(|vpc_id| self.node_ix(&NodeKey::Router(vpc_id))),
                cidrs: sides.map(blocks),
                links,
                inter_region,
            };
            draft.nodes.insert(self.node_ix(&NodeKey::Peering(connection.id)), Node::Peering(node));
        }
    }

    /// A link for each direction: a link tells its two directions apart by the nodes it joins, and here one of them is always the connection itself.
    fn inter_region_link(
        &mut self,
        model: &Model,
        connection: &VpcPeeringConnection,
        to: u8,
        draft: &mut Draft,
    ) -> LinkIx {
        let regions = [connection.requester.vpc_id, connection.accepter.vpc_id].map(|id| model.region_of(id));
        let name = named(format!("{} - {}", regions[0], regions[1]), connection.tags.name());
        let link = LinkIx(self.links.enrol(LinkKey::Peering(connection.id, to), name));
        draft.links.insert(link, model.links.inter_region);
        link
    }

    /// The zones that VPCs have subnets in which are peered with `vpc`, or on a transit gateway with it, within its Region.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn zones_of_peers(&self, model: &Model, vpc: &Vpc) -> Result<BTreeSet<u16>, CompileError> {
        let active = model.peering_connections.values().filter(|other| other.state == PeeringState::Active);
        let peers: BTreeSet<VpcId> = active
            .filter_map(|connection| connection.other_side(vpc.id))
            .chain(transit_neighbours(model, vpc.id))
            .filter(|peer| model.region_of(*peer) == vpc.region)
            .collect();
        if peers.is_empty() {
            return Ok(BTreeSet::new());
        }
        let subnets = model.subnets.values().filter(|subnet| peers.contains(&subnet.vpc_id));
        subnets
            .map(|subnet| {
                let zone = self.zones.index(&subnet.availability_zone).unwrap_or_default() as usize;
                small_index("availability zones", zone)
            })
            .collect()
    }
}

/// VPCs on the transit gateways that a VPC is attached to.
fn transit_neighbours(model: &Model, vpc_id: VpcId) -> Vec<VpcId> {
    let available = || {
        let all = model.transit_gateway_attachments.values();
        all.filter(|attachment| attachment.state == TransitGatewayAttachmentState::Available)
    };
    let own = available().filter(|attachment| attachment.vpc_id() == Some(vpc_id));
    let gateways: BTreeSet<_> = own.map(|attachment| attachment.transit_gateway_id).collect();
    let on_them = available().filter(|attachment| gateways.contains(&attachment.transit_gateway_id));
    on_them.filter_map(|attachment| attachment.vpc_id()).filter(|other| *other != vpc_id).collect()
}

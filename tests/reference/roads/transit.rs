//! Transit gateways: the attachment by which a packet comes says which table decides.
//!
//! Sources: docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html (order of routes), tgw-vpc-attachments.html (zones, appliance mode), transit-gateway-quotas.html
//! (MTU: only VPCs are told). Which of alike routes wins is not published: the smaller attachment id, with vpcsim. By which zone a packet enters a VPC that has no
//! interface in its own zone, and in appliance mode any, is observed.

use super::{Entered, From, Place};
use crate::reference::packet::Packet;
use crate::reference::routes::inside;
use crate::reference::tracking::Ends;
use crate::reference::world::{Next, Stage, Stretch, Visit, drop};
use std::cmp::Reverse;
use vpcsim::ids::*;
use vpcsim::model::{
    TransitGatewayAttachment, TransitGatewayAttachmentState, TransitGatewayResource, TransitGatewayRouteTable,
    TransitGatewayRouteTarget,
};
use vpcsim::net::Ipv4Net;

/// Who brings a packet to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attached {
    Vpc(VpcId),
    Vpn(VpnConnectionId),
    DirectConnect(VirtualInterfaceId),
    Peer(TransitGatewayId),
}

/// A row of a transit gateway's table, and how it ranks: static, VPC, Direct Connect, VPN; AS_PATH; MED.
struct Row {
    cidr: Ipv4Net,
    rank: (u8, u8, u32),
    /// None is a blackhole.
    attachment: Option<TransitGatewayAttachmentId>,
    /// Learned by BGP over a VPN: such rows share flows where they are alike.
    shares: bool,
}

impl Visit<'_, '_> {
    pub fn transit_gateway(&mut self, id: TransitGatewayId, from: &Attached) -> Stage<Next> {
        let model = self.model();
        let mut attachments = model.transit_gateway_attachments.values();
        let Some(attachment) = attachments.find(|other| other.transit_gateway_id == id && is_of(other, from)) else {
            return drop("AttachmentGone");
        };
        let mut tables = model.transit_gateway_route_tables.values();
        let Some(table) = tables.find(|table| table.associations.contains(&attachment.id)) else {
            return drop("TransitNoAssociation");
        };
        let table_id = table.id;
        let destination = self.packet().destination;
        let mut rows = self.rows(table);
        rows.retain(|row| inside(destination, row.cidr));
        rows.sort_by_key(|row| (Reverse(row.cidr.prefix_len()), row.rank, !row.shares, row.attachment));
        let Some(best) = rows.first() else {
            self.say(format!("{table_id} no route"));
            return drop("TransitNoRoute");
        };
        let target = best.attachment.map_or("blackhole".to_owned(), |id| id.to_string());
        // VpnEcmpSupport: where it is off, nothing is shared.
        let shares = best.shares && self.model().transit_gateways[&id].vpn_equal_cost;
        let (cidr, rank) = (best.cidr, best.rank);
        let alike = rows.iter().filter(|row| row.cidr == cidr && row.rank == rank && row.shares);
        let alike: Vec<_> = if shares { alike.filter_map(|row| row.attachment).collect() } else { Vec::new() };
        let only = best.attachment;
        self.say(format!("{table_id} {cidr} -> {target}"));
        let Some(only) = only.filter(|id| self.is_available(*id)) else { return drop("TransitBlackhole") };
        let chosen = if alike.len() > 1 { self.chosen_of(&alike) } else { only };
        self.leave_transit_gateway(id, chosen)
    }

    fn is_available(&self, id: TransitGatewayAttachmentId) -> bool {
        let attachment = self.model().transit_gateway_attachments.get(&id);
        attachment.is_some_and(|attachment| attachment.state == TransitGatewayAttachmentState::Available)
    }

    /// Flows are spread over alike routes of VPNs; the choice is observed.
    fn chosen_of(&self, alike: &[TransitGatewayAttachmentId]) -> TransitGatewayAttachmentId {
        let (seen, attachments) = (&self.world.choices.connections, &self.model().transit_gateway_attachments);
        let was_seen = |id: &TransitGatewayAttachmentId| match attachments[id].resource {
            TransitGatewayResource::Vpn(vpn) => seen.contains(&vpn),
            _ => false,
        };
        alike.iter().copied().find(was_seen).unwrap_or(alike[0])
    }

    fn leave_transit_gateway(&mut self, id: TransitGatewayId, to: TransitGatewayAttachmentId) -> Stage<Next> {
        let settings = self.model().forwarding;
        let most = settings.transit_gateway_mtu_bytes;
        let (mtu_bytes, place) = match self.model().transit_gateway_attachments[&to].resource.clone() {
            TransitGatewayResource::Vpc { vpc_id, .. } => (most, Place::Router(vpc_id, Box::new(From::Transit(id)))),
            TransitGatewayResource::Vpn(vpn) => (settings.vpn_mtu_bytes, Place::VpnFromAws(vpn)),
            TransitGatewayResource::DirectConnect(vif) => {
                (self.model().virtual_interfaces[&vif].mtu_bytes.min(most), Place::DirectConnectFromAws(vif))
            }
            TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => {
                (most, Place::Transit(peer_transit_gateway_id, Attached::Peer(id)))
            }
        };
        self.across(&Stretch { mtu_bytes: mtu_bytes.into(), speaker: None, splits: true }, place)
    }

    /// Static routes, and what attachments propagate.
    fn rows(&self, table: &TransitGatewayRouteTable) -> Vec<Row> {
        let model = self.model();
        let mut rows = Vec::new();
        for (cidr, target) in &table.routes {
            let attachment = match target {
                TransitGatewayRouteTarget::Attachment(id) => Some(*id),
                TransitGatewayRouteTarget::Blackhole => None,
            };
            rows.push(Row { cidr: *cidr, rank: (0, 0, 0), attachment, shares: false });
        }
        for id in table.propagations.iter().filter(|id| self.is_available(**id)) {
            let attachment = Some(*id);
            match &model.transit_gateway_attachments[id].resource {
                TransitGatewayResource::Vpc { vpc_id, .. } => {
                    let blocks = model.vpcs[vpc_id].cidr_blocks.iter();
                    rows.extend(blocks.map(|block| Row {
                        cidr: block.cidr,
                        rank: (1, 0, 0),
                        attachment,
                        shares: false,
                    }));
                }
                TransitGatewayResource::DirectConnect(vif) => {
                    let vif = &model.virtual_interfaces[vif];
                    rows.extend(vif.routes.iter().filter(|_| vif.up).map(|route| {
                        let rank = (2, route.as_path_length, route.multi_exit_discriminator);
                        Row { cidr: route.cidr, rank, attachment, shares: false }
                    }));
                }
                TransitGatewayResource::Vpn(vpn) => {
                    let vpn = &model.vpn_connections[vpn];
                    // What BGP says goes with the tunnels; static routes stay (assumed with vpcsim).
                    let stands = vpn.static_routes_only || vpn.tunnels_up.contains(&true);
                    rows.extend(vpn.routes.iter().filter(|_| stands).map(|route| {
                        let rank = (3, route.as_path_length, route.multi_exit_discriminator);
                        Row { cidr: route.cidr, rank, attachment, shares: !vpn.static_routes_only }
                    }));
                }
                TransitGatewayResource::Peering { .. } => {}
            }
        }
        rows
    }

    /// The transit gateway's interface in a VPC in the zone of `subnet`: its subnet.
    pub fn port_in_zone_of(&self, vpc: VpcId, gateway: TransitGatewayId, subnet: SubnetId) -> Option<SubnetId> {
        let zone = self.zone_of(subnet);
        self.ports(vpc, gateway)?.0.into_iter().find(|port| self.zone_of(*port) == zone)
    }

    /// The subnets with its interfaces, and whether it is in appliance mode.
    pub fn ports(&self, vpc: VpcId, gateway: TransitGatewayId) -> Option<(Vec<SubnetId>, bool)> {
        self.model().transit_gateway_attachments.values().find_map(|attachment| match &attachment.resource {
            TransitGatewayResource::Vpc { vpc_id, subnets, appliance_mode, .. } => {
                let available = attachment.state == TransitGatewayAttachmentState::Available;
                let wanted = available && *vpc_id == vpc && attachment.transit_gateway_id == gateway;
                wanted.then(|| (subnets.keys().copied().collect(), *appliance_mode))
            }
            _ => None,
        })
    }

    /// From a transit gateway into a VPC: the subnet of the interface by which the packet enters.
    pub fn enter_by_port(&mut self, vpc: VpcId, gateway: TransitGatewayId) -> Stage<SubnetId> {
        let Some((ports, appliance_mode)) = self.ports(vpc, gateway).filter(|(ports, _)| !ports.is_empty()) else {
            return drop("AttachmentGone");
        };
        let same_zone = ports.iter().copied().find(|port| Some(self.zone_of(*port)) == self.walk.zone);
        let subnet = match same_zone {
            Some(port) if !appliance_mode => {
                self.world.choices.zones.pop_front();
                port
            }
            _ => {
                let seen = self.world.choices.zones.pop_front();
                let found = ports.iter().copied().find(|port| Some(self.zone_of(*port)) == seen);
                if found.is_none() {
                    self.world.complaints.push(format!("{gateway} has no interface in {seen:?}"));
                }
                found.unwrap_or(ports[0])
            }
        };
        let zone = self.zone_of(subnet);
        if appliance_mode && let Some(flow) = flow(self.packet()) {
            // Both directions of a flow use one interface, for the life of the flow.
            let key = (vpc, gateway, ports, flow);
            let known = self.world.flow_zones.entry(key).or_insert_with(|| zone.clone());
            if *known != zone {
                let complaint = format!("appliance mode: {flow:?} in {zone}, but before in {known}");
                self.world.complaints.push(complaint);
            }
        }
        self.say(format!("enters in {zone}"));
        self.walk.entered = Some(Entered::Transit(gateway));
        self.walk.by_transit_gateway = true;
        Ok(subnet)
    }
}

/// A flow, the same for both of its directions. Of pieces only the first shows its ports, so all of them go by addresses and protocol.
fn flow(packet: &Packet) -> Option<Ends> {
    let ends = match packet.piece {
        Some(_) => Ends { protocol: packet.protocol, source: (packet.source, 0), destination: (packet.destination, 0) },
        None => Ends::of(packet)?,
    };
    Some(if ends.source < ends.destination { ends } else { ends.reversed() })
}

fn is_of(attachment: &TransitGatewayAttachment, from: &Attached) -> bool {
    let same = match (&attachment.resource, from) {
        (TransitGatewayResource::Vpc { vpc_id, .. }, Attached::Vpc(vpc)) => vpc_id == vpc,
        (TransitGatewayResource::Vpn(id), Attached::Vpn(vpn)) => id == vpn,
        (TransitGatewayResource::DirectConnect(id), Attached::DirectConnect(vif)) => id == vif,
        (TransitGatewayResource::Peering { peer_transit_gateway_id, .. }, Attached::Peer(peer)) => {
            peer_transit_gateway_id == peer
        }
        _ => false,
    };
    same && attachment.state == TransitGatewayAttachmentState::Available
}

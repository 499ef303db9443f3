//! Ways to other VPCs and to networks on premises: peering connections, transit gateways, virtual private gateways, NAT gateways.

use super::{CREATED, Guess};
use crate::dataplane::Decision;
use crate::ids::{TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId};
use crate::model::{
    NatConnectivity, NetworkInterface, PeeringState, RouteTable, TransitGatewayAttachment,
    TransitGatewayAttachmentState, TransitGatewayResource, VpnTarget,
};
use crate::program::NodeIx;
use std::net::Ipv4Addr;

impl<'g> Guess<'g> {
    /// A route, by whatever joins the table's VPC with the destination already.
    pub(super) fn joining_routes(&mut self) {
        let Some((table, destination)) = self.table() else { return };
        let model = self.model;
        let far = self.interface_having(destination).filter(|interface| interface.vpc_id != table.vpc_id);
        if let Some(far) = far {
            let block = model.subnets.get(&far.subnet_id).map_or(far.private_ip.into(), |subnet| subnet.cidr);
            if !model.are_peered(table.vpc_id, far.vpc_id) {
                self.direct_peering();
            }
            let peerings = model.peering_connections.values();
            for peering in peerings.filter(|it| it.joins(table.vpc_id, far.vpc_id)) {
                let route = route(table, &block.to_string(), "--vpc-peering-connection-id", peering.id);
                match peering.state {
                    PeeringState::Active => self.add([route], 1, 0, 0),
                    PeeringState::PendingAcceptance => {
                        let accept =
                            format!("aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id {}", peering.id);
                        self.add([accept, route], 2, 0, 0);
                    }
                    _ => {}
                }
            }
            for gateway in model.transit_gateways.keys() {
                let attached = |vpc_id| model.transit_attachment_of_vpc(*gateway, vpc_id).is_some();
                if attached(table.vpc_id) && attached(far.vpc_id) {
                    self.add([route(table, &block.to_string(), "--transit-gateway-id", gateway)], 1, 0, 0);
                }
            }
        }
        let on_premises = |address| {
            let mut networks = model.on_premises.values();
            networks.any(|network| network.cidrs.iter().any(|block| block.contains(&address)))
        };
        if on_premises(destination) {
            for gateway in model.vpn_gateways.values().filter(|it| it.attached_vpc_id == Some(table.vpc_id)) {
                let enable = format!(
                    "aws ec2 enable-vgw-route-propagation --route-table-id {} --gateway-id {}",
                    table.id, gateway.id
                );
                self.add([enable], 1, 0, 0);
            }
        }
        for nat in model.nat_gateways.values().filter(|nat| nat.vpc_id == table.vpc_id && nat.interface_id.is_some()) {
            if nat.connectivity == NatConnectivity::Public && far.is_none() && !on_premises(destination) {
                self.add([route(table, &format!("{destination}/32"), "--nat-gateway-id", nat.id)], 1, 0, 0);
            }
        }
    }

    /// The sender's VPC and the receiver's, peered: what peering with a third one does not give.
    pub(super) fn direct_peering(&mut self) {
        let Some((table, destination)) = self.table() else { return };
        let Some(far) = self.interface_having(destination).filter(|far| far.vpc_id != table.vpc_id) else { return };
        let Some(subnet) = self.model.subnets.get(&far.subnet_id) else { return };
        let Some(back) = self.model.effective_route_table(subnet) else { return };
        let Some(own) = self.subnet() else { return };
        let create =
            format!("aws ec2 create-vpc-peering-connection --vpc-id {} --peer-vpc-id {}", table.vpc_id, far.vpc_id);
        let accept = format!("aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id {CREATED}");
        let there = route(table, &subnet.cidr.to_string(), "--vpc-peering-connection-id", CREATED);
        let here = route(back, &own.cidr.to_string(), "--vpc-peering-connection-id", CREATED);
        self.add([create, accept, there, here], 2, 0, 0);
    }

    /// The interface of a transit gateway that lacks in the zone of the sender (`towards_gateway`) or of the receiver.
    pub(super) fn transit_zones(&mut self, towards_gateway: bool) {
        let Some(tuple) = self.visit.before else { return };
        let wanted = if towards_gateway { tuple.source } else { tuple.destination };
        let Some(interface) = self.interface_having(wanted) else { return };
        let attachments = self.model.transit_gateway_attachments.values();
        let ids: Vec<TransitGatewayAttachmentId> =
            attachments.filter(|it| is_vpc(it, interface.vpc_id)).map(|attachment| attachment.id).collect();
        let subnet = interface.subnet_id;
        for id in ids {
            let line = format!(
                "aws ec2 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {id} --add-subnet-ids {subnet}"
            );
            self.add([line], 1, 0, 0);
        }
    }

    /// An answer that came to another appliance than the request: both directions of a flow by one interface of the transit gateway.
    pub(super) fn appliance_mode(&mut self) {
        let model = self.model;
        let Some(vpc_id) = self.interface_at(self.at).map(|interface| interface.vpc_id).filter(|_| self.is_answer())
        else {
            return;
        };
        for attachment in model.transit_gateway_attachments.values().filter(|it| is_vpc(it, vpc_id)) {
            if matches!(attachment.resource, TransitGatewayResource::Vpc { appliance_mode: false, .. }) {
                let line = format!(
                    "aws ec2 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} \
                     --options ApplianceModeSupport=enable",
                    attachment.id
                );
                self.add([line], 1, 0, 0);
            }
        }
    }

    /// The attachment by which the packet came, associated with a table.
    pub(super) fn transit_associations(&mut self) {
        let Some((gateway, attachment)) = self.came_by() else { return };
        let tables = self.model.transit_gateway_route_tables.values();
        let tables: Vec<TransitGatewayRouteTableId> =
            tables.filter(|table| table.transit_gateway_id == gateway).map(|table| table.id).collect();
        for table in tables {
            let line = format!(
                "aws ec2 associate-transit-gateway-route-table --transit-gateway-route-table-id {table} \
                 --transit-gateway-attachment-id {attachment}"
            );
            self.add([line], 1, 0, 0);
        }
    }

    /// A way in the transit gateway's table to the attachment that has the destination.
    pub(super) fn transit_routes(&mut self) {
        let Some((gateway, attachment)) = self.came_by() else { return };
        let Some(destination) = self.visit.before.map(|tuple| tuple.destination) else { return };
        let Some(table) = self.model.transit_gateway_association(attachment) else { return };
        let Some(target) = self.attachment_having(gateway, destination) else { return };
        let (table, blackholes) = (table.id, table.routes.clone());
        let propagate = format!(
            "aws ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id {table} \
             --transit-gateway-attachment-id {target}"
        );
        self.add([propagate], 1, 8, 0);
        let with_block = |verb: &str, block: &str| {
            format!(
                "aws ec2 {verb}-transit-gateway-route --transit-gateway-route-table-id {table} \
                 --destination-cidr-block {block}"
            )
        };
        let to = format!("--transit-gateway-attachment-id {target}");
        let block = self.interface_having(destination).and_then(|far| self.model.subnets.get(&far.subnet_id));
        let block = block.map_or(format!("{destination}/32"), |subnet| subnet.cidr.to_string());
        self.add([format!("{} {to}", with_block("create", &block))], 1, 0, 0);
        for block in blackholes.keys().filter(|block| block.contains(&destination)) {
            self.add([with_block("delete", &block.to_string())], 1, 0, 0);
            self.add([format!("{} {to}", with_block("replace", &block.to_string()))], 1, 4, 0);
        }
    }

    /// Attachments that wait to be accepted.
    pub(super) fn transit_acceptances(&mut self) {
        let attachments = self.model.transit_gateway_attachments.values();
        let pending = attachments.filter(|it| it.state == TransitGatewayAttachmentState::PendingAcceptance);
        let lines: Vec<String> = pending
            .map(|attachment| {
                let kind = match attachment.resource {
                    TransitGatewayResource::Peering { .. } => "peering",
                    _ => "vpc",
                };
                format!(
                    "aws ec2 accept-transit-gateway-{kind}-attachment --transit-gateway-attachment-id {}",
                    attachment.id
                )
            })
            .collect();
        lines.into_iter().for_each(|line| self.add([line], 1, 0, 0));
    }

    /// A static route on the VPN connections of a gateway that has learned none.
    pub(super) fn vpn_routes(&mut self) {
        let Some(destination) = self.visit.before.map(|tuple| tuple.destination) else { return };
        let gateway = &self.traced.program.origins.node(self.at).id;
        let connections = self.model.vpn_connections.values().filter(|it| !it.deleted && it.static_routes_only);
        let own = connections.filter(|it| matches!(it.target, VpnTarget::VpnGateway(id) if id.to_string() == *gateway));
        let lines: Vec<String> = own
            .map(|connection| {
                let networks = self.model.on_premises.get(&connection.on_premises).map(|network| &network.cidrs);
                let block = networks.and_then(|blocks| blocks.iter().find(|block| block.contains(&destination)));
                let block = block.map_or(format!("{destination}/32"), ToString::to_string);
                format!(
                    "aws ec2 create-vpn-connection-route --vpn-connection-id {} --destination-cidr-block {block}",
                    connection.id
                )
            })
            .collect();
        lines.into_iter().for_each(|line| self.add([line], 1, 0, 0));
    }

    /// The transit gateway where the packet was lost, and the attachment by which it came.
    fn came_by(&self) -> Option<(TransitGatewayId, TransitGatewayAttachmentId)> {
        let from = self.visit.decisions.iter().find_map(|decision| match *decision {
            Decision::TransitAttachment { from, .. } => Some(from),
            _ => None,
        })?;
        let gateway: TransitGatewayId = self.traced.program.origins.node(self.at).id.parse().ok()?;
        let attachments = self.model.transit_gateway_attachments.values();
        let mut own = attachments.filter(|attachment| attachment.transit_gateway_id == gateway);
        own.find(|attachment| self.is_across(attachment, from)).map(|attachment| (gateway, attachment.id))
    }

    fn is_across(&self, attachment: &TransitGatewayAttachment, node: NodeIx) -> bool {
        let id = &self.traced.program.origins.node(node).id;
        let across = match &attachment.resource {
            TransitGatewayResource::Vpc { vpc_id, .. } => vpc_id.to_string(),
            TransitGatewayResource::Vpn(vpn) => vpn.to_string(),
            TransitGatewayResource::DirectConnect(interface) => interface.to_string(),
            TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => peer_transit_gateway_id.to_string(),
        };
        across == *id
    }

    /// The attachment of a transit gateway behind which an address is.
    fn attachment_having(&self, gateway: TransitGatewayId, address: Ipv4Addr) -> Option<TransitGatewayAttachmentId> {
        let far = self.interface_having(address)?;
        let direct = self.model.transit_attachment_of_vpc(gateway, far.vpc_id).map(|attachment| attachment.id);
        direct.or_else(|| {
            let mut attachments = self.model.transit_gateway_attachments.values();
            let peer = attachments.find(|it| {
                it.transit_gateway_id == gateway && matches!(it.resource, TransitGatewayResource::Peering { .. })
            });
            peer.map(|attachment| attachment.id)
        })
    }

    /// Whose private address it is: of the instance that is meant, else of anybody the packet's table could mean.
    fn interface_having(&self, address: Ipv4Addr) -> Option<&'g NetworkInterface> {
        let ends = [self.wanted_interface(), self.sending_end()];
        let mut named = ends.into_iter().flatten();
        let model = self.model;
        named
            .find(|interface| interface.private_ip == address)
            .or_else(|| model.network_interfaces.values().find(|interface| interface.private_ip == address))
    }

    /// The interface of the probe's sender.
    fn sending_end(&self) -> Option<&'g NetworkInterface> {
        let model = self.model;
        model.network_interfaces.get(&self.traced.sender.interface?)
    }
}

/// A command that makes a route, or replaces that of the same destination.
fn route(table: &RouteTable, block: &str, option: &str, target: impl std::fmt::Display) -> String {
    let exists = table.routes.iter().any(|route| route.destination.to_string() == block);
    let verb = if exists { "replace-route" } else { "create-route" };
    format!("aws ec2 {verb} --route-table-id {} --destination-cidr-block {block} {option} {target}", table.id)
}

fn is_vpc(attachment: &TransitGatewayAttachment, vpc: VpcId) -> bool {
    matches!(attachment.resource, TransitGatewayResource::Vpc { vpc_id, .. } if vpc_id == vpc)
}

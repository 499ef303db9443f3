//! What could be changed at peering connections and transit gateways.

use super::Guess;
use crate::dataplane::Decision;
use crate::ids::{TransitGatewayId, VpcId};
use crate::model::{Subnet, TransitGatewayAttachment, TransitGatewayResource};
use std::net::Ipv4Addr;

impl Guess<'_> {
    /// The service's own road in the sender's VPC, where it was sought in another one.
    pub(super) fn endpoint_at_home(&mut self) {
        let model = self.model;
        let table = self.subnet().and_then(|subnet| model.effective_route_table(subnet));
        if let (Some(table), Some(destination)) = (table, self.destination()) {
            self.endpoint_roads_of(table, destination);
        }
    }

    /// A route table for the attachment by which the packet came.
    pub(super) fn associations(&mut self) {
        let Some((gateway_id, attachment)) = self.attachment_it_came_by() else { return };
        let (model, attachment_id) = (self.model, attachment.id);
        let own = |table: &&crate::model::TransitGatewayRouteTable| table.transit_gateway_id == gateway_id;
        for table in model.transit_gateway_route_tables.values().filter(own) {
            let line = format!(
                "aws ec2 associate-transit-gateway-route-table --transit-gateway-route-table-id {} \
                 --transit-gateway-attachment-id {attachment_id}",
                table.id
            );
            self.add([line], 1, 8, 0);
        }
    }

    /// Propagation of the VPC that has the destination to the table that was asked.
    pub(super) fn propagations(&mut self) {
        let Some((gateway_id, attachment)) = self.attachment_it_came_by() else { return };
        let Some(table) = self.model.transit_gateway_association(attachment.id) else { return };
        let (Some(destination), table_id) = (self.destination(), table.id) else { return };
        let model = self.model;
        for other in model.living_attachments(gateway_id) {
            let vpc = other.vpc_id().and_then(|vpc_id| model.vpcs.get(&vpc_id));
            if vpc.is_some_and(|vpc| vpc.contains(destination)) && !table.propagations.contains(&other.id) {
                let line = format!(
                    "aws ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id {table_id} \
                     --transit-gateway-attachment-id {}",
                    other.id
                );
                self.add([line], 1, 8, 0);
            }
        }
    }

    /// The sender's subnet added to the attachment of its VPC, which has none in its zone.
    pub(super) fn attachment_subnet_of_sender(&mut self) {
        let Some(subnet) = self.subnet() else { return };
        self.attachment_subnets(subnet);
    }

    /// The same for whoever the packet was for.
    pub(super) fn attachment_subnet_of_receiver(&mut self) {
        let model = self.model;
        let vpc_id = self.traced.program.origins.node(self.at).id.parse::<VpcId>();
        let (Ok(vpc_id), Some(destination)) = (vpc_id, self.destination()) else { return };
        let interface = model.interface_at(vpc_id, destination);
        let Some(subnet) = interface.and_then(|interface| model.subnets.get(&interface.subnet_id)) else { return };
        self.attachment_subnets(subnet);
    }

    fn attachment_subnets(&mut self, subnet: &Subnet) {
        let model = self.model;
        let of_vpc = |attachment: &&TransitGatewayAttachment| {
            matches!(&attachment.resource, TransitGatewayResource::Vpc { vpc_id, subnets, .. }
                if *vpc_id == subnet.vpc_id && !subnets.is_empty())
        };
        for attachment in model.transit_gateway_attachments.values().filter(of_vpc) {
            let line = format!(
                "aws ec2 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} --add-subnet-ids {}",
                attachment.id, subnet.id
            );
            self.add([line], 1, 0, 0);
        }
    }

    /// The destination of the lost packet.
    fn destination(&self) -> Option<Ipv4Addr> {
        self.visit.before.map(|tuple| tuple.destination)
    }

    /// The transit gateway where the packet was lost, and the attachment by which it had come there.
    fn attachment_it_came_by(&self) -> Option<(TransitGatewayId, &TransitGatewayAttachment)> {
        let origins = &self.traced.program.origins;
        let gateway_id = origins.node(self.at).id.parse::<TransitGatewayId>().ok()?;
        let from = self.visit.decisions.iter().find_map(|decision| match *decision {
            Decision::TransitAttachment { from, .. } => Some(&origins.node(from).id),
            _ => None,
        })?;
        let model = self.model;
        let is_from = |attachment: &&TransitGatewayAttachment| match &attachment.resource {
            TransitGatewayResource::Vpc { vpc_id, .. } => vpc_id.to_string() == *from,
            TransitGatewayResource::Vpn(id) => id.to_string() == *from,
            TransitGatewayResource::DirectConnect(id) => id.to_string() == *from,
            TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => {
                peer_transit_gateway_id.to_string() == *from
            }
        };
        let attachment = model.living_attachments(gateway_id).find(is_from)?;
        Some((gateway_id, attachment))
    }
}

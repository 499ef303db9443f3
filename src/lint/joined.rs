//! Lints about what joins VPCs with each other and with networks on premises.

use super::{Lint, Mend, Network, Rule};
use crate::ids::{RouteTableId, SubnetId, TransitGatewayAttachmentId, VpcId};
use crate::model::{
    Instance, Model, NetworkInterface, RouteTable, RouteTarget, Subnet, TransitGatewayAttachment,
    TransitGatewayAttachmentState, TransitGatewayResource, VirtualInterfaceKind, VpnTarget,
};
use crate::net::Ipv4Net;
use crate::program::NextHopKind;
use std::collections::{BTreeMap, BTreeSet};

/// An instance with its interface, subnet and table.
type Placed<'a> = (&'a Instance, &'a NetworkInterface, &'a Subnet, &'a RouteTable);

/// Two instances of different VPCs, where only one knows the way to the other.
pub(super) fn return_routes(network: &Network<'_>) -> Vec<Lint> {
    let placed: Vec<Placed<'_>> = network
        .instances()
        .filter_map(|(instance, interface, subnet)| Some((instance, interface, subnet, network.table_of(subnet)?)))
        .collect();
    // By table, road and the block that lacks: as many instances may lack as like, it is one route.
    let mut found: BTreeMap<(RouteTableId, String), Lint> = BTreeMap::new();
    for (asker, own, _, table) in &placed {
        for (other, foreign, _, answering) in placed.iter().filter(|(_, other, ..)| other.vpc_id != own.vpc_id) {
            let Some(road) = road_to(network, table, foreign).filter(|road| leads_to(network, road, foreign.vpc_id))
            else {
                continue;
            };
            if network.decides(answering, own.private_ip).is_some_and(|entry| entry.target == road) {
                continue;
            }
            let Some(block) = block_of(network.model, own) else { continue };
            let option = if road.starts_with("pcx-") { "--vpc-peering-connection-id" } else { "--transit-gateway-id" };
            let exists = answering.routes.iter().any(|route| route.destination.to_string() == block.to_string());
            let verb = if exists { "replace-route" } else { "create-route" };
            let local = answering
                .routes
                .iter()
                .any(|route| route.target == RouteTarget::Local && route.destination.to_string() == block.to_string());
            let mend = match local {
                true => Mend::Advice("the two VPCs have the same addresses: renumber one of them".to_owned()),
                false => Mend::Aws(vec![format!(
                    "aws ec2 {verb} --route-table-id {} --destination-cidr-block {block} {option} {road}",
                    answering.id
                )]),
            };
            found.entry((answering.id, format!("{road} {block}"))).or_insert_with(|| Lint {
                rule: Rule::NoReturnRoute,
                subject: answering.id.to_string(),
                detail: format!("{road} {block}"),
                places: network.places(&[&answering.id], foreign.vpc_id),
                text: format!(
                    "{} reaches {} by {}, whose answers {} does not lead back there",
                    network.instance_name(asker),
                    network.instance_name(other),
                    network.called(&road),
                    network.called(answering.id)
                ),
                mend,
            });
        }
    }
    found.into_values().collect()
}

/// The peering connection or transit gateway by which a table leads to an interface.
fn road_to(network: &Network<'_>, table: &RouteTable, to: &NetworkInterface) -> Option<String> {
    let entry = network.decides(table, to.private_ip).filter(|entry| entry.kind == NextHopKind::Node)?;
    (entry.target.starts_with("pcx-") || entry.target.starts_with("tgw-")).then(|| entry.target.clone())
}

/// Whether a peering connection or transit gateway has the VPC at its other end.
fn leads_to(network: &Network<'_>, road: &str, vpc_id: VpcId) -> bool {
    let model = network.model;
    let peering = road.parse().ok().and_then(|id| model.peering_connections.get(&id));
    let gateway = road.parse().ok().filter(|id| model.transit_gateways.contains_key(id));
    peering.is_some_and(|peering| peering.other_side(vpc_id).is_some())
        || gateway.is_some_and(|id| model.transit_attachment_of_vpc(id, vpc_id).is_some_and(is_available))
}

/// The block of its VPC that an interface's address lies in.
fn block_of(model: &Model, interface: &NetworkInterface) -> Option<Ipv4Net> {
    let vpc = model.vpcs.get(&interface.vpc_id)?;
    vpc.cidr_blocks.iter().map(|block| block.cidr).find(|block| block.contains(&interface.private_ip))
}

/// An attachment that is associated with no table: what comes in by it is dropped.
pub(super) fn transit_associations(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let lacks = |it: &&TransitGatewayAttachment| is_available(it) && model.transit_gateway_association(it.id).is_none();
    let attachments = model.transit_gateway_attachments.values().filter(lacks);
    attachments
        .map(|attachment| {
            let gateway = model.transit_gateways.get(&attachment.transit_gateway_id);
            let default = gateway.and_then(|gateway| gateway.default_association_route_table_id);
            let mut tables = model.transit_gateway_route_tables.values();
            let table = default.or_else(|| {
                tables.find(|table| table.transit_gateway_id == attachment.transit_gateway_id).map(|table| table.id)
            });
            let mend = match table {
                Some(table) => Mend::Aws(vec![format!(
                    "aws ec2 associate-transit-gateway-route-table --transit-gateway-route-table-id {table} \
                     --transit-gateway-attachment-id {}",
                    attachment.id
                )]),
                None => {
                    Mend::Advice("make a transit gateway route table, and associate the attachment with it".to_owned())
                }
            };
            Lint {
                rule: Rule::TransitWithoutAssociation,
                subject: attachment.id.to_string(),
                detail: String::new(),
                places: places_of(attachment),
                text: format!("{} is associated with no transit gateway route table", network.called(attachment.id)),
                mend,
            }
        })
        .collect()
}

/// Instances whose table leads to a transit gateway that has no interface in their zone.
pub(super) fn transit_zones(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found: BTreeMap<(TransitGatewayAttachmentId, String), Lint> = BTreeMap::new();
    for (instance, interface, subnet) in network.instances() {
        let Some(table) = network.table_of(subnet) else { continue };
        let targets = table.routes.iter().filter_map(|route| match route.target {
            RouteTarget::TransitGateway(id) => Some(id),
            _ => None,
        });
        let gateways: BTreeSet<_> = targets.collect();
        for attachment in gateways.iter().filter_map(|id| model.transit_attachment_of_vpc(*id, interface.vpc_id)) {
            let TransitGatewayResource::Vpc { subnets, .. } = &attachment.resource else { continue };
            let zone = &subnet.availability_zone;
            if !is_available(attachment) || subnets.keys().any(|id| zone_of(model, *id) == Some(zone)) {
                continue;
            }
            found.entry((attachment.id, zone.clone())).or_insert_with(|| Lint {
                rule: Rule::TransitMissesZone,
                subject: attachment.id.to_string(),
                detail: zone.clone(),
                places: network.places(&[&attachment.id, &attachment.transit_gateway_id, &subnet.id], interface.vpc_id),
                text: format!(
                    "{} has no subnet in {zone}, where {} is",
                    network.called(attachment.id),
                    network.instance_name(instance)
                ),
                mend: Mend::Aws(vec![format!(
                    "aws ec2 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} --add-subnet-ids {}",
                    attachment.id, subnet.id
                )]),
            });
        }
    }
    found.into_values().collect()
}

/// A virtual private gateway with links to networks on premises, to which no table of its VPC leads.
pub(super) fn vpn_routes(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found = Vec::new();
    for gateway in model.vpn_gateways.values() {
        let Some(vpc_id) = gateway.attached_vpc_id else { continue };
        let has_link =
            model.vpn_connections.values().any(|it| !it.deleted && it.target == VpnTarget::VpnGateway(gateway.id))
                || model.virtual_interfaces.values().any(|it| it.kind == VirtualInterfaceKind::Private(gateway.id));
        let leads = |table: &RouteTable| {
            table.propagating_gateways.contains(&gateway.id)
                || table.routes.iter().any(|route| route.target == RouteTarget::VpnGateway(gateway.id))
        };
        let mut own = model.route_tables.values().filter(|table| table.vpc_id == vpc_id);
        let tables = super::roads::tables_with_instances(network, vpc_id);
        if !has_link || tables.is_empty() || own.any(leads) {
            continue;
        }
        let enable = |table: &String| {
            format!("aws ec2 enable-vgw-route-propagation --route-table-id {table} --gateway-id {}", gateway.id)
        };
        found.push(Lint {
            rule: Rule::VpnGatewayWithoutRoute,
            subject: gateway.id.to_string(),
            detail: String::new(),
            places: network.places(&[&gateway.id], vpc_id),
            text: format!("no route table of {} leads to {}", network.called(vpc_id), network.called(gateway.id)),
            mend: Mend::Aws(tables.iter().map(enable).collect()),
        });
    }
    found
}

fn is_available(attachment: &TransitGatewayAttachment) -> bool {
    attachment.state == TransitGatewayAttachmentState::Available
}

fn zone_of(model: &Model, subnet: SubnetId) -> Option<&String> {
    model.subnets.get(&subnet).map(|subnet| &subnet.availability_zone)
}

fn places_of(attachment: &TransitGatewayAttachment) -> Vec<String> {
    let vpc = match attachment.resource {
        TransitGatewayResource::Vpc { vpc_id, .. } => Some(vpc_id.to_string()),
        _ => None,
    };
    [attachment.id.to_string(), attachment.transit_gateway_id.to_string()].into_iter().chain(vpc).collect()
}

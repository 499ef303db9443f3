//! Who sends, who is meant, and what is between them.

use super::{About, Hint};
use crate::dataplane::{Decision, DropReason};
use crate::explain::trace::{LegKind, Outcome, Traced};
use crate::ids::VpcId;
use crate::model::{Model, NetworkInterface, PeeringState, TransitGatewayAttachmentState, TransitGatewayResource};
use crate::program::{HostKind, Node, NodeIx};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

pub(super) fn hints(traced: &Traced, model: &Model) -> Vec<Hint> {
    let mut found = Vec::new();
    found.extend(foreign_address(traced, model));
    found.extend(private_across_the_internet(traced));
    found.extend(disconnected(traced, model));
    found.extend(zone_without_service(traced, model));
    found.extend(vpn_attachment(traced));
    found.extend(unsupported(traced));
    found
}

/// The interface that a node is.
pub(super) fn interface_at<'m>(traced: &Traced, model: &'m Model, at: NodeIx) -> Option<&'m NetworkInterface> {
    let eni = traced.program.eni(at)?;
    let id = &traced.program.origins.node(at).id;
    let same_address = model.network_interfaces.values().filter(|other| other.private_ip == eni.private_ip);
    same_address.into_iter().find(|other| other.id.to_string() == *id)
}

/// An interface that refused a packet for its address.
fn foreign_address(traced: &Traced, model: &Model) -> Option<Hint> {
    let Outcome::Dropped { leg, at, reason } = traced.outcome else { return None };
    let tuple = traced.leg(leg)?.visits.last()?.before?;
    let (field, address) = match reason {
        DropReason::SourceCheck => ("source", tuple.source),
        DropReason::DestinationCheck => ("destination", tuple.destination),
        _ => return None,
    };
    let own = interface_at(traced, model, at)?;
    Some(Hint::of(
        "ENI_ADDRESS_RESTRICTION",
        Some(About::Node(at)),
        format!("{} has the address {}, the packet's {field} is {address}", own.id, own.private_ip),
    ))
}

/// From a host on the internet, with or for a private address.
fn private_across_the_internet(traced: &Traced) -> Option<Hint> {
    let from_outside = matches!(traced.program.hosts[traced.sender.host.at()].kind, HostKind::Outside(_));
    let sent = traced.sent;
    let sentence = match (is_not_public(sent.destination), is_not_public(sent.source)) {
        (true, _) => {
            format!("{} means nothing outside its network: from there, use the public address", { sent.destination })
        }
        (false, true) => format!("{} means nothing outside its network: send from a public address", sent.source),
        (false, false) => return None,
    };
    from_outside.then(|| Hint::of("IGW_EXPECTS_PUBLIC_ADDRESS", None, sentence))
}

/// RFC 1918 and RFC 6598.
fn is_not_public(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || (a == 100 && b & 0xc0 == 64)
}

/// Two VPCs that no peering connection and no transit gateway joins.
fn disconnected(traced: &Traced, model: &Model) -> Option<Hint> {
    let lost = traced.reason().is_some() && traced.leg(LegKind::Forward).is_none_or(|leg| leg.delivered_to().is_none());
    let from = model.network_interfaces.get(&traced.sender.interface.filter(|_| lost)?)?.vpc_id;
    let instance = model.instances.get(&traced.destination.instance?)?;
    let to = model.network_interfaces.get(&instance.primary_interface_id?)?.vpc_id;
    if from == to
        || model.are_peered(from, to)
        || !transit_gateways(model, from).is_disjoint(&transit_gateways(model, to))
    {
        return None;
    }
    let waits =
        model.peering_connections.values().any(|it| it.joins(from, to) && it.state == PeeringState::PendingAcceptance);
    let more = if waits { "; a peering connection waits to be accepted" } else { "" };
    let sentence = format!("no peering connection and no transit gateway joins {from} and {to}{more}");
    Some(Hint::of("DISCONNECTED_VPCS", None, sentence))
}

/// The transit gateways that a VPC is attached to, and those that these are peered with.
fn transit_gateways(model: &Model, vpc_id: VpcId) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let available = || {
        let attachments = model.transit_gateway_attachments.values();
        attachments.filter(|attachment| attachment.state == TransitGatewayAttachmentState::Available)
    };
    for attachment in available() {
        if matches!(attachment.resource, TransitGatewayResource::Vpc { vpc_id: own, .. } if own == vpc_id) {
            found.insert(attachment.transit_gateway_id.to_string());
            let peers = available().filter(|other| other.transit_gateway_id == attachment.transit_gateway_id);
            found.extend(peers.filter_map(|peer| match peer.resource {
                TransitGatewayResource::Peering { peer_transit_gateway_id, .. } => {
                    Some(peer_transit_gateway_id.to_string())
                }
                _ => None,
            }));
        }
    }
    found
}

/// By an interface endpoint whose service is not offered in the sender's zone.
fn zone_without_service(traced: &Traced, model: &Model) -> Option<Hint> {
    let leg = traced.leg(LegKind::Forward)?;
    let at = leg.visits.iter().flat_map(|visit| &visit.decisions).find_map(|decision| match *decision {
        Decision::Endpoint { endpoint, .. } if traced.program.eni(endpoint).is_some() => Some(endpoint),
        _ => None,
    })?;
    let interface = interface_at(traced, model, at)?;
    let endpoint = model.endpoint_of_interface(interface.id)?;
    let service = model.interface_service(endpoint.vpc_id, &endpoint.service_name).ok()?;
    let zone_of = |interface: &NetworkInterface| {
        model.subnets.get(&interface.subnet_id).map(|subnet| subnet.availability_zone.as_str())
    };
    let own = zone_of(model.network_interfaces.get(&traced.sender.interface?)?)?;
    if model.is_offered_in(&service, own) {
        return None;
    }
    Some(Hint::of(
        "VPCE_SERVICE_NOT_INSTALLED_IN_AZ",
        Some(About::Node(at)),
        format!(
            "{} is not offered in {own}: the packet crosses to the endpoint's interface in {}",
            endpoint.service_name,
            zone_of(interface).unwrap_or("another zone")
        ),
    ))
}

/// A VPN connection that is down, if it ends at a transit gateway: AWS has a code of its own for that.
fn vpn_attachment(traced: &Traced) -> Option<Hint> {
    let Outcome::Dropped { leg, reason: DropReason::TunnelsDown, .. } = traced.outcome else { return None };
    let last = traced.leg(leg)?.visits.last()?;
    let connection = last.decisions.iter().find_map(|decision| match *decision {
        Decision::Tunnel { connection, .. } => Some(connection),
        _ => None,
    })?;
    let Node::VpnConnection(node) = traced.program.node(connection) else { return None };
    let origins = &traced.program.origins;
    matches!(traced.program.node(node.aws), Node::TransitGateway(_)).then(|| {
        let sentence =
            format!("{} is an attachment of {}, and is down", origins.node(connection).id, origins.node(node.aws).id);
        Hint::of("TGW_BAD_STATE_VPN", Some(About::Node(connection)), sentence)
    })
}

/// What AWS's analyzer does not follow. Unverified: AWS lists what it knows, and instances that forward, Direct Connect and networks on premises are not among them.
fn unsupported(traced: &Traced) -> Option<Hint> {
    let leg = traced.leg(LegKind::Forward)?;
    let (at, what) = leg.visits.iter().find_map(|visit| match traced.program.node(visit.at) {
        Node::VirtualInterface(_) => Some((visit.at, "a virtual interface of Direct Connect")),
        Node::OnPremises(_) => Some((visit.at, "a router on premises")),
        _ => None,
    })?;
    Some(Hint::of(
        "UNSUPPORTED_COMPONENT",
        Some(About::Node(at)),
        format!("{} is {what}: AWS's analyzer ends its path there, the packet goes on", {
            &traced.program.origins.node(at).id
        }),
    ))
}

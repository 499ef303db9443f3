//! The implicit router of a VPC: network ACLs at the subnets' boundaries, and the route tables between.
//!
//! | a packet comes from | asked | then |
//! |---|---|---|
//! | an interface, a NAT gateway | ACL of its subnet outbound, its subnet's route table | the route's target |
//! | a transit gateway | the same, for the subnet of its interface in the zone that the packet comes from | the route's target |
//! | an internet or virtual private gateway | its gateway route table, if it has one | local delivery, or the table's target |
//! | a peering connection, a gateway endpoint | - | local delivery |
//! | the router itself (ICMP errors) | its subnet's route table where the destination is not in the VPC | the route's target |
//!
//! Into an interface of another subnet: that subnet's ACL, inbound. NAT gateways and the interfaces of transit gateways lie in subnets, whose ACLs apply to them.
//! ACLs are asked only where a packet crosses a subnet's boundary: not when the router hands it back into the subnet it came from. What the router says itself from its
//! addresses passes no ACL. TTL is not decremented, unless `ttl = "rfc1812"`; drops are silent: so AWS behaves.
//! Assumed: with several interfaces of a transit gateway a packet that comes from a zone without one enters by the first; in appliance mode a hash of
//! addresses, protocol and ports chooses, the same for both directions of a flow (later fragments have no ports and may enter elsewhere).
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html, nacl-basics.html, gateway-route-tables.html,
//! docs.aws.amazon.com/vpc/latest/tgw/tgw-nacls.html, tgw-vpc-attachments.html

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, Direction, DropReason, Step, Tap, network_acl};
use crate::program::{NextHop, NextHopKind, Node, NodeIx, RouterNode, SubnetBoundary, TransitPorts};
use crate::wire::{Parsed, Spread};
use std::net::Ipv4Addr;

/// Where a packet is, seen from the router: in a subnet, or outside all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A subnet's interface, NAT gateway or transit gateway interface, as a position in the router's `subnets`.
    Subnet(u16),
    /// The router itself, speaking as this subnet's router.
    Router(u16),
    /// A gateway or endpoint, which is in no subnet.
    Gateway,
    /// A peered VPC: in no subnet of this one, but within the Region in a known zone.
    Peer,
}

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &RouterNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let program = visit.program;
    let Some(from) = visit.frame.meta.from else { return drop(DropReason::ResourceGone) };
    // First of all, because it says as which subnet's router to speak, should the packet be refused.
    // And what it says itself enters by itself: security groups know it by that.
    if matches!(program.node(from), Node::Eni(_) | Node::NatGateway(_)) || from == visit.at {
        visit.frame.meta.entered_by = Some(from);
    }
    if from != visit.at {
        visit.pass_router(&packet)?;
    }
    match program.node(from) {
        Node::Eni(sender) => enter(visit, router, from, sender.subnet, &packet),
        Node::NatGateway(sender) => enter(visit, router, from, sender.subnet, &packet),
        Node::TransitGateway(_) => from_transit_gateway(visit, router, from, &packet),
        Node::InternetGateway(_) | Node::VpnGateway(_) => from_edge(visit, router, from, &packet),
        Node::Peering(_) => deliver_locally(visit, router, Origin::Peer, &packet),
        Node::GatewayEndpoint(_) => deliver_locally(visit, router, Origin::Gateway, &packet),
        Node::Router(_) if from == visit.at => from_itself(visit, router, &packet),
        _ => drop(DropReason::ResourceGone),
    }
}

/// From an interface or NAT gateway in a subnet.
fn enter<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    from: NodeIx,
    subnet: u16,
    packet: &Parsed,
) -> Stage<Step> {
    visit.frame.meta.zone = router.zone_of(subnet);
    enter_by(visit, router, from, subnet, packet)
}

/// The same, without looking where in the VPC that is.
fn enter_by<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    from: NodeIx,
    subnet: u16,
    packet: &Parsed,
) -> Stage<Step> {
    visit.frame.meta.entered_by = Some(from);
    by_table(visit, router, Origin::Subnet(subnet), subnet, packet)
}

/// By the route table of `subnet`.
fn by_table<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    origin: Origin,
    subnet: u16,
    packet: &Parsed,
) -> Stage<Step> {
    let Some(boundary) = router.subnets.get(usize::from(subnet)) else { return drop(DropReason::ResourceGone) };
    let Some((table, hop)) = visit.program.route(router, subnet, packet.destination) else {
        return drop(DropReason::ResourceGone);
    };
    // The table is looked at first because it says whether the packet leaves the subnet; the ACL still speaks first.
    if matches!(origin, Origin::Subnet(_)) && leaves_subnet(visit, router, subnet, hop, packet.destination) {
        network_acl::ask(visit, boundary.acl, Direction::Egress, packet)?;
    }
    visit.decide(Decision::Route { table, destination: packet.destination, entry: hop.map(|hop| hop.entry) });
    let Some(hop) = hop else { return drop(DropReason::NoRoute) };
    to_target(visit, router, origin, hop, packet)
}

/// To a route's target.
fn to_target<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    origin: Origin,
    hop: NextHop,
    packet: &Parsed,
) -> Stage<Step> {
    let settings = visit.program.settings;
    let segment = match (hop.kind, visit.program.node(hop.node)) {
        (NextHopKind::Blackhole, _) => return drop(DropReason::BlackholeRoute),
        (NextHopKind::Local, _) => return deliver_locally(visit, router, origin, packet),
        (NextHopKind::Node, Node::Eni(_) | Node::NatGateway(_)) => {
            return into_subnet(visit, router, origin, hop.node, packet);
        }
        (NextHopKind::Node, Node::TransitGateway(_)) => {
            return to_transit_gateway(visit, router, origin, hop.node, packet);
        }
        (NextHopKind::Node, Node::InternetGateway(_)) => Segment::of(settings.internet_gateway_mtu_bytes),
        (NextHopKind::Node, Node::GatewayEndpoint(_)) => Segment::strict(settings.gateway_endpoint_mtu_bytes),
        (NextHopKind::Node, Node::Peering(peering)) if peering.inter_region => {
            Segment::of(settings.inter_region_mtu_bytes)
        }
        (NextHopKind::Node, Node::Peering(_)) => Segment::of(settings.vpc_mtu_bytes),
        (NextHopKind::Node, Node::VpnGateway(_)) => Segment::of(settings.vpc_mtu_bytes),
        _ => return drop(DropReason::ResourceGone),
    };
    visit.forward_within(packet, segment, hop.node, None)
}

/// Whether a packet in `subnet` goes out of it.
fn leaves_subnet<T: Tap>(
    visit: &Visit<'_, '_, T>,
    router: &RouterNode,
    subnet: u16,
    hop: Option<NextHop>,
    destination: Ipv4Addr,
) -> bool {
    match hop {
        Some(NextHop { kind: NextHopKind::Local, .. }) => {
            !router.subnets.get(usize::from(subnet)).is_some_and(|boundary| boundary.cidr.contains(&destination))
        }
        Some(NextHop { kind: NextHopKind::Node, node, .. }) => match visit.program.node(node) {
            // Both sides of the ACL are asked, also where the transit gateway's interface lies in the sender's own subnet.
            Node::TransitGateway(_) => true,
            _ => subnet_of(visit, node) != Some(subnet),
        },
        _ => true,
    }
}

/// From an internet or virtual private gateway: by its gateway route table, else to whoever has the address.
fn from_edge<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    gateway: NodeIx,
    packet: &Parsed,
) -> Stage<Step> {
    let Some(&table) = router.edge_tables.get(&gateway) else {
        return deliver_locally(visit, router, Origin::Gateway, packet);
    };
    let hop = visit.program.route_by(table, packet.destination);
    visit.decide(Decision::Route { table, destination: packet.destination, entry: hop.map(|hop| hop.entry) });
    match hop {
        None => drop(DropReason::NoRoute),
        Some(hop) if lacks_public_address(visit, gateway, hop) => drop(DropReason::GatewayTableNoPublicAddress),
        Some(hop) => to_target(visit, router, Origin::Gateway, hop, packet),
    }
}

/// Whether an internet gateway's route table leads to an interface without a public address.
fn lacks_public_address<T: Tap>(visit: &Visit<'_, '_, T>, gateway: NodeIx, hop: NextHop) -> bool {
    match (visit.program.node(gateway), visit.program.node(hop.node)) {
        (Node::InternetGateway(gateway), Node::Eni(eni)) if hop.kind == NextHopKind::Node => {
            !gateway.to_public.contains_key(&eni.private_ip)
        }
        _ => false,
    }
}

/// What the router says itself: to its own VPC without a table, elsewhere by the table of the subnet that it speaks for.
fn from_itself<T: Tap>(visit: &mut Visit<'_, '_, T>, router: &RouterNode, packet: &Parsed) -> Stage<Step> {
    let Some(subnet) = router.subnet_of_router_address(packet.source) else { return drop(DropReason::ResourceGone) };
    if router.contains(packet.destination) {
        return deliver_locally(visit, router, Origin::Router(subnet), packet);
    }
    by_table(visit, router, Origin::Router(subnet), subnet, packet)
}

/// From a transit gateway: as if from its interface in a subnet.
fn from_transit_gateway<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    from: NodeIx,
    packet: &Parsed,
) -> Stage<Step> {
    let Some((zone, subnet)) = router.transit.get(&from).and_then(|ports| port_for(visit, ports, packet)) else {
        return drop(DropReason::AttachmentGone);
    };
    visit.decide(Decision::TransitPort { zone });
    visit.frame.meta.by_transit_gateway = true;
    // The sender's zone stays known: the way from there to the receiver's is what takes time.
    enter_by(visit, router, from, subnet, packet)
}

/// The interface by which a packet from a transit gateway enters: that of its zone, else the first; in appliance mode the one that the flow's hash names.
fn port_for<T: Tap>(visit: &Visit<'_, '_, T>, ports: &TransitPorts, packet: &Parsed) -> Option<(u16, u16)> {
    let port = |(zone, subnet): (&u16, &u16)| (*zone, *subnet);
    if ports.appliance_mode {
        let choice = packet.spread(Spread::ApplianceZone, ports.by_zone.len());
        return ports.by_zone.iter().nth(choice).map(port);
    }
    let same_zone = visit.frame.meta.zone.and_then(|zone| ports.by_zone.get_key_value(&zone));
    same_zone.or_else(|| ports.by_zone.first_key_value()).map(port)
}

/// To a transit gateway, by its interface in the packet's zone.
fn to_transit_gateway<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    origin: Origin,
    gateway: NodeIx,
    packet: &Parsed,
) -> Stage<Step> {
    let (Origin::Subnet(subnet) | Origin::Router(subnet)) = origin else { return drop(DropReason::ResourceGone) };
    let Some(port) = port_in_zone_of(router, gateway, subnet) else { return drop(DropReason::TransitZone) };
    if matches!(origin, Origin::Subnet(_))
        && let Some(&SubnetBoundary { acl, .. }) = router.subnets.get(usize::from(port))
    {
        network_acl::ask(visit, acl, Direction::Ingress, packet)?;
    }
    visit.frame.meta.zone = router.zone_of(port);
    let segment = Segment::of(visit.program.settings.transit_gateway_mtu_bytes);
    visit.forward_within(packet, segment, gateway, None)
}

/// The subnet of a transit gateway's interface in the zone of `subnet`.
fn port_in_zone_of(router: &RouterNode, gateway: NodeIx, subnet: u16) -> Option<u16> {
    router.transit.get(&gateway)?.by_zone.get(&router.zone_of(subnet)?).copied()
}

/// To whoever has the destination address.
fn deliver_locally<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    origin: Origin,
    packet: &Parsed,
) -> Stage<Step> {
    match router.interfaces.get(&packet.destination) {
        Some(&at) => into_subnet(visit, router, origin, at, packet),
        None => drop(DropReason::NoInterfaceAtAddress),
    }
}

/// To an interface or NAT gateway, through the ACL of its subnet unless the packet comes from there.
fn into_subnet<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    router: &RouterNode,
    origin: Origin,
    at: NodeIx,
    packet: &Parsed,
) -> Stage<Step> {
    let Some(target) = subnet_of(visit, at) else { return drop(DropReason::NoInterfaceAtAddress) };
    let Some(&SubnetBoundary { acl, zone, .. }) = router.subnets.get(usize::from(target)) else {
        return drop(DropReason::ResourceGone);
    };
    if let Some(Node::TransitGateway(_)) = visit.frame.meta.from.map(|from| visit.program.node(from))
        && let Some(ports) = visit.frame.meta.from.and_then(|from| router.transit.get(&from))
        && !ports.by_zone.contains_key(&zone)
    {
        return drop(DropReason::TransitAttachmentZone);
    }
    let asks = match origin {
        Origin::Subnet(subnet) => subnet != target,
        Origin::Router(_) => false,
        Origin::Gateway | Origin::Peer => true,
    };
    if asks {
        network_acl::ask(visit, acl, Direction::Ingress, packet)?;
    }
    let link = match origin {
        // Zones are numbered alike in all VPCs; one of another Region has no link here.
        Origin::Subnet(subnet) => {
            let from_sender = visit.frame.meta.zone.and_then(|sender| router.link_between(sender, zone));
            from_sender.or_else(|| router.link_between_subnets(subnet, target))
        }
        Origin::Peer => visit.frame.meta.zone.and_then(|sender| router.link_between(sender, zone)),
        Origin::Router(_) | Origin::Gateway => None,
    };
    visit.frame.meta.zone = Some(zone);
    let segment = Segment::of(visit.program.settings.vpc_mtu_bytes);
    visit.forward_within(packet, segment, at, link)
}

/// The subnet that an interface or NAT gateway lies in.
fn subnet_of<T: Tap>(visit: &Visit<'_, '_, T>, at: NodeIx) -> Option<u16> {
    match visit.program.node(at) {
        Node::Eni(eni) => Some(eni.subnet),
        Node::NatGateway(gateway) => Some(gateway.subnet),
        _ => None,
    }
}

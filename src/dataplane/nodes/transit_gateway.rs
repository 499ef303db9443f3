//! A transit gateway: a router between attachments.
//!
//! The attachment by which a packet comes says, by its association, which route table decides; the table's next hop is the node across another attachment, or
//! across the same one: a packet may leave by the attachment it came in by, where a route says so. Routes that several BGP VPNs share spread flows over them, by a
//! hash that both directions of a flow have in common. By which interface the packet enters a VPC is the VPC router's affair (zones, appliance mode, ACLs).
//! Packets from VPCs that are bigger than 8500 bytes were refused by the router that sent them here; what is too big for a VPN, Direct Connect or another transit
//! gateway vanishes. Assumed: the time to live stays as it is (AWS does not say), so transit gateways are no hops of a traceroute; crossing one takes no time,
//! other than between Regions.
//! Sources: docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html, tgw-route-tables.html, transit-gateway-quotas.html (MTU)

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::program::{NextHop, NextHopKind, NodeIx, TableIx, TransitGatewayNode};
use crate::wire::{Parsed, Spread};

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, gateway: &TransitGatewayNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    let Some(from) = visit.frame.meta.from else { return drop(DropReason::ResourceGone) };
    let Some(attachment) = gateway.attachments.get(&from) else { return drop(DropReason::AttachmentGone) };
    visit.decide(Decision::TransitAttachment { from, table: attachment.table });
    let Some(table) = attachment.table else { return drop(DropReason::TransitNoAssociation) };
    let hop = visit.program.route_by(table, packet.destination);
    visit.decide(Decision::Route { table, destination: packet.destination, entry: hop.map(|hop| hop.entry) });
    let Some(hop) = hop else { return drop(DropReason::TransitNoRoute) };
    if hop.kind != NextHopKind::Node {
        return drop(DropReason::TransitBlackhole);
    }
    let next = target(gateway, table, hop, &packet);
    let Some(target) = gateway.attachments.get(&next) else { return drop(DropReason::AttachmentGone) };
    // The sender's router has told of packets from a VPC; nobody tells of others.
    let segment = Segment::silent(target.mtu_bytes);
    visit.forward_within(&packet, segment, next, target.link)
}

/// The next hop, or of several that share a route the one that the flow's hash names.
fn target(gateway: &TransitGatewayNode, table: TableIx, hop: NextHop, packet: &Parsed) -> NodeIx {
    match gateway.equal_cost.get(&(table, hop.entry)) {
        Some(nodes) if !nodes.is_empty() => nodes[packet.spread(Spread::EqualCost, nodes.len())],
        _ => hop.node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::MacAddress;
    use etherparse::PacketBuilder;
    use std::collections::{BTreeMap, BTreeSet};

    fn packet(source: ([u8; 4], u16), destination: ([u8; 4], u16)) -> Parsed {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source.0, destination.0, 64);
        builder.tcp(source.1, destination.1, 0, 0).write(&mut frame, &[]).unwrap();
        Parsed::of(&frame).unwrap()
    }

    /// Two decisions about one flow do not go together, and the pieces of a datagram do.
    #[test]
    fn what_is_drawn_for_one_decision_says_nothing_of_another() {
        let mut seen = BTreeSet::new();
        for port in 1_024..1_088 {
            let mut packet = packet(([10, 1, 1, 10], port), ([192, 168, 1, 10], 443));
            seen.insert((packet.spread(Spread::EqualCost, 2), packet.spread(Spread::Tunnel, 2)));
            packet.more_fragments = true;
            let first = packet.spread(Spread::ApplianceZone, 3);
            (packet.more_fragments, packet.fragment_offset_bytes, packet.ports) = (false, 1_480, None);
            assert_eq!(packet.spread(Spread::ApplianceZone, 3), first);
        }
        assert_eq!(seen.len(), 4, "every tunnel of every connection is used: {seen:?}");
    }

    #[test]
    fn flows_are_spread_over_ways_of_equal_cost_and_stay_there() {
        let ways = [NodeIx(7), NodeIx(8)];
        let gateway = TransitGatewayNode {
            mac: MacAddress::default(),
            attachments: BTreeMap::new(),
            equal_cost: BTreeMap::from([((TableIx(1), 3), ways.into())]),
        };
        let hop = |entry| NextHop { kind: NextHopKind::Node, entry, node: NodeIx(7) };
        let flow = |port| packet(([10, 1, 1, 10], port), ([192, 168, 1, 10], 443));
        let back = |port| packet(([192, 168, 1, 10], 443), ([10, 1, 1, 10], port));
        let chosen: Vec<NodeIx> =
            (1_024..1_088).map(|port| target(&gateway, TableIx(1), hop(3), &flow(port))).collect();
        assert_eq!(chosen.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(ways), "both are used");
        for (port, way) in (1_024..1_088).zip(&chosen) {
            assert_eq!(target(&gateway, TableIx(1), hop(3), &back(port)), *way);
        }
        // Routes that nothing shares, and other tables.
        for (table, entry) in [(TableIx(1), 4), (TableIx(2), 3)] {
            assert!((1_024..1_088).all(|port| target(&gateway, table, hop(entry), &flow(port)) == NodeIx(7)));
        }
    }
}

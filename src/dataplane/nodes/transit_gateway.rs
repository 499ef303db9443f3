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
use crate::net::FiveTuple;
use crate::program::{NextHop, NextHopKind, NodeIx, TableIx, TransitGatewayNode};

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
    let next = target(gateway, table, hop, packet.five_tuple());
    let Some(target) = gateway.attachments.get(&next) else { return drop(DropReason::AttachmentGone) };
    let segment = if target.tells_mtu { Segment::of(target.mtu_bytes) } else { Segment::silent(target.mtu_bytes) };
    visit.forward_within(&packet, segment, next, target.link)
}

/// The next hop, or of several that share a route the one that the flow's hash names.
fn target(gateway: &TransitGatewayNode, table: TableIx, hop: NextHop, flow: FiveTuple) -> NodeIx {
    match gateway.equal_cost.get(&(table, hop.entry)) {
        Some(nodes) if !nodes.is_empty() => nodes[(flow.symmetric_hash() % nodes.len() as u64) as usize],
        _ => hop.node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{MacAddress, Protocol};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn flows_are_spread_over_ways_of_equal_cost_and_stay_there() {
        let ways = [NodeIx(7), NodeIx(8)];
        let gateway = TransitGatewayNode {
            mac: MacAddress::default(),
            attachments: BTreeMap::new(),
            equal_cost: BTreeMap::from([((TableIx(1), 3), ways.into())]),
        };
        let hop = |entry| NextHop { kind: NextHopKind::Node, entry, node: NodeIx(7) };
        let flow = |port| FiveTuple {
            protocol: Protocol::TCP,
            source: [10, 1, 1, 10].into(),
            destination: [192, 168, 1, 10].into(),
            source_port: port,
            destination_port: 443,
        };
        let chosen: Vec<NodeIx> = (1_024..1_088).map(|port| target(&gateway, TableIx(1), hop(3), flow(port))).collect();
        assert_eq!(chosen.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(ways), "both are used");
        for (port, way) in (1_024..1_088).zip(&chosen) {
            assert_eq!(target(&gateway, TableIx(1), hop(3), flow(port).reversed()), *way);
        }
        // Routes that nothing shares, and other tables.
        for (table, entry) in [(TableIx(1), 4), (TableIx(2), 3)] {
            assert!((1_024..1_088).all(|port| target(&gateway, table, hop(entry), flow(port)) == NodeIx(7)));
        }
    }
}

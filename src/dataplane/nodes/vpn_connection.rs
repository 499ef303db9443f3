//! A Site-to-Site VPN connection: two tunnels between a gateway of AWS and a router on premises.
//!
//! Encryption (ESP, IKE) is not simulated: tunnels carry the inner packets, and what the outer headers cost is in the MTU. A virtual private gateway uses one tunnel, the
//! first that is up; a transit gateway spreads flows over both by a hash of addresses, ports and protocol. The router on premises chooses alike (assumed: it is
//! configured for symmetric paths). AWS drops what is too big without a word, as long as it may not be split (path MTU discovery is not supported).
//! Sources: docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html, cgw-best-practice.html, docs.aws.amazon.com/vpc/latest/tgw/tgw-ecmp.html

use crate::dataplane::fit::Segment;
use crate::dataplane::visit::{Stage, Visit, drop};
use crate::dataplane::{Decision, DropReason, Step, Tap};
use crate::program::{LinkIx, NodeIx, VpnConnectionNode};
use crate::wire::{Parsed, Spread};
use std::ops::ControlFlow;

pub(crate) fn visit<T: Tap>(visit: &mut Visit<'_, '_, T>, connection: &VpnConnectionNode) -> Stage<Step> {
    let packet = visit.ipv4()?;
    if visit.frame.meta.from == Some(connection.on_premises) {
        return ControlFlow::Continue(visit.forward(connection.aws));
    }
    let link = choose(visit, visit.at, connection, &packet)?;
    visit.forward_within(&packet, Segment::silent(connection.mtu_bytes), connection.on_premises, Some(link))
}

/// The link of the tunnel that takes the packet through `connection`, which is at `at`.
pub(super) fn choose<T: Tap>(
    visit: &mut Visit<'_, '_, T>,
    at: NodeIx,
    connection: &VpnConnectionNode,
    packet: &Parsed,
) -> Stage<LinkIx> {
    let [first, second] = connection.tunnels;
    let tunnel = match (first.up, second.up) {
        (true, true) if connection.spreads => Some(packet.spread(Spread::Tunnel, 2) as u8),
        (true, _) => Some(0),
        (false, true) => Some(1),
        (false, false) => None,
    };
    visit.decide(Decision::Tunnel { connection: at, tunnel });
    match tunnel {
        Some(number) => ControlFlow::Continue(connection.tunnels[usize::from(number)].link),
        None => drop(DropReason::TunnelsDown),
    }
}

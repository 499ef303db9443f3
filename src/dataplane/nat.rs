//! Translation of addresses and ports, with memory: what NAT gateways, forwarding instances and routers on premises share.

use super::visit::{Stage, Visit, drop};
use super::{DropReason, Tap};
use crate::wire::Parsed;
use std::net::Ipv4Addr;

/// All NAT sessions.
#[derive(Clone, Debug, Default)]
pub struct Nat {}

/// Puts an address of `pool` and a port of its own in place of the packet's source, beginning a session of the node at hand if there is none.
pub(crate) fn outbound<T: Tap>(visit: &mut Visit<'_, '_, T>, pool: &[Ipv4Addr], packet: &mut Parsed) -> Stage {
    let _ = (visit, pool, packet);
    drop(DropReason::NatPortExhausted)
}

/// Puts the inside address and port back in place of the packet's destination, if it answers a session of the node at hand.
pub(crate) fn inbound<T: Tap>(visit: &mut Visit<'_, '_, T>, packet: &mut Parsed) -> Stage {
    let _ = (visit, packet);
    drop(DropReason::NatNoSession)
}

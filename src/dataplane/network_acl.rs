//! Network ACLs: stateless rules at the subnet's boundary.
//!
//! Entries are asked in the order of their numbers; the first match decides, and what matches none is denied (the rule `*`). Ports are the packet's
//! destination port, so answers are matched by the port the client chose. A later fragment has no ports and matches only entries that name none.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html

use super::visit::{Stage, Visit, drop};
use super::{Decision, Direction, DropReason, Tap};
use crate::program::{AclEntry, AclIx};
use crate::wire::Parsed;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

/// The deciding entry among `entries`; `None`: no entry matches.
pub(crate) fn deciding_entry<'a>(entries: &'a [AclEntry], packet: &Parsed, peer: Ipv4Addr) -> Option<&'a AclEntry> {
    entries.iter().find(|entry| {
        entry.cidr.contains(&peer)
            && entry.traffic.matches(packet.protocol, packet.destination_port(), packet.icmp_type_and_code())
    })
}

/// Asks an ACL: ingress compares the source, egress the destination.
pub(crate) fn ask<T: Tap>(visit: &mut Visit<'_, '_, T>, acl: AclIx, direction: Direction, packet: &Parsed) -> Stage {
    let entry = visit.program.acls.get(acl.at()).and_then(|rules| match direction {
        Direction::Ingress => deciding_entry(&rules.ingress, packet, packet.source),
        Direction::Egress => deciding_entry(&rules.egress, packet, packet.destination),
    });
    let (rule, allowed) = (entry.map(|entry| entry.number), entry.is_some_and(|entry| entry.allow));
    visit.decide(Decision::NetworkAcl { acl, direction, rule, allowed });
    match direction {
        _ if allowed => ControlFlow::Continue(()),
        Direction::Ingress => drop(DropReason::NetworkAclIngress),
        Direction::Egress => drop(DropReason::NetworkAclEgress),
    }
}

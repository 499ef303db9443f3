//! What a captured NIC sent, as traffic alone: nothing is forwarded, and answers play no part.

use super::reader::Record;
use super::{link_layer, repair};
use crate::wire::{Parsed, rewrite};
use std::net::Ipv4Addr;

/// Makes `frame` the record's packet, sent from `own` instead of `captured`, mended as for a replay; whether it is one that `captured` sent. Ethernet addresses stay those
/// of nobody.
pub fn sent_from(captured: Ipv4Addr, own: Ipv4Addr, record: &Record<'_>, frame: &mut Vec<u8>) -> bool {
    let Ok(packet) = link_layer::ipv4(record.link_type, record.bytes) else { return false };
    if repair::frame_of(packet, frame).is_none() {
        return false;
    }
    let Ok(mut parsed) = Parsed::of(frame) else { return false };
    if parsed.source != captured {
        return false;
    }
    repair::checksums(frame, &parsed);
    rewrite::set_source(frame, &mut parsed, own);
    true
}

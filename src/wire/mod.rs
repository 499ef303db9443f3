//! Packets as bytes: fixed-offset reading, in-place rewriting, checksums.
//!
//! Purpose: everything the data plane needs to know of a frame ([`Parsed`], one bounds check per header) and everything it may change in it
//! ([`rewrite`]): Ethernet addresses, IPv4 addresses with every checksum that covers them, ARP requests into replies; cutting packets to an
//! MTU and putting them together again ([`fragment`]); the few words that memos of flows look at, of one frame ([`FlowHead`]) and of many ([`Heads`]). Non-goals:
//! building packets (edges use etherparse, hosts smoltcp), IPv6, VLAN tags,
//! TCP options. Invariants: nothing here panics, whatever the bytes, and only [`fragment`] and [`base64`] allocate; lengths come from the
//! headers, are checked once against the frame, and Ethernet padding behind the IPv4 packet is left alone.
//! Sources: RFC 791 (IPv4), 792 (ICMP), 826 (ARP), 768 (UDP), 9293 (TCP), 1071 and 1624 (checksums).

pub mod arp;
pub mod base64;
pub mod checksum;
pub mod dns;
pub mod ethernet;
mod flow_head;
mod heads;
pub mod fragment;
mod parsed;
pub mod rewrite;

pub use flow_head::{FlowHead, LINE_BYTES, RouteHead};
pub use heads::{HEADS_MAX, Heads};
pub use parsed::{Icmp, Parsed, Spread, TcpFlags, WireError, icmp_type};

/// A big-endian 16-bit number at `at`; `None` outside the bytes.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

/// Writes a big-endian 16-bit number at `at`; outside the bytes, nothing.
#[inline]
fn put_word(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(pair) = bytes.get_mut(at..at + 2) {
        pair.copy_from_slice(&value.to_be_bytes());
    }
}

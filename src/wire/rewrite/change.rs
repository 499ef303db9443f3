//! What a memo of a flow changes in a packet, all at once.

use super::{IP_CHECKSUM, IP_DESTINATION, IP_SOURCE, IP_TTL, TCP_CHECKSUM, UDP_CHECKSUM};
use crate::net::Protocol;
use crate::wire::parsed::IP;
use crate::wire::{checksum, put_word, word};

/// The headers that a [`Change`] can be read from: Ethernet, IPv4 without options, TCP or UDP.
pub const HEADERS_BYTES: usize = IP + 20 + 20;
/// Where the time to live stands.
pub const TTL_AT: usize = IP + IP_TTL;
/// Where source and destination address stand.
pub const ADDRESSES_AT: usize = IP + IP_SOURCE;
/// Where source and destination port stand, behind an IPv4 header without options.
pub const PORTS_AT: usize = IP + 20;

const _: () = assert!(IP_DESTINATION == IP_SOURCE + 4);

/// New addresses, ports and time to live, and what the checksums change by: the one's complement sums of every changed word's complement and its new value
/// (RFC 1624). Adding the sum at once gives the bytes that adding word by word gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How many routers it passed that count.
    pub ttl_decrement: u8,
    /// Source and destination.
    pub addresses: [u8; 8],
    /// Source and destination.
    pub ports: [u8; 4],
    /// Of the IPv4 header.
    pub ip_delta: u16,
    /// Of TCP or UDP.
    pub transport_delta: u16,
}

impl Change {
    /// What makes the headers `after` of the headers `before`; `None` if they are too short.
    pub fn between(before: &[u8], after: &[u8]) -> Option<Change> {
        let delta = |from: usize, to: usize| {
            let words = (from..to).step_by(2);
            words.map(|at| Some((word(before, at)?, word(after, at)?))).try_fold(0, |sum, words| {
                let (old, new) = words?;
                // Words that stay add nothing; their two halves would add a zero of the other kind.
                Some(if old == new { sum } else { checksum::add(checksum::add(sum, !old), new) })
            })
        };
        let addresses = delta(ADDRESSES_AT, ADDRESSES_AT + 8)?;
        Some(Change {
            ttl_decrement: before.get(TTL_AT)?.checked_sub(*after.get(TTL_AT)?)?,
            addresses: after.get(ADDRESSES_AT..ADDRESSES_AT + 8)?.try_into().ok()?,
            ports: after.get(PORTS_AT..PORTS_AT + 4)?.try_into().ok()?,
            ip_delta: checksum::add(addresses, delta(TTL_AT, TTL_AT + 2)?),
            transport_delta: checksum::add(addresses, delta(PORTS_AT, PORTS_AT + 4)?),
        })
    }

    /// Makes the change in the headers of a frame whose IPv4 header has no options and that carries `protocol`. What stands behind a UDP header does not matter.
    #[inline(always)]
    pub fn apply(&self, headers: &mut [u8; HEADERS_BYTES], protocol: u8) {
        headers[TTL_AT] = headers[TTL_AT].wrapping_sub(self.ttl_decrement);
        headers[ADDRESSES_AT..ADDRESSES_AT + 8].copy_from_slice(&self.addresses);
        headers[PORTS_AT..PORTS_AT + 4].copy_from_slice(&self.ports);
        adjust(headers, IP + IP_CHECKSUM, self.ip_delta);
        match Protocol(protocol) {
            Protocol::UDP if word(headers, PORTS_AT + UDP_CHECKSUM) != Some(0) => {
                adjust(headers, PORTS_AT + UDP_CHECKSUM, self.transport_delta);
                if word(headers, PORTS_AT + UDP_CHECKSUM) == Some(0) {
                    put_word(headers, PORTS_AT + UDP_CHECKSUM, 0xffff);
                }
            }
            Protocol::TCP => adjust(headers, PORTS_AT + TCP_CHECKSUM, self.transport_delta),
            _ => {}
        }
    }
}

/// Changes the headers of a frame; of one that is shorter, a copy that zeros stand behind, and then the frame.
#[inline]
pub fn with_headers(frame: &mut [u8], change: impl FnOnce(&mut [u8; HEADERS_BYTES])) {
    if let Some(headers) = frame.first_chunk_mut() {
        return change(headers);
    }
    let mut headers = [0; HEADERS_BYTES];
    headers[..frame.len()].copy_from_slice(frame);
    change(&mut headers);
    frame.copy_from_slice(&headers[..frame.len()]);
}

/// A delta of zero is none: nothing changed under the checksum.
#[inline(always)]
fn adjust(frame: &mut [u8; HEADERS_BYTES], at: usize, delta: u16) {
    if let (Some(old), true) = (word(frame, at), delta != 0) {
        put_word(frame, at, !checksum::add(!old, delta));
    }
}

//! Fragments on their way in: put together before smoltcp, which knows nothing of fragments, sees them.
//!
//! Purpose: [`Reassembler`]'s clock, counters, and the error a host sends when the rest does not come (RFC 792: code 1 of "time exceeded",
//! only if the first fragment is there to be quoted). Invariant: a frame that is no fragment passes untouched.

use super::Stack;
use crate::time::SimTime;
use crate::wire::fragment::Reassembly;
use crate::wire::{Parsed, ethernet, icmp_type};
use bytes::BytesMut;
use etherparse::PacketBuilder;

/// "Fragment reassembly time exceeded".
const REASSEMBLY: u8 = 1;
/// RFC 1812 section 4.3.2.3: an error is no longer than this, its IPv4 header included.
const ERROR_BYTES_MAX: usize = 576;
const IP_AND_ICMP_HEADER_BYTES: usize = 28;
const TIME_TO_LIVE: u8 = 64;
/// Where a frame says whether its packet is a fragment: more to come, or an offset.
const FRAGMENT_AT: usize = ethernet::HEADER_BYTES + 6;

impl Stack {
    /// The packet that `frame` is, or completes.
    pub(super) fn defragment(&mut self, now: SimTime, frame: BytesMut) -> Option<BytesMut> {
        if ethernet::ether_type(&frame) != Some(ethernet::IPV4) {
            return Some(frame);
        }
        // What has waited too long must not be completed by what comes now.
        self.give_up_fragments(now);
        if frame.get(FRAGMENT_AT..).and_then(|ip| ip.first_chunk()).is_none_or(|[high, low]| high & 0x3f | low == 0) {
            return Some(frame);
        }
        match self.reassembler.push(now, frame.freeze()) {
            Reassembly::Whole(frame) => Some(BytesMut::from(frame)),
            Reassembly::Held => None,
            Reassembly::Dropped(_) => {
                self.device.counters.fragments_dropped += 1;
                None
            }
        }
    }

    /// Gives up datagrams whose rest has not come in time.
    pub(super) fn give_up_fragments(&mut self, now: SimTime) {
        if self.reassembler.deadline().is_none_or(|at| at > now) {
            return;
        }
        for first in self.reassembler.expire(now) {
            self.device.counters.reassemblies_timed_out += 1;
            let error = first.and_then(|first| self.reassembly_error(&first));
            error.into_iter().for_each(|error| self.device.push_outgoing(error));
        }
    }

    fn reassembly_error(&self, first: &[u8]) -> Option<BytesMut> {
        let packet = Parsed::of(first).ok()?;
        let may_be_told = super::is_unicast(packet.source) && packet.icmp.is_none_or(|icmp| !icmp.is_error());
        if !may_be_told || !self.owns(packet.destination) {
            return None;
        }
        let quoted = first.get(ethernet::HEADER_BYTES..)?;
        let quoted = &quoted[..quoted.len().min(ERROR_BYTES_MAX - IP_AND_ICMP_HEADER_BYTES)];
        let builder = PacketBuilder::ethernet2(self.mac.0, ethernet::source(first).0)
            .ipv4(packet.destination.octets(), packet.source.octets(), TIME_TO_LIVE)
            .icmpv4_raw(icmp_type::TIME_EXCEEDED, REASSEMBLY, [0; 4]);
        let mut frame = Vec::with_capacity(builder.size(quoted.len()));
        builder.write(&mut frame, quoted).ok()?;
        Some(BytesMut::from(&frame[..]))
    }
}

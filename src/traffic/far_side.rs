//! What the far side answers, made out of what arrived there: addresses and ports may have been translated on the way.
//!
//! It keeps no state: sequence numbers of the answer follow from those of the question, the first one included.

use super::template::{TTL, udp_checksum};
use super::tls;
use crate::net::Protocol;
use crate::rng::Seed;
use crate::wire::{Parsed, TcpFlags, checksum, ethernet};

/// Where the IPv4 header begins.
const IP: usize = ethernet::HEADER_BYTES;

/// The far ends of all flows of a [`super::Source`].
#[derive(Clone, Debug)]
pub struct FarSide {
    filler: [u8; 64],
}

impl FarSide {
    /// A far side whose random bytes are the seed's.
    pub fn new(seed: Seed) -> FarSide {
        let mut filler = [0; 64];
        seed.derive("traffic far side").fill(&mut filler);
        FarSide { filler }
    }

    /// Writes the answer to a frame that arrived to the beginning of `slot` and says how long it is: as long as the frame. `None` if the frame asks for
    /// no answer (an ACK, a RST, fragments, other protocols), or if `slot` is shorter.
    pub fn answer(&self, arrived: &[u8], slot: &mut [u8]) -> Option<usize> {
        if ethernet::ether_type(arrived) != Some(ethernet::IPV4) {
            return None;
        }
        let parsed = Parsed::of(arrived).ok()?;
        if parsed.more_fragments || parsed.is_later_fragment() {
            return None;
        }
        let (source_port, destination_port) = parsed.ports?;
        let end = IP + usize::from(parsed.total_bytes);
        let transport = parsed.transport_at();
        let answer = slot.get_mut(..arrived.len())?;
        answer.copy_from_slice(arrived);
        if let Some(flags) = parsed.tcp_flags {
            self.answer_segment(&mut answer[transport..end], flags)?;
        }
        ethernet::set_addresses(answer, ethernet::destination(arrived), ethernet::source(arrived));
        answer[transport..transport + 2].copy_from_slice(&destination_port.to_be_bytes());
        answer[transport + 2..transport + 4].copy_from_slice(&source_port.to_be_bytes());
        let (source, destination) = (parsed.destination.octets(), parsed.source.octets());
        answer[IP + 8] = TTL;
        answer[IP + 12..IP + 16].copy_from_slice(&source);
        answer[IP + 16..IP + 20].copy_from_slice(&destination);
        answer[IP + 10..IP + 12].fill(0);
        let header_checksum = checksum::checksum(&answer[IP..transport]);
        answer[IP + 10..IP + 12].copy_from_slice(&header_checksum.to_be_bytes());
        let is_tcp = parsed.protocol == Protocol::TCP;
        let field = transport + if is_tcp { 16 } else { 6 };
        answer[field..field + 2].fill(0);
        let pseudo_header =
            checksum::pseudo_header_sum(source, destination, parsed.protocol.0, (end - transport) as u16);
        let sum = checksum::add(pseudo_header, checksum::sum(&answer[transport..end]));
        let value = if is_tcp { !sum } else { udp_checksum(sum) };
        answer[field..field + 2].copy_from_slice(&value.to_be_bytes());
        Some(arrived.len())
    }

    /// Makes the question's segment the answer's, ports and checksum excepted.
    fn answer_segment(&self, segment: &mut [u8], flags: TcpFlags) -> Option<()> {
        let number = |at: usize| Some(u32::from_be_bytes(*segment.get(at..)?.first_chunk()?));
        let (sequence, acknowledgment) = (number(4)?, number(8)?);
        let header_bytes = usize::from(segment.get(12)? >> 4) * 4;
        let payload_bytes = segment.len().checked_sub(header_bytes)?;
        let (answer_flags, answer_sequence, acknowledged) = if flags.has(TcpFlags::RST) {
            return None;
        } else if flags.is_opening() {
            (TcpFlags::SYN | TcpFlags::ACK, far_sequence(sequence), 1)
        } else if flags.has(TcpFlags::FIN) {
            (TcpFlags::FIN | TcpFlags::ACK, acknowledgment, payload_bytes as u32 + 1)
        } else if payload_bytes > 0 {
            let payload = segment.get_mut(header_bytes..)?;
            match payload.first() {
                Some(&tls::HANDSHAKE) => tls::server_flight(payload, &self.filler),
                Some(&tls::CHANGE_CIPHER_SPEC) => tls::application_data(payload, &self.filler),
                // Data comes back as it is.
                _ => {}
            }
            (flags.0, acknowledgment, payload_bytes as u32)
        } else {
            return None;
        };
        segment[13] = answer_flags;
        segment[4..8].copy_from_slice(&answer_sequence.to_be_bytes());
        segment[8..12].copy_from_slice(&sequence.wrapping_add(acknowledged).to_be_bytes());
        Some(())
    }
}

/// The far side's first sequence number of a connection that begins with `sequence` on this side.
pub(super) fn far_sequence(sequence: u32) -> u32 {
    (sequence ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1)
}

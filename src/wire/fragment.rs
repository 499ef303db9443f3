//! IPv4 fragmentation: cutting a packet to a smaller MTU, and putting the pieces together again.
//!
//! Purpose: [`fragments`] is how a router, or a host that sends, cuts an Ethernet frame's IPv4 packet (RFC 791 sections 2.3 and 3.2);
//! [`Reassembler`] is what the end system does with the pieces. Non-goals: deciding whether to cut, ICMP errors about it, IPv6.
//! Invariants: only the IPv4 header is looked at, so fragments of fragments and unknown protocols are cut alike; fragments reassembled
//! give the packet byte for byte; nothing panics, whatever the bytes; what waits for its rest is bounded in number, bytes and time.
//! Sources: RFC 791, RFC 815 (reassembly; its list of holes is the gaps between the pieces kept here), RFC 5722 (overlaps), RFC 6864.

mod reassembly;

pub use reassembly::{DATAGRAMS_MAX, HELD_BYTES_MAX, Reassembler, Reassembly, ReassemblyDrop, WAIT};

use super::parsed::IP;
use super::{checksum, put_word, word};
use std::iter::FusedIterator;

/// Fragment offsets count in units of 8 bytes (RFC 791 section 3.1).
const UNIT_BYTES: usize = 8;
const MIN_HEADER_BYTES: usize = 20;
/// The greatest total length the IPv4 header can tell.
const MAX_PACKET_BYTES: usize = 65_535;
/// Offsets in the IPv4 header.
const TOTAL_LENGTH: usize = 2;
const FLAGS_AND_OFFSET: usize = 6;
const HEADER_CHECKSUM: usize = 10;
/// Bits of the word at [`FLAGS_AND_OFFSET`].
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;
/// Option types (RFC 791 section 3.1): end of the list, padding of one byte, and the bit that says "copy into all fragments".
const OPTION_END: u8 = 0;
const OPTION_PADDING: u8 = 1;
const OPTION_COPIED: u8 = 0x80;

/// Why a packet is not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// The frame does not hold the IPv4 packet its header tells of.
    #[error("the frame of {frame_bytes} bytes holds no whole IPv4 packet")]
    Malformed {
        /// Length of the frame.
        frame_bytes: usize,
    },
    /// It is longer than the MTU, and its don't-fragment bit is set.
    #[error("the packet of {packet_bytes} bytes may not be fragmented to an MTU of {mtu_bytes}")]
    DontFragment {
        /// Length of the IPv4 packet.
        packet_bytes: usize,
        /// The MTU it was to fit into.
        mtu_bytes: usize,
    },
    /// The MTU has no room for the header and 8 bytes.
    #[error("an MTU of {mtu_bytes} is too small: header and 8 bytes of data need {needed_bytes}")]
    MtuTooSmall {
        /// The MTU.
        mtu_bytes: usize,
        /// What it would have to be.
        needed_bytes: usize,
    },
}

/// Cuts the IPv4 packet in an Ethernet frame to `mtu_bytes` (of IP, Ethernet header not counted). A packet that fits comes out as it is, its
/// don't-fragment bit set or not. Bytes behind the packet (Ethernet padding) are left out.
///
/// # Errors
/// [`FragmentError`]. The EtherType is not looked at.
///
/// ```
/// let mut frame = Vec::new();
/// let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 5], [10, 0, 0, 6], 64);
/// builder.udp(1, 2).write(&mut frame, &[7; 3_000])?;
/// frame[20] = 0; // the don't-fragment bit that etherparse sets
/// let lengths: Vec<usize> = vpcsim::wire::fragment::fragments(&frame, 1500)?.map(|fragment| fragment.len() - 14).collect();
/// assert_eq!(lengths, [1500, 1500, 68]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fragments(frame: &[u8], mtu_bytes: usize) -> Result<Fragments<'_>, FragmentError> {
    let header = Header::of(frame).ok_or(FragmentError::Malformed { frame_bytes: frame.len() })?;
    let packet_bytes = header.total_bytes;
    if packet_bytes > mtu_bytes {
        if header.flags_and_offset & DONT_FRAGMENT != 0 {
            return Err(FragmentError::DontFragment { packet_bytes, mtu_bytes });
        }
        let needed_bytes = header.header_bytes + UNIT_BYTES;
        if mtu_bytes < needed_bytes {
            return Err(FragmentError::MtuTooSmall { mtu_bytes, needed_bytes });
        }
    }
    Ok(Fragments { frame, header, mtu_bytes, at: 0, is_done: false })
}

/// The fragments of one packet, in order, as Ethernet frames. Made by [`fragments`].
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    frame: &'a [u8],
    header: Header,
    mtu_bytes: usize,
    /// How many bytes of the data are in earlier fragments.
    at: usize,
    is_done: bool,
}

impl Fragments<'_> {
    /// The header of the fragment that begins at `self.at`: the packet's own for the first, else with the options that are copied.
    fn header_bytes(&self) -> Vec<u8> {
        let whole = &self.frame[IP..IP + self.header.header_bytes];
        if self.at == 0 || whole.len() == MIN_HEADER_BYTES {
            return whole.to_vec();
        }
        let mut header = whole[..MIN_HEADER_BYTES].to_vec();
        header.extend(copied_options(&whole[MIN_HEADER_BYTES..]));
        // At most as long as the original, so the length field fits.
        header[0] = 0x40 | (header.len() / 4) as u8;
        header
    }
}

impl Iterator for Fragments<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_done {
            return None;
        }
        let Header { header_bytes, total_bytes, flags_and_offset } = self.header;
        if total_bytes <= self.mtu_bytes {
            self.is_done = true;
            return Some(self.frame[..IP + total_bytes].to_vec());
        }
        let data = &self.frame[IP + header_bytes..IP + total_bytes];
        let mut header = self.header_bytes();
        let rest = data.len() - self.at;
        let room = self.mtu_bytes - header.len();
        let is_last = rest <= room;
        let taken = if is_last { rest } else { room - room % UNIT_BYTES };
        // A fragment of a fragment keeps the offset it had, and its "more fragments" if it is not the end of the datagram.
        let offset = (flags_and_offset & OFFSET_MASK) + (self.at / UNIT_BYTES) as u16;
        let more = if is_last { flags_and_offset & MORE_FRAGMENTS } else { MORE_FRAGMENTS };
        let total_bytes = (header.len() + taken) as u16;
        put_word(&mut header, TOTAL_LENGTH, total_bytes);
        put_word(&mut header, FLAGS_AND_OFFSET, more | (offset & OFFSET_MASK));
        fill_header_checksum(&mut header);
        let mut fragment = Vec::with_capacity(IP + header.len() + taken);
        fragment.extend_from_slice(&self.frame[..IP]);
        fragment.extend_from_slice(&header);
        fragment.extend_from_slice(&data[self.at..self.at + taken]);
        self.at += taken;
        self.is_done = is_last;
        Some(fragment)
    }
}

impl FusedIterator for Fragments<'_> {}

/// What fragmentation needs to know of an IPv4 header. The lengths were checked against the frame.
#[derive(Clone, Copy, Debug)]
struct Header {
    header_bytes: usize,
    total_bytes: usize,
    flags_and_offset: u16,
}

impl Header {
    fn of(frame: &[u8]) -> Option<Header> {
        let packet = frame.get(IP..)?;
        let first = *packet.first()?;
        let header_bytes = usize::from(first & 0x0f) * 4;
        let total_bytes = usize::from(word(packet, TOTAL_LENGTH)?);
        let is_whole = first >> 4 == 4
            && header_bytes >= MIN_HEADER_BYTES
            && header_bytes <= total_bytes
            && total_bytes <= packet.len();
        is_whole.then_some(Header { header_bytes, total_bytes, flags_and_offset: word(packet, FLAGS_AND_OFFSET)? })
    }

    fn offset_bytes(self) -> usize {
        usize::from(self.flags_and_offset & OFFSET_MASK) * UNIT_BYTES
    }

    fn more_fragments(self) -> bool {
        self.flags_and_offset & MORE_FRAGMENTS != 0
    }
}

/// The options that go into every fragment, padded to whole 32-bit words. What is malformed ends the list.
fn copied_options(options: &[u8]) -> Vec<u8> {
    let mut copied = Vec::new();
    let mut rest = options;
    while let [kind, tail @ ..] = rest {
        match *kind {
            OPTION_END => break,
            OPTION_PADDING => rest = tail,
            kind => {
                let length = tail.first().map_or(0, |length| usize::from(*length));
                let Some(option) = rest.get(..length).filter(|option| option.len() >= 2) else { break };
                if kind & OPTION_COPIED != 0 {
                    copied.extend_from_slice(option);
                }
                rest = &rest[length..];
            }
        }
    }
    copied.resize(copied.len().next_multiple_of(4), OPTION_END);
    copied
}

/// Writes the checksum of an IPv4 header.
fn fill_header_checksum(header: &mut [u8]) {
    put_word(header, HEADER_CHECKSUM, 0);
    let sum = checksum::checksum(header);
    put_word(header, HEADER_CHECKSUM, sum);
}

#[cfg(test)]
mod tests;

//! The pcapng encoder: blocks appended to a byte buffer, nanosecond timestamps, little-endian.
//!
//! Purpose: everything a vpcsim capture says (frames, decisions as comments, names of addresses, TLS secrets) in one file that Wireshark
//! opens. Source of the format: draft-ietf-opsawg-pcapng, sections 3 (options) and 4 (blocks).
//!
//! Non-goals: reading, big-endian, several sections in a file, snap lengths. Files and their order of blocks are [`super::CaptureFile`]'s.
//!
//! Invariants: each public call appends whole blocks, so the buffer can be handed on after any call; nothing is allocated per packet but
//! what the buffer itself grows by; no input makes it panic. What does not fit a limit of the format (or of Wireshark's reader) is cut,
//! and the cut is counted in [`Encoder::cut_count`].

use std::net::Ipv4Addr;

/// Longest frame written, in bytes: Wireshark refuses a file with a longer one. The original length still stands beside it.
pub const FRAME_BYTES_MAX: usize = 262_144;
/// Longest text of one option, in bytes: its length field has 16 bits.
pub const TEXT_BYTES_MAX: usize = 65_535;
/// Longest name in a name resolution block, in bytes: what DNS allows, and Wireshark keeps no more.
pub const NAME_BYTES_MAX: usize = 255;
/// Comments stop being added to a packet, and names to a block, once its block has this many bytes; Wireshark refuses blocks over 16 MiB.
const BLOCK_BYTES_SOFT_MAX: usize = 8 << 20;

/// Block types, section 11.1 of the draft.
mod block {
    pub(super) const SECTION_HEADER: u32 = 0x0A0D_0D0A;
    pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
    pub(super) const NAME_RESOLUTION: u32 = 4;
    pub(super) const INTERFACE_STATISTICS: u32 = 5;
    pub(super) const ENHANCED_PACKET: u32 = 6;
    pub(super) const DECRYPTION_SECRETS: u32 = 10;
}

/// Option codes: the first two are common to all blocks, the others belong to the block they are named after.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const COMMENT: u16 = 1;
    pub(super) const SHB_USERAPPL: u16 = 4;
    pub(super) const IF_NAME: u16 = 2;
    pub(super) const IF_DESCRIPTION: u16 = 3;
    pub(super) const IF_TSRESOL: u16 = 9;
    pub(super) const EPB_FLAGS: u16 = 2;
    pub(super) const ISB_IFRECV: u16 = 4;
    pub(super) const ISB_IFDROP: u16 = 5;
}

const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
const SECTION_LENGTH_UNKNOWN: u64 = u64::MAX;
const LINKTYPE_ETHERNET: u16 = 1;
const SNAPLEN_UNLIMITED: u32 = 0;
/// 10^-9 s.
const TSRESOL_NANOSECONDS: u8 = 9;
/// "TLSK": lines of the NSS key log format.
const SECRETS_TLS_KEY_LOG: u32 = 0x544C_534B;
const NAME_RECORD_END: u16 = 0;
const NAME_RECORD_IPV4: u16 = 1;

/// Which way a frame crossed the vantage point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the thing the interface belongs to.
    Inbound,
    /// Away from it.
    Outbound,
}

/// A number of the file's interface descriptions, in order of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceIx(u32);

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The interface it was seen at.
    pub interface: InterfaceIx,
    /// When, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// Which way it went, if that has a meaning here.
    pub direction: Option<Direction>,
    /// The Ethernet frame, without its checksum.
    pub frame: &'a [u8],
    /// What was decided about it; empty comments are left out.
    pub comments: &'a [&'a str],
}

/// A frame whose comments are still to come: where its block and its options begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenPacket {
    start: usize,
    options: usize,
}

/// Writes one section. It holds no bytes: every call appends to the buffer it is given.
#[derive(Clone, Debug)]
pub struct Encoder {
    interface_count: u32,
    cut_count: u64,
}

impl Encoder {
    /// Begins the file: the section header, with the program that wrote it and, if there is one, a comment on the whole.
    pub fn start(out: &mut Vec<u8>, user_application: &str, comment: Option<&str>) -> Self {
        let mut encoder = Encoder { interface_count: 0, cut_count: 0 };
        let start = begin_block(out, block::SECTION_HEADER);
        out.extend_from_slice(&BYTE_ORDER_MAGIC.to_le_bytes());
        out.extend_from_slice(&1u16.to_le_bytes()); // version 1.0
        out.extend_from_slice(&0u16.to_le_bytes());
        out.extend_from_slice(&SECTION_LENGTH_UNKNOWN.to_le_bytes());
        encoder.text_option(out, option::SHB_USERAPPL, user_application);
        encoder.text_option(out, option::COMMENT, comment.unwrap_or_default());
        end_options(out);
        end_block(out, start);
        encoder
    }

    /// Describes an Ethernet interface: `name` is its AWS id, `description` says what it is in words.
    pub fn interface(&mut self, out: &mut Vec<u8>, name: &str, description: &str) -> InterfaceIx {
        let start = begin_block(out, block::INTERFACE_DESCRIPTION);
        out.extend_from_slice(&LINKTYPE_ETHERNET.to_le_bytes());
        out.extend_from_slice(&0u16.to_le_bytes()); // reserved
        out.extend_from_slice(&SNAPLEN_UNLIMITED.to_le_bytes());
        self.text_option(out, option::IF_NAME, name);
        self.text_option(out, option::IF_DESCRIPTION, description);
        put_option(out, option::IF_TSRESOL, &[TSRESOL_NANOSECONDS]);
        end_options(out);
        end_block(out, start);
        let interface = InterfaceIx(self.interface_count);
        self.interface_count += 1;
        interface
    }

    /// Writes a frame.
    pub fn packet(&mut self, out: &mut Vec<u8>, packet: &Packet<'_>) {
        let open = self.begin_packet(out, packet);
        self.end_packet(out, open, packet.comments);
    }

    /// Writes a frame without its comments, which may not be known yet: the block is whole after [`Encoder::end_packet`], the next call for `out`.
    pub(super) fn begin_packet(&mut self, out: &mut Vec<u8>, packet: &Packet<'_>) -> OpenPacket {
        let captured = &packet.frame[..packet.frame.len().min(FRAME_BYTES_MAX)];
        self.cut_count += u64::from(captured.len() < packet.frame.len());
        let original_bytes = u32::try_from(packet.frame.len()).unwrap_or(u32::MAX);

        let start = begin_block(out, block::ENHANCED_PACKET);
        let mut fixed = [0; 20];
        fixed[0..4].copy_from_slice(&packet.interface.0.to_le_bytes());
        fixed[4..8].copy_from_slice(&((packet.unix_ns >> 32) as u32).to_le_bytes());
        fixed[8..12].copy_from_slice(&(packet.unix_ns as u32).to_le_bytes());
        fixed[12..16].copy_from_slice(&(captured.len() as u32).to_le_bytes()); // at most FRAME_BYTES_MAX
        fixed[16..20].copy_from_slice(&original_bytes.to_le_bytes());
        out.extend_from_slice(&fixed);
        out.extend_from_slice(captured);
        pad_to_word(out, captured.len());

        let options = out.len();
        if let Some(direction) = packet.direction {
            // Bits 0 and 1: 01 inbound, 10 outbound.
            let flags: u32 = match direction {
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            };
            put_option(out, option::EPB_FLAGS, &flags.to_le_bytes());
        }
        OpenPacket { start, options }
    }

    /// Adds what was decided about a frame; empty comments are left out.
    pub(super) fn end_packet(
        &mut self,
        out: &mut Vec<u8>,
        OpenPacket { start, options }: OpenPacket,
        comments: &[&str],
    ) {
        for comment in comments {
            if out.len() - start > BLOCK_BYTES_SOFT_MAX {
                self.cut_count += 1;
                continue;
            }
            self.text_option(out, option::COMMENT, comment);
        }
        if out.len() > options {
            end_options(out);
        }
        end_block(out, start);
    }

    /// Names addresses: pairs of address and name; pairs of one address that follow each other share a record. Unnamed addresses are left out.
    pub fn names<'a>(&mut self, out: &mut Vec<u8>, names: impl IntoIterator<Item = (Ipv4Addr, &'a str)>) {
        let mut names = names.into_iter().filter(|(_, name)| !name.is_empty()).peekable();
        while names.peek().is_some() {
            let start = begin_block(out, block::NAME_RESOLUTION);
            while out.len() - start < BLOCK_BYTES_SOFT_MAX
                && let Some((address, name)) = names.next()
            {
                out.extend_from_slice(&NAME_RECORD_IPV4.to_le_bytes());
                let length_at = out.len();
                out.extend_from_slice(&[0; 2]);
                let value_at = out.len();
                out.extend_from_slice(&address.octets());
                self.terminated_name(out, name);
                while out.len() - value_at < TEXT_BYTES_MAX - NAME_BYTES_MAX
                    && let Some((_, name)) = names.next_if(|(next, _)| *next == address)
                {
                    self.terminated_name(out, name);
                }
                let value_bytes = out.len() - value_at;
                out[length_at..value_at].copy_from_slice(&(value_bytes as u16).to_le_bytes()); // bounded by the loop's condition
                pad_to_word(out, value_bytes);
            }
            out.extend_from_slice(&NAME_RECORD_END.to_le_bytes());
            out.extend_from_slice(&0u16.to_le_bytes());
            end_block(out, start);
        }
    }

    /// Writes TLS secrets: lines in the NSS key log format, each ended by a line feed. They must stand before the packets they decrypt.
    pub fn tls_secrets(&mut self, out: &mut Vec<u8>, key_log: &str) {
        let mut rest = key_log;
        while !rest.is_empty() {
            // Whole lines, as many as fit a block.
            let fitting = floor_char_boundary(rest, BLOCK_BYTES_SOFT_MAX);
            let end =
                if fitting == rest.len() { fitting } else { rest[..fitting].rfind('\n').map_or(fitting, |at| at + 1) };
            let start = begin_block(out, block::DECRYPTION_SECRETS);
            out.extend_from_slice(&SECRETS_TLS_KEY_LOG.to_le_bytes());
            out.extend_from_slice(&(end as u32).to_le_bytes()); // at most BLOCK_BYTES_SOFT_MAX
            out.extend_from_slice(&rest.as_bytes()[..end]);
            pad_to_word(out, end);
            end_block(out, start);
            rest = &rest[end..];
        }
    }

    /// Closes an interface's account: frames it saw, and frames it saw that this file lacks (not those the VPC dropped: they are in the file).
    pub fn statistics(
        &self,
        out: &mut Vec<u8>,
        interface: InterfaceIx,
        unix_ns: u64,
        received_count: u64,
        missed_count: u64,
    ) {
        let start = begin_block(out, block::INTERFACE_STATISTICS);
        out.extend_from_slice(&interface.0.to_le_bytes());
        out.extend_from_slice(&((unix_ns >> 32) as u32).to_le_bytes());
        out.extend_from_slice(&(unix_ns as u32).to_le_bytes());
        put_option(out, option::ISB_IFRECV, &received_count.to_le_bytes());
        put_option(out, option::ISB_IFDROP, &missed_count.to_le_bytes());
        end_options(out);
        end_block(out, start);
    }

    /// How many frames, texts and names were cut or left out because they exceed a limit.
    pub fn cut_count(&self) -> u64 {
        self.cut_count
    }

    /// A text option; an empty text has none.
    fn text_option(&mut self, out: &mut Vec<u8>, code: u16, text: &str) {
        if text.is_empty() {
            return;
        }
        let kept = self.fit(text, TEXT_BYTES_MAX);
        out.extend_from_slice(&code.to_le_bytes());
        out.extend_from_slice(&(kept.len() as u16).to_le_bytes()); // at most TEXT_BYTES_MAX
        put_text(out, kept);
        pad_to_word(out, kept.len());
    }

    fn terminated_name(&mut self, out: &mut Vec<u8>, name: &str) {
        let kept = self.fit(name, NAME_BYTES_MAX);
        put_text(out, kept);
        out.push(0);
    }

    fn fit<'t>(&mut self, text: &'t str, bytes_max: usize) -> &'t str {
        let kept = &text[..floor_char_boundary(text, bytes_max)];
        self.cut_count += u64::from(kept.len() < text.len());
        kept
    }
}

/// How many bytes at the front of `written` are whole blocks: where to end a file whose disk filled up in the middle of a write.
/// `written` begins at a block's first byte.
pub fn whole_blocks_bytes(written: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&[a, b, c, d]) = written.get(at + 4..at + 8) {
        let block_bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        if block_bytes < 12 || block_bytes > written.len() - at {
            break;
        }
        at += block_bytes;
    }
    at
}

/// Writes a block's type and room for its length; [`end_block`] takes the returned position.
fn begin_block(out: &mut Vec<u8>, block_type: u32) -> usize {
    let start = out.len();
    out.extend_from_slice(&u64::from(block_type).to_le_bytes());
    start
}

/// Writes the length at both ends. Blocks are bounded well below 4 GiB by the limits above.
fn end_block(out: &mut Vec<u8>, start: usize) {
    let length = ((out.len() + 4 - start) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&length);
    out.extend_from_slice(&length);
}

fn put_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes()); // callers pass numbers: at most 8 bytes
    out.extend_from_slice(value);
    pad_to_word(out, value.len());
}

fn end_options(out: &mut Vec<u8>) {
    out.extend_from_slice(&option::END.to_le_bytes());
    out.extend_from_slice(&0u16.to_le_bytes());
}

/// A NUL would end the text early in C readers: it becomes a space, which keeps the length.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    // Looked for first, which is faster than looking at each byte to replace it, and there is hardly ever one.
    if text.as_bytes().contains(&0) {
        out[start..].iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    }
}

fn pad_to_word(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&[0; 3][..length.wrapping_neg() & 3]);
}

/// The largest char boundary of `text` that is not over `bytes_max`.
fn floor_char_boundary(text: &str, bytes_max: usize) -> usize {
    if text.len() <= bytes_max {
        return text.len();
    }
    let mut at = bytes_max;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;

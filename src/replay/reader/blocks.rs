//! The blocks of a pcapng: sections, interfaces, packets.

use super::{BLOCK_BYTES_MAX, Facts, Framed, NANOSECONDS, RECORD_BYTES_MAX};
use crate::replay::error::ReadError;
use pcap_parser::pcapng::{Block, InterfaceDescriptionBlock, OptionCode, parse_block_be, parse_block_le};

/// Reads the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
/// The packet block of old files, which pcap-parser leaves to others.
const OLD_PACKET: u32 = 2;
/// Type, length and, at the end, the length again.
const BLOCK_FRAME_BYTES: usize = 12;
/// Fixed fields of the packet blocks, type and length included.
const ENHANCED_PACKET_BYTES: usize = 28;
const SIMPLE_PACKET_BYTES: usize = 12;
const OLD_PACKET_BYTES: usize = 28;
/// Interfaces that a section may describe.
const INTERFACES_MAX: usize = 65_536;
const TSOFFSET_BYTES: usize = 8;

/// The section that is being read.
#[derive(Debug, Default)]
pub(super) struct Section {
    is_big_endian: bool,
    interfaces: Vec<Interface>,
}

/// What a packet's interface says about it.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u16,
    /// Longest packet captured; 0: no limit.
    snap_bytes: u32,
    units_per_second: u64,
    offset_seconds: i64,
}

impl Section {
    /// What block stands at the front of `held`.
    pub(super) fn frame(&mut self, held: &[u8], record: u64, offset: u64) -> Result<Framed, ReadError> {
        const HEADER: Framed = Framed::Needs { what: "a block's header" };
        let Some(head) = held.first_chunk::<BLOCK_FRAME_BYTES>() else { return Ok(HEADER) };
        let malformed = |what| ReadError::Block { record, offset, what };
        if u32::from_le_bytes([head[0], head[1], head[2], head[3]]) == SECTION_HEADER {
            self.is_big_endian = match [head[8], head[9], head[10], head[11]] {
                magic if u32::from_le_bytes(magic) == BYTE_ORDER_MAGIC => false,
                magic if u32::from_be_bytes(magic) == BYTE_ORDER_MAGIC => true,
                _ => return Err(malformed("the section header has no byte-order magic")),
            };
        }
        let length = self.word(held, 4) as usize;
        if length < BLOCK_FRAME_BYTES || !length.is_multiple_of(4) {
            return Err(malformed("its length is below 12 or no multiple of 4"));
        }
        if length > BLOCK_BYTES_MAX {
            return Err(ReadError::TooLong { record, offset, says_bytes: length as u32, max_bytes: BLOCK_BYTES_MAX });
        }
        if held.len() < length {
            return Ok(Framed::Needs { what: "a block" });
        }
        if self.word(held, length - 4) as usize != length {
            return Err(malformed("the lengths at its two ends differ"));
        }
        let block = &held[..length];
        let parsed = if self.is_big_endian { parse_block_be(block) } else { parse_block_le(block) };
        let (captured, data_at, facts) = match parsed {
            Ok((_, Block::SectionHeader(header))) => {
                if header.major_version != 1 {
                    return Err(ReadError::Version { major: header.major_version, minor: header.minor_version });
                }
                self.interfaces.clear();
                return Ok(Framed::Other { length });
            }
            Ok((_, Block::InterfaceDescription(description))) => {
                if self.interfaces.len() >= INTERFACES_MAX {
                    return Err(malformed("the section has more than 65,536 interfaces"));
                }
                self.interfaces.push(Interface::of(&description, self.is_big_endian));
                return Ok(Framed::Other { length });
            }
            Ok((_, Block::EnhancedPacket(packet))) => {
                let interface = self.interface(packet.if_id, record, offset)?;
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                (packet.caplen, ENHANCED_PACKET_BYTES, interface.facts(Some(units), packet.origlen))
            }
            Ok((_, Block::SimplePacket(packet))) => {
                let interface = self.interface(0, record, offset)?;
                let limit = if interface.snap_bytes == 0 { u32::MAX } else { interface.snap_bytes };
                // The block does not say how much was captured: the snap length or what there is, less its padding.
                let room = (length - SIMPLE_PACKET_BYTES - 4) as u32;
                let captured = packet.origlen.min(limit);
                if captured > room {
                    return Err(malformed("the packet is longer than its block"));
                }
                (captured, SIMPLE_PACKET_BYTES, interface.facts(None, packet.origlen))
            }
            Ok((_, Block::Unknown(unknown))) if self.is_old_packet(unknown.block_type) => {
                if length < OLD_PACKET_BYTES + 4 {
                    return Err(malformed("it is too short for a packet block"));
                }
                let interface = self.interface(u32::from(self.half(held, 8)), record, offset)?;
                let units = u64::from(self.word(held, 12)) << 32 | u64::from(self.word(held, 16));
                (self.word(held, 20), OLD_PACKET_BYTES, interface.facts(Some(units), self.word(held, 24)))
            }
            Ok(_) => return Ok(Framed::Other { length }),
            Err(_) if self.is_needed(block) => return Err(malformed("its fields do not fit its length")),
            // Names, statistics and the like are not needed, so they may be broken.
            Err(_) => return Ok(Framed::Other { length }),
        };
        let data_bytes = captured as usize;
        if data_bytes > RECORD_BYTES_MAX {
            return Err(ReadError::TooLong { record, offset, says_bytes: captured, max_bytes: RECORD_BYTES_MAX });
        }
        if data_at + data_bytes > length - 4 {
            return Err(malformed("the packet is longer than its block"));
        }
        Ok(Framed::Record { length, data_at, data_bytes, facts })
    }

    fn interface(&self, number: u32, record: u64, offset: u64) -> Result<Interface, ReadError> {
        let found = self.interfaces.get(number as usize).copied();
        found.ok_or(ReadError::NoInterface { record, offset, number, known: self.interfaces.len() })
    }

    /// pcap-parser gives types of unknown blocks as little-endian words.
    fn is_old_packet(&self, block_type: u32) -> bool {
        block_type == if self.is_big_endian { OLD_PACKET.swap_bytes() } else { OLD_PACKET }
    }

    /// Whether the block is a section, an interface or a packet.
    fn is_needed(&self, block: &[u8]) -> bool {
        matches!(self.word(block, 0), SECTION_HEADER | 1 | OLD_PACKET | 3 | 6)
    }

    fn word(&self, bytes: &[u8], at: usize) -> u32 {
        let word = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        if self.is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    fn half(&self, bytes: &[u8], at: usize) -> u16 {
        let half = bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        if self.is_big_endian { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
    }
}

impl Interface {
    fn of(description: &InterfaceDescriptionBlock<'_>, is_big_endian: bool) -> Interface {
        let offset = description.options.iter().find(|option| option.code == OptionCode::IfTsoffset);
        let offset = offset.and_then(|option| option.value.first_chunk::<TSOFFSET_BYTES>().copied());
        // (pcap-parser reads it as little-endian whatever the section says.)
        let offset_seconds = offset.map_or(0, |bytes| match is_big_endian {
            true => i64::from_be_bytes(bytes),
            false => i64::from_le_bytes(bytes),
        });
        Interface {
            link_type: description.linktype.0 as u16,
            snap_bytes: description.snaplen,
            units_per_second: units_per_second(description.if_tsresol),
            offset_seconds,
        }
    }

    fn facts(&self, units: Option<u64>, original_bytes: u32) -> Facts {
        let unix_ns = units.map(|units| {
            let whole = (units / self.units_per_second).saturating_add_signed(self.offset_seconds);
            let rest = u128::from(units % self.units_per_second) * u128::from(NANOSECONDS);
            let rest = (rest / u128::from(self.units_per_second)) as u64; // below a second
            whole.saturating_mul(NANOSECONDS).saturating_add(rest)
        });
        Facts { unix_ns, link_type: self.link_type.into(), original_bytes: original_bytes.into() }
    }
}

/// `if_tsresol`: a negative power of 10, or of 2 with the highest bit set. One that no 64 bits can count is taken for the finest that they can.
fn units_per_second(tsresol: u8) -> u64 {
    let (base, exponent) = if tsresol & 0x80 == 0 { (10u64, tsresol) } else { (2, tsresol & 0x7f) };
    base.checked_pow(exponent.into()).unwrap_or(u64::MAX)
}

//! Reading captures as a stream: classic pcap and pcapng, both byte orders, in memory that does not grow with the file.
//!
//! Purpose: chunks of a file in ([`Reader::space`], [`Reader::filled`]), packets out ([`Reader::read`]), and for a broken file the record and the byte where
//! it breaks, after everything before it was handed out. pcap-parser decodes headers and blocks; what is here is the buffer, the limits, the framing and pcap's records.
//! Non-goals: opening files; what is inside a packet ([`super::link_layer`]).
//!
//! | format | what is read |
//! |---|---|
//! | pcap | micro- and nanoseconds, both byte orders, Kuznetzov's ("modified") records, versions 2.0 to 2.4 and 543.0 (before 2.3 the two lengths are swapped) |
//! | pcapng | sections of either byte order, several in one file; interface descriptions with their link type, `if_tsresol` and `if_tsoffset`; enhanced, simple and old packet blocks; all other blocks are skipped |
//!
//! Invariants: the buffer holds one chunk and one record at most ([`RECORD_BYTES_MAX`], [`BLOCK_BYTES_MAX`]); nothing is allocated per record of a pcap; after an
//! error there is no more to read. A simple packet block has no time.
//! Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; libpcap's `sf-pcap.c` for the old versions.

mod blocks;

use super::error::ReadError;
use blocks::Section;
use pcap_parser::{PcapHeader, parse_pcap_header};

/// Longest packet that a record may hold, in bytes: the limit of libpcap and Wireshark.
pub const RECORD_BYTES_MAX: usize = 262_144;
/// Longest pcapng block, in bytes: Wireshark's limit.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

const PCAP_HEADER_BYTES: usize = 24;
const PCAP_RECORD_BYTES: usize = 16;
const PCAP_RECORD_MODIFIED_BYTES: usize = 24;
const NANOSECONDS: u64 = 1_000_000_000;

/// One packet of a capture.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// When it was captured, in nanoseconds since 1970; a simple packet block does not say.
    pub unix_ns: Option<u64>,
    /// What its bytes begin with: a LINKTYPE number.
    pub link_type: u16,
    /// How long the packet was on the wire.
    pub original_bytes: u32,
    /// What was captured of it.
    pub bytes: &'r [u8],
}

/// What a reader has to say.
#[derive(Clone, Copy, Debug)]
pub enum Next<'r> {
    /// A packet.
    Record(Record<'r>),
    /// It needs more of the file: fill [`Reader::space`], or call [`Reader::finish`] at the file's end.
    More,
    /// The file is at its end.
    End,
}

/// The format of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

/// Reads one capture.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Where what is not read yet begins in the buffer, and where it ends.
    from: usize,
    to: usize,
    /// The file's byte at `buffer[0]`.
    base: u64,
    records: u64,
    is_whole: bool,
    is_over: bool,
    format: Option<Decoder>,
}

#[derive(Debug)]
enum Decoder {
    Pcap(Pcap),
    Pcapng(Section),
}

/// What the header of a classic pcap says.
#[derive(Clone, Copy, Debug)]
struct Pcap {
    is_big_endian: bool,
    is_modified: bool,
    /// Nanoseconds of one unit of the time's fraction.
    unit_ns: u64,
    link_type: u16,
    lengths: Lengths,
}

/// Which of a record's two lengths stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// The smaller is what was captured.
    Either,
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Room for the next chunk of the file, at least `bytes` long.
    pub fn space(&mut self, bytes: usize) -> &mut [u8] {
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.base += self.from as u64;
            self.to -= self.from;
            self.from = 0;
        }
        if self.buffer.len() < self.to + bytes {
            self.buffer.resize(self.to + bytes, 0);
        }
        &mut self.buffer[self.to..]
    }

    /// Says that the first `bytes` of [`Reader::space`] are the file's next.
    pub fn filled(&mut self, bytes: usize) {
        self.to = (self.to + bytes).min(self.buffer.len());
    }

    /// Adds a chunk of the file.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.space(chunk.len())[..chunk.len()].copy_from_slice(chunk);
        self.filled(chunk.len());
    }

    /// Says that the file ends here.
    pub fn finish(&mut self) {
        self.is_whole = true;
    }

    /// The format, once it is known.
    pub fn format(&self) -> Option<FileFormat> {
        self.format.as_ref().map(|format| match format {
            Decoder::Pcap(_) => FileFormat::Pcap,
            Decoder::Pcapng(_) => FileFormat::Pcapng,
        })
    }

    /// The link type of a classic pcap, once its header is read; the interfaces of a pcapng have each their own.
    pub fn link_type(&self) -> Option<u16> {
        match &self.format {
            Some(Decoder::Pcap(pcap)) => Some(pcap.link_type),
            _ => None,
        }
    }

    /// How many packets were read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The file's byte that is read next.
    pub fn offset(&self) -> u64 {
        self.base + self.from as u64
    }

    /// The next packet.
    ///
    /// # Errors
    /// The file is no capture, or breaks here. From then on the reader is at its end.
    pub fn read(&mut self) -> Result<Next<'_>, ReadError> {
        if self.is_over {
            return Ok(Next::End);
        }
        match self.advance() {
            Ok(Found::Record { at, length, facts }) => {
                self.records += 1;
                let Facts { unix_ns, .. } = facts;
                let (link_type, original_bytes) = (facts.link_type as u16, facts.original_bytes as u32);
                let bytes = &self.buffer[at..at + length];
                Ok(Next::Record(Record { number: self.records, unix_ns, link_type, original_bytes, bytes }))
            }
            Ok(Found::More) => Ok(Next::More),
            Ok(Found::End) => {
                self.is_over = true;
                Ok(Next::End)
            }
            Err(error) => {
                self.is_over = true;
                Err(error)
            }
        }
    }

    fn advance(&mut self) -> Result<Found, ReadError> {
        if self.format.is_none() && !self.begin()? {
            return Ok(Found::More);
        }
        // Ends: every block that is skipped is taken from the buffer.
        loop {
            let (record, offset) = (self.records + 1, self.offset());
            let held = &self.buffer[self.from..self.to];
            let framed = match &mut self.format {
                Some(Decoder::Pcap(pcap)) => pcap.frame(held, record, offset)?,
                Some(Decoder::Pcapng(section)) => section.frame(held, record, offset)?,
                None => return Ok(Found::End),
            };
            match framed {
                Framed::Record { length, data_at, data_bytes, facts } => {
                    let at = self.from + data_at;
                    self.from += length;
                    return Ok(Found::Record { at, length: data_bytes, facts });
                }
                Framed::Other { length } => self.from += length,
                Framed::Needs { what, .. } if self.is_whole => {
                    if held.is_empty() {
                        return Ok(Found::End);
                    }
                    return Err(ReadError::EndsInside { record, offset, what, held_bytes: held.len() });
                }
                Framed::Needs { .. } => return Ok(Found::More),
            }
        }
    }

    /// Reads what the file begins with; false if more of it is needed.
    fn begin(&mut self) -> Result<bool, ReadError> {
        let held = &self.buffer[self.from..self.to];
        if held.is_empty() && self.is_whole {
            return Err(ReadError::Empty);
        }
        let Some(magic) = held.first_chunk::<4>() else {
            return if self.is_whole { Err(ReadError::NoHeader { held_bytes: held.len() }) } else { Ok(false) };
        };
        if u32::from_le_bytes(*magic) == blocks::SECTION_HEADER {
            self.format = Some(Decoder::Pcapng(Section::default()));
            return Ok(true);
        }
        if parse_pcap_header(&[&magic[..], &[0; PCAP_HEADER_BYTES - 4]].concat()).is_err() {
            return Err(ReadError::NotACapture { begins: *magic, looks_like: looks_like(*magic) });
        }
        let Some(header) = held.first_chunk::<PCAP_HEADER_BYTES>() else {
            return if self.is_whole { Err(ReadError::NoHeader { held_bytes: held.len() }) } else { Ok(false) };
        };
        let Ok((_, header)) = parse_pcap_header(header) else {
            return Err(ReadError::NotACapture { begins: *magic, looks_like: None });
        };
        self.format = Some(Decoder::Pcap(Pcap::of(&header)?));
        self.from += PCAP_HEADER_BYTES;
        Ok(true)
    }
}

/// What the reader finds, as positions in its buffer.
enum Found {
    Record { at: usize, length: usize, facts: Facts },
    More,
    End,
}

/// What stands beside a packet's bytes. All of one width: narrow neighbours would be stored one by one and loaded as one, which waits for the stores.
#[derive(Clone, Copy)]
struct Facts {
    unix_ns: Option<u64>,
    link_type: u64,
    original_bytes: u64,
}

/// What stands at the front of the bytes that are held.
enum Framed {
    /// A packet: how long the record is, and where its data lies in it.
    Record { length: usize, data_at: usize, data_bytes: usize, facts: Facts },
    /// Something else of this length.
    Other { length: usize },
    /// Not enough to tell: where the record would end too early.
    Needs { what: &'static str },
}

/// What the file is instead, if its first bytes tell.
fn looks_like(begins: [u8; 4]) -> Option<&'static str> {
    match begins {
        [0x1f, 0x8b, ..] => Some("gzip: unpack it first (gunzip)"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("Zstandard: unpack it first (unzstd)"),
        [0x04, 0x22, 0x4d, 0x18] => Some("LZ4: unpack it first (unlz4)"),
        [0xfd, b'7', b'z', b'X'] => Some("xz: unpack it first (unxz)"),
        [b'B', b'Z', b'h', _] => Some("bzip2: unpack it first (bunzip2)"),
        [b'P', b'K', 3, 4] => Some("a zip archive: unpack it first (unzip)"),
        [b's', b'n', b'o', b'o'] => Some("a snoop capture: convert it with editcap -F pcapng"),
        [b'X', b'C', b'P', 0] => Some("a NetXRay capture: convert it with editcap -F pcapng"),
        [0xa1, 0xb2, 0xcd, 0x34] => Some("a \"modified\" pcap in big-endian order: convert it with editcap -F pcap"),
        _ => None,
    }
}

impl Pcap {
    fn of(header: &PcapHeader) -> Result<Pcap, ReadError> {
        let lengths = match (header.version_major, header.version_minor) {
            (2, 0..=2) => Lengths::OriginalFirst,
            (2, 3) | (543, 0) => Lengths::Either,
            (2, 4) => Lengths::CapturedFirst,
            (major, minor) => return Err(ReadError::Version { major, minor }),
        };
        Ok(Pcap {
            is_big_endian: header.is_bigendian(),
            is_modified: header.is_modified_format(),
            unit_ns: if header.is_nanosecond_precision() { 1 } else { 1_000 },
            // The upper half tells of frame check sequences, which lie behind the IP packet and are left there.
            link_type: header.network.0 as u16,
            lengths,
        })
    }

    fn frame(&self, held: &[u8], record: u64, offset: u64) -> Result<Framed, ReadError> {
        let header_bytes = if self.is_modified { PCAP_RECORD_MODIFIED_BYTES } else { PCAP_RECORD_BYTES };
        let Some(header) = held.first_chunk::<PCAP_RECORD_BYTES>().filter(|_| held.len() >= header_bytes) else {
            return Ok(Framed::Needs { what: "the record's header" });
        };
        let word = |at: usize| {
            let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
            if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        let (captured, original) = match (self.lengths, word(8), word(12)) {
            (Lengths::CapturedFirst, captured, original) => (captured, original),
            (Lengths::OriginalFirst, original, captured) => (captured, original),
            (Lengths::Either, a, b) => (a.min(b), a.max(b)),
        };
        let data_bytes = captured as usize;
        if data_bytes > RECORD_BYTES_MAX {
            return Err(ReadError::TooLong { record, offset, says_bytes: captured, max_bytes: RECORD_BYTES_MAX });
        }
        let length = header_bytes + data_bytes;
        if held.len() < length {
            return Ok(Framed::Needs { what: "the packet" });
        }
        let unix_ns = u64::from(word(0)) * NANOSECONDS + u64::from(word(4)) * self.unit_ns;
        let (link_type, original_bytes) = (u64::from(self.link_type), u64::from(original));
        let facts = Facts { unix_ns: Some(unix_ns), link_type, original_bytes };
        Ok(Framed::Record { length, data_at: header_bytes, data_bytes, facts })
    }
}

#[cfg(test)]
mod tests;

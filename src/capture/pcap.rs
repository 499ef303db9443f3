//! The classic pcap encoder: frames with nanosecond timestamps, little-endian, for readers that know no pcapng.
//!
//! Source of the format: draft-ietf-opsawg-pcap, sections 4 and 5. Non-goals: whatever the format cannot say. It has no place for decisions, names,
//! interfaces, directions or TLS secrets; the secrets go to a [`super::KeyLog`].
//!
//! Invariants: each call appends a whole header or record; no input makes it panic; what does not fit is cut, and the cut is counted.

use super::pcapng::FRAME_BYTES_MAX;

/// Says that the fractions of seconds are nanoseconds.
const MAGIC_NANOSECONDS: u32 = 0xA1B2_3C4D;
const LINKTYPE_ETHERNET: u32 = 1;
const HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// The last second that the format can stamp: 2106-02-07T06:28:15Z.
pub const UNIX_SECONDS_MAX: u64 = u32::MAX as u64;

/// Writes one file. It holds no bytes: every call appends to the buffer it is given.
#[derive(Clone, Debug)]
pub struct Encoder {
    cut_count: u64,
}

impl Encoder {
    /// Begins the file.
    pub fn start(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&MAGIC_NANOSECONDS.to_le_bytes());
        out.extend_from_slice(&2u16.to_le_bytes()); // version 2.4
        out.extend_from_slice(&4u16.to_le_bytes());
        out.extend_from_slice(&[0; 8]); // reserved
        out.extend_from_slice(&(FRAME_BYTES_MAX as u32).to_le_bytes()); // longest frame: 262,144
        out.extend_from_slice(&LINKTYPE_ETHERNET.to_le_bytes());
        Encoder { cut_count: 0 }
    }

    /// Writes a frame seen at `unix_ns` nanoseconds since 1970. Later than [`UNIX_SECONDS_MAX`] is stamped with that second.
    pub fn packet(&mut self, out: &mut Vec<u8>, unix_ns: u64, frame: &[u8]) {
        let captured = &frame[..frame.len().min(FRAME_BYTES_MAX)];
        let seconds = unix_ns / 1_000_000_000;
        self.cut_count += u64::from(captured.len() < frame.len()) + u64::from(seconds > UNIX_SECONDS_MAX);
        let words = [
            seconds.min(UNIX_SECONDS_MAX) as u32,
            (unix_ns % 1_000_000_000) as u32,
            captured.len() as u32, // at most FRAME_BYTES_MAX
            u32::try_from(frame.len()).unwrap_or(u32::MAX),
        ];
        words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out.extend_from_slice(captured);
    }

    /// How many frames and times were cut because they exceed a limit.
    pub fn cut_count(&self) -> u64 {
        self.cut_count
    }
}

/// How many bytes at the front of `written` are the header, if it is `at_start` of a file, and whole records.
pub fn whole_records_bytes(written: &[u8], at_start: bool) -> usize {
    let mut at = match at_start {
        true if written.len() < HEADER_BYTES => return 0,
        true => HEADER_BYTES,
        false => 0,
    };
    while let Some(&[a, b, c, d]) = written.get(at + 8..at + 12) {
        let record_bytes = RECORD_HEADER_BYTES + u32::from_le_bytes([a, b, c, d]) as usize;
        if record_bytes > written.len() - at {
            break;
        }
        at += record_bytes;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::start(&mut out);
        encoder.packet(&mut out, 1_767_225_600_000_000_001, &[7; 60]);
        encoder.packet(&mut out, 1_767_225_600_999_999_999, &[]);
        assert_eq!(encoder.cut_count(), 0);
        out
    }

    #[test]
    fn another_reader_reads_it() {
        use pcap_parser::{PcapCapture, parse_pcap};
        let bytes = example();
        let (rest, capture): (&[u8], PcapCapture<'_>) = parse_pcap(&bytes).unwrap();
        assert!(rest.is_empty());
        assert!(capture.header.is_nanosecond_precision() && !capture.header.is_bigendian());
        assert_eq!((capture.header.network, capture.header.snaplen), (pcap_parser::Linktype::ETHERNET, 262_144));
        let frames: Vec<_> =
            capture.blocks.iter().map(|block| (block.ts_sec, block.ts_usec, block.origlen, block.data.len())).collect();
        assert_eq!(frames, [(1_767_225_600, 1, 60, 60), (1_767_225_600, 999_999_999, 0, 0)]);
    }

    #[test]
    fn torn_files_end_with_a_whole_record() {
        let bytes = example();
        for length in 0..=bytes.len() {
            let whole = match length {
                0..24 => 0,
                24..100 => 24,
                100..116 => 100,
                _ => 116,
            };
            assert_eq!(whole_records_bytes(&bytes[..length], true), whole, "{length} bytes");
        }
        assert_eq!(whole_records_bytes(&bytes[24..110], false), 76);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_counted() {
        let mut out = Vec::new();
        let mut encoder = Encoder::start(&mut out);
        encoder.packet(&mut out, u64::MAX, &vec![1; FRAME_BYTES_MAX + 1]);
        assert_eq!(encoder.cut_count(), 2);
        assert_eq!(out.len(), HEADER_BYTES + RECORD_HEADER_BYTES + FRAME_BYTES_MAX);
        assert_eq!(out[24..28], [0xff; 4]);
        assert_eq!(out[36..40], (FRAME_BYTES_MAX as u32 + 1).to_le_bytes());
    }
}

//! Files made byte by byte, in every variant, read in chunks of every size, and cut everywhere.

use super::*;
use proptest::prelude::*;

/// Integers in a file's byte order.
#[derive(Clone, Copy, Debug)]
struct Order(bool);

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }
    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

const ORDERS: [Order; 2] = [Order(false), Order(true)];

fn pcap_header(order: Order, magic: u32, version: (u16, u16), link_type: u32) -> Vec<u8> {
    let mut out = order.u32(magic).to_vec();
    out.extend(order.u16(version.0));
    out.extend(order.u16(version.1));
    for word in [0, 0, 65_535, link_type] {
        out.extend(order.u32(word));
    }
    out
}

fn pcap_record(out: &mut Vec<u8>, order: Order, words: [u32; 4], data: &[u8]) {
    words.iter().for_each(|word| out.extend(order.u32(*word)));
    out.extend(data);
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = order.u32(kind).to_vec();
    let padded = body.len().next_multiple_of(4);
    out.extend(order.u32(padded as u32 + 12));
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(order.u32(padded as u32 + 12));
    out
}

fn section(order: Order) -> Vec<u8> {
    let body = [&order.u32(0x1A2B_3C4D)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat();
    block(order, blocks::SECTION_HEADER, &body)
}

fn interface(order: Order, link_type: u16, snap_bytes: u32, tsresol: Option<u8>, tsoffset: i64) -> Vec<u8> {
    let mut body = [&order.u16(link_type)[..], &[0; 2], &order.u32(snap_bytes)].concat();
    if let Some(tsresol) = tsresol {
        body.extend([&order.u16(9)[..], &order.u16(1), &[tsresol, 0, 0, 0]].concat());
    }
    if tsoffset != 0 {
        let value = if order.0 { tsoffset.to_be_bytes() } else { tsoffset.to_le_bytes() };
        body.extend([&order.u16(14)[..], &order.u16(8), &value].concat());
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, units: u64, data: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for word in [interface, (units >> 32) as u32, units as u32, data.len() as u32, data.len() as u32 + 5] {
        body.extend(order.u32(word));
    }
    body.extend(data);
    block(order, 6, &body)
}

/// A packet as the tests compare it.
type Seen = (Option<u64>, u16, u32, Vec<u8>);

/// Everything a reader says of a file that comes in chunks of `chunk_bytes`.
fn read(file: &[u8], chunk_bytes: usize) -> (Vec<Seen>, Option<ReadError>) {
    let mut reader = Reader::new();
    let mut chunks = file.chunks(chunk_bytes.max(1));
    let mut seen = Vec::new();
    loop {
        match reader.read() {
            Ok(Next::Record(record)) => {
                assert_eq!(record.number, seen.len() as u64 + 1);
                seen.push((record.unix_ns, record.link_type, record.original_bytes, record.bytes.to_vec()));
            }
            Ok(Next::End) => return (seen, None),
            Err(error) => {
                assert!(matches!(reader.read(), Ok(Next::End)), "after an error there is no more");
                return (seen, Some(error));
            }
            Ok(Next::More) => match chunks.next() {
                Some(chunk) => reader.feed(chunk),
                None => reader.finish(),
            },
        }
    }
}

#[test]
fn classic_files_of_every_kind() {
    for order in ORDERS {
        for (magic, unit_ns) in [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1)] {
            let mut file = pcap_header(order, magic, (2, 4), 0x3c00_0001);
            pcap_record(&mut file, order, [1_700_000_000, 7, 3, 60], b"abc");
            pcap_record(&mut file, order, [1_700_000_001, 999, 0, 0], b"");
            let wanted = vec![
                (Some(1_700_000_000_000_000_000 + 7 * unit_ns), 1, 60, b"abc".to_vec()),
                (Some(1_700_000_001_000_000_000 + 999 * unit_ns), 1, 0, Vec::new()),
            ];
            for chunk_bytes in [1, 5, 1_000] {
                assert_eq!(read(&file, chunk_bytes), (wanted.clone(), None), "{order:?}");
            }
        }
        let mut old = pcap_header(order, 0xa1b2_c3d4, (2, 2), 1);
        pcap_record(&mut old, order, [1, 0, 60, 3], b"abc");
        assert_eq!(read(&old, 9).0, [(Some(1_000_000_000), 1, 60, b"abc".to_vec())]);
    }
    let mut modified = pcap_header(Order(false), 0xa1b2_cd34, (2, 4), 1);
    pcap_record(&mut modified, Order(false), [1, 0, 3, 60], &[&[9; 8], &b"abc"[..]].concat());
    assert_eq!(read(&modified, 9).0, [(Some(1_000_000_000), 1, 60, b"abc".to_vec())]);
}

#[test]
fn pcapng_with_every_packet_block_in_both_orders_and_two_sections() {
    let mut file = Vec::new();
    let mut wanted: Vec<Seen> = Vec::new();
    for order in ORDERS {
        file.extend(section(order));
        file.extend(interface(order, 1, 0, None, 0));
        file.extend(block(order, 0x0bad, b"nobody knows this block"));
        file.extend(interface(order, 101, 4, Some(9), 1_000));
        file.extend(interface(order, 113, 0, Some(0x80 | 10), 0));
        file.extend(enhanced(order, 0, 1_700_000_000_000_001, b"micro"));
        file.extend(enhanced(order, 1, 77, b"nano"));
        file.extend(enhanced(order, 2, 1_024 + 512, b"binary"));
        let old =
            [&order.u16(1)[..], &order.u16(3), &order.u32(0), &order.u32(5), &order.u32(3), &order.u32(9), b"old"];
        file.extend(block(order, 2, &old.concat()));
        file.extend(block(order, 3, &[&order.u32(6)[..], b"simple"].concat()));
        wanted.extend([
            (Some(1_700_000_000_000_001_000), 1, 10, b"micro".to_vec()),
            (Some(1_000_000_000_077), 101, 9, b"nano".to_vec()),
            (Some(1_500_000_000), 113, 11, b"binary".to_vec()),
            (Some(1_000_000_000_005), 101, 9, b"old".to_vec()),
            (None, 1, 6, b"simple".to_vec()),
        ]);
    }
    for chunk_bytes in [1, 7, 10_000] {
        assert_eq!(read(&file, chunk_bytes), (wanted.clone(), None));
    }
}

#[test]
fn a_simple_packet_ends_at_the_snap_length() {
    let order = Order(false);
    let simple = block(order, 3, &[&order.u32(60)[..], b"abcd"].concat());
    let file = [section(order), interface(order, 1, 4, None, 0), simple].concat();
    assert_eq!(read(&file, 100).0, [(None, 1, 60, b"abcd".to_vec())]);
}

#[test]
fn broken_blocks_are_named() {
    let order = Order(true);
    let good = [section(order), interface(order, 1, 0, None, 0), enhanced(order, 0, 1, b"good")].concat();
    let at = good.len() as u64;
    let broken = |tail: Vec<u8>| {
        let (seen, error) = read(&[good.clone(), tail].concat(), 64);
        assert_eq!(seen.len(), 1, "what was good was read");
        error.unwrap()
    };
    assert_eq!(
        broken(enhanced(order, 3, 1, b"lost")),
        ReadError::NoInterface { record: 2, offset: at, number: 3, known: 1 }
    );
    let mut torn = enhanced(order, 0, 1, b"lost");
    let last = torn.len() - 1;
    torn[last] ^= 4;
    assert!(matches!(broken(torn), ReadError::Block { record: 2, offset, .. } if offset == at));
    let mut long = enhanced(order, 0, 1, b"lost");
    long[23] = 200;
    assert!(matches!(broken(long), ReadError::Block { .. }));
    let huge = [&order.u32(6)[..], &order.u32(0x7000_0000), &[0; 20]].concat();
    assert!(matches!(broken(huge), ReadError::TooLong { says_bytes: 0x7000_0000, .. }));
    assert!(matches!(broken(block(order, blocks::SECTION_HEADER, &[0; 16])), ReadError::Block { .. }));
    // Blocks that are not needed may hold anything.
    let (seen, error) = read(&[good.clone(), block(order, 4, &[9; 9]), enhanced(order, 0, 2, b"x")].concat(), 64);
    assert_eq!((seen.len(), error), (2, None));
}

#[test]
fn what_is_no_capture_is_refused() {
    assert_eq!(read(b"", 1).1, Some(ReadError::Empty));
    assert_eq!(read(&[0xd4], 1).1, Some(ReadError::NoHeader { held_bytes: 1 }));
    let header = pcap_header(Order(false), 0xa1b2_c3d4, (2, 4), 1);
    assert_eq!(read(&header[..23], 1).1, Some(ReadError::NoHeader { held_bytes: 23 }));
    assert!(read(b"GET / HTTP/1.1", 3).1.unwrap().to_string().starts_with("not a capture file: it begins with 47 45"));
    assert!(read(&[0x1f, 0x8b, 8, 0, 0], 9).1.unwrap().to_string().contains("gunzip"));
    let header = pcap_header(Order(true), 0xa1b2_c3d4, (3, 1), 1);
    assert_eq!(read(&header, 9).1, Some(ReadError::Version { major: 3, minor: 1 }));
    let mut file = pcap_header(Order(true), 0xa1b2_c3d4, (2, 4), 1);
    pcap_record(&mut file, Order(true), [0, 0, 0xffff_ffff, 1], b"");
    let wanted = ReadError::TooLong { record: 1, offset: 24, says_bytes: u32::MAX, max_bytes: RECORD_BYTES_MAX };
    assert_eq!(read(&file, 9).1, Some(wanted));
}

proptest! {
    /// Cut anywhere, a file gives its whole records, and the error says which is the first that is not, and where it begins.
    #[test]
    fn a_file_cut_anywhere_gives_what_is_whole(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
        big in any::<bool>(), ng in any::<bool>(), cut in any::<proptest::sample::Index>(), chunk_bytes in 1usize..50,
    ) {
        let order = Order(big);
        let mut file = match ng {
            true => [section(order), interface(order, 1, 0, None, 0)].concat(),
            false => pcap_header(order, 0xa1b2_3c4d, (2, 4), 1),
        };
        let header_bytes = file.len();
        let mut ends = vec![header_bytes];
        for (number, data) in packets.iter().enumerate() {
            match ng {
                true => file.extend(enhanced(order, 0, number as u64, data)),
                false => pcap_record(&mut file, order, [0, number as u32, data.len() as u32, data.len() as u32], data),
            }
            ends.push(file.len());
        }
        let cut = header_bytes + cut.index(file.len() - header_bytes + 1);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let (seen, error) = read(&file[..cut], chunk_bytes);
        prop_assert_eq!(seen.iter().map(|seen| seen.3.clone()).collect::<Vec<_>>(), &packets[..whole]);
        match error {
            None => prop_assert_eq!(cut, ends[whole]),
            Some(ReadError::EndsInside { record, offset, held_bytes, .. }) => {
                prop_assert_eq!((record, offset), (whole as u64 + 1, ends[whole] as u64));
                prop_assert_eq!(held_bytes, cut - ends[whole]);
            }
            Some(other) => prop_assert!(false, "{}", other),
        }
    }

    /// Whatever the bytes, reading ends, and in the same way for every size of chunks.
    #[test]
    fn nothing_panics(
        start in prop_oneof![Just(0u8), Just(1), Just(2)], bytes in proptest::collection::vec(any::<u8>(), 0..200), chunk_bytes in 1usize..30,
    ) {
        let order = Order(false);
        let mut file = match start {
            0 => Vec::new(),
            1 => pcap_header(order, 0xa1b2_c3d4, (2, 4), 1),
            _ => [section(order), interface(order, 1, 0, None, 0)].concat(),
        };
        file.extend(bytes);
        prop_assert_eq!(read(&file, chunk_bytes), read(&file, 1_000));
    }
}

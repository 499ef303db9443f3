//! Against bytes worked out by hand from the draft, and against an independent reader.

use super::*;
use pcap_parser::pcapng::{Block, OptionCode, PcapNGOption, parse_block_le};
use proptest::prelude::*;

fn read(mut bytes: &[u8]) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let (rest, block) = parse_block_le(bytes).expect("an independent reader accepts the block");
        blocks.push(block);
        bytes = rest;
    }
    blocks
}

fn comments<'a>(options: &'a [PcapNGOption<'_>]) -> Vec<&'a str> {
    options
        .iter()
        .filter(|option| option.code == OptionCode::Comment)
        .map(|option| std::str::from_utf8(&option.value[..usize::from(option.len)]).unwrap())
        .collect()
}

fn text(options: &[PcapNGOption<'_>], code: u16) -> String {
    let option = options.iter().find(|option| option.code.0 == code).unwrap();
    String::from_utf8(option.value[..usize::from(option.len)].to_vec()).unwrap()
}

#[test]
fn section_header_and_interface_byte_by_byte() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "vpcsim", None);
    #[rustfmt::skip]
    assert_eq!(out, [
        0x0A, 0x0D, 0x0D, 0x0A, 44, 0, 0, 0,
        0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        4, 0, 6, 0, b'v', b'p', b'c', b's', b'i', b'm', 0, 0,
        0, 0, 0, 0,
        44, 0, 0, 0,
    ]);

    out.clear();
    assert_eq!(encoder.interface(&mut out, "eni-1", "app"), InterfaceIx(0));
    #[rustfmt::skip]
    assert_eq!(out, [
        1, 0, 0, 0, 52, 0, 0, 0,
        1, 0, 0, 0, 0, 0, 0, 0, // Ethernet, reserved, unlimited
        2, 0, 5, 0, b'e', b'n', b'i', b'-', b'1', 0, 0, 0,
        3, 0, 3, 0, b'a', b'p', b'p', 0,
        9, 0, 1, 0, 9, 0, 0, 0,
        0, 0, 0, 0,
        52, 0, 0, 0,
    ]);
    out.clear();
    assert_eq!(encoder.interface(&mut out, "eni-2", ""), InterfaceIx(1));
}

#[test]
fn a_packet_byte_by_byte() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "", None);
    let interface = encoder.interface(&mut out, "eni-1", "");
    out.clear();
    let packet = Packet {
        interface,
        unix_ns: 0x0102_0304_0506_0708,
        direction: Some(Direction::Outbound),
        frame: &[0xAA; 5],
        comments: &["DROP", ""],
    };
    encoder.packet(&mut out, &packet);
    #[rustfmt::skip]
    assert_eq!(out, [
        6, 0, 0, 0, 60, 0, 0, 0,
        0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 5, 0, 0, 0, 5, 0, 0, 0,
        0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0, 0, 0,
        2, 0, 4, 0, 2, 0, 0, 0,
        1, 0, 4, 0, b'D', b'R', b'O', b'P',
        0, 0, 0, 0,
        60, 0, 0, 0,
    ]);
}

#[test]
fn names_byte_by_byte() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "", None);
    out.clear();
    let address = Ipv4Addr::new(10, 0, 0, 1);
    encoder.names(&mut out, [(address, "a"), (address, "bc"), (Ipv4Addr::new(10, 0, 0, 2), "d\0e")]);
    #[rustfmt::skip]
    assert_eq!(out, [
        4, 0, 0, 0, 44, 0, 0, 0,
        1, 0, 9, 0, 10, 0, 0, 1, b'a', 0, b'b', b'c', 0, 0, 0, 0,
        1, 0, 8, 0, 10, 0, 0, 2, b'd', b' ', b'e', 0,
        0, 0, 0, 0,
        44, 0, 0, 0,
    ]);
    out.clear();
    encoder.names(&mut out, [(address, "")]);
    assert_eq!(out, b"", "no names, no block");
}

#[test]
fn secrets_and_statistics_byte_by_byte() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "", None);
    let interface = encoder.interface(&mut out, "eni-1", "");
    out.clear();
    encoder.tls_secrets(&mut out, "A b c\n");
    #[rustfmt::skip]
    assert_eq!(out, [
        10, 0, 0, 0, 28, 0, 0, 0,
        b'K', b'S', b'L', b'T', 6, 0, 0, 0, // 0x544c534b
        b'A', b' ', b'b', b' ', b'c', b'\n', 0, 0,
        28, 0, 0, 0,
    ]);
    out.clear();
    encoder.tls_secrets(&mut out, "");
    assert_eq!(out, b"");

    encoder.statistics(&mut out, interface, 1, 7, 2);
    #[rustfmt::skip]
    assert_eq!(out, [
        5, 0, 0, 0, 52, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
        4, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0,
        5, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0,
        52, 0, 0, 0,
    ]);
}

#[test]
fn what_exceeds_a_limit_is_cut_between_characters_and_counted() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "vpcsim", None);
    let interface = encoder.interface(&mut out, "eni-1", "");
    out.clear();
    let long = "\u{20AC}".repeat(30_000); // 90,000 bytes; 65,535 is 21,845 whole euro signs
    let one_more = format!("x{long}");
    let packet =
        Packet { interface, unix_ns: 0, direction: None, frame: &vec![1; 300_000], comments: &[&long, &one_more] };
    encoder.packet(&mut out, &packet);
    assert_eq!(encoder.cut_count(), 3);
    let blocks = read(&out);
    let Block::EnhancedPacket(read_back) = &blocks[0] else { panic!("{blocks:?}") };
    assert_eq!((read_back.caplen, read_back.origlen), (262_144, 300_000));
    let lengths: Vec<_> = comments(&read_back.options).iter().map(|comment| comment.len()).collect();
    assert_eq!(lengths, [65_535, 65_533]);

    out.clear();
    encoder.names(&mut out, [(Ipv4Addr::LOCALHOST, "n".repeat(300).as_str())]);
    assert_eq!(encoder.cut_count(), 4);
    let blocks = read(&out);
    let Block::NameResolution(names) = &blocks[0] else { panic!("{blocks:?}") };
    assert_eq!(names.nr[0].record_value.len(), 4 + NAME_BYTES_MAX + 1);

    out.clear();
    let many = vec![long.as_str(); 200];
    encoder.packet(&mut out, &Packet { comments: &many, frame: &[], ..packet });
    assert!(out.len() < 16 << 20);
    assert_eq!(encoder.cut_count(), 4 + 200);
    assert_eq!(read(&out).len(), 1);
}

#[test]
fn many_names_and_secrets_go_to_several_records_and_blocks() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "vpcsim", None);
    out.clear();
    let texts: Vec<String> = (0..60_000).map(|number| format!("{number:0200}")).collect();
    encoder.names(&mut out, texts.iter().map(|text| (Ipv4Addr::LOCALHOST, text.as_str())));
    let mut seen = 0;
    let blocks = read(&out);
    for block in &blocks {
        let Block::NameResolution(names) = block else { panic!("{block:?}") };
        seen += names
            .nr
            .iter()
            .filter(|record| record.record_type.0 == NAME_RECORD_IPV4)
            .map(|record| record.record_value[4..].split(|byte| *byte == 0).filter(|name| !name.is_empty()).count())
            .sum::<usize>();
    }
    assert_eq!((blocks.len(), seen), (2, 60_000));
    assert_eq!(encoder.cut_count(), 0);

    out.clear();
    let log: String = (0..60_000).map(|number| format!("CLIENT_RANDOM {number:0150} 00\n")).collect();
    encoder.tls_secrets(&mut out, &log);
    let blocks = read(&out);
    let mut joined = Vec::new();
    for block in &blocks {
        let Block::DecryptionSecrets(secrets) = block else { panic!("{block:?}") };
        let part = &secrets.data[..secrets.secrets_len as usize];
        assert_eq!(part.last(), Some(&b'\n'), "no line is split");
        joined.extend_from_slice(part);
    }
    assert_eq!(blocks.len(), 2);
    assert!(joined == log.as_bytes());
}

#[test]
fn a_torn_write_ends_at_a_block() {
    let mut out = Vec::new();
    let mut encoder = Encoder::start(&mut out, "vpcsim", None);
    let header = out.len();
    encoder.interface(&mut out, "eni-1", "");
    assert_eq!(whole_blocks_bytes(&out), out.len());
    for torn in header..out.len() {
        assert_eq!(whole_blocks_bytes(&out[..torn]), header);
    }
    assert_eq!(whole_blocks_bytes(&out[..header - 1]), 0);
    assert_eq!(whole_blocks_bytes(&[0; 64]), 0, "a length of zero ends the walk");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_independent_reader_sees_what_was_written(
        application in "\\PC{1,40}",
        name in "[a-z0-9-]{1,30}",
        packets in prop::collection::vec(
            (any::<u64>(), prop::collection::vec(any::<u8>(), 0..200), prop::collection::vec(".{0,50}", 0..4), 0..3u8), 0..12),
    ) {
        let mut out = Vec::new();
        let mut encoder = Encoder::start(&mut out, &application, Some("whole"));
        let interface = encoder.interface(&mut out, &name, "d");
        for (unix_ns, frame, texts, direction) in &packets {
            let direction = [None, Some(Direction::Inbound), Some(Direction::Outbound)][usize::from(*direction)];
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            encoder.packet(&mut out, &Packet { interface, unix_ns: *unix_ns, direction, frame, comments: &texts });
        }
        prop_assert_eq!(whole_blocks_bytes(&out), out.len());

        let blocks = read(&out);
        prop_assert_eq!(blocks.len(), 2 + packets.len());
        let Block::SectionHeader(header) = &blocks[0] else { panic!("{blocks:?}") };
        prop_assert_eq!(text(&header.options, option::SHB_USERAPPL), application.replace('\0', " "));
        prop_assert_eq!(comments(&header.options), ["whole"]);
        let Block::InterfaceDescription(description) = &blocks[1] else { panic!("{blocks:?}") };
        prop_assert_eq!(text(&description.options, option::IF_NAME), name);
        prop_assert_eq!((description.if_tsresol, description.linktype.0, description.snaplen), (9, 1, 0));
        for (block, (unix_ns, frame, texts, direction)) in blocks[2..].iter().zip(&packets) {
            let Block::EnhancedPacket(packet) = block else { panic!("{block:?}") };
            prop_assert_eq!(u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low), *unix_ns);
            prop_assert_eq!(&packet.data[..packet.caplen as usize], &frame[..]);
            prop_assert_eq!(packet.origlen as usize, frame.len());
            let written: Vec<String> =
                texts.iter().filter(|text| !text.is_empty()).map(|text| text.replace('\0', " ")).collect();
            prop_assert_eq!(comments(&packet.options), written);
            let flags = packet.options.iter().find(|option| option.code.0 == option::EPB_FLAGS).map(|o| o.value[0]);
            prop_assert_eq!(flags.unwrap_or(0), *direction);
        }
    }
}

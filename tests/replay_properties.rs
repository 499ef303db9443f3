//! Whatever a capture holds, every packet of it is accounted for, nothing panics, and the same bytes come out every time.

mod support;

use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::sync::Arc;
use support::whole_packets;
use vpcsim::explain::probe::Sender;
use vpcsim::explain::state;
use vpcsim::replay::{Options, Record, Replay, Replies, Survey};
use vpcsim::scenario::{self, embedded};

const RAW: u16 = 101;

/// One record: an IPv4 packet, perhaps broken.
#[derive(Clone, Debug)]
struct Packet {
    bytes: Vec<u8>,
    original_bytes: u32,
    unix_ns: Option<u64>,
}

/// Addresses that mean something in the scenario, and some that do not.
fn address() -> impl Strategy<Value = Ipv4Addr> {
    let known = [
        "10.0.0.10",
        "10.0.0.11",
        "10.0.1.10",
        "10.0.0.1",
        "10.0.0.2",
        "198.51.100.7",
        "52.94.2.72",
        "203.0.113.25",
        "8.8.8.8",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.251",
        "169.254.169.254",
        "192.168.0.9",
    ];
    proptest::sample::select(known.map(|text| text.parse::<Ipv4Addr>().unwrap()).to_vec())
}

fn packet() -> impl Strategy<Value = Packet> {
    let port = || proptest::sample::select(vec![53u16, 67, 68, 80, 443, 40_000, 40_001]);
    let flow = (address(), address(), proptest::sample::select(vec![1u8, 6, 17, 50]), port(), port());
    let body = (
        0usize..3_000,
        any::<u8>(),
        proptest::sample::select(vec![0u16, 0, 0, 0x4000, 0x2000, 185, 0x2000 + 185]),
        0u8..4,
    );
    (flow, body, 0usize..90, any::<Option<u32>>(), any::<bool>()).prop_map(|(flow, body, cut, time, is_right)| {
        let (source, destination, protocol, source_port, destination_port) = flow;
        let (data_bytes, flags, fragment, identification) = body;
        let total = 40 + data_bytes;
        let mut bytes = vec![0; total];
        bytes[..4].copy_from_slice(&[0x45, 0, (total >> 8) as u8, total as u8]);
        bytes[5] = identification;
        bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
        bytes[8..10].copy_from_slice(&[64, protocol]);
        bytes[12..16].copy_from_slice(&source.octets());
        bytes[16..20].copy_from_slice(&destination.octets());
        match protocol {
            1 => bytes[20..22].copy_from_slice(&[flags % 16, 0]),
            _ => {
                bytes[20..22].copy_from_slice(&source_port.to_be_bytes());
                bytes[22..24].copy_from_slice(&destination_port.to_be_bytes());
                let length = total as u16 - 20;
                bytes[24..26].copy_from_slice(&length.to_be_bytes());
                bytes[32..34].copy_from_slice(&[0x50, flags & 0x17]);
            }
        }
        // An ICMP error quotes a packet that went the other way.
        if protocol == 1 && data_bytes > 30 {
            let mut quoted = [&bytes[..12], &destination.octets(), &source.octets(), &bytes[20..28]].concat();
            quoted[9] = 17;
            bytes[28..28 + quoted.len()].copy_from_slice(&quoted);
        }
        if !is_right {
            bytes[3] = bytes[3].wrapping_add(cut as u8);
        }
        let original_bytes = total as u32;
        if cut < 60 {
            bytes.truncate(cut);
        }
        Packet { bytes, original_bytes, unix_ns: time.map(|time| u64::from(time) * 1_000) }
    })
}

/// Replays the packets; gives what the captures hold and the account.
fn replayed(scenario: &str, at: &str, replies: Replies, packets: &[Packet]) -> (Vec<Vec<u8>>, String) {
    let scenario = scenario::parse("s.toml", embedded(scenario).unwrap(), None).unwrap();
    let state = state::after(&scenario, None).unwrap();
    let sender = Sender::find(&state.control, &state.names, at).unwrap();
    let mut survey = Survey::default();
    packets.iter().for_each(|packet| survey.see(&[], RAW, &packet.bytes));
    let options = Options { replies, ..Options::default() };
    let program = Arc::clone(state.control.program());
    let mut replay = Replay::new(program, sender.host, sender.address, &survey, options).unwrap();
    for (number, packet) in (1..).zip(packets) {
        let Packet { bytes, original_bytes, unix_ns } = packet;
        replay.packet(&Record { number, unix_ns: *unix_ns, link_type: RAW, original_bytes: *original_bytes, bytes });
        assert!(replay.counts().hold(), "{:?} {:#?}", packet, replay.counts());
    }
    replay.finish();
    let files: Vec<_> = replay.captures_mut().iter_mut().map(|file| file.take_pending()).collect();
    let frames: usize = files.iter().map(|file| whole_packets("a capture", file)).sum();
    let counts = replay.counts();
    assert_eq!(frames as u64, counts.delivered_total() + counts.dropped_total());
    assert_eq!(counts.read, packets.len() as u64);
    (files, format!("{counts:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_packet_is_accounted_for(
        packets in proptest::collection::vec(packet(), 1..60), generated in any::<bool>(),
        place in proptest::sample::select(vec![("roads/nat-gateway", "app"), ("tutorial", "app-public"), ("roads/nat-instance", "app"), ("tutorial", "laptop")]),
    ) {
        let replies = if generated { Replies::Generated } else { Replies::Recorded };
        let once = replayed(place.0, place.1, replies, &packets);
        prop_assert_eq!(once, replayed(place.0, place.1, replies, &packets));
    }
}

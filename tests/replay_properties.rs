//! Whatever a capture holds, every packet of it is accounted for, nothing panics, and the same bytes come out every time: also without memos, where
//! every packet is readdressed field by field and walked.

mod support;

use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::sync::Arc;
use support::whole_packets;
use vpcsim::explain::probe::Sender;
use vpcsim::explain::state;
use vpcsim::replay::{InputPart, Options, Pace, Record, Replay, Replies, Survey};
use vpcsim::scenario::{self, embedded};
use vpcsim::wire::checksum;

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

/// What the captures hold, the account and the result.
type Outcome = (Vec<Vec<u8>>, String, String);

/// Captures are too long to be printed.
fn assert_alike(one: &Outcome, other: &Outcome) -> Result<(), TestCaseError> {
    prop_assert_eq!((&one.1, &one.2), (&other.1, &other.2));
    prop_assert!(one.0 == other.0, "the captures differ");
    Ok(())
}

/// Replays the packets.
fn replayed(scenario: &str, at: &str, options: Options, packets: &[Packet]) -> Outcome {
    let scenario = scenario::parse("s.toml", embedded(scenario).unwrap(), None).unwrap();
    let state = state::after(&scenario, None).unwrap();
    let sender = Sender::find(&state.control, &state.names, at).unwrap();
    let mut survey = Survey::default();
    packets.iter().for_each(|packet| survey.see(&[], RAW, &packet.bytes));
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
    let input = InputPart { path: String::new(), format: "pcap", records: 0, bytes_read: 0, error: None };
    let document = serde_json::to_string(&replay.document("s", "n", input)).unwrap();
    (files, format!("{counts:?}"), document)
}

/// Scenario, whose NIC, its address in the capture, its peers.
type Place = (&'static str, &'static str, [u8; 4], &'static [[u8; 4]]);

const PLACES: [Place; 7] = [
    ("roads/nat-gateway", "app", [10, 0, 0, 10], &[[198, 51, 100, 7], [192, 0, 2, 7]]),
    ("roads/nat-instance", "app", [192, 168, 7, 7], &[[198, 51, 100, 7], [192, 0, 2, 7]]),
    ("roads/gateway-endpoint", "app", [192, 168, 7, 7], &[[52, 94, 2, 72], [8, 8, 8, 8]]),
    ("roads/internet-gateway", "server", [192, 168, 7, 7], &[[198, 51, 100, 7], [52, 94, 2, 72]]),
    ("roads/path-mtu-nat", "app", [192, 168, 7, 7], &[[198, 51, 100, 7], [192, 0, 2, 7]]),
    ("tutorial", "app-public", [172, 31, 0, 10], &[[52, 94, 2, 72], [172, 31, 96, 10], [192, 0, 2, 7]]),
    ("tutorial", "laptop", [198, 51, 100, 7], &[[203, 0, 113, 25], [52, 94, 2, 72]]),
];

/// A packet of one of a few flows.
#[derive(Clone, Debug)]
struct Segment {
    peer: usize,
    port: u16,
    is_tcp: bool,
    is_answer: bool,
    data_bytes: usize,
    flags: u8,
    fragment: u16,
    ttl: u8,
    pause_ms: u64,
    is_right: bool,
}

fn segment() -> impl Strategy<Value = Segment> {
    const ACK: u8 = 0x10;
    let flow = (0usize..3, 40_000u16..40_002, any::<bool>(), any::<bool>());
    let data_bytes = prop_oneof![9 => 8usize..200, 1 => 1_300usize..3_000];
    let flags = prop_oneof![8 => Just(ACK), 2 => Just(0x02), 1 => Just(0x12), 1 => Just(0x11), 1 => Just(0x04)];
    let fragment = prop_oneof![12 => Just(0x4000u16), 4 => Just(0), 1 => Just(0x2000), 1 => Just(0x2001), 1 => Just(1)];
    let ttl = prop_oneof![9 => Just(64u8), 1 => 0u8..3];
    let pause_ms =
        prop_oneof![12 => Just(0u64), 4 => Just(10), 1 => Just(29_000), 1 => Just(31_000), 1 => Just(400_000)];
    let is_right = proptest::bool::weighted(0.9);
    (flow, data_bytes, flags, fragment, ttl, pause_ms, is_right).prop_map(|segment| {
        let (flow, data_bytes, flags, fragment, ttl, pause_ms, is_right) = segment;
        let (peer, port, is_tcp, is_answer) = flow;
        Segment { peer, port, is_tcp, is_answer, data_bytes, flags, fragment, ttl, pause_ms, is_right }
    })
}

impl Segment {
    fn packet(&self, own: [u8; 4], peers: &[[u8; 4]], unix_ns: u64) -> Packet {
        let total = 40 + self.data_bytes;
        let mut bytes = vec![7; total];
        bytes[..4].copy_from_slice(&[0x45, 0, (total >> 8) as u8, total as u8]);
        bytes[6..8].copy_from_slice(&self.fragment.to_be_bytes());
        bytes[8..10].copy_from_slice(&[self.ttl, if self.is_tcp { 6 } else { 17 }]);
        let (near, far) = ((own, self.port), (peers[self.peer % peers.len()], 443));
        let (from, to) = if self.is_answer { (far, near) } else { (near, far) };
        bytes[12..16].copy_from_slice(&from.0);
        bytes[16..20].copy_from_slice(&to.0);
        bytes[20..22].copy_from_slice(&from.1.to_be_bytes());
        bytes[22..24].copy_from_slice(&to.1.to_be_bytes());
        match self.is_tcp {
            true => bytes[32..34].copy_from_slice(&[0x50, self.flags]),
            false => bytes[24..26].copy_from_slice(&(total as u16 - 20).to_be_bytes()),
        }
        if self.is_right {
            bytes[10..12].fill(0);
            let sum = checksum::checksum(&bytes[..20]);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            let at = if self.is_tcp { 36 } else { 26 };
            bytes[at..at + 2].fill(0);
            let above = checksum::pseudo_header_sum(from.0, to.0, bytes[9], total as u16 - 20);
            let sum = !checksum::add(above, checksum::sum(&bytes[20..]));
            bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        Packet { original_bytes: total as u32, bytes, unix_ns: Some(unix_ns) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_packet_is_accounted_for(
        packets in proptest::collection::vec(packet(), 1..60), generated in any::<bool>(),
        place in proptest::sample::select(vec![("roads/nat-gateway", "app"), ("tutorial", "app-public"), ("roads/nat-instance", "app"), ("tutorial", "laptop")]),
    ) {
        let replies = if generated { Replies::Generated } else { Replies::Recorded };
        let options = Options { replies, ..Options::default() };
        let once = replayed(place.0, place.1, options.clone(), &packets);
        assert_alike(&once, &replayed(place.0, place.1, options.clone(), &packets))?;
        assert_alike(&once, &replayed(place.0, place.1, Options { without_memos: true, ..options }, &packets))?;
    }

    /// Flows that last, so that nearly all of their packets go by memos.
    #[test]
    fn memos_bring_what_walking_brings(
        place in proptest::sample::select(PLACES.to_vec()), packets in proptest::collection::vec(segment(), 1..250),
        generated in any::<bool>(), fast in any::<bool>(), maps in any::<bool>(),
    ) {
        let (scenario, at, own, peers) = place;
        let mut now = 1_700_000_000_000_000_000;
        let packets: Vec<Packet> = packets.iter().map(|segment| {
            now += segment.pause_ms * 1_000_000;
            segment.packet(own, peers, now)
        }).collect();
        let options = Options {
            replies: if generated { Replies::Generated } else { Replies::Recorded },
            pace: if fast { Pace::Fast } else { Pace::Capture },
            // Two addresses become one.
            maps: if maps { vec!["192.0.2.0/24=198.51.100.0/24".parse().unwrap()] } else { Vec::new() },
            ..Options::default()
        };
        let by_memos = replayed(scenario, at, options.clone(), &packets);
        assert_alike(&by_memos, &replayed(scenario, at, Options { without_memos: true, ..options }, &packets))?;
    }
}

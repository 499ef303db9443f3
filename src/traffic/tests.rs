//! Sources and far sides against etherparse, and against each other.

use super::*;
use crate::net::MacAddress;
use crate::rng::Seed;
use crate::wire::Parsed;
use etherparse::{SlicedPacket, TransportSlice};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

const NIC: Nic = Nic {
    mac: MacAddress([2, 0, 0, 0, 0, 1]),
    gateway_mac: MacAddress([2, 0, 0, 0, 0, 2]),
    address: Ipv4Addr::new(10, 0, 0, 4),
};

fn profile(kind: Kind, frame: FrameSize, flows: u32) -> Profile {
    Profile {
        flows,
        kind,
        frame,
        destinations: Distribution::Uniform,
        turns: Distribution::InTurn,
        destination_port: 443,
        seed: Seed::new(7),
    }
}

fn destinations(count: u32) -> Vec<Ipv4Addr> {
    (0..count).map(|index| Ipv4Addr::from(0x345e_0000 + index)).collect()
}

/// Checks every checksum and length of a frame and gives its TCP header, if it has one.
fn judged(frame: &[u8]) -> Option<etherparse::TcpHeader> {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let etherparse::NetSlice::Ipv4(ip) = packet.net.as_ref().unwrap() else { panic!("no IPv4") };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!(usize::from(header.total_len) + 14, frame.len().min(usize::from(header.total_len) + 14));
    match packet.transport.unwrap() {
        TransportSlice::Udp(udp) => {
            assert_eq!(udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap(), udp.checksum());
            None
        }
        TransportSlice::Tcp(tcp) => {
            assert_eq!(tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap(), tcp.checksum());
            Some(tcp.to_header())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_frame_size_of_both_kinds_is_valid_and_so_is_its_answer() {
    let sizes = [60, 61, 64, 128, 512, 1_514, 1_515, 9_014, 9_015].map(FrameSize::Fixed);
    for frame in sizes.into_iter().chain([FrameSize::Imix]) {
        for kind in [Kind::Udp, Kind::Tls { data_packets: 13 }] {
            let mut source = Source::new(profile(kind, frame, 5), NIC, &destinations(3)).unwrap();
            let far_side = FarSide::new(Seed::new(7));
            let (mut slot, mut answer) = (vec![0; source.frame_bytes_max()], vec![0; 9_015]);
            let mut lengths = BTreeMap::new();
            for _ in 0..5 * 24 {
                let sent = source.next(&mut slot).unwrap();
                let bytes = &slot[..sent.frame_bytes];
                judged(bytes);
                let parsed = Parsed::of(bytes).unwrap();
                assert_eq!(Some(parsed.five_tuple()), source.flow(sent.flow));
                *lengths.entry(sent.frame_bytes).or_insert(0) += 1;
                if let Some(answered) = far_side.answer(bytes, &mut answer) {
                    judged(&answer[..answered]);
                    assert_eq!(answered, bytes.len());
                    let back = Parsed::of(&answer[..answered]).unwrap().five_tuple();
                    assert_eq!(back, parsed.five_tuple().reversed());
                }
            }
            if kind == Kind::Udp {
                match frame {
                    FrameSize::Fixed(frame_bytes) => assert_eq!(lengths, BTreeMap::from([(frame_bytes, 120)])),
                    FrameSize::Imix => assert_eq!(lengths, BTreeMap::from([(60, 70), (590, 40), (1_514, 10)])),
                }
            }
        }
    }
}

/// Both sides' numbers fit as TCP wants it, over two connections: whoever acknowledges has seen exactly what the other sent.
#[test]
fn sequence_numbers_of_both_sides_fit() {
    let kind = Kind::Tls { data_packets: 3 };
    let mut source = Source::new(profile(kind, FrameSize::Imix, 1), NIC, &destinations(1)).unwrap();
    let far_side = FarSide::new(Seed::new(7));
    let (mut slot, mut answer) = (vec![0; 1_514], vec![0; 1_514]);
    let mut story = Vec::new();
    // What each side has to say next, and what it has seen of the other.
    let (mut near, mut far) = (0, 0);
    for packet in 0..18 {
        let sent = source.next(&mut slot).unwrap();
        let payload_bytes = |frame: &[u8]| {
            let parsed = Parsed::of(frame).unwrap();
            u32::from(parsed.total_bytes) - 20 - u32::from(frame[parsed.transport_at() + 12] >> 4) * 4
        };
        let question = judged(&slot[..sent.frame_bytes]).unwrap();
        if question.syn {
            near = question.sequence_number;
        } else {
            assert_eq!((question.sequence_number, question.acknowledgment_number), (near, far), "packet {packet}");
        }
        near = near.wrapping_add(payload_bytes(&slot[..sent.frame_bytes]));
        near = near.wrapping_add(u32::from(question.syn) + u32::from(question.fin));
        story.push((question.syn, question.fin, payload_bytes(&slot[..sent.frame_bytes])));
        let Some(answered) = far_side.answer(&slot[..sent.frame_bytes], &mut answer) else { continue };
        let reply = judged(&answer[..answered]).unwrap();
        if reply.syn {
            far = reply.sequence_number;
        }
        assert_eq!((reply.sequence_number, reply.acknowledgment_number), (far, near), "answer {packet}");
        assert_eq!((reply.syn, reply.fin, reply.ack), (question.syn, question.fin, true));
        far = far.wrapping_add(payload_bytes(&answer[..answered]) + u32::from(reply.syn) + u32::from(reply.fin));
    }
    let data = |frame_bytes: u32| (false, false, frame_bytes - 54);
    let nothing = (false, false, 0);
    let connection = |first, second, third| {
        let opening = [(true, false, 0), nothing, (false, false, 517), (false, false, 64)];
        opening.into_iter().chain([data(first), data(second), data(third), (false, true, 0), nothing])
    };
    assert_eq!(story, connection(60, 590, 60).chain(connection(60, 590, 60)).collect::<Vec<_>>());
}

#[test]
fn flows_are_distinct_and_a_full_destination_passes_them_on() {
    let wanted = Profile {
        destinations: Distribution::Zipf { exponent: 3.0 },
        ..profile(Kind::Udp, FrameSize::Fixed(60), 100_000)
    };
    let source = Source::new(wanted, NIC, &destinations(2)).unwrap();
    let flows: Vec<_> = (0..100_000).map(|number| source.flow(number).unwrap()).collect();
    assert_eq!(flows.iter().collect::<BTreeSet<_>>().len(), flows.len());
    // The first would get eight of nine.
    let first = flows.iter().filter(|flow| flow.destination == destinations(1)[0]).count();
    assert_eq!(first, 64_512);
    assert_eq!(source.flow(100_000), None);
}

#[test]
fn same_seed_same_bytes() {
    let frames = |seed| {
        let turns = Distribution::Zipf { exponent: 1.1 };
        let wanted = Profile {
            turns,
            seed: Seed::new(seed),
            ..profile(Kind::Tls { data_packets: 4 }, FrameSize::Fixed(100), 9)
        };
        let mut source = Source::new(wanted, NIC, &destinations(4)).unwrap();
        let mut slot = vec![0; source.frame_bytes_max()];
        let mut all = Vec::new();
        for _ in 0..300 {
            let sent = source.next(&mut slot).unwrap();
            all.extend_from_slice(&slot[..sent.frame_bytes]);
        }
        all
    };
    assert_eq!(frames(1), frames(1));
    assert_ne!(frames(1), frames(2));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let refused = |profile, destination_count| {
        Source::new(profile, NIC, &destinations(destination_count)).unwrap_err().to_string()
    };
    let udp = |frame_bytes, flows| profile(Kind::Udp, FrameSize::Fixed(frame_bytes), flows);
    let size = "frames of 59 bytes: they have 60 to 9015 (without frame check sequence)";
    assert_eq!(refused(udp(59, 1), 1), size);
    assert!(Source::new(udp(9_016, 1), NIC, &destinations(1)).is_err());
    assert_eq!(refused(udp(60, 0), 1), "0 flows: there may be 1 to 4000000");
    assert_eq!(refused(udp(60, 1), 0), "no destination");
    let ports = "64513 flows to 1 destinations: each takes 64512 flows, one a source port";
    assert_eq!(refused(udp(60, 64_513), 1), ports);
    // An address that stands there twice has no more ports for it.
    let twice = [destinations(1), destinations(1)].concat();
    assert!(Source::new(udp(60, 64_513), NIC, &twice).is_err());
    let mut source = Source::new(udp(61, 1), NIC, &destinations(1)).unwrap();
    assert_eq!(source.next(&mut [0; 60]), None);
}

#[test]
fn a_capture_is_sent_again_and_again() {
    let mut source = Source::new(profile(Kind::Udp, FrameSize::Imix, 2), NIC, &destinations(1)).unwrap();
    let mut slot = vec![0; 1_514];
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for _ in 0..4 {
        let sent = source.next(&mut slot).unwrap();
        frames.push(slot[..sent.frame_bytes].to_vec());
    }
    frames.insert(1, vec![0xff; 42]);
    let other = Nic { mac: MacAddress([2; 6]), ..NIC };
    let mut recorded = Recorded::new(&frames, other, 10_000).unwrap();
    assert_eq!((recorded.frame_count(), recorded.flow_count(), recorded.skipped()), (4, 2, 1));
    frames.remove(1);
    for (number, frame) in frames.iter().cycle().take(9).enumerate() {
        let sent = recorded.next(&mut slot).unwrap();
        assert_eq!(sent.flow, [0, 1, 0, 1][number % 4]);
        assert_eq!(slot[12..sent.frame_bytes], frame[12..]);
        assert_eq!(slot[..12], [2, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2]);
    }
    let small = Recorded::new(&frames, NIC, 100).unwrap_err();
    assert_eq!(small, TrafficError::TooMuchRecorded { limit_bytes: 100 });
    assert_eq!(Recorded::new([[0_u8; 60]], NIC, 100).unwrap_err(), TrafficError::NothingRecorded);
}

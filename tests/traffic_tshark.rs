//! Wireshark as judge of synthetic traffic: checksums, TCP's numbers, TLS's shapes.

mod wireshark;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use vpcsim::capture::pcapng::{Encoder, Packet};
use vpcsim::net::MacAddress;
use vpcsim::rng::Seed;
use vpcsim::traffic::{Arrival, Arrivals, Distribution, FarSide, FrameSize, Kind, Nic, Profile, Source};

const STATUSES: [&str; 3] = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status"];

/// The fields of each frame of a capture in which `profile` sends `packets` and the far side answers, 40 us later.
fn judged(profile: Profile, packets: usize, fields: &[&str]) -> Vec<String> {
    let nic = Nic { mac: MacAddress::local(1), gateway_mac: MacAddress::local(2), address: Ipv4Addr::new(10, 0, 0, 4) };
    let to = [Ipv4Addr::new(52, 94, 2, 72), Ipv4Addr::new(52, 94, 2, 73)];
    let mut source = Source::new(profile, nic, &to).unwrap();
    let far_side = FarSide::new(profile.seed);
    let (mut slot, mut answer) = (vec![0; source.frame_bytes_max()], vec![0; source.frame_bytes_max()]);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::start(&mut bytes, "test", None);
    let interface = encoder.interface(&mut bytes, "eni", "");
    let mut record = |frame: &[u8], ns: u64| {
        let unix_ns = 1_767_225_600_000_000_000 + ns;
        encoder.packet(&mut bytes, &Packet { interface, unix_ns, direction: None, frame, comments: &[] });
    };
    for at in Arrivals::new(Arrival::Constant, 10_000, profile.seed).unwrap().take(packets) {
        let sent = source.next(&mut slot).unwrap();
        record(&slot[..sent.frame_bytes], at.as_nanos());
        if let Some(answered) = far_side.answer(&slot[..sent.frame_bytes], &mut answer) {
            record(&answer[..answered], at.as_nanos() + 40_000);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traffic.pcapng");
    std::fs::write(&path, bytes).unwrap();
    let mut arguments = vec!["-2", "-r", path.to_str().unwrap(), "-T", "fields"];
    for check in ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"] {
        arguments.extend(["-o", check]);
    }
    arguments.extend(STATUSES.iter().chain(fields).flat_map(|field| ["-e", field]));
    wireshark::run("tshark", directory.path(), &arguments)
}

fn profile(kind: Kind) -> Profile {
    Profile {
        flows: 3,
        kind,
        frame: FrameSize::Imix,
        destinations: Distribution::Uniform,
        turns: Distribution::InTurn,
        destination_port: 443,
        seed: Seed::new(3),
    }
}

#[test]
fn tls_flows_are_what_wireshark_takes_them_for() {
    // In TLS 1.3, an encrypted record's type is the opaque one.
    let records = ["tls.handshake.type", "tls.record.content_type", "tls.record.opaque_type"];
    let fields = [&["tcp.analysis.flags", "_ws.malformed", "tcp.flags"], &records[..]].concat();
    // Three flows of nine packets each, twice: six connections, seven of nine packets answered.
    let lines = judged(profile(Kind::Tls { data_packets: 3 }), 3 * 9 * 2, &fields);
    assert_eq!(lines.len(), 6 * (9 + 7));
    let mut shapes = BTreeMap::new();
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!((columns[0], columns[1], columns[4]), ("1", "1", ""), "{line}");
        // A port that is used again is worth a remark, and nothing else is.
        assert!(columns[3].is_empty() || columns[5] == "0x0002", "{line}");
        *shapes.entry(columns[6..].join("|")).or_insert(0) += 1;
    }
    // Each connection: two hellos, Finished, a ticket with three questions and their answers, and six packets without data.
    let expected = [("1|22|", 6), ("2|22,20|23", 6), ("|20|23", 6), ("||23", 42), ("||", 36)];
    assert_eq!(shapes, expected.map(|(shape, count)| (shape.to_owned(), count)).into());
}

#[test]
fn datagrams_have_right_checksums() {
    let lines = judged(profile(Kind::Udp), 24, &["frame.len"]);
    assert_eq!(lines.len(), 48);
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!((columns[0], columns[2]), ("1", "1"), "{line}");
    }
    let of = |frame_bytes: &str| lines.iter().filter(|line| line.ends_with(frame_bytes)).count();
    assert_eq!((of("\t60"), of("\t590"), of("\t1514")), (28, 16, 4));
}

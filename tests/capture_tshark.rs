//! Wireshark as judge of the encoder and of the profile: a capture made of crafted frames, read by `tshark -C vpcsim`.
//!
//! Not here: TLS decryption (`capture_tls.rs`), real traffic (the tests of whole runs).

mod wireshark;

use std::net::Ipv4Addr;

use etherparse::PacketBuilder;
use vpcsim::capture::{CaptureFile, Direction, profile};
use wireshark::{Capture, run};

const HOST: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 2);
const DYNAMODB: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);
const HOST_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x0a];
const ROUTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

const BY_ENDPOINT: &str = "via vpce-9b15e2f2 | rtb-4c19d2e0 (main): 52.94.0.0/22 (pl-02cd2c6b) -> vpce-9b15e2f2; beats 0.0.0.0/0 -> igw-6f2d91ab";
const BY_GATEWAY: &str = "via igw-6f2d91ab | rtb-4c19d2e0 (main): 0.0.0.0/0 -> igw-6f2d91ab";
const DROPPED: &str = "DROP: no route to 52.94.2.72 [NO_ROUTE_TO_DESTINATION]";
const SECRET: &str = "CLIENT_RANDOM 0101010101010101010101010101010101010101010101010101010101010101 \
    020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202";

/// Frame numbers, as tshark counts them, of what [`write_story`] writes.
mod frame {
    pub(super) const LOST_SYNS: [u32; 2] = [3, 4];
    pub(super) const CALL: u32 = 8;
    pub(super) const ANSWER: u32 = 9;
    pub(super) const COUNT: usize = 10;
}

#[test]
fn wireshark_finds_nothing_wrong_and_every_comment() {
    let capture = Capture::of(write_story);
    let bad = "_ws.malformed || ip.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\"";
    assert_eq!(capture.fields(bad, &["frame.number", "_ws.expert.message"]), [""; 0]);
    let good = "ip.checksum.status == \"Good\" && (tcp.checksum.status == \"Good\" || udp.checksum.status == \"Good\")";
    assert_eq!(capture.fields(good, &["frame.number"]).len(), frame::COUNT, "the profile turns validation on");

    let dropped = capture.fields("frame.comment contains \"DROP\"", &["frame.number", "frame.comment"]);
    assert_eq!(dropped, frame::LOST_SYNS.map(|number| format!("{number}\t{DROPPED}")));
    // Two comments on one frame are two fields.
    let call = format!("frame.number == {}", frame::CALL);
    assert_eq!(capture.fields(&call, &["frame.comment"]), [format!("{BY_ENDPOINT},second \u{20AC}")]);
}

#[test]
fn times_interfaces_and_directions_are_exact() {
    let capture = Capture::of(write_story);
    let first = capture.fields(
        "frame.number == 1",
        &["frame.time_epoch", "frame.interface_name", "frame.interface_description", "frame.packet_flags_direction"],
    );
    assert_eq!(first, ["1767225600.000000001\teni-5f2103c4\tapp-1, instance in subnet default-1a\t0x00000002"]);
}

#[test]
fn names_come_from_the_capture() {
    let capture = Capture::of(write_story);
    // `-N n` is how a reader without the profile asks for them.
    let plain = run(
        "tshark",
        &capture.home,
        &[
            "-N",
            "n",
            "-r",
            &capture.path,
            "-Y",
            "frame.number == 1",
            "-T",
            "fields",
            "-e",
            "ip.src_host",
            "-e",
            "ip.dst_host",
        ],
    );
    assert_eq!(plain, ["app-1\tresolver"]);
    let with_profile = capture.fields("frame.number == 5", &["ip.src_host", "ip.dst_host"]);
    // Named only after the first frames: a later block counts from there on.
    assert_eq!(with_profile, ["app-1\tdynamodb.us-east-1.amazonaws.com"]);
}

#[test]
fn the_profile_shows_decisions_and_json() {
    let capture = Capture::of(write_story);
    let rows = capture.tshark(&[]);
    assert_eq!(rows.len(), frame::COUNT);
    let lost = &rows[frame::LOST_SYNS[0] as usize - 1];
    assert!(lost.contains(DROPPED), "the Decision column: {lost}");
    let call = &rows[frame::CALL as usize - 1];
    assert!(call.contains("app-1") && call.contains("dynamodb.us-east-1"), "names in the address columns: {call}");
    assert!(call.contains("POST / HTTP/1.1"), "{call}");

    let json = capture.fields("json", &["frame.number", "json.key", "json.value.string"]);
    assert_eq!(json[0], format!("{}\tLimit\t", frame::CALL));
    assert!(
        json[1].starts_with(&format!("{}\tTableNames", frame::ANSWER)) && json[1].ends_with("Music"),
        "{}",
        json[1]
    );
}

#[test]
fn every_colour_and_button_is_a_filter_wireshark_understands() {
    let capture = Capture::of(write_story);
    let mut expected = vec!["DNS"; 2];
    expected.extend(["Dropped by the VPC"; 2]);
    expected.extend(["Road: VPC endpoint"; 5]);
    expected.push("TCP reset");
    let coloured = capture.tshark(&["--color", "-T", "fields", "-e", "frame.coloring_rule.name"]);
    assert_eq!(coloured.len(), frame::COUNT);
    for (row, name) in coloured.iter().zip(&expected) {
        assert!(row.contains(name), "{row:?} is not {name}");
    }

    for filter in file("colorfilters").lines().filter(|line| line.starts_with('@')).map(|line| line.split('@').nth(2)) {
        capture.fields(filter.expect("@name@filter@colours"), &["frame.number"]);
    }
    let hits: Vec<(String, usize)> = file("dfilter_buttons")
        .lines()
        .filter(|line| line.starts_with('"'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('"').split("\",\"").collect();
            let [_, label, filter, _] = cells[..] else { panic!("four cells: {line}") };
            (label.to_owned(), capture.fields(&filter.replace("\\x22", "\""), &["frame.number"]).len())
        })
        .collect();
    let counted: Vec<(&str, usize)> = hits.iter().map(|(label, count)| (label.as_str(), *count)).collect();
    assert_eq!(
        counted,
        [
            ("Drops", 2),
            ("No answer", 2),
            ("Resets", 1),
            ("DynamoDB", 2),
            ("TLS handshake", 0),
            ("DNS", 2),
            ("By endpoint", 5),
            ("By internet gateway", 1),
            ("By NAT", 0),
            ("By peering", 0),
            ("By transit gateway", 0),
            ("By VPN or DX", 0),
        ]
    );
}

#[test]
fn secrets_and_counts_are_recognised() {
    let capture = Capture::of(write_story);
    // -M: plain numbers; the others choose what to say.
    let said = run("capinfos", &capture.home, &["-M", "-D", "-n", "-c", "-k", &capture.path]);
    let value = |label: &str| -> &str {
        let line =
            said.iter().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("no {label} in {said:#?}"));
        line.rsplit(':').next().unwrap_or_default().trim()
    };
    assert_eq!(value("Number of packets"), "10");
    assert_eq!(value("Number of decryption secrets"), "1");
    assert_eq!(value("Number of resolved IPv4"), "4");
    assert_eq!(value("Capture comment"), "test of the encoder");
}

// ---- the capture ----

fn write_story(file: &mut CaptureFile) {
    let mut clock_ns = 1_767_225_600_000_000_001; // 2026-01-01, and a nanosecond that must survive
    let mut write = |file: &mut CaptureFile, direction, frame: &[u8], comments: &[&str]| {
        file.frame(clock_ns, Some(direction), frame, comments);
        clock_ns += 1_000_001;
    };
    let (outbound, inbound) = (Direction::Outbound, Direction::Inbound);

    file.names([(HOST, "ip-172-31-0-10"), (HOST, "app-1"), (RESOLVER, "resolver")]); // the last one shows
    write(
        file,
        outbound,
        &udp(HOST, RESOLVER, (40_000, 53), &dns_query()),
        &["link-local service: before groups and routes"],
    );
    write(file, inbound, &udp(RESOLVER, HOST, (53, 40_000), &dns_answer()), &[]);
    file.names([(DYNAMODB, "dynamodb.us-east-1.amazonaws.com")]);

    for _ in frame::LOST_SYNS {
        write(file, outbound, &Segment::out(40_001, 99, 0).syn().bytes(&[]), &[DROPPED]);
    }

    file.secrets(SECRET);
    let call = "POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
        Content-Type: application/x-amz-json-1.0\r\nContent-Length: 12\r\n\r\n{\"Limit\":10}";
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 24\r\n\r\n{\"TableNames\":[\"Music\"]}";
    let answered = 1 + call.len() as u32;
    write(file, outbound, &Segment::out(40_002, 0, 0).syn().bytes(&[]), &[BY_ENDPOINT]);
    write(file, inbound, &Segment::back(40_002, 0, 1).syn().bytes(&[]), &["via vpce-9b15e2f2 | tracked: pass"]);
    write(file, outbound, &Segment::out(40_002, 1, 1).bytes(&[]), &[BY_ENDPOINT]);
    write(file, outbound, &Segment::out(40_002, 1, 1).bytes(call.as_bytes()), &[BY_ENDPOINT, "second \u{20AC}"]);
    write(
        file,
        inbound,
        &Segment::back(40_002, 1, answered).bytes(answer.as_bytes()),
        &["via vpce-9b15e2f2 | tracked: pass"],
    );
    write(file, outbound, &Segment::out(40_002, answered, 1 + answer.len() as u32).reset().bytes(&[]), &[BY_GATEWAY]);
    file.finish(clock_ns, 0);
    assert_eq!(file.cut_count(), 0);
}

/// A TCP segment between the host and port 80 of DynamoDB.
struct Segment {
    outbound: bool,
    port: u16,
    sequence: u32,
    acknowledgment: u32,
    syn: bool,
    reset: bool,
}

impl Segment {
    fn out(port: u16, sequence: u32, acknowledgment: u32) -> Self {
        Segment { outbound: true, port, sequence, acknowledgment, syn: false, reset: false }
    }

    fn back(port: u16, sequence: u32, acknowledgment: u32) -> Self {
        Segment { outbound: false, ..Segment::out(port, sequence, acknowledgment) }
    }

    fn syn(self) -> Self {
        Segment { syn: true, ..self }
    }

    fn reset(self) -> Self {
        Segment { reset: true, ..self }
    }

    fn bytes(&self, payload: &[u8]) -> Vec<u8> {
        let (from, to, macs, ports) = if self.outbound {
            (HOST, DYNAMODB, (HOST_MAC, ROUTER_MAC), (self.port, 80))
        } else {
            (DYNAMODB, HOST, (ROUTER_MAC, HOST_MAC), (80, self.port))
        };
        let mut builder = PacketBuilder::ethernet2(macs.0, macs.1).ipv4(from.octets(), to.octets(), 255).tcp(
            ports.0,
            ports.1,
            self.sequence,
            65_535,
        );
        if self.syn {
            builder = builder.syn();
        }
        if self.reset {
            builder = builder.rst();
        }
        if self.acknowledgment > 0 {
            builder = builder.ack(self.acknowledgment);
        }
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).unwrap();
        frame
    }
}

fn udp(from: Ipv4Addr, to: Ipv4Addr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(HOST_MAC, ROUTER_MAC)
        .ipv4(from.octets(), to.octets(), 255)
        .udp(ports.0, ports.1)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

/// `db.example`, type A, with id 7.
fn dns_query() -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(b"\x02db\x07example\0\0\x01\0\x01");
    message
}

fn dns_answer() -> Vec<u8> {
    let mut message = dns_query();
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[7] = 1;
    message.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
    message.extend_from_slice(&DYNAMODB.octets());
    message
}

fn file(name: &str) -> &'static str {
    profile::FILES.iter().find(|(file, _)| *file == name).map(|(_, contents)| *contents).expect("a file of the profile")
}

//! `vpcsim replay`, seen from a shell: real captures there and back, broken files, NAT, what peers begin, memory.

mod support;
mod wireshark;

use etherparse::PacketBuilder;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use support::{LAB, Ran, Tutorial, Workplace, contents_of, whole_packets};

const DYNAMODB: [u8; 4] = [52, 94, 2, 72];

/// A classic pcap of Ethernet frames, a millisecond apart.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for (number, frame) in frames.iter().enumerate() {
        let words = [1_700_000_000, number as u32 * 1_000, frame.len() as u32, frame.len() as u32];
        words.iter().for_each(|word| out.extend(word.to_le_bytes()));
        out.extend(frame);
    }
    out
}

fn ipv4(source: [u8; 4], destination: [u8; 4]) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source, destination, 64)
}

fn written(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = Vec::new();
    build(&mut frame);
    frame
}

/// SYN, SYN-ACK, ACK, data both ways, FIN.
fn conversation(client: ([u8; 4], u16), server: ([u8; 4], u16)) -> Vec<Vec<u8>> {
    let there = |sequence| ipv4(client.0, server.0).tcp(client.1, server.1, sequence, 1_000);
    let back = |sequence| ipv4(server.0, client.0).tcp(server.1, client.1, sequence, 1_000);
    vec![
        written(|out| there(100).syn().write(out, &[]).unwrap()),
        written(|out| back(500).syn().ack(101).write(out, &[]).unwrap()),
        written(|out| there(101).ack(501).write(out, &[]).unwrap()),
        written(|out| there(101).ack(501).psh().write(out, b"question").unwrap()),
        written(|out| back(501).ack(109).psh().write(out, b"an answer").unwrap()),
        written(|out| there(109).ack(510).fin().write(out, &[]).unwrap()),
    ]
}

/// Replays and gives the result; every packet must be accounted for.
#[track_caller]
fn replay(workplace: &Workplace, arguments: &[&str], code: i32) -> (Value, Ran) {
    let ran = workplace.run([&["replay"], arguments].concat());
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    let result = workplace.result("out/replay");
    assert_conserved(&result);
    (result, ran)
}

#[track_caller]
fn assert_conserved(result: &Value) {
    let packets = &result["packets"];
    let count = |name: &str| packets[name].as_u64().unwrap();
    let sent = count("sent_from_nic") + count("sent_from_peers");
    assert_eq!(count("read"), count("skipped") + sent, "{packets:#}");
    let came =
        sent + count("segments_cut_more") + count("answers_made_up") + count("generated") + count("fragments_made");
    let went = count("delivered") + count("dropped") + count("fragmented") + count("absorbed");
    assert_eq!(came, went, "{packets:#}");
    let sum =
        |list: &str| result[list].as_array().unwrap().iter().map(|part| part["packets"].as_u64().unwrap()).sum::<u64>();
    assert_eq!([sum("delivered"), sum("dropped"), sum("skipped")], ["delivered", "dropped", "skipped"].map(count));
    let frames = result["files"].as_array().unwrap().iter().map(|file| file["frames"].as_u64().unwrap());
    assert_eq!(frames.sum::<u64>(), count("delivered") + count("dropped"), "every one of them is in a capture");
}

/// Wireshark's fields of the frames in a capture that the replay wrote, checksums verified.
fn fields(workplace: &Workplace, name: &str, fields: &[&str]) -> Vec<String> {
    let path = workplace.join("out/replay").join(name);
    let checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
    let mut arguments = vec!["-r", path.to_str().unwrap(), "-T", "fields"];
    arguments.extend(checks.iter().flat_map(|check| ["-o", check]));
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    wireshark::run("tshark", workplace.path(), &arguments)
}

#[track_caller]
fn assert_checksums(workplace: &Workplace, name: &str) {
    let wrong = fields(workplace, name, &["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status"]);
    assert!(wrong.iter().all(|line| !line.contains('0')), "{name}: 0 is bad: {wrong:?}");
    assert!(!wrong.is_empty());
}

/// The tutorial's own captures, replayed where they were taken: what its network as it begins lets pass comes out, the rest is lost for the same reasons.
#[test]
fn a_runs_capture_goes_there_and_back() {
    let tutorial = Tutorial::get();
    for (host, after) in [("app-public", None), ("app-private", None), ("app-private", Some("fixed")), ("laptop", None)]
    {
        let workplace = Workplace::new();
        let capture = tutorial.capture(host);
        let mut arguments = vec!["tutorial", "--in", capture.to_str().unwrap(), "--at", host];
        arguments.extend(after.iter().flat_map(|step| ["--after", step]));
        let (result, _) = replay(&workplace, &arguments, 0);
        let frames = whole_packets(host, &fs::read(&capture).unwrap()) as u64;
        assert_eq!(result["packets"]["read"], frames);
        assert_eq!(result["nic"]["address_in_capture"], result["nic"]["address"], "{host} is found by its address");
        for file in result["files"].as_array().unwrap() {
            let name = file["path"].as_str().unwrap();
            let bytes = fs::read(workplace.join("out/replay").join(name)).unwrap();
            assert_eq!(whole_packets(name, &bytes) as u64, file["frames"].as_u64().unwrap());
            assert_checksums(&workplace, name);
        }
        let codes: Vec<_> =
            result["dropped"].as_array().unwrap().iter().map(|part| part["code"].as_str().unwrap()).collect();
        match (host, after) {
            ("app-private", None) => {
                assert_eq!(codes, ["NO_ROUTE_TO_DESTINATION"]);
                let comments = fields(&workplace, "drops.pcapng", &["frame.comment"]);
                assert!(
                    comments
                        .iter()
                        .all(|comment| comment.starts_with("DROP at vpc-0bbc736e [NO_ROUTE_TO_DESTINATION]"))
                );
            }
            ("app-private", Some(_)) => {
                assert!(codes.is_empty(), "{codes:?}");
                let roads =
                    result["delivered"].as_array().unwrap().iter().filter(|part| part["road"] == "gateway-endpoint");
                assert_eq!(roads.count(), 2, "there and back");
            }
            _ => assert_eq!(codes, ["ENI_SG_RULES_MISMATCH"], "{host}"),
        }
    }
}

/// NAT changes addresses and ports on the way; the recorded answers are sent to what arrived, and come back to what was sent.
#[test]
fn recorded_answers_follow_what_nat_made_of_the_requests() {
    let workplace = Workplace::new();
    let laptop = [198, 51, 100, 7];
    let mut frames = conversation(([192, 168, 7, 7], 50_123), (laptop, 80));
    frames.push(written(|out| ipv4([192, 168, 7, 7], laptop).icmpv4_echo_request(9, 1).write(out, b"ping").unwrap()));
    frames.push(written(|out| ipv4(laptop, [192, 168, 7, 7]).icmpv4_echo_reply(9, 1).write(out, b"ping").unwrap()));
    workplace.write("in.pcap", pcap(&frames));
    let (result, ran) = replay(&workplace, &["roads/nat-gateway", "--in", "in.pcap", "--at", "app"], 0);
    assert_eq!(result["packets"]["delivered"], 8, "{}", ran.stdout);
    assert_eq!(result["nic"]["address_in_capture"], "192.168.7.7");
    let own = result["nic"]["address"].as_str().unwrap();
    assert!(ran.stdout.contains("192.168.7.7 in the capture stands for app"), "{}", ran.stdout);
    let seen = fields(&workplace, "laptop.pcapng", &["ip.src", "tcp.srcport"]);
    assert!(seen.iter().all(|line| !line.starts_with(own) && !line.starts_with("192.")), "{seen:?}");
    let nat = &result["translations"][0];
    assert_eq!(nat["before"], format!("{own}:50123"), "{nat}");
    let app =
        result["files"].as_array().unwrap().iter().find(|file| file["path"].as_str().unwrap().starts_with("app."));
    let name = app.unwrap()["path"].as_str().unwrap();
    let came = fields(&workplace, name, &["ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "icmp.ident"]);
    assert_eq!(came[0], format!("198.51.100.7\t{own}\t80\t50123\t"));
    assert!(came[2].starts_with(&format!("198.51.100.7\t{own}\t\t\t9")), "{came:?}");
    for name in ["laptop.pcapng", name] {
        assert_checksums(&workplace, name);
    }
    // Between the two places nothing is missing.
    let acks = fields(&workplace, name, &["tcp.flags", "tcp.len"]);
    assert_eq!(acks.len(), 3, "{acks:?}");
}

/// What a peer begins enters at the host with the peer's address, and goes to the public address of the NIC's host.
#[test]
fn what_a_peer_begins_enters_at_the_peer() {
    let workplace = Workplace::new();
    workplace.write(
        "lab.toml",
        format!(
            "{LAB}[route_table]\nweb = {{ routes = [\"0.0.0.0/0 -> igw\"] }}\n\
             [subnet]\nweb = {{ cidr = \"10.0.1.0/24\", table = \"web\", public = true }}\n\
             [security_group]\nopen = {{ ingress = [\"tcp 80 from 0.0.0.0/0\"] }}\n\
             [instance]\nweb = {{ subnet = \"web\", groups = [\"open\"] }}\n\
             [outside]\nlaptop = {{ address = \"198.51.100.7\" }}\n"
        ),
    );
    let frames = [
        conversation(([198, 51, 100, 7], 40_000), ([10, 0, 1, 10], 80)),
        conversation(([198, 51, 100, 7], 40_001), ([10, 0, 1, 10], 22)),
        conversation(([203, 0, 113, 200], 40_002), ([10, 0, 1, 10], 80)),
    ];
    workplace.write("in.pcap", pcap(&frames.concat()));
    let (result, ran) = replay(&workplace, &["lab.toml", "--in", "in.pcap", "--at", "web"], 0);
    let packets = &result["packets"];
    // Of the first all six; of the second what the laptop sends is lost and the answers are to nothing; nobody has the third's address.
    assert_eq!((&packets["delivered"], &packets["dropped"]), (&6.into(), &4.into()), "{}", ran.stdout);
    let skipped: Vec<_> =
        result["skipped"].as_array().unwrap().iter().map(|part| (&part["reason"], &part["packets"])).collect();
    assert_eq!(skipped, [(&"no-peer".into(), &4.into()), (&"no-request".into(), &4.into())], "{}", ran.stdout);
    assert_eq!(result["dropped"][0]["code"], "ENI_SG_RULES_MISMATCH");
    let laptop = fields(&workplace, "laptop.pcapng", &["ip.dst", "tcp.srcport"]);
    assert_eq!(laptop, ["198.51.100.7\t80"; 2]);
}

#[test]
fn maps_generated_answers_pace_and_form() {
    let workplace = Workplace::new();
    let mut frames = conversation(([10, 7, 0, 10], 40_000), (DYNAMODB, 443));
    // As an offloading NIC leaves it.
    frames[0][14 + 10] ^= 0x55;
    frames[0][14 + 20 + 16] ^= 0x55;
    workplace.write("in.pcap", pcap(&frames));
    let line = ["tutorial", "--in", "in.pcap", "--at", "app-public", "--map", "10.7.0.0/24=172.31.0.0/24"];
    let (result, ran) = replay(&workplace, &[&line[..], &["--replies", "generated"]].concat(), 0);
    let packets = &result["packets"];
    assert_eq!((&packets["sent_from_nic"], &packets["answers_made_up"]), (&4.into(), &3.into()), "{}", ran.stdout);
    assert_eq!((&packets["header_checksums_mended"], &packets["transport_checksums_mended"]), (&1.into(), &1.into()));
    assert_eq!(result["skipped"][0]["reason"], "recorded-answer");
    assert_eq!(result["nic"]["address_in_capture"], "172.31.0.10");
    let name = result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned());
    let name = name.into_iter().find(|name| name.starts_with("app-public")).unwrap();
    let answers = fields(&workplace, &name, &["tcp.flags", "tcp.ack_raw", "tcp.len"]);
    assert_eq!(answers, ["0x0012\t101\t0", "0x0018\t109\t8", "0x0011\t110\t0"]);
    assert_checksums(&workplace, &name);

    let (fast, _) = replay(&workplace, &[&line[..], &["--pace", "fast", "--format", "pcap", "--json"]].concat(), 0);
    assert_eq!(fast["packets"]["delivered"], 6);
    let files: Vec<_> = contents_of(&workplace.join("out/replay")).into_keys().collect();
    assert!(
        files.iter().any(|file| file.ends_with(".pcap")) && !files.iter().any(|file| file.ends_with(".pcapng")),
        "{files:?}"
    );
    let times = fields(&workplace, &name.replace(".pcapng", ".pcap"), &["frame.time_delta"]);
    assert_eq!(times, ["0.000000000", "0.000003000",], "microseconds instead of milliseconds");
}

/// Packets too big for the way are split or refused; both are followed and counted.
#[test]
fn big_packets_are_split_or_refused_and_the_sender_told() {
    let workplace = Workplace::new();
    let big = |dont_fragment: bool| {
        let mut frame =
            written(|out| ipv4([10, 0, 0, 10], [198, 51, 100, 7]).udp(40_000, 5_000).write(out, &[7; 3_000]).unwrap());
        frame[20] = if dont_fragment { 0x40 } else { 0 };
        frame
    };
    workplace.write("in.pcap", pcap(&[big(false), big(true)]));
    let (result, ran) = replay(&workplace, &["roads/nat-gateway", "--in", "in.pcap", "--at", "app"], 0);
    let packets = &result["packets"];
    assert!(
        packets["fragmented"].as_u64().unwrap() >= 1 && packets["fragments_made"].as_u64().unwrap() >= 3,
        "{}",
        ran.stdout
    );
    assert_eq!((&packets["dropped"], &packets["generated"]), (&1.into(), &1.into()), "{}", ran.stdout);
    assert_eq!(fields(&workplace, "laptop.pcapng", &["ip.len"]).len(), 3);
}

/// A segment that the NIC would have cut goes on as the pieces that were on the wire.
#[test]
fn segments_that_offload_left_whole_are_cut() {
    let workplace = Workplace::new();
    let (app, laptop) = ([10, 0, 0, 10], [198, 51, 100, 7]);
    let mss = [etherparse::TcpOptionElement::MaximumSegmentSize(1_460)];
    let tcp = || ipv4(app, laptop).tcp(40_000, 80, 100, 1_000).options(&mss).unwrap();
    let frames = [
        written(|out| tcp().syn().write(out, &[]).unwrap()),
        written(|out| ipv4(app, laptop).tcp(40_000, 80, 101, 1_000).ack(1).psh().write(out, &[7; 14_600]).unwrap()),
    ];
    workplace.write("in.pcap", pcap(&frames));
    let (result, ran) = replay(&workplace, &["roads/nat-gateway", "--in", "in.pcap", "--at", "app"], 0);
    let packets = &result["packets"];
    assert_eq!((&packets["segments_cut_more"], &packets["delivered"]), (&9.into(), &11.into()), "{}", ran.stdout);
    assert_checksums(&workplace, "laptop.pcapng");
    let seen = fields(&workplace, "laptop.pcapng", &["tcp.seq_raw", "tcp.len", "tcp.flags.push"]);
    assert_eq!((seen[1].as_str(), seen[10].as_str()), ("101\t1460\t0", "13241\t1460\t1"));
}

/// Of a pcapng, packets of interfaces whose link type is not supported are skipped; if there are no others, it is refused.
#[test]
fn interfaces_of_a_pcapng_have_each_their_link_type() {
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let section = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    let interface = |link_type: u32| block(1, &words(&[link_type, 0]));
    let frame = &conversation(([172, 31, 0, 10], 40_000), (DYNAMODB, 443))[0];
    let packet = |interface: u32, from: usize| {
        let mut bytes = frame[from..].to_vec();
        let length = bytes.len() as u32;
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        block(6, &[words(&[interface, 0, 0, length, length]), bytes].concat())
    };
    let workplace = Workplace::new();
    workplace
        .write("mixed.pcapng", [section.clone(), interface(105), interface(101), packet(0, 0), packet(1, 14)].concat());
    let (result, _) = replay(&workplace, &["tutorial", "--in", "mixed.pcapng", "--at", "app-public"], 0);
    assert_eq!((&result["packets"]["delivered"], &result["skipped"][0]["reason"]), (&1.into(), &"link-type".into()));
    assert_eq!(result["input"]["format"], "pcapng");
    let workplace = Workplace::new();
    workplace.write("radio.pcapng", [section, interface(105), packet(0, 0)].concat());
    let ran = workplace.run(["replay", "tutorial", "--in", "radio.pcapng", "--at", "app-public"]);
    assert_eq!((ran.code, workplace.join("out").exists()), (Some(2), false));
    assert!(ran.stderr.contains("link type 105 (IEEE802_11) is not supported"), "{}", ran.stderr);
}

/// Each of the sample captures does what its index says.
#[test]
fn valid_empty_and_broken_captures_do_what_the_index_says() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pcaps");
    let index = fs::read_to_string(data.join("index.jsonl")).unwrap();
    assert_eq!(index.lines().count(), 26);
    for line in index.lines() {
        let wanted: Value = serde_json::from_str(line).unwrap();
        let (name, expect) = (wanted["file"].as_str().unwrap(), wanted["expect"].as_str().unwrap());
        let workplace = Workplace::new();
        let path = data.join(name);
        let ran = workplace.run(["replay", "tutorial", "--in", path.to_str().unwrap(), "--at", "app-public"]);
        let code = if matches!(expect, "replay" | "empty") { 0 } else { 2 };
        assert_eq!(ran.code, Some(code), "{name}: {}{}", ran.stdout, ran.stderr);
        let flat = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        if expect.starts_with("refuse") {
            assert!(workplace.files().is_empty(), "{name}: nothing is written");
            let about = if expect == "refuse" { "not a capture file" } else { "link type 195 (IEEE802_15_4_WITHFCS)" };
            assert!(flat.contains(name) && flat.contains(about), "{flat}");
            continue;
        }
        let result = workplace.result("out/replay");
        assert_conserved(&result);
        assert_eq!(result["packets"]["read"], wanted["expect_packets"], "{name}");
        if expect == "partial" {
            assert!(flat.contains(name) && flat.contains("record 1 at byte 24: the file ends inside"), "{flat}");
            assert!(result["input"]["error"].as_str().unwrap().contains("record 1 at byte 24"));
        } else {
            assert_eq!((ran.stderr.as_str(), &result["input"]["error"]), ("", &Value::Null));
        }
    }
}

/// Of a file cut in the middle the good part is replayed as if it were all.
#[test]
fn the_good_part_of_a_broken_file_is_replayed() {
    let workplace = Workplace::new();
    let frames = conversation(([172, 31, 0, 10], 40_000), (DYNAMODB, 443));
    let (whole, good) = (pcap(&frames), pcap(&frames[..5]));
    workplace.write("broken.pcap", &whole[..whole.len() - 10]);
    workplace.write("good.pcap", &good);
    let outputs = |name: &str, code| {
        let (result, ran) = replay(&workplace, &["tutorial", "--in", name, "--at", "app-public"], code);
        let mut files = contents_of(&workplace.join("out/replay"));
        files.remove("result.json");
        (result["packets"].clone(), files, ran)
    };
    let (packets, files, ran) = outputs("broken.pcap", 2);
    let (good_packets, good_files, _) = outputs("good.pcap", 0);
    assert_eq!((packets, files), (good_packets, good_files));
    let told = format!("broken.pcap: record 6 at byte {}: the file ends inside the packet", good.len());
    assert!(ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&told), "{}", ran.stderr);
}

#[test]
fn wrong_arguments_are_named() {
    let workplace = Workplace::new();
    workplace.write("in.pcap", pcap(&conversation(([172, 31, 0, 10], 40_000), (DYNAMODB, 443))));
    workplace.run(["replay", "tutorial", "--in", "in.pcap", "--at", "app-public", "--out", "mine"]).success();
    fs::copy(workplace.join("in.pcap"), workplace.join("mine/in.pcap")).unwrap();
    for (arguments, about) in [
        (&["--in", "none.pcap", "--at", "app-public"][..], "cannot read none.pcap"),
        (&["--in", "in.pcap", "--at", "app-publik"], "did you mean \"app-public\"?"),
        (&["--in", "in.pcap", "--at", "app-public", "--after", "nosuch"], "has no step \"nosuch\""),
        (&["--in", "in.pcap", "--at", "app-public", "--map", "10.0.0.0/8=10.0.0.0/9"], "maps nothing"),
        (&["--in", "mine/in.pcap", "--at", "app-public", "--out", "mine"], "which is emptied first"),
        (&["--in", ".", "--at", "app-public"], "cannot read ."),
    ] {
        let ran = workplace.run([&["replay", "tutorial"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(about), "{arguments:?}: {}", ran.stderr);
    }
    assert!(workplace.join("mine/in.pcap").exists() && !workplace.join("out").exists());
}

/// A long capture through a pipe: the same bytes as from a file, and memory that does not grow with it.
#[cfg(target_os = "linux")]
#[test]
fn a_long_capture_needs_little_memory() {
    const PACKETS: u32 = 100_000;
    const MIB_MAX: u64 = 64;
    let workplace = Workplace::new();
    let mut command = workplace.command(["replay", "tutorial", "--in", "-", "--at", "app-public", "--format", "pcap"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let mut bytes = 0;
        let header = pcap(&[]);
        stdin.write_all(&header).unwrap();
        // Every packet is a conversation of its own.
        let mut frame = written(|out| ipv4([172, 31, 0, 10], DYNAMODB).udp(1, 1).write(out, &[7; 1_400]).unwrap());
        for number in 0..PACKETS {
            frame[34..38].copy_from_slice(&number.to_be_bytes());
            let record = &pcap(std::slice::from_ref(&frame))[header.len()..];
            stdin.write_all(record).unwrap();
            bytes += record.len();
        }
        bytes
    });
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak_kib = peak_kib.max(kib);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let bytes = writer.join().unwrap();
    assert!(bytes > 140_000_000, "{bytes}");
    assert!(child.wait().unwrap().success());
    let result = workplace.result("out/replay");
    assert_conserved(&result);
    assert_eq!((&result["packets"]["read"], &result["packets"]["conversations"]), (&PACKETS.into(), &PACKETS.into()));
    assert!((1_000..MIB_MAX * 1_024).contains(&peak_kib), "{peak_kib} KiB");
}

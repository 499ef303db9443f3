//! Wireshark as judge of the tutorial's captures, read with the profile that the run wrote beside them.

mod support;
mod wireshark;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::{Tutorial, captures, whole_packets};

const SECOND: u64 = 1_000_000_000;
/// 2026-01-01T00:00:00Z, the scenario's start.
const START_NS: u64 = 1_767_225_600 * SECOND;
/// Whatever Wireshark's TCP analysis finds, but for what is no trouble.
const TROUBLE: &str =
    "tcp.analysis.flags && !tcp.analysis.window_update && !tcp.analysis.keep_alive && !tcp.analysis.keep_alive_ack";

/// `tshark -C vpcsim` with the run's own configuration directory.
fn tshark(capture: &Path, arguments: &[&str]) -> Vec<String> {
    let configuration = format!("WIRESHARK_CONFIG_DIR={}", Tutorial::get().out().join("wireshark").display());
    let home = tempfile::tempdir().unwrap();
    let first = [configuration.as_str(), "tshark", "-C", "vpcsim", "-r", capture.to_str().unwrap()];
    // `env` sets the variable for the child only; anything that tshark says on stderr fails the test.
    wireshark::run("env", home.path(), &[&first, arguments].concat())
}

/// Fields of the frames that pass a filter, one row a frame.
fn fields(capture: &Path, filter: &str, names: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-Y", filter, "-T", "fields"];
    arguments.extend(names.iter().flat_map(|name| ["-e", *name]));
    tshark(capture, &arguments).iter().map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

/// A capture, dissected once for all tests.
struct Capture {
    name: String,
    path: PathBuf,
    frames: Vec<Frame>,
}

/// What Wireshark says about a frame.
#[derive(Debug)]
#[allow(dead_code, reason = "the number is for people who read a failure")]
struct Frame {
    number: String,
    at_ns: u64,
    interface: String,
    comment: String,
    ethernet_type: String,
    protocol: String,
    ip_checksum: String,
    tcp_checksum: String,
    udp_checksum: String,
    severities: String,
    is_arp_answer: bool,
    is_malformed: bool,
}

/// Stands between the values of a field that a frame has several times; no comment contains it.
const AGGREGATOR: char = '~';

/// All captures of the run.
fn all() -> &'static [Capture] {
    static CAPTURES: OnceLock<Vec<Capture>> = OnceLock::new();
    CAPTURES.get_or_init(|| {
        let tutorial = Tutorial::get();
        let capture = |name: String| {
            let path = tutorial.out().join(&name);
            Capture { frames: dissect(&path), name, path }
        };
        captures(&tutorial.result).into_iter().map(capture).collect()
    })
}

fn dissect(path: &Path) -> Vec<Frame> {
    const FIELDS: [&str; 12] = [
        "frame.number",
        "frame.time_epoch",
        "frame.interface_name",
        "frame.comment",
        "eth.type",
        "ip.proto",
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
        "_ws.expert.severity",
        "arp.opcode",
        "_ws.malformed",
    ];
    let aggregator = format!("aggregator={AGGREGATOR}");
    let mut arguments = vec!["-2", "-T", "fields", "-E", &aggregator];
    arguments.extend(FIELDS.iter().flat_map(|name| ["-e", *name]));
    let frame = |row: &String| {
        let mut values = row.split('\t').map(str::to_owned);
        let mut next = || values.next().unwrap_or_else(|| panic!("{row:?} has too few fields"));
        Frame {
            number: next(),
            at_ns: since_start_ns(&next()),
            interface: next(),
            comment: next(),
            ethernet_type: next(),
            protocol: next(),
            ip_checksum: next(),
            tcp_checksum: next(),
            udp_checksum: next(),
            severities: next(),
            is_arp_answer: next() == "2",
            is_malformed: !next().is_empty(),
        }
    };
    tshark(path, &arguments).iter().map(frame).collect()
}

/// tshark's `1767225600.000000001` as nanoseconds since the scenario's start.
fn since_start_ns(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 9, "nanoseconds: {text}");
    seconds.parse::<u64>().unwrap() * SECOND + fraction.parse::<u64>().unwrap() - START_NS
}

#[test]
fn no_frame_is_malformed_and_every_checksum_is_good() {
    for Capture { name, frames, .. } in all() {
        let mut checked = 0;
        for frame in frames {
            let shown = format!("{name}: {frame:?}");
            assert!(!frame.is_malformed, "{shown}");
            // 8388608 is an error, the worst that Wireshark's experts find.
            assert!(!frame.severities.split(AGGREGATOR).any(|severity| severity == "8388608"), "{shown}");
            // 1 is Good: neither Bad, nor left unchecked.
            match (frame.ethernet_type.as_str(), frame.protocol.as_str()) {
                ("0x0806", _) => continue,
                ("0x0800", "6") => {
                    assert_eq!((frame.ip_checksum.as_str(), frame.tcp_checksum.as_str()), ("1", "1"), "{shown}")
                }
                ("0x0800", "17") => {
                    assert_eq!((frame.ip_checksum.as_str(), frame.udp_checksum.as_str()), ("1", "1"), "{shown}")
                }
                _ => panic!("neither ARP, nor TCP or UDP over IPv4: {shown}"),
            }
            checked += 1;
        }
        assert!(checked > 100, "{name}: only {checked} frames");
    }
}
#[test]
fn captures_are_whole_and_as_long_as_the_result_says() {
    let tutorial = Tutorial::get();
    for Capture { name, path, frames } in all() {
        let count = whole_packets(name, &std::fs::read(path).unwrap());
        let listed =
            tutorial.result["files"].as_array().unwrap().iter().find(|file| file["path"] == name.as_str()).unwrap();
        assert_eq!(listed["what"], format!("capture, {count} frames"), "{name}");
        assert_eq!(frames.len(), count, "{name}: tshark sees them all");
        // One interface a file, named by its AWS id; times never go back.
        let interfaces: BTreeSet<&str> = frames.iter().map(|frame| frame.interface.as_str()).collect();
        assert_eq!(interfaces.len(), 1, "{name}: {interfaces:?}");
        let interface = interfaces.into_iter().next().unwrap();
        assert!(name.contains(interface) && !interface.is_empty(), "{name}: {interface}");
        assert!(frames.iter().map(|frame| frame.at_ns).is_sorted(), "{name}");
    }
}

#[test]
fn in_loss_free_ranges_wireshark_finds_no_trouble_at_all() {
    let tutorial = Tutorial::get();
    let ranges = tutorial.result["loss_free_ranges"].as_array().unwrap();
    let hosts: BTreeSet<&str> = ranges.iter().map(|range| range["host"].as_str().unwrap()).collect();
    assert_eq!(hosts, BTreeSet::from(["app-private", "app-public", "laptop"]));
    let mut frames_in_ranges = 0;
    for host in hosts {
        let of_host = || ranges.iter().filter(|range| range["host"] == host);
        let file = of_host().next().unwrap()["file"].as_str().unwrap();
        assert!(of_host().all(|range| range["file"] == file) && file.starts_with(host), "{host}: {file}");
        let path = tutorial.out().join(file);
        let in_range = |row: &Vec<String>| {
            let at = since_start_ns(&row[0]);
            of_host().any(|range| (range["from_ns"].as_u64().unwrap()..=range["to_ns"].as_u64().unwrap()).contains(&at))
        };
        let trouble = fields(&path, TROUBLE, &["frame.time_epoch", "frame.number", "_ws.expert.message"]);
        let inside: Vec<_> = trouble.iter().filter(|row| in_range(row)).collect();
        assert!(inside.is_empty(), "{file}: {inside:#?}");
        // The judge is awake: every host lost something at some time.
        assert!(trouble.len() >= 6, "{file} has {} troubled frames outside", trouble.len());
        frames_in_ranges += fields(&path, "tcp", &["frame.time_epoch"]).iter().filter(|row| in_range(row)).count();
    }
    assert!(frames_in_ranges > 600, "the ranges hold {frames_in_ranges} TCP frames");
}

#[test]
fn every_frame_that_was_decided_upon_says_how() {
    for Capture { name, frames, .. } in all() {
        for frame in frames {
            // Only what the VPC itself answers to ARP was never decided upon.
            assert!(!frame.comment.is_empty() || frame.is_arp_answer, "{name}: {frame:?}");
            assert!(!frame.comment.contains(AGGREGATOR), "{name}: two comments: {frame:?}");
        }
    }
}

#[test]
fn dropped_frames_say_so_as_often_as_the_result_does() {
    let tutorial = Tutorial::get();
    let dropped = tutorial.result["packets"]["dropped"].as_object().unwrap();
    let mut seen: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut at: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for Capture { name, frames, .. } in all() {
        for frame in frames.iter().filter(|frame| frame.comment.contains("DROP")) {
            assert!(frame.comment.starts_with("DROP at "), "{name}: {frame:?}");
            let code = frame.comment.split(['[', ']']).nth(1).unwrap().to_owned();
            assert!(dropped.contains_key(&code), "{name}: {code} is not in the result");
            *seen.entry(code.clone()).or_default().entry(name.clone()).or_default() += 1;
            at.entry(name.clone()).or_default().push((frame.at_ns, code));
        }
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), dropped.keys().collect::<Vec<_>>());
    for (code, files) in &seen {
        // Each file that saw the lost packets saw all of them.
        let count = dropped[code].as_u64().unwrap();
        assert!(files.values().all(|frames| *frames == count), "{code}: {count} in the result, {files:?}");
    }
    let files_of = |code: &str| seen[code].keys().map(|name| name.split('.').next().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(files_of("NO_ROUTE_TO_DESTINATION"), BTreeSet::from(["app-private"]));
    let way_in = BTreeSet::from(["laptop", "default-inside", "default-outside", "app-public"]);
    assert_eq!(files_of("ENI_SG_RULES_MISMATCH"), way_in);

    // And step by step, in the capture of the host that lost them.
    for step in tutorial.result["steps"].as_array().unwrap() {
        let span = step["started_ns"].as_u64().unwrap()..=step["finished_ns"].as_u64().unwrap();
        for host in step["hosts"].as_array().unwrap() {
            let name = host["host"].as_str().unwrap();
            let own = at.iter().filter(|(file, _)| file.split('.').next() == Some(name)).flat_map(|(_, drops)| drops);
            let in_step: Vec<_> = own.filter(|(time, _)| span.contains(time)).collect();
            let told = |drop: &Value| {
                let frames = in_step.iter().filter(|(_, code)| drop["code"] == code.as_str()).count() as u64;
                assert_eq!(drop["packets"], frames, "{name} in {}: {drop:#}", step["name"]);
                frames
            };
            let told: u64 = host["drops"].as_array().unwrap().iter().map(told).sum();
            if name == "app-private" || name == "laptop" {
                assert_eq!(in_step.len() as u64, told, "{name} in {}: drops that the result conceals", step["name"]);
            }
        }
    }
}

#[test]
fn the_call_stands_there_in_clear_without_a_key() {
    let tutorial = Tutorial::get();
    // Not even the profile is needed to decrypt: the secrets are in the file.
    let plain = |capture: &Path, filter: &str, names: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let mut arguments = vec!["-r", capture.to_str().unwrap(), "-Y", filter, "-T", "fields"];
        arguments.extend(names.iter().flat_map(|name| ["-e", *name]));
        wireshark::run("tshark", home.path(), &arguments)
    };
    for stem in ["app-public.eni-", "default-inside.igw-", "default-outside.igw-", "ddb.vpce-"] {
        let capture = tutorial.capture(stem);
        let calls = plain(
            &capture,
            "tls && http.request.line contains \"X-Amz-Target: DynamoDB_20120810.ListTables\"",
            &["http.host"],
        );
        assert!(calls.len() >= 100, "{stem}: {} calls", calls.len());
        assert!(calls.iter().all(|host| host == "dynamodb.us-east-1.amazonaws.com"), "{stem}");
        let answers = fields(
            &capture,
            "http.response && json.key == \"TableNames\"",
            &["json.value.string", "http.response.code"],
        );
        assert_eq!(
            answers.len(),
            calls.len() - usize::from(stem.starts_with("app-public")),
            "{stem}: one call was reset"
        );
        assert!(answers.iter().all(|row| *row == ["Music", "200"]), "{stem}");
    }
    let laptop = tutorial.capture("laptop");
    let actions = plain(&laptop, "tls && http.request.method == \"POST\"", &["urlencoded-form.value"]);
    for action in
        ["CreateSecurityGroup", "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints", "TerminateInstances"]
    {
        assert_eq!(
            actions.iter().filter(|row| row.split(',').next() == Some(action)).count(),
            1,
            "{action}: {actions:?}"
        );
    }
}

#[test]
fn addresses_have_names_and_the_profile_shows_the_decision() {
    let tutorial = Tutorial::get();
    let public = tutorial.capture("app-public.eni-");
    let hosts = fields(&public, "http.request && json", &["ip.src_host", "ip.dst_host"]);
    assert!(
        hosts.len() > 100 && hosts.iter().all(|row| *row == ["app-public", "dynamodb.us-east-1.amazonaws.com"]),
        "{:?}",
        hosts.first()
    );
    let outside = tutorial.capture("default-outside.igw-");
    let hosts = fields(&outside, "http.request && json", &["ip.src_host"]);
    assert!(
        hosts.iter().all(|row| row[0].starts_with("app-public")),
        "the public address has a name too: {:?}",
        hosts.first()
    );

    // The packet list as a user sees it: names in the address columns, the decision beside the summary.
    let rows = tshark(&tutorial.capture("app-private.eni-"), &["-Y", "tcp.flags.syn == 1 && tcp.dstport == 443"]);
    let (lost, passed): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row.contains("DROP at vpc-0bbc736e [NO_ROUTE_TO_DESTINATION]"));
    assert_eq!((lost.len(), passed.len()), (72, 1));
    assert!(rows.iter().all(|row| row.contains("app-private") && row.contains("dynamodb.us-east-1.amazonaws.com")));
    assert!(
        passed[0].contains("via vpce-9b15e2f2") && passed[0].contains("52.94.0.0/22 (pl-02cd2c6b) -> vpce-9b15e2f2"),
        "{}",
        passed[0]
    );
    let coloured =
        tshark(&tutorial.capture("app-private.eni-"), &["--color", "-T", "fields", "-e", "frame.coloring_rule.name"]);
    assert_eq!(coloured.iter().filter(|row| row.contains("Dropped by the VPC")).count(), 72);
}

#[test]
fn inside_and_outside_of_the_gateway_differ_in_the_translated_address_only() {
    let tutorial = Tutorial::get();
    let names = [
        "ip.src",
        "ip.dst",
        "ip.ttl",
        "ip.id",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.seq_raw",
        "tcp.ack_raw",
        "tcp.len",
        "frame.time_epoch",
    ];
    let rows = |stem: &str| fields(&tutorial.capture(stem), "ip", &names);
    let (inside, outside) = (rows("default-inside.igw-"), rows("default-outside.igw-"));
    assert_eq!(inside.len(), outside.len());
    assert!(inside.len() > 400, "{}", inside.len());
    for (inside, outside) in inside.iter().zip(&outside) {
        let translated: Vec<&str> = outside
            .iter()
            .map(|field| match field.as_str() {
                "203.0.113.25" => "172.31.0.10",
                other => other,
            })
            .collect();
        assert_eq!(*inside, translated);
        assert!(inside[..2].contains(&"172.31.0.10".to_owned()) && outside[..2].contains(&"203.0.113.25".to_owned()));
    }
}

/// The endpoint's capture has private addresses only, and nothing from before its route existed.
#[test]
fn the_endpoint_sees_private_addresses_after_the_mend_only() {
    let tutorial = Tutorial::get();
    let rows = fields(&tutorial.capture("ddb.vpce-"), "ip", &["frame.time_epoch", "ip.src", "ip.dst"]);
    let mended = tutorial.step("fixed")["started_ns"].as_u64().unwrap();
    let deleted = tutorial.step("deleted")["finished_ns"].as_u64().unwrap();
    let ends: BTreeSet<&str> = rows.iter().flat_map(|row| [row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(ends, BTreeSet::from(["172.31.0.10", "172.31.96.10", "52.94.2.72"]));
    assert!(rows.iter().all(|row| (mended..deleted).contains(&since_start_ns(&row[0]))));
}

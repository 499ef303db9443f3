//! Wireshark as judge of the tutorial's captures, read with the profile that the run wrote beside them.

mod support;
mod wireshark;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
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

/// All captures of the run: name and path.
fn all() -> Vec<(String, std::path::PathBuf)> {
    let tutorial = Tutorial::get();
    captures(&tutorial.result).into_iter().map(|name| (name.clone(), tutorial.out().join(name))).collect()
}

/// tshark's `1767225600.000000001` as nanoseconds since the scenario's start.
fn since_start_ns(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 9, "nanoseconds: {text}");
    seconds.parse::<u64>().unwrap() * SECOND + fraction.parse::<u64>().unwrap() - START_NS
}

#[test]
fn no_frame_is_malformed_and_every_checksum_is_good() {
    for (name, path) in all() {
        let rows = fields(
            &path,
            "frame",
            &[
                "frame.number",
                "_ws.malformed",
                "eth.type",
                "ip.checksum.status",
                "tcp.checksum.status",
                "udp.checksum.status",
                "ip.proto",
            ],
        );
        let mut checked = 0;
        for row in &rows {
            let frame = format!("{name}, frame {}: {row:?}", row[0]);
            assert_eq!(row[1], "", "malformed: {frame}");
            match row[2].as_str() {
                "0x0806" => continue,
                "0x0800" => {}
                other => panic!("neither ARP nor IPv4 ({other}): {frame}"),
            }
            // 1 is Good: neither Bad, nor left unchecked.
            assert_eq!(row[3], "1", "{frame}");
            match row[6].as_str() {
                "6" => assert_eq!(row[4], "1", "{frame}"),
                "17" => assert_eq!(row[5], "1", "{frame}"),
                other => panic!("protocol {other} in the tutorial: {frame}"),
            }
            checked += 1;
        }
        assert!(checked > 100, "{name}: only {checked} frames");
        let errors = fields(&path, "_ws.expert.severity >= 8388608", &["frame.number", "_ws.expert.message"]);
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn captures_are_whole_and_as_long_as_the_result_says() {
    let tutorial = Tutorial::get();
    for (name, path) in all() {
        let frames = whole_packets(&name, &std::fs::read(&path).unwrap());
        let listed =
            tutorial.result["files"].as_array().unwrap().iter().find(|file| file["path"] == name.as_str()).unwrap();
        assert_eq!(listed["what"], format!("capture, {frames} frames"), "{name}");
        assert_eq!(fields(&path, "frame", &["frame.number"]).len(), frames, "{name}: tshark sees them all");
        // One interface a file, named by its AWS id; times never go back.
        let rows = fields(&path, "frame", &["frame.interface_name", "frame.time_epoch"]);
        let interfaces: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(interfaces.len(), 1, "{name}: {interfaces:?}");
        let interface = interfaces.into_iter().next().unwrap();
        assert!(name.contains(interface) && !interface.is_empty(), "{name}: {interface}");
        let times: Vec<u64> = rows.iter().map(|row| since_start_ns(&row[1])).collect();
        assert!(times.is_sorted(), "{name}");
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
    for (name, path) in all() {
        // Only what the VPC itself answers to ARP was never decided upon.
        let silent = fields(&path, "!frame.comment && !(arp.opcode == 2)", &["frame.number", "_ws.col.info"]);
        assert!(silent.is_empty(), "{name}: {silent:?}");
        let twice = fields(&path, "count(frame.comment) > 1", &["frame.number"]);
        assert!(twice.is_empty(), "{name}: {twice:?}");
    }
}

#[test]
fn dropped_frames_say_so_as_often_as_the_result_does() {
    let tutorial = Tutorial::get();
    let dropped = tutorial.result["packets"]["dropped"].as_object().unwrap();
    let mut seen: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut at: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for (name, path) in all() {
        for row in fields(&path, "frame.comment contains \"DROP\"", &["frame.time_epoch", "frame.comment"]) {
            assert!(row[1].starts_with("DROP at "), "{name}: {row:?}");
            let code = row[1].split(['[', ']']).nth(1).unwrap().to_owned();
            assert!(dropped.contains_key(&code), "{name}: {code} is not in the result");
            *seen.entry(code.clone()).or_default().entry(name.clone()).or_default() += 1;
            at.entry(name.clone()).or_default().push((since_start_ns(&row[0]), code));
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

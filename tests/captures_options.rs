//! `--merged`, `--pcap-format`, `--capture` and `--pipe`, with Wireshark's tools as judges of what comes out.

mod support;
mod wireshark;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use support::{Ran, Tutorial, Workplace, binary, captures, contents_of, whole_packets};

const MERGED: &str = "merged.pcapng";

/// Longer than anybody waits: 100,000 calls.
const ENDLESS: &str = "region = \"us-east-1\"\n[vpc]\ndefault = { default = true }\n[instance]\napp = { subnet = \"default-1a\" }\n\
    [[step]]\non = \"app\"\nrun = \"aws dynamodb list-tables\"\nrepeat = 100000\nevery = \"10ms\"\n";

/// How long a run may take to stop once its reader left.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tutorial with a merged capture, run once.
fn merged() -> &'static (Workplace, Ran) {
    static RUN: OnceLock<(Workplace, Ran)> = OnceLock::new();
    RUN.get_or_init(|| {
        let workplace = Workplace::new();
        let ran = workplace.run(["run", "--merged"]).success();
        (workplace, ran)
    })
}

/// Output lines of one of Wireshark's tools that runs in `place`, with the configuration that the run of the tutorial wrote there.
fn judge(place: &Path, program: &str, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new(program);
    command.current_dir(place).args(arguments).env("WIRESHARK_CONFIG_DIR", "out/tutorial/wireshark");
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap_or_else(|error| {
        panic!("{program} is needed to judge captures; scripts/test installs it ({error})");
    });
    let complaints = String::from_utf8_lossy(&output.stderr);
    let serious: Vec<&str> = complaints.lines().filter(|line| !line.starts_with("Running as user")).collect();
    assert!(output.status.success() && serious.is_empty(), "{program} {arguments:?}: {serious:#?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn frames_that(place: &Path, profile: &str, file: &str, filter: &str) -> usize {
    let file = format!("out/tutorial/{file}");
    judge(place, "tshark", &["-C", profile, "-r", &file, "-Y", filter, "-T", "fields", "-e", "frame.number"]).len()
}

/// Captures that a result lists, without their endings, and their frames.
fn frame_counts(result: &Value, what: &str) -> BTreeMap<String, usize> {
    let files = result["files"].as_array().unwrap().iter();
    let counted = files.filter_map(|file| {
        let frames = file["what"].as_str().unwrap().strip_prefix(what)?.strip_suffix(" frames")?.parse().unwrap();
        Some((file["path"].as_str().unwrap().rsplit_once('.').unwrap().0.to_owned(), frames))
    });
    counted.collect()
}

// ---- --merged ----

#[test]
fn the_merged_capture_has_every_frame_of_every_vantage_point_in_order_of_time() {
    let (workplace, _) = merged();
    let result = workplace.result("out/tutorial");
    let own = frame_counts(&result, "capture, ");
    let total: usize = own.values().sum();
    assert!(own.len() == 6 && total > 2_000, "{own:?}");
    assert_eq!(frame_counts(&result, "capture of all vantage points, ")["merged"], total);

    let said = judge(workplace.path(), "capinfos", &["-M", "-o", "-c", "out/tutorial/merged.pcapng"]);
    assert!(said.iter().any(|line| line.starts_with("Strict time order") && line.ends_with("True")), "{said:#?}");
    let seen_at = ["-r", "out/tutorial/merged.pcapng", "-T", "fields", "-e", "frame.interface_name"];
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for name in judge(workplace.path(), "tshark", &seen_at) {
        *counted.entry(name).or_default() += 1;
    }
    assert_eq!(counted, own, "an interface is called as its own capture is");
}

#[test]
fn its_profile_calls_no_copy_a_retransmission_and_shows_where_it_was_seen() {
    let (workplace, ran) = merged();
    let place = workplace.path();
    assert_eq!(frames_that(place, "vpcsim-merged", MERGED, "tcp.analysis.flags"), 0);
    assert!(frames_that(place, "vpcsim", MERGED, "tcp.analysis.retransmission") > 100, "what the profile is for");
    // Not `_ws.malformed`: of a record in several segments Wireshark puts the copies together as well, and complains.
    let bad = "ip.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\"";
    assert_eq!(frames_that(place, "vpcsim-merged", MERGED, bad), 0);
    // Names, decisions and secrets are in it: the calls of every step can be read.
    assert!(frames_that(place, "vpcsim-merged", MERGED, "http.request") > 200);
    assert_eq!(
        frames_that(place, "vpcsim-merged", MERGED, "frame.comment contains \"DROP\""),
        captures(&workplace.result("out/tutorial"))
            .iter()
            .filter(|name| *name != MERGED)
            .map(|name| frames_that(place, "vpcsim", name, "frame.comment contains \"DROP\""))
            .sum::<usize>()
    );
    let rows = judge(place, "tshark", &["-C", "vpcsim-merged", "-r", "out/tutorial/merged.pcapng", "-c", "300"]);
    assert!(rows.iter().any(|row| row.contains("laptop") && row.contains("app-public.eni-")), "the column Seen at");

    for line in [
        "files    out/tutorial: 6 captures .pcapng, merged.pcapng, latency",
        "merged   WIRESHARK_CONFIG_DIR=out/tutorial/wireshark wireshark -C vpcsim-merged",
        "call the copies retransmissions",
    ] {
        assert!(ran.stdout.contains(line), "{line} is missing:\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn without_the_flag_nothing_else_changes() {
    let (workplace, _) = merged();
    let mut with = contents_of(&workplace.join("out/tutorial"));
    let plain = contents_of(&Tutorial::get().out());
    assert!(!plain.contains_key(MERGED) && !plain.keys().any(|name| name.contains("vpcsim-merged")));
    assert!(with.remove(MERGED).is_some());
    with.retain(|name, _| name != "result.json" && !name.contains("vpcsim-merged"));
    for (name, contents) in with {
        assert!(plain[&name] == contents, "{name} differs");
    }
}

// ---- --pcap-format ----

#[test]
fn classic_pcap_has_the_same_frames_and_times() {
    let workplace = Workplace::new();
    let ran = workplace.run(["run", "--pcap-format", "pcap"]).success();
    let result = workplace.result("out/tutorial");
    let files = contents_of(&workplace.join("out/tutorial"));
    assert_eq!(files.keys().filter(|name| name.ends_with(".pcapng")).count(), 0);
    let names: Vec<&String> = files.keys().filter(|name| name.ends_with(".pcap")).collect();
    assert_eq!(names.len(), 6);
    for name in names {
        let listed = result["files"].as_array().unwrap().iter().any(|file| file["path"] == name.as_str());
        assert!(listed, "{name} is not in the result");
        // editcap's translation of the pcapng is what ours must be; the header's snap length is a matter of taste.
        let plain = format!("{}ng", Tutorial::get().out().join(name).display());
        judge(workplace.path(), "editcap", &["-F", "nsecpcap", &plain, "translated.pcap"]);
        let translated = std::fs::read(workplace.join("translated.pcap")).unwrap();
        assert_eq!(files[name][..16], translated[..16], "{name}");
        assert!(files[name][20..] == translated[20..], "{name}");
        let said = judge(workplace.path(), "capinfos", &["-t", &format!("out/tutorial/{name}")]);
        assert!(said.concat().contains("nanosecond pcap"), "{said:?}");
    }
    for text in ["6 captures .pcap, tlskeys.log,", "-o tls.keylog_file:out/tutorial/tlskeys.log", "are in tlskeys.log"]
    {
        let unwrapped = ran.stdout.replace(" \\\n           ", " ").replace("\n         ", " ");
        assert!(unwrapped.contains(text), "{text} is missing:\n{}", ran.stdout);
    }
    let spans = &result["loss_free_ranges"];
    assert!(spans[0]["file"].as_str().is_some_and(|file| file.ends_with(".pcap")), "{spans}");
}

#[test]
fn tlskeys_log_decrypts_what_classic_pcap_cannot() {
    let workplace = Workplace::new();
    workplace.run(["run", "--pcap-format", "pcap", "--capture", "app-public,ddb", "-q"]).success();
    for stem in ["app-public.eni-ad0a1d81", "ddb.vpce-9b15e2f2"] {
        let requests = |file: &str, options: &[&str]| {
            let arguments =
                [&["-r", file, "-Y", "http.request", "-T", "fields", "-e", "frame.number"], options].concat();
            judge(workplace.path(), "tshark", &arguments)
        };
        let plain = format!("{}.pcapng", Tutorial::get().out().join(stem).display());
        let ours = format!("out/tutorial/{stem}.pcap");
        let with_secrets = requests(&ours, &["-o", "tls.keylog_file:out/tutorial/tlskeys.log"]);
        assert!(with_secrets.len() > 100);
        assert_eq!(with_secrets, requests(&plain, &[]), "the same frames are read");
        assert_eq!(requests(&ours, &[]).len(), 0, "without the secrets nothing is");
    }
    let secrets = std::fs::read_to_string(workplace.join("out/tutorial/tlskeys.log")).unwrap();
    let mut lines: Vec<&str> = secrets.lines().collect();
    assert!(secrets.ends_with('\n') && lines.iter().all(|line| line.split(' ').count() == 3), "{secrets}");
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), secrets.lines().count(), "each secret once");
}

#[test]
fn classic_pcap_refuses_dates_it_cannot_stamp() {
    let workplace = Workplace::new();
    workplace.write("late.toml", format!("start = 2150-01-01T00:00:00Z\n{ENDLESS}"));
    let ran = workplace.run(["run", "late.toml", "--pcap-format", "pcap"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: the scenario begins after 2106-02-07"), "{}", ran.stderr);
    assert_eq!(workplace.files(), ["late.toml"]);
}

// ---- --capture ----

#[test]
fn only_what_is_selected_is_captured() {
    let cases: [(&str, &[&str]); 8] = [
        ("none", &[]),
        ("nics", &["app-private.eni-", "app-public.eni-", "laptop.pcapng"]),
        ("laptop", &["laptop.pcapng"]),
        ("i-aa424f6e", &["app-public.eni-"]),
        ("ddb,eni-07a9eecd", &["app-private.eni-", "ddb.vpce-"]),
        ("vpce-9b15e2f2, nics", &["app-private.eni-", "app-public.eni-", "ddb.vpce-", "laptop.pcapng"]),
        ("default", &["default-inside.igw-", "default-outside.igw-"]),
        ("default-outside", &["default-outside.igw-"]),
    ];
    let full = contents_of(&Tutorial::get().out());
    for (selection, wanted) in cases {
        let workplace = Workplace::new();
        workplace.run(["run", "-q", "--capture", selection]).success();
        let result = workplace.result("out/tutorial");
        let listed = captures(&result);
        assert_eq!(listed.len(), wanted.len(), "{selection}: {listed:?}");
        assert!(wanted.iter().all(|stem| listed.iter().any(|name| name.starts_with(stem))), "{selection}: {listed:?}");
        let written = contents_of(&workplace.join("out/tutorial"));
        for (name, contents) in &written {
            // A capture does not depend on which others there are. The result lists them.
            assert!(name == "result.json" || full[name] == *contents, "{selection}: {name} differs");
        }
        let folders = written.keys().filter(|name| name.starts_with("wireshark/")).count();
        assert_eq!(folders == 0, selection == "none", "a profile is of use to captures only");
        for key in ["steps", "checks", "packets", "latency"] {
            assert_eq!(result[key], Tutorial::get().result[key], "{selection}: {key}");
        }
    }
}

#[test]
fn what_is_not_there_is_an_error_with_a_suggestion() {
    let workplace = Workplace::new();
    let cases = [
        ("app-pubic", "error: there is nothing to capture that is called \"app-pubic\"; did you mean \"app-public\"?"),
        ("laptop,nisc", "error: there is nothing to capture that is called \"nisc\"; did you mean \"nics\"?"),
        ("my-ssh-access", "error: there is nothing to capture that is called \"my-ssh-access\""),
        ("all,laptop", "error: invalid value 'all,laptop' for '--capture <WHAT>': \"all\" stands alone"),
        ("laptop,,", "error: invalid value 'laptop,,' for '--capture <WHAT>': a name is missing"),
    ];
    for (selection, complaint) in cases {
        let ran = workplace.run(["run", "--capture", selection]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{selection}");
        assert!(ran.stderr.starts_with(complaint), "{selection}: {}", ran.stderr);
        assert!(ran.stderr.lines().all(|line| line.chars().count() <= 100), "{}", ran.stderr);
    }
    let helped = workplace.run(["run", "--capture", "x"]).stderr;
    for name in ["app-private", "ddb", "default-inside", "laptop", "vpce-9b15e2f2"] {
        assert!(helped.contains(name), "{name} is missing: {helped}");
    }
    assert!(workplace.files().is_empty(), "nothing is written");

    // An id that a later step might create: known at the end only.
    let never = workplace.run(["run", "--capture", "vpce-12345678,laptop", "-q"]);
    assert_eq!(never.code, Some(2));
    assert_eq!(never.stderr, "error: nothing was captured of vpce-12345678: it never came to exist\n");
    assert_eq!(captures(&workplace.result("out/tutorial")), ["laptop.pcapng"]);
    // In a scenario that creates nothing there is no later.
    workplace.write("endless.toml", ENDLESS);
    let hopeless = workplace.run(["run", "endless.toml", "--capture", "vpce-12345678"]);
    assert!(hopeless.stderr.starts_with("error: there is nothing to capture that is called"), "{}", hopeless.stderr);
}

#[test]
fn merging_nothing_is_refused() {
    let workplace = Workplace::new();
    for flag in ["--merged", "--pipe"] {
        let ran = workplace.run(["run", "--capture", "none", flag]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.starts_with(&format!("error: {flag} needs captures")), "{}", ran.stderr);
    }
    assert!(workplace.files().is_empty());
}

// ---- --pipe ----

#[test]
fn the_pipe_carries_the_merged_capture_and_stderr_the_summary() {
    let workplace = Workplace::new();
    let output = workplace.command(["run", "--pipe"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), Tutorial::get().summary);
    let (other, _) = merged();
    assert!(output.stdout == std::fs::read(other.join("out/tutorial/merged.pcapng")).unwrap(), "the same bytes");
    assert!(!workplace.join("out/tutorial/merged.pcapng").exists(), "nobody asked for the file");
    assert!(workplace.join("out/tutorial/wireshark/profiles/vpcsim-merged/preferences").is_file());

    let both = workplace.command(["run", "--pipe", "--merged", "--quiet"]).output().unwrap();
    assert_eq!((both.status.code(), both.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(both.stdout == output.stdout);
    assert!(std::fs::read(workplace.join("out/tutorial/merged.pcapng")).unwrap() == output.stdout);
}

/// Both ways in which Wireshark reads a pipe: as a file, and as a capture that goes on.
#[test]
fn wireshark_reads_the_pipe_live() {
    let workplace = Workplace::new();
    // The profile has to be there before the reader starts.
    workplace.run(["run", "--merged", "-q"]).success();
    let frames = whole_packets(MERGED, &std::fs::read(workplace.join("out/tutorial/merged.pcapng")).unwrap());
    let requests = frames_that(workplace.path(), "vpcsim-merged", MERGED, "http.request");
    for source in [["-r", "-"], ["-i", "-"]] {
        let mut child =
            workplace.command(["run", "--pipe", "-q", "--out", "piped"]).stdout(Stdio::piped()).spawn().unwrap();
        let reader = Command::new("tshark")
            .args(["-C", "vpcsim-merged", "-T", "fields", "-e", "http.request.method", "-e", "frame.comment"])
            .args(source)
            .current_dir(workplace.path())
            .env("WIRESHARK_CONFIG_DIR", "out/tutorial/wireshark")
            .stdin(child.stdout.take().unwrap())
            .output()
            .expect("tshark is needed to judge captures; scripts/test installs it");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{source:?}");
        let (rows, said) = (String::from_utf8_lossy(&reader.stdout), String::from_utf8_lossy(&reader.stderr));
        assert!(reader.status.success(), "{source:?}: {said}");
        assert_eq!(rows.lines().count(), frames, "{source:?}: {said}");
        // Secrets come before the frames they decrypt.
        assert_eq!(rows.lines().filter(|row| row.starts_with("POST")).count(), requests, "{source:?}: {said}");
        assert!(rows.contains("DROP"), "{source:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_run_in_order() {
    let workplace = Workplace::new();
    workplace.write("endless.toml", ENDLESS);
    let mut command = workplace.command(["run", "endless.toml", "--pipe", "--out", "o"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It comes while the run goes on, not at its end.
    let mut first = vec![0; 200_000];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert!(child.try_wait().unwrap().is_none(), "100,000 calls cannot be over yet");
    drop(child.stdout.take());
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < PATIENCE, "it went on for {:?}", begun.elapsed());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("INCOMPLETE: the reader of the pipe left; the files hold"), "{said}");
    let result = workplace.result("o");
    assert_eq!(result["complete"], false);
    support::assert_conserved(&result);
    let files = contents_of(&workplace.join("o"));
    for name in captures(&result) {
        assert!(whole_packets(&name, &files[&name]) > 0, "{name}");
    }
    // Closed before the first byte.
    let mut child =
        workplace.command(["run", "--pipe", "-q"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn the_pipe_is_not_for_terminals_nor_beside_json() {
    let workplace = Workplace::new();
    let play_terminal = "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let output = Command::new("python3")
        .args(["-c", play_terminal, binary(), "run", "--pipe"])
        .current_dir(workplace.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("error: standard output is a terminal") && shown.contains("| wireshark -k -i -"), "{shown}");

    let both = workplace.run(["run", "--pipe", "--json"]);
    assert_eq!((both.code, both.stdout.as_str()), (Some(2), ""));
    assert!(both.stderr.contains("'--pipe' cannot be used with '--json'"), "{}", both.stderr);
    assert!(workplace.files().is_empty());
}

#[test]
fn a_full_standard_output_is_an_error_for_the_pipe_too() {
    let workplace = Workplace::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = workplace.command(["run", "--pipe", "-q"]).stdout(full).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.starts_with("error: cannot write standard output: No space left"), "{complaint}");
    assert_eq!(workplace.result("out/tutorial")["complete"], false, "what there is is written");
}

// ---- all together ----

#[test]
fn the_same_seed_gives_the_same_files_whatever_the_flags() {
    let run = || {
        let workplace = Workplace::new();
        workplace.run(["run", "-q", "--merged", "--pcap-format", "pcap", "--capture", "nics,ddb"]).success();
        contents_of(&workplace.join("out/tutorial"))
    };
    let (first, second) = (run(), run());
    assert!(first == second);
    assert!(
        ["merged.pcapng", "tlskeys.log", "latency.hlog", "latency.svg"].iter().all(|name| first.contains_key(*name))
    );

    // And the next run removes them, and only them.
    let workplace = Workplace::new();
    workplace.run(["run", "-q", "--merged", "--pcap-format", "pcap"]).success();
    std::fs::write(workplace.join("out/tutorial/mine.svg"), "a drawing").unwrap();
    workplace.run(["run", "-q"]).success();
    let mut left = contents_of(&workplace.join("out/tutorial"));
    assert_eq!(left.remove("mine.svg").as_deref(), Some(&b"a drawing"[..]));
    assert!(left == contents_of(&Tutorial::get().out()));
}

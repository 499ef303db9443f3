//! Bad input and bad places to write to: exit 2, a message that names file, line, column and the way out, and nothing half done.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{LAB, Ran, Workplace, binary, contents_of, whole_packets};

/// Runs a scenario that must be refused before anything is written.
#[track_caller]
fn refused(workplace: &Workplace, scenario: &str) -> String {
    let before = workplace.files();
    let Ran { code, stdout, stderr } = workplace.run(["run", scenario, "--out", "o"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert_eq!(workplace.files(), before, "nothing is written");
    assert!(!workplace.join("o").exists(), "not even the directory");
    assert!(!stderr.contains("panicked") && !stderr.contains('\u{1b}'), "{stderr}");
    let widest = stderr.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(widest <= 100, "{widest} columns: {:.2000}", stderr);
    stderr
}

/// One bad scenario: what is appended to [`LAB`], the place that must be blamed, and words of the complaint and of the way out.
struct Case {
    name: &'static str,
    scenario: &'static str,
    place: &'static str,
    words: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "unclosed.toml",
        scenario: "[subnet]\na = { cidr = \"10.0.0.0/24 }\n",
        place: "unclosed.toml:5:",
        words: &["not TOML", "invalid basic string"],
    },
    Case {
        name: "overlap.toml",
        scenario: "[subnet]\na = { cidr = \"10.0.0.0/24\" }\nb = { cidr = \"10.0.0.128/25\" }\n",
        place: "overlap.toml:6:15",
        words: &["InvalidSubnet.Conflict", "overlaps 10.0.0.0/24", "this one has 10.0.0.0/24"],
    },
    Case {
        name: "reference.toml",
        scenario: "[subnet]\nprivate = { cidr = \"10.0.0.0/24\" }\n[instance]\napp = { subnet = \"privat\" }\n",
        place: "reference.toml:7:19",
        words: &["no subnet is called \"privat\"", "did you mean \"private\"?"],
    },
    Case {
        name: "region.toml",
        scenario: "[route_table]\nt = { routes = [\"pl-6ea54007 -> igw\"] }\n",
        place: "region.toml:5:18",
        words: &["does not exist in us-east-1", "com.amazonaws.eu-central-1.s3", "us-east-1 has pl-02cd2c6b"],
    },
    Case {
        name: "policy.toml",
        scenario: "[endpoint]\nddb = { service = \"dynamodb\", policy = \"{ not json\" }\n",
        place: "policy.toml:5:40",
        words: &["This policy contains invalid Json", "expected a JSON object"],
    },
    Case {
        name: "target.toml",
        scenario: "[route_table]\nt = { routes = [\"0.0.0.0/0 -> igw-12345678\"] }\n",
        place: "target.toml:5:31",
        words: &["no target of a route is called \"igw-12345678\"", "a target is \"igw\""],
    },
    Case {
        name: "key.toml",
        scenario: "[subnet]\na = { cidr = \"10.0.0.0/24\", tabel = \"main\" }\n",
        place: "key.toml:5:29",
        words: &["subnet \"a\" has no key \"tabel\"", "did you mean \"table\"?"],
    },
    Case {
        name: "operation.toml",
        scenario: "[subnet]\na = { cidr = \"10.0.0.0/24\" }\n[instance]\napp = { subnet = \"a\" }\n[[step]]\non = \"app\"\nrun = \"aws dynamodb list-tabels\"\n",
        // The label stands below the word inside the string, not below the whole line.
        place: "operation.toml:10:21",
        words: &["list-tabels", "did you mean list-tables?"],
    },
    Case {
        name: "option.toml",
        scenario: "[[step]]\nname = \"look\"\nrun = 'aws ec2 describe-vpcs --filter x --dry-runn'\n",
        place: "option.toml:6:",
        words: &["step \"look\"", "--dry-run"],
    },
    Case {
        name: "host.toml",
        scenario: "[[step]]\non = \"ap\"\nrun = \"aws ec2 describe-vpcs\"\n",
        place: "host.toml:5:",
        words: &["\"ap\""],
    },
];

#[test]
fn bad_scenarios_are_refused_with_the_place_and_the_way_out() {
    let workplace = Workplace::new();
    for case in CASES {
        workplace.write(case.name, format!("{LAB}{}", case.scenario));
        let complaint = refused(&workplace, case.name);
        // The reports wrap; words are compared without the line breaks and the drawing.
        let plain = complaint.replace(['│', '·', '─', '┬', '╰', '╭'], " ");
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(complaint.contains(case.place), "{} is not blamed:\n{complaint}", case.place);
        for words in case.words {
            assert!(plain.contains(words), "{}: {words:?} is not said:\n{complaint}", case.name);
        }
    }
}

#[test]
fn a_label_covers_the_wrong_word_of_an_aws_line_and_no_more() {
    let workplace = Workplace::new();
    let source = format!("{LAB}[[step]]\nrun = \"aws dynamodb list-tabels\"\n");
    workplace.write("s.toml", &source);
    let complaint = refused(&workplace, "s.toml");
    let lines: Vec<&str> = complaint.lines().collect();
    let shown = lines.iter().position(|line| line.contains("run = ")).unwrap();
    let word = lines[shown].chars().collect::<Vec<_>>();
    let underlined: String = word
        .iter()
        .zip(lines[shown + 1].chars())
        .filter(|(_, below)| matches!(below, '─' | '┬'))
        .map(|(above, _)| *above)
        .collect();
    assert_eq!(underlined, "list-tabels", "{complaint}");
}

#[test]
fn a_gigabyte_is_refused_at_once_and_unread() {
    let workplace = Workplace::new();
    let file = fs::File::create(workplace.join("big.toml")).unwrap();
    file.set_len(1 << 30).unwrap();
    drop(file);
    let mut command = Command::new("bash");
    // 256 MiB of address space: reading it all would fail, and differently.
    command.args(["-c", "ulimit -v 262144; exec \"$0\" run big.toml --out o", binary()]).current_dir(workplace.path());
    let begun = Instant::now();
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("big.toml has 1073741824 bytes; a scenario has at most 1048576"), "{complaint}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!workplace.join("o").exists());
}

#[test]
fn what_is_no_scenario_file_at_all() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.join("folder.toml")).unwrap();
    fs::create_dir(workplace.join("folder")).unwrap();
    workplace.write("latin.toml", b"region = \"us-east-1\"\ntitle = \"caf\xe9\"\n");
    workplace.write("zeros.toml", [0; 4096]);
    workplace.write("escape.toml", "region = \"us-east-1\"\ntitle = \"\x1b[2J\"\n");
    let long = "x".repeat(100_000);
    workplace.write("endless.toml", format!("region = \"us-east-1\"\nvpc = {{ lab = {{ text = \"{long}\" }} }}\n"));
    workplace.write("empty.toml", "");
    let cases = [
        ("folder.toml", "cannot read folder.toml: Is a directory"),
        ("folder", "cannot read folder: Is a directory"),
        ("missing.toml", "there is no scenario file \"missing.toml\""),
        ("tutorail", "did you mean \"tutorial\"?"),
        ("latin.toml", "latin.toml:2:13: not UTF-8 text: the byte 0xe9"),
        ("zeros.toml", "zeros.toml:1:1: the control character U+0000"),
        ("escape.toml", "escape.toml:2:10: the control character U+001B"),
        ("endless.toml", "endless.toml:2:17: vpc \"lab\" has no key \"text\""),
        ("empty.toml", "region"),
        ("/dev/zero", "/dev/zero has 1048577 bytes"),
    ];
    for (name, words) in cases {
        let complaint = refused(&workplace, name);
        assert!(complaint.contains(words), "{name}: {words:?} is not said:\n{complaint}");
    }
}

#[test]
fn other_peoples_directories_are_left_alone() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.join("theirs")).unwrap();
    workplace.write("theirs/thesis.pcapng", "precious");
    let ran = workplace.run(["run", "--out", "theirs"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("error: theirs is not empty, and no earlier run of vpcsim wrote it"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--out"), "{}", ran.stderr);
    assert_eq!(workplace.files(), ["theirs/thesis.pcapng"]);
    assert_eq!(fs::read(workplace.join("theirs/thesis.pcapng")).unwrap(), b"precious");
}

#[test]
fn a_file_in_the_way_of_the_output_is_named() {
    let workplace = Workplace::new();
    workplace.write("report", "text");
    for out in ["report", "report/run/1"] {
        let ran = workplace.run(["run", "--out", out]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{out}");
        let said = format!("error: cannot write {out}: report is a file, not a directory");
        assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
    }
    assert_eq!(workplace.files(), ["report"]);

    // Something of ours is a directory now: it cannot be written, and is named.
    workplace.run(["run", "--quiet", "--out", "o"]).success();
    fs::remove_file(workplace.join("o/result.json")).unwrap();
    fs::remove_file(workplace.join("o/laptop.pcapng")).unwrap();
    fs::create_dir(workplace.join("o/laptop.pcapng")).unwrap();
    let ran = workplace.run(["run", "--out", "o"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("error: cannot write o/laptop.pcapng: Is a directory"), "{}", ran.stderr);
}

#[test]
fn a_directory_without_permission_is_named() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.join("locked")).unwrap();
    fs::set_permissions(workplace.join("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(workplace.join("locked/probe"), "").is_ok() {
        // Root may write anywhere; a root without that privilege may not.
        let script = "exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" run --out locked/o";
        fs::remove_file(workplace.join("locked/probe")).unwrap();
        let output =
            Command::new("bash").args(["-c", script, binary()]).current_dir(workplace.path()).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        if complaint.starts_with("setpriv:") {
            eprintln!("skipped: root cannot lay down its privileges here: {complaint}");
            return;
        }
        expect_locked(output.status.code(), &complaint);
    } else {
        let ran = workplace.run(["run", "--out", "locked/o"]);
        expect_locked(ran.code, &ran.stderr);
    }
    assert!(workplace.files().is_empty());
}

#[track_caller]
fn expect_locked(code: Option<i32>, complaint: &str) {
    assert_eq!(code, Some(2), "{complaint}");
    assert!(complaint.starts_with("error: cannot write locked/o: Permission denied"), "{complaint}");
}

/// Runs `script` in mount and user namespaces of its own; `None` if this machine does not allow that.
fn in_own_mounts(workplace: &Path, script: &str) -> Option<std::process::Output> {
    [&["-m"][..], &["-rm"]].into_iter().find_map(|flags| {
        let probe = Command::new("unshare").args(flags).args(["mount", "-t", "tmpfs", "none"]).arg(workplace).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(flags).args(["bash", "-c", script, binary()]).current_dir(workplace);
        Some(command.output().unwrap())
    })
}

#[test]
fn a_full_disk_names_the_file_and_leaves_whole_packets_only() {
    // Sizes that fill up in a header, in a packet, between files, and in the last small files.
    for kib in [4, 12, 100, 256, 700, 1336, 1580] {
        let workplace = Workplace::new();
        fs::create_dir(workplace.join("disk")).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={kib}k none disk && {{ \"$0\" run --out disk/o; code=$?; cp -r disk/o kept; exit $code; }}"
        );
        let Some(output) = in_own_mounts(workplace.path(), &script) else {
            eprintln!("skipped: this machine allows no mounts");
            return;
        };
        let packets = refused_by_the_disk(&output, "disk/o", "No space left on device", &workplace.join("kept"));
        assert!(kib < 100 || packets > 100, "{kib} KiB hold {packets} packets");
    }
}

/// The same without any privilege: the limit on a file's size makes the kernel refuse in the middle of a write.
#[test]
fn a_file_that_may_not_grow_is_named_and_ends_with_a_whole_packet() {
    for kib in [1, 60, 300] {
        let workplace = Workplace::new();
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" run --out o");
        let mut command = Command::new("bash");
        let output = command.args(["-c", &script, binary()]).current_dir(workplace.path()).output().unwrap();
        let packets = refused_by_the_disk(&output, "o", "File too large", &workplace.join("o"));
        assert!(kib < 60 || packets > 50, "{kib} KiB hold {packets} packets");
        for (name, bytes) in contents_of(&workplace.join("o")) {
            assert!(bytes.len() <= kib * 1024, "the limit was in force for {name}");
        }
    }
}

/// Asserts that a run to `out` ended because a write failed for `reason`, and that what it left, now at `kept`, is whole. Returns how many packets.
#[track_caller]
fn refused_by_the_disk(output: &std::process::Output, out: &str, reason: &str, kept: &Path) -> usize {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    let named = complaint.strip_prefix(&format!("error: cannot write {out}/")).and_then(|rest| rest.split_once(": "));
    let (named, told) = named.unwrap_or_else(|| panic!("no file of {out} is named: {complaint}"));
    assert!(!named.is_empty() && told.starts_with(reason), "{complaint}");
    assert!(complaint.contains("help: free space"), "{complaint}");

    let kept = contents_of(kept);
    assert!(!kept.contains_key("result.json"), "a result, or half of one, of a run that failed");
    for (name, bytes) in kept.iter().filter(|(name, _)| name.ends_with(".hgrm")) {
        assert!(String::from_utf8_lossy(bytes).contains("TotalCount"), "half of {name}");
    }
    kept.iter().filter(|(name, _)| name.ends_with(".pcapng")).map(|(name, bytes)| whole_packets(name, bytes)).sum()
}

#[test]
fn slips_of_the_hand_are_met_with_what_was_probably_meant() {
    let workplace = Workplace::new();
    let to_port = ["trace", "tutorial", "--from", "app-private", "--to", "app-public:99999"];
    for (words, complaint, way_out) in [
        (&["rnu", "x"][..], "there is no command \"rnu\"", "did you mean \"vpcsim run\"?"),
        (&["lsit"], "no scenario file \"lsit\"", "did you mean vpcsim list?"),
        (&["run", "tutrial"], "no scenario file \"tutrial\"", "did you mean \"tutorial\"? \"vpcsim list\""),
        (&["run", "blakhole"], "no scenario file \"blakhole\"", "did you mean \"drops/blackhole\"?"),
        (&to_port, "port 99999: expected 1 to 65535", "as in db:5432"),
    ] {
        let ran = workplace.run(words.iter().copied());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(complaint) && ran.stderr.contains(way_out), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.lines().count() <= 3, "{words:?}: {}", ran.stderr);
    }
}

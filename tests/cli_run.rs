//! `vpcsim run` and its flags, seen from a shell: what is printed, what is written, how it ends.

mod support;

use serde_json::Value;
use std::process::{Command, Stdio};
use support::{Tutorial, Workplace, binary, captures, contents_of};

/// The widest line that any output may have.
const WIDTH: usize = 100;

#[test]
fn the_default_run_is_the_tutorial_and_its_summary_reads_so() {
    let tutorial = Tutorial::get();
    // Nothing in it depends on the machine: the snapshot is the whole text.
    insta::assert_snapshot!("summary_of_the_tutorial", tutorial.summary);
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let wide: Vec<_> = Tutorial::get().summary.lines().filter(|line| line.chars().count() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");

    // Long names, titles and notes too.
    let workplace = Workplace::new();
    let name = "an-instance-with-as-long-a-name-as-can-be-given-to-one-at-all-1";
    let scenario = format!(
        "title = \"{}\"\n{}[subnet]\na = {{ cidr = \"10.0.0.0/24\" }}\n[instance]\n{name} = {{ subnet = \"a\" }}\n[[step]]\nname = \"{name}\"\nnote = \"{}\"\non = \"{name}\"\nsend = \"udp {name}:4000 -> 192.0.2.1:5000\"\nexpect.all = {{ exit = 3, output_contains = \"{}\" }}\n",
        "title ".repeat(30),
        support::LAB,
        "x".repeat(300),
        "nothing ".repeat(30),
    );
    workplace.write("long.toml", scenario);
    let ran = workplace.run(["run", "long.toml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(ran.stdout.contains(name), "{}", ran.stdout);
}

#[test]
fn bare_vpcsim_does_the_same_as_run_tutorial() {
    let workplace = Workplace::new();
    let bare = workplace.run::<&str>([]).success();
    assert_eq!(bare.stdout, Tutorial::get().summary);
    let named = workplace.run(["run", "tutorial"]).success();
    assert_eq!(named.stdout, bare.stdout, "a directory that vpcsim wrote is written anew");
}

#[test]
fn the_files_are_those_that_the_result_lists() {
    let tutorial = Tutorial::get();
    let listed = tutorial.result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    let listed: Vec<&str> = listed.collect();
    let written = contents_of(&tutorial.out());
    for path in &listed {
        assert!(
            written.keys().any(|name| name == path || name.starts_with(&format!("{path}/"))),
            "{path} is listed but was not written"
        );
    }
    for name in written.keys().filter(|name| *name != ".vpcsim") {
        let folder = name.split('/').next().unwrap_or(name);
        assert!(listed.contains(&folder), "{name} was written but is not listed");
    }
    let names = captures(&tutorial.result);
    for stem in ["app-public.eni-", "app-private.eni-", "laptop.pcapng", "default-inside.igw-", "default-outside.igw-"]
    {
        assert!(names.iter().any(|name| name.starts_with(stem)), "{stem} is missing of {names:?}");
    }
    assert!(names.contains(&"ddb.vpce-9b15e2f2.pcapng".to_owned()), "{names:?}");
    assert!(tutorial.summary.contains(&format!("files    out/tutorial: {} captures", names.len())));
    for road in ["gateway-endpoint", "internet-gateway"] {
        for kind in ["one-way", "round-trip"] {
            let histogram = &written[&format!("latency.{road}.{kind}.hgrm")];
            let text = String::from_utf8_lossy(histogram);
            assert!(text.contains("Percentile") && text.contains("TotalCount"), "{road} {kind}: {text}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_never_for_pipes() {
    let tutorial = Tutorial::get();
    assert!(!tutorial.summary.contains('\u{1b}'));
    let workplace = Workplace::new();
    // The standard way to insist, and to refuse.
    let forced = coloured(&workplace, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains("\u{1b}["), "CLICOLOR_FORCE asks for colours");
    assert_eq!(without_codes(&forced), tutorial.summary, "colours change no text");
    let refused = coloured(&workplace, &[("CLICOLOR_FORCE", "0"), ("NO_COLOR", "1")]);
    assert_eq!(refused, tutorial.summary);
}

fn coloured(workplace: &Workplace, environment: &[(&str, &str)]) -> String {
    let output = workplace.command(["run"]).envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Takes out SGR sequences: ESC [ ... m.
fn without_codes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("an SGR sequence ends with m").1;
    }
    plain + rest
}

#[test]
fn quiet_prints_nothing_and_json_is_result_json() {
    let workplace = Workplace::new();
    let quiet = workplace.run(["run", "--quiet"]).success();
    assert_eq!(quiet.stdout, "");
    let json = workplace.run(["run", "--json"]).success();
    let written = std::fs::read_to_string(workplace.join("out/tutorial/result.json")).unwrap();
    assert_eq!(json.stdout, written);
    let parsed: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(parsed["complete"], true);
    assert_eq!(parsed, Tutorial::get().result);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let workplace = Workplace::new();
    for flag in ["--seed=1", "--json"] {
        let mut child = workplace.command(["run", flag]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before the first byte comes: every write meets a broken pipe.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{flag}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{flag}");
    }
    let script = format!("set -o pipefail; '{}' run tutorial | head -1", binary());
    let output = Command::new("bash").args(["-c", &script]).current_dir(workplace.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

#[test]
fn a_full_standard_output_is_an_error() {
    let workplace = Workplace::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = workplace.command(["run"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.starts_with("error: cannot write standard output: No space left"), "{complaint}");
}

#[test]
fn help_fits_a_terminal_and_has_examples() {
    let workplace = Workplace::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["help", "run"]] {
        let help = workplace.run(arguments).success().stdout;
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > WIDTH).collect();
        assert!(wide.is_empty(), "{arguments:?}: {wide:#?}");
        for word in
            ["Examples:", "vpcsim run my-vpc.toml", "--seed", "--out", "--quiet", "--json", "Exit codes:", "130"]
        {
            assert!(help.contains(word), "{arguments:?} does not say {word}:\n{help}");
        }
    }
    let version = workplace.run(["--version"]).success();
    assert_eq!(version.stdout, format!("vpcsim {}\n", env!("CARGO_PKG_VERSION")));
    assert!(workplace.files().is_empty());
}

#[test]
fn what_the_help_promises_as_an_example_works() {
    let workplace = Workplace::new();
    workplace.write("my-vpc.toml", vpcsim_tutorial());
    workplace.run(["run", "my-vpc.toml"]).success();
    assert!(workplace.join("out/my-vpc/result.json").is_file());
    workplace.run(["run", "--seed", "7", "--out", "run7"]).success();
    assert_eq!(workplace.result("run7")["seed"], 7);
}

fn vpcsim_tutorial() -> &'static str {
    include_str!("../scenarios/tutorial.toml")
}

#[test]
fn wrong_flags_are_errors_and_write_nothing() {
    let workplace = Workplace::new();
    let cases: [(&[&str], &str); 6] = [
        (&["--colour"], "unexpected argument '--colour'"),
        (&["run", "a.toml", "b.toml"], "unexpected argument 'b.toml'"),
        (&["run", "--seed", "many"], "invalid value 'many' for '--seed <NUMBER>'"),
        (&["run", "--seed", "-1"], "unexpected argument '-1'"),
        (&["run", "--seed", "18446744073709551616"], "invalid value '18446744073709551616'"),
        (&["run", "--out"], "a value is required for '--out <DIR>'"),
    ];
    for (arguments, complaint) in cases {
        let ran = workplace.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(complaint), "{arguments:?}: {}", ran.stderr);
    }
    assert!(workplace.files().is_empty());
}

#[test]
fn a_failed_expectation_says_expected_and_got_and_exits_1() {
    let workplace = Workplace::new();
    let wrong = vpcsim_tutorial().replacen(
        "expect.app-public  = { exit = 0, via = \"internet-gateway\", source = \"public\"",
        "expect.app-public  = { exit = 7, via = \"gateway-endpoint\", source = \"private\"",
        1,
    );
    assert_ne!(wrong, vpcsim_tutorial());
    workplace.write("wrong.toml", wrong);
    let loud = workplace.run(["run", "wrong.toml"]);
    assert_eq!((loud.code, loud.stderr.as_str()), (Some(1), ""));
    for line in [
        "FAILED before, app-public: expected exit 7, got 0",
        "FAILED before, app-public: expected source private, got public (203.0.113.25)",
        "FAILED before (again), app-public: expected exit 7, got 0",
    ] {
        assert!(loud.stdout.contains(line), "{line} is missing:\n{}", loud.stdout);
    }
    assert!(loud.stdout.contains("expected via gateway-endpoint, got internet-gateway (igw-"), "{}", loud.stdout);

    // The `before` of the step "fixed" overrides its expectations, so three of its four runs fail, in three ways each.
    let result = workplace.result("out/wrong");
    assert_eq!(result["checks"]["failed"], 9);
    assert_eq!(result["complete"], true);

    let quiet = workplace.run(["run", "wrong.toml", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(1), ""));
    assert!(quiet.stdout.lines().all(|line| line.starts_with("  ")), "only failures: {}", quiet.stdout);
    assert_eq!(quiet.stdout.matches("FAILED ").count(), 9);
    let json = workplace.run(["run", "wrong.toml", "--json"]);
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json, result);
}

#[test]
fn an_earlier_run_is_replaced_and_what_is_not_vpcsims_is_kept() {
    let workplace = Workplace::new();
    workplace.run(["run", "--out", "o", "--quiet"]).success();
    let first = contents_of(&workplace.join("o"));
    std::fs::write(workplace.join("o/old.pcapng"), "stale").unwrap();
    std::fs::write(workplace.join("o/notes.txt"), "mine").unwrap();
    workplace.run(["run", "--out", "o", "--quiet"]).success();
    let mut second = contents_of(&workplace.join("o"));
    assert_eq!(second.remove("notes.txt").as_deref(), Some(&b"mine"[..]));
    assert_eq!(first, second, "the stale capture is gone, the rest is the same");
}

#[test]
fn what_fails_though_the_command_went_well_is_said() {
    let workplace = Workplace::new();
    let steps = [
        ("address", "aws ec2 allocate-address --domain vpc", "as = { name = \"ip\" }"),
        ("public", "aws ec2 create-nat-gateway --subnet-id a --allocation-id ip", ""),
        ("peer", "aws ec2 create-vpc-peering-connection --vpc-id lab --peer-vpc-id twin", ""),
        ("queue", "aws ec2 create-vpc-endpoint --vpc-id lab --service-name com.amazonaws.us-east-1.sqs", ""),
        ("gone", "aws ec2 delete-vpc --vpc-id vpc-00000000", "expect.all = { exit = 254 }"),
        ("list", "aws ec2 describe-nat-gateways --filter Name=vpc-id,Values=lab --output table", ""),
    ];
    let steps = steps.map(|(name, run, more)| format!("[[step]]\nname = \"{name}\"\nrun = \"{run}\"\n{more}\n"));
    workplace.write(
        "fails.toml",
        format!(
            "title = \"Fails\"\nregion = \"us-east-1\"\n[vpc]\nlab = {{ cidr = \"10.0.0.0/16\" }}\n\
             twin = {{ cidr = \"10.0.0.0/16\" }}\n[subnet]\na = {{ vpc = \"lab\", cidr = \"10.0.1.0/24\" }}\n{}",
            steps.concat()
        ),
    );
    let told = workplace.run(["run", "fails.toml"]).success().stdout;
    let one_line = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "failed: Gateway.NotAttached: ",
        "or overlapping CIDR range: vpc-",
        "! AWS has com.amazonaws.us-east-1.sqs; vpcsim simulates",
        "1 command was refused: queue ",
        "|| NatGateways ||",
    ] {
        assert!(one_line.contains(words), "{words}\n{told}");
    }
    assert!(!told.contains("display filter"), "nothing was dropped: {told}");
    assert!(told.lines().all(|line| line.chars().count() <= WIDTH), "{told}");
    let quiet = workplace.run(["run", "fails.toml", "--quiet"]).success();
    assert_eq!(quiet.stdout.trim(), "1 command was refused: queue");
}

#[test]
fn an_answer_that_is_dropped_is_called_one() {
    let workplace = Workplace::new();
    let told = workplace.run(["run", "drops/network-acl-ingress"]).success().stdout;
    assert!(told.contains("packets of the answer from 52.94."), "{told}");
    let told = workplace.run(["run", "drops/transit-no-route"]).success().stdout;
    assert!(told.contains("[TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT]; 1 packet lost"), "{told}");
}

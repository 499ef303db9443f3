//! `vpcsim check`, seen from a shell.

mod support;

use serde_json::Value;
use std::io::Read;
use std::process::Stdio;
use support::{LAB, Workplace};
use vpcsim::scenario::EMBEDDED;

/// The widest line that any output may have.
const WIDTH: usize = 100;

#[track_caller]
fn json(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// A first-time user finds the tutorial's trap with this command alone.
#[test]
fn the_tutorials_trap_is_found_and_mended_by_the_line_that_is_shown() {
    let workplace = Workplace::new();
    let told = workplace.run(["check", "tutorial"]).success().stdout;
    insta::assert_snapshot!("tutorial", told);

    let found = json(&workplace.run(["check", "tutorial", "--json"]).success().stdout);
    let trap = (found["findings"].as_array().unwrap().iter())
        .find(|finding| finding["rule"] == "endpoint-without-route-table")
        .unwrap();
    assert_eq!(trap["held"][0]["since_step"], "trap");
    assert_eq!(trap["resource"], "vpce-9b15e2f2");
    let source = vpcsim::scenario::embedded("tutorial").unwrap();
    let line = source.lines().nth(trap["place"]["line"].as_u64().unwrap() as usize - 1).unwrap();
    assert!(line.contains("create-vpc-endpoint"), "{line}");

    // What it says to type, typed.
    let command = trap["mend"]["commands"][0].as_str().unwrap();
    let (before, after) = source.split_once("[[step]]\nname = \"keep-open\"").unwrap();
    let mended = format!(
        "{before}[[step]]\nname = \"mend\"\non = \"laptop\"\nrun = \"{command}\"\n\n[[step]]\nname = \"keep-open\"{after}"
    );
    workplace.write("mended.toml", mended);
    let found = json(&workplace.run(["check", "mended.toml", "--after", "mend", "--json"]).success().stdout);
    assert_eq!(found["findings"], Value::Array(Vec::new()), "{found:#}");
}

#[test]
fn warnings_can_be_denied_and_a_step_be_chosen() {
    let workplace = Workplace::new();
    let denied = workplace.run(["check", "tutorial", "--deny", "warnings"]);
    assert_eq!((denied.code, denied.stderr.as_str()), (Some(1), ""));
    assert_eq!(denied.stdout, workplace.run(["check", "tutorial"]).success().stdout);
    let clean = workplace.run(["check", "tutorial", "--after", "fixed", "--deny", "warnings"]).success();
    assert_eq!(clean.stdout, "tutorial (after step fixed): nothing to remark\n");
    let trap = workplace.run(["check", "tutorial", "--after", "trap", "--deny", "warnings"]);
    assert_eq!(trap.code, Some(1));
    assert!(trap.stdout.contains("endpoint-without-route-table"), "{}", trap.stdout);
}

#[test]
fn errors_are_reported_with_their_place_and_end_with_2() {
    let workplace = Workplace::new();
    workplace.write("broken.toml", "region = \"us-east-1\"\n[vpc]\nlab = { cird = \"10.0.0.0/16\" }\n");
    workplace.write("line.toml", format!("{LAB}[[step]]\nrun = \"aws ec2 create-vpc-endpiont\"\n"));
    for (arguments, about) in [
        (&["check", "broken.toml"][..], "broken.toml:3:9"),
        (&["check", "line.toml"], "line.toml:5:"),
        (&["check", "nowhere.toml"], "nowhere.toml"),
        (&["check", "tutorial", "--after", "trp"], "did you mean \"trap\"?"),
        (&["check", "tutorial", "--deny", "everything"], "everything"),
        (&["check"], "SCENARIO"),
    ] {
        let ran = workplace.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(about), "{arguments:?}: {}", ran.stderr);
    }
    assert!(workplace.run(["check", "broken.toml", "--json"]).stdout.is_empty(), "errors are not on stdout");
    assert_eq!(workplace.files(), ["broken.toml", "line.toml"], "a check writes nothing");
}

#[test]
fn every_shipped_scenario_can_be_checked_and_no_line_is_too_wide() {
    let workplace = Workplace::new();
    for (name, _) in EMBEDDED {
        let ran = workplace.run(["check", name]).success();
        let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > WIDTH).collect();
        assert!(wide.is_empty(), "{name}: {wide:#?}");
        assert!(!ran.stdout.contains('\u{1b}'), "{name}: colours in a pipe");
        let found = json(&workplace.run(["check", name, "--json"]).success().stdout);
        let count = found["findings"].as_array().unwrap().len();
        assert_eq!(found["warnings"], count);
        let summary = match count {
            0 => "nothing to remark".to_owned(),
            1 => "1 warning".to_owned(),
            count => format!("{count} warnings"),
        };
        assert!(ran.stdout.ends_with(&format!("{summary}\n")), "{name}: {}", ran.stdout);
    }
}

/// Names, lines and places as long as they can be.
#[test]
fn long_scenarios_do_not_make_wide_reports() {
    let workplace = Workplace::new();
    let name = "an-instance-with-as-long-a-name-as-can-be-given-to-one-at-all-1";
    let scenario = format!(
        "title = \"t\"\n{LAB}[subnet]\na = {{ cidr = \"10.0.0.0/24\" }}\n[instance]\n{}{name} = {{ subnet = \"a\", type = \"{}\" }}\n[[step]]\nname = \"{name}\"\nrun = \"aws ec2 create-vpc-endpoint --vpc-id lab --service-name com.amazonaws.us-east-1.dynamodb {}\"\n",
        " ".repeat(60),
        "x".repeat(300),
        " ".repeat(200),
    );
    workplace.write("long.toml", scenario);
    let told = workplace.run(["check", "long.toml"]).success().stdout;
    assert!(told.contains("endpoint-without-route-table") && told.contains("no-road-to-dynamodb"), "{told}");
    let wide: Vec<_> = told.lines().filter(|line| line.chars().count() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn colours_are_for_terminals_and_can_be_forced_or_refused() {
    let workplace = Workplace::new();
    let with = |variables: &[(&str, &str)]| {
        let mut command = workplace.command(["check", "tutorial"]);
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(with(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!with(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let workplace = Workplace::new();
    for arguments in
        [&["check", "tutorial"][..], &["explain"], &["list"], &["schema"], &["man"], &["completions", "zsh"]]
    {
        let mut command = workplace.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

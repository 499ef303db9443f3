//! The scenarios on disk are the scenarios in the program, are listed in the reference, and play as they expect.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vpcsim::run::{Progress, Run};
use vpcsim::scenario::StepAction::{Aws, Program, Send, Ssh};
use vpcsim::scenario::{EMBEDDED, Step, parse};

#[test]
fn every_scenario_file_is_embedded_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = BTreeMap::new();
    for folder in ["", "drops", "problems", "programs", "roads"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                let name = if folder.is_empty() { stem.to_owned() } else { format!("{folder}/{stem}") };
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let embedded: BTreeMap<_, _> =
        EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(files, embedded);
    assert_eq!(EMBEDDED[0].0, "tutorial", "the first one is the default");
}

/// The format's reference mentions every key, in the part about its table.
#[test]
fn the_reference_names_every_key() {
    let reference = reference();
    let parts: Vec<&str> = reference.split("\n## ").collect();
    let (mut keys_count, mut missing) = (0, Vec::new());
    for (table, key) in vpcsim::scenario::schema::keys() {
        let top = table.split('.').next().unwrap_or_default();
        let part = match top {
            "" => parts.iter().find(|part| part.starts_with("The top")),
            top => parts.iter().find(|part| part.lines().next().is_some_and(|head| head.contains(&format!("[{top}]")))),
        };
        if !part.is_some_and(|part| part.contains(&format!("`{key}`"))) {
            missing.push(format!("`{key}` of [{table}]"));
        }
        keys_count += 1;
    }
    assert!(missing.is_empty(), "scenarios/README.md does not mention {missing:#?}");
    assert!(keys_count > 110, "only {keys_count} keys");
}

/// The tables at the end of the format's reference are the list of scenarios, with their titles, in the program's order.
#[test]
fn the_reference_lists_every_scenario_by_its_title() {
    let rows: Vec<String> = (EMBEDDED.iter())
        .map(|(name, source)| format!("| [`{name}`]({name}.toml) | {} |", parse(name, source, None).unwrap().title))
        .collect();
    let reference = reference();
    let listed: Vec<&str> = reference.lines().filter(|line| line.starts_with("| [`")).collect();
    assert_eq!(listed, rows, "scenarios/README.md should list:\n{}", rows.join("\n"));
}

/// Every scenario plays as it expects, and expects something of every command.
#[test]
fn every_scenario_plays_as_it_expects() {
    let mut played = Vec::new();
    for (name, source) in EMBEDDED {
        let scenario = parse(name, source, None).unwrap();
        let speaks = |step: &&Step| matches!(step.action, Aws { .. } | Ssh { .. } | Program { .. } | Send(_));
        let silent: Vec<&str> = (scenario.steps.iter().filter(speaks))
            .filter(|step| step.expect.is_empty())
            .map(|step| step.name.as_str())
            .collect();
        assert!(silent.is_empty(), "{name}: nothing is expected of {silent:?}");
        let mut run = Run::new(scenario).unwrap();
        while run.advance(100_000).unwrap() == Progress::Working {}
        let result = run.finish().0;
        let failed: Vec<String> = (result.steps.iter())
            .flat_map(|step| {
                step.checks.iter().filter(|check| !check.passed).map(|check| format!("{}: {check:?}", step.name))
            })
            .collect();
        assert!(failed.is_empty() && result.checks.passed > 0, "{name}: {failed:#?}");
        played.push(*name);
    }
    assert!(played.len() > 90, "{}", played.len());
}

/// Problems begin with what a user sees, why, and where that was seen.
#[test]
fn every_problem_has_symptom_cause_and_source() {
    let mut numbers = Vec::new();
    for (name, source) in EMBEDDED.iter().filter(|(name, _)| name.starts_with("problems/")) {
        let head: String =
            source.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let mut at = 0;
        for part in ["# Symptom: ", "# Cause:   ", "# Source"] {
            let found = head[at..].find(part).unwrap_or_else(|| panic!("{name}: no {part:?} in its place"));
            at += found + part.len();
        }
        let number: String = name["problems/".len()..].chars().take_while(char::is_ascii_digit).collect();
        numbers.push(number.parse::<u32>().unwrap_or_else(|_| panic!("{name} has no number")));
    }
    let wanted: Vec<u32> = (1..=7).chain(13..=25).collect();
    assert_eq!(numbers, wanted, "in the order of their numbers");
}

fn reference() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/README.md")).unwrap()
}

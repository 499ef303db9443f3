//! The same scenario and seed give the same bytes, wherever, whenever and in whatever language they are run.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use support::{Workplace, contents_of};

#[test]
fn place_time_zone_and_locale_change_no_byte() {
    let (here, there) = (Workplace::new(), Workplace::new());
    let run = |workplace: &Workplace, out: &Path, environment: &[(&str, &str)]| {
        let mut command = workplace.command(["run", "tutorial", "--quiet", "--out"]);
        let output = command.arg(out).envs(environment.iter().copied()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    };
    run(&here, Path::new("relative"), &[("TZ", "Asia/Kathmandu"), ("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8")]);
    let absolute = there.join("a/deeper/directory");
    run(
        &there,
        &absolute,
        &[
            ("TZ", "America/St_Johns"),
            ("LC_ALL", "C"),
            ("LANG", "tr_TR.UTF-8"),
            ("HOME", "/nonexistent"),
            ("COLUMNS", "40"),
        ],
    );
    let (first, second) = (contents_of(&here.join("relative")), contents_of(&absolute));
    assert_same(&first, &second);
    assert!(first.len() > 12, "captures, histograms, result, profile: {:?}", first.keys());

    let result = String::from_utf8_lossy(&first["result.json"]);
    assert!(
        !result.contains("relative") && !result.contains(here.path().to_str().unwrap()),
        "the result names its place"
    );
}

#[test]
fn a_file_of_the_same_text_gives_the_same_packets_as_the_built_in_scenario() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.join("scenarios")).unwrap();
    workplace.write("scenarios/tutorial.toml", include_str!("../scenarios/tutorial.toml"));
    workplace.run(["run", "scenarios/tutorial.toml", "--out", "file", "-q"]).success();
    workplace.run(["run", "tutorial", "--out", "built-in", "-q"]).success();
    assert_same(&contents_of(&workplace.join("file")), &contents_of(&workplace.join("built-in")));
}

#[test]
fn the_seed_decides() {
    let workplace = Workplace::new();
    for (out, seed) in [("one", "1"), ("again", "1"), ("two", "2")] {
        workplace.run(["run", "--quiet", "--seed", seed, "--out", out]).success();
    }
    workplace.run(["run", "--quiet", "--out", "default"]).success();
    let [one, again, two, default] = ["one", "again", "two", "default"].map(|out| contents_of(&workplace.join(out)));
    assert_same(&one, &again);
    assert_same(&one, &default);
    for stem in ["app-public.eni-", "app-private.eni-", "laptop.", "default-inside.igw-", "ddb.vpce-", "result.json"] {
        let file = |files: &BTreeMap<String, Vec<u8>>| {
            files.iter().find(|(name, _)| name.starts_with(stem)).map(|(_, bytes)| bytes.clone()).unwrap()
        };
        assert!(file(&one) != file(&two), "{stem} is the same with another seed");
    }
    // The story is the same: what the scenario expects holds with any seed, and its own ids stay.
    let result = workplace.result("two");
    assert_eq!((&result["seed"], &result["checks"]["failed"]), (&2.into(), &0.into()));
    assert!(two.contains_key("ddb.vpce-9b15e2f2.pcapng"));
}

/// The output folder of an interrupted run does not differ because it was drained in other portions: a scenario larger than the buffers.
#[test]
fn a_run_that_is_drained_many_times_is_deterministic_too() {
    let scenario = "region = \"us-east-1\"\n[vpc]\ndefault = { default = true }\n[instance]\napp = { subnet = \"default-1a\" }\n\
        [links]\nnic = { loss = 0.01 }\n\
        [[step]]\non = \"app\"\nrun = \"aws dynamodb list-tables\"\nrepeat = 300\nevery = \"10ms\"\njitter = \"5ms\"\n";
    let workplace = Workplace::new();
    workplace.write("many.toml", scenario);
    for out in ["one", "two"] {
        workplace.run(["run", "many.toml", "--quiet", "--out", out]).success();
    }
    let (one, two) = (contents_of(&workplace.join("one")), contents_of(&workplace.join("two")));
    assert_same(&one, &two);
    let captured: usize = one.iter().filter(|(name, _)| name.ends_with(".pcapng")).map(|(_, bytes)| bytes.len()).sum();
    assert!(captured > 3 << 20, "{captured} bytes are too few to be drained several times");
    let dropped = workplace.result("one")["packets"]["dropped"]["LINK_LOSS"].as_u64().unwrap();
    assert!(dropped > 10, "random loss took part: {dropped}");
}

#[track_caller]
fn assert_same(one: &BTreeMap<String, Vec<u8>>, two: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        let other = &two[name];
        let differs_at = bytes.iter().zip(other).position(|(a, b)| a != b);
        assert!(
            bytes == other,
            "{name}: {} and {} bytes, first difference at {differs_at:?}",
            bytes.len(),
            other.len()
        );
    }
}

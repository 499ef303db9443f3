//! `vpcsim run --measure`: what the machine's clock says stays in `measured/`.

mod support;

use serde_json::Value;
use support::{LAB, Tutorial, Workplace, contents_of};

const FILES: [&str; 3] = ["measured/fastpath.hgrm", "measured/fastpath.hlog", "measured/fastpath.json"];

#[test]
fn a_million_of_the_runs_frames_are_measured_and_nothing_else_differs() {
    let workplace = Workplace::new();
    let told = workplace.run(["run", "--measure"]).success().stdout;
    let mut written = contents_of(&workplace.join("out/tutorial"));
    let [hgrm, hlog, json] = FILES.map(|name| {
        let contents = written.remove(name).unwrap_or_else(|| panic!("no {name}"));
        String::from_utf8(contents).unwrap()
    });
    assert_eq!(written, contents_of(&Tutorial::get().out()), "all else is as without");

    // One line more.
    let line = told.strip_prefix(&Tutorial::get().summary).expect("the summary is as without");
    assert!(
        line.starts_with("measured measured/fastpath.*: a packet p50 ") && line.ends_with(" delivered\n"),
        "{line}"
    );
    assert!(line.lines().count() == 1 && line.len() <= 100, "{line}");

    let json: Value = serde_json::from_str(&json).unwrap();
    let number = |name: &str| json[name].as_f64().unwrap_or_else(|| panic!("{name}: {json:#}"));
    assert_eq!((&json["schema"], number("packets")), (&1.into(), 1e6));
    let ends = ["delivered", "answered_by_network", "to_fragment", "dropped"].map(number);
    assert_eq!(ends.iter().sum::<f64>(), 1e6);
    assert!(ends[0] > 0.5e6, "most of what the tutorial sends arrives: {json:#}");
    assert!(number("memo_hit_share") > 0.0 && number("memo_hit_share") < 1.0, "{json:#}");
    assert!(number("frames_of_run") > 100.0 && number("frames_left_out") == 0.0, "{json:#}");
    assert!(number("bursts") >= 1e6 / number("burst_packets_max"), "{json:#}");
    assert!(number("clock_ns_per_burst") > 0.0 && number("ns_per_packet") > 0.0, "{json:#}");
    let latency = &json["burst_latency_per_packet"];
    assert_eq!(latency["count"], 1_000_000);
    let quantiles =
        ["min_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"].map(|key| latency[key].as_u64().unwrap());
    assert!(quantiles.is_sorted() && quantiles[5] > 0, "{latency}");

    let heading: Vec<&str> = hgrm.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]);
    assert!(hgrm.contains("1000000") && hgrm.contains("burst time / packets of the burst"), "{hgrm}");

    assert!(hlog.starts_with("#[Histogram log format version 1.3]\n"), "{hlog}");
    let intervals = hlog.lines().filter(|line| line.starts_with("Tag=fastpath.burst-per-packet,"));
    assert!(intervals.clone().count() > 0, "{hlog}");
    assert!(intervals.clone().all(|line| line.split(',').count() == 5 && line.contains(",HIST")), "{hlog}");
}

#[test]
fn the_next_run_without_it_takes_the_measures_away() {
    let workplace = Workplace::new();
    let json = workplace.run(["run", "--measure", "--json", "--out", "o"]).success();
    assert!(workplace.join("o").join(FILES[2]).is_file());
    assert_eq!(json.stdout, std::fs::read_to_string(workplace.join("o/result.json")).unwrap(), "the result alone");
    workplace.run(["run", "--quiet", "--out", "o"]).success();
    assert_eq!(contents_of(&workplace.join("o")), contents_of(&Tutorial::get().out()));
}

#[test]
fn without_a_frame_nothing_is_measured_and_that_is_said() {
    let workplace = Workplace::new();
    let step = "[[step]]\nname = \"look\"\nrun = \"aws ec2 describe-vpcs\"\n";
    workplace.write("empty.toml", format!("title = \"No hosts\"\n{LAB}{step}"));
    let told = workplace.run(["run", "empty.toml", "--measure", "--out", "o"]).success().stdout;
    assert!(told.ends_with("measured nothing: no host sent a frame\n"), "{told}");
    assert!(!workplace.join("o/measured").exists());
}

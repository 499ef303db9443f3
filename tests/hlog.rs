//! `latency.hlog` read by HdrHistogram's own tools: the reader on PyPI (`tests/python/read_hlog.py` is its side).
//!
//! Needs `python3` (or what `VPCSIM_PYTHON` names) with hdrhistogram 0.10.8: `scripts/test` installs it.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{Tutorial, Workplace};

#[test]
fn the_log_adds_up_to_the_results_latencies() {
    let tutorial = Tutorial::get();
    let log = read(&tutorial.out().join("latency.hlog"));
    assert_eq!(log["start_s"], 1_767_225_600.0, "the scenario's start");
    let latencies = tutorial.result["latency"].as_array().unwrap();
    assert_eq!(log["totals"].as_object().unwrap().len(), latencies.len());
    for latency in latencies {
        let kind = latency["kind"].as_str().unwrap().replace('_', "-");
        let total = &log["totals"][format!("{}.{kind}", latency["road"].as_str().unwrap())];
        assert_eq!(total["count"], latency["count"], "{latency}: {total}");
        near(&total["min"], &latency["min_ns"]);
        near(&total["max"], &latency["max_ns"]);
        near(&total["mean"], &latency["mean_ns"]);
        for (position, key) in ["p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"].into_iter().enumerate() {
            near(&total["percentiles"][position], &latency[key]);
        }
    }
}

#[test]
fn an_interval_is_a_second_of_simulated_time() {
    let log = read(&Tutorial::get().out().join("latency.hlog"));
    let intervals = log["intervals"].as_array().unwrap();
    assert!(intervals.len() > 20, "{} intervals", intervals.len());
    let places: Vec<(u64, (&str, &str))> = intervals
        .iter()
        .map(|interval| {
            let (start_ms, end_ms) = (interval["start_ms"].as_f64().unwrap(), interval["end_ms"].as_f64().unwrap());
            assert_eq!((start_ms % 1_000.0, end_ms - start_ms), (0.0, 1_000.0), "{interval}");
            assert!(interval["count"].as_u64().unwrap() > 0, "seconds without a latency have no line");
            (start_ms as u64, interval["tag"].as_str().unwrap().split_once('.').unwrap())
        })
        .collect();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "by time, road and kind, each once: {places:#?}");
    // The 100 calls of `keep-open` come some 60 ms apart: 17 in the busiest second.
    let busiest = intervals.iter().filter(|interval| interval["tag"] == "internet-gateway.round-trip");
    assert_eq!(busiest.map(|interval| interval["count"].as_u64().unwrap()).max(), Some(17));
}

#[test]
fn a_run_without_latencies_has_neither_log_nor_picture() {
    let workplace = Workplace::new();
    let scenario = format!(
        "{}[subnet]\na = {{ cidr = \"10.0.0.0/24\" }}\n[instance]\napp = {{ subnet = \"a\" }}\n\
        [[step]]\non = \"app\"\nsend = \"udp app:4000 -> 192.0.2.1:5000\"\n",
        support::LAB
    );
    workplace.write("lost.toml", scenario);
    let ran = workplace.run(["run", "lost.toml"]);
    assert_eq!(ran.stderr, "");
    let written = workplace.files();
    let wanted = workplace.result("out/lost")["latency"].as_array().unwrap().is_empty();
    assert!(wanted, "the scenario was to lose everything");
    assert!(!written.iter().any(|name| name.ends_with(".hlog") || name.ends_with(".svg")), "{written:?}");
}

/// The picture is XML that an independent parser reads, with a line per road and kind.
#[test]
fn the_picture_is_whole_and_self_contained() {
    let path = Tutorial::get().out().join("latency.svg");
    let count = "import sys, xml.etree.ElementTree as tree\nroot = tree.parse(sys.argv[1]).getroot()\n\
        print(root.tag, sum(1 for node in root.iter() if node.tag.endswith('circle')))";
    let output = Command::new("python3").args(["-c", count]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let roads = Tutorial::get().result["latency"].as_array().unwrap().len();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("{{http://www.w3.org/2000/svg}}svg {roads}"));
    let text = std::fs::read_to_string(path).unwrap();
    for foreign in ["href", "url(", "@import", "<script", "<image"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert!(text.contains("prefers-color-scheme:dark"));
}

/// Three digits are kept; the log's histograms answer with a cell's end.
#[track_caller]
fn near(got: &Value, exact: &Value) {
    let (got, exact) = (got.as_f64().unwrap(), exact.as_f64().unwrap());
    assert!((got - exact).abs() <= exact / 1_000.0 + 1.0, "{got} is not {exact}");
}

fn read(path: &Path) -> Value {
    let interpreter = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let advice = "this test needs python3 with HdrHistogram's reader; scripts/test installs it, or: \
                  pip install hdrhistogram==0.10.8; VPCSIM_PYTHON names another interpreter";
    let output = Command::new(&interpreter)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/read_hlog.py"))
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {interpreter}: {error}; {advice}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{interpreter} read_hlog.py failed; {advice}\n{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

//! `vpcsim bench`, seen from a shell. Times differ from machine to machine: only what is said about them is checked.

mod support;

use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use support::{Ran, Tutorial, Workplace};

#[track_caller]
fn document(ran: Ran) -> Value {
    serde_json::from_str(&ran.success().stdout).unwrap()
}

#[test]
fn a_row_for_each_frame_size_of_rfc_2544() {
    let workplace = Workplace::new();
    let arguments = ["bench", "--rfc2544", "--trial-ms", "20", "--flows", "100", "--json", "--out", "measured"];
    let told = document(workplace.run(arguments));
    assert_eq!((told["trial_ms"].as_u64(), told["threads"].as_u64()), (Some(20), Some(2)));
    assert_eq!((told["flows"].as_u64(), told["latency_load_share"].as_f64()), (Some(100), Some(0.5)));
    assert!(told["available_parallelism"].as_u64().unwrap() >= 1);
    assert!(told["deviations"][0].as_str().unwrap().contains("0.02 s instead of 60 s"), "{told}");
    let rows = told["rows"].as_array().unwrap();
    let frames: Vec<&str> = rows.iter().map(|row| row["frame"].as_str().unwrap()).collect();
    assert_eq!(frames, ["60", "124", "252", "508", "1020", "1276", "1514", "imix"]);
    for row in rows {
        let flat_out = &row["flat_out"];
        assert!(flat_out["offered_frames"].as_u64() >= flat_out["lost_frames"].as_u64(), "{row}");
        assert!(flat_out["forwarded_mpps"].as_f64().unwrap() > 0.0, "{row}");
        // A busy machine may lose frames at every rate; then there is no throughput, and no latency at half of it. It may also be too slow to offer that half.
        assert!(row["latency"].is_null() || !row["throughput_mpps"].is_null(), "{row}");
        let back_to_back = &row["back_to_back"];
        assert!(back_to_back["frames_max"].as_u64() >= back_to_back["frames_min"].as_u64(), "{row}");
        assert!((1..=50).contains(&back_to_back["bursts"].as_u64().unwrap()), "{row}");
    }
    // 7 frames of 60 bytes, 4 of 590 and 1 of 1,514.
    assert_eq!(rows[7]["frame_bytes_mean"].as_f64().map(f64::round), Some(358.0));
    let written = std::fs::read_to_string(workplace.join("measured/rfc2544.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), told);
    let picture = std::fs::read_to_string(workplace.join("measured/rfc2544.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert_eq!(picture.matches("class=\"bar\"").count(), 16);
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
}

#[test]
fn the_tables_fit() {
    let workplace = Workplace::new();
    for arguments in [
        &["bench", "--rfc2544", "--trial-ms", "5", "--flows", "10", "--load", "90%", "--ring", "1024"][..],
        &["bench", "--trial-ms", "1", "--flows", "10"],
    ] {
        let told = workplace.run(arguments).success().stdout;
        let wide: Vec<&str> = told.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }
}

#[test]
fn rows_of_every_lane() {
    let told = document(Workplace::new().run(["bench", "--trial-ms", "1", "--flows", "10", "--json"]));
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row["ns_per_packet"].as_f64().unwrap() > 0.0), "{told}");
}

#[test]
fn other_traffic_is_sent_and_told() {
    let flags = [
        "bench",
        "roads/four-lanes",
        "--trial-ms",
        "1",
        "--flows",
        "100",
        "--kind",
        "udp",
        "--order",
        "zipf",
        "--threads",
        "2",
    ];
    let told = document(Workplace::new().run(flags.into_iter().chain(["--from", "nat-app", "--json"])));
    assert_eq!(told["traffic"], "UDP flows in random order, the k-th as often as 1/k");
    let row = &told["rows"][0];
    assert_eq!(
        (row["flows"].as_u64(), row["threads"].as_u64(), row["memo_hit_share"].as_f64()),
        (Some(100), Some(2), Some(1.0)),
        "{row}"
    );
}

#[test]
fn a_capture_is_traffic_too() {
    let capture = Tutorial::get().capture("app-private");
    let workplace = Workplace::new();
    let flags = ["bench", "tutorial", "--after", "fixed", "--from", "app-private", "--trial-ms", "1", "--json", "--in"];
    let measured = |capture: &Path| workplace.run(flags.iter().map(OsStr::new).chain([capture.as_os_str()]));
    let told = document(measured(&capture));
    assert_eq!(told["traffic"], "What a captured NIC sent, over and over");
    let row = &told["rows"][0];
    assert!(row["name"].as_str().unwrap().ends_with(".pcapng from app-private"), "{row}");
    assert!(row["flows"].as_u64() > Some(1) && row["delivered_share"].as_f64() > Some(0.5), "{row}");
    // Its connections are short, and opened again in each pass.
    assert!(row["memo_hit_share"].as_f64() > Some(0.0), "{row}");
    std::fs::write(workplace.join("nothing.pcap"), "no capture").unwrap();
    let refused = measured(Path::new("nothing.pcap"));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("nothing.pcap"), "{}", refused.stderr);
}

#[test]
fn wrong_flags_end_with_2() {
    let workplace = Workplace::new();
    for (arguments, about) in [
        (&["bench", "--rfc2544", "--frame", "60"][..], "--frame"),
        (&["bench", "--rfc2544", "--threads", "2"], "--threads"),
        (&["bench", "--load", "50%"], "--rfc2544"),
        (&["bench", "--rfc2544", "--load", "0%"], "1% to 100%"),
        (&["bench", "--rfc2544", "--load", "NaN"], "1% to 100%"),
        (&["bench", "--rfc2544", "--ring", "100"], "multiple of 64"),
        (&["bench", "--rfc2544", "--trial-ms", "0"], "0"),
        (&["bench", "nowhere", "--rfc2544"], "nowhere"),
    ] {
        let ran = workplace.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(about), "{arguments:?}: {}", ran.stderr);
    }
}

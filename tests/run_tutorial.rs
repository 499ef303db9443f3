//! The tutorial's story, read from `result.json` and from the packets: which road, which source address, what breaks, what mends it.

mod support;
mod wireshark;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Tutorial, Workplace, contents_of, host};

const TIMEOUT: &str = "Connect timeout on endpoint URL: \"https://dynamodb.us-east-1.amazonaws.com/\"";
const ENDPOINT: &str = "vpce-9b15e2f2";
const SECOND: u64 = 1_000_000_000;

/// Every run of the step `before`, by who ran it, in the order of the story.
fn befores() -> [(&'static str, &'static Value); 4] {
    let tutorial = Tutorial::get();
    [
        ("before", tutorial.step("before")),
        ("trap", tutorial.again("before", "trap")),
        ("fixed", tutorial.again("before", "fixed")),
        ("deleted", tutorial.again("before", "deleted")),
    ]
}

#[test]
fn every_step_runs_in_order_and_everything_is_as_expected() {
    let result = &Tutorial::get().result;
    let steps = result["steps"].as_array().unwrap();
    let order: Vec<_> = steps
        .iter()
        .map(|step| match step.get("rerun_of_step") {
            Some(by) => format!("{} again by {by}", step["name"].as_str().unwrap()),
            None => format!("{} {}", step["number"], step["name"].as_str().unwrap()),
        })
        .collect();
    let expected = [
        "1 ssh-refused",
        "2 create-group",
        "3 allow-ssh",
        "4 attach-group",
        "ssh-refused again by 4",
        "5 before",
        "6 which-services",
        "7 which-vpc",
        "8 trap",
        "before again by 8",
        "9 keep-open",
        "10 fixed",
        "before again by 10",
        "11 kept-open-breaks",
        "keep-open again by 11",
        "12 look",
        "13 deleted",
        "before again by 13",
        "14 clean-up",
    ];
    assert_eq!(order, expected);
    assert_eq!((&result["complete"], &result["seed"]), (&json!(true), &json!(1)));
    assert_eq!(result["start"], "2026-01-01T00:00:00Z");
    assert_eq!(result["checks"]["failed"], 0);
    assert!(result["checks"]["passed"].as_u64().unwrap() > 50, "{}", result["checks"]);
    let all = || steps.iter().flat_map(|step| step["checks"].as_array().unwrap());
    assert_eq!(result["checks"]["passed"].as_u64().unwrap(), all().count() as u64);
    let times = steps.iter().map(|step| (step["started_ns"].as_u64().unwrap(), step["finished_ns"].as_u64().unwrap()));
    let mut previous = 0;
    for (started, finished) in times {
        assert!(previous <= started && started <= finished, "steps run one after another");
        previous = finished;
    }
    support::assert_conserved(result);
}

#[test]
fn ssh_is_refused_until_the_group_is_attached() {
    let tutorial = Tutorial::get();
    let refused = host(tutorial.step("ssh-refused"), "laptop");
    assert_eq!(
        (&refused["exit_code"], &refused["via"], &refused["source_seen"]),
        (&json!(255), &Value::Null, &Value::Null)
    );
    assert_eq!(refused["stderr"], "ssh: connect to host 203.0.113.25 port 22: Connection timed out\n");
    // Linux sends one SYN and six more (tcp_syn_retries): 127 s.
    assert_eq!(refused["drops"][0]["code"], "ENI_SG_RULES_MISMATCH");
    assert_eq!(refused["drops"][0]["packets"], 7);
    assert_eq!(refused["duration_ns"].as_u64().unwrap() / SECOND, 127);

    let group = host(tutorial.step("create-group"), "laptop");
    assert_eq!((&group["exit_code"], &group["via"]["class"]), (&json!(0), &json!("internet")));
    let allowed = host(tutorial.again("ssh-refused", "attach-group"), "laptop");
    assert_eq!((&allowed["exit_code"], &allowed["stdout"]), (&json!(0), &json!("SSH-2.0-OpenSSH_8.7\n")));
    assert_eq!(allowed["via"]["class"], "internet-gateway");
    assert_eq!(allowed["source_seen"], "198.51.100.7");
    assert_eq!(allowed["drops"], json!([]));
}

#[test]
fn without_a_route_the_private_instance_times_out_as_the_cli_does() {
    for (by, step) in befores().into_iter().filter(|(by, _)| *by != "fixed") {
        let private = host(step, "app-private");
        assert_eq!((&private["exit_code"], &private["ok"]), (&json!(255), &json!(false)), "{by}");
        assert!(private["stderr"].as_str().unwrap().contains(TIMEOUT), "{by}: {}", private["stderr"]);
        assert_eq!(private["stdout"], "", "{by}");
        assert_eq!((&private["via"], &private["source_seen"]), (&Value::Null, &Value::Null), "{by}: never seen");
        assert_eq!((&private["attempts"], &private["connections_opened"]), (&json!(4), &json!(4)), "{by}");
        let drops = private["drops"].as_array().unwrap();
        assert_eq!(drops.len(), 1, "{by}: {drops:#?}");
        // Four tries of six SYNs.
        assert_eq!((&drops[0]["code"], &drops[0]["packets"]), (&json!("NO_ROUTE_TO_DESTINATION"), &json!(24)), "{by}");
        let route = &private["routes"][0];
        assert_eq!((&route["matched"], &route["table_name"]), (&Value::Null, &json!("private")), "{by}");
        assert_eq!((&route["destination"], &route["packets"]), (&json!("52.94.2.72"), &json!(24)), "{by}");
        // Four times 60 s, and the pauses between the tries.
        let duration_s = private["duration_ns"].as_u64().unwrap() / SECOND;
        assert!((240..=280).contains(&duration_s), "{by}: {duration_s} s");
    }
}

#[test]
fn by_the_internet_gateway_dynamodb_sees_the_public_address() {
    for (by, step) in befores().into_iter().filter(|(by, _)| *by != "fixed") {
        let public = host(step, "app-public");
        assert_eq!(public["exit_code"], 0, "{by}");
        assert_eq!(public["stdout"], "{\n    \"TableNames\": [\n        \"Music\"\n    ]\n}\n", "{by}");
        assert_eq!(public["via"]["class"], "internet-gateway", "{by}");
        assert_eq!(
            (&public["source_seen"], &public["source_kind"]),
            (&json!("203.0.113.25"), &json!("public")),
            "{by}"
        );
        assert_eq!(public["stays_on_aws"], true, "{by}");
        let route = &public["routes"][0];
        assert_eq!((&route["matched"], &route["beats"]), (&json!("0.0.0.0/0"), &json!([])), "{by}");
        assert_eq!(route["target"], public["via"]["id"], "{by}");
        assert_eq!(public["drops"], json!([]), "{by}");
    }
}

#[test]
fn by_the_endpoint_dynamodb_sees_private_addresses() {
    let step = Tutorial::get().again("before", "fixed");
    for (name, address, beats) in [("app-public", "172.31.0.10", 1), ("app-private", "172.31.96.10", 0)] {
        let result = host(step, name);
        assert_eq!((&result["exit_code"], &result["stderr"]), (&json!(0), &json!("")), "{name}");
        assert_eq!(result["via"], json!({ "class": "gateway-endpoint", "id": ENDPOINT, "name": "ddb" }), "{name}");
        assert_eq!((&result["source_seen"], &result["source_kind"]), (&json!(address), &json!("private")), "{name}");
        let route = &result["routes"][0];
        assert_eq!((&route["prefix_list"], &route["target"]), (&json!("pl-02cd2c6b"), &json!(ENDPOINT)), "{name}");
        let beaten = route["beats"].as_array().unwrap();
        assert_eq!(beaten.len(), beats, "{name}: {beaten:?}");
        assert!(beaten.iter().all(|route| route.as_str().unwrap().starts_with("0.0.0.0/0 -> igw-")), "{beaten:?}");
    }
}

#[test]
fn both_roads_stay_on_aws_and_take_the_same_time() {
    let latency = Tutorial::get().result["latency"].as_array().unwrap();
    let p50 = |road: &str, kind: &str| {
        let found = latency.iter().find(|entry| entry["road"] == road && entry["kind"] == kind);
        found.unwrap_or_else(|| panic!("{road} {kind}"))["p50_ns"].as_u64().unwrap() as f64
    };
    for kind in ["one_way", "round_trip"] {
        let ratio = p50("gateway-endpoint", kind) / p50("internet-gateway", kind);
        assert!((0.99..1.01).contains(&ratio), "{kind}: {ratio}");
    }
}

#[test]
fn the_trap_is_noticed_with_a_command_that_mends_it() {
    let tutorial = Tutorial::get();
    let trap = tutorial.step("trap");
    let output: Value = serde_json::from_str(host(trap, "laptop")["stdout"].as_str().unwrap()).unwrap();
    assert_eq!(output["VpcEndpoint"]["VpcEndpointId"], ENDPOINT);
    assert_eq!(
        (&output["VpcEndpoint"]["State"], &output["VpcEndpoint"]["RouteTableIds"]),
        (&json!("available"), &json!([]))
    );
    let warnings = trap["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0]["text"], format!("no route table uses {ENDPOINT}, so it carries nothing"));
    let others = tutorial.result["steps"].as_array().unwrap().iter().filter(|step| step["name"] != "trap");
    assert!(others.flat_map(|step| step["warnings"].as_array().unwrap()).next().is_none(), "said once, when it is new");

    // Typed instead of the tutorial's own step, the command mends it.
    let mend = warnings[0]["mend"].as_str().unwrap();
    let scenario = include_str!("../scenarios/tutorial.toml");
    let own = "aws ec2 modify-vpc-endpoint --vpc-endpoint-id ddb --add-route-table-ids main private";
    assert!(
        scenario.contains(own) && mend.starts_with("aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-"),
        "{mend}"
    );
    let workplace = Workplace::new();
    workplace.write("mended.toml", scenario.replace(own, mend));
    workplace.run(["run", "mended.toml", "--quiet"]).success();
    let result = workplace.result("out/mended");
    assert_eq!(result["checks"], tutorial.result["checks"]);
    let fixed = result["steps"].as_array().unwrap().iter().find(|step| step["name"] == "fixed").unwrap();
    assert_eq!(fixed["command"], mend);
}

#[test]
fn the_kept_open_connection_breaks_once_and_is_made_anew_by_the_endpoint() {
    let tutorial = Tutorial::get();
    let first = host(tutorial.step("keep-open"), "app-public");
    assert_eq!((&first["calls"], &first["calls_ok"], &first["attempts"]), (&json!(100), &json!(100), &json!(100)));
    assert_eq!((&first["connections_opened"], &first["broken_connections"]), (&json!(1), &json!(0)));
    assert_eq!((&first["via"]["class"], &first["reused_connection"]), (&json!("internet-gateway"), &json!(true)));

    let second = host(tutorial.again("keep-open", "kept-open-breaks"), "app-public");
    assert_eq!((&second["calls"], &second["calls_ok"], &second["attempts"]), (&json!(100), &json!(100), &json!(101)));
    assert_eq!((&second["connections_opened"], &second["broken_connections"]), (&json!(1), &json!(1)));
    assert_eq!((&second["via"]["id"], &second["source_kind"]), (&json!(ENDPOINT), &json!("private")));

    // The first segment of the old connection that takes the new road is answered by a reset.
    let resets = fields(
        &tutorial.capture("ddb.vpce-"),
        "tcp.flags.reset == 1",
        &["ip.dst", "tcp.srcport", "frame.time_epoch", "tcp.dstport"],
    );
    assert_eq!(resets.len(), 1, "{resets:?}");
    assert_eq!(resets[0][..2], ["172.31.0.10", "443"]);
    let step = tutorial.again("keep-open", "kept-open-breaks");
    let since_begin_ns = epoch_ns(&resets[0][2]) - start_ns() - step["started_ns"].as_u64().unwrap();
    assert!(since_begin_ns < SECOND / 100, "reset {since_begin_ns} ns after the step's begin");
    let port = &resets[0][3];
    let syns =
        fields(&tutorial.capture("ddb.vpce-"), &format!("tcp.flags.syn == 1 && tcp.port == {port}"), &["frame.number"]);
    assert!(syns.is_empty(), "the endpoint had never seen that connection begin: {syns:?}");
}

#[test]
fn after_the_deletion_everything_is_as_before() {
    let tutorial = Tutorial::get();
    let (before, after) = (tutorial.step("before"), tutorial.again("before", "deleted"));
    for name in ["app-public", "app-private"] {
        let (before, after) = (host(before, name), host(after, name));
        for key in
            ["exit_code", "stdout", "stderr", "via", "source_seen", "source_kind", "attempts", "drops", "destination"]
        {
            assert_eq!(before[key], after[key], "{name}: {key}");
        }
        assert_eq!(before["routes"][0]["sentence"], after["routes"][0]["sentence"], "{name}");
    }
}

#[test]
fn every_try_sends_its_syns_at_0_1_3_7_15_and_31_seconds() {
    let rows = fields(
        &Tutorial::get().capture("app-private.eni-"),
        "tcp.flags.syn == 1 && tcp.flags.ack == 0 && frame.comment contains \"DROP\"",
        &["frame.time_epoch", "tcp.srcport", "tcp.dstport", "ip.dst"],
    );
    let mut tries: BTreeMap<(u64, String), Vec<u64>> = BTreeMap::new();
    let mut order = Vec::new();
    for row in &rows {
        assert_eq!(row[2..], ["443", "52.94.2.72"]);
        let at = epoch_ns(&row[0]) - start_ns();
        // A port may come again in a later step.
        let step = befores().iter().filter(|(_, step)| step["started_ns"].as_u64().unwrap() <= at).count() as u64;
        let key = (step, row[1].clone());
        if !tries.contains_key(&key) {
            order.push(key.clone());
        }
        tries.entry(key).or_default().push(at);
    }
    assert_eq!(tries.len(), 12, "three times four tries, each from a port of its own");
    for times in tries.values() {
        let seconds: Vec<f64> = times.iter().map(|at| (at - times[0]) as f64 / SECOND as f64).collect();
        for (got, expected) in seconds.iter().zip([0.0, 1.0, 3.0, 7.0, 15.0, 31.0]) {
            assert!((got - expected).abs() < 0.001, "{seconds:?}");
        }
        assert_eq!(seconds.len(), 6, "{seconds:?}");
    }
    // Each try is given up after 60 s; the next begins after a pause.
    for pair in order.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let gap_s = (tries[&pair[1]][0] - tries[&pair[0]][0]) as f64 / SECOND as f64;
        assert!((60.0..85.0).contains(&gap_s), "{gap_s}");
    }
}

/// `[service] unknown_connection = "silence"`: the call on the broken connection gets no answer, not even a reset.
#[test]
fn silence_instead_of_a_reset_costs_the_read_timeout() {
    let scenario = include_str!("../scenarios/tutorial.toml");
    let service = "\n[service]\nunknown_connection = \"silence\"\n\n[dynamodb]\n";
    let silent = scenario.replace("\n[dynamodb]\n", service);
    assert_ne!(silent, scenario);
    let workplace = Workplace::new();
    workplace.write("silent.toml", silent);
    workplace.run(["run", "silent.toml", "--quiet"]).success();
    let result = workplace.result("out/silent");
    let steps = result["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "keep-open" && step.get("rerun_of_step").is_some()).unwrap();
    let worker = host(step, "app-public");
    assert_eq!((&worker["calls_ok"], &worker["attempts"]), (&json!(100), &json!(101)));
    assert_eq!((&worker["connections_opened"], &worker["broken_connections"]), (&json!(1), &json!(1)));
    assert_eq!((&worker["exit_code"], &worker["via"]["id"]), (&json!(0), &json!(ENDPOINT)));

    // On the wire: the request, again and again without an answer, and after 60 s (and the CLI's pause of up to 1 s) another connection.
    let begun = step["started_ns"].as_u64().unwrap();
    let names = contents_of(&workplace.join("out/silent")).into_keys();
    let capture =
        workplace.join("out/silent").join(names.into_iter().find(|name| name.starts_with("app-public.")).unwrap());
    let sent = "ip.src == 172.31.0.10 && (tcp.len > 0 || (tcp.flags.syn == 1 && tcp.flags.ack == 0))";
    let rows = fields(&capture, sent, &["frame.time_epoch", "tcp.srcport", "tcp.flags.syn", "tcp.len"]);
    let since_begin = |row: &Vec<String>| (epoch_ns(&row[0]) - start_ns()).checked_sub(begun);
    let mut rows = rows.iter().filter_map(|row| Some((since_begin(row)?, row)));
    let (first_ns, request) = rows.next().unwrap();
    assert!(first_ns < SECOND / 100 && request[2] == "0", "the request goes out on the open connection: {request:?}");
    let mut unanswered = 1;
    let (renewed_ns, renewed) = rows
        .find(|(_, row)| {
            unanswered += u32::from(row[1] == request[1] && row[3] == request[3]);
            row[1] != request[1]
        })
        .unwrap();
    assert_eq!(renewed[2], "1", "a new connection begins with a SYN");
    let waited_s = (renewed_ns - first_ns) as f64 / SECOND as f64;
    assert!((60.0..61.1).contains(&waited_s), "{waited_s} s");
    assert!((5..=8).contains(&unanswered), "doubling from 1 s on, 60 s hold six or so: {unanswered}");

    let endpoint = workplace.join("out/silent/ddb.vpce-9b15e2f2.pcapng");
    assert!(fields(&endpoint, "tcp.flags.reset == 1", &["frame.number"]).is_empty(), "silence is no reset");
    let assumed = result["assumptions"].as_array().unwrap();
    assert!(assumed.iter().any(|text| text.as_str().unwrap().contains("meets silence")), "{assumed:?}");
    support::assert_conserved(&result);
}

/// Fields of the frames that pass a filter, one row a frame.
fn fields(capture: &std::path::Path, filter: &str, names: &[&str]) -> Vec<Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    let mut arguments = vec!["-r", capture.to_str().unwrap(), "-Y", filter, "-T", "fields"];
    arguments.extend(names.iter().flat_map(|name| ["-e", *name]));
    let rows = wireshark::run("tshark", home.path(), &arguments);
    rows.iter().map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

/// 2026-01-01T00:00:00Z, the scenario's start.
const fn start_ns() -> u64 {
    1_767_225_600 * SECOND
}

/// tshark's `1767225600.000000001` without a detour over floating point.
fn epoch_ns(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 9, "{text}");
    seconds.parse::<u64>().unwrap() * SECOND + fraction.parse::<u64>().unwrap()
}

//! `vpcsim trace`, seen from a shell: the table, the mend, the JSON, how it ends.

mod support;

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use support::{LAB, Ran, Workplace};

const DYNAMODB: &str = "dynamodb.us-east-1.amazonaws.com";
/// The widest line that any output may have.
const WIDTH: usize = 100;

#[test]
fn reachable_by_the_endpoint_by_the_gateway_and_inside() {
    let fixed = trace(&["tutorial", "--from", "app-public", "--to", &format!("{DYNAMODB}:443"), "--after", "fixed"], 0);
    insta::assert_snapshot!("by_endpoint", fixed);
    insta::assert_snapshot!("by_gateway", trace(&["tutorial", "--from", "app-public", "--to", DYNAMODB], 0));
    insta::assert_snapshot!(
        "inside",
        trace(&["tutorial", "--from", "app-public", "--to", "app-private", "--protocol", "icmp"], 0)
    );
    insta::assert_snapshot!(
        "from_outside",
        trace(&["tutorial", "--from", "laptop", "--to", "app-public:22", "--after", "attach-group"], 0)
    );
}

/// Every road, there and back: what is decided at each place, what it translates, what AWS's analyzer would say besides.
#[test]
fn every_road_is_told() {
    let detour = &["roads/dynamodb-over-vpn", "--from", "app", "--to", DYNAMODB];
    let roads: &[&[&str]] = &[
        &["roads/nat-gateway", "--from", "app", "--to", "laptop:80"],
        &["roads/nat-gateway", "--from", "app", "--to", "laptop", "--protocol", "icmp"],
        &["roads/nat-instance", "--from", "app", "--to", "laptop:80", "--after", "check-off"],
        &["roads/hairpin", "--from", "app", "--to", "web.public:80", "--after", "by-address"],
        &["roads/interface-endpoint", "--from", "app", "--to", "ec2.us-east-1.amazonaws.com"],
        &["roads/peering", "--from", "web", "--to", "near:8080"],
        &["roads/transit-gateway", "--from", "seller", "--to", "wiki:80"],
        &["roads/transit-gateway-peering", "--from", "app", "--to", "db", "--protocol", "icmp"],
        &["roads/vpn", "--from", "files", "--to", "app:80"],
        detour,
        &["roads/direct-connect", "--from", "app", "--to", "files:80"],
        &["roads/direct-connect", "--from", "files", "--to", DYNAMODB],
        &["roads/explanations", "--from", "app", "--to", "files:5000", "--protocol", "udp"],
    ];
    insta::assert_snapshot!("roads", traces(roads, 0));
}

/// Roads that end early: what was decided, who is told, and what mends it.
#[test]
fn every_road_that_ends_early_is_told() {
    let lost: &[&[&str]] = &[
        &["roads/hairpin", "--from", "app", "--to", "web.public:80"],
        &["drops/nat-no-session", "--from", "far", "--to", "203.0.113.80:22"],
        &["drops/peering-transit", "--from", "sender", "--to", "receiver:5000", "--protocol", "udp"],
        &["drops/transit-zone", "--from", "there", "--to", "near:5000", "--protocol", "udp"],
        &["drops/transit-association", "--from", "sender", "--to", "receiver:5000", "--protocol", "udp"],
        &["roads/transit-gateway", "--from", "seller", "--to", "helper", "--protocol", "icmp"],
        &["roads/transit-gateway", "--from", "seller", "--to", "vault", "--protocol", "icmp"],
        &["drops/vpn-gateway-no-route", "--from", "app", "--to", "files:80"],
        &["roads/dynamodb-over-vpn", "--from", "app", "--to", DYNAMODB, "--after", "tunnels-down"],
        &["roads/path-mtu-nat", "--from", "app", "--to", "server:7", "--bytes", "8600", "--dont-fragment"],
        &["roads/path-mtu-nat", "--from", "deaf", "--to", "server:7", "--bytes", "8600", "--dont-fragment"],
        &["roads/path-mtu", "--from", "app", "--to", "52.94.2.72", "--bytes", "8600"],
        &["roads/explanations", "--from", "app", "--to", "castle"],
        &["roads/explanations", "--from", "router", "--to", "db:5000", "--protocol", "udp", "--source", "10.0.2.10"],
    ];
    insta::assert_snapshot!("roads_lost", traces(lost, 1));
}

#[test]
fn the_tutorials_trap_and_its_mend() {
    let trap = trace(&["tutorial", "--from", "app-private", "--to", &format!("{DYNAMODB}:443"), "--after", "trap"], 1);
    insta::assert_snapshot!("trap", trap);
}

/// Every class of loss that a probe can meet, each in the scenario that shows it.
#[test]
fn every_loss_a_probe_can_meet() {
    let lost: &[(&str, &[&str])] = &[
        ("blackhole", &["--from", "app", "--to", "192.0.2.7:5000", "--protocol", "udp", "--after", "end-the-router"]),
        ("broadcast", &["--from", "app", "--to", "255.255.255.255:9", "--protocol", "udp"]),
        ("broadcast", &["--from", "app", "--to", "224.0.0.251:5353", "--protocol", "udp"]),
        ("destination-check", &["--from", "app", "--to", "192.168.7.7:5000", "--protocol", "udp"]),
        ("endpoint-initiates", &["--from", "ddb", "--to", "app:8080"]),
        ("endpoint-protocol", &["--from", "app", "--to", "52.94.2.72:443", "--protocol", "udp"]),
        ("link-local", &["--from", "app", "--to", "169.254.169.254:80"]),
        ("network-acl-egress", &["--from", "app", "--to", DYNAMODB]),
        ("network-acl-ingress", &["--from", "app", "--to", DYNAMODB]),
        ("no-interface", &["--from", "app", "--to", "10.0.2.77", "--protocol", "icmp"]),
        ("no-interface", &["--from", "app", "--to", "10.0.1.77", "--protocol", "icmp"]),
        ("no-public-address", &["--from", "app", "--to", DYNAMODB]),
        ("no-route", &["--from", "app", "--to", DYNAMODB]),
        ("nobody-there", &["--from", "app", "--to", "192.0.2.77", "--protocol", "icmp"]),
        ("private-destination", &["--from", "app", "--to", "192.168.1.1:53", "--protocol", "udp"]),
        ("private-destination", &["--from", "app", "--to", "100.64.1.1:53", "--protocol", "udp"]),
        ("private-source", &["--from", "laptop", "--to", "app", "--protocol", "icmp", "--source", "10.1.2.3"]),
        ("private-source", &["--from", "laptop", "--to", "app", "--protocol", "icmp", "--source", "100.64.2.3"]),
        ("security-group-egress", &["--from", "app", "--to", DYNAMODB]),
        ("security-group-ingress", &["--from", "laptop", "--to", "app"]),
        ("source-check", &["--from", "app", "--to", "db:5000", "--protocol", "udp", "--source", "10.0.1.99"]),
    ];
    let mut all = String::new();
    for (scenario, arguments) in lost {
        let scenario = format!("drops/{scenario}");
        let mut line = vec![scenario.as_str()];
        line.extend(*arguments);
        let text = trace(&line, 1);
        all.push_str(&format!("$ vpcsim trace {}\n{text}\n", line.join(" ")));
    }
    insta::assert_snapshot!("lost", all);
}

/// A private instance, and nothing that leads out: gateway, attachment, route, address.
#[test]
fn a_mend_may_take_several_commands_and_holds_when_typed() {
    let workplace = Workplace::new();
    let bare = "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"10.0.0.0/16\" }\n[subnet]\na = { cidr = \"10.0.1.0/24\" }\n\
                [instance]\napp = { subnet = \"a\" }\n[outside]\nlaptop = { address = \"198.51.100.7\" }\n";
    workplace.write("bare.toml", bare);
    let arguments = ["trace", "bare.toml", "--from", "app", "--to", "laptop:443"];
    let ran = ended(workplace.run(arguments), 1);
    let lines = mend_lines(&workplace, &arguments);
    assert_eq!(lines.len(), 5, "{ran}");
    let mut mended = bare.to_owned();
    for (number, line) in lines.iter().enumerate() {
        mended.push_str(&format!("[[step]]\nname = \"s{number}\"\nrun = \"\"\"{line}\"\"\"\n"));
    }
    workplace.write("mended.toml", &mended);
    let ran = workplace.run(["trace", "mended.toml", "--from", "app", "--to", "laptop:443", "--after", "s4"]);
    insta::assert_snapshot!("five_commands", ended(ran, 0));
}

/// Both sides of a network ACL: the request and the answer need an entry each.
#[test]
fn a_stateless_list_needs_two_entries() {
    let workplace = Workplace::new();
    let scenario = "[network_acl]\nclosed = { ingress = [], egress = [\"50 deny tcp 443 to 52.94.0.0/22\", \"100 allow all to 0.0.0.0/0\"] }\n\
                    [route_table]\nmain = { main = true, routes = [\"0.0.0.0/0 -> igw\"] }\n\
                    [subnet]\na = { cidr = \"10.0.1.0/24\", public = true, acl = \"closed\" }\n[instance]\napp = { subnet = \"a\" }\n";
    workplace.write("acl.toml", format!("{LAB}{scenario}"));
    let lines = mend_lines(&workplace, &["trace", "acl.toml", "--from", "app", "--to", DYNAMODB]);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("--egress --rule-number 40") && lines[1].contains("--ingress"), "{lines:#?}");
}

/// A resolver that is switched off loses every call before its first SYN.
#[test]
fn a_name_needs_a_resolver() {
    let workplace = Workplace::new();
    let scenario = "[vpc]\nlab = { cidr = \"10.0.0.0/16\", dns_support = false }\n[subnet]\na = { cidr = \"10.0.1.0/24\" }\n\
                    [instance]\napp = { subnet = \"a\" }\n[endpoint]\nddb = { service = \"dynamodb\", tables = [\"main\"] }\n";
    workplace.write("dns.toml", format!("region = \"us-east-1\"\n{scenario}"));
    insta::assert_snapshot!(
        "no_resolver",
        ended(workplace.run(["trace", "dns.toml", "--from", "app", "--to", DYNAMODB]), 1)
    );
    ended(workplace.run(["trace", "dns.toml", "--from", "app", "--to", "52.94.2.72"]), 0);
}

/// `--at` runs the timeline up to there; the steps' times are those that `run` shows.
#[test]
fn a_time_is_a_point_of_the_run() {
    let road = |at: &str| {
        let text = trace(&["tutorial", "--from", "app-public", "--to", DYNAMODB, "--at", at], 0);
        assert!(text.contains("the timeline run up to there"), "{text}");
        text.contains("by vpce-")
    };
    let result = &support::Tutorial::get().result;
    let step = |name: &str| {
        let steps = result["steps"].as_array().unwrap();
        steps.iter().find(|step| step["name"] == name).unwrap()["finished_ns"].as_u64().unwrap()
    };
    let times = [step("fixed"), step("deleted")];
    assert!(!road(&format!("{}ns", times[0] - 300_000_000)) && road(&format!("{}ns", times[0])));
    assert!(road(&format!("{}ns", times[1] - 300_000_000)) && !road(&format!("{}ns", times[1])));
    assert!(!road("00:00.050"));
}

#[test]
fn json_is_what_botocore_expects_of_an_analysis() {
    let probes: [&[&str]; 17] = [
        &["tutorial", "--from", "app-public", "--to", DYNAMODB, "--after", "fixed"],
        &["tutorial", "--from", "app-private", "--to", DYNAMODB, "--after", "trap"],
        &["tutorial", "--from", "laptop", "--to", "app-public"],
        &["tutorial", "--from", "app-public", "--to", "app-private", "--protocol", "icmp"],
        &["drops/network-acl-ingress", "--from", "app", "--to", DYNAMODB],
        &["drops/blackhole", "--from", "app", "--to", "192.0.2.7", "--after", "end-the-router"],
        &["drops/security-group-egress", "--from", "app", "--to", DYNAMODB, "--after", "mended"],
        &["roads/nat-gateway", "--from", "app", "--to", "laptop:80"],
        &["roads/transit-gateway", "--from", "seller", "--to", "wiki:80"],
        &["roads/transit-gateway", "--from", "seller", "--to", "vault", "--protocol", "icmp"],
        &["roads/peering", "--from", "web", "--to", "near:8080"],
        &["roads/interface-endpoint", "--from", "app", "--to", "ec2.us-east-1.amazonaws.com"],
        &["roads/direct-connect", "--from", "app", "--to", "files:80"],
        &["roads/dynamodb-over-vpn", "--from", "app", "--to", DYNAMODB, "--after", "tunnels-down"],
        &["roads/hairpin", "--from", "app", "--to", "web.public:80"],
        &["roads/explanations", "--from", "app", "--to", "castle"],
        &["drops/source-check", "--from", "app", "--to", "db", "--protocol", "icmp", "--source", "10.0.1.99"],
    ];
    for arguments in probes {
        let document = json(arguments);
        let complaints = botocore(&document["NetworkInsightsAnalysis"]);
        assert_eq!(complaints, "", "{arguments:?}: {document:#}");
    }
    let fixed = json(probes[0]);
    insta::assert_snapshot!("analysis_fixed", format!("{fixed:#}"));
    insta::assert_snapshot!("analysis_trap", format!("{:#}", json(probes[1])));
    assert_eq!(fixed["NetworkInsightsAnalysis"]["NetworkPathFound"], true);
    insta::assert_snapshot!("analysis_nat", format!("{:#}", json(probes[7])["NetworkInsightsAnalysis"]));
    insta::assert_snapshot!("analysis_transit", format!("{:#}", json(probes[9])["NetworkInsightsAnalysis"]));
}

#[test]
fn what_cannot_be_traced_is_an_error_that_says_why() {
    let cases: &[(&[&str], &str)] = &[
        (&["tutorial", "--from", "app-pubic", "--to", DYNAMODB], "did you mean \"app-public\"?"),
        (
            &["tutorial", "--from", "app-public", "--to", "dynamodb.us-east-1.amazonaws.co"],
            "did you mean \"dynamodb.us",
        ),
        (&["tutorial", "--from", "app-public", "--to", DYNAMODB, "--after", "nowhere"], "no step \"nowhere\""),
        (&["tutorial", "--from", "app-public", "--to", DYNAMODB, "--after", "clean-up"], "is terminated"),
        (
            &["tutorial", "--from", "app-public", "--to", "app-private", "--protocol", "udp"],
            "UDP needs a destination port",
        ),
        (&["tutorial", "--from", "app-public", "--to", "laptop:1", "--protocol", "icmp"], "ICMP has no ports"),
        (&["tutorial", "--from", "app-private", "--to", "app-private.public"], "has no address"),
        (&["tutorial", "--from", "app-public", "--to", DYNAMODB, "--at", "noon"], "\"noon\" is no time"),
        (&["tutorail", "--from", "app-public", "--to", DYNAMODB], "did you mean \"tutorial\"?"),
        (&["tutorial", "--from", "app-public"], "--to"),
    ];
    let workplace = Workplace::new();
    for (arguments, wanted) in cases {
        let ran = workplace.run(std::iter::once(&"trace").chain(*arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&ran.stderr).contains(wanted), "{arguments:?}: {}", ran.stderr);
    }
    assert!(workplace.files().is_empty(), "a trace writes nothing");
}

#[test]
fn a_line_that_does_not_reach_the_api_is_told() {
    let workplace = Workplace::new();
    let scenario = "[vpc]\nlab = { cidr = \"10.0.0.0/16\" }\n[subnet]\na = { cidr = \"10.0.1.0/24\" }\n[instance]\napp = { subnet = \"a\" }\n\
                    [[step]]\nname = \"try\"\non = \"app\"\nrun = \"aws ec2 create-vpc-endpoint --vpc-id lab --service-name com.amazonaws.us-east-1.dynamodb --route-table-ids main\"\n\
                    [[step]]\nname = \"wrong\"\nrun = \"aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-12345678\"\n\
                    [[step]]\nname = \"refused\"\nrun = \"aws ec2 create-security-group --group-name default --description x --vpc-id lab\"\n";
    workplace.write("far.toml", format!("region = \"us-east-1\"\n{scenario}"));
    let ran = workplace.run(["trace", "far.toml", "--from", "app", "--to", DYNAMODB, "--after", "refused"]);
    insta::assert_snapshot!("not_applied", ended(ran, 1));
}

#[test]
fn colours_only_where_they_belong_and_a_closed_pipe_is_no_error() {
    let workplace = Workplace::new();
    let arguments = ["trace", "tutorial", "--from", "app-public", "--to", DYNAMODB];
    let mut forced = workplace.command(arguments);
    forced.env("CLICOLOR_FORCE", "1");
    let forced = Ran::of(assert_cmd::Command::from_std(forced));
    assert!(forced.stdout.contains('\u{1b}'));
    assert!(!workplace.run(arguments).stdout.contains('\u{1b}'));
    let mut child = workplace.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// Several traces, each below its command line.
#[track_caller]
fn traces(lines: &[&[&str]], code: i32) -> String {
    lines.iter().map(|line| format!("$ vpcsim trace {}\n{}\n", line.join(" "), trace(line, code))).collect()
}

/// Runs a trace of a built-in scenario.
#[track_caller]
fn trace(arguments: &[&str], code: i32) -> String {
    ended(Workplace::new().run(std::iter::once(&"trace").chain(arguments)), code)
}

/// What a trace printed that ended as it should.
#[track_caller]
fn ended(ran: Ran, code: i32) -> String {
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(code), ""), "{}", ran.stdout);
    let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    ran.stdout
}

fn json(arguments: &[&str]) -> Value {
    let mut line = vec!["trace", "--json"];
    line.extend(arguments);
    let ran = Workplace::new().run(line);
    assert_eq!(ran.stderr, "");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The mend of a trace, as the JSON has it.
fn mend_lines(workplace: &Workplace, arguments: &[&str]) -> Vec<String> {
    let ran = workplace.run(arguments.iter().chain(&["--json"]));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let lines = document["Vpcsim"]["Mend"].as_array().unwrap_or_else(|| panic!("no mend: {document:#}"));
    lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// What botocore complains about in an analysis.
fn botocore(analysis: &Value) -> String {
    let python = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/analysis_botocore.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 with botocore: scripts/test installs it");
    child.stdin.take().unwrap().write_all(analysis.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

//! What hosts run beside `aws`, seen from a shell: the shipped scenarios' output word for word, the wire as tshark reads it, and mistakes in
//! command lines.

mod support;
#[path = "wireshark/mod.rs"]
mod wireshark;

use serde_json::Value;
use std::fmt::Write;
use support::{Workplace, assert_conserved, captures};

/// The widest line that any output may have.
const WIDTH: usize = 100;
/// A network in which everything is let through, and somebody serves everything.
const OPEN: &str = r#"
region = "us-east-1"
[vpc]
lab = { cidr = "10.0.0.0/16", internet_gateway = true }
[route_table]
main = { main = true, routes = ["0.0.0.0/0 -> igw"] }
[subnet]
a = { cidr = "10.0.1.0/24", public = true }
[security_group]
open = { ingress = ["all from 0.0.0.0/0"] }
[instance]
app = { subnet = "a", groups = ["open"] }
db = { subnet = "a", groups = ["open"], serves = ["http", "bulk", "tcp-echo", "udp-echo", "ssh 2222"] }
[outside]
laptop = { address = "198.51.100.7", serves = ["bulk", "udp-echo"] }
"#;

/// Runs a shipped scenario; all its expectations must hold. What each program printed, as text.
fn transcript(name: &str) -> (Workplace, String) {
    let workplace = Workplace::new();
    let ran = workplace.run(["run", &format!("programs/{name}"), "--out", "out"]).success();
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= WIDTH), "{}", ran.stdout);
    let result = workplace.result("out");
    assert_conserved(&result);
    assert_eq!((&result["complete"], &result["checks"]["failed"]), (&Value::Bool(true), &0.into()));
    let mut text = String::new();
    for step in result["steps"].as_array().unwrap() {
        for host in step["hosts"].as_array().unwrap() {
            let via = host["via"]["class"].as_str().unwrap_or("none");
            let _ = writeln!(text, "{}$ {}", host["host"].as_str().unwrap(), step["command"].as_str().unwrap());
            for stream in ["stdout", "stderr"] {
                text.push_str(host[stream].as_str().unwrap());
            }
            let _ = writeln!(text, "[exit {}, via {via}, {} packets]", host["exit_code"], host["packets"]);
        }
        for warning in step["warnings"].as_array().unwrap() {
            let _ = writeln!(text, "! {}", warning["text"].as_str().unwrap());
        }
    }
    assert_no_complaints_of_wireshark(&workplace, &result);
    (workplace, text)
}

/// Nothing malformed and every checksum right, in every capture.
fn assert_no_complaints_of_wireshark(workplace: &Workplace, result: &Value) {
    wireshark::install_profile(workplace.path());
    let bad = "_ws.malformed || ip.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\" \
               || udp.checksum.status == \"Bad\" || icmp.checksum.status == \"Bad\"";
    for name in captures(result) {
        assert_eq!(fields(workplace, &name, bad, &["frame.number"]), [""; 0], "{name}");
    }
}

fn fields(workplace: &Workplace, capture: &str, filter: &str, fields: &[&str]) -> Vec<String> {
    let path = workplace.join("out").join(capture);
    let path = path.to_str().unwrap().to_owned();
    let mut arguments = vec!["-C", vpcsim::capture::profile::NAME, "-r", &path, "-2", "-Y", filter, "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    wireshark::run("tshark", workplace.path(), &arguments)
}

fn capture_of(workplace: &Workplace, host: &str) -> String {
    let result = workplace.result("out");
    captures(&result).into_iter().find(|name| name.starts_with(&format!("{host}."))).expect("a capture of the host")
}

#[test]
fn ping_prints_what_iputils_prints_and_the_wire_agrees() {
    let (workplace, text) = transcript("ping");
    insta::assert_snapshot!("ping", text);
    let app = capture_of(&workplace, "app");
    // One identifier per run, sequence numbers from 1, replies matched by Wireshark too.
    let filter = "icmp.type == 8 && ip.dst == 10.0.2.10";
    let column = |field| fields(&workplace, &app, filter, &[field]);
    assert_eq!(column("icmp.seq"), ["1", "2", "3", "1"]);
    let identifiers = column("icmp.ident");
    assert_eq!((identifiers[0] == identifiers[2], identifiers[0] == identifiers[3]), (true, false));
    let answered = fields(&workplace, &app, "icmp.type == 8 && icmp.resp_in && ip.dst == 10.0.2.10", &["frame.number"]);
    assert_eq!(answered.len(), 4);
}

#[test]
fn curl_prints_what_curl_prints() {
    insta::assert_snapshot!("curl", transcript("curl").1);
}

#[test]
fn dig_prints_what_dig_prints() {
    insta::assert_snapshot!("dig", transcript("dig").1);
}

#[test]
fn nc_ssh_and_udp_tell_open_refused_and_silent_ports() {
    insta::assert_snapshot!("ports", transcript("ports").1);
}

#[test]
fn tracepath_prints_what_iputils_prints_and_never_lets_a_probe_be_fragmented() {
    let (workplace, text) = transcript("tracepath");
    insta::assert_snapshot!("tracepath", text);
    let app = capture_of(&workplace, "app");
    let filter = "udp.dstport >= 44444 && udp.dstport <= 44507 && !icmp && ip.flags.df == 1 && ip.flags.mf == 0";
    let lengths = fields(&workplace, &app, filter, &["ip.len"]);
    // Two to the host that answers; three per TTL to the other, and one more because the first found this host's own MTU.
    assert_eq!(lengths, ["9001"; 2 + 10]);
}

#[test]
fn traceroute_shows_the_destination_and_says_why_nothing_else() {
    let (workplace, text) = transcript("traceroute");
    insta::assert_snapshot!("traceroute", text);
    let app = capture_of(&workplace, "app");
    let ttls = fields(
        &workplace,
        &app,
        "udp.dstport >= 33434 && udp.dstport <= 33534 && ip.src == 10.0.1.10 && !icmp",
        &["ip.ttl", "udp.dstport"],
    );
    let expected: Vec<String> = (0..16).map(|probe| format!("{}\t{}", probe / 3 + 1, 33_434 + probe)).collect();
    assert_eq!(ttls, expected, "16 probes at once, three per TTL");
    // A half-open probe is ended by RST, and each probe is one SYN.
    let syns = fields(&workplace, &app, "tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip.dst == 10.0.2.10", &["ip.ttl"]);
    assert_eq!(syns.len(), 12, "{syns:?}");
}

#[test]
fn bulk_is_bounded_by_the_link_the_window_and_the_round_trip() {
    let (_, text) = transcript("bulk");
    insta::assert_snapshot!("bulk", text);
    // Megabits per second, in the order of the steps: the link's 5 Gbit/s less headers, 512 KiB per round trip at most.
    let rates: Vec<f64> =
        text.lines().filter_map(|line| line.split_once("goodput ")).map(|(_, rate)| megabits(rate)).collect();
    let [near, far, internet, reverse] = rates[..] else { panic!("{text}") };
    assert!((4_000.0..5_000.0).contains(&near), "{near}");
    assert!(far < 524_288.0 * 8.0 / 1_060.0 && far > 1_000.0, "{far}");
    assert!(internet < 524_288.0 * 8.0 / 40_000.0 && internet > 10.0, "{internet}");
    assert!(reverse < internet, "less data, more of it in slow start: {reverse}");
}

fn megabits(rate: &str) -> f64 {
    let (number, unit) = rate.split_once(' ').unwrap();
    let number: f64 = number.parse().unwrap();
    if unit == "Gbit/s" { number * 1_000.0 } else { number }
}

/// One run of a few steps on [`OPEN`]; its result.
fn run(extra: &str, steps: &[(&str, &str)]) -> (Workplace, Value) {
    let workplace = Workplace::new();
    let mut scenario = format!("{OPEN}{extra}");
    for (on, line) in steps {
        let _ = write!(scenario, "[[step]]\non = \"{on}\"\nrun = '''{line}'''\n");
    }
    workplace.write("s.toml", scenario);
    let ran = workplace.run(["run", "s.toml", "--out", "out", "--quiet"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    let result = workplace.result("out");
    assert_conserved(&result);
    (workplace, result)
}

fn outcome(result: &Value, step: usize) -> (u64, String) {
    let host = &result["steps"][step]["hosts"][0];
    let text = format!("{}{}", host["stdout"].as_str().unwrap(), host["stderr"].as_str().unwrap());
    (host["exit_code"].as_u64().unwrap(), text)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let steps =
        [("app", "ping -c 2 db"), ("app", "traceroute -T db"), ("laptop", "bulk app -n 10K"), ("app", "dig x.example")];
    let files = |(workplace, _): (Workplace, Value)| support::contents_of(&workplace.join("out"));
    assert_eq!(files(run("", &steps)), files(run("", &steps)));
}

#[test]
fn bulk_survives_losses_and_small_queues() {
    let lossy = "[links]\nnic = { bandwidth = \"100 Mbit/s\", queue = \"64 KiB\" }\nsame_az = { loss = 0.01 }\n";
    let (_, result) = run(
        lossy,
        &[("app", "bulk db -n 4M"), ("app", "bulk db -n 4M -R"), ("app", "udp db 7 -n 500 -s 1000 -i 0.001")],
    );
    for step in [0, 1] {
        let (code, text) = outcome(&result, step);
        assert_eq!(code, 0, "{text}");
        let rate = megabits(text.trim_end().rsplit_once("goodput ").unwrap().1);
        assert!((1.0..100.0).contains(&rate), "{text}");
    }
    let (code, text) = outcome(&result, 2);
    assert_eq!(code, 0);
    assert!(text.contains("500 sent") && !text.contains("500 echoed"), "{text}");
}

#[test]
fn dont_fragment_is_the_users_choice() {
    let (workplace, result) = run("", &[("app", "ping -c 1 -M dont db"), ("app", "ping -c 1 -M do db")]);
    assert_eq!((outcome(&result, 0).0, outcome(&result, 1).0), (0, 0));
    wireshark::install_profile(workplace.path());
    let app = capture_of(&workplace, "app");
    let is_set = |flag: &str| {
        fields(&workplace, &app, &format!("icmp.type == 8 && ip.flags.df == {flag}"), &["frame.number"]).len()
    };
    assert_eq!((is_set("0"), is_set("1")), (1, 1));
    assert_no_complaints_of_wireshark(&workplace, &result);
}

#[test]
fn long_datagrams_cross_in_fragments_that_wireshark_puts_together() {
    let (workplace, result) = run("", &[("app", "ping -c 1 -s 20000 db"), ("app", "udp db 7 -n 2 -s 30000")]);
    assert!(outcome(&result, 0).1.contains("20008 bytes from 10.0.1.11: icmp_seq=1"), "{:?}", outcome(&result, 0));
    assert!(outcome(&result, 1).1.contains("2 sent, 2 echoed"), "{:?}", outcome(&result, 1));
    assert_no_complaints_of_wireshark(&workplace, &result);
    let app = capture_of(&workplace, "app");
    let lengths = |filter| fields(&workplace, &app, filter, &["ip.reassembled.length"]);
    assert_eq!(lengths("icmp.type == 8 || icmp.type == 0"), ["20008", "20008"]);
    assert_eq!(lengths("udp.port == 7 && ip.reassembled.length"), ["30008"; 4]);
    assert_eq!(fields(&workplace, &app, "ip.len > 9001", &["frame.number"]), [""; 0]);
}

#[test]
fn what_a_host_serves_replaces_the_default_and_new_names_work() {
    let (_, result) = run(
        "[[step]]\nrun = \"aws ec2 run-instances --image-id ami-0abcdef1234567890 --subnet-id a --security-group-ids open\"\nas = \"fresh\"\n",
        &[
            ("app", "nc -z db 22"),
            ("app", "nc -z db 2222"),
            ("app", "nc -z laptop 22"),
            ("app", "nc -z fresh 22"),
            ("app", "curl -s -o /dev/null -w '%{http_code}|%{remote_ip}|%{exitcode}' http://db/"),
            ("app", "curl -sI http://db/"),
            ("app", "curl -s http://nobody.example/"),
            ("app", "ping -c 1 app"),
            ("app", "nc -v db 7"),
        ],
    );
    let codes: Vec<u64> = (1..10).map(|step| outcome(&result, step).0).collect();
    assert_eq!(codes, [1, 0, 1, 0, 0, 0, 6, 2, 0]);
    assert_eq!(outcome(&result, 5).1, "200|10.0.1.11|0");
    assert!(outcome(&result, 6).1.starts_with("HTTP/1.1 200 OK\r\nServer: vpcsim\r\n"));
    assert_eq!(outcome(&result, 7).1, "", "-s says nothing, and nothing came");
    assert!(outcome(&result, 8).1.contains("no loopback"));
}

#[test]
fn round_trips_are_recorded_per_road() {
    let (_, result) = run("", &[("app", "ping -c 5 db"), ("app", "ping -c 3 laptop"), ("app", "udp laptop 7 -n 4")]);
    let count = |road: &str| {
        let all = result["latency"].as_array().unwrap().iter();
        let mut of_road = all.filter(|entry| entry["road"] == road && entry["kind"] == "round_trip");
        of_road.next().map(|entry| entry["count"].as_u64().unwrap())
    };
    assert_eq!((count("local"), count("internet-gateway")), (Some(5), Some(7)));
}

#[test]
fn mistakes_are_found_before_anything_runs_and_at_their_place() {
    let workplace = Workplace::new();
    let refusals = [
        ("pign db", "did you mean \"ping\"?", "pign"),
        ("ping -c four db", "-c wants a whole number from 1 to 65535, not \"four\"", "-c"),
        ("ping --flood db", "ping has no option --flood in vpcsim; it has -c COUNT, -s BYTES", "--flood"),
        ("ping bd", "no host is called \"bd\"; names of DNS have a dot", "bd"),
        ("curl gopher://db/", "curl speaks http and https in vpcsim, not \"gopher\"", "gopher"),
        ("curl -k https://db/", "curl has no option -k in vpcsim", "-k"),
        ("curl -w %{http_cod} db", "did you mean http_code?", "-w"),
        ("dig db.example +sort", "dig has no option +sort in vpcsim", "+sort"),
        ("nc db", "the port is missing", "db"),
        ("nc db http", "\"http\" is no port: expected 1 to 65535", "http"),
        ("bulk db -n 99G", "-n wants a size from 1 to 10737418240 bytes", "-n"),
        ("udp db 7 | tee x", "a step is one command, not a shell", "|"),
        ("traceroute -m 0 db", "-m wants a whole number from 1 to 255", "-m"),
        ("ssh -p no db", "ssh -p needs a port", "no"),
    ];
    for (line, message, place) in refusals {
        let scenario = format!("{OPEN}[[step]]\non = \"app\"\nrun = '{line}'\n");
        let at = scenario.rfind(&format!("run = '{line}'")).unwrap() + "run = '".len() + line.find(place).unwrap();
        let (row, column) = vpcsim::scenario::position(&scenario, at);
        workplace.write("bad.toml", &scenario);
        let ran = workplace.run(["run", "bad.toml"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}");
        // The report wraps its sentences.
        let said = ran.stderr.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(message), "{line}: {message:?} is not said:\n{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("bad.toml:{row}:{column}")),
            "{line}: not at {row}:{column}:\n{}",
            ran.stderr
        );
    }
    let cases = [
        ("serves = [\"htpp\"]", "did you mean \"http\"?"),
        ("serves = [\"http x\"]", "\"http x\" names no port"),
        ("serves = [\"http\", \"ssh 80\"]", "port 80 is served twice"),
    ];
    for (serves, message) in cases {
        workplace.write("bad.toml", OPEN.replace("serves = [\"bulk\", \"udp-echo\"]", serves));
        let ran = workplace.run(["run", "bad.toml"]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(message), "{serves}: {}", ran.stderr);
    }
    workplace.write("bad.toml", format!("{OPEN}[[step]]\nrun = \"ping db\"\n"));
    let ran = workplace.run(["run", "bad.toml"]);
    assert!(ran.stderr.contains("ping sends packets, so a host must run it"), "{}", ran.stderr);
}

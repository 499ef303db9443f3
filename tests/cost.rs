//! What roads cost: metered on whole runs, held against captures as Wireshark reads them, and seen from a shell.

mod support;

use serde_json::Value;
use std::process::Command;
use support::Workplace;

/// Two zones, an outside host, and what can be charged inside one VPC.
const NETWORK: &str = "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"10.0.0.0/16\", internet_gateway = true }\n\
    [route_table]\nout = { routes = [\"0.0.0.0/0 -> lab\"] }\n[subnet]\n\
    a = { cidr = \"10.0.1.0/24\", az = \"us-east-1a\", table = \"out\", public = true }\n\
    b = { cidr = \"10.0.2.0/24\", az = \"us-east-1b\" }\n[security_group]\nopen = { ingress = [\"all from 0.0.0.0/0\"] }\n\
    [instance]\nweb = { subnet = \"a\", groups = [\"open\"], serves = [\"http 80\", \"bulk\"] }\n\
    near = { subnet = \"a\", groups = [\"open\"] }\nfar = { subnet = \"b\", groups = [\"open\"] }\n\
    [outside]\nlaptop = { address = \"198.51.100.7\" }\n\
    [endpoint]\nddb = { type = \"interface\", service = \"dynamodb\", subnets = [\"a\", \"b\"], groups = [\"open\"], id = \"vpce-0a1b2c3d\", dns_suffix = \"sow3v4uq\" }\n";

const ENDPOINT: &str = "vpce-0a1b2c3d-sow3v4uq-us-east-1a.dynamodb.us-east-1.vpce.amazonaws.com";

fn result_of(workplace: &Workplace, steps: &str, flags: &[&str]) -> Value {
    workplace.write("x.toml", format!("{NETWORK}{steps}"));
    let ran = workplace.run([&["run", "x.toml", "--json"], flags].concat()).success();
    serde_json::from_str(&ran.stdout).unwrap()
}

fn roads(result: &Value) -> Vec<&Value> {
    result["cost"]["roads"].as_array().unwrap().iter().collect()
}

fn step(name: &str, on: &str, run: &str) -> String {
    format!("[[step]]\nname = \"{name}\"\non = \"{on}\"\nrun = \"{run}\"\n")
}

#[test]
fn inside_a_zone_nothing_is_charged_and_between_zones_both_ends_are() {
    let workplace = Workplace::new();
    let near = result_of(&workplace, &step("a", "near", "curl -s http://web/"), &["--capture", "none"]);
    assert!(roads(&near).is_empty(), "{:#}", near["cost"]);
    assert_eq!(near["steps"][0]["hosts"][0]["usd_per_gb"], 0.0);
    let far = result_of(&workplace, &step("a", "far", "curl -s http://web/"), &["--capture", "none"]);
    let [local] = roads(&far)[..] else { panic!("{:#}", far["cost"]) };
    assert_eq!((local["road"].as_str(), local["to"].as_str()), (Some("local"), Some("instances")));
    assert_eq!((&local["usd_per_gb"], &local["usd_per_hour"]), (&0.02.into(), &0.0.into()));
    assert_eq!(local["usd_per_month"], 2.0);
    assert_eq!(local["hosts"], serde_json::json!(["web", "far"]));
    assert_eq!(far["steps"][0]["hosts"][0]["usd_per_gb"], 0.02);
}

#[test]
fn who_sends_to_the_internet_pays_who_receives_does_not() {
    let workplace = Workplace::new();
    for (flags, sent) in [("-R", true), ("", false)] {
        let line = format!("bulk web.public -n 1M {flags}");
        let result =
            result_of(&workplace, &step("bulk", "laptop", line.trim()), &["--capture", "none", "--volume", "1TB"]);
        let [road] = roads(&result)[..] else { panic!("{:#}", result["cost"]) };
        assert_eq!((road["road"].as_str(), road["to"].as_str()), (Some("internet-gateway"), Some("internet")));
        let per_gb = road["usd_per_gb"].as_f64().unwrap();
        let month = road["usd_per_month"].as_f64().unwrap();
        // Of a download nearly all bytes leave AWS, of an upload the acknowledgements.
        assert_eq!((per_gb > 0.08, per_gb < 0.01), (sent, !sent), "{per_gb}");
        let leaves_gb = per_gb / 0.09 * 1_000.0;
        let expected = 3.65 + (leaves_gb - 100.0).max(0.0) * 0.09;
        assert!((month - expected).abs() < 1e-3, "{month} {expected}");
    }
}

#[test]
fn an_interface_endpoint_processes_both_directions_and_its_zones_cost_hours() {
    let workplace = Workplace::new();
    let call = |on: &str| step(on, on, &format!("aws dynamodb list-tables --endpoint-url https://{ENDPOINT}"));
    let result = result_of(&workplace, &(call("near") + &call("far")), &["--capture", "nics"]);
    let [road] = roads(&result)[..] else { panic!("{:#}", result["cost"]) };
    assert_eq!((road["id"].as_str(), road["to"].as_str()), (Some("vpce-0a1b2c3d"), Some("DynamoDB")));
    assert_eq!(road["usd_per_hour"], 0.02);
    assert_eq!(result["steps"][0]["hosts"][0]["usd_per_gb"], 0.01);
    assert_eq!(result["steps"][1]["hosts"][0]["usd_per_gb"], 0.03);
    let items: Vec<&str> =
        road["items"].as_array().unwrap().iter().map(|item| item["item"].as_str().unwrap()).collect();
    assert_eq!(
        items,
        ["2 endpoint interfaces", "interface endpoint processing", "cross-AZ to the interface endpoint, both ends"]
    );
    // Every byte, as Wireshark counts the callers' own captures.
    let mut bytes = 0;
    let mut packets = 0;
    for file in result["files"].as_array().unwrap().iter().filter_map(|file| file["path"].as_str()) {
        if file.starts_with("near.") || file.starts_with("far.") {
            for length in lengths(&workplace.join("out/x").join(file)) {
                bytes += length;
                packets += 1;
            }
        }
    }
    assert_eq!((road["bytes"].as_u64(), road["packets"].as_u64()), (Some(bytes), Some(packets)));
}

/// IP lengths of the TCP segments to and from port 443, as tshark reads them.
fn lengths(file: &std::path::Path) -> Vec<u64> {
    let output = Command::new("tshark")
        .args(["-n", "-Y", "tcp.port == 443", "-T", "fields", "-e", "ip.len", "-r"])
        .arg(file)
        .output()
        .expect("tshark is needed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn prices_are_the_scenarios_and_expectations_hold_them() {
    let workplace = Workplace::new();
    let text = |expected: &str| {
        format!(
            "{NETWORK}[prices]\ncross_zone_per_gb = 0.02\nmonthly_volume = \"1 TB\"\n{}expect.far = {{ usd_per_gb = {expected} }}\n",
            step("a", "far", "curl -s http://web/")
        )
    };
    workplace.write("x.toml", text("0.04"));
    let ran = workplace.run(["run", "x.toml", "--capture", "none"]).success();
    let lines: Vec<&str> =
        ran.stdout.lines().filter(|line| line.starts_with("cost") || line.starts_with("   ")).collect();
    assert!(ran.stdout.contains("\ncost     USD, 1 TB a month"), "{}", ran.stdout);
    assert!(lines.iter().any(|line| line.trim().starts_with("local") && line.contains("40.00")), "{lines:#?}");
    workplace.write("x.toml", text("0.02"));
    let ran = workplace.run(["run", "x.toml", "--capture", "none"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("FAILED a, far: expected usd_per_gb 0.02, got 0.04"), "{}", ran.stdout);
    workplace.write("x.toml", format!("{NETWORK}[prices]\nnat_gateway_per_gb = -0.1\n"));
    let ran = workplace.run(["run", "x.toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("is no price") && ran.stderr.contains("x.toml:"), "{}", ran.stderr);
}

/// One figure of each road that leads out of a VPC: its class, the far end, what a gigabyte and an hour cost.
#[test]
fn roads_between_networks() {
    let workplace = Workplace::new();
    for (scenario, class, to, per_gb, per_hour) in [
        ("roads/peering-inter-region", "peering", "instances", 0.02, 0.0),
        ("roads/transit-gateway", "transit-gateway", "instances", 0.02, 0.15),
        // Sent into the one, and from Region to Region into the other.
        ("roads/transit-gateway-peering", "transit-gateway", "instances", 0.04, 0.2),
        // Out by the VPN, and back from DynamoDB over the internet: whichever way, it leaves AWS.
        ("roads/dynamodb-over-vpn", "vpn", "DynamoDB", 0.09, 0.05),
        ("problems/7-nat-bill", "nat-gateway", "S3", 0.045, 0.05),
        ("problems/7-nat-bill", "gateway-endpoint", "S3", 0.0, 0.0),
    ] {
        let ran = workplace.run(["run", scenario, "--json", "--capture", "none"]).success();
        let result: Value = serde_json::from_str(&ran.stdout).unwrap();
        let found = roads(&result).into_iter().find(|road| road["road"] == class && road["to"] == to);
        let road = found.unwrap_or_else(|| panic!("{scenario}: {:#}", result["cost"]));
        let figures = (road["usd_per_gb"].as_f64(), road["usd_per_hour"].as_f64());
        assert_eq!(figures, (Some(per_gb), Some(per_hour)), "{scenario}");
    }
}

/// What was processed and then dropped is no road's, and still not free.
#[test]
fn lost_packets_are_charged_apart() {
    let workplace = Workplace::new();
    let ran = workplace.run(["run", "roads/nat-gateway", "--json", "--capture", "none"]).success();
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    // An 8,500 byte packet that the NAT gateway took and the internet gateway did not.
    assert!(result["cost"]["lost_usd"].as_f64().unwrap() >= 8_500.0 * 0.045 / 1e9, "{:#}", result["cost"]);
    assert!(roads(&result).iter().all(|road| road["to"] != "nobody" && road["usd_per_gb"].as_f64().unwrap() < 0.15));
}

#[test]
fn the_comparison_seen_from_a_shell() {
    let workplace = Workplace::new();
    let ran = workplace.run(["cost", "--volume", "1TB"]).success();
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    insta::assert_snapshot!("comparison_of_the_tutorials_call", ran.stdout);
    let json = workplace.run(["cost", "--json"]).success();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["comparison"]["lanes"].as_array().unwrap().len(), 5);
    assert_eq!(json["cost"]["monthly_volume_bytes"], 100_000_000_000_u64);
    for (arguments, about) in [
        (&["cost", "--call", "aws ec2 describe-vpcs"][..], "cannot be compared"),
        (&["cost", "--volume", "much"], "expected 500 MB"),
    ] {
        let ran = workplace.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(about), "{arguments:?}: {}", ran.stderr);
    }
}

/// Two services by one NAT gateway: its hours show once. What nothing passed is listed, and without a call nothing is compared.
#[test]
fn hours_show_once_idle_things_are_named_and_nothing_is_compared_without_a_call() {
    let workplace = Workplace::new();
    let ran = workplace.run(["cost", "problems/7-nat-bill"]).success();
    let rows: Vec<&str> =
        ran.stdout.lines().filter(|line| line.starts_with("nat-") && line.contains("(nat)")).collect();
    let [first, second] = rows[..] else { panic!("{}", ran.stdout) };
    assert!(first.ends_with("0.05      41.00") && second.ends_with("0       4.50"), "{rows:#?}");
    assert_eq!(ran.stdout.matches("1 NAT gateway: 730 h").count(), 1, "{}", ran.stdout);

    workplace.write(
        "x.toml",
        format!("{NETWORK}[nat_gateway]\nspare = {{ subnet = \"a\" }}\n{}", step("a", "near", "curl -s http://web/")),
    );
    let ran = workplace.run(["cost", "x.toml"]).success();
    assert!(
        ran.stdout.contains("NAT gateway nat-") && ran.stdout.contains("(spare): 0.045 USD/hour, 32.85 USD"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("interface endpoint vpce-0a1b2c3d (ddb): 0.02 USD/hour, 14.60 USD"), "{}", ran.stdout);
    assert!(ran.stdout.contains("public IPv4 address eipalloc-"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("no call of DynamoDB or S3") && !ran.stdout.contains("The same call"),
        "{}",
        ran.stdout
    );
    let json: Value = serde_json::from_str(&workplace.run(["cost", "x.toml", "--json"]).success().stdout).unwrap();
    assert!(json["comparison"].is_null() && json["cost"]["idle"].as_array().unwrap().len() >= 3, "{:#}", json["cost"]);
}

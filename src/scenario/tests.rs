//! The shipped scenarios, bad input as users see it, and mutated input.

use super::*;
use crate::ids::{InstanceId, VpcId};
use crate::model::{
    Provenance, RouteDestination, RouteOrigin, RouteState, RouteTarget, ServiceKind, UnknownConnection,
};
use crate::time::SimDuration;
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn tutorial() -> Scenario {
    parse("tutorial.toml", embedded("tutorial").unwrap(), None)
        .unwrap_or_else(|error| panic!("{}", shown_error(&error)))
}

fn good(source: &str) -> Scenario {
    parse("test.toml", source, None).unwrap_or_else(|error| panic!("{}", shown_error(&error)))
}

fn bad(source: &str) -> String {
    match parse("test.toml", source, None) {
        Ok(_) => panic!("accepted:\n{source}"),
        Err(error) => shown_error(&error),
    }
}

fn shown_error(error: &ScenarioError) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100).with_links(false);
    let mut report = String::new();
    handler.render_report(&mut report, error).unwrap();
    let report: Vec<&str> = report.lines().map(str::trim_end).collect();
    report.join("\n")
}

const HEAD: &str = "region = \"us-east-1\"\n[vpc]\nmain = { cidr = \"10.0.0.0/16\", internet_gateway = true }\n";

fn with_head(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

#[test]
fn the_tutorial_is_what_its_text_says() {
    let scenario = tutorial();
    assert_eq!(scenario.instances, ["app-public", "app-private"]);
    assert_eq!(scenario.outside, ["laptop"]);
    assert_eq!(scenario.start_unix_seconds, 1_767_225_600);
    let vpc: VpcId = "vpc-0bbc736e".parse().unwrap();
    assert!(scenario.model.vpcs[&vpc].is_default);
    assert_eq!(scenario.names.lookup(Kind::Vpc, "default"), Some("vpc-0bbc736e"));
    for zone in ["1a", "1f"] {
        assert!(scenario.names.lookup(Kind::Subnet, &format!("default-{zone}")).is_some());
    }
    let address = |name: &str| {
        let id: InstanceId = scenario.names.lookup(Kind::Instance, name).unwrap().parse().unwrap();
        let eni = &scenario.model.network_interfaces[&scenario.model.instances[&id].primary_interface_id.unwrap()];
        (eni.private_ip.to_string(), eni.public_address.map(|public| public.address.to_string()))
    };
    assert_eq!(address("app-public"), ("172.31.0.10".to_owned(), Some("203.0.113.25".to_owned())));
    assert_eq!(address("app-private"), ("172.31.96.10".to_owned(), None));
    let main = scenario.names.lookup(Kind::RouteTable, "main").unwrap();
    assert_eq!(scenario.model.vpcs[&vpc].main_route_table_id.to_string(), main);
    assert!(scenario.model.dynamodb_tables.contains("Music"));
    let steps: Vec<&str> = scenario.steps.iter().map(|step| step.name.as_str()).collect();
    assert!(["before", "trap", "keep-open", "fixed", "deleted"].iter().all(|name| steps.contains(name)));
}

#[test]
fn expectations_of_reruns_are_the_earlier_steps_unless_overridden() {
    let scenario = tutorial();
    let step = |name: &str| scenario.step(name).unwrap();
    let (before, trap, fixed) = (step("before"), step("trap"), step("fixed"));
    let rerun = trap.expectation_of_rerun(before, "app-private").unwrap();
    assert_eq!(rerun.reason.as_deref(), Some("NO_ROUTE_TO_DESTINATION"));
    let rerun = fixed.expectation_of_rerun(before, "app-private").unwrap();
    assert_eq!((rerun.via.clone(), rerun.source), (Some(Via::GatewayEndpoint), Some(ExpectedSource::Private)));
    assert_eq!(rerun.reason, None);
    assert_eq!(fixed.expectation("laptop").unwrap().output_contains.as_deref(), Some("true"));
    let attach = step("attach-group");
    assert_eq!(attach.expectation("laptop").unwrap().output_contains, None);
    let again = attach.expectation_of_rerun(step("ssh-refused"), "laptop").unwrap();
    assert_eq!(again.exit, Some(0));
    assert_eq!(again.reason, None);
}

#[test]
fn the_seed_decides_ids_and_the_command_line_beats_the_file() {
    let text = embedded("tutorial").unwrap();
    let ids = |seed| parse("t", text, seed).unwrap().names;
    assert_eq!(ids(None), ids(Some(1)));
    assert_ne!(ids(Some(1)), ids(Some(2)));
    assert_eq!(parse("t", text, Some(9)).unwrap().seed.value(), 9);
}

#[test]
fn the_order_of_tables_changes_nothing() {
    let parts = [
        "[subnet]\na = { cidr = \"10.0.1.0/24\", table = \"t\", acl = \"n\" }\n",
        "[network_acl]\nn = { ingress = [\"100 allow all from 0.0.0.0/0\"], egress = [\"100 allow all to 0.0.0.0/0\"] }\n",
        "[route_table]\nt = { routes = [\"0.0.0.0/0 -> igw\", \"192.168.0.0/16 -> eni of app\", \"mine -> igw\"] }\n",
        "[security_group]\nweb = { ingress = [\"tcp 443 from sg db\"] }\ndb = { egress = [\"tcp 443 to sg web\"] }\n",
        "[instance]\napp = { subnet = \"a\", groups = [\"web\"], elastic_ip = \"fixed\" }\n",
        "[elastic_ip]\nfixed = { address = \"198.51.100.99\" }\n",
        "[prefix_list]\nmine = { cidrs = [\"198.18.0.0/15\"] }\n",
        "[endpoint]\nddb = { service = \"dynamodb\", tables = [\"t\", \"main\"] }\n",
    ];
    let forward = good(&with_head(&parts.concat()));
    let backward = good(&with_head(&parts.iter().rev().copied().collect::<String>()));
    assert_eq!(format!("{:?}", forward.model), format!("{:?}", backward.model));
    assert_eq!(forward.names, backward.names);
    let model = &forward.model;
    let table = model.route_tables.values().find(|table| table.tags.name() == Some("t")).unwrap();
    assert_eq!(table.routes.len(), 5);
    assert!(table.routes.iter().all(|route| model.route_state(table, route) == RouteState::Active));
    assert_eq!(
        model.network_interfaces.values().next().unwrap().public_address.unwrap().address,
        Ipv4Addr::new(198, 51, 100, 99)
    );
    let db = model.security_groups.values().find(|group| group.group_name == "db").unwrap();
    assert_eq!(db.egress.len(), 1, "egress replaces the rule that allows everything");
}

#[test]
fn propagated_routes_main_tables_and_ids() {
    let scenario = good(&with_head(
        "[subnet]\na = { cidr = \"10.0.1.0/24\", id = \"subnet-00000001\" }\n\
         [instance]\nrouter = { subnet = \"subnet-00000001\", source_dest_check = false, interface_id = \"eni-00000002\" }\n\
         [route_table]\ncore = { main = true, id = \"rtb-00000003\", routes = [\"10.9.0.0/16 -> eni-00000002 (propagated vpn-bgp)\"] }\n",
    ));
    let vpc = scenario.model.vpcs.values().next().unwrap();
    assert_eq!(vpc.main_route_table_id.to_string(), "rtb-00000003");
    for name in ["core", "main", "main-main", "rtb-00000003"] {
        assert_eq!(scenario.names.lookup(Kind::RouteTable, name), Some("rtb-00000003"), "{name}");
    }
    let route = scenario.model.route_tables[&vpc.main_route_table_id].routes[1];
    assert!(matches!(route.origin, RouteOrigin::Propagated(_)));
    assert_eq!(route.target, RouteTarget::NetworkInterface("eni-00000002".parse().unwrap()));
    assert_eq!(route.destination, RouteDestination::Cidr("10.9.0.0/16".parse().unwrap()));
}

#[test]
fn settings_and_links_are_overridden_in_part() {
    let scenario = good(&with_head(
        "[links]\nnic = { latency = \"1ms\", loss = 0.5 }\ninternet = { bandwidth = \"10 Mbit/s\", queue = \"64 KiB\" }\n\
         [service]\nunknown_connection = \"silence\"\nidle_timeout = \"5s\"\n[dns]\nttl = 60\n\
         [cli]\nattempts_max = 1\ntls = \"1.2\"\n[dynamodb]\nroad_latency = \"internet\"\n[limits]\ntracked_connections = 4\n",
    ));
    let links = scenario.model.links;
    let default = crate::model::Links::default();
    assert_eq!(links.nic.latency, SimDuration::from_millis(1));
    assert_eq!(links.nic.bandwidth_bits_per_second, default.nic.bandwidth_bits_per_second);
    assert_eq!((links.internet.bandwidth_bits_per_second, links.internet.queue_bytes), (10_000_000, 65_536));
    assert_eq!(links.same_az, default.same_az);
    assert_eq!(scenario.model.unknown_connection, UnknownConnection::Silence);
    assert_eq!(scenario.model.dns_ttl_seconds, 60);
    assert_eq!(scenario.settings.cli.tls, TlsChoice::Tls12);
    assert_eq!(scenario.settings.cli.attempts_max, 1);
    assert_eq!(scenario.model.links.dynamodb_public_latency, Some(default.internet.latency));
    assert_eq!(scenario.settings.tracked_connections_max, Some(4));
}

#[test]
fn public_services_of_every_region() {
    let scenario = tutorial();
    let services = &scenario.model.public_services;
    let home: Vec<_> = services.iter().filter(|service| service.region == "us-east-1").collect();
    assert_eq!(home.len(), 4);
    assert_eq!(home[0].address, Ipv4Addr::new(52, 94, 2, 72));
    assert!(home[0].dns_names.contains(&"*.ddb.us-east-1.amazonaws.com".to_owned()));
    assert_eq!(home[1].kind, ServiceKind::Ec2);
    assert_eq!((home[2].kind, home[3].kind), (ServiceKind::S3, ServiceKind::Sts));
    assert!(home[2].has_name("pictures.s3.amazonaws.com") && home[2].has_name("s3.us-east-1.amazonaws.com"));
    assert!(!home[2].has_name("a.b.s3.amazonaws.com") && !home[0].has_name("x.ddb.us-east-1.amazonaws.com"));
    assert!(home[3].has_name("sts.amazonaws.com"));
    // One Region has no S3 list.
    assert_eq!(services.len(), 1 + 42 + 41 + 42);
    for service in services {
        assert!(service.cidrs.iter().any(|cidr| cidr.contains(&service.address)), "{service:?}");
    }
}

#[test]
fn a_managed_list_can_be_overridden() {
    let scenario = good(&with_head(
        "[prefix_list]\n\"com.amazonaws.us-east-1.dynamodb\" = { cidrs = [\"52.119.224.0/20\", \"52.94.0.0/22\"], id = \"pl-0000000d\" }\n\
         [route_table]\nt = { routes = [\"dynamodb -> igw\"] }\n",
    ));
    let list = scenario.model.prefix_list_named("com.amazonaws.us-east-1.dynamodb").unwrap();
    assert_eq!(list.id.to_string(), "pl-0000000d");
    assert_eq!((list.cidrs.len(), list.provenance, list.weight), (2, Provenance::Scenario, 1));
    assert_eq!(scenario.model.public_services[0].cidrs, list.cidrs);
    let table = scenario.model.route_tables.values().find(|table| table.tags.name() == Some("t")).unwrap();
    assert_eq!(table.routes[1].destination, RouteDestination::PrefixList(list.id));
}

#[test]
fn two_vpcs_keep_their_own_defaults_apart() {
    let scenario = good(
        "region = \"eu-west-1\"\n[vpc]\nlegacy = { default = true }\nlab = { cidrs = [\"10.0.0.0/16\", \"10.1.0.0/16\"] }\n\
         [subnet]\ns = { vpc = \"lab\", cidr = \"10.1.0.0/24\", az = \"eu-west-1b\" }\n\
         [instance]\na = { subnet = \"s\", groups = [\"default\"] }\nb = { subnet = \"legacy-1c\" }\n",
    );
    let names = &scenario.names;
    assert_ne!(names.lookup(Kind::RouteTable, "main"), names.lookup(Kind::RouteTable, "lab-main"));
    assert_eq!(names.lookup(Kind::RouteTable, "main"), names.lookup(Kind::RouteTable, "legacy-main"));
    let a: InstanceId = names.lookup(Kind::Instance, "a").unwrap().parse().unwrap();
    let eni = &scenario.model.network_interfaces[&scenario.model.instances[&a].primary_interface_id.unwrap()];
    assert_eq!(names.lookup(Kind::SecurityGroup, "lab-default"), Some(eni.security_group_ids[0].to_string().as_str()));
}

macro_rules! bad_input {
    ($($name:ident: $source:expr;)+) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), bad(&$source));
        }
    )+};
}

bad_input! {
    bad_toml: "region = \"us-east-1\ntitle = 3";
    bad_region: "region = \"us-esat-1\"";
    bad_no_region: "title = \"x\"";
    bad_unknown_keys: with_head("[subent]\nx = 1\n[subnet]\na = { cird = \"10.0.1.0/24\", cidr = \"10.0.1.0/24\" }\n");
    bad_types: with_head("seed2 = 1\n[subnet]\na = { cidr = 10, public = \"yes\" }\nb = 3\n");
    bad_overlapping_subnets: with_head("[subnet]\na = { cidr = \"10.0.0.0/20\" }\nb = { cidr = \"10.0.8.0/24\" }\n");
    bad_subnet_outside_vpc: with_head("[subnet]\na = { cidr = \"10.1.0.0/24\" }\nb = { cidr = \"10.0.1.7/24\" }\n");
    bad_zone: with_head("[subnet]\na = { cidr = \"10.0.1.0/24\", az = \"us-east-1g\" }\n");
    bad_references: with_head("[subnet]\napp-a = { cidr = \"10.0.1.0/24\", table = \"privat\" }\n[route_table]\nprivate = {}\n\
        [instance]\nx = { subnet = \"app-b\", groups = [\"rtb-00000001\"] }\n");
    bad_list_of_another_region: with_head("[route_table]\nt = { routes = [\"pl-6ea54007 -> igw\"] }\n\
        [security_group]\ng = { egress = [\"tcp 443 to pl-6ea54007\"] }\n");
    bad_endpoint_policy: with_head("[endpoint]\nddb = { service = \"dynamodb\", policy = '{\"Version\": }' }\n");
    bad_endpoint_service: with_head("[endpoint]\nddb = { service = \"com.amazonaws.eu-west-1.dynamodb\" }\n");
    bad_route_targets: "region = \"us-east-1\"\n[vpc]\na = { cidr = \"10.0.0.0/16\" }\n[endpoint]\nddb = { service = \"dynamodb\" }\n\
        [route_table]\nt = { routes = [\"0.0.0.0/0 -> igw\", \"10.7.0.0/16 -> eni of nobody\", \"s3 -> vpce-00000001\", \"10.0.1.0 -> x\", \"0.0.0.0/0\"] }\n";
    bad_peerings: "region = \"us-east-1\"\n[vpc]\na = { cidr = \"10.1.0.0/16\" }\nb = { cidr = \"10.1.128.0/17\" }\n\
        far = { cidr = \"10.9.0.0/16\", region = \"eu-wset-1\" }\n\
        [peering]\na-b = { vpcs = [\"a\", \"b\"] }\na-c = { vpcs = [\"a\", \"c\"] }\nlone = { vpcs = [\"a\"] }\nnone = {}\n";
    bad_transit_gateways: "region = \"us-east-1\"\n[vpc]\na = { cidr = \"10.1.0.0/16\" }\nfar = { cidr = \"10.9.0.0/16\", region = \"eu-west-1\" }\n\
        [subnet]\na-1 = { vpc = \"a\", cidr = \"10.1.1.0/24\" }\na-2 = { vpc = \"a\", cidr = \"10.1.2.0/24\" }\n\
        far-1 = { vpc = \"far\", az = \"us-east-1a\", cidr = \"10.9.1.0/24\" }\nfar-2 = { vpc = \"far\", cidr = \"10.9.2.0/24\" }\n\
        [transit_gateway.hub]\nroutes = [\"dynamodb -> a\", \"10.9.0.0/16 -> nobody\"]\n\
        [transit_gateway.hub.attachments]\na = { subnets = [\"a-1\", \"a-2\"] }\nfar = { subnets = [\"far-2\"] }\n\
        me = { peer = \"hub\" }\nmixed = { peer = \"hub\", subnets = [] }\nlost = { subnets = [\"a-1\"] }\n\
        [transit_gateway_table]\nt = { propagate = [\"me\"], associate = [\"x\"] }\n";
    bad_rules: with_head("[security_group]\ng = { ingress = [\"tcp 22 to 10.0.0.0/8\", \"tpc 22 from self\"] }\n\
        [network_acl]\nn = { ingress = [\"100 allow all from 0.0.0.0/0\", \"100 deny all from 0.0.0.0/0\"] }\n");
    bad_ids: with_head("[subnet]\na = { cidr = \"10.0.1.0/24\", id = \"subnet-12\" }\nb = { cidr = \"10.0.2.0/24\", id = \"subnet-00000001\" }\n\
        c = { cidr = \"10.0.3.0/24\", id = \"subnet-00000001\" }\n");
    bad_names: with_head("[subnet]\na = { cidr = \"10.0.1.0/24\" }\n[outside]\nApp = { address = \"198.51.100.7\" }\nall = { address = \"198.51.100.8\" }\n\
        [instance]\napp = { subnet = \"a\" }\n\"x y\" = { subnet = \"a\" }\nvpc-00000001 = { subnet = \"a\" }\n");
    bad_addresses: with_head("[outside]\na = { address = \"10.0.0.1\" }\nb = { address = \"52.94.0.9\" }\nc = { address = \"here\" }\n\
        [dynamodb]\naddress = \"1.2.3.4\"\n");
    bad_public_address_twice: with_head("[subnet]\ns = { cidr = \"10.0.1.0/24\" }\n[outside]\na = { address = \"198.51.100.7\" }\n\
        [instance]\ni1 = { subnet = \"s\", public_ip = \"198.51.100.7\" }\ni2 = { subnet = \"s\", private_ip = \"10.0.1.2\" }\n");
    bad_steps: with_head("[outside]\nlaptop = { address = \"198.51.100.7\" }\n\
        [[step]]\nname = \"one\"\non = \"lapptop\"\nrun = \"aws\"\n\
        [[step]]\nname = \"two\"\nthen = \"three\"\n\
        [[step]]\nname = \"two\"\non = \"laptop\"\nrun = \"crul example.com\"\nexpect.laptp = { exit = 300 }\n\
        [[step]]\nname = \"four\"\n");
    bad_expectations: with_head("[outside]\nlaptop = { address = \"198.51.100.7\" }\n\
        [[step]]\non = \"laptop\"\nrun = \"aws ec2 describe-vpcs\"\nexpect.laptop = { via = \"internet-gatway\", source = \"pubic\", reason = \"no route\" }\n");
    bad_duplicate_key: "region = \"us-east-1\"\nregion = \"us-east-2\"\n";
    bad_durations: with_head("[links]\nnic = { latency = \"5\", loss = 2 }\n[service]\nidle_timeout = \"1 lightyear\"\n");
    bad_start: "region = \"us-east-1\"\nstart = 2026-01-01\n";
    bad_quota: "region = \"us-east-1\"\n[elastic_ip]\na = {}\nb = {}\nc = {}\nd = {}\ne = {}\nf = {}\n";
    bad_send: with_head("[outside]\nlaptop = { address = \"198.51.100.7\" }\n[[step]]\non = \"laptop\"\nsend = \"udp laptop:1 => 10.0.0.1:2\"\n\
        [[step]]\nsend = \"icmp echo 198.51.100.7 -> 10.0.0.1\"\n");
    bad_second_default_vpc: "region = \"us-east-1\"\n[vpc]\na = { default = true }\nb = { default = true, cidr = \"10.0.0.0/16\" }\nc = { default = true }\n";
}

#[test]
fn each_limit_has_its_own_error() {
    let message = |source: &str| parse("test.toml", source, None).unwrap_err().to_string();
    assert!(message(&"#".repeat(SOURCE_BYTES_MAX + 1)).contains("1048577 bytes"));
    let steps = with_head(&"[[step]]\nwait = \"1s\"\n".repeat(STEPS_MAX + 1));
    assert!(message(&steps).contains("1001 steps"));
    let outside = "[outside]\nlaptop = { address = \"198.51.100.7\" }\n";
    let repeat = |count: u32, times: usize| {
        let step = format!("[[step]]\non = \"laptop\"\nrun = \"aws ec2 describe-vpcs\"\nrepeat = {count}\n");
        with_head(&format!("{outside}{}", step.repeat(times)))
    };
    assert!(message(&repeat(REPEATS_MAX + 1, 1)).contains("\"repeat\" of 100001 is out of range"));
    assert!(message(&repeat(REPEATS_MAX, 11)).contains("runs 1100000 actions"));
    let hosts: String =
        (0..=HOSTS_MAX).map(|n| format!("h{n} = {{ address = \"192.0.{}.{}\" }}\n", n / 250, n % 250)).collect();
    assert!(message(&with_head(&format!("[outside]\n{hosts}"))).contains("more than 1000 hosts"));
    let deep = format!("region = \"us-east-1\"\nx = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse("test.toml", &deep, None).is_err());
}

#[test]
fn reports_name_file_line_and_column() {
    let error = parse("dir/x.toml", &with_head("[subnet]\na = { cidr = \"10.1.0.0/24\" }\n"), None).unwrap_err();
    let lines: Vec<String> = error.lines().collect();
    assert_eq!(lines, ["dir/x.toml:5:15: The CIDR '10.1.0.0/24' is invalid"]);
}

/// Shipped scenarios use the words that tests and reports rely on.
#[test]
fn every_shipped_scenario_is_read() {
    for (name, source) in EMBEDDED {
        let scenario = parse(name, source, None).unwrap_or_else(|error| panic!("{}", shown_error(&error)));
        assert!(!scenario.steps.is_empty(), "{name} has no steps");
        assert_ne!(scenario.title, *name, "{name} has no title");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens to the tutorial's bytes, the answer is a scenario or a report that can be shown.
    #[test]
    fn mutated_text_never_panics(edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,6}|[\\[\\]{}=\",.#\n0-9a-f-]{0,6}"), 1..6)) {
        let mut text: Vec<char> = embedded("tutorial").unwrap().chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = parse("mutated.toml", &text, None) {
            prop_assert!(!shown_error(&error).is_empty());
        }
    }

    /// Words exchanged for other words of the file reach deeper than damaged bytes.
    #[test]
    fn exchanged_words_never_panic(swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8)) {
        let source = embedded("tutorial").unwrap();
        let mut words: Vec<&str> = source.split_inclusive([' ', '\n', '"', '-', '.']).collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            words.swap(a, b);
        }
        if let Err(error) = parse("mutated.toml", &words.concat(), None) {
            prop_assert!(!shown_error(&error).is_empty());
        }
    }
}

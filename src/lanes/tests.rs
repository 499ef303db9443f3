//! The lanes of the built-in scenario under several users' settings.

use super::*;

fn compared(text: &str, line: Option<&str>) -> Lanes {
    let scenario = parse("x.toml", text, None).unwrap();
    let mut run = Run::capturing(scenario.clone(), CaptureOptions::none()).unwrap();
    while run.advance(EVENTS_A_ROUND).unwrap() != Progress::Done {}
    let (result, _) = run.finish();
    compare(&scenario, &workload(&scenario, &result, line).unwrap().unwrap()).unwrap()
}

fn lane<'l>(lanes: &'l Lanes, name: &str) -> &'l Lane {
    lanes.lanes.iter().find(|lane| lane.name == name).unwrap_or_else(|| panic!("no lane {name}"))
}

#[test]
fn every_lane_takes_its_road_and_costs_what_the_prices_say() {
    let lanes = compared("region = \"us-east-1\"\n", Some(CALL_DEFAULT));
    assert_eq!(lanes.call, CALL_DEFAULT);
    let told: Vec<_> = lanes.lanes.iter().map(|lane| (lane.name.as_str(), lane.road, lane.usd_per_gb)).collect();
    assert_eq!(
        told,
        [
            ("internet-gateway", Some("internet-gateway"), Some(0.0)),
            ("nat-gateway", Some("nat-gateway"), Some(0.045)),
            ("nat-gateway-other-az", Some("nat-gateway"), Some(0.065)),
            ("gateway-endpoint", Some("gateway-endpoint"), Some(0.0)),
            ("interface-endpoint", Some("interface-endpoint"), Some(0.01)),
        ]
    );
    let months: Vec<f64> = lanes.lanes.iter().map(|lane| lane.usd_per_month).collect();
    // Hours: an address; a gateway with its address, twice; nothing; one interface. Then 100 GB.
    assert_eq!(months, [3.65, 36.5 + 4.5, 36.5 + 6.5, 0.0, 7.3 + 1.0]);
    for lane in &lanes.lanes {
        assert_eq!(lane.calls_ok, CALLS, "{}", lane.name);
        assert!(lane.bytes_per_call > 2_000 && lane.bytes_per_call < 20_000, "{}: {}", lane.name, lane.bytes_per_call);
        assert_eq!(lane.tariff.month_usd(0.0), lane.tariff.hours_usd(), "{}", lane.name);
    }
    let latency = |name| lane(&lanes, name).call_ns_median;
    assert!(latency("nat-gateway-other-az") > latency("nat-gateway"), "the other zone takes its time");
    // One NAT gateway with its address costs as much an hour as interfaces in five zones.
    let zones: Vec<_> = lanes.endpoint_zones.iter().map(|it| it.cheaper_from_gb_per_month).collect();
    assert_eq!(zones[..5], [Some(0.0); 5]);
    assert_eq!(zones[5], Some(208.571), "(6 x 0.01 - 0.05) x 730 / (0.045 - 0.01)");
    assert_eq!(lanes.break_evens, [], "with one zone the order is the same at any volume");
}

#[test]
fn links_prices_region_and_workload_are_the_users() {
    let text = "region = \"eu-central-1\"\n[prices]\nnat_gateway_per_hour = 0\ninternet_per_gb = 0.2\n\
                [links]\naws_service = { latency = \"10ms\" }\n[vpc]\nv = { cidr = \"10.0.0.0/16\", internet_gateway = true }\n\
                [route_table]\nout = { routes = [\"0.0.0.0/0 -> igw\"] }\n[subnet]\ns = { cidr = \"10.0.1.0/24\", table = \"out\", public = true }\n\
                [instance]\napp = { subnet = \"s\" }\n[dynamodb]\ntables = [\"Music\"]\n\
                [[step]]\non = \"app\"\nrun = \"aws dynamodb put-item --table-name Music --item '{\\\"pk\\\":{\\\"S\\\":\\\"a\\\"}}'\"\n\
                [[step]]\non = \"app\"\nrun = \"aws dynamodb get-item --table-name Music --key '{\\\"pk\\\":{\\\"S\\\":\\\"a\\\"}}'\"\n\
                [[step]]\non = \"app\"\nrun = \"aws dynamodb delete-table --table-name Music\"\n";
    let lanes = compared(text, None);
    assert!(lanes.call.contains("get-item"), "{}", lanes.call);
    for lane in &lanes.lanes {
        assert_eq!(lane.calls_ok, CALLS, "{}", lane.name);
        // TCP, TLS and the call: three round trips of 20 ms and more.
        assert!(lane.call_ns_median > 60_000_000, "{}: {}", lane.name, lane.call_ns_median);
    }
    // Without hours of its own the NAT gateway is cheaper than the interface endpoint while little travels.
    let even = &lanes.break_evens;
    let nat = even.iter().find(|it| it.below == "nat-gateway" && it.above == "interface-endpoint").unwrap();
    assert_eq!(nat.gb_per_month, 104.286, "(0.01 - 0.005) x 730 / (0.045 - 0.01)");
}

#[test]
fn other_calls_are_refused_or_compared() {
    let scenario = parse("x.toml", "region = \"us-east-1\"\n", None).unwrap();
    let (result, _) = Run::new(scenario.clone()).unwrap().finish();
    for line in ["aws ec2 describe-vpcs", "aws dynamodb list-tables --region eu-west-1", "ping x"] {
        let refused = workload(&scenario, &result, Some(line)).unwrap_err();
        assert!(matches!(refused, LanesError::NotComparable { .. }), "{line}: {refused}");
    }
    let s3 = compared("region = \"us-east-1\"\n[s3]\nbuckets = [\"pictures\"]\n", Some("aws s3api list-buckets"));
    assert!(s3.lanes.iter().all(|lane| lane.calls_ok == CALLS), "{:#?}", s3.lanes);
    assert_eq!(lane(&s3, "interface-endpoint").usd_per_gb, Some(0.01));
}

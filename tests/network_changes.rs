//! VPCs, subnets and gateways come and go while packets travel: every packet is accounted for (a run that loses one ends in an
//! error), and a network that is not touched notices nothing.

use vpcsim::run::{Progress, Run, RunResult};

/// Two VPCs: in one a program calls DynamoDB for five seconds; what happens to the other stands in `steps`.
fn scenario(steps: &str) -> String {
    format!(
        r#"
        region = "us-east-1"
        [vpc]
        kept = {{ cidr = "10.0.0.0/16", internet_gateway = true }}
        lost = {{ cidr = "10.0.0.0/16", internet_gateway = true }}
        [route_table]
        kept = {{ vpc = "kept", main = true, routes = ["0.0.0.0/0 -> igw"] }}
        lost = {{ vpc = "lost", main = true, routes = ["0.0.0.0/0 -> igw"] }}
        [subnet]
        kept = {{ vpc = "kept", cidr = "10.0.1.0/24", public = true }}
        lost = {{ vpc = "lost", cidr = "10.0.1.0/24", public = true }}
        [instance]
        worker = {{ subnet = "kept" }}
        victim = {{ subnet = "lost" }}
        [dynamodb]
        tables = ["Music"]
        [[step]]
        name = "work"
        on = "worker"
        run = "aws dynamodb list-tables"
        background = true
        repeat = 100
        every = "50ms"
        session = "worker"
        {steps}
        "#
    )
}

fn run(source: &str) -> RunResult {
    let mut run = Run::new(vpcsim::scenario::parse("test.toml", source, None).unwrap()).unwrap();
    // Few events at a time, so that every pause between them is tried.
    while run.advance(7).unwrap() == Progress::Working {}
    run.finish().0
}

fn step(at_ms: u64, line: &str) -> String {
    format!("[[step]]\nat = \"{at_ms}ms\"\nrun = \"aws ec2 {line}\"\nexpect.operator = {{ exit = 0 }}\n")
}

/// Takes the whole lost VPC down, from `start_ms` on, with `gap_ms` from one call to the next.
fn take_down(start_ms: u64, gap_ms: u64) -> String {
    let lines = [
        "terminate-instances --instance-ids victim",
        "delete-subnet --subnet-id lost",
        "detach-internet-gateway --internet-gateway-id lost --vpc-id lost",
        "delete-internet-gateway --internet-gateway-id lost",
        "delete-vpc --vpc-id lost",
        "create-vpc --cidr-block 10.0.0.0/16",
    ];
    lines.iter().zip(0..).map(|(line, position)| step(start_ms + gap_ms * position, line)).collect()
}

#[test]
fn what_is_not_touched_notices_nothing() {
    let quiet = run(&scenario(""));
    for (start_ms, gap_ms) in [(150, 0), (1_003, 1), (2_000, 333)] {
        let result = run(&scenario(&take_down(start_ms, gap_ms)));
        assert!(result.complete);
        assert_eq!((result.checks.passed, result.checks.failed), (6, 0), "{start_ms} {gap_ms}");
        let work = |result: &RunResult| {
            let step = result.steps.iter().find(|step| step.name == "work").unwrap().clone();
            let host = &step.hosts[0];
            (host.calls_ok, host.connections_opened, host.packets, host.bytes, host.call_ns_median, step.finished_ns)
        };
        assert_eq!(work(&result), work(&quiet), "{start_ms} {gap_ms}");
        assert_eq!(work(&quiet).0, 100);
    }
}

/// The victim is in the middle of a handshake when everything around it goes.
#[test]
fn packets_under_way_are_accounted_for() {
    for start_ms in [100, 101, 102, 103, 110, 140] {
        let own = "[[step]]\nname = \"call\"\nat = \"100ms\"\non = \"victim\"\nbackground = true\nrun = \"aws dynamodb list-tables\"\n";
        let result = run(&scenario(&format!("{own}{}", take_down(start_ms, 0))));
        assert!(result.complete, "{start_ms}");
        assert_eq!(result.checks.failed, 0, "{start_ms}");
        let victim = &result.steps.iter().find(|step| step.name == "call").unwrap().hosts[0];
        // The call takes less than 10 ms, if it is left alone.
        let expected = if start_ms < 104 { (255, "the host was terminated\n") } else { (0, "") };
        assert_eq!((victim.exit_code, victim.stderr.as_str()), expected, "{start_ms}");
    }
}

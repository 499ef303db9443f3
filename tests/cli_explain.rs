//! `vpcsim explain`, seen from a shell.

mod support;

use serde_json::Value;
use support::Workplace;
use vpcsim::dataplane::DropReason;

#[test]
fn a_code_in_any_case() {
    let workplace = Workplace::new();
    let told = workplace.run(["explain", "no_route_to_destination"]).success().stdout;
    insta::assert_snapshot!("no_route", told);
    assert_eq!(workplace.run(["explain", "NO-ROUTE-TO-DESTINATION"]).success().stdout, told);
    let rule = workplace.run(["explain", "endpoint-without-route-table"]).success().stdout;
    assert!(rule.contains("vpcsim check tutorial"), "{rule}");
    let foreign = workplace.run(["explain", "ELB_NOT_CROSSZONE"]).success().stdout;
    assert!(foreign.contains("vpcsim does not say it: load balancers are not simulated"), "{foreign}");
    insta::assert_snapshot!("told_by_trace", workplace.run(["explain", "IGW_NAT_REFLECTION"]).success().stdout);
}

#[test]
fn the_scenarios_that_it_names_show_the_code() {
    let workplace = Workplace::new();
    for reason in DropReason::ALL {
        let told = workplace.run(["explain", reason.code(), "--json"]).success().stdout;
        let told: Value = serde_json::from_str(&told).unwrap();
        for scenario in told["scenarios"].as_array().unwrap() {
            let text = vpcsim::scenario::embedded(scenario.as_str().unwrap()).unwrap();
            assert!(text.contains(reason.code()), "{scenario} does not show {}", reason.code());
        }
    }
}

/// Rules of `check`: the scenarios named are remarked on so.
#[test]
fn the_scenarios_that_it_names_break_the_rule() {
    let workplace = Workplace::new();
    let all = vpcsim::codes::all();
    let rules = all.iter().filter(|explanation| explanation.origin == vpcsim::codes::Origin::Check);
    for (rule, scenario) in rules.flat_map(|rule| rule.scenarios.iter().map(move |scenario| (rule.code, scenario))) {
        let told = workplace.run(["check", scenario, "--json"]).success().stdout;
        assert!(told.contains(&format!("\"{rule}\"")), "vpcsim check {scenario} lacks {rule}: {told}");
    }
}

/// Codes that no packet dies of: `explain` names the trace that says each.
#[test]
fn the_traces_that_it_names_say_the_code() {
    let workplace = Workplace::new();
    let mut told_count = 0;
    for explanation in vpcsim::codes::all() {
        for arguments in &explanation.traces {
            let ran = workplace.run(std::iter::once("trace").chain(arguments.split(' ')));
            let said = format!("[{}]", explanation.code);
            let words = |text: &str| text.split_whitespace().collect::<String>();
            let text = words(&ran.stdout) + &words(&ran.stderr);
            assert!(text.contains(&said), "vpcsim trace {arguments}\nlacks {said}:\n{}{}", ran.stdout, ran.stderr);
            told_count += 1;
        }
    }
    assert!(told_count >= 18, "{told_count}");
}

/// The codes of AWS's analyzer that concern what is simulated: each is shown by a run or a trace of a shipped scenario.
#[test]
fn what_concerns_gateways_endpoints_and_rules_is_all_there() {
    const WANTED: &str = "BAD_STATE BAD_STATE_ATTACHMENT BAD_STATE_ROUTE BAD_STATE_VPN CANNOT_ROUTE ENI_ADDRESS_RESTRICTION \
        ENI_SG_RULES_MISMATCH ENI_SOURCE_DEST_CHECK_RESTRICTION GATEWAY_REJECTS_SPOOFED_TRAFFIC \
        HIGHER_PRIORITY_ROUTE IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS \
        IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS IGW_NAT_REFLECTION IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS \
        IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS \
        IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS MORE_SPECIFIC_ROUTE NGW_DEST_ADDRESS_PRESERVATION \
        NGW_REQUIRES_SOURCE_IN_VPC NGW_SOURCE_ADDRESS_REASSIGN NO_POSSIBLE_DESTINATION NO_ROUTE_TO_DESTINATION \
        PCX_REQUIRES_ADDRESS_IN_VPC_CIDR PROTOCOL_RESTRICTION REMAP_EPHEMERAL_PORT SG_HAS_NO_RULES \
        SG_REFERENCES_NOT_PRESERVED SUBNET_ACL_RESTRICTION TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION \
        TGW_ATTACH_VPC_AZ_RESTRICTION TGW_ROUTE_AZ_RESTRICTION VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS \
        VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS VPC_BLOCK_PUBLIC_ACCESS_ENABLED VPC_LOCAL_ROUTE_CIDR_RESTRICTION \
        VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION VPCE_GATEWAY_PROTOCOL_RESTRICTION VPCE_INTRA_VPC_TRAFFIC \
        VPCE_SERVICE_NOT_INSTALLED_IN_AZ DISCONNECTED_VPCS NO_PATH NO_SOURCE_OR_DESTINATION \
        UNASSOCIATED_COMPONENT UNSUPPORTED_COMPONENT IGW_EXPECTS_PUBLIC_ADDRESS";
    let all = vpcsim::codes::all();
    for code in WANTED.split_whitespace() {
        let found = all.iter().find(|explanation| explanation.code == code).unwrap_or_else(|| panic!("{code}"));
        assert!(found.simulated, "{code}");
        assert!(!found.scenarios.is_empty() || !found.traces.is_empty(), "{code} is shown by nothing");
    }
}

#[test]
fn all_codes_in_a_table() {
    let workplace = Workplace::new();
    let told = workplace.run(["explain"]).success().stdout;
    assert!(told.lines().all(|line| line.chars().count() <= 100));
    for reason in DropReason::ALL {
        assert!(told.contains(&format!(" {} ", reason.code())), "{} is not listed", reason.code());
    }
    let json: Value = serde_json::from_str(&workplace.run(["explain", "--json"]).success().stdout).unwrap();
    let codes: Vec<&str> = json.as_array().unwrap().iter().map(|entry| entry["code"].as_str().unwrap()).collect();
    for code in &codes {
        assert!(told.contains(*code), "{code}");
    }
    assert!(codes.len() > 110, "{}", codes.len());
}

#[test]
fn an_unknown_code_gets_a_suggestion() {
    let workplace = Workplace::new();
    for (typed, about) in [
        ("NO_ROUT_TO_DESTINATION", "did you mean NO_ROUTE_TO_DESTINATION"),
        ("banana", "vpcsim explain lists all codes"),
    ] {
        let ran = workplace.run(["explain", typed]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.contains(about), "{}", ran.stderr);
    }
}

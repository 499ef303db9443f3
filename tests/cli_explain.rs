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
    assert!(foreign.contains("does not simulate this yet"), "{foreign}");
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

//! `vpcsim diff`, seen from a shell.

mod support;

use serde_json::Value;
use support::Workplace;

#[test]
fn two_steps_of_the_tutorial() {
    let workplace = Workplace::new();
    let told = workplace.run(["diff", "tutorial@before", "tutorial@fixed"]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!("tutorial_before_and_fixed", told.stdout);
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 100));
    assert_eq!(workplace.run(["diff", "tutorial@before", "@fixed"]).stdout, told.stdout);

    let json = workplace.run(["diff", "tutorial@before", "@fixed", "--json"]);
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 2);
    let private = &json["differences"][0];
    assert_eq!((private["from"].as_str(), private["to"].as_str()), (Some("app-private"), Some("DynamoDB")));
    assert_eq!(private["changed"], serde_json::json!(["reachability", "road", "source"]));
    assert_eq!(private["before"]["code"], "NO_ROUTE_TO_DESTINATION");
    assert_eq!(private["after"]["road"], "gateway-endpoint");
}

#[test]
fn no_difference_is_success() {
    let workplace = Workplace::new();
    let same = workplace.run(["diff", "tutorial@before", "@trap"]).success();
    assert_eq!(same.stdout, "tutorial@before -> tutorial@trap: no difference in 10 pairs\n");
    workplace.run(["diff", "tutorial", "tutorial"]).success();
}

#[test]
fn two_files_and_a_name_with_an_at_sign() {
    let workplace = Workplace::new();
    workplace.run(["new", "mine"]).success();
    let text = std::fs::read_to_string(workplace.join("mine.toml")).unwrap();
    workplace.write("mine@home.toml", text.replace("tables = [\"main\", \"private\"]", "tables = [\"main\"]"));
    let ran = workplace.run(["diff", "mine.toml", "mine@home.toml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.starts_with("worker -> DynamoDB:443\n  reach   reachable -> not reachable"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("mine -> mine@home: 1 of 10 pairs differs\n"), "{}", ran.stdout);
}

#[test]
fn errors_end_with_2() {
    let workplace = Workplace::new();
    for (arguments, about) in [
        (&["diff", "tutorial@befor", "@fixed"][..], "did you mean \"before\"?"),
        (&["diff", "nowhere", "tutorial"], "nowhere"),
        (&["diff", "tutorial"], "<B>"),
    ] {
        let ran = workplace.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(about), "{arguments:?}: {}", ran.stderr);
    }
}

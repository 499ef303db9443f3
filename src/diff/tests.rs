//! Steps of the tutorial and small networks against each other.

use super::*;
use crate::explain::state;
use crate::scenario::{embedded, parse};

fn scenario(text: &str) -> Scenario {
    parse("x.toml", text, None).unwrap()
}

fn between(one: &Scenario, step: Option<&str>, other: &Scenario, other_step: Option<&str>) -> Comparison {
    let (before, after) = (state::after(one, step).unwrap(), state::after(other, other_step).unwrap());
    compare(Side { scenario: one, state: &before }, Side { scenario: other, state: &after })
}

fn tutorial() -> Scenario {
    scenario(embedded("tutorial").unwrap())
}

#[test]
fn a_network_does_not_differ_from_itself_nor_the_trap_from_before() {
    let tutorial = tutorial();
    for (one, other) in [(None, None), (Some("before"), Some("trap")), (Some("before"), Some("deleted"))] {
        let found = between(&tutorial, one, &tutorial, other);
        assert_eq!(found.differences, Vec::new(), "{one:?} {other:?}");
        // Two instances: two services, each other, the laptop; and the laptop both.
        assert_eq!(found.pairs_count, 2 * 4 + 2);
    }
}

#[test]
fn the_endpoint_changes_both_instances_road_and_source_to_dynamodb_only() {
    let tutorial = tutorial();
    let found = between(&tutorial, Some("before"), &tutorial, Some("fixed"));
    let told: Vec<_> =
        found.differences.iter().map(|it| (it.from.as_str(), it.to.as_str(), it.changed.clone())).collect();
    assert_eq!(
        told,
        [
            ("app-private", "DynamoDB", vec![Aspect::Reachability, Aspect::Road, Aspect::Source]),
            ("app-public", "DynamoDB", vec![Aspect::Road, Aspect::Source]),
        ]
    );
    let private = &found.differences[0];
    assert_eq!(private.before.code.as_deref(), Some("NO_ROUTE_TO_DESTINATION"));
    assert!(private.before.why[0].contains("no route to"), "{:?}", private.before.why);
    assert_eq!((private.before.road, private.before.source.as_deref()), (None, None));
    assert_eq!(private.after.via.as_deref(), Some("vpce-9b15e2f2 (ddb)"));
    assert!(private.after.why[0].contains("(pl-02cd2c6b) -> vpce-9b15e2f2"), "{:?}", private.after.why);
    let public = &found.differences[1];
    assert!(public.before.source.as_ref().unwrap().ends_with("(public)"));
    assert!(public.after.source.as_ref().unwrap().ends_with("(private)"));
}

#[test]
fn a_group_shows_in_what_reaches_the_instance_from_outside() {
    let tutorial = tutorial();
    let found = between(&tutorial, None, &tutorial, Some("attach-group"));
    assert_eq!(found.differences.len(), 1, "{:#?}", found.differences);
    let only = &found.differences[0];
    assert_eq!((only.from.as_str(), only.to.as_str(), only.port), ("laptop", "app-public", 22));
    assert!(only.before.why.iter().any(|why| why.contains("no rule allows it")), "{:?}", only.before.why);
    assert!(only.after.reachable);
}

#[test]
fn two_scenarios_are_matched_by_name_not_by_id() {
    let text = |seed: u64, groups: &str| {
        format!(
            "region = \"us-east-1\"\nseed = {seed}\n[vpc]\nv = {{ cidr = \"10.0.0.0/16\", internet_gateway = true }}\n[route_table]\nmain = {{ main = true, routes = [\"0.0.0.0/0 -> igw\"] }}\n[subnet]\ns = {{ cidr = \"10.0.1.0/24\", public = true }}\n[instance]\na = {{ subnet = \"s\" }}\nb = {{ subnet = \"s\"{groups} }}\n"
        )
    };
    let (one, same) = (scenario(&text(1, "")), scenario(&text(2, "")));
    assert_ne!(one.model.vpcs.keys().next(), same.model.vpcs.keys().next(), "other ids");
    assert_eq!(between(&one, None, &same, None).differences, Vec::new());
    let more = scenario(&text(1, ", private_ip = \"10.0.1.200\" }\nc = { subnet = \"s\""));
    let found = between(&one, None, &more, None);
    let pairs: BTreeSet<_> = found.differences.iter().map(|it| (it.from.as_str(), it.to.as_str())).collect();
    assert!(
        pairs.contains(&("c", "DynamoDB")) && pairs.contains(&("a", "c")) && pairs.contains(&("b", "a")),
        "{pairs:?}"
    );
    assert!(!pairs.contains(&("a", "DynamoDB")), "{pairs:?}");
    let new = found.differences.iter().find(|it| it.from == "c" && it.to == "DynamoDB").unwrap();
    assert!(new.before.why[0].contains("no host"), "{:?}", new.before.why);
}

/// Thousandths of a dollar.
fn price(sent: u64, answered: u64) -> Price {
    let thousandths = |count: u64| crate::scenario::Usd::from_nanos(count * 1_000_000);
    Price { sent_usd_per_gb: thousandths(sent), answered_usd_per_gb: thousandths(answered) }
}

#[test]
fn another_zone_and_another_gateway_change_the_price() {
    let network = |zone: &str| {
        scenario(&format!(
            "region = \"us-east-1\"\n[vpc]\nlab = {{ cidr = \"10.0.0.0/16\", internet_gateway = true }}\n[route_table]\n\
             out = {{ vpc = \"lab\", routes = [\"0.0.0.0/0 -> lab\"] }}\n[subnet]\n\
             a = {{ cidr = \"10.0.1.0/24\", az = \"us-east-1a\", table = \"out\", public = true }}\n\
             b = {{ cidr = \"10.0.2.0/24\", az = \"us-east-1{zone}\", table = \"out\" }}\n\
             [instance]\nnear = {{ subnet = \"a\" }}\nfar = {{ subnet = \"b\" }}\n\
             [outside]\nlaptop = {{ address = \"198.51.100.7\" }}\n"
        ))
    };
    let (one, other) = (network("a"), network("b"));
    let found = between(&one, None, &other, None);
    let told: Vec<_> = found.differences.iter().map(|it| (it.from.as_str(), it.to.as_str(), &it.changed)).collect();
    assert_eq!(told, [("far", "near", &vec![Aspect::Price]), ("near", "far", &vec![Aspect::Price])]);
    let both_ways = price(20, 20);
    assert_eq!(found.differences[0].before.price, Some(price(0, 0)));
    assert_eq!(found.differences[0].after.price, Some(both_ways));

    // To the internet the sender pays; to DynamoDB by the same gateway nobody does.
    let state = state::after(&one, None).unwrap();
    let side = Side { scenario: &one, state: &state };
    let to_laptop = side.meeting("near", &Target::Host("laptop".to_owned(), HTTPS));
    assert_eq!(to_laptop.price, Some(price(90, 0)));
    let to_dynamodb = side.meeting("near", &Target::Service(ServiceKind::DynamoDb));
    assert_eq!(to_dynamodb.price, Some(price(0, 0)));
    assert_eq!(side.meeting("far", &Target::Service(ServiceKind::DynamoDb)).price, None);
}

#[test]
fn a_route_behind_the_nat_gateway_is_told_on_both_sides() {
    let network = |public: &str| {
        scenario(&format!(
            "region = \"us-east-1\"\n[vpc]\nlab = {{ cidr = \"10.0.0.0/16\", internet_gateway = true }}\n[route_table]\n\
             public = {{ routes = [\"0.0.0.0/0 -> igw\"{public}] }}\nprivate = {{ routes = [\"0.0.0.0/0 -> nat\"] }}\n\
             [subnet]\npublic = {{ cidr = \"10.0.0.0/24\", table = \"public\", public = true }}\n\
             private = {{ cidr = \"10.0.1.0/24\", table = \"private\" }}\n\
             [nat_gateway]\nnat = {{ subnet = \"public\" }}\n\
             [instance]\napp = {{ subnet = \"private\" }}\nfirewall = {{ subnet = \"public\", source_dest_check = false }}\n\
             [outside]\nfar = {{ address = \"198.51.100.7\" }}\n"
        ))
    };
    let (one, other) = (network(""), network(", \"198.51.100.0/24 -> eni of firewall\""));
    let found = between(&one, None, &other, None);
    let changed = found.differences.iter().find(|it| it.from == "app" && it.to == "far").unwrap();
    let tells = |meeting: &Meeting, words: &str| meeting.why.iter().any(|why| why.contains(words));
    assert!(tells(&changed.before, "0.0.0.0/0 -> igw-"), "{:?}", changed.before.why);
    assert!(tells(&changed.after, "198.51.100.0/24 -> eni-"), "{:?}", changed.after.why);
    // What both have alike is told once, as what decided first.
    assert!(changed.before.why[0].contains("-> nat-"), "{:?}", changed.before.why);
    assert_eq!(changed.before.why.iter().filter(|why| why.contains("-> nat-")).count(), 1, "{:?}", changed.before.why);
}

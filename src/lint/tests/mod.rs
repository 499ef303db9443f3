//! Every rule meets a network that breaks it, and every mend made of commands is carried out.

use super::*;
use crate::api::Service;
use crate::control::ControlPlane;
use crate::explain::state::State;
use crate::scenario;
use std::collections::BTreeSet;

mod roads;

/// A network with an endpoint, two subnets, and an instance in each; `more` replaces or adds tables.
fn lab(vpc: &str, main: &str, private: &str, more: &str) -> String {
    format!(
        r#"
region = "us-east-1"
[vpc]
lab = {{ cidr = "10.0.0.0/16", internet_gateway = true{vpc} }}
[route_table]
main    = {{ main = true, routes = ["0.0.0.0/0 -> igw"{main}] }}
private = {{ routes = [{private}] }}
[subnet]
public  = {{ cidr = "10.0.1.0/24", public = true }}
private = {{ cidr = "10.0.2.0/24", table = "private" }}
[instance]
web    = {{ subnet = "public" }}
worker = {{ subnet = "private" }}
{more}
"#
    )
}

const ENDPOINT: &str = "[endpoint]\nddb = { service = \"dynamodb\", tables = [\"main\", \"private\"] }\n";

struct Bench {
    state: State,
    callers: Callers,
}

impl Bench {
    fn new(source: &str) -> Bench {
        let scenario = scenario::parse("lab.toml", source, None)
            .unwrap_or_else(|error| panic!("{}\n{source}", error.lines().collect::<Vec<_>>().join("\n")));
        Bench { state: State::start(&scenario).unwrap(), callers: Callers::everybody() }
    }

    fn lints(&self) -> Vec<Lint> {
        let control = &self.state.control;
        lints(&Network {
            model: control.model(),
            program: control.program(),
            names: &self.state.names,
            callers: &self.callers,
        })
    }

    /// The one lint of `rule`; nothing else may be found, save lints of `beside`.
    #[track_caller]
    fn only(&self, rule: Rule, beside: &[Rule]) -> Lint {
        let found = self.lints();
        let strange: Vec<_> =
            found.iter().filter(|lint| lint.rule != rule && !beside.contains(&lint.rule)).map(|l| &l.text).collect();
        assert!(strange.is_empty(), "{strange:#?}");
        let own: Vec<_> = found.into_iter().filter(|lint| lint.rule == rule).collect();
        assert_eq!(own.len(), 1, "{own:#?}");
        own.into_iter().next().unwrap()
    }

    /// Carries out the mend: the lint is gone, and no other came instead.
    #[track_caller]
    fn mended(&mut self, lint: &Lint) {
        let Mend::Aws(lines) = &lint.mend else { panic!("{:?}", lint.mend) };
        assert!(!lines.is_empty());
        let before: BTreeSet<_> = self.lints().iter().map(own_key).collect();
        apply(&mut self.state.control, &lint.mend).unwrap();
        let after: BTreeSet<_> = self.lints().iter().map(own_key).collect();
        assert!(!after.contains(&own_key(lint)), "{lines:?} does not mend");
        assert!(after.is_subset(&before), "{lines:?} brings {:?}", after.difference(&before).collect::<Vec<_>>());
    }

    /// As [`Bench::only`], and mended.
    #[track_caller]
    fn only_and_mended(&mut self, rule: Rule, beside: &[Rule], text: &str) {
        let lint = self.only(rule, beside);
        assert!(lint.text.contains(text), "{:?} lacks {text:?}", lint.text);
        self.mended(&lint);
    }
}

fn own_key(lint: &Lint) -> (Rule, String, String) {
    (lint.rule, lint.subject.clone(), lint.detail.clone())
}

#[test]
fn a_sound_network_gives_no_lint() {
    assert_eq!(Bench::new(&lab("", "", "", ENDPOINT)).lints(), Vec::new());
}

#[test]
fn names_of_rules_are_unique_and_kebab_case() {
    let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(rule.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(!rule.why().ends_with('.') && rule.why().len() > 30);
    }
}

#[test]
fn endpoint_without_any_table() {
    let more = "[endpoint]\nddb = { service = \"dynamodb\" }";
    let mut bench = Bench::new(&lab("", "", "", more));
    bench.only_and_mended(Rule::EndpointWithoutRouteTable, &[Rule::NoRoadToDynamoDb], "carries nothing");
}

#[test]
fn endpoint_without_a_table_left_for_it() {
    let more = format!("{ENDPOINT}second = {{ service = \"dynamodb\" }}");
    let mut bench = Bench::new(&lab("", "", "", &more));
    bench.only_and_mended(Rule::EndpointWithoutRouteTable, &[], "carries nothing");
}

#[test]
fn endpoint_misses_the_table_of_a_subnet_with_instances() {
    let more = "[endpoint]\nddb = { service = \"dynamodb\", tables = [\"main\"] }";
    let mut bench = Bench::new(&lab("", "", "", more));
    let text = "(ddb) has no route in rtb-";
    bench.only_and_mended(Rule::EndpointMissesTable, &[Rule::NoRoadToDynamoDb], text);
    // An empty subnet needs none.
    let more = format!("{more}\n[subnet.empty]\ncidr = \"10.0.3.0/24\"\ntable = \"spare\"\n[route_table.spare]\n");
    let more = more.replace("[\"main\"]", "[\"main\", \"private\"]");
    assert_eq!(Bench::new(&lab("", "", "", &more)).lints(), Vec::new());
}

#[test]
fn lists_that_share_a_block_and_lead_elsewhere() {
    let more = format!("{ENDPOINT}[prefix_list]\nmine = {{ cidrs = [\"52.94.2.0/24\"] }}\n");
    let mut bench = Bench::new(&lab("", ", \"mine -> igw\"", "", &more));
    bench.only_and_mended(Rule::OverlappingLists, &[], "both hold 52.94.2.0/24");
}

#[test]
fn a_block_inside_the_endpoints_list_leads_elsewhere() {
    let mut bench = Bench::new(&lab("", ", \"52.94.2.72/32 -> igw\"", "", ENDPOINT));
    bench.only_and_mended(Rule::RouteBypassesEndpoint, &[], "takes addresses of 52.94.0.0/22 off vpce-");
    // A wider route than the list's is what the endpoint is there to beat.
    assert_eq!(Bench::new(&lab("", ", \"52.0.0.0/8 -> igw\"", "", ENDPOINT)).lints(), Vec::new());
    // A learned one of the same length loses.
    let learned = ", \"52.94.0.0/22 -> web (propagated vpn-bgp)\"";
    let found = Bench::new(&lab("", learned, "", ENDPOINT)).only(Rule::RouteNeverWins, &[]);
    assert!(matches!(found.mend, Mend::Scenario(_)), "{found:?}");
}

#[test]
fn a_route_that_halves_cover_never_wins() {
    let halves = ", \"192.0.2.0/24 -> eni of web\", \"192.0.2.0/25 -> igw\", \"192.0.2.128/25 -> igw\"";
    let mut bench = Bench::new(&lab("", halves, "", ENDPOINT));
    bench.only_and_mended(Rule::RouteNeverWins, &[], "192.0.2.0/24 -> eni-");
    let one_half = ", \"192.0.2.0/24 -> eni of web\", \"192.0.2.0/25 -> igw\"";
    assert_eq!(Bench::new(&lab("", one_half, "", ENDPOINT)).lints(), Vec::new());
}

#[test]
fn an_endpoint_route_that_blocks_cover_is_mended_by_taking_these_out() {
    let list = "[prefix_list]\n\"com.amazonaws.us-east-1.dynamodb\" = { cidrs = [\"52.94.0.0/22\"] }\n";
    let mut bench = Bench::new(&lab("", ", \"52.94.0.0/22 -> igw\"", "", &format!("{list}{ENDPOINT}")));
    bench.only_and_mended(Rule::RouteNeverWins, &[Rule::RouteBypassesEndpoint], "never wins");
}

#[test]
fn blackholes_of_instances_and_gateways() {
    let mut bench = Bench::new(&lab("", ", \"192.0.2.0/24 -> eni of worker\"", "", ENDPOINT));
    let worker = bench.state.names.lookup(scenario::Kind::Instance, "worker").unwrap().to_owned();
    let end = Mend::Aws(vec![format!("aws ec2 terminate-instances --instance-ids {worker}")]);
    apply(&mut bench.state.control, &end).unwrap();
    bench.only_and_mended(Rule::BlackholeRoute, &[], "is a blackhole");
    // A gateway that was detached, with another one attached in its place.
    let mut bench = Bench::new(&lab("", "", "", &format!("[internet_gateway]\nspare = {{}}\n{ENDPOINT}")));
    let mut model = bench.state.control.model().clone();
    let vpc = *model.vpcs.keys().next().unwrap();
    for gateway in model.internet_gateways.values_mut() {
        gateway.attached_vpc_id = gateway.attached_vpc_id.is_none().then_some(vpc);
    }
    bench.state.control = ControlPlane::new(model, bench.state.control.calendar()).unwrap();
    let lint = bench.only(Rule::BlackholeRoute, &[]);
    assert!(format!("{:?}", lint.mend).contains("replace-route"), "{lint:?}");
    bench.mended(&lint);
}

#[test]
fn quotas_count_prefix_lists_by_their_weight() {
    let with = |max_entries: u32| {
        let list = format!("[prefix_list]\nbig = {{ cidrs = [\"192.0.2.0/24\"], max_entries = {max_entries} }}\n");
        let group = "[security_group]\ng = { ingress = [\"tcp 443 from pl big\"] }\n";
        let source = lab("", "", "", &format!("{list}{group}{ENDPOINT}"));
        Bench::new(&source.replace("subnet = \"public\" }", "subnet = \"public\", groups = [\"default\", \"g\"] }"))
    };
    assert_eq!(with(50).lints(), Vec::new());
    let lint = with(58).only(Rule::QuotaNearlyUsed, &[]);
    assert!(lint.text.ends_with("uses 58 of 60 inbound rules"), "{}", lint.text);
}

#[test]
fn groups_that_let_nothing_out_to_dynamodb() {
    let with = |egress: &str| {
        let group = format!("[security_group]\ng = {{ egress = [{egress}] }}\n");
        let source = lab("", "", "", &format!("{group}{ENDPOINT}"));
        Bench::new(&source.replace("subnet = \"private\" }", "subnet = \"private\", groups = [\"g\"] }"))
    };
    let rule = Rule::SecurityGroupBlocksService;
    with("").only_and_mended(rule, &[], "lets worker call DynamoDB");
    with("\"tcp 80 to 0.0.0.0/0\", \"udp 443 to 0.0.0.0/0\"").only_and_mended(rule, &[], "worker");
    with("\"tcp 443 to 52.94.0.0/22\"").only_and_mended(rule, &[], "worker");
    for enough in
        ["\"tcp 443 to pl dynamodb\"", "\"tcp to 0.0.0.0/1\", \"all to 128.0.0.0/1\"", "\"tcp 400-500 to 0.0.0.0/0\""]
    {
        assert_eq!(with(enough).lints(), Vec::new(), "{enough}");
    }
}

/// Network ACLs: rules in, rules out, what is found.
#[test]
fn acls_that_deny_request_or_answer() {
    let with = |ingress: &str, egress: &str| {
        let acl = format!("[network_acl]\nstrict = {{ ingress = [{ingress}], egress = [{egress}] }}\n");
        let source = lab("", "", "", &format!("{acl}{ENDPOINT}"));
        Bench::new(&source.replace("table = \"private\" }", "table = \"private\", acl = \"strict\" }"))
    };
    let all_in = "\"100 allow all from 0.0.0.0/0\"";
    let all_out = "\"100 allow all to 0.0.0.0/0\"";
    let (request, answer) = (Rule::AclBlocksRequest, Rule::AclBlocksAnswer);
    let enough_in = "\"10 allow tcp 32768-50000 from 0.0.0.0/0\", \"20 allow tcp 50001-65535 from 0.0.0.0/1\", \"30 allow tcp 50001-61000 from 128.0.0.0/1\"";
    for (ingress, egress, rule) in [
        (all_in, all_out, None),
        (enough_in, all_out, None),
        ("\"10 deny tcp 22 from 0.0.0.0/0\", \"20 allow all from 0.0.0.0/0\"", all_out, None),
        ("\"10 deny udp from 0.0.0.0/0\", \"20 allow all from 0.0.0.0/0\"", all_out, None),
        ("\"10 deny all from 10.0.0.0/8\", \"20 allow all from 0.0.0.0/0\"", "\"10 allow tcp 443 to 0.0.0.0/0\"", None),
        ("", all_out, Some((answer, "its last rule *"))),
        ("\"100 allow tcp 443 from 0.0.0.0/0\"", all_out, Some((answer, "its last rule *"))),
        ("\"10 allow tcp 32768-50000 from 0.0.0.0/0\"", all_out, Some((answer, "its last rule *"))),
        (
            "\"10 deny tcp 50000 from 52.94.2.72/32\", \"20 allow all from 0.0.0.0/0\"",
            all_out,
            Some((answer, "its rule 10")),
        ),
        (all_in, "\"10 deny tcp 443 to 52.94.0.0/16\", \"20 allow all to 0.0.0.0/0\"", Some((request, "its rule 10"))),
        (all_in, "\"10 allow tcp 80 to 0.0.0.0/0\"", Some((request, "its last rule *"))),
    ] {
        let mut bench = with(ingress, egress);
        let Some((rule, text)) = rule else {
            assert_eq!(bench.lints(), Vec::new(), "{ingress} / {egress}");
            continue;
        };
        let lint = bench.only(rule, &[]);
        assert!(lint.text.contains(text), "{}", lint.text);
        if Service::Ec2.model().operations.contains_key("CreateNetworkAclEntry") {
            bench.mended(&lint);
        }
    }
    // No number is free before rule 1.
    let lint = with("\"1 deny all from 0.0.0.0/0\"", all_out).only(answer, &[]);
    assert!(matches!(lint.mend, Mend::Advice(_)), "{lint:?}");
}

#[test]
fn an_instance_without_a_road() {
    let mut bench = Bench::new(&lab("", "", "", ""));
    bench.only_and_mended(Rule::NoRoadToDynamoDb, &[], "worker has no road to DynamoDB");
}

#[test]
fn an_instance_behind_a_gateway_without_a_public_address() {
    let more = format!("{ENDPOINT}[elastic_ip]\nspare = {{}}\n");
    let source = lab("", "", "", &more).replace(", public = true", "");
    Bench::new(&source).only_and_mended(Rule::NoPublicAddress, &[], "web leaves by igw-");
    let lint = Bench::new(&source.replace("spare = {}", "")).only(Rule::NoPublicAddress, &[]);
    assert_eq!(lint.mend, Mend::Scenario("[instance] web = { ..., public_ip = true }".to_owned()));
}

#[test]
fn groups_and_tables_that_nothing_uses() {
    let more = format!("{ENDPOINT}[security_group]\nspare = {{}}\nnamed = {{}}\n[route_table.idle]\n");
    let source = lab("", "", "", &more).replace("spare = {}", "spare = { ingress = [\"tcp from sg named\"] }");
    let mut bench = Bench::new(&source);
    bench.only(Rule::UnusedRouteTable, &[Rule::UnusedSecurityGroup]);
    let lint = bench.only(Rule::UnusedSecurityGroup, &[Rule::UnusedRouteTable]);
    assert!(lint.text.contains("(spare)"));
    let Mend::Aws(_) = &lint.mend else { panic!("{lint:?}") };
    apply(&mut bench.state.control, &lint.mend).unwrap();
    // What only the deleted group named is unused now.
    let lint = bench.only(Rule::UnusedSecurityGroup, &[Rule::UnusedRouteTable]);
    assert!(lint.text.contains("(named)"));
    bench.mended(&lint);
}

#[test]
fn an_endpoint_in_a_vpc_without_dns() {
    let mut bench = Bench::new(&lab(", dns_support = false", "", "", ENDPOINT));
    bench.only_and_mended(Rule::DnsSupportOff, &[], "enableDnsSupport is off");
}

#[test]
fn lists_whose_ids_are_invented() {
    let source = "region = \"eu-north-1\"\n[vpc]\nv = { cidr = \"10.0.0.0/16\" }\n[endpoint]\ne = { service = \"dynamodb\", tables = [\"main\"] }\n";
    let invented = crate::model::prefix_list::aws_managed();
    let list = invented
        .values()
        .find(|list| list.provenance == crate::model::Provenance::InventedId && list.name.ends_with(".dynamodb"))
        .unwrap();
    let bench = Bench::new(&source.replace("eu-north-1", &list.region));
    let lint = bench.only(Rule::InventedPrefixListId, &[]);
    assert!(lint.text.contains(&list.name));
    let Mend::Scenario(words) = &lint.mend else { panic!("{lint:?}") };
    assert!(words.starts_with(&format!("[prefix_list] \"{}\" = ", list.name)), "{words}");
}

/// The timeline: since when, until when, where.
#[test]
fn the_tutorials_trap_is_found_by_step() {
    let source = scenario::embedded("tutorial").unwrap();
    let tutorial = scenario::parse("tutorial.toml", source, None).unwrap();
    let findings = timeline::check(&tutorial, None).unwrap();
    let trap = findings.iter().find(|it| it.lint.rule == Rule::EndpointWithoutRouteTable).unwrap();
    let held = timeline::Held { since: Some("trap".to_owned()), until: Some("fixed".to_owned()) };
    assert_eq!(trap.held, [held]);
    assert!(source[trap.span.clone().unwrap()].starts_with("aws ec2 create-vpc-endpoint"));
    let road = findings.iter().find(|it| it.lint.rule == Rule::NoRoadToDynamoDb).unwrap();
    assert_eq!(road.held.len(), 2, "again after the endpoint is deleted: {:?}", road.held);
    assert_eq!(&source[road.span.clone().unwrap()], "app-private");
    assert_eq!(findings.len(), 2, "a group that is made before it is used is no lint: {findings:#?}");

    let rules = |after| -> Vec<Rule> {
        timeline::check(&tutorial, Some(after)).unwrap().iter().map(|finding| finding.lint.rule).collect()
    };
    assert_eq!(rules("trap"), [Rule::NoRoadToDynamoDb, Rule::EndpointWithoutRouteTable]);
    assert_eq!(rules("fixed"), []);
    assert!(timeline::check(&tutorial, Some("nowhere")).is_err());
}

#[test]
fn commands_without_effect_are_found_unless_they_are_meant() {
    let step = "[[step]]\nname = \"s\"\nrun = \"aws ec2 delete-vpc-endpoints --vpc-endpoint-idz x\"\n";
    let refused = "[[step]]\nname = \"s\"\nrun = \"aws ec2 delete-security-group --group-id sg-00000000\"\n";
    let away = "[[step]]\nname = \"s\"\non = \"worker\"\nrun = \"aws ec2 delete-security-group --group-id default\"\n";
    let rules = |steps: &str| -> Vec<(Rule, String)> {
        let scenario = scenario::parse("lab.toml", &lab("", "", "", &format!("{ENDPOINT}{steps}")), None).unwrap();
        let findings = timeline::check(&scenario, None).unwrap();
        findings.into_iter().map(|finding| (finding.lint.rule, finding.lint.text)).collect()
    };
    let found = rules(refused);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("is refused: An error occurred (InvalidGroup.NotFound)"), "{found:?}");
    assert_eq!(rules(&format!("{refused}expect.operator = {{ exit = 254 }}\n")), []);
    let found = rules(away);
    assert!(found[0].1.contains("does not reach the EC2 API from worker [NO_ROUTE_TO_DESTINATION]"), "{found:?}");
    let scenario = scenario::parse("lab.toml", &lab("", "", "", step), None).unwrap();
    assert!(timeline::check(&scenario, None).is_err(), "a line that the CLI does not take");
}

//! Rules about NAT gateways, peering, transit gateways and VPN.

use super::*;

/// A private subnet behind a NAT gateway, which lives in a subnet whose table has `routes`.
fn nat_lab(routes: &str, more: &str) -> String {
    format!(
        r#"
region = "us-east-1"
[vpc]
lab = {{ cidr = "10.0.0.0/16", internet_gateway = true }}
[route_table]
public  = {{ routes = [{routes}] }}
private = {{ routes = ["0.0.0.0/0 -> nat"] }}
[subnet]
public  = {{ cidr = "10.0.0.0/24", table = "public" }}
private = {{ cidr = "10.0.1.0/24", table = "private" }}
[nat_gateway]
nat = {{ subnet = "public" }}
[instance]
app = {{ subnet = "private" }}
{more}
"#
    )
}

const IGW: &str = "\"0.0.0.0/0 -> igw\"";

#[test]
fn calls_that_pay_a_nat_gateway() {
    let mut bench = Bench::new(&nat_lab(IGW, ""));
    bench.only_and_mended(Rule::NatCarriesService, &[], "calls to DynamoDB go through nat-");
    assert_eq!(bench.lints(), Vec::new(), "the endpoint's route takes them off the NAT gateway");
    // An endpoint that is there, without the table.
    let more = "[endpoint]\nddb = { service = \"dynamodb\", tables = [\"public\"] }\n";
    let mut bench = Bench::new(&nat_lab(IGW, more));
    let lint = bench.only(Rule::NatCarriesService, &[Rule::EndpointMissesTable]);
    assert!(format!("{:?}", lint.mend).contains("modify-vpc-endpoint"), "{lint:?}");
    bench.mended(&lint);
}

/// S3 is remarked on only where the timeline calls it.
#[test]
fn calls_to_s3_count_as_well() {
    let more = "[[step]]\non = \"app\"\nrun = \"aws s3 ls\"\n";
    let scenario = scenario::parse("lab.toml", &nat_lab(IGW, more), None).unwrap();
    let found = timeline::check(&scenario, None).unwrap();
    let texts: Vec<_> = found.iter().map(|finding| finding.lint.text.as_str()).collect();
    assert!(matches!(&texts[..], [one] if one.contains("calls to S3 go through nat-")), "{texts:?}");
}

#[test]
fn a_nat_gateway_in_a_private_subnet() {
    let endpoint = "[endpoint]\nddb = { service = \"dynamodb\", tables = [\"private\"] }\n";
    let mut bench = Bench::new(&nat_lab("", endpoint));
    bench.only_and_mended(Rule::NatWithoutInternet, &[], "leads to the internet nowhere");
    // Whoever shares the table would leave by the gateway without a public address: no command, only advice.
    let shared = nat_lab("", &endpoint.replace("\"private\"", "\"private\", \"public\""))
        + "[instance.other]\nsubnet = \"public\"\n";
    let lint = Bench::new(&shared).only(Rule::NatWithoutInternet, &[]);
    assert!(matches!(lint.mend, Mend::Advice(_)), "{lint:?}");
}

/// Two VPCs with an instance each; what joins them, and the routes of each.
fn two(join: &str, a: &str, b: &str) -> String {
    format!(
        r#"
region = "us-east-1"
[vpc]
a = {{ cidr = "10.1.0.0/16" }}
b = {{ cidr = "10.2.0.0/16" }}
{join}
[route_table]
a-main = {{ vpc = "a", main = true, routes = [{a}] }}
b-main = {{ vpc = "b", main = true, routes = [{b}] }}
[subnet]
a-1 = {{ vpc = "a", az = "us-east-1a", cidr = "10.1.1.0/24" }}
b-1 = {{ vpc = "b", az = "us-east-1a", cidr = "10.2.1.0/24" }}
b-2 = {{ vpc = "b", az = "us-east-1b", cidr = "10.2.2.0/24" }}
[instance]
left  = {{ subnet = "a-1" }}
right = {{ subnet = "b-1" }}
[endpoint]
in-a = {{ vpc = "a", service = "dynamodb", tables = ["a-main"] }}
in-b = {{ vpc = "b", service = "dynamodb", tables = ["b-main"] }}
"#
    )
}

const PEERING: &str = "[peering]\npeer = { vpcs = [\"a\", \"b\"] }\n";
const HUB: &str = "[transit_gateway.hub.attachments]\na = { subnets = [\"a-1\"] }\nb = { subnets = [\"b-1\"] }\n";

#[test]
fn a_road_without_a_way_back() {
    for (join, road) in [(PEERING, "peer"), (HUB, "hub")] {
        let there = format!("\"10.2.0.0/16 -> {road}\"");
        let back = format!("\"10.1.0.0/16 -> {road}\"");
        assert_eq!(Bench::new(&two(join, &there, &back)).lints(), Vec::new(), "{road}");
        assert_eq!(Bench::new(&two(join, "", "")).lints(), Vec::new(), "{road}: nobody goes there");
        let mut bench = Bench::new(&two(join, &there, ""));
        bench.only_and_mended(Rule::NoReturnRoute, &[], "left reaches right by");
        // A route for the block that leads elsewhere is replaced.
        let mut bench = Bench::new(&two(join, &there, "\"10.1.0.0/16 -> eni of right\""));
        let lint = bench.only(Rule::NoReturnRoute, &[]);
        assert!(format!("{:?}", lint.mend).contains("replace-route"), "{lint:?}");
        bench.mended(&lint);
    }
}

#[test]
fn attachments_without_association_or_zone() {
    let (there, back) = ("\"10.2.0.0/16 -> hub\"", "\"10.1.0.0/16 -> hub\"");
    let unassociated = format!(
        "[transit_gateway.hub]\ndefault_association = false\n{HUB}\
         [transit_gateway_table]\nall = {{ associate = [\"a\"], propagate = [\"a\", \"b\"] }}\n"
    );
    let mut bench = Bench::new(&two(&unassociated, there, back));
    bench.only_and_mended(Rule::TransitWithoutAssociation, &[], "is associated with no transit gateway route table");
    let far = two(HUB, there, back).replace("right = { subnet = \"b-1\" }", "right = { subnet = \"b-2\" }");
    let mut bench = Bench::new(&far);
    bench.only_and_mended(Rule::TransitMissesZone, &[], "has no subnet in us-east-1b, where right is");
}

/// A hub's gateway endpoint is of no use to its spokes.
#[test]
fn an_endpoint_in_another_vpc() {
    let source = two(PEERING, "\"10.2.0.0/16 -> peer\", \"0.0.0.0/0 -> peer\"", "\"10.1.0.0/16 -> peer\"");
    let without = source.replace("in-a = { vpc = \"a\", service = \"dynamodb\", tables = [\"a-main\"] }\n", "");
    let mut bench = Bench::new(&without);
    bench.only_and_mended(Rule::EndpointOfAnotherVpc, &[], "calls to DynamoDB go to another VPC by pcx-");
    assert_eq!(Bench::new(&source).lints(), Vec::new());
}

#[test]
fn a_vpn_that_no_table_leads_to() {
    let lab = |table: &str| {
        format!(
            r#"
region = "us-east-1"
[vpc]
lab = {{ cidr = "10.0.0.0/16" }}
[vpn_gateway]
vgw = {{ vpc = "lab" }}
[on_premises.corp]
cidr             = "192.168.0.0/16"
internet_address = "198.51.100.200"
hosts            = {{ files = {{ address = "192.168.1.10" }} }}
[vpn]
office = {{ gateway = "vgw", on_premises = "corp" }}
[route_table]
main = {{ main = true{table} }}
[subnet]
a = {{ cidr = "10.0.1.0/24" }}
[instance]
app = {{ subnet = "a" }}
[endpoint]
ddb = {{ service = "dynamodb", tables = ["main"] }}
"#
        )
    };
    let mut bench = Bench::new(&lab(""));
    bench.only_and_mended(Rule::VpnGatewayWithoutRoute, &[], "no route table of");
    assert_eq!(Bench::new(&lab(", propagating_gateways = [\"vgw\"]")).lints(), Vec::new());
    assert_eq!(Bench::new(&lab(", routes = [\"192.168.0.0/16 -> vgw\"]")).lints(), Vec::new());
}

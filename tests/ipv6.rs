//! IPv6 is not simulated: whoever asks for it is told so, wherever it is asked for.

mod support;

use support::{Ran, Workplace};

const NOT_HERE: &str = "vpcsim does not simulate IPv6";
const LAB: &str = "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"10.0.0.0/16\", internet_gateway = true }\n\
                   [subnet]\nweb = { cidr = \"10.0.1.0/24\" }\n[instance]\napp = { subnet = \"web\" }\n";

/// What a scenario of [`LAB`] and more prints, blanks and line ends made one.
fn printed(more: &str) -> (Option<i32>, String) {
    let workplace = Workplace::new();
    workplace.write("six.toml", format!("{LAB}{more}"));
    let Ran { code, stdout, stderr } = workplace.run(["run", "six.toml", "--out", "o"]);
    // Boxes of error reports are drawn with these.
    let text = format!("{stdout} {stderr}").replace(['\u{2502}', '\u{d7}'], " ");
    (code, text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn scenarios_that_hold_ipv6_are_refused() {
    let cases = [
        "[route_table]\nr = { routes = [\"::/0 -> igw\"] }\n",
        "[security_group]\ng = { ingress = [\"tcp 443 from ::/0\"] }\n",
        "[network_acl]\na = { ingress = [\"100 allow all from 2001:db8::/32\"] }\n",
        "[prefix_list]\np = { cidrs = [\"2600::/16\"] }\n",
        "[outside]\nhome = { address = \"2001:db8::1\" }\n",
        "[elastic_ip]\ne = { address = \"2001:db8::1\" }\n",
        "[[step]]\non = \"app\"\nsend = \"icmp echo app -> 2001:db8::1\"\n",
    ];
    for case in cases {
        let (code, text) = printed(case);
        assert!(code == Some(2) && text.contains(NOT_HERE), "{case}: {text}");
    }
    let workplace = Workplace::new();
    workplace.write("six.toml", "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"2600:1f18::/56\" }\n");
    let Ran { code, stderr, .. } = workplace.run(["run", "six.toml", "--out", "o"]);
    assert!(code == Some(2) && stderr.contains(NOT_HERE), "{stderr}");
}

#[test]
fn programs_that_want_ipv6_are_refused() {
    for line in [
        "ping6 -c 1 app",
        "ping -6 app",
        "ping 2001:db8::1",
        "traceroute6 app",
        "traceroute -6 app",
        "tracepath6 app",
        "curl -6 http://app/",
        "curl http://[2001:db8::1]/",
        "nc -6 -z app 22",
        "dig -6 example.com",
        "ssh -6 ec2-user@app",
        "aws ec2 create-egress-only-internet-gateway --vpc-id lab",
    ] {
        let (code, text) = printed(&format!("[[step]]\non = \"app\"\nrun = \"{line}\"\n"));
        assert!(code == Some(2) && text.contains(NOT_HERE), "{line}: {text}");
    }
}

#[test]
fn aws_lines_that_want_ipv6_are_answered_as_unsupported() {
    for line in [
        "create-route --route-table-id lab-main --destination-ipv6-cidr-block ::/0 --gateway-id lab",
        "create-subnet --vpc-id lab --cidr-block 10.0.9.0/24 --ipv6-cidr-block 2600:1f18::/64",
        "create-vpc --cidr-block 10.7.0.0/16 --amazon-provided-ipv6-cidr-block",
        "create-network-acl-entry --network-acl-id default --ingress --rule-number 120 --protocol -1 --rule-action allow --ipv6-cidr-block ::/0",
        "authorize-security-group-ingress --group-id default --ip-permissions IpProtocol=tcp,FromPort=443,ToPort=443,Ipv6Ranges=[{CidrIpv6=::/0}]",
        "run-instances --image-id ami-0abcdef1234567890 --subnet-id web --ipv6-address-count 1",
    ] {
        let (_, text) = printed(&format!("[[step]]\nrun = \"aws ec2 {line}\"\n"));
        assert!(text.contains("(UnsupportedOperation)") && text.contains("not simulate IPv6"), "{line}: {text}");
    }
}

#[test]
fn names_have_no_ipv6_addresses() {
    let (code, text) = printed(
        "[[step]]\non = \"app\"\nrun = \"dig dynamodb.us-east-1.amazonaws.com AAAA\"\nexpect.app = { exit = 0 }\n",
    );
    assert!(code == Some(0) && text.contains("status: NOERROR") && text.contains("ANSWER: 0"), "{text}");
}

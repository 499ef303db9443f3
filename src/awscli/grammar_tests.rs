//! The grammar against the tutorial's lines, the CLI's own notations, wrong lines, and random words.

use super::*;
use proptest::prelude::*;

fn parameters(line: &str) -> Value {
    parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).parameters
}

fn refusal(line: &str) -> UsageError {
    parse(line).err().unwrap_or_else(|| panic!("{line} was accepted"))
}

#[test]
fn the_tutorials_lines() {
    let create = "aws ec2 create-vpc-endpoint --vpc-id vpc-0bbc736e --service-name com.amazonaws.us-east-1.dynamodb";
    let invocation = parse(create).unwrap();
    assert_eq!((invocation.service, invocation.operation), (Service::Ec2, "CreateVpcEndpoint"));
    let expected = json!({"VpcId": "vpc-0bbc736e", "ServiceName": "com.amazonaws.us-east-1.dynamodb"});
    assert_eq!(invocation.parameters, expected);
    assert_eq!(
        parameters("aws ec2 modify-vpc-endpoint --vpc-endpoint-id ddb --add-route-table-ids main private"),
        json!({"VpcEndpointId": "ddb", "AddRouteTableIds": ["main", "private"]})
    );
    assert_eq!(parameters("ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-1"), json!({"VpcEndpointIds": ["vpce-1"]}));
    assert_eq!(parameters("aws dynamodb list-tables"), json!({}));
    assert_eq!(
        parameters(
            "aws ec2 create-security-group --group-name my-ssh-access --description 'ssh from my ip' --vpc-id vpc-1"
        ),
        json!({"Description": "ssh from my ip", "GroupName": "my-ssh-access", "VpcId": "vpc-1"})
    );
}

#[test]
fn shorthand_json_and_equals() {
    let filters =
        json!({"Filters": [{"Name": "vpc-id", "Values": ["a", "b"]}, {"Name": "state", "Values": ["available"]}]});
    for line in [
        "aws ec2 describe-vpcs --filters Name=vpc-id,Values=a,b Name=state,Values=available",
        r#"aws ec2 describe-vpcs --filters '[{"Name":"vpc-id","Values":["a","b"]},{"Name":"state","Values":["available"]}]'"#,
        r#"aws ec2 describe-vpcs --filters '{"Name":"vpc-id","Values":["a","b"]}' '{"Name":"state","Values":["available"]}'"#,
    ] {
        assert_eq!(parameters(line), filters, "{line}");
    }
    assert_eq!(parameters("aws ec2 describe-vpcs --vpc-ids='vpc-1'"), json!({"VpcIds": ["vpc-1"]}));
    assert_eq!(parameters(r#"aws ec2 describe-vpcs --vpc-ids '["a","b"]'"#), json!({"VpcIds": ["a", "b"]}));
    assert_eq!(
        parameters("aws ec2 create-tags --resources vpc-1 --tags Key=Name,Value='a b' Key=x,Value="),
        json!({"Resources": ["vpc-1"], "Tags": [{"Key": "Name", "Value": "a b"}, {"Key": "x", "Value": ""}]})
    );
    let input =
        r#"aws ec2 create-vpc-endpoint --cli-input-json '{"VpcId":"vpc-1","ServiceName":"s"}' --service-name t"#;
    assert_eq!(parameters(input), json!({"VpcId": "vpc-1", "ServiceName": "t"}));
}

#[test]
fn booleans() {
    let modify = |rest: &str| parameters(&format!("aws ec2 modify-vpc-endpoint --vpc-endpoint-id v {rest}"));
    assert_eq!(modify("--reset-policy"), json!({"VpcEndpointId": "v", "ResetPolicy": true}));
    assert_eq!(modify("--no-private-dns-enabled")["PrivateDnsEnabled"], json!(false));
    assert_eq!(modify("--private-dns-enabled --no-private-dns-enabled")["PrivateDnsEnabled"], json!(false));
    assert_eq!(modify("--no-private-dns-enabled --private-dns-enabled")["PrivateDnsEnabled"], json!(true));
    let vpc =
        |rest: &str| parameters(&format!("aws ec2 modify-vpc-attribute --vpc-id v {rest}"))["EnableDnsSupport"].clone();
    assert_eq!(vpc("--enable-dns-support"), json!({"Value": true}));
    assert_eq!(vpc("--no-enable-dns-support"), json!({"Value": false}));
    assert_eq!(vpc("--enable-dns-support Value=false"), json!({"Value": false}));
    assert_eq!(vpc(r#"--enable-dns-support '{"Value":false}'"#), json!({"Value": false}));
    let both = refusal("aws ec2 modify-vpc-attribute --vpc-id v --enable-dns-support --no-enable-dns-support");
    assert!(both.message.starts_with("Cannot specify both the \"--enable-dns-support\" option"), "{both}");
}

#[test]
fn security_group_rules() {
    let rule = |rest: &str| {
        parameters(&format!("aws ec2 authorize-security-group-ingress --group-id sg-1 {rest}"))["IpPermissions"].clone()
    };
    assert_eq!(
        rule("--protocol tcp --port 22 --cidr 198.51.100.7/32"),
        json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}])
    );
    assert_eq!(
        rule("--protocol all --port -1 --source-group sg-2"),
        json!([{"IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-2"}]}])
    );
    assert_eq!(
        rule("--ip-permissions IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{PrefixListId=pl-1}]"),
        json!([{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-1"}]}])
    );
    let both = refusal("aws ec2 revoke-security-group-egress --group-id sg-1 --port 1 --ip-permissions IpProtocol=tcp");
    assert_eq!(both.message, "The --port option is not compatible with the --ip-permissions option ");
}

#[test]
fn run_instances() {
    let run = |rest: &str| parameters(&format!("aws ec2 run-instances --image-id ami-1 {rest}"));
    let plain = json!({"ImageId": "ami-1", "MaxCount": 1, "MinCount": 1, "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"],
                       "PrivateIpAddress": "10.0.0.5", "UserData": "aGk="});
    assert_eq!(
        run("--subnet-id subnet-1 --security-group-ids sg-1 --private-ip-address 10.0.0.5 --user-data hi"),
        plain
    );
    assert_eq!(run("--count 2:5")["MaxCount"], json!(5));
    assert_eq!(
        run(
            "--subnet-id subnet-1 --security-group-ids sg-1 --no-associate-public-ip-address --private-ip-address 10.0.0.5"
        ),
        json!({"ImageId": "ami-1", "MaxCount": 1, "MinCount": 1, "NetworkInterfaces": [{
            "DeviceIndex": 0, "AssociatePublicIpAddress": false, "SubnetId": "subnet-1", "Groups": ["sg-1"],
            "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5", "Primary": true}],
        }]})
    );
    assert_eq!(run("--enable-api-termination")["DisableApiTermination"], json!(false));
    let mixed =
        refusal("aws ec2 run-instances --image-id a --associate-public-ip-address --network-interfaces DeviceIndex=0");
    assert!(mixed.message.starts_with("Mixing the --network-interfaces option"), "{mixed}");
    assert!(refusal("aws ec2 run-instances --count x").message.starts_with("count parameter should be of"));
}

#[test]
fn globals_anywhere() {
    let invocation =
        parse("aws --region eu-west-1 ec2 --no-paginate describe-vpcs --endpoint-url http://x --output json").unwrap();
    assert_eq!(invocation.globals.region.as_deref(), Some("eu-west-1"));
    assert_eq!(invocation.globals.endpoint_url.as_deref(), Some("http://x"));
    assert!(!invocation.paging.enabled);
    let invocation = parse("aws dynamodb list-tables --cli-connect-timeout 5 --max-items 3").unwrap();
    assert_eq!((invocation.globals.connect_timeout_s, invocation.paging.max_items), (5, Some(3)));
    assert!(invocation.paging.enabled);
}

#[test]
fn complaints_in_the_clis_words() {
    let cases = [
        ("aws", "the following arguments are required: command"),
        ("aws ec2", "the following arguments are required: operation"),
        ("aws ec3 describe-vpcs", "argument command: Found invalid choice 'ec3'; did you mean ec2?"),
        (
            "aws dynamodb list-tabels",
            "argument operation: Found invalid choice 'list-tabels'; did you mean list-tables?",
        ),
        ("aws ec2 create-vpc-endpoint", "the following arguments are required: --vpc-id"),
        ("aws ec2 create-vpc-endpoint --vpc-id", "argument --vpc-id: expected one argument"),
        ("aws ec2 create-vpc-endpoint --vpc-id --dry-run", "argument --vpc-id: expected one argument"),
        ("aws ec2 describe-vpcs --vpc-id vpc-1", "Unknown options: --vpc-id, vpc-1; did you mean --vpc-ids?"),
        ("aws ec2 describe-vpcs stray", "Unknown options: stray"),
        ("aws ec2 describe-vpcs --dry-run=yes", "argument --dry-run: ignored explicit argument 'yes'"),
        ("aws ec2 describe-vpcs --region", "argument --region: expected one argument"),
        ("aws ec2 describe-vpcs --max-items x", "argument --max-items: invalid int value: 'x'"),
        (
            "aws ec2 describe-vpcs --no-paginate --max-items 1",
            "Error during pagination: Cannot specify --no-paginate along with pagination arguments: --max-items",
        ),
        (
            "aws ec2 describe-vpcs --max-results x",
            "Error parsing parameter '--max-results': expected an integer, got 'x'",
        ),
        (
            "aws ec2 describe-vpcs --max-results 1",
            "Parameter validation failed:\nInvalid value for parameter MaxResults, value: 1, valid min value: 5",
        ),
        (
            "aws ec2 describe-vpcs --filters Nmae=x",
            "Parameter validation failed:\nUnknown parameter in Filters[0]: \"Nmae\", must be one of: Name, Values",
        ),
        (
            "aws ec2 describe-vpcs --filters vpc-id",
            "Error parsing parameter '--filters': Expected: '=', received: 'EOF' for input:\nvpc-id\n      ^",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(refusal(line).to_string(), expected, "{line}");
    }
}

#[test]
fn what_vpcsim_leaves_out_is_said() {
    let cases = [
        ("AWS_PROFILE=x aws ec2 describe-vpcs", "environment assignments"),
        ("aws s3 cp a s3://b", "`aws s3 ls`, not `aws s3 cp`"),
        ("aws iam list-users", "not `aws iam`"),
        ("aws s3api put-object --bucket b --key k --body f", "hosts here have no files"),
        (
            "aws ec2 describe-volumes",
            "vpcsim does not simulate `aws ec2 describe-volumes`; it has 133 other operations",
        ),
        ("aws ec2 describe-vpcs --output yaml", "--output yaml is not simulated"),
        ("aws ec2 describe-vpcs --debug", "--debug"),
        ("aws ec2 create-vpc-endpoint --vpc-id v --policy-document file://policy.json", "reads no files"),
        ("aws ec2 describe-vpcs --generate-cli-skeleton", "template"),
        ("aws ec2 describe-vpcs | jq .", "not a shell"),
    ];
    for (line, part) in cases {
        let error = refusal(line);
        assert_eq!(error.kind, UsageErrorKind::Unsupported, "{line}: {error}");
        assert!(error.message.contains(part), "{line}: {error}");
        assert!(error.span.is_some(), "{line}");
    }
}

#[test]
fn outputs_and_queries() {
    let globals = |line: &str| parse(line).unwrap().globals;
    let table = globals("aws --output table ec2 describe-vpcs --query Vpcs[].VpcId");
    assert_eq!(
        (table.output, table.query.as_deref()),
        (crate::awscli::globals::OutputFormat::Table, Some("Vpcs[].VpcId"))
    );
    assert_eq!(refusal("aws ec2 describe-vpcs --output tabel").suggestion.as_deref(), Some("table"));
    let bad = refusal("aws ec2 describe-vpcs --query 'Vpcs[?'");
    assert!(bad.message.starts_with("Bad value for --query Vpcs[?: "), "{bad}");
    assert!(bad.span.is_some());
}

#[test]
fn items_and_keys_in_json_and_shorthand() {
    let key = json!({"pk": {"S": "a"}, "n": {"N": "5"}});
    for line in [
        r#"aws dynamodb get-item --table-name Music --key '{"pk": {"S": "a"}, "n": {"N": "5"}}'"#,
        "aws dynamodb get-item --table-name Music --key pk={S=a},n={N=5}",
    ] {
        assert_eq!(parameters(line), json!({"TableName": "Music", "Key": key}), "{line}");
    }
    let deep = r#"aws dynamodb put-item --table-name Music --item '{"pk": {"L": [{"M": {"x": {"BOOL": 1}}}]}}'"#;
    let refused = refusal(deep).message;
    assert!(refused.contains("Invalid type for parameter Item.pk.L[0].M.x.BOOL, value: 1"), "{refused}");
    let blob = r#"aws dynamodb put-item --table-name Music --item '{"pk": {"B": "no"}}'"#;
    assert!(refusal(blob).message.contains("Invalid base64: \"no\""));
    let missing = refusal("aws ec2 delete-network-acl-entry --network-acl-id a --rule-number 1").message;
    assert!(missing.contains("Missing required parameter in input: \"Egress\""), "{missing}");
}

#[test]
fn complaints_point_at_their_word() {
    let line = "aws ec2 describe-vpcs --filters Name=x --vcp-ids vpc-1";
    assert_eq!(&line[refusal(line).span.unwrap()], "--vcp-ids");
    let line = "aws ec2 describe-vcps";
    assert_eq!(&line[refusal(line).span.unwrap()], "describe-vcps");
}

#[test]
fn names_are_replaced_where_they_stand() {
    let line = "aws ec2 describe-vpc-endpoints --vpc-endpoint-ids ddb --filters Name=vpc-id,Values=default Name=tag:x,Values=default";
    let mut invocation = parse(line).unwrap();
    let mut seen = Vec::new();
    invocation.replace_texts(|member, text| {
        seen.push(format!("{member}:{text}"));
        match (member, text) {
            ("VpcEndpointIds", "ddb") => Some("vpce-1".to_owned()),
            ("vpc-id", "default") => Some("vpc-1".to_owned()),
            _ => None,
        }
    });
    assert_eq!(invocation.parameters["VpcEndpointIds"], json!(["vpce-1"]));
    assert_eq!(invocation.parameters["Filters"][0]["Values"], json!(["vpc-1"]));
    assert_eq!(invocation.parameters["Filters"][1]["Values"], json!(["default"]));
    assert!(seen.contains(&"tag:x:default".to_owned()), "{seen:?}");
}

proptest! {
    #[test]
    fn parsing_is_total(words in proptest::collection::vec(
        prop_oneof![
            Just("aws".to_owned()), Just("ec2".to_owned()), Just("run-instances".to_owned()), Just("--count".to_owned()),
            Just("authorize-security-group-ingress".to_owned()), Just("--ip-permissions".to_owned()), Just("--port".to_owned()),
            Just("--network-interfaces".to_owned()), Just("--source-group".to_owned()), Just("--max-items=1".to_owned()),
            Just("--cli-input-json".to_owned()), Just("'{\"IpPermissions\":3,\"NetworkInterfaces\":[1]}'".to_owned()),
            Just("--secondary-private-ip-address-count".to_owned()), Just("--region".to_owned()), "[-a=,{}\\['1 ]{0,8}",
        ], 0..9))
    {
        let _ = parse(&words.join(" ")).map_err(|error| error.to_string());
    }
}

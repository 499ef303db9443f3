//! botocore and the real AWS CLI judge vpcsim's API codecs and `aws` grammar (`tests/python/api_botocore.py` is their side).
//!
//! Needs `python3` (or what `VPCSIM_PYTHON` names) with awscli 1.45.11 and botocore 1.43.11, the version the models are trimmed from:
//! `scripts/test` installs them. Another version may know other members, and then disagrees.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use vpcsim::api::{ApiError, Service, execute, query, xml};
use vpcsim::awscli::{self, CommandOutput, Environment, endpoint};
use vpcsim::calendar::Calendar;
use vpcsim::control::{ControlPlane, Wanted};
use vpcsim::model::Model;
use vpcsim::rng::Seed;
use vpcsim::time::SimTime;

const SEEDS: [u64; 3] = [1, 2, 3];

#[test]
fn requests_and_answers_agree_with_botocore() {
    let operations: Vec<&String> = Service::Ec2.model().operations.keys().collect();
    for seed in SEEDS {
        let drawn = python(&["generate", &seed.to_string()], &json!(operations));
        for case in drawn["requests"].as_array().unwrap() {
            let (operation, body) = (case["operation"].as_str().unwrap(), case["body"].as_str().unwrap());
            let decoded = query::decode_request(body).unwrap_or_else(|error| panic!("{error}: {body}"));
            assert_eq!(decoded, (operation, case["document"].clone()), "{body}");
            let ours = query::encode_request(operation, &case["document"]).unwrap();
            assert_eq!(ours, body);
        }
        let answers: Vec<Value> = drawn["responses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| {
                let operation = case["operation"].as_str().unwrap();
                let xml = xml::encode_response(operation, &case["document"], "id-1").unwrap();
                json!({"operation": operation, "status": 200, "xml": xml})
            })
            .collect();
        let parsed = python(&["parse"], &json!(answers));
        for ((case, answer), parsed) in
            drawn["responses"].as_array().unwrap().iter().zip(&answers).zip(parsed.as_array().unwrap())
        {
            assert_eq!(parsed["document"], case["document"], "{}", answer["xml"]);
            assert_eq!(parsed["request_id"], "id-1");
            let ours = xml::decode_response(case["operation"].as_str().unwrap(), answer["xml"].as_str().unwrap());
            assert_eq!(ours.unwrap().to_string(), parsed["document"].to_string(), "the same members in another order");
        }
        assert!(!answers.is_empty());
    }
}

#[test]
fn errors_and_empty_answers_agree_with_botocore() {
    let error = ApiError::new("InvalidVpcID.NotFound", "The vpc ID '<x> & y' does not exist");
    let empty = xml::encode_response("ModifyInstanceAttribute", &json!({}), "id-2").unwrap();
    let parsed = python(
        &["parse"],
        &json!([
            {"operation": "DescribeVpcs", "status": 400, "xml": xml::encode_error(&error, "id-1")},
            {"operation": "ModifyInstanceAttribute", "status": 200, "xml": empty},
        ]),
    );
    assert_eq!(parsed[0]["document"]["Error"], json!({"Code": error.code, "Message": error.message}));
    assert_eq!((&parsed[0]["request_id"], &parsed[1]["request_id"]), (&json!("id-1"), &json!("id-2")));
    assert_eq!(parsed[1]["document"], json!({}));
}

/// What the control plane answers about peering connections and transit gateways, read by botocore.
#[test]
fn answers_about_roads_to_vpcs_agree_with_botocore() {
    let model = Model::new("us-east-1", "111122223333", Seed::new(1));
    let mut control = ControlPlane::new(model, Calendar::starting_at(1_767_225_600).unwrap()).unwrap();
    let (mut sent, mut documents) = (Vec::new(), Vec::new());
    let mut line = |line: &str| {
        let invocation = awscli::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let region = invocation.globals.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
        let (operation, parameters) = (invocation.operation, &invocation.parameters);
        let wanted = Wanted::default();
        let answer = execute::execute_in(&mut control, &region, SimTime::ZERO, operation, parameters, &wanted);
        let answer = answer.unwrap_or_else(|error| panic!("{line}: {error}"));
        let xml = xml::encode_response(operation, &answer, "id-1").unwrap();
        sent.push(json!({"operation": operation, "status": 200, "xml": xml}));
        // Whole seconds, as the judge writes them.
        documents.push(serde_json::from_str::<Value>(&answer.to_string().replace(".000Z", "Z")).unwrap());
        execute::created_id(operation, &answer).unwrap_or_default()
    };
    let a = line("aws ec2 create-vpc --cidr-block 10.1.0.0/16");
    let b = line("aws ec2 create-vpc --cidr-block 10.2.0.0/16 --region eu-west-1");
    let subnet = line(&format!("aws ec2 create-subnet --vpc-id {a} --cidr-block 10.1.1.0/24"));
    let ask = format!("aws ec2 create-vpc-peering-connection --vpc-id {a} --peer-vpc-id {b} --peer-region eu-west-1");
    let peering = line(&ask);
    line(&format!("aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id {peering} --region eu-west-1"));
    line("aws ec2 describe-vpc-peering-connections --filters Name=status-code,Values=active");
    let hub = line("aws ec2 create-transit-gateway --description hub --options AmazonSideAsn=64600");
    let far = line("aws ec2 create-transit-gateway --region eu-west-1");
    let ask = format!("aws ec2 create-transit-gateway-peering-attachment --transit-gateway-id {hub}");
    let ask = format!("{ask} --peer-transit-gateway-id {far} --peer-account-id 111122223333 --peer-region eu-west-1");
    let ocean = line(&ask);
    let accept = "aws ec2 accept-transit-gateway-peering-attachment --region eu-west-1 --transit-gateway-attachment-id";
    line(&format!("{accept} {ocean}"));
    let attach = format!("aws ec2 create-transit-gateway-vpc-attachment --transit-gateway-id {hub} --vpc-id {a}");
    line(&format!("{attach} --subnet-ids {subnet} --options ApplianceModeSupport=enable"));
    let table = line(&format!("aws ec2 create-transit-gateway-route-table --transit-gateway-id {hub}"));
    let route = format!("aws ec2 create-transit-gateway-route --transit-gateway-route-table-id {table}");
    line(&format!("{route} --destination-cidr-block 10.2.0.0/16 --transit-gateway-attachment-id {ocean}"));
    line(&format!("{route} --destination-cidr-block 10.3.0.0/16 --blackhole"));
    let search = format!("aws ec2 search-transit-gateway-routes --transit-gateway-route-table-id {table}");
    line(&format!("{search} --filters Name=type,Values=static"));
    for what in ["gateways", "gateway-attachments", "gateway-vpc-attachments", "gateway-peering-attachments"] {
        line(&format!("aws ec2 describe-transit-{what}"));
    }
    line("aws ec2 describe-transit-gateway-route-tables");
    line("aws ec2 describe-network-interfaces");
    let parsed = python(&["parse"], &json!(sent));
    let read: Vec<_> = parsed.as_array().unwrap().iter().map(|parsed| parsed["document"].clone()).collect();
    assert_eq!(read, documents);
}

/// A line, and the answers of the service to its calls.
struct Case {
    line: &'static str,
    answers: Vec<(u16, String)>,
    /// Of each answer.
    headers: Vec<(&'static str, &'static str)>,
}

/// S3's and STS's lines, with answers as the services give them.
fn rest_cases() -> Vec<Case> {
    let case = |line, answers, headers| Case { line, answers, headers };
    let list = |more: &str, contents: &str| {
        let more = format!("<Name>b</Name><Prefix/><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>{more}");
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        (200, format!("<ListBucketResult xmlns=\"{namespace}\">{more}{contents}</ListBucketResult>"))
    };
    let object = |key: &str, size: u64| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:07.000Z</LastModified><ETag>&quot;e&quot;</ETag>\
             <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>"
        )
    };
    let common = |prefix: &str| format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
    let last = "<KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>";
    let first =
        "<NextContinuationToken>t/=</NextContinuationToken><KeyCount>1</KeyCount><IsTruncated>true</IsTruncated>";
    let pages = || {
        vec![
            list(first, &format!("{}{}", object("a+b%26%C3%BC.txt", 30), common("x%20y/"))),
            list(last, &format!("{}{}", object("z", 5_000_000), common("z/z/"))),
        ]
    };
    let buckets = || {
        let body = "<ListAllMyBucketsResult><Owner><ID>me</ID></Owner><Buckets><Bucket><Name>pics</Name>\
                    <CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>";
        vec![(200, body.to_owned())]
    };
    let refused = |status, code: &str, more: &str| {
        let body =
            format!("<Error><Code>{code}</Code><Message>It is so.</Message>{more}<RequestId>r</RequestId></Error>");
        vec![(status, body)]
    };
    let put =
        vec![("ETag", "\"x\""), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="), ("x-amz-checksum-type", "FULL_OBJECT")];
    let got = || {
        vec![
            ("Last-Modified", "Thu, 01 Jan 2026 00:00:07 GMT"),
            ("ETag", "\"x\""),
            ("Accept-Ranges", "bytes"),
            ("Content-Type", "text/plain"),
            ("Content-Length", "5"),
            ("x-amz-meta-Owner", "me"),
            ("x-amz-server-side-encryption", "AES256"),
        ]
    };
    let identity = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                    <GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn><UserId>AIDA</UserId><Account>1</Account>\
                    </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                    </GetCallerIdentityResponse>";
    let stranger = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token \
                    included in the request is invalid.</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    let away = refused(301, "PermanentRedirect", "<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>");
    vec![
        case("aws sts get-caller-identity", vec![(200, identity.to_owned())], vec![]),
        case("aws sts get-caller-identity --query Arn --output text", vec![(200, identity.to_owned())], vec![]),
        case("aws sts get-caller-identity", vec![(403, stranger.to_owned())], vec![]),
        case("aws s3api list-buckets", buckets(), vec![]),
        case("aws s3api list-buckets --query Buckets[].Name --output text", buckets(), vec![]),
        case("aws s3api list-buckets --max-buckets 5 --prefix p", buckets(), vec![]),
        case("aws s3api create-bucket --bucket b-1", vec![(200, String::new())], vec![("Location", "/b-1")]),
        case(
            "aws s3api create-bucket --bucket b-1 --create-bucket-configuration LocationConstraint=eu-west-1",
            vec![(200, String::new())],
            vec![("Location", "/b-1")],
        ),
        case("aws s3api create-bucket --bucket b-1", refused(409, "BucketAlreadyOwnedByYou", ""), vec![]),
        case(
            "aws s3api put-object --bucket bbb --key 'a/b c+ü' --content-type text/plain --metadata k=v",
            vec![(200, String::new())],
            put,
        ),
        case(
            "aws s3api get-object --bucket bbb --key a --range bytes=0-4 out.txt",
            vec![(200, "hello".to_owned())],
            got(),
        ),
        case("aws s3api get-object out.txt --bucket bbb --key a", refused(404, "NoSuchKey", "<Key>a</Key>"), vec![]),
        case("aws s3api head-object --bucket bbb --key ./a//b", vec![(200, String::new())], got()),
        case("aws s3api head-object --bucket bbb --key a", vec![(404, String::new())], vec![]),
        case("aws s3api head-bucket --bucket bbb", vec![(403, String::new())], vec![]),
        case("aws s3api delete-object --bucket bbb --key a", vec![(204, String::new())], vec![]),
        case("aws s3api delete-bucket --bucket bbb", refused(409, "BucketNotEmpty", ""), vec![]),
        case("aws s3api list-objects-v2 --bucket bbb", pages(), vec![]),
        case(
            "aws s3api list-objects-v2 --bucket bbb --prefix x/ --delimiter / --page-size 2 --max-items 1",
            pages(),
            vec![],
        ),
        case("aws s3api list-objects-v2 --bucket bbb --query Contents[].Key --output text", pages(), vec![]),
        case("aws s3api list-objects-v2 --bucket bbb --encoding-type url --no-paginate", pages(), vec![]),
        case("aws s3api list-objects-v2 --bucket bbb", vec![list(last, "")], vec![]),
        case("aws s3api list-objects-v2 --bucket bbb", refused(404, "NoSuchBucket", ""), vec![]),
        // Sent on to the Region, and again refused there.
        case(
            "aws s3api list-objects-v2 --bucket bbb",
            [away.clone(), away].concat(),
            vec![("x-amz-bucket-region", "eu-west-1")],
        ),
        case("aws s3 ls", buckets(), vec![]),
        case("aws s3 ls s3://bbb", pages(), vec![]),
        case("aws s3 ls s3://bbb/z --human-readable --summarize", pages(), vec![]),
        case("aws s3 ls bbb/z --recursive --summarize --page-size 7", pages(), vec![]),
        case("aws s3 ls s3://bbb/nothing", vec![list(last, "")], vec![]),
        case("aws s3 ls s3://bbb", refused(403, "AccessDenied", ""), vec![]),
    ]
}

fn ec2(operation: &str, document: Value) -> (u16, String) {
    (200, xml::encode_response(operation, &document, "id").unwrap())
}

/// As vpcsim answers DescribeNatGateways.
fn nat_gateways() -> Value {
    let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
    model.add_default_vpc("default", None, &["a"]).unwrap();
    let mut control = ControlPlane::new(model, Calendar::starting_at(1_767_225_600).unwrap()).unwrap();
    let mut call = |operation, parameters| {
        execute::execute(&mut control, SimTime::ZERO, operation, &parameters, &Wanted::default()).unwrap()
    };
    let subnet = call("DescribeSubnets", json!({}))["Subnets"][0]["SubnetId"].clone();
    let allocation = call("AllocateAddress", json!({}))["AllocationId"].clone();
    for _ in 0..2 {
        // The second one fails: the address is taken.
        call("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": allocation}));
    }
    call("DescribeNatGateways", json!({}))
}

#[test]
fn botocore_reads_our_nat_gateways_whole() {
    let document = nat_gateways();
    let states: Vec<_> = document["NatGateways"].as_array().unwrap().iter().map(|gateway| &gateway["State"]).collect();
    assert!(states.contains(&&json!("available")) && states.contains(&&json!("failed")));
    let (status, xml) = ec2("DescribeNatGateways", document.clone());
    let parsed = python(&["parse"], &json!([{"operation": "DescribeNatGateways", "status": status, "xml": xml}]));
    let mut theirs = parsed[0]["document"].clone();
    for (theirs, ours) in
        theirs["NatGateways"].as_array_mut().unwrap().iter_mut().zip(document["NatGateways"].as_array().unwrap())
    {
        // The only time: fractions of a second are not told by botocore.
        assert_eq!(theirs["CreateTime"], "2026-01-01T00:00:00Z");
        theirs["CreateTime"] = ours["CreateTime"].clone();
    }
    assert_eq!(theirs, document);
}

fn cases() -> Vec<Case> {
    let case = |line, answers| Case { line, answers, headers: Vec::new() };
    let vpcs = json!({"Vpcs": [
        {"VpcId": "vpc-0bbc736e", "InstanceTenancy": "default", "State": "available", "DhcpOptionsId": "dopt-8454b7e1",
         "CidrBlock": "172.31.0.0/16", "IsDefault": true, "Tags": [{"Key": "Name", "Value": "ü \"x\""}]},
        {"VpcId": "vpc-2", "CidrBlockAssociationSet": []},
    ]});
    let endpoint = json!({"VpcEndpoint": {
        "VpcEndpointId": "vpce-9b15e2f2", "VpcEndpointType": "Gateway", "RouteTableIds": [], "PrivateDnsEnabled": false,
        "CreationTimestamp": "2017-07-26T22:00:14.000Z", "PolicyDocument": "{\"Version\":\"2008-10-17\"}",
    }});
    let rules = json!({"Return": true, "SecurityGroupRules": []});
    let instances =
        json!({"ReservationId": "r-1", "Instances": [{"InstanceId": "i-1", "LaunchTime": "2017-07-26T22:00:14.000Z"}]});
    let services = json!({"ServiceNames": ["com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.dynamodb"], "ServiceDetails": []});
    let refused = xml::encode_error(&ApiError::new("InvalidVpcID.NotFound", "The vpc ID 'vpc-x' does not exist"), "id");
    let item = |year: &str| {
        format!("{{\"pk\":{{\"S\":\"ü\"}},\"n\":{{\"N\":\"{year}\"}},\"m\":{{\"M\":{{\"b\":{{\"BOOL\":true}}}}}}}}")
    };
    let items = |years: &[&str], last: &str| {
        let items: Vec<String> = years.iter().map(|year| item(year)).collect();
        let (count, items) = (years.len(), items.join(","));
        (200, format!("{{\"Count\":{count},\"Items\":[{items}],\"ScannedCount\":{count}{last}}}"))
    };
    let next = ",\"LastEvaluatedKey\":{\"pk\":{\"S\":\"a\"}}";
    let table = "{\"TableDescription\":{\"TableName\":\"Music\",\"CreationDateTime\":1501106414.25,\"KeySchema\":\
                 [{\"KeyType\":\"HASH\",\"AttributeName\":\"pk\"}],\"ItemCount\":0}}";
    let page = |names: &str, last: &str| (200, format!("{{\"TableNames\":[{names}]{last}}}"));
    let unit = |operation: &str| vec![ec2(operation, json!({}))];
    let authorize = || vec![ec2("AuthorizeSecurityGroupIngress", rules.clone())];
    let run = || vec![ec2("RunInstances", instances.clone())];
    let vpc_pages = || vec![ec2("DescribeVpcs", vpcs.clone())];
    vec![
        case("aws ec2 describe-vpcs", vpc_pages()),
        case("aws ec2 describe-vpcs --max-items 1", vpc_pages()),
        case("aws ec2 describe-vpcs --max-items 2 --page-size 5", vpc_pages()),
        case("aws ec2 describe-vpcs --no-paginate --vpc-ids vpc-1 vpc-2", vpc_pages()),
        case(
            "aws ec2 describe-vpcs --starting-token eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==",
            vpc_pages(),
        ),
        case("aws ec2 describe-vpcs --filters Name=vpc-id,Values=vpc-1,vpc-2 'Name=tag:Name,Values=a b'", vpc_pages()),
        case(r#"aws ec2 describe-vpcs --filters '[{"Name":"isDefault","Values":["true"]}]' --dry-run"#, vpc_pages()),
        case(
            "aws ec2 describe-vpcs --page-size 5",
            vec![
                ec2("DescribeVpcs", json!({"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "t/1"})),
                ec2("DescribeVpcs", json!({"Vpcs": [{"VpcId": "vpc-2"}]})),
            ],
        ),
        case("aws ec2 describe-vpc-endpoint-services", vec![ec2("DescribeVpcEndpointServices", services.clone())]),
        case(
            "aws ec2 create-vpc-endpoint --vpc-id vpc-0bbc736e --service-name com.amazonaws.us-east-1.dynamodb",
            vec![ec2("CreateVpcEndpoint", endpoint.clone())],
        ),
        case(
            "aws ec2 create-vpc-endpoint --vpc-id=v --service-name s --policy-document '{\"a\": [1]}' --no-private-dns-enabled \
             --tag-specifications 'ResourceType=vpc-endpoint,Tags=[{Key=Name,Value=a b},{Key=x,Value=\"1,2\"}]' --route-table-ids",
            vec![ec2("CreateVpcEndpoint", endpoint.clone())],
        ),
        case(
            "aws ec2 create-managed-prefix-list --prefix-list-name offices --max-entries 3 --address-family IPv4 \
             --entries Cidr=198.51.100.0/24,Description=main Cidr=192.0.2.0/24",
            vec![ec2(
                "CreateManagedPrefixList",
                json!({"PrefixList": {"PrefixListId": "pl-0000000f", "State": "create-complete", "MaxEntries": 3, "Version": 1}}),
            )],
        ),
        case(
            "aws ec2 modify-managed-prefix-list --prefix-list-id pl-0000000f --current-version 1 --remove-entries Cidr=192.0.2.0/24",
            vec![ec2("ModifyManagedPrefixList", json!({"PrefixList": {"PrefixListId": "pl-0000000f", "Version": 2}}))],
        ),
        case(
            "aws ec2 replace-route --route-table-id rtb-1 --destination-cidr-block 10.0.0.0/16 --local-target",
            vec![ec2("ReplaceRoute", json!({}))],
        ),
        case(
            "aws ec2 modify-vpc-block-public-access-options --internet-gateway-block-mode block-ingress",
            vec![ec2(
                "ModifyVpcBlockPublicAccessOptions",
                json!({"VpcBlockPublicAccessOptions": {
                    "State": "update-complete", "InternetGatewayBlockMode": "block-ingress",
                    "LastUpdateTimestamp": "2026-01-01T00:00:00.000Z",
                }}),
            )],
        ),
        case(
            "aws ec2 modify-security-group-rules --group-id sg-1 --security-group-rules \
             SecurityGroupRuleId=sgr-1,SecurityGroupRule={IpProtocol=tcp,FromPort=80,ToPort=80,CidrIpv4=10.0.0.0/8}",
            vec![ec2("ModifySecurityGroupRules", json!({"Return": true}))],
        ),
        case(
            "aws ec2 modify-network-interface-attribute --network-interface-id eni-1 --connection-tracking-specification \
             TcpEstablishedTimeout=350,UdpTimeout=60",
            vec![ec2("ModifyNetworkInterfaceAttribute", json!({}))],
        ),
        case(
            "aws ec2 associate-vpc-cidr-block --vpc-id vpc-1 --cidr-block 10.1.0.0/16",
            vec![ec2(
                "AssociateVpcCidrBlock",
                json!({"VpcId": "vpc-1", "CidrBlockAssociation": {"CidrBlock": "10.1.0.0/16"}}),
            )],
        ),
        case(
            "aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-1 --add-route-table-ids rtb-1 rtb-2 --reset-policy",
            vec![ec2("ModifyVpcEndpoint", json!({"Return": true}))],
        ),
        case(
            "aws ec2 create-vpc-endpoint --vpc-id v --vpc-endpoint-type Interface --service-name s --subnet-ids a b \
             --security-group-ids sg-1 --private-dns-enabled --dns-options PrivateDnsOnlyForInboundResolverEndpoint=false \
             --subnet-configurations SubnetId=a,Ipv4=10.0.0.9",
            unit("CreateVpcEndpoint"),
        ),
        case(
            "aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-1 --add-subnet-ids a --remove-subnet-ids b \
             --add-security-group-ids sg-1 --remove-security-group-ids sg-2 --no-private-dns-enabled",
            unit("ModifyVpcEndpoint"),
        ),
        case(
            "aws ec2 create-dhcp-options --dhcp-configurations Key=domain-name-servers,Values=10.0.0.5,10.0.0.6 \
             Key=domain-name,Values=corp.example",
            unit("CreateDhcpOptions"),
        ),
        case("aws ec2 associate-dhcp-options --dhcp-options-id dopt-1 --vpc-id v", unit("AssociateDhcpOptions")),
        case("aws ec2 delete-dhcp-options --dhcp-options-id dopt-1", unit("DeleteDhcpOptions")),
        case("aws ec2 delete-network-interface --network-interface-id eni-1", unit("DeleteNetworkInterface")),
        case(
            "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-1",
            vec![ec2("DeleteVpcEndpoints", json!({"Unsuccessful": []}))],
        ),
        case("aws ec2 modify-instance-attribute --instance-id i-1 --groups sg-1 sg-2", unit("ModifyInstanceAttribute")),
        case(
            "aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 200 --protocol tcp \
             --port-range From=1024,To=65535 --cidr-block 52.94.0.0/22 --rule-action allow",
            unit("CreateNetworkAclEntry"),
        ),
        case(
            "aws ec2 modify-instance-attribute --instance-id i-1 --no-source-dest-check",
            unit("ModifyInstanceAttribute"),
        ),
        case(
            "aws ec2 modify-instance-attribute --instance-id i-1 --instance-type t2.micro",
            unit("ModifyInstanceAttribute"),
        ),
        case("aws ec2 modify-vpc-attribute --vpc-id v --enable-dns-support Value=false", unit("ModifyVpcAttribute")),
        case(
            "aws ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port 22 --cidr 198.51.100.7/32",
            authorize(),
        ),
        case(
            "aws ec2 authorize-security-group-ingress --group-name g --protocol all --source-group x --group-owner 1",
            authorize(),
        ),
        case(
            "aws ec2 authorize-security-group-ingress --group-id sg-1 --protocol icmp --port 8-0 --source-group sg-2",
            authorize(),
        ),
        case(
            "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions \
             IpProtocol=tcp,FromPort=22,ToPort=23,IpRanges='[{CidrIp=10.0.0.0/8,Description=\"a, b\"}]' IpProtocol=-1",
            authorize(),
        ),
        case(
            "aws ec2 run-instances --image-id ami-1 --count 2:3 --subnet-id s --security-group-ids sg-1 --user-data hello",
            run(),
        ),
        case(
            "aws ec2 run-instances --image-id ami-1 --subnet-id s --security-group-ids sg-1 --associate-public-ip-address \
             --private-ip-address 10.0.0.5 --instance-type t2.micro --enable-api-termination",
            run(),
        ),
        case(
            "aws ec2 run-instances --image-id ami-1 --secondary-private-ip-addresses 10.0.0.6 10.0.0.7 \
             --secondary-private-ip-address-count 2 --no-associate-public-ip-address",
            run(),
        ),
        case("aws ec2 create-tags --resources a b --tags Key=x,Value= 'Key=y,Value=a=b'", unit("CreateTags")),
        case("aws ec2 describe-subnets --filters Name=vpc-id,Values=vpc-x", vec![(400, refused)]),
        case("aws dynamodb list-tables", vec![(200, "{\"TableNames\":[]}".to_owned())]),
        case(
            "aws dynamodb list-tables --page-size 1",
            vec![page("\"aaa\"", ",\"LastEvaluatedTableName\":\"aaa\""), page("\"bbb\"", "")],
        ),
        case("aws dynamodb list-tables --max-items 1", vec![page("\"aaa\",\"bbb\"", "")]),
        case("aws dynamodb list-tables --limit 1", vec![page("\"aaa\"", ",\"LastEvaluatedTableName\":\"aaa\"")]),
        case("aws ec2 describe-vpcs --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --output table", vpc_pages()),
        case("aws ec2 describe-vpcs --query Vpcs[].VpcId", vpc_pages()),
        case("aws ec2 describe-vpcs --query Vpcs[].VpcId --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[].[VpcId, CidrBlock]' --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[].[VpcId, CidrBlock]' --output table", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[].{Id: VpcId, Block: CidrBlock, A: IsDefault}'", vpc_pages()),
        case(
            "aws ec2 describe-vpcs --query 'Vpcs[].{Id: VpcId, B: CidrBlock, A: IsDefault}' --output table",
            vpc_pages(),
        ),
        case("aws ec2 describe-vpcs --query 'Vpcs[?IsDefault].VpcId | [0]' --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'length(Vpcs)'", vpc_pages()),
        case("aws ec2 describe-vpcs --query Vpcs[0] --output table", vpc_pages()),
        case("aws ec2 describe-vpcs --query Nothing", vpc_pages()),
        case("aws ec2 describe-vpcs --query Nothing --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --query Nothing --output table", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[0].Tags' --output table", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[].Tags[].Value' --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --max-items 1 --output text", vpc_pages()),
        case("aws ec2 describe-vpcs --query 'Vpcs[*].IsDefault' --output text", vpc_pages()),
        case("aws ec2 run-instances --image-id ami-1 --output table", run()),
        case("aws ec2 run-instances --image-id ami-1 --output text --query Instances[0].InstanceId", run()),
        case("aws ec2 create-tags --resources a --tags Key=x,Value=y --output text", unit("CreateTags")),
        case("aws ec2 create-tags --resources a --tags Key=x,Value=y --output table", unit("CreateTags")),
        case(
            "aws ec2 create-vpc-endpoint --vpc-id v --service-name s --output table",
            vec![ec2("CreateVpcEndpoint", endpoint.clone())],
        ),
        case(
            "aws ec2 describe-vpc-endpoint-services --output text",
            vec![ec2("DescribeVpcEndpointServices", services.clone())],
        ),
        case(
            "aws ec2 create-network-acl-entry --network-acl-id acl-1 --rule-number 100 --protocol tcp --rule-action allow \
             --ingress --cidr-block 10.0.0.0/8 --port-range From=80,To=90",
            unit("CreateNetworkAclEntry"),
        ),
        case(
            "aws ec2 replace-network-acl-entry --network-acl-id acl-1 --rule-number 100 --protocol all --rule-action deny \
             --egress --cidr-block 10.0.0.0/8",
            unit("ReplaceNetworkAclEntry"),
        ),
        case(
            "aws ec2 create-subnet --vpc-id vpc-1 --cidr-block 10.0.0.0/24 --availability-zone us-east-1a \
             --tag-specifications 'ResourceType=subnet,Tags=[{Key=Name,Value=x}]'",
            vec![ec2("CreateSubnet", json!({"Subnet": {"SubnetId": "subnet-1"}}))],
        ),
        case(
            "aws ec2 create-nat-gateway --subnet-id subnet-1 --allocation-id eipalloc-1 --client-token t \
             --secondary-allocation-ids eipalloc-2 eipalloc-3 --secondary-private-ip-addresses 10.0.0.7 10.0.0.8",
            vec![ec2("CreateNatGateway", json!({"NatGateway": nat_gateways()["NatGateways"][0]}))],
        ),
        case(
            "aws ec2 describe-nat-gateways --filter Name=state,Values=available Name=tag:Name,Values=a,b --output text",
            vec![ec2("DescribeNatGateways", nat_gateways())],
        ),
        case(
            "aws ec2 describe-nat-gateways --nat-gateway-ids nat-1 --output table",
            vec![ec2("DescribeNatGateways", nat_gateways())],
        ),
        case(
            "aws ec2 disassociate-nat-gateway-address --nat-gateway-id nat-1 --association-ids eipassoc-1 \
             --max-drain-duration-seconds 5",
            vec![ec2("DisassociateNatGatewayAddress", json!({"NatGatewayId": "nat-1", "NatGatewayAddresses": []}))],
        ),
        case(
            "aws ec2 assign-private-nat-gateway-address --nat-gateway-id nat-1 --private-ip-address-count 2",
            vec![ec2("AssignPrivateNatGatewayAddress", json!({"NatGatewayId": "nat-1"}))],
        ),
        case(
            "aws ec2 create-route --route-table-id rtb-1 --destination-cidr-block 0.0.0.0/0 --nat-gateway-id nat-1",
            vec![ec2("CreateRoute", json!({"Return": true}))],
        ),
        case(
            "aws ec2 modify-subnet-attribute --subnet-id subnet-1 --map-public-ip-on-launch",
            unit("ModifySubnetAttribute"),
        ),
        case(
            "aws ec2 detach-internet-gateway --internet-gateway-id igw-1 --vpc-id vpc-1",
            unit("DetachInternetGateway"),
        ),
        case(
            "aws dynamodb create-table --table-name Music --attribute-definitions AttributeName=pk,AttributeType=S \
             AttributeName=sk,AttributeType=N --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE \
             --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6 --no-deletion-protection-enabled",
            vec![(200, table.to_owned())],
        ),
        case(
            "aws dynamodb put-item --table-name Music --item '{\"pk\":{\"S\":\"ü\"},\"l\":{\"L\":[{\"N\":\"1\"},{\"NULL\":true}]}}' \
             --return-consumed-capacity TOTAL",
            vec![(200, "{\"ConsumedCapacity\":{\"CapacityUnits\":1.0,\"TableName\":\"Music\"}}".to_owned())],
        ),
        case("aws dynamodb put-item --table-name Music --item pk={S=a},n={N=5}", vec![(200, "{}".to_owned())]),
        case(
            "aws dynamodb get-item --table-name Music --key '{\"pk\": {\"S\": \"ü\"}}' --consistent-read",
            vec![(200, format!("{{\"Item\":{}}}", item("1")))],
        ),
        case(
            "aws dynamodb get-item --table-name Music --key pk={S=a} --output text",
            vec![(200, format!("{{\"Item\":{}}}", item("1")))],
        ),
        case(
            "aws dynamodb get-item --table-name Music --key pk={S=a} --output table",
            vec![(200, format!("{{\"Item\":{}}}", item("1")))],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression 'pk = :a AND #n > :b' \
             --expression-attribute-values '{\":a\":{\"S\":\"ü\"},\":b\":{\"N\":\"0\"}}' \
             --expression-attribute-names '{\"#n\":\"n\"}' --no-scan-index-forward",
            vec![items(&["1", "2"], next), items(&["3"], "")],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression x --max-items 1 --page-size 2",
            vec![items(&["1", "2"], next)],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression x --output text --query Items[].n.N",
            vec![items(&["1", "2"], next), items(&["3"], "")],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression x --output text",
            vec![items(&["1", "2"], next), items(&["3"], "")],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression x --output table",
            vec![items(&["1"], "")],
        ),
        case(
            "aws dynamodb query --table-name Music --key-condition-expression x --query Count",
            vec![items(&["1", "2"], next), items(&["3"], "")],
        ),
        case(
            "aws dynamodb describe-endpoints",
            vec![(200, "{\"Endpoints\":[{\"CachePeriodInMinutes\":1440,\"Address\":\"x\"}]}".to_owned())],
        ),
        case(
            "aws dynamodb list-tables",
            vec![(
                400,
                "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\",\"Message\":\"no\"}".to_owned(),
            )],
        ),
    ]
}

/// What our command does with the same line and answers: the bodies it sends, and its output.
fn ours(case: &Case) -> (Vec<awscli::ServiceRequest>, CommandOutput) {
    let environment =
        Environment { region: "us-east-1".to_owned(), account_id: None, endpoints: endpoint::Settings::default() };
    let mut stream = Seed::new(1).derive("test");
    let invocation = awscli::parse(case.line).unwrap_or_else(|error| panic!("{}: {error}", case.line));
    let mut command = awscli::Command::new(invocation);
    let mut requests = Vec::new();
    let headers: Vec<(String, String)> =
        case.headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    for (status, body) in &case.answers {
        requests.push(command.request(&environment, &mut stream).unwrap());
        if let Some(output) = command.received(*status, &headers, body.as_bytes()) {
            return (requests, output);
        }
    }
    panic!("{}: asks for more pages than there are", case.line);
}

#[test]
fn command_lines_agree_with_the_aws_cli() {
    let cases: Vec<Case> = cases().into_iter().chain(rest_cases()).collect();
    let given: Vec<Value> = cases
        .iter()
        .map(|case| {
            let headers: Map<String, Value> =
                case.headers.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
            let answer = |(status, body): &(u16, String)| json!({"status": status, "body": body, "headers": headers});
            let answers: Vec<Value> = case.answers.iter().map(answer).collect();
            json!({"line": case.line, "answers": answers})
        })
        .collect();
    let theirs = python(&["cli"], &json!(given));
    for (case, theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
        let (requests, output) = ours(case);
        let their_requests = theirs["requests"].as_array().unwrap();
        assert_eq!(requests.len(), their_requests.len(), "{}: {theirs}", case.line);
        for (our_request, their_request) in requests.iter().zip(their_requests) {
            let our_body = without_tokens(std::str::from_utf8(&our_request.body).unwrap());
            assert_eq!(our_body, without_tokens(their_request["body"].as_str().unwrap()), "{}", case.line);
            let headers: BTreeMap<String, &str> =
                our_request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
            assert_eq!(our_request.method, their_request["method"], "{}", case.line);
            // They call an address, so the bucket stands in the path.
            let mut our_target = our_request.target.clone();
            if let Some((bucket, _)) = our_request.endpoint.host.split_once(".s3.") {
                our_target = format!("/{bucket}{our_target}").replace("/?", "?");
            }
            let their_target = their_request["target"].as_str().unwrap();
            assert_eq!(our_target.trim_end_matches('/'), their_target.trim_end_matches('/'), "{}", case.line);
            for name in
                ["accept-encoding", "content-type", "x-amz-target", "range", "x-amz-checksum-mode", "x-amz-meta-k"]
            {
                assert_eq!(
                    headers.get(name).copied(),
                    their_request["headers"][name].as_str(),
                    "{}: {name}",
                    case.line
                );
            }
        }
        assert_eq!(output.stdout, theirs["stdout"].as_str().unwrap(), "{}", case.line);
        // Version 2 puts its name before the message.
        assert_eq!(output.stderr.replace("aws: [ERROR]: ", ""), theirs["stderr"].as_str().unwrap(), "{}", case.line);
        assert_eq!(output.exit_code == 0, theirs["exit_code"] == 0, "{}", case.line);
    }
}

#[test]
fn option_names_agree_with_botocore() {
    let operations: Vec<&String> = Service::Ec2.model().operations.keys().collect();
    let drawn = python(&["generate", "0"], &json!(operations));
    for operation in operations {
        let names = &drawn["names"][operation];
        // An unknown option's complaint names the known ones' likes: parse with each option alone and see it accepted.
        let command = names["operation"].as_str().unwrap();
        for name in names["members"].as_object().unwrap().values() {
            let line = format!("aws ec2 {command} --{}", name.as_str().unwrap());
            let unknown = awscli::parse(&line).is_err_and(|error| error.message.starts_with("Unknown options"));
            let replaced = matches!(name.as_str(), Some("min-count" | "max-count")) && command == "run-instances";
            assert_eq!(unknown, replaced, "{line}");
        }
    }
}

/// A form without its idempotency tokens, which are random.
fn without_tokens(body: &str) -> String {
    body.split('&').filter(|pair| !pair.starts_with("ClientToken=")).collect::<Vec<_>>().join("&")
}

/// Runs the Python side.
fn python(arguments: &[&str], input: &Value) -> Value {
    let interpreter = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let advice = "this test needs python3 with awscli (which brings botocore); scripts/test installs it, or: \
                  pip install awscli==1.45.11 botocore==1.43.11; VPCSIM_PYTHON names another interpreter";
    let mut child = Command::new(&interpreter)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/api_botocore.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {interpreter}: {error}; {advice}"));
    let mut stdin = child.stdin.take().unwrap();
    // A judge that died says why on standard error: that is reported below, not the broken pipe.
    let _ = stdin.write_all(input.to_string().as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{interpreter} api_botocore.py {arguments:?} failed; {advice}\n{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

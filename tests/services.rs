//! S3, STS and names of services, from a host's command to what it prints and the road it took.

use serde_json::Value;
use vpcsim::run::{Progress, Run};
use vpcsim::scenario;

/// Runs a scenario in the default VPC of `region`, whose host `app` has a public address; the result as JSON.
fn run(region: &str, rest: &str) -> Value {
    let head = format!(
        "region = \"{region}\"\n[vpc]\nd = {{ default = true }}\n[instance]\napp = {{ subnet = \"d-1a\", public_ip = true }}\n"
    );
    let scenario = scenario::parse("test.toml", &(head + rest), None).unwrap_or_else(|error| panic!("{error:?}"));
    let mut run = Run::new(scenario).unwrap();
    while run.advance(1_000_000).unwrap() == Progress::Working {}
    serde_json::to_value(run.finish().0).unwrap()
}

/// The only host's result of each step.
fn hosts(result: &Value) -> Vec<&Value> {
    assert_eq!(result["complete"], true);
    result["steps"].as_array().unwrap().iter().map(|step| &step["hosts"][0]).collect()
}

fn steps(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("[[step]]\non = \"app\"\nrun = '{line}'\n")).collect()
}

/// Exit status, class of the road, and all that was printed.
fn told(host: &Value) -> (u64, String, String) {
    let text = host.to_string();
    let exit = host["exit_code"].as_u64().or_else(|| host["exit"].as_u64()).unwrap_or(999);
    (exit, host["via"]["class"].as_str().unwrap_or("none").to_owned(), text)
}

const ENDPOINT: &str = "[endpoint]\ns3 = { service = \"s3\", tables = [\"main\"] }\n";

#[test]
fn objects_go_through_the_endpoint_and_back() {
    let s3 = "[s3]\nbuckets = [\"pictures\"]\nobjects = [\"pictures/a/cat.jpg 20 KiB\"]\n";
    let lines = steps(&[
        "aws sts get-caller-identity --query Arn --output text",
        "aws s3 ls",
        "aws s3 ls s3://pictures/a/",
        r#"aws s3api put-object --cli-input-json "{\"Bucket\":\"pictures\",\"Key\":\"new\",\"Body\":\"aGVsbG8=\"}""#,
        "aws s3api get-object --bucket pictures --key new out",
        "aws s3api head-object --bucket pictures --key a/cat.jpg --query ContentLength",
        "aws s3api get-object --bucket pictures --key nothing out",
        "aws s3api create-bucket --bucket one-more",
        "aws s3api list-buckets --query Buckets[].Name --output text",
    ]);
    let result = run("us-east-1", &format!("{ENDPOINT}{s3}{lines}"));
    let found: Vec<_> = hosts(&result).into_iter().map(told).collect();
    let expected = [
        (0, "internet-gateway", "user/simulated-user"),
        (0, "gateway-endpoint", "2026-01-01 00:00:00 pictures"),
        (0, "gateway-endpoint", "     20480 cat.jpg"),
        (0, "gateway-endpoint", "5d41402abc4b2a76b9719d911017c592"),
        (0, "gateway-endpoint", "\\\"ContentLength\\\": 5"),
        (0, "gateway-endpoint", "20480"),
        (254, "gateway-endpoint", "An error occurred (NoSuchKey) when calling the GetObject operation"),
        (0, "gateway-endpoint", "/one-more"),
        (0, "gateway-endpoint", "one-more\\tpictures"),
    ];
    for ((exit, road, text), (wanted_exit, wanted_road, part)) in found.iter().zip(expected) {
        assert_eq!((*exit, road.as_str()), (wanted_exit, wanted_road), "{text}");
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(found.len(), expected.len());
}

/// Names without a Region lie in us-east-1: outside the endpoint's prefix list everywhere else.
#[test]
fn a_global_name_goes_past_the_endpoint_of_another_region() {
    let s3 = "[s3]\nbuckets = [\"pictures\"]\n";
    let lines = steps(&[
        "aws s3 ls s3://pictures",
        "aws s3 ls s3://pictures --endpoint-url https://s3.amazonaws.com",
        "curl -I https://pictures.s3.amazonaws.com/",
        "aws sts get-caller-identity --endpoint-url https://sts.amazonaws.com --region us-east-1",
    ]);
    let result = run("eu-west-1", &format!("{ENDPOINT}{s3}{lines}"));
    let found: Vec<_> = hosts(&result).into_iter().map(told).collect();
    assert_eq!((found[0].0, found[0].1.as_str()), (0, "gateway-endpoint"), "{}", found[0].2);
    // us-east-1 says where the bucket is, but the URL stays: the client gives up.
    assert_eq!((found[1].0, found[1].1.as_str()), (254, "internet-gateway"), "{}", found[1].2);
    assert!(found[1].2.contains("PermanentRedirect") && found[1].2.contains("pictures.s3.eu-west-1.amazonaws.com"));
    assert_eq!((found[2].0, found[2].1.as_str()), (0, "internet-gateway"));
    assert!(found[2].2.contains("301 Moved Permanently") && found[2].2.contains("x-amz-bucket-region: eu-west-1"));
    assert_eq!((found[3].0, found[3].1.as_str()), (0, "internet-gateway"), "{}", found[3].2);
}

#[test]
fn a_bucket_elsewhere_is_followed_there() {
    let s3 = "[s3]\nbuckets = [\"archive in eu-west-1\"]\nobjects = [\"archive/old 1 KiB\"]\n";
    let lines = steps(&["aws s3api get-object --bucket archive --key old out --query ContentLength"]);
    // The operator's call sends no packets, and is sent on as well.
    let lines = format!("{lines}[[step]]\nrun = \"aws s3api head-bucket --bucket archive\"\n");
    let result = run("us-east-1", &format!("{ENDPOINT}{s3}{lines}"));
    let found = told(hosts(&result)[0]);
    assert_eq!(found.0, 0, "{}", found.2);
    assert!(found.2.contains("1024"), "{}", found.2);
    // To us-east-1's S3 through the endpoint, which says where to go, and there through the internet gateway.
    let routes = hosts(&result)[0]["routes"].as_array().unwrap();
    let targets: Vec<&str> = routes.iter().map(|route| route["target"].as_str().unwrap()).collect();
    assert!(targets.iter().any(|target| target.starts_with("igw-")), "{targets:?}");
    assert!(targets.iter().any(|target| target.starts_with("vpce-")), "{targets:?}");
    let operator = told(hosts(&result)[1]);
    assert!(operator.0 == 0 && operator.2.contains("eu-west-1"), "{}", operator.2);
}

#[test]
fn a_name_without_addresses_stops_new_connections_only() {
    let call = "aws dynamodb list-tables";
    let kept = format!("[[step]]\non = \"app\"\nsession = \"kept\"\nrun = '{call}'\n");
    let name = "dynamodb.us-east-1.amazonaws.com";
    let curl = format!("curl https://{name}/");
    let timeline = [
        kept.clone(),
        format!("[[step]]\ndns = {{ fail = \"{name}\" }}\n"),
        kept,
        steps(&[call, curl.as_str(), &format!("dig {name}"), &format!("dig {name} AAAA")]),
        format!("[[step]]\nwait = \"5m\"\ndns = {{ restore = [\"{name}\"] }}\n"),
        steps(&[call]),
    ];
    let result = run("us-east-1", &timeline.concat());
    let found: Vec<_> = hosts(&result).into_iter().map(told).collect();
    let exits: Vec<u64> = found.iter().map(|(exit, ..)| *exit).collect();
    assert_eq!(exits, [0, 0, 0, 255, 6, 0, 0, 0, 0]);
    assert!(
        found[3].2.contains("Could not connect to the endpoint URL: \\\"https://dynamodb.us-east-1.amazonaws.com/\\\"")
    );
    assert!(found[4].2.contains("curl: (6) Could not resolve host: dynamodb.us-east-1.amazonaws.com"));
    for dig in &found[5..7] {
        assert!(dig.2.contains("status: NOERROR") && dig.2.contains("ANSWER: 0"), "{}", dig.2);
    }
}

/// The setting of the CLI that gives each account a name of its own, which an allow-list of names does not know.
#[test]
fn the_account_can_be_in_dynamodbs_name() {
    let dns = "[dns]\nfail = \"*.ddb.us-east-1.amazonaws.com\"\n";
    let call = "[[step]]\non = \"app\"\nrun = \"aws dynamodb list-tables\"\n";
    let lines: String = ["disabled", "preferred", "required"]
        .iter()
        .map(|mode| format!("{call}account_id_endpoint_mode = \"{mode}\"\n"))
        .collect();
    let result = run("us-east-1", &format!("{dns}{call}{lines}"));
    let found: Vec<_> = hosts(&result).into_iter().map(told).collect();
    assert_eq!(found.iter().map(|(exit, ..)| *exit).collect::<Vec<_>>(), [0, 0, 255, 255]);
    assert!(found[2].2.contains("https://111122223333.ddb.us-east-1.amazonaws.com/"), "{}", found[2].2);
    let by_setting = format!("[cli]\naccount_id_endpoint_mode = \"preferred\"\n{call}");
    assert_eq!(told(hosts(&run("us-east-1", &by_setting))[0]).0, 0);
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let refused = |rest: &str| {
        let text = format!("region = \"us-east-1\"\n{rest}");
        let error = scenario::parse("test.toml", &text, None).unwrap_err();
        format!("{error:?}")
    };
    for (rest, part) in [
        (
            "[dns]\nfail = \"dynamo.us-east-1.amazonaws.com\"\n",
            "did you mean \\\"dynamodb.us-east-1.amazonaws.com\\\"?",
        ),
        ("[[step]]\ndns = { }\n", "changes nothing"),
        (
            "[[step]]\nrun = \"aws ec2 describe-vpcs\"\ndns = { fail = \"sts.amazonaws.com\" }\n",
            "a step does one thing",
        ),
        ("[s3]\nbuckets = [\"Bad\"]\n", "is no name for an S3 bucket"),
        ("[s3]\nbuckets = [\"good-one in eu-wst-1\"]\n", "did you mean \\\"eu-west-1\\\"?"),
        ("[s3]\nobjects = [\"nobodys/key 1 KiB\"]\n", "no bucket is called"),
        ("[s3]\nbuckets = [\"abc\"]\nobjects = [\"abc/key 17 MiB\"]\n", "at most 16777216"),
        ("[s3]\nbuckets = [\"abc\"]\nobjects = [\"abc\"]\n", "is no object"),
        ("[s3]\naddress = \"10.0.0.1\"\n", "is not in S3's prefix list pl-63a5400a"),
        ("[cli]\naccount_id_endpoint_mode = \"always\"\n", "expected one of: disabled, preferred, required"),
    ] {
        let text = refused(rest);
        assert!(text.contains(part), "{rest}: {text}");
    }
}

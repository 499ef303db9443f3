//! What a command puts on the wire: one HTTP request, complete but for its date and signature.
//!
//! A difference: the real CLI sends an object's bytes over HTTPS in `aws-chunked` pieces with the checksum behind them, after `Expect: 100-continue`; here
//! they travel whole, with the checksum in a header, as the CLI does over HTTP.
//!
//! Source: requests captured from botocore (aws-facts sections 11.1 and 13). The host adds `X-Amz-Date` and `Authorization` per attempt,
//! and counts the attempts in `amz-sdk-request`, which is not signed.

use super::endpoint::{self, Endpoint};
use super::grammar::Invocation;
use super::usage::{UsageError, UsageErrorKind};
use crate::api::{DocumentError, Service, base64, json, query, rest_xml};
use crate::rng::Stream;
use crate::service::s3::ChecksumAlgorithm;
use crate::time::SimDuration;
use serde_json::Value;

/// What the client's machine knows: its configuration and credentials, without their secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The configured Region.
    pub region: String,
    /// The account id, if the credentials came with one.
    pub account_id: Option<String>,
    /// How endpoints are chosen.
    pub endpoints: endpoint::Settings,
}

/// One HTTP request of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    /// The service called.
    pub service: Service,
    /// The API's name of the operation.
    pub operation: &'static str,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// `POST`; S3's operations have their own.
    pub method: &'static str,
    /// The request target: `/`, or S3's path and query.
    pub target: String,
    /// Headers in botocore's order: `Host` first, `Content-Length` last.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The service and Region that SigV4 signs for; `None` with `--no-sign-request`.
    pub signing: Option<SigningScope>,
    /// How long to wait for a connection; `None` waits forever.
    pub connect_timeout: Option<SimDuration>,
    /// How long to wait for an answer; `None` waits forever.
    pub read_timeout: Option<SimDuration>,
    /// How often the client tries.
    pub attempts_max: u32,
    /// Does the client check the certificate?
    pub verify_tls: bool,
}

/// For whom a signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningScope {
    /// `dynamodb`.
    pub service: &'static str,
    /// `us-east-1`.
    pub region: String,
}

/// What the client calls itself: version 2 of the CLI on the instances' Linux.
const USER_AGENT: &str = "aws-cli/2.34.8 md/awscrt#0.31.2 ua/2.1 os/linux#6.1.158 md/arch#x86_64 lang/python#3.13.11 md/pyimpl#CPython \
                          cfg/retry-mode#standard md/installer#exe md/distrib#amzn.2023 md/prompt#off";

impl ServiceRequest {
    /// The request that makes `invocation`'s call with `parameters` (one page's, see [`super::paging`]). Fresh UUIDs come
    /// from `stream`.
    ///
    /// # Errors
    /// The endpoint cannot be told, or the parameters do not fit the model.
    pub fn new(
        invocation: &Invocation,
        parameters: &Value,
        environment: &Environment,
        stream: &mut Stream,
    ) -> Result<ServiceRequest, UsageError> {
        let Invocation { service, operation, globals, .. } = invocation;
        let region = globals.region.as_ref().unwrap_or(&environment.region);
        let account_id = environment.account_id.as_deref();
        let endpoint = endpoint::endpoint(*service, region, account_id, environment.endpoints, globals)?;
        let mut parameters = parameters.clone();
        fill_tokens(*service, operation, &mut parameters, stream);
        let bucket = parameters.get("Bucket").and_then(Value::as_str).filter(|_| *service == Service::S3);
        let endpoint = match bucket {
            Some(bucket) => endpoint.with_bucket(bucket, globals),
            None => endpoint,
        };
        let message = message(*service, operation, &parameters, &endpoint)
            .map_err(|error| UsageError::new(UsageErrorKind::Parameter, error.to_string()))?;
        let attempts_max = attempts_max(*service);
        let own = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![own("Host", endpoint.authority()), own("Accept-Encoding", "identity".to_owned())];
        headers.extend(message.headers);
        headers.extend([
            own("User-Agent", format!("{USER_AGENT} md/command#{}", invocation.command_name())),
            own("amz-sdk-invocation-id", stream.uuid()),
            own("amz-sdk-request", format!("attempt=1; max={attempts_max}")),
        ]);
        // A GET or HEAD has no body to have a length.
        if !matches!(message.method, "GET" | "HEAD") {
            headers.push(own("Content-Length", message.body.len().to_string()));
        }
        let seconds = |seconds: u32| (seconds > 0).then(|| SimDuration::from_secs(u64::from(seconds)));
        Ok(ServiceRequest {
            service: *service,
            operation,
            method: message.method,
            target: message.target,
            endpoint,
            headers,
            body: message.body,
            signing: globals.sign_request.then(|| SigningScope { service: service.name(), region: region.clone() }),
            connect_timeout: seconds(globals.connect_timeout_s),
            read_timeout: seconds(globals.read_timeout_s),
            attempts_max,
            verify_tls: globals.verify_ssl,
        })
    }
}

/// Retry mode `standard`: three tries, four for DynamoDB (aws-facts section 11.4).
fn attempts_max(service: Service) -> u32 {
    match service {
        Service::Ec2 | Service::S3 | Service::Sts => 3,
        Service::DynamoDb => 4,
    }
}

/// What the protocols differ in.
struct Message {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn message(
    service: Service,
    operation: &str,
    parameters: &Value,
    endpoint: &Endpoint,
) -> Result<Message, DocumentError> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (headers, body) = match service {
        Service::Ec2 => (vec![], query::encode_request(operation, parameters)?),
        Service::Sts => (vec![], query::encode_sts_request(operation, parameters)?),
        Service::DynamoDb => {
            let target = json::target(service, operation);
            (vec![header("X-Amz-Target", &target)], json::encode_request(service, operation, parameters)?)
        }
        Service::S3 => return s3_message(operation, parameters, endpoint),
    };
    let content_type = if service == Service::DynamoDb { json::CONTENT_TYPE } else { query::CONTENT_TYPE };
    let headers = headers.into_iter().chain([header("Content-Type", content_type)]).collect();
    Ok(Message { method: "POST", target: endpoint.path.clone(), headers, body: body.into_bytes() })
}

/// S3's message, with what botocore adds to some operations.
fn s3_message(operation: &str, parameters: &Value, endpoint: &Endpoint) -> Result<Message, DocumentError> {
    let mut parameters = parameters.clone();
    if let Some(fields) = parameters.as_object_mut() {
        let added = match operation {
            // Keys may hold what XML cannot.
            "ListObjectsV2" => Some(("EncodingType", "url")),
            "GetObject" => Some(("ChecksumMode", "ENABLED")),
            _ => None,
        };
        if let Some((member, value)) = added {
            fields.entry(member).or_insert_with(|| value.into());
        }
    }
    let request = rest_xml::encode_request(operation, &parameters)?;
    let mut headers = request.headers;
    let mut body = request.body.into_bytes();
    if operation == "PutObject" {
        // `--cli-input-json` has bytes in base64; validation has seen that they are.
        let given = parameters.get("Body").and_then(Value::as_str);
        body = given.and_then(base64::decode).unwrap_or_default();
        if !headers.iter().any(|(name, _)| ChecksumAlgorithm::of_header(name).is_some()) {
            let algorithm = ChecksumAlgorithm::Crc64Nvme;
            headers.push((algorithm.header().to_owned(), algorithm.of(&body)));
            headers.retain(|(name, _)| name != "x-amz-sdk-checksum-algorithm");
            headers.push(("x-amz-sdk-checksum-algorithm".to_owned(), algorithm.name().to_owned()));
        }
    }
    let mut target = match request.path.as_str() {
        "/" => endpoint.path.clone(),
        path => format!("{}{path}", endpoint.path.trim_end_matches('/')),
    };
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    Ok(Message { method: request.method, target, headers, body })
}

/// Fills the idempotency tokens the caller left out.
fn fill_tokens(service: Service, operation: &str, parameters: &mut Value, stream: &mut Stream) {
    if let Some(fields) = parameters.as_object_mut() {
        for member in service.model().input(operation).members.iter().filter(|member| member.idempotency_token) {
            fields.entry(member.name.clone()).or_insert_with(|| stream.uuid().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::*;
    use crate::rng::Seed;

    fn request(line: &str) -> ServiceRequest {
        let environment =
            Environment { region: "us-east-1".to_owned(), account_id: None, endpoints: endpoint::Settings::default() };
        let invocation = parse(line).unwrap();
        let mut stream = Seed::new(1).derive("test");
        ServiceRequest::new(&invocation, &invocation.parameters, &environment, &mut stream).unwrap()
    }

    fn header<'a>(request: &'a ServiceRequest, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn list_tables_on_the_wire() {
        let request = request("aws dynamodb list-tables");
        assert_eq!(request.endpoint.url(), "https://dynamodb.us-east-1.amazonaws.com/");
        assert_eq!((request.method, request.target.as_str(), &request.body[..]), ("POST", "/", &b"{}"[..]));
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Host",
                "Accept-Encoding",
                "X-Amz-Target",
                "Content-Type",
                "User-Agent",
                "amz-sdk-invocation-id",
                "amz-sdk-request",
                "Content-Length",
            ]
        );
        assert_eq!(header(&request, "X-Amz-Target"), Some("DynamoDB_20120810.ListTables"));
        assert_eq!(header(&request, "amz-sdk-request"), Some("attempt=1; max=4"));
        assert!(header(&request, "User-Agent").unwrap().ends_with(" md/command#dynamodb.list-tables"));
        assert_eq!(request.signing.unwrap().service, "dynamodb");
        assert_eq!(request.connect_timeout, Some(SimDuration::from_secs(60)));
    }

    #[test]
    fn ec2_calls_are_forms() {
        let request = request("aws ec2 describe-vpcs --region eu-west-1 --no-sign-request --cli-read-timeout 0");
        assert_eq!(request.endpoint.host, "ec2.eu-west-1.amazonaws.com");
        assert_eq!(request.body, b"Action=DescribeVpcs&Version=2016-11-15");
        assert_eq!(header(&request, "Content-Type"), Some("application/x-www-form-urlencoded; charset=utf-8"));
        assert_eq!(header(&request, "Content-Length"), Some("38"));
        assert_eq!((request.signing, request.read_timeout), (None, None));
    }

    #[test]
    fn tokens_are_uuids_of_the_stream() {
        let line = "aws ec2 run-instances --image-id ami-12345678";
        let (one, two) = (request(line), request(line));
        assert_eq!(one, two);
        let body = String::from_utf8(one.body).unwrap();
        let token = body.split("ClientToken=").nth(1).unwrap().split('&').next().unwrap();
        assert_eq!((token.len(), &token[14..15]), (36, "4"));
    }
}

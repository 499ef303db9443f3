//! DynamoDB's front end: HTTP requests in, HTTP responses out, in the wire format of the 2012-08-10 JSON protocol.
//!
//! It knows the calls the tutorial makes (ListTables, DescribeEndpoints) and the health page. Non-goals: items, table management,
//! verifying signatures (a request must carry one; whether it is right is not looked at), authorisation, which belongs to the access point.
//! Invariants: every answer carries `x-amzn-RequestId` and an `x-amz-crc32` that fits its body; the same stream and request give
//! the same bytes. Errors have the order DynamoDB checks in: content type, JSON, operation, signature, types, values.
//!
//! Sources: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html and Programming.Errors.html,
//! docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html; see aws-facts section 11.

mod tables;

pub use tables::{NAME_LENGTH_MAX, NAME_LENGTH_MIN, TableNameError, Tables};

use crate::host::http::{HttpRequest, HttpResponse};
use crate::rng::Stream;
use serde_json::{Map, Value, json};

const JSON_TYPE: &str = "application/x-amz-json-1.0";
const API_PREFIX: &str = "DynamoDB_20120810.";
const LIST_TABLES_LIMIT_MAX: i64 = 100;
const TABLE_NAME_PATTERN: &str = "[a-zA-Z0-9_.-]+";
/// How long a client may keep the endpoint it was told.
const ENDPOINT_CACHE_MINUTES: u32 = 1440;

/// Answers one request to DynamoDB in `region`. `tables` are the caller's account's; `request_ids` gives the next request id;
/// `http_date` is the answer's `Date` ([`crate::calendar::Calendar::http_date`]).
pub fn answer(
    request: &HttpRequest,
    tables: &Tables,
    region: &str,
    request_ids: &mut Stream,
    http_date: &str,
) -> HttpResponse {
    let reply = match (request.method.as_str(), request.header("x-amz-target")) {
        ("GET" | "HEAD", None) => Reply::text(200, format!("healthy: dynamodb.{region}.amazonaws.com ")),
        _ => call(request, tables, region).unwrap_or_else(Fault::reply),
    };
    reply.into_response(request, request_ids, http_date)
}

fn call(request: &HttpRequest, tables: &Tables, region: &str) -> Result<Reply, Fault> {
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = media_type.eq_ignore_ascii_case(JSON_TYPE) || media_type.eq_ignore_ascii_case("application/json");
    if request.method != "POST" || !is_json {
        return Err(Fault::NotTheApi);
    }
    // An empty body is no JSON either, but DynamoDB says so only after it has looked at the signature.
    let input = match request.body.as_slice() {
        [] => None,
        body => Some(serde_json::from_slice::<Value>(body).map_err(|_| Fault::serialization(None))?),
    };
    let operation = request.header("x-amz-target").and_then(|target| target.strip_prefix(API_PREFIX));
    let operation = match operation {
        Some("ListTables") => list_tables,
        Some("DescribeEndpoints") => describe_endpoints,
        _ => return Err(Fault::UnknownOperation),
    };
    if request.header("authorization").is_none_or(|value| value.trim().is_empty()) {
        return Err(Fault::MissingAuthenticationToken);
    }
    let Some(Value::Object(input)) = input else { return Err(Fault::serialization(None)) };
    operation(&input, tables, region).map(|output| Reply::json(200, &output))
}

fn list_tables(input: &Map<String, Value>, tables: &Tables, _region: &str) -> Result<Value, Fault> {
    let limit = integer(input, "Limit")?;
    let after = text(input, "ExclusiveStartTableName")?;

    let mut violations = Vec::new();
    let mut violated = |value: &dyn std::fmt::Display, member: &str, constraint: &str| {
        violations
            .push(format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"));
    };
    match limit {
        Some(limit) if limit < 1 => violated(&limit, "limit", "have value greater than or equal to 1"),
        Some(limit) if limit > LIST_TABLES_LIMIT_MAX => {
            violated(&limit, "limit", &format!("have value less than or equal to {LIST_TABLES_LIMIT_MAX}"));
        }
        _ => {}
    }
    if let Some(after) = after {
        let member = "exclusiveStartTableName";
        if !tables::has_name_characters(after) {
            violated(&after, member, &format!("satisfy regular expression pattern: {TABLE_NAME_PATTERN}"));
        }
        if after.len() < NAME_LENGTH_MIN {
            let constraint = format!("have length greater than or equal to {}", NAME_LENGTH_MIN);
            violated(&after, member, &constraint);
        }
        if after.len() > NAME_LENGTH_MAX {
            let constraint = format!("have length less than or equal to {}", NAME_LENGTH_MAX);
            violated(&after, member, &constraint);
        }
    }
    if !violations.is_empty() {
        return Err(Fault::Validation { violations });
    }

    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIST_TABLES_LIMIT_MAX as usize);
    let (names, more) = tables.page(after, limit);
    let mut output = Map::new();
    if let Some(last) = names.last().filter(|_| more) {
        output.insert("LastEvaluatedTableName".to_owned(), json!(last));
    }
    output.insert("TableNames".to_owned(), json!(names));
    Ok(Value::Object(output))
}

fn describe_endpoints(_input: &Map<String, Value>, _tables: &Tables, region: &str) -> Result<Value, Fault> {
    let address = format!("dynamodb.{region}.amazonaws.com");
    Ok(json!({"Endpoints": [{"Address": address, "CachePeriodInMinutes": ENDPOINT_CACHE_MINUTES}]}))
}

/// A member that must be a whole number; JSON null counts as absent.
fn integer(input: &Map<String, Value>, member: &str) -> Result<Option<i64>, Fault> {
    match input.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Some(whole)),
            // A fraction loses it, and what is too large stays too large, as a Java cast would have it.
            (None, Some(fraction)) => Ok(Some(fraction as i64)),
            (None, None) => Err(cannot_convert("NUMBER_VALUE", "Integer")),
        },
        Some(other) => Err(cannot_convert(kind(other), "Integer")),
    }
}

/// A member that must be text; JSON null counts as absent.
fn text<'a>(input: &'a Map<String, Value>, member: &str) -> Result<Option<&'a str>, Fault> {
    match input.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(cannot_convert(kind(other), "String")),
    }
}

fn cannot_convert(kind: &str, wanted: &str) -> Fault {
    Fault::serialization(Some(format!("{kind} can not be converted to {wanted}")))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

/// Why a request is refused. The framework's errors spell `Message` large, the validator's small.
enum Fault {
    NotTheApi,
    UnknownOperation,
    Serialization { message: Option<String> },
    MissingAuthenticationToken,
    Validation { violations: Vec<String> },
}

impl Fault {
    fn serialization(message: Option<String>) -> Fault {
        Fault::Serialization { message }
    }

    fn reply(self) -> Reply {
        let service = "com.amazon.coral.service#";
        let body = match self {
            Fault::NotTheApi => return Reply::text(404, "<UnknownOperationException/>\n".to_owned()),
            Fault::UnknownOperation => json!({"__type": format!("{service}UnknownOperationException")}),
            Fault::Serialization { message: None } => json!({"__type": format!("{service}SerializationException")}),
            Fault::Serialization { message: Some(message) } => {
                json!({"__type": format!("{service}SerializationException"), "Message": message})
            }
            Fault::MissingAuthenticationToken => json!({
                "__type": format!("{service}MissingAuthenticationTokenException"),
                "Message": "Missing Authentication Token",
            }),
            Fault::Validation { violations } => {
                let errors = if violations.len() == 1 { "error" } else { "errors" };
                let message = format!("{} validation {errors} detected: {}", violations.len(), violations.join("; "));
                json!({"__type": "com.amazon.coral.validate#ValidationException", "message": message})
            }
        };
        Reply::json(400, &body)
    }
}

struct Reply {
    status: u16,
    content_type: Option<&'static str>,
    body: Vec<u8>,
}

impl Reply {
    fn json(status: u16, body: &Value) -> Reply {
        Reply { status, content_type: Some(JSON_TYPE), body: body.to_string().into_bytes() }
    }

    fn text(status: u16, body: String) -> Reply {
        Reply { status, content_type: None, body: body.into_bytes() }
    }

    fn into_response(mut self, request: &HttpRequest, request_ids: &mut Stream, http_date: &str) -> HttpResponse {
        if request.method == "HEAD" {
            // Whoever asked will not read a body: it would look like the start of the next response.
            self.body.clear();
        }
        let reason = match self.status {
            200 => "OK",
            404 => "Not Found",
            _ => "Bad Request",
        };
        let connection = if request.closes_connection() { "close" } else { "keep-alive" };
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![header("Server", "Server".to_owned()), header("Date", http_date.to_owned())];
        headers.extend(self.content_type.map(|content_type| header("Content-Type", content_type.to_owned())));
        headers.extend([
            header("Content-Length", self.body.len().to_string()),
            header("Connection", connection.to_owned()),
            header("x-amzn-RequestId", request_id(request_ids)),
            header("x-amz-crc32", crc32fast::hash(&self.body).to_string()),
        ]);
        HttpResponse { status: self.status, reason: reason.to_owned(), headers, body: self.body }
    }
}

/// 52 capital letters and digits, the second half always the same, as in answers people have quoted.
fn request_id(stream: &mut Stream) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const TAIL: &str = "VV4KQNSO5AEMVJF66Q9ASUAAJG";
    let drawn = (0..26).map(|_| char::from(ALPHABET[stream.below(36) as usize]));
    drawn.chain(TAIL.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    const DATE: &str = "Wed, 26 Jul 2017 22:00:14 GMT";

    fn request(target: &str, body: &str) -> HttpRequest {
        let headers = [
            ("Host", "dynamodb.us-east-1.amazonaws.com"),
            ("X-Amz-Target", target),
            ("Content-Type", JSON_TYPE),
            ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/..."),
        ];
        HttpRequest {
            method: "POST".into(),
            target: "/".into(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.into(),
        }
    }

    fn tables(names: &[&str]) -> Tables {
        let mut tables = Tables::new();
        for name in names {
            tables.insert(name).unwrap();
        }
        tables
    }

    fn ask(request: &HttpRequest, tables: &Tables) -> HttpResponse {
        answer(request, tables, "us-east-1", &mut Seed::new(1).derive("request ids"), DATE)
    }

    fn list(tables: &Tables, body: &str) -> (u16, String) {
        let response = ask(&request("DynamoDB_20120810.ListTables", body), tables);
        (response.status, String::from_utf8(response.body).unwrap())
    }

    #[test]
    fn no_tables() {
        let response = ask(&request("DynamoDB_20120810.ListTables", "{}"), &Tables::new());
        assert_eq!((response.status, response.reason.as_str()), (200, "OK"));
        assert_eq!(response.body, br#"{"TableNames":[]}"#);
        assert_eq!(response.header("x-amz-crc32"), Some("1315925753"));
        assert_eq!(response.header("content-type"), Some("application/x-amz-json-1.0"));
        assert_eq!(response.header("date"), Some(DATE));
        assert_eq!(response.header("connection"), Some("keep-alive"));
        assert_eq!(response.header("server"), Some("Server"));
        let id = response.header("x-amzn-requestid").unwrap();
        assert_eq!(id.len(), 52);
        assert!(id.ends_with("VV4KQNSO5AEMVJF66Q9ASUAAJG"));
        assert!(id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        assert!(response.encode().ends_with(b"\r\n\r\n{\"TableNames\":[]}"));
    }

    #[test]
    fn pages() {
        let music = tables(&["Music", "Albums", "Zebra"]);
        assert_eq!(list(&music, "{}"), (200, r#"{"TableNames":["Albums","Music","Zebra"]}"#.into()));
        let first = r#"{"LastEvaluatedTableName":"Music","TableNames":["Albums","Music"]}"#;
        assert_eq!(list(&music, r#"{"Limit":2}"#), (200, first.into()));
        let rest = r#"{"Limit":2,"ExclusiveStartTableName":"Music"}"#;
        assert_eq!(list(&music, rest), (200, r#"{"TableNames":["Zebra"]}"#.into()));
        let between = r#"{"ExclusiveStartTableName":"Nothing"}"#;
        assert_eq!(list(&music, between), (200, r#"{"TableNames":["Zebra"]}"#.into()));
        assert_eq!(list(&music, r#"{"Limit":3}"#).1, r#"{"TableNames":["Albums","Music","Zebra"]}"#);

        let names: Vec<String> = (0..101).map(|n| format!("table-{n:03}")).collect();
        let many = tables(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let page: Value = serde_json::from_str(&list(&many, "{}").1).unwrap();
        assert_eq!(page["TableNames"].as_array().unwrap().len(), 100);
        assert_eq!(page["LastEvaluatedTableName"], "table-099");
    }

    #[test]
    fn bad_values() {
        let message = |body: &str| {
            let (status, body) = list(&Tables::new(), body);
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status, &body["__type"]), (400, &json!("com.amazon.coral.validate#ValidationException")));
            body["message"].as_str().unwrap().to_owned()
        };
        let limit = "failed to satisfy constraint: Member must have value";
        assert_eq!(
            message(r#"{"Limit":101}"#),
            format!("1 validation error detected: Value '101' at 'limit' {limit} less than or equal to 100")
        );
        assert_eq!(
            message(r#"{"Limit":0}"#),
            format!("1 validation error detected: Value '0' at 'limit' {limit} greater than or equal to 1")
        );
        let two = message(r#"{"Limit":-1,"ExclusiveStartTableName":"a b"}"#);
        assert!(two.starts_with("2 validation errors detected: Value '-1' at 'limit'"), "{two}");
        assert!(two.ends_with("; Value 'a b' at 'exclusiveStartTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"), "{two}");
        assert!(message(r#"{"ExclusiveStartTableName":"ab"}"#).ends_with("have length greater than or equal to 3"));
        let long = format!(r#"{{"ExclusiveStartTableName":"{}"}}"#, "a".repeat(256));
        assert!(message(&long).ends_with("have length less than or equal to 255"));
    }

    #[test]
    fn faults_come_in_dynamodbs_order() {
        let fault = |request: &HttpRequest| {
            let response = ask(request, &Tables::new());
            (response.status, String::from_utf8(response.body).unwrap())
        };
        let unknown = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
        let serialization = r#"{"__type":"com.amazon.coral.service#SerializationException"}"#;
        let good = request("DynamoDB_20120810.ListTables", "{}");

        assert_eq!(fault(&request("DynamoDB_20120810.Nothing", "{}")), (400, unknown.into()));
        assert_eq!(fault(&request("DynamoDB_20111205.ListTables", "{}")), (400, unknown.into()));
        assert_eq!(fault(&request("DynamoDB_20120810.Nothing", "{")), (400, serialization.into()));
        assert_eq!(fault(&request("DynamoDB_20120810.ListTables", "")), (400, serialization.into()));
        assert_eq!(fault(&request("DynamoDB_20120810.ListTables", "[]")), (400, serialization.into()));
        assert_eq!(
            list(&Tables::new(), r#"{"Limit":"1"}"#).1,
            r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"STRING_VALUE can not be converted to Integer"}"#
        );

        let mut unsigned = good.clone();
        unsigned.headers.retain(|(name, _)| name != "Authorization");
        assert_eq!(
            fault(&unsigned).1,
            r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","Message":"Missing Authentication Token"}"#
        );

        let mut form = good.clone();
        form.headers[2].1 = "text/plain".into();
        let response = ask(&form, &Tables::new());
        assert_eq!((response.status, response.body.as_slice()), (404, &b"<UnknownOperationException/>\n"[..]));
        assert_eq!(response.header("x-amz-crc32"), Some("3552371480"));
    }

    #[test]
    fn endpoints_and_health() {
        let endpoints = ask(&request("DynamoDB_20120810.DescribeEndpoints", "{}"), &Tables::new());
        assert_eq!(
            String::from_utf8(endpoints.body).unwrap(),
            r#"{"Endpoints":[{"Address":"dynamodb.us-east-1.amazonaws.com","CachePeriodInMinutes":1440}]}"#
        );
        let get = HttpRequest {
            method: "GET".into(),
            target: "/".into(),
            headers: vec![("Connection".into(), "close".into())],
            body: Vec::new(),
        };
        let health = ask(&get, &Tables::new());
        assert_eq!((health.status, health.body.as_slice()), (200, &b"healthy: dynamodb.us-east-1.amazonaws.com "[..]));
        assert_eq!(health.header("connection"), Some("close"));
        let head = ask(&HttpRequest { method: "HEAD".into(), ..get }, &Tables::new());
        assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some("0")));
    }

    #[test]
    fn request_ids_differ_and_repeat() {
        let mut stream = Seed::new(1).derive("request ids");
        let (one, two) = (request_id(&mut stream), request_id(&mut stream));
        assert_ne!(one, two);
        assert_eq!(request_id(&mut Seed::new(1).derive("request ids")), one);
    }
}

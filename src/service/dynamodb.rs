//! DynamoDB's front end: HTTP requests in, HTTP responses out, in the wire format of the 2012-08-10 JSON protocol.
//!
//! It knows ListTables, CreateTable, DescribeTable, DeleteTable, PutItem, GetItem, Query, DescribeEndpoints and the health page, on tables in
//! memory ([`Tables`]) that belong to one run. Non-goals: expressions other than key conditions, indexes, streams, transactions, throttling;
//! verifying signatures (a request must carry one; whether it is right is not looked at), authorisation, which belongs to the access point.
//! Invariants: every answer carries `x-amzn-RequestId` and an `x-amz-crc32` that fits its body; the same stream and requests give
//! the same bytes. Errors have the order DynamoDB checks in: content type, JSON, operation, signature, types, values, state.
//!
//! Sources: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html and Programming.Errors.html,
//! docs.aws.amazon.com/amazondynamodb/latest/APIReference; see aws-facts section 11. Sentences are AWS's where public transcripts show them; those marked
//! "unverified" are ours.

pub mod fault;
mod input;
mod items;
pub mod key_condition;
pub mod number;
pub mod table;
mod tables;
pub mod value;

pub use fault::Fault;
pub use tables::{NAME_LENGTH_MAX, NAME_LENGTH_MIN, TABLES_MAX, TableNameError, Tables};

use crate::calendar::Calendar;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::rng::Stream;
use crate::time::SimTime;
use serde_json::{Map, Value, json};

const JSON_TYPE: &str = "application/x-amz-json-1.0";
const API_PREFIX: &str = "DynamoDB_20120810.";
/// How long a client may keep the endpoint it was told.
const ENDPOINT_CACHE_MINUTES: u32 = 1440;

/// What a call is made in.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Region asked.
    pub region: &'a str,
    /// The caller's account.
    pub account_id: &'a str,
    /// What date it is when.
    pub calendar: Calendar,
    /// Now.
    pub now: SimTime,
    /// Gives the next request id, and the ids of tables.
    pub request_ids: &'a mut Stream,
}

impl Context<'_> {
    fn table_arn(&self, name: &str) -> String {
        let partition = match self.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:dynamodb:{}:{}:table/{name}", self.region, self.account_id)
    }

    /// Seconds since 1970 with milliseconds, DynamoDB's notation of dates.
    fn unix_seconds(&self, at: SimTime) -> f64 {
        (self.calendar.unix_nanos(at) / 1_000_000) as f64 / 1_000.0
    }
}

/// One operation of the API.
type Operation = fn(&Map<String, Value>, &mut Tables, &mut Context<'_>) -> Result<Value, Fault>;

/// Answers one request to DynamoDB. `tables` are those of the caller's account in the Region.
pub fn answer(request: &HttpRequest, tables: &mut Tables, context: &mut Context<'_>) -> HttpResponse {
    let reply = match (request.method.as_str(), request.header("x-amz-target")) {
        ("GET" | "HEAD", None) => Reply::text(200, format!("healthy: dynamodb.{}.amazonaws.com ", context.region)),
        _ => call(request, tables, context).unwrap_or_else(Fault::reply),
    };
    let http_date = context.calendar.http_date(context.now);
    reply.into_response(request, context.request_ids, &http_date)
}

fn call(request: &HttpRequest, tables: &mut Tables, context: &mut Context<'_>) -> Result<Reply, Fault> {
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
    let operation: Operation = match operation {
        Some("ListTables") => tables::list,
        Some("CreateTable") => tables::create,
        Some("DescribeTable") => tables::describe,
        Some("DeleteTable") => tables::delete,
        Some("PutItem") => items::put,
        Some("GetItem") => items::get,
        Some("Query") => items::query,
        Some("DescribeEndpoints") => describe_endpoints,
        _ => return Err(Fault::UnknownOperation),
    };
    if request.header("authorization").is_none_or(|value| value.trim().is_empty()) {
        return Err(Fault::MissingAuthenticationToken);
    }
    let Some(Value::Object(input)) = input else { return Err(Fault::serialization(None)) };
    tables.settle(context.now);
    operation(&input, tables, context).map(|output| Reply::json(200, &output))
}

fn describe_endpoints(
    _input: &Map<String, Value>,
    _tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let address = format!("dynamodb.{}.amazonaws.com", context.region);
    Ok(json!({"Endpoints": [{"Address": address, "CachePeriodInMinutes": ENDPOINT_CACHE_MINUTES}]}))
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
    use crate::time::SimDuration;

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

    fn ask_at(request: &HttpRequest, tables: &mut Tables, now: SimTime) -> HttpResponse {
        let mut request_ids = Seed::new(1).derive("request ids");
        // Wed, 26 Jul 2017 22:00:14 GMT.
        let calendar = Calendar::starting_at(1_501_106_414).unwrap();
        let account_id = "111122223333";
        let mut context = Context { region: "us-east-1", account_id, calendar, now, request_ids: &mut request_ids };
        answer(request, tables, &mut context)
    }

    fn ask(request: &HttpRequest, tables: &Tables) -> HttpResponse {
        ask_at(request, &mut tables.clone(), SimTime::ZERO)
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

    /// Calls one after another on the same tables, at a time in seconds: status and body.
    struct Talk {
        tables: Tables,
        seconds: u64,
    }

    impl Talk {
        fn new() -> Talk {
            let mut tables = Tables::new();
            tables.settling_time = SimDuration::from_secs(5);
            Talk { tables, seconds: 0 }
        }

        fn with_music() -> Talk {
            let mut talk = Talk::new();
            talk.good("CreateTable", music());
            talk.seconds = 5;
            talk
        }

        fn call(&mut self, operation: &str, body: &Value) -> (u16, Value) {
            let request = request(&format!("{API_PREFIX}{operation}"), &body.to_string());
            let now = SimTime::ZERO + SimDuration::from_secs(self.seconds);
            let response = ask_at(&request, &mut self.tables, now);
            let crc = crc32fast::hash(&response.body).to_string();
            assert_eq!(response.header("x-amz-crc32"), Some(crc.as_str()));
            (response.status, serde_json::from_slice(&response.body).unwrap())
        }

        fn good(&mut self, operation: &str, body: Value) -> Value {
            let (status, answer) = self.call(operation, &body);
            assert_eq!(status, 200, "{operation} {body}: {answer}");
            answer
        }

        /// Type and sentence of a refusal, after which the tables are as before.
        fn bad(&mut self, operation: &str, body: Value) -> (String, String) {
            let before = self.tables.clone();
            let (status, answer) = self.call(operation, &body);
            assert_eq!((status, &self.tables), (400, &before), "{operation} {body}: {answer}");
            let kind = answer["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
            (kind, answer["message"].as_str().unwrap_or_default().to_owned())
        }

        fn query(&mut self, expression: &str, values: Value, more: Value) -> Value {
            let mut body = json!({
                "TableName": "Music", "KeyConditionExpression": expression, "ExpressionAttributeValues": values,
            });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            self.good("Query", body)
        }
    }

    fn music() -> Value {
        json!({
            "TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "Year", "AttributeType": "N"}],
            "KeySchema": [
                {"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Year", "KeyType": "RANGE"}],
        })
    }

    fn song(artist: &str, year: &str) -> Value {
        json!({"TableName": "Music", "Item": {"Artist": {"S": artist}, "Year": {"N": year}, "X": {"BOOL": true}}})
    }

    fn years(answer: &Value) -> Vec<&str> {
        answer["Items"].as_array().unwrap().iter().map(|item| item["Year"]["N"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_table_from_birth_to_death() {
        let mut talk = Talk::new();
        let created = &talk.good("CreateTable", music())["TableDescription"];
        assert_eq!(created["TableStatus"], "CREATING");
        assert_eq!(created["TableArn"], "arn:aws:dynamodb:us-east-1:111122223333:table/Music");
        assert_eq!(created["CreationDateTime"], 1_501_106_414.0);
        let in_use = |message: &str| ("ResourceInUseException".to_owned(), message.to_owned());
        let not_found = |message: &str| ("ResourceNotFoundException".to_owned(), message.to_owned());
        assert_eq!(talk.bad("CreateTable", music()), in_use("Table already exists: Music"));
        let named = json!({"TableName": "Music"});
        assert_eq!(
            talk.bad("DeleteTable", named.clone()),
            in_use("Attempt to change a resource which is still in use: Table is being created: Music")
        );
        talk.seconds = 4;
        assert_eq!(talk.bad("PutItem", song("a", "1")), not_found("Requested resource not found"));
        talk.seconds = 5;
        assert_eq!(talk.good("DescribeTable", named.clone())["Table"]["TableStatus"], "ACTIVE");
        talk.good("PutItem", song("a", "1"));
        let shown = &talk.good("DescribeTable", named.clone())["Table"];
        // 6 + 1, 4 + 2 and 1 + 1 bytes.
        assert_eq!((&shown["ItemCount"], &shown["TableSizeBytes"]), (&json!(1), &json!(15)));
        let by_arn = json!({"TableName": "arn:aws:dynamodb:us-east-1:111122223333:table/Music"});
        assert_eq!(talk.good("DescribeTable", by_arn)["Table"]["TableName"], "Music");
        assert_eq!(talk.good("DeleteTable", named.clone())["TableDescription"]["TableStatus"], "DELETING");
        assert_eq!(talk.good("ListTables", json!({}))["TableNames"], json!(["Music"]));
        assert_eq!(talk.bad("PutItem", song("a", "1")), not_found("Requested resource not found"));
        talk.seconds = 10;
        assert_eq!(talk.good("ListTables", json!({}))["TableNames"], json!([]));
        let gone = not_found("Requested resource not found: Table: Music not found");
        assert_eq!(talk.bad("DescribeTable", named.clone()), gone);
        assert_eq!(talk.bad("DeleteTable", named), gone);
    }

    #[test]
    fn tables_that_make_no_sense() {
        let mut talk = Talk::new();
        let with = |changes: Value| {
            let mut body = music();
            body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            body
        };
        let element = |name: &str, role: &str| json!({"AttributeName": name, "KeyType": role});
        let invalid = "One or more parameter values were invalid:";
        for (changes, message) in [
            (
                json!({"TableName": null}),
                "The parameter 'TableName' is required but was not present in the request".to_owned(),
            ),
            (
                json!({"TableName": "ab"}),
                "TableName must be at least 3 characters long and at most 255 characters long".to_owned(),
            ),
            (
                json!({"TableName": "a b"}),
                "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
                    .to_owned(),
            ),
            (
                json!({"KeySchema": null}),
                "1 validation error detected: Value null at 'keySchema' failed to satisfy constraint: Member must not \
                 be null"
                    .to_owned(),
            ),
            (
                json!({"KeySchema": [element("Artist", "RANGE")]}),
                "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
            ),
            (
                json!({"KeySchema": [element("Artist", "HASH"), element("Year", "HASH")]}),
                "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".to_owned(),
            ),
            (
                json!({"KeySchema": [element("Artist", "HASH")]}),
                format!(
                    "{invalid} Number of attributes in KeySchema does not exactly match number of attributes defined in \
                     AttributeDefinitions"
                ),
            ),
            (
                json!({"KeySchema": [element("Artist", "HASH"), element("Other", "RANGE")]}),
                format!(
                    "{invalid} Some index key attributes are not defined in AttributeDefinitions. Keys: [Artist, Other], \
                     AttributeDefinitions: [Artist, Year]"
                ),
            ),
            (
                json!({"BillingMode": "PROVISIONED"}),
                format!(
                    "{invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
                     PROVISIONED"
                ),
            ),
            (
                json!({"GlobalSecondaryIndexes": []}),
                "vpcsim does not simulate the parameter GlobalSecondaryIndexes of CreateTable yet.".to_owned(),
            ),
        ] {
            assert_eq!(talk.bad("CreateTable", with(changes)), ("ValidationException".to_owned(), message));
        }
        talk.good("CreateTable", with(json!({"DeletionProtectionEnabled": true})));
        talk.seconds = 5;
        let refused = talk.bad("DeleteTable", json!({"TableName": "Music"}));
        assert!(refused.1.starts_with("Resource cannot be deleted as it is currently protected"));
        for number in 1..TABLES_MAX {
            talk.tables.insert(&format!("table-{number}")).unwrap();
        }
        assert_eq!(talk.bad("CreateTable", with(json!({"TableName": "more"}))).0, "LimitExceededException");
    }

    #[test]
    fn items_are_put_and_got() {
        let mut talk = Talk::with_music();
        let key = |year: &str| json!({"TableName": "Music", "Key": {"Artist": {"S": "a"}, "Year": {"N": year}}});
        assert_eq!(talk.good("GetItem", key("1")), json!({}));
        assert_eq!(talk.good("PutItem", song("a", "1.0")), json!({}));
        let got = talk.good("GetItem", key("1e0"));
        assert_eq!(got["Item"], json!({"Artist": {"S": "a"}, "Year": {"N": "1"}, "X": {"BOOL": true}}));
        let mut again = song("a", "1");
        again["ReturnValues"] = json!("ALL_OLD");
        again["ReturnConsumedCapacity"] = json!("INDEXES");
        let old = talk.good("PutItem", again);
        assert_eq!(old["Attributes"]["X"], json!({"BOOL": true}));
        let capacity = json!({"TableName": "Music", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}});
        assert_eq!(old["ConsumedCapacity"], capacity);
        let mut eventual = key("2");
        eventual["ReturnConsumedCapacity"] = json!("TOTAL");
        assert_eq!(talk.good("GetItem", eventual)["ConsumedCapacity"]["CapacityUnits"], 0.5);

        let bad_item =
            |talk: &mut Talk, item: Value| talk.bad("PutItem", json!({"TableName": "Music", "Item": item})).1;
        let invalid = "One or more parameter values were invalid:";
        assert_eq!(
            bad_item(&mut talk, json!({"Artist": {"S": "a"}})),
            format!("{invalid} Missing the key Year in the item")
        );
        assert_eq!(
            bad_item(&mut talk, json!({"Artist": {"N": "1"}, "Year": {"N": "1"}})),
            format!("{invalid} Type mismatch for key Artist expected: S actual: N")
        );
        assert!(
            bad_item(&mut talk, json!({"Artist": {"S": ""}, "Year": {"N": "1"}}))
                .ends_with("empty string value. Key: Artist")
        );
        let long = |bytes: usize| json!({"Artist": {"S": "x".repeat(bytes)}, "Year": {"N": "1"}});
        assert_eq!(
            bad_item(&mut talk, long(2049)),
            format!("{invalid} Size of hashkey has exceeded the maximum size limit of2048 bytes")
        );
        let large = |bytes: usize| json!({"Artist": {"S": "a"}, "Year": {"N": "1"}, "p": {"S": "x".repeat(bytes)}});
        // Names 6 + 4 + 1, values 1 + 2.
        let room = value::ITEM_BYTES_MAX - 14;
        talk.good("PutItem", json!({"TableName": "Music", "Item": large(room)}));
        assert_eq!(bad_item(&mut talk, large(room + 1)), "Item size has exceeded the maximum allowed size");
        let mismatch = json!({"TableName": "Music", "Key": {"Artist": {"S": "a"}}});
        assert_eq!(talk.bad("GetItem", mismatch).1, "The provided key element does not match the schema");
        let null = talk.bad("PutItem", json!({"TableName": "Music"})).1;
        assert!(null.ends_with("Value null at 'item' failed to satisfy constraint: Member must not be null"), "{null}");
        let conditional = json!({"TableName": "Music", "Item": {}, "ConditionExpression": "a = :b"});
        assert!(talk.bad("PutItem", conditional).1.contains("does not simulate the parameter ConditionExpression"));
        assert_eq!(talk.bad("GetItem", json!({"TableName": 7})).0, "SerializationException");
    }

    #[test]
    fn queries_follow_the_sort_key() {
        let mut talk = Talk::with_music();
        for year in ["10", "9", "-1", "2.5", "100"] {
            talk.good("PutItem", song("a", year));
        }
        talk.good("PutItem", song("b", "1"));
        let a = json!({":a": {"S": "a"}});
        let all = talk.query("Artist = :a", a.clone(), json!({}));
        assert_eq!(years(&all), ["-1", "2.5", "9", "10", "100"]);
        assert_eq!((&all["Count"], &all["ScannedCount"]), (&json!(5), &json!(5)));
        assert_eq!(all.get("LastEvaluatedKey"), None);
        let down = talk.query("Artist = :a", a.clone(), json!({"ScanIndexForward": false, "Limit": 2}));
        assert_eq!(years(&down), ["100", "10"]);
        assert_eq!(down["LastEvaluatedKey"], json!({"Artist": {"S": "a"}, "Year": {"N": "10"}}));
        let more = json!({"ScanIndexForward": false, "ExclusiveStartKey": down["LastEvaluatedKey"]});
        assert_eq!(years(&talk.query("Artist = :a", a.clone(), more)), ["9", "2.5", "-1"]);
        let names = json!({"ExpressionAttributeNames": {"#y": "Year"}});
        let range = json!({":a": {"S": "a"}, ":l": {"N": "2.50"}, ":h": {"N": "10"}});
        assert_eq!(
            years(&talk.query("Artist = :a AND #y BETWEEN :l AND :h", range, names.clone())),
            ["2.5", "9", "10"]
        );
        for (operator, expected) in
            [("<", vec!["-1", "2.5"]), ("<=", vec!["-1", "2.5", "9"]), (">", vec!["10", "100"]), ("=", vec!["9"])]
        {
            let values = json!({":a": {"S": "a"}, ":y": {"N": "9"}});
            let found = talk.query(&format!("Artist = :a and #y {operator} :y"), values, names.clone());
            assert_eq!(years(&found), expected);
        }
        let count = talk.query("Artist = :a", a, json!({"Select": "COUNT", "ReturnConsumedCapacity": "TOTAL"}));
        assert_eq!((count.get("Items"), &count["Count"]), (None, &json!(5)));
        assert_eq!(count["ConsumedCapacity"]["CapacityUnits"], 0.5);
    }

    #[test]
    fn queries_that_make_no_sense() {
        let mut talk = Talk::with_music();
        let mut bad = |expression: &str, values: Value, more: Value| {
            let mut body = json!({"TableName": "Music", "KeyConditionExpression": expression});
            body["ExpressionAttributeValues"] = values;
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            talk.bad("Query", body).1
        };
        let (a, n) = (json!({":a": {"S": "a"}}), json!({":n": {"N": "1"}}));
        let none = json!({});
        assert_eq!(bad("Y = :n", n.clone(), none.clone()), "Query condition missed key schema element: Artist");
        assert_eq!(bad("Artist > :a", a.clone(), none.clone()), "Query key condition not supported");
        assert_eq!(
            bad("Artist = :n", n, none.clone()),
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        );
        let two = json!({":a": {"S": "a"}, ":b": {"S": "b"}});
        assert_eq!(bad("Artist = :a AND X = :b", two, none.clone()), "Query condition missed key schema element: Year");
        assert_eq!(
            bad("Artist = :a", a.clone(), json!({"ExclusiveStartKey": {"Artist": {"S": "a"}}})),
            "The provided starting key is invalid"
        );
        assert!(bad("Artist = :a", a.clone(), json!({"Limit": 0})).contains("at 'limit'"));
        assert!(bad("Artist = :a", a, json!({"FilterExpression": "x"})).contains("FilterExpression"));
        assert!(bad("Artist = :a", json!({"a": {"S": "a"}}), none.clone()).contains("contains invalid key"));
        assert!(bad("Artist = :a", json!({":a": {}}), none).contains("for key :a"));
        let nothing = talk.bad("Query", json!({"TableName": "Music"})).1;
        assert!(nothing.starts_with("Either the KeyConditions or KeyConditionExpression parameter must be"));
    }

    #[test]
    fn a_page_holds_a_megabyte() {
        let mut talk = Talk::with_music();
        for year in 0..4 {
            let item = json!({"Artist": {"S": "a"}, "Year": {"N": year.to_string()}, "p": {"S": "x".repeat(350_000)}});
            talk.good("PutItem", json!({"TableName": "Music", "Item": item}));
        }
        let first = talk.query("Artist = :a", json!({":a": {"S": "a"}}), json!({}));
        assert_eq!(first["Count"], 2);
        let rest = json!({"ExclusiveStartKey": first["LastEvaluatedKey"]});
        let second = talk.query("Artist = :a", json!({":a": {"S": "a"}}), rest);
        assert_eq!((&second["Count"], second.get("LastEvaluatedKey")), (&json!(2), None));
    }
}

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
mod tests;

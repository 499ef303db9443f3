//! S3's front end: HTTP requests in, HTTP responses out, in the wire format of the REST API of 2006-03-01.
//!
//! It knows ListBuckets, CreateBucket, HeadBucket, DeleteBucket, ListObjectsV2, PutObject, GetObject (whole or one range), HeadObject and DeleteObject, on
//! buckets in memory ([`Buckets`]) that belong to one run; buckets are addressed by path or by host name. Non-goals: everything else (versions, multipart
//! uploads, copies, tags, ACLs, bucket policies, presigned URLs, conditional requests, encryption keys, `aws-chunked` bodies), which is refused
//! with `NotImplemented` and never ignored; verifying signatures (a request must carry one for the right Region; whether it is right is not
//! looked at); authorisation, which belongs to the access point.
//! Invariants: every answer carries `x-amz-request-id` and `x-amz-id-2`; an ETag is the MD5 of the object; the same stream and requests give the same
//! bytes; what is stored never exceeds [`STORED_BYTES_MAX`]. A bucket lies in one Region: others answer 301 and say where.
//!
//! Sources: docs.aws.amazon.com/AmazonS3/latest/API (operations, ErrorResponses), .../userguide/VirtualHosting.html, .../userguide/Redirects.html. Sentences
//! are those of "Error responses" there and of public transcripts; limits of 16 MiB an object and 64 MiB in all are ours.

mod address;
mod buckets;
mod checksum;
mod fault;
mod listing;
mod objects;

pub use address::is_bucket_name;
pub use buckets::{BUCKETS_MAX, Buckets, KEY_BYTES_MAX, OBJECT_BYTES_MAX, OBJECTS_MAX, STORED_BYTES_MAX};
pub use checksum::{ChecksumAlgorithm, crc64nvme};
pub use fault::Fault;

use crate::calendar::Calendar;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::rng::Stream;
use crate::time::SimTime;
use crate::wire::base64;
use address::{Address, query_parameters};

const XML_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// What a call is made in.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Region asked.
    pub region: &'a str,
    /// The caller's account, which owns every bucket.
    pub account_id: &'a str,
    /// What date it is when.
    pub calendar: Calendar,
    /// Now.
    pub now: SimTime,
    /// Gives the next request id.
    pub request_ids: &'a mut Stream,
}

impl Context<'_> {
    /// The account's canonical user id: 64 hexadecimal digits. Invented; it follows from the account id.
    fn canonical_user_id(&self) -> String {
        checksum::sha256_hex(format!("canonical user of {}", self.account_id).as_bytes())
    }
}

/// A request taken apart.
struct Call<'a> {
    request: &'a HttpRequest,
    address: Address,
    /// Decoded, in order.
    query: Vec<(String, String)>,
}

impl Call<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that this version does not know.
    fn check_parameters(&self, known: &[&str]) -> Result<(), Fault> {
        // `x-id` names the operation; S3 ignores it.
        match self.query.iter().find(|(key, _)| key != "x-id" && !known.contains(&key.as_str())) {
            Some((key, _)) => Err(Fault::unsupported(&format!("the parameter {key}"))),
            None => Ok(()),
        }
    }
}

/// What an operation answers.
#[derive(Default)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The length that HEAD is told, if the body is not there.
    length: Option<usize>,
}

impl Reply {
    fn xml(body: String) -> Reply {
        let headers = vec![("Content-Type".to_owned(), "application/xml".to_owned())];
        Reply { status: 200, headers, body: format!("{XML_HEAD}{body}").into_bytes(), length: None }
    }

    fn empty(status: u16) -> Reply {
        Reply { status, ..Reply::default() }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Answers one request to S3. `buckets` are all that the account has, wherever they lie.
pub fn answer(request: &HttpRequest, buckets: &mut Buckets, context: &mut Context<'_>) -> HttpResponse {
    let (request_id, host_id) = ids(context.request_ids);
    let http_date = context.calendar.http_date(context.now);
    let outcome = take_apart(request).and_then(|call| perform(&call, buckets, context));
    let reply = outcome.unwrap_or_else(|fault| fault.reply(request, &request_id, &host_id));
    let header = |name: &str, value: String| (name.to_owned(), value);
    let mut headers =
        vec![header("x-amz-id-2", host_id), header("x-amz-request-id", request_id), header("Date", http_date)];
    headers.extend(reply.headers);
    headers.push(header("Server", "AmazonS3".to_owned()));
    if reply.status != 204 {
        headers.push(header("Content-Length", reply.length.unwrap_or(reply.body.len()).to_string()));
    }
    if request.closes_connection() {
        headers.push(header("Connection", "close".to_owned()));
    }
    HttpResponse { status: reply.status, reason: reason_phrase(reply.status).to_owned(), headers, body: reply.body }
}

fn take_apart(request: &HttpRequest) -> Result<Call<'_>, Fault> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let address = Address::of(request.header("host").unwrap_or_default(), path)?;
    Ok(Call { request, address, query: query_parameters(query)? })
}

fn perform(call: &Call<'_>, buckets: &mut Buckets, context: &mut Context<'_>) -> Result<Reply, Fault> {
    let method = call.request.method.as_str();
    if call.parameter("X-Amz-Signature").is_some() || call.parameter("Signature").is_some() {
        return Err(Fault::unsupported("presigned URLs"));
    }
    let scope_region = scope_region(call.request)?;
    let Some(bucket) = &call.address.bucket else {
        if scope_region == Scope::Anonymous {
            // Whoever comes without a name is shown the product page.
            return Ok(Reply::empty(307).with("Location", "https://aws.amazon.com/s3/"));
        }
        scope_region.check(context.region)?;
        return match method {
            "GET" => listing::buckets(call, buckets, context),
            _ => Err(Fault::MethodNotAllowed { method: method.to_owned() }),
        };
    };
    if method == "PUT" && call.address.key.is_none() {
        scope_region.check_signed()?;
        scope_region.check(context.region)?;
        return buckets::create(call, bucket, buckets, context);
    }
    let region = buckets.region_of(bucket).ok_or_else(|| Fault::no_such_bucket(bucket))?;
    if region != context.region {
        let (bucket, region) = (bucket.clone(), region.to_owned());
        return Err(Fault::PermanentRedirect { bucket, region });
    }
    scope_region.check_signed()?;
    scope_region.check(context.region)?;
    match (method, &call.address.key) {
        ("GET", None) => listing::objects(call, bucket, buckets, context),
        ("HEAD", None) => {
            call.check_parameters(&[])?;
            Ok(Reply::empty(200).with("x-amz-bucket-region", context.region).with("Content-Type", "application/xml"))
        }
        ("DELETE", None) => buckets::delete(call, bucket, buckets),
        ("GET" | "HEAD", Some(key)) => objects::get(call, bucket, key, buckets, context),
        ("PUT", Some(key)) => objects::put(call, bucket, key, buckets, context),
        ("DELETE", Some(key)) => objects::delete(call, bucket, key, buckets),
        _ => Err(Fault::MethodNotAllowed { method: method.to_owned() }),
    }
}

/// Whom a request's signature is for.
#[derive(Debug, PartialEq, Eq)]
enum Scope {
    /// There is no signature.
    Anonymous,
    /// The operator's, which names no Region.
    Any,
    /// The Region of a Signature Version 4.
    Region(String),
}

impl Scope {
    fn check_signed(&self) -> Result<(), Fault> {
        if *self == Scope::Anonymous { Err(Fault::AccessDenied) } else { Ok(()) }
    }

    fn check(&self, region: &str) -> Result<(), Fault> {
        match self {
            Scope::Region(signed) if signed != region => {
                Err(Fault::WrongSigningRegion { signed: signed.clone(), expected: region.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// Reads the Region in `Credential=AKIA.../20260101/us-east-1/s3/aws4_request`.
fn scope_region(request: &HttpRequest) -> Result<Scope, Fault> {
    let Some(authorization) = request.header("authorization").map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Scope::Anonymous);
    };
    let Some(rest) = authorization.strip_prefix("AWS4-HMAC-SHA256") else {
        let known = authorization == OPERATOR_AUTHORIZATION;
        return if known { Ok(Scope::Any) } else { Err(Fault::AuthorizationMalformed) };
    };
    let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="));
    let region = credential.and_then(|scope| scope.split('/').nth(2)).filter(|region| !region.is_empty());
    region.map(|region| Scope::Region(region.to_owned())).ok_or(Fault::AuthorizationMalformed)
}

/// What stands for a signature where no bytes travel.
pub const OPERATOR_AUTHORIZATION: &str = "operator";

/// 16 capital letters and digits; 56 random bytes as base64.
fn ids(stream: &mut Stream) -> (String, String) {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let request_id = (0..16).map(|_| char::from(ALPHABET[stream.below(36) as usize])).collect();
    let mut bytes = [0; 56];
    stream.fill(&mut bytes);
    (request_id, base64::encode(&bytes))
}

/// Escapes markup and what XML 1.0 section 2.2 excludes; ETags have quotes, which S3 escapes too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        416 => "Requested Range Not Satisfiable",
        501 => "Not Implemented",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests;

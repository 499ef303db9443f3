//! PutObject, GetObject, HeadObject, DeleteObject.

use super::buckets::{Buckets, Object};
use super::checksum::{ChecksumAlgorithm, md5, sha256_hex};
use super::fault::Fault;
use super::{Call, Context, Reply};
use crate::wire::base64;

/// Headers of PutObject that come back with the object.
const KEPT_HEADERS: [&str; 5] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];
/// Bytes of all `x-amz-meta-*` headers, names and values: AWS's limit.
const METADATA_BYTES_MAX: usize = 2_048;
/// Headers that would change what an operation does, and that this version does not know.
const UNSUPPORTED_HEADERS: [&str; 12] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "x-amz-copy-source",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-mfa",
];

fn check(call: &Call<'_>) -> Result<(), Fault> {
    call.check_parameters(&[])?;
    match UNSUPPORTED_HEADERS.iter().find(|header| call.request.header(header).is_some()) {
        Some(header) => Err(Fault::unsupported(&format!("the header {header}"))),
        None => Ok(()),
    }
}

pub(super) fn put(
    call: &Call<'_>,
    bucket: &str,
    key: &str,
    buckets: &mut Buckets,
    context: &Context<'_>,
) -> Result<Reply, Fault> {
    check(call)?;
    let request = call.request;
    let is_other = |header: &str, usual: &str| request.header(header).is_some_and(|value| value != usual);
    for (header, usual) in
        [("x-amz-acl", "private"), ("x-amz-storage-class", "STANDARD"), ("x-amz-server-side-encryption", "AES256")]
    {
        if is_other(header, usual) {
            return Err(Fault::unsupported(&format!("the header {header} other than {usual}")));
        }
    }
    let signed_payload = request.header("x-amz-content-sha256").unwrap_or_default();
    if signed_payload.starts_with("STREAMING-") {
        return Err(Fault::unsupported("aws-chunked bodies"));
    }
    let body = &request.body;
    if signed_payload.len() == 64 && !signed_payload.eq_ignore_ascii_case(&sha256_hex(body)) {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(Fault::new(400, "XAmzContentSHA256Mismatch", message));
    }
    if let Some(given) = request.header("content-md5") {
        let given = base64::decode(given.trim()).filter(|bytes| bytes.len() == 16);
        let given =
            given.ok_or_else(|| Fault::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."))?;
        if given != md5(body) {
            return Err(Fault::new(400, "BadDigest", "The Content-MD5 you specified did not match what we received."));
        }
    }
    let checksum = checksum_of(call)?;
    let mut object = Object::new(body.clone(), checksum, context.now);
    if let Some(content_type) = request.header("content-type") {
        object.content_type = content_type.to_owned();
    }
    let is_kept = |name: &str| KEPT_HEADERS.contains(&name) || name.starts_with("x-amz-meta-");
    let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    object.headers = headers.filter(|(name, _)| is_kept(name)).collect();
    let metadata =
        object.headers.iter().filter_map(|(name, value)| Some(name.strip_prefix("x-amz-meta-")?.len() + value.len()));
    let metadata_bytes: usize = metadata.sum();
    if metadata_bytes > METADATA_BYTES_MAX {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Fault::new(400, "MetadataTooLarge", message));
    }
    let reply = with_checksum(
        Reply::empty(200).with("ETag", &*object.etag).with("x-amz-server-side-encryption", "AES256"),
        &object,
    );
    buckets.put(bucket, key, object)?;
    Ok(reply)
}

/// The checksum that the client sends along, if it is right.
fn checksum_of(call: &Call<'_>) -> Result<Option<(ChecksumAlgorithm, String)>, Fault> {
    let given = call.request.headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.starts_with("x-amz-checksum-") && !matches!(name.as_str(), "x-amz-checksum-type" | "x-amz-checksum-mode")
    });
    let mut found = None;
    for (name, value) in given {
        let Some(algorithm) = ChecksumAlgorithm::of_header(name) else {
            return Err(Fault::unsupported(&format!("the header {}", name.to_ascii_lowercase())));
        };
        if found.is_some() {
            let message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(Fault::new(400, "InvalidRequest", message));
        }
        if algorithm.of(&call.request.body) != *value {
            let name = algorithm.name();
            let message = format!("The {name} you specified did not match the calculated checksum.");
            return Err(Fault::new(400, "BadDigest", message));
        }
        found = Some((algorithm, value.clone()));
    }
    Ok(found)
}

fn with_checksum(reply: Reply, object: &Object) -> Reply {
    let (algorithm, checksum) = &object.checksum;
    reply.with(algorithm.header(), checksum).with("x-amz-checksum-type", "FULL_OBJECT")
}

/// GET and HEAD: the same but for the body.
pub(super) fn get(
    call: &Call<'_>,
    bucket: &str,
    key: &str,
    buckets: &Buckets,
    context: &Context<'_>,
) -> Result<Reply, Fault> {
    check(call)?;
    let object = buckets.bucket(bucket)?.objects.get(key);
    let object =
        object.ok_or_else(|| Fault::new(404, "NoSuchKey", "The specified key does not exist.").detail("Key", key))?;
    let whole_length = object.body.len();
    let range = call.request.header("range").and_then(parse_range);
    let reply = Reply::empty(200)
        .with("Last-Modified", context.calendar.http_date(object.modified_at))
        .with("ETag", &*object.etag);
    let wants_checksum = call.request.header("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED");
    // A checksum is of the whole object: it says nothing about a part.
    let reply = if wants_checksum && range.is_none() { with_checksum(reply, object) } else { reply };
    let mut reply = reply
        .with("x-amz-server-side-encryption", "AES256")
        .with("Accept-Ranges", "bytes")
        .with("Content-Type", &*object.content_type);
    reply.headers.extend(object.headers.iter().cloned());
    let body = match range {
        None => &object.body[..],
        Some(range) => {
            let (first, last) = range.within(whole_length).ok_or_else(|| {
                Fault::new(416, "InvalidRange", "The requested range is not satisfiable")
                    .detail("RangeRequested", call.request.header("range").unwrap_or_default())
                    .detail("ActualObjectSize", whole_length.to_string())
            })?;
            reply = reply.with("Content-Range", format!("bytes {first}-{last}/{whole_length}"));
            reply.status = 206;
            &object.body[first..=last]
        }
    };
    match call.request.method.as_str() {
        "HEAD" => reply.length = Some(body.len()),
        _ => reply.body = body.to_vec(),
    }
    Ok(reply)
}

/// One range of bytes (RFC 9110 section 14.1.2).
#[derive(Clone, Copy)]
enum Range {
    From(usize, Option<usize>),
    Last(usize),
}

/// Several ranges, other units and what is malformed are ignored, as S3 does.
fn parse_range(header: &str) -> Option<Range> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => last.parse().ok().map(Range::Last),
        (first, "") => Some(Range::From(first.parse().ok()?, None)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

impl Range {
    /// First and last byte; `None` if nothing of it is there.
    fn within(self, length: usize) -> Option<(usize, usize)> {
        let end = length.checked_sub(1)?;
        match self {
            Range::From(first, last) => (first <= end).then(|| (first, last.unwrap_or(end).min(end))),
            Range::Last(0) => None,
            Range::Last(count) => Some((length.saturating_sub(count), end)),
        }
    }
}

pub(super) fn delete(call: &Call<'_>, bucket: &str, key: &str, buckets: &mut Buckets) -> Result<Reply, Fault> {
    check(call)?;
    buckets.remove(bucket, key)?;
    Ok(Reply::empty(204))
}

//! ListBuckets and ListObjectsV2.

use super::buckets::{Buckets, Object};
use super::fault::Fault;
use super::{Call, Context, NAMESPACE, Reply, escape};
use crate::wire::base64;
use std::fmt::Write;
use std::ops::Bound;

/// Keys and common prefixes on one page: AWS's limit.
const KEYS_MAX: usize = 1_000;
/// Buckets on one page: AWS's limit.
const BUCKETS_PAGE_MAX: usize = 10_000;

pub(super) fn buckets(call: &Call<'_>, buckets: &Buckets, context: &Context<'_>) -> Result<Reply, Fault> {
    call.check_parameters(&["max-buckets", "continuation-token", "prefix", "bucket-region"])?;
    let pages = call.parameter("max-buckets").is_some();
    let most = count_parameter(call, "max-buckets", BUCKETS_PAGE_MAX)?;
    if most == 0 {
        let message = "Argument max-buckets must be an integer between 1 and 10000";
        return Err(Fault::invalid_argument("max-buckets", "0", message));
    }
    let prefix = call.parameter("prefix").unwrap_or_default();
    let after = token(call, "continuation-token")?;
    let wanted_region = call.parameter("bucket-region");
    let mut found = (buckets.buckets.iter())
        .filter(|(name, _)| name.starts_with(prefix) && after.as_ref().is_none_or(|after| *name > after))
        .filter(|(_, bucket)| wanted_region.is_none_or(|wanted| bucket.region == wanted));
    let mut xml = format!("<ListAllMyBucketsResult xmlns=\"{NAMESPACE}\">");
    element(&mut xml, "Owner", |xml| text(xml, "ID", &context.canonical_user_id()));
    let mut last = String::new();
    element(&mut xml, "Buckets", |xml| {
        for (name, bucket) in found.by_ref().take(most) {
            last.clone_from(name);
            element(xml, "Bucket", |xml| {
                text(xml, "Name", name);
                text(xml, "CreationDate", &context.calendar.ec2(bucket.created_at));
                // Only who asks for pages is told the Region.
                if pages || wanted_region.is_some() {
                    text(xml, "BucketRegion", &bucket.region);
                }
            });
        }
    });
    if found.next().is_some() {
        text(&mut xml, "ContinuationToken", &base64::encode(last.as_bytes()));
    }
    if !prefix.is_empty() {
        text(&mut xml, "Prefix", prefix);
    }
    xml.push_str("</ListAllMyBucketsResult>");
    Ok(Reply::xml(xml))
}

/// What a page lists: an object, or all keys that begin alike.
enum Entry<'a> {
    Object(&'a str, &'a Object),
    CommonPrefix(&'a str),
}

pub(super) fn objects(call: &Call<'_>, name: &str, buckets: &Buckets, context: &Context<'_>) -> Result<Reply, Fault> {
    if call.parameter("list-type") != Some("2") {
        let operation = call.query.first().map_or("ListObjects (version 1)", |(key, _)| key.as_str());
        return Err(Fault::unsupported(&format!("{operation}: use ListObjectsV2 (?list-type=2)")));
    }
    call.check_parameters(&[
        "list-type",
        "prefix",
        "delimiter",
        "max-keys",
        "continuation-token",
        "start-after",
        "encoding-type",
        "fetch-owner",
    ])?;
    let is_encoded = match call.parameter("encoding-type") {
        None => false,
        Some("url") => true,
        Some(other) => {
            let message = "Invalid Encoding Method specified in Request";
            return Err(Fault::invalid_argument("encoding-type", other, message));
        }
    };
    let shown = |key: &str| if is_encoded { url_encode(key) } else { key.to_owned() };
    let prefix = call.parameter("prefix").unwrap_or_default();
    let delimiter = call.parameter("delimiter").filter(|delimiter| !delimiter.is_empty());
    let most = count_parameter(call, "max-keys", KEYS_MAX)?;
    let continuation = token(call, "continuation-token")?;
    let start_after = call.parameter("start-after").unwrap_or_default();
    let after = continuation.as_deref().unwrap_or(start_after);
    let bucket = buckets.bucket(name)?;
    let (entries, next) = page(&bucket.objects, prefix, delimiter, after, most);

    let mut xml = format!("<ListBucketResult xmlns=\"{NAMESPACE}\">");
    text(&mut xml, "Name", name);
    text(&mut xml, "Prefix", &shown(prefix));
    if let Some(delimiter) = delimiter {
        text(&mut xml, "Delimiter", &shown(delimiter));
    }
    if !start_after.is_empty() {
        text(&mut xml, "StartAfter", &shown(start_after));
    }
    if let Some(token) = call.parameter("continuation-token") {
        text(&mut xml, "ContinuationToken", token);
    }
    if let Some(next) = &next {
        text(&mut xml, "NextContinuationToken", &base64::encode(next.as_bytes()));
    }
    text(&mut xml, "KeyCount", &entries.len().to_string());
    text(&mut xml, "MaxKeys", &most.to_string());
    if is_encoded {
        text(&mut xml, "EncodingType", "url");
    }
    text(&mut xml, "IsTruncated", if next.is_some() { "true" } else { "false" });
    let with_owner = call.parameter("fetch-owner") == Some("true");
    for entry in &entries {
        if let Entry::Object(key, object) = entry {
            element(&mut xml, "Contents", |xml| {
                text(xml, "Key", &shown(key));
                text(xml, "LastModified", &context.calendar.ec2(object.modified_at));
                text(xml, "ETag", &object.etag);
                text(xml, "ChecksumAlgorithm", object.checksum.0.name());
                text(xml, "ChecksumType", "FULL_OBJECT");
                text(xml, "Size", &object.body.len().to_string());
                if with_owner {
                    element(xml, "Owner", |xml| text(xml, "ID", &context.canonical_user_id()));
                }
                text(xml, "StorageClass", "STANDARD");
            });
        }
    }
    for entry in &entries {
        if let Entry::CommonPrefix(common) = entry {
            element(&mut xml, "CommonPrefixes", |xml| text(xml, "Prefix", &shown(common)));
        }
    }
    xml.push_str("</ListBucketResult>");
    Ok(Reply::xml(xml))
}

/// One page of what lies behind `after`, in the order of the keys' bytes, and where the next page starts.
fn page<'a>(
    objects: &'a std::collections::BTreeMap<String, Object>,
    prefix: &str,
    delimiter: Option<&str>,
    after: &str,
    most: usize,
) -> (Vec<Entry<'a>>, Option<String>) {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut last = String::new();
    let start = if after >= prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
    for (key, object) in objects.range::<str, _>((start, Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(prefix) else { break };
        let common = delimiter.and_then(|delimiter| {
            let end = rest.find(delimiter)? + delimiter.len();
            Some(&key[..prefix.len() + end])
        });
        let entry = match common {
            // Rolled up on this page or, if the token is a common prefix, on the one before.
            Some(common) if common == last || common == after => continue,
            Some(common) => Entry::CommonPrefix(common),
            None => Entry::Object(key, object),
        };
        if entries.len() == most {
            // `max-keys=0` lists nothing and is never truncated.
            return (entries, (most > 0).then_some(last));
        }
        last = common.unwrap_or(key).to_owned();
        entries.push(entry);
    }
    (entries, None)
}

fn count_parameter(call: &Call<'_>, name: &'static str, most: usize) -> Result<usize, Fault> {
    let Some(given) = call.parameter(name) else { return Ok(most) };
    let message = format!("Provided {name} not an integer or within integer range");
    let count = given.parse::<u32>().ok().filter(|count| i32::try_from(*count).is_ok());
    let count = count.ok_or_else(|| Fault::invalid_argument(name, given, message))?;
    Ok(usize::try_from(count).unwrap_or(most).min(most))
}

/// Where to go on: the last key of the page before, in base64.
fn token(call: &Call<'_>, name: &'static str) -> Result<Option<String>, Fault> {
    let Some(given) = call.parameter(name) else { return Ok(None) };
    let read = base64::decode(given).and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
    read.map(Some).ok_or_else(|| Fault::invalid_argument(name, given, "The continuation token provided is incorrect"))
}

/// What S3 calls `url`: percent-encoding that leaves slashes, with `+` for blanks.
fn url_encode(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-._*/".contains(&byte) => encoded.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

fn element(xml: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    xml.push_str(&format!("<{name}>"));
    inside(xml);
    xml.push_str(&format!("</{name}>"));
}

fn text(xml: &mut String, name: &str, text: &str) {
    match text {
        "" => xml.push_str(&format!("<{name}/>")),
        text => xml.push_str(&format!("<{name}>{}</{name}>", escape(text))),
    }
}

//! The buckets of one account and what is in them; CreateBucket and DeleteBucket.
//!
//! Names are one namespace over all Regions, as on AWS. Invariant: `stored_bytes` is the sum of all objects' lengths and at most [`STORED_BYTES_MAX`].

use super::address::is_bucket_name;
use super::checksum::{ChecksumAlgorithm, hex, md5};
use super::fault::Fault;
use super::{Call, Context, Reply};
use crate::host::http::BODY_BYTES_MAX;
use crate::time::SimTime;
use std::collections::BTreeMap;

/// Buckets of an account: AWS's default quota.
pub const BUCKETS_MAX: usize = 10_000;
/// Objects in all buckets. Own limit.
pub const OBJECTS_MAX: usize = 100_000;
/// Bytes of one object: what one HTTP message carries here. Own limit; AWS's for one PutObject is 5 GiB.
pub const OBJECT_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Bytes of all objects. Own limit.
pub const STORED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a key: AWS's limit.
pub const KEY_BYTES_MAX: usize = 1_024;

/// All buckets.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    pub(super) buckets: BTreeMap<String, Bucket>,
    objects_count: usize,
    stored_bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) region: String,
    pub(super) created_at: SimTime,
    pub(super) objects: BTreeMap<String, Object>,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) body: Vec<u8>,
    /// With its quotes.
    pub(super) etag: String,
    pub(super) content_type: String,
    pub(super) checksum: (ChecksumAlgorithm, String),
    /// Headers that come back as they were given: `Cache-Control` and the like, and `x-amz-meta-*`.
    pub(super) headers: Vec<(String, String)>,
    pub(super) modified_at: SimTime,
}

impl Object {
    pub(super) fn new(body: Vec<u8>, checksum: Option<(ChecksumAlgorithm, String)>, modified_at: SimTime) -> Object {
        let etag = format!("\"{}\"", hex(&md5(&body)));
        // S3 adds a checksum of its own where the client sends none.
        let algorithm = ChecksumAlgorithm::Crc64Nvme;
        let checksum = checksum.unwrap_or_else(|| (algorithm, algorithm.of(&body)));
        let content_type = "binary/octet-stream".to_owned();
        Object { body, etag, content_type, checksum, headers: Vec::new(), modified_at }
    }
}

impl Buckets {
    /// No buckets.
    pub fn new() -> Buckets {
        Buckets::default()
    }

    /// Adds a bucket that was always there.
    ///
    /// # Errors
    /// `InvalidBucketName`, `BucketAlreadyOwnedByYou`, `TooManyBuckets`.
    pub fn insert(&mut self, name: &str, region: &str) -> Result<(), Fault> {
        self.add(name, region, SimTime::ZERO)
    }

    /// Adds an object that was always there: `bytes` bytes of the alphabet, over and over.
    ///
    /// # Errors
    /// `NoSuchBucket`, and the limits: `KeyTooLongError`, `EntityTooLarge`, `vpcsim`'s own.
    pub fn insert_object(&mut self, bucket: &str, key: &str, bytes: usize) -> Result<(), Fault> {
        let body = (b'a'..=b'z').cycle().take(bytes.min(OBJECT_BYTES_MAX + 1)).collect();
        self.put(bucket, key, Object::new(body, None, SimTime::ZERO))
    }

    /// The Region of a bucket.
    pub(super) fn region_of(&self, bucket: &str) -> Option<&str> {
        self.buckets.get(bucket).map(|bucket| bucket.region.as_str())
    }

    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, Fault> {
        self.buckets.get(name).ok_or_else(|| Fault::no_such_bucket(name))
    }

    fn add(&mut self, name: &str, region: &str, created_at: SimTime) -> Result<(), Fault> {
        if !is_bucket_name(name) {
            let fault = Fault::new(400, "InvalidBucketName", "The specified bucket is not valid.");
            return Err(fault.detail("BucketName", name));
        }
        if self.buckets.contains_key(name) {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(Fault::new(409, "BucketAlreadyOwnedByYou", message).detail("BucketName", name));
        }
        if self.buckets.len() >= BUCKETS_MAX {
            let message = "You have attempted to create more buckets than allowed";
            return Err(Fault::new(400, "TooManyBuckets", message));
        }
        let bucket = Bucket { region: region.to_owned(), created_at, objects: BTreeMap::new() };
        self.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    /// Stores an object in place of any of that key.
    pub(super) fn put(&mut self, bucket: &str, key: &str, object: Object) -> Result<(), Fault> {
        let Buckets { buckets, objects_count, stored_bytes } = self;
        let bucket = buckets.get_mut(bucket).ok_or_else(|| Fault::no_such_bucket(bucket))?;
        if key.len() > KEY_BYTES_MAX {
            let fault = Fault::new(400, "KeyTooLongError", "Your key is too long");
            let fault = fault.detail("Size", key.len().to_string());
            return Err(fault.detail("MaxSizeAllowed", KEY_BYTES_MAX.to_string()));
        }
        let replaced = bucket.objects.get(key).map(|object| object.body.len());
        let bytes_after = *stored_bytes - replaced.unwrap_or(0) + object.body.len();
        let count_after = *objects_count + usize::from(replaced.is_none());
        if object.body.len() > OBJECT_BYTES_MAX || bytes_after > STORED_BYTES_MAX || count_after > OBJECTS_MAX {
            let message = format!(
                "vpcsim's S3 holds {OBJECTS_MAX} objects of at most {OBJECT_BYTES_MAX} bytes, {STORED_BYTES_MAX} bytes in all."
            );
            let fault = Fault::new(400, "EntityTooLarge", message);
            return Err(fault.detail("ProposedSize", object.body.len().to_string()));
        }
        (*stored_bytes, *objects_count) = (bytes_after, count_after);
        bucket.objects.insert(key.to_owned(), object);
        Ok(())
    }

    /// Removes an object, if it is there.
    pub(super) fn remove(&mut self, bucket: &str, key: &str) -> Result<(), Fault> {
        let found = self.buckets.get_mut(bucket).ok_or_else(|| Fault::no_such_bucket(bucket))?;
        if let Some(object) = found.objects.remove(key) {
            self.stored_bytes -= object.body.len();
            self.objects_count -= 1;
        }
        Ok(())
    }
}

pub(super) fn create(
    call: &Call<'_>,
    name: &str,
    buckets: &mut Buckets,
    context: &Context<'_>,
) -> Result<Reply, Fault> {
    call.check_parameters(&[])?;
    for header in ["x-amz-bucket-object-lock-enabled", "x-amz-acl"] {
        if call.request.header(header).is_some_and(|value| !matches!(value, "private" | "false")) {
            return Err(Fault::unsupported(&format!("the header {header}")));
        }
    }
    let region = wanted_region(call, context)?;
    match buckets.add(name, &region, context.now) {
        // us-east-1 answers for one's own bucket as if it were new: old scripts rely on it.
        Err(Fault::Other { code: "BucketAlreadyOwnedByYou", .. })
            if context.region == "us-east-1" && buckets.region_of(name) == Some("us-east-1") => {}
        outcome => outcome?,
    }
    Ok(Reply::empty(200).with("Location", format!("/{name}")))
}

/// The Region in the body's `LocationConstraint`; without one, us-east-1, which has no constraint of its own.
fn wanted_region(call: &Call<'_>, context: &Context<'_>) -> Result<String, Fault> {
    let body = std::str::from_utf8(&call.request.body).map_err(|_| malformed())?;
    let constraint = match body.trim().is_empty() {
        true => None,
        false => location_constraint(body)?,
    };
    let incompatible = |which: &str| {
        let message = format!(
            "The {which} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Err(Fault::new(400, "IllegalLocationConstraintException", message))
    };
    let is_home_of_all = context.region == "us-east-1";
    match constraint {
        None if is_home_of_all => Ok("us-east-1".to_owned()),
        None => incompatible("unspecified"),
        Some(constraint) if constraint == "us-east-1" => {
            let fault = Fault::new(400, "InvalidLocationConstraint", "The specified location-constraint is not valid");
            Err(fault.detail("LocationConstraint", constraint))
        }
        Some(constraint) if constraint == context.region => Ok(constraint),
        // The names without a Region create buckets anywhere.
        Some(constraint) if is_home_of_all && call.address.is_global => Ok(constraint),
        Some(constraint) => incompatible(&constraint),
    }
}

/// The text of `<LocationConstraint>` inside `<CreateBucketConfiguration>`; nothing else is understood there.
fn location_constraint(body: &str) -> Result<Option<String>, Fault> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(body);
    let (mut path, mut constraint): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(tag) => {
                path.push(tag.local_name().as_ref().to_owned());
                match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    ["CreateBucketConfiguration"] | ["CreateBucketConfiguration", "LocationConstraint"] => {}
                    ["CreateBucketConfiguration", other] => {
                        return Err(Fault::unsupported(&format!("the bucket setting {other}")));
                    }
                    _ => return Err(malformed()),
                }
            }
            Event::Text(text) if path.len() == 2 => {
                constraint.get_or_insert_default().push_str(&text.xml10_content());
            }
            Event::Empty(_) if path.len() > 1 => return Err(malformed()),
            Event::End(_) => drop(path.pop()),
            Event::Eof if path.is_empty() => return Ok(constraint.filter(|region| !region.is_empty())),
            Event::Eof => return Err(malformed()),
            _ => {}
        }
    }
}

fn malformed() -> Fault {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    Fault::new(400, "MalformedXML", message)
}

pub(super) fn delete(call: &Call<'_>, name: &str, buckets: &mut Buckets) -> Result<Reply, Fault> {
    call.check_parameters(&[])?;
    if !buckets.bucket(name)?.objects.is_empty() {
        let fault = Fault::new(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
        return Err(fault.detail("BucketName", name));
    }
    buckets.buckets.remove(name);
    Ok(Reply::empty(204))
}

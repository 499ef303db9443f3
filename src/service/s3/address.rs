//! Which bucket and key a request means: by its path, or by its host name.
//!
//! `s3.us-east-1.amazonaws.com/BUCKET/KEY` and `BUCKET.s3.us-east-1.amazonaws.com/KEY` are the same; a host that is no name of S3's is taken for a
//! bucket, which is how one's own domain names work there. Addresses (10.0.0.5) name no bucket.
//! Source: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html; names of interface endpoints: .../privatelink-interface-endpoints.html.

use super::fault::Fault;
use std::net::Ipv4Addr;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    /// Whether the host is one of the names without a Region.
    pub(super) is_global: bool,
}

impl Address {
    /// Takes a `Host` header and a path apart.
    pub(super) fn of(host: &str, path: &str) -> Result<Address, Fault> {
        let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
        let (by_host, is_global) = bucket_of_host(&host);
        let path = percent_decode(path.strip_prefix('/').unwrap_or(path), false)?;
        let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(match by_host {
            Some(bucket) => Address { bucket: Some(bucket), key: non_empty(&path), is_global },
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
                Address { bucket: non_empty(bucket), key: non_empty(key), is_global }
            }
        })
    }
}

/// The bucket that stands before S3's own name, and whether that name is without a Region.
fn bucket_of_host(host: &str) -> (Option<String>, bool) {
    if host.is_empty() || host == "localhost" || host.parse::<Ipv4Addr>().is_ok() {
        return (None, false);
    }
    let suffix = ["amazonaws.com.cn", "amazonaws.com", "amazonaws.eu"]
        .into_iter()
        .find_map(|suffix| host.strip_suffix(suffix)?.strip_suffix('.'));
    let Some(front) = suffix else { return (Some(host.to_owned()), false) };
    let labels: Vec<&str> = front.split('.').collect();
    let before = |count: usize| {
        let bucket = labels[..count].join(".");
        (!bucket.is_empty()).then_some(bucket)
    };
    match labels[..] {
        // [BUCKET.]bucket.vpce-ID.s3.REGION.vpce
        [.., "bucket", _, "s3", _, "vpce"] => (before(labels.len() - 5), false),
        [.., "s3" | "s3-external-1"] => (before(labels.len() - 1), true),
        [.., last] if last.starts_with("s3-") => (before(labels.len() - 1), false),
        [.., "s3", _] => (before(labels.len() - 2), false),
        _ => (Some(host.to_owned()), false),
    }
}

/// Whether S3 takes `name` for a new bucket (docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
pub fn is_bucket_name(name: &str) -> bool {
    const RESERVED_STARTS: [&str; 4] = ["xn--", "sthree-", "amzn-s3-demo-", "-"];
    const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.bytes().all(inner)
        && end(name.bytes().next())
        && end(name.bytes().next_back())
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !RESERVED_STARTS.iter().any(|start| name.starts_with(start))
        && !RESERVED_ENDS.iter().any(|ending| name.ends_with(ending))
}

/// The parameters of a query string, decoded, in order.
pub(super) fn query_parameters(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((percent_decode(key, true)?, percent_decode(value, true)?))
        })
        .collect()
}

fn percent_decode(text: &str, plus_is_blank: bool) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_blank => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let value = digit(rest.next()).zip(digit(rest.next()));
                value.map(|(high, low)| (high << 4 | low) as u8).ok_or(Fault::InvalidUri)?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Fault::InvalidUri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_by_path_and_by_host() {
        let cases = [
            ("s3.us-east-1.amazonaws.com", "/", None, None),
            ("s3.us-east-1.amazonaws.com:443", "/pics/a/b%20c+d", Some("pics"), Some("a/b c+d")),
            ("pics.s3.us-east-1.amazonaws.com", "/a//b", Some("pics"), Some("a//b")),
            ("Pics.s3.amazonaws.com", "/", Some("pics"), None),
            ("a.b.s3-eu-west-1.amazonaws.com", "/", Some("a.b"), None),
            ("s3-external-1.amazonaws.com", "/pics/", Some("pics"), None),
            ("pics.s3.cn-north-1.amazonaws.com.cn", "/k", Some("pics"), Some("k")),
            ("bucket.vpce-1-x.s3.us-east-1.vpce.amazonaws.com", "/pics/k", Some("pics"), Some("k")),
            ("pics.bucket.vpce-1-x.s3.us-east-1.vpce.amazonaws.com", "/k", Some("pics"), Some("k")),
            ("www.example.com", "/k", Some("www.example.com"), Some("k")),
            ("10.0.0.5:8000", "/pics/k", Some("pics"), Some("k")),
        ];
        for (host, path, bucket, key) in cases {
            let address = Address::of(host, path).unwrap();
            assert_eq!((address.bucket.as_deref(), address.key.as_deref()), (bucket, key), "{host}{path}");
        }
        let is_global = |host| Address::of(host, "/").unwrap().is_global;
        assert!(is_global("pics.s3.amazonaws.com") && !is_global("s3.us-east-1.amazonaws.com"));
        assert_eq!(Address::of("s3.amazonaws.com", "/a%f").unwrap_err(), Fault::InvalidUri);
        assert_eq!(Address::of("s3.amazonaws.com", "/a%ff").unwrap_err(), Fault::InvalidUri);
    }

    #[test]
    fn names_of_buckets() {
        for name in ["abc", "a.b", "1-2-3", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["ab", "Abc", "-ab", "ab-", "a..b", "10.0.0.5", "xn--abc", "abc-s3alias", "a_b", &"a".repeat(64)] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}

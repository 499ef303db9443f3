//! AWS Signature Version 4, client side: what makes a request acceptable to an AWS service.
//!
//! Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Non-goals: query-string signatures,
//! chunked and unsigned payloads, SigV4A, verification. Invariant: the signed headers are `host`, `content-type` and
//! every `x-amz-*`, the set botocore signs for these services and operations; S3 takes paths as they are, and wants the body's digest in a header; headers a connection may change are left alone.

use super::http::HttpRequest;
use ring::{digest, hmac};
use std::fmt::Write;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id, `AKIA...` or `ASIA...`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

/// The secrets stay out of logs, simulated or not: the habit is the point.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Signs `request` for a service in a Region at a moment: adds `X-Amz-Date`, `X-Amz-Security-Token` (temporary credentials)
/// and `Authorization`, replacing those a former attempt left. `amz_date` is `YYYYMMDDTHHMMSSZ`
/// ([`crate::calendar::Calendar::amz_date`]). The `Host` header must be there already, and the body final.
pub fn sign(request: &mut HttpRequest, credentials: &Credentials, region: &str, service: &str, amz_date: &str) {
    let ours = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "authorization"];
    request.headers.retain(|(name, _)| !ours.iter().any(|own| name.eq_ignore_ascii_case(own)));
    request.headers.push(("X-Amz-Date".to_owned(), amz_date.to_owned()));
    if let Some(token) = &credentials.session_token {
        request.headers.push(("X-Amz-Security-Token".to_owned(), token.clone()));
    }

    let is_s3 = service == "s3";
    if is_s3 {
        request.headers.push(("X-Amz-Content-SHA256".to_owned(), sha256_hex(&request.body)));
    }

    let (canonical, signed_headers) = canonical_request(request, is_s3);
    let date = amz_date.get(..8).unwrap_or(amz_date);
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{amz_date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));

    let mut key = format!("AWS4{}", credentials.secret_access_key).into_bytes();
    for part in [date, region, service, "aws4_request"] {
        key = hmac_sha256(&key, part);
    }
    let signature = hex(&hmac_sha256(&key, &to_sign));
    let access_key_id = &credentials.access_key_id;
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    request.headers.push(("Authorization".to_owned(), authorization));
}

/// The canonical request and the list of signed headers in it.
fn canonical_request(request: &HttpRequest, is_s3: bool) -> (String, String) {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), canonical_value(value)))
        .filter(|(name, _)| name == "host" || name == "content-type" || name.starts_with("x-amz-"))
        .collect();
    // Stable: several headers of one name keep their order and become one, separated by commas.
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers.dedup_by(|(name, value), (kept_name, kept_value)| {
        let same = name == kept_name;
        if same {
            kept_value.push(',');
            kept_value.push_str(value);
        }
        same
    });
    let signed_headers = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let header_lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = [
        request.method.as_str(),
        &if is_s3 { path.to_owned() } else { canonical_path(path) },
        &canonical_query(query),
        &header_lines,
        &signed_headers,
        &sha256_hex(&request.body),
    ]
    .join("\n");
    (canonical, signed_headers)
}

/// Trimmed, and every run of spaces made one.
fn canonical_value(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Dot segments and doubled slashes resolved, then every segment encoded once more than it is on the wire.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let mut canonical: String = segments.iter().map(|segment| format!("/{}", encode(segment.as_bytes()))).collect();
    if canonical.is_empty() || path.ends_with('/') {
        canonical.push('/');
    }
    canonical
}

/// Parameters decoded, encoded by SigV4's rules and sorted.
fn canonical_query(query: &str) -> String {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (encode(&decode(name)), encode(&decode(value)))
        })
        .collect();
    parameters.sort();
    parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but RFC 3986's unreserved characters, hexadecimal digits in capitals.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Undoes percent-encoding; a `%` that encodes nothing stays what it is.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let input = text.as_bytes();
    let mut bytes = Vec::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        match (byte, digit(input.get(at + 1)), digit(input.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

fn hmac_sha256(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The credentials of AWS's published examples.
    fn example(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: token.map(str::to_owned),
        }
    }

    fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> HttpRequest {
        HttpRequest {
            method: method.into(),
            target: target.into(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: body.into(),
        }
    }

    fn signature(mut request: HttpRequest, region: &str, service: &str, date: &str) -> (String, String) {
        sign(&mut request, &example(None), region, service, date);
        let authorization = request.header("authorization").unwrap();
        let part = |name: &str| {
            let (_, rest) = authorization.split_once(name).unwrap();
            rest.split(',').next().unwrap().to_owned()
        };
        (part("SignedHeaders="), part("Signature="))
    }

    #[test]
    fn get_vanilla() {
        let vanilla = request("GET", "/", &[("Host", "example.amazonaws.com")], "");
        assert_eq!(
            signature(vanilla, "us-east-1", "service", "20150830T123600Z"),
            ("host;x-amz-date".into(), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31".into())
        );
    }

    #[test]
    fn iam_list_users() {
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Host", "iam.amazonaws.com")];
        let list_users = request("GET", "/?Action=ListUsers&Version=2010-05-08", &headers, "");
        assert_eq!(
            signature(list_users, "us-east-1", "iam", "20150830T123600Z"),
            (
                "content-type;host;x-amz-date".into(),
                "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7".into()
            )
        );
    }

    /// Signatures that botocore 1.43.11 made for the same requests, credentials and date.
    #[test]
    fn botocore_agrees() {
        let date = "20260101T000007Z";
        let headers = [
            ("Host", "dynamodb.us-east-1.amazonaws.com"),
            ("X-Amz-Target", "DynamoDB_20120810.ListTables"),
            ("Content-Type", "application/x-amz-json-1.0"),
        ];
        let mut list_tables = request("POST", "/", &headers, "{}");
        sign(&mut list_tables, &example(Some("TOKEN/+=")), "us-east-1", "dynamodb", date);
        assert_eq!(
            list_tables.header("authorization"),
            Some(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
                 Signature=0fb71c52a080e57b44c41dba5b6e4e01535ab5e862962c521090e7e8b0364e6b"
            )
        );
        let headers = [
            ("Host", "ec2.us-east-1.amazonaws.com"),
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("User-Agent", "not signed"),
        ];
        let describe = request("POST", "/", &headers, "Action=DescribeVpcs&Version=2016-11-15");
        assert_eq!(
            signature(describe, "us-east-1", "ec2", date),
            (
                "content-type;host;x-amz-date".into(),
                "d5b1a92f572587a23aa009afca0f33e7aca51e35493d5c63c19a5fb2963d736f".into()
            )
        );
    }

    /// Signatures that botocore 1.43.11's S3SigV4Auth made: the path counts as it is, and the body's digest is a header.
    #[test]
    fn botocore_agrees_about_s3() {
        let host = ("Host", "pics.s3.us-east-1.amazonaws.com");
        let headers = [host, ("x-amz-sdk-checksum-algorithm", "CRC64NVME")];
        let put = request("PUT", "/a//./b%20c%2B%C3%BC.txt", &headers, "hello");
        assert_eq!(
            signature(put, "us-east-1", "s3", "20260101T000007Z"),
            (
                "host;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm".into(),
                "be4042b1762ef02c835e1b50c341d4507b0fdd6f85ba53dbc4895a7a9ee61ccf".into()
            )
        );
        let list = request("GET", "/?list-type=2&prefix=a%2F&encoding-type=url", &[host], "");
        assert_eq!(
            signature(list, "us-east-1", "s3", "20260101T000007Z"),
            (
                "host;x-amz-content-sha256;x-amz-date".into(),
                "52f9ff41470a02bfa05594b7fcff258c2019897a67d53b490f41773b383f6e42".into()
            )
        );
    }

    #[test]
    fn signing_again_replaces_the_former_signature() {
        let mut once = request("POST", "/", &[("Host", "a"), ("User-Agent", "x")], "{}");
        sign(&mut once, &example(Some("TOKEN")), "us-east-1", "dynamodb", "20260101T000000Z");
        let mut twice = once.clone();
        sign(&mut twice, &example(Some("TOKEN")), "us-east-1", "dynamodb", "20260101T000001Z");
        assert_eq!(twice.headers.len(), once.headers.len());
        assert_ne!(twice.header("authorization"), once.header("authorization"));
        sign(&mut twice, &example(Some("TOKEN")), "us-east-1", "dynamodb", "20260101T000000Z");
        assert_eq!(twice, once);
        assert!(once.header("Authorization").unwrap().contains("host;x-amz-date;x-amz-security-token,"));
        assert!(!format!("{:?}", example(Some("TOKEN"))).contains("TOKEN"));
    }

    #[test]
    fn paths_and_queries_become_canonical() {
        for (path, canonical) in
            [("/", "/"), ("", "/"), ("/a/../..//b/./", "/b/"), ("/a%20b", "/a%2520b"), ("/\u{1234}", "/%E1%88%B4")]
        {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
        for (query, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=b&a=a&a", "a=&a=a&a=b"),
            ("p=%2f%zz", "p=%2F%25zz"),
            ("a+b=c d", "a%2Bb=c%20d"),
        ] {
            assert_eq!(canonical_query(query), canonical, "{query}");
        }
        assert_eq!(canonical_value("  a   b c "), "a b c");
    }
}

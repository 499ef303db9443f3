//! Requests as clients send them, and what S3 says.

use super::*;
use crate::rng::Seed;

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

struct Front {
    buckets: Buckets,
    region: &'static str,
    stream: Stream,
}

impl Front {
    fn new(region: &'static str) -> Front {
        let mut buckets = Buckets::new();
        buckets.insert("pictures", "us-east-1").unwrap();
        buckets.insert("far-away", "eu-west-1").unwrap();
        buckets.insert_object("pictures", "a.txt", 30).unwrap();
        Front { buckets, region, stream: Seed::new(1).derive("test") }
    }

    fn ask(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> HttpResponse {
        let (host, rest) = url.split_once('/').unwrap();
        let mut all = vec![("Host".to_owned(), host.to_owned())];
        let signed = SIGNED.replace("us-east-1", self.region);
        all.push(("Authorization".to_owned(), signed));
        for (name, value) in headers {
            all.retain(|(known, _)| known != name);
            all.push((name.to_string(), value.to_string()));
        }
        let request =
            HttpRequest { method: method.to_owned(), target: format!("/{rest}"), headers: all, body: body.to_vec() };
        let mut context = Context {
            region: self.region,
            account_id: "111122223333",
            calendar: Calendar::starting_at(1_767_225_600).unwrap(),
            now: SimTime::ZERO,
            request_ids: &mut self.stream,
        };
        answer(&request, &mut self.buckets, &mut context)
    }

    fn get(&mut self, url: &str) -> HttpResponse {
        self.ask("GET", url, &[], b"")
    }
}

fn text(response: &HttpResponse) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

fn code(response: &HttpResponse) -> (u16, &str) {
    (response.status, text(response).split("<Code>").nth(1).unwrap_or("").split('<').next().unwrap())
}

const HOME: &str = "s3.us-east-1.amazonaws.com";

#[test]
fn objects_come_back_as_they_were_put() {
    let mut front = Front::new("us-east-1");
    let url = "pictures.s3.us-east-1.amazonaws.com/2026/cat%20one.txt";
    let headers = [("Content-Type", "text/plain"), ("x-amz-meta-owner", "me"), ("x-amz-checksum-crc32", "NhCmhg==")];
    let put = front.ask("PUT", url, &headers, b"hello");
    assert_eq!((put.status, put.header("etag")), (200, Some("\"5d41402abc4b2a76b9719d911017c592\"")));
    assert_eq!(put.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    let got = front.get(&format!("{HOME}/pictures/2026/cat%20one.txt"));
    assert_eq!((got.status, &got.body[..]), (200, &b"hello"[..]));
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("x-amz-meta-owner"), Some("me"));
    assert_eq!(got.header("last-modified"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert_eq!(got.header("x-amz-request-id").unwrap().len(), 16);
    assert_eq!(got.header("x-amz-id-2").unwrap().len(), 76);
    assert_eq!(got.header("x-amz-checksum-crc32"), None, "only who asks is told");
    let head = front.ask("HEAD", url, &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!((head.header("content-length"), head.header("x-amz-checksum-crc32")), (Some("5"), Some("NhCmhg==")));
    assert!(head.body.is_empty());
    for (range, status, body) in [("bytes=1-2", 206, "el"), ("bytes=-2", 206, "lo"), ("bytes=9-", 416, "")] {
        let part = front.ask("GET", url, &[("Range", range)], b"");
        assert_eq!(part.status, status, "{range}");
        assert!(status == 416 || text(&part) == body, "{range}");
    }
    assert_eq!(front.ask("DELETE", url, &[], b"").status, 204);
    assert_eq!(code(&front.get(url)), (404, "NoSuchKey"));
    assert_eq!(front.ask("DELETE", url, &[], b"").status, 204, "it is gone already");
    assert_eq!(front.ask("HEAD", url, &[], b"").status, 404);
}

#[test]
fn what_does_not_arrive_as_it_was_sent_is_refused() {
    let mut front = Front::new("us-east-1");
    let mut refused = |header: &str, value: &str| {
        let response = front.ask("PUT", "pictures.s3.us-east-1.amazonaws.com/k", &[(header, value)], b"hello");
        let (status, code) = code(&response);
        (status, code.to_owned())
    };
    assert_eq!(refused("x-amz-checksum-crc32", "AAAAAA=="), (400, "BadDigest".to_owned()));
    assert_eq!(refused("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="), (400, "BadDigest".to_owned()));
    assert_eq!(refused("Content-MD5", "x"), (400, "InvalidDigest".to_owned()));
    assert_eq!(refused("x-amz-content-sha256", &"0".repeat(64)), (400, "XAmzContentSHA256Mismatch".to_owned()));
    let streaming = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    assert_eq!(refused("x-amz-content-sha256", streaming), (501, "NotImplemented".to_owned()));
    assert_eq!(refused("x-amz-checksum-crc32c", "AAAAAA=="), (501, "NotImplemented".to_owned()));
    assert_eq!(refused("If-None-Match", "*"), (501, "NotImplemented".to_owned()));
    let long = format!("{HOME}/pictures/{}", "k".repeat(1025));
    assert_eq!(code(&front.ask("PUT", &long, &[], b"")), (400, "KeyTooLongError"));
}

#[test]
fn buckets_lie_in_regions() {
    let mut front = Front::new("us-east-1");
    let redirected = front.get("far-away.s3.amazonaws.com/x");
    assert_eq!(code(&redirected), (301, "PermanentRedirect"));
    assert_eq!(redirected.header("x-amz-bucket-region"), Some("eu-west-1"));
    assert!(text(&redirected).contains("<Endpoint>far-away.s3.eu-west-1.amazonaws.com</Endpoint>"));
    let head = front.ask("HEAD", &format!("{HOME}/far-away/x"), &[], b"");
    assert_eq!((head.status, head.header("x-amz-bucket-region")), (301, Some("eu-west-1")));
    assert_eq!(code(&front.get(&format!("{HOME}/nobodys/x"))), (404, "NoSuchBucket"));
    let elsewhere = SIGNED.replace("us-east-1", "eu-west-1");
    let wrong = front.ask("GET", &format!("{HOME}/pictures/a.txt"), &[("Authorization", &elsewhere)], b"");
    assert_eq!(code(&wrong), (400, "AuthorizationHeaderMalformed"));
    assert!(text(&wrong).contains("<Region>us-east-1</Region>"));
    let anonymous = [("Authorization", "")];
    assert_eq!(code(&front.ask("GET", &format!("{HOME}/pictures/a.txt"), &anonymous, b"")), (403, "AccessDenied"));
    let home_page = front.ask("GET", &format!("{HOME}/"), &anonymous, b"");
    assert_eq!((home_page.status, home_page.header("location")), (307, Some("https://aws.amazon.com/s3/")));
}

#[test]
fn buckets_are_created_where_the_constraint_says() {
    let body = |region: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"{NAMESPACE}\"><LocationConstraint>{region}</LocationConstraint>\
             </CreateBucketConfiguration>"
        )
    };
    let mut home = Front::new("us-east-1");
    let created = home.ask("PUT", "new-one.s3.us-east-1.amazonaws.com/", &[], b"");
    assert_eq!((created.status, created.header("location")), (200, Some("/new-one")));
    assert_eq!(home.ask("PUT", "new-one.s3.us-east-1.amazonaws.com/", &[], b"").status, 200, "us-east-1 is lenient");
    let mut create = |url: &str, region: &str| {
        let response = home.ask("PUT", url, &[], body(region).as_bytes());
        let (status, code) = code(&response);
        (status, code.to_owned())
    };
    let illegal = (400, "IllegalLocationConstraintException".to_owned());
    assert_eq!(create("b-1.s3.us-east-1.amazonaws.com/", "us-east-1"), (400, "InvalidLocationConstraint".to_owned()));
    assert_eq!(create("b-1.s3.us-east-1.amazonaws.com/", "eu-west-1"), illegal);
    assert_eq!(create("b-1.s3.amazonaws.com/", "eu-west-1").0, 200);
    assert_eq!(create("s3.us-east-1.amazonaws.com/Bad_Name", "us-west-2").1, "IllegalLocationConstraintException");
    assert_eq!(create("s3.amazonaws.com/Bad_Name", "us-west-2"), (400, "InvalidBucketName".to_owned()));
    assert_eq!(home.buckets.region_of("b-1"), Some("eu-west-1"));

    let mut away = Front::new("eu-west-1");
    assert_eq!(code(&away.ask("PUT", "b-2.s3.eu-west-1.amazonaws.com/", &[], b"")), (illegal.0, &*illegal.1));
    assert_eq!(away.ask("PUT", "b-2.s3.eu-west-1.amazonaws.com/", &[], body("eu-west-1").as_bytes()).status, 200);
    let again = away.ask("PUT", "b-2.s3.eu-west-1.amazonaws.com/", &[], body("eu-west-1").as_bytes());
    assert_eq!(code(&again), (409, "BucketAlreadyOwnedByYou"));
    for broken in ["<a>", "<CreateBucketConfiguration>", "not xml", "<CreateBucketConfiguration><a/></a>"] {
        assert_eq!(
            code(&away.ask("PUT", "b-3.s3.eu-west-1.amazonaws.com/", &[], broken.as_bytes())).0,
            400,
            "{broken}"
        );
    }
    assert_eq!(code(&home.ask("DELETE", "pictures.s3.us-east-1.amazonaws.com/", &[], b"")), (409, "BucketNotEmpty"));
    assert_eq!(home.ask("DELETE", "new-one.s3.us-east-1.amazonaws.com/", &[], b"").status, 204);
    assert_eq!(code(&home.ask("HEAD", "new-one.s3.us-east-1.amazonaws.com/", &[], b"")).0, 404);
}

#[test]
fn lists_have_pages_and_common_prefixes() {
    let mut front = Front::new("us-east-1");
    for key in ["b/1", "b/2", "b c&d", "b/x/3", "z\u{fc}"] {
        front.buckets.insert_object("pictures", key, 1).unwrap();
    }
    let mut list = |query: &str| text(&front.get(&format!("pictures.{HOME}/?list-type=2{query}"))).to_owned();
    let values = |xml: &str, name: &str| -> Vec<String> {
        let start = format!("<{name}>");
        let parts = xml.split(&start).skip(1);
        parts.map(|part| part.split('<').next().unwrap().to_owned()).collect()
    };
    let all = list("");
    assert_eq!(values(&all, "Key"), ["a.txt", "b c&amp;d", "b/1", "b/2", "b/x/3", "z\u{fc}"]);
    assert_eq!((values(&all, "KeyCount"), values(&all, "IsTruncated")), (vec!["6".into()], vec!["false".into()]));
    assert!(all.contains("<Size>30</Size>") && all.contains("<Prefix/>"), "{all}");
    let encoded = list("&encoding-type=url");
    assert_eq!(values(&encoded, "Key"), ["a.txt", "b+c%26d", "b/1", "b/2", "b/x/3", "z%C3%BC"]);
    // Page by page, two entries each: nothing is lost and nothing comes twice, prefixes included.
    for (prefix, delimiter, expected) in [
        ("", "/", vec!["a.txt", "b c&amp;d", "b/", "z\u{fc}"]),
        ("b/", "/", vec!["b/1", "b/2", "b/x/"]),
        ("b", "", vec!["b c&amp;d", "b/1", "b/2", "b/x/3"]),
    ] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let xml = list(&format!("&prefix={prefix}&delimiter={delimiter}&max-keys=2{token}"));
            found.extend(values(&xml, "Key"));
            let commons =
                values(&xml, "Prefix").into_iter().filter(|common| common.ends_with('/') && *common != prefix);
            found.extend(commons);
            match values(&xml, "NextContinuationToken").first() {
                Some(next) => token = format!("&continuation-token={}", next.replace('=', "%3D")),
                None => break,
            }
        }
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{prefix} {delimiter}");
    }
    assert_eq!(values(&list("&start-after=b/2"), "Key"), ["b/x/3", "z\u{fc}"]);
    assert_eq!(values(&list("&max-keys=0"), "IsTruncated"), ["false"]);
    let mut refused = |query: &str| code(&front.get(&format!("pictures.{HOME}/{query}"))).1.to_owned();
    assert_eq!(refused("?list-type=2&max-keys=x"), "InvalidArgument");
    assert_eq!(refused("?list-type=2&continuation-token=x"), "InvalidArgument");
    assert_eq!(refused("?list-type=2&versions"), "NotImplemented");
    assert_eq!(refused(""), "NotImplemented");
    assert_eq!(refused("a.txt?acl"), "NotImplemented");
    let buckets = text(&front.get(&format!("{HOME}/"))).to_owned();
    assert_eq!(values(&buckets, "Name"), ["far-away", "pictures"]);
    let page = text(&front.get(&format!("{HOME}/?max-buckets=1"))).to_owned();
    assert_eq!(
        (values(&page, "Name"), values(&page, "BucketRegion")),
        (vec!["far-away".into()], vec!["eu-west-1".into()])
    );
    assert_eq!(values(&page, "ContinuationToken").len(), 1);
}

#[test]
fn what_is_stored_is_bounded() {
    let mut buckets = Buckets::new();
    buckets.insert("full-one", "us-east-1").unwrap();
    for number in 0..4 {
        buckets.insert_object("full-one", &number.to_string(), OBJECT_BYTES_MAX).unwrap();
    }
    let refused = |outcome: Result<(), Fault>| matches!(outcome, Err(Fault::Other { code: "EntityTooLarge", .. }));
    assert!(refused(buckets.insert_object("full-one", "one-more", 1)));
    buckets.remove("full-one", "0").unwrap();
    buckets.insert_object("full-one", "one-more", 1).unwrap();
    assert!(refused(buckets.insert_object("full-one", "too-large", OBJECT_BYTES_MAX + 1)));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut front = Front::new("us-east-1");
    let mut stream = Seed::new(2).derive("fuzz");
    let letters = b"/?&=%+abs3.<>\0-_09";
    for _ in 0..5_000 {
        let mut draw = |most: u64| -> String {
            (0..stream.below(most)).map(|_| char::from(letters[stream.below(letters.len() as u64) as usize])).collect()
        };
        let (url, body) = (format!("{}/{}", draw(20).replace('/', ""), draw(30)), draw(20));
        for method in ["GET", "PUT", "DELETE", "HEAD", "POST"] {
            let response = front.ask(method, &url, &[], body.as_bytes());
            assert!(response.status >= 200 && response.header("x-amz-request-id").is_some());
        }
    }
}

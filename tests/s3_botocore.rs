//! botocore as a client of vpcsim's S3 and STS, over the loopback interface (`tests/python/s3_botocore.py` is its side).
//!
//! Needs `python3` (or what `VPCSIM_PYTHON` names) with botocore: `scripts/test` installs it.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use vpcsim::calendar::Calendar;
use vpcsim::host::http::{HttpRequest, HttpResponse, RequestDecoder};
use vpcsim::rng::{Seed, Stream};
use vpcsim::service::{s3, sts};
use vpcsim::time::SimTime;

/// Serves each connection in turn until it is closed.
fn serve(listener: &TcpListener, mut answer: impl FnMut(&HttpRequest) -> HttpResponse) {
    for mut connection in listener.incoming().flatten() {
        converse(&mut connection, &mut answer);
    }
}

fn converse(connection: &mut TcpStream, answer: &mut impl FnMut(&HttpRequest) -> HttpResponse) {
    let (mut decoder, mut bytes, mut fresh) = (RequestDecoder::new(), [0; 64 * 1024], 0);
    loop {
        let request = match decoder.feed(&bytes[..fresh]) {
            Ok(request) => request,
            Err(error) => panic!("botocore's request: {error}"),
        };
        let Some(request) = request else {
            match connection.read(&mut bytes) {
                Ok(count) if count > 0 => fresh = count,
                _ => return,
            }
            continue;
        };
        let mut response = answer(&request);
        // One connection at a time: the next client must not wait for this one's.
        response.headers.push(("Connection".to_owned(), "close".to_owned()));
        let _ = connection.write_all(&response.encode_for(&request.method));
        return;
    }
}

fn start(answer: impl FnMut(&HttpRequest, &mut Stream) -> HttpResponse + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (mut answer, mut stream) = (answer, Seed::new(1).derive("request ids"));
    // Ends with the process: it waits for the next connection.
    std::thread::spawn(move || serve(&listener, |request| answer(request, &mut stream)));
    url
}

fn results() -> Value {
    let calendar = Calendar::starting_at(1_767_225_600).unwrap();
    let (region, account_id, now) = ("us-east-1", "111122223333", SimTime::ZERO);
    let mut buckets = s3::Buckets::new();
    buckets.insert("far-away", "eu-west-1").unwrap();
    let s3 = start(move |request, request_ids| {
        let mut context = s3::Context { region, account_id, calendar, now, request_ids };
        s3::answer(request, &mut buckets, &mut context)
    });
    let sts = start(move |request, request_ids| {
        let access_key_id = "AKIAIOSFODNN7EXAMPLE";
        let mut context = sts::Context { region, account_id, access_key_id, calendar, now, request_ids };
        sts::answer(request, &mut context)
    });
    let interpreter = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/s3_botocore.py");
    let output = Command::new(&interpreter).args([script, &s3, &sts]).output().unwrap_or_else(|error| {
        panic!("cannot run {interpreter}: {error}; scripts/test installs what this test needs")
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn botocore_creates_puts_gets_lists_and_deletes() {
    let results = results();
    assert_eq!(results["create"], json!({"Location": "/pictures"}));
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    let put = json!({"ETag": etag, "ChecksumCRC32": "NhCmhg==", "ChecksumType": "FULL_OBJECT", "ServerSideEncryption": "AES256"});
    assert_eq!(results["put"], put);
    assert!(results["put sha"]["ChecksumSHA256"].is_string(), "{}", results["put sha"]);
    let got = json!({
        "AcceptRanges": "bytes", "LastModified": "2026-01-01T00:00:00+00:00", "ContentLength": 5, "ETag": etag,
        "ChecksumCRC32": "NhCmhg==", "ChecksumType": "FULL_OBJECT", "ContentType": "text/plain", "Body": "hello",
        "ServerSideEncryption": "AES256", "Metadata": {"owner": "me"},
    });
    assert_eq!(results["get"], got);
    assert_eq!((&results["part"]["Body"], &results["part"]["ContentRange"]), (&json!("el"), &json!("bytes 1-2/5")));
    assert_eq!(results["head"]["ContentLength"], 3000);
    let refused = |name: &str, class: &str, code: &str, message: &str| {
        let found = &results[name];
        let found = [&found["class"], &found["Code"], &found["Message"]].map(|text| text.as_str().unwrap_or_default());
        assert_eq!(found, [class, code, message], "{name}");
    };
    refused("head nothing", "ClientError", "404", "Not Found");
    refused("nothing", "NoSuchKey", "NoSuchKey", "The specified key does not exist.");
    assert_eq!(results["nothing"]["Key"], "nothing");
    refused("nowhere", "NoSuchBucket", "NoSuchBucket", "The specified bucket does not exist");
    refused("not empty", "ClientError", "BucketNotEmpty", "The bucket you tried to delete is not empty");
    let redirect = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future \
                    requests to this endpoint.";
    refused("other region", "ClientError", "PermanentRedirect", redirect);
    let region = "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'";
    refused("wrong region", "ClientError", "AuthorizationHeaderMalformed", region);
    refused("tags", "ClientError", "NotImplemented", "vpcsim does not simulate the parameter tagging of S3.");
    let names = results["buckets"]["Buckets"].as_array().unwrap().iter().map(|bucket| &bucket["Name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["far-away", "pictures"]);
    assert_eq!(results["list"]["CommonPrefixes"], json!([{"Prefix": "a/"}]));
    assert_eq!(results["list"]["Contents"][0]["Key"], "z\u{1}");
    assert_eq!(results["pages"], json!([["a/2"], ["a/b c+ü&.txt"], ["z\u{1}"]]));
    assert_eq!(results["head bucket"]["BucketRegion"], "us-east-1");
    assert_eq!(results["delete"], json!({}));
    assert_eq!(results["who"]["Arn"], "arn:aws:iam::111122223333:user/simulated-user");
    assert_eq!(results["who"]["Account"], "111122223333");
    refused(
        "stranger",
        "ClientError",
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    );
}

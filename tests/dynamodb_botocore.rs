//! botocore as a client of vpcsim's DynamoDB, over the loopback interface (`tests/python/dynamodb_botocore.py` is its side).
//!
//! Needs `python3` (or what `VPCSIM_PYTHON` names) with botocore: `scripts/test` installs it.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use vpcsim::calendar::Calendar;
use vpcsim::host::http::RequestDecoder;
use vpcsim::rng::{Seed, Stream};
use vpcsim::service::dynamodb::{Context, Tables, answer};
use vpcsim::time::{SimDuration, SimTime};

/// A front end whose clock moves by a second from request to request.
struct FrontEnd {
    tables: Tables,
    request_ids: Stream,
    now: SimTime,
}

impl FrontEnd {
    fn serve(mut self, listener: &TcpListener) {
        for connection in listener.incoming().flatten() {
            self.converse(connection);
        }
    }

    /// One connection until it is closed. (botocore keeps one and calls one after another.)
    fn converse(&mut self, mut connection: TcpStream) {
        let mut decoder = RequestDecoder::new();
        let mut bytes = [0; 64 * 1024];
        let mut fresh = 0;
        loop {
            let request = match decoder.feed(&bytes[..fresh]) {
                Ok(request) => request,
                Err(error) => panic!("botocore's request: {error}"),
            };
            fresh = 0;
            let Some(request) = request else {
                match connection.read(&mut bytes) {
                    Ok(count) if count > 0 => fresh = count,
                    _ => return,
                }
                continue;
            };
            self.now += SimDuration::from_secs(1);
            let mut context = Context {
                region: "us-east-1",
                account_id: "111122223333",
                calendar: Calendar::starting_at(1_501_106_414).unwrap(),
                now: self.now,
                request_ids: &mut self.request_ids,
            };
            let response = answer(&request, &mut self.tables, &mut context);
            if connection.write_all(&response.encode()).is_err() {
                return;
            }
        }
    }
}

fn results() -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tables = Tables::new();
    tables.settling_time = SimDuration::from_secs(5);
    let front_end = FrontEnd { tables, request_ids: Seed::new(1).derive("request ids"), now: SimTime::ZERO };
    // Ends with the process: it waits for the next connection.
    std::thread::spawn(move || front_end.serve(&listener));
    let interpreter = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&interpreter)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/dynamodb_botocore.py"))
        .arg(url)
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot run {interpreter}: {error}; scripts/test installs what this test needs")
        });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn botocore_creates_puts_gets_queries_and_deletes() {
    let results = results();
    let table = &results["create"]["TableDescription"];
    assert_eq!(table["TableStatus"], "CREATING");
    assert_eq!(table["CreationDateTime"], "2017-07-26T22:00:15+00:00");
    let refused = |name: &str, class: &str, message: &str| {
        assert_eq!(results[name], json!({"class": class, "Code": class, "Message": message}), "{name}");
    };
    refused("create again", "ResourceInUseException", "Table already exists: Music");
    refused("too early", "ResourceNotFoundException", "Requested resource not found");
    let described = &results["describe"]["Table"];
    assert_eq!((&described["TableStatus"], &described["ItemCount"]), (&json!("ACTIVE"), &json!(0)));
    let throughput = json!({"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
    assert_eq!(described["ProvisionedThroughput"], throughput);
    assert_eq!(results["put"]["ConsumedCapacity"], json!({"TableName": "Music", "CapacityUnits": 1.0}));
    let item = json!({
        "pk": {"B": {"bytes": [255, 0]}},
        "sk": {"S": "😀ü"},
        "n": {"N": "-12.5"},
        "set": {"NS": ["3", "1"]},
        "bins": {"BS": [{"bytes": [97]}, {"bytes": [98]}]},
        "nested": {"M": {"list": {"L": [{"NULL": true}, {"BOOL": false}, {"S": ""}]}}},
    });
    assert_eq!(results["get"]["Item"], item);
    assert_eq!(results["absent"], json!({}));
    assert_eq!(results["query"]["Items"], json!([{"pk": {"B": {"bytes": [112]}}, "sk": {"S": "bb"}}]));
    assert_eq!(results["pages"], json!([["aa", "bb"], ["cc", "～"], ["😀"]]));
    let invalid = |name: &str, message: &str| {
        let expected = json!({"class": "ClientError", "Code": "ValidationException", "Message": message});
        assert_eq!(results[name], expected, "{name}");
    };
    invalid("bad value", "One or more parameter values were invalid: Type mismatch for key pk expected: B actual: N");
    invalid(
        "too long",
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 \
         bytes",
    );
    refused("no table", "ResourceNotFoundException", "Requested resource not found");
    assert_eq!(results["delete"]["TableDescription"]["TableStatus"], "DELETING");
    refused("gone", "ResourceNotFoundException", "Requested resource not found: Table: Music not found");
    assert_eq!(results["list"], json!({"TableNames": []}));
}

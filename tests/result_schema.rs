//! `result.json` keeps what `src/run/result.schema.json` promises, on runs that go well, that fail and that lose packets.

use boon::{Compiler, Schemas};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/run/result.schema.json");

/// A scenario whose expectation does not hold, with a raw packet and a step of the operator.
const FAILING: &str = r#"
region = "eu-central-1"
[vpc]
lab = { cidr = "10.0.0.0/16" }
[subnet]
one = { cidr = "10.0.1.0/24" }
[instance]
app = { subnet = "one" }
[[step]]
run = "aws ec2 describe-vpcs"
note = "The operator's."
[[step]]
on = "app"
send = "udp app:4000 -> 192.0.2.1:53"
expect.app = { via = "internet-gateway" }
"#;

#[test]
fn results_validate() {
    let scratch = tempfile::tempdir().unwrap();
    let failing = scratch.path().join("failing.toml");
    std::fs::write(&failing, FAILING).unwrap();
    for (scenario, exit_code) in [("tutorial", 0), (failing.to_str().unwrap(), 1)] {
        let result = run(scenario, &scratch.path().join("out"), exit_code);
        validate(&result).unwrap_or_else(|error| panic!("{scenario}: {error}"));
        assert_eq!(result["checks"]["failed"].as_u64().unwrap() > 0, exit_code == 1);
    }
}

/// The judge does judge: a result with one thing wrong is refused, whatever the thing.
#[test]
fn wrong_results_do_not() {
    let scratch = tempfile::tempdir().unwrap();
    let right = run("tutorial", scratch.path(), 0);
    let wrongs: [(&str, Value); 5] = [
        ("/schema", Value::from(2)),
        ("/complete", Value::Null),
        ("/packets/delivered", Value::from(-1)),
        ("/steps/0/hosts/0/routes", Value::from("none")),
        ("/latency/0/kind", Value::from("sideways")),
    ];
    for (pointer, wrong) in wrongs {
        let mut result = right.clone();
        *result.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer} in a result")) = wrong;
        assert!(validate(&result).is_err(), "a wrong {pointer} passes");
    }
    let mut result = right.clone();
    result.as_object_mut().unwrap().remove("checks");
    assert!(validate(&result).is_err(), "a result without checks passes");
}

/// Runs a scenario; what it prints with `--json` must be what it writes.
fn run(scenario: &str, out: &Path, exit_code: i32) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
        .args(["run", scenario, "--json", "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(exit_code), "{output:?}");
    let written = std::fs::read(out.join("result.json")).unwrap();
    assert!(written == output.stdout, "--json prints something else than result.json");
    serde_json::from_slice(&written).unwrap()
}

fn validate(result: &Value) -> Result<(), String> {
    let mut schemas = Schemas::new();
    let schema = Compiler::new().compile(SCHEMA, &mut schemas).unwrap();
    schemas.validate(result, schema).map_err(|error| error.to_string())
}

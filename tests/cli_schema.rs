//! The JSON Schema of scenario files: committed as generated, true of every scenario that ships, false of wrong ones.
//!
//! Needs `python3` (or what `VPCSIM_PYTHON` names) with jsonschema 4: `scripts/test` installs it.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Workplace;
use vpcsim::scenario::EMBEDDED;

const COMMITTED: &str = "scenarios/scenario.schema.json";

/// What judges: a schema and documents in, the first complaint about each (or null) out.
const JUDGE: &str = "\
import json, sys
from jsonschema import Draft7Validator
schema, documents = json.load(sys.stdin)
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
first = lambda errors: next((error.json_path + ': ' + error.message for error in errors), None)
json.dump([first(validator.iter_errors(document)) for document in documents], sys.stdout)
";

#[test]
fn the_committed_schema_is_the_generated_one() {
    let generated = Workplace::new().run(["schema"]).success().stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "make it anew: vpcsim schema > {COMMITTED}");
}

#[test]
fn every_shipped_scenario_is_valid() {
    let documents: Vec<Value> = EMBEDDED.iter().map(|(_, text)| document(text)).collect();
    for ((name, _), complaint) in EMBEDDED.iter().zip(judge(&documents)) {
        assert_eq!(complaint, Value::Null, "{name}");
    }
}

#[test]
fn a_new_scenario_is_valid() {
    let workplace = Workplace::new();
    workplace.run(["new", "mine"]).success();
    let text = fs::read_to_string(workplace.join("mine.toml")).unwrap();
    assert_eq!(judge(&[document(&text)]), [Value::Null]);
}

/// What the reader refuses for its shape, the schema refuses.
#[test]
fn wrong_scenarios_are_not_valid() {
    let head = "region = \"us-east-1\"\n";
    let wrong = [
        ("", "region"),
        ("region = \"us-east-9\"\n", "us-east-9"),
        ("region = \"us-east-1\"\nreigon = 1\n", "reigon"),
        ("region = \"us-east-1\"\nseed = \"one\"\n", "$.seed"),
        ("region = \"us-east-1\"\n[vpc]\nv = { cird = \"10.0.0.0/16\" }\n", "cird"),
        ("region = \"us-east-1\"\n[vpc]\nv = { cidr = \"10.0.0.0\" }\n", "$.vpc.v.cidr"),
        ("region = \"us-east-1\"\n[vpc]\nv = { id = \"vpc-1\", cidr = \"10.0.0.0/16\" }\n", "$.vpc.v.id"),
        ("region = \"us-east-1\"\n[vpc]\n\"a b\" = { cidr = \"10.0.0.0/16\" }\n", "a b"),
        ("region = \"us-east-1\"\n[vpc]\nv = { cidr = \"10.0.0.0/16\" }\n[instance]\ni = {}\n", "subnet"),
        (
            "region = \"us-east-1\"\n[vpc]\nv = { cidr = \"10.0.0.0/16\" }\n[security_group]\ng = { ingress = [\"tcp 443\"] }\n",
            "ingress",
        ),
        ("region = \"us-east-1\"\n[links]\nnic = { loss = 2 }\n", "$.links.nic.loss"),
        ("region = \"us-east-1\"\n[[step]]\nwait = \"soon\"\n", "wait"),
        (
            "region = \"us-east-1\"\n[[step]]\nrun = \"aws ec2 describe-vpcs\"\nexpect.operator = { exit = 256 }\n",
            "exit",
        ),
        ("region = \"us-east-1\"\n[step]\nwait = \"1s\"\n", "$.step"),
    ];
    let documents: Vec<Value> = wrong.iter().map(|(text, _)| document(text)).chain([document(head)]).collect();
    let complaints = judge(&documents);
    for ((text, about), complaint) in wrong.iter().zip(&complaints) {
        assert!(complaint.as_str().is_some_and(|complaint| complaint.contains(about)), "{text}: {complaint}");
        assert!(vpcsim::scenario::parse("wrong.toml", text, None).is_err(), "the reader takes {text}");
    }
    assert_eq!(complaints.last(), Some(&Value::Null), "what is right passes");
}

/// Every key is described, so that an editor has something to show.
#[test]
fn every_property_has_a_description() {
    fn walk(schema: &Value, path: &str, count: &mut usize) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, property) in properties {
                *count += 1;
                assert!(property["description"].as_str().is_some_and(|text| text.len() > 3), "{path}.{name}");
                walk(property, &format!("{path}.{name}"), count);
            }
        }
        for below in [&schema["items"], &schema["additionalProperties"]].into_iter().filter(|below| below.is_object()) {
            walk(below, path, count);
        }
        for branch in schema["anyOf"].as_array().into_iter().flatten() {
            walk(branch, path, count);
        }
    }
    let mut count = 0;
    walk(&vpcsim::scenario::schema::json_schema(), "", &mut count);
    assert!(count > 110, "{count}");
}

/// A scenario as editors hand it to a schema: TOML's dates are texts.
fn document(text: &str) -> Value {
    fn json_of(value: &toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => json!(date.to_string()),
            toml::Value::Array(values) => values.iter().map(json_of).collect(),
            toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    json_of(&toml::Value::Table(toml::from_str(text).unwrap()))
}

fn judge(documents: &[Value]) -> Vec<Value> {
    let python = std::env::var("VPCSIM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}"));
    let input = json!([vpcsim::scenario::schema::json_schema(), documents]).to_string();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{python} with jsonschema is needed: see scripts/test");
    serde_json::from_slice(&output.stdout).unwrap()
}

//! `result.schema.json` is what the result's types say: made from them, compared with them.

use super::result::{RunResult, SCHEMA};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The schema of what [`RunResult`] serializes to.
fn generated() -> String {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<RunResult>();
    let mut schema = schema.to_value();
    schema["title"] = json!(format!("result.json of vpcsim, schema {SCHEMA}"));
    schema["properties"]["schema"]["const"] = json!(SCHEMA);
    remove_formats(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// `format: uint64` and its like say how Rust keeps a number. JSON's readers have no use for it, and strict validators refuse it.
fn remove_formats(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("format").is_some_and(Value::is_string) {
                members.shift_remove("format");
            }
            members.values_mut().for_each(remove_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_formats),
        _ => {}
    }
}

fn committed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/run/result.schema.json")
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let text = std::fs::read_to_string(committed()).unwrap();
    assert!(
        text == generated(),
        "src/run/result.schema.json is stale: run scripts/make-schema and look at the difference"
    );
}

#[test]
#[ignore = "writes src/run/result.schema.json: scripts/make-schema"]
fn write_the_schema() {
    std::fs::write(committed(), generated()).unwrap();
}

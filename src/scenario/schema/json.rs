//! Shapes as JSON Schema, draft 7: what editors of TOML understand.

use super::super::regions;
use super::{Key, Shape, Value};
use serde_json::{Map, Value as Json, json};

/// What a name of the user's choice looks like.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$";

/// The schema of files of the shape `root`.
pub(super) fn schema(root: &'static Shape) -> Json {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!("vpcsim scenario"));
    schema.extend(table(root));
    // The line by which an editor finds this schema is a comment, but some tools write it as a key.
    Json::Object(schema)
}

fn table(shape: &'static Shape) -> Map<String, Json> {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(shape.doc));
    schema.insert("type".to_owned(), json!("object"));
    if let Some(named) = shape.named {
        if shape.plain_names {
            schema.insert("propertyNames".to_owned(), json!({ "pattern": NAME }));
        }
        schema.insert("additionalProperties".to_owned(), Json::Object(table(named)));
        return schema;
    }
    let properties: Map<String, Json> = shape.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    schema.insert("properties".to_owned(), Json::Object(properties));
    let required: Vec<&str> = shape.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn property(key: &Key) -> Json {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(key.doc));
    for (name, part) in value(&key.value) {
        // The key's own words say more than those of the table below it.
        schema.entry(name).or_insert(part);
    }
    if let Some(default) = default(key) {
        schema.insert("default".to_owned(), default);
    }
    Json::Object(schema)
}

/// The default as JSON. Dates stay texts, as editors see them.
fn default(key: &Key) -> Option<Json> {
    if key.default.is_empty() {
        return None;
    }
    let parsed: toml::Table = toml::from_str(&format!("x = {}\n", key.default)).ok()?;
    match parsed.get("x")? {
        toml::Value::Datetime(date) => Some(json!(date.to_string())),
        other => serde_json::to_value(other).ok(),
    }
}

fn value(value: &Value) -> Map<String, Json> {
    let schema = match value {
        Value::Text => json!({ "type": "string" }),
        Value::Pattern(pattern, examples) => json!({ "type": "string", "pattern": pattern, "examples": examples }),
        Value::Word(words) => json!({ "type": "string", "enum": words }),
        Value::Region => json!({ "type": "string", "enum": regions::names().collect::<Vec<_>>() }),
        Value::Reference => json!({ "type": "string", "minLength": 1 }),
        Value::Id(prefix) => {
            json!({ "type": "string", "pattern": format!("^{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})$") })
        }
        Value::Boolean => json!({ "type": "boolean" }),
        // JSON's numbers are floats: an upper bound beyond them is none.
        Value::Integer(from, u64::MAX) => json!({ "type": "integer", "minimum": from }),
        Value::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Value::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Value::Amount => json!({ "type": "number", "minimum": 0, "maximum": 1_000_000 }),
        Value::Date => json!({ "type": "string", "format": "date-time" }),
        Value::Either(one, other) => {
            json!({ "anyOf": [Json::Object(self::value(one)), Json::Object(self::value(other))] })
        }
        Value::List(item) => json!({ "type": "array", "items": Json::Object(self::value(item)) }),
        Value::Table(shape) => Json::Object(table(shape)),
        Value::Tables(shape) => json!({ "type": "array", "items": Json::Object(table(shape)) }),
    };
    match schema {
        Json::Object(schema) => schema,
        // Invariant: every arm makes an object.
        _ => Map::new(),
    }
}

//! `--output text`: tab-separated lines, each begun by the name of the list it comes from.
//!
//! Source: AWS CLI user guide, "Text output format"; line by line as the CLI's own formatter, with which `tests/api_botocore.rs`
//! compares.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The lines of a document.
pub(super) fn format(document: &Value) -> String {
    let mut text = String::new();
    item(document, None, None, &mut text);
    text
}

/// A scalar as Python's `str` shows it.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn item(value: &Value, identifier: Option<&str>, scalar_keys: Option<&BTreeSet<&str>>, text: &mut String) {
    match value {
        Value::Object(fields) => structure(fields, identifier, scalar_keys, text),
        Value::Array(elements) => list(elements, identifier, text),
        other => line(&[scalar(other)], text),
    }
}

fn line(words: &[String], text: &mut String) {
    text.push_str(&words.join("\t"));
    text.push('\n');
}

fn list(elements: &[Value], identifier: Option<&str>, text: &mut String) {
    if elements.iter().any(Value::is_object) {
        let fields = elements.iter().filter_map(Value::as_object).flatten();
        let keys: BTreeSet<&str> = fields.filter(|(_, value)| is_scalar(value)).map(|(key, _)| key.as_str()).collect();
        for element in elements {
            item(element, identifier, Some(&keys), text);
        }
        return;
    }
    let (scalars, others): (Vec<&Value>, Vec<&Value>) = elements.iter().partition(|element| is_scalar(element));
    match identifier {
        _ if scalars.is_empty() => {}
        Some(identifier) => {
            for element in scalars {
                line(&[identifier.to_uppercase(), scalar(element)], text);
            }
        }
        None => line(&scalars.into_iter().map(scalar).collect::<Vec<_>>(), text),
    }
    for element in others {
        item(element, identifier, None, text);
    }
}

/// Among the elements of a list the columns are the same for all: those of `scalar_keys`.
fn structure(
    fields: &Map<String, Value>,
    identifier: Option<&str>,
    scalar_keys: Option<&BTreeSet<&str>>,
    text: &mut String,
) {
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort();
    let is_column =
        |name: &str, value: &Value| scalar_keys.map_or_else(|| is_scalar(value), |keys| keys.contains(name));
    let mut words: Vec<String> = match scalar_keys {
        Some(keys) => keys.iter().map(|key| fields.get(*key).map(scalar).unwrap_or_default()).collect(),
        None => {
            names.iter().filter(|name| is_column(name, &fields[**name])).map(|name| scalar(&fields[*name])).collect()
        }
    };
    if !words.is_empty() {
        if let Some(identifier) = identifier {
            words.insert(0, identifier.to_uppercase());
        }
        line(&words, text);
    }
    for name in names.into_iter().filter(|name| !is_column(name, &fields[*name])) {
        item(&fields[name], Some(name), None, text);
    }
}

//! JMESPath's built-in functions.
//!
//! Arguments are checked against a signature first, as Python's jmespath does, in its words.
//! Source: jmespath.org/specification.html, "Built-in functions".

use super::{Operand, equal, evaluate, order};
use jmespath::ast::Ast;
use serde_json::{Map, Value, json};

/// What an argument may be: types as messages show them; `array-number` is an array of numbers. Empty takes anything but an expression.
type Types = &'static [&'static str];

/// Name, arguments, and whether the last may be repeated.
const SIGNATURES: [(&str, &[Types], bool); 26] = [
    ("abs", &[&["number"]], false),
    ("avg", &[&["array-number"]], false),
    ("ceil", &[&["number"]], false),
    ("contains", &[&["array", "string"], &[]], false),
    ("ends_with", &[&["string"], &["string"]], false),
    ("floor", &[&["number"]], false),
    ("join", &[&["string"], &["array-string"]], false),
    ("keys", &[&["object"]], false),
    ("length", &[&["string", "array", "object"]], false),
    ("map", &[&["expref"], &["array"]], false),
    ("max", &[&["array-number", "array-string"]], false),
    ("max_by", &[&["array"], &["expref"]], false),
    ("merge", &[&["object"]], true),
    ("min", &[&["array-number", "array-string"]], false),
    ("min_by", &[&["array"], &["expref"]], false),
    ("not_null", &[&[]], true),
    ("reverse", &[&["array", "string"]], false),
    ("sort", &[&["array-string", "array-number"]], false),
    ("sort_by", &[&["array"], &["expref"]], false),
    ("starts_with", &[&["string"], &["string"]], false),
    ("sum", &[&["array-number"]], false),
    ("to_array", &[&[]], false),
    ("to_number", &[&[]], false),
    ("to_string", &[&[]], false),
    ("type", &[&[]], false),
    ("values", &[&["object"]], false),
];

/// Calls the function called `name`.
pub(super) fn call(name: &str, arguments: Vec<Operand<'_>>) -> Result<Value, String> {
    let Some((_, signature, is_variadic)) = SIGNATURES.iter().find(|(known, ..)| *known == name) else {
        return Err(format!("Unknown function: {name}()"));
    };
    let (wanted, given) = (signature.len(), arguments.len());
    if given < wanted || (given > wanted && !is_variadic) {
        let at_least = if *is_variadic { "at least " } else { "" };
        let plural = if wanted == 1 { "" } else { "s" };
        return Err(format!("Expected {at_least}{wanted} argument{plural} for function {name}(), received {given}"));
    }
    let last = signature.last().copied().unwrap_or_default();
    for (position, argument) in arguments.iter().enumerate() {
        check(name, argument, signature.get(position).copied().unwrap_or(last))?;
    }
    let (mut values, mut expression) = (Vec::new(), None);
    for argument in arguments {
        match argument {
            Operand::Value(value) => values.push(value),
            Operand::Expression(ast) => expression = Some(ast),
        }
    }
    match expression {
        Some(ast) => with_expression(name, values.pop().unwrap_or_default(), ast),
        None => Ok(plain(name, values)),
    }
}

fn check(function: &str, argument: &Operand<'_>, types: Types) -> Result<(), String> {
    let (kind, value) = match argument {
        Operand::Expression(_) => ("expref", &Value::Null),
        Operand::Value(value) => (type_of(value), value),
    };
    let fits = |wanted: &&str| match wanted.strip_prefix("array-") {
        Some(element) => value.as_array().is_some_and(|elements| elements.iter().all(|e| type_of(e) == element)),
        None => kind == *wanted,
    };
    if (types.is_empty() && kind != "expref") || types.iter().any(fits) {
        return Ok(());
    }
    // Of an array the element that does not fit is named.
    let culprit = value.as_array().filter(|_| types.iter().any(|wanted| wanted.starts_with("array-")));
    let culprit = culprit.and_then(|elements| {
        elements.iter().find(|element| !types.iter().any(|wanted| wanted.ends_with(type_of(element))))
    });
    Err(wrong_type(function, culprit.unwrap_or(value), culprit.map_or(kind, type_of), types))
}

fn wrong_type(function: &str, value: &Value, kind: &str, types: &[&str]) -> String {
    let types: Vec<String> = types.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "In function {function}(), invalid type for value: {}, expected one of: [{}], received: \"{kind}\"",
        super::super::text::scalar(value),
        types.join(", ")
    )
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The functions that apply an expression to the elements of an array.
fn with_expression(name: &str, array: Value, ast: &Ast) -> Result<Value, String> {
    let Value::Array(elements) = array else { return Ok(Value::Null) };
    let keys: Vec<Value> = elements.iter().map(|element| evaluate(ast, element)).collect::<Result<_, _>>()?;
    if name == "map" {
        return Ok(Value::Array(keys));
    }
    let first = keys.first().map_or("string", type_of);
    let allowed = ["string", "number"];
    if let Some(key) = keys.iter().find(|key| !allowed.contains(&type_of(key)) || type_of(key) != first) {
        return Err(wrong_type(name, key, type_of(key), &allowed));
    }
    let mut pairs: Vec<(Value, Value)> = keys.into_iter().zip(elements).collect();
    let element = |pair: (Value, Value)| pair.1;
    Ok(match name {
        "sort_by" => {
            pairs.sort_by(|a, b| order(&a.0, &b.0));
            pairs.into_iter().map(element).collect()
        }
        // Of equals the first, as in Python.
        "max_by" => pairs.into_iter().rev().max_by(|a, b| order(&a.0, &b.0)).map(element).unwrap_or_default(),
        _ => pairs.into_iter().min_by(|a, b| order(&a.0, &b.0)).map(element).unwrap_or_default(),
    })
}

/// The functions of values. Their arguments fit the signature.
fn plain(name: &str, mut arguments: Vec<Value>) -> Value {
    let second = if arguments.len() > 1 { arguments.get(1).cloned() } else { None };
    if name == "not_null" {
        return arguments.into_iter().find(|value| !value.is_null()).unwrap_or_default();
    }
    if name == "merge" {
        let mut merged = Map::new();
        for fields in arguments.iter().filter_map(Value::as_object) {
            merged.extend(fields.clone());
        }
        return Value::Object(merged);
    }
    let first = if arguments.is_empty() { Value::Null } else { arguments.swap_remove(0) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (name, first) {
        ("abs", Value::Number(number)) => match number.as_i64() {
            Some(whole) => json!(whole.saturating_abs()),
            None => json!(number.as_f64().map(f64::abs)),
        },
        ("ceil", Value::Number(number)) => rounded(&number, f64::ceil),
        ("floor", Value::Number(number)) => rounded(&number, f64::floor),
        ("avg", Value::Array(elements)) if elements.is_empty() => Value::Null,
        ("avg", Value::Array(elements)) => {
            json!(elements.iter().filter_map(Value::as_f64).sum::<f64>() / elements.len() as f64)
        }
        ("sum", Value::Array(elements)) => {
            let whole: Option<i64> = elements.iter().try_fold(0i64, |sum, element| sum.checked_add(element.as_i64()?));
            whole.map_or_else(|| json!(elements.iter().filter_map(Value::as_f64).sum::<f64>()), |sum| json!(sum))
        }
        ("contains", Value::Array(elements)) => {
            let wanted = second.unwrap_or_default();
            json!(elements.iter().any(|element| equal(element, &wanted)))
        }
        // What is no text is in no text. (Python's raises.)
        ("contains", Value::String(whole)) => {
            json!(second.as_ref().and_then(Value::as_str).is_some_and(|part| whole.contains(part)))
        }
        ("starts_with", Value::String(whole)) => json!(whole.starts_with(&text(&second.unwrap_or_default()))),
        ("ends_with", Value::String(whole)) => json!(whole.ends_with(&text(&second.unwrap_or_default()))),
        ("join", Value::String(separator)) => {
            let parts = second.and_then(|parts| parts.as_array().cloned()).unwrap_or_default();
            json!(parts.iter().map(text).collect::<Vec<_>>().join(&separator))
        }
        ("keys", Value::Object(fields)) => fields.into_iter().map(|(key, _)| Value::from(key)).collect(),
        ("values", Value::Object(fields)) => fields.into_iter().map(|(_, value)| value).collect(),
        ("length", Value::String(text)) => json!(text.chars().count()),
        ("length", Value::Array(elements)) => json!(elements.len()),
        ("length", Value::Object(fields)) => json!(fields.len()),
        ("max", Value::Array(elements)) => elements.into_iter().rev().max_by(order).unwrap_or_default(),
        ("min", Value::Array(elements)) => elements.into_iter().min_by(order).unwrap_or_default(),
        ("reverse", Value::String(text)) => json!(text.chars().rev().collect::<String>()),
        ("reverse", Value::Array(elements)) => elements.into_iter().rev().collect(),
        ("sort", Value::Array(mut elements)) => {
            elements.sort_by(order);
            Value::Array(elements)
        }
        ("to_array", array @ Value::Array(_)) => array,
        ("to_array", other) => json!([other]),
        ("to_string", text @ Value::String(_)) => text,
        ("to_string", other) => json!(other.to_string()),
        ("to_number", number @ Value::Number(_)) => number,
        ("to_number", Value::String(text)) => match (text.trim().parse::<i64>(), text.trim().parse::<f64>()) {
            (Ok(whole), _) => json!(whole),
            (_, Ok(fraction)) => json!(fraction),
            _ => Value::Null,
        },
        ("type", other) => json!(type_of(&other)),
        _ => Value::Null,
    }
}

fn rounded(number: &serde_json::Number, round: fn(f64) -> f64) -> Value {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => json!(whole),
        (None, Some(fraction)) => json!(round(fraction) as i64),
        (None, None) => Value::Null,
    }
}

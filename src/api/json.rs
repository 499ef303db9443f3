//! DynamoDB's JSON 1.0 protocol, seen from the client: request bodies, answers and errors.
//!
//! Source: botocore's `json` protocol. The service side builds its answers itself (`service`).

use super::error::{ApiError, DocumentError};
use super::model::{Service, Shape, Structure};
use super::query::{elements_of, members_of, scalar_text};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// The `X-Amz-Target` of an operation, `DynamoDB_20120810.ListTables`.
pub fn target(service: Service, operation: &str) -> String {
    format!("{}.{operation}", service.model().metadata.target_prefix.as_deref().unwrap_or_default())
}

/// The body that asks for `operation`, members in the document's order.
///
/// # Errors
/// A member is unknown or has another type than the model says.
pub fn encode_request(service: Service, operation: &str, document: &Value) -> Result<String, DocumentError> {
    structure(service, service.model().input(operation), document, "").map(|checked| python_dumps(&checked))
}

/// JSON as Python's `json.dumps` writes it by default, and so botocore: `", "` and `": "`, nothing but ASCII.
pub fn python_dumps(value: &Value) -> String {
    let mut bytes = Vec::new();
    // A Value has only string keys and writing to memory does not fail; and what is written is ASCII.
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Python));
    debug_assert!(written.is_ok(), "serialising a Value to memory");
    String::from_utf8(bytes).unwrap_or_default()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for letter in fragment.chars() {
            if letter.is_ascii() {
                writer.write_all(&[letter as u8])?;
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

fn structure(service: Service, shape: &Structure, value: &Value, path: &str) -> Result<Value, DocumentError> {
    let mut fields = Map::new();
    for (member, value) in members_of(shape, value, path)? {
        let path = if path.is_empty() { member.name.clone() } else { format!("{path}.{}", member.name) };
        fields.insert(member.name.clone(), checked(service, service.model().shape(&member.shape), value, &path)?);
    }
    Ok(Value::Object(fields))
}

fn checked(service: Service, shape: &Shape, value: &Value, path: &str) -> Result<Value, DocumentError> {
    match shape {
        Shape::Structure(inner) => structure(service, inner, value, path),
        Shape::List(list) => {
            let inner = service.model().shape(list.element());
            let values = elements_of(value, path)?.iter().enumerate();
            let values = values.map(|(index, value)| checked(service, inner, value, &format!("{path}[{index}]")));
            values.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Shape::Map(map) => {
            let inner = service.model().shape(map.element());
            let fields =
                value.as_object().ok_or_else(|| DocumentError::new(path, format!("expected a map, got {value}")))?;
            let fields = fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), checked(service, inner, value, &format!("{path}.{key}"))?)));
            fields.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        _ => scalar_text(shape, value, path).map(|_| value.clone()),
    }
}

/// The document in an answer to `operation`: the members the model knows, in its order; `None` if it is no JSON object.
pub fn decode_response(service: Service, operation: &str, body: &[u8]) -> Option<Value> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let fields = answer.as_object()?;
    let members = &service.model().output(operation).members;
    let known = members.iter().filter_map(|member| {
        fields.get(&member.name).filter(|value| !value.is_null()).map(|value| (member.name.clone(), value.clone()))
    });
    Some(Value::Object(known.collect()))
}

/// The error in an answer: the code is what follows `#` in `__type`; the message may begin with either case. An answer
/// that names none gets its status as code, as botocore does.
pub fn decode_error(status: u16, body: &[u8]) -> ApiError {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let code = text("__type").map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
    let message = text("message").or_else(|| text("Message")).unwrap_or_default().to_owned();
    ApiError { code: code.unwrap_or_else(|| status.to_string()), message, status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_written_as_botocore_does_and_checked() {
        let encode = |document| encode_request(Service::DynamoDb, "ListTables", &document);
        assert_eq!(encode(json!({})).unwrap(), "{}");
        let spaced = r#"{"Limit": 5, "ExclusiveStartTableName": "a\"\u00fc\ud83d\ude00"}"#;
        assert_eq!(encode(json!({"Limit": 5, "ExclusiveStartTableName": "a\"ü😀"})).unwrap(), spaced);
        assert_eq!(encode(json!({"Limit": "5"})).unwrap_err().to_string(), "Limit: expected an integer, got \"5\"");
        assert_eq!(target(Service::DynamoDb, "ListTables"), "DynamoDB_20120810.ListTables");
    }

    #[test]
    fn answers_keep_what_the_model_knows() {
        let decode = |body: &[u8]| decode_response(Service::DynamoDb, "ListTables", body);
        let answer = decode(br#"{"LastEvaluatedTableName":"a","X":1,"TableNames":["a"]}"#).unwrap();
        assert_eq!(answer.to_string(), r#"{"TableNames":["a"],"LastEvaluatedTableName":"a"}"#);
        assert_eq!(decode(b"busy"), None);
    }

    #[test]
    fn errors_in_both_dialects() {
        let own = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}"#;
        assert_eq!(decode_error(400, own).to_string(), "ResourceNotFoundException: gone");
        let framework = br#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
        assert_eq!(decode_error(400, framework).to_string(), "AccessDeniedException: no");
        assert_eq!(decode_error(502, b"<html>").to_string(), "502: ");
    }
}

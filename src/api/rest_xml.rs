//! S3's REST protocol, seen from the client: requests whose method, path, query and headers say what is asked, answers in headers and XML.
//!
//! Source: botocore's `rest-xml` serializer and parser. The service side reads requests itself (`service::s3`). A streaming body is not part of a document: the
//! caller hands it over, and gets it, beside it. Non-goals: what botocore adds besides (checksums, `encoding-type`; see `awscli`).

use super::error::{ApiError, DocumentError};
use super::model::{Location, Member, Service, ServiceModel, Shape};
use super::query::{elements_of, members_of, scalar, scalar_text, type_name};
use super::timestamp;
use super::xml::{Element, ResponseError, escape, read_structure};
use serde_json::{Map, Value};
use std::fmt::Write;
use time::format_description::well_known::Rfc2822;

/// A request without host, date and signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestRequest {
    /// `GET`.
    pub method: &'static str,
    /// The path without a bucket, `/a/b%20c`.
    pub path: String,
    /// Names and values, encoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers that the parameters became.
    pub headers: Vec<(String, String)>,
    /// The XML of the payload; empty if there is none.
    pub body: String,
}

/// The request that asks S3 for `operation`. `Bucket` is left out of the path: it may go into the host's name.
///
/// # Errors
/// The operation or a member is unknown, or a value has another type than the model says.
pub fn encode_request(operation: &str, document: &Value) -> Result<RestRequest, DocumentError> {
    let model = Service::S3.model();
    let known = model.operations.get(operation).and_then(|operation| operation.http.as_ref());
    let http = known.ok_or_else(|| DocumentError::new("", format!("{operation} is no operation of s3")))?;
    let (pattern, fixed) = http.request_uri.split_once('?').unwrap_or((&http.request_uri, ""));
    let fixed = fixed.split('&').filter(|pair| !pair.is_empty());
    let fixed = fixed.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut request = RestRequest {
        method: &http.method,
        path: "/".to_owned(),
        query: fixed.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        ..RestRequest::default()
    };
    let input = model.input(operation);
    for (member, value) in members_of(input, document, "")? {
        let shape = model.shape(&member.shape);
        match member.location {
            Some(Location::Uri) if pattern.contains(&format!("{{{}+}}", member.xml_name)) => {
                request.path.push_str(&percent_encode(&scalar_text(shape, value, &member.name)?, true));
            }
            // The bucket.
            Some(Location::Uri) => {}
            Some(Location::QueryString) => {
                for text in texts(model, shape, value, &member.name)? {
                    request.query.push((member.xml_name.clone(), percent_encode(&text, false)));
                }
            }
            Some(Location::Header) => {
                let text = match shape {
                    Shape::Timestamp => http_date(&scalar_text(shape, value, &member.name)?),
                    _ => texts(model, shape, value, &member.name)?.join(","),
                };
                request.headers.push((member.xml_name.clone(), text));
            }
            Some(Location::Headers) => {
                let fields = value.as_object();
                for (key, value) in fields.ok_or_else(|| DocumentError::new(&member.name, "expected a map"))? {
                    let text = value.as_str().ok_or_else(|| DocumentError::new(&member.name, "expected texts"))?;
                    request.headers.push((format!("{}{key}", member.xml_name), text.to_owned()));
                }
            }
            None if member.streaming => {}
            None => {
                if input.payload.as_ref() == Some(&member.name) {
                    element(model, member, &member.xml_name, shape, value, &member.name, &mut request.body)?;
                }
            }
        }
    }
    Ok(request)
}

/// A scalar, or the elements of a list of scalars.
fn texts(model: &ServiceModel, shape: &Shape, value: &Value, path: &str) -> Result<Vec<String>, DocumentError> {
    match shape {
        Shape::List(list) => {
            let inner = model.shape(list.element());
            elements_of(value, path)?.iter().map(|value| scalar_text(inner, value, path)).collect()
        }
        _ => Ok(vec![scalar_text(shape, value, path)?]),
    }
}

fn element(
    model: &ServiceModel,
    member: &Member,
    name: &str,
    shape: &Shape,
    value: &Value,
    path: &str,
    xml: &mut String,
) -> Result<(), DocumentError> {
    let namespace = member.xml_namespace.as_ref().map(|uri| format!(" xmlns=\"{uri}\"")).unwrap_or_default();
    let below = |inner: &str| format!("{path}.{inner}");
    match shape {
        Shape::List(list) if list.flattened => {
            for value in elements_of(value, path)? {
                element(model, member, name, model.shape(list.element()), value, path, xml)?;
            }
            return Ok(());
        }
        _ => xml.push_str(&format!("<{name}{namespace}>")),
    }
    match shape {
        Shape::Structure(structure) => {
            for (inner, value) in members_of(structure, value, path)? {
                let inner_path = below(&inner.name);
                element(model, inner, &inner.xml_name, model.shape(&inner.shape), value, &inner_path, xml)?;
            }
        }
        Shape::List(list) => {
            for value in elements_of(value, path)? {
                element(model, member, list.xml_name(), model.shape(list.element()), value, path, xml)?;
            }
        }
        _ => xml.push_str(&escape(&scalar_text(shape, value, path)?)),
    }
    xml.push_str(&format!("</{name}>"));
    Ok(())
}

/// Percent-encodes all but RFC 3986's unreserved characters, and slashes of a key.
pub fn percent_encode(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slashes && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The other way, with `+` for blanks: keys in an answer of `encoding-type=url`. What is no escape stays.
pub fn percent_decode(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let (input, mut at) = (text.as_bytes(), 0);
    let mut bytes = Vec::with_capacity(input.len());
    while let Some(&byte) = input.get(at) {
        match (byte, digit(input.get(at + 1)), digit(input.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `Wed, 26 Jul 2017 22:00:14 GMT`, as headers have dates; what is no date stays as it is.
fn http_date(text: &str) -> String {
    let form = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = timestamp::parse(text).map(|date| date.to_offset(time::UtcOffset::UTC));
    date.and_then(|date| date.format(form).ok()).unwrap_or_else(|| text.to_owned())
}

/// The document in S3's answer to `operation`; a streaming body is left out.
///
/// # Errors
/// The body is not XML, or a value has the wrong type.
pub fn decode_response(operation: &str, headers: &[(String, String)], body: &[u8]) -> Result<Value, ResponseError> {
    let model = Service::S3.model();
    let output = model.output(operation);
    let streams = output.members.iter().any(|member| member.streaming);
    let in_body = output.members.iter().any(|member| member.location.is_none() && !member.streaming);
    let text = String::from_utf8_lossy(body);
    let mut from_body = match in_body && !streams && !text.trim().is_empty() {
        true => read_structure(model, output, &Element::parse(&text)?)?,
        false => Value::Object(Map::new()),
    };
    let mut document = Map::new();
    for member in &output.members {
        match member.location {
            Some(Location::Header) => {
                let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&member.xml_name));
                if let Some((_, text)) = found {
                    document
                        .insert(member.name.clone(), header_value(model.shape(&member.shape), &member.xml_name, text)?);
                }
            }
            Some(Location::Headers) => {
                let prefix = member.xml_name.to_ascii_lowercase();
                let found = headers.iter().filter_map(|(name, value)| {
                    // The rest keeps its letters' case, as botocore has it.
                    let rest = name.get(prefix.len()..)?;
                    let begins = name.to_ascii_lowercase().starts_with(&prefix);
                    begins.then(|| (rest.to_owned(), Value::from(value.as_str())))
                });
                let fields: Map<String, Value> = found.collect();
                document.insert(member.name.clone(), Value::Object(fields));
            }
            _ => {
                if let Some(value) = from_body.as_object_mut().and_then(|fields| fields.remove(&member.name)) {
                    document.insert(member.name.clone(), value);
                }
            }
        }
    }
    Ok(Value::Object(document))
}

fn header_value(shape: &Shape, name: &str, text: &str) -> Result<Value, ResponseError> {
    let wrong = || ResponseError::Type { element: name.to_owned(), text: text.to_owned(), expected: type_name(shape) };
    match shape {
        // `GMT` is what HTTP says for RFC 2822's +0000.
        Shape::Timestamp => time::OffsetDateTime::parse(text, &Rfc2822)
            .map(|date| Value::from(timestamp::request(date)))
            .map_err(|_| wrong()),
        Shape::List(_) => Ok(text.split(',').map(|part| Value::from(part.trim())).collect()),
        _ => scalar(shape, text).ok_or_else(wrong),
    }
}

/// The error in S3's answer: code, sentence, and the elements that only some errors have (`Region`, `Endpoint`). HEAD's answers have no body, and botocore
/// takes the status and its phrase then.
pub fn decode_error(status: u16, reason: &str, body: &[u8]) -> (ApiError, Map<String, Value>) {
    let root = Element::parse(&String::from_utf8_lossy(body)).ok().filter(|root| root.name == "Error");
    let Some(root) = root else {
        return (ApiError { code: status.to_string(), message: reason.to_owned(), status }, Map::new());
    };
    let text = |name: &str| root.child(name).map(|child| child.text.clone()).unwrap_or_default();
    let details = root.children.iter().map(|child| (child.name.clone(), Value::from(child.text.as_str())));
    (ApiError { code: text("Code"), message: text("Message"), status }, details.collect())
}

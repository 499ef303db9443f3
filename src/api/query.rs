//! EC2's Query protocol, the request side: a form body from a document and back.
//!
//! `Action=CreateVpcEndpoint&Version=2016-11-15&VpcId=vpc-1&RouteTableId.1=rtb-1`: structures nest by dots, lists are
//! numbered from 1, an empty list or structure leaves nothing; parameters follow the document's order. Source: EC2 API Reference, "Query requests"; botocore's
//! `ec2` serializer.
//!
//! Decoding checks what EC2's front end checks: known action, known parameters, types, required parameters. Enumerations
//! are not enforced here: the operation refuses a value it does not know with its own sentence.

use super::base64;
use super::error::{ApiError, DocumentError};
use super::model::{List, Member, Service, ServiceModel, Shape, Structure};
use super::timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The API version spoken.
pub const VERSION: &str = "2016-11-15";
/// The content type of a request.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// Most parameters a request may have.
pub const PARAMETERS_MAX: usize = 10_000;
/// Most levels a parameter's name may have (`A.1.B.1` has four); the model's deepest has fewer.
pub const LEVELS_MAX: usize = 16;

/// The form body that asks for `operation` with the parameters in `document`.
///
/// # Errors
/// The operation or a member is unknown, or a value has another type than the model says.
pub fn encode_request(operation: &str, document: &Value) -> Result<String, DocumentError> {
    let model = Service::Ec2.model();
    if !model.operations.contains_key(operation) {
        return Err(DocumentError::new("", format!("{operation} is no operation of ec2")));
    }
    let mut encoder = Encoder { model, body: format!("Action={operation}&Version={VERSION}") };
    encoder.structure(model.input(operation), document, "", "")?;
    Ok(encoder.body)
}

/// The form body that asks STS for `operation`: the same form, of which the operations that vpcsim knows need no parameter.
///
/// # Errors
/// As [`encode_request`].
pub fn encode_sts_request(operation: &str, document: &Value) -> Result<String, DocumentError> {
    let model = Service::Sts.model();
    let body = format!("Action={operation}&Version={}", model.metadata.api_version);
    let mut encoder = Encoder { model, body };
    encoder.structure(model.input(operation), document, "", "")?;
    Ok(encoder.body)
}

struct Encoder {
    model: &'static ServiceModel,
    body: String,
}

impl Encoder {
    fn structure(&mut self, shape: &Structure, value: &Value, key: &str, path: &str) -> Result<(), DocumentError> {
        for (member, value) in members_of(shape, value, path)? {
            let (key, path) = (below(key, &member.query_name), below(path, &member.name));
            self.value(self.model.shape(&member.shape), value, &key, &path)?;
        }
        Ok(())
    }

    fn value(&mut self, shape: &Shape, value: &Value, key: &str, path: &str) -> Result<(), DocumentError> {
        match shape {
            Shape::Structure(structure) => self.structure(structure, value, key, path),
            Shape::List(list) => {
                let element = self.model.shape(list.element());
                for (index, value) in elements_of(value, path)?.iter().enumerate() {
                    self.value(element, value, &below(key, &(index + 1).to_string()), &format!("{path}[{index}]"))?;
                }
                Ok(())
            }
            Shape::Timestamp => {
                let date = scalar_text(shape, value, path)?;
                let date = timestamp::parse(&date).ok_or_else(|| DocumentError::new(path, "is no timestamp"))?;
                self.pair(key, &timestamp::request(date));
                Ok(())
            }
            _ => {
                let text = scalar_text(shape, value, path)?;
                self.pair(key, &text);
                Ok(())
            }
        }
    }

    fn pair(&mut self, key: &str, text: &str) {
        self.body.push('&');
        percent_encode(key, &mut self.body);
        self.body.push('=');
        percent_encode(text, &mut self.body);
    }
}

/// The members of `value` with what the model says of them, in the document's order, which is botocore's for requests.
pub(super) fn members_of<'a>(
    shape: &'a Structure,
    value: &'a Value,
    path: &str,
) -> Result<Vec<(&'a Member, &'a Value)>, DocumentError> {
    let fields = value.as_object().ok_or_else(|| wrong_type(path, "a structure", value))?;
    let known =
        |name: &String| shape.member(name).ok_or_else(|| DocumentError::new(&below(path, name), "is not in the model"));
    fields.iter().map(|(name, value)| Ok((known(name)?, value))).collect()
}

pub(super) fn elements_of<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], DocumentError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type(path, "a list", value))
}

/// The text of a scalar as both directions of the protocol write it.
pub(super) fn scalar_text(shape: &Shape, value: &Value, path: &str) -> Result<String, DocumentError> {
    match (shape, value) {
        (Shape::Integer(_), Value::Number(number)) if fits_integer(number) => Ok(number.to_string()),
        (Shape::Long(_), Value::Number(number)) if number.is_i64() => Ok(number.to_string()),
        (Shape::Double, Value::Number(number)) => Ok(number.to_string()),
        (Shape::Boolean, Value::Bool(flag)) => Ok(flag.to_string()),
        (Shape::String(_) | Shape::Timestamp, Value::String(text)) => Ok(text.clone()),
        (Shape::Blob, Value::String(text)) if base64::decode(text).is_some() => Ok(text.clone()),
        _ => Err(wrong_type(path, type_name(shape), value)),
    }
}

fn fits_integer(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

pub(super) fn type_name(shape: &Shape) -> &'static str {
    match shape {
        Shape::Structure(_) => "a structure",
        Shape::List(_) => "a list",
        Shape::Map(_) => "a map",
        Shape::Double => "a number",
        Shape::String(_) => "a string",
        Shape::Integer(_) => "an integer",
        Shape::Long(_) => "a long integer",
        Shape::Boolean => "a boolean",
        Shape::Timestamp => "a timestamp",
        Shape::Blob => "base64 text",
    }
}

fn wrong_type(path: &str, expected: &str, got: &Value) -> DocumentError {
    DocumentError::new(path, format!("expected {expected}, got {got}"))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Encodes as `application/x-www-form-urlencoded` does in Python's urlencode: a space becomes `+`.
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => into.push(char::from(byte)),
            b' ' => into.push('+'),
            _ => {
                into.push('%');
                into.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
                into.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
            }
        }
    }
}

/// The operation and the document of a form body.
///
/// # Errors
/// EC2's own: MissingAction, InvalidAction, NoSuchVersion, UnknownParameter, MissingParameter, InvalidParameterValue,
/// MalformedQueryString (not a form, a parameter given twice, more than [`PARAMETERS_MAX`], deeper than [`LEVELS_MAX`]).
pub fn decode_request(body: &str) -> Result<(&'static str, Value), ApiError> {
    let mut root = Node::default();
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count == PARAMETERS_MAX {
            return Err(malformed(format!("The query string has more than {PARAMETERS_MAX} parameters")));
        }
        let (key, text) = pair.split_once('=').unwrap_or((pair, ""));
        root.insert(&percent_decode(key)?, percent_decode(text)?)?;
    }
    let action = root
        .take("Action")
        .ok_or_else(|| ApiError::new("MissingAction", "The request must contain the parameter Action"))?;
    let model = Service::Ec2.model();
    let (operation, _) = model.operations.get_key_value(&action).ok_or_else(|| ApiError::invalid_action(&action))?;
    match root.take("Version") {
        Some(version) if version != VERSION => {
            let message = format!("The requested version ({version}) of service AmazonEC2 does not exist");
            return Err(ApiError::new("NoSuchVersion", message));
        }
        _ => {}
    }
    let document = Decoder { model }.structure(model.input(operation), &root, "")?;
    Ok((operation, document))
}

/// Parameters as the tree their dotted names spell.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, key: &str, text: String) -> Result<(), ApiError> {
        if key.split('.').count() > LEVELS_MAX {
            return Err(malformed(format!("The parameter {key} nests deeper than {LEVELS_MAX} levels")));
        }
        let leaf = key.split('.').fold(self, |node, part| node.children.entry(part.to_owned()).or_default());
        match leaf.text.replace(text) {
            None => Ok(()),
            Some(_) => Err(malformed(format!("The parameter {key} is given more than once"))),
        }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        self.children.remove(key).and_then(|node| node.text)
    }
}

struct Decoder {
    model: &'static ServiceModel,
}

impl Decoder {
    fn structure(&self, shape: &Structure, node: &Node, key: &str) -> Result<Value, ApiError> {
        if node.text.is_some() {
            return Err(unknown(key));
        }
        let known = |name: &str| shape.members.iter().any(|member| member.query_name == name);
        if let Some(name) = node.children.keys().find(|name| !known(name)) {
            return Err(unknown(&below(key, name)));
        }
        let mut document = Map::new();
        for member in &shape.members {
            let key = below(key, &member.query_name);
            match node.children.get(&member.query_name) {
                Some(child) => {
                    let value = self.value(self.model.shape(&member.shape), child, &key)?;
                    document.insert(member.name.clone(), value);
                }
                None if shape.requires(member) => return Err(ApiError::missing_parameter(&key)),
                None => {}
            }
        }
        Ok(Value::Object(document))
    }

    fn value(&self, shape: &Shape, node: &Node, key: &str) -> Result<Value, ApiError> {
        match shape {
            Shape::Structure(structure) => return self.structure(structure, node, key),
            Shape::List(list) => return self.list(list, node, key),
            _ => {}
        }
        if let Some(name) = node.children.keys().next() {
            return Err(unknown(&below(key, name)));
        }
        let text = node.text.as_deref().ok_or_else(|| unknown(key))?;
        scalar(shape, text).ok_or_else(|| {
            let message = format!("Value ({text}) for parameter {key} is invalid. Expected {}.", type_name(shape));
            ApiError::new("InvalidParameterValue", message)
        })
    }

    fn list(&self, list: &List, node: &Node, key: &str) -> Result<Value, ApiError> {
        if node.text.is_some() {
            return Err(unknown(key));
        }
        let mut numbered = BTreeMap::new();
        for (name, child) in &node.children {
            // One notation per number: "01" would be a second "1".
            let number = name.parse::<u32>().ok().filter(|number| *number > 0 && number.to_string() == *name);
            numbered.insert(number.ok_or_else(|| unknown(&below(key, name)))?, child);
        }
        let element = self.model.shape(list.element());
        let values = numbered.iter().map(|(number, child)| self.value(element, child, &format!("{key}.{number}")));
        values.collect::<Result<Vec<_>, _>>().map(Value::Array)
    }
}

/// A scalar from its wire text; `None` if it is not of the type.
pub(super) fn scalar(shape: &Shape, text: &str) -> Option<Value> {
    match shape {
        Shape::Integer(_) => text.parse::<i32>().ok().map(Value::from),
        Shape::Long(_) => text.parse::<i64>().ok().map(Value::from),
        Shape::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Shape::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        Shape::String(_) => Some(Value::from(text)),
        Shape::Timestamp => timestamp::parse(text).map(|_| Value::from(text)),
        Shape::Blob => base64::decode(text).map(|_| Value::from(text)),
        Shape::Double => text.parse::<f64>().ok().map(Value::from),
        Shape::Structure(_) | Shape::List(_) | Shape::Map(_) | Shape::Boolean => None,
    }
}

fn percent_decode(text: &str) -> Result<String, ApiError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let value = digit(rest.next()).zip(digit(rest.next())).map(|(high, low)| (high << 4 | low) as u8);
                value.ok_or_else(|| malformed(format!("The query string contains a malformed escape: {text}")))?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed("The query string is not UTF-8".to_owned()))
}

fn malformed(message: String) -> ApiError {
    ApiError::new("MalformedQueryString", message)
}

fn unknown(key: &str) -> ApiError {
    ApiError::new("UnknownParameter", format!("The parameter {key} is not recognized"))
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn encodes_as_botocore_does() {
        let document = json!({
            "DryRun": true, "VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-east-1.dynamodb", "RouteTableIds": ["rtb-1", "rtb-2"],
            "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "a b&c/ü"}]}],
        });
        assert_eq!(
            encode_request("CreateVpcEndpoint", &document).unwrap(),
            "Action=CreateVpcEndpoint&Version=2016-11-15&DryRun=true&VpcId=vpc-1\
             &ServiceName=com.amazonaws.us-east-1.dynamodb&RouteTableId.1=rtb-1&RouteTableId.2=rtb-2\
             &TagSpecification.1.ResourceType=vpc-endpoint&TagSpecification.1.Tag.1.Key=Name\
             &TagSpecification.1.Tag.1.Value=a+b%26c%2F%C3%BC"
        );
    }

    #[test]
    fn encoding_refuses_what_the_model_does_not_know() {
        let refuse = |document| encode_request("CreateVpcEndpoint", &document).unwrap_err().to_string();
        assert_eq!(refuse(json!({"RouteTableId": []})), "RouteTableId: is not in the model");
        assert_eq!(refuse(json!({"RouteTableIds": [1]})), "RouteTableIds[0]: expected a string, got 1");
        assert_eq!(refuse(json!({"DryRun": "true"})), "DryRun: expected a boolean, got \"true\"");
        assert!(encode_request("Nothing", &json!({})).is_err());
    }

    #[test]
    fn decodes_filters_and_numbers() {
        let body = "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=isDefault&Filter.1.Value.2=b&Filter.1.Value.10=c\
                    &Filter.1.Value.1=true&MaxResults=5";
        let (operation, document) = decode_request(body).unwrap();
        assert_eq!(operation, "DescribeVpcs");
        let filters = json!([{"Name": "isDefault", "Values": ["true", "b", "c"]}]);
        assert_eq!(document, json!({"Filters": filters, "MaxResults": 5}));
    }

    #[test]
    fn refuses_as_ec2_does() {
        let code = |body: &str| decode_request(body).map_err(|error| (error.code.clone(), error.message.clone()));
        let refused = |body: &str| code(body).unwrap_err();
        let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
        assert_eq!(refused("").0, "MissingAction");
        assert_eq!(
            refused("Action=Fly&Version=2016-11-15"),
            pair("InvalidAction", "The action Fly is not valid for this web service.")
        );
        assert_eq!(
            refused("Action=CreateVpcEndpoint&ServiceName=x"),
            pair("MissingParameter", "The request must contain the parameter VpcId")
        );
        assert_eq!(
            refused("Action=DescribeVpcs&VpcIds.1=vpc-1"),
            pair("UnknownParameter", "The parameter VpcIds is not recognized")
        );
        assert_eq!(refused("Action=DescribeVpcs&Version=2010-01-01").0, "NoSuchVersion");
        assert_eq!(refused("Action=DescribeVpcs&MaxResults=many").0, "InvalidParameterValue");
        assert_eq!(refused("Action=DescribeVpcs&MaxResults=3000000000").0, "InvalidParameterValue");
        assert_eq!(refused("Action=DescribeVpcs&DryRun=yes").0, "InvalidParameterValue");
        for body in
            ["VpcId=vpc-1", "VpcId.0=a", "VpcId.01=a", "VpcId.-1=a", "VpcId.1.X=a", "DryRun.1=true", "Filter=x", ".=x"]
        {
            assert_eq!(refused(&format!("Action=DescribeVpcs&{body}")).0, "UnknownParameter", "{body}");
        }
        for body in ["DryRun=true&DryRun=true", "NextToken=%zz", "NextToken=%f", "NextToken=%ff"] {
            assert_eq!(refused(&format!("Action=DescribeVpcs&{body}")).0, "MalformedQueryString", "{body}");
        }
        assert!(refused(&"A.".repeat(LEVELS_MAX)).1.contains("deeper than 16"));
        assert!(refused(&"A&".repeat(PARAMETERS_MAX + 1)).0 == "MalformedQueryString");
        assert!(refused(&(0..=PARAMETERS_MAX).map(|i| format!("A{i}&")).collect::<String>()).1.contains("10000"));
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(seed: u64) {
            for operation in Service::Ec2.model().operations.keys() {
                let document = arbitrary::request(operation, seed);
                let body = encode_request(operation, &document).unwrap();
                let decoded = decode_request(&body);
                prop_assert_eq!(decoded, Ok((operation.as_str(), document)), "{}", body);
            }
        }

        #[test]
        fn decoding_is_total(body in "(Action=DescribeVpcs&)?[A-Za-z.0-9&=%+]{0,40}") {
            let _ = decode_request(&body);
        }
    }
}

//! EC2's Query protocol, the answer side: XML from a document and back, and errors.
//!
//! `<XResponse xmlns=".../doc/2016-11-15/"><requestId>..</requestId>..</XResponse>`, lists as `<fooSet><item>..</item></fooSet>`,
//! an operation without an answer of its own says `<return>true</return>`; one line without indentation, as EC2 writes
//! since 2025. Source: EC2 API Reference, "Making requests" and "Error responses"; botocore's `ec2` parser.
//!
//! Invariants: text goes out so that an XML 1.0 parser reads the same characters back (what XML cannot carry becomes
//! U+FFFD); reading ignores elements the model does not know, as botocore does, and is bounded in depth.

use super::error::{ApiError, DocumentError};
use super::model::{Service, ServiceModel, Shape, Structure};
use super::query::{elements_of, members_of, scalar, scalar_text, type_name};
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// The content type of an answer.
pub const CONTENT_TYPE: &str = "text/xml;charset=UTF-8";
/// Deepest nesting of an answer that is read; the model's deepest has fewer levels.
pub const LEVELS_MAX: usize = 64;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The XML that answers `operation` with `document`.
///
/// # Errors
/// The operation or a member is unknown, or a value has another type than the model says.
pub fn encode_response(operation: &str, document: &Value, request_id: &str) -> Result<String, DocumentError> {
    let model = Service::Ec2.model();
    let known = model.operations.get(operation);
    let known = known.ok_or_else(|| DocumentError::new("", format!("{operation} is no operation of ec2")))?;
    let namespace = format!("http://ec2.amazonaws.com/doc/{}/", model.metadata.api_version);
    let mut encoder = Encoder { model, xml: format!("{DECLARATION}<{operation}Response xmlns=\"{namespace}\">") };
    encoder.text("requestId", request_id);
    encoder.structure(model.output(operation), document, "")?;
    if known.output.is_none() {
        encoder.text("return", "true");
    }
    encoder.xml.push_str(&format!("</{operation}Response>"));
    Ok(encoder.xml)
}

/// The XML that reports `error`.
pub fn encode_error(error: &ApiError, request_id: &str) -> String {
    let (code, message, id) = (escape(&error.code), escape(&error.message), escape(request_id));
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>{id}</RequestID></Response>"
    )
}

struct Encoder {
    model: &'static ServiceModel,
    xml: String,
}

impl Encoder {
    fn structure(&mut self, shape: &Structure, value: &Value, path: &str) -> Result<(), DocumentError> {
        // The model's order: an answer's bytes do not depend on how control happened to build it.
        let mut members = members_of(shape, value, path)?;
        members.sort_by_key(|(member, _)| shape.members.iter().position(|known| known.name == member.name));
        for (member, value) in members {
            let path = if path.is_empty() { member.name.clone() } else { format!("{path}.{}", member.name) };
            self.element(&member.xml_name, self.model.shape(&member.shape), value, &path)?;
        }
        Ok(())
    }

    fn element(&mut self, name: &str, shape: &Shape, value: &Value, path: &str) -> Result<(), DocumentError> {
        let start = self.xml.len();
        self.xml.push_str(&format!("<{name}>"));
        let content = self.xml.len();
        match shape {
            Shape::Structure(structure) => self.structure(structure, value, path)?,
            Shape::List(list) => {
                let element = self.model.shape(list.element());
                for (index, value) in elements_of(value, path)?.iter().enumerate() {
                    self.element(list.xml_name(), element, value, &format!("{path}[{index}]"))?;
                }
            }
            _ => {
                let text = scalar_text(shape, value, path)?;
                self.xml.push_str(&escape(&text));
            }
        }
        if self.xml.len() == content {
            self.xml.truncate(start);
            self.xml.push_str(&format!("<{name}/>"));
        } else {
            self.xml.push_str(&format!("</{name}>"));
        }
        Ok(())
    }

    fn text(&mut self, name: &str, text: &str) {
        self.xml.push_str(&format!("<{name}>{}</{name}>", escape(text)));
    }
}

/// Escapes markup, carriage returns (a parser would read a line feed) and what XML 1.0 section 2.2 excludes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#xD;"),
            '\t' | '\n' => escaped.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Why an answer could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not well-formed XML, or an entity nobody declared.
    #[error("the answer is not well-formed XML: {0}")]
    Malformed(String),
    /// Deeper than [`LEVELS_MAX`].
    #[error("the answer nests deeper than {LEVELS_MAX} levels")]
    TooDeep,
    /// A value has another type than the model says.
    #[error("the answer's element {element} holds \"{text}\", expected {expected}")]
    Type {
        /// The element's name.
        element: String,
        /// What it holds.
        text: String,
        /// The model's type.
        expected: &'static str,
    },
}

/// The document in the XML answer to `operation`, members in the model's order.
///
/// # Errors
/// The answer is not XML, too deep, or a value has the wrong type.
pub fn decode_response(operation: &str, xml: &str) -> Result<Value, ResponseError> {
    let root = Element::parse(xml)?;
    let model = Service::Ec2.model();
    read_structure(model, model.output(operation), &root)
}

/// The error in an XML answer; `None` if it holds none.
pub fn decode_error(xml: &str, status: u16) -> Option<ApiError> {
    let root = Element::parse(xml).ok()?;
    let error = root.child("Errors")?.child("Error")?;
    let text = |name| error.child(name).map(|child| child.text.clone()).unwrap_or_default();
    Some(ApiError { code: text("Code"), message: text("Message"), status })
}

/// The document in STS's XML answer to `operation`: `<XResponse><XResult>...`.
///
/// # Errors
/// As [`decode_response`].
pub fn decode_sts_response(operation: &str, xml: &str) -> Result<Value, ResponseError> {
    let root = Element::parse(xml)?;
    let empty = Element::new("");
    let result = root.child(&format!("{operation}Result")).unwrap_or(&empty);
    let model = Service::Sts.model();
    read_structure(model, model.output(operation), result)
}

/// The error in STS's XML answer, `<ErrorResponse><Error>`; `None` if it holds none.
pub fn decode_sts_error(xml: &str, status: u16) -> Option<ApiError> {
    let root = Element::parse(xml).ok()?;
    let error = root.child("Error")?;
    let text = |name| error.child(name).map(|child| child.text.clone()).unwrap_or_default();
    Some(ApiError { code: text("Code"), message: text("Message"), status })
}

pub(super) fn read_structure(
    model: &ServiceModel,
    shape: &Structure,
    element: &Element,
) -> Result<Value, ResponseError> {
    let mut document = Map::new();
    for member in shape.members.iter().filter(|member| member.location.is_none()) {
        if let Shape::List(list) = model.shape(&member.shape)
            && list.flattened
        {
            let inner = model.shape(list.element());
            let repeated = element.children.iter().filter(|child| child.name == member.xml_name);
            let values = repeated.map(|child| read(model, inner, child)).collect::<Result<Vec<_>, _>>()?;
            if !values.is_empty() {
                document.insert(member.name.clone(), Value::Array(values));
            }
        } else if let Some(child) = element.child(&member.xml_name) {
            document.insert(member.name.clone(), read(model, model.shape(&member.shape), child)?);
        }
    }
    Ok(Value::Object(document))
}

fn read(model: &ServiceModel, shape: &Shape, element: &Element) -> Result<Value, ResponseError> {
    match shape {
        Shape::Structure(structure) => read_structure(model, structure, element),
        Shape::List(list) => {
            let inner = model.shape(list.element());
            let values = element.children.iter().map(|child| read(model, inner, child));
            values.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        _ => scalar(shape, &element.text).ok_or_else(|| ResponseError::Type {
            element: element.name.clone(),
            text: element.text.clone(),
            expected: type_name(shape),
        }),
    }
}

/// An XML element: no attributes, no mixed content, which is all that the services use.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    fn new(name: &str) -> Element {
        Element { name: name.to_owned(), text: String::new(), children: Vec::new() }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Reads a document; the element returned is its root.
    pub(super) fn parse(xml: &str) -> Result<Element, ResponseError> {
        let malformed = |error: &dyn std::fmt::Display| ResponseError::Malformed(error.to_string());
        let mut reader = quick_xml::Reader::from_str(xml);
        // The first stands for the document itself.
        let mut open = vec![Element::new("")];
        loop {
            // Never empty: an end tag without its start tag is an error of the reader.
            let Some(current) = open.last_mut() else { return Err(malformed(&"unbalanced tags")) };
            match reader.read_event().map_err(|error| malformed(&error))? {
                Event::Start(tag) => {
                    if open.len() > LEVELS_MAX {
                        return Err(ResponseError::TooDeep);
                    }
                    open.push(Element::new(tag.local_name().as_ref()));
                }
                Event::Empty(tag) => current.children.push(Element::new(tag.local_name().as_ref())),
                Event::End(_) => {
                    if let (Some(done), Some(parent)) = (open.pop(), open.last_mut()) {
                        parent.children.push(done);
                    }
                }
                Event::Text(text) => current.text.push_str(&text.xml10_content()),
                Event::CData(text) => current.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let letter = entity.resolve_char_ref().map_err(|error| malformed(&error))?;
                    match letter {
                        Some(letter) => current.text.push(letter),
                        None => {
                            let text = quick_xml::escape::resolve_xml_entity(&entity);
                            current.text.push_str(text.ok_or_else(|| malformed(&"unknown entity"))?);
                        }
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty()).ok_or_else(|| malformed(&"unclosed element"))?;
        document.children.pop().ok_or_else(|| malformed(&"no element"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn answers_look_like_ec2s() {
        let document = json!({"VpcEndpoint": {
            "State": "available", "VpcEndpointId": "vpce-9b15e2f2", "RouteTableIds": [], "PolicyDocument": "{\"a\":\"<&>\"}",
            "Groups": [{"GroupId": "sg-1"}], "PrivateDnsEnabled": false, "CreationTimestamp": "2017-07-26T22:00:14.000Z",
        }});
        assert_eq!(
            encode_response("CreateVpcEndpoint", &document, "id-1").unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <CreateVpcEndpointResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id-1</requestId>\
             <vpcEndpoint><vpcEndpointId>vpce-9b15e2f2</vpcEndpointId><state>available</state>\
             <policyDocument>{\"a\":\"&lt;&amp;&gt;\"}</policyDocument><routeTableIdSet/>\
             <groupSet><item><groupId>sg-1</groupId></item></groupSet><privateDnsEnabled>false</privateDnsEnabled>\
             <creationTimestamp>2017-07-26T22:00:14.000Z</creationTimestamp></vpcEndpoint></CreateVpcEndpointResponse>"
        );
    }

    #[test]
    fn an_operation_without_an_answer_says_so() {
        let xml = encode_response("ModifyInstanceAttribute", &json!({}), "id-1").unwrap();
        assert!(xml.contains("<requestId>id-1</requestId><return>true</return></ModifyInstanceAttributeResponse>"));
        assert_eq!(decode_response("ModifyInstanceAttribute", &xml), Ok(json!({})));
    }

    #[test]
    fn errors_travel() {
        let error = ApiError::new("InvalidVpcID.NotFound", "The vpc ID '<x>' does not exist");
        let xml = encode_error(&error, "id-1");
        assert!(xml.ends_with("</Errors><RequestID>id-1</RequestID></Response>"), "{xml}");
        assert_eq!(decode_error(&xml, 400), Some(error));
        assert_eq!(decode_error("<html>busy</html>", 503), None);
    }

    #[test]
    fn indented_answers_read_the_same() {
        let xml = "<?xml version='1.0'?>\n<DescribeVpcsResponse>\n  <vpcSet>\n    <item>\n      <vpcId>vpc-1</vpcId>\n      \
                   <isDefault>true</isDefault><new>1</new>\n    </item>\n  </vpcSet>\n</DescribeVpcsResponse>\n";
        let document = json!({"Vpcs": [{"IsDefault": true, "VpcId": "vpc-1"}]});
        assert_eq!(decode_response("DescribeVpcs", xml), Ok(document));
    }

    #[test]
    fn broken_answers_are_errors() {
        let read = |xml: &str| decode_response("DescribeVpcs", xml).unwrap_err();
        for xml in ["", "text", "<a>", "<a></b>", "</a>", "<a>&nope;</a>", "<a>&#xZ;</a>", "<a"] {
            assert!(matches!(read(xml), ResponseError::Malformed(_)), "{xml}");
        }
        assert_eq!(read(&"<a>".repeat(1000)), ResponseError::TooDeep);
        let wrong = read("<r><vpcSet><item><isDefault>maybe</isDefault></item></vpcSet></r>");
        assert_eq!(wrong.to_string(), "the answer's element isDefault holds \"maybe\", expected a boolean");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(seed: u64) {
            for operation in Service::Ec2.model().operations.keys() {
                let document = arbitrary::response(operation, seed);
                let xml = encode_response(operation, &document, "id").unwrap();
                prop_assert_eq!(decode_response(operation, &xml), Ok(document), "{}", xml);
            }
        }

        #[test]
        fn decoding_is_total(xml in "[<>/a&;#x1 \"=!\\-\\[\\]?]{0,40}") {
            let _ = decode_response("DescribeVpcs", &xml);
        }

        #[test]
        fn any_text_becomes_well_formed(message: String) {
            let xml = encode_error(&ApiError::new("X", message), "id");
            prop_assert!(decode_error(&xml, 400).is_some());
        }
    }
}

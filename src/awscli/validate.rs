//! Checking parameters against the model before anything is sent, with botocore's sentences.
//!
//! Types, required members, unknown members and least values are checked; greatest values and enumerations are the
//! service's business, as in botocore.

use crate::api::model::{ServiceModel, Shape, Structure};
use crate::api::{base64, timestamp};
use serde_json::Value;

/// Everything wrong with `parameters`, a sentence each; empty if nothing is.
pub(super) fn complaints(model: &ServiceModel, shape: &Structure, parameters: &Value) -> Vec<String> {
    let mut validator = Validator { model, complaints: Vec::new() };
    validator.structure(shape, parameters, "");
    validator.complaints
}

struct Validator<'a> {
    model: &'a ServiceModel,
    complaints: Vec<String>,
}

impl Validator<'_> {
    fn structure(&mut self, shape: &Structure, value: &Value, path: &str) {
        let Some(fields) = value.as_object() else { return self.wrong_type(path, value, "<class 'dict'>") };
        for name in shape.required.iter().filter(|name| !fields.contains_key(*name)) {
            self.complaints.push(format!("Missing required parameter in {}: \"{name}\"", named(path)));
        }
        for name in fields.keys().filter(|name| shape.member(name).is_none()) {
            let known: Vec<&str> = shape.members.iter().map(|member| member.name.as_str()).collect();
            let message =
                format!("Unknown parameter in {}: \"{name}\", must be one of: {}", named(path), known.join(", "));
            self.complaints.push(message);
        }
        for member in &shape.members {
            if let Some(value) = fields.get(&member.name) {
                let path = if path.is_empty() { member.name.clone() } else { format!("{path}.{}", member.name) };
                self.value(self.model.shape(&member.shape), value, &path);
            }
        }
    }

    fn value(&mut self, shape: &Shape, value: &Value, path: &str) {
        match (shape, value) {
            (Shape::Structure(structure), _) => self.structure(structure, value, path),
            (Shape::List(list), Value::Array(values)) => {
                self.length(list.min, values.len(), path);
                let element = self.model.shape(list.element());
                for (index, value) in values.iter().enumerate() {
                    self.value(element, value, &format!("{path}[{index}]"));
                }
            }
            (Shape::List(_), _) => self.wrong_type(path, value, "<class 'list'>, <class 'tuple'>"),
            (Shape::Map(map), Value::Object(fields)) => {
                let element = self.model.shape(map.element());
                for (key, value) in fields {
                    self.value(element, value, &format!("{path}.{key}"));
                }
            }
            (Shape::Map(_), _) => self.wrong_type(path, value, "<class 'dict'>"),
            (Shape::Double, Value::Number(_)) => {}
            (Shape::Double, _) => {
                self.wrong_type(path, value, "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>");
            }
            (Shape::String(text), Value::String(value)) => self.length(text.min, value.chars().count(), path),
            (Shape::String(_), _) => self.wrong_type(path, value, "<class 'str'>"),
            (Shape::Integer(range), Value::Number(number)) if number.is_i64() => {
                self.least(range.min, number.as_i64(), path);
                // Python's integers have no bounds; on the wire the service would refuse.
                if number.as_i64().is_some_and(|number| i32::try_from(number).is_err()) {
                    self.complaints.push(format!("Invalid value for parameter {path}, value: {number}, out of range"));
                }
            }
            (Shape::Long(range), Value::Number(number)) if number.is_i64() => {
                self.least(range.min, number.as_i64(), path);
            }
            (Shape::Integer(_) | Shape::Long(_), _) => self.wrong_type(path, value, "<class 'int'>"),
            (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::Boolean, _) => self.wrong_type(path, value, "<class 'bool'>"),
            (Shape::Timestamp, Value::String(text)) if timestamp::parse(text).is_some() => {}
            (Shape::Timestamp, _) => self.wrong_type(path, value, "<class 'datetime.datetime'>, timestamp-string"),
            (Shape::Blob, Value::String(text)) if base64::decode(text).is_some() => {}
            (Shape::Blob, Value::String(text)) => self.complaints.push(format!("Invalid base64: \"{text}\"")),
            (Shape::Blob, _) => self.wrong_type(path, value, "<class 'bytes'>, <class 'bytearray'>, file-like object"),
        }
    }

    fn length(&mut self, least: Option<i64>, length: usize, path: &str) {
        if let Some(least) = least.filter(|least| i64::try_from(length).is_ok_and(|length| length < *least)) {
            let message = format!("Invalid length for parameter {path}, value: {length}, valid min length: {least}");
            self.complaints.push(message);
        }
    }

    fn least(&mut self, least: Option<i64>, value: Option<i64>, path: &str) {
        if let Some((least, value)) = least.zip(value).filter(|(least, value)| value < least) {
            let message = format!("Invalid value for parameter {path}, value: {value}, valid min value: {least}");
            self.complaints.push(message);
        }
    }

    fn wrong_type(&mut self, path: &str, value: &Value, expected: &str) {
        let (shown, class) = (python(value, true), python_class(value));
        self.complaints.push(format!(
            "Invalid type for parameter {}, value: {shown}, type: <class '{class}'>, valid types: {expected}",
            named(path)
        ));
    }
}

fn named(path: &str) -> &str {
    if path.is_empty() { "input" } else { path }
}

/// A value as Python prints it: text bare when it stands alone, in quotes inside others.
fn python(value: &Value, alone: bool) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if alone => text.clone(),
        Value::String(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(values) => {
            let shown: Vec<String> = values.iter().map(|value| python(value, false)).collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Object(fields) => {
            let shown: Vec<String> =
                fields.iter().map(|(key, value)| format!("'{key}': {}", python(value, false))).collect();
            format!("{{{}}}", shown.join(", "))
        }
    }
}

fn python_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Service;
    use serde_json::json;

    fn check(operation: &str, parameters: Value) -> Vec<String> {
        let model = Service::Ec2.model();
        complaints(model, model.input(operation), &parameters)
    }

    #[test]
    fn speaks_as_botocore_does() {
        // These sentences were printed by botocore 1.43.11 for the same parameters.
        let parameters = json!({
            "MaxResults": 1, "Filters": [{"Nmae": "x", "Values": "a"}], "VpcIds": ["a", 3], "DryRun": "x",
        });
        let mut expected = vec![
            "Invalid value for parameter MaxResults, value: 1, valid min value: 5",
            "Unknown parameter in Filters[0]: \"Nmae\", must be one of: Name, Values",
            "Invalid type for parameter Filters[0].Values, value: a, type: <class 'str'>, valid types: <class 'list'>, <class 'tuple'>",
            "Invalid type for parameter VpcIds[1], value: 3, type: <class 'int'>, valid types: <class 'str'>",
            "Invalid type for parameter DryRun, value: x, type: <class 'str'>, valid types: <class 'bool'>",
        ];
        let mut found = check("DescribeVpcs", parameters);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(check("CreateVpcEndpoint", json!({})), ["Missing required parameter in input: \"VpcId\""]);
        assert_eq!(
            check("CreateVpcEndpoint", json!({"VpcId": {"a": [1, true, null, 1.5, "it's"]}})),
            ["Invalid type for parameter VpcId, value: {'a': [1, True, None, 1.5, \"it's\"]}, type: <class 'dict'>, \
              valid types: <class 'str'>"]
        );
        assert_eq!(
            check("CreateVpcEndpoint", json!([])),
            ["Invalid type for parameter input, value: [], type: <class 'list'>, valid types: <class 'dict'>"]
        );
    }

    #[test]
    fn numbers_blobs_and_dates_are_checked() {
        assert!(check("DescribeTags", json!({"MaxResults": 5_000_000_000_i64}))[0].contains("out of range"));
        assert_eq!(check("DescribeTags", json!({"MaxResults": 1.5})).len(), 1);
        let blob =
            |text: &str| check("ModifyInstanceAttribute", json!({"InstanceId": "i-1", "UserData": {"Value": text}}));
        assert_eq!(blob("aGk="), [""; 0]);
        assert_eq!(blob("hi"), ["Invalid base64: \"hi\""]);
    }
}

//! Reading a request's members: types, constraints, and none overlooked.

use super::fault::Fault;
use serde_json::{Map, Value};
use std::fmt::Display;

/// The members of a request, or of a structure inside one. JSON null counts as absent.
pub(super) struct Input<'a> {
    members: &'a Map<String, Value>,
    violations: Vec<String>,
}

impl<'a> Input<'a> {
    pub(super) fn new(members: &'a Map<String, Value>) -> Self {
        Input { members, violations: Vec::new() }
    }

    pub(super) fn get(&self, member: &str) -> Option<&'a Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    /// A member that must be a whole number.
    pub(super) fn integer(&self, member: &str) -> Result<Option<i64>, Fault> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Ok(Some(whole)),
                // A fraction loses it, and what is too large stays too large, as a Java cast would have it.
                (None, Some(fraction)) => Ok(Some(fraction as i64)),
                (None, None) => Err(cannot_convert("NUMBER_VALUE", "Integer")),
            },
            Some(other) => Err(cannot_convert(kind(other), "Integer")),
        }
    }

    /// A member that must be text.
    pub(super) fn text(&self, member: &str) -> Result<Option<&'a str>, Fault> {
        self.get(member).map(text_of).transpose()
    }

    pub(super) fn boolean(&self, member: &str) -> Result<Option<bool>, Fault> {
        self.get(member).map(boolean_of).transpose()
    }

    pub(super) fn object(&self, member: &str) -> Result<Option<&'a Map<String, Value>>, Fault> {
        self.get(member).map(object_of).transpose()
    }

    pub(super) fn array(&self, member: &str) -> Result<Option<&'a [Value]>, Fault> {
        self.get(member).map(array_of).transpose()
    }

    /// Notes that a value breaks a constraint of the model; `member` is its path in small letters first.
    pub(super) fn violated(&mut self, value: impl Display, member: &str, constraint: impl Display) {
        self.violations
            .push(format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"));
    }

    /// Notes that a required member is absent.
    pub(super) fn absent(&mut self, member: &str) {
        self.violations.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }

    /// Notes a value outside an enumeration. (AWS lists the values in no order that can be told; here it is the model's.)
    pub(super) fn one_of(&mut self, value: Option<&str>, member: &str, known: &[&str]) {
        if let Some(value) = value.filter(|value| !known.contains(value)) {
            self.violated(value, member, format!("satisfy enum value set: [{}]", known.join(", ")));
        }
    }

    pub(super) fn at_least_one(&mut self, value: Option<i64>, member: &str) {
        if let Some(value) = value.filter(|value| *value < 1) {
            self.violated(value, member, "have value greater than or equal to 1");
        }
    }

    /// All the constraints that were broken, if any were.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        match self.violations.is_empty() {
            true => Ok(()),
            false => Err(Fault::Constraints { violations: std::mem::take(&mut self.violations) }),
        }
    }

    /// Refuses what AWS knows and this version does not. Members that neither knows are ignored, as the framework does.
    pub(super) fn refuse(&self, operation: &str, unsupported: &[&str]) -> Result<(), Fault> {
        match unsupported.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(Fault::unsupported(&format!("the parameter {name} of {operation}"))),
            None => Ok(()),
        }
    }
}

pub(super) fn text_of(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| cannot_convert(kind(value), "String"))
}

pub(super) fn boolean_of(value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| cannot_convert(kind(value), "Boolean"))
}

pub(super) fn object_of(value: &Value) -> Result<&Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| Fault::serialization(Some("Unexpected value type in payload".to_owned())))
}

pub(super) fn array_of(value: &Value) -> Result<&[Value], Fault> {
    let elements = value.as_array().map(Vec::as_slice);
    elements.ok_or_else(|| Fault::serialization(Some("Unexpected value type in payload".to_owned())))
}

fn cannot_convert(kind: &str, wanted: &str) -> Fault {
    Fault::serialization(Some(format!("{kind} can not be converted to {wanted}")))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

//! Attribute values and items: read, checked, measured, written.
//!
//! Source: docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html; sizes:
//! docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html. Sentences as public transcripts show them.

use super::fault::Fault;
use super::number::Number;
use crate::wire::base64;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Deepest nesting of lists and maps.
pub const LEVELS_MAX: usize = 32;
/// Bytes of an item, names and values together.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;
/// What a list or map counts besides its elements.
const COLLECTION_BYTES: usize = 3;

/// An item: values by attribute name.
pub type Item = BTreeMap<String, AttributeValue>;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// `S`, `N` or `B`: what keys are made of.
    Scalar(Scalar),
    /// `BOOL`.
    Boolean(bool),
    /// `NULL`.
    Null,
    /// `SS`, `NS` or `BS`; all of one type, none twice.
    Set(ScalarType, Vec<Scalar>),
    /// `L`.
    List(Vec<AttributeValue>),
    /// `M`.
    Map(Item),
}

/// A value that a key can have. Within one type the order is that of sort keys: texts by their UTF-8 bytes, numbers as numbers,
/// binary by unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// `S`.
    Text(String),
    /// `N`.
    Number(Number),
    /// `B`.
    Binary(Vec<u8>),
}

/// The types of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// `S`.
    Text,
    /// `N`.
    Number,
    /// `B`.
    Binary,
}

impl ScalarType {
    /// `S`, `N` or `B`.
    pub fn letter(self) -> &'static str {
        match self {
            ScalarType::Text => "S",
            ScalarType::Number => "N",
            ScalarType::Binary => "B",
        }
    }

    /// The type of this letter.
    pub fn of_letter(letter: &str) -> Option<ScalarType> {
        [ScalarType::Text, ScalarType::Number, ScalarType::Binary].into_iter().find(|kind| kind.letter() == letter)
    }
}

impl Scalar {
    /// Its type.
    pub fn kind(&self) -> ScalarType {
        match self {
            Scalar::Text(_) => ScalarType::Text,
            Scalar::Number(_) => ScalarType::Number,
            Scalar::Binary(_) => ScalarType::Binary,
        }
    }

    /// Its size.
    pub fn size_bytes(&self) -> usize {
        match self {
            Scalar::Text(text) => text.len(),
            Scalar::Number(number) => number.size_bytes(),
            Scalar::Binary(bytes) => bytes.len(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Scalar::Text(text) => json!(text),
            Scalar::Number(number) => json!(number.to_string()),
            Scalar::Binary(bytes) => json!(base64::encode(bytes)),
        }
    }

    /// `S:abc`, as messages show values.
    pub fn shown(&self) -> String {
        let text = match self.json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        format!("{}:{text}", self.kind().letter())
    }

    fn read(kind: ScalarType, value: &Value) -> Result<Scalar, Fault> {
        let text = super::input::text_of(value)?;
        match kind {
            ScalarType::Text => Ok(Scalar::Text(text.to_owned())),
            ScalarType::Number => match Number::parse(text) {
                Ok(number) => Ok(Scalar::Number(number)),
                Err(super::number::NumberError::NotANumber) if text.is_empty() => {
                    Err(Fault::validation("The parameter cannot be converted to a numeric value"))
                }
                Err(error @ super::number::NumberError::NotANumber) => {
                    Err(Fault::validation(format!("{error}: {text}")))
                }
                Err(error) => Err(Fault::validation(error.to_string())),
            },
            ScalarType::Binary => match base64::decode(text) {
                Some(bytes) => Ok(Scalar::Binary(bytes)),
                None if !text.len().is_multiple_of(4) => Err(Fault::serialization(Some(format!(
                    "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
                    text.len()
                )))),
                None => Err(Fault::serialization(Some("Invalid Base64 character".to_owned()))),
            },
        }
    }
}

impl AttributeValue {
    /// The value in a request, at most [`LEVELS_MAX`] levels deep.
    pub fn read(value: &Value) -> Result<AttributeValue, Fault> {
        AttributeValue::read_at(value, 0)
    }

    fn read_at(value: &Value, level: usize) -> Result<AttributeValue, Fault> {
        if level > LEVELS_MAX {
            return Err(Fault::validation("Nesting Levels have exceeded supported limits"));
        }
        let fields = super::input::object_of(value)?;
        let mut given = fields.iter().filter(|(_, value)| !value.is_null());
        let Some((letter, value)) = given.next() else {
            return Err(Fault::validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        };
        if given.next().is_some() {
            return Err(Fault::validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
                 datatypes",
            ));
        }
        match letter.as_str() {
            "S" | "N" | "B" => {
                let kind = ScalarType::of_letter(letter).unwrap_or(ScalarType::Text);
                Scalar::read(kind, value).map(AttributeValue::Scalar)
            }
            "BOOL" => super::input::boolean_of(value).map(AttributeValue::Boolean),
            "NULL" => match super::input::boolean_of(value)? {
                true => Ok(AttributeValue::Null),
                false => Err(Fault::parameters("Null attribute value types must have the value of true")),
            },
            "SS" => read_set(ScalarType::Text, value),
            "NS" => read_set(ScalarType::Number, value),
            "BS" => read_set(ScalarType::Binary, value),
            "L" => {
                let elements = super::input::array_of(value)?.iter();
                let elements = elements.map(|element| AttributeValue::read_at(element, level + 1));
                elements.collect::<Result<_, _>>().map(AttributeValue::List)
            }
            "M" => read_members(super::input::object_of(value)?, level + 1).map(AttributeValue::Map),
            // The framework knows no other member and reads none.
            _ => Err(Fault::validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            )),
        }
    }

    /// The value as answers have it.
    pub fn json(&self) -> Value {
        match self {
            AttributeValue::Scalar(scalar) => json!({scalar.kind().letter(): scalar.json()}),
            AttributeValue::Boolean(value) => json!({"BOOL": value}),
            AttributeValue::Null => json!({"NULL": true}),
            AttributeValue::Set(kind, values) => {
                let values: Value = values.iter().map(Scalar::json).collect();
                json!({format!("{}S", kind.letter()): values})
            }
            AttributeValue::List(values) => json!({"L": values.iter().map(AttributeValue::json).collect::<Value>()}),
            AttributeValue::Map(item) => json!({"M": item_json(item)}),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            AttributeValue::Scalar(scalar) => scalar.size_bytes(),
            AttributeValue::Boolean(_) | AttributeValue::Null => 1,
            AttributeValue::Set(_, values) => values.iter().map(Scalar::size_bytes).sum(),
            AttributeValue::List(values) => {
                COLLECTION_BYTES + values.iter().map(|value| 1 + value.size_bytes()).sum::<usize>()
            }
            AttributeValue::Map(item) => COLLECTION_BYTES + item.len() + item_size_bytes(item),
        }
    }

    /// Its type as messages show it.
    pub fn letters(&self) -> String {
        match self {
            AttributeValue::Scalar(scalar) => scalar.kind().letter().to_owned(),
            AttributeValue::Boolean(_) => "BOOL".to_owned(),
            AttributeValue::Null => "NULL".to_owned(),
            AttributeValue::Set(kind, _) => format!("{}S", kind.letter()),
            AttributeValue::List(_) => "L".to_owned(),
            AttributeValue::Map(_) => "M".to_owned(),
        }
    }
}

fn read_set(kind: ScalarType, value: &Value) -> Result<AttributeValue, Fault> {
    let values = super::input::array_of(value)?.iter().map(|value| Scalar::read(kind, value));
    let values: Vec<Scalar> = values.collect::<Result<_, _>>()?;
    if values.is_empty() {
        return Err(Fault::parameters(match kind {
            ScalarType::Text => "An string set  may not be empty",
            ScalarType::Number => "An number set  may not be empty",
            ScalarType::Binary => "Binary sets should not be empty",
        }));
    }
    let mut sorted: Vec<&Scalar> = values.iter().collect();
    sorted.sort();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        let shown: Vec<String> =
            values.iter().map(|value| value.json().as_str().unwrap_or_default().to_owned()).collect();
        return Err(Fault::parameters(format!("Input collection [{}] contains duplicates.", shown.join(", "))));
    }
    Ok(AttributeValue::Set(kind, values))
}

/// The item, or map, in a request.
pub fn read_item(fields: &Map<String, Value>) -> Result<Item, Fault> {
    read_members(fields, 0)
}

fn read_members(fields: &Map<String, Value>, level: usize) -> Result<Item, Fault> {
    let member = |(name, value): (&String, &Value)| Ok((name.clone(), AttributeValue::read_at(value, level)?));
    fields.iter().map(member).collect()
}

/// The item as answers have it, attributes by name: DynamoDB promises no order.
pub fn item_json(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), value.json())).collect()
}

/// Names and values together.
pub fn item_size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: Value) -> String {
        AttributeValue::read(&value).unwrap_err().message()
    }

    #[test]
    fn every_type_reads_back() {
        for value in [
            json!({"S": "é"}),
            json!({"N": "1.5"}),
            json!({"B": "AAEC"}),
            json!({"BOOL": false}),
            json!({"NULL": true}),
            json!({"SS": ["b", "a"]}),
            json!({"NS": ["2", "1"]}),
            json!({"BS": ["AA=="]}),
            json!({"L": [{"S": ""}, {"L": []}]}),
            json!({"M": {"a": {"M": {}}, "b": {"N": "0"}}}),
        ] {
            assert_eq!(AttributeValue::read(&value).unwrap().json(), value);
        }
        assert_eq!(AttributeValue::read(&json!({"N": "1e2"})).unwrap().json(), json!({"N": "100"}));
    }

    #[test]
    fn bad_values() {
        assert!(message(json!({})).starts_with("Supplied AttributeValue is empty"));
        assert!(message(json!({"S": "a", "N": "1"})).contains("more than one datatypes"));
        assert_eq!(
            message(json!({"NULL": false})),
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        );
        assert_eq!(message(json!({"N": "x"})), "The parameter cannot be converted to a numeric value: x");
        assert!(message(json!({"SS": ["a", "b", "a"]})).ends_with("Input collection [a, b, a] contains duplicates."));
        assert!(message(json!({"NS": ["1", "1.0"]})).ends_with("contains duplicates."));
        assert!(message(json!({"NS": []})).ends_with("An number set  may not be empty"));
        let nested = |levels: usize| (0..levels).fold(json!({"S": "x"}), |inner, _| json!({"L": [inner]}));
        assert!(AttributeValue::read(&nested(LEVELS_MAX)).is_ok());
        assert_eq!(message(nested(LEVELS_MAX + 1)), "Nesting Levels have exceeded supported limits");
    }

    #[test]
    fn sizes_are_those_of_the_guide() {
        let size = |value: Value| AttributeValue::read(&value).unwrap().size_bytes();
        assert_eq!(size(json!({"S": "é"})), 2);
        assert_eq!(size(json!({"N": "-1234"})), 4);
        assert_eq!(size(json!({"NULL": true})), 1);
        assert_eq!(size(json!({"L": [{"S": "ab"}]})), 6);
        assert_eq!(size(json!({"M": {"k": {"S": "ab"}}})), 7);
        let item = read_item(json!({"pk": {"S": "abc"}, "n": {"N": "7"}}).as_object().unwrap()).unwrap();
        assert_eq!(item_size_bytes(&item), 2 + 3 + 1 + 2);
    }
}

//! Documents drawn from the model, for property tests.

use super::base64;
use super::model::{Service, ServiceModel, Shape, Structure};
use crate::rng::{Seed, Stream};
use serde_json::{Map, Value};

/// Parameters of an operation as they survive the Query protocol: no empty list or structure.
pub(super) fn request(operation: &str, seed: u64) -> Value {
    let model = Service::Ec2.model();
    let stream = Seed::new(seed).derive(operation);
    Generator { model, stream, empty_allowed: false }.structure(model.input(operation), true)
}

/// An answer of an operation.
pub(super) fn response(operation: &str, seed: u64) -> Value {
    let model = Service::Ec2.model();
    let stream = Seed::new(seed).derive(operation);
    Generator { model, stream, empty_allowed: true }.structure(model.output(operation), true)
}

struct Generator {
    model: &'static ServiceModel,
    stream: Stream,
    empty_allowed: bool,
}

impl Generator {
    fn structure(&mut self, shape: &Structure, is_root: bool) -> Value {
        let mut fields = Map::new();
        let sure =
            if is_root || self.empty_allowed { None } else { Some(self.stream.below(shape.members.len() as u64)) };
        for (index, member) in shape.members.iter().enumerate() {
            if shape.requires(member) || sure == Some(index as u64) || self.stream.below(4) == 0 {
                fields.insert(member.name.clone(), self.value(self.model.shape(&member.shape)));
            }
        }
        Value::Object(fields)
    }

    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Structure(structure) => self.structure(structure, false),
            Shape::List(list) => {
                let length = if self.empty_allowed { self.stream.below(3) } else { 1 + self.stream.below(2) };
                (0..length).map(|_| self.value(self.model.shape(list.element()))).collect()
            }
            Shape::String(_) => Value::from(self.text()),
            Shape::Integer(_) => Value::from(self.stream.next_u32() as i32),
            Shape::Long(_) => Value::from(self.stream.next_u64() as i64),
            Shape::Map(_) | Shape::Double => unreachable!("EC2's model has neither"),
            Shape::Boolean => Value::Bool(self.stream.below(2) == 0),
            Shape::Timestamp => {
                let (hour, minute) = (self.stream.below(24), self.stream.below(60));
                Value::from(format!("2017-07-26T{hour:02}:{minute:02}:14Z"))
            }
            Shape::Blob => Value::from(base64::encode(self.text().as_bytes())),
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: &[char] = &[
            'a',
            'Z',
            '0',
            ' ',
            '&',
            '<',
            '>',
            '"',
            '\'',
            '%',
            '+',
            '=',
            '.',
            '\n',
            '\r',
            '\t',
            'é',
            '\u{1f600}',
            ']',
            ';',
        ];
        let length = self.stream.below(6);
        (0..length).map(|_| LETTERS[self.stream.below(LETTERS.len() as u64) as usize]).collect()
    }
}

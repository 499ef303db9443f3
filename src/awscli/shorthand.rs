//! The CLI's shorthand syntax for structures: `Name=vpc-id,Values=a,b`, `Tags=[{Key=Name,Value=x}]`.
//!
//! ```text
//! parameter = keyval *("," keyval)          keyval = key "=" values
//! values    = csv-list / "[" list "]" / "{" keyvals "}"
//! ```
//! A comma continues a list unless what follows is another `key=`; quotes and `\,` protect commas. The parser knows no
//! types: [`coerce`] then bends the result to the model (`Values=a` becomes a list, `"5"` a number), leaving what does not fit
//! for validation to name. Not here: `key@=file://...`, which reads files. Source: AWS CLI user guide, "Using shorthand syntax".

use crate::api::model::{ServiceModel, Shape, Structure};
use serde_json::{Map, Value};
use std::fmt;

/// Deepest nesting of brackets and braces.
const LEVELS_MAX: usize = 32;

/// Why a text is not shorthand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ShorthandError {
    /// Something else was expected at a place.
    Expected { expected: String, received: String, text: String, at: usize },
    /// A key came twice.
    Twice { key: String, text: String, at: usize },
    /// Brackets in brackets in brackets ...
    TooDeep,
}

impl fmt::Display for ShorthandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = |at: &usize| format!("{}^", " ".repeat(*at));
        match self {
            ShorthandError::Expected { expected, received, text, at } => {
                write!(f, "Expected: '{expected}', received: '{received}' for input:\n{text}\n{}", pointer(at))
            }
            ShorthandError::Twice { key, text, at } => write!(
                f,
                "Second instance of key \"{key}\" encountered for input:\n{text}\n{}\nThis is often because there is a \
                 preceding \",\" instead of a space.",
                pointer(at)
            ),
            ShorthandError::TooDeep => write!(f, "Values nest deeper than {LEVELS_MAX} levels"),
        }
    }
}

/// Parses one word.
pub(super) fn parse(text: &str) -> Result<Value, ShorthandError> {
    let mut parser = Parser { letters: text.chars().collect(), at: 0, level: 0 };
    let mut fields = Map::new();
    loop {
        let start = parser.at;
        let (key, value) = parser.keyval()?;
        if fields.contains_key(&key) {
            return Err(ShorthandError::Twice { key, text: text.to_owned(), at: start });
        }
        fields.insert(key, value);
        if parser.peek().is_none() {
            return Ok(Value::Object(fields));
        }
        parser.expect(',')?;
    }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    level: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|letter| letter.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Takes `wanted`, with blanks around it.
    fn expect(&mut self, wanted: char) -> Result<(), ShorthandError> {
        self.skip_blanks();
        if self.peek() != Some(wanted) {
            return Err(self.expected(&wanted.to_string()));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn expected(&self, expected: &str) -> ShorthandError {
        ShorthandError::Expected {
            expected: expected.to_owned(),
            received: self.peek().map_or("EOF".to_owned(), String::from),
            text: self.letters.iter().collect(),
            at: self.at,
        }
    }

    fn keyval(&mut self) -> Result<(String, Value), ShorthandError> {
        let key = self.key();
        self.expect('=')?;
        let value = match self.peek() {
            None => Value::from(""),
            Some('[') => self.list()?,
            Some('{') => self.structure()?,
            Some(_) => self.csv()?,
        };
        Ok((key, value))
    }

    fn key(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|letter| letter.is_ascii_alphanumeric() || "-_.#/:".contains(letter)) {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }

    /// `a`, or `a,b,c` up to the next `key=`.
    fn csv(&mut self) -> Result<Value, ShorthandError> {
        let first = self.first_value()?;
        let mut values = vec![first];
        loop {
            self.skip_blanks();
            if self.peek() != Some(',') {
                break;
            }
            self.expect(',')?;
            match self.second_value() {
                Ok(value) if matches!(self.peek(), None | Some(',')) => values.push(value),
                Err(error) if self.peek().is_none() => return Err(error),
                // A key, not a value: the last comma (there is one, just taken) belongs to whoever reads the keys.
                Ok(_) | Err(_) => {
                    while self.peek() != Some(',') {
                        self.at -= 1;
                    }
                    break;
                }
            }
        }
        Ok(if values.len() == 1 { Value::from(values.remove(0)) } else { Value::from(values) })
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ShorthandError>) -> Result<T, ShorthandError> {
        self.level += 1;
        if self.level > LEVELS_MAX {
            return Err(ShorthandError::TooDeep);
        }
        let result = inner(self);
        self.level -= 1;
        result
    }

    fn list(&mut self) -> Result<Value, ShorthandError> {
        self.nested(|parser| {
            parser.expect('[')?;
            let mut values = Vec::new();
            while parser.peek() != Some(']') {
                values.push(parser.explicit_value()?);
                parser.next_or_end(']')?;
            }
            parser.expect(']')?;
            Ok(Value::from(values))
        })
    }

    fn structure(&mut self) -> Result<Value, ShorthandError> {
        self.nested(|parser| {
            parser.expect('{')?;
            let mut fields = Map::new();
            while parser.peek() != Some('}') {
                let key = parser.key();
                parser.expect('=')?;
                let value = parser.explicit_value()?;
                parser.next_or_end('}')?;
                fields.insert(key, value);
            }
            parser.expect('}')?;
            Ok(Value::Object(fields))
        })
    }

    fn next_or_end(&mut self, end: char) -> Result<(), ShorthandError> {
        self.skip_blanks();
        if self.peek() == Some(end) { Ok(()) } else { self.expect(',') }
    }

    fn explicit_value(&mut self) -> Result<Value, ShorthandError> {
        match self.peek() {
            Some('[') => self.list(),
            Some('{') => self.structure(),
            _ => self.first_value().map(Value::from),
        }
    }

    /// A value that may contain `=`; empty if none stands here.
    fn first_value(&mut self) -> Result<String, ShorthandError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => Ok(self.bare(|letter| !"\"',]}".contains(letter)).unwrap_or_default()),
        }
    }

    /// A later value of a list: `=` ends it, because then it was a key.
    fn second_value(&mut self) -> Result<String, ShorthandError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote).inspect(|_| self.skip_blanks()),
            _ => self.bare(|letter| !"\"',=".contains(letter)).ok_or_else(|| self.expected("<second>")),
        }
    }

    /// Letters up to the first that may not follow; `None` if the first may not begin a value.
    fn bare(&mut self, follows: impl Fn(char) -> bool) -> Option<String> {
        let begins = |letter: char| !letter.is_ascii_whitespace() && !"\"',=[{".contains(letter);
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if letter == '\\' && self.letters.get(self.at + 1) == Some(&',') {
                text.push(',');
                self.at += 2;
            } else if if text.is_empty() { begins(letter) } else { follows(letter) } {
                text.push(letter);
                self.at += 1;
            } else {
                break;
            }
        }
        (!text.is_empty()).then(|| text.trim_end().to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<String, ShorthandError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        while let Some(letter) = self.peek() {
            self.at += 1;
            match letter {
                '\\' if self.peek().is_some_and(|next| next == quote || next == '\\') => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                _ if letter == quote => return Ok(text),
                _ => text.push(letter),
            }
        }
        self.at = start;
        Err(self.expected(if quote == '"' { "<double quoted>" } else { "<singled quoted>" }))
    }
}

/// Bends what was parsed to the model: single values become lists of one where the model wants a list, texts become
/// numbers and truth values. `Err` names a text that is no number.
pub(super) fn coerce(model: &ServiceModel, shape: &Shape, value: Value) -> Result<Value, String> {
    Ok(match (shape, value) {
        (Shape::Structure(structure), Value::Object(fields)) => coerce_structure(model, structure, fields)?,
        (Shape::List(list), Value::Array(values)) => {
            let element = model.shape(list.element());
            let values = values.into_iter().map(|value| coerce(model, element, value));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        (Shape::Map(map), Value::Object(fields)) => {
            let element = model.shape(map.element());
            let fields = fields.into_iter().map(|(key, value)| Ok((key, coerce(model, element, value)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        // One value for a list: not looked into further, as in the CLI.
        (Shape::List(_), value) => Value::Array(vec![value]),
        (Shape::Integer(_) | Shape::Long(_), Value::String(text)) => {
            Value::from(text.trim().parse::<i64>().map_err(|_| format!("expected an integer, got '{text}'"))?)
        }
        (Shape::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        (Shape::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        (_, value) => value,
    })
}

fn coerce_structure(model: &ServiceModel, shape: &Structure, fields: Map<String, Value>) -> Result<Value, String> {
    let fields = fields.into_iter().map(|(key, value)| match shape.member(&key) {
        Some(member) => Ok((key, coerce(model, model.shape(&member.shape), value)?)),
        None => Ok((key, value)),
    });
    fields.collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Service;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_lists_and_nesting() {
        let cases = [
            ("a=b", json!({"a": "b"})),
            ("a=b,c", json!({"a": ["b", "c"]})),
            ("Name=vpc-id,Values=a,b", json!({"Name": "vpc-id", "Values": ["a", "b"]})),
            ("Values=a,b,Name=x", json!({"Values": ["a", "b"], "Name": "x"})),
            ("a=b=c", json!({"a": "b=c"})),
            ("a=", json!({"a": ""})),
            ("a=,b=c", json!({"a": "", "b": "c"})),
            ("a='b,c',d=\"e \\\" f\"", json!({"a": "b,c", "d": "e \" f"})),
            (r"a=b\,c", json!({"a": "b,c"})),
            ("a=b , c = d", json!({"a": "b", "c": "d"})),
            ("a=[b,c],d={e=f,g=[h]}", json!({"a": ["b", "c"], "d": {"e": "f", "g": ["h"]}})),
            ("Tags=[{Key=Name,Value=x y}]", json!({"Tags": [{"Key": "Name", "Value": "x y"}]})),
            ("a=[]", json!({"a": []})),
            ("a=b,,c=d", json!({"a": "b", "c": "d"})),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn complaints_point() {
        let complain = |text| parse(text).unwrap_err().to_string();
        assert_eq!(complain("Name"), "Expected: '=', received: 'EOF' for input:\nName\n    ^");
        assert_eq!(complain("a=[b"), "Expected: ',', received: 'EOF' for input:\na=[b\n    ^");
        assert_eq!(complain("a='b"), "Expected: '<singled quoted>', received: ''' for input:\na='b\n  ^");
        assert!(complain("a=1,a=2").starts_with("Second instance of key \"a\""));
        assert_eq!(complain(&format!("a={}", "[".repeat(99))), "Values nest deeper than 32 levels");
    }

    #[test]
    fn the_model_bends_values() {
        let model = Service::Ec2.model();
        let bend = |shape, text| coerce(model, model.shape(shape), parse(text).unwrap());
        assert_eq!(bend("Filter", "Name=x,Values=a"), Ok(json!({"Name": "x", "Values": ["a"]})));
        let permission = json!({"IpProtocol": "tcp", "FromPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
        let text = "IpProtocol=tcp,FromPort=22,IpRanges=[{CidrIp=0.0.0.0/0}]";
        assert_eq!(bend("IpPermission", text), Ok(permission));
        assert_eq!(bend("IpPermission", "FromPort=ssh"), Err("expected an integer, got 'ssh'".to_owned()));
        assert_eq!(bend("AttributeBooleanValue", "Value=false"), Ok(json!({"Value": false})));
    }

    proptest! {
        #[test]
        fn parsing_is_total(text in "[ab=,'\"\\\\ \\[\\]{}@é]{0,30}") {
            let _ = parse(&text).map_err(|error| error.to_string());
        }
    }
}

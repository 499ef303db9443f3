//! `KeyConditionExpression`: `pk = :a AND sk BETWEEN :b AND :c`.
//!
//! ```text
//! expression = term *("AND" term)          term = "(" expression ")" / condition
//! condition  = name ("=" / "<" / "<=" / ">" / ">=") value
//!            / name "BETWEEN" value "AND" value / "begins_with" "(" name "," value ")"
//! name = word / "#" word                   value = ":" word
//! ```
//! The parser knows no table; `items` holds the conditions against a key schema.
//! Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html; sentences as public transcripts
//! show them.

use super::fault::Fault;
use super::value::{AttributeValue, Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of an expression.
pub const EXPRESSION_BYTES_MAX: usize = 4_096;
/// Deepest nesting of parentheses. (AWS's limit is not known; it has 300 operators.)
const LEVELS_MAX: usize = 64;

/// Words that must be written as `#name`.
const RESERVED: &str = include_str!("reserved-words.txt");

/// What an expression's placeholders stand for.
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    /// `ExpressionAttributeNames`, with the `#`.
    pub names: BTreeMap<String, String>,
    /// `ExpressionAttributeValues`, with the `:`.
    pub values: BTreeMap<String, AttributeValue>,
}

/// What a key must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `=`
    Equal(Scalar),
    /// `<`
    Less(Scalar),
    /// `<=`
    AtMost(Scalar),
    /// `>`
    Greater(Scalar),
    /// `>=`
    AtLeast(Scalar),
    /// `BETWEEN`, both ends included.
    Between(Scalar, Scalar),
    /// `begins_with`; texts and binary only.
    BeginsWith(Scalar),
}

impl Test {
    /// Whether `key` passes. Of another type than the test's it does not.
    pub fn passes(&self, key: &Scalar) -> bool {
        match self {
            Test::Equal(value) => key == value,
            Test::Less(value) => key < value,
            Test::AtMost(value) => key <= value,
            Test::Greater(value) => key > value,
            Test::AtLeast(value) => key >= value,
            Test::Between(low, high) => low <= key && key <= high,
            Test::BeginsWith(prefix) => match (prefix, key) {
                (Scalar::Text(prefix), Scalar::Text(key)) => key.starts_with(prefix.as_str()),
                (Scalar::Binary(prefix), Scalar::Binary(key)) => key.starts_with(prefix),
                _ => false,
            },
        }
    }

    /// The values it compares with.
    pub fn operands(&self) -> Vec<&Scalar> {
        match self {
            Test::Equal(value)
            | Test::Less(value)
            | Test::AtMost(value)
            | Test::Greater(value)
            | Test::AtLeast(value)
            | Test::BeginsWith(value) => vec![value],
            Test::Between(low, high) => vec![low, high],
        }
    }
}

/// An expression's conditions by attribute.
pub type KeyConditions = BTreeMap<String, Test>;

/// Parses an expression and puts in what its placeholders stand for, every one of which must be used.
pub fn parse(expression: &str, placeholders: &Placeholders) -> Result<KeyConditions, Fault> {
    if expression.is_empty() {
        return Err(invalid("The expression can not be empty;"));
    }
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(invalid(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {}",
            expression.len()
        )));
    }
    let tokens = tokens(expression)?;
    let mut parser = Parser {
        expression,
        tokens: &tokens,
        at: 0,
        placeholders,
        used: BTreeSet::new(),
        conditions: KeyConditions::new(),
    };
    parser.expression(0)?;
    if parser.at < tokens.len() {
        return Err(parser.unexpected());
    }
    let Parser { used, conditions, .. } = parser;
    let unused = |keys: Vec<&String>| {
        let keys: Vec<&str> = keys.into_iter().filter(|key| !used.contains(*key)).map(String::as_str).collect();
        (!keys.is_empty()).then(|| keys.join(", "))
    };
    for (what, keys) in [
        ("ExpressionAttributeNames", unused(placeholders.names.keys().collect())),
        ("ExpressionAttributeValues", unused(placeholders.values.keys().collect())),
    ] {
        if let Some(keys) = keys {
            return Err(Fault::validation(format!("Value provided in {what} unused in expressions: keys: {{{keys}}}")));
        }
    }
    Ok(conditions)
}

fn invalid(message: impl AsRef<str>) -> Fault {
    Fault::validation(format!("Invalid KeyConditionExpression: {}", message.as_ref()))
}

/// A piece of the expression and where it begins.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    from: usize,
}

fn tokens(expression: &str) -> Result<Vec<Token<'_>>, Fault> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = expression[at..].chars().next() {
        let from = at;
        let word_end = |from: usize| {
            expression[from..].find(|letter| !is_word(letter)).map_or(expression.len(), |length| from + length)
        };
        at = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '(' | ')' | ',' | '=' | '+' | '-' | '.' | '[' | ']' => at + 1,
            '<' | '>' => {
                let two = expression[at + 1..].starts_with('=') || expression[at..].starts_with("<>");
                at + 1 + usize::from(two)
            }
            '#' | ':' => word_end(at + 1),
            _ if is_word(first) => word_end(at),
            _ => at + first.len_utf8(),
        };
        let text = &expression[from..at];
        let known = first == '#' || first == ':' || is_word(first) || "()<>,=+-.[]".contains(first);
        tokens.push(Token { text, from });
        if !known || text == "#" || text == ":" {
            return Err(syntax_error(expression, &tokens, tokens.len() - 1));
        }
    }
    Ok(tokens)
}

/// `Syntax error; token: "x", near: "a x b"`: the token with one neighbour on each side.
fn syntax_error(expression: &str, tokens: &[Token<'_>], at: usize) -> Fault {
    let Some(token) = tokens.get(at) else {
        let from = tokens.len().checked_sub(1).map_or(0, |last| tokens[last].from);
        return invalid(format!("Syntax error; token: \"<EOF>\", near: \"{}\"", &expression[from..]));
    };
    let from = at.checked_sub(1).map_or(token.from, |before| tokens[before].from);
    let last = tokens.get(at + 1).unwrap_or(token);
    let near = &expression[from..last.from + last.text.len()];
    invalid(format!("Syntax error; token: \"{}\", near: \"{near}\"", token.text))
}

struct Parser<'a> {
    expression: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
    placeholders: &'a Placeholders,
    used: BTreeSet<String>,
    conditions: KeyConditions,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(|token| token.text)
    }

    fn peek_is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|text| text.eq_ignore_ascii_case(keyword))
    }

    fn unexpected(&self) -> Fault {
        match self.peek() {
            // What conditions elsewhere may hold and keys may not.
            Some(text) if ["or", "not", "in"].iter().any(|word| text.eq_ignore_ascii_case(word)) || text == "<>" => {
                invalid_operator(&text.to_ascii_uppercase())
            }
            _ => syntax_error(self.expression, self.tokens, self.at),
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), Fault> {
        if self.peek_is(text) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expression(&mut self, level: usize) -> Result<(), Fault> {
        if level > LEVELS_MAX {
            return Err(invalid("The expression contains too many nested parentheses"));
        }
        loop {
            if self.peek_is("(") {
                self.at += 1;
                self.expression(level + 1)?;
                self.expect(")")?;
            } else {
                self.condition()?;
            }
            if !self.peek_is("and") {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn condition(&mut self) -> Result<(), Fault> {
        let next = self.tokens.get(self.at + 1).map(|token| token.text);
        let (name, test) = match self.peek() {
            Some("begins_with") if next == Some("(") => {
                self.at += 2;
                let name = self.name()?;
                self.expect(",")?;
                let value = self.value()?;
                self.expect(")")?;
                if !matches!(value, Scalar::Text(_) | Scalar::Binary(_)) {
                    return Err(invalid(format!(
                        "Incorrect operand type for operator or function; operator or function: begins_with, operand \
                         type: {}",
                        value.kind().letter()
                    )));
                }
                (name, Test::BeginsWith(value))
            }
            Some(function) if next == Some("(") && is_name(function) => {
                return Err(match function {
                    "attribute_exists" | "attribute_not_exists" | "attribute_type" | "contains" | "size" => {
                        invalid_operator(function)
                    }
                    _ => invalid(format!("Invalid function name; function: {function}")),
                });
            }
            _ => {
                let name = self.name()?;
                (name, self.comparison()?)
            }
        };
        if self.conditions.insert(name, test).is_some() {
            return Err(Fault::validation("KeyConditionExpressions must only contain one condition per key"));
        }
        Ok(())
    }

    fn comparison(&mut self) -> Result<Test, Fault> {
        let Some(operator) = self.peek().filter(|text| ["=", "<", "<=", ">", ">="].contains(text)) else {
            if !self.peek_is("between") {
                return Err(self.unexpected());
            }
            self.at += 1;
            let low = self.value()?;
            self.expect("and")?;
            let high = self.value()?;
            return between(low, high);
        };
        self.at += 1;
        let value = self.value()?;
        Ok(match operator {
            "=" => Test::Equal(value),
            "<" => Test::Less(value),
            "<=" => Test::AtMost(value),
            ">" => Test::Greater(value),
            _ => Test::AtLeast(value),
        })
    }

    /// The attribute that a name, or its placeholder, stands for.
    fn name(&mut self) -> Result<String, Fault> {
        let Some(text) = self.peek() else { return Err(self.unexpected()) };
        let name = if text.starts_with('#') {
            self.used.insert(text.to_owned());
            self.placeholders.names.get(text).cloned().ok_or_else(|| {
                invalid(format!(
                    "An expression attribute name used in the document path is not defined; attribute name: {text}"
                ))
            })?
        } else if is_name(text) {
            let upper = text.to_ascii_uppercase();
            if RESERVED.split_ascii_whitespace().any(|word| word == upper) {
                return Err(invalid(format!("Attribute name is a reserved keyword; reserved keyword: {text}")));
            }
            text.to_owned()
        } else {
            return Err(self.unexpected());
        };
        self.at += 1;
        Ok(name)
    }

    /// The value that a placeholder stands for. Only scalars can be compared with keys.
    fn value(&mut self) -> Result<Scalar, Fault> {
        let Some(text) = self.peek().filter(|text| text.starts_with(':')) else { return Err(self.unexpected()) };
        self.used.insert(text.to_owned());
        self.at += 1;
        match self.placeholders.values.get(text) {
            Some(AttributeValue::Scalar(scalar)) => Ok(scalar.clone()),
            Some(_) => Err(mismatch()),
            None => Err(invalid(format!(
                "An expression attribute value used in expression is not defined; attribute value: {text}"
            ))),
        }
    }
}

/// The refusal for a value of another type than the key's.
pub(super) fn mismatch() -> Fault {
    Fault::parameters("Condition parameter type does not match schema type")
}

fn invalid_operator(operator: &str) -> Fault {
    Fault::validation(format!("Invalid operator used in KeyConditionExpression: {operator}"))
}

fn between(low: Scalar, high: Scalar) -> Result<Test, Fault> {
    let operands = || {
        format!(
            "lower bound operand: AttributeValue: {{{}}}, upper bound operand: AttributeValue: {{{}}}",
            low.shown(),
            high.shown()
        )
    };
    if low.kind() != high.kind() {
        return Err(invalid(format!(
            "The BETWEEN operator requires same data type for lower and upper bounds; {}",
            operands()
        )));
    }
    if low > high {
        return Err(invalid(format!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {}",
            operands()
        )));
    }
    Ok(Test::Between(low, high))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn placeholders(names: &[(&str, &str)], values: &[(&str, serde_json::Value)]) -> Placeholders {
        Placeholders {
            names: names.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect(),
            values: values
                .iter()
                .map(|(key, value)| ((*key).to_owned(), AttributeValue::read(value).unwrap()))
                .collect(),
        }
    }

    fn text(value: &str) -> Scalar {
        Scalar::Text(value.to_owned())
    }

    #[test]
    fn conditions_of_every_kind() {
        let values = [(":a", json!({"S": "a"})), (":b", json!({"S": "b"}))];
        let both = placeholders(&[("#n", "name")], &values);
        let found = parse("(#n = :a) and ((sk between :a AND :b))", &both).unwrap();
        assert_eq!(found["name"], Test::Equal(text("a")));
        assert_eq!(found["sk"], Test::Between(text("a"), text("b")));
        let one = placeholders(&[], &values[..1]);
        for (operator, test) in [
            ("<", Test::Less(text("a"))),
            ("<=", Test::AtMost(text("a"))),
            (">", Test::Greater(text("a"))),
            (">=", Test::AtLeast(text("a"))),
        ] {
            assert_eq!(parse(&format!("sk{operator}:a"), &one).unwrap()["sk"], test);
        }
        assert_eq!(parse("begins_with(sk, :a)", &one).unwrap()["sk"], Test::BeginsWith(text("a")));
    }

    #[test]
    fn what_dynamodb_says() {
        let values = [(":a", json!({"S": "a"})), (":b", json!({"S": "b"})), (":n", json!({"N": "1"}))];
        let a = placeholders(&[], &values[..1]);
        let ab = placeholders(&[], &values[..2]);
        let head = "Invalid KeyConditionExpression: ";
        let say =
            |expression: &str, placeholders: &Placeholders| parse(expression, placeholders).unwrap_err().message();
        for (expression, placeholders, message) in [
            ("", &a, format!("{head}The expression can not be empty;")),
            ("pk = ", &a, format!("{head}Syntax error; token: \"<EOF>\", near: \"= \"")),
            ("pk == :a", &a, format!("{head}Syntax error; token: \"=\", near: \"== :a\"")),
            ("pk = !:a", &a, format!("{head}Syntax error; token: \"!\", near: \"= !\"")),
            (
                "pk = :x",
                &a,
                format!("{head}An expression attribute value used in expression is not defined; attribute value: :x"),
            ),
            (
                "#p = :a",
                &a,
                format!(
                    "{head}An expression attribute name used in the document path is not defined; attribute name: #p"
                ),
            ),
            ("name = :a", &a, format!("{head}Attribute name is a reserved keyword; reserved keyword: name")),
            (
                "pk = :a",
                &ab,
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}".to_owned(),
            ),
            ("pk = :a OR sk = :b", &ab, "Invalid operator used in KeyConditionExpression: OR".to_owned()),
            ("pk <> :a", &a, "Invalid operator used in KeyConditionExpression: <>".to_owned()),
            ("contains(pk, :a)", &a, "Invalid operator used in KeyConditionExpression: contains".to_owned()),
            (
                "pk between :b and :a",
                &ab,
                format!(
                    "{head}The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower \
                     bound operand: AttributeValue: {{S:b}}, upper bound operand: AttributeValue: {{S:a}}"
                ),
            ),
            ("pk = :a and pk = :b", &ab, "KeyConditionExpressions must only contain one condition per key".to_owned()),
        ] {
            assert_eq!(say(expression, placeholders), message, "{expression}");
        }
        let number = placeholders(&[], &values[2..]);
        assert!(say("begins_with(sk, :n)", &number).ends_with("begins_with, operand type: N"));
        assert!(say(&"(".repeat(200), &a).contains("too many nested"));
        assert!(say(&format!("pk = :a{}", " ".repeat(EXPRESSION_BYTES_MAX)), &a).contains("expression size: 4103"));
    }

    proptest! {
        #[test]
        fn parsing_is_total(expression in "[pk#:a=<>() ,é!]{0,24}|(pk|:a|=|and|\\(|\\)| |between){0,12}") {
            let a = placeholders(&[("#p", "p")], &[(":a", json!({"S": "a"}))]);
            let _ = parse(&expression, &a).map_err(|fault| fault.message());
        }
    }
}

//! `--query`: JMESPath over answers.
//!
//! The `jmespath` crate parses; the expression is evaluated here, on the documents themselves, because the CLI keeps the order of
//! members (`{Id: VpcId, Block: CidrBlock}` prints `Id` first) and the crate's values do not. Rules and functions are those of the
//! specification (jmespath.org/specification.html) as Python's jmespath, which the CLI uses, reads it.
//!
//! Invariants: evaluation is total: an error is a sentence, never a panic; expressions are bounded ([`EXPRESSION_MAX`], [`LEVELS_MAX`]),
//! so recursion is. Non-goals: `jmespath`'s extensions.

mod functions;

use jmespath::ast::{Ast, Comparator};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Longest expression, in bytes.
pub const EXPRESSION_MAX: usize = 2_048;
/// Most brackets, braces, parentheses, negations and references in an expression.
pub const LEVELS_MAX: usize = 128;

/// A parsed expression.
#[derive(Debug)]
pub struct Query(Ast);

/// A value, or an expression that a function applies to values.
enum Operand<'q> {
    Value(Value),
    Expression(&'q Ast),
}

impl Query {
    /// Parses an expression.
    ///
    /// # Errors
    /// In words: what is wrong, and where.
    pub fn parse(expression: &str) -> Result<Query, String> {
        if expression.len() > EXPRESSION_MAX {
            return Err(format!("the expression has {} bytes, at most {EXPRESSION_MAX} are read", expression.len()));
        }
        let levels = expression.bytes().filter(|byte| b"[({!&".contains(byte)).count();
        if levels > LEVELS_MAX {
            return Err(format!("the expression has {levels} brackets and negations, at most {LEVELS_MAX} are read"));
        }
        if expression.trim().is_empty() {
            return Err("Invalid JMESPath expression: cannot be empty.".to_owned());
        }
        jmespath::parse(expression).map(Query).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// What the expression finds in `document`; null if nothing.
    ///
    /// # Errors
    /// A function got what it cannot take, in Python's words.
    pub fn search(&self, document: &Value) -> Result<Value, String> {
        evaluate(&self.0, document)
    }
}

fn evaluate<'a>(ast: &'a Ast, data: &Value) -> Result<Value, String> {
    Ok(match ast {
        Ast::Identity { .. } => data.clone(),
        Ast::Field { name, .. } => data.get(name.as_str()).cloned().unwrap_or_default(),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, data)?)?,
        Ast::Index { idx, .. } => index(data, i64::from(*idx)),
        Ast::Slice { start, stop, step, .. } => slice(data, *start, *stop, *step)?,
        Ast::Literal { value, .. } => literal(value),
        Ast::Or { lhs, rhs, .. } => {
            let left = evaluate(lhs, data)?;
            if is_true(&left) { left } else { evaluate(rhs, data)? }
        }
        Ast::And { lhs, rhs, .. } => {
            let left = evaluate(lhs, data)?;
            if is_true(&left) { evaluate(rhs, data)? } else { left }
        }
        Ast::Not { node, .. } => Value::Bool(!is_true(&evaluate(node, data)?)),
        Ast::Condition { predicate, then, .. } => match is_true(&evaluate(predicate, data)?) {
            true => evaluate(then, data)?,
            false => Value::Null,
        },
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, &evaluate(lhs, data)?, &evaluate(rhs, data)?)?
        }
        Ast::ObjectValues { node, .. } => match evaluate(node, data)? {
            Value::Object(fields) => fields.into_iter().map(|(_, value)| value).collect(),
            _ => Value::Null,
        },
        Ast::Projection { lhs, rhs, .. } => match evaluate(lhs, data)? {
            Value::Array(elements) => {
                let mut found = Vec::new();
                for element in &elements {
                    let value = evaluate(rhs, element)?;
                    if !value.is_null() {
                        found.push(value);
                    }
                }
                Value::Array(found)
            }
            _ => Value::Null,
        },
        Ast::Flatten { node, .. } => match evaluate(node, data)? {
            Value::Array(elements) => {
                let mut flat = Vec::new();
                for element in elements {
                    match element {
                        Value::Array(inner) => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                Value::Array(flat)
            }
            _ => Value::Null,
        },
        Ast::MultiList { .. } | Ast::MultiHash { .. } if data.is_null() => Value::Null,
        Ast::MultiList { elements, .. } => {
            Value::Array(elements.iter().map(|element| evaluate(element, data)).collect::<Result<_, _>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut fields = Map::new();
            for pair in elements {
                fields.insert(pair.key.clone(), evaluate(&pair.value, data)?);
            }
            Value::Object(fields)
        }
        Ast::Function { name, args, .. } => {
            let operand = |argument: &'a Ast| match argument {
                Ast::Expref { ast, .. } => Ok(Operand::Expression(ast)),
                other => evaluate(other, data).map(Operand::Value),
            };
            functions::call(name, args.iter().map(operand).collect::<Result<_, String>>()?)?
        }
        Ast::Expref { .. } => return Err("an expression reference is no value".to_owned()),
    })
}

fn index(data: &Value, index: i64) -> Value {
    let Value::Array(elements) = data else { return Value::Null };
    let from_end = index.checked_add(elements.len() as i64).filter(|_| index < 0);
    let position = from_end.unwrap_or(index);
    usize::try_from(position).ok().and_then(|position| elements.get(position)).cloned().unwrap_or_default()
}

/// Python's slices.
fn slice(data: &Value, start: Option<i32>, stop: Option<i32>, step: i32) -> Result<Value, String> {
    let Value::Array(elements) = data else { return Ok(Value::Null) };
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let (length, step) = (elements.len() as i64, i64::from(step));
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<i32>, default: i64| match bound.map(i64::from) {
        None => default,
        Some(bound) if bound < 0 => (bound + length).max(lowest),
        Some(bound) => bound.min(highest),
    };
    let (first, end) = if step > 0 { (0, length) } else { (length - 1, -1) };
    let (mut at, stop) = (bound(start, first), bound(stop, end));
    let mut found = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        found.extend(usize::try_from(at).ok().and_then(|at| elements.get(at)).cloned());
        at += step;
    }
    Ok(Value::Array(found))
}

/// A literal of the expression. (Members of an object literal come in the order of their names: the parser keeps no other.)
fn literal(value: &jmespath::Variable) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Everything but null, false and what is empty.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Result<Value, String> {
    let wanted = |ordering: Ordering| match comparator {
        Comparator::LessThan => ordering.is_lt(),
        Comparator::LessThanEqual => ordering.is_le(),
        Comparator::GreaterThan => ordering.is_gt(),
        _ => ordering.is_ge(),
    };
    match (comparator, left, right) {
        (Comparator::Equal, ..) => Ok(Value::Bool(equal(left, right))),
        (Comparator::NotEqual, ..) => Ok(Value::Bool(!equal(left, right))),
        (_, Value::Number(_), Value::Number(_)) | (_, Value::String(_), Value::String(_)) => {
            Ok(Value::Bool(wanted(order(left, right))))
        }
        (_, Value::Number(_) | Value::String(_), Value::Number(_) | Value::String(_)) => {
            Err(format!("cannot compare {left} with {right}: one is a number, the other a string"))
        }
        _ => Ok(Value::Null),
    }
}

/// Equality, in which 1 is 1.0.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => order(left, right).is_eq(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(key, value): (&String, &Value)| right.get(key).is_some_and(|other| equal(value, other));
            left.len() == right.len() && left.iter().all(same)
        }
        _ => left == right,
    }
}

/// The order of two numbers or two texts; others are equal.
fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "Vpcs": [
                {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Size": 3, "Tags": [{"Key": "Name", "Value": "a"}]},
                {"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16", "Size": 1, "Tags": []},
                {"VpcId": "vpc-3", "CidrBlock": "10.2.0.0/16", "Size": 2},
            ],
            "Zero": 0,
        })
    }

    fn found(expression: &str) -> Result<Value, String> {
        Query::parse(expression).unwrap().search(&document())
    }

    #[test]
    fn expressions_find_what_they_should() {
        for (expression, expected) in [
            ("Vpcs[0].VpcId", json!("vpc-1")),
            ("Vpcs[-1].VpcId", json!("vpc-3")),
            ("Vpcs[9]", json!(null)),
            ("Vpcs[*].VpcId", json!(["vpc-1", "vpc-2", "vpc-3"])),
            ("Vpcs[].Tags[].Key", json!(["Name"])),
            ("Vpcs[1:].VpcId", json!(["vpc-2", "vpc-3"])),
            ("Vpcs[::-2].VpcId", json!(["vpc-3", "vpc-1"])),
            ("Vpcs[?Size>`1`].VpcId", json!(["vpc-1", "vpc-3"])),
            ("Vpcs[?Tags[?Key=='Name' && Value=='a']].VpcId | [0]", json!("vpc-1")),
            ("Vpcs[?!Tags].VpcId", json!(["vpc-2", "vpc-3"])),
            ("length(Vpcs)", json!(3)),
            ("sort_by(Vpcs, &Size)[*].VpcId", json!(["vpc-2", "vpc-3", "vpc-1"])),
            ("max_by(Vpcs, &Size).VpcId", json!("vpc-1")),
            ("join(',', Vpcs[*].VpcId)", json!("vpc-1,vpc-2,vpc-3")),
            ("Nothing || Zero", json!(0)),
            ("!Zero", json!(false)),
            ("Zero == `0.0`", json!(true)),
            ("contains(Vpcs[*].VpcId, 'vpc-2')", json!(true)),
            ("Vpcs[0].*", json!(["vpc-1", "10.0.0.0/16", 3, [{"Key": "Name", "Value": "a"}]])),
            ("to_number('4')", json!(4)),
            ("sum(Vpcs[*].Size)", json!(6)),
            ("map(&Size, Vpcs)", json!([3, 1, 2])),
            ("not_null(Nothing, 'x')", json!("x")),
        ] {
            assert_eq!(found(expression), Ok(expected), "{expression}");
        }
        // Members keep the expression's order.
        assert_eq!(found("Vpcs[0].{b: VpcId, a: Size}").unwrap().to_string(), r#"{"b":"vpc-1","a":3}"#);
    }

    #[test]
    fn errors_are_sentences() {
        assert_eq!(
            found("length(Zero)").unwrap_err(),
            "In function length(), invalid type for value: 0, expected one of: ['string', 'array', 'object'], received: \
             \"number\""
        );
        assert_eq!(found("nope(@)").unwrap_err(), "Unknown function: nope()");
        assert_eq!(found("length()").unwrap_err(), "Expected 1 argument for function length(), received 0");
        assert!(found("Vpcs[0:1:0]").unwrap_err().contains("zero"));
        for expression in ["", "Vpcs[", "a b", "'x", &"(".repeat(200), &"a.".repeat(2000)] {
            assert!(Query::parse(expression).is_err(), "{expression}");
        }
    }

    proptest! {
        #[test]
        fn any_expression_is_harmless(expression in "[a-bVpcs.*\\[\\]{}()@&|!?:`'\"<=, 0-2-]{0,24}") {
            if let Ok(query) = Query::parse(&expression) {
                let _ = query.search(&document());
            }
        }
    }
}

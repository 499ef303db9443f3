//! The values of model-driven options: scalars, lists, shorthand, JSON.

use super::shorthand;
use super::usage::UsageError;
use crate::api::model::{Member, ServiceModel, Shape};
use serde_json::{Map, Value, json};

pub(super) fn input_json(text: &str) -> Result<Map<String, Value>, UsageError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(UsageError::parameter("cli-input-json", format!("Invalid JSON received.\nJSON received: {text}"))),
    }
}

/// The value of a model-driven option from its words.
pub(super) fn member_value(
    model: &ServiceModel,
    member: &Member,
    option: &str,
    values: &[String],
) -> Result<Value, UsageError> {
    let shape = model.shape(&member.shape);
    let text = values.first().map(String::as_str).unwrap_or_default();
    let looks_like_json = text.trim_start().starts_with(['[', '{']);
    match shape {
        Shape::List(list) => {
            let element = model.shape(list.element());
            if let [only] = values
                && only.trim_start().starts_with('[')
            {
                return json_value(option, only);
            }
            if matches!(element, Shape::Structure(_) | Shape::List(_) | Shape::Map(_)) && !looks_like_json {
                let parsed = values.iter().map(|value| shorthand_value(model, element, option, value));
                return parsed.collect::<Result<Vec<_>, _>>().map(Value::Array);
            }
            let parsed = values.iter().map(|value| element_value(element, option, value));
            parsed.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Shape::Map(_) if !looks_like_json => shorthand_value(model, shape, option, text),
        Shape::Structure(structure) if !looks_like_json => {
            // A structure of one text called Value may be given as that text: --instance-type t2.micro.
            match &structure.members[..] {
                [only]
                    if only.name == "Value"
                        && matches!(model.shape(&only.shape), Shape::String(_))
                        && !text.contains('=') =>
                {
                    Ok(json!({ "Value": text }))
                }
                _ => shorthand_value(model, shape, option, text),
            }
        }
        _ => element_value(shape, option, text),
    }
}

/// One value that is not shorthand: a scalar, or a structure as JSON.
fn element_value(shape: &Shape, option: &str, text: &str) -> Result<Value, UsageError> {
    match shape {
        Shape::Structure(_) | Shape::List(_) | Shape::Map(_) => json_value(option, text),
        Shape::Double => {
            let message = format!("expected a number, got '{text}'");
            text.trim().parse::<f64>().map(Value::from).map_err(|_| UsageError::parameter(option, message))
        }
        Shape::Integer(_) | Shape::Long(_) => {
            let message = format!("expected an integer, got '{text}'");
            text.trim().parse::<i64>().map(Value::from).map_err(|_| UsageError::parameter(option, message))
        }
        Shape::Boolean => Ok(Value::Bool(!text.eq_ignore_ascii_case("false") && !text.is_empty())),
        Shape::String(_) | Shape::Timestamp | Shape::Blob => Ok(Value::from(text)),
    }
}

fn shorthand_value(model: &ServiceModel, shape: &Shape, option: &str, text: &str) -> Result<Value, UsageError> {
    let parsed = shorthand::parse(text).map_err(|error| UsageError::parameter(option, error))?;
    shorthand::coerce(model, shape, parsed).map_err(|error| UsageError::parameter(option, error))
}

fn json_value(option: &str, text: &str) -> Result<Value, UsageError> {
    let message = |error| format!("Invalid JSON: {error}\nJSON received: {text}");
    serde_json::from_str(text).map_err(|error| UsageError::parameter(option, message(error)))
}

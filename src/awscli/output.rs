//! What the terminal shows: the answer as JSON, table or text, or the error, and the exit code.
//!
//! Source: AWS CLI user guide, "Output format" and "Return codes"; messages as public transcripts of version 2.34 show them.

use super::globals::{Globals, OutputFormat};
use super::query::Query;
use super::usage::{UsageError, UsageErrorKind};
use super::{table, text};
use crate::api::model::{ServiceModel, Shape, Structure};
use crate::api::{ApiError, Service, timestamp};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value};

/// What error messages begin with in public transcripts of recent version 2 (2.34); older ones have no such beginning.
pub const ERROR_PREFIX: &str = "\naws: [ERROR]: ";

const USAGE: &str = "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\
                     To see help text, you can run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n\n";

/// What a command leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandOutput {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// 0 success, 252 usage, 254 the service refused, 255 anything else.
    pub exit_code: u8,
}

impl CommandOutput {
    /// The answer of an operation, printed; nothing if the answer is empty.
    pub fn success(document: &Value) -> CommandOutput {
        let is_empty = document.as_object().is_some_and(Map::is_empty);
        let stdout = if is_empty { String::new() } else { pretty(document) + "\n" };
        CommandOutput { stdout, stderr: String::new(), exit_code: 0 }
    }

    /// The answer of `operation` as `globals` want it: what `--query` finds in it, in the format of `--output`.
    pub fn answer(operation: &str, globals: &Globals, document: &Value) -> CommandOutput {
        let found = match search(globals, document) {
            Ok(found) => found,
            Err(complaint) => return CommandOutput::failure(&complaint),
        };
        let stdout = match globals.output {
            OutputFormat::Json => return CommandOutput::success(&found),
            OutputFormat::Text => text::format(&found),
            OutputFormat::Table => match table::format(operation, &found) {
                Ok(stdout) => stdout,
                Err(complaint) => return CommandOutput::failure(&complaint),
            },
        };
        CommandOutput { stdout, stderr: String::new(), exit_code: 0 }
    }

    /// The answers of a paged operation as text: the query is asked of each page by itself, as the CLI does; `resume` is the token that
    /// `--max-items` left.
    pub fn text_pages(globals: &Globals, pages: &[Value], resume: Option<&str>) -> CommandOutput {
        let last = resume.map(|token| serde_json::json!({"NextToken": {"NextToken": token}}));
        let mut stdout = String::new();
        for page in pages.iter().chain(&last) {
            match search(globals, page) {
                Ok(found) => stdout.push_str(&text::format(&found)),
                // What was printed stays printed.
                Err(complaint) => return CommandOutput { stdout, ..CommandOutput::failure(&complaint) },
            }
        }
        CommandOutput { stdout, stderr: String::new(), exit_code: 0 }
    }

    /// The service refused the call.
    pub fn service_error(operation: &str, error: &ApiError) -> CommandOutput {
        let ApiError { code, message, .. } = error;
        let stderr =
            format!("{ERROR_PREFIX}An error occurred ({code}) when calling the {operation} operation: {message}\n");
        CommandOutput { stdout: String::new(), stderr, exit_code: 254 }
    }

    /// No answer came, or none that could be read: `Connect timeout on endpoint URL: "https://..."`.
    pub fn failure(message: &str) -> CommandOutput {
        CommandOutput { stdout: String::new(), stderr: format!("{ERROR_PREFIX}{message}\n"), exit_code: 255 }
    }

    /// The command line was refused.
    pub fn usage(error: &UsageError) -> CommandOutput {
        let UsageError { kind, message, suggestion, .. } = error;
        let suggestion = match suggestion {
            Some(suggestion) => format!("\n\nmaybe you meant:\n\n  * {suggestion}"),
            None => String::new(),
        };
        let stderr = match kind {
            UsageErrorKind::Syntax => {
                format!("{ERROR_PREFIX}An error occurred (ParamValidation): {message}{suggestion}\n\n{USAGE}")
            }
            UsageErrorKind::UnknownOptions => format!("\n{USAGE}{ERROR_PREFIX}{message}\n"),
            UsageErrorKind::Parameter => format!("{ERROR_PREFIX}An error occurred (ParamValidation): {message}\n"),
            UsageErrorKind::Unsupported => format!("\nvpcsim: {message}\n"),
        };
        CommandOutput { stdout: String::new(), stderr, exit_code: 252 }
    }
}

fn search(globals: &Globals, document: &Value) -> Result<Value, String> {
    match &globals.query {
        None => Ok(document.clone()),
        Some(expression) => Query::parse(expression)?.search(document),
    }
}

/// JSON as Python's `json.dumps(indent=4, ensure_ascii=False)` writes it.
fn pretty(document: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"    "));
    // A Value has only string keys and writing to memory does not fail; and what it writes is UTF-8.
    let written = document.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "serialising a Value to memory");
    String::from_utf8(bytes).unwrap_or_default()
}

/// An answer as the CLI shows it: members in the model's order, timestamps in its notation. What the model does not know
/// stays, at the end.
pub fn printable(service: Service, operation: &str, document: Value) -> Value {
    let model = service.model();
    structure(model, model.output(operation), document)
}

fn structure(model: &ServiceModel, shape: &Structure, value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut ordered = Map::new();
    for member in &shape.members {
        if let Some(value) = fields.shift_remove(&member.name) {
            ordered.insert(member.name.clone(), shown(model, model.shape(&member.shape), value));
        }
    }
    ordered.append(&mut fields);
    Value::Object(ordered)
}

fn shown(model: &ServiceModel, shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Structure(inner), value) => structure(model, inner, value),
        (Shape::List(list), Value::Array(values)) => {
            let element = model.shape(list.element());
            values.into_iter().map(|value| shown(model, element, value)).collect()
        }
        (Shape::Map(map), Value::Object(fields)) => {
            let element = model.shape(map.element());
            fields.into_iter().map(|(key, value)| (key, shown(model, element, value))).collect()
        }
        // DynamoDB's dates are seconds since 1970.
        (Shape::Timestamp, Value::Number(number)) => number
            .as_f64()
            .and_then(timestamp::from_unix_seconds)
            .map_or(Value::Number(number), |date| timestamp::cli(date).into()),
        (Shape::Timestamp, Value::String(text)) => timestamp::parse(&text).map_or(text, timestamp::cli).into(),
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_printed_in_the_models_order() {
        let endpoint = json!({"VpcEndpoint": {
            "CreationTimestamp": "2017-07-26T22:00:14.000Z", "RouteTableIds": [], "VpcEndpointId": "vpce-9b15e2f2",
        }});
        let output = CommandOutput::success(&printable(Service::Ec2, "CreateVpcEndpoint", endpoint));
        let expected = r#"{
    "VpcEndpoint": {
        "VpcEndpointId": "vpce-9b15e2f2",
        "RouteTableIds": [],
        "CreationTimestamp": "2017-07-26T22:00:14+00:00"
    }
}
"#;
        assert_eq!(output, CommandOutput { stdout: expected.to_owned(), stderr: String::new(), exit_code: 0 });
        assert_eq!(CommandOutput::success(&json!({})).stdout, "");
    }

    #[test]
    fn errors_and_their_exit_codes() {
        let error = ApiError::new("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
        let output = CommandOutput::service_error("CreateVpcEndpoint", &error);
        let expected = "\naws: [ERROR]: An error occurred (InvalidVpcID.NotFound) when calling the CreateVpcEndpoint \
                        operation: The vpc ID 'vpc-1' does not exist\n";
        assert_eq!((output.stderr.as_str(), output.exit_code), (expected, 254));
        let message = "Connect timeout on endpoint URL: \"https://dynamodb.us-east-1.amazonaws.com/\"";
        let output = CommandOutput::failure(message);
        assert_eq!((output.stderr, output.exit_code), (format!("\naws: [ERROR]: {message}\n"), 255));
        let refuse = |line: &str| CommandOutput::usage(&parse(line).unwrap_err());
        let output = refuse("aws ec2 create-vpc-endpoint --service-name x");
        assert!(output.stderr.starts_with(
            "\naws: [ERROR]: An error occurred (ParamValidation): the following arguments are required: --vpc-id\n\nusage: aws "
        ));
        assert_eq!(output.exit_code, 252);
        assert!(
            refuse("aws ec2 describe-vpcs --vcp-ids x")
                .stderr
                .ends_with("\naws: [ERROR]: Unknown options: --vcp-ids, x\n")
        );
        assert!(refuse("aws ec2 describe-vcps").stderr.contains("maybe you meant:\n\n  * describe-vpcs\n"));
        let query = refuse("aws ec2 describe-vpcs --query Vpcs[");
        assert!(query.stderr.contains("Bad value for --query Vpcs[: "), "{}", query.stderr);
        let yaml = refuse("aws ec2 describe-vpcs --output yaml");
        assert!(yaml.stderr.starts_with("\nvpcsim: vpcsim prints JSON, tables and text"), "{}", yaml.stderr);
    }
}

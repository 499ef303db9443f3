//! One command from its first call to its exit: a small state machine without I/O.
//!
//! A dry operator hands [`Command::parameters`] to control and gives the result to [`Command::answered`]. A host sends
//! [`Command::request`] and gives what came to [`Command::received`] or [`Command::failed`]. `None` means: another page, call again.

use super::globals::OutputFormat;
use super::grammar::Invocation;
use super::output::{self, CommandOutput};
use super::paging::{Next, Pager};
use super::request::{Environment, ServiceRequest};
use super::usage::UsageError;
use crate::api::{ApiError, Service, json, xml};
use crate::rng::Stream;
use serde_json::Value;

/// A running command.
#[derive(Clone, Debug)]
pub struct Command {
    invocation: Invocation,
    pager: Pager,
}

impl Command {
    /// Starts the command.
    pub fn new(invocation: Invocation) -> Command {
        let pager = Pager::new(&invocation);
        Command { invocation, pager }
    }

    /// What was typed.
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// The parameters of the call to make now.
    pub fn parameters(&self) -> &Value {
        self.pager.parameters()
    }

    /// The call to make now, as it travels.
    ///
    /// # Errors
    /// As [`ServiceRequest::new`].
    pub fn request(&self, environment: &Environment, stream: &mut Stream) -> Result<ServiceRequest, UsageError> {
        ServiceRequest::new(&self.invocation, self.parameters(), environment, stream)
    }

    /// Takes control's answer: a document, or AWS's refusal.
    pub fn answered(&mut self, answer: Result<Value, ApiError>) -> Option<CommandOutput> {
        let Invocation { service, operation, ref globals, .. } = self.invocation;
        match answer {
            Err(error) => Some(CommandOutput::service_error(operation, &error)),
            Ok(document) => match self.pager.answer(output::printable(service, operation, document)) {
                Next::Page => None,
                Next::Done(_) if globals.output == OutputFormat::Text && self.pager.is_paged() => {
                    let (pages, resume) = self.pager.pages();
                    Some(CommandOutput::text_pages(globals, pages, resume))
                }
                Next::Done(document) => Some(CommandOutput::answer(operation, globals, &document)),
                Next::Failed(complaint) => Some(CommandOutput::failure(&complaint)),
            },
        }
    }

    /// Takes an HTTP answer.
    pub fn received(&mut self, status: u16, body: &[u8]) -> Option<CommandOutput> {
        let Invocation { service, operation, .. } = self.invocation;
        let refused = status >= 300;
        let answer = match service {
            Service::DynamoDb if refused => Err(json::decode_error(status, body)),
            Service::DynamoDb => match json::decode_response(service, operation, body) {
                Some(document) => Ok(document),
                None => return Some(unreadable("JSON", "not a JSON object", body)),
            },
            Service::Ec2 => {
                let text = String::from_utf8_lossy(body);
                if refused {
                    let unnamed = || ApiError { code: status.to_string(), message: String::new(), status };
                    Err(xml::decode_error(&text, status).unwrap_or_else(unnamed))
                } else {
                    match xml::decode_response(operation, &text) {
                        Ok(document) => Ok(document),
                        Err(error) => return Some(unreadable("XML", &error.to_string(), body)),
                    }
                }
            }
        };
        self.answered(answer)
    }

    /// Takes the news that no answer came: `Connect timeout on endpoint URL: "https://..."`.
    pub fn failed(&self, message: &str) -> CommandOutput {
        CommandOutput::failure(message)
    }
}

/// How much of an unreadable answer the message shows.
const SHOWN_BYTES_MAX: usize = 200;

fn unreadable(format: &str, problem: &str, body: &[u8]) -> CommandOutput {
    let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES_MAX)]);
    let message = format!(
        "Unable to parse response ({problem}), invalid {format} received. Further retries may succeed:\n{shown}"
    );
    CommandOutput::failure(&message)
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::*;
    use serde_json::json;

    fn command(line: &str) -> Command {
        Command::new(parse(line).unwrap())
    }

    #[test]
    fn the_tutorials_list_tables() {
        let output = command("aws dynamodb list-tables").received(200, br#"{"TableNames":[]}"#).unwrap();
        assert_eq!((output.stdout.as_str(), output.exit_code), ("{\n    \"TableNames\": []\n}\n", 0));
    }

    #[test]
    fn pages_over_the_wire() {
        let mut command = command("aws dynamodb list-tables");
        assert_eq!(command.received(200, br#"{"TableNames":["a"],"LastEvaluatedTableName":"a"}"#), None);
        assert_eq!(command.parameters(), &json!({"ExclusiveStartTableName": "a"}));
        let output = command.received(200, br#"{"TableNames":["b"]}"#).unwrap();
        assert_eq!(output.stdout, "{\n    \"TableNames\": [\n        \"a\",\n        \"b\"\n    ]\n}\n");
    }

    #[test]
    fn refusals_and_rubbish() {
        let error = ApiError::new("UnauthorizedOperation", "You are not authorized to perform this operation.");
        let xml = xml::encode_error(&error, "id");
        let output = command("aws ec2 describe-vpcs").received(403, xml.as_bytes()).unwrap();
        assert!(output.stderr.contains("(UnauthorizedOperation) when calling the DescribeVpcs operation: You are not"));
        assert_eq!(output.exit_code, 254);
        let output = command("aws ec2 describe-vpcs").received(502, b"<html>").unwrap();
        assert!(output.stderr.contains("An error occurred (502) when calling"));
        for service in ["ec2 describe-vpcs", "dynamodb list-tables"] {
            let output = command(service).received(200, b"busy").unwrap();
            assert!(output.stderr.contains("Unable to parse response"), "{}", output.stderr);
            assert_eq!(output.exit_code, 255);
        }
    }

    #[test]
    fn an_operator_without_a_host() {
        let mut command = command("aws ec2 modify-instance-attribute --instance-id i-12345678 --groups sg-1 sg-2");
        assert_eq!(command.parameters(), &json!({"InstanceId": "i-12345678", "Groups": ["sg-1", "sg-2"]}));
        assert_eq!(command.answered(Ok(json!({}))).unwrap().stdout, "");
    }
}

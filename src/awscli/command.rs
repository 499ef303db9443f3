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
use crate::api::{ApiError, Service, json, rest_xml, xml};
use crate::rng::Stream;
use serde_json::{Map, Value};

/// A running command.
#[derive(Clone, Debug)]
pub struct Command {
    invocation: Invocation,
    pager: Pager,
    /// Whether S3 has sent it to the bucket's Region already.
    redirected: bool,
}

impl Command {
    /// Starts the command.
    pub fn new(invocation: Invocation) -> Command {
        let pager = Pager::new(&invocation);
        Command { invocation, pager, redirected: false }
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
                Next::Done(_) if self.invocation.listing.is_some() => {
                    let listing = self.invocation.listing.as_ref()?;
                    Some(listing.output(self.pager.pages().0))
                }
                Next::Done(_) if globals.output == OutputFormat::Text && self.pager.is_paged() => {
                    let (pages, resume) = self.pager.pages();
                    Some(CommandOutput::text_pages(globals, pages, resume))
                }
                Next::Done(document) => Some(CommandOutput::answer(operation, globals, &document)),
                Next::Failed(complaint) => Some(CommandOutput::failure(&complaint)),
            },
        }
    }

    /// Takes an HTTP answer. `None` also when S3 says that the bucket lies in another Region: then the same call goes there, once, as botocore does.
    pub fn received(&mut self, status: u16, headers: &[(String, String)], body: &[u8]) -> Option<CommandOutput> {
        let Invocation { service, operation, .. } = self.invocation;
        let refused = status >= 300;
        let answer = match service {
            Service::DynamoDb if refused => Err(json::decode_error(status, body)),
            Service::DynamoDb => match json::decode_response(service, operation, body) {
                Some(document) => Ok(document),
                None => return Some(unreadable("JSON", "not a JSON object", body)),
            },
            Service::S3 if refused => {
                let (error, details) = rest_xml::decode_error(status, phrase(status), body);
                if self.follows_to_region(&error, &details, headers) {
                    return None;
                }
                Err(with_region_advice(error, &details))
            }
            Service::S3 => match rest_xml::decode_response(operation, headers, body) {
                Ok(document) => Ok(decoded_keys(&self.invocation, document)),
                Err(error) => return Some(unreadable("XML", &error.to_string(), body)),
            },
            Service::Sts => {
                let text = String::from_utf8_lossy(body);
                if refused {
                    let unnamed = || ApiError { code: status.to_string(), message: String::new(), status };
                    Err(xml::decode_sts_error(&text, status).unwrap_or_else(unnamed))
                } else {
                    match xml::decode_sts_response(operation, &text) {
                        Ok(document) => Ok(document),
                        Err(error) => return Some(unreadable("XML", &error.to_string(), body)),
                    }
                }
            }
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

    /// Turns to the Region that S3 names for the bucket, unless it did so before.
    fn follows_to_region(
        &mut self,
        error: &ApiError,
        details: &Map<String, Value>,
        headers: &[(String, String)],
    ) -> bool {
        let is_wrong_region = error.code == "PermanentRedirect"
            || (error.code == "AuthorizationHeaderMalformed" && details.contains_key("Region"))
            || matches!(error.status, 301 | 302 | 307)
            || (error.code == "400" && self.invocation.operation == "HeadObject");
        let by_header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-bucket-region"));
        let region = by_header.map(|(_, region)| region.as_str()).or(details.get("Region").and_then(Value::as_str));
        let has_bucket = self.parameters().get("Bucket").is_some();
        match region {
            Some(region) if is_wrong_region && has_bucket && !self.redirected => {
                self.redirected = true;
                self.invocation.globals.region = Some(region.to_owned());
                true
            }
            _ => false,
        }
    }

    /// Takes the news that no answer came: `Connect timeout on endpoint URL: "https://..."`.
    pub fn failed(&self, message: &str) -> CommandOutput {
        CommandOutput::failure(message)
    }
}

/// What the CLI adds to S3's sentence about a redirection that did not help.
fn with_region_advice(mut error: ApiError, details: &Map<String, Value>) -> ApiError {
    if error.code == "PermanentRedirect" {
        let endpoint = details.get("Endpoint").and_then(Value::as_str).unwrap_or_default();
        let sentence = error.message.strip_suffix('.').unwrap_or(&error.message);
        error.message = format!(
            "{sentence}: {endpoint}\nYou can fix this issue by explicitly providing the correct region location using the \
             --region argument, the AWS_DEFAULT_REGION environment variable, or the region variable in the AWS CLI \
             configuration file.  You can get the bucket's location by running \"aws s3api get-bucket-location --bucket \
             BUCKET\"."
        );
    }
    error
}

/// Python's phrases of statuses, botocore's message where an answer has no body.
const fn phrase(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        416 => "Requested Range Not Satisfiable",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// Undoes `encoding-type=url` in a list, unless it was typed.
fn decoded_keys(invocation: &Invocation, mut document: Value) -> Value {
    let typed = invocation.parameters.get("EncodingType").is_some();
    if invocation.operation != "ListObjectsV2" || typed || document["EncodingType"] != "url" {
        return document;
    }
    let decode = |value: Option<&mut Value>| {
        if let Some(Value::String(text)) = value {
            *text = rest_xml::percent_decode(text);
        }
    };
    for member in ["Delimiter", "Prefix", "StartAfter"] {
        decode(document.get_mut(member));
    }
    for (list, member) in [("Contents", "Key"), ("CommonPrefixes", "Prefix")] {
        for element in document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            decode(element.get_mut(member));
        }
    }
    document
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
        let output = command("aws dynamodb list-tables").received(200, &[], br#"{"TableNames":[]}"#).unwrap();
        assert_eq!((output.stdout.as_str(), output.exit_code), ("{\n    \"TableNames\": []\n}\n", 0));
    }

    #[test]
    fn pages_over_the_wire() {
        let mut command = command("aws dynamodb list-tables");
        assert_eq!(command.received(200, &[], br#"{"TableNames":["a"],"LastEvaluatedTableName":"a"}"#), None);
        assert_eq!(command.parameters(), &json!({"ExclusiveStartTableName": "a"}));
        let output = command.received(200, &[], br#"{"TableNames":["b"]}"#).unwrap();
        assert_eq!(output.stdout, "{\n    \"TableNames\": [\n        \"a\",\n        \"b\"\n    ]\n}\n");
    }

    #[test]
    fn refusals_and_rubbish() {
        let error = ApiError::new("UnauthorizedOperation", "You are not authorized to perform this operation.");
        let xml = xml::encode_error(&error, "id");
        let output = command("aws ec2 describe-vpcs").received(403, &[], xml.as_bytes()).unwrap();
        assert!(output.stderr.contains("(UnauthorizedOperation) when calling the DescribeVpcs operation: You are not"));
        assert_eq!(output.exit_code, 254);
        let output = command("aws ec2 describe-vpcs").received(502, &[], b"<html>").unwrap();
        assert!(output.stderr.contains("An error occurred (502) when calling"));
        for service in ["ec2 describe-vpcs", "dynamodb list-tables"] {
            let output = command(service).received(200, &[], b"busy").unwrap();
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

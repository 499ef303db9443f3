//! What an API call can end with besides an answer, and what can be wrong with a document.

use std::fmt;

/// An error as AWS reports it: a code for programs, a message for people, an HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// AWS's code, `InvalidVpcID.NotFound`.
    pub code: String,
    /// AWS's sentence.
    pub message: String,
    /// The HTTP status it travels with.
    pub status: u16,
}

impl ApiError {
    /// An error with the status AWS uses for its code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        let status = status_of(&code);
        ApiError { code, message: message.into(), status }
    }

    /// What a permitted call with `DryRun` ends with: an error in form only.
    pub fn dry_run() -> Self {
        ApiError::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    }

    /// A required parameter is absent.
    pub fn missing_parameter(name: &str) -> Self {
        ApiError::new("MissingParameter", format!("The request must contain the parameter {name}"))
    }

    /// No such operation.
    pub fn invalid_action(action: &str) -> Self {
        ApiError::new("InvalidAction", format!("The action {action} is not valid for this web service."))
    }
}

/// HTTP statuses by code (EC2 API Reference, error codes; the documentation says no more than 400- and 500-series).
fn status_of(code: &str) -> u16 {
    match code {
        "AuthFailure" => 401,
        "UnauthorizedOperation" => 403,
        "DryRunOperation" => 412,
        "InternalError" | "InternalFailure" => 500,
        "RequestLimitExceeded" | "Unavailable" => 503,
        _ => 400,
    }
}

/// A document does not fit the model: a bug of whoever made it, not of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// Where: `VpcEndpoint.RouteTableIds[0]`; empty for the whole document.
    pub path: String,
    /// What was expected and what came.
    pub problem: String,
}

impl DocumentError {
    pub(crate) fn new(path: &str, problem: impl Into<String>) -> Self {
        DocumentError { path: path.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "document" } else { &self.path };
        write!(f, "{place}: {}", self.problem)
    }
}

impl std::error::Error for DocumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_choose_the_status() {
        assert_eq!(ApiError::dry_run().status, 412);
        assert_eq!(ApiError::new("UnauthorizedOperation", "").status, 403);
        assert_eq!(ApiError::new("InvalidVpcID.NotFound", "").status, 400);
        assert_eq!(ApiError::missing_parameter("VpcId").message, "The request must contain the parameter VpcId");
    }
}

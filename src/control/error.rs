//! Why an action was refused.

use crate::model::ModelError;

/// A refusal in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct ControlError {
    /// AWS's error code, `DependencyViolation`.
    pub code: &'static str,
    /// The sentence for people.
    pub message: String,
}

impl ControlError {
    /// A refusal with AWS's code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        ControlError { code, message: message.into() }
    }

    /// AWS can do it, this version cannot. Never silently ignored.
    pub fn unsupported(what: impl Into<String>) -> Self {
        ControlError::new("UnsupportedOperation", what)
    }
}

impl From<ModelError> for ControlError {
    fn from(error: ModelError) -> Self {
        ControlError { code: error.code, message: error.message }
    }
}

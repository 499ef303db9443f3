//! Why a call is refused, and how that looks on the wire.
//!
//! The framework's errors spell `Message` large, the validator's and the service's own small.
//! Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html; bodies as public captures show them.

use super::Reply;
use serde_json::json;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No POST, or no JSON.
    NotTheApi,
    /// No operation of the version spoken.
    UnknownOperation,
    /// The JSON, or its types.
    Serialization {
        /// What is wrong, if the framework says it.
        message: Option<String>,
    },
    /// No signature.
    MissingAuthenticationToken,
    /// Values that break the model's constraints, all of them.
    Constraints {
        /// A sentence each.
        violations: Vec<String>,
    },
    /// Values that make no sense: one sentence.
    Validation {
        /// The sentence.
        message: String,
    },
    /// One of the service's own exceptions.
    Exception {
        /// `ResourceNotFoundException`.
        kind: &'static str,
        /// The sentence.
        message: String,
    },
}

impl Fault {
    /// A `SerializationException`.
    pub fn serialization(message: Option<String>) -> Fault {
        Fault::Serialization { message }
    }

    /// A `ValidationException`.
    pub fn validation(message: impl Into<String>) -> Fault {
        Fault::Validation { message: message.into() }
    }

    /// A `ValidationException` that begins as most do.
    pub fn parameters(message: impl AsRef<str>) -> Fault {
        Fault::validation(format!("One or more parameter values were invalid: {}", message.as_ref()))
    }

    /// What AWS can and this version cannot; never silently ignored.
    pub fn unsupported(what: &str) -> Fault {
        Fault::validation(format!("vpcsim does not simulate {what} yet."))
    }

    /// `ResourceInUseException`.
    pub fn in_use(message: impl Into<String>) -> Fault {
        Fault::Exception { kind: "ResourceInUseException", message: message.into() }
    }

    /// `ResourceNotFoundException`.
    pub fn not_found(message: impl Into<String>) -> Fault {
        Fault::Exception { kind: "ResourceNotFoundException", message: message.into() }
    }

    /// The sentence; empty if there is none.
    pub fn message(&self) -> String {
        match self {
            Fault::NotTheApi | Fault::UnknownOperation => String::new(),
            Fault::Serialization { message } => message.clone().unwrap_or_default(),
            Fault::MissingAuthenticationToken => "Missing Authentication Token".to_owned(),
            Fault::Constraints { violations } => {
                let errors = if violations.len() == 1 { "error" } else { "errors" };
                format!("{} validation {errors} detected: {}", violations.len(), violations.join("; "))
            }
            Fault::Validation { message } | Fault::Exception { message, .. } => message.clone(),
        }
    }

    pub(super) fn reply(self) -> Reply {
        let framework = "com.amazon.coral.service#";
        let message = self.message();
        let body = match self {
            Fault::NotTheApi => return Reply::text(404, "<UnknownOperationException/>\n".to_owned()),
            Fault::UnknownOperation => json!({"__type": format!("{framework}UnknownOperationException")}),
            Fault::Serialization { message: None } => json!({"__type": format!("{framework}SerializationException")}),
            Fault::Serialization { message: Some(message) } => {
                json!({"__type": format!("{framework}SerializationException"), "Message": message})
            }
            Fault::MissingAuthenticationToken => {
                json!({"__type": format!("{framework}MissingAuthenticationTokenException"), "Message": message})
            }
            Fault::Constraints { .. } | Fault::Validation { .. } => {
                json!({"__type": "com.amazon.coral.validate#ValidationException", "message": message})
            }
            Fault::Exception { kind, .. } => {
                json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message})
            }
        };
        Reply::json(400, &body)
    }
}

//! What the model refuses, with the code and message AWS's API gives.
//!
//! Messages marked "unverified" were not seen verbatim in public; their codes are AWS's
//! (docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).

/// A refused change. The model is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct ModelError {
    /// AWS's error code, `InvalidSubnet.Conflict`.
    pub code: &'static str,
    /// AWS's message.
    pub message: String,
}

impl ModelError {
    /// A refusal with AWS's code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        ModelError { code, message: message.into() }
    }

    /// "The vpc ID 'vpc-1' does not exist" and its kin.
    pub fn not_found(code: &'static str, kind: &str, id: impl std::fmt::Display) -> Self {
        ModelError::new(code, format!("The {kind} ID '{id}' does not exist"))
    }

    /// "The vpc 'vpc-1' has dependencies and cannot be deleted."
    pub fn dependency(kind: &str, id: impl std::fmt::Display) -> Self {
        ModelError::new("DependencyViolation", format!("The {kind} '{id}' has dependencies and cannot be deleted."))
    }

    /// The address or interface belongs to a NAT gateway, endpoint or transit gateway. Unverified wording.
    pub fn managed_by_aws() -> Self {
        ModelError::new("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
    }

    /// A quota is used up.
    pub fn quota(code: &'static str, what: &str, limit: impl std::fmt::Display) -> Self {
        ModelError::new(code, format!("The maximum number of {what} has been reached ({limit})."))
    }
}

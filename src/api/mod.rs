//! AWS's APIs as bytes: the EC2 Query protocol, DynamoDB's JSON protocol, S3's REST protocol and STS's Query protocol, driven by botocore's model.
//!
//! Purpose: one table (the model, trimmed by `scripts/trim-botocore-model`) says which operations, parameters and answers
//! exist, how they are called on the wire, and in which order the CLI prints them; the codecs here walk it. Nothing about
//! an operation is written by hand, so a field cannot be misspelt.
//!
//! A *document* is a `serde_json::Value` whose keys are the model's member names (`RouteTableIds`), as the CLI prints
//! them: strings, integers, booleans, lists and structures; timestamps are strings in EC2's wire notation
//! (`2017-07-26T22:00:14.000Z`), blobs are base64 text. It is what control and the CLI exchange.
//!
//! Non-goals: meaning (control), transport (host), signatures (host). Invariants: decoding never panics, whatever the
//! bytes; what the encoders write, botocore reads back as the same document (`tests/api_botocore.rs`).
//! Sources: docs.aws.amazon.com/AWSEC2/latest/APIReference (making requests, error responses), botocore's `ec2` protocol.

pub use crate::wire::base64;
pub mod describe;
pub mod documents;
pub mod error;
pub mod execute;
pub mod filter;
pub mod json;
pub mod model;
pub mod paging;
pub mod query;
pub mod rest_xml;
pub mod timestamp;
pub mod xml;

#[cfg(test)]
mod arbitrary;

pub use error::{ApiError, DocumentError};
pub use model::{Service, ServiceModel};

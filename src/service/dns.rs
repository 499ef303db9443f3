//! The VPC's DNS resolver: the zone of names it knows. Messages are read and written by [`crate::wire::dns`].
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html

mod zone;

pub use crate::wire::dns::{Answer, answer};
pub use zone::{NameError, Zone};

//! (stub)

pub mod certificate;
pub mod tls;

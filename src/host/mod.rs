//! (stub)

pub mod certificate;
pub mod http;
pub mod tls;

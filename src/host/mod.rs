//! (stub)

pub mod certificate;
pub mod dhcp;
pub mod http;
pub mod platform;
pub mod sigv4;
pub mod tls;

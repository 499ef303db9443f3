//! What answers at the far end: bytes or requests in, answers out. No sockets, no clock, no packets.

pub mod dns;
pub mod dynamodb;
pub mod s3;
pub mod sts;

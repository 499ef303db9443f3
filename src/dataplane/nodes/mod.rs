//! What each kind of node does with a packet: one file per kind.

pub(super) mod eni;
pub(super) mod gateway_endpoint;
pub(super) mod internet;
pub(super) mod internet_gateway;
pub(super) mod router;

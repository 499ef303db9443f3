//! What each kind of node does with a packet: one file per kind.

pub(crate) mod eni;
pub(super) mod forwarder;
pub(super) mod gateway_endpoint;
pub(super) mod interface_endpoint;
pub(super) mod internet;
pub(super) mod internet_gateway;
pub(super) mod nat_gateway;
pub(super) mod on_premises;
pub(super) mod peering;
pub(crate) mod plain_router;
pub(super) mod router;
pub(super) mod transit_gateway;
pub(super) mod virtual_interface;
pub(super) mod vpn_connection;
pub(super) mod vpn_gateway;

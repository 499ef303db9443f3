//! Whole hosts against each other on a tiny in-test wire.

mod calls;
mod limits;
mod middle;
mod mtu;
mod wire;

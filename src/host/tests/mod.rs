//! Whole hosts against each other on a tiny in-test wire.

mod calls;
mod limits;
mod wire;

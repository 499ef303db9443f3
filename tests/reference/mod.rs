//! The naive reference walk: AWS's words about packets, put down as plain loops over the model.
//!
//! Purpose: a second opinion. It knows no compiled program, no forwarding table and no frame: it reads routes, rules and lists as
//! the user wrote them, one after another, for every packet anew. Where it and the data plane differ, one of them has AWS wrong.
//! Non-goals: speed, bytes (except in [`frames`]), links, time other than session timeouts.
//! Invariant, checked by `tests/layering.rs`: only [`subject`] and [`frames`], which drive the thing under test, may name
//! `vpcsim::{compile, program, dataplane, lpm, wire}`.
//! Sources: the pages named at each rule, docs.aws.amazon.com/vpc/latest/userguide unless said otherwise.

#![allow(missing_docs, unreachable_pub, reason = "part of one test, not of an interface")]
#![allow(
    clippy::result_large_err,
    clippy::wrong_self_convention,
    reason = "to_ and from_ are where packets go; what ends one carries it"
)]

pub mod changes;
#[cfg(test)]
mod examples;
pub mod frames;
pub mod interconnects;
pub mod models;
pub mod networks;
pub mod packet;
#[cfg(test)]
mod road_examples;
pub mod roads;
pub mod routes;
pub mod rules;
pub mod subject;
pub mod tracking;
pub mod traffic;
pub mod translation;
pub mod world;

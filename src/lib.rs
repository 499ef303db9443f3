//! vpcsim: a userspace, packet-level simulator of an AWS VPC's data plane.

// L0 vocabulary
pub mod calendar;
pub mod ids;
pub mod lpm;
pub mod net;
pub mod rng;
pub mod time;
pub mod wire;
// L1 intent
pub mod model;
// L2 program
pub mod compile;
pub mod program;
// L3 data plane
pub mod dataplane;
// L4 worlds
pub mod control;
pub mod host;
pub mod service;
pub mod sim;
// L5 edges, pure
pub mod api;
pub mod awscli;
pub mod explain;
pub mod capture;
pub mod metrics;
pub mod run;
pub mod scenario;
// L6 shell
pub mod cli;

//! A trace tells what a run shows: on every shipped scenario, after every step, the same road and the same reason.
//!
//! What a run finds by sending packets, with hosts, links and time, `explain::trace` must find by one walk over the same network. Steps that
//! one static probe cannot stand for are listed in [`OUT_OF_REACH`], each with why.

use std::collections::BTreeMap;
use vpcsim::awscli::{self, Environment, endpoint};
use vpcsim::explain::probe::{Probe, ProbeProtocol};
use vpcsim::explain::state::{self, State};
use vpcsim::explain::trace::{Traced, trace};
use vpcsim::rng::Seed;
use vpcsim::run::{HostResult, Progress, Run};
use vpcsim::scenario::{
    EMBEDDED, Kind, PacketAddress, PacketSpec, Scenario, Step, StepAction, Transport, parse,
};

/// Steps whose drops need more than a probe on a network at rest.
const OUT_OF_REACH: &[(&str, &str, &str)] = &[
    ("drops/no-private-address", "ssh", "the instance goes while the packet is on its way"),
    ("drops/resource-gone", "call", "the endpoint goes while the answer is on its way"),
    ("drops/link", "queue-full", "links' queues are not traced"),
    ("drops/link", "loss", "links' losses are not traced"),
    ("drops/malformed", "*", "probes are well-formed"),
    ("drops/unknown-mac", "stale-arp", "a probe asks ARP first"),
    ("drops/endpoint-source", "stranger", "a probe is a SYN: the endpoint refuses it for that"),
    ("drops/tracking-table-full", "third", "a trace's tracking is empty"),
    ("drops/source-check", "honest", "nobody listens: only the way there is compared"),
];

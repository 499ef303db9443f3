//! vpcsim: a userspace, packet-level simulator of an AWS VPC's data plane.
//!
//! Simulated EC2 network interfaces emit real Ethernet, IPv4, TCP and TLS packets into a virtual router that does longest-prefix match
//! against route tables whose destinations may be prefix lists, and forwards them to internet gateway, gateway endpoint and the other
//! places of a VPC. What happened comes out as pcapng captures, latency histograms and a report.
//!
//! # Bird's-eye view
//!
//! ```text
//! scenario file --scenario--> model  --compile-->  Program (small, flat, immutable)
//!                               ^                     |
//!   aws lines --awscli--> api --control          dataplane::step(&Program, &mut State, at, &mut Frame, now, &mut tap) -> Step
//!                                                     |
//!                                  sim: virtual time, links, hosts (TCP, TLS, HTTP, DNS), services
//!                                                     |
//!                        run: the timeline, observed by taps -> captures, histograms, result -> cli: files, terminal
//! ```
//!
//! A packet never reads the model, and [`dataplane::step`] is the only forwarding code: captures, reports and drivers watch or drive it. [`fastpath`] observes what
//! walks of it do to a flow and does that again for the flow's later packets; where it may not, it walks.
//!
//! # Code map
//!
//! An arrow of use only points to a lower layer, and within a layer only upwards in this list; `tests/layering.rs` reads every path.
//!
//! | layer | modules | what is there |
//! |---|---|---|
//! | L0 vocabulary | [`time`], [`calendar`], [`rng`], [`ids`], [`net`], [`wire`], [`lpm`] | simulated time, seeded streams, AWS ids, addresses, packet views and rewriting, the forwarding table |
//! | L1 intent | [`model`] | every resource as plain data, built by constructors that refuse as AWS does |
//! | L2 program | [`program`], [`compile`] | the compiled network; route priority, security groups, ACLs |
//! | L3 data plane | [`dataplane`], [`fastpath`] | `step`, `walk`, connection tracking, counters, drop reasons, taps; bursts of packets by memos of observed walks |
//! | L4 worlds | [`host`], [`service`], [`control`], [`traffic`], [`sim`] | end systems on smoltcp, what answers them, the control plane, synthetic load, the event loop |
//! | L5 edges | [`scenario`], [`api`], [`awscli`], [`programs`], [`explain`], [`cost`], [`lint`], [`codes`], [`diff`], [`capture`], [`metrics`], [`run`], [`lanes`], [`replay`] | pure, bytes in and bytes out: files' formats, the languages of `aws` and of other programs, one packet's story and its mend, remarks, costs, comparisons, captures, the timeline, one call over several roads, users' captures |
//! | L6 shell | [`live`], [`cli`] | the only place with files, a terminal, a clock, signals, interfaces of the machine |
//!
//! # Invariants
//!
//! - Same scenario and seed, same bytes out: time and randomness are arguments, events are totally ordered, hash maps are never iterated.
//! - Every packet is accounted for: injected + generated + fragments made = delivered + dropped + fragmented + absorbed + queued
//!   ([`sim::Conservation`]).
//! - A drop is an outcome with a [`dataplane::DropReason`], never an error, and silent on the wire where it is on AWS.
//! - A publication of a changed program disturbs neither state nor frames in flight.
//! - Everything that grows has a limit with its own error or drop reason.
//!
//! # Where this differs from AWS
//!
//! No IPv6: scenarios, programs and `aws` lines that ask for it are refused and told so, its frames are dropped ([`dataplane::DropReason::NotIpv4`]), AAAA
//! questions are answered empty. Hosts' TCP is smoltcp's: it resends without using SACK, sends no timestamps, and its retransmission timeout is never below 1 s; hosts
//! have no loopback. Instances start at once. Prefix lists
//! are AWS's published ip-ranges, collapsed. Latencies are chosen. Endpoint policies are kept and shown, not judged.
//! DynamoDB has tables, items and key queries, no indexes or expressions beyond; S3 has buckets and whole objects, STS one
//! user. See the README for the whole list.

// L0 vocabulary
pub mod time;
pub mod calendar;
pub mod rng;
pub mod ids;
pub mod net;
pub mod wire;
pub mod lpm;
// L1 intent
pub mod model;
// L2 program
pub mod program;
pub mod compile;
// L3 data plane
pub mod dataplane;
pub mod fastpath;
// L4 worlds
pub mod host;
pub mod service;
pub mod control;
pub mod traffic;
pub mod sim;
// L5 edges, pure
pub mod scenario;
pub mod api;
pub mod awscli;
pub mod programs;
pub mod explain;
pub mod cost;
pub mod lint;
pub mod codes;
pub mod diff;
pub mod capture;
pub mod metrics;
pub mod run;
pub mod lanes;
pub mod replay;
// L6 shell
pub mod live;
pub mod cli;

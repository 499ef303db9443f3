//! Replaying a user's capture through the VPC of a scenario.
//!
//! Purpose: packets of a pcap or pcapng file enter where they would have, meet the network of a scenario as it begins or after a step, and come out somewhere or are
//! lost for a reason. Bytes in, bytes out: files are the command's.
//!
//! | module | what is there |
//! |---|---|
//! | [`reader`] | pcap and pcapng as a stream; where a broken file breaks |
//! | [`link_layer`] | from the captured frame to its IPv4 packet |
//! | [`survey`], `direction`, `conversation` | whose NIC was captured; who sent a packet; who answers whom, and as what |
//! | `nic` | what the captured NIC sent, for who only wants traffic |
//! | `ends` | the hosts that packets are sent from |
//! | `repair`, `offload`, `sending` | lengths and checksums; what a NIC's segmentation offload left whole; addresses and ports |
//! | [`drive`] | the loop around [`crate::fastpath::Shard::one`], the only thing that forwards |
//! | `answer`, `arrival`, `outputs`, [`outcome`] | answers made up; how packets came out; the captures written; counts that add up |
//!
//! The captured machine is the `--at` host: its address in the capture ([`survey`]) becomes that host's own, at once with all checksums. What it begins leaves from that
//! host; the recorded answers then enter where the request came out, rewritten to what arrived there. What a peer begins enters at the host that has the peer's
//! address, and goes to the `--at` host's public address if the peer is out on the internet.
//!
//! Non-goals: programs (nobody listens, nothing is resent: a segment that is lost in the VPC does not change what the capture sends next), links (no latency, no
//! loss).
//!
//! Invariants: every packet read is delivered, dropped with a reason, answered or skipped with a reason ([`Counts::hold`]); memory does not grow with the file; the same
//! bytes in, the same bytes out.

mod address_map;
mod answer;
mod arrival;
mod conversation;
mod direction;
pub mod drive;
mod ends;
mod error;
pub mod link_layer;
mod nic;
mod offload;
pub mod outcome;
mod outputs;
pub mod reader;
mod repair;
mod sending;
pub mod survey;

pub use address_map::AddressMap;
pub use drive::{Options, Pace, Replay, Replies};
pub use error::{ReadError, ReplayError};
pub use nic::sent_from;
pub use outcome::{Counts, Document, InputPart, Skip};
pub use reader::{FileFormat, Next, Reader, Record};
pub use survey::Survey;

//! The fast path: the same forwarding, millions of packets a second.
//!
//! Purpose: [`Shard::run`] takes a burst of frames that hosts send through [`crate::dataplane::walk`], or, where it has seen a packet's flow before, does what that
//! walk did: it *memoises observed walks*. [`Shard::one`] does so with a single frame. Non-goals: links, time passing, what becomes of answers and pieces (drivers, as for `walk`); threads (the shell's).
//!
//! # How it is fast
//!
//! Frames lie in one slab ([`Batch`]), each slot a whole number of cache lines. A burst goes through staged loops, so that the loads of different packets overlap:
//!
//! 1. read the headers ([`crate::wire::FlowHead`]) and judge them by columns ([`crate::wire::Heads`]); what is not ordinary (SYN, FIN, RST, fragments, options, ICMP,
//!    broken headers) is for the walk;
//! 2. look the flow up in the table of flows: 16 bytes of a key, 64 of a memo, one cache line;
//! 3. in the packets' order: where the memo *admits* the packet apply it, else walk and observe.
//!
//! [`Shard::one`] does the same for one packet, for drivers whose next packet depends on what became of the last one.
//!
//! A memo is made by walking with an observing [`crate::dataplane::Tap`]: the headers before and after, the nodes passed, the verdict, and the [`Touch`]es: which
//! sessions were asked. It admits a packet of the same bytes as far as forwarding looks (sender, Ethernet addresses, five-tuple) if
//!
//! - it was made under the same program, and no other was adopted since;
//! - the time to live is left over, and the packet is no longer than one that was seen to pass;
//! - every session touched lives and is of the same generation, and where none was there still is none.
//!
//! Applying it writes what the walk wrote, renews the sessions as the walk would, and counts the packet by its path; counters of nodes are the sum over
//! paths, reckoned on reading. Invariant: bytes, verdict, state and counters are those of walking each packet in turn. `tests/fastpath_equivalence.rs` holds both side by side
//! through route and rule changes, expiry and reuse of sessions; [`Mutant`]s, each with one guard left out, must fail it.
//!
//! Not memoised: what is dropped, answered or split; what depends on rates (link-local services) or on who masquerades; ways through more than
//! four sessions.
//!
//! # Shards
//!
//! A [`Shard`] owns what it changes. [`Steering`] divides packets among sixteen of them so that they share nothing, and a worker has some of the sixteen: no locks, and the
//! same results with any number of workers. Ports of NAT gateways and quotas are divided with the packets ([`crate::dataplane::part`]).
//!
//! A network that is a single [`crate::program::PlainRouterNode`] has no memory: its packets are looked up in its table every time, in the same staged loops.

mod batch;
mod flow_cache;
mod key;
mod memo;
mod mutant;
mod observer;
mod path;
mod routing;
mod shard;
mod single;
mod stages;
mod steering;

pub use batch::{BURST_MAX, Batch, Outcome};
pub use mutant::Mutant;
pub use shard::{Shard, ShardStats};
pub use single::Passed;
pub use steering::{DATAGRAMS_KEPT, Steering, VIRTUAL_SHARDS};

#[cfg(doc)]
use crate::dataplane::Touch;

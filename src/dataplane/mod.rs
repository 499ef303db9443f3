//! The forwarding code, the only one.
//!
//! Purpose: [`step`] takes one packet one node further; [`walk`] takes it to its verdict. Simulator, trace, capture, report and
//! benchmark all drive or watch these. Non-goals: time passing (drivers), links (`sim`), the model.
//! Invariants: a step neither allocates (a new session or a new node's counters aside) nor fails: whatever a packet is, it goes on, is delivered, answered or
//! dropped with a reason. Every packet a node receives leaves by exactly one of those, and the counters say which.
//!
//! # The way of a packet
//!
//! Who enters where: a driver hands a host's frame to the node the host is attached to, with `meta.from == None`. From there on [`step`] itself keeps
//! `meta.from` and `meta.steps`; the driver only carries the frame to the node (and over the link) that [`Step::Forward`] names.
//!
//! | node | from its host | from another node |
//! |---|---|---|
//! | interface | link-local services, source check, security groups out | security groups in, destination check |
//! | router | - | ACL out, route table, ACL in |
//! | internet gateway | - | private to public address, or back |
//! | gateway endpoint | the service's answers: TCP and echo replies from the list | TCP and echo requests to the list |
//! | internet | by destination | by destination |
//!
//! Sources: docs.aws.amazon.com/vpc/latest/userguide (RouteTables, vpc-security-groups, nacl-basics, VPC_Internet_Gateway),
//! docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html.

pub mod conntrack;
pub mod counters;
mod drop;
mod frame;
mod network_acl;
mod nodes;
mod security_groups;
mod tap;
mod visit;

pub use drop::{DropFacts, DropReason};
pub use frame::{Frame, PacketId, PacketMeta};
pub use tap::{Decision, Direction, NoTap, SecurityVerdict, Tap};

use crate::program::{HostIx, LinkIx, Node, NodeIx, Program};
use crate::time::SimTime;
use visit::Visit;

/// How many nodes a packet may visit. The longest road (interface, router, gateway, internet, gateway, router, interface) has seven.
pub const STEPS_MAX: u8 = 16;

/// What a node made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// On to the next node, over a link if there is one between (`None`: at once).
    Forward(NodeIx, Option<LinkIx>),
    /// To an end system, over its link.
    Deliver(HostIx),
    /// The node answers the packet itself: the frame now holds the answer, for the host that sent the packet.
    Reply,
    /// The end.
    Drop(DropReason),
}

/// What packets leave behind: connection tracking and counters. One per shard.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Sessions of the security groups.
    pub conntrack: conntrack::Conntrack,
    /// What passed where.
    pub counters: counters::Counters,
}

/// A packet's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The node that decided.
    pub at: NodeIx,
    /// Deliver, Reply or Drop.
    pub step: Step,
}

/// Takes the packet in `frame` through node `at`.
///
/// On [`Step::Forward`], `meta.from` and `meta.steps` are set for the next step; a gateway endpoint sets `meta.via_endpoint`. A packet that has
/// been through [`STEPS_MAX`] nodes is dropped with [`DropReason::WalkTooLong`]. `at` must be an index of `program`; any other drops with
/// [`DropReason::ResourceGone`].
pub fn step<T: Tap>(
    program: &Program,
    state: &mut State,
    at: NodeIx,
    frame: &mut Frame<'_>,
    now: SimTime,
    tap: &mut T,
) -> Step {
    tap.on_enter(now, at, frame.meta, frame.bytes);
    let received_bytes = frame.bytes.len();
    let step = if frame.meta.steps >= STEPS_MAX {
        Step::Drop(DropReason::WalkTooLong)
    } else {
        visit_node(&mut Visit { program, conntrack: &mut state.conntrack, at, frame, now, tap })
    };
    if at.at() < program.nodes.len() {
        state.counters.record(at, program.nodes.len(), step, received_bytes);
    }
    tap.on_step(now, at, frame.meta, frame.bytes, step);
    if let Step::Forward(..) = step {
        frame.meta.from = Some(at);
        frame.meta.steps += 1;
    }
    step
}

fn visit_node<T: Tap>(visit: &mut Visit<'_, '_, T>) -> Step {
    let program = visit.program;
    let stage = match program.node(visit.at) {
        Node::Eni(eni) => nodes::eni::visit(visit, eni),
        Node::Router(router) => nodes::router::visit(visit, router),
        Node::InternetGateway(gateway) => nodes::internet_gateway::visit(visit, gateway),
        Node::GatewayEndpoint(endpoint) => nodes::gateway_endpoint::visit(visit, endpoint),
        Node::Internet(internet) => nodes::internet::visit(visit, internet),
        Node::Tombstone => visit::drop(DropReason::ResourceGone),
    };
    match stage {
        std::ops::ControlFlow::Continue(step) | std::ops::ControlFlow::Break(step) => step,
    }
}

/// Takes the packet in `frame` from node `at` to its verdict, links taking no time. Ends the tap's run.
pub fn walk<T: Tap>(
    program: &Program,
    state: &mut State,
    at: NodeIx,
    frame: &mut Frame<'_>,
    now: SimTime,
    tap: &mut T,
) -> Verdict {
    let mut at = at;
    // Ends: every Forward counts up `meta.steps`, and step drops at STEPS_MAX.
    loop {
        let step = step(program, state, at, frame, now, tap);
        match step {
            Step::Forward(next, _) => at = next,
            step => {
                tap.on_run_end(now, frame.meta);
                return Verdict { at, step };
            }
        }
    }
}

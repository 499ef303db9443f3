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
//! | NAT gateway | - | inside address and port to its own, or back |
//! | forwarder (an instance that routes or masquerades) | - | back to its interface |
//! | peering connection | - | to the other VPC's router |
//! | transit gateway | - | by the route table that the attachment is associated with |
//! | virtual private gateway | - | to a VPN connection or virtual interface by what it learned; to its VPC |
//! | VPN connection, virtual interface | - | to the other end |
//! | on premises | ARP, DNS, by destination | by destination |
//! | internet | by destination | by destination |
//! | plain router | by its table | - |
//!
//! A packet too big for what comes next is refused with an ICMP error, split ([`Step::Fragment`]) or dropped silently, as AWS documents for each segment
//! (`fit`). What a node makes itself (ICMP errors, TCP resets) is built by [`answer`] and starts its own way at that node.
//!
//! Sources: docs.aws.amazon.com/vpc/latest/userguide (RouteTables, vpc-security-groups, nacl-basics, VPC_Internet_Gateway),
//! docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html.

pub mod answer;
pub mod conntrack;
pub mod counters;
mod drop;
mod fit;
pub mod fragments;
mod frame;
mod index;
pub mod link_local;
pub mod nat;
mod network_acl;
mod nodes;
pub mod part;
mod security_groups;
mod tap;
mod ttl;
mod visit;

pub use drop::{DropFacts, DropReason};
pub use frame::{Frame, PacketId, PacketMeta};
pub use tap::{Decision, Direction, Made, MtuOutcome, NoTap, SecurityVerdict, Tap, Touch};

pub(crate) use nat::PassedNat;
pub(crate) use nodes::{eni, plain_router};

use crate::program::{HostIx, LinkIx, Node, NodeIx, Program};
use crate::time::SimTime;
use conntrack::{Conntrack, TrackingLimits};
use nat::Nat;
use part::Part;
use visit::Visit;

/// How many nodes a packet may visit. The longest useful road (interface, router, appliance and back, transit gateways of two Regions, router, NAT, router,
/// gateway, internet) has some twenty, and each appliance more on the way four; loops that lower the time to live end by that.
pub const STEPS_MAX: u16 = 1_024;

/// What a node made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// On to the next node, over a link if there is one between (`None`: at once).
    Forward(NodeIx, Option<LinkIx>),
    /// To an end system, over its link.
    Deliver(HostIx),
    /// The node answers the packet itself.
    Reply(Reply),
    /// The packet is too big for the way to `next` and may be split: the driver does (`wire::fragment`), and every piece goes on to `next`, over the
    /// link if there is one between.
    Fragment {
        /// The biggest IP packet that fits.
        mtu_bytes: u16,
        /// The next node.
        next: NodeIx,
        /// The link to it.
        link: Option<LinkIx>,
    },
    /// The end.
    Drop(DropReason),
}

impl Step {
    /// Why the packet ended, if it was dropped: without a word, or with one to its source.
    pub const fn drop_reason(self) -> Option<DropReason> {
        match self {
            Step::Drop(reason) | Step::Reply(Reply::Error { reason, .. }) => Some(reason),
            _ => None,
        }
    }
}

/// How a node answers a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The frame now holds the answer (ARP), for the host that sent the packet.
    InPlace,
    /// The packet is dropped for `reason`, and its source is told: [`answer::build`] makes the frame that says so.
    Error {
        /// Why the packet ends here.
        reason: DropReason,
        /// What is said.
        answer: answer::Answer,
    },
}

/// What packets leave behind: connection tracking, translations and counters. One per shard.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Sessions of the security groups.
    pub conntrack: conntrack::Conntrack,
    /// First fragments that passed security groups.
    pub first_fragments: fragments::FirstFragments,
    /// How much each interface has sent to link-local services.
    pub link_local: link_local::LinkLocalRates,
    /// Sessions of NAT gateways, forwarding instances and routers on premises.
    pub nat: nat::Nat,
    /// What passed where.
    pub counters: counters::Counters,
}

impl State {
    /// One of several states of a network: ports and quotas are its part's.
    pub fn of_part(part: Part, limits: TrackingLimits) -> State {
        let limits = limits.part(part);
        State { conntrack: Conntrack::with_limits(limits), nat: Nat::of_part(part), ..State::default() }
    }
}

/// A packet's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The node that decided.
    pub at: NodeIx,
    /// Deliver, Reply, Fragment or Drop.
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
        visit_node(&mut Visit { program, state, at, frame, now, tap })
    };
    if at.at() < program.nodes.len() {
        state.counters.record(at, program.nodes.len(), step, received_bytes);
    }
    tap.on_step(now, at, frame.meta, frame.bytes, step);
    if let Step::Forward(..) | Step::Fragment { .. } = step {
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
        Node::NatGateway(gateway) => nodes::nat_gateway::visit(visit, gateway),
        Node::Forwarder(forwarder) => nodes::forwarder::visit(visit, forwarder),
        Node::Peering(peering) => nodes::peering::visit(visit, peering),
        Node::TransitGateway(gateway) => nodes::transit_gateway::visit(visit, gateway),
        Node::VpnGateway(gateway) => nodes::vpn_gateway::visit(visit, gateway),
        Node::VpnConnection(connection) => nodes::vpn_connection::visit(visit, connection),
        Node::VirtualInterface(interface) => nodes::virtual_interface::visit(visit, interface),
        Node::OnPremises(network) => nodes::on_premises::visit(visit, network),
        Node::Internet(internet) => nodes::internet::visit(visit, internet),
        Node::PlainRouter(router) => nodes::plain_router::visit(visit, router),
        Node::Tombstone => visit::drop(DropReason::ResourceGone),
    };
    match stage {
        std::ops::ControlFlow::Continue(step) | std::ops::ControlFlow::Break(step) => step,
    }
}

/// Takes the packet in `frame` from node `at` to its verdict, links taking no time. Ends the tap's run. What a verdict of [`Step::Reply`] or
/// [`Step::Fragment`] brings forth are new packets, for the caller to walk.
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

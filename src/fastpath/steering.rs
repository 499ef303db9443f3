//! Which of the sixteen virtual shards a packet belongs to.
//!
//! Purpose: packets that share state go to one shard, so that shards share nothing: both directions of a connection, the errors about it, the pieces of a datagram. The
//! number of virtual shards is a constant, whatever number of workers run them, so what becomes of packets does not depend on that. It does what the receive side
//! scaling of a network interface does, which knows no translations:
//!
//! - public addresses count as the private ones that internet gateways put in their place; then both ends and the protocol are hashed without regard to which is which;
//! - a NAT gateway gives ports that name the shard ([`crate::dataplane::part::Part`]), so what comes to its address goes by the port;
//! - what an interface sends to link-local services goes by the interface, because their rate is counted there;
//! - later fragments follow the first one of their datagram, if it is among the last [`DATAGRAMS_KEPT`].
//!
//! A network that these rules do not divide has one shard ([`Steering::is_divided`]): one in which Linux masquerades (it keeps ports where it can, and they name no
//! shard), or in which an interface has the address of a NAT gateway of another VPC. Non-goal: dividing evenly.
//!
//! Quotas are divided: a NAT gateway's 55,000 connections to a destination are 3,437 or 3,438 a shard, so flows that the hash spreads badly can meet theirs earlier.

use crate::dataplane::eni::{LinkLocal, link_local};
use crate::dataplane::fragments::Datagram;
use crate::dataplane::part::Part;
use crate::net::FiveTuple;
use crate::program::{HostIx, Node, Program};
use crate::wire::Parsed;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;
use std::net::Ipv4Addr;

/// How many shards the packets of a network are divided among.
pub const VIRTUAL_SHARDS: u16 = 16;
/// Datagrams in pieces whose first was seen.
pub const DATAGRAMS_KEPT: usize = 1_024;

/// Divides packets among virtual shards.
#[derive(Clone, Debug)]
pub struct Steering {
    is_divided: bool,
    // Neither is ever iterated.
    to_private: FxHashMap<Ipv4Addr, Ipv4Addr>,
    nat_gateways: FxHashSet<Ipv4Addr>,
    /// By hash: a datagram in pieces, and the shard of its first.
    datagrams: Box<[Option<(Datagram, u16)>]>,
}

impl Steering {
    /// By the translations of a network.
    pub fn new(program: &Program) -> Steering {
        let mut to_private = FxHashMap::default();
        let (mut nat_gateways, mut interfaces) = (FxHashSet::default(), FxHashSet::default());
        let mut masquerades = false;
        for node in program.nodes.iter() {
            match node {
                Node::InternetGateway(gateway) => to_private.extend(&gateway.to_private),
                Node::NatGateway(gateway) => nat_gateways.extend(&gateway.addresses),
                Node::Eni(eni) => drop(interfaces.insert(eni.private_ip)),
                Node::Forwarder(forwarder) => masquerades |= forwarder.masquerade,
                Node::OnPremises(network) => masquerades |= network.internet.is_some(),
                _ => {}
            }
        }
        let is_divided = !masquerades && nat_gateways.is_disjoint(&interfaces);
        Steering { is_divided, to_private, nat_gateways, datagrams: vec![None; DATAGRAMS_KEPT].into() }
    }

    /// Whether there is more than one shard.
    pub fn is_divided(&self) -> bool {
        self.is_divided
    }

    /// The part of ports and quotas that a shard has; `None` for a shard that gets no packets.
    pub fn part(&self, shard: u16) -> Option<Part> {
        if self.is_divided { Part::new(shard, VIRTUAL_SHARDS) } else { Part::new(shard, 1) }
    }

    /// The shard of a packet that `sender` sends, below [`VIRTUAL_SHARDS`]. What is no IPv4 packet goes to the first.
    pub fn shard_of(&mut self, program: &Program, sender: HostIx, frame: &[u8]) -> u16 {
        match Parsed::of(frame) {
            Ok(packet) if self.is_divided => self.shard_of_packet(program, sender, frame, &packet),
            _ => 0,
        }
    }

    /// The shard of a flow.
    pub fn shard_of_flow(&self, flow: &FiveTuple) -> u16 {
        if !self.is_divided {
            return 0;
        }
        let private = |address| self.to_private.get(&address).copied().unwrap_or(address);
        let flow = FiveTuple { source: private(flow.source), destination: private(flow.destination), ..*flow };
        let ends = [(flow.source, flow.source_port), (flow.destination, flow.destination_port)];
        // If both are NAT gateways', both directions agree on one.
        match ends.into_iter().filter(|(address, _)| self.nat_gateways.contains(address)).min() {
            Some((_, port)) => port % VIRTUAL_SHARDS,
            None => (flow.symmetric_hash() >> 32) as u16 % VIRTUAL_SHARDS,
        }
    }

    fn shard_of_packet(&mut self, program: &Program, sender: HostIx, frame: &[u8], packet: &Parsed) -> u16 {
        if let Some(host) = program.hosts.get(sender.at())
            && let Node::Eni(eni) = program.node(host.node)
            && !matches!(link_local(eni, packet), LinkLocal::No)
        {
            return (host.node.0 % u32::from(VIRTUAL_SHARDS)) as u16;
        }
        if packet.is_later_fragment() {
            let datagram = Datagram::of(packet);
            let known = self.datagrams[place(&datagram)].filter(|(known, _)| *known == datagram);
            return known.map_or_else(|| self.shard_of_flow(&packet.five_tuple()), |(_, shard)| shard);
        }
        let about = packet.quoted(frame).map(|quoted| quoted.five_tuple());
        let shard = self.shard_of_flow(&about.unwrap_or_else(|| packet.five_tuple()));
        if packet.is_first_fragment() {
            let datagram = Datagram::of(packet);
            self.datagrams[place(&datagram)] = Some((datagram, shard));
        }
        shard
    }
}

/// Where a datagram is kept.
fn place(datagram: &Datagram) -> usize {
    (FxBuildHasher.hash_one(datagram) >> 32) as usize % DATAGRAMS_KEPT
}

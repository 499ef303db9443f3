//! What nodes say about packets they drop: ICMP errors and TCP resets.
//!
//! A step only says that and what is to be said ([`super::Reply::Error`]), since the frame in hand has no room for it; [`build`] makes the frame. It starts its own
//! way at the node that made it and meets route tables, ACLs and security groups like any other packet, the router's own errors to its subnets excepted (its
//! addresses are exempt from both).
//! Sources: RFC 1812 section 4.3.2 (what may be answered, how much is quoted), RFC 1191 section 4 (next-hop MTU), RFC 9293 section 3.5.2 (reset).

use super::PacketMeta;
use crate::program::{Node, NodeIx, Program};
use crate::wire::{Parsed, TcpFlags, ethernet};
use etherparse::{Icmpv4Type, PacketBuilder, icmpv4};
use std::net::Ipv4Addr;

/// Time to live of what nodes make themselves.
const TTL: u8 = 64;
/// RFC 1812 section 4.3.2.3: an error is at most 576 bytes long; this is what is left for the quote.
const QUOTE_BYTES_MAX: usize = 576 - 20 - 8;
const IP: usize = ethernet::HEADER_BYTES;

/// What is said to the source of a packet that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// ICMP 3/4 with the MTU of what comes next.
    FragmentationNeeded {
        /// The biggest IP packet that fits.
        mtu_bytes: u16,
    },
    /// ICMP 11/0.
    TimeExceeded,
    /// A TCP reset, in the name of the packet's destination.
    Reset,
}

/// A frame that a node made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The frame.
    pub bytes: Vec<u8>,
    /// The node that made it: `meta.from` of the new packet.
    pub from: NodeIx,
    /// The node where it starts.
    pub at: NodeIx,
}

/// Whether the packet in `frame` may be answered: not ICMP errors, later fragments, nor what comes from or goes to no single host; with a reset only TCP, and no reset.
pub fn is_permitted(frame: &[u8], answer: Answer) -> bool {
    let Ok(packet) = Parsed::of(frame) else { return false };
    let single = |address: Ipv4Addr| {
        !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast())
            && address.octets()[0] < 240
    };
    if packet.is_later_fragment() || !single(packet.source) || !single(packet.destination) {
        return false;
    }
    match answer {
        Answer::Reset => packet.tcp_flags.is_some_and(|flags| !flags.has(TcpFlags::RST)),
        _ => !packet.icmp.is_some_and(|icmp| icmp.is_error()),
    }
}

/// Makes the frame with which node `at` answers the packet in `frame`. `None` if that kind of node has no address to speak with, or the packet may not be answered.
pub fn build(program: &Program, at: NodeIx, answer: Answer, frame: &[u8], meta: &PacketMeta) -> Option<Answered> {
    if !is_permitted(frame, answer) {
        return None;
    }
    let packet = Parsed::of(frame).ok()?;
    let (address, next) = speaker(program, at, meta)?;
    let source = if answer == Answer::Reset { packet.destination } else { address };
    let (from_mac, to_mac) = (program.node_mac(at), program.node_mac(next));
    let builder = PacketBuilder::ethernet2(from_mac.0, to_mac.0).ipv4(source.octets(), packet.source.octets(), TTL);
    let mut bytes = Vec::new();
    let written = match answer {
        Answer::FragmentationNeeded { mtu_bytes } => {
            let header = icmpv4::DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: mtu_bytes };
            builder.icmpv4(Icmpv4Type::DestinationUnreachable(header)).write(&mut bytes, quote(frame, &packet))
        }
        Answer::TimeExceeded => {
            let code = icmpv4::TimeExceededCode::TtlExceededInTransit;
            builder.icmpv4(Icmpv4Type::TimeExceeded(code)).write(&mut bytes, quote(frame, &packet))
        }
        Answer::Reset => {
            let (source_port, destination_port) = packet.ports?;
            let tcp = frame.get(packet.transport_at()..)?;
            let word = |at: usize| Some(u32::from_be_bytes(tcp.get(at..at + 4)?.try_into().ok()?));
            let (sequence, acknowledgment) = (word(4)?, word(8)?);
            let reset = if packet.tcp_flags?.has(TcpFlags::ACK) {
                builder.tcp(destination_port, source_port, acknowledgment, 0).rst()
            } else {
                let payload = usize::from(packet.total_bytes)
                    - usize::from(packet.header_bytes)
                    - usize::from(tcp.get(12)? >> 4) * 4;
                let flags = packet.tcp_flags?;
                let counted = u32::from(flags.has(TcpFlags::SYN)) + u32::from(flags.has(TcpFlags::FIN));
                let next = sequence.wrapping_add(payload as u32).wrapping_add(counted);
                builder.tcp(destination_port, source_port, 0, 0).rst().ack(next)
            };
            reset.write(&mut bytes, &[])
        }
    };
    written.ok()?;
    Some(Answered { bytes, from: at, at: next })
}

/// The address that a node speaks with, and where what it says goes first.
fn speaker(program: &Program, at: NodeIx, meta: &PacketMeta) -> Option<(Ipv4Addr, NodeIx)> {
    match program.node(at) {
        Node::NatGateway(gateway) => Some((*gateway.addresses.first()?, gateway.router)),
        Node::Forwarder(forwarder) => Some((forwarder.address, forwarder.interface)),
        Node::OnPremises(network) => Some((network.address, at)),
        Node::Router(router) => {
            // The subnet that the packet came from; for what came by a gateway, the first one.
            let subnet = match meta.entered_by.map(|entered_by| program.node(entered_by)) {
                // Of this VPC: what came by a peering connection entered another router before.
                Some(Node::Eni(eni)) if eni.router == at => eni.subnet,
                Some(Node::NatGateway(gateway)) if gateway.router == at => gateway.subnet,
                _ => 0,
            };
            Some((router.subnets.get(usize::from(subnet))?.router_address, at))
        }
        _ => None,
    }
}

fn quote<'f>(frame: &'f [u8], packet: &Parsed) -> &'f [u8] {
    let length = usize::from(packet.total_bytes).min(QUOTE_BYTES_MAX);
    frame.get(IP..IP + length).unwrap_or_default()
}

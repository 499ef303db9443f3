//! What a host knows of its neighbours, beside smoltcp's own cache, which cannot be read.
//!
//! Purpose: ask for neighbours where smoltcp's rate limit (one ARP request a second, whatever the target) would hold packets up, and
//! keep frames whose answer smoltcp dropped because the neighbour was not known yet. Non-goals: replacing smoltcp's ARP (RFC 826).
//! Invariant: what is known here is never known for longer than smoltcp knows it.

use super::device::{QueueDevice, Received};
use crate::net::{Ipv4Net, MacAddress};
use crate::time::{SimDuration, SimTime};
use bytes::BytesMut;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, Ipv4Packet};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

/// How long smoltcp believes an ARP reply, and how long it keeps silent after asking.
const LIFETIME: SimDuration = SimDuration::from_secs(60);
const SILENCE: SimDuration = SimDuration::from_secs(1);

/// Frames held for want of a neighbour; further ones are not answered, as if the answer were lost.
const HELD_FRAMES_MAX: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// When each neighbour was last heard.
    heard: BTreeMap<Ipv4Addr, SimTime>,
    /// Destinations that something was handed in for since the last egress: a few.
    wanted: Vec<Ipv4Addr>,
    held: VecDeque<Received>,
}

impl Neighbours {
    /// Something is to be sent to `destination`.
    pub(super) fn want(&mut self, destination: Ipv4Addr) {
        if !self.wanted.contains(&destination) {
            self.wanted.push(destination);
        }
    }

    /// Takes note of who speaks in a frame just processed. True if that makes a neighbour known, and the frames held are to be processed again.
    pub(super) fn hear(&mut self, now: SimTime, heard: Heard) -> bool {
        match heard {
            Heard::Arp(neighbour) => {
                self.heard.insert(neighbour, now);
                return true;
            }
            // smoltcp prolongs what it knows of a neighbour with every packet from it.
            Heard::Ip(source) => {
                if let Some(heard_at) = self.heard.get_mut(&source) {
                    *heard_at = now;
                }
            }
            Heard::Nothing => {}
        }
        false
    }

    /// The frames held for want of a neighbour.
    pub(super) fn take_held(&mut self) -> VecDeque<Received> {
        std::mem::take(&mut self.held)
    }

    /// Whether smoltcp could send to `destination` at once.
    pub(super) fn is_known(
        &self,
        now: SimTime,
        destination: Ipv4Addr,
        own: Ipv4Net,
        gateway: Option<Ipv4Addr>,
    ) -> bool {
        let next_hop = if own.contains(&destination) { Some(destination) } else { gateway };
        next_hop.is_some_and(|next_hop| self.heard.get(&next_hop).is_some_and(|at| now.since(*at) < LIFETIME))
    }

    /// Keeps a frame until the next ARP reply.
    pub(super) fn hold(&mut self, frame: Received) {
        if self.held.len() < HELD_FRAMES_MAX {
            self.held.push_back(frame);
        }
    }

    /// After an egress: asks for those neighbours that something waits for and smoltcp has not asked for.
    pub(super) fn ask(
        &mut self,
        now: SimTime,
        mac: MacAddress,
        own: Ipv4Net,
        gateway: Option<Ipv4Addr>,
        device: &mut QueueDevice,
    ) {
        // Asked for in the order of their addresses.
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.sort_unstable();
        for destination in wanted.drain(..) {
            let next_hop = if own.contains(&destination) { Some(destination) } else { gateway };
            let Some(next_hop) = next_hop else { continue };
            let known = self.is_known(now, destination, own, gateway);
            let asked = device.arp_request_at(next_hop).is_some_and(|at| now.since(at) < SILENCE);
            if !known && !asked {
                device.push_outgoing(arp_request(mac, own.addr(), next_hop));
            }
        }
        self.wanted = wanted;
    }

    /// The interface was configured anew, and smoltcp's cache flushed.
    pub(super) fn forget(&mut self) {
        self.heard.clear();
    }
}

/// Whom a frame makes known.
pub(super) enum Heard {
    /// A neighbour, by ARP for this host.
    Arp(Ipv4Addr),
    /// The sender of an IPv4 packet.
    Ip(Ipv4Addr),
    /// Nobody.
    Nothing,
}

impl Heard {
    /// Reads it off a frame that comes to the host with the address `own`.
    pub(super) fn of(frame: &[u8], own: Option<Ipv4Addr>) -> Heard {
        let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return Heard::Nothing };
        match ethernet.ethertype() {
            EthernetProtocol::Ipv4 => match Ipv4Packet::new_checked(ethernet.payload()) {
                Ok(ip) => Heard::Ip(ip.src_addr()),
                Err(_) => Heard::Nothing,
            },
            EthernetProtocol::Arp => {
                match ArpPacket::new_checked(ethernet.payload()).and_then(|packet| ArpRepr::parse(&packet)) {
                    // smoltcp learns from every ARP packet aimed at it, request or reply.
                    Ok(ArpRepr::EthernetIpv4 { source_protocol_addr, target_protocol_addr, .. })
                        if own == Some(target_protocol_addr) =>
                    {
                        Heard::Arp(source_protocol_addr)
                    }
                    _ => Heard::Nothing,
                }
            }
            _ => Heard::Nothing,
        }
    }
}

fn arp_request(mac: MacAddress, own: Ipv4Addr, target: Ipv4Addr) -> BytesMut {
    let repr = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(mac.0),
        source_protocol_addr: own,
        target_hardware_addr: EthernetAddress::BROADCAST,
        target_protocol_addr: target,
    };
    let mut bytes = BytesMut::zeroed(EthernetFrame::<&[u8]>::buffer_len(repr.buffer_len()));
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    frame.set_src_addr(EthernetAddress(mac.0));
    frame.set_dst_addr(EthernetAddress::BROADCAST);
    frame.set_ethertype(EthernetProtocol::Arp);
    repr.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    bytes
}

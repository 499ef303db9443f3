//! The network card between a smoltcp interface and the host's frame queues.
//!
//! Purpose: hold frames in both directions and watch what leaves. Non-goals: timing and loss, which belong to links.
//! Invariants: frames leave in the order smoltcp made them; outgoing buffers come from one pool that is reused when every
//! holder of a frame (links, captures) has let go of it.
//!
//! Two things a Linux host does differently from smoltcp are mended here, because smoltcp offers no switch for them:
//! a connect that has used up its SYN retries sends no further SYN ([`QueueDevice::mute_syn`]), and a host may be told
//! to stay silent towards segments of connections it does not know ([`QueueDevice::new`]).

use super::HostCounters;
use crate::time::SimTime;
use bytes::{Bytes, BytesMut};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4Message, Icmpv4Packet, IpProtocol,
    Ipv4Packet, TcpPacket,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// Length of an Ethernet header without tags (IEEE 802.3).
pub(super) const ETHERNET_HEADER_BYTES: usize = 14;

/// The pool grows in steps of this size; one step holds about 40 frames of 1,500 bytes.
const POOL_STEP_BYTES: usize = 64 * 1024;

/// Frame queues in both directions.
#[derive(Debug)]
pub(super) struct QueueDevice {
    /// IP MTU; smoltcp is told 14 bytes more.
    pub(super) mtu_bytes: usize,
    /// The time of the poll under way.
    pub(super) now: SimTime,
    /// What the card did besides carrying frames.
    pub(super) counters: HostCounters,
    incoming: VecDeque<Bytes>,
    outgoing: VecDeque<Bytes>,
    pool: BytesMut,
    resets_unknown: bool,
    muted_ports: BTreeSet<u16>,
    first_syn_at: BTreeMap<u16, SimTime>,
    arp_requests: BTreeMap<Ipv4Addr, SimTime>,
    arp_requests_sent: u64,
    refused_port: Option<u16>,
    /// Identifiers of echo requests that leave without the don't-fragment bit, which smoltcp always sets.
    fragmentable: BTreeSet<u16>,
}

impl QueueDevice {
    /// A card with the given IP MTU. Unless `resets_unknown`, RSTs that answer segments of unknown connections are withheld.
    pub(super) fn new(mtu_bytes: usize, resets_unknown: bool) -> Self {
        QueueDevice {
            mtu_bytes,
            now: SimTime::ZERO,
            counters: HostCounters::default(),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            pool: BytesMut::new(),
            resets_unknown,
            muted_ports: BTreeSet::new(),
            first_syn_at: BTreeMap::new(),
            arp_requests: BTreeMap::new(),
            arp_requests_sent: 0,
            refused_port: None,
            fragmentable: BTreeSet::new(),
        }
    }

    /// Clears the don't-fragment bit of echo requests with this identifier from now on, or sets it again.
    pub(super) fn allow_fragments(&mut self, identifier: u16, allowed: bool) {
        if allowed {
            self.fragmentable.insert(identifier);
        } else {
            self.fragmentable.remove(&identifier);
        }
    }

    /// Puts a frame before the interface; the next `receive` takes it.
    pub(super) fn push_incoming(&mut self, frame: Bytes) {
        self.incoming.push_back(frame);
    }

    /// The frame that the next `receive` takes.
    pub(super) fn peek_incoming(&self) -> Option<Bytes> {
        self.incoming.front().cloned()
    }

    /// Takes the frame away that the next `receive` would take.
    pub(super) fn pop_incoming(&mut self) -> Option<Bytes> {
        self.incoming.pop_front()
    }

    /// Puts a frame on the wire that the interface did not make itself.
    pub(super) fn push_outgoing(&mut self, frame: Bytes) {
        self.emit(frame, false);
    }

    /// The next frame for the wire.
    pub(super) fn pop_outgoing(&mut self) -> Option<Bytes> {
        self.outgoing.pop_front()
    }

    /// How many frames wait for the wire.
    pub(super) fn outgoing_frames(&self) -> usize {
        self.outgoing.len()
    }

    /// From now on no SYN leaves `port` any more.
    pub(super) fn mute_syn(&mut self, port: u16) {
        self.muted_ports.insert(port);
    }

    /// When the first SYN left `port`. Kept until [`QueueDevice::forget_port`].
    pub(super) fn first_syn_at(&self, port: u16) -> Option<SimTime> {
        self.first_syn_at.get(&port).copied()
    }

    /// The socket on `port` is gone; a later one starts afresh.
    pub(super) fn forget_port(&mut self, port: u16) {
        self.muted_ports.remove(&port);
        self.first_syn_at.remove(&port);
    }

    /// When `neighbour` was last asked for.
    pub(super) fn arp_request_at(&self, neighbour: Ipv4Addr) -> Option<SimTime> {
        self.arp_requests.get(&neighbour).copied()
    }

    /// How many ARP requests have left.
    pub(super) fn arp_requests_sent(&self) -> u64 {
        self.arp_requests_sent
    }

    /// The port at which the frame just processed was refused (a SYN answered by RST), if it was; reading it clears it.
    pub(super) fn take_refused_port(&mut self) -> Option<u16> {
        self.refused_port.take()
    }

    /// Judges a finished frame and queues it. `reply` is set when smoltcp made it on the spot for an incoming frame.
    fn emit(&mut self, frame: Bytes, reply: bool) {
        match Outgoing::of(&frame) {
            Outgoing::ArpRequest { target } => {
                self.arp_requests.insert(target, self.now);
                self.arp_requests_sent += 1;
            }
            Outgoing::Syn { port } if self.muted_ports.contains(&port) => {
                self.counters.syns_muted += 1;
                return;
            }
            Outgoing::Syn { port } => {
                self.first_syn_at.entry(port).or_insert(self.now);
            }
            // RFC 9293 section 3.10.7.1: a SYN to a closed port is answered by RST and ACK, anything else by a bare RST.
            Outgoing::Reset { port, acknowledges: true } if reply => self.refused_port = Some(port),
            Outgoing::Reset { acknowledges: false, .. } if reply && !self.resets_unknown => {
                self.counters.resets_withheld += 1;
                return;
            }
            Outgoing::Reset { .. } | Outgoing::Other => {}
        }
        self.outgoing.push_back(frame);
    }
}

impl Device for QueueDevice {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Slot<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming, Slot<'_>)> {
        let frame = self.incoming.pop_front()?;
        Some((Incoming(frame), Slot { device: self, reply: true }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Slot<'_>> {
        Some(Slot { device: self, reply: false })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu_bytes + ETHERNET_HEADER_BYTES;
        capabilities
    }
}

/// One received frame on its way into smoltcp.
pub(super) struct Incoming(Bytes);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for one outgoing frame.
pub(super) struct Slot<'a> {
    device: &'a mut QueueDevice,
    reply: bool,
}

impl TxToken for Slot<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length_bytes: usize, write: F) -> R {
        let pool = &mut self.device.pool;
        if pool.capacity() < length_bytes {
            // Takes the old step back if all its frames are gone, else allocates.
            pool.reserve(POOL_STEP_BYTES.max(length_bytes));
        }
        pool.resize(length_bytes, 0);
        let mut frame = pool.split_to(length_bytes);
        let result = write(&mut frame);
        if !self.device.fragmentable.is_empty() {
            clear_dont_fragment(&mut frame, &self.device.fragmentable);
        }
        self.device.emit(frame.freeze(), self.reply);
        result
    }
}

/// Clears the don't-fragment bit if `frame` is an echo request with one of these identifiers.
fn clear_dont_fragment(frame: &mut [u8], identifiers: &BTreeSet<u16>) {
    let Ok(mut ethernet) = EthernetFrame::new_checked(frame) else { return };
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return;
    }
    let Ok(mut ip) = Ipv4Packet::new_checked(ethernet.payload_mut()) else { return };
    if ip.next_header() != IpProtocol::Icmp {
        return;
    }
    let is_ours = match Icmpv4Packet::new_checked(&*ip.payload_mut()) {
        Ok(icmp) => icmp.msg_type() == Icmpv4Message::EchoRequest && identifiers.contains(&icmp.echo_ident()),
        Err(_) => false,
    };
    if is_ours {
        ip.set_dont_frag(false);
        ip.fill_checksum();
    }
}

/// What matters about an outgoing frame.
enum Outgoing {
    ArpRequest { target: Ipv4Addr },
    Syn { port: u16 },
    Reset { port: u16, acknowledges: bool },
    Other,
}

impl Outgoing {
    fn of(frame: &[u8]) -> Outgoing {
        let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return Outgoing::Other };
        match ethernet.ethertype() {
            EthernetProtocol::Arp => {
                let repr = ArpPacket::new_checked(ethernet.payload()).and_then(|packet| ArpRepr::parse(&packet));
                match repr {
                    Ok(ArpRepr::EthernetIpv4 {
                        operation: ArpOperation::Request,
                        target_protocol_addr: target,
                        ..
                    }) => Outgoing::ArpRequest { target },
                    _ => Outgoing::Other,
                }
            }
            EthernetProtocol::Ipv4 => match Ipv4Packet::new_checked(ethernet.payload()) {
                Ok(ip) if ip.next_header() == IpProtocol::Tcp => match TcpPacket::new_checked(ip.payload()) {
                    Ok(tcp) if tcp.rst() => Outgoing::Reset { port: tcp.src_port(), acknowledges: tcp.ack() },
                    Ok(tcp) if tcp.syn() && !tcp.ack() => Outgoing::Syn { port: tcp.src_port() },
                    _ => Outgoing::Other,
                },
                _ => Outgoing::Other,
            },
            _ => Outgoing::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_reused_once_frames_are_gone() {
        let mut device = QueueDevice::new(1500, true);
        let send = |device: &mut QueueDevice, byte| {
            device.transmit(Instant::ZERO).unwrap().consume(1000, |frame| {
                assert!(frame.iter().all(|b| *b == 0), "recycled memory is cleared");
                frame.fill(byte);
            });
            device.pop_outgoing().unwrap()
        };
        let kept = send(&mut device, 1);
        for byte in 2..=200 {
            assert_eq!(send(&mut device, byte), vec![byte; 1000]);
        }
        assert_eq!(kept, vec![1; 1000], "a frame still held is never overwritten");
    }
}

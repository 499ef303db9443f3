//! The network card between a smoltcp interface and the host's frame queues.
//!
//! Purpose: hold frames in both directions, make what leaves fit its road, and watch it. Non-goals: timing and loss, which belong to links.
//! Invariants: frames leave in the order smoltcp made them, none longer than the interface's MTU; a frame has one holder at a time. The memory of frames
//! that have come in is used for those that leave, so between hosts that talk to each other buffers go to and fro and none is allocated.
//!
//! What a Linux host does differently from smoltcp is mended here, because smoltcp offers no switch for it:
//! - a connect that has used up its SYN retries sends no further SYN ([`QueueDevice::mute_syn`]);
//! - a host may be told to stay silent towards segments of connections it does not know ([`QueueDevice::new`]);
//! - smoltcp drops datagrams beyond the interface's MTU and knows no path MTU. So, once the host has an address, it is told the greatest MTU
//!   there is, and this card cuts: TCP into shorter segments (`segment`), everything else into fragments, as [`PathMtuDiscovery`] says.
//!   What smoltcp would do with the true MTU is done to the MSS options: ours says what the interface's MTU leaves (newer Linux
//!   kernels may say less where they know a lower path MTU: unverified), the peer's is lowered to what the path's MTU leaves before smoltcp sees it.

use super::HostCounters;
use super::interface::IcmpKey;
use super::path_mtu::{FragmentationNeeded, PathMtu, PathMtuDiscovery, PathMtus};
use super::segment::{self, SentSegments};
use crate::net::Protocol;
use crate::time::SimTime;
use crate::wire::fragment::fragments;
use crate::wire::{Parsed, TcpFlags, ethernet, icmp_type};
use bytes::BytesMut;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Ipv4Packet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// Length of an Ethernet header without tags (IEEE 802.3).
pub(super) const ETHERNET_HEADER_BYTES: usize = 14;

/// The longest IPv4 packet (RFC 791 section 3.1).
pub(super) const GREATEST_MTU_BYTES: usize = 65_535;

/// Buffers kept to be used again: more than a window of bulk data in segments of 1,500 bytes.
const SPARE_BUFFERS_MAX: usize = 512;

/// A frame for this host.
#[derive(Debug)]
pub(super) struct Received {
    /// The IPv4 packet in it, if there is one.
    pub(super) packet: Option<Parsed>,
    pub(super) frame: BytesMut,
}

impl Received {
    pub(super) fn new(frame: BytesMut) -> Self {
        Received { packet: ipv4(&frame), frame }
    }
}

/// Frame queues in both directions.
#[derive(Debug)]
pub(super) struct QueueDevice {
    /// The interface's IP MTU.
    pub(super) mtu_bytes: usize,
    /// The IP MTU that smoltcp is told when an interface is made.
    pub(super) told_mtu_bytes: usize,
    /// What is known of the roads.
    pub(super) path_mtus: PathMtus,
    /// The time of the poll under way.
    pub(super) now: SimTime,
    /// What the card did besides carrying frames.
    pub(super) counters: HostCounters,
    incoming: VecDeque<Received>,
    outgoing: VecDeque<BytesMut>,
    spare: Vec<BytesMut>,
    resets_unknown: bool,
    muted_ports: BTreeSet<u16>,
    first_syn_at: BTreeMap<u16, SimTime>,
    arp_requests: BTreeMap<Ipv4Addr, SimTime>,
    arp_requests_sent: u64,
    refused_port: Option<u16>,
    /// Sockets that deal with MTUs in another way than Linux's default.
    discoveries: BTreeMap<IcmpKey, PathMtuDiscovery>,
    /// Identification of the next packet without the don't-fragment bit; others have 0 (RFC 6864 section 4.1).
    next_identification: u16,
    sent_segments: SentSegments,
}

impl QueueDevice {
    /// A card with the given IP MTU. Unless `resets_unknown`, RSTs that answer segments of unknown connections are withheld.
    pub(super) fn new(mtu_bytes: usize, resets_unknown: bool) -> Self {
        QueueDevice {
            mtu_bytes,
            told_mtu_bytes: mtu_bytes,
            path_mtus: PathMtus::default(),
            now: SimTime::ZERO,
            counters: HostCounters::default(),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            spare: Vec::new(),
            resets_unknown,
            muted_ports: BTreeSet::new(),
            first_syn_at: BTreeMap::new(),
            arp_requests: BTreeMap::new(),
            arp_requests_sent: 0,
            refused_port: None,
            discoveries: BTreeMap::new(),
            next_identification: 1,
            sent_segments: SentSegments::default(),
        }
    }

    /// From now on the datagrams of this socket deal with MTUs so.
    pub(super) fn set_discovery(&mut self, socket: IcmpKey, discovery: PathMtuDiscovery) {
        if discovery == PathMtuDiscovery::default() {
            self.discoveries.remove(&socket);
        } else {
            self.discoveries.insert(socket, discovery);
        }
    }

    /// What a datagram of this socket to `destination` may measure.
    pub(super) fn path(&self, now: SimTime, destination: Ipv4Addr, socket: IcmpKey) -> PathMtu {
        self.path_for(now, destination, self.discoveries.get(&socket).copied().unwrap_or_default())
    }

    /// Whether datagrams of this socket that do not fit are refused instead of cut.
    pub(super) fn refuses_long(&self, socket: IcmpKey) -> bool {
        matches!(self.discoveries.get(&socket), Some(PathMtuDiscovery::Do | PathMtuDiscovery::Probe))
    }

    /// A router could not forward a packet of this host for its length. A segment that has not been kept is left to TCP's own timer.
    pub(super) fn hear_fragmentation_needed(&mut self, now: SimTime, needed: &FragmentationNeeded) {
        self.now = now;
        if self.path_mtus.learn(now, needed, self.mtu_bytes).is_some() {
            self.counters.path_mtus_learned += 1;
        }
        if needed.protocol != Protocol::TCP {
            return;
        }
        let path = self.path_for(now, needed.destination, PathMtuDiscovery::Want);
        // As it was it would be dropped again, and again be sent: only what leaves in another form is sent at once.
        let would_change = |packet: &Parsed| {
            usize::from(packet.total_bytes) > path.mtu_bytes || (path.is_locked && packet.dont_fragment)
        };
        if let Some(frame) = self.sent_segments.take(now, needed)
            && let Some(packet) = ipv4(&frame).filter(would_change)
        {
            self.counters.segments_sent_again += 1;
            self.send_fitting(frame, &packet);
        }
    }

    /// Puts a frame before the interface; [`QueueDevice::pop_incoming`] takes it.
    pub(super) fn push_incoming(&mut self, now: SimTime, mut received: Received) {
        let is_syn = |packet: &&Parsed| packet.tcp_flags.is_some_and(|flags| flags.has(TcpFlags::SYN));
        if let Some(packet) = received.packet.as_ref().filter(is_syn) {
            let path = self.path_for(now, packet.source, PathMtuDiscovery::Want);
            segment::limit_mss(&mut received.frame, packet, path.mtu_bytes - segment::HEADER_BYTES);
        }
        self.incoming.push_back(received);
    }

    /// Takes the next frame, to be handed to the interface as [`QueueDevice::receiving`].
    pub(super) fn pop_incoming(&mut self) -> Option<Received> {
        self.incoming.pop_front()
    }

    /// The card as it receives `frame`.
    pub(super) fn receiving<'f>(&'f mut self, frame: &'f [u8]) -> Receiving<'f> {
        Receiving { frame: Some(frame), device: self }
    }

    /// Takes back the memory of a frame that has been dealt with.
    pub(super) fn reuse(&mut self, frame: BytesMut) {
        if self.spare.len() < SPARE_BUFFERS_MAX {
            self.spare.push(frame);
        }
    }

    /// Puts a frame on the wire that the interface did not make itself.
    pub(super) fn push_outgoing(&mut self, frame: BytesMut) {
        self.emit(frame, false);
    }

    /// The next frame for the wire.
    pub(super) fn pop_outgoing(&mut self) -> Option<BytesMut> {
        self.outgoing.pop_front()
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
        self.sent_segments.forget(port);
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
    fn emit(&mut self, frame: BytesMut, reply: bool) {
        let Some(packet) = ipv4(&frame) else {
            if let Some(target) = arp_target(&frame) {
                self.arp_requests.insert(target, self.now);
                self.arp_requests_sent += 1;
            }
            return self.outgoing.push_back(frame);
        };
        let port = packet.ports.map_or(0, |(source, _)| source);
        match packet.tcp_flags {
            Some(flags) if flags.has(TcpFlags::RST) && reply => {
                // RFC 9293 section 3.10.7.1: a SYN to a closed port is answered by RST and ACK, anything else by a bare RST.
                if flags.has(TcpFlags::ACK) {
                    self.refused_port = Some(port);
                } else if !self.resets_unknown {
                    self.counters.resets_withheld += 1;
                    return;
                }
            }
            Some(flags) if flags.is_opening() && !flags.has(TcpFlags::RST) => {
                if self.muted_ports.contains(&port) {
                    self.counters.syns_muted += 1;
                    return;
                }
                self.first_syn_at.entry(port).or_insert(self.now);
            }
            _ => {}
        }
        self.send_fitting(frame, &packet);
    }

    /// Queues a frame with this packet, cut if it is too long for its road.
    fn send_fitting(&mut self, mut frame: BytesMut, packet: &Parsed) {
        if packet.tcp_flags.is_some_and(|flags| flags.has(TcpFlags::SYN)) {
            segment::limit_mss(&mut frame, packet, self.mtu_bytes - segment::HEADER_BYTES);
        }
        let discovery = self.discovery(packet);
        let path = self.path_for(self.now, packet.destination, discovery);
        let fits = usize::from(packet.total_bytes) <= path.mtu_bytes;
        if packet.protocol == Protocol::TCP {
            if fits {
                return self.send_segment(frame, path.is_locked);
            }
            let pieces = segment::split(&frame, packet, path.mtu_bytes);
            return pieces.into_iter().for_each(|piece| self.send_segment(piece, path.is_locked));
        }
        let must_be_whole = matches!(discovery, PathMtuDiscovery::Do | PathMtuDiscovery::Probe);
        if !fits && must_be_whole {
            // Its socket was told the limit when it handed it in, but a router has spoken since.
            self.counters.datagrams_too_long += 1;
            return;
        }
        if !must_be_whole && (!fits || path.is_locked || discovery == PathMtuDiscovery::Dont) {
            self.let_routers_fragment(&mut frame);
        }
        if fits {
            return self.outgoing.push_back(frame);
        }
        // No error is possible: the don't-fragment bit is clear, and 552 bytes have room for any header.
        for fragment in fragments(&frame, path.mtu_bytes).into_iter().flatten() {
            self.counters.fragments_sent += 1;
            self.outgoing.push_back(BytesMut::from(&fragment[..]));
        }
    }

    fn send_segment(&mut self, mut segment: BytesMut, may_be_fragmented: bool) {
        if may_be_fragmented {
            self.let_routers_fragment(&mut segment);
        }
        self.sent_segments.keep(self.now, &segment);
        self.outgoing.push_back(segment);
    }

    fn discovery(&self, packet: &Parsed) -> PathMtuDiscovery {
        let key = match (packet.protocol, packet.ports, packet.icmp) {
            (Protocol::UDP, Some((source, _)), _) => IcmpKey::Udp(source),
            (Protocol::ICMP, _, Some(icmp)) if icmp.kind == icmp_type::ECHO => IcmpKey::Echo(icmp.identifier),
            // What Linux itself says (echo replies, errors) may always be fragmented.
            (Protocol::ICMP, ..) => return PathMtuDiscovery::Dont,
            _ => return PathMtuDiscovery::Want,
        };
        self.discoveries.get(&key).copied().unwrap_or_default()
    }

    fn path_for(&self, now: SimTime, destination: Ipv4Addr, discovery: PathMtuDiscovery) -> PathMtu {
        match discovery {
            PathMtuDiscovery::Probe => PathMtu { mtu_bytes: self.mtu_bytes, is_locked: false },
            _ => self.path_mtus.path(now, destination, self.mtu_bytes),
        }
    }

    /// Clears the don't-fragment bit, which smoltcp always sets, and gives the packet an identification that its fragments can share.
    fn let_routers_fragment(&mut self, frame: &mut [u8]) {
        let Some(packet) = frame.get_mut(ETHERNET_HEADER_BYTES..) else { return };
        let mut ip = Ipv4Packet::new_unchecked(packet);
        ip.set_dont_frag(false);
        ip.set_ident(self.next_identification);
        ip.fill_checksum();
        self.next_identification = self.next_identification.wrapping_add(1).max(1);
    }
}

/// The IPv4 packet in `frame`, if there is one.
pub(super) fn ipv4(frame: &[u8]) -> Option<Parsed> {
    if ethernet::ether_type(frame) == Some(ethernet::IPV4) { Parsed::of(frame).ok() } else { None }
}

/// Whom an ARP request asks for.
fn arp_target(frame: &[u8]) -> Option<Ipv4Addr> {
    let ethernet = EthernetFrame::new_checked(frame).ok().filter(|frame| frame.ethertype() == EthernetProtocol::Arp)?;
    match ArpPacket::new_checked(ethernet.payload()).and_then(|packet| ArpRepr::parse(&packet)) {
        Ok(ArpRepr::EthernetIpv4 { operation: ArpOperation::Request, target_protocol_addr, .. }) => {
            Some(target_protocol_addr)
        }
        _ => None,
    }
}

/// The card while nothing comes in.
impl Device for QueueDevice {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Slot<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Slot<'_>)> {
        None
    }

    fn transmit(&mut self, _: Instant) -> Option<Slot<'_>> {
        Some(Slot { device: self, reply: false })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.told_mtu_bytes + ETHERNET_HEADER_BYTES;
        capabilities
    }
}

/// The card while one frame comes in.
pub(super) struct Receiving<'f> {
    frame: Option<&'f [u8]>,
    device: &'f mut QueueDevice,
}

impl Device for Receiving<'_> {
    type RxToken<'a>
        = Incoming<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Slot<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Slot<'_>)> {
        let frame = self.frame.take()?;
        Some((Incoming(frame), Slot { device: self.device, reply: true }))
    }

    fn transmit(&mut self, now: Instant) -> Option<Slot<'_>> {
        self.device.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

/// One received frame on its way into smoltcp.
pub(super) struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for one outgoing frame.
pub(super) struct Slot<'a> {
    device: &'a mut QueueDevice,
    reply: bool,
}

impl TxToken for Slot<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length_bytes: usize, write: F) -> R {
        let mut frame = self.device.spare.pop().unwrap_or_default();
        frame.clear();
        frame.resize(length_bytes, 0);
        let result = write(&mut frame);
        self.device.emit(frame, self.reply);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_cleared() {
        let mut device = QueueDevice::new(1500, true);
        let send = |device: &mut QueueDevice, length, byte| {
            device.transmit(Instant::ZERO).unwrap().consume(length, |frame| {
                assert!(frame.iter().all(|b| *b == 0), "recycled memory is cleared");
                frame.fill(byte);
            });
            device.pop_outgoing().unwrap()
        };
        let first = send(&mut device, 1_500, 1);
        let memory = first.as_ptr();
        device.reuse(first);
        let second = send(&mut device, 60, 2);
        assert_eq!((second.as_ptr(), &second[..]), (memory, &[2; 60][..]));
        device.reuse(second);
        let third = send(&mut device, 1_400, 3);
        assert_eq!((third.as_ptr(), &third[..]), (memory, &[3; 1_400][..]));
        (0..2 * SPARE_BUFFERS_MAX).for_each(|_| device.reuse(BytesMut::new()));
        assert_eq!(device.spare.len(), SPARE_BUFFERS_MAX);
    }
}

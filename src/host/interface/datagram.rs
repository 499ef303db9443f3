//! Datagrams of the host's stack: UDP sockets, echo requests, and the ICMP messages that programs want to hear.
//!
//! Purpose: what `ping`, `dig`, `traceroute` and the rest need and TCP does not; the path MTUs that ICMP tells of. Non-goals: raw sockets.
//! Invariant: an ICMP message is heard only by who asked for it, with the TTL it arrived with; at most [`HEARD_MAX`] wait per listener.
//!
//! ICMP is read from the frame, because smoltcp tells its sockets neither the TTL nor which of several probes an error is about.

use super::sockets::{DHCP_CLIENT_PORT, SocketHandle};
use super::{Stack, endpoint_v4};
use crate::host::path_mtu::{FRAGMENTATION_NEEDED, FragmentationNeeded, PathMtuDiscovery};
use crate::net::Protocol;
use crate::rng::Stream;
use crate::time::SimTime;
use crate::wire::{Parsed, TcpFlags, checksum, ethernet, icmp_type};
use smoltcp::socket::{Socket, icmp, udp};
use smoltcp::wire::{IpAddress, IpEndpoint};
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Datagrams and bytes a UDP socket holds each way; twice the longest datagram if that is more.
const UDP_DATAGRAMS: usize = 8;
const UDP_BUFFER_BYTES: usize = 16 * 1024;
/// The same of a server, which may be asked by many at once.
const SERVER_DATAGRAMS: usize = 256;
const SERVER_BUFFER_BYTES: usize = 1024 * 1024;

/// ICMP messages kept for one listener; further ones are lost, as from a full socket buffer.
const HEARD_MAX: usize = 64;

/// ICMP header of an echo request: type, code, checksum, identifier, sequence number (RFC 792).
const ECHO_HEADER_BYTES: usize = 8;

/// A UDP socket in the hands of a program.
#[derive(Debug)]
pub(in crate::host) struct UdpSocket {
    handle: SocketHandle,
    /// This end's port.
    pub(in crate::host) port: u16,
    ephemeral: bool,
}

/// A socket that sends echo requests. Replies come by [`Stack::take_icmp`].
#[derive(Debug)]
pub(in crate::host) struct EchoSocket {
    handle: SocketHandle,
}

/// What an ICMP message is about, and so who wants to hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::host) enum IcmpKey {
    /// Echo replies with this identifier, and errors about such requests.
    Echo(u16),
    /// Errors about datagrams from this port.
    Udp(u16),
    /// Errors about segments from this port.
    Tcp(u16),
}

/// An ICMP message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host) struct IcmpHeard {
    /// When.
    pub(in crate::host) at: SimTime,
    /// Who sent it.
    pub(in crate::host) from: Ipv4Addr,
    /// The TTL it arrived with.
    pub(in crate::host) time_to_live: u8,
    /// Its length without the IP header.
    pub(in crate::host) bytes: usize,
    /// What it says.
    pub(in crate::host) message: IcmpMessage,
}

/// What an ICMP message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum IcmpMessage {
    /// An echo reply.
    EchoReply {
        /// The request's sequence number.
        sequence: u16,
    },
    /// Something was wrong with a packet of ours.
    Error {
        /// ICMP type: 3 unreachable, 11 time exceeded.
        kind: u8,
        /// ICMP code.
        code: u8,
        /// The MTU of the next hop, in errors 3/4 (RFC 1191).
        mtu_bytes: u16,
        /// The sequence number of our echo request, or the port our datagram or segment was for.
        about: u16,
    },
}

impl IcmpMessage {
    /// Whether it is an error that says more than "too long", which the next, shorter packet mends.
    pub(in crate::host) fn is_final(&self) -> bool {
        match self {
            IcmpMessage::EchoReply { .. } => false,
            IcmpMessage::Error { kind, code, .. } => {
                (*kind, *code) != (icmp_type::DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED)
            }
        }
    }
}

/// A datagram is longer than it may be (Linux: `EMSGSIZE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) struct TooLong {
    /// How long it may be, its IPv4 header included.
    pub(in crate::host) mtu_bytes: usize,
}

/// Who listens for what.
#[derive(Debug, Default)]
pub(super) struct Ears {
    heard: BTreeMap<IcmpKey, VecDeque<IcmpHeard>>,
}

impl Stack {
    // ---- UDP

    /// Opens a socket on a free ephemeral port. `None` if there is none.
    pub(in crate::host) fn open_udp(&mut self, stream: &mut Stream) -> Option<UdpSocket> {
        self.open_udp_for(stream, 0)
    }

    /// The same for datagrams of up to `payload_bytes`.
    pub(in crate::host) fn open_udp_for(&mut self, stream: &mut Stream, payload_bytes: usize) -> Option<UdpSocket> {
        let port = self.take_port(stream)?;
        let handle = self.sockets.add(bound(port, UDP_DATAGRAMS, UDP_BUFFER_BYTES.max(2 * payload_bytes)));
        Some(UdpSocket { handle, port, ephemeral: true })
    }

    /// Opens a server's socket. `None` for port 0.
    pub(in crate::host) fn serve_udp(&mut self, port: u16) -> Option<UdpSocket> {
        let socket = bound(port, SERVER_DATAGRAMS, SERVER_BUFFER_BYTES);
        (port != 0).then(|| UdpSocket { handle: self.sockets.add(socket), port, ephemeral: false })
    }

    /// Sends further datagrams of `socket` with this TTL instead of 64.
    pub(in crate::host) fn limit_udp(&mut self, socket: &UdpSocket, time_to_live: u8) {
        self.sockets.get_mut::<udp::Socket>(socket.handle).set_hop_limit(Some(time_to_live));
    }

    /// Queues a datagram. False if the send buffer is full, or nobody can be at that address.
    pub(in crate::host) fn send_udp(&mut self, socket: &UdpSocket, to: SocketAddrV4, payload: &[u8]) -> bool {
        self.neighbours.want(*to.ip());
        let endpoint = (IpAddress::Ipv4(*to.ip()), to.port());
        self.sockets.get_mut::<udp::Socket>(socket.handle).send_slice(payload, endpoint).is_ok()
    }

    /// The next datagram and its sender.
    pub(in crate::host) fn receive_udp(&mut self, socket: &UdpSocket) -> Option<(Vec<u8>, SocketAddrV4)> {
        if !self.sockets.get::<udp::Socket>(socket.handle).can_recv() {
            return None;
        }
        let (payload, meta) = self.sockets.get_mut::<udp::Socket>(socket.handle).recv().ok()?;
        Some((payload.to_vec(), endpoint_v4(meta.endpoint)))
    }

    /// Sends every datagram that `socket` has received back to its sender, from the address it was sent to. How many those were.
    pub(in crate::host) fn echo_udp(&mut self, socket: &UdpSocket) -> u64 {
        let mut echoed = 0;
        if !self.sockets.get::<udp::Socket>(socket.handle).can_recv() {
            return 0;
        }
        let server = self.sockets.get_mut::<udp::Socket>(socket.handle);
        while server.can_send() {
            let Ok((payload, meta)) = server.recv() else { break };
            let (payload, from) = (payload.to_vec(), meta.endpoint);
            let answer =
                udp::UdpMetadata { endpoint: from, local_address: meta.local_address, meta: Default::default() };
            echoed += u64::from(server.send_slice(&payload, answer).is_ok());
            let IpEndpoint { addr: IpAddress::Ipv4(address), .. } = from;
            self.neighbours.want(address);
        }
        echoed
    }

    /// Closes the socket; datagrams still queued are dropped.
    pub(in crate::host) fn close_udp(&mut self, socket: UdpSocket) {
        self.sockets.remove(socket.handle);
        self.device.set_discovery(IcmpKey::Udp(socket.port), PathMtuDiscovery::default());
        if socket.ephemeral {
            self.ports.remove(&socket.port);
        }
    }

    // ---- ICMP

    /// Opens a socket for echo requests of up to `request_bytes` with TTL `time_to_live`.
    pub(in crate::host) fn open_echo(&mut self, identifier: u16, time_to_live: u8, request_bytes: usize) -> EchoSocket {
        let buffer_bytes = 4 * request_bytes.max(ECHO_HEADER_BYTES);
        let out = icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; 4], vec![0; buffer_bytes]);
        // Without room: what arrives is read from the frame.
        let none = icmp::PacketBuffer::new(Vec::new(), Vec::new());
        let mut socket = icmp::Socket::new(none, out);
        let bound = socket.bind(icmp::Endpoint::Ident(identifier)).is_ok();
        debug_assert!(bound, "a new socket binds to any identifier");
        socket.set_hop_limit(Some(time_to_live));
        EchoSocket { handle: self.sockets.add(socket) }
    }

    /// Queues a request made by [`echo_request`]. False if the send buffer is full.
    pub(in crate::host) fn send_echo(&mut self, socket: &EchoSocket, to: Ipv4Addr, request: &[u8]) -> bool {
        self.neighbours.want(to);
        self.sockets.get_mut::<icmp::Socket>(socket.handle).send_slice(request, IpAddress::Ipv4(to)).is_ok()
    }

    /// Closes the socket; requests still queued are dropped.
    pub(in crate::host) fn close_echo(&mut self, socket: EchoSocket) {
        self.sockets.remove(socket.handle);
    }

    /// An identifier for echo requests that nobody on this host uses, and from now on hears about.
    pub(in crate::host) fn listen_for_echo(&mut self, stream: &mut Stream) -> u16 {
        // Ends: far fewer than 65,536 programs run at once.
        loop {
            let identifier = stream.next_u32() as u16;
            if !self.ears.heard.contains_key(&IcmpKey::Echo(identifier)) {
                self.listen_for(IcmpKey::Echo(identifier));
                return identifier;
            }
        }
    }

    /// Keeps ICMP messages about `key` from now on.
    pub(in crate::host) fn listen_for(&mut self, key: IcmpKey) {
        self.ears.heard.entry(key).or_default();
    }

    /// The next message about `key`.
    pub(in crate::host) fn take_icmp(&mut self, key: IcmpKey) -> Option<IcmpHeard> {
        self.ears.heard.get_mut(&key)?.pop_front()
    }

    /// Stops listening.
    pub(in crate::host) fn ignore(&mut self, key: IcmpKey) {
        self.ears.heard.remove(&key);
    }

    /// Whether the address may be sent to: neither nothing, nor everybody.
    pub(in crate::host) fn is_reachable(&self, address: Ipv4Addr) -> bool {
        super::is_unicast(address) && self.address.map(|net| net.broadcast()) != Some(address)
    }

    /// From now on the datagrams or requests of this socket deal with MTUs so.
    pub(in crate::host) fn set_discovery(&mut self, socket: IcmpKey, discovery: PathMtuDiscovery) {
        self.device.set_discovery(socket, discovery);
    }

    /// Whether this socket takes an IPv4 packet of `packet_bytes` to `destination`.
    ///
    /// # Errors
    /// It is longer than the MTU that counts for the socket, and the socket does not have its packets cut.
    pub(in crate::host) fn fits(
        &self,
        now: SimTime,
        socket: IcmpKey,
        destination: Ipv4Addr,
        packet_bytes: usize,
    ) -> Result<(), TooLong> {
        let mtu_bytes = self.device.path(now, destination, socket).mtu_bytes;
        if packet_bytes > mtu_bytes && self.device.refuses_long(socket) {
            return Err(TooLong { mtu_bytes });
        }
        Ok(())
    }

    /// Whether packets to `address` are for this host.
    pub(super) fn owns(&self, address: Ipv4Addr) -> bool {
        self.address() == Some(address) || self.answers_for.iter().any(|net| net.contains(&address))
    }

    /// Who sent a packet that smoltcp would answer on the spot (echo request, closed port), if the way back is not known yet.
    pub(super) fn asker_to_be_found(&self, now: SimTime, packet: &Parsed) -> Option<Ipv4Addr> {
        let own = self.address?;
        let port = packet.destination_port();
        let is_asking = match packet.protocol {
            Protocol::ICMP => packet.icmp.is_some_and(|icmp| icmp.kind == icmp_type::ECHO),
            Protocol::UDP => port.is_some_and(|port| !self.has_udp(port)),
            Protocol::TCP => {
                packet.tcp_flags.is_some_and(TcpFlags::is_opening) && port.is_some_and(|port| !self.has_listener(port))
            }
            _ => false,
        };
        let is_for_us = !packet.destination.is_broadcast() && super::is_unicast(packet.source);
        let is_lost = is_asking && is_for_us && !self.neighbours.is_known(now, packet.source, own, self.gateway);
        is_lost.then_some(packet.source)
    }

    fn has_udp(&self, port: u16) -> bool {
        // The DHCP client is no UDP socket.
        port == DHCP_CLIENT_PORT
            || self.sockets.iter().any(|socket| matches!(socket, Socket::Udp(udp) if udp.endpoint().port == port))
    }

    fn has_listener(&self, port: u16) -> bool {
        self.sockets.iter().any(
            |socket| matches!(socket, Socket::Tcp(tcp) if tcp.is_listening() && tcp.listen_endpoint().port == port),
        )
    }

    /// Takes note of an ICMP message: of the path MTU it tells, and of whatever somebody waits for.
    pub(super) fn hear_icmp(&mut self, now: SimTime, frame: &[u8]) {
        if ethernet::ether_type(frame) != Some(ethernet::IPV4) {
            return;
        }
        let Ok(packet) = Parsed::of(frame) else { return };
        if packet.protocol != Protocol::ICMP || !self.owns(packet.destination) {
            return;
        }
        let end = packet.transport_at() - usize::from(packet.header_bytes) + usize::from(packet.total_bytes);
        let is_sound = packet.header_checksum_is_valid(frame)
            && frame.get(packet.transport_at()..end).is_some_and(checksum::is_valid);
        if !is_sound {
            return;
        }
        if let Some(needed) = FragmentationNeeded::of(&packet, frame) {
            self.device.hear_fragmentation_needed(now, &needed);
        }
        if self.ears.heard.is_empty() || self.address() != Some(packet.destination) {
            return;
        }
        let Some((key, message)) = icmp_message(&packet, frame) else { return };
        let heard = IcmpHeard {
            at: now,
            from: packet.source,
            time_to_live: packet.ttl,
            bytes: usize::from(packet.total_bytes).saturating_sub(usize::from(packet.header_bytes)),
            message,
        };
        if let Some(waiting) = self.ears.heard.get_mut(&key).filter(|waiting| waiting.len() < HEARD_MAX) {
            waiting.push_back(heard);
        }
    }
}

/// The bytes of an echo request (RFC 792). smoltcp fills in the checksum.
pub(in crate::host) fn echo_request(identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut request = vec![icmp_type::ECHO, 0, 0, 0];
    request.extend_from_slice(&identifier.to_be_bytes());
    request.extend_from_slice(&sequence.to_be_bytes());
    request.extend_from_slice(payload);
    request
}

pub(super) fn bound(port: u16, datagrams: usize, bytes: usize) -> udp::Socket<'static> {
    let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; datagrams], vec![0; bytes]);
    let mut socket = udp::Socket::new(buffer(), buffer());
    let bound = socket.bind(port).is_ok();
    debug_assert!(bound || port == 0, "a new socket binds to any port but 0");
    socket
}

/// Whom an ICMP message concerns, and what it says.
fn icmp_message(packet: &Parsed, frame: &[u8]) -> Option<(IcmpKey, IcmpMessage)> {
    let icmp = packet.icmp?;
    let word = |at: usize| {
        let bytes = frame.get(packet.transport_at() + at..)?;
        Some(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]))
    };
    if icmp.kind == icmp_type::ECHO_REPLY {
        return Some((IcmpKey::Echo(icmp.identifier), IcmpMessage::EchoReply { sequence: word(6)? }));
    }
    let quoted = packet.quoted(frame)?;
    let (key, about) = match (quoted.protocol, quoted.ports, quoted.icmp) {
        (Protocol::UDP, Some((source, destination)), _) => (IcmpKey::Udp(source), destination),
        (Protocol::TCP, Some((source, destination)), _) => (IcmpKey::Tcp(source), destination),
        (Protocol::ICMP, _, Some(request)) if request.kind == icmp_type::ECHO => {
            let sequence_at = ECHO_HEADER_BYTES + usize::from(quoted.header_bytes) + 6;
            (IcmpKey::Echo(request.identifier), word(sequence_at)?)
        }
        _ => return None,
    };
    Some((key, IcmpMessage::Error { kind: icmp.kind, code: icmp.code, mtu_bytes: word(6)?, about }))
}

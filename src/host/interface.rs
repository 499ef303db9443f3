//! The host's network stack: a smoltcp interface, its sockets, and what a kernel does around them.
//!
//! Purpose: give the programs of a host a socket API in virtual time (connect, listen, send, receive, close) and configure
//! the interface by DHCP. Non-goals: IPv6, IP fragmentation, SACK and timestamps on the sending side (smoltcp has none).
//! Invariants: a socket has one owner and is handed back exactly once ([`Stack::close`] or [`Stack::abandon`]); an
//! ephemeral port is given out again only when its socket is gone; nothing but `now` tells the time.
//!
//! smoltcp 0.14's habits that this module works around:
//! - it sends at most one ARP request a second whatever the neighbour, so a query to the resolver would hold up the connect
//!   that follows by a second: `neighbours` asks where smoltcp keeps silent;
//! - it drops an immediate answer (RST, echo reply, port unreachable) whose neighbour is not known yet, where Linux keeps it: the
//!   frame that provokes it is held until the ARP reply comes;
//! - with `any_ip` it answers for every address: frames for others are filtered out before;
//! - a closed socket may retransmit for ever: it is dropped after [`LINGER`].
//!
//! Datagrams (UDP, ICMP) are in `datagram`.

mod datagram;
mod lease;

pub(super) use datagram::{EchoSocket, IcmpHeard, IcmpKey, IcmpMessage, UdpSocket, echo_request};

use self::datagram::Ears;
use self::lease::{DHCP_OPTION_MTU, dhcp_mtu};
use super::device::QueueDevice;
use super::neighbours::Neighbours;
use super::{Addressing, HostConfig, HostCounters};
use crate::net::{Ipv4Net, MacAddress};
use crate::rng::Stream;
use crate::time::{SimDuration, SimTime};
use bytes::Bytes;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, IpAddress, IpCidr,
    IpEndpoint, Ipv4Cidr, Ipv4Packet,
};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How long a socket may go on by itself after its program closed it (Linux: `tcp_fin_timeout`, 60 s).
pub(super) const LINGER: SimDuration = SimDuration::from_secs(60);

/// Linux's `net.ipv4.ip_local_port_range`.
const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Send and receive buffer of a TCP socket.
const TCP_BUFFER_BYTES: usize = 64 * 1024;

/// The same of a socket for bulk data: the most that is under way, so goodput is at most this per round trip. Own choice: half of what the
/// default queue of an instance's link holds, so that a window never overflows it.
const BULK_BUFFER_BYTES: usize = 512 * 1024;

/// RFC 2132: mask, router, resolver, domain name, interface MTU.
const DHCP_PARAMETERS: &[u8] = &[1, 3, 6, 15, DHCP_OPTION_MTU];

/// IP MTUs a host works with: RFC 791's minimum for hosts, and smoltcp's maximum.
const MTU_BYTES_ACCEPTED: std::ops::RangeInclusive<usize> = 576..=9216;

/// A TCP socket in the hands of a program.
#[derive(Debug)]
pub(super) struct TcpSocket {
    handle: SocketHandle,
    /// This end.
    pub(super) local: SocketAddrV4,
    /// The other end.
    pub(super) peer: SocketAddrV4,
    /// Whether `local`'s port was drawn for this socket.
    ephemeral: bool,
}

/// A TCP socket waiting for a SYN.
#[derive(Debug)]
pub(super) struct TcpListener {
    handle: SocketHandle,
}

/// What a TCP socket is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TcpUse {
    /// Requests and answers: 64 KiB each way, no congestion control (what is sent fits into one window).
    Exchange,
    /// Bulk data: 512 KiB each way, Reno.
    Bulk,
}

/// Why no SYN was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectError {
    /// Every ephemeral port is in use.
    NoFreePort,
    /// The host has no address, or the destination is no unicast address and port.
    BadDestination,
}

/// What a TCP socket can do for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TcpState {
    /// The handshake is under way.
    Connecting,
    /// Both directions are open.
    Open,
    /// The peer has sent FIN; this end may still send.
    PeerFinished,
    /// Reset, refused, or back to listening.
    Closed,
}

/// A closed socket that the protocol still needs.
#[derive(Debug)]
struct Lingering {
    socket: TcpSocket,
    /// Bytes that did not fit into the send buffer yet.
    backlog: Vec<u8>,
    until: SimTime,
}

/// See the module.
pub(super) struct Stack {
    device: QueueDevice,
    interface: Interface,
    sockets: SocketSet<'static>,
    mac: MacAddress,
    answers_for: Vec<Ipv4Net>,
    dhcp: Option<SocketHandle>,
    /// Interface MTU named by the last DHCP ACK seen, until it is applied.
    offered_mtu_bytes: Option<usize>,
    address: Option<Ipv4Net>,
    gateway: Option<Ipv4Addr>,
    resolver: Option<Ipv4Addr>,
    ports: BTreeSet<u16>,
    lingering: Vec<Lingering>,
    /// Sockets whose RST is to leave with the next egress.
    resetting: Vec<TcpSocket>,
    neighbours: Neighbours,
    ears: Ears,
}

impl Stack {
    /// A stack as `config` describes it. With [`Addressing::Dhcp`] the first poll sends a DISCOVER.
    pub(super) fn new(config: &HostConfig, stream: &mut Stream) -> Self {
        let mut device = QueueDevice::new(
            config.mtu_bytes.clamp(*MTU_BYTES_ACCEPTED.start(), *MTU_BYTES_ACCEPTED.end()),
            config.resets_unknown,
        );
        let interface = new_interface(&mut device, config.mac, SimTime::ZERO, stream);
        let mut stack = Stack {
            device,
            interface,
            sockets: SocketSet::new(Vec::new()),
            mac: config.mac,
            answers_for: config.answers_for.clone(),
            dhcp: None,
            offered_mtu_bytes: None,
            address: None,
            gateway: None,
            resolver: None,
            ports: BTreeSet::new(),
            lingering: Vec::new(),
            resetting: Vec::new(),
            neighbours: Neighbours::default(),
            ears: Ears::default(),
        };
        match config.addressing {
            Addressing::Dhcp => {
                let mut client = dhcpv4::Socket::new();
                client.set_parameter_request_list(DHCP_PARAMETERS);
                stack.dhcp = Some(stack.sockets.add(client));
            }
            Addressing::Static { address, gateway, resolver } => stack.configure(address, Some(gateway), resolver),
        }
        stack
    }

    // ---- frames and time

    /// Queues a frame for the next [`Stack::ingest`], unless it is for somebody else.
    pub(super) fn handle_frame(&mut self, frame: Bytes) {
        self.device.counters.frames_received += 1;
        if self.is_for_another(&frame) {
            self.device.counters.frames_for_others += 1;
            return;
        }
        if self.dhcp.is_some() {
            self.offered_mtu_bytes = dhcp_mtu(&frame, self.mac).or(self.offered_mtu_bytes);
        }
        self.device.push_incoming(frame);
    }

    /// Processes one queued frame. `None`: there was none. Otherwise the port at which it was refused, if it was.
    pub(super) fn ingest(&mut self, now: SimTime) -> Option<Option<u16>> {
        let frame = self.device.peek_incoming()?;
        self.device.now = now;
        if let Some(asker) = self.asker_to_be_found(now, &frame) {
            self.neighbours.want(asker);
            self.device.pop_incoming().into_iter().for_each(|frame| self.neighbours.hold(frame));
            return Some(None);
        }
        let asked_before = self.device.arp_requests_sent();
        if let PollIngressSingleResult::None =
            self.interface.poll_ingress_single(instant(now), &mut self.device, &mut self.sockets)
        {
            return None;
        }
        self.hear_icmp(now, &frame);
        for held in self.neighbours.hear(now, &frame, self.address()) {
            self.device.push_incoming(held);
        }
        if self.device.arp_requests_sent() != asked_before {
            // The answer to this frame was lost for want of a neighbour.
            self.neighbours.hold(frame);
        }
        Some(self.device.take_refused_port())
    }

    /// Lets the sockets send. True if anything happened.
    pub(super) fn egress(&mut self, now: SimTime) -> bool {
        self.device.now = now;
        self.sweep_lingering(now);
        let mut sent = false;
        let frames_before = self.device.outgoing_frames();
        while let PollResult::SocketStateChanged =
            self.interface.poll_egress(instant(now), &mut self.device, &mut self.sockets)
        {
            sent = true;
        }
        for socket in std::mem::take(&mut self.resetting) {
            self.abandon(socket);
        }
        if let Some(address) = self.address {
            self.neighbours.ask(now, self.mac, address, self.gateway, &mut self.device);
        }
        sent || self.device.outgoing_frames() != frames_before
    }

    /// The next frame for the wire.
    pub(super) fn pop_frame(&mut self) -> Option<Bytes> {
        let frame = self.device.pop_outgoing()?;
        self.device.counters.frames_sent += 1;
        Some(frame)
    }

    /// When the stack needs a poll by itself; may lie in the past.
    pub(super) fn poll_at(&mut self, now: SimTime) -> Option<SimTime> {
        let protocol = self.interface.poll_at(instant(now), &self.sockets).map(sim_time);
        let lingering = self.lingering.iter().map(|closed| closed.until).min();
        [protocol, lingering].into_iter().flatten().min()
    }

    /// What happened besides.
    pub(super) fn counters(&self) -> &HostCounters {
        &self.device.counters
    }

    /// To count what happens above the stack.
    pub(super) fn counters_mut(&mut self) -> &mut HostCounters {
        &mut self.device.counters
    }

    // ---- configuration

    /// The address, once there is one.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.address.map(|net| net.addr())
    }

    /// The DNS resolver, if one is known.
    pub(super) fn resolver(&self) -> Option<Ipv4Addr> {
        self.resolver
    }

    /// The IP MTU in force.
    pub(super) fn mtu_bytes(&self) -> usize {
        self.device.mtu_bytes
    }

    /// Applies what DHCP has agreed upon since the last call. The address, if it is new.
    pub(super) fn apply_dhcp(&mut self, now: SimTime, stream: &mut Stream) -> Option<Ipv4Addr> {
        let handle = self.dhcp?;
        let lease = match self.sockets.get_mut::<dhcpv4::Socket>(handle).poll()? {
            dhcpv4::Event::Configured(lease) => lease,
            dhcpv4::Event::Deconfigured => {
                self.deconfigure();
                return None;
            }
        };
        // RFC 2132 section 3.5: routers and resolvers come in order of preference.
        let address = Ipv4Net::new(lease.address.address(), lease.address.prefix_len()).ok()?;
        let (router, resolver) = (lease.router, lease.dns_servers.first().copied());
        if let Some(mtu_bytes) = self.offered_mtu_bytes.take()
            && mtu_bytes != self.device.mtu_bytes
        {
            // smoltcp copies the MTU when an interface is made, so a new one takes over; the sockets stay.
            self.device.mtu_bytes = mtu_bytes;
            self.interface = new_interface(&mut self.device, self.mac, now, stream);
        }
        let is_new = self.address != Some(address);
        self.configure(address, router, resolver);
        is_new.then(|| address.addr())
    }

    /// An address or gateway that no host can bear is not applied: smoltcp would panic.
    fn configure(&mut self, address: Ipv4Net, gateway: Option<Ipv4Addr>, resolver: Option<Ipv4Addr>) {
        if !is_unicast(address.addr()) {
            return;
        }
        let gateway = gateway.filter(|gateway| is_unicast(*gateway));
        (self.address, self.gateway, self.resolver) = (Some(address), gateway, resolver);
        self.neighbours.forget();
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list has room for eight, and one is put in.
            let _ = addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(address.addr(), address.prefix_len())));
        });
        self.interface.routes_mut().update(|routes| routes.clear());
        if let Some(gateway) = gateway {
            // Fails only when the table is full, and it was just cleared.
            let _ = self.interface.routes_mut().add_default_ipv4_route(gateway);
        }
        self.interface.set_any_ip(!self.answers_for.is_empty());
    }

    fn deconfigure(&mut self) {
        (self.address, self.gateway, self.resolver) = (None, None, None);
        self.interface.update_ip_addrs(|addresses| addresses.clear());
        self.interface.routes_mut().update(|routes| routes.clear());
    }

    /// Whether a service host would wrongly take this frame: `any_ip` knows no bounds. Unreadable frames pass: smoltcp drops them.
    fn is_for_another(&self, frame: &[u8]) -> bool {
        if self.answers_for.is_empty() {
            return false;
        }
        let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return false };
        let destination = match ethernet.ethertype() {
            EthernetProtocol::Ipv4 => match Ipv4Packet::new_checked(ethernet.payload()) {
                Ok(ip) => ip.dst_addr(),
                Err(_) => return false,
            },
            EthernetProtocol::Arp => {
                match ArpPacket::new_checked(ethernet.payload()).and_then(|packet| ArpRepr::parse(&packet)) {
                    Ok(ArpRepr::EthernetIpv4 { target_protocol_addr, .. }) => target_protocol_addr,
                    _ => return false,
                }
            }
            _ => return false,
        };
        let own = self.address() == Some(destination) || destination.is_broadcast();
        !own && !self.answers_for.iter().any(|net| net.contains(&destination))
    }

    // ---- TCP

    /// Sends a SYN to `peer` from a free ephemeral port.
    pub(super) fn connect(&mut self, stream: &mut Stream, peer: SocketAddrV4) -> Result<TcpSocket, ConnectError> {
        self.connect_for(stream, peer, TcpUse::Exchange, None)
    }

    /// The same for a use of one's choice, and with a TTL other than the usual 64.
    pub(super) fn connect_for(
        &mut self,
        stream: &mut Stream,
        peer: SocketAddrV4,
        tcp_use: TcpUse,
        time_to_live: Option<u8>,
    ) -> Result<TcpSocket, ConnectError> {
        let address = self.address().ok_or(ConnectError::BadDestination)?;
        let subnet_broadcast = self.address.map(|net| net.broadcast());
        // There is no loopback interface.
        let is_self = *peer.ip() == address || peer.ip().is_loopback();
        if is_self || !is_unicast(*peer.ip()) || peer.port() == 0 || subnet_broadcast == Some(*peer.ip()) {
            return Err(ConnectError::BadDestination);
        }
        let port = self.take_port(stream).ok_or(ConnectError::NoFreePort)?;
        self.neighbours.want(*peer.ip());
        let mut socket = new_tcp(tcp_use);
        socket.set_hop_limit(time_to_live);
        let handle = self.sockets.add(socket);
        let local = SocketAddrV4::new(address, port);
        let socket = TcpSocket { handle, local, peer, ephemeral: true };
        let smoltcp_socket = self.sockets.get_mut::<tcp::Socket>(handle);
        if smoltcp_socket.connect(self.interface.context(), (*peer.ip(), peer.port()), (address, port)).is_err() {
            self.abandon(socket);
            return Err(ConnectError::BadDestination);
        }
        Ok(socket)
    }

    /// Waits for one connection at `port`, at any address of this host. `None` for port 0.
    pub(super) fn listen(&mut self, port: u16, tcp_use: TcpUse) -> Option<TcpListener> {
        let mut socket = new_tcp(tcp_use);
        socket.listen(port).ok()?;
        Some(TcpListener { handle: self.sockets.add(socket) })
    }

    /// Turns a listener that has heard a SYN into a socket, or gives it back.
    pub(super) fn accept(&mut self, listener: TcpListener) -> Result<TcpSocket, TcpListener> {
        let socket = self.sockets.get::<tcp::Socket>(listener.handle);
        match (socket.local_endpoint().map(endpoint_v4), socket.remote_endpoint().map(endpoint_v4)) {
            (Some(local), Some(peer)) => {
                self.neighbours.want(*peer.ip());
                Ok(TcpSocket { handle: listener.handle, local, peer, ephemeral: false })
            }
            _ => Err(listener),
        }
    }

    /// Closes a listener.
    pub(super) fn stop_listening(&mut self, listener: TcpListener) {
        self.sockets.remove(listener.handle);
    }

    /// What `socket` can do now.
    pub(super) fn state(&self, socket: &TcpSocket) -> TcpState {
        match self.sockets.get::<tcp::Socket>(socket.handle).state() {
            tcp::State::SynSent | tcp::State::SynReceived => TcpState::Connecting,
            tcp::State::Established => TcpState::Open,
            tcp::State::CloseWait => TcpState::PeerFinished,
            // The later states follow a close by this end, which takes the socket away from its owner.
            _ => TcpState::Closed,
        }
    }

    /// When the first SYN of `socket` left this host.
    pub(super) fn first_syn_at(&self, socket: &TcpSocket) -> Option<SimTime> {
        self.device.first_syn_at(socket.local.port())
    }

    /// Sends no further SYN for `socket`: its retries are used up.
    pub(super) fn mute_syn(&mut self, socket: &TcpSocket) {
        self.device.mute_syn(socket.local.port());
    }

    /// Moves everything received to the end of `buffer`; how many bytes that were.
    pub(super) fn receive(&mut self, socket: &TcpSocket, buffer: &mut Vec<u8>) -> usize {
        let socket = self.sockets.get_mut::<tcp::Socket>(socket.handle);
        let before = buffer.len();
        while socket.can_recv() {
            let taken = socket.recv(|bytes| {
                buffer.extend_from_slice(bytes);
                (bytes.len(), bytes.len())
            });
            if !matches!(taken, Ok(1..)) {
                break;
            }
        }
        buffer.len() - before
    }

    /// Takes as much of the front of `bytes` as the send buffer has room for.
    pub(super) fn send(&mut self, socket: &TcpSocket, bytes: &mut Vec<u8>) -> usize {
        let accepted = self.sockets.get_mut::<tcp::Socket>(socket.handle).send_slice(bytes).unwrap_or(0);
        bytes.drain(..accepted);
        if accepted > 0 {
            self.neighbours.want(*socket.peer.ip());
        }
        accepted
    }

    /// Sends up to `bytes` of filler, as much as the send buffer has room for; how many bytes that were. Bulk data is not worth a copy.
    pub(super) fn send_filler(&mut self, socket: &TcpSocket, bytes: u64) -> u64 {
        let tcp = self.sockets.get_mut::<tcp::Socket>(socket.handle);
        let mut sent = 0;
        // The ring buffer offers its free room in at most two pieces.
        while sent < bytes && tcp.can_send() {
            let rest = bytes - sent;
            let filled = tcp.send(|room| {
                let length = usize::try_from(rest).map_or(room.len(), |rest| rest.min(room.len()));
                room[..length].fill(b'v');
                (length, length)
            });
            match filled {
                Ok(length @ 1..) => sent += length as u64,
                _ => break,
            }
        }
        if sent > 0 {
            self.neighbours.want(*socket.peer.ip());
        }
        sent
    }

    /// Ends the connection with a RST, which leaves with the next egress.
    pub(super) fn reset(&mut self, socket: TcpSocket) {
        self.sockets.get_mut::<tcp::Socket>(socket.handle).abort();
        self.resetting.push(socket);
    }

    /// Orderly close: `backlog`, then FIN. The protocol ends by itself; nothing of the socket remains for the program.
    pub(super) fn close(&mut self, now: SimTime, socket: TcpSocket, backlog: Vec<u8>) {
        match self.state(&socket) {
            TcpState::Connecting | TcpState::Closed => self.abandon(socket),
            TcpState::Open | TcpState::PeerFinished => {
                self.lingering.push(Lingering { socket, backlog, until: now + LINGER });
                self.sweep_lingering(now);
            }
        }
    }

    /// Forgets the socket without a word on the wire, as Linux does with a connect that timed out.
    pub(super) fn abandon(&mut self, socket: TcpSocket) {
        self.sockets.remove(socket.handle);
        if socket.ephemeral {
            self.ports.remove(&socket.local.port());
            self.device.forget_port(socket.local.port());
        }
    }

    /// Moves closed sockets on: backlog, FIN, and the end of those that are done or out of time.
    fn sweep_lingering(&mut self, now: SimTime) {
        let mut kept = Vec::with_capacity(self.lingering.len());
        for mut closed in std::mem::take(&mut self.lingering) {
            if self.send(&closed.socket, &mut closed.backlog) > 0 {
                closed.until = now + LINGER;
            }
            let socket = self.sockets.get_mut::<tcp::Socket>(closed.socket.handle);
            if closed.backlog.is_empty() {
                socket.close();
            }
            if socket.state() == tcp::State::Closed {
                self.abandon(closed.socket);
            } else if closed.until <= now {
                self.device.counters.lingering_dropped += 1;
                self.abandon(closed.socket);
            } else {
                kept.push(closed);
            }
        }
        self.lingering = kept;
    }

    fn take_port(&mut self, stream: &mut Stream) -> Option<u16> {
        let (first, last) = (*EPHEMERAL_PORTS.start(), *EPHEMERAL_PORTS.end());
        let count = last - first + 1;
        if self.ports.len() >= usize::from(count) {
            return None;
        }
        // From a drawn start, the next free one: ends, because at least one port is free.
        let start = stream.below(u64::from(count)) as u16;
        let port = (0..count).map(|step| first + (start + step) % count).find(|port| !self.ports.contains(port))?;
        self.ports.insert(port);
        Some(port)
    }
}

/// Whether a host may bear, or call, this address.
fn is_unicast(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_broadcast())
}

/// smoltcp counts whole microseconds; the part below is cut off.
fn instant(at: SimTime) -> Instant {
    Instant::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))
}

fn sim_time(at: Instant) -> SimTime {
    SimTime::from_nanos(u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1_000))
}

fn new_interface(device: &mut QueueDevice, mac: MacAddress, now: SimTime, stream: &mut Stream) -> Interface {
    let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac.0)));
    config.random_seed = stream.next_u64();
    Interface::new(config, device, instant(now))
}

fn new_tcp(tcp_use: TcpUse) -> tcp::Socket<'static> {
    let length = match tcp_use {
        TcpUse::Exchange => TCP_BUFFER_BYTES,
        TcpUse::Bulk => BULK_BUFFER_BYTES,
    };
    let buffer = || tcp::SocketBuffer::new(vec![0; length]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    // Python's http.client and OpenSSH set TCP_NODELAY; acknowledgements leave with the answer or at once.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket.set_congestion_control(match tcp_use {
        TcpUse::Exchange => tcp::CongestionControl::None,
        TcpUse::Bulk => tcp::CongestionControl::Reno,
    });
    socket
}

fn endpoint_v4(endpoint: IpEndpoint) -> SocketAddrV4 {
    let IpAddress::Ipv4(address) = endpoint.addr;
    SocketAddrV4::new(address, endpoint.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn stack(stream: &mut Stream) -> Stack {
        let config = HostConfig {
            name: "x".into(),
            mac: MacAddress::local(1),
            addressing: Addressing::Static {
                address: "10.0.0.10/24".parse().unwrap(),
                gateway: Ipv4Addr::new(10, 0, 0, 1),
                resolver: None,
            },
            answers_for: vec![],
            mtu_bytes: 1,
            resets_unknown: true,
            servers: vec![],
        };
        Stack::new(&config, stream)
    }

    #[test]
    fn ports_are_drawn_once_and_given_back() {
        let mut stream = Seed::new(1).derive("ports");
        let mut stack = stack(&mut stream);
        assert_eq!(stack.mtu_bytes(), 576, "the least a host works with");
        let peer = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 443);
        let sockets: Vec<_> = (0..100).map(|_| stack.connect(&mut stream, peer).unwrap()).collect();
        let ports: BTreeSet<_> = sockets.iter().map(|socket| socket.local.port()).collect();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| EPHEMERAL_PORTS.contains(port)));
        for socket in sockets {
            stack.close(SimTime::ZERO, socket, Vec::new());
        }
        assert!(stack.ports.is_empty());
        stack.ports.extend(EPHEMERAL_PORTS.skip(1));
        assert_eq!(stack.connect(&mut stream, peer).unwrap().local.port(), *EPHEMERAL_PORTS.start());
        assert_eq!(stack.connect(&mut stream, peer).unwrap_err(), ConnectError::NoFreePort);
    }

    #[test]
    fn destinations_that_cannot_be_connected_to() {
        let mut stream = Seed::new(1).derive("ports");
        let mut stack = stack(&mut stream);
        for address in ["0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "10.0.0.255:1", "192.0.2.1:0"] {
            let error = stack.connect(&mut stream, address.parse().unwrap()).unwrap_err();
            assert_eq!(error, ConnectError::BadDestination, "{address}");
        }
    }
}

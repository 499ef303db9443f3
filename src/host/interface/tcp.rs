//! TCP sockets of the host's stack: connect, listen, send, receive, close.
//!
//! Purpose: give programs sockets in virtual time, ephemeral ports, and an orderly end. Non-goals: SACK and timestamps on the sending side
//! (smoltcp has none). Invariants: a socket has one owner and is handed back exactly once ([`Stack::close`], [`Stack::reset`] or
//! [`Stack::abandon`]); an ephemeral port is given out again only when its socket is gone.

use super::sockets::SocketHandle;
use super::{Stack, endpoint_v4, is_unicast};
use crate::rng::Stream;
use crate::time::{SimDuration, SimTime};
use smoltcp::socket::tcp;
use std::net::SocketAddrV4;

/// How long a socket may go on by itself after its program closed it (Linux: `tcp_fin_timeout`, 60 s).
pub(super) const LINGER: SimDuration = SimDuration::from_secs(60);

/// Linux's `net.ipv4.ip_local_port_range`.
const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Send and receive buffer of a TCP socket.
const TCP_BUFFER_BYTES: usize = 64 * 1024;

/// The same of a socket for bulk data: the most that is under way, so goodput is at most this per round trip. Own choice: half of what the
/// default queue of an instance's link holds, so that a window never overflows it.
const BULK_BUFFER_BYTES: usize = 512 * 1024;

/// A TCP socket in the hands of a program.
#[derive(Debug)]
pub(in crate::host) struct TcpSocket {
    handle: SocketHandle,
    /// This end.
    pub(in crate::host) local: SocketAddrV4,
    /// The other end.
    pub(in crate::host) peer: SocketAddrV4,
    /// Whether `local`'s port was drawn for this socket.
    ephemeral: bool,
}

/// A TCP socket waiting for a SYN.
#[derive(Debug)]
pub(in crate::host) struct TcpListener {
    handle: SocketHandle,
}

/// What a TCP socket is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum TcpUse {
    /// Requests and answers: 64 KiB each way, no congestion control (what is sent fits into one window).
    Exchange,
    /// Bulk data: 512 KiB each way, Reno.
    Bulk,
}

/// Why no SYN was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum ConnectError {
    /// Every ephemeral port is in use.
    NoFreePort,
    /// The host has no address, or the destination is no unicast address and port.
    BadDestination,
}

/// What a TCP socket can do for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum TcpState {
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
pub(super) struct Lingering {
    socket: TcpSocket,
    /// Bytes that did not fit into the send buffer yet.
    backlog: Vec<u8>,
    pub(super) until: SimTime,
}

impl Stack {
    /// Sends a SYN to `peer` from a free ephemeral port.
    pub(in crate::host) fn connect(
        &mut self,
        stream: &mut Stream,
        peer: SocketAddrV4,
    ) -> Result<TcpSocket, ConnectError> {
        self.connect_for(stream, peer, TcpUse::Exchange, None)
    }

    /// The same for a use of one's choice, and with a TTL other than the usual 64.
    pub(in crate::host) fn connect_for(
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
        self.sockets.connected(handle, (local, peer));
        Ok(socket)
    }

    /// Waits for one connection at `port`, at any address of this host. `None` for port 0.
    pub(in crate::host) fn listen(&mut self, port: u16, tcp_use: TcpUse) -> Option<TcpListener> {
        let mut socket = new_tcp(tcp_use);
        socket.listen(port).ok()?;
        Some(TcpListener { handle: self.sockets.add(socket) })
    }

    /// Turns a listener that has heard a SYN into a socket, or gives it back.
    pub(in crate::host) fn accept(&mut self, listener: TcpListener) -> Result<TcpSocket, TcpListener> {
        let socket = self.sockets.get::<tcp::Socket>(listener.handle);
        match (socket.local_endpoint().map(endpoint_v4), socket.remote_endpoint().map(endpoint_v4)) {
            (Some(local), Some(peer)) => {
                self.neighbours.want(*peer.ip());
                self.sockets.connected(listener.handle, (local, peer));
                Ok(TcpSocket { handle: listener.handle, local, peer, ephemeral: false })
            }
            _ => Err(listener),
        }
    }

    /// Closes a listener.
    pub(in crate::host) fn stop_listening(&mut self, listener: TcpListener) {
        self.sockets.remove(listener.handle);
    }

    /// What `socket` can do now.
    pub(in crate::host) fn state(&self, socket: &TcpSocket) -> TcpState {
        match self.sockets.get::<tcp::Socket>(socket.handle).state() {
            tcp::State::SynSent | tcp::State::SynReceived => TcpState::Connecting,
            tcp::State::Established => TcpState::Open,
            tcp::State::CloseWait => TcpState::PeerFinished,
            // The later states follow a close by this end, which takes the socket away from its owner.
            _ => TcpState::Closed,
        }
    }

    /// Whether `socket`, which was open and had nothing for its owner, still is so.
    pub(in crate::host) fn is_at_rest(&self, socket: &TcpSocket) -> bool {
        if !self.sockets.is_stirred(socket.handle) {
            return true;
        }
        let tcp = self.sockets.get::<tcp::Socket>(socket.handle);
        tcp.state() == tcp::State::Established && !tcp.can_recv()
    }

    /// When the first SYN of `socket` left this host.
    pub(in crate::host) fn first_syn_at(&self, socket: &TcpSocket) -> Option<SimTime> {
        self.device.first_syn_at(socket.local.port())
    }

    /// Sends no further SYN for `socket`: its retries are used up.
    pub(in crate::host) fn mute_syn(&mut self, socket: &TcpSocket) {
        self.device.mute_syn(socket.local.port());
    }

    /// Moves everything received to the end of `buffer`; how many bytes that were.
    pub(in crate::host) fn receive(&mut self, socket: &TcpSocket, buffer: &mut Vec<u8>) -> usize {
        self.receive_each(socket, |bytes| buffer.extend_from_slice(bytes)) as usize
    }

    /// Forgets everything received; how many bytes that were.
    pub(in crate::host) fn count_received(&mut self, socket: &TcpSocket) -> u64 {
        self.receive_each(socket, |_| ())
    }

    fn receive_each(&mut self, socket: &TcpSocket, mut take: impl FnMut(&[u8])) -> u64 {
        if !self.sockets.get::<tcp::Socket>(socket.handle).can_recv() {
            return 0;
        }
        let socket = self.sockets.get_mut::<tcp::Socket>(socket.handle);
        let mut received_bytes = 0;
        // The ring buffer offers what it holds in at most two pieces.
        while socket.can_recv() {
            let taken = socket.recv(|bytes| {
                take(bytes);
                (bytes.len(), bytes.len() as u64)
            });
            match taken {
                Ok(bytes @ 1..) => received_bytes += bytes,
                _ => break,
            }
        }
        received_bytes
    }

    /// Takes as much of the front of `bytes` as the send buffer has room for.
    pub(in crate::host) fn send(&mut self, socket: &TcpSocket, bytes: &mut Vec<u8>) -> usize {
        if bytes.is_empty() || !self.sockets.get::<tcp::Socket>(socket.handle).can_send() {
            return 0;
        }
        let accepted = self.sockets.get_mut::<tcp::Socket>(socket.handle).send_slice(bytes).unwrap_or(0);
        bytes.drain(..accepted);
        if accepted > 0 {
            self.neighbours.want(*socket.peer.ip());
        }
        accepted
    }

    /// Sends up to `bytes` of filler, as much as the send buffer has room for; how many bytes that were. Bulk data is not worth a copy.
    pub(in crate::host) fn send_filler(&mut self, socket: &TcpSocket, bytes: u64) -> u64 {
        if bytes == 0 || !self.sockets.get::<tcp::Socket>(socket.handle).can_send() {
            return 0;
        }
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
    pub(in crate::host) fn reset(&mut self, socket: TcpSocket) {
        self.sockets.get_mut::<tcp::Socket>(socket.handle).abort();
        self.resetting.push(socket);
    }

    /// Orderly close: `backlog`, then FIN. The protocol ends by itself; nothing of the socket remains for the program.
    pub(in crate::host) fn close(&mut self, now: SimTime, socket: TcpSocket, backlog: Vec<u8>) {
        match self.state(&socket) {
            TcpState::Connecting | TcpState::Closed => self.abandon(socket),
            TcpState::Open | TcpState::PeerFinished => {
                self.lingering.push(Lingering { socket, backlog, until: now + LINGER });
                self.sweep_lingering(now);
            }
        }
    }

    /// Forgets the socket without a word on the wire, as Linux does with a connect that timed out.
    pub(in crate::host) fn abandon(&mut self, socket: TcpSocket) {
        self.sockets.remove(socket.handle);
        if socket.ephemeral {
            self.ports.remove(&socket.local.port());
            self.device.forget_port(socket.local.port());
        }
    }

    /// Moves closed sockets on: backlog, FIN, and the end of those that are done or out of time.
    pub(super) fn sweep_lingering(&mut self, now: SimTime) {
        if self.lingering.is_empty() {
            return;
        }
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

    pub(super) fn take_port(&mut self, stream: &mut Stream) -> Option<u16> {
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

pub(super) fn new_tcp(tcp_use: TcpUse) -> tcp::Socket<'static> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Addressing, HostConfig};
    use crate::net::MacAddress;
    use crate::rng::Seed;
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

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

//! The sockets of a stack: each by itself, and when each may have something to say.
//!
//! smoltcp goes through all sockets of a set for every frame that comes in, to find out who wants to send, and again for who wants to be polled when. A
//! host is polled for every frame, and most polls touch one socket of many. So each socket has a set of its own: a frame is shown to the socket that
//! smoltcp would have found in a set of all, and what smoltcp said of a socket last is kept until the socket may have changed.
//!
//! Invariants: sockets have their turns in the order of their places, as in one set, and a new one takes the first place that is free; whoever gets a
//! socket to change it stirs it, whoever changes what sockets depend on (addresses, neighbours) stirs all.

use super::endpoint_v4;
use crate::net::Protocol;
use crate::time::SimTime;
use crate::wire::{Parsed, TcpFlags};
use rustc_hash::FxHashMap;
use smoltcp::iface::SocketSet;
use smoltcp::socket::{AnySocket, Socket, dhcpv4, tcp};
use std::net::SocketAddrV4;

/// RFC 2131 section 4.1.
const DHCP_SERVER_PORT: u16 = 67;
pub(super) const DHCP_CLIENT_PORT: u16 = 68;

/// This end and the other one.
type Ends = (SocketAddrV4, SocketAddrV4);

/// A socket's place among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketHandle(usize);

/// See the module.
pub(super) struct Sockets {
    places: Vec<Option<Own>>,
    /// By place: when smoltcp wants to poll the socket; [`SimTime::ZERO`] if at once, or if that may have changed since it said so.
    due: Vec<SimTime>,
    /// The first place among the connections between the same ends; of connections that are no more, some stand here until their sockets go.
    connections: FxHashMap<Ends, usize>,
    nobody: SocketSet<'static>,
}

/// A set of one.
struct Own {
    set: SocketSet<'static>,
    within: smoltcp::iface::SocketHandle,
    ends: Option<Ends>,
}

impl Own {
    fn tcp(&self) -> Option<&tcp::Socket<'static>> {
        self.set.iter().find_map(|(_, socket)| tcp::Socket::downcast(socket))
    }
}

impl Sockets {
    pub(super) fn new() -> Self {
        let nobody = SocketSet::new(Vec::new());
        Sockets { places: Vec::new(), due: Vec::new(), connections: FxHashMap::default(), nobody }
    }

    /// Something that all sockets depend on has changed.
    pub(super) fn stir(&mut self) {
        for (place, due) in self.places.iter().zip(&mut self.due) {
            if place.is_some() {
                *due = SimTime::ZERO;
            }
        }
    }

    pub(super) fn add<T: AnySocket<'static>>(&mut self, socket: T) -> SocketHandle {
        let free = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if free == self.places.len() {
            self.places.push(None);
            self.due.push(SimTime::NEVER);
        }
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let within = set.add(socket);
        self.places[free] = Some(Own { set, within, ends: None });
        self.due[free] = SimTime::ZERO;
        SocketHandle(free)
    }

    /// The socket has a connection between these ends from now on.
    pub(super) fn connected(&mut self, handle: SocketHandle, ends: Ends) {
        if let Some(Some(own)) = self.places.get_mut(handle.0) {
            own.ends = Some(ends);
            self.connections.entry(ends).and_modify(|first| *first = handle.0.min(*first)).or_insert(handle.0);
        }
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) {
        let Some(own) = self.places.get_mut(handle.0).and_then(Option::take) else { return };
        self.due[handle.0] = SimTime::NEVER;
        if let Some(ends) = own.ends.filter(|ends| self.connections.get(ends) == Some(&handle.0)) {
            let has_same_ends = |other: &Option<Own>| other.as_ref().is_some_and(|other| other.ends == Some(ends));
            match self.places.iter().position(has_same_ends) {
                Some(next) => self.connections.insert(ends, next),
                None => self.connections.remove(&ends),
            };
        }
    }

    pub(super) fn get<T: AnySocket<'static>>(&self, handle: SocketHandle) -> &T {
        let own = self.places[handle.0].as_ref().expect(OWNED);
        own.set.get(own.within)
    }

    pub(super) fn get_mut<T: AnySocket<'static>>(&mut self, handle: SocketHandle) -> &mut T {
        self.due[handle.0] = SimTime::ZERO;
        let own = self.places[handle.0].as_mut().expect(OWNED);
        own.set.get_mut(own.within)
    }

    /// The DHCP client, to ask it what is new. That stirs nothing: smoltcp polls it for other reasons.
    pub(super) fn dhcp_client(&mut self, handle: SocketHandle) -> &mut dhcpv4::Socket<'static> {
        let own = self.places[handle.0].as_mut().expect(OWNED);
        own.set.get_mut(own.within)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket<'static>> {
        self.places.iter().flatten().flat_map(|own| own.set.iter()).map(|(_, socket)| socket)
    }

    /// When smoltcp wants to poll one of them, as far as it was asked.
    pub(super) fn poll_at(&self) -> Option<SimTime> {
        self.due.iter().min().copied().filter(|at| *at < SimTime::NEVER)
    }

    /// Whether the socket may have changed since smoltcp was asked when it wants to poll it, or wants to at once. Its owner has been asked before that.
    pub(super) fn is_stirred(&self, handle: SocketHandle) -> bool {
        self.due.get(handle.0) == Some(&SimTime::ZERO)
    }

    /// The next place from `from` on whose socket a poll may make send. smoltcp cuts times to whole microseconds, so what is due is not later than `now`.
    pub(super) fn next_due(&self, from: usize, now: SimTime) -> Option<usize> {
        self.due.get(from..)?.iter().position(|due| *due <= now).map(|ahead| from + ahead)
    }

    /// The set of the socket at `place`.
    pub(super) fn set_mut(&mut self, place: usize) -> Option<&mut SocketSet<'static>> {
        self.places.get_mut(place)?.as_mut().map(|own| &mut own.set)
    }

    /// smoltcp wants to poll the socket at `place` then, unless it is stirred.
    pub(super) fn settle(&mut self, place: usize, poll_at: Option<SimTime>) {
        self.due[place] = poll_at.unwrap_or(SimTime::NEVER);
    }

    /// Whether what a poll of the socket at `place` does is seen by nobody but the other end: so with TCP.
    pub(super) fn is_tcp(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|own| own.as_ref().is_some_and(|own| own.tcp().is_some()))
    }

    /// The socket that `packet` is for, in a set of its own; if it is for none, an empty set. Stirs it.
    pub(super) fn set_for(&mut self, packet: Option<&Parsed>) -> &mut SocketSet<'static> {
        match packet.and_then(|packet| self.place_for(packet)) {
            Some(place) => {
                self.due[place] = SimTime::ZERO;
                self.places[place].as_mut().map_or(&mut self.nobody, |own| &mut own.set)
            }
            None => &mut self.nobody,
        }
    }

    /// What smoltcp's `accepts` say in turn. ICMP is for no socket: those here only send, and smoltcp answers echo requests without.
    fn place_for(&self, packet: &Parsed) -> Option<usize> {
        let (source_port, port) = packet.ports?;
        match packet.protocol {
            Protocol::TCP => {
                let flags = packet.tcp_flags?;
                let ends = (SocketAddrV4::new(packet.destination, port), SocketAddrV4::new(packet.source, source_port));
                let first = self.connections.get(&ends).copied().filter(|_| flags.has(TcpFlags::ACK));
                first.filter(|place| self.takes(*place, ends, flags)).or_else(|| {
                    // Seldom: a connection's first and last segments.
                    (0..self.places.len()).find(|place| self.takes(*place, ends, flags))
                })
            }
            Protocol::UDP => {
                let is_for_client = (source_port, port) == (DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
                let place_of = |wanted: &dyn Fn(&Socket<'static>) -> bool| {
                    let is_wanted = |own: &Own| own.set.iter().any(|(_, socket)| wanted(socket));
                    self.places.iter().position(|own| own.as_ref().is_some_and(is_wanted))
                };
                let client = is_for_client.then(|| place_of(&|socket| matches!(socket, Socket::Dhcpv4(_)))).flatten();
                client.or_else(|| place_of(&|socket| matches!(socket, Socket::Udp(udp) if udp.endpoint().port == port)))
            }
            _ => None,
        }
    }

    /// Whether the socket at `place` is TCP's and takes a segment between these ends.
    fn takes(&self, place: usize, ends: Ends, flags: TcpFlags) -> bool {
        let Some(tcp) = self.places[place].as_ref().and_then(Own::tcp) else { return false };
        match tcp.state() {
            tcp::State::Closed => false,
            tcp::State::Listen => {
                !flags.has(TcpFlags::ACK | TcpFlags::RST) && tcp.listen_endpoint().port == ends.0.port()
            }
            _ => {
                let own = tcp.local_endpoint().zip(tcp.remote_endpoint());
                own.is_some_and(|(local, peer)| (endpoint_v4(local), endpoint_v4(peer)) == ends)
            }
        }
    }
}

/// Handles are neither made nor copied elsewhere, and given back once: see `tcp` and `datagram`.
const OWNED: &str = "whoever has a handle has a socket";

#[cfg(test)]
mod tests {
    use super::super::datagram::bound;
    use super::super::tcp::{TcpUse, new_tcp};
    use super::super::{Stack, instant, new_interface, sim_time};
    use super::*;
    use crate::host::device::{QueueDevice, ipv4};
    use crate::host::{Addressing, HostConfig};
    use crate::net::MacAddress;
    use crate::rng::{Seed, Stream};
    use bytes::BytesMut;
    use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder};
    use proptest::prelude::*;
    use smoltcp::iface::{Interface, PollResult};
    use smoltcp::wire::{IpCidr, Ipv4Cidr};
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
    const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];

    fn stream() -> Stream {
        Seed::new(7).derive("sockets")
    }

    /// The naive twin: smoltcp with all sockets in one set, each looked at for every frame.
    struct Twin {
        device: QueueDevice,
        interface: Interface,
        set: SocketSet<'static>,
    }

    impl Twin {
        fn new() -> Twin {
            let mut device = QueueDevice::new(1500, true);
            let mut interface = new_interface(&mut device, MacAddress(MACS[0]), SimTime::ZERO, &mut stream());
            interface.update_ip_addrs(|own| own.push(IpCidr::Ipv4(Ipv4Cidr::new(OWN, 24))).unwrap());
            interface.routes_mut().add_default_ipv4_route(GATEWAY).unwrap();
            Twin { device, interface, set: SocketSet::new(Vec::new()) }
        }

        /// Whether it is a TCP socket that was not used yet.
        fn is_fresh(&self, wanted: smoltcp::iface::SocketHandle) -> bool {
            let mut found = self.set.iter().filter(|(handle, _)| *handle == wanted);
            found.any(
                |(_, socket)| matches!(socket, Socket::Tcp(tcp) if !tcp.is_open() && tcp.remote_endpoint().is_none()),
            )
        }

        fn poll(&mut self, now: SimTime, frame: Option<&[u8]>) -> Vec<BytesMut> {
            self.device.now = now;
            if let Some(frame) = frame {
                self.interface.poll_ingress_single(instant(now), &mut self.device.receiving(frame), &mut self.set);
                self.device.take_refused_port();
            }
            while let PollResult::SocketStateChanged =
                self.interface.poll_egress(instant(now), &mut self.device, &mut self.set)
            {}
            std::iter::from_fn(|| self.device.pop_outgoing()).collect()
        }
    }

    fn stack() -> Stack {
        let address = "10.0.0.10/24".parse().unwrap();
        let config = HostConfig {
            name: "x".into(),
            mac: MacAddress(MACS[0]),
            addressing: Addressing::Static { address, gateway: GATEWAY, resolver: None },
            answers_for: vec![],
            mtu_bytes: 1500,
            resets_unknown: true,
            servers: vec![],
        };
        let mut stack = Stack::new(&config, &mut stream());
        // So that segments are made as the twin's are.
        stack.device.told_mtu_bytes = 1500;
        stack.interface = new_interface(&mut stack.device, MacAddress(MACS[0]), SimTime::ZERO, &mut stream());
        stack.configure(address, Some(GATEWAY), None);
        stack
    }

    fn poll(stack: &mut Stack, now: SimTime, frame: Option<&[u8]>) -> Vec<BytesMut> {
        if let Some(frame) = frame {
            stack.handle_frame(now, BytesMut::from(frame));
            while stack.ingest(now).is_some() {}
        }
        stack.egress(now);
        let asked = stack.poll_at(now);
        let all = (0..stack.sockets.places.len()).filter_map(|place| {
            let set = stack.sockets.set_mut(place)?;
            stack.interface.poll_at(instant(now), set).map(sim_time)
        });
        assert_eq!(asked, all.min(), "what is remembered is what smoltcp would say");
        std::iter::from_fn(|| stack.pop_frame()).collect()
    }

    fn gateway_speaks() -> Vec<u8> {
        let arp = ArpPacket::new(
            ArpHardwareId::ETHERNET,
            EtherType::IPV4,
            ArpOperation::REPLY,
            &MACS[1],
            &GATEWAY.octets(),
            &MACS[0],
            &OWN.octets(),
        );
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(MACS[1], MACS[0]).arp(arp.unwrap()).write(&mut frame).unwrap();
        frame
    }

    #[derive(Clone, Debug)]
    enum Act {
        Listen(u16),
        Udp(u16),
        Connect(u16),
        Say(usize, usize),
        Read(usize),
        Close(usize),
        Abort(usize),
        Remove(usize),
        Segment { ports: (u16, u16), flags: u8, bytes: usize, off_by: u32 },
        Datagram(u16, u16),
        Wait(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let ports = || (1_000u16..1_003, prop_oneof![80u16..83, 40_000u16..40_003]);
        const FLAGS: [u8; 11] = [0x10, 0x10, 0x18, 0x18, 0x02, 0x02, 0x12, 0x11, 0x14, 0x04, 0];
        let off_by = prop_oneof![9 => Just(0), 1 => 1u32..3_000];
        prop_oneof![
            3 => (80u16..83).prop_map(Act::Listen),
            1 => (80u16..83).prop_map(Act::Udp),
            2 => (1_000u16..1_003).prop_map(Act::Connect),
            3 => (0usize..8, 1usize..5_000).prop_map(|(socket, bytes)| Act::Say(socket, bytes)),
            2 => (0usize..8).prop_map(Act::Read),
            1 => (0usize..8).prop_map(Act::Close),
            1 => (0usize..8).prop_map(Act::Abort),
            1 => (0usize..8).prop_map(Act::Remove),
            16 => (ports(), proptest::sample::select(&FLAGS[..]), 0usize..1_000, off_by)
                .prop_map(|(ports, flags, bytes, off_by)| Act::Segment { ports, flags, bytes, off_by }),
            1 => ports().prop_map(|(peer, port)| Act::Datagram(peer, port)),
            2 => (1u64..1_500).prop_map(Act::Wait),
        ]
    }

    type Pair = (SocketHandle, smoltcp::iface::SocketHandle);

    fn add<T: AnySocket<'static>>(stack: &mut Stack, twin: &mut Twin, alive: &mut Vec<Pair>, socket: impl Fn() -> T) {
        if alive.len() < 8 {
            alive.push((stack.sockets.add(socket()), twin.set.add(socket())));
        }
    }

    /// Does the same to a TCP socket of the stack's and of the twin's.
    fn both<R>(
        stack: &mut Stack,
        twin: &mut Twin,
        pair: Pair,
        act: impl Fn(&mut tcp::Socket<'static>) -> R,
    ) -> Option<(R, R)> {
        if !twin.set.iter().any(|(handle, socket)| handle == pair.1 && matches!(socket, Socket::Tcp(_))) {
            return None;
        }
        Some((act(stack.sockets.get_mut(pair.0)), act(twin.set.get_mut(pair.1))))
    }

    fn segment((peer, port): (u16, u16), flags: u8, bytes: usize, sequence: u32, acknowledges: u32) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2(MACS[1], MACS[0]).ipv4(FAR.octets(), OWN.octets(), 64);
        let mut header = etherparse::TcpHeader::new(peer, port, sequence, 20_000);
        (header.fin, header.syn, header.rst) = (flags & 0x01 != 0, flags & 0x02 != 0, flags & 0x04 != 0);
        (header.psh, header.ack) = (flags & 0x08 != 0, flags & 0x10 != 0);
        header.acknowledgment_number = acknowledges;
        let mut frame = Vec::new();
        builder.tcp_header(header).write(&mut frame, &vec![b'y'; if flags & 0x02 == 0 { bytes } else { 0 }]).unwrap();
        frame
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn many_sets_of_one_do_what_one_set_of_many_does(acts in proptest::collection::vec(act(), 1..80)) {
            let (mut stack, mut twin, mut alive) = (stack(), Twin::new(), Vec::<Pair>::new());
            let mut peers = BTreeMap::<(u16, u16), (u32, u32)>::new();
            let mut now = SimTime::from_nanos(1_000_000);
            let arp = gateway_speaks();
            prop_assert_eq!(poll(&mut stack, now, Some(&arp)), twin.poll(now, Some(&arp)));
            for (number, act) in acts.into_iter().enumerate() {
                let pair = |at: usize| alive.get(at).copied();
                let mut frame = None;
                match act {
                    Act::Listen(port) => add(&mut stack, &mut twin, &mut alive, || {
                        let mut socket = new_tcp(TcpUse::Exchange);
                        socket.listen(port).unwrap();
                        socket
                    }),
                    Act::Udp(port) => add(&mut stack, &mut twin, &mut alive, || bound(port, 8, 16_384)),
                    Act::Connect(port) => {
                        let ends = (SocketAddrV4::new(OWN, 40_000 + number as u16 % 3), SocketAddrV4::new(FAR, port));
                        add(&mut stack, &mut twin, &mut alive, || new_tcp(TcpUse::Exchange));
                        if let Some(pair) = alive.last().copied().filter(|pair| twin.is_fresh(pair.1)) {
                            let own = stack.sockets.get_mut::<tcp::Socket>(pair.0);
                            own.connect(stack.interface.context(), ends.1, ends.0).unwrap();
                            stack.sockets.connected(pair.0, ends);
                            let socket = twin.set.get_mut::<tcp::Socket>(pair.1);
                            socket.connect(twin.interface.context(), ends.1, ends.0).unwrap();
                        }
                    }
                    Act::Say(at, bytes) => {
                        let say = |tcp: &mut tcp::Socket<'static>| tcp.send_slice(&vec![b'x'; bytes]).ok();
                        let said = pair(at).and_then(|pair| both(&mut stack, &mut twin, pair, say));
                        prop_assert!(said.is_none_or(|(own, twins)| own == twins));
                    }
                    Act::Read(at) => {
                        let read = |tcp: &mut tcp::Socket<'static>| tcp.recv(|bytes| (bytes.len(), bytes.to_vec())).ok();
                        let read = pair(at).and_then(|pair| both(&mut stack, &mut twin, pair, read));
                        prop_assert!(read.is_none_or(|(own, twins)| own == twins));
                    }
                    Act::Close(at) => drop(pair(at).map(|pair| both(&mut stack, &mut twin, pair, tcp::Socket::close))),
                    Act::Abort(at) => drop(pair(at).map(|pair| both(&mut stack, &mut twin, pair, tcp::Socket::abort))),
                    Act::Remove(at) if at < alive.len() => {
                        let (own, twins) = alive.remove(at);
                        stack.sockets.remove(own);
                        twin.set.remove(twins);
                    }
                    Act::Segment { ports, flags, bytes, off_by } => {
                        let (sequence, acknowledges) = peers.get(&ports).copied().unwrap_or_default();
                        frame = Some(segment(ports, flags, bytes, sequence.wrapping_add(off_by), acknowledges));
                    }
                    Act::Datagram(peer, port) => {
                        let mut datagram = Vec::new();
                        let builder = PacketBuilder::ethernet2(MACS[1], MACS[0]).ipv4(FAR.octets(), OWN.octets(), 64);
                        builder.udp(peer, port).write(&mut datagram, b"datagram").unwrap();
                        frame = Some(datagram);
                    }
                    // smoltcp forgets a neighbour after a minute, and a stack then asks where smoltcp would not.
                    Act::Wait(milliseconds) if now.as_nanos() < 40_000_000_000 => {
                        now = SimTime::from_nanos(now.as_nanos() + milliseconds * 1_000_000);
                    }
                    _ => {}
                }
                let sent = poll(&mut stack, now, frame.as_deref());
                prop_assert_eq!(&sent, &twin.poll(now, frame.as_deref()));
                // As the stack's `accept` does.
                for (own, twins) in &alive {
                    if let Some((_, Socket::Tcp(tcp))) = twin.set.iter().find(|(handle, _)| handle == twins)
                        && let (Some(local), Some(peer)) = (tcp.local_endpoint(), tcp.remote_endpoint())
                    {
                        stack.sockets.connected(*own, (endpoint_v4(local), endpoint_v4(peer)));
                    }
                }
                for frame in &sent {
                    let Some(packet) = ipv4(frame).filter(|packet| packet.protocol == Protocol::TCP) else { continue };
                    let (Some((port, peer)), Some(flags)) = (packet.ports, packet.tcp_flags) else { continue };
                    let at = packet.transport_at();
                    let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
                    let data_bytes = frame.len() - at - usize::from(frame[at + 12] >> 4) * 4;
                    let next = word(at + 4).wrapping_add(data_bytes as u32);
                    let next = next.wrapping_add(u32::from(flags.has(TcpFlags::SYN | TcpFlags::FIN)));
                    peers.insert((peer, port), (word(at + 8), next));
                }
            }
        }
    }
}

//! The host's network stack: a smoltcp interface, its sockets, and what a kernel does around them.
//!
//! Purpose: give the programs of a host a socket API in virtual time and configure the interface by DHCP. Non-goals: IPv6. Invariant: nothing
//! but `now` tells the time.
//!
//! smoltcp 0.14's habits that this module works around:
//! - it sends at most one ARP request a second whatever the neighbour, so a query to the resolver would hold up the connect
//!   that follows by a second: `neighbours` asks where smoltcp keeps silent;
//! - it drops an immediate answer (RST, echo reply, port unreachable) whose neighbour is not known yet, where Linux keeps it: the
//!   frame that provokes it is held until the ARP reply comes;
//! - with `any_ip` it answers for every address: frames for others are filtered out before;
//! - a closed socket may retransmit for ever: it is dropped after [`tcp::LINGER`].
//!
//! TCP is in `tcp`, datagrams (UDP, ICMP) in `datagram`; fragments that come in are put together in `defragment`, before smoltcp sees them;
//! what leaves is made to fit by the `device`.

mod datagram;
mod defragment;
mod lease;
mod sockets;
mod tcp;

pub(super) use datagram::{EchoSocket, IcmpHeard, IcmpKey, IcmpMessage, TooLong, UdpSocket, echo_request};
pub(super) use tcp::{ConnectError, TcpListener, TcpSocket, TcpState, TcpUse};

use self::datagram::Ears;
use self::lease::{DHCP_OPTION_MTU, dhcp_mtu};
use self::sockets::{SocketHandle, Sockets};
use self::tcp::Lingering;
use super::device::{GREATEST_MTU_BYTES, QueueDevice, Received};
use super::neighbours::{Heard, Neighbours};
use super::{Addressing, HostConfig, HostCounters};
use crate::net::{Ipv4Net, MacAddress, Protocol};
use crate::rng::Stream;
use crate::time::SimTime;
use crate::wire::Parsed;
use crate::wire::fragment::Reassembler;
use bytes::BytesMut;
use smoltcp::iface::{Config, Interface, PollResult};
use smoltcp::socket::dhcpv4;
use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, IpAddress, IpCidr,
    IpEndpoint, Ipv4Cidr, Ipv4Packet,
};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

/// RFC 2132: mask, router, resolver, domain name, interface MTU.
const DHCP_PARAMETERS: &[u8] = &[1, 3, 6, 15, DHCP_OPTION_MTU];

/// IP MTUs a host works with: RFC 791's minimum for hosts, and the greatest that network cards usually carry.
const MTU_BYTES_ACCEPTED: std::ops::RangeInclusive<usize> = 576..=9216;

/// See the module.
pub(super) struct Stack {
    device: QueueDevice,
    interface: Interface,
    sockets: Sockets,
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
    reassembler: Reassembler,
}

impl Stack {
    /// A stack as `config` describes it. With [`Addressing::Dhcp`] the first poll sends a DISCOVER.
    pub(super) fn new(config: &HostConfig, stream: &mut Stream) -> Self {
        let mut device = QueueDevice::new(
            config.mtu_bytes.clamp(*MTU_BYTES_ACCEPTED.start(), *MTU_BYTES_ACCEPTED.end()),
            config.resets_unknown,
        );
        if !matches!(config.addressing, Addressing::Dhcp) {
            device.told_mtu_bytes = GREATEST_MTU_BYTES;
        }
        let interface = new_interface(&mut device, config.mac, SimTime::ZERO, stream);
        let mut stack = Stack {
            device,
            interface,
            sockets: Sockets::new(),
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
            reassembler: Reassembler::default(),
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
    pub(super) fn handle_frame(&mut self, now: SimTime, frame: BytesMut) {
        self.device.counters.frames_received += 1;
        if self.is_for_another(&frame) {
            self.device.counters.frames_for_others += 1;
            return;
        }
        if self.dhcp.is_some() {
            self.offered_mtu_bytes = dhcp_mtu(&frame, self.mac).or(self.offered_mtu_bytes);
        }
        if let Some(whole) = self.defragment(now, frame) {
            self.device.push_incoming(now, Received::new(whole));
        }
    }

    /// Processes one queued frame. `None`: there was none. Otherwise the port at which it was refused, if it was.
    pub(super) fn ingest(&mut self, now: SimTime) -> Option<Option<u16>> {
        self.device.now = now;
        let received = self.device.pop_incoming()?;
        let Received { packet, frame } = &received;
        if let Some(asker) = packet.as_ref().and_then(|packet| self.asker_to_be_found(now, packet)) {
            self.neighbours.want(asker);
            self.neighbours.hold(received);
            return Some(None);
        }
        let heard = match packet {
            Some(packet) => Heard::Ip(packet.source),
            None => Heard::of(frame, self.address()),
        };
        // Most frames: what their answer takes is known, and no ICMP message is among them. Only others are looked at again.
        let is_plain = packet.as_ref().is_some_and(|packet| self.is_plain(now, packet));
        let asked_before = self.device.arp_requests_sent();
        let set = self.sockets.set_for(packet.as_ref());
        self.interface.poll_ingress_single(instant(now), &mut self.device.receiving(frame), set);
        if !is_plain {
            // It may have made a neighbour known, for whom any socket may wait.
            self.sockets.stir();
            self.hear_icmp(now, frame);
        }
        if self.neighbours.hear(now, heard) {
            self.neighbours.take_held().into_iter().for_each(|held| self.device.push_incoming(now, held));
        }
        if !is_plain && self.device.arp_requests_sent() != asked_before {
            // The answer to this frame was lost for want of a neighbour.
            self.neighbours.hold(received);
        } else {
            self.device.reuse(received.frame);
        }
        Some(self.device.take_refused_port())
    }

    /// Whether `packet` is TCP from someone to whom smoltcp knows the way: processing it asks for no neighbour, and makes none known.
    fn is_plain(&self, now: SimTime, packet: &Parsed) -> bool {
        let Some(own) = self.address.filter(|_| packet.protocol == Protocol::TCP) else { return false };
        self.neighbours.is_known(now, packet.source, own, self.gateway)
    }

    /// Lets the sockets send. True if owners of sockets may find more to do: segments that leave give them nothing, datagrams make room.
    pub(super) fn egress(&mut self, now: SimTime) -> bool {
        self.device.now = now;
        self.sweep_lingering(now);
        self.give_up_fragments(now);
        let (mut sent, mut makes_room) = (false, false);
        while self.take_turns(now, &mut makes_room) {
            sent = true;
        }
        for socket in std::mem::take(&mut self.resetting) {
            self.abandon(socket);
        }
        if let Some(address) = self.address {
            self.neighbours.ask(now, self.mac, address, self.gateway, &mut self.device);
        }
        // Closed sockets, which have no owner, may be done.
        makes_room || sent && !self.lingering.is_empty()
    }

    /// Gives each socket that may have something to say its turn: a frame at most. True if any spoke.
    fn take_turns(&mut self, now: SimTime, makes_room: &mut bool) -> bool {
        let (mut spoke, mut from) = (false, 0);
        while let Some(place) = self.sockets.next_due(from, now) {
            from = place + 1;
            if let Some(set) = self.sockets.set_mut(place)
                && let PollResult::SocketStateChanged = self.interface.poll_egress(instant(now), &mut self.device, set)
            {
                spoke = true;
                *makes_room |= !self.sockets.is_tcp(place);
            }
            self.settle(place, now);
        }
        spoke
    }

    /// Asks smoltcp when it wants to poll the socket at `place`.
    fn settle(&mut self, place: usize, now: SimTime) {
        let Some(set) = self.sockets.set_mut(place) else { return };
        let wanted = self.interface.poll_at(instant(now), set).map(sim_time);
        self.sockets.settle(place, wanted);
    }

    /// The next frame for the wire.
    pub(super) fn pop_frame(&mut self) -> Option<BytesMut> {
        let frame = self.device.pop_outgoing()?;
        self.device.counters.frames_sent += 1;
        Some(frame)
    }

    /// When the stack needs a poll by itself; may lie in the past.
    pub(super) fn poll_at(&mut self, now: SimTime) -> Option<SimTime> {
        let mut from = 0;
        while let Some(stirred) = self.sockets.next_due(from, SimTime::ZERO) {
            self.settle(stirred, now);
            from = stirred + 1;
        }
        let lingering = self.lingering.iter().map(|closed| closed.until).min();
        [self.sockets.poll_at(), lingering, self.reassembler.deadline()].into_iter().flatten().min()
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
        let lease = match self.sockets.dhcp_client(handle).poll()? {
            dhcpv4::Event::Configured(lease) => lease,
            dhcpv4::Event::Deconfigured => {
                self.deconfigure();
                return None;
            }
        };
        // RFC 2132 section 3.5: routers and resolvers come in order of preference.
        let address = Ipv4Net::new(lease.address.address(), lease.address.prefix_len()).ok()?;
        let (router, resolver) = (lease.router, lease.dns_servers.first().copied());
        if let Some(mtu_bytes) = self.offered_mtu_bytes.take() {
            self.device.mtu_bytes = mtu_bytes;
        }
        if self.device.told_mtu_bytes != GREATEST_MTU_BYTES {
            // smoltcp copies the MTU when an interface is made, so a new one takes over; the sockets stay. Its DHCP client, which tells the
            // server what it can take in, has spoken with the true one.
            self.device.told_mtu_bytes = GREATEST_MTU_BYTES;
            self.interface = new_interface(&mut self.device, self.mac, now, stream);
            self.sockets.stir();
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
        self.device.path_mtus.forget();
        self.sockets.stir();
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
        self.sockets.stir();
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

fn endpoint_v4(endpoint: IpEndpoint) -> SocketAddrV4 {
    let IpAddress::Ipv4(address) = endpoint.addr;
    SocketAddrV4::new(address, endpoint.port)
}

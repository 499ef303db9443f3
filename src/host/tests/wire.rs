//! A tiny world for tests: a router that answers ARP, DHCP and DNS itself and carries everything else between hosts.

use super::middle::{Middle, Passed};
use crate::calendar::Calendar;
use crate::host::dhcp::Lease;
use crate::host::http::HttpResponse;
use crate::host::platform::Platform;
use crate::host::tls::TlsWorld;
use crate::host::{Addressing, Host, HostConfig, HostEvent, Outcome, ProcessId, RequestToken, Server};
use crate::net::MacAddress;
use crate::rng::Seed;
use crate::time::{SimDuration, SimTime};
use bytes::{Bytes, BytesMut};
use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, QTYPE, RCODE, ResourceRecord, TYPE};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::*;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

pub(super) const NAME: &str = "dynamodb.us-east-1.amazonaws.com";
/// 2026-01-01T00:00:00Z
pub(super) const START_SECONDS: i64 = 1_767_225_600;
pub(super) const SERVICE: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);
pub(super) const LATENCY: SimDuration = SimDuration::from_micros(250);

const ROUTER: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 1]);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 1);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 2);

pub(super) struct World {
    pub(super) now: SimTime,
    pub(super) hosts: Vec<Host>,
    /// Where packets to an address outside go: the host's index, or nowhere.
    pub(super) routes: BTreeMap<Ipv4Addr, usize>,
    pub(super) names: BTreeMap<String, Ipv4Addr>,
    pub(super) dhcp_answers: bool,
    pub(super) dns_answers: bool,
    /// Every frame that left a host, with its time and sender.
    pub(super) sent: Vec<(SimTime, usize, Bytes)>,
    /// Every frame that was put before a host.
    pub(super) seen: Vec<(usize, Bytes)>,
    pub(super) outcomes: BTreeMap<(usize, ProcessId), Outcome>,
    pub(super) requests: Vec<Asked>,
    /// Statuses for the next requests, then 200.
    pub(super) statuses: Vec<u16>,
    pub(super) secrets: String,
    pub(super) polls: u64,
    /// Boxes on the way between hosts, in order as seen from host 0.
    pub(super) middles: Vec<Middle>,
    flight: BTreeMap<(SimTime, u64), (usize, Bytes)>,
    sequence: u64,
    configs: Vec<HostConfig>,
}

pub(super) struct Asked {
    pub(super) server: usize,
    pub(super) token: RequestToken,
    pub(super) request: crate::host::http::HttpRequest,
    pub(super) peer: SocketAddrV4,
    pub(super) local: SocketAddrV4,
    pub(super) tls_version: Option<&'static str>,
}

/// A VPC instance.
pub(super) fn client() -> HostConfig {
    HostConfig {
        name: "app".into(),
        mac: MacAddress::local(10),
        addressing: Addressing::Dhcp,
        answers_for: vec![],
        mtu_bytes: 1500,
        resets_unknown: true,
        servers: vec![],
    }
}

fn platform() -> Platform {
    let lease = Lease {
        address: "172.31.0.10/20".parse().unwrap(),
        router: GATEWAY,
        resolver: Some(RESOLVER),
        domain_name: Some("ec2.internal".into()),
        mtu_bytes: 9001,
        lease_seconds: 3600,
    };
    Platform { mac: ROUTER, router: GATEWAY, resolvers: vec![RESOLVER], lease, dns_enabled: true }
}

/// An access point of DynamoDB.
pub(super) fn service(index: u64) -> HostConfig {
    HostConfig {
        name: format!("dynamodb-{index}"),
        mac: MacAddress::local(100 + index),
        addressing: Addressing::Static {
            address: "169.254.0.2/30".parse().unwrap(),
            gateway: Ipv4Addr::new(169, 254, 0, 1),
            resolver: None,
        },
        answers_for: vec!["52.94.0.0/22".parse().unwrap()],
        mtu_bytes: 8500,
        resets_unknown: true,
        servers: vec![
            Server::Https { port: 443, idle_timeout: SimDuration::from_secs(300) },
            Server::Http { port: 80, idle_timeout: SimDuration::from_secs(300) },
            Server::Banner { port: 22, text: "SSH-2.0-OpenSSH_8.7".into() },
        ],
    }
}

impl World {
    pub(super) fn new(configs: Vec<HostConfig>) -> World {
        let (seed, calendar) = (Seed::new(7), Calendar::starting_at(START_SECONDS).unwrap());
        let tls = TlsWorld::new(seed, calendar, &[NAME.to_owned()]).unwrap();
        World {
            now: SimTime::ZERO,
            hosts: configs.iter().map(|config| Host::new(config.clone(), seed, calendar, tls.clone())).collect(),
            routes: BTreeMap::from([(CLIENT, 0), (SERVICE, 1)]),
            names: BTreeMap::from([(NAME.to_owned(), SERVICE)]),
            dhcp_answers: true,
            dns_answers: true,
            sent: vec![],
            seen: vec![],
            outcomes: BTreeMap::new(),
            requests: vec![],
            statuses: vec![],
            secrets: String::new(),
            polls: 0,
            middles: vec![],
            flight: BTreeMap::new(),
            sequence: 0,
            configs,
        }
    }

    /// Runs until every host is idle.
    pub(super) fn run_idle(&mut self) {
        self.run(|world| world.hosts.iter().all(Host::is_idle));
    }

    /// Runs until `at`, whatever happens.
    pub(super) fn run_until(&mut self, at: SimTime) {
        self.run(|world| world.now >= at || world.next_event().is_none_or(|next| next > at));
        self.now = self.now + at.since(self.now);
    }

    fn next_event(&mut self) -> Option<SimTime> {
        let now = self.now;
        let timers = self.hosts.iter_mut().filter_map(|host| host.poll_timeout(now)).min();
        self.flight.keys().next().map(|(at, _)| *at).into_iter().chain(timers).min()
    }

    fn run(&mut self, done: impl Fn(&mut World) -> bool) {
        for index in 0..self.hosts.len() {
            self.poll(index);
        }
        while !done(self) {
            let now = self.now;
            let timeouts: Vec<_> = self.hosts.iter_mut().map(|host| host.poll_timeout(now)).collect();
            assert!(timeouts.iter().flatten().all(|at| *at > now), "poll_timeout is later than now");
            let Some(next) = self.next_event() else { return };
            self.now = next.max(now);
            let mut due: Vec<usize> =
                (0..timeouts.len()).filter(|i| timeouts[*i].is_some_and(|at| at <= next)).collect();
            while let Some(entry) = self.flight.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (host, frame) = entry.remove();
                self.seen.push((host, frame.clone()));
                self.hosts[host].handle_frame(self.now, BytesMut::from(frame));
                due.push(host);
            }
            due.sort_unstable();
            due.dedup();
            for host in due {
                self.poll(host);
            }
        }
    }

    fn poll(&mut self, index: usize) {
        self.polls += 1;
        assert!(self.polls < 1_000_000, "an event loop that spins");
        self.hosts[index].poll(self.now);
        while let Some(event) = self.hosts[index].poll_event() {
            match event {
                HostEvent::Configured { address } => assert_eq!(Some(address), self.hosts[index].address()),
                HostEvent::Finished { process, outcome } => {
                    self.outcomes.insert((index, process), outcome);
                }
                HostEvent::Request { token, request, peer, local, tls_version } => {
                    let status = if self.statuses.is_empty() { 200 } else { self.statuses.remove(0) };
                    let body =
                        if status == 400 { r#"{"__type":"x#ThrottlingException"}"# } else { r#"{"TableNames":[]}"# };
                    self.requests.push(Asked { server: index, token, request, peer, local, tls_version });
                    let response = HttpResponse {
                        status,
                        reason: "R".into(),
                        headers: vec![("Content-Type".into(), "application/x-amz-json-1.0".into())],
                        body: body.as_bytes().to_vec(),
                    };
                    self.hosts[index].respond(self.now, token, response);
                    self.hosts[index].poll(self.now);
                }
            }
        }
        self.secrets.push_str(&self.hosts[index].take_secrets());
        while let Some(frame) = self.hosts[index].poll_transmit().map(BytesMut::freeze) {
            check(&frame);
            self.sent.push((self.now, index, frame.clone()));
            self.carry(index, &frame);
        }
        assert_eq!(self.hosts[index].counters().polls_cut_short, 0);
    }

    fn deliver(&mut self, to: usize, frame: Vec<u8>) {
        self.sequence += 1;
        self.flight.insert((self.now + LATENCY, self.sequence), (to, Bytes::from(frame)));
    }

    /// Puts a frame before a host as if it came from the router.
    pub(super) fn inject(&mut self, to: usize, frame: Vec<u8>) {
        self.deliver(to, frame);
    }

    fn carry(&mut self, from: usize, frame: &[u8]) {
        let ethernet = EthernetFrame::new_checked(frame).unwrap();
        if ethernet.ethertype() == EthernetProtocol::Arp {
            let repr = ArpRepr::parse(&ArpPacket::new_checked(ethernet.payload()).unwrap()).unwrap();
            let ArpRepr::EthernetIpv4 {
                operation,
                source_hardware_addr,
                source_protocol_addr,
                target_protocol_addr,
                ..
            } = repr
            else {
                panic!("ARP")
            };
            if operation != ArpOperation::Request {
                return;
            }
            let reply = ArpRepr::EthernetIpv4 {
                operation: ArpOperation::Reply,
                source_hardware_addr: EthernetAddress(ROUTER.0),
                source_protocol_addr: target_protocol_addr,
                target_hardware_addr: source_hardware_addr,
                target_protocol_addr: source_protocol_addr,
            };
            let mut bytes = vec![0; 14 + reply.buffer_len()];
            address(&mut bytes, source_hardware_addr, EthernetProtocol::Arp);
            reply.emit(&mut ArpPacket::new_unchecked(&mut bytes[14..]));
            self.deliver(from, bytes);
            return;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
        if ip.next_header() == IpProtocol::Udp && !self.routes.contains_key(&ip.dst_addr()) {
            let is_dhcp = UdpPacket::new_checked(ip.payload()).unwrap().dst_port() == 67;
            if is_dhcp && !self.dhcp_answers {
                return;
            }
            let resolve = |query: &[u8]| self.dns_answers.then(|| answer_dns(query, &self.names));
            if let Some(reply) = platform().handle_frame(frame, resolve) {
                self.deliver(from, reply.to_vec());
            }
            return;
        }
        if let Some(to) = self.routes.get(&ip.dst_addr()).copied() {
            self.cross(from, to, frame.to_vec());
        }
    }

    /// Through the boxes on the way, and what they say about it back to the sender.
    fn cross(&mut self, from: usize, to: usize, frame: Vec<u8>) {
        let mut frames = vec![frame];
        let order: Vec<usize> =
            if from == 0 { (0..self.middles.len()).collect() } else { (0..self.middles.len()).rev().collect() };
        for index in order {
            let mut passed = Vec::new();
            for frame in frames {
                match self.middles[index].pass(self.now, frame) {
                    Passed::On(mut onward) => passed.append(&mut onward),
                    Passed::Nowhere => {}
                    Passed::Back(mut error) => {
                        address(&mut error, EthernetAddress(self.configs[from].mac.0), EthernetProtocol::Ipv4);
                        self.deliver(from, error);
                    }
                }
            }
            frames = passed;
        }
        for mut bytes in frames {
            address(&mut bytes, EthernetAddress(self.configs[to].mac.0), EthernetProtocol::Ipv4);
            self.deliver(to, bytes);
        }
    }

    // ---- what was seen

    /// Times at which host `from` sent a TCP segment that `wanted` accepts.
    pub(super) fn times(&self, from: usize, wanted: impl Fn(&TcpPacket<&[u8]>) -> bool) -> Vec<SimTime> {
        let is_wanted = |frame: &Bytes| segment(frame).is_some_and(|tcp| wanted(&tcp));
        self.sent.iter().filter(|(_, host, frame)| *host == from && is_wanted(frame)).map(|(at, ..)| *at).collect()
    }
}

/// The TCP segment in a frame.
pub(super) fn segment(frame: &Bytes) -> Option<TcpPacket<&[u8]>> {
    let payload = frame.get(14..).filter(|_| frame[12..14] == [8, 0])?;
    let length = usize::from(payload[0] & 0xf) * 4;
    (payload[9] == 6).then(|| TcpPacket::new_checked(&payload[length..]).unwrap())
}

pub(super) fn is_syn(tcp: &TcpPacket<&[u8]>) -> bool {
    tcp.syn() && !tcp.ack()
}

/// A SYN as if from an outside client.
pub(super) fn syn_frame(to: MacAddress, source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16)) -> Vec<u8> {
    let tcp = TcpRepr {
        src_port: source.1,
        dst_port: destination.1,
        control: TcpControl::Syn,
        seq_number: TcpSeqNumber(1),
        ack_number: None,
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let ip = Ipv4Repr {
        src_addr: source.0,
        dst_addr: destination.0,
        next_header: IpProtocol::Tcp,
        payload_len: tcp.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; 34 + tcp.buffer_len()];
    address(&mut bytes, EthernetAddress(to.0), EthernetProtocol::Ipv4);
    let checksums = ChecksumCapabilities::default();
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut bytes[14..]), &checksums);
    tcp.emit(&mut TcpPacket::new_unchecked(&mut bytes[34..]), &source.0.into(), &destination.0.into(), &checksums);
    bytes
}

/// Makes the checksums of a damaged frame right again, as far as its lengths allow.
pub(super) fn mend_checksums(frame: &mut [u8]) {
    if frame.get(12..14) != Some(&[8, 0]) {
        return;
    }
    let Ok(mut ip) = Ipv4Packet::new_checked(&mut frame[14..]) else { return };
    let (source, destination, protocol) = (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header());
    if usize::from(ip.header_len()) >= 20 {
        ip.fill_checksum();
    }
    match protocol {
        IpProtocol::Tcp => {
            if let Ok(mut tcp) = TcpPacket::new_checked(ip.payload_mut()) {
                tcp.fill_checksum(&source, &destination);
            }
        }
        IpProtocol::Udp => {
            if let Ok(mut udp) = UdpPacket::new_checked(ip.payload_mut()) {
                udp.fill_checksum(&source, &destination);
            }
        }
        IpProtocol::Icmp => {
            if let Ok(mut icmp) = Icmpv4Packet::new_checked(ip.payload_mut()) {
                icmp.fill_checksum();
            }
        }
        _ => {}
    }
}

fn address(frame: &mut [u8], to: EthernetAddress, ethertype: EthernetProtocol) {
    let mut frame = EthernetFrame::new_unchecked(frame);
    frame.set_dst_addr(to);
    frame.set_src_addr(EthernetAddress(ROUTER.0));
    frame.set_ethertype(ethertype);
}

/// Every frame a host makes is well formed, checksums included.
fn check(frame: &Bytes) {
    let ethernet = EthernetFrame::new_checked(&frame[..]).unwrap();
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return;
    }
    let checksums = ChecksumCapabilities::default();
    let packet = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
    if packet.more_frags() || packet.frag_offset() != 0 {
        // smoltcp reads no fragments.
        assert!(packet.verify_checksum());
        return;
    }
    let ip = Ipv4Repr::parse(&packet, &checksums).unwrap();
    let (source, destination) = (ip.src_addr.into(), ip.dst_addr.into());
    match ip.next_header {
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(packet.payload()).unwrap();
            TcpRepr::parse(&tcp, &source, &destination, &checksums).unwrap();
        }
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(packet.payload()).unwrap();
            assert_ne!(udp.checksum(), 0);
            UdpRepr::parse(&udp, &source, &destination, &checksums).unwrap();
        }
        _ => {}
    }
}

fn answer_dns(query: &[u8], names: &BTreeMap<String, Ipv4Addr>) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let question = query.questions[0].clone();
    let mut reply = Packet::new_reply(query.id());
    match names.get(&question.qname.to_string()) {
        None => *reply.rcode_mut() = RCODE::NameError,
        Some(address) if question.qtype == QTYPE::TYPE(TYPE::A) => {
            let rdata = RData::A(A { address: (*address).into() });
            reply.answers.push(ResourceRecord::new(question.qname.clone(), CLASS::IN, 5, rdata));
        }
        Some(_) => {}
    }
    reply.questions.push(question);
    reply.build_bytes_vec().unwrap()
}

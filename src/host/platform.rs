//! The platform side of one network interface: what the hypervisor answers before any security group, ACL or route is asked.
//!
//! It answers DHCP, DNS over UDP at the VPC's resolver addresses, and pings of the subnet's router. Everything else gets no answer: DNS over
//! TCP is not offered (a truncated answer stays truncated), instance metadata and time are not simulated yet, fragments are not put
//! together, damaged packets are dropped as a kernel would. ARP is the ENI node's.
//!
//! Invariants: a reply is a whole Ethernet frame with right checksums (UDP's is never 0), identification 0 and the don't-fragment bit; no state
//! is kept, so the same frame gets the same reply.
//!
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html, .../AmazonDNS-concepts.html. That the router answers pings of its
//! own subnet only is observed, not documented.

use super::dhcp::{self, Lease};
use crate::net::MacAddress;
use bytes::Bytes;
use etherparse::{
    Icmpv4Slice, Icmpv4Type, IpHeaders, Ipv4HeaderSlice, LinkSlice, NetSlice, PacketBuilder, PacketBuilderStep,
    SlicedPacket, TransportSlice, UdpSlice,
};
use std::net::Ipv4Addr;

/// Where the resolver listens in every VPC, besides the VPC's base address plus two.
pub const LINK_LOCAL_RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);

const DNS_PORT: u16 = 53;
const TIME_TO_LIVE: u8 = 64;

/// The platform host of one network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The hardware address it answers from: the subnet router's.
    pub mac: MacAddress,
    /// The subnet router's address, which answers pings and gives leases.
    pub router: Ipv4Addr,
    /// The addresses at which the resolver is asked: VPC base plus two, and [`LINK_LOCAL_RESOLVER`].
    pub resolvers: Vec<Ipv4Addr>,
    /// What the guest is given by DHCP.
    pub lease: Lease,
    /// The VPC's `enableDnsSupport`: without it the resolver is silent.
    pub dns_enabled: bool,
}

/// Who asked, and so where the reply goes.
struct Asker {
    mac: MacAddress,
    address: Ipv4Addr,
    asked: Ipv4Addr,
}

impl Platform {
    /// The frame that answers `frame`, if it gets an answer.
    ///
    /// `resolve` turns a DNS query into its answer, bytes to bytes, and is called at most once. It is handed in because
    /// the resolver is a service, and hosts know nothing of services.
    pub fn handle_frame(&self, frame: &[u8], resolve: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Bytes> {
        let packet = SlicedPacket::from_ethernet(frame).ok()?;
        let (Some(LinkSlice::Ethernet2(ethernet)), Some(NetSlice::Ipv4(ip))) = (&packet.link, &packet.net) else {
            return None;
        };
        let destination_mac = MacAddress(ethernet.destination());
        let for_us = destination_mac == self.mac || destination_mac == MacAddress::BROADCAST;
        // A tagged frame has no place in a VPC, and a fragment's ports cannot be read.
        if !for_us || !packet.link_exts.is_empty() || ip.is_payload_fragmented() || !ip_checksum_holds(ip.header()) {
            return None;
        }
        let asker = Asker {
            mac: MacAddress(ethernet.source()),
            address: ip.header().source_addr(),
            asked: ip.header().destination_addr(),
        };
        match packet.transport? {
            TransportSlice::Udp(udp) if udp_checksum_holds(&asker, &udp) => self.handle_udp(&asker, &udp, resolve),
            TransportSlice::Icmpv4(icmp) => self.handle_icmp(&asker, &icmp),
            _ => None,
        }
    }

    fn handle_udp(
        &self,
        asker: &Asker,
        udp: &UdpSlice<'_>,
        resolve: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Bytes> {
        match udp.destination_port() {
            dhcp::SERVER_PORT if asker.asked == self.router || asker.asked == Ipv4Addr::BROADCAST => {
                let reply = dhcp::answer(&self.lease, udp.payload())?;
                let headers = self.headers(reply.destination_mac, self.router, reply.destination);
                udp_frame(headers, dhcp::SERVER_PORT, dhcp::CLIENT_PORT, &reply.message)
            }
            DNS_PORT if self.dns_enabled && self.resolvers.contains(&asker.asked) => {
                let answer = resolve(udp.payload())?;
                let headers = self.headers(asker.mac, asker.asked, asker.address);
                udp_frame(headers, DNS_PORT, udp.source_port(), &answer)
            }
            _ => None,
        }
    }

    fn handle_icmp(&self, asker: &Asker, icmp: &Icmpv4Slice<'_>) -> Option<Bytes> {
        let Icmpv4Type::EchoRequest(echo) = icmp.icmp_type() else { return None };
        if asker.asked != self.router || icmp.icmp_type().calc_checksum(icmp.payload()) != icmp.checksum() {
            return None;
        }
        let builder = self.headers(asker.mac, asker.asked, asker.address).icmpv4_echo_reply(echo.id, echo.seq);
        let mut frame = Vec::with_capacity(builder.size(icmp.payload().len()));
        builder.write(&mut frame, icmp.payload()).ok()?;
        Some(frame.into())
    }

    /// etherparse's IPv4 header has identification 0 and the don't-fragment bit; a test holds it to that.
    fn headers(&self, to_mac: MacAddress, from: Ipv4Addr, to: Ipv4Addr) -> PacketBuilderStep<IpHeaders> {
        PacketBuilder::ethernet2(self.mac.0, to_mac.0).ipv4(from.octets(), to.octets(), TIME_TO_LIVE)
    }
}

/// `None` only for a payload that no UDP datagram can hold.
fn udp_frame(headers: PacketBuilderStep<IpHeaders>, from_port: u16, to_port: u16, payload: &[u8]) -> Option<Bytes> {
    let builder = headers.udp(from_port, to_port);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut frame, payload).ok()?;
    Some(frame.into())
}

fn ip_checksum_holds(header: Ipv4HeaderSlice<'_>) -> bool {
    header.to_header().calc_header_checksum() == header.header_checksum()
}

fn udp_checksum_holds(asker: &Asker, udp: &UdpSlice<'_>) -> bool {
    let (source, destination) = (asker.address.octets(), asker.asked.octets());
    // 0 says "not computed" (RFC 768), which is allowed over IPv4.
    udp.checksum() == 0
        || udp.to_header().calc_checksum_ipv4_raw(source, destination, udp.payload()) == Ok(udp.checksum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, Icmpv4Packet, Icmpv4Repr, Ipv4Packet,
        Ipv4Repr, UdpPacket, UdpRepr,
    };

    const GUEST: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
    const ROUTER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);
    const ROUTER: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 1);
    const RESOLVER: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 2);

    fn platform() -> Platform {
        let lease = Lease {
            address: "172.31.0.10/20".parse().unwrap(),
            router: ROUTER,
            resolver: Some(RESOLVER),
            domain_name: None,
            mtu_bytes: dhcp::MTU_BYTES_DEFAULT,
            lease_seconds: dhcp::LEASE_SECONDS_DEFAULT,
        };
        let resolvers = vec![RESOLVER, LINK_LOCAL_RESOLVER];
        Platform { mac: ROUTER_MAC, router: ROUTER, resolvers, lease, dns_enabled: true }
    }

    fn udp(to_mac: MacAddress, from: Ipv4Addr, to: Ipv4Addr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let headers = PacketBuilder::ethernet2(GUEST.0, to_mac.0).ipv4(from.octets(), to.octets(), 64);
        udp_frame(headers, ports.0, ports.1, payload).unwrap().to_vec()
    }

    fn echo(to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        let headers = PacketBuilder::ethernet2(GUEST.0, ROUTER_MAC.0).ipv4(ADDRESS.octets(), to.octets(), 64);
        headers.icmpv4_echo_request(7, 8).write(&mut frame, payload).unwrap();
        frame
    }

    fn dns(to: Ipv4Addr) -> Vec<u8> {
        udp(ROUTER_MAC, ADDRESS, to, (33_000, 53), b"question")
    }

    fn reverse(query: &[u8]) -> Option<Vec<u8>> {
        Some(query.iter().rev().copied().collect())
    }

    fn silent(_: &[u8]) -> Option<Vec<u8>> {
        panic!("the resolver must not be asked")
    }

    /// smoltcp judges a reply frame: addresses, every checksum, and what a header should look like.
    fn ip(frame: &[u8], to_mac: MacAddress) -> (Ipv4Repr, Vec<u8>) {
        let ethernet = EthernetFrame::new_checked(frame).unwrap();
        assert_eq!((ethernet.src_addr().0, ethernet.dst_addr().0), (ROUTER_MAC.0, to_mac.0));
        let packet = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
        assert_eq!((packet.ident(), packet.dont_frag(), packet.more_frags()), (0, true, false));
        assert_eq!(usize::from(packet.total_len()), frame.len() - 14);
        let repr = Ipv4Repr::parse(&packet, &ChecksumCapabilities::default()).unwrap();
        assert_eq!(repr.hop_limit, 64);
        (repr, packet.payload().to_vec())
    }

    fn datagram(frame: &[u8], to_mac: MacAddress) -> (Ipv4Repr, UdpRepr, Vec<u8>) {
        let (ip, payload) = ip(frame, to_mac);
        let packet = UdpPacket::new_checked(&payload[..]).unwrap();
        assert_ne!(packet.checksum(), 0);
        let repr = UdpRepr::parse(&packet, &ip.src_addr.into(), &ip.dst_addr.into(), &ChecksumCapabilities::default());
        (ip, repr.unwrap(), packet.payload().to_vec())
    }

    #[test]
    fn a_guest_without_address_gets_one() {
        let mut message = vec![0; 400];
        let discover = DhcpRepr {
            message_type: DhcpMessageType::Discover,
            transaction_id: 1,
            secs: 0,
            client_hardware_address: EthernetAddress(GUEST.0),
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: None,
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        discover.emit(&mut DhcpPacket::new_unchecked(&mut message[..])).unwrap();
        let frame = udp(MacAddress::BROADCAST, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, (68, 67), &message);
        let reply = platform().handle_frame(&frame, silent).unwrap();
        let (ip, udp, payload) = datagram(&reply, GUEST);
        assert_eq!((ip.src_addr, ip.dst_addr, udp.src_port, udp.dst_port), (ROUTER, ADDRESS, 67, 68));
        let offer = DhcpPacket::new_checked(&payload[..]).unwrap();
        assert_eq!(offer.your_ip(), ADDRESS);
    }

    #[test]
    fn the_resolver_answers_at_both_addresses_unless_switched_off() {
        for resolver in [RESOLVER, LINK_LOCAL_RESOLVER] {
            let reply = platform().handle_frame(&dns(resolver), reverse).unwrap();
            let (ip, udp, payload) = datagram(&reply, GUEST);
            assert_eq!((ip.src_addr, ip.dst_addr, udp.src_port, udp.dst_port), (resolver, ADDRESS, 53, 33_000));
            assert_eq!(payload, b"noitseuq");
            let off = Platform { dns_enabled: false, ..platform() };
            assert_eq!(off.handle_frame(&dns(resolver), silent), None);
        }
        assert_eq!(platform().handle_frame(&dns(RESOLVER), |_| None), None, "no answer, no frame");
        assert_eq!(platform().handle_frame(&dns(ROUTER), silent), None, "the router is no resolver");
    }

    #[test]
    fn a_checksum_that_comes_out_as_zero_is_sent_as_ones() {
        // Over all two-byte tails the sum takes every value, and exactly one tail makes it 0, which must go out as 0xffff (RFC 768).
        let query = dns(RESOLVER);
        let checksums: Vec<u16> = (0..=u16::MAX)
            .map(|tail| platform().handle_frame(&query, |_| Some(tail.to_be_bytes().to_vec())).unwrap())
            .map(|reply| u16::from_be_bytes([reply[40], reply[41]]))
            .collect();
        assert!(!checksums.contains(&0));
        assert_eq!(checksums.iter().filter(|&&checksum| checksum == 0xffff).count(), 1);
    }

    #[test]
    fn the_router_answers_pings() {
        let payload = vec![0x5a; 8_900];
        let reply = platform().handle_frame(&echo(ROUTER, &payload), silent).unwrap();
        let (ip, icmp) = ip(&reply, GUEST);
        assert_eq!((ip.src_addr, ip.dst_addr), (ROUTER, ADDRESS));
        let packet = Icmpv4Packet::new_checked(&icmp[..]).unwrap();
        let repr = Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()).unwrap();
        assert_eq!(repr, Icmpv4Repr::EchoReply { ident: 7, seq_no: 8, data: &payload });
        assert_eq!(platform().handle_frame(&echo(RESOLVER, b"x"), silent), None);
        assert_eq!(platform().handle_frame(&echo(Ipv4Addr::new(172, 31, 16, 1), b"x"), silent), None);
    }

    #[test]
    fn damaged_and_foreign_frames_get_nothing() {
        let good = dns(RESOLVER);
        assert!(platform().handle_frame(&good, reverse).is_some());
        // Every byte but the sender's hardware address and the padding matters.
        for at in (0..6).chain(12..good.len()) {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            assert_eq!(platform().handle_frame(&bad, reverse), None, "byte {at}");
        }
        for length in 0..good.len() {
            assert_eq!(platform().handle_frame(&good[..length], reverse), None, "cut at {length}");
        }
        let mut padded = good.clone();
        padded.resize(60.max(good.len() + 4), 0);
        assert_eq!(platform().handle_frame(&padded, reverse), platform().handle_frame(&good, reverse));

        let mut stream = Seed::new(1).derive("platform");
        let ping = echo(ROUTER, b"ping");
        for _ in 0..20_000 {
            let mut frame = if stream.below(2) == 0 { ping.clone() } else { good.clone() };
            for _ in 0..=stream.below(4) {
                let at = stream.below(frame.len() as u64) as usize;
                frame[at] = stream.next_u32() as u8;
            }
            if let Some(reply) = platform().handle_frame(&frame, reverse) {
                assert_eq!(reply.len(), frame.len());
            }
        }
    }
}

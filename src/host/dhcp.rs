//! DHCP, server side (RFC 2131, options of RFC 2132): gives the one guest of a network interface its one address.
//!
//! Non-goals: pools (AWS fixes the address), relays, releases and declines (nothing would change), IPv6. Invariant: a message is answered
//! from the lease alone; the server keeps no state, so a renewal after any time gets the same answer.
//!
//! Source of what AWS hands out: docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html, MTU 9001 by option 26:
//! docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html

use crate::net::{Ipv4Net, MacAddress};
use smoltcp::wire::{DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr};
use std::net::Ipv4Addr;

/// The server's port.
pub const SERVER_PORT: u16 = 67;
/// The client's port.
pub const CLIENT_PORT: u16 = 68;
/// The MTU inside a VPC.
pub const MTU_BYTES_DEFAULT: u16 = 9001;
/// AWS's lease time.
pub const LEASE_SECONDS_DEFAULT: u32 = 3600;

/// Domain Name (RFC 2132 section 3.17).
const OPTION_DOMAIN_NAME: u8 = 15;
/// Interface MTU (RFC 2132 section 5.1).
const OPTION_INTERFACE_MTU: u8 = 26;
/// An option's data cannot be longer.
const OPTION_BYTES_MAX: usize = 255;
/// Clients may throw away shorter messages (RFC 1542 section 2.1).
const MESSAGE_BYTES_MIN: usize = 300;

/// What the guest is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The guest's address with its subnet's prefix length.
    pub address: Ipv4Net,
    /// The subnet's router, which is also the DHCP server.
    pub router: Ipv4Addr,
    /// The resolver to use, if the DHCP options set names one.
    pub resolver: Option<Ipv4Addr>,
    /// The domain to search, `ec2.internal`; cut after 255 bytes.
    pub domain_name: Option<String>,
    /// The largest IP packet.
    pub mtu_bytes: u16,
    /// How long the address may be used before it is asked for again.
    pub lease_seconds: u32,
}

/// An answer and where it has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpReply {
    /// The UDP payload.
    pub message: Vec<u8>,
    /// Destination address, the broadcast address if the client wants or needs that.
    pub destination: Ipv4Addr,
    /// Destination hardware address.
    pub destination_mac: MacAddress,
}

/// Answers a client's message (a UDP payload sent to [`SERVER_PORT`]).
///
/// `None`: malformed, by a relay, meant for another server, or of a kind that gets no answer.
pub fn answer(lease: &Lease, message: &[u8]) -> Option<DhcpReply> {
    let packet = DhcpPacket::new_checked(message).ok()?;
    let request = DhcpRepr::parse(&packet).ok()?;
    if !request.relay_agent_ip.is_unspecified() {
        return None;
    }
    let kind = match request.message_type {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        DhcpMessageType::Request => judge(lease, &request)?,
        DhcpMessageType::Inform => DhcpMessageType::Ack,
        _ => return None,
    };

    let client_mac = MacAddress(request.client_hardware_address.0);
    // RFC 2131 section 4.1: a refusal and an answer to a client that cannot yet hear its address are broadcast.
    let (destination, destination_mac) = if kind == DhcpMessageType::Nak {
        (Ipv4Addr::BROADCAST, MacAddress::BROADCAST)
    } else if !request.client_ip.is_unspecified() {
        (request.client_ip, client_mac)
    } else if request.broadcast {
        (Ipv4Addr::BROADCAST, MacAddress::BROADCAST)
    } else {
        (lease.address.addr(), client_mac)
    };
    Some(DhcpReply { message: encode(lease, &request, kind)?, destination, destination_mac })
}

/// RFC 2131 section 4.3.2: which of its four situations a REQUEST comes from, and whether it asks for the right address.
fn judge(lease: &Lease, request: &DhcpRepr<'_>) -> Option<DhcpMessageType> {
    if request.server_identifier.is_some_and(|server| server != lease.router) {
        return None;
    }
    let wanted = request.requested_ip.unwrap_or(request.client_ip);
    Some(if wanted == lease.address.addr() { DhcpMessageType::Ack } else { DhcpMessageType::Nak })
}

fn encode(lease: &Lease, request: &DhcpRepr<'_>, kind: DhcpMessageType) -> Option<Vec<u8>> {
    let gives_parameters = kind != DhcpMessageType::Nak;
    let gives_address = gives_parameters && request.message_type != DhcpMessageType::Inform;

    let mtu = lease.mtu_bytes.to_be_bytes();
    let mut options = Vec::new();
    if gives_parameters {
        options.push(DhcpOption { kind: OPTION_INTERFACE_MTU, data: &mtu });
        if let Some(name) = lease.domain_name.as_deref().filter(|name| !name.is_empty()) {
            let data = &name.as_bytes()[..name.len().min(OPTION_BYTES_MAX)];
            options.push(DhcpOption { kind: OPTION_DOMAIN_NAME, data });
        }
    }
    let mut reply = DhcpRepr {
        message_type: kind,
        transaction_id: request.transaction_id,
        secs: 0,
        client_hardware_address: request.client_hardware_address,
        client_ip: if gives_parameters { request.client_ip } else { Ipv4Addr::UNSPECIFIED },
        your_ip: if gives_address { lease.address.addr() } else { Ipv4Addr::UNSPECIFIED },
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: gives_parameters.then_some(lease.router),
        subnet_mask: gives_parameters.then_some(lease.address.netmask()),
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: request.broadcast,
        requested_ip: None,
        // RFC 6842: what the client calls itself comes back.
        client_identifier: request.client_identifier,
        server_identifier: Some(lease.router),
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: gives_address.then_some(lease.lease_seconds),
        renew_duration: None,
        rebind_duration: None,
        additional_options: &options,
    };
    if let Some(resolver) = lease.resolver.filter(|_| gives_parameters) {
        let mut servers = reply.dns_servers.take().unwrap_or_default();
        // Room for three was compiled in (Cargo.toml), one is used.
        servers.push(resolver).ok()?;
        reply.dns_servers = Some(servers);
    }
    let mut message = vec![0; reply.buffer_len().max(MESSAGE_BYTES_MIN)];
    reply.emit(&mut DhcpPacket::new_unchecked(&mut message[..])).ok()?;
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use smoltcp::wire::EthernetAddress;

    const GUEST: MacAddress = MacAddress([2, 1, 2, 3, 4, 5]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 31, 96, 10);
    const ROUTER: Ipv4Addr = Ipv4Addr::new(172, 31, 96, 1);
    const RESOLVER: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 2);

    fn lease() -> Lease {
        Lease {
            address: "172.31.96.10/20".parse().unwrap(),
            router: ROUTER,
            resolver: Some(RESOLVER),
            domain_name: Some("ec2.internal".into()),
            mtu_bytes: MTU_BYTES_DEFAULT,
            lease_seconds: LEASE_SECONDS_DEFAULT,
        }
    }

    fn client(message_type: DhcpMessageType) -> DhcpRepr<'static> {
        DhcpRepr {
            message_type,
            transaction_id: 0xdead_beef,
            secs: 3,
            client_hardware_address: EthernetAddress(GUEST.0),
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: Some(EthernetAddress(GUEST.0)),
            server_identifier: None,
            parameter_request_list: Some(&[1, 3, 6, 26]),
            dns_servers: None,
            max_size: Some(1472),
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        }
    }

    fn bytes(message: &DhcpRepr<'_>) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).unwrap();
        bytes
    }

    fn ask(message: &DhcpRepr<'_>) -> Option<DhcpReply> {
        answer(&lease(), &bytes(message))
    }

    fn kind(reply: &DhcpReply) -> DhcpMessageType {
        DhcpRepr::parse(&DhcpPacket::new_checked(&reply.message[..]).unwrap()).unwrap().message_type
    }

    #[test]
    fn a_discover_is_offered_everything() {
        let reply = ask(&client(DhcpMessageType::Discover)).unwrap();
        assert_eq!((reply.destination, reply.destination_mac), (ADDRESS, GUEST));
        assert!(reply.message.len() >= 300);
        let packet = DhcpPacket::new_checked(&reply.message[..]).unwrap();
        let offer = DhcpRepr::parse(&packet).unwrap();
        assert_eq!(offer.message_type, DhcpMessageType::Offer);
        assert_eq!((offer.transaction_id, offer.your_ip, offer.secs), (0xdead_beef, ADDRESS, 0));
        assert_eq!(offer.router, Some(ROUTER));
        assert_eq!(offer.server_identifier, Some(ROUTER));
        assert_eq!(offer.subnet_mask, Some(Ipv4Addr::new(255, 255, 240, 0)));
        assert_eq!(offer.dns_servers.as_deref(), Some(&[RESOLVER][..]));
        assert_eq!(offer.lease_duration, Some(3600));
        assert_eq!(offer.client_identifier, Some(EthernetAddress(GUEST.0)));
        let option = |kind| packet.options().find(|option| option.kind == kind).map(|option| option.data);
        assert_eq!(option(OPTION_INTERFACE_MTU), Some(&[0x23, 0x29][..]), "9001");
        assert_eq!(option(OPTION_DOMAIN_NAME), Some(&b"ec2.internal"[..]));
    }

    #[test]
    fn a_request_is_acknowledged_in_all_four_situations() {
        let selecting = DhcpRepr {
            requested_ip: Some(ADDRESS),
            server_identifier: Some(ROUTER),
            ..client(DhcpMessageType::Request)
        };
        let rebooting = DhcpRepr { requested_ip: Some(ADDRESS), ..client(DhcpMessageType::Request) };
        let renewing = DhcpRepr { client_ip: ADDRESS, ..client(DhcpMessageType::Request) };
        for request in [selecting.clone(), rebooting, renewing] {
            let reply = ask(&request).unwrap();
            assert_eq!(
                (kind(&reply), reply.destination, reply.destination_mac),
                (DhcpMessageType::Ack, ADDRESS, GUEST)
            );
        }
        let broadcast = ask(&DhcpRepr { broadcast: true, ..selecting }).unwrap();
        assert_eq!((broadcast.destination, broadcast.destination_mac), (Ipv4Addr::BROADCAST, MacAddress::BROADCAST));
    }

    #[test]
    fn wrong_addresses_are_refused_and_other_servers_left_alone() {
        let other = Ipv4Addr::new(172, 31, 96, 11);
        let wrong = DhcpRepr { requested_ip: Some(other), ..client(DhcpMessageType::Request) };
        let reply = ask(&wrong).unwrap();
        assert_eq!((kind(&reply), reply.destination), (DhcpMessageType::Nak, Ipv4Addr::BROADCAST));
        let packet = DhcpPacket::new_checked(&reply.message[..]).unwrap();
        let refusal = DhcpRepr::parse(&packet).unwrap();
        assert_eq!((refusal.your_ip, refusal.router, refusal.lease_duration), (Ipv4Addr::UNSPECIFIED, None, None));

        let elsewhere = DhcpRepr { requested_ip: Some(ADDRESS), server_identifier: Some(other), ..wrong };
        assert_eq!(ask(&elsewhere), None);
        let relayed = DhcpRepr { relay_agent_ip: other, ..client(DhcpMessageType::Discover) };
        assert_eq!(ask(&relayed), None);
        assert_eq!(ask(&client(DhcpMessageType::Release)), None);
        assert_eq!(ask(&client(DhcpMessageType::Offer)), None, "a server's message");
    }

    #[test]
    fn an_inform_gets_parameters_but_no_lease() {
        let reply = ask(&DhcpRepr { client_ip: ADDRESS, ..client(DhcpMessageType::Inform) }).unwrap();
        let packet = DhcpPacket::new_checked(&reply.message[..]).unwrap();
        let told = DhcpRepr::parse(&packet).unwrap();
        assert_eq!((told.message_type, told.your_ip), (DhcpMessageType::Ack, Ipv4Addr::UNSPECIFIED));
        assert_eq!((told.router, told.lease_duration), (Some(ROUTER), None));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let good = bytes(&client(DhcpMessageType::Discover));
        let mut stream = Seed::new(1).derive("dhcp");
        let mut answered = 0;
        for _ in 0..20_000 {
            let mut message = good.clone();
            for _ in 0..=stream.below(4) {
                let at = stream.below(message.len() as u64) as usize;
                message[at] = stream.next_u32() as u8;
            }
            if stream.below(2) == 0 {
                message.truncate(stream.below(message.len() as u64 + 1) as usize);
            }
            answered += usize::from(answer(&lease(), &message).is_some());
        }
        assert!(answered > 1_000, "most single changes do no harm: {answered}");
        let long_name = Lease { domain_name: Some("a".repeat(300)), ..lease() };
        assert!(answer(&long_name, &good).unwrap().message.len() > 255 + 240);
    }
}

//! The end systems that a replay speaks for: who has an address, and how frames from there are addressed.
//!
//! Non-goals: ARP (whom it would find is read off the program), names. What is here is asked of the compiled network alone.

use super::error::ReplayError;
use super::outcome::host_name;
use crate::explain::probe::link_addresses;
use crate::net::MacAddress;
use crate::program::{EniRole, HostIx, HostKind, Node, NodeIx, Program, PublicTarget};
use crate::wire::ethernet;
use std::net::Ipv4Addr;

/// The hosts of a program, and the one whose NIC was captured.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    /// By host: its own Ethernet address and its router's.
    links: Vec<Option<(MacAddress, MacAddress)>>,
    /// The host whose NIC was captured.
    pub(super) at: HostIx,
    /// Its address.
    pub(super) own: Ipv4Addr,
    /// The public address that stands for it on the internet, if it is another.
    own_public: Option<Ipv4Addr>,
    /// Whether it sends on what is not its own, and so may send from any address.
    pub(super) forwards: bool,
}

/// A peer that was found by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) host: HostIx,
    /// Its own address.
    pub(super) address: Ipv4Addr,
    /// The address by which it reaches the host whose NIC was captured.
    pub(super) reaches: Ipv4Addr,
}

impl Ends {
    /// # Errors
    /// [`ReplayError::NoLink`]: nothing can be sent from `at`.
    pub(super) fn of(program: &Program, at: HostIx, own: Ipv4Addr) -> Result<Ends, ReplayError> {
        let links = (0..program.hosts.len()).map(|host| {
            let host = HostIx(host as u32); // hosts are numbered with 32 bits
            link_addresses(program, host)
        });
        let links: Vec<_> = links.collect();
        if links.get(at.at()).copied().flatten().is_none() {
            return Err(ReplayError::NoLink { host: host_name(program, at) });
        }
        let mut ends = Ends { links, at, own, own_public: None, forwards: false };
        if let Some(eni) = program.eni(program.hosts[at.at()].node) {
            ends.forwards = !eni.source_dest_check || matches!(eni.role, EniRole::Forwarder(_));
            ends.own_public = program.nodes.iter().find_map(|node| match node {
                Node::InternetGateway(gateway) if gateway.router == eni.router => gateway.to_public.get(&own).copied(),
                _ => None,
            });
        }
        Ok(ends)
    }

    /// Writes the Ethernet addresses of a frame that `host` sends to `destination`.
    pub(super) fn address(&self, program: &Program, host: HostIx, destination: Ipv4Addr, frame: &mut [u8]) {
        let Some((own, router)) = self.links.get(host.at()).copied().flatten() else { return };
        let Some(attachment) = program.hosts.get(host.at()) else { return };
        if let HostKind::Platform(_) | HostKind::OutsidePlatform(_) | HostKind::OnPremisesPlatform(..) = attachment.kind
        {
            return ethernet::set_addresses(frame, router, own);
        }
        let to = match program.eni(attachment.node) {
            None => router,
            Some(eni) if destination.is_broadcast() || destination == eni.subnet_cidr.broadcast() => {
                MacAddress([0xff; 6])
            }
            Some(_) if destination.is_multicast() => {
                let [_, b, c, d] = destination.octets();
                MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d]) // RFC 1112 section 6.4
            }
            // A neighbour of the subnet, whom ARP would find.
            Some(eni) if eni.subnet_cidr.contains(&destination) => {
                let neighbour = program.router(eni.router).and_then(|router| router.interfaces.get(&destination));
                neighbour.and_then(|neighbour| program.eni(*neighbour)).map_or(router, |neighbour| neighbour.mac)
            }
            Some(_) => router,
        };
        ethernet::set_addresses(frame, own, to);
    }

    /// Who has `address`, seen from the host whose NIC was captured: its subnet's platform, an interface of its VPC, a host or service on the internet, a host on
    /// premises, an interface of another VPC, by private address last, because those repeat.
    pub(super) fn peer(&self, program: &Program, address: Ipv4Addr) -> Option<Peer> {
        let at = program.hosts.get(self.at.at())?.node;
        let own_router = program.eni(at).map(|eni| eni.router);
        if let Some(eni) = program.eni(at)
            && (address == eni.router_address || address == eni.resolver_address)
        {
            return Some(Peer { host: eni.platform, address, reaches: self.own });
        }
        if let Some(peer) = own_router.and_then(|router| self.inside(program, router, address)) {
            return Some(peer);
        }
        let public = self.own_public.unwrap_or(self.own);
        let others = program.nodes.iter().find_map(|node| match node {
            Node::Internet(internet) => {
                let target = internet.addresses.get(&address).copied().or_else(|| {
                    // Sorted and not overlapping: only the last block that begins at or before the address can contain it.
                    let after = internet.services.partition_point(|(block, _)| block.network() <= address);
                    let (block, host) = internet.services.get(after.checked_sub(1)?)?;
                    block.contains(&address).then_some(PublicTarget::Host(*host))
                })?;
                match target {
                    PublicTarget::Host(host) => Some(Peer { host, address, reaches: public }),
                    PublicTarget::Gateway(at) => match program.node(at) {
                        Node::InternetGateway(gateway) => {
                            let private = gateway.to_private.get(&address)?;
                            let peer = self.inside(program, gateway.router, *private)?;
                            Some(Peer { reaches: public, ..peer })
                        }
                        _ => None,
                    },
                    PublicTarget::OnPremises(_) => None,
                }
            }
            Node::OnPremises(network) => {
                let host = *network.hosts.get(&address)?;
                Some(Peer { host, address, reaches: self.own })
            }
            _ => None,
        });
        others.or_else(|| {
            let nodes = (0..program.nodes.len()).map(|at| NodeIx(at as u32)); // nodes are numbered with 32 bits
            let mut routers = nodes.filter(|at| Some(*at) != own_router && program.router(*at).is_some());
            routers.find_map(|router| self.inside(program, router, address))
        })
    }

    /// The interface of a VPC that has a private address, if a host is behind it that can send.
    fn inside(&self, program: &Program, router: NodeIx, address: Ipv4Addr) -> Option<Peer> {
        let interface = *program.router(router)?.interfaces.get(&address)?;
        let eni = program.eni(interface).filter(|eni| eni.host != self.at)?;
        Some(Peer { host: eni.host, address, reaches: self.own })
    }
}

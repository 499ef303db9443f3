//! The end systems of a world: made when an attachment appears, gone when it disappears.
//!
//! Invariant: a host's randomness comes from its kind and name only, so adding one never changes another.

use crate::calendar::Calendar;
use crate::control::zone::{View, zone};
use crate::host::dhcp::{LEASE_SECONDS_DEFAULT, Lease, MTU_BYTES_DEFAULT};
use crate::host::platform::{LINK_LOCAL_RESOLVER, Platform};
use crate::host::tls::TlsWorld;
use crate::host::{Addressing, Host, HostConfig, Server};
use crate::ids::{EniId, VpcId};
use crate::model::{Model, UnknownConnection};
use crate::net::{Ipv4Net, MacAddress};
use crate::program::{HostIx, HostKind, Node, Program};
use crate::rng::Seed;
use crate::service::dns::{self, NameError, Zone};
use crate::time::{SimDuration, SimTime};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What every host needs to know.
#[derive(Clone)]
pub struct HostSettings {
    /// Dates.
    pub calendar: Calendar,
    /// Certificates and TLS configuration.
    pub tls: TlsWorld,
    /// After how much silence a service closes a connection.
    pub service_idle_timeout: SimDuration,
    /// What listens on instances and outside hosts, where that is not the usual: SSH on instances, nothing outside.
    pub servers: BTreeMap<HostKind, Vec<Server>>,
}

/// IP MTU of every Ethernet outside VPCs.
const OUTSIDE_MTU_BYTES: usize = 1500;
/// IP MTU of an interface until DHCP says 9001.
const BOOT_MTU_BYTES: usize = 1500;
/// What an instance's SSH server says first.
const SSH_BANNER: &str = "SSH-2.0-OpenSSH_8.7";
/// A service's own address on its last link; it answers for its whole prefix list besides.
const SERVICE_LINK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 2), 30);
const SERVICE_GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 1);

pub(super) enum EndSystem {
    Guest(Box<Host>),
    Platform(PlatformHost),
}

/// A platform with the zone it resolves from.
pub(super) struct PlatformHost {
    platform: Platform,
    zone: Arc<Zone>,
    ttl_seconds: u32,
}

impl PlatformHost {
    pub(super) fn answer(&mut self, _now: SimTime, frame: &[u8]) -> Option<Bytes> {
        self.platform.handle_frame(frame, |query| dns::answer(query, |name| self.zone.lookup(name), self.ttl_seconds))
    }
}

pub(super) struct Population {
    seed: Seed,
    settings: HostSettings,
    systems: Vec<Option<EndSystem>>,
    /// The model that the systems fit.
    adopted: Option<Model>,
}

impl Population {
    pub(super) fn new(seed: Seed, settings: HostSettings) -> Self {
        Population { seed, settings, systems: Vec::new(), adopted: None }
    }

    pub(super) fn system(&mut self, host: HostIx) -> Option<&mut EndSystem> {
        self.systems.get_mut(host.at())?.as_mut()
    }

    pub(super) fn guest(&mut self, host: HostIx) -> Option<&mut Host> {
        match self.system(host)? {
            EndSystem::Guest(guest) => Some(guest),
            EndSystem::Platform(_) => None,
        }
    }

    /// Makes the end systems fit `program`. Returns the guests that were switched on.
    ///
    /// # Errors
    /// A service's name in the model is not a DNS name.
    pub(super) fn adopt(&mut self, program: &Program, model: &Model) -> Result<Vec<HostIx>, NameError> {
        // Routes are no end system's business.
        if self.adopted.as_ref().is_some_and(|adopted| adopted.differs_only_in_routes(model)) {
            return Ok(Vec::new());
        }
        let outside = Arc::new(zone(model, View::Outside)?);
        let mut inside = BTreeMap::new();
        for vpc_id in model.vpcs.keys() {
            inside.insert(*vpc_id, Arc::new(zone(model, View::Vpc(*vpc_id))?));
        }
        self.systems.resize_with(program.hosts.len(), || None);
        let mut switched_on = Vec::new();
        for (position, attachment) in program.hosts.iter().enumerate() {
            let host = HostIx(position as u32);
            if attachment.removed {
                self.systems[position] = None;
                continue;
            }
            let platform = match &attachment.kind {
                HostKind::Platform(eni) => platform_of_interface(program, host, model, *eni, &inside),
                HostKind::OutsidePlatform(name) => platform_of_outside(program, host, model, name, &outside),
                HostKind::OnPremisesPlatform(network, name) => {
                    platform_on_premises(program, host, model, network, name, &outside)
                }
                _ => None,
            };
            if let Some(platform) = platform {
                // Platforms hold no state: made anew, they follow every change.
                self.systems[position] = Some(EndSystem::Platform(platform));
            } else if self.systems[position].is_none()
                && let Some(config) = self.guest_config(program, host, &attachment.kind, model)
            {
                let calendar = self.settings.calendar;
                let guest = Host::new(config, self.seed, calendar, self.settings.tls.clone());
                self.systems[position] = Some(EndSystem::Guest(Box::new(guest)));
                switched_on.push(host);
            }
        }
        self.adopted = Some(model.clone());
        Ok(switched_on)
    }

    fn guest_config(&self, program: &Program, host: HostIx, kind: &HostKind, model: &Model) -> Option<HostConfig> {
        let name = format!("{kind:?}");
        match kind {
            HostKind::Instance(eni) => Some(HostConfig {
                name,
                mac: model.network_interfaces.get(eni)?.mac,
                addressing: Addressing::Dhcp,
                answers_for: Vec::new(),
                mtu_bytes: BOOT_MTU_BYTES,
                resets_unknown: true,
                servers: self.servers(kind, || vec![Server::Banner { port: 22, text: SSH_BANNER.to_owned() }]),
            }),
            HostKind::Outside(outside) => {
                let (address, gateway) = outside_addresses(model, outside)?;
                Some(HostConfig {
                    name,
                    mac: program.host_mac(host),
                    addressing: Addressing::Static { address, gateway, resolver: Some(gateway) },
                    answers_for: Vec::new(),
                    mtu_bytes: OUTSIDE_MTU_BYTES,
                    resets_unknown: true,
                    servers: self.servers(kind, Vec::new),
                })
            }
            HostKind::OnPremises(network, host_name) => {
                let network = model.on_premises.get(network)?;
                let (address, gateway) = network.link_of(*network.hosts.get(host_name)?)?;
                Some(HostConfig {
                    name,
                    mac: program.host_mac(host),
                    addressing: Addressing::Static { address, gateway, resolver: network.resolver.then_some(gateway) },
                    answers_for: Vec::new(),
                    mtu_bytes: OUTSIDE_MTU_BYTES,
                    resets_unknown: true,
                    servers: self.servers(kind, Vec::new),
                })
            }
            HostKind::PublicService(kind, region) => {
                let service =
                    model.public_services.iter().find(|service| service.kind == *kind && service.region == *region)?;
                Some(self.service_config(name, program.host_mac(host), service.cidrs.clone(), model))
            }
            HostKind::EndpointService(endpoint) => {
                let list = {
                    let endpoint = model.vpc_endpoints.get(endpoint)?;
                    model.prefix_list_in(model.region_of(endpoint.vpc_id), endpoint.prefix_list_id()?)?
                };
                Some(self.service_config(name, program.host_mac(host), list.cidrs.clone(), model))
            }
            HostKind::Platform(_) | HostKind::OutsidePlatform(_) | HostKind::OnPremisesPlatform(..) => None,
            HostKind::InterfaceEndpointService(eni) => {
                let interface = model.network_interfaces.get(eni)?;
                let subnet = model.subnets.get(&interface.subnet_id)?;
                let usual = self.service_config(name, interface.mac, Vec::new(), model);
                Some(HostConfig {
                    addressing: Addressing::Static {
                        address: Ipv4Net::new(interface.private_ip, subnet.cidr.prefix_len()).ok()?,
                        gateway: subnet.router_address(),
                        resolver: None,
                    },
                    // Assumed: as big as the VPC's, so that it is the endpoint that keeps segments small.
                    mtu_bytes: usize::from(model.forwarding.vpc_mtu_bytes),
                    ..usual
                })
            }
        }
    }

    fn servers(&self, kind: &HostKind, usual: impl FnOnce() -> Vec<Server>) -> Vec<Server> {
        self.settings.servers.get(kind).cloned().unwrap_or_else(usual)
    }

    fn service_config(&self, name: String, mac: MacAddress, answers_for: Vec<Ipv4Net>, model: &Model) -> HostConfig {
        let idle_timeout = self.settings.service_idle_timeout;
        HostConfig {
            name,
            mac,
            addressing: Addressing::Static { address: SERVICE_LINK, gateway: SERVICE_GATEWAY, resolver: None },
            answers_for,
            mtu_bytes: OUTSIDE_MTU_BYTES,
            resets_unknown: model.unknown_connection == UnknownConnection::Reset,
            servers: vec![Server::Https { port: 443, idle_timeout }, Server::Http { port: 80, idle_timeout }],
        }
    }
}

fn platform_of_interface(
    program: &Program,
    host: HostIx,
    model: &Model,
    eni: EniId,
    zones: &BTreeMap<VpcId, Arc<Zone>>,
) -> Option<PlatformHost> {
    let interface = model.network_interfaces.get(&eni)?;
    let zone = zones.get(&interface.vpc_id)?;
    let subnet = model.subnets.get(&interface.subnet_id)?;
    let vpc = model.vpcs.get(&interface.vpc_id)?;
    let Node::Eni(node) = &program.nodes[program.hosts[host.at()].node.at()] else { return None };
    let Node::Router(router) = &program.nodes[node.router.at()] else { return None };
    let options = vpc.dhcp_options_id.and_then(|id| model.dhcp_options.get(&id));
    Some(PlatformHost {
        platform: Platform {
            mac: router.mac,
            router: subnet.router_address(),
            resolvers: vec![vpc.resolver_address(), LINK_LOCAL_RESOLVER],
            lease: Lease {
                address: Ipv4Net::new(interface.private_ip, subnet.cidr.prefix_len()).ok()?,
                router: subnet.router_address(),
                resolver: model.resolvers_of(vpc).first().copied(),
                domain_name: options.and_then(|options| options.domain_name.clone()),
                mtu_bytes: MTU_BYTES_DEFAULT,
                lease_seconds: LEASE_SECONDS_DEFAULT,
            },
            dns_enabled: vpc.enable_dns_support,
        },
        zone: Arc::clone(zone),
        ttl_seconds: model.dns_ttl_seconds,
    })
}

fn platform_of_outside(
    program: &Program,
    host: HostIx,
    model: &Model,
    name: &str,
    zone: &Arc<Zone>,
) -> Option<PlatformHost> {
    let (address, gateway) = outside_addresses(model, name)?;
    let Node::Internet(internet) = &program.nodes[program.hosts[host.at()].node.at()] else { return None };
    Some(PlatformHost {
        platform: Platform {
            mac: internet.mac,
            router: gateway,
            resolvers: vec![gateway],
            lease: Lease {
                address,
                router: gateway,
                resolver: Some(gateway),
                domain_name: None,
                mtu_bytes: OUTSIDE_MTU_BYTES as u16,
                lease_seconds: LEASE_SECONDS_DEFAULT,
            },
            dns_enabled: true,
        },
        zone: Arc::clone(zone),
        ttl_seconds: model.dns_ttl_seconds,
    })
}

/// What answers a host on premises in the name of its router. Without a resolver it answers pings only.
fn platform_on_premises(
    program: &Program,
    host: HostIx,
    model: &Model,
    network: &str,
    name: &str,
    zone: &Arc<Zone>,
) -> Option<PlatformHost> {
    let network = model.on_premises.get(network)?;
    let (address, router) = network.link_of(*network.hosts.get(name)?)?;
    Some(PlatformHost {
        platform: Platform {
            mac: program.node_mac(program.hosts[host.at()].node),
            router,
            resolvers: vec![router],
            lease: Lease {
                address,
                router,
                resolver: network.resolver.then_some(router),
                domain_name: None,
                mtu_bytes: OUTSIDE_MTU_BYTES as u16,
                lease_seconds: LEASE_SECONDS_DEFAULT,
            },
            dns_enabled: network.resolver,
        },
        zone: Arc::clone(zone),
        ttl_seconds: model.dns_ttl_seconds,
    })
}

/// An outside host sits in a /24 whose first address (or second, if it has the first itself) is its provider's router and resolver.
fn outside_addresses(model: &Model, name: &str) -> Option<(Ipv4Net, Ipv4Addr)> {
    let address = Ipv4Net::new(model.outside_hosts.get(name)?.address, 24).ok()?;
    let first = Ipv4Addr::from(u32::from(address.network()) + 1);
    let gateway = if address.addr() == first { Ipv4Addr::from(u32::from(first) + 1) } else { first };
    Some((address, gateway))
}

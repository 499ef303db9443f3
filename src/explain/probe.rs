//! The packet that a trace follows: who sends it, whom it is for, what it is.
//!
//! Purpose: the user's words ([`Probe`]) become a sender, an address and bytes. Names are resolved as the sender's resolver would
//! ([`crate::control::zone`]); a name of the scenario stands for the address by which the sender reaches it: the private one inside the VPC, the
//! public one from anywhere else but networks on premises. Non-goals: forwarding (see [`super::trace`]).

use crate::control::ControlPlane;
use crate::control::zone::{View, zone};
use crate::ids::{EniId, InstanceId, VpcEndpointId};
use crate::model::{Model, NetworkInterface};
use crate::net::MacAddress;
use crate::program::{HostIx, HostKind, Node, Program};
use crate::scenario::{FragmentFields, Kind, Names, Packet, PacketAddress, TcpFlags, Transport};
use crate::service::dns::{Answer, NameError};
use std::fmt;
use std::net::Ipv4Addr;

/// The source port of probes that name none.
pub const SOURCE_PORT: u16 = 40_000;
/// The destination port of TCP probes that name none.
pub const HTTPS_PORT: u16 = 443;
/// The destination port of TCP probes to an instance that name none.
pub const SSH_PORT: u16 = 22;

/// What an interface takes at most: the MTU that DHCP tells instances, and that of everything outside.
const INTERFACE_MTU_BYTES: u16 = 9001;
const OUTSIDE_MTU_BYTES: u16 = 1500;

/// What is to be traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The sender: an instance, a host outside or on premises by name or id, or a gateway endpoint (then the packet comes from its service).
    pub from: String,
    /// The destination: an address, a host of the scenario, `NAME.public`, `NAME.private`, or a DNS name.
    pub to: String,
    /// What kind of packet.
    pub protocol: ProbeProtocol,
    /// Destination port; none takes 443, or 22 to an instance. UDP needs one, ICMP has none.
    pub port: Option<u16>,
    /// Source port, if not [`SOURCE_PORT`].
    pub source_port: Option<u16>,
    /// Source address, if not the sender's own.
    pub source: Option<Ipv4Addr>,
    /// Length of the IP packet, if it is not just headers.
    pub packet_bytes: Option<u16>,
    /// Whether it must not be split on its way.
    pub dont_fragment: bool,
    /// Entries that the connection-tracking table of an interface has, if not the default.
    pub tracked_connections_max: Option<u32>,
}

/// The kinds of packets that can be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeProtocol {
    /// A SYN, answered by SYN-ACK.
    Tcp,
    /// A datagram, answered by another.
    Udp,
    /// An echo request, answered by an echo reply.
    Icmp,
}

impl Probe {
    /// A TCP probe from `from` to `to`.
    pub fn tcp(from: impl Into<String>, to: impl Into<String>, port: Option<u16>) -> Probe {
        Probe {
            from: from.into(),
            to: to.into(),
            protocol: ProbeProtocol::Tcp,
            port,
            source_port: None,
            source: None,
            packet_bytes: None,
            dont_fragment: false,
            tracked_connections_max: None,
        }
    }
}

/// As the command line writes it.
impl fmt::Display for ProbeProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ProbeProtocol::Tcp => "tcp",
            ProbeProtocol::Udp => "udp",
            ProbeProtocol::Icmp => "icmp",
        })
    }
}

/// Why a probe cannot be sent at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The sender is unknown.
    #[error("there is no host \"{name}\" to send from{} [NO_SOURCE_OR_DESTINATION]", did_you_mean(suggestion.as_deref()))]
    NoSender {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// The sender existed once.
    #[error(
        "\"{name}\" is terminated at this point of the timeline: nothing can be sent from it [NO_SOURCE_OR_DESTINATION]"
    )]
    SenderGone {
        /// What was asked for.
        name: String,
    },
    /// The destination is unknown.
    #[error(
        "\"{name}\" is no address, no host of the scenario, and no name that DNS knows here{} [NO_SOURCE_OR_DESTINATION]",
        did_you_mean(suggestion.as_deref())
    )]
    NoDestination {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// Something of the network, but nothing that packets begin or end at. (AWS's analyzer begins and ends at gateways too.)
    #[error(
        "\"{name}\" is {} {kind}: a packet begins and ends at a host; name an instance, a host outside or on premises, \
         or an endpoint [UNSUPPORTED_COMPONENT]",
        article(&kind.to_string())
    )]
    NotAHost {
        /// What was asked for.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// The same, and it belongs to no VPC at this point.
    #[error("\"{name}\" is {} {kind} that is attached to nothing at this point of the timeline [UNASSOCIATED_COMPONENT]", article(&kind.to_string()))]
    Unassociated {
        /// What was asked for.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// The destination's name stands for no address.
    #[error("\"{name}\" has no address at this point of the timeline [NO_SOURCE_OR_DESTINATION]")]
    NoAddress {
        /// What was asked for.
        name: String,
    },
    /// UDP without a port.
    #[error("UDP needs a destination port: --to {name}:PORT")]
    PortNeeded {
        /// The destination.
        name: String,
    },
    /// ICMP with a port.
    #[error("ICMP has no ports: --to {name}")]
    PortGiven {
        /// The destination.
        name: String,
    },
    /// Longer than what the sender's own interface takes, or shorter than its headers.
    #[error(
        "the probe is an IP packet of {min_bytes} to {max_bytes} bytes, not {packet_bytes}: its headers, and the MTU of {name}"
    )]
    Length {
        /// What was asked for.
        packet_bytes: u16,
        /// The headers.
        min_bytes: u16,
        /// The sender's MTU.
        max_bytes: u16,
        /// The sender.
        name: String,
    },
    /// The model holds a name that is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// `a route table`, `an internet gateway`.
fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']) { "an" } else { "a" }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}

/// The sender, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// What it was called.
    pub name: String,
    /// Its end system.
    pub host: HostIx,
    /// Its own address.
    pub address: Ipv4Addr,
    /// Its interface, if it has one.
    pub interface: Option<EniId>,
    /// Which names it knows.
    pub view: View,
}

/// The destination, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What it was called.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The instance that was meant, if one was named.
    pub instance: Option<InstanceId>,
    /// Whether DNS had to be asked.
    pub asked_dns: bool,
}

impl Sender {
    /// Finds the sender of a probe.
    ///
    /// # Errors
    /// [`ProbeError::NoSender`], [`ProbeError::SenderGone`].
    pub fn find(control: &ControlPlane, names: &Names, name: &str) -> Result<Sender, ProbeError> {
        let (model, program) = (control.model(), control.program());
        let sender = |host: Option<HostIx>, address, interface, view| {
            let host = host.filter(|host| !program.hosts[host.at()].removed);
            let host = host.ok_or_else(|| ProbeError::SenderGone { name: name.to_owned() })?;
            Ok(Sender { name: name.to_owned(), host, address, interface, view })
        };
        if let Some(id) = instance(names, model, name) {
            let Some(eni) = interface_of(model, id) else {
                return Err(ProbeError::SenderGone { name: name.to_owned() });
            };
            let host = program.host_of(&HostKind::Instance(eni.id));
            return sender(host, eni.private_ip, Some(eni.id), View::Vpc(eni.vpc_id));
        }
        if let Some(outside) = model.outside_hosts.get(name) {
            let host = program.host_of(&HostKind::Outside(name.to_owned()));
            return sender(host, outside.address, None, View::Outside);
        }
        if let Some((network, address)) = model.host_on_premises(name) {
            let kind = HostKind::OnPremises(network.name.clone(), name.to_owned());
            return sender(program.host_of(&kind), address, None, View::Outside);
        }
        let endpoint = names.lookup(Kind::VpcEndpoint, name).unwrap_or(name).parse::<VpcEndpointId>().ok();
        if let Some(id) = endpoint {
            let endpoint = model.vpc_endpoints.get(&id);
            if let Some((_, eni)) = endpoint.and_then(|endpoint| endpoint.interfaces().next())
                && let Some(interface) = model.network_interfaces.get(&eni)
            {
                let host = program.host_of(&HostKind::InterfaceEndpointService(eni));
                return sender(host, interface.private_ip, Some(eni), View::Vpc(interface.vpc_id));
            }
            let list = endpoint.and_then(|endpoint| {
                endpoint.prefix_list_id().and_then(|id| model.prefix_list_in(model.region_of(endpoint.vpc_id), id))
            });
            let inside = |address: &Ipv4Addr| list.is_some_and(|list| list.cidrs.iter().any(|c| c.contains(address)));
            let address = model.public_services.iter().map(|service| service.address).find(inside);
            let address = address.ok_or_else(|| ProbeError::SenderGone { name: name.to_owned() })?;
            return sender(program.host_of(&HostKind::EndpointService(id)), address, None, View::Outside);
        }
        if let Some(error) = no_host(names, model, name) {
            return Err(error);
        }
        Err(ProbeError::NoSender { name: name.to_owned(), suggestion: suggestion(model, names, name) })
    }
}

impl Destination {
    /// Finds the destination of a probe, as `sender` sees it.
    ///
    /// # Errors
    /// [`ProbeError::NoDestination`], [`ProbeError::NoAddress`], [`ProbeError::Name`].
    pub fn find(control: &ControlPlane, names: &Names, sender: &Sender, to: &str) -> Result<Destination, ProbeError> {
        let model = control.model();
        let found =
            |address, instance, asked_dns| Ok(Destination { name: to.to_owned(), address, instance, asked_dns });
        let no_address = || ProbeError::NoAddress { name: to.to_owned() };
        if let Ok(address) = to.parse() {
            return found(address, None, false);
        }
        let (name, public) = to.strip_suffix(".public").map_or((to, false), |name| (name, true));
        let (name, private) = name.strip_suffix(".private").map_or((name, false), |name| (name, true));
        if let Some(id) = instance(names, model, name) {
            let eni = interface_of(model, id).ok_or_else(no_address)?;
            let on_premises = model.host_on_premises(&sender.name).is_some();
            let address = match eni.public_address {
                Some(address) if public || (!private && sender.view != View::Vpc(eni.vpc_id) && !on_premises) => {
                    address.address
                }
                None if public => return Err(no_address()),
                _ => eni.private_ip,
            };
            return found(address, Some(id), false);
        }
        if let Some(host) = model.outside_hosts.get(to) {
            return found(host.address, None, false);
        }
        if let Some((_, address)) = model.host_on_premises(to) {
            return found(address, None, false);
        }
        match zone(model, sender.view)?.lookup(to) {
            Answer::Addresses(addresses) => found(*addresses.first().ok_or_else(no_address)?, None, true),
            Answer::NoData | Answer::Refused => Err(no_address()),
            Answer::NoSuchName => {
                if let Some(error) = no_host(names, model, to) {
                    return Err(error);
                }
                Err(ProbeError::NoDestination { name: to.to_owned(), suggestion: suggestion(model, names, to) })
            }
        }
    }
}

/// The probe's packet to `destination`, IPv4 header first.
///
/// # Errors
/// [`ProbeError::PortNeeded`], [`ProbeError::PortGiven`], [`ProbeError::Length`].
pub fn packet(probe: &Probe, sender: &Sender, destination: &Destination) -> Result<Vec<u8>, ProbeError> {
    let source_port = probe.source_port.unwrap_or(SOURCE_PORT);
    let transport = match (probe.protocol, probe.port) {
        (ProbeProtocol::Tcp, port) => {
            let usual = if destination.instance.is_some() { SSH_PORT } else { HTTPS_PORT };
            let flags = TcpFlags { syn: true, ..TcpFlags::default() };
            Transport::Tcp { source_port, destination_port: port.unwrap_or(usual), flags }
        }
        (ProbeProtocol::Udp, Some(destination_port)) => Transport::Udp { source_port, destination_port },
        (ProbeProtocol::Udp, None) => return Err(ProbeError::PortNeeded { name: probe.to.clone() }),
        (ProbeProtocol::Icmp, None) => Transport::Icmp { icmp_type: 8, icmp_code: 0 },
        (ProbeProtocol::Icmp, Some(_)) => return Err(ProbeError::PortGiven { name: destination.name.clone() }),
    };
    let source = probe.source.unwrap_or(sender.address);
    let whole = ipv4(transport, source, destination.address, 0, probe.dont_fragment);
    let Some(packet_bytes) = probe.packet_bytes else { return Ok(whole) };
    let min_bytes = whole.len() as u16;
    let max_bytes = mtu_bytes(sender.interface.is_some());
    if !(min_bytes..=max_bytes).contains(&packet_bytes) {
        let name = sender.name.clone();
        return Err(ProbeError::Length { packet_bytes, min_bytes, max_bytes, name });
    }
    Ok(ipv4(transport, source, destination.address, packet_bytes - min_bytes, probe.dont_fragment))
}

/// What a host sends at most: one with an interface in a VPC, or any other.
pub(super) const fn mtu_bytes(has_interface: bool) -> u16 {
    if has_interface { INTERFACE_MTU_BYTES } else { OUTSIDE_MTU_BYTES }
}

/// An IPv4 packet.
pub(super) fn ipv4(
    transport: Transport,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    payload_bytes: u16,
    dont_fragment: bool,
) -> Vec<u8> {
    let fragment = FragmentFields { dont_fragment, ..FragmentFields::default() };
    let ends = (PacketAddress::Ip(source), PacketAddress::Ip(destination));
    Packet { source: ends.0, destination: ends.1, transport, ttl: 64, payload_bytes, fragment, flaw: None }
        .ipv4_bytes(source, destination)
}

/// The Ethernet addresses of a host and of the first router on its link; `None` for a host without a link of its own.
pub fn link_addresses(program: &Program, host: HostIx) -> Option<(MacAddress, MacAddress)> {
    let attachment = program.hosts.get(host.at())?;
    match program.node(attachment.node) {
        Node::Eni(eni) => Some((eni.mac, program.node_mac(eni.router))),
        Node::Internet(internet) => Some((attachment.mac, internet.mac)),
        Node::GatewayEndpoint(endpoint) => Some((attachment.mac, endpoint.mac)),
        Node::OnPremises(network) => Some((attachment.mac, network.mac)),
        _ => None,
    }
}

/// The instance called `name`: a name of the scenario, or an id.
fn instance(names: &Names, model: &Model, name: &str) -> Option<InstanceId> {
    let id = names.lookup(Kind::Instance, name).unwrap_or(name).parse().ok()?;
    model.instances.contains_key(&id).then_some(id)
}

fn interface_of(model: &Model, id: InstanceId) -> Option<&NetworkInterface> {
    model.network_interfaces.get(&model.instances.get(&id)?.primary_interface_id?)
}

/// What is wrong with a name that stands for something else than a host.
fn no_host(names: &Names, model: &Model, name: &str) -> Option<ProbeError> {
    // An interface that AWS manages has its owner's name, and is not what is meant.
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::NetworkInterface).chain([Kind::NetworkInterface]);
    let (kind, id) = kinds.into_iter().find_map(|kind| {
        let id = names.lookup(kind, name).or_else(|| (Kind::of_id(name) == Some(kind)).then_some(name))?;
        Some((kind, id))
    })?;
    let is_idle = match kind {
        Kind::InternetGateway => {
            let gateway = id.parse().ok().and_then(|id| model.internet_gateways.get(&id));
            gateway.is_some_and(|gateway| gateway.attached_vpc_id.is_none())
        }
        Kind::VpnGateway => {
            let gateway = id.parse().ok().and_then(|id| model.vpn_gateways.get(&id));
            gateway.is_some_and(|gateway| gateway.attached_vpc_id.is_none())
        }
        Kind::NetworkInterface => {
            let interface = id.parse().ok().and_then(|id| model.network_interfaces.get(&id));
            interface.is_some_and(|interface| interface.attachment.is_none())
        }
        _ => false,
    };
    let name = name.to_owned();
    Some(if is_idle { ProbeError::Unassociated { name, kind } } else { ProbeError::NotAHost { name, kind } })
}

fn suggestion(model: &Model, names: &Names, name: &str) -> Option<String> {
    let hosts =
        names.of_kind(Kind::Instance).map(|(name, _)| name).chain(model.outside_hosts.keys().map(String::as_str));
    let hosts = hosts.chain(model.on_premises.values().flat_map(|network| network.hosts.keys().map(String::as_str)));
    let services = model.public_services.iter().flat_map(|service| &service.dns_names).map(String::as_str);
    let likeness = |known: &&str| (strsim::jaro_winkler(known, name) * 1000.0) as u32;
    hosts.chain(services).max_by_key(likeness).filter(|known| likeness(known) > 800).map(str::to_owned)
}

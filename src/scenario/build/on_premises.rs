//! `[on_premises]`, and what leads there: `[vpn_gateway]`, `[vpn]` and `[direct_connect]`.
//!
//! A `[vpn]` brings its customer gateway along, which has the network's `internet_address`.

use super::*;
use crate::ids::{TransitGatewayId, VirtualInterfaceId, VpnConnectionId, VpnGatewayId};
use crate::model::{
    LearnedRoute, NewVirtualInterface, NewVpnConnection, OnPremisesLink, OnPremisesNetwork, Tags, VirtualInterfaceKind,
    VpnTarget,
};
use crate::net::Ipv4Net;
use crate::scenario::notation::{announced, block};
use crate::scenario::packet::literal_address;
use crate::scenario::read::closest;
use crate::scenario::settings::one_of;
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// The autonomous system number of customer gateways: the first of those for private use.
const BGP_ASN: i64 = 65_000;

/// Static routes of a router on premises, to be told when the links exist.
pub(super) struct PendingStaticRoutes<'a> {
    network: String,
    routes: Vec<Text<'a>>,
}

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `cidr` | `cidrs`, `hosts`, `internet_address`, `resolver`, `routes`.
    pub(super) fn networks_on_premises(&mut self, root: &Section<'a, 'r>) -> Vec<PendingStaticRoutes<'a>> {
        let mut pending = Vec::new();
        for (name, section) in root.items("on_premises") {
            let network = self.network_on_premises(&name, &section);
            section.finish();
            match (check_name(&name, "network on premises"), network) {
                (Err(problem), _) => self.report(problem),
                (Ok(()), Some((network, routes))) => {
                    pending.push(PendingStaticRoutes { network: name.text.to_owned(), routes });
                    self.model.on_premises.insert(name.text.to_owned(), network);
                }
                (Ok(()), None) => {
                    self.broken_networks.insert(name.text.to_owned());
                }
            }
        }
        pending
    }

    fn network_on_premises(
        &mut self,
        name: &Text<'a>,
        section: &Section<'a, 'r>,
    ) -> Option<(OnPremisesNetwork, Vec<Text<'a>>)> {
        let given: Vec<_> =
            section.text("cidr").into_iter().chain(section.texts("cidrs").unwrap_or_default()).collect();
        let mut cidrs: Vec<Ipv4Net> = Vec::new();
        for text in &given {
            let cidr = block(text).map_err(|problem| self.report(problem)).ok()?;
            if let Some(other) = cidrs.iter().find(|other| other.contains(&cidr) || cidr.contains(*other)) {
                self.report(Problem::new(text.contents(), format!("{cidr} overlaps {other}"), "here"));
                return None;
            }
            if !(8..=30).contains(&cidr.prefix_len()) {
                self.report(Problem::new(
                    text.contents(),
                    format!("{cidr} is no block for a network"),
                    "expected /8 to /30",
                ));
                return None;
            }
            cidrs.push(cidr);
        }
        let internet_address = match section.text("internet_address") {
            Some(text) => Some(self.internet_address(section, &text)?),
            None => None,
        };
        let (resolver, routes) = (section.boolean("resolver"), section.texts("routes").unwrap_or_default());
        let mut network = OnPremisesNetwork {
            name: name.text.to_owned(),
            cidrs,
            hosts: BTreeMap::new(),
            internet_address,
            static_routes: Vec::new(),
            resolver: resolver.unwrap_or(internet_address.is_some()),
        };
        self.hosts_on_premises(section, &mut network);
        if network.cidrs.is_empty() {
            let problem =
                Problem::new(section.span.clone(), format!("{} has no addresses", section.what), "needed here");
            self.report(problem.help("write cidr = \"192.168.0.0/16\" or cidrs = [...]"));
            return None;
        }
        Some((network, routes))
    }

    fn internet_address(&self, section: &Section<'a, 'r>, text: &Text<'a>) -> Option<Ipv4Addr> {
        let address = self.public_address(section, text)?;
        let host = self.model.outside_hosts.values().find(|host| host.address == address).map(|host| &host.name);
        let network = self.model.on_premises.values().find(|other| other.internet_address == Some(address));
        if let Some(other) = host.or_else(|| network.map(|network| &network.name)) {
            let message = format!("\"{other}\" already has the address {address}");
            self.report(Problem::new(text.contents(), message, "taken"));
            return None;
        }
        Some(address)
    }

    /// Keys of each host: `address` (required), `serves`.
    fn hosts_on_premises(&mut self, network: &Section<'a, 'r>, built: &mut OnPremisesNetwork) {
        let Some(hosts) = network.section("hosts") else { return };
        for (name, section) in hosts.all_items(|name| format!("host \"{name}\"")) {
            let text = section.required_text("address", "\"192.168.1.10\"");
            self.serves(name.text, &section);
            section.finish();
            if let Err(problem) = check_name(&name, "host") {
                self.report(problem);
                continue;
            }
            let fresh = self.new_host(&name);
            self.on_premises.push(name.text.to_owned());
            let Some(text) = text.filter(|_| fresh) else { continue };
            let Some(address) = literal_address(&section, &text) else { continue };
            let problem = |message: String, here: &str| Problem::new(text.contents(), message, here.to_owned());
            match built.link_of(address) {
                None => {
                    let blocks: Vec<String> = built.cidrs.iter().map(ToString::to_string).collect();
                    let problem = problem(format!("{address} is no address of {}", built.name), "outside its blocks");
                    self.report(problem.help(format!("its blocks: {}", blocks.join(", "))));
                }
                Some((link, router)) if [link.network(), link.broadcast(), router].contains(&address) => {
                    let message = format!("{address} cannot be a host's");
                    self.report(
                        problem(message, "kept")
                            .help(format!("{router} is the router's; a block's first and last address are nobody's")),
                    );
                }
                Some(_) => match built.hosts.iter().find(|(_, taken)| **taken == address) {
                    Some((other, _)) => {
                        self.report(problem(format!("\"{other}\" already has the address {address}"), "taken"));
                    }
                    None => {
                        built.hosts.insert(name.text.to_owned(), address);
                    }
                },
            }
        }
    }

    /// Keys: `vpc` (attached to it; without, to nothing), `id`.
    pub(super) fn vpn_gateways(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "vpn_gateway", Kind::VpnGateway, |this, name, section| {
            let id = this.wanted_id(section, "id");
            let vpc_id = match section.text("vpc") {
                Some(text) => Some(this.refer::<VpcId>(Kind::Vpc, &text, text.text)?),
                None => None,
            };
            if !this.is_free(Kind::VpnGateway, name) {
                return None;
            }
            let result = this.model.add_vpn_gateway(name.text, id?, None, Tags::named(name.text));
            let id = this.accepted(name.span.clone(), result)?;
            this.declare(Kind::VpnGateway, name, id);
            if let Some(vpc_id) = vpc_id {
                let result = this.model.attach_vpn_gateway(id, vpc_id);
                this.accepted(section.span_of("vpc"), result)?;
            }
            Some(())
        });
    }

    /// Keys: `gateway`, `on_premises` (required), `static`, `routes`, `tunnels`, `id`.
    pub(super) fn vpn_connections(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "vpn", Kind::VpnConnection, |this, name, section| {
            let id: Option<Option<VpnConnectionId>> = this.wanted_id(section, "id");
            let tunnels = tunnels_at(section);
            let static_routes_only = section.boolean("static").unwrap_or(false);
            let routes = this.announcements(section);
            let network = this.network_of(section);
            let target = this.vpn_target_of(section)?;
            let (network, routes, tunnels, id) = (network?, routes?, tunnels?, id?);
            let Some(address) = network.internet_address else {
                let message = format!("the network \"{}\" has no public address for a VPN", network.name);
                let problem = Problem::new(section.span_of("on_premises"), message, "here");
                this.report(problem.help("give it one: internet_address = \"198.51.100.200\""));
                return None;
            };
            let label = format!("customer gateway {}", network.name);
            let own_cidrs = || network.cidrs.iter().copied().map(LearnedRoute::new).collect();
            let routes = routes.unwrap_or_else(own_cidrs);
            let tags = Tags::named(&network.name);
            let result = this.model.add_customer_gateway(&label, None, address, BGP_ASN, tags);
            let customer_gateway_id = this.accepted(name.span.clone(), result)?;
            this.names.insert(Kind::CustomerGateway, &network.name, &customer_gateway_id.to_string());
            let result = this.model.add_vpn_connection(NewVpnConnection {
                label: name.text.to_owned(),
                id,
                target,
                customer_gateway_id,
                static_routes_only,
                routes: Some(routes),
                at: SimTime::ZERO,
                tags: Tags::named(name.text),
            });
            let id = this.accepted(name.span.clone(), result)?;
            this.declare(Kind::VpnConnection, name, id);
            let result = this.model.set_tunnels(id, tunnels);
            this.accepted(name.span.clone(), result)
        });
    }

    /// Keys: `gateway` (none: public), `on_premises` (required), `routes`, `mtu`, `state`, `id`.
    pub(super) fn virtual_interfaces(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "direct_connect", Kind::VirtualInterface, |this, name, section| {
            let id: Option<Option<VirtualInterfaceId>> = this.wanted_id(section, "id");
            let mtu = section.integer("mtu", 1500..=9001).and_then(|bytes| u16::try_from(bytes).ok());
            let state = state_at(section);
            let routes = this.announcements(section);
            let network = this.network_of(section);
            let kind = match section.has("gateway") {
                false => VirtualInterfaceKind::Public,
                true => match this.vpn_target_of(section)? {
                    VpnTarget::VpnGateway(id) => VirtualInterfaceKind::Private(id),
                    VpnTarget::TransitGateway(id) => VirtualInterfaceKind::Transit(id),
                },
            };
            let (network, routes, up, id) = (network?, routes?, state?, id?);
            let result = this.model.add_virtual_interface(NewVirtualInterface {
                label: name.text.to_owned(),
                id,
                kind,
                on_premises: network.name,
                routes,
                mtu_bytes: mtu,
                at: SimTime::ZERO,
                tags: Tags::named(name.text),
            });
            let span = match &result {
                Err(error) if error.message.contains("MTU") => section.span_of("mtu"),
                Err(_) if section.has("routes") => section.span_of("routes"),
                _ => name.span.clone(),
            };
            let id = this.accepted(span, result)?;
            this.declare(Kind::VirtualInterface, name, id);
            let result = this.model.set_virtual_interface(id, up);
            this.accepted(name.span.clone(), result)
        });
    }

    /// Tells routers on premises their static routes, `"52.94.0.0/22 -> office"`.
    pub(super) fn static_routes_on_premises(&mut self, pending: Vec<PendingStaticRoutes<'a>>) {
        for PendingStaticRoutes { network, routes } in pending {
            for text in &routes {
                let Some(route) = self.static_route(text) else { continue };
                if let Some(network) = self.model.on_premises.get_mut(&network) {
                    network.static_routes.push(route);
                }
            }
        }
    }

    fn static_route(&self, text: &Text<'a>) -> Option<(Ipv4Net, OnPremisesLink)> {
        let words = text.text.split_once("->").map(|(cidr, link)| (cidr.trim(), link.trim()));
        let parsed = words.and_then(|(cidr, link)| Some((cidr.parse::<Ipv4Net>().ok()?.trunc(), link)));
        let Some((cidr, link)) = parsed else {
            let message = format!("\"{}\" is no route of a router on premises", shown(text.text));
            let problem = Problem::new(text.contents(), message, "not understood");
            self.report(
                problem
                    .help("expected BLOCK -> NAME of a VPN connection or virtual interface: \"10.0.0.0/8 -> office\""),
            );
            return None;
        };
        if let Some(id) = self.names.lookup(Kind::VpnConnection, link) {
            return Some((cidr, OnPremisesLink::Vpn(id.parse().ok()?)));
        }
        if let Some(id) = self.names.lookup(Kind::VirtualInterface, link) {
            return Some((cidr, OnPremisesLink::VirtualInterface(id.parse().ok()?)));
        }
        if !self.is_broken(Kind::VpnConnection, link) && !self.is_broken(Kind::VirtualInterface, link) {
            self.report(self.unknown(Kind::VpnConnection, text.place(link), link));
        }
        None
    }

    /// The network at `on_premises`, which must be given unless there is just one.
    fn network_of(&self, section: &Section<'a, 'r>) -> Option<OnPremisesNetwork> {
        let known = || self.model.on_premises.keys().map(String::as_str);
        let text = match section.text("on_premises") {
            Some(text) => text,
            None if self.model.on_premises.len() == 1 => return self.model.on_premises.values().next().cloned(),
            None => {
                let message = format!("{} does not say where it leads", section.what);
                let problem = Problem::new(section.span.clone(), message, "needs \"on_premises\"");
                let names: Vec<&str> = known().collect();
                self.report(match names.as_slice() {
                    [] => problem.help("declare a network: [on_premises] corp = { cidr = \"192.168.0.0/16\", ... }"),
                    names => problem.help(format!("on_premises = one of: {}", names.join(", "))),
                });
                return None;
            }
        };
        let found = self.model.on_premises.get(text.text);
        if found.is_none() && !self.broken_networks.contains(text.text) {
            let here = closest(text.text, known()).map(|name| format!("did you mean \"{name}\"?"));
            let message = format!("no network on premises is called \"{}\"", shown(text.text));
            self.report(Problem::new(text.contents(), message, here.unwrap_or_else(|| "no such network".to_owned())));
        }
        found.cloned()
    }

    /// The virtual private or transit gateway at `gateway`.
    fn vpn_target_of(&self, section: &Section<'a, 'r>) -> Option<VpnTarget> {
        let text = section.required_text("gateway", "\"vgw\"")?;
        if let Some(id) = self.names.lookup(Kind::VpnGateway, text.text) {
            return id.parse::<VpnGatewayId>().ok().map(VpnTarget::VpnGateway);
        }
        if let Some(id) = self.transit_gateway_named(text.text) {
            return Some(VpnTarget::TransitGateway(id));
        }
        if !self.is_broken(Kind::VpnGateway, text.text) {
            self.report(self.unknown(Kind::VpnGateway, text.contents(), text.text));
        }
        None
    }

    fn transit_gateway_named(&self, word: &str) -> Option<TransitGatewayId> {
        let mut gateways = self.model.transit_gateways.values();
        gateways
            .find(|gateway| gateway.tags.name() == Some(word) || gateway.id.to_string() == word)
            .map(|found| found.id)
    }

    /// What `routes` announces; the outer `None`: refused, the inner: not given.
    fn announcements(&self, section: &Section<'a, 'r>) -> Option<Option<Vec<LearnedRoute>>> {
        let Some(texts) = section.texts("routes") else { return Some(None) };
        let read = |text: &Text<'a>| announced(text).map_err(|problem| self.report(problem)).ok();
        let routes: Vec<_> = texts.iter().filter_map(read).collect();
        (routes.len() == texts.len()).then_some(Some(routes))
    }
}

/// `tunnels = ["up", "down"]`; both up if it is not given.
pub(in crate::scenario) fn tunnels_at(section: &Section<'_, '_>) -> Option<[bool; 2]> {
    let Some(texts) = section.texts("tunnels") else { return Some([true; 2]) };
    let [first, second] = texts.as_slice() else {
        let message = "a VPN connection has two tunnels".to_owned();
        section.report(Problem::new(section.span_of("tunnels"), message, "expected [\"up\", \"down\"] or so"));
        return None;
    };
    Some([is_up(section, first)?, is_up(section, second)?])
}

/// `state = "down"`; up if it is not given.
pub(in crate::scenario) fn state_at(section: &Section<'_, '_>) -> Option<bool> {
    match section.text("state") {
        Some(text) => is_up(section, &text),
        None => Some(true),
    }
}

fn is_up(section: &Section<'_, '_>, text: &Text<'_>) -> Option<bool> {
    match text.text {
        "up" => Some(true),
        "down" => Some(false),
        other => {
            section.report(one_of(text, other, &["up", "down"]));
            None
        }
    }
}

//! The router of a network on premises: the customer's, so an ordinary one (RFC 1812) with translation to the internet. Everything here follows vpcsim, as AWS has no say in
//! it, but for what AWS announces to it (docs.aws.amazon.com/vpn/latest/s2svpn/VPNRoutingTypes.html, directconnect routing-and-bgp.html).

use super::internet::is_rfc1918;
use super::vpn::{Known, best_known};
use super::{From, Place};
use crate::reference::packet::{ECHO_REQUEST, Party, TCP, UDP};
use crate::reference::routes::inside;
use crate::reference::translation::Kind;
use crate::reference::world::{Next, Stage, Stretch, Visit, drop, plus};
use std::net::Ipv4Addr;
use vpcsim::ids::VirtualInterfaceId;
use vpcsim::model::{
    LearnedRoute, Model, OnPremisesLink, OnPremisesNetwork, TransitGatewayAttachmentState, TransitGatewayResource,
    TransitGatewayRouteTarget, VirtualInterfaceKind, VpnTarget,
};
use vpcsim::net::Ipv4Net;

const MTU: usize = 1500;

impl Visit<'_, '_> {
    pub fn on_premises(&mut self, name: &str, from: &From) -> Stage<Next> {
        let Some(network) = self.model().on_premises.get(name).cloned() else { return drop("ResourceGone") };
        match from {
            From::Party(Party::OnPremisesPlatform(..)) | From::Premises => {}
            From::Party(Party::OnPremises(_, host)) => {
                if self.is_for_router(&network) {
                    return Ok(Next::Deliver(Party::OnPremisesPlatform(name.to_owned(), host.clone())));
                }
                self.live_one_less(&network)?;
            }
            _ => {
                self.live_one_less(&network)?;
                if network.internet_address == Some(self.packet().destination) {
                    self.translate_in(&itself(&network), Kind::Linux)?;
                }
            }
        }
        self.by_destination(&network)
    }

    fn live_one_less(&mut self, network: &OnPremisesNetwork) -> Stage<()> {
        self.lower_time_to_live(plus(network.cidrs[0], 1), itself(network))
    }

    /// DNS and ping to one of its addresses.
    fn is_for_router(&self, network: &OnPremisesNetwork) -> bool {
        let packet = self.packet();
        let ports = packet.protocol == TCP || packet.protocol == UDP;
        let asks = (ports && packet.destination_port() == Some(53)) || packet.is_echo(ECHO_REQUEST);
        asks && network.cidrs.iter().any(|block| plus(*block, 1) == packet.destination)
    }

    fn by_destination(&mut self, network: &OnPremisesNetwork) -> Stage<Next> {
        let destination = self.packet().destination;
        let to_all = network.cidrs.iter().any(|block| block.broadcast() == destination);
        if destination.is_broadcast() || destination.is_multicast() || to_all {
            return drop("BroadcastOrMulticast");
        }
        if network.cidrs.iter().any(|block| inside(destination, *block)) {
            let Some((host, _)) = network.hosts.iter().find(|(_, address)| **address == destination) else {
                return drop("NobodyOnPremises");
            };
            if self.packet().total_bytes() > MTU {
                return self.across(&told(network, MTU), itself(network));
            }
            return Ok(Next::Deliver(Party::OnPremises(network.name.clone(), host.clone())));
        }
        let known =
            best_known(&known_on_premises(self.model(), network), destination, network.internet_address.is_some());
        let Some(known) = known else { return self.to_internet(network) };
        self.say(format!("{} {} -> {}", network.name, known.cidr, known.over));
        match known.over {
            OnPremisesLink::Vpn(vpn) => {
                self.choose_tunnel(vpn)?;
                let mtu_bytes = self.model().forwarding.vpn_mtu_bytes.into();
                self.across(&told(network, mtu_bytes), Place::VpnFromPremises(vpn))
            }
            OnPremisesLink::VirtualInterface(vif) => {
                self.check_direct_connect(vif)?;
                let stretch = told(network, self.model().virtual_interfaces[&vif].mtu_bytes.into());
                let next = Place::DirectConnectFromPremises(vif);
                if self.needs_public_address(vif) {
                    return self.translated(network, &stretch, next);
                }
                self.across(&stretch, next)
            }
        }
    }

    /// Over a public virtual interface AWS takes what is announced there.
    fn needs_public_address(&self, vif: VirtualInterfaceId) -> bool {
        let vif = &self.model().virtual_interfaces[&vif];
        let announced = vif.routes.iter().any(|route| inside(self.packet().source, route.cidr));
        vif.kind == VirtualInterfaceKind::Public && !announced
    }

    fn to_internet(&mut self, network: &OnPremisesNetwork) -> Stage<Next> {
        if network.internet_address.is_some() && !is_rfc1918(self.packet().destination) {
            return self.translated(network, &told(network, MTU), Place::Internet(From::Premises));
        }
        self.say(format!("{} no route", network.name));
        drop("OnPremisesNoRoute")
    }

    fn translated(&mut self, network: &OnPremisesNetwork, stretch: &Stretch, next: Place) -> Stage<Next> {
        let Some(public) = network.internet_address else { return drop("OnPremisesNoRoute") };
        self.refuse_unless_fits(stretch)?;
        if self.packet().source != public {
            self.translate_out(&itself(network), Kind::Linux, &[public], itself(network))?;
        }
        self.across(stretch, next)
    }
}

/// Where it speaks itself, and keeps its translations.
fn itself(network: &OnPremisesNetwork) -> Place {
    Place::OnPremises(network.name.clone(), Box::new(From::Premises))
}

fn told(network: &OnPremisesNetwork, mtu_bytes: usize) -> Stretch {
    Stretch { mtu_bytes, speaker: Some((plus(network.cidrs[0], 1), itself(network))), splits: true }
}

/// What AWS announces over each link, and what was written down by hand.
fn known_on_premises(model: &Model, network: &OnPremisesNetwork) -> Vec<Known> {
    let plain = |cidr: Ipv4Net| LearnedRoute { cidr, as_path_length: 0, multi_exit_discriminator: 0 };
    let mut all = Vec::new();
    for vpn in model.vpn_connections.values().filter(|vpn| !vpn.deleted && vpn.on_premises == network.name) {
        let blocks = match vpn.target {
            VpnTarget::VpnGateway(id) => vpc_behind(model, id),
            VpnTarget::TransitGateway(_) => behind_attachment(model, &TransitGatewayResource::Vpn(vpn.id)),
        };
        let over = OnPremisesLink::Vpn(vpn.id);
        all.extend(blocks.into_iter().map(|cidr| Known::of(model, over, plain(cidr), false)));
    }
    for vif in model.virtual_interfaces.values().filter(|vif| vif.on_premises == network.name) {
        let blocks = match vif.kind {
            VirtualInterfaceKind::Private(id) => vpc_behind(model, id),
            VirtualInterfaceKind::Transit(_) => {
                behind_attachment(model, &TransitGatewayResource::DirectConnect(vif.id))
            }
            VirtualInterfaceKind::Public => public_blocks(model),
        };
        let over = OnPremisesLink::VirtualInterface(vif.id);
        all.extend(blocks.into_iter().map(|cidr| Known::of(model, over, plain(cidr), false)));
    }
    for (cidr, over) in &network.static_routes {
        let there = match over {
            OnPremisesLink::Vpn(id) => model.vpn_connections.get(id).is_some_and(|vpn| !vpn.deleted),
            OnPremisesLink::VirtualInterface(id) => model.virtual_interfaces.contains_key(id),
        };
        if there {
            all.push(Known::of(model, *over, plain(*cidr), true));
        }
    }
    all
}

fn vpc_behind(model: &Model, gateway: vpcsim::ids::VpnGatewayId) -> Vec<Ipv4Net> {
    let vpc = model.vpn_gateways.get(&gateway).and_then(|gateway| gateway.attached_vpc_id);
    vpc.map_or_else(Vec::new, |vpc| model.vpcs[&vpc].cidr_blocks.iter().map(|block| block.cidr).collect())
}

/// The blocks of VPCs that propagate to the table of the attachment, and that table's static routes to others.
fn behind_attachment(model: &Model, resource: &TransitGatewayResource) -> Vec<Ipv4Net> {
    let own = model.transit_gateway_attachments.values().find(|attachment| {
        attachment.state == TransitGatewayAttachmentState::Available && attachment.resource == *resource
    });
    let Some(own) = own else { return Vec::new() };
    let mut blocks = Vec::new();
    for table in model.transit_gateway_route_tables.values().filter(|table| table.associations.contains(&own.id)) {
        for id in &table.propagations {
            if let TransitGatewayResource::Vpc { vpc_id, .. } = &model.transit_gateway_attachments[id].resource {
                blocks.extend(model.vpcs[vpc_id].cidr_blocks.iter().map(|block| block.cidr));
            }
        }
        let to_others = table.routes.iter().filter(|(_, to)| **to != TransitGatewayRouteTarget::Attachment(own.id));
        blocks.extend(to_others.map(|(cidr, _)| *cidr));
    }
    blocks
}

/// AWS's public addresses: its services', and those that it gave.
fn public_blocks(model: &Model) -> Vec<Ipv4Net> {
    let mut blocks: Vec<Ipv4Net> = model.public_services.iter().flat_map(|service| service.cidrs.clone()).collect();
    let single = |address: Ipv4Addr| Ipv4Net::new_assert(address, 32);
    blocks.extend(model.network_interfaces.values().filter_map(|eni| Some(single(eni.public_address?.address))));
    blocks.extend(model.elastic_addresses.values().map(|address| single(address.public_ip)));
    blocks
}

//! Virtual private gateways, Site-to-Site VPN connections and Direct Connect.
//!
//! Sources: docs.aws.amazon.com/vpn/latest/s2svpn/VPC_VPN.html, VPNTunnels.html, cgw-best-practice.html (MTU, no path MTU discovery), vpn-route-priority.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html (whom a gateway serves). Assumed with vpcsim: a transit gateway spreads flows over both tunnels (the choice is
//! observed); what BGP said over a VPN is withdrawn with its tunnels, while static routes, and what came over Direct Connect, stay known if nothing else covers them.

use super::internet::is_rfc1918;
use super::transit::Attached;
use super::{From, Place};
use crate::reference::routes::inside;
use crate::reference::world::{Next, Stage, Stretch, Visit, drop, router_address};
use std::cmp::Reverse;
use std::net::Ipv4Addr;
use vpcsim::ids::*;
use vpcsim::model::{
    EdgeGateway, LearnedOver, LearnedRoute, Model, OnPremisesLink, Propagation, Route, RouteDestination, RouteOrigin,
    RouteTable, RouteTarget, VirtualInterfaceKind, VpnTarget,
};
use vpcsim::net::Ipv4Net;

/// A block that a router learned, or was told by hand.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub cidr: Ipv4Net,
    pub over: OnPremisesLink,
    pub by_hand: bool,
    pub how: Propagation,
    pub up: bool,
}

impl Known {
    pub fn of(model: &Model, over: OnPremisesLink, route: LearnedRoute, by_hand: bool) -> Known {
        let (learned_over, up) = match over {
            OnPremisesLink::VirtualInterface(id) => (LearnedOver::DirectConnectBgp, model.virtual_interfaces[&id].up),
            OnPremisesLink::Vpn(id) => {
                let vpn = &model.vpn_connections[&id];
                let over = if vpn.static_routes_only { LearnedOver::VpnStatic } else { LearnedOver::VpnBgp };
                (over, vpn.tunnels_up.contains(&true))
            }
        };
        let LearnedRoute { cidr, as_path_length, multi_exit_discriminator } = route;
        let how = Propagation { learned_over, as_path_length, multi_exit_discriminator };
        Known { cidr: cidr.trunc(), over, by_hand, how, up }
    }

    /// BGP has withdrawn it, with both tunnels.
    fn is_withdrawn(&self) -> bool {
        !self.up && !self.by_hand && self.how.learned_over == LearnedOver::VpnBgp
    }

    fn rank(&self) -> (bool, bool, LearnedOver, u8, u32, OnPremisesLink) {
        let how = self.how;
        (!self.up, !self.by_hand, how.learned_over, how.as_path_length, how.multi_exit_discriminator, self.over)
    }
}

/// The way to `destination`: the longest prefix, then by hand, Direct Connect, static VPN, BGP VPN, AS_PATH, MED. What is down is withdrawn if something else covers it.
pub fn best_known(all: &[Known], destination: Ipv4Addr, has_internet: bool) -> Option<Known> {
    let covered = |known: &Known| {
        let mut live = all.iter().filter(|other| other.up);
        let by_internet = has_internet && !is_rfc1918(known.cidr.network());
        by_internet
            || live.any(|other| {
                other.cidr.prefix_len() <= known.cidr.prefix_len() && inside(known.cidr.network(), other.cidr)
            })
    };
    let stays = |known: &Known| known.up || !(known.is_withdrawn() || covered(known));
    let usable = all.iter().filter(|known| inside(destination, known.cidr) && stays(known));
    usable.copied().min_by_key(|known| (Reverse(known.cidr.prefix_len()), known.rank()))
}

/// What a virtual private gateway learned from its connections.
pub fn learned_by_gateway(model: &Model, gateway: VpnGatewayId) -> Vec<Known> {
    let mut all = Vec::new();
    for vpn in model.vpn_connections.values().filter(|vpn| !vpn.deleted) {
        if vpn.target == VpnTarget::VpnGateway(gateway) {
            all.extend(vpn.routes.iter().map(|route| Known::of(model, OnPremisesLink::Vpn(vpn.id), *route, false)));
        }
    }
    for vif in model.virtual_interfaces.values() {
        if vif.kind == VirtualInterfaceKind::Private(gateway) {
            let over = OnPremisesLink::VirtualInterface(vif.id);
            all.extend(vif.routes.iter().map(|route| Known::of(model, over, *route, false)));
        }
    }
    all
}

/// The routes that gateways propagate into a table: the best of each block. What BGP learned goes with its link; static routes stay (assumed with vpcsim).
pub fn propagated(model: &Model, table: &RouteTable) -> Vec<Route> {
    let mut routes = Vec::new();
    for id in table.propagating_gateways.iter() {
        let attached = model.vpn_gateways.get(id).is_some_and(|vgw| vgw.attached_vpc_id == Some(table.vpc_id));
        let mut known = if attached { learned_by_gateway(model, *id) } else { Vec::new() };
        known.retain(|known| known.up || known.how.learned_over == LearnedOver::VpnStatic);
        known.sort_by_key(|known| (known.cidr, known.rank()));
        known.dedup_by_key(|known| known.cidr);
        routes.extend(known.into_iter().map(|known| Route {
            destination: RouteDestination::Cidr(known.cidr),
            target: RouteTarget::VpnGateway(*id),
            origin: RouteOrigin::Propagated(known.how),
        }));
    }
    routes
}

impl Visit<'_, '_> {
    /// Out: only from interfaces of its VPC, the router's own errors included, and only to what it learned.
    pub fn leave_vpn_gateway(&mut self, id: VpnGatewayId) -> Stage<Next> {
        let gateway = self.model().vpn_gateways.get(&id);
        let Some(vpc) = gateway.and_then(|gateway| gateway.attached_vpc_id) else { return drop("ResourceGone") };
        let source = self.packet().source;
        let mut subnets = self.model().subnets.values().filter(|subnet| subnet.vpc_id == vpc);
        let is_router = subnets.any(|subnet| router_address(self.model(), subnet.id) == source);
        if !self.has_interface_at(vpc, source) && !is_router {
            return drop("VpnGatewaySource");
        }
        match best_known(&learned_by_gateway(self.model(), id), self.packet().destination, false) {
            None => {
                self.say(format!("{id} no route"));
                drop("VpnGatewayNoRoute")
            }
            Some(known) => {
                self.say(format!("{id} {} -> {}", known.cidr, known.over));
                Ok(Next::To(match known.over {
                    OnPremisesLink::Vpn(vpn) => Place::VpnFromAws(vpn),
                    OnPremisesLink::VirtualInterface(vif) => Place::DirectConnectFromAws(vif),
                }))
            }
        }
    }

    /// In: only to interfaces of its VPC.
    pub fn enter_vpn_gateway(&mut self, id: VpnGatewayId) -> Stage<Next> {
        let gateway = self.model().vpn_gateways.get(&id);
        let Some(vpc) = gateway.and_then(|gateway| gateway.attached_vpc_id) else { return drop("ResourceGone") };
        if !self.has_interface_at(vpc, self.packet().destination) {
            return drop("VpnGatewayDestination");
        }
        Ok(Next::To(Place::Router(vpc, Box::new(From::Edge(EdgeGateway::VpnGateway(id))))))
    }

    pub fn vpn_from_aws(&mut self, id: VpnConnectionId) -> Stage<Next> {
        let vpn = self.model().vpn_connections.get(&id).filter(|vpn| !vpn.deleted);
        let Some(on_premises) = vpn.map(|vpn| vpn.on_premises.clone()) else { return drop("ResourceGone") };
        self.choose_tunnel(id)?;
        let mtu_bytes = self.model().forwarding.vpn_mtu_bytes.into();
        let stretch = Stretch { mtu_bytes, speaker: None, splits: true };
        self.across(&stretch, Place::OnPremises(on_premises, Box::new(From::Aws)))
    }

    pub fn vpn_from_premises(&mut self, id: VpnConnectionId) -> Stage<Next> {
        let vpn = self.model().vpn_connections.get(&id).filter(|vpn| !vpn.deleted);
        match vpn.map(|vpn| vpn.target) {
            Some(VpnTarget::VpnGateway(gateway)) => Ok(Next::To(Place::EnterVpnGateway(gateway))),
            Some(VpnTarget::TransitGateway(gateway)) => Ok(Next::To(Place::Transit(gateway, Attached::Vpn(id)))),
            None => drop("ResourceGone"),
        }
    }

    /// A virtual private gateway uses one tunnel, the first that is up.
    pub fn choose_tunnel(&mut self, id: VpnConnectionId) -> Stage<()> {
        let vpn = &self.model().vpn_connections[&id];
        let spreads = matches!(vpn.target, VpnTarget::TransitGateway(_));
        let up = vpn.tunnels_up;
        let seen = self.world.choices.tunnels.pop_front().flatten();
        let tunnel = match up {
            [false, false] => {
                self.say("no tunnel");
                return drop("TunnelsDown");
            }
            [true, true] if spreads => seen.unwrap_or(0),
            [true, _] => 0,
            [false, true] => 1,
        };
        if tunnel > 1 {
            self.world.complaints.push(format!("{id} has no tunnel {tunnel}"));
        }
        self.say(format!("tunnel {tunnel}"));
        Ok(())
    }

    pub fn direct_connect_from_aws(&mut self, id: VirtualInterfaceId) -> Stage<Next> {
        let Some(vif) = self.model().virtual_interfaces.get(&id).cloned() else { return drop("ResourceGone") };
        self.check_direct_connect(id)?;
        let stretch = Stretch { mtu_bytes: vif.mtu_bytes.into(), speaker: None, splits: true };
        self.across(&stretch, Place::OnPremises(vif.on_premises, Box::new(From::Aws)))
    }

    pub fn direct_connect_from_premises(&mut self, id: VirtualInterfaceId) -> Stage<Next> {
        let Some(vif) = self.model().virtual_interfaces.get(&id) else { return drop("ResourceGone") };
        Ok(Next::To(match vif.kind {
            VirtualInterfaceKind::Private(gateway) => Place::EnterVpnGateway(gateway),
            VirtualInterfaceKind::Transit(gateway) => Place::Transit(gateway, Attached::DirectConnect(id)),
            VirtualInterfaceKind::Public => Place::Internet(From::DirectConnect(id)),
        }))
    }

    pub fn check_direct_connect(&mut self, id: VirtualInterfaceId) -> Stage<()> {
        let up = self.model().virtual_interfaces[&id].up;
        self.say(if up { "session up" } else { "session down" });
        if up { Ok(()) } else { drop("VirtualInterfaceDown") }
    }
}

//! An internet gateway's one-to-one translation without state, and the internet, where every public address leads to whoever has it.
//!
//! Sources: VPC_Internet_Gateway.html, security-vpc-bpa.html, gateway-route-tables.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use super::{Entered, From, Place};
use crate::reference::packet::{Party, TCP, UDP};
use crate::reference::routes::{self, inside};
use crate::reference::world::{Next, Stage, Stop, Stretch, Visit, drop, mapped_addresses, net};
use std::net::Ipv4Addr;
use vpcsim::ids::{InternetGatewayId, SubnetId, VirtualInterfaceId, VpcId};
use vpcsim::model::{BlockPublicAccessMode, EdgeGateway, ExcludedResource, RouteTarget, VirtualInterfaceKind};
use vpcsim::net::ServiceKind;

impl Visit<'_, '_> {
    /// The order of these checks is vpcsim's: AWS does not publish it.
    pub fn leave_gateway(&mut self, igw: InternetGatewayId) -> Stage<Next> {
        let gateway = self.model().internet_gateways.get(&igw);
        let Some(vpc) = gateway.and_then(|gateway| gateway.attached_vpc_id) else { return drop("ResourceGone") };
        let destination = self.packet().destination;
        if self.is_in_vpc(vpc, destination) {
            return drop("InternetGatewayDestinationInVpc");
        }
        if is_rfc1918(destination) {
            return drop("InternetGatewayDestinationRfc1918");
        }
        if is_rfc6598(destination) {
            return drop("InternetGatewayDestinationRfc6598");
        }
        let private = self.packet().source;
        let mapped = mapped_addresses(self.model());
        let Some((_, _, public)) = mapped.into_iter().find(|known| (known.0, known.1) == (vpc, private)) else {
            return drop("InternetGatewayNoPublicAddress");
        };
        let inside_end = self.subnet_and_kind(self.walk.entered);
        self.ask_public_access(inside_end)?;
        if self.bypasses_appliance(igw, private)? {
            return drop("GatewayTableBypassed");
        }
        self.walk.packet.source = public;
        if let Some(quoted) = self.walk.packet.quoted_mut()
            && quoted.destination == private
        {
            quoted.destination = public;
        }
        self.say(format!("{private} as {public}"));
        Ok(Next::To(Place::Internet(From::Edge(EdgeGateway::InternetGateway(igw)))))
    }

    pub fn enter_gateway(&mut self, igw: InternetGatewayId) -> Stage<Next> {
        let gateway = self.model().internet_gateways.get(&igw);
        let Some(vpc) = gateway.and_then(|gateway| gateway.attached_vpc_id) else { return drop("ResourceGone") };
        let source = self.packet().source;
        if is_rfc1918(source) {
            return drop("InternetGatewaySourceRfc1918");
        }
        if is_rfc6598(source) {
            return drop("InternetGatewaySourceRfc6598");
        }
        let public = self.packet().destination;
        let mapped = mapped_addresses(self.model());
        let Some((_, private, _)) = mapped.into_iter().find(|known| (known.0, known.2) == (vpc, public)) else {
            return drop("InternetGatewayNoPrivateAddress");
        };
        let inside_end = self.holder_of(vpc, private);
        self.ask_public_access(inside_end)?;
        self.walk.packet.destination = private;
        if let Some(quoted) = self.walk.packet.quoted_mut()
            && quoted.source == public
        {
            quoted.source = private;
        }
        self.say(format!("{public} as {private}"));
        // Nothing bigger passes an internet gateway; that what comes in is not told of follows vpcsim.
        let mtu_bytes = self.model().forwarding.internet_gateway_mtu_bytes.into();
        let stretch = Stretch { mtu_bytes, speaker: None, splits: true };
        self.across(&stretch, Place::Router(vpc, Box::new(From::Edge(EdgeGateway::InternetGateway(igw)))))
    }

    /// The subnet, and whether it is a NAT gateway.
    fn subnet_and_kind(&self, entered: Option<Entered>) -> Option<(SubnetId, bool)> {
        match entered? {
            Entered::Interface(eni) => Some((self.model().network_interfaces.get(&eni)?.subnet_id, false)),
            Entered::NatGateway(nat) => Some((self.model().nat_gateways.get(&nat)?.subnet_id, true)),
            // What comes by a transit gateway has no public address of its own here.
            Entered::Transit(_) => None,
        }
    }

    fn holder_of(&self, vpc: VpcId, private: Ipv4Addr) -> Option<(SubnetId, bool)> {
        let model = self.model();
        let nat = model.nat_gateways.values().find(|nat| {
            nat.vpc_id == vpc && nat.addresses.iter().any(|own| own.private_ip == private && own.elastic.is_some())
        });
        let eni = model.network_interfaces.values().find(|eni| eni.vpc_id == vpc && eni.private_ip == private);
        nat.map(|nat| (nat.subnet_id, true)).or(eni.map(|eni| (eni.subnet_id, false)))
    }

    /// VPC Block Public Access. In "ingress" mode only NAT gateways' traffic passes; an exclusion that allows egress only means the same (assumed with vpcsim), and
    /// a subnet's exclusion decides before its VPC's.
    fn ask_public_access(&mut self, inside_end: Option<(SubnetId, bool)>) -> Stage<()> {
        let Some((subnet, is_nat)) = inside_end else { return Ok(()) };
        let access = &self.model().block_public_access;
        let vpc = self.model().subnets[&subnet].vpc_id;
        let exclusion = |wanted: ExcludedResource| {
            access.exclusions.values().find(|known| known.resource == wanted).map(|known| known.egress_only)
        };
        let excluded = exclusion(ExcludedResource::Subnet(subnet)).or_else(|| exclusion(ExcludedResource::Vpc(vpc)));
        let passes = match (access.mode, excluded) {
            (BlockPublicAccessMode::Off, _) | (_, Some(false)) => return Ok(()),
            (BlockPublicAccessMode::BlockIngress, _) | (_, Some(true)) => is_nat,
            (BlockPublicAccessMode::BlockBidirectional, None) => false,
        };
        self.say(if passes { "public access allowed" } else { "public access blocked" });
        if passes { Ok(()) } else { drop("BlockPublicAccess") }
    }

    /// Subnet traffic that comes in through an appliance must go out through it (INGRESS_RTB_TRAFFIC_REDIRECTION).
    fn bypasses_appliance(&mut self, igw: InternetGatewayId, private: Ipv4Addr) -> Stage<bool> {
        let model = self.model();
        let Some(table) = routes::edge_table(model, EdgeGateway::InternetGateway(igw)) else { return Ok(false) };
        let chosen = routes::choose(model, table, private).map_err(Stop::Tie)?;
        Ok(match chosen {
            Some(chosen) if chosen.active => match chosen.target {
                RouteTarget::NetworkInterface(id) => self.walk.entered != Some(Entered::Interface(id)),
                _ => false,
            },
            _ => false,
        })
    }

    fn announced(&self, destination: Ipv4Addr) -> Option<VirtualInterfaceId> {
        let public = self.model().virtual_interfaces.values();
        let public = public.filter(|vif| vif.kind == VirtualInterfaceKind::Public && vif.up);
        let matching = public.flat_map(|vif| vif.routes.iter().map(|route| (route.cidr, vif.id)));
        let matching = matching.filter(|(cidr, _)| inside(destination, *cidr));
        matching.max_by_key(|(cidr, _)| cidr.prefix_len()).map(|(_, id)| id)
    }

    pub fn internet(&mut self, from: &From) -> Stage<Next> {
        // A host's provider resolves names for it.
        if let From::Party(Party::Outside(host)) = from {
            let ports = self.packet().protocol == TCP || self.packet().protocol == UDP;
            if ports && self.packet().destination_port() == Some(53) {
                return Ok(Next::Deliver(Party::OutsidePlatform(host.clone())));
            }
        }
        let destination = self.packet().destination;
        if destination.is_broadcast() || destination.is_multicast() {
            return drop("BroadcastOrMulticast");
        }
        // AWS's own packets to what is announced over a public virtual interface take that.
        let of_aws = matches!(from, From::Party(Party::PublicService(..)) | From::Edge(_));
        if of_aws && let Some(vif) = self.announced(destination) {
            return Ok(Next::To(Place::DirectConnectFromAws(vif)));
        }
        let model = self.model();
        for host in model.outside_hosts.values() {
            if host.address == destination {
                return Ok(Next::Deliver(Party::Outside(host.name.clone())));
            }
        }
        for network in model.on_premises.values() {
            if network.internet_address == Some(destination) {
                return Ok(Next::To(Place::OnPremises(network.name.clone(), Box::new(From::Router))));
            }
        }
        if let Some(gateway) = self.world.last_behind.get(&destination).and_then(|id| model.internet_gateways.get(id))
            && gateway.attached_vpc_id.is_some()
        {
            return Ok(Next::To(Place::EnterGateway(gateway.id)));
        }
        let mut best: Option<(u8, ServiceKind, String)> = None;
        for service in &model.public_services {
            for cidr in service.cidrs.iter().filter(|cidr| inside(destination, **cidr)) {
                if best.as_ref().is_none_or(|best| cidr.prefix_len() > best.0) {
                    best = Some((cidr.prefix_len(), service.kind, service.region.clone()));
                }
            }
        }
        match best {
            Some((_, kind, region)) => Ok(Next::Deliver(Party::PublicService(kind, region))),
            None => drop("NobodyAtPublicAddress"),
        }
    }
}

pub fn is_rfc1918(address: Ipv4Addr) -> bool {
    [net(10, 0, 0, 0, 8), net(172, 16, 0, 0, 12), net(192, 168, 0, 0, 16)].iter().any(|block| inside(address, *block))
}

pub fn is_rfc6598(address: Ipv4Addr) -> bool {
    inside(address, net(100, 64, 0, 0, 10))
}

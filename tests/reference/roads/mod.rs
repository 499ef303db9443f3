//! The places where packets are judged, one file for what belongs together.
//!
//! Where AWS's pages are silent the reference follows vpcsim's choice, and says so at the rule.

mod endpoint;
pub mod interface;
mod internet;
mod nat;
mod on_premises;
mod peering;
mod router;
pub mod transit;
pub mod vpn;

use super::packet::{LinkDestination, Party};
use super::world::{Next, Stage, Visit};
use transit::Attached;
use vpcsim::ids::*;
use vpcsim::model::EdgeGateway;

/// Where a packet is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An interface, from the instance behind it.
    LeaveInterface(EniId, LinkDestination),
    /// An interface of an interface endpoint, from the service.
    LeaveService(EniId, LinkDestination),
    /// An interface, from the forwarding part of the instance's operating system.
    SentOn(EniId),
    /// An interface, from what serves DHCP and DNS.
    Platform(EniId),
    /// An interface, from the network; with who brings it.
    EnterInterface(EniId, Box<From>),
    /// The forwarding part of the operating system behind an interface.
    Forwarder(EniId),
    Router(VpcId, Box<From>),
    /// An internet gateway, from its VPC.
    LeaveGateway(InternetGatewayId),
    /// An internet gateway, from the internet.
    EnterGateway(InternetGatewayId),
    Internet(From),
    /// A gateway endpoint, from its VPC.
    EnterEndpoint(VpcEndpointId),
    /// A gateway endpoint, from the service.
    LeaveEndpoint(VpcEndpointId),
    NatGateway(NatGatewayId),
    /// A peering connection, from this side.
    Peering(VpcPeeringConnectionId, VpcId),
    Transit(TransitGatewayId, Attached),
    /// A virtual private gateway, from its VPC.
    LeaveVpnGateway(VpnGatewayId),
    /// A virtual private gateway, from on premises.
    EnterVpnGateway(VpnGatewayId),
    VpnFromAws(VpnConnectionId),
    VpnFromPremises(VpnConnectionId),
    DirectConnectFromAws(VirtualInterfaceId),
    DirectConnectFromPremises(VirtualInterfaceId),
    OnPremises(String, Box<From>),
}

/// Who brings a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    Party(Party),
    Interface(EniId),
    NatGateway(NatGatewayId),
    Edge(EdgeGateway),
    Endpoint(VpcEndpointId),
    Peering(VpcPeeringConnectionId),
    Transit(TransitGatewayId),
    DirectConnect(VirtualInterfaceId),
    /// A VPN connection or virtual interface, to on premises.
    Aws,
    /// The router on premises: on its own behalf there, to the internet with what it sends.
    Premises,
    /// A subnet's router itself.
    Itself(SubnetId),
    /// A router, with what comes through it.
    Router,
}

/// By what a packet last entered a VPC's router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    Interface(EniId),
    NatGateway(NatGatewayId),
    Transit(TransitGatewayId),
}

/// The endpoint that a packet went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Gateway(VpcEndpointId),
    Interface(EniId),
}

impl Place {
    /// What the path calls it; a VPC's router is told by what it decides.
    pub fn name(&self) -> Option<String> {
        match self {
            Place::LeaveInterface(eni, _)
            | Place::LeaveService(eni, _)
            | Place::SentOn(eni)
            | Place::Platform(eni)
            | Place::EnterInterface(eni, _) => Some(eni.to_string()),
            Place::Forwarder(eni) => Some(format!("inside {eni}")),
            Place::Router(..) => None,
            Place::LeaveGateway(igw) | Place::EnterGateway(igw) => Some(igw.to_string()),
            Place::Internet(_) => Some("internet".to_owned()),
            Place::EnterEndpoint(id) | Place::LeaveEndpoint(id) => Some(id.to_string()),
            Place::NatGateway(id) => Some(id.to_string()),
            Place::Peering(id, _) => Some(id.to_string()),
            Place::Transit(id, _) => Some(id.to_string()),
            Place::LeaveVpnGateway(id) | Place::EnterVpnGateway(id) => Some(id.to_string()),
            Place::VpnFromAws(id) | Place::VpnFromPremises(id) => Some(id.to_string()),
            Place::DirectConnectFromAws(id) | Place::DirectConnectFromPremises(id) => Some(id.to_string()),
            Place::OnPremises(name, _) => Some(format!("router of {name}")),
        }
    }
}

impl Visit<'_, '_> {
    pub fn visit(&mut self, place: &Place) -> Stage<Next> {
        match place {
            Place::LeaveInterface(eni, link) => self.leave_interface(*eni, *link),
            Place::LeaveService(eni, link) => self.leave_service(*eni, *link),
            Place::SentOn(eni) => self.send_on(*eni),
            Place::Platform(eni) => self.from_platform(*eni),
            Place::EnterInterface(eni, from) => self.enter_interface(*eni, from),
            Place::Forwarder(eni) => self.forwarder(*eni),
            Place::Router(vpc, from) => self.router(*vpc, from),
            Place::LeaveGateway(igw) => self.leave_gateway(*igw),
            Place::EnterGateway(igw) => self.enter_gateway(*igw),
            Place::Internet(from) => self.internet(from),
            Place::EnterEndpoint(id) => self.enter_endpoint(*id),
            Place::LeaveEndpoint(id) => self.leave_endpoint(*id),
            Place::NatGateway(id) => self.nat_gateway(*id),
            Place::Peering(id, from) => self.peering(*id, *from),
            Place::Transit(id, from) => self.transit_gateway(*id, from),
            Place::LeaveVpnGateway(id) => self.leave_vpn_gateway(*id),
            Place::EnterVpnGateway(id) => self.enter_vpn_gateway(*id),
            Place::VpnFromAws(id) => self.vpn_from_aws(*id),
            Place::VpnFromPremises(id) => self.vpn_from_premises(*id),
            Place::DirectConnectFromAws(id) => self.direct_connect_from_aws(*id),
            Place::DirectConnectFromPremises(id) => self.direct_connect_from_premises(*id),
            Place::OnPremises(name, from) => self.on_premises(name, from),
        }
    }
}

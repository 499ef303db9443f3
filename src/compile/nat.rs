//! NAT gateways and instances that forward.
//!
//! A NAT gateway is one node with all its addresses; its interface is none. Of a forwarding instance both the interface and the inside of its operating system are
//! nodes, with the interface's link between them.

use super::{Compiler, Draft, LinkKey, named, virtual_mac};
use crate::ids::{EniId, NatGatewayId, VpcId};
use crate::model::{Forwarding, Model, NatConnectivity, NatGateway, NatGatewayState, NetworkInterface, Vpc};
use crate::program::{EniRole, ForwarderNode, HostKind, LinkIx, NatGatewayNode, Node, NodeIx, NodeKey};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The NAT gateways of a VPC that take packets.
pub(super) fn available(model: &Model, vpc_id: VpcId) -> impl Iterator<Item = &NatGateway> {
    let serves = move |gateway: &&NatGateway| gateway.vpc_id == vpc_id && gateway.state == NatGatewayState::Available;
    model.nat_gateways.values().filter(serves)
}

impl Compiler {
    /// Gives indices to NAT gateways.
    pub(super) fn enrol_nat_gateways(&mut self, model: &Model) {
        for gateway in model.nat_gateways.values().filter(|gateway| gateway.interface_id.is_some()) {
            self.nodes.enrol(NodeKey::NatGateway(gateway.id), named(gateway.id, gateway.tags.name()));
        }
    }

    /// Gives an index to the inside of a forwarding instance. It comes before its interface's: a link's direction away from the host is from the smaller
    /// index to the greater.
    pub(super) fn enrol_forwarder(&mut self, model: &Model, eni: &NetworkInterface) {
        if let Some(instance) = model.instance_of(eni).filter(|instance| instance.forwarding != Forwarding::Off) {
            self.nodes.enrol(NodeKey::Forwarder(eni.id), named(instance.id, instance.tags.name()));
        }
    }

    /// Compiles the NAT gateways of `vpc`; their private addresses are theirs in the router's eyes.
    pub(super) fn compile_nat_gateways(
        &self,
        model: &Model,
        vpc: &Vpc,
        position_of: impl Fn(&NatGateway) -> Option<u16>,
        interfaces: &mut BTreeMap<Ipv4Addr, NodeIx>,
        draft: &mut Draft,
    ) {
        for gateway in available(model, vpc.id) {
            let Some(subnet) = position_of(gateway) else { continue };
            let at = self.node_ix(&NodeKey::NatGateway(gateway.id));
            interfaces.extend(gateway.addresses.iter().map(|address| (address.private_ip, at)));
            let node = NatGatewayNode {
                mac: nat_gateway_mac(model, gateway.interface_id, gateway.id),
                router: self.node_ix(&NodeKey::Router(vpc.id)),
                subnet,
                addresses: gateway.addresses.iter().map(|address| address.private_ip).collect(),
                public: gateway.connectivity == NatConnectivity::Public,
            };
            draft.nodes.insert(at, Node::NatGateway(node));
        }
    }

    /// What is behind an instance's interface; the inside of its operating system becomes a node if it forwards.
    pub(super) fn compile_forwarder(&self, model: &Model, eni: &NetworkInterface, draft: &mut Draft) -> EniRole {
        let forwarding = model.instance_of(eni).map_or(Forwarding::Off, |instance| instance.forwarding);
        if forwarding == Forwarding::Off {
            return EniRole::Guest;
        }
        let at = self.node_ix(&NodeKey::Forwarder(eni.id));
        let link = self.links.index(&LinkKey::Host(HostKind::Instance(eni.id))).unwrap_or_default();
        let node = ForwarderNode {
            mac: eni.mac,
            interface: self.node_ix(&NodeKey::Eni(eni.id)),
            link: LinkIx(link),
            address: eni.private_ip,
            masquerade: forwarding == Forwarding::Masquerade,
        };
        draft.nodes.insert(at, Node::Forwarder(node));
        EniRole::Forwarder(at)
    }
}

fn nat_gateway_mac(model: &Model, interface: Option<EniId>, id: NatGatewayId) -> crate::net::MacAddress {
    let interface = interface.and_then(|interface| model.network_interfaces.get(&interface));
    interface.map_or_else(|| virtual_mac(&id.to_string()), |interface| interface.mac)
}

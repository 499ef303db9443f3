//! Direct Connect: virtual interfaces, which only scenarios make (they are no part of the EC2 API).
//!
//! Sources: docs.aws.amazon.com/directconnect/latest/UserGuide/limits.html, set-jumbo-frames-vif.html, routing-and-bgp.html. Limits that AWS enforces by ending the
//! BGP session are refused here.

use super::*;
use crate::net::Ipv4Net;
use crate::time::SimTime;

/// What a new virtual interface is to be.
#[derive(Clone, Debug)]
pub struct NewVirtualInterface {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VirtualInterfaceId>,
    /// Where it ends on AWS's side.
    pub kind: VirtualInterfaceKind,
    /// Which network on premises is behind it.
    pub on_premises: String,
    /// What on-premises announces over it. `None`: its blocks; over a public one its public blocks and its internet address.
    pub routes: Option<Vec<LearnedRoute>>,
    /// IP MTU; `None` is 1500.
    pub mtu_bytes: Option<u16>,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Makes a virtual interface that is up; to a transit gateway also its attachment there.
    ///
    /// # Errors
    /// `InvalidParameterValue` (unknown network on premises, MTU, announcements that AWS does not take, id taken), `InvalidVpnGatewayID.NotFound`,
    /// `InvalidTransitGatewayID.NotFound`, `RouteLimitExceeded`.
    pub fn add_virtual_interface(&mut self, new: NewVirtualInterface) -> Result<VirtualInterfaceId, ModelError> {
        let refuse = |message: String| Err(ModelError::new("InvalidParameterValue", message));
        let Some(network) = self.on_premises.get(&new.on_premises) else {
            return refuse(format!("The network on premises '{}' does not exist.", new.on_premises));
        };
        let routes = new.routes.unwrap_or_else(|| announced_by(network, new.kind));
        let (largest, routes_max) = match new.kind {
            VirtualInterfaceKind::Private(_) => (9001, 100),
            VirtualInterfaceKind::Transit(_) => (8500, 100),
            VirtualInterfaceKind::Public => (1500, 1000),
        };
        let mtu_bytes = new.mtu_bytes.unwrap_or(1500);
        if mtu_bytes != 1500 && mtu_bytes != largest {
            return refuse(match largest {
                1500 => format!("The MTU of a public virtual interface is 1500, not {mtu_bytes}."),
                _ => format!("The MTU of such a virtual interface is 1500 or {largest}, not {mtu_bytes}."),
            });
        }
        if routes.len() > routes_max {
            return Err(ModelError::quota(
                "RouteLimitExceeded",
                "routes announced over a virtual interface",
                routes_max,
            ));
        }
        if new.kind == VirtualInterfaceKind::Public {
            if routes.is_empty() {
                return refuse(format!("'{}' has no public address to announce to AWS.", network.name));
            }
            if let Some(route) = routes.iter().find(|route| !is_public(&route.cidr)) {
                return refuse(format!("A public virtual interface takes public addresses, not {}.", route.cidr));
            }
        }
        match new.kind {
            VirtualInterfaceKind::Private(gateway) => {
                self.vpn_gateway(gateway)?;
                self.check_announced(gateway, &routes.iter().map(|route| route.cidr.trunc()).collect())?;
            }
            VirtualInterfaceKind::Transit(gateway) if !self.transit_gateways.contains_key(&gateway) => {
                return Err(ModelError::not_found("InvalidTransitGatewayID.NotFound", "transitGateway", gateway));
            }
            VirtualInterfaceKind::Transit(_) | VirtualInterfaceKind::Public => {}
        }
        let id = new.id.unwrap_or_else(|| VirtualInterfaceId::mint(self.seed, &new.label, self.id_length));
        if self.virtual_interfaces.contains_key(&id) {
            return refuse(format!("The ID '{id}' is already in use."));
        }
        let (kind, on_premises, tags) = (new.kind, new.on_premises, new.tags);
        if let VirtualInterfaceKind::Transit(gateway) = kind {
            let resource = TransitGatewayResource::DirectConnect(id);
            self.add_connection_attachment(&id.to_string(), gateway, resource, new.at)?;
        }
        self.virtual_interfaces
            .insert(id, VirtualInterface { id, kind, on_premises, routes, mtu_bytes, up: true, tags });
        Ok(id)
    }

    /// Brings the BGP session of a virtual interface up or down.
    ///
    /// # Errors
    /// `InvalidParameterValue` (there is none).
    pub fn set_virtual_interface(&mut self, id: VirtualInterfaceId, up: bool) -> Result<(), ModelError> {
        match self.virtual_interfaces.get_mut(&id) {
            Some(interface) => {
                interface.up = up;
                Ok(())
            }
            None => {
                Err(ModelError::new("InvalidParameterValue", format!("The virtual interface '{id}' does not exist.")))
            }
        }
    }
}

/// What a network announces unless it is told otherwise.
fn announced_by(network: &OnPremisesNetwork, kind: VirtualInterfaceKind) -> Vec<LearnedRoute> {
    let own = network.cidrs.iter().copied();
    match kind {
        VirtualInterfaceKind::Private(_) | VirtualInterfaceKind::Transit(_) => own.map(LearnedRoute::new).collect(),
        VirtualInterfaceKind::Public => {
            let address = network.internet_address.map(|address| Ipv4Net::new_assert(address, 32));
            own.filter(is_public).chain(address).map(LearnedRoute::new).collect()
        }
    }
}

fn is_public(cidr: &Ipv4Net) -> bool {
    let [a, b, ..] = cidr.network().octets();
    !(cidr.network().is_private()
        || cidr.network().is_link_local()
        || (a == 100 && b & 0xc0 == 64)
        || cidr.prefix_len() == 0)
}

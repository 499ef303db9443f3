//! Building virtual private gateways, customer gateways and Site-to-Site VPN connections, and taking them down.
//!
//! Everything is there at once: AWS takes minutes. A VPN connection finds its network on premises by the address of its customer gateway: the one whose
//! router has it. Deleted connections stay listed; gateways are gone at once (AWS lists them as `deleted` for a while).
//! Sources: docs.aws.amazon.com/vpn/latest/s2svpn/SetUpVPNConnections.html, vpn-limits.html. Wordings are unverified, codes are AWS's.

use super::*;
use crate::net::Ipv4Net;
use crate::time::SimTime;

/// What a new VPN connection is to be.
#[derive(Clone, Debug)]
pub struct NewVpnConnection {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VpnConnectionId>,
    /// AWS's end.
    pub target: VpnTarget,
    /// The far end.
    pub customer_gateway_id: CustomerGatewayId,
    /// Whether routes are static; otherwise BGP says them.
    pub static_routes_only: bool,
    /// What is reached through it. `None`: by BGP the blocks of the network on premises, statically nothing yet.
    pub routes: Option<Vec<LearnedRoute>>,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Makes a virtual private gateway, attached to nothing.
    ///
    /// # Errors
    /// `VpnGatewayLimitExceeded`, `InvalidParameterValue` (the id is taken).
    pub fn add_vpn_gateway(
        &mut self,
        label: &str,
        id: Option<VpnGatewayId>,
        amazon_side_asn: Option<i64>,
        tags: Tags,
    ) -> Result<VpnGatewayId, ModelError> {
        let limit = self.quotas.vpn_gateways_per_region;
        if self.vpn_gateways.len() >= limit {
            return Err(ModelError::quota("VpnGatewayLimitExceeded", "virtual private gateways", limit));
        }
        let id = id.unwrap_or_else(|| VpnGatewayId::mint(self.seed, label, self.id_length));
        free(id, self.vpn_gateways.contains_key(&id))?;
        let amazon_side_asn = amazon_side_asn.unwrap_or(AMAZON_SIDE_ASN);
        self.vpn_gateways.insert(id, VpnGateway { id, attached_vpc_id: None, amazon_side_asn, tags });
        Ok(id)
    }

    /// Attaches a virtual private gateway to a VPC.
    ///
    /// # Errors
    /// `InvalidVpnGatewayID.NotFound`, `InvalidVpcID.NotFound`, `VpnGatewayAttachmentLimitExceeded` (either end is taken), `RouteLimitExceeded`.
    pub fn attach_vpn_gateway(&mut self, id: VpnGatewayId, vpc_id: VpcId) -> Result<(), ModelError> {
        self.vpc(vpc_id)?;
        match self.vpn_gateway(id)?.attached_vpc_id {
            Some(attached) if attached == vpc_id => return Ok(()),
            Some(attached) => {
                return Err(ModelError::new(
                    "VpnGatewayAttachmentLimitExceeded",
                    format!("resource {id} is already attached to network {attached}"),
                ));
            }
            None => {}
        }
        if let Some(other) = self.vpn_gateways.values().find(|other| other.attached_vpc_id == Some(vpc_id)) {
            return Err(ModelError::new(
                "VpnGatewayAttachmentLimitExceeded",
                format!("Network {vpc_id} already has the virtual private gateway {} attached", other.id),
            ));
        }
        if let Some(gateway) = self.vpn_gateways.get_mut(&id) {
            gateway.attached_vpc_id = Some(vpc_id);
        }
        Ok(())
    }

    /// Detaches a virtual private gateway. Tables of the VPC no longer get its routes; static routes to it are blackholes.
    ///
    /// # Errors
    /// `InvalidVpnGatewayID.NotFound`, `InvalidVpcID.NotFound`, `InvalidVpnGatewayAttachment.NotFound`.
    pub fn detach_vpn_gateway(&mut self, id: VpnGatewayId, vpc_id: VpcId) -> Result<(), ModelError> {
        self.vpc(vpc_id)?;
        if self.vpn_gateway(id)?.attached_vpc_id != Some(vpc_id) {
            return Err(ModelError::new(
                "InvalidVpnGatewayAttachment.NotFound",
                format!("The attachment with vpn gateway ID '{id}' and vpc ID '{vpc_id}' does not exist"),
            ));
        }
        if let Some(gateway) = self.vpn_gateways.get_mut(&id) {
            gateway.attached_vpc_id = None;
        }
        self.forget_edge_associations(EdgeGateway::VpnGateway(id));
        let tables = self.route_tables.values().filter(|table| table.propagating_gateways.contains(&id));
        for table_id in tables.map(|table| table.id).collect::<Vec<_>>() {
            if let Some(table) = self.route_tables.get_mut(&table_id) {
                table.propagating_gateways.remove(&id);
            }
        }
        Ok(())
    }

    /// Deletes a virtual private gateway.
    ///
    /// # Errors
    /// `InvalidVpnGatewayID.NotFound`, `IncorrectState` (it is attached, or has VPN connections or virtual interfaces).
    pub fn delete_vpn_gateway(&mut self, id: VpnGatewayId) -> Result<(), ModelError> {
        let in_use = self.vpn_gateway(id)?.attached_vpc_id.is_some()
            || self.live_vpn_connections().any(|connection| connection.target == VpnTarget::VpnGateway(id))
            || self.virtual_interfaces.values().any(|other| other.kind == VirtualInterfaceKind::Private(id));
        if in_use {
            return Err(ModelError::new("IncorrectState", format!("The vpnGateway '{id}' is in use.")));
        }
        self.vpn_gateways.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Makes a customer gateway.
    ///
    /// # Errors
    /// `CustomerGatewayLimitExceeded`, `InvalidParameterValue` (the id is taken). The same address and number again give the gateway there is, as on AWS.
    pub fn add_customer_gateway(
        &mut self,
        label: &str,
        id: Option<CustomerGatewayId>,
        address: Ipv4Addr,
        bgp_asn: i64,
        tags: Tags,
    ) -> Result<CustomerGatewayId, ModelError> {
        let same = |other: &&CustomerGateway| other.address == address && other.bgp_asn == bgp_asn;
        if let Some(other) = self.customer_gateways.values().find(same) {
            return Ok(other.id);
        }
        let limit = self.quotas.customer_gateways_per_region;
        if self.customer_gateways.len() >= limit {
            return Err(ModelError::quota("CustomerGatewayLimitExceeded", "customer gateways", limit));
        }
        let id = id.unwrap_or_else(|| CustomerGatewayId::mint(self.seed, label, self.id_length));
        free(id, self.customer_gateways.contains_key(&id))?;
        self.customer_gateways.insert(id, CustomerGateway { id, address, bgp_asn, tags });
        Ok(id)
    }

    /// Deletes a customer gateway.
    ///
    /// # Errors
    /// `InvalidCustomerGatewayID.NotFound`, `IncorrectState` (a VPN connection uses it).
    pub fn delete_customer_gateway(&mut self, id: CustomerGatewayId) -> Result<(), ModelError> {
        self.customer_gateway(id)?;
        if self.live_vpn_connections().any(|connection| connection.customer_gateway_id == id) {
            return Err(ModelError::new("IncorrectState", format!("The customer gateway '{id}' is in use.")));
        }
        self.customer_gateways.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Makes a VPN connection with both tunnels up; to a transit gateway also its attachment there.
    ///
    /// # Errors
    /// `InvalidCustomerGatewayID.NotFound`, `InvalidVpnGatewayID.NotFound`, `InvalidTransitGatewayID.NotFound`, `VpnConnectionLimitExceeded`,
    /// `RouteLimitExceeded`, `InvalidParameterValue` (no network on premises has the customer gateway's address; the id is taken).
    pub fn add_vpn_connection(&mut self, new: NewVpnConnection) -> Result<VpnConnectionId, ModelError> {
        let address = self.customer_gateway(new.customer_gateway_id)?.address;
        self.check_vpn_target(new.target)?;
        let behind = self.on_premises.values().find(|network| network.internet_address == Some(address));
        let Some(network) = behind else {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!(
                    "Nobody has the customer gateway's address {address}: no network on premises has it as internet_address."
                ),
            ));
        };
        let on_premises = network.name.clone();
        let by_bgp = || network.cidrs.iter().map(|cidr| LearnedRoute::new(*cidr)).collect();
        let routes = match (new.routes, new.static_routes_only) {
            (Some(routes), _) => routes,
            (None, true) => Vec::new(),
            (None, false) => by_bgp(),
        };
        let limit = self.quotas.vpn_connections_per_gateway;
        if self.live_vpn_connections().filter(|other| other.target == new.target).count() >= limit {
            return Err(ModelError::quota("VpnConnectionLimitExceeded", "VPN connections of the gateway", limit));
        }
        self.check_vpn_routes(new.target, new.static_routes_only, &routes)?;
        let id = new.id.unwrap_or_else(|| VpnConnectionId::mint(self.seed, &new.label, self.id_length));
        free(id, self.vpn_connections.contains_key(&id))?;
        let connection = VpnConnection {
            id,
            target: new.target,
            customer_gateway_id: new.customer_gateway_id,
            on_premises,
            static_routes_only: new.static_routes_only,
            routes,
            tunnels_up: [true; 2],
            deleted: false,
            created_at: new.at,
            tags: new.tags,
        };
        if let VpnTarget::TransitGateway(gateway) = new.target {
            self.add_connection_attachment(&id.to_string(), gateway, TransitGatewayResource::Vpn(id), new.at)?;
        }
        self.vpn_connections.insert(id, connection);
        Ok(id)
    }

    /// Deletes a VPN connection; it stays listed. Its attachment to a transit gateway goes with it.
    ///
    /// # Errors
    /// `InvalidVpnConnectionID.NotFound`.
    pub fn delete_vpn_connection(&mut self, id: VpnConnectionId) -> Result<(), ModelError> {
        self.live_vpn_connection(id)?;
        if let Some(connection) = self.vpn_connections.get_mut(&id) {
            connection.deleted = true;
            connection.tunnels_up = [false; 2];
        }
        self.detach_from_transit_gateways(&TransitGatewayResource::Vpn(id))
    }

    /// Adds a static route to a VPN connection.
    ///
    /// # Errors
    /// `InvalidVpnConnectionID.NotFound`, `InvalidVpnConnection.InvalidType` (routes come by BGP), `RouteAlreadyExists`, `RouteLimitExceeded`.
    pub fn add_vpn_connection_route(&mut self, id: VpnConnectionId, cidr: Ipv4Net) -> Result<(), ModelError> {
        let connection = self.live_vpn_connection(id)?;
        if !connection.static_routes_only {
            return Err(ModelError::new(
                "InvalidVpnConnection.InvalidType",
                format!("The vpnConnection '{id}' learns its routes by BGP: static routes cannot be added."),
            ));
        }
        let cidr = cidr.trunc();
        if connection.routes.iter().any(|route| route.cidr == cidr) {
            return Err(ModelError::new(
                "RouteAlreadyExists",
                format!("The route identified by {cidr} already exists."),
            ));
        }
        let mut routes = connection.routes.clone();
        routes.push(LearnedRoute::new(cidr));
        self.check_vpn_routes(connection.target, true, &routes)?;
        if let Some(connection) = self.vpn_connections.get_mut(&id) {
            connection.routes = routes;
        }
        Ok(())
    }

    /// Takes a static route from a VPN connection.
    ///
    /// # Errors
    /// `InvalidVpnConnectionID.NotFound`, `InvalidRoute.NotFound`.
    pub fn delete_vpn_connection_route(&mut self, id: VpnConnectionId, cidr: Ipv4Net) -> Result<(), ModelError> {
        let cidr = cidr.trunc();
        if !self.live_vpn_connection(id)?.routes.iter().any(|route| route.cidr == cidr) {
            return Err(ModelError::new("InvalidRoute.NotFound", format!("no route {cidr} in VPN connection {id}")));
        }
        if let Some(connection) = self.vpn_connections.get_mut(&id) {
            connection.routes.retain(|route| route.cidr != cidr);
        }
        Ok(())
    }

    /// Takes tunnels of a VPN connection up or down.
    ///
    /// # Errors
    /// `InvalidVpnConnectionID.NotFound`.
    pub fn set_tunnels(&mut self, id: VpnConnectionId, up: [bool; 2]) -> Result<(), ModelError> {
        self.live_vpn_connection(id)?;
        if let Some(connection) = self.vpn_connections.get_mut(&id) {
            connection.tunnels_up = up;
        }
        Ok(())
    }

    /// Lets a gateway's routes into a table (`EnableVgwRoutePropagation`), or no longer.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidVpnGatewayID.NotFound`, `Gateway.NotAttached` (not to the table's VPC), `RouteLimitExceeded`.
    pub fn set_route_propagation(
        &mut self,
        table_id: RouteTableId,
        gateway_id: VpnGatewayId,
        enabled: bool,
    ) -> Result<(), ModelError> {
        let table = self.route_table(table_id)?;
        let vpc_id = table.vpc_id;
        if enabled && !table.gateway_associations.is_empty() {
            // Unverified wording.
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("route table {table_id} is a gateway route table: nothing is propagated into it"),
            ));
        }
        if self.vpn_gateway(gateway_id)?.attached_vpc_id != Some(vpc_id) && enabled {
            return Err(ModelError::new(
                "Gateway.NotAttached",
                format!("resource {gateway_id} is not attached to network {vpc_id}"),
            ));
        }
        let learned = self.learned_by_gateway(gateway_id).into_iter().map(|learned| learned.cidr);
        self.check_propagated(table_id, &learned.collect())?;
        if let Some(table) = self.route_tables.get_mut(&table_id) {
            match enabled {
                true => table.propagating_gateways.insert(gateway_id),
                false => table.propagating_gateways.remove(&gateway_id),
            };
        }
        Ok(())
    }

    /// VPN connections that are not deleted.
    pub fn live_vpn_connections(&self) -> impl Iterator<Item = &VpnConnection> {
        self.vpn_connections.values().filter(|connection| !connection.deleted)
    }

    /// The virtual private gateway, or `InvalidVpnGatewayID.NotFound`.
    pub fn vpn_gateway(&self, id: VpnGatewayId) -> Result<&VpnGateway, ModelError> {
        self.vpn_gateways
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidVpnGatewayID.NotFound", "vpnGateway", id))
    }

    /// The customer gateway, or `InvalidCustomerGatewayID.NotFound`.
    pub fn customer_gateway(&self, id: CustomerGatewayId) -> Result<&CustomerGateway, ModelError> {
        self.customer_gateways
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidCustomerGatewayID.NotFound", "customerGateway", id))
    }

    /// The VPN connection, deleted or not, or `InvalidVpnConnectionID.NotFound`.
    pub fn vpn_connection(&self, id: VpnConnectionId) -> Result<&VpnConnection, ModelError> {
        self.vpn_connections
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidVpnConnectionID.NotFound", "vpnConnection", id))
    }

    fn live_vpn_connection(&self, id: VpnConnectionId) -> Result<&VpnConnection, ModelError> {
        self.vpn_connection(id).and_then(|connection| match connection.deleted {
            false => Ok(connection),
            true => Err(ModelError::not_found("InvalidVpnConnectionID.NotFound", "vpnConnection", id)),
        })
    }

    fn check_vpn_target(&self, target: VpnTarget) -> Result<(), ModelError> {
        match target {
            VpnTarget::VpnGateway(id) => self.vpn_gateway(id).map(|_| ()),
            VpnTarget::TransitGateway(id) if self.transit_gateways.contains_key(&id) => Ok(()),
            VpnTarget::TransitGateway(id) => {
                Err(ModelError::not_found("InvalidTransitGatewayID.NotFound", "transitGateway", id))
            }
        }
    }

    /// Whether a connection may have these routes, and the tables that its gateway propagates to have room for them.
    fn check_vpn_routes(&self, target: VpnTarget, is_static: bool, routes: &[LearnedRoute]) -> Result<(), ModelError> {
        let (what, limit) = match is_static {
            true => ("static routes of a VPN connection", self.quotas.static_routes_per_vpn_connection),
            false => ("routes that a customer gateway announces", self.quotas.announced_routes_per_vpn_connection),
        };
        if routes.len() > limit {
            return Err(ModelError::quota("RouteLimitExceeded", what, limit));
        }
        let VpnTarget::VpnGateway(gateway) = target else { return Ok(()) };
        self.check_announced(gateway, &routes.iter().map(|route| route.cidr.trunc()).collect())
    }

    /// Whether the tables that `gateway` propagates to have room for these blocks besides those they get.
    pub(super) fn check_announced(&self, gateway: VpnGatewayId, new: &BTreeSet<Ipv4Net>) -> Result<(), ModelError> {
        let tables = self.route_tables.values().filter(|table| table.propagating_gateways.contains(&gateway));
        tables.map(|table| table.id).try_for_each(|table| self.check_propagated(table, new))
    }

    fn check_propagated(&self, table_id: RouteTableId, new: &BTreeSet<Ipv4Net>) -> Result<(), ModelError> {
        let limit = self.quotas.propagated_routes_per_table;
        let mut all = new.clone();
        for gateway in self.route_table(table_id)?.propagating_gateways.iter() {
            all.extend(self.learned_by_gateway(*gateway).into_iter().map(|learned| learned.cidr));
        }
        if all.len() > limit {
            return Err(ModelError::quota("RouteLimitExceeded", "propagated routes of a route table", limit));
        }
        Ok(())
    }

    fn detach_from_transit_gateways(&mut self, resource: &TransitGatewayResource) -> Result<(), ModelError> {
        let attached = |attachment: &&TransitGatewayAttachment| {
            attachment.state != TransitGatewayAttachmentState::Deleted && attachment.resource == *resource
        };
        let ids: Vec<_> = self.transit_gateway_attachments.values().filter(attached).map(|it| it.id).collect();
        ids.into_iter().try_for_each(|id| self.delete_transit_gateway_attachment(id))
    }
}

/// AWS's number where none is asked for.
const AMAZON_SIDE_ASN: i64 = 64_512;

fn free(id: impl std::fmt::Display, taken: bool) -> Result<(), ModelError> {
    match taken {
        true => Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use."))),
        false => Ok(()),
    }
}

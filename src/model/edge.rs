//! Gateway route tables, and local routes with another target: what sends a VPC's traffic through an appliance.
//!
//! A table that is associated with an internet or virtual private gateway (an edge association) routes what comes in by it. Its destinations are whole blocks of the VPC or
//! whole subnets, its targets network interfaces or `local`; it has no prefix lists, takes no propagated routes and is no main table. A local route may get a
//! network interface or NAT gateway as its target, and its old one back (`ReplaceRoute`, `LocalTarget`).
//! Not simulated: Gateway Load Balancer endpoints, pools of one's own public addresses as ingress.
//! Assumed: a table may route for subnets and a gateway at once; detaching a gateway ends its association; a local route keeps its origin when it gets another target.
//! Unverified: the wording of every refusal here.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html, route-table-options.html

use super::*;
use crate::net::Ipv4Net;

impl Model {
    /// Makes `table_id` the route table of what comes in by `gateway`.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidGatewayID.NotFound`, `InvalidParameterValue` (a main table, a gateway of another network, a route that a gateway
    /// route table cannot have), `Resource.AlreadyAssociated`.
    pub fn associate_gateway(
        &mut self,
        table_id: RouteTableId,
        gateway: EdgeGateway,
    ) -> Result<RouteTableAssociationId, ModelError> {
        let table = self.route_table(table_id)?;
        let Some(attached) = self.edge_gateway_vpc(gateway) else {
            return Err(ModelError::not_found("InvalidGatewayID.NotFound", "gateway", gateway));
        };
        let refuse = |message: String| Err(ModelError::new("InvalidParameterValue", message));
        if attached != Some(table.vpc_id) {
            return refuse(format!(
                "route table {table_id} and network gateway {gateway} belong to different networks"
            ));
        }
        if table.main_association.is_some() {
            return refuse(format!("The main route table {table_id} cannot be associated with a gateway."));
        }
        if !table.propagating_gateways.is_empty() {
            return refuse(format!("Route table {table_id} takes propagated routes: no gateway can use it."));
        }
        for route in &table.routes {
            self.check_gateway_route(table, route.destination, route.target)?;
        }
        if let Some(other) = self.edge_table_of(gateway) {
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {table_id} conflicts with an existing association of {}",
                    other.id
                ),
            ));
        }
        let id = RouteTableAssociationId::mint(self.seed, &format!("{table_id} {gateway}"), self.id_length);
        if let Some(table) = self.route_tables.get_mut(&table_id) {
            table.gateway_associations.insert(gateway, id);
        }
        Ok(id)
    }

    /// The table that routes what comes in by `gateway`, if it has one.
    pub fn edge_table_of(&self, gateway: EdgeGateway) -> Option<&RouteTable> {
        self.route_tables.values().find(|table| table.gateway_associations.contains_key(&gateway))
    }

    /// Ends whatever edge association a gateway has: it was detached.
    pub(super) fn forget_edge_associations(&mut self, gateway: EdgeGateway) {
        for table in self.route_tables.values_mut() {
            // Only what holds it is written to: the rest stays shared.
            if table.gateway_associations.contains_key(&gateway) {
                table.gateway_associations.remove(&gateway);
            }
        }
    }

    /// What a gateway route table takes.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub(super) fn check_gateway_route(
        &self,
        table: &RouteTable,
        destination: RouteDestination,
        target: RouteTarget,
    ) -> Result<(), ModelError> {
        let refuse = |message: String| Err(ModelError::new("InvalidParameterValue", message));
        match (destination, target) {
            (RouteDestination::PrefixList(list), _) => {
                refuse(format!("Route table {} is a gateway route table: it cannot have prefix list {list}.", table.id))
            }
            (RouteDestination::Cidr(cidr), RouteTarget::Local | RouteTarget::NetworkInterface(_)) => {
                let whole_block = self.vpc(table.vpc_id)?.cidr_blocks.iter().any(|block| block.cidr == cidr);
                if whole_block || self.is_whole_subnet(table.vpc_id, cidr) {
                    return Ok(());
                }
                refuse(format!(
                    "The destination CIDR block {cidr} is neither a block of the VPC nor that of a subnet: route table {} \
                     is a gateway route table.",
                    table.id
                ))
            }
            (RouteDestination::Cidr(_), other) => refuse(format!(
                "Route target {other} is not supported. Route table {} is a gateway route table: it only supports \
                 interface and local targets.",
                table.id
            )),
        }
    }

    /// Gives the local route of a block another target; `None` restores `local`.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidParameterValue` (no local route has the destination; a target that it cannot have), and those of
    /// [`Model::add_route`] about targets.
    pub fn set_local_target(
        &mut self,
        table_id: RouteTableId,
        cidr: Ipv4Net,
        target: Option<RouteTarget>,
    ) -> Result<(), ModelError> {
        let table = self.route_table(table_id)?;
        let is_it = |route: &Route| {
            route.destination == RouteDestination::Cidr(cidr) && route.origin == RouteOrigin::CreateRouteTable
        };
        if !table.routes.iter().any(is_it) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("There is no local route for '{cidr}' in route table {table_id}."),
            ));
        }
        if let Some(target) = target {
            let is_gateway_table = !table.gateway_associations.is_empty();
            match target {
                RouteTarget::NetworkInterface(_) => {}
                RouteTarget::NatGateway(_) if !is_gateway_table => {}
                _ => {
                    return Err(ModelError::new(
                        "InvalidParameterValue",
                        "Route target is not supported. This route only supports interface and instance targets.",
                    ));
                }
            }
            self.check_target(table, target)?;
        }
        let target = target.unwrap_or(RouteTarget::Local);
        if let Some(route) = self.route_tables.get_mut(&table_id).and_then(|t| t.routes.iter_mut().find(|r| is_it(r))) {
            route.target = target;
        }
        Ok(())
    }

    /// Whether `cidr` is exactly a subnet's of the VPC.
    pub(super) fn is_whole_subnet(&self, vpc_id: VpcId, cidr: Ipv4Net) -> bool {
        self.subnets.values().any(|subnet| subnet.vpc_id == vpc_id && subnet.cidr == cidr)
    }

    /// The VPC a gateway is attached to; the outer `None`: there is no such gateway.
    fn edge_gateway_vpc(&self, gateway: EdgeGateway) -> Option<Option<VpcId>> {
        match gateway {
            EdgeGateway::InternetGateway(id) => self.internet_gateways.get(&id).map(|gateway| gateway.attached_vpc_id),
            EdgeGateway::VpnGateway(id) => self.vpn_gateways.get(&id).map(|gateway| gateway.attached_vpc_id),
        }
    }
}

//! Taking the network down again: what may go, and what goes with it.
//!
//! Routes to what is gone stay and are blackholes, as on AWS. Ids of what is gone are remembered ([`Model::is_retired`]) so that nothing
//! new gets them.

use super::*;

impl Model {
    /// Whether something with this id was deleted: nothing new gets the id.
    pub fn is_retired(&self, id: impl std::fmt::Display) -> bool {
        self.retired_ids.contains(&id.to_string())
    }

    /// Deletes a VPC with its main route table, default security group and default network ACL. Its peering connections end.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `DependencyViolation` (there is anything in it that it did not come with).
    pub fn delete_vpc(&mut self, id: VpcId) -> Result<(), ModelError> {
        let vpc = self.vpc(id)?;
        let (table_id, group_id, acl_id) =
            (vpc.main_route_table_id, vpc.default_security_group_id, vpc.default_network_acl_id);
        let used = self.subnets.values().any(|subnet| subnet.vpc_id == id)
            || self.network_interfaces.values().any(|interface| interface.vpc_id == id)
            || self.internet_gateways.values().any(|gateway| gateway.attached_vpc_id == Some(id))
            || self.vpn_gateways.values().any(|gateway| gateway.attached_vpc_id == Some(id))
            || self.vpc_endpoints.values().any(|endpoint| endpoint.vpc_id == id)
            || self.route_tables.values().any(|table| table.vpc_id == id && table.id != table_id)
            || self.security_groups.values().any(|group| group.vpc_id == id && group.id != group_id)
            || self.network_acls.values().any(|acl| acl.vpc_id == id && acl.id != acl_id);
        if used {
            return Err(ModelError::dependency("vpc", id));
        }
        self.delete_peering_connections_of(id);
        self.route_tables.remove(&table_id);
        self.security_groups.remove(&group_id);
        self.network_acls.remove(&acl_id);
        self.vpcs.remove(&id);
        self.forget_exclusions(ExcludedResource::Vpc(id));
        self.retired_ids.extend([id.to_string(), table_id.to_string(), group_id.to_string(), acl_id.to_string()]);
        Ok(())
    }

    /// Deletes a subnet, and with it its associations.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `DependencyViolation` (interfaces).
    pub fn delete_subnet(&mut self, id: SubnetId) -> Result<(), ModelError> {
        self.subnet(id)?;
        if self.network_interfaces.values().any(|interface| interface.subnet_id == id) {
            return Err(ModelError::dependency("subnet", id));
        }
        for table in self.route_tables.values_mut() {
            table.associations.remove(&id);
        }
        self.forget_exclusions(ExcludedResource::Subnet(id));
        self.subnets.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Detaches an internet gateway.
    ///
    /// # Errors
    /// `InvalidInternetGatewayID.NotFound`, `InvalidVpcID.NotFound`, `Gateway.NotAttached`, `DependencyViolation` (an interface of the VPC has a public
    /// address).
    pub fn detach_internet_gateway(&mut self, id: InternetGatewayId, vpc_id: VpcId) -> Result<(), ModelError> {
        let attached = self.internet_gateway(id)?.attached_vpc_id;
        self.vpc(vpc_id)?;
        if attached != Some(vpc_id) {
            return Err(ModelError::new(
                "Gateway.NotAttached",
                format!("resource {id} is not attached to network {vpc_id}"),
            ));
        }
        let mapped = |interface: &NetworkInterface| interface.vpc_id == vpc_id && interface.public_address.is_some();
        if self.network_interfaces.values().any(mapped) {
            return Err(ModelError::new(
                "DependencyViolation",
                format!(
                    "Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before \
                     detaching the gateway."
                ),
            ));
        }
        if let Some(gateway) = self.internet_gateways.get_mut(&id) {
            gateway.attached_vpc_id = None;
        }
        self.forget_edge_associations(EdgeGateway::InternetGateway(id));
        Ok(())
    }

    /// Deletes an internet gateway.
    ///
    /// # Errors
    /// `InvalidInternetGatewayID.NotFound`, `DependencyViolation` (it is attached).
    pub fn delete_internet_gateway(&mut self, id: InternetGatewayId) -> Result<(), ModelError> {
        if self.internet_gateway(id)?.attached_vpc_id.is_some() {
            return Err(ModelError::dependency("internetGateway", id));
        }
        self.internet_gateways.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Deletes a route table. Endpoints that had their route in it lose it.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `DependencyViolation` (it is a main table, or subnets or a gateway are associated).
    pub fn delete_route_table(&mut self, id: RouteTableId) -> Result<(), ModelError> {
        let table = self.route_table(id)?;
        if table.main_association.is_some() || !table.associations.is_empty() || !table.gateway_associations.is_empty()
        {
            return Err(ModelError::dependency("routeTable", id));
        }
        for endpoint in self.vpc_endpoints.values_mut() {
            if let Some(associated) = endpoint.route_table_ids_mut() {
                associated.remove(&id);
            }
        }
        self.route_tables.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Deletes a network ACL.
    ///
    /// # Errors
    /// `InvalidNetworkAclID.NotFound`, `InvalidParameterValue` (a VPC's default one), `DependencyViolation` (a subnet uses it).
    pub fn delete_network_acl(&mut self, id: NetworkAclId) -> Result<(), ModelError> {
        if self.network_acl(id)?.is_default {
            return Err(ModelError::new("InvalidParameterValue", format!("cannot delete default network ACL {id}")));
        }
        if self.subnets.values().any(|subnet| subnet.network_acl_id == id) {
            return Err(ModelError::dependency("networkAcl", id));
        }
        self.network_acls.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Takes a rule from a network ACL.
    ///
    /// # Errors
    /// `InvalidNetworkAclID.NotFound`, `InvalidNetworkAclEntry.NotFound`.
    pub fn delete_network_acl_entry(&mut self, id: NetworkAclId, egress: bool, number: u16) -> Result<(), ModelError> {
        self.network_acl(id)?;
        let removed = self.network_acls.get_mut(&id).and_then(|acl| {
            let entries = if egress { &mut acl.egress } else { &mut acl.ingress };
            entries.remove(&number)
        });
        removed.map(|_| ()).ok_or_else(|| Model::no_such_acl_entry(number))
    }

    /// Gives an Elastic IP address back. The address stays used: nobody else gets it in this run.
    ///
    /// # Errors
    /// `InvalidAllocationID.NotFound`, `InvalidIPAddress.InUse` (it is associated).
    pub fn release_address(&mut self, id: AllocationId) -> Result<(), ModelError> {
        let Some(address) = self.elastic_addresses.get(&id) else {
            return Err(ModelError::new(
                "InvalidAllocationID.NotFound",
                format!("The allocation ID '{id}' does not exist"),
            ));
        };
        if address.association.is_some() {
            return Err(ModelError::new("InvalidIPAddress.InUse", format!("Address {} is in use.", address.public_ip)));
        }
        self.elastic_addresses.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Makes another table of the VPC its main one.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidParameterValue` (a gateway route table).
    pub fn set_main_route_table(&mut self, table_id: RouteTableId) -> Result<RouteTableAssociationId, ModelError> {
        let table = self.route_table(table_id)?;
        let vpc_id = table.vpc_id;
        if let Some(id) = table.main_association {
            return Ok(id);
        }
        if !table.gateway_associations.is_empty() {
            // Unverified wording.
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("route table {table_id} is a gateway route table and cannot be a main route table"),
            ));
        }
        let old = self.vpc(vpc_id)?.main_route_table_id;
        let id = RouteTableAssociationId::mint(self.seed, &format!("main {table_id}"), self.id_length);
        if let Some(table) = self.route_tables.get_mut(&old) {
            table.main_association = None;
        }
        if let Some(table) = self.route_tables.get_mut(&table_id) {
            table.main_association = Some(id);
        }
        if let Some(vpc) = self.vpcs.get_mut(&vpc_id) {
            vpc.main_route_table_id = table_id;
        }
        Ok(id)
    }

    /// The id of the association between a subnet and its network ACL.
    pub fn network_acl_association(&self, subnet: &Subnet) -> NetworkAclAssociationId {
        let label = format!("{} {}", subnet.id, subnet.network_acl_id);
        NetworkAclAssociationId::mint(self.seed, &label, self.id_length)
    }

    /// The network ACL, or `InvalidNetworkAclID.NotFound`.
    pub fn network_acl(&self, id: NetworkAclId) -> Result<&NetworkAcl, ModelError> {
        self.network_acls
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidNetworkAclID.NotFound", "networkAcl", id))
    }

    /// The internet gateway, or `InvalidInternetGatewayID.NotFound`.
    pub fn internet_gateway(&self, id: InternetGatewayId) -> Result<&InternetGateway, ModelError> {
        self.internet_gateways
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidInternetGatewayID.NotFound", "internetGateway", id))
    }

    /// The refusal for a rule that is not there. Unverified wording.
    pub fn no_such_acl_entry(number: u16) -> ModelError {
        ModelError::new(
            "InvalidNetworkAclEntry.NotFound",
            format!("The network acl entry identified by {number} does not exist."),
        )
    }
}

//! Replacing what a VPC or subnet came with: the main route table's id, a subnet's network ACL.

use super::*;

impl Model {
    /// Gives the VPC's main route table another id. Only for building a scenario: nothing may refer to the table yet.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidParameterValue` (the id is taken).
    pub fn set_main_route_table_id(&mut self, vpc_id: VpcId, id: RouteTableId) -> Result<(), ModelError> {
        let old = self.vpc(vpc_id)?.main_route_table_id;
        if id == old {
            return Ok(());
        }
        if self.route_tables.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        if let (Some(mut table), Some(vpc)) = (self.route_tables.remove(&old), self.vpcs.get_mut(&vpc_id)) {
            table.id = id;
            vpc.main_route_table_id = id;
            self.route_tables.insert(id, table);
        }
        Ok(())
    }

    /// Gives a subnet another network ACL (`ReplaceNetworkAclAssociation`).
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `InvalidNetworkAclID.NotFound`, `InvalidParameterValue` (different VPCs).
    pub fn set_subnet_network_acl(&mut self, subnet_id: SubnetId, acl_id: NetworkAclId) -> Result<(), ModelError> {
        let subnet_vpc = self.subnet(subnet_id)?.vpc_id;
        let Some(acl) = self.network_acls.get(&acl_id) else {
            return Err(ModelError::not_found("InvalidNetworkAclID.NotFound", "networkAcl", acl_id));
        };
        if acl.vpc_id != subnet_vpc {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("network ACL {acl_id} and subnet {subnet_id} belong to different networks"),
            ));
        }
        if let Some(subnet) = self.subnets.get_mut(&subnet_id) {
            subnet.network_acl_id = acl_id;
        }
        Ok(())
    }
}

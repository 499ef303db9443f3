//! The model sorted by VPC: found once, what the compilation of each VPC would otherwise search the whole model for.

use super::security_groups::{Members, members};
use crate::ids::{RouteTableId, SubnetId, VpcId};
use crate::model::{Model, NetworkInterface, Subnet};
use std::collections::BTreeMap;

/// Subnets and interfaces by VPC, tables by subnet, interfaces' addresses by group.
pub(super) struct ByVpc<'m> {
    subnets: BTreeMap<VpcId, Vec<&'m Subnet>>,
    interfaces: BTreeMap<VpcId, Vec<&'m NetworkInterface>>,
    tables: BTreeMap<SubnetId, RouteTableId>,
    /// Who is in which security group.
    pub(super) members: Members,
}

impl<'m> ByVpc<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let (mut subnets, mut interfaces) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for subnet in model.subnets.values() {
            subnets.entry(subnet.vpc_id).or_default().push(subnet);
        }
        for eni in model.network_interfaces.values() {
            interfaces.entry(eni.vpc_id).or_default().push(eni);
        }
        let explicit =
            |table: &'m crate::model::RouteTable| table.associations.keys().map(|subnet| (*subnet, table.id));
        let tables = model.route_tables.values().flat_map(explicit).collect();
        ByVpc { subnets, interfaces, tables, members: members(model) }
    }

    /// The subnets of a VPC, by id.
    pub(super) fn subnets(&self, vpc_id: VpcId) -> &[&'m Subnet] {
        self.subnets.get(&vpc_id).map_or(&[], Vec::as_slice)
    }

    /// The interfaces of a VPC that are attached to something, by id.
    pub(super) fn attached_interfaces(&self, vpc_id: VpcId) -> impl Iterator<Item = &'m NetworkInterface> + '_ {
        self.interfaces.get(&vpc_id).into_iter().flatten().copied().filter(|eni| eni.attachment.is_some())
    }

    /// The table that routes for a subnet: its own, else its VPC's main one.
    pub(super) fn table_of(&self, model: &Model, subnet: &Subnet) -> Option<RouteTableId> {
        let own = self.tables.get(&subnet.id).copied();
        own.or_else(|| Some(model.vpcs.get(&subnet.vpc_id)?.main_route_table_id))
    }
}

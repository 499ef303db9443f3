//! Lints about what nothing uses.

use super::endpoints::routes_for_subnets;
use super::{Lint, Mend, Network, Rule};
use crate::model::RulePeer;

/// A group that no interface has and no other group's rule names. A VPC's own group cannot be deleted, and is never named.
pub(super) fn security_groups(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let is_used = |group: &crate::model::SecurityGroup| {
        let on_interface = model.network_interfaces.values().any(|it| it.security_group_ids.contains(&group.id));
        let named = model.security_groups.values().filter(|other| other.id != group.id).any(|other| {
            other.ingress.iter().chain(&other.egress).any(|rule| rule.peer == RulePeer::SecurityGroup(group.id))
        });
        let is_default = model.vpcs.values().any(|vpc| vpc.default_security_group_id == group.id);
        on_interface || named || is_default
    };
    let unused = model.security_groups.values().filter(|group| !is_used(group));
    unused
        .map(|group| Lint {
            rule: Rule::UnusedSecurityGroup,
            subject: group.id.to_string(),
            detail: String::new(),
            places: network.places(&[&group.id], group.vpc_id),
            text: format!("no interface uses the security group {}", network.called(group.id)),
            mend: Mend::Aws(vec![format!("aws ec2 delete-security-group --group-id {}", group.id)]),
        })
        .collect()
}

/// A table that routes for no subnet and no gateway, though it is not its VPC's main one.
pub(super) fn route_tables(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let unused = model.route_tables.values().filter(|table| table.main_association.is_none());
    let unused = unused.filter(|table| !routes_for_subnets(model, table.id) && table.gateway_associations.is_empty());
    unused
        .map(|table| {
            let name = network.names.name_of(&table.id.to_string()).unwrap_or("NAME").to_owned();
            Lint {
                rule: Rule::UnusedRouteTable,
                subject: table.id.to_string(),
                detail: String::new(),
                places: network.places(&[&table.id], table.vpc_id),
                text: format!("no subnet uses the route table {}", network.called(table.id)),
                mend: Mend::Scenario(format!("[subnet] ... table = \"{name}\", or leave the table out")),
            }
        })
        .collect()
}

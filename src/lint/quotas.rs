//! Lints about quotas: what is used up, or nearly.

use super::{Lint, Mend, Network, Rule};
use crate::model::{RouteDestination, RulePeer};

/// Nine tenths.
const NEARLY: (u64, u64) = (9, 10);

/// Tables, groups and accounts that have little room left. What exceeds a quota is refused when it is made.
pub(super) fn nearly_used(network: &Network<'_>) -> Vec<Lint> {
    let (model, quotas) = (network.model, &network.model.quotas);
    let mut found = Vec::new();
    let mut look = |subject: String, places: Vec<String>, what: &str, used: u64, limit: u64, split: &str| {
        if used * NEARLY.1 >= limit * NEARLY.0 {
            let called = network.called(&subject);
            found.push(Lint {
                rule: Rule::QuotaNearlyUsed,
                subject,
                detail: what.to_owned(),
                places,
                text: format!("{called} uses {used} of {limit} {what}"),
                mend: Mend::Advice(format!("{split}, or have the quota raised (Service Quotas)")),
            });
        }
    };
    for table in model.route_tables.values() {
        // What comes with the table does not count.
        let counted = table.routes.iter().filter(|route| route.origin != crate::model::RouteOrigin::CreateRouteTable);
        let used = counted.map(|route| match route.destination {
            RouteDestination::PrefixList(id) => model.prefix_list(id).map_or(1, |list| u64::from(list.weight)),
            RouteDestination::Cidr(_) => 1,
        });
        let places = network.places(&[&table.id], table.vpc_id);
        let limit = u64::from(quotas.routes_per_table);
        look(table.id.to_string(), places, "routes", used.sum(), limit, "summarise routes into shorter prefixes");
    }
    for group in model.security_groups.values() {
        for (rules, what) in [(&group.ingress, "inbound rules"), (&group.egress, "outbound rules")] {
            let used = rules.iter().map(|rule| match rule.peer {
                RulePeer::PrefixList(id) => model.prefix_list(id).map_or(1, |list| u64::from(list.weight)),
                _ => 1,
            });
            let places = network.places(&[&group.id], group.vpc_id);
            let limit = u64::from(quotas.rules_per_security_group_direction);
            look(group.id.to_string(), places, what, used.sum(), limit, "spread the rules over two groups");
        }
    }
    for acl in model.network_acls.values() {
        for (rules, what) in [(&acl.ingress, "inbound rules"), (&acl.egress, "outbound rules")] {
            let places = network.places(&[&acl.id], acl.vpc_id);
            let limit = quotas.rules_per_network_acl_direction as u64;
            look(acl.id.to_string(), places, what, rules.len() as u64, limit, "join rules into larger blocks");
        }
    }
    for (what, used, limit) in [
        ("gateway endpoints", model.vpc_endpoints.len(), quotas.gateway_endpoints_per_region),
        ("VPCs", model.vpcs.len(), quotas.vpcs_per_region),
        ("internet gateways", model.internet_gateways.len(), quotas.internet_gateways_per_region),
        ("Elastic IP addresses", model.elastic_addresses.len(), quotas.elastic_addresses_per_region),
    ] {
        look(model.region.clone(), Vec::new(), what, used as u64, limit as u64, "release what is not needed");
    }
    found
}

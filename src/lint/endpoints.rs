//! Lints about gateway endpoints and the prefix lists they route by.

use super::{Lint, Mend, Network, Rule};
use crate::ids::{PrefixListId, RouteTableId};
use crate::model::{Model, Provenance, RouteDestination, RulePeer};
use crate::scenario::Names;
use std::collections::BTreeSet;

/// An endpoint that no table routes to: the tutorial's trap.
pub fn without_route_table(model: &Model, names: &Names) -> Vec<Lint> {
    let endpoints =
        model.vpc_endpoints.values().filter(|endpoint| endpoint.is_gateway() && endpoint.route_table_ids().is_empty());
    let lint = |endpoint: &crate::model::VpcEndpoint| {
        // A table that has another endpoint's route for the same list would refuse a second one.
        let tables: Vec<RouteTableId> = (model.route_tables.values())
            .filter(|table| table.vpc_id == endpoint.vpc_id && routes_for_subnets(model, table.id))
            .filter(|table| !endpoint.prefix_list_id().is_some_and(|list| has_list(table, list)))
            .map(|table| table.id)
            .collect();
        let mend = match tables.as_slice() {
            [] => Mend::Aws(vec![format!("aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {}", endpoint.id)]),
            tables => add_tables(endpoint, tables),
        };
        Lint {
            rule: Rule::EndpointWithoutRouteTable,
            subject: endpoint.id.to_string(),
            detail: String::new(),
            places: vec![endpoint.id.to_string(), endpoint.vpc_id.to_string()],
            text: format!("no route table uses {}, so it carries nothing", names.describe(&endpoint.id.to_string())),
            mend,
        }
    };
    endpoints.map(lint).collect()
}

/// An endpoint with some tables, but not the one of a subnet that has instances.
pub(super) fn missing_tables(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found = Vec::new();
    for endpoint in model.vpc_endpoints.values().filter(|endpoint| !endpoint.route_table_ids().is_empty()) {
        for table in model.route_tables.values().filter(|table| table.vpc_id == endpoint.vpc_id) {
            if endpoint.prefix_list_id().is_some_and(|list| has_list(table, list)) {
                continue;
            }
            let subnets: Vec<String> = (model.subnets.values())
                .filter(|subnet| network.table_of(subnet).is_some_and(|own| own.id == table.id))
                .filter(|subnet| network.instances_in(subnet.id) > 0)
                .map(|subnet| network.called(subnet.id))
                .collect();
            if subnets.is_empty() {
                continue;
            }
            found.push(Lint {
                rule: Rule::EndpointMissesTable,
                subject: endpoint.id.to_string(),
                detail: table.id.to_string(),
                places: network.places(&[&endpoint.id, &table.id], endpoint.vpc_id),
                text: format!(
                    "{} has no route in {}, which routes for {}",
                    network.called(endpoint.id),
                    network.called(table.id),
                    subnets.join(", ")
                ),
                mend: add_tables(endpoint, &[table.id]),
            });
        }
    }
    found
}

/// A VPC with an endpoint whose names nobody can resolve.
pub(super) fn dns_support_off(network: &Network<'_>) -> Vec<Lint> {
    let has_endpoint = |vpc: &&crate::model::Vpc| network.model.vpc_endpoints.values().any(|it| it.vpc_id == vpc.id);
    let silent = network.model.vpcs.values().filter(|vpc| !vpc.enable_dns_support).filter(has_endpoint);
    silent
        .map(|vpc| Lint {
            rule: Rule::DnsSupportOff,
            subject: vpc.id.to_string(),
            detail: String::new(),
            places: vec![vpc.id.to_string()],
            text: format!("{} has an endpoint, but enableDnsSupport is off", network.called(vpc.id)),
            mend: Mend::Aws(vec![format!(
                "aws ec2 modify-vpc-attribute --vpc-id {} --enable-dns-support Value=true",
                vpc.id
            )]),
        })
        .collect()
}

/// AWS's lists whose ids vpcsim had to invent, where something refers to them.
pub(super) fn invented_ids(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut used: BTreeSet<(PrefixListId, String)> = BTreeSet::new();
    for table in model.route_tables.values() {
        used.extend(table.routes.iter().filter_map(|route| match route.destination {
            RouteDestination::PrefixList(list) => Some((list, table.id.to_string())),
            RouteDestination::Cidr(_) => None,
        }));
    }
    for group in model.security_groups.values() {
        used.extend(group.ingress.iter().chain(&group.egress).filter_map(|rule| match rule.peer {
            RulePeer::PrefixList(list) => Some((list, group.id.to_string())),
            _ => None,
        }));
    }
    used.extend(
        (model.vpc_endpoints.values())
            .filter_map(|endpoint| Some((endpoint.prefix_list_id()?, endpoint.id.to_string()))),
    );
    let lists: BTreeSet<PrefixListId> = used.iter().map(|(list, _)| *list).collect();
    let invented = lists.into_iter().filter_map(|id| model.prefix_list(id));
    invented
        .filter(|list| list.provenance == Provenance::InventedId)
        .map(|list| {
            let users: Vec<&String> = used.iter().filter(|(id, _)| *id == list.id).map(|(_, user)| user).collect();
            let blocks: Vec<String> = list.cidrs.iter().map(|cidr| format!("\"{cidr}\"")).collect();
            Lint {
                rule: Rule::InventedPrefixListId,
                subject: list.id.to_string(),
                detail: String::new(),
                places: users.iter().map(|user| (*user).clone()).collect(),
                text: format!("{} is an invented id for {}", list.id, list.name),
                mend: Mend::Scenario(format!(
                    "[prefix_list] \"{}\" = {{ id = \"pl-...\", cidrs = [{}] }}, with the id and the blocks that \
                     \"aws ec2 describe-managed-prefix-lists\" shows in your account",
                    list.name,
                    blocks.join(", ")
                )),
            }
        })
        .collect()
}

fn add_tables(endpoint: &crate::model::VpcEndpoint, tables: &[RouteTableId]) -> Mend {
    let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let (id, tables) = (endpoint.id, tables.join(" "));
    Mend::Aws(vec![format!("aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --add-route-table-ids {tables}")])
}

fn has_list(table: &crate::model::RouteTable, list: PrefixListId) -> bool {
    table.routes.iter().any(|route| route.destination == RouteDestination::PrefixList(list))
}

/// Whether a table routes for any subnet.
pub(super) fn routes_for_subnets(model: &Model, table: RouteTableId) -> bool {
    model.subnets.values().any(|subnet| model.effective_route_table(subnet).is_some_and(|own| own.id == table))
}

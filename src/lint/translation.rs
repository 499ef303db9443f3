//! Lints about NAT gateways, and about calls that go through somebody else's VPC.

use super::roads::{SOMEWHERE, tables_with_instances};
use super::{Lint, Mend, Network, Rule};
use crate::ids::{RouteTableId, VpcId};
use crate::model::{NatConnectivity, PrefixList, RouteDestination, RouteTable};
use crate::net::ServiceKind;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Services that have gateway endpoints.
const FREE: [(ServiceKind, &str); 2] = [(ServiceKind::DynamoDb, "dynamodb"), (ServiceKind::S3, "s3")];

/// A caller whose packets to DynamoDB or S3 pay a NAT gateway by the gigabyte, or try to use the endpoint of another VPC.
pub(super) fn services(network: &Network<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for (kind, name) in FREE {
        let Some(address) = network.public_address(kind) else { continue };
        let service = format!("com.amazonaws.{}.{name}", network.model.region);
        let Some(list) = network.model.prefix_list_named(&service) else { continue };
        let mut seen: BTreeSet<RouteTableId> = BTreeSet::new();
        for (instance, interface, subnet) in network.instances() {
            let Some(table) = network.table_of(subnet) else { continue };
            if !network.callers.call(network, instance, kind) || !seen.insert(table.id) {
                continue;
            }
            let Some(entry) = network.decides(table, address) else { continue };
            let vpc_id = interface.vpc_id;
            let (rule, text) = match entry.target.split_once('-').map(|(prefix, _)| prefix) {
                Some("nat") => (
                    Rule::NatCarriesService,
                    format!(
                        "{}: calls to {} go through {}",
                        network.called(table.id),
                        title(kind),
                        network.called(&entry.target)
                    ),
                ),
                Some("pcx" | "tgw") if serves_elsewhere(network, list, vpc_id) => (
                    Rule::EndpointOfAnotherVpc,
                    format!(
                        "{}: calls to {} go to another VPC by {}, whose gateway endpoint does not take them",
                        network.called(table.id),
                        title(kind),
                        network.called(&entry.target)
                    ),
                ),
                _ => continue,
            };
            found.push(Lint {
                rule,
                subject: table.id.to_string(),
                detail: name.to_owned(),
                places: network.places(&[&table.id], vpc_id),
                text,
                mend: Mend::Aws(vec![own_endpoint(network, table, list, vpc_id, &service)]),
            });
        }
    }
    found
}

fn title(kind: ServiceKind) -> &'static str {
    if kind == ServiceKind::S3 { "S3" } else { "DynamoDB" }
}

/// Whether another VPC has a gateway endpoint for the list's service.
fn serves_elsewhere(network: &Network<'_>, list: &PrefixList, vpc_id: VpcId) -> bool {
    let endpoints = network.model.vpc_endpoints.values();
    endpoints.into_iter().any(|endpoint| endpoint.vpc_id != vpc_id && endpoint.prefix_list_id() == Some(list.id))
}

/// The command that gives a VPC, or one more table of it, an endpoint of its own.
fn own_endpoint(network: &Network<'_>, table: &RouteTable, list: &PrefixList, vpc_id: VpcId, service: &str) -> String {
    let mut endpoints = network.model.vpc_endpoints.values();
    let own = endpoints.find(|endpoint| endpoint.vpc_id == vpc_id && endpoint.prefix_list_id() == Some(list.id));
    match own {
        Some(endpoint) => {
            format!("aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {}", endpoint.id, table.id)
        }
        // For every table that routes for instances: otherwise the next remark would be that it misses some.
        None => format!(
            "aws ec2 create-vpc-endpoint --vpc-id {vpc_id} --service-name {service} --route-table-ids {}",
            tables_with_instances(network, vpc_id).join(" ")
        ),
    }
}

/// A public NAT gateway whose own subnet does not lead to an internet gateway: the tutorials' classic.
pub(super) fn nat_without_internet(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found = Vec::new();
    for nat in model.nat_gateways.values() {
        let is_used = nat.interface_id.is_some() && nat.connectivity == NatConnectivity::Public;
        let Some(subnet) = model.subnets.get(&nat.subnet_id).filter(|_| is_used) else { continue };
        let Some(table) = network.table_of(subnet) else { continue };
        let entry = network.decides(table, SOMEWHERE);
        if entry.is_some_and(|entry| entry.target.starts_with("igw-")) {
            continue;
        }
        let gateway = model.internet_gateways.values().find(|gateway| gateway.attached_vpc_id == Some(nat.vpc_id));
        let serves_instances =
            network.instances().any(|(_, _, own)| network.table_of(own).is_some_and(|own| own.id == table.id));
        let has_default = has_route(table, Ipv4Addr::UNSPECIFIED);
        let mend = match gateway {
            // Whoever shares the table would leave by the internet gateway too.
            Some(gateway) if !serves_instances && !has_default => Mend::Aws(vec![format!(
                "aws ec2 create-route --route-table-id {} --destination-cidr-block 0.0.0.0/0 --gateway-id {}",
                table.id, gateway.id
            )]),
            _ => Mend::Advice(
                "put the NAT gateway into a public subnet: one whose route table leads 0.0.0.0/0 to an internet gateway"
                    .to_owned(),
            ),
        };
        let leads = entry.map_or_else(|| "nowhere".to_owned(), |entry| format!("to {}", network.called(&entry.target)));
        found.push(Lint {
            rule: Rule::NatWithoutInternet,
            subject: nat.id.to_string(),
            detail: String::new(),
            places: network.places(&[&nat.id, &subnet.id, &table.id], nat.vpc_id),
            text: format!(
                "{} is in {}, whose {} leads to the internet {leads}",
                network.called(nat.id),
                network.called(subnet.id),
                network.called(table.id)
            ),
            mend,
        });
    }
    found
}

/// Whether the table has a route to `network`/0.
fn has_route(table: &RouteTable, network: Ipv4Addr) -> bool {
    table.routes.iter().any(|route| match route.destination {
        RouteDestination::Cidr(cidr) => cidr.prefix_len() == 0 && cidr.network() == network,
        RouteDestination::PrefixList(_) => false,
    })
}

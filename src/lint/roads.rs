//! Lints about instances that cannot get out.

use super::{Lint, Mend, Network, Rule};
use crate::ids::VpcId;
use crate::model::{Instance, RouteTarget};
use crate::net::ServiceKind;
use crate::program::NextHopKind;
use crate::scenario::{Kind, Names, Scenario, StepAction};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// An address of the internet that no AWS service and no scenario has to own: what a default route is asked for.
pub(super) const SOMEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Which instances call DynamoDB, and which S3, so that only they are held to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callers {
    dynamodb: Who,
    /// By the scenario's names.
    s3: BTreeSet<String>,
}

/// Who calls DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    /// All: nothing is known of what they do.
    All,
    /// These, by the scenario's names.
    Named(BTreeSet<String>),
    /// Those in VPCs that have an endpoint for it.
    WhereEndpointsAre,
}

impl Callers {
    /// Everybody calls DynamoDB, nobody S3.
    pub fn everybody() -> Callers {
        Callers { dynamodb: Who::All, s3: BTreeSet::new() }
    }

    /// As the timeline tells: the hosts of its `aws dynamodb` and `aws s3` lines, save lines with an endpoint of their own (`--endpoint-url`). A timeline without a
    /// line to DynamoDB leaves those whose VPC has an endpoint; no traffic at all, everybody.
    pub fn of(scenario: &Scenario) -> Callers {
        let lines = |services: &'static [&'static str]| {
            scenario.steps.iter().filter_map(move |step| match &step.action {
                StepAction::Aws { line, .. } => {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    words.iter().any(|word| services.contains(word)).then_some((step, words))
                }
                _ => None,
            })
        };
        let callers = |services| -> BTreeSet<String> {
            let elsewhere = |words: &[&str]| words.iter().any(|word| word.starts_with("--endpoint-url"));
            let public = lines(services).filter(|(_, words)| !elsewhere(words));
            public.flat_map(|(step, _)| step.on.clone()).collect()
        };
        const DYNAMODB: &[&str] = &["dynamodb"];
        let named = callers(DYNAMODB);
        let dynamodb = match (lines(DYNAMODB).next(), scenario.steps.iter().any(|step| !step.on.is_empty())) {
            (Some(_), _) => Who::Named(named),
            (None, true) => Who::WhereEndpointsAre,
            (None, false) => Who::All,
        };
        Callers { dynamodb, s3: callers(&["s3", "s3api"]) }
    }

    /// Whether `instance` calls DynamoDB.
    pub(super) fn include(&self, network: &Network<'_>, instance: &Instance) -> bool {
        match &self.dynamodb {
            Who::All => true,
            Who::Named(callers) => is_named(network, callers, instance),
            Who::WhereEndpointsAre => {
                let interface = instance.primary_interface_id.and_then(|id| network.model.network_interfaces.get(&id));
                interface.is_some_and(|interface| {
                    network.model.vpc_endpoints.values().any(|endpoint| endpoint.vpc_id == interface.vpc_id)
                })
            }
        }
    }

    /// Whether `instance` calls a service that has a gateway endpoint.
    pub(super) fn call(&self, network: &Network<'_>, instance: &Instance, service: ServiceKind) -> bool {
        match service {
            ServiceKind::DynamoDb => self.include(network, instance),
            ServiceKind::S3 => is_named(network, &self.s3, instance),
            _ => false,
        }
    }
}

fn is_named(network: &Network<'_>, names: &BTreeSet<String>, instance: &Instance) -> bool {
    let id = instance.id.to_string();
    names.iter().any(|name| network.names.lookup(Kind::Instance, name) == Some(id.as_str()))
}

/// A caller whose table has no route to DynamoDB.
pub(super) fn to_dynamodb(network: &Network<'_>) -> Vec<Lint> {
    let Some(service) = network.dynamodb() else { return Vec::new() };
    let mut found = Vec::new();
    for (instance, interface, subnet) in network.instances() {
        let Some(table) = network.table_of(subnet) else { continue };
        if !network.callers.include(network, instance) || network.decides(table, service.address).is_some() {
            continue;
        }
        let dynamodb = format!("com.amazonaws.{}.dynamodb", network.model.region);
        let endpoint = network
            .model
            .vpc_endpoints
            .values()
            .find(|endpoint| endpoint.vpc_id == interface.vpc_id && endpoint.service_name == dynamodb);
        let mend = match endpoint {
            Some(endpoint) => format!(
                "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {}",
                endpoint.id, table.id
            ),
            // For every table that routes for instances: otherwise the next remark would be that it misses some.
            None => format!(
                "aws ec2 create-vpc-endpoint --vpc-id {} --service-name {dynamodb} --route-table-ids {}",
                interface.vpc_id,
                tables_with_instances(network, interface.vpc_id).join(" ")
            ),
        };
        found.push(Lint {
            rule: Rule::NoRoadToDynamoDb,
            subject: instance.id.to_string(),
            detail: String::new(),
            places: network.places(&[&instance.id, &subnet.id], interface.vpc_id),
            text: format!(
                "{} has no road to DynamoDB: {} has no route to {}",
                network.instance_name(instance),
                network.called(table.id),
                service.address
            ),
            mend: Mend::Aws(vec![mend]),
        });
    }
    found
}

/// Tables of a VPC that route for subnets with instances.
pub(super) fn tables_with_instances(network: &Network<'_>, vpc_id: VpcId) -> Vec<String> {
    let own = network.instances().filter(|(_, interface, _)| interface.vpc_id == vpc_id);
    let tables: BTreeSet<_> = own.filter_map(|(_, _, subnet)| Some(network.table_of(subnet)?.id)).collect();
    tables.iter().map(ToString::to_string).collect()
}

/// An instance whose way out is an internet gateway that will drop what it sends.
pub(super) fn public_addresses(network: &Network<'_>) -> Vec<Lint> {
    let model = network.model;
    let mut found = Vec::new();
    for (instance, interface, subnet) in network.instances() {
        let Some(table) = network.table_of(subnet) else { continue };
        let Some(entry) = network.decides(table, SOMEWHERE) else { continue };
        let is_gateway = |route: &crate::model::Route| {
            matches!(route.target, RouteTarget::InternetGateway(_)) && route.target.to_string() == entry.target
        };
        let by_gateway = entry.kind != NextHopKind::Blackhole && table.routes.iter().any(is_gateway);
        if !by_gateway || interface.public_address.is_some() {
            continue;
        }
        let name = network.instance_name(instance);
        let free = model.elastic_addresses.values().find(|address| address.association.is_none());
        let mend = match free {
            Some(address) => Mend::Aws(vec![format!(
                "aws ec2 associate-address --allocation-id {} --instance-id {}",
                address.allocation_id, instance.id
            )]),
            None => Mend::Scenario(format!("[instance] {name} = {{ ..., public_ip = true }}")),
        };
        found.push(Lint {
            rule: Rule::NoPublicAddress,
            subject: instance.id.to_string(),
            detail: String::new(),
            places: network.places(&[&instance.id, &subnet.id], interface.vpc_id),
            text: format!("{name} leaves by {}, but has no public address", named(network.names, &entry.target)),
            mend,
        });
    }
    found
}

fn named(names: &Names, id: &str) -> String {
    names.describe(id)
}

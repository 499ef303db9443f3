//! The AWS services that VPC endpoints can lead to, those that are simulated or refused by name. AWS lists hundreds.
//!
//! Purpose: one table for what endpoints may be made, what `describe-vpc-endpoint-services` lists, and which names mean what.
//! Non-goals: endpoint services of one's own (`vpce-svc-`), FIPS and streams variants.
//! Assumed: a service is offered in every zone of its Region, unless the scenario says otherwise ([`Model::service_zones`]).
//! Source: docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html, gateway-endpoints.html

use super::Model;
use super::dns_names::dns_suffix;
use crate::net::ServiceKind;

/// The kinds of VPC endpoints AWS has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VpcEndpointType {
    /// Routes to a service's public addresses, by prefix list.
    #[default]
    Gateway,
    /// Network interfaces of PrivateLink.
    Interface,
    /// Any of the others: `GatewayLoadBalancer`, `Resource`, `ServiceNetwork`. Not simulated.
    Other,
}

/// One service as one kind of endpoint reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointService {
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub name: String,
    /// What answers behind it.
    pub kind: ServiceKind,
    /// Gateway or interface.
    pub endpoint_type: VpcEndpointType,
    /// `dynamodb.us-east-1.amazonaws.com`, or with `.vpce.` for interface endpoints.
    pub base_dns_name: String,
    /// The public names that an interface endpoint can take over inside a VPC, `*.` standing for one label. None for DynamoDB.
    pub private_dns_names: Vec<String>,
}

/// Service, its last label, kind of endpoint, and whether an interface endpoint can answer to the public name.
const SERVICES: [(ServiceKind, &str, VpcEndpointType, bool); 6] = [
    (ServiceKind::DynamoDb, "dynamodb", VpcEndpointType::Gateway, false),
    (ServiceKind::DynamoDb, "dynamodb", VpcEndpointType::Interface, false),
    (ServiceKind::Ec2, "ec2", VpcEndpointType::Interface, true),
    (ServiceKind::S3, "s3", VpcEndpointType::Gateway, false),
    (ServiceKind::S3, "s3", VpcEndpointType::Interface, true),
    (ServiceKind::Sts, "sts", VpcEndpointType::Interface, true),
];

/// The services of the model's Region, sorted by name.
pub fn endpoint_services(model: &Model) -> Vec<EndpointService> {
    endpoint_services_in(model, &model.region)
}

/// The services of a Region, sorted by name. A gateway needs a prefix list: Regions without one have no gateway.
pub fn endpoint_services_in(model: &Model, region: &str) -> Vec<EndpointService> {
    let service = |&(kind, service, endpoint_type, private_dns): &(ServiceKind, &str, VpcEndpointType, bool)| {
        let suffix = dns_suffix(region);
        // China's names are the public suffix reversed; the prefix list's name, which gateways go by, has no `cn.` anywhere.
        let prefix = match endpoint_type {
            VpcEndpointType::Interface if suffix.ends_with(".cn") => "cn.com.amazonaws",
            _ => "com.amazonaws",
        };
        let public = format!("{service}.{region}.{suffix}");
        let base_dns_name = match endpoint_type {
            VpcEndpointType::Gateway => public.clone(),
            _ => format!("{service}.{region}.vpce.{suffix}"),
        };
        let mut private_dns_names = Vec::new();
        if private_dns {
            // S3's names have buckets before them.
            private_dns_names.extend((kind == ServiceKind::S3).then(|| format!("*.{public}")));
            private_dns_names.push(public);
        }
        let name = format!("{prefix}.{region}.{service}");
        EndpointService { name, kind, endpoint_type, base_dns_name, private_dns_names }
    };
    let offered = |service: &EndpointService| {
        let listed = || model.prefix_lists.values().any(|list| list.region == region && list.name == service.name);
        service.endpoint_type != VpcEndpointType::Gateway || listed()
    };
    SERVICES.iter().map(service).filter(offered).collect()
}

impl EndpointService {
    /// `dynamodb`: the name's last label.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

impl Model {
    /// Whether interface endpoints of a service can have an interface in `zone`.
    pub fn is_offered_in(&self, service: &EndpointService, zone: &str) -> bool {
        self.service_zones.get(service.short_name()).is_none_or(|zones| zones.contains(zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn gateways_are_offered_where_the_region_has_a_list() {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        let gateways = |model: &Model| -> Vec<String> {
            let gateway = |service: &EndpointService| service.endpoint_type == VpcEndpointType::Gateway;
            endpoint_services(model).into_iter().filter(gateway).map(|service| service.name).collect()
        };
        assert_eq!(gateways(&model), ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]);
        model.prefix_lists.retain(|_, list| list.name != "com.amazonaws.us-east-1.s3");
        assert_eq!(gateways(&model), ["com.amazonaws.us-east-1.dynamodb"]);
        assert_eq!(endpoint_services(&model)[0].base_dns_name, "dynamodb.us-east-1.amazonaws.com");
    }

    #[test]
    fn names_of_interface_services() {
        let model = Model::new("us-east-1", "111122223333", Seed::new(1));
        let described: Vec<_> = endpoint_services(&model)
            .into_iter()
            .filter(|service| service.endpoint_type == VpcEndpointType::Interface)
            .map(|service| (service.short_name().to_owned(), service.base_dns_name, service.private_dns_names.len()))
            .collect();
        let row = |name: &str, count| (name.to_owned(), format!("{name}.us-east-1.vpce.amazonaws.com"), count);
        assert_eq!(described, [row("dynamodb", 0), row("ec2", 1), row("s3", 2), row("sts", 1)]);
        let in_china = endpoint_services_in(&model, "cn-north-1");
        assert_eq!(
            in_china.iter().find(|it| it.short_name() == "ec2").unwrap().name,
            "cn.com.amazonaws.cn-north-1.ec2"
        );
    }
}

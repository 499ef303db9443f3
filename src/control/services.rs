//! The AWS services that VPC endpoints can lead to, those that are simulated or refused by name. AWS lists hundreds.
//!
//! Source: docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html, gateway-endpoints.html

use super::VpcEndpointType;
use crate::model::Model;
use crate::model::dns_names::dns_suffix;

/// One service as one kind of endpoint reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointService {
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub name: String,
    /// Gateway or interface.
    pub endpoint_type: VpcEndpointType,
    /// `dynamodb.us-east-1.amazonaws.com`, or with `.vpce.` for interface endpoints.
    pub base_dns_name: String,
    /// The public name that an interface endpoint can take over inside a VPC.
    pub private_dns_name: Option<String>,
}

/// Service, kind, and whether an interface endpoint can answer to the public name.
const SERVICES: [(&str, VpcEndpointType, bool); 5] = [
    ("dynamodb", VpcEndpointType::Gateway, false),
    ("dynamodb", VpcEndpointType::Interface, false),
    ("ec2", VpcEndpointType::Interface, true),
    ("s3", VpcEndpointType::Gateway, false),
    ("s3", VpcEndpointType::Interface, true),
];

/// The services of the model's Region, sorted by name. A gateway needs a prefix list: Regions without one have no gateway.
pub fn endpoint_services(model: &Model) -> Vec<EndpointService> {
    let (region, suffix) = (&model.region, dns_suffix(&model.region));
    // China's names are the public suffix reversed.
    let prefix = if suffix.ends_with(".cn") { "cn.com.amazonaws" } else { "com.amazonaws" };
    let service = |&(service, endpoint_type, private_dns): &(&str, VpcEndpointType, bool)| {
        let name = match endpoint_type {
            // The prefix list's name, which gateways go by, has no `cn.` anywhere.
            VpcEndpointType::Gateway => format!("com.amazonaws.{region}.{service}"),
            _ => format!("{prefix}.{region}.{service}"),
        };
        let public = format!("{service}.{region}.{suffix}");
        let base_dns_name = match endpoint_type {
            VpcEndpointType::Gateway => public.clone(),
            _ => format!("{service}.{region}.vpce.{suffix}"),
        };
        EndpointService { name, endpoint_type, base_dns_name, private_dns_name: private_dns.then_some(public) }
    };
    let offered = |service: &EndpointService| {
        service.endpoint_type != VpcEndpointType::Gateway || model.prefix_list_named(&service.name).is_some()
    };
    SERVICES.iter().map(service).filter(offered).collect()
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
}

//! What is behind a network interface: an instance, or the service of an interface endpoint.
//!
//! An endpoint's interface is an interface like any other (address, groups, subnet); only its end system is AWS's, and its tracking table forgets sooner.

use crate::model::{Model, NetworkInterface, VpcEndpoint};
use crate::net::LinkParameters;
use crate::program::{EniRole, HostKind, Named};
use crate::time::SimDuration;

/// What is behind a network interface.
pub(super) struct Behind {
    pub(super) host: HostKind,
    /// What the end system is called, if not as the interface's instance.
    pub(super) host_name: Option<Named>,
    pub(super) link: LinkParameters,
    pub(super) role: EniRole,
    pub(super) tcp_established_timeout: Option<SimDuration>,
}

impl Behind {
    pub(super) fn of(model: &Model, eni: &NetworkInterface) -> Behind {
        let Some(endpoint) = model.endpoint_of_interface(eni.id) else {
            return Behind {
                host: HostKind::Instance(eni.id),
                host_name: None,
                link: model.links.nic,
                role: EniRole::Guest,
                tcp_established_timeout: None,
            };
        };
        let service = endpoint.service_name.rsplit('.').next().unwrap_or_default();
        let zone = model.subnets.get(&eni.subnet_id).map_or("", |subnet| &subnet.availability_zone);
        let id = format!("{service}.{}", model.region_of(endpoint.vpc_id));
        Behind {
            host: HostKind::InterfaceEndpointService(eni.id),
            host_name: Some(Named { id, name: Some(format!("{service} via {} in {zone}", endpoint.id)) }),
            link: model.links.aws_service,
            role: EniRole::Endpoint,
            tcp_established_timeout: Some(model.forwarding.interface_endpoint_idle_timeout),
        }
    }
}

/// What an endpoint's interface is called: `ddb-us-east-1a`.
pub(super) fn interface_name(model: &Model, endpoint: &VpcEndpoint, eni: &NetworkInterface) -> String {
    let zone = model.subnets.get(&eni.subnet_id).map_or("", |subnet| &subnet.availability_zone);
    format!("{}-{zone}", endpoint.tags.name().map_or_else(|| endpoint.id.to_string(), str::to_owned))
}

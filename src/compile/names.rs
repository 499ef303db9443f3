//! Names of addresses, for name resolution in captures and reports.

use super::interface_endpoint::interface_name;
use super::{Compiler, Draft};
use crate::model::{Model, NatGateway, Subnet, Vpc};
use std::net::Ipv4Addr;

impl Compiler {
    /// Collects every address that has a name. VPCs may overlap: then an address has several.
    pub(super) fn name_addresses(&self, model: &Model, draft: &mut Draft) {
        let names = &mut draft.address_names;
        for eni in model.network_interfaces.values() {
            let instance = model.instance_of(eni);
            let instance_name = || instance.map(|i| i.tags.name().map_or_else(|| i.id.to_string(), str::to_owned));
            let gateway_name = || model.nat_gateway_of(eni.id).map(nat_gateway_name);
            let endpoint_name = || Some(interface_name(model, model.endpoint_of_interface(eni.id)?, eni));
            let name = instance_name().or_else(gateway_name).or_else(endpoint_name);
            let name = name.unwrap_or_else(|| eni.id.to_string());
            if let Some(public) = eni.public_address {
                names.push((public.address, format!("{name}-public")));
            }
            names.push((eni.private_ip, name));
        }
        for gateway in model.nat_gateways.values().filter(|gateway| gateway.interface_id.is_some()) {
            // The primary address is the interface's, above.
            for (number, address) in (2u8..).zip(gateway.addresses.iter().skip(1)) {
                let name = format!("{}-{number}", nat_gateway_name(gateway));
                if let Some(elastic) = address.elastic {
                    names.push((elastic.public_ip, format!("{name}-public")));
                }
                names.push((address.private_ip, name));
            }
        }
        for vpc in model.vpcs.values() {
            names.push((vpc.resolver_address(), format!("{}-resolver", vpc_name(vpc))));
        }
        for subnet in model.subnets.values() {
            names.push((subnet.router_address(), format!("{}-router", subnet_name(subnet))));
        }
        names.push((Ipv4Addr::new(169, 254, 169, 253), "resolver".to_owned()));
        for service in &model.public_services {
            // The plain name; names with a leading `*` stand for many.
            if let Some(name) = service.dns_names.iter().find(|name| !name.starts_with('*')) {
                names.push((service.address, name.clone()));
            }
        }
        for outside in model.outside_hosts.values() {
            names.push((outside.address, outside.name.clone()));
        }
        for network in model.on_premises.values() {
            names.push((network.router_address(), format!("{}-router", network.name)));
            names.extend(network.internet_address.map(|address| (address, format!("{}-public", network.name))));
            names.extend(network.hosts.iter().map(|(name, address)| (*address, name.clone())));
        }
    }
}

fn nat_gateway_name(gateway: &NatGateway) -> String {
    gateway.tags.name().map_or_else(|| gateway.id.to_string(), str::to_owned)
}

fn vpc_name(vpc: &Vpc) -> String {
    vpc.tags.name().map_or_else(|| vpc.id.to_string(), str::to_owned)
}

fn subnet_name(subnet: &Subnet) -> String {
    subnet.tags.name().map_or_else(|| subnet.id.to_string(), str::to_owned)
}

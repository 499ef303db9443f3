//! Parameters of endpoint calls that only some kinds of endpoints have.
//!
//! Accepted without effect: nothing. What is not simulated is refused by name: IPv6, `PrivateDnsPreference` and specified domains.

use super::actions::unsupported_ipv6;
use super::parameters::Parameters;
use crate::api::ApiError;
use crate::control::ModifyVpcEndpoint;
use crate::ids::SubnetId;
use crate::model::InterfaceEndpointChange;
use std::net::Ipv4Addr;

pub(super) fn modify(parameters: &Parameters<'_>) -> Result<ModifyVpcEndpoint, ApiError> {
    check_address_type(parameters)?;
    Ok(ModifyVpcEndpoint {
        vpc_endpoint_id: parameters.required_id("VpcEndpointId")?,
        add_route_table_ids: parameters.ids("AddRouteTableIds")?,
        remove_route_table_ids: parameters.ids("RemoveRouteTableIds")?,
        policy_document: parameters.text("PolicyDocument")?,
        reset_policy: parameters.boolean("ResetPolicy")?.unwrap_or(false),
        interface: InterfaceEndpointChange {
            add_subnets: subnets(parameters, "AddSubnetIds")?,
            remove_subnet_ids: parameters.ids("RemoveSubnetIds")?,
            add_security_group_ids: parameters.ids("AddSecurityGroupIds")?,
            remove_security_group_ids: parameters.ids("RemoveSecurityGroupIds")?,
            private_dns_enabled: parameters.boolean("PrivateDnsEnabled")?,
            private_dns_only_for_inbound_resolver: dns_options(parameters)?,
        },
    })
}

/// The subnets listed at `parameter`, with the addresses that `SubnetConfigurations` want in them. A subnet that is only configured counts as listed.
pub(super) fn subnets(
    parameters: &Parameters<'_>,
    parameter: &str,
) -> Result<Vec<(SubnetId, Option<Ipv4Addr>)>, ApiError> {
    let mut subnets: Vec<(SubnetId, Option<Ipv4Addr>)> =
        parameters.ids(parameter)?.into_iter().map(|subnet| (subnet, None)).collect();
    for configured in parameters.structures("SubnetConfigurations")? {
        if configured.has("Ipv6") {
            return Err(unsupported_ipv6());
        }
        let (subnet, address) = (configured.required_id("SubnetId")?, configured.address("Ipv4")?);
        configured.finish()?;
        match subnets.iter_mut().find(|(listed, _)| *listed == subnet) {
            Some((_, wanted)) => *wanted = address,
            None => subnets.push((subnet, address)),
        }
    }
    Ok(subnets)
}

/// `DnsOptions`: of it, whether only inbound resolver endpoints see private names. The record type can only be IPv4's.
pub(super) fn dns_options(parameters: &Parameters<'_>) -> Result<Option<bool>, ApiError> {
    let Some(options) = parameters.structure("DnsOptions")? else { return Ok(None) };
    if options.text("DnsRecordIpType")?.is_some_and(|kind| kind != "ipv4" && kind != "service-defined") {
        return Err(unsupported_ipv6());
    }
    let only = options.boolean("PrivateDnsOnlyForInboundResolverEndpoint")?;
    options.finish()?;
    Ok(only)
}

pub(super) fn check_address_type(parameters: &Parameters<'_>) -> Result<(), ApiError> {
    match parameters.text("IpAddressType")? {
        Some(kind) if kind != "ipv4" => {
            Err(ApiError::new("UnsupportedOperation", "vpcsim does not simulate IPv6: IpAddressType is ipv4."))
        }
        _ => Ok(()),
    }
}

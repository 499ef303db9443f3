//! Parameters of the calls about DHCP option sets and about interfaces by themselves.

use super::actions::tags_at_creation;
use super::parameters::Parameters;
use crate::api::ApiError;
use crate::control::*;
use crate::model::DomainNameServers;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What AWS calls its own resolver.
const AMAZON_PROVIDED: &str = "AmazonProvidedDNS";
/// Options that AWS takes and that change nothing here.
const WITHOUT_EFFECT: [&str; 3] = ["ntp-servers", "netbios-name-servers", "netbios-node-type"];

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    Ok(Some(match parameters.operation() {
        "CreateDhcpOptions" => Action::CreateDhcpOptions(create(parameters)?),
        "AssociateDhcpOptions" => Action::AssociateDhcpOptions(AssociateDhcpOptions {
            dhcp_options_id: match parameters.required_text("DhcpOptionsId")?.as_str() {
                "default" => None,
                _ => Some(parameters.required_id("DhcpOptionsId")?),
            },
            vpc_id: parameters.required_id("VpcId")?,
        }),
        "DeleteDhcpOptions" => {
            Action::DeleteDhcpOptions(DeleteDhcpOptions { dhcp_options_id: parameters.required_id("DhcpOptionsId")? })
        }
        "DeleteNetworkInterface" => Action::DeleteNetworkInterface(DeleteNetworkInterface {
            network_interface_id: parameters.required_id("NetworkInterfaceId")?,
        }),
        _ => return Ok(None),
    }))
}

fn create(parameters: &Parameters<'_>) -> Result<CreateDhcpOptions, ApiError> {
    let refuse = |message: String| Err(ApiError::new("InvalidParameterValue", message));
    let configurations = parameters.structures("DhcpConfigurations")?;
    if configurations.is_empty() {
        return Err(parameters.missing("dhcpConfiguration"));
    }
    let mut action = CreateDhcpOptions {
        domain_name_servers: DomainNameServers::Own(Vec::new()),
        domain_name: None,
        others: BTreeMap::new(),
        tags: tags_at_creation(parameters, "dhcp-options")?,
    };
    let mut resolvers = Vec::new();
    for configuration in configurations {
        let (key, values) = (configuration.required_text("Key")?, configuration.texts("Values")?);
        configuration.finish()?;
        match key.as_str() {
            "domain-name-servers" => {
                resolvers.extend(values.iter().flat_map(|value| value.split(',')).map(|value| value.trim().to_owned()))
            }
            "domain-name" => action.domain_name = values.into_iter().next(),
            other if WITHOUT_EFFECT.contains(&other) => {
                action.others.insert(key, values);
            }
            other => return refuse(format!("Value ({other}) for parameter key is invalid. Unknown DHCP option.")),
        }
    }
    // A set that names no resolver tells instances of Amazon's: assumed.
    action.domain_name_servers = match resolvers.as_slice() {
        [] => DomainNameServers::AmazonProvided,
        [only] if only == AMAZON_PROVIDED => DomainNameServers::AmazonProvided,
        several => {
            let mut addresses: Vec<Ipv4Addr> = Vec::new();
            for text in several {
                match text.parse() {
                    Ok(address) => addresses.push(address),
                    Err(_) => {
                        return refuse(format!(
                            "Value ({text}) for parameter value is invalid. Invalid domain-name-servers."
                        ));
                    }
                }
            }
            DomainNameServers::Own(addresses)
        }
    };
    Ok(action)
}

//! Where the CLI departs from the model: options of its own for `run-instances` and for security-group rules.
//!
//! Source: AWS CLI command reference, `ec2 run-instances`, `ec2 authorize-security-group-ingress`.

use super::options::{Arity, OptionSpec, Role};
use super::usage::{UsageError, UsageErrorKind};
use crate::api::{Service, base64};
use serde_json::{Map, Value, json};

/// An option the model does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Custom {
    /// `--count 1` or `1:10`.
    Count,
    /// `--secondary-private-ip-addresses`.
    SecondaryAddresses,
    /// `--secondary-private-ip-address-count`.
    SecondaryAddressCount,
    /// `--associate-public-ip-address` and its opposite.
    PublicAddress(bool),
    /// `--protocol tcp`.
    Protocol,
    /// `--port 22`, `22-25`, `all`.
    Port,
    /// `--cidr 0.0.0.0/0`.
    Cidr,
    /// `--source-group sg-1` or a name.
    SourceGroup,
    /// `--group-owner 123456789012`.
    GroupOwner,
}

/// Adds, removes and renames options of an operation.
pub(super) fn apply(service: Service, operation: &str, options: &mut Vec<OptionSpec>) {
    if service != Service::Ec2 {
        return;
    }
    let own = |name: &str, arity, custom| OptionSpec::new(name, arity, Role::Custom(custom));
    match operation {
        "RunInstances" => {
            options.retain(|option| option.name != "--min-count" && option.name != "--max-count");
            for option in options.iter_mut().filter(|option| option.name == "--no-disable-api-termination") {
                option.name = "--enable-api-termination".to_owned();
            }
            options.extend([
                own("--count", Arity::One, Custom::Count),
                own("--secondary-private-ip-addresses", Arity::Many, Custom::SecondaryAddresses),
                own("--secondary-private-ip-address-count", Arity::One, Custom::SecondaryAddressCount),
                own("--associate-public-ip-address", Arity::None, Custom::PublicAddress(true)),
                own("--no-associate-public-ip-address", Arity::None, Custom::PublicAddress(false)),
            ]);
        }
        "CreateNetworkAclEntry" | "ReplaceNetworkAclEntry" | "DeleteNetworkAclEntry" => {
            for option in options.iter_mut().filter(|option| option.name == "--no-egress") {
                option.name = "--ingress".to_owned();
            }
        }
        "AuthorizeSecurityGroupIngress"
        | "AuthorizeSecurityGroupEgress"
        | "RevokeSecurityGroupIngress"
        | "RevokeSecurityGroupEgress" => options.extend([
            own("--protocol", Arity::One, Custom::Protocol),
            own("--port", Arity::One, Custom::Port),
            own("--cidr", Arity::One, Custom::Cidr),
            own("--source-group", Arity::One, Custom::SourceGroup),
            own("--group-owner", Arity::One, Custom::GroupOwner),
        ]),
        _ => {}
    }
}

impl Custom {
    /// Puts the option's values where the operation wants them.
    pub(super) fn set(self, parameters: &mut Map<String, Value>, values: &[String]) -> Result<(), UsageError> {
        let value = values.first().map(String::as_str).unwrap_or_default();
        match self {
            Custom::Count => {
                let (least, most) = value.split_once(':').unwrap_or((value, value));
                let (Ok(least), Ok(most)) = (least.parse::<i64>(), most.parse::<i64>()) else {
                    return Err(refused("count parameter should be of form min[:max] (e.g. 1 or 1:10)"));
                };
                parameters.insert("MinCount".to_owned(), least.into());
                parameters.insert("MaxCount".to_owned(), most.into());
            }
            Custom::SecondaryAddresses => {
                let address = |address: &String| json!({"PrivateIpAddress": address, "Primary": false});
                interface(parameters).insert("PrivateIpAddresses".to_owned(), values.iter().map(address).collect());
            }
            Custom::SecondaryAddressCount => {
                let message = format!("argument --secondary-private-ip-address-count: invalid int value: '{value}'");
                let count = value.parse::<i64>().map_err(|_| UsageError::syntax(message))?;
                interface(parameters).insert("SecondaryPrivateIpAddressCount".to_owned(), count.into());
            }
            Custom::PublicAddress(wanted) => {
                interface(parameters).insert("AssociatePublicIpAddress".to_owned(), wanted.into());
            }
            Custom::Protocol => {
                permission(parameters).insert("IpProtocol".to_owned(), protocol(value)?.into());
            }
            Custom::Port => {
                let (from, to) = ports(value)?;
                permission(parameters).insert("FromPort".to_owned(), from.into());
                permission(parameters).insert("ToPort".to_owned(), to.into());
            }
            Custom::Cidr => {
                permission(parameters).insert("IpRanges".to_owned(), json!([{"CidrIp": value}]));
            }
            Custom::SourceGroup => {
                let key = if value.starts_with("sg-") { "GroupId" } else { "GroupName" };
                group_pair(parameters).insert(key.to_owned(), value.into());
            }
            Custom::GroupOwner => {
                group_pair(parameters).insert("UserId".to_owned(), value.into());
            }
        }
        Ok(())
    }

    /// The complex option that excludes this one, and the CLI's sentence about it.
    pub(super) fn conflict(self, name: &str) -> Option<(&'static str, String)> {
        match self {
            Custom::Count | Custom::PublicAddress(false) => None,
            Custom::SecondaryAddresses | Custom::SecondaryAddressCount | Custom::PublicAddress(true) => Some((
                "--network-interfaces",
                "Mixing the --network-interfaces option with the simple, scalar options is not supported.".to_owned(),
            )),
            _ => Some((
                "--ip-permissions",
                format!("The {name} option is not compatible with the --ip-permissions option "),
            )),
        }
    }
}

/// What the CLI changes once all options are read.
pub(super) fn finish(service: Service, operation: &str, parameters: &mut Map<String, Value>) {
    if matches!(operation, "CreateNetworkAclEntry" | "ReplaceNetworkAclEntry") {
        number_the_protocol(parameters);
    }
    if service == Service::Ec2 && operation == "RunInstances" {
        parameters.entry("MaxCount").or_insert_with(|| 1.into());
        parameters.entry("MinCount").or_insert_with(|| 1.into());
        move_into_interface(parameters);
        if let Some(Value::String(data)) = parameters.get_mut("UserData") {
            *data = base64::encode(data.as_bytes());
        }
    }
}

/// Rules of network ACLs take protocols by name in the CLI, by number in the API.
fn number_the_protocol(parameters: &mut Map<String, Value>) {
    const NUMBERS: [(&str, &str); 4] = [("tcp", "6"), ("udp", "17"), ("icmp", "1"), ("all", "-1")];
    let Some(Value::String(protocol)) = parameters.get_mut("Protocol") else { return };
    if let Some((_, number)) = NUMBERS.iter().find(|(name, _)| name == protocol) {
        *protocol = (*number).to_owned();
    }
}

/// An instance with an explicit interface takes subnet, groups and addresses there, not beside it.
fn move_into_interface(parameters: &mut Map<String, Value>) {
    const SIMPLE: [&str; 3] = ["PrivateIpAddresses", "SecondaryPrivateIpAddressCount", "AssociatePublicIpAddress"];
    let first = parameters.get("NetworkInterfaces").and_then(|interfaces| interfaces.get(0));
    if !first.is_some_and(|interface| SIMPLE.iter().any(|key| interface.get(key).is_some())) {
        return;
    }
    const MOVES: [(&str, &str); 5] = [
        ("SubnetId", "SubnetId"),
        ("SecurityGroupIds", "Groups"),
        ("Ipv6AddressCount", "Ipv6AddressCount"),
        ("Ipv6Addresses", "Ipv6Addresses"),
        ("EnablePrimaryIpv6", "PrimaryIpv6"),
    ];
    for (from, to) in MOVES {
        if let Some(value) = parameters.shift_remove(from) {
            interface(parameters).insert(to.to_owned(), value);
        }
    }
    if let Some(address) = parameters.shift_remove("PrivateIpAddress") {
        let addresses = json!([{"PrivateIpAddress": address, "Primary": true}]);
        interface(parameters).insert("PrivateIpAddresses".to_owned(), addresses);
    }
}

fn interface(parameters: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first_of(parameters, "NetworkInterfaces", json!({"DeviceIndex": 0}))
}

fn permission(parameters: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first_of(parameters, "IpPermissions", json!({}))
}

fn group_pair(parameters: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first_of(permission(parameters), "UserIdGroupPairs", json!({}))
}

/// The first structure of a list that is made when it is not there (or is no list of structures).
fn first_of<'a>(parameters: &'a mut Map<String, Value>, key: &str, new: Value) -> &'a mut Map<String, Value> {
    let list = parameters.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    if !list.get(0).is_some_and(Value::is_object) {
        *list = Value::Array(vec![new]);
    }
    match list.get_mut(0) {
        Some(Value::Object(fields)) => fields,
        _ => unreachable!("the line above put a structure there"),
    }
}

fn protocol(value: &str) -> Result<&str, UsageError> {
    match value.parse::<i64>() {
        Ok(number) if (-1..=255).contains(&number) => Ok(value),
        Err(_) if matches!(value, "tcp" | "udp" | "icmp") => Ok(value),
        Err(_) if value == "all" => Ok("-1"),
        _ => Err(refused("protocol parameter should be one of: tcp|udp|icmp|all or any valid protocol number.")),
    }
}

fn ports(value: &str) -> Result<(i64, i64), UsageError> {
    let (from, to) = match value {
        "-1" | "all" => ("-1", "-1"),
        _ => value.split_once('-').unwrap_or((value, value)),
    };
    let message = "port parameter should be of the form <from[-to]> (e.g. 22 or 22-25)";
    from.parse().ok().zip(to.parse().ok()).ok_or_else(|| refused(message))
}

fn refused(message: &str) -> UsageError {
    UsageError::new(UsageErrorKind::Parameter, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_protocols() {
        assert_eq!(ports("22"), Ok((22, 22)));
        assert_eq!(ports("22-25"), Ok((22, 25)));
        assert_eq!(ports("all"), Ok((-1, -1)));
        assert_eq!(ports("-1"), Ok((-1, -1)));
        assert!(ports("ssh").unwrap_err().to_string().contains("<from[-to]>"));
        assert_eq!(protocol("all"), Ok("-1"));
        assert_eq!(protocol("47"), Ok("47"));
        assert!(protocol("256").is_err());
        assert!(protocol("sctp").is_err());
    }
}

//! Security-group rules as calls give them: one rule in plain parameters, or many in `IpPermissions`.

use super::parameters::{Parameters, parse_id};
use crate::api::ApiError;
use crate::control::{RequestedPeer, RuleRequest};
use crate::model::{RulePeer, TrafficMatch};
use crate::net::{Ipv4Net, PortRange, Protocol};

/// Characters of a rule's description that AWS takes.
pub(super) const DESCRIPTION_CHARACTERS: usize = 255;

/// The rules of a call, in order; empty if it names none.
///
/// # Errors
/// `InvalidParameterValue`, `InvalidParameterCombination`, `InvalidPermission.Malformed`, `MissingParameter`.
pub(super) fn rules(parameters: &Parameters<'_>) -> Result<Vec<RuleRequest>, ApiError> {
    let plain = ["IpProtocol", "FromPort", "ToPort", "CidrIp"].into_iter().find(|name| parameters.has(name));
    match plain {
        Some(name) if parameters.has("IpPermissions") => Err(ApiError::new(
            "InvalidParameterCombination",
            format!("The parameter {name} may not be used with IpPermissions"),
        )),
        Some(_) => Ok(vec![plain_rule(parameters)?]),
        None => {
            let permissions = parameters.structures("IpPermissions")?;
            let rules: Result<Vec<_>, _> = permissions.iter().map(permission).collect();
            Ok(rules?.into_iter().flatten().collect())
        }
    }
}

fn plain_rule(parameters: &Parameters<'_>) -> Result<RuleRequest, ApiError> {
    let traffic = traffic(parameters)?;
    let cidr = cidr(&parameters.required_text("CidrIp")?)?;
    Ok(RuleRequest { traffic, peer: RequestedPeer::Known(RulePeer::Cidr(cidr)), description: None })
}

fn permission(permission: &Parameters<'_>) -> Result<Vec<RuleRequest>, ApiError> {
    let traffic = traffic(permission)?;
    let mut rules = Vec::new();
    let mut add = |peer, description| rules.push(RuleRequest { traffic, peer, description });
    for range in permission.structures("IpRanges")? {
        let cidr = cidr(&range.required_text("CidrIp")?)?;
        add(RequestedPeer::Known(RulePeer::Cidr(cidr)), description(&range)?);
    }
    for list in permission.structures("PrefixListIds")? {
        let id = list.required_id("PrefixListId")?;
        add(RequestedPeer::Known(RulePeer::PrefixList(id)), description(&list)?);
    }
    for pair in permission.structures("UserIdGroupPairs")? {
        // The owner and VPC that a pair may repeat are those of the group.
        pair.without_effect(&["UserId", "VpcId"]);
        let peer = match (pair.text("GroupId")?, pair.text("GroupName")?) {
            (Some(id), _) => RequestedPeer::Known(RulePeer::SecurityGroup(parse_id(&id)?)),
            (None, Some(name)) => RequestedPeer::GroupNamed(name),
            (None, None) => return Err(pair.missing("GroupId")),
        };
        add(peer, description(&pair)?);
    }
    permission.finish()?;
    if rules.is_empty() {
        return Err(ApiError::new(
            "InvalidPermission.Malformed",
            "A permission needs a source or destination: IpRanges, PrefixListIds or UserIdGroupPairs.",
        ));
    }
    Ok(rules)
}

fn description(peer: &Parameters<'_>) -> Result<Option<String>, ApiError> {
    let text = peer.text("Description")?;
    peer.finish()?;
    match text {
        Some(text) if text.chars().count() > DESCRIPTION_CHARACTERS => Err(description_too_long()),
        text => Ok(text),
    }
}

pub(super) fn description_too_long() -> ApiError {
    ApiError::new(
        "InvalidParameterValue",
        format!("Invalid rule description. Valid descriptions have at most {DESCRIPTION_CHARACTERS} characters."),
    )
}

pub(super) fn cidr(text: &str) -> Result<Ipv4Net, ApiError> {
    text.parse().map_err(|_| ApiError::new("InvalidParameterValue", format!("CIDR block {text} is malformed")))
}

/// Protocol and ports. For ICMP, type and code stand in the place of ports, and -1 is any.
pub(super) fn traffic(parameters: &Parameters<'_>) -> Result<TrafficMatch, ApiError> {
    let protocol = parameters.required_text("IpProtocol")?;
    let ports = (parameters.integer("FromPort")?, parameters.integer("ToPort")?);
    match protocol.to_ascii_lowercase().as_str() {
        "-1" | "all" => Ok(TrafficMatch::All),
        "tcp" | "6" => ports_of(Protocol::TCP, "TCP/UDP", ports),
        "udp" | "17" => ports_of(Protocol::UDP, "TCP/UDP", ports),
        "icmp" | "1" => icmp(ports),
        "icmpv6" | "58" => Err(ApiError::new("UnsupportedOperation", "vpcsim does not simulate IPv6.")),
        other => match other.parse() {
            Ok(number) => Ok(TrafficMatch::Other(Protocol(number))),
            Err(_) => Err(ApiError::new(
                "InvalidParameterValue",
                format!("Invalid value '{protocol}' for IP protocol. Unknown protocol."),
            )),
        },
    }
}

pub(super) fn ports_of(
    protocol: Protocol,
    name: &str,
    ports: (Option<i64>, Option<i64>),
) -> Result<TrafficMatch, ApiError> {
    let (Some(from), Some(to)) = ports else { return Err(both_needed(name)) };
    if (from, to) == (-1, -1) {
        return Ok(TrafficMatch::Ports(protocol, PortRange::ALL));
    }
    match (u16::try_from(from), u16::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to => Ok(TrafficMatch::Ports(protocol, PortRange { from, to })),
        // Unverified wording.
        _ => Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid value '{from}-{to}' for portRange. Must be two ports from 0 to 65535, the lower first."),
        )),
    }
}

pub(super) fn icmp(ports: (Option<i64>, Option<i64>)) -> Result<TrafficMatch, ApiError> {
    let (Some(icmp_type), Some(icmp_code)) = ports else { return Err(both_needed("ICMP")) };
    let one = |number: i64| match number {
        -1 => Ok(None),
        number => u8::try_from(number).map(Some).map_err(|_| {
            ApiError::new(
                "InvalidParameterValue",
                format!("Invalid value '{number}' for ICMP type or code. Must be -1 (any) or 0 to 255."),
            )
        }),
    };
    match (one(icmp_type)?, one(icmp_code)?) {
        (None, Some(code)) => Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid value '{code}' for ICMP code. Any type (-1) goes with any code (-1) only."),
        )),
        (icmp_type, icmp_code) => Ok(TrafficMatch::Icmp { icmp_type, icmp_code }),
    }
}

fn both_needed(name: &str) -> ApiError {
    ApiError::new(
        "InvalidParameterValue",
        format!("Invalid value 'Must specify both from and to ports with {name}.' for portRange."),
    )
}

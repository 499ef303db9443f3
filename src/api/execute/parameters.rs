//! Reading a call's parameters: typed, and none overlooked.
//!
//! Every parameter that is present must be read by someone, or said to have no effect; [`Parameters::finish`] refuses the rest.
//! So nothing a user asks for is dropped in silence.

use crate::api::ApiError;
use crate::api::model::Service;
use crate::ids::IdError;
use crate::net::Ipv4Net;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The members of a request, or of a structure inside one.
#[derive(Debug)]
pub struct Parameters<'a> {
    operation: &'a str,
    /// What stands before members' names in messages; empty or ending with a dot.
    prefix: String,
    members: Option<&'a Map<String, Value>>,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Parameters<'a> {
    /// The parameters of a call. `null` counts as an empty document.
    ///
    /// # Errors
    /// `UnknownParameter`, `MissingParameter`, `MalformedQueryString` (not an object).
    pub fn of(operation: &'a str, document: &'a Value) -> Result<Self, ApiError> {
        let members = match document {
            Value::Null => None,
            Value::Object(members) => Some(members),
            _ => return Err(ApiError::new("MalformedQueryString", "The parameters are not a structure")),
        };
        let parameters = Parameters { operation, prefix: String::new(), members, read: RefCell::default() };
        let input = Service::Ec2.model().input(operation);
        for (name, _) in parameters.members() {
            if input.member(name).is_none() {
                return Err(ApiError::new("UnknownParameter", format!("The parameter {name} is not recognized")));
            }
        }
        for member in input.members.iter().filter(|member| input.requires(member)) {
            if parameters.peek(&member.name).is_none() {
                return Err(ApiError::missing_parameter(&member.query_name));
            }
        }
        Ok(parameters)
    }

    /// The call.
    pub fn operation(&self) -> &str {
        self.operation
    }

    /// What is present, read or not.
    pub fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.members.into_iter().flatten()
    }

    /// Whether the parameter is present: not `null`, not an empty list.
    pub fn has(&self, name: &str) -> bool {
        self.peek(name).is_some()
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        self.take(name).map(|value| Ok(value.as_str().ok_or_else(|| self.wrong(name, value))?.to_owned())).transpose()
    }

    /// A text that must be there.
    pub fn required_text(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of texts; none if absent.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let elements = self.list(name)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| self.wrong(name, value));
        elements.iter().map(text).collect()
    }

    /// True or false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.take(name).map(|value| value.as_bool().ok_or_else(|| self.wrong(name, value))).transpose()
    }

    /// `{Value: true}`, the form of attributes.
    pub fn attribute_boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(inner) = self.structure(name)? else { return Ok(None) };
        let value = inner.boolean("Value")?.ok_or_else(|| inner.missing("Value"))?;
        inner.finish()?;
        Ok(Some(value))
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.take(name).map(|value| value.as_i64().ok_or_else(|| self.wrong(name, value))).transpose()
    }

    /// A structure.
    pub fn structure(&self, name: &str) -> Result<Option<Parameters<'a>>, ApiError> {
        self.take(name).map(|value| self.inside(name, value)).transpose()
    }

    /// A list of structures; none if absent.
    pub fn structures(&self, name: &str) -> Result<Vec<Parameters<'a>>, ApiError> {
        self.list(name)?.iter().map(|value| self.inside(name, value)).collect()
    }

    /// An id of a kind.
    pub fn id<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.text(name)?.map(|text| parse_id(&text)).transpose()
    }

    /// An id that must be there.
    pub fn required_id<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<T, ApiError> {
        self.id(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of ids; none if absent.
    pub fn ids<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<Vec<T>, ApiError> {
        self.texts(name)?.iter().map(|text| parse_id(text)).collect()
    }

    /// An IPv4 address.
    pub fn address(&self, name: &str) -> Result<Option<Ipv4Addr>, ApiError> {
        let parse = |text: String| text.parse().map_err(|_| self.wrong(name, &Value::String(text)));
        self.text(name)?.map(parse).transpose()
    }

    /// An IPv4 block in a place where AWS says "not a valid CIDR block".
    pub fn cidr(&self, name: &str) -> Result<Option<Ipv4Net>, ApiError> {
        let parse = |text: String| {
            text.parse().map_err(|_| {
                ApiError::new(
                    "InvalidParameterValue",
                    format!(
                        "Value ({text}) for parameter {} is invalid. This is not a valid CIDR block.",
                        lower_camel(name)
                    ),
                )
            })
        };
        self.text(name)?.map(parse).transpose()
    }

    /// Accepts parameters that change nothing in the simulation.
    pub fn without_effect(&self, names: &[&str]) {
        self.read.borrow_mut().extend(names.iter().map(|name| (*name).to_owned()));
    }

    /// Refuses what is present and was never read.
    ///
    /// # Errors
    /// `UnsupportedOperation`, naming the parameter.
    pub fn finish(&self) -> Result<(), ApiError> {
        let read = self.read.borrow();
        match self.members().find(|(name, _)| !read.contains(*name) && self.peek(name).is_some()) {
            Some((name, _)) => {
                let why = if name.contains("pv6") { ": it does not simulate IPv6" } else { "" };
                let (prefix, operation) = (&self.prefix, &self.operation);
                let message = format!("vpcsim does not simulate the parameter {prefix}{name} of {operation}{why}.");
                Err(ApiError::new("UnsupportedOperation", message))
            }
            None => Ok(()),
        }
    }

    /// The refusal for an absent parameter.
    pub fn missing(&self, name: &str) -> ApiError {
        let input = Service::Ec2.model().input(self.operation);
        let wire_name = match input.member(name) {
            Some(member) if self.prefix.is_empty() => &member.query_name,
            _ => name,
        };
        ApiError::missing_parameter(&format!("{}{wire_name}", self.prefix))
    }

    fn peek(&self, name: &str) -> Option<&'a Value> {
        self.members?.get(name).filter(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
    }

    fn take(&self, name: &str) -> Option<&'a Value> {
        self.read.borrow_mut().insert(name.to_owned());
        self.peek(name)
    }

    fn list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        match self.take(name) {
            None => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(name, value)),
        }
    }

    fn inside(&self, name: &str, value: &'a Value) -> Result<Parameters<'a>, ApiError> {
        let members = value.as_object().ok_or_else(|| self.wrong(name, value))?;
        let prefix = format!("{}{name}.", self.prefix);
        Ok(Parameters { operation: self.operation, prefix, members: Some(members), read: RefCell::default() })
    }

    fn wrong(&self, name: &str, value: &Value) -> ApiError {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        ApiError::new(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter {}{} is invalid.", self.prefix, lower_camel(name)),
        )
    }
}

/// An id, or AWS's refusal for its kind.
///
/// # Errors
/// `InvalidVpcID.Malformed` and its kin: AWS spells them differently from kind to kind.
pub fn parse_id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: IdError| {
        let code = match error.prefix {
            "vpc" => "InvalidVpcID.Malformed",
            "subnet" => "InvalidSubnetID.Malformed",
            "rtb" => "InvalidRouteTableId.Malformed",
            "igw" => "InvalidInternetGatewayId.Malformed",
            "sg" => "InvalidGroupId.Malformed",
            "sgr" => "InvalidSecurityGroupRuleId.Malformed",
            "eni" => "InvalidNetworkInterfaceId.Malformed",
            "i" => "InvalidInstanceID.Malformed",
            "ami" => "InvalidAMIID.Malformed",
            "acl" => "InvalidNetworkAclId.Malformed",
            "vpce" => "InvalidVpcEndpointId.Malformed",
            "cgw" => "InvalidCustomerGatewayId.Malformed",
            "vpn" => "InvalidVpnConnectionID",
            "nat" => "NatGatewayMalformed",
            "pl" => "InvalidPrefixListId.Malformed",
            "pcx" => "InvalidVpcPeeringConnectionId.Malformed",
            "tgw" => "InvalidTransitGatewayID.Malformed",
            "tgw-attach" => "InvalidTransitGatewayAttachmentID.Malformed",
            "tgw-rtb" => "InvalidRouteTableId.Malformed",
            // AWS lists no "Malformed" code for the remaining kinds.
            _ => "InvalidParameterValue",
        };
        let (text, prefix) = (&error.text, error.prefix);
        let right_prefix = text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
        let message = if right_prefix {
            format!("Invalid id: \"{text}\"")
        } else {
            format!("Invalid id: \"{text}\" (expecting \"{prefix}-...\")")
        };
        ApiError::new(code, message)
    })
}

/// `destinationCidrBlock`, as messages name parameters.
fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RouteTableId, VpcId};
    use serde_json::json;

    #[test]
    fn what_nobody_reads_is_refused() {
        let document = json!({"VpcIds": ["vpc-0bbc736e"], "MaxResults": 5, "Filters": []});
        let parameters = Parameters::of("DescribeVpcs", &document).unwrap();
        assert_eq!(parameters.ids::<VpcId>("VpcIds").unwrap().len(), 1);
        let error = parameters.finish().unwrap_err();
        assert_eq!(error.message, "vpcsim does not simulate the parameter MaxResults of DescribeVpcs.");
        parameters.without_effect(&["MaxResults"]);
        assert_eq!(parameters.finish(), Ok(()));
    }

    #[test]
    fn unknown_missing_and_wrong() {
        let error = |operation, document: Value| Parameters::of(operation, &document).map(|_| ()).unwrap_err();
        assert_eq!(error("DescribeVpcs", json!({"Colour": 1})).code, "UnknownParameter");
        assert_eq!(error("CreateVpcEndpoint", json!({})).message, "The request must contain the parameter VpcId");
        assert_eq!(error("DescribeVpcs", json!([])).code, "MalformedQueryString");
        let document = json!({"VpcIds": "vpc-0bbc736e", "MaxResults": "five"});
        let parameters = Parameters::of("DescribeVpcs", &document).unwrap();
        assert_eq!(parameters.texts("VpcIds").unwrap_err().code, "InvalidParameterValue");
        assert_eq!(
            parameters.integer("MaxResults").unwrap_err().message,
            "Value (five) for parameter maxResults is invalid."
        );
    }

    #[test]
    fn malformed_ids_have_the_code_of_their_kind() {
        let vpc = parse_id::<VpcId>("subnet-0bbc736e").unwrap_err();
        assert_eq!(
            (vpc.code.as_str(), vpc.message.as_str()),
            ("InvalidVpcID.Malformed", "Invalid id: \"subnet-0bbc736e\" (expecting \"vpc-...\")")
        );
        let table = parse_id::<RouteTableId>("rtb-xyz").unwrap_err();
        assert_eq!(
            (table.code.as_str(), table.message.as_str()),
            ("InvalidRouteTableId.Malformed", "Invalid id: \"rtb-xyz\"")
        );
    }
}

//! AWS resource ids: a prefix, a hyphen and 8 (before 2018) or 17 hexadecimal digits.
//!
//! Purpose: `VpcId` and its kin, `Copy`, ordered, checked when parsed, so that no function is ever handed a subnet where it
//! wants a VPC. Non-goals: names (`Name` tags live in the model). Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html

use crate::rng::Seed;
use std::fmt;
use std::str::FromStr;

/// Why a text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {article} {kind} id: expected \"{prefix}-\" and 8 or 17 hexadecimal digits")]
pub struct IdError {
    /// What was read.
    pub text: String,
    /// "a" or "an".
    pub article: &'static str,
    /// The wanted kind in words, "route table".
    pub kind: &'static str,
    /// The wanted prefix, "rtb".
    pub prefix: &'static str,
}

/// How many digits a freshly minted id has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdLength {
    /// 8 digits, as in the 2017 documents and in most people's screenshots; fits narrow tables.
    #[default]
    Short,
    /// 17 digits, as AWS mints them since 2018.
    Long,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits {
    long: bool,
    high: u8,
    low: u64,
}

impl Digits {
    fn parse(text: &str) -> Option<Digits> {
        let value = u128::from_str_radix(text, 16).ok()?;
        let lower = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let long = match text.len() {
            8 => false,
            17 => true,
            _ => return None,
        };
        lower.then_some(Digits { long, high: (value >> 64) as u8, low: value as u64 })
    }

    fn mint(seed: Seed, label: &str, length: IdLength) -> Digits {
        let mut stream = seed.derive(label);
        match length {
            IdLength::Short => Digits { long: false, high: 0, low: u64::from(stream.next_u32()) },
            // AWS's long ids begin with a zero.
            IdLength::Long => Digits { long: true, high: 0, low: stream.next_u64() },
        }
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.long { write!(f, "{:01x}{:016x}", self.high, self.low) } else { write!(f, "{:08x}", self.low) }
    }
}

macro_rules! aws_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $article:literal $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digits);

        impl $name {
            /// The part before the hyphen.
            pub const PREFIX: &'static str = $prefix;

            /// The id the seed gives to the resource called `name`: the same seed and name, the same id.
            pub fn mint(seed: Seed, name: &str, length: IdLength) -> Self {
                $name(Digits::mint(seed, &format!(concat!("id:", $prefix, ":{}"), name), length))
            }

            /// 64 bits that differ between ids: what virtual MAC addresses derive from.
            pub fn low_bits(self) -> u64 {
                self.0.low
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "-"))
                    .and_then(Digits::parse)
                    .map($name)
                    .ok_or_else(|| IdError { text: text.to_owned(), article: $article, kind: $kind, prefix: $prefix })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "-{}"), self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

aws_ids! {
    /// A VPC.
    VpcId = "vpc", "a" "VPC";
    /// A subnet.
    SubnetId = "subnet", "a" "subnet";
    /// A route table.
    RouteTableId = "rtb", "a" "route table";
    /// An association of a route table with a subnet, or its being the main table.
    RouteTableAssociationId = "rtbassoc", "a" "route table association";
    /// An internet gateway.
    InternetGatewayId = "igw", "an" "internet gateway";
    /// A security group.
    SecurityGroupId = "sg", "a" "security group";
    /// One rule of a security group.
    SecurityGroupRuleId = "sgr", "a" "security group rule";
    /// A network ACL.
    NetworkAclId = "acl", "a" "network ACL";
    /// An association of a network ACL with a subnet.
    NetworkAclAssociationId = "aclassoc", "a" "network ACL association";
    /// A network interface.
    EniId = "eni", "a" "network interface";
    /// The attachment of a network interface to an instance.
    EniAttachmentId = "eni-attach", "a" "network interface attachment";
    /// An EC2 instance.
    InstanceId = "i", "an" "instance";
    /// One launch of instances.
    ReservationId = "r", "a" "reservation";
    /// A machine image.
    ImageId = "ami", "an" "image";
    /// A VPC endpoint.
    VpcEndpointId = "vpce", "a" "VPC endpoint";
    /// A prefix list. Ids of AWS-managed lists repeat across Regions: key by (Region, id).
    PrefixListId = "pl", "a" "prefix list";
    /// The allocation of an Elastic IP address.
    AllocationId = "eipalloc", "an" "Elastic IP allocation";
    /// The association of an Elastic IP address.
    AddressAssociationId = "eipassoc", "an" "Elastic IP association";
    /// A set of DHCP options.
    DhcpOptionsId = "dopt", "a" "DHCP options";
    /// The association of a CIDR block with a VPC.
    VpcCidrAssociationId = "vpc-cidr-assoc", "a" "VPC CIDR association";
    /// A NAT gateway.
    NatGatewayId = "nat", "a" "NAT gateway";
    /// A VPC peering connection.
    VpcPeeringConnectionId = "pcx", "a" "VPC peering connection";
    /// A transit gateway.
    TransitGatewayId = "tgw", "a" "transit gateway";
    /// An attachment of something to a transit gateway.
    TransitGatewayAttachmentId = "tgw-attach", "a" "transit gateway attachment";
    /// A route table of a transit gateway.
    TransitGatewayRouteTableId = "tgw-rtb", "a" "transit gateway route table";
    /// A virtual private gateway.
    VpnGatewayId = "vgw", "a" "virtual private gateway";
    /// A customer gateway: the far end of a Site-to-Site VPN.
    CustomerGatewayId = "cgw", "a" "customer gateway";
    /// A Site-to-Site VPN connection.
    VpnConnectionId = "vpn", "a" "VPN connection";
    /// A virtual interface of AWS Direct Connect.
    VirtualInterfaceId = "dxvif", "a" "Direct Connect virtual interface";
    /// An exclusion from VPC Block Public Access.
    BlockPublicAccessExclusionId = "vpcbpa-exclude", "a" "VPC Block Public Access exclusion";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_both_lengths_and_prints_them_back() {
        for text in ["vpc-0bbc736e", "vpc-0a1b2c3d4e5f60718"] {
            assert_eq!(text.parse::<VpcId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_other_kinds_and_shapes_naming_what_it_wanted() {
        for text in ["subnet-0bbc736e", "vpc-", "vpc-0bbc736", "vpc-0BBC736E", "vpc-0bbc736g", "", "vpc-+bbc736e"] {
            let error = text.parse::<VpcId>().unwrap_err();
            assert!(error.to_string().contains("expected \"vpc-\""), "{error}");
        }
    }

    #[test]
    fn minting_depends_on_seed_kind_and_name_only() {
        let mint = |seed, name| EniId::mint(Seed::new(seed), name, IdLength::Short);
        assert_eq!(mint(1, "app-1"), mint(1, "app-1"));
        assert_ne!(mint(1, "app-1"), mint(2, "app-1"));
        assert_ne!(mint(1, "app-1"), mint(1, "app-2"));
        assert_eq!(EniId::mint(Seed::new(1), "x", IdLength::Long).to_string().len(), "eni-".len() + 17);
    }
}

//! Regions: their zones, their EC2 API and their STS.
//!
//! Zones are the letters that accounts commonly see (AWS maps letters to zones per account). The addresses of the EC2 API and of STS are
//! **invented**: each lies in a block that AWS publishes for EC2 in the Region (ip-ranges.json, createDate 2026-08-22-15-17-05)
//! and outside the lists of DynamoDB and S3; the real ones vary and are not documented.

use super::error::Problem;
use super::read::{Text, closest, shown};
use std::net::Ipv4Addr;

/// One Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) name: &'static str,
    /// Zone letters, in order.
    pub(super) zones: &'static str,
    pub(super) ec2_api: Ipv4Addr,
}

impl Region {
    pub(super) fn named(name: &str) -> Option<Region> {
        REGIONS.iter().find(|(region, ..)| *region == name).map(|(name, zones, [a, b, c, d])| Region {
            name,
            zones,
            ec2_api: Ipv4Addr::new(*a, *b, *c, *d),
        })
    }

    /// STS has a neighbour of the EC2 API's address: the blocks that these lie in are /24s.
    pub(super) fn sts_api(&self) -> Ipv4Addr {
        let [a, b, c, d] = self.ec2_api.octets();
        Ipv4Addr::new(a, b, c, d.wrapping_add(20))
    }

    /// `us-east-1a` and so on.
    pub(super) fn zone_names(&self) -> Vec<String> {
        self.zones.chars().map(|letter| format!("{}{letter}", self.name)).collect()
    }

    /// `1a` of `us-east-1a`: what names of default subnets end with.
    pub(super) fn zone_suffix(&self, zone: &str) -> String {
        let digit_on = self.name.rfind('-').map_or(0, |at| at + 1);
        zone.get(digit_on..).unwrap_or(zone).to_owned()
    }
}

/// The Region that a text names.
pub(super) fn given(text: &Text<'_>) -> Result<Region, Problem> {
    Region::named(text.text).ok_or_else(|| {
        let here = closest(text.text, names()).map(|name| format!("did you mean \"{name}\"?"));
        let message = format!("\"{}\" is no Region that vpcsim knows", shown(text.text));
        let problem = Problem::new(text.contents(), message, here.unwrap_or_else(|| "no such Region".to_owned()));
        problem.help(format!("known: {}", names().collect::<Vec<_>>().join(", ")))
    })
}

/// Every Region's name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(name, ..)| *name)
}

/// What API host names of the Region end with.
pub(super) fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else if region.starts_with("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}

const REGIONS: &[(&str, &str, [u8; 4])] = &[
    ("af-south-1", "abc", [52, 95, 229, 20]),
    ("ap-east-1", "abc", [52, 95, 226, 20]),
    ("ap-east-2", "abc", [15, 177, 104, 20]),
    ("ap-northeast-1", "acd", [52, 95, 243, 20]),
    ("ap-northeast-2", "abcd", [52, 95, 252, 20]),
    ("ap-northeast-3", "abc", [52, 95, 225, 20]),
    ("ap-south-1", "abc", [52, 95, 249, 20]),
    ("ap-south-2", "abc", [15, 177, 94, 20]),
    ("ap-southeast-1", "abc", [52, 95, 242, 20]),
    ("ap-southeast-2", "abc", [52, 95, 241, 20]),
    ("ap-southeast-3", "abc", [52, 95, 235, 20]),
    ("ap-southeast-4", "abc", [15, 177, 96, 20]),
    ("ap-southeast-5", "abc", [15, 177, 95, 20]),
    ("ap-southeast-6", "abc", [15, 177, 105, 20]),
    ("ap-southeast-7", "abc", [15, 177, 103, 20]),
    ("ca-central-1", "abd", [52, 95, 250, 20]),
    ("ca-west-1", "abc", [15, 177, 100, 20]),
    ("cn-north-1", "abc", [54, 222, 88, 20]),
    ("cn-northwest-1", "abc", [52, 82, 168, 20]),
    ("eu-central-1", "abc", [52, 95, 248, 20]),
    ("eu-central-2", "abc", [15, 177, 98, 20]),
    ("eu-north-1", "abc", [52, 95, 227, 20]),
    ("eu-south-1", "abc", [52, 95, 224, 20]),
    ("eu-south-2", "abc", [15, 177, 97, 20]),
    ("eu-west-1", "abc", [52, 95, 244, 20]),
    ("eu-west-2", "abc", [52, 95, 239, 20]),
    ("eu-west-3", "abc", [52, 95, 254, 20]),
    ("eusc-de-east-1", "abc", [51, 0, 251, 20]),
    ("il-central-1", "abc", [15, 177, 99, 20]),
    ("me-central-1", "abc", [3, 2, 73, 20]),
    ("me-south-1", "abc", [52, 95, 228, 20]),
    ("me-west-1", "abc", [1, 179, 101, 20]),
    ("mx-central-1", "abc", [15, 177, 102, 20]),
    ("sa-east-1", "abc", [52, 95, 240, 20]),
    ("sa-west-1", "abc", [1, 179, 102, 20]),
    ("us-east-1", "abcdef", [52, 95, 245, 20]),
    ("us-east-2", "abc", [52, 95, 251, 20]),
    ("us-gov-east-1", "abc", [99, 77, 183, 20]),
    ("us-gov-west-1", "abc", [99, 77, 184, 20]),
    ("us-south-1", "abc", [1, 179, 103, 20]),
    ("us-west-1", "ac", [52, 95, 246, 20]),
    ("us-west-2", "abcd", [52, 95, 247, 20]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::prefix_list;
    use std::collections::BTreeSet;

    #[test]
    fn the_regions_are_those_that_have_lists() {
        let listed: BTreeSet<_> = prefix_list::aws_managed().into_keys().map(|(region, _)| region).collect();
        let known: BTreeSet<_> = names().map(str::to_owned).collect();
        assert_eq!(known, listed);
    }

    #[test]
    fn no_api_address_lies_in_a_prefix_list() {
        let lists = prefix_list::aws_managed();
        for name in names() {
            let region = Region::named(name).unwrap();
            assert_ne!(region.ec2_api, region.sts_api());
            for address in [region.ec2_api, region.sts_api()] {
                let clash = lists.values().find(|list| list.cidrs.iter().any(|cidr| cidr.contains(&address)));
                assert!(clash.is_none(), "{name}: {address} lies in {clash:?}");
            }
        }
    }

    #[test]
    fn zones() {
        let region = Region::named("us-gov-east-1").unwrap();
        assert_eq!(region.zone_names()[0], "us-gov-east-1a");
        assert_eq!(region.zone_suffix("us-gov-east-1a"), "1a");
    }
}

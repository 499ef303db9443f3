//! Regions and their availability zones.
//!
//! Zone ids (`use1-az1`) differ from account to account on AWS; here `a` is `az1`, `b` is `az2` and so on: an assumption.
//! Zones: docs.aws.amazon.com/global-infrastructure/latest/regions; what a new account sees may be fewer.

use crate::model::Model;
use std::collections::BTreeSet;

/// Regions that a new account has, without opting in.
const DEFAULT_REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether accounts have the Region from the start.
pub fn needs_no_opt_in(region: &str) -> bool {
    DEFAULT_REGIONS.contains(&region)
}

/// The Regions that have a DynamoDB prefix list, and the model's own.
pub fn regions(model: &Model) -> BTreeSet<String> {
    let listed =
        model.prefix_lists.values().filter(|list| list.name == format!("com.amazonaws.{}.dynamodb", list.region));
    listed.map(|list| list.region.clone()).chain([model.region.clone()]).collect()
}

/// The zones of the model's Region, and any other that its subnets name.
pub fn zone_names(model: &Model) -> BTreeSet<String> {
    zone_names_in(model, &model.region)
}

/// The zones of a Region, and any other that subnets there name.
pub fn zone_names_in(model: &Model, region: &str) -> BTreeSet<String> {
    let letters = match region {
        "us-east-1" => "abcdef",
        "us-west-2" | "ap-northeast-2" => "abcd",
        "ap-northeast-1" => "acd",
        "ca-central-1" => "abd",
        "us-west-1" => "ac",
        _ => "abc",
    };
    let known = letters.chars().map(|letter| format!("{region}{letter}"));
    let subnets = model.subnets.values().filter(|subnet| model.region_of(subnet.vpc_id) == region);
    known.chain(subnets.map(|subnet| subnet.availability_zone.clone())).collect()
}

/// The id of a zone, `use1-az1` for `us-east-1a`.
pub fn zone_id(zone_name: &str) -> String {
    let Some(letter) = zone_name.chars().next_back().filter(char::is_ascii_lowercase) else {
        return zone_name.to_owned();
    };
    let region = &zone_name[..zone_name.len() - 1];
    format!("{}-az{}", short_code(region), u32::from(letter) - u32::from('a') + 1)
}

/// `use1` for us-east-1, `apne1` for ap-northeast-1, `usgw1` for us-gov-west-1.
fn short_code(region: &str) -> String {
    let part = |part: &str| match part {
        "gov" => "g".to_owned(),
        "northeast" => "ne".to_owned(),
        "northwest" => "nw".to_owned(),
        "southeast" => "se".to_owned(),
        "southwest" => "sw".to_owned(),
        "north" | "south" | "east" | "west" | "central" => part[..1].to_owned(),
        other => other.to_owned(),
    };
    region.split('-').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn zone_ids_follow_awss_short_codes() {
        for (zone, id) in [
            ("us-east-1a", "use1-az1"),
            ("ap-northeast-1c", "apne1-az3"),
            ("us-gov-west-1b", "usgw1-az2"),
            ("eu-central-1a", "euc1-az1"),
        ] {
            assert_eq!(zone_id(zone), id);
        }
        assert_eq!(zone_id(""), "");
    }

    #[test]
    fn the_models_own_region_is_always_there() {
        let model = Model::new("xx-test-1", "111122223333", Seed::new(1));
        assert!(regions(&model).contains("xx-test-1"));
        assert!(regions(&model).contains("eu-west-1"));
        assert_eq!(zone_names(&model).len(), 3);
    }
}

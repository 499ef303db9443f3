//! Regions and availability zones.

use crate::control::region::{needs_no_opt_in, zone_id};
use crate::model::Model;
use crate::model::dns_names::dns_suffix;
use serde_json::{Value, json};

/// A Region. Of those that need opting in, the account has only the model's own.
pub fn region(model: &Model, name: &str) -> Value {
    let status = match name {
        _ if needs_no_opt_in(name) => "opt-in-not-required",
        _ if name == model.region => "opted-in",
        _ => "not-opted-in",
    };
    json!({
        "OptInStatus": status,
        "RegionName": name,
        "Endpoint": format!("ec2.{name}.{}", dns_suffix(name)),
    })
}

/// An availability zone of the model's Region.
pub fn availability_zone(model: &Model, name: &str) -> Value {
    json!({
        "OptInStatus": "opt-in-not-required",
        "Messages": [],
        "RegionName": model.region,
        "ZoneName": name,
        "ZoneId": zone_id(name),
        "GroupName": format!("{}-zg-1", model.region),
        "NetworkBorderGroup": model.region,
        "ZoneType": "availability-zone",
        "State": "available",
    })
}

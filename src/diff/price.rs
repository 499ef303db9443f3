//! What a gigabyte costs on a road: the data-transfer prices that the simulated roads have.
//!
//! us-east-1, USD, taken from third-party pages of 2026 and not from AWS's own: unverified. Left out: hours (a public IPv4 address costs
//! 0.005 an hour, a NAT gateway 0.045), free monthly amounts, volume tiers, other Regions. Source of the rules:
//! docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html (no charge), aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer

use super::{Side, Target};
use crate::explain::road::Road;
use crate::explain::trace::Traced;
use crate::model::NetworkInterface;
use serde::Serialize;

/// Data out to the internet, first 10 TB of a month.
const INTERNET_EGRESS_USD: f64 = 0.09;
/// Processed by an interface endpoint, first petabyte of a month.
const INTERFACE_ENDPOINT_USD: f64 = 0.01;
/// Processed by a NAT gateway, whichever way.
const NAT_GATEWAY_USD: f64 = 0.045;
/// Between availability zones: this much at the sender and this much at the receiver.
const CROSS_ZONE_USD_EACH_WAY: f64 = 0.01;

/// The price of a gigabyte in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Price {
    /// For a gigabyte that the caller sends, USD.
    pub sent_usd_per_gb: f64,
    /// For a gigabyte of answers, USD.
    pub answered_usd_per_gb: f64,
}

/// Prices are constants: they are never NaN.
impl Eq for Price {}

impl Price {
    const FREE: Price = Price { sent_usd_per_gb: 0.0, answered_usd_per_gb: 0.0 };
}

/// The price of what `traced` found; `None` if nothing arrives, or the price is not known.
pub(super) fn price(side: &Side<'_>, traced: &Traced, target: &Target) -> Option<Price> {
    let model = side.state.control.model();
    let caller = traced.sender.interface.and_then(|id| model.network_interfaces.get(&id));
    let at = |address| model.network_interfaces.values().find(|eni: &&NetworkInterface| eni.private_ip == address);
    let zone = |eni: &NetworkInterface| Some(&model.subnets.get(&eni.subnet_id)?.availability_zone);
    if !traced.is_reachable() {
        return None;
    }
    match (traced.road()?, target, caller) {
        (Road::GatewayEndpoint(_), ..) => Some(Price::FREE),
        (Road::InterfaceEndpoint(_), ..) => {
            let crosses = caller.zip(at(traced.destination.address)).is_some_and(|(near, far)| zone(near) != zone(far));
            let cost = INTERFACE_ENDPOINT_USD + if crosses { 2.0 * CROSS_ZONE_USD_EACH_WAY } else { 0.0 };
            Some(Price { sent_usd_per_gb: cost, answered_usd_per_gb: cost })
        }
        // To a service of its own Region, and whatever is not this account's.
        (Road::InternetGateway(_), Target::Service(_), _) | (Road::Internet, ..) => Some(Price::FREE),
        (Road::InternetGateway(_), Target::Host(name, _), Some(_)) if model.outside_hosts.contains_key(name) => {
            Some(Price { sent_usd_per_gb: INTERNET_EGRESS_USD, ..Price::FREE })
        }
        // From the internet: answers leave AWS.
        (Road::InternetGateway(_), _, None) => Some(Price { answered_usd_per_gb: INTERNET_EGRESS_USD, ..Price::FREE }),
        (Road::InternetGateway(_), ..) => None,
        // Depends on zones, Regions and attachments: not known here.
        (Road::Peering(_) | Road::TransitGateway(_), ..) => None,
        // What VPN and Direct Connect charge is not in the table.
        (Road::Vpn(_) | Road::DirectConnect(_), ..) => None,
        // A NAT gateway's own gigabytes come on top of those of the road behind it.
        (Road::NatGateway(_), target, _) => {
            let leaves_aws = matches!(target, Target::Host(name, _) if model.outside_hosts.contains_key(name));
            let egress = if leaves_aws { INTERNET_EGRESS_USD } else { 0.0 };
            Some(Price { sent_usd_per_gb: NAT_GATEWAY_USD + egress, answered_usd_per_gb: NAT_GATEWAY_USD })
        }
        (Road::Local, _, caller) => {
            let far =
                at(traced.destination.address).filter(|far| caller.is_some_and(|near| near.vpc_id == far.vpc_id))?;
            let both = 2.0 * CROSS_ZONE_USD_EACH_WAY;
            match zone(caller?) == zone(far) {
                true => Some(Price::FREE),
                false => Some(Price { sent_usd_per_gb: both, answered_usd_per_gb: both }),
            }
        }
    }
}

//! What costs hours though nothing passed it: NAT gateways, interface endpoints, VPN connections and public addresses of a run's last network.
//!
//! Non-goals: attachments of transit gateways, which every transit gateway needs, and what was deleted before the run's end.

use super::meter::Meter;
use super::traffic::Thing;
use crate::model::{Model, NatGatewayState};
use crate::scenario::{HOURS_PER_MONTH, Names, Prices, Usd};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is charged by the hour and that no packet that arrived has passed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleCost {
    /// `NAT gateway`, `interface endpoint`, `VPN connection`, `public IPv4 address`.
    pub item: &'static str,
    /// Its id; of an address that is no Elastic IP the address.
    pub id: String,
    /// The scenario's name for it.
    pub name: Option<String>,
    /// What an hour costs.
    pub usd_per_hour: f64,
    /// What a month costs.
    pub usd_per_month: f64,
}

/// Everything of `model` that cost hours and carried nothing of what `meter` saw, kind by kind, by id.
pub(super) fn idle(meter: &Meter, model: &Model, names: &Names, prices: &Prices) -> Vec<IdleCost> {
    let used = used(meter);
    let mut all: Vec<(&'static str, String, Usd)> = Vec::new();
    for gateway in model.nat_gateways.values().filter(|gateway| gateway.state == NatGatewayState::Available) {
        all.push(("NAT gateway", gateway.id.to_string(), prices.nat_gateway_per_hour));
    }
    for endpoint in model.vpc_endpoints.values() {
        let interfaces = endpoint.interfaces().count() as u64;
        if interfaces > 0 {
            let per_hour = Usd::from_nanos(prices.interface_endpoint_per_hour.nanos().saturating_mul(interfaces));
            all.push(("interface endpoint", endpoint.id.to_string(), per_hour));
        }
    }
    for connection in model.live_vpn_connections() {
        all.push(("VPN connection", connection.id.to_string(), prices.vpn_connection_per_hour));
    }
    let assigned = model.network_interfaces.values().filter_map(|interface| interface.public_address);
    let mut addresses: BTreeMap<_, _> =
        assigned.map(|assigned| (assigned.address, assigned.address.to_string())).collect();
    // Elastic IPs have an id, whether anything holds them or not.
    addresses
        .extend(model.elastic_addresses.values().map(|elastic| (elastic.public_ip, elastic.allocation_id.to_string())));
    for (_, id) in addresses.into_iter().filter(|(address, _)| !used.contains(&address.to_string())) {
        all.push(("public IPv4 address", id, prices.public_ipv4_per_hour));
    }
    let unused = all.into_iter().filter(|(_, id, per_hour)| !used.contains(id) && *per_hour > Usd::default());
    unused
        .map(|(item, id, per_hour)| IdleCost {
            item,
            name: names.name_of(&id).map(str::to_owned),
            id,
            usd_per_hour: per_hour.dollars(),
            usd_per_month: (per_hour.nanos() * HOURS_PER_MONTH) as f64 / 1e9,
        })
        .collect()
}

/// The ids, and public addresses, of what packets that arrived have passed.
fn used(meter: &Meter) -> BTreeSet<String> {
    let carried = meter.ledgers().filter(|(_, ledger)| ledger.packets > 0);
    let things = carried.flat_map(|(_, ledger)| ledger.things.iter());
    things
        .map(|thing| match *thing {
            Thing::EndpointInterface(node) => match meter.places().endpoint(node) {
                Some((endpoint, _)) => endpoint.to_owned(),
                None => meter.program().origins.node(node).id.clone(),
            },
            Thing::NatGateway(node) | Thing::VpnConnection(node) => meter.program().origins.node(node).id.clone(),
            Thing::TransitAttachment { across, .. } => meter.program().origins.node(across).id.clone(),
            Thing::PublicAddress(address) => address.to_string(),
        })
        .collect()
}

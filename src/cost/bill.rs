//! The bill: what each road of a run cost by the gigabyte, and what a month of it costs.
//!
//! A road is listed if it led to a service, or cost anything. Hours are part of every road that needs the thing, so the hours of a NAT gateway that
//! leads to DynamoDB and to S3 are in two rows; the second says what of its hours rows above it have already. Free amounts are reckoned for each row.
//! Of an interface endpoint all interfaces count, of everything else what the road's packets used.

use super::idle::{IdleCost, idle};
use super::meter::{Far, Key, Ledger, Meter};
use super::tariff::Tariff;
use super::traffic::{Thing, Traffic, TrafficItem};
use crate::explain::road::Road;
use crate::model::Model;
use crate::program::{HostIx, HostKind};
use crate::scenario::{BYTES_PER_GB, HOURS_PER_MONTH, Names, Prices, Usd};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a run's roads cost. `result.json` has it as `cost`.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// Always `USD`.
    pub currency: &'static str,
    /// For how much traffic months are reckoned, bytes on each road, both directions together.
    pub monthly_volume_bytes: u64,
    /// Hours that a month is reckoned to have.
    pub hours_per_month: u64,
    /// Where the prices come from and what they leave out.
    pub remarks: Vec<String>,
    /// Roads that led to a service or cost anything; the dearest month first. Hours stand with each road that needs them.
    pub roads: Vec<RoadCost>,
    /// What the run's packets cost that were charged for and lost on the way, and what the network itself says (ICMP errors): in no road's figures.
    pub lost_usd: f64,
    /// What is charged by the hour and carried nothing: in no road's figures.
    pub idle: Vec<IdleCost>,
}

/// What one road cost, to and from one kind of far end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoadCost {
    /// `internet-gateway`, `gateway-endpoint` and so on.
    pub road: &'static str,
    /// The gateway's, connection's or endpoint's id.
    pub id: Option<String>,
    /// The scenario's name for it.
    pub name: Option<String>,
    /// The far end: a service such as `DynamoDB`, `internet`, `on premises`, `instances`.
    pub to: String,
    /// Whose traffic it was.
    pub hosts: Vec<String>,
    /// Packets that arrived, both directions.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// What a gigabyte costs in the mix of directions and charges that was measured, without free amounts and discounts; none if nothing arrived.
    pub usd_per_gb: Option<f64>,
    /// What is charged by the hour.
    pub usd_per_hour: f64,
    /// How much of that roads before this one in the list have already, because they need the same gateway or address.
    pub shared_usd_per_hour: f64,
    /// What a month of `monthly_volume_bytes` costs, all its hours included.
    pub usd_per_month: f64,
    /// What that consists of.
    pub items: Vec<CostItem>,
    /// The same as a function of the volume.
    #[serde(skip)]
    pub tariff: Tariff,
}

/// One line of a road's bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CostItem {
    /// What is charged.
    pub item: String,
    /// `hour` or `GB`.
    pub unit: &'static str,
    /// What a unit costs; of gigabytes the first that cost anything.
    pub usd_per_unit: f64,
    /// How many units a month has.
    pub units_per_month: f64,
    /// What they cost.
    pub usd_per_month: f64,
    /// How many units of a month cost nothing; counted in `units_per_month`.
    pub free_units_per_month: f64,
}

/// Writes the bill of everything that `meter` saw; `model` is the network at the end.
pub fn bill(meter: &Meter, model: &Model, names: &Names, prices: &Prices) -> Cost {
    let mut rows: BTreeMap<Row, (BTreeSet<HostIx>, Ledger)> = BTreeMap::new();
    let mut lost = Traffic::default();
    for (key, ledger) in meter.ledgers() {
        if key.far == Far::Nobody {
            lost.add_all(&ledger.traffic);
            continue;
        }
        let row = Row::of(meter, key);
        // On the open internet nothing of the account's is used: there only what is charged counts.
        let is_service = key.road != Road::Internet && is_service(meter, key.far);
        if !is_service && ledger.traffic.is_free() {
            continue;
        }
        let (hosts, sum) = rows.entry(row).or_default();
        hosts.insert(key.host);
        sum.packets += ledger.packets;
        sum.bytes += ledger.bytes;
        sum.traffic.add_all(&ledger.traffic);
        sum.things.extend(&ledger.things);
    }
    let volume_bytes = prices.monthly_volume_bytes;
    let mut roads: Vec<(RoadCost, BTreeSet<Thing>)> = (rows.into_iter())
        .map(|(row, (hosts, ledger))| (road_cost(meter, names, prices, row, &hosts, &ledger), ledger.things))
        .collect();
    roads.sort_by(|(a, _), (b, _)| b.usd_per_month.total_cmp(&a.usd_per_month));
    let roads = tell_shared_hours(meter, prices, roads);
    Cost {
        currency: "USD",
        monthly_volume_bytes: volume_bytes,
        hours_per_month: HOURS_PER_MONTH,
        remarks: remarks(meter, prices, &model.region),
        roads,
        lost_usd: lost_usd(&lost, prices),
        idle: idle(meter, model, names, prices),
    }
}

/// Says of each road what of its hours those before it have already.
fn tell_shared_hours(meter: &Meter, prices: &Prices, roads: Vec<(RoadCost, BTreeSet<Thing>)>) -> Vec<RoadCost> {
    let (mut seen, mut seen_endpoints) = (BTreeSet::new(), BTreeSet::new());
    let mut told = Vec::new();
    for (mut road, things) in roads {
        // An endpoint's hours are those of all its interfaces, whichever the road uses.
        let endpoint = |thing: &Thing| match *thing {
            Thing::EndpointInterface(node) => meter.places().endpoint(node).map(|(id, _)| id.to_owned()),
            _ => None,
        };
        let is_known =
            |thing: &&Thing| seen.contains(*thing) || endpoint(thing).is_some_and(|id| seen_endpoints.contains(&id));
        let shared: BTreeSet<Thing> = things.iter().filter(is_known).copied().collect();
        let amounts = hourly(meter, prices, &shared).into_iter().map(|(_, amount)| amount);
        road.shared_usd_per_hour = amounts.fold(Usd::default(), |sum, amount| sum + amount).dollars();
        seen_endpoints.extend(things.iter().filter_map(endpoint));
        seen.extend(things);
        told.push(road);
    }
    told
}

/// What bytes that carried nothing cost at list prices, dollars; shown to a billionth.
fn lost_usd(lost: &Traffic, prices: &Prices) -> f64 {
    let byte_dollars = |(item, bytes): (TrafficItem, u64)| bytes as f64 * item.list_price(prices).dollars();
    round(lost.items().map(byte_dollars).sum::<f64>() / BYTES_PER_GB as f64, 1e9)
}

/// What a row of the bill is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    road: &'static str,
    id: Option<String>,
    to: String,
}

impl Row {
    fn of(meter: &Meter, key: &Key) -> Row {
        let id = key.road.node().map(|node| match meter.places().endpoint(node) {
            Some((endpoint, _)) => endpoint.to_owned(),
            None => meter.program().origins.node(node).id.clone(),
        });
        let to = match key.far {
            Far::Host(far) => meter.places().far_end(far).to_owned(),
            Far::Instance => "instances".to_owned(),
            Far::Nobody => "nobody".to_owned(),
        };
        Row { road: key.road.class(), id, to }
    }
}

fn is_service(meter: &Meter, far: Far) -> bool {
    let Far::Host(host) = far else { return false };
    matches!(
        meter.program().hosts.get(host.at()).map(|attachment| &attachment.kind),
        Some(HostKind::PublicService(..) | HostKind::EndpointService(_) | HostKind::InterfaceEndpointService(_))
    )
}

fn road_cost(
    meter: &Meter,
    names: &Names,
    prices: &Prices,
    row: Row,
    hosts: &BTreeSet<HostIx>,
    ledger: &Ledger,
) -> RoadCost {
    let volume_bytes = prices.monthly_volume_bytes as f64;
    let hourly = hourly(meter, prices, &ledger.things);
    let per_hour = hourly.iter().fold(Usd::default(), |sum, (_, amount)| sum + *amount);
    let tariff = Tariff::measured(per_hour, &ledger.traffic, ledger.bytes, prices);
    let hours = hourly.into_iter().map(|(item, amount)| CostItem {
        item,
        unit: "hour",
        usd_per_unit: amount.dollars(),
        units_per_month: HOURS_PER_MONTH as f64,
        usd_per_month: cents((amount.nanos() * HOURS_PER_MONTH) as f64 / 1e9),
        free_units_per_month: 0.0,
    });
    let gigabytes = tariff.metered.iter().map(|metered| CostItem {
        item: metered.item.name().to_owned(),
        unit: "GB",
        usd_per_unit: metered.item.list_price(prices).dollars(),
        units_per_month: round(metered.share * volume_bytes / BYTES_PER_GB as f64, 1e3),
        usd_per_month: cents(metered.month_usd(volume_bytes)),
        free_units_per_month: round(metered.free_bytes(volume_bytes) / BYTES_PER_GB as f64, 1e3),
    });
    let items = hours.chain(gigabytes).collect();
    let host_name = |host: &HostIx| {
        let named = meter.program().origins.host(*host);
        names.name_of(&named.id).map(str::to_owned).or_else(|| named.name.clone()).unwrap_or_else(|| named.id.clone())
    };
    RoadCost {
        road: row.road,
        name: row.id.as_deref().and_then(|id| names.name_of(id)).map(str::to_owned),
        id: row.id,
        to: row.to,
        hosts: hosts.iter().map(host_name).collect(),
        packets: ledger.packets,
        bytes: ledger.bytes,
        usd_per_gb: ledger.traffic.per_gb(prices, ledger.bytes).map(Usd::dollars),
        usd_per_hour: per_hour.dollars(),
        shared_usd_per_hour: 0.0,
        usd_per_month: cents(tariff.month_usd(volume_bytes)),
        items,
        tariff,
    }
}

/// What is charged by the hour, one line a kind, with the sum of what its things cost in an hour.
fn hourly(meter: &Meter, prices: &Prices, things: &BTreeSet<Thing>) -> Vec<(String, Usd)> {
    let (mut nat_gateways, mut connections, mut attachments, mut addresses) = (0_u64, 0_u64, 0_u64, 0_u64);
    // An endpoint's interfaces are counted with the endpoint, used or not.
    let mut endpoints: BTreeMap<&str, u64> = BTreeMap::new();
    let mut lone_interfaces = 0_u64;
    for thing in things {
        match *thing {
            Thing::NatGateway(_) => nat_gateways += 1,
            Thing::VpnConnection(_) => connections += 1,
            Thing::TransitAttachment { .. } => attachments += 1,
            Thing::PublicAddress(_) => addresses += 1,
            Thing::EndpointInterface(node) => match meter.places().endpoint(node) {
                Some((endpoint, interfaces)) => drop(endpoints.insert(endpoint, interfaces as u64)),
                None => lone_interfaces += 1,
            },
        }
    }
    let interfaces = endpoints.values().sum::<u64>() + lone_interfaces;
    let line = |count: u64, one: &str, many: &str, price: Usd| {
        let words = if count == 1 { one } else { many };
        (format!("{count} {words}"), Usd::from_nanos(price.nanos().saturating_mul(count)))
    };
    let lines = [
        (nat_gateways, "NAT gateway", "NAT gateways", prices.nat_gateway_per_hour),
        (interfaces, "endpoint interface", "endpoint interfaces", prices.interface_endpoint_per_hour),
        (
            attachments,
            "transit gateway attachment",
            "transit gateway attachments",
            prices.transit_gateway_attachment_per_hour,
        ),
        (connections, "VPN connection", "VPN connections", prices.vpn_connection_per_hour),
        (addresses, "public IPv4 address", "public IPv4 addresses", prices.public_ipv4_per_hour),
    ];
    let needed = lines.into_iter().filter(|(count, ..)| *count > 0);
    needed.map(|(count, one, many, price)| line(count, one, many, price)).collect()
}

fn remarks(meter: &Meter, prices: &Prices, region: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    if *prices == (Prices { monthly_volume_bytes: prices.monthly_volume_bytes, ..Prices::default() }) {
        remarks.push(
            "prices are us-east-1's of 2026, from third-party pages and unverified; [prices] overrides them".to_owned(),
        );
        if region != "us-east-1" {
            remarks.push(format!("those of {region} differ"));
        }
    } else {
        remarks.push(
            "prices are us-east-1's of 2026, unverified, where the scenario's [prices] names no others".to_owned(),
        );
    }
    let used = |item: TrafficItem| meter.ledgers().any(|(_, ledger)| ledger.traffic.of(item) > 0);
    if used(TrafficItem::VpnEgress) || used(TrafficItem::DirectConnectEgress) {
        remarks.push("egress by VPN and Direct Connect is priced as internet egress: assumed; ports of Direct Connect are not priced".to_owned());
    }
    if meter.unmetered_count() > 0 {
        remarks
            .push(format!("{} packets were not metered: too many at once, or too many roads", meter.unmetered_count()));
    }
    remarks
}

/// Dollars to a thousandth of a cent.
fn cents(dollars: f64) -> f64 {
    round(dollars, 1e5)
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

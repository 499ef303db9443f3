//! What AWS charges for, seen from one packet at one node.
//!
//! | where | what is charged | by the hour |
//! |---|---|---|
//! | NAT gateway | what it sends on, either direction | the gateway |
//! | interface endpoint | what passes its interface, either direction | its interfaces |
//! | router | what it takes into another zone than it came from, at both ends | |
//! | peering connection | what goes to another Region | |
//! | transit gateway | what attachments send into it; from a peer of another Region as inter-Region traffic | the attachments it comes and goes by |
//! | internet | what internet gateways send to hosts out there, what DynamoDB and S3 send to networks on premises; to and from services of other Regions as inter-Region traffic | public addresses |
//! | VPN connection, virtual interface | what leaves AWS | the VPN connection |
//!
//! **Assumed**: a transit gateway's traffic is not charged again for changing zones; between two instances by their public addresses each gigabyte
//! costs what crossing zones costs, whatever the zones; packets that are lost later have been charged for all the same.

use crate::dataplane::{Decision, Direction, Step};
use crate::explain::road::Road;
use crate::ids::EniId;
use crate::model::{Model, ServiceKind};
use crate::program::{EniRole, HostIx, HostKind, Node, NodeIx, Program};
use crate::scenario::{Prices, Tier, Usd};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What is charged by the gigabyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficItem {
    /// Processed by a NAT gateway.
    NatGateway,
    /// Processed by an interface endpoint.
    InterfaceEndpoint,
    /// Between an interface endpoint and another zone.
    EndpointCrossZone,
    /// Sent into a transit gateway.
    TransitGateway,
    /// Between two zones.
    CrossZone,
    /// Between instances by their public addresses.
    PublicAddress,
    /// Between Regions.
    InterRegion,
    /// Out to the internet.
    InternetEgress,
    /// Out over a Site-to-Site VPN.
    VpnEgress,
    /// Out over Direct Connect.
    DirectConnectEgress,
}

impl TrafficItem {
    /// All of them, in the order of their declaration.
    pub const ALL: [TrafficItem; 10] = [
        TrafficItem::NatGateway,
        TrafficItem::InterfaceEndpoint,
        TrafficItem::EndpointCrossZone,
        TrafficItem::TransitGateway,
        TrafficItem::CrossZone,
        TrafficItem::PublicAddress,
        TrafficItem::InterRegion,
        TrafficItem::InternetEgress,
        TrafficItem::VpnEgress,
        TrafficItem::DirectConnectEgress,
    ];

    /// In results and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            TrafficItem::NatGateway => "NAT gateway processing",
            TrafficItem::InterfaceEndpoint => "interface endpoint processing",
            TrafficItem::EndpointCrossZone => "cross-AZ to the interface endpoint, both ends",
            TrafficItem::TransitGateway => "transit gateway processing",
            TrafficItem::CrossZone => "cross-AZ, both ends",
            TrafficItem::PublicAddress => "between public addresses of the Region, both ends",
            TrafficItem::InterRegion => "inter-Region",
            TrafficItem::InternetEgress => "internet egress",
            TrafficItem::VpnEgress => "VPN egress",
            TrafficItem::DirectConnectEgress => "Direct Connect egress",
        }
    }

    /// What it costs, by volume.
    pub fn tiers(self, prices: &Prices) -> Vec<Tier> {
        let flat = |per_gb| vec![Tier { up_to_bytes: u64::MAX, per_gb }];
        match self {
            TrafficItem::NatGateway => flat(prices.nat_gateway_per_gb),
            TrafficItem::InterfaceEndpoint => prices.interface_endpoint_tiers(),
            TrafficItem::EndpointCrossZone => {
                flat(prices.interface_endpoint_cross_zone_per_gb + prices.interface_endpoint_cross_zone_per_gb)
            }
            TrafficItem::TransitGateway => flat(prices.transit_gateway_per_gb),
            TrafficItem::CrossZone | TrafficItem::PublicAddress => {
                flat(prices.cross_zone_per_gb + prices.cross_zone_per_gb)
            }
            TrafficItem::InterRegion => flat(prices.inter_region_per_gb),
            TrafficItem::InternetEgress => prices.egress_tiers(prices.internet_per_gb),
            TrafficItem::VpnEgress => prices.egress_tiers(prices.vpn_per_gb),
            TrafficItem::DirectConnectEgress => prices.egress_tiers(prices.direct_connect_per_gb),
        }
    }

    /// What a gigabyte costs that is the first to cost anything: free amounts and later discounts left out.
    pub fn list_price(self, prices: &Prices) -> Usd {
        let paid = |tier: &Tier| tier.per_gb > Usd::default();
        self.tiers(prices).into_iter().find(paid).map_or_else(Usd::default, |tier| tier.per_gb)
    }
}

/// Bytes by what they are charged as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic([u64; TrafficItem::ALL.len()]);

impl Traffic {
    /// Adds `bytes` charged as `item`.
    pub fn add(&mut self, item: TrafficItem, bytes: u64) {
        self.0[item as usize] += bytes;
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Traffic) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own += more;
        }
    }

    /// What came after `earlier`.
    pub fn since(mut self, earlier: &Traffic) -> Traffic {
        for (own, before) in self.0.iter_mut().zip(earlier.0) {
            *own -= before.min(*own);
        }
        self
    }

    /// Bytes charged as `item`.
    pub fn of(&self, item: TrafficItem) -> u64 {
        self.0[item as usize]
    }

    /// Whether nothing is charged.
    pub fn is_free(&self) -> bool {
        self.0.iter().all(|bytes| *bytes == 0)
    }

    /// What is charged at all, in the items' order.
    pub fn items(&self) -> impl Iterator<Item = (TrafficItem, u64)> + '_ {
        TrafficItem::ALL.into_iter().map(|item| (item, self.of(item))).filter(|(_, bytes)| *bytes > 0)
    }

    /// What one gigabyte of `carried_bytes` costs with these charges, at list prices; `None` if nothing was carried.
    pub fn per_gb(&self, prices: &Prices, carried_bytes: u64) -> Option<Usd> {
        let charged = self.items().map(|(item, bytes)| u128::from(bytes) * u128::from(item.list_price(prices).nanos()));
        let (charged, carried) = (charged.sum::<u128>(), u128::from(carried_bytes));
        let nanos = (charged + carried / 2).checked_div(carried)?;
        Some(Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// What is charged by the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A NAT gateway.
    NatGateway(NodeIx),
    /// The interface of an interface endpoint.
    EndpointInterface(NodeIx),
    /// An attachment of a transit gateway, by the node across.
    TransitAttachment {
        /// The transit gateway.
        gateway: NodeIx,
        /// What is attached.
        across: NodeIx,
    },
    /// A VPN connection.
    VpnConnection(NodeIx),
    /// A public IPv4 address.
    PublicAddress(Ipv4Addr),
}

/// Where VPCs are: what the program does not know and prices depend on.
#[derive(Clone, Debug, Default)]
pub struct Places {
    home_region: String,
    /// Regions of the routers of VPCs elsewhere.
    elsewhere: BTreeMap<NodeIx, String>,
    /// The endpoint of each interface of an interface endpoint, and how many interfaces that has. What is gone is remembered.
    endpoints: BTreeMap<NodeIx, (String, usize)>,
    /// What is at the far end, in words, by host. What is gone is remembered.
    far_ends: Vec<String>,
}

impl Places {
    /// Learns where everything of `model` is, of which `program` was made.
    pub fn adopt(&mut self, program: &Program, model: &Model) {
        self.home_region.clone_from(&model.region);
        for vpc in model.vpcs.values().filter(|vpc| vpc.region != model.region) {
            if let Some(router) = program.node_of_router(vpc.id) {
                self.elsewhere.insert(router, vpc.region.clone());
            }
        }
        for endpoint in model.vpc_endpoints.values() {
            let interfaces_count = endpoint.interfaces().count();
            for node in endpoint.interfaces().filter_map(|(_, interface)| program.node_of_eni(interface)) {
                self.endpoints.insert(node, (endpoint.id.to_string(), interfaces_count));
            }
        }
        for host in program.hosts.iter().skip(self.far_ends.len()) {
            self.far_ends.push(far_end(&host.kind, model));
        }
    }

    /// The endpoint that an interface belongs to, and how many interfaces it has.
    pub fn endpoint(&self, interface: NodeIx) -> Option<(&str, usize)> {
        self.endpoints.get(&interface).map(|(id, count)| (id.as_str(), *count))
    }

    /// Who a host is for those who call it: `DynamoDB`, `internet`.
    pub fn far_end(&self, host: HostIx) -> &str {
        self.far_ends.get(host.at()).map_or("?", String::as_str)
    }

    /// The Region of the VPC of an internet gateway; `None` if `node` is none.
    fn region_behind(&self, program: &Program, node: Option<NodeIx>) -> Option<&str> {
        match program.node(node?) {
            Node::InternetGateway(gateway) => {
                Some(self.elsewhere.get(&gateway.router).map_or(self.home_region.as_str(), String::as_str))
            }
            _ => None,
        }
    }
}

fn far_end(kind: &HostKind, model: &Model) -> String {
    let of_endpoint = |service_name: Option<&str>| {
        let word = service_name.and_then(|name| name.rsplit('.').next()).unwrap_or("service");
        service_word(word).to_owned()
    };
    let of_interface = |interface: EniId| {
        let mut endpoints = model.vpc_endpoints.values();
        let owner = endpoints.find(|endpoint| endpoint.interfaces().any(|(_, own)| own == interface));
        of_endpoint(owner.map(|endpoint| endpoint.service_name.as_str()))
    };
    match kind {
        HostKind::PublicService(service, region) => {
            let word = service_word(match service {
                ServiceKind::DynamoDb => "dynamodb",
                ServiceKind::Ec2 => "ec2",
                ServiceKind::S3 => "s3",
                ServiceKind::Sts => "sts",
            });
            if *region == model.region { word.to_owned() } else { format!("{word} of {region}") }
        }
        HostKind::EndpointService(id) => {
            of_endpoint(model.vpc_endpoints.get(id).map(|endpoint| endpoint.service_name.as_str()))
        }
        HostKind::InterfaceEndpointService(interface) => of_interface(*interface),
        HostKind::Outside(_) | HostKind::OutsidePlatform(_) => "internet".to_owned(),
        HostKind::OnPremises(..) | HostKind::OnPremisesPlatform(..) => "on premises".to_owned(),
        HostKind::Instance(_) | HostKind::Platform(_) => "instances".to_owned(),
    }
}

/// A service as people call it.
fn service_word(word: &str) -> &str {
    match word {
        "dynamodb" => "DynamoDB",
        "ec2" => "EC2 API",
        "s3" => "S3",
        "sts" => "STS",
        other => other,
    }
}

/// A packet's way so far, as far as prices care.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Its road.
    pub road: Option<Road>,
    /// The zone it is in, where that is known and counts.
    zone: Option<u16>,
    /// The public address that an internet gateway wrote or took away last.
    public_address: Option<Ipv4Addr>,
}

/// What one step of a packet is charged as, and what had to be there for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// How the packet's bytes are charged.
    pub item: Option<TrafficItem>,
    /// What is charged by the hour.
    pub things: [Option<Thing>; 2],
}

impl Way {
    /// The node at `at` decided something about the packet.
    pub fn decided(&mut self, program: &Program, at: NodeIx, decision: &Decision) {
        self.road = Road::after(self.road, program, at, decision);
        if let Decision::Translate { direction, before, after } = *decision {
            self.public_address = Some(if direction == Direction::Egress { after } else { before });
        }
    }

    /// The packet of `sender`, which came from node `from`, makes `step` at `at`.
    pub fn stepped(
        &mut self,
        places: &Places,
        program: &Program,
        at: NodeIx,
        (from, sender): (Option<NodeIx>, HostIx),
        step: Step,
    ) -> Stepped {
        let next = match step {
            Step::Forward(next, _) | Step::Fragment { next, .. } => Some(next),
            Step::Deliver(_) => None,
            Step::Reply(_) | Step::Drop(_) => return Stepped::default(),
        };
        match program.node(at) {
            Node::NatGateway(_) => Stepped::new(TrafficItem::NatGateway, Thing::NatGateway(at)),
            Node::Eni(eni) if eni.role == EniRole::Endpoint => {
                Stepped::new(TrafficItem::InterfaceEndpoint, Thing::EndpointInterface(at))
            }
            Node::Router(_) => Stepped { item: self.routed(program, at, from, next), ..Stepped::default() },
            Node::Peering(peering) if peering.inter_region => {
                self.zone = None;
                Stepped { item: Some(TrafficItem::InterRegion), ..Stepped::default() }
            }
            Node::InternetGateway(_) => {
                Stepped { things: [self.public_address.map(Thing::PublicAddress), None], ..Stepped::default() }
            }
            Node::TransitGateway(gateway) => {
                let is_peer = from.is_some_and(|from| matches!(program.node(from), Node::TransitGateway(_)));
                let is_far = from.and_then(|from| gateway.attachments.get(&from)).is_some_and(|it| it.link.is_some());
                let item = match (is_peer, is_far) {
                    (true, true) => Some(TrafficItem::InterRegion),
                    (true, false) => None,
                    (false, _) => Some(TrafficItem::TransitGateway),
                };
                let attachment = |across: NodeIx| Thing::TransitAttachment { gateway: at, across };
                Stepped { item, things: [from.map(attachment), next.map(attachment)] }
            }
            Node::VpnConnection(connection) => Stepped {
                item: (next == Some(connection.on_premises)).then_some(TrafficItem::VpnEgress),
                things: [Some(Thing::VpnConnection(at)), None],
            },
            Node::VirtualInterface(interface) => Stepped {
                item: (next == Some(interface.on_premises)).then_some(TrafficItem::DirectConnectEgress),
                ..Stepped::default()
            },
            Node::Internet(_) => {
                Stepped { item: outside(places, program, (from, sender), (next, step)), ..Stepped::default() }
            }
            _ => Stepped::default(),
        }
    }

    /// At a VPC's router: whether the packet changes zones.
    fn routed(
        &mut self,
        program: &Program,
        at: NodeIx,
        from: Option<NodeIx>,
        next: Option<NodeIx>,
    ) -> Option<TrafficItem> {
        let router = program.router(at)?;
        let is_endpoint = |node: NodeIx| program.eni(node).is_some_and(|eni| eni.role == EniRole::Endpoint);
        let zone_of = |node: NodeIx| match program.node(node) {
            Node::Eni(eni) => router.zone_of(eni.subnet),
            Node::NatGateway(gateway) => router.zone_of(gateway.subnet),
            _ => None,
        };
        let is_peered = from.is_some_and(|from| matches!(program.node(from), Node::Peering(_)));
        if !is_peered {
            self.zone = from.and_then(zone_of);
        }
        let into = next.and_then(zone_of)?;
        let came_from = self.zone.replace(into)?;
        let to_endpoint = from.is_some_and(is_endpoint) || next.is_some_and(is_endpoint);
        match (came_from == into, to_endpoint) {
            (true, _) => None,
            (false, true) => Some(TrafficItem::EndpointCrossZone),
            (false, false) => Some(TrafficItem::CrossZone),
        }
    }
}

/// At the internet: what leaves AWS, or its Region.
fn outside(
    places: &Places,
    program: &Program,
    (from, sender): (Option<NodeIx>, HostIx),
    (next, step): (Option<NodeIx>, Step),
) -> Option<TrafficItem> {
    let kind = |host: HostIx| program.hosts.get(host.at()).map(|attachment| &attachment.kind);
    let (left, entered) = (places.region_behind(program, from), places.region_behind(program, next));
    match (left, entered, step) {
        (Some(left), Some(entered), _) if left == entered => Some(TrafficItem::PublicAddress),
        (Some(_), Some(_), _) => Some(TrafficItem::InterRegion),
        (Some(left), None, Step::Deliver(host)) => match kind(host)? {
            HostKind::Outside(_) => Some(TrafficItem::InternetEgress),
            HostKind::PublicService(_, region) if region != left => Some(TrafficItem::InterRegion),
            _ => None,
        },
        // To a router of somebody's network on premises.
        (Some(_), None, _) => Some(TrafficItem::InternetEgress),
        (None, Some(entered), _) => match kind(sender)? {
            HostKind::PublicService(_, region) if from.is_none() && region != entered => Some(TrafficItem::InterRegion),
            _ => None,
        },
        // From a service to a network on premises by the internet: the services with data to send charge that as EC2 does.
        (None, None, Step::Forward(next, _) | Step::Fragment { next, .. }) => {
            let is_data = matches!(kind(sender)?, HostKind::PublicService(ServiceKind::DynamoDb | ServiceKind::S3, _));
            let leaves = from.is_none() && matches!(program.node(next), Node::OnPremises(_));
            (is_data && leaves).then_some(TrafficItem::InternetEgress)
        }
        (None, None, _) => None,
    }
}

impl Stepped {
    fn new(item: TrafficItem, thing: Thing) -> Stepped {
        Stepped { item: Some(item), things: [Some(thing), None] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_listed_in_the_order_that_their_numbers_say() {
        for (position, item) in TrafficItem::ALL.into_iter().enumerate() {
            assert_eq!(item as usize, position, "{item:?}");
        }
    }

    #[test]
    fn a_gigabyte_costs_what_its_bytes_are_charged_as() {
        let prices = Prices::default();
        let mut traffic = Traffic::default();
        assert_eq!(traffic.per_gb(&prices, 0), None);
        assert_eq!(traffic.per_gb(&prices, 10), Some(Usd::default()));
        traffic.add(TrafficItem::NatGateway, 3_000);
        assert_eq!(traffic.per_gb(&prices, 3_000).unwrap().to_string(), "0.045");
        traffic.add(TrafficItem::CrossZone, 3_000);
        assert_eq!(traffic.per_gb(&prices, 3_000).unwrap().to_string(), "0.065");
        // Half of the bytes leave for the internet; the list price does not know of free amounts.
        let mut out = Traffic::default();
        out.add(TrafficItem::InternetEgress, 1_500);
        assert_eq!(out.per_gb(&prices, 3_000).unwrap().to_string(), "0.045");
        assert_eq!(traffic.since(&traffic), Traffic::default());
    }
}

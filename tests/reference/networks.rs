//! What random networks have besides VPCs, instances and gateway endpoints: translators, appliances, interface endpoints, gateway route tables, VPC Block Public
//! Access, and forwarding settings that make limits near.

use super::models::Dice;
use vpcsim::ids::{InternetGatewayId, NatGatewayId, RouteTableId, SubnetId, VpcId};
use vpcsim::model::{
    BlockPublicAccessMode, EdgeGateway, ExcludedResource, InterfaceType, Model, NatConnectivity, NewInterfaceEndpoint,
    NewNatGateway, RouteDestination, RouteOrigin, RouteTarget, RulePeer, Tags, TrafficMatch,
};
use vpcsim::net::{Ipv4Net, TtlMode};
use vpcsim::time::SimTime;

/// Numbers that make what is rare happen.
pub fn set_forwarding(model: &mut Model, dice: &mut Dice) {
    if dice.percent(25) {
        model.forwarding.ttl = TtlMode::Rfc1812;
    }
    model.forwarding.link_local_packets_per_second = dice.pick(&[1, 2, 1024]);
    model.forwarding.nat_connections_per_destination = dice.pick(&[1, 2, 55_000]);
    model.quotas.elastic_addresses_per_region = 100;
    model.quotas.elastic_addresses_per_nat_gateway = 8;
}

/// In some networks everybody may talk to everybody, so that packets come far.
pub fn open_up(model: &mut Model, dice: &mut Dice, vpc: VpcId) {
    if dice.percent(55) {
        return;
    }
    let groups: Vec<_> =
        model.security_groups.values().filter(|group| group.vpc_id == vpc).map(|group| group.id).collect();
    for group in groups {
        // In two halves, flows are tracked.
        for block in dice.pick(&[["0.0.0.0/0", "0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"]]) {
            let everybody = RulePeer::Cidr(block.parse().expect("a block written in this file"));
            for egress in [false, true] {
                let _ = model.add_security_group_rule(group, egress, TrafficMatch::All, everybody, None);
            }
        }
    }
}

fn subnets_of(model: &Model, vpc: VpcId) -> Vec<SubnetId> {
    model.subnets.values().filter(|subnet| subnet.vpc_id == vpc).map(|subnet| subnet.id).collect()
}

/// A NAT gateway with one to three addresses, public or private. Without an internet gateway a public one fails, which is as good.
pub fn add_nat_gateway(model: &mut Model, dice: &mut Dice, vpc: VpcId, label: &str) -> Option<NatGatewayId> {
    let subnet_id = dice.maybe(&subnets_of(model, vpc))?;
    let more = dice.below(3);
    let public = dice.percent(75);
    let mut allocate =
        |what: &str| model.allocate_address(&format!("{label} {what}"), None, None, Tags::default()).ok();
    let allocation_id = if public { Some(allocate("first")?) } else { None };
    let mut secondary_allocation_ids = Vec::new();
    for number in 0..if public { more } else { 0 } {
        secondary_allocation_ids.push(allocate(&format!("{number}"))?);
    }
    let new = NewNatGateway {
        label: label.to_owned(),
        id: None,
        subnet_id,
        connectivity: if public { NatConnectivity::Public } else { NatConnectivity::Private },
        allocation_id,
        private_ip: None,
        secondary_allocation_ids,
        secondary_private_ips: Vec::new(),
        secondary_private_ip_count: if public { 0 } else { more },
        at: SimTime::ZERO,
        tags: Tags::named(label),
    };
    model.add_nat_gateway(new).ok()
}

/// An interface endpoint in some subnets.
pub fn add_interface_endpoint(model: &mut Model, dice: &mut Dice, vpc: VpcId, label: &str) {
    let mut subnets = Vec::new();
    for subnet in subnets_of(model, vpc) {
        let zone = |id: &SubnetId| model.subnets[id].availability_zone.clone();
        let zone_is_taken = subnets.iter().any(|(other, _)| zone(other) == zone(&subnet));
        if !zone_is_taken && dice.percent(60) {
            subnets.push((subnet, None));
        }
    }
    let groups: Vec<_> =
        model.security_groups.values().filter(|group| group.vpc_id == vpc).map(|group| group.id).collect();
    let new = NewInterfaceEndpoint {
        label: label.to_owned(),
        id: None,
        vpc_id: vpc,
        service_name: format!("com.amazonaws.{}.{}", model.vpcs[&vpc].region, dice.pick(&["dynamodb", "ec2", "sts"])),
        subnets,
        security_group_ids: dice.maybe(&groups).into_iter().collect(),
        private_dns_enabled: Some(false),
        private_dns_only_for_inbound_resolver: None,
        dns_suffix: None,
        policy_document: None,
        at: SimTime::ZERO,
        tags: Tags::named(label),
    };
    let before = model.clone();
    if model.add_interface_endpoint(new).is_err() {
        *model = before;
    }
}

/// Routes to NAT gateways: everything, a service, or a subnet as a whole; and local routes that lead elsewhere.
pub fn add_detours(model: &mut Model, dice: &mut Dice, vpc: VpcId, nats: &[NatGatewayId]) {
    let tables: Vec<RouteTableId> = model.route_tables.values().filter(|t| t.vpc_id == vpc).map(|t| t.id).collect();
    let interfaces: Vec<_> = (model.network_interfaces.values())
        .filter(|eni| eni.vpc_id == vpc && eni.interface_type == InterfaceType::Interface)
        .map(|eni| eni.id)
        .collect();
    for table in tables {
        if let Some(nat) = dice.maybe(nats)
            && dice.percent(60)
        {
            let destination = random_destination(model, dice, vpc);
            let target = RouteTarget::NatGateway(nat);
            let _ = model.add_route(table, destination, target, RouteOrigin::CreateRoute);
        }
        if dice.percent(8) {
            let cidr = model.vpcs[&vpc].cidr_blocks[0].cidr;
            let nat = dice.maybe(nats).map(RouteTarget::NatGateway);
            let eni = dice.maybe(&interfaces).map(RouteTarget::NetworkInterface);
            let _ = model.set_local_target(table, cidr, if dice.percent(50) { nat.or(eni) } else { eni });
        }
    }
}

fn random_destination(model: &Model, dice: &mut Dice, vpc: VpcId) -> RouteDestination {
    let blocks = ["0.0.0.0/0", "0.0.0.0/0", "52.94.0.0/16", "198.51.100.0/24", "128.0.0.0/1"];
    let whole: Vec<Ipv4Net> =
        model.subnets.values().filter(|subnet| subnet.vpc_id == vpc).map(|subnet| subnet.cidr).collect();
    match dice.below(6) {
        0 => RouteDestination::Cidr(dice.maybe(&whole).unwrap_or_default()),
        _ => RouteDestination::Cidr(dice.pick(&blocks).parse().expect("a block written in this file")),
    }
}

/// A route table for what comes in by the internet gateway.
pub fn add_edge_table(model: &mut Model, dice: &mut Dice, vpc: VpcId, igw: InternetGatewayId) {
    let label = format!("edge {vpc}");
    let Ok(table) = model.add_route_table(&label, None, vpc, Tags::named(&label)) else { return };
    let interfaces: Vec<_> = (model.network_interfaces.values())
        .filter(|eni| eni.vpc_id == vpc && eni.interface_type == InterfaceType::Interface)
        .map(|eni| eni.id)
        .collect();
    if model.associate_gateway(table, EdgeGateway::InternetGateway(igw)).is_err() {
        return;
    }
    for subnet in subnets_of(model, vpc) {
        if let Some(eni) = dice.maybe(&interfaces)
            && dice.percent(50)
        {
            let destination = RouteDestination::Cidr(model.subnets[&subnet].cidr);
            let _ = model.add_route(table, destination, RouteTarget::NetworkInterface(eni), RouteOrigin::CreateRoute);
        }
    }
}

/// VPC Block Public Access in some mode, with some exclusions.
pub fn set_public_access(model: &mut Model, dice: &mut Dice) {
    use BlockPublicAccessMode::{BlockBidirectional, BlockIngress, Off};
    model.block_public_access.mode = dice.pick(&[Off, Off, Off, Off, Off, BlockIngress, BlockBidirectional]);
    let vpcs = model.vpcs.keys().map(|id| ExcludedResource::Vpc(*id));
    let all: Vec<ExcludedResource> = vpcs.chain(model.subnets.keys().map(|id| ExcludedResource::Subnet(*id))).collect();
    for number in 0..dice.below(4) {
        let (what, egress_only) = (dice.pick(&all), dice.percent(50));
        let label = format!("exclusion {number}");
        let _ = model.add_public_access_exclusion(&label, what, egress_only, SimTime::ZERO, Tags::default());
    }
}

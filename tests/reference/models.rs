//! Random networks, biased to where AWS's rules meet: overlapping prefixes, blackholes, shared addresses, mixed groups.

use super::{interconnects, networks};
use std::net::Ipv4Addr;
use vpcsim::ids::{
    EniId, ImageId, InternetGatewayId, PrefixListId, RouteTableId, SecurityGroupId, VpcEndpointId, VpcId,
};
use vpcsim::model::{
    EdgeGateway, Forwarding, InterfaceType, LearnedOver, Model, NetworkAclEntry, NewInstance, NewSubnet, NewVpc,
    NewVpcEndpoint, OutsideHost, PrefixList, Propagation, Provenance, PublicService, RouteDestination, RouteOrigin,
    RouteTarget, RulePeer, Tags, TrafficMatch,
};
use vpcsim::net::{Ipv4Net, PortRange, Protocol, ServiceKind};
use vpcsim::rng::{Seed, Stream};
use vpcsim::time::SimTime;

pub const REGION: &str = "us-east-1";

/// Small helpers around the crate's random stream.
pub struct Dice(Stream);

impl Dice {
    pub fn new(seed: u64, label: &str) -> Dice {
        Dice(Seed::new(seed).derive(label))
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub fn maybe<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| self.pick(from))
    }
}

fn cidr(text: &str) -> Ipv4Net {
    text.parse().expect("a block written in this file")
}

/// A network of 1 to 3 VPCs and the world around it. The same seed gives the same network.
pub fn random_model(seed: u64) -> Model {
    let mut dice = Dice::new(seed, "model");
    let mut model = Model::new(REGION, "123456789012", Seed::new(seed));
    networks::set_forwarding(&mut model, &mut dice);
    add_world(&mut model, &mut dice);
    let vpc_count = 1 + dice.below(3);
    for position in 0..vpc_count {
        add_vpc(&mut model, &mut dice, position);
    }
    interconnects::join(&mut model, &mut dice);
    networks::set_public_access(&mut model, &mut dice);
    break_things(&mut model, &mut dice);
    model
}

fn add_world(model: &mut Model, dice: &mut Dice) {
    for (name, address) in [("laptop", "198.51.100.7"), ("server", "198.51.100.80"), ("far", "192.0.2.99")] {
        let address: Ipv4Addr = address.parse().expect("an address written in this file");
        let shadowed = name == "far" && dice.percent(30);
        // Single addresses come before blocks: sometimes a host sits inside a service's block.
        let address = if shadowed { Ipv4Addr::new(52, 94, 2, 73) } else { address };
        model.outside_hosts.insert(name.to_owned(), OutsideHost { name: name.to_owned(), address });
    }
    for region in [REGION, "us-west-2"] {
        let list = (model.prefix_lists.values())
            .find(|list| list.name == format!("com.amazonaws.{region}.dynamodb"))
            .expect("the list is embedded");
        let cidrs = list.cidrs.clone();
        let address = plus(cidrs[0], 72);
        model.public_services.push(PublicService {
            kind: ServiceKind::DynamoDb,
            region: region.to_owned(),
            cidrs,
            address,
            dns_names: vec![format!("dynamodb.{region}.amazonaws.com")],
        });
    }
    model.public_services.push(PublicService {
        kind: ServiceKind::Ec2,
        region: REGION.to_owned(),
        cidrs: vec![cidr("52.46.128.0/19")],
        address: Ipv4Addr::new(52, 46, 128, 10),
        dns_names: vec![format!("ec2.{REGION}.amazonaws.com")],
    });
    // A customer list that overlaps DynamoDB's, and one that ties with the first.
    for (id, cidrs) in [
        ("pl-0000aaaa", vec!["52.94.0.0/22", "198.51.100.0/24", "52.94.2.0/24"]),
        ("pl-0000bbbb", vec!["198.51.100.0/24", "192.0.2.0/25", "0.0.0.0/1"]),
    ] {
        let id: PrefixListId = id.parse().expect("an id written in this file");
        let list = PrefixList {
            customer: None,
            id,
            region: REGION.to_owned(),
            name: format!("customer-{id}"),
            cidrs: cidrs.into_iter().map(cidr).collect(),
            weight: 3,
            provenance: Provenance::Scenario,
        };
        model.prefix_lists.insert((REGION.to_owned(), id), list);
    }
}

fn add_vpc(model: &mut Model, dice: &mut Dice, position: usize) {
    let plans: [&[&str]; 6] = [
        &["10.0.0.0/16"],
        &["10.0.0.0/16", "10.1.0.0/16"],
        &["172.31.0.0/16"],
        &["100.64.0.0/16"],
        &["52.94.0.0/16"],
        &["192.168.0.0/20", "198.51.0.0/20"],
    ];
    let plan = plans[[0, 0, 1, 1, 2, 2, 3, 4, 5][dice.below(9)]];
    let region = dice.pick(&[REGION, REGION, REGION, REGION, "us-west-2"]);
    let new = NewVpc {
        region: Some(region.to_owned()),
        label: format!("vpc {position}"),
        id: None,
        cidrs: plan.iter().map(|text| cidr(text)).collect(),
        is_default: false,
        enable_dns_hostnames: true,
        tags: Tags::named(&format!("vpc-{position}")),
    };
    let vpc_id = model.add_vpc(new).expect("the plans are valid");
    model.vpcs.get_mut(&vpc_id).expect("just added").enable_dns_support = dice.percent(85);
    let gateway = dice.percent(85).then(|| {
        let igw = model.add_internet_gateway(&format!("igw {position}"), None, Tags::default()).expect("below quota");
        model.attach_internet_gateway(igw, vpc_id).expect("neither end is taken");
        igw
    });
    add_subnets(model, dice, vpc_id, position);
    add_groups(model, dice, vpc_id, position);
    networks::open_up(model, dice, vpc_id);
    add_acls(model, dice, vpc_id, position);
    let subnets: Vec<_> = model.subnets.values().filter(|s| s.vpc_id == vpc_id).map(|s| s.id).collect();
    for number in 0..subnets.len() + dice.below(4) {
        let subnet = subnets[number % subnets.len()];
        launch(model, dice, subnet, &format!("app {position} {number}"));
    }
    for number in 0..dice.below(3) {
        let label = format!("table {position} {number}");
        let table = model.add_route_table(&label, None, vpc_id, Tags::named(&label)).expect("below quota");
        for subnet in &subnets {
            if dice.percent(40) {
                let _ = model.associate_route_table(table, *subnet);
            }
        }
    }
    let tables: Vec<_> = model.route_tables.values().filter(|t| t.vpc_id == vpc_id).map(|t| t.id).collect();
    for number in 0..dice.below(3) {
        add_endpoint(model, dice, vpc_id, &format!("endpoint {position} {number}"));
    }
    if dice.percent(35) {
        networks::add_interface_endpoint(model, dice, vpc_id, &format!("interface endpoint {position}"));
    }
    let mut nats = Vec::new();
    for number in 0..dice.below(3) {
        nats.extend(networks::add_nat_gateway(model, dice, vpc_id, &format!("nat {position} {number}")));
    }
    networks::add_detours(model, dice, vpc_id, &nats);
    if let Some(igw) = gateway
        && dice.percent(25)
    {
        networks::add_edge_table(model, dice, vpc_id, igw);
    }
    for table in tables {
        for _ in 0..1 + dice.below(8) {
            add_route(model, dice, table, gateway);
        }
        if let Some(igw) = gateway
            && dice.percent(60)
        {
            let destination = RouteDestination::Cidr(Ipv4Net::default());
            let _ = model.add_route(table, destination, RouteTarget::InternetGateway(igw), RouteOrigin::CreateRoute);
        }
    }
}

fn add_subnets(model: &mut Model, dice: &mut Dice, vpc_id: VpcId, position: usize) {
    let blocks: Vec<Ipv4Net> = model.vpcs[&vpc_id].cidr_blocks.iter().map(|block| block.cidr).collect();
    let region = model.vpcs[&vpc_id].region.clone();
    let wanted = 1 + dice.below(5);
    for number in 0..wanted {
        let block = dice.pick(&blocks);
        let length = dice.pick(&[24u8, 24, 26, 28]);
        // Neighbouring subnets, so that boundary addresses are each other's neighbours.
        let base = u32::from(block.network()) + ((number as u32) << 8) + (dice.below(2) as u32) * 16;
        let subnet = NewSubnet {
            label: format!("subnet {position} {number}"),
            id: None,
            vpc_id,
            cidr: Ipv4Net::new_assert(Ipv4Addr::from(base), length).trunc(),
            availability_zone: format!("{region}{}", dice.pick(&["a", "b"])),
            default_for_az: false,
            map_public_ip_on_launch: dice.percent(50),
            tags: Tags::default(),
        };
        model.add_subnet(subnet).expect("every number has a /24 of its own");
    }
}

fn add_groups(model: &mut Model, dice: &mut Dice, vpc_id: VpcId, position: usize) {
    for number in 0..1 + dice.below(4) {
        let name = format!("group-{position}-{number}");
        let id = model.add_security_group(&name, None, vpc_id, &name, "random", Tags::default()).expect("a new name");
        if dice.percent(60) {
            // Replace "everything out".
            model.security_groups.get_mut(&id).expect("just added").egress.clear();
        }
        for _ in 0..dice.below(5) {
            add_rule(model, dice, id);
        }
    }
}

/// Adds a random rule; duplicates are refused, which is as good.
pub fn add_rule(model: &mut Model, dice: &mut Dice, group: SecurityGroupId) {
    let vpc = model.security_groups[&group].vpc_id;
    let region = &model.vpcs[&vpc].region;
    let lists: Vec<PrefixListId> =
        model.prefix_lists.values().filter(|list| list.region == *region).map(|list| list.id).collect();
    // Groups of other VPCs are refused where AWS does not allow them.
    let everywhere = dice.percent(25);
    let groups: Vec<SecurityGroupId> = model
        .security_groups
        .values()
        .filter(|other| everywhere || other.vpc_id == vpc)
        .map(|other| other.id)
        .collect();
    let peer = match dice.below(10) {
        0..3 => RulePeer::Cidr(Ipv4Net::default()),
        3..6 => RulePeer::Cidr(random_block(model, dice)),
        6..8 => RulePeer::SecurityGroup(dice.pick(&groups)),
        _ => RulePeer::PrefixList(dice.pick(&lists)),
    };
    let traffic = random_traffic(dice);
    let _ = model.add_security_group_rule(group, dice.percent(50), traffic, peer, None);
}

/// A block that somebody's address is in, more or less narrowly.
fn random_block(model: &Model, dice: &mut Dice) -> Ipv4Net {
    let addresses = interesting_addresses(model);
    let length = dice.pick(&[8u8, 12, 16, 20, 22, 24, 28, 31, 32]);
    Ipv4Net::new_assert(dice.pick(&addresses), length).trunc()
}

fn random_traffic(dice: &mut Dice) -> TrafficMatch {
    let protocol = dice.pick(&[Protocol::TCP, Protocol::TCP, Protocol::UDP]);
    match dice.below(12) {
        0..3 => TrafficMatch::All,
        3..5 => TrafficMatch::Ports(protocol, PortRange::ALL),
        5..8 => TrafficMatch::Ports(protocol, PortRange::single(dice.pick(&[22, 53, 80, 443]))),
        8 => TrafficMatch::Ports(protocol, PortRange { from: 1024, to: 65535 }),
        9 => TrafficMatch::Icmp { icmp_type: None, icmp_code: None },
        10 => TrafficMatch::Icmp {
            icmp_type: Some(dice.pick(&[0, 3, 8, 11])),
            icmp_code: dice.pick(&[None, Some(0), Some(4)]),
        },
        _ => TrafficMatch::Other(Protocol(dice.pick(&[47, 50, 132]))),
    }
}

fn add_acls(model: &mut Model, dice: &mut Dice, vpc_id: VpcId, position: usize) {
    for number in 0..dice.below(3) {
        let id = model.add_network_acl(&format!("acl {position} {number}"), None, vpc_id, Tags::default()).unwrap();
        for _ in 0..dice.below(8) {
            let entry = NetworkAclEntry {
                traffic: random_traffic(dice),
                cidr: if dice.percent(50) { Ipv4Net::default() } else { random_block(model, dice) },
                allow: dice.percent(65),
            };
            let _ = model.add_network_acl_entry(id, dice.percent(50), 1 + dice.below(40) as u16, entry);
        }
        if dice.percent(70) {
            let all = NetworkAclEntry { traffic: TrafficMatch::All, cidr: Ipv4Net::default(), allow: true };
            let _ = model.add_network_acl_entry(id, true, 32766, all);
            let _ = model.add_network_acl_entry(id, false, 32766, all);
        }
        for subnet in model.subnets.values_mut().filter(|subnet| subnet.vpc_id == vpc_id) {
            if dice.percent(30) {
                subnet.network_acl_id = id;
            }
        }
    }
}

/// Launches an instance with random groups, public address and source/destination check.
pub fn launch(model: &mut Model, dice: &mut Dice, subnet_id: vpcsim::ids::SubnetId, label: &str) {
    let vpc = model.subnets[&subnet_id].vpc_id;
    let groups: Vec<SecurityGroupId> =
        model.security_groups.values().filter(|group| group.vpc_id == vpc).map(|group| group.id).collect();
    let mut chosen: Vec<SecurityGroupId> = (0..dice.below(4)).map(|_| dice.pick(&groups)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    use Forwarding::{Masquerade, Off, Route};
    let forwarding = dice.pick(&[Off, Off, Off, Off, Off, Off, Route, Masquerade]);
    let new = NewInstance {
        label: label.to_owned(),
        id: None,
        interface_id: None,
        subnet_id,
        private_ip: None,
        associate_public_ip: dice.pick(&[None, Some(true), Some(false)]),
        public_ip: None,
        security_group_ids: chosen,
        source_dest_check: dice.percent(if forwarding == Forwarding::Off { 85 } else { 15 }),
        forwarding,
        image_id: "ami-0abcdef1".parse::<ImageId>().expect("an id written in this file"),
        instance_type: dice.pick(&["t3.micro", "m5.large", "m8i.large", "c8gn.xlarge"]).to_owned(),
        key_name: None,
        reservation_id: None,
        at: SimTime::ZERO,
        tags: Tags::named(label),
    };
    // A full /28 or an empty pool refuses: then there is one instance less.
    let _ = model.launch_instance(new);
}

/// Adds an endpoint with a random set of tables; those that have such a route already are refused.
pub fn add_endpoint(model: &mut Model, dice: &mut Dice, vpc_id: VpcId, label: &str) {
    let tables: Vec<RouteTableId> = model.route_tables.values().filter(|t| t.vpc_id == vpc_id).map(|t| t.id).collect();
    let service = dice.pick(&["dynamodb", "dynamodb", "dynamodb", "s3"]);
    let region = model.vpcs[&vpc_id].region.clone();
    let created = model.add_vpc_endpoint(NewVpcEndpoint {
        label: label.to_owned(),
        id: None,
        vpc_id,
        service_name: format!("com.amazonaws.{region}.{service}"),
        route_table_ids: Vec::new(),
        policy_document: None,
        at: SimTime::ZERO,
        tags: Tags::default(),
    });
    if let Ok(id) = created {
        for table in tables {
            if dice.percent(50) {
                let _ = model.add_endpoint_route_tables(id, &[table]);
            }
        }
    }
}

/// Adds a random route; what AWS refuses is refused.
pub fn add_route(model: &mut Model, dice: &mut Dice, table: RouteTableId, gateway: Option<InternetGatewayId>) {
    let vpc = model.route_tables[&table].vpc_id;
    let interfaces: Vec<EniId> = (model.network_interfaces.values())
        .filter(|e| e.vpc_id == vpc && e.interface_type == InterfaceType::Interface)
        .map(|e| e.id)
        .collect();
    let propagated = dice.percent(35);
    let destination = match dice.below(10) {
        0..2 => RouteDestination::PrefixList(
            dice.pick(&["pl-0000aaaa", "pl-0000bbbb"]).parse().expect("an id written in this file"),
        ),
        2..4 => {
            let subnets: Vec<Ipv4Net> = model.subnets.values().filter(|s| s.vpc_id == vpc).map(|s| s.cidr).collect();
            RouteDestination::Cidr(dice.pick(&subnets))
        }
        4 => RouteDestination::Cidr(random_block(model, dice)),
        _ => RouteDestination::Cidr(cidr(dice.pick(&[
            "0.0.0.0/0",
            "0.0.0.0/1",
            "52.94.0.0/22",
            "52.94.0.0/16",
            "52.94.2.0/24",
            "52.94.2.72/32",
            "52.94.2.73/32",
            "198.51.100.0/24",
            "198.51.100.7/32",
            "203.0.113.0/24",
            "192.168.0.0/16",
            "10.0.0.0/8",
            "10.0.1.0/24",
            "100.64.0.0/10",
        ]))),
    };
    let forwarders: Vec<EniId> = interfaces.iter().copied().filter(|eni| is_forwarder(model, *eni)).collect();
    let interface = if dice.percent(60) { dice.maybe(&forwarders) } else { None };
    let interface = interface.or_else(|| dice.maybe(&interfaces)).map(RouteTarget::NetworkInterface);
    let gateway = gateway.map(RouteTarget::InternetGateway);
    let target = if dice.percent(50) { interface.or(gateway) } else { gateway.or(interface) };
    let origin = match propagated {
        false => RouteOrigin::CreateRoute,
        true => RouteOrigin::Propagated(Propagation {
            learned_over: dice.pick(&[LearnedOver::DirectConnectBgp, LearnedOver::VpnStatic, LearnedOver::VpnBgp]),
            as_path_length: dice.below(3) as u8,
            multi_exit_discriminator: dice.below(2) as u32 * 100,
        }),
    };
    // Only blocks are propagated, never prefix lists.
    let listed = matches!(destination, RouteDestination::PrefixList(_));
    if let Some(target) = target
        && !(propagated && listed)
    {
        let _ = model.add_route(table, destination, target, origin);
    }
}

/// Whether the instance on an interface forwards.
fn is_forwarder(model: &Model, eni: EniId) -> bool {
    let instance = model.network_interfaces[&eni].attachment.and_then(|attachment| attachment.instance_id);
    instance.is_some_and(|instance| model.instances[&instance].forwarding != Forwarding::Off)
}

fn break_things(model: &mut Model, dice: &mut Dice) {
    if dice.percent(20)
        && let Some(igw) = dice.maybe(&model.internet_gateways.keys().copied().collect::<Vec<_>>())
    {
        detach_or_delete(model, dice, igw);
    }
    if dice.percent(40)
        && let Some(id) = dice.maybe(&model.instances.keys().copied().collect::<Vec<_>>())
    {
        model.terminate_instance(id).expect("the instance exists");
    }
    if dice.percent(30)
        && let Some((eni, _)) = dice.maybe(&guests(model))
        && let Ok(allocation) = model.allocate_address("elastic", None, None, Tags::default())
    {
        let _ = model.associate_address(allocation, eni);
    }
}

/// Leaves routes to the gateway behind as blackholes.
pub fn detach_or_delete(model: &mut Model, dice: &mut Dice, igw: InternetGatewayId) {
    for table in model.route_tables.values_mut() {
        table.gateway_associations.remove(&EdgeGateway::InternetGateway(igw));
    }
    if dice.percent(50) {
        model.internet_gateways.remove(&igw);
    } else if let Some(gateway) = model.internet_gateways.get_mut(&igw) {
        gateway.attached_vpc_id = None;
    }
}

/// Every address with a meaning, and its neighbours across some boundary.
pub fn interesting_addresses(model: &Model) -> Vec<Ipv4Addr> {
    let mut addresses: Vec<Ipv4Addr> = [
        "8.8.8.8",
        "10.0.0.1",
        "10.9.9.9",
        "172.16.0.1",
        "172.32.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "100.128.0.1",
        "169.254.169.253",
        "169.254.169.254",
        "169.253.255.255",
        "224.0.0.251",
        "255.255.255.255",
        "127.0.0.1",
        "240.0.0.1",
    ]
    .iter()
    .map(|text| text.parse().expect("an address written in this file"))
    .collect();
    for nat in model.nat_gateways.values() {
        addresses.extend(nat.addresses.iter().map(|own| own.private_ip));
        addresses.extend(nat.addresses.iter().filter_map(|own| Some(own.elastic?.public_ip)));
    }
    for eni in model.network_interfaces.values() {
        addresses.push(eni.private_ip);
        addresses.extend(eni.public_address.map(|public| public.address));
    }
    for subnet in model.subnets.values() {
        addresses.extend([0, 1, 2, 5, 200].map(|by| plus(subnet.cidr, by)));
        addresses.push(subnet.cidr.broadcast());
    }
    for vpc in model.vpcs.values() {
        addresses.extend([2, 65_000].map(|by| plus(vpc.cidr_blocks[0].cidr, by)));
    }
    for network in model.on_premises.values() {
        addresses.extend(network.hosts.values());
        addresses.extend(network.internet_address);
        addresses.extend(network.cidrs.iter().flat_map(|block| [1, 99].map(|by| plus(*block, by))));
    }
    addresses.extend(model.outside_hosts.values().map(|host| host.address));
    for service in &model.public_services {
        addresses.push(service.address);
        for block in &service.cidrs {
            addresses.extend([block.network(), block.broadcast(), plus(*block, 72), plus(*block, 73)]);
            addresses.push(Ipv4Addr::from(u32::from(block.broadcast()).wrapping_add(1)));
        }
    }
    addresses
}

/// The gateway endpoints of the model.
pub fn endpoint_ids(model: &Model) -> Vec<VpcEndpointId> {
    model.vpc_endpoints.values().filter(|endpoint| endpoint.is_gateway()).map(|endpoint| endpoint.id).collect()
}

/// Instances' interfaces with their addresses.
pub fn guests(model: &Model) -> Vec<(EniId, Ipv4Addr)> {
    let guests = model.network_interfaces.values().filter(|eni| eni.interface_type == InterfaceType::Interface);
    guests.map(|eni| (eni.id, eni.private_ip)).collect()
}

fn plus(block: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(block.network()).wrapping_add(by))
}

//! The reference against examples of roads that can be done by hand.

use super::packet::{Content, Fate, LinkDestination, Outcome, Packet, Party, Piece, TCP, TcpFlags, UDP};
use super::world::World;
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, ImageId, SubnetId, TransitGatewayId, VpcId};
use vpcsim::model::{
    Model, NatConnectivity, NewInstance, NewNatGateway, NewPeeringConnection, NewSubnet, NewTransitGateway, NewVpc,
    NewVpcAttachment, OutsideHost, RouteDestination, RouteOrigin, RouteTarget, RulePeer, Tags, TrafficMatch,
};
use vpcsim::net::Ipv4Net;
use vpcsim::rng::Seed;
use vpcsim::time::SimTime;

const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 80);
const SECOND: u64 = 1_000_000_000;

/// A VPC of one open group, with an instance in each of its subnets.
struct Site {
    vpc: VpcId,
    subnets: Vec<SubnetId>,
    instances: Vec<(EniId, Ipv4Addr)>,
}

fn model() -> Model {
    let mut model = Model::new("us-east-1", "123456789012", Seed::new(1));
    model.outside_hosts.insert("server".to_owned(), OutsideHost { name: "server".to_owned(), address: SERVER });
    model
}

fn cidr(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// `10.N.0.0/16` with subnets `10.N.0.0/24` in zone a and `10.N.1.0/24` in zone b.
fn site(model: &mut Model, number: u8) -> Site {
    let vpc = NewVpc {
        region: None,
        label: format!("site {number}"),
        id: None,
        cidrs: vec![cidr(&format!("10.{number}.0.0/16"))],
        is_default: false,
        enable_dns_hostnames: true,
        tags: Tags::default(),
    };
    let vpc = model.add_vpc(vpc).unwrap();
    let group = model.vpcs[&vpc].default_security_group_id;
    let everybody = RulePeer::Cidr(Ipv4Net::default());
    model.add_security_group_rule(group, false, TrafficMatch::All, everybody, None).unwrap();
    let mut site = Site { vpc, subnets: Vec::new(), instances: Vec::new() };
    for (part, zone) in ["a", "b"].iter().enumerate() {
        let subnet = NewSubnet {
            label: format!("subnet {number} {part}"),
            id: None,
            vpc_id: vpc,
            cidr: cidr(&format!("10.{number}.{part}.0/24")),
            availability_zone: format!("us-east-1{zone}"),
            default_for_az: false,
            map_public_ip_on_launch: false,
            tags: Tags::default(),
        };
        let subnet_id = model.add_subnet(subnet).unwrap();
        let instance = NewInstance {
            label: format!("app {number} {part}"),
            id: None,
            interface_id: None,
            subnet_id,
            private_ip: None,
            associate_public_ip: None,
            public_ip: None,
            security_group_ids: Vec::new(),
            source_dest_check: true,
            forwarding: Default::default(),
            image_id: "ami-0abcdef1".parse::<ImageId>().unwrap(),
            instance_type: "t3.micro".to_owned(),
            key_name: None,
            reservation_id: None,
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        let instance = model.launch_instance(instance).unwrap();
        let eni = model.instances[&instance].primary_interface_id.unwrap();
        site.subnets.push(subnet_id);
        site.instances.push((eni, model.network_interfaces[&eni].private_ip));
    }
    site
}

fn route(model: &mut Model, site: &Site, block: &str, target: RouteTarget) {
    let table = model.vpcs[&site.vpc].main_route_table_id;
    model.add_route(table, RouteDestination::Cidr(cidr(block)), target, RouteOrigin::CreateRoute).unwrap();
}

fn tcp(source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16), flags: TcpFlags) -> Packet {
    let content = Content::Tcp { source_port: source.1, destination_port: destination.1, flags, mss: None };
    Packet::plain(source.0, destination.0, TCP, content)
}

fn send(world: &mut World, from: (EniId, Ipv4Addr), to: (Ipv4Addr, u16), flags: TcpFlags) -> Outcome {
    world.send_from_interface(from.0, tcp((from.1, 40_000), to, flags), LinkDestination::Router).unwrap()
}

fn reason(outcome: &Outcome) -> &'static str {
    match &outcome.fate {
        Fate::Dropped { reason } | Fate::Refused { reason, .. } => reason,
        other => panic!("{other:?}, {:?}", outcome.path),
    }
}

fn delivered(outcome: &Outcome) -> (&Party, &Packet) {
    match &outcome.fate {
        Fate::Delivered { to, packet } => (to, packet),
        other => panic!("{other:?}, {:?}", outcome.path),
    }
}

/// Subnet b is private, with a NAT gateway in subnet a as its way out.
fn behind_nat() -> (World, Site, Ipv4Addr, Ipv4Addr) {
    let mut model = model();
    let site = site(&mut model, 0);
    let igw = model.add_internet_gateway("igw", None, Tags::default()).unwrap();
    model.attach_internet_gateway(igw, site.vpc).unwrap();
    route(&mut model, &site, "0.0.0.0/0", RouteTarget::InternetGateway(igw));
    let allocation = model.allocate_address("nat", None, None, Tags::default()).unwrap();
    let nat = NewNatGateway {
        label: "nat".to_owned(),
        id: None,
        subnet_id: site.subnets[0],
        connectivity: NatConnectivity::Public,
        allocation_id: Some(allocation),
        private_ip: None,
        secondary_allocation_ids: Vec::new(),
        secondary_private_ips: Vec::new(),
        secondary_private_ip_count: 0,
        at: SimTime::ZERO,
        tags: Tags::default(),
    };
    let nat = model.add_nat_gateway(nat).unwrap();
    let own = model.nat_gateways[&nat].addresses[0];
    let table = model.add_route_table("private", None, site.vpc, Tags::default()).unwrap();
    model.associate_route_table(table, site.subnets[1]).unwrap();
    let everything = RouteDestination::Cidr(Ipv4Net::default());
    model.add_route(table, everything, RouteTarget::NatGateway(nat), RouteOrigin::CreateRoute).unwrap();
    (World::new(model), site, own.private_ip, own.elastic.unwrap().public_ip)
}

#[test]
fn a_nat_gateway_speaks_for_the_inside_until_350_s_of_silence() {
    let (mut world, site, private, public) = behind_nat();
    let app = site.instances[1];
    world.choices.ports.push_back((private, 2_000));
    let out = send(&mut world, app, (SERVER, 443), TcpFlags::SYN);
    let (to, packet) = delivered(&out);
    assert_eq!((to, packet.source, packet.ports()), (&Party::Outside("server".to_owned()), public, Some((2_000, 443))));
    assert_eq!(packet.time_to_live, 63, "a NAT gateway is a hop");
    let answer = |world: &mut World, flags| {
        world
            .send_from_internet(&Party::Outside("server".to_owned()), tcp((SERVER, 443), (public, 2_000), flags))
            .unwrap()
    };
    let back = answer(&mut world, TcpFlags::SYN_ACK);
    let (to, packet) = delivered(&back);
    assert_eq!((to, packet.destination, packet.ports()), (&Party::Instance(app.0), app.1, Some((443, 40_000))));
    world.now_ns += 349 * SECOND;
    delivered(&send(&mut world, app, (SERVER, 443), TcpFlags::ACK));
    world.now_ns += 350 * SECOND;
    assert_eq!(reason(&answer(&mut world, TcpFlags::ACK)), "NatNoSession");
    let late = send(&mut world, app, (SERVER, 443), TcpFlags::ACK);
    assert_eq!(reason(&late), "NatIdleTimeout");
    // The reset comes in the server's name.
    let (to, reset) = delivered(&late.children[0]);
    assert_eq!((to, reset.source, reset.tcp_flags()), (&Party::Instance(app.0), SERVER, Some(TcpFlags::RST)));
}

#[test]
fn a_port_that_is_taken_or_too_low_is_complained_of() {
    let (mut world, site, private, _) = behind_nat();
    let connect = |world: &mut World, source_port, destination_port, given| {
        world.choices.ports.push_back((private, given));
        let (eni, address) = site.instances[1];
        let packet = tcp((address, source_port), (SERVER, destination_port), TcpFlags::SYN);
        world.send_from_interface(eni, packet, LinkDestination::Router).unwrap();
        std::mem::take(&mut world.complaints).len()
    };
    assert_eq!(connect(&mut world, 1, 443, 2_000), 0);
    assert_eq!(connect(&mut world, 2, 80, 2_000), 0, "another destination");
    assert_eq!(connect(&mut world, 3, 443, 2_000), 1, "the same destination");
    assert_eq!(connect(&mut world, 4, 443, 1_023), 1);
}

#[test]
fn what_is_too_big_for_the_internet_is_told_or_split() {
    let (mut world, site, ..) = behind_nat();
    let allocation = world.model.allocate_address("app", None, None, Tags::default()).unwrap();
    let (eni, address) = site.instances[0];
    world.model.associate_address(allocation, eni).unwrap();
    let content = Content::Udp { source_port: 40_000, destination_port: 443 };
    let mut packet = Packet::plain(address, SERVER, UDP, content);
    packet.shape.payload_bytes = 3_000;
    let told = world.send_from_interface(eni, packet.clone(), LinkDestination::Router).unwrap();
    let (to, error) = delivered(&told.children[0]);
    assert_eq!((to, error.source), (&Party::Instance(eni), Ipv4Addr::new(10, 0, 0, 1)));
    assert!(matches!(error.content, Content::IcmpError { icmp_type: 3, code: 4, mtu_bytes: 1_500, .. }));
    packet.dont_fragment = false;
    let split = world.send_from_interface(eni, packet, LinkDestination::Router).unwrap();
    let pieces: Vec<Piece> = split.children.iter().map(|child| delivered(child).1.piece.unwrap()).collect();
    let piece = |offset_bytes, length_bytes, more| Piece { offset_bytes, length_bytes, more };
    assert_eq!(pieces, [piece(0, 1_480, true), piece(1_480, 1_480, true), piece(2_960, 48, false)]);
}

#[test]
fn peering_is_not_transitive() {
    let mut model = model();
    let (a, b) = (site(&mut model, 1), site(&mut model, 2));
    let new = NewPeeringConnection {
        label: "peering".to_owned(),
        id: None,
        requester_vpc_id: a.vpc,
        accepter_vpc_id: b.vpc,
        at: SimTime::ZERO,
        tags: Tags::default(),
    };
    let pcx = model.add_peering_connection(new).unwrap();
    model.accept_peering_connection(pcx).unwrap();
    route(&mut model, &a, "0.0.0.0/0", RouteTarget::PeeringConnection(pcx));
    let mut world = World::new(model);
    let there = send(&mut world, a.instances[0], (b.instances[1].1, 443), TcpFlags::SYN);
    assert_eq!(delivered(&there).0, &Party::Instance(b.instances[1].0));
    // Routes are needed on both sides.
    let back = send(&mut world, b.instances[1], (a.instances[0].1, 443), TcpFlags::SYN);
    assert_eq!(reason(&back), "NoRoute");
    assert_eq!(reason(&send(&mut world, a.instances[0], (SERVER, 443), TcpFlags::SYN)), "PeeringAddressNotInVpc");
}

/// Two sites behind a transit gateway with an interface in zone a of each.
fn joined() -> (World, Site, Site, TransitGatewayId) {
    let mut model = model();
    let (a, b) = (site(&mut model, 1), site(&mut model, 2));
    let new = NewTransitGateway {
        label: "hub".to_owned(),
        id: None,
        region: None,
        default_association: true,
        default_propagation: true,
        security_group_referencing: false,
        vpn_equal_cost: true,
        description: String::new(),
        amazon_side_asn: 64_512,
        at: SimTime::ZERO,
        tags: Tags::default(),
    };
    let hub = model.add_transit_gateway(new).unwrap();
    for site in [&a, &b] {
        let new = NewVpcAttachment {
            label: format!("attachment {}", site.vpc),
            id: None,
            transit_gateway_id: hub,
            vpc_id: site.vpc,
            subnet_ids: vec![site.subnets[0]],
            appliance_mode: false,
            security_group_referencing: false,
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        model.add_vpc_attachment(new).unwrap();
        route(&mut model, site, "10.0.0.0/8", RouteTarget::TransitGateway(hub));
    }
    (World::new(model), a, b, hub)
}

#[test]
fn a_transit_gateway_serves_the_zones_of_its_interfaces_and_needs_an_association() {
    let (mut world, a, b, _) = joined();
    let try_it = |world: &mut World, from: usize, to: usize| {
        send(world, a.instances[from], (b.instances[to].1, 443), TcpFlags::SYN)
    };
    assert_eq!(delivered(&try_it(&mut world, 0, 0)).0, &Party::Instance(b.instances[0].0));
    assert_eq!(reason(&try_it(&mut world, 1, 0)), "TransitZone");
    assert_eq!(reason(&try_it(&mut world, 0, 1)), "TransitAttachmentZone");
    for table in world.model.transit_gateway_route_tables.values_mut() {
        table.propagations.clear();
    }
    assert_eq!(reason(&try_it(&mut world, 0, 0)), "TransitNoRoute");
    for table in world.model.transit_gateway_route_tables.values_mut() {
        table.associations.clear();
    }
    assert_eq!(reason(&try_it(&mut world, 0, 0)), "TransitNoAssociation");
}

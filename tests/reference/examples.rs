//! The reference itself against examples that can be done by hand: a second opinion is worth nothing if it errs.

use super::packet::{Content, Fate, LinkDestination, Outcome, Packet, Party, TCP, TcpFlags};
use super::world::World;
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, ImageId, InternetGatewayId, RouteTableId, VpcEndpointId, VpcId};
use vpcsim::model::{
    LearnedOver, Model, NetworkAclEntry, NewInstance, NewVpcEndpoint, Propagation, PublicService, RouteDestination,
    RouteOrigin, RouteTarget, RulePeer, Tags, TrafficMatch,
};
use vpcsim::net::{Ipv4Net, PortRange, Protocol, ServiceKind};
use vpcsim::rng::Seed;
use vpcsim::time::SimTime;

const DYNAMODB: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);

/// The tutorial's network: a default VPC with one instance.
struct Tutorial {
    world: World,
    vpc: VpcId,
    table: RouteTableId,
    gateway: InternetGatewayId,
    eni: EniId,
    private: Ipv4Addr,
    public: Ipv4Addr,
}

impl Tutorial {
    fn new() -> Tutorial {
        let mut model = Model::new("us-east-1", "123456789012", Seed::new(1));
        let vpc = model.add_default_vpc("default", None, &["a", "b"]).unwrap();
        let subnet_id = model.subnets.values().next().unwrap().id;
        let new = NewInstance {
            label: "app".to_owned(),
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
        model.launch_instance(new).unwrap();
        let eni = model.network_interfaces.values().next().unwrap();
        let (eni, private, public) = (eni.id, eni.private_ip, eni.public_address.unwrap().address);
        let cidrs = model.prefix_list_named("com.amazonaws.us-east-1.dynamodb").unwrap().cidrs.clone();
        model.public_services.push(PublicService {
            kind: ServiceKind::DynamoDb,
            region: "us-east-1".to_owned(),
            cidrs,
            address: DYNAMODB,
            dns_names: Vec::new(),
        });
        let table = model.vpcs[&vpc].main_route_table_id;
        let gateway = *model.internet_gateways.keys().next().unwrap();
        Tutorial { world: World::new(model), vpc, table, gateway, eni, private, public }
    }

    fn add_endpoint(&mut self) -> VpcEndpointId {
        let new = NewVpcEndpoint {
            label: "ddb".to_owned(),
            id: None,
            vpc_id: self.vpc,
            service_name: "com.amazonaws.us-east-1.dynamodb".to_owned(),
            route_table_ids: vec![self.table],
            policy_document: None,
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        self.world.model.add_vpc_endpoint(new).unwrap()
    }

    fn add_route(&mut self, cidr: &str, origin: RouteOrigin) {
        let destination = RouteDestination::Cidr(cidr.parse().unwrap());
        let target = RouteTarget::InternetGateway(self.gateway);
        self.world.model.add_route(self.table, destination, target, origin).unwrap();
    }

    fn send(&mut self, destination: Ipv4Addr, flags: TcpFlags) -> Outcome {
        let packet = tcp((self.private, 40_000), (destination, 443), flags);
        self.world.send_from_interface(self.eni, packet, LinkDestination::Router).unwrap()
    }

    /// DynamoDB's answer on the public road.
    fn answer(&mut self) -> Outcome {
        let packet = tcp((DYNAMODB, 443), (self.public, 40_000), TcpFlags::SYN_ACK);
        self.world
            .send_from_internet(&Party::PublicService(ServiceKind::DynamoDb, "us-east-1".to_owned()), packet)
            .unwrap()
    }
}

fn tcp(source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16), flags: TcpFlags) -> Packet {
    let content = Content::Tcp { source_port: source.1, destination_port: destination.1, flags, mss: None };
    Packet::plain(source.0, destination.0, TCP, content)
}

fn receiver(outcome: &Outcome) -> (Party, Ipv4Addr) {
    match &outcome.fate {
        Fate::Delivered { to, packet } => (to.clone(), packet.source),
        other => panic!("{other:?}, {:?}", outcome.path),
    }
}

fn reason(outcome: &Outcome) -> &'static str {
    match &outcome.fate {
        Fate::Dropped { reason } => reason,
        _ => panic!("not dropped: {outcome:?}"),
    }
}

#[test]
fn the_tutorial_public_then_private_then_public_again() {
    let mut tutorial = Tutorial::new();
    let service = Party::PublicService(ServiceKind::DynamoDb, "us-east-1".to_owned());
    let by_gateway = tutorial.send(DYNAMODB, TcpFlags::SYN);
    assert_eq!(receiver(&by_gateway), (service.clone(), tutorial.public));
    let endpoint = tutorial.add_endpoint();
    let by_endpoint = tutorial.send(DYNAMODB, TcpFlags::SYN);
    assert_eq!(receiver(&by_endpoint), (Party::EndpointService(endpoint), tutorial.private));
    assert_eq!(by_endpoint.path.last(), Some(&endpoint.to_string()));
    let list = format!("{} 52.94.0.0/22 -> {endpoint}", tutorial.table);
    assert!(by_endpoint.path.contains(&list), "{:?}", by_endpoint.path);
    tutorial.world.model.delete_vpc_endpoint(endpoint).unwrap();
    assert_eq!(receiver(&tutorial.send(DYNAMODB, TcpFlags::SYN)), (service, tutorial.public));
}

/// route-tables-priority.html and gateway-endpoints.html: longest prefix, then static, then list; local over propagated.
#[test]
fn route_priority_as_documented() {
    let endpoint_wins = |tutorial: &mut Tutorial| {
        matches!(receiver(&tutorial.send(DYNAMODB, TcpFlags::SYN)).0, Party::EndpointService(_))
    };
    let propagated = RouteOrigin::Propagated(Propagation {
        learned_over: LearnedOver::DirectConnectBgp,
        as_path_length: 0,
        multi_exit_discriminator: 0,
    });
    let cases = [
        ("52.94.0.0/16", RouteOrigin::CreateRoute, true),
        ("52.94.0.0/22", propagated, true),
        ("52.94.0.0/22", RouteOrigin::CreateRoute, false),
        ("52.94.2.72/32", RouteOrigin::CreateRoute, false),
        ("52.94.2.72/32", propagated, false),
        ("52.94.2.73/32", RouteOrigin::CreateRoute, true),
    ];
    for (cidr, origin, wanted) in cases {
        let mut tutorial = Tutorial::new();
        tutorial.add_endpoint();
        tutorial.add_route(cidr, origin);
        assert_eq!(endpoint_wins(&mut tutorial), wanted, "{cidr} {origin:?}");
    }
    let mut tutorial = Tutorial::new();
    tutorial.add_route("172.31.16.0/24", propagated);
    let local = tutorial.send(Ipv4Addr::new(172, 31, 16, 9), TcpFlags::SYN);
    assert_eq!(reason(&local), "NoInterfaceAtAddress", "local wins though the propagated route is longer");
}

#[test]
fn a_blackhole_does_not_fall_back() {
    let mut tutorial = Tutorial::new();
    tutorial.add_route("52.94.2.0/24", RouteOrigin::CreateRoute);
    tutorial.world.model.internet_gateways.clear();
    assert_eq!(reason(&tutorial.send(DYNAMODB, TcpFlags::SYN)), "BlackholeRoute");
}

#[test]
fn groups_remember_and_network_acls_do_not() {
    let mut tutorial = Tutorial::new();
    assert_eq!(reason(&tutorial.answer()), "SecurityGroupIngress", "nobody asked");
    tutorial.send(DYNAMODB, TcpFlags::SYN);
    assert_eq!(receiver(&tutorial.answer()), (Party::Instance(tutorial.eni), DYNAMODB));
    // Tracked flows outlive their rule...
    let group = tutorial.world.model.vpcs[&tutorial.vpc].default_security_group_id;
    tutorial.world.model.security_groups.get_mut(&group).unwrap().egress.clear();
    receiver(&tutorial.send(DYNAMODB, TcpFlags::ACK));
    // ... but not a denying ACL, which must let answers in by itself.
    let acl = tutorial.world.model.vpcs[&tutorial.vpc].default_network_acl_id;
    let ephemeral = TrafficMatch::Ports(Protocol::TCP, PortRange { from: 1024, to: 65535 });
    let deny = NetworkAclEntry { traffic: ephemeral, cidr: Ipv4Net::default(), allow: false };
    tutorial.world.model.add_network_acl_entry(acl, false, 50, deny).unwrap();
    assert_eq!(reason(&tutorial.answer()), "NetworkAclIngress");
    // After 432,000 s without a packet the flow is forgotten.
    tutorial.world.now_ns += 432_001 * 1_000_000_000;
    assert_eq!(reason(&tutorial.send(DYNAMODB, TcpFlags::ACK)), "SecurityGroupNoRulesEgress");
}

#[test]
fn flows_open_both_ways_are_not_tracked_and_end_with_their_rule() {
    let mut tutorial = Tutorial::new();
    let group = tutorial.world.model.vpcs[&tutorial.vpc].default_security_group_id;
    let everywhere = RulePeer::Cidr(Ipv4Net::default());
    let every_port = TrafficMatch::Ports(Protocol::TCP, PortRange::ALL);
    tutorial.world.model.add_security_group_rule(group, false, every_port, everywhere, None).unwrap();
    let endpoint = tutorial.add_endpoint();
    let tracked = |outcome: &Outcome| outcome.path[1].clone();
    assert_eq!(tracked(&tutorial.send(Ipv4Addr::new(198, 51, 100, 7), TcpFlags::SYN)), "sg egress rule, not tracked");
    assert_eq!(tracked(&tutorial.send(DYNAMODB, TcpFlags::SYN)), "sg egress rule, tracked from now on");
    tutorial.world.model.security_groups.get_mut(&group).unwrap().egress.clear();
    let cut = tutorial.send(Ipv4Addr::new(198, 51, 100, 7), TcpFlags::ACK);
    assert_eq!(reason(&cut), "SecurityGroupNoRulesEgress");
    assert_eq!(receiver(&tutorial.send(DYNAMODB, TcpFlags::ACK)).0, Party::EndpointService(endpoint));
}

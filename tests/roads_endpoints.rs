//! Interface endpoints and the rest of gateway endpoints, packet by packet. After each packet every counter of every node is compared.

mod world;

use vpcsim::dataplane::DropReason;
use vpcsim::dataplane::conntrack::SessionKey;
use vpcsim::ids::VpcEndpointId;
use vpcsim::model::{NewInterfaceEndpoint, NewVpcEndpoint, RouteDestination, RulePeer, Tags, TrafficMatch};
use vpcsim::net::{FiveTuple, PortRange, Protocol};
use vpcsim::program::EniRole;
use vpcsim::wire::Parsed;
use world::*;

/// The endpoint's interface in the private subnet, and what the bench calls it.
const ENDPOINT: [u8; 4] = [172, 31, 96, 50];
const NODE: &str = "ddb-us-east-1b";

fn tcp_port(port: u16) -> TrafficMatch {
    TrafficMatch::Ports(Protocol::TCP, PortRange::single(port))
}

fn anywhere() -> RulePeer {
    RulePeer::Cidr("0.0.0.0/0".parse().unwrap())
}

/// The tutorial's VPC with an interface endpoint of DynamoDB in the private subnet, whose group lets `rules` in.
fn world(rules: &[(bool, TrafficMatch, RulePeer)]) -> (World, VpcEndpointId) {
    let mut world = World::tutorial();
    let group = world.group("endpoints", rules);
    let id = world
        .model
        .add_interface_endpoint(NewInterfaceEndpoint {
            label: "ddb".into(),
            id: None,
            vpc_id: world.vpc,
            service_name: "com.amazonaws.us-east-1.dynamodb".into(),
            subnets: vec![(world.private_subnet, Some(ENDPOINT.into()))],
            security_group_ids: vec![group],
            private_dns_enabled: None,
            private_dns_only_for_inbound_resolver: None,
            dns_suffix: None,
            policy_document: None,
            at: world.now,
            tags: Tags::named("ddb"),
        })
        .unwrap();
    world.publish();
    (world, id)
}

fn open() -> Vec<(bool, TrafficMatch, RulePeer)> {
    vec![(false, TrafficMatch::All, anywhere())]
}

#[test]
fn a_connection_to_an_interface_endpoint_there_and_back() {
    let (mut world, id) = world(&[(false, tcp_port(443), anywhere())]);
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &["app-public", "router", NODE], End::Delivered(From::ByInterface(id)));
    assert_eq!(
        way.decisions,
        [
            "app-public: check egress passed=true",
            "app-public: sg egress default: all to 0.0.0.0/0, tracked=true",
            "router: acl egress Some(100) allowed=true",
            "router: route 172.31.0.0/16 -> local beats 0.0.0.0/0",
            "router: acl ingress Some(100) allowed=true",
            "ddb-us-east-1b: sg ingress endpoints: tcp 443 from 0.0.0.0/0, tracked=true",
            "ddb-us-east-1b: check ingress passed=true",
            "ddb-us-east-1b: endpoint egress",
        ]
    );
    let endpoint = world.program.node_of_eni(world.interface(id)).unwrap();
    assert_eq!(way.meta.via_endpoint, Some(endpoint));
    assert_eq!(Parsed::of(&way.bytes).unwrap().source, std::net::Ipv4Addr::from(PUBLIC), "the private address");
    assert_eq!(world.program.origins.owner(endpoint).id, id.to_string());

    let way = world.send(From::ByInterface(id), tcp(ENDPOINT, 443, PUBLIC, 40_000, "SA"));
    world.expect(&way, &[NODE, "router", "app-public"], End::Delivered(From::Instance("app-public")));
    assert_eq!(
        way.decisions,
        [
            "ddb-us-east-1b: check egress passed=true",
            "ddb-us-east-1b: sg egress tracked",
            "ddb-us-east-1b: endpoint ingress",
            "router: acl egress Some(100) allowed=true",
            "router: route 172.31.0.0/16 -> local",
            "router: acl ingress Some(100) allowed=true",
            "app-public: sg ingress tracked",
            "app-public: check ingress passed=true",
        ],
        "the endpoint's group has no egress rule, and needs none"
    );
}

#[test]
fn connections_to_an_endpoint_are_tracked_though_no_rule_needs_it() {
    let (mut world, id) = world(&open());
    let all = world.group("all", &[(false, TrafficMatch::All, anywhere()), (true, TrafficMatch::All, anywhere())]);
    world.launch("open", world.private_subnet, &[all]);
    let own: [u8; 4] = world.model.network_interfaces[&world.eni("open")].private_ip.octets();
    let interface = world.node("open");
    let tracked = |world: &World, to: [u8; 4]| {
        let tuple = FiveTuple {
            protocol: Protocol::TCP,
            source: own.into(),
            destination: to.into(),
            source_port: 40_000,
            destination_port: 443,
        };
        world.state.conntrack.session(&SessionKey { interface, tuple }, world.now).map(|session| session.entries)
    };
    let way = world.send(From::Instance("open"), tcp(own, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &["open", "router", NODE], End::Delivered(From::ByInterface(id)));
    let way = world.send(From::Instance("open"), tcp(own, 40_000, PRIVATE, 443, "S"));
    world.expect(&way, &["open", "router", "app-private"], End::Dropped(DropReason::SecurityGroupIngress));
    assert_eq!((tracked(&world, ENDPOINT), tracked(&world, PRIVATE)), (Some(1), None));
}

#[test]
fn an_endpoint_takes_tcp_and_never_begins() {
    let (mut world, id) = world(&open());
    for frame in [echo(PRIVATE, ENDPOINT, 7, false), udp(PRIVATE, 4_000, ENDPOINT, 443)] {
        let way = world.send(From::Instance("app-private"), frame);
        world.expect(&way, &["app-private", "router", NODE], End::Dropped(DropReason::EndpointInterfaceProtocol));
    }
    for (frame, reason) in [
        (tcp(ENDPOINT, 40_000, PRIVATE, 22, "S"), DropReason::EndpointInitiates),
        (tcp(ENDPOINT, 443, PRIVATE, 40_000, "A"), DropReason::EndpointIdleTimeout),
        (udp(ENDPOINT, 443, PRIVATE, 4_000), DropReason::EndpointInterfaceProtocol),
        (tcp(DYNAMODB, 443, PRIVATE, 40_000, "SA"), DropReason::SourceCheck),
    ] {
        let way = world.send(From::ByInterface(id), frame);
        world.expect(&way, &[NODE], End::Dropped(reason));
    }
}

#[test]
fn silence_of_350_seconds_ends_a_connection_without_a_word() {
    let (mut world, id) = world(&open());
    let there = ["app-private", "router", NODE];
    let back = [NODE, "router", "app-private"];
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &there, End::Delivered(From::ByInterface(id)));
    let way = world.send(From::ByInterface(id), tcp(ENDPOINT, 443, PRIVATE, 40_000, "SA"));
    world.expect(&way, &back, End::Delivered(From::Instance("app-private")));
    world.sleep(349);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "A"));
    world.expect(&way, &there, End::Delivered(From::ByInterface(id)));
    world.sleep(350);
    let way = world.send(From::ByInterface(id), tcp(ENDPOINT, 443, PRIVATE, 40_000, "A"));
    world.expect(&way, &[NODE], End::Dropped(DropReason::EndpointIdleTimeout));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "A"));
    world.expect(&way, &there, End::Dropped(DropReason::EndpointIdleTimeout));
    // Not taken up in the middle by the first one either.
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "A"));
    world.expect(&way, &there, End::Dropped(DropReason::EndpointIdleTimeout));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &there, End::Delivered(From::ByInterface(id)));
}

#[test]
fn groups_of_the_endpoint_decide_who_gets_in() {
    let (mut world, _) = world(&[(false, tcp_port(443), RulePeer::Cidr("172.31.96.0/20".parse().unwrap()))]);
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &["app-public", "router", NODE], End::Dropped(DropReason::SecurityGroupIngress));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 80, "S"));
    world.expect(&way, &["app-private", "router", NODE], End::Dropped(DropReason::SecurityGroupIngress));
}

#[test]
fn what_is_bigger_than_8500_bytes_vanishes_and_syns_are_clamped() {
    let (mut world, id) = world(&open());
    let with_mss = |source: [u8; 4], source_port, destination: [u8; 4], destination_port, ack: bool, mss: u16| {
        let mut frame = Vec::new();
        let builder = etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4(source, destination, 64)
            .tcp(source_port, destination_port, 1, 1_000)
            .syn();
        let builder = if ack { builder.ack(2) } else { builder };
        let options = [etherparse::TcpOptionElement::MaximumSegmentSize(mss)];
        builder.options(&options).unwrap().write(&mut frame, &[]).unwrap();
        frame
    };
    let mss_of = |frame: &[u8]| u16::from_be_bytes([frame[56], frame[57]]);
    let way = world.send(From::Instance("app-private"), with_mss(PRIVATE, 40_000, ENDPOINT, 443, false, 8_961));
    world.expect(&way, &["app-private", "router", NODE], End::Delivered(From::ByInterface(id)));
    assert_eq!(mss_of(&way.bytes), 8_460);
    assert_checksums(&way.bytes);
    let way = world.send(From::ByInterface(id), with_mss(ENDPOINT, 443, PRIVATE, 40_000, true, 8_961));
    world.expect(&way, &[NODE, "router", "app-private"], End::Delivered(From::Instance("app-private")));
    assert_eq!(mss_of(&way.bytes), 8_460);
    assert_checksums(&way.bytes);
    let segment = |source: [u8; 4], source_port, destination: [u8; 4], destination_port, bytes: usize| {
        let mut frame = Vec::new();
        etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4(source, destination, 64)
            .tcp(source_port, destination_port, 2, 1_000)
            .ack(2)
            .write(&mut frame, &vec![0; bytes - 40])
            .unwrap();
        frame
    };
    let way = world.send(From::Instance("app-private"), segment(PRIVATE, 40_000, ENDPOINT, 443, 8_500));
    world.expect(&way, &["app-private", "router", NODE], End::Delivered(From::ByInterface(id)));
    let way = world.send(From::Instance("app-private"), segment(PRIVATE, 40_000, ENDPOINT, 443, 8_501));
    world.expect(&way, &["app-private", "router", NODE], End::Dropped(DropReason::MtuExceededSilently));
    let way = world.send(From::ByInterface(id), segment(ENDPOINT, 443, PRIVATE, 40_000, 8_501));
    world.expect(&way, &[NODE], End::Dropped(DropReason::MtuExceededSilently));
}

#[test]
fn a_deleted_endpoint_leaves_nobody_at_its_address() {
    let (mut world, id) = world(&open());
    let node = world.program.node_of_eni(world.interface(id)).unwrap();
    assert_eq!(world.program.eni(node).unwrap().role, EniRole::Endpoint);
    world.model.delete_vpc_endpoint(id).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, ENDPOINT, 443, "S"));
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NoInterfaceAtAddress));
}

#[test]
fn a_gateway_endpoint_takes_only_its_vpcs_interfaces_for_sources() {
    let mut world = World::tutorial();
    let id = world.endpoint(&[world.private_table]);
    let eni = world.eni("app-private");
    world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp([10, 9, 9, 9], 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-private", "router", "vpce"], End::Dropped(DropReason::GatewayRejectsSpoofed));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-private", "router", "vpce"], End::Delivered(From::ByEndpoint(id)));
}

#[test]
fn s3s_gateway_is_its_own_and_tracked_only_where_rules_need_it() {
    let mut world = World::tutorial();
    let ddb = world.endpoint(&[world.private_table]);
    let s3 = world
        .model
        .add_vpc_endpoint(NewVpcEndpoint {
            label: "s3".into(),
            id: None,
            vpc_id: world.vpc,
            service_name: "com.amazonaws.us-east-1.s3".into(),
            route_table_ids: vec![world.private_table],
            policy_document: None,
            at: world.now,
            tags: Tags::default(),
        })
        .unwrap();
    world.publish();
    let list = world.model.prefix_list_named("com.amazonaws.us-east-1.s3").unwrap();
    let address: [u8; 4] = u32::from(list.cidrs[0].network()).wrapping_add(10).to_be_bytes();
    let routes = &world.model.route_tables[&world.private_table].routes;
    let lists = routes.iter().filter(|route| matches!(route.destination, RouteDestination::PrefixList(_)));
    assert_eq!(lists.count(), 2);
    let all = world.group("all", &[(false, TrafficMatch::All, anywhere()), (true, TrafficMatch::All, anywhere())]);
    world.launch("open", world.private_subnet, &[all]);
    let own: [u8; 4] = world.model.network_interfaces[&world.eni("open")].private_ip.octets();
    let (node, now) = (world.node("open"), world.now);
    let way = world.send(From::Instance("open"), tcp(own, 40_000, address, 443, "S"));
    world.expect(&way, &["open", "router", "vpce"], End::Delivered(From::ByEndpoint(s3)));
    assert_eq!(world.state.conntrack.entries_used(node, now), 0);
    let way = world.send(From::Instance("open"), tcp(own, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["open", "router", "vpce"], End::Delivered(From::ByEndpoint(ddb)));
    assert_eq!(world.state.conntrack.entries_used(node, now), 2);
}

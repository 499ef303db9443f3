//! The roads of the tutorial, packet by packet. After each packet every counter of every node is compared.

mod world;

use vpcsim::dataplane::DropReason;
use vpcsim::model::{RouteDestination, RouteOrigin, RouteTarget, RulePeer, TrafficMatch};
use vpcsim::net::{MacAddress, PortRange, Protocol};
use vpcsim::wire::{Parsed, ethernet};
use world::*;

const ANYWHERE: &str = "0.0.0.0/0";

fn cidr(text: &str) -> RulePeer {
    RulePeer::Cidr(text.parse().unwrap())
}

fn tcp_port(port: u16) -> TrafficMatch {
    TrafficMatch::Ports(Protocol::TCP, PortRange::single(port))
}

#[test]
fn before_the_endpoint_the_public_instance_goes_by_the_internet_gateway() {
    let mut world = World::tutorial();
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Service));
    assert_eq!(
        way.decisions,
        [
            "app-public: check egress passed=true",
            "app-public: sg egress default: all to 0.0.0.0/0, tracked=true",
            "router: acl egress Some(100) allowed=true",
            "router: route 0.0.0.0/0 -> igw",
            "igw: 172.31.0.10 becomes 203.0.113.25",
            "internet: public 52.94.2.72",
        ]
    );
    let parsed = Parsed::of(&way.bytes).unwrap();
    assert_eq!(parsed.five_tuple().to_string(), "tcp 203.0.113.25:40000 -> 52.94.2.72:443");
    assert_eq!(parsed.ttl, 64, "the VPC's router does not decrement TTL");
    assert_checksums(&way.bytes);
    assert_eq!(ethernet::destination(&way.bytes), world.program.host_mac(world.host(From::Service)));
    assert_eq!(way.meta.via_endpoint, None);

    let way = world.send(From::Service, tcp(DYNAMODB, 443, PUBLIC_OUTSIDE, 40_000, "SA"));
    let road = ["internet", "igw", "router", "app-public"];
    world.expect(&way, &road, End::Delivered(From::Instance("app-public")));
    assert_eq!(
        way.decisions,
        [
            "internet: public 203.0.113.25",
            "igw: 203.0.113.25 becomes 172.31.0.10",
            "router: acl ingress Some(100) allowed=true",
            "app-public: sg ingress tracked",
            "app-public: check ingress passed=true",
        ]
    );
    assert_checksums(&way.bytes);
    assert_eq!(ethernet::source(&way.bytes), world.router_mac());
    assert_eq!(ethernet::destination(&way.bytes), world.program.host_mac(world.host(From::Instance("app-public"))));
}

#[test]
fn before_the_endpoint_the_private_instance_has_no_route() {
    let mut world = World::tutorial();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NoRoute));
    assert_eq!(way.decisions.last().unwrap(), "router: no route");
}

#[test]
fn an_endpoint_without_route_tables_carries_nothing_and_with_them_everything() {
    let mut world = World::tutorial();
    let endpoint = world.endpoint(&[]);
    let syn = || tcp(PRIVATE, 40_000, DYNAMODB, 443, "S");
    let way = world.send(From::Instance("app-private"), syn());
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NoRoute));

    let (main, private) = (world.main_table, world.private_table);
    world.model.add_endpoint_route_tables(endpoint, &[main, private]).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), syn());
    world.expect(&way, &["app-private", "router", "vpce"], End::Delivered(From::ByEndpoint(endpoint)));
    assert_eq!(way.decisions[3..], ["router: route 52.94.0.0/22 (pl-02cd2c6b) -> vpce", "vpce: endpoint egress"]);
    assert_eq!(Parsed::of(&way.bytes).unwrap().source.octets(), PRIVATE, "the service sees the private address");
    assert_eq!(way.meta.via_endpoint, world.program.node_of_endpoint(endpoint));
    assert_eq!(ethernet::destination(&way.bytes), world.program.host_mac(world.host(From::ByEndpoint(endpoint))));

    let way = world.send(From::ByEndpoint(endpoint), tcp(DYNAMODB, 443, PRIVATE, 40_000, "SA"));
    world.expect(&way, &["vpce", "router", "app-private"], End::Delivered(From::Instance("app-private")));

    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_001, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-public", "router", "vpce"], End::Delivered(From::ByEndpoint(endpoint)));
    assert!(way.decisions.contains(&"router: route 52.94.0.0/22 (pl-02cd2c6b) -> vpce beats 0.0.0.0/0".to_owned()));
    let public = world.node("app-public");
    let now = world.now;
    assert_eq!(world.state.conntrack.entries_used(public, now), 2, "DynamoDB connections by endpoint take two entries");

    // Deleted: back to the start, and what was under way ends at the tombstone.
    world.model.delete_vpc_endpoint(endpoint).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), syn());
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NoRoute));
    assert!(world.program.hosts[world.host(From::ByEndpoint(endpoint)).at()].removed);
}

#[test]
fn a_connection_that_was_open_across_the_change_leaves_by_the_new_road_and_its_reset_comes_back() {
    let mut world = World::tutorial();
    world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "S"));
    world.send(From::Service, tcp(DYNAMODB, 443, PUBLIC_OUTSIDE, 40_000, "SA"));
    let main = world.main_table;
    let endpoint = world.endpoint(&[main]);
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "A"));
    assert_eq!(way.nodes, ["app-public", "router", "vpce"]);
    assert_eq!(way.decisions[1], "app-public: sg egress tracked");
    let way = world.send(From::ByEndpoint(endpoint), tcp(DYNAMODB, 443, PUBLIC, 40_000, "R"));
    assert_eq!(way.nodes, ["vpce", "router", "app-public"]);
    assert_eq!(way.decisions[2], "app-public: sg ingress tracked");
}

#[test]
fn ssh_from_outside_is_refused_until_a_group_allows_it() {
    let mut world = World::tutorial();
    let syn = || tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 22, "S");
    let road = ["internet", "igw", "router", "app-public"];
    let way = world.send(From::Outside("laptop"), syn());
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupIngress));
    assert_eq!(way.decisions.last().unwrap(), "app-public: sg ingress no rule");

    let ssh = world.group("my-ssh-access", &[(false, tcp_port(22), cidr("198.51.100.7/32"))]);
    let (eni, default) = (world.eni("app-public"), world.model.vpcs[&world.vpc].default_security_group_id);
    world.model.set_security_groups(eni, &[default, ssh]).unwrap();
    world.publish();
    let way = world.send(From::Outside("laptop"), syn());
    world.expect(&way, &road, End::Delivered(From::Instance("app-public")));
    assert!(
        way.decisions
            .contains(&"app-public: sg ingress my-ssh-access: tcp 22 from 198.51.100.7/32, tracked=true".to_owned())
    );

    // Without the group again the connection lives on, new ones do not begin.
    world.model.set_security_groups(eni, &[default]).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 22, LAPTOP, 50_000, "SA"));
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 22, "A"));
    world.expect(&way, &road, End::Delivered(From::Instance("app-public")));
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_001, PUBLIC_OUTSIDE, 22, "S"));
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupIngress));
}

#[test]
fn between_subnets_both_acls_speak_and_within_one_none() {
    let mut world = World::tutorial();
    let subnet = world.public_subnet;
    world.launch("app-2", subnet, &[]);
    let neighbour = [172, 31, 0, 11];
    let (mine, theirs) = (world.eni("app-public"), world.eni("app-2"));

    // By the neighbour's Ethernet address, as a host would: the router never sees it.
    let mut frame = tcp(PUBLIC, 1_000, neighbour, 80, "S");
    let macs = [mine, theirs].map(|eni| world.model.network_interfaces[&eni].mac);
    ethernet::set_addresses(&mut frame, macs[0], macs[1]);
    let way = world.send_as_is(From::Instance("app-public"), frame);
    world.expect(&way, &["app-public", "app-2"], End::Delivered(From::Instance("app-2")));
    assert_eq!(
        way.decisions[2..],
        [
            "app-public: same subnet".to_owned(),
            "app-2: sg ingress default: all from ".to_owned()
                + &world.model.vpcs[&world.vpc].default_security_group_id.to_string()
                + ", tracked=true",
            "app-2: check ingress passed=true".to_owned(),
        ]
    );
    // By the router's: handed back into the subnet, still without ACL.
    let way = world.send(From::Instance("app-2"), tcp(neighbour, 80, PUBLIC, 1_000, "SA"));
    world.expect(&way, &["app-2", "router", "app-public"], End::Delivered(From::Instance("app-public")));
    assert!(!way.decisions.iter().any(|words| words.contains("acl")), "{:?}", way.decisions);

    let way = world.send(From::Instance("app-public"), echo(PUBLIC, PRIVATE, 7, false));
    world.expect(&way, &["app-public", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    let acls: Vec<_> = way.decisions.iter().filter(|words| words.contains("acl")).collect();
    assert_eq!(acls, ["router: acl egress Some(100) allowed=true", "router: acl ingress Some(100) allowed=true"]);
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, PUBLIC, 7, true));
    world.expect(&way, &["app-private", "router", "app-public"], End::Delivered(From::Instance("app-public")));
    assert!(way.decisions.contains(&"app-private: sg egress tracked".to_owned()));

    let way = world.send(From::Instance("app-public"), echo(PUBLIC, [172, 31, 96, 99], 7, false));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::NoInterfaceAtAddress));
}

#[test]
fn acls_are_stateless_and_ordered() {
    let mut world = World::tutorial();
    let acl = world.model.add_network_acl("strict", None, world.vpc, Default::default()).unwrap();
    let subnet = world.public_subnet;
    world.model.subnets.get_mut(&subnet).unwrap().network_acl_id = acl;
    let entry = |traffic, allow| vpcsim::model::NetworkAclEntry { traffic, cidr: ANYWHERE.parse().unwrap(), allow };
    world.model.add_network_acl_entry(acl, true, 100, entry(tcp_port(443), true)).unwrap();
    world.model.add_network_acl_entry(acl, false, 50, entry(tcp_port(40_001), false)).unwrap();
    let ephemeral = TrafficMatch::Ports(Protocol::TCP, PortRange { from: 40_000, to: 40_001 });
    world.model.add_network_acl_entry(acl, false, 60, entry(ephemeral, true)).unwrap();
    world.publish();
    let out = ["app-public", "router", "igw", "internet"];
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &out, End::Delivered(From::Service));
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 80, "S"));
    world.expect(&way, &out[..2], End::Dropped(DropReason::NetworkAclEgress));
    assert_eq!(way.decisions.last().unwrap(), "router: acl egress None allowed=false");
    let way = world.send(From::Service, tcp(DYNAMODB, 443, PUBLIC_OUTSIDE, 40_000, "SA"));
    world.expect(&way, &["internet", "igw", "router", "app-public"], End::Delivered(From::Instance("app-public")));
    let way = world.send(From::Service, tcp(DYNAMODB, 443, PUBLIC_OUTSIDE, 40_001, "SA"));
    world.expect(&way, &["internet", "igw", "router"], End::Dropped(DropReason::NetworkAclIngress));
    assert_eq!(way.decisions.last().unwrap(), "router: acl ingress Some(50) allowed=false");
}

#[test]
fn link_local_services_come_before_every_rule() {
    let mut world = World::tutorial();
    let nothing = world.group("nothing", &[]);
    let eni = world.eni("app-private");
    world.model.set_security_groups(eni, &[nothing]).unwrap();
    world.publish();
    let platform = End::Delivered(From::Platform("app-private"));
    let served = [
        udp([0, 0, 0, 0], 68, [255, 255, 255, 255], 67),
        udp(PRIVATE, 5_000, [172, 31, 0, 2], 53),
        tcp(PRIVATE, 5_000, [169, 254, 169, 253], 53, "S"),
        echo(PRIVATE, [172, 31, 96, 1], 1, false),
    ];
    for frame in served {
        let way = world.send(From::Instance("app-private"), frame);
        world.expect(&way, &["app-private"], platform);
        assert_eq!(way.decisions, ["app-private: platform"]);
    }
    let way = world.send(From::Platform("app-private"), udp([172, 31, 0, 2], 53, PRIVATE, 5_000));
    world.expect(&way, &["app-private"], End::Delivered(From::Instance("app-private")));

    // Another subnet's router, IMDS, and an unserved port of the resolver.
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, [172, 31, 0, 1], 1, false));
    world.expect(&way, &["app-private"], End::Dropped(DropReason::SecurityGroupNoRulesEgress));
    for destination in [[169, 254, 169, 254], [169, 254, 169, 253]] {
        let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 5_000, destination, 80, "S"));
        world.expect(&way, &["app-private"], End::Dropped(DropReason::LinkLocalNotServed));
    }
    let vpc = world.vpc;
    world.model.vpcs.get_mut(&vpc).unwrap().enable_dns_support = false;
    world.publish();
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 5_000, [169, 254, 169, 253], 53));
    world.expect(&way, &["app-private"], End::Dropped(DropReason::LinkLocalNotServed));
}

#[test]
fn arp_is_answered_from_what_aws_knows() {
    let mut world = World::tutorial();
    let subnet = world.public_subnet;
    world.launch("app-2", subnet, &[]);
    let mac = |world: &World, name| world.model.network_interfaces[&world.eni(name)].mac;
    let (mine, theirs, router) = (mac(&world, "app-public"), mac(&world, "app-2"), world.router_mac());
    let ask = |sender: [u8; 4], target: [u8; 4]| {
        let arp = etherparse::ArpPacket::new(
            etherparse::ArpHardwareId::ETHERNET,
            etherparse::EtherType::IPV4,
            etherparse::ArpOperation::REQUEST,
            &mine.0,
            &sender,
            &[0; 6],
            &target,
        );
        let mut frame = Vec::new();
        etherparse::PacketBuilder::ethernet2(mine.0, MacAddress::BROADCAST.0)
            .arp(arp.unwrap())
            .write(&mut frame)
            .unwrap();
        frame
    };
    for (target, owner) in [([172, 31, 0, 1], router), ([172, 31, 0, 2], router), ([172, 31, 0, 11], theirs)] {
        let way = world.send_as_is(From::Instance("app-public"), ask(PUBLIC, target));
        world.expect(&way, &["app-public"], End::Answered);
        let reply = vpcsim::wire::arp::Arp::of(&way.bytes).unwrap();
        assert_eq!((reply.operation, reply.sender.octets(), reply.sender_mac), (2, target, owner));
    }
    // Nobody there; another subnet; its own address, as a probe.
    for (sender, target) in [(PUBLIC, [172, 31, 0, 99]), (PUBLIC, PRIVATE), ([0; 4], PUBLIC)] {
        let way = world.send_as_is(From::Instance("app-public"), ask(sender, target));
        world.expect(&way, &["app-public"], End::Dropped(DropReason::NoInterfaceAtAddress));
    }
    let way = world.send_as_is(From::Instance("app-public"), ask(PUBLIC, PUBLIC));
    world.expect(&way, &["app-public"], End::Dropped(DropReason::BroadcastOrMulticast));
    assert_eq!(way.decisions, ["app-public: arp 172.31.0.10 answered=false"]);
    // Out on the internet everything is behind the first router.
    let way = world.send_as_is(From::Outside("laptop"), ask(LAPTOP, [198, 51, 100, 1]));
    world.expect(&way, &["internet"], End::Answered);
}

#[test]
fn what_an_interface_refuses_to_send() {
    let mut world = World::tutorial();
    let drops = |world: &mut World, frame: Vec<u8>, reason| {
        let way = world.send(From::Instance("app-public"), frame);
        world.expect(&way, &["app-public"], End::Dropped(reason));
    };
    let syn = || tcp(PUBLIC, 40_000, DYNAMODB, 443, "S");
    drops(&mut world, tcp(LAPTOP, 40_000, DYNAMODB, 443, "S"), DropReason::SourceCheck);
    for destination in [[255; 4], [224, 0, 0, 251], [172, 31, 15, 255]] {
        drops(&mut world, udp(PUBLIC, 5_000, destination, 5_353), DropReason::BroadcastOrMulticast);
    }
    let broken = |at: usize, value: u8| {
        let mut frame = syn();
        frame[at] = value;
        frame
    };
    drops(&mut world, broken(12, 0x86), DropReason::NotIpv4);
    drops(&mut world, broken(22, 63), DropReason::Malformed);
    drops(&mut world, broken(17, 99), DropReason::Malformed);
    drops(&mut world, vec![0; 9], DropReason::Malformed);

    let mut stray = syn();
    ethernet::set_addresses(&mut stray, MacAddress::local(1), MacAddress::local(2));
    let way = world.send_as_is(From::Instance("app-public"), stray);
    world.expect(&way, &["app-public"], End::Dropped(DropReason::UnknownEthernetDestination));

    let eni = world.eni("app-public");
    world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
    world.publish();
    let way = world.send(From::Instance("app-public"), tcp(LAPTOP, 40_000, PRIVATE, 443, "S"));
    world.expect(&way, &["app-public", "router", "app-private"], End::Dropped(DropReason::SecurityGroupIngress));
}

#[test]
fn what_the_internet_gateway_refuses() {
    let mut world = World::tutorial();
    let default = RouteDestination::Cidr(ANYWHERE.parse().unwrap());
    let (table, igw) = (world.private_table, world.igw);
    world.model.add_route(table, default, RouteTarget::InternetGateway(igw), RouteOrigin::CreateRoute).unwrap();
    world.publish();
    let out = |world: &mut World, who, frame, reason| {
        let way = world.send(From::Instance(who), frame);
        world.expect(&way, &[who, "router", "igw"], End::Dropped(reason));
    };
    let no_public = DropReason::InternetGatewayNoPublicAddress;
    out(&mut world, "app-private", tcp(PRIVATE, 1, DYNAMODB, 443, "S"), no_public);
    let rfc1918 = DropReason::InternetGatewayDestinationRfc1918;
    out(&mut world, "app-public", tcp(PUBLIC, 1, [10, 0, 0, 1], 443, "S"), rfc1918);
    let rfc6598 = DropReason::InternetGatewayDestinationRfc6598;
    out(&mut world, "app-public", tcp(PUBLIC, 1, [100, 127, 0, 1], 443, "S"), rfc6598);

    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 1, [8, 8, 8, 8], 443, "S"));
    let nobody = End::Dropped(DropReason::NobodyAtPublicAddress);
    world.expect(&way, &["app-public", "router", "igw", "internet"], nobody);
    for (source, reason) in [
        ([192, 168, 0, 1], DropReason::InternetGatewaySourceRfc1918),
        ([100, 64, 0, 1], DropReason::InternetGatewaySourceRfc6598),
    ] {
        let way = world.send(From::Outside("laptop"), tcp(source, 1, PUBLIC_OUTSIDE, 22, "S"));
        world.expect(&way, &["internet", "igw"], End::Dropped(reason));
    }
    for destination in [[127, 0, 0, 1], [172, 31, 0, 10], [203, 0, 113, 99]] {
        let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 1, destination, 22, "S"));
        world.expect(&way, &["internet"], nobody);
    }
    // A released address still leads to the gateway it was behind.
    let instance = world.model.instances.values().find(|i| i.tags.name() == Some("app-public")).unwrap().id;
    world.model.terminate_instance(instance).unwrap();
    world.publish();
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 1, PUBLIC_OUTSIDE, 22, "S"));
    world.expect(&way, &["internet", "igw"], End::Dropped(DropReason::InternetGatewayNoPrivateAddress));
}

#[test]
fn two_instances_reach_each_other_by_public_addresses_through_the_gateway_twice() {
    let mut world = World::tutorial();
    let web = world.group("web", &[(false, tcp_port(80), cidr("203.0.113.0/24"))]);
    let subnet = world.public_subnet;
    world.launch("web", subnet, &[web]);
    let web_public = [203, 0, 113, 26];
    let road = ["app-public", "router", "igw", "internet", "igw", "router", "web"];
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, web_public, 80, "S"));
    world.expect(&way, &road, End::Delivered(From::Instance("web")));
    assert_eq!(Parsed::of(&way.bytes).unwrap().source.octets(), PUBLIC_OUTSIDE);
    assert_checksums(&way.bytes);

    // A rule that names a group speaks of private addresses: the same road does not match it.
    let default = world.model.vpcs[&world.vpc].default_security_group_id;
    let by_group = world.group("by-group", &[(false, tcp_port(80), RulePeer::SecurityGroup(default))]);
    let eni = world.eni("web");
    world.model.set_security_groups(eni, &[by_group]).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_001, web_public, 80, "S"));
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupIngress));
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_001, [172, 31, 0, 11], 80, "S"));
    world.expect(&way, &["app-public", "router", "web"], End::Delivered(From::Instance("web")));
}

#[test]
fn what_the_endpoint_refuses() {
    let mut world = World::tutorial();
    let private = world.private_table;
    let endpoint = world.endpoint(&[private]);
    let road = ["app-private", "router", "vpce"];
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 40_000, DYNAMODB, 443));
    world.expect(&way, &road, End::Dropped(DropReason::EndpointProtocol));
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, DYNAMODB, 3, true));
    world.expect(&way, &road, End::Dropped(DropReason::EndpointProtocol));
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, DYNAMODB, 3, false));
    world.expect(&way, &road, End::Delivered(From::ByEndpoint(endpoint)));

    let from_service = [
        (tcp(DYNAMODB, 443, PRIVATE, 9_999, "S"), DropReason::EndpointInitiates),
        (echo(DYNAMODB, PRIVATE, 3, false), DropReason::EndpointInitiates),
        (udp(DYNAMODB, 443, PRIVATE, 9_999), DropReason::EndpointProtocol),
        (tcp([8, 8, 8, 8], 443, PRIVATE, 9_999, "SA"), DropReason::EndpointSourceNotInList),
    ];
    for (frame, reason) in from_service {
        let way = world.send(From::ByEndpoint(endpoint), frame);
        world.expect(&way, &["vpce"], End::Dropped(reason));
    }
    let way = world.send(From::ByEndpoint(endpoint), echo(DYNAMODB, PRIVATE, 3, true));
    world.expect(&way, &["vpce", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    // Table and endpoint are compiled from one list, so this cannot happen in one program: give the endpoint another's.
    let list = world.model.vpc_endpoints[&endpoint].prefix_list_id().unwrap();
    let old = world.program.clone();
    let key = ("us-east-1".to_owned(), list);
    world.model.prefix_lists.get_mut(&key).unwrap().cidrs = vec!["3.218.180.0/22".parse().unwrap()];
    world.publish();
    world.program.fibs = old.fibs;
    world.program.origins.tables = old.origins.tables;
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &road, End::Dropped(DropReason::EndpointDestinationNotInList));
}

#[test]
fn routes_to_interfaces_and_blackholes() {
    let mut world = World::tutorial();
    let subnet = world.public_subnet;
    let middle = world.launch("middlebox", subnet, &[]);
    let eni = world.eni("middlebox");
    let destination = RouteDestination::Cidr("192.0.2.0/24".parse().unwrap());
    let table = world.private_table;
    world.model.add_route(table, destination, RouteTarget::NetworkInterface(eni), RouteOrigin::CreateRoute).unwrap();
    world.publish();
    let road = ["app-private", "router", "middlebox"];
    let packet = || tcp(PRIVATE, 40_000, [192, 0, 2, 9], 80, "S");
    let way = world.send(From::Instance("app-private"), packet());
    world.expect(&way, &road, End::Dropped(DropReason::DestinationCheck));
    assert!(way.decisions.contains(&"router: acl ingress Some(100) allowed=true".to_owned()));
    world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
    world.publish();
    let way = world.send(From::Instance("app-private"), packet());
    world.expect(&way, &road, End::Delivered(From::Instance("middlebox")));

    let old = world.node("middlebox");
    world.model.terminate_instance(middle).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), packet());
    world.expect(&way, &road[..2], End::Dropped(DropReason::BlackholeRoute));
    assert_eq!(world.program.origins.node(old).name.as_deref(), Some("middlebox"), "names outlive what they name");
}

#[test]
fn icmp_errors_pass_with_the_connection_they_are_about_and_are_translated_inside() {
    let mut world = World::tutorial();
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "S"));
    // Some router on the way quotes the packet as it saw it: from the public address.
    let error = frag_needed([8, 8, 8, 8], PUBLIC_OUTSIDE, &way.bytes);
    let way = world.send(From::Outside("laptop"), error);
    assert_eq!(way.nodes, ["internet", "igw", "router", "app-public"]);
    assert_eq!(way.decisions[3], "app-public: sg ingress tracked");
    assert_checksums(&way.bytes);
    let quoted = etherparse::SlicedPacket::from_ip(&way.bytes[14 + 28..]).unwrap();
    let Some(etherparse::NetSlice::Ipv4(ip)) = quoted.net else { panic!("the quote is IPv4") };
    assert_eq!(ip.header().source(), PUBLIC, "the quote speaks of the private address again");
    assert_eq!(way.bytes[14 + 28..], tcp(PUBLIC, 40_000, DYNAMODB, 443, "S")[14..], "checksums of the quote included");

    let about_nothing = frag_needed([8, 8, 8, 8], PUBLIC_OUTSIDE, &tcp(PUBLIC_OUTSIDE, 40_001, DYNAMODB, 443, "S"));
    let way = world.send(From::Outside("laptop"), about_nothing);
    assert_eq!(way.decisions[3], "app-public: sg ingress no rule");
}

#[test]
fn flows_open_to_everybody_both_ways_are_not_tracked_and_end_with_their_rule() {
    let mut world = World::tutorial();
    let open = world.group("open", &[(false, tcp_port(80), cidr(ANYWHERE)), (true, TrafficMatch::All, cidr(ANYWHERE))]);
    let eni = world.eni("app-public");
    world.model.set_security_groups(eni, &[open]).unwrap();
    world.publish();
    let segment = || tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 80, "A");
    let syn = tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 80, "S");
    let way = world.send(From::Outside("laptop"), syn);
    assert_eq!(way.decisions[3], "app-public: sg ingress open: tcp 80 from 0.0.0.0/0, tracked=false");
    let (node, now) = (world.node("app-public"), world.now);
    assert_eq!(world.state.conntrack.entries_used(node, now), 0);
    world.model.security_groups.get_mut(&open).unwrap().ingress.clear();
    world.publish();
    let way = world.send(From::Outside("laptop"), segment());
    assert_eq!(way.decisions[3], "app-public: sg ingress no rule");

    // The same destination by a DynamoDB endpoint is tracked all the same.
    let main = world.main_table;
    let new =
        world.group("open-2", &[(false, TrafficMatch::All, cidr(ANYWHERE)), (true, TrafficMatch::All, cidr(ANYWHERE))]);
    world.model.set_security_groups(eni, &[new]).unwrap();
    world.endpoint(&[main]);
    world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, LAPTOP, 443, "S"));
    assert_eq!(world.state.conntrack.entries_used(node, now), 0);
    world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, DYNAMODB, 443, "S"));
    assert_eq!(world.state.conntrack.entries_used(node, now), 2);
}

#[test]
fn a_packet_that_goes_round_and_one_whose_place_is_gone() {
    use vpcsim::dataplane::{Frame, NoTap, PacketId, PacketMeta, STEPS_MAX, State, Step, step};
    let world = World::tutorial();
    let mut bytes = tcp(PUBLIC, 40_000, DYNAMODB, 443, "S");
    let sender = world.host(From::Instance("app-public"));
    let mut meta = PacketMeta { steps: STEPS_MAX, ..PacketMeta::from_host(PacketId(1), sender, world.now) };
    let mut state = State::default();
    let at = world.node("app-public");
    let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
    let ended = step(&world.program, &mut state, at, &mut frame, world.now, &mut NoTap);
    assert_eq!(ended, Step::Drop(DropReason::WalkTooLong));
    assert_eq!(state.counters.node(at).dropped_for(DropReason::WalkTooLong).packets, 1);
    frame.meta.steps = 0;
    let nowhere = vpcsim::program::NodeIx(9_999);
    let ended = step(&world.program, &mut state, nowhere, &mut frame, world.now, &mut NoTap);
    assert_eq!(ended, Step::Drop(DropReason::ResourceGone));
}

#[test]
fn outside_hosts_ask_their_provider_for_names() {
    let mut world = World::tutorial();
    let way = world.send(From::Outside("laptop"), udp(LAPTOP, 5_000, [198, 51, 100, 1], 53));
    world.expect(&way, &["internet"], End::Delivered(From::OutsidePlatform("laptop")));
    let way = world.send(From::OutsidePlatform("laptop"), udp([198, 51, 100, 1], 53, LAPTOP, 5_000));
    world.expect(&way, &["internet"], End::Delivered(From::Outside("laptop")));
    assert_eq!(ethernet::destination(&way.bytes), world.program.host_mac(world.host(From::Outside("laptop"))));
}

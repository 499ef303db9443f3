//! The edge of a VPC: hairpins, gateway route tables, middlebox routing, VPC Block Public Access, groups without rules, idle timeouts, prefix lists, further blocks.

mod world;

use std::net::Ipv4Addr;
use std::sync::Arc;
use vpcsim::calendar::Calendar;
use vpcsim::control::{
    Action, AuthorizeSecurityGroup, ControlPlane, GroupReference, ModifySecurityGroupRules, RequestedPeer,
    RevokeSecurityGroup, RuleRequest, SecurityGroupRuleUpdate, Wanted,
};
use vpcsim::dataplane::DropReason;
use vpcsim::ids::*;
use vpcsim::model::*;
use vpcsim::net::{Ipv4Net, PortRange, Protocol};
use vpcsim::time::SimTime;
use world::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn anywhere() -> RulePeer {
    RulePeer::Cidr(net("0.0.0.0/0"))
}

fn tcp_port(port: u16) -> TrafficMatch {
    TrafficMatch::Ports(Protocol::TCP, PortRange::single(port))
}

/// A group that lets everything through.
fn open(world: &mut World) -> SecurityGroupId {
    world.group("open", &[(false, TrafficMatch::All, anywhere()), (true, TrafficMatch::All, anywhere())])
}

fn set_groups(world: &mut World, instance: &str, group: SecurityGroupId) {
    world.model.set_security_groups(world.eni(instance), &[group]).unwrap();
    world.publish();
}

fn octets(address: Ipv4Addr) -> [u8; 4] {
    address.octets()
}

fn public_of(world: &World, instance: &str) -> [u8; 4] {
    octets(world.model.network_interfaces[&world.eni(instance)].public_address.unwrap().address)
}

fn private_of(world: &World, instance: &str) -> [u8; 4] {
    octets(world.model.network_interfaces[&world.eni(instance)].private_ip)
}

/// An appliance "fw" in the public subnet, with a public address and without source/destination check, open to everybody.
fn with_appliance() -> World {
    let mut world = World::tutorial();
    let group = open(&mut world);
    world.launch("fw", world.public_subnet, &[group]);
    set_groups(&mut world, "app-private", group);
    let fw = world.eni("fw");
    world.model.network_interfaces.get_mut(&fw).unwrap().source_dest_check = false;
    let address = world.model.allocate_address("private", None, None, Tags::default()).unwrap();
    world.model.associate_address(address, world.eni("app-private")).unwrap();
    world.publish();
    world
}

fn static_route(world: &mut World, table: RouteTableId, cidr: &str, target: RouteTarget) {
    let destination = RouteDestination::Cidr(net(cidr));
    world.model.add_route(table, destination, target, RouteOrigin::CreateRoute).unwrap();
    world.publish();
}

#[test]
fn a_hairpin_goes_out_and_in_and_loses_its_group() {
    let mut world = World::tutorial();
    let group = open(&mut world);
    world.launch("web", world.public_subnet, &[]);
    let (road, web) = (["app-public", "router", "igw", "internet", "igw", "router", "web"], public_of(&world, "web"));
    // Both are in the default group, which lets its members in; by their private addresses.
    let direct = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, private_of(&world, "web"), 80, "S"));
    world.expect(&direct, &["app-public", "router", "web"], End::Delivered(From::Instance("web")));
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_000, web, 80, "S"));
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupIngress));
    set_groups(&mut world, "web", group);
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 40_001, web, 80, "S"));
    world.expect(&way, &road, End::Delivered(From::Instance("web")));
    assert_checksums(&way.bytes);
    assert_eq!(&way.bytes[26..30], &PUBLIC_OUTSIDE, "its public address is all that is seen of the sender");
}

#[test]
fn a_gateway_table_sends_a_subnet_through_an_appliance_and_both_ways_must_go_there() {
    let mut world = with_appliance();
    let (fw, private) = (world.eni("fw"), public_of(&world, "app-private"));
    let private_table = world.private_table;
    let table = world.model.add_route_table("edge", None, world.vpc, Tags::default()).unwrap();
    world.model.associate_gateway(table, EdgeGateway::InternetGateway(world.igw)).unwrap();
    static_route(&mut world, table, "172.31.96.0/20", RouteTarget::NetworkInterface(fw));

    // In: to the appliance instead of the instance. Then from the appliance, as it is.
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, private, 80, "S"));
    world.expect(&way, &["internet", "igw", "router", "fw"], End::Delivered(From::Instance("fw")));
    assert!(
        way.decisions.contains(&"router: route 172.31.96.0/20 -> eni beats 172.31.0.0/16".to_owned()),
        "{:#?}",
        way.decisions
    );
    let way = world.send(From::Instance("fw"), tcp(LAPTOP, 50_000, PRIVATE, 80, "S"));
    world.expect(&way, &["fw", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    // Other subnets keep the local route.
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 80, "S"));
    world.expect(&way, &["internet", "igw", "router", "app-public"], End::Dropped(DropReason::SecurityGroupIngress));

    // The answer goes straight to the gateway, which knows better.
    let igw = RouteTarget::InternetGateway(world.igw);
    static_route(&mut world, private_table, "0.0.0.0/0", igw);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 80, LAPTOP, 50_000, "SA"));
    world.expect(&way, &["app-private", "router", "igw"], End::Dropped(DropReason::GatewayTableBypassed));
    // By the appliance it may leave, and so may the appliance's own packets.
    world.model.route_tables.get_mut(&world.private_table).unwrap().routes.pop();
    static_route(&mut world, private_table, "0.0.0.0/0", RouteTarget::NetworkInterface(fw));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 80, LAPTOP, 50_000, "SA"));
    world.expect(&way, &["app-private", "router", "fw"], End::Delivered(From::Instance("fw")));
    let way = world.send(From::Instance("fw"), tcp(PRIVATE, 80, LAPTOP, 50_000, "SA"));
    world.expect(&way, &["fw", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
    assert_eq!(&way.bytes[26..30], &private, "with the instance's public address");
    let own = private_of(&world, "fw");
    let way = world.send(From::Instance("fw"), tcp(own, 40_000, LAPTOP, 80, "S"));
    world.expect(&way, &["fw", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));

    // Without a public address the appliance gets nothing from the internet.
    world.model.network_interfaces.get_mut(&fw).unwrap().public_address = None;
    world.publish();
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_001, private, 80, "S"));
    world.expect(&way, &["internet", "igw", "router"], End::Dropped(DropReason::GatewayTableNoPublicAddress));
    // Gone, it leaves a blackhole.
    let id = world.model.network_interfaces[&fw].attachment.unwrap().instance_id.unwrap();
    world.model.terminate_instance(id).unwrap();
    world.publish();
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_002, private, 80, "S"));
    world.expect(&way, &["internet", "igw", "router"], End::Dropped(DropReason::BlackholeRoute));
}

#[test]
fn middlebox_routes_beat_local_and_local_gets_its_target_back() {
    let mut world = with_appliance();
    let (fw, main) = (world.eni("fw"), world.main_table);
    let group = world.model.security_groups.values().find(|group| group.group_name == "open").unwrap().id;
    set_groups(&mut world, "app-public", group);
    let to_private = |port| tcp(PUBLIC, port, PRIVATE, 80, "S");
    // More specific than local: one subnet.
    static_route(&mut world, main, "172.31.96.0/20", RouteTarget::NetworkInterface(fw));
    let way = world.send(From::Instance("app-public"), to_private(40_000));
    world.expect(&way, &["app-public", "router", "fw"], End::Delivered(From::Instance("fw")));
    world.model.route_tables.get_mut(&main).unwrap().routes.pop();
    // The local route itself, with a propagated route inside it that still does not win.
    world.model.set_local_target(main, net("172.31.0.0/16"), Some(RouteTarget::NetworkInterface(fw))).unwrap();
    let learned = Propagation { learned_over: LearnedOver::VpnBgp, as_path_length: 1, multi_exit_discriminator: 0 };
    let destination = RouteDestination::Cidr(net("172.31.96.0/24"));
    let igw = RouteTarget::InternetGateway(world.igw);
    world.model.add_route(main, destination, igw, RouteOrigin::Propagated(learned)).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), to_private(40_001));
    world.expect(&way, &["app-public", "router", "fw"], End::Delivered(From::Instance("fw")));
    // Gone, the appliance leaves a blackhole; `local` brings the network back.
    let id = world.model.network_interfaces[&fw].attachment.unwrap().instance_id.unwrap();
    world.model.terminate_instance(id).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), to_private(40_002));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::BlackholeRoute));
    world.model.set_local_target(main, net("172.31.0.0/16"), None).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), to_private(40_003));
    world.expect(&way, &["app-public", "router", "app-private"], End::Delivered(From::Instance("app-private")));
}

#[test]
fn what_gateway_tables_and_local_routes_do_not_take() {
    let mut world = with_appliance();
    let (fw, igw) = (world.eni("fw"), EdgeGateway::InternetGateway(world.igw));
    let code = |result: Result<RouteTableAssociationId, ModelError>| result.unwrap_err().code;
    assert_eq!(code(world.model.associate_gateway(world.main_table, igw)), "InvalidParameterValue", "a main table");
    let outside = world.model.add_route_table("outside", None, world.vpc, Tags::default()).unwrap();
    static_route(&mut world, outside, "10.9.0.0/16", RouteTarget::NetworkInterface(fw));
    assert_eq!(code(world.model.associate_gateway(outside, igw)), "InvalidParameterValue", "no block of the VPC");
    let table = world.model.add_route_table("edge", None, world.vpc, Tags::default()).unwrap();
    world.model.associate_gateway(table, igw).unwrap();
    let second = world.model.add_route_table("second", None, world.vpc, Tags::default()).unwrap();
    assert_eq!(code(world.model.associate_gateway(second, igw)), "Resource.AlreadyAssociated");
    assert_eq!(world.model.delete_route_table(table).unwrap_err().code, "DependencyViolation");
    assert_eq!(world.model.set_main_route_table(table).unwrap_err().code, "InvalidParameterValue");
    let dynamodb = world.model.prefix_list_named("com.amazonaws.us-east-1.dynamodb").unwrap().id;
    let gateway = RouteTarget::InternetGateway(world.igw);
    for (destination, target) in [
        (RouteDestination::PrefixList(dynamodb), RouteTarget::NetworkInterface(fw)),
        (RouteDestination::Cidr(net("172.31.96.0/24")), RouteTarget::NetworkInterface(fw)),
        (RouteDestination::Cidr(net("172.31.96.0/20")), gateway),
    ] {
        let refused = world.model.add_route(table, destination, target, RouteOrigin::CreateRoute).unwrap_err();
        assert_eq!(refused.code, "InvalidParameterValue", "{destination} {target}");
    }
    let local = RouteDestination::Cidr(net("172.31.96.0/20"));
    world.model.add_route(table, local, RouteTarget::Local, RouteOrigin::CreateRoute).unwrap();
    assert_eq!(
        world.model.set_local_target(world.main_table, net("172.31.0.0/16"), Some(gateway)).unwrap_err().code,
        "InvalidParameterValue"
    );
    assert_eq!(
        world.model.set_local_target(world.main_table, net("0.0.0.0/0"), None).unwrap_err().code,
        "InvalidParameterValue"
    );
}

#[test]
fn block_public_access_closes_both_directions_and_exclusions_open_them() {
    let mut world = World::tutorial();
    let group = open(&mut world);
    set_groups(&mut world, "app-public", group);
    let out = |port| tcp(PUBLIC, port, LAPTOP, 80, "S");
    let inward = |port| tcp(LAPTOP, port, PUBLIC_OUTSIDE, 80, "S");
    for (round, mode) in
        [BlockPublicAccessMode::BlockBidirectional, BlockPublicAccessMode::BlockIngress].into_iter().enumerate()
    {
        let port = 40_000 + 10 * round as u16;
        world.model.block_public_access.mode = mode;
        world.publish();
        let way = world.send(From::Instance("app-public"), out(port));
        world.expect(&way, &["app-public", "router", "igw"], End::Dropped(DropReason::BlockPublicAccess));
        let way = world.send(From::Outside("laptop"), inward(port));
        world.expect(&way, &["internet", "igw"], End::Dropped(DropReason::BlockPublicAccess));
        // An exclusion for egress is one for NAT gateways.
        let subnet = ExcludedResource::Subnet(world.public_subnet);
        let egress =
            world.model.add_public_access_exclusion("e", subnet, true, SimTime::ZERO, Tags::default()).unwrap();
        world.publish();
        let way = world.send(From::Instance("app-public"), out(port + 1));
        world.expect(&way, &["app-public", "router", "igw"], End::Dropped(DropReason::BlockPublicAccess));
        world.model.delete_public_access_exclusion(egress).unwrap();
        let vpc = ExcludedResource::Vpc(world.vpc);
        let all = world.model.add_public_access_exclusion("all", vpc, false, SimTime::ZERO, Tags::default()).unwrap();
        world.publish();
        let way = world.send(From::Instance("app-public"), out(port + 2));
        world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
        let way = world.send(From::Outside("laptop"), inward(port + 2));
        world.expect(&way, &["internet", "igw", "router", "app-public"], End::Delivered(From::Instance("app-public")));
        world.model.delete_public_access_exclusion(all).unwrap();
    }
    // What does not pass an internet gateway is none of its business.
    let endpoint = world.endpoint(&[world.main_table]);
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 41_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-public", "router", "vpce"], End::Delivered(From::ByEndpoint(endpoint)));
}

#[test]
fn groups_without_any_rule_say_so() {
    let mut world = World::tutorial();
    let (none, open) = (world.group("none", &[]), open(&mut world));
    set_groups(&mut world, "app-private", none);
    set_groups(&mut world, "app-public", open);
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 4_000, PUBLIC, 5_000));
    world.expect(&way, &["app-private"], End::Dropped(DropReason::SecurityGroupNoRulesEgress));
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, PRIVATE, 5_000));
    world.expect(&way, &["app-public", "router", "app-private"], End::Dropped(DropReason::SecurityGroupNoRulesIngress));
    world.model.add_security_group_rule(none, false, tcp_port(22), anywhere(), None).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, PRIVATE, 5_000));
    world.expect(&way, &["app-public", "router", "app-private"], End::Dropped(DropReason::SecurityGroupIngress));
}

#[test]
fn a_list_can_lead_addresses_of_the_vpc_to_the_internet_gateway_which_refuses_them() {
    let mut world = World::tutorial();
    let new = NewPrefixList {
        label: "mine".into(),
        id: None,
        name: "mine".into(),
        max_entries: 5,
        entries: vec![PrefixListEntry { cidr: net("10.9.0.0/16"), description: None }],
        tags: Tags::default(),
    };
    let list = world.model.add_prefix_list(new).unwrap();
    let (main, igw) = (world.main_table, RouteTarget::InternetGateway(world.igw));
    world.model.add_route(main, RouteDestination::PrefixList(list), igw, RouteOrigin::CreateRoute).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, [10, 9, 0, 1], 5_000));
    world.expect(&way, &["app-public", "router", "igw"], End::Dropped(DropReason::InternetGatewayDestinationRfc1918));
    // A new version of the list changes the route at once.
    let change = PrefixListChange {
        current_version: Some(1),
        add: vec![PrefixListEntry { cidr: net("172.31.96.0/24"), description: None }],
        ..PrefixListChange::default()
    };
    world.model.modify_prefix_list(list, &change).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, PRIVATE, 5_000));
    world.expect(&way, &["app-public", "router", "igw"], End::Dropped(DropReason::InternetGatewayDestinationInVpc));
    world.model.restore_prefix_list(list, 1, 2).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, PRIVATE, 5_000));
    world.expect(&way, &["app-public", "router", "app-private"], End::Delivered(From::Instance("app-private")));
}

#[test]
fn idle_timeouts_are_the_instance_types_or_what_was_set() {
    let rules = [(false, tcp_port(80), anywhere()), (true, tcp_port(443), anywhere())];
    for (instance_type, set, seconds) in
        [("t3.micro", None, 432_000), ("m8i.large", None, 350), ("m8i.large", Some(60), 60), ("t3.micro", Some(90), 90)]
    {
        let mut world = World::tutorial();
        let group = world.group("narrow", &rules);
        set_groups(&mut world, "app-public", group);
        let eni = world.eni("app-public");
        let id = world.model.network_interfaces[&eni].attachment.unwrap().instance_id.unwrap();
        world.model.instances.get_mut(&id).unwrap().instance_type = instance_type.to_owned();
        world.model.network_interfaces.get_mut(&eni).unwrap().tracking.tcp_established_seconds = set;
        world.publish();
        let road = ["internet", "igw", "router", "app-public"];
        let (there, back) = (["app-public", "router", "igw", "internet"], End::Delivered(From::Instance("app-public")));
        let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 80, "S"));
        world.expect(&way, &road, back);
        let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 80, LAPTOP, 50_000, "SA"));
        world.expect(&way, &there, End::Delivered(From::Outside("laptop")));
        world.sleep(seconds - 1);
        let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 80, LAPTOP, 50_000, "A"));
        world.expect(&way, &there, End::Delivered(From::Outside("laptop")));
        world.sleep(seconds);
        // Forgotten: no outbound rule covers the answer's port.
        let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 80, LAPTOP, 50_000, "A"));
        world.expect(&way, &["app-public"], End::Dropped(DropReason::SecurityGroupEgress));
    }
}

/// What a rule change does to connections, with the control plane that publishes it.
#[test]
fn a_rule_change_keeps_tracked_connections_and_cuts_untracked_ones_at_once() {
    let mut world = World::tutorial();
    let narrow = world.group(
        "narrow",
        &[(false, tcp_port(80), RulePeer::Cidr(net("198.51.100.0/24"))), (true, TrafficMatch::All, anywhere())],
    );
    let wide = world.group("wide", &[(false, tcp_port(81), anywhere()), (true, TrafficMatch::All, anywhere())]);
    world.model.set_security_groups(world.eni("app-public"), &[narrow, wide]).unwrap();
    let mut control = ControlPlane::new(world.model.clone(), Calendar::starting_at(1_767_225_600).unwrap()).unwrap();
    let publish = |world: &mut World, control: &ControlPlane| {
        world.model = control.model().clone();
        world.program = Arc::unwrap_or_clone(Arc::clone(control.program()));
    };
    publish(&mut world, &control);
    let road = ["internet", "igw", "router", "app-public"];
    for port in [80, 81] {
        let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, port, "S"));
        world.expect(&way, &road, End::Delivered(From::Instance("app-public")));
    }
    let rule =
        |port, peer| RuleRequest { traffic: tcp_port(port), peer: RequestedPeer::Known(peer), description: None };
    for (group, rule) in [(narrow, rule(80, RulePeer::Cidr(net("198.51.100.0/24")))), (wide, rule(81, anywhere()))] {
        let group = GroupReference::Id(group);
        let action = RevokeSecurityGroup { group, egress: false, rules: vec![rule], rule_ids: Vec::new() };
        control.handle(SimTime::ZERO, Action::RevokeSecurityGroup(action), &Wanted::default()).unwrap();
    }
    publish(&mut world, &control);
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 80, "A"));
    world.expect(&way, &road, End::Delivered(From::Instance("app-public")));
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, PUBLIC_OUTSIDE, 81, "A"));
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupNoRulesIngress));

    // A rule that is changed in its place.
    let authorize = |egress, rules| AuthorizeSecurityGroup { group: GroupReference::Id(wide), egress, rules };
    let action = Action::AuthorizeSecurityGroup(authorize(false, vec![rule(82, anywhere())]));
    control.handle(SimTime::ZERO, action, &Wanted::default()).unwrap();
    let id = control.model().security_groups[&wide].ingress[0].id;
    let update = SecurityGroupRuleUpdate {
        id,
        traffic: tcp_port(83),
        peer: RequestedPeer::Known(RulePeer::Cidr(net("198.51.100.7/24"))),
        description: Some("changed".to_owned()),
    };
    let action = ModifySecurityGroupRules { group_id: wide, rules: vec![update] };
    control.handle(SimTime::ZERO, Action::ModifySecurityGroupRules(action), &Wanted::default()).unwrap();
    publish(&mut world, &control);
    let rule = control.model().security_groups[&wide].ingress[0].clone();
    assert_eq!((rule.id, rule.peer), (id, RulePeer::Cidr(net("198.51.100.0/24"))), "host bits are cleared");
    for (port, end) in
        [(82, End::Dropped(DropReason::SecurityGroupIngress)), (83, End::Delivered(From::Instance("app-public")))]
    {
        let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_001, PUBLIC_OUTSIDE, port, "S"));
        world.expect(&way, &road, end);
    }
}

#[test]
fn network_acls_tell_icmp_types_and_codes_apart_and_spare_link_local_services() {
    let mut world = World::tutorial();
    let group = open(&mut world);
    for instance in ["app-public", "app-private"] {
        set_groups(&mut world, instance, group);
    }
    let acl = world.model.add_network_acl("icmp", None, world.vpc, Tags::default()).unwrap();
    let entry = |icmp_type, icmp_code| NetworkAclEntry {
        traffic: TrafficMatch::Icmp { icmp_type: Some(icmp_type), icmp_code },
        cidr: net("0.0.0.0/0"),
        allow: true,
    };
    world.model.add_network_acl_entry(acl, false, 100, entry(3, Some(4))).unwrap();
    world.model.add_network_acl_entry(acl, false, 110, entry(0, None)).unwrap();
    world.model.add_network_acl_entry(acl, true, 100, entry(8, Some(0))).unwrap();
    world.model.set_subnet_network_acl(world.private_subnet, acl).unwrap();
    world.publish();
    let there = ["app-private", "router", "app-public"];
    let back = ["app-public", "router", "app-private"];
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, PUBLIC, 7, false));
    world.expect(&way, &there, End::Delivered(From::Instance("app-public")));
    let way = world.send(From::Instance("app-public"), echo(PUBLIC, PRIVATE, 7, true));
    world.expect(&way, &back, End::Delivered(From::Instance("app-private")));
    let way = world.send(From::Instance("app-public"), echo(PUBLIC, PRIVATE, 8, false));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::NetworkAclIngress));
    let way = world.send(From::Instance("app-public"), frag_needed(PUBLIC, PRIVATE, &echo(PRIVATE, PUBLIC, 7, false)));
    world.expect(&way, &back, End::Delivered(From::Instance("app-private")));
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 4_000, PUBLIC, 5_000));
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NetworkAclEgress));
    // The resolver is no matter of ACLs.
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 4_000, [169, 254, 169, 253], 53));
    world.expect(&way, &["app-private"], End::Delivered(From::Platform("app-private")));
}

#[test]
fn a_further_block_has_local_routes_at_once() {
    let mut world = World::tutorial();
    let group = open(&mut world);
    let block = world.model.associate_vpc_cidr_block(world.vpc, net("100.64.0.0/16")).unwrap();
    let subnet = world
        .model
        .add_subnet(NewSubnet {
            label: "further".into(),
            id: None,
            vpc_id: world.vpc,
            cidr: net("100.64.1.0/24"),
            availability_zone: "us-east-1a".into(),
            default_for_az: false,
            map_public_ip_on_launch: false,
            tags: Tags::default(),
        })
        .unwrap();
    world.launch("further", subnet, &[group]);
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 4_000, private_of(&world, "further"), 5_000));
    world.expect(&way, &["app-public", "router", "further"], End::Delivered(From::Instance("further")));
    let refused = world.model.disassociate_vpc_cidr_block(block.association_id).unwrap_err();
    assert_eq!(refused.code, "InvalidCidrBlock.InUse");
}

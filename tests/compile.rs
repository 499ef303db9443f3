//! What holds from one compilation to the next: indices, names, sharing.

mod world;

use vpcsim::compile::Compiler;
use vpcsim::dataplane::{DropReason, Frame, NoTap, PacketId, PacketMeta, Step, step};
use vpcsim::model::{NewVpc, Route, RouteDestination, RouteOrigin, RouteTarget, RulePeer, Tags, TrafficMatch};
use vpcsim::net::Ipv4Net;
use vpcsim::program::{HostKind, NextHopKind, Node, NodeKey, RuleSource};
use world::*;

#[test]
fn indices_never_change_their_meaning_and_what_is_gone_leaves_a_tombstone() {
    let mut world = World::tutorial();
    let (main, private, subnet) = (world.main_table, world.private_table, world.public_subnet);
    let endpoint = world.endpoint(&[main]);
    let before = world.program.clone();
    let extra = world.launch("app-0", subnet, &[]);
    let extra_eni = world.eni("app-0");
    world.model.terminate_instance(extra).unwrap();
    world.model.delete_vpc_endpoint(endpoint).unwrap();
    world.publish();
    let again = world.endpoint(&[private]);
    assert_eq!(again, endpoint, "same label, same id");

    let after = &world.program;
    assert!(after.epoch > before.epoch);
    for (key, at) in &before.lookup.nodes {
        assert_eq!(after.lookup.nodes[key], *at);
    }
    for (kind, at) in &before.lookup.hosts {
        assert_eq!(after.lookup.hosts[kind], *at);
        assert_eq!(after.hosts[at.at()].kind, *kind);
        assert_eq!(after.hosts[at.at()].mac, before.hosts[at.at()].mac);
        assert_eq!(after.hosts[at.at()].link, before.hosts[at.at()].link);
    }
    assert!(matches!(after.node(after.node_of_endpoint(endpoint).unwrap()), Node::GatewayEndpoint(_)), "back again");
    let gone = after.node_of_eni(extra_eni).unwrap();
    assert!(matches!(after.node(gone), Node::Tombstone));
    let host = after.host_of(&HostKind::Instance(extra_eni)).unwrap();
    assert!(after.hosts[host.at()].removed);
    assert_eq!(after.origins.node(gone).name.as_deref(), Some("app-0"));

    // A frame of its that was still on the wire.
    let mut bytes = tcp(PUBLIC, 1, DYNAMODB, 443, "S");
    let mut meta = PacketMeta::from_host(PacketId(1), host, world.now);
    let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
    let ended = step(&world.program, &mut world.state, gone, &mut frame, world.now, &mut NoTap);
    assert_eq!(ended, Step::Drop(DropReason::ResourceGone));
}

#[test]
fn a_detached_gateway_is_a_tombstone_until_it_is_attached_again() {
    let mut world = World::tutorial();
    let (igw, vpc) = (world.igw, world.vpc);
    let at = world.program.node_of_gateway(igw).unwrap();
    world.model.internet_gateways.get_mut(&igw).unwrap().attached_vpc_id = None;
    world.publish();
    assert!(matches!(world.program.node(at), Node::Tombstone));
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 1, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::BlackholeRoute));
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 1, PUBLIC_OUTSIDE, 22, "S"));
    world.expect(&way, &["internet"], End::Dropped(DropReason::NobodyAtPublicAddress));
    world.model.attach_internet_gateway(igw, vpc).unwrap();
    world.publish();
    assert_eq!(world.program.node_of_gateway(igw), Some(at));
    let way = world.send(From::Instance("app-public"), tcp(PUBLIC, 1, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Service));
}

#[test]
fn the_same_models_give_the_same_programs() {
    let world = World::tutorial();
    let compile = || format!("{:?}", Compiler::new().compile(&world.model).unwrap());
    assert_eq!(compile(), compile());
}

#[test]
fn every_index_has_a_name_and_every_host_a_home() {
    let mut world = World::tutorial();
    let main = world.main_table;
    world.endpoint(&[main]);
    let program = &world.program;
    let origins = &program.origins;
    assert_eq!(program.nodes.len(), origins.nodes.len());
    assert_eq!(program.hosts.len(), origins.hosts.len());
    assert_eq!(program.links.len(), origins.links.len());
    assert_eq!((program.fibs.len(), program.acls.len()), (origins.tables.len(), origins.acls.len()));
    for host in program.hosts.iter() {
        assert!(!matches!(program.node(host.node), Node::Tombstone), "{host:?}");
        assert!(host.mac.is_unicast() && host.mac != Default::default());
    }
    let internet = program.node_of(&NodeKey::Internet).unwrap();
    assert_eq!(origins.node(internet).id, "internet");
    let main_table = origins.tables.iter().find(|table| table.is_main).unwrap();
    assert_eq!(main_table.table.id, main.to_string());
    let names: Vec<_> = origins.address_names.iter().map(|(at, name)| format!("{at} {name}")).collect();
    for wanted in [
        "172.31.0.10 app-public",
        "203.0.113.25 app-public-public",
        "172.31.96.1 private-router",
        "172.31.0.2 vpc-0bbc736e-resolver",
        "52.94.2.72 dynamodb.us-east-1.amazonaws.com",
        "198.51.100.7 laptop",
    ] {
        assert!(names.contains(&wanted.to_owned()), "{wanted} in {names:#?}");
    }
    assert!(origins.address_names.is_sorted());
}

#[test]
fn links_are_of_their_class() {
    let mut world = World::tutorial();
    let main = world.main_table;
    let endpoint = world.endpoint(&[main]);
    let links = world.model.links;
    let class = |kind: HostKind| {
        let host = world.program.host_of(&kind).unwrap();
        world.program.links[world.program.hosts[host.at()].link.at()]
    };
    assert_eq!(class(HostKind::Instance(world.eni("app-public"))), links.nic);
    assert_eq!(class(HostKind::EndpointService(endpoint)), links.aws_service);
    assert_eq!(class(HostKind::Outside("laptop".into())), links.internet);
    assert_eq!(class(HostKind::Platform(world.eni("app-public"))).latency.as_nanos(), 0);
    // From zone a to zone b, and inside zone a.
    let router = world.program.router(world.program.node_of_router(world.vpc).unwrap()).unwrap();
    let subnet = |name| world.program.eni(world.node(name)).unwrap().subnet;
    let between = |a, b| world.program.links[router.link_between_subnets(a, b).unwrap().at()];
    assert_eq!(between(subnet("app-public"), subnet("app-private")), links.cross_az);
    assert_eq!(between(subnet("app-private"), subnet("app-public")), links.cross_az);
    assert_eq!(between(subnet("app-public"), subnet("app-public")), links.same_az);
    assert_eq!(router.link_between(0, 99), None);
}

#[test]
fn a_group_in_a_rule_is_all_its_members_in_the_same_vpc_and_nobody_elsewhere() {
    let mut world = World::tutorial();
    let (public, private) = (world.public_subnet, world.private_subnet);
    let clients = world.group("clients", &[]);
    let server = world.group("server", &[(false, TrafficMatch::All, RulePeer::SecurityGroup(clients))]);
    world.launch("server", public, &[server]);
    // Interfaces are ordered by id, addresses are not: enough of them to be out of order.
    for (position, subnet) in [public, private, public, private, public, private].into_iter().enumerate() {
        world.launch(&format!("client-{position}"), subnet, &[clients]);
    }
    for (position, address) in
        [[172, 31, 0, 12], [172, 31, 96, 11], [172, 31, 0, 13], [172, 31, 96, 12], [172, 31, 0, 14], [172, 31, 96, 13]]
            .into_iter()
            .enumerate()
    {
        let way = world.send(From::Instance(&format!("client-{position}")), tcp(address, 1, [172, 31, 0, 11], 80, "S"));
        // The clients' own group lets nothing out: look at the compiled rule instead of the way.
        assert_eq!(way.nodes.len(), 1);
        let rule = &world.program.eni(world.node("server")).unwrap().ingress.rules[0];
        assert!(rule.peers.contains(address.into()), "{address:?} in {:?}", rule.peers);
        assert!(!rule.peers.contains(PUBLIC.into()));
    }

    let other = other_vpc(&mut world);
    let foreign = world.model.vpcs[&other].default_security_group_id;
    // A member of the foreign group, by force: AWS would not let an interface have a group of another VPC.
    let eni = world.eni("client-0");
    world.model.network_interfaces.get_mut(&eni).unwrap().security_group_ids.push(foreign);
    let rules = &mut world.model.security_groups.get_mut(&server).unwrap().ingress;
    rules[0].peer = RulePeer::SecurityGroup(foreign);
    world.publish();
    let rule = &world.program.eni(world.node("server")).unwrap().ingress.rules[0];
    assert_eq!(rule.peers, RuleSource::Addresses(Box::new([])));
}

#[test]
fn an_interface_attached_to_nothing_takes_no_packets() {
    let mut world = World::tutorial();
    let (at, eni) = (world.node("app-private"), world.eni("app-private"));
    world.model.network_interfaces.get_mut(&eni).unwrap().attachment = None;
    world.publish();
    assert!(matches!(world.program.node(at), Node::Tombstone));
    let way = world.send(From::Instance("app-public"), echo(PUBLIC, PRIVATE, 7, false));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::NoInterfaceAtAddress));
}

#[test]
fn targets_in_another_vpc_are_blackholes() {
    let mut world = World::tutorial();
    let other = other_vpc(&mut world);
    let foreign_table = world.model.vpcs[&other].main_route_table_id;
    let endpoint = world.endpoint(&[]);
    let eni = world.eni("app-public");
    let targets = [RouteTarget::NetworkInterface(eni), RouteTarget::GatewayEndpoint(endpoint)];
    for (third, target) in (0u8..).zip(targets) {
        let cidr = Ipv4Net::new_assert([192, 0, third, 0].into(), 24);
        let route = Route { destination: RouteDestination::Cidr(cidr), target, origin: RouteOrigin::CreateRoute };
        for table in [foreign_table, world.main_table] {
            world.model.route_tables.get_mut(&table).unwrap().routes.push(route);
        }
        world.publish();
        let kind = |table| {
            let table = world.program.lookup.tables[&table];
            world.program.fibs[table.at()].lookup([192, 0, third, 1].into()).unwrap().kind
        };
        assert_eq!((kind(foreign_table), kind(world.main_table)), (NextHopKind::Blackhole, NextHopKind::Node));
    }
}

fn other_vpc(world: &mut World) -> vpcsim::ids::VpcId {
    let new = NewVpc {
        region: None,
        label: "other".into(),
        id: None,
        cidrs: vec!["10.0.0.0/16".parse().unwrap()],
        is_default: false,
        enable_dns_hostnames: false,
        tags: Tags::default(),
    };
    let id = world.model.add_vpc(new).unwrap();
    world.publish();
    id
}

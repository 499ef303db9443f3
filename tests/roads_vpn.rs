//! VPN connections, Direct Connect and networks on premises, packet by packet, every counter after each.

mod world;

use etherparse::{IpHeaders, Ipv4Extensions, Ipv4Header, PacketBuilder};
use std::collections::BTreeMap;
use vpcsim::compile::Compiler;
use vpcsim::dataplane::DropReason;
use vpcsim::ids::*;
use vpcsim::model::*;
use vpcsim::time::SimTime;
use vpcsim::wire::{Parsed, arp, ethernet};
use world::*;

const FILES: [u8; 4] = [192, 168, 1, 10];
const PRINTER: [u8; 4] = [192, 168, 1, 11];
const CORP_ROUTER: [u8; 4] = [192, 168, 0, 1];
const CORP_PUBLIC: [u8; 4] = [198, 51, 100, 200];
const APP: [u8; 4] = [172, 31, 96, 11];
const OUT: [&str; 5] = ["app", "router", "vgw", "vpn", "corp"];
const IN: [&str; 5] = ["corp", "vpn", "vgw", "router", "app"];

fn net(text: &str) -> vpcsim::net::Ipv4Net {
    text.parse().unwrap()
}

/// The tutorial's VPC with a virtual private gateway, "corp" (192.168.0.0/16) on premises, and "app", which takes whatever comes from there.
struct Corp {
    world: World,
    gateway: VpnGatewayId,
}

impl Corp {
    fn new() -> Corp {
        let mut world = World::tutorial();
        let gateway = world.model.add_vpn_gateway("vgw", None, None, Tags::named("vgw")).unwrap();
        world.model.attach_vpn_gateway(gateway, world.vpc).unwrap();
        let network = OnPremisesNetwork {
            name: "corp".into(),
            cidrs: vec![net("192.168.0.0/16")],
            hosts: BTreeMap::from([("files".into(), FILES.into()), ("printer".into(), PRINTER.into())]),
            internet_address: Some(CORP_PUBLIC.into()),
            static_routes: Vec::new(),
            resolver: true,
        };
        world.model.on_premises.insert("corp".into(), network);
        let rules = [
            (true, TrafficMatch::All, RulePeer::Cidr(net("0.0.0.0/0"))),
            (false, TrafficMatch::All, RulePeer::Cidr(net("192.168.0.0/16"))),
        ];
        let open = world.group("open", &rules);
        world.launch("app", world.private_subnet, &[open]);
        Corp { world, gateway }
    }

    fn with_vpn(static_routes_only: bool) -> (Corp, VpnConnectionId) {
        let mut corp = Corp::new();
        let id = corp.vpn("office", static_routes_only, None);
        corp.propagate();
        (corp, id)
    }

    fn vpn(&mut self, label: &str, static_routes_only: bool, routes: Option<Vec<LearnedRoute>>) -> VpnConnectionId {
        let model = &mut self.world.model;
        let customer = model.add_customer_gateway("corp", None, CORP_PUBLIC.into(), 65_000, Tags::default()).unwrap();
        let routes = routes.or_else(|| Some(vec![LearnedRoute::new(net("192.168.0.0/16"))]));
        let new = NewVpnConnection {
            label: label.into(),
            id: None,
            target: VpnTarget::VpnGateway(self.gateway),
            customer_gateway_id: customer,
            static_routes_only,
            routes,
            at: SimTime::ZERO,
            tags: Tags::named(label),
        };
        let id = model.add_vpn_connection(new).unwrap();
        self.world.publish();
        id
    }

    fn virtual_interface(&mut self, kind: VirtualInterfaceKind, mtu_bytes: u16) -> VirtualInterfaceId {
        let new = NewVirtualInterface {
            label: "dx".into(),
            id: None,
            kind,
            on_premises: "corp".into(),
            routes: None,
            mtu_bytes: Some(mtu_bytes),
            at: SimTime::ZERO,
            tags: Tags::named("dx"),
        };
        let id = self.world.model.add_virtual_interface(new).unwrap();
        self.world.publish();
        id
    }

    fn propagate(&mut self) {
        let table = self.world.private_table;
        self.world.model.set_route_propagation(table, self.gateway, true).unwrap();
        self.world.publish();
    }

    fn tunnels(&mut self, id: VpnConnectionId, up: [bool; 2]) {
        self.world.model.set_tunnels(id, up).unwrap();
        self.world.publish();
    }

    fn route(&mut self, destination: &str) {
        let target = RouteTarget::VpnGateway(self.gateway);
        let destination = RouteDestination::Cidr(net(destination));
        self.world.model.add_route(self.world.private_table, destination, target, RouteOrigin::CreateRoute).unwrap();
        self.world.publish();
    }
}

fn udp_of(source: [u8; 4], destination: [u8; 4], dont_fragment: bool, bytes: usize) -> Vec<u8> {
    let header =
        Ipv4Header { source, destination, dont_fragment, time_to_live: 64, identification: 7, ..Ipv4Header::default() };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ip(IpHeaders::Ipv4(header, Ipv4Extensions::default()))
        .udp(4_000, 5_000)
        .write(&mut frame, &vec![7; bytes - 28])
        .unwrap();
    frame
}

#[test]
fn both_ways_through_the_first_tunnel() {
    let (mut corp, _) = Corp::with_vpn(false);
    let way = corp.world.send(From::Instance("app"), tcp(APP, 40_000, FILES, 80, "S"));
    corp.world.expect(&way, &OUT, End::Delivered(From::OnPremises("files")));
    assert_eq!(
        way.decisions[3..],
        [
            "router: route 192.168.0.0/16 -> vgw",
            "vgw: VpnGatewayAddress { direction: Egress, address: 172.31.96.11, known: true }",
            "vgw: route 192.168.0.0/16 -> vpn",
            &format!("vpn: {}", tunnel(&corp, Some(0))),
            "corp: TimeToLive { left: 63 }",
        ]
    );
    let parsed = Parsed::of(&way.bytes).unwrap();
    assert_eq!(parsed.five_tuple().to_string(), "tcp 172.31.96.11:40000 -> 192.168.1.10:80");
    assert_eq!(parsed.ttl, 63, "the router on premises decrements, AWS's gateways do not");
    let files = corp.world.host(From::OnPremises("files"));
    assert_eq!(ethernet::destination(&way.bytes), corp.world.program.host_mac(files));
    assert_checksums(&way.bytes);

    let way = corp.world.send(From::OnPremises("files"), tcp(FILES, 80, APP, 40_000, "SA"));
    corp.world.expect(&way, &IN, End::Delivered(From::Instance("app")));
    assert_eq!(Parsed::of(&way.bytes).unwrap().ttl, 63);
    // What begins on premises is let in by the security group.
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, APP, 5_000));
    corp.world.expect(&way, &IN, End::Delivered(From::Instance("app")));
}

fn tunnel(corp: &Corp, tunnel: Option<u8>) -> String {
    let connection = corp
        .world
        .program
        .lookup
        .nodes
        .iter()
        .find_map(|(key, at)| matches!(key, vpcsim::program::NodeKey::VpnConnection(_)).then_some(*at));
    format!("{:?}", vpcsim::dataplane::Decision::Tunnel { connection: connection.unwrap(), tunnel })
}

#[test]
fn the_second_tunnel_takes_over_and_with_none_the_packet_is_lost() {
    let (mut corp, vpn) = Corp::with_vpn(true);
    corp.tunnels(vpn, [false, true]);
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &OUT, End::Delivered(From::OnPremises("files")));
    assert!(way.decisions.contains(&format!("vpn: {}", tunnel(&corp, Some(1)))), "{:?}", way.decisions);
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &IN, End::Delivered(From::Instance("app")));
    assert!(way.decisions.contains(&format!("corp: {}", tunnel(&corp, Some(1)))), "{:?}", way.decisions);

    corp.tunnels(vpn, [false, false]);
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &OUT[..4], End::Dropped(DropReason::TunnelsDown));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::TunnelsDown));
}

#[test]
fn what_bgp_announced_vanishes_from_the_tables_with_the_tunnels() {
    let (mut corp, vpn) = Corp::with_vpn(false);
    corp.tunnels(vpn, [false, false]);
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router"], End::Dropped(DropReason::NoRoute));
    // On premises, too.
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::OnPremisesNoRoute));
    // And at the gateway, where a route that somebody wrote down still leads.
    corp.route("192.168.1.0/24");
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router", "vgw"], End::Dropped(DropReason::VpnGatewayNoRoute));
    corp.tunnels(vpn, [true, false]);
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &OUT, End::Delivered(From::OnPremises("files")));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &IN, End::Delivered(From::Instance("app")));
}

#[test]
fn the_gateway_looks_at_addresses_of_its_vpc_and_at_what_it_learned() {
    let (mut corp, _) = Corp::with_vpn(false);
    // Not the VPC's: a router that sends on for others. (Its own check is off.)
    let eni = corp.world.eni("app");
    corp.world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
    corp.world.publish();
    let way = corp.world.send(From::Instance("app"), udp([10, 9, 9, 9], 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router", "vgw"], End::Dropped(DropReason::VpnGatewaySource));

    corp.route("10.20.0.0/16");
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, [10, 20, 0, 1], 5_000));
    corp.world.expect(&way, &["app", "router", "vgw"], End::Dropped(DropReason::VpnGatewayNoRoute));

    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, [172, 31, 96, 200], 5_000));
    corp.world.expect(&way, &["corp", "vpn", "vgw"], End::Dropped(DropReason::VpnGatewayDestination));
    // Nothing that lies beyond the VPC: DynamoDB's addresses, though the subnet has a gateway endpoint.
    let table = corp.world.private_table;
    corp.world.endpoint(&[table]);
    let network = corp.world.model.on_premises.get_mut("corp").unwrap();
    let vpn = *corp.world.model.vpn_connections.keys().next().unwrap();
    network.static_routes.push((net("52.94.0.0/22"), OnPremisesLink::Vpn(vpn)));
    corp.world.publish();
    let way = corp.world.send(From::OnPremises("files"), tcp(FILES, 4_000, DYNAMODB, 443, "S"));
    corp.world.expect(&way, &["corp", "vpn", "vgw"], End::Dropped(DropReason::VpnGatewayDestination));
}

#[test]
fn detached_and_deleted_links_lead_nowhere() {
    let (mut corp, vpn) = Corp::with_vpn(false);
    corp.route("192.168.1.0/24");
    corp.world.model.detach_vpn_gateway(corp.gateway, corp.world.vpc).unwrap();
    corp.world.publish();
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router"], End::Dropped(DropReason::BlackholeRoute));
    // The VPC is no longer announced, and private addresses never go to the internet.
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, APP, 5_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::OnPremisesNoRoute));

    corp.world.model.attach_vpn_gateway(corp.gateway, corp.world.vpc).unwrap();
    corp.world.model.delete_vpn_connection(vpn).unwrap();
    corp.world.publish();
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router", "vgw"], End::Dropped(DropReason::VpnGatewayNoRoute));
}

#[test]
fn what_is_too_big_for_a_tunnel_vanishes_at_aws_and_is_told_on_premises() {
    let (mut corp, _) = Corp::with_vpn(false);
    let way = corp.world.send(From::Instance("app"), udp_of(APP, FILES, true, 1_446));
    corp.world.expect(&way, &OUT, End::Delivered(From::OnPremises("files")));
    let way = corp.world.send(From::Instance("app"), udp_of(APP, FILES, true, 1_447));
    corp.world.expect(&way, &OUT[..4], End::Dropped(DropReason::MtuExceededSilently));

    let mut way = corp.world.send(From::Instance("app"), udp_of(APP, FILES, false, 1_500));
    corp.world.expect(&way, &OUT[..4], End::Fragmented(1_446));
    let pieces = std::mem::take(&mut way.made);
    assert_eq!(pieces.len(), 2);
    for piece in &pieces {
        corp.world.expect(piece, &["corp"], End::Delivered(From::OnPremises("files")));
    }

    let mut way = corp.world.send(From::OnPremises("files"), udp_of(FILES, APP, true, 1_447));
    corp.world.expect(&way, &["corp"], End::Told(DropReason::MtuExceeded));
    let told = way.made.remove(0);
    corp.world.expect(&told, &["corp"], End::Delivered(From::OnPremises("files")));
    let packet = Parsed::of(&told.bytes).unwrap();
    assert_eq!((packet.source.octets(), packet.destination.octets()), (CORP_ROUTER, FILES));
    assert_checksums(&told.bytes);
}

#[test]
fn the_detour_to_the_internet_is_translated_and_answers_find_back() {
    let mut corp = Corp::new();
    corp.vpn("office", false, Some(vec![LearnedRoute::new(net("0.0.0.0/0"))]));
    corp.route("0.0.0.0/0");
    let way = corp.world.send(From::Instance("app"), tcp(APP, 40_000, DYNAMODB, 443, "S"));
    let nodes = [&OUT[..], &["internet"]].concat();
    corp.world.expect(&way, &nodes, End::Delivered(From::Service));
    let seen = Parsed::of(&way.bytes).unwrap();
    assert_eq!(seen.source.octets(), CORP_PUBLIC);
    let port = seen.ports.unwrap().0;
    assert_checksums(&way.bytes);

    let way = corp.world.send(From::Service, tcp(DYNAMODB, 443, CORP_PUBLIC, port, "SA"));
    let nodes = [&["internet"], &IN[..]].concat();
    corp.world.expect(&way, &nodes, End::Delivered(From::Instance("app")));
    assert_checksums(&way.bytes);
    // Nobody begins anything from the internet.
    let way = corp.world.send(From::Outside("laptop"), tcp(LAPTOP, 40_000, CORP_PUBLIC, 22, "S"));
    corp.world.expect(&way, &["internet", "corp"], End::Dropped(DropReason::NatNoSession));
}

#[test]
fn direct_connect_is_preferred_and_the_vpn_takes_over() {
    let (mut corp, _) = Corp::with_vpn(false);
    let dx = corp.virtual_interface(VirtualInterfaceKind::Private(corp.gateway), 9_001);
    let by_dx_out = ["app", "router", "vgw", "dxvif", "corp"];
    let by_dx_in = ["corp", "dxvif", "vgw", "router", "app"];
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &by_dx_out, End::Delivered(From::OnPremises("files")));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &by_dx_in, End::Delivered(From::Instance("app")));
    // A jumbo packet fits the virtual interface, not the corporate Ethernet: its router splits it, or says so.
    let mut way = corp.world.send(From::Instance("app"), udp_of(APP, FILES, false, 3_000));
    corp.world.expect(&way, &by_dx_out, End::Fragmented(1_500));
    for piece in std::mem::take(&mut way.made) {
        corp.world.expect(&piece, &["corp"], End::Delivered(From::OnPremises("files")));
    }
    let mut way = corp.world.send(From::Instance("app"), udp_of(APP, FILES, true, 3_000));
    corp.world.expect(&way, &by_dx_out, End::Told(DropReason::MtuExceeded));
    let told = way.made.remove(0);
    corp.world.expect(&told, &by_dx_in, End::Delivered(From::Instance("app")));

    corp.world.model.set_virtual_interface(dx, false).unwrap();
    corp.world.publish();
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &OUT, End::Delivered(From::OnPremises("files")));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 5_000, APP, 4_000));
    corp.world.expect(&way, &IN, End::Delivered(From::Instance("app")));
}

#[test]
fn without_another_way_a_dead_virtual_interface_loses_packets() {
    let mut corp = Corp::new();
    let dx = corp.virtual_interface(VirtualInterfaceKind::Private(corp.gateway), 1_500);
    corp.route("192.168.0.0/16");
    corp.world.model.set_virtual_interface(dx, false).unwrap();
    corp.world.publish();
    let way = corp.world.send(From::Instance("app"), udp(APP, 4_000, FILES, 5_000));
    corp.world.expect(&way, &["app", "router", "vgw", "dxvif"], End::Dropped(DropReason::VirtualInterfaceDown));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, APP, 5_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::VirtualInterfaceDown));
}

#[test]
fn a_public_virtual_interface_leads_to_aws_and_back_past_the_internet() {
    let mut corp = Corp::new();
    let public = corp.virtual_interface(VirtualInterfaceKind::Public, 1_500);
    let way = corp.world.send(From::OnPremises("files"), tcp(FILES, 40_000, DYNAMODB, 443, "S"));
    corp.world.expect(&way, &["corp", "dxvif", "internet"], End::Delivered(From::Service));
    let seen = Parsed::of(&way.bytes).unwrap();
    assert_eq!(seen.source.octets(), CORP_PUBLIC, "AWS takes what is announced to it");
    let answer = tcp(DYNAMODB, 443, CORP_PUBLIC, seen.ports.unwrap().0, "SA");
    let way = corp.world.send(From::Service, answer.clone());
    corp.world.expect(&way, &["internet", "dxvif", "corp"], End::Delivered(From::OnPremises("files")));
    // A host on the internet is none of AWS's: its packets, and those to it, take the internet.
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, LAPTOP, 5_000));
    corp.world.expect(&way, &["corp", "internet"], End::Delivered(From::Outside("laptop")));
    let port = Parsed::of(&way.bytes).unwrap().ports.unwrap().0;
    let way = corp.world.send(From::Outside("laptop"), udp(LAPTOP, 5_000, CORP_PUBLIC, port));
    corp.world.expect(&way, &["internet", "corp"], End::Delivered(From::OnPremises("files")));

    corp.world.model.set_virtual_interface(public, false).unwrap();
    corp.world.publish();
    let way = corp.world.send(From::Service, answer);
    corp.world.expect(&way, &["internet", "corp"], End::Delivered(From::OnPremises("files")));
}

#[test]
fn inside_the_corporate_network_the_router_answers_arp_and_hands_on() {
    let mut corp = Corp::new();
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, PRINTER, 5_000));
    corp.world.expect(&way, &["corp"], End::Delivered(From::OnPremises("printer")));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, [192, 168, 7, 7], 5_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::NobodyOnPremises));
    let way = corp.world.send(From::OnPremises("files"), udp(FILES, 4_000, [192, 168, 255, 255], 5_000));
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::BroadcastOrMulticast));
    // Questions to the router itself.
    for question in [udp(FILES, 4_000, CORP_ROUTER, 53), echo(FILES, CORP_ROUTER, 1, false)] {
        let way = corp.world.send(From::OnPremises("files"), question);
        corp.world.expect(&way, &["corp"], End::Delivered(From::OnPremisesPlatform("files")));
    }
    let way = corp.world.send(From::OnPremisesPlatform("files"), udp(CORP_ROUTER, 53, FILES, 4_000));
    corp.world.expect(&way, &["corp"], End::Delivered(From::OnPremises("files")));

    let files = corp.world.host(From::OnPremises("files"));
    let question = |target: [u8; 4]| {
        let mut frame = vec![0xff; 6];
        frame.extend(corp.world.program.host_mac(files).0);
        frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend(corp.world.program.host_mac(files).0);
        frame.extend(FILES);
        frame.extend([0; 6]);
        frame.extend(target);
        assert_eq!(frame.len(), arp::FRAME_BYTES);
        frame
    };
    let (of_printer, of_itself) = (question(PRINTER), question(FILES));
    let way = corp.world.send_as_is(From::OnPremises("files"), of_printer);
    corp.world.expect(&way, &["corp"], End::Answered);
    // What announces itself is not answered.
    let way = corp.world.send_as_is(From::OnPremises("files"), of_itself);
    corp.world.expect(&way, &["corp"], End::Dropped(DropReason::BroadcastOrMulticast));
}

#[test]
fn a_packet_that_has_lived_too_long_is_told_so_by_the_router_on_premises() {
    let (mut corp, _) = Corp::with_vpn(false);
    let mut frame = udp(APP, 4_000, FILES, 5_000);
    vpcsim::wire::rewrite::decrement_ttl(&mut frame);
    for _ in 0..62 {
        vpcsim::wire::rewrite::decrement_ttl(&mut frame);
    }
    let mut way = corp.world.send(From::Instance("app"), frame);
    corp.world.expect(&way, &OUT, End::Told(DropReason::TimeToLiveExceeded));
    let told = way.made.remove(0);
    corp.world.expect(&told, &IN, End::Delivered(From::Instance("app")));
    assert_eq!(Parsed::of(&told.bytes).unwrap().source.octets(), CORP_ROUTER, "a hop of traceroute");
}

#[test]
fn learned_routes_rank_as_aws_ranks_them() {
    let mut corp = Corp::new();
    let route = |path, med| {
        Some(vec![LearnedRoute { cidr: net("192.168.0.0/16"), as_path_length: path, multi_exit_discriminator: med }])
    };
    let gateway = corp.gateway;
    let best = |corp: &Corp| corp.world.model.learned_by_gateway(gateway)[0].over;
    let longer = corp.vpn("longer", false, route(3, 0));
    assert_eq!(best(&corp), OnPremisesLink::Vpn(longer));
    let dearer = corp.vpn("dearer", false, route(2, 20));
    assert_eq!(best(&corp), OnPremisesLink::Vpn(dearer));
    let cheaper = corp.vpn("cheaper", false, route(2, 10));
    assert_eq!(best(&corp), OnPremisesLink::Vpn(cheaper));
    let fixed = corp.vpn("fixed", true, None);
    assert_eq!(best(&corp), OnPremisesLink::Vpn(fixed));
    let dx = corp.virtual_interface(VirtualInterfaceKind::Private(gateway), 1_500);
    assert_eq!(best(&corp), OnPremisesLink::VirtualInterface(dx));
    corp.world.model.set_virtual_interface(dx, false).unwrap();
    corp.tunnels(fixed, [false, false]);
    assert_eq!(best(&corp), OnPremisesLink::Vpn(cheaper));
    // A table has the block once, and a longer one that is announced beside it, too.
    corp.propagate();
    corp.vpn("branch", false, Some(vec![LearnedRoute::new(net("192.168.1.0/24"))]));
    let table = &corp.world.model.route_tables[&corp.world.private_table];
    let destinations: Vec<_> =
        corp.world.model.propagated_routes(table).iter().map(|route| route.destination.to_string()).collect();
    assert_eq!(destinations, ["192.168.0.0/16", "192.168.1.0/24"]);
}

#[test]
fn limits_are_aws_limits() {
    let (mut corp, vpn) = Corp::with_vpn(true);
    let routes = |count: u32, third: u8| -> Vec<LearnedRoute> {
        let block = |n: u32| net(&format!("10.{}.{third}.0/24", 100 + n));
        (0..count).map(|n| LearnedRoute::new(block(n))).collect()
    };
    // 1 + 50 static ones are too many for a connection, and a table takes 100 propagated ones.
    for route in routes(49, 0) {
        corp.world.model.add_vpn_connection_route(vpn, route.cidr).unwrap();
    }
    let refused = corp.world.model.add_vpn_connection_route(vpn, net("10.99.0.0/24")).unwrap_err();
    assert_eq!(refused.code, "RouteLimitExceeded");
    let customer = *corp.world.model.customer_gateways.keys().next().unwrap();
    let connect = |corp: &mut Corp, label: &str, routes| {
        corp.world.model.add_vpn_connection(NewVpnConnection {
            label: label.into(),
            id: None,
            target: VpnTarget::VpnGateway(corp.gateway),
            customer_gateway_id: customer,
            static_routes_only: false,
            routes: Some(routes),
            at: SimTime::ZERO,
            tags: Tags::default(),
        })
    };
    assert!(connect(&mut corp, "fits", routes(50, 1)).is_ok());
    let refused = connect(&mut corp, "one more", routes(1, 2)).unwrap_err();
    assert_eq!((refused.code, refused.message.contains("100")), ("RouteLimitExceeded", true));
    assert!(Compiler::new().compile(&corp.world.model).is_ok());
}

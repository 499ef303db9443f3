//! NAT gateways and instances that forward, packet by packet. After each packet every counter of every node is compared.

mod world;

use etherparse::PacketBuilder;
use vpcsim::dataplane::nat::NatMetrics;
use vpcsim::dataplane::{DropReason, Frame, NoTap, PacketId, PacketMeta, Reply, Step, answer, step};
use vpcsim::ids::NatGatewayId;
use vpcsim::model::*;
use vpcsim::net::{PortRange, Protocol, TrafficMatch};
use vpcsim::program::{NodeIx, NodeKey};
use vpcsim::wire::{Parsed, TcpFlags};
use world::*;

/// The gateway's primary private address and its Elastic IP.
const NAT: [u8; 4] = [172, 31, 0, 11];
const NAT_OUTSIDE: [u8; 4] = [203, 0, 113, 26];
const OUT: [&str; 6] = ["app-private", "router", "nat", "router", "igw", "internet"];
const BACK: [&str; 6] = ["internet", "igw", "router", "nat", "router", "app-private"];

fn node(world: &World, id: NatGatewayId) -> NodeIx {
    world.program.node_of(&NodeKey::NatGateway(id)).unwrap()
}

/// The road with the last place left out: where a packet for a NAT gateway's address ends that answers nothing.
fn until(road: &[&'static str], last: &str) -> Vec<&'static str> {
    let end = road.iter().position(|node| *node == last).unwrap();
    road[..=end].to_vec()
}

fn metrics(world: &World, id: NatGatewayId) -> NatMetrics {
    let (at, now) = (node(world, id), world.now);
    world.state.nat.metrics(at, now)
}

/// Sends from app-private to DynamoDB and says by which outer port it went.
fn out(world: &mut World, port: u16, flags: &str) -> u16 {
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, port, DYNAMODB, 443, flags));
    world.expect(&way, &OUT, End::Delivered(From::Service));
    assert_checksums(&way.bytes);
    let tuple = Parsed::of(&way.bytes).unwrap().five_tuple();
    assert_eq!(
        (tuple.source.octets(), tuple.destination.octets(), tuple.destination_port),
        (NAT_OUTSIDE, DYNAMODB, 443)
    );
    assert!(tuple.source_port >= 1_024);
    tuple.source_port
}

fn back(world: &mut World, outer_port: u16, inner_port: u16, flags: &str) {
    let way = world.send(From::Service, tcp(DYNAMODB, 443, NAT_OUTSIDE, outer_port, flags));
    world.expect(&way, &BACK, End::Delivered(From::Instance("app-private")));
    assert_checksums(&way.bytes);
    let tuple = Parsed::of(&way.bytes).unwrap().five_tuple();
    assert_eq!(tuple.to_string(), format!("tcp 52.94.2.72:443 -> 172.31.96.10:{inner_port}"));
}

#[test]
fn a_private_instance_reaches_the_internet_as_the_elastic_ip_and_the_answer_finds_back() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &OUT, End::Delivered(From::Service));
    let parsed = Parsed::of(&way.bytes).unwrap();
    let port = parsed.ports.unwrap().0;
    assert_eq!(
        way.decisions,
        [
            "app-private: check egress passed=true".to_owned(),
            "app-private: sg egress default: all to 0.0.0.0/0, tracked=true".to_owned(),
            "router: acl egress Some(100) allowed=true".to_owned(),
            "router: route 0.0.0.0/0 -> nat".to_owned(),
            "router: acl ingress Some(100) allowed=true".to_owned(),
            "nat: TimeToLive { left: 63 }".to_owned(),
            format!(
                "nat: Nat {{ direction: Egress, before: (172.31.96.10, 40000), after: (172.31.0.11, {port}), begun: true }}"
            ),
            "router: acl egress Some(100) allowed=true".to_owned(),
            "router: route 0.0.0.0/0 -> igw".to_owned(),
            "igw: 172.31.0.11 becomes 203.0.113.26".to_owned(),
            "internet: public 52.94.2.72".to_owned(),
        ]
    );
    assert_eq!(parsed.ttl, 63, "a NAT gateway is a hop");
    assert_checksums(&way.bytes);

    back(&mut world, port, 40_000, "SA");
    assert_eq!(out(&mut world, 40_000, "A"), port, "the same connection, the same port");
    let measured = metrics(&world, id);
    let wanted = NatMetrics {
        active_connection_count: 1,
        connection_attempt_count: 1,
        connection_established_count: 1,
        packets_in_from_source: 2,
        bytes_in_from_source: 80,
        packets_out_to_destination: 2,
        bytes_out_to_destination: 80,
        packets_in_from_destination: 1,
        bytes_in_from_destination: 40,
        packets_out_to_source: 1,
        bytes_out_to_source: 40,
        ..NatMetrics::default()
    };
    assert_eq!(measured, wanted);
}

#[test]
fn udp_and_echo_pass_both_ways_checksums_included_and_none_stays_none() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    for without_checksum in [false, true] {
        let strip = |mut frame: Vec<u8>| {
            if without_checksum {
                frame[40..42].fill(0);
            }
            frame
        };
        let way = world.send(From::Instance("app-private"), strip(udp(PRIVATE, 5_000, LAPTOP, 6_000)));
        world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
        let port = Parsed::of(&way.bytes).unwrap().ports.unwrap().0;
        let answer = strip(udp(LAPTOP, 6_000, NAT_OUTSIDE, port));
        let returned = world.send(From::Outside("laptop"), answer);
        world.expect(&returned, &BACK, End::Delivered(From::Instance("app-private")));
        assert_eq!(Parsed::of(&returned.bytes).unwrap().ports, Some((6_000, 5_000)));
        for way in [way, returned] {
            if without_checksum {
                assert_eq!(way.bytes[40..42], [0, 0]);
            } else {
                assert_checksums(&way.bytes);
            }
        }
    }
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, LAPTOP, 9, false));
    world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
    assert_checksums(&way.bytes);
    let identifier = Parsed::of(&way.bytes).unwrap().icmp.unwrap().identifier;
    assert_ne!(identifier, 9);
    let way = world.send(From::Outside("laptop"), echo(LAPTOP, NAT_OUTSIDE, identifier, true));
    world.expect(&way, &BACK, End::Delivered(From::Instance("app-private")));
    assert_checksums(&way.bytes);
    assert_eq!(Parsed::of(&way.bytes).unwrap().icmp.unwrap().identifier, 9);
}

/// Every checksum inside the packet that an ICMP error quotes whole is right too.
#[track_caller]
fn assert_quoted_checksums(frame: &[u8]) {
    assert_checksums(frame);
    let mut quoted = frame[..14].to_vec();
    quoted.extend_from_slice(&frame[14 + 20 + 8..]);
    assert_checksums(&quoted);
}

#[test]
fn icmp_errors_are_translated_with_the_packet_they_quote_in_both_directions() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    /// By the port that the translator gave.
    type Answered = fn(u16) -> Vec<u8>;
    let sent: [(Vec<u8>, Answered); 3] = [
        (tcp(PRIVATE, 40_000, LAPTOP, 443, "S"), |port| tcp(LAPTOP, 443, NAT_OUTSIDE, port, "SA")),
        (udp(PRIVATE, 5_000, LAPTOP, 6_000), |port| udp(LAPTOP, 6_000, NAT_OUTSIDE, port)),
        (echo(PRIVATE, LAPTOP, 9, false), |port| echo(LAPTOP, NAT_OUTSIDE, port, true)),
    ];
    for (frame, answer) in sent {
        let original = Parsed::of(&frame).unwrap();
        let way = world.send(From::Instance("app-private"), frame);
        world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
        let outer = Parsed::of(&way.bytes).unwrap().five_tuple().source_port;

        // A router on the way says something about the packet that went out.
        let error = world.send(From::Outside("laptop"), frag_needed(LAPTOP, NAT_OUTSIDE, &way.bytes));
        world.expect(&error, &BACK, End::Delivered(From::Instance("app-private")));
        assert_quoted_checksums(&error.bytes);
        let parsed = Parsed::of(&error.bytes).unwrap();
        assert_eq!(parsed.destination.octets(), PRIVATE);
        assert_eq!(parsed.quoted(&error.bytes).unwrap().five_tuple(), original.five_tuple());

        // The inside says something about the answer.
        let way = world.send(From::Outside("laptop"), answer(outer));
        world.expect(&way, &BACK, End::Delivered(From::Instance("app-private")));
        let error = world.send(From::Instance("app-private"), frag_needed(PRIVATE, LAPTOP, &way.bytes));
        world.expect(&error, &OUT, End::Delivered(From::Outside("laptop")));
        assert_quoted_checksums(&error.bytes);
        let parsed = Parsed::of(&error.bytes).unwrap();
        assert_eq!(parsed.source.octets(), NAT_OUTSIDE);
        let quoted = parsed.quoted(&error.bytes).unwrap().five_tuple();
        assert_eq!((quoted.destination.octets(), quoted.destination_port), (NAT_OUTSIDE, outer));
    }
    // About nothing that is known: nothing.
    let ghost = tcp(NAT_OUTSIDE, 1_024, LAPTOP, 443, "S");
    let way = world.send(From::Outside("laptop"), frag_needed(LAPTOP, NAT_OUTSIDE, &ghost));
    world.expect(&way, &until(&BACK, "nat"), End::Dropped(DropReason::NatNoSession));
    let ghost = tcp(LAPTOP, 443, PRIVATE, 40_999, "A");
    let way = world.send(From::Instance("app-private"), frag_needed(PRIVATE, LAPTOP, &ghost));
    world.expect(&way, &until(&OUT, "nat"), End::Dropped(DropReason::NatNoSession));
}

#[test]
fn nothing_comes_in_unasked_and_the_gateway_answers_no_ping() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    let closed = until(&BACK, "nat");
    for frame in [
        tcp(LAPTOP, 50_000, NAT_OUTSIDE, 22, "S"),
        udp(LAPTOP, 50_000, NAT_OUTSIDE, 5_000),
        echo(LAPTOP, NAT_OUTSIDE, 1, false),
        echo(LAPTOP, NAT_OUTSIDE, 1, true),
    ] {
        let way = world.send(From::Outside("laptop"), frame);
        world.expect(&way, &closed, End::Dropped(DropReason::NatNoSession));
    }
    // Not even with a time to live that would earn an answer, nor from inside, nor by the private address.
    let mut frame = tcp(LAPTOP, 50_000, NAT_OUTSIDE, 22, "S");
    frame[14 + 8] = 1;
    frame[14 + 10..14 + 12].fill(0);
    let sum = vpcsim::wire::checksum::checksum(&frame[14..34]);
    frame[14 + 10..14 + 12].copy_from_slice(&sum.to_be_bytes());
    let way = world.send(From::Outside("laptop"), frame);
    world.expect(&way, &closed, End::Dropped(DropReason::NatNoSession));
    let way = world.send(From::Instance("app-private"), echo(PRIVATE, NAT, 1, false));
    world.expect(&way, &["app-private", "router", "nat"], End::Dropped(DropReason::NatNoSession));

    // An answer from somebody else than who was asked is no answer.
    let port = out(&mut world, 40_000, "S");
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 443, NAT_OUTSIDE, port, "SA"));
    world.expect(&way, &closed, End::Dropped(DropReason::NatNoSession));
    assert_eq!(metrics(&world, id).packets_drop_count, 7);
}

#[test]
fn a_hairpin_by_the_elastic_ip_ends_at_the_gateway() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, NAT_OUTSIDE, 443, "S"));
    let road = ["app-private", "router", "nat", "router", "igw", "internet", "igw", "router", "nat"];
    world.expect(&way, &road, End::Dropped(DropReason::NatNoSession));
}

#[test]
fn what_its_own_subnet_routes_back_to_it_is_dropped_there_and_counted_and_takes_no_port() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    world.model.associate_route_table(world.private_table, world.public_subnet).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "S"));
    world.expect(&way, &["app-private", "router", "nat"], End::Dropped(DropReason::NatRouteLoop));
    let measured = metrics(&world, id);
    assert_eq!((measured.packets_in_from_source, measured.packets_drop_count), (1, 1));
    assert_eq!((measured.packets_out_to_destination, measured.active_connection_count), (0, 0));
}

#[test]
fn after_350_idle_seconds_the_inside_is_reset_and_the_outside_is_not_heard() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    let port = out(&mut world, 40_000, "S");
    back(&mut world, port, 40_000, "SA");
    world.sleep(349);
    out(&mut world, 40_000, "A");
    world.sleep(349);
    back(&mut world, port, 40_000, "A");
    world.sleep(350);

    let way = world.send(From::Service, tcp(DYNAMODB, 443, NAT_OUTSIDE, port, "A"));
    world.expect(&way, &until(&BACK, "nat"), End::Dropped(DropReason::NatNoSession));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, DYNAMODB, 443, "A"));
    world.expect(&way, &until(&OUT, "nat"), End::Told(DropReason::NatIdleTimeout));
    let [reset] = &way.made[..] else { panic!("one reset") };
    world.expect(reset, &["router", "app-private"], End::Delivered(From::Instance("app-private")));
    let parsed = Parsed::of(&reset.bytes).unwrap();
    assert_eq!(parsed.five_tuple().to_string(), "tcp 52.94.2.72:443 -> 172.31.96.10:40000", "in the far end's name");
    assert!(parsed.tcp_flags.unwrap().has(TcpFlags::RST));
    let measured = metrics(&world, id);
    assert_eq!((measured.idle_timeout_count, measured.active_connection_count), (1, 1));

    // A connection that never was is treated alike, a reset is not answered, and a SYN begins anew.
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 41_000, DYNAMODB, 443, "A"));
    world.expect(&way, &until(&OUT, "nat"), End::Told(DropReason::NatIdleTimeout));
    world.expect(&way.made[0], &["router", "app-private"], End::Delivered(From::Instance("app-private")));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 41_000, DYNAMODB, 443, "R"));
    world.expect(&way, &until(&OUT, "nat"), End::Dropped(DropReason::NatIdleTimeout));
    let port = out(&mut world, 40_000, "S");
    back(&mut world, port, 40_000, "SA");
}

#[test]
fn a_closed_connection_lingers_for_its_last_segments_then_frees_its_port() {
    let mut world = World::tutorial();
    world.model.forwarding.nat_connections_per_destination = 1;
    let id = world.nat_gateway(1);
    let port = out(&mut world, 40_000, "S");
    back(&mut world, port, 40_000, "SA");
    out(&mut world, 40_000, "FA");
    back(&mut world, port, 40_000, "FA");
    assert_eq!(out(&mut world, 40_000, "A"), port, "the last ACK");
    let refused = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_001, DYNAMODB, 443, "S"));
    world.expect(&refused, &until(&OUT, "nat"), End::Dropped(DropReason::NatPortExhausted));
    world.sleep(60);
    out(&mut world, 40_001, "S");
    // The same connection once more needs no waiting.
    let port = out(&mut world, 40_001, "R");
    let way = world.send(From::Service, tcp(DYNAMODB, 443, NAT_OUTSIDE, port, "A"));
    world.expect(&way, &BACK, End::Delivered(From::Instance("app-private")));
    out(&mut world, 40_001, "S");
    let measured = metrics(&world, id);
    assert_eq!((measured.error_port_allocation, measured.idle_timeout_count), (1, 0));
    assert_eq!((measured.connection_attempt_count, measured.connection_established_count), (3, 1));
}

#[test]
fn other_protocols_fragments_of_tcp_and_foreign_sources_are_dropped() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(PRIVATE, LAPTOP, 64);
    builder.write(&mut frame, etherparse::IpNumber::GRE, &[0; 20]).unwrap();
    let way = world.send(From::Instance("app-private"), frame);
    world.expect(&way, &until(&OUT, "nat"), End::Dropped(DropReason::NatProtocol));

    for frame in [tcp(PRIVATE, 1, LAPTOP, 2, "A"), echo(PRIVATE, LAPTOP, 3, false)] {
        let way = world.send(From::Instance("app-private"), fragment(&frame, 0, true));
        world.expect(&way, &until(&OUT, "nat"), End::Dropped(DropReason::NatFragment));
    }
    let eni = world.eni("app-private");
    world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp([10, 9, 9, 9], 1, LAPTOP, 2, "S"));
    world.expect(&way, &until(&OUT, "nat"), End::Dropped(DropReason::NatSourceNotInVpc));
}

/// Makes a frame a fragment of a datagram with the identification 77.
fn fragment(frame: &[u8], offset_bytes: u16, more: bool) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[18..20].copy_from_slice(&77u16.to_be_bytes());
    let field = (offset_bytes / 8) | if more { 0x2000 } else { 0 };
    frame[20..22].copy_from_slice(&field.to_be_bytes());
    frame[24..26].fill(0);
    let sum = vpcsim::wire::checksum::checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn later_fragments_of_udp_follow_their_first_both_ways_for_a_while() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let whole = udp(PRIVATE, 5_000, LAPTOP, 6_000);
    let late = world.send(From::Instance("app-private"), fragment(&whole, 8, false));
    // Its own group lets it pass: no ports are asked for.
    world.expect(&late, &until(&OUT, "nat"), End::Dropped(DropReason::FragmentWithoutFirst));
    let way = world.send(From::Instance("app-private"), fragment(&whole, 0, true));
    world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
    let port = Parsed::of(&way.bytes).unwrap().ports.unwrap().0;
    let way = world.send(From::Instance("app-private"), fragment(&whole, 8, false));
    world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
    assert_eq!(Parsed::of(&way.bytes).unwrap().source.octets(), NAT_OUTSIDE);
    assert_eq!(way.bytes[34..], whole[34..], "nothing behind the header changes");

    let whole = udp(LAPTOP, 6_000, NAT_OUTSIDE, port);
    let way = world.send(From::Outside("laptop"), fragment(&whole, 8, false));
    world.expect(&way, &until(&BACK, "nat"), End::Dropped(DropReason::FragmentWithoutFirst));
    for (offset_bytes, more) in [(0, true), (8, false)] {
        let way = world.send(From::Outside("laptop"), fragment(&whole, offset_bytes, more));
        world.expect(&way, &BACK, End::Delivered(From::Instance("app-private")));
        assert_eq!(Parsed::of(&way.bytes).unwrap().destination.octets(), PRIVATE);
    }
    world.sleep(30);
    let way = world.send(From::Outside("laptop"), fragment(&whole, 8, false));
    world.expect(&way, &until(&BACK, "nat"), End::Dropped(DropReason::FragmentWithoutFirst));
}

fn jumbo(source: [u8; 4], destination: [u8; 4], payload_bytes: usize, dont_fragment: bool) -> Vec<u8> {
    let mut ip = etherparse::Ipv4Header::new(0, 64, etherparse::IpNumber::UDP, source, destination).unwrap();
    ip.dont_fragment = dont_fragment;
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ip(etherparse::IpHeaders::Ipv4(ip, Default::default()))
        .udp(5_000, 6_000)
        .write(&mut frame, &vec![7; payload_bytes])
        .unwrap();
    frame
}

#[test]
fn what_is_too_big_for_it_is_refused_by_itself_and_for_the_gateway_by_the_router_in_its_name() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let way = world.send(From::Instance("app-private"), jumbo(PRIVATE, LAPTOP, 8_973, true));
    world.expect(&way, &until(&OUT, "nat"), End::Told(DropReason::MtuExceeded));
    let [told] = &way.made[..] else { panic!("one error") };
    world.expect(told, &["router", "app-private"], End::Delivered(From::Instance("app-private")));
    let error = Parsed::of(&told.bytes).unwrap();
    assert_eq!((error.source.octets(), error.icmp_type_and_code()), (NAT, Some((3, 4))));
    assert_eq!(told.bytes[40..42], 8_500u16.to_be_bytes());

    // It fits the NAT gateway, but not the internet gateway behind it: the error about the translated packet finds back.
    let way = world.send(From::Instance("app-private"), jumbo(PRIVATE, LAPTOP, 8_472, true));
    world.expect(
        &way,
        &until(&OUT, "nat")[..3].iter().copied().chain(["router"]).collect::<Vec<_>>(),
        End::Told(DropReason::MtuExceeded),
    );
    let [told] = &way.made[..] else { panic!("one error") };
    world.expect(told, &["router", "nat", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    assert_eq!(told.bytes[40..42], 1_500u16.to_be_bytes());
    assert_checksums(&told.bytes);
    let quoted = Parsed::of(&told.bytes).unwrap().quoted(&told.bytes).unwrap();
    assert_eq!(quoted.five_tuple().to_string(), "udp 172.31.96.10:5000 -> 198.51.100.7:6000");

    // Without DF it is split, and what is split passes.
    let way = world.send(From::Instance("app-private"), jumbo(PRIVATE, LAPTOP, 8_973, false));
    world.expect(&way, &until(&OUT, "nat"), End::Fragmented(8_500));
    assert_eq!(way.made.len(), 2);
}

#[test]
fn a_syn_offers_segments_that_fit() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4(PRIVATE, LAPTOP, 64)
        .tcp(1, 2, 3, 4)
        .syn()
        .options(&[etherparse::TcpOptionElement::MaximumSegmentSize(8_961)])
        .unwrap()
        .write(&mut frame, &[])
        .unwrap();
    let way = world.send(From::Instance("app-private"), frame);
    world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
    assert!(way.decisions.contains(&"nat: MssClamped { before: 8961, after: 8460 }".to_owned()));
    assert_checksums(&way.bytes);
}

#[test]
fn the_last_hop_of_a_time_to_live_is_told_by_the_gateway() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let mut frame = udp(PRIVATE, 5_000, LAPTOP, 33_434);
    frame[22] = 1;
    let whole = fragment(&frame, 0, false);
    let way = world.send(From::Instance("app-private"), whole);
    world.expect(&way, &until(&OUT, "nat"), End::Told(DropReason::TimeToLiveExceeded));
    let [told] = &way.made[..] else { panic!("one error") };
    world.expect(told, &["router", "app-private"], End::Delivered(From::Instance("app-private")));
    let error = Parsed::of(&told.bytes).unwrap();
    assert_eq!((error.source.octets(), error.icmp_type_and_code()), (NAT, Some((11, 0))));
    assert_eq!(error.quoted(&told.bytes).unwrap().source.octets(), PRIVATE, "about the packet as it came");
}

#[test]
fn its_subnets_acl_and_table_apply() {
    let mut world = World::tutorial();
    world.nat_gateway(1);
    let acl = world.model.add_network_acl("tight", None, world.vpc, Tags::default()).unwrap();
    let rule = |port| NetworkAclEntry {
        traffic: TrafficMatch::Ports(Protocol::TCP, PortRange::single(port)),
        cidr: "0.0.0.0/0".parse().unwrap(),
        allow: true,
    };
    world.model.add_network_acl_entry(acl, false, 100, rule(443)).unwrap();
    let subnet = world.public_subnet;
    world.model.set_subnet_network_acl(subnet, acl).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 1, LAPTOP, 80, "S"));
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::NetworkAclIngress));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 1, LAPTOP, 443, "S"));
    world.expect(&way, &["app-private", "router", "nat", "router"], End::Dropped(DropReason::NetworkAclEgress));
}

#[test]
fn private_gateways_have_no_way_through_the_internet_gateway_and_deleted_ones_leave_a_blackhole() {
    let mut world = World::tutorial();
    let id = world.add_nat_gateway(NatConnectivity::Private, &[]);
    world.route_private(RouteTarget::NatGateway(id));
    let syn = || tcp(PRIVATE, 40_000, LAPTOP, 443, "S");
    let way = world.send(From::Instance("app-private"), syn());
    world.expect(&way, &until(&OUT, "igw"), End::Dropped(DropReason::InternetGatewayNoPublicAddress));
    let at = node(&world, id);
    world.model.delete_nat_gateway(id).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), syn());
    world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::BlackholeRoute));
    assert_eq!(world.program.node_of(&NodeKey::NatGateway(id)), Some(at), "its place stays a tombstone");
}

#[test]
fn connections_by_a_nat_gateway_are_always_tracked_with_one_entry() {
    let mut world = World::tutorial();
    let open = [(false, TrafficMatch::All), (true, TrafficMatch::All)];
    let rules = open.map(|(egress, traffic)| (egress, traffic, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())));
    let group = world.group("open", &rules);
    let eni = world.eni("app-private");
    world.model.set_security_groups(eni, &[group]).unwrap();
    world.nat_gateway(1);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, [172, 31, 0, 10], 443, "S"));
    assert!(way.decisions[1].ends_with("tracked=false"), "{:?}", way.decisions);
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, LAPTOP, 443, "S"));
    assert!(way.decisions[1].ends_with("tracked=true"), "{:?}", way.decisions);
    let (at, now) = (world.node("app-private"), world.now);
    assert_eq!(world.state.conntrack.entries_used(at, now), 1);
}

#[test]
fn an_address_that_goes_takes_its_connections_with_it() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(2);
    let mut ports: Vec<(u16, [u8; 4])> = Vec::new();
    for port in 0..20 {
        let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000 + port, LAPTOP, 443, "S"));
        world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
        ports.push((40_000 + port, Parsed::of(&way.bytes).unwrap().source.octets()));
    }
    let second = ports.iter().find(|(_, source)| *source != NAT_OUTSIDE).expect("both addresses are used").0;
    let first = ports.iter().find(|(_, source)| *source == NAT_OUTSIDE).expect("both addresses are used").0;
    let association = world.model.nat_gateways[&id].addresses[1].elastic.unwrap().association_id;
    world.model.disassociate_nat_gateway_addresses(id, &[association]).unwrap();
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, first, LAPTOP, 443, "A"));
    world.expect(&way, &OUT, End::Delivered(From::Outside("laptop")));
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, second, LAPTOP, 443, "A"));
    world.expect(&way, &until(&OUT, "nat"), End::Told(DropReason::NatIdleTimeout));
    world.expect(&way.made[0], &["router", "app-private"], End::Delivered(From::Instance("app-private")));
}

/// One SYN from the inside at the NAT gateway itself: the port it goes by, or the drop.
fn syn_at(world: &mut World, at: NodeIx, source: [u8; 4], port: u16, to: ([u8; 4], u16)) -> Result<(u32, u16), Step> {
    let mut bytes = tcp(source, port, to.0, to.1, "S");
    let mut meta = PacketMeta::from_host(PacketId(0), world.host(From::Instance("app-private")), world.now);
    let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
    match step(&world.program, &mut world.state, at, &mut frame, world.now, &mut NoTap) {
        Step::Forward(..) => {
            let tuple = Parsed::of(&bytes).unwrap().five_tuple();
            Ok((u32::from(tuple.source), tuple.source_port))
        }
        other => Err(other),
    }
}

#[test]
fn the_55001st_connection_to_one_destination_has_no_port_and_others_go_on() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    let at = node(&world, id);
    let to = (LAPTOP, 443);
    let mut given = std::collections::BTreeSet::new();
    for number in 0..55_000u32 {
        let source = [172, 31, 96, 10 + (number / 50_000) as u8];
        let port = syn_at(&mut world, at, source, (number % 50_000) as u16 + 1_024, to).unwrap();
        assert!(port.1 >= 1_024 && given.insert(port), "given twice: {port:?}");
    }
    let refused = syn_at(&mut world, at, PRIVATE, 60_001, to);
    assert_eq!(refused, Err(Step::Drop(DropReason::NatPortExhausted)));
    // Another port, another address, another protocol are other destinations.
    syn_at(&mut world, at, PRIVATE, 60_001, (LAPTOP, 444)).unwrap();
    syn_at(&mut world, at, PRIVATE, 60_001, (DYNAMODB, 443)).unwrap();
    let measured = metrics(&world, id);
    assert_eq!((measured.error_port_allocation, measured.active_connection_count), (1, 55_002));
    assert_eq!(measured.packets_drop_count, 1);
    // And when they are forgotten, all ports are there again.
    world.sleep(350);
    syn_at(&mut world, at, PRIVATE, 60_001, to).unwrap();
    assert_eq!(metrics(&world, id).idle_timeout_count, 55_002);
}

#[test]
fn a_nat_instance_masquerades_and_answers_come_back_through_it() {
    let mut world = World::tutorial();
    let subnet = world.public_subnet;
    world.launch_forwarding("nat-instance", subnet, Forwarding::Masquerade);
    let (eni, group) = (world.eni("nat-instance"), world.group("relay", &relay_rules()));
    world.model.set_security_groups(eni, &[group]).unwrap();
    world.route_private(RouteTarget::NetworkInterface(eni));
    let system = world.program.origins.node(world.program.node_of(&NodeKey::Forwarder(eni)).unwrap()).id.clone();
    let system = system.as_str();

    let out = ["app-private", "router", "nat-instance", system, "nat-instance", "router", "igw", "internet"];
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, LAPTOP, 443, "S"));
    world.expect(&way, &out, End::Delivered(From::Outside("laptop")));
    assert_checksums(&way.bytes);
    let parsed = Parsed::of(&way.bytes).unwrap();
    let public = [203, 0, 113, 26];
    assert_eq!(parsed.five_tuple().to_string(), "tcp 203.0.113.26:40000 -> 198.51.100.7:443", "Linux keeps the port");
    assert_eq!(parsed.ttl, 63);
    assert!(way.decisions.contains(&format!("{system}: Forwarded {{ masquerade: true }}")), "{:#?}", way.decisions);

    let back = ["internet", "igw", "router", "nat-instance", system, "nat-instance", "router", "app-private"];
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 443, public, 40_000, "SA"));
    world.expect(&way, &back, End::Delivered(From::Instance("app-private")));
    assert_checksums(&way.bytes);
    assert_eq!(Parsed::of(&way.bytes).unwrap().five_tuple().to_string(), "tcp 198.51.100.7:443 -> 172.31.96.10:40000");

    // The same inside port to the same place by another host gets another port.
    world.launch("app-two", world.private_subnet, &[]);
    let way = world.send(From::Instance("app-two"), tcp([172, 31, 96, 11], 40_000, LAPTOP, 443, "S"));
    assert_eq!(way.verdict.step, Step::Deliver(world.host(From::Outside("laptop"))));
    assert_ne!(Parsed::of(&way.bytes).unwrap().ports.unwrap().0, 40_000);

    // What is for the instance itself is its own.
    let way = world.send(From::Outside("laptop"), tcp(LAPTOP, 50_000, public, 22, "S"));
    assert_eq!(way.nodes, ["internet", "igw", "router", "nat-instance"]);
    assert_eq!(way.verdict.step, Step::Deliver(world.host(From::Instance("nat-instance"))));
}

fn relay_rules() -> [(bool, TrafficMatch, RulePeer); 2] {
    [false, true].map(|egress| (egress, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())))
}

#[test]
fn an_appliance_forwards_unchanged_and_says_when_the_time_to_live_is_over() {
    let mut world = World::tutorial();
    let subnet = world.public_subnet;
    world.launch_forwarding("firewall", subnet, Forwarding::Route);
    let (eni, group) = (world.eni("firewall"), world.group("relay", &relay_rules()));
    world.model.set_security_groups(eni, &[group]).unwrap();
    world.route_private(RouteTarget::NetworkInterface(eni));
    let system = world.program.origins.node(world.program.node_of(&NodeKey::Forwarder(eni)).unwrap()).id.clone();
    // Its private source has no public address, so the internet gateway ends it; that is the appliance's own subnet's affair.
    let road = ["app-private", "router", "firewall", system.as_str(), "firewall", "router", "igw"];
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, LAPTOP, 443, "S"));
    world.expect(&way, &road, End::Dropped(DropReason::InternetGatewayNoPublicAddress));
    assert_eq!(Parsed::of(&way.bytes).unwrap().source.octets(), PRIVATE);

    let mut frame = udp(PRIVATE, 5_000, LAPTOP, 33_434);
    frame[22] = 1;
    let way = world.send(From::Instance("app-private"), fragment(&frame, 0, false));
    world.expect(&way, &road[..4], End::Told(DropReason::TimeToLiveExceeded));
    let [told] = &way.made[..] else { panic!("one error") };
    world.expect(told, &["firewall", "router", "app-private"], End::Delivered(From::Instance("app-private")));

    // With the check on, it never gets there.
    world.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = true;
    world.publish();
    let way = world.send(From::Instance("app-private"), tcp(PRIVATE, 40_000, LAPTOP, 443, "S"));
    world.expect(&way, &road[..3], End::Dropped(DropReason::DestinationCheck));
}

#[test]
fn a_reset_is_built_for_the_packet_as_it_came() {
    let mut world = World::tutorial();
    let id = world.nat_gateway(1);
    let at = node(&world, id);
    let mut bytes = tcp(PRIVATE, 40_000, DYNAMODB, 443, "A");
    let mut meta = PacketMeta::from_host(PacketId(0), world.host(From::Instance("app-private")), world.now);
    let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
    let end = step(&world.program, &mut world.state, at, &mut frame, world.now, &mut NoTap);
    let Step::Reply(Reply::Error { reason: DropReason::NatIdleTimeout, answer }) = end else { panic!("{end:?}") };
    let said = answer::build(&world.program, at, answer, &bytes, &meta).unwrap();
    assert_eq!(Parsed::of(&said.bytes).unwrap().destination.octets(), PRIVATE);
}

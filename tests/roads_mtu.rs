//! Path MTU, fragments, time to live and the limit of link-local services, packet by packet, every counter after each.

mod world;

use etherparse::{IpFragOffset, IpHeaders, Ipv4Extensions, Ipv4Header, PacketBuilder};
use vpcsim::dataplane::DropReason;
use vpcsim::model::{NetworkAclEntry, RulePeer, TrafficMatch, TtlMode};
use vpcsim::net::{PortRange, Protocol};
use vpcsim::wire::{Parsed, TcpFlags, fragment};
use world::*;

const ROUTER_OF_PUBLIC: [u8; 4] = [172, 31, 0, 1];
const ROUTER_OF_PRIVATE: [u8; 4] = [172, 31, 96, 1];

fn header(source: [u8; 4], destination: [u8; 4], dont_fragment: bool) -> Ipv4Header {
    Ipv4Header { source, destination, dont_fragment, time_to_live: 64, identification: 77, ..Ipv4Header::default() }
}

/// A frame with this IP header; `bytes` is the length of the IP packet.
fn udp_of(header: Ipv4Header, ports: (u16, u16), bytes: usize) -> Vec<u8> {
    let ip = IpHeaders::Ipv4(header, Ipv4Extensions::default());
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ip(ip)
        .udp(ports.0, ports.1)
        .write(&mut frame, &vec![7; bytes - 28])
        .unwrap();
    frame
}

fn echo_of(header: Ipv4Header, bytes: usize) -> Vec<u8> {
    let ip = IpHeaders::Ipv4(header, Ipv4Extensions::default());
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ip(ip).icmpv4_echo_request(9, 1);
    builder.write(&mut frame, &vec![7; bytes - 28]).unwrap();
    frame
}

fn syn_of(source: [u8; 4], destination: [u8; 4], ports: (u16, u16), mss: u16, ack: bool) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder =
        PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(source, destination, 64).tcp(ports.0, ports.1, 1, 1_000).syn();
    let builder = if ack { builder.ack(2) } else { builder };
    let options = [etherparse::TcpOptionElement::MaximumSegmentSize(mss)];
    builder.options(&options).unwrap().write(&mut frame, &[]).unwrap();
    frame
}

fn mss_of(frame: &[u8]) -> u16 {
    let packet = etherparse::SlicedPacket::from_ethernet(frame).unwrap();
    let Some(etherparse::TransportSlice::Tcp(tcp)) = packet.transport else { panic!("no TCP") };
    let mss = tcp.options_iterator().find_map(|option| match option {
        Ok(etherparse::TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
        _ => None,
    });
    mss.unwrap()
}

/// ICMP type, code and next-hop MTU, source, and the packet that it quotes.
fn said(frame: &[u8]) -> ((u8, u8, u16), [u8; 4], Parsed) {
    assert_checksums(frame);
    let parsed = Parsed::of(frame).unwrap();
    let icmp = parsed.icmp.unwrap();
    let at = parsed.transport_at();
    let mtu = u16::from_be_bytes([frame[at + 6], frame[at + 7]]);
    ((icmp.kind, icmp.code, mtu), parsed.source.octets(), parsed.quoted(frame).unwrap())
}

#[test]
fn an_internet_gateway_takes_1500_bytes_and_the_subnets_router_says_so() {
    let mut world = World::tutorial();
    // No rule lets ICMP in, and no ACL either: what the subnet's router says needs none.
    let udp_only = TrafficMatch::Ports(Protocol::UDP, PortRange::ALL);
    let anywhere = RulePeer::Cidr("0.0.0.0/0".parse().unwrap());
    let group = world.group("udp-out", &[(true, udp_only, anywhere)]);
    world.launch("app-udp", world.public_subnet, &[group]);
    let own = world.model.network_interfaces[&world.eni("app-udp")].private_ip.octets();

    let fits = udp_of(header(own, LAPTOP, true), (4000, 5000), 1500);
    let way = world.send(From::Instance("app-udp"), fits);
    world.expect(&way, &["app-udp", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));

    let too_big = udp_of(header(own, LAPTOP, true), (4000, 5000), 1501);
    let way = world.send(From::Instance("app-udp"), too_big);
    world.expect(&way, &["app-udp", "router"], End::Told(DropReason::MtuExceeded));
    let [told] = &way.made[..] else { panic!("{} made", way.made.len()) };
    world.expect(told, &["router", "app-udp"], End::Delivered(From::Instance("app-udp")));
    assert_eq!(told.decisions, ["app-udp: sg ingress exempt", "app-udp: check ingress passed=true"]);
    let (what, from, quoted) = said(&told.bytes);
    assert_eq!((what, from), ((3, 4, 1500), ROUTER_OF_PUBLIC));
    assert_eq!((quoted.total_bytes, quoted.ports), (1501, Some((4000, 5000))));
    assert_eq!(Parsed::of(&told.bytes).unwrap().total_bytes, 576, "RFC 1812: at most 576 bytes");
    assert_eq!(told.bytes[..6], world.program.node_mac(world.node("app-udp")).0);
    assert_eq!(told.bytes[6..12], world.router_mac().0);
}

#[test]
fn what_may_be_split_is_and_the_fragments_are_translated_and_delivered() {
    let mut world = World::tutorial();
    let whole = udp_of(header(PUBLIC, LAPTOP, false), (4000, 5000), 4000);
    let way = world.send(From::Instance("app-public"), whole.clone());
    world.expect(&way, &["app-public", "router"], End::Fragmented(1500));
    assert_eq!(way.made.len(), 3);
    let mut reassembled = Vec::new();
    for (piece, offset) in way.made.iter().zip([0, 1480, 2960]) {
        world.expect(piece, &["igw", "internet"], End::Delivered(From::Outside("laptop")));
        let parsed = Parsed::of(&piece.bytes).unwrap();
        assert_eq!((parsed.fragment_offset_bytes, parsed.more_fragments), (offset, offset < 2960));
        assert_eq!(parsed.source.octets(), PUBLIC_OUTSIDE);
        assert!(parsed.header_checksum_is_valid(&piece.bytes));
        reassembled.extend_from_slice(&piece.bytes[34..14 + usize::from(parsed.total_bytes)]);
    }
    // The UDP checksum stands in the first fragment and covers all of them: it is right for the translated whole.
    let translated = udp_of(header(PUBLIC_OUTSIDE, LAPTOP, false), (4000, 5000), 4000);
    assert_eq!(reassembled, translated[34..]);
}

#[test]
fn inside_a_vpc_9001_bytes_fit_and_more_is_split_or_refused_by_the_senders_own_router() {
    let mut world = World::tutorial();
    let open = world.group(
        "open",
        &[
            (true, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())),
            (false, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())),
        ],
    );
    world.launch("db", world.private_subnet, &[open]);
    let db = world.model.network_interfaces[&world.eni("db")].private_ip.octets();
    let way = world.send(From::Instance("app-public"), udp_of(header(PUBLIC, db, true), (4000, 5000), 9001));
    world.expect(&way, &["app-public", "router", "db"], End::Delivered(From::Instance("db")));
    let way = world.send(From::Instance("app-public"), udp_of(header(PUBLIC, db, true), (4000, 5000), 9002));
    world.expect(&way, &["app-public", "router"], End::Told(DropReason::MtuExceeded));
    world.expect(&way.made[0], &["router", "app-public"], End::Delivered(From::Instance("app-public")));
    assert_eq!(said(&way.made[0].bytes).0, (3, 4, 9001));
    assert_eq!(said(&way.made[0].bytes).1, ROUTER_OF_PUBLIC);
    let way = world.send(From::Instance("app-public"), udp_of(header(PUBLIC, db, false), (4000, 5000), 9002));
    world.expect(&way, &["app-public", "router"], End::Fragmented(9001));
    for piece in &way.made {
        world.expect(piece, &["db"], End::Delivered(From::Instance("db")));
    }
}

#[test]
fn gateway_endpoints_take_8500_bytes_say_nothing_and_lower_the_mss_both_ways() {
    let mut world = World::tutorial();
    let vpce = world.endpoint(&[world.private_table]);
    let there = ["app-private", "router", "vpce"];
    let way = world.send(From::Instance("app-private"), syn_of(PRIVATE, DYNAMODB, (40_000, 443), 8961, false));
    world.expect(&way, &there, End::Delivered(From::ByEndpoint(vpce)));
    assert!(way.decisions.contains(&"vpce: MssClamped { before: 8961, after: 8460 }".into()), "{:#?}", way.decisions);
    assert_eq!(mss_of(&way.bytes), 8460);
    assert_checksums(&way.bytes);
    let way = world.send(From::ByEndpoint(vpce), syn_of(DYNAMODB, PRIVATE, (443, 40_000), 8961, true));
    world.expect(&way, &["vpce", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    assert_eq!(mss_of(&way.bytes), 8460);
    assert_checksums(&way.bytes);
    let way = world.send(From::Instance("app-private"), syn_of(PRIVATE, DYNAMODB, (40_001, 443), 1460, false));
    world.expect(&way, &there, End::Delivered(From::ByEndpoint(vpce)));
    assert_eq!(mss_of(&way.bytes), 1460, "what is lower stays");

    for dont_fragment in [true, false] {
        let fits = echo_of(header(PRIVATE, DYNAMODB, dont_fragment), 8500);
        let way = world.send(From::Instance("app-private"), fits);
        world.expect(&way, &there, End::Delivered(From::ByEndpoint(vpce)));
        let too_big = echo_of(header(PRIVATE, DYNAMODB, dont_fragment), 8501);
        let way = world.send(From::Instance("app-private"), too_big);
        world.expect(&way, &["app-private", "router"], End::Dropped(DropReason::MtuExceededSilently));
        assert!(way.made.is_empty());
    }
    let mut reply = echo_of(header(DYNAMODB, PRIVATE, false), 8501);
    reply[34] = 0; // an echo reply; its checksum is not looked at
    let way = world.send(From::ByEndpoint(vpce), reply);
    world.expect(&way, &["vpce"], End::Dropped(DropReason::MtuExceededSilently));
}

#[test]
fn an_internet_gateway_also_takes_1500_bytes_from_outside_and_nobody_is_told() {
    let mut world = World::tutorial();
    let open = world.group("open", &[(false, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap()))]);
    world.launch("web", world.public_subnet, &[open]);
    let interface = &world.model.network_interfaces[&world.eni("web")];
    let public = interface.public_address.unwrap().address.octets();
    let way = world.send(From::Outside("laptop"), udp_of(header(LAPTOP, public, true), (4000, 5000), 1501));
    world.expect(&way, &["internet", "igw"], End::Dropped(DropReason::MtuExceededSilently));
    let way = world.send(From::Outside("laptop"), udp_of(header(LAPTOP, public, false), (4000, 5000), 1501));
    world.expect(&way, &["internet", "igw"], End::Fragmented(1500));
    for piece in &way.made {
        world.expect(piece, &["router", "web"], End::Delivered(From::Instance("web")));
    }
}

#[test]
fn every_mtu_is_a_setting() {
    let mut world = World::tutorial();
    let vpce = world.endpoint(&[world.private_table]);
    world.model.forwarding.internet_gateway_mtu_bytes = 1400;
    world.model.forwarding.gateway_endpoint_mtu_bytes = 1300;
    world.model.forwarding.vpc_mtu_bytes = 1200;
    world.publish();
    let way = world.send(From::Instance("app-public"), echo_of(header(PUBLIC, LAPTOP, true), 1401));
    world.expect(&way, &["app-public", "router"], End::Told(DropReason::MtuExceeded));
    world.expect(&way.made[0], &["router", "app-public"], End::Delivered(From::Instance("app-public")));
    assert_eq!(said(&way.made[0].bytes).0, (3, 4, 1400));
    let way = world.send(From::Instance("app-private"), syn_of(PRIVATE, DYNAMODB, (40_000, 443), 8961, false));
    world.expect(&way, &["app-private", "router", "vpce"], End::Delivered(From::ByEndpoint(vpce)));
    assert_eq!(mss_of(&way.bytes), 1260);
    let way = world.send(From::Instance("app-public"), echo_of(header(PUBLIC, PRIVATE, true), 1201));
    world.expect(&way, &["app-public", "router"], End::Told(DropReason::MtuExceeded));
    world.expect(&way.made[0], &["router", "app-public"], End::Delivered(From::Instance("app-public")));
}

#[test]
fn errors_are_never_answered_by_errors_and_later_fragments_never_at_all() {
    let mut world = World::tutorial();
    let about = udp_of(header(LAPTOP, PUBLIC, true), (5000, 4000), 1600);
    let error = frag_needed(PUBLIC, LAPTOP, &about);
    let way = world.send(From::Instance("app-public"), error);
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::MtuExceeded));
    let later = Ipv4Header { fragment_offset: IpFragOffset::try_new(185).unwrap(), ..header(PUBLIC, LAPTOP, true) };
    let way = world.send(From::Instance("app-public"), udp_of(later, (5000, 4000), 1600));
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::MtuExceeded));
    assert!(way.made.is_empty());
}

#[test]
fn later_fragments_follow_their_first_one_through_security_groups_but_not_through_acls() {
    let mut world = World::tutorial();
    let udp = TrafficMatch::Ports(Protocol::UDP, PortRange { from: 5000, to: 5000 });
    let vpc = RulePeer::Cidr("172.31.0.0/16".parse().unwrap());
    let group = world.group("udp-5000", &[(false, udp, vpc)]);
    world.launch("db", world.public_subnet, &[group]);
    let db = world.model.network_interfaces[&world.eni("db")].private_ip.octets();
    let whole = udp_of(header(PUBLIC, db, false), (4000, 5000), 3000);
    let pieces: Vec<Vec<u8>> = fragment::fragments(&whole, 1500).unwrap().collect();
    let (first, later) = (pieces[0].clone(), pieces[1].clone());
    let way_of = ["app-public", "router", "db"];

    // app-public's own group lets everything out.
    let way = world.send(From::Instance("app-public"), later.clone());
    world.expect(&way, &way_of, End::Dropped(DropReason::FragmentWithoutFirst));
    let way = world.send(From::Instance("app-public"), first.clone());
    world.expect(&way, &way_of, End::Delivered(From::Instance("db")));
    for piece in &pieces[1..] {
        let way = world.send(From::Instance("app-public"), piece.clone());
        world.expect(&way, &way_of, End::Delivered(From::Instance("db")));
        assert!(way.decisions.contains(&"db: sg ingress follows first fragment".into()), "{:#?}", way.decisions);
    }
    world.sleep(30);
    let way = world.send(From::Instance("app-public"), later);
    world.expect(&way, &way_of, End::Dropped(DropReason::FragmentWithoutFirst));

    // A network ACL has no memory: its entry for a port matches the first fragment, and the later ones meet the final `*`.
    let acl = world.model.add_network_acl("port-5000", None, world.vpc, Default::default()).unwrap();
    let own = world.model.network_interfaces[&world.eni("app-private")].subnet_id;
    world.model.subnets.get_mut(&own).unwrap().network_acl_id = acl;
    let entry = |traffic| NetworkAclEntry { traffic, cidr: "0.0.0.0/0".parse().unwrap(), allow: true };
    world.model.add_network_acl_entry(acl, false, 100, entry(udp)).unwrap();
    world.publish();
    let to_private = udp_of(header(PUBLIC, PRIVATE, false), (4000, 5000), 3000);
    let mut pieces = fragment::fragments(&to_private, 1500).unwrap();
    let way = world.send(From::Instance("app-public"), pieces.next().unwrap());
    world.expect(&way, &["app-public", "router", "app-private"], End::Delivered(From::Instance("app-private")));
    let way = world.send(From::Instance("app-public"), pieces.next().unwrap());
    world.expect(&way, &["app-public", "router"], End::Dropped(DropReason::NetworkAclIngress));

    // A first fragment that is refused lets nobody in.
    let mut other = header(PUBLIC, db, false);
    other.identification = 78;
    let whole = udp_of(other, (4000, 5001), 3000);
    let mut reasons = [DropReason::SecurityGroupIngress, DropReason::FragmentWithoutFirst].into_iter();
    for piece in fragment::fragments(&whole, 1500).unwrap().take(2) {
        let way = world.send(From::Instance("app-public"), piece);
        world.expect(&way, &way_of, End::Dropped(reasons.next().unwrap()));
    }
}

#[test]
fn routers_do_not_decrement_the_time_to_live_unless_asked_to_and_then_they_are_hops() {
    let mut world = World::tutorial();
    let open = world.group(
        "open",
        &[
            (true, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())),
            (false, TrafficMatch::All, RulePeer::Cidr("0.0.0.0/0".parse().unwrap())),
        ],
    );
    world.launch("db", world.private_subnet, &[open]);
    let db = world.model.network_interfaces[&world.eni("db")].private_ip.octets();
    let with_ttl = |source, destination, time_to_live| {
        udp_of(Ipv4Header { time_to_live, ..header(source, destination, true) }, (4000, 33_434), 60)
    };
    let way = world.send(From::Instance("app-public"), with_ttl(PUBLIC, db, 1));
    world.expect(&way, &["app-public", "router", "db"], End::Delivered(From::Instance("db")));
    assert_eq!(Parsed::of(&way.bytes).unwrap().ttl, 1);

    world.model.forwarding.ttl = TtlMode::Rfc1812;
    world.publish();
    let way = world.send(From::Instance("app-public"), with_ttl(PUBLIC, db, 2));
    world.expect(&way, &["app-public", "router", "db"], End::Delivered(From::Instance("db")));
    assert_eq!(Parsed::of(&way.bytes).unwrap().ttl, 1);
    assert_checksums(&way.bytes);
    // Each subnet's router speaks with the address it has there.
    for (from, source, to, router) in [
        ("app-public", PUBLIC, db, ROUTER_OF_PUBLIC),
        ("db", db, PUBLIC, ROUTER_OF_PRIVATE),
        ("app-public", PUBLIC, LAPTOP, ROUTER_OF_PUBLIC),
    ] {
        let way = world.send(From::Instance(from), with_ttl(source, to, 1));
        world.expect(&way, &[from, "router"], End::Told(DropReason::TimeToLiveExceeded));
        world.expect(&way.made[0], &["router", from], End::Delivered(From::Instance(from)));
        let (what, speaker, quoted) = said(&way.made[0].bytes);
        assert_eq!((what, speaker, quoted.destination.octets()), ((11, 0, 0), router, to));
    }
}

#[test]
fn an_error_from_outside_is_translated_with_what_it_quotes_and_let_in_by_the_session_it_is_about() {
    let mut world = World::tutorial();
    let sent = udp_of(header(PUBLIC, LAPTOP, true), (4000, 5000), 1200);
    let way = world.send(From::Instance("app-public"), sent);
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
    let mut error = frag_needed(LAPTOP, PUBLIC_OUTSIDE, &way.bytes[..14 + 28]);
    assert_checksums(&error);
    let back = ["internet", "igw", "router", "app-public"];
    let way = world.send(From::Outside("laptop"), error.clone());
    world.expect(&way, &back, End::Delivered(From::Instance("app-public")));
    let (what, from, quoted) = said(&way.bytes);
    assert_eq!((what, from), ((3, 4, 1500), LAPTOP));
    assert_eq!((quoted.source.octets(), quoted.ports), (PUBLIC, Some((4000, 5000))));
    let quote = &way.bytes[42..62];
    assert!(vpcsim::wire::checksum::is_valid(quote), "the quoted header's own checksum");
    // About a packet that nobody sent.
    error[42 + 20] ^= 1;
    error[36..38].copy_from_slice(&[0, 0]);
    let sum = vpcsim::wire::checksum::checksum(&error[34..]);
    error[36..38].copy_from_slice(&sum.to_be_bytes());
    let way = world.send(From::Outside("laptop"), error);
    world.expect(&way, &back, End::Dropped(DropReason::SecurityGroupIngress));
}

#[test]
fn link_local_services_take_1024_packets_a_second_of_each_interface() {
    let mut world = World::tutorial();
    let question = || udp(PUBLIC, 5353, [172, 31, 0, 2], 53);
    for _ in 0..1024 {
        let way = world.send(From::Instance("app-public"), question());
        world.expect(&way, &["app-public"], End::Delivered(From::Platform("app-public")));
    }
    let metadata = || tcp(PUBLIC, 40_000, [169, 254, 169, 254], 80, "S");
    for beyond in [question(), metadata(), echo(PUBLIC, ROUTER_OF_PUBLIC, 1, false)] {
        let way = world.send(From::Instance("app-public"), beyond);
        world.expect(&way, &["app-public"], End::Dropped(DropReason::LinkLocalRateExceeded));
    }
    let way = world.send(From::Instance("app-private"), udp(PRIVATE, 5353, [172, 31, 0, 2], 53));
    world.expect(&way, &["app-private"], End::Delivered(From::Platform("app-private")));
    let way = world.send(From::Instance("app-public"), udp(PUBLIC, 5353, LAPTOP, 53));
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
    world.sleep(1);
    let way = world.send(From::Instance("app-public"), metadata());
    world.expect(&way, &["app-public"], End::Dropped(DropReason::LinkLocalNotServed));
}

#[test]
fn jumbo_tcp_through_an_internet_gateway_is_what_the_servers_mss_makes_of_it() {
    let mut world = World::tutorial();
    let way = world.send(From::Instance("app-public"), syn_of(PUBLIC, LAPTOP, (40_000, 443), 8961, false));
    world.expect(&way, &["app-public", "router", "igw", "internet"], End::Delivered(From::Outside("laptop")));
    assert_eq!(mss_of(&way.bytes), 8961, "internet gateways clamp nothing");
    assert!(Parsed::of(&way.bytes).unwrap().tcp_flags.is_some_and(TcpFlags::is_opening));
}

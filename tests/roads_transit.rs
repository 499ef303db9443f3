//! Peering connections and transit gateways, packet by packet. After each packet every counter of every node is compared.

mod world;

use vpcsim::dataplane::{DropReason, Step};
use vpcsim::model::*;
use vpcsim::wire::Parsed;
use world::*;

/// Two peered VPCs in two zones each, a third that is peered with the second only, and one of another Region.
const PEERED: &str = r#"
region = "us-east-1"
[vpc]
a   = { cidr = "10.1.0.0/16" }
b   = { cidr = "10.2.0.0/16", internet_gateway = true }
c   = { cidr = "10.3.0.0/16" }
far = { cidr = "10.9.0.0/16", region = "eu-west-1" }
[peering]
a-b   = { vpcs = ["a", "b"] }
b-c   = { vpcs = ["b", "c"] }
a-far = { vpcs = ["a", "far"] }
[route_table]
a-main   = { vpc = "a", main = true, routes = ["10.2.0.0/16 -> a-b", "10.3.0.0/16 -> a-b", "10.9.0.0/16 -> a-far", "0.0.0.0/0 -> a-b"] }
b-main   = { vpc = "b", main = true, routes = ["10.1.0.0/16 -> a-b", "10.3.0.0/16 -> b-c", "0.0.0.0/0 -> igw"] }
c-main   = { vpc = "c", main = true, routes = ["10.2.0.0/16 -> b-c"] }
far-main = { vpc = "far", main = true, routes = ["10.1.0.0/16 -> a-far"] }
[subnet]
a-1   = { vpc = "a", az = "us-east-1a", cidr = "10.1.1.0/24" }
b-1   = { vpc = "b", az = "us-east-1a", cidr = "10.2.1.0/24" }
b-2   = { vpc = "b", az = "us-east-1b", cidr = "10.2.2.0/24" }
c-1   = { vpc = "c", az = "us-east-1a", cidr = "10.3.1.0/24" }
far-1 = { vpc = "far", az = "eu-west-1a", cidr = "10.9.1.0/24" }
[security_group]
clients  = { vpc = "a" }
open-a   = { vpc = "a", ingress = ["all from 0.0.0.0/0"] }
open-b   = { vpc = "b", ingress = ["all from 0.0.0.0/0"] }
by-group = { vpc = "b", ingress = ["tcp 443 from sg clients"], egress = ["tcp 443 to sg clients"] }
open-c   = { vpc = "c", ingress = ["all from 0.0.0.0/0"] }
open-far = { vpc = "far", ingress = ["all from 0.0.0.0/0"] }
[instance]
a     = { subnet = "a-1", groups = ["clients", "open-a"] }
plain = { subnet = "a-1", groups = ["open-a"], source_dest_check = false }
b     = { subnet = "b-1", groups = ["open-b"] }
b-far = { subnet = "b-2", groups = ["open-b"] }
strict = { subnet = "b-1", groups = ["by-group"] }
c     = { subnet = "c-1", groups = ["open-c"] }
far   = { subnet = "far-1", groups = ["open-far"] }
[outside]
web = { address = "198.51.100.7" }
"#;

const A: [u8; 4] = [10, 1, 1, 10];
const PLAIN: [u8; 4] = [10, 1, 1, 11];
const B: [u8; 4] = [10, 2, 1, 10];
const B_FAR: [u8; 4] = [10, 2, 2, 10];
const STRICT: [u8; 4] = [10, 2, 1, 11];
const C: [u8; 4] = [10, 3, 1, 10];
const FAR: [u8; 4] = [10, 9, 1, 10];

fn to(name: &str) -> End<'_> {
    End::Delivered(From::Instance(name))
}

#[test]
fn a_peering_connection_carries_both_directions_unchanged() {
    let mut world = World::of(PEERED);
    let way = world.send(From::Instance("a"), udp(A, 4_000, B, 5_000));
    world.expect(&way, &["a", "router a", "a-b", "router b", "b"], to("b"));
    assert_eq!(
        way.decisions,
        [
            "a: check egress passed=true",
            "a: sg egress clients: all to 0.0.0.0/0, tracked=false",
            "router a: acl egress Some(100) allowed=true",
            "router a: route 10.2.0.0/16 -> pcx",
            "a-b: peering passed=true",
            "router b: acl ingress Some(100) allowed=true",
            "b: sg ingress open-b: all from 0.0.0.0/0, tracked=false",
            "b: check ingress passed=true",
        ]
    );
    let parsed = Parsed::of(&way.bytes).unwrap();
    assert_eq!(parsed.five_tuple().to_string(), "udp 10.1.1.10:4000 -> 10.2.1.10:5000");
    assert_eq!(parsed.ttl, 64, "peering is no hop");
    assert_checksums(&way.bytes);
    let way = world.send(From::Instance("b"), udp(B, 5_000, A, 4_000));
    world.expect(&way, &["b", "router b", "a-b", "router a", "a"], to("a"));
}

#[test]
fn peering_is_not_transitive_in_any_way() {
    let mut world = World::of(PEERED);
    let refused = End::Dropped(DropReason::PeeringAddressNotInVpc);
    // To c by b, to the internet by b's gateway.
    for destination in [C, [198, 51, 100, 7]] {
        let way = world.send(From::Instance("a"), udp(A, 4_000, destination, 5_000));
        world.expect(&way, &["a", "router a", "a-b"], refused);
        assert_eq!(way.decisions.last().unwrap(), "a-b: peering passed=false");
    }
    // b itself reaches c.
    let way = world.send(From::Instance("b"), udp(B, 4_000, C, 5_000));
    world.expect(&way, &["b", "router b", "b-c", "router c", "c"], to("c"));
    // Whose address the sender has does not matter, as long as the destination is the other VPC's: there is no reverse-path check.
    let way = world.send(From::Instance("plain"), udp([192, 168, 7, 7], 4_000, B, 5_000));
    world.expect(&way, &["plain", "router a", "a-b", "router b", "b"], to("b"));
    // With a source of the other VPC a packet passes as well, and finds nobody.
    let way = world.send(From::Instance("plain"), udp(B, 4_000, C, 5_000));
    let road = ["plain", "router a", "a-b", "router b"];
    world.expect(&way, &road, End::Dropped(DropReason::NoInterfaceAtAddress));
}

#[test]
fn rules_name_groups_of_a_peer_until_the_peering_ends() {
    let mut world = World::of(PEERED);
    let road = ["a", "router a", "a-b", "router b", "strict"];
    let way = world.send(From::Instance("a"), tcp(A, 40_000, STRICT, 443, "S"));
    world.expect(&way, &road, to("strict"));
    let group = world.model.security_groups.values().find(|group| group.group_name == "clients").unwrap().id;
    let rule = format!("strict: sg ingress by-group: tcp 443 from {group}, tracked=true");
    assert_eq!(way.decisions[6], rule);
    // Another interface of the same VPC is not in the group.
    let way = world.send(From::Instance("plain"), tcp(PLAIN, 40_000, STRICT, 443, "S"));
    let road = ["plain", "router a", "a-b", "router b", "strict"];
    world.expect(&way, &road, End::Dropped(DropReason::SecurityGroupIngress));
    // Outbound rules name them too, across a peering.
    let way = world.send(From::Instance("strict"), tcp(STRICT, 40_001, A, 443, "S"));
    world.expect(&way, &["strict", "router b", "a-b", "router a", "a"], to("a"));

    // The rule is stale then, and the route a blackhole.
    let id = *world.model.peering_connections.iter().find(|(_, other)| other.tags.name() == Some("a-b")).unwrap().0;
    world.model.delete_peering_connection(id).unwrap();
    world.publish();
    let way = world.send(From::Instance("strict"), tcp(STRICT, 40_002, A, 443, "S"));
    world.expect(&way, &["strict"], End::Dropped(DropReason::SecurityGroupEgress));
    let way = world.send(From::Instance("a"), udp(A, 4_000, B, 5_000));
    world.expect(&way, &["a", "router a"], End::Dropped(DropReason::BlackholeRoute));
    let (a, b) = (world.model.vpcs.values().find(|vpc| vpc.tags.name() == Some("a")).unwrap().id, world.eni("strict"));
    let b = world.model.network_interfaces[&b].vpc_id;
    assert!(!world.model.peering_references_groups(a, b));
    let refused = world.model.add_security_group_rule(
        world.model.network_interfaces[&world.eni("strict")].security_group_ids[0],
        true,
        TrafficMatch::All,
        RulePeer::SecurityGroup(group),
        None,
    );
    assert_eq!(refused.unwrap_err().code, "InvalidGroup.NotFound");
}

/// The link that the n-th hop of a road went over.
fn link(world: &World, way: &Way, hop: usize) -> Option<String> {
    way.hops[hop].1.map(|link| world.program.origins.links[link.at()].id.clone())
}

#[test]
fn the_link_between_peers_is_that_of_their_zones_or_regions() {
    let mut world = World::of(PEERED);
    for (destination, name, wanted) in [(B, "b", "us-east-1a"), (B_FAR, "b-far", "us-east-1a - us-east-1b")] {
        let way = world.send(From::Instance("a"), udp(A, 4_000, destination, 5_000));
        world.expect(&way, &["a", "router a", "a-b", "router b", name], to(name));
        assert_eq!(link(&world, &way, 3).as_deref(), Some(wanted));
    }
    let way = world.send(From::Instance("a"), udp(A, 4_000, FAR, 5_000));
    world.expect(&way, &["a", "router a", "a-far", "router far", "far"], to("far"));
    assert_eq!(link(&world, &way, 2).as_deref(), Some("us-east-1 - eu-west-1"));
    // Each direction has a queue of its own.
    let back = world.send(From::Instance("far"), udp(FAR, 5_000, A, 4_000));
    world.expect(&back, &["far", "router far", "a-far", "router a", "a"], to("a"));
    let links = |way: &Way| way.hops.iter().filter_map(|(_, link)| *link).collect::<Vec<_>>();
    assert!(links(&way).iter().all(|link| !links(&back).contains(link)));
}

/// Two VPCs of the same block, each on a transit gateway with a table of its own, and a shared one: nothing of theirs mixes.
const HUB: &str = r#"
region = "us-east-1"
[vpc]
red    = { cidr = "10.1.0.0/16" }
blue   = { cidr = "10.1.0.0/16" }
shared = { cidr = "10.100.0.0/16" }
[transit_gateway.hub]
default_association = false
default_propagation = false
[transit_gateway.hub.attachments]
red    = { subnets = ["red-a"] }
blue   = { subnets = ["blue-a"] }
shared = { subnets = ["shared-a", "shared-b"] }
[transit_gateway_table]
from-red    = { associate = ["red"], propagate = ["shared", "red"] }
from-blue   = { associate = ["blue"], propagate = ["shared"], routes = ["10.100.2.0/24 -> blackhole"] }
from-shared = { associate = ["shared"], propagate = ["red"] }
[route_table]
red-main    = { vpc = "red", main = true, routes = ["10.0.0.0/8 -> hub"] }
blue-main   = { vpc = "blue", main = true, routes = ["10.0.0.0/8 -> hub"] }
shared-main = { vpc = "shared", main = true, routes = ["10.0.0.0/8 -> hub"] }
[subnet]
red-a    = { vpc = "red", az = "us-east-1a", cidr = "10.1.1.0/24" }
red-b    = { vpc = "red", az = "us-east-1b", cidr = "10.1.2.0/24" }
blue-a   = { vpc = "blue", az = "us-east-1a", cidr = "10.1.1.0/24" }
shared-a = { vpc = "shared", az = "us-east-1a", cidr = "10.100.1.0/24", acl = "picky" }
shared-b = { vpc = "shared", az = "us-east-1b", cidr = "10.100.2.0/24" }
shared-c = { vpc = "shared", az = "us-east-1c", cidr = "10.100.3.0/24" }
shared-d = { vpc = "shared", az = "us-east-1a", cidr = "10.100.4.0/24" }
[network_acl]
picky = { vpc = "shared", ingress = ["90 deny udp 6666 from 0.0.0.0/0", "100 allow all from 0.0.0.0/0"], egress = ["90 deny udp 7777 to 0.0.0.0/0", "100 allow all to 0.0.0.0/0"] }
[security_group]
red    = { vpc = "red", ingress = ["all from 0.0.0.0/0"], egress = ["all to 10.0.0.0/8"] }
blue   = { vpc = "blue", ingress = ["all from 0.0.0.0/0"], egress = ["all to 10.0.0.0/8"] }
shared = { vpc = "shared", ingress = ["tcp from 10.0.0.0/8", "udp from 10.0.0.0/8"] }
[instance]
red   = { subnet = "red-a", groups = ["red"] }
red-b = { subnet = "red-b", groups = ["red"] }
blue  = { subnet = "blue-a", groups = ["blue"] }
near  = { subnet = "shared-a", groups = ["shared"] }
other = { subnet = "shared-b", groups = ["shared"] }
third = { subnet = "shared-c", groups = ["shared"] }
aside = { subnet = "shared-d", groups = ["shared"] }
"#;

/// Red and blue have the same address.
const SAME: [u8; 4] = [10, 1, 1, 10];
const RED_B: [u8; 4] = [10, 1, 2, 10];
const NEAR: [u8; 4] = [10, 100, 1, 10];
const OTHER: [u8; 4] = [10, 100, 2, 10];
const THIRD: [u8; 4] = [10, 100, 3, 10];
const ASIDE: [u8; 4] = [10, 100, 4, 10];

#[test]
fn the_table_of_the_attachment_decides_and_the_zone_is_kept() {
    let mut world = World::of(HUB);
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, NEAR, 5_000));
    world.expect(&way, &["red", "router red", "hub", "router shared", "near"], to("near"));
    assert_eq!(
        way.decisions[2..],
        [
            "router red: acl egress Some(100) allowed=true",
            "router red: route 10.0.0.0/8 -> tgw",
            "router red: acl ingress Some(100) allowed=true",
            "hub: transit associated=true",
            "hub: route 10.100.0.0/16 -> tgw",
            "router shared: transit port us-east-1a",
            "router shared: route 10.100.0.0/16 -> local beats 10.0.0.0/8",
            "near: sg ingress shared: udp from 10.0.0.0/8, tracked=true",
            "near: check ingress passed=true",
        ],
        "its interfaces lie in the sender's and in the receiver's subnet: the ACL is asked both ways when sending, and not on arrival"
    );
    let way = world.send(From::Instance("near"), udp(NEAR, 5_000, SAME, 4_000));
    world.expect(&way, &["near", "router shared", "hub", "router red", "red"], to("red"));
    // To another subnet of the zone: out of the interface's subnet, whose ACL speaks.
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, ASIDE, 5_000));
    world.expect(&way, &["red", "router red", "hub", "router shared", "aside"], to("aside"));
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, ASIDE, 7_777));
    let road = ["red", "router red", "hub", "router shared"];
    world.expect(&way, &road, End::Dropped(DropReason::NetworkAclEgress));
    let way = world.send(From::Instance("aside"), udp(ASIDE, 5_000, SAME, 6_666));
    world.expect(&way, &["aside", "router shared"], End::Dropped(DropReason::NetworkAclIngress));
    // A zone without an interface neither sends nor receives.
    let way = world.send(From::Instance("red-b"), udp(RED_B, 4_000, NEAR, 5_000));
    world.expect(&way, &["red-b", "router red"], End::Dropped(DropReason::TransitZone));
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, THIRD, 5_000));
    world.expect(&way, &road, End::Dropped(DropReason::TransitAttachmentZone));
}

#[test]
fn overlapping_vpcs_keep_apart_and_so_do_their_connections() {
    let mut world = World::of(HUB);
    // The same five-tuple from both: each interface has a session of its own.
    for sender in ["red", "blue"] {
        let router = format!("router {sender}");
        let way = world.send(From::Instance(sender), tcp(SAME, 40_000, NEAR, 443, "S"));
        world.expect(&way, &[sender, &router, "hub", "router shared", "near"], to("near"));
    }
    let mut tracked = |name: &str| {
        let at = world.node(name);
        world.state.conntrack.entries_used(at, world.now)
    };
    // Near has one session for both: what they send looks alike to it, on AWS as well.
    assert_eq!(["red", "blue", "near"].map(&mut tracked), [1, 1, 1]);
    // What shared sends to the address goes to red, whose blocks its table has; blue's has none.
    let way = world.send(From::Instance("near"), tcp(NEAR, 443, SAME, 40_000, "SA"));
    world.expect(&way, &["near", "router shared", "hub", "router red", "red"], to("red"));
    // Blue's own table blackholes a part; longest prefix decides, not kind.
    let way = world.send(From::Instance("blue"), udp(SAME, 4_000, OTHER, 5_000));
    world.expect(&way, &["blue", "router blue", "hub"], End::Dropped(DropReason::TransitBlackhole));
    assert_eq!(way.decisions.last().unwrap(), "hub: route 10.100.2.0/24 -> blackhole beats 10.100.0.0/16");
    // Nothing anywhere leads elsewhere.
    let way = world.send(From::Instance("blue"), udp(SAME, 4_000, [10, 7, 7, 7], 5_000));
    world.expect(&way, &["blue", "router blue", "hub"], End::Dropped(DropReason::TransitNoRoute));
}

#[test]
fn static_beats_propagated_and_a_packet_may_leave_where_it_came_from() {
    let mut world = World::of(HUB);
    let table = |world: &World, name: &str| {
        world.model.transit_gateway_route_tables.values().find(|t| t.tags.name() == Some(name)).unwrap().id
    };
    let attachment = |world: &World, name: &str| {
        world.model.transit_gateway_attachments.values().find(|it| it.tags.name() == Some(name)).unwrap().id
    };
    // Red's blocks, propagated and static: the static one sends them to shared.
    let (from_shared, shared) = (table(&world, "from-shared"), attachment(&world, "shared"));
    world.model.put_transit_gateway_route(from_shared, "10.1.0.0/16".parse().unwrap(), Some(shared), false).unwrap();
    world.publish();
    let way = world.send(From::Instance("near"), udp(NEAR, 5_000, SAME, 4_000));
    // In shared, its table sends it to the hub again, and so on: a loop that ends by the count of steps.
    assert_eq!(way.verdict.step, Step::Drop(DropReason::WalkTooLong));
    assert_eq!(way.nodes[..5], ["near", "router shared", "hub", "router shared", "hub"]);

    // Disassociated: nobody decides.
    let mut world = World::of(HUB);
    let (from_red, red) = (table(&world, "from-red"), attachment(&world, "red"));
    world.model.disassociate_transit_gateway_route_table(from_red, red).unwrap();
    world.publish();
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, NEAR, 5_000));
    world.expect(&way, &["red", "router red", "hub"], End::Dropped(DropReason::TransitNoAssociation));
    assert_eq!(way.decisions.last().unwrap(), "hub: transit associated=false");

    // Detached: the VPC's route is a blackhole, and the static route to it as well.
    let from_blue = table(&world, "from-blue");
    world.model.put_transit_gateway_route(from_blue, "10.50.0.0/16".parse().unwrap(), Some(red), false).unwrap();
    world.model.delete_transit_gateway_attachment(red).unwrap();
    world.publish();
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, NEAR, 5_000));
    world.expect(&way, &["red", "router red"], End::Dropped(DropReason::BlackholeRoute));
    let way = world.send(From::Instance("blue"), udp(SAME, 4_000, [10, 50, 0, 1], 5_000));
    world.expect(&way, &["blue", "router blue", "hub"], End::Dropped(DropReason::TransitBlackhole));
}

#[test]
fn appliance_mode_uses_one_interface_for_both_directions() {
    let mut world = World::of(HUB);
    let shared =
        world.model.transit_gateway_attachments.values().find(|it| it.tags.name() == Some("shared")).unwrap().id;
    let ports = |world: &mut World| {
        let mut seen = Vec::new();
        for port in 4_000..4_032 {
            let way = world.send(From::Instance("red"), udp(SAME, port, NEAR, 5_000));
            world.expect(&way, &["red", "router red", "hub", "router shared", "near"], to("near"));
            seen.push(way.decisions.iter().find(|text| text.contains("transit port")).unwrap().clone());
        }
        seen
    };
    // By default the packet stays in its zone.
    assert!(ports(&mut world).iter().all(|port| port == "router shared: transit port us-east-1a"));
    world.model.modify_vpc_attachment(shared, &[], &[], Some(true), None, world.now).unwrap();
    world.publish();
    let chosen = ports(&mut world);
    for zone in ["us-east-1a", "us-east-1b"] {
        assert!(chosen.iter().any(|port| port.ends_with(zone)), "flows are spread: {chosen:?}");
    }
    assert_eq!(ports(&mut world), chosen, "a flow stays where it is");
    // The other direction of a flow, were it to come in here, would use the same.
    for port in 4_000..4_032 {
        let there = Parsed::of(&udp(SAME, port, NEAR, 5_000)).unwrap().five_tuple();
        assert_eq!(there.symmetric_hash(), there.reversed().symmetric_hash());
    }
}

#[test]
fn interfaces_of_transit_gateways_are_seen_and_not_reached() {
    let mut world = World::of(HUB);
    let of_hub: Vec<_> = (world.model.network_interfaces.values())
        .filter(|eni| eni.interface_type == InterfaceType::TransitGateway)
        .cloned()
        .collect();
    assert_eq!(of_hub.len(), 4);
    assert!(of_hub.iter().all(|eni| eni.description.starts_with("Network Interface for Transit Gateway Attachment ")));
    assert!(of_hub.iter().all(|eni| world.program.node_of_eni(eni.id).is_none()));
    let in_red_a = of_hub.iter().find(|eni| eni.private_ip.octets()[..3] == [10, 1, 1]).unwrap().private_ip;
    assert_eq!(in_red_a.octets(), [10, 1, 1, 254], "the last address, out of people's way");
    let way = world.send(From::Instance("red"), udp(SAME, 4_000, in_red_a.octets(), 5_000));
    world.expect(&way, &["red", "router red"], End::Dropped(DropReason::NoInterfaceAtAddress));
}

#[test]
fn peered_transit_gateways_need_static_routes_and_acceptance() {
    let source = r#"
region = "us-east-1"
[vpc]
home = { cidr = "10.1.0.0/16" }
far  = { cidr = "10.9.0.0/16", region = "eu-west-1" }
[transit_gateway.hub]
[transit_gateway.hub.attachments]
home  = { subnets = ["home-a"] }
ocean = { peer = "hub-eu", accepted = false }
[transit_gateway.hub-eu]
region = "eu-west-1"
[transit_gateway.hub-eu.attachments]
far = { subnets = ["far-a"] }
[route_table]
home-main = { vpc = "home", main = true, routes = ["10.9.0.0/16 -> hub"] }
far-main  = { vpc = "far", main = true, routes = ["10.1.0.0/16 -> hub-eu"] }
[subnet]
home-a = { vpc = "home", cidr = "10.1.1.0/24" }
far-a  = { vpc = "far", az = "eu-west-1b", cidr = "10.9.1.0/24" }
[security_group]
open = { vpc = "far", ingress = ["all from 10.1.0.0/16"] }
[instance]
app = { subnet = "home-a" }
db  = { subnet = "far-a", groups = ["open"] }
"#;
    let mut world = World::of(source);
    let (app, db) = ([10, 1, 1, 10], [10, 9, 1, 10]);
    let gateway = |world: &World, name: &str| {
        world.model.transit_gateways.values().find(|gateway| gateway.tags.name() == Some(name)).unwrap().clone()
    };
    let (hub, hub_eu) = (gateway(&world, "hub"), gateway(&world, "hub-eu"));
    let ocean = *world.model.transit_gateway_attachments.iter().find(|(_, it)| it.peer().is_some()).unwrap().0;
    let table = hub.default_association_route_table_id.unwrap();
    let refused = world.model.put_transit_gateway_route(table, "10.9.0.0/16".parse().unwrap(), Some(ocean), false);
    assert_eq!(refused.unwrap_err().code, "IncorrectState", "not accepted yet");
    world.model.accept_transit_gateway_peering(ocean).unwrap();
    world.publish();
    let way = world.send(From::Instance("app"), udp(app, 4_000, db, 5_000));
    world.expect(&way, &["app", "router home", "hub"], End::Dropped(DropReason::TransitNoRoute));

    let table_eu = hub_eu.default_association_route_table_id.unwrap();
    // Either side's id means the side of the table.
    for (table, cidr) in [(table, "10.9.0.0/16"), (table_eu, "10.1.0.0/16")] {
        world.model.put_transit_gateway_route(table, cidr.parse().unwrap(), Some(ocean), false).unwrap();
    }
    world.publish();
    let way = world.send(From::Instance("app"), udp(app, 4_000, db, 5_000));
    world.expect(&way, &["app", "router home", "hub", "hub-eu", "router far", "db"], to("db"));
    let link = way.hops.iter().find_map(|(next, link)| {
        (world.program.origins.node(*next).name.as_deref() == Some("hub-eu")).then_some(*link)
    });
    let link = link.flatten().unwrap();
    assert_eq!(world.program.links[link.at()], world.model.links.inter_region);
    assert!(matches!(
        world.model.enable_transit_gateway_propagation(table, ocean).unwrap_err().code,
        "InvalidParameterValue"
    ));
}

#[test]
fn vpns_that_announce_the_same_share_the_flows() {
    let source = r#"
region = "us-east-1"
[vpc]
a = { cidr = "10.1.0.0/16" }
[transit_gateway.hub.attachments]
a = { subnets = ["a-1"] }
[on_premises]
corp = { cidr = "192.168.0.0/16", hosts = { desk = { address = "192.168.1.10" } }, internet_address = "198.51.100.200" }
[vpn]
one = { gateway = "hub", on_premises = "corp" }
two = { gateway = "hub", on_premises = "corp" }
[route_table]
a-main = { vpc = "a", main = true, routes = ["192.168.0.0/16 -> hub"] }
[subnet]
a-1 = { vpc = "a", cidr = "10.1.1.0/24" }
[instance]
app = { subnet = "a-1" }
"#;
    let mut world = World::of(source);
    let connections = |world: &mut World| {
        let mut used = std::collections::BTreeSet::new();
        for port in 4_000..4_032 {
            let way = world.send(From::Instance("app"), udp([10, 1, 1, 10], port, [192, 168, 1, 10], 5_000));
            assert!(matches!(way.verdict.step, Step::Deliver(_)), "{:#?}", way.decisions);
            let connection = way.hops.iter().map(|(at, _)| world.program.origins.node(*at).name.clone());
            used.extend(connection.flatten().filter(|name| name == "one" || name == "two"));
        }
        used.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(connections(&mut world), ["one", "two"]);
    let id = *world.model.transit_gateways.keys().next().unwrap();
    world.model.transit_gateways.get_mut(&id).unwrap().vpn_equal_cost = false;
    world.publish();
    assert_eq!(connections(&mut world).len(), 1, "switched off, one of them has all");
    // A longer path is no equal.
    world.model.transit_gateways.get_mut(&id).unwrap().vpn_equal_cost = true;
    let two = *world.model.vpn_connections.iter().find(|(_, other)| other.tags.name() == Some("two")).unwrap().0;
    world.model.vpn_connections.get_mut(&two).unwrap().routes[0].as_path_length += 1;
    world.publish();
    assert_eq!(connections(&mut world), ["one"]);
}

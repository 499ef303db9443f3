//! The tutorial's VPC as a bench: send one packet, see its way, and every counter of every node.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use etherparse::PacketBuilder;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use vpcsim::compile::Compiler;
use vpcsim::dataplane::{
    self, Decision, DropReason, Frame, PacketId, PacketMeta, Reply, SecurityVerdict, State, Step, Tap, Verdict, answer,
};
use vpcsim::ids::*;
use vpcsim::model::*;
use vpcsim::net::MacAddress;
use vpcsim::program::{HostIx, HostKind, LinkIx, Named, Node, NodeIx, Origins, Program};
use vpcsim::rng::Seed;
use vpcsim::time::{SimDuration, SimTime};
use vpcsim::wire::fragment::fragments;

pub const DYNAMODB: [u8; 4] = [52, 94, 2, 72];
pub const LAPTOP: [u8; 4] = [198, 51, 100, 7];
pub const PUBLIC: [u8; 4] = [172, 31, 0, 10];
pub const PUBLIC_OUTSIDE: [u8; 4] = [203, 0, 113, 25];
pub const PRIVATE: [u8; 4] = [172, 31, 96, 10];

pub struct World {
    pub model: Model,
    pub compiler: Compiler,
    pub program: Program,
    pub state: State,
    pub now: SimTime,
    pub vpc: VpcId,
    pub igw: InternetGatewayId,
    pub main_table: RouteTableId,
    pub private_table: RouteTableId,
    pub public_subnet: SubnetId,
    pub private_subnet: SubnetId,
    expected: BTreeMap<String, [u64; 7]>,
    /// Ways of packets that the network made and that no test has looked at yet.
    unseen: usize,
    next_packet: u64,
}

/// One packet's way.
pub struct Way {
    pub verdict: Verdict,
    pub bytes: Vec<u8>,
    pub meta: PacketMeta,
    /// "node: decision" for each decision, in order.
    pub decisions: Vec<String>,
    /// Nodes in order, by name.
    pub nodes: Vec<String>,
    /// Where each step led, and over which link.
    pub hops: Vec<(NodeIx, Option<LinkIx>)>,
    /// The ways of what the network made of it: its fragments, what its source is told.
    pub made: Vec<Way>,
    is_made: bool,
}

/// Whom a frame comes from.
#[derive(Clone, Copy, Debug)]
pub enum From<'a> {
    Instance(&'a str),
    Platform(&'a str),
    Outside(&'a str),
    OutsidePlatform(&'a str),
    Service,
    ByEndpoint(VpcEndpointId),
    /// A host of the network on premises "corp".
    OnPremises(&'a str),
    OnPremisesPlatform(&'a str),
    /// The service behind an interface endpoint's first interface.
    ByInterface(VpcEndpointId),
}

impl World {
    /// app-public (172.31.0.10, 203.0.113.25) in default-1a, app-private (172.31.96.10) in a subnet with the local route only, a laptop outside,
    /// DynamoDB at 52.94.0.0/22 and elsewhere. No endpoint.
    pub fn tutorial() -> World {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        let vpc = model.add_default_vpc("default", Some("vpc-0bbc736e".parse().unwrap()), &["a", "b"]).unwrap();
        let public_subnet = model.subnets.values().find(|s| s.cidr.contains(&Ipv4Addr::from(PUBLIC))).unwrap().id;
        let private_subnet = model
            .add_subnet(NewSubnet {
                label: "private".into(),
                id: None,
                vpc_id: vpc,
                cidr: "172.31.96.0/20".parse().unwrap(),
                availability_zone: "us-east-1b".into(),
                default_for_az: false,
                map_public_ip_on_launch: false,
                tags: Tags::named("private"),
            })
            .unwrap();
        let private_table = model.add_route_table("private", None, vpc, Tags::named("private")).unwrap();
        model.associate_route_table(private_table, private_subnet).unwrap();
        model.outside_hosts.insert("laptop".into(), OutsideHost { name: "laptop".into(), address: LAPTOP.into() });
        let list = model.prefix_list_named("com.amazonaws.us-east-1.dynamodb").unwrap().clone();
        model.public_services.push(PublicService {
            kind: ServiceKind::DynamoDb,
            region: "us-east-1".into(),
            cidrs: list.cidrs.clone(),
            address: DYNAMODB.into(),
            dns_names: vec!["*.ddb.us-east-1.amazonaws.com".into(), "dynamodb.us-east-1.amazonaws.com".into()],
        });
        let igw = *model.internet_gateways.keys().next().unwrap();
        let main_table = model.vpcs[&vpc].main_route_table_id;
        let mut compiler = Compiler::new();
        let program = compiler.compile(&model).unwrap();
        let mut world = World {
            model,
            compiler,
            program,
            state: State::default(),
            now: SimTime::ZERO,
            vpc,
            igw,
            main_table,
            private_table,
            public_subnet,
            private_subnet,
            expected: BTreeMap::new(),
            unseen: 0,
            next_packet: 0,
        };
        world.launch("app-public", public_subnet, &[]);
        world.launch("app-private", private_subnet, &[]);
        world
    }

    /// The network of a scenario. Its VPCs, gateways and peering connections are called as there; `vpc` and its like are the first ones.
    pub fn of(scenario: &str) -> World {
        let model = vpcsim::scenario::parse("world.toml", scenario, None).unwrap_or_else(|error| panic!("{error:?}"));
        let model = model.model;
        let vpc = *model.vpcs.keys().next().unwrap();
        let subnet = *model.subnets.keys().next().unwrap();
        let main_table = model.vpcs[&vpc].main_route_table_id;
        let igw = InternetGatewayId::mint(Seed::new(0), "none", IdLength::Short);
        let mut world = World {
            igw: model.internet_gateways.keys().next().copied().unwrap_or(igw),
            model,
            compiler: Compiler::new(),
            program: Program::empty(),
            state: State::default(),
            now: SimTime::ZERO,
            vpc,
            main_table,
            private_table: main_table,
            public_subnet: subnet,
            private_subnet: subnet,
            expected: BTreeMap::new(),
            unseen: 0,
            next_packet: 0,
        };
        world.publish();
        world
    }

    /// Launches an instance and publishes.
    pub fn launch(&mut self, name: &str, subnet_id: SubnetId, groups: &[SecurityGroupId]) -> InstanceId {
        let id = self
            .model
            .launch_instance(NewInstance {
                label: name.into(),
                id: None,
                interface_id: None,
                subnet_id,
                private_ip: None,
                associate_public_ip: None,
                public_ip: None,
                security_group_ids: groups.to_vec(),
                source_dest_check: true,
                forwarding: Default::default(),
                image_id: ImageId::mint(Seed::new(0), "image", IdLength::Short),
                instance_type: "t3.micro".into(),
                key_name: None,
                reservation_id: None,
                at: self.now,
                tags: Tags::named(name),
            })
            .unwrap();
        self.publish();
        id
    }

    /// Launches an instance without source/destination check whose system forwards, and publishes.
    pub fn launch_forwarding(&mut self, name: &str, subnet_id: SubnetId, forwarding: Forwarding) -> InstanceId {
        let id = self.launch(name, subnet_id, &[]);
        let eni = self.eni(name);
        self.model.instances.get_mut(&id).unwrap().forwarding = forwarding;
        self.model.network_interfaces.get_mut(&eni).unwrap().source_dest_check = false;
        self.publish();
        id
    }

    /// A public NAT gateway with so many Elastic IPs in the public subnet, and the private table's default route to it. Published.
    pub fn nat_gateway(&mut self, address_count: usize) -> NatGatewayId {
        self.model.quotas.elastic_addresses_per_region = 20;
        self.model.quotas.elastic_addresses_per_nat_gateway = 8;
        let allocations: Vec<_> = (0..address_count)
            .map(|n| self.model.allocate_address(&format!("nat {n}"), None, None, Tags::default()).unwrap())
            .collect();
        let id = self.add_nat_gateway(NatConnectivity::Public, &allocations);
        assert_eq!(self.model.nat_gateways[&id].state, NatGatewayState::Available);
        self.route_private(RouteTarget::NatGateway(id));
        id
    }

    /// A NAT gateway in the public subnet.
    pub fn add_nat_gateway(&mut self, connectivity: NatConnectivity, allocations: &[AllocationId]) -> NatGatewayId {
        let new = NewNatGateway {
            label: format!("nat {}", self.model.nat_gateways.len()),
            id: None,
            subnet_id: self.public_subnet,
            connectivity,
            allocation_id: allocations.first().copied(),
            private_ip: None,
            secondary_allocation_ids: allocations.iter().skip(1).copied().collect(),
            secondary_private_ips: Vec::new(),
            secondary_private_ip_count: 0,
            at: self.now,
            tags: Tags::default(),
        };
        self.model.add_nat_gateway(new).unwrap()
    }

    /// Routes what leaves the private subnet's VPC to `target`, and publishes.
    pub fn route_private(&mut self, target: RouteTarget) {
        let everywhere = RouteDestination::Cidr("0.0.0.0/0".parse().unwrap());
        self.model.add_route(self.private_table, everywhere, target, RouteOrigin::CreateRoute).unwrap();
        self.publish();
    }

    /// Creates a DynamoDB endpoint and publishes.
    pub fn endpoint(&mut self, tables: &[RouteTableId]) -> VpcEndpointId {
        let new = NewVpcEndpoint {
            label: "ddb".into(),
            id: None,
            vpc_id: self.vpc,
            service_name: "com.amazonaws.us-east-1.dynamodb".into(),
            route_table_ids: tables.to_vec(),
            policy_document: None,
            at: self.now,
            tags: Tags::default(),
        };
        let id = self.model.add_vpc_endpoint(new).unwrap();
        self.publish();
        id
    }

    /// A security group with the given rules only, published: (egress, traffic, peer).
    pub fn group(&mut self, name: &str, rules: &[(bool, TrafficMatch, RulePeer)]) -> SecurityGroupId {
        let id = self.model.add_security_group(name, None, self.vpc, name, name, Tags::default()).unwrap();
        self.model.security_groups.get_mut(&id).unwrap().egress.clear();
        for (egress, traffic, peer) in rules {
            self.model.add_security_group_rule(id, *egress, *traffic, *peer, None).unwrap();
        }
        self.publish();
        id
    }

    pub fn publish(&mut self) {
        self.program = self.compiler.compile(&self.model).unwrap();
    }

    pub fn sleep(&mut self, seconds: u64) {
        self.now += SimDuration::from_secs(seconds);
    }

    pub fn eni(&self, instance: &str) -> EniId {
        let wanted = |i: &&Instance| i.tags.name() == Some(instance) && i.primary_interface_id.is_some();
        self.model.instances.values().find(wanted).unwrap().primary_interface_id.unwrap()
    }

    /// The first interface of an interface endpoint.
    pub fn interface(&self, id: VpcEndpointId) -> EniId {
        self.model.vpc_endpoints[&id].interfaces().next().unwrap().1
    }

    pub fn node(&self, instance: &str) -> NodeIx {
        self.program.node_of_eni(self.eni(instance)).unwrap()
    }

    pub fn host(&self, from: From<'_>) -> HostIx {
        let kind = match from {
            From::Instance(name) => HostKind::Instance(self.eni(name)),
            From::Platform(name) => HostKind::Platform(self.eni(name)),
            From::Outside(name) => HostKind::Outside(name.into()),
            From::OutsidePlatform(name) => HostKind::OutsidePlatform(name.into()),
            From::Service => HostKind::PublicService(ServiceKind::DynamoDb, "us-east-1".into()),
            From::ByEndpoint(id) => HostKind::EndpointService(id),
            From::OnPremises(name) => HostKind::OnPremises("corp".into(), name.into()),
            From::OnPremisesPlatform(name) => HostKind::OnPremisesPlatform("corp".into(), name.into()),
            From::ByInterface(id) => HostKind::InterfaceEndpointService(self.interface(id)),
        };
        self.program.host_of(&kind).unwrap()
    }

    pub fn router_mac(&self) -> MacAddress {
        self.program.node_mac(self.program.node_of_router(self.vpc).unwrap())
    }

    /// The Ethernet address of the router that the interface at `at` sends to.
    fn router_mac_of(&self, at: NodeIx) -> MacAddress {
        self.program.node_mac(self.program.eni(at).unwrap().router)
    }

    /// Sends `frame` (whose Ethernet addresses are filled in as the host would: to its first router) and walks it.
    pub fn send(&mut self, from: From<'_>, mut frame: Vec<u8>) -> Way {
        let attachment = self.program.hosts[self.host(from).at()].clone();
        let next = match from {
            From::Instance(_) | From::ByInterface(_) => self.router_mac_of(attachment.node),
            From::Platform(name) => self.program.node_mac(self.node(name)),
            _ => self.program.node_mac(attachment.node),
        };
        vpcsim::wire::ethernet::set_addresses(&mut frame, attachment.mac, next);
        self.send_as_is(from, frame)
    }

    /// Sends `frame` with the Ethernet addresses it has.
    pub fn send_as_is(&mut self, from: From<'_>, mut bytes: Vec<u8>) -> Way {
        let sender = self.host(from);
        let at = self.program.hosts[sender.at()].node;
        assert_eq!(self.unseen, 0, "somebody should look at what the network made of the packet before");
        let meta = PacketMeta::from_host(self.packet_id(), sender, self.now);
        self.follow(at, std::mem::take(&mut bytes), meta, false)
    }

    fn packet_id(&mut self) -> PacketId {
        self.next_packet += 1;
        PacketId(self.next_packet)
    }

    /// Walks a packet, then what the network makes of it, as a driver does.
    fn follow(&mut self, at: NodeIx, mut bytes: Vec<u8>, mut meta: PacketMeta, is_made: bool) -> Way {
        let mut story = Story { program: &self.program, decisions: Vec::new(), nodes: Vec::new(), hops: Vec::new() };
        let mut frame = Frame { bytes: &mut bytes, meta: &mut meta };
        let verdict = dataplane::walk(&self.program, &mut self.state, at, &mut frame, self.now, &mut story);
        let (decisions, nodes, hops) = (story.decisions, story.nodes, story.hops);
        let mut made = Vec::new();
        match verdict.step {
            Step::Reply(Reply::Error { answer, .. }) => {
                if let Some(said) = answer::build(&self.program, verdict.at, answer, &bytes, &meta) {
                    assert_checksums(&said.bytes);
                    let own = PacketMeta::from_host(self.packet_id(), meta.sender, self.now);
                    let own = PacketMeta { from: Some(said.from), ..own };
                    made.push(self.follow(said.at, said.bytes, own, true));
                }
            }
            Step::Fragment { mtu_bytes, next, .. } => {
                for piece in fragments(&bytes, usize::from(mtu_bytes)).unwrap() {
                    assert!(piece.len() - 14 <= usize::from(mtu_bytes));
                    let own = PacketMeta { id: self.packet_id(), ..meta };
                    made.push(self.follow(next, piece, own, true));
                }
            }
            _ => {}
        }
        Way { verdict, bytes, meta, decisions, nodes, hops, made, is_made }
    }

    /// The packet went through exactly these nodes and ended so at the last; and *every* counter of every node is what all packets so far make it.
    #[track_caller]
    pub fn expect(&mut self, way: &Way, nodes: &[&str], end: End<'_>) {
        assert_eq!(way.nodes, nodes, "{:#?}\n{:?}", way.decisions, way.verdict);
        self.unseen = (self.unseen + way.made.len()) - usize::from(way.is_made);
        let last = nodes.len() - 1;
        for (position, node) in nodes.iter().enumerate() {
            let counts = self.expected.entry((*node).to_owned()).or_default();
            counts[0] += 1;
            counts[match (position == last, end) {
                (false, _) => 1,
                (true, End::Delivered(_)) => 2,
                (true, End::Answered) => 3,
                (true, End::Dropped(_) | End::Told(_)) => 4,
                (true, End::Fragmented(_)) => 5,
            }] += 1;
            counts[6] += u64::from(position == last && matches!(end, End::Told(_)));
        }
        match (way.verdict.step, end) {
            (Step::Deliver(host), End::Delivered(wanted)) => {
                assert_eq!(host, self.host(wanted), "{:#?}", way.decisions)
            }
            (Step::Reply(Reply::InPlace), End::Answered) => {}
            (Step::Reply(Reply::Error { reason, .. }), End::Told(wanted)) => assert_eq!(reason, wanted),
            (Step::Fragment { mtu_bytes, .. }, End::Fragmented(wanted)) => assert_eq!(mtu_bytes, wanted),
            (Step::Drop(reason), End::Dropped(wanted)) => assert_eq!(reason, wanted, "{:#?}", way.decisions),
            (step, _) => panic!("{step:?}, not {end:?}: {:#?}", way.decisions),
        }
        // What the network made of a packet is counted already, and compared once all of it was looked at.
        if self.unseen > 0 {
            return;
        }
        let mut counted: BTreeMap<String, [u64; 7]> = BTreeMap::new();
        for (at, node) in (0u32..).zip(self.state.counters.all()) {
            let drops: u64 = node.drops().map(|(_, count)| count.packets).sum();
            assert_eq!(drops, node.dropped.packets);
            if node.received.packets > 0 {
                let counts = [
                    node.received,
                    node.forwarded,
                    node.delivered,
                    node.answered,
                    node.dropped,
                    node.fragmented,
                    node.told,
                ];
                // Two endpoints have one name.
                let sums = counted.entry(name_of(&self.program, NodeIx(at))).or_default();
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count.packets);
            }
        }
        assert_eq!(counted, self.expected);
    }
}

#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    Delivered(From<'a>),
    Answered,
    Dropped(DropReason),
    /// Dropped, and its source is told.
    Told(DropReason),
    /// Split, for this MTU.
    Fragmented(u16),
}

fn name_of(program: &Program, at: NodeIx) -> String {
    let Named { id, name } = program.origins.node(at);
    match program.node(at) {
        Node::Tombstone if id.starts_with("vpce-") => "vpce".into(),
        Node::Tombstone if id.starts_with("nat-") => "nat".into(),
        Node::Eni(_) | Node::Tombstone => name.clone().unwrap_or_else(|| id.clone()),
        Node::Router(_) => name.as_ref().map_or_else(|| "router".into(), |name| format!("router {name}")),
        Node::InternetGateway(_) => "igw".into(),
        Node::GatewayEndpoint(_) => "vpce".into(),
        Node::NatGateway(_) => "nat".into(),
        Node::Peering(_) => name.clone().unwrap_or_else(|| "pcx".into()),
        Node::TransitGateway(_) => name.clone().unwrap_or_else(|| "tgw".into()),
        Node::VpnGateway(_) => "vgw".into(),
        Node::VpnConnection(_) => "vpn".into(),
        Node::VirtualInterface(_) => "dxvif".into(),
        Node::Forwarder(_) | Node::OnPremises(_) => id.clone(),
        Node::Internet(_) => "internet".into(),
        Node::PlainRouter(_) => "plain router".into(),
    }
}

struct Story<'a> {
    program: &'a Program,
    decisions: Vec<String>,
    nodes: Vec<String>,
    hops: Vec<(NodeIx, Option<LinkIx>)>,
}

impl Tap for Story<'_> {
    fn on_step(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, _bytes: &[u8], step: Step) {
        if let Step::Forward(next, link) = step {
            self.hops.push((next, link));
        }
    }
    fn on_enter(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, _bytes: &[u8]) {
        self.nodes.push(name_of(self.program, at));
    }
    fn on_decision(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        let words = words(&self.program.origins, decision);
        self.decisions.push(format!("{}: {words}", name_of(self.program, at)));
    }
}

fn words(origins: &Origins, decision: Decision) -> String {
    let side = |direction| format!("{direction:?}").to_lowercase();
    match decision {
        Decision::Arp { target, answered } => format!("arp {target} answered={answered}"),
        Decision::Platform { .. } => "platform".into(),
        Decision::SourceDestCheck { direction, passed, .. } => format!("check {} passed={passed}", side(direction)),
        Decision::SecurityGroup { direction, verdict } => match verdict {
            SecurityVerdict::Tracked => format!("sg {} tracked", side(direction)),
            SecurityVerdict::NoRule => format!("sg {} no rule", side(direction)),
            SecurityVerdict::FollowsFirst => format!("sg {} follows first fragment", side(direction)),
            SecurityVerdict::RouterExempt => format!("sg {} exempt", side(direction)),
            SecurityVerdict::Rule { group, position, tracked } => {
                let (name, sentences) = &origins.groups[group.at()];
                let sentence = &sentences[usize::from(side(direction) == "egress")][usize::from(position)];
                format!("sg {} {}: {sentence}, tracked={tracked}", side(direction), name.name.clone().unwrap())
            }
        },
        Decision::SameSubnet { .. } => "same subnet".into(),
        Decision::NetworkAcl { direction, rule, allowed, .. } => {
            format!("acl {} {rule:?} allowed={allowed}", side(direction))
        }
        Decision::Route { table, destination, entry: Some(entry) } => {
            let told = origins.explain_route(table, entry, destination);
            let beats: Vec<_> = told.beaten.iter().map(|entry| format!(" beats {}", entry.cidr)).collect();
            let list = told.winner.prefix_list.as_ref().map(|list| format!(" ({list})")).unwrap_or_default();
            let target = told.winner.target.split('-').next().unwrap();
            format!("route {}{list} -> {target}{}", told.winner.cidr, beats.concat())
        }
        Decision::Route { entry: None, .. } => "no route".into(),
        Decision::Translate { before, after, .. } => format!("{before} becomes {after}"),
        Decision::Endpoint { direction, .. } => format!("endpoint {}", side(direction)),
        Decision::PublicAddress { address } => format!("public {address}"),
        Decision::Peering { passed, .. } => format!("peering passed={passed}"),
        Decision::TransitAttachment { table, .. } => format!("transit associated={}", table.is_some()),
        Decision::TransitPort { zone } => format!("transit port {}", origins.zones[usize::from(zone)].id),
        other => format!("{other:?}"),
    }
}

/// A TCP segment: flags as letters of "SAFR".
pub fn tcp(source: [u8; 4], source_port: u16, destination: [u8; 4], destination_port: u16, flags: &str) -> Vec<u8> {
    let mut builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(source, destination, 64).tcp(
        source_port,
        destination_port,
        1,
        1_000,
    );
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(1),
            'F' => builder.fin(),
            _ => builder.rst(),
        };
    }
    let mut frame = Vec::new();
    builder.write(&mut frame, &[]).unwrap();
    frame
}

pub fn udp(source: [u8; 4], source_port: u16, destination: [u8; 4], destination_port: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4(source, destination, 64)
        .udp(source_port, destination_port)
        .write(&mut frame, b"payload")
        .unwrap();
    frame
}

pub fn echo(source: [u8; 4], destination: [u8; 4], identifier: u16, reply: bool) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(source, destination, 64);
    let builder =
        if reply { builder.icmpv4_echo_reply(identifier, 1) } else { builder.icmpv4_echo_request(identifier, 1) };
    builder.write(&mut frame, b"ping").unwrap();
    frame
}

/// An ICMP "fragmentation needed" from `source` about the IPv4 packet in `about` (a frame).
pub fn frag_needed(source: [u8; 4], destination: [u8; 4], about: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4(source, destination, 64)
        .icmpv4_raw(3, 4, [0, 0, 5, 220])
        .write(&mut frame, &about[14..])
        .unwrap();
    frame
}

/// Every checksum of the IPv4 packet in a frame is right, by etherparse's reckoning.
#[track_caller]
pub fn assert_checksums(frame: &[u8]) {
    let packet = etherparse::SlicedPacket::from_ethernet(frame).unwrap();
    let Some(etherparse::NetSlice::Ipv4(ip)) = &packet.net else { panic!("no IPv4") };
    let header = ip.header().to_header();
    assert_eq!(header.calc_header_checksum(), header.header_checksum);
    match packet.transport {
        Some(etherparse::TransportSlice::Tcp(tcp)) => {
            let wanted = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap();
            assert_eq!(tcp.checksum(), wanted);
        }
        Some(etherparse::TransportSlice::Udp(udp)) => {
            let wanted = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
            assert_eq!(udp.checksum(), wanted);
        }
        Some(etherparse::TransportSlice::Icmpv4(icmp)) => {
            assert!(vpcsim::wire::checksum::is_valid(icmp.slice()));
        }
        _ => {}
    }
}

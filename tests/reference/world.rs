//! The way of a packet, told as AWS's documentation tells it.

use super::packet::{Content, ECHO_REPLY, ECHO_REQUEST, Fate, ICMP, LinkDestination, Outcome, Packet, Party, TCP, UDP};
use super::routes::{self, Chosen, Tie, inside};
use super::rules::{self, Side, rules_of};
use super::tracking::{self, Session};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, InternetGatewayId, SubnetId, VpcEndpointId, VpcId};
use vpcsim::model::{Model, NetworkInterface, RouteTarget};
use vpcsim::net::{Ipv4Net, ServiceKind};

/// The model and what packets left behind.
#[derive(Clone, Debug)]
pub struct World {
    pub model: Model,
    pub sessions: Vec<Session>,
    pub now_ns: u64,
    /// The gateway behind which a public address was last seen: it still leads there when nobody has it any more.
    pub last_behind: BTreeMap<Ipv4Addr, InternetGatewayId>,
    /// Ties that were settled; AWS's choice is arbitrary but stable.
    pub settled: BTreeMap<Tie, RouteTarget>,
}

/// A walk either ends, or stops at a tie nobody has settled yet. After a tie the world must be taken back.
pub type Walked = Result<Outcome, Tie>;

impl World {
    pub fn new(model: Model) -> World {
        let mut world =
            World { model, sessions: Vec::new(), now_ns: 0, last_behind: BTreeMap::new(), settled: BTreeMap::new() };
        world.publish();
        world
    }

    /// The model has changed.
    pub fn publish(&mut self) {
        for gateway in self.model.internet_gateways.values() {
            for eni in self.model.network_interfaces.values() {
                if let Some(public) = eni.public_address
                    && gateway.attached_vpc_id == Some(eni.vpc_id)
                {
                    self.last_behind.insert(public.address, gateway.id);
                }
            }
        }
    }

    /// The instance on `eni` sends `packet` in a frame to `link`.
    pub fn send_from_interface(&mut self, eni: EniId, packet: Packet, link: LinkDestination) -> Walked {
        self.walk(packet, |walk| walk.leave_interface(eni, link))
    }

    /// A host on the internet sends.
    pub fn send_from_outside(&mut self, host: &str, packet: Packet) -> Walked {
        self.walk(packet, |walk| {
            walk.path.push("internet".to_owned());
            // Its provider resolves names for it.
            let ports = walk.packet.protocol == TCP || walk.packet.protocol == UDP;
            if ports && walk.packet.destination_port() == Some(53) {
                return walk.deliver(Party::OutsidePlatform(host.to_owned()));
            }
            walk.across_internet()
        })
    }

    /// A service sends from its public side, or a provider's resolver answers.
    pub fn send_from_internet(&mut self, packet: Packet) -> Walked {
        self.walk(packet, |walk| {
            walk.path.push("internet".to_owned());
            walk.across_internet()
        })
    }

    /// A service sends through a gateway endpoint.
    pub fn answer_from_service(&mut self, endpoint: VpcEndpointId, packet: Packet) -> Walked {
        self.walk(packet, |walk| walk.leave_endpoint(endpoint))
    }

    /// What serves DHCP and DNS to `eni` sends.
    pub fn send_from_platform(&mut self, eni: EniId, packet: Packet) -> Walked {
        self.walk(packet, |walk| {
            walk.path.push(eni.to_string());
            match walk.world.model.network_interfaces.contains_key(&eni) {
                true => walk.deliver(Party::Instance(eni)),
                false => dropped("ResourceGone"),
            }
        })
    }

    fn walk(&mut self, packet: Packet, way: impl FnOnce(&mut Walk<'_>) -> Result<Fate, Tie>) -> Walked {
        let mut walk = Walk { world: self, packet, path: Vec::new() };
        let fate = way(&mut walk)?;
        Ok(Outcome { fate, path: walk.path })
    }
}

struct Walk<'w> {
    world: &'w mut World,
    packet: Packet,
    path: Vec<String>,
}

fn dropped(reason: &'static str) -> Result<Fate, Tie> {
    Ok(Fate::Dropped { reason })
}

impl Walk<'_> {
    fn deliver(&self, to: Party) -> Result<Fate, Tie> {
        Ok(Fate::Delivered { to, packet: self.packet.clone() })
    }

    fn leave_interface(&mut self, eni_id: EniId, link: LinkDestination) -> Result<Fate, Tie> {
        self.path.push(eni_id.to_string());
        let Some(eni) = self.world.model.network_interfaces.get(&eni_id).cloned() else {
            return dropped("ResourceGone");
        };
        // Link-local services are answered on the spot, before any rule (AmazonDNS-concepts.html, vpc-security-groups.html).
        if self.is_for_platform(&eni) {
            return self.deliver(Party::Platform(eni_id));
        }
        let destination = self.packet.destination;
        // VPCs carry neither broadcast nor multicast (vpc-dg: subnet-sizing.html).
        if inside(destination, net(169, 254, 0, 0, 16)) {
            return dropped("LinkLocalNotServed");
        }
        let to_all = destination == last(self.world.model.subnets[&eni.subnet_id].cidr) || destination.is_broadcast();
        if link == LinkDestination::Broadcast || to_all || destination.is_multicast() {
            return dropped("BroadcastOrMulticast");
        }
        if eni.source_dest_check && self.packet.source != eni.private_ip {
            return dropped("SourceCheck");
        }
        if !self.groups_pass(&eni, Side::Out, |walk| {
            Ok(link == LinkDestination::Router && walk.leads_to_dynamodb_endpoint(&eni)?)
        })? {
            return dropped(self.refused_by_groups(&eni, Side::Out));
        }
        match link {
            LinkDestination::Router => self.routed_from(&eni),
            // Within the subnet frames go straight to the interface: no route table, no network ACL (gateway-route-tables.html).
            LinkDestination::Interface(other) => {
                let other = self.world.model.network_interfaces.get(&other).cloned();
                match other.filter(|other| other.subnet_id == eni.subnet_id) {
                    Some(other) => self.enter_interface(&other, false),
                    None => dropped("UnknownEthernetDestination"),
                }
            }
            LinkDestination::Nobody | LinkDestination::Broadcast => dropped("UnknownEthernetDestination"),
        }
    }

    /// Groups without any rule of the direction have a code of their own (explanation-codes.html: SG_HAS_NO_RULES). Later fragments without ports are let in
    /// after their first one only (assumed with vpcsim); here none ever has one.
    fn refused_by_groups(&self, eni: &NetworkInterface, side: Side) -> &'static str {
        match side {
            Side::Out if rules_of(&self.world.model, eni, side).is_empty() => "SecurityGroupNoRulesEgress",
            Side::In if rules_of(&self.world.model, eni, side).is_empty() => "SecurityGroupNoRulesIngress",
            _ if self.packet.content == Content::LaterFragment => "FragmentWithoutFirst",
            Side::Out => "SecurityGroupEgress",
            Side::In => "SecurityGroupIngress",
        }
    }

    /// DHCP; DNS at base+2 of the VPC's primary block and at 169.254.169.253; ping to the own subnet's router.
    fn is_for_platform(&self, eni: &NetworkInterface) -> bool {
        let model = &self.world.model;
        let packet = &self.packet;
        let dns = [plus(model.vpcs[&eni.vpc_id].cidr_blocks[0].cidr, 2), Ipv4Addr::new(169, 254, 169, 253)];
        let router = plus(model.subnets[&eni.subnet_id].cidr, 1);
        match packet.content {
            // Renewals go to the server that gave the lease, which has the router's address.
            Content::Udp { source_port: 68, destination_port: 67 }
                if packet.destination.is_broadcast() || packet.destination == router =>
            {
                true
            }
            Content::Udp { destination_port: 53, .. } | Content::Tcp { destination_port: 53, .. } => {
                model.vpcs[&eni.vpc_id].enable_dns_support && dns.contains(&packet.destination)
            }
            Content::Echo { icmp_type: ECHO_REQUEST, .. } => packet.destination == router,
            _ => false,
        }
    }

    /// Connections through a DynamoDB gateway endpoint are always tracked.
    fn leads_to_dynamodb_endpoint(&self, eni: &NetworkInterface) -> Result<bool, Tie> {
        Ok(match self.route(eni.subnet_id)? {
            Some(Chosen { target: RouteTarget::GatewayEndpoint(id), active: true, .. }) => self.is_dynamodb(id),
            _ => false,
        })
    }

    fn is_dynamodb(&self, id: VpcEndpointId) -> bool {
        self.world.model.vpc_endpoints[&id].service_name.ends_with(".dynamodb")
    }

    fn route(&self, subnet: SubnetId) -> Result<Option<Chosen>, Tie> {
        let model = &self.world.model;
        let table = routes::table_of(model, subnet);
        match routes::choose(model, table, self.packet.destination) {
            Err(tie) => match self.world.settled.get(&tie) {
                Some(target) => {
                    let active = routes::is_active(model, table, *target);
                    Ok(Some(Chosen { prefix: tie.prefix, target: *target, active }))
                }
                None => Err(tie),
            },
            known => known,
        }
    }

    /// Stateful security groups: a packet of a known flow passes; otherwise some rule must allow it. Flows that rules open in both
    /// directions are not tracked, unless AWS always tracks them.
    fn groups_pass(
        &mut self,
        eni: &NetworkInterface,
        side: Side,
        always_tracked: impl FnOnce(&Self) -> Result<bool, Tie>,
    ) -> Result<bool, Tie> {
        let now_ns = self.world.now_ns;
        let packet = self.packet.clone();
        let word = if self.is_of_known_flow(eni, side, &packet) {
            "tracked"
        } else {
            let verdict = rules::ask_groups(&self.world.model, eni, side, &packet);
            if !verdict.allowed {
                "no rule"
            } else if !tracking::can_begin(&packet) || (verdict.open_both_ways && !always_tracked(self)?) {
                "rule, not tracked"
            } else {
                self.world.sessions.extend(Session::begin(eni.id, &packet, side, now_ns));
                "rule, tracked from now on"
            }
        };
        self.path.push(format!("sg {} {word}", side.word()));
        Ok(word != "no rule")
    }

    fn is_of_known_flow(&mut self, eni: &NetworkInterface, side: Side, packet: &Packet) -> bool {
        let (now_ns, sessions) = (self.world.now_ns, &mut self.world.sessions);
        // ICMP errors about a known flow belong to it; the packet they quote went the other way.
        if let Content::IcmpError { quoted, .. } = &packet.content {
            return tracking::knows(sessions, eni.id, quoted, side.opposite(), now_ns);
        }
        match tracking::find(sessions, eni.id, packet, side, now_ns) {
            Some(session) => {
                session.note(packet, side, now_ns);
                true
            }
            None => false,
        }
    }

    fn network_acl_passes(&mut self, subnet: SubnetId, side: Side) -> bool {
        let (acl, number, allowed) = rules::ask_network_acl(&self.world.model, subnet, side, &self.packet);
        let number = number.map_or("*".to_owned(), |number| number.to_string());
        self.path.push(format!("{acl} {} {number}", side.word()));
        allowed
    }

    fn routed_from(&mut self, eni: &NetworkInterface) -> Result<Fate, Tie> {
        let table = routes::table_of(&self.world.model, eni.subnet_id).id;
        // ACLs stand at the subnet's boundary, not within: they are asked unless the packet stays in the subnet.
        if !self.stays_in_subnet(eni)? && !self.network_acl_passes(eni.subnet_id, Side::Out) {
            return dropped("NetworkAclEgress");
        }
        let Some(chosen) = self.route(eni.subnet_id)? else {
            self.path.push(format!("{table} no route"));
            return dropped("NoRoute");
        };
        self.path.push(format!("{table} {} -> {}", chosen.prefix, chosen.target));
        if !chosen.active {
            return dropped("BlackholeRoute");
        }
        match chosen.target {
            RouteTarget::Local => self.reach_address(eni.vpc_id, Some(eni.subnet_id)),
            RouteTarget::InternetGateway(id) => self.leave_gateway(id, eni.vpc_id),
            RouteTarget::GatewayEndpoint(id) => self.enter_endpoint(id),
            RouteTarget::NetworkInterface(id) => {
                let middlebox = self.world.model.network_interfaces[&id].clone();
                if middlebox.subnet_id != eni.subnet_id && !self.network_acl_passes(middlebox.subnet_id, Side::In) {
                    return dropped("NetworkAclIngress");
                }
                self.enter_interface(&middlebox, false)
            }
            other => panic!("{other}: the reference draws no such route"),
        }
    }

    fn stays_in_subnet(&self, eni: &NetworkInterface) -> Result<bool, Tie> {
        let model = &self.world.model;
        Ok(match self.route(eni.subnet_id)? {
            Some(Chosen { target: RouteTarget::Local, .. }) => {
                inside(self.packet.destination, model.subnets[&eni.subnet_id].cidr)
            }
            Some(Chosen { target: RouteTarget::NetworkInterface(id), active: true, .. }) => {
                model.network_interfaces[&id].subnet_id == eni.subnet_id
            }
            _ => false,
        })
    }

    /// Delivery inside the VPC to whoever has the destination address; `None`: it comes from outside every subnet.
    fn reach_address(&mut self, vpc: VpcId, from_subnet: Option<SubnetId>) -> Result<Fate, Tie> {
        let owner = (self.world.model.network_interfaces.values())
            .find(|eni| eni.vpc_id == vpc && eni.private_ip == self.packet.destination)
            .cloned();
        let Some(owner) = owner else {
            return dropped("NoInterfaceAtAddress");
        };
        if from_subnet != Some(owner.subnet_id) && !self.network_acl_passes(owner.subnet_id, Side::In) {
            return dropped("NetworkAclIngress");
        }
        let from_endpoint = from_subnet.is_none() && self.path.first().is_some_and(|first| first.starts_with("vpce-"));
        self.enter_interface(&owner, from_endpoint)
    }

    fn enter_interface(&mut self, eni: &NetworkInterface, from_endpoint: bool) -> Result<Fate, Tie> {
        self.path.push(eni.id.to_string());
        let from_dynamodb = from_endpoint && self.path[0].parse().is_ok_and(|id: VpcEndpointId| self.is_dynamodb(id));
        if !self.groups_pass(eni, Side::In, |_| Ok(from_dynamodb))? {
            return dropped(self.refused_by_groups(eni, Side::In));
        }
        if eni.source_dest_check && self.packet.destination != eni.private_ip {
            return dropped("DestinationCheck");
        }
        self.deliver(Party::Instance(eni.id))
    }

    /// One-to-one translation without state (VPC_Internet_Gateway.html).
    fn leave_gateway(&mut self, igw: InternetGatewayId, vpc: VpcId) -> Result<Fate, Tie> {
        self.path.push(igw.to_string());
        // explanation-codes.html: IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS.
        let blocks = &self.world.model.vpcs[&vpc].cidr_blocks;
        if blocks.iter().any(|block| block.cidr.contains(&self.packet.destination)) {
            return dropped("InternetGatewayDestinationInVpc");
        }
        if is_rfc1918(self.packet.destination) {
            return dropped("InternetGatewayDestinationRfc1918");
        }
        if is_rfc6598(self.packet.destination) {
            return dropped("InternetGatewayDestinationRfc6598");
        }
        let private = self.packet.source;
        let owner = (self.world.model.network_interfaces.values())
            .find(|eni| eni.vpc_id == vpc && eni.private_ip == private && eni.attachment.is_some());
        let Some(public) = owner.and_then(|eni| eni.public_address) else {
            return dropped("InternetGatewayNoPublicAddress");
        };
        self.packet.source = public.address;
        if let Content::IcmpError { quoted, .. } = &mut self.packet.content
            && quoted.destination == private
        {
            quoted.destination = public.address;
        }
        self.path.push("internet".to_owned());
        self.across_internet()
    }

    /// Out there every public address leads to whoever has it.
    fn across_internet(&mut self) -> Result<Fate, Tie> {
        let destination = self.packet.destination;
        if destination.is_broadcast() || destination.is_multicast() {
            return dropped("BroadcastOrMulticast");
        }
        let model = &self.world.model;
        for host in model.outside_hosts.values() {
            if host.address == destination {
                return self.deliver(Party::Outside(host.name.clone()));
            }
        }
        if let Some(gateway) = self.world.last_behind.get(&destination).and_then(|id| model.internet_gateways.get(id))
            && let Some(vpc) = gateway.attached_vpc_id
        {
            let igw = gateway.id;
            return self.enter_gateway(igw, vpc);
        }
        let service: Option<(ServiceKind, String)> = (model.public_services.iter())
            .find(|service| service.cidrs.iter().any(|cidr| inside(destination, *cidr)))
            .map(|service| (service.kind, service.region.clone()));
        match service {
            Some((kind, region)) => self.deliver(Party::PublicService(kind, region)),
            None => dropped("NobodyAtPublicAddress"),
        }
    }

    fn enter_gateway(&mut self, igw: InternetGatewayId, vpc: VpcId) -> Result<Fate, Tie> {
        self.path.push(igw.to_string());
        if is_rfc1918(self.packet.source) {
            return dropped("InternetGatewaySourceRfc1918");
        }
        if is_rfc6598(self.packet.source) {
            return dropped("InternetGatewaySourceRfc6598");
        }
        let public = self.packet.destination;
        let owner = self
            .world
            .model
            .network_interfaces
            .values()
            .find(|eni| eni.vpc_id == vpc && eni.public_address.is_some_and(|known| known.address == public));
        let Some(private) = owner.map(|eni| eni.private_ip) else {
            return dropped("InternetGatewayNoPrivateAddress");
        };
        self.packet.destination = private;
        if let Content::IcmpError { quoted, .. } = &mut self.packet.content
            && quoted.source == public
        {
            quoted.source = private;
        }
        self.reach_address(vpc, None)
    }

    /// Takes TCP and ICMP echo for its prefix list (docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html).
    fn enter_endpoint(&mut self, id: VpcEndpointId) -> Result<Fate, Tie> {
        self.path.push(id.to_string());
        // GATEWAY_REJECTS_SPOOFED_TRAFFIC: gateways take only what comes from addresses of their VPC.
        let (model, source) = (&self.world.model, self.packet.source);
        let vpc = model.vpc_endpoints[&id].vpc_id;
        let own = |eni: &NetworkInterface| eni.vpc_id == vpc && eni.private_ip == source && eni.attachment.is_some();
        if !model.network_interfaces.values().any(own) {
            return dropped("GatewayRejectsSpoofed");
        }
        if !self.is_tcp_or_echo(ECHO_REQUEST) {
            return dropped("EndpointProtocol");
        }
        if !self.in_list_of(id, self.packet.destination) {
            return dropped("EndpointDestinationNotInList");
        }
        self.deliver(Party::EndpointService(id))
    }

    fn leave_endpoint(&mut self, id: VpcEndpointId) -> Result<Fate, Tie> {
        self.path.push(id.to_string());
        let Some(vpc) = self.world.model.vpc_endpoints.get(&id).map(|endpoint| endpoint.vpc_id) else {
            return dropped("ResourceGone");
        };
        let opens = self.packet.tcp_flags().is_some_and(|flags| flags.syn && !flags.ack);
        if opens || self.packet.is_echo(ECHO_REQUEST) {
            return dropped("EndpointInitiates");
        }
        if !self.is_tcp_or_echo(ECHO_REPLY) {
            return dropped("EndpointProtocol");
        }
        if !self.in_list_of(id, self.packet.source) {
            return dropped("EndpointSourceNotInList");
        }
        self.reach_address(vpc, None)
    }

    /// Later fragments of ICMP do not show their type.
    fn is_tcp_or_echo(&self, icmp_type: u8) -> bool {
        let fragment_of_icmp = self.packet.protocol == ICMP && self.packet.content == Content::LaterFragment;
        self.packet.protocol == TCP || self.packet.is_echo(icmp_type) || fragment_of_icmp
    }

    fn in_list_of(&self, endpoint: VpcEndpointId, address: Ipv4Addr) -> bool {
        let model = &self.world.model;
        let wanted = model.vpc_endpoints[&endpoint].prefix_list_id().unwrap();
        (model.prefix_lists.values())
            .filter(|list| list.region == model.region && list.id == wanted)
            .any(|list| list.cidrs.iter().any(|cidr| inside(address, *cidr)))
    }
}

fn is_rfc1918(address: Ipv4Addr) -> bool {
    [net(10, 0, 0, 0, 8), net(172, 16, 0, 0, 12), net(192, 168, 0, 0, 16)].iter().any(|block| inside(address, *block))
}

fn is_rfc6598(address: Ipv4Addr) -> bool {
    inside(address, net(100, 64, 0, 0, 10))
}

fn net(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// The last address of a block: in a subnet the broadcast address.
fn last(block: Ipv4Net) -> Ipv4Addr {
    plus(block, ((1u64 << (32 - block.prefix_len())) - 1) as u32)
}

fn plus(block: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(block.network()) + by)
}

//! What could be changed where a packet is lost, as `aws` lines.
//!
//! Each candidate is a guess drawn from the account and the failing step; the search in [`super`] finds out whether it mends. Non-goal: every
//! conceivable change. Left out on purpose: changes of the hosts, taking away what others may need when adding mends as well.

mod joined;

use super::Cost;
use crate::control::{ControlPlane, VpcEndpointType};
use crate::dataplane::{Decision, Direction, DropReason};
use crate::explain::trace::{LegKind, Outcome, Traced, Visit};
use crate::ids::VpcId;
use crate::model::{
    Model, NetworkInterface, PrefixList, Route, RouteDestination, RouteState, RouteTable, RouteTarget, Subnet,
    endpoint_services,
};
use crate::net::{FiveTuple, Protocol};
use crate::program::{Node, NodeIx};
use std::net::Ipv4Addr;

/// Stands for the id of what the line before created.
pub(super) const CREATED: &str = "<created>";

/// Ports that clients choose from: the range that AWS's own guide to network ACLs opens for answers.
const EPHEMERAL_FIRST: u16 = 1024;

/// One guess: lines to be done together.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) lines: Vec<String>,
    cost: Cost,
}

impl Candidate {
    pub(super) fn new(lines: Vec<String>, cost: Cost) -> Self {
        Candidate { cost: Cost { commands_count: lines.len(), ..cost }, lines }
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }
}

/// What could be changed where the packet of `traced` was lost.
pub(super) fn candidates(control: &ControlPlane, traced: &Traced) -> Vec<Candidate> {
    let Outcome::Dropped { leg, at, reason } = traced.outcome else { return Vec::new() };
    let Some(visit) = traced.leg(leg).and_then(|leg| leg.visits.last()) else { return Vec::new() };
    let mut guess = Guess { model: control.model(), traced, leg, at, visit, found: Vec::new() };
    match reason {
        DropReason::NoRoute => {
            guess.endpoint_roads();
            guess.joining_routes();
            guess.gateway_routes();
            guess.other_tables();
        }
        DropReason::BlackholeRoute => {
            guess.replaced_routes();
            guess.endpoint_roads();
            guess.joining_routes();
        }
        DropReason::PeeringAddressNotInVpc => {
            guess.direct_peering();
            guess.endpoint_at_home();
        }
        DropReason::GatewayRejectsSpoofed => guess.endpoint_at_home(),
        DropReason::TransitZone => guess.transit_zones(true),
        DropReason::TransitAttachmentZone => guess.transit_zones(false),
        DropReason::TransitNoAssociation => guess.transit_associations(),
        DropReason::TransitNoRoute | DropReason::TransitBlackhole => guess.transit_routes(),
        DropReason::AttachmentGone => guess.transit_acceptances(),
        DropReason::VpnGatewayNoRoute => guess.vpn_routes(),
        // What goes round by a link that is down can take the service's own road.
        DropReason::TunnelsDown | DropReason::VirtualInterfaceDown => guess.endpoint_roads(),
        DropReason::InternetGatewayNoPublicAddress => {
            guess.endpoint_roads();
            guess.public_addresses(guess.sending_interface());
        }
        DropReason::NobodyAtPublicAddress => guess.public_addresses(guess.wanted_interface()),
        DropReason::InternetGatewayDestinationRfc1918 | DropReason::InternetGatewayDestinationRfc6598 => {
            guess.other_tables();
        }
        DropReason::EndpointProtocol => guess.around_the_endpoint(),
        DropReason::SecurityGroupEgress | DropReason::SecurityGroupNoRulesEgress => {
            guess.group_rules(Direction::Egress);
        }
        DropReason::SecurityGroupIngress | DropReason::SecurityGroupNoRulesIngress => {
            guess.group_rules(Direction::Ingress);
        }
        DropReason::BlockPublicAccess => guess.public_access_exclusions(),
        DropReason::NetworkAclEgress => guess.acl_entries(Direction::Egress),
        DropReason::NetworkAclIngress => guess.acl_entries(Direction::Ingress),
        DropReason::SourceCheck | DropReason::DestinationCheck => guess.without_check(),
        DropReason::NoInterfaceAtAddress | DropReason::LinkLocalNotServed => guess.resolver(),
        _ => {}
    }
    guess.found
}

struct Guess<'g> {
    model: &'g Model,
    traced: &'g Traced,
    leg: LegKind,
    /// Where the packet was lost.
    at: NodeIx,
    visit: &'g Visit,
    found: Vec<Candidate>,
}

impl<'g> Guess<'g> {
    fn add(&mut self, lines: impl IntoIterator<Item = String>, changed_count: usize, opened_bits: u32, public: u32) {
        let cost = Cost { changed_count, opened_bits, public, ..Cost::default() };
        self.found.push(Candidate::new(lines.into_iter().collect(), cost));
    }

    /// The subnet of whoever is behind the internet gateway, excluded from VPC Block Public Access.
    fn public_access_exclusions(&mut self) {
        let inside = self.sending_interface().or_else(|| self.wanted_interface());
        let Some(subnet_id) = inside.map(|interface| interface.subnet_id) else { return };
        let line = format!(
            "aws ec2 create-vpc-block-public-access-exclusion --subnet-id {subnet_id} --internet-gateway-exclusion-mode \
             allow-bidirectional"
        );
        self.add([line], 1, 0, 1);
    }

    /// The service's own road: its gateway endpoint, with the sender's table.
    fn endpoint_roads(&mut self) {
        if let Some((table, destination)) = self.table() {
            self.endpoint_roads_of(table, destination);
        }
    }

    /// The same in the sender's VPC, where the service was sought in another one.
    fn endpoint_at_home(&mut self) {
        let model = self.model;
        let table = self.subnet().and_then(|subnet| model.effective_route_table(subnet));
        if let (Some(table), Some(tuple)) = (table, self.visit.before) {
            self.endpoint_roads_of(table, tuple.destination);
        }
    }

    /// The same with a table of the caller's choice.
    fn endpoint_roads_of(&mut self, table: &RouteTable, destination: Ipv4Addr) {
        let Some(list) = self.list_of(destination) else { return };
        let endpoints = self.model.vpc_endpoints.values();
        let mut exists = false;
        for endpoint in endpoints.filter(|e| e.vpc_id == table.vpc_id && e.prefix_list_id() == Some(list.id)) {
            exists = true;
            let line = format!(
                "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {}",
                endpoint.id, table.id
            );
            self.add([line], 1, 0, 0);
        }
        if !exists {
            let (vpc, service) = (table.vpc_id, &list.name);
            let line = format!(
                "aws ec2 create-vpc-endpoint --vpc-id {vpc} --service-name {service} --route-table-ids {}",
                table.id
            );
            self.add([line], 1, 0, 0);
        }
    }

    /// A route to the internet gateway, attached or made where there is none.
    fn gateway_routes(&mut self) {
        let Some((table, destination)) = self.table() else { return };
        let route = |gateway: &str| {
            format!(
                "aws ec2 create-route --route-table-id {} --destination-cidr-block {destination}/32 --gateway-id {gateway}",
                table.id
            )
        };
        let gateways = self.model.internet_gateways.values();
        let attached = gateways.clone().find(|gateway| gateway.attached_vpc_id == Some(table.vpc_id));
        let spare = gateways.clone().find(|gateway| gateway.attached_vpc_id.is_none());
        let attach = |gateway: &str| {
            format!("aws ec2 attach-internet-gateway --internet-gateway-id {gateway} --vpc-id {}", table.vpc_id)
        };
        match (attached, spare) {
            (Some(gateway), _) => self.add([route(&gateway.id.to_string())], 1, 0, 1),
            (None, Some(gateway)) => {
                let id = gateway.id.to_string();
                self.add([attach(&id), route(&id)], 2, 0, 1);
            }
            (None, None) => {
                let create = "aws ec2 create-internet-gateway".to_owned();
                self.add([create, attach(CREATED), route(CREATED)], 2, 0, 1);
            }
        }
    }

    /// Another table of the VPC that knows the way.
    fn other_tables(&mut self) {
        let Some((table, destination)) = self.table() else { return };
        let Some(subnet) = self.subnet() else { return };
        let knows = |other: &&RouteTable| {
            let leads = |route: &&Route| {
                route.target != RouteTarget::Local
                    && self.model.route_state(other, route) == RouteState::Active
                    && self
                        .model
                        .destination_cidrs(table.vpc_id, route.destination)
                        .iter()
                        .any(|cidr| cidr.contains(&destination))
            };
            other.vpc_id == table.vpc_id && other.id != table.id && other.routes.iter().any(|route| leads(&route))
        };
        let others: Vec<_> = self.model.route_tables.values().filter(knows).map(|other| other.id).collect();
        for other in others {
            let line = match table.associations.get(&subnet.id) {
                Some(association) => format!(
                    "aws ec2 replace-route-table-association --association-id {association} --route-table-id {other}"
                ),
                None => {
                    format!("aws ec2 associate-route-table --route-table-id {other} --subnet-id {}", subnet.id)
                }
            };
            // The whole subnet gets other roads, for every destination.
            self.add([line], 2, 8, 0);
        }
    }

    /// The blackhole, led elsewhere or taken away.
    fn replaced_routes(&mut self) {
        let Some((table, destination)) = self.table() else { return };
        let matching = |route: &&Route| {
            self.model.destination_cidrs(table.vpc_id, route.destination).iter().any(|cidr| cidr.contains(&destination))
                && self.model.route_state(table, route) == RouteState::Blackhole
        };
        let routes: Vec<Route> = table.routes.iter().filter(matching).copied().collect();
        let gateways = self.model.internet_gateways.values();
        let gateway = gateways.clone().find(|gateway| gateway.attached_vpc_id == Some(table.vpc_id));
        for route in routes {
            let which = match route.destination {
                RouteDestination::Cidr(cidr) => format!("--destination-cidr-block {cidr}"),
                RouteDestination::PrefixList(list) => format!("--destination-prefix-list-id {list}"),
            };
            let delete = format!("aws ec2 delete-route --route-table-id {} {which}", table.id);
            self.add([delete], 1, 0, 0);
            if let Some(gateway) = gateway {
                let line =
                    format!("aws ec2 replace-route --route-table-id {} {which} --gateway-id {}", table.id, gateway.id);
                self.add([line], 1, 0, 1);
            }
        }
    }

    /// A public address for an interface.
    fn public_addresses(&mut self, interface: Option<&NetworkInterface>) {
        let Some(instance) = interface.and_then(|interface| interface.attachment?.instance_id) else {
            return;
        };
        let associate = |allocation: &str| {
            format!("aws ec2 associate-address --allocation-id {allocation} --instance-id {instance}")
        };
        let spare = self.model.elastic_addresses.values().find(|address| address.association.is_none());
        if let Some(spare) = spare {
            self.add([associate(&spare.allocation_id.to_string())], 2, 0, 1);
        }
        let allocate = "aws ec2 allocate-address --domain vpc".to_owned();
        self.add([allocate, associate(CREATED)], 1, 0, 1);
    }

    /// Past an endpoint that does not carry the protocol: by the internet gateway.
    fn around_the_endpoint(&mut self) {
        let (Some(tuple), Some((table, _))) = (self.visit.before, self.table()) else { return };
        let gateways = self.model.internet_gateways.values();
        let gateway = gateways.clone().find(|gateway| gateway.attached_vpc_id == Some(table.vpc_id));
        if let Some(gateway) = gateway {
            let line = format!(
                "aws ec2 create-route --route-table-id {} --destination-cidr-block {}/32 --gateway-id {}",
                table.id, tuple.destination, gateway.id
            );
            self.add([line], 1, 0, 1);
        }
    }

    /// A rule in one of the interface's security groups.
    fn group_rules(&mut self, direction: Direction) {
        let (Some(tuple), Some(interface)) = (self.visit.before, self.interface_at(self.at)) else { return };
        let (verb, peer) = match direction {
            Direction::Egress => ("authorize-security-group-egress", tuple.destination),
            Direction::Ingress => ("authorize-security-group-ingress", tuple.source),
        };
        let list = self.list_of(peer).filter(|_| direction == Direction::Egress);
        let (protocol, from, to) = match tuple.protocol {
            // Clients choose their ports anew for every connection.
            Protocol::TCP | Protocol::UDP if self.is_answer() => {
                (tuple.protocol.to_string(), i32::from(EPHEMERAL_FIRST), i32::from(u16::MAX))
            }
            Protocol::TCP | Protocol::UDP => {
                (tuple.protocol.to_string(), i32::from(tuple.destination_port), i32::from(tuple.destination_port))
            }
            Protocol::ICMP => ("icmp".to_owned(), if self.is_answer() { 0 } else { 8 }, -1),
            other => (other.0.to_string(), -1, -1),
        };
        let rule = match (list, tuple.protocol) {
            (Some(list), _) => format!(
                "--ip-permissions 'IpProtocol={protocol},FromPort={from},ToPort={to},PrefixListIds=[{{PrefixListId={}}}]'",
                list.id
            ),
            (None, Protocol::TCP | Protocol::UDP) => {
                let ports = if from == to { from.to_string() } else { format!("{from}-{to}") };
                format!("--protocol {protocol} --port {ports} --cidr {peer}/32")
            }
            (None, _) => format!(
                "--ip-permissions 'IpProtocol={protocol},FromPort={from},ToPort={to},IpRanges=[{{CidrIp={peer}/32}}]'"
            ),
        };
        for group in interface.security_group_ids.clone() {
            let members =
                self.model.network_interfaces.values().filter(|eni| eni.security_group_ids.contains(&group)).count();
            self.add([format!("aws ec2 {verb} --group-id {group} {rule}")], members, 0, 0);
        }
    }

    /// An entry before the one that denies.
    fn acl_entries(&mut self, direction: Direction) {
        let denial = self.visit.decisions.iter().rev().find_map(|decision| match *decision {
            Decision::NetworkAcl { acl, rule, allowed: false, .. } => Some((acl, rule)),
            _ => None,
        });
        let (Some(tuple), Some((acl, denied_by))) = (self.visit.before, denial) else { return };
        let id = &self.traced.program.origins.acl(acl).id;
        let Some(acl) = self.model.network_acls.values().find(|acl| acl.id.to_string() == *id) else { return };
        let (entries, peer, side) = match direction {
            Direction::Egress => (&acl.egress, tuple.destination, "--egress"),
            Direction::Ingress => (&acl.ingress, tuple.source, "--ingress"),
        };
        let Some(number) = free_number(|number| entries.contains_key(&number), denied_by) else { return };
        let cidr = match self.list_of(peer) {
            Some(list) => list.cidrs.iter().find(|cidr| cidr.contains(&peer)).map(ToString::to_string),
            None => None,
        };
        let cidr = cidr.unwrap_or_else(|| format!("{peer}/32"));
        let line = format!(
            "aws ec2 create-network-acl-entry --network-acl-id {} {side} --rule-number {number} {} --cidr-block {cidr} --rule-action allow",
            acl.id,
            self.acl_traffic(tuple)
        );
        self.add([line], 1, 0, 0);
        if let Some(number) = denied_by {
            let line =
                format!("aws ec2 delete-network-acl-entry --network-acl-id {} {side} --rule-number {number}", acl.id);
            self.add([line], 1, 16, 0);
        }
    }

    /// Answers come to whatever port the client chose.
    fn acl_traffic(&self, tuple: FiveTuple) -> String {
        match tuple.protocol {
            Protocol::TCP | Protocol::UDP => {
                let port = tuple.destination_port;
                let (from, to) = if self.is_answer() && port >= EPHEMERAL_FIRST {
                    (EPHEMERAL_FIRST, u16::MAX)
                } else {
                    (port, port)
                };
                format!("--protocol {} --port-range From={from},To={to}", tuple.protocol)
            }
            Protocol::ICMP => {
                let kind = if self.is_answer() { 0 } else { 8 };
                format!("--protocol icmp --icmp-type-code Code=-1,Type={kind}")
            }
            other => format!("--protocol {}", other.0),
        }
    }

    /// An interface that may send and get what is not its own.
    fn without_check(&mut self) {
        let Some(instance) = self.interface_at(self.at).and_then(|interface| interface.attachment?.instance_id) else {
            return;
        };
        let line = format!("aws ec2 modify-instance-attribute --instance-id {instance} --no-source-dest-check");
        self.add([line], 1, 0, 0);
    }

    /// A resolver that answers, if the packet was for it.
    fn resolver(&mut self) {
        let Some(vpc) = self.model.vpcs.values().find(|vpc| self.vpc_id() == Some(vpc.id)) else { return };
        if !vpc.enable_dns_support {
            let line = format!("aws ec2 modify-vpc-attribute --vpc-id {} --enable-dns-support", vpc.id);
            self.add([line], 1, 0, 0);
        }
    }

    fn is_answer(&self) -> bool {
        self.leg >= LegKind::ArpBack
    }

    /// The table that was last asked on the lost packet's way, and for which address.
    fn table(&self) -> Option<(&'g RouteTable, Ipv4Addr)> {
        let leg = self.traced.leg(self.leg)?;
        let (table, destination) =
            leg.visits.iter().flat_map(|visit| &visit.decisions).rev().find_map(|decision| match *decision {
                Decision::Route { table, destination, .. } => Some((table, destination)),
                _ => None,
            })?;
        let id = &self.traced.program.origins.tables[table.at()].table.id;
        let model = self.model;
        Some((model.route_tables.values().find(|table| table.id.to_string() == *id)?, destination))
    }

    /// The list of a service that has a gateway endpoint, if `address` is in one.
    fn list_of(&self, address: Ipv4Addr) -> Option<&'g PrefixList> {
        let model = self.model;
        let has_endpoint = |list: &&PrefixList| {
            list.region == model.region
                && endpoint_services(model)
                    .iter()
                    .any(|service| service.name == list.name && service.endpoint_type == VpcEndpointType::Gateway)
        };
        let inside = |list: &&PrefixList| list.cidrs.iter().any(|cidr| cidr.contains(&address));
        model.prefix_lists.values().filter(inside).find(has_endpoint)
    }

    fn interface_at(&self, at: NodeIx) -> Option<&'g NetworkInterface> {
        let id = &self.traced.program.origins.node(at).id;
        let model = self.model;
        model.network_interfaces.values().find(|eni| eni.id.to_string() == *id)
    }

    /// The interface that the lost packet left its sender by.
    fn sending_interface(&self) -> Option<&'g NetworkInterface> {
        let leg = self.traced.leg(self.leg)?;
        let first = leg.visits.first()?.at;
        matches!(self.traced.program.node(first), Node::Eni(_)).then(|| self.interface_at(first))?
    }

    /// The interface of the instance that the probe was for.
    fn wanted_interface(&self) -> Option<&'g NetworkInterface> {
        let model = self.model;
        let instance = model.instances.get(&self.traced.destination.instance?)?;
        model.network_interfaces.get(&instance.primary_interface_id?)
    }

    fn subnet(&self) -> Option<&'g Subnet> {
        let model = self.model;
        model.subnets.get(&self.sending_interface()?.subnet_id)
    }

    fn vpc_id(&self) -> Option<VpcId> {
        Some(self.sending_interface()?.vpc_id)
    }
}

/// A free rule number before `before`, as people number: half-way down, in round numbers where there is room. `None` is the final `*`.
fn free_number(is_taken: impl Fn(u16) -> bool, before: Option<u16>) -> Option<u16> {
    match before {
        None => (1..=327).map(|step| step * 100).find(|number| !is_taken(*number)),
        Some(before) => {
            let round = (1..before).rev().filter(|number| number % 10 == 0).find(|number| !is_taken(*number));
            round.or_else(|| (1..before).rev().find(|number| !is_taken(*number)))
        }
    }
}

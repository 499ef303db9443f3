//! The pieces of an analysis: components, headers, rules and routes as EC2 writes them.

use crate::control::ControlPlane;
use crate::dataplane::{Direction, SecurityVerdict};
use crate::explain::hints::beaten_code;
use crate::model::{Model, NetworkInterface, RouteOrigin, RulePeer, Tags};
use crate::net::{FiveTuple, PortRange, Protocol, TrafficMatch};
use crate::program::{AclIx, HostIx, HostKind, NextHopKind, Node, NodeIx, Program, RibEntry, TableIx};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The number that EC2 gives a network ACL's final `*`.
const LAST_RULE: u32 = 32_767;

/// Turns indices into components.
pub(super) struct Describe<'d> {
    model: &'d Model,
    program: &'d Program,
}

impl<'d> Describe<'d> {
    pub(super) fn new(control: &'d ControlPlane, program: &'d Program) -> Self {
        Describe { model: control.model(), program }
    }

    /// The name of an EC2 resource of this account.
    pub(super) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ec2:{}:{}:{resource}", self.model.region, self.model.account_id)
    }

    /// Whether EC2 has such a component: VPC routers and the internet are none.
    pub(super) fn is_shown(&self, at: NodeIx) -> bool {
        !matches!(self.program.node(at), Node::Router(_) | Node::Internet(_) | Node::Tombstone)
    }

    /// `AnalysisComponent` of a node.
    pub(super) fn component(&self, at: NodeIx) -> Value {
        let named = self.program.origins.node(at);
        let kind = match self.program.node(at) {
            Node::Eni(_) => "network-interface",
            Node::InternetGateway(_) => "internet-gateway",
            Node::GatewayEndpoint(_) => "vpc-endpoint",
            Node::Router(_) => "vpc",
            Node::NatGateway(_) => "nat-gateway",
            Node::Forwarder(_) => "instance",
            Node::Peering(_) => "vpc-peering-connection",
            Node::TransitGateway(_) => "transit-gateway",
            Node::VpnGateway(_) => "vpn-gateway",
            Node::VpnConnection(_) => "vpn-connection",
            // Not EC2's: an id, and no ARN.
            Node::VirtualInterface(_) | Node::OnPremises(_) => {
                let name = named.name.as_ref().unwrap_or(&named.id);
                return json!({ "Id": named.id, "Name": name });
            }
            Node::Internet(_) | Node::PlainRouter(_) | Node::Tombstone => return json!({ "Id": named.id }),
        };
        self.named(kind, &named.id, named.name.as_deref())
    }

    /// `PathComponent` of a node.
    pub(super) fn node(&self, at: NodeIx) -> Value {
        let mut component = json!({ "Component": self.component(at) });
        if let Some(eni) = self.interface(at) {
            if let Some(subnet) = self.model.subnets.get(&eni.subnet_id) {
                component["Subnet"] = self.tagged("subnet", subnet.id.to_string(), &subnet.tags);
            }
            if let Some(vpc) = self.model.vpcs.get(&eni.vpc_id) {
                component["Vpc"] = self.tagged("vpc", vpc.id.to_string(), &vpc.tags);
            }
            if let Some(instance) = self.model.instance_of(eni) {
                component["AttachedTo"] = self.tagged("instance", instance.id.to_string(), &instance.tags);
            }
        }
        let router = match self.program.node(at) {
            Node::InternetGateway(gateway) => Some(gateway.router),
            Node::GatewayEndpoint(endpoint) => Some(endpoint.router),
            Node::NatGateway(gateway) => Some(gateway.router),
            Node::VpnGateway(gateway) => Some(gateway.router),
            _ => None,
        };
        if let Some(router) = router {
            component["Vpc"] = self.component(router);
        }
        component
    }

    /// `PathComponent` of an end system.
    pub(super) fn host(&self, host: HostIx) -> Value {
        let named = self.program.origins.host(host);
        match &self.program.hosts[host.at()].kind {
            HostKind::Instance(_) => json!({ "Component": self.named("instance", &named.id, named.name.as_deref()) }),
            HostKind::PublicService(..) | HostKind::EndpointService(_) => {
                json!({ "Component": { "Id": named.id }, "ServiceName": named.id })
            }
            _ => json!({ "Component": { "Id": named.id } }),
        }
    }

    /// `PathComponent` of the security groups at an interface; `None` if the packet met no rule.
    pub(super) fn security_group(&self, at: NodeIx, direction: Direction, verdict: SecurityVerdict) -> Option<Value> {
        match verdict {
            SecurityVerdict::Tracked | SecurityVerdict::FollowsFirst | SecurityVerdict::RouterExempt => None,
            SecurityVerdict::NoRule => self.groups_at(at).into_iter().next().map(|group| json!({ "Component": group })),
            SecurityVerdict::Rule { group, position, .. } => {
                let named = self.program.origins.group(group);
                let component = self.named("security-group", &named.id, named.name.as_deref());
                let group = self.model.security_groups.values().find(|group| group.id.to_string() == named.id);
                let rules = group.map_or(&[][..], |group| match direction {
                    Direction::Egress => &group.egress,
                    Direction::Ingress => &group.ingress,
                });
                let mut described = json!({ "Component": component });
                if let Some(rule) = rules.get(usize::from(position)) {
                    let (protocol, ports) = traffic(rule.traffic);
                    let mut fields = json!({ "Direction": side(direction), "Protocol": protocol });
                    match rule.peer {
                        RulePeer::Cidr(cidr) => fields["Cidr"] = json!(cidr.to_string()),
                        RulePeer::PrefixList(list) => fields["PrefixListId"] = json!(list.to_string()),
                        RulePeer::SecurityGroup(group) => fields["SecurityGroupId"] = json!(group.to_string()),
                    }
                    if let Some(range) = ports {
                        fields["PortRange"] = port_range(range);
                    }
                    described["SecurityGroupRule"] = fields;
                }
                Some(described)
            }
        }
    }

    /// The groups of an interface, as components.
    pub(super) fn groups_at(&self, at: NodeIx) -> Vec<Value> {
        let groups = self.interface(at).map_or(&[][..], |eni| &eni.security_group_ids);
        let named = |id| self.model.security_groups.get(id);
        groups
            .iter()
            .filter_map(named)
            .map(|group| self.named("security-group", &group.id.to_string(), Some(&group.group_name)))
            .collect()
    }

    /// `PathComponent` of a network ACL and its deciding rule.
    pub(super) fn network_acl(&self, acl: AclIx, direction: Direction, rule: Option<u16>) -> Value {
        let named = self.program.origins.acl(acl);
        let egress = direction == Direction::Egress;
        let compiled = self.program.acls.get(acl.at()).map(|acl| if egress { &acl.egress } else { &acl.ingress });
        let entry = rule.and_then(|number| compiled?.iter().find(|entry| entry.number == number));
        let mut fields = json!({ "Egress": egress });
        match entry {
            Some(entry) => {
                let (protocol, ports) = traffic(entry.traffic);
                fields["Cidr"] = json!(entry.cidr.to_string());
                fields["Protocol"] = json!(protocol);
                fields["RuleAction"] = json!(if entry.allow { "allow" } else { "deny" });
                fields["RuleNumber"] = json!(entry.number);
                if let Some(range) = ports {
                    fields["PortRange"] = port_range(range);
                }
            }
            None => {
                fields["Cidr"] = json!("0.0.0.0/0");
                fields["Protocol"] = json!("all");
                fields["RuleAction"] = json!("deny");
                fields["RuleNumber"] = json!(LAST_RULE);
            }
        }
        json!({ "Component": self.named("network-acl", &named.id, named.name.as_deref()), "AclRule": fields })
    }

    /// `PathComponent` of a route table, the route that decided and those that lost to it.
    pub(super) fn route(&self, table: TableIx, destination: Ipv4Addr, entry: Option<u16>) -> Value {
        let origin = &self.program.origins.tables[table.at()];
        let component = self.table(table);
        let is_transit = self.is_of_transit_gateway(table);
        let (table_field, route_field) = Describe::fields(is_transit);
        let mut described = json!({ "Component": component });
        let Some(entry) = entry else { return described };
        let explained = self.program.origins.explain_route(table, entry, destination);
        described[route_field] = self.table_route(&origin.table.id, is_transit, explained.winner);
        let explanations: Vec<Value> = explained
            .beaten
            .iter()
            .map(|beaten| {
                json!({
                    "Direction": "egress",
                    "ExplanationCode": beaten_code(origin, explained.winner, beaten),
                    table_field: component,
                    route_field: self.table_route(&origin.table.id, is_transit, beaten),
                })
            })
            .collect();
        if !explanations.is_empty() {
            described["Explanations"] = Value::Array(explanations);
        }
        described
    }

    /// `AnalysisComponent` of a route table. What gateways and routers on premises have learned is in tables that EC2 does not know: these have an id and no ARN.
    pub(super) fn table(&self, table: TableIx) -> Value {
        let named = &self.program.origins.tables[table.at()].table;
        let kind = match named.id.as_str() {
            id if id.starts_with("rtb-") => "route-table",
            id if id.starts_with("tgw-rtb-") => "transit-gateway-route-table",
            id => return json!({ "Id": id }),
        };
        self.named(kind, &named.id, named.name.as_deref())
    }

    /// Whether a table is a transit gateway's.
    pub(super) fn is_of_transit_gateway(&self, table: TableIx) -> bool {
        self.program.origins.tables[table.at()].table.id.starts_with("tgw-rtb-")
    }

    /// What EC2 calls a table and its route, in explanations and path components.
    pub(super) const fn fields(is_transit: bool) -> (&'static str, &'static str) {
        match is_transit {
            true => ("TransitGatewayRouteTable", "TransitGatewayRouteTableRoute"),
            false => ("RouteTable", "RouteTableRoute"),
        }
    }

    /// `AnalysisRouteTableRoute`, or `TransitGatewayRouteTableRoute`.
    fn table_route(&self, table: &str, is_transit: bool, entry: &RibEntry) -> Value {
        let mut route = json!({ "DestinationCidr": entry.cidr.to_string() });
        route["State"] = json!(if entry.kind == NextHopKind::Blackhole { "blackhole" } else { "active" });
        if is_transit {
            route["RouteOrigin"] = json!(if entry.propagated { "propagated" } else { "static" });
            if entry.target.starts_with("tgw-attach-") {
                route["AttachmentId"] = json!(entry.target);
            }
            return route;
        }
        if let Some(list) = &entry.prefix_list {
            route["DestinationPrefixListId"] = json!(list);
        }
        let target = match entry.target.split_once('-').map(|(prefix, _)| prefix) {
            Some("eni") => "NetworkInterfaceId",
            Some("nat") => "NatGatewayId",
            Some("pcx") => "VpcPeeringConnectionId",
            Some("tgw") => "TransitGatewayId",
            _ => "GatewayId",
        };
        route[target] = json!(entry.target);
        route["Origin"] = json!(self.origin(table, entry));
        route
    }

    fn origin(&self, table: &str, entry: &RibEntry) -> &'static str {
        if entry.propagated {
            return "enablevgwroutepropagation";
        }
        let table = self.model.route_tables.values().find(|known| known.id.to_string() == table);
        let route = table.and_then(|table| {
            table.routes.iter().find(|route| {
                route.target.to_string() == entry.target
                    && self.model.destination_cidrs(table.vpc_id, route.destination).contains(&entry.cidr)
            })
        });
        match route.map(|route| route.origin) {
            Some(RouteOrigin::CreateRouteTable) => "createroutetable",
            Some(RouteOrigin::Propagated(_)) => "enablevgwroutepropagation",
            Some(RouteOrigin::CreateRoute) | None => "createroute",
        }
    }

    fn interface(&self, at: NodeIx) -> Option<&'d NetworkInterface> {
        let id = &self.program.origins.nodes.get(at.at())?.id;
        self.model.network_interfaces.values().find(|eni| eni.id.to_string() == *id)
    }

    fn tagged(&self, kind: &str, id: String, tags: &Tags) -> Value {
        self.named(kind, &id, tags.name())
    }

    fn named(&self, kind: &str, id: &str, name: Option<&str>) -> Value {
        let mut component = json!({ "Id": id, "Arn": self.arn(&format!("{kind}/{id}")) });
        if let Some(name) = name {
            component["Name"] = json!(name);
        }
        component
    }
}

/// `AnalysisPacketHeader`.
pub(super) fn header(tuple: FiveTuple) -> Value {
    let block = |address: Ipv4Addr| format!("{address}/32");
    let mut header = json!({
        "SourceAddresses": [block(tuple.source)],
        "DestinationAddresses": [block(tuple.destination)],
        "Protocol": tuple.protocol.0.to_string(),
    });
    if matches!(tuple.protocol, Protocol::TCP | Protocol::UDP) {
        let one = |port: u16| json!([port_range(PortRange { from: port, to: port })]);
        header["SourcePortRanges"] = one(tuple.source_port);
        header["DestinationPortRanges"] = one(tuple.destination_port);
    }
    header
}

fn port_range(range: PortRange) -> Value {
    json!({ "From": range.from, "To": range.to })
}

/// Protocol, and ports if the rule names some.
fn traffic(traffic: TrafficMatch) -> (String, Option<PortRange>) {
    match traffic {
        TrafficMatch::All => ("all".to_owned(), None),
        TrafficMatch::Ports(protocol, range) => (protocol.to_string(), Some(range)),
        TrafficMatch::Icmp { .. } => ("icmp".to_owned(), None),
        TrafficMatch::Other(protocol) => (protocol.to_string(), None),
    }
}

const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "egress",
        Direction::Ingress => "ingress",
    }
}

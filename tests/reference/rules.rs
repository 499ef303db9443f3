//! Security-group rules and network ACLs, read one after another.
//!
//! Sources: vpc-security-groups.html, nacl-basics.html,
//! docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html

use super::packet::{ICMP, Packet, TCP, UDP};
use super::routes::inside;
use std::net::Ipv4Addr;
use vpcsim::ids::{SubnetId, TransitGatewayId, VpcId};
use vpcsim::model::{
    Model, NetworkInterface, PeeringState, RulePeer, SecurityGroup, SecurityGroupRule, TrafficMatch,
    TransitGatewayAttachmentState, TransitGatewayResource,
};
use vpcsim::net::Ipv4Net;

/// Seen from the interface and its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Out,
    In,
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Side::Out => "egress",
            Side::In => "ingress",
        }
    }

    pub fn opposite(self) -> Side {
        match self {
            Side::Out => Side::In,
            Side::In => Side::Out,
        }
    }

    /// The address of the other end.
    fn peer(self, packet: &Packet) -> Ipv4Addr {
        match self {
            Side::Out => packet.destination,
            Side::In => packet.source,
        }
    }
}

/// What the rules of an interface's groups say about a packet that belongs to nothing known.
pub struct GroupVerdict {
    pub allowed: bool,
    /// None of the groups has a rule of this side.
    pub no_rules: bool,
    /// The rules allow all of it from everywhere and all answers to everywhere: AWS does not track such flows.
    pub open_both_ways: bool,
}

/// Asks every rule of every group.
pub fn ask_groups(model: &Model, eni: &NetworkInterface, side: Side, packet: &Packet) -> GroupVerdict {
    let mut allowed = false;
    let mut from_everywhere = false;
    let rules = rules_of(model, eni, side);
    for rule in &rules {
        if says(rule.traffic, packet) && names(model, eni.vpc_id, side, rule.peer, side.peer(packet)) {
            allowed = true;
            from_everywhere |= rule.peer == RulePeer::Cidr(Ipv4Net::default());
        }
    }
    let answers = rules_of(model, eni, side.opposite()).into_iter().any(|rule| {
        let every_port = match rule.traffic {
            TrafficMatch::All => true,
            TrafficMatch::Ports(protocol, range) => {
                protocol.0 == packet.protocol && (range.from, range.to) == (0, u16::MAX)
            }
            _ => false,
        };
        every_port && rule.peer == RulePeer::Cidr(Ipv4Net::default())
    });
    let ports = packet.protocol == TCP || packet.protocol == UDP;
    GroupVerdict { allowed, no_rules: rules.is_empty(), open_both_ways: ports && from_everywhere && answers }
}

/// Whether the rule at `position` of one group allows the packet.
pub fn rule_allows(model: &Model, group: &str, position: usize, side: Side, packet: &Packet) -> bool {
    let group = model.security_groups.values().find(|known| known.id.to_string() == group);
    let Some(group) = group else { return false };
    let rules = match side {
        Side::Out => &group.egress,
        Side::In => &group.ingress,
    };
    let rule = rules.get(position);
    rule.is_some_and(|rule| {
        says(rule.traffic, packet) && names(model, group.vpc_id, side, rule.peer, side.peer(packet))
    })
}

fn rules_of<'m>(model: &'m Model, eni: &NetworkInterface, side: Side) -> Vec<&'m SecurityGroupRule> {
    let mut rules = Vec::new();
    for id in &eni.security_group_ids {
        if let Some(group) = model.security_groups.get(id) {
            rules.extend(match side {
                Side::Out => &group.egress,
                Side::In => &group.ingress,
            });
        }
    }
    rules
}

/// Whether the rule's other side has the address. A group stands for the private addresses of its interfaces.
fn names(model: &Model, vpc: VpcId, side: Side, peer: RulePeer, address: Ipv4Addr) -> bool {
    match peer {
        RulePeer::Cidr(cidr) => inside(address, cidr),
        RulePeer::PrefixList(id) => model
            .prefix_lists
            .values()
            .filter(|list| list.region == model.vpcs[&vpc].region && list.id == id)
            .any(|list| list.cidrs.iter().any(|cidr| inside(address, *cidr))),
        RulePeer::SecurityGroup(id) => {
            let group = model.security_groups.get(&id);
            group.is_some_and(|group| may_name(model, vpc, side, group))
                && model
                    .network_interfaces
                    .values()
                    .any(|eni| eni.private_ip == address && eni.security_group_ids.contains(&id))
        }
    }
}

/// Groups of the same VPC, of one that is peered in the same Region, and in inbound rules of one behind the same transit gateway
/// (vpc-peering-security-groups.html, tgw-vpc-attachments.html).
fn may_name(model: &Model, vpc: VpcId, side: Side, group: &SecurityGroup) -> bool {
    let other = group.vpc_id;
    let peered = model.peering_connections.values().any(|pcx| {
        let ends = (pcx.requester.vpc_id, pcx.accepter.vpc_id);
        pcx.state == PeeringState::Active && (ends == (vpc, other) || ends == (other, vpc))
    });
    other == vpc
        || (peered && model.vpcs[&vpc].region == model.vpcs[&other].region)
        || (side == Side::In && behind_one_transit_gateway(model, vpc, other))
}

/// Where the transit gateway and both attachments allow it.
fn behind_one_transit_gateway(model: &Model, vpc: VpcId, other: VpcId) -> bool {
    let allows = |gateway: TransitGatewayId, vpc: VpcId| {
        model.transit_gateway_attachments.values().any(|attachment| {
            let wanted = matches!(attachment.resource, TransitGatewayResource::Vpc { vpc_id, security_group_referencing: true, .. } if vpc_id == vpc);
            let available = attachment.state == TransitGatewayAttachmentState::Available;
            wanted && available && attachment.transit_gateway_id == gateway
        })
    };
    let mut gateways = model.transit_gateways.values().filter(|gateway| gateway.security_group_referencing);
    gateways.any(|gateway| allows(gateway.id, vpc) && allows(gateway.id, other))
}

/// Whether protocol and ports, or ICMP type and code, are those of the rule. What a later fragment does not show can match
/// only a rule that does not ask.
fn says(traffic: TrafficMatch, packet: &Packet) -> bool {
    match traffic {
        TrafficMatch::All => true,
        TrafficMatch::Other(protocol) => protocol.0 == packet.protocol,
        TrafficMatch::Ports(protocol, range) => {
            let every_port = range.from == 0 && range.to == u16::MAX;
            let port = packet.destination_port();
            protocol.0 == packet.protocol && (every_port || port.is_some_and(|p| range.from <= p && p <= range.to))
        }
        TrafficMatch::Icmp { icmp_type, icmp_code } => {
            let shown = packet.icmp_type_and_code();
            packet.protocol == ICMP
                && (icmp_type.is_none() || icmp_type == shown.map(|(kind, _)| kind))
                && (icmp_code.is_none() || icmp_code == shown.map(|(_, code)| code))
        }
    }
}

/// The first rule of the subnet's network ACL that matches: its number (none for the final `*`) and whether it allows.
pub fn ask_network_acl(model: &Model, subnet: SubnetId, side: Side, packet: &Packet) -> (String, Option<u16>, bool) {
    let acl = &model.network_acls[&model.subnets[&subnet].network_acl_id];
    let entries = match side {
        Side::Out => &acl.egress,
        Side::In => &acl.ingress,
    };
    let mut numbers: Vec<u16> = entries.keys().copied().collect();
    numbers.sort_unstable();
    for number in numbers {
        let entry = entries[&number];
        if says(entry.traffic, packet) && inside(side.peer(packet), entry.cidr) {
            return (acl.id.to_string(), Some(number), entry.allow);
        }
    }
    (acl.id.to_string(), None, false)
}

//! Codes of the Reachability Analyzer that no drop of vpcsim is called by.

use crate::lint::Rule;

/// One code.
pub(super) struct Line {
    pub(super) code: &'static str,
    /// Whether vpcsim shows it somewhere though no packet dies of it.
    pub(super) simulated: bool,
    pub(super) cause: &'static str,
    pub(super) remedy: &'static str,
    pub(super) see_also: &'static [&'static str],
}

const fn line(code: &'static str, cause: &'static str, remedy: &'static str) -> Line {
    Line { code, simulated: false, cause, remedy, see_also: &[] }
}

const fn near(
    code: &'static str,
    cause: &'static str,
    remedy: &'static str,
    see_also: &'static [&'static str],
) -> Line {
    Line { code, simulated: false, cause, remedy, see_also }
}

/// Not what packets die of; `trace` says it where it explains something.
const fn told(
    code: &'static str,
    cause: &'static str,
    remedy: &'static str,
    see_also: &'static [&'static str],
) -> Line {
    Line { code, simulated: true, cause, remedy, see_also }
}

/// Sorted by what they are about, as far as that is one thing.
pub(super) const TABLE: &[Line] = &[
    // Routes.
    Line {
        code: "HIGHER_PRIORITY_ROUTE",
        simulated: true,
        cause: "another route for the same prefix has a higher rank: local, then static, then prefix list, then propagated",
        remedy: "delete the route that wins, or give this one a longer prefix",
        see_also: &["MORE_SPECIFIC_ROUTE", "route-never-wins"],
    },
    Line {
        code: "MORE_SPECIFIC_ROUTE",
        simulated: true,
        cause: "another route of the table has a longer prefix for the destination and takes the packet",
        remedy: "delete the longer route, or give it the target that is meant",
        see_also: &["HIGHER_PRIORITY_ROUTE", "route-bypasses-endpoint"],
    },
    line(
        "VPC_LOCAL_ROUTE_CIDR_RESTRICTION",
        "the local route takes only packets to the VPC's own blocks, and the destination lies outside them",
        "add a route for the destination",
    ),
    near(
        "BAD_STATE_VPN",
        "the VPN connection on the way is not available, or none of its tunnels is up",
        "look at the tunnels' status and at the device on the other side",
        &["TGW_BAD_STATE_VPN"],
    ),
    line(
        "UNKNOWN_DESTINATION",
        "the analysis cannot tell what is behind the route's target",
        "name a destination inside the account",
    ),
    // Interfaces.
    near(
        "ENI_ADDRESS_RESTRICTION",
        "the packet's address is none of those that the interface has",
        "use one of the interface's addresses, or assign the address to it",
        &["ENI_SOURCE_DEST_CHECK_RESTRICTION"],
    ),
    told(
        "SG_REFERENCES_NOT_PRESERVED",
        "a rule names a security group, but on this road (gateway, transit gateway) the packet no longer tells its sender's group",
        "allow the sender's addresses instead of its group",
        &["ENI_SG_RULES_MISMATCH"],
    ),
    line(
        "SG_REFERENCING_SUPPORT",
        "a rule names a group of another VPC, and referencing is not switched on for the transit gateway or its attachment",
        "switch security group referencing on, on both sides, or allow addresses",
    ),
    line(
        "UNKNOWN_PEERED_SGS",
        "a rule names groups of a peered VPC that the analysis cannot read",
        "allow addresses, or analyse from the other account too",
    ),
    line(
        "REMAP_EPHEMERAL_PORT",
        "a device on the way replaced the source port by one of 1024-65535, so what is allowed for the answer must cover that range",
        "allow 1024-65535 in the network ACL for the answers",
    ),
    // Internet gateways.
    told(
        "IGW_EXPECTS_PUBLIC_ADDRESS",
        "the address given for the far side of the internet gateway is not a public one",
        "name a public address as source or destination",
        &["IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"],
    ),
    told(
        "IGW_NAT_REFLECTION",
        "the packet left through the internet gateway for a public address of the same VPC: AWS's analyzer does not follow it back in, \
         but the network forwards it, and so does vpcsim",
        "use the private address inside the VPC: it is shorter, and rules that name security groups match",
        &["SG_REFERENCES_NOT_PRESERVED"],
    ),
    line(
        "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
        "the packet's source address is not one that can come from this side of the gateway",
        "send from an address of the VPC that the gateway serves",
    ),
    line(
        "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS",
        "a packet towards the virtual private gateway has a public source address",
        "send from a private address",
    ),
    line(
        "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        "a packet from the virtual private gateway is for a public address",
        "send to the private address",
    ),
    // NAT gateways.
    line(
        "NGW_DEST_ADDRESS_PRESERVATION",
        "a NAT gateway changes sources only: it leaves the destination as it is, so this way round it cannot lead anywhere",
        "open the connection from the inside",
    ),
    line(
        "NGW_SOURCE_ADDRESS_REASSIGN",
        "the NAT gateway puts its own address in place of the source, so rules that name the instance's address do not match beyond it",
        "allow the NAT gateway's address",
    ),
    line(
        "REGIONAL_NGW_ROUTE_AZ_RESTRICTION",
        "the regional NAT gateway has no presence in the zone that the packet comes from",
        "extend it to the zone, or route elsewhere",
    ),
    // Endpoints.
    near(
        "VPCE_SERVICE_NOT_INSTALLED_IN_AZ",
        "the interface endpoint's service is not offered in the zone of its network interface",
        "put the endpoint into a zone that the service offers",
        &["VPCE_GATEWAY_PROTOCOL_RESTRICTION"],
    ),
    // Peering, VPCs.
    line(
        "DISCONNECTED_VPCS",
        "nothing joins the VPCs of source and destination",
        "peer them, or attach both to a transit gateway",
    ),
    // The analysis itself.
    near(
        "NO_PATH",
        "no chain of components leads from source to destination",
        "look at the component at which the analysis stops, and run vpcsim trace",
        &["NO_ROUTE_TO_DESTINATION", "NO_POSSIBLE_DESTINATION"],
    ),
    line("NO_SOURCE_OR_DESTINATION", "source or destination is missing, or gone", "name resources that exist"),
    line(
        "UNASSOCIATED_COMPONENT",
        "a component on the way belongs to nothing: a detached gateway, an interface without an instance",
        "attach it",
    ),
    line(
        "UNSUPPORTED_COMPONENT",
        "the analyzer does not know this kind of component",
        "analyse up to it and from it on",
    ),
    line(
        "UNKNOWN_RESOURCE",
        "a resource on the way cannot be read",
        "look whether it exists, and whether you may describe it",
    ),
    line(
        "COMPONENT_FILTER_RESTRICTION",
        "the path does not run through the component that the analysis was told to include",
        "take the filter out, or route through the component",
    ),
    line(
        "COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT",
        "the filter of the analysis took out a component that the path needs",
        "take the filter out",
    ),
    line(
        "FILTER_AT_SOURCE_SOURCE_ADDRESS",
        "the path's filter at the source does not include the packet's source address",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_SOURCE_SOURCE_PORT_RANGE",
        "the path's filter at the source does not include the source port",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_SOURCE_DESTINATION_ADDRESS",
        "the path's filter at the source does not include the destination address",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_SOURCE_DESTINATION_PORT_RANGE",
        "the path's filter at the source does not include the destination port",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_SOURCE_PROTOCOL",
        "the path's filter at the source does not include the protocol",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_DESTINATION_SOURCE_ADDRESS",
        "what arrives has a source address that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    line(
        "FILTER_AT_DESTINATION_SOURCE_PORT_RANGE",
        "what arrives has a source port that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    line(
        "FILTER_AT_DESTINATION_DESTINATION_ADDRESS",
        "what arrives has a destination address that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    line(
        "FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE",
        "what arrives has a destination port that the path's filter at the destination leaves out",
        "widen the filter of the path",
    ),
    line(
        "FILTER_AT_DESTINATION_PROTOCOL",
        "what arrives has a protocol that the path's filter at the destination leaves out",
        "widen the filter of the path",
    ),
    // Load balancers.
    line(
        "ELB_ACL_RESTRICTION",
        "the network ACL of the Classic Load Balancer's subnet denies the packet towards its instances",
        "allow listener, instance and ephemeral ports in that ACL",
    ),
    line(
        "ELB_INSTALLED_AZ_RESTRICTION",
        "the Classic Load Balancer has no subnet in the instance's zone",
        "add a subnet of that zone",
    ),
    line(
        "ELB_LISTENERS_MISMATCH",
        "no listener of the Classic Load Balancer matches protocol and port",
        "add a listener",
    ),
    line(
        "ELB_LISTENER_PORT_RESTRICTION",
        "the Classic Load Balancer sends to its listener's instance port only",
        "use that port, or change the listener",
    ),
    line(
        "ELB_NOT_CROSSZONE",
        "the instance is in another zone, and cross-zone balancing is off",
        "turn it on, or have a healthy instance in each zone",
    ),
    line("ELBV2_LISTENERS_MISMATCH", "no listener of the load balancer matches protocol and port", "add a listener"),
    line("ELBV2_LISTENER_HAS_NO_TG", "the listener forwards to no target group", "give it a target group"),
    line(
        "ELBV2_LISTENER_PORT_RESTRICTION",
        "the load balancer accepts packets only at the ports of its listeners",
        "use such a port, or add a listener",
    ),
    line(
        "ELBV2_LISTENER_REQUIRES_TG_ACCEPT",
        "the listener's target group does not take this traffic",
        "choose a target group that fits the listener's protocol",
    ),
    line(
        "ELBV2_NO_TARGETS_IN_AZ",
        "no target is registered in the load balancer's zone, and it does not balance across zones",
        "register targets there, or turn cross-zone balancing on",
    ),
    line(
        "ELBV2_SOURCE_ADDRESS_PRESERVATION",
        "the load balancer keeps the client's address, which the target's rules must therefore allow",
        "allow the clients at the target, or turn the preservation off",
    ),
    line("TARGET_ADDRESS_RESTRICTION", "the address is none of the target group's targets", "register the target"),
    line(
        "TARGET_PORT_RESTRICTION",
        "the target group sends to another port",
        "use the target's port, or register it with this one",
    ),
    line(
        "GWLB_DESTINATION_PORT_RESTRICTION",
        "a Gateway Load Balancer talks to its appliances at UDP 6081 (GENEVE) only",
        "open UDP 6081 at the appliance",
    ),
    line(
        "GWLB_PROTOCOL_RESTRICTION",
        "a Gateway Load Balancer wraps what it sends to appliances in GENEVE, over UDP",
        "allow UDP at the appliance",
    ),
    line(
        "FIREWALL_RULES_RESTRICTION",
        "a rule of AWS Network Firewall drops the packet",
        "change the firewall's policy",
    ),
    // Transit gateways.
    line("TGW_BAD_STATE_VPN", "the VPN attachment of the transit gateway is not up", "look at its tunnels"),
    line(
        "TGW_RTB_CANNOT_ROUTE",
        "the transit gateway's route does not cover the destination",
        "add a route for it, or a propagation",
    ),
    told(
        "TGW_RTB_HIGHER_PRIORITY_ROUTE",
        "another route of the transit gateway's table has a higher rank for the same prefix",
        "delete the one that wins",
        &["TGW_RTB_MORE_SPECIFIC_ROUTE"],
    ),
    told(
        "TGW_RTB_MORE_SPECIFIC_ROUTE",
        "a route of the transit gateway's table with a longer prefix takes the packet",
        "delete or change the longer route",
        &["TGW_RTB_HIGHER_PRIORITY_ROUTE"],
    ),
    line(
        "TGW_RTB_ROUTES_ARE_UNKNOWN",
        "the routes of the transit gateway's table cannot be read, as those of another account's",
        "analyse from the account that owns it",
    ),
];

/// The shipped scenario that `vpcsim check` shows a rule with.
pub(super) fn shown_by(rule: Rule) -> Vec<&'static str> {
    match rule {
        Rule::EndpointWithoutRouteTable | Rule::NoRoadToDynamoDb => vec!["tutorial"],
        Rule::BlackholeRoute => vec!["drops/blackhole"],
        Rule::SecurityGroupBlocksService => vec!["drops/security-group-egress"],
        Rule::AclBlocksAnswer => vec!["drops/network-acl-ingress"],
        Rule::NoPublicAddress => vec!["drops/no-public-address"],
        _ => Vec::new(),
    }
}

//! Codes of the Reachability Analyzer that no drop of vpcsim is called by.

use crate::lint::Rule;

/// One code.
pub(super) struct Line {
    pub(super) code: &'static str,
    pub(super) shown: Shown,
    pub(super) cause: &'static str,
    pub(super) remedy: &'static str,
    pub(super) see_also: &'static [&'static str],
}

/// Where vpcsim shows a code that no packet dies of.
pub(super) enum Shown {
    /// `vpcsim trace` says it, for example with these arguments.
    Trace(&'static str),
    /// `vpcsim trace` says it where it applies; no shipped scenario shows it.
    TraceOnly,
    /// Nowhere: why.
    Not(&'static str),
}

/// Why load balancers and the like are not here.
const LOAD_BALANCERS: &str = "load balancers are not simulated";
const APPLIANCES: &str = "Gateway Load Balancers and AWS Network Firewall are not simulated";
const FILTERS: &str =
    "filters belong to a path of the analyzer; a trace sends one packet, whose fields its options say";
const ALL_IS_KNOWN: &str = "a scenario is known entirely: nothing in it belongs to another account or is hidden";

/// Not shown, and why.
const fn absent(code: &'static str, why: &'static str, cause: &'static str, remedy: &'static str) -> Line {
    Line { code, shown: Shown::Not(why), cause, remedy, see_also: &[] }
}

/// Said by a trace of these arguments.
const fn told(
    code: &'static str,
    trace: &'static str,
    cause: &'static str,
    remedy: &'static str,
    see_also: &'static [&'static str],
) -> Line {
    Line { code, shown: Shown::Trace(trace), cause, remedy, see_also }
}

/// Said by a trace, though of no shipped scenario.
const fn said(
    code: &'static str,
    cause: &'static str,
    remedy: &'static str,
    see_also: &'static [&'static str],
) -> Line {
    Line { code, shown: Shown::TraceOnly, cause, remedy, see_also }
}

/// Sorted by what they are about, as far as that is one thing.
pub(super) const TABLE: &[Line] = &[
    // Routes.
    told(
        "HIGHER_PRIORITY_ROUTE",
        "roads/explanations --from app --to files:5000 --protocol udp",
        "another route for the same prefix has a higher rank: local, then static, then prefix list, then propagated",
        "delete the route that wins, or give this one a longer prefix",
        &["MORE_SPECIFIC_ROUTE", "route-never-wins"],
    ),
    told(
        "MORE_SPECIFIC_ROUTE",
        "tutorial --from app-public --to dynamodb.us-east-1.amazonaws.com --after fixed",
        "another route of the table has a longer prefix for the destination and takes the packet",
        "delete the longer route, or give it the target that is meant",
        &["HIGHER_PRIORITY_ROUTE", "route-bypasses-endpoint"],
    ),
    told(
        "CANNOT_ROUTE",
        "roads/explanations --from app --to castle",
        "a route of the table, whose destination does not hold the packet's",
        "add a route for the destination",
        &["NO_ROUTE_TO_DESTINATION"],
    ),
    told(
        "VPC_LOCAL_ROUTE_CIDR_RESTRICTION",
        "drops/no-route --from app --to dynamodb.us-east-1.amazonaws.com",
        "the local route takes only packets to the VPC's own blocks, and the destination lies outside them",
        "add a route for the destination",
        &[],
    ),
    absent(
        "UNKNOWN_DESTINATION",
        ALL_IS_KNOWN,
        "the analysis cannot tell what is behind the route's target",
        "name a destination inside the account",
    ),
    // Interfaces.
    told(
        "ENI_ADDRESS_RESTRICTION",
        "drops/source-check --from app --to db:5000 --protocol udp --source 10.0.1.99",
        "the packet's address is none of those that the interface has",
        "use one of the interface's addresses, or assign the address to it",
        &["ENI_SOURCE_DEST_CHECK_RESTRICTION"],
    ),
    told(
        "SG_REFERENCES_NOT_PRESERVED",
        "roads/hairpin --from app --to web.public:80",
        "a rule names a security group, but on this road (gateway, transit gateway) the packet no longer tells its sender's group",
        "allow the sender's addresses instead of its group",
        &["ENI_SG_RULES_MISMATCH"],
    ),
    said(
        "SG_REFERENCING_SUPPORT",
        "a rule names a group of another VPC, and referencing is not switched on for the transit gateway or its attachment",
        "switch security group referencing on, on both sides, or allow addresses",
        &[],
    ),
    absent(
        "UNKNOWN_PEERED_SGS",
        ALL_IS_KNOWN,
        "a rule names groups of a peered VPC that the analysis cannot read",
        "allow addresses, or analyse from the other account too",
    ),
    told(
        "REMAP_EPHEMERAL_PORT",
        "roads/nat-gateway --from app --to laptop:80",
        "a device on the way replaced the source port by one of 1024-65535, so what is allowed for the answer must cover that range",
        "allow 1024-65535 in the network ACL for the answers",
        &[],
    ),
    // Internet gateways.
    told(
        "IGW_EXPECTS_PUBLIC_ADDRESS",
        "drops/private-source --from laptop --to app --protocol icmp --source 10.1.2.3",
        "the address given for the far side of the internet gateway is not a public one",
        "name a public address as source or destination",
        &["IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"],
    ),
    told(
        "IGW_NAT_REFLECTION",
        "roads/hairpin --from app --to web.public:80 --after by-address",
        "the packet left through the internet gateway for a public address of the same VPC: AWS's analyzer does not follow it back in, \
         but the network forwards it, and so does vpcsim",
        "use the private address inside the VPC: it is shorter, and rules that name security groups match",
        &["SG_REFERENCES_NOT_PRESERVED"],
    ),
    // NAT gateways.
    told(
        "NGW_DEST_ADDRESS_PRESERVATION",
        "roads/nat-gateway --from app --to laptop:80",
        "a NAT gateway changes sources only: it leaves the destination as it is, so this way round it cannot lead anywhere",
        "open the connection from the inside",
        &[],
    ),
    told(
        "NGW_SOURCE_ADDRESS_REASSIGN",
        "roads/nat-gateway --from app --to laptop:80",
        "the NAT gateway puts its own address in place of the source, so rules that name the instance's address do not match beyond it",
        "allow the NAT gateway's address",
        &[],
    ),
    absent(
        "REGIONAL_NGW_ROUTE_AZ_RESTRICTION",
        "regional NAT gateways are not simulated",
        "the regional NAT gateway has no presence in the zone that the packet comes from",
        "extend it to the zone, or route elsewhere",
    ),
    // Endpoints.
    told(
        "VPCE_SERVICE_NOT_INSTALLED_IN_AZ",
        "roads/explanations --from app --to vpce-0a1b2c3d-sow3v4uq.dynamodb.us-east-1.vpce.amazonaws.com",
        "the interface endpoint's service is not offered in the zone of its network interface",
        "put the endpoint into a zone that the service offers",
        &["VPCE_GATEWAY_PROTOCOL_RESTRICTION"],
    ),
    // Peering, VPCs.
    told(
        "DISCONNECTED_VPCS",
        "roads/explanations --from app --to castle",
        "nothing joins the VPCs of source and destination",
        "peer them, or attach both to a transit gateway",
        &[],
    ),
    // The analysis itself.
    told(
        "NO_PATH",
        "roads/explanations --from router --to db:5000 --protocol udp --source 10.0.2.10",
        "no chain of components leads from source to destination",
        "look at the component at which the analysis stops, and run vpcsim trace",
        &["NO_ROUTE_TO_DESTINATION", "NO_POSSIBLE_DESTINATION"],
    ),
    told(
        "NO_SOURCE_OR_DESTINATION",
        "tutorial --from nobody --to dynamodb.us-east-1.amazonaws.com",
        "source or destination is missing, or gone",
        "name resources that exist",
        &[],
    ),
    told(
        "UNASSOCIATED_COMPONENT",
        "build-a-vpc --from door --to dynamodb.us-east-1.amazonaws.com --after gateway",
        "a component on the way belongs to nothing: a detached gateway, an interface without an instance",
        "attach it",
        &[],
    ),
    told(
        "UNSUPPORTED_COMPONENT",
        "roads/nat-gateway --from app --to nat",
        "the analyzer does not know this kind of component",
        "analyse up to it and from it on",
        &[],
    ),
    absent(
        "UNKNOWN_RESOURCE",
        ALL_IS_KNOWN,
        "a resource on the way cannot be read",
        "look whether it exists, and whether you may describe it",
    ),
    absent(
        "COMPONENT_FILTER_RESTRICTION",
        FILTERS,
        "the path does not run through the component that the analysis was told to include",
        "take the filter out, or route through the component",
    ),
    absent(
        "COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT",
        FILTERS,
        "the filter of the analysis took out a component that the path needs",
        "take the filter out",
    ),
    absent(
        "FILTER_AT_SOURCE_SOURCE_ADDRESS",
        FILTERS,
        "the path's filter at the source does not include the packet's source address",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_SOURCE_SOURCE_PORT_RANGE",
        FILTERS,
        "the path's filter at the source does not include the source port",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_SOURCE_DESTINATION_ADDRESS",
        FILTERS,
        "the path's filter at the source does not include the destination address",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_SOURCE_DESTINATION_PORT_RANGE",
        FILTERS,
        "the path's filter at the source does not include the destination port",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_SOURCE_PROTOCOL",
        FILTERS,
        "the path's filter at the source does not include the protocol",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_DESTINATION_SOURCE_ADDRESS",
        FILTERS,
        "what arrives has a source address that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    absent(
        "FILTER_AT_DESTINATION_SOURCE_PORT_RANGE",
        FILTERS,
        "what arrives has a source port that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    absent(
        "FILTER_AT_DESTINATION_DESTINATION_ADDRESS",
        FILTERS,
        "what arrives has a destination address that the path's filter at the destination leaves out",
        "widen the filter, and mind NAT on the way",
    ),
    absent(
        "FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE",
        FILTERS,
        "what arrives has a destination port that the path's filter at the destination leaves out",
        "widen the filter of the path",
    ),
    absent(
        "FILTER_AT_DESTINATION_PROTOCOL",
        FILTERS,
        "what arrives has a protocol that the path's filter at the destination leaves out",
        "widen the filter of the path",
    ),
    // Load balancers.
    absent(
        "ELB_ACL_RESTRICTION",
        LOAD_BALANCERS,
        "the network ACL of the Classic Load Balancer's subnet denies the packet towards its instances",
        "allow listener, instance and ephemeral ports in that ACL",
    ),
    absent(
        "ELB_INSTALLED_AZ_RESTRICTION",
        LOAD_BALANCERS,
        "the Classic Load Balancer has no subnet in the instance's zone",
        "add a subnet of that zone",
    ),
    absent(
        "ELB_LISTENERS_MISMATCH",
        LOAD_BALANCERS,
        "no listener of the Classic Load Balancer matches protocol and port",
        "add a listener",
    ),
    absent(
        "ELB_LISTENER_PORT_RESTRICTION",
        LOAD_BALANCERS,
        "the Classic Load Balancer sends to its listener's instance port only",
        "use that port, or change the listener",
    ),
    absent(
        "ELB_NOT_CROSSZONE",
        LOAD_BALANCERS,
        "the instance is in another zone, and cross-zone balancing is off",
        "turn it on, or have a healthy instance in each zone",
    ),
    absent(
        "ELBV2_LISTENERS_MISMATCH",
        LOAD_BALANCERS,
        "no listener of the load balancer matches protocol and port",
        "add a listener",
    ),
    absent(
        "ELBV2_LISTENER_HAS_NO_TG",
        LOAD_BALANCERS,
        "the listener forwards to no target group",
        "give it a target group",
    ),
    absent(
        "ELBV2_LISTENER_PORT_RESTRICTION",
        LOAD_BALANCERS,
        "the load balancer accepts packets only at the ports of its listeners",
        "use such a port, or add a listener",
    ),
    absent(
        "ELBV2_LISTENER_REQUIRES_TG_ACCEPT",
        LOAD_BALANCERS,
        "the listener's target group does not take this traffic",
        "choose a target group that fits the listener's protocol",
    ),
    absent(
        "ELBV2_NO_TARGETS_IN_AZ",
        LOAD_BALANCERS,
        "no target is registered in the load balancer's zone, and it does not balance across zones",
        "register targets there, or turn cross-zone balancing on",
    ),
    absent(
        "ELBV2_SOURCE_ADDRESS_PRESERVATION",
        LOAD_BALANCERS,
        "the load balancer keeps the client's address, which the target's rules must therefore allow",
        "allow the clients at the target, or turn the preservation off",
    ),
    absent(
        "TARGET_ADDRESS_RESTRICTION",
        LOAD_BALANCERS,
        "the address is none of the target group's targets",
        "register the target",
    ),
    absent(
        "TARGET_PORT_RESTRICTION",
        LOAD_BALANCERS,
        "the target group sends to another port",
        "use the target's port, or register it with this one",
    ),
    absent(
        "GWLB_DESTINATION_PORT_RESTRICTION",
        APPLIANCES,
        "a Gateway Load Balancer talks to its appliances at UDP 6081 (GENEVE) only",
        "open UDP 6081 at the appliance",
    ),
    absent(
        "GWLB_PROTOCOL_RESTRICTION",
        APPLIANCES,
        "a Gateway Load Balancer wraps what it sends to appliances in GENEVE, over UDP",
        "allow UDP at the appliance",
    ),
    absent(
        "FIREWALL_RULES_RESTRICTION",
        APPLIANCES,
        "a rule of AWS Network Firewall drops the packet",
        "change the firewall's policy",
    ),
    // Transit gateways.
    said("TGW_BAD_STATE_VPN", "the VPN attachment of the transit gateway is not up", "look at its tunnels", &[]),
    told(
        "TGW_RTB_CANNOT_ROUTE",
        "roads/transit-gateway --from seller --to helper --protocol icmp",
        "the transit gateway's route does not cover the destination",
        "add a route for it, or a propagation",
        &[],
    ),
    said(
        "TGW_RTB_HIGHER_PRIORITY_ROUTE",
        "another route of the transit gateway's table has a higher rank for the same prefix",
        "delete the one that wins",
        &[],
    ),
    told(
        "TGW_RTB_MORE_SPECIFIC_ROUTE",
        "roads/transit-gateway --from seller --to vault --protocol icmp",
        "a route of the transit gateway's table with a longer prefix takes the packet",
        "delete or change the longer route",
        &[],
    ),
    absent(
        "TGW_RTB_ROUTES_ARE_UNKNOWN",
        ALL_IS_KNOWN,
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
        Rule::NatCarriesService => vec!["roads/nat-gateway"],
        Rule::TransitWithoutAssociation => vec!["drops/transit-association"],
        Rule::TransitMissesZone => vec!["drops/transit-zone"],
        _ => Vec::new(),
    }
}

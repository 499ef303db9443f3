//! Why packets die: a closed table.
//!
//! A drop is an outcome, never an error. Where AWS's Reachability Analyzer has a code for it, that code is its name
//! (docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html); the others are named by vpcsim and marked so.

use std::fmt;

/// Why a packet was dropped. AWS drops silently: none of these makes an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the table below says what each means")]
pub enum DropReason {
    SourceCheck,
    DestinationCheck,
    SecurityGroupEgress,
    SecurityGroupIngress,
    NetworkAclEgress,
    NetworkAclIngress,
    NoRoute,
    BlackholeRoute,
    NoInterfaceAtAddress,
    InternetGatewayNoPublicAddress,
    InternetGatewayNoPrivateAddress,
    InternetGatewayDestinationRfc1918,
    InternetGatewayDestinationRfc6598,
    InternetGatewaySourceRfc1918,
    InternetGatewaySourceRfc6598,
    EndpointProtocol,
    EndpointDestinationNotInList,
    EndpointSourceNotInList,
    EndpointInitiates,
    NobodyAtPublicAddress,
    LinkLocalNotServed,
    BroadcastOrMulticast,
    NotIpv4,
    Malformed,
    UnknownEthernetDestination,
    ResourceGone,
    TrackingTableFull,
    WalkTooLong,
    LinkQueueFull,
    LinkLoss,
}

/// What is said about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropFacts {
    /// The code: AWS's, or ours.
    pub code: &'static str,
    /// Whether `code` is the Reachability Analyzer's.
    pub is_aws_code: bool,
    /// One sentence: what happened.
    pub sentence: &'static str,
    /// What to change.
    pub remedy: &'static str,
    /// The shipped scenario that shows it; `None` for guards, which no scenario of this version can cause: unit tests of the data plane do.
    pub scenario: Option<&'static str>,
}

impl DropReason {
    /// Every reason, in table order.
    pub const ALL: [DropReason; 30] = [
        DropReason::SourceCheck,
        DropReason::DestinationCheck,
        DropReason::SecurityGroupEgress,
        DropReason::SecurityGroupIngress,
        DropReason::NetworkAclEgress,
        DropReason::NetworkAclIngress,
        DropReason::NoRoute,
        DropReason::BlackholeRoute,
        DropReason::NoInterfaceAtAddress,
        DropReason::InternetGatewayNoPublicAddress,
        DropReason::InternetGatewayNoPrivateAddress,
        DropReason::InternetGatewayDestinationRfc1918,
        DropReason::InternetGatewayDestinationRfc6598,
        DropReason::InternetGatewaySourceRfc1918,
        DropReason::InternetGatewaySourceRfc6598,
        DropReason::EndpointProtocol,
        DropReason::EndpointDestinationNotInList,
        DropReason::EndpointSourceNotInList,
        DropReason::EndpointInitiates,
        DropReason::NobodyAtPublicAddress,
        DropReason::LinkLocalNotServed,
        DropReason::BroadcastOrMulticast,
        DropReason::NotIpv4,
        DropReason::Malformed,
        DropReason::UnknownEthernetDestination,
        DropReason::ResourceGone,
        DropReason::TrackingTableFull,
        DropReason::WalkTooLong,
        DropReason::LinkQueueFull,
        DropReason::LinkLoss,
    ];

    /// The reason's line of the table.
    pub const fn facts(self) -> DropFacts {
        use DropReason::*;
        let (code, is_aws_code, sentence, remedy, scenario) = match self {
            SourceCheck => (
                "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                true,
                "the interface sent a packet whose source address is not its own",
                "send from the interface's own address, or turn the source/destination check off (routers, NAT instances)",
                "drops/source-check",
            ),
            DestinationCheck => (
                "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                true,
                "a packet reached the interface whose destination address is not its own",
                "turn the source/destination check off, if the instance is meant to route",
                "drops/destination-check",
            ),
            SecurityGroupEgress => (
                "ENI_SG_RULES_MISMATCH",
                true,
                "no outbound rule of the interface's security groups allows the packet",
                "add an outbound rule for the destination (for DynamoDB: its prefix list, TCP 443)",
                "drops/security-group-egress",
            ),
            SecurityGroupIngress => (
                "ENI_SG_RULES_MISMATCH",
                true,
                "no inbound rule of the interface's security groups allows the packet, and it answers nothing tracked",
                "add an inbound rule for the source and port",
                "drops/security-group-ingress",
            ),
            NetworkAclEgress => (
                "SUBNET_ACL_RESTRICTION",
                true,
                "the network ACL of the subnet it leaves denies the packet",
                "add an outbound allow rule with a lower number; ACLs are stateless, so mind the answers too",
                "drops/network-acl-egress",
            ),
            NetworkAclIngress => (
                "SUBNET_ACL_RESTRICTION",
                true,
                "the network ACL of the subnet it enters denies the packet",
                "add an inbound allow rule with a lower number (answers come to ephemeral ports 1024-65535)",
                "drops/network-acl-ingress",
            ),
            NoRoute => (
                "NO_ROUTE_TO_DESTINATION",
                true,
                "no route of the subnet's table matches the destination",
                "add a route, or add the table to the service's gateway endpoint",
                "drops/no-route",
            ),
            BlackholeRoute => (
                "BAD_STATE_ROUTE",
                true,
                "the matching route's target is gone (blackhole); shorter prefixes are not tried",
                "replace or delete the route",
                "drops/blackhole",
            ),
            NoInterfaceAtAddress => (
                "NO_POSSIBLE_DESTINATION",
                true,
                "the destination lies in the VPC, but no interface has the address",
                "check the address; was the instance terminated?",
                "drops/no-interface",
            ),
            InternetGatewayNoPublicAddress => (
                "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
                true,
                "the packet reached the internet gateway from an interface without a public address",
                "associate an Elastic IP, or take another road (NAT gateway, endpoint)",
                "drops/no-public-address",
            ),
            InternetGatewayNoPrivateAddress => (
                "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
                true,
                "no interface behind the internet gateway has the public address",
                "check the address; was it released or reassigned?",
                "drops/no-private-address",
            ),
            InternetGatewayDestinationRfc1918 => (
                "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
                true,
                "internet gateways forward nothing to private addresses (RFC 1918)",
                "route private destinations to something other than the internet gateway",
                "drops/private-destination",
            ),
            InternetGatewayDestinationRfc6598 => (
                "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
                true,
                "internet gateways forward nothing to shared addresses (RFC 6598, 100.64.0.0/10)",
                "route shared-address destinations to something other than the internet gateway",
                "drops/private-destination",
            ),
            InternetGatewaySourceRfc1918 => (
                "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
                true,
                "internet gateways take nothing from private addresses (RFC 1918)",
                "the sender spoofs its address or lacks NAT",
                "drops/private-source",
            ),
            InternetGatewaySourceRfc6598 => (
                "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS",
                true,
                "internet gateways take nothing from shared addresses (RFC 6598, 100.64.0.0/10)",
                "the sender spoofs its address or lacks NAT",
                "drops/private-source",
            ),
            EndpointProtocol => (
                "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
                true,
                "gateway endpoints take only TCP and ICMP echo",
                "use TCP; UDP to a service's addresses cannot take the endpoint",
                "drops/endpoint-protocol",
            ),
            EndpointDestinationNotInList => (
                "CANNOT_ROUTE",
                true,
                "the packet reached the gateway endpoint, but its destination is not in the service's prefix list",
                "check the prefix list",
                "",
            ),
            EndpointSourceNotInList => (
                "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION",
                true,
                "gateway endpoints emit only packets from the service's prefix list",
                "nothing to mend in the VPC",
                "drops/endpoint-source",
            ),
            EndpointInitiates => (
                "VPCE_INTRA_VPC_TRAFFIC",
                true,
                "gateway endpoints answer; they never open connections into the VPC",
                "let the instance open the connection",
                "drops/endpoint-initiates",
            ),
            NobodyAtPublicAddress => (
                "NOBODY_AT_PUBLIC_ADDRESS",
                false,
                "no simulated host or service has this public address",
                "declare an [outside] host with the address, if the scenario needs one",
                "drops/nobody-there",
            ),
            LinkLocalNotServed => (
                "LINK_LOCAL_NOT_SERVED",
                false,
                "the link-local address or port is not served here (only DHCP, DNS and the subnet router's ping are)",
                "use the resolver at 169.254.169.253 or the VPC's base+2",
                "drops/link-local",
            ),
            BroadcastOrMulticast => (
                "BROADCAST_OR_MULTICAST",
                false,
                "VPCs carry neither broadcast nor multicast",
                "send unicast",
                "drops/broadcast",
            ),
            NotIpv4 => ("NOT_IPV4", false, "only IPv4 and ARP are simulated (no IPv6)", "use IPv4", "drops/malformed"),
            Malformed => (
                "MALFORMED_PACKET",
                false,
                "the packet's headers contradict its length or its checksum",
                "repair the packet",
                "drops/malformed",
            ),
            UnknownEthernetDestination => (
                "UNKNOWN_ETHERNET_DESTINATION",
                false,
                "the frame is addressed to an Ethernet address that is neither the subnet router's nor an interface's of the subnet",
                "ask ARP",
                "drops/unknown-mac",
            ),
            ResourceGone => (
                "BAD_STATE",
                true,
                "the resource the packet had reached was deleted while the packet was on its way",
                "nothing: the next packet takes the new road",
                "drops/resource-gone",
            ),
            TrackingTableFull => (
                "CONNTRACK_ALLOWANCE_EXCEEDED",
                false,
                "the interface's connection-tracking table is full",
                "use fewer connections, untracked rules, or a larger instance",
                "drops/tracking-table-full",
            ),
            WalkTooLong => (
                "WALK_TOO_LONG",
                false,
                "the packet went round in a circle",
                "look for routes that point at each other",
                "",
            ),
            LinkQueueFull => (
                "LINK_QUEUE_FULL",
                false,
                "the link's queue was full",
                "raise the link's bandwidth or queue in [links], or send less",
                "drops/link",
            ),
            LinkLoss => (
                "LINK_LOSS",
                false,
                "the link lost the frame at random, as [links] loss asks",
                "lower the link's loss",
                "drops/link",
            ),
        };
        let scenario = if scenario.is_empty() { None } else { Some(scenario) };
        DropFacts { code, is_aws_code, sentence, remedy, scenario }
    }

    /// The code: AWS's where it has one, ours where not.
    pub const fn code(self) -> &'static str {
        self.facts().code
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

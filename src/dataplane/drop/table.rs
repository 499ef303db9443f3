//! The table of drop reasons: three lines each, in the order of [`DropReason::ALL`]. New ones go to the end.
//!
//! `aws` marks codes of the Reachability Analyzer, `own` those that vpcsim named. After the code: the shipped scenario that shows the reason, if one can;
//! then what happened, and what to change.

use super::DropFacts;

macro_rules! reasons {
    ($($name:ident: $whose:ident $code:literal $(in $scenario:literal)?, $sentence:literal, $remedy:literal;)+) => {
        /// Why a packet was dropped. AWS drops silently; those few of which the source is told say so in their sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the table says what each means")]
        pub enum DropReason {
            $($name,)+
        }

        impl DropReason {
            /// Every reason, in table order.
            pub const ALL: [DropReason; [$(DropReason::$name),+].len()] = [$(DropReason::$name),+];

            /// The reason's entry of the table.
            pub const fn facts(self) -> DropFacts {
                match self {
                    $(DropReason::$name => DropFacts {
                        code: $code,
                        is_aws_code: reasons!(@is_aws $whose),
                        sentence: $sentence,
                        remedy: $remedy,
                        scenario: reasons!(@scenario $($scenario)?),
                    },)+
                }
            }
        }
    };
    (@is_aws aws) => { true };
    (@is_aws own) => { false };
    (@scenario) => { None };
    (@scenario $scenario:literal) => { Some($scenario) };
}

reasons! {
    SourceCheck: aws "ENI_SOURCE_DEST_CHECK_RESTRICTION" in "drops/source-check",
        "the interface sent a packet whose source address is not its own",
        "send from the interface's own address, or turn the source/destination check off (routers, NAT instances)";
    DestinationCheck: aws "ENI_SOURCE_DEST_CHECK_RESTRICTION" in "drops/destination-check",
        "a packet reached the interface whose destination address is not its own",
        "turn the source/destination check off, if the instance is meant to route";
    SecurityGroupEgress: aws "ENI_SG_RULES_MISMATCH" in "drops/security-group-egress",
        "no outbound rule of the interface's security groups allows the packet",
        "add an outbound rule for the destination (for DynamoDB: its prefix list, TCP 443)";
    SecurityGroupIngress: aws "ENI_SG_RULES_MISMATCH" in "drops/security-group-ingress",
        "no inbound rule of the interface's security groups allows the packet, and it answers nothing tracked",
        "add an inbound rule for the source and port";
    NetworkAclEgress: aws "SUBNET_ACL_RESTRICTION" in "drops/network-acl-egress",
        "the network ACL of the subnet it leaves denies the packet",
        "add an outbound allow rule with a lower number; ACLs are stateless, so mind the answers too";
    NetworkAclIngress: aws "SUBNET_ACL_RESTRICTION" in "drops/network-acl-ingress",
        "the network ACL of the subnet it enters denies the packet",
        "add an inbound allow rule with a lower number (answers come to ephemeral ports 1024-65535)";
    NoRoute: aws "NO_ROUTE_TO_DESTINATION" in "drops/no-route",
        "no route of the subnet's table matches the destination",
        "add a route, or add the table to the service's gateway endpoint";
    BlackholeRoute: aws "BAD_STATE_ROUTE" in "drops/blackhole",
        "the matching route's target is gone (blackhole); shorter prefixes are not tried",
        "replace or delete the route";
    NoInterfaceAtAddress: aws "NO_POSSIBLE_DESTINATION" in "drops/no-interface",
        "the destination lies in the VPC, but no interface has the address",
        "check the address; was the instance terminated?";
    InternetGatewayNoPublicAddress: aws "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS" in "drops/no-public-address",
        "the packet reached the internet gateway from an interface without a public address",
        "associate an Elastic IP, or take another road (NAT gateway, endpoint)";
    InternetGatewayNoPrivateAddress: aws "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS" in "drops/no-private-address",
        "no interface behind the internet gateway has the public address",
        "check the address; was it released or reassigned?";
    InternetGatewayDestinationRfc1918: aws "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS" in "drops/private-destination",
        "internet gateways forward nothing to private addresses (RFC 1918)",
        "route private destinations to something other than the internet gateway";
    InternetGatewayDestinationRfc6598: aws "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS" in "drops/private-destination",
        "internet gateways forward nothing to shared addresses (RFC 6598, 100.64.0.0/10)",
        "route shared-address destinations to something other than the internet gateway";
    InternetGatewaySourceRfc1918: aws "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS" in "drops/private-source",
        "internet gateways take nothing from private addresses (RFC 1918)",
        "the sender spoofs its address or lacks NAT";
    InternetGatewaySourceRfc6598: aws "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS" in "drops/private-source",
        "internet gateways take nothing from shared addresses (RFC 6598, 100.64.0.0/10)",
        "the sender spoofs its address or lacks NAT";
    EndpointProtocol: aws "VPCE_GATEWAY_PROTOCOL_RESTRICTION" in "drops/endpoint-protocol",
        "gateway endpoints take only TCP and ICMP echo",
        "use TCP; UDP to a service's addresses cannot take the endpoint";
    EndpointDestinationNotInList: aws "CANNOT_ROUTE",
        "the packet reached the gateway endpoint, but its destination is not in the service's prefix list",
        "check the prefix list";
    EndpointSourceNotInList: aws "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION" in "drops/endpoint-source",
        "gateway endpoints emit only packets from the service's prefix list",
        "nothing to mend in the VPC";
    EndpointInitiates: aws "VPCE_INTRA_VPC_TRAFFIC" in "drops/endpoint-initiates",
        "gateway endpoints answer; they never open connections into the VPC",
        "let the instance open the connection";
    SecurityGroupNoRulesEgress: aws "SG_HAS_NO_RULES" in "drops/security-group-no-rules",
        "the interface's security groups have no outbound rule at all",
        "add an outbound rule to one of the groups";
    SecurityGroupNoRulesIngress: aws "SG_HAS_NO_RULES" in "drops/security-group-no-rules",
        "the interface's security groups have no inbound rule at all, and the packet answers nothing tracked",
        "add an inbound rule to one of the groups";
    InternetGatewayDestinationInVpc: aws "IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS" in "drops/igw-destination-in-vpc",
        "a packet for an address of the VPC itself was routed to the internet gateway",
        "let the local route have it: send to the private address from inside, to the public one from outside";
    GatewayTableNoPublicAddress: aws "INGRESS_RTB_NO_PUBLIC_IP" in "drops/gateway-table",
        "the gateway route table sends what comes from the internet to an interface without a public address",
        "associate an Elastic IP with the appliance's interface";
    GatewayTableBypassed: aws "INGRESS_RTB_TRAFFIC_REDIRECTION" in "drops/gateway-table",
        "the gateway route table sends traffic of this subnet through an appliance, but the answer bypasses it",
        "route the subnet's internet traffic through the same appliance";
    BlockPublicAccess: aws "VPC_BLOCK_PUBLIC_ACCESS_ENABLED" in "drops/block-public-access",
        "VPC Block Public Access keeps the packet from passing the internet gateway",
        "exclude the VPC or subnet from VPC Block Public Access, or take another road";
    GatewayRejectsSpoofed: aws "GATEWAY_REJECTS_SPOOFED_TRAFFIC" in "drops/spoofed-source",
        "the packet's source is no address of the VPC that the gateway serves",
        "a gateway endpoint serves its own VPC only: make an endpoint where the sender is, or an interface endpoint";
    NatProtocol: aws "PROTOCOL_RESTRICTION" in "drops/nat-protocol",
        "NAT gateways translate only TCP, UDP and ICMP",
        "use one of these, or a NAT instance";
    NatSourceNotInVpc: aws "NGW_REQUIRES_SOURCE_IN_VPC" in "drops/nat-source",
        "NAT gateways serve interfaces of their own VPC, and what comes by a transit gateway",
        "give the other network a NAT gateway of its own, or reach this one through a transit gateway";
    NatPortExhausted: own "NAT_PORT_ALLOCATION_ERROR" in "drops/nat-ports",
        "every port of the NAT gateway towards this destination is in use (CloudWatch: ErrorPortAllocation)",
        "add addresses to the NAT gateway, spread connections over more destinations, or close idle ones";
    NatNoSession: own "NAT_NO_SESSION" in "drops/nat-no-session",
        "the packet answers nothing that the NAT gateway remembers; nothing is let in unasked",
        "let the inside begin the connection";
    NatIdleTimeout: own "NAT_IDLE_TIMEOUT" in "problems/24-nat-idle-350s",
        "the NAT gateway no longer knows the connection: it was silent for more than 350 s (or began elsewhere); it resets it",
        "send TCP keepalives at least every 350 s";
    NatFragment: own "NAT_FRAGMENT" in "drops/nat-fragment",
        "NAT gateways drop fragments of TCP and ICMP",
        "send smaller packets";
    MtuExceeded: own "MTU_EXCEEDED" in "drops/mtu",
        "the packet is bigger than the MTU of what comes next and must not be fragmented; its sender is told (ICMP 3/4)",
        "let ICMP type 3 code 4 reach the sender, or lower its MTU";
    MtuExceededSilently: own "MTU_EXCEEDED_SILENTLY" in "drops/mtu-silent",
        "the packet is bigger than the MTU of what comes next, which drops it without a word",
        "lower the sender's MTU or MSS: no ICMP error will come";
    TimeToLiveExceeded: own "TTL_EXCEEDED" in "drops/ttl",
        "the packet's time to live ran out; its sender is told (ICMP 11/0)",
        "look for a loop, or send with a higher TTL (traceroute does this on purpose)";
    PeeringAddressNotInVpc: aws "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR" in "drops/peering-transit",
        "a peering connection carries only packets with an address of the VPC that it leads to",
        "peering is not transitive: peer with the other VPC itself, or use a transit gateway";
    TransitZone: aws "TGW_ROUTE_AZ_RESTRICTION" in "drops/transit-zone",
        "the transit gateway has no interface in the sender's availability zone",
        "add a subnet of that zone to the attachment";
    TransitAttachmentZone: aws "TGW_ATTACH_VPC_AZ_RESTRICTION" in "drops/transit-zone",
        "the transit gateway has no interface in the destination's availability zone",
        "add a subnet of that zone to the attachment";
    TransitNoAssociation: aws "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION" in "drops/transit-association",
        "the attachment by which the packet came is associated with no route table of the transit gateway",
        "associate the attachment with a transit gateway route table";
    TransitNoRoute: aws "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT" in "drops/transit-no-route",
        "no route of the transit gateway's route table matches the destination",
        "propagate the destination's attachment to the table, or add a static route";
    TransitBlackhole: aws "TGW_RTB_BAD_STATE_ROUTE" in "drops/transit-blackhole",
        "the matching route of the transit gateway is a blackhole",
        "replace or delete the route";
    AttachmentGone: aws "BAD_STATE_ATTACHMENT" in "drops/transit-attachment",
        "the transit gateway attachment that the packet needs is not available",
        "wait for it to be accepted, or attach again";
    VpnGatewaySource: aws "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS" in "drops/vpn-gateway-source",
        "virtual private gateways take packets only from addresses of interfaces of their VPC",
        "the VPC is no transit network: use a transit gateway";
    VpnGatewayDestination: aws "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS" in "drops/vpn-gateway-destination",
        "no interface of the VPC has the address that a packet from on premises is for",
        "what lies beyond the VPC (gateway endpoint, NAT, internet, peers) cannot be reached through a VPN: use an interface endpoint";
    VpnGatewayNoRoute: own "VGW_NO_ROUTE" in "drops/vpn-gateway-no-route",
        "the virtual private gateway has learned no route to the destination",
        "announce the block from on premises, or add a static route to the VPN connection";
    TunnelsDown: aws "BAD_STATE_VPN" in "drops/vpn-down",
        "both tunnels of the VPN connection are down",
        "bring a tunnel up";
    VirtualInterfaceDown: own "DIRECT_CONNECT_DOWN" in "drops/direct-connect-down",
        "the virtual interface's BGP session is down",
        "bring it up, or keep a VPN as a second road";
    OnPremisesNoRoute: own "ON_PREMISES_NO_ROUTE" in "drops/on-premises",
        "the router on premises has no route to the destination and no way to the internet",
        "announce the block over VPN or Direct Connect, or give the network an internet_address";
    NobodyOnPremises: own "ON_PREMISES_NOBODY_THERE" in "drops/on-premises",
        "no host on premises has the address",
        "declare the host under the network's hosts";
    EndpointInterfaceProtocol: aws "PROTOCOL_RESTRICTION" in "drops/interface-endpoint-protocol",
        "interface endpoints of AWS's services take only TCP",
        "use TCP";
    EndpointIdleTimeout: own "ENDPOINT_IDLE_TIMEOUT" in "drops/interface-endpoint-idle",
        "the connection was silent for longer than the interface endpoint remembers (350 s)",
        "send TCP keepalives at least every 350 s";
    LinkLocalRateExceeded: own "LINKLOCAL_ALLOWANCE_EXCEEDED" in "drops/link-local-rate",
        "the interface sent more packets within a second to the link-local services (resolver, metadata, time) than it may (AWS: 1,024)",
        "cache DNS answers on the instance";
    FragmentWithoutFirst: own "FRAGMENT_WITHOUT_FIRST" in "drops/fragment-without-first",
        "a later fragment, which has no ports, came without its first fragment having passed",
        "send smaller packets, or find what lost the first fragment";
    NobodyAtPublicAddress: own "NOBODY_AT_PUBLIC_ADDRESS" in "drops/nobody-there",
        "no simulated host or service has this public address",
        "declare an [outside] host with the address, if the scenario needs one";
    LinkLocalNotServed: own "LINK_LOCAL_NOT_SERVED" in "drops/link-local",
        "the link-local address or port is not served here (only DHCP, DNS and the subnet router's ping are)",
        "use the resolver at 169.254.169.253 or the VPC's base+2";
    BroadcastOrMulticast: own "BROADCAST_OR_MULTICAST" in "drops/broadcast",
        "VPCs carry neither broadcast nor multicast",
        "send unicast";
    NotIpv4: own "NOT_IPV4" in "drops/malformed",
        "only IPv4 and ARP are simulated (no IPv6)",
        "use IPv4";
    Malformed: own "MALFORMED_PACKET" in "drops/malformed",
        "the packet's headers contradict its length or its checksum",
        "repair the packet";
    UnknownEthernetDestination: own "UNKNOWN_ETHERNET_DESTINATION" in "drops/unknown-mac",
        "the frame is addressed to an Ethernet address that is neither the subnet router's nor an interface's of the subnet",
        "ask ARP";
    ResourceGone: aws "BAD_STATE" in "drops/resource-gone",
        "the resource the packet had reached was deleted while the packet was on its way",
        "nothing: the next packet takes the new road";
    TrackingTableFull: own "CONNTRACK_ALLOWANCE_EXCEEDED" in "drops/tracking-table-full",
        "the interface's connection-tracking table is full",
        "use fewer connections, untracked rules, or a larger instance";
    WalkTooLong: own "WALK_TOO_LONG",
        "the packet went round in a circle",
        "look for routes that point at each other";
    LinkQueueFull: own "LINK_QUEUE_FULL" in "drops/link",
        "the link's queue was full",
        "raise the link's bandwidth or queue in [links], or send less";
    LinkLoss: own "LINK_LOSS" in "drops/link",
        "the link lost the frame at random, as [links] loss asks",
        "lower the link's loss";
    NatRouteLoop: own "NAT_ROUTE_LOOP" in "drops/nat-route-loop",
        "the NAT gateway's own subnet routes the packet back to the NAT gateway",
        "put the NAT gateway in a subnet that routes 0.0.0.0/0 to the internet gateway";
}

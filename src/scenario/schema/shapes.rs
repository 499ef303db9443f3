//! The tables and keys of scenario files. Meanings at length: `scenarios/README.md`.

mod on_premises;
pub(super) mod step;
mod transit;

use super::Value::*;
use super::{Key, Shape, Value};
use crate::scenario::forwarding::{COUNT_MAX, MTU_BYTES};

const fn shape(doc: &'static str, keys: &'static [Key]) -> Shape {
    Shape { doc, keys, named: None, plain_names: true }
}

const fn named(doc: &'static str, item: &'static Shape) -> Shape {
    Shape { doc, keys: &[], named: Some(item), plain_names: true }
}

/// A key that may be left out; `default` is TOML, or empty.
const fn key(name: &'static str, value: Value, default: &'static str, doc: &'static str) -> Key {
    Key { name, value, required: false, default, doc }
}

/// A key that must be there.
const fn must(name: &'static str, value: Value, doc: &'static str) -> Key {
    Key { name, value, required: true, default: "", doc }
}

const ADDRESS: Value = Pattern(r"^\d{1,3}(\.\d{1,3}){3}$", &["198.51.100.7"]);
const BLOCK: Value = Pattern(r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$", &["10.0.0.0/16"]);
const TIME: Value =
    Pattern(r"^\s*(\d+(\.\d+)?\s*(ns|us|ms|s|m|min|h)\s*)+$", &["350us", "20ms", "1.5s", "2m", "1h30m"]);
const RATE: Value =
    Pattern(r"^\s*(unlimited|\d+(\.\d+)?\s*(bit|kbit|Mbit|Gbit)/s)\s*$", &["5 Gbit/s", "64 kbit/s", "unlimited"]);
const SIZE: Value = Pattern(r"^\s*\d+(\.\d+)?\s*(B|kB|KiB|MB|MiB|GiB)\s*$", &["1500 B", "64 KiB", "1 MiB"]);
const VOLUME: Value = Pattern(r"^\s*\d+(\.\d+)?\s*(MB|GB|TB|PB)\s*$", &["100 GB", "1.5 TB"]);
const ROUTE: Value = Pattern(
    r"^\s*\S+\s*->\s*\S.*$",
    &[
        "0.0.0.0/0 -> igw",
        "10.9.0.0/16 -> eni of router",
        "10.2.0.0/16 -> a-b",
        "0.0.0.0/0 -> nat",
        "10.9.0.0/16 -> router (propagated vpn-bgp as-path 2 med 10)",
    ],
);
const RULE_IN: Value = Pattern(
    r"^\s*(all|tcp|udp|icmp|protocol)\b.*\bfrom\s",
    &["tcp 443 from 0.0.0.0/0", "all from self", "tcp from sg db"],
);
const RULE_OUT: Value =
    Pattern(r"^\s*(all|tcp|udp|icmp|protocol)\b.*\bto\s", &["tcp 443 to pl dynamodb", "tcp 5432 to sg db"]);
const ACL_IN: Value = Pattern(r"^\s*\d+\s+(allow|deny)\s.*\bfrom\s", &["100 allow tcp 443 from 0.0.0.0/0"]);
const ACL_OUT: Value = Pattern(r"^\s*\d+\s+(allow|deny)\s.*\bto\s", &["200 deny all to 10.0.0.0/8"]);
const MTU: Value = Integer(MTU_BYTES.0, MTU_BYTES.1);
const COUNT: Value = Integer(1, COUNT_MAX);
const COMMAND: Value = Pattern(r"^\s*\S+\s+\S", &["aws dynamodb list-tables", "ssh ec2-user@app"]);
const TEXTS: Value = List(&Text);
const TEXT_OR_TEXTS: Value = Either(&Text, &TEXTS);
const ANNOUNCED: Value =
    Pattern(r"^\s*\d{1,3}(\.\d{1,3}){3}/\d{1,2}\b", &["192.168.0.0/16", "192.168.0.0/16 as-path 2 med 10"]);
const UP_DOWN: Value = Word(&["up", "down"]);
const TLS: Value = Word(&["any", "1.2", "1.3"]);
const ACCOUNT_MODE: Value = Word(&["disabled", "preferred", "required"]);
const BUCKET: Value = Pattern(r"^\s*\S+(\s+in\s+\S+)?\s*$", &["pictures", "archive in eu-west-1"]);
const OBJECT: Value =
    Pattern(r"^\s*[^/\s]+/\S.*\s\d+(\.\d+)?\s*(B|kB|KiB|MB|MiB)\s*$", &["pictures/2026/cat.jpg 20 KiB"]);

const VPC_KEY: Key = key("vpc", Reference, "", "Name or id of its VPC; may be left out if there is just one");

/// The file.
pub(in crate::scenario) static ROOT: Shape = shape(
    "A scenario of vpcsim: what exists, what is typed when, and what should come out",
    &[
        key("account", Pattern(r"^\d{12}$", &["111122223333"]), "\"111122223333\"", "The account, twelve digits"),
        key("block_public_access", Table(&BLOCK_PUBLIC_ACCESS), "", "VPC Block Public Access of the account"),
        key("cli", Table(&CLI), "", "How `aws` on the hosts behaves"),
        key("dhcp_options", Table(&DHCP_OPTIONS), "", "DHCP options sets by name: which resolver instances ask"),
        key(
            "direct_connect",
            Table(&on_premises::VIRTUAL_INTERFACES),
            "",
            "Virtual interfaces of Direct Connect by name",
        ),
        key("dns", Table(&DNS), "", "The VPCs' resolver"),
        key("dynamodb", Table(&DYNAMODB), "", "DynamoDB of the Region"),
        key("elastic_ip", Table(&ELASTIC_IPS), "", "Elastic IP addresses by name"),
        key("endpoint", Table(&ENDPOINTS), "", "VPC endpoints that exist from the start, by name"),
        key(
            "endpoint_service",
            Table(&ENDPOINT_SERVICES),
            "",
            "Services of interface endpoints: where they are offered",
        ),
        key(
            "forwarding",
            Table(&FORWARDING),
            "",
            "How the network forwards where AWS leaves a choice or may change a number",
        ),
        key("ids", Word(&["short", "long"]), "\"short\"", "Whether derived ids have 8 or 17 digits"),
        key("instance", Table(&INSTANCES), "", "Instances by name"),
        key("internet_gateway", Table(&INTERNET_GATEWAYS), "", "Internet gateways by name; VPCs can bring their own"),
        key("limits", Table(&LIMITS), "", "Limits of the simulated machines, and quotas"),
        key("links", Table(&LINKS), "", "Latency, bandwidth, queue and loss of links, by class"),
        key("nat_gateway", Table(&NAT_GATEWAYS), "", "NAT gateways by name"),
        key("network_acl", Table(&NETWORK_ACLS), "", "Network ACLs by name; `default` is the VPC's own"),
        key("on_premises", Table(&on_premises::NETWORKS_ON_PREMISES), "", "Networks on premises by name"),
        key("outside", Table(&OUTSIDE_HOSTS), "", "Hosts on the internet by name"),
        key("peering", Table(&transit::PEERINGS), "", "VPC peering connections by name"),
        key("prefix_list", Table(&PREFIX_LISTS), "", "Prefix lists by name: one's own, or other contents for AWS's"),
        key("prices", Table(&PRICES), "", "What the roads cost, in US dollars; us-east-1's prices of 2026 if left out"),
        key("quotas", Table(&QUOTAS), "", "Quotas that AWS raises on request"),
        must("region", Region, "The Region; its prefix lists are known"),
        key("route_table", Table(&ROUTE_TABLES), "", "Route tables by name"),
        key("s3", Table(&S3), "", "S3: buckets and what is in them"),
        key("security_group", Table(&SECURITY_GROUPS), "", "Security groups by name; `default` is the VPC's own"),
        key("seed", Integer(0, u64::MAX), "1", "Where all randomness and all derived ids come from"),
        key("service", Table(&SERVICE), "", "How services treat connections"),
        key("start", Date, "2026-01-01T00:00:00Z", "Simulated time zero"),
        key("step", Tables(&step::STEP), "", "The timeline: steps run one after another"),
        key("subnet", Table(&SUBNETS), "", "Subnets by name"),
        key("title", Text, "", "What the report is headed with; the file's name if left out"),
        key("transit_gateway", Table(&transit::TRANSIT_GATEWAYS), "", "Transit gateways by name"),
        key(
            "transit_gateway_table",
            Table(&transit::TRANSIT_GATEWAY_TABLES),
            "",
            "Route tables of transit gateways by name, besides the default ones",
        ),
        key("vpc", Table(&VPCS), "", "VPCs by name"),
        key("vpn", Table(&on_premises::VPN_CONNECTIONS), "", "Site-to-Site VPN connections by name"),
        key("vpn_gateway", Table(&on_premises::VPN_GATEWAYS), "", "Virtual private gateways by name"),
    ],
);

static VPCS: Shape = named("VPCs by name", &VPC);
static VPC: Shape = shape(
    "A VPC; it comes with a route table, a security group and a network ACL",
    &[
        key("cidr", BLOCK, "", "Its addresses, /16 to /28; a default VPC has its own"),
        key("cidrs", List(&BLOCK), "", "Its addresses, if it has several blocks"),
        key(
            "default",
            Boolean,
            "false",
            "The Region's default VPC: 172.31.0.0/16, a public subnet per zone, a gateway",
        ),
        key("dns_hostnames", Boolean, "", "enableDnsHostnames; on in the default VPC, else off"),
        key("dns_support", Boolean, "true", "enableDnsSupport: whether the resolver answers"),
        key("id", Id("vpc"), "", "Its id, else derived"),
        key(
            "internet_gateway",
            Either(&Boolean, &Text),
            "false",
            "Attaches a new gateway, called as the VPC or as given",
        ),
        key("region", Region, "", "Its Region; the scenario's if left out"),
    ],
);

static INTERNET_GATEWAYS: Shape = named("Internet gateways by name", &INTERNET_GATEWAY);
static INTERNET_GATEWAY: Shape = shape(
    "An internet gateway",
    &[
        key("id", Id("igw"), "", "Its id, else derived"),
        key("vpc", Reference, "", "The VPC it is attached to; left out, it is not attached"),
    ],
);

static SUBNETS: Shape = named("Subnets by name", &SUBNET);
static SUBNET: Shape = shape(
    "A subnet",
    &[
        key("acl", Reference, "", "Its network ACL; the VPC's default one if left out"),
        key("az", Text, "", "Its availability zone; the Region's first one if left out"),
        must("cidr", BLOCK, "Its block, /16 to /28, inside the VPC"),
        key("id", Id("subnet"), "", "Its id, else derived"),
        key("public", Boolean, "false", "MapPublicIpOnLaunch: whether instances get a public address"),
        key("table", Reference, "", "Its route table; the VPC's main one routes if left out"),
        VPC_KEY,
    ],
);

static ROUTE_TABLES: Shape = named("Route tables by name", &ROUTE_TABLE);
static ROUTE_TABLE: Shape = shape(
    "A route table",
    &[
        key("gateway", Reference, "", "igw or a gateway's name: it routes what comes in by this gateway"),
        key("id", Id("rtb"), "", "Its id, else derived"),
        key("main", Boolean, "false", "This is not a new table, but the VPC's main one"),
        key(
            "propagating_gateways",
            List(&Reference),
            "[]",
            "Virtual private gateways that propagate what they learned into it",
        ),
        key("routes", List(&ROUTE), "[]", "Routes besides the local ones"),
        VPC_KEY,
    ],
);

static SECURITY_GROUPS: Shape = named("Security groups by name", &SECURITY_GROUP);
static SECURITY_GROUP: Shape = shape(
    "A security group",
    &[
        key("description", Text, "", "Its description; the name if left out"),
        key(
            "egress",
            List(&RULE_OUT),
            "[\"all to 0.0.0.0/0\"]",
            "What may go out; if given, it replaces the default rule",
        ),
        key("id", Id("sg"), "", "Its id, else derived"),
        key("ingress", List(&RULE_IN), "[]", "What may come in"),
        VPC_KEY,
    ],
);

static NETWORK_ACLS: Shape = named("Network ACLs by name", &NETWORK_ACL);
static NETWORK_ACL: Shape = shape(
    "A network ACL: stateless rules, tried in the order of their numbers",
    &[
        key("egress", List(&ACL_OUT), "[]", "What may leave the subnet; nothing, if left out"),
        key("id", Id("acl"), "", "Its id, else derived"),
        key("ingress", List(&ACL_IN), "[]", "What may enter the subnet; nothing, if left out"),
        VPC_KEY,
    ],
);

static INSTANCES: Shape = named("Instances by name", &INSTANCE);
static INSTANCE: Shape = shape(
    "An instance with one network interface",
    &[
        key("connection_tracking", Table(&CONNECTION_TRACKING), "", "Idle timeouts of tracked connections"),
        key("elastic_ip", Reference, "", "Elastic IP associated from the start"),
        key(
            "forwarding",
            Word(&["off", "route", "masquerade"]),
            "\"off\"",
            "What its system does with packets for others: send them on, or also put its own address in place (NAT instance)",
        ),
        key("groups", TEXTS, "", "One to five security groups; the VPC's default group if left out"),
        key("id", Id("i"), "", "Its id, else derived"),
        key("image", Id("ami"), "\"ami-0abcdef1234567890\"", "Machine image; shown only"),
        key("interface_id", Id("eni"), "", "Its network interface's id, else derived"),
        key("key", Text, "", "Key pair; shown only"),
        key("private_ip", ADDRESS, "", "Its private address; the subnet's next one if left out"),
        key(
            "public_ip",
            Either(&Boolean, &ADDRESS),
            "",
            "Whether it gets a public address, or which; else as the subnet says",
        ),
        key(
            "serves",
            TEXTS,
            "[\"ssh\"]",
            "What listens on it, instead of SSH: `http 80`, `bulk 5201`, `udp-echo 7` and so on",
        ),
        key("source_dest_check", Boolean, "true", "false lets it route"),
        must("subnet", Reference, "Its subnet"),
        key(
            "type",
            Text,
            "\"t3.micro\"",
            "Instance type; shown, and it decides how long idle TCP connections are tracked",
        ),
    ],
);

static CONNECTION_TRACKING: Shape = shape(
    "Idle timeouts of the connections that an interface's security groups track",
    &[
        key("tcp_established", TIME, "\"432000s\"", "60s to 432000s; 350s if left out on instance types of Nitro v6"),
        key("udp", TIME, "\"30s\"", "30s to 60s: flows seen in one direction"),
        key("udp_stream", TIME, "\"180s\"", "60s to 180s: flows that were answered"),
    ],
);

static BLOCK_PUBLIC_ACCESS: Shape = shape(
    "VPC Block Public Access of the account",
    &[
        key("allow_bidirectional", TEXTS, "[]", "VPCs and subnets that it does not apply to"),
        key("allow_egress", TEXTS, "[]", "VPCs and subnets whose NAT gateways may go out"),
        must("mode", Word(&["off", "block-bidirectional", "block-ingress"]), "What internet gateways do not let pass"),
    ],
);

static QUOTAS: Shape = shape(
    "Quotas that AWS raises on request",
    &[
        key("cidr_blocks_per_vpc", Integer(1, 50), "5", "IPv4 blocks of a VPC"),
        key("routes_per_table", Integer(1, 1_000), "500", "Routes of a route table"),
        key("rules_per_network_acl", Integer(1, 40), "20", "Rules of a network ACL in each direction"),
        key("rules_per_security_group", Integer(1, 1_000), "60", "Rules of a security group in each direction"),
        key("security_groups_per_interface", Integer(1, 16), "5", "Security groups of an interface"),
    ],
);

static NAT_GATEWAYS: Shape = named("NAT gateways by name", &NAT_GATEWAY);
static NAT_GATEWAY: Shape = shape(
    "A NAT gateway",
    &[
        key("elastic_ips", TEXTS, "", "Elastic IPs of a public one; a new one, called as the gateway, if left out"),
        key("id", Id("nat"), "", "Its id, else derived"),
        key("private", Boolean, "false", "A private one, which leads to other networks but not to the internet"),
        key("private_address_count", Integer(1, 8), "1", "Addresses of a private one"),
        key("private_ip", ADDRESS, "", "Its primary private address; the subnet's next one if left out"),
        must("subnet", Reference, "The subnet it lives in: of a public one, with a route to the internet gateway"),
    ],
);

static ELASTIC_IPS: Shape = named("Elastic IP addresses by name", &ELASTIC_IP);
static ELASTIC_IP: Shape = shape(
    "An Elastic IP address",
    &[
        key("address", ADDRESS, "", "The address; the next of 203.0.113.0/24 if left out"),
        key("id", Id("eipalloc"), "", "Its allocation id, else derived"),
    ],
);

static OUTSIDE_HOSTS: Shape = named("Hosts on the internet by name", &OUTSIDE_HOST);
static OUTSIDE_HOST: Shape = shape(
    "A host on the internet",
    &[
        must("address", ADDRESS, "Its public address"),
        key("serves", TEXTS, "[]", "What listens on it: `http 80`, `bulk 5201`, `udp-echo 7` and so on"),
    ],
);

static DHCP_OPTIONS: Shape = named("DHCP options sets by name", &DHCP_OPTIONS_SET);
static DHCP_OPTIONS_SET: Shape = shape(
    "A DHCP options set",
    &[
        key("domain_name", Text, "", "Domain that is told to instances; none if left out"),
        key("id", Id("dopt"), "", "Its id, else derived"),
        key(
            "resolvers",
            TEXTS,
            "[\"AmazonProvidedDNS\"]",
            "Up to four addresses, or AmazonProvidedDNS; hosts ask the first",
        ),
        key("vpcs", TEXTS, "[]", "VPCs that use it"),
    ],
);

static ENDPOINT_SERVICES: Shape =
    named("Services of interface endpoints by short name: dynamodb, ec2, s3, sts", &ENDPOINT_SERVICE);
static ENDPOINT_SERVICE: Shape = shape(
    "A service that interface endpoints lead to",
    &[must("zones", TEXTS, "Availability zones where it is offered; every zone if nothing is said")],
);

static ENDPOINTS: Shape = named("VPC endpoints by name", &ENDPOINT);
static ENDPOINT: Shape = shape(
    "A gateway or interface endpoint",
    &[
        key(
            "dns_suffix",
            Pattern(r"^[a-z0-9]{8}$", &["sow3v4uq"]),
            "",
            "Interface: the part of its DNS names that AWS draws, else derived",
        ),
        key("groups", TEXTS, "", "Interface: security groups; the VPC's default group if left out"),
        key("id", Id("vpce"), "", "Its id, else derived"),
        key("policy", Text, "", "Its policy, JSON; full access if left out"),
        key(
            "private_dns",
            Boolean,
            "",
            "Interface: the service's public names mean it in its VPC; on where the service can, S3 apart",
        ),
        must("service", Text, "dynamodb, s3, ec2, sts, or in full: com.amazonaws.us-east-1.dynamodb"),
        key("subnets", TEXTS, "[]", "Interface: subnets that get an interface, one a zone"),
        key("tables", TEXTS, "[]", "Gateway: route tables that get its route; without any it carries nothing"),
        key("type", Word(&["gateway", "interface"]), "\"gateway\"", "Which kind of endpoint"),
        VPC_KEY,
    ],
);

static PREFIX_LISTS: Shape =
    Shape { doc: "Prefix lists by name", keys: &[], named: Some(&PREFIX_LIST), plain_names: false };
static PREFIX_LIST: Shape = shape(
    "A prefix list",
    &[
        must("cidrs", List(&BLOCK), "Its blocks, up to 1,000"),
        key("id", Id("pl"), "", "Its id; AWS's, or derived"),
        key(
            "max_entries",
            Integer(1, 1_000),
            "",
            "What a reference counts against quotas; the number of blocks if left out",
        ),
    ],
);

static DYNAMODB: Shape = shape(
    "DynamoDB of the Region",
    &[
        key("address", ADDRESS, "", "What DNS answers; must lie in the Region's prefix list"),
        key(
            "road_latency",
            Either(&TIME, &Word(&["aws_service", "internet"])),
            "\"aws_service\"",
            "One-way latency between internet gateway and DynamoDB",
        ),
        key("table_settling", TIME, "\"5s\"", "How long a new table is CREATING, and one that goes DELETING"),
        key("tables", TEXTS, "[]", "Names of its tables"),
    ],
);

static S3: Shape = shape(
    "S3: buckets and what is in them",
    &[
        key("address", ADDRESS, "", "What DNS answers in the Region; must lie in its prefix list"),
        key("buckets", List(&BUCKET), "[]", "Buckets that exist from the start: NAME, or NAME in REGION"),
        key("objects", List(&OBJECT), "[]", "Objects that exist from the start: BUCKET/KEY SIZE"),
    ],
);

static LINKS: Shape = shape(
    "Links by class; each may override some of its class's values",
    &[
        key("aws_service", Table(&LINK), "", "Between a VPC and a service of its Region"),
        key("cross_az", Table(&LINK), "", "Between interfaces of two zones"),
        key("direct_connect", Table(&LINK), "", "A virtual interface of Direct Connect"),
        key("inter_region", Table(&LINK), "", "Between two Regions: peering connections, peered transit gateways"),
        key("internet", Table(&LINK), "", "Between the internet gateway and a host on the internet"),
        key("nic", Table(&LINK), "", "Between an instance and its interface's host"),
        key("on_premises", Table(&LINK), "", "Between a host on premises and its router"),
        key("same_az", Table(&LINK), "", "Between interfaces of one zone"),
        key("vpn", Table(&LINK), "", "One tunnel of a Site-to-Site VPN connection"),
    ],
);
static LINK: Shape = shape(
    "A class of links",
    &[
        key("bandwidth", RATE, "", "How much it carries"),
        key("latency", TIME, "", "One-way latency, at most 60s"),
        key("loss", Share, "0", "Share of frames lost at random"),
        key("queue", SIZE, "", "Bytes that may wait; more are dropped"),
    ],
);

static PRICES: Shape = shape(
    "What AWS charges, in US dollars; the defaults are us-east-1's of 2026, unverified",
    &[
        key("cross_zone_per_gb", Amount, "0.01", "Between two zones, at either end"),
        key("direct_connect_per_gb", Amount, "0.09", "Out of AWS by Direct Connect; assumed"),
        key("inter_region_per_gb", Amount, "0.02", "Between two Regions, at the sender"),
        key(
            "interface_endpoint_cross_zone_per_gb",
            Amount,
            "0.01",
            "To an interface endpoint in another zone, at either end",
        ),
        key("interface_endpoint_per_gb", Amount, "0.01", "What an interface endpoint processes, up to 1 PB a month"),
        key("interface_endpoint_per_gb_after_1_pb", Amount, "0.006", "The next 4 PB"),
        key("interface_endpoint_per_gb_after_5_pb", Amount, "0.004", "All beyond"),
        key("interface_endpoint_per_hour", Amount, "0.01", "An interface endpoint, for each zone"),
        key("internet_free", VOLUME, "\"100 GB\"", "What may leave AWS for the internet in a month for nothing"),
        key("internet_per_gb", Amount, "0.09", "What leaves AWS for the internet beyond that"),
        key("monthly_volume", VOLUME, "\"100 GB\"", "For how much traffic months are reckoned, on each road"),
        key("nat_gateway_per_gb", Amount, "0.045", "What a NAT gateway processes, in both directions"),
        key("nat_gateway_per_hour", Amount, "0.045", "A NAT gateway"),
        key("public_ipv4_per_hour", Amount, "0.005", "A public IPv4 address"),
        key("transit_gateway_attachment_per_hour", Amount, "0.05", "An attachment of a transit gateway"),
        key("transit_gateway_per_gb", Amount, "0.02", "What attachments send into a transit gateway"),
        key("vpn_connection_per_hour", Amount, "0.05", "A Site-to-Site VPN connection"),
        key("vpn_per_gb", Amount, "0.09", "Out of AWS by a Site-to-Site VPN; assumed"),
    ],
);

static SERVICE: Shape = shape(
    "How services treat connections",
    &[
        key("idle_timeout", TIME, "", "After which a service closes an idle connection"),
        key(
            "unknown_connection",
            Word(&["reset", "silence"]),
            "\"reset\"",
            "What becomes of segments of an unknown connection",
        ),
    ],
);
static DNS: Shape = shape(
    "The VPCs' resolver",
    &[
        key("fail", TEXT_OR_TEXTS, "[]", "Names of services that answer without addresses from the start"),
        key("ttl", Integer(0, 86_400), "5", "Seconds that names of services may be cached"),
    ],
);
static FORWARDING: Shape = shape(
    "How the network forwards; the defaults are AWS's numbers, or marked as assumed",
    &[
        key("fragment_timeout", TIME, "\"30s\"", "How long later fragments may follow the first (assumed)"),
        key("gateway_endpoint_mtu", MTU, "8500", "IP MTU of gateway endpoints (assumed: AWS names no kind)"),
        key("inter_region_mtu", MTU, "8500", "IP MTU of peering connections between Regions"),
        key(
            "interface_endpoint_idle_timeout",
            TIME,
            "\"350s\"",
            "After which an interface endpoint forgets a connection",
        ),
        key("interface_endpoint_mtu", MTU, "8500", "IP MTU of interface endpoints"),
        key("internet_gateway_mtu", MTU, "1500", "IP MTU of internet gateways"),
        key("link_local_packets_per_second", COUNT, "1024", "Packets of an interface to resolver, metadata and time"),
        key("nat_connections_per_destination", COUNT, "55000", "Connections of a NAT address to one destination"),
        key("nat_idle_timeout", TIME, "\"350s\"", "After which a NAT gateway forgets a session"),
        key("nat_mtu", MTU, "8500", "IP MTU of NAT gateways"),
        key("transit_gateway_mtu", MTU, "8500", "IP MTU of transit gateways, VPN attachments apart"),
        key("ttl", Word(&["aws", "rfc1812"]), "\"aws\"", "Whether the VPC's routers decrement the TTL: AWS's do not"),
        key("vpc_mtu", MTU, "9001", "IP MTU inside a VPC and between peered VPCs of a Region"),
        key(
            "vpn_mtu",
            MTU,
            "1446",
            "IP MTU inside a Site-to-Site VPN tunnel (AWS's example; it depends on the ciphers)",
        ),
    ],
);
static LIMITS: Shape = shape(
    "Limits of the simulated machines",
    &[
        key("elastic_ips", Integer(1, 225), "5", "Quota: Elastic IP addresses of the account"),
        key("elastic_ips_per_nat_gateway", Integer(1, 8), "2", "Quota: Elastic IP addresses of a NAT gateway"),
        key(
            "tracked_connections",
            Integer(1, 10_000_000),
            "",
            "Connections that one interface's security groups track",
        ),
    ],
);
static CLI: Shape = shape(
    "How `aws` on the hosts behaves",
    &[
        key("access_key", Text, "\"AKIAIOSFODNN7EXAMPLE\"", "What it signs with"),
        key(
            "account_id_endpoint_mode",
            ACCOUNT_MODE,
            "\"disabled\"",
            "Call DynamoDB as ACCOUNT.ddb.REGION.amazonaws.com",
        ),
        key("attempts_max", Integer(1, 20), "4", "Tries per call, the first included"),
        key("connect_timeout", TIME, "\"60s\"", "How long one connect may take"),
        key("read_timeout", TIME, "\"60s\"", "How long an answer may take"),
        key("secret_key", Text, "\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"", "What it signs with"),
        key("tls", TLS, "\"any\"", "TLS versions offered"),
    ],
);

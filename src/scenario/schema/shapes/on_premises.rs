//! `[on_premises]`, `[vpn_gateway]`, `[vpn]`, `[direct_connect]`.

use super::*;

pub(super) static NETWORKS_ON_PREMISES: Shape = named("Networks on premises by name", &NETWORK_ON_PREMISES);
static NETWORK_ON_PREMISES: Shape = shape(
    "A network on premises: a router, and hosts behind it",
    &[
        key("cidr", BLOCK, "", "Its addresses; the router has the block's first one"),
        key("cidrs", List(&BLOCK), "", "Its addresses, if it has several blocks"),
        key("hosts", Table(&HOSTS_ON_PREMISES), "", "Its hosts by name"),
        key(
            "internet_address",
            ADDRESS,
            "",
            "What its router puts in place of its hosts' addresses towards the internet",
        ),
        key("resolver", Boolean, "", "Whether its router answers DNS questions; yes, if it has an internet_address"),
        key(
            "routes",
            List(&ROUTE),
            "[]",
            "Static routes of its router: 10.0.0.0/8 -> NAME of a VPN or virtual interface",
        ),
    ],
);
static HOSTS_ON_PREMISES: Shape = named("Hosts on premises by name", &HOST_ON_PREMISES);
static HOST_ON_PREMISES: Shape = shape(
    "A host on premises",
    &[
        must("address", ADDRESS, "Its address, inside the network"),
        key("serves", TEXTS, "[]", "What listens on it: `http 80`, `bulk 5201`, `udp-echo 7` and so on"),
    ],
);

pub(super) static VPN_GATEWAYS: Shape = named("Virtual private gateways by name", &VPN_GATEWAY);
static VPN_GATEWAY: Shape = shape(
    "A virtual private gateway",
    &[
        key("id", Id("vgw"), "", "Its id, else derived"),
        key("vpc", Reference, "", "The VPC it is attached to; left out, it is not attached"),
    ],
);

pub(super) static VPN_CONNECTIONS: Shape = named("Site-to-Site VPN connections by name", &VPN_CONNECTION);
static VPN_CONNECTION: Shape = shape(
    "A Site-to-Site VPN connection; its customer gateway comes with it",
    &[
        must("gateway", Reference, "AWS's end: a virtual private gateway or a transit gateway"),
        key("id", Id("vpn"), "", "Its id, else derived"),
        key("on_premises", Reference, "", "The network behind it; may be left out if there is just one"),
        key("routes", List(&ANNOUNCED), "", "What is reached through it; the network's blocks if left out"),
        key("static", Boolean, "false", "Whether routes are static instead of learned by BGP"),
        key("tunnels", List(&UP_DOWN), "[\"up\", \"up\"]", "The state of each of the two tunnels"),
    ],
);

pub(super) static VIRTUAL_INTERFACES: Shape = named("Virtual interfaces by name", &VIRTUAL_INTERFACE);
static VIRTUAL_INTERFACE: Shape = shape(
    "A virtual interface of Direct Connect",
    &[
        key("gateway", Reference, "", "A virtual private gateway (private), a transit gateway (transit); none: public"),
        key("id", Id("dxvif"), "", "Its id, else derived"),
        key("mtu", Integer(1500, 9001), "1500", "IP MTU: 1500, or 9001 (private), 8500 (transit)"),
        key("on_premises", Reference, "", "The network behind it; may be left out if there is just one"),
        key("routes", List(&ANNOUNCED), "", "What is announced over it; the network's blocks if left out"),
        key("state", UP_DOWN, "\"up\"", "Whether its BGP session is up"),
    ],
);

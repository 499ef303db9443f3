//! The tables of peering connections and transit gateways.

use super::*;

const TRANSIT_ROUTE: Value =
    Pattern(r"^\s*\S+\s*->\s*\S.*$", &["10.9.0.0/16 -> far", "0.0.0.0/0 -> egress", "10.8.0.0/16 -> blackhole"]);

pub(super) static PEERINGS: Shape = named("VPC peering connections by name", &PEERING);
static PEERING: Shape = shape(
    "A VPC peering connection",
    &[
        key("accepted", Boolean, "true", "Whether the other side has accepted it; until then it carries nothing"),
        key(
            "dns_resolution",
            TEXTS,
            "[]",
            "VPCs whose instances' public names mean private addresses to the other side",
        ),
        key("id", Id("pcx"), "", "Its id, else derived"),
        must("vpcs", TEXTS, "The two VPCs: the one that asks, the one that accepts"),
    ],
);

pub(super) static TRANSIT_GATEWAYS: Shape = named("Transit gateways by name", &TRANSIT_GATEWAY);
static TRANSIT_GATEWAY: Shape = shape(
    "A transit gateway; it comes with a default route table, called NAME-default",
    &[
        key("attachments", Table(&ATTACHMENTS), "", "What is attached, by name"),
        key("default_association", Boolean, "true", "Whether attachments are associated with the default table"),
        key("default_propagation", Boolean, "true", "Whether attachments propagate to the default table"),
        key("id", Id("tgw"), "", "Its id, else derived"),
        key("region", Region, "", "Its Region; the scenario's if left out"),
        key("routes", List(&TRANSIT_ROUTE), "[]", "Static routes of its default table"),
        key(
            "security_group_references",
            Boolean,
            "false",
            "Whether inbound rules of security groups may name groups of other attached VPCs",
        ),
    ],
);
static ATTACHMENTS: Shape = named("Attachments by name", &ATTACHMENT);
static ATTACHMENT: Shape = shape(
    "An attachment: of a VPC, or of another transit gateway (peer)",
    &[
        key("accepted", Boolean, "true", "Of a peer: whether it has accepted"),
        key("appliance_mode", Boolean, "false", "Whether both directions of a flow use one and the same interface"),
        key("id", Id("tgw-attach"), "", "Its id, else derived"),
        key("peer", Reference, "", "The transit gateway to peer with"),
        key("security_group_references", Boolean, "true", "Whether the VPC takes part in references to groups"),
        key("subnets", TEXTS, "", "Of a VPC: one subnet for each zone that is to use the transit gateway"),
        key("vpc", Reference, "", "The VPC; the attachment's name if left out"),
    ],
);

pub(super) static TRANSIT_GATEWAY_TABLES: Shape =
    named("Route tables of transit gateways by name", &TRANSIT_GATEWAY_TABLE);
static TRANSIT_GATEWAY_TABLE: Shape = shape(
    "A route table of a transit gateway",
    &[
        key(
            "associate",
            TEXTS,
            "[]",
            "Attachments whose incoming packets it decides about, instead of the default one",
        ),
        key("gateway", Reference, "", "Its transit gateway; may be left out if there is just one"),
        key("id", Id("tgw-rtb"), "", "Its id, else derived"),
        key("propagate", TEXTS, "[]", "Attachments that tell it their blocks"),
        key("routes", List(&TRANSIT_ROUTE), "[]", "Static routes"),
    ],
);

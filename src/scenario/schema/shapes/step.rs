//! `[[step]]` and what it expects.

use super::*;
use crate::scenario::packet::{FRAGMENT_OFFSET_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::scenario::step::REPEATS_MAX;

pub(in crate::scenario) static STEP: Shape = shape(
    "A step of the timeline; it begins when the one before has ended",
    &[
        key("account_id_endpoint_mode", ACCOUNT_MODE, "", "How `aws` names DynamoDB; as [cli] says if left out"),
        key("as", Either(&Text, &Table(&AS)), "", "What the thing that the command creates is called from then on"),
        key("at", TIME, "", "Begin no earlier than this long after the start"),
        key("background", Boolean, "false", "The next step begins at once"),
        key("dns", Table(&STEP_DNS), "", "Instead of run: names of services fail, or are restored"),
        key("every", TIME, "\"1s\"", "From the start of one repetition to the next"),
        key("expect", Table(&EXPECTATIONS), "", "What must come out, by host, or for all, or for the operator"),
        key("jitter", TIME, "\"0s\"", "By how much every is longer or shorter at most"),
        key("name", Text, "", "For then, and in the report; step-N if left out"),
        key("note", Text, "", "Shown in the report"),
        key(
            "on",
            TEXT_OR_TEXTS,
            "",
            "Hosts that run it, all at once; without any the operator acts, and no packets travel",
        ),
        key("repeat", Integer(1, REPEATS_MAX as u64), "1", "How often each host does it"),
        key("run", COMMAND, "", "A command line"),
        key("send", Either(&Text, &Table(&SEND)), "", "Instead of run: one raw packet"),
        key("session", Text, "", "The long-running program that makes the call and keeps its connection"),
        key("set", Table(&SET), "", "Instead of run: a VPN's tunnels or a virtual interface go up or down"),
        key("then", TEXT_OR_TEXTS, "", "Earlier steps whose actions then run again"),
        key("tls", TLS, "", "TLS versions offered; as [cli] says if left out"),
        key("wait", TIME, "", "Pause before the step; alone, just a pause"),
    ],
);
static STEP_DNS: Shape = shape(
    "Names of services that answer without addresses from then on, or with them again",
    &[
        key("fail", TEXT_OR_TEXTS, "[]", "Names that lose their addresses; *.PARENT is every name under it"),
        key("restore", TEXT_OR_TEXTS, "[]", "Names that get them back"),
    ],
);
static AS: Shape = shape(
    "Name and id of what the command creates",
    &[
        key("id", Pattern(r"^[a-z]+-([0-9a-f]{8}|[0-9a-f]{17})$", &["vpce-9b15e2f2"]), "", "Its id, else derived"),
        key("name", Text, "", "Its name"),
    ],
);
static SET: Shape = shape(
    "A link to a network on premises goes up or down",
    &[
        key("direct_connect", Reference, "", "The virtual interface; with state"),
        key("state", UP_DOWN, "", "Whether its BGP session is up"),
        key("tunnels", List(&UP_DOWN), "", "The state of each of the two tunnels"),
        key("vpn", Reference, "", "The VPN connection; with tunnels"),
    ],
);
static SEND: Shape = shape(
    "A raw packet: packet or frame",
    &[
        key("dont_fragment", Boolean, "true", "The DF flag: whether it must not be split on its way"),
        key(
            "flaw",
            Word(&["checksum", "length", "header-length"]),
            "",
            "What is wrong with the IPv4 header on purpose",
        ),
        key(
            "fragment_offset_bytes",
            Integer(0, FRAGMENT_OFFSET_BYTES_MAX),
            "0",
            "Above 0: a later fragment, payload without ports; a multiple of 8",
        ),
        key(
            "frame",
            Pattern(r"^[\s:0-9A-Fa-f]+$", &["ffffffffffff 020000000001 0806"]),
            "",
            "A whole Ethernet frame in hexadecimal",
        ),
        key("identification", Integer(0, 65_535), "0", "Which datagram a fragment belongs to"),
        key("more_fragments", Boolean, "false", "The MF flag: whether more fragments follow"),
        key("packet", Text, "", "udp A:PORT -> B:PORT, tcp syn A:PORT -> B:PORT, icmp echo A -> B, protocol 47 A -> B"),
        key("payload_bytes", Integer(0, PAYLOAD_BYTES_MAX), "0", "Bytes after the headers"),
        key("ttl", Integer(0, 255), "64", "Time to live"),
    ],
);
static EXPECTATIONS: Shape =
    named("Expectations by host; all is every host, operator is a step without on", &EXPECTATION);
static EXPECTATION: Shape = shape(
    "What must come out; everything that is given must hold",
    &[
        key("exit", Integer(0, 255), "", "The command's exit status"),
        key("output_contains", Text, "", "What its output contains"),
        key("reason", Text, "", "A drop reason's code: packets were dropped for it"),
        key("source", Either(&Word(&["public", "private"]), &ADDRESS), "", "The source address that the far end saw"),
        key("usd_per_gb", Amount, "", "What a gigabyte of the host's traffic cost, as measured; to six decimals"),
        key(
            "via",
            Either(
                &Word(&[
                    "internet-gateway",
                    "nat-gateway",
                    "gateway-endpoint",
                    "interface-endpoint",
                    "peering",
                    "transit-gateway",
                    "vpn",
                    "direct-connect",
                    "local",
                    "none",
                ]),
                &Reference,
            ),
            "",
            "The road that packets took: a kind, or the name or id of a gateway or endpoint",
        ),
    ],
);

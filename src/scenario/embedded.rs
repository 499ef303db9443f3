//! The scenarios that come with the program: every file below `scenarios/` (`tests/scenarios.rs` compares).

/// Name and source of every shipped scenario; the first is the default one. Listed in the order to read them: roads from the common to the rare, problems by their
/// numbers, the reasons of drops by the alphabet.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("tutorial", include_str!("../../scenarios/tutorial.toml")),
    ("build-a-vpc", include_str!("../../scenarios/build-a-vpc.toml")),
    ("roads/internet-gateway", include_str!("../../scenarios/roads/internet-gateway.toml")),
    ("roads/hairpin", include_str!("../../scenarios/roads/hairpin.toml")),
    ("roads/nat-gateway", include_str!("../../scenarios/roads/nat-gateway.toml")),
    ("roads/nat-instance", include_str!("../../scenarios/roads/nat-instance.toml")),
    ("roads/private-nat-gateway", include_str!("../../scenarios/roads/private-nat-gateway.toml")),
    ("roads/gateway-endpoint", include_str!("../../scenarios/roads/gateway-endpoint.toml")),
    ("roads/gateway-endpoint-s3", include_str!("../../scenarios/roads/gateway-endpoint-s3.toml")),
    ("roads/interface-endpoint", include_str!("../../scenarios/roads/interface-endpoint.toml")),
    ("roads/other-region", include_str!("../../scenarios/roads/other-region.toml")),
    ("roads/four-lanes", include_str!("../../scenarios/roads/four-lanes.toml")),
    ("roads/peering", include_str!("../../scenarios/roads/peering.toml")),
    ("roads/peering-inter-region", include_str!("../../scenarios/roads/peering-inter-region.toml")),
    ("roads/transit-gateway", include_str!("../../scenarios/roads/transit-gateway.toml")),
    ("roads/transit-gateway-peering", include_str!("../../scenarios/roads/transit-gateway-peering.toml")),
    ("roads/transit-gateway-appliance", include_str!("../../scenarios/roads/transit-gateway-appliance.toml")),
    ("roads/vpn", include_str!("../../scenarios/roads/vpn.toml")),
    ("roads/vpn-transit-gateway", include_str!("../../scenarios/roads/vpn-transit-gateway.toml")),
    ("roads/direct-connect", include_str!("../../scenarios/roads/direct-connect.toml")),
    ("roads/dynamodb-over-vpn", include_str!("../../scenarios/roads/dynamodb-over-vpn.toml")),
    ("roads/middlebox", include_str!("../../scenarios/roads/middlebox.toml")),
    ("roads/gateway-route-table", include_str!("../../scenarios/roads/gateway-route-table.toml")),
    ("roads/path-mtu", include_str!("../../scenarios/roads/path-mtu.toml")),
    ("roads/path-mtu-nat", include_str!("../../scenarios/roads/path-mtu-nat.toml")),
    ("roads/path-mtu-vpn", include_str!("../../scenarios/roads/path-mtu-vpn.toml")),
    ("roads/ttl-rfc1812", include_str!("../../scenarios/roads/ttl-rfc1812.toml")),
    ("roads/explanations", include_str!("../../scenarios/roads/explanations.toml")),
    ("problems/1-tutorial-no-route-table", include_str!("../../scenarios/problems/1-tutorial-no-route-table.toml")),
    ("problems/2-private-no-path", include_str!("../../scenarios/problems/2-private-no-path.toml")),
    ("problems/3-wrong-table", include_str!("../../scenarios/problems/3-wrong-table.toml")),
    (
        "problems/4-sg-egress-without-prefix-list",
        include_str!("../../scenarios/problems/4-sg-egress-without-prefix-list.toml"),
    ),
    (
        "problems/5-nacl-blocks-service-or-ephemeral",
        include_str!("../../scenarios/problems/5-nacl-blocks-service-or-ephemeral.toml"),
    ),
    ("problems/6-prefix-list-grew", include_str!("../../scenarios/problems/6-prefix-list-grew.toml")),
    ("problems/7-nat-bill", include_str!("../../scenarios/problems/7-nat-bill.toml")),
    ("problems/13-open-connections-cut", include_str!("../../scenarios/problems/13-open-connections-cut.toml")),
    ("problems/14-on-prem-over-vpn", include_str!("../../scenarios/problems/14-on-prem-over-vpn.toml")),
    ("problems/15-hub-and-spoke", include_str!("../../scenarios/problems/15-hub-and-spoke.toml")),
    ("problems/16-peered-vpc", include_str!("../../scenarios/problems/16-peered-vpc.toml")),
    ("problems/17-other-region", include_str!("../../scenarios/problems/17-other-region.toml")),
    ("problems/18-global-hostname", include_str!("../../scenarios/problems/18-global-hostname.toml")),
    ("problems/19-account-based-hostname", include_str!("../../scenarios/problems/19-account-based-hostname.toml")),
    ("problems/20-dns-off", include_str!("../../scenarios/problems/20-dns-off.toml")),
    ("problems/21-duplicate-endpoint", include_str!("../../scenarios/problems/21-duplicate-endpoint.toml")),
    ("problems/22-route-by-hand", include_str!("../../scenarios/problems/22-route-by-hand.toml")),
    ("problems/23-interface-private-dns", include_str!("../../scenarios/problems/23-interface-private-dns.toml")),
    ("problems/24-nat-idle-350s", include_str!("../../scenarios/problems/24-nat-idle-350s.toml")),
    ("problems/25-prefix-list-weight", include_str!("../../scenarios/problems/25-prefix-list-weight.toml")),
    ("programs/ping", include_str!("../../scenarios/programs/ping.toml")),
    ("programs/traceroute", include_str!("../../scenarios/programs/traceroute.toml")),
    ("programs/tracepath", include_str!("../../scenarios/programs/tracepath.toml")),
    ("programs/dig", include_str!("../../scenarios/programs/dig.toml")),
    ("programs/curl", include_str!("../../scenarios/programs/curl.toml")),
    ("programs/ports", include_str!("../../scenarios/programs/ports.toml")),
    ("programs/bulk", include_str!("../../scenarios/programs/bulk.toml")),
    ("drops/blackhole", include_str!("../../scenarios/drops/blackhole.toml")),
    ("drops/block-public-access", include_str!("../../scenarios/drops/block-public-access.toml")),
    ("drops/broadcast", include_str!("../../scenarios/drops/broadcast.toml")),
    ("drops/destination-check", include_str!("../../scenarios/drops/destination-check.toml")),
    ("drops/direct-connect-down", include_str!("../../scenarios/drops/direct-connect-down.toml")),
    ("drops/endpoint-initiates", include_str!("../../scenarios/drops/endpoint-initiates.toml")),
    ("drops/endpoint-protocol", include_str!("../../scenarios/drops/endpoint-protocol.toml")),
    ("drops/endpoint-source", include_str!("../../scenarios/drops/endpoint-source.toml")),
    ("drops/fragment-without-first", include_str!("../../scenarios/drops/fragment-without-first.toml")),
    ("drops/gateway-table", include_str!("../../scenarios/drops/gateway-table.toml")),
    ("drops/igw-destination-in-vpc", include_str!("../../scenarios/drops/igw-destination-in-vpc.toml")),
    ("drops/interface-endpoint-idle", include_str!("../../scenarios/drops/interface-endpoint-idle.toml")),
    ("drops/interface-endpoint-protocol", include_str!("../../scenarios/drops/interface-endpoint-protocol.toml")),
    ("drops/link", include_str!("../../scenarios/drops/link.toml")),
    ("drops/link-local", include_str!("../../scenarios/drops/link-local.toml")),
    ("drops/link-local-rate", include_str!("../../scenarios/drops/link-local-rate.toml")),
    ("drops/malformed", include_str!("../../scenarios/drops/malformed.toml")),
    ("drops/mtu", include_str!("../../scenarios/drops/mtu.toml")),
    ("drops/mtu-silent", include_str!("../../scenarios/drops/mtu-silent.toml")),
    ("drops/nat-fragment", include_str!("../../scenarios/drops/nat-fragment.toml")),
    ("drops/nat-no-session", include_str!("../../scenarios/drops/nat-no-session.toml")),
    ("drops/nat-ports", include_str!("../../scenarios/drops/nat-ports.toml")),
    ("drops/nat-protocol", include_str!("../../scenarios/drops/nat-protocol.toml")),
    ("drops/nat-route-loop", include_str!("../../scenarios/drops/nat-route-loop.toml")),
    ("drops/nat-source", include_str!("../../scenarios/drops/nat-source.toml")),
    ("drops/network-acl-egress", include_str!("../../scenarios/drops/network-acl-egress.toml")),
    ("drops/network-acl-ingress", include_str!("../../scenarios/drops/network-acl-ingress.toml")),
    ("drops/no-interface", include_str!("../../scenarios/drops/no-interface.toml")),
    ("drops/no-private-address", include_str!("../../scenarios/drops/no-private-address.toml")),
    ("drops/no-public-address", include_str!("../../scenarios/drops/no-public-address.toml")),
    ("drops/no-route", include_str!("../../scenarios/drops/no-route.toml")),
    ("drops/nobody-there", include_str!("../../scenarios/drops/nobody-there.toml")),
    ("drops/on-premises", include_str!("../../scenarios/drops/on-premises.toml")),
    ("drops/peering-transit", include_str!("../../scenarios/drops/peering-transit.toml")),
    ("drops/private-destination", include_str!("../../scenarios/drops/private-destination.toml")),
    ("drops/private-source", include_str!("../../scenarios/drops/private-source.toml")),
    ("drops/resource-gone", include_str!("../../scenarios/drops/resource-gone.toml")),
    ("drops/security-group-egress", include_str!("../../scenarios/drops/security-group-egress.toml")),
    ("drops/security-group-ingress", include_str!("../../scenarios/drops/security-group-ingress.toml")),
    ("drops/security-group-no-rules", include_str!("../../scenarios/drops/security-group-no-rules.toml")),
    ("drops/source-check", include_str!("../../scenarios/drops/source-check.toml")),
    ("drops/spoofed-source", include_str!("../../scenarios/drops/spoofed-source.toml")),
    ("drops/tracking-table-full", include_str!("../../scenarios/drops/tracking-table-full.toml")),
    ("drops/transit-association", include_str!("../../scenarios/drops/transit-association.toml")),
    ("drops/transit-attachment", include_str!("../../scenarios/drops/transit-attachment.toml")),
    ("drops/transit-blackhole", include_str!("../../scenarios/drops/transit-blackhole.toml")),
    ("drops/transit-no-route", include_str!("../../scenarios/drops/transit-no-route.toml")),
    ("drops/transit-zone", include_str!("../../scenarios/drops/transit-zone.toml")),
    ("drops/ttl", include_str!("../../scenarios/drops/ttl.toml")),
    ("drops/unknown-mac", include_str!("../../scenarios/drops/unknown-mac.toml")),
    ("drops/vpn-down", include_str!("../../scenarios/drops/vpn-down.toml")),
    ("drops/vpn-gateway-destination", include_str!("../../scenarios/drops/vpn-gateway-destination.toml")),
    ("drops/vpn-gateway-no-route", include_str!("../../scenarios/drops/vpn-gateway-no-route.toml")),
    ("drops/vpn-gateway-source", include_str!("../../scenarios/drops/vpn-gateway-source.toml")),
];

/// The source of the shipped scenario called `name`.
pub fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::DropReason;
    use std::collections::BTreeSet;

    #[test]
    fn every_drop_reason_is_expected_in_the_scenario_that_its_table_names() {
        for facts in DropReason::ALL.map(DropReason::facts) {
            let Some(scenario) = facts.scenario else { continue };
            let source = embedded(scenario).unwrap_or_else(|| panic!("{scenario} is not shipped"));
            let expected = format!("reason = \"{}\"", facts.code);
            assert!(source.contains(&expected), "{scenario} does not show {}", facts.code);
        }
    }

    #[test]
    fn every_shipped_scenario_of_drops_is_named_in_the_table() {
        let named: BTreeSet<&str> = DropReason::ALL.into_iter().filter_map(|reason| reason.facts().scenario).collect();
        for (name, _) in EMBEDDED.iter().filter(|(name, _)| name.starts_with("drops/")) {
            assert!(named.contains(name), "{name} is not in DropReason's table");
        }
    }
}

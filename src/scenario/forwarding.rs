//! `[forwarding]`: how the network forwards where AWS leaves a choice, publishes a number that may change, or says nothing.

use super::error::Problem;
use super::read::Section;
use super::settings::{duration_at, one_of};
use crate::net::{ForwardingSettings, TtlMode};
use crate::time::SimDuration;

/// Bounds of every MTU: what IPv4 hosts must take (RFC 791 section 3.1), and the longest packet that an interface sends.
pub(super) const MTU_BYTES: (u64, u64) = (576, 9001);
/// The longest timeout that can be set.
const TIMEOUT_MAX: SimDuration = SimDuration::from_secs(86_400);

/// Reads the section, over what `settings` says.
pub(super) fn read(section: &Section<'_, '_>, settings: &mut ForwardingSettings) {
    if let Some(text) = section.text("ttl") {
        match text.text {
            "aws" => settings.ttl = TtlMode::Aws,
            "rfc1812" => settings.ttl = TtlMode::Rfc1812,
            other => section.report(one_of(&text, other, &["aws", "rfc1812"])),
        }
    }
    let counts: [(&'static str, &mut u32); 2] = [
        ("link_local_packets_per_second", &mut settings.link_local_packets_per_second),
        ("nat_connections_per_destination", &mut settings.nat_connections_per_destination),
    ];
    for (key, count) in counts {
        if let Some(given) = section.integer(key, 1..=COUNT_MAX) {
            *count = u32::try_from(given).unwrap_or(*count);
        }
    }
    let mtus: [(&'static str, &mut u16); 8] = [
        ("gateway_endpoint_mtu", &mut settings.gateway_endpoint_mtu_bytes),
        ("inter_region_mtu", &mut settings.inter_region_mtu_bytes),
        ("interface_endpoint_mtu", &mut settings.interface_endpoint_mtu_bytes),
        ("internet_gateway_mtu", &mut settings.internet_gateway_mtu_bytes),
        ("nat_mtu", &mut settings.nat_mtu_bytes),
        ("transit_gateway_mtu", &mut settings.transit_gateway_mtu_bytes),
        ("vpc_mtu", &mut settings.vpc_mtu_bytes),
        ("vpn_mtu", &mut settings.vpn_mtu_bytes),
    ];
    for (key, mtu) in mtus {
        if let Some(given) = section.integer(key, MTU_BYTES.0..=MTU_BYTES.1) {
            *mtu = u16::try_from(given).unwrap_or(*mtu);
        }
    }
    let timeouts: [(&'static str, &mut SimDuration); 3] = [
        ("fragment_timeout", &mut settings.fragment_timeout),
        ("interface_endpoint_idle_timeout", &mut settings.interface_endpoint_idle_timeout),
        ("nat_idle_timeout", &mut settings.nat_idle_timeout),
    ];
    for (key, timeout) in timeouts {
        let Some(given) = duration_at(section, key) else { continue };
        if given == SimDuration::ZERO || given > TIMEOUT_MAX {
            let message = format!("\"{key}\" of {given} is out of range");
            section.report(Problem::new(section.span_of(key), message, "expected more than 0 and at most 24h"));
        } else {
            *timeout = given;
        }
    }
}

/// The biggest count that can be set.
pub(super) const COUNT_MAX: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use crate::net::{ForwardingSettings, TtlMode};
    use crate::scenario::parse;
    use crate::time::SimDuration;

    fn read(lines: &str) -> Result<ForwardingSettings, String> {
        let text = format!("region = \"us-east-1\"\n[forwarding]\n{lines}");
        let scenario = parse("test.toml", &text, None);
        scenario.map(|scenario| scenario.model.forwarding).map_err(|error| format!("{error:?}").replace("\\\"", "\""))
    }

    #[test]
    fn every_key_sets_its_setting_and_no_other() {
        let set = |change: fn(&mut ForwardingSettings)| {
            let mut settings = ForwardingSettings::default();
            change(&mut settings);
            settings
        };
        let cases = [
            ("", set(|_| {})),
            ("ttl = \"aws\"", set(|_| {})),
            ("ttl = \"rfc1812\"", set(|s| s.ttl = TtlMode::Rfc1812)),
            ("link_local_packets_per_second = 3", set(|s| s.link_local_packets_per_second = 3)),
            ("nat_connections_per_destination = 4", set(|s| s.nat_connections_per_destination = 4)),
            ("gateway_endpoint_mtu = 600", set(|s| s.gateway_endpoint_mtu_bytes = 600)),
            ("inter_region_mtu = 601", set(|s| s.inter_region_mtu_bytes = 601)),
            ("interface_endpoint_mtu = 602", set(|s| s.interface_endpoint_mtu_bytes = 602)),
            ("internet_gateway_mtu = 603", set(|s| s.internet_gateway_mtu_bytes = 603)),
            ("nat_mtu = 604", set(|s| s.nat_mtu_bytes = 604)),
            ("transit_gateway_mtu = 605", set(|s| s.transit_gateway_mtu_bytes = 605)),
            ("vpc_mtu = 606", set(|s| s.vpc_mtu_bytes = 606)),
            ("vpn_mtu = 9001", set(|s| s.vpn_mtu_bytes = 9001)),
            ("fragment_timeout = \"5s\"", set(|s| s.fragment_timeout = SimDuration::from_secs(5))),
            (
                "interface_endpoint_idle_timeout = \"6s\"",
                set(|s| s.interface_endpoint_idle_timeout = SimDuration::from_secs(6)),
            ),
            ("nat_idle_timeout = \"7s\"", set(|s| s.nat_idle_timeout = SimDuration::from_secs(7))),
        ];
        for (lines, wanted) in cases {
            assert_eq!(read(lines).unwrap(), wanted, "{lines}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let cases = [
            ("ttl = \"linux\"", "expected one of: aws, rfc1812"),
            ("vpc_mtu = 575", "expected 576 to 9001"),
            ("vpn_mtu = 9002", "expected 576 to 9001"),
            ("nat_idle_timeout = \"0s\"", "expected more than 0 and at most 24h"),
            ("fragment_timeout = \"25h\"", "expected more than 0 and at most 24h"),
            ("link_local_packets_per_second = 0", "expected 1 to 10000000"),
            ("nat_mut = 1500", "did you mean \"nat_mtu\"?"),
        ];
        for (lines, wanted) in cases {
            let error = read(lines).unwrap_err();
            assert!(error.contains(wanted), "{lines}: {error}");
        }
    }
}

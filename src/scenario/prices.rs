//! `[prices]`: what AWS charges for the roads of packets, as far as it is simulated.
//!
//! The defaults are us-east-1's of 2026 in US dollars. **None was read off AWS's own pages**: most come from third-party pages, those marked "common
//! knowledge" not even from there. They stand for every Region until the scenario says otherwise. Free, and therefore no key: gateway endpoints (by the
//! hour and by the gigabyte), traffic inside a zone, peering inside a zone, and what goes between a VPC and DynamoDB, S3 or another service of the
//! same Region by an internet gateway.
//! Not priced: instances, the services' own requests and storage, Client VPN (0.10 an hour per association, 0.05 per connection) and the Reachability
//! Analyzer (0.10 an analysis), which are not simulated; ports of Direct Connect, whose price depends on the port; tiers of internet egress beyond 10 TB.
//! Invariant: amounts are whole billionths of a dollar, so that comparing them is exact.

use super::error::Problem;
use super::notation::volume;
use super::read::Section;
use serde::{Serialize, Serializer};
use std::fmt;

/// Bytes of a gigabyte as prices count it: 10^9. AWS's bills may mean 2^30 by it: unverified.
pub const BYTES_PER_GB: u64 = 1_000_000_000;
/// Hours of a month, as AWS's price calculators count them.
pub const HOURS_PER_MONTH: u64 = 730;

const PETABYTE: u64 = 1_000_000 * BYTES_PER_GB;

/// An amount of money: whole billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd {
    nanos: u64,
}

/// What AWS charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A NAT gateway. Third-party pages.
    pub nat_gateway_per_hour: Usd,
    /// What a NAT gateway processes, in both directions. Third-party pages.
    pub nat_gateway_per_gb: Usd,
    /// Each interface of an interface endpoint, so for each zone. Third-party pages.
    pub interface_endpoint_per_hour: Usd,
    /// What an interface endpoint processes, in both directions: the first petabyte of a month. Third-party pages.
    pub interface_endpoint_per_gb: Usd,
    /// The next four petabytes. Common knowledge.
    pub interface_endpoint_per_gb_after_1_pb: Usd,
    /// All beyond. Common knowledge.
    pub interface_endpoint_per_gb_after_5_pb: Usd,
    /// Traffic between a sender and an interface endpoint in another zone: this much at either end. Third-party pages say 0.01; AWS is said to have
    /// dropped it in 2022.
    pub interface_endpoint_cross_zone_per_gb: Usd,
    /// Each attachment of a transit gateway. Third-party pages.
    pub transit_gateway_attachment_per_hour: Usd,
    /// What attachments send into a transit gateway. Third-party pages.
    pub transit_gateway_per_gb: Usd,
    /// Traffic between two zones, by a router or a peering connection: this much at either end. Third-party pages.
    pub cross_zone_per_gb: Usd,
    /// Traffic between two Regions, at the sender. Third-party pages; some pairs of Regions cost 0.01.
    pub inter_region_per_gb: Usd,
    /// What leaves AWS for the internet: the first 10 TB of a month. Third-party pages.
    pub internet_per_gb: Usd,
    /// How much of that is free in a month, bytes. Third-party pages.
    pub internet_free_bytes: u64,
    /// What leaves AWS by a Site-to-Site VPN. **Assumed** to be priced as internet egress is, the free part included.
    pub vpn_per_gb: Usd,
    /// What leaves AWS by Direct Connect. **Assumed** as for VPN; AWS has lower prices of its own, by location.
    pub direct_connect_per_gb: Usd,
    /// A public IPv4 address, idle or in use. Common knowledge.
    pub public_ipv4_per_hour: Usd,
    /// A Site-to-Site VPN connection. Common knowledge.
    pub vpn_connection_per_hour: Usd,
    /// For how much traffic months are reckoned, bytes on each road, both directions together.
    pub monthly_volume_bytes: u64,
}

/// Where traffic gets cheaper with the month's volume: this price up to so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Up to this many bytes of the month, counted from its beginning; the last tier has `u64::MAX`.
    pub up_to_bytes: u64,
    /// What a gigabyte costs there.
    pub per_gb: Usd,
}

impl Default for Prices {
    fn default() -> Self {
        let thousandths = |thousandths: u64| Usd::from_nanos(thousandths * 1_000_000);
        Prices {
            nat_gateway_per_hour: thousandths(45),
            nat_gateway_per_gb: thousandths(45),
            interface_endpoint_per_hour: thousandths(10),
            interface_endpoint_per_gb: thousandths(10),
            interface_endpoint_per_gb_after_1_pb: thousandths(6),
            interface_endpoint_per_gb_after_5_pb: thousandths(4),
            interface_endpoint_cross_zone_per_gb: thousandths(10),
            transit_gateway_attachment_per_hour: thousandths(50),
            transit_gateway_per_gb: thousandths(20),
            cross_zone_per_gb: thousandths(10),
            inter_region_per_gb: thousandths(20),
            internet_per_gb: thousandths(90),
            internet_free_bytes: 100 * BYTES_PER_GB,
            vpn_per_gb: thousandths(90),
            direct_connect_per_gb: thousandths(90),
            public_ipv4_per_hour: thousandths(5),
            vpn_connection_per_hour: thousandths(50),
            monthly_volume_bytes: 100 * BYTES_PER_GB,
        }
    }
}

impl Prices {
    /// The tiers of what interface endpoints process.
    pub fn interface_endpoint_tiers(&self) -> Vec<Tier> {
        vec![
            Tier { up_to_bytes: PETABYTE, per_gb: self.interface_endpoint_per_gb },
            Tier { up_to_bytes: 5 * PETABYTE, per_gb: self.interface_endpoint_per_gb_after_1_pb },
            Tier { up_to_bytes: u64::MAX, per_gb: self.interface_endpoint_per_gb_after_5_pb },
        ]
    }

    /// The tiers of what leaves AWS for `per_gb`: first the free part.
    pub fn egress_tiers(&self, per_gb: Usd) -> Vec<Tier> {
        vec![
            Tier { up_to_bytes: self.internet_free_bytes, per_gb: Usd::default() },
            Tier { up_to_bytes: u64::MAX, per_gb },
        ]
    }
}

impl Usd {
    /// The largest amount that a scenario may name: a million dollars.
    const NANOS_MAX: u64 = 1_000_000 * 1_000_000_000;

    /// So many billionths of a dollar.
    pub const fn from_nanos(nanos: u64) -> Usd {
        Usd { nanos }
    }

    /// Billionths of a dollar.
    pub const fn nanos(self) -> u64 {
        self.nanos
    }

    /// Dollars.
    pub fn dollars(self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// The amount that a number of a scenario says: `0.045`, `1`, at most nine decimals and a million dollars.
    pub(super) fn parse(number: &str) -> Option<Usd> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 7 || fraction.len() > 9 || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let nanos: u64 = format!("{whole}{fraction:0<9}").parse().ok()?;
        (nanos <= Usd::NANOS_MAX).then_some(Usd { nanos })
    }
}

impl std::ops::Add for Usd {
    type Output = Usd;

    fn add(self, other: Usd) -> Usd {
        Usd { nanos: self.nanos.saturating_add(other.nanos) }
    }
}

/// `0.045`, `3.65`, `0`: without zeros at the end.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:09}", self.nanos / 1_000_000_000, self.nanos % 1_000_000_000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// In JSON an amount is a number of dollars.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

/// Reads `[prices]`.
pub(super) fn read(root: &Section<'_, '_>) -> Prices {
    let mut prices = Prices::default();
    let Some(section) = root.section("prices") else { return prices };
    let amounts: [(&'static str, &mut Usd); 16] = [
        ("nat_gateway_per_hour", &mut prices.nat_gateway_per_hour),
        ("nat_gateway_per_gb", &mut prices.nat_gateway_per_gb),
        ("interface_endpoint_per_hour", &mut prices.interface_endpoint_per_hour),
        ("interface_endpoint_per_gb", &mut prices.interface_endpoint_per_gb),
        ("interface_endpoint_per_gb_after_1_pb", &mut prices.interface_endpoint_per_gb_after_1_pb),
        ("interface_endpoint_per_gb_after_5_pb", &mut prices.interface_endpoint_per_gb_after_5_pb),
        ("interface_endpoint_cross_zone_per_gb", &mut prices.interface_endpoint_cross_zone_per_gb),
        ("transit_gateway_attachment_per_hour", &mut prices.transit_gateway_attachment_per_hour),
        ("transit_gateway_per_gb", &mut prices.transit_gateway_per_gb),
        ("cross_zone_per_gb", &mut prices.cross_zone_per_gb),
        ("inter_region_per_gb", &mut prices.inter_region_per_gb),
        ("internet_per_gb", &mut prices.internet_per_gb),
        ("vpn_per_gb", &mut prices.vpn_per_gb),
        ("direct_connect_per_gb", &mut prices.direct_connect_per_gb),
        ("public_ipv4_per_hour", &mut prices.public_ipv4_per_hour),
        ("vpn_connection_per_hour", &mut prices.vpn_connection_per_hour),
    ];
    for (key, amount) in amounts {
        *amount = amount_at(&section, key).unwrap_or(*amount);
    }
    for (key, bytes) in
        [("internet_free", &mut prices.internet_free_bytes), ("monthly_volume", &mut prices.monthly_volume_bytes)]
    {
        if let Some(text) = section.text(key) {
            match volume(&text) {
                Ok(given) => *bytes = given,
                Err(problem) => section.report(problem),
            }
        }
    }
    section.finish();
    prices
}

/// An amount of dollars at `key`; reports what is none.
pub(super) fn amount_at(section: &Section<'_, '_>, key: &'static str) -> Option<Usd> {
    let number = section.number(key)?;
    let amount = Usd::parse(number.text);
    if amount.is_none() {
        let problem = Problem::new(number.span, format!("\"{key}\" of {} is no price", number.text), "not understood");
        section.report(
            problem.help("expected US dollars: a number such as 0.045, not negative, at most 1000000, nine decimals"),
        );
    }
    amount
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    #[test]
    fn amounts_are_exact_and_read_well() {
        for (text, nanos) in
            [("0.045", 45_000_000), ("1", 1_000_000_000), ("0", 0), ("0.000000001", 1), ("3.650", 3_650_000_000)]
        {
            assert_eq!(Usd::parse(text), Some(Usd::from_nanos(nanos)), "{text}");
        }
        for text in ["", "-1", "1e3", "0.0000000001", "1000001", ".5", "nan", "1_0"] {
            assert_eq!(Usd::parse(text), None, "{text}");
        }
        for (nanos, text) in [(45_000_000, "0.045"), (0, "0"), (10_000_000_000, "10"), (3_650_000_000, "3.65")] {
            assert_eq!(Usd::from_nanos(nanos).to_string(), text);
        }
        assert_eq!(Usd::from_nanos(45_000_000).dollars(), 0.045);
    }

    #[test]
    fn a_scenario_overrides_any_price_and_errors_have_places() {
        let prices = |section: &str| parse("x.toml", &format!("region = \"us-east-1\"\n{section}"), None);
        assert_eq!(prices("").unwrap().settings.prices, Prices::default());
        let given =
            prices("[prices]\nnat_gateway_per_gb = 0.062\npublic_ipv4_per_hour = 0\nmonthly_volume = \"1.5 TB\"\n");
        let expected = Prices {
            nat_gateway_per_gb: Usd::from_nanos(62_000_000),
            public_ipv4_per_hour: Usd::default(),
            monthly_volume_bytes: 1_500 * BYTES_PER_GB,
            ..Prices::default()
        };
        assert_eq!(given.unwrap().settings.prices, expected);
        for (section, wanted) in [
            ("[prices]\nnat_gateway_per_gb = -1\n", "x.toml:3:22"),
            ("[prices]\nnat_gateway_per_gb = \"0.1\"\n", "expected a number"),
            ("[prices]\nmonthly_volume = \"1 bushel\"\n", "expected 100 GB"),
            ("[prices]\nnat_gateway_per_bg = 1\n", "did you mean"),
        ] {
            let error = prices(section).unwrap_err();
            let told: Vec<String> = error.lines().collect();
            let told = told.join("\n") + &error.problems().map(|problem| format!("{problem:?}")).collect::<String>();
            assert!(told.contains(wanted), "{section}: {told}");
        }
    }
}

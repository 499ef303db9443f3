//! What a road costs as a function of the month's volume, and where two roads cost the same.

use super::traffic::{Traffic, TrafficItem};
use crate::scenario::{BYTES_PER_GB, HOURS_PER_MONTH, Prices, Tier, Usd};

/// A road's prices: its hours, and its gigabytes with the mix of charges that was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tariff {
    /// What is charged by the hour, whether anything travels or not.
    pub per_hour: Usd,
    /// What is charged by the gigabyte.
    pub metered: Vec<Metered>,
}

/// One item that is charged by the gigabyte.
#[derive(Clone, Debug, PartialEq)]
pub struct Metered {
    /// Which.
    pub item: TrafficItem,
    /// Bytes charged as it for each byte carried. Above 1 where bytes are charged twice.
    pub share: f64,
    /// Its price by volume, of this item alone.
    pub tiers: Vec<Tier>,
}

impl Tariff {
    /// The tariff of a road that carried `bytes`, charged as `traffic`. A road that carried nothing has hours only.
    pub fn measured(per_hour: Usd, traffic: &Traffic, bytes: u64, prices: &Prices) -> Tariff {
        let metered = traffic.items().filter(|_| bytes > 0).map(|(item, charged_bytes)| Metered {
            item,
            share: charged_bytes as f64 / bytes as f64,
            tiers: item.tiers(prices),
        });
        Tariff { per_hour, metered: metered.collect() }
    }

    /// What a month costs in which the road carries `volume_bytes`, dollars.
    pub fn month_usd(&self, volume_bytes: f64) -> f64 {
        let metered = self.metered.iter().map(|metered| metered.month_usd(volume_bytes));
        self.hours_usd() + metered.sum::<f64>()
    }

    /// What a month costs in which the road carries nothing, dollars.
    pub fn hours_usd(&self) -> f64 {
        (self.per_hour.nanos() * HOURS_PER_MONTH) as f64 / 1e9
    }

    /// The lowest volume of a month, in bytes, from which on the other of the two roads is the cheaper one; `None` if one of them is cheaper, or both
    /// cost the same, at any volume.
    pub fn break_even_bytes(&self, other: &Tariff) -> Option<f64> {
        let difference = |volume: f64| match self.month_usd(volume) - other.month_usd(volume) {
            // Less than a thousandth of a billionth of a dollar is what sums of floats leave behind.
            nothing if nothing.abs() < 1e-12 => 0.0,
            difference => difference,
        };
        let metered = self.metered.iter().chain(&other.metered);
        let mut corners: Vec<f64> = metered.flat_map(Metered::corners).collect();
        corners.sort_by(f64::total_cmp);
        // Beyond the last corner both are straight lines: one more point says where they lead.
        let last = corners.last().copied().unwrap_or(0.0);
        corners.push(last + BYTES_PER_GB as f64);
        // Which of the two is the dearer one at first: unknown as long as both cost the same.
        let mut dearer = 0.0;
        let (mut from, mut before) = (0.0, difference(0.0));
        for to in corners {
            let after = difference(to);
            if dearer == 0.0 {
                dearer = before;
            }
            if after * dearer < 0.0 {
                // Straight between two corners, and through zero somewhere.
                return Some(from + (to - from) * before / (before - after));
            }
            (from, before) = (to, after);
        }
        let slope = (before - difference(last)) / BYTES_PER_GB as f64;
        let meets = slope * dearer < 0.0;
        meets.then(|| from - before / slope)
    }
}

impl Metered {
    /// What this item costs in a month in which the road carries `volume_bytes`, dollars.
    pub fn month_usd(&self, volume_bytes: f64) -> f64 {
        let charged_bytes = volume_bytes * self.share;
        let mut sum = 0.0;
        let mut from = 0.0;
        for tier in &self.tiers {
            let to = charged_bytes.min(tier.up_to_bytes as f64);
            if to > from {
                sum += (to - from) / BYTES_PER_GB as f64 * tier.per_gb.dollars();
                from = to;
            }
        }
        sum
    }

    /// How many of the bytes charged as this item in such a month cost nothing, where later ones do.
    pub fn free_bytes(&self, volume_bytes: f64) -> f64 {
        match &self.tiers[..] {
            [free, _, ..] if free.per_gb == Usd::default() => (volume_bytes * self.share).min(free.up_to_bytes as f64),
            _ => 0.0,
        }
    }

    /// The road's volumes at which the price changes.
    fn corners(&self) -> impl Iterator<Item = f64> + '_ {
        let ends = self.tiers.iter().filter(|tier| tier.up_to_bytes != u64::MAX && self.share > 0.0);
        ends.map(|tier| tier.up_to_bytes as f64 / self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GB: f64 = BYTES_PER_GB as f64;

    fn tariff(per_hour_thousandths: u64, items: &[(TrafficItem, u64)]) -> Tariff {
        let mut traffic = Traffic::default();
        for (item, bytes) in items {
            traffic.add(*item, *bytes);
        }
        let per_hour = Usd::from_nanos(per_hour_thousandths * 1_000_000);
        Tariff::measured(per_hour, &traffic, 1_000, &Prices::default())
    }

    #[test]
    fn months_of_well_known_roads() {
        let nat = tariff(45, &[(TrafficItem::NatGateway, 1_000)]);
        assert!((nat.month_usd(100.0 * GB) - (32.85 + 4.5)).abs() < 1e-9);
        let endpoint = tariff(10, &[(TrafficItem::InterfaceEndpoint, 1_000)]);
        assert!((endpoint.month_usd(100.0 * GB) - (7.3 + 1.0)).abs() < 1e-9);
        // 1 PB at 0.01, 4 PB at 0.006, 1 PB at 0.004.
        assert!((endpoint.month_usd(6e6 * GB) - (7.3 + 10_000.0 + 24_000.0 + 4_000.0)).abs() < 1e-3);
        let egress = tariff(0, &[(TrafficItem::InternetEgress, 500)]);
        assert_eq!(egress.month_usd(200.0 * GB), 0.0, "half of it leaves, and 100 GB are free");
        assert!((egress.month_usd(400.0 * GB) - 9.0).abs() < 1e-9);
        let free = |gigabytes: f64| egress.metered[0].free_bytes(gigabytes * GB) / GB;
        assert_eq!((free(50.0), free(400.0), nat.metered[0].free_bytes(GB)), (25.0, 100.0, 0.0));
    }

    #[test]
    fn where_roads_cost_the_same() {
        let nat = tariff(45, &[(TrafficItem::NatGateway, 1_000)]);
        let three_zones = tariff(150, &[(TrafficItem::InterfaceEndpoint, 1_000)]);
        // (0.15 - 0.045) * 730 / (0.045 - 0.01)
        let volume = nat.break_even_bytes(&three_zones).unwrap();
        assert!((volume / GB - 2_190.0).abs() < 1e-6, "{volume}");
        assert_eq!(three_zones.break_even_bytes(&nat), Some(volume));
        // The interface endpoint of one zone is cheaper from the first byte on; a gateway endpoint costs nothing ever.
        assert_eq!(nat.break_even_bytes(&tariff(10, &[(TrafficItem::InterfaceEndpoint, 1_000)])), None);
        assert_eq!(nat.break_even_bytes(&tariff(0, &[])), None);
        assert_eq!(nat.break_even_bytes(&nat), None);
        // Two that begin alike and part: nothing to cross.
        assert_eq!(tariff(45, &[]).break_even_bytes(&nat), None);
        // Free egress up to 100 GB, then dearer than NAT's gigabytes.
        let egress = tariff(0, &[(TrafficItem::InternetEgress, 1_000)]);
        let volume = egress.break_even_bytes(&nat).unwrap();
        assert!((egress.month_usd(volume) - nat.month_usd(volume)).abs() < 1e-9);
        assert!(volume > 100.0 * GB);
    }

    fn any_tariff() -> impl Strategy<Value = Tariff> {
        let items = proptest::collection::vec((0..TrafficItem::ALL.len(), 1_u64..3_000), 0..4);
        (0_u64..500, items).prop_map(|(hour, items)| {
            let items: Vec<_> = items.into_iter().map(|(at, bytes)| (TrafficItem::ALL[at], bytes)).collect();
            tariff(hour, &items)
        })
    }

    proptest! {
        #[test]
        fn nothing_carried_costs_the_hours_and_more_never_costs_less(tariff in any_tariff(), gigabytes in 0.0..1e7_f64) {
            prop_assert_eq!(tariff.month_usd(0.0), tariff.hours_usd());
            prop_assert!(tariff.month_usd(gigabytes * GB) >= tariff.hours_usd());
            prop_assert!(tariff.month_usd(gigabytes * GB) <= tariff.month_usd((gigabytes + 1.0) * GB));
        }

        #[test]
        fn at_the_break_even_both_cost_the_same(one in any_tariff(), other in any_tariff()) {
            let Some(volume) = one.break_even_bytes(&other) else {
                // Whoever is cheaper at first stays so.
                let signs: Vec<bool> = [0.0, 1.0, 99.0, 101.0, 5e3, 2e6, 9e6, 1e9]
                    .map(|gigabytes| one.month_usd(gigabytes * GB) - other.month_usd(gigabytes * GB))
                    .into_iter()
                    .filter(|difference| difference.abs() > 1e-6)
                    .map(|difference| difference > 0.0)
                    .collect();
                prop_assert!(signs.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", signs);
                return Ok(());
            };
            prop_assert!(volume > 0.0);
            let (a, b) = (one.month_usd(volume), other.month_usd(volume));
            prop_assert!((a - b).abs() <= 1e-6 * a.max(1.0), "{a} {b} at {volume}");
            let sign = |volume: f64| (one.month_usd(volume) - other.month_usd(volume)) > 0.0;
            prop_assert_ne!(sign(volume * 0.999), sign(volume * 1.001));
        }
    }
}

//! Latency per road and kind: which way packets took, and whether there or there and back.
//!
//! Invariants: at most [`ROADS_MAX`] roads, so memory is bounded; what comes beyond is counted, not recorded. Everything comes out in the order of
//! the roads' names.

use std::collections::BTreeMap;

use serde::Serialize;

use super::histogram::{Latency, LatencySummary};
use crate::capture::{FileNames, safe_stem};
use crate::time::SimDuration;

/// Roads told apart; a road is a way through the VPC such as "app-1 to dynamodb by vpce-9b15e2f2".
pub const ROADS_MAX: usize = 256;

/// What a latency spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LatencyKind {
    /// From sender to receiver.
    OneWay,
    /// From sender to receiver and back.
    RoundTrip,
}

impl LatencyKind {
    /// In words, as file names and titles have it.
    pub fn as_str(self) -> &'static str {
        match self {
            LatencyKind::OneWay => "one-way",
            LatencyKind::RoundTrip => "round-trip",
        }
    }
}

/// The histograms of a run.
#[derive(Clone, Debug, Default)]
pub struct RoadLatencies {
    by_road: BTreeMap<String, BTreeMap<LatencyKind, Latency>>,
    unrecorded_count: u64,
}

/// One histogram's figures, for the result's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoadSummary {
    /// The road's name.
    pub road: String,
    /// What was measured on it.
    pub kind: LatencyKind,
    /// The figures, beside the two keys in JSON.
    #[serde(flatten)]
    pub latency: LatencySummary,
}

impl RoadLatencies {
    /// Records one latency on `road`.
    pub fn record(&mut self, road: &str, kind: LatencyKind, latency: SimDuration) {
        let full = self.by_road.len() >= ROADS_MAX;
        let kinds = match self.by_road.get_mut(road) {
            Some(kinds) => kinds,
            None if full => {
                self.unrecorded_count += 1;
                return;
            }
            None => self.by_road.entry(road.to_owned()).or_default(),
        };
        kinds.entry(kind).or_default().record(latency);
    }

    /// The histogram of a road, if anything was recorded there.
    pub fn get(&self, road: &str, kind: LatencyKind) -> Option<&Latency> {
        self.by_road.get(road)?.get(&kind)
    }

    /// All histograms, by road and then kind.
    pub fn iter(&self) -> impl Iterator<Item = (&str, LatencyKind, &Latency)> {
        self.by_road
            .iter()
            .flat_map(|(road, kinds)| kinds.iter().map(|(kind, latency)| (road.as_str(), *kind, latency)))
    }

    /// Latencies on roads beyond [`ROADS_MAX`], which no histogram has.
    pub fn unrecorded_count(&self) -> u64 {
        self.unrecorded_count
    }

    /// The figures of every histogram.
    pub fn summaries(&self) -> Vec<RoadSummary> {
        self.iter()
            .map(|(road, kind, latency)| RoadSummary { road: road.to_owned(), kind, latency: latency.summary() })
            .collect()
    }

    /// The percentile texts: a file name such as `latency.gateway-endpoint.one-way.hgrm`, and the contents.
    pub fn hgrm_files(&self) -> Vec<(String, String)> {
        let mut file_names = FileNames::default();
        self.iter()
            .map(|(road, kind, latency)| {
                let kind = kind.as_str();
                let stem = format!("latency.{}.{kind}", safe_stem(road));
                (file_names.unique(&stem, "hgrm"), latency.hgrm(&format!("{road}, {kind} latency")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: SimDuration = SimDuration::from_millis(1);

    #[test]
    fn roads_and_kinds_are_kept_apart_and_in_order() {
        let mut latencies = RoadLatencies::default();
        latencies.record("internet gateway", LatencyKind::RoundTrip, MILLISECOND);
        latencies.record("gateway-endpoint", LatencyKind::RoundTrip, MILLISECOND);
        latencies.record("gateway-endpoint", LatencyKind::OneWay, MILLISECOND);
        latencies.record("gateway-endpoint", LatencyKind::OneWay, MILLISECOND + MILLISECOND);

        let names: Vec<String> = latencies.hgrm_files().into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "latency.gateway-endpoint.one-way.hgrm",
                "latency.gateway-endpoint.round-trip.hgrm",
                "latency.internet_gateway.round-trip.hgrm"
            ]
        );
        assert_eq!(latencies.get("gateway-endpoint", LatencyKind::OneWay).map(Latency::count), Some(2));
        assert!(latencies.get("internet gateway", LatencyKind::OneWay).is_none());

        let json = serde_json::to_value(&latencies.summaries()[0]).unwrap();
        assert_eq!(json["road"], "gateway-endpoint");
        assert_eq!(json["kind"], "one_way");
        assert_eq!(json["mean_ns"], 1_500_000);
        assert_eq!(json["max_ns"], 2_000_000);
    }

    #[test]
    fn roads_of_like_names_have_files_of_their_own() {
        let mut latencies = RoadLatencies::default();
        latencies.record("a/b", LatencyKind::OneWay, MILLISECOND);
        latencies.record("a:b", LatencyKind::OneWay, MILLISECOND);
        let files = latencies.hgrm_files();
        assert_eq!(files[0].0, "latency.a_b.one-way.hgrm");
        assert_eq!(files[1].0, "latency.a_b.one-way-2.hgrm");
        assert!(files[1].1.contains("a:b, one-way latency"), "{}", files[1].1);
    }

    #[test]
    fn a_road_too_many_is_counted() {
        let mut latencies = RoadLatencies::default();
        for number in 0..ROADS_MAX + 3 {
            latencies.record(&format!("road {number}"), LatencyKind::OneWay, MILLISECOND);
        }
        latencies.record("road 0", LatencyKind::RoundTrip, MILLISECOND);
        assert_eq!(latencies.unrecorded_count(), 3);
        assert_eq!(latencies.summaries().len(), ROADS_MAX + 1);
    }
}

//! What a gigabyte costs on the way that a trace found: for networks in which nothing has travelled.

use super::traffic::{Places, Way};
use crate::explain::trace::{Leg, LegKind, Traced};
use crate::model::Model;
use crate::scenario::{Prices, Usd};
use serde::Serialize;

/// The price of a gigabyte in either direction, at list prices: free amounts, tiers and hours left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// For a gigabyte that the caller sends, USD.
    pub sent_usd_per_gb: Usd,
    /// For a gigabyte of answers, USD.
    pub answered_usd_per_gb: Usd,
}

/// The price of the way that `traced` found in the network of `model`; `None` if nothing arrives.
pub fn price_of(traced: &Traced, model: &Model, prices: &Prices) -> Option<Price> {
    if !traced.is_reachable() {
        return None;
    }
    let mut places = Places::default();
    places.adopt(&traced.program, model);
    let price = |kind| traced.leg(kind).map_or_else(Usd::default, |leg| price_of_leg(traced, leg, &places, prices));
    Some(Price { sent_usd_per_gb: price(LegKind::Forward), answered_usd_per_gb: price(LegKind::Back) })
}

fn price_of_leg(traced: &Traced, leg: &Leg, places: &Places, prices: &Prices) -> Usd {
    let mut way = Way::default();
    let mut from = None;
    let mut sum = Usd::default();
    for visit in &leg.visits {
        for decision in &visit.decisions {
            way.decided(&traced.program, visit.at, decision);
        }
        let stepped = way.stepped(places, &traced.program, visit.at, (from, leg.sender), visit.step);
        sum = sum + stepped.item.map_or_else(Usd::default, |item| item.list_price(prices));
        from = Some(visit.at);
    }
    sum
}

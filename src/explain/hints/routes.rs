//! Routes that did not take the packet, and why.

use super::{About, Hint};
use crate::dataplane::Decision;
use crate::explain::table_name;
use crate::explain::trace::{Outcome, Traced};
use crate::program::{NextHopKind, RibEntry, TableOrigin};

/// Routes that are named; of more, their number is told.
const ROUTES_NAMED_MAX: usize = 3;

/// The code for a route that matched and lost to `winner`.
pub fn beaten_code(table: &TableOrigin, winner: &RibEntry, beaten: &RibEntry) -> &'static str {
    let is_longer = winner.cidr.prefix_len() > beaten.cidr.prefix_len();
    match (is_of_transit_gateway(table), is_longer) {
        (false, true) => "MORE_SPECIFIC_ROUTE",
        (false, false) => "HIGHER_PRIORITY_ROUTE",
        (true, true) => "TGW_RTB_MORE_SPECIFIC_ROUTE",
        (true, false) => "TGW_RTB_HIGHER_PRIORITY_ROUTE",
    }
}

/// Where no route matched: what each of the table's routes is for.
pub(super) fn hints(traced: &Traced) -> Vec<Hint> {
    let Outcome::Dropped { leg, .. } = traced.outcome else { return Vec::new() };
    let last = traced.leg(leg).and_then(|leg| leg.visits.last()?.decisions.last());
    let Some(&Decision::Route { table, destination, entry: None }) = last else { return Vec::new() };
    let origin = &traced.program.origins.tables[table.at()];
    let (name, about) = (table_name(origin), Some(About::Table(table)));
    let (local, other): (Vec<&RibEntry>, Vec<&RibEntry>) =
        origin.entries.iter().partition(|entry| entry.kind == NextHopKind::Local);
    let mut found = Vec::new();
    if !local.is_empty() {
        let blocks: Vec<String> = local.iter().map(|entry| entry.cidr.to_string()).collect();
        found.push(Hint::of(
            "VPC_LOCAL_ROUTE_CIDR_RESTRICTION",
            about,
            format!("{name}: the local route is for the VPC's own {}, and {destination} is not in it", named(&blocks)),
        ));
    }
    if !other.is_empty() {
        let routes: Vec<String> = other.iter().map(ToString::to_string).collect();
        let code = if is_of_transit_gateway(origin) { "TGW_RTB_CANNOT_ROUTE" } else { "CANNOT_ROUTE" };
        found.push(Hint::of(
            code,
            about,
            format!("{name} routes elsewhere, but not to {destination}: {}", named(&routes)),
        ));
    }
    found
}

fn named(words: &[String]) -> String {
    let shown = words[..words.len().min(ROUTES_NAMED_MAX)].join(", ");
    match words.len().saturating_sub(ROUTES_NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn is_of_transit_gateway(table: &TableOrigin) -> bool {
    table.table.id.starts_with("tgw-rtb-")
}

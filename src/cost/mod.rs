//! What roads cost: metered byte by byte where AWS charges, added up by the scenario's prices.
//!
//! Purpose: [`Meter`] watches a run and keeps, for each host, road and far end, the bytes that arrived and those that AWS charges for; [`bill()`] makes
//! dollars of them; [`Tariff`] knows what a month of any volume costs and where two roads cost the same; [`price_of`] prices one traced packet.
//! Non-goals: what the services themselves charge, instances, taxes, discounts, and everything that [`crate::scenario::Prices`] leaves out.
//! Invariants: nothing here decides about packets; all charges come from [`Way::stepped`], for runs and traces alike; sums are of whole bytes and whole
//! billionths of a dollar until they are shown.
//!
//! Rules and their sources: the prices' rules (aws.amazon.com/vpc/pricing, /privatelink/pricing, /transit-gateway/pricing, /ec2/pricing/on-demand)
//! as third-party pages tell them; none was compared with AWS's own. Bytes are those of IP packets: which bytes AWS counts is **assumed**.

mod bill;
mod idle;
mod meter;
mod probe;
mod tariff;
mod traffic;

pub use bill::{Cost, CostItem, RoadCost, bill};
pub use idle::IdleCost;
pub use meter::{Ledger, Meter, Spent};
pub use probe::{Price, price_of};
pub use tariff::{Metered, Tariff};
pub use traffic::{Places, Stepped, Thing, Traffic, TrafficItem, Way};

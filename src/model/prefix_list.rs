//! Prefix lists: named sets of blocks that routes and security-group rules refer to.
//!
//! Contents of the AWS-managed lists are AWS's published `ip-ranges.json`, collapsed; they were not compared with the live
//! lists, which may aggregate differently. Ids that no public source shows are derived from the list's name and marked as
//! invented. Ids repeat across Regions, so lists are keyed by (Region, id).
//! Source: docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html

use crate::ids::{IdLength, PrefixListId};
use crate::net::Ipv4Net;
use crate::rng::Seed;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Entries that one call may name.
pub const ENTRIES_PER_CALL: usize = 100;

/// One prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixList {
    /// Its id, unique within the Region.
    pub id: PrefixListId,
    /// The Region it belongs to.
    pub region: String,
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub name: String,
    /// IPv4 blocks, sorted, not overlapping unless the scenario says so.
    pub cidrs: Vec<Ipv4Net>,
    /// What a reference counts against a quota of rules or routes; a customer's list counts its `MaxEntries`.
    pub weight: u32,
    /// Where id and contents come from.
    pub provenance: Provenance,
    /// What only lists of customers have.
    pub customer: Option<CustomerManaged>,
}

/// What a customer-managed list has besides its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerManaged {
    /// How many entries it may have.
    pub max_entries: u32,
    /// Versions so far, the current one last; the first is 1. Changes of entries make new ones.
    pub versions: Vec<PrefixListVersion>,
    /// What was done to it last.
    pub last_change: PrefixListChangeKind,
    /// Tags.
    pub tags: super::Tags,
}

/// What the state of a customer-managed list tells: changes take no simulated time, so each is complete at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixListChangeKind {
    /// `create-complete`.
    Created,
    /// `modify-complete`.
    Modified,
    /// `restore-complete`.
    Restored,
}

/// One version of a customer-managed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixListVersion {
    /// Its number.
    pub number: u64,
    /// Its entries, sorted by block.
    pub entries: Vec<PrefixListEntry>,
}

/// One entry of a customer-managed list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrefixListEntry {
    /// The block.
    pub cidr: Ipv4Net,
    /// Its description.
    pub description: Option<String>,
}

/// How much of a list is AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Id seen in public sources; contents from `ip-ranges.json`.
    Published,
    /// Id invented (derived from the name); contents from `ip-ranges.json`.
    InventedId,
    /// Contents given by the scenario.
    Scenario,
    /// A customer-managed list.
    Customer,
}

/// Every list, by Region and id.
pub type PrefixLists = BTreeMap<(String, PrefixListId), PrefixList>;

/// The date of the embedded `ip-ranges.json`.
pub fn embedded_create_date() -> &'static str {
    &embedded().create_date
}

/// The AWS-managed IPv4 lists of all Regions.
pub fn aws_managed() -> PrefixLists {
    let lists = embedded().lists.iter().filter(|list| list.address_family == "IPv4").map(|list| {
        let (id, provenance) = match list.id.as_deref().and_then(|text| text.parse().ok()) {
            Some(id) => (id, Provenance::Published),
            None => (PrefixListId::mint(Seed::new(0), &list.name, IdLength::Short), Provenance::InventedId),
        };
        let key = (list.region.clone(), id);
        let list = PrefixList {
            id,
            region: list.region.clone(),
            name: list.name.clone(),
            cidrs: list.cidrs.clone(),
            weight: list.weight,
            provenance,
            customer: None,
        };
        (key, list)
    });
    lists.collect()
}

#[derive(Deserialize)]
struct Embedded {
    create_date: String,
    lists: Vec<EmbeddedList>,
}

#[derive(Deserialize)]
struct EmbeddedList {
    name: String,
    region: String,
    id: Option<String>,
    #[serde(rename = "addressFamily")]
    address_family: String,
    weight: u32,
    cidrs: Vec<Ipv4Net>,
}

fn embedded() -> &'static Embedded {
    static LISTS: OnceLock<Embedded> = OnceLock::new();
    // Invariant: the file is part of the program and a test reads it.
    LISTS.get_or_init(|| serde_json::from_str(include_str!("prefix-lists.json")).expect("embedded prefix lists parse"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_lists_are_keyed_by_region_and_id() {
        let lists = aws_managed();
        let shared: PrefixListId = "pl-6ea54007".parse().unwrap();
        assert_eq!(lists[&("us-west-1".to_owned(), shared)].name, "com.amazonaws.us-west-1.dynamodb");
        assert_eq!(lists[&("eu-central-1".to_owned(), shared)].name, "com.amazonaws.eu-central-1.s3");
        let dynamodb = &lists[&("us-east-1".to_owned(), "pl-02cd2c6b".parse().unwrap())];
        assert!(dynamodb.cidrs.contains(&"52.94.0.0/22".parse().unwrap()));
        assert_eq!(dynamodb.provenance, Provenance::Published);
    }

    #[test]
    fn no_list_is_lost_to_an_equal_key() {
        let ipv4 = embedded().lists.iter().filter(|list| list.address_family == "IPv4").count();
        assert_eq!(aws_managed().len(), ipv4);
        assert!(embedded_create_date().starts_with("20"));
    }
}

//! Customer-managed prefix lists: made, changed, restored, deleted.
//!
//! Every change of entries makes a new version; routes and rules that refer to the list follow at once. A reference counts `MaxEntries`, however few entries there are.
//! Changes take no simulated time, so a list is never `modify-in-progress`, and what fails on AWS afterwards (`modify-failed`: a quota of what refers to the list)
//! is refused at once. Non-goals: IPv6 lists, sharing, IPAM.
//! Assumed: a list keeps its newest 1,000 versions; adding a block that is there already is refused; a change of `MaxEntries` makes no version.
//! Unverified: the wording of the refusals, and their codes where AWS's list of codes has none.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/working-with-managed-prefix-lists.html, amazon-vpc-limits.html

use super::prefix_list::ENTRIES_PER_CALL;
use super::*;
use crate::net::Ipv4Net;

/// What a new customer-managed list is to be.
#[derive(Clone, Debug)]
pub struct NewPrefixList {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<PrefixListId>,
    /// Its name.
    pub name: String,
    /// How many entries it may have.
    pub max_entries: u32,
    /// Its first entries; there may be none.
    pub entries: Vec<PrefixListEntry>,
    /// Tags.
    pub tags: Tags,
}

/// A change of a customer-managed list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixListChange {
    /// The version that the caller has seen; needed to change entries.
    pub current_version: Option<u64>,
    /// A new name.
    pub name: Option<String>,
    /// Entries to add.
    pub add: Vec<PrefixListEntry>,
    /// Blocks to remove.
    pub remove: Vec<Ipv4Net>,
    /// How many entries it may have from now on.
    pub max_entries: Option<u32>,
}

impl Model {
    /// Makes a list of this Region. The caller bounds how many entries come at once: calls 100, scenario files as many as a list takes.
    ///
    /// # Errors
    /// `PrefixListLimitExceeded`, `InvalidParameterValue` (the name, `MaxEntries`, a block twice), `PrefixListMaxEntriesExceeded`.
    pub fn add_prefix_list(&mut self, new: NewPrefixList) -> Result<PrefixListId, ModelError> {
        let limit = self.quotas.prefix_lists_per_region;
        let own = self.prefix_lists.values().filter(|list| list.region == self.region && list.customer.is_some());
        if own.count() >= limit {
            return Err(ModelError::quota("PrefixListLimitExceeded", "prefix lists", limit));
        }
        check_list_name(&new.name)?;
        self.check_max_entries(new.max_entries)?;
        let mut entries = Vec::new();
        for entry in new.entries {
            add_entry(&mut entries, entry)?;
        }
        check_count(&entries, new.max_entries)?;
        let id = new.id.unwrap_or_else(|| PrefixListId::mint(self.seed, &new.label, self.id_length));
        if self.prefix_list(id).is_some() {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        let mut list = PrefixList {
            id,
            region: self.region.clone(),
            name: new.name,
            cidrs: Vec::new(),
            weight: new.max_entries,
            provenance: Provenance::Customer,
            customer: Some(CustomerManaged {
                max_entries: new.max_entries,
                versions: Vec::new(),
                last_change: PrefixListChangeKind::Created,
                tags: new.tags,
            }),
        };
        list.push_version(entries, self.quotas.versions_per_prefix_list);
        self.prefix_lists.insert((self.region.clone(), id), list);
        Ok(id)
    }

    /// Changes a list.
    ///
    /// # Errors
    /// `InvalidPrefixListID.NotFound`, `OperationNotPermitted` (a list of AWS's), `PrefixListVersionMismatch`, `MissingParameter` (`CurrentVersion`),
    /// `InvalidParameterValue`, `InvalidParameterCombination` (entries and `MaxEntries` at once), `PrefixListMaxEntriesExceeded`, and the quotas of what refers to
    /// the list.
    pub fn modify_prefix_list(&mut self, id: PrefixListId, change: &PrefixListChange) -> Result<(), ModelError> {
        let (list, customer) = self.customer_list(id)?;
        let changes_entries = !change.add.is_empty() || !change.remove.is_empty();
        if let Some(seen) = change.current_version {
            check_version(list, seen)?;
        } else if changes_entries {
            return Err(ModelError::new(
                "MissingParameter",
                "The request must contain the parameter CurrentVersion to change entries",
            ));
        }
        if changes_entries && change.max_entries.is_some() {
            return Err(ModelError::new(
                "InvalidParameterCombination",
                "The maximum number of entries cannot be changed together with entries.",
            ));
        }
        if change.add.len() + change.remove.len() > ENTRIES_PER_CALL {
            return Err(Self::too_many_entries_at_once());
        }
        let mut entries = customer.entries().to_vec();
        for cidr in &change.remove {
            if change.add.iter().any(|entry| entry.cidr.trunc() == cidr.trunc()) {
                return Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("The entry {cidr} is both added and removed."),
                ));
            }
            let Some(position) = entries.iter().position(|entry| entry.cidr == cidr.trunc()) else {
                return Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("The prefix list {id} has no entry {cidr}."),
                ));
            };
            entries.remove(position);
        }
        for entry in &change.add {
            add_entry(&mut entries, entry.clone())?;
        }
        let max_entries = change.max_entries.unwrap_or(customer.max_entries);
        self.check_max_entries(max_entries)?;
        check_count(&entries, max_entries)?;
        if let Some(name) = &change.name {
            check_list_name(name)?;
        }
        self.check_references(id, max_entries)?;
        let versions_max = self.quotas.versions_per_prefix_list;
        if let Some(list) = self.prefix_lists.get_mut(&(self.region.clone(), id)) {
            if changes_entries {
                list.push_version(entries, versions_max);
            }
            list.name = change.name.clone().unwrap_or_else(|| list.name.clone());
            list.weight = max_entries;
            if let Some(customer) = &mut list.customer {
                customer.max_entries = max_entries;
                customer.last_change = PrefixListChangeKind::Modified;
            }
        }
        Ok(())
    }

    /// Makes a new version with the entries of an old one.
    ///
    /// # Errors
    /// As [`Model::modify_prefix_list`]; `InvalidParameterValue` (no such version).
    pub fn restore_prefix_list(&mut self, id: PrefixListId, previous: u64, current: u64) -> Result<(), ModelError> {
        let (list, customer) = self.customer_list(id)?;
        check_version(list, current)?;
        let entries = customer.entries_of(previous).ok_or_else(|| Self::no_such_version(id, previous))?.to_vec();
        check_count(&entries, customer.max_entries)?;
        let versions_max = self.quotas.versions_per_prefix_list;
        if let Some(list) = self.prefix_lists.get_mut(&(self.region.clone(), id)) {
            list.push_version(entries, versions_max);
            if let Some(customer) = &mut list.customer {
                customer.last_change = PrefixListChangeKind::Restored;
            }
        }
        Ok(())
    }

    /// Deletes a list that nothing refers to, and says what it was.
    ///
    /// # Errors
    /// `InvalidPrefixListID.NotFound`, `OperationNotPermitted` (a list of AWS's), `DependencyViolation`.
    pub fn delete_prefix_list(&mut self, id: PrefixListId) -> Result<PrefixList, ModelError> {
        self.customer_list(id)?;
        if let Some(user) = self.prefix_list_references(id).first() {
            return Err(ModelError::new(
                "DependencyViolation",
                format!("The prefix list '{id}' is referenced by {user} and cannot be deleted."),
            ));
        }
        self.retired_ids.insert(id.to_string());
        self.prefix_lists.remove(&(self.region.clone(), id)).ok_or_else(|| self.unknown_prefix_list(id))
    }

    /// What refers to a list: ids of route tables and security groups, sorted, each once. (Transit gateway route tables have no prefix lists here.)
    pub fn prefix_list_references(&self, id: PrefixListId) -> Vec<String> {
        let tables = self.route_tables.values().filter(|table| {
            self.region_of(table.vpc_id) == self.region
                && table.routes.iter().any(|route| route.destination == RouteDestination::PrefixList(id))
        });
        let groups = self.security_groups.values().filter(|group| {
            group.ingress.iter().chain(&group.egress).any(|rule| rule.peer == RulePeer::PrefixList(id))
        });
        let groups = groups.map(|group| group.id.to_string());
        let mut ids: Vec<String> = tables.map(|table| table.id.to_string()).chain(groups).collect();
        ids.sort();
        ids
    }

    /// The list with what only customers' lists have.
    ///
    /// # Errors
    /// `InvalidPrefixListID.NotFound`, `OperationNotPermitted` (a list of AWS's).
    pub fn customer_list(&self, id: PrefixListId) -> Result<(&PrefixList, &CustomerManaged), ModelError> {
        let list = self.prefix_list(id).ok_or_else(|| self.unknown_prefix_list(id))?;
        match &list.customer {
            Some(customer) => Ok((list, customer)),
            None => Err(ModelError::new(
                "OperationNotPermitted",
                format!("The prefix list {id} ({}) is managed by AWS.", list.name),
            )),
        }
    }

    /// The refusal for more entries than a call may name.
    pub fn too_many_entries_at_once() -> ModelError {
        ModelError::new(
            "InvalidParameterValue",
            format!("At most {ENTRIES_PER_CALL} entries can be added or removed with one request."),
        )
    }

    /// The refusal for a version that is not kept.
    pub fn no_such_version(id: PrefixListId, number: u64) -> ModelError {
        ModelError::new("InvalidParameterValue", format!("The prefix list {id} has no version {number}."))
    }

    /// Whether everything that refers to a list still has room if the list counts `max_entries`.
    fn check_references(&self, id: PrefixListId, max_entries: u32) -> Result<(), ModelError> {
        let weigh = |list: PrefixListId, weight: u32| if list == id { max_entries } else { weight };
        let limit = self.quotas.routes_per_table;
        for table in self.route_tables.values() {
            let weights = table.routes.iter().map(|route| match route.destination {
                RouteDestination::PrefixList(list) => weigh(list, self.route_weight(table.vpc_id, route.destination)),
                RouteDestination::Cidr(_) => 1,
            });
            let refers = table.routes.iter().any(|route| route.destination == RouteDestination::PrefixList(id));
            if refers && weights.sum::<u32>() > limit {
                return Err(ModelError::quota("RouteLimitExceeded", &format!("routes of {}", table.id), limit));
            }
        }
        let limit = self.quotas.rules_per_security_group_direction;
        for (group, rules) in
            self.security_groups.values().flat_map(|group| [(group, &group.ingress), (group, &group.egress)])
        {
            let weights = rules.iter().map(|rule| match rule.peer {
                RulePeer::PrefixList(list) => weigh(list, self.rule_weight(group.vpc_id, rule.peer)),
                _ => 1,
            });
            if rules.iter().any(|rule| rule.peer == RulePeer::PrefixList(id)) && weights.sum::<u32>() > limit {
                return Err(ModelError::quota(
                    "RulesPerSecurityGroupLimitExceeded",
                    &format!("rules of {}", group.id),
                    limit,
                ));
            }
        }
        Ok(())
    }

    fn check_max_entries(&self, max_entries: u32) -> Result<(), ModelError> {
        let limit = self.quotas.entries_per_prefix_list;
        if (1..=limit).contains(&max_entries) {
            return Ok(());
        }
        Err(ModelError::new(
            "InvalidParameterValue",
            format!("Value ({max_entries}) for parameter maxEntries is invalid. Use 1 to {limit}."),
        ))
    }
}

impl PrefixList {
    /// The number of the current version; `None` for lists of AWS's.
    pub fn version(&self) -> Option<u64> {
        self.customer.as_ref().map(CustomerManaged::version)
    }

    /// Makes `entries` the newest version.
    fn push_version(&mut self, mut entries: Vec<PrefixListEntry>, versions_max: usize) {
        entries.sort();
        self.cidrs = entries.iter().map(|entry| entry.cidr).collect();
        if let Some(customer) = &mut self.customer {
            let number = customer.version() + 1;
            customer.versions.push(PrefixListVersion { number, entries });
            if customer.versions.len() > versions_max {
                customer.versions.remove(0);
            }
        }
    }
}

impl CustomerManaged {
    /// The number of the current version; 0 before the first.
    pub fn version(&self) -> u64 {
        self.versions.last().map_or(0, |version| version.number)
    }

    /// The current entries.
    pub fn entries(&self) -> &[PrefixListEntry] {
        self.versions.last().map_or(&[], |version| version.entries.as_slice())
    }

    /// The entries of a version, if it is kept.
    pub fn entries_of(&self, number: u64) -> Option<&[PrefixListEntry]> {
        self.versions.iter().find(|version| version.number == number).map(|version| version.entries.as_slice())
    }
}

fn add_entry(entries: &mut Vec<PrefixListEntry>, entry: PrefixListEntry) -> Result<(), ModelError> {
    let entry = PrefixListEntry { cidr: entry.cidr.trunc(), ..entry };
    if entries.iter().any(|other| other.cidr == entry.cidr) {
        return Err(ModelError::new("InvalidParameterValue", format!("The entry {} is there already.", entry.cidr)));
    }
    if entry.description.as_ref().is_some_and(|text| text.chars().count() > 255) {
        return Err(ModelError::new("InvalidParameterValue", "A description has at most 255 characters."));
    }
    entries.push(entry);
    Ok(())
}

fn check_count(entries: &[PrefixListEntry], max_entries: u32) -> Result<(), ModelError> {
    if entries.len() <= max_entries as usize {
        return Ok(());
    }
    Err(ModelError::new(
        "PrefixListMaxEntriesExceeded",
        format!("The prefix list would have {} entries; its maximum is {max_entries}.", entries.len()),
    ))
}

fn check_version(list: &PrefixList, seen: u64) -> Result<(), ModelError> {
    match list.version() {
        Some(current) if current != seen => Err(ModelError::new(
            "PrefixListVersionMismatch",
            format!("The prefix list {} has the version {current}, not {seen}.", list.id),
        )),
        _ => Ok(()),
    }
}

fn check_list_name(name: &str) -> Result<(), ModelError> {
    if name.is_empty() || name.chars().count() > 255 || name.starts_with("com.amazonaws") {
        return Err(ModelError::new(
            "InvalidParameterValue",
            format!("Invalid prefix list name '{name}': 1 to 255 characters, not beginning with \"com.amazonaws\"."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn entry(cidr: &str) -> PrefixListEntry {
        PrefixListEntry { cidr: cidr.parse().unwrap(), description: None }
    }

    fn model() -> (Model, PrefixListId) {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        model.add_default_vpc("default", None, &["a"]).unwrap();
        let new = NewPrefixList {
            label: "mine".into(),
            id: None,
            name: "mine".into(),
            max_entries: 3,
            entries: vec![entry("198.51.100.9/24")],
            tags: Tags::default(),
        };
        let id = model.add_prefix_list(new).unwrap();
        (model, id)
    }

    fn change(version: u64, add: &[&str], remove: &[&str]) -> PrefixListChange {
        PrefixListChange {
            current_version: Some(version),
            add: add.iter().map(|cidr| entry(cidr)).collect(),
            remove: remove.iter().map(|cidr| cidr.parse().unwrap()).collect(),
            ..PrefixListChange::default()
        }
    }

    fn cidrs(model: &Model, id: PrefixListId) -> Vec<String> {
        model.prefix_list(id).unwrap().cidrs.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn entries_make_versions_and_names_do_not() {
        let (mut model, id) = model();
        assert_eq!(cidrs(&model, id), ["198.51.100.0/24"], "host bits are cleared");
        model.modify_prefix_list(id, &change(1, &["192.0.2.0/24", "203.0.113.0/24"], &[])).unwrap();
        assert_eq!(cidrs(&model, id), ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]);
        let stale = model.modify_prefix_list(id, &change(1, &[], &["192.0.2.0/24"])).unwrap_err();
        assert_eq!(stale.code, "PrefixListVersionMismatch");
        let blind = PrefixListChange { current_version: None, ..change(2, &[], &["192.0.2.0/24"]) };
        assert_eq!(model.modify_prefix_list(id, &blind).unwrap_err().code, "MissingParameter");
        let full = model.modify_prefix_list(id, &change(2, &["10.0.0.0/8"], &[])).unwrap_err();
        assert_eq!(full.code, "PrefixListMaxEntriesExceeded");
        let rename = PrefixListChange { name: Some("ours".into()), ..PrefixListChange::default() };
        model.modify_prefix_list(id, &rename).unwrap();
        assert_eq!(
            (model.prefix_list(id).unwrap().version(), model.prefix_list_named("ours").unwrap().id),
            (Some(2), id)
        );
        model.restore_prefix_list(id, 1, 2).unwrap();
        assert_eq!(
            (cidrs(&model, id), model.prefix_list(id).unwrap().version()),
            (vec!["198.51.100.0/24".to_owned()], Some(3))
        );
        assert_eq!(model.restore_prefix_list(id, 9, 3).unwrap_err().code, "InvalidParameterValue");
    }

    #[test]
    fn a_list_that_is_used_stays_and_weighs_its_maximum() {
        let (mut model, id) = model();
        let group = *model.security_groups.keys().next().unwrap();
        let peer = RulePeer::PrefixList(id);
        let traffic = |port| TrafficMatch::Ports(crate::net::Protocol::TCP, crate::net::PortRange::single(port));
        model.security_groups.get_mut(&group).unwrap().ingress.clear();
        for port in 0..20 {
            model.add_security_group_rule(group, false, traffic(port), peer, None).unwrap();
        }
        let many = model.add_security_group_rule(group, false, traffic(99), peer, None).unwrap_err();
        assert_eq!(many.code, "RulesPerSecurityGroupLimitExceeded", "20 references to a list of 3 are 60 rules");
        let grow = PrefixListChange { max_entries: Some(4), ..PrefixListChange::default() };
        assert_eq!(model.modify_prefix_list(id, &grow).unwrap_err().code, "RulesPerSecurityGroupLimitExceeded");
        assert_eq!(model.prefix_list_references(id), [group.to_string()]);
        assert_eq!(model.delete_prefix_list(id).unwrap_err().code, "DependencyViolation");
        model.security_groups.get_mut(&group).unwrap().ingress.clear();
        model.modify_prefix_list(id, &grow).unwrap();
        assert_eq!(model.prefix_list(id).unwrap().weight, 4);
        model.delete_prefix_list(id).unwrap();
        assert_eq!(model.delete_prefix_list(id).unwrap_err().code, "InvalidPrefixListID.NotFound");
    }

    #[test]
    fn lists_of_aws_are_not_ours_to_change() {
        let (mut model, _) = model();
        let dynamodb = model.prefix_list_named("com.amazonaws.us-east-1.dynamodb").unwrap().id;
        for refused in [
            model.modify_prefix_list(dynamodb, &change(1, &["10.0.0.0/8"], &[])).unwrap_err(),
            model.restore_prefix_list(dynamodb, 1, 1).unwrap_err(),
            model.delete_prefix_list(dynamodb).unwrap_err(),
        ] {
            assert_eq!(refused.code, "OperationNotPermitted");
        }
    }
}

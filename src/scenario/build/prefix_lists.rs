//! `[prefix_list]`: contents of AWS-managed lists overridden, and lists of one's own.

use super::*;
use crate::ids::PrefixListId;
use crate::model::{NewPrefixList, PrefixListEntry, Provenance, Tags};
use crate::net::Ipv4Net;
use crate::scenario::notation::block;

/// AWS: 1,000 entries per list.
const ENTRIES_MAX: usize = 1_000;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `cidrs` (required), `id`, `max_entries` (own lists: what a reference counts; default the number of entries).
    pub(super) fn prefix_lists(&mut self, root: &Section<'a, 'r>) {
        let region = self.model.region.clone();
        let own_region: Vec<(String, PrefixListId)> = self
            .model
            .prefix_lists
            .values()
            .filter(|list| list.region == region)
            .map(|l| (l.name.clone(), l.id))
            .collect();
        for (name, id) in own_region {
            self.names.insert(Kind::PrefixList, &name, &id.to_string());
            if let Some((_, short)) = name.rsplit_once('.') {
                self.names.insert_alias(Kind::PrefixList, short, &id.to_string());
            }
        }
        self.each(root, "prefix_list", Kind::PrefixList, Self::prefix_list_declared);
    }

    fn prefix_list_declared(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let max_entries = section.integer("max_entries", 1..=ENTRIES_MAX as u64);
        let id: Option<PrefixListId> = self.wanted_id(section, "id")?;
        if !section.has("cidrs") {
            let problem =
                Problem::new(section.span.clone(), format!("{} has no \"cidrs\"", section.what), "needed here");
            self.report(problem.help("for example: cidrs = [\"52.94.0.0/22\"]"));
        }
        let texts = section.texts("cidrs")?;
        let mut cidrs = Vec::new();
        for text in &texts {
            cidrs.push(block(text).map_err(|problem| self.report(problem)).ok()?);
        }
        if cidrs.is_empty() || cidrs.len() > ENTRIES_MAX {
            let message = format!("a prefix list has 1 to {ENTRIES_MAX} entries, not {}", cidrs.len());
            self.report(Problem::new(section.span_of("cidrs"), message, "here"));
            return None;
        }
        cidrs.sort_unstable();
        cidrs.dedup();
        match self.names.lookup(Kind::PrefixList, name.text).and_then(|id| id.parse().ok()) {
            Some(known) => self.override_list(known, id, cidrs),
            None => self.own_list(name, id, cidrs, max_entries)?,
        }
        Some(())
    }

    fn override_list(&mut self, known: PrefixListId, id: Option<PrefixListId>, cidrs: Vec<Ipv4Net>) {
        let region = self.model.region.clone();
        let Some(mut list) = self.model.prefix_lists.remove(&(region.clone(), known)) else { return };
        let id = id.unwrap_or(known);
        list.id = id;
        list.cidrs = cidrs;
        list.provenance = Provenance::Scenario;
        self.names.insert(Kind::PrefixList, &list.name, &id.to_string());
        if let Some((_, short)) = list.name.rsplit_once('.') {
            // The short name found the old id.
            self.names.insert(Kind::PrefixList, short, &id.to_string());
            self.names.insert(Kind::PrefixList, &list.name, &id.to_string());
        }
        self.model.prefix_lists.insert((region, id), list);
    }

    fn own_list(
        &mut self,
        name: &Text<'a>,
        id: Option<PrefixListId>,
        cidrs: Vec<Ipv4Net>,
        max_entries: Option<u64>,
    ) -> Option<()> {
        if name.text.starts_with("com.amazonaws") {
            let message = format!("{} has no AWS-managed prefix list \"{}\"", self.model.region, shown(name.text));
            let known: Vec<&str> =
                self.names.of_kind(Kind::PrefixList).map(|(name, _)| name).filter(|n| n.starts_with("com.")).collect();
            let problem = Problem::new(
                name.span.clone(),
                message,
                "lists belong to a Region, and names of one's own do not begin so",
            );
            self.report(problem.help(format!("it has: {}", known.join(", "))));
            return None;
        }
        let count = cidrs.len();
        let weight = max_entries.map_or(count, |max| usize::try_from(max).unwrap_or(count));
        if weight < count {
            self.report(Problem::new(name.span.clone(), format!("{count} entries are more than max_entries"), "here"));
            return None;
        }
        let new = NewPrefixList {
            label: name.text.to_owned(),
            id,
            name: name.text.to_owned(),
            max_entries: u32::try_from(weight).unwrap_or(u32::MAX),
            entries: cidrs.into_iter().map(|cidr| PrefixListEntry { cidr, description: None }).collect(),
            tags: Tags::default(),
        };
        let result = self.model.add_prefix_list(new);
        let id = self.accepted(name.span.clone(), result)?;
        self.declare(Kind::PrefixList, name, id);
        Some(())
    }

    /// The prefix list that `word`, a part of `text`, refers to in `vpc_id`. VPCs of another Region than the scenario's have AWS's lists of theirs.
    pub(super) fn prefix_list_of(&self, vpc_id: VpcId, text: &Text<'a>, word: &str) -> Option<PrefixListId> {
        let region = self.model.region_of(vpc_id);
        if region == self.model.region {
            return self.prefix_list(text, word);
        }
        let managed =
            |list: &&crate::model::PrefixList| list.region == region && list.name.starts_with("com.amazonaws.");
        let lists = || self.model.prefix_lists.values().filter(managed);
        let is_meant = |list: &&crate::model::PrefixList| {
            list.name == word || list.id.to_string() == word || list.name.rsplit('.').next() == Some(word)
        };
        if let Some(list) = lists().find(is_meant) {
            return Some(list.id);
        }
        let known: Vec<String> = lists().map(|list| format!("{} ({})", list.id, list.name)).collect();
        let message = format!("{region} has no AWS-managed prefix list \"{}\"", shown(word));
        let problem = Problem::new(text.place(word), message, "lists belong to a Region");
        self.report(problem.help(format!("{region} has {}", known.join(", "))));
        None
    }

    /// The prefix list of the scenario's Region that `word`, a part of `text`, refers to. A list of another Region is named in the report.
    pub(super) fn prefix_list(&self, text: &Text<'a>, word: &str) -> Option<PrefixListId> {
        if self.names.lookup(Kind::PrefixList, word).is_none()
            && let Ok(id) = word.parse::<PrefixListId>()
        {
            let mut problem = refusal(text.place(word), &self.model.unknown_prefix_list(id));
            let own: Vec<String> = (self.names.of_kind(Kind::PrefixList))
                .filter(|(name, _)| name.starts_with("com."))
                .map(|(name, id)| format!("{id} ({name})"))
                .collect();
            problem.labels[0].1 = format!("not in {}", self.model.region);
            self.report(problem.help(format!("{} has {}", self.model.region, own.join(", "))));
            return None;
        }
        self.refer(Kind::PrefixList, text, word)
    }
}

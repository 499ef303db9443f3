//! Route tables to forwarding tables, those that did not change left alone.
//!
//! What a table compiles to depends on its routes and on what they name. So where nothing but routes changed since the last compilation ([`super::reuse`]), a
//! table with the same routes keeps everything that was made of it. A table whose winners are those of any other shares that one's forwarding table.

use super::reuse::Earlier;
use super::{CompileError, Compiler, route_priority};
use crate::lpm::Fib;
use crate::model::Model;
use crate::net::Ipv4Net;
use crate::program::{NextHop, TableIx, TableKey, TableOrigin};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// All tables by [`TableIx`]: what packets meet, and where it comes from.
pub(super) type CompiledTables = (Arc<[Fib<NextHop>]>, Arc<[TableOrigin]>);

/// A forwarding table and what it was built from.
#[derive(Clone, Debug)]
pub(super) struct BuiltTable {
    winners: Arc<[(Ipv4Net, NextHop)]>,
    fib: Fib<NextHop>,
}

impl Compiler {
    /// Compiles every table that was ever seen; those that are gone are empty. `earlier`: what was compiled last, if only routes changed since.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn compile_tables(
        &mut self,
        model: &Model,
        earlier: Option<&Earlier>,
    ) -> Result<CompiledTables, CompileError> {
        let (mut fibs, mut origins) = (Vec::new(), Vec::new());
        let mut by_content = ByContent::default();
        let entries = self.tables.clone();
        for (position, (key, name)) in (0u32..).zip(entries.entries()) {
            let ix = TableIx(position);
            let table = match key {
                TableKey::Route(id) => model.route_tables.get(id),
                TableKey::TransitGateway(_) | TableKey::VpnGateway(_) | TableKey::OnPremises(_) => None,
            };
            let Some(table) = table else {
                if self.built.contains_key(&ix) {
                    self.built.remove(&ix);
                }
                fibs.push(Fib::default());
                origins.push(TableOrigin { table: name.clone(), ..TableOrigin::default() });
                continue;
            };
            let same = earlier.filter(|earlier| {
                earlier.model.route_tables.get(&table.id).is_some_and(|before| before.routes.is_same(&table.routes))
            });
            if let Some(earlier) = same
                && let (Some(fib), Some(origin)) =
                    (earlier.program.fibs.get(ix.at()), earlier.program.origins.tables.get(ix.at()))
            {
                fibs.push(fib.clone());
                origins.push(origin.clone());
                continue;
            }
            let compiled = route_priority::compile(model, table, &self.nodes)?;
            fibs.push(self.forwarding_table(ix, compiled.winners, &mut by_content));
            origins.push(TableOrigin {
                table: name.clone(),
                is_main: model.vpcs.get(&table.vpc_id).is_some_and(|vpc| vpc.main_route_table_id == table.id),
                entries: compiled.entries.into(),
            });
        }
        Ok((fibs.into(), origins.into()))
    }

    /// The forwarding table of `winners`: the one there was, one of equal content, or a new one.
    pub(super) fn forwarding_table(
        &mut self,
        ix: TableIx,
        winners: Vec<(Ipv4Net, NextHop)>,
        by_content: &mut ByContent,
    ) -> Fib<NextHop> {
        let built = match self.built.get(&ix) {
            Some(built) if *built.winners == *winners => built.clone(),
            _ => {
                let built = by_content
                    .find(&winners)
                    .unwrap_or_else(|| BuiltTable { fib: Fib::build(&winners), winners: winners.into() });
                self.built.insert(ix, built.clone());
                built
            }
        };
        by_content.remember(&built);
        built.fib
    }
}

/// Tables of this compilation by what they hold.
#[derive(Default)]
pub(super) struct ByContent {
    // Never iterated: its order is not reproducible.
    tables: FxHashMap<u64, Vec<BuiltTable>>,
}

impl ByContent {
    fn find(&self, winners: &[(Ipv4Net, NextHop)]) -> Option<BuiltTable> {
        self.tables.get(&hash(winners))?.iter().find(|built| *built.winners == *winners).cloned()
    }

    fn remember(&mut self, built: &BuiltTable) {
        let known = self.tables.entry(hash(&built.winners)).or_default();
        if !known.iter().any(|other| *other.winners == *built.winners) {
            known.push(built.clone());
        }
    }
}

fn hash(winners: &[(Ipv4Net, NextHop)]) -> u64 {
    let mut hasher = FxHasher::default();
    winners.hash(&mut hasher);
    hasher.finish()
}

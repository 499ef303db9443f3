//! Route tables to forwarding tables, those that did not change left alone.
//!
//! What a table compiles to depends on its routes and on what they name. So where nothing but routes changed since the last compilation ([`super::reuse`]), a
//! table with the same routes keeps everything that was made of it. A table whose winners are those of any other shares that one's forwarding table.

use super::reuse::Earlier;
use super::route_priority::{self, CompiledTable};
use super::{CompileError, Compiler};
use crate::lpm::Fib;
use crate::model::Model;
use crate::net::Ipv4Net;
use crate::program::{NextHop, TableIx, TableKey, TableOrigin};
use rustc_hash::FxHasher;
use std::collections::BTreeMap;
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
            if let Some(earlier) = earlier.filter(|earlier| is_same(key, &earlier.model, model))
                && let (Some(fib), Some(origin)) =
                    (earlier.program.fibs.get(ix.at()), earlier.program.origins.tables.get(ix.at()))
            {
                fibs.push(fib.clone());
                origins.push(origin.clone());
                continue;
            }
            let Some((compiled, is_main)) = self.compile_table(model, key)? else {
                if self.built.contains_key(&ix) {
                    self.built.remove(&ix);
                }
                fibs.push(Fib::default());
                origins.push(TableOrigin { table: name.clone(), ..TableOrigin::default() });
                continue;
            };
            fibs.push(self.forwarding_table(ix, compiled.winners, &mut by_content));
            origins.push(TableOrigin { table: name.clone(), is_main, entries: compiled.entries.into() });
        }
        Ok((fibs.into(), origins.into()))
    }

    /// One table, and whether it is its VPC's main one; `None` for a table that is gone.
    fn compile_table(&self, model: &Model, key: &TableKey) -> Result<Option<(CompiledTable, bool)>, CompileError> {
        Ok(match key {
            TableKey::Route(id) => match model.route_tables.get(id) {
                Some(table) => {
                    let vpc = model.vpcs.get(&table.vpc_id);
                    let is_main = vpc.is_some_and(|vpc| vpc.main_route_table_id == table.id);
                    Some((route_priority::compile(model, table, &self.nodes)?, is_main))
                }
                None => None,
            },
            TableKey::TransitGateway(id) => match model.transit_gateway_route_tables.get(id) {
                Some(table) => Some((self.compile_transit_gateway_table(model, table)?, false)),
                None => None,
            },
            TableKey::VpnGateway(_) | TableKey::OnPremises(_) => {
                self.learned_table(model, key)?.map(|compiled| (compiled, false))
            }
        })
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

/// Whether a table says what it said before, given that nothing but routes of VPCs changed in between.
fn is_same(key: &TableKey, before: &Model, after: &Model) -> bool {
    match key {
        TableKey::Route(id) => match (before.route_tables.get(id), after.route_tables.get(id)) {
            (Some(before), Some(after)) => before.routes.is_same(&after.routes),
            _ => false,
        },
        TableKey::TransitGateway(_) | TableKey::VpnGateway(_) | TableKey::OnPremises(_) => true,
    }
}

/// Tables of this compilation by what they hold.
#[derive(Default)]
pub(super) struct ByContent {
    tables: BTreeMap<u64, Vec<BuiltTable>>,
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

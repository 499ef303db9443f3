//! The smallest change that mends a probe's way, found by trying.
//!
//! Purpose: [`find`] asks, wherever the packet is lost, what could be changed there (`candidates`), writes it as `aws` lines, does them to a copy of the
//! account and traces again; until the probe arrives and its answer comes back. The cheapest way in the order of [`Cost`] wins. Non-goals: a
//! list of advice; repairing hosts. Invariant: what is proposed has been done and traced, nothing else is ever proposed.

mod candidates;

use super::operator;
use super::probe::Probe;
use super::trace::{Outcome, Traced, trace};
use crate::awscli;
use crate::control::{ControlPlane, Wanted};
use crate::scenario::Names;
use crate::time::SimTime;
use candidates::Candidate;
use std::collections::{BTreeSet, BinaryHeap};

/// More commands than this are no mend, but a rebuilding.
pub const COMMANDS_MAX: usize = 5;
/// How many changed accounts are looked at before giving up.
const TRIES_MAX: usize = 300;

/// A change that mends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// `aws` lines, in order. Ids of what they create are those that vpcsim gives.
    pub lines: Vec<String>,
    /// What it costs.
    pub cost: Cost,
}

/// What a change costs, most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Commands to type.
    pub commands_count: usize,
    /// Things that exist and are changed; a security group counts once for each of its members.
    pub changed_count: usize,
    /// How much is opened: bits of address space beyond the probe's own, or beyond its service's prefix list.
    pub opened_bits: u32,
    /// 1 if the packet then leaves the VPC by its public address.
    pub public: u32,
}

impl Cost {
    fn plus(self, other: Cost) -> Cost {
        Cost {
            commands_count: self.commands_count + other.commands_count,
            changed_count: self.changed_count + other.changed_count,
            opened_bits: self.opened_bits + other.opened_bits,
            public: self.public + other.public,
        }
    }
}

/// The smallest change after which `probe` is reachable; `None` if it is so already, or none was found.
pub fn find(control: &ControlPlane, names: &Names, probe: &Probe) -> Option<Mend> {
    let traced = trace(control, names, probe).ok()?;
    if traced.is_reachable() {
        return None;
    }
    let mut open = BinaryHeap::new();
    let mut seen = BTreeSet::new();
    let mut tries_count = 0;
    open.push(Attempt { cost: Cost::default(), sequence: 0, lines: Vec::new(), control: control.clone(), traced });
    while let Some(attempt) = open.pop() {
        if attempt.traced.is_reachable() {
            return Some(Mend { lines: attempt.lines, cost: attempt.cost });
        }
        for candidate in candidates::candidates(&attempt.control, &attempt.traced) {
            let cost = attempt.cost.plus(candidate.cost());
            if cost.commands_count > COMMANDS_MAX || tries_count >= TRIES_MAX {
                continue;
            }
            tries_count += 1;
            let Some((control, lines)) = apply(&attempt.control, names, &candidate) else { continue };
            let Ok(traced) = trace(&control, names, probe) else { continue };
            // What leaves the packet where it was lost before has mended nothing.
            if traced.outcome == attempt.traced.outcome {
                continue;
            }
            let lines: Vec<String> = attempt.lines.iter().cloned().chain(lines).collect();
            let mut sorted = lines.clone();
            sorted.sort();
            if seen.insert(sorted) {
                open.push(Attempt { cost, sequence: tries_count, lines, control, traced });
            }
        }
    }
    None
}

/// Does `lines` to a copy of the account, in order; `None` if one of them is refused.
pub fn applied(control: &ControlPlane, names: &Names, lines: &[String]) -> Option<ControlPlane> {
    let candidate = Candidate::new(lines.to_vec(), Cost::default());
    apply(control, names, &candidate).map(|(control, _)| control)
}

/// The account after the candidate, and its lines with the ids of what they create filled in. `None` if a line is refused or not understood.
fn apply(control: &ControlPlane, names: &Names, candidate: &Candidate) -> Option<(ControlPlane, Vec<String>)> {
    let mut control = control.clone();
    let mut lines = Vec::new();
    let mut created: Option<String> = None;
    for line in &candidate.lines {
        let line = match &created {
            Some(id) => line.replace(candidates::CREATED, id),
            None => line.clone(),
        };
        let invocation = awscli::parse(&line).ok()?;
        let done = operator::operate(&mut control, SimTime::ZERO, &invocation, names, &Wanted::default());
        if done.output.exit_code != 0 {
            return None;
        }
        created = done.created.or(created);
        lines.push(line);
    }
    Some((control, lines))
}

/// A changed account, waiting to be looked at: the cheapest first, among equals the one found first.
struct Attempt {
    cost: Cost,
    sequence: usize,
    lines: Vec<String>,
    control: ControlPlane,
    traced: Traced,
}

impl Attempt {
    fn key(&self) -> (Cost, bool, usize) {
        (self.cost, self.traced.outcome != Outcome::Reachable, self.sequence)
    }
}

impl PartialEq for Attempt {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Attempt {}

impl PartialOrd for Attempt {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The reverse of the key's order: a heap gives its greatest first.
impl Ord for Attempt {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.key().cmp(&self.key())
    }
}

//! What codes mean: every drop reason, every code of AWS's Reachability Analyzer, every rule of `lint`.
//!
//! Purpose: `vpcsim explain CODE`. A drop reason's words come from its own table ([`crate::dataplane::DropReason`]), a lint rule's from
//! [`crate::lint::Rule`]; `table` has the rest. Non-goals: EC2's API error codes. Invariants: a code stands once; codes are found without
//! regard to case, and with blanks or hyphens for underscores.
//! Names of AWS's codes: docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

mod table;

use crate::dataplane::DropReason;
use crate::lint::Rule;
use serde::Serialize;
use std::collections::BTreeMap;
use table::Shown;

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// AWS's Reachability Analyzer has it.
    ReachabilityAnalyzer,
    /// vpcsim's own drop reason.
    Vpcsim,
    /// A rule of `vpcsim check`.
    Check,
}

/// One meaning of a code, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// What happened.
    pub cause: &'static str,
    /// What to change.
    pub remedy: &'static str,
}

/// A code explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// Whose it is.
    pub origin: Origin,
    /// Whether vpcsim can produce it.
    pub simulated: bool,
    /// If not, why.
    pub absent_because: Option<&'static str>,
    /// What it means; several where one code stands for several things.
    pub meanings: Vec<Meaning>,
    /// Shipped scenarios that show it when they are run or, a rule, checked.
    pub scenarios: Vec<&'static str>,
    /// Arguments with which `vpcsim trace` says it.
    pub traces: Vec<&'static str>,
    /// Codes that are easily confused with it.
    pub see_also: Vec<&'static str>,
}

/// Every code: AWS's first, then vpcsim's own, then the lint rules, each part sorted.
pub fn all() -> Vec<Explanation> {
    let mut found: BTreeMap<&'static str, Explanation> = BTreeMap::new();
    for reason in DropReason::ALL {
        let facts = reason.facts();
        let origin = if facts.is_aws_code { Origin::ReachabilityAnalyzer } else { Origin::Vpcsim };
        let explanation = found.entry(facts.code).or_insert_with(|| new(facts.code, origin, true));
        explanation.meanings.push(Meaning { cause: facts.sentence, remedy: facts.remedy });
        if let Some(scenario) = facts.scenario.filter(|scenario| !explanation.scenarios.contains(scenario)) {
            explanation.scenarios.push(scenario);
        }
    }
    for line in table::TABLE {
        let simulated = !matches!(line.shown, Shown::Not(_));
        let fresh = || new(line.code, Origin::ReachabilityAnalyzer, simulated);
        let explanation = found.entry(line.code).or_insert_with(fresh);
        explanation.meanings.push(Meaning { cause: line.cause, remedy: line.remedy });
        explanation.see_also = line.see_also.to_vec();
        match line.shown {
            Shown::Trace(arguments) => explanation.traces.push(arguments),
            Shown::TraceOnly => {}
            Shown::Not(why) => explanation.absent_because = Some(why),
        }
    }
    for rule in Rule::ALL {
        let mut explanation = new(rule.name(), Origin::Check, true);
        explanation.meanings.push(Meaning { cause: rule.why(), remedy: "vpcsim check shows the place and the mend" });
        explanation.scenarios = table::shown_by(rule);
        found.insert(rule.name(), explanation);
    }
    let mut all: Vec<Explanation> = found.into_values().collect();
    all.sort_by_key(|explanation| (explanation.origin, explanation.code));
    all
}

/// The explanation of `code`.
///
/// # Errors
/// Unknown: the known codes nearest to it, best first, if any are near.
pub fn find(code: &str) -> Result<Explanation, Vec<&'static str>> {
    let wanted = folded(code);
    let all = all();
    if let Some(found) = all.iter().find(|explanation| folded(explanation.code) == wanted) {
        return Ok(found.clone());
    }
    let mut near: Vec<(f64, &'static str)> = (all.iter())
        .map(|explanation| (strsim::jaro_winkler(&folded(explanation.code), &wanted), explanation.code))
        .chain(all.iter().filter(|it| wanted.len() >= 3 && folded(it.code).contains(&wanted)).map(|it| (0.95, it.code)))
        .filter(|(likeness, _)| *likeness > 0.85)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut codes: Vec<&'static str> = Vec::new();
    for (_, code) in near {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes.truncate(5);
    Err(codes)
}

fn new(code: &'static str, origin: Origin, simulated: bool) -> Explanation {
    Explanation {
        code,
        origin,
        simulated,
        absent_because: None,
        meanings: Vec::new(),
        scenarios: Vec::new(),
        traces: Vec::new(),
        see_also: Vec::new(),
    }
}

/// As compared: upper case, underscores.
fn folded(code: &str) -> String {
    code.trim().to_ascii_uppercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::embedded;
    use std::collections::BTreeSet;

    #[test]
    fn every_drop_reason_and_every_rule_is_found_whatever_the_case() {
        let names = DropReason::ALL.map(DropReason::code);
        for name in names.into_iter().chain(Rule::ALL.map(Rule::name)) {
            let found = find(&name.to_lowercase()).unwrap();
            assert_eq!(found.code, name);
            assert!(found.simulated && !found.meanings.is_empty());
        }
        assert_eq!(find("eni sg rules mismatch").unwrap().meanings.len(), 2, "inbound and outbound");
    }

    #[test]
    fn the_whole_list_of_the_reachability_analyzer_is_here_once() {
        let all = all();
        let codes: BTreeSet<&str> = all.iter().map(|explanation| explanation.code).collect();
        assert_eq!(codes.len(), all.len());
        let aws = all.iter().filter(|explanation| explanation.origin == Origin::ReachabilityAnalyzer).count();
        assert_eq!(aws, 89, "as many as AWS lists");
    }

    /// What packets die of stands in their own table; only a code that no scenario's packet dies of may be told by traces as well.
    #[test]
    fn the_table_does_not_repeat_drop_reasons() {
        let dropped: Vec<_> = DropReason::ALL.into_iter().filter(|reason| reason.facts().scenario.is_some()).collect();
        let is_dropped = |code: &str| dropped.iter().any(|reason| reason.code() == code);
        let doubled: Vec<_> = table::TABLE.iter().map(|line| line.code).filter(|code| is_dropped(code)).collect();
        assert_eq!(doubled, Vec::<&str>::new());
    }

    /// The codes that matter for what is simulated here: each has a scenario that shows it (`tests/cli_explain.rs` runs the traces, `tests/drop_reasons.rs` the
    /// scenarios).
    #[test]
    fn every_code_is_shown_by_a_scenario_or_it_is_said_why_not() {
        for explanation in all().iter().filter(|explanation| explanation.origin == Origin::ReachabilityAnalyzer) {
            let is_shown = !explanation.scenarios.is_empty() || !explanation.traces.is_empty();
            assert_ne!(explanation.simulated, explanation.absent_because.is_some(), "{}", explanation.code);
            let is_needed = !explanation.simulated || SAID_WITHOUT_SCENARIO.contains(&explanation.code);
            assert_eq!(is_shown, !is_needed, "{}", explanation.code);
        }
    }

    /// Codes beside the starred ones that traces say, but of no shipped scenario.
    const SAID_WITHOUT_SCENARIO: [&str; 3] =
        ["SG_REFERENCING_SUPPORT", "TGW_BAD_STATE_VPN", "TGW_RTB_HIGHER_PRIORITY_ROUTE"];

    #[test]
    fn references_lead_somewhere() {
        for explanation in all() {
            for other in &explanation.see_also {
                assert!(find(other).is_ok(), "{}: {other}", explanation.code);
            }
            for scenario in &explanation.scenarios {
                assert!(embedded(scenario).is_some(), "{}: {scenario}", explanation.code);
            }
            for Meaning { cause, remedy } in &explanation.meanings {
                assert!(cause.len() > 15 && remedy.len() >= 7, "{}", explanation.code);
                assert!(!cause.ends_with('.') && !remedy.ends_with('.'), "{}", explanation.code);
            }
        }
    }

    #[test]
    fn typing_errors_are_met_halfway() {
        assert_eq!(find("NO_ROUTE_TO_DESTINATON").unwrap_err()[0], "NO_ROUTE_TO_DESTINATION");
        assert!(find("sg_rules").unwrap_err().contains(&"ENI_SG_RULES_MISMATCH"));
        assert_eq!(find("banana").unwrap_err(), Vec::<&str>::new());
    }
}

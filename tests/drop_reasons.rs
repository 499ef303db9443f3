//! Every reason for which a packet can be dropped is shown by a shipped scenario, and every shipped scenario goes as it expects.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{Workplace, assert_conserved, captures, contents_of, whole_packets};
use vpcsim::dataplane::DropReason;
use vpcsim::run::{Progress, Run, RunResult};
use vpcsim::scenario;

/// The reasons that name no scenario: guards against programs that the compiler never writes, since an endpoint's route has exactly its list's
/// blocks, and nothing that exists yet can send packets in a circle. Unit tests of the data plane reach them.
const GUARDS: [DropReason; 2] = [DropReason::EndpointDestinationNotInList, DropReason::WalkTooLong];

/// A shipped scenario, played.
struct Played {
    result: RunResult,
    /// Packets dropped, by reason.
    dropped: BTreeMap<DropReason, u64>,
}

/// Plays a scenario with the library, to its end.
fn play(path: &Path) -> Played {
    let text = std::fs::read_to_string(path).unwrap();
    let scenario = scenario::parse(path.to_str().unwrap(), &text, None)
        .unwrap_or_else(|error| panic!("{}", error.lines().collect::<Vec<_>>().join("\n")));
    let mut run = Run::new(scenario).unwrap();
    // `Done` is only said after the packets were counted: a run that does not conserve them is an error.
    while run.advance(10_000).unwrap_or_else(|error| panic!("{}: {error}", path.display())) == Progress::Working {
        run.captures_mut().iter_mut().for_each(|file| file.clear_pending());
    }
    let dropped = run.drops();
    let (result, _) = run.finish();
    Played { result, dropped }
}

/// The shipped scenarios, by name (`drops/no-route`).
fn shipped() -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let names = contents_of(&root).into_keys().filter_map(|file| file.strip_suffix(".toml").map(str::to_owned));
    names.map(|name| (name.clone(), root.join(format!("{name}.toml")))).collect()
}

#[test]
fn every_shipped_scenario_goes_as_it_expects_and_every_reason_occurs_where_its_table_says() {
    let played: BTreeMap<String, Played> = shipped().iter().map(|(name, path)| (name.clone(), play(path))).collect();
    assert!(played.len() > 20 && played.contains_key("tutorial"), "{:?}", played.keys());
    let mut wrong = Vec::new();
    for (name, Played { result, dropped }) in &played {
        for step in &result.steps {
            for check in step.checks.iter().filter(|check| !check.passed) {
                wrong.push(format!("{name}, step {}: {check:?}", step.name));
            }
        }
        if result.checks.passed == 0 {
            wrong.push(format!("{name} expects nothing"));
        }
        if !result.complete {
            wrong.push(format!("{name} did not come to its end"));
        }
        let json = serde_json::to_value(result).unwrap();
        assert_conserved(&json);
        let by_code = result.packets.dropped.values().sum::<u64>();
        assert_eq!(by_code, dropped.values().sum::<u64>(), "{name}: the account has every drop");
    }
    for reason in DropReason::ALL {
        let facts = reason.facts();
        assert_eq!(GUARDS.contains(&reason), facts.scenario.is_none(), "{reason:?}: only guards name no scenario");
        let occurs_in = |played: &Played| played.dropped.contains_key(&reason);
        match facts.scenario {
            Some(named) if !played.get(named).is_some_and(occurs_in) => {
                wrong.push(format!("{reason:?} [{}] does not occur in {named}", facts.code));
            }
            None if played.values().any(occurs_in) => {
                wrong.push(format!("{reason:?} is no guard: a scenario causes it; name it in the table"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_is_complete_and_tells_reasons_apart() {
    let all: BTreeSet<DropReason> = DropReason::ALL.into_iter().collect();
    assert_eq!(all.len(), DropReason::ALL.len(), "no reason twice");
    let mut sentences = BTreeSet::new();
    for reason in all {
        let facts = reason.facts();
        let is_code =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(!facts.code.is_empty() && is_code(facts.code), "{reason:?}: {}", facts.code);
        assert!(sentences.insert(facts.sentence), "{reason:?} reads like another reason");
        assert!(!facts.remedy.is_empty() && !facts.sentence.ends_with('.'), "{reason:?}");
    }
}

/// What was dropped is also seen to be dropped: each scenario's own reason stands in a capture, beside the frame.
#[test]
fn the_scenarios_captures_hold_their_drops() {
    let reasons: BTreeMap<&str, BTreeSet<DropReason>> = DropReason::ALL
        .into_iter()
        .filter_map(|reason| Some((reason.facts().scenario?, reason)))
        .fold(BTreeMap::new(), |mut all, (scenario, reason)| {
            all.entry(scenario).or_insert_with(BTreeSet::new).insert(reason);
            all
        });
    let workplace = Workplace::new();
    for (name, reasons) in reasons {
        workplace.run(["run", name, "--out", "o", "--quiet"]).success();
        let result = workplace.result("o");
        assert_conserved(&result);
        let files = contents_of(&workplace.join("o"));
        let mut comments = String::new();
        for file in captures(&result) {
            whole_packets(&file, &files[&file]);
            comments += &String::from_utf8_lossy(&files[&file]);
        }
        for reason in reasons {
            let facts = reason.facts();
            let said = format!("[{}]: {}", facts.code, facts.sentence);
            assert!(comments.contains(&said), "{name}: no frame says {said}");
        }
    }
}

/// A link between two interfaces loses frames after they were seen: what was seen says that it went no further.
#[test]
fn a_frame_lost_between_two_interfaces_says_so_in_the_senders_capture() {
    let workplace = Workplace::new();
    workplace.write(
        "lossy.toml",
        "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"10.0.0.0/16\" }\n\
         [subnet]\na = { cidr = \"10.0.1.0/24\" }\nb = { cidr = \"10.0.2.0/24\" }\n\
         [instance]\napp = { subnet = \"a\" }\ndb = { subnet = \"b\" }\n[links]\nsame_az = { loss = 0.5 }\n\
         [[step]]\non = \"app\"\nsend = \"udp app:4000 -> db:5000\"\nrepeat = 40\nevery = \"1ms\"\nexpect.app = { reason = \"LINK_LOSS\" }\n",
    );
    workplace.run(["run", "lossy.toml", "--out", "o", "-q"]).success();
    let result = workplace.result("o");
    assert_conserved(&result);
    let drops = support::host(&result["steps"][0], "app")["drops"].as_array().unwrap();
    let lost = drops.iter().find(|drop| drop["code"] == "LINK_LOSS").unwrap()["packets"].as_u64().unwrap();
    assert!((5..=35).contains(&lost), "{lost} of 40");
    let files = contents_of(&workplace.join("o"));
    let own = files.iter().find(|(name, _)| name.starts_with("app.eni-")).unwrap().1;
    let said = String::from_utf8_lossy(own).matches("[LINK_LOSS]").count() as u64;
    assert_eq!(said, lost);
}

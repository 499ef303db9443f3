//! `set`: a link to a network on premises goes up or down.
//!
//! ```toml
//! set = { vpn = "office", tunnels = ["down", "down"] }
//! set = { direct_connect = "dx", state = "down" }
//! ```

use super::build::{state_at, tunnels_at};
use super::error::Problem;
use super::names::Kind;
use super::read::{Section, shown};
use std::fmt;

/// What becomes of a link to a network on premises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkChange {
    /// What the scenario calls it, or its id.
    pub link: String,
    /// What it is, and its new state.
    pub state: LinkState,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Which of the two tunnels of a VPN connection are up.
    Vpn([bool; 2]),
    /// Whether the BGP session of a virtual interface is up.
    DirectConnect(bool),
}

/// Reads the value of a step's `set`. `is_known` says whether a word can mean a link of the kind.
pub(super) fn read(step: &Section<'_, '_>, is_known: impl Fn(Kind, &str) -> bool) -> Option<LinkChange> {
    let section = step.section("set")?;
    let (vpn, direct_connect) = (section.text("vpn"), section.text("direct_connect"));
    let (tunnels, up) = (tunnels_at(&section), state_at(&section));
    section.finish();
    let lacks = |key: &str, example: &str| {
        let problem = Problem::new(step.span_of("set"), format!("\"set\" lacks \"{key}\""), "needed here");
        step.report(problem.help(format!("for example: {example}")));
    };
    let (kind, text, state) = match (vpn, direct_connect) {
        (Some(_), None) if !section.has("tunnels") => {
            lacks("tunnels", "set = { vpn = \"office\", tunnels = [\"down\", \"down\"] }");
            return None;
        }
        (None, Some(_)) if !section.has("state") => {
            lacks("state", "set = { direct_connect = \"dx\", state = \"down\" }");
            return None;
        }
        (Some(text), None) => (Kind::VpnConnection, text, LinkState::Vpn(tunnels?)),
        (None, Some(text)) => (Kind::VirtualInterface, text, LinkState::DirectConnect(up?)),
        _ => {
            let problem = Problem::new(step.span_of("set"), "\"set\" is about one link", "of which kind?");
            step.report(
                problem.help("expected { vpn = NAME, tunnels = [...] } or { direct_connect = NAME, state = ... }"),
            );
            return None;
        }
    };
    if !is_known(kind, text.text) {
        let message = format!("no {kind} is called \"{}\"", shown(text.text));
        step.report(Problem::new(text.contents(), message, format!("no such {kind}")));
        return None;
    }
    Some(LinkChange { link: text.text.to_owned(), state })
}

/// As a report shows it: `set office: tunnels down, up`.
impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |up: bool| if up { "up" } else { "down" };
        match self.state {
            LinkState::Vpn([first, second]) => {
                write!(f, "set {}: tunnels {}, {}", self.link, word(first), word(second))
            }
            LinkState::DirectConnect(up) => write!(f, "set {}: {}", self.link, word(up)),
        }
    }
}

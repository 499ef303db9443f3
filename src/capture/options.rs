//! What is captured, and in which form.
//!
//! Non-goal: knowing which vantage points there are; the tap asks for each as it appears.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{pcap, pcapng};

/// How a run captures. The default: every vantage point, in a pcapng file of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureOptions {
    /// What.
    pub selection: Selection,
    /// The form of the files of one vantage point each.
    pub format: Format,
    /// Whether there is also one capture of all vantage points together, which is always pcapng.
    pub merged: bool,
}

impl CaptureOptions {
    /// No captures: for whoever wants only a run's result.
    pub fn none() -> Self {
        CaptureOptions { selection: Selection::None, ..CaptureOptions::default() }
    }
}

/// The form of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// With comments, names, interfaces and TLS secrets.
    #[default]
    Pcapng,
    /// Frames and times only.
    Pcap,
}

impl Format {
    /// The files' ending.
    pub const fn extension(self) -> &'static str {
        match self {
            Format::Pcapng => "pcapng",
            Format::Pcap => "pcap",
        }
    }

    /// How many bytes at the front of `written`, which is a part of a file (`at_start`: its first), can be read as they are.
    pub fn whole_bytes(self, written: &[u8], at_start: bool) -> usize {
        match self {
            Format::Pcapng => pcapng::whole_blocks_bytes(written),
            Format::Pcap => pcap::whole_records_bytes(written, at_start),
        }
    }
}

/// Which vantage points are captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Every one.
    #[default]
    All,
    /// None.
    None,
    /// Some.
    Some {
        /// Network interfaces of instances, and hosts on the internet.
        nics: bool,
        /// Ids and names; both sides of a gateway have its name.
        words: BTreeSet<String>,
    },
}

impl Selection {
    /// Whether what is called so is captured. `words_of_it` are its ids and names.
    pub fn wants(&self, is_nic: bool, mut is_called: impl FnMut(&str) -> bool) -> bool {
        match self {
            Selection::All => true,
            Selection::None => false,
            Selection::Some { nics, words } => *nics && is_nic || words.iter().any(|word| is_called(word)),
        }
    }

    /// The ids and names asked for.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let words = match self {
            Selection::Some { words, .. } => Some(words),
            Selection::All | Selection::None => None,
        };
        words.into_iter().flatten().map(String::as_str)
    }
}

/// Why a selection cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Nothing between two commas, or nothing at all.
    #[error("a name is missing")]
    Empty,
    /// `all` or `none` beside something else.
    #[error("\"{0}\" stands alone")]
    NotAlone(String),
}

/// `none`, `nics`, `all`, or ids and names with commas between; `nics` may stand among them.
impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let mut words: BTreeSet<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
        if words.contains("") {
            return Err(SelectionError::Empty);
        }
        for (word, selection) in [("all", Selection::All), ("none", Selection::None)] {
            if words.contains(word) {
                let is_alone = words.len() == 1;
                return if is_alone { Ok(selection) } else { Err(SelectionError::NotAlone(word.to_owned())) };
            }
        }
        let nics = words.remove("nics");
        Ok(Selection::Some { nics, words })
    }
}

/// As it is read.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::All => f.pad("all"),
            Selection::None => f.pad("none"),
            Selection::Some { nics, words } => {
                let words: Vec<&str> =
                    nics.then_some("nics").into_iter().chain(words.iter().map(String::as_str)).collect();
                f.pad(&words.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_read_and_shown() {
        for text in ["all", "none", "nics", "app-1,vpce-9b15e2f2", "nics,ddb"] {
            let selection: Selection = text.parse().unwrap();
            assert_eq!(selection.to_string(), text);
        }
        assert_eq!(" app , app,".parse::<Selection>(), Err(SelectionError::Empty));
        assert_eq!("".parse::<Selection>(), Err(SelectionError::Empty));
        assert_eq!("app,all".parse::<Selection>(), Err(SelectionError::NotAlone("all".into())));
        assert_eq!("none,nics".parse::<Selection>(), Err(SelectionError::NotAlone("none".into())));
    }

    #[test]
    fn a_selection_wants_what_it_names() {
        let wants = |text: &str, is_nic, names: &[&str]| {
            text.parse::<Selection>().unwrap().wants(is_nic, |word| names.contains(&word))
        };
        assert!(wants("all", false, &[]) && !wants("none", true, &["app"]));
        assert!(wants("nics", true, &["app"]) && !wants("nics", false, &["ddb"]));
        assert!(wants("nics,ddb", false, &["ddb", "vpce-1"]) && !wants("ddb", true, &["app"]));
    }
}

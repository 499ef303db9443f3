//! The Wireshark profile "vpcsim", written beside the captures: a column for decisions, red for what was dropped, filter buttons, names
//! and JSON bodies shown, checksums judged.
//!
//! Purpose: opening a capture shows the tutorial's point without any setting. Written to `DIRECTORY/profiles/vpcsim/`, the profile is found
//! without any copying by `WIRESHARK_CONFIG_DIR=DIRECTORY wireshark -C vpcsim FILE`. Non-goals: knowing where Wireshark keeps its profiles,
//! preferences of taste. Sources: Wireshark's User's Guide, appendix "Configuration Files"; the column's and the tables' formats as
//! Wireshark 4.0 writes them.
//!
//! Invariant: the filters find a dropped frame by [`DROP_WORD`], and a road by the prefix of the id in the comment: the words of comments
//! are an interface.

/// The profile's name: `wireshark -C vpcsim`.
pub const NAME: &str = "vpcsim";

/// The word in a comment by which colours and buttons know a dropped frame. Other comments must not contain it.
pub const DROP_WORD: &str = "DROP";

/// The profile's files: name and contents.
pub const FILES: [(&str, &str); 5] = [
    ("preferences", include_str!("profile/preferences")),
    ("colorfilters", include_str!("profile/colorfilters")),
    ("dfilter_buttons", include_str!("profile/dfilter_buttons")),
    ("decode_as_entries", include_str!("profile/decode_as_entries")),
    ("recent", include_str!("profile/recent")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_coloured_first_and_have_the_first_button() {
        let first_entry = |file: &str| {
            let (_, contents) = FILES.iter().find(|(name, _)| *name == file).unwrap();
            contents.lines().find(|line| !line.starts_with('#')).unwrap().replace("\\x22", "\"")
        };
        let filter = format!("frame.comment contains \"{DROP_WORD}\"");
        for file in ["colorfilters", "dfilter_buttons"] {
            assert!(first_entry(file).contains(&filter), "{}", first_entry(file));
        }
    }
}

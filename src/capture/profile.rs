//! The Wireshark profiles "vpcsim" and, for captures of several vantage points, "vpcsim-merged", written beside the captures: a column for decisions, red for what was dropped, filter buttons, names
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

/// The name of the profile for merged captures, in which a packet stands once per vantage point.
pub const NAME_FOR_MERGED: &str = "vpcsim-merged";

/// What the profile for merged captures has instead: no TCP sequence analysis, which would call the copies retransmissions, and a column for
/// the vantage point, which is called as its own capture is. What remains: Wireshark 4.0 puts the segments of all vantage points into one
/// stream, so of a TLS record in several segments it reads only the first copy. Contents are best read in one vantage point's own capture.
const MERGED_PREFERENCES: [(&str, &str); 2] = [
    ("tcp.analyze_sequence_numbers: TRUE", "tcp.analyze_sequence_numbers: FALSE"),
    ("\t\"Source\",", "\t\"Seen at\", \"%Cus:frame.interface_name:0:R\",\n\t\"Source\","),
];

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

/// The files of the profile for merged captures: name and contents.
pub fn files_for_merged() -> [(&'static str, String); FILES.len()] {
    FILES.map(|(name, contents)| {
        let changed = MERGED_PREFERENCES.iter().fold(contents.to_owned(), |text, (from, to)| text.replace(from, to));
        (name, changed)
    })
}

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

    #[test]
    fn the_profile_for_merged_captures_differs_as_it_should() {
        for ((name, plain), (_, merged)) in FILES.into_iter().zip(files_for_merged()) {
            let changes = MERGED_PREFERENCES.iter().filter(|(from, to)| plain.contains(from) && merged.contains(to));
            assert_eq!(changes.count(), if name == "preferences" { MERGED_PREFERENCES.len() } else { 0 }, "{name}");
            let back = MERGED_PREFERENCES.iter().fold(merged, |text, (from, to)| text.replace(to, from));
            assert_eq!(back, plain, "{name}");
        }
    }
}

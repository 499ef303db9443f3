//! File names made from names in scenarios, which may hold anything.
//!
//! Invariants: the result is one path component, ASCII, not hidden, not an option to a command; the same input gives the same
//! name on every machine; [`FileNames`] gives no name twice, not even on file systems that ignore case.

use std::collections::BTreeSet;

/// Longest stem, in bytes; file systems allow 255 for a whole name.
const STEM_BYTES_MAX: usize = 100;

/// The name of a capture: `file_name("app-1", "eni-5f2103c4")` is `app-1.eni-5f2103c4.pcapng`.
pub fn file_name(name: &str, id: &str) -> String {
    format!("{}.pcapng", capture_stem(name, id))
}

/// Makes `text` fit for a file name: letters, digits, `-`, `_` and inner dots stay, everything else becomes `_`.
pub fn safe_stem(text: &str) -> String {
    let mut stem: String = text
        .chars()
        .take(STEM_BYTES_MAX)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    // A leading dot hides the file (or climbs), a leading dash makes it an option, a trailing dot is lost on Windows.
    if stem.starts_with(['.', '-']) {
        stem.replace_range(..1, "_");
    }
    if stem.ends_with('.') {
        stem.replace_range(stem.len() - 1.., "_");
    }
    if stem.is_empty() { "unnamed".to_owned() } else { stem }
}

/// Hands out file names for one directory, each only once.
#[derive(Clone, Debug, Default)]
pub struct FileNames {
    taken: BTreeSet<String>,
}

impl FileNames {
    /// `STEM.EXTENSION`, or `STEM-2.EXTENSION` and so on if that is taken. `stem` should come from [`safe_stem`].
    pub fn unique(&mut self, stem: &str, extension: &str) -> String {
        let mut candidate = format!("{stem}.{extension}");
        let mut number = 2u64;
        while !self.taken.insert(candidate.to_ascii_lowercase()) {
            candidate = format!("{stem}-{number}.{extension}");
            number += 1;
        }
        candidate
    }
}

/// A capture's name without its extension; of name and id one may be empty.
pub(super) fn capture_stem(name: &str, id: &str) -> String {
    match (name, id) {
        (name, "") => safe_stem(name),
        ("", id) => safe_stem(id),
        (name, id) => format!("{}.{}", safe_stem(name), safe_stem(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay() {
        assert_eq!(file_name("app-1", "eni-5f2103c4"), "app-1.eni-5f2103c4.pcapng");
        assert_eq!(safe_stem("web.v2_A"), "web.v2_A");
    }

    #[test]
    fn odd_names_become_one_harmless_component() {
        assert_eq!(file_name("a b/c:d", "eni-1"), "a_b_c_d.eni-1.pcapng");
        assert_eq!(file_name("../../etc/passwd", "eni-1"), "_._.._etc_passwd.eni-1.pcapng");
        assert_eq!(file_name("-rf", "eni-1"), "_rf.eni-1.pcapng");
        assert_eq!(file_name("", "eni-1"), "eni-1.pcapng");
        assert_eq!(file_name("laptop", ""), "laptop.pcapng");
        assert_eq!(safe_stem("."), "_");
        assert_eq!(safe_stem("caf\u{e9}\0"), "caf__");
        assert_eq!(safe_stem(&"x".repeat(5_000)).len(), STEM_BYTES_MAX);
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = FileNames::default();
        assert_eq!(names.unique("app.eni-1", "pcapng"), "app.eni-1.pcapng");
        assert_eq!(names.unique("App.eni-1", "pcapng"), "App.eni-1-2.pcapng");
        assert_eq!(names.unique("app.eni-1", "pcapng"), "app.eni-1-3.pcapng");
        assert_eq!(names.unique("app.eni-1", "hgrm"), "app.eni-1.hgrm");
    }
}

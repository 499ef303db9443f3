//! Style that a machine can check: heads, lengths, leftovers.

mod source;

use source::{SourceFile, without_comments_and_strings};

/// One job a file: longer ones have two.
const LINES_MAX: usize = 650;

/// Words of unfinished work, put together here so that this file does not contain them.
const LEFTOVERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("dbg", "!"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
];

/// Beginnings of paths that exist on somebody's machine only.
const MACHINE_PATHS: [&str; 5] =
    [concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("C:", "\\")];

#[test]
fn sources_are_tidy() {
    let mut found = Vec::new();
    let sources = source::files("src");
    assert!(sources.len() > 20, "only {} files found: is the test looking in the right place?", sources.len());
    for file in &sources {
        found.extend(untidy_head(file));
        found.extend(untidy_length(file));
    }
    for file in sources.iter().chain(&source::files("tests")) {
        found.extend(leftovers(file));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every file says at its head what it is for.
fn untidy_head(file: &SourceFile) -> Option<String> {
    let first = file.text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//! ").is_some_and(|words| words.trim().len() > 3);
    (!says_something).then(|| format!("{}:1: begin with `//!` and what the module is for", file.path))
}

fn untidy_length(file: &SourceFile) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LINES_MAX).then(|| format!("{}:{lines}: more than {LINES_MAX} lines: split it by jobs", file.path))
}

fn leftovers(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.path, number + 1);
        for word in LEFTOVERS.iter().filter(|word| has_word(line, word)) {
            found.push(format!("{place}: `{word}`: finish it, or write an issue"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| line.contains(**path)) {
            found.push(format!("{place}: `{path}` exists on one machine only"));
        }
        if line.ends_with([' ', '\t']) {
            found.push(format!("{place}: white space at the end of the line"));
        }
    }
    found
}

/// Whether `word` stands in `line`, not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = !word.ends_with('!') && line[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

#[test]
fn untidy_files_are_found() {
    let file = |text: &str| SourceFile { path: "src/x.rs".to_owned(), text: text.to_owned() };
    assert!(untidy_head(&file("use std::fmt;\n")).is_some());
    assert!(untidy_head(&file("//!\n")).is_some());
    assert!(untidy_head(&file("//! Addresses.\n")).is_none());
    assert!(untidy_length(&file(&"x\n".repeat(LINES_MAX + 1))).is_some());
    assert!(untidy_length(&file(&"x\n".repeat(LINES_MAX))).is_none());
    for word in LEFTOVERS {
        assert_eq!(leftovers(&file(&format!("fine\n{word}(x)"))).len(), 1, "{word}");
        assert_eq!(leftovers(&file(&format!("a{word}"))).len(), 0, "{word}");
    }
    for path in MACHINE_PATHS {
        assert_eq!(leftovers(&file(&format!("open(\"{path}me\")"))).len(), 1, "{path}");
    }
    assert_eq!(leftovers(&file("x \ny")).len(), 1);
}

/// The scanner that the layering test relies on keeps line numbers.
#[test]
fn stripping_keeps_lines() {
    for file in source::files("src") {
        let stripped = without_comments_and_strings(&file.text);
        assert_eq!(stripped.lines().count(), file.text.lines().count(), "{}", file.path);
    }
}

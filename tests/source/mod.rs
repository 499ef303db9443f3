//! Reading the crate's own source: which files there are, and their text without comments, strings and test code.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part of it")]

use std::path::{Path, PathBuf};

/// A source file: its path from the project's root, with `/`, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Every `.rs` file below `directory` of the project, sorted.
pub fn files(directory: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join(directory), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let relative = path.strip_prefix(root).expect("found below the root");
        let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        SourceFile { path: parts.join("/"), text }
    };
    found.into_iter().map(read).collect()
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("a readable directory entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `text` with comments, strings and character literals blanked out; line breaks stay, so that line numbers do too.
pub fn without_comments_and_strings(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < source.len() {
        let end = match source[at] {
            '/' if source.get(at + 1) == Some(&'/') => end_of_line(&source, at),
            '/' if source.get(at + 1) == Some(&'*') => end_of_block_comment(&source, at),
            '"' => end_of_string(&source, at),
            'r' if !is_word(source.get(at.wrapping_sub(1)).filter(|_| at > 0)) || is_byte_prefix(&source, at) => {
                end_of_raw_string(&source, at)
            }
            '\'' => end_of_char(&source, at),
            _ => at,
        };
        if end == at {
            code.push(source[at]);
            at += 1;
        } else {
            code.extend(source[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn is_word(c: Option<&char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

/// The `r` of `br"`.
fn is_byte_prefix(source: &[char], at: usize) -> bool {
    at > 0 && matches!(source[at - 1], 'b' | 'c') && (at == 1 || !is_word(source.get(at - 2)))
}

fn end_of_line(source: &[char], at: usize) -> usize {
    (at..source.len()).find(|i| source[*i] == '\n').unwrap_or(source.len())
}

fn end_of_block_comment(source: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < source.len() {
        match (source[at], source.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    source.len()
}

fn end_of_string(source: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < source.len() {
        match source[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// `r"..."`, `r#"..."#`; anything else beginning with `r` is no string.
fn end_of_raw_string(source: &[char], start: usize) -> usize {
    let hashes = source[start + 1..].iter().take_while(|c| **c == '#').count();
    if source.get(start + 1 + hashes) != Some(&'"') {
        return start;
    }
    let closes = |at: usize| source[at] == '"' && (1..=hashes).all(|by| source.get(at + by) == Some(&'#'));
    let first = start + 2 + hashes;
    (first..source.len()).find(|at| closes(*at)).map_or(source.len(), |at| at + 1 + hashes)
}

/// A character literal; a lifetime is none.
fn end_of_char(source: &[char], start: usize) -> usize {
    match (source.get(start + 1), source.get(start + 2)) {
        (Some('\\'), Some(_)) => {
            (start + 3..source.len()).find(|at| source[*at] == '\'').map_or(source.len(), |at| at + 1)
        }
        (Some(_), Some('\'')) => start + 3,
        _ => start,
    }
}

/// `code` (already without comments and strings) with every item under `#[cfg(test)]` blanked out, and the names of modules
/// under it that live in files of their own.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = code.to_owned();
    let mut files = Vec::new();
    while let Some(start) = kept.find(MARK) {
        let rest = &kept[start + MARK.len()..];
        let length = MARK.len() + item_length(rest);
        let item = &kept[start + MARK.len()..start + length];
        if let Some(name) = item.trim().strip_suffix(';').and_then(|item| item.rsplit_once("mod ")) {
            files.push(name.1.trim().to_owned());
        }
        let blank: String = kept[start..start + length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        // Blanking turns characters into single bytes: the rest moves, but line numbers do not.
        kept = format!("{}{blank}{}", &kept[..start], &kept[start + length..]);
    }
    (kept, files)
}

/// Bytes up to and including the `;` or the closing brace that ends the item at the beginning of `code`.
fn item_length(code: &str) -> usize {
    let (mut depth, mut brackets) = (0i32, 0i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth <= 0 {
                    // `use a::{b, c};` ends behind the brace.
                    let after = code[at + 1..].trim_start();
                    let semicolon = after.starts_with(';');
                    return if semicolon { code.len() - after.len() + 1 } else { at + 1 };
                }
            }
            ';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The 1-based line of a byte position.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

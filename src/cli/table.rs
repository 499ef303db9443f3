//! Text that fits: columns, wrapping, units.

use std::fmt::Write;

/// The widest line that is printed.
pub(super) const WIDTH: usize = 100;

/// Rows whose columns line up, with two blanks between. Trailing blanks are cut.
pub(super) fn columns(rows: &[Vec<String>], right_aligned: &[usize]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<_> = (0..count)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let width = widths[column];
            let _ = match right_aligned.contains(&column) {
                true => write!(text, "{gap}{cell:>width$}"),
                false => write!(text, "{gap}{cell:<width$}"),
            };
        }
        text.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Breaks `text` at blanks so that every line, indented by `indent` blanks, fits. A word longer than a line is cut.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let width = WIDTH - indent;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let last = lines.len() - 1;
            let used = lines[last].chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= width {
                if gap == 1 {
                    lines[last].push(' ');
                }
                lines[last].extend(word.drain(..));
            } else if used > 0 {
                lines.push(String::new());
            } else {
                lines[last].extend(word.drain(..width));
            }
        }
    }
    let pad = " ".repeat(indent);
    lines.iter().map(|line| format!("{pad}{line}\n")).collect()
}

/// `text` on one line of at most `width` characters, cut with an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// `7.9 kB`; powers of 1,000.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(columns(&[row("a", "10"), row("long", "9")], &[1]), ["a     10", "long   9"]);
    }

    #[test]
    fn wrapping_keeps_every_word_and_never_exceeds_the_width() {
        let text = format!("{} {}", "word ".repeat(60), "x".repeat(250));
        let wrapped = wrap(&text, 4);
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH && line.starts_with("    ")));
        assert_eq!(wrapped.matches("word").count(), 60);
        assert_eq!(wrapped.matches('x').count(), 250);
    }

    #[test]
    fn sizes_and_cuts() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(7_900), "7.9 kB");
        assert_eq!(cut("a  b\n c", 10), "a b c");
        assert_eq!(cut("abcdefghijkl", 8), "abcde...");
    }
}

//! Text that fits: columns, wrapping, units.

use std::fmt::Write;

/// The widest line that is printed.
pub(super) const WIDTH: usize = 100;

/// Column widths that fit a set of rows.
pub(super) struct Layout {
    widths: Vec<usize>,
    right_aligned: Vec<usize>,
}

impl Layout {
    /// The layout in which all `rows` line up, the columns in `right_aligned` at their right side.
    pub(super) fn of(rows: &[Vec<String>], right_aligned: &[usize]) -> Layout {
        let count = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths = (0..count).map(|column| widest(column).unwrap_or(0)).collect();
        Layout { widths, right_aligned: right_aligned.to_vec() }
    }

    /// One row, two blanks between the columns. Trailing blanks are cut.
    pub(super) fn line(&self, row: &[String]) -> String {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let width = self.widths.get(column).copied().unwrap_or(0);
            let _ = match self.right_aligned.contains(&column) {
                true => write!(text, "{gap}{cell:>width$}"),
                false => write!(text, "{gap}{cell:<width$}"),
            };
        }
        text.trim_end().to_owned()
    }
}

/// Breaks `text` at blanks so that every line, indented by `indent` blanks, fits. A word longer than a line is cut.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    wrap_to(text, indent, WIDTH - indent).iter().map(|line| format!("{line}\n")).collect()
}

/// Breaks `text` at blanks into lines of at most `width` characters, each behind `indent` blanks.
pub(super) fn wrap_to(text: &str, indent: usize, width: usize) -> Vec<String> {
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
    lines.iter().map(|line| format!("{pad}{line}")).collect()
}

/// Breaks a command as a shell would let one type it, so that it can be copied: a backslash at every line's end but the last.
pub(super) fn wrap_command(command: &str, indent: usize) -> String {
    // Four columns are kept: two for " \\", two for the deeper indent of the lines that follow.
    let lines = wrap_to(command, indent, WIDTH - indent - 4);
    let last = lines.len() - 1;
    let continued = |(position, line): (usize, &String)| match position {
        0 if last == 0 => format!("{line}\n"),
        position if position == last => format!("  {line}\n"),
        0 => format!("{line} \\\n"),
        _ => format!("  {line} \\\n"),
    };
    lines.iter().enumerate().map(continued).collect()
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
        let rows = [("a", "10"), ("long", "9")].map(|(a, b)| vec![a.to_owned(), b.to_owned()]);
        let layout = Layout::of(&rows, &[1]);
        assert_eq!(rows.map(|row| layout.line(&row)), ["a     10", "long   9"]);
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
    fn wrapped_commands_fit_and_can_be_copied() {
        for length in 40..85 {
            let command = format!("aws {} --option {}", "x".repeat(length), "y".repeat(30));
            let wrapped = wrap_command(&command, 8);
            assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
            let pasted = wrapped.replace("\\\n", " ");
            assert_eq!(pasted.split_whitespace().collect::<Vec<_>>().join(" "), command);
        }
    }

    #[test]
    fn sizes_and_cuts() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(7_900), "7.9 kB");
        assert_eq!(cut("a  b\n c", 10), "a b c");
        assert_eq!(cut("abcdefghijkl", 8), "abcde...");
    }
}

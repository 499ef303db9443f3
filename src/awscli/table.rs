//! `--output table`: sections of rows in a frame.
//!
//! Source: AWS CLI user guide, "Table output format"; character by character as the CLI's own formatter does on a terminal of 80
//! columns without colours, with which `tests/api_botocore.rs` compares. Non-goal: colours.

use super::text::{is_scalar, scalar};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthChar;

/// Columns of the simulated terminal. Wider tables are turned: headers become a column.
const TERMINAL_WIDTH: usize = 80;
/// Blanks around a cell's text, its border included.
const PADDING: usize = 4;

/// The table of a document under the operation's name; empty if there is nothing to show.
///
/// # Errors
/// The CLI's own complaint about rows of different lengths.
pub(super) fn format(title: &str, document: &Value) -> Result<String, String> {
    let mut table = Table::default();
    table.build(Some(title), document, 0)?;
    Ok(table.render())
}

#[derive(Default)]
struct Table {
    sections: Vec<Section>,
}

#[derive(Default)]
struct Section {
    title: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    level: usize,
    column_count: Option<usize>,
    /// The widest text of each column.
    widths: Vec<usize>,
}

impl Table {
    fn build(&mut self, title: Option<&str>, value: &Value, level: usize) -> Result<(), String> {
        let is_empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Bool(true) => false,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(elements) => elements.is_empty(),
            Value::Object(fields) => fields.is_empty(),
        };
        if is_empty {
            return Ok(());
        }
        if let Some(title) = title {
            self.new_section(title, level);
        }
        match value {
            Value::Array(elements) => match elements.first() {
                Some(Value::Object(_)) => self.list_of_structures(elements, level, title),
                _ => self.list(elements),
            },
            Value::Object(fields) => self.structure(fields, level),
            _ => Ok(()),
        }
    }

    fn list(&mut self, elements: &[Value]) -> Result<(), String> {
        for element in elements {
            match element {
                Value::Array(inner) if inner.iter().all(is_scalar) => {
                    self.current().add_row(inner.iter().map(scalar).collect())?;
                }
                Value::Array(_) | Value::Object(_) => self.build(None, element, 0)?,
                element => self.current().add_row(vec![scalar(element)])?,
            }
        }
        Ok(())
    }

    fn structure(&mut self, fields: &Map<String, Value>, level: usize) -> Result<(), String> {
        let (headers, more) = keys(std::iter::once(fields));
        let cell = |header: &&str| scalar(&fields[*header]);
        match headers.as_slice() {
            [] => {}
            [only] => {
                let row = vec![(*only).to_owned(), cell(only)];
                self.current().add_row(row)?;
            }
            headers => {
                let row = headers.iter().map(cell).collect();
                self.current().add_header(headers);
                self.current().add_row(row)?;
            }
        }
        for name in more {
            self.build(Some(name), &fields[name], level + 1)?;
        }
        Ok(())
    }

    fn list_of_structures(&mut self, elements: &[Value], level: usize, title: Option<&str>) -> Result<(), String> {
        let structures: Vec<&Map<String, Value>> = elements.iter().filter_map(Value::as_object).collect();
        let (headers, more) = keys(structures.iter().copied());
        self.current().add_header(&headers);
        for (position, fields) in structures.into_iter().enumerate() {
            if position > 0 && !more.is_empty() {
                self.new_section(title.unwrap_or_default(), level);
                self.current().add_header(&headers);
            }
            let row = headers.iter().map(|header| fields.get(*header).map(scalar).unwrap_or_default()).collect();
            self.current().add_row(row)?;
            for name in &more {
                if let Some(value) = fields.get(*name) {
                    self.build(Some(name), value, level + 1)?;
                }
            }
        }
        Ok(())
    }

    fn new_section(&mut self, title: &str, level: usize) {
        self.sections.push(Section { title: title.to_owned(), level, ..Section::default() });
    }

    fn current(&mut self) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    fn render(mut self) -> String {
        let Some(mut width) = self.width() else { return String::new() };
        if width > TERMINAL_WIDTH {
            self.sections.iter_mut().for_each(Section::turn);
            width = self.width().unwrap_or(width);
        }
        let mut text = "-".repeat(width) + "\n";
        for section in &self.sections {
            section.render(width - 2 * section.level, &mut text);
        }
        text
    }

    fn width(&self) -> Option<usize> {
        self.sections.iter().map(Section::width).max()
    }
}

/// Names of scalar members, and of the others, each sorted.
fn keys<'f>(structures: impl Iterator<Item = &'f Map<String, Value>>) -> (Vec<&'f str>, Vec<&'f str>) {
    let (mut headers, mut more) = (BTreeSet::new(), BTreeSet::new());
    for (name, value) in structures.flatten() {
        if is_scalar(value) {
            headers.insert(name.as_str())
        } else {
            more.insert(name.as_str())
        };
    }
    (headers.into_iter().collect(), more.into_iter().collect())
}

impl Section {
    fn add_header(&mut self, headers: &[&str]) {
        self.headers = headers.iter().map(|header| (*header).to_owned()).collect();
        self.column_count.get_or_insert(headers.len());
        let headers = self.headers.clone();
        self.widen(&headers);
    }

    fn add_row(&mut self, row: Vec<String>) -> Result<(), String> {
        let columns = *self.column_count.get_or_insert(row.len());
        if row.len() != columns {
            return Err(format!("Row should have {columns} elements, instead it has {}", row.len()));
        }
        self.widen(&row);
        self.rows.push(row);
        Ok(())
    }

    fn widen(&mut self, row: &[String]) {
        if self.widths.is_empty() {
            self.widths = vec![0; row.len()];
        }
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(display_width(cell));
        }
    }

    /// A single row with headers becomes a row for each header.
    fn turn(&mut self) {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return;
        }
        let mut turned = Section { title: std::mem::take(&mut self.title), level: self.level, ..Section::default() };
        let cells = self.rows.pop().unwrap_or_default();
        for (header, cell) in std::mem::take(&mut self.headers).into_iter().zip(cells) {
            // Every row has two cells.
            let added = turned.add_row(vec![header, cell]);
            debug_assert!(added.is_ok(), "rows of two cells");
        }
        *self = turned;
    }

    fn width(&self) -> usize {
        let border = 2;
        let cells: usize = self.widths.iter().map(|width| width + PADDING).sum();
        (display_width(&self.title) + border).max(cells + border) + 2 * self.level
    }

    fn render(&self, width: usize, text: &mut String) {
        let mut put = |line: String| {
            let edge = "|".repeat(self.level);
            text.push_str(&format!("{edge}{line}{edge}\n"));
        };
        if !self.title.is_empty() {
            put(centred(&self.title, width, "|"));
            if self.headers.is_empty() && self.rows.is_empty() {
                put(format!("+{}+", "-".repeat(width.saturating_sub(2))));
            }
        }
        let widths = self.column_widths(width);
        let rule: String = widths
            .iter()
            .enumerate()
            .map(|(at, width)| match at {
                0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
                _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
            })
            .collect();
        let left_edge = |at: usize| if at == 0 { "|" } else { "" };
        if !self.headers.is_empty() {
            put(rule.clone());
            let cells = widths.iter().zip(&self.headers).enumerate();
            put(cells.map(|(at, (width, header))| centred(header, *width, left_edge(at))).collect());
        }
        if self.rows.is_empty() || widths.is_empty() {
            return;
        }
        put(rule.clone());
        for row in &self.rows {
            let cells = widths.iter().zip(row).enumerate();
            put(cells.map(|(at, (width, cell))| left_aligned(cell, *width, left_edge(at))).collect());
        }
        put(rule);
    }

    /// The columns stretched, or squeezed, to a whole line.
    fn column_widths(&self, width: usize) -> Vec<usize> {
        let natural: Vec<usize> = self.widths.iter().map(|width| width + PADDING).collect();
        if natural.is_empty() {
            return natural;
        }
        let factor = width as f64 / natural.iter().sum::<usize>() as f64;
        let mut scaled: Vec<usize> =
            natural.iter().map(|width| (factor * *width as f64).round_ties_even() as usize).collect();
        // Rounding leaves a few columns over: taken from the left, given from the right.
        let mut total: usize = scaled.iter().sum();
        while total != width {
            let count = scaled.len();
            for at in 0..count {
                if total > width {
                    scaled[at] = scaled[at].saturating_sub(1);
                    total -= 1;
                } else {
                    scaled[count - 1 - at] += 1;
                    total += 1;
                }
                if total == width {
                    break;
                }
            }
        }
        scaled
    }
}

/// `|  text  |`
fn centred(text: &str, length: usize, left_edge: &str) -> String {
    let text_width = display_width(text);
    let before = (length / 2).saturating_sub(text_width / 2 + 1);
    let after = length.saturating_sub(1 + left_edge.len() + before + text_width);
    format!("{left_edge}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

/// `|  text    |`; without room for the padding, without it.
fn left_aligned(text: &str, length: usize, left_edge: &str) -> String {
    let text_width = display_width(text);
    let padding = if length >= text_width + 2 + left_edge.len() + 1 { 2 } else { 0 };
    let after = length.saturating_sub(1 + left_edge.len() + padding + text_width);
    format!("{left_edge}{}{text}{}|", " ".repeat(padding), " ".repeat(after))
}

/// Letters that Unicode calls ambiguous in width (Annex 11) and `unicode-width` takes for narrow, because they are composed of narrow ones.
const AMBIGUOUS: &str = "àáèéêìíòóùúüāēěīńňōūǎǐǒǔǖǘǚǜЁЙйё\u{2126}\u{212b}≠≮≯";

/// Full-width letters, and those that may be, take two columns, as in the CLI.
fn display_width(text: &str) -> usize {
    let is_wide = |letter: char| letter.width_cjk() == Some(2) || AMBIGUOUS.contains(letter);
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
}

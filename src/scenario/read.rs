//! Reading TOML with source spans: typed getters that report what they expected and where.
//!
//! Why not serde: walking the parsed document keeps the exact place of every value (also inside strings), reports several
//! problems at once, and every table knows its keys ([`super::schema`]), which is what "did you mean" needs.
//! Invariant: a getter that answers `None` for a key that is there has reported a problem.

use super::error::{Problem, Span};
use super::schema::Shape;
use std::cell::RefCell;
use std::net::Ipv6Addr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects the problems of one scenario.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a str,
    problems: RefCell<Vec<Problem>>,
}

/// Problems beyond this are not even collected (the report shows [`super::error::PROBLEMS_MAX`]).
const COLLECTED_MAX: usize = 1_000;

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Reader { source, problems: RefCell::default() }
    }

    pub(super) fn report(&self, mut problem: Problem) {
        let place = problem.labels.first().and_then(|(span, _)| self.source.get(span.clone()));
        if place.is_some_and(is_ipv6) {
            problem.help = Some("vpcsim does not simulate IPv6: addresses and blocks are IPv4's".to_owned());
        }
        let mut problems = self.problems.borrow_mut();
        if problems.len() < COLLECTED_MAX {
            problems.push(problem);
        }
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// `value` as text; reports other types.
    fn text(&self, what: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Text<'a>> {
        match value.get_ref() {
            DeValue::String(text) => Some(Text::new(self.source, text, value.span())),
            other => {
                self.report(Problem::new(
                    value.span(),
                    format!("{what} is a text in quotes, not {}", article(other.type_str())),
                    "expected a text in quotes",
                ));
                None
            }
        }
    }
}

/// Whether what is wrong is an IPv6 address or block.
fn is_ipv6(place: &str) -> bool {
    let word = place.trim_matches(['"', '\'']);
    word.split('/').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// A text and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
    /// Where the contents begin, if the source shows them without escapes.
    exact: Option<usize>,
}

impl<'a> Text<'a> {
    fn new(source: &str, text: &'a str, span: Span) -> Self {
        let raw = source.get(span.clone()).unwrap_or_default();
        let exact = ["\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"].iter().find_map(|quote| {
            let rest = raw.strip_prefix(quote)?.strip_suffix(quote.trim_end())?;
            (rest == text).then_some(span.start + quote.len())
        });
        Text { text, span, exact }
    }

    /// The place of the bytes `range` of the text: exact where the source has no escapes, else the whole value.
    pub(super) fn part(&self, range: Span) -> Span {
        match self.exact {
            Some(start) => start + range.start..start + range.end,
            None => self.span.clone(),
        }
    }

    /// `word`, which must be a slice of the text, as a text of its own.
    pub(super) fn sliced(&self, word: &'a str) -> Text<'a> {
        let span = self.place(word);
        Text { text: word, exact: self.exact.map(|_| span.start), span }
    }

    /// The place of the whole text without its quotes.
    pub(super) fn contents(&self) -> Span {
        self.part(0..self.text.len())
    }

    /// The place of `word`, which must be a slice of the text.
    pub(super) fn place(&self, word: &str) -> Span {
        let start = (word.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        match start {
            Some(start) if start + word.len() <= self.text.len() => self.part(start..start + word.len()),
            _ => self.span.clone(),
        }
    }
}

/// A number as it is written, and where.
#[derive(Clone, Debug)]
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// One table of the file, being read.
#[derive(Debug)]
pub(super) struct Section<'a, 'r> {
    pub(super) reader: &'r Reader<'a>,
    /// What it describes, for messages: `instance "app"`.
    pub(super) what: String,
    pub(super) span: Span,
    table: &'a DeTable<'a>,
    /// Which keys it may have.
    shape: &'static Shape,
}

impl<'a, 'r> Section<'a, 'r> {
    pub(super) fn new(
        reader: &'r Reader<'a>,
        what: impl Into<String>,
        span: Span,
        table: &'a DeTable<'a>,
        shape: &'static Shape,
    ) -> Self {
        Section { reader, what: what.into(), span, table, shape }
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.shape.key(key).is_some(), "{}: add \"{key}\" to scenario/schema/shapes.rs", self.shape.doc);
        self.table.get(key)
    }

    /// The shape of what stands at `key`, which must be a table.
    fn shape_below(&self, key: &'static str) -> &'static Shape {
        debug_assert!(
            self.shape.below(key).is_some(),
            "{}: \"{key}\" is no table in scenario/schema/shapes.rs",
            self.shape.doc
        );
        self.shape.below(key).unwrap_or(self.shape)
    }

    /// The first line of the section's place: a heading rather than pages of table.
    pub(super) fn first_line(&self) -> Span {
        let text = self.reader.source.get(self.span.clone()).unwrap_or_default();
        self.span.start..self.span.start + text.find('\n').unwrap_or(text.len())
    }

    /// Whether `key` is given.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Where the value of `key` stands; the section's own place if it is not given.
    pub(super) fn span_of(&self, key: &'static str) -> Span {
        self.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    pub(super) fn report(&self, problem: Problem) {
        self.reader.report(problem);
    }

    pub(super) fn text(&self, key: &'static str) -> Option<Text<'a>> {
        self.reader.text(&format!("\"{key}\""), self.get(key)?)
    }

    /// The text of a key that must be given.
    pub(super) fn required_text(&self, key: &'static str, example: &str) -> Option<Text<'a>> {
        if !self.has(key) {
            self.report(
                Problem::new(self.span.clone(), format!("{} has no \"{key}\"", self.what), "needed here")
                    .help(format!("for example: {key} = {example}")),
            );
        }
        self.text(key)
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let DeValue::Boolean(flag) = value.get_ref() else {
            self.wrong_type(key, value, "true or false");
            return None;
        };
        Some(*flag)
    }

    /// A whole number within `range`.
    pub(super) fn integer(&self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let parsed = u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number));
        if parsed.is_none() {
            let (from, to) = (range.start(), range.end());
            let message = format!("\"{key}\" of {number} is out of range");
            self.report(Problem::new(value.span(), message, format!("expected {from} to {to}")));
        }
        parsed
    }

    /// A share, 0 to 1.
    pub(super) fn share(&self, key: &'static str) -> Option<f64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let share = number.filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            self.report(Problem::new(value.span(), format!("\"{key}\" is a share"), "expected a number from 0 to 1"));
        }
        share
    }

    /// A number as it is written, whole or with decimals.
    pub(super) fn number(&self, key: &'static str) -> Option<Number<'a>> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Float(number) => number.as_str(),
            // Prices and their like are written in tens: digits of another radix are no number here.
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            _ => {
                self.wrong_type(key, value, "a number");
                return None;
            }
        };
        Some(Number { text, span: value.span() })
    }

    pub(super) fn datetime(&self, key: &'static str) -> Option<(toml::value::Datetime, Span)> {
        let value = self.get(key)?;
        let DeValue::Datetime(date) = value.get_ref() else {
            self.wrong_type(key, value, "a date without quotes, 2026-01-01T00:00:00Z");
            return None;
        };
        Some((*date, value.span()))
    }

    /// A list of texts. `None` if the key is not given.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<Text<'a>>> {
        let value = self.get(key)?;
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_type(key, value, "a list of texts, [\"...\", \"...\"]");
            return None;
        };
        Some(values.iter().filter_map(|item| self.reader.text(&format!("an item of \"{key}\""), item)).collect())
    }

    /// One text or a list of them. Empty if the key is not given.
    pub(super) fn text_or_texts(&self, key: &'static str) -> Vec<Text<'a>> {
        match self.get(key).map(Spanned::get_ref) {
            None => Vec::new(),
            Some(DeValue::Array(_)) => self.texts(key).unwrap_or_default(),
            Some(_) => self.text(key).into_iter().collect(),
        }
    }

    /// A value that is a text or something else (`public_ip = true`): the text, if it is one.
    pub(super) fn is_text(&self, key: &'static str) -> bool {
        matches!(self.get(key).map(Spanned::get_ref), Some(DeValue::String(_)))
    }

    /// The table at `key`.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a, 'r>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table, { key = value, ... }");
            return None;
        };
        Some(Section::new(self.reader, format!("\"{key}\""), value.span(), table, self.shape_below(key)))
    }

    /// The named tables below `key`, in the order of the file: `[instance] app = { ... }` or `[instance.app]`.
    pub(super) fn items(&self, key: &'static str) -> Vec<(Text<'a>, Section<'a, 'r>)> {
        let Some(section) = self.section(key) else { return Vec::new() };
        let kind = key.replace('_', " ");
        section.all_items(|name| format!("{kind} \"{name}\""))
    }

    /// Every key of this section whose value must be a table, in the order of the file.
    pub(super) fn all_items(&self, what: impl Fn(&str) -> String) -> Vec<(Text<'a>, Section<'a, 'r>)> {
        let mut items = Vec::new();
        for (key, value) in self.table {
            let name: &'a str = key.get_ref();
            let text = Text::new(self.reader.source, name, key.span());
            match value.get_ref() {
                DeValue::Table(table) => {
                    let shape = self.shape.named.unwrap_or(self.shape);
                    items.push((text, Section::new(self.reader, what(name), key.span(), table, shape)));
                }
                other => self.report(Problem::new(
                    value.span(),
                    format!("{} is a table, not {}", what(name), article(other.type_str())),
                    "expected { key = value, ... }",
                )),
            }
        }
        items.sort_by_key(|(name, _)| name.span.start);
        items
    }

    /// The tables of `[[key]]`, in the order of the file.
    pub(super) fn array_of_sections(&self, key: &'static str) -> Vec<Section<'a, 'r>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_type(key, value, &format!("tables headed [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in (1..).zip(values.iter()) {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let shape = self.shape_below(key);
                    sections.push(Section::new(self.reader, format!("{key} {number}"), item.span(), table, shape));
                }
                _ => self.wrong_type(key, item, &format!("tables headed [[{key}]]")),
            }
        }
        sections
    }

    /// Reports every key that such a table does not have.
    pub(super) fn finish(&self) {
        let known: Vec<&'static str> = self.shape.keys.iter().map(|key| key.name).collect();
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let suggestion = match closest(name, known.iter().copied()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => "no such key".to_owned(),
            };
            self.report(
                Problem::new(key.span(), format!("{} has no key \"{}\"", self.what, shown(name)), suggestion)
                    .help(format!("its keys are: {}", known.join(", "))),
            );
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let got = article(value.get_ref().type_str());
        self.report(Problem::new(value.span(), format!("\"{key}\" is {got}"), format!("expected {wanted}")));
    }
}

/// The known word nearest to `word`, if any is near.
pub fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > 100 {
        return None;
    }
    // Transposed letters in short words score low in Jaro-Winkler: one edit is near as well.
    let near = |candidate: &'k str| {
        let one_edit = word.len() > 2 && strsim::osa_distance(word, candidate) == 1;
        let likeness = strsim::jaro_winkler(word, candidate);
        (if one_edit { likeness.max(0.9) } else { likeness }, candidate)
    };
    known
        .into_iter()
        .map(near)
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

/// `text` for a message: cut if long.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

pub(super) fn article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'e', 'i', 'o', 'u', 'E']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

/// For tests of what values say: texts called a, b and c.
#[cfg(test)]
pub(super) static TEST_SHAPE: Shape = {
    use super::schema::{Key, Value};
    const fn text(name: &'static str) -> Key {
        Key { name, value: Value::Text, required: false, default: "", doc: "a text" }
    }
    Shape { doc: "test", keys: &[text("a"), text("b"), text("c")], named: None, plain_names: true }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_strings_are_exact_without_escapes() {
        let source = "a = \"one two\"\nb = \"o\\u006ee two\"\nc = '''\none two'''";
        let table = DeTable::parse(source).unwrap();
        let reader = Reader::new(source);
        let section = Section::new(&reader, "test", 0..0, table.get_ref(), &TEST_SHAPE);
        for (key, exact) in [("a", true), ("b", false), ("c", true)] {
            let key: &'static str = key;
            let text = section.text(key).unwrap();
            let place = text.place(text.text.split(' ').nth(1).unwrap());
            assert_eq!(&source[place.clone()] == "two", exact, "{key}: {:?}", &source[place]);
        }
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        assert_eq!(closest("subent", ["vpc", "subnet", "az"]), Some("subnet"));
        assert_eq!(closest("colour", ["vpc", "subnet", "az"]), None);
    }
}

//! The shape of scenario files, written once: which tables there are, which keys each has, what their values look like.
//!
//! Purpose: the reader knows from here which keys exist (`read::Section` refuses all others), and [`json_schema`] tells editors the same.
//! Non-goals: what values mean and how they fit together; that the reader checks.
//! Invariant: the reader asks for no key that is not here (it panics in debug builds).

mod json;
mod shapes;

pub(super) use shapes::ROOT;
#[cfg(test)]
pub(super) use shapes::step::STEP;

use serde_json::Value as Json;

/// The keys of one kind of table, or the kind of tables that stand below names of the user's choice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// What the table is, for editors.
    pub(super) doc: &'static str,
    /// Its keys, sorted.
    pub(super) keys: &'static [Key],
    /// What stands below names of the user's choice; such a table has no `keys`.
    pub(super) named: Option<&'static Shape>,
    /// Whether these names are plain words, as most are.
    pub(super) plain_names: bool,
}

/// One key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) value: Value,
    /// Whether it must be there.
    pub(super) required: bool,
    /// The default, as TOML; empty if leaving it out means that there is none.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Any text.
    Text,
    /// A text of this regular expression, with examples.
    Pattern(&'static str, &'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of a Region.
    Region,
    /// The name or id of another resource.
    Reference,
    /// An AWS id with this prefix.
    Id(&'static str),
    Boolean,
    /// A whole number from .. to.
    Integer(u64, u64),
    /// A number from 0 to 1.
    Share,
    /// US dollars: a number that is not negative.
    Amount,
    /// A date and time with zone, unquoted.
    Date,
    /// Either of two.
    Either(&'static Value, &'static Value),
    /// A list of such.
    List(&'static Value),
    /// A table.
    Table(&'static Shape),
    /// Tables headed `[[key]]`.
    Tables(&'static Shape),
}

impl Shape {
    /// The key called `name`.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The shape of the table, or of each of the tables, at `key`.
    pub(super) fn below(&self, key: &str) -> Option<&'static Shape> {
        self.key(key)?.value.shape()
    }
}

impl Value {
    fn shape(&self) -> Option<&'static Shape> {
        match self {
            Value::Table(shape) | Value::Tables(shape) => Some(shape),
            Value::Either(one, other) => one.shape().or_else(|| other.shape()),
            _ => None,
        }
    }
}

/// The JSON Schema (draft 7) of scenario files, for editors.
pub fn json_schema() -> Json {
    json::schema(&ROOT)
}

/// Every key of every table, with the place of its table: `("step.expect.*", "via")`.
pub fn keys() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    collect(&ROOT, "", &mut found);
    found
}

fn collect(shape: &'static Shape, path: &str, found: &mut Vec<(String, &'static str)>) {
    for key in shape.keys {
        found.push((path.to_owned(), key.name));
        if let Some(below) = key.value.shape() {
            let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            collect(below, &path, found);
        }
    }
    if let Some(named) = shape.named {
        collect(named, &format!("{path}.*"), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_sorted_unique_and_documented() {
        fn walk(shape: &'static Shape, seen: &mut usize) {
            assert!(shape.keys.is_empty() != shape.named.is_none(), "{}: keys or names", shape.doc);
            assert!(!shape.doc.is_empty());
            let names: Vec<&str> = shape.keys.iter().map(|key| key.name).collect();
            let sorted: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(names, sorted.into_iter().collect::<Vec<_>>(), "{}", shape.doc);
            for key in shape.keys {
                *seen += 1;
                assert!(key.doc.len() > 3 && !key.doc.ends_with('.'), "{}", key.name);
                assert!(!key.required || key.default.is_empty(), "{} is required: it has no default", key.name);
                if let Some(below) = key.value.shape() {
                    walk(below, seen);
                }
            }
            if let Some(named) = shape.named {
                walk(named, seen);
            }
        }
        let mut seen = 0;
        walk(&ROOT, &mut seen);
        assert_eq!(seen, keys().len());
        assert!(seen > 110, "only {seen} keys");
    }

    /// The defaults are what the reader takes: a file that spells them out gives the same settings.
    #[test]
    fn defaults_are_toml_of_the_right_type() {
        for (path, name) in keys() {
            let mut shape: &'static Shape = &ROOT;
            for part in path.split('.').filter(|part| !part.is_empty()) {
                shape = if part == "*" { shape.named.unwrap() } else { shape.below(part).unwrap() };
            }
            let key = shape.key(name).unwrap();
            if !key.default.is_empty() {
                let text = format!("x = {}\n", key.default);
                let parsed: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                let fits = match key.value {
                    Value::Boolean => parsed["x"].is_bool(),
                    Value::Integer(from, to) => {
                        parsed["x"].as_integer().is_some_and(|n| (from..=to).contains(&(n as u64)))
                    }
                    Value::Share | Value::Amount => parsed["x"].is_integer() || parsed["x"].is_float(),
                    Value::Word(words) => parsed["x"].as_str().is_some_and(|word| words.contains(&word)),
                    Value::Date => parsed["x"].is_datetime(),
                    Value::List(_) => parsed["x"].is_array(),
                    Value::Either(..) => true,
                    _ => parsed["x"].is_str(),
                };
                assert!(fits, "{path}.{name} = {}", key.default);
            }
        }
    }
}

//! The tables of one account in one Region: so far, their names.

use std::collections::BTreeSet;
use std::ops::Bound;

/// The shortest table name (API_CreateTable).
pub const NAME_LENGTH_MIN: usize = 3;
/// The longest table name (API_CreateTable).
pub const NAME_LENGTH_MAX: usize = 255;

/// Why a text is not a table's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{name}\" is not a table name: expected {NAME_LENGTH_MIN} to {NAME_LENGTH_MAX} letters, digits, \"_\", \".\" or \"-\""
)]
pub struct TableNameError {
    /// What was given.
    pub name: String,
}

/// Table names, in the order ListTables gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    names: BTreeSet<String>,
}

impl Tables {
    /// No tables.
    pub fn new() -> Tables {
        Tables::default()
    }

    /// Adds a table; adding it twice changes nothing.
    pub fn insert(&mut self, name: &str) -> Result<(), TableNameError> {
        if has_name_characters(name) && (NAME_LENGTH_MIN..=NAME_LENGTH_MAX).contains(&name.len()) {
            self.names.insert(name.to_owned());
            Ok(())
        } else {
            Err(TableNameError { name: name.to_owned() })
        }
    }

    /// At most `limit` names that come after `after`, and whether more follow.
    pub fn page(&self, after: Option<&str>, limit: usize) -> (Vec<&str>, bool) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = self.names.range::<str, _>((start, Bound::Unbounded)).map(String::as_str);
        let page = names.by_ref().take(limit).collect();
        (page, names.next().is_some())
    }
}

/// Whether `name` has characters, and only those a table's name may have.
pub(super) fn has_name_characters(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_sorted() {
        let mut tables = Tables::new();
        for name in ["b-2", "a_1", "b-2", "C.3"] {
            tables.insert(name).unwrap();
        }
        assert_eq!(tables.page(None, 2), (vec!["C.3", "a_1"], true));
        assert_eq!(tables.page(Some("a_1"), 2), (vec!["b-2"], false));
        assert_eq!(tables.page(None, 0), (vec![], true));
        for name in ["", "ab", "a b c", "tableä", &"x".repeat(256)] {
            assert_eq!(tables.insert(name), Err(TableNameError { name: name.to_owned() }));
        }
    }
}

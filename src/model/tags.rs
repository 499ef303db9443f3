//! Tags: what people call their resources.

use std::collections::BTreeMap;

/// Key and value pairs on a resource; `Name` is what consoles show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// Just a `Name`.
    pub fn named(name: &str) -> Self {
        Tags(BTreeMap::from([("Name".to_owned(), name.to_owned())]))
    }

    /// The `Name` tag.
    pub fn name(&self) -> Option<&str> {
        self.0.get("Name").map(String::as_str)
    }
}

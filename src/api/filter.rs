//! The `Filters` of describe calls: names, values, wildcards.
//!
//! A filter is a path into the resource's document. Values inside one filter are alternatives, filters all have to match; a
//! path through lists matches if any element does. `*` stands for any text, `?` for one character, `\` makes the next
//! character plain. Letter case matters. Which filters an operation has is a table per resource, as AWS documents them.
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html and the pages of the operations.

mod tables;
pub mod vpn;
mod transit;

pub use tables::*;
pub use transit::*;

use super::ApiError;
use super::execute::parameters::Parameters;
use serde_json::Value;

/// Values per filter that AWS takes.
const VALUES_PER_CALL: usize = 200;

/// The filters of one kind of resource.
#[derive(Debug)]
pub struct FilterTable {
    /// Filter name and path into the document, `("association.main", "Associations.Main")`.
    pub names: &'static [(&'static str, &'static str)],
    /// The path to a list of `{Key, Value}` for `tag:KEY` and `tag-key`; `Some("")` is the document itself.
    pub tags: Option<&'static str>,
}

/// One filter of a call, ready to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    test: Test,
    values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Path(&'static str),
    TagKey(&'static str),
    Tag { path: &'static str, key: String },
}

/// Reads `Filters`.
///
/// # Errors
/// `InvalidParameterValue` for a filter the operation does not have, `MissingParameter` for one without name or values,
/// `FilterLimitExceeded`.
pub fn parse(parameters: &Parameters<'_>, table: &FilterTable) -> Result<Vec<Filter>, ApiError> {
    let mut given = Vec::new();
    // DescribeNatGateways has the member in the singular.
    for filter in parameters.structures("Filters")?.into_iter().chain(parameters.structures("Filter")?) {
        given.push((filter.required_text("Name")?, filter.texts("Values")?));
        filter.finish()?;
    }
    of_pairs(given, table)
}

/// Filters from their names and values.
///
/// # Errors
/// As [`parse`].
pub fn of_pairs(
    given: impl IntoIterator<Item = (String, Vec<String>)>,
    table: &FilterTable,
) -> Result<Vec<Filter>, ApiError> {
    let mut filters = Vec::new();
    let mut value_count = 0;
    for (name, values) in given {
        if values.is_empty() {
            return Err(ApiError::missing_parameter("Filter.Value"));
        }
        value_count += values.len();
        if value_count > VALUES_PER_CALL {
            return Err(ApiError::new(
                "FilterLimitExceeded",
                format!("The maximum number of filter values specified on a single call is {VALUES_PER_CALL}"),
            ));
        }
        let test = table
            .test(&name)
            .ok_or_else(|| ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid")))?;
        filters.push(Filter { test, values });
    }
    Ok(filters)
}

/// Whether a document passes all filters.
pub fn passes(filters: &[Filter], document: &Value) -> bool {
    filters.iter().all(|filter| filter.matches(document))
}

impl FilterTable {
    fn test(&self, name: &str) -> Option<Test> {
        if let Some((_, path)) = self.names.iter().find(|(known, _)| *known == name) {
            return Some(Test::Path(path));
        }
        let path = self.tags?;
        if name == "tag-key" {
            return Some(Test::TagKey(path));
        }
        let key = name.strip_prefix("tag:")?.to_owned();
        Some(Test::Tag { path, key })
    }
}

impl Filter {
    fn matches(&self, document: &Value) -> bool {
        let any = |value: &Value| self.values.iter().any(|pattern| scalar_matches(pattern, value));
        match &self.test {
            Test::Path(path) => at(document, path).into_iter().any(any),
            Test::TagKey(path) => at(document, path).into_iter().any(|tag| tag.get("Key").is_some_and(any)),
            Test::Tag { path, key } => at(document, path)
                .into_iter()
                .any(|tag| tag.get("Key").and_then(Value::as_str) == Some(key) && tag.get("Value").is_some_and(any)),
        }
    }
}

/// Every value at a dotted path; lists on the way, and at the end, are walked element by element.
fn at<'v>(document: &'v Value, path: &str) -> Vec<&'v Value> {
    let flatten = |value: &'v Value| match value {
        Value::Array(elements) => elements.iter().collect(),
        other => vec![other],
    };
    let mut found = flatten(document);
    for member in path.split('.').filter(|member| !member.is_empty()) {
        found = found.into_iter().filter_map(|value| value.get(member)).flat_map(flatten).collect();
    }
    found
}

fn scalar_matches(pattern: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => wildcard_matches(pattern, text),
        Value::Bool(_) | Value::Number(_) => wildcard_matches(pattern, &value.to_string()),
        _ => false,
    }
}

/// One element of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Glob {
    Any,
    One,
    Plain(char),
}

/// Linear in the text for each star: only the last star is ever reconsidered.
fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let mut globs = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        globs.push(match character {
            '*' => Glob::Any,
            '?' => Glob::One,
            '\\' => Glob::Plain(characters.next().unwrap_or('\\')),
            plain => Glob::Plain(plain),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at_glob, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match globs.get(at_glob) {
            Some(Glob::Any) => {
                star = Some((at_glob, at_text));
                at_glob += 1;
            }
            Some(Glob::One) => (at_glob, at_text) = (at_glob + 1, at_text + 1),
            Some(Glob::Plain(plain)) if *plain == text[at_text] => (at_glob, at_text) = (at_glob + 1, at_text + 1),
            _ => match star {
                Some((glob, from)) => {
                    star = Some((glob, from + 1));
                    (at_glob, at_text) = (glob + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    globs[at_glob..].iter().all(|glob| *glob == Glob::Any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filters(table: &FilterTable, given: Value) -> Result<Vec<Filter>, ApiError> {
        let document = json!({"Filters": given});
        parse(&Parameters::of("DescribeVpcs", &document).unwrap(), table)
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a?c", "abc", true),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            ("abc", "ABC", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(wildcard_matches(pattern, text), expected, "{pattern} {text}");
        }
        // Many stars take no exponential time.
        assert!(!wildcard_matches(&"*a".repeat(50), &"a".repeat(49)));
    }

    #[test]
    fn values_are_alternatives_and_filters_all_count() {
        let document = json!({"VpcId": "vpc-1", "IsDefault": true, "Tags": [{"Key": "Name", "Value": "web"}]});
        let passes = |given: Value| passes(&filters(&VPCS, given).unwrap(), &document);
        assert!(passes(json!([{"Name": "vpc-id", "Values": ["vpc-2", "vpc-1"]}])));
        assert!(passes(json!([{"Name": "is-default", "Values": ["true"]}, {"Name": "tag:Name", "Values": ["w*"]}])));
        assert!(!passes(json!([{"Name": "is-default", "Values": ["true"]}, {"Name": "vpc-id", "Values": ["vpc-2"]}])));
        assert!(passes(json!([{"Name": "tag-key", "Values": ["Name"]}])));
        assert!(!passes(json!([{"Name": "tag:name", "Values": ["web"]}])));
    }

    #[test]
    fn paths_lead_through_lists() {
        let document = json!({"Associations": [{"Main": false}, {"Main": true}]});
        assert!(passes(
            &filters(&ROUTE_TABLES, json!([{"Name": "association.main", "Values": ["true"]}])).unwrap(),
            &document
        ));
    }

    #[test]
    fn refusals() {
        let code = |given: Value| filters(&VPCS, given).unwrap_err().code;
        let unknown = filters(&VPCS, json!([{"Name": "colour", "Values": ["x"]}])).unwrap_err();
        assert_eq!(unknown.message, "The filter 'colour' is invalid");
        assert_eq!(code(json!([{"Name": "vpc-id"}])), "MissingParameter");
        assert_eq!(code(json!([{"Values": ["x"]}])), "MissingParameter");
        assert_eq!(code(json!([{"Name": "vpc-id", "Values": vec!["x"; 201]}])), "FilterLimitExceeded");
    }
}
